/*
 * Preparing segments two ahead while frames are written, through the same queue:
 *
 *   1. create journal/next.tmp, or take the spare; write zeros over all of it, and the head
 *   2. sync it: from here on its bytes are zeros whatever happens
 *   3. rename it to its number
 *   4. sync the directory: from here on it exists whatever happens, and frames may go into it
 *
 * After a crash before 3 the temporary is removed; after 3, it is a whole segment, whether or not
 * its name survived. Zeros go first into room that frames leave, but never later than the pace that
 * has a segment ready by the time that two thirds of one are filled.
 */
#include "journal/writer.h"

#include "base/assert.h"

#include <string.h>

/* A frame that is queued behind zeros waits for them: small pieces keep that short. */
enum { PREPARE_CHUNK = 256 << 10 };

static uint64_t capacity(const struct mr_journal *journal)
{
    return journal->segment_bytes - MR_SEGMENT_HEAD - MR_PAGE_SIZE;
}

/* The next one begins when an eighth of the segment in hand is full, the one after it at a half: a
 * small journal stays one segment. */
static bool is_due(const struct mr_journal *journal)
{
    uint64_t filled = journal->offset - MR_SEGMENT_HEAD;
    switch (journal->segment_last - journal->segment) {
    case 0:
        return journal->starved || filled >= capacity(journal) / 8;
    case 1:
        return filled >= capacity(journal) / 2;
    default:
        return false;
    }
}

/* How many bytes ought to be zeroed by now. */
static uint64_t pace(const struct mr_journal *journal)
{
    return journal->starved ? journal->segment_bytes
                            : (journal->appended - journal->prepare.begun_at) * 3 / 2;
}

void mr_prepare_look_at_space(struct mr_journal *journal)
{
    enum { LOW_SEGMENTS = 8 };
    uint64_t low = journal->options.space_low_bytes;
    uint64_t bytes;
    if (low == 0) {
        low = LOW_SEGMENTS * journal->options.segment_bytes;
    }
    /* Where nobody can say, nothing is announced. */
    if (journal->storage->calls->space(journal->storage, &bytes, NULL) == MR_OK) {
        journal->space_bytes = bytes;
        journal->space_low = bytes < low;
    }
}

bool mr_journal_space_low(const struct mr_journal *journal, uint64_t *bytes)
{
    if (bytes != NULL) {
        *bytes = journal->space_bytes;
    }
    return journal->space_low;
}

/* The spare's room is already the file system's to give; all of its bytes are zeroed as if it were
 * new. One of another size is of no use. */
static int take_spare(struct mr_journal *journal, int *file, struct mr_error *error)
{
    const struct mr_storage_calls *calls = journal->storage->calls;
    uint64_t size;
    int status = calls->rename(journal->storage, MR_SEGMENT_SPARE, MR_SEGMENT_TEMPORARY, error);
    if (status != MR_OK) {
        return status;
    }
    status = calls->open(journal->storage, MR_SEGMENT_TEMPORARY, mr_writer_open_flags(journal),
                         file, error);
    if (status != MR_OK) {
        return status;
    }
    status = calls->size(journal->storage, *file, &size, error);
    if (status == MR_OK && size != journal->options.segment_bytes) {
        status = calls->remove(journal->storage, MR_SEGMENT_TEMPORARY, error);
        status = status == MR_OK ? MR_E_NOT_FOUND : status;
    }
    if (status != MR_OK) {
        calls->close(journal->storage, *file);
    }
    return status;
}

static int open_temporary(struct mr_journal *journal, int *file, struct mr_error *error)
{
    int status = take_spare(journal, file, error);
    return status != MR_E_NOT_FOUND
               ? status
               : journal->storage->calls->open(journal->storage, MR_SEGMENT_TEMPORARY,
                                               mr_writer_open_flags(journal) | MR_OPEN_CREATE, file,
                                               error);
}

static int begin(struct mr_journal *journal, struct mr_error *error)
{
    struct mr_prepare *prepare = &journal->prepare;
    ASSERT(prepare->in_flight == 0);
    if (journal->segment_last == MR_SEGMENT_NUMBER_MAX) {
        return mr_error_set(error, MR_E_LIMIT, "the journal has reached its last segment number");
    }
    mr_prepare_look_at_space(journal);
    int file;
    int status = open_temporary(journal, &file, error);
    if (status != MR_OK) {
        return status;
    }
    prepare->file = file;
    prepare->begun_at = journal->appended;
    prepare->state = MR_PREPARE_ZEROS;
    prepare->segment = journal->segment_last + 1;
    prepare->offset = MR_SEGMENT_HEAD;
    prepare->head_written = false;
    struct mr_superblock superblock = {
        .segment = prepare->segment,
        .generation = journal->generation,
        .segment_bytes = journal->options.segment_bytes,
        .durable = {.number = journal->synced_number,
                    .index = journal->synced.index,
                    .sequence = journal->synced.sequence},
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
    while (prepare->offset < end || !prepare->head_written) {
        bool behind = prepare->offset <= pace(journal);
        bool room = mr_writer_in_flight(journal) < journal->options.frames_in_flight;
        uint32_t limit = behind ? MR_ZERO_CHUNKS_IN_FLIGHT : 1;
        if ((!room && !behind) || prepare->in_flight >= limit) {
            break;
        }
        if (prepare->offset < end) {
            uint64_t left = end - prepare->offset;
            uint32_t size = left < PREPARE_CHUNK ? (uint32_t)left : PREPARE_CHUNK;
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
    if (journal->prepare.paused) {
        return 0;
    }
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

/* The next segment's file stays open; the one after it is opened when its turn comes. */
static void keep_file(struct mr_journal *journal, int file)
{
    if (journal->prepare.segment != journal->segment + 1) {
        journal->storage->calls->close(journal->storage, file);
        return;
    }
    ASSERT(journal->next_file < 0);
    journal->next_file = file;
    journal->next_bytes = journal->options.segment_bytes;
    journal->starved = false;
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
        ASSERT(prepare->segment == journal->segment_last + 1);
        journal->segment_last = prepare->segment;
        keep_file(journal, prepare->file);
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
