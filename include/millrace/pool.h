/*
 * <millrace/pool.h>: workers that share one stream, so that each position is handled once, by
 * whichever worker takes it.
 *
 *     mr_pool_init(&pool, &ring, workers, 4, NULL, &error);
 *     each worker, in its own thread:
 *         while (mr_worker_take(worker, &first, &next) == MR_POLL_PROCESSING)
 *             handle [first, next);
 *             mr_worker_release(worker, next);
 *
 * Workers take chunks: up to chunk_max positions that are there, never what is yet to come. So a
 * worker without work holds nobody up, and a slow one holds up only the ring's reuse of what it has
 * in hand. Positions are taken in order, and handled in any.
 *
 * A pool is one more consumer of its ring (it takes one of the MR_RING_CONSUMERS_MAX cursors, and
 * one for each worker). Others may come after it: they see a position once it and all before it are
 * handled. LMAX's library had such a WorkerPool up to version 3; the Disruptor's users have asked
 * for it since it went.
 *
 * A worker that died in the middle of a chunk has not lost it: mr_worker_in_hand says what it held,
 * and whoever takes the worker over goes on there.
 */
#ifndef MILLRACE_POOL_H
#define MILLRACE_POOL_H

#include <millrace/disruptor.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum { MR_POOL_WORKERS_MAX = MR_RING_CONSUMERS_MAX - 1, MR_POOL_CHUNK = 64 };

/* One of those who share. It belongs to one thread at a time, as a consumer does. */
struct mr_worker {
    struct mr_consumer consumer; /* its cursor: what it has in hand, or far ahead */
    struct mr_pool *pool;

    /* Written by the worker, alone on their lines: what it holds is [cursor, next). */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) next;
    MR_ATOMIC(uint64_t) chunks;  /* how often it took something */
    MR_ATOMIC(uint64_t) handled; /* positions it has released */
    MR_ATOMIC(uint64_t) lost;    /* times another worker was faster */
};

struct mr_pool {
    struct mr_consumer taken; /* its cursor: the next position to take */
    struct mr_worker *workers;
    uint32_t worker_count;
    uint32_t chunk_max;
};

/* Joins a ring with `worker_count` workers (1 to MR_POOL_WORKERS_MAX), as mr_ring_consumer_add
 * does. The options (NULL: all zero) say where it joins and how its workers wait; batch_max is the
 * largest chunk (0: MR_POOL_CHUNK). MR_OK; MR_E_INVALID: no worker, or as there; MR_E_LIMIT: the
 * ring has not so many cursors left next to one another. Pool and workers stay where they are until
 * the pool leaves. Any thread. */
int mr_pool_init(struct mr_pool *pool, struct mr_ring *ring, struct mr_worker *workers,
                 uint32_t worker_count, const struct mr_consumer_options *options,
                 struct mr_error *error);

/* Leaves the ring, whatever the workers have in hand: ask mr_worker_in_hand before. As
 * mr_ring_consumer_remove. */
int mr_pool_leave(struct mr_pool *pool, struct mr_error *error);

/* Writes the consumers that stand for the pool to `consumers` (room for worker_count + 1) and
 * returns how many: to come after a pool is to come after all of them. */
uint32_t mr_pool_consumers(struct mr_pool *pool, struct mr_consumer **consumers);

/* Takes a chunk for this worker, which must have nothing in hand. PROCESSING: [*first, *next) is
 * its to handle. IDLE: nothing is there. GATED: those that the pool comes after have not released
 * it. The worker's thread; lock-free: it fails to make progress only if another worker does. */
enum mr_poll mr_worker_take(struct mr_worker *worker, uint64_t *first, uint64_t *next);

/* Waits as mr_consumer_wait does until it can take a chunk. False: the ring is halted, the worker's
 * consumer alerted, or its time limit over, and nothing is taken. The worker's thread; blocking. */
bool mr_worker_wait(struct mr_worker *worker, uint64_t *first, uint64_t *next);

/* Everything this worker has in hand below `next` is handled; with all of it handled it may take
 * again. The worker's thread; wait-free, as mr_consumer_release. */
void mr_worker_release(struct mr_worker *worker, uint64_t next);

/* What the worker has in hand: [*first, *next), or false and nothing. For the thread that takes
 * over from one that died (between two calls of this header); any thread may look. Wait-free. */
bool mr_worker_in_hand(const struct mr_worker *worker, uint64_t *first, uint64_t *next);

/* The next position that some worker will take. Any thread; wait-free. */
uint64_t mr_pool_taken(const struct mr_pool *pool);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
