/*
 * Posting and voiding pending transfers.
 */
#include "core/ledger/check.h"
#include "core/ledger/window.h"

/* -- Checks. ----------------------------------------------------------------------------------- */

static uint32_t check_fields(const struct mr_ledger_transfer *asked)
{
    uint32_t both = MR_LEDGER_POST | MR_LEDGER_VOID;
    uint32_t others = MR_LEDGER_PENDING | MR_LEDGER_BALANCING_DEBIT | MR_LEDGER_BALANCING_CREDIT |
                      MR_LEDGER_CLOSING_DEBIT | MR_LEDGER_CLOSING_CREDIT;
    if ((asked->flags & both) == both || (asked->flags & others) != 0)
        return MR_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE;
    if (mr_u128_is_zero(asked->pending_id))
        return MR_LEDGER_PENDING_ID_MUST_NOT_BE_ZERO;
    if (mr_u128_is_max(asked->pending_id))
        return MR_LEDGER_PENDING_ID_MUST_NOT_BE_INT_MAX;
    if (mr_u128_equal(asked->pending_id, asked->id))
        return MR_LEDGER_PENDING_ID_MUST_BE_DIFFERENT;
    return asked->timeout != 0 ? MR_LEDGER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER : 0;
}

/* Whether an id may stand for the other: 0 stands for any. */
static bool is_other(struct mr_u128 asked, struct mr_u128 id)
{
    return !mr_u128_is_zero(asked) && !mr_u128_equal(asked, id);
}

static uint32_t compare(const struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                        const struct ledger_transfer *pending)
{
    const struct ledger_account *debit = ledger_account(ledger, pending->debit);
    const struct ledger_account *credit = ledger_account(ledger, pending->credit);
    if (is_other(asked->debit_account_id, debit->id))
        return MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID;
    if (is_other(asked->credit_account_id, credit->id))
        return MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID;
    if (asked->ledger != 0 && asked->ledger != ledger_unit(ledger, debit->unit)->ledger)
        return MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_LEDGER;
    if (asked->code != 0 && asked->code != pending->code)
        return MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CODE;
    return 0;
}

/* What is posted, or voided, of what was reserved. */
static struct mr_u128 amount_of(const struct mr_ledger_transfer *asked,
                                const struct ledger_transfer *pending)
{
    bool all = (asked->flags & MR_LEDGER_POST) != 0 ? mr_u128_is_max(asked->amount)
                                                    : mr_u128_is_zero(asked->amount);
    return all ? pending->amount : asked->amount;
}

static uint32_t check_amount(const struct mr_ledger_transfer *asked,
                             const struct ledger_transfer *pending)
{
    struct mr_u128 amount = amount_of(asked, pending);
    if (mr_u128_below(pending->amount, amount))
        return MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT;
    if ((asked->flags & MR_LEDGER_VOID) != 0 && !mr_u128_equal(amount, pending->amount))
        return MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT;
    return 0;
}

/* Whether it is still pending. Its time may have come before it was expired. */
static uint32_t check_state(const struct ledger_transfer *pending, uint64_t now)
{
    if (pending->state == MR_LEDGER_STATE_POSTED)
        return MR_LEDGER_PENDING_TRANSFER_ALREADY_POSTED;
    if (pending->state == MR_LEDGER_STATE_VOIDED)
        return MR_LEDGER_PENDING_TRANSFER_ALREADY_VOIDED;
    bool late = pending->timeout != 0 && ledger_expires(pending) <= now;
    return late || pending->state == MR_LEDGER_STATE_EXPIRED ? MR_LEDGER_PENDING_TRANSFER_EXPIRED
                                                             : 0;
}

static uint32_t check_accounts(const struct mr_ledger *ledger,
                               const struct mr_ledger_transfer *asked,
                               const struct ledger_transfer *pending)
{
    if ((asked->flags & MR_LEDGER_VOID) != 0)
        return 0;
    if ((ledger_account(ledger, pending->debit)->flags & MR_LEDGER_ACCOUNT_CLOSED) != 0)
        return MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED;
    if ((ledger_account(ledger, pending->credit)->flags & MR_LEDGER_ACCOUNT_CLOSED) != 0)
        return MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED;
    return 0;
}

static uint32_t check(const struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                      const struct ledger_transfer *pending, const struct ledger_turn *turn)
{
    if ((pending->marks & LEDGER_FAILED) != 0)
        return MR_LEDGER_PENDING_TRANSFER_NOT_FOUND;
    if ((pending->flags & MR_LEDGER_PENDING) == 0)
        return MR_LEDGER_PENDING_TRANSFER_NOT_PENDING;
    uint32_t reason = compare(ledger, asked, pending);
    if (reason == 0)
        reason = check_amount(asked, pending);
    if (reason == 0)
        reason = check_state(pending, turn->now);
    if (reason == 0 && turn->imported &&
        (asked->timestamp <= ledger->transfer_time ||
         mr_ledger_account_has_time(ledger, asked->timestamp)))
        reason = MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS;
    return reason == 0 ? check_accounts(ledger, asked, pending) : reason;
}

/* -- Doing it. --------------------------------------------------------------------------------- */

/* What a post or a void leaves out is the pending transfer's. */
static void inherit(struct ledger_transfer *transfer, const struct mr_ledger_transfer *asked,
                    const struct ledger_transfer *pending)
{
    transfer->user_data_128 =
        mr_u128_is_zero(asked->user_data_128) ? pending->user_data_128 : asked->user_data_128;
    transfer->user_data_64 = asked->user_data_64 == 0 ? pending->user_data_64 : asked->user_data_64;
    transfer->user_data_32 = asked->user_data_32 == 0 ? pending->user_data_32 : asked->user_data_32;
    uint32_t marks = 0;
    if (mr_u128_equal(transfer->user_data_128, pending->user_data_128))
        marks |= LEDGER_SAME_128;
    if (transfer->user_data_64 == pending->user_data_64)
        marks |= LEDGER_SAME_64;
    if (transfer->user_data_32 == pending->user_data_32)
        marks |= LEDGER_SAME_32;
    if (mr_u128_equal(transfer->amount, pending->amount))
        marks |= LEDGER_WHOLE;
    transfer->marks = (uint8_t)marks;
}

/* The amount that is posted has been reserved, so it fits. */
static void post(struct ledger_account *debit, struct ledger_account *credit, struct mr_u128 amount)
{
    bool over = mr_u128_add(debit->balances.debits_posted, amount, &debit->balances.debits_posted);
    ASSERT(!over);
    over = mr_u128_add(credit->balances.credits_posted, amount, &credit->balances.credits_posted);
    ASSERT(!over);
}

static void resolve(struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                    struct ledger_home home, uint32_t known, uint64_t timestamp,
                    const struct ledger_turn *turn)
{
    struct ledger_transfer *pending = ledger_transfer_of(ledger, known);
    struct ledger_transfer *transfer = ledger_add(ledger, home);
    struct ledger_account *debit = ledger_account(ledger, pending->debit);
    struct ledger_account *credit = ledger_account(ledger, pending->credit);
    *transfer = (struct ledger_transfer){
        .id = asked->id,
        .amount = amount_of(asked, pending),
        .pending_id = asked->pending_id,
        .timestamp = timestamp,
        .debit = pending->debit,
        .credit = pending->credit,
        .pending = known,
        .code = pending->code,
        .flags = asked->flags,
    };
    inherit(transfer, asked, pending);
    ledger_link_both(ledger, debit, credit);
    mr_ledger_release(ledger, pending);
    if (pending->timeout != 0)
        mr_ledger_expiry_remove(ledger, pending->pending);
    if ((asked->flags & MR_LEDGER_POST) != 0) {
        pending->state = MR_LEDGER_STATE_POSTED;
        post(debit, credit, transfer->amount);
    } else {
        pending->state = MR_LEDGER_STATE_VOIDED;
        mr_ledger_reopen(ledger, pending);
    }
    ledger->pending_count--;
    ledger->transfer_time = timestamp;
    ledger->transfers++;
    if (((debit->flags | credit->flags) & MR_LEDGER_ACCOUNT_HISTORY) != 0)
        transfer->balance = mr_ledger_history_add(ledger, debit, credit, turn->chained);
    VERIFY(mr_ledger_check_accounts(ledger, transfer->debit, transfer->credit));
    if (!turn->chained)
        mr_ledger_resolve_settle(ledger, transfer);
}

uint32_t mr_ledger_resolve(struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                           struct ledger_home home, struct ledger_turn *turn)
{
    uint32_t reason = check_fields(asked);
    if (reason != 0)
        return reason;
    uint32_t known = mr_ledger_transfer_find(ledger, asked->pending_id);
    if (known == 0)
        return MR_LEDGER_PENDING_TRANSFER_NOT_FOUND;
    reason = check(ledger, asked, ledger_transfer_of(ledger, known), turn);
    if (reason != 0)
        return reason;
    if (!turn->chained && ledger->count >= ledger->config.transfers_max) {
        uint32_t place = ledger_transfer_of(ledger, known)->pending;
        ledger_forget(ledger);
        if ((known & (uint32_t)LEDGER_KEPT) == 0 && !ledger_in_window(ledger, known))
            known = (uint32_t)LEDGER_KEPT | place; /* it has just left */
    }
    turn->told = turn->imported ? asked->timestamp : turn->now;
    resolve(ledger, asked, home, known, turn->told, turn);
    return 0;
}

void mr_ledger_resolve_settle(struct mr_ledger *ledger, const struct ledger_transfer *resolved)
{
    struct ledger_transfer *pending = ledger_transfer_of(ledger, resolved->pending);
    mr_ledger_pending_give(ledger, pending->pending);
}
