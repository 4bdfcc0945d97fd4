/*
 * Futures: each is completed once, in sequence order, with its own command's answer or with what
 * ended the engine; polled, called, waited for; in every topology, with many producers.
 */
#include "engine/parts.h"
#include "tests/engine/till_rig.h"
#include "tests/support/sim_storage.h"

#include "base/random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

static void step_all(struct mr_engine *engine, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            (void)mr_engine_step(engine, stage);
        }
    }
}

static int call(struct mr_engine *engine, uint64_t request, struct mr_future *future)
{
    struct till_command command = till_move(TILL_SESSION, request, 0, 1);
    return mr_engine_call(engine, &command.header, future);
}

static void a_future_is_complete_when_its_command_is_applied_and_not_before(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1, .delay_max = 2});
    struct mr_engine *engine =
        till_begin(till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    struct mr_future future = {0};
    assert_int_equal(call(engine, 1, &future), MR_OK);
    while (mr_engine_stage(engine, future.ticket) < MR_STAGE_DURABLE) {
        assert_int_equal(mr_future_wait(&future, 1), MR_AGAIN);
        (void)mr_engine_step(engine, MR_STAGE_SEQUENCE);
        (void)mr_engine_step(engine, MR_STAGE_APPLY);
        (void)mr_engine_step(engine, MR_STAGE_JOURNAL);
    }
    assert_false(mr_future_ready(&future));
    (void)mr_engine_step(engine, MR_STAGE_APPLY);
    assert_true(mr_future_ready(&future));
    assert_int_equal(mr_future_wait(&future, 0), MR_OK);
    assert_int_equal(future.answer.sequence, 3);
    assert_int_equal(future.answer.request, 1);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

static void a_resent_commands_future_gets_the_first_answer(void **state)
{
    (void)state;
    struct mr_engine *engine =
        till_begin(till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    struct mr_future futures[3] = {{0}, {0}, {0}};
    assert_int_equal(call(engine, 1, &futures[0]), MR_OK);
    assert_int_equal(call(engine, 1, &futures[1]), MR_OK);
    assert_int_equal(call(engine, 2, &futures[2]), MR_OK);
    step_all(engine, 10);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(mr_future_ready(&futures[i]));
        assert_int_equal(futures[i].status, MR_OK);
    }
    assert_int_equal(futures[0].answer.sequence, 3);
    assert_int_equal(futures[1].answer.sequence, 3);
    assert_int_equal(futures[1].answer.duplicate, 1);
    assert_int_equal(futures[2].answer.sequence, 5);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
}

/* -- In order, among commands without futures, through small rings. ---------------------------- */

struct history {
    uint64_t completed, last_request;
    bool in_order;
};

static void remember(void *context, struct mr_future *future)
{
    struct history *history = context;
    history->in_order = history->in_order && future->status == MR_OK && mr_future_ready(future) &&
                        future->answer.request > history->last_request;
    history->last_request = future->answer.request;
    history->completed++;
}

enum { MANY = 3000, BATCH = 16 };

static uint64_t seed(void)
{
    const char *given = getenv("MR_SEED");
    uint64_t value = given != NULL ? strtoull(given, NULL, 10) : 1;
    printf("MR_SEED=%llu\n", (unsigned long long)value);
    fflush(stdout);
    return value;
}

static int submit_some(struct mr_engine *engine, uint64_t request, uint32_t count, bool with,
                       struct mr_future *futures)
{
    struct till_command commands[BATCH];
    const struct mr_command *pointers[BATCH];
    for (uint32_t i = 0; i < count; i++) {
        commands[i] = till_move(TILL_SESSION, request + i, 0, 1);
        pointers[i] = &commands[i].header;
    }
    return with ? mr_engine_call_batch(engine, pointers, count, futures)
                : mr_engine_submit_batch(engine, pointers, count, NULL);
}

static void futures_are_completed_in_order_among_others_through_small_rings(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, seed());
    struct mr_future *futures = calloc(MANY + BATCH, sizeof *futures);
    struct history history = {.in_order = true};
    struct mr_engine *engine = till_begin(
        till_open(NULL, &(struct mr_engine_options){
                            .output = MR_OUTPUT_NONE, .input_slots = 64, .futures_max = 16}));
    uint64_t asked = 0;
    for (uint64_t request = 1; request <= MANY;) {
        uint32_t count = 1 + (uint32_t)mr_random_below(&random, BATCH);
        ASSERT(count <= BATCH);
        bool with = mr_random_chance(&random, 2, 3);
        for (uint32_t i = 0; i < count; i++) {
            futures[request - 1 + i].done = remember;
            futures[request - 1 + i].context = &history;
        }
        if (submit_some(engine, request, count, with, &futures[request - 1]) == MR_OK) {
            request += count;
            asked += with ? count : 0;
        }
        while (mr_random_chance(&random, 1, 2)) {
            (void)mr_engine_step(engine, (uint32_t)mr_random_below(&random, MR_ENGINE_STAGES));
        }
    }
    const struct mr_command *too_many[17] = {NULL};
    assert_int_equal(mr_engine_call_batch(engine, too_many, 17, futures), MR_E_LIMIT);
    step_all(engine, 2000);
    assert_true(history.in_order);
    assert_int_equal(history.completed, asked);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    assert_int_equal(history.completed, asked);
    mr_engine_close(engine);
    free(futures);
}

/* -- The end. ---------------------------------------------------------------------------------- */

struct ending {
    uint32_t completed;
    int status;
};

static void end(void *context, struct mr_future *future)
{
    struct ending *ending = context;
    ending->completed++;
    ending->status = future->status;
}

/* Some in the input ring, some sequenced, some durable. */
static void leave_some(struct mr_engine *engine, struct mr_future *futures, struct ending *endings)
{
    for (uint32_t i = 0; i < 6; i++) {
        futures[i] = (struct mr_future){.done = end, .context = &endings[i]};
        assert_int_equal(call(engine, i + 1, &futures[i]), MR_OK);
        if (i == 1) {
            (void)mr_engine_step(engine, MR_STAGE_SEQUENCE);
        }
        if (i == 3) {
            (void)mr_engine_step(engine, MR_STAGE_JOURNAL);
            (void)mr_engine_step(engine, MR_STAGE_SEQUENCE);
        }
    }
}

static void closing_without_a_stop_ends_each_once(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1, .delay_max = 2});
    struct mr_engine *engine =
        till_begin(till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    struct mr_future futures[6];
    struct ending endings[6] = {{0}};
    leave_some(engine, futures, endings);
    mr_engine_close(engine);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(endings[i].completed, 1);
        assert_int_equal(endings[i].status, MR_E_FENCED);
    }
    mr_sim_destroy(sim);
}

static void an_engine_that_was_never_started_ends_them_too(void **state)
{
    (void)state;
    struct mr_engine *engine =
        till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE});
    struct mr_future future = {0};
    assert_int_equal(call(engine, 1, &future), MR_OK);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    assert_int_equal(mr_future_wait(&future, 0), MR_E_FENCED);
    mr_engine_close(engine);
}

static void a_failure_ends_each_once_with_its_code(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1, .delay_max = 2});
    struct mr_engine *engine =
        till_begin(till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    mr_sim_inject(sim, &(struct mr_sim_fault){.call = MR_SIM_QUEUE_WRITE,
                                              .nth = 1,
                                              .system_error = EIO,
                                              .span = MR_SIM_FOREVER});
    struct mr_future futures[6], late = {0};
    struct ending endings[6] = {{0}};
    leave_some(engine, futures, endings);
    step_all(engine, 100); /* nobody has to stop it for them to be told */
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(endings[i].completed, 1);
        assert_int_equal(endings[i].status, MR_E_IO);
    }
    assert_int_equal(call(engine, 7, &late), MR_E_FENCED);
    assert_false(mr_future_ready(&late));
    assert_int_equal(mr_engine_await(engine, futures[0].ticket, MR_STAGE_DURABLE, 0), MR_E_IO);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_E_IO);
    mr_engine_close(engine);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(endings[i].completed, 1);
    }
    mr_sim_destroy(sim);
}

/* A race, held open: apply ended between the look at the failure and the publication. */
static void what_comes_after_apply_has_ended_is_completed_by_whoever_brings_it(void **state)
{
    (void)state;
    struct mr_engine *engine =
        till_begin(till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    struct mr_future futures[6];
    struct ending endings[6] = {{0}};
    leave_some(engine, futures, endings);
    mr_flag_raise(&engine->futures.over);
    assert_int_equal(endings[5].completed, 0);
    (void)mr_engine_step(engine, MR_STAGE_SEQUENCE);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(endings[i].completed, 1);
        assert_int_equal(endings[i].status, MR_E_FENCED);
    }
    endings[0].completed = 0;
    futures[0] = (struct mr_future){.done = end, .context = &endings[0]};
    assert_int_equal(call(engine, 7, &futures[0]), MR_OK);
    assert_int_equal(endings[0].completed, 1);
    mr_engine_close(engine);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(endings[i].completed, 1);
    }
}

static void stop_gives_the_answers_of_what_was_accepted(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1, .delay_max = 2});
    struct mr_engine *engine =
        till_begin(till_open(sim, &(struct mr_engine_options){.output_slots = 2}));
    struct mr_future futures[6];
    struct ending endings[6] = {{0}};
    leave_some(engine, futures, endings);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK); /* though nobody polls */
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(endings[i].completed, 1);
        assert_int_equal(endings[i].status, MR_OK);
        assert_int_equal(futures[i].answer.request, i + 1);
    }
    assert_int_equal(mr_engine_await(engine, futures[5].ticket, MR_STAGE_APPLIED, 0), MR_OK);
    assert_int_equal(mr_engine_await(engine, futures[5].ticket + 1, MR_STAGE_DURABLE, 0),
                     MR_E_FENCED);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

/* -- With threads. ----------------------------------------------------------------------------- */

enum { PRODUCERS = 3, CALLS = 1200 };

struct producer {
    struct mr_engine *engine;
    uint64_t session, seed;
    pthread_t thread;
    int end;         /* what mr_engine_call said when it took no more */
    uint64_t called; /* futures with a callback, of those that were taken */
    uint64_t waited; /* futures that were waited for, and had an answer */

    /* Apply's thread. */
    MR_ATOMIC(uint64_t) told; /* callbacks */
    uint64_t fenced, last_request, last_sequence;
    bool in_order;
};

static void check_done(void *context, struct mr_future *future)
{
    struct producer *producer = context;
    const struct mr_answer *answer = &future->answer;
    if (future->status == MR_OK) {
        producer->in_order = producer->in_order && answer->session == producer->session &&
                             answer->request > producer->last_request &&
                             answer->sequence > producer->last_sequence;
        producer->last_request = answer->request;
        producer->last_sequence = answer->sequence;
    } else {
        producer->fenced++;
    }
    (void)mr_atomic_fetch_add(&producer->told, 1U, release);
}

static int call_until_taken(struct producer *producer, uint64_t request, uint32_t burst,
                            struct mr_future *future)
{
    struct till_command command = till_move(producer->session, request, 0, 1);
    command.body.burst = burst;
    int status;
    while ((status = mr_engine_call(producer->engine, &command.header, future)) == MR_AGAIN) {
        (void)mr_engine_await_room(producer->engine, 1, 0);
    }
    return status;
}

/* One that is waited for lives on the stack, and is gone at once: the engine must not touch it any
 * more. */
static int call_and_wait(struct producer *producer, uint64_t request)
{
    struct mr_future future = {0};
    int status = call_until_taken(producer, request, 0, &future);
    if (status == MR_OK && mr_future_wait(&future, 0) == MR_OK) {
        producer->waited += future.answer.request == request;
    }
    return status;
}

static void *produce(void *context)
{
    struct producer *producer = context;
    struct mr_random random;
    mr_random_init(&random, producer->seed);
    struct mr_future *futures = calloc(CALLS + 1, sizeof *futures);
    for (uint64_t request = 1; request <= CALLS && producer->end == MR_OK; request++) {
        if (mr_random_chance(&random, 1, 20)) {
            producer->end = call_and_wait(producer, request);
            continue;
        }
        futures[request] = (struct mr_future){.done = check_done, .context = producer};
        producer->end = call_until_taken(producer, request, (uint32_t)mr_random_below(&random, 3),
                                         &futures[request]);
        producer->called += producer->end == MR_OK;
    }
    while (mr_atomic_load(&producer->told, acquire) < producer->called) {
        mr_engine_pause();
    }
    free(futures);
    return NULL;
}

static const enum mr_topology topologies[] = {MR_TOPOLOGY_ONE, MR_TOPOLOGY_TWO, MR_TOPOLOGY_EACH};

static void start_producers(struct mr_engine *engine, struct producer *producers, uint64_t from)
{
    assert_int_equal(mr_engine_start(engine, NULL), MR_OK);
    for (uint64_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){
            .engine = engine, .session = i + 1, .seed = from * PRODUCERS + i, .in_order = true};
        assert_int_equal(mr_engine_session(engine, i + 1, MR_ROLE_USER, NULL, NULL), MR_OK);
    }
    for (uint64_t i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
}

static void answers_come_once_and_in_order_to_many_producers_in_any_topology(void **state)
{
    (void)state;
    uint64_t from = seed();
    for (uint32_t t = 0; t < 3; t++) {
        struct producer producers[PRODUCERS];
        struct mr_engine *engine =
            till_open(NULL, &(struct mr_engine_options){.topology = topologies[t],
                                                        .output = MR_OUTPUT_NONE,
                                                        .input_slots = 64,
                                                        .futures_max = 16});
        start_producers(engine, producers, from + t);
        for (uint32_t i = 0; i < PRODUCERS; i++) {
            pthread_join(producers[i].thread, NULL);
            assert_int_equal(producers[i].end, MR_OK);
            assert_true(producers[i].in_order);
            assert_int_equal(producers[i].called + producers[i].waited, CALLS);
            assert_int_equal(producers[i].told, producers[i].called);
            assert_int_equal(producers[i].fenced, 0);
        }
        assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
        mr_engine_close(engine);
    }
}

/* The disk fails while everybody sleeps: for a future, for a stage. */
struct sleeper {
    struct mr_engine *engine;
    enum mr_stage stage;
    pthread_t thread;
    int end;
};

static void *sleep_till_the_end(void *context)
{
    struct sleeper *sleeper = context;
    sleeper->end = mr_engine_await(sleeper->engine, UINT32_MAX, sleeper->stage, 0);
    return NULL;
}

static void a_failure_wakes_everybody(void **state)
{
    (void)state;
    for (uint32_t t = 0; t < 3; t++) {
        struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
        struct mr_engine *engine = till_open(
            sim, &(struct mr_engine_options){.topology = topologies[t], .output = MR_OUTPUT_NONE});
        mr_sim_inject(sim, &(struct mr_sim_fault){.call = MR_SIM_QUEUE_WRITE,
                                                  .nth = 50,
                                                  .system_error = EIO,
                                                  .span = MR_SIM_FOREVER});
        assert_int_equal(mr_engine_start(engine, NULL), MR_OK);
        assert_int_equal(mr_engine_session(engine, TILL_SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
        struct mr_future future;
        struct sleeper sleepers[3];
        for (int i = 0; i < 3; i++) {
            sleepers[i] = (struct sleeper){.engine = engine, .stage = (enum mr_stage)i};
        }
        for (int i = 1; i < 3; i++) {
            assert_int_equal(
                pthread_create(&sleepers[i].thread, NULL, sleep_till_the_end, &sleepers[i]), 0);
        }
        while (mr_atomic_load(&engine->parks.durable.word, relaxed) % 2 == 0 ||
               mr_atomic_load(&engine->parks.applied.word, relaxed) % 2 == 0) {
            mr_engine_pause();
        }
        for (uint64_t request = 1; sleepers[0].end == MR_OK; request++) {
            future = (struct mr_future){.done = NULL};
            int status = call(engine, request, &future);
            sleepers[0].end =
                status != MR_OK ? mr_engine_failure(engine, NULL) : mr_future_wait(&future, 0);
        }
        for (int i = 0; i < 3; i++) {
            if (i > 0) {
                pthread_join(sleepers[i].thread, NULL);
            }
            assert_int_equal(sleepers[i].end, MR_E_IO);
        }
        assert_int_equal(mr_engine_stop(engine, NULL), MR_E_IO);
        mr_engine_close(engine);
        mr_sim_destroy(sim);
    }
}

static void a_stop_amid_calls_leaves_no_future_behind(void **state)
{
    (void)state;
    uint64_t from = seed();
    for (uint32_t round = 0; round < 30; round++) {
        struct producer producers[PRODUCERS];
        struct mr_engine *engine =
            till_open(NULL, &(struct mr_engine_options){.topology = topologies[round % 3],
                                                        .output = MR_OUTPUT_NONE,
                                                        .input_slots = 64,
                                                        .futures_max = 16});
        start_producers(engine, producers, from + round);
        struct mr_random random;
        mr_random_init(&random, from + round);
        uint64_t until = mr_random_below(&random, PRODUCERS * CALLS);
        while (mr_engine_applied_sequence(engine) < until) {
            mr_engine_pause();
        }
        assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
        for (uint32_t i = 0; i < PRODUCERS; i++) {
            pthread_join(producers[i].thread, NULL); /* waits for all of its futures */
            assert_true(producers[i].in_order);
            assert_int_equal(producers[i].told, producers[i].called);
            assert_true(producers[i].end == MR_OK || producers[i].end == MR_E_FENCED);
        }
        mr_engine_close(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_future_is_complete_when_its_command_is_applied_and_not_before),
        cmocka_unit_test(a_resent_commands_future_gets_the_first_answer),
        cmocka_unit_test(futures_are_completed_in_order_among_others_through_small_rings),
        cmocka_unit_test(closing_without_a_stop_ends_each_once),
        cmocka_unit_test(an_engine_that_was_never_started_ends_them_too),
        cmocka_unit_test(a_failure_ends_each_once_with_its_code),
        cmocka_unit_test(what_comes_after_apply_has_ended_is_completed_by_whoever_brings_it),
        cmocka_unit_test(stop_gives_the_answers_of_what_was_accepted),
        cmocka_unit_test(answers_come_once_and_in_order_to_many_producers_in_any_topology),
        cmocka_unit_test(a_failure_wakes_everybody),
        cmocka_unit_test(a_stop_amid_calls_leaves_no_future_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
