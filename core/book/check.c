/*
 * Every invariant of the state, by walking all of it. Loops are bounded by what the pools say was
 * ever taken, so that a damaged state is found wrong rather than walked for ever.
 */
#include "core/book/check.h"

#include "core/book/ids.h"
#include "core/book/instruments.h"
#include "core/book/layout.h"
#include "core/book/levels.h"
#include "core/book/match.h"

/* What a walk has met so far. */
struct tally {
    uint64_t trades;
    uint32_t orders, levels, leaves, branches;
};

struct place {
    const struct mr_book *book;
    const struct book_instrument *instrument;
    uint8_t side;
    struct tally *tally;
};

#define CHECK(condition)  \
    do {                  \
        if (!(condition)) \
            return false; \
    } while (0)

/* -- Orders. ----------------------------------------------------------------------------------- */

static bool order_ref_is_good(const struct mr_book *book, uint32_t ref)
{
    uint64_t first = book->layout.orders / BOOK_UNIT;
    uint64_t units = sizeof(struct book_order) / BOOK_UNIT;
    return ref >= first && (ref - first) % units == 0 &&
           (ref - first) / units < book->order_pool.high;
}

static const struct book_id *id_of(const struct mr_book *book, const struct book_order *order)
{
    uint32_t hash = book_id_hash(book, book_instrument(book, order->instrument), order->id);
    return book_id_find(book, hash, order->instrument, order->id);
}

static bool check_order(const struct place *at, uint32_t ref, uint64_t key)
{
    const struct book_instrument *instrument = at->instrument;
    const struct book_order *order = book_order(at->book, ref);
    int64_t price = book_price(order->side, order->key);
    CHECK(order->key == key);
    CHECK(order->side == at->side);
    CHECK(order->instrument == book_instrument_index(at->book, instrument));
    CHECK(price >= instrument->price_min && price <= instrument->price_max);
    CHECK(order->open > 0 && order->open <= instrument->quantity_max);
    CHECK(order->filled <= instrument->quantity_max - order->open);
    const struct book_id *slot = id_of(at->book, order);
    return slot->ref == ref && slot->hash == order->hash;
}

static bool check_level(const struct place *at, uint32_t level)
{
    const struct mr_book *book = at->book;
    uint64_t key = book_level_key(book, level);
    uint32_t before = level, ref = book_link(book, level)->next;
    CHECK(ref != level);
    while (ref != level) {
        CHECK(order_ref_is_good(book, ref));
        CHECK(at->tally->orders++ < book->live);
        CHECK(book_link(book, ref)->prev == before);
        CHECK(check_order(at, ref, key));
        before = ref;
        ref = book_link(book, ref)->next;
    }
    at->tally->levels++;
    return book_link(book, level)->prev == before;
}

/* -- Pages. ------------------------------------------------------------------------------------ */

static bool page_is_good(const struct mr_book *book, uint32_t page)
{
    if (book_page_is_leaf(book, page))
        return page >= 1 && page <= book->leaf_pool.high;
    return page - book->config.levels_max <= book->branch_pool.high;
}

static bool check_leaf(const struct place *at, uint32_t leaf)
{
    const struct book_page *header = book_page(at->book, leaf);
    CHECK(at->tally->leaves++ < at->book->leaf_pool.high);
    CHECK(header->shift == 0 && header->base % BOOK_PAGE_LEVELS == 0 && header->occupied != 0);
    for (uint64_t rest = header->occupied; rest != 0; rest &= rest - 1) {
        uint32_t place = (uint32_t)__builtin_ctzll(rest);
        CHECK(check_level(at, book_level_ref(at->book, leaf, place)));
    }
    return true;
}

/* Recursion goes down six key bits at least, so eleven calls at most. */
static bool check_page(const struct place *at, uint32_t page, uint32_t parent)
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
    CHECK(__builtin_popcountll(header->occupied) >= 2);
    for (uint64_t rest = header->occupied; rest != 0; rest &= rest - 1) {
        uint32_t place = (uint32_t)__builtin_ctzll(rest);
        uint32_t child = book_children(book, page)[place];
        CHECK(page_is_good(book, child));
        CHECK(book_page(book, child)->shift < header->shift);
        CHECK(book_page_place(header, book_page(book, child)->base) == place);
        CHECK(check_page(at, child, page));
    }
    return true;
}

static bool check_side(const struct place *at)
{
    const struct mr_book *book = at->book;
    const struct book_side *side = &at->instrument->sides[at->side];
    struct tally before = *at->tally;
    if (side->root == 0)
        return side->best == 0 && side->best_key == 0 && side->recent == 0 && side->levels == 0 &&
               side->orders == 0;
    CHECK(check_page(at, side->root, 0));
    CHECK(side->levels == at->tally->levels - before.levels);
    CHECK(side->orders == at->tally->orders - before.orders);
    CHECK(side->best == mr_book_level_highest(book, side->root));
    CHECK(side->best_key == book_level_key(book, side->best));
    if (side->recent == 0)
        return true;
    CHECK(page_is_good(book, side->recent));
    return book_leaf_find(book, side, book_page(book, side->recent)->base) == side->recent;
}

/* -- Pools and tables. ------------------------------------------------------------------------- */

static bool check_pages_free(const struct mr_book *book, const struct book_pool *pool,
                             uint32_t used)
{
    uint32_t count = 0;
    for (uint32_t page = pool->free; page != 0; page = book_page(book, page)->parent) {
        CHECK(page_is_good(book, page));
        CHECK(count++ < pool->high);
    }
    return count + used == pool->high;
}

static bool check_orders_free(const struct mr_book *book)
{
    uint32_t count = 0;
    for (uint32_t ref = book->order_pool.free; ref != 0; ref = book_link(book, ref)->next) {
        CHECK(order_ref_is_good(book, ref));
        CHECK(count++ < book->order_pool.high);
        CHECK(book_order(book, ref)->instrument < book->instrument_count);
        CHECK(id_of(book, book_order(book, ref))->ref != ref);
    }
    return count + book->live == book->order_pool.high;
}

/* Counts the entries of a table, which must leave a slot empty for a probe to end at. */
static bool check_id_table(const struct mr_book *book, uint32_t bits, uint64_t *entries)
{
    const struct book_id *table = book_id_table(book, bits);
    uint64_t count = 0, slots = UINT64_C(1) << bits;
    for (uint64_t i = 0; i < slots; i++) {
        CHECK(table[i].ref == 0 || order_ref_is_good(book, table[i].ref));
        CHECK(table[i].ref != 0 || table[i].hash == 0);
        count += table[i].ref != 0;
    }
    *entries += count;
    return count < slots;
}

/* With as many entries as live orders, and each of those found through the ids, all are right. */
static bool check_ids(const struct mr_book *book)
{
    const struct book_ids *ids = &book->ids;
    uint64_t entries = 0;
    CHECK(ids->bits >= BOOK_ID_BITS_MIN && ids->bits <= book->layout.id_bits_max);
    CHECK(check_id_table(book, ids->bits, &entries));
    if (ids->old_bits != 0) {
        CHECK(ids->old_bits + 1 == ids->bits || ids->old_bits == ids->bits + 1);
        CHECK(ids->old_bits >= BOOK_ID_BITS_MIN && ids->old_bits <= book->layout.id_bits_max);
        CHECK(ids->old_start < UINT32_C(1) << ids->old_bits);
        CHECK(ids->old_moved >= 1 && ids->old_moved < UINT32_C(1) << ids->old_bits);
        CHECK(check_id_table(book, ids->old_bits, &entries));
    }
    return entries == book->live;
}

static bool check_instrument_slots(const struct mr_book *book)
{
    const uint32_t *slots = book_at(book, book->layout.instrument_slots);
    uint32_t count = 0;
    for (uint64_t i = 0; i < UINT64_C(1) << book->layout.instrument_bits; i++) {
        CHECK(slots[i] <= book->instrument_count);
        count += slots[i] != 0;
    }
    CHECK(count == book->instrument_count);
    uint32_t recent = book->recent_instrument;
    CHECK(recent <= count);
    return recent == 0 || book_instrument(book, recent - 1)->id == book->recent_id;
}

static bool check_header(const struct mr_book *book, const struct mr_book_config *config)
{
    struct book_layout layout = mr_book_layout(config);
    CHECK(__builtin_memcmp(&book->config, config, sizeof(*config)) == 0);
    CHECK(__builtin_memcmp(&book->layout, &layout, sizeof(layout)) == 0);
    CHECK(book->levels_first == layout.levels / BOOK_UNIT);
    CHECK(book->instrument_count <= config->instruments_max);
    CHECK(book->order_pool.high <= config->orders_max + 1);
    CHECK(book->leaf_pool.high <= config->levels_max);
    return book->branch_pool.high <= config->levels_max;
}

/* -- All of it. -------------------------------------------------------------------------------- */

static bool check_instrument(const struct mr_book *book, uint32_t index, struct tally *tally)
{
    const struct book_instrument *instrument = book_instrument(book, index);
    CHECK(mr_book_instrument_find(book, instrument->id) == instrument);
    for (uint8_t side = 0; side < 2; side++) {
        struct place at = {book, instrument, side, tally};
        CHECK(check_side(&at));
    }
    tally->trades += instrument->trades;
    const struct book_side *buy = &instrument->sides[MR_BOOK_SIDE_BUY];
    const struct book_side *sell = &instrument->sides[MR_BOOK_SIDE_SELL];
    return buy->best == 0 || !book_crosses(sell, ~buy->best_key);
}

bool mr_book_check(const void *state, const void *config)
{
    const struct mr_book *book = state;
    CHECK(check_header(book, config));
    CHECK(check_ids(book));
    CHECK(check_instrument_slots(book));
    struct tally tally = {0};
    for (uint32_t i = 0; i < book->instrument_count; i++)
        CHECK(check_instrument(book, i, &tally));
    CHECK(tally.trades == book->trades);
    CHECK(tally.orders == book->live && tally.orders <= book->config.orders_max);
    CHECK(tally.levels == book->levels && tally.levels <= book->config.levels_max);
    CHECK(check_pages_free(book, &book->leaf_pool, tally.leaves));
    CHECK(check_pages_free(book, &book->branch_pool, tally.branches));
    return check_orders_free(book);
}
