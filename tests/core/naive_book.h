/*
 * A book that is obviously right: each side is an array of orders, sorted by price and then time,
 * and every question is answered by looking at all of them. It shares nothing with the real one but
 * the messages.
 */
#ifndef MR_TESTS_CORE_NAIVE_BOOK_H
#define MR_TESTS_CORE_NAIVE_BOOK_H

#include <millrace/book.h>

#include <stdlib.h>
#include <string.h>

struct naive_order {
    uint64_t id, account;
    int64_t price;
    uint64_t open, filled;
};

/* Best order first. */
struct naive_side {
    struct naive_order *orders;
    uint32_t count;
};

struct naive_instrument {
    struct mr_book_instrument_define definition;
    uint64_t trades, events, last_event;
    struct naive_side sides[2];
};

struct naive_book {
    struct mr_book_config config;
    struct naive_instrument *instruments;
    uint32_t instrument_count;
    uint64_t event_count;
    const struct mr_command *command; /* being applied */
    unsigned char *events;            /* of the last command */
    uint32_t events_size;
};

static inline void naive_open(struct naive_book *book, const struct mr_book_config *config)
{
    *book = (struct naive_book){.config = *config};
    book->instruments = calloc(config->instruments_max, sizeof(*book->instruments));
    book->events = malloc((size_t)(config->fills_max + 2) * 128);
}

static inline void naive_close(struct naive_book *book)
{
    for (uint32_t i = 0; i < book->instrument_count; i++) {
        free(book->instruments[i].sides[0].orders);
        free(book->instruments[i].sides[1].orders);
    }
    free(book->instruments);
    free(book->events);
}

/* -- Events. ----------------------------------------------------------------------------------- */

static inline void naive_emit(struct naive_book *book, struct naive_instrument *instrument,
                              uint16_t type, const void *body, uint16_t size)
{
    struct mr_event event = {
        .number = ++book->event_count,
        .sequence = book->command->sequence,
        .time_ns = book->command->time_ns,
        .type = type,
        .length = (uint16_t)(64 + size),
        .correlation = book->command->correlation,
    };
    if (instrument != NULL) {
        event.aggregate_kind = MR_BOOK_AGGREGATE_INSTRUMENT;
        event.aggregate_id = instrument->definition.instrument;
        event.aggregate_sequence = ++instrument->events;
        event.previous = instrument->last_event;
        instrument->last_event = event.number;
    }
    memcpy(book->events + book->events_size, &event, 64);
    memcpy(book->events + book->events_size + 64, body, size);
    book->events_size += event.length;
}

static inline uint32_t naive_reject(struct naive_book *book, struct naive_instrument *instrument,
                                    enum mr_book_action action, uint32_t instrument_id,
                                    uint64_t order, uint32_t reason)
{
    struct mr_book_order_rejected body = {
        .order = order, .instrument = instrument_id, .reason = reason, .action = (uint8_t)action};
    naive_emit(book, instrument, MR_BOOK_ORDER_REJECTED, &body, sizeof(body));
    return reason;
}

static inline void naive_cancelled(struct naive_book *book, struct naive_instrument *instrument,
                                   const struct naive_order *order, enum mr_book_cancel cause)
{
    struct mr_book_order_cancelled body = {.order = order->id,
                                           .remaining = order->open,
                                           .instrument = instrument->definition.instrument,
                                           .cause = (uint8_t)cause};
    naive_emit(book, instrument, MR_BOOK_ORDER_CANCELLED, &body, sizeof(body));
}

static inline void naive_replaced(struct naive_book *book, struct naive_instrument *instrument,
                                  const struct naive_order *order, enum mr_book_place place)
{
    struct mr_book_order_replaced body = {.order = order->id,
                                          .price = order->price,
                                          .quantity = order->open,
                                          .instrument = instrument->definition.instrument,
                                          .place = (uint8_t)place};
    naive_emit(book, instrument, MR_BOOK_ORDER_REPLACED, &body, sizeof(body));
}

/* -- Looking. ---------------------------------------------------------------------------------- */

static inline struct naive_instrument *naive_instrument(struct naive_book *book, uint32_t id)
{
    for (uint32_t i = 0; i < book->instrument_count; i++) {
        if (book->instruments[i].definition.instrument == id)
            return &book->instruments[i];
    }
    return NULL;
}

static inline bool naive_find(const struct naive_instrument *instrument, uint64_t id, uint8_t *side,
                              uint32_t *index)
{
    for (*side = 0; *side < 2; (*side)++) {
        for (*index = 0; *index < instrument->sides[*side].count; (*index)++) {
            if (instrument->sides[*side].orders[*index].id == id)
                return true;
        }
    }
    return false;
}

static inline uint32_t naive_orders(const struct naive_book *book)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < book->instrument_count; i++)
        count += book->instruments[i].sides[0].count + book->instruments[i].sides[1].count;
    return count;
}

static inline uint32_t naive_side_levels(const struct naive_side *side)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < side->count; i++)
        count += i == 0 || side->orders[i].price != side->orders[i - 1].price;
    return count;
}

static inline uint32_t naive_levels(const struct naive_book *book)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < book->instrument_count; i++) {
        count += naive_side_levels(&book->instruments[i].sides[0]);
        count += naive_side_levels(&book->instruments[i].sides[1]);
    }
    return count;
}

/* Whether an order of `side` at `price` (any, for a market order) would trade with `maker`. */
static inline bool naive_meets(uint8_t side, bool market, int64_t price,
                               const struct naive_order *maker)
{
    if (market)
        return true;
    return side == MR_BOOK_SIDE_BUY ? maker->price <= price : maker->price >= price;
}

static inline bool naive_crosses(const struct naive_instrument *instrument, uint8_t side,
                                 bool market, int64_t price)
{
    const struct naive_side *other = &instrument->sides[1 - side];
    return other->count > 0 && naive_meets(side, market, price, &other->orders[0]);
}

/* -- Changing. --------------------------------------------------------------------------------- */

static inline void naive_insert(struct naive_side *side, uint8_t which,
                                const struct naive_order *order)
{
    uint32_t at = 0;
    while (at < side->count && (which == MR_BOOK_SIDE_BUY ? side->orders[at].price >= order->price
                                                          : side->orders[at].price <= order->price))
        at++;
    side->orders = realloc(side->orders, (side->count + 1) * sizeof(*order));
    memmove(&side->orders[at + 1], &side->orders[at], (side->count - at) * sizeof(*order));
    side->orders[at] = *order;
    side->count++;
}

static inline void naive_remove(struct naive_side *side, uint32_t at)
{
    side->count--;
    memmove(&side->orders[at], &side->orders[at + 1], (side->count - at) * sizeof(side->orders[0]));
}

static inline void naive_match(struct naive_book *book, struct naive_instrument *instrument,
                               uint8_t side, bool market, struct naive_order *taker)
{
    struct naive_side *other = &instrument->sides[1 - side];
    uint32_t fills = 0;
    while (taker->open > 0 && fills < book->config.fills_max &&
           naive_crosses(instrument, side, market, taker->price)) {
        struct naive_order *maker = &other->orders[0];
        uint64_t quantity = taker->open < maker->open ? taker->open : maker->open;
        taker->open -= quantity;
        taker->filled += quantity;
        maker->open -= quantity;
        maker->filled += quantity;
        fills++;
        struct mr_book_trade body = {.trade = ++instrument->trades,
                                     .maker = maker->id,
                                     .taker = taker->id,
                                     .price = maker->price,
                                     .quantity = quantity,
                                     .maker_remaining = maker->open,
                                     .taker_remaining = taker->open,
                                     .instrument = instrument->definition.instrument,
                                     .side = side};
        naive_emit(book, instrument, MR_BOOK_TRADE, &body, sizeof(body));
        if (maker->open == 0)
            naive_remove(other, 0);
    }
}

/* -- Commands. --------------------------------------------------------------------------------- */

static inline uint32_t naive_define(struct naive_book *book,
                                    const struct mr_book_instrument_define *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    size_t length = strnlen(command->symbol, 16);
    bool symbol_good = length > 0;
    for (size_t i = 0; i < 16; i++) {
        char c = command->symbol[i];
        if (i < length ? c <= 32 || c >= 127 : c != 0)
            symbol_good = false;
    }
    uint32_t reason = 0;
    if (!symbol_good)
        reason = MR_BOOK_BAD_SYMBOL;
    else if (command->price_min > command->price_max || command->quantity_max < 1)
        reason = MR_BOOK_BAD_RANGE;
    else if (command->price_decimals > 18 || command->quantity_decimals > 18)
        reason = MR_BOOK_BAD_DECIMALS;
    else if (instrument != NULL)
        reason = MR_BOOK_INSTRUMENT_EXISTS;
    else if (book->instrument_count == book->config.instruments_max)
        reason = MR_BOOK_INSTRUMENTS_FULL;
    if (reason != 0) {
        struct mr_book_instrument_rejected body = {command->instrument, reason};
        naive_emit(book, instrument, MR_BOOK_INSTRUMENT_REJECTED, &body, sizeof(body));
        return reason;
    }
    instrument = &book->instruments[book->instrument_count++];
    instrument->definition = *command;
    memset(instrument->definition.padding, 0, sizeof(instrument->definition.padding));
    naive_emit(book, instrument, MR_BOOK_INSTRUMENT_DEFINED, &instrument->definition,
               sizeof(instrument->definition));
    return 0;
}

static inline uint32_t naive_price_quantity_flaw(const struct naive_instrument *instrument,
                                                 bool market, int64_t price, uint64_t quantity)
{
    const struct mr_book_instrument_define *definition = &instrument->definition;
    if (!market && (price < definition->price_min || price > definition->price_max))
        return MR_BOOK_PRICE_OUT_OF_RANGE;
    if (quantity == 0)
        return MR_BOOK_ZERO_QUANTITY;
    if (quantity > definition->quantity_max)
        return MR_BOOK_QUANTITY_TOO_LARGE;
    return 0;
}

static inline uint32_t naive_fok_flaw(const struct naive_book *book,
                                      const struct naive_instrument *instrument, uint8_t side,
                                      bool market, int64_t price, uint64_t quantity)
{
    const struct naive_side *other = &instrument->sides[1 - side];
    uint64_t missing = quantity;
    for (uint32_t i = 0; i < other->count; i++) {
        if (!naive_meets(side, market, price, &other->orders[i]))
            break;
        if (i == book->config.fills_max)
            return MR_BOOK_FILLS_LIMIT;
        if (other->orders[i].open >= missing)
            return 0;
        missing -= other->orders[i].open;
    }
    return MR_BOOK_FOK_UNFILLED;
}

/* Whether there is room for `order` if it rests; it stands in the book nowhere yet. */
static inline uint32_t naive_room_flaw(const struct naive_book *book, struct naive_side *side,
                                       uint8_t which, const struct naive_order *order)
{
    if (naive_orders(book) >= book->config.orders_max)
        return MR_BOOK_ORDERS_FULL;
    naive_insert(side, which, order);
    uint32_t levels = naive_levels(book);
    for (uint32_t i = 0; i < side->count; i++) {
        if (side->orders[i].id == order->id) {
            naive_remove(side, i);
            break;
        }
    }
    return levels > book->config.levels_max ? MR_BOOK_LEVELS_FULL : 0;
}

static inline uint32_t naive_new_flaw(const struct naive_book *book,
                                      struct naive_instrument *instrument,
                                      const struct mr_book_order_new *command)
{
    bool market = command->kind == MR_BOOK_KIND_MARKET;
    uint8_t found_side;
    uint32_t found;
    if (instrument == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    if (command->side > 1)
        return MR_BOOK_BAD_SIDE;
    if (command->kind > 1)
        return MR_BOOK_BAD_KIND;
    if (command->tif > 2 || (market && command->tif == MR_BOOK_TIF_GTC))
        return MR_BOOK_BAD_TIF;
    uint32_t flaw =
        naive_price_quantity_flaw(instrument, market, command->price, command->quantity);
    if (flaw != 0)
        return flaw;
    if (naive_find(instrument, command->order, &found_side, &found))
        return MR_BOOK_DUPLICATE_ORDER;
    if (command->tif == MR_BOOK_TIF_FOK)
        return naive_fok_flaw(book, instrument, command->side, market, command->price,
                              command->quantity);
    if (command->tif == MR_BOOK_TIF_GTC &&
        !naive_crosses(instrument, command->side, false, command->price)) {
        struct naive_order order = {.id = command->order, .price = command->price};
        return naive_room_flaw(book, &instrument->sides[command->side], command->side, &order);
    }
    return 0;
}

static inline uint32_t naive_new(struct naive_book *book, const struct mr_book_order_new *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    uint32_t flaw = naive_new_flaw(book, instrument, command);
    if (flaw != 0)
        return naive_reject(book, instrument, MR_BOOK_ACTION_NEW, command->instrument,
                            command->order, flaw);

    bool market = command->kind == MR_BOOK_KIND_MARKET;
    struct mr_book_order_accepted accepted = {.order = command->order,
                                              .account = command->account,
                                              .price = market ? 0 : command->price,
                                              .quantity = command->quantity,
                                              .instrument = command->instrument,
                                              .side = command->side,
                                              .kind = command->kind,
                                              .tif = command->tif};
    naive_emit(book, instrument, MR_BOOK_ORDER_ACCEPTED, &accepted, sizeof(accepted));

    struct naive_order order = {.id = command->order,
                                .account = command->account,
                                .price = command->price,
                                .open = command->quantity};
    naive_match(book, instrument, command->side, market, &order);
    if (order.open == 0)
        return 0;
    if (naive_crosses(instrument, command->side, market, order.price))
        naive_cancelled(book, instrument, &order, MR_BOOK_CANCEL_FILLS_LIMIT);
    else if (market)
        naive_cancelled(book, instrument, &order, MR_BOOK_CANCEL_MARKET_REMAINDER);
    else if (command->tif == MR_BOOK_TIF_IOC)
        naive_cancelled(book, instrument, &order, MR_BOOK_CANCEL_IOC_REMAINDER);
    else
        naive_insert(&instrument->sides[command->side], command->side, &order);
    return 0;
}

static inline uint32_t naive_cancel(struct naive_book *book,
                                    const struct mr_book_order_cancel *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    uint8_t side;
    uint32_t at;
    uint32_t flaw = 0;
    if (instrument == NULL)
        flaw = MR_BOOK_UNKNOWN_INSTRUMENT;
    else if (!naive_find(instrument, command->order, &side, &at))
        flaw = MR_BOOK_UNKNOWN_ORDER;
    if (flaw != 0)
        return naive_reject(book, instrument, MR_BOOK_ACTION_CANCEL, command->instrument,
                            command->order, flaw);
    naive_cancelled(book, instrument, &instrument->sides[side].orders[at],
                    MR_BOOK_CANCEL_REQUESTED);
    naive_remove(&instrument->sides[side], at);
    return 0;
}

/* A live order that changes to `wanted`, whose place is lost; nothing is changed if it cannot. */
static inline uint32_t naive_move(struct naive_book *book, struct naive_instrument *instrument,
                                  uint8_t which, uint32_t at, struct naive_order wanted)
{
    struct naive_side *side = &instrument->sides[which];
    struct naive_order before = side->orders[at];
    naive_remove(side, at);
    if (!naive_crosses(instrument, which, false, wanted.price)) {
        uint32_t flaw = naive_room_flaw(book, side, which, &wanted);
        if (flaw != 0) {
            side->count++;
            memmove(&side->orders[at + 1], &side->orders[at],
                    (side->count - 1 - at) * sizeof(before));
            side->orders[at] = before;
            return flaw;
        }
    }
    naive_replaced(book, instrument, &wanted, MR_BOOK_PLACE_LOST);
    naive_match(book, instrument, which, false, &wanted);
    if (wanted.open > 0 && naive_crosses(instrument, which, false, wanted.price))
        naive_cancelled(book, instrument, &wanted, MR_BOOK_CANCEL_FILLS_LIMIT);
    else if (wanted.open > 0)
        naive_insert(side, which, &wanted);
    return 0;
}

static inline uint32_t naive_replace_flaw(const struct naive_instrument *instrument,
                                          const struct mr_book_order_replace *command,
                                          uint8_t *side, uint32_t *at)
{
    if (instrument == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    if (command->basis > 1)
        return MR_BOOK_BAD_BASIS;
    uint32_t flaw = naive_price_quantity_flaw(instrument, false, command->price, command->quantity);
    if (flaw != 0)
        return flaw;
    if (!naive_find(instrument, command->order, side, at))
        return MR_BOOK_UNKNOWN_ORDER;
    uint64_t filled = instrument->sides[*side].orders[*at].filled;
    if (command->basis == MR_BOOK_BASIS_OPEN &&
        command->quantity > instrument->definition.quantity_max - filled)
        return MR_BOOK_QUANTITY_TOO_LARGE;
    return 0;
}

static inline uint32_t naive_replace(struct naive_book *book,
                                     const struct mr_book_order_replace *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    uint8_t side = 0;
    uint32_t at = 0;
    uint32_t flaw = naive_replace_flaw(instrument, command, &side, &at);
    if (flaw == 0) {
        struct naive_order *order = &instrument->sides[side].orders[at];
        struct naive_order wanted = *order;
        bool total = command->basis == MR_BOOK_BASIS_TOTAL;
        if (total && command->quantity <= order->filled) {
            naive_cancelled(book, instrument, order, MR_BOOK_CANCEL_REPLACED);
            naive_remove(&instrument->sides[side], at);
            return 0;
        }
        wanted.price = command->price;
        wanted.open = total ? command->quantity - order->filled : command->quantity;
        if (wanted.price == order->price && wanted.open <= order->open) {
            *order = wanted;
            naive_replaced(book, instrument, order, MR_BOOK_PLACE_KEPT);
            return 0;
        }
        flaw = naive_move(book, instrument, side, at, wanted);
    }
    if (flaw != 0)
        naive_reject(book, instrument, MR_BOOK_ACTION_REPLACE, command->instrument, command->order,
                     flaw);
    return flaw;
}

static inline uint32_t naive_apply(struct naive_book *book, const struct mr_command *command)
{
    const void *body = mr_command_body(command);
    book->command = command;
    book->events_size = 0;
    switch (command->type) {
    case MR_BOOK_INSTRUMENT_DEFINE:
        return naive_define(book, body);
    case MR_BOOK_ORDER_NEW:
        return naive_new(book, body);
    case MR_BOOK_ORDER_CANCEL:
        return naive_cancel(book, body);
    default:
        return naive_replace(book, body);
    }
}

#endif
