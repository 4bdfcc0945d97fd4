/*
 * The places of pending transfers: those of transfers in the window, those whose transfers are
 * kept, and those that are free. And the heap of those that expire.
 */
#include "core/ledger/check_parts.h"

/* The transfer that is pending in that place; NULL: the place is free. */
static const struct ledger_transfer *pending_in(const struct mr_ledger *ledger, uint32_t place)
{
    uint32_t ordinal = ledger_pending(ledger, place)->ordinal;
    if (ordinal != 0)
        return ledger_in_window(ledger, ordinal) ? ledger_transfer(ledger, ordinal) : NULL;
    if (place > ledger->kept_high)
        return NULL;
    const struct ledger_transfer *kept = ledger_kept(ledger, place);
    uint32_t value = (uint32_t)LEDGER_KEPT | place;
    return mr_ledger_transfer_find(ledger, kept->id) == value ? kept : NULL;
}

/* -- What is reserved. ------------------------------------------------------------------------- */

/* An amount, multiplied by the account's own number, is taken off. */
static void take_off(struct mr_u128 *sum, struct mr_u128 amount, uint32_t account)
{
    (void)mr_u128_subtract(*sum, ledger_check_marked(amount, account), sum);
}

/* Takes off that the account is closed. One that seems to have had no transfer may have been
 * created closed: it does not count. (A chain that is undone forgets that there was one before the
 * window.) */
static void take_off_closed(const struct mr_ledger *ledger, uint32_t account,
                            struct ledger_tally *tally)
{
    if (ledger_account(ledger, account)->last != 0)
        tally->closed -= ledger_check_mark(account);
}

static void tell(const struct mr_ledger *ledger, const struct ledger_transfer *transfer,
                 struct ledger_tally *tally)
{
    take_off(&tally->debits, transfer->amount, transfer->debit);
    take_off(&tally->credits, transfer->amount, transfer->credit);
    if ((transfer->flags & MR_LEDGER_CLOSING_DEBIT) != 0)
        take_off_closed(ledger, transfer->debit, tally);
    if ((transfer->flags & MR_LEDGER_CLOSING_CREDIT) != 0)
        take_off_closed(ledger, transfer->credit, tally);
}

/* -- Places. ----------------------------------------------------------------------------------- */

static bool check_expiry(const struct mr_ledger *ledger, uint32_t place,
                         const struct ledger_transfer *transfer)
{
    if (transfer->timeout == 0)
        return ledger_pending(ledger, place)->expiry == 0;
    uint64_t expires_ns = transfer->timestamp + transfer->timeout * UINT64_C(1000000000);
    return mr_heap_holds(
        ledger_expiries(ledger),
        (struct mr_heap_key){.due_ns = expires_ns, .order = transfer->timestamp, .node = place});
}

static bool is_closed(const struct mr_ledger *ledger, uint32_t account)
{
    return (ledger_account(ledger, account)->flags & MR_LEDGER_ACCOUNT_CLOSED) != 0;
}

static bool check_used(const struct mr_ledger *ledger, uint32_t place,
                       const struct ledger_transfer *transfer)
{
    const struct ledger_pending *pending = ledger_pending(ledger, place);
    CHECK(pending->link == 0 && pending->padding == 0);
    CHECK(transfer->state == MR_LEDGER_STATE_PENDING && transfer->pending == place);
    if (pending->ordinal == 0) {
        CHECK(mr_ledger_check_transfer(ledger, transfer));
        CHECK((transfer->marks & LEDGER_FAILED) == 0);
        CHECK(transfer->timestamp <= ledger->forgotten_time);
        CHECK(!mr_u128_below(ledger->floor, transfer->id));
    }
    CHECK((transfer->flags & MR_LEDGER_CLOSING_DEBIT) == 0 || is_closed(ledger, transfer->debit));
    CHECK((transfer->flags & MR_LEDGER_CLOSING_CREDIT) == 0 || is_closed(ledger, transfer->credit));
    return check_expiry(ledger, place, transfer);
}

/* As many as there are, one after another, none of them in use: so none comes twice. */
static bool check_free(const struct mr_ledger *ledger, uint32_t count)
{
    uint32_t place = ledger->pending_free;
    for (; count > 0; count--) {
        CHECK(place >= 1 && place <= ledger->pending_high);
        const struct ledger_pending *pending = ledger_pending(ledger, place);
        CHECK(pending->ordinal == 0 && pending->expiry == 0 && pending->padding == 0);
        CHECK(pending_in(ledger, place) == NULL);
        place = pending->link;
    }
    return place == 0;
}

/* -- The heap. --------------------------------------------------------------------------------- */

static bool check_heap(const struct mr_ledger *ledger)
{
    CHECK(mr_heap_check(ledger_expiries(ledger), ledger->pending_high));
    if (ledger->expiry_armed == 0)
        return ledger->expiry_token == 0;
    return ledger->expiry_armed <= mr_ledger_expiry_next(ledger);
}

/* -- All of it. -------------------------------------------------------------------------------- */

bool mr_ledger_check_pending(const struct mr_ledger *ledger, struct ledger_tally *tally)
{
    uint32_t used = 0, expire = 0;
    uint64_t kept = 0;
    for (uint32_t place = 1; place <= ledger->pending_high; place++) {
        const struct ledger_transfer *transfer = pending_in(ledger, place);
        if (transfer == NULL) {
            CHECK(ledger_pending(ledger, place)->ordinal == 0);
            continue;
        }
        CHECK(check_used(ledger, place, transfer));
        used++;
        kept += ledger_pending(ledger, place)->ordinal == 0;
        expire += transfer->timeout != 0;
        tell(ledger, transfer, tally);
    }
    CHECK(used == ledger->pending_count);
    CHECK(used == tally->pending + kept && kept == tally->kept);
    CHECK(expire == ledger->expiry_count);
    CHECK(check_free(ledger, ledger->pending_high - used));
    return check_heap(ledger);
}
