/*
 * The clock seam: the engine reads time only through this, so that tests and the simulator drive
 * it.
 */
#ifndef MR_BASE_CLOCK_H
#define MR_BASE_CLOCK_H

#include <stdint.h>

/* `now` returns nanoseconds since 1970 (UTC). Called by one thread at a time. */
struct mr_clock {
    uint64_t (*now)(void *context);
    void *context;
};

static inline uint64_t mr_clock_now(const struct mr_clock *clock)
{
    return clock->now(clock->context);
}

/* The machine's wall clock (CLOCK_REALTIME). */
struct mr_clock mr_clock_wall(void);

/* Nanoseconds on a clock that never runs backwards, for measuring spans. Any thread. */
uint64_t mr_monotonic_ns(void);

#endif
