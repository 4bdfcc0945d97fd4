/*
 * A ledger's shadow: every account's balances, made from the events alone, to be held against the
 * state. It knows what an event says and nothing of how the ledger keeps it.
 */
#ifndef MR_TOOLS_LEDGER_SHADOW_H
#define MR_TOOLS_LEDGER_SHADOW_H

#include "tools/id_map.h"

#include <millrace/error.h>
#include <millrace/ledger.h>

__extension__ typedef unsigned __int128 shadow_sum;

/* In the order of the fields of an account. */
enum {
    SHADOW_DEBITS_PENDING,
    SHADOW_DEBITS_POSTED,
    SHADOW_CREDITS_PENDING,
    SHADOW_CREDITS_POSTED,
    SHADOW_SUMS
};

extern const char *const ledger_shadow_names[SHADOW_SUMS];

struct shadow_account {
    struct mr_u128 id;
    shadow_sum sums[SHADOW_SUMS];
    uint64_t timestamp;
    uint32_t ledger;
    uint16_t flags;
};

/* A transfer that is pending. */
struct shadow_pending {
    shadow_sum amount;
    uint32_t debit, credit; /* accounts */
    uint16_t flags;
    uint32_t next_free;
};

struct ledger_shadow {
    struct shadow_account *accounts; /* from number 1 */
    uint32_t account_count, account_room;
    struct id_map account_ids;
    struct shadow_pending *pending; /* from number 1 */
    uint32_t pending_high, pending_room, pending_free;
    struct id_map pending_ids;
    uint64_t transfers, expired;          /* events of that kind */
    uint64_t account_time, transfer_time; /* timestamps of the last ones */
    uint32_t ledgers;                     /* seen at the last comparison */
};

/* All zero at first. Both return MR_OK; MR_E_DIVERGED: something that must not be, which *error
 * names; MR_E_NO_MEMORY. */
int ledger_shadow_event(struct ledger_shadow *shadow, const struct mr_event *event,
                        struct mr_error *error);
/* Between batches only: a chain takes effect with its first event. */
int ledger_shadow_compare(struct ledger_shadow *shadow, const struct mr_ledger *ledger,
                          struct mr_error *error);

void ledger_shadow_free(struct ledger_shadow *shadow);

#endif
