/*
 * What becomes of a batch: the part of a processor that is the same for all the forms in which it
 * runs. See <millrace/processor.h>.
 */
#ifndef MR_DISRUPTOR_BATCH_H
#define MR_DISRUPTOR_BATCH_H

#include <millrace/processor.h>

/* What a turn ended with. */
enum mr_turn {
    MR_TURN_DONE,    /* there may be more to do at once */
    MR_TURN_IDLE,    /* nothing is there */
    MR_TURN_PAUSED,  /* a rewind's pause is not over */
    MR_TURN_HELD,    /* there is no room for a dead letter */
    MR_TURN_ENDED,   /* the ring is halted or the consumer alerted */
    MR_TURN_STOPPED, /* for good: the status says why */
};

/* Takes a batch, or goes on with what holds it up. `waits`: in the consumer's way until there is a
 * batch; all else that could be waited for is the caller's to wait for. */
enum mr_turn mr_batch_turn(struct mr_processor *processor, bool waits);

/* Whether the processor is to do nothing now: its ring is halted or its consumer alerted. */
bool mr_batch_has_ended(const struct mr_processor *processor);

/* Nothing is known of the position at which the next batch begins. */
void mr_batch_forget(struct mr_processor *processor, uint64_t first);

#endif
