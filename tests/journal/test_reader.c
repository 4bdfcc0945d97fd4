/* Readers: from any sequence, as many as one likes, and no damaged entry ever comes out. */
#include "journal/seek.h"
#include "tests/journal/damage_rig.h"

static void make(uint64_t segment_bytes, uint32_t payload_max, int entries)
{
    struct mr_sim_options options = {.seed = 23, .delay_max = 1};
    rig_make(&rig, &options, segment_bytes);
    rig.payload_max = payload_max;
    rig_start(&rig);
    rig_append_many(&rig, entries);
    rig_stop(&rig);
}

static void a_reader_starts_at_the_entry_that_holds_the_sequence(void **state)
{
    (void)state;
    make(64 << 10, 9000, 60);
    for (uint64_t from = 1; from <= rig.tip.sequence; from++) {
        struct mr_reader *reader;
        const struct mr_entry *entry;
        RIG_OK(&rig,
               mr_reader_open(rig.storage,
                              &(struct mr_reader_options){.from_sequence = from, .last_index = 60},
                              &reader, &rig.error));
        RIG_OK(&rig, mr_reader_next(reader, &entry, NULL, &rig.error));
        assert_true(entry->first_sequence <= from);
        assert_true(mr_entry_last_sequence(entry) >= from);
        uint64_t index = entry->index;
        while (mr_reader_next(reader, &entry, NULL, &rig.error) == MR_OK) {
            assert_int_equal(entry->index, ++index);
        }
        assert_int_equal(index, 60);
        mr_reader_close(reader);
    }
    rig_free(&rig);
}

static void a_reader_ends_at_the_index_it_was_given(void **state)
{
    (void)state;
    make(64 << 10, 9000, 30);
    for (uint64_t last = 1; last <= 30; last++) {
        rig_check_entries(&rig, rig.storage, last);
    }
    rig_free(&rig);
}

static void a_sequence_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    make(64 << 10, 300, 10);
    struct mr_reader *reader;
    uint64_t last = rig.tip.sequence;
    assert_int_equal(
        mr_reader_open(rig.storage,
                       &(struct mr_reader_options){.from_sequence = last + 1, .last_index = 10},
                       &reader, NULL),
        MR_E_NOT_FOUND);
    assert_int_equal(
        mr_reader_open(rig.storage,
                       &(struct mr_reader_options){.from_sequence = UINT64_MAX, .last_index = 10},
                       &reader, NULL),
        MR_E_NOT_FOUND);
    assert_int_equal(
        mr_reader_open(rig.storage,
                       &(struct mr_reader_options){.from_sequence = last, .last_index = 9}, &reader,
                       NULL),
        MR_E_NOT_FOUND);
    struct mr_reader_options behind = {.from_sequence = last + 1};
    assert_int_equal(mr_reader_open(rig.storage, &behind, &reader, NULL), MR_E_NOT_FOUND);
    behind.follow = true;
    RIG_OK(&rig, mr_reader_open(rig.storage, &behind, &reader, &rig.error));
    mr_reader_close(reader);
    behind.from_sequence++;
    assert_int_equal(mr_reader_open(rig.storage, &behind, &reader, NULL), MR_E_NOT_FOUND);
    rig_free(&rig);
}

static void options_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    static const struct mr_reader_options bad[] = {
        {.from_sequence = 1, .from_time_ns = 1},
        {.last_index = 5, .follow = true},
    };
    make(64 << 10, 300, 10);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct mr_reader *reader;
        assert_int_equal(mr_reader_open(rig.storage, &bad[i], &reader, NULL), MR_E_INVALID);
    }
    rig_free(&rig);
}

/* Reads on to the end; returns how many there were, the first of them has this index. */
static uint64_t read_from(const struct mr_reader_options *options, uint64_t index)
{
    struct mr_reader *reader;
    const struct mr_entry *entry;
    uint64_t count = 0;
    RIG_OK(&rig, mr_reader_open(rig.storage, options, &reader, &rig.error));
    int status = mr_reader_next(reader, &entry, NULL, &rig.error);
    for (; status == MR_OK; status = mr_reader_next(reader, &entry, NULL, &rig.error)) {
        assert_int_equal(entry->index, index + count++);
    }
    RIG_OK(&rig, status == MR_AGAIN ? MR_OK : status);
    mr_reader_close(reader);
    return count;
}

static void a_reader_starts_at_the_first_entry_that_is_not_earlier(void **state)
{
    (void)state;
    make(64 << 10, 9000, 60);
    for (uint64_t time = 1; time <= rig.tip.time_ns; time++) {
        struct mr_reader_options options = {.from_time_ns = time};
        uint64_t first = (time + 9) / 10; /* entry n is of time 10 n */
        assert_int_equal(read_from(&options, first), 60 - first + 1);
    }
    struct mr_reader *reader;
    struct mr_reader_options later = {.from_time_ns = rig.tip.time_ns + 1};
    assert_int_equal(mr_reader_open(rig.storage, &later, &reader, NULL), MR_E_NOT_FOUND);
    rig_free(&rig);
}

/* Of three frames in flight the first is there; no frame says that it is durable. */
static void a_reader_without_an_end_ends_where_the_watermarks_do(void **state)
{
    (void)state;
    make(256 << 10, 300, 10);
    assert_int_equal(read_from(&(struct mr_reader_options){0}, 1), 10);
    rig_start(&rig);
    rig_append_many(&rig, 3);
    RIG_OK(&rig, rig.storage->calls->queue_flush(rig.storage, &rig.error));
    uint64_t sectors = 8;
    mr_sim_crash_choosing(rig.sim, &(struct sim_choice){keep_first, &sectors});
    rig_forget(&rig);
    assert_int_equal(read_from(&(struct mr_reader_options){0}, 1), 10);
    assert_int_equal(read_from(&(struct mr_reader_options){.last_index = 11}, 1), 11);
    rig_free(&rig);
}

static void an_empty_journal_has_nothing_to_read(void **state)
{
    (void)state;
    struct mr_sim_options options = {.seed = 23};
    rig_make(&rig, &options, 64 << 10);
    assert_int_equal(read_from(&(struct mr_reader_options){0}, 1), 0);
    assert_int_equal(read_from(&(struct mr_reader_options){.follow = true}, 1), 0);
    rig_free(&rig);
}

/* Whatever is damaged, and however: not even the last frames end a reader in silence, as long as
 * something behind them is whole. */
static void damage_is_never_taken_for_the_end(void **state)
{
    (void)state;
    enum { ENTRIES = 40, FIRST_WORDS = 256, MISSING = 4096 };
    make(64 << 10, 9000, ENTRIES);
    for (uint64_t index = 1; index <= ENTRIES; index++) {
        for (int kind = 0; kind < 3; kind++) {
            struct mr_sim *whole = rig.sim;
            struct mr_reader *reader;
            const struct mr_entry *entry;
            struct mr_damage damage = {0};
            rig.sim = mr_sim_clone(whole, MR_SIM_CURRENT);
            rig.storage = mr_sim_storage(rig.sim);
            struct mr_scan scan;
            RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
            RIG_OK(&rig, mr_scan_seek(&scan, MR_SEEK_INDEX, index, &rig.error));
            char name[MR_SEGMENT_NAME_SIZE];
            mr_segment_name(mr_scan_segment(&scan), name);
            uint64_t offset = scan.offset;
            mr_scan_free(&scan);
            if (kind == 2) {
                mr_sim_flip(rig.sim, name, offset + 300, 1);
            } else {
                zero(name, offset, kind == 0 ? FIRST_WORDS : MISSING);
            }
            RIG_OK(&rig, mr_reader_open(rig.storage, &(struct mr_reader_options){0}, &reader,
                                        &rig.error));
            for (uint64_t i = 1; i < index; i++) {
                RIG_OK(&rig, mr_reader_next(reader, &entry, NULL, &rig.error));
            }
            assert_int_equal(mr_reader_next(reader, &entry, &damage, NULL), MR_E_CORRUPT);
            assert_string_equal(damage.segment, name);
            assert_int_equal(damage.offset, offset);
            mr_reader_close(reader);
            mr_sim_destroy(rig.sim);
            rig.sim = whole;
            rig.storage = mr_sim_storage(whole);
        }
    }
    rig_free(&rig);
}

static void many_readers_do_not_disturb_each_other(void **state)
{
    (void)state;
    enum { READERS = 5 };
    make(64 << 10, 9000, 40);
    struct mr_reader *readers[READERS];
    struct mr_tip tips[READERS] = {0};
    for (int i = 0; i < READERS; i++) {
        RIG_OK(&rig, mr_reader_open(rig.storage, &(struct mr_reader_options){.last_index = 40},
                                    &readers[i], &rig.error));
    }
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int left = READERS * 40; left > 0;) {
        uint64_t i = mr_random_below(&random, READERS);
        const struct mr_entry *entry;
        if (mr_reader_next(readers[i], &entry, NULL, &rig.error) == MR_OK) {
            struct rig_shape shape = rig_shape_of(&rig, entry->index);
            assert_true(rig_matches(&shape, entry, rig.scratch, &tips[i]));
            left--;
        }
    }
    for (int i = 0; i < READERS; i++) {
        mr_reader_close(readers[i]);
    }
    rig_free(&rig);
}

static void no_damaged_entry_comes_out(void **state)
{
    (void)state;
    make(32 << 10, 3000, 5);
    for (uint64_t byte = MR_SEGMENT_HEAD; byte < 32 << 10; byte += 3) {
        struct mr_reader *reader;
        const struct mr_entry *entry;
        struct mr_damage damage = {0};
        mr_sim_flip(rig.sim, "journal/00000001.seg", byte, byte % 8);
        uint64_t good =
            (byte - MR_SEGMENT_HEAD) / 4096; /* of the first three entries and the seal */
        RIG_OK(&rig, mr_reader_open(rig.storage, &(struct mr_reader_options){.last_index = 5},
                                    &reader, &rig.error));
        for (uint64_t i = 0; i < good; i++) {
            RIG_OK(&rig, mr_reader_next(reader, &entry, NULL, &rig.error));
        }
        assert_int_equal(mr_reader_next(reader, &entry, &damage, NULL), MR_E_CORRUPT);
        assert_string_equal(damage.segment, "journal/00000001.seg");
        assert_int_equal(damage.offset, byte / 4096 * 4096);
        mr_reader_close(reader);
        mr_sim_flip(rig.sim, "journal/00000001.seg", byte, byte % 8);
    }
    rig_free(&rig);
}

static void damage_in_front_of_the_start_does_not_matter_behind_it(void **state)
{
    (void)state;
    make(32 << 10, 3000, 12);
    mr_sim_flip(rig.sim, "journal/00000001.seg", MR_SEGMENT_HEAD + 300, 1);
    struct mr_reader *reader;
    const struct mr_entry *entry;
    RIG_OK(&rig, mr_reader_open(rig.storage,
                                &(struct mr_reader_options){.from_sequence = rig.tip.sequence,
                                                            .last_index = 12},
                                &reader, &rig.error));
    RIG_OK(&rig, mr_reader_next(reader, &entry, NULL, &rig.error));
    assert_int_equal(entry->index, 12);
    mr_reader_close(reader);
    rig_free(&rig);
}

static void a_journal_that_ends_too_early_is_corrupt(void **state)
{
    (void)state;
    make(64 << 10, 300, 5);
    struct mr_reader *reader;
    const struct mr_entry *entry;
    RIG_OK(&rig, mr_reader_open(rig.storage, &(struct mr_reader_options){.last_index = 6}, &reader,
                                &rig.error));
    for (int i = 0; i < 5; i++) {
        RIG_OK(&rig, mr_reader_next(reader, &entry, NULL, &rig.error));
    }
    assert_int_equal(mr_reader_next(reader, &entry, NULL, &rig.error), MR_E_CORRUPT);
    mr_reader_close(reader);
    rig_free(&rig);
}

static void a_read_error_is_reported_as_one(void **state)
{
    (void)state;
    make(64 << 10, 300, 5);
    for (uint64_t nth = 1; nth < 20; nth++) {
        struct mr_sim_fault fault = {.call = MR_SIM_READ, .nth = nth};
        struct mr_reader *reader;
        const struct mr_entry *entry;
        mr_sim_inject(rig.sim, &fault);
        int status = mr_reader_open(
            rig.storage, &(struct mr_reader_options){.from_sequence = 2, .last_index = 5}, &reader,
            &rig.error);
        if (status == MR_OK) {
            do {
                status = mr_reader_next(reader, &entry, NULL, &rig.error);
            } while (status == MR_OK);
            mr_reader_close(reader);
        }
        assert_true(status == MR_E_IO || status == MR_AGAIN);
        mr_sim_clear_faults(rig.sim);
    }
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_starts_at_the_entry_that_holds_the_sequence),
        cmocka_unit_test(a_reader_ends_at_the_index_it_was_given),
        cmocka_unit_test(a_sequence_that_is_not_there_is_not_found),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
        cmocka_unit_test(a_reader_starts_at_the_first_entry_that_is_not_earlier),
        cmocka_unit_test(a_reader_without_an_end_ends_where_the_watermarks_do),
        cmocka_unit_test(an_empty_journal_has_nothing_to_read),
        cmocka_unit_test(damage_is_never_taken_for_the_end),
        cmocka_unit_test(many_readers_do_not_disturb_each_other),
        cmocka_unit_test(no_damaged_entry_comes_out),
        cmocka_unit_test(damage_in_front_of_the_start_does_not_matter_behind_it),
        cmocka_unit_test(a_journal_that_ends_too_early_is_corrupt),
        cmocka_unit_test(a_read_error_is_reported_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
