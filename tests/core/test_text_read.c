#include "tests/core/round_trip.h"

/* -- What people type. ------------------------------------------------------------------------- */

static enum mr_text_outcome read_line(const char *line, union room *room, uint32_t *stated,
                                      struct mr_text_error *error)
{
    return mr_text_command_read(&tally_logic, line, strlen(line), &room->header, sizeof *room,
                                stated, error);
}

static void what_is_optional_may_be_left_out_and_is_zero(void **state)
{
    (void)state;
    static union room room;
    uint32_t stated = 99;
    assert_int_equal(read_line("timer_set slot=4 due=7", &room, &stated, NULL), MR_TEXT_COMMAND);
    assert_int_equal(stated, 0);
    assert_int_equal(room.header.length, MR_COMMAND_HEADER + sizeof(struct tally_timer_set));
    struct tally_timer_set expected = {.due = 7, .slot = 4};
    assert_memory_equal(mr_command_body(&room.header), &expected, sizeof expected);
    assert_int_equal(room.header.session, 0);
}

static void keys_of_the_header_are_reported_as_stated(void **state)
{
    (void)state;
    static union room room;
    uint32_t stated;
    assert_int_equal(read_line("add amount=1 session=4", &room, &stated, NULL), MR_TEXT_COMMAND);
    assert_int_equal(stated, MR_TEXT_SESSION);
    assert_int_equal(room.header.role, MR_ROLE_USER);
    assert_int_equal(read_line("add amount=1", &room, &stated, NULL), MR_TEXT_COMMAND);
    assert_int_equal(room.header.role, MR_ROLE_SYSTEM);
    assert_int_equal(read_line("add more=1 version=0 role=operator cause=1 correlation=2 request=3 "
                               "session=4 time=5 sequence=6 amount=-7",
                               &room, &stated, NULL),
                     MR_TEXT_COMMAND);
    assert_int_equal(stated, 511);
    struct mr_command expected = {.length = 64,
                                  .type = TALLY_ADD,
                                  .more = 1,
                                  .role = MR_ROLE_OPERATOR,
                                  .cause = 1,
                                  .correlation = 2,
                                  .request = 3,
                                  .session = 4,
                                  .time_ns = 5,
                                  .sequence = 6};
    assert_memory_equal(&room, &expected, sizeof expected);
}

static void blanks_and_comments_are_skipped(void **state)
{
    (void)state;
    static union room room;
    static const char *const nothing[] = {"", "  ", "\t\r", "# add amount=1", "  #", "\r"};
    for (uint32_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        assert_int_equal(read_line(nothing[i], &room, NULL, NULL), MR_TEXT_NOTHING);
    }
    assert_int_equal(read_line("  add \t amount=5  \r", &room, NULL, NULL), MR_TEXT_COMMAND);
}

static void a_line_needs_no_zero_at_its_end(void **state)
{
    (void)state;
    static union room room;
    const char *line = "add amount=123456";
    assert_int_equal(
        mr_text_command_read(&tally_logic, line, 14, &room.header, sizeof room, NULL, NULL),
        MR_TEXT_COMMAND);
    assert_int_equal(((const struct tally_add *)mr_command_body(&room.header))->amount, 123);
}

static const struct {
    const char *line;
    uint32_t column;
    const char *text;
} wrong[] = {
    {"ad amount=1", 1, "'ad' is no command of the catalog"},
    {"  amount=1", 3, "'amount=1' is no command of the catalog"},
    {"add", 4, "add needs amount"},
    {"add amount", 5, "'amount' is not key=value"},
    {"add =1", 5, "'=1' is not key=value"},
    {"add amount=", 12, "amount: '' is not a whole number in plain decimal digits"},
    {"add amount=x", 12, "amount: 'x' is not a whole number in plain decimal digits"},
    {"add amount=1.5", 12, "amount: '1.5' is not a whole number in plain decimal digits"},
    {"add amount=+1", 12, "amount: '+1' is not a whole number in plain decimal digits"},
    {"add amount=--1", 12, "amount: '--1' is not a whole number in plain decimal digits"},
    {"add amount=-", 12, "amount: '-' is not a whole number in plain decimal digits"},
    {"add amount=007", 12, "amount: '007' is not a whole number in plain decimal digits"},
    {"add amount=0x7", 12, "amount: '0x7' is not a whole number in plain decimal digits"},
    {"add amount=9223372036854775808", 12,
     "amount: '9223372036854775808' is out of range: -9223372036854775808 to "
     "9223372036854775807"},
    {"add amount=-9223372036854775809", 12,
     "amount: '-9223372036854775809' is out of range: -9223372036854775808 to "
     "9223372036854775807"},
    {"add amount=1 amount=1", 14, "'amount' is given twice"},
    {"add amount=1 time=1 time=1", 21, "'time' is given twice"},
    {"add amount=1 colour=red", 14, "'colour' is no key of add"},
    {"add amount=1 tail=", 14, "'tail' is no key of add"},
    {"add amount=1 config.start=1", 14, "'config.start' is no key of add"},
    {"add amount=1 time=-1", 19, "time: '-1' is not a whole number in plain decimal digits"},
    {"add amount=1 time=18446744073709551616", 19,
     "time: '18446744073709551616' is out of range: 0 to 18446744073709551615"},
    {"add amount=1 version=128", 22, "version: '128' is out of range: 0 to 127"},
    {"add amount=1 more=2", 19, "more: '2' is out of range: 0 to 1"},
    {"add amount=1 more=true", 19, "more: 'true' is not a whole number in plain decimal digits"},
    {"add amount=1 more=1 more=1", 21, "'more' is given twice"},
    {"add amount=1 version=1", 23, "an unknown type or version needs body=, its bytes"},
    {"add amount=1 role=boss", 19, "role: 'boss' is none of system, operator, user"},
    {"add amount=1 role=2", 19, "role: '2' is none of system, operator, user"},
    {"add amount=1 role=256", 19, "role: '256' is none of system, operator, user"},
    {"add amount=1 body=0000000000000000", 35, "body stands for all fields: give one or the other"},
    {"add body=00", 10, "body: not hex digits in lower case, 16 for each 8 bytes"},
    {"add body=000000000000000g", 10, "body: not hex digits in lower case, 16 for each 8 bytes"},
    {"add body=00000000000000000", 10, "body: not hex digits in lower case, 16 for each 8 bytes"},
    {"add body= body=", 11, "'body' is given twice"},
    {"timer_set due=1 slot=4294967296", 22, "slot: '4294967296' is out of range: 0 to 4294967295"},
    {"timer_set due=1 slot=1 kind=twice", 29, "kind: 'twice' is none of once, again, many"},
    {"timer_set due=1 slot=1 kind=1", 29, "kind: '1' is none of once, again, many"},
    {"timer_set due=1 slot=1 kind=", 29, "kind: '' is none of once, again, many"},
    {"timer_set due=1 slot=1 eight=256", 30, "eight: '256' is out of range: 0 to 255"},
    {"timer_set due=1 slot=1 sixteen=65536", 32, "sixteen: '65536' is out of range: 0 to 65535"},
    {"timer_set due=1 slot=1 label=12345678901234567", 30,
     "label: '12345678901234567' is longer than 16 characters"},
    {"timer_set due=1 slot=1 label=a\x80z", 30,
     "label: 'a?z' has a character that is not printable ASCII"},
    {"timer_set due=1 slot=1 key=00", 28, "key: '00' is not 32 hex digits in lower case"},
    {"timer_set due=1 slot=1 key=ABCDEF00000000000000000000000000", 28,
     "key: 'ABCDEF00000000000000000000000000' is not 32 hex digits in lower case"},
    {"timer_set due=1 slot=1 reason=bad", 31, "reason: 'bad' is no reason of the catalog"},
    {"timer_set due=1 slot=1 reserved=0", 24, "'reserved' is no key of timer_set"},
    {"timer_set due=1", 16, "timer_set needs slot"},
    {"type_64 body=", 1, "'type_64' is called add"},
    {"type_3 body=", 1, "'type_3' is called tick"},
    {"type_65536 body=", 6, "'65536' is out of range: 0 to 65535"},
    {"type_x body=", 6, "'x' is not a whole number in plain decimal digits"},
    {"type_ body=", 1, "'type_' is no command of the catalog"},
    {"type_700", 9, "an unknown type or version needs body=, its bytes"},
    {"type_700 amount=1", 10, "'amount' is no key of an unknown type"},
    {"burst count=1 comment=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 15,
     "'comment' is no key of burst"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1,
     "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' is no command of the catalog"},
    {"genesis config.start=1", 23, "genesis needs logic"},
    {"genesis config.colour=1", 9, "'config.colour' is no key of genesis"},
    {"genesis config.start=1 config.start=1", 31, "'start' is given twice"},
    {"genesis config.start=x", 22, "start: 'x' is not a whole number in plain decimal digits"},
};

static void what_is_wrong_with_a_line_is_told_with_its_column(void **state)
{
    (void)state;
    static union room room;
    for (uint32_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct mr_text_error error = {0};
        assert_int_equal(read_line(wrong[i].line, &room, NULL, &error), MR_TEXT_BAD);
        if (error.column != wrong[i].column || strcmp(error.text, wrong[i].text) != 0) {
            fail_msg("%s\nsays, at column %u: %s", wrong[i].line, error.column, error.text);
        }
        assert_int_equal(read_line(wrong[i].line, &room, NULL, NULL), MR_TEXT_BAD);
    }
}

#define GENESIS                                                                     \
    "genesis logic=tally journal=00000000000000000000000000000000 logic_version=3 " \
    "layout_version=1 sessions_max=1 answers_max=2 timers_max=3 config_size=16 clock=input"

static void a_configuration_is_given_whole_or_as_bytes(void **state)
{
    (void)state;
    static union room room;
    struct mr_text_error error;
    assert_int_equal(read_line(GENESIS " config.start=1", &room, NULL, &error), MR_TEXT_BAD);
    assert_string_equal(error.text, "genesis needs config.burst_max");
    assert_int_equal(read_line(GENESIS " config.start=1 tail=", &room, NULL, &error), MR_TEXT_BAD);
    assert_string_equal(error.text, "tail stands for all of config: give one or the other");
    assert_int_equal(
        read_line(GENESIS " config.kind=once config.start=1 config.burst_max=9", &room, NULL, NULL),
        MR_TEXT_COMMAND);
    assert_int_equal(room.header.length, MR_COMMAND_HEADER + 88 + 16);
    assert_int_equal(read_line(GENESIS " tail=01000000000000000900000000000000", &room, NULL, NULL),
                     MR_TEXT_COMMAND);
    const struct tally_config *config =
        (const struct tally_config *)(const void *)((const unsigned char *)mr_command_body(
                                                        &room.header) +
                                                    sizeof(struct mr_genesis));
    assert_int_equal(config->start, 1);
    assert_int_equal(config->burst_max, 9);
}

static void a_command_larger_than_its_room_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t needs;
    } cases[] = {
        {"add amount=1", 64},
        {"add body=00000000000000000000000000000000", 72},
        {"type_700 body=0000000000000000", 64},
        {"operate", 56},
        {GENESIS " config.kind=once config.start=1 config.burst_max=9", 160},
        {GENESIS " tail=0100000000000000", 152},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t size = MR_COMMAND_HEADER; size <= cases[i].needs; size += 8) {
            /* Of exactly that size, so that a sanitizer sees what goes beyond. */
            struct mr_command *command = malloc(size);
            struct mr_text_error error = {0};
            enum mr_text_outcome outcome = mr_text_command_read(
                &tally_logic, cases[i].line, strlen(cases[i].line), command, size, NULL, &error);
            if (size < cases[i].needs) {
                assert_int_equal(outcome, MR_TEXT_BAD);
                assert_non_null(strstr(error.text, "is larger than there is room for"));
            } else {
                assert_int_equal(outcome, MR_TEXT_COMMAND);
                assert_int_equal(command->length, size);
            }
            free(command);
        }
    }
}

/* Puts a word into a line at `at`; returns where it ends. No zero follows. */
static size_t append(char *line, size_t at, const char *word)
{
    for (; *word != 0; word++) {
        line[at++] = *word;
    }
    return at;
}

static void a_line_that_is_too_long_is_refused(void **state)
{
    (void)state;
    static char line[MR_TEXT_LINE_MAX + 1];
    static union room room;
    struct mr_text_error error;
    memset(line, ' ', sizeof line);
    append(line, 0, "add amount=1");
    assert_int_equal(mr_text_command_read(&tally_logic, line, MR_TEXT_LINE_MAX, &room.header,
                                          sizeof room, NULL, &error),
                     MR_TEXT_COMMAND);
    assert_int_equal(mr_text_command_read(&tally_logic, line, MR_TEXT_LINE_MAX + 1, &room.header,
                                          sizeof room, NULL, &error),
                     MR_TEXT_BAD);
    assert_int_equal(error.column, MR_TEXT_LINE_MAX + 1);
}

/* Whatever the bytes: an outcome, within the room and the text. The sanitizers watch. */
static void any_bytes_at_all_have_an_outcome(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    static const char *const words[] = {
        "add",    "timer_set", "genesis", "tick",   "type_9", " ",           "=",     "amount=",
        "body=",  "tail=",     "00",      "due=1",  "slot=",  "config.",     "kind=", "start=",
        "time=9", "role=",     "user",    "-",      "label=", "version=",    "99999", "\xff",
        "again",  "session=1", "\t",      "key=ab", "#",      "reason=none", "wide=", "0x",
        "f0",     "marks=",    "red",     ",",      "last",   "more=",       "1",     "0"};
    uint32_t commands = 0;
    for (int i = 0; i < 50000; i++) {
        char line[512] = "";
        size_t length = 0;
        uint64_t count = mr_random_below(&random, 12);
        for (uint64_t j = 0; j < count; j++) {
            const char *word = words[mr_random_below(&random, sizeof words / sizeof words[0])];
            length = append(line, length, word);
            if (mr_random_chance(&random, 1, 2)) {
                line[length++] = ' ';
            }
        }
        struct mr_command *command = malloc(256);
        char *exact = malloc(length == 0 ? 1 : length);
        memcpy(exact, line, length);
        struct mr_text_error error = {0};
        enum mr_text_outcome outcome =
            mr_text_command_read(&tally_logic, exact, length, command, 256, NULL, &error);
        if (outcome == MR_TEXT_COMMAND) {
            commands++;
            assert_true(command->length <= 256);
            expect_round_trip(&tally_logic, command);
        } else if (outcome == MR_TEXT_BAD) {
            assert_true(error.column >= 1 && error.column <= length + 1);
            assert_true(strlen(error.text) > 0);
        }
        free(exact);
        free(command);
    }
    printf("%u of 50000 were commands\n", commands);
    assert_true(commands > 100);
}

static void one_field_can_be_read_into_a_configuration(void **state)
{
    (void)state;
    struct tally_config config = {.start = 5, .burst_max = 6};
    struct mr_text_error error;
    const struct mr_message *message = &tally_config_message;
    assert_int_equal(
        mr_text_field_read(&tally_catalog, message, &config, "burst_max=77", 12, &error), 1);
    assert_int_equal(config.burst_max, 77);
    assert_int_equal(config.start, 5);
    static const struct {
        const char *pair;
        uint32_t column;
        const char *text;
    } cases[] = {
        {"burst_max", 1, "'burst_max' is not key=value"},
        {"burst_max=x", 11, "burst_max: 'x' is not a whole number in plain decimal digits"},
        {"reserved=0", 1, "'reserved' is no key of tally"},
        {"kind=no", 6, "kind: 'no' is none of once, again, many"},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tally_config before = config;
        assert_int_equal(mr_text_field_read(&tally_catalog, message, &config, cases[i].pair,
                                            strlen(cases[i].pair), &error),
                         -1);
        assert_int_equal(error.column, cases[i].column);
        assert_string_equal(error.text, cases[i].text);
        assert_memory_equal(&before, &config, sizeof config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_optional_may_be_left_out_and_is_zero),
        cmocka_unit_test(keys_of_the_header_are_reported_as_stated),
        cmocka_unit_test(blanks_and_comments_are_skipped),
        cmocka_unit_test(a_line_needs_no_zero_at_its_end),
        cmocka_unit_test(what_is_wrong_with_a_line_is_told_with_its_column),
        cmocka_unit_test(a_configuration_is_given_whole_or_as_bytes),
        cmocka_unit_test(a_command_larger_than_its_room_is_refused),
        cmocka_unit_test(a_line_that_is_too_long_is_refused),
        cmocka_unit_test(any_bytes_at_all_have_an_outcome),
        cmocka_unit_test(one_field_can_be_read_into_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
