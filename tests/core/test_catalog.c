#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/core/jars.h"
#include "tests/core/tally.h"

#include <millrace/common.h>
#include <millrace/ledger.h>

static const struct mr_logic *const logics[] = {&tally_logic, &jars_1, &jars_2, &mr_logic_book,
                                                &mr_logic_ledger};
enum { LOGICS = sizeof logics / sizeof logics[0] };

/* -- What holds for every catalog that is linked. ---------------------------------------------- */

static void no_catalog_has_a_flaw(void **state)
{
    (void)state;
    for (int i = 0; i < LOGICS; i++) {
        const char *flaw = mr_catalog_flaw(logics[i]->catalog);
        assert_string_equal(flaw == NULL ? "" : flaw, "");
        flaw = logics[i]->config == NULL ? NULL : mr_message_flaw(logics[i]->config, false);
        assert_string_equal(flaw == NULL ? "" : flaw, "");
    }
}

static void no_common_message_has_a_flaw(void **state)
{
    (void)state;
    const struct mr_catalog *common = &mr_catalog_common;
    for (uint16_t i = 0; i < common->command_count; i++) {
        assert_null(mr_message_flaw(&common->commands[i], false));
        assert_int_equal(common->commands[i].type, i + 1); /* the image finds them by index */
    }
    for (uint16_t i = 0; i < common->event_count; i++) {
        assert_null(mr_message_flaw(&common->events[i], true));
        assert_int_equal(common->events[i].type, i + 1);
    }
    for (uint16_t i = 0; i < common->query_count; i++) {
        assert_null(mr_message_flaw(&common->queries[i], false));
        assert_int_equal(common->queries[i].type, i + 1);
        assert_true(common->queries[i].roles != 0);
    }
    for (uint16_t i = 0; i < common->row_count; i++) {
        assert_null(mr_message_flaw(&common->rows[i], true));
        assert_int_equal(common->rows[i].type, i + 1);
    }
    for (uint16_t i = 0; i < common->reason_count; i++) {
        assert_true(common->reasons[i].code < MR_CATALOG_LOGIC_FIRST);
        assert_ptr_equal(mr_catalog_reason(NULL, common->reasons[i].code), &common->reasons[i]);
    }
}

static void every_message_fits_what_its_logic_says_is_the_largest(void **state)
{
    (void)state;
    for (int i = 0; i < LOGICS; i++) {
        const struct mr_catalog *catalog = logics[i]->catalog;
        for (uint16_t j = 0; j < catalog->command_count; j++) {
            assert_true(MR_COMMAND_HEADER + catalog->commands[j].size <=
                        (int)logics[i]->command_size_max);
            assert_true(catalog->commands[j].roles != 0);
        }
        for (uint16_t j = 0; j < catalog->event_count; j++) {
            assert_true(MR_EVENT_HEADER + catalog->events[j].size <=
                        (int)logics[i]->event_size_max);
        }
    }
}

static void expect_meanings(const struct mr_message *messages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(strlen(messages[i].meaning) > 0);
        for (uint16_t j = 0; j < messages[i].field_count; j++) {
            const struct mr_field *field = &messages[i].fields[j];
            assert_true(field->kind == MR_FIELD_pad || strlen(field->meaning) > 0);
        }
    }
}

static void every_field_and_message_says_what_it_means(void **state)
{
    (void)state;
    for (int i = 0; i <= LOGICS; i++) {
        const struct mr_catalog *catalog = i < LOGICS ? logics[i]->catalog : &mr_catalog_common;
        expect_meanings(catalog->commands, catalog->command_count);
        expect_meanings(catalog->events, catalog->event_count);
        expect_meanings(catalog->queries, catalog->query_count);
        expect_meanings(catalog->rows, catalog->row_count);
    }
}

/* -- Looking things up. ------------------------------------------------------------------------ */

static void messages_are_found_by_type_and_by_name(void **state)
{
    (void)state;
    const struct mr_catalog *catalog = &tally_catalog;
    for (uint16_t i = 0; i < catalog->command_count; i++) {
        const struct mr_message *row = &catalog->commands[i];
        assert_ptr_equal(mr_catalog_command(catalog, row->type), row);
        assert_ptr_equal(mr_catalog_command_named(catalog, row->name, strlen(row->name)), row);
        assert_null(mr_catalog_command_named(catalog, row->name, strlen(row->name) - 1));
    }
    for (uint16_t i = 0; i < catalog->event_count; i++) {
        const struct mr_message *row = &catalog->events[i];
        assert_ptr_equal(mr_catalog_event(catalog, row->type), row);
        assert_ptr_equal(mr_catalog_event_named(catalog, row->name, strlen(row->name)), row);
    }
    for (uint16_t i = 0; i < jars_catalog_2.query_count; i++) {
        const struct mr_message *row = &jars_queries[i];
        assert_ptr_equal(mr_catalog_query(&jars_catalog_2, row->type), row);
        assert_ptr_equal(mr_catalog_query_named(&jars_catalog_2, row->name, strlen(row->name)),
                         row);
    }
    assert_ptr_equal(mr_catalog_row(&jars_catalog_2, JARS_ONE), &jars_rows_2[0]);
    assert_null(mr_catalog_row(&jars_catalog_2, JARS_ALL));
    assert_null(mr_catalog_query(catalog, 64));
    assert_string_equal(mr_catalog_query(catalog, MR_QUERY_SESSIONS)->name, "sessions");
    assert_string_equal(mr_catalog_row(NULL, MR_ROW_SESSION)->name, "session");
    assert_ptr_equal(mr_catalog_query_named(NULL, "status", 6),
                     mr_catalog_query(NULL, MR_QUERY_STATUS));
    assert_string_equal(mr_catalog_command(catalog, MR_COMMAND_TICK)->name, "tick");
    assert_string_equal(mr_catalog_command(NULL, MR_COMMAND_TICK)->name, "tick");
    assert_ptr_equal(mr_catalog_event_named(NULL, "session_opened", 14),
                     mr_catalog_event(NULL, MR_EVENT_SESSION_OPENED));
    assert_null(mr_catalog_command(catalog, 0));
    assert_null(mr_catalog_command(catalog, 63));
    assert_null(mr_catalog_command(catalog, 69));
    assert_null(mr_catalog_event(NULL, 64));
}

static void reasons_and_aggregates_have_names(void **state)
{
    (void)state;
    assert_string_equal(mr_catalog_reason_name(&tally_catalog, 0), "none");
    assert_string_equal(mr_catalog_reason_name(&tally_catalog, MR_REASON_TOO_OLD), "too_old");
    assert_string_equal(mr_catalog_reason_name(&tally_catalog, TALLY_TOO_MUCH), "too_much");
    assert_string_equal(mr_catalog_reason_name(&tally_catalog, 999), "unknown");
    assert_string_equal(mr_catalog_reason_name(NULL, TALLY_TOO_MUCH), "unknown");
    assert_int_equal(mr_catalog_reason_named(&tally_catalog, "too_much", 8)->code, 64);
    assert_null(mr_catalog_reason_named(&tally_catalog, "too_muc", 7));
    assert_string_equal(mr_catalog_aggregate(&tally_catalog, TALLY_TOTAL)->name, "total");
    assert_string_equal(mr_catalog_aggregate(NULL, MR_AGGREGATE_SESSION)->name, "session");
    assert_null(mr_catalog_aggregate(&tally_catalog, 0));
    assert_null(mr_catalog_aggregate(&tally_catalog, 65));
}

/* -- Flaws. ------------------------------------------------------------------------------------ */

struct spoilt {
    struct mr_message commands[2];
    struct mr_message events[1];
    struct mr_message queries[2];
    struct mr_message rows[1];
    struct mr_field fields[2];
    struct mr_reason reasons[2];
    struct mr_aggregate_kind aggregates[1];
    struct mr_catalog catalog;
};

/* A small catalog without a flaw. */
static void make_sound(struct spoilt *s)
{
    memset(s, 0, sizeof *s);
    s->fields[0] = (struct mr_field){.size = 8, .kind = MR_FIELD_u64, .name = "one"};
    s->fields[1] = (struct mr_field){.offset = 8, .size = 8, .kind = MR_FIELD_u64, .name = "two"};
    s->commands[0] = (struct mr_message){
        .name = "first", .type = 64, .size = 16, .fields = s->fields, .field_count = 2};
    s->commands[1] = (struct mr_message){.name = "second", .type = 65};
    s->events[0] = (struct mr_message){.name = "first", .type = 64, .aggregate_kind = 64};
    s->queries[0] = (struct mr_message){
        .name = "first", .type = 64, .size = 16, .fields = s->fields, .field_count = 2};
    s->queries[1] = (struct mr_message){.name = "second", .type = 65};
    s->rows[0] = (struct mr_message){
        .name = "first", .type = 64, .size = 16, .fields = s->fields, .field_count = 2};
    s->reasons[0] = (struct mr_reason){.code = 64, .name = "this"};
    s->reasons[1] = (struct mr_reason){.code = 65, .name = "that"};
    s->aggregates[0] = (struct mr_aggregate_kind){.kind = 64, .name = "thing"};
    s->catalog = (struct mr_catalog){.commands = s->commands,
                                     .events = s->events,
                                     .reasons = s->reasons,
                                     .aggregates = s->aggregates,
                                     .queries = s->queries,
                                     .rows = s->rows,
                                     .query_count = 2,
                                     .row_count = 1,
                                     .command_count = 2,
                                     .event_count = 1,
                                     .reason_count = 2,
                                     .aggregate_count = 1};
    assert_null(mr_catalog_flaw(&s->catalog));
}

#define EXPECT_FLAW(change, text)                                     \
    do {                                                              \
        struct spoilt s;                                              \
        make_sound(&s);                                               \
        change;                                                       \
        assert_non_null(mr_catalog_flaw(&s.catalog));                 \
        assert_non_null(strstr(mr_catalog_flaw(&s.catalog), (text))); \
    } while (0)

static void flaws_of_a_catalog_are_found(void **state)
{
    (void)state;
    EXPECT_FLAW(s.commands[1].type = 66, "without gaps");
    EXPECT_FLAW(s.events[0].type = 1, "without gaps");
    EXPECT_FLAW(s.commands[1].name = "first", "one name");
    EXPECT_FLAW(s.commands[1].name = "tick", "one name");
    EXPECT_FLAW(s.commands[1].name = "Second", "proper name");
    EXPECT_FLAW(s.commands[1].name = "a b", "proper name");
    EXPECT_FLAW(s.commands[1].name = "", "proper name");
    EXPECT_FLAW(s.commands[1].name = "type_5", "proper name");
    EXPECT_FLAW(s.commands[1].name = NULL, "proper name");
    EXPECT_FLAW(s.commands[0].size = 12, "multiple of 8");
    EXPECT_FLAW(s.commands[0].size = 24, "do not fill");
    EXPECT_FLAW(s.commands[0].size = 8, "follow each other");
    EXPECT_FLAW(s.fields[1].offset = 9, "follow each other");
    EXPECT_FLAW(s.fields[1].name = "one", "one name");
    EXPECT_FLAW(s.fields[1].name = "session", "proper name");
    EXPECT_FLAW(s.fields[1].name = "more", "proper name");
    EXPECT_FLAW(s.fields[1].kind = MR_FIELD_enum8, "enum8");
    EXPECT_FLAW(s.fields[1].kind = MR_FIELD_flags16, "no names");
    EXPECT_FLAW(s.commands[0].version = 128, "above 127");
    EXPECT_FLAW(s.reasons[1].code = 64, "reasons");
    EXPECT_FLAW(s.reasons[1].code = 9, "reasons");
    EXPECT_FLAW(s.reasons[1].name = "this", "reasons");
    EXPECT_FLAW(s.reasons[1].name = "too_old", "reasons");
    EXPECT_FLAW(s.reasons[1].name = "none", "reasons");
    EXPECT_FLAW(s.aggregates[0].kind = 1, "aggregates");
    EXPECT_FLAW(s.aggregates[0].name = "A", "aggregates");
    EXPECT_FLAW(s.events[0].aggregate_kind = 65, "unknown kind of aggregate");
    EXPECT_FLAW(s.commands[0].field_count = 65, "64 fields");
}

/* The second field becomes flags with those names; the rest of its bytes a pad. */
static const char *flags_flaw(const char *const *names, uint32_t count, uint16_t size)
{
    struct spoilt s;
    make_sound(&s);
    const struct mr_enum_names named = {names, count};
    struct mr_field fields[3] = {
        s.fields[0],
        {.offset = 8, .size = size, .kind = MR_FIELD_flags16, .names = &named, .name = "two"},
        {.offset = (uint16_t)(8 + size),
         .size = (uint16_t)(8 - size),
         .kind = MR_FIELD_pad,
         .name = "reserved"}};
    s.commands[0].fields = fields;
    s.commands[0].field_count = 3;
    const char *flaw = mr_catalog_flaw(&s.catalog);
    return flaw == NULL ? "none" : flaw;
}

static void flaws_of_flags_are_found(void **state)
{
    (void)state;
    static const char *const good[16] = {"a", NULL, "b2", [15] = "c_c"};
    static const char *const many[17] = {"a", [16] = "b"};
    static const char *const comma[] = {"a", "b,c"};
    static const char *const number[] = {"a", "7"};
    static const char *const empty[] = {"a", ""};
    static const char *const twice[] = {"a", NULL, "b", "a"};
    assert_string_equal(flags_flaw(good, 16, 2), "none");
    assert_string_equal(flags_flaw(good, 0, 2), "none");
    assert_non_null(strstr(flags_flaw(many, 17, 2), "0 to 15"));
    assert_non_null(strstr(flags_flaw(good, 16, 4), "2 bytes"));
    assert_non_null(strstr(flags_flaw(good, 16, 1), "2 bytes"));
    assert_non_null(strstr(flags_flaw(comma, 2, 2), "no word"));
    assert_non_null(strstr(flags_flaw(number, 2, 2), "no word"));
    assert_non_null(strstr(flags_flaw(empty, 2, 2), "no word"));
    assert_non_null(strstr(flags_flaw(twice, 4, 2), "one name"));
}

static void flaws_of_queries_and_rows_are_found(void **state)
{
    (void)state;
    EXPECT_FLAW(s.queries[1].type = 66, "without gaps");
    EXPECT_FLAW(s.queries[1].name = "first", "one name");
    EXPECT_FLAW(s.queries[1].name = "sessions", "one name");
    EXPECT_FLAW(s.queries[0].size = 24, "do not fill");
    EXPECT_FLAW(s.rows[0].type = 65, "without gaps");
    EXPECT_FLAW(s.rows[0].name = "status", "one name");
    EXPECT_FLAW(s.rows[0].size = 8, "follow each other");
    EXPECT_FLAW(s.rows[0].size = 4096, "too large");
    EXPECT_FLAW(s.events[0].size = 4040, "too large");
    EXPECT_FLAW(s.fields[0].name = "not_before", "headers use"); /* of queries only */
    EXPECT_FLAW(s.rows[0].aggregate_kind = 64, "for commands");
    EXPECT_FLAW(s.queries[1].aggregate_kind = 64, "for commands");
    EXPECT_FLAW(s.queries[0].aggregate_at = 1, "for commands");
    EXPECT_FLAW(s.events[0].expected_at = 1, "for commands");
}

/* A command for an aggregate of kind 64, whose number is in `one`, on a condition in `two`. */
static void make_target(struct spoilt *s, uint16_t kind, uint16_t at, uint16_t expected)
{
    s->commands[0].aggregate_kind = kind;
    s->commands[0].aggregate_at = at;
    s->commands[0].expected_at = expected;
}

static void flaws_of_commands_on_a_condition_are_found(void **state)
{
    (void)state;
    struct spoilt sound;
    make_sound(&sound);
    make_target(&sound, 64, 1, 9);
    assert_null(mr_catalog_flaw(&sound.catalog));
    make_target(&sound, 64, 1, 0);
    assert_null(mr_catalog_flaw(&sound.catalog));
    make_target(&sound, MR_AGGREGATE_SESSION, 9, 0);
    assert_null(mr_catalog_flaw(&sound.catalog));
    EXPECT_FLAW(make_target(&s, 64, 0, 0), "lacks the kind");
    EXPECT_FLAW(make_target(&s, 0, 1, 0), "lacks the kind");
    EXPECT_FLAW(make_target(&s, 0, 0, 1), "lacks the kind");
    EXPECT_FLAW(make_target(&s, 64, 0, 1), "lacks the kind");
    EXPECT_FLAW(make_target(&s, 65, 1, 9), "unknown kind");
    EXPECT_FLAW(make_target(&s, 64, 2, 9), "u64 fields");
    EXPECT_FLAW(make_target(&s, 64, 17, 0), "u64 fields");
    EXPECT_FLAW(make_target(&s, 64, 1, 8), "u64 fields");
    EXPECT_FLAW(make_target(&s, 64, 9, 9), "each its own");
    EXPECT_FLAW((make_target(&s, 64, 1, 9), s.fields[1].kind = MR_FIELD_i64), "u64 fields");
}

static void structs_have_the_layout_that_their_tables_say(void **state)
{
    (void)state;
    const struct mr_message *set = mr_catalog_command(&tally_catalog, TALLY_TIMER_SET);
    assert_int_equal(set->size, sizeof(struct tally_timer_set));
    assert_int_equal(set->field_count, 13);
    assert_int_equal(set->fields[3].offset, offsetof(struct tally_timer_set, kind));
    assert_int_equal(set->fields[3].kind, MR_FIELD_enum8);
    assert_true(set->fields[3].optional);
    assert_string_equal(set->fields[3].names->names[TALLY_AGAIN], "again");
    assert_int_equal(set->fields[0].offset, 0);
    assert_false(set->fields[0].optional);
    assert_string_equal(set->fields[0].unit, "ns");
    assert_int_equal(set->fields[9].kind, MR_FIELD_u128);
    assert_int_equal(set->fields[9].offset, offsetof(struct tally_timer_set, wide));
    assert_int_equal(set->fields[9].size, 16);
    assert_true(set->fields[9].optional);
    assert_null(set->fields[9].names);
    assert_int_equal(set->fields[11].kind, MR_FIELD_flags16);
    assert_int_equal(set->fields[11].offset, offsetof(struct tally_timer_set, marks));
    assert_int_equal(set->fields[11].size, 2);
    assert_true(set->fields[11].optional);
    assert_string_equal(set->fields[11].names->names[3], "blue");
    assert_int_equal(TALLY_BLUE, 1 << 3);
    assert_int_equal(set->fields[12].kind, MR_FIELD_pad);
    assert_int_equal(sizeof(struct mr_genesis), 88);
    assert_int_equal(offsetof(struct mr_genesis, clock), 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_catalog_has_a_flaw),
        cmocka_unit_test(no_common_message_has_a_flaw),
        cmocka_unit_test(every_message_fits_what_its_logic_says_is_the_largest),
        cmocka_unit_test(every_field_and_message_says_what_it_means),
        cmocka_unit_test(messages_are_found_by_type_and_by_name),
        cmocka_unit_test(reasons_and_aggregates_have_names),
        cmocka_unit_test(flaws_of_a_catalog_are_found),
        cmocka_unit_test(flaws_of_flags_are_found),
        cmocka_unit_test(flaws_of_queries_and_rows_are_found),
        cmocka_unit_test(flaws_of_commands_on_a_condition_are_found),
        cmocka_unit_test(structs_have_the_layout_that_their_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
