/*
 * <millrace/park.h>: a place where threads sleep until something they look for may have come true.
 *
 * One 32-bit futex word. Bit 0 says that somebody sleeps or is about to; the other bits count the
 * wake-ups, so that a sleeper that was overtaken by one does not go to sleep. The sleeper's side:
 *
 *     uint32_t ticket = mr_park_prepare(park);
 *     if (nothing has come)                       // looked at again, after the announcement
 *         mr_park_sleep(park, ticket, 0);         // returns at once if somebody woke since
 *     look again: being woken promises nothing
 *
 * The waker's side: make it true (store, publish), then mr_park_wake(park). No wake-up is lost: if
 * the sleeper's second look misses what was made true, then the waker's look comes after the
 * announcement and finds bit 0. A waker that finds nobody pays a fence and a load; only the first
 * waker after an announcement makes a system call.
 */
#ifndef MILLRACE_PARK_H
#define MILLRACE_PARK_H

#include <millrace/atomic.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* All zero is a valid, empty park. The caller keeps it alive as long as anybody may wake it. */
struct mr_park {
    MR_ATOMIC(uint32_t) word;
};

enum { MR_PARK_OCCUPIED = 1 };

/* Announces that the calling thread is about to sleep, and returns the ticket to sleep with.
 * Whoever does not sleep after all owes nothing: the next waker makes one system call in vain. Any
 * thread; wait-free. */
uint32_t mr_park_prepare(struct mr_park *park);

/* Sleeps until a wake-up that came after mr_park_prepare gave `ticket`, or for `timeout_ns`
 * (0: no limit). May return early for no reason. Any thread; blocking. */
void mr_park_sleep(struct mr_park *park, uint32_t ticket, uint64_t timeout_ns);

/* The slow half of mr_park_wake: wakes every sleeper that prepared before `word` was read. */
void mr_park_wake_sleepers(struct mr_park *park, uint32_t word);

/* Wakes all that sleep here. What the caller wrote before is visible to them. Any thread;
 * lock-free, and wait-free when nobody sleeps. */
static inline void mr_park_wake(struct mr_park *park)
{
#ifdef MR_THREAD_SANITIZER
    /* Pairs with the read-modify-write in mr_park_prepare: whichever is second sees the first. */
    uint32_t word = mr_atomic_fetch_or(&park->word, 0U, acq_rel);
#else
    /* Pairs with the fence in mr_park_prepare: the caller's store before this load. */
    mr_atomic_fence(seq_cst);
    uint32_t word = mr_atomic_load(&park->word, relaxed);
#endif
    if (__builtin_expect((word & MR_PARK_OCCUPIED) != 0, 0))
        mr_park_wake_sleepers(park, word);
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
