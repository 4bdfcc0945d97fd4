/*
 * The price levels of a side: a tree of pages over their keys, exact for any 64-bit price.
 *
 * A *leaf* holds the levels of 64 neighbouring keys, a *branch* up to 64 pages, one for each value
 * of six key bits; both say in a bitmap which are there. A branch has at least two children: where
 * all keys agree there is no page, so the height follows from how the live prices spread (two or
 * three in a real market), not from how far they could, and a side of n levels has at most n leaves
 * and n - 1 branches. Pages come and go with their levels.
 *
 * Page 0 is none; 1 to levels_max are leaves; branches come behind them.
 */
#ifndef MR_CORE_BOOK_LEVELS_H
#define MR_CORE_BOOK_LEVELS_H

#include "core/book/state.h"

static inline struct book_page *book_page(const struct mr_book *book, uint32_t page)
{
    return (struct book_page *)book_at(book, book->layout.pages) + page;
}

static inline bool book_page_is_leaf(const struct mr_book *book, uint32_t page)
{
    return page <= book->config.levels_max;
}

static inline uint32_t *book_children(const struct mr_book *book, uint32_t branch)
{
    uint64_t index = branch - book->config.levels_max - 1;
    return (uint32_t *)book_at(book, book->layout.children) + index * BOOK_PAGE_LEVELS;
}

/* Leaf 1 has the first 64 levels. */
static inline uint32_t book_level_ref(const struct mr_book *book, uint32_t leaf, uint32_t place)
{
    return book->levels_first + (leaf - 1) * BOOK_PAGE_LEVELS + place;
}

static inline uint32_t book_level_leaf(const struct mr_book *book, uint32_t level)
{
    return (level - book->levels_first) / BOOK_PAGE_LEVELS + 1;
}

static inline uint32_t book_level_place(const struct mr_book *book, uint32_t level)
{
    return (level - book->levels_first) % BOOK_PAGE_LEVELS;
}

static inline uint64_t book_level_key(const struct mr_book *book, uint32_t level)
{
    const struct book_page *leaf = book_page(book, book_level_leaf(book, level));
    return leaf->base | book_level_place(book, level);
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

/* The leaf that has or would have that key; 0: there is none yet. */
static inline uint32_t book_leaf_find(const struct mr_book *book, const struct book_side *side,
                                      uint64_t key)
{
    uint32_t page = side->root;
    while (page != 0) {
        const struct book_page *header = book_page(book, page);
        uint64_t place = book_page_place(header, key);
        if (place >= BOOK_PAGE_LEVELS)
            return 0;
        if (book_page_is_leaf(book, page))
            return page;
        if ((header->occupied >> place & 1) == 0)
            return 0;
        page = book_children(book, page)[place];
    }
    return 0;
}

/* As book_leaf_find, with the leaf used last tried first. */
static inline uint32_t book_leaf_near(const struct mr_book *book, const struct book_side *side,
                                      uint64_t key)
{
    uint32_t recent = side->recent;
    if (recent != 0 && book_page_place(book_page(book, recent), key) < BOOK_PAGE_LEVELS)
        return recent;
    return book_leaf_find(book, side, key);
}

/* The level of that key; 0: there is none. */
static inline uint32_t book_level_find(const struct mr_book *book, const struct book_side *side,
                                       uint64_t key)
{
    uint32_t leaf = book_leaf_near(book, side, key);
    if (leaf == 0)
        return 0;
    const struct book_page *header = book_page(book, leaf);
    uint32_t place = (uint32_t)(key ^ header->base);
    return (header->occupied >> place & 1) == 0 ? 0 : book_level_ref(book, leaf, place);
}

/* The best level of a page and what is below it. */
uint32_t mr_book_level_highest(const struct mr_book *book, uint32_t page);
/* The next worse level of the same side; 0: it is the last. */
uint32_t mr_book_level_next(const struct mr_book *book, uint32_t level);
/* Makes the leaf for a key that has none. */
uint32_t mr_book_leaf_add(struct mr_book *book, struct book_side *side, uint64_t key);
/* Gives an empty leaf back. */
void mr_book_leaf_remove(struct mr_book *book, struct book_side *side, uint32_t leaf);

/* Appends an order to the level of its key, which is made if it is not there; there must be room
 * for it. */
static inline void book_level_append(struct mr_book *book, struct book_side *side,
                                     struct book_order *order)
{
    uint64_t key = order->key;
    uint32_t leaf = book_leaf_near(book, side, key);
    if (MR_UNLIKELY(leaf == 0))
        leaf = mr_book_leaf_add(book, side, key);
    side->recent = leaf;

    struct book_page *header = book_page(book, leaf);
    uint32_t place = (uint32_t)(key ^ header->base);
    uint32_t level = book_level_ref(book, leaf, place);
    struct book_link *sentinel = book_link(book, level);
    if ((header->occupied >> place & 1) == 0) {
        header->occupied |= UINT64_C(1) << place;
        side->levels++;
        book->levels++;
        *sentinel = (struct book_link){.next = level, .prev = level};
        if (side->best == 0 || key > side->best_key) {
            side->best = level;
            side->best_key = key;
        }
    }
    uint32_t ref = book_order_ref(book, order);
    uint32_t last = sentinel->prev;
    order->link = (struct book_link){.next = level, .prev = last};
    book_link(book, last)->next = ref;
    sentinel->prev = ref;
    side->orders++;
}

/* Removes a level whose last order has gone. */
static inline void book_level_remove(struct mr_book *book, struct book_side *side, uint32_t level)
{
    uint32_t leaf = book_level_leaf(book, level);
    struct book_page *header = book_page(book, leaf);
    header->occupied &= ~(UINT64_C(1) << book_level_place(book, level));
    side->levels--;
    book->levels--;
    bool was_best = side->best == level;
    if (MR_LIKELY(header->occupied != 0)) {
        if (was_best) {
            uint32_t place = book_highest(header->occupied);
            side->best = book_level_ref(book, leaf, place);
            side->best_key = header->base | place;
        }
        return;
    }
    mr_book_leaf_remove(book, side, leaf);
    if (was_best) {
        side->best = side->root == 0 ? 0 : mr_book_level_highest(book, side->root);
        side->best_key = side->best == 0 ? 0 : book_level_key(book, side->best);
    }
}

/* Takes an order out of its level. */
static inline void book_level_unlink(struct mr_book *book, struct book_side *side,
                                     const struct book_order *order)
{
    struct book_link link = order->link;
    book_link(book, link.prev)->next = link.next;
    book_link(book, link.next)->prev = link.prev;
    side->orders--;
    if (link.next == link.prev) /* only a level can be on both sides */
        book_level_remove(book, side, link.next);
}

#endif
