/*
 * What checking the state is divided into. None of it trusts what it looks at: loops are bounded by
 * what the header says there is, which is checked first, and a number is checked before it is
 * followed, so that a damaged state is found wrong rather than walked for ever.
 *
 * There is no memory to take notes in. Where what belongs to an account is spread over the state,
 * each bit is multiplied by a number that is the account's own (odd, so that nothing is lost), and
 * added up: what should be there must equal what is.
 */
#ifndef MR_CORE_LEDGER_CHECK_PARTS_H
#define MR_CORE_LEDGER_CHECK_PARTS_H

#include "core/ledger/check.h"
#include "core/ledger/ids.h"

#define CHECK(condition)  \
    do {                  \
        if (!(condition)) \
            return false; \
    } while (0)

/* Ledgers whose balances are added up in one pass over the accounts. */
enum { LEDGER_CHECK_UNITS = 128 };

/* What the window, the places and the accounts must agree in. */
struct ledger_tally {
    uint64_t created;  /* in the window, without those that failed */
    uint64_t linked;   /* met by following the accounts' links */
    uint64_t pending;  /* in the window */
    uint64_t kept;     /* pending, and not in the window */
    uint64_t resolved; /* those that were posted or voided, less those that did it */
    uint64_t closed;   /* accounts that are, less pending transfers that have closed them */
    /* What is reserved in the accounts, less what the pending transfers have reserved. */
    struct mr_u128 debits, credits;
};

/* An account's own number, for adding up. */
static inline uint64_t ledger_check_mark(uint32_t account)
{
    return mr_mix64(account) | 1;
}

/* An amount, multiplied by that, modulo 2^128. */
static inline struct mr_u128 ledger_check_marked(struct mr_u128 amount, uint32_t account)
{
    const uint64_t mark = ledger_check_mark(account), half = UINT32_MAX;
    uint64_t low = (amount.low & half) * (mark & half);
    uint64_t middle = (amount.low >> 32) * (mark & half) + (low >> 32);
    uint64_t other = (amount.low & half) * (mark >> 32) + (middle & half);
    uint64_t high = (amount.low >> 32) * (mark >> 32) + (middle >> 32) + (other >> 32);
    return mr_u128_of(high + amount.high * mark, other << 32 | (low & half));
}

/* The ordinal to which a link of that account leads; 0: to none of its transfers. */
static inline uint32_t ledger_check_linked(const struct mr_ledger *ledger, uint32_t link,
                                           uint32_t account)
{
    uint32_t ordinal = ledger_link_ordinal(link);
    if (!ledger_in_window(ledger, ordinal))
        return 0;
    const struct ledger_transfer *transfer = ledger_transfer(ledger, ordinal);
    return (ledger_link_is_credit(link) ? transfer->credit : transfer->debit) == account ? ordinal
                                                                                         : 0;
}

/* -- In this order. ---------------------------------------------------------------------------- */

/* check_accounts.c: accounts and ledgers, each by itself, and what a ledger's accounts add up to.
 */
bool mr_ledger_check_all_accounts(const struct mr_ledger *ledger);
bool mr_ledger_check_units(const struct mr_ledger *ledger);
/* check_window.c: transfers, each by itself and beside its neighbours. */
bool mr_ledger_check_transfer(const struct mr_ledger *ledger,
                              const struct ledger_transfer *transfer);
bool mr_ledger_check_window(const struct mr_ledger *ledger, struct ledger_tally *tally);
/* check_ids.c: every id leads to what it is of, and nothing else is found. */
bool mr_ledger_check_ids(const struct mr_ledger *ledger, struct ledger_tally *tally);
/* check_pending.c: places, those that are kept, and when they expire. */
bool mr_ledger_check_pending(const struct mr_ledger *ledger, struct ledger_tally *tally);
/* check_links.c: each account's transfers, and what they add up to. */
bool mr_ledger_check_links(const struct mr_ledger *ledger, struct ledger_tally *tally);

#endif
