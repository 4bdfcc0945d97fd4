/* Joining and leaving: where a newcomer begins, whom the producers watch, what stays behind. */
#include "tests/disruptor/ring_fixture.h"

static int join(uint32_t index, uint64_t after, bool from_oldest)
{
    return add_as(index, after, (struct mr_consumer_options){.from_oldest = from_oldest});
}

static uint64_t bit_of(uint32_t index)
{
    return UINT64_C(1) << consumer(index)->index;
}

static uint64_t gating(void)
{
    return mr_atomic_load(&fixture.ring.gating, relaxed);
}

/* -- Who is refused. --------------------------------------------------------------------------- */

static void nobody_comes_after_itself_or_a_stranger_or_one_that_has_left(void)
{
    static struct mr_ring other_ring;
    static struct mr_consumer stranger;
    static alignas(MR_RING_PADDING) unsigned char memory[MR_RING_PADDING];
    struct mr_ring_options options = {.capacity = 1, .slot_size = 1, .memory = memory};
    assert_int_equal(mr_ring_init(&other_ring, &options, NULL), MR_OK);
    assert_int_equal(mr_ring_consumer_add(&other_ring, &stranger, NULL, NULL), MR_OK);

    ring_open();
    add(0, 0);
    add(1, 0);
    leave(1);
    memset(consumer(2), 0, sizeof *consumer(2));
    struct mr_consumer *const strangers[] = {&stranger, consumer(1), consumer(2)};
    for (size_t i = 0; i < 3; i++) {
        struct mr_consumer *after[] = {consumer(0), strangers[i]};
        const struct mr_consumer_options both = {.after = after, .after_count = 2};
        struct mr_error error = {0};
        assert_int_equal(mr_ring_consumer_add(&fixture.ring, consumer(2), &both, &error),
                         MR_E_INVALID);
        assert_int_equal(error.code, MR_E_INVALID);
        assert_true(strlen(error.text) > 0);
        assert_int_equal(gating(), bit_of(0));
    }
    add(2, 1U << 0);
}

static void an_unknown_way_to_wait_is_refused(void)
{
    const struct mr_wait wait = {.kind = (enum mr_wait_kind)4};
    ring_open();
    assert_int_equal(add_as(0, 0, (struct mr_consumer_options){.wait = &wait}), MR_E_INVALID);
    assert_int_equal(gating(), 0);
}

static void a_ring_takes_64_consumers_and_gives_their_cursors_away_again(void)
{
    struct mr_error error = {0};
    ring_open();
    for (uint32_t i = 0; i < MR_RING_CONSUMERS_MAX; i++)
        add(i, 0);
    assert_int_equal(gating(), UINT64_MAX);
    assert_int_equal(mr_ring_consumer_add(&fixture.ring, consumer(64), NULL, &error), MR_E_LIMIT);
    assert_int_equal(error.code, MR_E_LIMIT);
    produce(3);
    for (uint32_t i = 0; i < MR_RING_CONSUMERS_MAX; i++)
        handle(i, 3);
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(3));
    for (uint32_t i = 0; i < MR_RING_CONSUMERS_MAX; i += 7) {
        leave(i);
        add(64, 0);
        assert_int_equal(join(i, 0, false), MR_E_LIMIT);
        leave(64);
        add(i, 0);
    }
    assert_int_equal(gating(), UINT64_MAX);
    produce(1);
    for (uint32_t i = 1; i < MR_RING_CONSUMERS_MAX; i++)
        handle(i, 4);
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(3));
    handle(0, 4);
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(4));
}

static void who_is_followed_may_not_leave(void)
{
    struct mr_error error = {0};
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    add(2, 1U << 0);
    assert_int_equal(mr_ring_consumer_remove(consumer(0), &error), MR_E_INVALID);
    assert_int_equal(error.code, MR_E_INVALID);
    produce(2);
    handle(0, 2); /* it goes on as if nothing had been */
    handle(1, 2);
    leave(1);
    assert_int_equal(mr_ring_consumer_remove(consumer(0), NULL), MR_E_INVALID);
    leave(2);
    leave(0);
    assert_int_equal(gating(), 0);
}

static void who_is_in_no_ring_cannot_leave(void)
{
    struct mr_error error = {0};
    ring_open();
    memset(consumer(0), 0, sizeof *consumer(0));
    assert_int_equal(mr_ring_consumer_remove(consumer(0), &error), MR_E_INVALID);
    assert_int_equal(error.code, MR_E_INVALID);
    add(0, 0);
    add(1, 0);
    leave(0);
    assert_int_equal(mr_ring_consumer_remove(consumer(0), NULL), MR_E_INVALID);
    assert_int_equal(gating(), bit_of(1));
}

/* -- Where one begins. ------------------------------------------------------------------------- */

static void before_the_first_claim_one_begins_at_the_first_position(void)
{
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    assert_int_equal(join(2, 0, true), MR_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(position(i), 0);
        assert_int_equal(available(i), 0);
    }
}

static void who_follows_the_producers_begins_with_what_they_publish_next(void)
{
    ring_open();
    add(0, 0);
    assert_int_equal(claim(6), 0);
    publish(0, 4);
    handle(0, 1);
    add(1, 0);
    assert_int_equal(position(1), 4);
    assert_int_equal(available(1), 4);
    publish(4, 2);
    assert_int_equal(look_all(1), 6);
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(1));
    handle(0, 6);
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(4));
    produce(6);
    assert_full();
    handle(1, 12);
    produce(2);
}

static void who_comes_after_others_begins_at_the_slowest_of_them(void)
{
    ring_open();
    add(0, 0);
    add(1, 0);
    add(2, 0);
    produce(7);
    handle(0, 5);
    handle(1, 3);
    handle(2, 1);
    add(3, 1U << 0 | 1U << 1);
    assert_int_equal(position(3), 3);
    assert_int_equal(available(3), 3);
    handle(1, 6);
    assert_int_equal(available(3), 5);
    add(4, 1U << 0);
    assert_int_equal(position(4), 5);
}

static void from_the_oldest_is_as_far_back_as_the_ring_holds_for_anybody(void)
{
    ring_open();
    add(0, 0);
    add(1, 1U << 0);
    add(2, 0);
    produce(CAPACITY);
    handle(0, 6);
    handle(1, 5);
    handle(2, 4);
    assert_int_equal(join(3, 0, true), MR_OK);
    assert_int_equal(position(3), 4);
    assert_int_equal(join(4, 1U << 0, true), MR_OK);
    assert_int_equal(position(4), 4);
    handle(2, 8);
    handle(3, 8);
    handle(4, 6);
    assert_int_equal(join(5, 0, true), MR_OK);
    assert_int_equal(position(5), 5);
    leave(1);
    assert_int_equal(join(6, 1U << 2, true), MR_OK);
    assert_int_equal(position(6), 5);
    handle(5, 7);
}

static void nothing_is_lost_between_two_consumers(void)
{
    ring_open();
    produce(3);
    add(0, 0); /* nobody was there: what was published is kept for whoever comes first */
    assert_int_equal(position(0), 0);
    for (uint64_t n = 0; n < 4 * CAPACITY; n += 2) {
        handle(0, n + 1);
        leave(0);
        assert_int_equal(mr_ring_slowest(&fixture.ring), at(n + 1));
        while (number(mr_ring_cursor(&fixture.ring)) - (n + 1) < CAPACITY)
            produce(1);
        assert_full();
        assert_int_equal(join(1, 0, n % 4 == 0), MR_OK);
        assert_int_equal(position(1), n + 1);
        handle(1, n + 2);
        leave(1);
        assert_int_equal(join(0, 0, n % 4 != 0), MR_OK);
        assert_int_equal(position(0), n + 2);
    }
}

static void a_newcomer_holds_producers_back_from_the_first_moment(void)
{
    ring_open();
    add(0, 0);
    produce(5);
    handle(0, 5);
    add(1, 0);
    for (uint64_t n = 5; n < 5 + CAPACITY; n++) {
        produce(1);
        handle(0, n + 1);
    }
    assert_full();
    assert_int_equal(look_all(1), 5 + CAPACITY);
    handle(1, 6);
    produce(1);
    assert_full();
}

/* -- Leaving. ---------------------------------------------------------------------------------- */

static void who_has_left_holds_nobody_back_and_keeps_its_position(void)
{
    ring_open();
    add(0, 0);
    add(1, 0);
    produce(CAPACITY);
    handle(0, 7);
    handle(1, 2);
    leave(1);
    assert_int_equal(mr_ring_slowest(&fixture.ring), at(7));
    assert_int_equal(position(1), 2);
    produce(7);
    add(2, 0);
    assert_int_equal(position(2), 15);
    assert_int_equal(position(1), 2);
    assert_int_equal(join(1, 0, true), MR_OK);
    assert_int_equal(position(1), 7);
}

static void *claim_one(void *argument)
{
    uint64_t first = 0;
    (void)argument;
    ASSERT(mr_ring_claim(&fixture.ring, 1, &first) == MR_OK);
    ASSERT(first == at(CAPACITY));
    return NULL;
}

static void producers_that_wait_go_on_when_the_slowest_leaves(void)
{
    FOR_EACH_WAIT_KIND(kind)
    {
        ring_open_waiting(*kind, MR_WAIT_SPIN);
        add(0, 0);
        add(1, 0);
        produce(CAPACITY);
        handle(0, 4);
        pthread_t thread = thread_start(claim_one, NULL);
        if (*kind == MR_WAIT_PARK)
            await_sleeper(&fixture.ring.release);
        leave(1);
        thread_join(thread);
    }
}

/* -- Whom the producers watch. ----------------------------------------------------------------- */

static void producers_watch_those_that_nobody_follows(void)
{
    ring_open();
    assert_int_equal(gating(), 0);
    add(0, 0);
    assert_int_equal(gating(), bit_of(0));
    add(1, 1U << 0);
    add(2, 1U << 0);
    assert_int_equal(gating(), bit_of(1) | bit_of(2));
    add(3, 1U << 1 | 1U << 2);
    assert_int_equal(gating(), bit_of(3));
    leave(3);
    assert_int_equal(gating(), bit_of(1) | bit_of(2));
    leave(1);
    assert_int_equal(gating(), bit_of(2));
    leave(2);
    assert_int_equal(gating(), bit_of(0));
}

/* Who is in the ring and after whom, bit by bit. */
struct members {
    bool present[CONSUMERS];
    uint64_t after[CONSUMERS]; /* bit i: consumer i of the fixture */
};

static bool is_followed(const struct members *members, uint32_t index)
{
    for (uint32_t i = 0; i < MR_RING_CONSUMERS_MAX; i++)
        if (members->present[i] && (members->after[i] >> index & 1) != 0)
            return true;
    return false;
}

static void members_change(struct members *members, struct mr_random *random)
{
    uint32_t index = (uint32_t)mr_random_below(random, MR_RING_CONSUMERS_MAX);
    if (members->present[index]) {
        bool leaves = !is_followed(members, index);
        assert_int_equal(mr_ring_consumer_remove(consumer(index), NULL),
                         leaves ? MR_OK : MR_E_INVALID);
        members->present[index] = !leaves;
        return;
    }
    uint64_t after = 0;
    for (uint32_t i = 0; i < MR_RING_CONSUMERS_MAX; i++)
        if (members->present[i] && mr_random_chance(random, 1, 20))
            after |= UINT64_C(1) << i;
    assert_int_equal(join(index, after, mr_random_chance(random, 1, 2)), MR_OK);
    members->present[index] = true;
    members->after[index] = after;
}

static void random_joins_and_leaves_agree_with_a_naive_model(void)
{
    struct members members = {.present = {false}};
    struct mr_random random;
    mr_random_init(&random, seed_of_tests());
    ring_open();
    for (int step = 0; step < 2000; step++) {
        uint64_t expected = 0;
        members_change(&members, &random);
        for (uint32_t i = 0; i < MR_RING_CONSUMERS_MAX; i++)
            if (members.present[i] && !is_followed(&members, i))
                expected |= bit_of(i);
        assert_int_equal(gating(), expected);
    }
}

/* -- While others work. ------------------------------------------------------------------------ */

static void *produce_until_halted(void *argument)
{
    uint64_t first = 0;
    (void)argument;
    while (mr_ring_claim(&fixture.ring, 1, &first) == MR_OK) {
        slot_fill(first);
        mr_ring_publish(&fixture.ring, first, 1);
        if (mr_ring_halted(&fixture.ring))
            break;
    }
    return NULL;
}

static void *consume_until_halted(void *argument)
{
    struct mr_consumer *self = argument;
    for (uint64_t from = mr_consumer_position(self);;) {
        uint64_t next = mr_consumer_wait(self);
        if (next == from)
            return NULL;
        ASSERT(slots_hold(from, next));
        mr_consumer_release(self, next);
        from = next;
    }
}

/* Handles a few messages and checks that each is of its position, and so was not overwritten. */
static void handle_some(uint32_t index, uint64_t count)
{
    uint64_t from = mr_consumer_position(consumer(index));
    for (uint64_t end = from + count; mr_position_ahead(end, from) > 0;) {
        uint64_t next = mr_consumer_wait(consumer(index));
        assert_true(next != from);
        assert_true(slots_hold(from, next));
        mr_consumer_release(consumer(index), next);
        from = next;
    }
}

static void newcomers_are_never_overtaken_by_busy_producers(void)
{
    pthread_t producers[2];
    ring_open_waiting(MR_WAIT_PARK, MR_WAIT_PARK);
    add(0, 0);
    add(1, 1U << 0);
    pthread_t first = thread_start(consume_until_halted, consumer(0));
    pthread_t second = thread_start(consume_until_halted, consumer(1));
    for (int p = 0; p < (is_multi() ? 2 : 1); p++)
        producers[p] = thread_start(produce_until_halted, NULL);
    for (uint64_t i = 0; i < 60; i++) {
        uint32_t index = 2 + (uint32_t)(i % 3);
        assert_int_equal(join(index, i % 4, i % 5 == 0), MR_OK);
        handle_some(index, 1 + i % 3);
        leave(index);
    }
    mr_ring_halt(&fixture.ring);
    thread_join(first);
    thread_join(second);
    for (int p = 0; p < (is_multi() ? 2 : 1); p++)
        thread_join(producers[p]);
}

/* Produces and consumes in one thread, and so goes through a small ring many times while somebody
 * joins. */
static void *go_round_until_halted(void *argument)
{
    struct mr_consumer *self = argument;
    while (!mr_ring_halted(&fixture.ring)) {
        uint64_t first;
        if (mr_ring_try_claim(&fixture.ring, 1, &first) != MR_OK) {
            sched_yield();
            continue;
        }
        slot_fill(first);
        mr_ring_publish(&fixture.ring, first, 1);
        ASSERT(mr_consumer_available(self) == first + 1);
        mr_consumer_release(self, first + 1);
    }
    return NULL;
}

/* Handles what there is, if anything; whatever it has been given must still be there. */
static void glance(uint32_t index)
{
    uint64_t from = mr_consumer_position(consumer(index));
    for (int looks = 0; looks < 20; looks++) {
        uint64_t next = mr_consumer_look(consumer(index));
        assert_true(slots_hold(from, next));
        if (next != from)
            mr_consumer_release(consumer(index), next);
        from = next;
    }
}

static void newcomers_are_never_overtaken_in_the_smallest_rings(void)
{
    for (uint64_t capacity = 1; capacity <= 4; capacity *= 2) {
        fixture.options.capacity = capacity;
        ring_open_waiting(MR_WAIT_SPIN, MR_WAIT_SPIN);
        add(0, 0);
        pthread_t thread = thread_start(go_round_until_halted, consumer(0));
        while (mr_consumer_position(consumer(0)) == at(0))
            sched_yield();
        for (uint64_t i = 0; i < 2000; i++) {
            assert_int_equal(join(1, i % 2, i % 3 == 0), MR_OK);
            glance(1);
            leave(1);
        }
        mr_ring_halt(&fixture.ring);
        thread_join(thread);
    }
}

static void nothing_is_lost_between_two_consumers_of_a_busy_producer(void)
{
    uint64_t next = 0;
    ring_open_waiting(MR_WAIT_PARK, MR_WAIT_PARK);
    pthread_t producer = thread_start(produce_until_halted, NULL);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(join(i % 2, 0, i % 3 == 0), MR_OK);
        assert_int_equal(position(i % 2), next);
        handle_some(i % 2, 1 + i % 5);
        leave(i % 2);
        next = position(i % 2);
    }
    mr_ring_halt(&fixture.ring);
    thread_join(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_shapes(nobody_comes_after_itself_or_a_stranger_or_one_that_has_left),
        over_shapes(an_unknown_way_to_wait_is_refused),
        over_shapes(a_ring_takes_64_consumers_and_gives_their_cursors_away_again),
        over_shapes(who_is_followed_may_not_leave),
        over_shapes(who_is_in_no_ring_cannot_leave),
        over_shapes(before_the_first_claim_one_begins_at_the_first_position),
        over_shapes(who_follows_the_producers_begins_with_what_they_publish_next),
        over_shapes(who_comes_after_others_begins_at_the_slowest_of_them),
        over_shapes(from_the_oldest_is_as_far_back_as_the_ring_holds_for_anybody),
        over_shapes(nothing_is_lost_between_two_consumers),
        over_shapes(a_newcomer_holds_producers_back_from_the_first_moment),
        over_shapes(who_has_left_holds_nobody_back_and_keeps_its_position),
        over_shapes(producers_that_wait_go_on_when_the_slowest_leaves),
        over_shapes(producers_watch_those_that_nobody_follows),
        over_shapes(random_joins_and_leaves_agree_with_a_naive_model),
        over_shapes(newcomers_are_never_overtaken_by_busy_producers),
        over_shapes(newcomers_are_never_overtaken_in_the_smallest_rings),
        over_shapes(nothing_is_lost_between_two_consumers_of_a_busy_producer),
    };
    printf("MR_SEED=%" PRIu64 "\n", seed_of_tests());
    return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
