#include "tests/fuzz/lives.h"

#include "tests/fuzz/fuzz.h"

#include "base/random.h"
#include "journal/frame.h"
#include "journal/segment.h"
#include "journal/truncation.h"
#include "journal/writer.h"

#include <stdlib.h>
#include <string.h>

const uint8_t lives_id[MR_JOURNAL_ID_SIZE] = {1, 2,  3,  4,  5,  6,  7,  8,
                                              9, 10, 11, 12, 13, 14, 15, 16};

enum { FRAME_MAX = 32 << 10 };

/* Every third entry is zeros, and if those fill a sector, the writer masks it. */
static struct mr_digest fill(void *frame, struct mr_tip *tip, const struct life *life,
                             uint64_t salt)
{
    struct mr_random random;
    bool zeros = tip->index % 3 == 2;
    mr_random_init(&random, mr_mix64(salt + 1) + tip->index);
    uint32_t max = zeros && life->zeros_max > 0 ? life->zeros_max : life->payload_max;
    uint32_t size = 1 + (uint32_t)mr_random_below(&random, max);
    struct mr_entry *entry = mr_frame_entry(frame);
    unsigned char *payload = (unsigned char *)(entry + 1);
    *entry = (struct mr_entry){
        .term = 1,
        .index = tip->index + 1,
        .first_sequence = tip->sequence + 1,
        .time_ns = tip->time_ns + 1000,
        .count = 1 + (uint32_t)mr_random_below(&random, 5),
        .length = MR_ENTRY_SIZE + size,
        .previous = tip->digest,
    };
    memset(payload, 0, size);
    for (uint32_t i = 0; i < size && !zeros; i++) {
        payload[i] = (unsigned char)mr_random_u64(&random);
    }
    struct mr_digest digest = mr_entry_digest(entry);
    *tip = mr_tip_after(entry, digest);
    return digest;
}

/* Until nothing is in flight and nothing prepared, so that the bytes depend on what is written and
 * not on how the writer distributes its work. */
static void settle(struct mr_journal *journal)
{
    struct mr_error error;
    int turns = 0;
    int done;
    do {
        done = mr_journal_poll(journal, 0, &error);
        HOLDS(done >= 0 && ++turns < 1000);
    } while (done > 0 || mr_journal_busy(journal));
}

/* Two at a time, each in memory of its own. */
static void append(struct mr_journal *journal, struct mr_tip *tip, int count,
                   const struct life *life, uint64_t salt)
{
    struct mr_error error;
    unsigned char *frames = mr_pages_allocate((size_t)2 * FRAME_MAX);
    HOLDS(frames != NULL && life->payload_max < FRAME_MAX - 1024);
    for (int i = 0; i < count; i++) {
        unsigned char *frame = frames + (size_t)(i % 2) * FRAME_MAX;
        struct mr_digest digest = fill(frame, tip, life, salt);
        int turns = 0;
        int status;
        while ((status = mr_journal_append(journal, frame, digest, &error)) == MR_AGAIN) {
            HOLDS(++turns < 10);
            settle(journal);
        }
        HOLDS(status == MR_OK);
        if (i % 2 == 1) {
            settle(journal);
        }
    }
    settle(journal);
    HOLDS(mr_journal_durable_index(journal) == tip->index);
    free(frames);
}

void lives_append(struct memory_storage *memory, struct mr_journal *journal,
                  const struct mr_recovery *report, int count)
{
    struct mr_storage *storage = memory_storage_seam(memory);
    struct mr_error error;
    struct mr_tip tip = {
        .index = report->last_index,
        .sequence = report->last_sequence,
        .time_ns = report->last_time_ns,
        .digest = report->last_digest,
    };
    HOLDS(storage->calls->lock(storage, 0, &error) == MR_OK);
    HOLDS(mr_journal_start(journal, &error) == MR_OK);
    append(journal, &tip, count, &(struct life){.payload_max = 3000}, 99);
    HOLDS(mr_journal_stop(journal, &error) == MR_OK);
    HOLDS(mr_journal_durable_index(journal) == tip.index);
    storage->calls->unlock(storage);
}

static void create(struct mr_storage *storage, uint32_t segment_bytes)
{
    struct mr_error error;
    struct mr_superblock superblock = {
        .segment = 1, .generation = 1, .segment_bytes = segment_bytes};
    memcpy(superblock.journal_id, lives_id, sizeof lives_id);
    HOLDS(storage->calls->make_directory(storage, "journal", &error) == MR_OK);
    HOLDS(mr_segment_make(storage, &superblock, &error) == MR_OK);
}

/* Zeroes the second sector of the page that holds the last frame. */
static void tear(struct memory_storage *memory)
{
    char name[MR_SEGMENT_NAME_SIZE];
    size_t size;
    for (uint32_t segment = 9; segment > 0; segment--) {
        mr_segment_name(segment, name);
        unsigned char *bytes = memory_storage_bytes(memory, name, &size);
        for (size_t at = bytes == NULL ? 0 : size - 2 * MR_PAGE_SIZE; at >= MR_SEGMENT_HEAD;
             at -= MR_PAGE_SIZE) {
            if (bytes[at] != 0) {
                memset(bytes + at + MR_SECTOR_SIZE, 0, MR_SECTOR_SIZE);
                return;
            }
        }
    }
}

/* Drops the last half of the entries and appends one anew. */
static void truncate_half(struct mr_journal *journal, const struct life *life, struct mr_tip *tip)
{
    struct mr_error error;
    uint64_t last = (uint64_t)life->entries / 2;
    struct mr_reader *reader;
    const struct mr_entry *entry;
    HOLDS(mr_journal_truncate(journal, last, &error) == MR_OK);
    HOLDS(mr_reader_open(journal->storage, &(struct mr_reader_options){.last_index = last}, &reader,
                         &error) == MR_OK);
    while (mr_reader_next(reader, &entry, NULL, &error) == MR_OK) {
        *tip = mr_tip_after(entry, mr_entry_digest(entry));
    }
    mr_reader_close(reader);
    append(journal, tip, 1, life, 77);
}

/* As `truncated` was before, with its record PENDING. */
static void take_record(struct memory_storage *memory, struct memory_storage *truncated)
{
    struct mr_truncation record;
    struct mr_error error;
    enum mr_fault fault;
    HOLDS(mr_truncation_read(memory_storage_seam(truncated), &record, &fault, &error) == MR_OK);
    HOLDS(record.state == MR_TRUNCATION_DONE);
    record.state = MR_TRUNCATION_PENDING;
    HOLDS(mr_truncation_write(memory_storage_seam(memory), &record, &error) == MR_OK);
}

struct memory_storage *lives_make(const struct life *life)
{
    const struct mr_journal_options options = {
        .durability = life->durability,
        .replicated = life->end == LIFE_TRUNCATED || life->end == LIFE_CUT,
    };
    struct mr_recovery report;
    struct mr_journal *journal;
    struct mr_error error;
    struct mr_tip tip = {0};
    struct memory_storage *before = NULL;
    struct memory_storage *memory = memory_storage_create();
    struct mr_storage *storage = memory_storage_seam(memory);
    create(storage, life->segment_bytes);
    HOLDS(storage->calls->lock(storage, 0, &error) == MR_OK);
    HOLDS(mr_journal_recover(storage, &options, &report, NULL, &journal, &error) == MR_OK);
    HOLDS(mr_journal_start(journal, &error) == MR_OK);
    append(journal, &tip, life->entries, life, life->segment_bytes / 1024);
    if (options.replicated) {
        before = memory_storage_clone(memory);
        truncate_half(journal, life, &tip);
    }
    if (life->end == LIFE_STOPPED || life->end == LIFE_TRUNCATED) {
        HOLDS(mr_journal_stop(journal, &error) == MR_OK);
    }
    mr_journal_close(journal);
    storage->calls->unlock(storage);
    if (life->end == LIFE_TORN) {
        tear(memory);
    }
    if (life->end == LIFE_CUT) {
        take_record(before, memory);
        memory_storage_destroy(memory);
        return before;
    }
    if (before != NULL) {
        memory_storage_destroy(before);
    }
    return memory;
}
