/*
 * What is wrong with a logic, told before anything begins.
 */
#include "tests/core/jars_rig.h"

struct changed {
    struct mr_message commands[4];
    struct mr_message events[4];
    struct mr_message queries[2];
    struct mr_message rows[1];
    struct mr_field fields[MR_FIELDS_MAX];
    struct mr_catalog catalog;
    struct mr_logic logic, previous;
};

/* Version 2 of the jars, to be spoilt. */
static void make(struct changed *c)
{
    memset(c, 0, sizeof *c);
    memcpy(c->commands, jars_commands_2, sizeof c->commands);
    memcpy(c->events, jars_events_2, sizeof c->events);
    memcpy(c->queries, jars_queries, sizeof c->queries);
    memcpy(c->rows, jars_rows_2, sizeof c->rows);
    memcpy(c->fields, c->commands[1].fields, c->commands[1].field_count * sizeof c->fields[0]);
    c->commands[1].fields = c->fields;
    c->catalog = jars_catalog_2;
    c->catalog.commands = c->commands;
    c->catalog.events = c->events;
    c->catalog.queries = c->queries;
    c->catalog.rows = c->rows;
    c->logic = jars_2;
    c->logic.catalog = &c->catalog;
    c->logic.previous = &c->previous;
    c->previous = jars_1;
}

#define EXPECT_FLAW(change, text)                                 \
    do {                                                          \
        static struct changed c;                                  \
        make(&c);                                                 \
        assert_null(mr_logic_flaw(&c.logic));                     \
        change;                                                   \
        assert_non_null(mr_logic_flaw(&c.logic));                 \
        assert_non_null(strstr(mr_logic_flaw(&c.logic), (text))); \
    } while (0)

static void a_logic_that_lacks_something_is_refused(void **state)
{
    (void)state;
    EXPECT_FLAW(c.logic.stream = NULL, "no stream");
    EXPECT_FLAW(c.logic.query = NULL, "answers none");
    EXPECT_FLAW(c.logic.catalog = NULL, "no catalog");
    EXPECT_FLAW(c.logic.config_default = NULL, "no config_default");
    EXPECT_FLAW(c.logic.event_size_max = 4104, "event_size_max");
    EXPECT_FLAW(c.logic.command_size_max = 65544, "command_size_max");
    EXPECT_FLAW(c.logic.name = "01234567890123456789012345678901", "31 characters");
    EXPECT_FLAW(c.commands[0].type = 65, "without gaps");
}

static void a_version_that_does_not_follow_the_one_before_is_refused(void **state)
{
    (void)state;
    EXPECT_FLAW(c.previous.version = 2, "not below");
    EXPECT_FLAW(c.previous.version = 3, "not below");
    EXPECT_FLAW(c.previous.name = "tins", "another name");
    EXPECT_FLAW(c.previous.stream = NULL, "no stream"); /* it may have to replay */
    EXPECT_FLAW(c.catalog.command_count = 2, "lacks");
    EXPECT_FLAW(c.catalog.event_count = 2, "lacks");
    EXPECT_FLAW(c.catalog.query_count = 1, "lacks");
    EXPECT_FLAW(c.catalog.row_count = 0, "lacks");
    EXPECT_FLAW(c.commands[0].version = 0, "without a new version");
    EXPECT_FLAW(c.events[0].version = 0, "without a new version");
    EXPECT_FLAW(c.rows[0].version = 0, "without a new version");
    EXPECT_FLAW(c.fields[0].kind = MR_FIELD_i64, "without a new version");
}

static void what_is_wrong_further_back_is_found_too(void **state)
{
    (void)state;
    struct mr_logic first = jars_1, second = jars_2, third = jars_3;
    second.previous = &first;
    third.previous = &second;
    assert_null(mr_logic_flaw(&third));
    first.version = 2;
    assert_non_null(mr_logic_flaw(&third));
    first.version = 1;
    first.query = NULL;
    assert_non_null(mr_logic_flaw(&third));
}

static void a_version_is_found_from_the_newest_on(void **state)
{
    (void)state;
    assert_ptr_equal(mr_logic_version(&jars_3, 3), &jars_3);
    assert_ptr_equal(mr_logic_version(&jars_3, 1), &jars_1);
    assert_null(mr_logic_version(&jars_2, 3));
    assert_null(mr_logic_version(&jars_3, 0));
    assert_null(mr_logic_version(NULL, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_logic_that_lacks_something_is_refused),
        cmocka_unit_test(a_version_that_does_not_follow_the_one_before_is_refused),
        cmocka_unit_test(what_is_wrong_further_back_is_found_too),
        cmocka_unit_test(a_version_is_found_from_the_newest_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
