/*
 * Accounts and transfers as the public structs have them.
 */
#include "core/ledger/state.h"

void mr_ledger_account_tell(const struct mr_ledger *ledger, const struct ledger_account *account,
                            struct mr_ledger_account *out)
{
    *out = (struct mr_ledger_account){
        .id = account->id,
        .debits_pending = account->balances.debits_pending,
        .debits_posted = account->balances.debits_posted,
        .credits_pending = account->balances.credits_pending,
        .credits_posted = account->balances.credits_posted,
        .user_data_128 = account->user_data_128,
        .user_data_64 = account->user_data_64,
        .user_data_32 = account->user_data_32,
        .ledger = ledger_unit(ledger, account->unit)->ledger,
        .code = account->code,
        .flags = account->flags,
        .timestamp = account->timestamp,
    };
}

void mr_ledger_transfer_tell(const struct mr_ledger *ledger, const struct ledger_transfer *transfer,
                             struct mr_ledger_transfer *out)
{
    const struct ledger_account *debit = ledger_account(ledger, transfer->debit);
    *out = (struct mr_ledger_transfer){
        .id = transfer->id,
        .debit_account_id = debit->id,
        .credit_account_id = ledger_account(ledger, transfer->credit)->id,
        .amount = transfer->amount,
        .pending_id = transfer->pending_id,
        .user_data_128 = transfer->user_data_128,
        .user_data_64 = transfer->user_data_64,
        .user_data_32 = transfer->user_data_32,
        .timeout = transfer->timeout,
        .ledger = ledger_unit(ledger, debit->unit)->ledger,
        .code = transfer->code,
        .flags = transfer->flags,
        .timestamp = transfer->timestamp,
    };
}
