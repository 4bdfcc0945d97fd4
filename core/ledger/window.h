/*
 * The window: adding transfers to it, and what is beside each: links and balances.
 */
#ifndef MR_CORE_LEDGER_WINDOW_H
#define MR_CORE_LEDGER_WINDOW_H

#include "core/ledger/turn.h"

/* Makes room for one more. A chain that may have to be undone finds it beyond the window: nothing
 * is forgotten for what does not happen. */
static inline void ledger_make_room(struct mr_ledger *ledger, const struct ledger_turn *turn)
{
    if (MR_LIKELY(ledger->count >= ledger->config.transfers_max) && !turn->chained)
        mr_ledger_forget(ledger);
}

/* The place for a new transfer, to which its id leads from now on. There is room for it. */
static inline struct ledger_transfer *ledger_add(struct mr_ledger *ledger, uint32_t hash)
{
    uint32_t newest = ledger_ordinal_after(ledger->newest);
    ledger->epoch += newest < ledger->newest;
    ledger->newest = newest;
    ledger->count++;
    VERIFY(ledger->count < ledger->layout.ring);
    ledger_bucket_put(ledger, hash, newest);
    return ledger_transfer(ledger, newest);
}

/* Puts the newest transfer at the end of an account's, and returns the link to the one before. */
static inline uint32_t ledger_link(struct mr_ledger *ledger, struct ledger_account *account,
                                   uint32_t side)
{
    uint32_t before = ledger_account_last(ledger, account);
    uint32_t link = ledger->newest | side;
    if (MR_LIKELY(before != 0))
        *ledger_link_after(ledger, before) = link;
    account->last = link;
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

static inline uint32_t ledger_history(struct mr_ledger *ledger, const struct ledger_account *debit,
                                      const struct ledger_account *credit,
                                      const struct ledger_turn *turn)
{
    if (MR_LIKELY(((debit->flags | credit->flags) & MR_LEDGER_ACCOUNT_HISTORY) == 0))
        return 0;
    return mr_ledger_history_add(ledger, debit, credit, turn->chained);
}

#endif
