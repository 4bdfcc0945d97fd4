/* Creating transfers in the naive ledger: the rules, in their order of precedence. */
#include "tests/core/naive_ledger_rules.h"

#include <string.h>

/* -- What both kinds have in common. */

/* Whether an id that is not known may be a new one. */
static uint32_t id_new(const struct naive_ledger *ledger, struct mr_u128 id)
{
    const struct naive_list *window = &ledger->now.window;
    if (ledger->config.id_scheme == MR_LEDGER_IDS_FREE)
        return window->end - window->first < ledger->config.transfers_max
                   ? 0
                   : MR_LEDGER_TRANSFERS_FULL;
    uint64_t time_ms = ledger->time_ns / 1000000 + ledger->config.id_ahead_ms;
    REFUSE_IF(wide_of(id) <= ledger->now.floor, MR_LEDGER_ID_TOO_OLD);
    REFUSE_IF((uint64_t)(wide_of(id) >> 80) > time_ms, MR_LEDGER_ID_AHEAD_OF_TIME);
    return 0;
}

static wide debits(const struct mr_ledger_account *account)
{
    return wide_of(account->debits_pending) + wide_of(account->debits_posted);
}

static wide credits(const struct mr_ledger_account *account)
{
    return wide_of(account->credits_pending) + wide_of(account->credits_posted);
}

static void keep_balance(struct naive_ledger *ledger, const struct mr_ledger_account *account,
                         uint64_t timestamp, struct naive_balance *balance)
{
    if ((account->flags & MR_LEDGER_ACCOUNT_HISTORY) == 0)
        return;
    balance->number = ++ledger->now.balances;
    balance->row = (struct mr_ledger_row_balance){
        .debits_pending = account->debits_pending,
        .debits_posted = account->debits_posted,
        .credits_pending = account->credits_pending,
        .credits_posted = account->credits_posted,
        .timestamp = timestamp,
    };
}

void naive_record(struct naive_ledger *ledger, const struct naive_transfer *transfer,
                  struct naive_result *result)
{
    struct naive_transfer *added = naive_window_add(ledger, transfer->record.id);
    *added = *transfer;
    const struct mr_ledger_transfer *kept = &added->record;
    keep_balance(ledger, naive_account(ledger, kept->debit_account_id), kept->timestamp,
                 &added->debit);
    keep_balance(ledger, naive_account(ledger, kept->credit_account_id), kept->timestamp,
                 &added->credit);
    ledger->now.transfer_time = kept->timestamp;
    ledger->now.created++;
    result->transfer = *kept;
}

bool naive_regresses(const struct naive_ledger *ledger, const struct mr_ledger_transfer *transfer)
{
    if ((transfer->flags & MR_LEDGER_IMPORTED) == 0)
        return false;
    for (uint32_t i = 0; i < ledger->now.account_count; i++) {
        if (ledger->now.accounts[i].timestamp == transfer->timestamp)
            return true;
    }
    return transfer->timestamp <= ledger->now.transfer_time;
}

/* -- Immediate and pending transfers. ---------------------------------------------------------- */

static uint32_t flags_exclude(uint16_t flags)
{
    bool resolves = (flags & RESOLVES) != 0;
    REFUSE_IF((flags & RESOLVES) == RESOLVES, MR_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE);
    REFUSE_IF(resolves && (flags & (MR_LEDGER_PENDING | BALANCES | CLOSES)) != 0,
              MR_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE);
    return 0;
}

static uint32_t transfer_fields(const struct mr_ledger_transfer *transfer)
{
    bool is_pending = (transfer->flags & MR_LEDGER_PENDING) != 0;
    REFUSE_IF(is_zero(transfer->debit_account_id), MR_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO);
    REFUSE_IF(is_max(transfer->debit_account_id), MR_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX);
    REFUSE_IF(is_zero(transfer->credit_account_id), MR_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO);
    REFUSE_IF(is_max(transfer->credit_account_id), MR_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX);
    REFUSE_IF(!differ(transfer->debit_account_id, transfer->credit_account_id),
              MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT);
    REFUSE_IF(!is_zero(transfer->pending_id), MR_LEDGER_PENDING_ID_MUST_BE_ZERO);
    REFUSE_IF(!is_pending && transfer->timeout != 0,
              MR_LEDGER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER);
    REFUSE_IF(!is_pending && (transfer->flags & CLOSES) != 0,
              MR_LEDGER_CLOSING_TRANSFER_MUST_BE_PENDING);
    REFUSE_IF(transfer->ledger == 0, MR_LEDGER_LEDGER_MUST_NOT_BE_ZERO);
    REFUSE_IF(transfer->code == 0, MR_LEDGER_CODE_MUST_NOT_BE_ZERO);
    return 0;
}

/* Whether the two accounts may take part, whatever the amount. */
static uint32_t accounts_fit(const struct naive_ledger *ledger,
                             const struct mr_ledger_transfer *transfer,
                             const struct mr_ledger_account *debit,
                             const struct mr_ledger_account *credit)
{
    REFUSE_IF(debit == NULL, MR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND);
    REFUSE_IF(credit == NULL, MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
    REFUSE_IF(debit->ledger != credit->ledger, MR_LEDGER_ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER);
    REFUSE_IF(transfer->ledger != debit->ledger,
              MR_LEDGER_TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS);
    if ((transfer->flags & MR_LEDGER_IMPORTED) != 0) {
        REFUSE_IF(naive_regresses(ledger, transfer), MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS);
        REFUSE_IF(transfer->timestamp <= debit->timestamp,
                  MR_LEDGER_IMPORTED_MUST_POSTDATE_DEBIT_ACCOUNT);
        REFUSE_IF(transfer->timestamp <= credit->timestamp,
                  MR_LEDGER_IMPORTED_MUST_POSTDATE_CREDIT_ACCOUNT);
        REFUSE_IF(transfer->timeout != 0, MR_LEDGER_IMPORTED_TIMEOUT_MUST_BE_ZERO);
    }
    REFUSE_IF(is_closed(debit), MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    REFUSE_IF(is_closed(credit), MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED);
    return 0;
}

/* What a transfer moves, of what it asks for. */
static wide balanced(const struct mr_ledger_transfer *transfer,
                     const struct mr_ledger_account *debit, const struct mr_ledger_account *credit)
{
    wide amount = wide_of(transfer->amount);
    if ((transfer->flags & MR_LEDGER_BALANCING_DEBIT) != 0) {
        wide has = wide_of(debit->credits_posted), uses = debits(debit);
        wide most = has > uses ? has - uses : 0;
        amount = amount < most ? amount : most;
    }
    if ((transfer->flags & MR_LEDGER_BALANCING_CREDIT) != 0) {
        wide has = wide_of(credit->debits_posted), uses = credits(credit);
        wide most = has > uses ? has - uses : 0;
        amount = amount < most ? amount : most;
    }
    return amount;
}

static uint32_t amount_fits(const struct naive_ledger *ledger,
                            const struct mr_ledger_transfer *transfer,
                            const struct mr_ledger_account *debit,
                            const struct mr_ledger_account *credit, wide amount)
{
    bool is_pending = (transfer->flags & MR_LEDGER_PENDING) != 0;
    wide expires_ns = timestamp_of(ledger, transfer) + (wide)(transfer->timeout * SECOND);
    REFUSE_IF(is_pending && overflows(wide_of(debit->debits_pending), amount),
              MR_LEDGER_OVERFLOWS_DEBITS_PENDING);
    REFUSE_IF(is_pending && overflows(wide_of(credit->credits_pending), amount),
              MR_LEDGER_OVERFLOWS_CREDITS_PENDING);
    REFUSE_IF(overflows(wide_of(debit->debits_posted), amount), MR_LEDGER_OVERFLOWS_DEBITS_POSTED);
    REFUSE_IF(overflows(wide_of(credit->credits_posted), amount),
              MR_LEDGER_OVERFLOWS_CREDITS_POSTED);
    REFUSE_IF(overflows(debits(debit), amount), MR_LEDGER_OVERFLOWS_DEBITS);
    REFUSE_IF(overflows(credits(credit), amount), MR_LEDGER_OVERFLOWS_CREDITS);
    REFUSE_IF(transfer->timeout != 0 && (expires_ns >> 63 != 0 || expires_ns <= ledger->asked_ns),
              MR_LEDGER_OVERFLOWS_TIMEOUT);
    REFUSE_IF((debit->flags & MR_LEDGER_ACCOUNT_DEBITS_LIMITED) != 0 &&
                  debits(debit) + amount > wide_of(debit->credits_posted),
              MR_LEDGER_EXCEEDS_CREDITS);
    REFUSE_IF((credit->flags & MR_LEDGER_ACCOUNT_CREDITS_LIMITED) != 0 &&
                  credits(credit) + amount > wide_of(credit->debits_posted),
              MR_LEDGER_EXCEEDS_DEBITS);
    REFUSE_IF(is_pending && naive_pending(ledger) >= ledger->config.pending_max,
              MR_LEDGER_PENDING_FULL);
    return 0;
}

static void move(struct naive_ledger *ledger, const struct mr_ledger_transfer *transfer,
                 struct mr_ledger_account *debit, struct mr_ledger_account *credit,
                 struct naive_result *result)
{
    bool is_pending = (transfer->flags & MR_LEDGER_PENDING) != 0;
    struct naive_transfer added;
    memset(&added, 0, sizeof(added));
    wide amount = balanced(transfer, debit, credit);
    added.record = *transfer;
    added.record.amount = narrow(amount);
    added.record.timestamp = timestamp_of(ledger, transfer);
    if (is_pending) {
        added.state = MR_LEDGER_STATE_PENDING;
        if (transfer->timeout != 0)
            added.expires_ns = added.record.timestamp + transfer->timeout * SECOND;
    }
    add(is_pending ? &debit->debits_pending : &debit->debits_posted, amount);
    add(is_pending ? &credit->credits_pending : &credit->credits_posted, amount);
    if ((transfer->flags & MR_LEDGER_CLOSING_DEBIT) != 0)
        debit->flags |= MR_LEDGER_ACCOUNT_CLOSED;
    if ((transfer->flags & MR_LEDGER_CLOSING_CREDIT) != 0)
        credit->flags |= MR_LEDGER_ACCOUNT_CLOSED;
    naive_record(ledger, &added, result);
}

uint32_t naive_transfer_create(struct naive_ledger *ledger,
                               const struct mr_ledger_transfer *transfer,
                               struct naive_result *result)
{
    bool imported = (transfer->flags & MR_LEDGER_IMPORTED) != 0;
    uint32_t reason = naive_import_check(ledger, imported, transfer->timestamp);
    REFUSE_IF(reason != 0, reason);
    REFUSE_IF((transfer->flags & ~MR_LEDGER_TRANSFER_FLAGS_ALL) != 0, MR_LEDGER_RESERVED_FLAG);
    REFUSE_IF(is_zero(transfer->id), MR_LEDGER_ID_MUST_NOT_BE_ZERO);
    REFUSE_IF(is_max(transfer->id), MR_LEDGER_ID_MUST_NOT_BE_INT_MAX);
    const struct naive_transfer *existing = naive_transfer(ledger, transfer->id);
    if (existing != NULL)
        return naive_exists(transfer, existing, result);
    reason = id_new(ledger, transfer->id);
    REFUSE_IF(reason != 0, reason);
    reason = flags_exclude(transfer->flags);
    REFUSE_IF(reason != 0, reason);
    if ((transfer->flags & RESOLVES) != 0)
        return naive_resolve(ledger, transfer, result);
    reason = transfer_fields(transfer);
    REFUSE_IF(reason != 0, reason);
    struct mr_ledger_account *debit = naive_account(ledger, transfer->debit_account_id);
    struct mr_ledger_account *credit = naive_account(ledger, transfer->credit_account_id);
    reason = accounts_fit(ledger, transfer, debit, credit);
    REFUSE_IF(reason != 0, reason);
    reason = amount_fits(ledger, transfer, debit, credit, balanced(transfer, debit, credit));
    REFUSE_IF(reason != 0, reason);
    move(ledger, transfer, debit, credit, result);
    return 0;
}
