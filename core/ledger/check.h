/*
 * Checking the ledger's state: every invariant of all of it, slowly, or what a transfer can break
 * of its two accounts, at once.
 */
#ifndef MR_CORE_LEDGER_CHECK_H
#define MR_CORE_LEDGER_CHECK_H

#include "core/ledger/state.h"

/* Of struct mr_logic. Time grows with what there is: accounts, transfers, balances, places that
 * were ever used; and by one more pass over the accounts for every LEDGER_CHECK_UNITS ledgers. */
bool mr_ledger_check(const void *state, const void *config);

/* Whether no balance has passed a limit, nor the sums of pending and posted ones what fits, in
 * these two accounts (0: none). O(1): for test builds, after each event. */
bool mr_ledger_check_accounts(const struct mr_ledger *ledger, uint32_t a, uint32_t b);

/* All of mr_ledger_check, seldom enough for test builds to ask after every event: whenever the
 * number of transfers is a power of two. True where it is not. */
bool mr_ledger_check_now_and_then(const struct mr_ledger *ledger);

#endif
