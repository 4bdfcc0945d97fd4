/*
 * Creating transfers. Posts and voids go on in core/ledger/resolve.c.
 */
#include "core/ledger/check.h"
#include "core/ledger/window.h"

#include <millrace/common.h>

/* -- Checks that look at the transfer alone. --------------------------------------------------- */

/* An id that is not known may have been forgotten. */
LEDGER_FOLDED uint32_t check_id(const struct mr_ledger *ledger, struct mr_u128 id, uint64_t now)
{
    if (MR_UNLIKELY(ledger->config.id_scheme != MR_LEDGER_IDS_TIME_ORDERED))
        return ledger->count >= ledger->config.transfers_max ? MR_LEDGER_TRANSFERS_FULL : 0;
    if (MR_UNLIKELY(!mr_u128_below(ledger->floor, id)))
        return MR_LEDGER_ID_TOO_OLD;
    uint64_t latest_ms = now / 1000000 + ledger->config.id_ahead_ms;
    return MR_LIKELY(mr_ledger_id_time_ms(id) <= latest_ms) ? 0 : MR_LEDGER_ID_AHEAD_OF_TIME;
}

static inline bool may_have_accounts(const struct mr_ledger_transfer *asked)
{
    return mr_u128_is_between(asked->debit_account_id) &&
           mr_u128_is_between(asked->credit_account_id) &&
           !mr_u128_equal(asked->debit_account_id, asked->credit_account_id);
}

/* The reason for ids that are not allowed; kept out of the way of those that are. */
__attribute__((noinline, cold)) static uint32_t refuse_accounts(
    const struct mr_ledger_transfer *asked)
{
    if (mr_u128_is_zero(asked->debit_account_id))
        return MR_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO;
    if (mr_u128_is_max(asked->debit_account_id))
        return MR_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX;
    if (mr_u128_is_zero(asked->credit_account_id))
        return MR_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO;
    if (mr_u128_is_max(asked->credit_account_id))
        return MR_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX;
    return MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT;
}

/* Accounts that were found have ids that are allowed. */
LEDGER_FOLDED uint32_t check_fields(const struct mr_ledger_transfer *asked, uint16_t flags,
                                    const struct ledger_ahead *ahead, bool found)
{
    bool allowed = found ? ahead->debit_account != ahead->credit_account : may_have_accounts(asked);
    if (MR_UNLIKELY(!allowed))
        return refuse_accounts(asked);
    if (MR_UNLIKELY(!mr_u128_is_zero(asked->pending_id)))
        return MR_LEDGER_PENDING_ID_MUST_BE_ZERO;
    if ((flags & MR_LEDGER_PENDING) == 0) {
        if (MR_UNLIKELY(asked->timeout != 0))
            return MR_LEDGER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER;
        if (MR_UNLIKELY((flags & (MR_LEDGER_CLOSING_DEBIT | MR_LEDGER_CLOSING_CREDIT)) != 0))
            return MR_LEDGER_CLOSING_TRANSFER_MUST_BE_PENDING;
    }
    if (MR_UNLIKELY(asked->ledger == 0))
        return MR_LEDGER_LEDGER_MUST_NOT_BE_ZERO;
    return MR_LIKELY(asked->code != 0) ? 0 : MR_LEDGER_CODE_MUST_NOT_BE_ZERO;
}

/* -- Its accounts. ----------------------------------------------------------------------------- */

struct sides {
    struct ledger_account *debit, *credit;
    uint16_t flags; /* that either of them has */
};

/* NULL: there is none. */
static struct ledger_account *find_account(const struct mr_ledger *ledger, uint32_t hash,
                                           struct mr_u128 id)
{
    struct ledger_table table = ledger_account_table(ledger);
    uint32_t number = ledger_account_slot(ledger, &table, hash, id)->value;
    return number == 0 ? NULL : ledger_account(ledger, number);
}

/* Whether both accounts were found ahead of time. */
LEDGER_FOLDED bool are_found(const struct mr_ledger_transfer *asked,
                             const struct ledger_ahead *ahead)
{
    return ahead->debit_account != NULL && ahead->credit_account != NULL &&
           MR_LIKELY(mr_u128_equal(ahead->debit_account->id, asked->debit_account_id)) &&
           MR_LIKELY(mr_u128_equal(ahead->credit_account->id, asked->credit_account_id));
}

LEDGER_FOLDED uint32_t find_sides(const struct mr_ledger *ledger,
                                  const struct mr_ledger_transfer *asked,
                                  const struct ledger_ahead *ahead, bool found, struct sides *sides)
{
    if (found) {
        sides->debit = ahead->debit_account;
        sides->credit = ahead->credit_account;
    } else {
        sides->debit = find_account(ledger, ahead->debit, asked->debit_account_id);
        sides->credit = find_account(ledger, ahead->credit, asked->credit_account_id);
        if (MR_UNLIKELY(sides->debit == NULL))
            return MR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND;
        if (MR_UNLIKELY(sides->credit == NULL))
            return MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND;
    }
    sides->flags = sides->debit->flags | sides->credit->flags;
    if (MR_UNLIKELY(sides->debit->unit != sides->credit->unit))
        return MR_LEDGER_ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER;
    return MR_LIKELY(asked->ledger == ledger_unit(ledger, sides->debit->unit)->ledger)
               ? 0
               : MR_LEDGER_TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS;
}

static uint32_t check_imported(const struct mr_ledger *ledger,
                               const struct mr_ledger_transfer *asked, const struct sides *sides)
{
    if (asked->timestamp <= ledger->transfer_time ||
        mr_ledger_account_has_time(ledger, asked->timestamp))
        return MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS;
    if (asked->timestamp <= sides->debit->timestamp)
        return MR_LEDGER_IMPORTED_MUST_POSTDATE_DEBIT_ACCOUNT;
    if (asked->timestamp <= sides->credit->timestamp)
        return MR_LEDGER_IMPORTED_MUST_POSTDATE_CREDIT_ACCOUNT;
    return asked->timeout != 0 ? MR_LEDGER_IMPORTED_TIMEOUT_MUST_BE_ZERO : 0;
}

/* -- Its amount. ------------------------------------------------------------------------------- */

/* What a balancing transfer can move: no more than its debit account has, or its credit account
 * lacks. */
static struct mr_u128 balance(const struct sides *sides, uint16_t flags, struct mr_u128 amount)
{
    struct mr_u128 used;
    if ((flags & MR_LEDGER_BALANCING_DEBIT) != 0) {
        const struct ledger_balances *debit = &sides->debit->balances;
        (void)mr_u128_add(debit->debits_pending, debit->debits_posted, &used);
        amount = mr_u128_min(amount, mr_u128_above(debit->credits_posted, used));
    }
    if ((flags & MR_LEDGER_BALANCING_CREDIT) != 0) {
        const struct ledger_balances *credit = &sides->credit->balances;
        (void)mr_u128_add(credit->credits_pending, credit->credits_posted, &used);
        amount = mr_u128_min(amount, mr_u128_above(credit->debits_posted, used));
    }
    return amount;
}

/* The balances that it would leave. */
struct sums {
    struct mr_u128 debits_pending, credits_pending, debits_posted, credits_posted, debits, credits;
};

LEDGER_FOLDED uint32_t add_up(const struct sides *sides, uint16_t flags, struct mr_u128 amount,
                              struct sums *sums)
{
    const struct ledger_balances *debit = &sides->debit->balances;
    const struct ledger_balances *credit = &sides->credit->balances;
    if ((flags & MR_LEDGER_PENDING) != 0) {
        if (MR_UNLIKELY(mr_u128_add(debit->debits_pending, amount, &sums->debits_pending)))
            return MR_LEDGER_OVERFLOWS_DEBITS_PENDING;
        if (MR_UNLIKELY(mr_u128_add(credit->credits_pending, amount, &sums->credits_pending)))
            return MR_LEDGER_OVERFLOWS_CREDITS_PENDING;
    }
    if (MR_UNLIKELY(mr_u128_add(debit->debits_posted, amount, &sums->debits_posted)))
        return MR_LEDGER_OVERFLOWS_DEBITS_POSTED;
    if (MR_UNLIKELY(mr_u128_add(credit->credits_posted, amount, &sums->credits_posted)))
        return MR_LEDGER_OVERFLOWS_CREDITS_POSTED;
    if (MR_UNLIKELY(mr_u128_add(debit->debits_pending, sums->debits_posted, &sums->debits)))
        return MR_LEDGER_OVERFLOWS_DEBITS;
    if (MR_UNLIKELY(mr_u128_add(credit->credits_pending, sums->credits_posted, &sums->credits)))
        return MR_LEDGER_OVERFLOWS_CREDITS;
    return 0;
}

/* -- Whether it fits: 0, or a reason. ---------------------------------------------------------- */

/* Nor may it be due already, where the ledger's time stands still: nothing falls due within a
 * batch. */
static uint32_t check_timeout(const struct mr_ledger_transfer *asked, uint64_t timestamp,
                              const struct ledger_turn *turn)
{
    uint64_t expires;
    bool fits =
        !__builtin_add_overflow(timestamp, asked->timeout * UINT64_C(1000000000), &expires) &&
        expires >> 63 == 0 && expires > turn->time_ns;
    return fits ? 0 : MR_LEDGER_OVERFLOWS_TIMEOUT;
}

enum { LIMITED = MR_LEDGER_ACCOUNT_DEBITS_LIMITED | MR_LEDGER_ACCOUNT_CREDITS_LIMITED };

LEDGER_FOLDED uint32_t check_limits(const struct sides *sides, const struct sums *sums)
{
    if (MR_LIKELY((sides->flags & LIMITED) == 0))
        return 0;
    if ((sides->debit->flags & MR_LEDGER_ACCOUNT_DEBITS_LIMITED) != 0 &&
        mr_u128_below(sides->debit->balances.credits_posted, sums->debits))
        return MR_LEDGER_EXCEEDS_CREDITS;
    if ((sides->credit->flags & MR_LEDGER_ACCOUNT_CREDITS_LIMITED) != 0 &&
        mr_u128_below(sides->credit->balances.debits_posted, sums->credits))
        return MR_LEDGER_EXCEEDS_DEBITS;
    return 0;
}

/* Room for a pending transfer, and a timer if it expires. */
static uint32_t check_pending(struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                              const struct ledger_turn *turn)
{
    if (ledger->pending_count >= ledger->config.pending_max)
        return MR_LEDGER_PENDING_FULL;
    if (asked->timeout == 0)
        return 0;
    uint64_t expires = turn->now + asked->timeout * UINT64_C(1000000000);
    return mr_ledger_expiry_arm(ledger, turn->context, expires) ? 0 : MR_REASON_TIMERS_FULL;
}

/* -- Creating. --------------------------------------------------------------------------------- */

LEDGER_FOLDED struct ledger_transfer *record(struct mr_ledger *ledger,
                                             const struct mr_ledger_transfer *asked,
                                             const struct sides *sides, struct ledger_home home,
                                             struct mr_u128 amount, uint64_t timestamp)
{
    struct ledger_transfer *transfer = ledger_add(ledger, home);
    transfer->id = asked->id;
    transfer->amount = amount;
    transfer->pending_id = mr_u128_of(0, 0);
    transfer->user_data_128 = asked->user_data_128;
    transfer->user_data_64 = asked->user_data_64;
    transfer->timestamp = timestamp;
    transfer->user_data_32 = asked->user_data_32;
    transfer->timeout = asked->timeout;
    transfer->debit = ledger_account_number(ledger, sides->debit);
    transfer->credit = ledger_account_number(ledger, sides->credit);
    transfer->pending = 0;
    transfer->balance = 0;
    transfer->code = asked->code;
    transfer->flags = asked->flags;
    transfer->state = MR_LEDGER_STATE_NONE;
    transfer->marks = 0;
    transfer->padding[0] = 0;
    transfer->padding[1] = 0;
    ledger_link_both(ledger, sides->debit, sides->credit);
    ledger->transfer_time = timestamp;
    ledger->transfers++;
    return transfer;
}

static void begin_pending(struct mr_ledger *ledger, struct ledger_transfer *transfer)
{
    transfer->state = MR_LEDGER_STATE_PENDING;
    transfer->pending = mr_ledger_pending_take(ledger, ledger->newest);
    if (transfer->timeout != 0)
        mr_ledger_expiry_push(ledger, transfer->pending, ledger_expires(transfer),
                              transfer->timestamp);
    mr_ledger_close(ledger, transfer);
}

/* Everything about it is known but whether it fits. */
LEDGER_FOLDED uint32_t move(struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                            uint16_t flags, struct ledger_home home, const struct sides *sides,
                            struct ledger_turn *turn)
{
    uint64_t timestamp = (flags & MR_LEDGER_IMPORTED) != 0 ? asked->timestamp : turn->now;
    struct mr_u128 amount = asked->amount;
    if (MR_UNLIKELY((flags & (MR_LEDGER_BALANCING_DEBIT | MR_LEDGER_BALANCING_CREDIT)) != 0))
        amount = balance(sides, flags, amount);
    struct sums sums;
    uint32_t reason = add_up(sides, flags, amount, &sums);
    if (reason == 0 && asked->timeout != 0)
        reason = check_timeout(asked, timestamp, turn);
    if (MR_LIKELY(reason == 0))
        reason = check_limits(sides, &sums);
    if (reason == 0 && (flags & MR_LEDGER_PENDING) != 0)
        reason = check_pending(ledger, asked, turn);
    if (MR_UNLIKELY(reason != 0))
        return reason;
    ledger_make_room(ledger, turn);
    struct ledger_transfer *transfer = record(ledger, asked, sides, home, amount, timestamp);
    if ((flags & MR_LEDGER_PENDING) != 0) {
        sides->debit->balances.debits_pending = sums.debits_pending;
        sides->credit->balances.credits_pending = sums.credits_pending;
        begin_pending(ledger, transfer);
    } else {
        sides->debit->balances.debits_posted = sums.debits_posted;
        sides->credit->balances.credits_posted = sums.credits_posted;
    }
    if (MR_UNLIKELY((sides->flags & MR_LEDGER_ACCOUNT_HISTORY) != 0))
        transfer->balance =
            mr_ledger_history_add(ledger, sides->debit, sides->credit, turn->chained);
    VERIFY(mr_ledger_check_accounts(ledger, transfer->debit, transfer->credit));
    turn->told = timestamp;
    return 0;
}

/* With an id that is new. */
LEDGER_FOLDED uint32_t create(struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                              uint16_t flags, const struct ledger_ahead *ahead,
                              struct ledger_turn *turn)
{
    bool found = are_found(asked, ahead);
    uint32_t reason = check_fields(asked, flags, ahead, found);
    if (MR_UNLIKELY(reason != 0))
        return reason;
    struct sides sides;
    reason = find_sides(ledger, asked, ahead, found, &sides);
    if (MR_UNLIKELY(reason != 0))
        return reason;
    if (MR_UNLIKELY((flags & MR_LEDGER_IMPORTED) != 0)) {
        reason = check_imported(ledger, asked, &sides);
        if (reason != 0)
            return reason;
    }
    if (MR_UNLIKELY((sides.flags & MR_LEDGER_ACCOUNT_CLOSED) != 0))
        return (sides.debit->flags & MR_LEDGER_ACCOUNT_CLOSED) != 0
                   ? MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED
                   : MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED;
    return move(ledger, asked, flags, ahead->home, &sides, turn);
}

LEDGER_FOLDED uint32_t apply(struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                             uint16_t flags, const struct ledger_ahead *ahead,
                             struct ledger_turn *turn)
{
    uint32_t reason = ledger_check_time(turn, (flags & MR_LEDGER_IMPORTED) != 0, asked->timestamp);
    if (MR_UNLIKELY(reason != 0))
        return reason;
    if (MR_UNLIKELY((flags & ~MR_LEDGER_TRANSFER_FLAGS_ALL) != 0))
        return MR_LEDGER_RESERVED_FLAG;
    if (MR_UNLIKELY(!mr_u128_is_between(asked->id)))
        return mr_u128_is_zero(asked->id) ? MR_LEDGER_ID_MUST_NOT_BE_ZERO
                                          : MR_LEDGER_ID_MUST_NOT_BE_INT_MAX;
    uint32_t known = ledger_transfer_find(ledger, ahead->home, asked->id);
    if (MR_UNLIKELY(known != 0)) {
        const struct ledger_transfer *existing = ledger_transfer_of(ledger, known);
        reason = mr_ledger_transfer_exists(ledger, asked, existing);
        turn->told = reason == MR_LEDGER_EXISTS ? existing->timestamp : turn->told;
        return reason;
    }
    reason = check_id(ledger, asked->id, turn->now);
    if (MR_UNLIKELY(reason != 0))
        return reason;
    if ((flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0)
        return mr_ledger_resolve(ledger, asked, ahead->home, turn);
    return create(ledger, asked, flags, ahead, turn);
}

uint32_t mr_ledger_transfer_apply(struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                                  const struct ledger_ahead *ahead, struct ledger_turn *turn)
{
    /* Most have no flags: what only some flag asks for is left out of that copy. */
    if (MR_LIKELY(asked->flags == 0))
        return apply(ledger, asked, 0, ahead, turn);
    return apply(ledger, asked, asked->flags, ahead, turn);
}

void mr_ledger_transfer_fail(struct mr_ledger *ledger, struct mr_u128 id)
{
    static const struct ledger_turn alone = {.chained = false};
    ledger_make_room(ledger, &alone);
    *ledger_add(ledger, ledger_home(ledger, id)) = (struct ledger_transfer){
        .id = id, .timestamp = ledger->transfer_time, .marks = LEDGER_FAILED};
    *ledger_links(ledger, ledger->newest) = (struct ledger_links){.debit_before = 0};
}
