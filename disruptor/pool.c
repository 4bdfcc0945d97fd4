/*
 * How workers share a stream. The pool has one shared cursor, `taken`: everything below it has been
 * taken by some worker. Each worker has a cursor of its own: the first position that it has in
 * hand, or one so far ahead that it holds nobody up.
 *
 * A worker takes [t, t + n) in this order:
 *     1. t = taken; n positions from t are there
 *     2. its own cursor = t
 *     3. taken from t to t + n, if it still is t; else from 1 again
 * Whoever asks how far the pool has come (producers, and those who come after it) reads `taken`
 * first and then the workers' cursors. If it sees a `taken` beyond (3), it sees (2), too, or a
 * later cursor, with which the worker says that it has handled these positions. If it sees an
 * earlier `taken`, that alone holds it. This is why `taken` has the lowest cursor of the ring's
 * that belong to the pool: mr_ring_slowest_of goes through a set in that order.
 * tests/models/pool.pml checks it.
 *
 * At (2) a worker may put its cursor to a position that another one has just handled, and find so
 * at (3). For a moment the pool then seems to have gone back, perhaps far. Who finds no room
 * because of it may fall asleep, and is woken when the worker moves its cursor away again; a
 * consumer takes it for "nothing new"; and whoever joins leaves the workers' cursors out.
 */
#include "base/assert.h"
#include "disruptor/backoff.h"
#include "disruptor/look.h"
#include "disruptor/membership.h"

#include <millrace/pool.h>

/* -- The pool. --------------------------------------------------------------------------------- */

uint32_t mr_pool_consumers(struct mr_pool *pool, struct mr_consumer **consumers)
{
    consumers[0] = &pool->taken;
    for (uint32_t i = 0; i < pool->worker_count; i++)
        consumers[i + 1] = &pool->workers[i].consumer;
    return pool->worker_count + 1;
}

int mr_pool_init(struct mr_pool *pool, struct mr_ring *ring, struct mr_worker *workers,
                 uint32_t worker_count, const struct mr_consumer_options *options,
                 struct mr_error *error)
{
    struct mr_consumer *consumers[MR_RING_CONSUMERS_MAX];
    struct mr_consumer_options given = {0};
    if (options != NULL)
        given = *options;
    if (worker_count == 0)
        return mr_error_set(error, MR_E_INVALID, "pool: it needs a worker");
    if (worker_count > MR_POOL_WORKERS_MAX)
        return mr_error_set(error, MR_E_LIMIT, "pool: %u workers, at most %d are possible",
                            worker_count, MR_POOL_WORKERS_MAX);

    pool->workers = workers;
    pool->worker_count = worker_count;
    pool->chunk_max = given.batch_max == 0 ? MR_POOL_CHUNK : given.batch_max;
    given.batch_max = 0;
    int status = mr_ring_join(ring, consumers, mr_pool_consumers(pool, consumers), &given, error);
    if (status != MR_OK)
        return status;
    for (uint32_t i = 0; i < worker_count; i++) {
        struct mr_worker *worker = &workers[i];
        worker->pool = pool;
        mr_atomic_store(&worker->next, worker->consumer.available, relaxed);
        mr_atomic_store(&worker->chunks, 0U, relaxed);
        mr_atomic_store(&worker->handled, 0U, relaxed);
        mr_atomic_store(&worker->lost, 0U, relaxed);
    }
    return MR_OK;
}

int mr_pool_leave(struct mr_pool *pool, struct mr_error *error)
{
    struct mr_consumer *consumers[MR_RING_CONSUMERS_MAX];
    return mr_ring_leave(consumers, mr_pool_consumers(pool, consumers), error);
}

uint64_t mr_pool_taken(const struct mr_pool *pool)
{
    return mr_consumer_position(&pool->taken);
}

/* -- A worker. --------------------------------------------------------------------------------- */

static void cursor_set(struct mr_worker *worker, uint64_t position)
{
    /* Release: pairs with the acquire in mr_ring_slowest_of; what the worker did with the slots it
     * had before is done. */
    mr_atomic_store(&worker->consumer.cursor->position, position, release);
}

static void wake_others(struct mr_worker *worker)
{
    if (worker->consumer.ring->wakes_others)
        mr_park_wake(&worker->consumer.ring->release);
}

/* What holds nobody up: the worker has nothing from `position` on. */
static void cursor_clear(struct mr_worker *worker, uint64_t position)
{
    cursor_set(worker, position + MR_CURSOR_IDLE_AHEAD);
    wake_others(worker);
}

/* One past the last position that can be taken from `taken` on, at most a chunk. */
static uint64_t chunk_end(struct mr_worker *worker, uint64_t taken)
{
    struct mr_consumer *consumer = &worker->consumer;
    /* What others have taken was there; so the look begins behind it. */
    if (mr_position_ahead(taken, consumer->available) > 0)
        consumer->available = taken;
    if (consumer->available == taken)
        mr_consumer_look_within(consumer, UINT64_MAX);
    uint64_t there = consumer->available - taken;
    return taken + (there < worker->pool->chunk_max ? there : worker->pool->chunk_max);
}

enum mr_poll mr_worker_take(struct mr_worker *worker, uint64_t *first, uint64_t *next)
{
    MR_ATOMIC(uint64_t) *shared = &worker->pool->taken.cursor->position;
    bool announced = false;
    /* Acquire, here and when the exchange fails: pairs with its release. Whoever took what is below
     * has seen it published, and so do we. */
    uint64_t taken = mr_atomic_load(shared, acquire);
    for (;;) {
        uint64_t end = chunk_end(worker, taken);
        if (end == taken)
            break;
        cursor_set(worker, taken);
        if (announced)
            wake_others(worker); /* the cursor stood elsewhere before */
        announced = true;
        mr_atomic_store(&worker->next, end, relaxed);
        *first = taken;
        *next = end;
        /* Release: pairs with the acquire in mr_ring_slowest_of; our cursor before it. Only ever
         * changed by an exchange, so that a later one carries this release on. */
        if (mr_atomic_compare_exchange(shared, &taken, end, acq_rel)) {
            mr_count_up(&worker->chunks, 1);
            return MR_POLL_PROCESSING;
        }
        mr_count_up(&worker->lost, 1);
        taken = mr_atomic_load(shared, acquire);
    }
    if (announced) {
        mr_atomic_store(&worker->next, taken, relaxed);
        cursor_clear(worker, taken);
    }
    *first = *next = taken;
    return mr_consumer_idle_poll(&worker->consumer, taken);
}

bool mr_worker_wait(struct mr_worker *worker, uint64_t *first, uint64_t *next)
{
    struct mr_consumer *consumer = &worker->consumer;
    if (mr_worker_take(worker, first, next) == MR_POLL_PROCESSING)
        return true;
    struct mr_backoff backoff = mr_backoff_begin(&consumer->wait, consumer->park);
    bool got = false;
    for (bool ended = false; !got && !ended;) {
        ended = mr_ring_halted(consumer->ring) || mr_consumer_alerted(consumer) ||
                !mr_backoff_pause(&backoff);
        /* Also after the end: what was published before it may have come after the last look. */
        got = mr_worker_take(worker, first, next) == MR_POLL_PROCESSING;
    }
    mr_count_up(&consumer->counters.stalls, 1);
    if (backoff.sleeps > 0)
        mr_count_up(&consumer->counters.sleeps, backoff.sleeps);
    return got;
}

void mr_worker_release(struct mr_worker *worker, uint64_t next)
{
    uint64_t end = mr_atomic_load(&worker->next, relaxed);
    uint64_t position = mr_atomic_load(&worker->consumer.cursor->position, relaxed);
    ASSERT(next - position <= end - position && end - position <= worker->pool->chunk_max);
    mr_count_up(&worker->handled, next - position);
    if (next == end) {
        cursor_clear(worker, next);
        return;
    }
    cursor_set(worker, next);
    wake_others(worker);
}

bool mr_worker_in_hand(const struct mr_worker *worker, uint64_t *first, uint64_t *next)
{
    *first = mr_atomic_load(&worker->consumer.cursor->position, acquire);
    *next = mr_atomic_load(&worker->next, relaxed);
    /* With nothing in hand the cursor is far ahead of the end. */
    return mr_position_ahead(*next, *first) > 0;
}
