/*
 * The option table (tools/options.c).
 */
#include "tools/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEST_OPTIONS(O, tag)                             \
    O(tag, text, data, "DIR", OPTION_REQUIRED, "where")  \
    O(tag, flag, json, NULL, NULL, "how")                \
    O(tag, number, lock_wait, "MS", "5_000", "how long") \
    O(tag, rate, rate, "N/s", NULL, "how fast")          \
    O(tag, choice, on_error, "stop|skip|stopped", "skip", "what then")
OPTIONS_STRUCT(settings, TEST_OPTIONS);

static const struct option table[] = OPTIONS_TABLE(settings, TEST_OPTIONS);
static struct mr_error error;

#define PARSE(settings, ...) parse(settings, (const char *const[]){__VA_ARGS__, NULL})

static int parse(struct settings *settings, const char *const *arguments)
{
    memset(settings, 0, sizeof *settings);
    memset(&error, 0, sizeof error);
    return options_parse(table, OPTIONS_COUNT(TEST_OPTIONS), arguments, settings, &error);
}

static void test_what_is_not_given_has_its_default(void **state)
{
    (void)state;
    struct settings settings;
    assert_int_equal(PARSE(&settings, "--data", "d"), MR_OK);
    assert_string_equal(settings.data, "d");
    assert_false(settings.json);
    assert_int_equal(settings.lock_wait, 5000);
    assert_int_equal(settings.rate, 0);
    assert_int_equal(settings.on_error, 1);
}

static void test_values_come_behind_a_blank_or_an_equals_sign(void **state)
{
    (void)state;
    struct settings settings;
    assert_int_equal(PARSE(&settings, "--data=a=b", "--lock-wait", "1_2_3", "--json",
                           "--on-error=stopped", "--rate", "7/s"),
                     MR_OK);
    assert_string_equal(settings.data, "a=b");
    assert_true(settings.json);
    assert_int_equal(settings.lock_wait, 123);
    assert_int_equal(settings.rate, 7);
    assert_int_equal(settings.on_error, 2);
}

static void test_a_value_may_look_like_an_option(void **state)
{
    (void)state;
    struct settings settings;
    assert_int_equal(PARSE(&settings, "--data", "--json"), MR_OK);
    assert_string_equal(settings.data, "--json");
    assert_false(settings.json);
}

static void test_numbers_are_plain_digits_that_fit(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "-1", "+1", "1.5", "0x10", "1k",
                                      " 1", "1 ", "_1", "1_",  "1__0", "18446744073709551616"};
    struct settings settings;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(PARSE(&settings, "--data", "d", "--lock-wait", bad[i]), MR_E_INVALID);
    }
    assert_int_equal(PARSE(&settings, "--data", "d", "--lock-wait", "18446744073709551615"), MR_OK);
    assert_true(settings.lock_wait == UINT64_MAX);
}

static void test_a_bad_command_line_is_named(void **state)
{
    (void)state;
    struct settings settings;
    const struct {
        const char *arguments[6];
        const char *word;
    } cases[] = {
        {{"--json"}, "--data DIR is missing"},
        {{"--data"}, "--data wants a value"},
        {{"--data", ""}, "--data"},
        {{"--data", "d", "--lock_wait", "1"}, "unknown option '--lock_wait'"},
        {{"--data", "d", "--lock", "1"}, "unknown option '--lock'"},
        {{"--data", "d", "--nothing=1"}, "unknown option '--nothing'"},
        {{"--data", "d", "--"}, "unknown option '--'"},
        {{"--data", "d", "-j"}, "unexpected argument '-j'"},
        {{"--data", "d", "--json", "--json"}, "twice"},
        {{"--data", "d", "--json=1"}, "takes no value"},
        {{"--data", "d", "--on-error", "sto"}, "stop|skip|stopped"},
        {{"--data", "d", "--on-error", "stop|skip"}, "stop|skip|stopped"},
        {{"--data", "d", "--rate", "0/s"}, "--rate"},
        {{"--data", "d", "--rate", "/s"}, "--rate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(&settings, cases[i].arguments), MR_E_INVALID);
        assert_int_equal(error.code, MR_E_INVALID);
        assert_non_null(strstr(error.text, cases[i].word));
    }
}

#define WORDS_OPTIONS(O, tag)                                    \
    O(tag, flag, json, NULL, NULL, "how")                        \
    O(tag, words, ask, "QUERY [VALUE]", OPTION_REQUIRED, "what") \
    O(tag, number, at, "N", "7", "when")
OPTIONS_STRUCT(words_settings, WORDS_OPTIONS);
static const struct option words_table[] = OPTIONS_TABLE(words_settings, WORDS_OPTIONS);

static int parse_words(struct words_settings *settings, const char *const *arguments)
{
    memset(settings, 0, sizeof *settings);
    memset(&error, 0, sizeof error);
    return options_parse(words_table, OPTIONS_COUNT(WORDS_OPTIONS), arguments, settings, &error);
}

static void test_words_stand_between_options_and_keep_their_order(void **state)
{
    (void)state;
    struct words_settings settings;
    const char *const mixed[] = {"account", "--at", "9", "a=b", "--json", "-7", NULL};
    assert_int_equal(parse_words(&settings, mixed), MR_OK);
    assert_int_equal(settings.ask.count, 3);
    assert_string_equal(settings.ask.words[0], "account");
    assert_string_equal(settings.ask.words[1], "a=b");
    assert_string_equal(settings.ask.words[2], "-7");
    assert_int_equal(settings.at, 9);
    assert_true(settings.json);
}

static void test_words_are_no_option_by_name_and_have_a_limit(void **state)
{
    (void)state;
    struct words_settings settings;
    const char *const named[] = {"--ask", "x", NULL};
    assert_int_equal(parse_words(&settings, named), MR_E_INVALID);
    assert_non_null(strstr(error.text, "unknown option '--ask'"));
    const char *const none[] = {"--json", NULL};
    assert_int_equal(parse_words(&settings, none), MR_E_INVALID);
    assert_non_null(strstr(error.text, "QUERY [VALUE] is missing"));
    const char *many[OPTION_WORDS_MAX + 2] = {NULL};
    for (int i = 0; i <= OPTION_WORDS_MAX; i++)
        many[i] = "w";
    assert_int_equal(parse_words(&settings, many), MR_E_INVALID);
    assert_non_null(strstr(error.text, "more than 24"));
    many[OPTION_WORDS_MAX] = NULL;
    assert_int_equal(parse_words(&settings, many), MR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_given_has_its_default),
        cmocka_unit_test(test_values_come_behind_a_blank_or_an_equals_sign),
        cmocka_unit_test(test_a_value_may_look_like_an_option),
        cmocka_unit_test(test_numbers_are_plain_digits_that_fit),
        cmocka_unit_test(test_a_bad_command_line_is_named),
        cmocka_unit_test(test_words_stand_between_options_and_keep_their_order),
        cmocka_unit_test(test_words_are_no_option_by_name_and_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
