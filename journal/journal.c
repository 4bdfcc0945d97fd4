/*
 * Life of a journal: create, open for appending, start, stop, close.
 */
#include "journal/writer.h"

#include "journal/calibrate.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STOP_WAIT_US = 100000 };

int mr_journal_options_check(const struct mr_journal_options *options, struct mr_error *error)
{
    uint64_t bytes = options->segment_bytes;
    if (bytes != 0 && (!mr_segment_bytes_valid(bytes) || bytes < MR_SEGMENT_BYTES_MIN)) {
        return mr_error_set(error, MR_E_INVALID,
                            "journal: a segment cannot have %" PRIu64
                            " bytes: a multiple of 4 KiB, "
                            "4 MiB to 256 MiB",
                            bytes);
    }
    if ((int)options->durability < 0 || options->durability > MR_DURABILITY_NONE) {
        return mr_error_set(error, MR_E_INVALID, "journal: there is no durability policy %d",
                            (int)options->durability);
    }
    if (options->frames_in_flight > MR_FRAMES_IN_FLIGHT_MAX) {
        return mr_error_set(error, MR_E_INVALID, "journal: %" PRIu32 " frames in flight: 1 to %d",
                            options->frames_in_flight, MR_FRAMES_IN_FLIGHT_MAX);
    }
    return MR_OK;
}

int mr_journal_options_check_stored(const struct mr_journal_options *options,
                                    struct mr_error *error)
{
    return options->durability != MR_DURABILITY_NONE
               ? mr_journal_options_check(options, error)
               : mr_error_set(error, MR_E_INVALID,
                              "journal: durability none keeps nothing: it has no storage");
}

int mr_journal_exists(struct mr_storage *storage, struct mr_error *error)
{
    struct mr_inventory inventory;
    int status = mr_inventory_take(storage, &inventory, error);
    if (status == MR_OK && inventory.count == 0) {
        status = mr_error_set(error, MR_E_NOT_FOUND, "there is no journal in this directory");
    }
    mr_inventory_free(&inventory);
    return status;
}

/* A crash in between leaves a directory, perhaps with a temporary in it: not yet a journal. */
int mr_journal_create(struct mr_storage *storage, const uint8_t id[MR_JOURNAL_ID_SIZE],
                      const struct mr_journal_options *options, struct mr_error *error)
{
    int status = mr_journal_options_check_stored(options, error);
    if (status != MR_OK) {
        return status;
    }
    status = mr_journal_exists(storage, error);
    if (status != MR_E_NOT_FOUND) {
        return status != MR_OK ? status
                               : mr_error_set(error, MR_E_EXISTS,
                                              "there is a journal in this directory already");
    }
    status = storage->calls->make_directory(storage, "journal", error);
    if (status == MR_OK) {
        status = mr_directory_sync(storage, "", error);
    }
    if (status != MR_OK) {
        return status;
    }
    struct mr_superblock superblock = {
        .segment = 1,
        .generation = 1,
        .segment_bytes =
            options->segment_bytes != 0 ? options->segment_bytes : MR_SEGMENT_BYTES_DEFAULT,
    };
    memcpy(superblock.journal_id, id, sizeof superblock.journal_id);
    return mr_segment_make(storage, &superblock, error);
}

static struct mr_journal *allocate(const struct mr_journal_options *options)
{
    enum { PAGES = MR_FRAMES_IN_FLIGHT_MAX * MR_PAGE_SIZE };
    struct mr_journal *journal = calloc(1, sizeof *journal);
    unsigned char *memory = mr_pages_allocate(MR_FRAME_BYTES_MAX + PAGES + MR_SEGMENT_HEAD);
    if (journal == NULL || memory == NULL) {
        free(journal);
        free(memory);
        return NULL;
    }
    journal->memory = memory;
    journal->options = *options;
    if (journal->options.frames_in_flight == 0) {
        journal->options.frames_in_flight = MR_FRAMES_IN_FLIGHT_DEFAULT;
    }
    journal->bounce = memory;
    journal->pages = journal->bounce + MR_FRAME_BYTES_MAX;
    journal->head = journal->pages + PAGES;
    journal->file = journal->next_file = journal->syncing.file = -1;
    journal->prepare.file = journal->prepare.directory = -1;
    for (int i = 0; i < MR_FRAMES_IN_FLIGHT_MAX; i++) {
        journal->flights[i].retire = -1;
    }
    return journal;
}

static void apply_resume(struct mr_journal *journal, const struct mr_resume *resume)
{
    memcpy(journal->id, resume->journal_id, sizeof journal->id);
    journal->generation = resume->generation;
    journal->segment = resume->segment;
    journal->segment_last = resume->segment_last;
    journal->segment_bytes = resume->segment_bytes;
    journal->offset = resume->offset;
    journal->number = resume->number;
    journal->durable_number = resume->number - 1; /* recovery synced what it kept */
    journal->tip = resume->tip;
    journal->durable = resume->tip;
    journal->synced_number = journal->durable_number;
    journal->synced = resume->tip;
    journal->recorded_index = resume->recorded_index;
    journal->written = resume->written;
    journal->committed_index = resume->committed_index;
    journal->committed_sequence = resume->committed_sequence;
}

int mr_writer_open_segment(struct mr_journal *journal, uint32_t segment, int *file,
                           struct mr_error *error)
{
    char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(segment, name);
    return journal->storage->calls->open(journal->storage, name, mr_writer_open_flags(journal),
                                         file, error);
}

int mr_writer_open_next(struct mr_journal *journal, struct mr_error *error)
{
    if (journal->segment_last == journal->segment) {
        return MR_OK;
    }
    int file;
    int status = mr_writer_open_segment(journal, journal->segment + 1, &file, error);
    if (status == MR_OK) {
        status = journal->storage->calls->size(journal->storage, file, &journal->next_bytes, error);
        if (status != MR_OK) {
            journal->storage->calls->close(journal->storage, file);
            return status;
        }
        journal->next_file = file;
        journal->starved = false;
    }
    return status;
}

int mr_writer_open(struct mr_storage *storage, const struct mr_journal_options *options,
                   const struct mr_resume *resume, struct mr_journal **journal,
                   struct mr_error *error)
{
    struct mr_journal *opened = allocate(options);
    if (opened == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to open the journal");
    }
    opened->storage = storage;
    if (opened->options.segment_bytes == 0) {
        opened->options.segment_bytes = resume->segment_bytes;
    }
    apply_resume(opened, resume);
    int status = mr_writer_open_segment(opened, opened->segment, &opened->file, error);
    if (status == MR_OK) {
        status = mr_writer_open_next(opened, error);
    }
    if (status != MR_OK) {
        mr_journal_close(opened);
        return status;
    }
    *journal = opened;
    return MR_OK;
}

int mr_journal_open_volatile(const struct mr_journal_options *options, struct mr_journal **journal,
                             struct mr_error *error)
{
    int status = mr_journal_options_check(options, error);
    if (status == MR_OK && options->durability != MR_DURABILITY_NONE) {
        status = mr_error_set(error, MR_E_INVALID,
                              "journal: what is kept in memory only has durability none");
    }
    if (status != MR_OK) {
        return status;
    }
    struct mr_journal *opened = allocate(options);
    if (opened == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to open the journal");
    }
    opened->generation = 1;
    opened->number = 1;
    opened->segment_bytes = MR_SEGMENT_BYTES_MAX; /* of which nothing is ever used */
    opened->offset = MR_SEGMENT_HEAD;
    *journal = opened;
    return MR_OK;
}

/* -- Start and stop. --------------------------------------------------------------------------- */

int mr_writer_take_queue(struct mr_journal *journal, struct mr_error *error)
{
    const struct mr_storage_calls *calls = journal->storage->calls;
    int status =
        calls->open_directory(journal->storage, "journal", &journal->prepare.directory, error);
    if (status != MR_OK) {
        return status;
    }
    struct mr_queue_options queue = {
        .depth = journal->options.frames_in_flight + MR_ZERO_CHUNKS_IN_FLIGHT + 1,
        .buffers = journal->options.buffers,
        .buffers_size = journal->options.buffers_size,
    };
    status = calls->queue_start(journal->storage, &queue, error);
    if (status != MR_OK) {
        calls->close(journal->storage, journal->prepare.directory);
        journal->prepare.directory = -1;
    }
    return status;
}

/* What is still in flight completes, and nobody asks how. */
void mr_writer_give_queue_back(struct mr_journal *journal)
{
    const struct mr_storage_calls *calls = journal->storage->calls;
    calls->queue_stop(journal->storage);
    mr_prepare_abandon(journal);
    calls->close(journal->storage, journal->prepare.directory);
    journal->prepare.directory = -1;
}

/* A watermark frame, as soon as there is room for it. */
static int mark_now(struct mr_journal *journal, struct mr_error *error)
{
    while (mr_writer_mark(journal) == MR_AGAIN) {
        int status = mr_journal_poll(journal, STOP_WAIT_US, error);
        if (status < 0) {
            return status;
        }
    }
    return mr_writer_settle(journal, error);
}

/* Recovery judges the frames behind a frame by the policy that it was written under. So before
 * anything else is written under another policy, a frame says so, for good. */
static int announce_policy(struct mr_journal *journal, struct mr_error *error)
{
    if (journal->written == journal->options.durability) {
        return MR_OK;
    }
    int status = mark_now(journal, error);
    return status == MR_OK ? mr_writer_sync(journal, error) : status;
}

int mr_journal_start(struct mr_journal *journal, struct mr_error *error)
{
    ASSERT(!journal->started);
    if (journal->storage == NULL) {
        journal->started = true;
        return MR_OK;
    }
    int status = mr_writer_take_queue(journal, error);
    if (status != MR_OK) {
        return status;
    }
    journal->started = true;
    mr_prepare_look_at_space(journal);
    status = mr_journal_calibrate(journal, error);
    if (status == MR_OK) {
        status = announce_policy(journal, error);
    }
    if (status != MR_OK) {
        mr_writer_give_queue_back(journal);
        journal->started = false;
    }
    return status;
}

/* Until all is durable, and a frame says what of it is on stable storage; or the fence falls. */
static void drain(struct mr_journal *journal)
{
    int status = mr_writer_settle(journal, NULL);
    if (status == MR_OK) {
        status = mr_writer_sync(journal, NULL);
    }
    if (status == MR_OK && journal->recorded_index < journal->synced.index) {
        status = mark_now(journal, NULL);
        if (status == MR_OK) {
            (void)mr_writer_sync(journal, NULL);
        }
    }
}

static void give_back(struct mr_journal *journal)
{
    if (!journal->queueless) {
        mr_writer_give_queue_back(journal);
    }
}

int mr_journal_stop(struct mr_journal *journal, struct mr_error *error)
{
    ASSERT(journal->started);
    if (journal->storage != NULL) {
        if (journal->fence.code == MR_OK) {
            drain(journal);
        }
        give_back(journal);
    }
    journal->started = false;
    if (journal->fence.code != MR_OK && error != NULL) {
        *error = journal->fence;
    }
    return journal->fence.code;
}

static void close_file(const struct mr_journal *journal, int file)
{
    if (file >= 0) {
        journal->storage->calls->close(journal->storage, file);
    }
}

void mr_journal_close(struct mr_journal *journal)
{
    if (journal->storage != NULL) {
        if (journal->started) {
            give_back(journal);
        }
        for (int i = 0; i < MR_FRAMES_IN_FLIGHT_MAX; i++) {
            close_file(journal, journal->flights[i].retire);
        }
        close_file(journal, journal->syncing.file);
        close_file(journal, journal->next_file);
        close_file(journal, journal->file);
    }
    free(journal->memory);
    free(journal);
}
