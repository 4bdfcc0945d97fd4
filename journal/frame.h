/*
 * Frames: how an entry lies on this node's disk. Everything here is arithmetic on memory; nothing
 * reads or writes files.
 *
 * Two independent checks cover every byte once. The header's checksum, seeded with the frame's
 * place, covers the 256 bytes of the header, all within the first sector, so that a header can be
 * trusted even when the sectors behind it were lost. The entry's digest, named by the header,
 * covers the entry. The padding is one fixed pattern and is compared.
 */
#ifndef MR_JOURNAL_FRAME_H
#define MR_JOURNAL_FRAME_H

#include "base/limits.h"
#include "base/storage.h"

#include <millrace/journal.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    MR_FRAME_VERSION = 0,
    MR_FRAME_PADDING = 0xC3, /* not zero, so that a padded sector that was written shows */
    MR_PAGE_SIZE = MR_STORAGE_ALIGNMENT,
};

enum mr_frame_kind {
    MR_FRAME_ENTRY = 1,
    MR_FRAME_WATERMARK = 2, /* no entry: says that everything before it is durable */
    MR_FRAME_SEAL = 3,      /* the last 4 KiB of a segment that is full */
};

enum {
    /* Written under os durability: the watermark says what was synced, and is not bounded by the
     * frames in flight. */
    MR_FRAME_FLAG_OS = 1,
    /* Somebody else says what is committed; otherwise all that is durable is. */
    MR_FRAME_FLAG_REPLICATED = 2,
    MR_FRAME_FLAGS_KNOWN = MR_FRAME_FLAG_OS | MR_FRAME_FLAG_REPLICATED,
};

/* Where the chain of entries stands: the last entry's index, last sequence, time and digest; all
 * zero before the first entry. */
struct mr_tip {
    uint64_t index;
    uint64_t sequence;
    uint64_t time_ns;
    struct mr_digest digest;
};

/* On disk, little-endian; frame.c has the byte table. */
struct mr_frame_header {
    uint64_t magic;
    uint16_t version;
    uint16_t header_size;
    uint16_t kind;
    uint16_t flags; /* MR_FRAME_FLAG_* */
    uint32_t length;
    uint32_t entry_length;
    uint32_t segment;
    uint32_t reserved_b;
    uint64_t generation;
    uint64_t offset;
    uint64_t number;
    uint64_t durable_number;
    uint64_t durable_index;
    uint64_t durable_sequence;
    uint64_t committed_index;
    uint64_t committed_sequence;
    struct mr_tip before;
    struct mr_digest entry_digest;
    uint64_t mask;
    uint64_t end_offset;
    uint64_t reserved_c[9];
    struct mr_digest checksum;
};

/* What can be wrong with stored bytes: name, and how a message says it. */
#define MR_FAULT_LIST(X)                                               \
    X(NONE, "nothing is wrong")                                        \
    X(BLANK, "zeros where a frame was written")                        \
    X(HEADER, "the frame's header is damaged")                         \
    X(VERSION, "written by a version that this one does not know")     \
    X(FIELDS, "the frame's header contradicts itself or its place")    \
    X(PADDING, "the frame's padding is damaged")                       \
    X(ENTRY, "the entry is damaged")                                   \
    X(CHAIN, "a whole frame that does not continue the one before it") \
    X(GARBAGE, "bytes where nothing was ever written")                 \
    X(SUPERBLOCK, "a copy of the superblock is damaged")               \
    X(FOREIGN, "the segment belongs to another journal or place")      \
    X(SIZE, "the segment's size is not what its superblock says")      \
    X(MISSING, "the segment is missing")                               \
    X(RECORD, "the truncation record is damaged")

#define MR_FAULT_ENUM(name, text) MR_FAULT_##name,
enum mr_fault { MR_FAULT_LIST(MR_FAULT_ENUM) };
#undef MR_FAULT_ENUM

const char *mr_fault_text(enum mr_fault fault);

/* Where a frame lies: part of its checksum, so that a stale or misdirected one does not verify. */
struct mr_frame_place {
    uint8_t journal_id[MR_JOURNAL_ID_SIZE];
    uint32_t segment;
    uint64_t offset;
    uint64_t limit; /* of the frame's end: the seal's place, or for the seal the end of the file */
};

/* Bytes on disk of a frame whose entry has `entry_length` bytes (0: none). */
static inline uint32_t mr_frame_length(uint32_t entry_length)
{
    return (MR_FRAME_ROOM + entry_length + MR_PAGE_SIZE - 1) & ~(uint32_t)(MR_PAGE_SIZE - 1);
}

/* Fills the frame behind its entry with the pattern. */
void mr_frame_pad(void *frame, uint32_t entry_length);

/* True when one of the whole sectors of `bytes` is all zero. `size` is a multiple of the sector's.
 * */
bool mr_frame_has_zero_sector(const void *bytes, size_t size);

/* XORs the entry of `frame` with `mask`, over and over; twice undoes it. */
void mr_frame_mask(void *frame, uint32_t entry_length, uint64_t mask);

/* Masks the entry so that no sector of the frame is zero, and returns the mask. */
uint64_t mr_frame_mask_zeros(void *frame, uint32_t entry_length, struct mr_digest entry_digest);

/* Completes `header` (magic, version, sizes, place, checksum) and puts it at the head of `frame`.
 * Set by the caller: kind, entry_length, generation, number, watermarks, before, digest, mask. */
void mr_frame_put_header(void *frame, struct mr_frame_header *header,
                         const struct mr_frame_place *place);

/* Copies and checks the header at the head of `page` (of at least MR_FRAME_ROOM bytes). NONE: it is
 * whole, belongs to `place`, and its lengths lie within the bounds; BLANK: 256 zeros; else what is
 * wrong, and `header` must not be used. */
enum mr_fault mr_frame_get_header(const void *page, const struct mr_frame_place *place,
                                  struct mr_frame_header *header);

/* Checks all of the frame behind a header that mr_frame_get_header found whole, and undoes the mask
 * in place; when something is wrong, the bytes stay as they were. */
enum mr_fault mr_frame_open(void *frame, const struct mr_frame_header *header);

static inline struct mr_entry *mr_frame_entry(void *frame)
{
    return (struct mr_entry *)(void *)((unsigned char *)frame + MR_FRAME_ROOM);
}

/* The tip once `entry` is added; `digest` is mr_entry_digest of it. */
struct mr_tip mr_tip_after(const struct mr_entry *entry, struct mr_digest digest);

bool mr_tip_equal(const struct mr_tip *a, const struct mr_tip *b);

#endif
