#include "base/assert.h"
#include "disruptor/backoff.h"
#include "disruptor/turn.h"

#include <millrace/agent.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* The life of a runner with a thread. mr_runner_start waits while it is STARTING. */
enum phase { PHASE_IDLE, PHASE_STARTING, PHASE_RUNNING, PHASE_REFUSED };

/* How late the kernel may wake a sleeper. Its own default, 50 us, would double our sleeps. */
enum { TIMER_SLACK_NS = 1000 };

/* -- Setting up. ------------------------------------------------------------------------------- */

/* "sequencer+journal", as much as fits. */
static void name_join(char name[MR_RUNNER_NAME_SIZE], const struct mr_agent *const *agents,
                      uint32_t count)
{
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && used < MR_RUNNER_NAME_SIZE - 1)
            name[used++] = '+';
        for (const char *c = agents[i]->name; *c != '\0' && used < MR_RUNNER_NAME_SIZE - 1; c++)
            name[used++] = *c;
    }
    name[used] = '\0';
}

int mr_runner_init(struct mr_runner *runner, const struct mr_runner_options *options,
                   const struct mr_agent *const *agents, uint32_t count, struct mr_error *error)
{
    if (count == 0)
        return mr_error_set(error, MR_E_INVALID, "runner: it needs an agent");
    if (count > MR_RUNNER_AGENTS_MAX)
        return mr_error_set(error, MR_E_LIMIT, "runner: %u agents, at most %d are possible", count,
                            MR_RUNNER_AGENTS_MAX);
    if (!mr_wait_is_valid(&options->wait))
        return mr_error_set(error, MR_E_INVALID, "runner: %d is no way to wait",
                            (int)options->wait.kind);
    if (options->wait.kind == MR_WAIT_SLEEP && options->wait.sleep_ns == MR_WAIT_FOREVER)
        return mr_error_set(error, MR_E_INVALID,
                            "runner: nobody wakes it from a nap; give that an end, or let it park");
    for (uint32_t i = 0; i < count; i++)
        if (agents[i]->name == NULL || agents[i]->work == NULL)
            return mr_error_set(error, MR_E_INVALID, "runner: agent %u lacks a name or work", i);

    memset(runner, 0, sizeof *runner);
    runner->options = *options;
    runner->options.wait.timeout_ns = 0;
    runner->parks = options->wait.kind == MR_WAIT_PARK;
    if (runner->parks && options->wait.sleep_ns == 0)
        runner->options.wait.sleep_ns = MR_RUNNER_PARK_NS;
    runner->agent_count = count;
    for (uint32_t i = 0; i < count; i++)
        runner->agents[i] = agents[i];
    if (options->name == NULL)
        name_join(runner->name, agents, count);
    else
        snprintf(runner->name, sizeof runner->name, "%s", options->name);
    runner->options.name = NULL; /* the copy counts; the caller's may go */
    return MR_OK;
}

/* -- The duty cycle. --------------------------------------------------------------------------- */

static void agent_stop(struct mr_runner *runner, uint32_t index)
{
    const struct mr_agent *agent = runner->agents[index];
    ASSERT(runner->running[index]);
    runner->running[index] = false;
    runner->agents_running--;
    if (agent->stop != NULL)
        agent->stop(agent->context);
}

static void agent_failed(struct mr_runner *runner, uint32_t index, int code)
{
    int none = MR_OK;
    /* Release: pairs with the acquire in the status functions. */
    mr_atomic_store(&runner->agent_status[index], code, release);
    mr_atomic_compare_exchange(&runner->status, &none, code, release);
}

int mr_runner_begin(struct mr_runner *runner, struct mr_error *error)
{
    ASSERT(runner->agents_running == 0);
    for (uint32_t i = 0; i < runner->agent_count; i++) {
        const struct mr_agent *agent = runner->agents[i];
        int status = agent->start == NULL ? MR_OK : agent->start(agent->context);
        if (status < 0) {
            agent_failed(runner, i, status);
            mr_runner_end(runner);
            return mr_error_set(error, status, "agent %s did not start: %s", agent->name,
                                mr_status_text(status));
        }
        runner->running[i] = true;
        runner->agents_running++;
    }
    return MR_OK;
}

int64_t mr_runner_step(struct mr_runner *runner)
{
    int64_t sum = 0;
    if (runner->agents_running == 0)
        return -1;
    for (uint32_t i = 0; i < runner->agent_count; i++) {
        if (!runner->running[i])
            continue;
        int work = mr_agent_turn(runner->agents[i], &runner->counters[i]);
        if (work >= 0) {
            sum += work;
        } else {
            agent_failed(runner, i, work);
            agent_stop(runner, i);
        }
    }
    return sum;
}

int mr_runner_end(struct mr_runner *runner)
{
    for (uint32_t i = runner->agent_count; i-- > 0;)
        if (runner->running[i])
            agent_stop(runner, i);
    return mr_runner_status(runner);
}

/* -- The thread. ------------------------------------------------------------------------------- */

static void phase_set(struct mr_runner *runner, enum phase phase)
{
    /* Release: pairs with the acquire in phase_await. */
    mr_atomic_store(&runner->phase, (uint32_t)phase, release);
    mr_park_wake(&runner->phase_changed);
}

/* Waits for the end of STARTING and returns what came after it. */
static enum phase phase_await(struct mr_runner *runner)
{
    for (;;) {
        uint32_t ticket = mr_park_prepare(&runner->phase_changed);
        uint32_t phase = mr_atomic_load(&runner->phase, acquire);
        if (phase != PHASE_STARTING)
            return (enum phase)phase;
        mr_park_sleep(&runner->phase_changed, ticket, 0);
    }
}

static bool is_stopping(const struct mr_runner *runner)
{
    /* Acquire: pairs with the release in mr_runner_stop. */
    return mr_atomic_load(&runner->stopping, acquire) != 0;
}

/* How long the runner may sleep: as long as the least patient of its agents, but not shorter than
 * it would if none of them had anything to say. */
static uint64_t longest_sleep(const struct mr_runner *runner)
{
    uint64_t least = runner->options.wait.sleep_ns, patience = MR_WAIT_FOREVER;
    for (uint32_t i = 0; i < runner->agent_count && patience > least; i++) {
        const struct mr_agent *agent = runner->agents[i];
        if (runner->running[i]) {
            uint64_t own = agent->patience == NULL ? least : agent->patience(agent->context);
            patience = own < patience ? own : patience;
        }
    }
    return patience > least ? patience : least;
}

/* Passes an idle turn, and counts it if it was a sleep. */
static void pass_idle(struct mr_runner *runner, struct mr_backoff *backoff)
{
    uint32_t sleeps = backoff->sleeps;
    if (backoff->prepared) {
        backoff->wait.sleep_ns = longest_sleep(runner);
    }
    (void)mr_backoff_pause(backoff); /* without a time limit */
    if (backoff->sleeps != sleeps)
        mr_count_up(&runner->sleeps, 1);
}

static void duty_cycle(struct mr_runner *runner)
{
    struct mr_backoff backoff = mr_backoff_begin(&runner->options.wait, &runner->park);
    while (!is_stopping(runner)) {
        int64_t work = mr_runner_step(runner);
        /* Before any sleep: if the last agent has just failed, maybe nobody will come to wake. */
        if (runner->agents_running == 0)
            return;
        if (work > 0)
            mr_backoff_reset(&backoff);
        else
            pass_idle(runner, &backoff);
    }
}

static void *thread_main(void *argument)
{
    struct mr_runner *runner = argument;
    /* Neither can fail in a way that matters: names are cut to fit, slack is about latency. */
    pthread_setname_np(pthread_self(), runner->name);
    if (runner->parks || runner->options.wait.kind == MR_WAIT_SLEEP)
        prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);

    /* mr_runner_start's error, which it keeps alive until the phase changes. */
    if (mr_runner_begin(runner, runner->start_error) != MR_OK) {
        phase_set(runner, PHASE_REFUSED);
        return NULL;
    }
    phase_set(runner, PHASE_RUNNING);
    duty_cycle(runner);
    mr_runner_end(runner);
    return NULL;
}

/* Creates the thread, on its CPU and deaf to signals: the embedder's handlers run in the embedder's
 * threads. Returns an errno value. */
static int thread_create(struct mr_runner *runner)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int failure = pthread_attr_init(&attributes);
    if (failure != 0)
        return failure;
    if (runner->options.pin) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        if (runner->options.cpu < CPU_SETSIZE)
            CPU_SET(runner->options.cpu, &cpus);
        failure = pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus);
    }
    if (failure == 0) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        failure = pthread_create(&runner->thread, &attributes, thread_main, runner);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    return failure;
}

int mr_runner_start(struct mr_runner *runner, struct mr_error *error)
{
    ASSERT(mr_atomic_load(&runner->phase, relaxed) == PHASE_IDLE);
    mr_atomic_store(&runner->phase, (uint32_t)PHASE_STARTING, relaxed);
    runner->start_error = error;
    int failure = thread_create(runner);
    if (failure != 0) {
        mr_atomic_store(&runner->phase, (uint32_t)PHASE_REFUSED, relaxed);
        if (runner->options.pin && failure == EINVAL)
            return mr_error_set(error, MR_E_INVALID, "runner %s: there is no CPU %u to pin it to",
                                runner->name, runner->options.cpu);
        return mr_error_set(error, MR_E_NO_MEMORY, "runner %s: no thread: %s", runner->name,
                            strerror(failure));
    }
    runner->joinable = true;
    if (phase_await(runner) == PHASE_REFUSED)
        return mr_runner_join(runner);
    return MR_OK;
}

void mr_runner_stop(struct mr_runner *runner)
{
    /* Release: pairs with the acquire in is_stopping. */
    mr_atomic_store(&runner->stopping, 1U, release);
    mr_runner_wake(runner);
}

int mr_runner_join(struct mr_runner *runner)
{
    if (runner->joinable) {
        int failure = pthread_join(runner->thread, NULL);
        ASSERT(failure == 0);
        runner->joinable = false;
    }
    return mr_runner_status(runner);
}

/* -- What happened. ---------------------------------------------------------------------------- */

int mr_runner_status(const struct mr_runner *runner)
{
    /* Acquire: pairs with the release in agent_failed. */
    return mr_atomic_load(&runner->status, acquire);
}

int mr_runner_agent_status(const struct mr_runner *runner, uint32_t index)
{
    ASSERT(index < runner->agent_count);
    /* Acquire: pairs with the release in agent_failed. */
    return mr_atomic_load(&runner->agent_status[index], acquire);
}

const struct mr_agent_counters *mr_runner_agent_counters(const struct mr_runner *runner,
                                                         uint32_t index)
{
    ASSERT(index < runner->agent_count);
    return &runner->counters[index];
}

uint64_t mr_runner_sleeps(const struct mr_runner *runner)
{
    /* Relaxed: a number to look at; nothing follows from it. */
    return mr_atomic_load(&runner->sleeps, relaxed);
}
