/*
 * One event being created, and what the files of the ledger do for one another.
 */
#ifndef MR_CORE_LEDGER_TURN_H
#define MR_CORE_LEDGER_TURN_H

#include "core/ledger/ids.h"

/* Compiled anew wherever it is used, so that what is constant there folds away. */
#define LEDGER_FOLDED static inline __attribute__((always_inline))

struct ledger_turn {
    uint64_t time_ns;           /* of the request */
    uint64_t now;               /* the event's timestamp */
    uint64_t told;              /* the one that its result tells */
    struct mr_context *context; /* NULL: the ledger is used alone */
    bool imported;              /* the request is */
    bool chained;               /* it may have to be undone */
};

/* What is known of a transfer's ids before it is its turn. */
struct ledger_ahead {
    struct ledger_home home;
    /* Hashes; where nothing is to be found by the debit account's id (posts and voids), that of the
     * pending one. */
    uint32_t debit, credit;
    uint32_t pending; /* of a post or a void: an ordinal, just to prefetch */
    struct ledger_account *debit_account, *credit_account; /* NULL: not found, or not looked up */
};

/* The time at which something happens at `time_ns`, if that is not before the last timestamp. */
static inline uint64_t ledger_time_at(uint64_t time_ns)
{
    return time_ns < MR_LEDGER_TIME_MAX ? time_ns : MR_LEDGER_TIME_MAX;
}

/* The timestamp that an event at `time_ns` would take. */
static inline uint64_t ledger_time_of(const struct mr_ledger *ledger, uint64_t time_ns)
{
    uint64_t after = ledger->time_ns + 1, at = ledger_time_at(time_ns);
    return at > after ? at : after;
}

/* The timestamp that the next event takes. */
static inline uint64_t ledger_time_next(struct mr_ledger *ledger, uint64_t time_ns)
{
    return ledger->time_ns = ledger_time_of(ledger, time_ns);
}

/* What every event is asked first: 0, or a reason. */
static inline uint32_t ledger_check_time(const struct ledger_turn *turn, bool imported,
                                         uint64_t timestamp)
{
    if (MR_UNLIKELY(imported != turn->imported))
        return turn->imported ? MR_LEDGER_IMPORTED_EVENT_EXPECTED
                              : MR_LEDGER_IMPORTED_EVENT_NOT_EXPECTED;
    if (MR_LIKELY(!imported))
        return timestamp == 0 ? 0 : MR_LEDGER_TIMESTAMP_MUST_BE_ZERO;
    if (timestamp == 0 || timestamp >> 63 != 0)
        return MR_LEDGER_IMPORTED_TIMESTAMP_OUT_OF_RANGE;
    return timestamp < turn->now ? 0 : MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE;
}

/* A failure that passes: the id is remembered, so that it does not succeed later by surprise. */
static inline bool ledger_is_transient(uint32_t reason)
{
    return reason == MR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND ||
           reason == MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND ||
           reason == MR_LEDGER_PENDING_TRANSFER_NOT_FOUND ||
           reason == MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED ||
           reason == MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED ||
           reason == MR_LEDGER_EXCEEDS_CREDITS || reason == MR_LEDGER_EXCEEDS_DEBITS;
}

/* -- Each creates an account or a transfer: 0, or the reason why not, and then nothing has changed.
 * ---------------------------------------------------------------------------------------------- */

/* core/ledger/accounts.c */
uint32_t mr_ledger_account_apply(struct mr_ledger *ledger, const struct mr_ledger_account *asked,
                                 struct ledger_turn *turn);
/* Takes back the newest account. */
void mr_ledger_account_undo(struct mr_ledger *ledger);
/* Whether an account has that timestamp. */
bool mr_ledger_account_has_time(const struct mr_ledger *ledger, uint64_t timestamp);

/* core/ledger/transfers.c */
uint32_t mr_ledger_transfer_apply(struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                                  const struct ledger_ahead *ahead, struct ledger_turn *turn);
/* Takes back the newest transfer (core/ledger/undo.c), one of several: all that are younger than
 * the one with the ordinal `remaining` follow. */
void mr_ledger_transfer_undo(struct mr_ledger *ledger, uint32_t remaining);
/* Remembers the id of a transfer that has failed for a passing reason. */
void mr_ledger_transfer_fail(struct mr_ledger *ledger, struct mr_u128 id);

/* core/ledger/resolve.c: posts or voids a pending transfer, once the id is known to be new. */
uint32_t mr_ledger_resolve(struct mr_ledger *ledger, const struct mr_ledger_transfer *asked,
                           struct ledger_home home, struct ledger_turn *turn);
/* The pending transfer that `resolved` has posted or voided needs its place no more. */
void mr_ledger_resolve_settle(struct mr_ledger *ledger, const struct ledger_transfer *resolved);

/* core/ledger/exists.c: what becomes of an event whose id is taken. */
uint32_t mr_ledger_account_exists(const struct mr_ledger *ledger,
                                  const struct mr_ledger_account *asked,
                                  const struct ledger_account *existing);
uint32_t mr_ledger_transfer_exists(const struct mr_ledger *ledger,
                                   const struct mr_ledger_transfer *asked,
                                   const struct ledger_transfer *existing);

/* -- core/ledger/window.c ---------------------------------------------------------------------- */

/* Forgets what is more than there may be. */
void mr_ledger_trim(struct mr_ledger *ledger);
/* Whether a transfer of the window has that timestamp, or one that was forgotten might. */
bool mr_ledger_transfer_has_time(const struct mr_ledger *ledger, uint64_t timestamp);

/* -- core/ledger/pending.c: the places of pending transfers, and when they expire. ------------- */

uint32_t mr_ledger_pending_take(struct mr_ledger *ledger, uint32_t ordinal);
/* Gives a place back; a transfer that has left the window is forgotten with it. */
void mr_ledger_pending_give(struct mr_ledger *ledger, uint32_t place);
void mr_ledger_expiry_push(struct mr_ledger *ledger, uint32_t place, uint64_t expires_ns,
                           uint64_t timestamp);
void mr_ledger_expiry_remove(struct mr_ledger *ledger, uint32_t place);
/* Sees to it that the engine's timer is due by then; false: there is no timer for it. */
bool mr_ledger_expiry_arm(struct mr_ledger *ledger, struct mr_context *context,
                          uint64_t expires_ns);
/* The engine's timer is due. */
void mr_ledger_expiry_fire(struct mr_ledger *ledger, struct mr_context *context);

static inline uint64_t ledger_expires(const struct ledger_transfer *transfer)
{
    return transfer->timestamp + transfer->timeout * UINT64_C(1000000000);
}

/* What a pending transfer has reserved is free again. */
void mr_ledger_release(struct mr_ledger *ledger, const struct ledger_transfer *pending);
/* What it has closed is open again. */
void mr_ledger_reopen(struct mr_ledger *ledger, const struct ledger_transfer *pending);
/* Closes what it closes. */
void mr_ledger_close(struct mr_ledger *ledger, const struct ledger_transfer *pending);

/* -- core/ledger/chain.c ----------------------------------------------------------------------- */

/* Events that lie one behind another. */
struct ledger_events {
    const unsigned char *at; /* the body of the first one */
    uint64_t stride;         /* bytes from one to the next */
    uint32_t count;          /* of the chain */
    uint32_t type;           /* enum mr_ledger_command */
    bool open;               /* the request ends within the chain */
};

struct ledger_chain {
    uint32_t failed; /* which one, LEDGER_BATCH_MAX: none */
    uint32_t reason;
    uint64_t told;
};

/* Creates all, at `time_ns`, or none. */
struct ledger_chain mr_ledger_chain_apply(struct mr_ledger *ledger,
                                          const struct ledger_events *events, uint64_t time_ns,
                                          struct ledger_turn *turn);
/* What has become of one of a chain's events. */
uint32_t mr_ledger_chain_reason(const struct ledger_chain *chain, uint32_t count, bool open,
                                uint32_t at);
/* One of the transfers, or accounts, of a chain of `count` that has just been created. It may have
 * left the window with the others, but nothing has taken its place yet. */
const struct ledger_transfer *mr_ledger_chain_transfer(const struct mr_ledger *ledger,
                                                       uint32_t count, uint32_t at);
const struct ledger_account *mr_ledger_chain_account(const struct mr_ledger *ledger, uint32_t count,
                                                     uint32_t at);
uint64_t mr_ledger_chain_time(const struct mr_ledger *ledger, const struct ledger_events *events,
                              uint32_t at);

#endif
