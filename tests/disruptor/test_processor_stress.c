/*
 * Processors in threads: producers, then one processor or a pool of them with handlers that fail,
 * rewind and hold, then one that comes after them, and one that reads their dead letters. The main
 * thread alerts the first ones now and then, and they are run again, or anew if they had stopped.
 *
 * Each position has an entry in a ledger, in plain memory, so that a sanitizer sees every missing
 * happens-before. Whoever comes after the failing stage finds every position settled there: handled
 * or given up. In the end each is handled, or is one dead letter. MR_SEED=n sets the dice (threads
 * interleave as they like).
 */
#include <millrace/processor.h>

#include "base/assert.h"
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

enum { TRIALS = 60, MESSAGES = 1500, PRODUCERS_MAX = 2, WORKERS_MAX = 3, CAPACITY_MAX = 64 };

enum result { NONE, HANDLED, FAILED, PUT_OFF };

struct entry {
    enum result result; /* of the last call */
    uint32_t letters;
};

/* A processor with its thread. */
struct actor {
    struct trial *trial;
    struct mr_processor_options options;
    struct mr_processor processor;
    struct mr_random random;
    pthread_t thread;
};

struct trial {
    struct mr_ring ring, letters;
    struct mr_pool pool;
    struct mr_worker workers[WORKERS_MAX];
    struct mr_consumer consumer, later_consumer, letter_consumer;
    uint32_t producer_count, worker_count; /* no worker: one consumer */
    uint32_t fails, agains;                /* of 1000 calls */
    struct actor actors[WORKERS_MAX], later, letter_reader;
    struct actor producers[PRODUCERS_MAX];
    MR_ATOMIC(uint32_t) over;
    struct entry ledger[MESSAGES * PRODUCERS_MAX];
    uint64_t seen_later, seen_letters;
    alignas(MR_RING_PADDING) unsigned char memory[CAPACITY_MAX * MR_RING_PADDING];
    alignas(MR_RING_PADDING) unsigned char letter_memory[CAPACITY_MAX * MR_RING_PADDING];
};

/* -- The handlers. ----------------------------------------------------------------------------- */

static int handle_with_failures(void *context, const struct mr_delivery *delivery)
{
    struct actor *actor = context;
    struct trial *trial = actor->trial;
    struct entry *entry = &trial->ledger[delivery->position];
    uint64_t dice = mr_random_below(&actor->random, 1000);
    ASSERT(*(uint64_t *)delivery->slot == delivery->position);
    ASSERT(delivery->attempt > 0 || entry->result == NONE ||
           actor->options.failure.action == MR_FAILURE_STOP);
    if (dice < trial->fails) {
        entry->result = FAILED;
        return MR_E_BUSY;
    }
    if (dice < trial->fails + trial->agains) {
        entry->result = PUT_OFF;
        return MR_AGAIN;
    }
    entry->result = HANDLED;
    return MR_OK;
}

/* Once too often put off is failed, too. */
static bool is_settled(const struct trial *trial, const struct entry *entry)
{
    bool may_give_up = trial->actors[0].options.failure.action == MR_FAILURE_SKIP;
    bool may_limit = trial->actors[0].options.rewind.rewinds_max > 0;
    return entry->result == HANDLED || (may_give_up && entry->result == FAILED) ||
           (may_give_up && may_limit && entry->result == PUT_OFF);
}

static int handle_later(void *context, const struct mr_delivery *delivery)
{
    struct trial *trial = context;
    ASSERT(delivery->position == trial->seen_later);
    ASSERT(*(uint64_t *)delivery->slot == delivery->position);
    ASSERT(is_settled(trial, &trial->ledger[delivery->position]));
    trial->seen_later++;
    return MR_OK;
}

static int handle_letter(void *context, const struct mr_delivery *delivery)
{
    struct trial *trial = context;
    const struct mr_dead_letter *letter = delivery->slot;
    ASSERT(letter->source == &trial->ring && letter->status < 0);
    ASSERT(*(const uint64_t *)mr_dead_letter_content(letter) == letter->position);
    ASSERT(is_settled(trial, &trial->ledger[letter->position]));
    ASSERT(trial->ledger[letter->position].result != HANDLED);
    trial->ledger[letter->position].letters++;
    trial->seen_letters++;
    if (trial->seen_letters % 16 == 0)
        sched_yield(); /* lets the ring fill up */
    return MR_OK;
}

/* -- The threads. ------------------------------------------------------------------------------ */

static void *produce(void *argument)
{
    struct actor *actor = argument;
    struct mr_ring *ring = &actor->trial->ring;
    for (uint32_t left = MESSAGES; left > 0;) {
        uint32_t count = 1 + (uint32_t)mr_random_below(&actor->random, mr_ring_capacity(ring));
        uint64_t first = 0;
        if (count > left)
            count = left;
        int status = mr_ring_claim(ring, count, &first);
        ASSERT(status == MR_OK);
        for (uint64_t p = first; p != first + count; p++)
            *(uint64_t *)mr_ring_slot(ring, p) = p;
        mr_ring_publish(ring, first, count);
        left -= count;
    }
    return NULL;
}

static bool is_over(struct trial *trial)
{
    return mr_atomic_load(&trial->over, acquire) != 0;
}

static void *process(void *argument)
{
    struct actor *actor = argument;
    while (!is_over(actor->trial)) {
        int status = mr_processor_run(&actor->processor);
        ASSERT(status == MR_OK || status == MR_AGAIN || status == MR_E_BUSY ||
               status == MR_E_LIMIT);
        if (status < 0) {
            status = mr_processor_init(&actor->processor, &actor->options, NULL);
            ASSERT(status == MR_OK);
        }
        mr_consumer_alert_clear(actor->processor.consumer);
    }
    return NULL;
}

static void thread_start(struct actor *actor, void *(*body)(void *))
{
    assert_int_equal(pthread_create(&actor->thread, NULL, body, actor), 0);
}

static void processor_start(struct actor *actor)
{
    assert_int_equal(mr_processor_init(&actor->processor, &actor->options, NULL), MR_OK);
    thread_start(actor, process);
}

/* -- A trial. ---------------------------------------------------------------------------------- */

static struct mr_wait random_wait(struct mr_random *random)
{
    static const enum mr_wait_kind kinds[] = {MR_WAIT_PARK, MR_WAIT_SLEEP, MR_WAIT_YIELD};
    return (struct mr_wait){.kind = kinds[mr_random_below(random, 3)],
                            .spins = 1 + (uint32_t)mr_random_below(random, 20),
                            .yields = 1 + (uint32_t)mr_random_below(random, 5)};
}

static void letters_open(struct trial *trial, struct mr_random *random)
{
    struct mr_ring_options options = {.capacity = UINT64_C(1) << mr_random_below(random, 5),
                                      .slot_size = (uint32_t)mr_dead_letter_size(&trial->ring),
                                      .producers = MR_PRODUCER_MULTI,
                                      .layout = (enum mr_ring_layout)mr_random_below(random, 2),
                                      .memory = trial->letter_memory};
    assert_true(mr_ring_memory_size(&options) <= sizeof trial->letter_memory);
    assert_int_equal(mr_ring_init(&trial->letters, &options, NULL), MR_OK);
    assert_int_equal(mr_ring_consumer_add(&trial->letters, &trial->letter_consumer, NULL, NULL),
                     MR_OK);
}

static void rings_open(struct trial *trial, struct mr_random *random)
{
    struct mr_consumer *before[WORKERS_MAX + 1] = {&trial->consumer};
    struct mr_ring_options options = {.capacity = UINT64_C(1) << mr_random_below(random, 7),
                                      .slot_size = 8 * (1 + (uint32_t)mr_random_below(random, 4)),
                                      .layout = (enum mr_ring_layout)mr_random_below(random, 2),
                                      .producer_wait = random_wait(random),
                                      .consumer_wait = random_wait(random),
                                      .memory = trial->memory};
    struct mr_consumer_options consumer = {.batch_max = 1 + (uint32_t)mr_random_below(random, 20)};
    trial->producer_count = 1 + (uint32_t)mr_random_below(random, PRODUCERS_MAX);
    trial->worker_count = (uint32_t)mr_random_below(random, WORKERS_MAX + 1);
    if (trial->producer_count > 1 || mr_random_below(random, 2) == 0)
        options.producers = MR_PRODUCER_MULTI;
    assert_true(mr_ring_memory_size(&options) <= sizeof trial->memory);
    assert_int_equal(mr_ring_init(&trial->ring, &options, NULL), MR_OK);
    uint32_t before_count = 1;
    if (trial->worker_count > 0) {
        assert_int_equal(mr_pool_init(&trial->pool, &trial->ring, trial->workers,
                                      trial->worker_count, &consumer, NULL),
                         MR_OK);
        before_count = mr_pool_consumers(&trial->pool, before);
    } else {
        assert_int_equal(mr_ring_consumer_add(&trial->ring, &trial->consumer, &consumer, NULL),
                         MR_OK);
    }
    consumer.after = before;
    consumer.after_count = before_count;
    assert_int_equal(mr_ring_consumer_add(&trial->ring, &trial->later_consumer, &consumer, NULL),
                     MR_OK);
    letters_open(trial, random);
}

static void actors_open(struct trial *trial, struct mr_random *random)
{
    uint32_t count = trial->worker_count > 0 ? trial->worker_count : 1;
    struct mr_processor_options options = {
        .handler = {.handle = handle_with_failures},
        .failure = {.retries = (uint32_t)mr_random_below(random, 3),
                    .action = (enum mr_failure_action)mr_random_below(random, 2),
                    .dead_letters = &trial->letters},
        .rewind = {.rewinds_max = (uint32_t)mr_random_below(random, 4),
                   .pause_ns = 1000 * mr_random_below(random, 2),
                   .pause_ns_max = 8000},
    };
    trial->fails = (uint32_t)mr_random_below(random, 100);
    trial->agains = (uint32_t)mr_random_below(random, 50);
    for (uint32_t i = 0; i < count; i++) {
        struct actor *actor = &trial->actors[i];
        actor->options = options;
        actor->options.handler.context = actor;
        actor->options.consumer = trial->worker_count == 0 ? &trial->consumer : NULL;
        actor->options.worker = trial->worker_count == 0 ? NULL : &trial->workers[i];
        mr_random_init(&actor->random, mr_random_u64(random));
    }
    trial->later.options = (struct mr_processor_options){
        .consumer = &trial->later_consumer, .handler = {.handle = handle_later, .context = trial}};
    trial->letter_reader.options =
        (struct mr_processor_options){.consumer = &trial->letter_consumer,
                                      .handler = {.handle = handle_letter, .context = trial}};
}

static void each_actor(struct trial *trial, void (*act)(struct actor *))
{
    for (uint32_t i = 0; i == 0 || i < trial->worker_count; i++)
        act(&trial->actors[i]);
    act(&trial->later);
    act(&trial->letter_reader);
}

static void set_trial(struct trial *trial, struct mr_random *random)
{
    trial->letter_reader.trial = trial->later.trial = trial;
    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        trial->actors[i].trial = trial;
    for (uint32_t i = 0; i < PRODUCERS_MAX; i++) {
        trial->producers[i].trial = trial;
        mr_random_init(&trial->producers[i].random, mr_random_u64(random));
    }
}

static void join(struct actor *actor)
{
    pthread_join(actor->thread, NULL);
}

static void trial_run(struct trial *trial, struct mr_random *random)
{
    uint64_t total = (uint64_t)MESSAGES * trial->producer_count;
    each_actor(trial, processor_start);
    for (uint32_t i = 0; i < trial->producer_count; i++)
        thread_start(&trial->producers[i], produce);
    while (mr_consumer_position(&trial->later_consumer) != total) {
        uint64_t worker = mr_random_below(random, WORKERS_MAX + 20);
        if (worker < trial->worker_count)
            mr_consumer_alert(&trial->workers[worker].consumer);
        else if (worker == 0)
            mr_consumer_alert(&trial->consumer);
        sched_yield();
    }
    for (uint32_t i = 0; i < trial->producer_count; i++)
        join(&trial->producers[i]);
    assert_int_equal(mr_ring_drain(&trial->letters, 0), MR_OK);
    mr_atomic_store(&trial->over, 1U, release);
    mr_ring_halt(&trial->ring);
    mr_ring_halt(&trial->letters);
    each_actor(trial, join);

    assert_int_equal(trial->seen_later, total);
    for (uint64_t p = 0; p < total; p++)
        assert_int_equal((trial->ledger[p].result == HANDLED) + trial->ledger[p].letters, 1);
}

static void every_position_is_settled_before_it_is_seen_and_settled_once(void **state)
{
    (void)state;
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? SEED_DEFAULT : strtoull(text, NULL, 10);
    uint64_t letters = 0;
    printf("MR_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    for (uint64_t i = 0; i < (text == NULL ? TRIALS : 1); i++) {
        static struct trial trial;
        struct mr_random random;
        mr_random_init(&random, seed + i);
        memset(&trial, 0, sizeof trial);
        rings_open(&trial, &random);
        set_trial(&trial, &random);
        actors_open(&trial, &random);
        trial_run(&trial, &random);
        letters += trial.seen_letters;
    }
    assert_true(text != NULL || letters > TRIALS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_position_is_settled_before_it_is_seen_and_settled_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
