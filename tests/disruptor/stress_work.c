/* The workers of the stress test's pools. */
#include "tests/disruptor/stress.h"

#include <sched.h>

/* Takes a chunk in the worker's way. */
static bool take(const struct handler *handler, struct mr_worker *worker, uint64_t *first,
                 uint64_t *next)
{
    const struct trial *trial = handler->trial;
    if (handler->plan->looking == LOOK_WAITING)
        return mr_worker_wait(worker, first, next);
    enum mr_poll met = mr_worker_take(worker, first, next);
    CHECK(trial, (met == MR_POLL_PROCESSING) == (*next != *first));
    CHECK(trial, met != MR_POLL_GATED || handler->before != 0);
    return met == MR_POLL_PROCESSING;
}

bool stress_work_once(struct handler *handler, struct mr_worker *worker)
{
    const struct trial *trial = handler->trial;
    uint64_t first, next, first_in_hand, next_in_hand;
    /* Something is in hand when the last turn handled a part of a chunk, or when another thread
     * died in the middle of one. */
    if (!mr_worker_in_hand(worker, &first, &next)) {
        if (!take(handler, worker, &first, &next)) {
            if (mr_consumer_alerted(&worker->consumer))
                mr_consumer_alert_clear(&worker->consumer);
            CHECK(trial, !mr_worker_in_hand(worker, &first, &next));
            return false;
        }
        CHECK(trial, mr_worker_in_hand(worker, &first_in_hand, &next_in_hand));
        CHECK(trial, first_in_hand == first && next_in_hand == next);
    }
    CHECK(trial, next - first >= 1 && next - first <= worker->pool->chunk_max);
    CHECK(trial, next - first <= mr_ring_capacity(&trial->ring));
    CHECK(trial, mr_position_ahead(mr_pool_taken(worker->pool), next) >= 0);

    next = stress_handle_batch(handler, first, next);
    if (!handler->dying) {
        /* Counted first: whoever sees it released may look at the counts in the end. */
        stress_count_released(handler, first, next);
        mr_worker_release(worker, next);
    }
    return true;
}

void *stress_work(void *argument)
{
    struct handler *handler = argument;
    for (;;) {
        bool halted = mr_ring_halted(&handler->trial->ring);
        if (halted && handler->plan->leaves_at_halt)
            return NULL;
        bool got = stress_work_once(handler, handler->worker);
        if (handler->dying)
            return stress_die(handler);
        if (halted && !got)
            return NULL;
        if (!got && handler->plan->looking != LOOK_WAITING)
            sched_yield();
    }
}
