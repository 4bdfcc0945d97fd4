/*
 * Millrace's ring in the rows with one consumer.
 */
#include "bench/disruptor/ours.h"
#include "bench/disruptor/peers.h"

#include <stdio.h>
#include <stdlib.h>

/* -- Rings. ------------------------------------------------------------------------------------ */

struct mr_ring_options ours_words(void)
{
    return (struct mr_ring_options){
        .capacity = FRAME_SLOTS,
        .slot_size = sizeof(uint64_t),
        .producer_wait = {.kind = MR_WAIT_SPIN},
        .consumer_wait = {.kind = MR_WAIT_SPIN},
    };
}

static void expect(int status, const struct mr_error *error)
{
    if (status == MR_OK)
        return;
    fprintf(stderr, "%s\n", error->text);
    exit(EXIT_FAILURE);
}

void ours_ring_begin(struct mr_ring *ring, struct mr_ring_options options)
{
    struct mr_error error;
    options.memory = frame_memory(mr_ring_memory_size(&options));
    expect(mr_ring_init(ring, &options, &error), &error);
}

void ours_ring_end(struct mr_ring *ring)
{
    free(ring->slots);
}

void ours_consumer_begin(struct mr_ring *ring, struct mr_consumer *consumer,
                         const struct mr_consumer_options *options)
{
    struct mr_error error;
    expect(mr_ring_consumer_add(ring, consumer, options, &error), &error);
}

/* -- 1p1c-8, 1p1c-8-batch, 1p1c-64. ------------------------------------------------------------ */

bool ours_produce(void *context, uint64_t messages)
{
    struct ours *ours = context;
    struct mr_producer producer = mr_producer_of(&ours->ring, NULL);
    for (uint64_t i = 0; i < messages; i++) {
        uint64_t position;
        if (mr_producer_claim(&producer, 1, &position) != MR_OK)
            return false;
        *(uint64_t *)mr_producer_slot(&producer, position) = i;
        mr_producer_publish(&producer, position, 1);
    }
    return true;
}

/* The same by the ring's own functions. */
static bool produce_by_ring(void *context, uint64_t messages)
{
    struct ours *ours = context;
    for (uint64_t i = 0; i < messages; i++) {
        uint64_t position;
        if (mr_ring_claim(&ours->ring, 1, &position) != MR_OK)
            return false;
        *(uint64_t *)mr_ring_slot(&ours->ring, position) = i;
        mr_ring_publish(&ours->ring, position, 1);
    }
    return true;
}

/* Batches as long as these, from the first position on, never go across the wrap. */
static bool produce_batches(void *context, uint64_t messages)
{
    struct ours *ours = context;
    struct mr_producer producer = mr_producer_of(&ours->ring, NULL);
    for (uint64_t i = 0; i < messages; i += FRAME_BATCH) {
        uint64_t position;
        if (mr_producer_claim(&producer, FRAME_BATCH, &position) != MR_OK)
            return false;
        uint64_t *slots = mr_producer_slot(&producer, position);
        for (uint64_t k = 0; k < FRAME_BATCH; k++)
            slots[k] = i + k;
        mr_producer_publish(&producer, position, FRAME_BATCH);
    }
    return true;
}

static bool produce_lines(void *context, uint64_t messages)
{
    struct ours *ours = context;
    struct mr_producer producer = mr_producer_of(&ours->ring, NULL);
    for (uint64_t i = 0; i < messages; i++) {
        uint64_t position;
        if (mr_producer_claim(&producer, 1, &position) != MR_OK)
            return false;
        frame_line_write(mr_producer_slot(&producer, position), i);
        mr_producer_publish(&producer, position, 1);
    }
    return true;
}

static bool consume_words(void *context, uint64_t messages)
{
    struct ours *ours = context;
    uint64_t wrong = 0;
    for (uint64_t position = 0; position < messages;) {
        uint64_t next = mr_consumer_wait(&ours->consumer);
        wrong |= ours_wrong(&ours->ring, position, next, 0);
        mr_consumer_release(&ours->consumer, next);
        position = next;
    }
    return wrong == 0;
}

static bool consume_lines(void *context, uint64_t messages)
{
    struct ours *ours = context;
    uint64_t wrong = 0;
    for (uint64_t position = 0; position < messages;) {
        uint64_t next = mr_consumer_wait(&ours->consumer);
        for (; position < next; position++)
            wrong |= frame_line_wrong(mr_ring_slot(&ours->ring, position), position);
        mr_consumer_release(&ours->consumer, next);
    }
    return wrong == 0;
}

static double measure(struct mr_ring_options options, bool (*produce)(void *, uint64_t),
                      bool (*consume)(void *, uint64_t), uint64_t messages)
{
    static struct ours ours;
    const struct frame_role roles[] = {
        {.cpu = 0, .run = produce, .context = &ours, .messages = messages},
        {.cpu = 1, .run = consume, .context = &ours, .messages = messages},
    };
    ours_ring_begin(&ours.ring, options);
    ours_consumer_begin(&ours.ring, &ours.consumer, NULL);
    double ns = frame_run(roles, 2);
    ours_ring_end(&ours.ring);
    return ns;
}

static double one_by_one(uint64_t messages)
{
    return measure(ours_words(), ours_produce, consume_words, messages);
}

static double one_by_one_by_ring(uint64_t messages)
{
    return measure(ours_words(), produce_by_ring, consume_words, messages);
}

static double in_batches(uint64_t messages)
{
    uint64_t whole = (messages + FRAME_BATCH - 1) / FRAME_BATCH * FRAME_BATCH;
    return measure(ours_words(), produce_batches, consume_words, whole);
}

static double lines(enum mr_ring_layout layout, uint64_t messages)
{
    struct mr_ring_options options = ours_words();
    options.layout = layout;
    options.capacity = FRAME_LINE_SLOTS;
    options.slot_size = sizeof(struct frame_line);
    return measure(options, produce_lines, consume_lines, messages);
}

static double lines_packed(uint64_t messages)
{
    return lines(MR_RING_THROUGHPUT, messages);
}

static double lines_apart(uint64_t messages)
{
    return lines(MR_RING_LATENCY, messages);
}

/* -- 3p1c-8. ----------------------------------------------------------------------------------- */

struct shared {
    struct ours ours;
    MR_ATOMIC(uint64_t) producers;
};

static bool produce_shared(void *context, uint64_t messages)
{
    struct shared *shared = context;
    uint64_t producer = mr_atomic_fetch_add(&shared->producers, (uint64_t)1, relaxed);
    for (uint64_t i = 0; i < messages; i++) {
        uint64_t position;
        if (mr_ring_claim(&shared->ours.ring, 1, &position) != MR_OK)
            return false;
        *(uint64_t *)mr_ring_slot(&shared->ours.ring, position) = frame_shared_message(producer, i);
        mr_ring_publish(&shared->ours.ring, position, 1);
    }
    return true;
}

static bool consume_shared(void *context, uint64_t messages)
{
    struct shared *shared = context;
    struct frame_shared_check check = {0};
    for (uint64_t position = 0; position < messages;) {
        uint64_t next = mr_consumer_wait(&shared->ours.consumer);
        for (; position < next; position++)
            frame_shared_take(&check, *(uint64_t *)mr_ring_slot(&shared->ours.ring, position));
        mr_consumer_release(&shared->ours.consumer, next);
    }
    return check.wrong == 0;
}

static double three_to_one(uint64_t messages)
{
    static struct shared shared;
    struct mr_ring_options options = ours_words();
    options.producers = MR_PRODUCER_MULTI;
    options.producer_wait.kind = MR_WAIT_YIELD;
    options.consumer_wait.kind = MR_WAIT_YIELD;
    mr_atomic_store(&shared.producers, (uint64_t)0, relaxed);
    ours_ring_begin(&shared.ours.ring, options);
    ours_consumer_begin(&shared.ours.ring, &shared.ours.consumer, NULL);
    double ns = frame_run_shared(produce_shared, consume_shared, &shared, messages);
    ours_ring_end(&shared.ours.ring);
    return ns;
}

/* -- round-trip. ------------------------------------------------------------------------------- */

struct table {
    struct ours there;
    struct ours back;
};

static void send(struct ours *ours, uint64_t message)
{
    uint64_t position;
    if (mr_ring_claim(&ours->ring, 1, &position) != MR_OK)
        abort();
    *(uint64_t *)mr_ring_slot(&ours->ring, position) = message;
    mr_ring_publish(&ours->ring, position, 1);
}

static uint64_t receive(struct ours *ours, uint64_t position)
{
    uint64_t next = mr_consumer_wait(&ours->consumer);
    uint64_t message = *(uint64_t *)mr_ring_slot(&ours->ring, position);
    mr_consumer_release(&ours->consumer, next);
    return message;
}

static bool serve(void *context, uint64_t messages)
{
    struct table *table = context;
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < messages; i++) {
        send(&table->there, i);
        wrong |= receive(&table->back, i) ^ i;
    }
    return wrong == 0;
}

static bool answer(void *context, uint64_t messages)
{
    struct table *table = context;
    for (uint64_t i = 0; i < messages; i++)
        send(&table->back, receive(&table->there, i));
    return true;
}

static double round_trip(enum mr_ring_layout layout, uint64_t messages)
{
    static struct table table;
    const struct frame_role roles[] = {
        {.cpu = 0, .run = serve, .context = &table, .messages = messages},
        {.cpu = 1, .run = answer, .context = &table, .messages = messages},
    };
    struct mr_ring_options options = ours_words();
    options.layout = layout;
    ours_ring_begin(&table.there.ring, options);
    ours_ring_begin(&table.back.ring, options);
    ours_consumer_begin(&table.there.ring, &table.there.consumer, NULL);
    ours_consumer_begin(&table.back.ring, &table.back.consumer, NULL);
    double ns = frame_run(roles, 2);
    ours_ring_end(&table.there.ring);
    ours_ring_end(&table.back.ring);
    return ns;
}

static double round_trip_apart(uint64_t messages)
{
    return round_trip(MR_RING_LATENCY, messages);
}

static double round_trip_packed(uint64_t messages)
{
    return round_trip(MR_RING_THROUGHPUT, messages);
}

static const struct frame_subject subjects[] = {
    {"1p1c-8", "millrace", 100000000, one_by_one},
    {"1p1c-8", "millrace-ring", 100000000, one_by_one_by_ring},
    {"1p1c-8-batch", "millrace", 300000000, in_batches},
    {"1p1c-64", "millrace", 40000000, lines_packed},
    {"1p1c-64", "millrace-latency", 40000000, lines_apart},
    {"3p1c-8", "millrace", 6000000, three_to_one},
    {"round-trip", "millrace", 1000000, round_trip_apart},
    {"round-trip", "millrace-throughput", 1000000, round_trip_packed},
};

void ours_add(void)
{
    frame_add(subjects, sizeof subjects / sizeof subjects[0]);
    ours_add_graphs();
}
