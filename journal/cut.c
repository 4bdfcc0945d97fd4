/*
 * Cutting off what was never committed, in the middle of a writer's life. The order of steps that
 * makes it safe is told in truncation.h.
 */
#include "journal/writer.h"

#include "base/assert.h"
#include "journal/seek.h"

#include <inttypes.h>
#include <string.h>

void mr_journal_commit(struct mr_journal *journal, uint64_t index, uint64_t sequence)
{
    ASSERT(journal->options.replicated);
    ASSERT(index >= journal->committed_index);
    ASSERT(index <= journal->tip.index);
    ASSERT(sequence >= index && sequence <= journal->tip.sequence);
    journal->committed_index = index;
    journal->committed_sequence = sequence;
}

/* Walks until the scan stands behind the frame of entry `last_index`. */
static int walk_to(struct mr_scan *scan, uint64_t last_index, struct mr_error *error)
{
    int status = last_index == 0 ? mr_scan_enter(scan, 0, error)
                                 : mr_scan_seek(scan, MR_SEEK_INDEX, last_index, error);
    while (status == MR_OK && scan->tip.index < last_index) {
        struct mr_frame_header header;
        struct mr_entry *entry;
        status = mr_scan_next(scan, &header, &entry, error);
    }
    if (status == MR_AGAIN) {
        status = mr_error_set(error, MR_E_CORRUPT,
                              "journal/%08" PRIu32 ".seg: offset %" PRIu64
                              ": %s; the journal cannot be truncated to index %" PRIu64,
                              scan->fault_segment, scan->fault_offset, mr_fault_text(scan->fault),
                              last_index);
    }
    return status;
}

static int find_cut(struct mr_journal *journal, uint64_t last_index, struct mr_truncation *record,
                    struct mr_error *error)
{
    struct mr_scan scan;
    int status = mr_scan_init(&scan, journal->storage, error);
    if (status == MR_OK) {
        status = walk_to(&scan, last_index, error);
    }
    if (status == MR_OK) {
        *record = (struct mr_truncation){
            .state = MR_TRUNCATION_PENDING,
            .generation = journal->generation + 1,
            .number = scan.number,
            .offset = scan.offset,
            .segment = mr_scan_segment(&scan),
            .keep = scan.tip,
        };
        memcpy(record->journal_id, journal->id, sizeof record->journal_id);
    }
    mr_scan_free(&scan);
    return status;
}

/* Lets go of the files behind the cut, which are about to lose their names. */
static void close_segments(struct mr_journal *journal)
{
    const struct mr_storage_calls *calls = journal->storage->calls;
    calls->close(journal->storage, journal->file);
    journal->file = -1;
    if (journal->next_file >= 0) {
        calls->close(journal->storage, journal->next_file);
        journal->next_file = -1;
    }
}

/* The writer goes on at the cut, in the new generation. */
static int resume_at(struct mr_journal *journal, const struct mr_truncation *record,
                     struct mr_error *error)
{
    journal->generation = record->generation;
    journal->segment = journal->segment_last = record->segment;
    journal->offset = record->offset;
    journal->number = record->number;
    journal->durable_number = journal->synced_number = record->number - 1;
    journal->tip = journal->durable = journal->synced = record->keep;
    journal->recorded_index = record->keep.index; /* the record says so */
    journal->starved = false;
    journal->prepare.begun_at = journal->appended;
    int status = mr_writer_open_segment(journal, journal->segment, &journal->file, error);
    if (status == MR_OK) {
        status = journal->storage->calls->size(journal->storage, journal->file,
                                               &journal->segment_bytes, error);
    }
    return status == MR_OK ? mr_writer_take_queue(journal, error) : status;
}

/* The queue is stopped. */
static int truncate_files(struct mr_journal *journal, uint64_t last_index, struct mr_error *error)
{
    struct mr_truncation record;
    int status = find_cut(journal, last_index, &record, error);
    if (status == MR_OK) {
        close_segments(journal);
        status = mr_truncation_write(journal->storage, &record, error);
    }
    if (status == MR_OK) {
        status = mr_truncation_complete(journal->storage, &record, error);
    }
    return status == MR_OK ? resume_at(journal, &record, error) : status;
}

int mr_journal_truncate(struct mr_journal *journal, uint64_t last_index, struct mr_error *error)
{
    ASSERT(journal->started && journal->storage != NULL);
    ASSERT(journal->options.replicated);
    ASSERT(last_index >= journal->committed_index);
    if (last_index >= journal->tip.index && journal->fence.code == MR_OK) {
        return MR_OK;
    }
    int status = mr_writer_settle(journal, error);
    if (status == MR_OK) { /* what is kept must be there when the record is */
        status = mr_writer_sync(journal, error);
    }
    if (status != MR_OK) {
        return status;
    }
    struct mr_error first;
    mr_writer_give_queue_back(journal);
    journal->queueless = true;
    status = truncate_files(journal, last_index, &first);
    journal->queueless = status != MR_OK;
    if (status != MR_OK) {
        if (error != NULL) {
            *error = first;
        }
        return mr_writer_fence(journal, &first);
    }
    return MR_OK;
}
