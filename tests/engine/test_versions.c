/*
 * Versions of a logic: a journal begun by version 1, switched by a journaled command, replays both
 * halves to their digests, in the live engine, in recovery and in a replay alike; a program that
 * lacks a version refuses the journal and says what to do.
 */
#include "engine/parts.h"
#include "tests/engine/till.h"
#include "tests/support/sim_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SESSION = 7, HALF = 300 };

/* Version 2: more accounts, a count of moves, and each move pays a fee of 1 into the last account,
 * told by an event of a kind of its own, which is longer than all of version 1. */
#define TILL_FEE_FIELDS(F)                 \
    F(i64, fee, "units", "what was taken") \
    F(u64, moves, "moves", "so far")       \
    F(id128, padding0, "", "")             \
    F(id128, padding1, "", "")             \
    F(id128, padding2, "", "")             \
    F(id128, padding3, "", "")             \
    F(id128, padding4, "", "")
MR_MESSAGE_STRUCT(till_fee, TILL_FEE_FIELDS);
enum { TILL2_ACCOUNTS = 2 * TILL_ACCOUNTS, TILL_FEE = TILL_MOVED + 1 };

struct till2 {
    uint64_t moves;
    int64_t balance[TILL2_ACCOUNTS];
};

static uint64_t till2_state_size(const void *config)
{
    (void)config;
    return sizeof(struct till2);
}

static uint32_t till2_apply(struct mr_context *context, const struct mr_command *command)
{
    struct till2 *till = context->state;
    const struct till_move *move = mr_command_body(command);
    if (move->account >= TILL2_ACCOUNTS) {
        return TILL_NO_ACCOUNT;
    }
    till->moves++;
    till->balance[move->account] += move->amount - 1;
    till->balance[TILL2_ACCOUNTS - 1]++;
    struct till_fee *fee = mr_emit(context, TILL_FEE, 0, sizeof *fee, 0, 0, NULL);
    fee->fee = 1;
    fee->moves = till->moves;
    return 0;
}

static uint32_t till2_query(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const struct till2 *till = inquiry->state;
    const struct till_account *asked = mr_query_body(query);
    struct till_balance *row = mr_row_add(inquiry, TILL_BALANCE, 0, sizeof *row);
    if (row != NULL) {
        row->balance = till->balance[asked->account % TILL2_ACCOUNTS];
    }
    return 0;
}

static void till2_timer(struct mr_context *context, const struct mr_timer *timer)
{
    struct till2 *till = context->state;
    till->balance[timer->id] += 1000; /* that is how version 2 does it */
}

static void till2_migrate(void *state, const void *config, const void *old_state,
                          const void *old_config)
{
    struct till2 *till = state;
    const struct till *old = old_state;
    (void)config, (void)old_config;
    memcpy(till->balance, old->balance, sizeof old->balance);
}

static const struct mr_message till2_events[] = {
    MR_EVENT(TILL_MOVED, till_moved, moved, TILL_MOVED_FIELDS, 0, "Money was moved."),
    MR_EVENT(TILL_FEE, till_fee, fee, TILL_FEE_FIELDS, 0, "A fee was taken.")};
static const struct mr_catalog till2_catalog = {.commands = till_commands,
                                                .events = till2_events,
                                                .reasons = till_reasons,
                                                .queries = till_queries,
                                                .rows = till_rows,
                                                .command_count = 1,
                                                .event_count = 2,
                                                .reason_count = 3,
                                                .query_count = 1,
                                                .row_count = 1};
static const struct mr_logic till2_logic = {.name = "till",
                                            .version = 2,
                                            .layout_version = 1,
                                            .catalog = &till2_catalog,
                                            .command_size_max = 512,
                                            .event_size_max = 256,
                                            .state_size = till2_state_size,
                                            .apply = till2_apply,
                                            .query = till2_query,
                                            .timer = till2_timer,
                                            .migrate = till2_migrate,
                                            .previous = &till_logic};

static struct mr_engine_options options_of(struct mr_sim *sim, const struct mr_logic *logic)
{
    return (struct mr_engine_options){.storage = mr_sim_storage(sim),
                                      .create = true,
                                      .logic = logic,
                                      .clock_kind = MR_CLOCK_INPUT,
                                      .segment_bytes = MR_SEGMENT_BYTES_MIN,
                                      .output = MR_OUTPUT_NONE,
                                      .journal_id = {1}};
}

static struct mr_engine *begin(struct mr_sim *sim, const struct mr_logic *logic)
{
    struct mr_engine_options options = options_of(sim, logic);
    struct mr_engine *engine = NULL;
    struct mr_error error = {0};
    if (mr_engine_open(&options, &engine, &error) != MR_OK ||
        mr_engine_begin(engine, &error) != MR_OK ||
        mr_engine_session(engine, SESSION, MR_ROLE_USER, NULL, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    return engine;
}

static void move(struct mr_engine *engine, uint64_t from, uint64_t count)
{
    struct mr_answer answer;
    for (uint64_t request = from; request < from + count; request++) {
        struct till_command command = till_move(SESSION, request, (uint32_t)(request % 3), 10);
        command.header.time_ns = request * 1000;
        assert_int_equal(mr_engine_execute(engine, &command.header, NULL, &answer, NULL), MR_OK);
        assert_int_equal(answer.result, 0);
    }
}

struct marks {
    struct mr_digest state, events;
    uint64_t sequence;
};

static struct marks end(struct mr_engine *engine)
{
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    struct marks marks = {.state = mr_engine_state_digest(engine),
                          .events = mr_engine_event_digest(engine),
                          .sequence = mr_engine_applied_sequence(engine)};
    assert_true(mr_image_check(mr_engine_image(engine), mr_engine_logic(engine)));
    mr_engine_close(engine);
    return marks;
}

/* A journal of both versions, each half in lives of its own, so that recovery passes the switch,
 * too. */
static struct mr_sim *journal_of_two(struct marks *first, struct marks *second)
{
    struct mr_error error = {0};
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine = begin(sim, &till_logic);
    struct till_command later = till_move(SESSION, 1, 0, 3);
    later.header.time_ns = 1;
    later.body.delay_ns = 1000 * (HALF + 5); /* set by version 1, fired by version 2 */
    assert_int_equal(mr_engine_execute(engine, &later.header, NULL, NULL, NULL), MR_OK);
    move(engine, 2, HALF - 1);
    *first = end(engine);

    engine = begin(sim, &till2_logic); /* the new program goes on with the old version */
    assert_int_equal(mr_engine_logic(engine)->version, 1);
    if (mr_engine_upgrade(engine, 2, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(mr_engine_logic(engine)->version, 2);
    assert_int_equal(mr_engine_upgrade(engine, 2, &error), MR_E_EXISTS);
    assert_int_equal(mr_engine_upgrade(engine, 3, &error), MR_E_VERSION);
    assert_non_null(strstr(error.text, "version 3"));
    move(engine, HALF + 1, HALF);
    const struct till2 *till = mr_image_state(mr_engine_image(engine));
    assert_int_equal(till->moves, HALF);
    assert_int_equal(till->balance[TILL2_ACCOUNTS - 1], HALF);
    assert_int_equal(till->balance[0], 100 * 10 + 100 * 9 + 1000);
    *second = end(engine);
    return sim;
}

static struct mr_replay *replay(struct mr_sim *sim, const struct mr_logic *logic, uint64_t to)
{
    const struct mr_logic *const logics[] = {logic, NULL};
    const struct mr_replay_options options = {
        .storage = mr_sim_storage(sim), .logics = logics, .to = to};
    struct mr_replay *replay = NULL;
    struct mr_error error = {0};
    if (mr_replay_open(&options, &replay, NULL, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    return replay;
}

static void both_halves_replay_to_their_digests(void **state)
{
    (void)state;
    struct marks marks[2];
    struct mr_sim *sim = journal_of_two(&marks[0], &marks[1]);
    for (uint32_t i = 0; i < 2; i++) {
        struct mr_replay *replayed = replay(sim, &till2_logic, marks[i].sequence);
        assert_int_equal(mr_replay_logic(replayed)->version, i + 1);
        assert_true(mr_digest_equal(mr_replay_state_digest(replayed), marks[i].state));
        assert_true(mr_digest_equal(mr_replay_event_digest(replayed), marks[i].events));
        mr_replay_close(replayed);
    }
    /* The old program alone gives the first half, too. */
    struct mr_replay *replayed = replay(sim, &till_logic, marks[0].sequence);
    assert_true(mr_digest_equal(mr_replay_state_digest(replayed), marks[0].state));
    mr_replay_close(replayed);
    /* And at the very switch the new image is there already. */
    replayed = replay(sim, &till2_logic, marks[0].sequence + 1);
    assert_int_equal(mr_replay_logic(replayed)->version, 2);
    assert_int_equal(mr_image_status_get(mr_replay_image(replayed)).logic_version, 2);
    mr_replay_close(replayed);
    mr_sim_destroy(sim);
}

static void recovery_takes_up_the_version_that_applied(void **state)
{
    (void)state;
    struct marks first, second;
    struct mr_sim *sim = journal_of_two(&first, &second);
    struct mr_engine *engine = begin(sim, &till2_logic);
    assert_int_equal(mr_engine_logic(engine)->version, 2);
    assert_true(mr_digest_equal(mr_engine_state_digest(engine), second.state));
    assert_true(mr_digest_equal(mr_engine_event_digest(engine), second.events));
    move(engine, 2 * HALF + 1, 5);
    (void)end(engine);
    mr_sim_destroy(sim);
}

static void expect_refusal(struct mr_sim *sim, const struct mr_logic *logic, const char *words)
{
    struct mr_sim *before = mr_sim_clone(sim, MR_SIM_CURRENT);
    const struct mr_logic *const logics[] = {logic, NULL};
    const struct mr_replay_options replay_options = {.storage = mr_sim_storage(sim),
                                                     .logics = logics};
    struct mr_engine_options options = options_of(sim, logic);
    struct mr_engine *engine = NULL;
    struct mr_replay *replayed = NULL;
    struct mr_error error = {0};
    assert_int_equal(mr_engine_open(&options, &engine, &error), MR_E_VERSION);
    if (strstr(error.text, words) == NULL) {
        fail_msg("'%s' is not in: %s", words, error.text);
    }
    assert_int_equal(mr_replay_open(&replay_options, &replayed, NULL, &error), MR_E_VERSION);
    assert_non_null(strstr(error.text, words));
    assert_true(mr_sim_equal(before, sim, NULL, 0));
    mr_sim_destroy(before);
}

static void a_program_that_lacks_a_version_refuses_the_journal_and_says_so(void **state)
{
    (void)state;
    struct marks first, second;
    struct mr_sim *sim = journal_of_two(&first, &second);
    expect_refusal(sim, &till_logic, "switches to version 2 of the logic 'till'");
    expect_refusal(sim, &till_logic, "use a newer program");
    expect_refusal(sim, &till_logic, "sequence 303");
    struct mr_logic only_2 = till2_logic;
    only_2.previous = NULL;
    expect_refusal(sim, &only_2, "begun by version 1");
    expect_refusal(sim, &only_2, "has dropped");
    expect_refusal(sim, &only_2, "use one that still carries version 1");
    mr_sim_destroy(sim);

    sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    (void)end(begin(sim, &till2_logic)); /* a new journal is begun by the newest version */
    expect_refusal(sim, &till_logic, "begun by version 2");
    expect_refusal(sim, &till_logic, "use a newer one");
    mr_sim_destroy(sim);
}

static void no_unknown_version_gets_into_the_journal(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine = begin(sim, &till_logic);
    struct {
        struct mr_command header;
        struct mr_logic_upgrade body;
    } command = {.header = {.length = sizeof command, .type = MR_COMMAND_LOGIC_UPGRADE},
                 .body = {.to_version = 2, .to_layout = 1}};
    assert_int_equal(mr_engine_submit(engine, &command.header, NULL), MR_E_VERSION);
    struct marks marks = end(engine);
    assert_int_equal(marks.sequence, 2);

    engine = begin(sim, &till2_logic);
    command.body.to_layout = 7; /* another program's version 2 */
    assert_int_equal(mr_engine_submit(engine, &command.header, NULL), MR_E_VERSION);
    (void)end(engine);
    mr_sim_destroy(sim);
}

static struct marks upgrade_in_vain(struct mr_sim *sim, const struct mr_logic *logic,
                                    uint32_t version, const char *words)
{
    struct mr_error error = {0};
    struct mr_engine *engine = begin(sim, logic);
    struct {
        struct mr_command header;
        struct mr_logic_upgrade body;
    } command = {.header = {.length = sizeof command, .type = MR_COMMAND_LOGIC_UPGRADE},
                 .body = {.to_version = version, .to_layout = 1}};
    assert_int_equal(mr_engine_upgrade(engine, version, &error), MR_E_VERSION);
    if (strstr(error.text, words) == NULL) {
        fail_msg("'%s' is not in: %s", words, error.text);
    }
    assert_int_equal(mr_engine_submit(engine, &command.header, NULL), MR_E_VERSION);
    return end(engine);
}

static uint64_t no_state(const void *config)
{
    (void)config;
    return 0;
}

/* Else no program at all could replay it. */
static void a_version_that_the_image_cannot_go_to_does_not_get_into_the_journal(void **state)
{
    (void)state;
    struct mr_logic second = till2_logic, third = till2_logic;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    (void)end(begin(sim, &till_logic));
    second.migrate = NULL; /* and its state has another size */
    third.version = 3;
    third.previous = &second;
    struct marks marks = upgrade_in_vain(sim, &second, 2, "there is no migrate");
    assert_int_equal(marks.sequence, 2);
    marks = upgrade_in_vain(sim, &third, 3, "there is no migrate"); /* nor what comes behind it */
    assert_int_equal(marks.sequence, 2);
    second.migrate = till2_logic.migrate;
    third.state_size = no_state;
    marks = upgrade_in_vain(sim, &third, 3, "does not accept its configuration");
    assert_int_equal(marks.sequence, 2);

    /* What lies before it can be gone to, and it goes on being refused. */
    struct mr_engine *engine = begin(sim, &third);
    struct mr_error error = {0};
    assert_int_equal(mr_engine_upgrade(engine, 2, &error), MR_OK);
    assert_int_equal(mr_engine_upgrade(engine, 3, &error), MR_E_VERSION);
    assert_int_equal(mr_engine_upgrade(engine, 2, &error), MR_E_EXISTS);
    (void)end(engine);
    marks = upgrade_in_vain(sim, &third, 3, "does not accept its configuration");
    assert_int_equal(marks.sequence, 4);
    (void)end(begin(sim, &second));
    mr_sim_destroy(sim);
}

static void a_version_that_nobody_could_switch_to_is_found_at_open(void **state)
{
    (void)state;
    struct mr_catalog lacking = till2_catalog;
    struct mr_logic flawed = till2_logic;
    lacking.query_count = 0;
    lacking.row_count = 0;
    flawed.catalog = &lacking;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    (void)end(begin(sim, &till_logic));
    struct mr_engine_options options = options_of(sim, &flawed);
    struct mr_engine *engine = NULL;
    struct mr_error error = {0};
    assert_int_equal(mr_engine_open(&options, &engine, &error), MR_E_INVALID);
    assert_non_null(strstr(error.text, "version 2"));
    mr_sim_destroy(sim);
}

struct seen {
    uint32_t moved, upgraded, fees;
};

static void see(void *context, const struct mr_event *event)
{
    static const unsigned char zeros[80];
    struct seen *seen = context;
    seen->moved += event->type == TILL_MOVED;
    seen->upgraded += event->type == MR_EVENT_LOGIC_UPGRADED;
    if (event->type == TILL_FEE) {
        const struct till_fee *fee = mr_event_body(event);
        const unsigned char *rest =
            (const unsigned char *)fee + offsetof(struct till_fee, padding0);
        seen->fees += fee->moves == 1 && memcmp(rest, zeros, sizeof zeros) == 0;
    }
}

/* Commands before and behind the switch in one block, events polled through a small ring. */
static void the_switch_takes_place_within_a_block(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine_options options = options_of(sim, &till2_logic);
    (void)end(begin(sim, &till_logic));
    options.output = MR_OUTPUT_POLL;
    options.output_slots = 2;
    struct mr_engine *engine = NULL;
    assert_int_equal(mr_engine_open(&options, &engine, NULL), MR_OK);
    assert_int_equal(mr_engine_begin(engine, NULL), MR_OK);
    assert_true(mr_ring_stride(&engine->input) >= till2_logic.command_size_max);
    assert_true(mr_ring_stride(&engine->output) >= till2_logic.event_size_max);
    struct till_command before = till_move(SESSION, 1, 0, 10),
                        behind = till_move(SESSION, 2, 0, 10);
    struct {
        struct mr_command header;
        struct mr_logic_upgrade body;
    } upgrade = {.header = {.length = sizeof upgrade, .type = MR_COMMAND_LOGIC_UPGRADE},
                 .body = {.to_version = 2, .to_layout = 1}};
    const struct mr_command *commands[] = {&before.header, &upgrade.header, &behind.header};
    struct mr_future futures[3] = {{0}, {0}, {0}};
    struct seen seen = {0};
    assert_int_equal(mr_engine_call_batch(engine, commands, 3, futures), MR_OK);
    for (uint32_t i = 0; i < 100; i++) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            assert_true(mr_engine_step(engine, stage) >= 0);
        }
        (void)mr_engine_poll(engine, &(struct mr_engine_handlers){.event = see, .context = &seen},
                             1);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(mr_future_ready(&futures[i]));
        assert_int_equal(futures[i].answer.result, 0);
    }
    const struct till2 *till = mr_image_state(mr_engine_image(engine));
    assert_int_equal(till->balance[0], 10 + 9);
    assert_int_equal(till->moves, 1);
    assert_true(seen.moved == 1 && seen.upgraded == 1 && seen.fees == 1);
    (void)end(engine);
    mr_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves_replay_to_their_digests),
        cmocka_unit_test(recovery_takes_up_the_version_that_applied),
        cmocka_unit_test(a_program_that_lacks_a_version_refuses_the_journal_and_says_so),
        cmocka_unit_test(no_unknown_version_gets_into_the_journal),
        cmocka_unit_test(a_version_that_the_image_cannot_go_to_does_not_get_into_the_journal),
        cmocka_unit_test(a_version_that_nobody_could_switch_to_is_found_at_open),
        cmocka_unit_test(the_switch_takes_place_within_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
