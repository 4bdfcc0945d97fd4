#include "bench/journal/ours.h"

#include "base/storage.h"
#include "journal/segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENT_BYTES = 64 << 20, WAIT_US = 10000, COUNT_FAILED = -1 };

static const uint8_t journal_id[MR_JOURNAL_ID_SIZE] = {1};

static bool check(const struct ours *ours, int status, const char *what)
{
    if (status < 0) {
        (void)common_fail(what, ours->error.text);
    }
    return status >= 0;
}

static size_t memory_size(const struct ours *ours)
{
    return (size_t)ours->options.frame_bytes * (ours->options.frames_in_flight + 1);
}

/* Segments for the whole run, so that none is prepared while the clock runs. Each is taken for one
 * MiB less than it has, because frames do not fill it to the last byte. */
static int make_segments(struct ours *ours)
{
    uint64_t bytes = ours->options.prepared_bytes;
    uint32_t last = bytes == 0 ? 1 : (uint32_t)(bytes / (SEGMENT_BYTES - (1 << 20))) + 2;
    int status = MR_OK;
    for (uint32_t i = 2; i <= last && status == MR_OK; i++) {
        struct mr_superblock superblock = {
            .segment = i, .generation = 1, .segment_bytes = SEGMENT_BYTES};
        memcpy(superblock.journal_id, journal_id, sizeof journal_id);
        status = mr_segment_make(ours->storage, &superblock, &ours->error);
    }
    return status;
}

static int open_stored(struct ours *ours, const struct mr_journal_options *options)
{
    struct mr_recovery report;
    int status = mr_storage_open_files(ours->path, true, &ours->storage, &ours->error);
    if (status == MR_OK) {
        status = mr_journal_create(ours->storage, journal_id, options, &ours->error);
    }
    if (status == MR_OK) {
        status = make_segments(ours);
    }
    return status != MR_OK ? status
                           : mr_journal_recover(ours->storage, options, &report, NULL,
                                                &ours->journal, &ours->error);
}

static int open_journal(struct ours *ours)
{
    const struct mr_journal_options options = {
        .segment_bytes = SEGMENT_BYTES,
        .frames_in_flight = ours->options.frames_in_flight,
        .durability = ours->options.durability,
        .buffers = ours->frames,
        .buffers_size = memory_size(ours),
    };
    int status = options.durability == MR_DURABILITY_NONE
                     ? mr_journal_open_volatile(&options, &ours->journal, &ours->error)
                     : open_stored(ours, &options);
    return status == MR_OK ? mr_journal_start(ours->journal, &ours->error) : status;
}

bool ours_open(struct ours *ours, const struct ours_options *options)
{
    *ours = (struct ours){.options = *options};
    common_path(options->path != NULL ? options->path : "millrace", ours->path);
    ours->frames = mr_pages_allocate(memory_size(ours));
    if (ours->frames == NULL) {
        (void)common_fail("open", "no memory");
        return false;
    }
    memset(ours->frames, 1, memory_size(ours));
    return check(ours, open_journal(ours), "open");
}

static unsigned char *frame_in_hand(struct ours *ours)
{
    uint64_t slot = ours->tip.index % (ours->options.frames_in_flight + 1);
    return ours->frames + slot * ours->options.frame_bytes;
}

unsigned char *ours_block(struct ours *ours)
{
    return frame_in_hand(ours) + MR_FRAME_ROOM + MR_ENTRY_SIZE;
}

uint32_t ours_block_bytes(const struct ours *ours)
{
    return ours->options.frame_bytes - MR_FRAME_ROOM - MR_ENTRY_SIZE;
}

int ours_append(struct ours *ours, uint32_t count, uint32_t bytes)
{
    unsigned char *frame = frame_in_hand(ours);
    struct mr_entry *entry = mr_frame_entry(frame);
    *entry = (struct mr_entry){
        .term = 1,
        .index = ours->tip.index + 1,
        .first_sequence = ours->tip.sequence + 1,
        .count = count,
        .length = MR_ENTRY_SIZE + bytes,
        .previous = ours->tip.digest,
    };
    struct mr_digest digest = mr_entry_digest(entry);
    int status = mr_journal_append(ours->journal, frame, digest, &ours->error);
    if (status == MR_OK) {
        ours->tip = mr_tip_after(entry, digest);
    } else if (status != MR_AGAIN) {
        (void)check(ours, status, "append");
    }
    return status;
}

bool ours_poll(struct ours *ours, bool sleep)
{
    return check(ours, mr_journal_poll(ours->journal, sleep ? WAIT_US : 0, &ours->error), "poll");
}

bool ours_append_soon(struct ours *ours, uint32_t count, uint32_t bytes)
{
    while (!mr_journal_ready(ours->journal)) {
        if (!ours_poll(ours, true)) {
            return false;
        }
    }
    int status;
    while ((status = ours_append(ours, count, bytes)) == MR_AGAIN) {
        if (!ours_poll(ours, true)) {
            return false;
        }
    }
    return status == MR_OK;
}

bool ours_settle(struct ours *ours)
{
    while (mr_journal_durable_index(ours->journal) < ours->tip.index) {
        if (!ours_poll(ours, true)) {
            return false;
        }
    }
    return true;
}

bool ours_stop(struct ours *ours)
{
    bool good = check(ours, mr_journal_stop(ours->journal, &ours->error), "stop");
    mr_journal_close(ours->journal);
    ours->journal = NULL;
    return good;
}

/* The commands of one entry; false: they are not what must come next. */
static bool entry_whole(const struct mr_entry *entry, int64_t before)
{
    const unsigned char *commands = mr_entry_commands(entry);
    if (entry->length != MR_ENTRY_SIZE + entry->count * COMMON_COMMAND_BYTES ||
        entry->first_sequence != (uint64_t)before + 1) {
        return false;
    }
    for (uint32_t i = 0; i < entry->count; i++) {
        if (!common_command_whole(commands + (size_t)i * COMMON_COMMAND_BYTES,
                                  entry->first_sequence + i)) {
            return false;
        }
    }
    return true;
}

int64_t ours_count(struct ours *ours)
{
    struct mr_reader *reader;
    const struct mr_reader_options options = {.last_index = ours->tip.index};
    const struct mr_entry *entry;
    int64_t count = 0;
    if (ours->options.durability == MR_DURABILITY_NONE) {
        return (int64_t)ours->tip.sequence;
    }
    int status = mr_reader_open(ours->storage, &options, &reader, &ours->error);
    if (!check(ours, status, "read")) {
        return COUNT_FAILED;
    }
    while ((status = mr_reader_next(reader, &entry, NULL, &ours->error)) == MR_OK) {
        if (!entry_whole(entry, count)) {
            (void)common_fail("read", "other commands than were written");
            count = COUNT_FAILED;
            break;
        }
        count += entry->count;
    }
    mr_reader_close(reader);
    return status == MR_OK || status == MR_AGAIN || check(ours, status, "read") ? count
                                                                                : COUNT_FAILED;
}

int64_t ours_plan(struct ours *ours, struct mr_recovery *report)
{
    struct mr_recovery own = {0};
    report = report != NULL ? report : &own;
    int status = mr_journal_plan(ours->storage, report, NULL, &ours->error);
    bool whole = check(ours, status, "plan") && !report->torn;
    return whole ? (int64_t)report->last_index : COUNT_FAILED;
}

void ours_close(struct ours *ours)
{
    if (ours->journal != NULL) {
        mr_journal_close(ours->journal);
    }
    if (ours->storage != NULL) {
        ours->storage->calls->destroy(ours->storage);
    }
    free(ours->frames);
    common_remove(ours->path);
    *ours = (struct ours){0};
}
