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
    uint64_t account;
    uint64_t expires_ns; /* 0: never */
    uint64_t expiry;     /* number of its entry among the expiries, 0: none */
    uint32_t open, filled;
    uint32_t next, previous; /* at its level, by time */
    uint32_t place;          /* in the instrument's list of slots */
    uint16_t level;          /* ticks above the instrument's lowest price */
    uint8_t side;
    uint8_t post; /* enum mr_book_post */
    uint8_t stp;  /* enum mr_book_stp */
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
    uint32_t traded;                /* level of the last trade, at first the reference */
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

/* True if `quantity` of an incoming order (its account, side, stp) would find a counterparty at
 * `limit` or better, among the first `fills_max` orders. */
bool market_can_fill(const struct market_instrument *instrument, const struct market_order *taker,
                     uint32_t limit, uint32_t quantity, uint32_t fills_max);

/* Trades what an incoming order has open as far as it goes, and counts what is filled. It meets at
 * most `fills_max` others. False: it is cancelled, because of that or of self-trade prevention, and
 * must not rest. */
bool market_trade(struct market_instrument *instrument, struct market_order *taker, uint32_t limit,
                  uint32_t fills_max);

/* True if an order at `level` would trade at once. */
bool market_crosses(const struct market_instrument *instrument, uint32_t side, uint32_t level);

/* Puts an order behind all others of its level. There is room, and it crosses nothing. Returns its
 * slot. */
uint32_t market_rest(struct market_instrument *instrument, const struct market_order *order);

/* Takes the order in `slot` out. */
void market_remove(struct market_instrument *instrument, uint32_t slot);

#endif
