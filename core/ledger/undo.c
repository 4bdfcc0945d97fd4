/*
 * Taking back the newest transfer, when a chain fails. Everything that creating it has done is
 * undone in the opposite order, and nothing has been forgotten for it.
 */
#include "core/ledger/window.h"

/* What stands for a link to a transfer that has left the window: the place right before it. */
static uint32_t gone(const struct mr_ledger *ledger)
{
    return mr_u128_is_zero(ledger->floor) ? 0
                                          : ledger_ordinal_before(ledger->newest, ledger->count);
}

/* The account's last transfer is again the one before. */
static void unlink(struct mr_ledger *ledger, struct ledger_account *account, uint32_t before)
{
    uint32_t last = before != 0 ? before : gone(ledger);
    account->last = last;
    account->last_epoch = (uint16_t)(ledger->epoch - (ledger_link_ordinal(last) > ledger->newest));
}

static void forget_balances(struct mr_ledger *ledger, const struct ledger_account *debit,
                            const struct ledger_account *credit)
{
    uint32_t count = (debit->flags & MR_LEDGER_ACCOUNT_HISTORY) != 0;
    count += (credit->flags & MR_LEDGER_ACCOUNT_HISTORY) != 0;
    ledger->balance_newest = ledger_ordinal_before(ledger->balance_newest, count);
    ledger->balance_count -= count;
}

static void take_back(struct ledger_account *debit, struct ledger_account *credit,
                      struct mr_u128 amount)
{
    (void)mr_u128_subtract(debit->balances.debits_posted, amount, &debit->balances.debits_posted);
    (void)mr_u128_subtract(credit->balances.credits_posted, amount,
                           &credit->balances.credits_posted);
}

/* What a post or a void has resolved is pending again, in the place that it still has. */
static void unresolve(struct mr_ledger *ledger, const struct ledger_transfer *transfer,
                      struct ledger_account *debit, struct ledger_account *credit)
{
    struct ledger_transfer *pending = ledger_transfer_of(ledger, transfer->pending);
    if (pending->state == MR_LEDGER_STATE_POSTED)
        take_back(debit, credit, transfer->amount);
    else
        mr_ledger_close(ledger, pending);
    pending->state = MR_LEDGER_STATE_PENDING;
    (void)mr_u128_add(debit->balances.debits_pending, pending->amount,
                      &debit->balances.debits_pending);
    (void)mr_u128_add(credit->balances.credits_pending, pending->amount,
                      &credit->balances.credits_pending);
    if (pending->timeout != 0)
        mr_ledger_expiry_push(ledger, pending->pending, ledger_expires(pending),
                              pending->timestamp);
    ledger->pending_count++;
}

static void withdraw(struct mr_ledger *ledger, const struct ledger_transfer *transfer)
{
    mr_ledger_reopen(ledger, transfer);
    if (transfer->timeout != 0)
        mr_ledger_expiry_remove(ledger, transfer->pending);
    ledger->pending_count--;
    mr_ledger_pending_give(ledger, transfer->pending);
    mr_ledger_release(ledger, transfer);
}

void mr_ledger_transfer_undo(struct mr_ledger *ledger, uint32_t remaining)
{
    const struct ledger_transfer *transfer = ledger_transfer(ledger, ledger->newest);
    struct ledger_account *debit = ledger_account(ledger, transfer->debit);
    struct ledger_account *credit = ledger_account(ledger, transfer->credit);
    if (transfer->balance != 0)
        forget_balances(ledger, debit, credit);
    if ((transfer->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0)
        unresolve(ledger, transfer, debit, credit);
    else if ((transfer->flags & MR_LEDGER_PENDING) != 0)
        withdraw(ledger, transfer);
    else
        take_back(debit, credit, transfer->amount);

    const struct ledger_links *links = ledger_links(ledger, ledger->newest);
    unlink(ledger, credit, links->credit_before);
    unlink(ledger, debit, links->debit_before);
    mr_ledger_bucket_clear(ledger, ledger_hash(ledger, transfer->id), ledger->newest, remaining);

    bool first = ledger->newest == 1; /* of its epoch */
    ledger->newest = first && ledger->epoch == 0 ? 0 : ledger_ordinal_before(ledger->newest, 1);
    ledger->epoch -= first && ledger->epoch > 0;
    ledger->count--;
    ledger->transfers--;
    ledger->transfer_time = ledger->count == 0 ? ledger->forgotten_time
                                               : ledger_transfer(ledger, ledger->newest)->timestamp;
}
