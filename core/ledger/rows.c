/*
 * Queries that come as messages. Each looks at a bounded number of transfers or accounts, and shows
 * a bounded number of rows: commands wait meanwhile.
 */
#include "core/ledger/rows.h"

#include "core/ledger/scan.h"

#include <millrace/common.h>

MR_ENUM_NAMES(mr_ledger_account_flag, MR_LEDGER_ACCOUNT_FLAGS);
MR_ENUM_NAMES(mr_ledger_transfer_flag, MR_LEDGER_TRANSFER_FLAGS);
MR_ENUM_NAMES(mr_ledger_filter_flag, MR_LEDGER_FILTER_FLAGS);
MR_ENUM_NAMES(mr_ledger_state, MR_LEDGER_STATES);

#define ANYBODY (MR_ROLE_BIT(MR_ROLE_USER) | MR_ROLE_BIT(MR_ROLE_OPERATOR))

const struct mr_message mr_ledger_query_table[LEDGER_QUERIES] = {
    MR_QUERY_EMPTY(MR_LEDGER_QUERY_TOTALS, ledger_totals, ANYBODY, "what all ledgers hold"),
    MR_QUERY(MR_LEDGER_QUERY_ACCOUNT, mr_ledger_query_id, account, MR_LEDGER_QUERY_ID_FIELDS,
             ANYBODY, "one account"),
    MR_QUERY(MR_LEDGER_QUERY_TRANSFER, mr_ledger_query_id, transfer, MR_LEDGER_QUERY_ID_FIELDS,
             ANYBODY, "one transfer that is remembered"),
    MR_QUERY(MR_LEDGER_QUERY_ACCOUNTS, mr_ledger_query_filter, accounts,
             MR_LEDGER_QUERY_FILTER_FIELDS, ANYBODY, "the accounts that fit, by timestamp"),
    MR_QUERY(MR_LEDGER_QUERY_TRANSFERS, mr_ledger_query_filter, transfers,
             MR_LEDGER_QUERY_FILTER_FIELDS, ANYBODY,
             "the transfers in the window that fit, by timestamp"),
    MR_QUERY(MR_LEDGER_QUERY_ACCOUNT_TRANSFERS, mr_ledger_account_filter, account_transfers,
             MR_LEDGER_ACCOUNT_FILTER_FIELDS, ANYBODY,
             "an account's transfers in the window that fit, by timestamp"),
    MR_QUERY(MR_LEDGER_QUERY_ACCOUNT_BALANCES, mr_ledger_account_filter, account_balances,
             MR_LEDGER_ACCOUNT_FILTER_FIELDS, ANYBODY,
             "an account's balances after each of those transfers; it needs the flag history"),
};

const struct mr_message mr_ledger_row_table[LEDGER_ROWS] = {
    MR_ROW(MR_LEDGER_ROW_TOTALS, mr_ledger_row_totals, ledger_totals, MR_LEDGER_ROW_TOTALS_FIELDS,
           "what all ledgers hold"),
    MR_ROW(MR_LEDGER_ROW_ACCOUNT, mr_ledger_account, account, MR_LEDGER_ACCOUNT_FIELDS,
           "an account as it is now"),
    MR_ROW(MR_LEDGER_ROW_TRANSFER, mr_ledger_row_transfer, transfer, MR_LEDGER_ROW_TRANSFER_FIELDS,
           "a transfer, and what has become of it"),
    MR_ROW(MR_LEDGER_ROW_BALANCE, mr_ledger_row_balance, balance, MR_LEDGER_ROW_BALANCE_FIELDS,
           "an account's balances after a transfer"),
    MR_ROW(MR_LEDGER_ROW_NEXT, mr_ledger_row_next, next, MR_LEDGER_ROW_NEXT_FIELDS,
           "there is more to look at: where to go on"),
};

/* The zeroed body of a row; NULL: there is no room for it. */
#define LEDGER_ROW(inquiry, type, tag) \
    ((struct tag *)mr_row_add(inquiry, type, 0, (uint16_t)sizeof(struct tag)))

/* -- The whole, and one of it. ----------------------------------------------------------------- */

static uint32_t answer_totals(struct mr_inquiry *inquiry)
{
    struct mr_ledger_totals totals = mr_ledger_totals_get(inquiry->state);
    struct mr_ledger_row_totals *row =
        LEDGER_ROW(inquiry, MR_LEDGER_ROW_TOTALS, mr_ledger_row_totals);
    if (row != NULL)
        *row = (struct mr_ledger_row_totals){.floor = totals.floor,
                                             .timestamp = totals.time_ns,
                                             .transfers = totals.transfers,
                                             .accounts = totals.accounts,
                                             .ledgers = totals.ledgers,
                                             .remembered = totals.remembered,
                                             .pending = totals.pending,
                                             .balances = totals.balances};
    return 0;
}

static uint32_t answer_account(struct mr_inquiry *inquiry, const struct mr_ledger_query_id *asked)
{
    const struct mr_ledger *ledger = inquiry->state;
    uint32_t number = mr_ledger_account_find(ledger, asked->id);
    if (number == 0)
        return MR_REASON_NOT_FOUND;
    struct mr_ledger_account *row = LEDGER_ROW(inquiry, MR_LEDGER_ROW_ACCOUNT, mr_ledger_account);
    if (row != NULL)
        mr_ledger_account_tell(ledger, ledger_account(ledger, number), row);
    return 0;
}

static uint32_t answer_transfer(struct mr_inquiry *inquiry, const struct mr_ledger_query_id *asked)
{
    struct mr_ledger_transfer transfer;
    enum mr_ledger_state state = MR_LEDGER_STATE_NONE;
    if (!mr_ledger_transfer_get(inquiry->state, asked->id, &transfer, &state))
        return MR_REASON_NOT_FOUND;
    struct mr_ledger_row_transfer *row =
        LEDGER_ROW(inquiry, MR_LEDGER_ROW_TRANSFER, mr_ledger_row_transfer);
    if (row != NULL) {
        mr_copy(row, &transfer, sizeof(transfer));
        row->state = (uint8_t)state;
    }
    return 0;
}

/* -- Lists. ------------------------------------------------------------------------------------ */

/* How many rows with a body of that size a reply gets: as many as are asked for, and as there is
 * room for before a last one that says where to go on. */
static uint32_t rows_for(struct mr_inquiry *inquiry, uint32_t limit, uint32_t body_size)
{
    uint32_t room = inquiry->size - inquiry->used;
    uint32_t last = MR_ROW_HEADER + (uint32_t)sizeof(struct mr_ledger_row_next);
    uint32_t fit = room < last ? 0 : (room - last) / (MR_ROW_HEADER + body_size);
    uint32_t rows =
        limit == 0 || limit > MR_LEDGER_REPLY_ROWS_MAX ? MR_LEDGER_REPLY_ROWS_MAX : limit;
    return rows < fit ? rows : fit;
}

/* The last row. Where there was no room for any other, a reply that says so is all there is: going
 * on would get nowhere. */
static uint32_t say_next(struct mr_inquiry *inquiry, const struct ledger_scan *scan, uint32_t rows)
{
    uint64_t next = mr_ledger_scan_resume(scan);
    if (next != 0 && rows == 0)
        inquiry->truncated = true;
    if (next == 0 || rows == 0)
        return 0;
    struct mr_ledger_row_next *row = LEDGER_ROW(inquiry, MR_LEDGER_ROW_NEXT, mr_ledger_row_next);
    ASSERT(row != NULL);
    row->timestamp = next;
    return 0;
}

static uint32_t answer_accounts(struct mr_inquiry *inquiry,
                                const struct mr_ledger_query_filter *filter)
{
    struct ledger_scan scan;
    const struct ledger_account *account;
    uint32_t reason = mr_ledger_scan_accounts(&scan, inquiry->state, filter);
    uint32_t rows = rows_for(inquiry, filter->limit, sizeof(struct mr_ledger_account));
    if (reason != 0)
        return reason;
    for (uint32_t i = 0; i < rows && (account = mr_ledger_scan_account_next(&scan)) != NULL; i++)
        mr_ledger_account_tell(inquiry->state, account,
                               LEDGER_ROW(inquiry, MR_LEDGER_ROW_ACCOUNT, mr_ledger_account));
    return say_next(inquiry, &scan, rows);
}

static uint32_t list_transfers(struct mr_inquiry *inquiry, struct ledger_scan *scan, uint32_t limit)
{
    const struct ledger_transfer *transfer;
    uint32_t rows = rows_for(inquiry, limit, sizeof(struct mr_ledger_row_transfer));
    for (uint32_t i = 0; i < rows && (transfer = mr_ledger_scan_transfer_next(scan)) != NULL; i++)
        ledger_transfer_show(inquiry->state, transfer,
                             LEDGER_ROW(inquiry, MR_LEDGER_ROW_TRANSFER, mr_ledger_row_transfer));
    return say_next(inquiry, scan, rows);
}

static uint32_t answer_transfers(struct mr_inquiry *inquiry,
                                 const struct mr_ledger_query_filter *filter)
{
    struct ledger_scan scan;
    uint32_t reason = mr_ledger_scan_transfers(&scan, inquiry->state, filter);
    return reason != 0 ? reason : list_transfers(inquiry, &scan, filter->limit);
}

static uint32_t answer_account_transfers(struct mr_inquiry *inquiry,
                                         const struct mr_ledger_account_filter *filter)
{
    struct ledger_scan scan;
    uint32_t reason = mr_ledger_scan_account_transfers(&scan, inquiry->state, filter);
    return reason != 0 ? reason : list_transfers(inquiry, &scan, filter->limit);
}

static uint32_t answer_account_balances(struct mr_inquiry *inquiry,
                                        const struct mr_ledger_account_filter *filter)
{
    struct ledger_scan scan;
    const struct ledger_balances *balances;
    const struct ledger_transfer *transfer;
    uint32_t reason = mr_ledger_scan_account_balances(&scan, inquiry->state, filter);
    uint32_t rows = rows_for(inquiry, filter->limit, sizeof(struct mr_ledger_row_balance));
    if (reason != 0)
        return reason;
    for (uint32_t i = 0; i < rows; i++) {
        balances = mr_ledger_scan_balance_next(&scan, &transfer);
        if (balances == NULL)
            break;
        ledger_balance_show(balances, transfer,
                            LEDGER_ROW(inquiry, MR_LEDGER_ROW_BALANCE, mr_ledger_row_balance));
    }
    return say_next(inquiry, &scan, rows);
}

/* -- The whole. -------------------------------------------------------------------------------- */

uint32_t mr_ledger_query_answer(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const void *asked = mr_query_body(query);
    switch (query->type) {
    case MR_LEDGER_QUERY_TOTALS:
        return answer_totals(inquiry);
    case MR_LEDGER_QUERY_ACCOUNT:
        return answer_account(inquiry, asked);
    case MR_LEDGER_QUERY_TRANSFER:
        return answer_transfer(inquiry, asked);
    case MR_LEDGER_QUERY_ACCOUNTS:
        return answer_accounts(inquiry, asked);
    case MR_LEDGER_QUERY_TRANSFERS:
        return answer_transfers(inquiry, asked);
    case MR_LEDGER_QUERY_ACCOUNT_TRANSFERS:
        return answer_account_transfers(inquiry, asked);
    default:
        ASSERT(query->type == MR_LEDGER_QUERY_ACCOUNT_BALANCES);
        return answer_account_balances(inquiry, asked);
    }
}
