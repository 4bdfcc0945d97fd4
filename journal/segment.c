/*
 * A segment on disk, version 0, little-endian:
 *
 *        0  4 KiB  superblock, copy A
 *    4 KiB  4 KiB  zero
 *    8 KiB  4 KiB  superblock, copy B
 *   12 KiB  4 KiB  zero
 *   16 KiB         frames, one behind the other
 *                  zero: never written
 *   end-4K  4 KiB  the seal (a frame of its own kind), zero until the segment is full
 *
 * A copy of the superblock (4 KiB):
 *
 *   offset size field
 *        0    8 magic         "MRSEGMT" and a zero byte
 *        8    2 version       0
 *       10    2 header_size   128
 *       12    4 segment       its number, as in the file's name
 *       16    8 generation    of the journal when the segment was prepared
 *       24    8 segment_bytes the file's size
 *       32   16 journal_id
 *       48   24 durable       number, index and sequence known durable when it was prepared
 *       72    8 offset        of this copy: 0 or 8,192
 *       80   32 reserved      zero
 *      112   16 checksum      XXH3-128 of the 4 KiB with zeros here
 *      128      zero
 */
#include "journal/segment.h"

#include "base/assert.h"
#include "base/digest.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char segment_magic[8] = "MRSEGMT";

/* Never written, so that it takes no memory: all of its pages are the system's one page of zeros.
 * */
static _Alignas(MR_PAGE_SIZE) unsigned char zeros[MR_ZERO_CHUNK];

_Static_assert(sizeof(struct mr_superblock) == 128, "layout");
_Static_assert(offsetof(struct mr_superblock, generation) == 16, "layout");
_Static_assert(offsetof(struct mr_superblock, journal_id) == 32, "layout");
_Static_assert(offsetof(struct mr_superblock, durable) == 48, "layout");
_Static_assert(offsetof(struct mr_superblock, checksum) == 112, "layout");

void mr_segment_name(uint32_t number, char name[MR_SEGMENT_NAME_SIZE])
{
    snprintf(name, MR_SEGMENT_NAME_SIZE, "journal/%08" PRIu32 ".seg", number);
}

bool mr_segment_bytes_valid(uint64_t segment_bytes)
{
    return segment_bytes % MR_PAGE_SIZE == 0 && segment_bytes >= MR_SEGMENT_BYTES_TINY &&
           segment_bytes <= MR_SEGMENT_BYTES_MAX;
}

struct mr_digest mr_page_checksum(const void *page, size_t at)
{
    unsigned char copy[MR_PAGE_SIZE];
    memcpy(copy, page, sizeof copy);
    memset(copy + at, 0, sizeof(struct mr_digest));
    return mr_digest_of(copy, sizeof copy);
}

static struct mr_digest checksum_of(const unsigned char *block)
{
    return mr_page_checksum(block, offsetof(struct mr_superblock, checksum));
}

static void put_copy(unsigned char *head, struct mr_superblock *superblock, uint64_t offset)
{
    superblock->offset = offset;
    superblock->checksum = (struct mr_digest){0, 0};
    memcpy(head + offset, superblock, sizeof *superblock);
    superblock->checksum = checksum_of(head + offset);
    memcpy(head + offset, superblock, sizeof *superblock);
}

void mr_segment_put_head(void *head, struct mr_superblock *superblock)
{
    ASSERT(mr_segment_bytes_valid(superblock->segment_bytes));
    ASSERT(superblock->segment >= 1 && superblock->segment <= MR_SEGMENT_NUMBER_MAX);
    memcpy(&superblock->magic, segment_magic, sizeof superblock->magic);
    superblock->version = MR_SUPERBLOCK_VERSION;
    superblock->header_size = sizeof *superblock;
    memset(head, 0, MR_SEGMENT_HEAD);
    put_copy(head, superblock, MR_SUPERBLOCK_COPY_A);
    put_copy(head, superblock, MR_SUPERBLOCK_COPY_B);
}

static enum mr_fault get_copy(const unsigned char *head, uint64_t offset, uint32_t number,
                              struct mr_superblock *superblock)
{
    memcpy(superblock, head + offset, sizeof *superblock);
    if (memcmp(&superblock->magic, segment_magic, sizeof superblock->magic) != 0 ||
        !mr_digest_equal(superblock->checksum, checksum_of(head + offset))) {
        return MR_FAULT_SUPERBLOCK;
    }
    if (superblock->version != MR_SUPERBLOCK_VERSION) {
        return MR_FAULT_VERSION;
    }
    if (superblock->segment != number || superblock->offset != offset) {
        return MR_FAULT_FOREIGN;
    }
    bool agrees =
        superblock->header_size == sizeof *superblock && superblock->generation > 0 &&
        mr_segment_bytes_valid(superblock->segment_bytes) &&
        memcmp(head + offset + sizeof *superblock, zeros, MR_PAGE_SIZE - sizeof *superblock) == 0;
    return agrees ? MR_FAULT_NONE : MR_FAULT_SUPERBLOCK;
}

/* Both copies say the same but for their own places and checksums. */
static bool copies_agree(struct mr_superblock a, struct mr_superblock b)
{
    a.offset = b.offset;
    a.checksum = b.checksum;
    return memcmp(&a, &b, sizeof a) == 0;
}

enum mr_fault mr_segment_get_head(const void *head, uint32_t number,
                                  struct mr_superblock *superblock, uint64_t *offset, bool *half)
{
    static const uint64_t copies[2] = {MR_SUPERBLOCK_COPY_A, MR_SUPERBLOCK_COPY_B};
    struct mr_superblock found[2];
    enum mr_fault faults[2];
    *half = false;
    for (int i = 0; i < 2; i++) {
        faults[i] = get_copy(head, copies[i], number, &found[i]);
        *offset = copies[i] + MR_PAGE_SIZE;
        if (memcmp((const unsigned char *)head + *offset, zeros, MR_PAGE_SIZE) != 0) {
            return MR_FAULT_GARBAGE;
        }
    }
    for (int i = 0; i < 2; i++) {
        *offset = copies[i];
        bool spared = faults[i] == MR_FAULT_SUPERBLOCK && faults[1 - i] == MR_FAULT_NONE;
        if (faults[i] != MR_FAULT_NONE && !spared) {
            return faults[i];
        }
    }
    int whole = faults[0] == MR_FAULT_NONE ? 0 : 1;
    *half = faults[1 - whole] != MR_FAULT_NONE;
    *offset = *half ? copies[1 - whole] : MR_SUPERBLOCK_COPY_B;
    *superblock = found[whole];
    return *half || copies_agree(found[0], found[1]) ? MR_FAULT_NONE : MR_FAULT_SUPERBLOCK;
}

const void *mr_segment_zeros(void)
{
    return zeros;
}

void *mr_pages_allocate(size_t size)
{
    void *pages = NULL;
    return posix_memalign(&pages, MR_PAGE_SIZE, size) == 0 ? pages : NULL;
}

int mr_directory_sync(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    int directory;
    int status = storage->calls->open_directory(storage, name, &directory, error);
    if (status == MR_OK) {
        status = storage->calls->sync(storage, directory, error);
        storage->calls->close(storage, directory);
    }
    return status;
}

int mr_leftover_remove(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    int status = storage->calls->remove(storage, name, error);
    return status == MR_E_NOT_FOUND ? MR_OK : status;
}

static int fill_temporary(struct mr_storage *storage, int file, void *head,
                          struct mr_superblock *superblock, struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    int status = MR_OK;
    uint64_t offset = MR_SEGMENT_HEAD;
    while (offset < superblock->segment_bytes && status == MR_OK) {
        uint64_t left = superblock->segment_bytes - offset;
        size_t size = left < MR_ZERO_CHUNK ? (size_t)left : MR_ZERO_CHUNK;
        status = calls->write(storage, file, offset, zeros, size, error);
        offset += size;
    }
    if (status == MR_OK) {
        mr_segment_put_head(head, superblock);
        status = calls->write(storage, file, 0, head, MR_SEGMENT_HEAD, error);
    }
    return status == MR_OK ? calls->sync(storage, file, error) : status;
}

int mr_segment_make(struct mr_storage *storage, struct mr_superblock *superblock,
                    struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    int status = mr_leftover_remove(storage, MR_SEGMENT_TEMPORARY, error);
    if (status != MR_OK) {
        return status;
    }
    void *head = mr_pages_allocate(MR_SEGMENT_HEAD);
    if (head == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory to prepare a segment");
    }
    int file;
    status = calls->open(storage, MR_SEGMENT_TEMPORARY,
                         MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT, &file, error);
    if (status == MR_OK) {
        status = fill_temporary(storage, file, head, superblock, error);
        calls->close(storage, file);
        if (status == MR_OK) {
            char name[MR_SEGMENT_NAME_SIZE];
            mr_segment_name(superblock->segment, name);
            status = calls->rename(storage, MR_SEGMENT_TEMPORARY, name, error);
        }
        if (status == MR_OK) {
            status = mr_directory_sync(storage, "journal", error);
        } else {
            (void)mr_leftover_remove(storage, MR_SEGMENT_TEMPORARY, NULL);
        }
    }
    free(head);
    return status;
}

int mr_segment_zero(struct mr_storage *storage, uint32_t number, uint64_t from, uint64_t end,
                    struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    char name[MR_SEGMENT_NAME_SIZE];
    int file;
    mr_segment_name(number, name);
    int status = calls->open(storage, name, MR_OPEN_WRITE | MR_OPEN_DIRECT, &file, error);
    if (status != MR_OK) {
        return status;
    }
    for (uint64_t offset = from; offset < end && status == MR_OK; offset += MR_ZERO_CHUNK) {
        uint64_t left = end - offset;
        size_t size = left < MR_ZERO_CHUNK ? (size_t)left : MR_ZERO_CHUNK;
        status = calls->write(storage, file, offset, zeros, size, error);
    }
    if (status == MR_OK) {
        status = calls->sync(storage, file, error);
    }
    calls->close(storage, file);
    return status;
}

/* The name of the spare is taken or it is not: opening tells. */
int mr_segment_retire(struct mr_storage *storage, uint32_t number, struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    char name[MR_SEGMENT_NAME_SIZE];
    int file;
    mr_segment_name(number, name);
    int status = calls->open(storage, MR_SEGMENT_SPARE, MR_OPEN_READ, &file, error);
    if (status == MR_E_NOT_FOUND) {
        return calls->rename(storage, name, MR_SEGMENT_SPARE, error);
    }
    if (status == MR_OK) {
        calls->close(storage, file);
        status = calls->remove(storage, name, error);
    }
    return status;
}
