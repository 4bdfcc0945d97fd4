/*
 * The fixture of a processor's tests, which tell in one line what it calls. A script says what the
 * handler returns, one character a call, and a log what was called:
 *
 *     script   . MR_OK   A MR_AGAIN   F a failure   H MR_OK, and the ring is halted   L MR_OK, and
 *              the consumer is alerted   h, l the same with a failure; after its end: MR_OK; blanks
 *              mean nothing
 *     log      [3       a batch of 3 begins
 *              5/2      the handler is called for position 5, 2 come after it in this batch
 *              5/2^1    the same with attempt 1
 *              |5-8     positions [5, 8) are flushed
 *              !5       position 5 has failed
 *              T5       a time limit, waiting for position 5
 *              S, E     start and stop
 *
 * Unless a test says otherwise it runs over both layouts, both kinds of producers, and both a
 * consumer and a worker.
 */
#ifndef MR_TESTS_DISRUPTOR_PROCESSOR_FIXTURE_H
#define MR_TESTS_DISRUPTOR_PROCESSOR_FIXTURE_H

#include <millrace/processor.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CAPACITY = 16, LETTERS = 2, SLOT_SIZE = 24, LOG_SIZE = 4096 };

static const uint64_t HOUR_NS = UINT64_C(3600) * 1000000000;

struct fixture {
    struct mr_ring ring, letters;
    struct mr_consumer consumer, letter_consumer;
    struct mr_pool pool;
    struct mr_worker worker;
    struct mr_processor_options options;
    struct mr_processor processor;
    struct mr_consumer *mine; /* the processor's consumer */
    const char *script;
    const char *flush_script;
    enum mr_failure_action action; /* what `failed` says */
    int start_status;
    char log[LOG_SIZE];
    alignas(MR_RING_PADDING) unsigned char memory[CAPACITY * MR_RING_PADDING];
    alignas(MR_RING_PADDING) unsigned char letter_memory[(LETTERS + 2) * MR_RING_PADDING];
};

static struct fixture fixture;

static struct variant {
    enum mr_ring_layout layout;
    enum mr_producers producers;
    bool worker;
} variant;

/* -- A handler that does as its script says. --------------------------------------------------- */

static inline void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline void note(const char *format, ...)
{
    size_t used = strlen(fixture.log);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(fixture.log + used, LOG_SIZE - used, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < LOG_SIZE - used);
}

static inline char script_next(const char **script)
{
    while (*script != NULL && **script == ' ')
        (*script)++;
    if (*script == NULL || **script == '\0')
        return '.';
    return *(*script)++;
}

static inline int do_as_told(char what)
{
    if (what == 'H' || what == 'h')
        mr_ring_halt(&fixture.ring);
    if (what == 'L' || what == 'l')
        mr_consumer_alert(fixture.mine);
    if (what == 'A')
        return MR_AGAIN;
    return what == 'F' || what == 'h' || what == 'l' ? MR_E_IO : MR_OK;
}

static inline int handle(void *context, const struct mr_delivery *delivery)
{
    assert_ptr_equal(context, &fixture);
    assert_ptr_equal(delivery->slot, mr_ring_slot(&fixture.ring, delivery->position));
    assert_int_equal(*(uint64_t *)delivery->slot, delivery->position * 7);
    note("%d/%d", (int)delivery->position, (int)delivery->batch_left);
    if (delivery->attempt > 0)
        note("^%d", (int)delivery->attempt);
    note(" ");
    return do_as_told(script_next(&fixture.script));
}

static inline void batch(void *context, uint64_t size, uint64_t backlog)
{
    (void)context;
    note(backlog > 0 ? "[%d+%d " : "[%d ", (int)size, (int)backlog);
}

static inline int flush(void *context, uint64_t first, uint64_t next)
{
    (void)context;
    note("|%d-%d ", (int)first, (int)next);
    return do_as_told(script_next(&fixture.flush_script));
}

static inline enum mr_failure_action failed(void *context, const struct mr_delivery *delivery,
                                            int status)
{
    (void)context;
    note("!%d ", (int)delivery->position);
    if (delivery->attempt > 0)
        note("^%d ", (int)delivery->attempt);
    assert_true(status == MR_E_IO || status == MR_E_LIMIT);
    return fixture.action;
}

static inline void timeout(void *context, uint64_t position)
{
    (void)context;
    note("T%d ", (int)position);
    if (strlen(fixture.log) > 8)
        mr_ring_halt(&fixture.ring);
}

static inline int start(void *context)
{
    (void)context;
    note("S ");
    return fixture.start_status;
}

static inline void stop(void *context)
{
    (void)context;
    note("E ");
}

/* -- The fixture. ------------------------------------------------------------------------------ */

static inline void letters_open(uint32_t count)
{
    struct mr_ring_options options = {.capacity = count,
                                      .slot_size = (uint32_t)mr_dead_letter_size(&fixture.ring),
                                      .layout = variant.layout,
                                      .producers = variant.producers,
                                      .memory = fixture.letter_memory};
    assert_true(mr_ring_memory_size(&options) <= sizeof fixture.letter_memory);
    assert_int_equal(mr_ring_init(&fixture.letters, &options, NULL), MR_OK);
    assert_int_equal(mr_ring_consumer_add(&fixture.letters, &fixture.letter_consumer, NULL, NULL),
                     MR_OK);
}

static inline void fixture_open_waiting(struct mr_wait wait)
{
    const struct mr_consumer_options options = {.batch_max = 8};
    struct mr_ring_options ring = {.capacity = CAPACITY,
                                   .slot_size = SLOT_SIZE,
                                   .layout = variant.layout,
                                   .producers = variant.producers,
                                   .consumer_wait = wait,
                                   .memory = fixture.memory};
    memset(&fixture, 0, sizeof fixture);
    assert_true(mr_ring_memory_size(&ring) <= sizeof fixture.memory);
    assert_int_equal(mr_ring_init(&fixture.ring, &ring, NULL), MR_OK);
    fixture.options = (struct mr_processor_options){
        .handler = {.handle = handle, .batch = batch, .context = &fixture}};
    if (variant.worker) {
        assert_int_equal(
            mr_pool_init(&fixture.pool, &fixture.ring, &fixture.worker, 1, &options, NULL), MR_OK);
        fixture.options.worker = &fixture.worker;
        fixture.mine = &fixture.worker.consumer;
    } else {
        assert_int_equal(mr_ring_consumer_add(&fixture.ring, &fixture.consumer, &options, NULL),
                         MR_OK);
        fixture.options.consumer = &fixture.consumer;
        fixture.mine = &fixture.consumer;
    }
    letters_open(LETTERS);
}

static inline void fixture_open(void)
{
    fixture_open_waiting((struct mr_wait){.kind = MR_WAIT_PARK});
}

/* A new processor, on a consumer that may have had one. */
static inline void processor_open(const char *script)
{
    struct mr_error error;
    fixture.script = script;
    fixture.log[0] = '\0';
    if (mr_processor_init(&fixture.processor, &fixture.options, &error) != MR_OK)
        fail_msg("%s", error.text);
}

static inline void produce(uint32_t count)
{
    uint64_t first;
    assert_int_equal(mr_ring_try_claim(&fixture.ring, count, &first), MR_OK);
    for (uint64_t p = first; p != first + count; p++)
        *(uint64_t *)mr_ring_slot(&fixture.ring, p) = p * 7;
    mr_ring_publish(&fixture.ring, first, count);
}

static inline int work(void)
{
    return mr_processor_work(&fixture.processor);
}

/* Everything below is handled. */
static inline uint64_t position(void)
{
    return mr_ring_slowest(&fixture.ring);
}

static inline uint64_t counted(MR_ATOMIC(uint64_t) * counter)
{
    return mr_atomic_load(counter, relaxed);
}

#define assert_log(expected)                                                                   \
    do {                                                                                       \
        if (strcmp(fixture.log, expected) != 0)                                                \
            fail_msg("layout %d, producers %d, worker %d: \"%s\" instead of \"%s\"",           \
                     (int)variant.layout, (int)variant.producers, variant.worker, fixture.log, \
                     expected);                                                                \
        fixture.log[0] = '\0';                                                                 \
    } while (0)

/* How many dead letters there are. The first is of `position`, if any. */
static inline uint64_t letters(void)
{
    return mr_ring_cursor(&fixture.letters) - mr_consumer_position(&fixture.letter_consumer);
}

static const struct mr_dead_letter *letter(void)
{
    return mr_ring_slot(&fixture.letters, mr_consumer_position(&fixture.letter_consumer));
}

static inline void letter_drop(void)
{
    uint64_t at = mr_consumer_position(&fixture.letter_consumer);
    assert_true(mr_consumer_available(&fixture.letter_consumer) != at);
    mr_consumer_release(&fixture.letter_consumer, at + 1);
}

static inline void letters_fill(void)
{
    uint64_t first;
    while (mr_ring_try_claim(&fixture.letters, 1, &first) == MR_OK)
        mr_ring_publish(&fixture.letters, first, 1);
}

static inline void skip_failures(void)
{
    fixture.options.failure.action = MR_FAILURE_SKIP;
    fixture.options.failure.dead_letters = &fixture.letters;
}

/* -- All variants. ----------------------------------------------------------------------------- */

static inline void run_in_all_variants(void (*test)(void))
{
    for (int i = 0; i < 8; i++) {
        variant =
            (struct variant){.layout = (i & 1) != 0 ? MR_RING_LATENCY : MR_RING_THROUGHPUT,
                             .producers = (i & 2) != 0 ? MR_PRODUCER_MULTI : MR_PRODUCER_SINGLE,
                             .worker = (i & 4) != 0};
        test();
    }
}

/* A test that runs in all variants. */
#define TEST(claim)                        \
    static void claim##_here(void);        \
    static void claim(void **state)        \
    {                                      \
        (void)state;                       \
        run_in_all_variants(claim##_here); \
    }                                      \
    static void claim##_here(void)

#endif
