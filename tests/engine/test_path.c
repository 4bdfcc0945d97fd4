/*
 * The path of an event, stepped by hand over a simulated disk: what is visible when, and what a
 * full ring does.
 */
#include "engine/parts.h"
#include "tests/engine/till.h"
#include "tests/support/sim_storage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct heard {
    uint64_t events, answers, last_sequence, last_event;
    struct mr_answer answer; /* the last one */
};

static void on_event(void *context, const struct mr_event *event)
{
    struct heard *heard = context;
    heard->events++;
    assert_true(event->number == heard->last_event + 1);
    heard->last_event = event->number;
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    struct heard *heard = context;
    heard->answers++;
    heard->answer = *answer;
    assert_true(answer->duplicate != 0 || answer->sequence == heard->last_sequence + 1);
    heard->last_sequence++;
}

struct bench {
    struct mr_sim *sim;
    struct mr_engine *engine;
    struct heard heard;
};

static struct mr_engine_options options_of(struct bench *bench)
{
    return (struct mr_engine_options){.storage = mr_sim_storage(bench->sim),
                                      .create = true,
                                      .logic = &till_logic,
                                      .clock_kind = MR_CLOCK_INPUT,
                                      .segment_bytes = MR_SEGMENT_BYTES_MIN,
                                      .journal_id = {1}};
}

static void open_engine(struct bench *bench, const struct mr_engine_options *options)
{
    struct mr_error error = {0};
    if (mr_engine_open(options, &bench->engine, &error) != MR_OK ||
        mr_engine_begin(bench->engine, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
}

static void poll_all(struct bench *bench)
{
    const struct mr_engine_handlers handlers = {
        .event = on_event, .answer = on_answer, .context = &bench->heard};
    (void)mr_engine_poll(bench->engine, &handlers, UINT32_MAX);
}

static void step_all(struct bench *bench)
{
    for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
        assert_true(mr_engine_step(bench->engine, stage) >= 0);
    }
}

static void settle(struct bench *bench)
{
    for (uint32_t i = 0; i < 100000 && !mr_engine_drained(bench->engine); i++) {
        step_all(bench);
        poll_all(bench);
    }
    assert_true(mr_engine_drained(bench->engine));
}

/* An engine with session 7 open. */
static void begin(struct bench *bench, const struct mr_engine_options *options)
{
    open_engine(bench, options);
    settle(bench);
    struct mr_error error;
    assert_int_equal(mr_engine_session(bench->engine, 7, MR_ROLE_USER, NULL, &error), MR_OK);
    bench->heard.last_sequence = 2;
    bench->heard.last_event = mr_image_status_get(mr_engine_image(bench->engine)).events;
    bench->heard.answers = 0;
    bench->heard.events = 0;
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->sim = mr_sim_create(&(struct mr_sim_options){.seed = 1, .delay_max = 2});
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    if (bench->engine != NULL) {
        mr_engine_stop(bench->engine, NULL);
        mr_engine_close(bench->engine);
    }
    mr_sim_destroy(bench->sim);
    free(bench);
    return 0;
}

static void a_command_passes_the_stages_in_order(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    struct till_command command = till_move(7, 1, 0, 5);
    uint64_t ticket;
    assert_int_equal(mr_engine_submit(bench->engine, &command.header, &ticket), MR_OK);
    assert_int_equal(mr_engine_stage(bench->engine, ticket), MR_STAGE_ACCEPTED);
    while (mr_engine_stage(bench->engine, ticket) == MR_STAGE_ACCEPTED) {
        /* Apply may not see it before the journal has said that it is durable. */
        (void)mr_engine_step(bench->engine, MR_STAGE_SEQUENCE);
        assert_int_equal(mr_engine_step(bench->engine, MR_STAGE_APPLY), 0);
        poll_all(bench);
        assert_int_equal(bench->heard.answers, 0);
        (void)mr_engine_step(bench->engine, MR_STAGE_JOURNAL);
    }
    assert_int_equal(mr_engine_stage(bench->engine, ticket), MR_STAGE_DURABLE);
    assert_int_equal(mr_engine_durable_sequence(bench->engine), 3);
    assert_int_equal(mr_engine_applied_sequence(bench->engine), 2);
    assert_true(mr_engine_step(bench->engine, MR_STAGE_APPLY) > 0);
    assert_int_equal(mr_engine_stage(bench->engine, ticket), MR_STAGE_APPLIED);
    poll_all(bench);
    assert_int_equal(bench->heard.events, 1);
    assert_int_equal(bench->heard.answers, 1);
    assert_int_equal(bench->heard.answer.sequence, 3);
    assert_int_equal(bench->heard.answer.session, 7);
    assert_int_equal(bench->heard.answer.request, 1);
    assert_int_equal(bench->heard.answer.result, 0);
}

static void a_full_input_ring_answers_busy_and_takes_nothing(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    options.input_slots = 16;
    begin(bench, &options);
    uint64_t request = 0;
    int status = MR_OK;
    while (status == MR_OK) {
        struct till_command command = till_move(7, ++request, 0, 1);
        status = mr_engine_submit(bench->engine, &command.header, NULL);
    }
    assert_int_equal(status, MR_AGAIN);
    assert_int_equal(request, 17);
    settle(bench);
    assert_int_equal(bench->heard.answers, 16);
}

static void impossible_commands_are_refused_at_once(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    struct till_command command = till_move(7, 1, 0, 5);
    const uint32_t lengths[] = {0, 8, 48, 57, 60, 264, UINT32_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        command.header.length = lengths[i];
        assert_int_equal(mr_engine_submit(bench->engine, &command.header, NULL), MR_E_INVALID);
    }
    const struct mr_command *commands[1] = {&command.header};
    assert_int_equal(mr_engine_submit_batch(bench->engine, commands, 0, NULL), MR_E_INVALID);
    assert_int_equal(
        mr_engine_submit_batch(bench->engine, commands, MR_BATCH_COMMANDS_MAX + 1, NULL),
        MR_E_LIMIT);
    assert_true(mr_engine_drained(bench->engine));
}

static void a_batch_travels_in_one_block_whatever_its_size(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    enum { COUNT = MR_BATCH_COMMANDS_MAX };
    struct till_command *commands = calloc(COUNT, sizeof *commands);
    const struct mr_command **pointers = calloc(COUNT, sizeof(struct mr_command *));
    for (uint32_t i = 0; i < COUNT; i++) {
        commands[i] = till_move(7, 2 + i, i % TILL_ACCOUNTS, 1);
        pointers[i] = &commands[i].header;
    }
    struct till_command single = till_move(7, 1, 0, 1);
    uint64_t ticket;
    assert_int_equal(mr_engine_submit(bench->engine, &single.header, NULL), MR_OK);
    assert_int_equal(mr_engine_submit_batch(bench->engine, pointers, COUNT, &ticket), MR_OK);
    settle(bench);
    assert_int_equal(bench->heard.answers, COUNT + 1);

    /* On disk: one entry holds the whole batch. */
    struct mr_error error;
    struct mr_recovery plan;
    assert_int_equal(mr_engine_stop(bench->engine, &error), MR_OK);
    assert_int_equal(mr_journal_plan(options.storage, &plan, NULL, &error), MR_OK);
    struct mr_reader *reader;
    assert_int_equal(mr_reader_open(options.storage,
                                    &(struct mr_reader_options){.from_sequence = 4,
                                                                .last_index = plan.last_index},
                                    &reader, &error),
                     MR_OK);
    const struct mr_entry *entry;
    assert_int_equal(mr_reader_next(reader, &entry, NULL, &error), MR_OK);
    assert_true(entry->first_sequence <= 4 && mr_entry_last_sequence(entry) >= COUNT + 3);
    mr_reader_close(reader);
    free(commands);
    free(pointers);
}

static void a_reader_that_stops_reading_stops_nothing_but_new_commands(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    options.output_slots = 4; /* far fewer than one command's events */
    options.input_slots = 64;
    begin(bench, &options);
    struct till_command command = till_move(7, 0, 3, 1);
    command.body.burst = TILL_BURST_MAX;
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        command.header.request = accepted + 1;
        accepted += mr_engine_submit(bench->engine, &command.header, NULL) == MR_OK;
        step_all(bench);
    }
    assert_int_equal(bench->heard.answers, 0);
    /* The input ring filled up; everything that was accepted is durable all the same, as far as
     * blocks find room; and nothing was lost when somebody reads again. */
    assert_true(accepted >= 64 && accepted < 2000);
    settle(bench);
    assert_int_equal(bench->heard.answers, accepted);
    assert_int_equal(bench->heard.events, (uint64_t)accepted * (TILL_BURST_MAX + 1));
}

static void a_resent_command_gets_its_first_answer_and_no_second_effect(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    struct till_command command = till_move(7, 1, 2, 50);
    struct mr_answer first = {0}, again = {0};
    struct mr_error error;
    assert_int_equal(mr_engine_execute(bench->engine, &command.header, NULL, &first, &error),
                     MR_OK);
    assert_int_equal(mr_engine_execute(bench->engine, &command.header, NULL, &again, &error),
                     MR_OK);
    assert_int_equal(again.duplicate, 1);
    assert_int_equal(again.sequence, first.sequence);
    assert_int_equal(again.first_event, first.first_event);
    const struct till *till = mr_image_state(mr_engine_image(bench->engine));
    assert_int_equal(till->balance[2], 50);
}

static void stop_journals_what_was_accepted_also_when_nobody_polls(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    options.output_slots = 4;
    begin(bench, &options);
    for (uint64_t request = 1; request <= 500; request++) {
        struct till_command command = till_move(7, request, 0, 1);
        assert_int_equal(mr_engine_submit(bench->engine, &command.header, NULL), MR_OK);
    }
    struct mr_error error;
    assert_int_equal(mr_engine_stop(bench->engine, &error), MR_OK);
    struct till_command late = till_move(7, 501, 0, 1);
    assert_int_equal(mr_engine_submit(bench->engine, &late.header, NULL), MR_E_FENCED);
    mr_engine_close(bench->engine);
    open_engine(bench, &options);
    const struct till *till = mr_image_state(mr_engine_image(bench->engine));
    assert_int_equal(till->balance[0], 500);
}

static uint64_t fixed_now(void *context)
{
    return *(uint64_t *)context;
}

static void an_idle_wall_clock_ticks_and_fires_timers(void **state)
{
    struct bench *bench = *state;
    uint64_t now = 1000;
    const struct mr_clock clock = {.now = fixed_now, .context = &now};
    struct mr_engine_options options = options_of(bench);
    options.clock_kind = MR_CLOCK_WALL;
    options.clock = &clock;
    options.tick_ns = 100;
    begin(bench, &options);
    struct till_command command = till_move(7, 1, 4, 9);
    command.body.delay_ns = 1000;
    assert_int_equal(mr_engine_submit(bench->engine, &command.header, NULL), MR_OK);
    settle(bench);
    const struct till *till = mr_image_state(mr_engine_image(bench->engine));
    assert_int_equal(till->balance[4], 0);
    uint64_t sequence = mr_engine_applied_sequence(bench->engine);
    now += 99; /* not idle for long enough */
    step_all(bench);
    settle(bench);
    assert_int_equal(mr_engine_applied_sequence(bench->engine), sequence);
    now += 901;
    step_all(bench);
    settle(bench);
    assert_int_equal(mr_engine_applied_sequence(bench->engine), sequence + 1);
    assert_int_equal(till->balance[4], 9);
}

static uint64_t hurrying_now(void *context)
{
    return *(uint64_t *)context += 1000000;
}

static void an_engine_that_always_has_a_tick_to_send_stops_all_the_same(void **state)
{
    struct bench *bench = *state;
    uint64_t now = 1000;
    const struct mr_clock clock = {.now = hurrying_now, .context = &now};
    struct mr_engine_options options = options_of(bench);
    options.clock_kind = MR_CLOCK_WALL;
    options.clock = &clock;
    options.tick_ns = 1;
    options.frames_in_flight = 8;
    open_engine(bench, &options);
    uint64_t sequence = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        step_all(bench);
        /* One TICK at a time: its successor waits until it is applied. */
        assert_true(mr_engine_durable_sequence(bench->engine) <=
                    mr_engine_applied_sequence(bench->engine) + 1);
        sequence = mr_engine_applied_sequence(bench->engine);
        poll_all(bench);
    }
    assert_true(sequence > 100);
    struct mr_error error;
    assert_int_equal(mr_engine_stop(bench->engine, &error), MR_OK);
    assert_int_equal(mr_engine_applied_sequence(bench->engine),
                     mr_engine_durable_sequence(bench->engine));
}

static void a_failed_write_fences_and_nothing_more_is_answered(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    mr_sim_inject(bench->sim, &(struct mr_sim_fault){.call = MR_SIM_QUEUE_WRITE,
                                                     .nth = 1,
                                                     .system_error = EIO,
                                                     .span = MR_SIM_FOREVER});
    struct till_command command = till_move(7, 1, 0, 5);
    uint64_t ticket;
    assert_int_equal(mr_engine_submit(bench->engine, &command.header, &ticket), MR_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            (void)mr_engine_step(bench->engine, stage);
        }
        poll_all(bench);
    }
    assert_int_equal(bench->heard.answers, 0);
    assert_int_equal(mr_engine_stage(bench->engine, ticket), MR_STAGE_ACCEPTED);
    struct mr_error error;
    assert_int_equal(mr_engine_failure(bench->engine, &error), MR_E_IO);
    assert_int_equal(mr_engine_submit(bench->engine, &command.header, NULL), MR_E_FENCED);
    assert_int_equal(mr_engine_stop(bench->engine, &error), MR_E_IO);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_command_passes_the_stages_in_order),
        CASE(a_full_input_ring_answers_busy_and_takes_nothing),
        CASE(impossible_commands_are_refused_at_once),
        CASE(a_batch_travels_in_one_block_whatever_its_size),
        CASE(a_reader_that_stops_reading_stops_nothing_but_new_commands),
        CASE(a_resent_command_gets_its_first_answer_and_no_second_effect),
        CASE(stop_journals_what_was_accepted_also_when_nobody_polls),
        CASE(an_idle_wall_clock_ticks_and_fires_timers),
        CASE(an_engine_that_always_has_a_tick_to_send_stops_all_the_same),
        CASE(a_failed_write_fences_and_nothing_more_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
