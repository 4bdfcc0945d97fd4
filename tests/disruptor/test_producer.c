/* Producers: what fits, what is refused, how they wait for room, what becomes visible when. */
#include "tests/disruptor/ring_fixture.h"

enum { SHORT_NS = 1000 };

static struct mr_ring_report report(void)
{
    struct mr_ring_report report;
    mr_ring_report(&fixture.ring, &report);
    return report;
}

/* -- Claims that do not wait. ------------------------------------------------------------------ */

static void a_full_ring_refuses_and_changes_nothing(void)
{
    uint64_t first = 0;
    ring_open();
    add(0, 0);
    produce(5);
    assert_int_equal(mr_ring_try_claim(&fixture.ring, 4, &first), MR_AGAIN);
    assert_int_equal(report().claimed, at(5));
    assert_int_equal(claim(3), 5);
    publish(5, 3);
    assert_full();

    assert_int_equal(look_all(0), 8);
    mr_consumer_release(consumer(0), at(1));
    assert_int_equal(claim(1), 8);
    assert_full();
}

static void claims_of_every_size_fit_exactly(void)
{
    for (uint32_t count = 1; count <= CAPACITY; count++) {
        uint64_t claimed = 0;
        ring_open();
        add(0, 0);
        for (int round = 0; round < 10; round++) {
            uint64_t handled = claimed;
            for (; claimed + count - handled <= CAPACITY; claimed += count) {
                assert_int_equal(claim(count), claimed);
                publish(claimed, count);
            }
            uint64_t first = 0;
            assert_int_equal(mr_ring_try_claim(&fixture.ring, count, &first), MR_AGAIN);
            handle(0, claimed);
        }
    }
}

static void a_ring_without_consumers_fills_once(void)
{
    ring_open();
    produce(CAPACITY - 1);
    produce(1);
    assert_full();
    assert_int_equal(mr_ring_cursor(&fixture.ring), at(CAPACITY));
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(0));
}

static void assert_over_the_limit(uint32_t count)
{
    const struct mr_wait *wait = &fixture.options.producer_wait;
    uint64_t first = 0;
    uint64_t claimed = report().claimed;
    assert_int_equal(mr_ring_try_claim(&fixture.ring, count, &first), MR_E_LIMIT);
    assert_int_equal(mr_ring_claim(&fixture.ring, count, &first), MR_E_LIMIT);
    assert_int_equal(mr_ring_claim_wait(&fixture.ring, count, wait, &first), MR_E_LIMIT);
    assert_int_equal(report().claimed, claimed);
    assert_int_equal(report().refused, 0);
    assert_int_equal(report().stalls, 0);
}

static void assert_limits(void)
{
    assert_over_the_limit(0);
    assert_over_the_limit(CAPACITY + 1);
    assert_over_the_limit((1U << 31) + 1);
    assert_over_the_limit(UINT32_MAX);
}

static void what_never_fits_is_told_at_once_be_the_ring_empty_full_or_halted(void)
{
    ring_open();
    add(0, 0);
    assert_limits();
    produce(CAPACITY / 2);
    assert_limits();
    produce(CAPACITY / 2);
    assert_limits();
    mr_ring_halt(&fixture.ring);
    assert_limits();
    handle(0, CAPACITY);
    assert_limits();
    assert_int_equal(claim(CAPACITY), CAPACITY);
}

static void refusals_are_counted_and_only_these(void)
{
    ring_open();
    add(0, 0);
    produce(CAPACITY);
    assert_int_equal(report().refused, 0);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_full();
        assert_int_equal(report().refused, i);
    }
    handle(0, 1);
    produce(1);
    assert_int_equal(report().refused, 3);
    assert_int_equal(report().stalls, 0);
    assert_int_equal(report().stalled_ns, 0);
}

/* -- Claims that wait. ------------------------------------------------------------------------- */

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
    .kind = MR_WAIT_PARK, .spins = 1, .yields = 1, .sleep_ns = MR_WAIT_FOREVER};

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

/* -- Publication. ------------------------------------------------------------------------------ */

static void nothing_is_visible_before_it_is_published(void)
{
    ring_open();
    add(0, 0);
    for (uint64_t n = 0; n < 3 * CAPACITY; n += 4) {
        assert_int_equal(claim(4), n);
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n));
        assert_int_equal(look_all(0), n);
        publish(n, 4);
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n + 4));
        handle(0, n + 4);
    }
}

static void a_claim_may_be_published_in_parts(void)
{
    ring_open();
    add(0, 0);
    assert_int_equal(claim(6), 0);
    publish(0, 2);
    assert_int_equal(mr_ring_cursor(&fixture.ring), at(2));
    assert_int_equal(look_all(0), 2);
    publish(2, 1);
    assert_int_equal(mr_ring_cursor(&fixture.ring), at(3));
    publish(3, 3);
    assert_int_equal(mr_ring_cursor(&fixture.ring), at(6));
    assert_int_equal(look_all(0), 6);
}

static void a_claim_may_be_published_after_the_next_one(void)
{
    ring_open();
    add(0, 0);
    assert_int_equal(claim(2), 0);
    assert_int_equal(claim(3), 2);
    publish(0, 2);
    assert_int_equal(look_all(0), 2);
    publish(2, 3);
    assert_int_equal(look_all(0), 5);
}

static void a_gap_hides_what_is_published_behind_it(void)
{
    if (!is_multi())
        return;
    ring_open();
    add(0, 0);
    for (uint64_t n = 0; n < 4 * CAPACITY; n += 5) {
        assert_int_equal(claim(2), n);
        assert_int_equal(claim(3), n + 2);
        publish(n + 2, 3);
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n));
        assert_int_equal(look_all(0), n);
        publish(n + 1, 1);
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n));
        assert_int_equal(look_all(0), n);
        publish(n, 1);
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n + 5));
        handle(0, n + 5);
    }
}

/* -- Several at once. -------------------------------------------------------------------------- */

enum { PRODUCERS = 3, CLAIMS = 200 };

static void *produce_in_turn(void *argument)
{
    uint32_t *index = argument;
    for (uint64_t i = 0; i < CLAIMS; i++) {
        uint64_t first = 0;
        uint32_t count = 1 + (uint32_t)(i + *index) % 3;
        ASSERT(mr_ring_claim(&fixture.ring, count, &first) == MR_OK);
        for (uint32_t c = 0; c < count; c++)
            *(uint64_t *)mr_ring_slot(&fixture.ring, first + c) = (uint64_t)*index << 32 | i;
        mr_ring_publish(&fixture.ring, first, count);
    }
    return NULL;
}

enum { MANY = 1 << 17 };

static MR_ATOMIC(uint32_t) ready;
static MR_ATOMIC(uint8_t) owners[MANY]; /* how many have claimed a slot */

/* Claims as fast as it can, until the ring is full. */
static void *claim_greedily(void *argument)
{
    uint32_t index = *(uint32_t *)argument;
    mr_atomic_fetch_add(&ready, 1U, acq_rel);
    while (mr_atomic_load(&ready, acquire) < PRODUCERS)
        sched_yield();
    for (uint32_t i = index;; i++) {
        uint64_t first = 0;
        uint32_t count = 1 + i % 3;
        if (mr_ring_try_claim(&fixture.ring, count, &first) == MR_OK)
            for (uint64_t n = number(first); count-- > 0; n++)
                mr_atomic_fetch_add(&owners[n], 1, relaxed);
        else if (count == 1)
            return NULL;
    }
}

static void no_slot_is_claimed_twice_or_left_out_when_producers_race(void)
{
    uint32_t indexes[PRODUCERS] = {0, 1, 2};
    pthread_t threads[PRODUCERS];
    if (!is_multi())
        return;
    fixture.options.capacity = MANY;
    fixture.options.slot_size = 1;
    ring_open();
    memset(owners, 0, sizeof owners);
    mr_atomic_store(&ready, 0U, relaxed);
    for (uint32_t p = 0; p < PRODUCERS; p++)
        threads[p] = thread_start(claim_greedily, &indexes[p]);
    for (uint32_t p = 0; p < PRODUCERS; p++)
        thread_join(threads[p]);
    for (uint32_t n = 0; n < MANY; n++)
        assert_int_equal(mr_atomic_load(&owners[n], relaxed), 1);
    assert_int_equal(report().claimed, at(MANY));
}

/* Each producer's claims stay whole and in order, and nothing is lost between them. */
static void several_producers_share_without_loss_or_overlap(void)
{
    uint32_t indexes[PRODUCERS] = {0, 1, 2};
    uint64_t next_of[PRODUCERS] = {0};
    pthread_t threads[PRODUCERS];
    if (!is_multi())
        return;
    ring_open_waiting(MR_WAIT_PARK, MR_WAIT_PARK);
    add(0, 0);
    for (uint32_t p = 0; p < PRODUCERS; p++)
        threads[p] = thread_start(produce_in_turn, &indexes[p]);
    for (uint32_t claims = 0; claims < PRODUCERS * CLAIMS; claims++) {
        uint64_t from = mr_consumer_position(consumer(0));
        assert_true(mr_consumer_wait(consumer(0)) != from);
        uint64_t word = *(uint64_t *)mr_ring_slot(&fixture.ring, from);
        uint32_t index = (uint32_t)(word >> 32);
        uint32_t count = 1 + (uint32_t)((word & UINT32_MAX) + index) % 3;
        assert_int_equal(word & UINT32_MAX, next_of[index]++);
        for (uint64_t c = 0; c < count; c++) {
            assert_true(mr_consumer_wait(consumer(0)) != from + c);
            assert_int_equal(*(uint64_t *)mr_ring_slot(&fixture.ring, from + c), word);
            mr_consumer_release(consumer(0), from + c + 1);
        }
    }
    for (uint32_t p = 0; p < PRODUCERS; p++)
        thread_join(threads[p]);
    assert_int_equal(report().fill, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_shapes(a_full_ring_refuses_and_changes_nothing),
        over_shapes(claims_of_every_size_fit_exactly),
        over_shapes(a_ring_without_consumers_fills_once),
        over_shapes(what_never_fits_is_told_at_once_be_the_ring_empty_full_or_halted),
        over_shapes(refusals_are_counted_and_only_these),
        over_shapes(a_time_limit_ends_a_wait_for_room_and_claims_nothing),
        over_shapes(the_rings_own_time_limit_holds_for_claims),
        over_shapes(a_wait_for_room_in_a_halted_ring_ends_at_once),
        over_shapes(an_unknown_way_to_wait_for_room_is_refused),
        over_shapes(room_ends_the_wait_of_a_producer),
        over_shapes(a_producer_that_parks_where_nobody_wakes_it_naps_instead),
        over_shapes(a_producer_that_parks_is_woken_wherever_the_ring_parks),
        over_shapes(nothing_is_visible_before_it_is_published),
        over_shapes(a_claim_may_be_published_in_parts),
        over_shapes(a_claim_may_be_published_after_the_next_one),
        over_shapes(a_gap_hides_what_is_published_behind_it),
        over_shapes(no_slot_is_claimed_twice_or_left_out_when_producers_race),
        over_shapes(several_producers_share_without_loss_or_overlap),
    };
    return cmocka_run_group_tests_name("producer", tests, NULL, NULL);
}
