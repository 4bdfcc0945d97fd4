/*
 * The market that the generator imagines, so that what it sends makes sense: which orders rest at
 * which price. It trades by the rules of the order book (<millrace/book.h>), but knows nothing else
 * that a book knows: no events, no limits but its own, prices within a window of MARKET_LEVELS
 * ticks. tests/tools/test_source_gen.c holds the two against each other.
 */
#ifndef MR_TOOLS_MARKET_H
#define MR_TOOLS_MARKET_H

#include <stdbool.h>
#include <stdint.h>

enum { MARKET_LEVELS = 1024, MARKET_WORDS = MARKET_LEVELS / 64 };
enum { MARKET_BUY = 0, MARKET_SELL = 1 }; /* as enum mr_book_side */

#define MARKET_NONE UINT32_MAX

struct market_order {
    uint64_t id;
    uint32_t open, filled;
    uint32_t next, previous; /* at its level, by time */
    uint32_t place;          /* in the instrument's list of slots */
    uint16_t level;          /* ticks above the instrument's lowest price */
    uint8_t side;
};

struct market_level {
    uint32_t first, last; /* MARKET_NONE: empty */
};

struct market_instrument {
    struct market_order *orders; /* `depth` of them */
    uint32_t *slots; /* indices of orders: first the `resting` live ones, then the free */
    uint32_t depth, resting;
    uint32_t resting_of[2];
    uint32_t fair;                  /* level about which orders are placed */
    uint32_t words[2];              /* which of the words below are not zero */
    uint64_t used[2][MARKET_WORDS]; /* which levels have orders, by side */
    struct market_level levels[MARKET_LEVELS];
    uint64_t gone; /* id of the last order that left, 0: none has */
};

/* Prepares an empty instrument with room for `depth` orders in `orders` and `slots`. */
void market_init(struct market_instrument *instrument, struct market_order *orders, uint32_t *slots,
                 uint32_t depth);

/* The best level of a side, which has orders. */
static inline uint32_t market_best(const struct market_instrument *instrument, uint32_t side)
{
    uint32_t words = instrument->words[side];
    if (side == MARKET_BUY) {
        uint32_t word = 31U - (uint32_t)__builtin_clz(words);
        return word * 64 + 63U - (uint32_t)__builtin_clzll(instrument->used[side][word]);
    }
    uint32_t word = (uint32_t)__builtin_ctz(words);
    return word * 64 + (uint32_t)__builtin_ctzll(instrument->used[side][word]);
}

/* True if all of `quantity` would find a counterparty at `limit` or better. */
bool market_can_fill(const struct market_instrument *instrument, uint32_t side, uint32_t limit,
                     uint32_t quantity);

/* Trades an incoming order as far as it goes; returns what is left of it. */
uint32_t market_trade(struct market_instrument *instrument, uint32_t side, uint32_t limit,
                      uint32_t quantity);

/* Puts an order behind all others of its level. There is room, and it crosses nothing. */
void market_rest(struct market_instrument *instrument, const struct market_order *order);

/* Takes the order in `slot` out. */
void market_remove(struct market_instrument *instrument, uint32_t slot);

#endif
