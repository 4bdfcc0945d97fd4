/*
 * <millrace/book.h>: a price-time order book for many instruments, as a logic (<millrace/logic.h>).
 *
 * It needs no engine: state is a block of memory, a command goes in, events come out.
 *
 *     struct mr_book_config config;
 *     mr_logic_book.config_default(&config);
 *     struct mr_book *book = aligned_alloc(4096, ...);  // mr_logic_book.state_size(&config) bytes
 *     memset(book, 0, ...);
 *     mr_logic_book.init(book, &config);
 *     struct mr_context context = {.state = book, .config = &config, .outbox = &outbox};
 *     outbox.used = outbox.count = 0;                                       // before each command
 *     uint32_t reason = mr_logic_book.apply(&context, command);             // 0: done
 *
 * The outbox holds turn_events_max(&config) events of event_size_max bytes. Whoever applies a
 * command this way has checked its length; everything else about it is the book's to check. State
 * is aligned to at least 64 bytes.
 *
 * THE RULES
 *
 * Prices are whole ticks, quantities whole lots; how many decimals they have is for display only.
 * Better prices trade first; at one price, who came first. Every fill is at the resting order's
 * (the *maker's*) price; an incoming order (the *taker*) stops at its own limit.
 *
 *   kind    tif   what happens to what is not filled at once
 *   limit   gtc   it rests in the book until filled or cancelled
 *   limit   ioc   cancelled (ioc_remainder)
 *   limit   fok   the whole order is rejected (fok_unfilled), without a trade
 *   market  ioc   cancelled (market_remainder)
 *   market  fok   as limit fok; its price is ignored, as for all market orders
 *   market  gtc   not possible: bad_tif
 *
 * Order ids are the caller's, unique among the live orders of an instrument, and free again when
 * the order is filled or cancelled.
 *
 * order_replace changes a live order to a new price and a new quantity, which is given as what
 * shall remain open (basis open) or as what was ordered in all, fills included (basis total):
 *   - same price, no more open than before: it keeps its place (nothing at all may change: that,
 *     too, is answered by order_replaced);
 *   - total quantity at or below what is filled: it is cancelled (replaced_below_filled);
 *   - anything else: it loses its place and may trade at once, as a new limit gtc order would.
 *
 * One command makes at most `fills_max` trades. What would trade on is then cancelled
 * (fills_limit); a FOK order that would need more is rejected (fills_limit).
 *
 * A rejected command changes nothing. When several things are wrong with it, the reason is the
 * first of: unknown_instrument; bad_side, bad_kind, bad_tif, bad_basis; price_out_of_range;
 * zero_quantity, quantity_too_large; duplicate_order or unknown_order; quantity_too_large of a
 * replacement together with what is filled; fok_unfilled, fills_limit; orders_full; levels_full.
 * Of an instrument: bad_symbol, bad_range, bad_decimals, instrument_exists, instruments_full.
 * Padding is not looked at. What is full is so for orders that would rest at once: one that trades
 * first and rests then has made room.
 *
 * THE EVENTS of one command, in this order:
 *   order_new      order_accepted, trades, order_cancelled if a remainder was cancelled
 *   order_replace  order_replaced, trades, order_cancelled if a remainder was; or order_cancelled
 *   order_cancel   order_cancelled
 *   rejected       order_rejected, or instrument_rejected
 * What an order has open after its own events (accepted or replaced quantity, less its trades) and
 * what was not cancelled, rests. All events belong to the aggregate `instrument` with the
 * instrument's id, but for rejects for an instrument that does not exist, which belong to none.
 */
#ifndef MILLRACE_BOOK_H
#define MILLRACE_BOOK_H

#include <millrace/catalog.h>
#include <millrace/logic.h>

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

#define MR_BOOK_TIFS(V)        \
    V(MR_BOOK_TIF_GTC, 0, gtc) \
    V(MR_BOOK_TIF_IOC, 1, ioc) \
    V(MR_BOOK_TIF_FOK, 2, fok)
enum mr_book_tif { MR_BOOK_TIFS(MR_ENUM_VALUE) };

#define MR_BOOK_BASES(V)           \
    V(MR_BOOK_BASIS_OPEN, 0, open) \
    V(MR_BOOK_BASIS_TOTAL, 1, total)
enum mr_book_basis { MR_BOOK_BASES(MR_ENUM_VALUE) };

#define MR_BOOK_PLACES(V)          \
    V(MR_BOOK_PLACE_LOST, 0, lost) \
    V(MR_BOOK_PLACE_KEPT, 1, kept)
enum mr_book_place { MR_BOOK_PLACES(MR_ENUM_VALUE) };

#define MR_BOOK_ACTIONS(V)              \
    V(MR_BOOK_ACTION_NEW, 0, new)       \
    V(MR_BOOK_ACTION_CANCEL, 1, cancel) \
    V(MR_BOOK_ACTION_REPLACE, 2, replace)
enum mr_book_action { MR_BOOK_ACTIONS(MR_ENUM_VALUE) };

/* Why an order or its remainder was cancelled. */
#define MR_BOOK_CANCELS(V)                                  \
    V(MR_BOOK_CANCEL_REQUESTED, 0, requested)               \
    V(MR_BOOK_CANCEL_IOC_REMAINDER, 1, ioc_remainder)       \
    V(MR_BOOK_CANCEL_MARKET_REMAINDER, 2, market_remainder) \
    V(MR_BOOK_CANCEL_FILLS_LIMIT, 3, fills_limit)           \
    V(MR_BOOK_CANCEL_REPLACED, 4, replaced_below_filled)
enum mr_book_cancel { MR_BOOK_CANCELS(MR_ENUM_VALUE) };

/* Why a command was rejected. */
#define MR_BOOK_REASONS(R)                                                                        \
    R(MR_BOOK_UNKNOWN_INSTRUMENT, 64, unknown_instrument, "no instrument has this id")            \
    R(MR_BOOK_INSTRUMENT_EXISTS, 65, instrument_exists, "an instrument has this id already")      \
    R(MR_BOOK_INSTRUMENTS_FULL, 66, instruments_full, "instruments_max are defined already")      \
    R(MR_BOOK_BAD_SYMBOL, 67, bad_symbol,                                                         \
      "the symbol is empty or not printable ASCII without spaces, padded with zeros")             \
    R(MR_BOOK_BAD_RANGE, 68, bad_range, "price_min is above price_max, or quantity_max is zero")  \
    R(MR_BOOK_BAD_DECIMALS, 69, bad_decimals, "more than 18 decimals")                            \
    R(MR_BOOK_BAD_SIDE, 70, bad_side, "the side is neither buy nor sell")                         \
    R(MR_BOOK_BAD_KIND, 71, bad_kind, "the kind is neither limit nor market")                     \
    R(MR_BOOK_BAD_TIF, 72, bad_tif, "no such time in force, or a market order that would rest")   \
    R(MR_BOOK_BAD_BASIS, 73, bad_basis, "the basis is neither open nor total")                    \
    R(MR_BOOK_PRICE_OUT_OF_RANGE, 74, price_out_of_range,                                         \
      "the price is not within the instrument's price_min and price_max")                         \
    R(MR_BOOK_ZERO_QUANTITY, 75, zero_quantity, "the quantity is zero")                           \
    R(MR_BOOK_QUANTITY_TOO_LARGE, 76, quantity_too_large,                                         \
      "the quantity, with what is filled already, is above the instrument's quantity_max")        \
    R(MR_BOOK_DUPLICATE_ORDER, 77, duplicate_order, "a live order of the instrument has this id") \
    R(MR_BOOK_UNKNOWN_ORDER, 78, unknown_order, "no live order of the instrument has this id")    \
    R(MR_BOOK_FOK_UNFILLED, 79, fok_unfilled, "a FOK order that the book cannot fill whole")      \
    R(MR_BOOK_FILLS_LIMIT, 80, fills_limit,                                                       \
      "a FOK order that would need more than fills_max fills")                                    \
    R(MR_BOOK_ORDERS_FULL, 81, orders_full, "orders_max orders rest already")                     \
    R(MR_BOOK_LEVELS_FULL, 82, levels_full, "levels_max price levels are in use already")
enum mr_book_reason { MR_BOOK_REASONS(MR_REASON_VALUE) };

enum { MR_BOOK_AGGREGATE_INSTRUMENT = MR_CATALOG_LOGIC_FIRST };

/* -- Commands. --------------------------------------------------------------------------------- */

enum mr_book_command {
    MR_BOOK_INSTRUMENT_DEFINE = MR_CATALOG_LOGIC_FIRST,
    MR_BOOK_ORDER_NEW,
    MR_BOOK_ORDER_CANCEL,
    MR_BOOK_ORDER_REPLACE,
};

#define MR_BOOK_INSTRUMENT_FIELDS(F)                                                    \
    F(text16, symbol, "", "what people call it")                                        \
    F(i64, price_min, "ticks", "least price of a limit order")                          \
    F(i64, price_max, "ticks", "greatest price of a limit order")                       \
    F(u64, quantity_max, "lots", "greatest quantity of an order, fills included")       \
    F(u32, instrument, "", "id of the instrument, chosen by the operator")              \
    F(optional(u8), price_decimals, "digits", "decimals of a price, for display")       \
    F(optional(u8), quantity_decimals, "digits", "decimals of a quantity, for display") \
    F(pad(2), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_instrument_define, MR_BOOK_INSTRUMENT_FIELDS);

#define MR_BOOK_ORDER_NEW_FIELDS(F)                                                         \
    F(u64, order, "", "id, chosen by the sender, that no live order of the instrument has") \
    F(optional(u64), account, "", "whose order it is")                                      \
    F(optional(i64), price, "ticks", "limit; ignored for market orders")                    \
    F(u64, quantity, "lots", "how much")                                                    \
    F(u32, instrument, "", "id of the instrument")                                          \
    F(enum8(mr_book_side), side, "", "buy or sell")                                         \
    F(optional(enum8(mr_book_kind)), kind, "", "limit or market")                           \
    F(optional(enum8(mr_book_tif)), tif, "", "what becomes of what is not filled at once")  \
    F(pad(1), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_new, MR_BOOK_ORDER_NEW_FIELDS);

#define MR_BOOK_ORDER_CANCEL_FIELDS(F)             \
    F(u64, order, "", "id of a live order")        \
    F(u32, instrument, "", "id of its instrument") \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_cancel, MR_BOOK_ORDER_CANCEL_FIELDS);

#define MR_BOOK_ORDER_REPLACE_FIELDS(F)                                                   \
    F(u64, order, "", "id of a live order")                                               \
    F(i64, price, "ticks", "its new limit")                                               \
    F(u64, quantity, "lots", "its new quantity")                                          \
    F(u32, instrument, "", "id of its instrument")                                        \
    F(optional(enum8(mr_book_basis)), basis, "",                                          \
      "whether the quantity is what shall remain open, or the total with what is filled") \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_replace, MR_BOOK_ORDER_REPLACE_FIELDS);

/* -- Events. ----------------------------------------------------------------------------------- */

enum mr_book_event {
    MR_BOOK_INSTRUMENT_DEFINED = MR_CATALOG_LOGIC_FIRST,
    MR_BOOK_INSTRUMENT_REJECTED,
    MR_BOOK_ORDER_ACCEPTED,
    MR_BOOK_ORDER_REJECTED,
    MR_BOOK_TRADE,
    MR_BOOK_ORDER_REPLACED,
    MR_BOOK_ORDER_CANCELLED,
};

MR_MESSAGE_STRUCT(mr_book_instrument_defined, MR_BOOK_INSTRUMENT_FIELDS);

#define MR_BOOK_INSTRUMENT_REJECTED_FIELDS(F)       \
    F(u32, instrument, "", "id that was asked for") \
    F(reason, reason, "", "why it was not defined")
MR_MESSAGE_STRUCT(mr_book_instrument_rejected, MR_BOOK_INSTRUMENT_REJECTED_FIELDS);

#define MR_BOOK_ORDER_ACCEPTED_FIELDS(F)                                         \
    F(u64, order, "", "id")                                                      \
    F(u64, account, "", "whose order it is")                                     \
    F(i64, price, "ticks", "limit; zero for market orders")                      \
    F(u64, quantity, "lots", "how much")                                         \
    F(u32, instrument, "", "id of the instrument")                               \
    F(enum8(mr_book_side), side, "", "buy or sell")                              \
    F(enum8(mr_book_kind), kind, "", "limit or market")                          \
    F(enum8(mr_book_tif), tif, "", "what becomes of what is not filled at once") \
    F(pad(1), padding, "", "")
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
    F(u64, quantity, "lots", "how much changed hands")                    \
    F(u64, maker_remaining, "lots", "what the maker has open after it")   \
    F(u64, taker_remaining, "lots", "what the taker has open after it")   \
    F(u32, instrument, "", "id of the instrument")                        \
    F(enum8(mr_book_side), side, "", "the taker's, who is the aggressor") \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_trade, MR_BOOK_TRADE_FIELDS);

#define MR_BOOK_ORDER_REPLACED_FIELDS(F)                                               \
    F(u64, order, "", "id")                                                            \
    F(i64, price, "ticks", "its limit from now on")                                    \
    F(u64, quantity, "lots", "what it has open, before the trades of this command")    \
    F(u32, instrument, "", "id of the instrument")                                     \
    F(enum8(mr_book_place), place, "", "kept, or lost: last at its price, or a taker") \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_replaced, MR_BOOK_ORDER_REPLACED_FIELDS);

#define MR_BOOK_ORDER_CANCELLED_FIELDS(F)                        \
    F(u64, order, "", "id")                                      \
    F(u64, remaining, "lots", "what it had open, which is gone") \
    F(u32, instrument, "", "id of the instrument")               \
    F(enum8(mr_book_cancel), cause, "", "why")                   \
    F(pad(3), padding, "", "")
MR_MESSAGE_STRUCT(mr_book_order_cancelled, MR_BOOK_ORDER_CANCELLED_FIELDS);

/* -- Configuration, fixed by genesis. ---------------------------------------------------------- */

/* State takes 64 bytes an order and 64 to 128 to find it by its id, 832 a level (far less in use:
 * 64 neighbouring prices share a page) and 208 to 224 an instrument; the defaults ask for 117 MiB.
 * Memory is touched, and counts for digests and snapshots, only as far as it was ever used. */
#define MR_BOOK_CONFIG_FIELDS(F)                                                                \
    F(u64, hash_seed, "", "keys the mixing of order ids, so that nobody can make them collide") \
    F(u32, instruments_max, "instruments", "instruments that can be defined, 1 to 2^20")        \
    F(u32, orders_max, "orders", "orders that can rest at once, 1 to 2^26")                     \
    F(u32, levels_max, "levels", "price levels in use at once, 1 to 2^22")                      \
    F(u32, fills_max, "fills", "trades that one command can make, 1 to 65,000")
MR_MESSAGE_STRUCT(mr_book_config, MR_BOOK_CONFIG_FIELDS);

/* -- Queries. ---------------------------------------------------------------------------------- */

/* They look at state between commands: the applying thread, or any thread on a copy. Wait-free;
 * each looks only at what it returns. `mr_image_state` of an image gives its book. */
struct mr_book;

/* One price of one side. */
struct mr_book_level {
    int64_t price;
    uint64_t quantity; /* open in all its orders; UINT64_MAX if the sum is larger */
    uint32_t orders;
};

struct mr_book_order {
    uint64_t order;
    uint64_t account;
    int64_t price;
    uint64_t open;
    uint64_t filled;
    uint32_t instrument;
    enum mr_book_side side;
};

struct mr_book_instrument {
    struct mr_book_instrument_define definition;
    uint64_t trades;    /* so far */
    uint32_t orders[2]; /* resting now, by side */
    uint32_t levels[2]; /* in use now, by side */
};

struct mr_book_totals {
    uint64_t trades; /* so far */
    uint32_t instruments;
    uint32_t orders; /* resting now */
    uint32_t levels; /* in use now */
};

/* What the whole book holds. O(1). */
struct mr_book_totals mr_book_totals_get(const struct mr_book *book);

/* The instrument with that id, or the one that was defined as number `index` (from 0); false: there
 * is none. */
bool mr_book_instrument_get(const struct mr_book *book, uint32_t id,
                            struct mr_book_instrument *out);
bool mr_book_instrument_at(const struct mr_book *book, uint32_t index,
                           struct mr_book_instrument *out);

/* The best price of a side; false: it is empty, or there is no such instrument. O(1). */
bool mr_book_best(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                  int64_t *price);

/* The best `limit` levels of a side, best first, into `levels`; returns how many there were. Sums
 * the orders of each level that it returns. */
uint32_t mr_book_depth(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                       struct mr_book_level *levels, uint32_t limit);

/* The live order with that id; false: there is none. O(1). */
bool mr_book_order_get(const struct mr_book *book, uint32_t instrument, uint64_t order,
                       struct mr_book_order *out);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
