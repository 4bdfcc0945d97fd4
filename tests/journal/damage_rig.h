/*
 * A small journal on a simulated disk, ways to damage it, and what must follow: it is refused and
 * left alone, or it goes on.
 */
#ifndef MR_TESTS_JOURNAL_DAMAGE_RIG_H
#define MR_TESTS_JOURNAL_DAMAGE_RIG_H

#include "journal/scan.h"
#include "tests/journal/sim_rig.h"

enum {
    TINY = 32 << 10, /* a segment that holds three frames of 4 KiB */
    SEAL = TINY - 4096,
    FIRST = MR_SEGMENT_HEAD,
    PAGE = 4096,
};

static struct sim_rig rig;

/* A journal of `entries` small entries, stopped in good order: its last frame is a watermark. */
static inline void make_journal(uint64_t segment_bytes, int entries)
{
    struct mr_sim_options options = {.seed = 5, .delay_max = 1};
    rig_make(&rig, &options, segment_bytes);
    rig_start(&rig);
    rig_append_many(&rig, entries);
    rig_stop(&rig);
}

/* Appends and dies: `kept` sectors of what is in flight survive, in order; the rest is lost. */
static inline bool keep_first(void *context)
{
    uint64_t *left = context;
    bool keep = *left > 0;
    *left -= keep;
    return keep;
}

static inline void die_in_flight(int entries, uint64_t kept_sectors)
{
    rig_start(&rig);
    rig_append_many(&rig, entries);
    RIG_OK(&rig, rig.storage->calls->queue_flush(rig.storage, &rig.error));
    mr_sim_crash_choosing(rig.sim, &(struct sim_choice){keep_first, &kept_sectors});
    rig_forget(&rig);
}

/* Changing files behind the journal's back; synced. */
static inline void poke(const char *name, uint64_t offset, const void *data, size_t size)
{
    const struct mr_storage_calls *calls = rig.storage->calls;
    int file;
    RIG_OK(&rig, calls->open(rig.storage, name, MR_OPEN_WRITE, &file, &rig.error));
    RIG_OK(&rig, calls->write(rig.storage, file, offset, data, size, &rig.error));
    RIG_OK(&rig, calls->sync(rig.storage, file, &rig.error));
    calls->close(rig.storage, file);
}

static inline void make_file(const char *name, const void *data, size_t size)
{
    const struct mr_storage_calls *calls = rig.storage->calls;
    int file;
    RIG_OK(&rig, calls->open(rig.storage, name, MR_OPEN_WRITE | MR_OPEN_CREATE, &file, &rig.error));
    calls->close(rig.storage, file);
    poke(name, 0, data, size);
    RIG_OK(&rig, mr_directory_sync(rig.storage, "journal", &rig.error));
}

static inline void zero(const char *name, uint64_t offset, size_t size)
{
    void *zeros = calloc(1, size);
    poke(name, offset, zeros, size);
    free(zeros);
}

static inline void remove_file(const char *name)
{
    RIG_OK(&rig, rig.storage->calls->remove(rig.storage, name, &rig.error));
}

/* Plan and recover both refuse, name the place, and change nothing. */
static inline void assert_refused(char letter, const char *segment, uint64_t offset,
                                  uint64_t sequence)
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
static inline void assert_goes_on(char letter, uint64_t last_index)
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

static inline uint64_t sequence_after(uint64_t index)
{
    struct mr_reader *reader;
    const struct mr_entry *entry;
    uint64_t sequence = 1;
    RIG_OK(&rig, mr_reader_open(rig.storage, &(struct mr_reader_options){.last_index = index},
                                &reader, &rig.error));
    while (mr_reader_next(reader, &entry, NULL, NULL) == MR_OK) {
        sequence = mr_entry_last_sequence(entry) + 1;
    }
    mr_reader_close(reader);
    return sequence;
}

#endif
