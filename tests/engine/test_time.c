/*
 * Time: an idle engine fires its timers when they are due, by itself and by one TICK; a simulated
 * clock drives it through years; where the clock is the input's, it stands still.
 */
#include "engine/parts.h"
#include "tests/engine/till.h"
#include "tests/support/sim_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SESSION = 7 };
#define SECOND UINT64_C(1000000000)
#define DAY    (86400 * SECOND)
#define BEGIN  (1000 * DAY)

struct bench {
    struct mr_sim *sim;
    struct mr_simulated_clock time;
    struct mr_clock clock;
    struct mr_engine *engine;
    uint64_t request;
};

static struct mr_engine_options options_of(struct bench *bench)
{
    return (struct mr_engine_options){.storage = mr_sim_storage(bench->sim),
                                      .create = true,
                                      .logic = &till_logic,
                                      .clock_kind = MR_CLOCK_SIMULATED,
                                      .clock = &bench->clock,
                                      .output = MR_OUTPUT_NONE,
                                      .segment_bytes = MR_SEGMENT_BYTES_MIN,
                                      .journal_id = {1}};
}

static void open_engine(struct bench *bench, const struct mr_engine_options *options)
{
    struct mr_error error = {0};
    if (mr_engine_open(options, &bench->engine, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
}

static void settle(struct bench *bench)
{
    for (uint32_t idle = 0; idle < 8; idle++) { /* a write takes a few turns */
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            if (mr_engine_step(bench->engine, stage) > 0) {
                idle = 0;
            }
        }
    }
}

static void begin(struct bench *bench, const struct mr_engine_options *options)
{
    open_engine(bench, options);
    assert_int_equal(mr_engine_begin(bench->engine, NULL), MR_OK);
    assert_int_equal(mr_engine_session(bench->engine, SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
    settle(bench);
}

static void move_later(struct bench *bench, int64_t amount, uint64_t delay_ns)
{
    struct till_command command = till_move(SESSION, ++bench->request, 0, amount);
    command.body.delay_ns = delay_ns;
    assert_int_equal(mr_engine_submit(bench->engine, &command.header, NULL), MR_OK);
    settle(bench);
}

static int64_t balance(const struct bench *bench)
{
    return ((const struct till *)mr_image_state(mr_engine_image(bench->engine)))->balance[0];
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    bench->clock = mr_clock_simulated(&bench->time);
    mr_simulated_clock_set(&bench->time, BEGIN);
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

static void a_timer_fires_at_its_time_by_one_tick(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    assert_int_equal(mr_engine_next_timer(bench->engine), UINT64_MAX);
    move_later(bench, 5, 10 * SECOND);
    assert_int_equal(mr_engine_next_timer(bench->engine), BEGIN + 10 * SECOND);
    uint64_t sequence = mr_engine_applied_sequence(bench->engine);
    mr_simulated_clock_advance(&bench->time, 10 * SECOND - 1);
    settle(bench);
    assert_int_equal(mr_engine_applied_sequence(bench->engine), sequence); /* no TICK in vain */
    assert_int_equal(balance(bench), 0);
    mr_simulated_clock_advance(&bench->time, 1);
    settle(bench);
    assert_int_equal(mr_engine_applied_sequence(bench->engine), sequence + 1);
    assert_int_equal(balance(bench), 5);
    assert_int_equal(mr_engine_next_timer(bench->engine), UINT64_MAX);
    settle(bench);
    assert_int_equal(mr_engine_applied_sequence(bench->engine), sequence + 1);
}

static void no_second_tick_leaves_while_one_is_under_way(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    move_later(bench, 5, SECOND);
    mr_simulated_clock_advance(&bench->time, 2 * SECOND);
    assert_int_equal(mr_engine_step(bench->engine, MR_STAGE_SEQUENCE), 1);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(mr_engine_step(bench->engine, MR_STAGE_SEQUENCE), 0);
        (void)mr_engine_step(bench->engine, MR_STAGE_JOURNAL);
    }
    settle(bench);
    assert_int_equal(mr_engine_applied_sequence(bench->engine), 4);
}

static void a_timer_set_while_its_time_passes_fires_too(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    struct till_command command = till_move(SESSION, 1, 0, 5);
    command.body.delay_ns = 1;
    assert_int_equal(mr_engine_submit(bench->engine, &command.header, NULL), MR_OK);
    assert_true(mr_engine_step(bench->engine, MR_STAGE_SEQUENCE) > 0);
    mr_simulated_clock_advance(&bench->time, SECOND); /* before anybody knows of the timer */
    settle(bench);
    assert_int_equal(balance(bench), 5);
}

static void years_pass_in_no_time_timer_by_timer(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    for (uint64_t i = 0; i < 500; i++) {
        move_later(bench, 1, DAY + i * 10 * DAY);
    }
    for (uint64_t i = 0; i < 500; i++) {
        uint64_t due = mr_engine_next_timer(bench->engine);
        assert_int_equal(due, BEGIN + DAY + i * 10 * DAY);
        mr_simulated_clock_set(&bench->time, due);
        settle(bench);
        assert_int_equal(balance(bench), i + 1);
    }
    assert_int_equal(mr_engine_applied_sequence(bench->engine), 2 + 500 + 500);
}

static void recovery_knows_what_is_due_and_fires_what_was_missed(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    begin(bench, &options);
    move_later(bench, 5, DAY);
    assert_int_equal(mr_engine_stop(bench->engine, NULL), MR_OK);
    mr_engine_close(bench->engine);
    mr_simulated_clock_advance(&bench->time, 3 * DAY);
    open_engine(bench, &options);
    assert_int_equal(mr_engine_next_timer(bench->engine), BEGIN + DAY);
    assert_int_equal(mr_engine_begin(bench->engine, NULL), MR_OK);
    settle(bench);
    assert_int_equal(balance(bench), 5);
}

static void time_that_comes_with_the_input_stands_still_without_it(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    options.clock_kind = MR_CLOCK_INPUT;
    options.tick_ns = 1;
    begin(bench, &options);
    move_later(bench, 5, 1);
    mr_simulated_clock_advance(&bench->time, DAY);
    settle(bench);
    assert_int_equal(balance(bench), 0);
    assert_int_equal(mr_engine_applied_sequence(bench->engine), 3);
}

static void a_session_that_sends_nothing_for_too_long_is_closed_by_a_tick(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    options.session_idle_ns = DAY;
    begin(bench, &options);
    struct mr_session_info info;
    mr_simulated_clock_advance(&bench->time, DAY / 2);
    move_later(bench, 5, SECOND);
    mr_simulated_clock_advance(&bench->time, DAY - 1);
    settle(bench);
    assert_true(mr_image_session(mr_engine_image(bench->engine), SESSION, &info));
    mr_simulated_clock_advance(&bench->time, DAY);
    settle(bench);
    assert_false(mr_image_session(mr_engine_image(bench->engine), SESSION, &info));
    uint64_t sequence = mr_engine_applied_sequence(bench->engine);
    settle(bench);
    assert_int_equal(mr_engine_applied_sequence(bench->engine), sequence); /* it ticks once */
}

static void a_session_can_be_closed_once(void **state)
{
    struct bench *bench = *state;
    struct mr_engine_options options = options_of(bench);
    struct mr_error error;
    begin(bench, &options);
    assert_int_equal(mr_engine_session_close(bench->engine, SESSION, &error), MR_OK);
    assert_int_equal(mr_engine_session_close(bench->engine, SESSION, &error), MR_E_NOT_FOUND);
    assert_non_null(strstr(error.text, "session 7"));
    assert_int_equal(mr_engine_session(bench->engine, SESSION, MR_ROLE_USER, NULL, &error),
                     MR_E_LIMIT); /* numbers do not come back */
    assert_int_equal(mr_engine_session(bench->engine, 8, MR_ROLE_USER, NULL, &error), MR_OK);
    assert_int_equal(mr_engine_session(bench->engine, 8, MR_ROLE_OPERATOR, NULL, &error),
                     MR_E_MISMATCH);
}

/* A clock that is moved in the very moment in which it was read, by somebody who then submits. */
struct moved {
    struct bench *bench;
    bool armed;
};

static uint64_t read_and_move(void *context)
{
    struct moved *moved = context;
    struct bench *bench = moved->bench;
    uint64_t now_ns = mr_clock_now(&(struct mr_clock){bench->clock.now, bench->clock.context});
    if (moved->armed) {
        moved->armed = false;
        mr_simulated_clock_advance(&bench->time, DAY);
        struct till_command command = till_move(SESSION, ++bench->request, 0, 5);
        assert_int_equal(mr_engine_submit(bench->engine, &command.header, NULL), MR_OK);
    }
    return now_ns;
}

static void who_moves_the_clock_and_then_submits_gets_the_new_time(void **state)
{
    struct bench *bench = *state;
    struct moved moved = {.bench = bench};
    const struct mr_clock clock = {.now = read_and_move, .context = &moved};
    struct mr_engine_options options = options_of(bench);
    options.clock = &clock;
    begin(bench, &options);
    moved.armed = true;
    settle(bench);
    assert_int_equal(balance(bench), 5);
    assert_int_equal(mr_image_status_get(mr_engine_image(bench->engine)).time_ns, BEGIN + DAY);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_timer_fires_at_its_time_by_one_tick),
        CASE(no_second_tick_leaves_while_one_is_under_way),
        CASE(a_timer_set_while_its_time_passes_fires_too),
        CASE(years_pass_in_no_time_timer_by_timer),
        CASE(recovery_knows_what_is_due_and_fires_what_was_missed),
        CASE(time_that_comes_with_the_input_stands_still_without_it),
        CASE(a_session_that_sends_nothing_for_too_long_is_closed_by_a_tick),
        CASE(a_session_can_be_closed_once),
        CASE(who_moves_the_clock_and_then_submits_gets_the_new_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
