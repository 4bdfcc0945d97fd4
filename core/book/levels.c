#include "core/book/levels.h"

#include "core/book/pool.h"

/* -- Walking. ---------------------------------------------------------------------------------- */

uint32_t mr_book_level_highest(const struct mr_book *book, uint32_t page)
{
    while (!book_page_is_leaf(book, page))
        page = book_children(book, page)[book_highest(book_page(book, page)->occupied)];
    return book_level_ref(book, page, book_highest(book_page(book, page)->occupied));
}

/* Where a page stands among the children of its parent. */
static uint32_t place_in(const struct book_page *parent, const struct book_page *page)
{
    return (uint32_t)book_page_place(parent, page->base);
}

uint32_t mr_book_level_next(const struct mr_book *book, uint32_t level)
{
    uint32_t page = book_level_leaf(book, level);
    const struct book_page *header = book_page(book, page);
    uint32_t place = book_level_place(book, level);
    for (;;) {
        uint64_t below = header->occupied & ((UINT64_C(1) << place) - 1);
        if (below != 0) {
            uint32_t found = book_highest(below);
            return book_page_is_leaf(book, page)
                       ? book_level_ref(book, page, found)
                       : mr_book_level_highest(book, book_children(book, page)[found]);
        }
        if (header->parent == 0)
            return 0;
        const struct book_page *child = header;
        page = header->parent;
        header = book_page(book, page);
        place = place_in(header, child);
    }
}

/* -- Growing and shrinking. -------------------------------------------------------------------- */

static uint32_t leaf_take(struct mr_book *book, uint64_t key)
{
    uint32_t leaf = book_page_take(book, &book->leaf_pool, 0);
    *book_page(book, leaf) = (struct book_page){.base = key & ~UINT64_C(63)};
    return leaf;
}

static uint32_t branch_take(struct mr_book *book, uint64_t key, uint32_t shift)
{
    uint32_t branch = book_page_take(book, &book->branch_pool, book->config.levels_max);
    uint64_t base = key >> shift >> 6 << 6 << shift; /* in two steps: shift may be 60 */
    *book_page(book, branch) = (struct book_page){.base = base, .shift = shift};
    return branch;
}

static void child_put(struct mr_book *book, uint32_t branch, uint32_t child)
{
    struct book_page *parent = book_page(book, branch);
    struct book_page *header = book_page(book, child);
    uint32_t place = place_in(parent, header);
    header->parent = branch;
    parent->occupied |= UINT64_C(1) << place;
    book_children(book, branch)[place] = child;
}

/* Puts `page` where `old` stands below `parent` (0: at the root). */
static void replace(struct mr_book *book, struct book_side *side, uint32_t parent, uint32_t page)
{
    if (parent == 0) {
        book_page(book, page)->parent = 0;
        side->root = page;
    } else {
        child_put(book, parent, page);
    }
}

uint32_t mr_book_leaf_add(struct mr_book *book, struct book_side *side, uint64_t key)
{
    uint32_t leaf = leaf_take(book, key);
    if (side->root == 0) {
        side->root = leaf;
        return leaf;
    }
    uint32_t parent = 0, page = side->root;
    for (;;) {
        const struct book_page *header = book_page(book, page);
        uint64_t place = book_page_place(header, key);
        if (place >= BOOK_PAGE_LEVELS)
            break;
        ASSERT(!book_page_is_leaf(book, page)); /* or the key would have had its leaf */
        if ((header->occupied >> place & 1) == 0) {
            child_put(book, page, leaf);
            return leaf;
        }
        parent = page;
        page = book_children(book, page)[place];
    }
    /* The key leaves the tree between `parent` and `page`: a branch goes there, which is as low as
     * tells the two apart. */
    uint32_t shift = book_highest(key ^ book_page(book, page)->base) / 6 * 6;
    uint32_t branch = branch_take(book, key, shift);
    replace(book, side, parent, branch);
    child_put(book, branch, page);
    child_put(book, branch, leaf);
    return leaf;
}

void mr_book_leaf_remove(struct mr_book *book, struct book_side *side, uint32_t leaf)
{
    const struct book_page *header = book_page(book, leaf);
    uint32_t branch = header->parent;
    if (side->recent == leaf)
        side->recent = 0;
    if (branch == 0) {
        side->root = 0;
    } else {
        struct book_page *parent = book_page(book, branch);
        parent->occupied &= ~(UINT64_C(1) << place_in(parent, header));
        uint64_t rest = parent->occupied;
        if ((rest & (rest - 1)) == 0) { /* an only child takes its parent's place */
            replace(book, side, parent->parent, book_children(book, branch)[book_highest(rest)]);
            book_page_give(book, &book->branch_pool, branch);
        }
    }
    book_page_give(book, &book->leaf_pool, leaf);
}
