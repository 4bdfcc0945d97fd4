/*
 * Crash states of what is not everyday: truncations, over one segment and several, and os
 * durability, where nothing is durable before a segment is full or the journal is stopped.
 */
#include "tests/journal/enumerate.h"

enum { STATES = 3600000 };

static struct enumeration e;

static uint32_t begin(const char *label)
{
    uint32_t share = life_share();
    enumeration_begin(&e, label, share, 1024, 16);
    e.levels[0].effort.doubles = share == 1;
    e.levels[1].effort.crash_small_one_in = 512;
    return share;
}

static void a_truncation_is_whole_or_never_was(void **state)
{
    (void)state;
    uint32_t share = begin("truncations");
    for (uint64_t round = 0; e.states < STATES / share; round++) {
        struct mr_random random;
        mr_random_init(&random, mr_mix64(e.seed) + round);
        struct life_plan plan = {
            .seed = mr_random_u64(&random),
            .segment_bytes = round % 2 == 0 ? 32 << 10 : 48 << 10,
            .frames_in_flight = 1 + (uint32_t)(round % 4),
            .payload_max = round % 3 == 0 ? 7000 : 3000,
            .entries = 4 + (uint32_t)mr_random_below(&random, 4),
            .polls = (uint32_t)mr_random_below(&random, 3),
            .marks = round % 2 == 0,
        };
        plan.truncate_after = 2 + (uint32_t)mr_random_below(&random, plan.entries - 1);
        plan.truncate_drops = 1 + (uint32_t)mr_random_below(&random, plan.truncate_after);
        plan.durability = round % 3 == 1 ? MR_DURABILITY_OS : MR_DURABILITY_DISK;
        /* A second life truncates again. */
        struct life_plan plans[2] = {plan, plan};
        plans[1].seed++;
        plans[1].truncate_after = plans[1].entries = 2;
        plans[1].truncate_drops = 1;
        enumerate_run(&e, plans, 1 + round % 2);
    }
    enumeration_end(&e, STATES / share);
}

/* Some runs are long enough for more unsynced frames than could be in flight otherwise. */
static void plan_os(struct life_plan plans[2], uint64_t seed, uint64_t round)
{
    struct mr_random random;
    mr_random_init(&random, mr_mix64(~seed) + round);
    bool is_long = round % 4 == 2;
    plans[0] = (struct life_plan){
        .seed = mr_random_u64(&random),
        .durability = round % 3 == 2 ? MR_DURABILITY_DISK : MR_DURABILITY_OS,
        .segment_bytes = is_long ? 96 << 10 : (round % 4 == 0 ? 32 << 10 : 48 << 10),
        .frames_in_flight = 1 + (uint32_t)(round % 8),
        .payload_max = round % 3 == 0 && !is_long ? 7000 : 3000,
        .entries = is_long ? 12 : 2 + (uint32_t)mr_random_below(&random, 6),
        .polls = (uint32_t)mr_random_below(&random, 3),
        .marks = round % 2 == 0,
        .killed = round % 2 == 1,
    };
    /* A second life, of either policy, goes on where the first was stopped or killed. */
    plans[1] = plans[0];
    plans[1].seed++;
    plans[1].killed = false;
    plans[1].durability = round % 3 == 2 || round % 8 < 4 ? MR_DURABILITY_OS : MR_DURABILITY_DISK;
    plans[1].entries = plans[0].durability == MR_DURABILITY_DISK ? plans[0].entries : 2;
}

static void under_os_durability_only_an_unsynced_end_is_lost(void **state)
{
    (void)state;
    uint32_t share = begin("os durability");
    for (uint64_t round = 0; e.states < STATES / share; round++) {
        struct life_plan plans[2];
        plan_os(plans, e.seed, round);
        bool alone = plans[0].durability == MR_DURABILITY_OS && round % 2 == 0;
        enumerate_run(&e, plans, alone ? 1 : 2);
    }
    enumeration_end(&e, STATES / share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncation_is_whole_or_never_was),
        cmocka_unit_test(under_os_durability_only_an_unsynced_end_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
