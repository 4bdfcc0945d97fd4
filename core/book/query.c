/*
 * Looking at the book: see <millrace/book.h>.
 */
#include "core/book/ids.h"
#include "core/book/instruments.h"
#include "core/book/levels.h"

struct mr_book_totals mr_book_totals_get(const struct mr_book *book)
{
    return (struct mr_book_totals){
        .trades = book->trades,
        .instruments = book->instrument_count,
        .orders = book->live,
        .levels = book->levels,
    };
}

bool mr_book_instrument_at(const struct mr_book *book, uint32_t index,
                           struct mr_book_instrument *out)
{
    if (index >= book->instrument_count)
        return false;
    const struct book_instrument *instrument = book_instrument(book, index);
    const struct book_side *sides = instrument->sides;
    *out = (struct mr_book_instrument){
        .definition = {.price_min = instrument->price_min,
                       .price_max = instrument->price_max,
                       .quantity_max = instrument->quantity_max,
                       .instrument = instrument->id,
                       .price_decimals = instrument->price_decimals,
                       .quantity_decimals = instrument->quantity_decimals},
        .trades = instrument->trades,
        .orders = {sides[MR_BOOK_SIDE_BUY].orders, sides[MR_BOOK_SIDE_SELL].orders},
        .levels = {sides[MR_BOOK_SIDE_BUY].levels, sides[MR_BOOK_SIDE_SELL].levels},
    };
    __builtin_memcpy(out->definition.symbol, instrument->symbol, sizeof(instrument->symbol));
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

bool mr_book_best(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                  int64_t *price)
{
    const struct book_side *levels = side_of(book, instrument, side);
    if (levels == NULL || levels->best == 0)
        return false;
    *price = book_price((uint8_t)side, levels->best_key);
    return true;
}

static struct mr_book_level level_sum(const struct mr_book *book, uint32_t level,
                                      enum mr_book_side side)
{
    struct mr_book_level sum = {.price = book_price((uint8_t)side, book_level_key(book, level))};
    for (uint32_t ref = book_link(book, level)->next; ref != level;) {
        const struct book_order *order = book_order(book, ref);
        uint64_t room = UINT64_MAX - sum.quantity;
        sum.quantity += order->open < room ? order->open : room;
        sum.orders++;
        ref = order->link.next;
    }
    return sum;
}

uint32_t mr_book_depth(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                       struct mr_book_level *levels, uint32_t limit)
{
    const struct book_side *from = side_of(book, instrument, side);
    uint32_t level = from == NULL ? 0 : from->best;
    uint32_t count = 0;
    while (level != 0 && count < limit) {
        levels[count++] = level_sum(book, level, side);
        level = mr_book_level_next(book, level);
    }
    return count;
}

bool mr_book_order_get(const struct mr_book *book, uint32_t instrument_id, uint64_t id,
                       struct mr_book_order *out)
{
    const struct book_instrument *instrument = mr_book_instrument_find(book, instrument_id);
    if (instrument == NULL)
        return false;
    uint32_t hash = book_id_hash(book, instrument, id);
    const struct book_id *slot =
        book_id_find(book, hash, book_instrument_index(book, instrument), id);
    if (slot->ref == 0)
        return false;
    const struct book_order *order = book_order(book, slot->ref);
    *out = (struct mr_book_order){
        .order = id,
        .account = order->account,
        .price = book_price(order->side, order->key),
        .open = order->open,
        .filled = order->filled,
        .instrument = instrument_id,
        .side = (enum mr_book_side)order->side,
    };
    return true;
}
