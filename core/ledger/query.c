/*
 * Looking at the ledger: see <millrace/ledger.h> and <millrace/ledger_queries.h>.
 */
#include "core/ledger/scan.h"

#include <millrace/common.h>

/* -- The whole, and one of it. ----------------------------------------------------------------- */

struct mr_ledger_totals mr_ledger_totals_get(const struct mr_ledger *ledger)
{
    return (struct mr_ledger_totals){
        .time_ns = ledger->time_ns,
        .transfers = ledger->transfers,
        .floor = ledger->floor,
        .accounts = ledger->account_count,
        .ledgers = ledger->unit_count,
        .remembered = ledger->count,
        .pending = ledger->pending_count,
        .balances = ledger->balance_count,
    };
}

bool mr_ledger_account_at(const struct mr_ledger *ledger, uint32_t index,
                          struct mr_ledger_account *out)
{
    if (index >= ledger->account_count)
        return false;
    mr_ledger_account_tell(ledger, ledger_account(ledger, index + 1), out);
    return true;
}

bool mr_ledger_account_get(const struct mr_ledger *ledger, struct mr_u128 id,
                           struct mr_ledger_account *out)
{
    uint32_t number = mr_ledger_account_find(ledger, id);
    return number != 0 && mr_ledger_account_at(ledger, number - 1, out);
}

bool mr_ledger_transfer_get(const struct mr_ledger *ledger, struct mr_u128 id,
                            struct mr_ledger_transfer *out, enum mr_ledger_state *state)
{
    uint32_t value = mr_ledger_transfer_find(ledger, id);
    if (value == 0)
        return false;
    const struct ledger_transfer *transfer = ledger_transfer_of(ledger, value);
    if ((transfer->marks & LEDGER_FAILED) != 0)
        return false;
    mr_ledger_transfer_tell(ledger, transfer, out);
    if (state != NULL)
        *state = (enum mr_ledger_state)transfer->state;
    return true;
}

/* -- Lists. ------------------------------------------------------------------------------------ */

/* How many may be found: the caller's limit, or the filter's. */
static uint32_t least(uint32_t limit, uint32_t filter_limit)
{
    return filter_limit != 0 && filter_limit < limit ? filter_limit : limit;
}

static struct mr_ledger_page refused(uint32_t reason)
{
    return (struct mr_ledger_page){.reason = reason};
}

static struct mr_ledger_page found(const struct ledger_scan *scan, uint32_t count)
{
    return (struct mr_ledger_page){.count = count, .next = mr_ledger_scan_resume(scan)};
}

struct mr_ledger_page mr_ledger_accounts_query(const struct mr_ledger *ledger,
                                               const struct mr_ledger_query_filter *filter,
                                               struct mr_ledger_account *out, uint32_t limit)
{
    struct ledger_scan scan;
    const struct ledger_account *account;
    uint32_t count = 0;
    uint32_t reason =
        limit == 0 ? MR_LEDGER_BAD_FILTER : mr_ledger_scan_accounts(&scan, ledger, filter);
    if (reason != 0)
        return refused(reason);
    limit = least(limit, filter->limit);
    while (count < limit && (account = mr_ledger_scan_account_next(&scan)) != NULL)
        mr_ledger_account_tell(ledger, account, &out[count++]);
    return found(&scan, count);
}

static struct mr_ledger_page list_transfers(struct ledger_scan *scan,
                                            struct mr_ledger_row_transfer *out, uint32_t limit)
{
    const struct ledger_transfer *transfer;
    uint32_t count = 0;
    while (count < limit && (transfer = mr_ledger_scan_transfer_next(scan)) != NULL)
        ledger_transfer_show(scan->ledger, transfer, &out[count++]);
    return found(scan, count);
}

struct mr_ledger_page mr_ledger_transfers_query(const struct mr_ledger *ledger,
                                                const struct mr_ledger_query_filter *filter,
                                                struct mr_ledger_row_transfer *out, uint32_t limit)
{
    struct ledger_scan scan;
    uint32_t reason =
        limit == 0 ? MR_LEDGER_BAD_FILTER : mr_ledger_scan_transfers(&scan, ledger, filter);
    if (reason != 0)
        return refused(reason);
    return list_transfers(&scan, out, least(limit, filter->limit));
}

struct mr_ledger_page mr_ledger_account_transfers_query(
    const struct mr_ledger *ledger, const struct mr_ledger_account_filter *filter,
    struct mr_ledger_row_transfer *out, uint32_t limit)
{
    struct ledger_scan scan;
    uint32_t reason =
        limit == 0 ? MR_LEDGER_BAD_FILTER : mr_ledger_scan_account_transfers(&scan, ledger, filter);
    if (reason != 0)
        return refused(reason);
    return list_transfers(&scan, out, least(limit, filter->limit));
}

struct mr_ledger_page mr_ledger_account_balances_query(
    const struct mr_ledger *ledger, const struct mr_ledger_account_filter *filter,
    struct mr_ledger_row_balance *out, uint32_t limit)
{
    struct ledger_scan scan;
    const struct ledger_transfer *transfer;
    const struct ledger_balances *balances;
    uint32_t count = 0;
    uint32_t reason =
        limit == 0 ? MR_LEDGER_BAD_FILTER : mr_ledger_scan_account_balances(&scan, ledger, filter);
    if (reason != 0)
        return refused(reason);
    limit = least(limit, filter->limit);
    while (count < limit && (balances = mr_ledger_scan_balance_next(&scan, &transfer)) != NULL)
        ledger_balance_show(balances, transfer, &out[count++]);
    return found(&scan, count);
}
