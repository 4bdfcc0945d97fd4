/*
 * What all subjects of bench_disruptor have in common: the messages, the threads and their cores,
 * the clock, and how a thread passes the time. Rings, queues and limits differ in nothing else.
 */
#ifndef MR_BENCH_DISRUPTOR_FRAME_H
#define MR_BENCH_DISRUPTOR_FRAME_H

#include "bench/harness.h"

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -- The messages. ----------------------------------------------------------------------------- */

enum {
    FRAME_SLOTS = 65536,      /* of every ring and queue of 8-byte messages */
    FRAME_LINE_SLOTS = 16384, /* of those of 64-byte messages: 1 MiB stays in a core's own cache */
    FRAME_BATCH = 32,         /* messages that are handed over at once in 1p1c-8-batch */
    FRAME_ROUND = 1024,       /* messages that an agent of a graph handles before the next's turn */
    FRAME_WORDS = 8,
};

/* Message i of 64 bytes; that of 8 bytes is the number itself. */
struct frame_line {
    uint64_t words[FRAME_WORDS];
} __attribute__((aligned(64)));

static inline void frame_line_write(struct frame_line *line, uint64_t i)
{
    for (unsigned k = 0; k < FRAME_WORDS; k++)
        line->words[k] = i + k;
}

/* 0 if the line is message i in all its words. */
static inline uint64_t frame_line_wrong(const struct frame_line *line, uint64_t i)
{
    uint64_t wrong = 0;
    for (unsigned k = 0; k < FRAME_WORDS; k++)
        wrong |= line->words[k] ^ (i + k);
    return wrong;
}

enum { FRAME_PRODUCERS = 3 };

/* Message i of a producer among several. */
static inline uint64_t frame_shared_message(uint64_t producer, uint64_t i)
{
    return producer << 56 | i;
}

/* What must come next of each producer, and whether anything else ever came. */
struct frame_shared_check {
    uint64_t next[FRAME_PRODUCERS + 1];
    uint64_t wrong;
};

static inline void frame_shared_take(struct frame_shared_check *check, uint64_t message)
{
    uint64_t producer = message >> 56;
    if (producer > FRAME_PRODUCERS)
        producer = FRAME_PRODUCERS;
    check->wrong |= message ^ frame_shared_message(producer, check->next[producer]++);
}

/* -- Threads. ---------------------------------------------------------------------------------- */

enum { FRAME_ROLES_MAX = 8 };

/* What one thread does: `run` deals with so many messages, and says whether all were in order. */
struct frame_role {
    unsigned cpu;
    bool (*run)(void *context, uint64_t messages);
    void *context;
    uint64_t messages;
};

/* Starts every role in a thread of its own on its core, all at once, and waits for their ends. The
 * time from the first start to the last end in ns, or BENCH_FAILED, or BENCH_SKIPPED on less than
 * two cores. */
double frame_run(const struct frame_role *roles, size_t count);

/* Three producers with a third of the messages each and one consumer of all, two of them on either
 * core: producers on 0, 1 and 0, the consumer on 1. As frame_run. */
double frame_run_shared(bool (*produce)(void *context, uint64_t messages),
                        bool (*consume)(void *context, uint64_t messages), void *context,
                        uint64_t messages);

/* Memory of at least `size` bytes, all zero, already backed by pages, huge ones where the system
 * has them to give. Ends the process if there is none. Freed with free(). */
void *frame_memory(size_t size);

/* Tells the core that this is a wait loop. */
static inline void frame_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* How long a thread with a core of its own pauses before it looks again. A queue is best left alone
 * for some microseconds, so that messages or room can gather: these are the best numbers, or nearly
 * so, for every peer, and many times better than none. */
enum {
    FRAME_PAUSES_FULL = 64,
    FRAME_PAUSES_EMPTY = 256,
    FRAME_GATHER = 256, /* a round of a graph's agents that handled less is followed by a pause */
};

static inline void frame_pause(unsigned turns)
{
    while (turns-- > 0)
        frame_relax();
}

/* A turn of waiting where threads share cores: a little spinning, then whoever else is here. */
static inline void frame_wait_politely(unsigned *turns)
{
    enum { SPINS = 64 };
    if (++*turns < SPINS)
        frame_relax();
    else
        sched_yield();
}

/* -- Subjects. --------------------------------------------------------------------------------- */

/* One subject in one row: measured over so many messages (a fraction of them with --quick), as ns a
 * message, or one of enum bench's negative figures. */
struct frame_subject {
    const char *row;
    const char *subject;
    uint64_t messages;
    double (*measure)(uint64_t messages);
};

/* Registers them with the harness. */
void frame_add(const struct frame_subject *added, size_t count);

#ifdef __cplusplus
}
#endif
#endif
