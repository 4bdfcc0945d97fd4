/* Repair: what is kept, and what may be lost, and only when it was named. */
#include "tests/journal/repair_rig.h"

/* Nothing is to be lost: the files of the journal are afterwards what they were before the damage.
 * `before` is destroyed. */
static void assert_mended(struct mr_sim *before, enum mr_repair_kind kind)
{
    char difference[200];
    assert_planned(0);
    assert_true(plan.step_count > 0);
    assert_int_equal(plan.steps[0].kind, kind);
    assert_int_equal(plan.keep_index, rig.acknowledged);
    RIG_OK(&rig, apply(0));
    assert_string_not_equal(plan.archive, "");
    assert_int_equal(mr_sim_size(rig.sim, MR_SIM_DURABLE, plan.archive), plan.steps[0].bytes);
    for (uint32_t i = 1; i <= count_segments(); i++) {
        static unsigned char left[TINY], right[TINY];
        mr_sim_read(rig.sim, MR_SIM_DURABLE, segment_name(i), 0, left, TINY);
        mr_sim_read(before, MR_SIM_DURABLE, segment_name(i), 0, right, TINY);
        snprintf(difference, sizeof difference, "segment %u is not as it was", i);
        if (memcmp(left, right, TINY) != 0) {
            fail_msg("%s", difference);
        }
    }
    mr_sim_destroy(before);
    assert_planned(0);
    assert_int_equal(plan.step_count, 0);
    assert_goes_on('A', rig.acknowledged);
}

/* Entries behind `keep` are to be lost: only when they are named; then it goes on behind them. */
static void assert_cut(uint64_t keep)
{
    char difference[200];
    uint64_t first = sequence_after(keep);
    assert_planned(first);
    assert_int_equal(plan.keep_index, keep);
    assert_int_equal(plan.keep_sequence, first - 1);
    struct mr_sim *before = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
    uint64_t wrong[] = {0, first - 1, first + 1};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(apply(wrong[i]), MR_E_INVALID);
        assert_int_equal(plan.lose_from, first);
    }
    if (!mr_sim_equal(rig.sim, before, difference, sizeof difference)) {
        fail_msg("a loss that was not named changed something: %s", difference);
    }
    mr_sim_destroy(before);
    RIG_OK(&rig, apply(first));
    rig.acknowledged = keep;
    assert_planned(0);
    assert_int_equal(plan.step_count, 0);
    rig_check_entries(&rig, rig.storage, keep);
    assert_goes_on('A', keep);
}

static void a_whole_journal_is_left_alone(void **state)
{
    (void)state;
    char difference[200];
    make_long_journal(12);
    assert_planned(0);
    assert_int_equal(plan.step_count, 0);
    assert_int_equal(plan.keep_index, 12);
    struct mr_sim *before = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
    RIG_OK(&rig, apply(0));
    assert_true(mr_sim_equal(rig.sim, before, difference, sizeof difference));
    mr_sim_destroy(before);
    rig_free(&rig);
}

static void a_damaged_head_page_is_written_anew(void **state)
{
    (void)state;
    for (uint32_t segment = 1; segment <= 4; segment++) {
        for (uint64_t page = 0; page < 4; page++) {
            make_long_journal(12);
            assert_true(count_segments() >= 4);
            struct mr_sim *before = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
            mr_sim_flip(rig.sim, segment_name(segment), page * PAGE + 77, 3);
            assert_mended(before, MR_REPAIR_HEAD);
            rig_free(&rig);
        }
    }
}

/* The watermark and the generation of the old head are gone; the rest must be as it was. */
static void a_head_without_any_whole_copy_is_made_from_the_frames(void **state)
{
    (void)state;
    for (uint32_t segment = 1; segment <= 4; segment++) {
        make_long_journal(12);
        poke(segment_name(segment), 0, "nonsense", 8);
        poke(segment_name(segment), MR_SUPERBLOCK_COPY_B, "nonsense", 8);
        if (segment > 1) { /* and the id of the journal is nowhere in it */
            zero(segment_name(segment), 16, 64);
            zero(segment_name(segment), MR_SUPERBLOCK_COPY_B + 16, 64);
        }
        assert_planned(0);
        assert_int_equal(plan.steps[0].kind, MR_REPAIR_HEAD);
        RIG_OK(&rig, apply(0));
        assert_goes_on('A', 12);
        rig_free(&rig);
    }
}

/* Then only what is left of the copies themselves may tell it, and a frame proves it. */
static void the_only_segment_may_lose_both_copies_but_not_the_id_twice(void **state)
{
    (void)state;
    for (int ids = 0; ids < 3; ids++) {
        make_journal(256 << 10, 2);
        assert_int_equal(count_segments(), 1);
        poke(segment_name(1), 0, "nonsense", 8);
        poke(segment_name(1), MR_SUPERBLOCK_COPY_B, "nonsense", 8);
        for (int i = 0; i < ids; i++) {
            zero(segment_name(1), (uint64_t)i * MR_SUPERBLOCK_COPY_B + 32, 16);
        }
        if (ids < 2) {
            assert_planned(0);
            RIG_OK(&rig, apply(0));
            assert_goes_on('A', 2);
        } else {
            assert_int_equal(mr_repair_plan(rig.storage, NULL, &plan, &rig.error), MR_E_CORRUPT);
        }
        rig_free(&rig);
    }
}

static void the_head_of_a_segment_that_was_never_used_is_made_anew(void **state)
{
    (void)state;
    make_journal(256 << 10, 2);
    assert_int_equal(count_segments(), 1);
    struct mr_superblock superblock = {.segment = 2, .generation = 1, .segment_bytes = 256 << 10};
    memcpy(superblock.journal_id, rig_id, sizeof rig_id);
    RIG_OK(&rig, mr_segment_make(rig.storage, &superblock, &rig.error));
    assert_planned(0);
    assert_int_equal(plan.step_count, 0);
    zero(segment_name(2), 0, FIRST);
    assert_planned(0);
    assert_true(plan.step_count > 0);
    RIG_OK(&rig, apply(0));
    assert_goes_on('A', 2);
    rig_free(&rig);
}

static void bytes_in_front_of_a_seal_are_zeroed(void **state)
{
    (void)state;
    make_long_journal(40);
    uint32_t found = 0;
    for (uint32_t i = 1; i < count_segments(); i++) {
        unsigned char pages[2 * PAGE];
        mr_sim_read(rig.sim, MR_SIM_CURRENT, segment_name(i), SEAL - PAGE, pages, sizeof pages);
        if (mr_bytes_zero(pages, PAGE) && !mr_bytes_zero(pages + PAGE, PAGE)) {
            found = i;
        }
    }
    assert_int_not_equal(found, 0);
    struct mr_sim *before = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
    mr_sim_flip(rig.sim, segment_name(found), SEAL - PAGE + 100, 1);
    assert_mended(before, MR_REPAIR_GAP);
    rig_free(&rig);
}

static void a_torn_tail_is_cut_off_without_a_word(void **state)
{
    (void)state;
    make_journal(128 << 10, 1);
    die_in_flight(2, 8 + 3);
    assert_planned(0);
    assert_int_equal(plan.steps[0].kind, MR_REPAIR_TORN);
    assert_int_equal(plan.keep_index, 2);
    RIG_OK(&rig, apply(0));
    assert_string_equal(plan.archive, "archive/00000001-000000028672.torn-1");
    assert_goes_on('A', 2);
    rig_free(&rig);
}

static void behind_rot_everything_is_lost_once_it_is_named(void **state)
{
    (void)state;
    for (uint64_t index = 2; index <= 12; index++) {
        uint32_t segment;
        uint64_t offset;
        make_long_journal(12);
        find_frame(index, &segment, &offset);
        mr_sim_flip(rig.sim, segment_name(segment), offset + 300, 3);
        uint64_t seen = rig.tip.sequence;
        assert_planned(sequence_after(index - 1));
        assert_int_equal(plan.seen_to, seen);
        assert_true(plan.generation > 1);
        assert_cut(index - 1);
        rig_free(&rig);
    }
}

static void what_is_dropped_is_in_the_archive(void **state)
{
    (void)state;
    uint32_t segment;
    uint64_t offset;
    uint64_t index = 4;
    make_long_journal(12);
    do {
        find_frame(++index, &segment, &offset);
    } while (offset == FIRST);
    mr_sim_flip(rig.sim, segment_name(segment), offset + 300, 3);
    static unsigned char before[TINY], after[TINY];
    mr_sim_read(rig.sim, MR_SIM_CURRENT, segment_name(segment), 0, before, TINY);
    RIG_OK(&rig, apply(sequence_after(index - 1)));
    size_t size = (size_t)mr_sim_size(rig.sim, MR_SIM_DURABLE, plan.archive);
    assert_int_equal(size, TINY - offset);
    mr_sim_read(rig.sim, MR_SIM_DURABLE, plan.archive, 0, after, size);
    assert_memory_equal(after, before + offset, size);
    rig_free(&rig);
}

static void bytes_behind_the_end_cost_what_may_have_been_there(void **state)
{
    (void)state;
    make_journal(TINY, 1);
    poke(segment_name(1), SEAL - PAGE + 8, "nonsense", 8);
    assert_cut(1);
    rig_free(&rig);
}

static void a_missing_segment_ends_the_journal(void **state)
{
    (void)state;
    for (uint32_t missing = 2; missing <= 3; missing++) {
        struct mr_recovery report;
        make_long_journal(12);
        remove_file(segment_name(missing));
        assert_int_equal(mr_journal_plan(rig.storage, &report, NULL, NULL), MR_E_CORRUPT);
        assert_cut(report.last_index);
        rig_free(&rig);
    }
}

static void a_stray_segment_that_holds_nothing_goes(void **state)
{
    (void)state;
    static unsigned char blank[TINY + PAGE + PAGE / 2]; /* no size that a segment has */
    make_journal(256 << 10, 2);
    make_file(segment_name(4), blank, sizeof blank);
    assert_planned(sequence_after(2));
    assert_int_equal(plan.step_count, 1);
    assert_string_equal(plan.steps[0].file, segment_name(4));
    assert_cut(2);
    rig_free(&rig);
}

static void a_segment_that_became_short_is_kept_as_far_as_it_goes(void **state)
{
    (void)state;
    uint32_t segment;
    uint64_t offset;
    static unsigned char bytes[TINY];
    make_long_journal(12);
    find_frame(5, &segment, &offset);
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(segment, name);
    mr_sim_read(rig.sim, MR_SIM_CURRENT, name, 0, bytes, TINY);
    remove_file(name);
    make_file(name, bytes, (size_t)offset + 1000);
    assert_cut(4);
    rig_free(&rig);
}

/* Nothing but the file's length tells of what it lost: no watermark does. */
static void the_last_segment_cut_short_never_passes_for_whole(void **state)
{
    (void)state;
    static unsigned char bytes[TINY];
    make_journal(256 << 10, 1);
    rig_start(&rig);
    rig_append_many(&rig, 1);
    rig_stop(&rig);
    uint64_t first = sequence_after(1);
    assert_int_equal(count_segments(), 1);
    mr_sim_read(rig.sim, MR_SIM_CURRENT, segment_name(1), 0, bytes, TINY);
    remove_file(segment_name(1));
    make_file(segment_name(1), bytes, FIRST + PAGE);
    assert_planned(first);
    assert_int_equal(plan.steps[0].kind, MR_REPAIR_EXTEND);
    assert_int_equal(plan.keep_index, 1);
    assert_int_equal(apply(0), MR_E_INVALID);
    RIG_OK(&rig, apply(first));
    rig.acknowledged = 1;
    assert_goes_on('A', 1);
    rig_free(&rig);
}

static void copies_that_contradict_each_other_are_both_made_anew(void **state)
{
    (void)state;
    make_long_journal(12);
    unsigned char head[FIRST];
    struct mr_superblock superblock = {
        .segment = 2, .generation = 7, .segment_bytes = TINY, .durable = {.number = 2}};
    memcpy(superblock.journal_id, rig_id, sizeof rig_id);
    mr_segment_put_head(head, &superblock);
    poke(segment_name(2), MR_SUPERBLOCK_COPY_A, head + MR_SUPERBLOCK_COPY_A, PAGE);
    assert_planned(0);
    assert_true(plan.step_count > 0);
    RIG_OK(&rig, apply(0));
    mr_sim_read(rig.sim, MR_SIM_DURABLE, segment_name(2), 0, &superblock, sizeof superblock);
    assert_int_equal(superblock.generation, 1);
    assert_goes_on('A', 12);
    rig_free(&rig);
}

static void a_damaged_record_of_a_truncation_is_written_anew(void **state)
{
    (void)state;
    make_long_journal(12);
    uint32_t segment;
    uint64_t offset;
    find_frame(9, &segment, &offset);
    mr_sim_flip(rig.sim, segment_name(segment), offset + 300, 3);
    RIG_OK(&rig, apply(sequence_after(8)));
    rig.acknowledged = 8;
    assert_goes_on('A', 8);
    mr_sim_flip(rig.sim, MR_TRUNCATION_NAME, 60, 3);
    struct mr_recovery report;
    assert_int_equal(mr_journal_plan(rig.storage, &report, NULL, NULL), MR_E_CORRUPT);
    assert_planned(0);
    assert_int_equal(plan.steps[0].kind, MR_REPAIR_RECORD);
    assert_true(plan.generation > 2);
    RIG_OK(&rig, apply(0));
    assert_int_equal(mr_sim_size(rig.sim, MR_SIM_DURABLE, plan.archive), PAGE);
    assert_goes_on('A', 11);
    rig_free(&rig);
}

static void the_new_generation_is_above_all_that_were_seen(void **state)
{
    (void)state;
    uint32_t segment, early;
    uint64_t offset, early_offset;
    make_journal(256 << 10, 6);
    find_frame(2, &early, &early_offset);
    find_frame(5, &segment, &offset);
    mr_sim_flip(rig.sim, segment_name(segment), offset + 300, 3);
    RIG_OK(&rig, apply(sequence_after(4)));
    rig.acknowledged = 4;
    assert_goes_on('A', 4); /* frames of generation 2 */
    RIG_OK(&rig, mr_repair_plan(rig.storage, NULL, &plan, &rig.error));
    assert_int_equal(plan.generation, 2);
    mr_sim_flip(rig.sim, MR_TRUNCATION_NAME, 60, 3);
    mr_sim_flip(rig.sim, segment_name(early), early_offset + 300, 3);
    RIG_OK(&rig, mr_repair_plan(rig.storage, NULL, &plan, &rig.error));
    assert_int_equal(plan.keep_index, 1);
    assert_int_equal(plan.generation, 3);
    RIG_OK(&rig, apply(plan.lose_from));
    rig.acknowledged = 1;
    assert_goes_on('A', 1);
    rig_free(&rig);
}

static void without_a_first_entry_there_is_nothing_to_repair(void **state)
{
    (void)state;
    char difference[200];
    make_long_journal(12);
    remove_file(segment_name(1));
    struct mr_sim *before = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
    assert_int_equal(mr_repair_plan(rig.storage, NULL, &plan, &rig.error), MR_E_CORRUPT);
    assert_non_null(strstr(rig.error.text, "from a copy"));
    assert_int_equal(plan.damage.decided, 'H');
    assert_int_equal(apply(1), MR_E_CORRUPT);
    assert_true(mr_sim_equal(rig.sim, before, difference, sizeof difference));
    mr_sim_destroy(before);
    rig_free(&rig);
    struct mr_sim *empty = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    assert_int_equal(mr_repair_plan(mr_sim_storage(empty), NULL, &plan, &rig.error),
                     MR_E_NOT_FOUND);
    mr_sim_destroy(empty);
}

static void a_full_disk_is_told_before_anything_changes(void **state)
{
    (void)state;
    char difference[200];
    make_long_journal(12);
    struct mr_sim_options options = {
        .seed = 5, .delay_max = 1, .capacity = (uint64_t)count_segments() * TINY + 2 * PAGE};
    rig_free(&rig);
    make_long_journal_on(&options, 12);
    mr_sim_flip(rig.sim, segment_name(2), FIRST + 300, 3);
    RIG_OK(&rig, mr_repair_plan(rig.storage, NULL, &plan, &rig.error));
    struct mr_sim *before = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
    assert_int_equal(apply(plan.lose_from), MR_E_NO_SPACE);
    assert_non_null(strstr(rig.error.text, "nothing was changed"));
    assert_true(mr_sim_equal(rig.sim, before, difference, sizeof difference));
    mr_sim_destroy(before);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_journal_is_left_alone),
        cmocka_unit_test(a_damaged_head_page_is_written_anew),
        cmocka_unit_test(a_head_without_any_whole_copy_is_made_from_the_frames),
        cmocka_unit_test(the_only_segment_may_lose_both_copies_but_not_the_id_twice),
        cmocka_unit_test(the_head_of_a_segment_that_was_never_used_is_made_anew),
        cmocka_unit_test(bytes_in_front_of_a_seal_are_zeroed),
        cmocka_unit_test(a_torn_tail_is_cut_off_without_a_word),
        cmocka_unit_test(behind_rot_everything_is_lost_once_it_is_named),
        cmocka_unit_test(what_is_dropped_is_in_the_archive),
        cmocka_unit_test(bytes_behind_the_end_cost_what_may_have_been_there),
        cmocka_unit_test(a_missing_segment_ends_the_journal),
        cmocka_unit_test(a_stray_segment_that_holds_nothing_goes),
        cmocka_unit_test(a_segment_that_became_short_is_kept_as_far_as_it_goes),
        cmocka_unit_test(the_last_segment_cut_short_never_passes_for_whole),
        cmocka_unit_test(copies_that_contradict_each_other_are_both_made_anew),
        cmocka_unit_test(a_damaged_record_of_a_truncation_is_written_anew),
        cmocka_unit_test(the_new_generation_is_above_all_that_were_seen),
        cmocka_unit_test(without_a_first_entry_there_is_nothing_to_repair),
        cmocka_unit_test(a_full_disk_is_told_before_anything_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
