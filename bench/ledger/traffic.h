/*
 * The transfers that the ledger is measured with, a batch at a time. The same seed gives the same
 * transfers (floating point is used: the same on one machine; nothing compares them across
 * machines).
 *
 * All of them: account ids are any 128 bits; transfer ids are time-ordered, with 80 random bits, as
 * if each came from a generator of its own; amounts are 1 to 1,000; time goes on by 10 ms a batch.
 */
#ifndef MR_BENCH_LEDGER_TRAFFIC_H
#define MR_BENCH_LEDGER_TRAFFIC_H

#include <millrace/ledger.h>

#ifdef __cplusplus
extern "C" {
#endif

enum traffic_kind {
    /* Plain transfers between two accounts, each as likely as any other. */
    TRAFFIC_UNIFORM,
    /* The same, but account number k (in an order of their own) is as likely as k^-0.99: with a
     * million of them, 20% of the accounts are picked 88% of the time, and one 5%. */
    TRAFFIC_SKEWED,
    /* Of a hundred, 50 are pending, of which a fourth has a timeout. Some 65,000 transfers later
     * each is posted (44; one in eight of them in part) or voided (5), but for one in fifty, whose
     * timeout of a second passes: 819,000 transfers later it expires. The rest are plain. */
    TRAFFIC_TWO_PHASE,
    /* Plain transfers, in chains of 2 to 8. One chain in a hundred fails, by its last event. */
    TRAFFIC_CHAINS,
    TRAFFIC_KINDS
};

enum {
    TRAFFIC_BATCH = 8190,
    TRAFFIC_LEDGER = 1,
    TRAFFIC_CODE = 1,
    TRAFFIC_STEP_NS = 10000000,
    TRAFFIC_TIMEOUT_S = 1,         /* of those that expire */
    TRAFFIC_TIMEOUT_LONG_S = 3600, /* of those that are resolved before */
};

struct traffic_open;

struct traffic {
    enum traffic_kind kind;
    uint32_t accounts;
    uint64_t time_ns; /* of the batch */
    /* The batch, and what must come of it. */
    uint32_t count;
    uint32_t created;
    struct mr_ledger_transfer *events; /* TRAFFIC_BATCH */
    /* The accounts of each by their index; of a post or a void those of its pending transfer. */
    uint32_t *debits, *credits;

    uint64_t random;
    double skew_range;         /* of the skewed law's cumulated function */
    struct traffic_open *open; /* pending transfers that are to be resolved: a ring */
    uint32_t open_first, open_count;
};

/* False: there is no memory. Freed with traffic_free, which is fine on one that is all zero. */
bool traffic_init(struct traffic *traffic, enum traffic_kind kind, uint32_t accounts,
                  uint64_t seed);
void traffic_free(struct traffic *traffic);

/* Makes the next batch, of TRAFFIC_BATCH events. */
void traffic_next(struct traffic *traffic);

/* The id of account `index` (from 0), and the event that creates it. */
struct mr_u128 traffic_account_id(uint32_t index);
struct mr_ledger_account traffic_account(uint32_t index);

#ifdef __cplusplus
}
#endif
#endif
