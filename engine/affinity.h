/*
 * On which CPUs the engine's threads run, and what they are called.
 *
 * A thread that spins on the CPU that serves the disk keeps it from the kernel's work for the disk:
 * a durable write that takes 0.03 ms may then take 4. So where threads spin or yield, a start finds
 * out which CPU that is: it makes a few durable writes to a file without a name, and looks in
 * /proc/interrupts which CPU was interrupted as often. Measuring instead how long the writes take
 * with a spinner on each CPU in turn was tried and is not reliable: what else runs on the machine
 * makes the same difference (docs/BENCHMARKS.md).
 */
#ifndef MR_ENGINE_AFFINITY_H
#define MR_ENGINE_AFFINITY_H

#include <millrace/engine.h>

#include <sched.h>

enum {
    MR_DISK_PROBES = 2, /* from two CPUs, to see whether the interrupts follow the writer */
    MR_AFFINITY_WHY_SIZE = 160,
};

/* What a few durable writes showed that were made by a thread on one CPU. */
struct mr_disk_probe {
    uint32_t from;   /* that CPU */
    uint32_t served; /* the CPU that was interrupted for them */
    bool known;      /* false: they could not be made, or it was not clear */
};

/* What a decision follows from. */
struct mr_affinity_facts {
    cpu_set_t allowed;       /* CPUs that this process may use */
    uint32_t threads;        /* of the engine */
    uint32_t journal_thread; /* which of them has the journal */
    struct mr_disk_probe probes[MR_DISK_PROBES];
    uint32_t probe_count;
};

struct mr_affinity_plan {
    bool apart;                     /* threads are kept apart as `on` says; false: left alone */
    cpu_set_t on[MR_ENGINE_STAGES]; /* where each thread may run */
    char why[MR_AFFINITY_WHY_SIZE]; /* for the log */
};

/* Pure. */
void mr_affinity_decide(const struct mr_affinity_facts *facts, struct mr_affinity_plan *plan);

/* Which CPU was interrupted at least once for two of `writes`, by devices that interrupted so often
 * between two readings of /proc/interrupts? False: none, or several. Pure. */
bool mr_interrupts_served(const char *before, const char *after, uint32_t writes, uint32_t *cpu);

/* Makes the probes, in some 50 ms at most unless the disk stands still; says in the plan what was
 * decided. Never fails: what cannot be found out leaves the threads alone. */
void mr_affinity_find(const char *directory, uint32_t threads, uint32_t journal_thread,
                      struct mr_affinity_plan *plan);

/* For MR_AFFINITY_FIXED: threads that stages share must be given one CPU, and it must be allowed.
 * MR_OK or MR_E_INVALID. */
int mr_affinity_check(const uint32_t cpus[MR_ENGINE_STAGES],
                      const uint32_t thread_of[MR_ENGINE_STAGES], const cpu_set_t *allowed,
                      struct mr_error *error);

/* PREFIX-label, at most 15 bytes; the prefix is cut. NULL: "mr". */
void mr_affinity_name(char name[MR_RUNNER_NAME_SIZE], const char *prefix, const char *label);

#endif
