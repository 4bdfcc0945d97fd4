/*
 * Futures on their way. A call leaves a pointer beside its slot of the input ring; the sequencer
 * takes it along into a queue, in sequence order, which apply empties as it answers. Apply compares
 * each answer's sequence with that of one future, the next: commands without one cost a comparison.
 *
 *     accepted[position]  ---- sequencer ---->  sequenced[0, 1, ...]  ---- apply ----> complete
 *
 * When apply will answer no more, whoever finds futures in either place completes them. All take
 * them out by an exchange, so that each is completed once.
 */
#ifndef MR_ENGINE_FUTURES_H
#define MR_ENGINE_FUTURES_H

#include "engine/wait.h"

#include <millrace/engine.h>

struct mr_future_seat {
    uint64_t sequence;
    MR_ATOMIC(struct mr_future *) future; /* NULL: taken */
};

#define MR_NO_FUTURE UINT64_MAX

struct mr_futures {
    /* Fixed at open. */
    MR_ATOMIC(struct mr_future *) * accepted; /* one for each slot of the input ring */
    struct mr_future_seat *sequenced;
    uint64_t mask; /* of `sequenced` */

    alignas(MR_PADDING) MR_ATOMIC(uint64_t) pushed; /* the sequencer's */
    uint64_t known_taken;                           /* the sequencer's look at `taken` */
    alignas(MR_PADDING) MR_ATOMIC(uint64_t) taken;  /* apply's */
    uint64_t next_sequence; /* apply's: of the next future; MR_NO_FUTURE: none is known */

    alignas(MR_PADDING) MR_ATOMIC(uint32_t) over; /* apply answers no more */
    MR_ATOMIC(uint32_t) sweeping; /* 0, or how many have asked that what is left be completed */
};

/* Producer: leaves it beside the slot at `position`, which is claimed and not published. */
void mr_futures_accept(struct mr_engine *engine, uint64_t position, struct mr_future *future);

/* Sequencer: whether `count` futures have room now; takes that of the input ring's `position` along
 * under `sequence`. Before the block is published. */
bool mr_futures_room(struct mr_futures *futures, uint32_t count);
void mr_futures_push(struct mr_engine *engine, uint64_t position, uint64_t sequence);

/* Apply: looks which future is next; completes it, with the answer to its command. */
void mr_futures_look(struct mr_futures *futures);
void mr_futures_answer(struct mr_futures *futures, const struct mr_answer *answer);

/* Whoever has put futures somewhere: has apply ended meanwhile, they are completed. Once a block or
 * a call. */
void mr_futures_settle(struct mr_engine *engine);
/* Apply has ended: completes all that is left, wherever, or leaves that to somebody who is just
 * doing it. Again does no harm. */
void mr_futures_end(struct mr_engine *engine);
/* Waits until nobody is at it. Not in a callback. */
void mr_futures_await_end(struct mr_engine *engine);

#endif
