/*
 * A ledger that is obviously right: arrays, and every question is answered by looking at all of
 * them. A chain is tried on the ledger itself, which is put back from a copy when it fails. It
 * shares nothing with the real one but the messages, and gives the results that the real one has to
 * give.
 */
#ifndef MR_TESTS_CORE_NAIVE_LEDGER_H
#define MR_TESTS_CORE_NAIVE_LEDGER_H

#include <millrace/ledger.h>
#include <millrace/ledger_queries.h>

__extension__ typedef unsigned __int128 wide;

static inline wide wide_of(struct mr_u128 value)
{
    return (wide)value.high << 64 | value.low;
}

static inline struct mr_u128 narrow(wide value)
{
    return mr_u128_of((uint64_t)(value >> 64), (uint64_t)value);
}

/* An account's balances right after a transfer. */
struct naive_balance {
    uint64_t number; /* balances that were kept up to this one; 0: none was */
    struct mr_ledger_row_balance row;
};

struct naive_transfer {
    struct mr_ledger_transfer record; /* of one that failed, the id alone */
    struct mr_ledger_transfer pended; /* of a post or a void: what it has resolved */
    struct naive_balance debit, credit;
    uint64_t expires_ns; /* 0: never */
    uint8_t state;       /* enum mr_ledger_state */
    bool failed;         /* for a passing reason: only its id counts */
};

/* Transfers from the oldest one on; those before `first` are gone. */
struct naive_list {
    struct naive_transfer *at;
    struct mr_u128 *ids; /* once more, where they are looked through */
    uint32_t first, end, room;
};

/* What a chain that fails does not change. */
struct naive_state {
    struct mr_ledger_account *accounts;
    uint32_t account_count;
    struct naive_list window;
    struct naive_list kept; /* that are pending, and have left the window */
    uint64_t created, balances;
    uint64_t account_time, transfer_time; /* timestamps of the last ones */
    uint64_t forgotten_time;              /* of the last transfer that has left the window */
    wide floor;                           /* the highest id that has left the window */
};

/* An event of a batch that reaches the ledger. */
struct naive_event {
    uint16_t type; /* enum mr_ledger_command */
    bool joins;    /* it may belong to the same chain as the one before */
    uint64_t time_ns;
    union {
        struct mr_ledger_account account;
        struct mr_ledger_transfer transfer;
    };
};

struct naive_result {
    uint64_t timestamp; /* of the event; for `exists`, of what exists */
    uint32_t reason;
    union { /* as it was created */
        struct mr_ledger_account account;
        struct mr_ledger_transfer transfer;
    };
};

struct naive_ledger {
    struct mr_ledger_config config;
    struct naive_state now, saved;
    uint64_t time_ns;  /* the last timestamp given */
    uint64_t asked_ns; /* the time of the batch */

    /* The batch under way. */
    const struct naive_event *events;
    struct naive_result *results;
    uint32_t event_count, result_room;
    uint32_t decided; /* events, from the first one */
    uint16_t type;    /* of the request */
    bool imported;    /* likewise */
};

void naive_open(struct naive_ledger *ledger, const struct mr_ledger_config *config);
void naive_close(struct naive_ledger *ledger);

/* A batch begins, of events that stay where they are until it ends. */
void naive_batch(struct naive_ledger *ledger, const struct naive_event *events, uint32_t count);
/* Applies the next event, or tells what has become of it with its chain. */
const struct naive_result *naive_apply(struct naive_ledger *ledger, uint32_t event);

/* UINT64_MAX: none expires. */
uint64_t naive_expiry_next(const struct naive_ledger *ledger);
/* Expires the next one that is due then; false: none is. */
bool naive_expire(struct naive_ledger *ledger, uint64_t time_ns, struct mr_ledger_expired *expired);

/* -- Looking. ---------------------------------------------------------------------------------- */

/* NULL: there is none. */
struct mr_ledger_account *naive_account(const struct naive_ledger *ledger, struct mr_u128 id);
/* Of the window or kept, the failed ones too; NULL: it is not known. */
struct naive_transfer *naive_transfer(const struct naive_ledger *ledger, struct mr_u128 id);

uint32_t naive_ledgers(const struct naive_ledger *ledger);
uint32_t naive_pending(const struct naive_ledger *ledger);
struct mr_ledger_totals naive_totals(const struct naive_ledger *ledger);

/* Everything that a filter lets through, whatever its limit: to be freed. */
struct mr_ledger_account *naive_list_accounts(const struct naive_ledger *ledger,
                                              const struct mr_ledger_query_filter *filter,
                                              uint32_t *count);
struct mr_ledger_row_transfer *naive_list_transfers(const struct naive_ledger *ledger,
                                                    const struct mr_ledger_query_filter *filter,
                                                    uint32_t *count);
struct mr_ledger_row_transfer *naive_list_account_transfers(
    const struct naive_ledger *ledger, const struct mr_ledger_account_filter *filter,
    uint32_t *count);
struct mr_ledger_row_balance *naive_list_account_balances(
    const struct naive_ledger *ledger, const struct mr_ledger_account_filter *filter,
    uint32_t *count);

/* -- For the parts of it. ---------------------------------------------------------------------- */

/* 0, with what has been created in *result, or a reason. */
uint32_t naive_account_create(struct naive_ledger *ledger, const struct mr_ledger_account *account,
                              struct naive_result *result);
uint32_t naive_transfer_create(struct naive_ledger *ledger,
                               const struct mr_ledger_transfer *transfer,
                               struct naive_result *result);
/* What accounts and transfers have in common, before their own checks: 0 or a reason. */
uint32_t naive_import_check(const struct naive_ledger *ledger, bool imported, uint64_t timestamp);

bool naive_in_window(const struct naive_list *window, uint64_t timestamp);
/* A zeroed one but for its id. */
struct naive_transfer *naive_window_add(struct naive_ledger *ledger, struct mr_u128 id);

/* What a transfer reserves is free again, and what it has closed is open. */
void naive_release(struct naive_ledger *ledger, struct naive_transfer *pending, uint8_t state);

#endif
