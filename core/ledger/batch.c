/*
 * Requests, of a ledger that is used alone. Of transfers, what those to come will need is brought
 * nearer while those before them are created: a transfer touches some ten lines that no cache has
 * when there are many accounts, and waiting for each in turn would take ten times as long.
 * It is brought into the second-level cache (locality 2), which can wait for more lines at once
 * than the first.
 */
#include "core/ledger/ahead.h"
#include "core/ledger/check.h"

enum {
    AHEAD = 32, /* transfers that something can be known of ahead of time; a power of two */
    GROUP = 4,  /* each stage takes so many in a row: more lines are on their way at once */
    /* How far ahead each stage works, which finds what the one before has brought. */
    AHEAD_SLOTS = 4 * GROUP,    /* ids are hashed, their slots looked for */
    AHEAD_ACCOUNTS = 3 * GROUP, /* the slots lead to accounts */
    AHEAD_PENDING = 2 * GROUP,  /* of posts and voids: pending transfers lead to accounts */
    AHEAD_NEAR = 2,             /* from the second-level cache into the first */
};

struct pipeline {
    const struct mr_ledger_transfer *transfers;
    uint32_t count;
    uint32_t slots, accounts, pending; /* where each stage is */
    struct ledger_ahead known[AHEAD];
};

/* -- Stages. ----------------------------------------------------------------------------------- */

LEDGER_FOLDED void look_for_slots(const struct mr_ledger *ledger, struct pipeline *line,
                                  uint32_t at)
{
    ledger_ahead_hash(ledger, &line->transfers[at], &line->known[at % AHEAD]);
    ledger_ahead_slots(ledger, &line->transfers[at], &line->known[at % AHEAD]);
}

LEDGER_FOLDED void look_for_accounts(const struct mr_ledger *ledger, struct pipeline *line,
                                     uint32_t at)
{
    ledger_ahead_accounts(ledger, &line->transfers[at], &line->known[at % AHEAD]);
}

LEDGER_FOLDED void look_for_pending(const struct mr_ledger *ledger, struct pipeline *line,
                                    uint32_t at)
{
    ledger_ahead_pending_accounts(ledger, &line->transfers[at], &line->known[at % AHEAD]);
}

static inline uint32_t until(const struct pipeline *line, uint32_t end)
{
    return end < line->count ? end : line->count;
}

/* Brings each stage as far ahead of transfer `at` as it shall be. */
LEDGER_FOLDED void advance(const struct mr_ledger *ledger, struct pipeline *line, uint32_t at)
{
    if (MR_UNLIKELY(line->slots < at)) /* a long chain is behind */
        line->slots = line->accounts = line->pending = at;
    for (uint32_t end = until(line, at + AHEAD_SLOTS); line->slots < end; line->slots++)
        look_for_slots(ledger, line, line->slots);
    for (uint32_t end = until(line, at + AHEAD_ACCOUNTS); line->accounts < end; line->accounts++)
        look_for_accounts(ledger, line, line->accounts);
    for (uint32_t end = until(line, at + AHEAD_PENDING); line->pending < end; line->pending++)
        look_for_pending(ledger, line, line->pending);
}

/* What is there by now comes nearer still. Accounts may be wrong, and those of posts and voids old:
 * then this is in vain. */
LEDGER_FOLDED void look_near(const struct pipeline *line, uint32_t at)
{
    const struct ledger_ahead *known = &line->known[(at + AHEAD_NEAR) % AHEAD];
    uintptr_t debit = (uintptr_t)known->debit_account, credit = (uintptr_t)known->credit_account;
    __builtin_prefetch(known->home.bucket);
    __builtin_prefetch((const void *)debit);
    __builtin_prefetch((const void *)(debit + LEDGER_LINE));
    __builtin_prefetch((const void *)credit);
    __builtin_prefetch((const void *)(credit + LEDGER_LINE));
}

/* -- Requests. --------------------------------------------------------------------------------- */

/* How many events, from the first one on, are a chain; *open: the request ends within it. */
static uint32_t chain_length(const unsigned char *flags, uint64_t stride, uint32_t left, bool *open)
{
    uint32_t count = 1;
    for (; count <= left; count++, flags += stride) {
        uint16_t value;
        mr_copy(&value, flags, sizeof value);
        if ((value & MR_LEDGER_LINKED) == 0)
            break;
    }
    *open = count > left;
    return *open ? left : count;
}

static void create_chain(struct mr_ledger *ledger, const struct ledger_events *events,
                         uint64_t time_ns, struct ledger_turn *turn,
                         struct mr_ledger_result *results)
{
    uint64_t first = ledger_time_of(ledger, time_ns);
    struct ledger_chain chain = mr_ledger_chain_apply(ledger, events, time_ns, turn);
    for (uint32_t at = 0; at < events->count; at++) {
        uint32_t reason = mr_ledger_chain_reason(&chain, events->count, events->open, at);
        uint64_t told = reason == 0          ? mr_ledger_chain_time(ledger, events, at)
                        : at == chain.failed ? chain.told
                                             : first + at;
        results[at] = (struct mr_ledger_result){.timestamp = told, .reason = reason};
    }
}

void mr_ledger_accounts_create(struct mr_ledger *ledger, const struct mr_ledger_account *accounts,
                               uint32_t count, uint64_t time_ns, struct mr_ledger_result *results)
{
    ASSERT(count >= 1 && count <= LEDGER_BATCH_MAX);
    struct ledger_turn turn = {.time_ns = time_ns,
                               .imported = (accounts[0].flags & MR_LEDGER_ACCOUNT_IMPORTED) != 0};
    for (uint32_t i = 0; i < count;) {
        if ((accounts[i].flags & MR_LEDGER_ACCOUNT_LINKED) != 0) {
            struct ledger_events events = {.at = (const unsigned char *)&accounts[i],
                                           .stride = sizeof accounts[0],
                                           .type = MR_LEDGER_ACCOUNT_CREATE};
            events.count = chain_length((const unsigned char *)&accounts[i].flags,
                                        sizeof accounts[0], count - i, &events.open);
            create_chain(ledger, &events, time_ns, &turn, &results[i]);
            i += events.count;
            continue;
        }
        turn.now = turn.told = ledger_time_next(ledger, time_ns);
        uint32_t reason = mr_ledger_account_apply(ledger, &accounts[i], &turn);
        results[i++] = (struct mr_ledger_result){.timestamp = turn.told, .reason = reason};
    }
}

void mr_ledger_transfers_create(struct mr_ledger *ledger,
                                const struct mr_ledger_transfer *transfers, uint32_t count,
                                uint64_t time_ns, struct mr_ledger_result *results)
{
    ASSERT(count >= 1 && count <= LEDGER_BATCH_MAX);
    struct ledger_turn turn = {.time_ns = time_ns,
                               .imported = (transfers[0].flags & MR_LEDGER_IMPORTED) != 0};
    struct pipeline line;
    mr_zero(line.known, sizeof line.known);
    line.transfers = transfers;
    line.count = count;
    line.slots = line.accounts = line.pending = 0;
    uint32_t next = 0; /* when the stages go on */
    for (uint32_t i = 0; i < count;) {
        const struct mr_ledger_transfer *asked = &transfers[i];
        bool linked = (asked->flags & MR_LEDGER_LINKED) != 0;
        if (i >= next) {
            advance(ledger, &line, i);
            next = i + GROUP;
        }
        if (MR_UNLIKELY(linked)) {
            struct ledger_events events = {.at = (const unsigned char *)asked,
                                           .stride = sizeof *asked,
                                           .type = MR_LEDGER_TRANSFER_CREATE};
            events.count = chain_length((const unsigned char *)&asked->flags, sizeof *asked,
                                        count - i, &events.open);
            create_chain(ledger, &events, time_ns, &turn, &results[i]);
            i += events.count;
            continue;
        }
        look_near(&line, i);
        turn.now = turn.told = ledger_time_next(ledger, time_ns);
        uint32_t reason = mr_ledger_transfer_apply(ledger, asked, &line.known[i % AHEAD], &turn);
        if (MR_UNLIKELY(reason != 0) && ledger_is_transient(reason))
            mr_ledger_transfer_fail(ledger, asked->id);
        results[i++] = (struct mr_ledger_result){.timestamp = turn.told, .reason = reason};
    }
    VERIFY(mr_ledger_check_now_and_then(ledger));
}
