#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/core/tally.h"

#include <millrace/common.h>

static const struct mr_logic *const logics[] = {&tally_logic, &mr_logic_book};
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

static void every_field_and_message_says_what_it_means(void **state)
{
    (void)state;
    for (int i = 0; i < LOGICS; i++) {
        const struct mr_catalog *both[] = {&mr_catalog_common, logics[i]->catalog};
        for (int j = 0; j < 2; j++) {
            for (uint16_t k = 0; k < both[j]->command_count + both[j]->event_count; k++) {
                const struct mr_message *message =
                    k < both[j]->command_count ? &both[j]->commands[k]
                                               : &both[j]->events[k - both[j]->command_count];
                assert_true(strlen(message->meaning) > 0);
                for (uint16_t l = 0; l < message->field_count; l++) {
                    const struct mr_field *field = &message->fields[l];
                    assert_true(field->kind == MR_FIELD_pad || strlen(field->meaning) > 0);
                }
            }
        }
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
    s->reasons[0] = (struct mr_reason){.code = 64, .name = "this"};
    s->reasons[1] = (struct mr_reason){.code = 65, .name = "that"};
    s->aggregates[0] = (struct mr_aggregate_kind){.kind = 64, .name = "thing"};
    s->catalog = (struct mr_catalog){s->commands, s->events, s->reasons, s->aggregates, 2, 1, 2, 1};
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
    EXPECT_FLAW(s.fields[1].kind = MR_FIELD_enum8, "enum8");
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

static void structs_have_the_layout_that_their_tables_say(void **state)
{
    (void)state;
    const struct mr_message *set = mr_catalog_command(&tally_catalog, TALLY_TIMER_SET);
    assert_int_equal(set->size, sizeof(struct tally_timer_set));
    assert_int_equal(set->field_count, 11);
    assert_int_equal(set->fields[3].offset, offsetof(struct tally_timer_set, kind));
    assert_int_equal(set->fields[3].kind, MR_FIELD_enum8);
    assert_true(set->fields[3].optional);
    assert_string_equal(set->fields[3].names->names[TALLY_AGAIN], "again");
    assert_int_equal(set->fields[0].offset, 0);
    assert_false(set->fields[0].optional);
    assert_string_equal(set->fields[0].unit, "ns");
    assert_int_equal(set->fields[10].kind, MR_FIELD_pad);
    assert_int_equal(sizeof(struct mr_genesis), 80);
    assert_int_equal(offsetof(struct mr_genesis, clock), 72);
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
        cmocka_unit_test(structs_have_the_layout_that_their_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
