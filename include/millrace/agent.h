/*
 * <millrace/agent.h>: agents, and the runners that give them a thread.
 *
 * An *agent* is a stage that does a bounded batch of work whenever it is called and says how much.
 * A *runner* calls one or several agents round and round in one thread (its duty cycle), and
 * decides what to do when none of them had work. A *topology* says which agents share a runner; an
 * agent never knows. A runner can also be stepped by hand, without a thread: tests and the
 * simulator do that. A *composite* is an agent made of agents.
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
#include <millrace/disruptor.h> /* MR_RING_PADDING */
#include <millrace/error.h>
#include <millrace/park.h>
#include <millrace/wait.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* All three functions are called in the runner's thread (by hand: in the stepping one). The caller
 * keeps the struct and its name alive as long as the runner. */
struct mr_agent {
    const char *name; /* for threads and reports; not NULL */
    /* Does a bounded batch, never waits. Returns how much work it did (any unit), 0: idle, negative
     * (an enum mr_status): it has failed and must not be called again. Not NULL. */
    int (*work)(void *context);
    /* Before the first work; negative: it cannot run, and its runner does not start. NULL: none. */
    int (*start)(void *context);
    /* After the last work, also after a failed one; only if its start succeeded. NULL: none. */
    void (*stop)(void *context);
    void *context;
    /* How long it may be left alone from now on if nobody wakes it, in ns. Asked before its runner
     * sleeps (PARK): the shortest of its agents counts, and no sleep is shorter than the runner's
     * sleep_ns. For agents that are woken by whoever gives them work, so that an idle thread hardly
     * ever runs. NULL: sleep_ns. */
    uint64_t (*patience)(void *context);
};

/* What an agent has done so far, in its runner or composite. Written by the thread that calls it
 * alone; any thread may read it at any time (with mr_atomic_load(..., relaxed)), each value by
 * itself: they need not fit one another. Never set back, also not when the agent starts anew. */
struct mr_agent_counters {
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) turns; /* calls of its work that are over */
    MR_ATOMIC(uint64_t) busy;                           /* of these: returned more than 0 */
    MR_ATOMIC(uint64_t) work;                           /* the sum of what these returned */
    MR_ATOMIC(uint64_t) work_largest;                   /* of one turn */
};

enum {
    MR_RUNNER_AGENTS_MAX = 16,
    MR_TOPOLOGY_AGENTS_MAX = 64,
    MR_COMPOSITE_AGENTS_MAX = 16,
    MR_RUNNER_NAME_SIZE = 16,  /* what Linux gives a thread's name, its end included */
    MR_RUNNER_PARK_NS = 50000, /* the longest sleep of a runner that parks and does not say */
};

/* All zero is valid: named after its agents, parking, on any CPU. */
struct mr_runner_options {
    const char *name; /* the thread's (cut to 15 bytes); NULL: its agents' names joined with '+' */
    /* What to do when no agent has work (wait.timeout_ns is not looked at). SPIN: call again at
     * once. YIELD: offer the core to others in between. SLEEP: spin, yield, then nap for sleep_ns;
     * nothing cuts a nap short. PARK: spin, yield, then sleep until mr_runner_wake, or for at most
     * sleep_ns; 0: MR_RUNNER_PARK_NS; MR_WAIT_FOREVER: until woken, which is right only if all that
     * gives its agents work also wakes it. Only PARK and SLEEP leave the core to others, such as
     * the kernel's disk interrupts. */
    struct mr_wait wait;
    bool pin; /* run on `cpu` alone */
    uint32_t cpu;
};

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

    /* Written by the runner, for whoever wants to know. */
    struct mr_agent_counters counters[MR_RUNNER_AGENTS_MAX];
    MR_ATOMIC(uint64_t) sleeps;
};

/* Prepares a runner for `count` agents (1 to MR_RUNNER_AGENTS_MAX), called in this order. The
 * pointers are copied, the agents are not. MR_OK; MR_E_INVALID: no agent, an agent without work or
 * name, an unknown wait, a nap (SLEEP) of MR_WAIT_FOREVER; MR_E_LIMIT: too many agents. On failure
 * the runner is not touched. Nothing is allocated; what was not started is simply dropped. */
int mr_runner_init(struct mr_runner *runner, const struct mr_runner_options *options,
                   const struct mr_agent *const *agents, uint32_t count, struct mr_error *error);

/* -- With a thread. ---------------------------------------------------------------------------- */

/* Starts the thread and returns when every agent has started. On failure no thread is left and the
 * agents that had started are stopped: an agent's own code; MR_E_INVALID: there is no such CPU, or
 * this process may not run on it; MR_E_NO_MEMORY: the system gives no thread. Once a runner. One
 * thread; blocking. */
int mr_runner_start(struct mr_runner *runner, struct mr_error *error);

/* Asks the thread to finish its cycle, stop its agents and end; returns at once. A runner that naps
 * (SLEEP) obeys after its nap. Any thread, also an agent in its work; wait-free but for the
 * wake-up. Does nothing to a runner that has ended. */
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

/* -- By hand: the same cycle without a thread; one thread at a time. --------------------------- */

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

/* What that agent has done; valid as long as the runner. Wait-free. */
const struct mr_agent_counters *mr_runner_agent_counters(const struct mr_runner *runner,
                                                         uint32_t index);

/* How often its thread gave up its core for longer than a yield (PARK, SLEEP): sleeps that are
 * over, also those that a wake-up ended at once. Wait-free. */
uint64_t mr_runner_sleeps(const struct mr_runner *runner);

/* -- Composites. ------------------------------------------------------------------------------- */

/* Several agents that act as one: for a stage that is made of stages, and for more agents on a
 * runner than MR_RUNNER_AGENTS_MAX. A member may be a composite in turn. As an agent,
 *   - it starts its members in order; if one cannot start, those before it are stopped in reverse,
 *     and the composite has failed to start, with that one's code;
 *   - it works by calling each member once, in order; its work is the sum of theirs, at most
 *     INT_MAX. When a member fails, the composite fails with its code: those after it are not
 *     called any more, and what those before it did in this turn is in their counters alone;
 *   - it stops its members in reverse, also the failed one.
 * So members live and die together, while a runner goes on without an agent that failed.
 *
 * Plain and visible, written by the functions below and in its own turns. Its agent points to it:
 * it stays where it is. An agent has one place: in one runner or composite, once. */
struct mr_composite {
    struct mr_agent agent;
    const struct mr_agent *agents[MR_COMPOSITE_AGENTS_MAX];
    uint32_t agent_count;
    bool running; /* its members have started, or are about to, and have not all stopped */

    /* Written by the thread that calls it, for whoever wants to know. */
    MR_ATOMIC(int) agent_status[MR_COMPOSITE_AGENTS_MAX]; /* each member's code, or MR_OK */
    struct mr_agent_counters counters[MR_COMPOSITE_AGENTS_MAX];
};

/* Makes a composite of `count` agents (1 to MR_COMPOSITE_AGENTS_MAX), called in this order. The
 * pointers are copied, the agents are not; `name` is kept, too. MR_OK; MR_E_INVALID: no name, no
 * agent, an agent without work or name, or the composite's own; MR_E_LIMIT: too many agents. On
 * failure `composite` is not touched. Nothing is allocated; a composite that does not run is simply
 * dropped. One thread, before it runs. */
int mr_composite_init(struct mr_composite *composite, const char *name,
                      const struct mr_agent *const *agents, uint32_t count, struct mr_error *error);

/* The composite as an agent, for a runner or another composite; lives as long as the composite. */
const struct mr_agent *mr_composite_agent(const struct mr_composite *composite);

/* The code of member `index` (in the order given to mr_composite_init) if it failed in its work or
 * start, else MR_OK. Any thread, at any time after init; wait-free. */
int mr_composite_agent_status(const struct mr_composite *composite, uint32_t index);

/* What that member has done; valid as long as the composite. Any thread; wait-free. */
const struct mr_agent_counters *mr_composite_agent_counters(const struct mr_composite *composite,
                                                            uint32_t index);

/* -- Topologies. ------------------------------------------------------------------------------- */

/* Which agents share a thread. */
enum mr_topology {
    MR_TOPOLOGY_TWO,  /* two runners; the caller says which agents go to the second */
    MR_TOPOLOGY_ONE,  /* all agents on one runner */
    MR_TOPOLOGY_EACH, /* a runner for every agent */
};

/* How many runners `agent_count` agents need. Pure. */
uint32_t mr_topology_runner_count(enum mr_topology topology, uint32_t agent_count);

/* The index of the runner that agent `index` (below MR_TOPOLOGY_AGENTS_MAX) belongs to. `second`
 * has bit i set if agent i goes to the second of two runners (looked at for MR_TOPOLOGY_TWO only).
 * Pure. */
uint32_t mr_topology_runner_of(enum mr_topology topology, uint64_t second, uint32_t index);

/* Prepares the runners of a topology: `runners` has room for mr_topology_runner_count of them,
 * which get the agents that mr_topology_runner_of says, in their order. `options` has one element
 * for each runner, or is NULL (all zero). As mr_runner_init; also MR_E_INVALID: an unknown
 * topology, no agent at all or none for one of the runners; MR_E_LIMIT: more than
 * MR_TOPOLOGY_AGENTS_MAX. On failure the runners are unusable, and nothing needs undoing. */
int mr_topology_init(enum mr_topology topology, uint64_t second, struct mr_runner *runners,
                     const struct mr_runner_options *options, const struct mr_agent *const *agents,
                     uint32_t agent_count, struct mr_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
