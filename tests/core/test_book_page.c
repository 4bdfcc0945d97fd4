/* docs/book.md: what it shows is so, and it shows everything there is. */
#include "tests/core/book_page.h"

static struct book_reader page;

static int play_page(void **state)
{
    (void)state;
    char *text = page_load(MR_BOOK_PAGE);
    bool holds = book_page_holds(&page, text);
    free(text);
    if (!holds)
        print_error("%s: %s\n", MR_BOOK_PAGE, page.page.error);
    return 0;
}

static void every_example_of_the_page_is_so(void **state)
{
    (void)state;
    assert_string_equal(page.page.error, "");
    assert_true(page.page.blocks >= 40);
    assert_true(page.page.commands >= 200);
}

/* -- It shows everything. ---------------------------------------------------------------------- */

static void every_reason_has_an_example(void **state)
{
    (void)state;
    const struct mr_catalog *catalog = mr_logic_book.catalog;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < catalog->reason_count; i++) {
        if (!page.reasons[catalog->reasons[i].code]) {
            print_error("no example is rejected with %s\n", catalog->reasons[i].name);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static void every_cause_of_a_cancellation_has_an_example(void **state)
{
    (void)state;
    for (uint32_t cause = 0; cause <= MR_BOOK_CANCEL_BLOCKED; cause++) {
        if (!page.causes[cause])
            fail_msg("no example has an order cancelled with cause %u", cause);
    }
}

static void every_command_and_event_has_an_example(void **state)
{
    (void)state;
    const struct mr_catalog *catalog = mr_logic_book.catalog;
    for (uint32_t i = 0; i < catalog->command_count; i++) {
        if (!page.command_types[catalog->commands[i].type])
            fail_msg("no example has %s", catalog->commands[i].name);
    }
    for (uint32_t i = 0; i < catalog->event_count; i++) {
        if (!page.event_types[catalog->events[i].type])
            fail_msg("no example has %s", catalog->events[i].name);
    }
}

/* Its table of reasons names each one, with its link to a heading. */
static void the_table_of_reasons_is_whole(void **state)
{
    (void)state;
    const struct mr_catalog *catalog = mr_logic_book.catalog;
    const char *names[256];
    char *text = page_load(MR_BOOK_PAGE);
    assert_in_range(catalog->reason_count, 1, 256);
    for (uint32_t i = 0; i < catalog->reason_count; i++)
        names[i] = catalog->reasons[i].name;
    page_assert_table(text, "\n## Reasons\n", names, catalog->reason_count);
    free(text);
}

/* -- And a page that is wrong is found. -------------------------------------------------------- */

#define BLOCK(text) "A page.\n\n```book\n" text "```\n"
#define SELLER      "+ order_new order=1 side=sell price=100 quantity=5\n"
#define BUYER       "> order_new order=2 side=buy price=100 quantity=3\n"

static const struct {
    const char *page, *error;
} wrong[] = {
    {"A page.\n", "line 1: there are no examples"},
    {BLOCK(""), "line 4: there are no examples"},
    {BLOCK("new book\n"), "line 5: there are no examples"},
    {"```\nnew book\n" BUYER "```\n", "line 4: there are no examples"},
    {"```book\nnew book\n" SELLER, "line 3: the block of line 1 does not end"},
    {"```text\nnew book\n" SELLER, "line 3: the block of line 1 does not end"},
    {BLOCK(SELLER), "line 4: there is no book yet: begin with `new book`"},
    {BLOCK("= empty\n"), "line 4: there is no book yet: begin with `new book`"},
    {BLOCK("trade\n"), "line 4: there is no such event: nothing more came out"},
    {BLOCK("new books\n"), "line 4: 'new' is no event of the catalog"},
    {BLOCK("new book lots=1\n"), "line 4: 'lots' is no key of instrument_define"},
    {BLOCK("new book config.fills_max=0\n"), "line 4: no book can have this configuration"},
    {BLOCK("new book price_min=2000\n"), "line 4: the instrument is rejected: bad_range"},
    {BLOCK("new book\n> order_knew order=1\n"), "line 5: 'order_knew' is no command"},
    {BLOCK("new book\n> order_new order=1 side=by\n"), "line 5: side: 'by' is none of"},
    {BLOCK("new book\n> order_new order=#1 side=buy\n"), "line 5: 'order=#1' is no raw value"},
    {BLOCK("new book\n> tick time=5\n> tick time=4\n"), "line 6: time does not go back"},
    {BLOCK("new book\n" SELLER BUYER "order_accepted\n"),
     "line 8: before it, this came out, too: "},
    {BLOCK("new book\n" SELLER BUYER SELLER), "line 7: before it, this came out, too: "},
    {BLOCK("new book\n" SELLER BUYER "= empty\n"), "line 7: before it, this came out, too: "},
    {BLOCK("new book\n" SELLER BUYER "trade\n"), "line 7: came out instead: order_accepted "},
    {BLOCK("new book\n" SELLER BUYER "order_accepted\ntrade\ntrade\n"),
     "line 9: there is no such event: nothing more came out"},
    {BLOCK("new book\n" SELLER BUYER "order_accepted\ntrade maker=2\n"),
     "line 8: 'maker=2' is not so: trade "},
    {BLOCK("new book\n" SELLER BUYER "order_accepted\ntrade makers=1\n"),
     "line 8: 'makers' is no key of trade"},
    {BLOCK("new book\n" SELLER BUYER "order_accepted\ntrade\n= sell 100 1:3\n"),
     "line 9: the book is otherwise: = sell 100 1:2"},
    {BLOCK("new book\n" SELLER "= sell 100 1:5\n= empty\n"), "line 7: the book has no more levels"},
    {BLOCK("new book\n" SELLER "+ order_new order=2 side=buy price=9 quantity=1\n"
           "= sell 100 1:5\n"),
     "line 8: before it, the picture lacks: = buy 9 2:1"},
    {BLOCK("new book\n" SELLER "= sell 100 1:5\ntrade\n"), "line 7: an event behind a picture"},
    {BLOCK("new book\n" SELLER SELLER), "line 6: is rejected: duplicate_order"},
    {BLOCK("new book\n" SELLER "+ order_new order=2 side=buy price=100 quantity=3\n"),
     "line 6: a command that is not looked at causes one event, not 2"},
};

static void a_page_that_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    static struct book_reader other;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bool holds = book_page_holds(&other, wrong[i].page);
        if (holds || strncmp(other.page.error, wrong[i].error, strlen(wrong[i].error)) != 0)
            fail_msg("of the page\n%s\nis said '%s', not '%s'", wrong[i].page, other.page.error,
                     wrong[i].error);
    }
}

static void a_page_that_is_right_is_not_found_fault_with(void **state)
{
    (void)state;
    static struct book_reader other;
    bool holds = book_page_holds(
        &other,
        "```\nnot looked at\n```\n" BLOCK(
            "new book lot=1 config.fills_max=2\n\n" SELLER "# a comment\n" BUYER
            "order_accepted order=2 price=100\n"
            "trade maker=1 taker=2\n=  sell   100  1:2\n") "Text.\n" BLOCK("> order_cancel "
                                                                           "order=1\norder_"
                                                                           "cancelled\n= empty\n"));
    assert_string_equal(other.page.error, "");
    assert_true(holds);
    assert_int_equal(other.page.blocks, 2);
    assert_int_equal(other.page.commands, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_that_is_wrong_is_told_with_its_line),
        cmocka_unit_test(a_page_that_is_right_is_not_found_fault_with),
        cmocka_unit_test(every_example_of_the_page_is_so),
        cmocka_unit_test(every_reason_has_an_example),
        cmocka_unit_test(every_cause_of_a_cancellation_has_an_example),
        cmocka_unit_test(every_command_and_event_has_an_example),
        cmocka_unit_test(the_table_of_reasons_is_whole),
    };
    return cmocka_run_group_tests(tests, play_page, NULL);
}
