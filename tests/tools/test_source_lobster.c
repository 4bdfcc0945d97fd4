#include "tests/tools/source_rig.h"

#include "tools/executions.h"
#include "tools/lobster.h"
#include "tools/order_map.h"

#include <regex.h>

#define NEW(id, size)     "34200.004241176,1," #id "," #size ",5853300,1\n"
#define REDUCE(id, size)  "34200.1,2," #id "," #size ",5853300,1\n"
#define DELETE(id, size)  "34200.2,3," #id "," #size ",5853300,1\n"
#define EXECUTE(id, size) "34200.3,4," #id "," #size ",5853300,1\n"

static int open_dated(struct rig *rig, const char *date, const char *format)
{
    const struct source_options options = {
        .input = rig->path,
        .format = format,
        .date = date,
        .logic = &mr_logic_book,
        .session = SESSION_IMPORTER,
        .role = MR_ROLE_USER,
    };
    rig_close(rig);
    memset(&rig->error, 0, sizeof rig->error);
    return source_open(&options, &rig->source, &rig->error);
}

static const struct mr_command *expect_command(struct rig *rig, uint16_t type, uint64_t request)
{
    enum source_outcome outcome = rig_next(rig);
    if (outcome == SOURCE_BAD || outcome == SOURCE_FAILED)
        fail_msg("%s", rig->error.text);
    assert_int_equal(outcome, SOURCE_COMMAND);
    const struct mr_command *command = &rig->command.header;
    bool phase = type == MR_BOOK_PHASE_SET;
    assert_int_equal(command->type, type);
    assert_int_equal(command->request, phase ? request + 1 : request);
    assert_int_equal(command->session, phase ? SESSION_OPERATOR : SESSION_IMPORTER);
    assert_int_equal(command->role, phase ? MR_ROLE_OPERATOR : MR_ROLE_USER);
    assert_int_equal(command->version, 0);
    assert_int_equal(command->sequence, 0);
    assert_int_equal(command->cause, 0);
    return command;
}

static void expect_order(struct rig *rig, uint64_t request, struct mr_book_order_new wanted,
                         uint64_t correlation)
{
    const struct mr_command *command = expect_command(rig, MR_BOOK_ORDER_NEW, request);
    wanted.instrument = 1;
    assert_int_equal(command->length, MR_COMMAND_HEADER + sizeof wanted);
    assert_int_equal(command->correlation, correlation);
    assert_memory_equal(rig_body(rig), &wanted, sizeof wanted);
}

static void expect_reduction(struct rig *rig, uint64_t request, uint64_t order, uint64_t total)
{
    const struct mr_book_order_replace wanted = {.order = order,
                                                 .price = 5853300,
                                                 .quantity = total,
                                                 .instrument = 1,
                                                 .basis = MR_BOOK_BASIS_TOTAL};
    expect_command(rig, MR_BOOK_ORDER_REPLACE, request);
    assert_memory_equal(rig_body(rig), &wanted, sizeof wanted);
}

static void expect_cancel(struct rig *rig, uint64_t request, uint64_t order)
{
    const struct mr_book_order_cancel wanted = {.order = order, .instrument = 1};
    expect_command(rig, MR_BOOK_ORDER_CANCEL, request);
    assert_memory_equal(rig_body(rig), &wanted, sizeof wanted);
}

static void test_a_new_order_rests_until_it_is_filled_or_deleted(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, "34200.004241176,1,16113575,18,5853300,1\n34200,1,7,3,5860000,-1\n",
                  "lobster");
    assert_string_equal(rig->source->kind, "lobster");
    assert_int_equal(rig->source->clock, MR_CLOCK_INPUT);
    assert_int_equal(rig->source->total, 2);
    expect_order(rig, 1,
                 (struct mr_book_order_new){
                     .order = 16113575, .price = 5853300, .quantity = 18, .side = MR_BOOK_SIDE_BUY},
                 0);
    assert_int_equal(rig->command.header.time_ns, UINT64_C(34200004241176));
    expect_order(rig, 2,
                 (struct mr_book_order_new){
                     .order = 7, .price = 5860000, .quantity = 3, .side = MR_BOOK_SIDE_SELL},
                 0);
    assert_int_equal(rig->command.header.time_ns, UINT64_C(34200000000000));
    assert_int_equal(rig_next(rig), SOURCE_END);
}

/* What was executed meanwhile makes no difference to the total. */
static void test_a_partial_cancel_reduces_what_was_ordered_in_all(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, NEW(8, 100) REDUCE(8, 30) EXECUTE(8, 20) REDUCE(8, 10) DELETE(8, 40), NULL);
    expect_command(rig, MR_BOOK_ORDER_NEW, 1);
    expect_reduction(rig, 2, 8, 70);
    expect_command(rig, MR_BOOK_ORDER_NEW, 3);
    expect_reduction(rig, 4, 8, 60);
    expect_cancel(rig, 5, 8);
    assert_int_equal(rig_next(rig), SOURCE_END);
}

static void test_a_partial_cancel_of_all_that_is_left_is_a_cancel(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, NEW(8, 100) EXECUTE(8, 60) REDUCE(8, 40) NEW(9, 5) REDUCE(9, 6), NULL);
    expect_command(rig, MR_BOOK_ORDER_NEW, 1);
    expect_command(rig, MR_BOOK_ORDER_NEW, 2);
    expect_cancel(rig, 3, 8);
    expect_command(rig, MR_BOOK_ORDER_NEW, 4);
    expect_cancel(rig, 5, 9);
}

static void test_what_is_unknown_is_sent_too_and_left_to_the_book(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, REDUCE(5, 30) DELETE(6, 30), NULL);
    expect_reduction(rig, 1, 5, 30);
    expect_cancel(rig, 2, 6);
}

static void test_an_execution_is_an_ioc_order_of_the_other_side(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, NEW(8, 100) EXECUTE(8, 60) "34201.5,4,3,7,5860000,-1\n", NULL);
    expect_command(rig, MR_BOOK_ORDER_NEW, 1);
    expect_order(rig, 2,
                 (struct mr_book_order_new){.order = EXECUTION_FIRST + 2,
                                            .price = 5853300,
                                            .quantity = 60,
                                            .side = MR_BOOK_SIDE_SELL,
                                            .tif = MR_BOOK_TIF_IOC},
                 8);
    expect_order(rig, 3,
                 (struct mr_book_order_new){.order = EXECUTION_OF_EARLIER + 3,
                                            .price = 5860000,
                                            .quantity = 7,
                                            .side = MR_BOOK_SIDE_BUY,
                                            .tif = MR_BOOK_TIF_IOC},
                 3);
}

/* An id that comes again after its order ended is another order. */
static void test_an_order_is_earlier_only_if_the_file_has_not_entered_it(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, EXECUTE(8, 1) NEW(8, 2) EXECUTE(8, 1) EXECUTE(8, 1) EXECUTE(8, 1), NULL);
    static const uint64_t bases[] = {EXECUTION_OF_EARLIER, 0, EXECUTION_FIRST, EXECUTION_FIRST,
                                     EXECUTION_OF_EARLIER};
    for (uint64_t line = 1; line <= 5; line++) {
        expect_command(rig, MR_BOOK_ORDER_NEW, line);
        const struct mr_book_order_new *order = rig_body(rig);
        assert_int_equal(order->order, line == 2 ? 8 : bases[line - 1] + line);
    }
}

static void test_hidden_executions_and_crosses_are_only_counted(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig,
                  "1.5,5,0,100,5857900,-1\n1.6,6,-1,1234,5853300,-1\n" NEW(
                      1, 1) "1.7,5,0,1,5857900,1\n1.8,7,0,0,0,-1\n",
                  NULL);
    expect_command(rig, MR_BOOK_ORDER_NEW, 3);
    assert_int_equal(rig_next(rig), SOURCE_END);
    const struct execution_counts *counts = &rig->source->executions->counts;
    assert_int_equal(counts->hidden, 2);
    assert_int_equal(counts->crosses, 1);
    assert_int_equal(counts->quotes_resumed, 1);
    assert_int_equal(counts->halts + counts->resumes, 0);
}

static void test_the_operator_halts_and_resumes(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, "1,7,0,0,-1,-1\n2,7,0,0,0,-1\n3,7,0,0,1,-1\n", NULL);
    static const uint8_t phases[] = {MR_BOOK_PHASE_HALTED, MR_BOOK_PHASE_CONTINUOUS};
    for (uint64_t i = 0; i < 2; i++) {
        expect_command(rig, MR_BOOK_PHASE_SET, 1 + 2 * i);
        const struct mr_book_phase_set wanted = {.instrument = 1, .phase = phases[i]};
        assert_memory_equal(rig_body(rig), &wanted, sizeof wanted);
    }
    assert_int_equal(rig_next(rig), SOURCE_END);
    assert_int_equal(rig->source->executions->counts.halts, 1);
    assert_int_equal(rig->source->executions->counts.resumes, 1);
}

static void test_the_instrument_has_four_decimals(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, NEW(1, 1), NULL);
    assert_int_equal(rig->source->setup_count, 1);
    const struct mr_command *command = rig->source->setup[0];
    assert_int_equal(command->type, MR_BOOK_INSTRUMENT_DEFINE);
    assert_int_equal(command->length, MR_COMMAND_HEADER + sizeof(struct mr_book_instrument_define));
    assert_int_equal(command->session, SESSION_OPERATOR);
    assert_int_equal(command->request, 1);
    const struct mr_book_instrument_define *define = mr_command_body(command);
    assert_string_equal(define->symbol, "LOBSTER");
    assert_int_equal(define->price_decimals, 4);
    assert_int_equal(define->phase, MR_BOOK_PHASE_CONTINUOUS);
}

/* -- Dates. ------------------------------------------------------------------------------------ */

static void test_dates_are_days_since_1970(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t days;
    } dates[] = {{"1970-01-01", 0},     {"1970-12-31", 364},   {"1972-02-29", 789},
                 {"2000-03-01", 11017}, {"2012-06-21", 15512}, {"2100-03-01", 47541},
                 {"2553-12-31", 213301}};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        uint64_t time_ns;
        if (!lobster_date(dates[i].text, &time_ns))
            fail_msg("%s", dates[i].text);
        assert_int_equal(time_ns, dates[i].days * UINT64_C(86400000000000));
    }
    static const char *const bad[] = {
        "",           "2012-6-21",  "2012-06-2",  "2012-06-211", "1969-12-31", "2012-13-01",
        "2012-00-01", "2012-01-00", "2011-02-29", "2100-02-29",  "2012/06/21", "2012-06-31",
        "2554-01-01", "-012-06-21", "2012-0a-21", "20120621",    "2012-06-21 "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t time_ns;
        if (lobster_date(bad[i], &time_ns))
            fail_msg("'%s' is taken", bad[i]);
    }
}

static void test_times_are_of_the_day_that_is_asked_for(void **state)
{
    struct rig *rig = *state;
    static const char text[] = "34200.000000001,1,1,1,1,1\n86400,1,2,1,1,1\n";
    rig_write(rig, text, strlen(text));
    assert_int_equal(open_dated(rig, "2012-06-21", "lobster"), MR_OK);
    expect_command(rig, MR_BOOK_ORDER_NEW, 1);
    assert_int_equal(rig->command.header.time_ns, UINT64_C(1340271000000000001));
    expect_command(rig, MR_BOOK_ORDER_NEW, 2);
    assert_int_equal(rig->command.header.time_ns, UINT64_C(1340323200000000000));
    struct mr_digest dated = rig->source->fingerprint;
    assert_int_equal(open_dated(rig, "2012-06-22", NULL), MR_OK);
    assert_false(mr_digest_equal(dated, rig->source->fingerprint));
    assert_int_equal(open_dated(rig, "2012-06-21", NULL), MR_OK);
    assert_true(mr_digest_equal(dated, rig->source->fingerprint));
    assert_int_equal(open_dated(rig, NULL, NULL), MR_OK);
    struct mr_digest undated = rig->source->fingerprint;
    assert_int_equal(open_dated(rig, "1970-01-01", NULL), MR_OK);
    assert_true(mr_digest_equal(undated, rig->source->fingerprint));
    assert_int_equal(open_dated(rig, "June 21", NULL), MR_E_INVALID);
    assert_non_null(strstr(rig->error.text, "YYYY-MM-DD"));
    rig_write(rig, "# text\n", 7);
    assert_int_equal(open_dated(rig, "2012-06-21", NULL), MR_E_INVALID);
    assert_non_null(strstr(rig->error.text, "format lobster"));
}

/* -- Malformed lines. -------------------------------------------------------------------------- */

static void test_malformed_lines_are_told_with_file_line_and_field(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *line, *reason;
    } lines[] = {
        {"", "6 columns"},
        {"1.5,1,2,3,4", "6 columns"},
        {"1.5,1,2,3,4,1,", "6 columns"},
        {"1.5,1,2,3,4,1,null", "6 columns"},
        {"1.5,1,2,3,4,1\r", "CR LF"},
        {"Time,Type,OrderID,Size,Price,Direction",
         "column 1: the time is not seconds with at most 9 decimals: Time"},
        {"-1.5,1,2,3,4,1", "column 1: the time is not"},
        {"1.,1,2,3,4,1", "column 1: the time is not"},
        {".5,1,2,3,4,1", "column 1: the time is not"},
        {"1.0123456789,1,2,3,4,1", "at most 9 decimals: 1.0123456789"},
        {"3.42e4,1,2,3,4,1", "column 1: the time is not"},
        {"18446744074,1,2,3,4,1", "column 1: the time is not"},
        {"1.5,0,2,3,4,1", "column 2: the type is not 1 to 7: 0"},
        {"1.5,8,2,3,4,1", "column 2: the type is not 1 to 7: 8"},
        {"1.5,,2,3,4,1", "column 2: the type is not"},
        {"1.5,01,2,3,4,1", "column 2: the type is not"},
        {"1.5,1,,3,4,1", "column 3: the order id is not"},
        {"1.5,1,-2,3,4,1", "column 3: the order id is not a whole number below 2^63: -2"},
        {"1.5,4,9223372036854775808,3,4,1", "column 3: the order id is not"},
        {"1.5,5,x,3,4,1", "column 3: the order id is not a whole number: x"},
        {"1.5,1,2,0,4,1", "column 4: the size is not a whole number above 0: 0"},
        {"1.5,2,2,1.5,4,1", "column 4: the size is not"},
        {"1.5,3,2,-3,4,1", "column 4: the size is not"},
        {"1.5,6,-1,,4,1", "column 4: the size is not a whole number"},
        {"1.5,1,2,3,0,1", "column 5: the price is not a whole number above 0: 0"},
        {"1.5,1,2,3,-1,1", "column 5: the price is not"},
        {"1.5,1,2,3,9223372036854775808,1", "column 5: the price is not"},
        {"1.5,7,0,0,2,-1", "column 5: the price of a halt is not -1, 0 or 1: 2"},
        {"1.5,7,0,0,-01,-1", "column 5: the price of a halt is not"},
        {"1.5,1,2,3,4,0", "column 6: the direction is not 1 or -1: 0"},
        {"1.5,1,2,3,4,buy", "column 6: the direction is not 1 or -1: buy"},
        {"1.5,1,2,3,4,1 ", "column 6: the direction is not"},
        {"1.5,5,0,3,4,", "column 6: the direction is not a whole number"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, NEW(1, 1) "%s\n" NEW(2, 1), lines[i].line);
        rig_open_text(rig, text, "lobster");
        expect_command(rig, MR_BOOK_ORDER_NEW, 1);
        assert_int_equal(rig_next(rig), SOURCE_BAD);
        char place[PATH_MAX + 32];
        (void)snprintf(place, sizeof place, "%s:2: ", rig->path);
        if (strncmp(rig->error.text, place, strlen(place)) != 0 ||
            strstr(rig->error.text, lines[i].reason) == NULL)
            fail_msg("not '%s': %s", lines[i].reason, rig->error.text);
        expect_command(rig, MR_BOOK_ORDER_NEW, 3);
        assert_int_equal(rig_next(rig), SOURCE_END);
    }
}

static void test_zero_bytes_and_cut_lines_are_malformed(void **state)
{
    struct rig *rig = *state;
    static const char zeros[] = NEW(1, 1) "1.5,1,2\0,3,4,1\n1.5,1,2,3,4,-";
    rig_write(rig, zeros, sizeof zeros - 1);
    assert_int_equal(rig_open(rig, NULL, NULL), MR_OK);
    expect_command(rig, MR_BOOK_ORDER_NEW, 1);
    assert_int_equal(rig_next(rig), SOURCE_BAD);
    assert_int_equal(rig_next(rig), SOURCE_BAD);
    assert_non_null(strstr(rig->error.text, "the direction is not 1 or -1: -"));
    assert_int_equal(rig_next(rig), SOURCE_END);
}

/* Up to three bytes of a good line are changed, added or removed. */
static size_t mutate(char *line, struct mr_random *random)
{
    static const char alphabet[] = "0123456789,,..-+ \r\tex\xff";
    static const char *const goods[] = {
        "342.0042,1,161135,18,585330,1", "34200.1,4,16,5,585340,-1", "1,7,0,0,-1,-1",
        "57.00001,6,-1,99,585330,-1",    "34200.27,5,0,3,585900,1",  "34,2,1,1,1,1",
    };
    const char *good = goods[mr_random_below(random, 6)];
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
    line[length] = 0;
    return length;
}

/* What docs/import-lobster.md calls well-formed, said differently. */
static void test_random_lines_are_taken_exactly_when_they_are_well_formed(void **state)
{
    (void)state;
    enum { LINES = 50000 };
    struct mr_random random;
    regex_t form;
    uint64_t goods = 0;
    mr_random_init(&random, rig_seed());
    assert_int_equal(regcomp(&form,
                             "^[0-9]+([.][0-9]{1,9})?,"
                             "([1-4],[0-9]+,0*[1-9][0-9]*,0*[1-9][0-9]*,-?1"
                             "|[56],-?[0-9]+,-?[0-9]+,-?[0-9]+,-?[0-9]+"
                             "|7,-?[0-9]+,-?[0-9]+,(-1|0|1),-?[0-9]+)$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    for (int i = 0; i < LINES; i++) {
        char line[64];
        size_t length = mutate(line, &random);
        struct lobster_row row;
        struct lobster_flaw flaw;
        bool good = regexec(&form, line, 0, NULL, 0) == 0;
        goods += good;
        if (lobster_parse(line, length, &row, &flaw) != good)
            fail_msg("'%s' is %s", line, good ? flaw.reason : "taken");
    }
    printf("%" PRIu64 " of %d were well-formed\n", goods, LINES);
    assert_true(goods > LINES / 10 && goods < LINES * 9 / 10);
    regfree(&form);
}

/* -- The file as a whole. ---------------------------------------------------------------------- */

static void test_the_format_is_told_from_the_first_line(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, NEW(1, 1), NULL);
    assert_string_equal(rig->source->kind, "lobster");
    rig_open_text(rig, "1.5,9,2,3,4,1\n", NULL);
    assert_string_equal(rig->source->kind, "text");
    rig_open_text(rig, "", "lobster");
    assert_int_equal(rig->source->total, 0);
    assert_int_equal(rig_next(rig), SOURCE_END);
    assert_int_equal(rig_open(rig, "-", "lobster"), MR_E_INVALID);
    assert_non_null(strstr(rig->error.text, "format lobster needs a file"));
    struct mr_logic other = {.name = "counter"};
    const struct source_options options = {
        .input = rig->path, .format = "lobster", .logic = &other, .role = MR_ROLE_USER};
    assert_int_equal(source_open(&options, &rig->source, &rig->error), MR_E_INVALID);
    assert_non_null(strstr(rig->error.text, "counter"));
}

/* Everything that a source yields from here on, as bytes. */
static size_t rest_of(struct rig *rig, unsigned char *bytes, size_t size)
{
    size_t used = 0;
    enum source_outcome outcome;
    while ((outcome = rig_next(rig)) == SOURCE_COMMAND || outcome == SOURCE_BAD) {
        size_t length = outcome == SOURCE_BAD ? 1 : rig->command.header.length;
        assert_true(used + length <= size);
        memcpy(bytes + used, outcome == SOURCE_BAD ? "!" : (const char *)rig->command.bytes,
               length);
        used += length;
    }
    assert_int_equal(outcome, SOURCE_END);
    return used;
}

/* Line numbers are request numbers; those of the operator are one more, for the set-up. */
static void test_resuming_goes_on_behind_any_line_and_knows_what_was_before(void **state)
{
    struct rig *rig = *state;
    static const char text[] = NEW(1, 100) "1,7,0,0,-1,-1\n" REDUCE(1, 10) "bad\n" EXECUTE(
        1, 20) "2,7,0,0,1,-1\n"
               "3,5,0,1,1,1\n" REDUCE(1, 10) EXECUTE(1, 60) EXECUTE(1, 1) NEW(1, 5) REDUCE(1, 5);
    enum { LINES = 12, HALTED = 2, RESUMED = 6 };
    static unsigned char straight[4096], resumed[4096];
    for (uint64_t last = 0; last <= LINES; last++) {
        rig_open_text(rig, text, NULL);
        for (uint64_t line = 1; line <= last; line++) {
            if (line != 7)
                (void)rig_next(rig);
        }
        size_t size = rest_of(rig, straight, sizeof straight);
        uint64_t hidden = rig->source->executions->counts.hidden;
        bool operated = last == HALTED || last == RESUMED;
        rig_open_text(rig, text, NULL);
        rig->source->operator_last = last < HALTED ? 1 : last < RESUMED ? HALTED + 1 : RESUMED + 1;
        if (last > 0)
            assert_int_equal(
                rig->source->calls->resume(rig->source, operated ? last - 1 : last, &rig->error),
                MR_OK);
        assert_int_equal(rest_of(rig, resumed, sizeof resumed), size);
        assert_memory_equal(straight, resumed, size);
        assert_int_equal(rig->source->executions->counts.hidden, hidden);
    }
    rig_open_text(rig, text, NULL);
    assert_int_equal(rig->source->calls->resume(rig->source, LINES + 1, &rig->error),
                     MR_E_MISMATCH);
}

static void test_a_halt_alone_is_resumed_behind(void **state)
{
    struct rig *rig = *state;
    rig_open_text(rig, "1,7,0,0,-1,-1\n" NEW(1, 1), NULL);
    rig->source->operator_last = 2; /* and the importer has sent nothing yet */
    expect_command(rig, MR_BOOK_ORDER_NEW, 2);
}

/* -- What is remembered of orders. ------------------------------------------------------------- */

/* Against an array that is searched through. */
static void test_the_map_of_orders_keeps_what_is_put_into_it(void **state)
{
    (void)state;
    enum { KEYS = 3000, STEPS = 200000 };
    static uint64_t open[KEYS];
    struct order_map map = {0};
    struct mr_random random;
    uint64_t count = 0;
    mr_random_init(&random, rig_seed());
    memset(open, 0, sizeof open);
    for (int i = 0; i < STEPS; i++) {
        uint64_t key = mr_random_below(&random, KEYS);
        uint64_t order = key * UINT64_C(0x0100000000000001);
        struct order_entry *entry = order_map_find(&map, order);
        assert_int_equal(entry == NULL ? 0 : entry->open, open[key]);
        /* It grows in waves, so that it is full and almost empty by turns. */
        if (mr_random_below(&random, 100) < (i / 20000 % 2 == 0 ? 70U : 30U)) {
            uint64_t quantity = 1 + mr_random_below(&random, 1000);
            assert_true(order_map_put(&map, (struct order_entry){order, quantity, 0}));
            count += open[key] == 0;
            open[key] = quantity;
        } else if (entry != NULL) {
            order_map_remove(&map, entry);
            open[key] = 0;
            count--;
        }
        assert_int_equal(map.count, count);
    }
    order_map_free(&map);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_order_rests_until_it_is_filled_or_deleted),
        TEST(test_a_partial_cancel_reduces_what_was_ordered_in_all),
        TEST(test_a_partial_cancel_of_all_that_is_left_is_a_cancel),
        TEST(test_what_is_unknown_is_sent_too_and_left_to_the_book),
        TEST(test_an_execution_is_an_ioc_order_of_the_other_side),
        TEST(test_an_order_is_earlier_only_if_the_file_has_not_entered_it),
        TEST(test_hidden_executions_and_crosses_are_only_counted),
        TEST(test_the_operator_halts_and_resumes),
        TEST(test_the_instrument_has_four_decimals),
        TEST(test_dates_are_days_since_1970),
        TEST(test_times_are_of_the_day_that_is_asked_for),
        TEST(test_malformed_lines_are_told_with_file_line_and_field),
        TEST(test_zero_bytes_and_cut_lines_are_malformed),
        TEST(test_random_lines_are_taken_exactly_when_they_are_well_formed),
        TEST(test_the_format_is_told_from_the_first_line),
        TEST(test_resuming_goes_on_behind_any_line_and_knows_what_was_before),
        TEST(test_a_halt_alone_is_resumed_behind),
        TEST(test_the_map_of_orders_keeps_what_is_put_into_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
