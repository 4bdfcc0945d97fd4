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
    uint64_t seed = rig_seed();
    uint32_t share = life_share();
    enumeration_init(&e, seed);
    e.label = "many frames in flight";
    e.levels[0].effort = (struct effort){
        .all_bits = share == 1 ? 16 : 8,
        .randoms = 10000 / share,
        .doubles = true,
        .recover_one_in = 64,
        .crash_one_in = 4096,
        .crash_small_one_in = 256,
    };
    e.levels[1].effort = (struct effort){
        .all_bits = 8,
        .randoms = 32,
        .recover_one_in = 16,
        .crash_one_in = 1024,
        .crash_small_one_in = 1024,
    };
    e.levels[2].effort = (struct effort){.all_bits = 4, .randoms = 8, .recover_one_in = 16};
    for (uint64_t round = 0; e.states < STATES / share; round++) {
        struct life_plan plan;
        plan_of(&plan, seed, round);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(large_windows_of_many_frames_recover)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
