/*
 * The window: adding transfers to it, and what is beside each: links and balances.
 */
#ifndef MR_CORE_LEDGER_WINDOW_H
#define MR_CORE_LEDGER_WINDOW_H

#include "core/ledger/turn.h"

/* A transfer of the window that is pending goes on among those that are kept. */
void mr_ledger_keep(struct mr_ledger *ledger, const struct ledger_transfer *transfer);

/* How many transfers ahead, in bytes, one of the ring is brought nearer: one line, and the other
 * behind it. (Where the ring begins again that brings something else, in vain.) */
enum {
    LEDGER_FORGET_AHEAD = 32 * sizeof(struct ledger_transfer),
    LEDGER_RECORD_AHEAD = 8 * sizeof(struct ledger_transfer),
};

/* Forgets the oldest transfer of the window; what is pending is kept. */
static inline void ledger_forget(struct mr_ledger *ledger)
{
    uint32_t oldest = ledger_oldest(ledger);
    const struct ledger_transfer *transfer = ledger_transfer(ledger, oldest);
    if (MR_UNLIKELY(transfer->state == MR_LEDGER_STATE_PENDING))
        mr_ledger_keep(ledger, transfer);
    if (mr_u128_below(ledger->floor, transfer->id))
        ledger->floor = transfer->id;
    ledger->forgotten_time = transfer->timestamp;
    ledger->count--;
    uintptr_t ahead = (uintptr_t)transfer + LEDGER_FORGET_AHEAD;
    __builtin_prefetch((const void *)ahead, 0, 2);
    __builtin_prefetch((const void *)(ahead + LEDGER_LINE), 0, 2);
}

/* Makes room for one more. A chain that may have to be undone finds it beyond the window: nothing
 * is forgotten for what does not happen. */
static inline void ledger_make_room(struct mr_ledger *ledger, const struct ledger_turn *turn)
{
    if (MR_LIKELY(ledger->count >= ledger->config.transfers_max) && !turn->chained)
        ledger_forget(ledger);
}

/* The place for a new transfer, to which its id leads from now on. There is room for it. */
static inline struct ledger_transfer *ledger_add(struct mr_ledger *ledger, struct ledger_home home)
{
    uint32_t newest = ledger_ordinal_after(ledger->newest);
    ledger->epoch += newest < ledger->newest;
    ledger->newest = newest;
    ledger->count++;
    VERIFY(ledger->count < ledger->layout.ring);
    ledger_bucket_put(ledger, home, newest);
    struct ledger_transfer *transfer = ledger_transfer(ledger, newest);
    uintptr_t ahead = (uintptr_t)transfer + LEDGER_RECORD_AHEAD;
    __builtin_prefetch((const void *)ahead, 1);
    __builtin_prefetch((const void *)(ahead + LEDGER_LINE), 1);
    return transfer;
}

/* Puts the newest transfer at the end of an account's, and returns the link to the one before. */
static inline uint32_t ledger_link(struct mr_ledger *ledger, struct ledger_account *account,
                                   uint32_t side)
{
    uint32_t before = ledger_account_last(ledger, account);
    account->last = ledger->newest | side;
    account->last_epoch = (uint16_t)ledger->epoch;
    return before;
}

static inline void ledger_link_both(struct mr_ledger *ledger, struct ledger_account *debit,
                                    struct ledger_account *credit)
{
    uint32_t debit_before = ledger_link(ledger, debit, 0);
    uint32_t credit_before = ledger_link(ledger, credit, (uint32_t)LEDGER_CREDIT);
    *ledger_links(ledger, ledger->newest) =
        (struct ledger_links){.debit_before = debit_before, .credit_before = credit_before};
}

/* Remembers the balances of those of the two accounts that have `history`; the number of the
 * first, 0: neither. */
uint32_t mr_ledger_history_add(struct mr_ledger *ledger, const struct ledger_account *debit,
                               const struct ledger_account *credit, bool chained);

#endif
