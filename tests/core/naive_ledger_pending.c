/* Transfers that are there already, and posting and voiding, in the naive ledger. */
#include "tests/core/naive_ledger_rules.h"

#include <string.h>

/* -- Transfers that are there already. --------------------------------------------------------- */

/* Whether it asks for an amount that has become the existing one's. */
static bool is_same_amount(const struct mr_ledger_transfer *asked,
                           const struct naive_transfer *existing)
{
    wide amount = wide_of(asked->amount), moved = wide_of(existing->record.amount);
    if ((asked->flags & BALANCES) != 0)
        return amount >= moved;
    if ((asked->flags & MR_LEDGER_VOID) != 0)
        return amount == 0 || amount == moved;
    if ((asked->flags & MR_LEDGER_POST) != 0 && moved == wide_of(existing->pended.amount))
        return amount >= moved;
    return amount == moved;
}

uint32_t naive_exists(const struct mr_ledger_transfer *asked, const struct naive_transfer *existing,
                      struct naive_result *result)
{
    REFUSE_IF(existing->failed, MR_LEDGER_ID_ALREADY_FAILED);
    const struct mr_ledger_transfer *record = &existing->record;
    struct mr_ledger_transfer full = *asked;
    REFUSE_IF(asked->flags != record->flags, MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
    REFUSE_IF(differ(asked->pending_id, record->pending_id),
              MR_LEDGER_EXISTS_WITH_DIFFERENT_PENDING_ID);
    REFUSE_IF(asked->timeout != record->timeout, MR_LEDGER_EXISTS_WITH_DIFFERENT_TIMEOUT);
    if ((asked->flags & RESOLVES) != 0) { /* what it leaves out is the pending one's */
        const struct mr_ledger_transfer *pended = &existing->pended;
        if (is_zero(full.debit_account_id))
            full.debit_account_id = pended->debit_account_id;
        if (is_zero(full.credit_account_id))
            full.credit_account_id = pended->credit_account_id;
        if (is_zero(full.user_data_128))
            full.user_data_128 = pended->user_data_128;
        if (full.user_data_64 == 0)
            full.user_data_64 = pended->user_data_64;
        if (full.user_data_32 == 0)
            full.user_data_32 = pended->user_data_32;
        if (full.ledger == 0)
            full.ledger = pended->ledger;
        if (full.code == 0)
            full.code = pended->code;
    }
    REFUSE_IF(differ(full.debit_account_id, record->debit_account_id),
              MR_LEDGER_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID);
    REFUSE_IF(differ(full.credit_account_id, record->credit_account_id),
              MR_LEDGER_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID);
    REFUSE_IF(!is_same_amount(asked, existing), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    REFUSE_IF(differ(full.user_data_128, record->user_data_128),
              MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_128);
    REFUSE_IF(full.user_data_64 != record->user_data_64,
              MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_64);
    REFUSE_IF(full.user_data_32 != record->user_data_32,
              MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_32);
    REFUSE_IF(full.ledger != record->ledger, MR_LEDGER_EXISTS_WITH_DIFFERENT_LEDGER);
    REFUSE_IF(full.code != record->code, MR_LEDGER_EXISTS_WITH_DIFFERENT_CODE);
    result->timestamp = record->timestamp;
    return MR_LEDGER_EXISTS;
}

/* -- Posting and voiding. ---------------------------------------------------------------------- */

void naive_release(struct naive_ledger *ledger, struct naive_transfer *pending, uint8_t state)
{
    const struct mr_ledger_transfer *transfer = &pending->record;
    struct mr_ledger_account *debit = naive_account(ledger, transfer->debit_account_id);
    struct mr_ledger_account *credit = naive_account(ledger, transfer->credit_account_id);
    subtract(&debit->debits_pending, wide_of(transfer->amount));
    subtract(&credit->credits_pending, wide_of(transfer->amount));
    if ((transfer->flags & MR_LEDGER_CLOSING_DEBIT) != 0)
        debit->flags &= (uint16_t)~MR_LEDGER_ACCOUNT_CLOSED;
    if ((transfer->flags & MR_LEDGER_CLOSING_CREDIT) != 0)
        credit->flags &= (uint16_t)~MR_LEDGER_ACCOUNT_CLOSED;
    pending->state = state;
}

static uint32_t pending_fits(const struct mr_ledger_transfer *transfer,
                             const struct mr_ledger_transfer *pended, wide amount)
{
    REFUSE_IF(names_other(transfer->debit_account_id, pended->debit_account_id),
              MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID);
    REFUSE_IF(names_other(transfer->credit_account_id, pended->credit_account_id),
              MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID);
    REFUSE_IF(transfer->ledger != 0 && transfer->ledger != pended->ledger,
              MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_LEDGER);
    REFUSE_IF(transfer->code != 0 && transfer->code != pended->code,
              MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CODE);
    REFUSE_IF(amount > wide_of(pended->amount), MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT);
    REFUSE_IF((transfer->flags & MR_LEDGER_VOID) != 0 && amount < wide_of(pended->amount),
              MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT);
    return 0;
}

static uint32_t pending_open(const struct naive_ledger *ledger,
                             const struct naive_transfer *pending)
{
    REFUSE_IF(pending->state == MR_LEDGER_STATE_POSTED, MR_LEDGER_PENDING_TRANSFER_ALREADY_POSTED);
    REFUSE_IF(pending->state == MR_LEDGER_STATE_VOIDED, MR_LEDGER_PENDING_TRANSFER_ALREADY_VOIDED);
    REFUSE_IF(pending->state == MR_LEDGER_STATE_EXPIRED, MR_LEDGER_PENDING_TRANSFER_EXPIRED);
    REFUSE_IF(pending->expires_ns != 0 && pending->expires_ns <= ledger->time_ns,
              MR_LEDGER_PENDING_TRANSFER_EXPIRED);
    return 0;
}

/* What a post or a void becomes. */
static struct mr_ledger_transfer filled_in(const struct naive_ledger *ledger,
                                           const struct mr_ledger_transfer *transfer,
                                           const struct mr_ledger_transfer *pended, wide amount)
{
    struct mr_ledger_transfer full = *pended;
    full.id = transfer->id;
    full.pending_id = transfer->pending_id;
    full.amount = narrow(amount);
    full.timeout = 0;
    full.flags = transfer->flags;
    full.timestamp = timestamp_of(ledger, transfer);
    if (!is_zero(transfer->user_data_128))
        full.user_data_128 = transfer->user_data_128;
    if (transfer->user_data_64 != 0)
        full.user_data_64 = transfer->user_data_64;
    if (transfer->user_data_32 != 0)
        full.user_data_32 = transfer->user_data_32;
    return full;
}

uint32_t naive_resolve(struct naive_ledger *ledger, const struct mr_ledger_transfer *transfer,
                       struct naive_result *result)
{
    REFUSE_IF(is_zero(transfer->pending_id), MR_LEDGER_PENDING_ID_MUST_NOT_BE_ZERO);
    REFUSE_IF(is_max(transfer->pending_id), MR_LEDGER_PENDING_ID_MUST_NOT_BE_INT_MAX);
    REFUSE_IF(!differ(transfer->pending_id, transfer->id), MR_LEDGER_PENDING_ID_MUST_BE_DIFFERENT);
    REFUSE_IF(transfer->timeout != 0, MR_LEDGER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER);
    struct naive_transfer *pending = naive_transfer(ledger, transfer->pending_id);
    REFUSE_IF(pending == NULL || pending->failed, MR_LEDGER_PENDING_TRANSFER_NOT_FOUND);
    const struct mr_ledger_transfer *pended = &pending->record;
    REFUSE_IF((pended->flags & MR_LEDGER_PENDING) == 0, MR_LEDGER_PENDING_TRANSFER_NOT_PENDING);
    bool is_void = (transfer->flags & MR_LEDGER_VOID) != 0;
    bool whole = is_void ? is_zero(transfer->amount) : is_max(transfer->amount);
    wide amount = wide_of(whole ? pended->amount : transfer->amount);
    uint32_t reason = pending_fits(transfer, pended, amount);
    REFUSE_IF(reason != 0, reason);
    reason = pending_open(ledger, pending);
    REFUSE_IF(reason != 0, reason);
    REFUSE_IF(naive_regresses(ledger, transfer), MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS);
    struct mr_ledger_account *debit = naive_account(ledger, pended->debit_account_id);
    struct mr_ledger_account *credit = naive_account(ledger, pended->credit_account_id);
    REFUSE_IF(!is_void && is_closed(debit), MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    REFUSE_IF(!is_void && is_closed(credit), MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED);
    struct naive_transfer added;
    memset(&added, 0, sizeof(added));
    added.pended = *pended;
    added.record = filled_in(ledger, transfer, pended, amount);
    naive_release(ledger, pending, is_void ? MR_LEDGER_STATE_VOIDED : MR_LEDGER_STATE_POSTED);
    if (!is_void) {
        add(&debit->debits_posted, amount);
        add(&credit->credits_posted, amount);
    }
    naive_record(ledger, &added, result);
    return 0;
}
