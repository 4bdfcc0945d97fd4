/*
 * Queries that come as messages. Each looks at no more than it shows, and shows a bounded number of
 * rows: commands wait meanwhile.
 */
#include "core/book/rows.h"

#include "core/book/instruments.h"
#include "core/book/orders.h"

#include <millrace/common.h>

MR_ENUM_NAMES(mr_book_side, MR_BOOK_SIDES);
MR_ENUM_NAMES(mr_book_tif, MR_BOOK_TIFS);
MR_ENUM_NAMES(mr_book_post, MR_BOOK_POSTS);
MR_ENUM_NAMES(mr_book_stp, MR_BOOK_STPS);
MR_ENUM_NAMES(mr_book_phase, MR_BOOK_PHASES);
MR_ENUM_NAMES(mr_book_switch, MR_BOOK_SWITCHES);
MR_ENUM_NAMES(mr_book_side_filter, MR_BOOK_SIDE_FILTERS);

#define ANYBODY (MR_ROLE_BIT(MR_ROLE_USER) | MR_ROLE_BIT(MR_ROLE_OPERATOR))

const struct mr_message mr_book_query_table[BOOK_QUERIES] = {
    MR_QUERY_EMPTY(MR_BOOK_QUERY_TOTALS, book_totals, ANYBODY, "what the whole book holds"),
    MR_QUERY(MR_BOOK_QUERY_INSTRUMENT, mr_book_query_instrument, book_instrument,
             MR_BOOK_QUERY_INSTRUMENT_FIELDS, ANYBODY, "one instrument"),
    MR_QUERY(MR_BOOK_QUERY_INSTRUMENTS, mr_book_query_instruments, book_instruments,
             MR_BOOK_QUERY_INSTRUMENTS_FIELDS, ANYBODY,
             "the instruments, in the order of their definition"),
    MR_QUERY(MR_BOOK_QUERY_BEST, mr_book_query_instrument, book_best,
             MR_BOOK_QUERY_INSTRUMENT_FIELDS, ANYBODY, "the best prices of an instrument"),
    MR_QUERY(MR_BOOK_QUERY_DEPTH, mr_book_query_depth, book_depth, MR_BOOK_QUERY_DEPTH_FIELDS,
             ANYBODY, "the best levels of an instrument, best first"),
    MR_QUERY(MR_BOOK_QUERY_LEVEL, mr_book_query_level, book_level, MR_BOOK_QUERY_LEVEL_FIELDS,
             ANYBODY, "what rests at a price; no row: nothing"),
    MR_QUERY(MR_BOOK_QUERY_LEVEL_ORDERS, mr_book_query_level_orders, book_level_orders,
             MR_BOOK_QUERY_LEVEL_ORDERS_FIELDS, ANYBODY,
             "the orders at a price, as they would trade"),
    MR_QUERY(MR_BOOK_QUERY_ORDER, mr_book_query_order, book_order, MR_BOOK_QUERY_ORDER_FIELDS,
             ANYBODY, "one order; a user names its account"),
    MR_QUERY(MR_BOOK_QUERY_ACCOUNT, mr_book_query_account, book_account,
             MR_BOOK_QUERY_ACCOUNT_FIELDS, ANYBODY, "one account"),
    MR_QUERY(MR_BOOK_QUERY_ACCOUNT_ORDERS, mr_book_query_account_orders, book_account_orders,
             MR_BOOK_QUERY_ACCOUNT_ORDERS_FIELDS, ANYBODY,
             "the orders of an account, oldest first"),
};

const struct mr_message mr_book_row_table[BOOK_ROWS] = {
    MR_ROW(MR_BOOK_ROW_TOTALS, mr_book_row_totals, book_totals, MR_BOOK_ROW_TOTALS_FIELDS,
           "what the whole book holds"),
    MR_ROW(MR_BOOK_ROW_INSTRUMENT, mr_book_row_instrument, book_instrument,
           MR_BOOK_ROW_INSTRUMENT_FIELDS, "an instrument"),
    MR_ROW(MR_BOOK_ROW_BEST, mr_book_row_best, book_best, MR_BOOK_ROW_BEST_FIELDS,
           "the best prices of an instrument"),
    MR_ROW(MR_BOOK_ROW_LEVEL, mr_book_row_level, book_level, MR_BOOK_ROW_LEVEL_FIELDS,
           "a price, and what rests there"),
    MR_ROW(MR_BOOK_ROW_QUEUED, mr_book_row_queued, book_queued, MR_BOOK_ROW_QUEUED_FIELDS,
           "an order at a price"),
    MR_ROW(MR_BOOK_ROW_ORDER, mr_book_row_order, book_order, MR_BOOK_ROW_ORDER_FIELDS, "an order"),
    MR_ROW(MR_BOOK_ROW_ACCOUNT, mr_book_row_account, book_account, MR_BOOK_ROW_ACCOUNT_FIELDS,
           "an account"),
};

/* The zeroed body of a row; NULL: there is no room for it. */
#define BOOK_ROW(inquiry, type, tag) \
    ((struct tag *)mr_row_add(inquiry, type, 0, (uint16_t)sizeof(struct tag)))

/* -- The whole, and instruments. --------------------------------------------------------------- */

static uint32_t answer_totals(struct mr_inquiry *inquiry)
{
    struct mr_book_totals totals = mr_book_totals_get(inquiry->state);
    struct mr_book_row_totals *row = BOOK_ROW(inquiry, MR_BOOK_ROW_TOTALS, mr_book_row_totals);
    if (row != NULL)
        *row = (struct mr_book_row_totals){.trades = totals.trades,
                                           .instruments = totals.instruments,
                                           .orders = totals.orders,
                                           .levels = totals.levels,
                                           .groups = totals.groups};
    return 0;
}

/* False: there is no room for it. */
static bool add_instrument(struct mr_inquiry *inquiry, uint32_t index)
{
    struct mr_book_instrument shown;
    (void)mr_book_instrument_at(inquiry->state, index, &shown);
    struct mr_book_row_instrument *row =
        BOOK_ROW(inquiry, MR_BOOK_ROW_INSTRUMENT, mr_book_row_instrument);
    if (row == NULL)
        return false;
    *row = (struct mr_book_row_instrument){
        .price_min = shown.definition.price_min,
        .price_max = shown.definition.price_max,
        .quantity_max = shown.definition.quantity_max,
        .lot = shown.definition.lot,
        .reference = shown.update.reference,
        .collar = shown.update.collar,
        .last_price = shown.last_price,
        .trades = shown.trades,
        .instrument = shown.definition.instrument,
        .place = index + 1,
        .tick = shown.definition.tick,
        .day_end = shown.update.day_end,
        .buy_orders = shown.orders[MR_BOOK_SIDE_BUY],
        .sell_orders = shown.orders[MR_BOOK_SIDE_SELL],
        .buy_levels = shown.levels[MR_BOOK_SIDE_BUY],
        .sell_levels = shown.levels[MR_BOOK_SIDE_SELL],
        .tick_table = shown.definition.tick_table,
        .price_decimals = shown.definition.price_decimals,
        .quantity_decimals = shown.definition.quantity_decimals,
        .phase = shown.definition.phase,
        .top = shown.update.top,
    };
    __builtin_memcpy(row->symbol, shown.definition.symbol, sizeof(row->symbol));
    return true;
}

static uint32_t answer_instrument(struct mr_inquiry *inquiry,
                                  const struct mr_book_query_instrument *asked)
{
    const struct book_instrument *instrument =
        mr_book_instrument_find(inquiry->state, asked->instrument);
    if (instrument == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    (void)add_instrument(inquiry, book_instrument_index(inquiry->state, instrument));
    return 0;
}

static uint32_t answer_instruments(struct mr_inquiry *inquiry,
                                   const struct mr_book_query_instruments *asked)
{
    const struct mr_book *book = inquiry->state;
    uint64_t index = asked->after, count = book->instrument_count;
    for (uint32_t i = 0; i < MR_BOOK_REPLY_ROWS_MAX && index < count; i++, index++) {
        if (!add_instrument(inquiry, (uint32_t)index))
            return 0;
    }
    inquiry->truncated = index < count;
    return 0;
}

/* -- Levels. ----------------------------------------------------------------------------------- */

static uint64_t best_quantity(const struct mr_book *book, const struct book_side *side)
{
    uint32_t best = book_best_level(side);
    return best == 0 ? 0 : book_level(book, best)->quantity;
}

static uint32_t answer_best(struct mr_inquiry *inquiry,
                            const struct mr_book_query_instrument *asked)
{
    const struct mr_book *book = inquiry->state;
    struct mr_book_row_best best = {.instrument = asked->instrument};
    const struct book_instrument *instrument = mr_book_instrument_find(book, asked->instrument);
    if (instrument == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    (void)mr_book_best(book, asked->instrument, MR_BOOK_SIDE_BUY, &best.bid_price);
    (void)mr_book_best(book, asked->instrument, MR_BOOK_SIDE_SELL, &best.ask_price);
    best.bid_quantity = best_quantity(book, &instrument->sides[MR_BOOK_SIDE_BUY]);
    best.ask_quantity = best_quantity(book, &instrument->sides[MR_BOOK_SIDE_SELL]);
    struct mr_book_row_best *row = BOOK_ROW(inquiry, MR_BOOK_ROW_BEST, mr_book_row_best);
    if (row != NULL)
        *row = best;
    return 0;
}

/* False: there is no room for it. */
static bool add_level(struct mr_inquiry *inquiry, uint8_t side, uint32_t level)
{
    const struct mr_book *book = inquiry->state;
    struct mr_book_row_level *row = BOOK_ROW(inquiry, MR_BOOK_ROW_LEVEL, mr_book_row_level);
    if (row == NULL)
        return false;
    row->price = book_price(side, book_level_key(book, level));
    row->quantity = book_level(book, level)->quantity;
    row->orders = book_level(book, level)->orders;
    row->side = side;
    return true;
}

/* The best `levels` of a side, or as many as a reply may have. */
static void add_side(struct mr_inquiry *inquiry, const struct book_instrument *instrument,
                     uint8_t side, uint32_t levels)
{
    uint32_t level = book_best_level(&instrument->sides[side]);
    for (uint32_t i = 0; i < levels && level != 0; i++) {
        if (i == MR_BOOK_REPLY_ROWS_MAX) {
            inquiry->truncated = true;
            return;
        }
        if (!add_level(inquiry, side, level))
            return;
        level = mr_book_level_next(inquiry->state, level);
    }
}

static uint32_t answer_depth(struct mr_inquiry *inquiry, const struct mr_book_query_depth *asked)
{
    const struct book_instrument *instrument =
        mr_book_instrument_find(inquiry->state, asked->instrument);
    if (instrument == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    if (asked->side > MR_BOOK_SIDES_SELL_ONLY)
        return MR_BOOK_BAD_SIDE;
    uint32_t levels = asked->levels != 0 ? asked->levels : MR_BOOK_DEPTH_DEFAULT;
    if (asked->side != MR_BOOK_SIDES_SELL_ONLY)
        add_side(inquiry, instrument, MR_BOOK_SIDE_BUY, levels);
    if (asked->side != MR_BOOK_SIDES_BUY_ONLY)
        add_side(inquiry, instrument, MR_BOOK_SIDE_SELL, levels);
    return 0;
}

/* Finds the level (0: nothing rests there), or says what is wrong with the question. */
static uint32_t level_find(const struct mr_book *book, uint32_t id, uint8_t side, int64_t price,
                           uint32_t *level)
{
    const struct book_instrument *instrument = mr_book_instrument_find(book, id);
    if (instrument == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    if (side > MR_BOOK_SIDE_SELL)
        return MR_BOOK_BAD_SIDE;
    *level = mr_book_level_find(book, &instrument->sides[side], book_key(side, price));
    return 0;
}

static uint32_t answer_level(struct mr_inquiry *inquiry, const struct mr_book_query_level *asked)
{
    uint32_t level = 0;
    uint32_t reason =
        level_find(inquiry->state, asked->instrument, asked->side, asked->price, &level);
    if (reason == 0 && level != 0)
        (void)add_level(inquiry, asked->side, level);
    return reason;
}

/* -- Orders. ----------------------------------------------------------------------------------- */

/* The live order with that id; NULL: there is none. */
static const struct book_order *order_find(const struct mr_book *book, uint32_t instrument_id,
                                           uint64_t id)
{
    const struct book_instrument *instrument = mr_book_instrument_find(book, instrument_id);
    if (instrument == NULL)
        return NULL;
    uint32_t ref = book_id_look(book, instrument, id)->ref;
    return ref == 0 ? NULL : book_order(book, ref);
}

static uint32_t answer_level_orders(struct mr_inquiry *inquiry,
                                    const struct mr_book_query_level_orders *asked)
{
    const struct mr_book *book = inquiry->state;
    uint32_t level = 0;
    uint32_t reason = level_find(book, asked->instrument, asked->side, asked->price, &level);
    if (reason != 0)
        return reason;
    if (asked->follow > MR_BOOK_SWITCH_YES)
        return MR_BOOK_BAD_SWITCH;
    uint32_t ref = level == 0 ? 0 : book_link(book, level)->next;
    if (asked->follow == MR_BOOK_SWITCH_YES) {
        const struct book_order *last = order_find(book, asked->instrument, asked->after);
        if (last == NULL || last->side != asked->side ||
            last->key != book_key(asked->side, asked->price))
            return MR_BOOK_UNKNOWN_ORDER;
        ref = last->link.next;
    }
    for (uint32_t i = 0; i < MR_BOOK_REPLY_ROWS_MAX && ref != level; i++) {
        const struct book_order *order = book_order(book, ref);
        struct mr_book_row_queued *row = BOOK_ROW(inquiry, MR_BOOK_ROW_QUEUED, mr_book_row_queued);
        if (row == NULL)
            return 0;
        *row = (struct mr_book_row_queued){.order = order->id, .open = order->open};
        ref = order->link.next;
    }
    inquiry->truncated = ref != level;
    return 0;
}

/* False: there is no room for it. */
static bool add_order(struct mr_inquiry *inquiry, const struct mr_book_order *order)
{
    struct mr_book_row_order *row = BOOK_ROW(inquiry, MR_BOOK_ROW_ORDER, mr_book_row_order);
    if (row == NULL)
        return false;
    *row = (struct mr_book_row_order){
        .order = order->order,
        .account = order->account,
        .price = order->price,
        .open = order->open,
        .filled = order->filled,
        .expires_ns = order->expires_ns,
        .of_session = order->session,
        .instrument = order->instrument,
        .side = (uint8_t)order->side,
        .tif = (uint8_t)order->tif,
        .post = (uint8_t)order->post,
        .stp = (uint8_t)order->stp,
    };
    return true;
}

static uint32_t answer_order(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const struct mr_book_query_order *asked = mr_query_body(query);
    struct mr_book_order order;
    if (mr_book_instrument_find(inquiry->state, asked->instrument) == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    if (!mr_book_order_get(inquiry->state, asked->instrument, asked->order, &order))
        return MR_BOOK_UNKNOWN_ORDER;
    bool is_user = query->session != 0 && query->role == MR_ROLE_USER;
    if (is_user && asked->account != order.account)
        return MR_BOOK_NOT_OWNER;
    (void)add_order(inquiry, &order);
    return 0;
}

/* -- Accounts. --------------------------------------------------------------------------------- */

static uint32_t answer_account(struct mr_inquiry *inquiry,
                               const struct mr_book_query_account *asked)
{
    struct mr_book_account account;
    if (asked->account == 0)
        return MR_BOOK_BAD_ACCOUNT;
    if (!mr_book_account_get(inquiry->state, asked->account, &account))
        return MR_REASON_NOT_FOUND;
    struct mr_book_row_account *row = BOOK_ROW(inquiry, MR_BOOK_ROW_ACCOUNT, mr_book_row_account);
    if (row != NULL)
        *row = (struct mr_book_row_account){.account = account.account,
                                            .orders = account.orders,
                                            .stp = (uint8_t)account.stp,
                                            .blocked = account.blocked};
    return 0;
}

/* The cursor behind the last order that was seen; 0: it is not that account's, or not live. */
static bool cursor_after(const struct mr_book *book,
                         const struct mr_book_query_account_orders *asked, uint64_t *cursor)
{
    const struct book_order *order = order_find(book, asked->after_instrument, asked->after);
    if (order == NULL || order->account != asked->account)
        return false;
    *cursor = book_memberships(book, order)->of[BOOK_GROUP_ACCOUNT].next;
    return true;
}

static uint32_t answer_account_orders(struct mr_inquiry *inquiry,
                                      const struct mr_book_query_account_orders *asked)
{
    const struct mr_book *book = inquiry->state;
    uint64_t cursor = 0;
    if (asked->account == 0)
        return MR_BOOK_BAD_ACCOUNT;
    if (asked->follow > MR_BOOK_SWITCH_YES)
        return MR_BOOK_BAD_SWITCH;
    if (asked->follow == MR_BOOK_SWITCH_YES) {
        if (!cursor_after(book, asked, &cursor))
            return MR_BOOK_UNKNOWN_ORDER;
        if (cursor == 0)
            return 0;
    }
    for (uint32_t i = 0; i < MR_BOOK_REPLY_ROWS_MAX; i++) {
        struct mr_book_order order;
        if (mr_book_account_orders(book, asked->account, &order, 1, &cursor) == 0 ||
            !add_order(inquiry, &order) || cursor == 0)
            return 0;
    }
    inquiry->truncated = true;
    return 0;
}

/* -- The whole. -------------------------------------------------------------------------------- */

uint32_t mr_book_query_answer(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const void *asked = mr_query_body(query);
    switch (query->type) {
    case MR_BOOK_QUERY_TOTALS:
        return answer_totals(inquiry);
    case MR_BOOK_QUERY_INSTRUMENT:
        return answer_instrument(inquiry, asked);
    case MR_BOOK_QUERY_INSTRUMENTS:
        return answer_instruments(inquiry, asked);
    case MR_BOOK_QUERY_BEST:
        return answer_best(inquiry, asked);
    case MR_BOOK_QUERY_DEPTH:
        return answer_depth(inquiry, asked);
    case MR_BOOK_QUERY_LEVEL:
        return answer_level(inquiry, asked);
    case MR_BOOK_QUERY_LEVEL_ORDERS:
        return answer_level_orders(inquiry, asked);
    case MR_BOOK_QUERY_ORDER:
        return answer_order(inquiry, query);
    case MR_BOOK_QUERY_ACCOUNT:
        return answer_account(inquiry, asked);
    default:
        ASSERT(query->type == MR_BOOK_QUERY_ACCOUNT_ORDERS);
        return answer_account_orders(inquiry, asked);
    }
}
