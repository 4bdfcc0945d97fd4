/*
 * Archiving parts of segments. The archive comes first and is synced first, so that no byte is
 * lost, whenever the next crash comes.
 */
#include "journal/archive.h"

#include "base/assert.h"
#include "journal/truncation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARCHIVE_TEMPORARY "archive/copy.tmp"

enum { NAMES_MAX = 10000 };

/* A name that no earlier archive has: the same place can be copied many times in a journal's
 * life. */
static int choose_name(struct mr_storage *storage, const struct mr_tail_part *part, const char *why,
                       char name[MR_ARCHIVE_NAME_SIZE], struct mr_error *error)
{
    for (int i = 1; i <= NAMES_MAX; i++) {
        int file;
        snprintf(name, MR_ARCHIVE_NAME_SIZE, "archive/%08" PRIu32 "-%012" PRIu64 ".%s-%d",
                 part->segment, part->offset, why, i);
        int status = storage->calls->open(storage, name, MR_OPEN_READ, &file, error);
        if (status == MR_E_NOT_FOUND) {
            return MR_OK;
        }
        if (status != MR_OK) {
            return status;
        }
        storage->calls->close(storage, file);
    }
    return mr_error_set(error, MR_E_LIMIT, "archive/ holds %d copies of one place: clear it",
                        NAMES_MAX);
}

/* Copies the part into `to`, from its start on, and syncs it. */
static int copy_part(struct mr_storage *storage, const struct mr_tail_part *part, int from, int to,
                     unsigned char *chunk, struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    for (uint64_t offset = part->offset; offset < part->end; offset += MR_ZERO_CHUNK) {
        uint64_t left = part->end - offset;
        size_t size = left < MR_ZERO_CHUNK ? (size_t)left : MR_ZERO_CHUNK;
        size_t got;
        int status = calls->read(storage, from, offset, chunk, size, &got, error);
        if (status == MR_OK && got < size) {
            status = mr_error_set(error, MR_E_IO, "a segment became shorter while it was read");
        }
        if (status == MR_OK) {
            status = calls->write(storage, to, offset - part->offset, chunk, size, error);
        }
        if (status != MR_OK) {
            return status;
        }
    }
    return calls->sync(storage, to, error);
}

static int archive_part(struct mr_storage *storage, const struct mr_tail_part *part,
                        const char *why, unsigned char *chunk, char name[MR_ARCHIVE_NAME_SIZE],
                        struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    char segment[MR_SEGMENT_NAME_SIZE];
    int from;
    int to;
    if (part->segment == 0) {
        snprintf(segment, sizeof segment, "%s", MR_TRUNCATION_NAME);
    } else {
        mr_segment_name(part->segment, segment);
    }
    int status = mr_leftover_remove(storage, ARCHIVE_TEMPORARY, error);
    if (status == MR_OK) {
        status = choose_name(storage, part, why, name, error);
    }
    if (status == MR_OK) {
        status = calls->open(storage, segment, MR_OPEN_READ, &from, error);
    }
    if (status != MR_OK) {
        return status;
    }
    status = calls->open(storage, ARCHIVE_TEMPORARY, MR_OPEN_WRITE | MR_OPEN_CREATE, &to, error);
    if (status == MR_OK) {
        status = copy_part(storage, part, from, to, chunk, error);
        calls->close(storage, to);
    }
    calls->close(storage, from);
    return status == MR_OK ? calls->rename(storage, ARCHIVE_TEMPORARY, name, error) : status;
}

int mr_archive_parts(struct mr_storage *storage, const struct mr_tail_part *parts, uint32_t count,
                     const char *why, char name[MR_ARCHIVE_NAME_SIZE], struct mr_error *error)
{
    ASSERT(count > 0);
    unsigned char *chunk = mr_pages_allocate(MR_ZERO_CHUNK);
    if (chunk == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to archive parts of the journal");
    }
    int status = storage->calls->make_directory(storage, "archive", error);
    for (uint32_t i = 0; i < count && status == MR_OK; i++) {
        char next[MR_ARCHIVE_NAME_SIZE] = "";
        status = archive_part(storage, &parts[i], why, chunk, next, error);
        if (i == 0) {
            memcpy(name, next, sizeof next);
        }
    }
    free(chunk);
    if (status == MR_OK) {
        status = mr_directory_sync(storage, "archive", error);
    }
    return status == MR_OK ? mr_directory_sync(storage, "", error) : status;
}
