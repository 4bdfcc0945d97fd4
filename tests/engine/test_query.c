/*
 * Queries: answered between two commands with the sequence that they saw, also while nothing else
 * flows and while nobody reads the output; a session reads its own writes; each is completed once.
 */
#include "engine/parts.h"
#include "tests/engine/till_rig.h"
#include "tests/support/sim_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>

/* A query for the balance of account 0, with all it needs. */
struct asking {
    struct {
        struct mr_query header;
        struct till_account body;
    } query;
    struct {
        struct mr_row header;
        struct till_balance body;
    } row;
    struct mr_query_call call;
};

static struct mr_query_call *ask_for(struct asking *asking, uint64_t not_before)
{
    memset(asking, 0, sizeof *asking);
    asking->query.header = (struct mr_query){.length = sizeof asking->query,
                                             .type = TILL_BALANCE,
                                             .request = 99,
                                             .not_before = not_before};
    asking->call.query = &asking->query.header;
    asking->call.rows = &asking->row;
    asking->call.rows_size = sizeof asking->row;
    return &asking->call;
}

static void end(struct mr_engine *engine)
{
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
}

static void submit(struct mr_engine *engine, uint64_t request, int64_t amount)
{
    struct till_command command = till_move(TILL_SESSION, request, 0, amount);
    assert_int_equal(mr_engine_submit(engine, &command.header, NULL), MR_OK);
}

static void an_idle_engine_answers_with_what_it_saw(void **state)
{
    (void)state;
    struct mr_engine *engine =
        till_begin(till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    struct asking asking;
    struct till_command command = till_move(TILL_SESSION, 1, 0, 50);
    assert_int_equal(mr_engine_execute(engine, &command.header, NULL, NULL, NULL), MR_OK);
    assert_int_equal(mr_engine_query(engine, ask_for(&asking, 0)), MR_OK);
    assert_false(mr_query_ready(&asking.call));
    assert_int_equal(mr_query_wait(&asking.call, 1), MR_AGAIN);
    assert_true(mr_engine_step(engine, MR_STAGE_APPLY) > 0);
    assert_true(mr_query_ready(&asking.call));
    assert_int_equal(asking.call.status, MR_OK);
    assert_int_equal(asking.call.reply.sequence, 3);
    assert_int_equal(asking.call.reply.request, 99);
    assert_int_equal(asking.call.reply.result, 0);
    assert_int_equal(asking.call.reply.rows, 1);
    assert_int_equal(asking.row.body.balance, 50);
    end(engine);
}

static void only_what_is_durable_is_seen(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1, .delay_max = 4});
    struct mr_engine *engine =
        till_begin(till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    struct asking asking;
    submit(engine, 1, 50);
    while (mr_engine_durable_sequence(engine) < 3) {
        (void)mr_engine_step(engine, MR_STAGE_SEQUENCE);
        assert_int_equal(mr_engine_query(engine, ask_for(&asking, 0)), MR_OK);
        (void)mr_engine_step(engine, MR_STAGE_APPLY);
        assert_true(mr_query_ready(&asking.call));
        assert_int_equal(asking.call.reply.sequence, 2);
        assert_int_equal(asking.row.body.balance, 0);
        (void)mr_engine_step(engine, MR_STAGE_JOURNAL);
    }
    end(engine);
    mr_sim_destroy(sim);
}

static void a_query_waits_for_the_sequence_that_it_names(void **state)
{
    (void)state;
    struct mr_engine *engine =
        till_begin(till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    struct asking late, soon;
    assert_int_equal(mr_engine_query(engine, ask_for(&late, 4)), MR_OK);
    assert_int_equal(mr_engine_query(engine, ask_for(&soon, 2)), MR_OK);
    for (uint64_t request = 1; request <= 2; request++) {
        (void)mr_engine_step(engine, MR_STAGE_APPLY);
        assert_true(mr_query_ready(&soon.call)); /* others do not wait for it */
        assert_false(mr_query_ready(&late.call));
        struct till_command command = till_move(TILL_SESSION, request, 0, 50);
        assert_int_equal(mr_engine_execute(engine, &command.header, NULL, NULL, NULL), MR_OK);
    }
    (void)mr_engine_step(engine, MR_STAGE_APPLY);
    assert_true(mr_query_ready(&late.call));
    assert_int_equal(late.call.reply.sequence, 4);
    assert_int_equal(late.row.body.balance, 100);
    end(engine);
}

static void queries_are_answered_amid_a_long_block_and_while_nobody_reads(void **state)
{
    (void)state;
    struct mr_engine *engine =
        till_begin(till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    struct asking asking;
    static struct till_command commands[2000];
    static const struct mr_command *pointers[2000];
    for (uint64_t i = 0; i < 2000; i++) {
        commands[i] = till_move(TILL_SESSION, i + 1, 0, 1);
        pointers[i] = &commands[i].header;
    }
    assert_int_equal(mr_engine_submit_batch(engine, pointers, 2000, NULL), MR_OK);
    for (uint32_t i = 0; i < 10; i++) { /* the sequencer does not see all of it at one look */
        (void)mr_engine_step(engine, MR_STAGE_SEQUENCE);
    }
    (void)mr_engine_step(engine, MR_STAGE_JOURNAL);
    (void)mr_engine_step(engine, MR_STAGE_APPLY);
    assert_int_equal(mr_engine_applied_sequence(engine), 2); /* it is a single block */
    assert_int_equal(mr_engine_query(engine, ask_for(&asking, 0)), MR_OK);
    (void)mr_engine_step(engine, MR_STAGE_APPLY);
    assert_true(mr_query_ready(&asking.call));
    assert_true(asking.call.reply.sequence > 2 && asking.call.reply.sequence < 2002);
    assert_int_equal(asking.row.body.balance, asking.call.reply.sequence - 2);
    end(engine);

    engine = till_begin(till_open(NULL, &(struct mr_engine_options){.output_slots = 2}));
    for (uint64_t request = 1; request <= 10; request++) {
        submit(engine, request, 1);
    }
    for (uint32_t i = 0; i < 10; i++) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            (void)mr_engine_step(engine, stage);
        }
    }
    assert_int_equal(mr_engine_query(engine, ask_for(&asking, 0)), MR_OK);
    (void)mr_engine_step(engine, MR_STAGE_APPLY);
    assert_true(mr_query_ready(&asking.call));
    assert_int_equal(asking.row.body.balance, asking.call.reply.sequence - 2);
    end(engine);
}

/* One that needs several turns for a command, and is inconsistent between them. */
static uint32_t halves(struct mr_context *context, const struct mr_command *command)
{
    struct till *till = context->state;
    (void)command;
    till->balance[context->turn % 2]++;
    context->again = context->turn < 9;
    return 0;
}

/* And tells of each. */
static uint32_t halves_aloud(struct mr_context *context, const struct mr_command *command)
{
    (void)halves(context, command);
    till_emit(context, 0, context->turn);
    return 0;
}

static void no_query_sees_half_a_command(void **state)
{
    (void)state;
    struct mr_logic logic = till_logic;
    logic.apply = halves;
    struct mr_engine *engine = till_begin(
        till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE, .logic = &logic}));
    struct asking asking;
    for (uint64_t request = 1; request <= 200; request++) {
        submit(engine, request, 1);
    }
    (void)mr_engine_step(engine, MR_STAGE_SEQUENCE);
    (void)mr_engine_step(engine, MR_STAGE_JOURNAL);
    uint32_t waited = 0;
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(mr_engine_query(engine, ask_for(&asking, 0)), MR_OK);
        while (!mr_query_ready(&asking.call)) {
            (void)mr_engine_step(engine, MR_STAGE_APPLY);
            waited++;
        }
        assert_int_equal(asking.row.body.total, 2 * asking.row.body.balance);
        assert_int_equal(asking.row.body.balance, 5 * (asking.call.reply.sequence - 2));
    }
    assert_true(waited > 20); /* a slice of turns did end within a command */
    end(engine);
}

static void impossible_and_too_many_queries_are_refused_at_once(void **state)
{
    (void)state;
    struct mr_engine *engine = till_begin(
        till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE, .queries_max = 8}));
    struct asking askings[9];
    const uint32_t lengths[] = {0, 24, 33, UINT32_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        (void)ask_for(&askings[0], 0);
        askings[0].query.header.length = lengths[i];
        assert_int_equal(mr_engine_query(engine, &askings[0].call), MR_E_INVALID);
    }
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(mr_engine_query(engine, ask_for(&askings[i], 0)), MR_OK);
    }
    assert_int_equal(mr_engine_query(engine, ask_for(&askings[8], 0)), MR_AGAIN);
    (void)mr_engine_step(engine, MR_STAGE_APPLY);
    uint32_t ready = 0;
    for (uint32_t i = 0; i < 8; i++) {
        ready += mr_query_ready(&askings[i].call);
    }
    assert_in_range(ready, 1, 7); /* a turn answers a bounded number */
    for (uint32_t i = 0; i < 8; i++) {
        (void)mr_engine_step(engine, MR_STAGE_APPLY);
    }
    for (uint32_t i = 0; i < 8; i++) {
        assert_true(mr_query_ready(&askings[i].call));
    }
    end(engine);
}

/* What mr_engine_session asks first waits for a seat, or behind a command that waits for a reader:
 * it must step and poll itself. Else it never comes back. */
static void a_session_is_found_though_seats_and_output_are_full(void **state)
{
    (void)state;
    struct mr_engine *engine = till_begin(
        till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE, .queries_max = 1}));
    struct asking asking;
    assert_int_equal(mr_engine_query(engine, ask_for(&asking, 0)), MR_OK);
    assert_int_equal(mr_engine_session(engine, TILL_SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
    assert_true(mr_query_ready(&asking.call));
    end(engine);

    struct mr_logic logic = till_logic;
    logic.apply = halves_aloud;
    engine = till_begin(
        till_open(NULL, &(struct mr_engine_options){.output_slots = 4, .logic = &logic}));
    submit(engine, 1, 1);
    for (uint32_t i = 0; i < 10; i++) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            (void)mr_engine_step(engine, stage);
        }
    }
    assert_true(engine->applying.applier.amid);
    assert_int_equal(mr_engine_session(engine, TILL_SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
    assert_false(engine->applying.applier.amid);
    end(engine);
}

static void count(void *context, struct mr_query_call *call)
{
    *(int *)context += call->status == MR_E_FENCED ? 1 : 100;
}

static void stop_ends_each_query_that_is_left_once(void **state)
{
    (void)state;
    struct mr_engine *engine =
        till_begin(till_open(NULL, &(struct mr_engine_options){.output = MR_OUTPUT_NONE}));
    struct asking askings[5], late;
    int ends[5] = {0};
    for (uint32_t i = 0; i < 5; i++) {
        (void)ask_for(&askings[i], 1000000);
        askings[i].call.done = count;
        askings[i].call.context = &ends[i];
        assert_int_equal(mr_engine_query(engine, &askings[i].call), MR_OK);
    }
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    assert_int_equal(mr_engine_query(engine, ask_for(&late, 0)), MR_E_FENCED);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(ends[i], 1);
    }
    mr_engine_close(engine);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(ends[i], 1);
    }
}

/* -- With threads. ----------------------------------------------------------------------------- */

enum { ASKERS = 3, ROUNDS = 300 };

struct asker {
    struct mr_engine *engine;
    uint64_t session, seen;
    int64_t balance;
    pthread_t thread;
    bool right;
    int end;
};

/* Writes to an account of its own and reads it back at once, from the stack. */
static void *write_and_read(void *context)
{
    struct asker *asker = context;
    asker->right = true;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        struct till_command command = till_move(asker->session, round, (uint32_t)asker->session, 1);
        struct mr_future future = {0};
        struct asking asking;
        asker->end = mr_engine_call(asker->engine, &command.header, &future);
        if (asker->end != MR_OK || (asker->end = mr_future_wait(&future, 0)) != MR_OK) {
            break;
        }
        (void)ask_for(&asking, future.answer.sequence);
        asking.query.body.account = (uint32_t)asker->session;
        while ((asker->end = mr_engine_query(asker->engine, &asking.call)) == MR_AGAIN) {
            mr_engine_pause();
        }
        if (asker->end != MR_OK || (asker->end = mr_query_wait(&asking.call, 0)) != MR_OK) {
            break;
        }
        asker->right = asker->right && asking.call.reply.sequence >= future.answer.sequence &&
                       asking.call.reply.sequence >= asker->seen &&
                       asking.row.body.balance == (int64_t)round;
        asker->seen = asking.call.reply.sequence;
    }
    return NULL;
}

static void sessions_read_their_own_writes_and_sequences_never_go_back(void **state)
{
    (void)state;
    static const enum mr_topology topologies[] = {MR_TOPOLOGY_ONE, MR_TOPOLOGY_TWO,
                                                  MR_TOPOLOGY_EACH};
    for (uint32_t t = 0; t < 6; t++) {
        struct mr_engine *engine = till_open(
            NULL, &(struct mr_engine_options){
                      .topology = topologies[t % 3], .output = MR_OUTPUT_NONE, .queries_max = 2});
        assert_int_equal(mr_engine_start(engine, NULL), MR_OK);
        struct asker askers[ASKERS];
        for (uint64_t i = 0; i < ASKERS; i++) {
            askers[i] = (struct asker){.engine = engine, .session = i + 1};
            assert_int_equal(mr_engine_session(engine, i + 1, MR_ROLE_USER, NULL, NULL), MR_OK);
        }
        for (uint64_t i = 0; i < ASKERS; i++) {
            assert_int_equal(pthread_create(&askers[i].thread, NULL, write_and_read, &askers[i]),
                             0);
        }
        bool stops_early = t >= 3;
        while (stops_early && mr_engine_applied_sequence(engine) < 200) {
            mr_engine_pause();
        }
        if (stops_early) {
            assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
        }
        for (uint32_t i = 0; i < ASKERS; i++) {
            pthread_join(askers[i].thread, NULL);
            assert_true(askers[i].right);
            assert_true(askers[i].end == MR_OK || (stops_early && askers[i].end == MR_E_FENCED));
        }
        assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
        mr_engine_close(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_engine_answers_with_what_it_saw),
        cmocka_unit_test(only_what_is_durable_is_seen),
        cmocka_unit_test(a_query_waits_for_the_sequence_that_it_names),
        cmocka_unit_test(queries_are_answered_amid_a_long_block_and_while_nobody_reads),
        cmocka_unit_test(no_query_sees_half_a_command),
        cmocka_unit_test(impossible_and_too_many_queries_are_refused_at_once),
        cmocka_unit_test(a_session_is_found_though_seats_and_output_are_full),
        cmocka_unit_test(stop_ends_each_query_that_is_left_once),
        cmocka_unit_test(sessions_read_their_own_writes_and_sequences_never_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
