/*
 * Several threads on one ring, as a seed tells them: stress.h says what is checked.
 *
 *   MR_SEED=N       that trial alone; its line is the last one printed when something fails
 *   MR_HANDOFFS=N   trials from MR_SEED (or the usual one) on, until consumers and workers have
 *                   released N positions
 */
#include "base/assert.h"
#include "tests/disruptor/stress.h"

#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED_DEFAULT     UINT64_C(20240607)
#define HANDOFFS_DEFAULT UINT64_C(10000000)

/* -- Setting up. ------------------------------------------------------------------------------- */

static uint64_t total_of(const struct trial *trial)
{
    return trial->plan.messages * trial->plan.producer_count;
}

static bool is_active(const struct plan *plan, uint32_t column)
{
    return column < FIRST_GUEST ? column < plan->founder_count
                                : column < FIRST_GUEST + plan->guest_count;
}

static void handler_build(struct trial *trial, uint32_t index, uint32_t column,
                          void *(*life)(void *))
{
    struct handler *handler = &trial->handlers[index];
    memset(handler, 0, sizeof *handler);
    handler->trial = trial;
    handler->plan = &trial->plan.handlers[index];
    handler->column = column;
    handler->track = trial->tracks[column];
    handler->life = life;
    mr_random_init(&handler->random, mr_mix64(trial->plan.seed + 100 + index));
    stress_settle(handler, trial->plan.options.first_position);
}

/* All that come before a founder, and that they have been there from the first position on. */
static uint32_t before_of(const struct trial *trial, uint32_t column)
{
    uint32_t after = trial->plan.handlers[column].after;
    uint32_t before = after;
    for (uint32_t set = after; set != 0; set &= set - 1)
        before |= trial->handlers[__builtin_ctz(set)].before;
    return before;
}

static void founder_build(struct trial *trial, uint32_t column)
{
    const struct plan *plan = &trial->plan;
    struct mr_consumer *after[CONSUMERS_OF_MAX];
    uint32_t count = stress_consumers_of(trial, plan->handlers[column].after, after);
    struct handler *handler = &trial->handlers[column];
    handler_build(trial, column, column, stress_consume);
    handler->before = before_of(trial, column);
    for (uint32_t c = 0; c < FOUNDERS_MAX; c++)
        handler->before_from[c] = plan->options.first_position;

    struct mr_consumer_options options = stress_options(handler, after, count);
    if (column != plan->pool_column) {
        CHECK(trial,
              mr_ring_consumer_add(&trial->ring, &handler->consumer, &options, NULL) == MR_OK);
        CHECK(trial, mr_consumer_position(&handler->consumer) == plan->options.first_position);
        return;
    }
    /* The pool's workers wait as the first of them would; each handles a part of the stream. */
    struct handler *workers = &trial->handlers[FIRST_WORKER];
    handler->life = NULL;
    for (uint32_t w = 0; w < plan->worker_count; w++) {
        handler_build(trial, FIRST_WORKER + w, column, stress_work);
        memcpy(workers[w].before_from, handler->before_from, sizeof handler->before_from);
        workers[w].before = handler->before;
        workers[w].sparse = true;
        workers[w].worker = &trial->workers[w];
    }
    options = stress_options(&workers[0], after, count);
    CHECK(trial, mr_pool_init(&trial->pool, &trial->ring, trial->workers,
                              plan->worker_count + plan->crowd, &options, NULL) == MR_OK);
}

static void trial_build(struct trial *trial, uint64_t seed)
{
    struct plan *plan = &trial->plan;
    stress_plan(plan, seed);
    stress_plan_print(plan);
    memset(trial->handlers, 0, sizeof trial->handlers);
    memset(trial->producers, 0, sizeof trial->producers);
    memset(trial->lounge.open, 0, sizeof trial->lounge.open);
    memset(trial->lounge.followers, 0, sizeof trial->lounge.followers);

    size_t size = mr_ring_memory_size(&plan->options);
    plan->options.memory = aligned_alloc(MR_RING_PADDING, size);
    memset(plan->options.memory, 0, size);
    trial->seen = calloc(total_of(trial), sizeof *trial->seen);
    for (uint32_t c = 0; c < COLUMNS; c++)
        trial->tracks[c] = is_active(plan, c) ? calloc(total_of(trial), 1) : NULL;

    assert_int_equal(mr_ring_init(&trial->ring, &plan->options, NULL), MR_OK);
    for (uint32_t c = 0; c < plan->founder_count; c++)
        founder_build(trial, c);
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        handler_build(trial, FIRST_GUEST + g, FIRST_GUEST + g, stress_visit);
        trial->handlers[FIRST_GUEST + g].sparse = plan->handlers[FIRST_GUEST + g].workers > 0;
    }
}

static void trial_free(struct trial *trial)
{
    free(trial->plan.options.memory);
    free(trial->seen);
    for (uint32_t c = 0; c < COLUMNS; c++)
        free(trial->tracks[c]);
}

/* -- Running. ---------------------------------------------------------------------------------- */

static void handler_start(struct handler *handler)
{
    mr_atomic_store(&handler->state, ALIVE, relaxed);
    ASSERT(pthread_create(&handler->thread, NULL, handler->life, handler) == 0);
}

/* Who has no thread of its own: see stress_mill.c. */
static bool is_milled(const struct plan *plan, uint32_t index)
{
    return plan->storm && (index < FIRST_GUEST || (index >= FIRST_WORKER && plan->works));
}

static void trial_start(struct trial *trial)
{
    const struct plan *plan = &trial->plan;
    for (uint32_t i = 0; i < HANDLERS; i++)
        if (trial->handlers[i].life != NULL && !is_milled(plan, i))
            handler_start(&trial->handlers[i]);
    mr_atomic_store(&trial->producing, plan->producer_count, relaxed);
    for (uint32_t p = 0; p < plan->producer_count; p++) {
        struct producer *producer = &trial->producers[p];
        *producer = (struct producer){.trial = trial, .plan = &plan->producers[p], .index = p};
        mr_random_init(&producer->random, mr_mix64(plan->seed + 200 + p));
        ASSERT(pthread_create(&producer->thread, NULL, plan->storm ? stress_mill : stress_produce,
                              producer) == 0);
    }
}

/* Buries the dead: another thread takes over from them, or they are removed. */
static void attend(struct trial *trial)
{
    for (uint32_t i = 0; i < HANDLERS; i++) {
        struct handler *handler = &trial->handlers[i];
        /* Acquire: pairs with the release in stress_die. */
        if (mr_atomic_load(&handler->state, acquire) != DEAD)
            continue;
        pthread_join(handler->thread, NULL);
        mr_atomic_store(&handler->state, GONE, relaxed);
        if (handler->plan->temper == DIES_FOR_GOOD)
            stress_leave(handler);
        else
            handler_start(handler);
    }
}

/* What holds at any moment; and what may be done at any moment. */
static void observe(struct trial *trial, struct mr_random *random)
{
    struct mr_ring_report report;
    mr_ring_report_take(&trial->ring, &report);
    CHECK(trial, mr_position_ahead(report.published, report.slowest) >= 0);
    CHECK(trial, mr_position_ahead(report.claimed, report.published) >= 0);
    uint64_t published = mr_ring_cursor(&trial->ring);
    CHECK(trial, mr_position_ahead(published, report.published) >= 0);

    /* Somebody who stays: nobody else may be looked at by who does not know that it is there. */
    uint32_t c = (uint32_t)__builtin_ctz(trial->plan.permanent);
    struct mr_consumer *consumer = &trial->handlers[c].consumer;
    if (c == trial->plan.pool_column || trial->handlers[c].plan->temper == COMMUTES)
        return;
    CHECK(trial,
          mr_position_ahead(mr_ring_cursor(&trial->ring), mr_consumer_position(consumer)) >= 0);
    /* An alert would make up for a wake-up that was lost. */
    if (!trial->plan.relay && mr_random_chance(random, 1, 16))
        mr_consumer_alert(consumer);
    for (uint32_t d = 0; d < trial->plan.founder_count; d++)
        if ((trial->plan.handlers[d].after >> c & 1) != 0 && (trial->plan.permanent >> d & 1) != 0)
            CHECK(trial, mr_ring_consumer_remove(consumer, NULL) == MR_E_INVALID);
}

static void coordinate(struct trial *trial)
{
    const struct plan *plan = &trial->plan;
    struct mr_random random;
    mr_random_init(&random, mr_mix64(plan->seed + 300));
    /* Acquire: pairs with the release at the end of stress_produce. */
    while (mr_atomic_load(&trial->producing, acquire) != 0) {
        uint64_t claimed = mr_atomic_load(&trial->ring.claimed, relaxed);
        if (plan->ending == END_HALTED && stress_index(trial, claimed) >= plan->halt_at)
            break;
        attend(trial);
        observe(trial, &random);
        stress_nap(20000 + mr_random_below(&random, 100000));
    }
    if (plan->ending == END_DRAINED) {
        CHECK(trial, mr_ring_drain(&trial->ring, 0) == MR_OK);
    } else if (plan->ending == END_DRAINED_IN_TIME) {
        int status = MR_AGAIN;
        for (; status == MR_AGAIN; attend(trial))
            status = mr_ring_drain(&trial->ring, 1 + mr_random_below(&random, 300000));
        CHECK(trial, status == MR_OK);
    }
    if (plan->ending != END_HALTED) {
        CHECK(trial, mr_ring_cursor(&trial->ring) == mr_atomic_load(&trial->ring.claimed, relaxed));
        CHECK(trial, mr_ring_slowest(&trial->ring) == mr_ring_cursor(&trial->ring));
    }
    mr_ring_halt(&trial->ring);
}

/* Joins all threads; who dies from now on stays dead. Returns the hand-offs. */
static uint64_t trial_join(struct trial *trial)
{
    uint64_t handoffs = 0;
    for (uint32_t p = 0; p < trial->plan.producer_count; p++)
        pthread_join(trial->producers[p].thread, NULL);
    for (uint32_t i = 0; i < HANDLERS; i++) {
        struct handler *handler = &trial->handlers[i];
        uint32_t state = mr_atomic_load(&handler->state, relaxed);
        if (state == ALIVE || state == DEAD)
            pthread_join(handler->thread, NULL);
        handoffs += handler->handoffs;
    }
    return handoffs;
}

/* -- In the end. ------------------------------------------------------------------------------- */

static uint32_t handled_by(const struct trial *trial, uint64_t index)
{
    uint32_t columns = 0;
    for (uint32_t c = 0; c < COLUMNS; c++)
        if (trial->tracks[c] != NULL && (trial->tracks[c][index] & TRACK_HANDLED) != 0)
            columns |= 1U << c;
    return columns;
}

/* Who had stamped a position when its slot was taken again, or has now, is who has handled it. */
static void stamps_check(const struct trial *trial, uint64_t count)
{
    uint64_t capacity = mr_ring_capacity(&trial->ring);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t position = trial->plan.options.first_position + i;
        uint32_t stamped = trial->seen[i];
        if (i + capacity >= count) {
            const struct message *message = mr_ring_slot(&trial->ring, position);
            stamped = 0;
            CHECK(trial, message->position == position);
            for (uint32_t c = 0; c < COLUMNS; c++)
                if (message->stamps[c] == stress_stamp(position))
                    stamped |= 1U << c;
        }
        CHECK(trial, stamped == handled_by(trial, i));
    }
}

static void counters_check(const struct trial *trial, const struct mr_consumer *consumer)
{
    const struct mr_consumer_counters *counters = &consumer->counters;
    uint64_t batches = 0;
    for (uint32_t i = 0; i < MR_BATCH_SIZES; i++)
        batches += mr_atomic_load(&counters->batch_sizes[i], relaxed);
    CHECK(trial, batches == mr_atomic_load(&counters->batches, relaxed));
    CHECK(trial,
          mr_atomic_load(&counters->batch_largest, relaxed) <= mr_ring_capacity(&trial->ring));
}

/* A consumer's position says what it has handled, wherever it was interrupted. */
static void consumer_check(struct trial *trial, struct handler *handler, uint64_t end)
{
    uint64_t position = mr_consumer_position(&handler->consumer);
    bool permanent = (trial->plan.permanent >> handler->column & 1) != 0;
    CHECK(trial, position == handler->begin + handler->released);
    counters_check(trial, &handler->consumer);
    for (uint64_t p = trial->plan.options.first_position; p != position; p++)
        CHECK(trial, (handler->track[stress_index(trial, p)] & TRACK_HANDLED) != 0);
    if (permanent && trial->plan.ending != END_HALTED) {
        CHECK(trial, position == end);
        for (uint32_t p = 0; p < trial->plan.producer_count; p++)
            CHECK(trial, handler->tally.next[p] == trial->plan.messages);
    }
}

/* The workers have released each position once; all that were taken, but what is in hand. */
static void pool_check(struct trial *trial, uint64_t end)
{
    const struct plan *plan = &trial->plan;
    uint64_t taken = mr_pool_taken(&trial->pool);
    uint64_t released = 0, in_hand = 0, sum = 0;
    for (uint32_t w = 0; w < plan->worker_count; w++) {
        const struct mr_worker *worker = &trial->workers[w];
        uint64_t first, next;
        sum += mr_atomic_load(&worker->handled, relaxed);
        CHECK(trial, mr_atomic_load(&worker->handled, relaxed) ==
                         trial->handlers[FIRST_WORKER + w].released);
        if (mr_worker_in_hand(worker, &first, &next))
            in_hand += next - first;
    }
    for (uint64_t i = 0; i < total_of(trial); i++)
        released += (trial->tracks[plan->pool_column][i] & TRACK_RELEASED) != 0;
    CHECK(trial, released == sum);
    CHECK(trial, released + in_hand == stress_index(trial, taken));
    if (plan->ending != END_HALTED)
        CHECK(trial, taken == end && in_hand == 0);
}

static void trial_check(struct trial *trial)
{
    const struct plan *plan = &trial->plan;
    uint64_t end = mr_atomic_load(&trial->ring.claimed, relaxed);
    uint64_t sent = 0;
    for (uint32_t p = 0; p < plan->producer_count; p++)
        sent += trial->producers[p].sent;
    CHECK(trial, stress_index(trial, end) == sent);
    CHECK(trial, plan->ending == END_HALTED || sent == total_of(trial));
    CHECK(trial, mr_ring_cursor(&trial->ring) == end);

    int status = mr_ring_drain(&trial->ring, 1);
    CHECK(trial, status == (mr_ring_slowest(&trial->ring) == end ? MR_OK : MR_E_HALTED));
    for (uint32_t c = 0; c < plan->founder_count; c++)
        if (c == plan->pool_column)
            pool_check(trial, end);
        else
            consumer_check(trial, &trial->handlers[c], end);
    stamps_check(trial, sent);
}

static uint64_t trial_run(uint64_t seed)
{
    static struct trial trial = {.lounge = {.mutex = PTHREAD_MUTEX_INITIALIZER}};
    trial_build(&trial, seed);
    stress_watch_begin(&trial);
    trial_start(&trial);
    coordinate(&trial);
    uint64_t handoffs = trial_join(&trial);
    trial_check(&trial);
    stress_watch_end();
    trial_free(&trial);
    return handoffs;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void every_consumer_gets_everything_once_in_order_and_nobody_overtakes(void **state)
{
    (void)state;
    uint64_t seed = number_of("MR_SEED", SEED_DEFAULT);
    uint64_t enough = number_of("MR_HANDOFFS", getenv("MR_SEED") == NULL ? HANDOFFS_DEFAULT : 1);
    uint64_t handoffs = 0, trials = 0;
    stress_watch_start();
    do
        handoffs += trial_run(seed + trials++);
    while (handoffs < enough);
    printf("stress: %" PRIu64 " hand-offs in %" PRIu64 " trials\n", handoffs, trials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_consumer_gets_everything_once_in_order_and_nobody_overtakes),
    };
    return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
