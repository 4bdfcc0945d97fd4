/*
 * Truncation: what was never committed goes as a whole, whenever the power fails; what was written
 * before never comes back; older generations bound nothing.
 */
#include "tests/journal/damage_rig.h"

#include "journal/truncation.h"

static void make(uint64_t seed, uint64_t segment_bytes)
{
    struct mr_sim_options options = {.seed = seed, .delay_max = 2};
    rig_make(&rig, &options, segment_bytes);
    rig.replicated = true;
}

/* What a truncation to `last_index` means for the rig. */
static void note_truncated(uint64_t last_index)
{
    struct mr_reader *reader;
    const struct mr_entry *entry;
    struct mr_tip tip = {0};
    RIG_OK(&rig, mr_reader_open(rig.storage, &(struct mr_reader_options){.last_index = last_index},
                                &reader, &rig.error));
    for (uint64_t index = 1; index <= last_index; index++) {
        RIG_OK(&rig, mr_reader_next(reader, &entry, NULL, &rig.error));
        tip = mr_tip_after(entry, mr_entry_digest(entry));
    }
    mr_reader_close(reader);
    rig.tip = tip;
    rig.acknowledged = last_index;
    rig.salt++;
}

static void truncate_to(uint64_t last_index)
{
    RIG_OK(&rig, mr_journal_truncate(rig.journal, last_index, &rig.error));
    note_truncated(last_index);
}

static void append_durably(int count)
{
    rig_append_many(&rig, count);
    while (mr_journal_busy(rig.journal)) {
        assert_true(rig_poll(&rig) >= 0);
    }
}

static void what_is_truncated_is_gone_and_the_journal_goes_on(void **state)
{
    (void)state;
    for (uint64_t keep = 0; keep <= 13; keep++) {
        make(100 + keep, TINY);
        rig_start(&rig);
        append_durably(13);
        truncate_to(keep);
        assert_int_equal(mr_journal_durable_index(rig.journal), keep);
        rig_append_many(&rig, 9);
        rig_stop(&rig);
        struct mr_recovery report;
        RIG_OK(&rig, mr_journal_plan(rig.storage, &report, NULL, &rig.error));
        assert_int_equal(report.decided, 'A');
        assert_int_equal(report.last_index, keep + 9);
        assert_int_equal(report.generation, keep == 13 ? 1 : 2);
        rig_check_entries(&rig, rig.storage, keep + 9);
        rig_start(&rig);
        append_durably(5);
        truncate_to(keep + 10); /* again, of another generation */
        append_durably(1);
        rig_stop(&rig);
        RIG_OK(&rig, mr_journal_plan(rig.storage, &report, NULL, &rig.error));
        assert_int_equal(report.last_index, keep + 11);
        assert_int_equal(report.generation, keep == 13 ? 2 : 3);
        rig_check_entries(&rig, rig.storage, keep + 11);
        rig_free(&rig);
    }
}

static void a_generation_is_not_used_twice_even_if_nothing_follows(void **state)
{
    (void)state;
    make(1, TINY);
    rig_start(&rig);
    append_durably(5);
    truncate_to(2);
    rig_stop(&rig);
    rig_start(&rig);
    assert_int_equal(rig.report.generation, 2);
    append_durably(1);
    truncate_to(2);
    rig_stop(&rig);
    RIG_OK(&rig, rig_recover(&rig));
    assert_int_equal(rig.report.generation, 3);
    mr_journal_close(rig.journal);
    rig_free(&rig);
}

/* The power fails at each of the steps of a truncation, and again in the recovery after it. */
static void cut_power(uint64_t seed, uint64_t nth, uint64_t keep, bool *done)
{
    make(seed, TINY);
    rig_start(&rig);
    append_durably(11);
    uint64_t whole = rig.tip.index;
    mr_sim_inject(rig.sim, &(struct mr_sim_fault){
                               .call = MR_SIM_ANY_CHANGE, .nth = nth, .span = MR_SIM_POWER_CUT});
    int status = mr_journal_truncate(rig.journal, keep, &rig.error);
    *done = !mr_sim_power_is_cut(rig.sim);
    mr_sim_crash(rig.sim, &rig.random);
    rig_forget(&rig);
    rig.acknowledged = keep;
    for (int again = 0; again < 3; again++) {
        mr_sim_inject(rig.sim, &(struct mr_sim_fault){.call = MR_SIM_ANY_CHANGE,
                                                      .nth = 1 + mr_random_below(&rig.random, 12),
                                                      .span = MR_SIM_POWER_CUT});
        struct mr_recovery plan;
        RIG_OK(&rig, mr_journal_plan(rig.storage, &plan, NULL, &rig.error));
        assert_true(plan.last_index == keep || plan.last_index == whole);
        assert_true(status != MR_OK || plan.last_index == keep);
        assert_int_not_equal(rig_recover(&rig), MR_E_CORRUPT);
        whole = plan.last_index; /* what was decided once stays */
        rig_crash(&rig);
    }
    RIG_OK(&rig, rig_recover(&rig));
    assert_int_equal(rig.report.last_index, whole);
    rig_check_entries(&rig, rig.storage, whole);
    RIG_OK(&rig, mr_journal_start(rig.journal, &rig.error));
    rig_append_many(&rig, 6);
    rig_stop(&rig);
    RIG_OK(&rig, mr_journal_plan(rig.storage, &rig.report, NULL, &rig.error));
    assert_int_equal(rig.report.last_index, whole + 6);
    rig_check_entries(&rig, rig.storage, whole + 6);
    rig_free(&rig);
}

static void a_power_cut_at_any_step_leaves_all_of_it_or_none(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    for (uint64_t keep = 0; keep < 11; keep += 3) {
        bool done = false;
        for (uint64_t nth = 1; !done; nth++) {
            for (uint64_t round = 0; round < 12; round++) {
                cut_power(seed + nth * 100 + round, nth, keep, &done);
            }
            assert_true(nth < 60);
        }
    }
}

static void a_failing_call_in_a_truncation_fences(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    bool struck = true;
    for (uint64_t nth = 1; struck; nth++) {
        make(seed + nth, TINY);
        rig_start(&rig);
        append_durably(8);
        uint64_t before = mr_sim_calls(rig.sim, MR_SIM_ANY_CALL);
        mr_sim_inject(rig.sim, &(struct mr_sim_fault){.call = MR_SIM_ANY_CALL, .nth = nth});
        int status = mr_journal_truncate(rig.journal, 4, &rig.error);
        struck = mr_sim_calls(rig.sim, MR_SIM_ANY_CALL) - before >= nth;
        mr_sim_clear_faults(rig.sim);
        if (status != MR_OK) {
            assert_int_equal(mr_journal_poll(rig.journal, 0, &rig.error), MR_E_FENCED);
            assert_int_not_equal(mr_journal_stop(rig.journal, &rig.error), MR_OK);
        } else {
            RIG_OK(&rig, mr_journal_stop(rig.journal, &rig.error));
        }
        mr_journal_close(rig.journal);
        rig.journal = NULL;
        rig.storage->calls->unlock(rig.storage);
        rig.acknowledged = 4;
        RIG_OK(&rig, rig_recover(&rig));
        assert_true(rig.report.last_index == 4 || rig.report.last_index == 8);
        rig_check_entries(&rig, rig.storage, rig.report.last_index);
        mr_journal_close(rig.journal);
        rig_free(&rig);
    }
}

/* A write of the old generation that comes back behind the cut (a lost zeroing, a misdirected
 * write) is refused, and its watermark bounds nothing. */
static void old_generations_are_refused_behind_the_cut(void **state)
{
    (void)state;
    static unsigned char old[TINY];
    make(3, TINY);
    rig_start(&rig);
    append_durably(3);
    mr_sim_read(rig.sim, MR_SIM_CURRENT, "journal/00000001.seg", 0, old, TINY);
    truncate_to(1);
    rig_stop(&rig);
    poke("journal/00000001.seg", FIRST + 2 * PAGE, old + FIRST + 2 * PAGE, PAGE);
    struct mr_recovery report;
    struct mr_damage damage;
    assert_int_equal(mr_journal_plan(rig.storage, &report, &damage, NULL), MR_E_CORRUPT);
    assert_int_equal(damage.decided, 'E');
    assert_int_equal(damage.offset, FIRST + 2 * PAGE);
    assert_int_equal(report.durable_index, 1);
    rig_free(&rig);
}

static void a_damaged_record_is_refused(void **state)
{
    (void)state;
    make(4, TINY);
    rig_start(&rig);
    append_durably(5);
    truncate_to(2);
    rig_stop(&rig);
    for (uint64_t byte = 0; byte < MR_PAGE_SIZE; byte += 61) {
        struct mr_recovery report;
        struct mr_damage damage;
        mr_sim_flip(rig.sim, MR_TRUNCATION_NAME, byte, byte % 8);
        assert_int_equal(mr_journal_plan(rig.storage, &report, &damage, NULL), MR_E_CORRUPT);
        assert_int_equal(damage.decided, 'M');
        assert_string_equal(damage.segment, MR_TRUNCATION_NAME);
        mr_sim_flip(rig.sim, MR_TRUNCATION_NAME, byte, byte % 8);
    }
    rig_free(&rig);
}

/* What is kept is read and checked before anything is given up for good. */
static void a_pending_truncation_over_damage_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    make(5, TINY);
    rig_start(&rig);
    append_durably(8);
    while (rig.journal->prepare.in_flight > 0) { /* the renames that follow are the record's */
        assert_true(rig_poll(&rig) >= 0);
    }
    mr_sim_inject(rig.sim, &(struct mr_sim_fault){.call = MR_SIM_RENAME,
                                                  .nth = 1,
                                                  .span = MR_SIM_POWER_CUT,
                                                  .name_part = ".seg"});
    assert_int_not_equal(mr_journal_truncate(rig.journal, 5, &rig.error), MR_OK);
    mr_sim_kill(rig.sim);
    rig_forget(&rig);
    struct mr_recovery report;
    RIG_OK(&rig, mr_journal_plan(rig.storage, &report, NULL, &rig.error));
    assert_int_equal(report.decided, 'K');
    assert_int_equal(report.last_index, 5);
    mr_sim_flip(rig.sim, "journal/00000001.seg", FIRST + PAGE + 300, 1);
    assert_refused('C', "journal/00000001.seg", FIRST + PAGE, sequence_after(1));
    mr_sim_flip(rig.sim, "journal/00000001.seg", FIRST + PAGE + 300, 1);
    rig.acknowledged = 5;
    RIG_OK(&rig, rig_recover(&rig));
    assert_int_equal(rig.report.decided, 'K');
    mr_journal_close(rig.journal);
    rig_free(&rig);
}

static void a_retired_segment_is_zeroed_and_used_again(void **state)
{
    (void)state;
    make(6, TINY);
    rig_start(&rig);
    append_durably(9);
    truncate_to(1);
    assert_int_equal(mr_sim_size(rig.sim, MR_SIM_CURRENT, MR_SEGMENT_SPARE), TINY);
    uint64_t created = mr_sim_calls(rig.sim, MR_SIM_CREATE);
    rig_append_many(&rig, 1);
    while (mr_sim_size(rig.sim, MR_SIM_DURABLE, "journal/00000002.seg") == UINT64_MAX) {
        assert_true(rig_poll(&rig) >= 0);
    }
    assert_int_equal(mr_sim_calls(rig.sim, MR_SIM_CREATE), created);
    assert_true(mr_sim_size(rig.sim, MR_SIM_CURRENT, MR_SEGMENT_SPARE) == UINT64_MAX);
    static unsigned char bytes[TINY];
    mr_sim_read(rig.sim, MR_SIM_DURABLE, "journal/00000002.seg", 0, bytes, TINY);
    assert_true(mr_bytes_zero(bytes + FIRST, TINY - FIRST));
    rig_append_many(&rig, 9);
    rig_stop(&rig);
    rig_check_entries(&rig, rig.storage, 11);
    rig_free(&rig);
}

static void what_is_committed_is_carried_by_frames(void **state)
{
    (void)state;
    make(7, 96 << 10);
    rig_start(&rig);
    append_durably(4);
    uint64_t sequence = sequence_after(3) - 1;
    mr_journal_commit(rig.journal, 3, sequence);
    append_durably(1);
    rig_stop(&rig);
    RIG_OK(&rig, mr_journal_plan(rig.storage, &rig.report, NULL, &rig.error));
    assert_int_equal(rig.report.durable_index, 5);
    assert_int_equal(rig.report.committed_index, 3);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_truncated_is_gone_and_the_journal_goes_on),
        cmocka_unit_test(a_generation_is_not_used_twice_even_if_nothing_follows),
        cmocka_unit_test(a_power_cut_at_any_step_leaves_all_of_it_or_none),
        cmocka_unit_test(a_failing_call_in_a_truncation_fences),
        cmocka_unit_test(old_generations_are_refused_behind_the_cut),
        cmocka_unit_test(a_damaged_record_is_refused),
        cmocka_unit_test(a_pending_truncation_over_damage_is_refused_and_changes_nothing),
        cmocka_unit_test(a_retired_segment_is_zeroed_and_used_again),
        cmocka_unit_test(what_is_committed_is_carried_by_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
