/*
 * Taking from the pools and giving back. Elements are numbered from 1; a free one keeps the number
 * of the next in a field that it no longer needs.
 */
#ifndef MR_CORE_BOOK_POOL_H
#define MR_CORE_BOOK_POOL_H

#include "core/book/levels.h"

/* A page of `pool`, whose pages come behind the first `before` ones. */
static inline uint32_t book_page_take(struct mr_book *book, struct book_pool *pool, uint32_t before)
{
    uint32_t page = pool->free;
    if (page != 0) {
        pool->free = book_page(book, page)->parent;
        return page;
    }
    ASSERT(pool->high < book->config.levels_max);
    return before + ++pool->high;
}

static inline void book_page_give(struct mr_book *book, struct book_pool *pool, uint32_t page)
{
    book_page(book, page)->parent = pool->free;
    pool->free = page;
}

/* There is one order more than can rest: the one that is just being matched. */
static inline struct book_order *book_order_take(struct mr_book *book)
{
    struct book_pool *pool = &book->order_pool;
    uint32_t ref = pool->free;
    if (MR_LIKELY(ref != 0)) {
        struct book_order *order = book_order(book, ref);
        pool->free = order->link.next;
        return order;
    }
    ASSERT(pool->high <= book->config.orders_max);
    return (struct book_order *)book_at(book, book->layout.orders) + pool->high++;
}

static inline void book_order_give(struct mr_book *book, struct book_order *order)
{
    order->link.next = book->order_pool.free;
    book->order_pool.free = book_order_ref(book, order);
}

#endif
