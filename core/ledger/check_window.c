/*
 * Transfers: each by itself, beside the one before it, beside what it has resolved, and beside the
 * balances that it has left.
 */
#include "core/ledger/check_parts.h"

/* -- By itself. -------------------------------------------------------------------------------- */

/* One that failed has an id and a timestamp, and nothing else. */
static bool check_failed(const struct ledger_transfer *transfer)
{
    const struct ledger_transfer failed = {
        .id = transfer->id, .timestamp = transfer->timestamp, .marks = LEDGER_FAILED};
    return mr_equal(transfer, &failed, sizeof(failed));
}

static bool check_flags(const struct ledger_transfer *transfer)
{
    const uint32_t resolves = MR_LEDGER_POST | MR_LEDGER_VOID;
    const uint32_t closes = MR_LEDGER_CLOSING_DEBIT | MR_LEDGER_CLOSING_CREDIT;
    const uint32_t balances = MR_LEDGER_BALANCING_DEBIT | MR_LEDGER_BALANCING_CREDIT;
    const uint32_t flags = transfer->flags;
    const bool is_pending = (flags & MR_LEDGER_PENDING) != 0;
    CHECK((flags & ~(uint32_t)MR_LEDGER_TRANSFER_FLAGS_ALL) == 0);
    CHECK((transfer->state != MR_LEDGER_STATE_NONE) == is_pending);
    CHECK(transfer->state <= MR_LEDGER_STATE_EXPIRED);
    CHECK(is_pending || (transfer->timeout == 0 && (flags & closes) == 0));
    CHECK((flags & MR_LEDGER_IMPORTED) == 0 || transfer->timeout == 0);
    CHECK(transfer->state != MR_LEDGER_STATE_EXPIRED || transfer->timeout != 0);
    if ((flags & resolves) == 0)
        return mr_u128_is_zero(transfer->pending_id) && transfer->marks == 0 &&
               (is_pending || transfer->pending == 0);
    CHECK((flags & resolves) != resolves);
    CHECK((flags & (MR_LEDGER_PENDING | closes | balances)) == 0);
    CHECK(!mr_u128_is_zero(transfer->pending_id) && !mr_u128_is_max(transfer->pending_id));
    return (transfer->marks >> 6) == 0;
}

bool mr_ledger_check_transfer(const struct mr_ledger *ledger,
                              const struct ledger_transfer *transfer)
{
    CHECK(!mr_u128_is_zero(transfer->id) && !mr_u128_is_max(transfer->id));
    CHECK(mr_is_zero(transfer->padding, sizeof(transfer->padding)));
    if ((transfer->marks & LEDGER_FAILED) != 0)
        return check_failed(transfer);
    CHECK(transfer->debit >= 1 && transfer->debit <= ledger->account_count);
    CHECK(transfer->credit >= 1 && transfer->credit <= ledger->account_count);
    CHECK(transfer->debit != transfer->credit);
    const struct ledger_account *debit = ledger_account(ledger, transfer->debit);
    const struct ledger_account *credit = ledger_account(ledger, transfer->credit);
    CHECK(debit->unit == credit->unit);
    CHECK(transfer->code != 0);
    CHECK(transfer->timestamp > debit->timestamp && transfer->timestamp > credit->timestamp);
    CHECK(transfer->timestamp <= ledger->time_ns);
    return check_flags(transfer);
}

/* -- What it has posted or voided. ------------------------------------------------------------- */

static bool check_pair(const struct ledger_transfer *resolving,
                       const struct ledger_transfer *pending)
{
    bool posts = (resolving->flags & MR_LEDGER_POST) != 0;
    bool whole = mr_u128_equal(resolving->amount, pending->amount);
    CHECK(mr_u128_equal(pending->id, resolving->pending_id));
    CHECK(pending->state == (posts ? MR_LEDGER_STATE_POSTED : MR_LEDGER_STATE_VOIDED));
    CHECK(pending->timestamp < resolving->timestamp);
    CHECK(pending->debit == resolving->debit && pending->credit == resolving->credit);
    CHECK(pending->code == resolving->code);
    CHECK(!mr_u128_below(pending->amount, resolving->amount) && (posts || whole));
    CHECK(((resolving->marks & LEDGER_WHOLE) != 0) == whole);
    CHECK(((resolving->marks & LEDGER_SAME_128) != 0) ==
          mr_u128_equal(resolving->user_data_128, pending->user_data_128));
    CHECK(((resolving->marks & LEDGER_SAME_64) != 0) ==
          (resolving->user_data_64 == pending->user_data_64));
    return ((resolving->marks & LEDGER_SAME_32) != 0) ==
           (resolving->user_data_32 == pending->user_data_32);
}

/* Whatever was resolved is in the window still, or not known any more. */
static bool check_resolving(const struct mr_ledger *ledger, const struct ledger_transfer *transfer,
                            struct ledger_tally *tally)
{
    bool was_kept = (transfer->pending & (uint32_t)LEDGER_KEPT) != 0;
    if (!was_kept && ledger_in_window(ledger, transfer->pending)) {
        tally->resolved--;
        return check_pair(transfer, ledger_transfer(ledger, transfer->pending));
    }
    CHECK((transfer->pending & ~(uint32_t)LEDGER_KEPT) != 0);
    return transfer->pending <= LEDGER_ORDINALS ||
           (transfer->pending & ~(uint32_t)LEDGER_KEPT) <= ledger->pending_high;
}

static bool check_state(const struct mr_ledger *ledger, const struct ledger_transfer *transfer,
                        uint32_t ordinal, struct ledger_tally *tally)
{
    if ((transfer->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0)
        return check_resolving(ledger, transfer, tally);
    if ((transfer->flags & MR_LEDGER_PENDING) == 0)
        return true;
    CHECK(transfer->pending >= 1 && transfer->pending <= ledger->pending_high);
    tally->resolved += transfer->state == MR_LEDGER_STATE_POSTED;
    tally->resolved += transfer->state == MR_LEDGER_STATE_VOIDED;
    if (transfer->state != MR_LEDGER_STATE_PENDING)
        return true;
    tally->pending++;
    return ledger_pending(ledger, transfer->pending)->ordinal == ordinal;
}

/* -- Beside the others. ------------------------------------------------------------------------ */

/* How many balances it has left. */
static uint32_t balances_of(const struct mr_ledger *ledger, const struct ledger_transfer *transfer)
{
    if ((transfer->marks & LEDGER_FAILED) != 0)
        return 0;
    uint32_t debit = ledger_account(ledger, transfer->debit)->flags & MR_LEDGER_ACCOUNT_HISTORY;
    uint32_t credit = ledger_account(ledger, transfer->credit)->flags & MR_LEDGER_ACCOUNT_HISTORY;
    return (debit != 0 ? 1U : 0U) + (credit != 0 ? 1U : 0U);
}

struct neighbours {
    uint64_t timestamp; /* of the transfer before */
    uint32_t account;   /* the first one that is not older than the transfers so far */
    uint32_t balance;   /* number of the next balance, 0: not known yet */
};

static bool check_order(const struct mr_ledger *ledger, const struct ledger_transfer *transfer,
                        bool is_first, struct neighbours *at)
{
    if ((transfer->marks & LEDGER_FAILED) != 0) {
        CHECK(is_first ? transfer->timestamp >= at->timestamp
                       : transfer->timestamp == at->timestamp);
        at->timestamp = transfer->timestamp;
        return true;
    }
    CHECK(transfer->timestamp > at->timestamp);
    at->timestamp = transfer->timestamp;
    while (at->account <= ledger->account_count &&
           ledger_account(ledger, at->account)->timestamp < transfer->timestamp)
        at->account++;
    return at->account > ledger->account_count ||
           ledger_account(ledger, at->account)->timestamp != transfer->timestamp;
}

/* Balances are numbered one after another. */
static bool check_balances(const struct mr_ledger *ledger, const struct ledger_transfer *transfer,
                           struct neighbours *at)
{
    uint32_t count = balances_of(ledger, transfer);
    if (count == 0)
        return transfer->balance == 0;
    CHECK(transfer->balance >= 1 && transfer->balance <= LEDGER_ORDINALS);
    CHECK(at->balance == 0 || transfer->balance == at->balance);
    at->balance = transfer->balance;
    for (; count > 0; count--)
        at->balance = ledger_ordinal_after(at->balance);
    return true;
}

/* The last one that has left the window still lies in the ring, right before the oldest. */
static bool check_forgotten(const struct mr_ledger *ledger)
{
    uint32_t last = ledger_ordinal_before(ledger->newest, ledger->count);
    const struct ledger_transfer *transfer = ledger_transfer_at(ledger, ledger_place(ledger, last));
    if (ledger->epoch == 0 && ledger->newest == ledger->count)
        return mr_u128_is_zero(ledger->floor) && ledger->forgotten_time == 0;
    CHECK(!mr_u128_below(ledger->floor, transfer->id));
    return ledger->forgotten_time == transfer->timestamp;
}

bool mr_ledger_check_window(const struct mr_ledger *ledger, struct ledger_tally *tally)
{
    CHECK(check_forgotten(ledger));
    struct neighbours at = {.timestamp = ledger->forgotten_time, .account = 1};
    for (uint32_t age = ledger->count; age > 0; age--) {
        uint32_t ordinal = ledger_ordinal_before(ledger->newest, age - 1);
        const struct ledger_transfer *transfer = ledger_transfer(ledger, ordinal);
        CHECK(mr_ledger_check_transfer(ledger, transfer));
        CHECK(check_order(ledger, transfer, age == ledger->count, &at));
        CHECK(check_balances(ledger, transfer, &at));
        if ((transfer->marks & LEDGER_FAILED) != 0)
            continue;
        CHECK(check_state(ledger, transfer, ordinal, tally));
        tally->created++;
    }
    CHECK(at.timestamp == ledger->transfer_time);
    CHECK(tally->created <= ledger->transfers);
    CHECK(tally->resolved == 0);
    return at.balance == 0 || at.balance == ledger_ordinal_after(ledger->balance_newest);
}
