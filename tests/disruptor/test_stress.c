/*
 * Several threads on one ring: random graphs, capacities, batches and ways to wait, from a seed.
 *
 * Every slot carries its position, who produced it, that producer's count, and a stamp from each
 * consumer that handled it. With these, each thread checks what it can see, on plain memory, so
 * that a sanitizer sees every missing happens-before:
 *   - a producer that takes a slot: every consumer has stamped what was there (never lapped);
 *   - a consumer: the slot is of this position (no loss, nothing twice), each producer's count goes
 *     up by one (order), and all it comes after have stamped it (never passed).
 * In the end every consumer has seen what the reference says: each producer's messages, all of
 * them, and all consumers in the same order (a digest over the sequence).
 */
#include <millrace/disruptor.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/random.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED_DEFAULT UINT64_C(20240607)

enum { PRODUCERS_MAX = 3, CONSUMERS_MAX = 5, TRIALS = 120, MESSAGES = 5000 };

struct message {
    uint64_t position;
    uint64_t count;
    uint64_t producer;
    uint64_t stamps[CONSUMERS_MAX]; /* position + 1 once handled; the padding of false sharing is
                                       left out on purpose */
};

struct trial {
    struct mr_ring ring;
    struct mr_consumer consumers[CONSUMERS_MAX];
    struct mr_ring_options options;
    uint32_t before[CONSUMERS_MAX]; /* bit i: comes after consumer i, directly or not */
    uint32_t producer_count;
    uint32_t consumer_count;
    uint64_t messages; /* of each producer */
    uint64_t batch_max;
    bool polls; /* try_claim and available, rather than claim and wait */
    uint64_t seed;
};

struct actor {
    struct trial *trial;
    uint32_t index;
    struct mr_random random;
    uint64_t digest;
    uint64_t counts[PRODUCERS_MAX]; /* what a consumer has seen of each producer */
};

/* -- Producers. -------------------------------------------------------------------------------- */

static void check_not_lapped(const struct trial *trial, const struct message *old,
                             uint64_t position)
{
    uint64_t capacity = mr_ring_capacity(&trial->ring);
    if (position - trial->ring.first_position < capacity)
        return;
    ASSERT(old->position == position - capacity);
    for (uint32_t c = 0; c < trial->consumer_count; c++)
        ASSERT(old->stamps[c] == position - capacity + 1);
}

static uint64_t claim(struct trial *trial, uint32_t count)
{
    uint64_t first;
    if (!trial->polls) {
        ASSERT(mr_ring_claim(&trial->ring, count, &first));
        return first;
    }
    while (!mr_ring_try_claim(&trial->ring, count, &first))
        sched_yield();
    return first;
}

/* Publishes a claim in one go or in two. */
static void publish(struct actor *actor, uint64_t first, uint32_t count)
{
    struct mr_ring *ring = &actor->trial->ring;
    uint32_t part = (uint32_t)mr_random_below(&actor->random, 2 * (uint64_t)count);
    if (part == 0 || part >= count) {
        mr_ring_publish(ring, first, count);
        return;
    }
    mr_ring_publish(ring, first, part);
    mr_ring_publish(ring, first + part, count - part);
}

static void *produce(void *argument)
{
    struct actor *actor = argument;
    struct trial *trial = actor->trial;
    for (uint64_t sent = 0; sent < trial->messages;) {
        uint64_t batch = 1 + mr_random_below(&actor->random, trial->batch_max);
        if (batch > trial->messages - sent)
            batch = trial->messages - sent;
        uint64_t first = claim(trial, (uint32_t)batch);
        for (uint64_t p = first; p != first + batch; p++) {
            struct message *message = mr_ring_slot(&trial->ring, p);
            check_not_lapped(trial, message, p);
            message->position = p;
            message->producer = actor->index;
            message->count = sent++;
        }
        publish(actor, first, (uint32_t)batch);
        if (mr_random_chance(&actor->random, 1, 200))
            sched_yield();
    }
    return NULL;
}

/* -- Consumers. -------------------------------------------------------------------------------- */

static void check_message(struct actor *actor, const struct message *message, uint64_t position)
{
    const struct trial *trial = actor->trial;
    ASSERT(message->position == position);
    ASSERT(message->producer < trial->producer_count);
    ASSERT(message->count == actor->counts[message->producer]);
    for (uint32_t c = 0; c < trial->consumer_count; c++)
        if ((trial->before[actor->index] >> c & 1) != 0)
            ASSERT(message->stamps[c] == position + 1);
    actor->counts[message->producer]++;
    actor->digest = mr_mix64(actor->digest ^ (message->producer << 32) ^ message->count);
}

static void *consume(void *argument)
{
    struct actor *actor = argument;
    struct trial *trial = actor->trial;
    struct mr_consumer *self = &trial->consumers[actor->index];
    for (;;) {
        uint64_t position = mr_consumer_position(self);
        uint64_t next = trial->polls ? mr_consumer_available(self) : mr_consumer_wait(self);
        if (next == position) {
            if (mr_ring_halted(&trial->ring))
                return NULL;
            sched_yield();
            continue;
        }
        /* Now and then only a part of the batch. */
        if (mr_random_chance(&actor->random, 1, 3))
            next = position + 1 + mr_random_below(&actor->random, next - position);
        for (uint64_t p = position; p != next; p++) {
            struct message *message = mr_ring_slot(&trial->ring, p);
            check_message(actor, message, p);
            message->stamps[actor->index] = p + 1;
        }
        mr_consumer_release(self, next);
        if (mr_random_chance(&actor->random, 1, 200))
            sched_yield();
    }
}

/* -- A trial. ---------------------------------------------------------------------------------- */

/* Sets who comes after whom: each consumer after a random set of earlier ones. The shapes that
 * matter most come up by name as often as all others together. */
static void graph_choose(struct trial *trial, struct mr_random *random, uint32_t direct[])
{
    enum { ALONE, PIPELINE, MULTICAST, DIAMOND, ANY };
    static const uint32_t diamond[] = {0, 1, 1, 6};
    uint64_t shape = mr_random_below(random, 8);
    trial->consumer_count = 1;
    if (shape == DIAMOND)
        trial->consumer_count = 4;
    else if (shape != ALONE)
        trial->consumer_count = 2 + (uint32_t)mr_random_below(random, CONSUMERS_MAX - 1);
    for (uint32_t c = 0; c < trial->consumer_count; c++) {
        uint32_t earlier = (1U << c) - 1;
        if (shape == PIPELINE)
            direct[c] = c == 0 ? 0 : 1U << (c - 1);
        else if (shape == DIAMOND)
            direct[c] = diamond[c];
        else if (shape >= ANY)
            direct[c] = (uint32_t)mr_random_u64(random) & earlier;
        else
            direct[c] = 0;
        trial->before[c] = direct[c];
        for (uint32_t d = 0; d < c; d++)
            if ((direct[c] >> d & 1) != 0)
                trial->before[c] |= trial->before[d];
    }
}

static void sizes_choose(struct trial *trial, struct mr_random *random)
{
    const uint64_t wraps[] = {1000, UINT64_C(1) << 32, UINT64_C(1) << 63, 0};
    struct mr_ring_options *options = &trial->options;
    options->capacity = UINT64_C(1) << mr_random_below(random, 11);
    options->slot_size = sizeof(struct message);
    trial->producer_count = 1 + (uint32_t)mr_random_below(random, PRODUCERS_MAX);
    options->producers = trial->producer_count > 1 || mr_random_chance(random, 1, 4)
                             ? MR_PRODUCER_MULTI
                             : MR_PRODUCER_SINGLE;
    trial->messages = MESSAGES / trial->producer_count;
    /* The wrap, if any, comes somewhere in the middle. */
    options->first_position =
        wraps[mr_random_below(random, 4)] - mr_random_below(random, trial->messages);
    if (mr_random_chance(random, 1, 3))
        options->first_position += (options->capacity - 1) << 32; /* the marks' rounds wrap */
    trial->batch_max = 1 + mr_random_below(random, options->capacity < 32 ? options->capacity : 32);
    trial->polls = mr_random_chance(random, 1, 3);
    /* More threads than cores that never give theirs up would measure the scheduler's patience. */
    options->wait = (enum mr_wait_kind)mr_random_below(random, 3);
    if (options->wait == MR_WAIT_SPIN && trial->producer_count + trial->consumer_count > 2)
        options->wait = MR_WAIT_YIELD;
    if (options->wait == MR_WAIT_SPIN)
        trial->messages /= 4;
}

static void trial_build(struct trial *trial, uint64_t seed)
{
    struct mr_random random;
    uint32_t direct[CONSUMERS_MAX] = {0};
    memset(trial, 0, sizeof *trial);
    mr_random_init(&random, seed);
    trial->seed = seed;
    graph_choose(trial, &random, direct);
    sizes_choose(trial, &random);
    trial->options.memory = aligned_alloc(MR_RING_PADDING, mr_ring_memory_size(&trial->options));
    assert_int_equal(mr_ring_init(&trial->ring, &trial->options, NULL), MR_OK);
    for (uint32_t c = 0; c < trial->consumer_count; c++) {
        struct mr_consumer *after[CONSUMERS_MAX];
        uint32_t count = 0;
        for (uint32_t d = 0; d < c; d++)
            if ((direct[c] >> d & 1) != 0)
                after[count++] = &trial->consumers[d];
        assert_int_equal(
            mr_ring_consumer_add(&trial->ring, &trial->consumers[c], after, count, NULL), MR_OK);
    }
}

/* Waits, by work and not by time, until all is handled; any thread may look at any moment. */
static void drain(const struct mr_ring *ring)
{
    for (;;) {
        uint64_t slowest = mr_ring_slowest(ring);
        uint64_t cursor = mr_ring_cursor(ring);
        ASSERT(mr_position_ahead(cursor, slowest) >= 0);
        if (slowest == cursor)
            return;
        sched_yield();
    }
}

static void trial_check(const struct trial *trial, const struct actor *consumers)
{
    uint64_t end = trial->ring.first_position + trial->messages * trial->producer_count;
    assert_int_equal(mr_ring_cursor(&trial->ring), end);
    for (uint32_t c = 0; c < trial->consumer_count; c++) {
        assert_int_equal(mr_consumer_position(&trial->consumers[c]), end);
        assert_int_equal(consumers[c].digest, consumers[0].digest);
        for (uint32_t p = 0; p < trial->producer_count; p++)
            assert_int_equal(consumers[c].counts[p], trial->messages);
    }
}

static void trial_run(uint64_t seed)
{
    static struct trial trial;
    static struct actor producers[PRODUCERS_MAX];
    static struct actor consumers[CONSUMERS_MAX];
    pthread_t producing[PRODUCERS_MAX] = {0};
    pthread_t consuming[CONSUMERS_MAX] = {0};

    trial_build(&trial, seed);
    for (uint32_t c = 0; c < trial.consumer_count; c++) {
        consumers[c] = (struct actor){.trial = &trial, .index = c, .random = {seed + 100 + c}};
        assert_int_equal(pthread_create(&consuming[c], NULL, consume, &consumers[c]), 0);
    }
    for (uint32_t p = 0; p < trial.producer_count; p++) {
        producers[p] = (struct actor){.trial = &trial, .index = p, .random = {seed + 200 + p}};
        assert_int_equal(pthread_create(&producing[p], NULL, produce, &producers[p]), 0);
    }
    for (uint32_t p = 0; p < trial.producer_count; p++)
        pthread_join(producing[p], NULL);
    drain(&trial.ring);
    mr_ring_halt(&trial.ring);
    for (uint32_t c = 0; c < trial.consumer_count; c++)
        pthread_join(consuming[c], NULL);
    trial_check(&trial, consumers);
    free(trial.options.memory);
}

static void every_consumer_gets_everything_once_in_order_and_nobody_overtakes(void **state)
{
    (void)state;
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? SEED_DEFAULT : strtoull(text, NULL, 10);
    /* One seed given: that trial alone, as the assertion's last line of output names it. */
    int trials = text == NULL ? TRIALS : 1;
    for (int i = 0; i < trials; i++) {
        printf("MR_SEED=%" PRIu64 "\n", seed + (uint64_t)i);
        fflush(stdout);
        trial_run(seed + (uint64_t)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_consumer_gets_everything_once_in_order_and_nobody_overtakes),
    };
    return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
