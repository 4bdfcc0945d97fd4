/* Readers: from any sequence, as many as one likes, and no damaged entry ever comes out. */
#include "tests/journal/sim_rig.h"

static struct sim_rig rig;

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
    for (uint64_t last = 0; last <= 30; last++) {
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
    assert_int_equal(
        mr_reader_open(rig.storage, &(struct mr_reader_options){.from_sequence = 1}, &reader, NULL),
        MR_E_NOT_FOUND);
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
        cmocka_unit_test(many_readers_do_not_disturb_each_other),
        cmocka_unit_test(no_damaged_entry_comes_out),
        cmocka_unit_test(damage_in_front_of_the_start_does_not_matter_behind_it),
        cmocka_unit_test(a_journal_that_ends_too_early_is_corrupt),
        cmocka_unit_test(a_read_error_is_reported_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
