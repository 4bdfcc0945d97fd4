/*
 * <millrace/book.h>: a price-time order book for continuous trading in many instruments. It can be
 * used alone, or as a logic (<millrace/logic.h>) under the engine; docs/book.md states every rule
 * with an example.
 *
 * Alone: state is a block of memory, a request goes in, reports come out.
 *
 *     struct mr_book_config config;
 *     mr_logic_book.config_default(&config);
 *     struct mr_book *book = aligned_alloc(4096, ...);  // mr_logic_book.state_size(&config) bytes
 *     memset(book, 0, ...);
 *     mr_logic_book.init(book, &config);
 *
 *     struct mr_book_report reports[...];               // mr_book_reports_max(&config), or more
 *     struct mr_book_turn turn = {.reports = reports, .mask = UINT64_MAX};
 *     union mr_book_request request = {.order_new = {.order = 1, .price = 100, .quantity = 5,
 *                                                    .instrument = 1, .side = MR_BOOK_SIDE_BUY}};
 *     request.any.type = MR_BOOK_ORDER_NEW;
 *     turn.next = 0;                                    // reports[0 .. turn.next) after the call
 *     uint32_t reason = mr_book_apply(book, &request, &turn); // 0: done
 *
 * Nothing here allocates, locks, or calls the system. All of the state lies in that one block,
 * which holds no pointer. State is aligned to at least 64 bytes.
 *
 * THE RULES IN SHORT
 *
 * Prices are whole ticks, quantities unsigned; how many decimals they have is for display only.
 * Better prices trade first; at one price, who came first. Every fill is at the resting order's
 * (the *maker's*) price; an incoming order (the *taker*) stops at its own limit.
 *
 *   tif   what happens to what is not filled at once
 *   gtc   it rests in the book until filled or cancelled
 *   day   it rests until the instrument's trading day ends
 *   gtd   it rests until `expires_ns`
 *   ioc   cancelled (ioc_remainder; of a market order market_remainder, or collar)
 *   fok   the whole order is rejected (fok_unfilled), without a trade
 *
 * Market orders are ioc or fok; their price is ignored. They go no further than `collar` ticks from
 * the last trade's price, or the reference if that was changed later. With `post`, an order that
 * would trade at once is rejected (would_cross), or priced one tick short of the other side's best.
 * With `min_quantity`, an order that could not trade that much at once is rejected
 * (min_quantity_unmet).
 *
 * Order ids are the caller's, unique among the live orders of an instrument, and free again when
 * the order is filled or cancelled. A cancel and a replacement of a user name the order's account,
 * or come, if it has none, from the session that entered it (not_owner); operators may do either.
 *
 * order_replace changes a live order to a new price and a new quantity, which is given as what
 * shall remain open (basis open) or as what was ordered in all, fills included (basis total), and
 * to a new id if `renumber` says so:
 *   - same price, no more open than before: it keeps its place (nothing at all may change: that,
 *     too, is answered by order_replaced);
 *   - total quantity at or below what is filled: it is cancelled (replaced_below_filled);
 *   - anything else: it loses its place and may trade at once, as a new order would.
 *
 * Where both orders of a trade would be of one account, the incoming order's `stp` decides: the
 * newest (incoming), the oldest (resting) or both are cancelled (self_trade), or the larger is
 * reduced by what the smaller has open, which is cancelled. `account` takes the account's default.
 *
 * One request makes at most `fills_max` trades, self-trade preventions included. What would go on
 * is then cancelled (fills_limit); an order that must trade more at once (fok, min_quantity) is
 * rejected (fills_limit).
 *
 * A rejected request changes nothing. When several things are wrong with it, the reason is the
 * first that applies in the order of enum mr_book_reason, whose list says what each one means;
 * docs/book.md tells the exceptions. Padding is not looked at. orders_full and levels_full are so
 * for orders that would rest at once (one that trades first and rests then has made room),
 * groups_full for all that might rest.
 *
 * THE REPORTS of one request, in this order:
 *   order_new      order_accepted; trades, order_reduced and order_cancelled as it meets the other
 *                  side; order_cancelled if its remainder was
 *   order_replace  order_replaced, then as order_new; or order_cancelled
 *   order_cancel   order_cancelled
 *   orders_cancel, account_block   order_cancelled for each; orders_cancelled, account_blocked last
 *   rejected       order_rejected, or setup_rejected
 *   and behind them, where the instrument publishes it and it has changed: top_of_book.
 * What an order has open after its own reports (accepted or replaced quantity, less trades and
 * reductions) and what was not cancelled, rests. As events, they belong to the aggregate
 * `instrument` with the instrument's id; those that name no instrument that exists, to none.
 */
#ifndef MILLRACE_BOOK_H
#define MILLRACE_BOOK_H

#include <millrace/book_messages.h>
#include <millrace/logic.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* -- Using the book alone. --------------------------------------------------------------------- */

struct mr_book;

/* What goes in: the body of a command. `any.type` (enum mr_book_command) lies in what is padding of
 * the longest ones. */
struct mr_book_request_any {
    uint8_t body[63];
    uint8_t type;
};
union mr_book_request {
    struct mr_book_order_new order_new;
    struct mr_book_order_cancel order_cancel;
    struct mr_book_order_replace order_replace;
    struct mr_book_orders_cancel orders_cancel;
    struct mr_book_account_define account_define;
    struct mr_book_account_block account_block;
    struct mr_book_account_unblock account_unblock;
    struct mr_book_instrument_define instrument_define;
    struct mr_book_instrument_update instrument_update;
    struct mr_book_phase_set phase_set;
    struct mr_book_tick_band_add tick_band_add;
    struct mr_book_request_any any;
};

/* What comes out: the body of an event, zeros behind it, and `any.type` (enum mr_book_event). One
 * cache line. */
struct mr_book_report_any {
    uint8_t body[63];
    uint8_t type;
};
union mr_book_report {
    struct mr_book_order_accepted accepted;
    struct mr_book_order_rejected rejected;
    struct mr_book_trade trade;
    struct mr_book_order_replaced replaced;
    struct mr_book_order_cancelled cancelled;
    struct mr_book_order_reduced reduced;
    struct mr_book_top_of_book top;
    struct mr_book_phase_changed phase_changed;
    struct mr_book_setup_rejected setup_rejected;
    struct mr_book_instrument_defined instrument_defined;
    struct mr_book_instrument_updated instrument_updated;
    struct mr_book_tick_band_added tick_band_added;
    struct mr_book_account_defined account_defined;
    struct mr_book_account_blocked account_blocked;
    struct mr_book_account_unblocked account_unblocked;
    struct mr_book_orders_cancelled orders_cancelled;
    struct mr_book_report_any any;
};
MR_STATIC_ASSERT(sizeof(union mr_book_request) == 64, "a request is a cache line");
MR_STATIC_ASSERT(sizeof(union mr_book_report) == 64, "a report is a cache line");

/* Who asks, when, and where reports go: report number n to reports[n & mask]. That is a plain array
 * with mask UINT64_MAX and `next` set to 0 before each call; and a ring's slots with its capacity
 * less one, so that the book writes straight into what another thread reads. There must be room for
 * mr_book_reports_max reports before each call. */
struct mr_book_turn {
    union mr_book_report *reports; /* aligned to 64 bytes, or at least to 8 */
    uint64_t mask;
    uint64_t next;    /* number of the next report */
    uint64_t time_ns; /* not below that of the last call */
    uint64_t session; /* who sends it; 0: nobody in particular */
    uint8_t role;     /* enum mr_role: a user's orders are for nobody else to change */
    bool again;       /* set by the call: it is not finished, call with the same again */
    uint8_t reserved[6];
    struct mr_context *context; /* NULL (the engine's own use: reports become events) */
};

/* The most reports that one call writes. */
uint32_t mr_book_reports_max(const struct mr_book_config *config);

/* Applies one request: 0, or the reason for which it was rejected. With turn->again set
 * (orders_cancel and account_block that cancel many) it returns 0 and must be called with the same
 * request until that is clear; nothing else may be applied in between, and each call needs the room
 * anew. Orders that are due must have been expired before. A type that there is not
 * (MR_REASON_UNKNOWN_TYPE) makes no report; of roles, only what the rules above say of users is
 * looked at. One thread; wait-free. */
uint32_t mr_book_apply(struct mr_book *book, const union mr_book_request *request,
                       struct mr_book_turn *turn);

/* Brings what a request will need nearer, for whoever holds several of them: pays off where there
 * are millions of live orders. Stage 0 some requests ahead (8 to 32), then 1, 2 and 3, each some
 * requests nearer: each looks at what the one before has brought. Changes nothing, and never
 * matters for what happens. One thread; wait-free. */
enum { MR_BOOK_PREFETCH_STAGES = 4 };
void mr_book_prefetch(const struct mr_book *book, const union mr_book_request *request,
                      uint32_t stage);

/* When the next order expires, UINT64_MAX: none does, or then. O(1). */
uint64_t mr_book_expiry_next(const struct mr_book *book);

/* Cancels orders whose expires_ns is not above turn->time_ns, in the order of those times, then of
 * entry; as many as a call may. turn->again says that there are more. (Under the engine a timer
 * does this.) One thread; wait-free. */
void mr_book_expire(struct mr_book *book, struct mr_book_turn *turn);

/* -- Queries. ---------------------------------------------------------------------------------- */

/* They look at state between commands: the applying thread, or any thread on a copy. Wait-free;
 * each looks only at what it returns. `mr_image_state` of an image gives its book. */

/* One price of one side. */
struct mr_book_level {
    int64_t price;
    uint64_t quantity; /* open in all its orders */
    uint32_t orders;
};

struct mr_book_order {
    uint64_t order;
    uint64_t account;
    int64_t price;
    uint64_t open;
    uint64_t filled;
    uint64_t expires_ns; /* 0: never */
    uint64_t session;    /* that it came from, 0: none */
    uint32_t instrument;
    enum mr_book_side side;
    enum mr_book_tif tif;
    enum mr_book_post post;
    enum mr_book_stp stp;
};

struct mr_book_instrument {
    struct mr_book_instrument_define definition; /* with the phase as it is now */
    struct mr_book_instrument_update update;     /* as last set */
    int64_t last_price;                          /* of the last trade */
    uint64_t trades;                             /* so far */
    uint32_t orders[2];                          /* resting now, by side */
    uint32_t levels[2];                          /* in use now, by side */
};

struct mr_book_account {
    uint64_t account;
    uint32_t orders; /* resting now */
    enum mr_book_stp stp;
    bool blocked;
};

struct mr_book_totals {
    uint64_t trades; /* so far */
    uint32_t instruments;
    uint32_t orders; /* resting now */
    uint32_t levels; /* in use now */
    uint32_t groups; /* in use now */
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

/* What rests at a price; false: nothing, or there is no such instrument. O(1). */
bool mr_book_level_get(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                       int64_t price, struct mr_book_level *out);

/* The best `limit` levels of a side, best first, into `levels`; returns how many there were. Looks
 * at nothing but those levels. */
uint32_t mr_book_depth(const struct mr_book *book, uint32_t instrument, enum mr_book_side side,
                       struct mr_book_level *levels, uint32_t limit);

/* The live order with that id; false: there is none. O(1). */
bool mr_book_order_get(const struct mr_book *book, uint32_t instrument, uint64_t order,
                       struct mr_book_order *out);

/* The first `limit` orders at a price in the order in which they would trade, into `orders`;
 * returns how many there were. */
uint32_t mr_book_level_orders(const struct mr_book *book, uint32_t instrument,
                              enum mr_book_side side, int64_t price, struct mr_book_order *orders,
                              uint32_t limit);

/* What is known of an account; false: it has neither orders nor settings. O(1). */
bool mr_book_account_get(const struct mr_book *book, uint64_t account, struct mr_book_account *out);

/* Orders of an account, oldest first, into `orders`; returns how many there were. `*cursor` is 0
 * for the first call and says where the next one goes on; 0 afterwards: that was all. It is good as
 * long as nothing is applied. */
uint32_t mr_book_account_orders(const struct mr_book *book, uint64_t account,
                                struct mr_book_order *orders, uint32_t limit, uint64_t *cursor);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
