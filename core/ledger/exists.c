/*
 * An event whose id is taken: whether it is the same event, sent again.
 */
#include "core/ledger/turn.h"

uint32_t mr_ledger_account_exists(const struct mr_ledger *ledger,
                                  const struct mr_ledger_account *asked,
                                  const struct ledger_account *existing)
{
    if (asked->flags != existing->flags)
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS;
    if (!mr_u128_equal(asked->user_data_128, existing->user_data_128))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_128;
    if (asked->user_data_64 != existing->user_data_64)
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_64;
    if (asked->user_data_32 != existing->user_data_32)
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_32;
    if (asked->ledger != ledger_unit(ledger, existing->unit)->ledger)
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_LEDGER;
    return asked->code != existing->code ? MR_LEDGER_EXISTS_WITH_DIFFERENT_CODE : MR_LEDGER_EXISTS;
}

/* -- Transfers. -------------------------------------------------------------------------------- */

/* What a post or a void leaves out (0) is the pending transfer's; `same`: that is what the existing
 * one has. */
static bool differs(struct mr_u128 asked, struct mr_u128 existing, bool may_be_left_out, bool same)
{
    return may_be_left_out && mr_u128_is_zero(asked) ? !same : !mr_u128_equal(asked, existing);
}

static bool amount_differs(struct mr_u128 asked, const struct ledger_transfer *existing)
{
    if ((existing->flags & MR_LEDGER_POST) != 0)
        return (existing->marks & LEDGER_WHOLE) != 0 ? mr_u128_below(asked, existing->amount)
                                                     : !mr_u128_equal(asked, existing->amount);
    if ((existing->flags & MR_LEDGER_VOID) != 0)
        return !mr_u128_is_zero(asked) && !mr_u128_equal(asked, existing->amount);
    /* What was asked for was the most that might be moved. */
    if ((existing->flags & (MR_LEDGER_BALANCING_DEBIT | MR_LEDGER_BALANCING_CREDIT)) != 0)
        return mr_u128_below(asked, existing->amount);
    return !mr_u128_equal(asked, existing->amount);
}

static uint32_t compare_user_data(const struct mr_ledger_transfer *asked,
                                  const struct ledger_transfer *existing, bool resolves)
{
    uint8_t marks = existing->marks;
    if (differs(asked->user_data_128, existing->user_data_128, resolves,
                (marks & LEDGER_SAME_128) != 0))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_128;
    if (differs(mr_u128_of(0, asked->user_data_64), mr_u128_of(0, existing->user_data_64), resolves,
                (marks & LEDGER_SAME_64) != 0))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_64;
    if (differs(mr_u128_of(0, asked->user_data_32), mr_u128_of(0, existing->user_data_32), resolves,
                (marks & LEDGER_SAME_32) != 0))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_32;
    return 0;
}

uint32_t mr_ledger_transfer_exists(const struct mr_ledger *ledger,
                                   const struct mr_ledger_transfer *asked,
                                   const struct ledger_transfer *existing)
{
    if ((existing->marks & LEDGER_FAILED) != 0)
        return MR_LEDGER_ID_ALREADY_FAILED;
    const struct ledger_account *debit = ledger_account(ledger, existing->debit);
    const struct ledger_account *credit = ledger_account(ledger, existing->credit);
    bool resolves = (existing->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0;
    if (asked->flags != existing->flags)
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS;
    if (!mr_u128_equal(asked->pending_id, existing->pending_id))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_PENDING_ID;
    if (asked->timeout != existing->timeout)
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_TIMEOUT;
    if (differs(asked->debit_account_id, debit->id, resolves, true))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID;
    if (differs(asked->credit_account_id, credit->id, resolves, true))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID;
    if (amount_differs(asked->amount, existing))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT;
    uint32_t reason = compare_user_data(asked, existing, resolves);
    if (reason != 0)
        return reason;
    if (asked->ledger != ledger_unit(ledger, debit->unit)->ledger &&
        !(resolves && asked->ledger == 0))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_LEDGER;
    if (asked->code != existing->code && !(resolves && asked->code == 0))
        return MR_LEDGER_EXISTS_WITH_DIFFERENT_CODE;
    return MR_LEDGER_EXISTS;
}
