/*
 * How a thread passes the time while what it waits for has not come: it spins, then yields its
 * core, then sleeps. One object a wait; the loop around it looks, and pauses when it saw nothing.
 */
#ifndef MR_DISRUPTOR_BACKOFF_H
#define MR_DISRUPTOR_BACKOFF_H

#include <millrace/disruptor.h>

enum {
    /* Spin for about as long as a wake-up would cost. */
    MR_BACKOFF_SPINS = 64,
    MR_BACKOFF_YIELDS = 16,
};

/* Tells the core that this is a wait loop, and takes 10 to 40 ns on current x86. */
static inline void mr_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

struct mr_backoff {
    enum mr_wait_kind kind;
    uint32_t spins;       /* turns before the first yield */
    uint32_t yields;      /* turns after that and before the first sleep */
    uint64_t park_ns;     /* longest sleep; 0: no limit */
    struct mr_park *park; /* where to sleep */

    uint32_t turns;
    uint32_t ticket;
    bool prepared;
};

/* The backoff of a wait of `kind` with the usual numbers. */
static inline struct mr_backoff mr_backoff_of(enum mr_wait_kind kind, struct mr_park *park)
{
    return (struct mr_backoff){
        .kind = kind, .spins = MR_BACKOFF_SPINS, .yields = MR_BACKOFF_YIELDS, .park = park};
}

/* Something has come: begin anew with spinning. */
static inline void mr_backoff_reset(struct mr_backoff *backoff)
{
    backoff->turns = 0;
    backoff->prepared = false;
}

/* Passes one turn of waiting. The caller looks again after each: the turn before a sleep only
 * announces it, so that the look in between closes the race with the waker. */
void mr_backoff_pause(struct mr_backoff *backoff);

#endif
