/* The decision table of docs/format-journal.md, case by case. */
#include "tests/journal/damage_rig.h"

static void case_A_an_empty_journal_is_clean(void **state)
{
    (void)state;
    make_journal(TINY, 0);
    assert_goes_on('A', 0);
    rig_free(&rig);
}

static void case_A_zeros_behind_the_last_frame_are_clean(void **state)
{
    (void)state;
    for (int entries = 1; entries < 14; entries++) {
        make_journal(TINY, entries);
        assert_goes_on('A', (uint64_t)entries);
        rig_free(&rig);
    }
}

static void case_A_a_half_prepared_segment_is_removed(void **state)
{
    (void)state;
    make_journal(TINY, 2);
    make_file(MR_SEGMENT_TEMPORARY, "left over", 9);
    RIG_OK(&rig, rig_recover(&rig));
    assert_int_equal(mr_sim_size(rig.sim, MR_SIM_CURRENT, MR_SEGMENT_TEMPORARY), UINT64_MAX);
    mr_journal_close(rig.journal);
    rig.journal = NULL;
    rig.storage->calls->unlock(rig.storage);
    make_file(MR_SEGMENT_TEMPORARY, "left over", 9);
    assert_goes_on('A', 2);
    rig_free(&rig);
}

static void case_A_whole_frames_above_the_watermark_are_kept(void **state)
{
    (void)state;
    make_journal(128 << 10, 1);
    die_in_flight(4, UINT64_MAX);
    RIG_OK(&rig, mr_journal_plan(rig.storage, &rig.report, NULL, &rig.error));
    assert_int_equal(rig.report.durable_index, 1);
    assert_goes_on('A', 5);
    rig_free(&rig);
}

static void case_B_a_torn_frame_is_archived_and_zeroed(void **state)
{
    (void)state;
    make_journal(128 << 10, 1);
    die_in_flight(2, 8 + 3); /* the second frame has lost five sectors */
    RIG_OK(&rig, rig_recover(&rig));
    uint64_t offset = FIRST + 3 * PAGE; /* behind an entry, a watermark, an entry */
    assert_true(rig.report.torn);
    assert_int_equal(rig.report.last_index, 2);
    assert_string_equal(rig.report.torn_segment, "journal/00000001.seg");
    assert_int_equal(rig.report.torn_offset, offset);
    assert_int_equal(rig.report.torn_bytes, PAGE);
    assert_string_equal(rig.report.archive, "archive/00000001-000000028672.torn-1");
    unsigned char page[PAGE];
    assert_int_equal(mr_sim_read(rig.sim, MR_SIM_DURABLE, rig.report.archive, 0, page, PAGE), PAGE);
    assert_memory_equal(page, "MRFRAME", 8);
    assert_false(mr_bytes_zero(page + 1024, 512));
    assert_true(mr_bytes_zero(page + 1536, PAGE - 1536));
    mr_sim_read(rig.sim, MR_SIM_DURABLE, "journal/00000001.seg", offset, page, PAGE);
    assert_true(mr_bytes_zero(page, PAGE));
    mr_journal_close(rig.journal);
    rig.journal = NULL;
    rig.storage->calls->unlock(rig.storage);
    assert_goes_on('A', 2);
    rig_free(&rig);
}

static void case_B_a_place_torn_twice_has_two_archives(void **state)
{
    (void)state;
    make_journal(128 << 10, 1);
    for (int i = 1; i <= 3; i++) {
        char name[64];
        die_in_flight(1, 5);
        RIG_OK(&rig, rig_recover(&rig));
        snprintf(name, sizeof name, "archive/00000001-000000024576.torn-%d", i);
        assert_string_equal(rig.report.archive, name);
        mr_journal_close(rig.journal);
        rig.journal = NULL;
        rig.storage->calls->unlock(rig.storage);
    }
    assert_goes_on('A', 1);
    rig_free(&rig);
}

static bool keep_all_but_the_first_frame(void *context)
{
    uint64_t *asked = context;
    return (*asked)++ >= 8;
}

static void case_B_whole_frames_behind_a_lost_one_go_with_it(void **state)
{
    (void)state;
    make_journal(128 << 10, 1);
    rig_start(&rig);
    rig_append_many(&rig, 4);
    RIG_OK(&rig, rig.storage->calls->queue_flush(rig.storage, &rig.error));
    uint64_t asked = 0;
    mr_sim_crash_choosing(rig.sim, &(struct sim_choice){keep_all_but_the_first_frame, &asked});
    rig_forget(&rig);
    RIG_OK(&rig, mr_journal_plan(rig.storage, &rig.report, NULL, &rig.error));
    assert_int_equal(rig.report.torn_bytes, 3 * PAGE);
    assert_goes_on('B', 1);
    rig_free(&rig);
}

static void case_B_a_lost_seal_takes_the_next_segment_with_it(void **state)
{
    (void)state;
    make_journal(TINY, 2); /* entries and a watermark fill the first segment */
    rig_start(&rig);
    while (rig.journal->next_file < 0) {
        (void)rig_append(&rig);
        assert_true(rig_poll(&rig) >= 0);
    }
    assert_int_equal(rig.tip.index, 2);
    rig_append_many(&rig, 2);
    assert_int_equal(rig.journal->segment, 2);
    RIG_OK(&rig, rig.storage->calls->queue_flush(rig.storage, &rig.error));
    uint64_t asked = 0; /* the first frame in flight is the seal */
    mr_sim_crash_choosing(rig.sim, &(struct sim_choice){keep_all_but_the_first_frame, &asked});
    rig_forget(&rig);
    RIG_OK(&rig, mr_journal_plan(rig.storage, &rig.report, NULL, &rig.error));
    assert_int_equal(rig.report.torn_bytes, 2 * PAGE);
    assert_string_equal(rig.report.torn_segment, "journal/00000001.seg");
    assert_int_equal(rig.report.torn_offset, SEAL);
    assert_goes_on('B', 2);
    rig_free(&rig);
}

static void case_C_a_lost_frame_below_a_watermark_is_rot(void **state)
{
    (void)state;
    make_journal(128 << 10, 5);
    zero("journal/00000001.seg", FIRST + PAGE, PAGE);
    assert_refused('C', "journal/00000001.seg", FIRST + PAGE, sequence_after(1));
    rig_free(&rig);
}

static void case_C_a_lost_sector_below_a_watermark_is_rot(void **state)
{
    (void)state;
    make_journal(128 << 10, 5);
    uint64_t sequence = sequence_after(4);
    zero("journal/00000001.seg", FIRST + 4 * PAGE + 512, 512);
    assert_refused('C', "journal/00000001.seg", FIRST + 4 * PAGE, sequence);
    rig_free(&rig);
}

static void case_C_the_head_of_a_prepared_segment_carries_a_watermark_too(void **state)
{
    (void)state;
    enum { BYTES = 128 << 10 };
    make_journal(BYTES, 0);
    rig_start(&rig);
    while (rig.journal->segment_last < 2) {
        rig_append_many(&rig, !mr_journal_busy(rig.journal)); /* one after the other */
        assert_true(rig_poll(&rig) >= 0);
    }
    rig_stop(&rig);
    uint64_t sequence = sequence_after(1);
    /* Everything after the first entry is gone as if it had never been written. */
    zero("journal/00000001.seg", FIRST + PAGE, BYTES - FIRST - PAGE);
    assert_refused('C', "journal/00000001.seg", FIRST + PAGE, sequence);
    rig_free(&rig);
}

static void case_C_a_lost_seal_below_a_watermark_is_rot(void **state)
{
    (void)state;
    make_journal(TINY, 6);
    zero("journal/00000001.seg", SEAL, PAGE);
    assert_refused('C', "journal/00000001.seg", SEAL, sequence_after(3));
    rig_free(&rig);
}

static void case_D_a_damaged_frame_that_lost_no_sector_is_rot(void **state)
{
    (void)state;
    make_journal(128 << 10, 1);
    die_in_flight(1, UINT64_MAX); /* whole, above the watermark */
    uint64_t sequence = sequence_after(1);
    for (uint64_t byte = 0; byte < PAGE; byte += 61) {
        mr_sim_flip(rig.sim, "journal/00000001.seg", FIRST + 2 * PAGE + byte, byte % 8);
        assert_refused('D', "journal/00000001.seg", FIRST + 2 * PAGE, sequence);
        mr_sim_flip(rig.sim, "journal/00000001.seg", FIRST + 2 * PAGE + byte, byte % 8);
    }
    assert_goes_on('A', 2);
    rig_free(&rig);
}

/* Puts a whole watermark frame at the end, as a faulty writer or disk would. */
static void put_watermark_in(uint32_t segment, struct mr_frame_header header, uint64_t offset)
{
    struct mr_frame_place place = {.segment = segment, .offset = offset, .limit = 1 << 20};
    unsigned char page[PAGE];
    memcpy(place.journal_id, rig_id, sizeof rig_id);
    header.kind = MR_FRAME_WATERMARK;
    header.generation = 1;
    mr_frame_pad(page, 0);
    mr_frame_put_header(page, &header, &place);
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(segment, name);
    poke(name, offset, page, PAGE);
}

static void put_watermark(struct mr_frame_header header, uint64_t offset)
{
    put_watermark_in(1, header, offset);
}

static void case_E_a_whole_frame_that_does_not_continue_is_refused(void **state)
{
    (void)state;
    make_journal(128 << 10, 1);
    uint64_t end = FIRST + 2 * PAGE;
    uint64_t sequence = sequence_after(1);
    /* The number was used already: a frame of an older history. */
    put_watermark((struct mr_frame_header){.number = 2, .before = rig.tip}, end);
    assert_refused('E', "journal/00000001.seg", end, sequence);
    /* The right number, but another chain. */
    struct mr_tip other = rig.tip;
    other.digest.high++;
    put_watermark((struct mr_frame_header){.number = 3, .before = other}, end);
    assert_refused('E', "journal/00000001.seg", end, sequence);
    /* The right number and chain in the wrong place: there is room for a frame in front of it. */
    zero("journal/00000001.seg", end, PAGE);
    put_watermark((struct mr_frame_header){.number = 3, .before = rig.tip}, end + PAGE);
    assert_refused('E', "journal/00000001.seg", end + PAGE, sequence);
    /* A later number without room for what came before. */
    zero("journal/00000001.seg", end + PAGE, PAGE);
    put_watermark((struct mr_frame_header){.number = 4, .before = rig.tip}, end);
    assert_refused('E', "journal/00000001.seg", end, sequence);
    put_watermark((struct mr_frame_header){.number = 3, .before = rig.tip}, end);
    assert_goes_on('A', 1);
    rig_free(&rig);
}

static void case_E_a_segment_begins_behind_the_number_of_a_seal(void **state)
{
    (void)state;
    for (uint64_t number = 4; number <= 5; number++) {
        make_journal(TINY, 1);
        struct mr_superblock superblock = {.segment = 2, .generation = 1, .segment_bytes = TINY};
        memcpy(superblock.journal_id, rig_id, sizeof rig_id);
        RIG_OK(&rig, mr_segment_make(rig.storage, &superblock, &rig.error));
        /* Frame 3 is torn, 4 must have been the seal: it is lost, but its number is taken. */
        uint64_t end = FIRST + 2 * PAGE;
        put_watermark((struct mr_frame_header){.number = 3, .before = rig.tip}, end);
        zero("journal/00000001.seg", end + 1024, 512);
        struct mr_frame_header header = {.number = number, .before = rig.tip};
        put_watermark_in(2, header, FIRST);
        if (number == 4) {
            assert_refused('E', "journal/00000002.seg", FIRST, rig.tip.sequence + 1);
        } else {
            assert_goes_on('B', 1);
        }
        rig_free(&rig);
    }
}

static void case_F_bytes_farther_than_frames_in_flight_reach_are_refused(void **state)
{
    (void)state;
    make_journal(64 << 20, 1);
    uint64_t end = FIRST + 2 * PAGE;
    uint64_t reach = (uint64_t)MR_FRAMES_IN_FLIGHT_MAX * MR_FRAME_BYTES_MAX;
    poke("journal/00000001.seg", end + reach, "x", 1);
    assert_refused('F', "journal/00000001.seg", end + reach, sequence_after(1));
    zero("journal/00000001.seg", end + reach, 1);
    poke("journal/00000001.seg", end + reach - 1, "x", 1);
    assert_goes_on('B', 1);
    rig_free(&rig);
}

static void case_F_bytes_between_the_frames_and_the_seal_are_refused(void **state)
{
    (void)state;
    make_journal(36 << 10, 0);
    rig_start(&rig);
    rig.payload_max = 12000;
    while (rig.journal->segment < 2) {
        assert_true(rig_append(&rig) >= 0);
        assert_true(rig_poll(&rig) >= 0);
    }
    rig_stop(&rig);
    unsigned char page[PAGE];
    uint64_t seal = (36 << 10) - PAGE;
    mr_sim_read(rig.sim, MR_SIM_CURRENT, "journal/00000001.seg", seal - PAGE, page, PAGE);
    assert_true(mr_bytes_zero(page, PAGE)); /* there is a gap */
    struct mr_frame_header header;
    mr_sim_read(rig.sim, MR_SIM_CURRENT, "journal/00000001.seg", seal, page, PAGE);
    memcpy(&header, page, sizeof header);
    mr_sim_flip(rig.sim, "journal/00000001.seg", seal - 5, 3);
    assert_refused('F', "journal/00000001.seg", seal - 5, header.before.sequence + 1);
    rig_free(&rig);
}

static void flip_head(const char *name, uint64_t byte, unsigned bit)
{
    mr_sim_flip(rig.sim, name, byte, bit);
    if (byte / PAGE % 2 == 0) { /* in a copy: and in the other one */
        mr_sim_flip(rig.sim, name, (byte + MR_SUPERBLOCK_COPY_B) % MR_SEGMENT_HEAD, 7 - bit);
    }
}

static void case_G_a_damaged_head_is_refused(void **state)
{
    (void)state;
    make_journal(TINY, 5);
    uint64_t sequence = sequence_after(3);
    for (uint64_t byte = 0; byte < MR_SEGMENT_HEAD; byte += 307) {
        char letter = byte / PAGE % 2 == 0 ? 'G' : 'F'; /* both copies, or the zeros between */
        uint64_t offset = letter == 'G' ? 0 : byte / PAGE * PAGE;
        flip_head("journal/00000001.seg", byte, 2);
        assert_refused(letter, "journal/00000001.seg", offset, 1);
        flip_head("journal/00000001.seg", byte, 2);
        flip_head("journal/00000002.seg", byte, 7);
        assert_refused(letter, "journal/00000002.seg", offset, sequence);
        flip_head("journal/00000002.seg", byte, 7);
    }
    assert_goes_on('A', 5);
    rig_free(&rig);
}

static void case_L_one_damaged_copy_of_a_superblock_is_told_of_and_not_used(void **state)
{
    (void)state;
    for (uint64_t copy = 0; copy <= MR_SUPERBLOCK_COPY_B; copy += MR_SUPERBLOCK_COPY_B) {
        make_journal(TINY, 5);
        mr_sim_flip(rig.sim, "journal/00000002.seg", copy + 57, 4);
        RIG_OK(&rig, rig_recover(&rig));
        assert_int_equal(rig.report.decided, 'A');
        assert_string_equal(rig.report.head_segment, "journal/00000002.seg");
        assert_int_equal(rig.report.head_offset, copy);
        mr_journal_close(rig.journal);
        rig.storage->calls->unlock(rig.storage);
        assert_goes_on('A', 5);
        rig_free(&rig);
    }
}

static void case_G_a_segment_of_another_journal_or_size_is_refused(void **state)
{
    (void)state;
    make_journal(TINY, 5);
    uint64_t sequence = sequence_after(3);
    static unsigned char bytes[TINY];
    mr_sim_read(rig.sim, MR_SIM_CURRENT, "journal/00000002.seg", 0, bytes, TINY);
    remove_file("journal/00000002.seg");
    make_file("journal/00000002.seg", bytes, TINY - PAGE);
    assert_refused('G', "journal/00000002.seg", 0, sequence);
    remove_file("journal/00000002.seg");
    make_file("journal/00000002.seg", bytes, 100);
    assert_refused('G', "journal/00000002.seg", 0, sequence);
    struct mr_superblock other = {
        .segment = 2, .generation = 1, .segment_bytes = TINY, .journal_id = {9}};
    remove_file("journal/00000002.seg");
    mr_segment_put_head(bytes, &other);
    make_file("journal/00000002.seg", bytes, TINY);
    assert_refused('G', "journal/00000002.seg", 0, sequence);
    rig_free(&rig);
}

static void case_H_a_missing_segment_is_refused(void **state)
{
    (void)state;
    for (int missing = 1; missing <= 3; missing++) {
        make_journal(TINY, 8);
        uint64_t sequences[4] = {0, 1, sequence_after(3), sequence_after(6)};
        char name[MR_SEGMENT_NAME_SIZE];
        mr_segment_name((uint32_t)missing, name);
        if (missing == 3) { /* no later one: the seal of the second says that it was there */
            assert_int_equal(mr_sim_size(rig.sim, MR_SIM_CURRENT, "journal/00000003.seg"), TINY);
            if (mr_sim_size(rig.sim, MR_SIM_CURRENT, "journal/00000004.seg") != UINT64_MAX) {
                remove_file("journal/00000004.seg");
            }
        }
        remove_file(name);
        assert_refused('H', name, 0, sequences[missing]);
        rig_free(&rig);
    }
}

static void case_I_an_unknown_version_is_refused_as_such(void **state)
{
    (void)state;
    make_journal(TINY, 1);
    /* An entry of a later layout at the end, in a frame that is otherwise whole. */
    struct mr_frame_place place = {.segment = 1, .offset = FIRST + 2 * PAGE, .limit = SEAL};
    unsigned char page[PAGE];
    memcpy(place.journal_id, rig_id, sizeof rig_id);
    struct mr_entry *entry = mr_frame_entry(page);
    *entry = (struct mr_entry){
        .index = 2,
        .first_sequence = rig.tip.sequence + 1,
        .count = 1,
        .length = MR_ENTRY_SIZE + 10,
        .version = 1,
        .previous = rig.tip.digest,
    };
    memset(entry + 1, 'x', 10);
    struct mr_frame_header header = {
        .kind = MR_FRAME_ENTRY,
        .entry_length = entry->length,
        .generation = 1,
        .number = 3,
        .before = rig.tip,
        .entry_digest = mr_entry_digest(entry),
    };
    mr_frame_pad(page, entry->length);
    mr_frame_put_header(page, &header, &place);
    poke("journal/00000001.seg", place.offset, page, PAGE);
    assert_refused('I', "journal/00000001.seg", place.offset, rig.tip.sequence + 1);
    rig_free(&rig);
}

static void a_directory_without_segments_holds_no_journal(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_storage *storage = mr_sim_storage(sim);
    struct mr_journal_options options = {.segment_bytes = 4 << 20};
    struct mr_recovery report;
    struct mr_journal *journal;
    assert_int_equal(mr_journal_exists(storage, NULL), MR_E_NOT_FOUND);
    assert_int_equal(mr_journal_plan(storage, &report, NULL, NULL), MR_E_NOT_FOUND);
    assert_int_equal(mr_journal_recover(storage, &options, &report, NULL, &journal, NULL),
                     MR_E_NOT_FOUND);
    /* A creation that was cut off: the directory and a temporary. */
    assert_int_equal(storage->calls->make_directory(storage, "journal", NULL), MR_OK);
    int file;
    assert_int_equal(storage->calls->open(storage, MR_SEGMENT_TEMPORARY,
                                          MR_OPEN_WRITE | MR_OPEN_CREATE, &file, NULL),
                     MR_OK);
    storage->calls->close(storage, file);
    assert_int_equal(mr_journal_exists(storage, NULL), MR_E_NOT_FOUND);
    assert_int_equal(mr_journal_plan(storage, &report, NULL, NULL), MR_E_NOT_FOUND);
    assert_int_equal(mr_journal_create(storage, rig_id, &options, NULL), MR_OK);
    assert_int_equal(mr_journal_exists(storage, NULL), MR_OK);
    assert_int_equal(mr_journal_create(storage, rig_id, &options, NULL), MR_E_EXISTS);
    assert_int_equal(mr_journal_plan(storage, &report, NULL, NULL), MR_OK);
    assert_memory_equal(report.journal_id, rig_id, sizeof rig_id);
    assert_int_equal(report.last_index, 0);
    mr_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_A_an_empty_journal_is_clean),
        cmocka_unit_test(case_A_zeros_behind_the_last_frame_are_clean),
        cmocka_unit_test(case_A_a_half_prepared_segment_is_removed),
        cmocka_unit_test(case_A_whole_frames_above_the_watermark_are_kept),
        cmocka_unit_test(case_B_a_torn_frame_is_archived_and_zeroed),
        cmocka_unit_test(case_B_a_place_torn_twice_has_two_archives),
        cmocka_unit_test(case_B_whole_frames_behind_a_lost_one_go_with_it),
        cmocka_unit_test(case_B_a_lost_seal_takes_the_next_segment_with_it),
        cmocka_unit_test(case_C_a_lost_frame_below_a_watermark_is_rot),
        cmocka_unit_test(case_C_a_lost_sector_below_a_watermark_is_rot),
        cmocka_unit_test(case_C_the_head_of_a_prepared_segment_carries_a_watermark_too),
        cmocka_unit_test(case_C_a_lost_seal_below_a_watermark_is_rot),
        cmocka_unit_test(case_D_a_damaged_frame_that_lost_no_sector_is_rot),
        cmocka_unit_test(case_E_a_whole_frame_that_does_not_continue_is_refused),
        cmocka_unit_test(case_E_a_segment_begins_behind_the_number_of_a_seal),
        cmocka_unit_test(case_F_bytes_farther_than_frames_in_flight_reach_are_refused),
        cmocka_unit_test(case_F_bytes_between_the_frames_and_the_seal_are_refused),
        cmocka_unit_test(case_G_a_damaged_head_is_refused),
        cmocka_unit_test(case_L_one_damaged_copy_of_a_superblock_is_told_of_and_not_used),
        cmocka_unit_test(case_G_a_segment_of_another_journal_or_size_is_refused),
        cmocka_unit_test(case_H_a_missing_segment_is_refused),
        cmocka_unit_test(case_I_an_unknown_version_is_refused_as_such),
        cmocka_unit_test(a_directory_without_segments_holds_no_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
