/*
 * Which thread calls which stage: agents, topologies, starting and stopping. The stages themselves
 * (engine/path.c) do not know.
 */
#include "engine/log.h"
#include "engine/parts.h"

#include <sched.h>
#include <string.h>

/* The longest sleep of an idle stage: after so long at most, a wall clock that was set is
 * noticed. */
enum { PATIENCE_NS = 10000000 };

/* In a thread that has just begun: takes its place. That the system refuses it is no reason not to
 * run. */
static void take_place(const struct mr_engine *engine, uint32_t stage)
{
    if (engine->affinity.apart) {
        const cpu_set_t *on = &engine->affinity.on[engine->runner_of[stage]];
        (void)sched_setaffinity(0, sizeof *on, on);
    }
}

static int start_sequence(void *context)
{
    take_place(context, MR_STAGE_SEQUENCE);
    return MR_OK;
}

/* The journal's queue belongs to the thread that serves it. */
static int start_journal(void *context)
{
    struct mr_engine *engine = context;
    struct mr_error error;
    take_place(engine, MR_STAGE_JOURNAL);
    int status = mr_journal_start(engine->journaling.journal, &error);
    return status == MR_OK ? MR_OK : mr_engine_fail(engine, &error);
}

static void stop_journal(void *context)
{
    struct mr_engine *engine = context;
    struct mr_error error;
    if (mr_journal_stop(engine->journaling.journal, &error) != MR_OK) {
        (void)mr_engine_fail(engine, &error);
    }
}

int mr_engine_fail(struct mr_engine *engine, const struct mr_error *error)
{
    /* Two stages may fail at once: the first one's story is kept. */
    bool free_lock = false;
    if (mr_atomic_compare_exchange(&engine->failing, &free_lock, true, acq_rel)) {
        engine->failure_error = *error;
        /* Release: pairs with the acquires of those who read the failure. */
        mr_atomic_store(&engine->failure, error->code, release);
        mr_watch_failed(engine, error);
        mr_engine_wake_all(engine);
    }
    /* The other one is about to store it. Until then nobody would be refused, and those who are
     * left would be told another code. Acquire: pairs with the release above. */
    while (mr_atomic_load(&engine->failure, acquire) == MR_OK) {
        sched_yield();
    }
    return error->code;
}

int mr_engine_failure(const struct mr_engine *engine, struct mr_error *error)
{
    /* Acquire: pairs with the release in mr_engine_fail. */
    int code = mr_atomic_load(&engine->failure, acquire);
    if (code != MR_OK && error != NULL) {
        *error = engine->failure_error;
    }
    return code;
}

static int start_apply(void *context)
{
    take_place(context, MR_STAGE_APPLY);
    return MR_OK;
}

/* The last that happens on the apply thread, after whatever failure or stop. */
static void stop_apply(void *context)
{
    mr_futures_end(context);
    mr_queries_end(context);
}

/* -- How long stages may be left alone. Whoever gives them work wakes them; the clock and the disk
 * do not. -------------------------------------------------------------------------------------- */

static uint64_t sequence_patience(void *context)
{
    const struct mr_engine *engine = context;
    if (engine->clock_kind == MR_CLOCK_INPUT) {
        return PATIENCE_NS;
    }
    if (engine->clock_kind == MR_CLOCK_SIMULATED) {
        return 0; /* it is moved by somebody who does not wake anybody */
    }
    uint64_t now_ns = mr_clock_now(&engine->clock);
    uint64_t due_ns = mr_atomic_load(&engine->next_timer_ns, relaxed);
    uint64_t idle_ns = engine->options.tick_ns;
    uint64_t tick_ns;
    if (idle_ns != 0 &&
        !__builtin_add_overflow(engine->sequencer.last_work_ns, idle_ns, &tick_ns)) {
        due_ns = tick_ns < due_ns ? tick_ns : due_ns;
    }
    uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    return left_ns < PATIENCE_NS ? left_ns : PATIENCE_NS;
}

static uint64_t journal_patience(void *context)
{
    const struct mr_engine *engine = context;
    return mr_journal_busy(engine->journaling.journal) ? 0 : PATIENCE_NS;
}

static uint64_t apply_patience(void *context)
{
    const struct mr_applying *applying = &((const struct mr_engine *)context)->applying;
    /* It stands before a full ring: an engine that stops takes that away without waking anybody. */
    return applying->applier.entry != NULL ? 0 : PATIENCE_NS;
}

static void describe_agents(struct mr_engine *engine)
{
    engine->agents[MR_STAGE_SEQUENCE] = (struct mr_agent){.name = "sequence",
                                                          .work = mr_watch_sequence_turn,
                                                          .start = start_sequence,
                                                          .context = engine,
                                                          .patience = sequence_patience};
    engine->agents[MR_STAGE_JOURNAL] = (struct mr_agent){.name = "journal",
                                                         .work = mr_watch_journal_turn,
                                                         .start = start_journal,
                                                         .stop = stop_journal,
                                                         .context = engine,
                                                         .patience = journal_patience};
    engine->agents[MR_STAGE_APPLY] = (struct mr_agent){.name = "apply",
                                                       .work = mr_watch_apply_turn,
                                                       .start = start_apply,
                                                       .stop = stop_apply,
                                                       .context = engine,
                                                       .patience = apply_patience};
}

/* What a thread is called after: the first of its stages, or the whole. */
static const char *label_of(const struct mr_engine *engine, uint32_t thread)
{
    uint32_t stage = 0;
    while (engine->runner_of[stage] != thread) {
        stage++;
    }
    return engine->runner_count == 1 ? "engine" : engine->agents[stage].name;
}

/* With threads: their names, and where they run. */
static int place_threads(struct mr_engine *engine, struct mr_runner_options *options,
                         char names[MR_ENGINE_STAGES][MR_RUNNER_NAME_SIZE], struct mr_error *error)
{
    const struct mr_engine_options *own = &engine->options;
    cpu_set_t allowed;
    for (uint32_t i = 0; i < engine->runner_count; i++) {
        mr_affinity_name(names[i], own->name, label_of(engine, i));
        options[i].name = names[i];
    }
    if (own->affinity == MR_AFFINITY_FIXED) {
        CPU_ZERO(&allowed);
        (void)sched_getaffinity(0, sizeof allowed, &allowed);
        for (uint32_t i = 0; i < MR_ENGINE_STAGES; i++) {
            options[engine->runner_of[i]].pin = true;
            options[engine->runner_of[i]].cpu = own->cpus[i];
        }
        return mr_affinity_check(own->cpus, engine->runner_of, &allowed, error);
    }
    bool busy = own->wait == MR_WAIT_SPIN || own->wait == MR_WAIT_YIELD;
    if (own->affinity == MR_AFFINITY_AUTO && busy && own->directory != NULL &&
        own->durability == MR_DURABILITY_DISK) {
        mr_affinity_find(own->directory, engine->runner_count, engine->runner_of[MR_STAGE_JOURNAL],
                         &engine->affinity);
        mr_engine_inform(engine, "affinity: %s", engine->affinity.why);
    }
    return MR_OK;
}

static int prepare(struct mr_engine *engine, enum mr_topology topology, bool threads,
                   struct mr_error *error)
{
    ASSERT(!mr_atomic_load(&engine->threads_started, relaxed) && !engine->begun_by_hand);
    describe_agents(engine);
    engine->sequencer.last_work_ns =
        engine->clock_kind == MR_CLOCK_INPUT ? 0 : mr_clock_now(&engine->clock);
    const struct mr_agent *agents[MR_ENGINE_STAGES];
    struct mr_runner_options options[MR_ENGINE_STAGES];
    char names[MR_ENGINE_STAGES][MR_RUNNER_NAME_SIZE];
    memset(options, 0, sizeof options);
    /* Two threads: what waits for the disk on one, what computes on the other. */
    const uint64_t second = UINT64_C(1) << MR_STAGE_APPLY;
    for (uint32_t i = 0; i < MR_ENGINE_STAGES; i++) {
        agents[i] = &engine->agents[i];
        engine->runner_of[i] = mr_topology_runner_of(topology, second, i);
        options[i].wait.kind = engine->options.wait;
    }
    engine->runner_count = mr_topology_runner_count(topology, MR_ENGINE_STAGES);
    int status = threads ? place_threads(engine, options, names, error) : MR_OK;
    return status != MR_OK ? status
                           : mr_topology_init(topology, second, engine->runners, options, agents,
                                              MR_ENGINE_STAGES, error);
}

static void stop_runners(struct mr_engine *engine, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        mr_runner_stop(&engine->runners[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        (void)mr_runner_join(&engine->runners[i]);
    }
}

/* A thread could not be had: ends the `count` that run, and all who wait for them. */
static void give_up(struct mr_engine *engine, uint32_t count)
{
    /* Release: pairs with the acquire in accept. Before apply may end, which completes what was
     * accepted: a callback that calls once more must be refused. */
    mr_atomic_store(&engine->stopping, true, release);
    stop_runners(engine, count);
    mr_atomic_store(&engine->threads_started, false, relaxed);
    stop_apply(engine); /* or else nobody would: its runner may not have been among them */
    /* Release: pairs with the acquire in mr_engine_end. */
    mr_atomic_store(&engine->ended, true, release);
    mr_engine_wake_all(engine);
}

int mr_engine_start(struct mr_engine *engine, struct mr_error *error)
{
    int status = prepare(engine, engine->options.topology, true, error);
    if (status != MR_OK) {
        give_up(engine, 0);
        return status;
    }
    /* Release: pairs with the acquire in mr_engine_wake_stage. */
    mr_atomic_store(&engine->threads_started, true, release);
    mr_watch_starting(engine, engine->runner_count);
    for (uint32_t i = 0; i < engine->runner_count; i++) {
        status = mr_runner_start(&engine->runners[i], error);
        if (status != MR_OK) {
            give_up(engine, i);
            (void)mr_engine_failure(engine, error);
            mr_watch_refused(engine, status, error);
            return status;
        }
    }
    mr_watch_started(engine);
    return MR_OK;
}

int mr_engine_begin(struct mr_engine *engine, struct mr_error *error)
{
    int status = prepare(engine, MR_TOPOLOGY_EACH, false, error);
    mr_watch_starting(engine, 0);
    for (uint32_t i = 0; i < engine->runner_count && status == MR_OK; i++) {
        status = mr_runner_begin(&engine->runners[i], error);
    }
    if (status != MR_OK) {
        give_up(engine, 0);
        (void)mr_engine_failure(engine, error);
        mr_watch_refused(engine, status, error);
        return status;
    }
    engine->begun_by_hand = true;
    return MR_OK;
}

int64_t mr_engine_step(struct mr_engine *engine, uint32_t stage)
{
    ASSERT(engine->begun_by_hand && stage < MR_ENGINE_STAGES);
    return mr_runner_step(&engine->runners[stage]);
}

/* Nothing waits in the input ring. Looked at by what is claimed: of two producers the second may
 * have published, and been told so, while the first has not, and behind that gap nothing shows. */
static bool sequenced_all(const struct mr_engine *engine)
{
    return mr_consumer_position(&engine->sequencer.input) ==
           mr_atomic_load(&engine->input.claimed, relaxed);
}

/* All that was accepted is journaled and applied, or never will be. */
static bool finished(const struct mr_engine *engine)
{
    if (mr_engine_failure(engine, NULL) != MR_OK) {
        return true;
    }
    return sequenced_all(engine) &&
           mr_consumer_position(&engine->applying.blocks) == mr_ring_cursor(&engine->blocks);
}

bool mr_engine_drained(const struct mr_engine *engine)
{
    /* In the order in which commands pass, so that none slips by between two looks: each stage
     * hands on before it releases. */
    return sequenced_all(engine) &&
           mr_consumer_position(&engine->applying.blocks) == mr_ring_cursor(&engine->blocks) &&
           (engine->options.output != MR_OUTPUT_POLL ||
            mr_consumer_position(&engine->reader) == mr_ring_cursor(&engine->output));
}

/* Ends, whatever readers do: apply no longer waits for them. */
static void finish(struct mr_engine *engine)
{
    while (!finished(engine)) {
        if (engine->begun_by_hand) {
            for (uint32_t i = 0; i < MR_ENGINE_STAGES; i++) {
                (void)mr_engine_step(engine, i);
            }
        } else {
            mr_engine_pause();
        }
    }
}

int mr_engine_stop(struct mr_engine *engine, struct mr_error *error)
{
    /* Release: pairs with the acquire in mr_engine_submit_batch. */
    mr_atomic_store(&engine->stopping, true, release);
    mr_watch_stopping(engine);
    bool threads = mr_atomic_load(&engine->threads_started, relaxed);
    if (threads || engine->begun_by_hand) {
        finish(engine);
    }
    if (threads) {
        stop_runners(engine, engine->runner_count);
        mr_atomic_store(&engine->threads_started, false, relaxed);
    }
    if (engine->begun_by_hand) {
        for (uint32_t i = 0; i < engine->runner_count; i++) {
            (void)mr_runner_end(&engine->runners[i]);
        }
        engine->begun_by_hand = false;
    }
    stop_apply(engine); /* again, or for the first time, where it was never started */
    mr_futures_await_end(engine);
    /* Release: pairs with the acquire in mr_engine_end. */
    mr_atomic_store(&engine->ended, true, release);
    mr_watch_stopped(engine);
    mr_engine_wake_all(engine);
    return mr_engine_failure(engine, error);
}
