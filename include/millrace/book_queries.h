/*
 * <millrace/book_queries.h>: what clients can ask of the order book, and what they are answered
 * with: the queries and rows of mr_logic_book (see MR_QUERY in <millrace/catalog.h>), as in
 *
 *     echo '?book_depth instrument=1 levels=5' | millrace send --to unix:DIR/socket
 *
 * Anybody may ask for what is public anyway: instruments, prices, and the ids and open quantities
 * of the orders at a price. All else of an order is for operators, and for users who name its
 * account, as they do to cancel it (not_owner). An account is looked at by naming it.
 *
 * A reply has at most 100 rows, of levels 100 a side. If there are more it says that it is
 * truncated; what comes next is asked for by naming the last one seen (levels beyond
 * a hundred a side cannot be asked for). Where that is an order which
 * has gone meanwhile (unknown_order), the list has changed: begin anew.
 */
#ifndef MILLRACE_BOOK_QUERIES_H
#define MILLRACE_BOOK_QUERIES_H

#include <millrace/book.h>

#ifdef __cplusplus
extern "C" {
#endif

enum mr_book_query {
    MR_BOOK_QUERY_TOTALS = MR_CATALOG_LOGIC_FIRST,
    MR_BOOK_QUERY_INSTRUMENT,
    MR_BOOK_QUERY_INSTRUMENTS,
    MR_BOOK_QUERY_BEST,
    MR_BOOK_QUERY_DEPTH,
    MR_BOOK_QUERY_LEVEL,
    MR_BOOK_QUERY_LEVEL_ORDERS,
    MR_BOOK_QUERY_ORDER,
    MR_BOOK_QUERY_ACCOUNT,
    MR_BOOK_QUERY_ACCOUNT_ORDERS,
};

enum mr_book_row {
    MR_BOOK_ROW_TOTALS = MR_CATALOG_LOGIC_FIRST,
    MR_BOOK_ROW_INSTRUMENT,
    MR_BOOK_ROW_BEST,
    MR_BOOK_ROW_LEVEL,
    MR_BOOK_ROW_QUEUED,
    MR_BOOK_ROW_ORDER,
    MR_BOOK_ROW_ACCOUNT,
};

enum { MR_BOOK_REPLY_ROWS_MAX = 100, MR_BOOK_DEPTH_DEFAULT = 10 };

/* book_instrument, book_best. */
#define MR_BOOK_QUERY_INSTRUMENT_FIELDS(F)         \
    F(u32, instrument, "", "id of the instrument") \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_query_instrument, MR_BOOK_QUERY_INSTRUMENT_FIELDS);

#define MR_BOOK_QUERY_INSTRUMENTS_FIELDS(F) \
    F(optional(u64), after, "", "place of the last one seen; 0: from the first one on")
MR_MESSAGE_STRUCT(mr_book_query_instruments, MR_BOOK_QUERY_INSTRUMENTS_FIELDS);

#define MR_BOOK_QUERY_DEPTH_FIELDS(F)                                       \
    F(u32, instrument, "", "id of the instrument")                          \
    F(optional(u32), levels, "levels", "at most so many a side; 0: ten")    \
    F(optional(enum8(mr_book_side_filter)), side, "", "buy, sell, or both") \
    F(pad(7), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_query_depth, MR_BOOK_QUERY_DEPTH_FIELDS);

#define MR_BOOK_QUERY_LEVEL_FIELDS(F)               \
    F(i64, price, "ticks", "of the level")          \
    F(u32, instrument, "", "id of the instrument")  \
    F(enum8(mr_book_side), side, "", "buy or sell") \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_query_level, MR_BOOK_QUERY_LEVEL_FIELDS);

#define MR_BOOK_QUERY_LEVEL_ORDERS_FIELDS(F)                                         \
    F(i64, price, "ticks", "of the level")                                           \
    F(optional(u64), after, "", "id of the last one seen, if follow says so")        \
    F(u32, instrument, "", "id of the instrument")                                   \
    F(enum8(mr_book_side), side, "", "buy or sell")                                  \
    F(optional(enum8(mr_book_switch)), follow, "", "yes: only those behind `after`") \
    F(pad(2), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_query_level_orders, MR_BOOK_QUERY_LEVEL_ORDERS_FIELDS);

#define MR_BOOK_QUERY_ORDER_FIELDS(F)                  \
    F(u64, order, "", "id of a live order")            \
    F(optional(u64), account, "", "whose order it is") \
    F(u32, instrument, "", "id of its instrument")     \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_query_order, MR_BOOK_QUERY_ORDER_FIELDS);

#define MR_BOOK_QUERY_ACCOUNT_FIELDS(F) F(u64, account, "", "number of the account, not 0")
MR_MESSAGE_STRUCT(mr_book_query_account, MR_BOOK_QUERY_ACCOUNT_FIELDS);

#define MR_BOOK_QUERY_ACCOUNT_ORDERS_FIELDS(F)                                      \
    F(u64, account, "", "number of the account, not 0")                             \
    F(optional(u64), after, "", "id of the last one seen, if follow says so")       \
    F(optional(u32), after_instrument, "", "id of its instrument")                  \
    F(optional(enum8(mr_book_switch)), follow, "", "yes: only those after `after`") \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_query_account_orders, MR_BOOK_QUERY_ACCOUNT_ORDERS_FIELDS);

#define MR_BOOK_ROW_TOTALS_FIELDS(F)                    \
    F(u64, trades, "trades", "so far")                  \
    F(u32, instruments, "instruments", "defined")       \
    F(u32, orders, "orders", "resting now")             \
    F(u32, levels, "levels", "price levels in use now") \
    F(u32, groups, "groups", "accounts, sessions and expiry times in use now, of groups_max")
MR_MESSAGE_STRUCT(mr_book_row_totals, MR_BOOK_ROW_TOTALS_FIELDS);

#define MR_BOOK_ROW_INSTRUMENT_FIELDS(F)                                                        \
    F(text16, symbol, "", "what people call it")                                                \
    F(i64, price_min, "ticks", "least price of a limit order")                                  \
    F(i64, price_max, "ticks", "greatest price of a limit order")                               \
    F(u64, quantity_max, "units", "greatest quantity of an order, fills included")              \
    F(u64, lot, "units", "quantities are multiples of it; 0: any")                              \
    F(i64, reference, "ticks", "price that the collar is around until the next trade")          \
    F(u64, collar, "ticks", "how far from it market orders may trade; 0: anywhere")             \
    F(i64, last_price, "ticks", "of the last trade, if there was one")                          \
    F(u64, trades, "trades", "so far")                                                          \
    F(u32, instrument, "", "id of the instrument")                                              \
    F(u32, place, "", "among all instruments, in the order of their definition, from 1")        \
    F(u32, tick, "ticks", "prices are multiples of it; 0: any")                                 \
    F(u32, day_end, "s", "when its trading day ends, after midnight, UTC")                      \
    F(u32, buy_orders, "orders", "resting now")                                                 \
    F(u32, sell_orders, "orders", "resting now")                                                \
    F(u32, buy_levels, "levels", "in use now")                                                  \
    F(u32, sell_levels, "levels", "in use now")                                                 \
    F(u16, tick_table, "", "number of the table that says by price what tick applies; 0: none") \
    F(u8, price_decimals, "digits", "decimals of a price, for display")                         \
    F(u8, quantity_decimals, "digits", "decimals of a quantity, for display")                   \
    F(enum8(mr_book_phase), phase, "", "trading phase now")                                     \
    F(enum8(mr_book_switch), top, "", "whether it publishes top_of_book")                       \
    F(pad(2), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_row_instrument, MR_BOOK_ROW_INSTRUMENT_FIELDS);

/* A book_best is what top_of_book would say, asked for or not. */
#define MR_BOOK_ROW_BEST_FIELDS(F)                               \
    F(i64, bid_price, "ticks", "best price of the buyers")       \
    F(u64, bid_quantity, "units", "open at it; 0: nobody buys")  \
    F(i64, ask_price, "ticks", "best price of the sellers")      \
    F(u64, ask_quantity, "units", "open at it; 0: nobody sells") \
    F(u32, instrument, "", "id of the instrument")               \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_row_best, MR_BOOK_ROW_BEST_FIELDS);

#define MR_BOOK_ROW_LEVEL_FIELDS(F)                        \
    F(i64, price, "ticks", "of the level")                 \
    F(u64, quantity, "units", "open in all of its orders") \
    F(u32, orders, "orders", "that rest there")            \
    F(enum8(mr_book_side), side, "", "buy or sell")        \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_row_level, MR_BOOK_ROW_LEVEL_FIELDS);

/* An order at a price, in the order in which they would trade. */
#define MR_BOOK_ROW_QUEUED_FIELDS(F) \
    F(u64, order, "", "id")          \
    F(u64, open, "units", "what it has open")
MR_MESSAGE_STRUCT(mr_book_row_queued, MR_BOOK_ROW_QUEUED_FIELDS);

#define MR_BOOK_ROW_ORDER_FIELDS(F)                                                       \
    F(u64, order, "", "id")                                                               \
    F(u64, account, "", "whose order it is; 0: nobody's in particular")                   \
    F(i64, price, "ticks", "its limit")                                                   \
    F(u64, open, "units", "what it has open")                                             \
    F(u64, filled, "units", "what has been filled")                                       \
    F(u64, expires_ns, "ns", "time from which on it is gone; 0: never")                   \
    F(u64, of_session, "", "session that it came from; 0: none")                          \
    F(u32, instrument, "", "id of its instrument")                                        \
    F(enum8(mr_book_side), side, "", "buy or sell")                                       \
    F(enum8(mr_book_tif), tif, "", "how long it rests")                                   \
    F(enum8(mr_book_post), post, "", "what happens if a replacement would trade at once") \
    F(enum8(mr_book_stp), stp, "", "who gives way when it meets its own account")
MR_MESSAGE_STRUCT(mr_book_row_order, MR_BOOK_ROW_ORDER_FIELDS);

#define MR_BOOK_ROW_ACCOUNT_FIELDS(F)                                            \
    F(u64, account, "", "number of the account")                                 \
    F(u32, orders, "orders", "resting now")                                      \
    F(enum8(mr_book_stp), stp, "", "who gives way when two of its orders meet")  \
    F(enum8(mr_book_switch), blocked, "", "whether it can enter no more orders") \
    F(pad(2), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_row_account, MR_BOOK_ROW_ACCOUNT_FIELDS);

#ifdef __cplusplus
}
#endif
#endif
