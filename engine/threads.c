/*
 * Which thread calls which stage: agents, topologies, starting and stopping. The stages themselves
 * (engine/path.c) do not know.
 */
#include "engine/parts.h"

#include <string.h>

/* The journal's queue belongs to the thread that serves it. */
static int start_journal(void *context)
{
    struct mr_engine *engine = context;
    struct mr_error error;
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

static void describe_agents(struct mr_engine *engine)
{
    engine->agents[MR_STAGE_SEQUENCE] =
        (struct mr_agent){.name = "sequence", .work = mr_engine_sequence, .context = engine};
    engine->agents[MR_STAGE_JOURNAL] = (struct mr_agent){.name = "journal",
                                                         .work = mr_engine_journal,
                                                         .start = start_journal,
                                                         .stop = stop_journal,
                                                         .context = engine};
    engine->agents[MR_STAGE_APPLY] =
        (struct mr_agent){.name = "apply", .work = mr_engine_apply, .context = engine};
}

static int prepare(struct mr_engine *engine, enum mr_topology topology, struct mr_error *error)
{
    ASSERT(!engine->threads_started && !engine->begun_by_hand);
    describe_agents(engine);
    engine->sequencer.last_work_ns =
        engine->clock_kind == MR_CLOCK_INPUT ? 0 : mr_clock_now(&engine->clock);
    const struct mr_agent *agents[MR_ENGINE_STAGES];
    struct mr_runner_options options[MR_ENGINE_STAGES];
    memset(options, 0, sizeof options);
    /* Two threads: what waits for the disk on one, what computes on the other. */
    const uint64_t second = UINT64_C(1) << MR_STAGE_APPLY;
    for (uint32_t i = 0; i < MR_ENGINE_STAGES; i++) {
        agents[i] = &engine->agents[i];
        engine->runner_of[i] = mr_topology_runner_of(topology, second, i);
        options[i].wait.kind = engine->options.wait;
    }
    engine->runner_count = mr_topology_runner_count(topology, MR_ENGINE_STAGES);
    return mr_topology_init(topology, second, engine->runners, options, agents, MR_ENGINE_STAGES,
                            error);
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

int mr_engine_start(struct mr_engine *engine, struct mr_error *error)
{
    int status = prepare(engine, engine->options.topology, error);
    if (status != MR_OK) {
        return status;
    }
    engine->threads_started = true;
    for (uint32_t i = 0; i < engine->runner_count; i++) {
        status = mr_runner_start(&engine->runners[i], error);
        if (status != MR_OK) {
            stop_runners(engine, i);
            engine->threads_started = false;
            (void)mr_engine_failure(engine, error);
            return status;
        }
    }
    return MR_OK;
}

int mr_engine_begin(struct mr_engine *engine, struct mr_error *error)
{
    int status = prepare(engine, MR_TOPOLOGY_EACH, error);
    for (uint32_t i = 0; i < engine->runner_count && status == MR_OK; i++) {
        status = mr_runner_begin(&engine->runners[i], error);
    }
    if (status != MR_OK) {
        (void)mr_engine_failure(engine, error);
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

/* All that was accepted is in the journal, or never will be. */
static bool journaled(const struct mr_engine *engine)
{
    if (mr_engine_failure(engine, NULL) != MR_OK) {
        return true;
    }
    return mr_consumer_position(&engine->sequencer.input) == mr_ring_cursor(&engine->input) &&
           mr_consumer_position(&engine->journaling.blocks) == mr_ring_cursor(&engine->blocks);
}

bool mr_engine_drained(const struct mr_engine *engine)
{
    /* In the order in which commands pass, so that none slips by between two looks: each stage
     * hands on before it releases. */
    return mr_consumer_position(&engine->sequencer.input) == mr_ring_cursor(&engine->input) &&
           mr_consumer_position(&engine->applying.blocks) == mr_ring_cursor(&engine->blocks) &&
           mr_consumer_position(&engine->reader) == mr_ring_cursor(&engine->output);
}

static void drain_to_journal(struct mr_engine *engine)
{
    /* Nobody wants these events any more; but apply must not stand still on a full output ring
     * while blocks wait for their memory. */
    const struct mr_engine_handlers nobody = {0};
    while (!journaled(engine)) {
        if (engine->begun_by_hand) {
            for (uint32_t i = 0; i < MR_ENGINE_STAGES; i++) {
                (void)mr_engine_step(engine, i);
            }
        } else {
            mr_engine_pause();
        }
        (void)mr_engine_poll(engine, &nobody, UINT32_MAX);
    }
}

int mr_engine_stop(struct mr_engine *engine, struct mr_error *error)
{
    /* Release: pairs with the acquire in mr_engine_submit_batch. */
    mr_atomic_store(&engine->stopping, true, release);
    if (engine->threads_started || engine->begun_by_hand) {
        drain_to_journal(engine);
    }
    if (engine->threads_started) {
        stop_runners(engine, engine->runner_count);
        engine->threads_started = false;
    }
    if (engine->begun_by_hand) {
        for (uint32_t i = 0; i < engine->runner_count; i++) {
            (void)mr_runner_end(&engine->runners[i]);
        }
        engine->begun_by_hand = false;
    }
    return mr_engine_failure(engine, error);
}
