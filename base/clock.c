#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t wall_now(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

struct mr_clock mr_clock_wall(void)
{
    return (struct mr_clock){.now = wall_now, .context = NULL};
}

static uint64_t simulated_now(void *context)
{
    const struct mr_simulated_clock *clock = context;
    return mr_atomic_load(&clock->now_ns, relaxed);
}

struct mr_clock mr_clock_simulated(struct mr_simulated_clock *clock)
{
    return (struct mr_clock){.now = simulated_now, .context = clock};
}

void mr_simulated_clock_set(struct mr_simulated_clock *clock, uint64_t now_ns)
{
    mr_atomic_store(&clock->now_ns, now_ns, relaxed);
}

void mr_simulated_clock_advance(struct mr_simulated_clock *clock, uint64_t by_ns)
{
    (void)mr_atomic_fetch_add(&clock->now_ns, by_ns, relaxed);
}

uint64_t mr_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
