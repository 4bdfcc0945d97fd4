/*
 * The stress test's storms: one thread does all the work, as the producer and as every founder in
 * turn (but perhaps a pool's workers), while guests come and go as fast as they can. With nobody to
 * wait for, a position takes the ring round in less time than a guest needs to join, on a ring of
 * one slot or a few: so the producer's looks and its laps fall between any two steps of joining and
 * leaving.
 */
#include "tests/disruptor/stress.h"

#include <sched.h>

/* Most founders and workers have their turn; some stay behind. */
static bool consume_all(struct producer *producer)
{
    struct trial *trial = producer->trial;
    const struct plan *plan = &trial->plan;
    uint64_t turns = mr_random_u64(&producer->random);
    turns |= mr_random_u64(&producer->random);
    bool got = false;
    for (uint32_t c = 0; c < plan->founder_count; c++)
        if (c != plan->pool_column && (turns >> c & 1) != 0)
            got |= stress_consume_once(&trial->handlers[c]);
    for (uint32_t w = 0; plan->works && w < plan->worker_count; w++)
        if ((turns >> (FIRST_WORKER + w) & 1) != 0)
            got |= stress_work_once(&trial->handlers[FIRST_WORKER + w], &trial->workers[w]);
    return got;
}

void *stress_mill(void *argument)
{
    struct producer *producer = argument;
    struct trial *trial = producer->trial;
    producer->own = mr_producer_of(&trial->ring, &producer->plan->wait);
    while (producer->sent < trial->plan.messages) {
        bool sent = stress_produce_once(producer);
        if (!consume_all(producer) && !sent) {
            if (mr_ring_halted(&trial->ring))
                break;
            sched_yield();
        }
    }
    /* Release: pairs with the coordinator's acquire. */
    mr_atomic_fetch_add(&trial->producing, UINT32_MAX, release);
    while (!mr_ring_halted(&trial->ring))
        if (!consume_all(producer))
            sched_yield();
    return NULL;
}
