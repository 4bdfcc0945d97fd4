/*
 * The requests about single orders, and what they share. Each returns 0 or the reason why it was
 * rejected, which it has reported.
 */
#ifndef MR_CORE_BOOK_ORDERS_H
#define MR_CORE_BOOK_ORDERS_H

#include "core/book/groups.h"
#include "core/book/ids.h"
#include "core/book/levels.h"
#include "core/book/match.h"
#include "core/book/pool.h"

#include <millrace/message.h>

uint32_t mr_book_new_apply(struct mr_book *book, const struct mr_book_order_new *command,
                           struct mr_book_turn *turn);
uint32_t mr_book_cancel_apply(struct mr_book *book, const struct mr_book_order_cancel *command,
                              struct mr_book_turn *turn);
uint32_t mr_book_replace_apply(struct mr_book *book, const struct mr_book_order_replace *command,
                               struct mr_book_turn *turn);

/* Takes a live order out of the book. Its memory is given back and stays readable until the next
 * order comes. */
void mr_book_order_drop(struct mr_book *book, struct book_instrument *instrument,
                        struct book_order *order);

/* -- Shared. ----------------------------------------------------------------------------------- */

/* Gives back an order that is in no level and has no id any more. */
static inline void book_order_free(struct mr_book *book, struct book_order *order, uint32_t ref)
{
    if (MR_UNLIKELY(order->groups != 0))
        mr_book_groups_leave(book, order);
    book_order_give(book, ref);
}

static inline uint8_t book_post_stp(uint8_t post, uint8_t stp)
{
    return (uint8_t)(post | stp << 4);
}

static inline uint8_t book_order_post(const struct book_order *order)
{
    return order->post_stp & 15;
}

static inline uint8_t book_order_stp(const struct book_order *order)
{
    return order->post_stp >> 4;
}

/* Whose orders a taker of that account must not meet. */
static inline uint64_t book_stp_account(uint64_t account, uint8_t stp)
{
    return stp == MR_BOOK_STP_ALLOW ? 0 : account;
}

static inline bool book_may_rest(uint8_t tif)
{
    return tif != MR_BOOK_TIF_IOC && tif != MR_BOOK_TIF_FOK;
}

/* Whether an order of no account, which is the session's that entered it, is the sender's. */
bool mr_book_is_own_session(const struct mr_book *book, const struct mr_book_turn *turn,
                            const struct book_order *order);

/* Whether the sender, who names that account, may cancel or replace an order. Operators may. */
static inline bool book_is_owner(const struct mr_book *book, const struct mr_book_turn *turn,
                                 const struct book_order *order, uint64_t account)
{
    if (turn->role != MR_ROLE_USER)
        return true;
    if (order->account != account)
        return false;
    return account != 0 || MR_LIKELY(order->groups == 0) ||
           mr_book_is_own_session(book, turn, order);
}

/* As book_id_find, in the instrument that book_instrument_near has given last. */
static inline struct book_id *book_slot_of(const struct mr_book *book,
                                           const struct book_id_table *table, uint32_t hash,
                                           uint64_t id)
{
    return book_id_find(book, table, hash, book->recent_instrument, id);
}

/* Whether the quantity at a price would no longer fit into 64 bits. */
static inline bool book_level_overflows(const struct mr_book *book, const struct book_side *side,
                                        uint64_t key, uint64_t open, uint64_t leaving)
{
    uint32_t level = mr_book_level_find(book, side, key);
    return level != 0 && book_level(book, level)->quantity - leaving > UINT64_MAX - open;
}

/* What is wrong with trading in that instrument now. */
static inline uint32_t book_phase_flaw(const struct book_instrument *instrument)
{
    if (MR_LIKELY(instrument->phase == MR_BOOK_PHASE_CONTINUOUS))
        return 0;
    return instrument->phase == MR_BOOK_PHASE_HALTED ? MR_BOOK_MARKET_HALTED
                                                     : MR_BOOK_MARKET_CLOSED;
}

/* What is wrong with a limit, and with a quantity, in that instrument; 0: nothing. */
uint32_t mr_book_price_flaw(const struct mr_book *book, const struct book_instrument *instrument,
                            int64_t price);
uint32_t mr_book_quantity_flaw(const struct book_instrument *instrument, uint64_t quantity);

/* A post-only order must not trade: re-prices it, if that is what it wants, by its key. */
uint32_t mr_book_post_only(const struct mr_book *book, const struct book_instrument *instrument,
                           uint8_t side, uint8_t post, uint64_t *key);

#endif
