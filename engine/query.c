/*
 * Queries: asked by any thread, answered by the apply stage between two commands, so that they see
 * a state that was really there, and need no lock.
 */
#include "engine/parts.h"

/* Each does a bounded amount of work; so many between two slices of commands. */
enum { QUERIES_PER_TURN = 4 };

static void complete(struct mr_query_call *call, int status)
{
    void (*done)(void *context, struct mr_query_call *call) = call->done;
    void *context = call->context;
    call->status = status;
    /* Without `done`, whoever waits may drop it from here on. */
    mr_park_complete(&call->park);
    if (done != NULL) {
        done(context, call);
    }
}

/* Apply answers no more: whoever finds a query in a seat completes it. */
static void take_and_end(struct mr_engine *engine, MR_ATOMIC(struct mr_query_call *) * seat)
{
    int failure = mr_engine_failure(engine, NULL);
    /* Acquire: pairs with the release in mr_engine_query; by exchange, for its asker and whoever
     * ends the engine may look at once. */
    struct mr_query_call *call = mr_atomic_exchange(seat, NULL, acq_rel);
    if (call != NULL) {
        complete(call, failure != MR_OK ? failure : MR_E_FENCED);
    }
}

/* -- Asking. ----------------------------------------------------------------------------------- */

int mr_engine_query(struct mr_engine *engine, struct mr_query_call *call)
{
    struct mr_queries *queries = &engine->queries;
    uint32_t length = call->query->length;
    /* Acquire: pairs with the release in mr_engine_stop. */
    if (mr_engine_end(engine) != MR_OK || mr_atomic_load(&engine->stopping, acquire)) {
        return MR_E_FENCED;
    }
    if (length < MR_QUERY_HEADER || length > MR_COMMAND_SIZE_MAX || length % 8 != 0 ||
        (uintptr_t)call->rows % 8 != 0) {
        return MR_E_INVALID;
    }
    uint32_t hint = mr_atomic_fetch_add(&queries->hint, 1U, relaxed);
    MR_ATOMIC(struct mr_query_call *) *seat = NULL;
    for (uint32_t i = 0; i <= queries->mask && seat == NULL; i++) {
        MR_ATOMIC(struct mr_query_call *) *free = &queries->seats[(hint + i) & queries->mask];
        struct mr_query_call *nobody = NULL;
        /* Release: pairs with the acquires of those who take it out. */
        if (mr_atomic_load(free, relaxed) == NULL &&
            mr_atomic_compare_exchange(free, &nobody, call, release)) {
            seat = free;
        }
    }
    if (seat == NULL) {
        return MR_AGAIN;
    }
    /* Release: pairs with the acquire in mr_queries_answer. */
    (void)mr_atomic_fetch_add(&queries->asked, 1U, release);
    mr_engine_wake_stage(engine, MR_STAGE_APPLY);
    if (mr_flag_raised(&queries->over)) {
        /* Too late. What the seat holds by now may be another one, or this one asked once more by
         * its `done`: nobody will answer either, and each is completed once. */
        take_and_end(engine, seat);
    }
    return MR_OK;
}

int mr_query_wait(struct mr_query_call *call, uint64_t timeout_ns)
{
    return mr_park_await(&call->park, timeout_ns) ? call->status : MR_AGAIN;
}

/* -- Answering. -------------------------------------------------------------------------------- */

static bool may_answer(const struct mr_engine *engine, const struct mr_query_call *call)
{
    return call->query->not_before <= mr_applier_applied(&engine->applying.applier);
}

int mr_queries_answer_some(struct mr_engine *engine)
{
    struct mr_queries *queries = &engine->queries;
    const struct mr_applier *applier = &engine->applying.applier;
    if (applier->amid) {
        return 0;
    }
    int answered = 0;
    uint32_t looked_at = 0;
    bool waiting = false;
    /* Acquire: pairs with the release in mr_engine_query. */
    uint32_t asked = mr_atomic_load(&queries->asked, acquire);
    for (; looked_at <= queries->mask && answered < QUERIES_PER_TURN; looked_at++) {
        MR_ATOMIC(struct mr_query_call *) *seat = &queries->seats[queries->next++ & queries->mask];
        /* Acquire: pairs with the release in mr_engine_query. */
        struct mr_query_call *call = mr_atomic_load(seat, acquire);
        if (call == NULL) {
            continue;
        }
        if (!may_answer(engine, call)) {
            waiting = true;
            continue;
        }
        mr_atomic_store(seat, NULL, relaxed);
        mr_image_query(applier->image, applier->logic, call->query, &call->reply, call->rows,
                       call->rows_size);
        complete(call, MR_OK);
        answered++;
    }
    /* What was not looked at waits, too. */
    queries->waiting = waiting || looked_at <= queries->mask;
    queries->seen = asked;
    mr_counters_grow(&engine->watch.counters, MR_COUNTER_queries, (uint64_t)answered);
    return answered;
}

void mr_queries_end(struct mr_engine *engine)
{
    struct mr_queries *queries = &engine->queries;
    mr_flag_raise(&queries->over);
    for (uint32_t i = 0; i <= queries->mask; i++) {
        take_and_end(engine, &queries->seats[i]);
    }
}
