#include "core/book/levels.h"

#include "core/book/pool.h"

/* -- Walking. ---------------------------------------------------------------------------------- */

/* The best leaf of a page and what is below it. */
static uint32_t leaf_highest(const struct mr_book *book, uint32_t page)
{
    while (!book_page_is_leaf(book, page)) {
        const struct book_branch *branch = book_branch(book, page);
        page = branch->children[book_highest(branch->page.occupied)];
    }
    return page;
}

uint32_t mr_book_leaf_in_tree(const struct mr_book *book, const struct book_side *side,
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
        const struct book_branch *branch = book_branch(book, page);
        if ((branch->present >> place & 1) == 0)
            return 0;
        page = branch->children[place];
    }
    return 0;
}

uint32_t mr_book_level_find(const struct mr_book *book, const struct book_side *side, uint64_t key)
{
    uint32_t leaf = side->near[key / BOOK_PAGE_LEVELS % BOOK_NEAR_LEAVES];
    if (book_leaf(book, leaf)->page.base != key - key % BOOK_PAGE_LEVELS)
        leaf = mr_book_leaf_in_tree(book, side, key);
    uint32_t place = key % BOOK_PAGE_LEVELS;
    bool there = leaf != 0 && (book_leaf(book, leaf)->page.occupied >> place & 1) != 0;
    return there ? book_level_ref(leaf, place) : 0;
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
            if (book_page_is_leaf(book, page))
                return book_level_ref(page, found);
            uint32_t leaf = leaf_highest(book, book_branch(book, page)->children[found]);
            return book_level_ref(leaf, book_highest(book_page(book, leaf)->occupied));
        }
        if (header->parent == 0)
            return 0;
        const struct book_page *child = header;
        page = header->parent;
        header = book_page(book, page);
        place = place_in(header, child);
    }
}

/* -- The tree. --------------------------------------------------------------------------------- */

static void child_put(struct mr_book *book, uint32_t branch, uint32_t child)
{
    struct book_branch *parent = book_branch(book, branch);
    struct book_page *header = book_page(book, child);
    uint32_t place = place_in(&parent->page, header);
    header->parent = branch;
    parent->present |= UINT64_C(1) << place;
    parent->page.occupied |= (uint64_t)(header->occupied != 0) << place;
    parent->children[place] = child;
}

/* Puts `page` where another page with the same orders stands below `parent` (0: at the root). */
static void replace(struct mr_book *book, struct book_side *side, uint32_t parent, uint32_t page)
{
    if (parent == 0) {
        book_page(book, page)->parent = 0;
        side->root = page;
    } else {
        child_put(book, parent, page);
    }
}

/* Gives a leaf without orders back. */
static void leaf_remove(struct mr_book *book, uint32_t ref)
{
    const struct book_leaf *leaf = book_leaf(book, ref);
    struct book_side *side = &book_instrument(book, leaf->instrument)->sides[leaf->side];
    uint32_t parent = leaf->page.parent;
    uint32_t *near = book_leaf_near(side, leaf->page.base);
    if (*near == ref)
        *near = 0;
    if (parent == 0) {
        side->root = 0;
    } else {
        struct book_branch *branch = book_branch(book, parent);
        branch->present &= ~(UINT64_C(1) << place_in(&branch->page, &leaf->page));
        uint64_t rest = branch->present;
        if ((rest & (rest - 1)) == 0) { /* an only child takes its parent's place */
            replace(book, side, branch->page.parent, branch->children[book_highest(rest)]);
            book_page_give(book, &book->branch_pool, parent);
        }
    }
    book_page_give(book, &book->leaf_pool, ref);
}

/* -- Pages with and without orders. ------------------------------------------------------------ */

void mr_book_leaf_wake(struct mr_book *book, struct book_side *side, uint32_t leaf)
{
    const struct book_page *page = book_page(book, leaf);
    if (side->best_leaf == 0 || page->base > book_page(book, side->best_leaf)->base)
        side->best_leaf = leaf;
    while (page->parent != 0) {
        struct book_page *parent = book_page(book, page->parent);
        uint64_t bit = UINT64_C(1) << place_in(parent, page);
        if ((parent->occupied & bit) != 0)
            break;
        parent->occupied |= bit;
        page = parent;
    }
}

static void queue_put(struct mr_book *book, uint32_t ref)
{
    struct book_leaf *leaf = book_leaf(book, ref);
    leaf->queued = 1;
    leaf->idle_next = 0;
    if (book->idle_count++ == 0)
        book->idle_first = ref;
    else
        book_leaf(book, book->idle_last)->idle_next = ref;
    book->idle_last = ref;
}

/* Takes the first leaf out of the queue and gives it back, unless orders have come to it since. */
static void queue_take(struct mr_book *book)
{
    uint32_t ref = book->idle_first;
    struct book_leaf *leaf = book_leaf(book, ref);
    book->idle_first = leaf->idle_next;
    if (--book->idle_count == 0)
        book->idle_last = 0;
    leaf->queued = 0;
    leaf->idle_next = 0;
    if (leaf->page.occupied == 0)
        leaf_remove(book, ref);
}

void mr_book_leaf_idle(struct mr_book *book, struct book_side *side, uint32_t leaf)
{
    const struct book_page *page = book_page(book, leaf);
    while (page->parent != 0 && page->occupied == 0) {
        struct book_page *parent = book_page(book, page->parent);
        parent->occupied &= ~(UINT64_C(1) << place_in(parent, page));
        page = parent;
    }
    if (side->best_leaf == leaf) {
        bool empty = book_page(book, side->root)->occupied == 0;
        side->best_leaf = empty ? 0 : leaf_highest(book, side->root);
        side->best_key = empty ? 0 : book_leaf_best_key(book_leaf(book, side->best_leaf));
    }
    if (!book_leaf(book, leaf)->queued)
        queue_put(book, leaf);
    if (book->idle_count > BOOK_IDLE_LEAVES)
        queue_take(book);
}

/* -- Growing. ---------------------------------------------------------------------------------- */

/* A leaf that was never used before gets its empty levels; those of a freed one are empty. Where
 * every leaf is in use some are idle, as there are never more levels than leaves. */
static uint32_t leaf_take(struct mr_book *book, const struct book_order *order)
{
    while (book->leaf_pool.free == 0 && book->leaf_pool.high == book->config.levels_max)
        queue_take(book);
    bool fresh = book->leaf_pool.free == 0;
    uint32_t taken = book_page_take(book, &book->leaf_pool, book->leaves_first, BOOK_LEAF_UNITS);
    struct book_leaf *leaf = book_leaf(book, taken);
    leaf->page = (struct book_page){.base = order->key - order->key % BOOK_PAGE_LEVELS};
    leaf->instrument = order->instrument;
    leaf->side = order->side;
    for (uint32_t place = 0; fresh && place < BOOK_PAGE_LEVELS; place++) {
        uint32_t ref = book_level_ref(taken, place);
        leaf->levels[place] = (struct book_level){.link = {.next = ref, .prev = ref}};
    }
    return taken;
}

static uint32_t branch_take(struct mr_book *book, uint64_t key, uint32_t shift)
{
    uint32_t first = (uint32_t)(book->layout.branches / BOOK_UNIT);
    uint32_t taken = book_page_take(book, &book->branch_pool, first, BOOK_BRANCH_UNITS);
    struct book_branch *branch = book_branch(book, taken);
    uint64_t base = key >> shift >> 6 << 6 << shift; /* in two steps: shift may be 60 */
    branch->page = (struct book_page){.base = base, .shift = shift};
    branch->present = 0;
    return taken;
}

/* Hangs a leaf into the tree, which has none for its keys. */
static void leaf_hang(struct mr_book *book, struct book_side *side, uint32_t leaf, uint64_t key)
{
    if (side->root == 0) {
        side->root = leaf;
        return;
    }
    uint32_t parent = 0, page = side->root;
    for (;;) {
        const struct book_branch *branch = book_branch(book, page);
        uint64_t place = book_page_place(&branch->page, key);
        if (place >= BOOK_PAGE_LEVELS)
            break;
        ASSERT(!book_page_is_leaf(book, page)); /* or the key would have had its leaf */
        if ((branch->present >> place & 1) == 0) {
            child_put(book, page, leaf);
            return;
        }
        parent = page;
        page = branch->children[place];
    }
    /* The key leaves the tree between `parent` and `page`: a branch goes there, which is as low as
     * tells the two apart. */
    uint32_t shift = book_highest(key ^ book_page(book, page)->base) / 6 * 6;
    uint32_t branch = branch_take(book, key, shift);
    replace(book, side, parent, branch);
    child_put(book, branch, page);
    child_put(book, branch, leaf);
}

uint32_t mr_book_leaf_bring(struct mr_book *book, struct book_side *side,
                            const struct book_order *order)
{
    uint32_t leaf = mr_book_leaf_in_tree(book, side, order->key);
    if (leaf == 0) {
        leaf = leaf_take(book, order);
        leaf_hang(book, side, leaf, order->key);
    }
    *book_leaf_near(side, order->key) = leaf;
    return leaf;
}
