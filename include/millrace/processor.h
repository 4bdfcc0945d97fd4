/*
 * <millrace/processor.h>: calls a handler for every position of a ring, in batches, and deals with
 * its failures so that nothing is silently lost.
 *
 *     static int print(void *context, const struct mr_delivery *delivery) {...; return MR_OK; }
 *
 *     struct mr_processor_options options = {.consumer = &consumer, .handler = {.handle = print}};
 *     mr_processor_init(&processor, &options, &error);
 *     mr_processor_run(&processor);            in a thread of yours, until the ring is halted
 *     or: mr_processor_agent(&processor)       as an agent of a runner (<millrace/agent.h>)
 *
 * What a handler returns:
 *     MR_OK      it is handled
 *     MR_AGAIN   not now (a *rewind*): the batch, from its first position that is not released, is
 *                handled again later, after a pause that grows; see mr_rewind_policy
 *     negative   it failed (an enum mr_status): the failure policy decides
 *
 * What is released, and when. All of a batch at its end; or the part of it that was handled, when
 * the ring is halted, the consumer alerted, or a position fails for good. So the consumer's
 * position always says what was handled, and another processor on the same consumer (or worker)
 * goes on exactly there. Until its release a position may be handled several times, by rewinds:
 * what a handler gathers in a batch it writes out in `flush`, which comes before every release and
 * may ask for a rewind itself.
 *
 *     a position that fails for good    with MR_FAILURE_STOP     with MR_FAILURE_SKIP
 *     ----------------------------------|------------------------|-----------------------------
 *     those before it in its batch      | released               | released
 *     itself                            | not released           | dead letter, then released
 *     the processor                     | ends with its status   | goes on behind it
 *
 * While the dead-letter ring is full the processor holds: it calls nothing, releases nothing, and
 * looks again. A dead letter is published before its position is released; only the end of the
 * process between the two could record it twice.
 *
 * Cost. For each position one indirect call, and a look at the two flags that could end it; all
 * else is once a batch. A clock is read only when there is a pause.
 *
 * LMAX's library has the same in BatchEventProcessor, BatchRewindStrategy and ExceptionHandler; the
 * dead letters and the release of a part are ours.
 */
#ifndef MILLRACE_PROCESSOR_H
#define MILLRACE_PROCESSOR_H

#include <millrace/agent.h>
#include <millrace/disruptor.h>
#include <millrace/pool.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What a handler is called for. */
struct mr_delivery {
    void *slot;
    uint64_t position;
    uint64_t batch_left; /* positions of this batch that come after this one; 0: the last one. A
                          * batch may still be cut short before: see `flush` */
    uint64_t attempt;    /* 0: this processor's first call for this position; else how often the
                          * batch was begun before, plus the retries of this position so far */
};

enum mr_failure_action {
    MR_FAILURE_STOP, /* the processor ends before the position that failed: nothing is skipped */
    MR_FAILURE_SKIP, /* the position becomes a dead letter, and the next one is handled */
};

/* The functions of a user. Only `handle` must be there (NULL: nothing happens); all are called in
 * the processor's thread. */
struct mr_handler {
    int (*handle)(void *context, const struct mr_delivery *delivery);

    /* A batch begins, for the first time or after a rewind (then forget what was gathered): its
     * size, and how many positions the producers have claimed beyond it. */
    void (*batch)(void *context, uint64_t size, uint64_t backlog);

    /* [first, next) is handled and about to be released: write out what was gathered. MR_OK;
     * MR_AGAIN: a rewind, nothing is released; negative: the processor ends with this status,
     * whatever the policy, and nothing from `first` on is released. */
    int (*flush)(void *context, uint64_t first, uint64_t next);

    /* The position failed, its retries too, and those before it are released: which action? NULL:
     * the policy's. */
    enum mr_failure_action (*failed)(void *context, const struct mr_delivery *delivery, int status);

    /* A wait was ended by the consumer's time limit; `position` is the next to come.
     * (mr_processor_run only.) */
    void (*timeout)(void *context, uint64_t position);

    int (*start)(void *context); /* before the first batch; negative: do not begin */
    void (*stop)(void *context); /* after the last batch, if `start` succeeded */
    void *context;
};

/* What follows a handler's failure. All zero: the processor stops at once. */
struct mr_failure_policy {
    uint32_t retries; /* calls of the handler again, at once, before the action; counted for each
                       * position by itself, and anew after a rewind */
    enum mr_failure_action action; /* when these have failed, too */
    /* Where dead letters go: another ring, whose slots hold mr_dead_letter_size bytes and are a
     * multiple of 8 bytes long. With several writers it must have MR_PRODUCER_MULTI. If it is
     * halted while it is full, the processor ends with MR_E_HALTED instead of waiting for room.
     * Must be there for SKIP; NULL if nothing is ever skipped. */
    struct mr_ring *dead_letters;
};

/* How often, and after what pause, a batch is handled again. Counted from the last release: what
 * goes on, however slowly, is never given up. All zero: at once, and without limit. */
struct mr_rewind_policy {
    uint32_t rewinds_max;  /* then MR_AGAIN is a failure with status MR_E_LIMIT. 0: no limit */
    uint64_t pause_ns;     /* before the first rewind; doubles with each up to pause_ns_max */
    uint64_t pause_ns_max; /* 0: pause_ns */
};

struct mr_processor_options {
    struct mr_consumer *consumer; /* whose positions it handles; exactly one of this and worker */
    struct mr_worker *worker;     /* or: handles the chunks of a worker pool */
    struct mr_handler handler;
    struct mr_failure_policy failure;
    struct mr_rewind_policy rewind;
    const char *name; /* of its agent; NULL: "processor" */
};

/* Written by the processor's thread alone; any thread may read it at any time (with
 * mr_atomic_load(..., relaxed)), each value by itself. */
struct mr_processor_counters {
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) handled; /* positions released, dead letters too */
    MR_ATOMIC(uint64_t) batches;                          /* begun, also anew */
    MR_ATOMIC(uint64_t) failures;     /* of the handler, also MR_AGAIN beyond rewinds_max */
    MR_ATOMIC(uint64_t) retries;      /* calls again at once */
    MR_ATOMIC(uint64_t) rewinds;      /* batches to be handled again later */
    MR_ATOMIC(uint64_t) dead_letters; /* recorded */
    MR_ATOMIC(uint64_t) held;         /* turns in which the dead-letter ring was full */
};

/* Plain and visible; written by the functions below only. It stays where it is: its agent points to
 * it. */
struct mr_processor {
    struct mr_processor_options options;
    struct mr_agent agent;
    struct mr_consumer *consumer; /* the worker's, if it has one */

    /* The batch in hand: [first, at) is handled and not released, [at, next) comes now. */
    uint64_t first;
    uint64_t at;
    uint64_t next;

    /* Since the last release. What they say holds as long as a batch begins at `first`. */
    uint64_t reached;  /* the handler was called for all below this */
    uint64_t begun;    /* how often a batch was begun at `first`, the one in hand included */
    uint64_t pause_ns; /* before the next rewind */
    uint32_t rewinds;

    uint64_t attempt; /* of the handler's last call */
    uint32_t retries; /* of the position `at`, since this batch was begun */
    int letter;       /* the status of a dead letter that waits for room; MR_OK: there is none */
    uint64_t letter_calls; /* of the handler, for that letter's position */
    uint64_t resume_ns;    /* no batch is begun before this time (mr_monotonic_ns); 0: now */
    uint64_t work;         /* what this turn did */
    int status;            /* MR_OK, or why the processor stopped */

    struct mr_processor_counters counters;
};

/* Prepares a processor; the options are copied, what they point to is not. MR_OK; MR_E_INVALID: no
 * handler, not exactly one of consumer and worker, a consumer that is in no ring, an unknown
 * action, SKIP without a ring for dead letters, or one whose slots are too small or no multiple of
 * 8 bytes, or the same ring, or a longest pause below the first. Nothing is allocated; an unused
 * processor is simply dropped. A consumer has one processor at a time; a new one goes on where the
 * last one ended. One thread. */
int mr_processor_init(struct mr_processor *processor, const struct mr_processor_options *options,
                      struct mr_error *error);

/* One turn, without waiting and without start and stop: takes a batch, or goes on with the one in
 * hand. Returns how much it did (calls of the handler and dead letters recorded), 0: nothing to do
 * now (nothing there, a rewind's pause, no room for a dead letter, or the ring is halted or the
 * consumer alerted), negative: it has stopped with this status, and returns it from now on. The
 * processor's thread; as many steps as the batch has positions and these have retries. */
int mr_processor_work(struct mr_processor *processor);

/* Calls start, works and waits in the way of its consumer (for room for a dead letter it naps
 * instead of parking), and calls stop. It ends between two positions:
 *     MR_OK     the ring is halted or the consumer alerted
 *     MR_AGAIN  the same, while a dead letter waited for room: its position is not released, and
 *               the handler will be called for it again
 *     negative  why it stopped, or what start returned
 * After an alert that was cleared it may be run again. Once it has stopped, it only returns the
 * same status again, and calls nothing; a new mr_processor_init begins where it ended. A halt does
 * not wait for what is published: to handle everything first, use mr_ring_drain before
 * mr_ring_halt. The processor's thread; blocking. */
int mr_processor_run(struct mr_processor *processor);

/* The processor as an agent, for a runner; lives as long as the processor. While the ring is halted
 * or the consumer alerted it is idle; when it stops, it fails with that status. Nobody wakes the
 * runner at the end of a rewind's pause or when there is room for a dead letter: it must not park
 * without a limit (MR_WAIT_FOREVER). */
const struct mr_agent *mr_processor_agent(const struct mr_processor *processor);

/* -- Dead letters. ----------------------------------------------------------------------------- */

/* The begin of a dead letter; the bytes of the slot follow it, aligned to 8. */
struct mr_dead_letter {
    uint64_t position;  /* where it was */
    const void *source; /* the struct mr_ring that it comes from */
    uint64_t calls;     /* of the handler for it: the attempt of the last, plus 1 */
    int32_t status;     /* what the handler returned in the end */
    uint32_t length;    /* bytes that follow: the slot's, in the latency layout with its filling */
};

/* Bytes of a slot that holds a dead letter from this ring; a multiple of 8. Any thread. */
size_t mr_dead_letter_size(const struct mr_ring *ring);

/* The bytes of the slot: a copy. */
static inline const void *mr_dead_letter_content(const struct mr_dead_letter *letter)
{
    return letter + 1;
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
