/* Producers that wait for room: what ends their wait, and that nobody sleeps who is not woken. */
#include "tests/disruptor/ring_fixture.h"

enum { SHORT_NS = 1000 };

#define AN_HOUR_NS UINT64_C(3600000000000)

static struct mr_ring_report report(void)
{
    struct mr_ring_report report;
    mr_ring_report_take(&fixture.ring, &report);
    return report;
}

/* -- How a wait ends. -------------------------------------------------------------------------- */

static void a_time_limit_ends_a_wait_for_room_and_claims_nothing(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        const struct mr_wait wait = {.kind = *kind, .timeout_ns = SHORT_NS};
        uint64_t first = 0;
        ring_open();
        add(0, 0);
        produce(CAPACITY - 1);
        assert_int_equal(mr_ring_claim_wait(&fixture.ring, 2, &wait, &first), MR_AGAIN);
        assert_int_equal(mr_ring_claim_wait(&fixture.ring, 2, &wait, &first), MR_AGAIN);
        assert_int_equal(report().claimed, at(CAPACITY - 1));
        assert_int_equal(report().stalls, 2);
        assert_true(report().stalled_ns >= 2 * SHORT_NS);
        assert_int_equal(mr_ring_claim_wait(&fixture.ring, 1, &wait, &first), MR_OK);
        assert_int_equal(first, at(CAPACITY - 1));
        assert_int_equal(report().stalls, 2);
    }
}

static void the_rings_own_time_limit_holds_for_claims(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        uint64_t first = 0;
        fixture.options.producer_wait =
            (struct mr_wait){.kind = *kind, .timeout_ns = SHORT_NS, .spins = 3, .yields = 2};
        ring_open();
        add(0, 0);
        assert_int_equal(mr_ring_claim(&fixture.ring, CAPACITY, &first), MR_OK);
        assert_int_equal(first, at(0));
        assert_int_equal(mr_ring_claim(&fixture.ring, 1, &first), MR_AGAIN);
        assert_int_equal(report().refused, 1); /* its first try */
        assert_int_equal(report().stalls, 1);
        publish(0, CAPACITY);
        handle(0, 1);
        assert_int_equal(mr_ring_claim(&fixture.ring, 1, &first), MR_OK);
        assert_int_equal(first, at(CAPACITY));
        assert_int_equal(report().stalls, 1);
    }
}

static void a_wait_for_room_in_a_halted_ring_ends_at_once(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        const struct mr_wait wait = {.kind = *kind};
        uint64_t first = 0;
        ring_open();
        add(0, 0);
        produce(CAPACITY);
        mr_ring_halt(&fixture.ring);
        assert_int_equal(mr_ring_claim_wait(&fixture.ring, 1, &wait, &first), MR_E_HALTED);
        assert_int_equal(report().claimed, at(CAPACITY));
        handle(0, 1);
        assert_int_equal(mr_ring_claim_wait(&fixture.ring, 1, &wait, &first), MR_OK);
        assert_int_equal(first, at(CAPACITY));
    }
}

static void an_unknown_way_to_wait_for_room_is_refused(void)
{
    const struct mr_wait unknown = {.kind = (enum mr_wait_kind)4, .timeout_ns = SHORT_NS};
    ring_open();
    for (int full = 0; full < 2; full++) {
        uint64_t first = 0;
        assert_int_equal(mr_ring_claim_wait(&fixture.ring, 1, &unknown, &first), MR_E_INVALID);
        assert_int_equal(report().claimed, at(full == 0 ? 0 : CAPACITY));
        assert_int_equal(report().stalls, 0);
        if (full == 0)
            produce(CAPACITY);
    }
}

struct claimer {
    const struct mr_wait *wait; /* NULL: the ring's */
    uint64_t first;
    int status;
};

static void *claim_one(void *argument)
{
    struct claimer *claimer = argument;
    claimer->status = claimer->wait == NULL
                          ? mr_ring_claim(&fixture.ring, 1, &claimer->first)
                          : mr_ring_claim_wait(&fixture.ring, 1, claimer->wait, &claimer->first);
    return NULL;
}

/* A claim in a thread of its own that waits, since the ring is full. */
static pthread_t claim_in_thread(struct claimer *claimer)
{
    uint64_t stalls = report().stalls;
    pthread_t thread = thread_start(claim_one, claimer);
    while (report().stalls == stalls)
        sched_yield();
    return thread;
}

static void room_ends_the_wait_of_a_producer(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        struct claimer claimer = {.status = -1};
        ring_open_waiting(*kind, MR_WAIT_YIELD);
        add(0, 0);
        produce(CAPACITY);
        for (uint64_t n = 0; n < 3; n++) {
            pthread_t thread = claim_in_thread(&claimer);
            if (*kind == MR_WAIT_PARK)
                await_sleeper(&fixture.ring.release);
            handle(0, n + 1);
            thread_join(thread);
            assert_int_equal(claimer.status, MR_OK);
            assert_int_equal(claimer.first, at(CAPACITY + n));
            publish(CAPACITY + n, 1);
            assert_int_equal(report().stalls, n + 1);
            assert_true(report().stalled_ns > 0);
        }
    }
}

static const struct mr_wait quick_park = {
    .kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = AN_HOUR_NS};

/* Those whom nobody would wake must not announce a sleep: they nap. */
static void a_producer_that_parks_where_nobody_wakes_it_naps_instead(void)
{
    struct claimer claimer = {.wait = &quick_park, .status = -1};
    ring_open_waiting(MR_WAIT_SPIN, MR_WAIT_YIELD);
    add(0, 0);
    produce(CAPACITY);
    for (uint64_t n = 0; n < 3; n++) {
        pthread_t thread = claim_in_thread(&claimer);
        let_others_run();
        handle(0, n + 1);
        thread_join(thread);
        assert_int_equal(claimer.status, MR_OK);
        assert_int_equal(claimer.first, at(CAPACITY + n));
        publish(CAPACITY + n, 1);
        assert_int_equal(mr_atomic_load(&fixture.ring.release.word, relaxed), 0);
    }
}

static void a_producer_that_parks_is_woken_wherever_the_ring_parks(void)
{
    for (int who = 0; who < 2; who++) {
        struct claimer claimer = {.wait = &quick_park, .status = -1};
        ring_open_waiting(who == 0 ? MR_WAIT_PARK : MR_WAIT_SPIN,
                          who == 1 ? MR_WAIT_PARK : MR_WAIT_SPIN);
        add(0, 0);
        produce(CAPACITY);
        pthread_t thread = claim_in_thread(&claimer);
        await_sleeper(&fixture.ring.release);
        handle(0, 1);
        thread_join(thread);
        assert_int_equal(claimer.status, MR_OK);
    }
}

static void a_producer_of_its_own_waits_in_its_own_way(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        const struct mr_wait wait = {.kind = *kind, .timeout_ns = SHORT_NS};
        uint64_t first;
        ring_open(); /* whose own way has no time limit */
        add(0, 0);
        struct mr_producer producer = mr_producer_of(&fixture.ring, &wait);
        assert_int_equal(mr_producer_claim(&producer, CAPACITY, &first), MR_OK);
        assert_int_equal(first, at(0));
        assert_int_equal(mr_producer_claim(&producer, 2, &first), MR_AGAIN);
        assert_int_equal(report().claimed, at(CAPACITY));
        assert_int_equal(report().refused, 1);
        assert_int_equal(report().stalls, 1);
        publish(0, CAPACITY);
        handle(0, 2);
        assert_int_equal(mr_producer_claim(&producer, 2, &first), MR_OK);
        assert_int_equal(first, at(CAPACITY));
        mr_ring_halt(&fixture.ring);
        assert_int_equal(mr_producer_claim(&producer, 1, &first), MR_E_HALTED);
    }
}

static void *claim_one_by_its_own(void *argument)
{
    struct claimer *claimer = argument;
    struct mr_producer producer = mr_producer_of(&fixture.ring, claimer->wait);
    claimer->status = mr_producer_claim(&producer, 1, &claimer->first);
    return NULL;
}

static void a_producer_of_its_own_waits_as_the_ring_does(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        struct claimer claimer = {.status = -1};
        ring_open_waiting(*kind, MR_WAIT_YIELD);
        add(0, 0);
        produce(CAPACITY);
        pthread_t thread = thread_start(claim_one_by_its_own, &claimer);
        while (report().stalls == 0)
            sched_yield();
        if (*kind == MR_WAIT_PARK)
            await_sleeper(&fixture.ring.release);
        handle(0, 1);
        thread_join(thread);
        assert_int_equal(claimer.status, MR_OK);
        assert_int_equal(claimer.first, at(CAPACITY));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_shapes(a_time_limit_ends_a_wait_for_room_and_claims_nothing),
        over_shapes(the_rings_own_time_limit_holds_for_claims),
        over_shapes(a_wait_for_room_in_a_halted_ring_ends_at_once),
        over_shapes(an_unknown_way_to_wait_for_room_is_refused),
        over_shapes(room_ends_the_wait_of_a_producer),
        over_shapes(a_producer_that_parks_where_nobody_wakes_it_naps_instead),
        over_shapes(a_producer_that_parks_is_woken_wherever_the_ring_parks),
        over_shapes(a_producer_of_its_own_waits_in_its_own_way),
        over_shapes(a_producer_of_its_own_waits_as_the_ring_does),
    };
    return cmocka_run_group_tests_name("producer_wait", tests, NULL, NULL);
}
