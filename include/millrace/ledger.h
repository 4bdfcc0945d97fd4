/*
 * <millrace/ledger.h>: a double-entry ledger: accounts, and transfers between them, immediate or in
 * two phases. It can be used alone, or as a logic (<millrace/logic.h>) under the engine.
 *
 * The data model, the results and their precedence are those of TigerBeetle's public reference;
 * docs/ledger.md states every rule with an example, and what is different here.
 *
 * Alone: state is a block of memory, a batch of events goes in, a result for each comes out.
 *
 *     struct mr_ledger_config config;
 *     mr_logic_ledger.config_default(&config);
 *     struct mr_ledger *ledger = aligned_alloc(4096, ...); // mr_logic_ledger.state_size(&config)
 *     memset(ledger, 0, ...);
 *     mr_logic_ledger.init(ledger, &config);
 *
 *     struct mr_ledger_account accounts[] = {{.id = mr_u128_of(0, 1), .ledger = 1, .code = 1},
 *                                            {.id = mr_u128_of(0, 2), .ledger = 1, .code = 1}};
 *     struct mr_ledger_result results[2];
 *     mr_ledger_accounts_create(ledger, accounts, 2, now_ns, results);
 *     struct mr_ledger_transfer transfer = {.id = mr_ledger_id(now_ns / 1000000, random, random),
 *                                           .debit_account_id = mr_u128_of(0, 1),
 *                                           .credit_account_id = mr_u128_of(0, 2),
 *                                           .amount = mr_u128_of(0, 100), .ledger = 1, .code = 1};
 *     mr_ledger_transfers_create(ledger, &transfer, 1, now_ns, results);
 *
 * Nothing here allocates, locks, or calls the system. All of the state lies in that one block,
 * which holds no pointer. State is aligned to at least 64 bytes; where there are many accounts,
 * huge pages (madvise) nearly halve the time of a transfer.
 *
 * TIME. An event's timestamp is max(the batch's time, the last one + 1), so that timestamps are
 * unique and rise; every event takes one, created or not. Imported events bring their own. (Times
 * beyond MR_LEDGER_TIME_MAX, in the year 2262, count as that: from there on, timestamps rise by
 * one.)
 *
 * THE WINDOW. Accounts are kept for good, and so are transfers that are pending. Of the others the
 * last `transfers_max` are remembered (a transfer that failed for a passing reason counts as one,
 * so that its id can be refused). What becomes of an id that is not among them:
 *   time_ordered   (the default) ids carry their time in the upper 48 bits, see mr_ledger_id. An id
 *                  that is not above the highest one that has left the window is refused
 *                  (id_too_old), whether or not it was ever used: it is never executed twice. One
 *                  that is more than `id_ahead_ms` ahead of the ledger's time is refused
 *                  (id_ahead_of_time), lest a wrong clock pushes everybody else's out.
 *   free           ids are any numbers. Nothing is forgotten: when the window is full, new
 *                  transfers are refused (transfers_full).
 * A pending transfer that leaves the window can be posted and voided as before, and is found by its
 * id; it is no longer listed with its accounts' transfers.
 *
 * CHAINS. Events of one kind (accounts, or transfers) that follow one another in a batch are a
 * request, in the reference's words. Within a request, a run of events that are `linked` and the
 * next one that is not are a chain: all are created, or none. A chain takes effect, whole, with its
 * first event. Under the engine, its commands are of one session and one time, as those of a batch
 * are, with rising request numbers; a command that is not ends it like the end of the request.
 */
#ifndef MILLRACE_LEDGER_H
#define MILLRACE_LEDGER_H

#include <millrace/ledger_messages.h>
#include <millrace/logic.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* -- Using the ledger alone: one thread at a time. --------------------------------------------- */

struct mr_ledger;

/* The latest time that counts: a second before 2^63 ns. */
#define MR_LEDGER_TIME_MAX ((UINT64_C(1) << 63) - (UINT64_C(1) << 30))

struct mr_ledger_result {
    uint64_t timestamp; /* the event's; for `exists`, of what exists */
    uint32_t reason;    /* enum mr_ledger_reason; 0: created */
    uint32_t reserved;  /* zero */
};

/* Create accounts, or transfers: a request of `count` events (1 to 8,190, asserted) at `time_ns`,
 * with a result for each. Pending transfers that are due by then must have been expired before (see
 * mr_ledger_expire); else they cannot be posted or voided any more, but what they reserve is not
 * free yet. Wait-free; bounded by `count`. */
void mr_ledger_accounts_create(struct mr_ledger *ledger, const struct mr_ledger_account *accounts,
                               uint32_t count, uint64_t time_ns, struct mr_ledger_result *results);
void mr_ledger_transfers_create(struct mr_ledger *ledger,
                                const struct mr_ledger_transfer *transfers, uint32_t count,
                                uint64_t time_ns, struct mr_ledger_result *results);

/* When the next pending transfer expires, UINT64_MAX: none does. O(1). */
uint64_t mr_ledger_expiry_next(const struct mr_ledger *ledger);

/* Expires up to `limit` pending transfers that are due at `time_ns`, by time of expiry, then of
 * creation, and tells which; returns how many. When it is `limit`, there may be more. (Under the
 * engine a timer does this.) Wait-free. */
uint32_t mr_ledger_expire(struct mr_ledger *ledger, uint64_t time_ns,
                          struct mr_ledger_expired *expired, uint32_t limit);

/* -- Ids. -------------------------------------------------------------------------------------- */

/* A time-ordered id: milliseconds since 1970 in the upper 48 bits, then 80 random bits, of which
 * each of two generators has its own. Whoever makes several in one millisecond counts the random
 * part up, so that they rise. Any thread; wait-free. */
static inline struct mr_u128 mr_ledger_id(uint64_t time_ms, uint16_t random_high,
                                          uint64_t random_low)
{
    return mr_u128_of(time_ms << 16 | random_high, random_low);
}

/* Its milliseconds. */
static inline uint64_t mr_ledger_id_time_ms(struct mr_u128 id)
{
    return id.high >> 16;
}

/* -- Looking. The applying thread between commands, or any thread on a copy. Wait-free. -------- */

struct mr_ledger_totals {
    uint64_t time_ns;     /* the ledger's: the last timestamp given */
    uint64_t transfers;   /* created so far */
    struct mr_u128 floor; /* ids up to this one may have been forgotten; 0: none has */
    uint32_t accounts;
    uint32_t ledgers;
    uint32_t remembered; /* transfers in the window, failed ones included */
    uint32_t pending;    /* transfers that are pending now */
    uint32_t balances;   /* of accounts with `history`, remembered now */
    uint32_t reserved;
};
/* What the whole ledger holds. O(1). */
struct mr_ledger_totals mr_ledger_totals_get(const struct mr_ledger *ledger);

/* The account with that id; false: there is none. O(1). */
bool mr_ledger_account_get(const struct mr_ledger *ledger, struct mr_u128 id,
                           struct mr_ledger_account *out);

/* The account that was created as number `index` (from 0); false: there are not so many. */
bool mr_ledger_account_at(const struct mr_ledger *ledger, uint32_t index,
                          struct mr_ledger_account *out);

/* The transfer with that id that is remembered, and what has become of it if it was a pending one
 * (`state` may be NULL); false: there is none (a failed one is none). O(1). */
bool mr_ledger_transfer_get(const struct mr_ledger *ledger, struct mr_u128 id,
                            struct mr_ledger_transfer *out, enum mr_ledger_state *state);

/* Filters and lists: <millrace/ledger_queries.h>. */

/* The ledger as a logic. */
extern const struct mr_logic mr_logic_ledger;

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
