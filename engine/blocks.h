/*
 * The memory that blocks lie in: a ring of bytes from which the sequencer cuts one contiguous,
 * 4 KiB-aligned piece for each block, in order, and gets them back in order. Owned by one thread.
 */
#ifndef MR_ENGINE_BLOCKS_H
#define MR_ENGINE_BLOCKS_H

#include "base/assert.h"
#include "base/bits.h"
#include "base/limits.h"

#include <stddef.h>

struct mr_blocks {
    unsigned char *bytes;
    uint64_t size; /* multiple of 4 KiB */
    uint64_t head; /* everything below was handed out; grows for ever */
    uint64_t tail; /* everything below was given back */
};

/* Room that is surely enough: two of the largest blocks however they lie, and a few ordinary ones.
 */
static inline uint64_t mr_blocks_size(uint32_t frame_bytes_max)
{
    return 3 * mr_align_up(frame_bytes_max, 4096) + 8 * (uint64_t)MR_BLOCK_BYTES_MAX;
}

/* A piece of `size` bytes, or NULL when there is none now. Only the last piece taken may be
 * trimmed. */
static inline unsigned char *mr_blocks_take(struct mr_blocks *blocks, uint64_t size)
{
    size = mr_align_up(size, 4096);
    ASSERT(size <= blocks->size);
    uint64_t offset = blocks->head % blocks->size;
    uint64_t skip = offset + size > blocks->size ? blocks->size - offset : 0;
    if (blocks->head + skip + size - blocks->tail > blocks->size) {
        return NULL;
    }
    blocks->head += skip;
    unsigned char *piece = blocks->bytes + blocks->head % blocks->size;
    blocks->head += size;
    return piece;
}

/* Gives back all of the last piece but its first `used` bytes; returns where it ends, which is what
 * mr_blocks_give_back wants when the block is done with. */
static inline uint64_t mr_blocks_trim(struct mr_blocks *blocks, const unsigned char *piece,
                                      uint64_t used)
{
    uint64_t offset = (uint64_t)(piece - blocks->bytes);
    uint64_t turn = (blocks->head - 1) / blocks->size * blocks->size;
    uint64_t end = turn + offset + mr_align_up(used, 4096);
    ASSERT(end <= blocks->head);
    blocks->head = end;
    return end;
}

static inline void mr_blocks_give_back(struct mr_blocks *blocks, uint64_t end)
{
    ASSERT(end >= blocks->tail && end <= blocks->head);
    blocks->tail = end;
}

#endif
