/* Consumers: what they see and when, how much at once, what a poll says, what they count. */
#include "tests/disruptor/ring_fixture.h"

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
        over_shapes(counters_tell_how_large_batches_are),
        over_shapes(counters_tell_what_looks_and_waits_found_nothing),
        over_shapes(a_full_batch_limit_is_no_empty_look),
    };
    return cmocka_run_group_tests_name("consumer", tests, NULL, NULL);
}
