/*
 * <millrace/ledger_queries.h>: lists of accounts, transfers and balances, with the filters of the
 * reference (see <millrace/ledger.h>): as functions, and as queries and rows of mr_logic_ledger
 * (see MR_QUERY in <millrace/catalog.h>), as in
 *
 *     echo '?account_transfers account_id=7 flags=debits,reversed' | millrace send --to unix:DIR/s
 *
 * Of transfers and balances, what is in the window is listed, by timestamp: rising, or falling with
 * `reversed`. Zero in a filter means any.
 *
 * Each call looks at a bounded number of transfers or accounts (MR_LEDGER_SCAN_MAX), whatever it
 * finds among them: commands wait meanwhile. Where that is not the end, or there is no room for
 * more, it says at which timestamp to go on: the next call has it as timestamp_min (`reversed`: as
 * timestamp_max), and so on until there is none.
 */
#ifndef MILLRACE_LEDGER_QUERIES_H
#define MILLRACE_LEDGER_QUERIES_H

#include <millrace/ledger.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum { MR_LEDGER_REPLY_ROWS_MAX = 100, MR_LEDGER_SCAN_MAX = 4096 };

/* -- Filters. ---------------------------------------------------------------------------------- */

#define MR_LEDGER_FILTER_FLAGS(V)                                               \
    V(MR_LEDGER_FILTER_DEBITS, 0, debits)   /* where the account is debited */  \
    V(MR_LEDGER_FILTER_CREDITS, 1, credits) /* where the account is credited */ \
    V(MR_LEDGER_FILTER_REVERSED, 2, reversed)
enum mr_ledger_filter_flag { MR_LEDGER_FILTER_FLAGS(MR_FLAG_VALUE) };

/* Of one account. Neither debits nor credits: both. */
#define MR_LEDGER_ACCOUNT_FILTER_FIELDS(F)                                              \
    F(u128, account_id, "", "whose transfers or balances")                              \
    F(optional(u128), user_data_128, "", "of the transfer; 0: any")                     \
    F(optional(u64), user_data_64, "", "of the transfer; 0: any")                       \
    F(optional(u64), timestamp_min, "ns", "from here on; 0: from the beginning")        \
    F(optional(u64), timestamp_max, "ns", "up to here, inclusive; 0: to the end")       \
    F(optional(u32), user_data_32, "", "of the transfer; 0: any")                       \
    F(optional(u32), limit, "rows", "at most so many; 0: as many as a reply holds")     \
    F(optional(u16), code, "", "of the transfer; 0: any")                               \
    F(optional(flags16(mr_ledger_filter_flag)), flags, "", "debits, credits, reversed") \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_ledger_account_filter, MR_LEDGER_ACCOUNT_FILTER_FIELDS);

/* Of all accounts, or all transfers. Of the flags, only reversed. */
#define MR_LEDGER_QUERY_FILTER_FIELDS(F)                                            \
    F(optional(u128), user_data_128, "", "0: any")                                  \
    F(optional(u64), user_data_64, "", "0: any")                                    \
    F(optional(u64), timestamp_min, "ns", "from here on; 0: from the beginning")    \
    F(optional(u64), timestamp_max, "ns", "up to here, inclusive; 0: to the end")   \
    F(optional(u32), user_data_32, "", "0: any")                                    \
    F(optional(u32), ledger, "", "0: any")                                          \
    F(optional(u32), limit, "rows", "at most so many; 0: as many as a reply holds") \
    F(optional(u16), code, "", "0: any")                                            \
    F(optional(flags16(mr_ledger_filter_flag)), flags, "", "reversed")
MR_MESSAGE_STRUCT(mr_ledger_query_filter, MR_LEDGER_QUERY_FILTER_FIELDS);

#define MR_LEDGER_QUERY_ID_FIELDS(F) F(u128, id, "", "of the account or transfer")
MR_MESSAGE_STRUCT(mr_ledger_query_id, MR_LEDGER_QUERY_ID_FIELDS);

/* -- Queries and rows. ------------------------------------------------------------------------- */

enum mr_ledger_query {
    MR_LEDGER_QUERY_TOTALS = MR_CATALOG_LOGIC_FIRST,
    MR_LEDGER_QUERY_ACCOUNT,
    MR_LEDGER_QUERY_TRANSFER,
    MR_LEDGER_QUERY_ACCOUNTS,
    MR_LEDGER_QUERY_TRANSFERS,
    MR_LEDGER_QUERY_ACCOUNT_TRANSFERS,
    MR_LEDGER_QUERY_ACCOUNT_BALANCES,
};

enum mr_ledger_row {
    MR_LEDGER_ROW_TOTALS = MR_CATALOG_LOGIC_FIRST,
    MR_LEDGER_ROW_ACCOUNT, /* body: struct mr_ledger_account */
    MR_LEDGER_ROW_TRANSFER,
    MR_LEDGER_ROW_BALANCE,
    MR_LEDGER_ROW_NEXT, /* the last row, where there is more to look at */
};

#define MR_LEDGER_ROW_TOTALS_FIELDS(F)                                            \
    F(u128, floor, "", "ids up to this one may have been forgotten; 0: none has") \
    F(u64, timestamp, "ns", "the last one given")                                 \
    F(u64, transfers, "transfers", "created so far")                              \
    F(u32, accounts, "accounts", "there are")                                     \
    F(u32, ledgers, "ledgers", "there are")                                       \
    F(u32, remembered, "transfers", "in the window, failed ones included")        \
    F(u32, pending, "transfers", "pending now")                                   \
    F(u32, balances, "balances", "remembered, of accounts with history")          \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_ledger_row_totals, MR_LEDGER_ROW_TOTALS_FIELDS);

#define MR_LEDGER_ROW_TRANSFER_FIELDS(F)                                     \
    MR_LEDGER_TRANSFER_FIELDS(F)                                             \
    F(enum8(mr_ledger_state), state, "", "what has become of a pending one") \
    F(pad(7), padding, "", "")
MR_MESSAGE_STRUCT(mr_ledger_row_transfer, MR_LEDGER_ROW_TRANSFER_FIELDS);

/* An account's balances, as they were right after the transfer with that timestamp. */
#define MR_LEDGER_ROW_BALANCE_FIELDS(F)                              \
    F(u128, debits_pending, "units", "reserved on the debit side")   \
    F(u128, debits_posted, "units", "debited")                       \
    F(u128, credits_pending, "units", "reserved on the credit side") \
    F(u128, credits_posted, "units", "credited")                     \
    F(u64, timestamp, "ns", "the transfer's")
MR_MESSAGE_STRUCT(mr_ledger_row_balance, MR_LEDGER_ROW_BALANCE_FIELDS);

#define MR_LEDGER_ROW_NEXT_FIELDS(F) \
    F(u64, timestamp, "ns", "ask again with it as timestamp_min (reversed: timestamp_max)")
MR_MESSAGE_STRUCT(mr_ledger_row_next, MR_LEDGER_ROW_NEXT_FIELDS);

/* -- The same as functions: up to `limit` (and the filter's own) into `out`. The applying thread
 * between commands, or any thread on a copy. Wait-free. ---------------------------------------- */

struct mr_ledger_page {
    uint32_t count; /* found */
    uint32_t
        reason;    /* 0, or MR_LEDGER_BAD_FILTER: there is nothing; or MR_REASON_NOT_FOUND: there is
                      * no such account, or, of balances, it has no history */
    uint64_t next; /* timestamp to go on at; 0: that was all */
};

/* Accounts, by timestamp. */
struct mr_ledger_page mr_ledger_accounts_query(const struct mr_ledger *ledger,
                                               const struct mr_ledger_query_filter *filter,
                                               struct mr_ledger_account *out, uint32_t limit);
/* Transfers of the window, by timestamp. */
struct mr_ledger_page mr_ledger_transfers_query(const struct mr_ledger *ledger,
                                                const struct mr_ledger_query_filter *filter,
                                                struct mr_ledger_row_transfer *out, uint32_t limit);
/* Those of one account. */
struct mr_ledger_page mr_ledger_account_transfers_query(
    const struct mr_ledger *ledger, const struct mr_ledger_account_filter *filter,
    struct mr_ledger_row_transfer *out, uint32_t limit);
/* The balances that each of them left of the account, which has `history`. */
struct mr_ledger_page mr_ledger_account_balances_query(
    const struct mr_ledger *ledger, const struct mr_ledger_account_filter *filter,
    struct mr_ledger_row_balance *out, uint32_t limit);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
