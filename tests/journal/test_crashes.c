/*
 * Lives and deaths of a journal on a simulated disk: whatever a crash leaves, nothing acknowledged
 * is lost, nothing is invented, and the journal goes on; whatever call fails, it stops
 * acknowledging.
 */
#include "tests/journal/sim_rig.h"

#include <errno.h>

/* One life: random steps until a crash or an orderly end. */
static void live(struct sim_rig *rig)
{
    uint64_t steps = 1 + mr_random_below(&rig->random, 60);
    for (uint64_t i = 0; i < steps && rig->tip.index + 20 < RIG_ENTRIES_MAX; i++) {
        switch (mr_random_below(&rig->random, 8)) {
        case 0:
        case 1:
        case 2:
        case 3:
            assert_true(rig_append(rig) >= 0);
            break;
        case 4:
            assert_true(mr_journal_mark(rig->journal, &rig->error) >= 0);
            break;
        default:
            assert_true(rig_poll(rig) >= 0);
        }
    }
}

static void end_life(struct sim_rig *rig)
{
    switch (mr_random_below(&rig->random, 10)) {
    case 0:
        rig_stop(rig);
        break;
    case 1:
        mr_sim_kill(rig->sim);
        rig_forget(rig);
        break;
    default:
        rig_crash(rig);
    }
}

/* Recovers, perhaps with crashes in the middle; a plan made before must have said the same. */
static void recover_somehow(struct sim_rig *rig)
{
    struct mr_recovery plan;
    RIG_OK(rig, mr_journal_plan(rig->storage, &plan, &rig->damage, &rig->error));
    while (mr_random_chance(&rig->random, 1, 3)) {
        struct mr_sim_fault cut = {
            .call = MR_SIM_ANY_CHANGE,
            .nth = 1 + mr_random_below(&rig->random, 20),
            .span = MR_SIM_POWER_CUT,
        };
        mr_sim_inject(rig->sim, &cut);
        int status = rig_recover(rig);
        if (status == MR_OK) {
            rig_check_entries(rig, rig->storage, rig->tip.index);
        } else {
            assert_int_not_equal(status, MR_E_CORRUPT);
        }
        rig_crash(rig);
        RIG_OK(rig, mr_journal_plan(rig->storage, &plan, &rig->damage, &rig->error));
    }
    RIG_OK(rig, rig_recover(rig));
    assert_int_equal(plan.decided, rig->report.decided);
    assert_int_equal(plan.last_index, rig->report.last_index);
    assert_int_equal(plan.torn_bytes, rig->report.torn_bytes);
    assert_true(mr_digest_equal(plan.last_digest, rig->report.last_digest));
    assert_int_equal(rig->report.archive[0] != '\0', rig->report.torn);
}

static void no_crash_loses_or_invents_an_entry(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    uint64_t crashes = 0;
    uint64_t torn = 0;
    for (uint64_t round = 0; round < 45; round++) {
        static const uint64_t sizes[] = {64 << 10, 96 << 10, 256 << 10};
        static const uint32_t payloads[] = {300, 3000, 12000};
        static struct sim_rig rig;
        struct mr_sim_options options = {
            .seed = mr_mix64(seed + round),
            .delay_max = (uint32_t)(round % 5),
        };
        rig_make(&rig, &options, sizes[round % 3]);
        rig.payload_max = payloads[round / 3 % 3];
        rig.frames_in_flight = 1 + (uint32_t)(round % 8);
        for (int lives = 0; lives < 40; lives++) {
            recover_somehow(&rig);
            rig_check_entries(&rig, rig.storage, rig.tip.index);
            torn += rig.report.torn;
            RIG_OK(&rig, mr_journal_start(rig.journal, &rig.error));
            live(&rig);
            end_life(&rig);
            crashes++;
        }
        rig_free(&rig);
    }
    printf("%llu lives, %llu torn tails\n", (unsigned long long)crashes, (unsigned long long)torn);
    assert_true(torn > 50);
}

/* The strictest disk: it keeps only what was synced. At every step it must hold what was promised.
 * */
static void nothing_is_acknowledged_before_it_is_durable(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < 12; round++) {
        static struct sim_rig rig;
        struct mr_sim_options options = {.seed = seed + round, .delay_max = 1 + round % 4};
        rig_make(&rig, &options, 64 << 10);
        rig.payload_max = 9000;
        rig.frames_in_flight = 1 + (uint32_t)(round % 8);
        rig_start(&rig);
        uint64_t checked = 0;
        for (int step = 0; step < 300; step++) {
            uint64_t before = rig.acknowledged;
            assert_true(rig_append(&rig) >= 0);
            assert_true(rig_poll(&rig) >= 0);
            if (rig.acknowledged == before) {
                continue;
            }
            struct mr_sim *survivor = mr_sim_clone(rig.sim, MR_SIM_DURABLE);
            struct mr_recovery report;
            RIG_OK(&rig, mr_journal_plan(mr_sim_storage(survivor), &report, NULL, &rig.error));
            assert_true(report.last_index >= rig.acknowledged);
            checked++;
            mr_sim_destroy(survivor);
        }
        assert_true(checked > 20);
        rig_stop(&rig);
        rig_free(&rig);
    }
}

/* Power fails at each of the steps of a creation: there is a journal or there is none. */
static void a_creation_cut_off_anywhere_is_whole_or_can_be_repeated(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    const struct mr_journal_options options = {.segment_bytes = 4 << 20};
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        for (uint64_t round = 0; round < 8; round++) {
            struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = seed + round});
            struct mr_storage *storage = mr_sim_storage(sim);
            struct mr_random random;
            struct mr_recovery report;
            mr_random_init(&random, seed + nth * 8 + round);
            mr_sim_inject(sim, &(struct mr_sim_fault){.call = MR_SIM_ANY_CHANGE,
                                                      .nth = nth,
                                                      .span = MR_SIM_POWER_CUT});
            int created = mr_journal_create(storage, rig_id, &options, NULL);
            done = !mr_sim_power_is_cut(sim);
            mr_sim_crash(sim, &random);
            int planned = mr_journal_plan(storage, &report, NULL, NULL);
            if (created == MR_OK) {
                assert_int_equal(planned, MR_OK);
            } else if (planned != MR_OK) {
                assert_int_equal(planned, MR_E_NOT_FOUND);
                assert_int_equal(mr_journal_create(storage, rig_id, &options, NULL), MR_OK);
                assert_int_equal(mr_journal_plan(storage, &report, NULL, NULL), MR_OK);
            }
            assert_int_equal(report.last_index, 0);
            mr_sim_destroy(sim);
        }
    }
}

enum { FAULT_ENTRIES = 14 };

/* Runs a journal's whole life with whatever faults are set; true when all of it went well. */
static bool try_life(struct sim_rig *rig)
{
    if (rig_recover(rig) != MR_OK) {
        return false;
    }
    int status = mr_journal_start(rig->journal, &rig->error);
    if (status != MR_OK) {
        mr_journal_close(rig->journal);
        rig->journal = NULL;
        return false;
    }
    for (int i = 0; i < 60 && status >= 0; i++) {
        if (rig->tip.index < FAULT_ENTRIES) {
            status = rig_append(rig);
        }
        status = status < 0 ? status : rig_poll(rig);
    }
    if (status < 0) {
        /* The fence: nothing moves any more, and everything says so. */
        assert_int_not_equal(status, MR_E_FENCED);
        uint64_t durable = mr_journal_durable_index(rig->journal);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(mr_journal_poll(rig->journal, 0, &rig->error), MR_E_FENCED);
            assert_non_null(strstr(rig->error.text, "stopped after"));
            assert_int_equal(mr_journal_mark(rig->journal, &rig->error), MR_E_FENCED);
            assert_false(mr_journal_ready(rig->journal));
        }
        assert_int_equal(mr_journal_durable_index(rig->journal), durable);
    }
    int stopped = mr_journal_stop(rig->journal, &rig->error);
    assert_true(status >= 0 || stopped == status);
    rig_note(rig);
    mr_journal_close(rig->journal);
    rig->journal = NULL;
    return stopped == MR_OK;
}

static void fail_one_call(uint64_t seed, const struct mr_sim_fault *fault)
{
    static struct sim_rig rig;
    struct mr_sim_options options = {.seed = seed, .delay_max = 2};
    rig_make(&rig, &options, 32 << 10);
    mr_sim_inject(rig.sim, fault);
    (void)try_life(&rig);
    mr_sim_clear_faults(rig.sim);
    if (seed % 2 == 0) {
        rig_crash(&rig);
    } else {
        mr_sim_kill(rig.sim);
        rig_forget(&rig);
    }
    rig_start(&rig); /* asserts that nothing acknowledged is missing */
    rig_check_entries(&rig, rig.storage, rig.tip.index);
    rig_append_many(&rig, 3);
    rig_stop(&rig);
    rig_free(&rig);
}

static void any_failing_call_stops_acknowledging_and_recovery_is_safe(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    static struct sim_rig rig;
    struct mr_sim_options options = {.seed = seed, .delay_max = 2};
    rig_make(&rig, &options, 32 << 10);
    uint64_t before = mr_sim_calls(rig.sim, MR_SIM_ANY_CALL);
    assert_true(try_life(&rig));
    assert_int_equal(rig.acknowledged, FAULT_ENTRIES);
    uint64_t calls = mr_sim_calls(rig.sim, MR_SIM_ANY_CALL) - before;
    rig_free(&rig);
    assert_true(calls > 60);
    for (uint64_t nth = 1; nth <= calls; nth++) {
        for (int kind = 0; kind < 6; kind++) {
            fail_one_call(seed + nth + (uint64_t)kind,
                          &(struct mr_sim_fault){
                              .call = MR_SIM_ANY_CALL,
                              .nth = nth,
                              .system_error = kind % 2 == 0 ? EIO : ENOSPC,
                              .span = kind < 2 ? MR_SIM_ONCE : MR_SIM_FOREVER,
                              .short_write = kind >= 4,
                          });
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_crash_loses_or_invents_an_entry),
        cmocka_unit_test(nothing_is_acknowledged_before_it_is_durable),
        cmocka_unit_test(a_creation_cut_off_anywhere_is_whole_or_can_be_repeated),
        cmocka_unit_test(any_failing_call_stops_acknowledging_and_recovery_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
