/* Lanes: who is next, and that nobody starves, against a naive reference. */
#include <millrace/lanes.h>

#include "base/random.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED_DEFAULT UINT64_C(20240607)

enum { CAPACITY = 16, TRIALS = 400, STEPS = 2000 };

/* Rings with a consumer each, and the lanes over them. */
struct fixture {
    struct mr_ring rings[MR_LANES_MAX];
    struct mr_consumer consumers[MR_LANES_MAX];
    struct mr_lane given[MR_LANES_MAX];
    struct mr_lanes lanes;
    uint32_t count;
    alignas(MR_RING_PADDING) unsigned char memory[MR_LANES_MAX][CAPACITY * MR_RING_PADDING];
};

static struct fixture fixture;

static void fixture_init(uint32_t count, const uint32_t *patience, uint32_t batch_max,
                         enum mr_ring_layout layout, enum mr_producers producers)
{
    const struct mr_consumer_options options = {.batch_max = batch_max};
    fixture.count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct mr_ring_options ring = {.capacity = CAPACITY,
                                       .slot_size = 8,
                                       .layout = layout,
                                       .producers = producers,
                                       .memory = fixture.memory[i]};
        assert_true(mr_ring_memory_size(&ring) <= sizeof fixture.memory[i]);
        assert_int_equal(mr_ring_init(&fixture.rings[i], &ring, NULL), MR_OK);
        assert_int_equal(
            mr_ring_consumer_add(&fixture.rings[i], &fixture.consumers[i], &options, NULL), MR_OK);
        fixture.given[i] =
            (struct mr_lane){.consumer = &fixture.consumers[i], .patience = patience[i]};
    }
    assert_int_equal(mr_lanes_init(&fixture.lanes, fixture.given, count, NULL), MR_OK);
}

/* One position at a time, in the plainest of rings. */
static void plain_init(uint32_t count, const uint32_t *patience)
{
    fixture_init(count, patience, 1, MR_RING_THROUGHPUT, MR_PRODUCER_SINGLE);
}

static uint32_t pending(uint32_t lane)
{
    return (uint32_t)(mr_ring_cursor(&fixture.rings[lane]) -
                      mr_consumer_position(&fixture.consumers[lane]));
}

static void fill(uint32_t lane, uint32_t up_to)
{
    uint64_t first = 0;
    while (pending(lane) < up_to) {
        assert_int_equal(mr_ring_try_claim(&fixture.rings[lane], 1, &first), MR_OK);
        mr_ring_publish(&fixture.rings[lane], first, 1);
    }
}

/* The lane that is served, '0' and up; '-': none. */
static char serve(void)
{
    uint32_t lane;
    uint64_t first, next;
    if (!mr_lanes_poll(&fixture.lanes, &lane, &first, &next))
        return '-';
    assert_int_equal(first, mr_consumer_position(&fixture.consumers[lane]));
    mr_consumer_release(&fixture.consumers[lane], next);
    return (char)('0' + lane);
}

/* Serves once for each character, with something in all lanes of `busy` (bits) at any time. */
static void expect(uint32_t busy, const char *served)
{
    for (size_t i = 0; served[i] != '\0'; i++) {
        for (uint32_t lane = 0; lane < fixture.count; lane++)
            if ((busy >> lane & 1) != 0)
                fill(lane, 1);
        char got = serve();
        if (got != served[i])
            fail_msg("%c instead of %c at %zu of \"%s\"", got, served[i], i, served);
    }
}

/* -- Setting up. ------------------------------------------------------------------------------- */

static void lanes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    const uint32_t patience[MR_LANES_MAX] = {0};
    struct mr_lane many[MR_LANES_MAX + 1];
    struct mr_error error = {0};
    plain_init(MR_LANES_MAX, patience);
    for (uint32_t i = 0; i <= MR_LANES_MAX; i++)
        many[i] = fixture.given[0];
    assert_int_equal(mr_lanes_init(&fixture.lanes, many, 0, &error), MR_E_INVALID);
    assert_int_equal(mr_lanes_init(&fixture.lanes, many, MR_LANES_MAX + 1, &error), MR_E_LIMIT);
    assert_int_equal(mr_lanes_init(&fixture.lanes, many, MR_LANES_MAX, &error), MR_OK);
    many[3].consumer = NULL;
    assert_int_equal(mr_lanes_init(&fixture.lanes, many, MR_LANES_MAX, &error), MR_E_INVALID);
    assert_int_equal(error.code, MR_E_INVALID);
    assert_true(strstr(error.text, "lane 3") != NULL);
}

/* -- Who is next. ------------------------------------------------------------------------------ */

static void the_most_urgent_lane_with_something_is_next(void **state)
{
    (void)state;
    const uint32_t patience[] = {100, 100, 100};
    plain_init(3, patience);
    expect(0, "--");
    fill(2, 2);
    fill(1, 1);
    expect(0, "122-");
    fill(0, 1);
    fill(1, 1);
    fill(2, 1);
    expect(0, "012-");
}

static void a_batch_is_what_the_consumer_is_given_at_once(void **state)
{
    (void)state;
    const uint32_t patience[] = {1};
    uint32_t lane = 7;
    uint64_t first, next;
    fixture_init(1, patience, 3, MR_RING_THROUGHPUT, MR_PRODUCER_SINGLE);
    fill(0, 8);
    for (uint64_t position = 0; position < 8; position += 3) {
        assert_true(mr_lanes_poll(&fixture.lanes, &lane, &first, &next));
        assert_int_equal(lane, 0);
        assert_int_equal(first, position);
        assert_int_equal(next, position + 3 < 8 ? position + 3 : 8);
        mr_consumer_release(&fixture.consumers[0], next);
    }
    assert_false(mr_lanes_poll(&fixture.lanes, &lane, &first, &next));
}

static void what_is_not_released_is_offered_again(void **state)
{
    (void)state;
    const uint32_t patience[] = {100, 100};
    uint32_t lane;
    uint64_t first, next;
    fixture_init(2, patience, 4, MR_RING_THROUGHPUT, MR_PRODUCER_SINGLE);
    fill(1, 4);
    for (uint64_t position = 0; position < 4; position++) {
        assert_true(mr_lanes_poll(&fixture.lanes, &lane, &first, &next));
        assert_int_equal(lane, 1);
        assert_int_equal(first, position);
        assert_int_equal(next, 4);
        mr_consumer_release(&fixture.consumers[1], position + 1);
    }
    assert_int_equal(serve(), '-');
}

static void a_lane_goes_first_when_its_patience_is_over_and_not_before(void **state)
{
    (void)state;
    const uint32_t patience[] = {100, 3};
    plain_init(2, patience);
    expect(3, "000100010001");
}

static void patience_zero_means_the_usual(void **state)
{
    (void)state;
    const uint32_t patience[] = {100, 0};
    plain_init(2, patience);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MR_LANE_PATIENCE; i++)
            expect(3, "0");
        expect(3, "1");
    }
}

static void patience_begins_anew_when_a_lane_is_served_by_priority(void **state)
{
    (void)state;
    const uint32_t patience[] = {100, 3};
    plain_init(2, patience);
    expect(3, "00");
    expect(2, "1");
    expect(3, "0001");
}

static void an_empty_lane_that_was_due_waits_its_patience_again(void **state)
{
    (void)state;
    const uint32_t patience[] = {100, 3};
    plain_init(2, patience);
    expect(1, "0000"); /* the fourth finds lane 1 due, and empty */
    expect(3, "0010001");
}

static void of_lanes_that_are_due_the_latest_goes_first(void **state)
{
    (void)state;
    /* Lanes 2 and 3 are due in batch 2, lane 1 in batch 3: so lane 3 goes before it. */
    const uint32_t patience[] = {100, 3, 2, 2};
    plain_init(4, patience);
    expect(15, "00231230123");
}

static void of_equally_late_lanes_the_most_urgent_goes_first(void **state)
{
    (void)state;
    const uint32_t patience[] = {100, 3, 3, 3};
    plain_init(4, patience);
    expect(15, "0001230123");
}

static void the_most_urgent_lane_becomes_due_too(void **state)
{
    (void)state;
    /* Below it everybody is always due: without a patience of its own it would starve. */
    const uint32_t patience[] = {2, 1, 1, 1};
    plain_init(4, patience);
    expect(15, "012301230123");
}

/* -- Starvation. ------------------------------------------------------------------------------- */

static void the_bound_is_met_by_the_least_urgent_lane(void **state)
{
    (void)state;
    enum { PATIENCE = 5 };
    for (uint32_t count = 2; count <= MR_LANES_MAX; count++) {
        uint32_t patience[MR_LANES_MAX];
        for (uint32_t i = 0; i < count; i++)
            patience[i] = PATIENCE;
        plain_init(count, patience);
        /* Lane 0 keeps the thread, until all others are due in the same moment. */
        for (int i = 0; i < PATIENCE; i++)
            expect((1U << count) - 1, "0");
        uint32_t waited = PATIENCE;
        for (;; waited++) {
            fill(0, 1);
            if (serve() == (char)('0' + count - 1))
                break;
        }
        assert_int_equal(waited, PATIENCE + count - 2);
    }
}

/* The same rules with one counter a lane, and everything looked at. */
struct reference {
    uint32_t count;
    uint32_t patience[MR_LANES_MAX];
    uint64_t waited[MR_LANES_MAX]; /* batches of others since it was served or found empty */
};

static int reference_latest(const struct reference *reference)
{
    int latest = -1;
    int64_t lateness = -1;
    for (uint32_t i = 0; i < reference->count; i++) {
        int64_t mine = (int64_t)reference->waited[i] - (int64_t)reference->patience[i];
        if (mine > lateness) {
            lateness = mine;
            latest = (int)i;
        }
    }
    return latest;
}

static int reference_choose(struct reference *reference, const bool *has)
{
    for (int i = reference_latest(reference); i >= 0; i = reference_latest(reference)) {
        if (has[i])
            return i;
        reference->waited[i] = 0;
    }
    for (uint32_t i = 0; i < reference->count; i++) {
        if (has[i])
            return (int)i;
        reference->waited[i] = 0;
    }
    return -1;
}

static void reference_serve(struct reference *reference, uint32_t lane)
{
    for (uint32_t i = 0; i < reference->count; i++)
        reference->waited[i]++;
    reference->waited[lane] = 0;
}

struct trial {
    struct mr_random random;
    struct reference reference;
    uint32_t batch_max;
    uint32_t arrival[MR_LANES_MAX]; /* in percent a step */
    uint64_t passed[MR_LANES_MAX];  /* batches of others in a row, while it had something */
    uint64_t served_at[MR_LANES_MAX];
    uint64_t batches;
    uint64_t longest; /* of `passed`, as a share of the bound, in percent */
};

static void trial_init(struct trial *trial, uint64_t seed)
{
    static const uint32_t arrivals[] = {0, 1, 5, 20, 60, 100, 100};
    struct reference *reference = &trial->reference;
    memset(trial, 0, sizeof *trial);
    mr_random_init(&trial->random, seed);
    reference->count = 1 + (uint32_t)mr_random_below(&trial->random, MR_LANES_MAX);
    uint64_t patience_max = UINT64_C(1) << mr_random_below(&trial->random, 6);
    for (uint32_t i = 0; i < reference->count; i++) {
        reference->patience[i] = 1 + (uint32_t)mr_random_below(&trial->random, patience_max);
        trial->arrival[i] = arrivals[mr_random_below(&trial->random, 7)];
    }
    trial->batch_max = 1 + (uint32_t)mr_random_below(&trial->random, 4);
    fixture_init(reference->count, reference->patience, trial->batch_max,
                 (enum mr_ring_layout)mr_random_below(&trial->random, 2),
                 (enum mr_producers)mr_random_below(&trial->random, 2));
}

static void arrive(struct trial *trial, bool *has)
{
    for (uint32_t i = 0; i < fixture.count; i++) {
        if (mr_random_chance(&trial->random, trial->arrival[i], 100)) {
            uint32_t more = pending(i) + 1 + (uint32_t)mr_random_below(&trial->random, 3);
            fill(i, more < CAPACITY ? more : CAPACITY);
        }
        has[i] = pending(i) > 0;
    }
}

/* What the header promises, without regard to how it is kept. */
static void check_promises(struct trial *trial, uint32_t lane, const bool *has)
{
    const struct reference *reference = &trial->reference;
    for (uint32_t i = 0; i < fixture.count; i++) {
        trial->passed[i] = i == lane || !has[i] ? 0 : trial->passed[i] + 1;
        uint64_t bound = reference->patience[i] + fixture.count - 2;
        assert_true(trial->passed[i] <= bound);
        if (bound > 0 && 100 * trial->passed[i] > trial->longest * bound)
            trial->longest = 100 * trial->passed[i] / bound;
        if (i < lane && has[i]) /* it went before a more urgent one */
            assert_true(trial->batches - trial->served_at[lane] >= reference->patience[lane]);
    }
    trial->batches++;
    trial->served_at[lane] = trial->batches;
}

static void step(struct trial *trial)
{
    bool has[MR_LANES_MAX] = {false};
    uint32_t lane;
    uint64_t first, next;
    arrive(trial, has);
    int expected = reference_choose(&trial->reference, has);
    bool got = mr_lanes_poll(&fixture.lanes, &lane, &first, &next);
    assert_int_equal(got, expected >= 0);
    if (!got)
        return;
    assert_int_equal(lane, expected);
    assert_true(next - first >= 1 && next - first <= trial->batch_max &&
                next - first <= pending(lane));
    reference_serve(&trial->reference, lane);
    check_promises(trial, lane, has);
    /* Now and then less than all. */
    uint64_t released = mr_random_chance(&trial->random, 1, 8) ? first + 1 : next;
    mr_consumer_release(&fixture.consumers[lane], released);
}

static void no_lane_starves_whatever_arrives(void **state)
{
    (void)state;
    const char *text = getenv("MR_SEED");
    uint64_t base = text == NULL ? SEED_DEFAULT : strtoull(text, NULL, 10);
    uint64_t longest = 0;
    printf("MR_SEED=%" PRIu64 "\n", base);
    for (uint64_t i = 0; i < (text == NULL ? TRIALS : 1); i++) {
        struct trial trial;
        trial_init(&trial, base + i);
        for (int s = 0; s < STEPS; s++)
            step(&trial);
        if (trial.longest > longest)
            longest = trial.longest;
    }
    /* A bound that nothing comes near would say little. */
    if (text == NULL)
        assert_int_equal(longest, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_that_cannot_be_are_refused),
        cmocka_unit_test(the_most_urgent_lane_with_something_is_next),
        cmocka_unit_test(a_batch_is_what_the_consumer_is_given_at_once),
        cmocka_unit_test(what_is_not_released_is_offered_again),
        cmocka_unit_test(a_lane_goes_first_when_its_patience_is_over_and_not_before),
        cmocka_unit_test(patience_zero_means_the_usual),
        cmocka_unit_test(patience_begins_anew_when_a_lane_is_served_by_priority),
        cmocka_unit_test(an_empty_lane_that_was_due_waits_its_patience_again),
        cmocka_unit_test(of_lanes_that_are_due_the_latest_goes_first),
        cmocka_unit_test(of_equally_late_lanes_the_most_urgent_goes_first),
        cmocka_unit_test(the_most_urgent_lane_becomes_due_too),
        cmocka_unit_test(the_bound_is_met_by_the_least_urgent_lane),
        cmocka_unit_test(no_lane_starves_whatever_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
