#include "tests/core/jars.h"
#include "tests/core/round_trip.h"

#include <millrace/ledger.h>

static const struct mr_logic *const logics[] = {&tally_logic, &mr_logic_book, &jars_1, &jars_3,
                                                &mr_logic_ledger};
enum { LOGICS = sizeof logics / sizeof logics[0] };

/* -- Writing and reading again. ---------------------------------------------------------------- */

/* Calls a function for each command that a logic or the common catalog has. */
static void for_every_command(void (*call)(const struct mr_logic *, const struct mr_message *,
                                           struct mr_random *))
{
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int i = 0; i < LOGICS; i++) {
        for (uint32_t type = 0; type < 200; type++) {
            const struct mr_message *message =
                mr_catalog_command(logics[i]->catalog, (uint16_t)type);
            for (int round = 0; message != NULL && round < 200; round++) {
                call(logics[i], message, &random);
            }
        }
    }
}

static void plain_round_trip(const struct mr_logic *logic, const struct mr_message *message,
                             struct mr_random *random)
{
    static union room command;
    memset(&command, 0, sizeof command);
    random_header(&command.header, random);
    command.header.type = message->type;
    command.header.version = (uint8_t)(message->version & MR_COMMAND_VERSION_MAX);
    command.header.length = MR_COMMAND_HEADER + (uint32_t)message->size;
    unsigned char *body = mr_command_body_mutable(&command.header);
    random_fields(message, body, random, true);
    if (message->tail && mr_random_chance(random, 1, 2)) {
        random_fields(logic->config, body + message->size, random, true);
        command.header.length += logic->config->size;
    }
    char line[4096];
    assert_true(mr_text_command_write(logic, &command.header, line, sizeof line) < sizeof line);
    assert_null(strstr(line, " body="));
    assert_null(strstr(line, " tail="));
    expect_round_trip(logic, &command.header);
}

static void every_command_survives_its_text(void **state)
{
    (void)state;
    for_every_command(plain_round_trip);
}

static void spoilt_round_trip(const struct mr_logic *logic, const struct mr_message *message,
                              struct mr_random *random)
{
    static union room command;
    memset(&command, 0, sizeof command);
    random_header(&command.header, random);
    command.header.type = message->type;
    unsigned newer = mr_random_chance(random, 1, 4) ? 1 : 0;
    command.header.version = (uint8_t)((message->version + newer) & MR_COMMAND_VERSION_MAX);
    uint64_t size = message->size;
    size = mr_random_chance(random, 1, 3) ? mr_random_below(random, 40) * 8 : size;
    command.header.length = (uint32_t)(MR_COMMAND_HEADER + size);
    unsigned char *body = mr_command_body_mutable(&command.header);
    random_fields(message, body, random, true);
    if (message->field_count > 0 && mr_random_chance(random, 4, 5)) {
        uint64_t one = mr_random_below(random, message->field_count);
        random_value(&message->fields[one], body, random, false);
    }
    for (uint64_t i = message->size; i < size; i++) {
        body[i] = (unsigned char)mr_random_u64(random);
    }
    memset(body + size, 0, sizeof command.bytes - MR_COMMAND_HEADER - size);
    expect_round_trip(logic, &command.header);
}

static void every_command_survives_its_text_with_values_that_it_cannot_have(void **state)
{
    (void)state;
    for_every_command(spoilt_round_trip);
}

static void commands_of_unknown_types_survive_their_text(void **state)
{
    (void)state;
    static union room command;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    static const uint16_t types[] = {0, 6, 63, 200, 65535};
    for (int i = 0; i < 100; i++) {
        memset(&command, 0, sizeof command);
        random_header(&command.header, &random);
        command.header.type = types[i % 5];
        command.header.version = (uint8_t)(i / 5 % 3 & MR_COMMAND_VERSION_MAX);
        uint64_t size = mr_random_below(&random, 20) * 8;
        command.header.length = (uint32_t)(MR_COMMAND_HEADER + size);
        for (uint64_t j = 0; j < size; j++) {
            command.bytes[MR_COMMAND_HEADER + j] = (unsigned char)mr_random_u64(&random);
        }
        expect_round_trip(&tally_logic, &command.header);
    }
}

static void the_largest_command_fits_in_a_line(void **state)
{
    (void)state;
    static union room command;
    memset(&command, 0xff, sizeof command);
    command.header.length = sizeof command;
    command.header.type = 999;
    expect_round_trip(&tally_logic, &command.header);
    command.header.type = MR_COMMAND_GENESIS;
    command.header.version = 0;
    expect_round_trip(&tally_logic, &command.header);
}

static void text_is_cut_short_and_measured_as_snprintf_does(void **state)
{
    (void)state;
    struct rig rig;
    rig_genesis(&rig.genesis.header, (struct rig_limits){1, 2, 3});
    char whole[1024], part[1024];
    size_t length = mr_text_command_write(&tally_logic, &rig.genesis.header, whole, sizeof whole);
    assert_int_equal(strlen(whole), length);
    for (size_t size = 0; size < length + 5; size++) {
        memset(part, 'x', sizeof part);
        assert_int_equal(mr_text_command_write(&tally_logic, &rig.genesis.header, part, size),
                         length);
        if (size > 0) {
            size_t fits = size <= length ? size - 1 : length;
            assert_memory_equal(part, whole, fits);
            assert_int_equal(part[fits], 0);
        }
        assert_int_equal(part[size], 'x');
    }
    assert_int_equal(mr_text_command_write(&tally_logic, &rig.genesis.header, NULL, 0), length);
}

/* -- What it looks like. ----------------------------------------------------------------------- */

static struct {
    struct mr_command header;
    struct tally_timer_set body;
} const set_command = {.header = {.length = sizeof set_command,
                                  .type = TALLY_TIMER_SET,
                                  .role = MR_ROLE_USER,
                                  .sequence = 9,
                                  .time_ns = 1430438404518000000,
                                  .session = 2,
                                  .request = 17,
                                  .correlation = 5},
                       .body = {.due = UINT64_MAX,
                                .slot = 3,
                                .kind = TALLY_AGAIN,
                                .label = "a\"b\\c=#",
                                .key = {0xab, 0xcd},
                                .wide = {.low = 7, .high = 1},
                                .reason = TALLY_TOO_MUCH,
                                .marks = TALLY_RED | TALLY_BLUE | 1 << 2 | 1 << 14}};

static void expect_line(const struct mr_command *command, const char *expected)
{
    char line[1024];
    mr_text_command_write(&tally_logic, command, line, sizeof line);
    assert_string_equal(line, expected);
}

static void a_command_reads_like_this(void **state)
{
    (void)state;
    expect_line(&set_command.header,
                "timer_set sequence=9 time=1430438404518000000 session=2 request=17 "
                "correlation=5 due=18446744073709551615 period=0 slot=3 kind=again eight=0 "
                "sixteen=0 label=a\"b\\c=# comment= key=abcd0000000000000000000000000000 "
                "wide=18446744073709551623 reason=too_much marks=red,blue,16388");
    struct mr_command tick = {
        .length = 56, .type = MR_COMMAND_TICK, .sequence = 3, .time_ns = 8, .version = 2};
    expect_line(&tick, "tick sequence=3 time=8 session=0 request=0 version=2 body=");
    tick.version = 0;
    tick.role = MR_ROLE_OPERATOR;
    tick.cause = 7;
    expect_line(&tick, "tick sequence=3 time=8 session=0 request=0 cause=7 role=operator");
    tick.role = 77;
    tick.type = 700;
    expect_line(&tick, "type_700 sequence=3 time=8 session=0 request=0 cause=7 role=77 body=");
    struct rig rig;
    rig_genesis(&rig.genesis.header, (struct rig_limits){1, 2, 3});
    expect_line(
        &rig.genesis.header,
        "genesis sequence=1 time=0 session=0 request=0 logic=tally "
        "journal=00000000000000000000000000000000 session_idle_ns=0 logic_version=3 "
        "layout_version=1 sessions_max=1 answers_max=2 timers_max=3 config_size=16 clock=input "
        "config.start=0 config.burst_max=200 config.kind=once");
}

static void more_is_written_only_where_it_is_set(void **state)
{
    (void)state;
    struct mr_command tick = {.length = 56, .type = MR_COMMAND_TICK, .sequence = 3, .more = 1};
    expect_line(&tick, "tick sequence=3 time=0 session=0 request=0 more=1");
    expect_round_trip(&tally_logic, &tick);
    char line[256];
    mr_json_command_write(&tally_logic, &tick, line, sizeof line);
    assert_string_equal(line, "{\"sequence\":3,\"time\":0,\"session\":0,\"request\":0,"
                              "\"type\":\"tick\",\"more\":true}");
    tick.version = MR_COMMAND_VERSION_MAX;
    expect_line(&tick, "tick sequence=3 time=0 session=0 request=0 version=127 more=1 body=");
    expect_round_trip(&tally_logic, &tick);
    tick.more = 0;
    expect_line(&tick, "tick sequence=3 time=0 session=0 request=0 version=127 body=");
    mr_json_command_write(&tally_logic, &tick, line, sizeof line);
    assert_null(strstr(line, "more"));
}

static void a_command_is_json_like_this(void **state)
{
    (void)state;
    char line[1024];
    mr_json_command_write(&tally_logic, &set_command.header, line, sizeof line);
    assert_string_equal(
        line, "{\"sequence\":9,\"time\":1430438404518000000,\"session\":2,\"request\":17,"
              "\"type\":\"timer_set\",\"correlation\":5,\"due\":18446744073709551615,\"period\":0,"
              "\"slot\":3,\"kind\":\"again\",\"eight\":0,\"sixteen\":0,"
              "\"label\":\"a\\\"b\\\\c=#\",\"comment\":\"\","
              "\"key\":\"abcd0000000000000000000000000000\","
              "\"wide\":\"18446744073709551623\",\"reason\":\"too_much\","
              "\"marks\":[\"red\",\"blue\",\"16388\"]}");
    struct rig rig;
    rig_genesis(&rig.genesis.header, (struct rig_limits){1, 2, 3});
    mr_json_command_write(&tally_logic, &rig.genesis.header, line, sizeof line);
    assert_non_null(strstr(line, ",\"clock\":\"input\",\"config\":{\"start\":0,\"burst_max\":200,"
                                 "\"kind\":\"once\"}}"));
    rig.genesis.header.type = 700;
    rig.genesis.header.length = 64;
    mr_json_command_write(&tally_logic, &rig.genesis.header, line, sizeof line);
    assert_string_equal(line, "{\"sequence\":1,\"time\":0,\"session\":0,\"request\":0,"
                              "\"type\":\"type_700\",\"body\":\"74616c6c79000000\"}");
}

static void events_read_like_this(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, (struct rig_limits){1, 2, 3});
    rig_open(&rig, 7, MR_ROLE_USER);
    rig_tick(&rig, 12);
    rig_add(&rig, 7, 1, -4);
    char line[1024];
    mr_text_event_write(&tally_logic, rig_last_event(&rig), line, sizeof line);
    assert_string_equal(line, "added event=3 sequence=4 time=12 correlation=7 aggregate=total "
                              "aggregate_id=1 aggregate_sequence=1 previous=0 total=-4");
    rig_send(&rig, 7, 2, 999, NULL, 0);
    mr_text_event_write(&tally_logic, rig_last_event(&rig), line, sizeof line);
    assert_string_equal(line, "command_rejected event=4 sequence=5 time=12 correlation=14 "
                              "aggregate=session aggregate_id=7 aggregate_sequence=2 previous=2 "
                              "request=2 reason=unknown_type command_type=999 command_version=0 "
                              "claimed_role=user");
    mr_json_event_write(&tally_logic, rig_last_event(&rig), line, sizeof line);
    assert_string_equal(line,
                        "{\"event\":4,\"sequence\":5,\"time\":12,\"type\":\"command_rejected\","
                        "\"correlation\":14,\"aggregate\":\"session\",\"aggregate_id\":7,"
                        "\"aggregate_sequence\":2,\"previous\":2,\"request\":2,"
                        "\"reason\":\"unknown_type\",\"command_type\":999,\"command_version\":0,"
                        "\"claimed_role\":\"user\"}");
    mr_text_event_write(&tally_logic, rig_next_event(&rig, NULL), line, sizeof line);
    assert_string_equal(line, "genesis_applied event=1 sequence=1 time=0 logic=tally "
                              "session_idle_ns=0 logic_version=3 layout_version=1 sessions_max=1 "
                              "answers_max=2 timers_max=3 clock=input");
    rig_stop(&rig);
}

static void an_event_that_the_catalog_does_not_know_is_written_all_the_same(void **state)
{
    (void)state;
    struct {
        struct mr_event header;
        uint64_t body;
    } event = {.header = {.number = 1, .type = 900, .length = 72, .aggregate_kind = 70},
               .body = 258};
    char line[1024];
    mr_text_event_write(&tally_logic, &event.header, line, sizeof line);
    assert_string_equal(line, "type_900 event=1 sequence=0 time=0 aggregate=70 aggregate_id=0 "
                              "aggregate_sequence=0 previous=0 body=0201000000000000");
}

/* -- The catalog. ------------------------------------------------------------------------------ */

static void the_catalog_prints_every_name_in_every_form(void **state)
{
    (void)state;
    for (int i = 0; i < LOGICS; i++) {
        for (int form = MR_CATALOG_TEXT; form <= MR_CATALOG_MARKDOWN; form++) {
            size_t length = mr_catalog_write(logics[i], (enum mr_catalog_form)form, NULL, 0);
            char *text = malloc(length + 1);
            assert_int_equal(
                mr_catalog_write(logics[i], (enum mr_catalog_form)form, text, length + 1), length);
            assert_int_equal(strlen(text), length);
            assert_int_equal(text[length - 1], '\n');
            const struct mr_catalog *both[] = {&mr_catalog_common, logics[i]->catalog};
            for (int j = 0; j < 2; j++) {
                for (uint16_t k = 0; k < both[j]->command_count; k++) {
                    assert_non_null(strstr(text, both[j]->commands[k].name));
                    for (uint16_t l = 0; l < both[j]->commands[k].field_count; l++) {
                        const struct mr_field *field = &both[j]->commands[k].fields[l];
                        if (field->kind != MR_FIELD_pad) {
                            assert_non_null(strstr(text, field->name));
                        }
                    }
                }
                for (uint16_t k = 0; k < both[j]->event_count; k++) {
                    assert_non_null(strstr(text, both[j]->events[k].name));
                }
                for (uint16_t k = 0; k < both[j]->query_count; k++) {
                    assert_non_null(strstr(text, both[j]->queries[k].name));
                }
                for (uint16_t k = 0; k < both[j]->row_count; k++) {
                    assert_non_null(strstr(text, both[j]->rows[k].name));
                }
                for (uint16_t k = 0; k < both[j]->reason_count; k++) {
                    assert_non_null(strstr(text, both[j]->reasons[k].name));
                }
            }
            free(text);
        }
    }
}

static void the_catalog_prints_wide_numbers_and_flags_like_this(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        [MR_CATALOG_TEXT] = {"      88   wide                 u128                   any number "
                             "(optional)\n",
                             "      108  marks                flags16                any of them "
                             "[red, green, blue, last] (optional)\n"},
        [MR_CATALOG_JSON] = {"{\"name\":\"wide\",\"kind\":\"u128\",\"offset\":88,\"size\":16,"
                             "\"unit\":\"\",\"meaning\":\"any number\",\"optional\":true}",
                             "{\"name\":\"marks\",\"kind\":\"flags16\",\"offset\":108,\"size\":2,"
                             "\"unit\":\"\",\"meaning\":\"any of them\",\"optional\":true,"
                             "\"values\":[\"red\",\"green\",null,\"blue\",null,null,null,"
                             "null,null,null,null,null,null,null,null,\"last\"]}"},
        [MR_CATALOG_MARKDOWN] = {"| 88 | `wide` | u128 |  | any number (optional) |\n",
                                 "| 108 | `marks` | flags16 |  | any of them: `red`, `green`, "
                                 "`blue`, `last` (optional) |\n"}};
    static char text[64 << 10];
    for (int form = MR_CATALOG_TEXT; form <= MR_CATALOG_MARKDOWN; form++) {
        size_t length =
            mr_catalog_write(&tally_logic, (enum mr_catalog_form)form, text, sizeof text);
        assert_true(length < sizeof text);
        assert_non_null(strstr(text, expected[form][0]));
        assert_non_null(strstr(text, expected[form][1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_survives_its_text),
        cmocka_unit_test(every_command_survives_its_text_with_values_that_it_cannot_have),
        cmocka_unit_test(commands_of_unknown_types_survive_their_text),
        cmocka_unit_test(the_largest_command_fits_in_a_line),
        cmocka_unit_test(text_is_cut_short_and_measured_as_snprintf_does),
        cmocka_unit_test(a_command_reads_like_this),
        cmocka_unit_test(more_is_written_only_where_it_is_set),
        cmocka_unit_test(a_command_is_json_like_this),
        cmocka_unit_test(events_read_like_this),
        cmocka_unit_test(an_event_that_the_catalog_does_not_know_is_written_all_the_same),
        cmocka_unit_test(the_catalog_prints_every_name_in_every_form),
        cmocka_unit_test(the_catalog_prints_wide_numbers_and_flags_like_this),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
