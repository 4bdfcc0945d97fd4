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
    uint32_t share = life_share();
    enumeration_begin(&e, "two pages in flight", share, 8192, 32);
    e.levels[1].effort.randoms = 16;
    for (uint64_t round = 0; e.states < STATES / share; round++) {
        struct life_plan plan = plans[round % (sizeof plans / sizeof plans[0])];
        plan.seed = mr_mix64(e.seed + round);
        enumerate_run(&e, &plan, 1);
    }
    enumeration_end(&e, STATES / share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_subset_of_two_pages_in_flight_recovers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
