/*
 * When the generator's orders expire: a heap of times, the earliest first.
 */
#ifndef MR_TOOLS_EXPIRIES_H
#define MR_TOOLS_EXPIRIES_H

#include "tools/market.h"

struct expiry {
    uint64_t time_ns;
    uint64_t number; /* as the order has it, too */
    uint32_t instrument, slot;
};

/* Entries of orders that are gone, or have a newer one, stay until they would be due or room is
 * needed. */
struct expiries {
    struct expiry *heap; /* room for `limit` */
    uint32_t count, limit;
    uint64_t last; /* number */
};

/* Room for orders that rest, at most `orders` of them; 0: none expire. False: no memory. */
bool expiries_init(struct expiries *expiries, uint64_t orders);
void expiries_free(struct expiries *expiries);

/* Notes that the order in `slot` expires, where it has not been noted there already. */
void expiries_add(struct expiries *expiries, struct market_instrument *instruments,
                  uint32_t instrument, uint32_t slot);

/* Takes out of the market what has expired by `time_ns`. */
void expiries_apply(struct expiries *expiries, struct market_instrument *instruments,
                    uint64_t time_ns);

#endif
