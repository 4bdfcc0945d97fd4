/*
 * Waiting for an engine: until a command has come to a stage, until there is room, until there is
 * output.
 */
#include "engine/parts.h"

uint64_t mr_deadline_after(uint64_t timeout_ns)
{
    uint64_t deadline_ns;
    if (timeout_ns == 0 || __builtin_add_overflow(mr_monotonic_ns(), timeout_ns, &deadline_ns)) {
        return UINT64_MAX;
    }
    return deadline_ns;
}

uint64_t mr_time_left(uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    uint64_t now_ns = mr_monotonic_ns();
    return now_ns < deadline_ns ? deadline_ns - now_ns : 0;
}

void mr_park_complete(struct mr_park *park)
{
    uint32_t word = 0;
    /* Release: pairs with the acquire of whoever finds it complete. When somebody sleeps, this is
     * done with the first step of waking; the second is the kernel's, which takes the word for an
     * address and no more. */
    if (!mr_atomic_compare_exchange(&park->word, &word, MR_PARK_OCCUPIED + 1, acq_rel)) {
        mr_park_wake_sleepers(park, word);
    }
}

bool mr_park_await(struct mr_park *park, uint64_t timeout_ns)
{
    /* Acquire: pairs with the release in mr_park_complete. */
    if (mr_atomic_load(&park->word, acquire) > MR_PARK_OCCUPIED) {
        return true;
    }
    uint64_t deadline_ns = mr_deadline_after(timeout_ns);
    for (;;) {
        uint32_t ticket = mr_park_prepare(park);
        if (ticket > MR_PARK_OCCUPIED) {
            return true;
        }
        uint64_t left_ns = mr_time_left(deadline_ns);
        if (left_ns == 0) {
            return false;
        }
        mr_park_sleep(park, ticket, left_ns == UINT64_MAX ? 0 : left_ns);
    }
}

int mr_engine_end(const struct mr_engine *engine)
{
    int code = mr_engine_failure(engine, NULL);
    /* Acquire: pairs with the release in mr_engine_stop; what had moved by then is seen. */
    return code == MR_OK && mr_atomic_load(&engine->ended, acquire) ? MR_E_FENCED : code;
}

int mr_engine_wait(const struct mr_engine *engine, struct mr_park *park,
                   bool (*reached)(void *context), void *context, uint64_t timeout_ns)
{
    if (reached(context)) {
        return MR_OK;
    }
    uint64_t deadline = mr_deadline_after(timeout_ns);
    for (;;) {
        uint32_t ticket = mr_park_prepare(park);
        /* The end first: what was reached before it counts. */
        int end = mr_engine_end(engine);
        if (reached(context)) {
            return MR_OK;
        }
        if (end != MR_OK) {
            return end;
        }
        uint64_t left_ns = mr_time_left(deadline);
        if (left_ns == 0) {
            return MR_AGAIN;
        }
        mr_park_sleep(park, ticket, left_ns == UINT64_MAX ? 0 : left_ns);
    }
}

void mr_engine_wake_all(struct mr_engine *engine)
{
    mr_park_wake(&engine->parks.room);
    mr_park_wake(&engine->parks.durable);
    mr_park_wake(&engine->parks.applied);
    mr_engine_tell_readers(engine);
    mr_engine_wake_stage(engine, MR_STAGE_APPLY);
}

/* -- What can be waited for. ------------------------------------------------------------------- */

struct awaited {
    struct mr_engine *engine;
    uint64_t ticket;
    uint32_t count;
    enum mr_stage stage;
};

static bool stage_reached(void *context)
{
    const struct awaited *awaited = context;
    return mr_engine_stage(awaited->engine, awaited->ticket) >= awaited->stage;
}

int mr_engine_await(struct mr_engine *engine, uint64_t ticket, enum mr_stage stage,
                    uint64_t timeout_ns)
{
    struct awaited awaited = {.engine = engine, .ticket = ticket, .stage = stage};
    struct mr_park *park =
        stage == MR_STAGE_DURABLE ? &engine->parks.durable : &engine->parks.applied;
    return mr_engine_wait(engine, park, stage_reached, &awaited, timeout_ns);
}

static bool room_reached(void *context)
{
    const struct awaited *awaited = context;
    const struct mr_ring *input = &awaited->engine->input;
    /* The consumer first: claims seen later can only make the room look smaller. */
    uint64_t taken = mr_consumer_position(&awaited->engine->sequencer.input);
    uint64_t claimed = mr_atomic_load(&input->claimed, relaxed);
    return mr_position_ahead(claimed + awaited->count, taken) <= (int64_t)mr_ring_capacity(input);
}

int mr_engine_await_room(struct mr_engine *engine, uint32_t count, uint64_t timeout_ns)
{
    if (count > mr_ring_capacity(&engine->input)) {
        return MR_E_LIMIT;
    }
    struct awaited awaited = {.engine = engine, .count = count};
    return mr_engine_wait(engine, &engine->parks.room, room_reached, &awaited, timeout_ns);
}

/* By what any thread may read: another one than waits here may be polling. */
static bool output_reached(void *context)
{
    const struct mr_engine *engine = context;
    return mr_ring_cursor(&engine->output) != mr_consumer_position(&engine->reader);
}

int mr_engine_await_output(struct mr_engine *engine, uint64_t timeout_ns)
{
    if (engine->options.output != MR_OUTPUT_POLL) {
        return MR_E_INVALID;
    }
    return mr_engine_wait(engine, &engine->parks.output, output_reached, engine, timeout_ns);
}
