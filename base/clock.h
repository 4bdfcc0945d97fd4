/*
 * Clocks: the seam that the engine reads time through is <millrace/clock.h>; spans are measured
 * with this.
 */
#ifndef MR_BASE_CLOCK_H
#define MR_BASE_CLOCK_H

#include <millrace/clock.h>

/* Nanoseconds on a clock that never runs backwards, for measuring spans. Any thread. */
uint64_t mr_monotonic_ns(void);

#endif
