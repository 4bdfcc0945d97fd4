/*
 * Opening and replaying directories that are not as they should be, over a simulated disk: each
 * gets its own error, and no file is changed.
 */
#include "engine/applier.h"
#include "tests/engine/till.h"
#include "tests/support/sim_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct mr_engine_options options_of(struct mr_sim *sim, const struct mr_logic *logic)
{
    return (struct mr_engine_options){.storage = mr_sim_storage(sim),
                                      .create = true,
                                      .logic = logic,
                                      .clock_kind = MR_CLOCK_INPUT,
                                      .segment_bytes = 4 << 20,
                                      .journal_id = {1}};
}

/* A journal of a hundred moves, one an entry. */
static struct mr_sim *journal_of_moves(struct mr_digest *state, struct mr_digest *events)
{
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine_options options = options_of(sim, &till_logic);
    struct mr_engine *engine;
    struct mr_error error = {0};
    assert_int_equal(mr_engine_open(&options, &engine, &error), MR_OK);
    assert_int_equal(mr_engine_begin(engine, &error), MR_OK);
    assert_int_equal(mr_engine_session(engine, 7, MR_ROLE_USER, NULL, &error), MR_OK);
    for (uint64_t request = 1; request <= 100; request++) {
        struct till_command command = till_move(7, request, request % TILL_ACCOUNTS, 3);
        assert_int_equal(mr_engine_execute(engine, &command.header, NULL, NULL, &error), MR_OK);
    }
    assert_int_equal(mr_engine_stop(engine, &error), MR_OK);
    *state = mr_engine_state_digest(engine);
    *events = mr_engine_event_digest(engine);
    mr_engine_close(engine);
    return sim;
}

static int replay(struct mr_sim *sim, const struct mr_logic *logic, uint64_t to,
                  struct mr_replay **replay_out, struct mr_error *error)
{
    const struct mr_logic *const logics[] = {logic, NULL};
    const struct mr_replay_options options = {
        .storage = mr_sim_storage(sim), .logics = logics, .to = to};
    return mr_replay_open(&options, replay_out, NULL, error);
}

/* Expects the code from opening an engine and (unless it is to be MR_OK) from a replay, and that no
 * byte has changed. */
static void expect_refusal(struct mr_sim *sim, const struct mr_logic *logic, int code,
                           const char *words)
{
    struct mr_sim *before = mr_sim_clone(sim, MR_SIM_CURRENT);
    struct mr_engine_options options = options_of(sim, logic);
    struct mr_engine *engine = NULL;
    struct mr_replay *replayed = NULL;
    struct mr_error error = {0};
    assert_int_equal(mr_engine_open(&options, &engine, &error), code);
    assert_non_null(strstr(error.text, words));
    assert_int_equal(replay(sim, logic, 0, &replayed, &error), code);
    assert_non_null(strstr(error.text, words));
    assert_true(mr_sim_equal(before, sim, NULL, 0));
    mr_sim_destroy(before);
}

static void a_replay_gives_the_digests_of_the_run(void **state)
{
    (void)state;
    struct mr_digest image, events;
    struct mr_sim *sim = journal_of_moves(&image, &events);
    struct mr_replay *replayed;
    struct mr_error error = {0};
    assert_int_equal(replay(sim, &till_logic, 0, &replayed, &error), MR_OK);
    assert_true(mr_digest_equal(image, mr_replay_state_digest(replayed)));
    assert_true(mr_digest_equal(events, mr_replay_event_digest(replayed)));
    assert_true(mr_replay_digests_checked(replayed) > 50);
    mr_replay_close(replayed);
    mr_sim_destroy(sim);
}

static void a_replay_stops_after_the_sequence_it_was_told(void **state)
{
    (void)state;
    struct mr_digest image, events;
    struct mr_sim *sim = journal_of_moves(&image, &events);
    struct mr_error error = {0};
    for (uint64_t to = 1; to <= 102; to += 7) {
        struct mr_replay *replayed;
        assert_int_equal(replay(sim, &till_logic, to, &replayed, &error), MR_OK);
        assert_int_equal(mr_image_status_get(mr_replay_image(replayed)).sequence, to);
        mr_replay_close(replayed);
    }
    struct mr_replay *replayed;
    assert_int_equal(replay(sim, &till_logic, 103, &replayed, &error), MR_E_INVALID);
    mr_sim_destroy(sim);
}

struct telling {
    uint64_t command; /* the sequence of the last one told */
    uint64_t answers, events;
};

static void on_command(void *context, const struct mr_command *command)
{
    struct telling *telling = context;
    assert_int_equal(command->sequence, telling->command + 1);
    assert_int_equal(telling->answers, telling->command); /* the one before is done with */
    telling->command = command->sequence;
}

static void on_event(void *context, const struct mr_event *event)
{
    struct telling *telling = context;
    assert_int_equal(event->sequence, telling->command);
    telling->events++;
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    struct telling *telling = context;
    assert_int_equal(answer->sequence, telling->command);
    telling->answers++;
}

/* Batches are entries of several commands; a command that emits more than its share tells apart the
 * events of one from those of the next. */
static void a_replay_tells_each_command_before_its_events_and_its_answer(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine_options options = options_of(sim, &till_logic);
    struct mr_engine *engine;
    struct mr_error error = {0};
    assert_int_equal(mr_engine_open(&options, &engine, &error), MR_OK);
    assert_int_equal(mr_engine_begin(engine, &error), MR_OK);
    assert_int_equal(mr_engine_session(engine, 7, MR_ROLE_USER, NULL, &error), MR_OK);
    struct till_command commands[COUNT];
    const struct mr_command *pointers[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        commands[i] = till_move(7, i + 1, i % TILL_ACCOUNTS, 1);
        commands[i].body.burst = i % 3;
        pointers[i] = &commands[i].header;
    }
    assert_int_equal(mr_engine_submit_batch(engine, pointers, COUNT, NULL), MR_OK);
    assert_int_equal(mr_engine_stop(engine, &error), MR_OK);
    mr_engine_close(engine);

    const struct mr_logic *const logics[] = {&till_logic, NULL};
    for (uint64_t to = 1; to <= COUNT + 2; to++) {
        struct telling telling = {0};
        const struct mr_replay_options replaying = {
            .storage = mr_sim_storage(sim),
            .logics = logics,
            .to = to,
            .handlers = {.event = on_event, .answer = on_answer, .context = &telling},
            .command = on_command};
        struct mr_replay *replayed;
        assert_int_equal(mr_replay_open(&replaying, &replayed, NULL, &error), MR_OK);
        assert_int_equal(telling.command, to);
        assert_int_equal(telling.answers, to);
        assert_int_equal(telling.events, mr_image_status_get(mr_replay_image(replayed)).events);
        mr_replay_close(replayed);
    }
    mr_sim_destroy(sim);
}

static void a_directory_of_another_logic_is_refused(void **state)
{
    (void)state;
    struct mr_digest image, events;
    struct mr_sim *sim = journal_of_moves(&image, &events);
    struct mr_logic other = till_logic;
    other.name = "other";
    expect_refusal(sim, &other, MR_E_MISMATCH, "till");
    mr_sim_destroy(sim);
}

static void an_unknown_newer_version_is_refused(void **state)
{
    (void)state;
    struct mr_digest image, events;
    struct mr_sim *sim = journal_of_moves(&image, &events);
    struct mr_logic older = till_logic;
    older.version = 0;
    expect_refusal(sim, &older, MR_E_VERSION, "version 1");
    mr_sim_destroy(sim);
}

static uint32_t wrong_apply(struct mr_context *context, const struct mr_command *command)
{
    uint32_t result = till_apply(context, command);
    if (context->sequence == 60) {
        struct till_moved *moved = (struct till_moved *)(void *)(context->outbox->bytes + 64);
        moved->balance++;
    }
    return result;
}

static void a_logic_that_behaves_otherwise_is_found_out(void **state)
{
    (void)state;
    struct mr_digest image, events;
    struct mr_sim *sim = journal_of_moves(&image, &events);
    struct mr_logic wrong = till_logic;
    wrong.apply = wrong_apply;
    expect_refusal(sim, &wrong, MR_E_DIVERGED, "after sequence 60");
    mr_sim_destroy(sim);
}

static void a_damaged_journal_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct mr_digest image, events;
    struct mr_sim *sim = journal_of_moves(&image, &events);
    mr_sim_flip(sim, "journal/00000001.seg", 16384 + 40 * 4096 + 300, 3);
    expect_refusal(sim, &till_logic, MR_E_CORRUPT, "00000001.seg");
    mr_sim_destroy(sim);
}

static void a_directory_without_a_journal_is_not_made_one_unasked(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine_options options = options_of(sim, &till_logic);
    options.create = false;
    struct mr_engine *engine = NULL;
    struct mr_error error = {0};
    assert_int_equal(mr_engine_open(&options, &engine, &error), MR_E_NOT_FOUND);
    mr_sim_destroy(sim);
}

static void creation_crashed_at_any_call_can_be_repeated(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, 1);
    bool cut = true;
    for (uint64_t nth = 1; cut; nth++) {
        struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = nth});
        mr_sim_inject(sim, &(struct mr_sim_fault){
                               .call = MR_SIM_ANY_CHANGE, .nth = nth, .span = MR_SIM_POWER_CUT});
        struct mr_engine_options options = options_of(sim, &till_logic);
        struct mr_engine *engine = NULL;
        struct mr_error error = {0};
        if (mr_engine_open(&options, &engine, &error) == MR_OK) {
            mr_engine_close(engine);
        }
        cut = mr_sim_power_is_cut(sim);
        mr_sim_crash(sim, &random);
        int status = mr_engine_open(&options, &engine, &error);
        if (status != MR_OK) {
            fail_msg("after a crash at change %llu: %s", (unsigned long long)nth, error.text);
        }
        assert_int_equal(mr_engine_begin(engine, &error), MR_OK);
        assert_int_equal(mr_engine_session(engine, 7, MR_ROLE_USER, NULL, &error), MR_OK);
        assert_int_equal(mr_engine_applied_sequence(engine), 2);
        assert_int_equal(mr_engine_stop(engine, &error), MR_OK);
        mr_engine_close(engine);
        mr_sim_destroy(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replay_gives_the_digests_of_the_run),
        cmocka_unit_test(a_replay_stops_after_the_sequence_it_was_told),
        cmocka_unit_test(a_replay_tells_each_command_before_its_events_and_its_answer),
        cmocka_unit_test(a_directory_of_another_logic_is_refused),
        cmocka_unit_test(an_unknown_newer_version_is_refused),
        cmocka_unit_test(a_logic_that_behaves_otherwise_is_found_out),
        cmocka_unit_test(a_damaged_journal_is_refused_and_left_alone),
        cmocka_unit_test(a_directory_without_a_journal_is_not_made_one_unasked),
        cmocka_unit_test(creation_crashed_at_any_call_can_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
