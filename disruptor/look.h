/* How a consumer looks for what it may handle, without regard to what it has released: shared by
 * consumers and the workers of a pool. */
#ifndef MR_DISRUPTOR_LOOK_H
#define MR_DISRUPTOR_LOOK_H

#include <millrace/disruptor.h>

/* Moves consumer->available on by what is there, at most `limit`, counts what it found, and returns
 * it. */
uint64_t mr_consumer_look_within(struct mr_consumer *consumer, uint64_t limit);

/* What a consumer that may not handle `position` yet waits for. */
enum mr_poll mr_consumer_idle_poll(const struct mr_consumer *consumer, uint64_t position);

/* Adds to a counter that has one writer: no read-modify-write is needed, only stores that do not
 * tear. */
static inline void mr_count_up(MR_ATOMIC(uint64_t) * counter, uint64_t by)
{
    mr_atomic_store(counter, mr_atomic_load(counter, relaxed) + by, relaxed);
}

#endif
