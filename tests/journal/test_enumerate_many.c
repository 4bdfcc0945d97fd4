/*
 * What a crash may leave of up to eight frames of up to five pages in flight, completing in any
 * order: of such windows all prefixes, all single and double drops and ten thousand random subsets.
 */
#include "tests/journal/enumerate.h"

enum { STATES = 7300000 };

static struct enumeration e;

static void plan_of(struct life_plan *plan, uint64_t seed, uint64_t round)
{
    static const uint32_t payloads[] = {3000, 7000, 12000, 18000};
    struct mr_random random;
    mr_random_init(&random, mr_mix64(seed) + round);
    *plan = (struct life_plan){
        .seed = mr_random_u64(&random),
        .frames_in_flight = 3 + (uint32_t)(round % 6),
        .payload_max = payloads[round % 4],
        .segment_bytes = round % 4 == 3 ? 52 << 10 : 36 << 10,
        .entries = 3 + (uint32_t)mr_random_below(&random, 8),
        .polls = (uint32_t)mr_random_below(&random, 3),
        .marks = round % 3 == 0,
    };
}

static void large_windows_of_many_frames_recover(void **state)
{
    (void)state;
    uint32_t share = life_share();
    enumeration_begin(&e, "many frames in flight", share, 4096, 256);
    for (uint64_t round = 0; e.states < STATES / share; round++) {
        struct life_plan plan;
        plan_of(&plan, e.seed, round);
        enumerate_run(&e, &plan, 1);
    }
    enumeration_end(&e, STATES / share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(large_windows_of_many_frames_recover)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
