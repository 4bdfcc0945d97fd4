/*
 * What random batches are made of. Numbers are drawn one a statement, so that every compiler draws
 * them in the same order.
 */
#ifndef MR_TESTS_CORE_LEDGER_RANDOM_MAKE_H
#define MR_TESTS_CORE_LEDGER_RANDOM_MAKE_H

#include "tests/core/ledger_random.h"

#define WORLD_SECOND UINT64_C(1000000000)

static inline uint64_t pick(struct ledger_world *world, uint64_t bound)
{
    return mr_random_below(&world->random, bound);
}

static inline bool chance(struct ledger_world *world, uint64_t percent)
{
    return pick(world, 100) < percent;
}

/* One of several numbers. */
#define PICK(world, list) ((list)[pick(world, sizeof(list) / sizeof((list)[0]))])

/* The account with that number among those that are in use. */
static inline struct mr_u128 account_id(uint64_t number)
{
    return mr_u128_of(number % 3 == 0 ? number : 0, number);
}

/* Each fills in a zeroed step. Most of what they name is there. */
void random_make_account(struct ledger_world *world, const struct naive_ledger *naive,
                         struct ledger_step *step);
void random_make_transfer(struct ledger_world *world, const struct naive_ledger *naive,
                          struct ledger_step *step);
void random_make_plain(struct ledger_world *world, const struct naive_ledger *naive,
                       struct ledger_step *step);
/* It brings its own timestamp. */
void random_import(struct ledger_world *world, const struct naive_ledger *naive,
                   struct ledger_step *step);
/* One of an account's balances. */
struct mr_u128 *random_balance(struct ledger_world *world, struct mr_ledger_account *account);
/* Spoils one field. */
void random_spoil(struct ledger_world *world, struct ledger_step *step);

#endif
