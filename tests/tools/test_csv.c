#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tools/csv.h"

static struct csv_field field(const char *text)
{
    return (struct csv_field){text, strlen(text)};
}

static void test_a_line_is_split_at_every_comma(void **state)
{
    (void)state;
    struct csv_field fields[3];
    assert_int_equal(csv_split("a,,bc", 5, fields, 3), 3);
    assert_true(csv_is(fields[0], "a"));
    assert_true(csv_is(fields[1], ""));
    assert_true(csv_is(fields[2], "bc"));
    assert_int_equal(csv_split("", 0, fields, 3), 1);
    assert_true(csv_is(fields[0], ""));
    assert_int_equal(csv_split(",", 1, fields, 3), 2);
    assert_int_equal(csv_split("1,2,3,4,5", 9, fields, 3), 5);
    assert_true(csv_is(fields[2], "3"));
}

static void test_a_number_is_digits_and_nothing_else(void **state)
{
    (void)state;
    uint64_t value;
    assert_true(csv_u64(field("0"), &value) && value == 0);
    assert_true(csv_u64(field("007"), &value) && value == 7);
    assert_true(csv_u64(field("18446744073709551615"), &value) && value == UINT64_MAX);
    static const char *const wrong[] = {"",  "-1", "+1", " 1",  "1 ",
                                        "x", "1x", "1.", "0x1", "18446744073709551616"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(csv_u64(field(wrong[i]), &value));
    assert_false(csv_u64((struct csv_field){"1\0002", 3}, &value));
}

static void test_a_decimal_is_exact_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } right[] = {{"236.47", 23647}, {"236.4", 23640}, {"236", 23600},
                 {"0.01", 1},       {"0", 0},         {"184467440737095516.15", UINT64_MAX}};
    uint64_t value;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_true(csv_decimal(field(right[i].text), 2, &value));
        assert_int_equal(value, right[i].value);
    }
    static const char *const wrong[] = {"",
                                        ".",
                                        "1.",
                                        ".5",
                                        "1.234",
                                        "1.2.3",
                                        "-1",
                                        "1e3",
                                        "1,5",
                                        "1.x",
                                        "1. ",
                                        "--",
                                        "1.-1",
                                        "184467440737095516.16",
                                        "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(csv_decimal(field(wrong[i]), 2, &value));
    assert_true(csv_decimal(field("12"), 0, &value) && value == 12);
    assert_false(csv_decimal(field("12.0"), 0, &value));
}

static void test_what_is_shown_is_short_and_printable(void **state)
{
    (void)state;
    char text[CSV_SHOW_SIZE];
    assert_string_equal(csv_show((struct csv_field){"a\0\x1b\xffz", 5}, text), "a???z");
    char large[100];
    memset(large, 'x', sizeof large);
    csv_show((struct csv_field){large, sizeof large}, text);
    assert_int_equal(strlen(text), CSV_SHOW_SIZE - 1);
    assert_string_equal(text + CSV_SHOW_SIZE - 5, "x...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_split_at_every_comma),
        cmocka_unit_test(test_a_number_is_digits_and_nothing_else),
        cmocka_unit_test(test_a_decimal_is_exact_or_refused),
        cmocka_unit_test(test_what_is_shown_is_short_and_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
