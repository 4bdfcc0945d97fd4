/* Repair: power cuts at each of its steps, and damage at random. */
#include "tests/journal/repair_rig.h"

/* What a dead process wrote may be in the cache only: before it is recorded as kept, it is synced.
 */
static void what_is_recorded_as_kept_is_durable(void **state)
{
    (void)state;
    struct mr_random random;
    int recorded = 0;
    mr_random_init(&random, rig_seed());
    for (uint64_t nth = 5; nth < 5 + 4 * 25; nth++) {
        unsigned char page[PAGE];
        int file;
        const struct mr_storage_calls *calls;
        make_journal(128 << 10, 3);
        calls = rig.storage->calls;
        mr_sim_read(rig.sim, MR_SIM_CURRENT, segment_name(1), FIRST + 2 * PAGE, page, PAGE);
        zero(segment_name(1), FIRST + 2 * PAGE, 2 * PAGE);
        poke(segment_name(1), FIRST + 3 * PAGE, "nonsense", 8);
        RIG_OK(&rig, calls->open(rig.storage, segment_name(1), MR_OPEN_WRITE, &file, &rig.error));
        RIG_OK(&rig, calls->write(rig.storage, file, FIRST + 2 * PAGE, page, PAGE, &rig.error));
        calls->close(rig.storage, file);
        assert_planned(sequence_after(3));
        mr_sim_inject(rig.sim, &(struct mr_sim_fault){.call = MR_SIM_ANY_CHANGE,
                                                      .nth = nth / 4,
                                                      .span = MR_SIM_POWER_CUT});
        (void)mr_repair_apply(rig.storage, plan.lose_from, &plan, &rig.error);
        mr_sim_crash(rig.sim, &random);
        if (mr_sim_size(rig.sim, MR_SIM_CURRENT, MR_TRUNCATION_NAME) != UINT64_MAX) {
            struct mr_recovery report;
            RIG_OK(&rig, mr_journal_plan(rig.storage, &report, NULL, &rig.error));
            assert_int_equal(report.last_index, 3);
            recorded++;
        }
        rig_free(&rig);
    }
    assert_true(recorded > 3);
}

enum harm { HARM_HEAD, HARM_HEADS, HARM_ROT, HARM_SHORT, HARM_MISSING, HARM_TAIL, HARMS };

static void harm(enum harm kind)
{
    static unsigned char bytes[TINY];
    switch (kind) {
    case HARM_HEAD:
        mr_sim_flip(rig.sim, segment_name(2), 99, 1);
        break;
    case HARM_HEADS:
        mr_sim_flip(rig.sim, segment_name(2), 99, 1);
        mr_sim_flip(rig.sim, segment_name(2), MR_SUPERBLOCK_COPY_B + 99, 1);
        mr_sim_flip(rig.sim, segment_name(3), FIRST + 300, 1);
        break;
    case HARM_ROT:
        mr_sim_flip(rig.sim, segment_name(2), FIRST + 300, 1);
        break;
    case HARM_SHORT: { /* the last that is in use: nothing behind it says what is missing */
        uint32_t last = count_segments() - 1;
        char name[MR_SEGMENT_NAME_SIZE];
        remove_file(segment_name(last + 1));
        mr_segment_name(last, name);
        mr_sim_read(rig.sim, MR_SIM_CURRENT, name, 0, bytes, TINY);
        remove_file(name);
        make_file(name, bytes, FIRST);
        break;
    }
    case HARM_MISSING:
        remove_file(segment_name(3));
        RIG_OK(&rig, mr_directory_sync(rig.storage, "journal", &rig.error));
        break;
    case HARM_TAIL:
        poke(segment_name(count_segments()), FIRST + PAGE + 8, "nonsense", 8);
        break;
    case HARMS:
        break;
    }
}

/* Crashes a repair at its nth change. Returns whether it was long enough for that. */
static bool crash_at(enum harm kind, uint64_t nth, struct mr_random *random)
{
    make_long_journal(12);
    harm(kind);
    RIG_OK(&rig, mr_repair_plan(rig.storage, NULL, &plan, &rig.error));
    uint64_t lose_from = plan.lose_from;
    uint64_t keep = plan.keep_index;
    mr_sim_inject(rig.sim, &(struct mr_sim_fault){
                               .call = MR_SIM_ANY_CHANGE, .nth = nth, .span = MR_SIM_POWER_CUT});
    (void)mr_repair_apply(rig.storage, lose_from, &plan, &rig.error);
    bool cut = mr_sim_power_is_cut(rig.sim);
    mr_sim_crash(rig.sim, random);
    /* A plain start either refuses, or has all that was to be kept. */
    rig.acknowledged = keep;
    struct mr_sim *copy = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
    struct mr_recovery report;
    int status = mr_journal_plan(mr_sim_storage(copy), &report, NULL, NULL);
    assert_true(status == MR_E_CORRUPT || (status == MR_OK && report.last_index == keep));
    /* Before the loss is recorded it never passes for whole. */
    if (status == MR_OK && lose_from != 0) {
        assert_int_not_equal(mr_sim_size(copy, MR_SIM_CURRENT, MR_TRUNCATION_NAME), UINT64_MAX);
    }
    mr_sim_destroy(copy);
    /* Once it is recorded, the loss needs no name any more; to name it again does no harm. */
    bool recorded =
        mr_sim_size(rig.sim, MR_SIM_CURRENT, MR_TRUNCATION_NAME) != UINT64_MAX || lose_from == 0;
    assert_planned(recorded ? 0 : lose_from);
    RIG_OK(&rig, apply(lose_from));
    rig_check_entries(&rig, rig.storage, keep);
    assert_goes_on('A', keep);
    rig_free(&rig);
    return cut;
}

static void a_repair_cut_off_anywhere_is_completed_by_the_next(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    uint64_t crashes = 0;
    for (int kind = 0; kind < HARMS; kind++) {
        bool cut = true;
        for (uint64_t nth = 1; cut; nth++) {
            for (int round = 0; round < 4; round++) {
                cut = crash_at((enum harm)kind, nth, &random);
                crashes += cut;
            }
        }
    }
    printf("%llu crashes\n", (unsigned long long)crashes);
    assert_true(crashes > 200);
}

/* Any bytes anywhere: what a repair does without being told a loss loses nothing at all, and what
 * it keeps is as it was. */
static void no_repair_loses_an_entry_that_was_not_named(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    uint64_t mended = 0, cut = 0, hopeless = 0;
    for (int round = 0; round < 400; round++) {
        make_long_journal(12);
        uint32_t segments = count_segments();
        for (uint64_t i = 1 + mr_random_below(&random, 4); i > 0; i--) {
            const char *name = segment_name(1 + (uint32_t)mr_random_below(&random, segments));
            uint64_t limit = mr_random_chance(&random, 1, 2) ? FIRST : TINY;
            mr_sim_flip(rig.sim, name, mr_random_below(&random, limit),
                        (unsigned)mr_random_below(&random, 8));
        }
        int status = mr_repair_plan(rig.storage, NULL, &plan, &rig.error);
        if (status != MR_OK) {
            assert_int_equal(status, MR_E_CORRUPT);
            hopeless++;
            rig_free(&rig);
            continue;
        }
        uint64_t keep = plan.keep_index;
        mended += plan.lose_from == 0;
        cut += plan.lose_from != 0;
        assert_true(plan.lose_from != 0 || keep == 12);
        RIG_OK(&rig, apply(plan.lose_from));
        rig.acknowledged = keep;
        assert_goes_on('A', keep);
        rig_free(&rig);
    }
    printf("%llu mended, %llu cut, %llu hopeless\n", (unsigned long long)mended,
           (unsigned long long)cut, (unsigned long long)hopeless);
    assert_true(mended > 100 && cut > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_recorded_as_kept_is_durable),
        cmocka_unit_test(a_repair_cut_off_anywhere_is_completed_by_the_next),
        cmocka_unit_test(no_repair_loses_an_entry_that_was_not_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
