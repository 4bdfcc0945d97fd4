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

uint64_t mr_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
