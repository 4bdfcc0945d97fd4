/*
 * The journal alone as a target of open_loop: the same orders at the same rate, hashed, framed,
 * written and known to be durable, with no engine around it. The sending thread is the writer's
 * own, and a block is cut as soon as a frame may go out: that is the least that making commands
 * durable can take.
 */
#ifndef MR_BENCH_PIPELINE_JOURNAL_TARGET_H
#define MR_BENCH_PIPELINE_JOURNAL_TARGET_H

#include "bench/journal/ours.h"
#include "bench/pipeline/open_loop.h"
#include "bench/pipeline/orders.h"

struct journal_target {
    struct ours ours;
    union order order;
    uint32_t held;       /* orders in the block in hand */
    uint32_t held_bytes; /* and their bytes */
    uint64_t held_first; /* the first one's index */
    uint64_t *ends; /* orders up to and with the last one of each entry that may be in flight */
};

/* A new journal, started. False: said why; close is due. */
bool journal_target_open(struct journal_target *target);
struct open_loop_target journal_target_of(struct journal_target *target);
/* After a run: stops. False: said why, or not all of it is in the journal. */
bool journal_target_stop(struct journal_target *target);
/* Closes what is open and removes what was written. */
void journal_target_close(struct journal_target *target);

#endif
