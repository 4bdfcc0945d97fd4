/* A turn of an agent, and what it adds to the agent's counters: for runners and composites. */
#ifndef MR_DISRUPTOR_TURN_H
#define MR_DISRUPTOR_TURN_H

#include "disruptor/look.h"

#include <millrace/agent.h>

/* Calls the agent's work once, counts the turn when it is over, and returns what the work did. The
 * thread that writes `counters`. */
static inline int mr_agent_turn(const struct mr_agent *agent, struct mr_agent_counters *counters)
{
    int work = agent->work(agent->context);
    mr_count_up(&counters->turns, 1);
    if (work > 0) {
        mr_count_up(&counters->busy, 1);
        mr_count_up(&counters->work, (uint64_t)work);
        /* Relaxed: this thread reads back what it wrote itself. */
        if ((uint64_t)work > mr_atomic_load(&counters->work_largest, relaxed))
            mr_atomic_store(&counters->work_largest, (uint64_t)work, relaxed);
    }
    return work;
}

#endif
