/*
 * The market generator: an endless variety of plausible order flow out of a seed, the same on every
 * machine. Integers only.
 */
#ifndef MR_TOOLS_GENERATOR_H
#define MR_TOOLS_GENERATOR_H

#include "tools/expiries.h"
#include "tools/gen_spec.h"
#include "tools/market.h"

#include "base/random.h"

#include <millrace/message.h>

struct generator {
    struct gen_spec spec;
    struct mr_random random;
    struct market_instrument *instruments;
    int64_t *price_base; /* of each instrument: the price of level 0 */
    struct market_order *orders;
    uint32_t *slots;
    struct expiries expiries;
    uint64_t orders_left; /* that belong to blocks to come */
    uint64_t left[3];     /* of this block, by action */
    uint64_t last_order;  /* id; ids are given in order, from 1 */
    uint64_t requests;    /* yielded so far */
    uint64_t time_ns;
    uint64_t gap_ns; /* twice the mean time between commands */
    /* What the imagined market says about them. */
    uint64_t expected_rejects;
    uint64_t crossing; /* orders that were meant to trade */
};

/* MR_OK, MR_E_NO_MEMORY. */
int generator_init(struct generator *generator, const struct gen_spec *spec,
                   struct mr_error *error);
void generator_free(struct generator *generator);

/* A price of an instrument (index, from 0) in ticks. */
int64_t generator_price(const struct generator *generator, uint32_t instrument, uint32_t level);

/* Writes the next command (of `session`, requests counting from 1); false: that was all. */
bool generator_next(struct generator *generator, uint64_t session, struct mr_command *command);

#endif
