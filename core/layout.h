/*
 * What it takes to lay out a block of memory, and to tell which of it is in use.
 */
#ifndef MR_CORE_LAYOUT_H
#define MR_CORE_LAYOUT_H

#include "base/assert.h"
#include "base/bits.h"
#include "base/limits.h"

#include <millrace/logic.h>

/* Whether a limit is 1 to `max`. */
static inline bool mr_is_within(uint32_t limit, uint32_t max)
{
    return limit >= 1 && limit <= max;
}

/* The offset of a part of `count` elements, which lies at `*end`; the next one begins with a line
 * of its own. */
static inline uint64_t mr_place(uint64_t *end, uint64_t count, uint64_t size)
{
    uint64_t offset = *end;
    *end = mr_align_up(offset + count * size, MR_CACHE_LINE);
    return offset;
}

/* Spans of what is in use: a list for `limit` of them, which is empty at first. */
struct mr_spans {
    struct mr_span *at;
    uint32_t limit, count;
};

/* Spans come in rising order and must not touch: one that continues the last one joins it. */
static inline void mr_spans_add(struct mr_spans *spans, uint64_t offset, uint64_t size)
{
    struct mr_span *last = spans->count == 0 ? NULL : &spans->at[spans->count - 1];
    if (size == 0) {
        return;
    }
    ASSERT(last == NULL || last->offset + last->size <= offset);
    if (last != NULL && last->offset + last->size == offset) {
        last->size += size;
        return;
    }
    ASSERT(spans->count < spans->limit);
    spans->at[spans->count++] = (struct mr_span){.offset = offset, .size = size};
}

#endif
