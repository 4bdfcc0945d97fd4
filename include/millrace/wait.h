/*
 * <millrace/wait.h>: how a thread passes the time while what it waits for has not come. Producers,
 * consumers and runners each choose their own.
 *
 *     kind   | takes a core | answers in    | for
 *     -------|--------------|---------------|----------------------------------------------------
 *     PARK   | hardly       | a wake-up     | everything, unless you know better: spins a little,
 *            |              | (some us)     | yields a little, then sleeps until it is woken
 *     SLEEP  | little       | sleep_ns      | what may be late, and whoever must not be woken by a
 *            |              |               | system call: spins, yields, then naps and looks again
 *     YIELD  | what is left | some us       | more threads than cores, none of which may sleep
 *     SPIN   | whole        | a line's trip | threads with cores of their own
 */
#ifndef MILLRACE_WAIT_H
#define MILLRACE_WAIT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum mr_wait_kind {
    MR_WAIT_PARK,  /* spins a little, yields a little, then sleeps until it is woken */
    MR_WAIT_YIELD, /* spins a little, then offers the core to others at every turn */
    MR_WAIT_SPIN,  /* never gives up its core: for threads with cores of their own */
    MR_WAIT_SLEEP, /* spins a little, yields a little, then naps; nobody needs to wake it */
};

enum { MR_WAIT_SPINS = 64, MR_WAIT_YIELDS = 16, MR_WAIT_SLEEP_NS = 50000 };
#define MR_WAIT_FOREVER UINT64_MAX

/* All zero is a good choice: parks, with the usual numbers, without a time limit. */
struct mr_wait {
    enum mr_wait_kind kind;
    uint32_t spins;    /* turns before the first yield (all but SPIN); 0: MR_WAIT_SPINS */
    uint32_t yields;   /* turns after that, before the first sleep (PARK, SLEEP); 0: MR_WAIT_YIELDS
                        */
    uint64_t sleep_ns; /* SLEEP: each nap. PARK: the longest sleep without a wake-up, or
                        * MR_WAIT_FOREVER. 0: SLEEP MR_WAIT_SLEEP_NS, PARK what its user says */
    uint64_t timeout_ns; /* the whole wait ends after this, successful or not; 0: no limit */
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
