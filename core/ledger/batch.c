/*
 * Requests, of a ledger that is used alone. Of transfers, what those to come will need is brought
 * nearer while those before them are created: a transfer touches some ten lines that no cache has
 * when there are many accounts, and waiting for each in turn would take ten times as long.
 * It is brought into the second-level cache (locality 2), which can wait for more lines at once
 * than the first.
 */
#include "core/ledger/check.h"
#include "core/ledger/turn.h"

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

LEDGER_FOLDED bool resolves(const struct pipeline *line, uint32_t at)
{
    return MR_UNLIKELY((line->transfers[at].flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0);
}

LEDGER_FOLDED void prefetch_bucket(const struct mr_ledger *ledger, uint32_t hash)
{
    __builtin_prefetch(ledger_bucket(ledger, ledger_bucket_home(ledger, hash)), 0, 2);
}

LEDGER_FOLDED void prefetch_account(const struct ledger_account *account)
{
    __builtin_prefetch(&account->balances, 0, 2);
    __builtin_prefetch(&account->id, 0, 2);
}

LEDGER_FOLDED void prefetch_last(const struct mr_ledger *ledger,
                                 const struct ledger_account *account)
{
    __builtin_prefetch(ledger_links(ledger, ledger_link_ordinal(account->last)), 0, 2);
}

/* -- Stages of posts and voids: the pending transfer, its accounts, their last transfers. ------- */

/* By its hash alone, so most likely. One that has left the window is not looked for. */
LEDGER_FOLDED void look_for_pending(const struct mr_ledger *ledger, struct ledger_ahead *known)
{
    const struct ledger_bucket *bucket =
        ledger_bucket(ledger, ledger_bucket_home(ledger, known->debit));
    known->pending = 0;
    for (uint32_t i = 0; i < LEDGER_BUCKET; i++)
        known->pending = bucket->hashes[i] == known->debit ? bucket->ordinals[i] : known->pending;
    const unsigned char *pending =
        (const unsigned char *)ledger_transfer_at(ledger, ledger_place(ledger, known->pending));
    __builtin_prefetch(pending, 0, 2);
    __builtin_prefetch(pending + sizeof(struct ledger_transfer) - 1, 0, 2);
}

/* The pending transfer, if it has been found. */
LEDGER_FOLDED const struct ledger_transfer *found(const struct mr_ledger *ledger,
                                                  const struct ledger_ahead *known)
{
    if (!ledger_in_window(ledger, known->pending))
        return NULL;
    const struct ledger_transfer *pending = ledger_transfer(ledger, known->pending);
    return pending->state == MR_LEDGER_STATE_PENDING ? pending : NULL;
}

LEDGER_FOLDED void look_for_accounts_of(const struct mr_ledger *ledger,
                                        const struct ledger_ahead *known)
{
    const struct ledger_transfer *pending = found(ledger, known);
    if (pending == NULL)
        return;
    prefetch_account(ledger_account(ledger, pending->debit));
    prefetch_account(ledger_account(ledger, pending->credit));
    __builtin_prefetch(ledger_pending(ledger, pending->pending), 0, 2);
}

LEDGER_FOLDED void look_for_last_of(const struct mr_ledger *ledger, struct pipeline *line)
{
    uint32_t at = line->last++;
    if (!resolves(line, at))
        return;
    const struct ledger_transfer *pending = found(ledger, &line->known[at % AHEAD]);
    if (pending == NULL)
        return;
    prefetch_last(ledger, ledger_account(ledger, pending->debit));
    prefetch_last(ledger, ledger_account(ledger, pending->credit));
}

/* -- Stages. ----------------------------------------------------------------------------------- */

LEDGER_FOLDED void look_for_slots(const struct mr_ledger *ledger, struct pipeline *line)
{
    uint32_t at = line->slots++;
    const struct mr_ledger_transfer *transfer = &line->transfers[at];
    struct ledger_ahead *known = &line->known[at % AHEAD];
    struct ledger_table accounts = ledger_account_table(ledger);
    known->id = ledger_hash(ledger, transfer->id);
    prefetch_bucket(ledger, known->id);
    if (resolves(line, at)) {
        known->debit = ledger_hash(ledger, transfer->pending_id);
        prefetch_bucket(ledger, known->debit);
        return;
    }
    known->debit = ledger_hash(ledger, transfer->debit_account_id);
    known->credit = ledger_hash(ledger, transfer->credit_account_id);
    ledger_slot_prefetch(&accounts, known->debit);
    ledger_slot_prefetch(&accounts, known->credit);
}

/* The account that a hash most likely leads to; 0: none. */
LEDGER_FOLDED uint32_t look_for_account(const struct mr_ledger *ledger,
                                        const struct ledger_table *table, uint32_t hash)
{
    uint32_t i = hash >> table->shift;
    i = (i + (table->slots[i].hash != hash)) & table->mask; /* often enough, and no branch */
    while (table->slots[i].value != 0 && table->slots[i].hash != hash)
        i = (i + 1) & table->mask;
    uint32_t number = table->slots[i].value;
    if (MR_LIKELY(number != 0))
        prefetch_account(ledger_account(ledger, number));
    return number;
}

LEDGER_FOLDED void look_for_accounts(const struct mr_ledger *ledger, struct pipeline *line)
{
    uint32_t at = line->accounts++;
    struct ledger_ahead *known = &line->known[at % AHEAD];
    if (resolves(line, at)) {
        look_for_pending(ledger, known);
        return;
    }
    struct ledger_table table = ledger_account_table(ledger);
    known->debit_account = look_for_account(ledger, &table, known->debit);
    known->credit_account = look_for_account(ledger, &table, known->credit);
}

LEDGER_FOLDED void look_for_link(const struct mr_ledger *ledger, uint32_t number)
{
    if (MR_LIKELY(number != 0))
        prefetch_last(ledger, ledger_account(ledger, number));
}

LEDGER_FOLDED void look_for_links(const struct mr_ledger *ledger, struct pipeline *line)
{
    uint32_t at = line->links++;
    const struct ledger_ahead *known = &line->known[at % AHEAD];
    if (resolves(line, at)) {
        look_for_accounts_of(ledger, known);
        return;
    }
    look_for_link(ledger, known->debit_account);
    look_for_link(ledger, known->credit_account);
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
        look_for_last_of(ledger, line);
}

/* The same for the next transfer, when each stage is where it shall be: each takes one step. */
LEDGER_FOLDED void step(const struct mr_ledger *ledger, struct pipeline *line)
{
    look_for_slots(ledger, line);
    look_for_accounts(ledger, line);
    look_for_links(ledger, line);
    look_for_last_of(ledger, line);
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
