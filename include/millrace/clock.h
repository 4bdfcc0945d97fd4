/*
 * <millrace/clock.h>: where an engine's time comes from, so that tests and simulators drive it.
 */
#ifndef MILLRACE_CLOCK_H
#define MILLRACE_CLOCK_H

#include <millrace/atomic.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* `now` returns nanoseconds since 1970 (UTC). Called by one thread at a time; it may run backwards,
 * the times of commands never do. */
struct mr_clock {
    uint64_t (*now)(void *context);
    void *context;
};

/* What the clock says. As its `now`. */
static inline uint64_t mr_clock_now(const struct mr_clock *clock)
{
    return clock->now(clock->context);
}

/* The machine's wall clock (CLOCK_REALTIME). */
struct mr_clock mr_clock_wall(void);

/* A clock that stands still until it is told otherwise: years pass in seconds.
 *
 *     struct mr_simulated_clock clock = {.now_ns = ...};
 *     options.clock_kind = MR_CLOCK_SIMULATED;
 *     options.clock = ...                       mr_clock_simulated(&clock), kept by the caller
 *     mr_simulated_clock_advance(&clock, 86400 * UINT64_C(1000000000));
 *
 * When the engine is idle, what is due by the new time fires on its own: the sequencer sends a
 * TICK. mr_engine_next_timer says how far one can advance without skipping anything. Any thread. */
struct mr_simulated_clock {
    MR_ATOMIC(uint64_t) now_ns;
};
struct mr_clock mr_clock_simulated(struct mr_simulated_clock *clock);
void mr_simulated_clock_set(struct mr_simulated_clock *clock, uint64_t now_ns);
void mr_simulated_clock_advance(struct mr_simulated_clock *clock, uint64_t by_ns);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
