/*
 * A program for ThreadSanitizer: what goes through a ring is plain memory, so that every order that
 * the ring's atomics lack is a data race. tsan_catches.sh compiles it with sources in which one
 * release or acquire is taken out. Nobody parks: the read-modify-writes of a park would make up for
 * an order that is missing elsewhere.
 */
#include <millrace/pool.h>

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGES = 120, PRODUCERS = 2, WORKERS = 2, CAPACITY_MAX = 8 };

/* The slots: one word that the producer writes, one that the first consumer or the pool does. */
struct message {
    uint64_t number;
    uint64_t stamp;
};

struct probe {
    struct mr_ring ring;
    struct mr_consumer consumer;
    struct mr_consumer follower;
    struct mr_pool pool;
    struct mr_worker workers[WORKERS];
    uint64_t messages; /* of each producer */
    bool own;          /* producers go by an object of their own */
};

/* On a busy machine, who naps has its turn long before who only yields. */
static const struct mr_wait napping = {
    .kind = MR_WAIT_SLEEP, .spins = 8, .yields = 1, .sleep_ns = 1000};
alignas(MR_RING_PADDING) static unsigned char memory[2048];

static void expect(bool so, const char *what)
{
    if (so)
        return;
    fprintf(stderr, "tsan_probe: not so: %s\n", what);
    exit(1);
}

static void produce_by_ring(struct probe *probe)
{
    for (uint64_t i = 0; i < probe->messages; i++) {
        uint64_t position;
        if (mr_ring_claim(&probe->ring, 1, &position) != MR_OK)
            return;
        struct message *message = mr_ring_slot(&probe->ring, position);
        message->number = position;
        mr_ring_publish(&probe->ring, position, 1);
    }
}

static void produce_by_own(struct probe *probe)
{
    struct mr_producer producer = mr_producer_of(&probe->ring, NULL);
    for (uint64_t i = 0; i < probe->messages; i++) {
        uint64_t position;
        if (mr_producer_claim(&producer, 1, &position) != MR_OK)
            return;
        struct message *message = mr_producer_slot(&producer, position);
        message->number = position;
        mr_producer_publish(&producer, position, 1);
    }
}

static void *produce(void *argument)
{
    struct probe *probe = argument;
    if (probe->own)
        produce_by_own(probe);
    else
        produce_by_ring(probe);
    return NULL;
}

static void handle(struct probe *probe, uint64_t first, uint64_t next)
{
    for (uint64_t p = first; p != next; p++) {
        struct message *message = mr_ring_slot(&probe->ring, p);
        expect(message->number == p, "a consumer gets what was produced");
        message->stamp = p;
    }
}

static void *consume(void *argument)
{
    struct probe *probe = argument;
    for (;;) {
        uint64_t position = mr_consumer_position(&probe->consumer);
        uint64_t next = mr_consumer_wait(&probe->consumer);
        if (next == position)
            return NULL;
        handle(probe, position, next);
        mr_consumer_release(&probe->consumer, next);
    }
}

static void *work(void *argument)
{
    struct mr_worker *worker = argument;
    struct probe *probe =
        (struct probe *)(void *)((char *)worker->pool - offsetof(struct probe, pool));
    uint64_t first, next;
    while (mr_worker_wait(worker, &first, &next)) {
        handle(probe, first, next);
        mr_worker_release(worker, next);
    }
    return NULL;
}

/* Comes after the consumer or the pool, and reads what they wrote. */
static void *follow(void *argument)
{
    struct probe *probe = argument;
    for (;;) {
        uint64_t position = mr_consumer_position(&probe->follower);
        uint64_t next = mr_consumer_wait(&probe->follower);
        if (next == position)
            return NULL;
        for (uint64_t p = position; p != next; p++) {
            const struct message *message = mr_ring_slot(&probe->ring, p);
            expect(message->stamp == p, "a follower gets what was written before it");
        }
        mr_consumer_release(&probe->follower, next);
    }
}

static pthread_t start(void *(*life)(void *), void *argument)
{
    pthread_t thread = 0;
    expect(pthread_create(&thread, NULL, life, argument) == 0, "a thread starts");
    return thread;
}

/* One ring: some producers, a consumer or a pool, perhaps a follower. */
static void run(struct mr_ring_options options, bool own, bool pooled, bool followed)
{
    static struct probe probe;
    struct mr_consumer *after[WORKERS + 1] = {&probe.consumer};
    struct mr_consumer_options following = {.after = after, .after_count = 1};
    pthread_t producing[PRODUCERS], consuming[WORKERS + 1];
    uint32_t producers = options.producers == MR_PRODUCER_MULTI ? PRODUCERS : 1;
    uint32_t threads = 0;

    options.slot_size = sizeof(struct message);
    options.memory = memory;
    options.producer_wait = options.consumer_wait = napping;
    expect(mr_ring_memory_size(&options) <= sizeof memory, "the ring fits");
    expect(mr_ring_init(&probe.ring, &options, NULL) == MR_OK, "a ring");
    probe.messages = MESSAGES / producers;
    probe.own = own;
    if (pooled) {
        expect(mr_pool_init(&probe.pool, &probe.ring, probe.workers, WORKERS, NULL, NULL) == MR_OK,
               "a pool");
        following.after_count = mr_pool_consumers(&probe.pool, after);
    } else {
        expect(mr_ring_consumer_add(&probe.ring, &probe.consumer, NULL, NULL) == MR_OK,
               "a consumer");
    }
    if (followed)
        expect(mr_ring_consumer_add(&probe.ring, &probe.follower, &following, NULL) == MR_OK,
               "a follower");

    for (uint32_t w = 0; pooled && w < WORKERS; w++)
        consuming[threads++] = start(work, &probe.workers[w]);
    if (!pooled)
        consuming[threads++] = start(consume, &probe);
    if (followed)
        consuming[threads++] = start(follow, &probe);
    for (uint32_t p = 0; p < producers; p++)
        producing[p] = start(produce, &probe);
    for (uint32_t p = 0; p < producers; p++)
        pthread_join(producing[p], NULL);
    expect(mr_ring_drain(&probe.ring, 0) == MR_OK, "it drains");
    mr_ring_halt(&probe.ring);
    while (threads > 0)
        pthread_join(consuming[--threads], NULL);
}

/* -- What one producer has seen of the consumers, another one relies on. ----------------------- */

/* The order in which the threads below take their turns. Relaxed: it must not bring about what the
 * ring has to. */
static MR_ATOMIC(uint32_t) turn;

static void await(uint32_t value)
{
    while (mr_atomic_load(&turn, relaxed) != value)
        sched_yield();
}

static void fill(struct probe *probe, uint32_t count)
{
    uint64_t first;
    expect(mr_ring_try_claim(&probe->ring, count, &first) == MR_OK, "there is room");
    for (uint64_t p = first; p != first + count; p++) {
        struct message *message = mr_ring_slot(&probe->ring, p);
        message->number = p;
    }
    mr_ring_publish(&probe->ring, first, count);
    mr_atomic_fetch_add(&turn, 1U, relaxed);
}

static void *empty_once(void *argument)
{
    struct probe *probe = argument;
    await(1);
    uint64_t next = mr_consumer_available(&probe->consumer);
    expect(next == 4, "it is full");
    handle(probe, 0, next);
    mr_consumer_release(&probe->consumer, next);
    mr_atomic_fetch_add(&turn, 1U, relaxed);
    return NULL;
}

/* Finds room by itself, and leaves some. */
static void *fill_first(void *argument)
{
    fill(argument, 4);
    await(2);
    fill(argument, 1);
    return NULL;
}

/* Finds the room that the first one left, without a look of its own. */
static void *fill_second(void *argument)
{
    await(3);
    fill(argument, 1);
    return NULL;
}

static void run_gate(void)
{
    static struct probe probe;
    struct mr_ring_options options = {
        .capacity = 4,
        .slot_size = sizeof(struct message),
        .producers = MR_PRODUCER_MULTI,
        .memory = memory,
        .producer_wait = napping,
        .consumer_wait = napping,
    };
    expect(mr_ring_init(&probe.ring, &options, NULL) == MR_OK, "a ring");
    expect(mr_ring_consumer_add(&probe.ring, &probe.consumer, NULL, NULL) == MR_OK, "a consumer");
    pthread_t threads[] = {start(empty_once, &probe), start(fill_first, &probe),
                           start(fill_second, &probe)};
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    run_gate();
    for (uint64_t capacity = 1; capacity <= CAPACITY_MAX; capacity *= 4)
        for (uint32_t kind = 0; kind < 32; kind++) {
            const struct mr_ring_options options = {
                .capacity = capacity,
                .producers = (kind & 1) != 0 ? MR_PRODUCER_MULTI : MR_PRODUCER_SINGLE,
                .layout = (kind & 2) != 0 ? MR_RING_LATENCY : MR_RING_THROUGHPUT,
            };
            run(options, (kind & 16) != 0, (kind & 4) != 0, (kind & 8) != 0);
        }
    return 0;
}
