/* The shrinker, with bugs that are put between the book and the comparison. */
#include "tests/core/book_random.h"
#include "tests/core/book_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 4000 };

/* Steps that a book and the naive one take alike. */
static void make_script(struct book_script *script, uint64_t seed, uint32_t steps)
{
    struct book_world world;
    struct book_pair pair;
    struct book_step step;
    printf("MR_SEED=%llu\n", (unsigned long long)seed);
    book_world_open(&world, seed);
    *script = (struct book_script){.setting = world.setting};
    book_pair_open(&pair, &world.setting, true);
    for (uint32_t n = 0; n < steps; n++) {
        book_world_step(&world, &pair.naive, &step);
        book_script_add(script, &step);
        book_pair_step(&pair, &step);
    }
    book_pair_close(&pair);
}

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

/* Bug: orders that expire take an assertion with them. */
static void crash_on_expiry(const struct book_pair *pair, struct book_log *log)
{
    (void)log;
    if (pair->expired > 0)
        abort();
}

static uint32_t count_type(const struct book_script *script, uint8_t type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < script->count; i++)
        count += script->steps[i].request.any.type == type;
    return count;
}

static uint64_t seed_of_test(void)
{
    const char *text = getenv("MR_SEED");
    return text == NULL ? 3 : strtoull(text, NULL, 0);
}

/* A script of a world where the distortion shows, from the seed on. */
static void make_failing_script(struct book_script *script, book_distortion *distortion)
{
    for (uint64_t seed = seed_of_test();; seed++) {
        make_script(script, seed, STEPS);
        assert_int_equal(book_script_play(script), SCRIPT_SAME);
        script->distortion = distortion;
        if (book_script_play(script) != SCRIPT_SAME)
            return;
        book_script_close(script);
    }
}

static void a_difference_shrinks_to_the_steps_that_make_it(void **state)
{
    (void)state;
    struct book_script script;
    make_failing_script(&script, distort_trade);
    uint32_t plays = book_script_shrink(&script);
    printf("%u steps, %u plays\n", script.count, plays);
    book_script_write(&script, stdout);
    assert_int_equal(book_script_play(&script), SCRIPT_DIFFERS);
    /* An instrument, a buyer, and a seller who takes a part; a world where more is asked of them
     * (ticks, phases) may need one command more. */
    assert_int_equal(count_type(&script, MR_BOOK_INSTRUMENT_DEFINE), 1);
    assert_int_equal(count_type(&script, MR_BOOK_ORDER_NEW), 2);
    assert_true(script.count <= 4);
    book_script_close(&script);
}

static void a_crash_shrinks_too(void **state)
{
    (void)state;
    struct book_script script;
    make_failing_script(&script, crash_on_expiry);
    book_script_shrink(&script);
    assert_int_equal(book_script_play(&script), SCRIPT_CRASHES);
    /* An instrument, an order that expires, and anything later. */
    assert_true(script.count <= 4);
    book_script_close(&script);
}

static void what_does_not_fail_is_left_alone(void **state)
{
    (void)state;
    struct book_script script;
    make_script(&script, seed_of_test(), 100);
    assert_int_equal(book_script_shrink(&script), 1);
    assert_int_equal(script.count, 100);
    book_script_close(&script);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct book_script script, again;
    uint32_t line;
    make_script(&script, seed_of_test(), 1000);
    FILE *file = tmpfile();
    assert_non_null(file);
    book_script_write(&script, file);
    rewind(file);
    assert_true(book_script_read(&again, file, &line));
    (void)fclose(file);
    assert_int_equal(again.count, script.count);
    assert_memory_equal(&again.setting.config, &script.setting.config,
                        sizeof(script.setting.config));
    assert_int_equal(again.setting.in_image, script.setting.in_image);
    assert_int_equal(again.setting.timers_max, script.setting.timers_max);
    for (uint32_t i = 0; i < script.count; i++)
        assert_memory_equal(&again.steps[i], &script.steps[i], sizeof(script.steps[i]));
    book_script_close(&script);
    book_script_close(&again);
}

static void a_line_that_is_no_command_is_named(void **state)
{
    (void)state;
    struct book_script script;
    uint32_t line = 0;
    FILE *file = tmpfile();
    assert_non_null(file);
    fprintf(file, "# by hand\norder_cancel order=1 instrument=1\norder_cancle order=1\n");
    rewind(file);
    assert_false(book_script_read(&script, file, &line));
    assert_int_equal(line, 3);
    (void)fclose(file);
    book_script_close(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_difference_shrinks_to_the_steps_that_make_it),
        cmocka_unit_test(a_crash_shrinks_too),
        cmocka_unit_test(what_does_not_fail_is_left_alone),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_line_that_is_no_command_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
