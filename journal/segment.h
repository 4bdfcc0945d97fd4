/*
 * Segments: files journal/NNNNNNNN.seg, numbered densely from 1. Two copies of a superblock, frames
 * from 16 KiB on, and a seal in the last 4 KiB once the segment is full. A segment gets its name
 * only when it is whole: zero-filled, synced, with both superblocks.
 */
#ifndef MR_JOURNAL_SEGMENT_H
#define MR_JOURNAL_SEGMENT_H

#include "base/storage.h"
#include "journal/frame.h"

#include <millrace/journal.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    MR_SUPERBLOCK_VERSION = 0,
    MR_SUPERBLOCK_COPY_A = 0,
    MR_SUPERBLOCK_COPY_B = 8 << 10,
    MR_SEGMENT_HEAD = 16 << 10, /* bytes in front of the first frame */
    MR_SEGMENT_NAME_SIZE = 32,
    MR_SEGMENT_NUMBER_MAX = 99999999,
    /* Less than any user may ask for: tests enumerate the crash states of tiny segments. */
    MR_SEGMENT_BYTES_TINY = 32 << 10,
    MR_ZERO_CHUNK = 1 << 20, /* what one write zeroes */
};

/* A segment that is being prepared has this name; at most one at a time. */
#define MR_SEGMENT_TEMPORARY "journal/next.tmp"

/* A segment that nobody needs any more, kept for its room on the disk: at most one. It becomes the
 * temporary of the next segment, which zeroes it all before anything else. */
#define MR_SEGMENT_SPARE "journal/spare.tmp"

/* What was surely durable when something was written. */
struct mr_bound {
    uint64_t number; /* of a frame; 0: nothing yet */
    uint64_t index;
    uint64_t sequence;
};

/* On disk, little-endian; segment.c has the byte table. */
struct mr_superblock {
    uint64_t magic;
    uint16_t version;
    uint16_t header_size;
    uint32_t segment;
    uint64_t generation;
    uint64_t segment_bytes;
    uint8_t journal_id[MR_JOURNAL_ID_SIZE];
    struct mr_bound durable;
    uint64_t offset;
    uint64_t reserved[4];
    struct mr_digest checksum;
};

/* "journal/00000001.seg" */
void mr_segment_name(uint32_t number, char name[MR_SEGMENT_NAME_SIZE]);

static inline uint64_t mr_segment_seal_offset(uint64_t segment_bytes)
{
    return segment_bytes - MR_PAGE_SIZE;
}

/* Fills in the MR_SEGMENT_HEAD bytes in front of the frames: both copies, zeros between. Set by the
 * caller: segment, generation, segment_bytes, journal_id, durable. */
void mr_segment_put_head(void *head, struct mr_superblock *superblock);

/* Checks those bytes: zeros between the copies, both copies whole and alike. One damaged copy is
 * forgiven when the other one is whole: then NONE, `*half` is true and `*offset` says which. Else
 * SUPERBLOCK, FOREIGN (`number` is not what it says), VERSION or GARBAGE, and `*offset` says where.
 */
enum mr_fault mr_segment_get_head(const void *head, uint32_t number,
                                  struct mr_superblock *superblock, uint64_t *offset, bool *half);

/* True for sizes that a journal can be made of; tests may go below what options allow. */
bool mr_segment_bytes_valid(uint64_t segment_bytes);

/* Makes a whole segment, step by step and synced, for mr_journal_create (and benches that want
 * several at hand). While the engine runs, journal/prepare.c does it through the queue. */
int mr_segment_make(struct mr_storage *storage, struct mr_superblock *superblock,
                    struct mr_error *error);

/* Zeroes the bytes of a segment from `from` to `end`, both multiples of 4 KiB, and syncs it. */
int mr_segment_zero(struct mr_storage *storage, uint32_t number, uint64_t from, uint64_t end,
                    struct mr_error *error);

/* Takes a segment's name away: it becomes the spare, or is removed where there is one. Not synced.
 */
int mr_segment_retire(struct mr_storage *storage, uint32_t number, struct mr_error *error);

/* The numbers of the segments in a directory, ascending. */
struct mr_inventory {
    uint32_t *numbers;
    uint32_t count;
    uint32_t capacity;
};

/* Lists journal/. A missing directory has no segments. MR_E_IO, MR_E_NO_MEMORY. */
int mr_inventory_take(struct mr_storage *storage, struct mr_inventory *inventory,
                      struct mr_error *error);
void mr_inventory_free(struct mr_inventory *inventory);

/* Syncs the directory `name`. */
int mr_directory_sync(struct mr_storage *storage, const char *name, struct mr_error *error);

/* Removes a file that may not be there. */
int mr_leftover_remove(struct mr_storage *storage, const char *name, struct mr_error *error);

/* Of a page of MR_PAGE_SIZE bytes, as if the checksum that lies at `at` in it were zero. */
struct mr_digest mr_page_checksum(const void *page, size_t at);

/* MR_ZERO_CHUNK zeros at a multiple of 4 KiB, to write from. */
const void *mr_segment_zeros(void);

/* `size` bytes at a multiple of 4 KiB; NULL: no memory. Free with free(). */
void *mr_pages_allocate(size_t size);

#endif
