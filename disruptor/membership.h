/* Joining and leaving a ring in a body: what a worker pool needs beyond the public functions. */
#ifndef MR_DISRUPTOR_MEMBERSHIP_H
#define MR_DISRUPTOR_MEMBERSHIP_H

#include <millrace/disruptor.h>

/* The cursor of a worker that has nothing in hand stands so far ahead that it holds nobody up. */
#define MR_CURSOR_IDLE_AHEAD (UINT64_C(1) << 62)

/* Adds `count` consumers in one change, with cursors next to one another in the order given, all
 * with the same options. The first begins as mr_ring_consumer_add says; the cursors of the others
 * stand MR_CURSOR_IDLE_AHEAD of it. As mr_ring_consumer_add. */
int mr_ring_join(struct mr_ring *ring, struct mr_consumer *const *consumers, uint32_t count,
                 const struct mr_consumer_options *options, struct mr_error *error);

/* Takes `count` consumers of one ring out of it in one change. As mr_ring_consumer_remove; those of
 * the body may come after one another. */
int mr_ring_leave(struct mr_consumer *const *consumers, uint32_t count, struct mr_error *error);

/* The slowest of a set of cursors, which is not empty. */
uint64_t mr_ring_slowest_of(const struct mr_ring *ring, uint64_t set);

#endif
