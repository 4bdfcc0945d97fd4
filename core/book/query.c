/*
 * Looking at the book: see <millrace/book.h>.
 */
#include "core/book/instruments.h"
#include "core/book/orders.h"

/* -- The whole, and instruments. --------------------------------------------------------------- */

struct mr_book_totals mr_book_totals_get(const struct mr_book *book)
{
    return (struct mr_book_totals){
        .trades = book->trades,
        .instruments = book->instrument_count,
        .orders = book->live,
        .levels = book->levels,
        .groups = book->groups,
    };
}

static struct mr_book_instrument_define definition_of(const struct book_instrument *instrument)
{
    struct mr_book_instrument_define definition = {
        .price_min = instrument->price_min,
        .price_max = instrument->price_max,
        .quantity_max = instrument->quantity_max,
        .lot = instrument->lot,
        .instrument = instrument->id,
        .tick = instrument->tick,
        .tick_table = instrument->tick_table,
        .price_decimals = instrument->price_decimals,
        .quantity_decimals = instrument->quantity_decimals,
        .phase = instrument->phase,
    };
    __builtin_memcpy(definition.symbol, instrument->symbol, sizeof(instrument->symbol));
    return definition;
}

bool mr_book_instrument_at(const struct mr_book *book, uint32_t index,
                           struct mr_book_instrument *out)
{
    if (index >= book->instrument_count)
        return false;
    const struct book_instrument *instrument = book_instrument(book, index);
    const struct book_side *sides = instrument->sides;
    *out = (struct mr_book_instrument){
        .definition = definition_of(instrument),
        .update = {.reference = instrument->reference,
                   .collar = instrument->collar,
                   .instrument = instrument->id,
                   .day_end = instrument->day_end,
                   .top = (instrument->special & BOOK_HAS_TOP) != 0},
        .last_price = instrument->last_price,
        .trades = instrument->trades,
        .orders = {sides[MR_BOOK_SIDE_BUY].orders, sides[MR_BOOK_SIDE_SELL].orders},
        .levels = {sides[MR_BOOK_SIDE_BUY].levels, sides[MR_BOOK_SIDE_SELL].levels},
    };
    return true;
}

bool mr_book_instrument_get(const struct mr_book *book, uint32_t id, struct mr_book_instrument *out)
{
    const struct book_instrument *instrument = mr_book_instrument_find(book, id);
    return instrument != NULL &&
           mr_book_instrument_at(book, book_instrument_index(book, instrument), out);
}

/* NULL: there is no such instrument. */
static const struct book_side *side_of(const struct mr_book *book, uint32_t id,
                                       enum mr_book_side side)
{
    const struct book_instrument *instrument = mr_book_instrument_find(book, id);
    ASSERT(side == MR_BOOK_SIDE_BUY || side == MR_BOOK_SIDE_SELL);
    return instrument == NULL ? NULL : &instrument->sides[side];
}

/* -- Levels. ----------------------------------------------------------------------------------- */

bool mr_book_best(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                  int64_t *price)
{
    const struct book_side *levels = side_of(book, instrument, side);
    if (levels == NULL || levels->best_leaf == 0)
        return false;
    *price = book_price((uint8_t)side, levels->best_key);
    return true;
}

/* The level at that price, 0: there is none. */
static uint32_t level_at(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                         int64_t price)
{
    const struct book_side *levels = side_of(book, instrument, side);
    return levels == NULL ? 0 : mr_book_level_find(book, levels, book_key((uint8_t)side, price));
}

static struct mr_book_level level_shown(const struct mr_book *book, uint32_t level,
                                        enum mr_book_side side)
{
    return (struct mr_book_level){
        .price = book_price((uint8_t)side, book_level_key(book, level)),
        .quantity = book_level(book, level)->quantity,
        .orders = book_level(book, level)->orders,
    };
}

bool mr_book_level_get(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                       int64_t price, struct mr_book_level *out)
{
    uint32_t level = level_at(book, instrument, side, price);
    if (level == 0)
        return false;
    *out = level_shown(book, level, side);
    return true;
}

uint32_t mr_book_depth(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                       struct mr_book_level *levels, uint32_t limit)
{
    const struct book_side *from = side_of(book, instrument, side);
    uint32_t level = from == NULL ? 0 : book_best_level(from);
    uint32_t count = 0;
    while (level != 0 && count < limit) {
        levels[count++] = level_shown(book, level, side);
        level = mr_book_level_next(book, level);
    }
    return count;
}

/* -- Orders. ----------------------------------------------------------------------------------- */

/* The key of the group of that kind that the order is in, 0: of none. */
static uint64_t group_key(const struct mr_book *book, const struct book_order *order,
                          enum book_group_kind kind)
{
    if ((order->groups >> kind & 1) == 0)
        return 0;
    return book_group(book, book_memberships(book, order)->of[kind].group)->key;
}

static struct mr_book_order order_shown(const struct mr_book *book, const struct book_order *order)
{
    return (struct mr_book_order){
        .order = order->id,
        .account = order->account,
        .price = book_price(order->side, order->key),
        .open = order->open,
        .filled = order->filled,
        .expires_ns = group_key(book, order, BOOK_GROUP_EXPIRY),
        .session = group_key(book, order, BOOK_GROUP_SESSION),
        .instrument = book_instrument(book, order->instrument)->id,
        .side = (enum mr_book_side)order->side,
        .tif = (enum mr_book_tif)order->tif,
        .post = (enum mr_book_post)book_order_post(order),
        .stp = (enum mr_book_stp)book_order_stp(order),
    };
}

bool mr_book_order_get(const struct mr_book *book, uint32_t instrument_id, uint64_t id,
                       struct mr_book_order *out)
{
    const struct book_instrument *instrument = mr_book_instrument_find(book, instrument_id);
    if (instrument == NULL)
        return false;
    const struct book_id *slot = book_id_look(book, instrument, id);
    if (slot->ref == 0)
        return false;
    *out = order_shown(book, book_order(book, slot->ref));
    return true;
}

uint32_t mr_book_level_orders(const struct mr_book *book, uint32_t instrument,
                              enum mr_book_side side, int64_t price, struct mr_book_order *orders,
                              uint32_t limit)
{
    uint32_t level = level_at(book, instrument, side, price);
    uint32_t ref = level == 0 ? 0 : book_link(book, level)->next;
    uint32_t count = 0;
    while (ref != level && count < limit) {
        orders[count++] = order_shown(book, book_order(book, ref));
        ref = book_link(book, ref)->next;
    }
    return count;
}

/* -- Accounts. --------------------------------------------------------------------------------- */

bool mr_book_account_get(const struct mr_book *book, uint64_t account, struct mr_book_account *out)
{
    const struct book_group *group = book_group_find(book, BOOK_GROUP_ACCOUNT, account);
    if (group == NULL)
        return false;
    bool has_stp = group->stp != MR_BOOK_STP_ACCOUNT;
    *out = (struct mr_book_account){
        .account = account,
        .orders = group->count,
        .stp = has_stp ? (enum mr_book_stp)group->stp : MR_BOOK_STP_ALLOW,
        .blocked = group->blocked != 0,
    };
    return true;
}

/* Where a call goes on that the one before had not finished. Whoever has something applied between
 * them, or makes a cursor up, may well not come to an order of that account. */
static uint32_t cursor_ref(const struct mr_book *book, uint32_t group, uint64_t cursor)
{
    uint64_t units = sizeof(struct book_order) / BOOK_UNIT;
    ASSERT(cursor >= book->orders_first && (cursor - book->orders_first) % units == 0);
    ASSERT((cursor - book->orders_first) / units < book->memberships_high);
    const struct book_order *order = book_order(book, (uint32_t)cursor);
    ASSERT((order->groups >> BOOK_GROUP_ACCOUNT & 1) != 0);
    ASSERT(book_memberships(book, order)->of[BOOK_GROUP_ACCOUNT].group == group);
    return (uint32_t)cursor;
}

uint32_t mr_book_account_orders(const struct mr_book *book, uint64_t account,
                                struct mr_book_order *orders, uint32_t limit, uint64_t *cursor)
{
    uint32_t group = book_group_lookup(book, BOOK_GROUP_ACCOUNT, account);
    uint32_t ref = 0, count = 0;
    if (group != 0)
        ref = *cursor == 0 ? book_group(book, group)->first : cursor_ref(book, group, *cursor);
    while (ref != 0 && count < limit) {
        const struct book_order *order = book_order(book, ref);
        orders[count++] = order_shown(book, order);
        ref = book_memberships(book, order)->of[BOOK_GROUP_ACCOUNT].next;
    }
    *cursor = ref;
    return count;
}
