/* Frames of one page, of which two in flight are 65,536 states. */
#include "tests/journal/enumerate.h"

static struct enumeration e;

static void every_state(void **state)
{
    (void)state;
    enumeration_init(&e, rig_seed());
    e.levels[0].effort = (struct effort){.all_bits = 16, .randoms = 10000, .doubles = true, .recover_one_in = 64, .crash_one_in = 8192};
    e.levels[1].effort = (struct effort){.all_bits = 8, .randoms = 24, .recover_one_in = 8, .crash_one_in = 0};
    for (uint64_t i = 0; i < 4; i++) {
        struct life_plan plan = {.seed = mr_mix64(e.seed + i), .segment_bytes = 32 << 10, .frames_in_flight = 2, .payload_max = 3000, .entries = 6, .polls = 2, .marks = i % 2};
        e.label = "one page";
        enumerate_run(&e, &plan);
        printf("%llu states, %llu torn, %llu recovered, %llu crashed again, %llu windows, %llu full\n", (unsigned long long)e.states, (unsigned long long)e.torn, (unsigned long long)e.recovered, (unsigned long long)e.crashed_again, (unsigned long long)e.windows, (unsigned long long)e.all_subsets);
    }
    enumeration_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
