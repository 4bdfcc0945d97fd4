/* The ring as a whole, in one thread and between threads: its memory, what it reports, how it
 * drains and halts. */
#include "tests/disruptor/ring_fixture.h"

#include <millrace/mapping.h>

#include <sys/mman.h>

/* -- Options and memory. ----------------------------------------------------------------------- */

static void bad_options_are_refused_and_leave_the_ring_untouched(void **state)
{
    (void)state;
    enum { BAD = 11 };
    static alignas(MR_RING_PADDING) unsigned char memory[1024];
    static struct mr_ring ring, untouched;
    const struct mr_ring_options good = {.capacity = 8, .slot_size = 8, .memory = memory};
    struct mr_ring_options bad[BAD];
    for (size_t i = 0; i < BAD; i++)
        bad[i] = good;
    bad[0].capacity = 0;
    bad[1].capacity = 12;
    bad[2].capacity = UINT64_C(1) << 31;
    bad[3].capacity = UINT64_C(1) << 63;
    bad[4].slot_size = 0;
    bad[5].producers = (enum mr_producers)2;
    bad[6].layout = (enum mr_ring_layout)2;
    bad[7].producer_wait.kind = (enum mr_wait_kind)4;
    bad[8].consumer_wait.kind = (enum mr_wait_kind)4;
    bad[9].memory = NULL;
    bad[10].memory = memory + 64;

    memset(&ring, 0x5a, sizeof ring);
    memset(&untouched, 0x5a, sizeof untouched);
    for (size_t i = 0; i < BAD; i++) {
        struct mr_error error = {0};
        assert_int_equal(mr_ring_init(&ring, &bad[i], &error), MR_E_INVALID);
        assert_int_equal(error.code, MR_E_INVALID);
        assert_true(strlen(error.text) > 0);
        assert_int_equal(mr_ring_init(&ring, &bad[i], NULL), MR_E_INVALID);
        assert_memory_equal(&ring, &untouched, sizeof ring);
        if (i < 9)
            assert_int_equal(mr_ring_memory_size(&bad[i]), 0);
    }
    assert_int_equal(mr_ring_init(&ring, &good, NULL), MR_OK);
}

static void memory_holds_slots_and_marks_and_not_more(void **state)
{
    (void)state;
    struct mr_ring_options options = {.capacity = 64, .slot_size = 10};
    assert_int_equal(mr_ring_memory_size(&options), 640);
    options.producers = MR_PRODUCER_MULTI;
    assert_int_equal(mr_ring_memory_size(&options), 640 + 256);
    options.layout = MR_RING_LATENCY;
    assert_int_equal(mr_ring_memory_size(&options), 4096);
    options.producers = MR_PRODUCER_SINGLE;
    assert_int_equal(mr_ring_memory_size(&options), 4096);
    options.capacity = 1; /* whole pairs of lines */
    assert_int_equal(mr_ring_memory_size(&options), 128);
    options.layout = MR_RING_THROUGHPUT;
    assert_int_equal(mr_ring_memory_size(&options), 128);
    options.producers = MR_PRODUCER_MULTI;
    assert_int_equal(mr_ring_memory_size(&options), 256);
}

static void the_largest_ring_has_a_size_in_every_shape(void **state)
{
    (void)state;
    struct mr_ring_options options = {.capacity = MR_RING_CAPACITY_MAX, .slot_size = 8};
    assert_int_equal(mr_ring_memory_size(&options), UINT64_C(8) << 30);
    options.producers = MR_PRODUCER_MULTI;
    assert_int_equal(mr_ring_memory_size(&options), UINT64_C(12) << 30);
    options.layout = MR_RING_LATENCY;
    assert_int_equal(mr_ring_memory_size(&options), UINT64_C(64) << 30);
    options.slot_size = UINT32_MAX; /* overflows nothing */
    assert_int_equal(mr_ring_memory_size(&options), ((UINT64_C(1) << 32) + 64) << 30);
}

/* Slots of any size lie inside the memory, apart from one another, and marks overlap neither them
 * nor what comes behind the memory. */
static void no_slot_touches_another_or_a_mark(void)
{
    const uint32_t sizes[] = {1, 7, 8, 60, 61, 64, 192};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint32_t size = sizes[s];
        fixture.options.slot_size = size;
        ring_open();
        size_t stride = mr_ring_stride(&fixture.ring);
        unsigned char *memory = fixture.options.memory;
        add(0, 0);
        assert_int_equal(claim(CAPACITY), 0);
        for (uint64_t n = 0; n < CAPACITY; n++) {
            unsigned char *slot = mr_ring_slot(&fixture.ring, at(n));
            assert_int_equal(slot - memory, (at(n) & (CAPACITY - 1)) * stride);
            assert_ptr_equal(mr_ring_slot(&fixture.ring, at(n + CAPACITY)), slot);
            memset(slot, (int)(0x10 + n), size);
        }
        /* What was written to slots was not written to marks, nor the other way round. */
        assert_int_equal(available(0), 0);
        for (uint64_t n = 0; n < CAPACITY; n++)
            mr_ring_publish(&fixture.ring, at(n), 1);
        assert_int_equal(look_all(0), CAPACITY);
        for (uint64_t n = 0; n < CAPACITY; n++) {
            const unsigned char *slot = mr_ring_slot(&fixture.ring, at(n));
            for (uint32_t i = 0; i < size; i++)
                assert_int_equal(slot[i], 0x10 + n);
        }
    }
}

static void slots_are_packed_or_have_lines_of_their_own(void)
{
    const uint32_t sizes[] = {1, 60, 61, 64, 124, 125, 192};
    const size_t lines[] = {1, 1, 2, 2, 2, 3, 4};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        fixture.options.slot_size = sizes[s];
        ring_open();
        size_t stride = mr_ring_stride(&fixture.ring);
        assert_int_equal(stride, is_latency() ? 64 * lines[s] : sizes[s]);
        for (uint64_t n = 0; is_latency() && n < CAPACITY; n++)
            assert_int_equal((uintptr_t)mr_ring_slot(&fixture.ring, at(n)) % 64, 0);
    }
}

static void a_ring_stays_inside_its_memory(void)
{
    enum { GUARD = 256 };
    size_t size = mr_ring_memory_size(&fixture.options);
    unsigned char *memory = aligned_alloc(MR_RING_PADDING, size + GUARD);
    memset(memory, 0x77, size + GUARD);
    fixture.options.memory = memory;
    assert_int_equal(mr_ring_init(&fixture.ring, &fixture.options, NULL), MR_OK);
    add(0, 0);
    for (uint64_t n = 0; n < 3 * CAPACITY; n++) {
        produce(1);
        handle(0, n + 1);
    }
    for (size_t i = 0; i < GUARD; i++)
        assert_int_equal(memory[size + i], 0x77);
}

static void a_ring_of_one_slot_carries_one_message_at_a_time(void)
{
    fixture.options.capacity = 1;
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    for (uint64_t n = 0; n < 20; n++) {
        assert_int_equal(available(0), n);
        produce(1);
        assert_full();
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n + 1));
        assert_int_equal(available(1), n);
        handle(0, n + 1);
        assert_full();
        handle(1, n + 1);
    }
}

/* The memory must not even be readable: nothing but its user touches it. */
static void the_largest_ring_works_and_does_not_touch_its_slots(void **state)
{
    (void)state;
    const uint32_t all = MR_RING_CAPACITY_MAX;
    struct mr_mapping mapping;
    struct mr_ring_options *options = &fixture.options;
    *options = (struct mr_ring_options){.capacity = all, .slot_size = 1, .first_position = 77};
    assert_int_equal(mr_mapping_init(&mapping, mr_ring_memory_size(options), MR_PAGES_NORMAL, NULL),
                     MR_OK);
    assert_int_equal(mprotect(mapping.memory, mapping.size, PROT_NONE), 0);
    options->memory = mapping.memory;
    assert_int_equal(mr_ring_init(&fixture.ring, options, NULL), MR_OK);
    options->memory = NULL; /* not ring_close's to free */
    add(0, 0);
    for (uint64_t next = 0; next < 5 * (uint64_t)all; next += all + 1) {
        assert_int_equal(claim(all), next);
        assert_full();
        mr_ring_publish(&fixture.ring, at(next), all);
        assert_int_equal(available(0), next + all);
        mr_consumer_release(consumer(0), at(next + 1));
        assert_int_equal(claim(1), next + all);
        assert_full();
        mr_ring_publish(&fixture.ring, at(next + all), 1);
        mr_consumer_release(consumer(0), at(next + all));
        assert_int_equal(available(0), next + all + 1);
        mr_consumer_release(consumer(0), at(next + all + 1));
    }
    mr_mapping_free(&mapping);
}

/* -- Reports. ---------------------------------------------------------------------------------- */

static struct mr_ring_report report(void)
{
    struct mr_ring_report report;
    memset(&report, 0xa5, sizeof report);
    mr_ring_report_take(&fixture.ring, &report);
    assert_int_equal(report.published, mr_ring_cursor(&fixture.ring));
    assert_int_equal(report.slowest, mr_ring_slowest(&fixture.ring));
    assert_int_equal(report.fill, report.claimed - report.slowest);
    return report;
}

static void assert_levels(uint64_t claimed, uint64_t published, uint64_t slowest)
{
    struct mr_ring_report levels = report();
    assert_int_equal(number(levels.claimed), claimed);
    assert_int_equal(number(levels.published), published);
    assert_int_equal(number(levels.slowest), slowest);
}

static void a_report_tells_how_far_everybody_is(void)
{
    ring_open();
    assert_levels(0, 0, 0);
    add(0, 0);
    add(1, 1U << 0);
    assert_levels(0, 0, 0);
    assert_int_equal(claim(5), 0);
    assert_levels(5, 0, 0);
    publish(0, 2);
    assert_levels(5, 2, 0);
    handle(0, 2);
    assert_levels(5, 2, 0);
    handle(1, 1);
    assert_levels(5, 2, 1);
    publish(2, 3);
    assert_levels(5, 5, 1);
    produce(4);
    assert_levels(9, 9, 1);
    assert_int_equal(report().fill, CAPACITY);
    handle(0, 9);
    handle(1, 9);
    assert_levels(9, 9, 9);
}

static void a_report_counts_those_that_the_producers_watch(void)
{
    ring_open();
    assert_int_equal(report().consumers, 0);
    add(0, 0);
    add(1, 0);
    assert_int_equal(report().consumers, 2);
    add(2, 1U << 0 | 1U << 1);
    assert_int_equal(report().consumers, 1);
    leave(2);
    leave(1);
    assert_int_equal(report().consumers, 1);
}

static void the_slowest_is_whoever_lags(void)
{
    ring_open();
    add(0, 0);
    add(1, 0);
    add(2, 0);
    produce(6);
    handle(0, 6);
    handle(2, 5);
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(0));
    handle(1, 4);
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(4));
    handle(1, 6);
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(5));
}

static void the_cursor_counts_on_after_a_wrap_of_the_ring(void)
{
    ring_open();
    add(0, 0);
    for (uint64_t n = 0; n < 5 * CAPACITY; n += 3) {
        produce(3);
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n + 3));
        handle(0, n + 3);
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n + 3));
    }
}

/* -- Threads that work meanwhile. -------------------------------------------------------------- */

static void *consume_until_halted(void *argument)
{
    struct mr_consumer *self = argument;
    for (uint64_t from = mr_consumer_position(self);; let_others_run()) {
        uint64_t next = mr_consumer_wait(self);
        ASSERT(slots_hold(from, next));
        if (next == from)
            return NULL;
        mr_consumer_release(self, next);
        from = next;
    }
}

static void *produce_until_halted(void *argument)
{
    uint64_t first = 0;
    (void)argument;
    while (mr_ring_claim(&fixture.ring, 2, &first) == MR_OK && !mr_ring_halted(&fixture.ring))
        publish(number(first), 2);
    return NULL;
}

static void a_report_is_in_order_while_others_work(void)
{
    struct mr_ring_report before = {.claimed = at(0), .published = at(0), .slowest = at(0)};
    ring_open_waiting(MR_WAIT_PARK, MR_WAIT_PARK);
    add(0, 0);
    add(1, 1U << 0);
    pthread_t threads[] = {thread_start(consume_until_halted, consumer(0)),
                           thread_start(consume_until_halted, consumer(1)),
                           thread_start(produce_until_halted, NULL)};
    for (int i = 0; i < 200 || number(before.slowest) < 100; i++) {
        struct mr_ring_report now;
        mr_ring_report_take(&fixture.ring, &now);
        assert_true(mr_position_ahead(now.claimed, now.published) >= 0);
        assert_true(mr_position_ahead(now.published, now.slowest) >= 0);
        assert_int_equal(now.fill, now.claimed - now.slowest);
        assert_true(mr_position_ahead(now.claimed, before.claimed) >= 0);
        assert_true(mr_position_ahead(now.published, before.published) >= 0);
        assert_true(mr_position_ahead(now.slowest, before.slowest) >= 0);
        before = now;
        if (i % 16 == 0)
            let_others_run();
    }
    mr_ring_halt(&fixture.ring);
    for (size_t i = 0; i < 3; i++)
        thread_join(threads[i]);
}

/* -- Draining. --------------------------------------------------------------------------------- */

enum { NOT_LONG_NS = 20000 };

static void a_drain_has_a_limit_where_a_consumer_does_not_move(void)
{
    ring_open();
    add(0, 0);
    add(1, 0);
    assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_OK);
    produce(3);
    assert_int_equal(mr_ring_drain(&fixture.ring, NOT_LONG_NS), MR_AGAIN);
    handle(0, 3);
    handle(1, 2);
    assert_int_equal(mr_ring_drain(&fixture.ring, NOT_LONG_NS), MR_AGAIN);
    assert_int_equal(position(0), 3);
    assert_int_equal(position(1), 2);
    handle(1, 3);
    assert_int_equal(mr_ring_drain(&fixture.ring, NOT_LONG_NS), MR_OK);
    assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_OK);
}

static void a_ring_without_consumers_is_drained_only_if_it_is_empty(void)
{
    ring_open();
    assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_OK);
    produce(2);
    assert_int_equal(mr_ring_drain(&fixture.ring, NOT_LONG_NS), MR_AGAIN);
    add(0, 0);
    handle(0, 1);
    leave(0);
    assert_int_equal(mr_ring_drain(&fixture.ring, NOT_LONG_NS), MR_AGAIN);
    add(0, 0);
    handle(0, 2);
    leave(0);
    assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_OK);
}

static void a_halt_ends_a_drain_with_something_left(void)
{
    ring_open();
    add(0, 0);
    produce(2);
    handle(0, 1);
    mr_ring_halt(&fixture.ring);
    assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_E_HALTED);
    assert_int_equal(mr_ring_drain(&fixture.ring, NOT_LONG_NS), MR_E_HALTED);
    handle(0, 2);
    assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_OK);
}

static void a_drain_lasts_until_every_consumer_has_handled_everything(void)
{
    ring_open_waiting(MR_WAIT_PARK, MR_WAIT_PARK);
    add(0, 0);
    add(1, 1U << 0);
    pthread_t first = thread_start(consume_until_halted, consumer(0));
    pthread_t last = thread_start(consume_until_halted, consumer(1));
    for (uint64_t n = 0; n < 40; n += 5) {
        uint64_t got;
        assert_int_equal(mr_ring_claim(&fixture.ring, 5, &got), MR_OK);
        publish(number(got), 5);
        if (n % 2 == 0)
            continue;
        assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_OK);
        assert_int_equal(position(0), n + 5);
        assert_int_equal(position(1), n + 5);
    }
    mr_ring_halt(&fixture.ring);
    thread_join(first);
    thread_join(last);
}

static void *drain_in_vain(void *argument)
{
    (void)argument;
    ASSERT(mr_ring_drain(&fixture.ring, 0) == MR_E_HALTED);
    return NULL;
}

static void a_halt_ends_a_drain_that_is_under_way(void)
{
    ring_open();
    add(0, 0);
    produce(1);
    pthread_t thread = thread_start(drain_in_vain, NULL);
    let_others_run();
    mr_ring_halt(&fixture.ring);
    thread_join(thread);
}

/* -- Halting. ---------------------------------------------------------------------------------- */

static void a_halted_ring_still_takes_and_gives_what_it_can(void)
{
    uint64_t first = 0;
    ring_open();
    add(0, 0);
    assert_false(mr_ring_halted(&fixture.ring));
    mr_ring_halt(&fixture.ring);
    assert_true(mr_ring_halted(&fixture.ring));
    assert_int_equal(mr_ring_claim(&fixture.ring, 5, &first), MR_OK);
    publish(number(first), 5);
    produce(3);
    assert_int_equal(mr_ring_claim(&fixture.ring, 1, &first), MR_E_HALTED);
    assert_full();
    assert_int_equal(mr_consumer_wait(consumer(0)), at(8));
    handle(0, 8);
    assert_int_equal(mr_consumer_wait(consumer(0)), at(8));
    assert_int_equal(mr_ring_claim(&fixture.ring, 1, &first), MR_OK);
    mr_ring_halt(&fixture.ring);
    assert_true(mr_ring_halted(&fixture.ring));
}

static void after_a_halt_the_positions_say_what_was_handled(void)
{
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    produce(6);
    handle(0, 4);
    handle(1, 2);
    mr_ring_halt(&fixture.ring);
    assert_int_equal(mr_ring_drain(&fixture.ring, 0), MR_E_HALTED);
    assert_int_equal(position(0), 4);
    assert_int_equal(position(1), 2);
    assert_levels(6, 6, 2);
}

static void *wait_for_nothing(void *argument)
{
    struct mr_consumer *self = argument;
    ASSERT(mr_consumer_wait(self) == mr_consumer_position(self));
    return NULL;
}

static void *claim_in_vain(void *argument)
{
    uint64_t first = 0;
    (void)argument;
    ASSERT(mr_ring_claim(&fixture.ring, 1, &first) == MR_E_HALTED);
    return NULL;
}

static void a_halt_ends_every_wait_of_consumers_and_producers(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        ring_open_waiting(*kind, *kind);
        add(0, 0);
        add(1, 1U << 0);
        add(2, 0);
        produce(CAPACITY);
        handle(2, CAPACITY);
        pthread_t behind = thread_start(wait_for_nothing, consumer(1));
        pthread_t up_front = thread_start(wait_for_nothing, consumer(2));
        pthread_t producer = thread_start(claim_in_vain, NULL);
        if (*kind == MR_WAIT_PARK) {
            await_sleeper(&fixture.ring.publication);
            await_sleeper(&fixture.ring.release);
        }
        mr_ring_halt(&fixture.ring);
        thread_join(behind);
        thread_join(up_front);
        thread_join(producer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        only_once(bad_options_are_refused_and_leave_the_ring_untouched),
        only_once(memory_holds_slots_and_marks_and_not_more),
        only_once(the_largest_ring_has_a_size_in_every_shape),
        over_shapes(no_slot_touches_another_or_a_mark),
        over_shapes(slots_are_packed_or_have_lines_of_their_own),
        over_shapes(a_ring_stays_inside_its_memory),
        over_shapes(a_ring_of_one_slot_carries_one_message_at_a_time),
        only_once(the_largest_ring_works_and_does_not_touch_its_slots),
        over_shapes(a_report_tells_how_far_everybody_is),
        over_shapes(a_report_counts_those_that_the_producers_watch),
        over_shapes(the_slowest_is_whoever_lags),
        over_shapes(the_cursor_counts_on_after_a_wrap_of_the_ring),
        over_shapes(a_report_is_in_order_while_others_work),
        over_shapes(a_drain_has_a_limit_where_a_consumer_does_not_move),
        over_shapes(a_ring_without_consumers_is_drained_only_if_it_is_empty),
        over_shapes(a_halt_ends_a_drain_with_something_left),
        over_shapes(a_drain_lasts_until_every_consumer_has_handled_everything),
        over_shapes(a_halt_ends_a_drain_that_is_under_way),
        over_shapes(a_halted_ring_still_takes_and_gives_what_it_can),
        over_shapes(after_a_halt_the_positions_say_what_was_handled),
        over_shapes(a_halt_ends_every_wait_of_consumers_and_producers),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
