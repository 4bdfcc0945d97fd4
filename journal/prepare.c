/*
 * Preparing the next segment while frames are written, through the same queue:
 *
 *   1. create journal/next.tmp; write zeros over all of it, and the head
 *   2. sync it: from here on its bytes are zeros whatever happens
 *   3. rename it to its number
 *   4. sync the directory: from here on it exists whatever happens, and frames may go into it
 *
 * After a crash before 3 the temporary is removed; after 3, it is a whole segment, whether or not
 * its name survived. Zeros go first into room that frames leave, but never later than the pace that
 * has the next segment ready when four fifths of the one in hand are full.
 */
#include "journal/writer.h"

#include "base/assert.h"

#include <string.h>

static uint64_t capacity(const struct mr_journal *journal)
{
    return journal->segment_bytes - MR_SEGMENT_HEAD - MR_PAGE_SIZE;
}

/* Begins when an eighth of the segment in hand is full: a small journal stays one segment. */
static bool is_due(const struct mr_journal *journal)
{
    uint64_t filled = journal->offset - MR_SEGMENT_HEAD;
    return journal->segment_last == journal->segment &&
           (journal->starved || filled >= capacity(journal) / 8);
}

/* How many bytes ought to be zeroed by now. */
static uint64_t pace(const struct mr_journal *journal)
{
    uint64_t filled = journal->offset - MR_SEGMENT_HEAD;
    uint64_t start = capacity(journal) / 8;
    if (journal->starved) {
        return journal->segment_bytes;
    }
    return filled <= start ? 0 : (filled - start) * 3 / 2;
}

static int begin(struct mr_journal *journal, struct mr_error *error)
{
    struct mr_prepare *prepare = &journal->prepare;
    ASSERT(prepare->in_flight == 0);
    if (journal->segment == MR_SEGMENT_NUMBER_MAX) {
        return mr_error_set(error, MR_E_LIMIT, "the journal has reached its last segment number");
    }
    int status = journal->storage->calls->open(journal->storage, MR_SEGMENT_TEMPORARY,
                                               MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT,
                                               &prepare->file, error);
    if (status != MR_OK) {
        return status;
    }
    prepare->state = MR_PREPARE_ZEROS;
    prepare->segment = journal->segment + 1;
    prepare->offset = MR_SEGMENT_HEAD;
    prepare->head_written = false;
    struct mr_superblock superblock = {
        .segment = prepare->segment,
        .generation = journal->generation,
        .segment_bytes = journal->options.segment_bytes,
        .durable = {.number = journal->durable_number,
                    .index = journal->durable.index,
                    .sequence = journal->durable.sequence},
    };
    memcpy(superblock.journal_id, journal->id, sizeof superblock.journal_id);
    mr_segment_put_head(journal->head, &superblock);
    return MR_OK;
}

static void submit(struct mr_journal *journal, enum mr_io_kind kind, int file, const void *data,
                   uint32_t size, uint64_t offset)
{
    struct mr_io io = {
        .kind = kind,
        .file = file,
        .data = data,
        .size = size,
        .offset = offset,
        .tag = MR_TAG_PREPARE,
    };
    int status = journal->storage->calls->queue_submit(journal->storage, &io);
    ASSERT(status == MR_OK); /* the queue is deep enough for all that we ever have in flight */
    journal->prepare.in_flight++;
}

/* Queues as many chunks as have room or are behind the pace. */
static int write_zeros(struct mr_journal *journal)
{
    struct mr_prepare *prepare = &journal->prepare;
    uint64_t end = journal->options.segment_bytes;
    int queued = 0;
    while (prepare->in_flight < MR_ZERO_CHUNKS_IN_FLIGHT &&
           (prepare->offset < end || !prepare->head_written)) {
        bool room = mr_writer_in_flight(journal) < journal->options.frames_in_flight;
        if (!room && prepare->offset > pace(journal)) {
            break;
        }
        if (prepare->offset < end) {
            uint64_t left = end - prepare->offset;
            uint32_t size = left < MR_ZERO_CHUNK ? (uint32_t)left : MR_ZERO_CHUNK;
            submit(journal, MR_IO_WRITE, prepare->file, mr_segment_zeros(), size, prepare->offset);
            prepare->offset += size;
        } else {
            submit(journal, MR_IO_WRITE, prepare->file, journal->head, MR_SEGMENT_HEAD, 0);
            prepare->head_written = true;
        }
        queued++;
    }
    return queued;
}

int mr_prepare_step(struct mr_journal *journal, struct mr_error *error)
{
    if (journal->prepare.state == MR_PREPARE_IDLE && is_due(journal)) {
        int status = begin(journal, error);
        if (status != MR_OK) {
            return status;
        }
    }
    return journal->prepare.state == MR_PREPARE_ZEROS ? write_zeros(journal) : 0;
}

static int give_name(struct mr_journal *journal, struct mr_error *error)
{
    struct mr_prepare *prepare = &journal->prepare;
    const struct mr_storage_calls *calls = journal->storage->calls;
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(prepare->segment, name);
    int status = calls->rename(journal->storage, MR_SEGMENT_TEMPORARY, name, error);
    if (status == MR_OK) {
        prepare->state = MR_PREPARE_NAMED;
        submit(journal, MR_IO_SYNC, prepare->directory, NULL, 0, 0);
    }
    return status;
}

int mr_prepare_done(struct mr_journal *journal, struct mr_error *error)
{
    struct mr_prepare *prepare = &journal->prepare;
    ASSERT(prepare->in_flight > 0);
    prepare->in_flight--;
    switch (prepare->state) {
    case MR_PREPARE_ZEROS:
        if (prepare->in_flight == 0 && prepare->head_written) {
            prepare->state = MR_PREPARE_SYNC;
            submit(journal, MR_IO_SYNC, prepare->file, NULL, 0, 0);
        }
        return MR_OK;
    case MR_PREPARE_SYNC:
        return give_name(journal, error);
    case MR_PREPARE_NAMED:
        ASSERT(prepare->segment == journal->segment + 1);
        journal->segment_last = prepare->segment;
        journal->next_file = prepare->file;
        journal->next_bytes = journal->options.segment_bytes;
        journal->starved = false;
        prepare->file = -1;
        prepare->state = MR_PREPARE_IDLE;
        return MR_OK;
    case MR_PREPARE_IDLE:
        break;
    }
    ASSERT(false);
    return MR_E_IO;
}

void mr_prepare_abandon(struct mr_journal *journal)
{
    struct mr_prepare *prepare = &journal->prepare;
    const struct mr_storage_calls *calls = journal->storage->calls;
    if (prepare->file >= 0) {
        calls->close(journal->storage, prepare->file);
        prepare->file = -1;
        if (prepare->state != MR_PREPARE_NAMED && journal->fence.code == MR_OK) {
            (void)mr_leftover_remove(journal->storage, MR_SEGMENT_TEMPORARY, NULL);
        }
    }
    prepare->state = MR_PREPARE_IDLE;
    prepare->in_flight = 0;
}
