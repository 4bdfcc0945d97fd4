/*
 * What the tests of the ring share: one ring with its consumers, and scripts that run over all its
 * shapes.
 *
 * A *script* is a test as a function of fixture.options, which it may alter before it calls
 * ring_open. over_shapes(script) makes it a test that runs over single and several producers, both
 * layouts, and first positions right before each place where some number wraps. Scripts count
 * positions from the ring's first one: at(n) is the n-th.
 */
#ifndef MR_TESTS_DISRUPTOR_RING_FIXTURE_H
#define MR_TESTS_DISRUPTOR_RING_FIXTURE_H

#include <millrace/disruptor.h>

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

enum { CAPACITY = 8, CONSUMERS = MR_RING_CONSUMERS_MAX + 1, BEFORE_WRAP = 3 };

struct ring_fixture {
    struct mr_ring ring;
    struct mr_consumer consumers[CONSUMERS];
    struct mr_ring_options options;
    char running[160]; /* what is being tried; empty between trials */
};

static struct ring_fixture fixture;

/* MR_SEED, or a number of this file's own. The caller prints it. */
static inline uint64_t seed_of_tests(void)
{
    const char *text = getenv("MR_SEED");
    return text == NULL ? UINT64_C(20240607) : strtoull(text, NULL, 10);
}

static inline const enum mr_wait_kind *wait_kinds_begin(void)
{
    static const enum mr_wait_kind kinds[] = {MR_WAIT_PARK, MR_WAIT_YIELD, MR_WAIT_SPIN,
                                              MR_WAIT_SLEEP};
    return kinds;
}

#define FOR_EACH_WAIT_KIND(kind) \
    for (const enum mr_wait_kind *kind = wait_kinds_begin(); kind < wait_kinds_begin() + 4; kind++)

/* -- The ring. --------------------------------------------------------------------------------- */

static inline void ring_close(void)
{
    free(fixture.options.memory);
    fixture.options.memory = NULL;
}

/* Makes the ring that fixture.options describes, without consumers. */
static inline void ring_open(void)
{
    ring_close();
    size_t size = mr_ring_memory_size(&fixture.options);
    assert_true(size > 0 && size % MR_RING_PADDING == 0);
    fixture.options.memory = aligned_alloc(MR_RING_PADDING, size);
    assert_non_null(fixture.options.memory);
    memset(fixture.options.memory, 0xa5, size);
    memset(fixture.consumers, 0xa5, sizeof fixture.consumers);
    assert_int_equal(mr_ring_init(&fixture.ring, &fixture.options, NULL), MR_OK);
}

static inline void ring_open_waiting(enum mr_wait_kind producers, enum mr_wait_kind consumers)
{
    fixture.options.producer_wait = (struct mr_wait){.kind = producers};
    fixture.options.consumer_wait = (struct mr_wait){.kind = consumers};
    ring_open();
}

static inline bool is_latency(void)
{
    return fixture.options.layout == MR_RING_LATENCY;
}

static inline bool is_multi(void)
{
    return fixture.options.producers == MR_PRODUCER_MULTI;
}

static inline uint64_t at(uint64_t n)
{
    return fixture.options.first_position + n;
}

/* The number of a position: the inverse of at. */
static inline uint64_t number(uint64_t position)
{
    return position - fixture.options.first_position;
}

/* -- Producers. -------------------------------------------------------------------------------- */

/* Every slot carries its position, as far as it is large enough. */
static inline void slot_fill(uint64_t position)
{
    size_t size = fixture.options.slot_size;
    memcpy(mr_ring_slot(&fixture.ring, position), &position, size < 8 ? size : 8);
}

static inline bool slot_holds(uint64_t position)
{
    size_t size = fixture.options.slot_size;
    return memcmp(mr_ring_slot(&fixture.ring, position), &position, size < 8 ? size : 8) == 0;
}

static inline void publish(uint64_t n, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        slot_fill(at(n + i));
    mr_ring_publish(&fixture.ring, at(n), count);
}

/* Claims `count` and returns the number of the first. */
static inline uint64_t claim(uint32_t count)
{
    uint64_t first = 0;
    assert_int_equal(mr_ring_try_claim(&fixture.ring, count, &first), MR_OK);
    return number(first);
}

static inline void produce(uint32_t count)
{
    publish(claim(count), count);
}

static inline void assert_full(void)
{
    uint64_t first = 0;
    assert_int_equal(mr_ring_try_claim(&fixture.ring, 1, &first), MR_AGAIN);
}

/* -- Consumers. -------------------------------------------------------------------------------- */

static inline struct mr_consumer *consumer(uint32_t index)
{
    return &fixture.consumers[index];
}

/* Adds consumer `index`, as `options` say, after those whose bits are set in `after`. */
static inline int add_as(uint32_t index, uint64_t after, struct mr_consumer_options options)
{
    struct mr_consumer *others[64];
    for (uint32_t i = 0; i < 64; i++)
        if ((after >> i & 1) != 0)
            others[options.after_count++] = consumer(i);
    options.after = others;
    return mr_ring_consumer_add(&fixture.ring, consumer(index), &options, NULL);
}

static inline void add(uint32_t index, uint64_t after)
{
    assert_int_equal(add_as(index, after, (struct mr_consumer_options){0}), MR_OK);
}

static inline void leave(uint32_t index)
{
    assert_int_equal(mr_ring_consumer_remove(consumer(index), NULL), MR_OK);
}

static inline uint64_t position(uint32_t index)
{
    return number(mr_consumer_position(consumer(index)));
}

static inline uint64_t available(uint32_t index)
{
    return number(mr_consumer_available(consumer(index)));
}

/* Looks until there is nothing more to see: in the latency layout one look is not enough, when the
 * one before found nothing. */
static inline uint64_t look_all(uint32_t index)
{
    uint64_t known = mr_consumer_look(consumer(index));
    for (uint64_t more; (more = mr_consumer_look(consumer(index))) != known; known = more)
        ;
    return number(known);
}

static inline bool slots_hold(uint64_t from, uint64_t next)
{
    for (uint64_t p = from; p != next; p++)
        if (!slot_holds(p))
            return false;
    return true;
}

/* Handles and releases everything below `n`, which must be available. */
static inline void handle(uint32_t index, uint64_t n)
{
    uint64_t from = mr_consumer_position(consumer(index));
    assert_true(look_all(index) >= n);
    assert_true(slots_hold(from, at(n)));
    mr_consumer_release(consumer(index), at(n));
}

/* -- Threads. ---------------------------------------------------------------------------------- */

static inline pthread_t thread_start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, body, argument), 0);
    return thread;
}

static inline void thread_join(pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Gives others every chance to go on; nothing may depend on whether they did. */
static inline void let_others_run(void)
{
    for (int i = 0; i < 50; i++)
        sched_yield();
}

/* Until somebody has announced that it is about to sleep there; most likely it then sleeps. */
static inline void await_sleeper(struct mr_park *park)
{
    while ((mr_atomic_load(&park->word, acquire) & MR_PARK_OCCUPIED) == 0)
        sched_yield();
    let_others_run();
}

/* -- Running scripts. -------------------------------------------------------------------------- */

struct ring_script {
    void (*run)(void);
};

/* Right before 32 bits, the sign, the position itself, and the marks' rounds and their sign wrap;
 * or nowhere near any of these. */
static inline uint64_t first_position_of(uint32_t choice, uint64_t capacity)
{
    const uint64_t wraps[] = {BEFORE_WRAP, UINT64_C(1) << 32, UINT64_C(1) << 63,
                              0,           capacity << 32,    capacity << 31};
    return wraps[choice] - BEFORE_WRAP;
}

enum { FIRST_POSITIONS = 6 };

static inline void ring_script_run_once(const struct ring_script *script, uint32_t choice)
{
    struct mr_wait wait = {.kind = choice % 2 == 0 ? MR_WAIT_PARK : MR_WAIT_SPIN};
    struct mr_ring_options *options = &fixture.options;
    options->capacity = CAPACITY;
    options->slot_size = sizeof(uint64_t);
    options->producer_wait = wait;
    options->consumer_wait = wait;
    options->first_position = first_position_of(choice, CAPACITY);
    snprintf(fixture.running, sizeof fixture.running,
             "%s, %s layout, from position %" PRIu64 ", waits by default %d",
             is_multi() ? "several producers" : "a single producer",
             is_latency() ? "latency" : "throughput", options->first_position, (int)wait.kind);
    script->run();
    ring_close();
    fixture.running[0] = '\0';
}

static inline void ring_script_run(void **state)
{
    for (uint32_t choice = 0; choice < FIRST_POSITIONS; choice++)
        for (int shape = 0; shape < 4; shape++) {
            fixture.options.producers = shape % 2 == 0 ? MR_PRODUCER_SINGLE : MR_PRODUCER_MULTI;
            fixture.options.layout = shape / 2 == 0 ? MR_RING_THROUGHPUT : MR_RING_LATENCY;
            ring_script_run_once(*state, choice);
        }
}

/* After a failure: says where it was. */
static inline int ring_script_end(void **state)
{
    (void)state;
    if (fixture.running[0] != '\0')
        print_error("... with %s\n", fixture.running);
    fixture.running[0] = '\0';
    ring_close();
    fixture.options = (struct mr_ring_options){0};
    return 0;
}

#define over_shapes(script)                                                    \
    {                                                                          \
#script, ring_script_run, NULL, ring_script_end, &(struct ring_script) \
        {                                                                      \
            script                                                             \
        }                                                                      \
    }
#define only_once(test) cmocka_unit_test_teardown(test, ring_script_end)

#endif
