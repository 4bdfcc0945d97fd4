/*
 * Sides: their trees of pages, the levels in them, and the orders at those.
 */
#include "core/book/check_parts.h"
#include "core/book/controls.h"

struct place {
    const struct mr_book *book;
    const struct book_instrument *instrument;
    uint8_t side;
    uint32_t best_leaf; /* that has been met */
    struct book_tally *tally;
};

/* -- Orders. ----------------------------------------------------------------------------------- */

static bool check_terms(const struct mr_book *book, const struct book_instrument *instrument,
                        const struct book_order *order)
{
    int64_t price = book_price(order->side, order->key);
    uint64_t lot = instrument->lot > 1 ? instrument->lot : 1;
    CHECK(price >= instrument->price_min && price <= instrument->price_max);
    CHECK(mr_book_price_on_tick(book, instrument, price));
    CHECK(order->open > 0 && order->open <= instrument->quantity_max);
    CHECK(order->filled <= instrument->quantity_max - order->open);
    CHECK(order->open % lot == 0 && order->filled % lot == 0);
    CHECK(order->tif <= MR_BOOK_TIF_GTD && book_may_rest(order->tif));
    CHECK(book_order_post(order) <= MR_BOOK_POST_REPRICE);
    CHECK(book_order_stp(order) != MR_BOOK_STP_ACCOUNT);
    return book_order_stp(order) <= MR_BOOK_STP_DECREMENT;
}

/* Which groups an order is in follows from what it is, but for its session. */
static bool check_memberships(const struct mr_book *book, const struct book_order *order,
                              struct book_tally *tally)
{
    bool expires = order->tif == MR_BOOK_TIF_DAY || order->tif == MR_BOOK_TIF_GTD;
    uint32_t groups = order->groups;
    CHECK(groups >> BOOK_GROUP_KINDS == 0);
    CHECK((groups >> BOOK_GROUP_ACCOUNT & 1) == (order->account != 0));
    CHECK((groups >> BOOK_GROUP_EXPIRY & 1) == expires);
    if (groups == 0)
        return true;
    uint32_t units = sizeof(struct book_order) / BOOK_UNIT;
    uint32_t places = (book_order_ref(book, order) - book->orders_first) / units + 1;
    if (places > tally->memberships_high)
        tally->memberships_high = places;
    tally->memberships += (uint32_t)__builtin_popcount(groups);
    return true;
}

static bool check_order(const struct place *at, uint32_t ref, uint32_t leaf, uint64_t key)
{
    const struct mr_book *book = at->book;
    const struct book_order *order = book_order(book, ref);
    CHECK(order->key == key);
    CHECK(order->leaf == leaf);
    CHECK(order->side == at->side);
    CHECK(order->instrument == book_instrument_index(book, at->instrument));
    CHECK(check_terms(book, at->instrument, order));
    CHECK(check_memberships(book, order, at->tally));
    const struct book_id *slot = mr_book_check_id(book, order);
    return slot->ref == ref && slot->hash == order->hash;
}

static bool check_level(const struct place *at, uint32_t leaf, uint32_t place)
{
    const struct mr_book *book = at->book;
    uint32_t level = book_level_ref(leaf, place);
    uint64_t key = book_level_key(book, level), quantity = 0;
    uint32_t before = level, ref = book_link(book, level)->next;
    uint32_t orders = at->tally->orders;
    CHECK(ref != level);
    while (ref != level) {
        CHECK(mr_book_check_order_ref(book, ref));
        CHECK(at->tally->orders++ < book->live);
        CHECK(book_link(book, ref)->prev == before);
        CHECK(check_order(at, ref, leaf, key));
        CHECK(!__builtin_add_overflow(quantity, book_order(book, ref)->open, &quantity));
        before = ref;
        ref = book_link(book, ref)->next;
    }
    at->tally->levels++;
    CHECK(book_level(book, level)->quantity == quantity);
    CHECK(book_level(book, level)->orders == at->tally->orders - orders);
    return book_link(book, level)->prev == before;
}

/* -- Pages. ------------------------------------------------------------------------------------ */

static bool page_is_good(const struct mr_book *book, uint32_t page)
{
    uint32_t branches_first = (uint32_t)(book->layout.branches / BOOK_UNIT);
    if (book_page_is_leaf(book, page))
        return (page - book->leaves_first) % BOOK_LEAF_UNITS == 0 &&
               (page - book->leaves_first) / BOOK_LEAF_UNITS < book->leaf_pool.high;
    return page >= branches_first && (page - branches_first) % BOOK_BRANCH_UNITS == 0 &&
           (page - branches_first) / BOOK_BRANCH_UNITS < book->branch_pool.high;
}

static bool check_leaf(struct place *at, uint32_t number)
{
    const struct mr_book *book = at->book;
    const struct book_page *page = &book_leaf(book, number)->page;
    CHECK(at->tally->leaves++ < book->leaf_pool.high);
    const struct book_leaf *leaf = book_leaf(book, number);
    CHECK(page->shift == 0 && page->base % BOOK_PAGE_LEVELS == 0);
    CHECK(page->occupied != 0 || leaf->queued);
    CHECK(leaf->side == at->side);
    CHECK(leaf->instrument == book_instrument_index(book, at->instrument));
    for (uint64_t rest = page->occupied; rest != 0; rest &= rest - 1)
        CHECK(check_level(at, number, (uint32_t)__builtin_ctzll(rest)));
    bool idle = page->occupied == 0;
    if (!idle && (at->best_leaf == 0 || page->base > book_leaf(book, at->best_leaf)->page.base))
        at->best_leaf = number;
    return true;
}

/* Recursion goes down six key bits at least, so eleven calls at most. */
static bool check_page(struct place *at, uint32_t page, uint32_t parent)
{
    const struct mr_book *book = at->book;
    CHECK(page_is_good(book, page));
    const struct book_page *header = book_page(book, page);
    CHECK(header->parent == parent);
    if (book_page_is_leaf(book, page))
        return check_leaf(at, page);

    CHECK(at->tally->branches++ < book->branch_pool.high);
    CHECK(header->shift > 0 && header->shift <= 60 && header->shift % 6 == 0);
    CHECK((header->base >> header->shift >> 6 << 6 << header->shift) == header->base);
    uint64_t present = book_branch(book, page)->present;
    CHECK(__builtin_popcountll(present) >= 2);
    CHECK((header->occupied & ~present) == 0);
    for (uint64_t rest = present; rest != 0; rest &= rest - 1) {
        uint32_t place = (uint32_t)__builtin_ctzll(rest);
        uint32_t child = book_branch(book, page)->children[place];
        CHECK(page_is_good(book, child));
        CHECK((book_page(book, child)->occupied != 0) == (header->occupied >> place & 1));
        CHECK(book_page(book, child)->shift < header->shift);
        CHECK(book_page_place(header, book_page(book, child)->base) == place);
        CHECK(check_page(at, child, page));
    }
    return true;
}

/* Leaves that are found without looking for them are in the tree, and where they are looked for. */
static bool check_near(const struct mr_book *book, const struct book_side *side)
{
    for (uint32_t i = 0; i < BOOK_NEAR_LEAVES; i++) {
        uint32_t leaf = side->near[i];
        if (leaf == 0)
            continue;
        CHECK(book_page_is_leaf(book, leaf) && page_is_good(book, leaf));
        uint64_t base = book_leaf(book, leaf)->page.base;
        CHECK(base / BOOK_PAGE_LEVELS % BOOK_NEAR_LEAVES == i);
        CHECK(mr_book_leaf_in_tree(book, side, base) == leaf);
    }
    return true;
}

static bool check_side(struct place *at)
{
    const struct mr_book *book = at->book;
    const struct book_side *side = &at->instrument->sides[at->side];
    struct book_tally before = *at->tally;
    if (side->root != 0)
        CHECK(check_page(at, side->root, 0));
    CHECK(side->best_leaf == at->best_leaf);
    CHECK(side->best_key ==
          (at->best_leaf == 0 ? 0 : book_leaf_best_key(book_leaf(book, at->best_leaf))));
    CHECK(side->levels == at->tally->levels - before.levels);
    CHECK(side->orders == at->tally->orders - before.orders);
    for (uint32_t i = 0; i < sizeof(side->reserved) / sizeof(side->reserved[0]); i++)
        CHECK(side->reserved[i] == 0);
    return check_near(book, side);
}

bool mr_book_check_sides(const struct mr_book *book, const struct book_instrument *instrument,
                         struct book_tally *tally)
{
    for (uint8_t side = 0; side < 2; side++) {
        struct place at = {.book = book, .instrument = instrument, .side = side, .tally = tally};
        CHECK(check_side(&at));
    }
    const struct book_side *buy = &instrument->sides[MR_BOOK_SIDE_BUY];
    const struct book_side *sell = &instrument->sides[MR_BOOK_SIDE_SELL];
    return buy->best_leaf == 0 || !book_crosses(sell, ~buy->best_key);
}

/* -- What is free. ----------------------------------------------------------------------------- */

static bool check_free(const struct mr_book *book, const struct book_pool *pool, uint32_t used)
{
    uint32_t count = 0;
    for (uint32_t page = pool->free; page != 0; page = book_page(book, page)->parent) {
        CHECK(page_is_good(book, page));
        CHECK(count++ < pool->high);
    }
    return count + used == pool->high;
}

static bool check_absent(const struct mr_book *book, uint32_t number)
{
    const struct book_leaf *leaf = book_leaf(book, number);
    for (uint32_t place = 0; place < BOOK_PAGE_LEVELS; place++) {
        if ((leaf->page.occupied >> place & 1) != 0)
            continue;
        uint32_t ref = book_level_ref(number, place);
        const struct book_level *level = &leaf->levels[place];
        CHECK(level->link.next == ref && level->link.prev == ref && level->quantity == 0 &&
              level->orders == 0);
    }
    return true;
}

/* The leaves in the queue are leaves of the trees, each once. */
static bool check_idle(const struct mr_book *book)
{
    uint32_t count = 0, last = 0, queued = 0;
    for (uint32_t leaf = book->idle_first; leaf != 0; leaf = book_leaf(book, leaf)->idle_next) {
        CHECK(book_page_is_leaf(book, leaf) && page_is_good(book, leaf));
        CHECK(count++ < book->idle_count);
        CHECK(book_leaf(book, leaf)->queued);
        last = leaf;
    }
    for (uint32_t i = 0; i < book->leaf_pool.high; i++)
        queued += book_leaf(book, book->leaves_first + i * BOOK_LEAF_UNITS)->queued;
    CHECK(count == book->idle_count && count <= BOOK_IDLE_LEAVES);
    return last == book->idle_last && queued == count;
}

bool mr_book_check_pages(const struct mr_book *book, const struct book_tally *tally)
{
    CHECK(check_free(book, &book->leaf_pool, tally->leaves));
    CHECK(check_free(book, &book->branch_pool, tally->branches));
    for (uint32_t page = book->leaf_pool.free; page != 0; page = book_page(book, page)->parent)
        CHECK(book_page_is_leaf(book, page) && book_page(book, page)->occupied == 0);
    for (uint32_t i = 0; i < book->leaf_pool.high; i++)
        CHECK(check_absent(book, book->leaves_first + i * BOOK_LEAF_UNITS));
    return check_idle(book);
}
