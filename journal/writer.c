/*
 * Appending. The order of things that makes an acknowledgement true:
 *
 *   1. A frame is queued as a durable write, at the place behind the one before it. It carries the
 *      watermark known at that moment.
 *   2. Writes complete in any order. Only when all frames below a number are complete does the
 *      durable index move, and only below that is anything acknowledged.
 *   3. The seal of a full segment is a frame like any other; it is queued when the next segment
 *      exists durably.
 *   4. Under os durability 1 is a plain write, and 2 says what the system has. Frames then carry
 * what      was synced: each full segment is, before the one behind it may be full.
 *   5. A failure stops 2 for good. What was in flight is never acknowledged by this process, even
 *      where it reached the disk; recovery finds out.
 */
#include "journal/writer.h"

#include "base/assert.h"

#include <inttypes.h>
#include <string.h>

static struct mr_flight *flight_of(struct mr_journal *journal, uint64_t number)
{
    return &journal->flights[number % MR_FRAMES_IN_FLIGHT_MAX];
}

static int fenced(const struct mr_journal *journal, struct mr_error *error)
{
    return mr_error_set(error, MR_E_FENCED, "the journal has stopped after: %.400s",
                        journal->fence.text);
}

int mr_writer_fence(struct mr_journal *journal, const struct mr_error *error)
{
    if (journal->fence.code == MR_OK) {
        journal->fence = *error;
    }
    return error->code;
}

static bool has_room(const struct mr_journal *journal, uint32_t length)
{
    return length <= mr_segment_seal_offset(journal->segment_bytes) - journal->offset;
}

static bool has_flight(const struct mr_journal *journal)
{
    return mr_writer_in_flight(journal) < journal->options.frames_in_flight;
}

static void fill_header(const struct mr_journal *journal, struct mr_frame_header *header)
{
    bool replicated = journal->options.replicated;
    header->flags = (uint16_t)((mr_writer_is_os(journal) ? MR_FRAME_FLAG_OS : 0) |
                               (replicated ? MR_FRAME_FLAG_REPLICATED : 0));
    header->generation = journal->generation;
    header->number = journal->number;
    header->durable_number = journal->synced_number;
    header->durable_index = journal->synced.index;
    header->durable_sequence = journal->synced.sequence;
    header->committed_index = replicated ? journal->committed_index : journal->synced.index;
    header->committed_sequence =
        replicated ? journal->committed_sequence : journal->synced.sequence;
    header->before = journal->tip;
}

/* There is no disk: it is done at once, and the next poll says so. */
static void launch_volatile(struct mr_journal *journal, struct mr_frame_header *header)
{
    header->number = journal->number;
    *flight_of(journal, header->number) = (struct mr_flight){
        .number = header->number, .after = journal->tip, .retire = -1, .done = true};
    journal->number++;
    journal->submitted++;
}

/* Completes the header of the next frame, puts it in front of `frame` and queues the whole. */
static void launch(struct mr_journal *journal, void *frame, struct mr_frame_header *header,
                   uint64_t offset)
{
    if (journal->storage == NULL) {
        launch_volatile(journal, header);
        return;
    }
    uint64_t seal_offset = mr_segment_seal_offset(journal->segment_bytes);
    struct mr_frame_place place = {
        .segment = journal->segment,
        .offset = offset,
        .limit = offset == seal_offset ? journal->segment_bytes : seal_offset,
    };
    memcpy(place.journal_id, journal->id, sizeof place.journal_id);
    fill_header(journal, header);
    mr_frame_put_header(frame, header, &place);
    VERIFY(!mr_frame_has_zero_sector(frame, header->length));

    *flight_of(journal, header->number) = (struct mr_flight){
        .number = header->number,
        .segment = journal->segment,
        .offset = offset,
        .after = journal->tip,
        .records = header->durable_index,
        .retire = -1,
        .bounced = frame == journal->bounce,
    };
    struct mr_io io = {
        .kind = mr_writer_is_os(journal) ? MR_IO_WRITE : MR_IO_WRITE_DURABLE,
        .file = journal->file,
        .data = frame,
        .size = header->length,
        .offset = offset,
        .tag = header->number,
    };
    int status = journal->storage->calls->queue_submit(journal->storage, &io);
    ASSERT(status == MR_OK); /* the queue is deep enough for all that we ever have in flight */
    journal->number++;
    journal->submitted++;
}

static void *page_of(struct mr_journal *journal)
{
    return journal->pages + (journal->number % MR_FRAMES_IN_FLIGHT_MAX) * MR_PAGE_SIZE;
}

/* Seals the segment in hand and takes the next. */
static void roll(struct mr_journal *journal)
{
    ASSERT(mr_writer_next_ready(journal));
    ASSERT(has_flight(journal));
    struct mr_frame_header header = {.kind = MR_FRAME_SEAL, .end_offset = journal->offset};
    void *page = page_of(journal);
    mr_frame_pad(page, 0);
    launch(journal, page, &header, mr_segment_seal_offset(journal->segment_bytes));
    flight_of(journal, header.number)->retire = journal->file;
    journal->syncing.due = mr_writer_is_os(journal);
    journal->segment++;
    journal->file = journal->next_file;
    journal->segment_bytes = journal->next_bytes;
    journal->offset = MR_SEGMENT_HEAD;
    journal->next_file = -1;
}

/* Room for a frame of `length` bytes in the segment in hand, which may be a new one. */
static bool make_room(struct mr_journal *journal, uint32_t length)
{
    if (!has_room(journal, length)) {
        if (!mr_writer_next_ready(journal)) {
            journal->starved = true;
            return false;
        }
        if (journal->syncing.due) { /* two segments unsynced are enough */
            return false;
        }
        roll(journal);
        ASSERT(has_room(journal, length));
    }
    return has_flight(journal);
}

static void check_entry(const struct mr_journal *journal, const void *frame,
                        const struct mr_entry *entry, struct mr_digest digest)
{
    ASSERT((uintptr_t)frame % MR_STORAGE_ALIGNMENT == 0);
    ASSERT(entry->length >= MR_ENTRY_SIZE);
    ASSERT(entry->length <= MR_FRAME_BYTES_MAX - MR_FRAME_ROOM);
    ASSERT(entry->version == 0);
    ASSERT(entry->count > 0);
    ASSERT(entry->index == journal->tip.index + 1);
    ASSERT(entry->first_sequence == journal->tip.sequence + 1);
    ASSERT(mr_digest_equal(entry->previous, journal->tip.digest));
    VERIFY(mr_digest_equal(mr_entry_digest(entry), digest));
}

/* A volatile journal has all its room for ever. */
static void advance(struct mr_journal *journal, uint32_t length)
{
    if (journal->storage != NULL) {
        journal->offset += length;
        journal->appended += length;
    }
}

int mr_journal_append(struct mr_journal *journal, void *frame, struct mr_digest digest,
                      struct mr_error *error)
{
    ASSERT(journal->started);
    if (journal->fence.code != MR_OK) {
        return fenced(journal, error);
    }
    const struct mr_entry *entry = mr_frame_entry(frame);
    check_entry(journal, frame, entry, digest);
    uint32_t length = mr_frame_length(entry->length);
    if (!has_flight(journal) || !make_room(journal, length)) {
        return MR_AGAIN;
    }
    struct mr_frame_header header = {
        .kind = MR_FRAME_ENTRY,
        .entry_length = entry->length,
        .entry_digest = digest,
    };
    struct mr_tip after = mr_tip_after(entry, digest);
    mr_frame_pad(frame, entry->length);
    if (journal->storage != NULL &&
        mr_frame_has_zero_sector((unsigned char *)frame + MR_SECTOR_SIZE,
                                 length - MR_SECTOR_SIZE)) {
        if (journal->bounce_taken) {
            return MR_AGAIN;
        }
        journal->bounce_taken = true;
        memcpy(journal->bounce, frame, length);
        frame = journal->bounce;
        header.mask = mr_frame_mask_zeros(frame, header.entry_length, digest);
    }
    launch(journal, frame, &header, journal->offset);
    advance(journal, length);
    journal->tip = after;
    flight_of(journal, header.number)->after = after;
    return MR_OK;
}

int mr_writer_mark(struct mr_journal *journal)
{
    if (!has_flight(journal) || !make_room(journal, MR_PAGE_SIZE)) {
        return MR_AGAIN;
    }
    struct mr_frame_header header = {.kind = MR_FRAME_WATERMARK};
    void *page = page_of(journal);
    mr_frame_pad(page, 0);
    launch(journal, page, &header, journal->offset);
    advance(journal, MR_PAGE_SIZE);
    return MR_OK;
}

int mr_journal_mark(struct mr_journal *journal, struct mr_error *error)
{
    ASSERT(journal->started);
    if (journal->fence.code != MR_OK) {
        return fenced(journal, error);
    }
    if (mr_writer_in_flight(journal) > 0 || journal->recorded_index >= journal->synced.index ||
        journal->storage == NULL) {
        return 0;
    }
    uint64_t number = journal->number;
    if (make_room(journal, MR_PAGE_SIZE) && number == journal->number) {
        (void)mr_writer_mark(journal);
    }
    return number != journal->number; /* the seal of a full segment records it as well */
}

/* A segment is full and all of it written. Under os durability it is synced now. */
static void retire_file(struct mr_journal *journal, struct mr_flight *flight)
{
    int file = flight->retire;
    flight->retire = -1;
    ASSERT(journal->storage != NULL); /* a volatile journal has no files */
    if (!mr_writer_is_os(journal)) {
        journal->storage->calls->close(journal->storage, file);
        return;
    }
    ASSERT(journal->syncing.due && journal->syncing.file < 0);
    journal->syncing = (struct mr_segment_sync){
        .due = true, .file = file, .number = flight->number, .tip = flight->after};
    struct mr_io io = {.kind = MR_IO_SYNC, .file = file, .tag = MR_TAG_SYNC};
    int status = journal->storage->calls->queue_submit(journal->storage, &io);
    ASSERT(status == MR_OK); /* the queue is deep enough for all that we ever have in flight */
}

static void finish_sync(struct mr_journal *journal)
{
    struct mr_segment_sync *syncing = &journal->syncing;
    journal->storage->calls->close(journal->storage, syncing->file);
    journal->synced_number = syncing->number;
    journal->synced = syncing->tip;
    syncing->file = -1;
    syncing->due = false;
}

/* Moves the durable prefix over all that is done at its end. */
static void publish(struct mr_journal *journal)
{
    while (journal->durable_number + 1 < journal->number) {
        struct mr_flight *flight = flight_of(journal, journal->durable_number + 1);
        ASSERT(flight->number == journal->durable_number + 1);
        if (!flight->done) {
            break;
        }
        if (flight->retire >= 0) {
            retire_file(journal, flight);
        }
        if (flight->records > journal->recorded_index) {
            journal->recorded_index = flight->records;
        }
        journal->durable = flight->after;
        journal->durable_number = flight->number;
    }
    if (!mr_writer_is_os(journal)) {
        journal->synced = journal->durable;
        journal->synced_number = journal->durable_number;
    }
}

static int explain_failure(const struct mr_journal *journal, const struct mr_io_result *result,
                           struct mr_error *error)
{
    if ((result->tag & MR_TAG_PREPARE) != 0) {
        return mr_error_set_errno(error, result->system_error,
                                  "preparing journal segment %" PRIu32 " failed; sequences up to "
                                  "%" PRIu64 " are durable",
                                  journal->prepare.segment, journal->durable.sequence);
    }
    if (result->tag == MR_TAG_SYNC) {
        return mr_error_set_errno(error, result->system_error,
                                  "syncing a full journal segment failed; sequences up to %" PRIu64
                                  " are on stable storage",
                                  journal->synced.sequence);
    }
    const struct mr_flight *flight = &journal->flights[result->tag % MR_FRAMES_IN_FLIGHT_MAX];
    return mr_error_set_errno(error, result->system_error,
                              "journal/%08" PRIu32 ".seg: offset %" PRIu64 ": a write failed; "
                              "sequences up to %" PRIu64 " are durable",
                              flight->segment, flight->offset, journal->durable.sequence);
}

static int take_result(struct mr_journal *journal, const struct mr_io_result *result,
                       struct mr_error *error)
{
    if (result->system_error != 0) {
        return explain_failure(journal, result, error);
    }
    if ((result->tag & MR_TAG_PREPARE) != 0) {
        return mr_prepare_done(journal, error);
    }
    if (result->tag == MR_TAG_SYNC) {
        finish_sync(journal);
        return MR_OK;
    }
    struct mr_flight *flight = flight_of(journal, result->tag);
    ASSERT(flight->number == result->tag);
    ASSERT(!flight->done);
    flight->done = true;
    if (flight->bounced) {
        journal->bounce_taken = false;
    }
    return MR_OK;
}

/* Takes what has completed. Nothing of a batch is published when one of it failed. */
static int reap(struct mr_journal *journal, uint32_t wait_us, struct mr_error *error)
{
    enum { LIMIT = MR_FRAMES_IN_FLIGHT_MAX + MR_ZERO_CHUNKS_IN_FLIGHT + 1 };
    struct mr_io_result results[LIMIT];
    int count =
        journal->storage->calls->queue_reap(journal->storage, results, LIMIT, wait_us, error);
    for (int i = 0; i < count; i++) {
        int status = take_result(journal, &results[i], error);
        if (status != MR_OK) {
            return status;
        }
    }
    if (count > 0) {
        publish(journal);
    }
    return count;
}

static int turn_volatile(struct mr_journal *journal)
{
    int done = (int)journal->submitted;
    journal->submitted = 0;
    publish(journal);
    return done;
}

static int turn(struct mr_journal *journal, uint32_t wait_us, struct mr_error *error)
{
    int status = MR_OK;
    if (!mr_writer_next_ready(journal)) {
        status = mr_writer_open_next(journal, error);
    }
    int prepared = status == MR_OK ? mr_prepare_step(journal, error) : status;
    if (prepared < 0) {
        return prepared;
    }
    int done = prepared + (int)journal->submitted;
    journal->submitted = 0;
    if (mr_writer_in_flight(journal) == 0 && journal->prepare.in_flight == 0 &&
        !journal->syncing.due) {
        return done;
    }
    int reaped = reap(journal, wait_us, error);
    return reaped < 0 ? reaped : done + reaped;
}

int mr_journal_poll(struct mr_journal *journal, uint32_t wait_us, struct mr_error *error)
{
    ASSERT(journal->started);
    if (journal->fence.code != MR_OK) {
        return fenced(journal, error);
    }
    struct mr_error first;
    int status = journal->storage != NULL ? turn(journal, wait_us, &first) : turn_volatile(journal);
    if (status >= 0) {
        return status;
    }
    if (error != NULL) {
        *error = first;
    }
    return mr_writer_fence(journal, &first);
}

int mr_writer_settle(struct mr_journal *journal, struct mr_error *error)
{
    enum { WAIT_US = 100000 };
    int status = MR_OK;
    journal->prepare.paused = true;
    while (status >= 0 && (journal->fence.code != MR_OK || mr_writer_in_flight(journal) > 0 ||
                           journal->syncing.due || journal->prepare.in_flight > 0)) {
        status = mr_journal_poll(journal, WAIT_US, error);
    }
    journal->prepare.paused = false;
    return status < 0 ? status : MR_OK;
}

int mr_writer_sync(struct mr_journal *journal, struct mr_error *error)
{
    ASSERT(mr_writer_in_flight(journal) == 0);
    if (mr_writer_is_os(journal) && journal->synced_number != journal->durable_number) {
        struct mr_error first;
        int status = journal->storage->calls->sync(journal->storage, journal->file, &first);
        if (status != MR_OK) {
            if (error != NULL) {
                *error = first;
            }
            return mr_writer_fence(journal, &first);
        }
        journal->synced = journal->durable;
        journal->synced_number = journal->durable_number;
    }
    return MR_OK;
}

uint64_t mr_journal_durable_index(const struct mr_journal *journal)
{
    return journal->durable.index;
}

bool mr_journal_busy(const struct mr_journal *journal)
{
    return mr_writer_in_flight(journal) > 0;
}

bool mr_journal_ready(const struct mr_journal *journal)
{
    return journal->fence.code == MR_OK && has_flight(journal) &&
           (!journal->starved || mr_writer_next_ready(journal));
}
