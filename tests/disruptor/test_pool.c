/* Workers that share a stream: each position goes to one of them, and nothing held is reused. */
#include "tests/disruptor/ring_fixture.h"

#include <millrace/pool.h>

enum { WORKERS = 3, CHUNK = 2 };

static struct mr_pool pool;
static struct mr_worker workers[MR_POOL_WORKERS_MAX + 1];

static void pool_open(uint32_t count)
{
    const struct mr_consumer_options options = {.batch_max = CHUNK};
    memset(workers, 0xa5, sizeof workers);
    assert_int_equal(mr_pool_init(&pool, &fixture.ring, workers, count, &options, NULL), MR_OK);
}

/* A worker takes [from, next). */
static void expect_take(uint32_t worker, uint64_t from, uint64_t next)
{
    uint64_t first, end;
    assert_int_equal(mr_worker_take(&workers[worker], &first, &end), MR_POLL_PROCESSING);
    assert_int_equal(number(first), from);
    assert_int_equal(number(end), next);
    assert_true(slots_hold(first, end));
}

static void expect_nothing(uint32_t worker, enum mr_poll why)
{
    uint64_t first, next;
    assert_int_equal(mr_worker_take(&workers[worker], &first, &next), why);
    assert_false(mr_worker_in_hand(&workers[worker], &first, &next));
}

static void done(uint32_t worker, uint64_t next)
{
    mr_worker_release(&workers[worker], at(next));
}

static uint64_t slowest(void)
{
    return number(mr_ring_slowest(&fixture.ring));
}

/* In the latency layout a worker at the tail sees one position at a time; this one then does not
 * wait there. */
static void wake_from_tail(uint32_t worker)
{
    workers[worker].consumer.at_tail = false;
}

/* -- Taking. ----------------------------------------------------------------------------------- */

static void workers_take_chunks_of_what_is_there_and_no_more(void)
{
    ring_open();
    pool_open(WORKERS);
    expect_nothing(0, MR_POLL_IDLE);
    wake_from_tail(0);
    produce(5);
    expect_take(0, 0, 2);
    expect_take(1, 2, 4);
    expect_take(2, 4, 5);
    assert_int_equal(number(mr_pool_taken(&pool)), 5);
    done(1, 4);
    expect_nothing(1, MR_POLL_IDLE);
    produce(1);
    wake_from_tail(1);
    expect_take(1, 5, 6);
}

static void a_worker_without_work_holds_nobody_up(void)
{
    ring_open();
    pool_open(WORKERS);
    for (uint64_t n = 0; n < 10 * CAPACITY; n += CHUNK) {
        produce(CHUNK);
        wake_from_tail(0);
        expect_take(0, n, n + CHUNK); /* workers 1 and 2 never do anything */
        done(0, n + CHUNK);
        assert_int_equal(slowest(), n + CHUNK);
    }
}

static void what_a_worker_has_in_hand_is_not_reused(void)
{
    ring_open();
    pool_open(WORKERS);
    produce(CAPACITY);
    expect_take(0, 0, 2);
    expect_take(1, 2, 4);
    expect_take(2, 4, 6);
    done(1, 4);
    done(2, 6);
    assert_int_equal(slowest(), 0);
    assert_full();
    done(0, 1); /* a part */
    assert_int_equal(slowest(), 1);
    assert_int_equal(claim(1), CAPACITY);
    assert_full();
    done(0, 2);
    assert_int_equal(slowest(), 6);
    assert_int_equal(claim(5), CAPACITY + 1);
    assert_full();
}

static void what_is_in_hand_can_be_taken_over(void)
{
    uint64_t first, next;
    ring_open();
    pool_open(WORKERS);
    produce(4);
    assert_false(mr_worker_in_hand(&workers[0], &first, &next));
    expect_take(0, 0, 2);
    assert_true(mr_worker_in_hand(&workers[0], &first, &next));
    assert_int_equal(number(first), 0);
    assert_int_equal(number(next), 2);
    done(0, 1);
    assert_true(mr_worker_in_hand(&workers[0], &first, &next));
    assert_int_equal(number(first), 1);
    done(0, 2);
    assert_false(mr_worker_in_hand(&workers[0], &first, &next));
    expect_take(0, 2, 4);
    assert_true(mr_worker_in_hand(&workers[0], &first, &next));
    assert_int_equal(number(first), 2);
}

static void counters_tell_chunks_and_positions(void)
{
    ring_open();
    pool_open(2);
    produce(5);
    expect_take(0, 0, 2);
    expect_take(1, 2, 4);
    done(1, 4);
    expect_take(1, 4, 5);
    done(0, 1);
    done(1, 5);
    assert_int_equal(mr_atomic_load(&workers[0].chunks, relaxed), 1);
    assert_int_equal(mr_atomic_load(&workers[0].handled, relaxed), 1);
    assert_int_equal(mr_atomic_load(&workers[1].chunks, relaxed), 2);
    assert_int_equal(mr_atomic_load(&workers[1].handled, relaxed), 3);
    assert_int_equal(mr_atomic_load(&workers[0].lost, relaxed), 0);
}

/* -- In a graph. ------------------------------------------------------------------------------- */

static void a_pool_stays_behind_those_it_comes_after(void)
{
    struct mr_consumer *before[] = {consumer(0)};
    const struct mr_consumer_options options = {.after = before, .after_count = 1};
    ring_open();
    add(0, 0);
    assert_int_equal(mr_pool_init(&pool, &fixture.ring, workers, 2, &options, NULL), MR_OK);
    expect_nothing(0, MR_POLL_IDLE);
    produce(4);
    expect_nothing(0, MR_POLL_GATED);
    handle(0, 3);
    expect_take(0, 0, 3); /* chunks as large as MR_POOL_CHUNK */
    done(0, 3);
    expect_nothing(0, MR_POLL_GATED);
    handle(0, 4);
    expect_take(1, 3, 4);
}

static void those_after_a_pool_see_only_what_all_workers_have_handled(void)
{
    struct mr_consumer *members[WORKERS + 1];
    ring_open();
    pool_open(WORKERS);
    const struct mr_consumer_options options = {.after = members,
                                                .after_count = mr_pool_consumers(&pool, members)};
    assert_int_equal(options.after_count, WORKERS + 1);
    assert_int_equal(mr_ring_consumer_add(&fixture.ring, consumer(0), &options, NULL), MR_OK);
    produce(6);
    assert_int_equal(look_all(0), 0);
    expect_take(0, 0, 2);
    expect_take(1, 2, 4);
    assert_int_equal(look_all(0), 0);
    done(1, 4);
    assert_int_equal(look_all(0), 0);
    done(0, 2);
    assert_int_equal(look_all(0), 4);
    handle(0, 4);
    assert_int_equal(slowest(), 4);
    assert_int_equal(mr_pool_leave(&pool, NULL), MR_E_INVALID); /* it is followed */
}

static void producers_watch_the_workers_also_of_a_pool_that_is_followed(void)
{
    struct mr_consumer *members[WORKERS + 1];
    ring_open();
    pool_open(WORKERS);
    produce(CAPACITY);
    expect_take(0, 0, 2);
    /* A newcomer behind the pool begins where the next chunk does, before worker 0 is done. */
    const struct mr_consumer_options options = {.after = members,
                                                .after_count = mr_pool_consumers(&pool, members)};
    assert_int_equal(mr_ring_consumer_add(&fixture.ring, consumer(0), &options, NULL), MR_OK);
    assert_int_equal(position(0), 2);
    assert_int_equal(slowest(), 0);
    assert_full();
    assert_int_equal(look_all(0), 2);
    done(0, 2);
    assert_int_equal(slowest(), 2);
}

static void a_pool_that_left_holds_nothing_and_another_goes_on_there(void)
{
    ring_open();
    pool_open(2);
    produce(6);
    expect_take(0, 0, 2);
    expect_take(1, 2, 4);
    done(0, 2);
    assert_int_equal(mr_pool_leave(&pool, NULL), MR_OK);
    assert_int_equal(mr_atomic_load(&fixture.ring.gating, relaxed), 0);
    assert_int_equal(slowest(), 2); /* what worker 1 had in hand is still held */
    pool_open(2);
    expect_take(0, 2, 4);
    expect_take(1, 4, 6);
}

/* -- Limits. ----------------------------------------------------------------------------------- */

static void a_pool_takes_one_cursor_more_than_it_has_workers(void)
{
    ring_open();
    assert_int_equal(mr_pool_init(&pool, &fixture.ring, workers, 0, NULL, NULL), MR_E_INVALID);
    assert_int_equal(
        mr_pool_init(&pool, &fixture.ring, workers, MR_POOL_WORKERS_MAX + 1, NULL, NULL),
        MR_E_LIMIT);
    add(0, 0);
    assert_int_equal(mr_pool_init(&pool, &fixture.ring, workers, MR_POOL_WORKERS_MAX, NULL, NULL),
                     MR_E_LIMIT);
    leave(0);
    pool_open(MR_POOL_WORKERS_MAX);
    assert_int_equal(mr_ring_consumer_add(&fixture.ring, consumer(0), NULL, NULL), MR_E_LIMIT);
    assert_int_equal(mr_pool_leave(&pool, NULL), MR_OK);
    add(0, 0);
}

/* -- Waiting. ---------------------------------------------------------------------------------- */

static void *wait_for_one(void *argument)
{
    uint64_t first = 0, next = 0;
    ASSERT(mr_worker_wait(argument, &first, &next));
    ASSERT(next == first + 1);
    return NULL;
}

static void a_waiting_worker_is_given_what_comes(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        ring_open_waiting(MR_WAIT_PARK, *kind);
        pool_open(1);
        pthread_t thread = thread_start(wait_for_one, &workers[0]);
        if (*kind == MR_WAIT_PARK)
            await_sleeper(&fixture.ring.publication);
        produce(1);
        thread_join(thread);
    }
}

static void *wait_for_none(void *argument)
{
    uint64_t first, next;
    ASSERT(!mr_worker_wait(argument, &first, &next));
    return NULL;
}

static void a_halt_and_an_alert_end_the_wait_of_a_worker(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        ring_open_waiting(MR_WAIT_PARK, *kind);
        pool_open(2);
        pthread_t alerted = thread_start(wait_for_none, &workers[0]);
        mr_consumer_alert(&workers[0].consumer);
        thread_join(alerted);
        pthread_t halted = thread_start(wait_for_none, &workers[1]);
        mr_ring_halt(&fixture.ring);
        thread_join(halted);
    }
}

static void *claim_one(void *argument)
{
    uint64_t first = 0;
    (void)argument;
    ASSERT(mr_ring_claim(&fixture.ring, 1, &first) == MR_OK);
    return NULL;
}

static void a_worker_that_is_done_wakes_a_producer(void)
{
    ring_open_waiting(MR_WAIT_PARK, MR_WAIT_PARK);
    pool_open(2);
    produce(CAPACITY);
    expect_take(0, 0, 2);
    pthread_t thread = thread_start(claim_one, NULL);
    await_sleeper(&fixture.ring.release);
    done(0, 2);
    thread_join(thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_shapes(workers_take_chunks_of_what_is_there_and_no_more),
        over_shapes(a_worker_without_work_holds_nobody_up),
        over_shapes(what_a_worker_has_in_hand_is_not_reused),
        over_shapes(what_is_in_hand_can_be_taken_over),
        over_shapes(counters_tell_chunks_and_positions),
        over_shapes(a_pool_stays_behind_those_it_comes_after),
        over_shapes(those_after_a_pool_see_only_what_all_workers_have_handled),
        over_shapes(producers_watch_the_workers_also_of_a_pool_that_is_followed),
        over_shapes(a_pool_that_left_holds_nothing_and_another_goes_on_there),
        over_shapes(a_pool_takes_one_cursor_more_than_it_has_workers),
        over_shapes(a_waiting_worker_is_given_what_comes),
        over_shapes(a_halt_and_an_alert_end_the_wait_of_a_worker),
        over_shapes(a_worker_that_is_done_wakes_a_producer),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
