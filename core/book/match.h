/*
 * Matching: an incoming order, the taker, against the resting ones of the other side.
 */
#ifndef MR_CORE_BOOK_MATCH_H
#define MR_CORE_BOOK_MATCH_H

#include "core/book/state.h"

/* An order on its way: it has no place in the book yet. */
struct book_taker {
    uint64_t id;
    uint64_t open;
    uint64_t filled;  /* by this command */
    uint64_t reduced; /* by self-trade prevention */
    uint64_t limit;   /* least key of the other side that it trades with */
    uint64_t account; /* whose orders it must not meet; 0: it may meet all */
    uint8_t side;
    uint8_t stp;    /* how it gives way, or not, to its own account */
    bool cancelled; /* by self-trade prevention */
};

/* Trades until the taker is filled or cancelled, nothing crosses its limit any more, or the
 * configured number of meetings is reached. Filled makers are gone afterwards. */
void mr_book_match(struct mr_book *book, struct book_instrument *instrument,
                   struct book_taker *taker, struct mr_book_turn *turn);

/* 0 if mr_book_match would let the taker trade `quantity` at least, MR_BOOK_FOK_UNFILLED if not, or
 * MR_BOOK_FILLS_LIMIT. */
uint32_t mr_book_match_enough(const struct mr_book *book, const struct book_side *other,
                              const struct book_taker *taker, uint64_t quantity);

#endif
