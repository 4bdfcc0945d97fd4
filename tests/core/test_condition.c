/*
 * Commands on a condition: the aggregate has to be in the version that the sender saw.
 */
#include "tests/core/jars_rig.h"

static void jars_of_two_users(struct rig *rig)
{
    jars_start(rig, &jars_1);
    rig_open(rig, 1, MR_ROLE_USER);
    rig_open(rig, 2, MR_ROLE_USER);
}

static const struct jars_jar_1 *jar(const struct rig *rig, uint64_t number)
{
    return &((const struct jars_1 *)mr_image_state(rig->image))->jars[number];
}

static void a_command_without_an_expectation_is_applied_whatever_the_version(void **state)
{
    (void)state;
    struct rig rig;
    jars_of_two_users(&rig);
    for (uint64_t i = 1; i <= 5; i++) {
        assert_int_equal(jars_put(&rig, 1, i, 3, 10, 0).result, 0);
        assert_int_equal(jar(&rig, 3)->stream.count, i);
    }
    rig_stop(&rig);
}

static void the_slower_of_two_who_saw_the_same_version_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    jars_of_two_users(&rig);
    assert_int_equal(jars_put(&rig, 1, 1, 3, 10, MR_EXPECT_NEW).result, 0);
    assert_int_equal(jars_put(&rig, 1, 2, 3, 10, 1).result, 0);
    uint64_t rejects = mr_image_status_get(rig.image).rejects;
    struct mr_answer answer = jars_put(&rig, 2, 1, 3, 1000, 1);
    assert_int_equal(answer.result, MR_REASON_VERSION_DIFFERS);
    assert_int_equal(answer.event_count, 1);
    assert_int_equal(mr_image_status_get(rig.image).rejects, rejects + 1);
    assert_int_equal(jar(&rig, 3)->amount, 20);
    assert_int_equal(jar(&rig, 3)->stream.count, 2);
    const struct mr_event *event = rig_last_event(&rig);
    assert_int_equal(event->type, MR_EVENT_COMMAND_REJECTED);
    assert_int_equal(event->aggregate_kind, MR_AGGREGATE_SESSION);
    assert_int_equal(event->aggregate_id, 2);
    const struct mr_command_rejected *body = mr_event_body(event);
    assert_int_equal(body->reason, MR_REASON_VERSION_DIFFERS);
    /* The refusal is the answer to that request, for good; a new request with what is so goes. */
    assert_int_equal(jars_put(&rig, 2, 1, 3, 1000, 2).duplicate, 1);
    assert_int_equal(jars_put(&rig, 2, 2, 3, 1000, 2).result, 0);
    assert_int_equal(jar(&rig, 3)->amount, 1020);
    rig_stop(&rig);
}

static void what_is_expected_to_be_new_must_be_new(void **state)
{
    (void)state;
    struct rig rig;
    jars_of_two_users(&rig);
    assert_int_equal(jars_put(&rig, 1, 1, 4, 1, 1).result, MR_REASON_VERSION_DIFFERS);
    assert_int_equal(jars_put(&rig, 1, 2, 4, 1, MR_EXPECT_NEW).result, 0);
    assert_int_equal(jars_put(&rig, 1, 3, 4, 1, MR_EXPECT_NEW).result, MR_REASON_VERSION_DIFFERS);
    /* What is not there at all is new, as far as the image knows; the logic knows better. */
    assert_int_equal(jars_put(&rig, 1, 4, 99, 1, MR_EXPECT_NEW).result, JARS_NO_SUCH);
    assert_int_equal(jars_put(&rig, 1, 5, 99, 1, 1).result, MR_REASON_VERSION_DIFFERS);
    rig_stop(&rig);
}

static void a_role_that_may_not_send_it_learns_nothing_of_the_version(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_OPERATOR);
    assert_int_equal(jars_put(&rig, 1, 1, 3, 10, 7).result, MR_REASON_ROLE_DENIED);
    rig_stop(&rig);
}

static void the_fields_are_found_wherever_the_layout_has_them(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_2); /* where they stand the other way round */
    rig_open(&rig, 1, MR_ROLE_USER);
    assert_int_equal(jars_put(&rig, 1, 1, 3, 10, MR_EXPECT_NEW).result, 0);
    assert_int_equal(jars_put(&rig, 1, 2, 3, 10, 2).result, MR_REASON_VERSION_DIFFERS);
    assert_int_equal(jars_put(&rig, 1, 3, 3, 10, 1).result, 0);
    rig_stop(&rig);
}

static void commands_on_a_condition_need_a_logic_that_knows_its_streams(void **state)
{
    (void)state;
    struct mr_logic logic = jars_1;
    logic.stream = NULL;
    struct rig rig = {0};
    jars_genesis(&rig.genesis.header, &logic);
    const char *reason = "";
    assert_int_equal(mr_image_size(&logic, &rig.genesis.header, &reason), 0);
    assert_non_null(strstr(reason, "no stream"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_without_an_expectation_is_applied_whatever_the_version),
        cmocka_unit_test(the_slower_of_two_who_saw_the_same_version_is_refused),
        cmocka_unit_test(what_is_expected_to_be_new_must_be_new),
        cmocka_unit_test(a_role_that_may_not_send_it_learns_nothing_of_the_version),
        cmocka_unit_test(the_fields_are_found_wherever_the_layout_has_them),
        cmocka_unit_test(commands_on_a_condition_need_a_logic_that_knows_its_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
