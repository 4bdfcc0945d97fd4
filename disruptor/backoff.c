#include "disruptor/backoff.h"
#include "base/clock.h"

#include <sched.h>
#include <stddef.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

/* A wait that only spins looks at the clock every so many turns: that costs as much as a turn. */
enum { TURNS_PER_CLOCK = 64 };

bool mr_wait_is_valid(const struct mr_wait *wait)
{
    return wait->kind == MR_WAIT_PARK || wait->kind == MR_WAIT_YIELD ||
           wait->kind == MR_WAIT_SPIN || wait->kind == MR_WAIT_SLEEP;
}

static uint64_t deadline_after(uint64_t timeout_ns)
{
    uint64_t deadline;
    if (timeout_ns == 0 || __builtin_add_overflow(mr_monotonic_ns(), timeout_ns, &deadline))
        return UINT64_MAX;
    return deadline;
}

struct mr_backoff mr_backoff_begin(const struct mr_wait *wait, struct mr_park *park)
{
    struct mr_backoff backoff = {.wait = *wait, .park = park};
    if (park == NULL && wait->kind == MR_WAIT_PARK) {
        /* Its longest sleep counted on a wake-up. */
        backoff.wait.kind = MR_WAIT_SLEEP;
        if (wait->sleep_ns > MR_WAIT_SLEEP_NS)
            backoff.wait.sleep_ns = MR_WAIT_SLEEP_NS;
    }
    if (wait->spins == 0)
        backoff.wait.spins = MR_WAIT_SPINS;
    if (wait->yields == 0)
        backoff.wait.yields = MR_WAIT_YIELDS;
    /* A nap needs an end. */
    if (backoff.wait.kind == MR_WAIT_SLEEP &&
        (wait->sleep_ns == 0 || wait->sleep_ns == MR_WAIT_FOREVER))
        backoff.wait.sleep_ns = MR_WAIT_SLEEP_NS;
    if (backoff.wait.kind == MR_WAIT_PARK && wait->sleep_ns == 0)
        backoff.wait.sleep_ns = MR_WAIT_FOREVER;
    backoff.deadline_ns = deadline_after(wait->timeout_ns);
    return backoff;
}

/* Sleeps or parks once, but not beyond the deadline. */
static void sleep_once(struct mr_backoff *backoff, uint64_t left_ns)
{
    uint64_t ns = backoff->wait.sleep_ns < left_ns ? backoff->wait.sleep_ns : left_ns;
    backoff->sleeps++;
    if (backoff->wait.kind == MR_WAIT_PARK) {
        mr_park_sleep(backoff->park, backoff->ticket, ns == MR_WAIT_FOREVER ? 0 : ns);
        backoff->prepared = false;
        return;
    }
    struct timespec nap = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
    /* A signal may cut it short; the caller looks again in any case. */
    clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
}

/* What is left until the deadline, UINT64_MAX without one. */
static uint64_t time_left(const struct mr_backoff *backoff)
{
    if (backoff->deadline_ns == UINT64_MAX)
        return UINT64_MAX;
    uint64_t now = mr_monotonic_ns();
    return now < backoff->deadline_ns ? backoff->deadline_ns - now : 0;
}

bool mr_backoff_pause(struct mr_backoff *backoff)
{
    const struct mr_wait *wait = &backoff->wait;
    uint32_t turn = backoff->turns;
    if (wait->kind == MR_WAIT_SPIN || turn < wait->spins) {
        backoff->turns++;
        mr_relax();
        return turn % TURNS_PER_CLOCK != TURNS_PER_CLOCK - 1 || time_left(backoff) > 0;
    }
    uint64_t left_ns = time_left(backoff);
    if (left_ns == 0)
        return false;
    if (wait->kind == MR_WAIT_YIELD || turn - wait->spins < wait->yields) {
        backoff->turns++;
        sched_yield();
    } else if (wait->kind == MR_WAIT_PARK && !backoff->prepared) {
        backoff->ticket = mr_park_prepare(backoff->park);
        backoff->prepared = true;
    } else {
        /* Turns stay: if it was for nothing, sleep again without another round of spinning. */
        sleep_once(backoff, left_ns);
    }
    return true;
}
