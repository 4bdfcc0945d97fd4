/* Producers: what fits, what is refused, what becomes visible when. */
#include "tests/disruptor/ring_fixture.h"

static struct mr_ring_report report(void)
{
    struct mr_ring_report report;
    mr_ring_report_take(&fixture.ring, &report);
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

/* -- A producer of its own. -------------------------------------------------------------------- */

static void produce_by(struct mr_producer *producer, uint64_t n, uint32_t count)
{
    uint64_t first = 0;
    assert_int_equal(mr_producer_try_claim(producer, count, &first), MR_OK);
    assert_int_equal(first, at(n));
    for (uint64_t p = first; p != first + count; p++) {
        assert_ptr_equal(mr_producer_slot(producer, p), mr_ring_slot(&fixture.ring, p));
        slot_fill(p);
    }
    mr_producer_publish(producer, first, count);
}

static void a_producer_of_its_own_fills_the_ring_exactly(void)
{
    for (uint32_t count = 1; count <= CAPACITY; count++) {
        uint64_t claimed = 0, first;
        ring_open();
        add(0, 0);
        struct mr_producer producer = mr_producer_of(&fixture.ring, NULL);
        for (int round = 0; round < 10; round++) {
            for (uint64_t handled = claimed; claimed + count - handled <= CAPACITY;
                 claimed += count) {
                produce_by(&producer, claimed, count);
                assert_int_equal(mr_ring_cursor(&fixture.ring), at(claimed + count));
                assert_int_equal(report().claimed, at(claimed + count));
            }
            assert_int_equal(mr_producer_try_claim(&producer, count, &first), MR_AGAIN);
            assert_int_equal(report().claimed, at(claimed));
            assert_int_equal(report().refused, round + 1);
            handle(0, claimed);
        }
    }
}

static void a_producer_of_its_own_knows_what_never_fits(void)
{
    const uint32_t counts[] = {0, CAPACITY + 1, (1U << 31) + 1, UINT32_MAX};
    ring_open();
    add(0, 0);
    struct mr_producer producer = mr_producer_of(&fixture.ring, NULL);
    for (uint64_t n = 0; n <= CAPACITY; n++) {
        for (size_t i = 0; i < 4; i++) {
            uint64_t first;
            assert_int_equal(mr_producer_try_claim(&producer, counts[i], &first), MR_E_LIMIT);
            assert_int_equal(mr_producer_claim(&producer, counts[i], &first), MR_E_LIMIT);
        }
        assert_int_equal(report().claimed, at(n));
        if (n < CAPACITY)
            produce_by(&producer, n, 1);
    }
    assert_int_equal(report().refused, 0);
    assert_int_equal(report().stalls, 0);
}

static void a_producer_of_its_own_goes_on_where_others_stopped(void)
{
    ring_open();
    add(0, 0);
    produce(3);
    for (uint64_t n = 3; n < 5 * CAPACITY; n += 4) {
        struct mr_producer producer = mr_producer_of(&fixture.ring, NULL);
        struct mr_producer copy = producer;
        produce_by(&copy, n, 2);
        handle(0, n + 1);
        produce_by(&copy, n + 2, 1);
        assert_int_equal(claim(1), n + 3); /* none of its own any more */
        publish(n + 3, 1);
        handle(0, n + 4);
    }
}

static void several_producers_of_their_own_mix_with_others(void)
{
    if (!is_multi())
        return;
    ring_open();
    add(0, 0);
    struct mr_producer one = mr_producer_of(&fixture.ring, NULL);
    struct mr_producer two = mr_producer_of(&fixture.ring, NULL);
    for (uint64_t n = 0; n < 5 * CAPACITY; n += 4) {
        uint64_t first;
        assert_int_equal(mr_producer_try_claim(&one, 1, &first), MR_OK);
        assert_int_equal(first, at(n));
        produce_by(&two, n + 1, 2);
        produce(1);
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n));
        slot_fill(first);
        mr_producer_publish(&one, first, 1);
        assert_int_equal(mr_ring_cursor(&fixture.ring), at(n + 4));
        handle(0, n + 4);
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

enum { MANY = 1 << 20 }; /* for more than a time slice */

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
    if (!is_multi() || is_latency())
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
        over_shapes(nothing_is_visible_before_it_is_published),
        over_shapes(a_claim_may_be_published_in_parts),
        over_shapes(a_claim_may_be_published_after_the_next_one),
        over_shapes(a_gap_hides_what_is_published_behind_it),
        over_shapes(a_producer_of_its_own_fills_the_ring_exactly),
        over_shapes(a_producer_of_its_own_knows_what_never_fits),
        over_shapes(a_producer_of_its_own_goes_on_where_others_stopped),
        over_shapes(several_producers_of_their_own_mix_with_others),
        over_shapes(no_slot_is_claimed_twice_or_left_out_when_producers_race),
        over_shapes(several_producers_share_without_loss_or_overlap),
    };
    return cmocka_run_group_tests_name("producer", tests, NULL, NULL);
}
