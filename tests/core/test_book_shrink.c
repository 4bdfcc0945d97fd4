/* The shrinker, with bugs that are put between the book and the comparison. */
#include "tests/core/book_script.h"
#include "tests/core/fuzz_cases.h"

enum { COMMANDS = 4000 };

/* Bug: what remains of a sold-to maker is one too few. */
static void distort_trade(const struct book_pair *pair, struct book_log *log)
{
    (void)pair;
    for (uint32_t i = 0; i < log->count; i++) {
        struct mr_book_trade *trade = &log->reports[i].report.trade;
        if (log->reports[i].report.any.type == MR_BOOK_TRADE && trade->maker_remaining > 0 &&
            trade->side == MR_BOOK_SIDE_SELL)
            trade->maker_remaining--;
    }
}

static void plant_distorted_trade(void *setting)
{
    ((struct book_setting *)setting)->distortion = distort_trade;
}

/* Bug: orders that expire take an assertion with them. */
static void crash_on_expiry(const struct book_pair *pair, struct book_log *log)
{
    (void)log;
    if (pair->expired > 0)
        abort();
}

static void plant_crash_on_expiry(void *setting)
{
    ((struct book_setting *)setting)->distortion = crash_on_expiry;
}

static uint32_t count_type(const struct fuzz_script *script, uint16_t type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < script->count; i++)
        count += script->commands[i].header.type == type;
    return count;
}

static void a_difference_shrinks_to_the_steps_that_make_it(void **state)
{
    (void)state;
    struct fuzz_script script;
    fuzz_make_failing(&script, &fuzz_book, COMMANDS, plant_distorted_trade);
    uint32_t plays = fuzz_script_shrink(&script);
    printf("%u steps, %u plays\n", script.count, plays);
    fuzz_script_write(&script, stdout);
    assert_int_equal(fuzz_script_play(&script), FUZZ_DIFFERS);
    /* An instrument, a buyer, and a seller who takes a part; a world where more is asked of them
     * (ticks, phases) may need one command more. */
    assert_int_equal(count_type(&script, MR_BOOK_INSTRUMENT_DEFINE), 1);
    assert_int_equal(count_type(&script, MR_BOOK_ORDER_NEW), 2);
    assert_true(script.count <= 4);
    fuzz_script_close(&script);
}

static void a_crash_shrinks_too(void **state)
{
    (void)state;
    struct fuzz_script script;
    fuzz_make_failing(&script, &fuzz_book, COMMANDS, plant_crash_on_expiry);
    fuzz_script_shrink(&script);
    assert_int_equal(fuzz_script_play(&script), FUZZ_CRASHES);
    /* An instrument, an order that expires, and anything later. */
    assert_true(script.count <= 4);
    fuzz_script_close(&script);
}

static void a_line_that_is_no_command_is_named(void **state)
{
    (void)state;
    fuzz_expect_bad_line(&fuzz_book,
                         "# by hand\norder_cancel order=1 instrument=1\norder_cancle order=1\n", 3);
}

int main(void)
{
    struct fuzz_logic logic = fuzz_book; /* a test's state is not const */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_difference_shrinks_to_the_steps_that_make_it),
        cmocka_unit_test(a_crash_shrinks_too),
        cmocka_unit_test_prestate(what_does_not_fail_is_left_alone, &logic),
        cmocka_unit_test_prestate(what_is_written_is_read_again, &logic),
        cmocka_unit_test(a_line_that_is_no_command_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
