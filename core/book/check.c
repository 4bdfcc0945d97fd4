/*
 * Every invariant of the state, by walking all of it.
 */
#include "core/book/check.h"

#include "core/book/check_parts.h"
#include "core/book/instruments.h"
#include "core/book/layout.h"

/* -- Orders and their ids. --------------------------------------------------------------------- */

bool mr_book_check_order_ref(const struct mr_book *book, uint32_t ref)
{
    uint32_t units = sizeof(struct book_order) / BOOK_UNIT;
    return ref >= book->orders_first && (ref - book->orders_first) % units == 0 &&
           (ref - book->orders_first) / units < book->order_pool.high;
}

const struct book_id *mr_book_check_id(const struct mr_book *book, const struct book_order *order)
{
    const struct book_instrument *instrument = book_instrument(book, order->instrument);
    return book_id_look(book, instrument, order->id);
}

static bool check_orders_free(const struct mr_book *book)
{
    uint32_t count = 0;
    for (uint32_t ref = book->order_pool.free; ref != 0; ref = book_link(book, ref)->next) {
        CHECK(mr_book_check_order_ref(book, ref));
        CHECK(count++ < book->order_pool.high);
        const struct book_order *order = book_order(book, ref);
        CHECK(order->instrument < book->instrument_count && order->groups == 0);
        CHECK(mr_book_check_id(book, order)->ref != ref);
    }
    return count + book->live == book->order_pool.high;
}

/* Counts the entries of a table, which must leave a slot empty for a probe to end at. */
static bool check_id_table(const struct mr_book *book, uint32_t bits, uint64_t *entries)
{
    const struct book_id *slots = book_id_table(book, bits).slots;
    uint64_t count = 0, size = UINT64_C(1) << bits;
    for (uint64_t i = 0; i < size; i++) {
        CHECK(slots[i].ref == 0 || mr_book_check_order_ref(book, slots[i].ref));
        CHECK(slots[i].ref != 0 || slots[i].hash == 0);
        count += slots[i].ref != 0;
    }
    *entries += count;
    return count < size;
}

static bool bits_are_good(const struct mr_book *book, uint32_t bits)
{
    return bits >= BOOK_ID_BITS_MIN && bits <= book->layout.id_bits_max;
}

/* How many live orders the table in use is for; while another one is replaced, for none: every
 * insert and removal then has something to do. */
static bool check_id_load(const struct mr_book *book)
{
    const struct book_ids *ids = &book->ids;
    uint32_t load = ids->bits <= BOOK_ID_BITS_NEAR ? BOOK_ID_LOAD_NEAR : BOOK_ID_LOAD_FAR;
    uint32_t most = (ids->mask + 1) / load;
    uint32_t least = ids->bits == BOOK_ID_BITS_MIN ? 0 : (ids->mask + 1) / 32;
    if (ids->old_bits != 0)
        return ids->live_min == UINT32_MAX && ids->live_span == 0;
    if (ids->bits == book->layout.id_bits_max)
        most = UINT32_MAX;
    return ids->live_min == least && ids->live_span == most - least;
}

/* With as many entries as live orders, and each of those found through the ids, all are right. */
static bool check_ids(const struct mr_book *book)
{
    const struct book_ids *ids = &book->ids;
    uint64_t entries = 0;
    CHECK(bits_are_good(book, ids->bits));
    struct book_id_table table = book_id_table(book, ids->bits);
    CHECK(ids->mask == table.mask && ids->shift == table.shift);
    CHECK(ids->at == book_id_offset(book, ids->bits));
    CHECK(check_id_table(book, ids->bits, &entries));
    CHECK(check_id_load(book));
    if (ids->old_bits != 0) {
        CHECK(ids->old_bits + 1 == ids->bits || ids->old_bits == ids->bits + 1);
        CHECK(bits_are_good(book, ids->old_bits));
        CHECK(ids->old_start < UINT32_C(1) << ids->old_bits);
        CHECK(ids->old_moved >= 1 && ids->old_moved < UINT32_C(1) << ids->old_bits);
        CHECK(check_id_table(book, ids->old_bits, &entries));
    }
    return entries == book->live;
}

/* -- The header. ------------------------------------------------------------------------------- */

static bool check_instrument_slots(const struct mr_book *book)
{
    const uint32_t *slots = book_at(book, book->layout.instrument_slots);
    uint32_t count = 0;
    for (uint64_t i = 0; i < UINT64_C(1) << book->layout.instrument_bits; i++) {
        CHECK(slots[i] <= book->instrument_count);
        count += slots[i] != 0;
    }
    CHECK(count == book->instrument_count);
    if (book->recent_id == UINT64_MAX)
        return book->recent_instrument == 0 && book->recent_ref == 0;
    const struct book_instrument *recent = book_instrument(book, book->recent_instrument);
    CHECK(book->recent_instrument < count && recent->id == book->recent_id);
    return book_at(book, (uint64_t)book->recent_ref * BOOK_UNIT) == recent;
}

static bool check_header(const struct mr_book *book, const struct mr_book_config *config)
{
    struct book_layout layout = mr_book_layout(config);
    CHECK(__builtin_memcmp(&book->config, config, sizeof(*config)) == 0);
    CHECK(__builtin_memcmp(&book->layout, &layout, sizeof(layout)) == 0);
    CHECK(book->hash_key == (mr_mix64(config->hash_seed) | 1));
    CHECK(book->leaves_first == layout.leaves / BOOK_UNIT);
    CHECK(book->orders_first == layout.orders / BOOK_UNIT);
    CHECK(book->instrument_count <= config->instruments_max);
    CHECK(book->order_pool.high <= config->orders_max);
    CHECK(book->leaf_pool.high <= config->levels_max);
    return book->branch_pool.high <= config->levels_max;
}

/* Between commands, no sweep is under way. */
static bool check_sweep(const struct book_sweep *sweep)
{
    return sweep->orders == 0 && sweep->order == 0 && sweep->instrument == 0;
}

/* -- All of it. -------------------------------------------------------------------------------- */

bool mr_book_check(const void *state, const void *config)
{
    const struct mr_book *book = state;
    CHECK(check_header(book, config));
    CHECK(check_sweep(&book->sweep));
    CHECK(check_ids(book));
    CHECK(check_instrument_slots(book));
    struct book_tally tally = {0};
    CHECK(mr_book_check_tables(book, &tally));
    for (uint32_t i = 0; i < book->instrument_count; i++)
        CHECK(mr_book_check_instrument(book, book_instrument(book, i), &tally));
    CHECK(tally.trades == book->trades);
    CHECK(tally.orders == book->live && tally.orders <= book->config.orders_max);
    CHECK(tally.levels == book->levels && tally.levels <= book->config.levels_max);
    CHECK(mr_book_check_pages(book, &tally));
    CHECK(tally.tables == 0);
    CHECK(mr_book_check_groups(book, &tally));
    return check_orders_free(book);
}
