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
    AHEAD = 64, /* transfers that something can be known of ahead of time; a power of two */
    /* How far ahead each stage works, which finds what the one before has brought. */
    AHEAD_SLOTS = 24,    /* ids are hashed, their slots looked for */
    AHEAD_ACCOUNTS = 16, /* the slots lead to accounts */
    AHEAD_LINKS = 8,     /* accounts lead to their last transfers */
    AHEAD_LAST = 4,      /* of posts and voids, whose accounts are known one stage later */
};

struct pipeline {
    const struct mr_ledger_transfer *transfers;
    uint32_t count;
    uint32_t slots, accounts, links, last; /* where each stage is */
    struct ledger_ahead known[AHEAD];
};

/* -- Stages. ----------------------------------------------------------------------------------- */

LEDGER_FOLDED void look_for_slots(const struct mr_ledger *ledger, struct pipeline *line)
{
    uint32_t at = line->slots++;
    ledger_ahead_hash(ledger, &line->transfers[at], &line->known[at % AHEAD]);
    ledger_ahead_slots(ledger, &line->transfers[at], &line->known[at % AHEAD]);
}

LEDGER_FOLDED void look_for_accounts(const struct mr_ledger *ledger, struct pipeline *line)
{
    uint32_t at = line->accounts++;
    ledger_ahead_accounts(ledger, &line->transfers[at], &line->known[at % AHEAD]);
}

LEDGER_FOLDED void look_for_links(const struct mr_ledger *ledger, struct pipeline *line)
{
    uint32_t at = line->links++;
    ledger_ahead_links(ledger, &line->transfers[at], &line->known[at % AHEAD]);
}

LEDGER_FOLDED void look_for_last(const struct mr_ledger *ledger, struct pipeline *line)
{
    uint32_t at = line->last++;
    ledger_ahead_last(ledger, &line->transfers[at], &line->known[at % AHEAD]);
}

/* Brings each stage as far ahead of transfer `at` as it shall be. */
LEDGER_FOLDED void advance(const struct mr_ledger *ledger, struct pipeline *line, uint32_t at)
{
    if (MR_UNLIKELY(line->slots < at)) /* a long chain is behind */
        line->slots = line->accounts = line->links = line->last = at;
    while (line->slots < line->count && line->slots < at + AHEAD_SLOTS)
        look_for_slots(ledger, line);
    while (line->accounts < line->slots && line->accounts < at + AHEAD_ACCOUNTS)
        look_for_accounts(ledger, line);
    while (line->links < line->accounts && line->links < at + AHEAD_LINKS)
        look_for_links(ledger, line);
    while (line->last < line->links && line->last < at + AHEAD_LAST)
        look_for_last(ledger, line);
}

/* The same for the next transfer, when each stage is where it shall be: each takes one step. */
LEDGER_FOLDED void step(const struct mr_ledger *ledger, struct pipeline *line)
{
    look_for_slots(ledger, line);
    look_for_accounts(ledger, line);
    look_for_links(ledger, line);
    look_for_last(ledger, line);
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
    uint64_t first = time_ns > ledger->time_ns ? time_ns : ledger->time_ns + 1;
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
    struct ledger_turn turn = {.imported = (accounts[0].flags & MR_LEDGER_ACCOUNT_IMPORTED) != 0};
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
    struct ledger_turn turn = {.imported = (transfers[0].flags & MR_LEDGER_IMPORTED) != 0};
    struct pipeline line;
    line.transfers = transfers;
    line.count = count;
    line.slots = line.accounts = line.links = line.last = 0;
    for (uint32_t i = 0; i < count;) {
        if (MR_LIKELY(line.slots == i + AHEAD_SLOTS - 1 && line.slots < count))
            step(ledger, &line);
        else
            advance(ledger, &line, i);
        if (MR_UNLIKELY((transfers[i].flags & MR_LEDGER_LINKED) != 0)) {
            struct ledger_events events = {.at = (const unsigned char *)&transfers[i],
                                           .stride = sizeof transfers[0],
                                           .type = MR_LEDGER_TRANSFER_CREATE};
            events.count = chain_length((const unsigned char *)&transfers[i].flags,
                                        sizeof transfers[0], count - i, &events.open);
            create_chain(ledger, &events, time_ns, &turn, &results[i]);
            i += events.count;
            continue;
        }
        turn.now = turn.told = ledger_time_next(ledger, time_ns);
        uint32_t reason =
            mr_ledger_transfer_apply(ledger, &transfers[i], &line.known[i % AHEAD], &turn);
        if (MR_UNLIKELY(reason != 0) && ledger_is_transient(reason))
            mr_ledger_transfer_fail(ledger, transfers[i].id);
        results[i++] = (struct mr_ledger_result){.timestamp = turn.told, .reason = reason};
    }
    VERIFY(mr_ledger_check_now_and_then(ledger));
}
