/*
 * Every state that a crash may leave of windows up to 8 KiB: two frames of one page in flight, or
 * one of two pages, with masks, watermarks, seals, rolls and segments in preparation around them.
 */
#include "tests/journal/enumerate.h"

enum { STATES = 15500000 };

static struct enumeration e;

static const struct life_plan plans[] = {
    {.segment_bytes = 32 << 10, .frames_in_flight = 2, .payload_max = 3000, .entries = 3},
    {.segment_bytes = 48 << 10,
     .frames_in_flight = 2,
     .payload_max = 3600,
     .entries = 4,
     .polls = 1,
     .marks = true},
    {.segment_bytes = 48 << 10, .frames_in_flight = 1, .payload_max = 7600, .entries = 3},
    {.segment_bytes = 32 << 10,
     .frames_in_flight = 2,
     .payload_max = 2000,
     .entries = 6,
     .polls = 2,
     .marks = true},
    {.segment_bytes = 32 << 10,
     .frames_in_flight = 1,
     .payload_max = 7600,
     .entries = 2,
     .polls = 1},
    {.segment_bytes = 36 << 10,
     .frames_in_flight = 2,
     .payload_max = 3000,
     .entries = 5,
     .in_order = true},
};

static void every_subset_of_two_pages_in_flight_recovers(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    uint32_t share = life_share();
    enumeration_init(&e, seed);
    e.label = "two pages in flight";
    e.levels[0].effort = (struct effort){
        .all_bits = share == 1 ? 16 : 8,
        .randoms = 10000 / share,
        .doubles = true,
        .recover_one_in = 64,
        .crash_one_in = 8192,
        .crash_small_one_in = 32,
    };
    e.levels[1].effort = (struct effort){
        .all_bits = 8,
        .randoms = 16,
        .recover_one_in = 16,
        .crash_one_in = 1024,
        .crash_small_one_in = 1024,
    };
    e.levels[2].effort = (struct effort){.all_bits = 4, .randoms = 8, .recover_one_in = 16};
    for (uint64_t round = 0; e.states < STATES / share; round++) {
        struct life_plan plan = plans[round % (sizeof plans / sizeof plans[0])];
        plan.seed = mr_mix64(seed + round);
        enumerate_run(&e, &plan, 1);
    }
    enumeration_print(&e);
    assert_true(e.states >= STATES / share);
    assert_true(e.torn < e.states && e.torn > e.states / 4);
    assert_true(e.of_level[1] > e.states / 20 && e.of_level[2] > 0);
    enumeration_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_subset_of_two_pages_in_flight_recovers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
