/*
 * Commands that take several turns, because the logic has more to do than an outbox holds.
 */
#include "tests/core/jars_rig.h"

enum { PORTION = 7, JARS = 10 }; /* see jars_default_1 */

static uint64_t units(const struct rig *rig)
{
    const struct jars_1 *state = mr_image_state(rig->image);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < JARS; i++) {
        sum += state->jars[i].amount;
    }
    return sum;
}

static void a_command_goes_on_over_as_many_turns_as_it_wants(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    uint64_t before = mr_image_status_get(rig.image).events;
    size_t from = rig.events_used;
    struct mr_answer answer = jars_spread(&rig, 1, 1, 100);
    assert_int_equal(rig.turns, (100 + PORTION - 1) / PORTION);
    assert_int_equal(answer.result, 0);
    assert_int_equal(answer.event_count, 100);
    assert_int_equal(answer.first_event, before + 1);
    assert_int_equal(answer.sequence, rig.command.header.sequence);
    assert_int_equal(answer.request, 1);
    assert_int_equal(units(&rig), 100);
    uint64_t unit = 0;
    for (const unsigned char *at = rig.events + from; at < rig.events + rig.events_used;) {
        const struct mr_event *event = (const struct mr_event *)(const void *)at;
        const struct jars_spread_out *body = mr_event_body(event);
        assert_int_equal(body->unit, unit);
        assert_int_equal(body->turn, unit / PORTION);
        assert_int_equal(event->correlation, 7);
        assert_int_equal(event->sequence, rig.command.header.sequence);
        assert_int_equal(event->number, ++before);
        at += event->length;
        unit++;
    }
    assert_int_equal(unit, 100);
    rig_stop(&rig);
}

static void the_answer_to_a_command_of_many_turns_is_given_again(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    struct mr_answer first = jars_spread(&rig, 1, 1, 50);
    struct mr_answer again = jars_spread(&rig, 1, 1, 50);
    assert_int_equal(rig.turns, 1);
    assert_int_equal(again.duplicate, 1);
    assert_int_equal(again.first_event, first.first_event);
    assert_int_equal(again.event_count, 50);
    assert_int_equal(units(&rig), 50);
    rig_stop(&rig);
}

static void nothing_comes_between_the_turns_of_a_command(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    jars_alarm(&rig, 1, 1, 2, 500);
    struct mr_image_status before = mr_image_status_get(rig.image);
    rig.time_ns = 1000;
    uint64_t count = 20;
    /* The alarm rings first: the turn that rings it also begins the command. */
    rig.command.header = (struct mr_command){.length = MR_COMMAND_HEADER + 8,
                                             .type = JARS_SPREAD,
                                             .role = MR_ROLE_USER,
                                             .sequence = before.sequence + 1,
                                             .time_ns = 1000,
                                             .session = 1,
                                             .request = 2};
    memcpy(mr_command_body_mutable(&rig.command.header), &count, sizeof count);
    static const uint32_t expected[] = {1 + PORTION, PORTION, 20 - 2 * PORTION};
    for (uint32_t turn = 0; turn < 3; turn++) {
        bool done =
            mr_image_apply(rig.image, &jars_1, &rig.command.header, &rig.outbox, &rig.answer);
        assert_int_equal(done, turn == 2);
        assert_int_equal(rig.outbox.count, expected[turn]);
        struct mr_image_status status = mr_image_status_get(rig.image);
        assert_int_equal(status.sequence, before.sequence + done);
        struct mr_session_info info;
        assert_true(mr_image_session(rig.image, 1, &info));
        assert_int_equal(info.last_request, done ? 2 : 1);
    }
    assert_int_equal(rig.answer.event_count, 20);
    assert_int_equal(rig.answer.first_event, before.events + 2); /* behind the alarm's */
    rig_stop(&rig);
}

static void a_query_between_turns_sees_the_last_command_that_is_done(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    uint64_t count = 20;
    rig.command.header =
        (struct mr_command){.length = MR_COMMAND_HEADER + 8, .type = JARS_SPREAD, .sequence = 3};
    memcpy(mr_command_body_mutable(&rig.command.header), &count, sizeof count);
    assert_false(mr_image_apply(rig.image, &jars_1, &rig.command.header, &rig.outbox, &rig.answer));
    struct mr_query query = {.length = MR_QUERY_HEADER, .type = MR_QUERY_STATUS};
    struct mr_reply reply;
    uint64_t rows[16];
    mr_image_query(rig.image, &jars_1, &query, &reply, rows, sizeof rows);
    assert_int_equal(reply.sequence, 2);
    assert_int_equal(reply.rows, 1);
    assert_false(mr_image_apply(rig.image, &jars_1, &rig.command.header, &rig.outbox, &rig.answer));
    assert_true(mr_image_apply(rig.image, &jars_1, &rig.command.header, &rig.outbox, &rig.answer));
    rig_stop(&rig);
}

/* A copy of the image's used parts, made between two turns, goes on alike. */
static void the_image_knows_how_far_a_command_has_come(void **state)
{
    (void)state;
    struct rig a, b;
    jars_start(&a, &jars_1);
    jars_start(&b, &jars_1);
    uint64_t size = mr_image_size(&jars_1, &a.genesis.header, NULL);
    uint64_t count = 1000;
    a.command.header =
        (struct mr_command){.length = MR_COMMAND_HEADER + 8, .type = JARS_SPREAD, .sequence = 2};
    memcpy(mr_command_body_mutable(&a.command.header), &count, sizeof count);
    for (int i = 0; i < 50; i++) {
        assert_false(mr_image_apply(a.image, &jars_1, &a.command.header, &a.outbox, &a.answer));
    }
    memcpy(b.image, a.image, size);
    b.command = a.command;
    a.events_used = b.events_used = 0;
    rig_apply(&a);
    rig_apply(&b);
    assert_int_equal(a.turns, b.turns);
    assert_memory_equal(&a.answer, &b.answer, sizeof a.answer);
    assert_int_equal(a.answer.event_count, 1000);
    rig_assert_same(&a, &b);
    rig_stop(&a);
    rig_stop(&b);
}

static void equal_histories_split_into_equal_turns(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    struct rig a, b;
    jars_start(&a, &jars_1);
    jars_start(&b, &jars_1);
    rig_make_outbox(&b, b.outbox.size * 3); /* how much room there is must not matter */
    uint64_t turns = 0;
    for (uint64_t i = 1; i < 2000; i++) {
        uint64_t session = 1 + mr_random_below(&random, 3);
        struct mr_session_info info = {0};
        a.time_ns += mr_random_below(&random, 3000);
        if (!mr_image_session(a.image, session, &info) && mr_random_chance(&random, 1, 4)) {
            rig_open(&a, session + a.image->session_floor, MR_ROLE_USER);
        } else if (mr_random_chance(&random, 1, 3)) {
            jars_alarm(&a, mr_random_chance(&random, 1, 2) ? 0 : session, info.last_request + 1,
                       session, a.time_ns + mr_random_below(&random, 9000));
        } else {
            jars_spread(&a, mr_random_chance(&random, 1, 2) ? 0 : session, info.last_request + 1,
                        mr_random_below(&random, 60));
        }
        turns += a.turns;
        b.command = a.command;
        rig_apply(&b);
        assert_int_equal(a.turns, b.turns);
        assert_memory_equal(&a.answer, &b.answer, sizeof a.answer);
    }
    assert_true(turns > 4000);
    rig_assert_same(&a, &b);
    rig_stop(&a);
    rig_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_goes_on_over_as_many_turns_as_it_wants),
        cmocka_unit_test(the_answer_to_a_command_of_many_turns_is_given_again),
        cmocka_unit_test(nothing_comes_between_the_turns_of_a_command),
        cmocka_unit_test(a_query_between_turns_sees_the_last_command_that_is_done),
        cmocka_unit_test(the_image_knows_how_far_a_command_has_come),
        cmocka_unit_test(equal_histories_split_into_equal_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
