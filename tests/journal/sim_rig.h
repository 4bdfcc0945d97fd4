/*
 * A journal on a simulated disk, life after life: the entries that the present history holds are
 * known by their salts, each life has its own, so that an entry that was lost and comes back is
 * told from the one that took its place.
 */
#ifndef MR_TESTS_JOURNAL_SIM_RIG_H
#define MR_TESTS_JOURNAL_SIM_RIG_H

#include "journal/writer.h"
#include "tests/journal/rig.h"
#include "tests/support/sim_storage.h"

enum { RIG_FRAMES = 16, RIG_ENTRIES_MAX = 4096, RIG_PAYLOAD_MAX = 40000 };

struct sim_rig {
    struct mr_sim *sim;
    struct mr_storage *storage;
    struct mr_journal *journal; /* NULL: not running */
    struct mr_random random;
    uint64_t segment_bytes;
    uint32_t frames_in_flight;
    uint32_t payload_max;
    enum mr_durability durability;
    bool replicated;
    uint64_t salts[RIG_ENTRIES_MAX]; /* by index */
    uint64_t salt;                   /* of this life */
    struct mr_tip tip;               /* with everything appended */
    uint64_t acknowledged;           /* the highest durable index ever seen */
    unsigned char *frames;           /* RIG_FRAMES of the largest size */
    unsigned char *scratch;          /* one more */
    struct mr_recovery report;
    struct mr_damage damage;
    struct mr_error error;
};

enum { RIG_FRAME_BYTES = (RIG_PAYLOAD_MAX + MR_ENTRY_SIZE + MR_FRAME_ROOM + 4095) & ~4095 };

#define RIG_OK(rig, call)                           \
    do {                                            \
        int rig_status = (call);                    \
        if (rig_status != MR_OK) {                  \
            print_error("%s\n", (rig)->error.text); \
        }                                           \
        assert_int_equal(rig_status, MR_OK);        \
    } while (0)

/* Makes the first segment by hand, because mr_journal_create makes none as small as this. */
static inline void rig_make(struct sim_rig *rig, const struct mr_sim_options *options,
                            uint64_t segment_bytes)
{
    *rig = (struct sim_rig){
        .sim = mr_sim_create(options),
        .segment_bytes = segment_bytes,
        .frames_in_flight = 4,
        .payload_max = 3000,
        .salt = 1,
        .frames = mr_pages_allocate((size_t)RIG_FRAMES * RIG_FRAME_BYTES),
        .scratch = mr_pages_allocate(RIG_FRAME_BYTES),
    };
    mr_random_init(&rig->random, options->seed);
    rig->storage = mr_sim_storage(rig->sim);
    RIG_OK(rig, rig->storage->calls->lock(rig->storage, 0, &rig->error));
    RIG_OK(rig, rig->storage->calls->make_directory(rig->storage, "journal", &rig->error));
    RIG_OK(rig, mr_directory_sync(rig->storage, "", &rig->error));
    struct mr_superblock superblock = {
        .segment = 1, .generation = 1, .segment_bytes = segment_bytes};
    memcpy(superblock.journal_id, rig_id, sizeof rig_id);
    RIG_OK(rig, mr_segment_make(rig->storage, &superblock, &rig->error));
    rig->storage->calls->unlock(rig->storage);
}

static inline void rig_free(struct sim_rig *rig)
{
    mr_sim_destroy(rig->sim);
    free(rig->frames);
    free(rig->scratch);
}

static inline struct rig_shape rig_shape_of(const struct sim_rig *rig, uint64_t index)
{
    return (struct rig_shape){.salt = rig->salts[index], .payload_max = rig->payload_max};
}

/* Reads entries 1 to `last_index` from `storage`; each must be the one of this history. */
static inline void rig_check_entries(struct sim_rig *rig, struct mr_storage *storage,
                                     uint64_t last_index)
{
    struct mr_reader *reader;
    const struct mr_entry *entry;
    struct mr_tip tip = {0};
    RIG_OK(rig, mr_reader_open(storage, &(struct mr_reader_options){.last_index = last_index},
                               &reader, &rig->error));
    for (uint64_t index = 1; index <= last_index; index++) {
        struct rig_shape shape = rig_shape_of(rig, index);
        RIG_OK(rig, mr_reader_next(reader, &entry, NULL, &rig->error));
        assert_true(rig_matches(&shape, entry, rig->scratch, &tip));
    }
    assert_int_equal(mr_reader_next(reader, &entry, NULL, NULL), MR_AGAIN);
    mr_reader_close(reader);
}

/* Locks and recovers; returns the status. On success nothing acknowledged may be missing. */
static inline int rig_recover(struct sim_rig *rig)
{
    struct mr_journal_options options = {
        .frames_in_flight = rig->frames_in_flight,
        .durability = rig->durability,
        .replicated = rig->replicated,
    };
    int status = rig->storage->calls->lock(rig->storage, 0, &rig->error);
    if (status != MR_OK) {
        return status;
    }
    status = mr_journal_recover(rig->storage, &options, &rig->report, &rig->damage, &rig->journal,
                                &rig->error);
    if (status != MR_OK) {
        rig->journal = NULL;
        return status;
    }
    assert_true(rig->report.last_index >= rig->acknowledged);
    assert_true(rig->report.last_index <= rig->tip.index);
    assert_true(rig->report.durable_index <= rig->report.last_index);
    rig->tip = (struct mr_tip){
        .index = rig->report.last_index,
        .sequence = rig->report.last_sequence,
        .time_ns = rig->report.last_time_ns,
        .digest = rig->report.last_digest,
    };
    rig->acknowledged = rig->tip.index; /* recovery has synced it: it must never be lost again */
    rig->salt++;
    return MR_OK;
}

static inline void rig_start(struct sim_rig *rig)
{
    RIG_OK(rig, rig_recover(rig));
    RIG_OK(rig, mr_journal_start(rig->journal, &rig->error));
}

/* MR_OK, MR_AGAIN, or the error. */
static inline int rig_append(struct sim_rig *rig)
{
    struct mr_tip tip = rig->tip;
    uint64_t index = tip.index + 1;
    assert_true(index < RIG_ENTRIES_MAX);
    struct rig_shape shape = {.salt = rig->salt, .payload_max = rig->payload_max};
    unsigned char *frame = rig->frames + (index % RIG_FRAMES) * RIG_FRAME_BYTES;
    if (mr_journal_ready(rig->journal)) {
        struct mr_digest digest = rig_fill(&shape, frame, &tip);
        int status = mr_journal_append(rig->journal, frame, digest, &rig->error);
        if (status == MR_OK) {
            rig->salts[index] = rig->salt;
            rig->tip = tip;
        }
        return status;
    }
    return MR_AGAIN;
}

static inline void rig_note(struct sim_rig *rig)
{
    uint64_t durable = mr_journal_durable_index(rig->journal);
    assert_true(durable >= rig->acknowledged);
    assert_true(durable <= rig->tip.index);
    rig->acknowledged = durable;
}

static inline int rig_poll(struct sim_rig *rig)
{
    int status = mr_journal_poll(rig->journal, 0, &rig->error);
    rig_note(rig);
    return status;
}

/* Appends `count` entries, polling as needed. */
static inline void rig_append_many(struct sim_rig *rig, int count)
{
    while (count > 0) {
        int status = rig_append(rig);
        if (status == MR_OK) {
            count--;
        } else {
            assert_int_equal(status, MR_AGAIN);
            assert_true(rig_poll(rig) >= 0);
        }
    }
}

static inline void rig_stop(struct sim_rig *rig)
{
    RIG_OK(rig, mr_journal_stop(rig->journal, &rig->error));
    rig_note(rig);
    mr_journal_close(rig->journal);
    rig->journal = NULL;
    rig->storage->calls->unlock(rig->storage);
}

/* The process is gone without a word, and with it the journal's memory. The simulator has closed
 * its files already. */
static inline void rig_forget(struct sim_rig *rig)
{
    if (rig->journal != NULL) {
        free(rig->journal->memory);
        free(rig->journal);
        rig->journal = NULL;
    }
}

static inline void rig_crash(struct sim_rig *rig)
{
    mr_sim_crash(rig->sim, &rig->random);
    rig_forget(rig);
}

#endif
