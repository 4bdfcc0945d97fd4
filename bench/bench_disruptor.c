/*
 * What it costs to hand a message from one thread to another. The order of messages is checked
 * while measuring.
 */
#include "bench/harness.h"
#include "disruptor/backoff.h"

#include <millrace/disruptor.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGES = 100000000, MESSAGES_QUICK = 20000000, CAPACITY = 1 << 16 };

static uint64_t message_count(void)
{
    return bench_quick() ? MESSAGES_QUICK : MESSAGES;
}

/* Runs `produce` on one core while the caller consumes on another; ns a message from the first
 * claim to the last release. */
static double ns_per_message(void *(*produce)(void *), bool (*consume)(void *), void *context)
{
    pthread_t producer;
    if (bench_cpus() < 2) {
        fprintf(stderr, "two threads that hand over need two CPUs\n");
        return BENCH_SKIPPED;
    }
    bench_pin(0);
    uint64_t start_ns = bench_now_ns();
    if (pthread_create(&producer, NULL, produce, context) != 0)
        return BENCH_FAILED;
    bool in_order = consume(context);
    pthread_join(producer, NULL);
    uint64_t end_ns = bench_now_ns();
    return in_order ? (double)(end_ns - start_ns) / (double)message_count() : BENCH_FAILED;
}

/* -- 1p1c-8: one producer, one consumer, 8 bytes a message, each claimed and published by itself. -
 */

struct pair {
    struct mr_ring ring;
    struct mr_consumer consumer;
};

static void *pair_produce(void *context)
{
    struct pair *pair = context;
    uint64_t messages = message_count();
    bench_pin(1);
    for (uint64_t i = 0; i < messages; i++) {
        uint64_t position;
        if (!mr_ring_claim(&pair->ring, 1, &position))
            break;
        *(uint64_t *)mr_ring_slot(&pair->ring, position) = i;
        mr_ring_publish(&pair->ring, position, 1);
    }
    return NULL;
}

static bool pair_consume(void *context)
{
    struct pair *pair = context;
    uint64_t messages = message_count();
    uint64_t wrong = 0;
    for (uint64_t position = 0; position < messages;) {
        uint64_t next = mr_consumer_wait(&pair->consumer);
        for (; position < next; position++)
            wrong += *(uint64_t *)mr_ring_slot(&pair->ring, position) != position;
        mr_consumer_release(&pair->consumer, next);
    }
    return wrong == 0;
}

static double pair_measure(void *context)
{
    static struct pair pair;
    struct mr_ring_options options = {
        .capacity = CAPACITY, .slot_size = sizeof(uint64_t), .wait = MR_WAIT_SPIN};
    (void)context;
    options.memory = aligned_alloc(MR_RING_PADDING, mr_ring_memory_size(&options));
    if (options.memory == NULL || mr_ring_init(&pair.ring, &options, NULL) != MR_OK ||
        mr_ring_consumer_add(&pair.ring, &pair.consumer, NULL, 0, NULL) != MR_OK)
        return BENCH_FAILED;
    double ns = ns_per_message(pair_produce, pair_consume, &pair);
    free(options.memory);
    return ns;
}

/* -- limit:stream-of-lines: the same words through two cores' caches with next to no cursor. A word
 * other than that of the round before is the message; the consumer looks at the last word of a
 * block before it reads the block, and says once a block what may be overwritten.
 * ------------------- */

enum { BLOCK = 1024, PAUSES = 64 };

struct stream {
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) words[CAPACITY];
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) consumed;
};

static void *stream_produce(void *context)
{
    struct stream *stream = context;
    uint64_t messages = message_count();
    bench_pin(1);
    uint64_t room = CAPACITY;
    for (uint64_t i = 0; i < messages; i++) {
        while (i == room)
            room = mr_atomic_load(&stream->consumed, acquire) + CAPACITY;
        mr_atomic_store(&stream->words[i % CAPACITY], i + 1, release);
    }
    return NULL;
}

/* Waits for the word of position `i`, without taking its line from the producer all the time. */
static uint64_t stream_await(struct stream *stream, uint64_t i)
{
    uint64_t before = i < CAPACITY ? 0 : i + 1 - CAPACITY;
    uint64_t word;
    while ((word = mr_atomic_load(&stream->words[i % CAPACITY], acquire)) == before)
        for (int pause = 0; pause < PAUSES; pause++)
            mr_relax();
    return word;
}

static bool stream_consume(void *context)
{
    struct stream *stream = context;
    uint64_t messages = message_count();
    uint64_t wrong = 0;
    for (uint64_t block = 0; block < messages; block += BLOCK) {
        uint64_t end = block + BLOCK < messages ? block + BLOCK : messages;
        stream_await(stream, end - 1);
        for (uint64_t i = block; i < end; i++)
            wrong += mr_atomic_load(&stream->words[i % CAPACITY], relaxed) != i + 1;
        mr_atomic_store(&stream->consumed, end, release);
    }
    return wrong == 0;
}

static double stream_measure(void *context)
{
    static struct stream stream;
    (void)context;
    for (uint64_t i = 0; i < CAPACITY; i++)
        mr_atomic_store(&stream.words[i], 0, relaxed);
    mr_atomic_store(&stream.consumed, 0, relaxed);
    return ns_per_message(stream_produce, stream_consume, &stream);
}

int main(int argc, char **argv)
{
    bench_begin("disruptor", argc, argv);
    bench_add((struct bench_case){
        .row = "1p1c-8", .subject = "millrace", .unit = BENCH_NS, .measure = pair_measure});
    bench_add((struct bench_case){.row = "1p1c-8",
                                  .subject = "limit:stream-of-lines",
                                  .unit = BENCH_NS,
                                  .measure = stream_measure});
    return bench_end();
}
