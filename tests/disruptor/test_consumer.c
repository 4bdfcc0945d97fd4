/* Consumers: what they see and when, how much at once, what a poll says, how they wait, what they
 * count. */
#include "tests/disruptor/ring_fixture.h"

enum { SHORT_NS = 1000 };

static uint64_t look(uint32_t index)
{
    return number(mr_consumer_look(consumer(index)));
}

static uint64_t wait_for(uint32_t index)
{
    return number(mr_consumer_wait(consumer(index)));
}

static void release(uint32_t index, uint64_t n)
{
    mr_consumer_release(consumer(index), at(n));
}

static void limit_batches(uint32_t index, uint64_t after, uint32_t batch_max)
{
    assert_int_equal(add_as(index, after, (struct mr_consumer_options){.batch_max = batch_max}),
                     MR_OK);
}

/* -- Looking. ---------------------------------------------------------------------------------- */

static void a_consumer_sees_nothing_before_its_dependencies_release(void)
{
    /* A diamond: 0, then 1 and 2, then 3. */
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    add(2, 1U << 0);
    add(3, 1U << 1 | 1U << 2);
    produce(6);
    assert_int_equal(available(1), 0);
    handle(0, 5);
    assert_int_equal(available(1), 5);
    assert_int_equal(available(2), 5);
    assert_int_equal(available(3), 0);
    handle(1, 4);
    assert_int_equal(available(3), 0);
    handle(2, 2);
    assert_int_equal(available(3), 2);
    handle(2, 5);
    handle(3, 2);
    assert_int_equal(available(3), 4);
}

static void what_one_writes_to_a_slot_those_after_it_read(void)
{
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    for (uint64_t n = 0; n < 2 * CAPACITY; n++) {
        produce(1);
        assert_int_equal(available(0), n + 1);
        *(uint64_t *)mr_ring_slot(&fixture.ring, at(n)) = ~n;
        release(0, n + 1);
        assert_int_equal(available(1), n + 1);
        assert_int_equal(*(uint64_t *)mr_ring_slot(&fixture.ring, at(n)), ~n);
        release(1, n + 1);
    }
}

static void what_is_available_is_looked_up_again_only_when_used_up(void)
{
    ring_open();
    add(0, 0);
    produce(2);
    assert_int_equal(available(0), 2);
    produce(2);
    assert_int_equal(available(0), 2);
    release(0, 1);
    assert_int_equal(available(0), 2);
    release(0, 2);
    assert_int_equal(available(0), 4);
}

static void a_look_looks_again_in_any_case(void)
{
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    for (uint64_t n = 1; n <= 5; n++) {
        produce(1);
        assert_int_equal(look(0), n);
        assert_int_equal(available(0), n);
        release(0, n);
        assert_int_equal(look(1), n);
    }
    release(1, 3);
    assert_int_equal(look(1), 5);
}

/* Looking at the next mark would take the line away from the producer that is about to write it. */
static void in_the_latency_layout_a_look_at_the_tail_takes_one_message(void)
{
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    for (uint64_t n = 0; n < 3 * CAPACITY; n += 4) {
        assert_int_equal(look(0), n);
        assert_int_equal(look(1), n);
        produce(4);
        assert_int_equal(available(0), n + (is_latency() ? 1 : 4));
        assert_int_equal(look(0), n + 4);
        release(0, n + 4);
        assert_int_equal(available(1), n + 4);
        release(1, n + 4);
    }
}

static void a_look_through_marks_is_bounded_but_never_empty(void)
{
    enum { LARGE = 4096 };
    uint64_t looks = 0;
    fixture.options.capacity = LARGE;
    ring_open();
    add(0, 0);
    produce(LARGE);
    for (uint64_t next = 0; next != LARGE; looks++) {
        uint64_t more = available(0);
        assert_true(more > next && more <= LARGE);
        assert_true(more - next <= LARGE / 2 || fixture.ring.marks == NULL);
        release(0, more);
        next = more;
    }
    assert_int_equal(looks > 1, is_latency() || is_multi());
}

/* -- Batches. ---------------------------------------------------------------------------------- */

static void a_batch_limit_holds_for_every_way_to_look_and_then_resumes(void)
{
    ring_open();
    limit_batches(0, 0, 3);
    produce(CAPACITY);
    assert_int_equal(available(0), 3);
    assert_int_equal(look(0), 3);
    assert_int_equal(look(0), 3);
    assert_int_equal(wait_for(0), 3);
    release(0, 1);
    assert_int_equal(available(0), 3);
    assert_int_equal(wait_for(0), 3);
    assert_int_equal(look(0), 4);
    release(0, 4);
    assert_int_equal(wait_for(0), 7);
    uint64_t next;
    release(0, 7);
    assert_int_equal(mr_consumer_poll(consumer(0), &next), MR_POLL_PROCESSING);
    assert_int_equal(next, at(8));
    release(0, 8);
    assert_int_equal(look(0), 8);
}

static void a_batch_limit_holds_behind_others_too(void)
{
    ring_open();
    add(0, 0);
    limit_batches(1, 1U << 0, 2);
    limit_batches(2, 1U << 0, 1);
    limit_batches(3, 1U << 0, UINT32_MAX);
    produce(5);
    handle(0, 5);
    for (uint64_t n = 0; n < 5; n++) {
        assert_int_equal(available(2), n + 1);
        release(2, n + 1);
    }
    assert_int_equal(available(1), 2);
    release(1, 2);
    assert_int_equal(wait_for(1), 4);
    release(1, 4);
    assert_int_equal(look(1), 5);
    assert_int_equal(look(3), 5);
}

/* -- Polls. ------------------------------------------------------------------------------------ */

static void assert_poll(uint32_t index, enum mr_poll expected, uint64_t next_expected)
{
    uint64_t next = 77;
    assert_int_equal(mr_consumer_poll(consumer(index), &next), expected);
    assert_int_equal(next, at(next_expected));
}

static void a_poll_says_who_holds_a_consumer_up(void)
{
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    for (uint64_t n = 0; n < 3 * CAPACITY; n += 3) {
        assert_poll(0, MR_POLL_IDLE, n);
        assert_poll(1, MR_POLL_IDLE, n);
        assert_int_equal(claim(3), n);
        assert_poll(1, MR_POLL_IDLE, n);
        publish(n, 1);
        assert_poll(0, MR_POLL_PROCESSING, n + 1);
        assert_poll(1, MR_POLL_GATED, n);
        publish(n + 1, 2);
        assert_poll(0, MR_POLL_PROCESSING, n + 1);
        release(0, n + 1);
        assert_poll(0, MR_POLL_PROCESSING, n + 3);
        assert_poll(1, MR_POLL_PROCESSING, n + 1);
        release(1, n + 1);
        assert_poll(1, MR_POLL_GATED, n + 1);
        release(0, n + 3);
        assert_poll(0, MR_POLL_IDLE, n + 3);
        assert_poll(1, MR_POLL_PROCESSING, n + 3);
        release(1, n + 3);
    }
}

static void what_comes_behind_a_gap_is_no_work_yet(void)
{
    if (!is_multi())
        return;
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    assert_int_equal(claim(2), 0);
    publish(1, 1);
    assert_poll(0, MR_POLL_IDLE, 0);
    assert_poll(1, MR_POLL_IDLE, 0);
    publish(0, 1);
    assert_poll(1, MR_POLL_GATED, 0);
    handle(0, 2);
    assert_poll(1, MR_POLL_PROCESSING, 2);
}

/* -- Waiting. ---------------------------------------------------------------------------------- */

static void a_time_limit_ends_a_wait_for_nothing(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        const struct mr_wait wait = {
            .kind = *kind, .spins = 2, .yields = 2, .sleep_ns = 100, .timeout_ns = 5 * SHORT_NS};
        const struct mr_consumer_options options = {.wait = &wait};
        ring_open();
        assert_int_equal(add_as(0, 0, options), MR_OK);
        assert_int_equal(add_as(1, 1U << 0, options), MR_OK);
        assert_int_equal(wait_for(0), 0);
        produce(2);
        assert_int_equal(wait_for(1), 0);
        assert_int_equal(look_all(0), 2);
        assert_int_equal(wait_for(0), 2);
        release(0, 2);
        assert_int_equal(wait_for(1), 2);
        assert_int_equal(wait_for(0), 2);
    }
}

static void an_alerted_wait_returns_and_a_cleared_alert_is_forgotten(void)
{
    ring_open();
    add(0, 0);
    add(1, 0);
    assert_false(mr_consumer_alerted(consumer(0)));
    mr_consumer_alert(consumer(0));
    assert_true(mr_consumer_alerted(consumer(0)));
    assert_false(mr_consumer_alerted(consumer(1)));
    assert_int_equal(wait_for(0), 0);
    assert_int_equal(wait_for(0), 0);
    produce(1);
    assert_int_equal(wait_for(0), 1);
    release(0, 1);
    assert_int_equal(wait_for(0), 1);
    mr_consumer_alert_clear(consumer(0));
    assert_false(mr_consumer_alerted(consumer(0)));
    produce(1);
    assert_int_equal(wait_for(0), 2);
}

static void *wait_for_nothing(void *argument)
{
    struct mr_consumer *self = argument;
    ASSERT(mr_consumer_wait(self) == mr_consumer_position(self));
    return NULL;
}

static void an_alert_ends_the_wait_of_its_consumer(void)
{
    FOR_EACH_WAIT_KIND(kind)
    for (uint32_t who = 0; who < 2; who++) {
        ring_open_waiting(MR_WAIT_SPIN, *kind);
        add(0, 0);
        add(1, 1U << 0);
        pthread_t thread = thread_start(wait_for_nothing, consumer(who));
        if (*kind == MR_WAIT_PARK)
            await_sleeper(who == 0 ? &fixture.ring.publication : &fixture.ring.release);
        mr_consumer_alert(consumer(who));
        thread_join(thread);
    }
}

static void *publish_and_halt(void *argument)
{
    (void)argument;
    publish(0, 1);
    mr_ring_halt(&fixture.ring);
    return NULL;
}

static void what_is_published_right_before_a_halt_is_not_missed(void)
{
    for (int i = 0; i < 60; i++) {
        ring_open_waiting(MR_WAIT_YIELD, MR_WAIT_YIELD);
        add(0, 0);
        assert_int_equal(claim(1), 0);
        pthread_t thread = thread_start(publish_and_halt, NULL);
        assert_int_equal(wait_for(0), 1);
        thread_join(thread);
    }
}

/* -- Each waits in its own way. ---------------------------------------------------------------- */

static void *wait_for_one(void *argument)
{
    struct mr_consumer *self = argument;
    uint64_t from = mr_consumer_position(self);
    ASSERT(mr_consumer_wait(self) == from + 1);
    ASSERT(slot_holds(from));
    mr_consumer_release(self, from + 1);
    return NULL;
}

static const struct mr_wait quick_park = {
    .kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = MR_WAIT_FOREVER};

static void add_parking(uint32_t index, uint64_t after)
{
    assert_int_equal(add_as(index, after, (struct mr_consumer_options){.wait = &quick_park}),
                     MR_OK);
}

/* Makes a pipeline of two that park, early or in a running ring, where the ring's own options say
 * `producers` and `consumers`. */
static void open_parking(enum mr_wait_kind producers, enum mr_wait_kind consumers, bool late)
{
    ring_open_waiting(producers, consumers);
    if (late)
        produce(1);
    add_parking(0, 0);
    add_parking(1, 1U << 0);
    if (!late)
        produce(1);
    handle(0, 1);
    handle(1, 1);
}

/* Sends a few messages through that pipeline, once those are about to sleep that should be. */
static void send_through(bool first_parks, bool second_parks)
{
    for (int i = 0; i < 4; i++) {
        pthread_t first = thread_start(wait_for_one, consumer(0));
        pthread_t second = thread_start(wait_for_one, consumer(1));
        if (first_parks)
            await_sleeper(&fixture.ring.publication);
        if (second_parks)
            await_sleeper(&fixture.ring.release);
        let_others_run();
        produce(1);
        thread_join(first);
        thread_join(second);
    }
    /* Those whom nobody would wake must not announce a sleep. */
    if (!first_parks)
        assert_int_equal(mr_atomic_load(&fixture.ring.publication.word, relaxed), 0);
    if (!second_parks)
        assert_int_equal(mr_atomic_load(&fixture.ring.release.word, relaxed), 0);
}

static void who_parks_is_woken_in_a_ring_whose_consumers_park(void)
{
    for (int late = 0; late < 2; late++) {
        open_parking(MR_WAIT_SPIN, MR_WAIT_PARK, late != 0);
        send_through(true, true);
    }
}

static void who_comes_after_others_is_woken_also_where_only_producers_park(void)
{
    for (int late = 0; late < 2; late++) {
        open_parking(MR_WAIT_PARK, MR_WAIT_SPIN, late != 0);
        send_through(false, true);
    }
}

static void who_parks_where_nobody_wakes_it_naps_and_misses_nothing(void)
{
    for (int late = 0; late < 2; late++) {
        open_parking(MR_WAIT_SPIN, MR_WAIT_SPIN, late != 0);
        send_through(false, false);
        for (uint32_t who = 0; who < 2; who++) {
            pthread_t thread = thread_start(wait_for_nothing, consumer(who));
            let_others_run();
            mr_consumer_alert(consumer(who));
            thread_join(thread);
        }
    }
}

enum { HANDED_OVER = 300 };

static void *consume_all(void *argument)
{
    struct mr_consumer *self = argument;
    for (uint64_t n = 0; n < HANDED_OVER; n++) {
        ASSERT(mr_consumer_wait(self) == at(n + 1));
        mr_consumer_release(self, at(n + 1));
    }
    return NULL;
}

/* Three that sleep as soon as they can, and a ring that is full with one message: each wakes the
 * next one all the time, in the moment in which that falls asleep. */
static void no_wake_up_is_lost_between_those_that_park(void)
{
    fixture.options.capacity = 1;
    fixture.options.consumer_wait = quick_park;
    fixture.options.producer_wait = quick_park;
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    pthread_t first = thread_start(consume_all, consumer(0));
    pthread_t second = thread_start(consume_all, consumer(1));
    for (uint64_t n = 0; n < HANDED_OVER; n++) {
        uint64_t position = 0;
        assert_int_equal(mr_ring_claim(&fixture.ring, 1, &position), MR_OK);
        publish(n, 1);
    }
    thread_join(first);
    thread_join(second);
}

static void who_does_not_park_announces_no_sleep(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        const struct mr_wait wait = {
            .kind = *kind, .spins = 1, .yields = 1, .timeout_ns = 5 * SHORT_NS};
        ring_open_waiting(MR_WAIT_PARK, MR_WAIT_PARK);
        assert_int_equal(add_as(0, 0, (struct mr_consumer_options){.wait = &wait}), MR_OK);
        assert_int_equal(add_as(1, 1, (struct mr_consumer_options){.wait = &wait}), MR_OK);
        assert_int_equal(wait_for(0), 0);
        assert_int_equal(wait_for(1), 0);
        if (*kind == MR_WAIT_PARK)
            continue;
        assert_int_equal(mr_atomic_load(&fixture.ring.publication.word, relaxed), 0);
        assert_int_equal(mr_atomic_load(&fixture.ring.release.word, relaxed), 0);
    }
}

/* -- Counters. --------------------------------------------------------------------------------- */

#define assert_counter(index, counter, expected) \
    assert_int_equal(mr_atomic_load(&consumer(index)->counters.counter, relaxed), expected)

static void counters_tell_how_large_batches_are(void)
{
    const uint64_t batches[] = {1, 2, 3, 4, 7, 8, 1};
    uint64_t next = 0;
    ring_open();
    add(0, 0);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        produce((uint32_t)batches[i]);
        assert_int_equal(available(0), next + batches[i]);
        next += batches[i];
        if (batches[i] > 1)
            release(0, next - 1);
        assert_int_equal(available(0), next); /* known already: no look */
        release(0, next);
        assert_counter(0, batches, i + 1);
    }
    assert_counter(0, batch_largest, 8);
    assert_counter(0, batch_sizes[0], 2);
    assert_counter(0, batch_sizes[1], 2);
    assert_counter(0, batch_sizes[2], 2);
    assert_counter(0, batch_sizes[3], 1);
    for (int i = 4; i < MR_BATCH_SIZES; i++)
        assert_counter(0, batch_sizes[i], 0);
    assert_counter(0, empty, 0);
    assert_counter(0, stalls, 0);
    assert_counter(0, sleeps, 0);
}

static void counters_tell_what_looks_and_waits_found_nothing(void)
{
    ring_open();
    add(0, 0);
    assert_int_equal(available(0), 0);
    assert_int_equal(look(0), 0);
    assert_counter(0, empty, 2);
    assert_counter(0, stalls, 0);
    mr_consumer_alert(consumer(0));
    assert_int_equal(wait_for(0), 0);
    assert_int_equal(wait_for(0), 0);
    assert_counter(0, stalls, 2);
    assert_counter(0, sleeps, 0);
    assert_counter(0, batches, 0);
    produce(1);
    assert_int_equal(wait_for(0), 1);
    assert_counter(0, stalls, 2);
    assert_counter(0, batches, 1);
    uint64_t empty = mr_atomic_load(&consumer(0)->counters.empty, relaxed);
    assert_int_equal(wait_for(0), 1);
    assert_counter(0, empty, empty);
}

static void a_full_batch_limit_is_no_empty_look(void)
{
    ring_open();
    limit_batches(0, 0, 2);
    produce(4);
    assert_int_equal(look(0), 2);
    assert_int_equal(look(0), 2);
    assert_counter(0, empty, 0);
    assert_counter(0, batches, 1);
}

static uint64_t sleeps_of(uint32_t index)
{
    return mr_atomic_load(&consumer(index)->counters.sleeps, relaxed);
}

static void only_who_sleeps_counts_sleeps(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        const struct mr_wait wait = {
            .kind = *kind, .spins = 1, .yields = 1, .sleep_ns = 10, .timeout_ns = 100 * SHORT_NS};
        bool sleeps = *kind == MR_WAIT_PARK || *kind == MR_WAIT_SLEEP;
        uint64_t waits = 0;
        ring_open_waiting(MR_WAIT_SPIN, MR_WAIT_SPIN);
        assert_int_equal(add_as(0, 0, (struct mr_consumer_options){.wait = &wait}), MR_OK);
        do {
            /* Where others keep the core for long, the time may be over before the first sleep. */
            assert_int_equal(wait_for(0), 0);
            assert_counter(0, stalls, ++waits);
        } while (sleeps_of(0) == 0 && sleeps && waits < 1000);
        assert_int_equal(sleeps_of(0) > 0, sleeps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_shapes(a_consumer_sees_nothing_before_its_dependencies_release),
        over_shapes(what_one_writes_to_a_slot_those_after_it_read),
        over_shapes(what_is_available_is_looked_up_again_only_when_used_up),
        over_shapes(a_look_looks_again_in_any_case),
        over_shapes(in_the_latency_layout_a_look_at_the_tail_takes_one_message),
        over_shapes(a_look_through_marks_is_bounded_but_never_empty),
        over_shapes(a_batch_limit_holds_for_every_way_to_look_and_then_resumes),
        over_shapes(a_batch_limit_holds_behind_others_too),
        over_shapes(a_poll_says_who_holds_a_consumer_up),
        over_shapes(what_comes_behind_a_gap_is_no_work_yet),
        over_shapes(a_time_limit_ends_a_wait_for_nothing),
        over_shapes(an_alerted_wait_returns_and_a_cleared_alert_is_forgotten),
        over_shapes(an_alert_ends_the_wait_of_its_consumer),
        over_shapes(what_is_published_right_before_a_halt_is_not_missed),
        over_shapes(who_parks_is_woken_in_a_ring_whose_consumers_park),
        over_shapes(who_comes_after_others_is_woken_also_where_only_producers_park),
        over_shapes(who_parks_where_nobody_wakes_it_naps_and_misses_nothing),
        over_shapes(no_wake_up_is_lost_between_those_that_park),
        over_shapes(who_does_not_park_announces_no_sleep),
        over_shapes(counters_tell_how_large_batches_are),
        over_shapes(counters_tell_what_looks_and_waits_found_nothing),
        over_shapes(a_full_batch_limit_is_no_empty_look),
        over_shapes(only_who_sleeps_counts_sleeps),
    };
    return cmocka_run_group_tests_name("consumer", tests, NULL, NULL);
}
