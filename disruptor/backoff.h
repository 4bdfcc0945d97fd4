/*
 * How a thread passes the time while what it waits for has not come (<millrace/wait.h>): it spins,
 * then yields its core, then sleeps. One object a wait; the loop around it looks, and pauses when
 * it saw nothing.
 */
#ifndef MR_DISRUPTOR_BACKOFF_H
#define MR_DISRUPTOR_BACKOFF_H

#include <millrace/park.h>
#include <millrace/wait.h>

#include <stdbool.h>

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
    struct mr_wait wait;  /* with its numbers filled in */
    struct mr_park *park; /* where to sleep (PARK) */
    uint64_t deadline_ns; /* UINT64_MAX: none */
    uint32_t turns;
    uint32_t ticket;
    uint32_t sleeps; /* how often it slept, for counters */
    bool prepared;
};

/* Whether `wait` names a kind that there is. */
bool mr_wait_is_valid(const struct mr_wait *wait);

/* A wait that begins now. `park` may be NULL: then nobody wakes, and what would park naps instead.
 * A parked thread sleeps for wait->sleep_ns at most, or without limit if that is 0. */
struct mr_backoff mr_backoff_begin(const struct mr_wait *wait, struct mr_park *park);

/* Something has come: begin anew with spinning. */
static inline void mr_backoff_reset(struct mr_backoff *backoff)
{
    backoff->turns = 0;
    backoff->prepared = false;
}

/* Passes one turn of waiting. The caller looks again after each: the turn before a sleep only
 * announces it, so that the look in between closes the race with the waker. False: the time limit
 * of the wait is over (the caller looks a last time). */
bool mr_backoff_pause(struct mr_backoff *backoff);

#endif
