/*
 * <millrace/book_messages.h>: what goes into the order book of <millrace/book.h> and what comes out
 * of it: commands, events, the names in them, the reasons for which a command is rejected, and the
 * configuration. docs/book.md says what they mean, with examples.
 */
#ifndef MILLRACE_BOOK_MESSAGES_H
#define MILLRACE_BOOK_MESSAGES_H

#include <millrace/catalog.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* -- Names. ------------------------------------------------------------------------------------ */

#define MR_BOOK_SIDES(V)        \
    V(MR_BOOK_SIDE_BUY, 0, buy) \
    V(MR_BOOK_SIDE_SELL, 1, sell)
enum mr_book_side { MR_BOOK_SIDES(MR_ENUM_VALUE) };

#define MR_BOOK_KINDS(V)            \
    V(MR_BOOK_KIND_LIMIT, 0, limit) \
    V(MR_BOOK_KIND_MARKET, 1, market)
enum mr_book_kind { MR_BOOK_KINDS(MR_ENUM_VALUE) };

/* Time in force. */
#define MR_BOOK_TIFS(V)        \
    V(MR_BOOK_TIF_GTC, 0, gtc) \
    V(MR_BOOK_TIF_IOC, 1, ioc) \
    V(MR_BOOK_TIF_FOK, 2, fok) \
    V(MR_BOOK_TIF_DAY, 3, day) \
    V(MR_BOOK_TIF_GTD, 4, gtd)
enum mr_book_tif { MR_BOOK_TIFS(MR_ENUM_VALUE) };

/* Post-only: what becomes of an order that would trade at once. */
#define MR_BOOK_POSTS(V)                                     \
    V(MR_BOOK_POST_NO, 0, no)           /* it trades */      \
    V(MR_BOOK_POST_REJECT, 1, reject)   /* it is rejected */ \
    V(MR_BOOK_POST_REPRICE, 2, reprice) /* one tick short of the other side's best */
enum mr_book_post { MR_BOOK_POSTS(MR_ENUM_VALUE) };

/* Self-trade prevention: who gives way. */
#define MR_BOOK_STPS(V)                                                                \
    V(MR_BOOK_STP_ACCOUNT, 0, account)             /* the account's default decides */ \
    V(MR_BOOK_STP_ALLOW, 1, allow)                 /* nobody: they trade */            \
    V(MR_BOOK_STP_CANCEL_NEWEST, 2, cancel_newest) /* the incoming order */            \
    V(MR_BOOK_STP_CANCEL_OLDEST, 3, cancel_oldest) /* the resting order */             \
    V(MR_BOOK_STP_CANCEL_BOTH, 4, cancel_both)                                         \
    V(MR_BOOK_STP_DECREMENT, 5, decrement) /* the smaller; the larger is reduced by it */
enum mr_book_stp { MR_BOOK_STPS(MR_ENUM_VALUE) };

#define MR_BOOK_PHASES(V)                                                            \
    V(MR_BOOK_PHASE_CONTINUOUS, 0, continuous) /* orders come, trade, rest and go */ \
    V(MR_BOOK_PHASE_HALTED, 1, halted)         /* orders can only be cancelled */    \
    V(MR_BOOK_PHASE_CLOSED, 2, closed)         /* likewise; not a trading day's hours */
enum mr_book_phase { MR_BOOK_PHASES(MR_ENUM_VALUE) };

#define MR_BOOK_BASES(V)           \
    V(MR_BOOK_BASIS_OPEN, 0, open) \
    V(MR_BOOK_BASIS_TOTAL, 1, total)
enum mr_book_basis { MR_BOOK_BASES(MR_ENUM_VALUE) };

#define MR_BOOK_PLACES(V)          \
    V(MR_BOOK_PLACE_LOST, 0, lost) \
    V(MR_BOOK_PLACE_KEPT, 1, kept)
enum mr_book_place { MR_BOOK_PLACES(MR_ENUM_VALUE) };

#define MR_BOOK_SWITCHES(V)     \
    V(MR_BOOK_SWITCH_NO, 0, no) \
    V(MR_BOOK_SWITCH_YES, 1, yes)
enum mr_book_switch { MR_BOOK_SWITCHES(MR_ENUM_VALUE) };

/* Which sides of an instrument. */
#define MR_BOOK_SIDE_FILTERS(V)       \
    V(MR_BOOK_SIDES_BOTH, 0, both)    \
    V(MR_BOOK_SIDES_BUY_ONLY, 1, buy) \
    V(MR_BOOK_SIDES_SELL_ONLY, 2, sell)
enum mr_book_side_filter { MR_BOOK_SIDE_FILTERS(MR_ENUM_VALUE) };

/* What a rejected request had asked for. */
#define MR_BOOK_ACTIONS(V)                                    \
    V(MR_BOOK_ACTION_NEW, 0, new)                             \
    V(MR_BOOK_ACTION_CANCEL, 1, cancel)                       \
    V(MR_BOOK_ACTION_REPLACE, 2, replace)                     \
    V(MR_BOOK_ACTION_INSTRUMENT_DEFINE, 3, instrument_define) \
    V(MR_BOOK_ACTION_INSTRUMENT_UPDATE, 4, instrument_update) \
    V(MR_BOOK_ACTION_PHASE_SET, 5, phase_set)                 \
    V(MR_BOOK_ACTION_TICK_BAND_ADD, 6, tick_band_add)         \
    V(MR_BOOK_ACTION_ACCOUNT_DEFINE, 7, account_define)       \
    V(MR_BOOK_ACTION_ACCOUNT_BLOCK, 8, account_block)         \
    V(MR_BOOK_ACTION_ACCOUNT_UNBLOCK, 9, account_unblock)     \
    V(MR_BOOK_ACTION_ORDERS_CANCEL, 10, orders_cancel)
enum mr_book_action { MR_BOOK_ACTIONS(MR_ENUM_VALUE) };

/* Why an order or its remainder was cancelled. */
#define MR_BOOK_CANCELS(V)                                                                       \
    V(MR_BOOK_CANCEL_REQUESTED, 0, requested)               /* by order_cancel */                \
    V(MR_BOOK_CANCEL_IOC_REMAINDER, 1, ioc_remainder)       /* nothing left within its limit */  \
    V(MR_BOOK_CANCEL_MARKET_REMAINDER, 2, market_remainder) /* nothing left at all */            \
    V(MR_BOOK_CANCEL_FILLS_LIMIT, 3, fills_limit)           /* it had made fills_max trades */   \
    V(MR_BOOK_CANCEL_REPLACED, 4, replaced_below_filled)                                         \
    V(MR_BOOK_CANCEL_COLLAR, 5, collar)           /* what is left of the other side is beyond */ \
    V(MR_BOOK_CANCEL_SELF_TRADE, 6, self_trade)   /* it met its own account */                   \
    V(MR_BOOK_CANCEL_EXPIRED, 7, expired)         /* its day or date has come */                 \
    V(MR_BOOK_CANCEL_MANY, 8, many)               /* by orders_cancel */                         \
    V(MR_BOOK_CANCEL_BLOCKED, 9, account_blocked) /* by account_block */
enum mr_book_cancel { MR_BOOK_CANCELS(MR_ENUM_VALUE) };

/* Why a request was rejected, in the order in which the checks are made. */
#define MR_BOOK_REASONS(R)                                                                         \
    R(MR_BOOK_UNKNOWN_INSTRUMENT, 64, unknown_instrument, "no instrument has this id")             \
    R(MR_BOOK_BAD_SIDE, 65, bad_side, "the side is neither buy nor sell (nor both, of several)")   \
    R(MR_BOOK_BAD_KIND, 66, bad_kind, "the kind is neither limit nor market")                      \
    R(MR_BOOK_BAD_TIF, 67, bad_tif, "no such time in force, or a market order that would rest")    \
    R(MR_BOOK_BAD_POST, 68, bad_post,                                                              \
      "no such way of post-only, or asked for an order that cannot rest or has a min_quantity")    \
    R(MR_BOOK_BAD_STP, 69, bad_stp, "no such way of self-trade prevention")                        \
    R(MR_BOOK_BAD_BASIS, 70, bad_basis, "the basis is neither open nor total")                     \
    R(MR_BOOK_BAD_SWITCH, 71, bad_switch, "a switch that is neither no nor yes")                   \
    R(MR_BOOK_BAD_PHASE, 72, bad_phase, "no such trading phase")                                   \
    R(MR_BOOK_MARKET_HALTED, 73, market_halted, "trading is halted: orders can only be cancelled") \
    R(MR_BOOK_MARKET_CLOSED, 74, market_closed, "trading is closed: orders can only be cancelled") \
    R(MR_BOOK_PRICE_OUT_OF_RANGE, 75, price_out_of_range,                                          \
      "the price is not within the instrument's price_min and price_max")                          \
    R(MR_BOOK_OFF_TICK, 76, off_tick, "the price is no multiple of the tick that applies to it")   \
    R(MR_BOOK_ZERO_QUANTITY, 77, zero_quantity, "the quantity is zero")                            \
    R(MR_BOOK_OFF_LOT, 78, off_lot, "the quantity is no multiple of the instrument's lot")         \
    R(MR_BOOK_QUANTITY_TOO_LARGE, 79, quantity_too_large,                                          \
      "the quantity, with what is filled already, is above the instrument's quantity_max")         \
    R(MR_BOOK_BAD_MIN_QUANTITY, 80, bad_min_quantity,                                              \
      "the min_quantity is above the quantity, or no multiple of the instrument's lot")            \
    R(MR_BOOK_BAD_EXPIRY, 81, bad_expiry,                                                          \
      "expires_ns is not after the request's time, or given for another order than gtd")           \
    R(MR_BOOK_ACCOUNT_IS_BLOCKED, 82, account_is_blocked, "the account is blocked")                \
    R(MR_BOOK_DUPLICATE_ORDER, 83, duplicate_order, "a live order of the instrument has this id")  \
    R(MR_BOOK_UNKNOWN_ORDER, 84, unknown_order, "no live order of the instrument has this id")     \
    R(MR_BOOK_NOT_OWNER, 85, not_owner,                                                            \
      "the order is another account's, or what is to be cancelled is not only the sender's")       \
    R(MR_BOOK_WOULD_CROSS, 86, would_cross, "a post-only order that would trade at once")          \
    R(MR_BOOK_FOK_UNFILLED, 87, fok_unfilled, "a FOK order that the book cannot fill whole")       \
    R(MR_BOOK_MIN_QUANTITY_UNMET, 88, min_quantity_unmet,                                          \
      "the book cannot fill min_quantity at once")                                                 \
    R(MR_BOOK_FILLS_LIMIT, 89, fills_limit,                                                        \
      "what must be filled at once would need more than fills_max fills")                          \
    R(MR_BOOK_ORDERS_FULL, 90, orders_full, "orders_max orders rest already")                      \
    R(MR_BOOK_LEVELS_FULL, 91, levels_full, "levels_max price levels are in use already")          \
    R(MR_BOOK_LEVEL_QUANTITY_FULL, 92, level_quantity_full,                                        \
      "the quantities at this price would add up to more than 64 bits hold")                       \
    R(MR_BOOK_GROUPS_FULL, 93, groups_full,                                                        \
      "groups_max accounts, sessions and expiry times are in use already")                         \
    R(MR_BOOK_BAD_SYMBOL, 94, bad_symbol,                                                          \
      "the symbol is empty or not printable ASCII without spaces, padded with zeros")              \
    R(MR_BOOK_BAD_RANGE, 95, bad_range,                                                            \
      "price_min is above price_max, or quantity_max is below one lot")                            \
    R(MR_BOOK_BAD_DECIMALS, 96, bad_decimals, "more than 18 decimals")                             \
    R(MR_BOOK_BAD_TICK, 97, bad_tick,                                                              \
      "a tick of zero, or tick and tick_table both, or a band that does not begin above the last") \
    R(MR_BOOK_BAD_TIME_OF_DAY, 98, bad_time_of_day, "no second of a day")                          \
    R(MR_BOOK_BAD_ACCOUNT, 99, bad_account, "0 is no account")                                     \
    R(MR_BOOK_BAD_INSTRUMENT, 100, bad_instrument, "0 is no instrument's id: it means any")        \
    R(MR_BOOK_INSTRUMENT_EXISTS, 101, instrument_exists, "an instrument has this id already")      \
    R(MR_BOOK_INSTRUMENTS_FULL, 102, instruments_full, "instruments_max are defined already")      \
    R(MR_BOOK_UNKNOWN_TICK_TABLE, 103, unknown_tick_table, "no tick table has this number")        \
    R(MR_BOOK_TICK_TABLE_IN_USE, 104, tick_table_in_use, "an instrument uses the tick table")      \
    R(MR_BOOK_TICK_TABLE_FULL, 105, tick_table_full, "the tick table has all its bands already")
enum mr_book_reason { MR_BOOK_REASONS(MR_REASON_VALUE) };

enum {
    MR_BOOK_AGGREGATE_INSTRUMENT = MR_CATALOG_LOGIC_FIRST,
    MR_BOOK_TICK_BANDS_MAX = 32, /* of a tick table */
};

/* -- Commands. --------------------------------------------------------------------------------- */

enum mr_book_command {
    MR_BOOK_INSTRUMENT_DEFINE = MR_CATALOG_LOGIC_FIRST,
    MR_BOOK_ORDER_NEW,
    MR_BOOK_ORDER_CANCEL,
    MR_BOOK_ORDER_REPLACE,
    MR_BOOK_INSTRUMENT_UPDATE,
    MR_BOOK_PHASE_SET,
    MR_BOOK_TICK_BAND_ADD,
    MR_BOOK_ACCOUNT_DEFINE,
    MR_BOOK_ACCOUNT_BLOCK,
    MR_BOOK_ACCOUNT_UNBLOCK,
    MR_BOOK_ORDERS_CANCEL,
};

/* Opens an instrument. A tick table must have its bands before. */
#define MR_BOOK_INSTRUMENT_FIELDS(F)                                                       \
    F(text16, symbol, "", "what people call it")                                           \
    F(i64, price_min, "ticks", "least price of a limit order")                             \
    F(i64, price_max, "ticks", "greatest price of a limit order")                          \
    F(u64, quantity_max, "units", "greatest quantity of an order, fills included")         \
    F(optional(u64), lot, "units", "quantities are multiples of it; 0: any")               \
    F(u32, instrument, "", "id of the instrument, chosen by the operator")                 \
    F(optional(u32), tick, "ticks", "prices are multiples of it; 0: any")                  \
    F(optional(u16), tick_table, "", "number of the table that says so by price; 0: none") \
    F(optional(u8), price_decimals, "digits", "decimals of a price, for display")          \
    F(optional(u8), quantity_decimals, "digits", "decimals of a quantity, for display")    \
    F(optional(enum8(mr_book_phase)), phase, "", "trading phase that it begins in")        \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_instrument_define, MR_BOOK_INSTRUMENT_FIELDS);

#define MR_BOOK_ORDER_NEW_FIELDS(F)                                                         \
    F(u64, order, "", "id, chosen by the sender, that no live order of the instrument has") \
    F(optional(u64), account, "", "whose order it is; 0: nobody's in particular")           \
    F(optional(i64), price, "ticks", "limit; ignored for market orders")                    \
    F(u64, quantity, "units", "how much")                                                   \
    F(optional(u64), min_quantity, "units", "least that must trade at once; 0: none")       \
    F(optional(u64), expires_ns, "ns", "of gtd: the time from which on it is gone")         \
    F(u32, instrument, "", "id of the instrument")                                          \
    F(enum8(mr_book_side), side, "", "buy or sell")                                         \
    F(optional(enum8(mr_book_kind)), kind, "", "limit or market")                           \
    F(optional(enum8(mr_book_tif)), tif, "", "what becomes of what is not filled at once")  \
    F(optional(enum8(mr_book_post)), post, "", "what happens if it would trade at once")    \
    F(optional(enum8(mr_book_stp)), stp, "", "who gives way when it meets its own account") \
    F(pad(7), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_new, MR_BOOK_ORDER_NEW_FIELDS);

#define MR_BOOK_ORDER_CANCEL_FIELDS(F)                 \
    F(u64, order, "", "id of a live order")            \
    F(optional(u64), account, "", "whose order it is") \
    F(u32, instrument, "", "id of its instrument")     \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_cancel, MR_BOOK_ORDER_CANCEL_FIELDS);

#define MR_BOOK_ORDER_REPLACE_FIELDS(F)                                                   \
    F(u64, order, "", "id of a live order")                                               \
    F(optional(u64), account, "", "whose order it is")                                    \
    F(i64, price, "ticks", "its new limit")                                               \
    F(u64, quantity, "units", "its new quantity")                                         \
    F(optional(u64), new_order, "", "its new id, if renumber says so")                    \
    F(u32, instrument, "", "id of its instrument")                                        \
    F(optional(enum8(mr_book_basis)), basis, "",                                          \
      "whether the quantity is what shall remain open, or the total with what is filled") \
    F(optional(enum8(mr_book_switch)), renumber, "", "whether it takes the new id")       \
    F(pad(2), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_replace, MR_BOOK_ORDER_REPLACE_FIELDS);

/* Sets all of these at once. */
#define MR_BOOK_INSTRUMENT_UPDATE_FIELDS(F)                                                      \
    F(optional(i64), reference, "ticks", "price that the collar is around until the next trade") \
    F(optional(u64), collar, "ticks", "how far from it market orders may trade; 0: anywhere")    \
    F(u32, instrument, "", "id of the instrument")                                               \
    F(optional(u32), day_end, "s", "when its trading day ends, after midnight, UTC")             \
    F(optional(enum8(mr_book_switch)), top, "", "whether it publishes top_of_book")              \
    F(pad(7), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_instrument_update, MR_BOOK_INSTRUMENT_UPDATE_FIELDS);

#define MR_BOOK_PHASE_FIELDS(F)                                     \
    F(u32, instrument, "", "id of the instrument")                  \
    F(enum8(mr_book_phase), phase, "", "trading phase from now on") \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_phase_set, MR_BOOK_PHASE_FIELDS);

/* Tables come into being with their first band, which applies to all prices below, too; they can
 * grow until an instrument uses them. */
#define MR_BOOK_TICK_BAND_FIELDS(F)                                              \
    F(i64, from, "ticks", "least price of the band, above that of the last one") \
    F(u32, tick, "ticks", "prices of the band are multiples of it")              \
    F(u16, tick_table, "", "number of the table, 1 to tick_tables_max")          \
    F(pad(2), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_tick_band_add, MR_BOOK_TICK_BAND_FIELDS);

/* Of an account that is known already: changes it. `account` is what every account has. */
#define MR_BOOK_ACCOUNT_DEFINE_FIELDS(F)                                                  \
    F(u64, account, "", "number of the account, not 0")                                   \
    F(optional(enum8(mr_book_stp)), stp, "", "who gives way when two of its orders meet") \
    F(pad(7), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_account_define, MR_BOOK_ACCOUNT_DEFINE_FIELDS);

/* The kill switch: no more orders of this account until it is unblocked, and all that rest are
 * cancelled. For operators, as accounts are not bound to sessions; a user cancels by
 * orders_cancel. */
#define MR_BOOK_ACCOUNT_FIELDS(F) F(u64, account, "", "number of the account, not 0")
MR_MESSAGE_STRUCT(mr_book_account_block, MR_BOOK_ACCOUNT_FIELDS);
MR_MESSAGE_STRUCT(mr_book_account_unblock, MR_BOOK_ACCOUNT_FIELDS);

/* Cancels the live orders for which everything that is not 0 (or both) holds. A user names an
 * account, or the own session. In the order: of an account or session, oldest first; else
 * instrument by instrument in the order of their definition, buy before sell, best first. */
#define MR_BOOK_ORDERS_CANCEL_FIELDS(F)                                                 \
    F(optional(u64), account, "", "whose orders; 0: everybody's")                       \
    F(optional(u64), of_session, "", "orders that came from this session; 0: from any") \
    F(optional(u32), instrument, "", "id of their instrument; 0: any")                  \
    F(optional(enum8(mr_book_side_filter)), side, "", "buy, sell, or both")             \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_orders_cancel, MR_BOOK_ORDERS_CANCEL_FIELDS);

/* -- Events. ----------------------------------------------------------------------------------- */

enum mr_book_event {
    MR_BOOK_INSTRUMENT_DEFINED = MR_CATALOG_LOGIC_FIRST,
    MR_BOOK_SETUP_REJECTED,
    MR_BOOK_ORDER_ACCEPTED,
    MR_BOOK_ORDER_REJECTED,
    MR_BOOK_TRADE,
    MR_BOOK_ORDER_REPLACED,
    MR_BOOK_ORDER_CANCELLED,
    MR_BOOK_ORDER_REDUCED,
    MR_BOOK_TOP_OF_BOOK,
    MR_BOOK_PHASE_CHANGED,
    MR_BOOK_INSTRUMENT_UPDATED,
    MR_BOOK_TICK_BAND_ADDED,
    MR_BOOK_ACCOUNT_DEFINED,
    MR_BOOK_ACCOUNT_BLOCKED,
    MR_BOOK_ACCOUNT_UNBLOCKED,
    MR_BOOK_ORDERS_CANCELLED,
};

MR_MESSAGE_STRUCT(mr_book_instrument_defined, MR_BOOK_INSTRUMENT_FIELDS);
MR_MESSAGE_STRUCT(mr_book_instrument_updated, MR_BOOK_INSTRUMENT_UPDATE_FIELDS);
MR_MESSAGE_STRUCT(mr_book_phase_changed, MR_BOOK_PHASE_FIELDS);
MR_MESSAGE_STRUCT(mr_book_tick_band_added, MR_BOOK_TICK_BAND_FIELDS);
MR_MESSAGE_STRUCT(mr_book_account_defined, MR_BOOK_ACCOUNT_DEFINE_FIELDS);
MR_MESSAGE_STRUCT(mr_book_account_unblocked, MR_BOOK_ACCOUNT_FIELDS);

/* Anything but an order's own commands did nothing. */
#define MR_BOOK_SETUP_REJECTED_FIELDS(F)                                                         \
    F(u64, subject, "", "what the command named: instrument, account or number of a tick table") \
    F(reason, reason, "", "why nothing was done")                                                \
    F(enum8(mr_book_action), action, "", "what was asked for")                                   \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_setup_rejected, MR_BOOK_SETUP_REJECTED_FIELDS);

#define MR_BOOK_ORDER_ACCEPTED_FIELDS(F)                                         \
    F(u64, order, "", "id")                                                      \
    F(u64, account, "", "whose order it is")                                     \
    F(i64, price, "ticks", "limit, after re-pricing; zero for market orders")    \
    F(u64, quantity, "units", "how much")                                        \
    F(u64, min_quantity, "units", "least that trades at once")                   \
    F(u64, expires_ns, "ns", "time from which on it is gone; 0: never")          \
    F(u32, instrument, "", "id of the instrument")                               \
    F(enum8(mr_book_side), side, "", "buy or sell")                              \
    F(enum8(mr_book_kind), kind, "", "limit or market")                          \
    F(enum8(mr_book_tif), tif, "", "what becomes of what is not filled at once") \
    F(enum8(mr_book_post), post, "", "what happens if it would trade at once")   \
    F(enum8(mr_book_stp), stp, "", "as the command said")                        \
    F(pad(7), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_accepted, MR_BOOK_ORDER_ACCEPTED_FIELDS);

#define MR_BOOK_ORDER_REJECTED_FIELDS(F)                       \
    F(u64, order, "", "id that the command named")             \
    F(u32, instrument, "", "id that the command named")        \
    F(reason, reason, "", "why nothing was done")              \
    F(enum8(mr_book_action), action, "", "what was asked for") \
    F(pad(7), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_rejected, MR_BOOK_ORDER_REJECTED_FIELDS);

#define MR_BOOK_TRADE_FIELDS(F)                                           \
    F(u64, trade, "", "number of the instrument's trade, dense, from 1")  \
    F(u64, maker, "", "id of the resting order")                          \
    F(u64, taker, "", "id of the incoming order")                         \
    F(i64, price, "ticks", "the maker's")                                 \
    F(u64, quantity, "units", "how much changed hands")                   \
    F(u64, maker_remaining, "units", "what the maker has open after it")  \
    F(u64, taker_remaining, "units", "what the taker has open after it")  \
    F(u32, instrument, "", "id of the instrument")                        \
    F(enum8(mr_book_side), side, "", "the taker's, who is the aggressor") \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_trade, MR_BOOK_TRADE_FIELDS);

#define MR_BOOK_ORDER_REPLACED_FIELDS(F)                                               \
    F(u64, order, "", "id from now on")                                                \
    F(u64, old_order, "", "id so far, mostly the same")                                \
    F(i64, price, "ticks", "its limit from now on, after re-pricing")                  \
    F(u64, quantity, "units", "what it has open, before the trades of this command")   \
    F(u32, instrument, "", "id of the instrument")                                     \
    F(enum8(mr_book_place), place, "", "kept, or lost: last at its price, or a taker") \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_replaced, MR_BOOK_ORDER_REPLACED_FIELDS);

#define MR_BOOK_ORDER_CANCELLED_FIELDS(F)                         \
    F(u64, order, "", "id")                                       \
    F(u64, remaining, "units", "what it had open, which is gone") \
    F(u32, instrument, "", "id of the instrument")                \
    F(enum8(mr_book_cancel), cause, "", "why")                    \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_cancelled, MR_BOOK_ORDER_CANCELLED_FIELDS);

/* Self-trade prevention (decrement) has taken something from the larger order. It keeps its
 * place. */
#define MR_BOOK_ORDER_REDUCED_FIELDS(F)                         \
    F(u64, order, "", "id")                                     \
    F(u64, other, "", "the smaller order, of the same account") \
    F(u64, quantity, "units", "what it has lost")               \
    F(u64, remaining, "units", "what it has open now")          \
    F(u32, instrument, "", "id of the instrument")              \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_reduced, MR_BOOK_ORDER_REDUCED_FIELDS);

/* What a command has left at the best prices, if that has changed. */
#define MR_BOOK_TOP_OF_BOOK_FIELDS(F)                            \
    F(i64, bid_price, "ticks", "best price of the buyers")       \
    F(u64, bid_quantity, "units", "open at it; 0: nobody buys")  \
    F(i64, ask_price, "ticks", "best price of the sellers")      \
    F(u64, ask_quantity, "units", "open at it; 0: nobody sells") \
    F(u32, instrument, "", "id of the instrument")               \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_top_of_book, MR_BOOK_TOP_OF_BOOK_FIELDS);

#define MR_BOOK_ACCOUNT_BLOCKED_FIELDS(F)        \
    F(u64, account, "", "number of the account") \
    F(u64, orders, "orders", "that were cancelled")
MR_MESSAGE_STRUCT(mr_book_account_blocked, MR_BOOK_ACCOUNT_BLOCKED_FIELDS);

#define MR_BOOK_ORDERS_CANCELLED_FIELDS(F)                                    \
    F(u64, account, "", "whose orders; 0: everybody's")                       \
    F(u64, of_session, "", "orders that came from this session; 0: from any") \
    F(u64, orders, "orders", "that were cancelled")                           \
    F(u32, instrument, "", "id of their instrument; 0: any")                  \
    F(enum8(mr_book_side_filter), side, "", "buy, sell, or both")             \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_orders_cancelled, MR_BOOK_ORDERS_CANCELLED_FIELDS);

/* -- Configuration, fixed by genesis. ---------------------------------------------------------- */

/* An order takes 64 bytes, 64 more if it has an account, a session or an expiry, and 32 to 256 to
 * be found by its id; 64 neighbouring prices of a side 2,112, as soon as one of them is in use; an
 * instrument 832; a group 32. Memory is touched, and counts for digests and snapshots, only as far
 * as it was ever used, but for the tables that instruments and groups are found by: 16 bytes for
 * each that there can be. */
#define MR_BOOK_CONFIG_FIELDS(F)                                                              \
    F(u64, hash_seed, "", "keys the mixing of ids, so that nobody can make them collide")     \
    F(u32, instruments_max, "instruments", "instruments that can be defined, 1 to 2^20")      \
    F(u32, orders_max, "orders", "orders that can rest at once, 1 to 2^26")                   \
    F(u32, levels_max, "levels", "price levels in use at once, 1 to 2^22")                    \
    F(u32, fills_max, "fills", "trades that one command can make, 1 to 65,000")               \
    F(u32, groups_max, "groups",                                                              \
      "accounts that have orders or settings, sessions that have orders, and times at which " \
      "orders expire, together, 1 to 2^26")                                                   \
    F(u32, tick_tables_max, "tables", "tick tables, 1 to 4,096")
MR_MESSAGE_STRUCT(mr_book_config, MR_BOOK_CONFIG_FIELDS);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
