/*
 * A book that is obviously right: each side is an array of orders, sorted by price and then time,
 * and every question is answered by looking at all of them. It shares nothing with the real one but
 * the messages, and gives the reports that the real one has to give, in the same turns.
 */
#ifndef MR_TESTS_CORE_NAIVE_BOOK_H
#define MR_TESTS_CORE_NAIVE_BOOK_H

#include <millrace/book.h>
#include <millrace/common.h>

enum {
    NAIVE_STEP_ORDERS = 256, /* orders that one turn looks at, of many */
};

struct naive_order {
    uint64_t id, account, session;
    uint64_t expires_ns; /* 0: never */
    uint64_t open, filled;
    uint64_t entry; /* orders that were entered before it, in the whole book */
    int64_t price;
    uint8_t side, tif, post;
    uint8_t stp; /* in effect: never `account` */
};

/* Best order first. */
struct naive_side {
    struct naive_order *orders;
    uint32_t count, room;
};

struct naive_instrument {
    struct mr_book_instrument_define definition;
    struct mr_book_instrument_update update;
    uint64_t trades;
    int64_t last_price;
    int64_t base; /* that the collar is around */
    struct mr_book_top_of_book published;
    struct naive_side sides[2];
};

/* Tick table: the first band reaches down to all prices below it, too. */
struct naive_table {
    struct mr_book_tick_band_add bands[MR_BOOK_TICK_BANDS_MAX];
    uint32_t count;
};

/* An account that has settings. */
struct naive_account {
    uint64_t account;
    uint8_t stp;
    bool blocked;
};

/* A report, and the instrument to whose stream it belongs (from 1; 0: to none). */
struct naive_report {
    union mr_book_report report;
    uint32_t stream;
};

struct naive_book {
    struct mr_book_config config;
    bool no_timers; /* the engine has no timer for orders that expire */
    struct naive_instrument *instruments;
    uint32_t instrument_count;
    struct naive_table *tables; /* by number - 1 */
    struct naive_account *accounts;
    uint32_t account_count;
    uint64_t entries, trades;

    /* Of the turn. */
    uint64_t time_ns, session;
    uint8_t role;
    bool again;
    struct naive_report *reports;
    uint32_t report_count, report_room;

    /* Of a command with several turns: what it still has to look at. */
    uint64_t *sweep; /* entries */
    uint32_t sweep_count, sweep_next;
    uint64_t swept; /* orders cancelled so far */
};

/* What asks, and when. */
struct naive_asker {
    uint64_t time_ns, session;
    uint8_t role;
};

void naive_open(struct naive_book *book, const struct mr_book_config *config, bool no_timers);
void naive_close(struct naive_book *book);

/* One turn of applying a request: its reason, and book->reports; with book->again set, there is
 * more to do. Orders that are due must have been expired before. */
uint32_t naive_apply(struct naive_book *book, const union mr_book_request *request,
                     const struct naive_asker *asker);

/* One turn of cancelling what is due; book->again: there is more. */
void naive_expire(struct naive_book *book, uint64_t time_ns);

/* -- Looking. ---------------------------------------------------------------------------------- */

struct naive_instrument *naive_instrument(const struct naive_book *book, uint32_t id);
struct naive_account *naive_account(const struct naive_book *book, uint64_t account);
/* The live order with that id; NULL: there is none. */
struct naive_order *naive_find(const struct naive_instrument *instrument, uint64_t id);
/* The order that was entered as that number, and its instrument; NULL: it is gone. */
struct naive_order *naive_entered(const struct naive_book *book, uint64_t entry,
                                  struct naive_instrument **instrument);

uint32_t naive_orders(const struct naive_book *book);
uint32_t naive_side_levels(const struct naive_side *side);
uint32_t naive_levels(const struct naive_book *book);
/* Accounts with orders or settings, sessions with orders, and expiry times; with those that `extra`
 * (NULL: no such order) would add. */
uint32_t naive_groups(const struct naive_book *book, const struct naive_order *extra);
/* UINT64_MAX: nothing expires. */
uint64_t naive_expiry_next(const struct naive_book *book);

bool naive_on_tick(const struct naive_book *book, const struct naive_instrument *instrument,
                   int64_t price);
/* The best allowed price of `side` that is worse than `price`; false: there is none. */
bool naive_short_of(const struct naive_book *book, const struct naive_instrument *instrument,
                    uint8_t side, int64_t price, int64_t *out);

/* -- For the parts of it. ---------------------------------------------------------------------- */

/* A report that belongs to the stream of `instrument` (NULL: to none), zeroed but for its type. */
union mr_book_report *naive_report(struct naive_book *book, struct naive_instrument *instrument,
                                   enum mr_book_event type);
void naive_report_cancelled(struct naive_book *book, struct naive_instrument *instrument,
                            const struct naive_order *order, enum mr_book_cancel cause);
uint32_t naive_order_rejected(struct naive_book *book, struct naive_instrument *instrument,
                              enum mr_book_action action, uint32_t instrument_id, uint64_t order,
                              uint32_t reason);
uint32_t naive_setup_rejected(struct naive_book *book, struct naive_instrument *instrument,
                              enum mr_book_action action, uint64_t subject, uint32_t reason);
/* Reports the top of book of each instrument that the turn has touched, that publishes it, and that
 * has another one now. */
void naive_publish(struct naive_book *book);

/* Behind all orders of its price. */
void naive_insert(struct naive_instrument *instrument, const struct naive_order *order);
void naive_remove(struct naive_instrument *instrument, const struct naive_order *order);

uint32_t naive_new(struct naive_book *book, const struct mr_book_order_new *command);
uint32_t naive_replace(struct naive_book *book, const struct mr_book_order_replace *command);
uint32_t naive_cancel(struct naive_book *book, const struct mr_book_order_cancel *command);

uint32_t naive_define(struct naive_book *book, const struct mr_book_instrument_define *command);
uint32_t naive_update(struct naive_book *book, const struct mr_book_instrument_update *command);
uint32_t naive_phase(struct naive_book *book, const struct mr_book_phase_set *command);
uint32_t naive_band(struct naive_book *book, const struct mr_book_tick_band_add *command);
uint32_t naive_account_define(struct naive_book *book,
                              const struct mr_book_account_define *command);
uint32_t naive_account_unblock(struct naive_book *book,
                               const struct mr_book_account_unblock *command);

uint32_t naive_account_block(struct naive_book *book, const struct mr_book_account_block *command);
uint32_t naive_orders_cancel(struct naive_book *book, const struct mr_book_orders_cancel *command);

#endif
