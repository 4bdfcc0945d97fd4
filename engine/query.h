/*
 * Queries waiting for the apply stage: seats that askers take, and apply looks through when
 * somebody has asked.
 */
#ifndef MR_ENGINE_QUERY_H
#define MR_ENGINE_QUERY_H

#include "engine/wait.h"

#include <millrace/engine.h>

struct mr_queries {
    /* Fixed at open. */
    MR_ATOMIC(struct mr_query_call *) * seats;
    uint32_t mask;

    alignas(MR_PADDING) MR_ATOMIC(uint32_t) hint;  /* where the next asker looks first */
    alignas(MR_PADDING) MR_ATOMIC(uint32_t) asked; /* counts */
    MR_ATOMIC(uint32_t) over;                      /* apply answers no more */

    /* Apply's. */
    alignas(MR_PADDING) uint32_t seen; /* of `asked` */
    uint32_t next;                     /* the seat where it goes on */
    bool waiting; /* somebody in a seat that was looked at could not be answered */
};

/* Apply: answers a few, between two commands. Returns how many. */
int mr_queries_answer_some(struct mr_engine *engine);
/* Apply has ended: completes all that is left. Again does no harm. */
void mr_queries_end(struct mr_engine *engine);

#endif
