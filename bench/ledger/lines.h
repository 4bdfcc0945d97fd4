/*
 * The physical limit of a ledger: for each transfer of a batch the cache lines that it needs are
 * prefetched some transfers ahead, and written to when its turn comes; nothing else happens. The
 * lines are those of the ledger's own layout (core/ledger/state.h) in as much memory:
 *
 *     what a plain transfer needs                                            lines
 *     the slots of its two accounts                                2 random  2
 *     the two accounts: balances, and what they are checked for    2 random  2 x 2, side by side
 *     the bucket of its own id, which must be new                  1 random  1
 *     the transfer that leaves the window                          in order  2
 *     its own record and links                                     in order  2 and 1
 */
#ifndef MR_BENCH_LEDGER_LINES_H
#define MR_BENCH_LEDGER_LINES_H

#include "bench/ledger/traffic.h"

#include <millrace/mapping.h>

/* How much memory there is to go to. */
struct lines_sizes {
    uint32_t accounts;
    uint32_t window;        /* transfers */
    uint64_t account_slots; /* bytes */
    uint64_t buckets;
};

struct lines {
    struct lines_sizes sizes;
    struct mr_mapping mapping;
    uint64_t *memory;
    /* Where each kind of thing begins, in lines. */
    uint32_t account_slots, accounts, buckets, transfers, links;
    uint32_t transfer; /* the number of the last one */
    uint64_t touched;  /* lines so far */
    uint32_t *list;    /* a batch's lines, one transfer after the other */
    uint32_t count;    /* of them */
};

enum { LINES_A_TRANSFER_MAX = 16, LINES_AHEAD = 12 };

/* False: there is no memory. Freed with lines_close, which is fine on one that is all zero. */
bool lines_open(struct lines *lines, const struct lines_sizes *sizes, bool huge);
void lines_close(struct lines *lines);

/* Finds the lines of a batch: not measured. */
void lines_prepare(struct lines *lines, const struct traffic *traffic);

/* Touches them, each of them prefetched `ahead` transfers before. */
void lines_touch(const struct lines *lines, uint32_t ahead);

#endif
