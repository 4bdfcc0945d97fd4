/*
 * The durability policies through the engine: the same answers and digests under each; what each
 * asks for and touches.
 */
#include "engine/parts.h"
#include "tests/engine/till.h"
#include "tests/support/sim_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COMMANDS = 300 };

struct heard {
    uint64_t answers;
};

static void count(void *context, const struct mr_answer *answer)
{
    struct heard *heard = context;
    assert_int_equal(answer->result, 0);
    heard->answers++;
}

static void settle(struct mr_engine *engine, struct heard *heard)
{
    const struct mr_engine_handlers handlers = {.answer = count, .context = heard};
    for (uint32_t i = 0; i < 100000 && !mr_engine_drained(engine); i++) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            assert_true(mr_engine_step(engine, stage) >= 0);
        }
        (void)mr_engine_poll(engine, &handlers, UINT32_MAX);
    }
    assert_true(mr_engine_drained(engine));
}

/* A whole life of an engine; what its events come to. */
static struct mr_digest live(struct mr_sim *sim, enum mr_durability durability)
{
    const struct mr_engine_options options = {
        .storage = sim != NULL ? mr_sim_storage(sim) : NULL,
        .create = true,
        .logic = &till_logic,
        .clock_kind = MR_CLOCK_INPUT,
        .segment_bytes = MR_SEGMENT_BYTES_MIN,
        .journal_id = {1},
        .durability = durability,
    };
    struct mr_engine *engine;
    struct mr_error error;
    struct heard heard = {0};
    assert_int_equal(mr_engine_open(&options, &engine, &error), MR_OK);
    assert_true(mr_engine_recovery_get(engine)->created);
    assert_int_equal(mr_engine_begin(engine, &error), MR_OK);
    settle(engine, &heard);
    assert_int_equal(mr_engine_session(engine, 7, MR_ROLE_USER, NULL, &error), MR_OK);
    heard.answers = 0;
    for (uint64_t request = 1; request <= COMMANDS; request++) {
        struct till_command command = till_move(7, request, request % TILL_ACCOUNTS, 3);
        assert_int_equal(mr_engine_submit(engine, &command.header, NULL), MR_OK);
        if (request % 7 == 0) {
            settle(engine, &heard);
        }
    }
    settle(engine, &heard);
    assert_int_equal(heard.answers, COMMANDS);
    struct mr_digest digest = mr_engine_event_digest(engine);
    assert_int_equal(mr_engine_stop(engine, &error), MR_OK);
    assert_int_equal(mr_engine_durable_sequence(engine), mr_engine_applied_sequence(engine));
    mr_engine_close(engine);
    return digest;
}

static void every_policy_gives_the_same_events(void **state)
{
    (void)state;
    struct mr_sim *disk = mr_sim_create(&(struct mr_sim_options){.seed = 1, .delay_max = 2});
    struct mr_sim *os = mr_sim_create(&(struct mr_sim_options){.seed = 1, .delay_max = 2});
    struct mr_digest expected = live(disk, MR_DURABILITY_DISK);
    assert_true(mr_digest_equal(live(os, MR_DURABILITY_OS), expected));
    assert_true(mr_digest_equal(live(NULL, MR_DURABILITY_NONE), expected));
    struct mr_recovery plan;
    assert_int_equal(mr_journal_plan(mr_sim_storage(disk), &plan, NULL, NULL), MR_OK);
    assert_int_equal(plan.durability, MR_DURABILITY_DISK);
    assert_int_equal(mr_journal_plan(mr_sim_storage(os), &plan, NULL, NULL), MR_OK);
    assert_int_equal(plan.durability, MR_DURABILITY_OS);
    assert_int_equal(plan.last_sequence, COMMANDS + 2);
    mr_sim_destroy(disk);
    mr_sim_destroy(os);
}

static void durability_none_wants_no_place_and_the_others_want_one(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine_options options = {.logic = &till_logic, .create = true};
    struct mr_engine *engine = NULL;
    assert_int_equal(mr_engine_open(&options, &engine, NULL), MR_E_INVALID);
    options.durability = MR_DURABILITY_OS;
    assert_int_equal(mr_engine_open(&options, &engine, NULL), MR_E_INVALID);
    options.durability = MR_DURABILITY_NONE;
    options.storage = mr_sim_storage(sim);
    assert_int_equal(mr_engine_open(&options, &engine, NULL), MR_E_INVALID);
    options.storage = NULL;
    options.directory = "nowhere";
    assert_int_equal(mr_engine_open(&options, &engine, NULL), MR_E_INVALID);
    options.directory = NULL;
    options.durability = (enum mr_durability)9;
    options.storage = mr_sim_storage(sim);
    assert_int_equal(mr_engine_open(&options, &engine, NULL), MR_E_INVALID);
    assert_null(engine);
    mr_sim_destroy(sim);
}

static void little_room_is_announced_before_the_engine_stops(void **state)
{
    (void)state;
    struct mr_sim *sim =
        mr_sim_create(&(struct mr_sim_options){.seed = 1, .capacity = 30 * MR_SEGMENT_BYTES_MIN});
    struct mr_engine_options options = {
        .storage = mr_sim_storage(sim),
        .create = true,
        .logic = &till_logic,
        .segment_bytes = MR_SEGMENT_BYTES_MIN,
        .clock_kind = MR_CLOCK_INPUT,
    };
    for (int low = 0; low < 2; low++) {
        struct mr_engine *engine;
        struct mr_error error;
        struct heard heard = {0};
        uint64_t bytes = 0;
        options.space_low_bytes = low ? 40 * (uint64_t)MR_SEGMENT_BYTES_MIN : 0;
        assert_int_equal(mr_engine_open(&options, &engine, &error), MR_OK);
        assert_false(mr_engine_space_low(engine, &bytes));
        assert_int_equal(mr_engine_begin(engine, &error), MR_OK);
        settle(engine, &heard);
        (void)mr_engine_step(engine, MR_STAGE_JOURNAL);
        assert_int_equal(mr_engine_space_low(engine, &bytes), low);
        assert_int_equal(bytes, low ? 29 * (uint64_t)MR_SEGMENT_BYTES_MIN : 0);
        assert_int_equal(mr_engine_stop(engine, &error), MR_OK);
        mr_engine_close(engine);
    }
    mr_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_gives_the_same_events),
        cmocka_unit_test(durability_none_wants_no_place_and_the_others_want_one),
        cmocka_unit_test(little_room_is_announced_before_the_engine_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
