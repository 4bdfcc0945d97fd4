/* Consumers that wait: what ends a wait, and that no wake-up is lost, whatever way each chose. */
#include "tests/disruptor/ring_fixture.h"

enum { SHORT_NS = 1000 };

#define AN_HOUR_NS UINT64_C(3600000000000)

static uint64_t wait_for(uint32_t index)
{
    return number(mr_consumer_wait(consumer(index)));
}

static void release(uint32_t index, uint64_t n)
{
    mr_consumer_release(consumer(index), at(n));
}

/* -- The end of a wait. ------------------------------------------------------------------------ */

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

/* The consumer must look once more after it has seen the halt. */
static void what_is_published_right_before_a_halt_is_not_missed(void)
{
    fixture.options.consumer_wait = (struct mr_wait){.kind = MR_WAIT_PARK, .spins = 5000};
    for (int i = 0; i < 60; i++) {
        ring_open();
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
    .kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = AN_HOUR_NS};

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

static uint64_t stalls_of(uint32_t index)
{
    return mr_atomic_load(&consumer(index)->counters.stalls, relaxed);
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
            assert_int_equal(stalls_of(0), ++waits);
        } while (sleeps_of(0) == 0 && sleeps && waits < 1000);
        assert_int_equal(sleeps_of(0) > 0, sleeps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_shapes(a_time_limit_ends_a_wait_for_nothing),
        over_shapes(an_alerted_wait_returns_and_a_cleared_alert_is_forgotten),
        over_shapes(an_alert_ends_the_wait_of_its_consumer),
        over_shapes(what_is_published_right_before_a_halt_is_not_missed),
        over_shapes(who_parks_is_woken_in_a_ring_whose_consumers_park),
        over_shapes(who_comes_after_others_is_woken_also_where_only_producers_park),
        over_shapes(who_parks_where_nobody_wakes_it_naps_and_misses_nothing),
        over_shapes(no_wake_up_is_lost_between_those_that_park),
        over_shapes(who_does_not_park_announces_no_sleep),
        over_shapes(only_who_sleeps_counts_sleeps),
    };
    return cmocka_run_group_tests_name("consumer_wait", tests, NULL, NULL);
}
