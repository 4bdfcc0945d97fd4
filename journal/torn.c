/*
 * Archiving and zeroing a torn tail. The archive comes first and is synced first, so that no byte
 * of it is lost, whenever the next crash comes.
 */
#include "journal/recovery.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TORN_TEMPORARY "archive/torn.tmp"

enum { NAMES_MAX = 10000 };

/* A name that no earlier archive has: the same place can be torn many times in a journal's life. */
static int choose_name(struct mr_storage *storage, const struct mr_tail_part *part, char name[64],
                       struct mr_error *error)
{
    for (int i = 1; i <= NAMES_MAX; i++) {
        int file;
        snprintf(name, 64, "archive/%08" PRIu32 "-%012" PRIu64 ".torn-%d", part->segment,
                 part->offset, i);
        int status = storage->calls->open(storage, name, MR_OPEN_READ, &file, error);
        if (status == MR_E_NOT_FOUND) {
            return MR_OK;
        }
        if (status != MR_OK) {
            return status;
        }
        storage->calls->close(storage, file);
    }
    return mr_error_set(error, MR_E_LIMIT, "archive/ holds %d copies of one torn place: clear it",
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
                        unsigned char *chunk, char name[64], struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    char segment[MR_SEGMENT_NAME_SIZE];
    int from;
    int to;
    mr_segment_name(part->segment, segment);
    int status = mr_leftover_remove(storage, TORN_TEMPORARY, error);
    if (status == MR_OK) {
        status = choose_name(storage, part, name, error);
    }
    if (status == MR_OK) {
        status = calls->open(storage, segment, MR_OPEN_READ, &from, error);
    }
    if (status != MR_OK) {
        return status;
    }
    status = calls->open(storage, TORN_TEMPORARY, MR_OPEN_WRITE | MR_OPEN_CREATE, &to, error);
    if (status == MR_OK) {
        status = copy_part(storage, part, from, to, chunk, error);
        calls->close(storage, to);
    }
    calls->close(storage, from);
    return status == MR_OK ? calls->rename(storage, TORN_TEMPORARY, name, error) : status;
}

static int zero_part(struct mr_storage *storage, const struct mr_tail_part *part,
                     struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    char segment[MR_SEGMENT_NAME_SIZE];
    int file;
    mr_segment_name(part->segment, segment);
    int status = calls->open(storage, segment, MR_OPEN_WRITE | MR_OPEN_DIRECT, &file, error);
    if (status != MR_OK) {
        return status;
    }
    for (uint64_t offset = part->offset; offset < part->end && status == MR_OK;
         offset += MR_ZERO_CHUNK) {
        uint64_t left = part->end - offset;
        size_t size = left < MR_ZERO_CHUNK ? (size_t)left : MR_ZERO_CHUNK;
        status = calls->write(storage, file, offset, mr_segment_zeros(), size, error);
    }
    if (status == MR_OK) {
        status = calls->sync(storage, file, error);
    }
    calls->close(storage, file);
    return status;
}

static int archive_all(struct mr_storage *storage, const struct mr_tail *tail, unsigned char *chunk,
                       char archive[64], struct mr_error *error)
{
    int status = storage->calls->make_directory(storage, "archive", error);
    for (uint32_t i = 0; i < tail->count && status == MR_OK; i++) {
        char name[64] = "";
        status = archive_part(storage, &tail->parts[i], chunk, name, error);
        if (i == 0) {
            memcpy(archive, name, sizeof name);
        }
    }
    if (status == MR_OK) {
        status = mr_directory_sync(storage, "archive", error);
    }
    return status == MR_OK ? mr_directory_sync(storage, "", error) : status;
}

int mr_torn_remove(struct mr_storage *storage, const struct mr_tail *tail, char archive[64],
                   struct mr_error *error)
{
    ASSERT(tail->count > 0);
    ASSERT(tail->fault == MR_FAULT_NONE);
    unsigned char *chunk = mr_pages_allocate(MR_ZERO_CHUNK);
    if (chunk == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to archive a torn tail");
    }
    int status = archive_all(storage, tail, chunk, archive, error);
    free(chunk);
    for (uint32_t i = 0; i < tail->count && status == MR_OK; i++) {
        status = zero_part(storage, &tail->parts[i], error);
    }
    return status;
}
