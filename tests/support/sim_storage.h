/*
 * A simulated disk behind the storage seam: everything in memory, from a seed, with power losses
 * and faults on demand. What a crash may leave is told in sim_disk.h.
 *
 *     struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = seed});
 *     struct mr_storage *storage = mr_sim_storage(sim);
 *     ... run the code under test on storage; let go of it at any moment ...
 *     mr_sim_crash(sim, &random);
 *     ... run recovery on the same storage ...
 *     mr_sim_destroy(sim);
 *
 * The queue completes what is in flight in random order, each operation after a random number of
 * reaps. Nothing reads a clock: with one thread, the same seed and the same calls give the same
 * results. The calls may come from several threads (a lock orders them), then order is theirs.
 */
#ifndef MR_TESTS_SUPPORT_SIM_STORAGE_H
#define MR_TESTS_SUPPORT_SIM_STORAGE_H

#include "base/random.h"
#include "tests/support/sim_disk.h"

struct mr_sim;

struct mr_sim_options {
    uint64_t seed;
    uint64_t capacity;       /* of the disk, in bytes; 0: unlimited */
    uint32_t delay_max;      /* reaps that an operation may take beyond the first; 0: none */
    bool completes_in_order; /* in the order of submission rather than at random */
};

struct mr_sim *mr_sim_create(const struct mr_sim_options *options);
/* Also when files are open or the queue is running. */
void mr_sim_destroy(struct mr_sim *sim);

/* The seam. Its destroy closes what is open and leaves the disk, so that the same storage can be
 * opened again: it is a process's end, not the disk's. */
struct mr_storage *mr_sim_storage(struct mr_sim *sim);

/* Crashes. The process is gone: its files are closed, its lock and its queue are free, the faults
 * are lifted, power is back. */

/* The power fails. Of what was not durable, and of writes in flight, any part may survive: a random
 * one, or all, or nothing. */
void mr_sim_crash(struct mr_sim *sim, struct mr_random *random);
/* The same, with each item's survival decided by the caller: for tests that enumerate. */
void mr_sim_crash_choosing(struct mr_sim *sim, const struct sim_choice *choice);
/* The process is killed, the system goes on: nothing is lost, and what is in flight completes. */
void mr_sim_kill(struct mr_sim *sim);

/* -- Faults. ----------------------------------------------------------------------------------- */

enum mr_sim_call {
    MR_SIM_ANY_CALL,
    MR_SIM_ANY_CHANGE, /* any call that alters the disk or makes something durable */
    MR_SIM_OPEN,
    MR_SIM_CREATE, /* an open with MR_OPEN_CREATE */
    MR_SIM_OPEN_DIRECTORY,
    MR_SIM_SIZE,
    MR_SIM_READ,
    MR_SIM_WRITE,
    MR_SIM_SYNC,
    MR_SIM_RENAME,
    MR_SIM_REMOVE,
    MR_SIM_MAKE_DIRECTORY,
    MR_SIM_LIST,
    MR_SIM_SPACE,
    MR_SIM_LOCK,
    MR_SIM_QUEUE_START,
    MR_SIM_QUEUE_WRITE, /* an operation, counted when it is submitted; its result tells */
    MR_SIM_QUEUE_SYNC,
    MR_SIM_QUEUE_FLUSH,
    MR_SIM_QUEUE_REAP,
    MR_SIM_CALLS,
};

enum mr_sim_span {
    MR_SIM_ONCE,
    MR_SIM_FOREVER,
    /* From the n-th call on every call fails and has no effect, and what is in flight stays there
     * until mr_sim_crash. */
    MR_SIM_POWER_CUT,
};

/* The n-th matching call from now on (1: the next) fails. A failing write has written any sectors
 * of its range; a failing sync has synced any, and forgotten the rest. */
struct mr_sim_fault {
    enum mr_sim_call call;
    uint64_t nth;
    int system_error; /* a positive errno value; 0 stands for EIO */
    enum mr_sim_span span;
    bool short_write;      /* a write ends early: the sectors in front are written, no others */
    const char *name_part; /* only for files whose name contains this; NULL: any */
};

enum { MR_SIM_FAULTS_MAX = 8 };

void mr_sim_inject(struct mr_sim *sim, const struct mr_sim_fault *fault);
void mr_sim_clear_faults(struct mr_sim *sim);
/* Power is cut now: as a fault with MR_SIM_POWER_CUT that strikes between two calls. */
void mr_sim_cut_power(struct mr_sim *sim);
/* The disk grows or shrinks; what is on it already stays. 0: unlimited. */
void mr_sim_set_capacity(struct mr_sim *sim, uint64_t capacity);
/* How many calls of this kind there have been; bounds a test that fails each call in turn. */
uint64_t mr_sim_calls(struct mr_sim *sim, enum mr_sim_call call);
/* True once a fault with MR_SIM_POWER_CUT has struck. */
bool mr_sim_power_is_cut(struct mr_sim *sim);

/* -- Looking at the disk, and damaging it. ----------------------------------------------------- */

/* Flips bit 0 to 7 of one byte, in both views. The file must exist and be that long. */
void mr_sim_flip(struct mr_sim *sim, const char *name, uint64_t offset, unsigned bit);
/* The size of a file, UINT64_MAX when there is none. */
uint64_t mr_sim_size(struct mr_sim *sim, enum mr_sim_view view, const char *name);
/* Reads up to `size` bytes; returns how many there were. The file must exist. */
size_t mr_sim_read(struct mr_sim *sim, enum mr_sim_view view, const char *name, uint64_t offset,
                   void *data, size_t size);
/* Another simulated disk that holds one view of this one, nothing of it unsynced, nothing open. */
struct mr_sim *mr_sim_clone(struct mr_sim *sim, enum mr_sim_view view);
/* Do both hold the same names, sizes and bytes in their current view? `difference` (may be NULL)
 * says where not. To prove that a call changed no file: clone, call, compare. */
bool mr_sim_equal(struct mr_sim *a, struct mr_sim *b, char *difference, size_t difference_size);

#endif
