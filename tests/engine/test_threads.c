/*
 * Real threads over real files: every topology gives every producer its answers once and in order,
 * and a reopened directory gives the same digests.
 */
#include "tests/engine/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { PRODUCERS = 3, COMMANDS = 1500, BATCH = 7 };

struct producer {
    struct mr_engine *engine;
    uint64_t session;
    pthread_t thread;
};

struct heard {
    uint64_t answers;
    uint64_t last_sequence;
    uint64_t last_request[PRODUCERS + 2];
    bool in_order;
};

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    struct heard *heard = context;
    heard->in_order = heard->in_order && answer->sequence == heard->last_sequence + 1;
    heard->last_sequence = answer->sequence;
    if (answer->session >= 1 && answer->session <= PRODUCERS) {
        uint64_t *last = &heard->last_request[answer->session];
        heard->in_order = heard->in_order && answer->request == *last + 1;
        *last = answer->request;
        heard->answers++;
    }
}

/* Singles and batches in turn. */
static void *produce(void *context)
{
    const struct producer *producer = context;
    struct till_command commands[BATCH];
    const struct mr_command *pointers[BATCH];
    uint64_t request = 1;
    while (request <= COMMANDS) {
        uint32_t count = request % 3 == 0 ? BATCH : 1;
        if (request + count > COMMANDS + 1) {
            count = 1;
        }
        for (uint32_t i = 0; i < count; i++) {
            commands[i] =
                till_move(producer->session, request + i, (request + i) % TILL_ACCOUNTS, 1);
            pointers[i] = &commands[i].header;
        }
        while (mr_engine_submit_batch(producer->engine, pointers, count, NULL) == MR_AGAIN) {
            mr_engine_pause();
        }
        request += count;
    }
    return NULL;
}

static struct mr_engine *open_engine(const char *directory, enum mr_topology topology,
                                     enum mr_wait_kind wait)
{
    struct mr_engine_options options = {.directory = directory,
                                        .create = true,
                                        .logic = &till_logic,
                                        .clock_kind = MR_CLOCK_INPUT,
                                        .topology = topology,
                                        .wait = wait,
                                        .input_slots = 64,
                                        .output_slots = 64,
                                        .segment_bytes = 4 << 20};
    struct mr_engine *engine = NULL;
    struct mr_error error = {0};
    if (mr_engine_open(&options, &engine, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    return engine;
}

static void run_producers(struct mr_engine *engine, struct heard *heard)
{
    struct producer producers[PRODUCERS];
    const struct mr_engine_handlers handlers = {.answer = on_answer, .context = heard};
    for (uint64_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.engine = engine, .session = i + 1};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    while (heard->answers < PRODUCERS * COMMANDS) {
        if (mr_engine_poll(engine, &handlers, 100) == 0) {
            assert_int_equal(mr_engine_failure(engine, NULL), MR_OK);
            mr_engine_pause();
        }
    }
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, NULL);
    }
}

static void check_topology(enum mr_topology topology, enum mr_wait_kind wait)
{
    char directory[] = "engine-threads-XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct mr_error error = {0};
    struct mr_engine *engine = open_engine(directory, topology, wait);
    assert_int_equal(mr_engine_start(engine, &error), MR_OK);
    for (uint64_t session = 1; session <= PRODUCERS; session++) {
        assert_int_equal(mr_engine_session(engine, session, MR_ROLE_USER, NULL, &error), MR_OK);
    }
    struct heard heard = {.in_order = true, .last_sequence = 1 + PRODUCERS};
    run_producers(engine, &heard);
    assert_true(heard.in_order);
    assert_int_equal(mr_engine_stop(engine, &error), MR_OK);
    struct mr_digest state = mr_engine_state_digest(engine);
    struct mr_digest events = mr_engine_event_digest(engine);
    mr_engine_close(engine);

    engine = open_engine(directory, topology, wait);
    assert_true(mr_digest_equal(state, mr_engine_state_digest(engine)));
    assert_true(mr_digest_equal(events, mr_engine_event_digest(engine)));
    assert_int_equal(mr_engine_applied_sequence(engine), 1 + PRODUCERS + PRODUCERS * COMMANDS);
    mr_engine_close(engine);
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void one_thread_answers_everybody_in_order(void **state)
{
    (void)state;
    check_topology(MR_TOPOLOGY_ONE, MR_WAIT_PARK);
}

static void two_threads_answer_everybody_in_order(void **state)
{
    (void)state;
    check_topology(MR_TOPOLOGY_TWO, MR_WAIT_PARK);
    check_topology(MR_TOPOLOGY_TWO, MR_WAIT_YIELD);
}

static void a_thread_for_each_stage_answers_everybody_in_order(void **state)
{
    (void)state;
    check_topology(MR_TOPOLOGY_EACH, MR_WAIT_PARK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_answers_everybody_in_order),
        cmocka_unit_test(two_threads_answer_everybody_in_order),
        cmocka_unit_test(a_thread_for_each_stage_answers_everybody_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
