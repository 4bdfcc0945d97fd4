/*
 * <millrace/lanes.h>: one thread drains several rings in a stated order of priority, and none of
 * them starves.
 *
 * A *lane* is a consumer with a priority: its place in the array, the first being the most urgent.
 * The next batch comes from the most urgent lane that has something, unless a lane is *due*: since
 * it was last served or found empty, `patience` batches went to others. Of several that are due,
 * the one that is due for the longest is next; of equals, the most urgent.
 *
 *     uint32_t lane;
 *     uint64_t first, next;
 *     while (mr_lanes_poll(&lanes, &lane, &first, &next)) {
 *         handle [first, next) of the ring of consumers[lane];
 *         mr_consumer_release(consumers[lane], next);
 *     }
 *
 * The bound: while a lane has something, at most patience + count - 2 batches in a row go to
 * others, where `count`, at least 2, is the number of lanes; batch_max of their consumers bounds
 * each batch in positions.
 *
 * Why. A lane that has something is not found empty, so each batch of another's brings it one batch
 * nearer to being due; after at most `patience` of them it is due, and from then on one batch later
 * with each. Only lanes that are at least as late go before it. Whoever is served begins anew, at
 * least one batch from being due, and lanes that are not served age at the same rate: so nobody who
 * was served after, or in the last batch before, the waiting one became due is ever as late as it.
 * That leaves the others but the one that had that last batch, each at most once: count - 2. The
 * bound is tight: the least urgent lane meets it when those become due in the same moment as it.
 *
 * The price for the urgent lanes: each lane below gets at most one of patience + 1 batches in a row
 * before its turn. If all patience is below the number of lanes, being due is the rule, and busy
 * lanes take turns.
 *
 * This is earliest deadline first (Liu and Layland, 1973) on top of plain priorities, with
 * deadlines counted in batches: it needs no clock, and looks at a lane's ring only when it is that
 * lane's turn.
 */
#ifndef MILLRACE_LANES_H
#define MILLRACE_LANES_H

#include <millrace/disruptor.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum { MR_LANES_MAX = 16, MR_LANE_PATIENCE = 16 };

struct mr_lane {
    struct mr_consumer *consumer; /* of any ring; give it a batch_max */
    uint32_t patience;            /* batches of others that it lets pass while it has work; 0:
                        * MR_LANE_PATIENCE */
};

/* Plain and visible; of the draining thread alone. */
struct mr_lanes {
    struct mr_lane lanes[MR_LANES_MAX];
    uint64_t due[MR_LANES_MAX]; /* the batch (by its number) at which each is due */
    uint64_t due_first;         /* nobody is due before this one */
    uint64_t batches;           /* served so far: the number of the next */
    uint32_t count;
};

/* Prepares `count` lanes (1 to MR_LANES_MAX), the most urgent first; they are copied, the consumers
 * are not. MR_OK; MR_E_INVALID: none, or one without consumer; MR_E_LIMIT: too many. One thread. */
int mr_lanes_init(struct mr_lanes *lanes, const struct mr_lane *given, uint32_t count,
                  struct mr_error *error);

/* Chooses where the next batch comes from: *lane is its index, and [*first, *next) of its consumer
 * is to be handled and released before the next call. (What is not released is found again, and
 * counts as a batch again.) False: no lane has anything, and nothing is written. The thread of all
 * these consumers; wait-free, at most two looks at each ring. */
bool mr_lanes_poll(struct mr_lanes *lanes, uint32_t *lane, uint64_t *first, uint64_t *next);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
