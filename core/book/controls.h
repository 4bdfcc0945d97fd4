/*
 * What operators and risk officers do: accounts, the kill switch, cancelling many orders, expiry,
 * and the top of book that follows from all of it.
 */
#ifndef MR_CORE_BOOK_CONTROLS_H
#define MR_CORE_BOOK_CONTROLS_H

#include "core/book/state.h"
#include "core/heap.h"

/* -- accounts.c -------------------------------------------------------------------------------- */

uint32_t mr_book_account_define_apply(struct mr_book *book,
                                      const struct mr_book_account_define *command,
                                      struct mr_book_turn *turn);
uint32_t mr_book_account_unblock_apply(struct mr_book *book,
                                       const struct mr_book_account_unblock *command,
                                       struct mr_book_turn *turn);

/* -- sweep.c: cancelling many, in counted turns ------------------------------------------------ */

uint32_t mr_book_account_block_apply(struct mr_book *book,
                                     const struct mr_book_account_block *command,
                                     struct mr_book_turn *turn);
uint32_t mr_book_orders_cancel_apply(struct mr_book *book,
                                     const struct mr_book_orders_cancel *command,
                                     struct mr_book_turn *turn);

/* -- expiry.c ---------------------------------------------------------------------------------- */

/* When a new order expires, 0: never. `day` and `gtd` only. */
uint64_t mr_book_expiry_of(const struct book_instrument *instrument, uint8_t tif,
                           uint64_t expires_ns, uint64_t time_ns);

/* Sees to it that something happens at `expires_ns` or before (under the engine: a timer); false:
 * no timer is left. Before the order that expires then is accepted. */
bool mr_book_expiry_arm(struct mr_book *book, struct mr_book_turn *turn, uint64_t expires_ns);

/* A group of kind BOOK_GROUP_EXPIRY has come, or goes: keeps the heap. Called by groups.c. */
void mr_book_expiry_push(struct mr_book *book, struct book_group *group);
void mr_book_expiry_remove(struct mr_book *book, struct book_group *group);

/* The timer that was armed fires. */
void mr_book_expiry_fire(struct mr_book *book, struct mr_book_turn *turn);

/* The heap of their times. */
static inline struct mr_heap book_expiries(const struct mr_book *book)
{
    return (struct mr_heap){
        .keys = (struct mr_heap_key *)book_at(book, book->layout.expiries) - 1,
        .count = book_at(book, offsetof(struct mr_book, expiry_count)),
        .node_place = &book_group(book, 1)->place,
        .node_size = sizeof(struct book_group),
    };
}

/* No two groups have the same time: `order` is always 0. */
static inline struct mr_heap_key book_expiry_key(const struct mr_book *book,
                                                 const struct book_group *group)
{
    return (struct mr_heap_key){.due_ns = group->key, .node = book_group_number(book, group)};
}

/* -- ticks.c: prices that are allowed ---------------------------------------------------------- */

uint32_t mr_book_tick_band_apply(struct mr_book *book, const struct mr_book_tick_band_add *command,
                                 struct mr_book_turn *turn);
/* Of instruments with BOOK_HAS_TICKS: whether the price is on a tick. */
bool mr_book_price_on_tick(const struct mr_book *book, const struct book_instrument *instrument,
                           int64_t price);
/* Of any instrument: the best allowed price for an order of `side` that is worse than `price` (for
 * a buyer, the greatest below it), within price_min and price_max; false: there is none. */
bool mr_book_price_short_of(const struct mr_book *book, const struct book_instrument *instrument,
                            uint8_t side, int64_t price, int64_t *out);

/* -- top.c ------------------------------------------------------------------------------------- */

/* Of instruments with BOOK_HAS_TOP: reports the top of book if it is not what was reported last. */
void mr_book_top_publish(const struct mr_book *book, struct mr_book_turn *turn,
                         struct book_instrument *instrument);

/* Orders that a turn cancels, one by one, and the instruments whose tops it must look at when it
 * has done so. */
struct book_cull {
    struct mr_book *book;
    struct mr_book_turn *turn;
    enum mr_book_cancel cause;
    uint32_t left;                          /* orders that this turn may still look at */
    uint32_t touched;                       /* instruments listed */
    uint32_t instruments[BOOK_STEP_ORDERS]; /* indices, by first touch, with repetitions */
};

void mr_book_cull_begin(struct book_cull *cull, struct mr_book *book, struct mr_book_turn *turn,
                        enum mr_book_cancel cause);
/* Cancels a live order. Its memory stays readable. */
void mr_book_cull_order(struct book_cull *cull, struct book_order *order);
/* Publishes what there is to publish. */
void mr_book_cull_end(const struct book_cull *cull);

#endif
