/*
 * Walking through accounts, transfers, and one account's transfers, in the order of their
 * timestamps or back, a bounded number in a call: for lists as functions and as rows.
 *
 *     struct ledger_scan scan;
 *     reason = mr_ledger_scan_transfers(&scan, ledger, filter);     and if that is 0:
 *     while (there is room && (transfer = mr_ledger_scan_transfer_next(&scan)) != NULL)
 *         ...
 *     next = mr_ledger_scan_resume(&scan);
 *
 * A scan that is resumed there (timestamp_min, or timestamp_max where it goes back) gives what
 * follows, each once, whatever has been created or forgotten meanwhile, and has come further.
 */
#ifndef MR_CORE_LEDGER_SCAN_H
#define MR_CORE_LEDGER_SCAN_H

#include "core/ledger/state.h"

#include <millrace/ledger_queries.h>

enum {
    /* How far the beginning of one account's transfers is looked for: among those that follow one
     * another in the window (a busy account has one there), then among the account's, from its last
     * one back. Where neither leads to it, the window is searched on. */
    LEDGER_SCAN_NEAR = 64,
    LEDGER_SCAN_HITS = 2, /* so many of them are a busy account's */
    LEDGER_SCAN_BACK = 2048,
    /* Of those found on the way back, so many are given in a call, in their order. */
    LEDGER_SCAN_LIST = 128,
};
_Static_assert(LEDGER_SCAN_NEAR + LEDGER_SCAN_BACK < MR_LEDGER_SCAN_MAX,
               "every call comes further than to the beginning");

struct ledger_scan {
    const struct mr_ledger *ledger;

    /* What is asked for; 0: any. */
    struct mr_u128 user_data_128;
    uint64_t user_data_64;
    uint64_t min, max; /* timestamps, inclusive; no maximum is UINT64_MAX */
    uint32_t user_data_32;
    uint32_t of_ledger;
    uint32_t account; /* number of the one account */
    uint16_t code;
    bool debits, credits; /* of the one account */
    bool reversed;
    bool of_accounts; /* it walks through accounts, not transfers */

    /* How far it has come. */
    bool follows;       /* `at` is one of the account's transfers, which lead back to one another */
    bool lists;         /* `at` is one of the list */
    uint32_t at;        /* what is looked at next: an ordinal, or an account's number; 0: nothing */
    uint32_t looked;    /* at so many */
    bool has_looked;    /* at one that `at` has gone on from */
    uint64_t looked_to; /* its timestamp; 0 of failed ones before which nothing was created */

    /* The account's transfers that were found on the way back: number n (from 0, the last one) at
     * n % LEDGER_SCAN_LIST, as far as there is room. */
    uint32_t list_count; /* found */
    uint32_t list_left;  /* to be given: numbers below this */
    uint32_t list[LEDGER_SCAN_LIST];
};

/* Begins: 0, or the reason why that cannot be asked. */
uint32_t mr_ledger_scan_accounts(struct ledger_scan *scan, const struct mr_ledger *ledger,
                                 const struct mr_ledger_query_filter *filter);
uint32_t mr_ledger_scan_transfers(struct ledger_scan *scan, const struct mr_ledger *ledger,
                                  const struct mr_ledger_query_filter *filter);
uint32_t mr_ledger_scan_account_transfers(struct ledger_scan *scan, const struct mr_ledger *ledger,
                                          const struct mr_ledger_account_filter *filter);
/* The same, but the account must have `history`. */
uint32_t mr_ledger_scan_account_balances(struct ledger_scan *scan, const struct mr_ledger *ledger,
                                         const struct mr_ledger_account_filter *filter);

/* The next one that fits; NULL: there is none, or as much was looked at as a call may. */
const struct ledger_account *mr_ledger_scan_account_next(struct ledger_scan *scan);
const struct ledger_transfer *mr_ledger_scan_transfer_next(struct ledger_scan *scan);
/* The next balances of the one account that are still remembered, right after `*transfer`. */
const struct ledger_balances *mr_ledger_scan_balance_next(struct ledger_scan *scan,
                                                          const struct ledger_transfer **transfer);

/* The timestamp to go on at; 0: that was all. */
uint64_t mr_ledger_scan_resume(const struct ledger_scan *scan);

/* -- What is found, as lists and rows have it. ------------------------------------------------- */

static inline void ledger_transfer_show(const struct mr_ledger *ledger,
                                        const struct ledger_transfer *transfer,
                                        struct mr_ledger_row_transfer *out)
{
    struct mr_ledger_transfer told;
    mr_ledger_transfer_tell(ledger, transfer, &told);
    *out = (struct mr_ledger_row_transfer){.state = transfer->state};
    mr_copy(out, &told, sizeof(told));
}

static inline void ledger_balance_show(const struct ledger_balances *balances,
                                       const struct ledger_transfer *transfer,
                                       struct mr_ledger_row_balance *out)
{
    *out = (struct mr_ledger_row_balance){
        .debits_pending = balances->debits_pending,
        .debits_posted = balances->debits_posted,
        .credits_pending = balances->credits_pending,
        .credits_posted = balances->credits_posted,
        .timestamp = transfer->timestamp,
    };
}

_Static_assert(__builtin_offsetof(struct mr_ledger_row_transfer, state) ==
                   sizeof(struct mr_ledger_transfer),
               "a row begins with the transfer");

#endif
