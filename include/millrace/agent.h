/*
 * <millrace/agent.h>: agents, and the runners that give them a thread.
 *
 * An *agent* is a stage that does a bounded batch of work whenever it is called and says how much.
 * A *runner* calls one or several agents round and round in one thread (its duty cycle), and
 * decides what to do when none of them had work. A *topology* says which agents share a runner; an
 * agent never knows. A runner can also be stepped by hand, without a thread: tests and the
 * simulator do that.
 *
 *     mr_runner_init(&runner, &options, agents, 2, &error);
 *     mr_runner_start(&runner, &error);        or   mr_runner_begin(&runner, &error);
 *     ...                                           while (...) mr_runner_step(&runner);
 *     mr_runner_stop(&runner);                      mr_runner_end(&runner);
 *     mr_runner_join(&runner);
 */
#ifndef MILLRACE_AGENT_H
#define MILLRACE_AGENT_H

#include <millrace/atomic.h>
#include <millrace/disruptor.h>
#include <millrace/error.h>
#include <millrace/park.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All three functions are called in the runner's thread (by hand: in the stepping one). The caller
 * keeps the struct and its name alive as long as the runner. */
struct mr_agent {
    const char *name; /* for threads and reports; not NULL */
    /* Does a bounded batch, never waits. Returns how much work it did (any unit), 0: idle, negative
     * (an enum mr_status): it has failed and must not be called again. Not NULL. */
    int (*work)(void *context);
    /* Before the first work; negative: it cannot run, and the runner does not start. NULL: nothing.
     */
    int (*start)(void *context);
    /* After the last work, also after a failed one; only if its start succeeded. NULL: nothing. */
    void (*stop)(void *context);
    void *context;
};

enum {
    MR_RUNNER_AGENTS_MAX = 16,
    MR_TOPOLOGY_AGENTS_MAX = 64,
    MR_RUNNER_NAME_SIZE = 16, /* what Linux gives a thread's name, its end included */
};

/* All zero is valid: named after its agents, parking, on any CPU. */
struct mr_runner_options {
    const char *name; /* the thread's (cut to 15 bytes); NULL: its agents' names joined with '+' */
    /* What to do when no agent has work. SPIN: call again at once. YIELD: offer the core to others
     * in between. PARK: spin, then yield, then sleep until mr_runner_wake or for at most park_ns.
     * Only PARK leaves the core to others, such as the kernel's disk interrupts. */
    enum mr_wait_kind wait;
    uint32_t spins;   /* idle cycles before yielding (YIELD, PARK); 0: MR_RUNNER_SPINS */
    uint32_t yields;  /* idle cycles before sleeping (PARK); 0: MR_RUNNER_YIELDS */
    uint64_t park_ns; /* longest sleep; 0: MR_RUNNER_PARK_NS; MR_RUNNER_PARK_FOREVER: until woken,
                       * which is right only if all that gives its agents work also wakes it */
    bool pin;         /* run on `cpu` alone */
    uint32_t cpu;
};

enum { MR_RUNNER_SPINS = 64, MR_RUNNER_YIELDS = 16, MR_RUNNER_PARK_NS = 50000 };
#define MR_RUNNER_PARK_FOREVER UINT64_MAX

/* Plain and visible, so that mr_runner_wake inlines; written by the functions below only. */
struct mr_runner {
    /* Where its thread sleeps: alone on its lines, those who wake it read it. */
    alignas(MR_RING_PADDING) struct mr_park park;
    bool parks; /* fixed at init: it may sleep, so wakers must look */

    /* The runner's own. */
    alignas(MR_RING_PADDING) const struct mr_agent *agents[MR_RUNNER_AGENTS_MAX];
    uint32_t agent_count;
    uint32_t agents_running; /* started and neither failed nor stopped */
    bool running[MR_RUNNER_AGENTS_MAX];
    struct mr_runner_options options;
    char name[MR_RUNNER_NAME_SIZE];
    pthread_t thread;
    bool joinable;
    struct mr_error *start_error; /* of mr_runner_start, while that waits */

    /* Between the runner and others. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint32_t) stopping;
    MR_ATOMIC(uint32_t) phase;                         /* of starting: see runner.c */
    struct mr_park phase_changed;                      /* where mr_runner_start waits for it */
    MR_ATOMIC(int) status;                             /* the first failure's code, or MR_OK */
    MR_ATOMIC(int) agent_status[MR_RUNNER_AGENTS_MAX]; /* each agent's code, or MR_OK */
};

/* Prepares a runner for `count` agents (1 to MR_RUNNER_AGENTS_MAX), called in this order. The
 * pointers are copied, the agents are not. MR_OK; MR_E_INVALID: no agent, an agent without work or
 * name, an unknown wait; MR_E_LIMIT: too many agents. Nothing is allocated; a runner that was not
 * started is simply dropped. */
int mr_runner_init(struct mr_runner *runner, const struct mr_runner_options *options,
                   const struct mr_agent *const *agents, uint32_t count, struct mr_error *error);

/* -- With a thread. ---------------------------------------------------------------------------- */

/* Starts the thread and returns when every agent has started. On failure no thread is left and the
 * agents that had started are stopped: an agent's own code, MR_E_NO_MEMORY or what the system said
 * about the thread or its CPU. Once a runner. One thread; blocking. */
int mr_runner_start(struct mr_runner *runner, struct mr_error *error);

/* Asks the thread to finish its cycle, stop its agents and end; returns at once. Any thread, also
 * an agent in its work; wait-free but for the wake-up. Does nothing to a runner that has ended. */
void mr_runner_stop(struct mr_runner *runner);

/* Waits for the end of the thread, which comes after mr_runner_stop or when all its agents have
 * failed. Returns mr_runner_status. Does nothing if there is no thread. The thread that called
 * mr_runner_start; blocking. */
int mr_runner_join(struct mr_runner *runner);

/* Tells a runner that there may be work for its agents: call it after publishing to them. No
 * wake-up is lost, and an awake runner costs a fence and a load (nothing at all, if it never
 * parks). What the caller wrote before is visible to the agents. Any thread; wait-free but for the
 * system call if it sleeps. */
static inline void mr_runner_wake(struct mr_runner *runner)
{
    if (runner->parks)
        mr_park_wake(&runner->park);
}

/* -- By hand: the same cycle without a thread; one thread at a time. ----------------------------
 */

/* Starts the agents in their order. On failure stops again those that had started, in reverse, and
 * returns the agent's code. */
int mr_runner_begin(struct mr_runner *runner, struct mr_error *error);

/* Calls each running agent once. The sum of their work (0: all were idle), or -1 if no agent is
 * left. Never waits. */
int64_t mr_runner_step(struct mr_runner *runner);

/* Stops the agents that still run, in reverse order. Returns mr_runner_status. */
int mr_runner_end(struct mr_runner *runner);

/* -- What happened; any thread, at any time after init. ---------------------------------------- */

/* The code of the first agent that failed in its work (or start), else MR_OK. A failed agent is
 * stopped and left out; the others go on. */
int mr_runner_status(const struct mr_runner *runner);

/* The same of agent `index` (in the order given to mr_runner_init). */
int mr_runner_agent_status(const struct mr_runner *runner, uint32_t index);

/* -- Topologies. ------------------------------------------------------------------------------- */

/* Which agents share a thread. */
enum mr_topology {
    MR_TOPOLOGY_TWO,  /* two runners; the caller says which agents go to the second */
    MR_TOPOLOGY_ONE,  /* all agents on one runner */
    MR_TOPOLOGY_EACH, /* a runner for every agent */
};

/* How many runners `agent_count` agents need. Pure. */
uint32_t mr_topology_runner_count(enum mr_topology topology, uint32_t agent_count);

/* The index of the runner that agent `index` belongs to. `second` has bit i set if agent i goes to
 * the second of two runners (looked at for MR_TOPOLOGY_TWO only). Pure. */
uint32_t mr_topology_runner_of(enum mr_topology topology, uint64_t second, uint32_t index);

/* Prepares the runners of a topology: `runners` has room for mr_topology_runner_count of them,
 * which get the agents that mr_topology_runner_of says, in their order. `options` has one element
 * for each runner, or is NULL (all zero). As mr_runner_init; also MR_E_INVALID when a runner would
 * have no agent. On failure the runners are unusable, and nothing needs undoing. */
int mr_topology_init(enum mr_topology topology, uint64_t second, struct mr_runner *runners,
                     const struct mr_runner_options *options, const struct mr_agent *const *agents,
                     uint32_t agent_count, struct mr_error *error);

#ifdef __cplusplus
}
#endif
#endif
