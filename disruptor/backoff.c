#include "disruptor/backoff.h"

#include <sched.h>

void mr_backoff_pause(struct mr_backoff *backoff)
{
    bool spin = backoff->kind == MR_WAIT_SPIN || backoff->turns < backoff->spins;
    bool yield =
        backoff->kind == MR_WAIT_YIELD || backoff->turns - backoff->spins < backoff->yields;

    if (spin) {
        backoff->turns++;
        mr_relax();
    } else if (yield) {
        backoff->turns++;
        sched_yield();
    } else if (!backoff->prepared) {
        backoff->ticket = mr_park_prepare(backoff->park);
        backoff->prepared = true;
    } else {
        /* Turns stay: if it was for nothing, sleep again without another round of spinning. */
        mr_park_sleep(backoff->park, backoff->ticket, backoff->park_ns);
        backoff->prepared = false;
    }
}
