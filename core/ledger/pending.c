/*
 * Pending transfers: their places, and when they expire. Those that do stand in a heap by the time
 * at which they expire, then by their own; under the engine, one timer is set for the first of
 * them.
 */
#include "core/ledger/turn.h"

/* -- Places. ----------------------------------------------------------------------------------- */

uint32_t mr_ledger_pending_take(struct mr_ledger *ledger, uint32_t ordinal)
{
    uint32_t place = ledger->pending_free;
    if (place != 0)
        ledger->pending_free = ledger_pending(ledger, place)->link;
    else
        place = ++ledger->pending_high;
    ASSERT(place <= ledger->layout.pending_pool);
    *ledger_pending(ledger, place) = (struct ledger_pending){.ordinal = ordinal};
    ledger->pending_count++;
    return place;
}

void mr_ledger_pending_give(struct mr_ledger *ledger, uint32_t place)
{
    struct ledger_pending *pending = ledger_pending(ledger, place);
    if (pending->ordinal == 0)
        mr_ledger_kept_remove(ledger, place);
    *pending = (struct ledger_pending){.link = ledger->pending_free};
    ledger->pending_free = place;
}

/* -- Expiring. --------------------------------------------------------------------------------- */

void mr_ledger_expiry_push(struct mr_ledger *ledger, uint32_t place, uint64_t expires_ns,
                           uint64_t timestamp)
{
    mr_heap_push(ledger_expiries(ledger),
                 (struct mr_heap_key){.due_ns = expires_ns, .order = timestamp, .node = place});
}

void mr_ledger_expiry_remove(struct mr_ledger *ledger, uint32_t place)
{
    mr_heap_remove(ledger_expiries(ledger), place);
}

uint64_t mr_ledger_expiry_next(const struct mr_ledger *ledger)
{
    return mr_heap_next(ledger_expiries(ledger));
}

bool mr_ledger_expiry_arm(struct mr_ledger *ledger, struct mr_context *context, uint64_t expires_ns)
{
    if (context == NULL || (ledger->expiry_armed != 0 && ledger->expiry_armed <= expires_ns))
        return true;
    if (ledger->expiry_armed != 0)
        mr_timer_cancel(context, ledger->expiry_token);
    struct mr_timer timer = {.due_ns = expires_ns};
    if (!mr_timer_set(context, &timer, &ledger->expiry_token)) {
        ASSERT(ledger->expiry_armed == 0); /* the one just cancelled would have left room */
        return false;
    }
    ledger->expiry_armed = expires_ns;
    return true;
}

void mr_ledger_release(struct mr_ledger *ledger, const struct ledger_transfer *pending)
{
    struct ledger_account *debit = ledger_account(ledger, pending->debit);
    struct ledger_account *credit = ledger_account(ledger, pending->credit);
    bool below = mr_u128_subtract(debit->balances.debits_pending, pending->amount,
                                  &debit->balances.debits_pending);
    ASSERT(!below);
    below = mr_u128_subtract(credit->balances.credits_pending, pending->amount,
                             &credit->balances.credits_pending);
    ASSERT(!below);
}

void mr_ledger_reopen(struct mr_ledger *ledger, const struct ledger_transfer *pending)
{
    if ((pending->flags & MR_LEDGER_CLOSING_DEBIT) != 0)
        ledger_account(ledger, pending->debit)->flags &= (uint16_t)~MR_LEDGER_ACCOUNT_CLOSED;
    if ((pending->flags & MR_LEDGER_CLOSING_CREDIT) != 0)
        ledger_account(ledger, pending->credit)->flags &= (uint16_t)~MR_LEDGER_ACCOUNT_CLOSED;
}

void mr_ledger_close(struct mr_ledger *ledger, const struct ledger_transfer *pending)
{
    if ((pending->flags & MR_LEDGER_CLOSING_DEBIT) != 0)
        ledger_account(ledger, pending->debit)->flags |= MR_LEDGER_ACCOUNT_CLOSED;
    if ((pending->flags & MR_LEDGER_CLOSING_CREDIT) != 0)
        ledger_account(ledger, pending->credit)->flags |= MR_LEDGER_ACCOUNT_CLOSED;
}

/* Expires the transfer that stands on top of the heap; returns its ledger. */
static struct ledger_unit *expire_first(struct mr_ledger *ledger, uint64_t time_ns,
                                        struct mr_ledger_expired *out)
{
    uint32_t place = mr_heap_first(ledger_expiries(ledger))->node;
    uint32_t ordinal = ledger_pending(ledger, place)->ordinal;
    struct ledger_transfer *transfer =
        ordinal == 0 ? ledger_kept(ledger, place) : ledger_transfer(ledger, ordinal);
    ASSERT(transfer->state == MR_LEDGER_STATE_PENDING);
    mr_ledger_release(ledger, transfer);
    mr_ledger_reopen(ledger, transfer);
    transfer->state = MR_LEDGER_STATE_EXPIRED;
    struct mr_ledger_transfer told;
    uint64_t now = ledger_time_at(time_ns);
    mr_ledger_transfer_tell(ledger, transfer, &told);
    *out = (struct mr_ledger_expired){
        .id = told.id,
        .debit_account_id = told.debit_account_id,
        .credit_account_id = told.credit_account_id,
        .amount = told.amount,
        .timestamp = now > ledger->time_ns ? now : ledger->time_ns,
        .ledger = told.ledger,
        .code = told.code,
        .flags = told.flags,
    };
    struct ledger_unit *unit = ledger_unit(ledger, ledger_account(ledger, transfer->debit)->unit);
    mr_ledger_expiry_remove(ledger, place);
    ledger->pending_count--;
    mr_ledger_pending_give(ledger, place);
    return unit;
}

static bool is_due(const struct mr_ledger *ledger, uint64_t time_ns)
{
    return mr_heap_is_due(ledger_expiries(ledger), time_ns);
}

uint32_t mr_ledger_expire(struct mr_ledger *ledger, uint64_t time_ns,
                          struct mr_ledger_expired *expired, uint32_t limit)
{
    uint32_t count = 0;
    while (count < limit && is_due(ledger, time_ns))
        (void)expire_first(ledger, time_ns, &expired[count++]);
    return count;
}

static void emit_expired(struct mr_ledger *ledger, struct mr_context *context)
{
    struct mr_ledger_expired expired;
    struct ledger_unit *unit = expire_first(ledger, context->time_ns, &expired);
    struct mr_ledger_expired *body = (struct mr_ledger_expired *)mr_emit(
        context, MR_LEDGER_TRANSFER_EXPIRED, 0, sizeof *body, MR_LEDGER_AGGREGATE_LEDGER,
        unit->ledger, &unit->stream);
    *body = expired;
}

/* A time that has passed is as good as any: the timer fires again in the same round, so what is
 * left follows in a turn of its own. */
void mr_ledger_expiry_fire(struct mr_ledger *ledger, struct mr_context *context)
{
    ledger->expiry_armed = 0;
    ledger->expiry_token = 0;
    for (uint32_t left = LEDGER_EXPIRE_MAX; left > 0 && is_due(ledger, context->time_ns); left--)
        emit_expired(ledger, context);
    if (ledger->expiry_count > 0) {
        bool armed = mr_ledger_expiry_arm(ledger, context, mr_ledger_expiry_next(ledger));
        ASSERT(armed); /* in the place of the one that has just fired */
    }
}
