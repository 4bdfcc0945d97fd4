/*
 * Where an embedder's threads sleep until something has moved. Whoever moves it looks here once a
 * block or a turn; when nobody sleeps, that costs a fence and a load.
 */
#ifndef MR_ENGINE_WAIT_H
#define MR_ENGINE_WAIT_H

#include "base/limits.h"

#include <millrace/park.h>

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

struct mr_engine_parks {
    alignas(MR_PADDING) struct mr_park room; /* in the input ring */
    alignas(MR_PADDING) struct mr_park durable;
    alignas(MR_PADDING) struct mr_park applied;
    alignas(MR_PADDING) struct mr_park output;
};

/* The first half of mr_park_wake, for a place where not only sleepers wait: not 0 when somebody
 * does. What the caller published before is seen by all who come too late for this look. */
static inline uint32_t mr_park_look(struct mr_park *park)
{
#ifdef MR_THREAD_SANITIZER
    /* Pairs with the read-modify-write in mr_park_prepare: whichever is second sees the first. */
    uint32_t word = mr_atomic_fetch_or(&park->word, 0U, acq_rel);
#else
    /* Pairs with the fence in mr_park_prepare: the caller's store before this load. */
    mr_atomic_fence(seq_cst);
    /* Acquire: what a waiter wrote before it prepared. */
    uint32_t word = mr_atomic_load(&park->word, acquire);
#endif
    return word & MR_PARK_OCCUPIED ? word : 0;
}

/* A flag that is raised once, and seen by everybody who did something before raising was seen by
 * all: whoever raises it sees what was done by those who did not find it raised. */
static inline void mr_flag_raise(MR_ATOMIC(uint32_t) * flag)
{
    /* Acquire and release: pairs with mr_flag_raised. */
    (void)mr_atomic_fetch_or(flag, 1U, acq_rel);
#ifndef MR_THREAD_SANITIZER
    mr_atomic_fence(seq_cst); /* pairs with that in mr_flag_raised */
#endif
}

static inline bool mr_flag_raised(MR_ATOMIC(uint32_t) * flag)
{
#ifdef MR_THREAD_SANITIZER
    return mr_atomic_fetch_or(flag, 0U, acq_rel) != 0; /* it knows no fences */
#else
    mr_atomic_fence(seq_cst); /* the caller's stores before this look */
    return mr_atomic_load(flag, acquire) != 0;
#endif
}

/* A park that is also a result: complete once its word is beyond MR_PARK_OCCUPIED. Completing is
 * the last touch: whoever waited may drop it at once. */
void mr_park_complete(struct mr_park *park);
/* Waits for that, for at most `timeout_ns` (0: for ever); false: the time is over. */
bool mr_park_await(struct mr_park *park, uint64_t timeout_ns);

/* When `timeout_ns` from now will be over, UINT64_MAX: never (0, or very long); and how much is
 * left until then. */
uint64_t mr_deadline_after(uint64_t timeout_ns);
uint64_t mr_time_left(uint64_t deadline_ns);

#endif
