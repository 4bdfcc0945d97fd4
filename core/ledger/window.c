/*
 * The window: what leaves it, and the balances beside it.
 */
#include "core/ledger/window.h"

/* -- Forgetting. ------------------------------------------------------------------------------- */

/* A transfer that is pending goes on among those that are kept. */
void mr_ledger_keep(struct mr_ledger *ledger, const struct ledger_transfer *transfer)
{
    uint32_t place = transfer->pending;
    ledger_pending(ledger, place)->ordinal = 0;
    *ledger_kept(ledger, place) = *transfer;
    ledger->kept_high = place > ledger->kept_high ? place : ledger->kept_high;
    mr_ledger_kept_add(ledger, place);
}

void mr_ledger_trim(struct mr_ledger *ledger)
{
    while (ledger->count > ledger->config.transfers_max)
        ledger_forget(ledger);
    if (ledger->balance_count > ledger->config.history_max)
        ledger->balance_count = ledger->config.history_max;
}

/* -- Timestamps. ------------------------------------------------------------------------------- */

/* The transfer of that age, the newest one's being 0. */
static const struct ledger_transfer *aged(const struct mr_ledger *ledger, uint32_t age)
{
    return ledger_transfer(ledger, ledger_ordinal_before(ledger->newest, age));
}

bool mr_ledger_transfer_has_time(const struct mr_ledger *ledger, uint64_t timestamp)
{
    if (timestamp <= ledger->forgotten_time)
        return true;
    uint32_t low = 0, high = ledger->count; /* the first age whose timestamp is not above it */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (aged(ledger, middle)->timestamp > timestamp)
            low = middle + 1;
        else
            high = middle;
    }
    /* Failed ones have the timestamp of one that was created, which may be forgotten by now. */
    return low < ledger->count && aged(ledger, low)->timestamp == timestamp;
}

/* -- Balances. --------------------------------------------------------------------------------- */

static uint32_t add_balance(struct mr_ledger *ledger, const struct ledger_account *account,
                            bool chained)
{
    if (ledger->balance_count >= ledger->config.history_max && !chained)
        ledger->balance_count--;
    ledger->balance_newest = ledger_ordinal_after(ledger->balance_newest);
    ledger->balance_count++;
    uint32_t place = ledger->balance_newest & (ledger->layout.history_ring - 1);
    ledger->balance_high = place >= ledger->balance_high ? place + 1 : ledger->balance_high;
    ledger_balance(ledger, ledger->balance_newest)->balances = account->balances;
    return ledger->balance_newest;
}

uint32_t mr_ledger_history_add(struct mr_ledger *ledger, const struct ledger_account *debit,
                               const struct ledger_account *credit, bool chained)
{
    uint32_t first = 0;
    if ((debit->flags & MR_LEDGER_ACCOUNT_HISTORY) != 0)
        first = add_balance(ledger, debit, chained);
    if ((credit->flags & MR_LEDGER_ACCOUNT_HISTORY) != 0) {
        uint32_t number = add_balance(ledger, credit, chained);
        first = first == 0 ? number : first;
    }
    return first;
}
