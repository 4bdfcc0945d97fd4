/*
 * The text of messages in layouts of older versions of a logic: a journal that began with them
 * stays readable, and loses nothing.
 */
#include "tests/core/jars_rig.h"
#include "tests/core/round_trip.h"

static union room command;

static void make(uint16_t type, uint8_t version, const void *body, uint32_t size)
{
    memset(&command, 0, sizeof command);
    command.header = (struct mr_command){.length = MR_COMMAND_HEADER + size,
                                         .type = type,
                                         .version = (uint8_t)(version & MR_COMMAND_VERSION_MAX),
                                         .role = MR_ROLE_USER,
                                         .sequence = 5,
                                         .time_ns = 6,
                                         .session = 7,
                                         .request = 8};
    memcpy(mr_command_body_mutable(&command.header), body, size);
}

static void expect_line(const struct mr_logic *logic, const char *expected)
{
    char line[1024];
    mr_text_command_write(logic, &command.header, line, sizeof line);
    assert_string_equal(line, expected);
    expect_round_trip(logic, &command.header);
}

static void commands_of_each_version_have_their_own_fields(void **state)
{
    (void)state;
    struct jars_put old = {.jar = 1, .amount = 2, .expected = 3};
    struct jars_put_2 now = {.jar = 1, .amount = 2, .expected = 3, .label = 4};
    make(JARS_PUT, 0, &old, sizeof old);
    expect_line(&jars_1, "put sequence=5 time=6 session=7 request=8 jar=1 amount=2 expected=3");
    static const struct mr_logic *const newer[] = {&jars_2, &jars_3};
    for (int i = 0; i < 2; i++) {
        make(JARS_PUT, 0, &old, sizeof old);
        expect_line(newer[i], "put sequence=5 time=6 session=7 request=8 version=0 jar=1 amount=2 "
                              "expected=3");
        make(JARS_PUT, 1, &now, sizeof now);
        expect_line(newer[i],
                    "put sequence=5 time=6 session=7 request=8 jar=1 expected=3 amount=2 label=4");
        make(JARS_PUT, 2, &now, sizeof now);
        expect_line(newer[i], "put sequence=5 time=6 session=7 request=8 version=2 "
                              "body=0100000000000000030000000000000002000000000000000400000000000"
                              "000");
    }
    /* A program of version 1 knows nothing of what came later. */
    make(JARS_PUT, 1, &now, sizeof now);
    expect_line(&jars_1, "put sequence=5 time=6 session=7 request=8 version=1 "
                         "body=0100000000000000030000000000000002000000000000000400000000000000");
}

static enum mr_text_outcome read_line(const struct mr_logic *logic, const char *line,
                                      struct mr_text_error *error)
{
    memset(&command, 0xa5, sizeof command);
    return mr_text_command_read(logic, line, strlen(line), &command.header, sizeof command, NULL,
                                error);
}

static void the_version_may_stand_anywhere_in_the_line(void **state)
{
    (void)state;
    static const char *const lines[] = {"put version=0 jar=1 amount=2",
                                        "put jar=1 version=0 amount=2",
                                        "put amount=2 jar=1 version=0"};
    for (int i = 0; i < 3; i++) {
        struct mr_text_error error = {0};
        assert_int_equal(read_line(&jars_3, lines[i], &error), MR_TEXT_COMMAND);
        assert_int_equal(command.header.version, 0);
        assert_int_equal(command.header.length, MR_COMMAND_HEADER + sizeof(struct jars_put));
        const struct jars_put *put = mr_command_body(&command.header);
        assert_int_equal(put->jar, 1);
        assert_int_equal(put->amount, 2);
        assert_int_equal(put->expected, 0);
    }
    assert_int_equal(read_line(&jars_3, "put jar=1 amount=2 label=9", NULL), MR_TEXT_COMMAND);
    assert_int_equal(command.header.version, 1);
}

static void a_field_of_another_version_is_an_error(void **state)
{
    (void)state;
    struct mr_text_error error;
    assert_int_equal(read_line(&jars_3, "put jar=1 amount=2 label=9 version=0", &error),
                     MR_TEXT_BAD);
    assert_string_equal(error.text, "'label' is no key of put");
    assert_int_equal(error.column, 20);
    assert_int_equal(read_line(&jars_3, "put jar=1 amount=2 version=2", &error), MR_TEXT_BAD);
    assert_string_equal(error.text, "an unknown type or version needs body=, its bytes");
    assert_int_equal(read_line(&jars_3, "put jar=1 amount=2 version=0 version=1", &error),
                     MR_TEXT_BAD);
    assert_string_equal(error.text, "'version' is given twice");
    assert_int_equal(read_line(&jars_3, "put jar=1 amount=2 version=x", &error), MR_TEXT_BAD);
    assert_int_equal(error.column, 28);
}

static void a_genesis_has_the_configuration_of_its_version(void **state)
{
    (void)state;
    struct rig rig;
    jars_genesis(&rig.genesis.header, &jars_1);
    char line[1024];
    static const struct mr_logic *const all[] = {&jars_1, &jars_2, &jars_3};
    for (int i = 0; i < 3; i++) {
        mr_text_command_write(all[i], &rig.genesis.header, line, sizeof line);
        assert_non_null(strstr(line, " config.jars_max=10 config.portion=7"));
        assert_null(strstr(line, "label"));
        expect_round_trip(all[i], &rig.genesis.header);
        mr_json_command_write(all[i], &rig.genesis.header, line, sizeof line);
        assert_non_null(strstr(line, "\"config\":{\"jars_max\":10,\"portion\":7}}"));
    }
    jars_genesis(&rig.genesis.header, &jars_2);
    mr_text_command_write(&jars_3, &rig.genesis.header, line, sizeof line);
    assert_non_null(
        strstr(line, " config.title= config.place= config.label=42 config.jars_max=10"));
    expect_round_trip(&jars_3, &rig.genesis.header);
    expect_round_trip(&jars_1, &rig.genesis.header); /* as bytes: it knows no such version */
    /* Typed by hand, with the version behind the configuration. */
    struct mr_text_error error = {0};
    assert_int_equal(
        read_line(&jars_3,
                  "genesis config.portion=3 config.jars_max=4 logic=jars layout_version=1 "
                  "journal=00000000000000000000000000000000 sessions_max=1 answers_max=2 "
                  "timers_max=3 config_size=8 clock=input logic_version=1",
                  &error),
        MR_TEXT_COMMAND);
    assert_int_equal(command.header.length,
                     MR_COMMAND_HEADER + sizeof(struct mr_genesis) + sizeof(struct jars_config));
}

static void any_command_of_any_version_survives_its_text(void **state)
{
    (void)state;
    static const struct mr_catalog *const catalogs[] = {&jars_catalog_1, &jars_catalog_2};
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int i = 0; i < 4000; i++) {
        const struct mr_catalog *catalog = catalogs[i % 2];
        const struct mr_message *message =
            &catalog->commands[mr_random_below(&random, catalog->command_count)];
        memset(&command, 0, sizeof command);
        random_header(&command.header, &random);
        command.header.type = message->type;
        command.header.version = (uint8_t)(message->version & MR_COMMAND_VERSION_MAX);
        command.header.length = MR_COMMAND_HEADER + (uint32_t)message->size;
        random_fields(message, mr_command_body_mutable(&command.header), &random, true);
        char line[1024];
        mr_text_command_write(&jars_3, &command.header, line, sizeof line);
        assert_null(strstr(line, " body="));
        expect_round_trip(&jars_3, &command.header);
        expect_round_trip(&jars_1, &command.header);
    }
}

static void events_of_older_versions_are_written_with_their_own_fields(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    jars_put(&rig, 1, 1, 3, 5, 0);
    const struct mr_event *event = rig_last_event(&rig);
    char line[1024];
    mr_text_event_write(&jars_3, event, line, sizeof line);
    assert_string_equal(line, "put_in event=3 sequence=3 time=0 correlation=7 version=0 "
                              "aggregate=jar aggregate_id=3 aggregate_sequence=1 previous=0 "
                              "amount=5");
    rig_upgrade(&rig, &jars_2);
    mr_text_event_write(&jars_3, rig_last_event(&rig), line, sizeof line);
    assert_string_equal(line, "logic_upgraded event=4 sequence=4 time=0 from_version=1 "
                              "to_version=2 from_layout=1 to_layout=2");
    jars_put(&rig, 1, 2, 3, 5, 0);
    mr_json_event_write(&jars_3, rig_last_event(&rig), line, sizeof line);
    assert_non_null(strstr(line, ",\"amount\":10,\"label\":42}"));
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_of_each_version_have_their_own_fields),
        cmocka_unit_test(the_version_may_stand_anywhere_in_the_line),
        cmocka_unit_test(a_field_of_another_version_is_an_error),
        cmocka_unit_test(a_genesis_has_the_configuration_of_its_version),
        cmocka_unit_test(any_command_of_any_version_survives_its_text),
        cmocka_unit_test(events_of_older_versions_are_written_with_their_own_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
