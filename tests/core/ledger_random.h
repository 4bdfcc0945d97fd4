/*
 * Random batches for the ledger, good and bad: worlds differ in how soon limits are reached, in how
 * large amounts are, and in how time passes. Everything follows from the seed and from what the
 * naive ledger has come to.
 */
#ifndef MR_TESTS_CORE_LEDGER_RANDOM_H
#define MR_TESTS_CORE_LEDGER_RANDOM_H

#include "tests/core/ledger_pair.h"

#include "base/random.h"

enum {
    WORLD_RECENT = 64,     /* transfers that it may name again */
    WORLD_BATCH_MAX = 300, /* steps */
};

struct ledger_world {
    struct mr_random random;
    struct ledger_setting setting;
    uint64_t accounts;  /* ids of accounts that are in use */
    uint64_t ledgers;   /* likewise */
    uint64_t bad;       /* of a thousand steps, those in which a field is spoilt */
    uint64_t large;     /* of a hundred amounts, those that are near to the largest */
    uint64_t lone;      /* of a hundred batches, those of one command */
    uint64_t time_unit; /* ns */
    uint64_t time_ns;
    uint64_t ids;     /* made so far */
    bool colliding;   /* ids are made whose hashes are next to one another */
    uint32_t prelude; /* plain transfers that are to come before anything else */
    bool rushing;     /* at times, so much is pending that no more can be */
    struct mr_ledger_transfer recent[WORLD_RECENT];
    uint32_t recent_count; /* made so far */
};

void ledger_world_open(struct ledger_world *world, uint64_t seed);

/* How many commands a round of this world takes. */
uint64_t ledger_world_commands(const struct ledger_world *world, uint64_t usual);

/* The next batch, for ledgers that have come to where the naive one is: returns how many of the
 * WORLD_BATCH_MAX steps it fills in. */
uint32_t ledger_world_batch(struct ledger_world *world, const struct naive_ledger *naive,
                            struct ledger_step *steps);

#endif
