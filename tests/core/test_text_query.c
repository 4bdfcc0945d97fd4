/*
 * Queries as they are typed, and rows as they are shown.
 */
#include "tests/core/jars_rig.h"
#include "tests/core/round_trip.h"

union query {
    struct mr_query header;
    unsigned char bytes[4096];
};

static enum mr_text_outcome read_query(const struct mr_logic *logic, const char *line,
                                       union query *query, struct mr_text_error *error)
{
    memset(query, 0xa5, sizeof *query);
    return mr_text_query_read(logic, line, strlen(line), &query->header, sizeof *query, error);
}

static void expect_query(const struct mr_logic *logic, const char *line, uint16_t type,
                         uint32_t length)
{
    static union query query;
    struct mr_text_error error = {0};
    if (read_query(logic, line, &query, &error) != MR_TEXT_COMMAND) {
        fail_msg("%s\ncolumn %u: %s", line, error.column, error.text);
    }
    assert_int_equal(query.header.type, type);
    assert_int_equal(query.header.length, length);
    assert_int_equal(query.header.session, 0);
    assert_int_equal(query.header.request, 0);
    char again[1024];
    mr_text_query_write(logic, &query.header, again, sizeof again);
    assert_string_equal(again, line);
}

static void a_query_reads_as_it_is_written(void **state)
{
    (void)state;
    expect_query(&jars_1, "?status", MR_QUERY_STATUS, MR_QUERY_HEADER);
    expect_query(&jars_1, "?session id=18446744073709551615", MR_QUERY_SESSION,
                 MR_QUERY_HEADER + 8);
    expect_query(&jars_1, "?session not_before=77 id=1", MR_QUERY_SESSION, MR_QUERY_HEADER + 8);
    expect_query(&jars_1, "?jar jar=3", JARS_ONE, MR_QUERY_HEADER + 8);
    expect_query(&jars_1, "?type_900 version=3 body=0102030405060708", 900, MR_QUERY_HEADER + 8);
    expect_query(&jars_1, "?type_900 not_before=1 body=", 900, MR_QUERY_HEADER);
    expect_query(&jars_1, "?jar version=9 body=", JARS_ONE, MR_QUERY_HEADER);
}

static void what_is_optional_in_a_query_may_be_left_out(void **state)
{
    (void)state;
    static union query query;
    assert_int_equal(read_query(&jars_1, "?sessions", &query, NULL), MR_TEXT_COMMAND);
    assert_int_equal(query.header.length, MR_QUERY_HEADER + 8);
    assert_int_equal(((const struct mr_query_sessions *)mr_query_body(&query.header))->after, 0);
    assert_int_equal(read_query(&jars_1, "  ?jars\tfrom=4 not_before=9\r", &query, NULL),
                     MR_TEXT_COMMAND);
    assert_int_equal(((const struct jars_all *)mr_query_body(&query.header))->from, 4);
    assert_int_equal(query.header.not_before, 9);
    assert_int_equal(read_query(&jars_1, "", &query, NULL), MR_TEXT_NOTHING);
    assert_int_equal(read_query(&jars_1, "# ?jars", &query, NULL), MR_TEXT_NOTHING);
}

static void what_is_wrong_with_a_query_is_told_with_its_column(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint32_t column;
        const char *text;
    } wrong[] = {
        {"status", 1, "'status' is no query: those begin with ?"},
        {"?", 2, "'' is no query of the catalog"},
        {"? status", 2, "'' is no query of the catalog"},
        {"?genesis", 2, "'genesis' is no query of the catalog"},
        {"?session", 9, "session needs id"},
        {"?session 5", 10, "'5' is not key=value"},
        {"?session id=5 id=6", 15, "'id' is given twice"},
        {"?session id=x", 13, "id: 'x' is not a whole number in plain decimal digits"},
        {"?session id=5 request=1", 15, "'request' is no key of session"},
        {"?status not_before=1 not_before=2", 22, "'not_before' is given twice"},
        {"?status not_before=-1", 20,
         "not_before: '-1' is not a whole number in plain decimal digits"},
        {"?status version=256", 17, "version: '256' is out of range: 0 to 255"},
        {"?session version=1 id=5", 24, "an unknown type or version needs body=, its bytes"},
        {"?type_1", 2, "'type_1' is called status"},
        {"?type_900", 10, "an unknown type or version needs body=, its bytes"},
        {"?session id=5 body=0000000000000000", 36,
         "body stands for all fields: give one or the other"},
        {"?session body=00", 15, "body: not hex digits in lower case, 16 for each 8 bytes"},
    };
    static union query query;
    for (uint32_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct mr_text_error error = {0};
        assert_int_equal(read_query(&jars_1, wrong[i].line, &query, &error), MR_TEXT_BAD);
        if (error.column != wrong[i].column || strcmp(error.text, wrong[i].text) != 0) {
            fail_msg("%s\nsays, at column %u: %s", wrong[i].line, error.column, error.text);
        }
        assert_int_equal(read_query(&jars_1, wrong[i].line, &query, NULL), MR_TEXT_BAD);
    }
}

static void a_query_larger_than_its_room_is_refused(void **state)
{
    (void)state;
    static const char line[] = "?session id=5";
    for (size_t size = MR_QUERY_HEADER; size <= MR_QUERY_HEADER + 8; size += 8) {
        struct mr_query *query = malloc(size); /* of exactly that size, for a sanitizer to see */
        assert_non_null(query);
        struct mr_text_error error = {0};
        enum mr_text_outcome outcome =
            mr_text_query_read(&jars_1, line, sizeof line - 1, query, size, &error);
        assert_int_equal(outcome, size == MR_QUERY_HEADER ? MR_TEXT_BAD : MR_TEXT_COMMAND);
        free(query);
    }
}

static void any_bytes_at_all_have_an_outcome(void **state)
{
    (void)state;
    static const char *const words[] = {"?status", "?session", "?jar",   " id=",      "5",
                                        " jar=3",  " body=",   "00",     " version=", "1",
                                        " ",       "?",        "?jars ", "from=7",    "\377"};
    static union query query, again;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    uint32_t queries = 0;
    for (int i = 0; i < 20000; i++) {
        char line[256] = "";
        size_t length = 0;
        for (uint64_t count = mr_random_below(&random, 7); count > 0; count--) {
            const char *word = words[mr_random_below(&random, sizeof words / sizeof words[0])];
            length += (size_t)snprintf(line + length, sizeof line - length, "%s", word);
        }
        if (read_query(&jars_2, line, &query, NULL) != MR_TEXT_COMMAND) {
            continue;
        }
        queries++;
        char text[1024];
        mr_text_query_write(&jars_2, &query.header, text, sizeof text);
        assert_int_equal(read_query(&jars_2, text, &again, NULL), MR_TEXT_COMMAND);
        assert_memory_equal(&again, &query, query.header.length);
    }
    printf("%u of 20000 were queries\n", queries);
    assert_true(queries > 200);
}

/* -- Rows. ------------------------------------------------------------------------------------- */

static void rows_read_like_this(void **state)
{
    (void)state;
    struct {
        struct mr_row header;
        struct jars_row body;
    } row = {.header = {.type = JARS_ONE, .length = sizeof row},
             .body = {.jar = 3, .amount = 500, .changes = 2}};
    char line[1024];
    mr_text_row_write(&jars_1, &row.header, line, sizeof line);
    assert_string_equal(line, "jar jar=3 amount=500 changes=2");
    mr_json_row_write(&jars_1, &row.header, line, sizeof line);
    assert_string_equal(line, "{\"type\":\"jar\",\"jar\":3,\"amount\":500,\"changes\":2}");
    mr_text_row_write(&jars_2, &row.header, line, sizeof line); /* an older layout */
    assert_string_equal(line, "jar version=0 jar=3 amount=500 changes=2");
    row.header.type = 900;
    mr_text_row_write(&jars_1, &row.header, line, sizeof line);
    assert_string_equal(line, "type_900 body=0300000000000000f4010000000000000200000000000000");
    mr_json_row_write(&jars_1, &row.header, line, sizeof line);
    assert_string_equal(line, "{\"type\":\"type_900\",\"body\":"
                              "\"0300000000000000f4010000000000000200000000000000\"}");
}

static void the_common_rows_read_like_this(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_2);
    rig_open(&rig, 9, MR_ROLE_USER);
    struct mr_query query = {.length = MR_QUERY_HEADER, .type = MR_QUERY_STATUS};
    struct mr_reply reply;
    union {
        struct mr_row header;
        uint64_t words[20];
    } rows;
    char line[1024];
    mr_image_query(rig.image, &jars_2, &query, &reply, &rows, sizeof rows);
    mr_text_row_write(&jars_2, &rows.header, line, sizeof line);
    assert_string_equal(line, "status logic=jars events=2 rejects=0 next_timer_ns=100000 "
                              "logic_version=2 sessions=1 timers=0 clock=input");
    struct {
        struct mr_query header;
        uint64_t id;
    } session = {.header = {.length = sizeof session, .type = MR_QUERY_SESSION}, .id = 9};
    mr_image_query(rig.image, &jars_2, &session.header, &reply, &rows, sizeof rows);
    mr_text_row_write(&jars_2, &rows.header, line, sizeof line);
    assert_string_equal(line, "session fingerprint=00000000000000000000000000000000 id=9 "
                              "last_request=0 last_time_ns=0 place=1 session_role=user");
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_reads_as_it_is_written),
        cmocka_unit_test(what_is_optional_in_a_query_may_be_left_out),
        cmocka_unit_test(what_is_wrong_with_a_query_is_told_with_its_column),
        cmocka_unit_test(a_query_larger_than_its_room_is_refused),
        cmocka_unit_test(any_bytes_at_all_have_an_outcome),
        cmocka_unit_test(rows_read_like_this),
        cmocka_unit_test(the_common_rows_read_like_this),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
