/*
 * Durability policies: what each of them may lose, and what it never loses.
 */
#include "tests/journal/damage_rig.h"

static void make(uint64_t seed, uint64_t segment_bytes, enum mr_durability durability)
{
    struct mr_sim_options options = {.seed = seed, .delay_max = (uint32_t)(seed % 4)};
    rig_make(&rig, &options, segment_bytes);
    rig.durability = durability;
    rig.frames_in_flight = 1 + (uint32_t)(seed % 8);
}

/* One life of random steps; ends wherever it ends. */
static void live(void)
{
    for (uint64_t steps = mr_random_below(&rig.random, 60); steps > 0; steps--) {
        switch (mr_random_below(&rig.random, 7)) {
        case 0:
        case 1:
        case 2:
            assert_true(rig_append(&rig) >= 0);
            break;
        case 3:
            assert_true(mr_journal_mark(rig.journal, &rig.error) >= 0);
            break;
        default:
            assert_true(rig_poll(&rig) >= 0);
        }
    }
}

/* The rig asserts at each recovery that nothing acknowledged is missing, and each entry is compared
 * with the one that was appended. */
static void under_os_durability_the_end_of_the_process_loses_nothing(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < 20; round++) {
        make(mr_mix64(seed + round), round % 2 == 0 ? TINY : 96 << 10, MR_DURABILITY_OS);
        for (int lives = 0; lives < 25; lives++) {
            rig_start(&rig);
            rig_check_entries(&rig, rig.storage, rig.tip.index);
            live();
            mr_sim_kill(rig.sim);
            rig_forget(&rig);
        }
        rig_free(&rig);
    }
}

static void under_os_durability_power_takes_only_what_was_not_synced(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    uint32_t unsynced = 0, lost = 0;
    for (uint64_t round = 0; round < 40; round++) {
        make(mr_mix64(seed + round), round % 2 == 0 ? TINY : 96 << 10, MR_DURABILITY_OS);
        for (int lives = 0; lives < 25; lives++) {
            struct mr_recovery plan;
            RIG_OK(&rig, mr_journal_plan(rig.storage, &plan, NULL, &rig.error));
            uint64_t promised = rig.acknowledged;
            rig_start(&rig);
            assert_int_equal(plan.decided, rig.report.decided);
            assert_true(rig.report.decided == 'A' || rig.report.decided == 'J');
            unsynced += rig.report.decided == 'J';
            assert_int_equal(rig.report.torn, rig.report.decided == 'J');
            rig_check_entries(&rig, rig.storage, rig.tip.index);
            assert_true(rig.tip.index >= promised);
            live();
            uint64_t synced = rig.journal->synced.index;
            rig_crash(&rig);
            lost += rig.acknowledged > synced;
            rig.acknowledged = synced;
        }
        rig_free(&rig);
    }
    printf("%u tails that were not synced, %u lives that may have lost an acknowledged entry\n",
           unsynced, lost);
    assert_true(unsynced > 50);
    assert_true(lost > 50);
}

static void policies_may_follow_each_other(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < 40; round++) {
        make(mr_mix64(seed + round), TINY, MR_DURABILITY_DISK);
        for (int lives = 0; lives < 25; lives++) {
            enum mr_durability before = rig.durability;
            rig.durability =
                mr_random_chance(&rig.random, 1, 2) ? MR_DURABILITY_OS : MR_DURABILITY_DISK;
            RIG_OK(&rig, rig_recover(&rig));
            char other = before == MR_DURABILITY_OS ? 'J' : 'B';
            assert_true(rig.report.decided == 'A' || rig.report.decided == other || lives == 0);
            int status = mr_journal_start(rig.journal, &rig.error);
            RIG_OK(&rig, status);
            live();
            uint64_t synced = rig.journal->synced.index;
            if (mr_random_chance(&rig.random, 1, 3)) {
                mr_sim_kill(rig.sim);
                rig_forget(&rig);
            } else {
                rig_crash(&rig);
                rig.acknowledged = rig.durability == MR_DURABILITY_OS ? synced : rig.acknowledged;
            }
        }
        rig_free(&rig);
    }
}

/* Whether or not there is room for it in the segment in hand. */
static void a_change_of_policy_is_on_the_disk_before_anything_else(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 64; round++) {
        make(round, TINY, round % 2 == 0 ? MR_DURABILITY_DISK : MR_DURABILITY_OS);
        rig_start(&rig);
        rig_append_many(&rig, (int)(round / 8));
        rig_stop(&rig);
        rig.durability =
            rig.durability == MR_DURABILITY_DISK ? MR_DURABILITY_OS : MR_DURABILITY_DISK;
        rig_start(&rig);
        struct mr_sim *survivor = mr_sim_clone(rig.sim, MR_SIM_DURABLE);
        struct mr_recovery plan;
        RIG_OK(&rig, mr_journal_plan(mr_sim_storage(survivor), &plan, NULL, &rig.error));
        assert_int_equal(plan.decided, 'A');
        assert_int_equal(plan.durability, rig.durability);
        assert_int_equal(plan.durable_index, rig.tip.index);
        mr_sim_destroy(survivor);
        rig_stop(&rig);
        rig_free(&rig);
    }
}

static void a_stop_syncs_under_os_durability(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < 50; round++) {
        make(seed + round, TINY, MR_DURABILITY_OS);
        rig_start(&rig);
        rig_append_many(&rig, (int)(round % 12));
        rig_stop(&rig);
        uint64_t index = rig.tip.index;
        assert_int_equal(rig.acknowledged, index);
        rig_crash(&rig);
        rig_start(&rig); /* asserts that all of it is there */
        assert_int_equal(rig.report.decided, 'A');
        assert_int_equal(rig.report.durability, MR_DURABILITY_OS);
        assert_int_equal(rig.report.durable_index, index);
        rig_free(&rig);
        rig_forget(&rig);
    }
}

/* What was synced and carried by a watermark is as safe as under disk durability. */
static void rot_in_a_synced_segment_is_refused_under_os_durability(void **state)
{
    (void)state;
    make(3, TINY, MR_DURABILITY_OS);
    rig_start(&rig);
    rig_append_many(&rig, 9);
    rig_stop(&rig);
    zero("journal/00000001.seg", FIRST + 2 * PAGE, 2 * MR_SECTOR_SIZE);
    struct mr_recovery report;
    struct mr_damage damage;
    assert_int_equal(mr_journal_plan(rig.storage, &report, &damage, NULL), MR_E_CORRUPT);
    assert_int_equal(damage.decided, 'C');
    rig_free(&rig);
}

static void a_failed_sync_of_a_full_segment_fences(void **state)
{
    (void)state;
    make(4, TINY, MR_DURABILITY_OS);
    rig_start(&rig);
    mr_sim_inject(rig.sim, &(struct mr_sim_fault){
                               .call = MR_SIM_QUEUE_SYNC, .nth = 1, .name_part = "00000001.seg"});
    int status = MR_OK;
    for (int i = 0; i < 200 && status >= 0; i++) {
        (void)rig_append(&rig);
        status = rig_poll(&rig);
    }
    assert_int_equal(status, MR_E_IO);
    assert_non_null(strstr(rig.error.text, "syncing"));
    assert_int_equal(mr_journal_poll(rig.journal, 0, &rig.error), MR_E_FENCED);
    assert_int_equal(mr_journal_stop(rig.journal, &rig.error), MR_E_IO);
    mr_journal_close(rig.journal);
    rig.journal = NULL;
    rig_free(&rig);
}

static void at_most_two_segments_are_not_synced(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        make(seed, TINY, MR_DURABILITY_OS);
        rig_start(&rig);
        for (int i = 0; i < 300; i++) {
            (void)rig_append(&rig);
            assert_true(rig_poll(&rig) >= 0);
            /* Three frames of entries at most, and a seal, fill a segment. */
            assert_true(rig.journal->number - 1 - rig.journal->synced_number <= 8);
        }
        assert_true(rig.journal->segment > 5);
        rig_stop(&rig);
        rig_free(&rig);
    }
}

static void a_volatile_journal_calls_everything_durable_at_the_next_poll(void **state)
{
    (void)state;
    struct mr_journal_options options = {.durability = MR_DURABILITY_NONE, .frames_in_flight = 2};
    struct mr_sim_options unused = {.seed = 1};
    rig_make(&rig, &unused, TINY);
    uint64_t calls = mr_sim_calls(rig.sim, MR_SIM_ANY_CALL);
    RIG_OK(&rig, mr_journal_open_volatile(&options, &rig.journal, &rig.error));
    RIG_OK(&rig, mr_journal_start(rig.journal, &rig.error));
    for (uint64_t i = 1; i <= 2000; i++) {
        assert_int_equal(rig_append(&rig), MR_OK);
        assert_int_equal(mr_journal_durable_index(rig.journal), i - 1);
        assert_int_equal(rig_poll(&rig), 1);
        assert_int_equal(mr_journal_durable_index(rig.journal), i);
        assert_int_equal(mr_journal_mark(rig.journal, &rig.error), 0);
    }
    assert_int_equal(rig_append(&rig), MR_OK);
    assert_int_equal(rig_append(&rig), MR_OK);
    assert_int_equal(rig_append(&rig), MR_AGAIN); /* two in flight */
    assert_int_equal(rig_poll(&rig), 2);
    assert_false(mr_journal_space_low(rig.journal, NULL));
    assert_int_equal(mr_journal_stop(rig.journal, &rig.error), MR_OK);
    mr_journal_close(rig.journal);
    rig.journal = NULL;
    assert_int_equal(mr_sim_calls(rig.sim, MR_SIM_ANY_CALL), calls);
    rig_free(&rig);
}

static void a_policy_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    struct mr_journal_options options = {.durability = (enum mr_durability)3};
    struct mr_journal *journal = NULL;
    struct mr_error error;
    assert_int_equal(mr_journal_open_volatile(&options, &journal, &error), MR_E_INVALID);
    assert_null(journal);
}

static void none_has_no_storage_and_the_others_have_one(void **state)
{
    (void)state;
    struct mr_journal_options options = {.durability = MR_DURABILITY_DISK};
    struct mr_journal *journal = NULL;
    struct mr_recovery report;
    make(1, TINY, MR_DURABILITY_DISK);
    uint64_t changes = mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE);
    assert_int_equal(mr_journal_open_volatile(&options, &journal, NULL), MR_E_INVALID);
    options.durability = MR_DURABILITY_OS;
    assert_int_equal(mr_journal_open_volatile(&options, &journal, NULL), MR_E_INVALID);
    options.durability = MR_DURABILITY_NONE;
    assert_int_equal(mr_journal_create(rig.storage, rig_id, &options, NULL), MR_E_INVALID);
    assert_int_equal(mr_journal_recover(rig.storage, &options, &report, NULL, &journal, NULL),
                     MR_E_INVALID);
    assert_null(journal);
    assert_int_equal(mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE), changes);
    rig_free(&rig);
}

static void little_room_is_announced_segments_ahead_of_need(void **state)
{
    (void)state;
    struct mr_sim_options options = {.seed = 5, .capacity = 20 * TINY};
    rig_make(&rig, &options, TINY);
    rig_start(&rig);
    uint64_t bytes;
    assert_false(mr_journal_space_low(rig.journal, &bytes));
    assert_int_equal(bytes, 19 * TINY);
    uint32_t announced_at = 0;
    int status = MR_OK;
    while (status >= 0) {
        (void)rig_append(&rig);
        status = rig_poll(&rig);
        if (announced_at == 0 && mr_journal_space_low(rig.journal, &bytes)) {
            announced_at = rig.journal->segment;
            assert_true(bytes < 8 * TINY);
        }
    }
    assert_int_equal(status, MR_E_NO_SPACE);
    assert_true(announced_at > 0);
    assert_true(rig.journal->segment >= announced_at + 6);
    assert_int_equal(mr_journal_stop(rig.journal, NULL), MR_E_NO_SPACE);
    mr_journal_close(rig.journal);
    rig.journal = NULL;
    rig.storage->calls->unlock(rig.storage);
    rig_start(&rig); /* asserts that all that was acknowledged is there */
    rig_check_entries(&rig, rig.storage, rig.tip.index);
    rig_forget(&rig);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(under_os_durability_the_end_of_the_process_loses_nothing),
        cmocka_unit_test(under_os_durability_power_takes_only_what_was_not_synced),
        cmocka_unit_test(policies_may_follow_each_other),
        cmocka_unit_test(a_change_of_policy_is_on_the_disk_before_anything_else),
        cmocka_unit_test(a_stop_syncs_under_os_durability),
        cmocka_unit_test(rot_in_a_synced_segment_is_refused_under_os_durability),
        cmocka_unit_test(a_failed_sync_of_a_full_segment_fences),
        cmocka_unit_test(at_most_two_segments_are_not_synced),
        cmocka_unit_test(a_volatile_journal_calls_everything_durable_at_the_next_poll),
        cmocka_unit_test(a_policy_that_does_not_exist_is_refused),
        cmocka_unit_test(none_has_no_storage_and_the_others_have_one),
        cmocka_unit_test(little_room_is_announced_segments_ahead_of_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
