/*
 * What a transfer will need, brought nearer before it is its turn, in stages of which each finds
 * what the one before has brought. Nothing here changes anything, and what it finds is most likely,
 * not certain. All is folded into its caller: a compiler may drop calls of functions that do
 * nothing but prefetch.
 */
#ifndef MR_CORE_LEDGER_AHEAD_H
#define MR_CORE_LEDGER_AHEAD_H

#include "core/ledger/turn.h"

LEDGER_FOLDED bool ledger_resolves(const struct mr_ledger_transfer *transfer)
{
    return MR_UNLIKELY((transfer->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0);
}

LEDGER_FOLDED void ledger_ahead_fetch_account(const struct ledger_account *account)
{
    __builtin_prefetch(&account->balances, 0, 2);
    __builtin_prefetch(&account->id, 0, 2);
}

/* -- Posts and voids: the pending transfer, its accounts. -------------------------------------- */

/* By its hash alone, so most likely. One that has left the window is not looked for. */
LEDGER_FOLDED void ledger_ahead_pending(const struct mr_ledger *ledger, struct ledger_ahead *known)
{
    const struct ledger_bucket *bucket = ledger_bucket_home(ledger, known->debit);
    known->pending = 0;
    for (uint32_t i = 0; i < LEDGER_BUCKET; i++)
        known->pending = bucket->hashes[i] == known->debit ? bucket->ordinals[i] : known->pending;
    const unsigned char *pending =
        (const unsigned char *)ledger_transfer_at(ledger, ledger_place(ledger, known->pending));
    __builtin_prefetch(pending, 0, 2);
    __builtin_prefetch(pending + sizeof(struct ledger_transfer) - 1, 0, 2);
}

/* The pending transfer, if it has been found. */
LEDGER_FOLDED const struct ledger_transfer *ledger_ahead_found(const struct mr_ledger *ledger,
                                                               const struct ledger_ahead *known)
{
    if (!ledger_in_window(ledger, known->pending))
        return NULL;
    const struct ledger_transfer *pending = ledger_transfer(ledger, known->pending);
    return pending->state == MR_LEDGER_STATE_PENDING ? pending : NULL;
}

/* -- Stages. ----------------------------------------------------------------------------------- */

LEDGER_FOLDED void ledger_ahead_hash(const struct mr_ledger *ledger,
                                     const struct mr_ledger_transfer *transfer,
                                     struct ledger_ahead *known)
{
    known->home = ledger_home(ledger, transfer->id);
    if (ledger_resolves(transfer)) {
        known->debit = ledger_hash(ledger, transfer->pending_id);
        return;
    }
    known->debit = ledger_hash(ledger, transfer->debit_account_id);
    known->credit = ledger_hash(ledger, transfer->credit_account_id);
}

LEDGER_FOLDED void ledger_ahead_slots(const struct mr_ledger *ledger,
                                      const struct mr_ledger_transfer *transfer,
                                      const struct ledger_ahead *known)
{
    struct ledger_table accounts = ledger_account_table(ledger);
    __builtin_prefetch(known->home.bucket, 0, 2);
    if (ledger_resolves(transfer)) {
        __builtin_prefetch(ledger_bucket_home(ledger, known->debit), 0, 2);
        return;
    }
    ledger_slot_prefetch(&accounts, known->debit);
    ledger_slot_prefetch(&accounts, known->credit);
}

/* The account that a hash most likely leads to; NULL: none. */
LEDGER_FOLDED struct ledger_account *ledger_ahead_account_of(const struct mr_ledger *ledger,
                                                             const struct ledger_table *table,
                                                             uint32_t hash)
{
    uint32_t i = hash >> table->shift;
    i = (i + (table->slots[i].hash != hash)) & table->mask; /* often enough, and no branch */
    while (table->slots[i].hash != hash && table->slots[i].value != 0)
        i = (i + 1) & table->mask;
    uint32_t number = table->slots[i].value;
    if (MR_UNLIKELY(number == 0))
        return NULL;
    struct ledger_account *account = ledger_account(ledger, number);
    ledger_ahead_fetch_account(account);
    return account;
}

LEDGER_FOLDED void ledger_ahead_accounts(const struct mr_ledger *ledger,
                                         const struct mr_ledger_transfer *transfer,
                                         struct ledger_ahead *known)
{
    if (ledger_resolves(transfer)) {
        ledger_ahead_pending(ledger, known);
        return;
    }
    struct ledger_table table = ledger_account_table(ledger);
    known->debit_account = ledger_ahead_account_of(ledger, &table, known->debit);
    known->credit_account = ledger_ahead_account_of(ledger, &table, known->credit);
}

/* Of a post or a void: what its pending transfer leads to. */
LEDGER_FOLDED void ledger_ahead_pending_accounts(const struct mr_ledger *ledger,
                                                 const struct mr_ledger_transfer *transfer,
                                                 const struct ledger_ahead *known)
{
    if (!ledger_resolves(transfer))
        return;
    const struct ledger_transfer *pending = ledger_ahead_found(ledger, known);
    if (pending == NULL)
        return;
    ledger_ahead_fetch_account(ledger_account(ledger, pending->debit));
    ledger_ahead_fetch_account(ledger_account(ledger, pending->credit));
    __builtin_prefetch(ledger_pending(ledger, pending->pending), 0, 2);
}

#endif
