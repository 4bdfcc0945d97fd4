#include "tests/tools/source_rig.h"

#include <millrace/text.h>

#include <unistd.h>

#define ORDER(id) "order_new order=" #id " instrument=1 side=buy price=100 quantity=5\n"

static void expect_command(struct rig *rig, uint16_t type, uint64_t session, uint64_t request)
{
    enum source_outcome outcome = rig_next(rig);
    if (outcome == SOURCE_BAD)
        fail_msg("%s", rig->error.text);
    assert_int_equal(outcome, SOURCE_COMMAND);
    assert_int_equal(rig->command.header.type, type);
    assert_int_equal(rig->command.header.session, session);
    assert_int_equal(rig->command.header.request, request);
    assert_int_equal(rig->command.header.sequence, 0);
}

static void expect_bad(struct rig *rig, const char *place, const char *reason)
{
    char text[PATH_MAX + 32];
    (void)snprintf(text, sizeof text, "%s%s", rig->path, place);
    assert_int_equal(rig_next(rig), SOURCE_BAD);
    if (strncmp(rig->error.text, text, strlen(text)) != 0 ||
        strstr(rig->error.text, reason) == NULL)
        fail_msg("not '%s...%s': %s", text, reason, rig->error.text);
}

/* -- What people write. ----------------------------------------------------------------------- */

static void test_the_number_of_a_line_is_that_of_its_request(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, "# two orders\n\n" ORDER(7) "  # and\n" ORDER(8), NULL);
    assert_string_equal(rig->source->kind, "text");
    assert_int_equal(rig->source->clock, MR_CLOCK_INPUT);
    assert_false(rig->source->interactive);
    assert_null(rig->source->genesis);
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 3);
    const struct mr_book_order_new order = {
        .order = 7, .price = 100, .quantity = 5, .instrument = 1, .side = MR_BOOK_SIDE_BUY};
    assert_memory_equal(rig_body(rig), &order, sizeof order);
    assert_int_equal(rig->command.header.role, MR_ROLE_USER);
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 5);
    assert_int_equal(rig_next(rig), SOURCE_END);
}

static void test_an_instrument_to_try_with_is_set_up(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, ORDER(1), NULL);
    assert_int_equal(rig->source->setup_count, 1);
    const struct mr_book_instrument_define *define = mr_command_body(rig->source->setup[0]);
    assert_string_equal(define->symbol, "TEST");
    assert_int_equal(define->instrument, 1);
}

static void test_what_only_operators_may_send_goes_to_their_session(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig,
                  ORDER(1) "instrument_define symbol=A price_min=1 price_max=9 quantity_max=9 "
                           "instrument=2\n" ORDER(2),
                  NULL);
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 1);
    expect_command(rig, MR_BOOK_INSTRUMENT_DEFINE, SESSION_OPERATOR, 3); /* 1 is the set-up's */
    assert_int_equal(rig->command.header.role, MR_ROLE_OPERATOR);
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 3);
}

static void test_a_line_without_time_has_that_of_the_line_before(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig,
                  ORDER(1) "order_cancel order=1 instrument=1 time=500\n" ORDER(
                      2) "order_cancel order=1 instrument=1 time=300\n",
                  NULL);
    static const uint64_t times[] = {0, 500, 500, 300};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_int_equal(rig_next(rig), SOURCE_COMMAND);
        assert_int_equal(rig->command.header.time_ns, times[i]);
    }
}

static void test_lines_cut_out_of_a_dump_are_numbered_anew(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig,
                  "order_cancel sequence=77 time=9 session=8 request=70 correlation=6 order=1 "
                  "instrument=1\n",
                  NULL);
    expect_command(rig, MR_BOOK_ORDER_CANCEL, SESSION_IMPORTER, 1);
    assert_int_equal(rig->command.header.time_ns, 9);
    assert_int_equal(rig->command.header.correlation, 6);
}

static void test_malformed_lines_are_told_with_line_and_column(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig,
                  "frobnicate\n" ORDER(1) "order_new order=x\n"
                                          "tick\n"
                                          "genesis body=\n" ORDER(2),
                  NULL);
    expect_bad(rig, ":1:1: ", "no command of the catalog");
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 2);
    expect_bad(rig, ":3:17: ", "order");
    expect_bad(rig, ":4:1: ", "whole dump");
    expect_bad(rig, ":5:", "");
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 6);
    assert_int_equal(rig_next(rig), SOURCE_END);
}

/* Whatever the bytes: a line is a command, nothing, or malformed, and the next one is unharmed. */
static void test_random_bytes_spoil_no_other_line(void **state)
{
    struct rig *rig = *state;
    enum { ROUNDS = 3000 };
    static const char alphabet[] = "order_new order=1 side=buy\0\r\t#\xff session_open body=";
    static const char end[] = "\n" ORDER(3);
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    char *text = malloc(ROUNDS * 200);
    assert_non_null(text);
    size_t size = 0;
    for (int i = 0; i < ROUNDS; i++) {
        for (uint64_t length = mr_random_below(&random, 100); length > 0; length--)
            text[size++] = alphabet[mr_random_below(&random, sizeof alphabet - 1)];
        memcpy(text + size, end, sizeof end - 1);
        size += sizeof end - 1;
    }
    rig_write(rig, text, size);
    free(text);
    assert_int_equal(rig_open(rig, NULL, NULL), MR_OK);
    uint64_t commands = 0, malformed = 0;
    enum source_outcome outcome;
    while ((outcome = rig_next(rig)) != SOURCE_END) {
        assert_true(outcome == SOURCE_COMMAND || outcome == SOURCE_BAD);
        commands += outcome == SOURCE_COMMAND;
        malformed += outcome == SOURCE_BAD;
    }
    assert_int_equal(commands, ROUNDS);
    assert_true(malformed > ROUNDS / 2 && malformed <= ROUNDS);
}

static void test_a_first_line_that_is_too_long_is_a_malformed_one(void **state)
{
    struct rig *rig = *state;
    size_t size = MR_TEXT_LINE_MAX + 10;
    char *bytes = malloc(size + 100);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    (void)snprintf(bytes + size, 100, "\n" ORDER(1));
    rig_write(rig, bytes, strlen(bytes));
    free(bytes);
    assert_int_equal(rig_open(rig, NULL, NULL), MR_OK);
    expect_bad(rig, ":1: ", "longer");
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 2);
}

static void test_resuming_goes_on_behind_the_last_line_of_either_session(void **state)
{
    struct rig *rig = *state;
    static const char text[] =
        ORDER(1) ORDER(2) "instrument_define symbol=A price_min=1 "
                          "price_max=9 quantity_max=9 instrument=2\n" ORDER(3);
    rig_write(rig, text, strlen(text));
    static const struct {
        uint64_t last, operator_last, next;
    } cases[] = {{0, 0, 1}, {0, 1, 1}, {1, 1, 2}, {2, 1, 3}, {2, 4, 4}, {4, 4, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(rig_open(rig, NULL, NULL), MR_OK);
        rig->source->operator_last = cases[i].operator_last;
        if (cases[i].last > 0)
            assert_int_equal(rig->source->calls->resume(rig->source, cases[i].last, &rig->error),
                             MR_OK);
        if (cases[i].next == 5)
            assert_int_equal(rig_next(rig), SOURCE_END);
        else if (cases[i].next == 3)
            expect_command(rig, MR_BOOK_INSTRUMENT_DEFINE, SESSION_OPERATOR, 4);
        else
            expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, cases[i].next);
    }
    assert_int_equal(rig_open(rig, NULL, NULL), MR_OK);
    assert_int_equal(rig->source->calls->resume(rig->source, 5, &rig->error), MR_E_MISMATCH);
}

/* -- Standard input. -------------------------------------------------------------------------- */

static void open_stdin(struct rig *rig, const char *text, uint64_t last, uint64_t operator_last)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(rig_open(rig, "-", NULL), MR_OK);
    rig->source->operator_last = operator_last;
    if (last > 0)
        assert_int_equal(rig->source->calls->resume(rig->source, last, &rig->error), MR_OK);
}

static void test_standard_input_goes_on_counting(void **state)
{
    struct rig *rig = *state;
    static const char text[] = ORDER(1) "instrument_define symbol=A price_min=1 price_max=9 "
                                        "quantity_max=9 instrument=2\n" ORDER(2);
    static const struct mr_digest none;
    open_stdin(rig, text, 0, 0);
    assert_true(rig->source->interactive);
    assert_true(mr_digest_equal(rig->source->fingerprint, none));
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 1);
    expect_command(rig, MR_BOOK_INSTRUMENT_DEFINE, SESSION_OPERATOR, 2);
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 2);
    assert_int_equal(rig_next(rig), SOURCE_END);
    open_stdin(rig, text, 17, 10);
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 18);
    expect_command(rig, MR_BOOK_INSTRUMENT_DEFINE, SESSION_OPERATOR, 11);
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, 19);
}

/* -- A whole dump. ---------------------------------------------------------------------------- */

#define GENESIS                                                                               \
    "genesis sequence=1 time=5 session=0 request=0 logic=book "                               \
    "journal=00112233445566778899aabbccddeeff logic_version=0 layout_version=0 "              \
    "sessions_max=4 answers_max=16 timers_max=8 config_size=32 clock=input "                  \
    "config.hash_seed=1 config.instruments_max=2 config.orders_max=100 config.levels_max=50 " \
    "config.fills_max=10 config.groups_max=20 config.tick_tables_max=2\n"
#define DUMP                                                                                  \
    "# entry of something\n" GENESIS                                                          \
    "session_open sequence=2 time=6 session=0 request=1 new_session=9 new_role=user\n"        \
    "order_new sequence=3 time=7 session=9 request=40 order=1 instrument=1 side=buy price=1 " \
    "quantity=2\n"

static void test_a_whole_dump_is_taken_as_it_is(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, DUMP, NULL);
    const struct mr_command *genesis = rig->source->genesis;
    assert_non_null(genesis);
    assert_int_equal(genesis->time_ns, 5);
    assert_int_equal(((const struct mr_genesis *)mr_command_body(genesis))->sessions_max, 4);
    assert_int_equal(rig->source->setup_count, 0);
    assert_int_equal(rig->source->total, 3);
    assert_int_equal(rig_next(rig), SOURCE_COMMAND);
    assert_int_equal(rig->command.header.type, MR_COMMAND_SESSION_OPEN);
    assert_int_equal(rig->command.header.session, 0);
    assert_int_equal(rig->command.header.role, MR_ROLE_SYSTEM);
    assert_int_equal(rig_next(rig), SOURCE_COMMAND);
    assert_int_equal(rig->command.header.session, 9);
    assert_int_equal(rig->command.header.request, 40);
    assert_int_equal(rig->command.header.sequence, 3);
    assert_int_equal(rig->command.header.time_ns, 7);
    assert_int_equal(rig_next(rig), SOURCE_END);
}

static void test_a_hole_in_a_dump_is_told_once(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig,
                  DUMP "order_cancel sequence=5 time=8 session=9 request=41 order=1 instrument=1\n"
                       "order_cancel sequence=6 time=8 session=9 request=42 order=1 instrument=1\n"
                       "frobnicate sequence=7\n"
                       "order_cancel sequence=8 time=8 session=9 request=43 order=1 instrument=1\n",
                  NULL);
    assert_int_equal(rig_next(rig), SOURCE_COMMAND);
    assert_int_equal(rig_next(rig), SOURCE_COMMAND);
    expect_bad(rig, ":5:1: ", "does not follow");
    assert_int_equal(rig_next(rig), SOURCE_COMMAND);
    expect_bad(rig, ":7:1: ", "frobnicate");
    assert_int_equal(rig_next(rig), SOURCE_COMMAND);
    assert_int_equal(rig->command.header.request, 43);
    rig_open_text(rig, DUMP GENESIS, NULL);
    assert_int_equal(rig_next(rig), SOURCE_COMMAND);
    assert_int_equal(rig_next(rig), SOURCE_COMMAND);
    expect_bad(rig, ":5:1: ", "");
}

static void test_a_dump_can_come_through_a_pipe(void **state)
{
    struct rig *rig = *state;
    open_stdin(rig, DUMP, 0, 0);
    assert_non_null(rig->source->genesis);
    assert_false(rig->source->interactive);
    assert_int_equal(rig_next(rig), SOURCE_COMMAND);
    assert_int_equal(rig->command.header.sequence, 2);
}

/* -- Batches. ---------------------------------------------------------------------------------- */

#define IN_BATCH(id) "order_new order=" #id " instrument=1 side=buy price=100 quantity=5 more=1\n"

static void expect_more(struct rig *rig, uint64_t request, bool more)
{
    expect_command(rig, MR_BOOK_ORDER_NEW, SESSION_IMPORTER, request);
    assert_int_equal(rig->command.header.more, more);
}

static void test_more_says_that_the_next_line_is_of_the_same_batch(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, IN_BATCH(1) "# nothing\n" IN_BATCH(2) ORDER(3) ORDER(4), NULL);
    expect_more(rig, 1, true);
    expect_more(rig, 3, true);
    expect_more(rig, 4, false);
    expect_more(rig, 5, false);
    assert_int_equal(rig_next(rig), SOURCE_END);
    rig_open_text(rig, IN_BATCH(1) ORDER(2) IN_BATCH(3) ORDER(4), NULL);
    assert_int_equal(rig->source->calls->resume(rig->source, 2, &rig->error), MR_OK);
    expect_more(rig, 3, true);
    expect_more(rig, 4, false);
    assert_int_equal(rig_next(rig), SOURCE_END);
}

static void test_a_batch_without_an_end_is_told_where_it_begins(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, ORDER(1) IN_BATCH(2) IN_BATCH(3) "# nothing\n", NULL);
    expect_more(rig, 1, false);
    expect_more(rig, 2, true);
    expect_more(rig, 3, true);
    expect_bad(rig, ":2:1: ", "has no end");
    assert_int_equal(rig->command.header.more, 0);
    assert_int_equal(rig_next(rig), SOURCE_END);
}

static void test_a_malformed_line_says_whether_its_batch_goes_on(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig,
                  IN_BATCH(1) "order_new side=by more=1\n"
                              "nonsense more=10\n" ORDER(2) "nonsense more=1 ",
                  NULL);
    expect_more(rig, 1, true);
    expect_bad(rig, ":2:", "");
    assert_int_equal(rig->command.header.more, 1);
    expect_bad(rig, ":3:", "");
    assert_int_equal(rig->command.header.more, 0);
    expect_more(rig, 4, false);
    expect_bad(rig, ":5:", "");
    assert_int_equal(rig->command.header.more, 1);
    expect_bad(rig, ":5:1: ", "has no end");
    assert_int_equal(rig_next(rig), SOURCE_END);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_number_of_a_line_is_that_of_its_request),
        TEST(test_an_instrument_to_try_with_is_set_up),
        TEST(test_what_only_operators_may_send_goes_to_their_session),
        TEST(test_a_line_without_time_has_that_of_the_line_before),
        TEST(test_lines_cut_out_of_a_dump_are_numbered_anew),
        TEST(test_malformed_lines_are_told_with_line_and_column),
        TEST(test_random_bytes_spoil_no_other_line),
        TEST(test_a_first_line_that_is_too_long_is_a_malformed_one),
        TEST(test_resuming_goes_on_behind_the_last_line_of_either_session),
        TEST(test_standard_input_goes_on_counting),
        TEST(test_a_whole_dump_is_taken_as_it_is),
        TEST(test_a_hole_in_a_dump_is_told_once),
        TEST(test_a_dump_can_come_through_a_pipe),
        TEST(test_more_says_that_the_next_line_is_of_the_same_batch),
        TEST(test_a_batch_without_an_end_is_told_where_it_begins),
        TEST(test_a_malformed_line_says_whether_its_batch_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
