/*
 * Taking from the pools and giving back. A free element keeps the ref of the next in a field
 * that it no longer needs.
 */
#ifndef MR_CORE_BOOK_POOL_H
#define MR_CORE_BOOK_POOL_H

#include "core/book/levels.h"

/* The ref of a page of `pool`, whose first one is at `first`, and which are `units` long. */
static inline uint32_t book_page_take(struct mr_book *book, struct book_pool *pool, uint32_t first,
                                      uint32_t units)
{
    uint32_t page = pool->free;
    if (page != 0) {
        pool->free = book_page(book, page)->parent;
        return page;
    }
    ASSERT(pool->high < book->config.levels_max);
    return first + pool->high++ * units;
}

static inline void book_page_give(struct mr_book *book, struct book_pool *pool, uint32_t page)
{
    book_page(book, page)->parent = pool->free;
    pool->free = page;
}

/* The ref of an order that is to rest; there is room for as many as can. */
static inline uint32_t book_order_take(struct mr_book *book)
{
    struct book_pool *pool = &book->order_pool;
    uint32_t ref = pool->free;
    if (MR_LIKELY(ref != 0)) {
        pool->free = book_order(book, ref)->link.next;
        return ref;
    }
    ASSERT(pool->high < book->config.orders_max);
    return book->orders_first + pool->high++ * (uint32_t)(sizeof(struct book_order) / BOOK_UNIT);
}

static inline void book_order_give(struct mr_book *book, uint32_t ref)
{
    book_order(book, ref)->link.next = book->order_pool.free;
    book->order_pool.free = ref;
}

#endif
