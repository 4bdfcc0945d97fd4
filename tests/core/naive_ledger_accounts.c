/* Creating accounts in the naive ledger: the rules, in their order of precedence. */
#include "tests/core/naive_ledger_rules.h"

static uint32_t account_exists(const struct mr_ledger_account *account,
                               const struct mr_ledger_account *existing,
                               struct naive_result *result)
{
    REFUSE_IF(account->flags != existing->flags, MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
    REFUSE_IF(differ(account->user_data_128, existing->user_data_128),
              MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_128);
    REFUSE_IF(account->user_data_64 != existing->user_data_64,
              MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_64);
    REFUSE_IF(account->user_data_32 != existing->user_data_32,
              MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_32);
    REFUSE_IF(account->ledger != existing->ledger, MR_LEDGER_EXISTS_WITH_DIFFERENT_LEDGER);
    REFUSE_IF(account->code != existing->code, MR_LEDGER_EXISTS_WITH_DIFFERENT_CODE);
    result->timestamp = existing->timestamp;
    return MR_LEDGER_EXISTS;
}

static uint32_t account_fields(const struct mr_ledger_account *account)
{
    uint16_t limits = MR_LEDGER_ACCOUNT_DEBITS_LIMITED | MR_LEDGER_ACCOUNT_CREDITS_LIMITED;
    REFUSE_IF((account->flags & limits) == limits, MR_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE);
    REFUSE_IF(!is_zero(account->debits_pending), MR_LEDGER_DEBITS_PENDING_MUST_BE_ZERO);
    REFUSE_IF(!is_zero(account->debits_posted), MR_LEDGER_DEBITS_POSTED_MUST_BE_ZERO);
    REFUSE_IF(!is_zero(account->credits_pending), MR_LEDGER_CREDITS_PENDING_MUST_BE_ZERO);
    REFUSE_IF(!is_zero(account->credits_posted), MR_LEDGER_CREDITS_POSTED_MUST_BE_ZERO);
    REFUSE_IF(account->ledger == 0, MR_LEDGER_LEDGER_MUST_NOT_BE_ZERO);
    REFUSE_IF(account->code == 0, MR_LEDGER_CODE_MUST_NOT_BE_ZERO);
    return 0;
}

static uint32_t account_room(const struct naive_ledger *ledger,
                             const struct mr_ledger_account *account)
{
    const struct naive_state *now = &ledger->now;
    REFUSE_IF(now->account_count == ledger->config.accounts_max, MR_LEDGER_ACCOUNTS_FULL);
    for (uint32_t i = 0; i < now->account_count; i++) {
        if (now->accounts[i].ledger == account->ledger)
            return 0;
    }
    return naive_ledgers(ledger) < ledger->config.ledgers_max ? 0 : MR_LEDGER_LEDGERS_FULL;
}

uint32_t naive_account_create(struct naive_ledger *ledger, const struct mr_ledger_account *account,
                              struct naive_result *result)
{
    struct naive_state *now = &ledger->now;
    bool imported = (account->flags & MR_LEDGER_ACCOUNT_IMPORTED) != 0;
    uint32_t reason = naive_import_check(ledger, imported, account->timestamp);
    REFUSE_IF(reason != 0, reason);
    REFUSE_IF(account->reserved != 0, MR_LEDGER_RESERVED_FIELD);
    REFUSE_IF((account->flags & ~MR_LEDGER_ACCOUNT_FLAGS_ALL) != 0, MR_LEDGER_RESERVED_FLAG);
    REFUSE_IF(is_zero(account->id), MR_LEDGER_ID_MUST_NOT_BE_ZERO);
    REFUSE_IF(is_max(account->id), MR_LEDGER_ID_MUST_NOT_BE_INT_MAX);
    const struct mr_ledger_account *existing = naive_account(ledger, account->id);
    if (existing != NULL)
        return account_exists(account, existing, result);
    reason = account_fields(account);
    REFUSE_IF(reason != 0, reason);
    REFUSE_IF(imported && (account->timestamp <= now->account_time ||
                           account->timestamp <= now->forgotten_time ||
                           naive_in_window(&now->window, account->timestamp)),
              MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS);
    reason = account_room(ledger, account);
    REFUSE_IF(reason != 0, reason);
    result->account = *account;
    if (!imported)
        result->account.timestamp = ledger->time_ns;
    now->account_time = result->account.timestamp;
    now->accounts[now->account_count++] = result->account;
    return 0;
}
