#include "engine/futures.h"
#include "engine/parts.h"

#include <sched.h>

/* -- The producer's side. ---------------------------------------------------------------------- */

void mr_futures_accept(struct mr_engine *engine, uint64_t position, struct mr_future *future)
{
    future->ticket = position;
    /* Release: pairs with the acquires of those who take it. */
    mr_atomic_store(&engine->futures.accepted[position & engine->input.mask], future, release);
}

/* -- The sequencer's side. --------------------------------------------------------------------- */

bool mr_futures_room(struct mr_futures *futures, uint32_t count)
{
    uint64_t end = mr_atomic_load(&futures->pushed, relaxed) + count;
    if (end - futures->known_taken > futures->mask + 1) {
        /* Acquire: pairs with the release in mr_futures_answer. */
        futures->known_taken = mr_atomic_load(&futures->taken, acquire);
    }
    return end - futures->known_taken <= futures->mask + 1;
}

void mr_futures_push(struct mr_engine *engine, uint64_t position, uint64_t sequence)
{
    struct mr_futures *futures = &engine->futures;
    /* An exchange, for the engine may be ending, and then others take it. */
    struct mr_future *future =
        mr_atomic_exchange(&futures->accepted[position & engine->input.mask], NULL, acq_rel);
    if (future == NULL) {
        return;
    }
    uint64_t pushed = mr_atomic_load(&futures->pushed, relaxed);
    struct mr_future_seat *seat = &futures->sequenced[pushed & futures->mask];
    seat->sequence = sequence;
    /* Release, both: pair with the acquires in mr_futures_look and in sweep. */
    mr_atomic_store(&seat->future, future, release);
    mr_atomic_store(&futures->pushed, pushed + 1, release);
}

/* -- Apply's side. ----------------------------------------------------------------------------- */

void mr_futures_look(struct mr_futures *futures)
{
    uint64_t taken = mr_atomic_load(&futures->taken, relaxed);
    /* Acquire: pairs with the release in mr_futures_push. */
    futures->next_sequence = mr_atomic_load(&futures->pushed, acquire) == taken
                                 ? MR_NO_FUTURE
                                 : futures->sequenced[taken & futures->mask].sequence;
}

static void complete(struct mr_future *future, int status)
{
    void (*done)(void *context, struct mr_future *future) = future->done;
    void *context = future->context;
    future->status = status;
    /* Without `done`, whoever waits may drop it from here on. */
    mr_park_complete(&future->park);
    if (done != NULL) {
        done(context, future);
    }
}

void mr_futures_answer(struct mr_futures *futures, const struct mr_answer *answer)
{
    uint64_t taken = mr_atomic_load(&futures->taken, relaxed);
    struct mr_future_seat *seat = &futures->sequenced[taken & futures->mask];
    /* Relaxed: nobody else takes from here while apply runs. */
    struct mr_future *future = mr_atomic_load(&seat->future, relaxed);
    mr_atomic_store(&seat->future, NULL, relaxed);
    /* Release: pairs with the acquire in mr_futures_room. */
    mr_atomic_store(&futures->taken, taken + 1, release);
    future->answer = *answer;
    complete(future, MR_OK);
    mr_futures_look(futures);
}

/* -- The end. ---------------------------------------------------------------------------------- */

static void take_and_complete(MR_ATOMIC(struct mr_future *) * from, int status)
{
    /* Acquire: pairs with the releases of those who put it there. */
    struct mr_future *future = mr_atomic_exchange(from, NULL, acq_rel);
    if (future != NULL) {
        complete(future, status);
    }
}

/* In the order in which they would have been answered. */
static void sweep_once(struct mr_engine *engine)
{
    struct mr_futures *futures = &engine->futures;
    int failure = mr_engine_failure(engine, NULL);
    int status = failure != MR_OK ? failure : MR_E_FENCED;
    uint64_t first = mr_atomic_load(&futures->taken, relaxed);
    for (uint64_t i = 0; i <= futures->mask; i++) {
        take_and_complete(&futures->sequenced[(first + i) & futures->mask].future, status);
    }
    first = mr_consumer_position(&engine->sequencer.input);
    for (uint64_t i = 0; i <= engine->input.mask; i++) {
        take_and_complete(&futures->accepted[(first + i) & engine->input.mask], status);
    }
}

/* One thread at a time, so that callbacks come one after another. Nobody waits for it: it may be in
 * a callback that waits for whoever comes here, or be in one itself. It goes round again for those
 * who came meanwhile. */
static void sweep(struct mr_engine *engine)
{
    MR_ATOMIC(uint32_t) *sweeping = &engine->futures.sweeping;
    /* Acquire and release, here and below: what was left behind before somebody came is seen by
     * whoever sweeps after that. */
    if (mr_atomic_fetch_add(sweeping, 1U, acq_rel) != 0) {
        return;
    }
    uint32_t came;
    do {
        came = mr_atomic_load(sweeping, acquire);
        sweep_once(engine);
    } while (!mr_atomic_compare_exchange(sweeping, &came, 0U, acq_rel));
}

void mr_futures_settle(struct mr_engine *engine)
{
    if (__builtin_expect(mr_flag_raised(&engine->futures.over), 0)) {
        sweep(engine);
    }
}

void mr_futures_end(struct mr_engine *engine)
{
    mr_flag_raise(&engine->futures.over);
    sweep(engine);
}

void mr_futures_await_end(struct mr_engine *engine)
{
    /* Acquire: pairs with the last step of sweep. */
    while (mr_atomic_load(&engine->futures.sweeping, acquire) != 0) {
        sched_yield();
    }
}

/* -- For embedders. ---------------------------------------------------------------------------- */

int mr_future_wait(struct mr_future *future, uint64_t timeout_ns)
{
    return mr_park_await(&future->park, timeout_ns) ? future->status : MR_AGAIN;
}
