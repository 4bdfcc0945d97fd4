/*
 * The price levels of a side: a tree of pages over their keys, exact for any 64-bit price.
 *
 * A *leaf* holds the levels of 64 neighbouring keys, a *branch* up to 64 pages, one for each value
 * of six key bits; both say in a bitmap which are there. A branch has at least two children: where
 * all keys agree there is no page, so the height follows from how the live prices spread (two or
 * three in a real market), not from how far they could, and n leaves have at most n - 1 branches.
 *
 * A leaf that loses its last order stays for a while, as prices come back: a queue keeps the last
 * few such idle leaves, and gives back the one that has been in it for longest.
 *
 * The tree is for what is rare. A side remembers a few leaves by the key bits just above the
 * leaves' own, which finds nearly all of them at once, and the leaf of its best level.
 *
 * Half of all orders in a live market open or empty a level, at random: nothing branches on that.
 * The bitmap and the counts are computed, and a level that is not there is an empty list already.
 *
 * Branches lie before leaves, which is how a ref tells what it refers to.
 */
#ifndef MR_CORE_BOOK_LEVELS_H
#define MR_CORE_BOOK_LEVELS_H

#include "core/book/state.h"

static inline bool book_page_is_leaf(const struct mr_book *book, uint32_t ref)
{
    return ref >= book->leaves_first;
}

static inline struct book_branch *book_branch(const struct mr_book *book, uint32_t ref)
{
    return book_at(book, (uint64_t)ref * BOOK_UNIT);
}

/* Leaves and branches begin alike. */
static inline struct book_page *book_page(const struct mr_book *book, uint32_t ref)
{
    return book_at(book, (uint64_t)ref * BOOK_UNIT);
}

enum {
    BOOK_BRANCH_UNITS = sizeof(struct book_branch) / BOOK_UNIT,
    BOOK_LEAF_UNITS = sizeof(struct book_leaf) / BOOK_UNIT,
    BOOK_LEVEL_UNITS = sizeof(struct book_level) / BOOK_UNIT,
    BOOK_LEVELS_AT = offsetof(struct book_leaf, levels) / BOOK_UNIT,
};

static inline uint32_t book_level_ref(uint32_t leaf, uint32_t place)
{
    return leaf + BOOK_LEVELS_AT + place * BOOK_LEVEL_UNITS;
}

static inline uint32_t book_level_place(const struct mr_book *book, uint32_t level)
{
    return ((level - book->leaves_first) % BOOK_LEAF_UNITS - BOOK_LEVELS_AT) / BOOK_LEVEL_UNITS;
}

static inline uint32_t book_level_leaf(const struct mr_book *book, uint32_t level)
{
    return level - BOOK_LEVELS_AT - book_level_place(book, level) * BOOK_LEVEL_UNITS;
}

static inline uint64_t book_level_key(const struct mr_book *book, uint32_t level)
{
    const struct book_leaf *leaf = book_leaf(book, book_level_leaf(book, level));
    return leaf->page.base | book_level_place(book, level);
}

/* Where a key belongs among the 64 places of a page; above 63: not in this page. */
static inline uint64_t book_page_place(const struct book_page *page, uint64_t key)
{
    return (key ^ page->base) >> page->shift;
}

static inline uint32_t book_highest(uint64_t bitmap)
{
    return 63 - (uint32_t)__builtin_clzll(bitmap);
}

static inline uint32_t *book_leaf_near(struct book_side *side, uint64_t key)
{
    return &side->near[key / BOOK_PAGE_LEVELS % BOOK_NEAR_LEAVES];
}

/* -- The best level. --------------------------------------------------------------------------- */

/* The key of the best level of a leaf that has one. */
static inline uint64_t book_leaf_best_key(const struct book_leaf *leaf)
{
    return leaf->page.base | book_highest(leaf->page.occupied);
}

/* 0: the side is empty. */
static inline uint32_t book_best_level(const struct book_side *side)
{
    return side->best_leaf == 0
               ? 0
               : book_level_ref(side->best_leaf, side->best_key % BOOK_PAGE_LEVELS);
}

/* A taker meets levels of the other side whose key is at least its limit: the complement of its own
 * key for a limit order (see book_key). */
static inline bool book_crosses(const struct book_side *other, uint64_t limit)
{
    return other->best_key >= limit && MR_LIKELY(other->best_leaf != 0);
}

/* -- Finding and walking. ---------------------------------------------------------------------- */

/* The leaf that has that key; 0: there is none. */
uint32_t mr_book_leaf_in_tree(const struct mr_book *book, const struct book_side *side,
                              uint64_t key);
/* The level of that key; 0: there is none. */
uint32_t mr_book_level_find(const struct mr_book *book, const struct book_side *side, uint64_t key);
/* The next worse level of the same side; 0: it is the last. */
uint32_t mr_book_level_next(const struct mr_book *book, uint32_t level);

/* -- Orders come and go. ----------------------------------------------------------------------- */

/* The leaf for a key that is not near: found, or made, and near from now on. */
uint32_t mr_book_leaf_bring(struct mr_book *book, struct book_side *side,
                            const struct book_order *order);
/* A leaf has its first order, or has lost its last one. */
void mr_book_leaf_wake(struct mr_book *book, struct book_side *side, uint32_t leaf);
void mr_book_leaf_idle(struct mr_book *book, struct book_side *side, uint32_t leaf);

/* Appends an order to the level of its key, which is made if it is not there; there must be room
 * for it. */
static inline void book_level_append(struct mr_book *book, struct book_side *side,
                                     struct book_order *order, uint32_t order_ref)
{
    uint64_t key = order->key;
    uint32_t place = key % BOOK_PAGE_LEVELS;
    uint32_t leaf_ref = *book_leaf_near(side, key);
    struct book_leaf *leaf = book_leaf(book, leaf_ref);
    if (MR_UNLIKELY(leaf->page.base != key - place)) {
        leaf_ref = mr_book_leaf_bring(book, side, order);
        leaf = book_leaf(book, leaf_ref);
    }
    uint64_t bit = UINT64_C(1) << place;
    uint32_t is_new = (leaf->page.occupied & bit) == 0;
    bool wakes = leaf->page.occupied == 0;
    leaf->page.occupied |= bit;
    if (MR_UNLIKELY(wakes))
        mr_book_leaf_wake(book, side, leaf_ref);
    side->best_key = key > side->best_key ? key : side->best_key;
    side->levels += is_new;
    book->levels += is_new;
    side->orders++;

    struct book_level *level = &leaf->levels[place];
    uint32_t last = level->link.prev;
    order->link = (struct book_link){.next = book_level_ref(leaf_ref, place), .prev = last};
    order->leaf = leaf_ref;
    book_link(book, last)->next = order_ref;
    level->link.prev = order_ref;
    level->quantity += order->open;
    level->orders++;
}

/* The level at `place` of a leaf may have lost its last order. */
static inline void book_level_settle(struct mr_book *book, struct book_side *side,
                                     uint32_t leaf_ref, uint32_t place, bool emptied)
{
    struct book_leaf *leaf = book_leaf(book, leaf_ref);
    side->levels -= emptied;
    book->levels -= emptied;
    leaf->page.occupied &= ~((uint64_t)emptied << place);
    if (MR_UNLIKELY(leaf->page.occupied == 0)) {
        mr_book_leaf_idle(book, side, leaf_ref);
        return;
    }
    uint64_t best_key = book_leaf_best_key(leaf);
    side->best_key = side->best_leaf == leaf_ref ? best_key : side->best_key;
}

/* Takes an order out of its level. */
static inline void book_level_unlink(struct mr_book *book, struct book_side *side,
                                     const struct book_order *order)
{
    struct book_link link = order->link;
    struct book_level *level = book_level_of(book, order);
    level->quantity -= order->open;
    level->orders--;
    book_link(book, link.prev)->next = link.next;
    book_link(book, link.next)->prev = link.prev;
    side->orders--;
    /* Only a level can be on both sides of an order. */
    book_level_settle(book, side, order->leaf, order->key % BOOK_PAGE_LEVELS,
                      link.next == link.prev);
}

#endif
