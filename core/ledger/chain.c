/*
 * Chains: events that are created together, or not at all. They are created one after another, as
 * if alone; when one fails, those before it are taken back. Until that is decided, nothing is
 * forgotten, and pending transfers that have been resolved keep their places.
 */
#include "core/ledger/ahead.h"

static bool is_account(const struct ledger_events *events)
{
    return events->type == MR_LEDGER_ACCOUNT_CREATE;
}

static const void *event_at(const struct ledger_events *events, uint32_t at)
{
    return events->at + at * events->stride;
}

static uint32_t create(struct mr_ledger *ledger, const struct ledger_events *events, uint32_t at,
                       struct ledger_turn *turn)
{
    if (is_account(events))
        return mr_ledger_account_apply(ledger, event_at(events, at), turn);
    const struct mr_ledger_transfer *asked = event_at(events, at);
    struct ledger_ahead ahead = {0};
    ledger_ahead_hash(ledger, asked, &ahead);
    return mr_ledger_transfer_apply(ledger, asked, &ahead, turn);
}

/* Takes back the newest `count` events. */
static void take_back(struct mr_ledger *ledger, const struct ledger_events *events, uint32_t count)
{
    uint32_t remaining = ledger_ordinal_before(ledger->newest, count);
    for (; count > 0; count--) {
        if (is_account(events))
            mr_ledger_account_undo(ledger);
        else
            mr_ledger_transfer_undo(ledger, remaining);
    }
}

/* The chain has succeeded: what could have been taken back is settled. */
static void settle(struct mr_ledger *ledger, const struct ledger_events *events)
{
    if (is_account(events))
        return;
    for (uint32_t age = events->count; age > 0; age--) {
        uint32_t ordinal = ledger_ordinal_before(ledger->newest, age - 1);
        const struct ledger_transfer *transfer = ledger_transfer(ledger, ordinal);
        if ((transfer->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0)
            mr_ledger_resolve_settle(ledger, transfer);
    }
    mr_ledger_trim(ledger);
}

struct ledger_chain mr_ledger_chain_apply(struct mr_ledger *ledger,
                                          const struct ledger_events *events, uint64_t time_ns,
                                          struct ledger_turn *turn)
{
    struct ledger_chain chain = {.failed = LEDGER_BATCH_MAX};
    turn->chained = true;
    for (uint32_t at = 0; at < events->count; at++) {
        turn->now = ledger_time_next(ledger, time_ns); /* of those behind a failure, too */
        turn->told = turn->now;
        if (chain.failed != LEDGER_BATCH_MAX)
            continue;
        bool open = events->open && at == events->count - 1;
        uint32_t reason =
            open ? MR_LEDGER_LINKED_EVENT_CHAIN_OPEN : create(ledger, events, at, turn);
        if (reason == 0)
            continue;
        chain = (struct ledger_chain){.failed = at, .reason = reason, .told = turn->told};
        take_back(ledger, events, at);
        if (!is_account(events) && ledger_is_transient(reason))
            mr_ledger_transfer_fail(ledger,
                                    ((const struct mr_ledger_transfer *)event_at(events, at))->id);
    }
    turn->chained = false;
    if (chain.failed == LEDGER_BATCH_MAX)
        settle(ledger, events);
    return chain;
}

uint32_t mr_ledger_chain_reason(const struct ledger_chain *chain, uint32_t count, bool open,
                                uint32_t at)
{
    if (chain->failed == LEDGER_BATCH_MAX)
        return 0;
    if (open && at == count - 1)
        return MR_LEDGER_LINKED_EVENT_CHAIN_OPEN;
    return at == chain->failed ? chain->reason : MR_LEDGER_LINKED_EVENT_FAILED;
}

const struct ledger_transfer *mr_ledger_chain_transfer(const struct mr_ledger *ledger,
                                                       uint32_t count, uint32_t at)
{
    return ledger_transfer(ledger, ledger_ordinal_before(ledger->newest, count - 1 - at));
}

const struct ledger_account *mr_ledger_chain_account(const struct mr_ledger *ledger, uint32_t count,
                                                     uint32_t at)
{
    return ledger_account(ledger, ledger->account_count - (count - 1 - at));
}

uint64_t mr_ledger_chain_time(const struct mr_ledger *ledger, const struct ledger_events *events,
                              uint32_t at)
{
    return is_account(events) ? mr_ledger_chain_account(ledger, events->count, at)->timestamp
                              : mr_ledger_chain_transfer(ledger, events->count, at)->timestamp;
}
