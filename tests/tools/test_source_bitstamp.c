#include "tests/tools/source_rig.h"

#include <regex.h>

#define HEADER "id,timestamp,exchange.timestamp,price,volume,action,direction\n"
#define GOOD   "65595247,1430438404518,1430438404000,236.47,200000000,created,bid\n"

static void expect_command(struct rig *rig, uint16_t type, uint64_t request)
{
    enum source_outcome outcome = rig_next(rig);
    if (outcome == SOURCE_BAD)
        fail_msg("%s", rig->error.text);
    assert_int_equal(outcome, SOURCE_COMMAND);
    const struct mr_command *command = &rig->command.header;
    assert_int_equal(command->type, type);
    assert_int_equal(command->request, request);
    assert_int_equal(command->session, SESSION_IMPORTER);
    assert_int_equal(command->role, MR_ROLE_USER);
    assert_int_equal(command->version, 0);
    assert_int_equal(command->sequence, 0);
    assert_int_equal(command->correlation, 0);
    assert_int_equal(command->cause, 0);
}

static void test_created_enters_a_limit_order(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, HEADER GOOD "7,1430438404519,1,0.5,3,created,ask\n", NULL);
    assert_string_equal(rig->source->kind, "bitstamp");
    assert_int_equal(rig->source->clock, MR_CLOCK_INPUT);
    assert_int_equal(rig->source->total, 2);
    expect_command(rig, MR_BOOK_ORDER_NEW, 2);
    assert_int_equal(rig->command.header.time_ns, UINT64_C(1430438404518000000));
    assert_int_equal(rig->command.header.length,
                     MR_COMMAND_HEADER + sizeof(struct mr_book_order_new));
    const struct mr_book_order_new bid = {.order = 65595247,
                                          .price = 23647,
                                          .quantity = 200000000,
                                          .instrument = 1,
                                          .side = MR_BOOK_SIDE_BUY};
    assert_memory_equal(rig_body(rig), &bid, sizeof bid);
    expect_command(rig, MR_BOOK_ORDER_NEW, 3);
    const struct mr_book_order_new ask = {
        .order = 7, .price = 50, .quantity = 3, .instrument = 1, .side = MR_BOOK_SIDE_SELL};
    assert_memory_equal(rig_body(rig), &ask, sizeof ask);
    assert_int_equal(rig_next(rig), SOURCE_END);
}

static void test_changed_sets_price_and_what_remains(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, HEADER "8,1,1,236.4,178855669,changed,bid\n", NULL);
    expect_command(rig, MR_BOOK_ORDER_REPLACE, 2);
    const struct mr_book_order_replace replace = {.order = 8,
                                                  .price = 23640,
                                                  .quantity = 178855669,
                                                  .instrument = 1,
                                                  .basis = MR_BOOK_BASIS_OPEN};
    assert_memory_equal(rig_body(rig), &replace, sizeof replace);
}

static void test_deleted_cancels_whatever_was_left(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, HEADER "9,1,1,236,0,deleted,ask\n10,1,1,236,5,deleted,bid", NULL);
    for (uint64_t order = 9; order <= 10; order++) {
        expect_command(rig, MR_BOOK_ORDER_CANCEL, order - 7);
        const struct mr_book_order_cancel cancel = {.order = order, .instrument = 1};
        assert_memory_equal(rig_body(rig), &cancel, sizeof cancel);
    }
    assert_int_equal(rig_next(rig), SOURCE_END); /* the last newline may be missing */
}

static void test_the_instrument_is_set_up_first(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, HEADER GOOD, NULL);
    assert_int_equal(rig->source->setup_count, 1);
    const struct mr_command *command = rig->source->setup[0];
    assert_int_equal(command->type, MR_BOOK_INSTRUMENT_DEFINE);
    assert_int_equal(command->session, SESSION_OPERATOR);
    assert_int_equal(command->role, MR_ROLE_OPERATOR);
    assert_int_equal(command->request, 1);
    const struct mr_book_instrument_define *define = mr_command_body(command);
    assert_string_equal(define->symbol, "BTCUSD");
    assert_int_equal(define->price_decimals, 2);
    assert_int_equal(define->quantity_decimals, 8);
}

/* Each line is malformed, for the reason given, and the line behind it is read as though nothing
 * had been. */
static void test_malformed_lines_are_told_with_file_line_and_reason(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *line, *reason;
    } lines[] = {
        {"", "7 columns"},
        {"1,2,3,4.00,5,created", "7 columns"},
        {"1,2,3,4.00,5,created,bid,", "7 columns"},
        {"1,2,3,4.00,5,created,bid\r", "CR LF"},
        {"x,2,3,4.00,5,created,bid", "id is not a whole number: x"},
        {",2,3,4.00,5,created,bid", "id is not"},
        {"-1,2,3,4.00,5,created,bid", "id is not a whole number: -1"},
        {"18446744073709551616,2,3,4.00,5,created,bid", "id is not"},
        {"1,2.5,3,4.00,5,created,bid", "timestamp is not a time in ms: 2.5"},
        {"1,18446744073710,3,4.00,5,created,bid", "timestamp is not"},
        {"1,2,,4.00,5,created,bid", "exchange.timestamp is not"},
        {"1,2,3,4.001,5,created,bid", "price is not a number with at most 2 decimals: 4.001"},
        {"1,2,3,-4.00,5,created,bid", "price is not"},
        {"1,2,3,4e2,5,created,bid", "price is not"},
        {"1,2,3,92233720368547758.08,5,created,bid", "price is not"},
        {"1,2,3,4.00,5.5,created,bid", "volume is not a whole number: 5.5"},
        {"1,2,3,4.00,-5,created,bid", "volume is not"},
        {"1,2,3,4.00,99999999999999999999,created,bid", "volume is not"},
        {"1,2,3,4.00,0,created,bid", "volume of an order that stays is 0"},
        {"1,2,3,4.00,0,changed,bid", "volume of an order that stays is 0"},
        {"1,2,3,4.00,5,Created,bid", "action is not created, changed or deleted: Created"},
        {"1,2,3,4.00,5,,bid", "action is not"},
        {"1,2,3,4.00,5,created,buy", "direction is not bid or ask: buy"},
        {"1,2,3,4.00,5,created,bid ", "direction is not"},
        {"\"1\",2,3,4.00,5,created,bid", "id is not"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, HEADER GOOD "%s\n" GOOD, lines[i].line);
        rig_open_text(rig, text, "bitstamp");
        expect_command(rig, MR_BOOK_ORDER_NEW, 2);
        assert_int_equal(rig_next(rig), SOURCE_BAD);
        char place[PATH_MAX + 32];
        (void)snprintf(place, sizeof place, "%s:3: ", rig->path);
        if (strncmp(rig->error.text, place, strlen(place)) != 0 ||
            strstr(rig->error.text, lines[i].reason) == NULL)
            fail_msg("not '%s': %s", lines[i].reason, rig->error.text);
        expect_command(rig, MR_BOOK_ORDER_NEW, 4);
        assert_int_equal(rig_next(rig), SOURCE_END);
    }
}

/* Up to three bytes of a good line are changed, added or removed; numbers stay small enough. */
static size_t mutate(char *line, struct mr_random *random)
{
    static const char alphabet[] = "0123456789,,..-+ \r\t\"xbidaskcreatedchanged\xff";
    static const char *const goods[] = {
        "65595,143043,143044,236.47,20000,created,bid",
        "7,1,2,0,1,changed,ask",
        "184467,999,0,1.5,0,deleted,bid",
    };
    const char *good = goods[mr_random_below(random, 3)];
    size_t length = strlen(good);
    memcpy(line, good, length + 1);
    for (uint64_t changes = mr_random_below(random, 4); changes > 0; changes--) {
        size_t at = mr_random_below(random, length);
        char byte = alphabet[mr_random_below(random, sizeof alphabet - 1)];
        uint64_t way = mr_random_below(random, 3);
        if (way == 0) {
            line[at] = byte;
        } else if (way == 1) {
            memmove(line + at + 1, line + at, length++ - at);
            line[at] = byte;
        } else {
            memmove(line + at, line + at + 1, --length - at);
        }
    }
    return length;
}

/* What docs/import-bitstamp.md calls well-formed, said differently. */
static void test_random_lines_are_taken_exactly_when_they_are_well_formed(void **state)
{
    struct rig *rig = *state;
    enum { LINES = 20000, ROOM = 100 };
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    regex_t form;
    assert_int_equal(regcomp(&form,
                             "^[0-9]+,[0-9]+,[0-9]+,[0-9]+([.][0-9]{1,2})?,"
                             "([0-9]+,deleted|0*[1-9][0-9]*,(created|changed)),(bid|ask)$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    char *text = malloc(LINES * ROOM);
    bool *good = calloc(LINES, sizeof *good);
    assert_non_null(text);
    assert_non_null(good);
    size_t size = strlen(HEADER);
    memcpy(text, HEADER, size + 1);
    uint64_t goods = 0;
    for (int i = 0; i < LINES; i++) {
        size_t length = mutate(text + size, &random);
        text[size + length] = 0;
        good[i] = regexec(&form, text + size, 0, NULL, 0) == 0;
        goods += good[i];
        size += length;
        text[size++] = '\n';
    }
    rig_write(rig, text, size);
    assert_int_equal(rig_open(rig, NULL, NULL), MR_OK);
    for (int i = 0; i < LINES; i++) {
        enum source_outcome outcome = rig_next(rig);
        if (outcome != (good[i] ? SOURCE_COMMAND : SOURCE_BAD))
            fail_msg("line %d: %s", i + 2, good[i] ? rig->error.text : "taken");
    }
    assert_int_equal(rig_next(rig), SOURCE_END);
    printf("%" PRIu64 " of %d were well-formed\n", goods, LINES);
    assert_true(goods > LINES / 10 && goods < LINES * 9 / 10);
    regfree(&form);
    free(text);
    free(good);
}

static void test_zero_bytes_and_cut_lines_are_malformed(void **state)
{
    struct rig *rig = *state;
    static const char zeros[] = HEADER "1,2,3,4.00,5,crea\0ed,bid\n1,2,3,4.00,5,created,b";
    rig_write(rig, zeros, sizeof zeros - 1);
    assert_int_equal(rig_open(rig, NULL, NULL), MR_OK);
    assert_int_equal(rig_next(rig), SOURCE_BAD);
    assert_int_equal(rig_next(rig), SOURCE_BAD);
    assert_non_null(strstr(rig->error.text, "direction is not bid or ask: b"));
    assert_int_equal(rig_next(rig), SOURCE_END);
}

static void test_the_header_must_be_exact(void **state)
{
    struct rig *rig = *state;
    static const char *const heads[] = {"", "id,timestamp\n", GOOD, " " HEADER,
                                        "id,timestamp,exchange.timestamp,price,volume,action,"
                                        "direction\r\n"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        rig_write(rig, heads[i], strlen(heads[i]));
        assert_int_equal(rig_open(rig, NULL, "bitstamp"), MR_E_INVALID);
        assert_non_null(strstr(rig->error.text, ":1: "));
    }
}

static void test_the_format_is_told_from_the_header(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, HEADER, NULL);
    assert_string_equal(rig->source->kind, "bitstamp");
    rig_open_text(rig, "# nothing\n", NULL);
    assert_string_equal(rig->source->kind, "text");
    rig_write(rig,
              "\xfd"
              "7zXZ\0",
              6);
    assert_int_equal(rig_open(rig, NULL, NULL), MR_E_INVALID);
    assert_non_null(strstr(rig->error.text, "unpack it first: xz -dk"));
    assert_int_equal(rig_open(rig, "-", "bitstamp"), MR_E_INVALID);
    rig_write(rig, HEADER, strlen(HEADER));
    assert_int_equal(rig_open(rig, NULL, "gen"), MR_E_INVALID);
    assert_int_equal(rig_open(rig, NULL, "frobnicate"), MR_E_INVALID);
    assert_non_null(strstr(rig->error.text, "there are text, gen, bitstamp and lobster"));
}

static void test_other_logics_are_refused(void **state)
{
    struct rig *rig = *state;
    struct mr_logic other = {.name = "counter"};
    const struct source_options options = {
        .input = rig->path, .logic = &other, .session = 2, .role = MR_ROLE_USER};
    rig_write(rig, HEADER, strlen(HEADER));
    assert_int_equal(source_open(&options, &rig->source, &rig->error), MR_E_INVALID);
    assert_non_null(strstr(rig->error.text, "counter"));
    assert_null(rig->source);
}

static void test_resuming_goes_on_behind_any_line(void **state)
{
    struct rig *rig = *state;
    rig_write(rig, HEADER GOOD "bad\n" GOOD GOOD, strlen(HEADER GOOD "bad\n" GOOD GOOD));
    for (uint64_t last = 1; last <= 5; last++) {
        assert_int_equal(rig_open(rig, NULL, NULL), MR_OK);
        assert_int_equal(rig->source->calls->resume(rig->source, last, &rig->error), MR_OK);
        for (uint64_t line = last + 1; line <= 5; line++) {
            if (line == 3)
                assert_int_equal(rig_next(rig), SOURCE_BAD);
            else
                expect_command(rig, MR_BOOK_ORDER_NEW, line);
        }
        assert_int_equal(rig_next(rig), SOURCE_END);
    }
    assert_int_equal(rig_open(rig, NULL, NULL), MR_OK);
    assert_int_equal(rig->source->calls->resume(rig->source, 6, &rig->error), MR_E_MISMATCH);
}

static void test_one_changed_byte_changes_the_fingerprint(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, HEADER GOOD, NULL);
    struct mr_digest first = rig->source->fingerprint;
    rig_open_text(rig, HEADER GOOD, NULL);
    assert_true(mr_digest_equal(first, rig->source->fingerprint));
    rig_open_text(rig, HEADER GOOD "\n", NULL);
    assert_false(mr_digest_equal(first, rig->source->fingerprint));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_created_enters_a_limit_order),
        TEST(test_changed_sets_price_and_what_remains),
        TEST(test_deleted_cancels_whatever_was_left),
        TEST(test_the_instrument_is_set_up_first),
        TEST(test_malformed_lines_are_told_with_file_line_and_reason),
        TEST(test_random_lines_are_taken_exactly_when_they_are_well_formed),
        TEST(test_zero_bytes_and_cut_lines_are_malformed),
        TEST(test_the_header_must_be_exact),
        TEST(test_the_format_is_told_from_the_header),
        TEST(test_other_logics_are_refused),
        TEST(test_resuming_goes_on_behind_any_line),
        TEST(test_one_changed_byte_changes_the_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
