/*
 * The decision table of docs/format-journal.md, case by case, and that a journal with any byte
 * flipped is refused with the right place and left alone.
 */
#include "journal/scan.h"
#include "tests/journal/sim_rig.h"

#include <errno.h>

enum {
    TINY = 32 << 10, /* a segment that holds three frames of 4 KiB */
    SEAL = TINY - 4096,
    FIRST = MR_SEGMENT_HEAD,
    PAGE = 4096,
};

static struct sim_rig rig;

/* A journal of `entries` small entries, stopped in good order: its last frame is a watermark. */
static void make_journal(uint64_t segment_bytes, int entries)
{
    struct mr_sim_options options = {.seed = 5, .delay_max = 1};
    rig_make(&rig, &options, segment_bytes);
    rig_start(&rig);
    rig_append_many(&rig, entries);
    rig_stop(&rig);
}

/* Appends and dies: `kept` sectors of what is in flight survive, in order; the rest is lost. */
static bool keep_first(void *context)
{
    uint64_t *left = context;
    bool keep = *left > 0;
    *left -= keep;
    return keep;
}

static void die_in_flight(int entries, uint64_t kept_sectors)
{
    rig_start(&rig);
    rig_append_many(&rig, entries);
    RIG_OK(&rig, rig.storage->calls->queue_flush(rig.storage, &rig.error));
    mr_sim_crash_choosing(rig.sim, &(struct sim_choice){keep_first, &kept_sectors});
    rig_forget(&rig);
}

/* Changing files behind the journal's back; synced. */
static void poke(const char *name, uint64_t offset, const void *data, size_t size)
{
    const struct mr_storage_calls *calls = rig.storage->calls;
    int file;
    RIG_OK(&rig, calls->open(rig.storage, name, MR_OPEN_WRITE, &file, &rig.error));
    RIG_OK(&rig, calls->write(rig.storage, file, offset, data, size, &rig.error));
    RIG_OK(&rig, calls->sync(rig.storage, file, &rig.error));
    calls->close(rig.storage, file);
}

static void make_file(const char *name, const void *data, size_t size)
{
    const struct mr_storage_calls *calls = rig.storage->calls;
    int file;
    RIG_OK(&rig, calls->open(rig.storage, name, MR_OPEN_WRITE | MR_OPEN_CREATE, &file, &rig.error));
    calls->close(rig.storage, file);
    poke(name, 0, data, size);
    RIG_OK(&rig, mr_directory_sync(rig.storage, "journal", &rig.error));
}

static void zero(const char *name, uint64_t offset, size_t size)
{
    void *zeros = calloc(1, size);
    poke(name, offset, zeros, size);
    free(zeros);
}

static void remove_file(const char *name)
{
    RIG_OK(&rig, rig.storage->calls->remove(rig.storage, name, &rig.error));
}

/* Plan and recover both refuse, name the place, and change nothing. */
static void assert_refused(char letter, const char *segment, uint64_t offset, uint64_t sequence)
{
    struct mr_sim *before = mr_sim_clone(rig.sim, MR_SIM_CURRENT);
    char difference[200];
    struct mr_damage damage = {0};
    struct mr_recovery report;
    int code = letter == 'I' ? MR_E_VERSION : MR_E_CORRUPT;
    uint64_t changes = mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE);
    assert_int_equal(mr_journal_plan(rig.storage, &report, &damage, &rig.error), code);
    assert_int_equal(mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE), changes);
    if (damage.decided != letter || damage.offset != offset || damage.sequence != sequence) {
        print_error("case %c expected at %s %llu, sequence %llu: %s\n", letter, segment,
                    (unsigned long long)offset, (unsigned long long)sequence, rig.error.text);
    }
    assert_int_equal(damage.decided, letter);
    assert_string_equal(damage.segment, segment);
    assert_int_equal(damage.offset, offset);
    assert_int_equal(damage.sequence, sequence);
    assert_non_null(strstr(rig.error.text, segment));
    assert_int_equal(rig_recover(&rig), code);
    assert_int_equal(rig.damage.decided, letter);
    assert_int_equal(rig.damage.offset, offset);
    assert_int_equal(rig.damage.sequence, sequence);
    rig.storage->calls->unlock(rig.storage);
    if (!mr_sim_equal(rig.sim, before, difference, sizeof difference)) {
        fail_msg("a refusal changed something: %s", difference);
    }
    mr_sim_destroy(before);
}

/* It recovers as `letter` says, holds `last_index` entries, and goes on. */
static void assert_goes_on(char letter, uint64_t last_index)
{
    rig_start(&rig);
    assert_int_equal(rig.report.decided, letter);
    assert_int_equal(rig.report.torn, letter == 'B');
    assert_int_equal(rig.report.last_index, last_index);
    rig_append_many(&rig, 3);
    rig_stop(&rig);
    struct mr_recovery report;
    RIG_OK(&rig, mr_journal_plan(rig.storage, &report, NULL, &rig.error));
    assert_int_equal(report.decided, 'A');
    assert_int_equal(report.last_index, last_index + 3);
    assert_int_equal(report.durable_index, last_index + 3);
    rig_check_entries(&rig, rig.storage, last_index + 3);
}

static uint64_t sequence_after(uint64_t index)
{
    struct mr_reader *reader;
    const struct mr_entry *entry;
    uint64_t sequence = 1;
    RIG_OK(&rig, mr_reader_open(rig.storage, 0, index, &reader, &rig.error));
    while (mr_reader_next(reader, &entry, NULL, NULL) == MR_OK) {
        sequence = mr_entry_last_sequence(entry) + 1;
    }
    mr_reader_close(reader);
    return sequence;
}

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

static void case_G_a_damaged_head_is_refused(void **state)
{
    (void)state;
    make_journal(TINY, 5);
    uint64_t sequence = sequence_after(3);
    for (uint64_t byte = 0; byte < MR_SEGMENT_HEAD; byte += 307) {
        char letter = byte / PAGE % 2 == 0 ? 'G' : 'F'; /* a copy, or the zeros between */
        mr_sim_flip(rig.sim, "journal/00000001.seg", byte, 2);
        assert_refused(letter, "journal/00000001.seg", byte / PAGE * PAGE, 1);
        mr_sim_flip(rig.sim, "journal/00000001.seg", byte, 2);
        mr_sim_flip(rig.sim, "journal/00000002.seg", byte, 7);
        assert_refused(letter, "journal/00000002.seg", byte / PAGE * PAGE, sequence);
        mr_sim_flip(rig.sim, "journal/00000002.seg", byte, 7);
    }
    assert_goes_on('A', 5);
    rig_free(&rig);
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

/* Where a flipped byte must be reported: found by walking the undamaged journal. */
struct expected {
    uint64_t end; /* of the bytes that this describes */
    uint64_t offset;
    uint64_t sequence;
};

static uint32_t list_frames(uint32_t segment, struct expected *list, uint64_t *end_of_all)
{
    struct mr_scan scan;
    struct mr_frame_header header;
    struct mr_entry *entry;
    uint32_t count = 0;
    RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
    RIG_OK(&rig, mr_scan_enter(&scan, 0, &rig.error));
    while (mr_scan_next(&scan, &header, &entry, &rig.error) == MR_OK) {
        if (header.segment == segment) {
            list[count++] = (struct expected){
                .end = scan.offset,
                .offset = header.offset,
                .sequence = header.before.sequence + 1,
            };
        }
    }
    *end_of_all = scan.at + 1 == segment ? scan.offset : TINY;
    uint64_t next = 1;
    if (count > 0 && *end_of_all == TINY) { /* what follows is the seal */
        struct mr_frame_header seal;
        unsigned char page[PAGE];
        char name[MR_SEGMENT_NAME_SIZE];
        mr_segment_name(segment, name);
        mr_sim_read(rig.sim, MR_SIM_CURRENT, name, SEAL, page, PAGE);
        memcpy(&seal, page, sizeof seal);
        next = seal.before.sequence + 1;
        list[count++] = (struct expected){.end = TINY, .offset = SEAL, .sequence = next};
    }
    mr_scan_free(&scan);
    return count;
}

static void flip_every_byte(uint32_t segment, struct mr_random *random)
{
    struct expected list[16];
    uint64_t end;
    char name[MR_SEGMENT_NAME_SIZE];
    uint32_t count = list_frames(segment, list, &end);
    uint32_t at = 0;
    mr_segment_name(segment, name);
    assert_true(count > 0);
    for (uint64_t byte = 0; byte < end; byte++) {
        unsigned bit = (unsigned)mr_random_below(random, 8);
        struct mr_damage damage = {0};
        struct mr_recovery report;
        at += byte == list[at].end;
        uint64_t offset = byte < FIRST ? byte / PAGE * PAGE : list[at].offset;
        mr_sim_flip(rig.sim, name, byte, bit);
        assert_int_equal(mr_journal_plan(rig.storage, &report, &damage, NULL), MR_E_CORRUPT);
        if (byte % 499 == 0) {
            assert_refused(damage.decided, name, offset, list[at].sequence);
        }
        mr_sim_flip(rig.sim, name, byte, bit);
        if (damage.offset != offset || damage.sequence != list[at].sequence) {
            print_error("%s byte %llu: reported %llu, sequence %llu\n", name,
                        (unsigned long long)byte, (unsigned long long)damage.offset,
                        (unsigned long long)damage.sequence);
        }
        assert_string_equal(damage.segment, name);
        assert_int_equal(damage.offset, offset);
        assert_int_equal(damage.sequence, list[at].sequence);
    }
}

static void every_flipped_byte_up_to_the_last_frame_is_refused_with_its_place(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    make_journal(TINY, 5);
    uint64_t changes = mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE);
    flip_every_byte(1, &random);
    flip_every_byte(2, &random);
    assert_true(mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE) >= changes);
    assert_goes_on('A', 5);
    rig_free(&rig);
}

static void a_flipped_byte_behind_the_end_never_costs_an_entry(void **state)
{
    (void)state;
    make_journal(TINY, 4); /* an entry and a watermark in the second segment */
    uint64_t end = FIRST + 2 * PAGE;
    for (uint64_t byte = end; byte < TINY; byte += 11) {
        struct mr_recovery report = {0};
        mr_sim_flip(rig.sim, "journal/00000002.seg", byte, byte % 8);
        int status = mr_journal_plan(rig.storage, &report, NULL, NULL);
        assert_true(status == MR_E_CORRUPT || (status == MR_OK && report.torn));
        assert_int_equal(report.last_index, 4);
        mr_sim_flip(rig.sim, "journal/00000002.seg", byte, byte % 8);
    }
    rig_free(&rig);
}

static void garbage_in_a_segment_is_refused_or_torn_but_never_trusted(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int round = 0; round < 2000; round++) {
        make_journal(TINY, 4);
        for (uint64_t hits = 1 + mr_random_below(&random, 4); hits > 0; hits--) {
            unsigned char bytes[2000];
            size_t size = 1 + mr_random_below(&random, sizeof bytes);
            for (size_t i = 0; i < size; i++) {
                bytes[i] = (unsigned char)(round % 2 == 0 ? mr_random_u64(&random) : 0);
            }
            /* Zeros that hit the last entry and the watermark behind it look like a torn tail. */
            uint32_t segment = round % 2 == 0 ? 1 + (uint32_t)mr_random_below(&random, 2) : 1;
            char name[MR_SEGMENT_NAME_SIZE];
            mr_segment_name(segment, name);
            poke(name, mr_random_below(&random, TINY - size), bytes, size);
        }
        struct mr_recovery report = {0};
        if (mr_journal_plan(rig.storage, &report, NULL, NULL) == MR_OK) {
            assert_int_equal(report.last_index, 4);
            rig_check_entries(&rig, rig.storage, 4);
        }
        rig_free(&rig);
    }
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
        cmocka_unit_test(case_G_a_segment_of_another_journal_or_size_is_refused),
        cmocka_unit_test(case_H_a_missing_segment_is_refused),
        cmocka_unit_test(case_I_an_unknown_version_is_refused_as_such),
        cmocka_unit_test(a_directory_without_segments_holds_no_journal),
        cmocka_unit_test(every_flipped_byte_up_to_the_last_frame_is_refused_with_its_place),
        cmocka_unit_test(a_flipped_byte_behind_the_end_never_costs_an_entry),
        cmocka_unit_test(garbage_in_a_segment_is_refused_or_torn_but_never_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
