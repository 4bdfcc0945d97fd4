/*
 * Matching: an incoming order, the taker, against the resting ones of the other side.
 */
#ifndef MR_CORE_BOOK_MATCH_H
#define MR_CORE_BOOK_MATCH_H

#include "core/book/state.h"

/* A taker meets levels of the other side whose key is at least this: the complement of its own for
 * a limit order (see book_key), 0 for a market order. */
static inline bool book_crosses(const struct book_side *other, uint64_t limit)
{
    return other->best != 0 && other->best_key >= limit;
}

/* Trades until the taker is filled, nothing crosses its limit any more, or the configured number of
 * fills is reached. Filled makers are gone afterwards. */
void mr_book_match(struct mr_context *context, struct book_instrument *instrument,
                   struct book_order *taker, uint64_t limit);

/* 0 if mr_book_match would fill a taker of that quantity whole, else the reason why not. */
uint32_t mr_book_match_whole(const struct mr_book *book, const struct book_side *other,
                             uint64_t quantity, uint64_t limit);

#endif
