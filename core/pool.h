/*
 * A pool of equal objects in an image: 32-bit indices from 1 (0 is nobody), a list of the freed
 * (last in, first out) and a high-water mark, above which nothing was ever used. The first four
 * bytes of a freed object hold its link; the rest keeps what it had.
 */
#ifndef MR_CORE_POOL_H
#define MR_CORE_POOL_H

#include "base/assert.h"

#include <stdbool.h>
#include <stdint.h>

struct mr_pool {
    uint32_t limit; /* objects there is room for, besides nobody */
    uint32_t high;  /* the highest index ever taken */
    uint32_t live;  /* objects taken and not given back */
    uint32_t free;  /* the first freed object, 0: none */
};

static inline uint32_t *mr_pool_link(void *objects, uint64_t object_size, uint32_t index)
{
    return (uint32_t *)(void *)((unsigned char *)objects + index * object_size);
}

/* Takes an object, as whoever had it left it (zeroed, if nobody had); 0: the pool is exhausted. */
static inline uint32_t mr_pool_take(struct mr_pool *pool, void *objects, uint64_t object_size)
{
    uint32_t index = pool->free;
    if (index != 0) {
        pool->free = *mr_pool_link(objects, object_size, index);
    } else if (pool->high < pool->limit) {
        index = ++pool->high;
    } else {
        return 0;
    }
    pool->live++;
    return index;
}

static inline void mr_pool_give(struct mr_pool *pool, void *objects, uint64_t object_size,
                                uint32_t index)
{
    ASSERT(index != 0 && index <= pool->high);
    ASSERT(pool->live > 0);
    *mr_pool_link(objects, object_size, index) = pool->free;
    pool->free = index;
    pool->live--;
}

/* Whether the counts make sense, with room for `limit` objects, and the freed ones make a list: as
 * long as it should be, without a circle. */
static inline bool mr_pool_check(const struct mr_pool *pool, void *objects, uint64_t object_size,
                                 uint64_t limit)
{
    if (pool->limit != limit || pool->high > pool->limit || pool->live > pool->high) {
        return false;
    }
    uint32_t freed = pool->high - pool->live;
    uint32_t at = pool->free;
    for (; freed > 0 && at != 0 && at <= pool->high; freed--) {
        at = *mr_pool_link(objects, object_size, at);
    }
    return freed == 0 && at == 0;
}

/* Bytes from the beginning of `objects` that were ever used. */
static inline uint64_t mr_pool_used(const struct mr_pool *pool, uint64_t object_size)
{
    return pool->high == 0 ? 0 : (pool->high + UINT64_C(1)) * object_size;
}

#endif
