/*
 * Millrace's rings as all of its subjects use them.
 */
#ifndef MR_BENCH_DISRUPTOR_OURS_H
#define MR_BENCH_DISRUPTOR_OURS_H

#include "bench/disruptor/frame.h"

#include <millrace/disruptor.h>

/* A ring and its consumer, or its first one. */
struct ours {
    struct mr_ring ring;
    struct mr_consumer consumer;
};

/* A ring of 8-byte messages between threads that have cores of their own. */
struct mr_ring_options ours_words(void);

/* Makes a ring in memory of frame_memory's, and gives that back. Fails aloud, for good. */
void ours_ring_begin(struct mr_ring *ring, struct mr_ring_options options);
void ours_ring_end(struct mr_ring *ring);

/* Adds a consumer (options may be NULL). Fails aloud, for good. */
void ours_consumer_begin(struct mr_ring *ring, struct mr_consumer *consumer,
                         const struct mr_consumer_options *options);

/* The role of a producer of 8-byte messages, each claimed and published by itself; the context is a
 * struct ours. */
bool ours_produce(void *context, uint64_t messages);

/* What is wrong with the 8-byte messages [position, next), to each of which `added` was added. */
static inline uint64_t ours_wrong(const struct mr_ring *ring, uint64_t position, uint64_t next,
                                  uint64_t added)
{
    uint64_t wrong = 0;
    while (position < next) {
        const uint64_t *words = mr_ring_slot(ring, position);
        uint64_t count = mr_ring_run(ring, position, next);
        for (uint64_t k = 0; k < count; k++)
            wrong |= words[k] ^ (position + k + added);
        position += count;
    }
    return wrong;
}

void ours_add_graphs(void);

#endif
