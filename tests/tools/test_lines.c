#include "tests/tools/source_rig.h"

#include "base/digest.h"
#include "tools/lines.h"

#include <unistd.h>

static void open_bytes(struct rig *rig, struct lines *lines, const void *bytes, size_t size)
{
    rig_write(rig, bytes, size);
    assert_int_equal(lines_open(lines, rig->path, &rig->error), MR_OK);
}

static enum lines_outcome next(struct rig *rig, struct lines *lines, const char **line,
                               size_t *length, bool *whole)
{
    return lines_next(lines, line, length, whole, &rig->error);
}

static void expect_line(struct rig *rig, struct lines *lines, const char *expected)
{
    const char *line;
    size_t length;
    bool whole;
    assert_int_equal(next(rig, lines, &line, &length, &whole), LINES_LINE);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(line, expected, length);
}

static void expect_outcome(struct rig *rig, struct lines *lines, enum lines_outcome outcome)
{
    const char *line;
    size_t length;
    bool whole;
    assert_int_equal(next(rig, lines, &line, &length, &whole), outcome);
}

static void test_lines_come_in_order_with_their_numbers(void **state)
{
    struct rig *rig = *state;
    struct lines lines;
    open_bytes(rig, &lines, "one\n\nthree\r\nfour", 16);
    expect_line(rig, &lines, "one");
    assert_int_equal(lines.number, 1);
    expect_line(rig, &lines, "");
    expect_line(rig, &lines, "three\r");
    lines_again(&lines);
    expect_line(rig, &lines, "three\r");
    assert_int_equal(lines.number, 3);
    const char *line;
    size_t length;
    bool whole;
    assert_int_equal(next(rig, &lines, &line, &length, &whole), LINES_LINE);
    assert_false(whole);
    assert_int_equal(length, 4);
    expect_outcome(rig, &lines, LINES_END);
    expect_outcome(rig, &lines, LINES_END);
    lines_close(&lines);
}

static void test_an_empty_file_has_no_line(void **state)
{
    struct rig *rig = *state;
    struct lines lines;
    open_bytes(rig, &lines, "", 0);
    expect_outcome(rig, &lines, LINES_END);
    lines_close(&lines);
}

/* Lines of all lengths around what the buffer holds, against the bytes that were written. */
static void test_random_lines_come_whole_wherever_the_buffer_ends(void **state)
{
    struct rig *rig = *state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    enum { COUNT = 60 };
    size_t lengths[COUNT], total = 0;
    for (int i = 0; i < COUNT; i++) {
        uint64_t kind = mr_random_below(&random, 3);
        lengths[i] = kind == 0   ? mr_random_below(&random, 100)
                     : kind == 1 ? mr_random_below(&random, LINES_LENGTH_MAX)
                                 : LINES_LENGTH_MAX - 1 - mr_random_below(&random, 3);
        total += lengths[i] + 1;
    }
    char *bytes = malloc(total);
    assert_non_null(bytes);
    for (size_t i = 0; i < total; i++)
        bytes[i] = (char)(mr_random_u64(&random) | 0x20); /* no newline */
    for (size_t i = 0, at = 0; i < COUNT; i++)
        bytes[(at += lengths[i] + 1) - 1] = '\n';

    struct lines lines;
    struct mr_digest digest;
    uint64_t count;
    open_bytes(rig, &lines, bytes, total);
    assert_int_equal(lines_survey(&lines, &digest, &count, &rig->error), MR_OK);
    assert_true(mr_digest_equal(digest, mr_digest_of(bytes, total)));
    uint64_t expected = 0;
    for (size_t i = 0, at = 0; i < COUNT; at += lengths[i++] + 1) {
        const char *line;
        size_t length;
        bool whole;
        assert_int_equal(next(rig, &lines, &line, &length, &whole), LINES_LINE);
        assert_true(whole);
        assert_int_equal(length, lengths[i]);
        assert_memory_equal(line, bytes + at, length);
        expected += length > 0 && line[0] != '#';
    }
    expect_outcome(rig, &lines, LINES_END);
    assert_int_equal(count, expected);
    lines_close(&lines);
    free(bytes);
}

static void test_a_line_that_is_too_long_is_passed_over(void **state)
{
    struct rig *rig = *state;
    size_t sizes[] = {LINES_LENGTH_MAX, LINES_LENGTH_MAX + 1, 2 * LINES_LENGTH_MAX,
                      5 * LINES_LENGTH_MAX + 7};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *bytes = malloc(sizes[i] + 12);
        assert_non_null(bytes);
        memset(bytes, 'x', sizes[i] + 12);
        memcpy(bytes, (const char[]){'f', 'i', 'r', 's', 't', '\n'}, 6);
        memcpy(bytes + 6 + sizes[i], (const char[]){'\n', 'l', 'a', 's', 't', '\n'}, 6);
        struct lines lines;
        open_bytes(rig, &lines, bytes, sizes[i] + 12);
        expect_line(rig, &lines, "first");
        expect_outcome(rig, &lines, LINES_TOO_LONG);
        assert_non_null(strstr(rig->error.text, "input:2: "));
        lines_again(&lines);
        expect_outcome(rig, &lines, LINES_TOO_LONG);
        expect_line(rig, &lines, "last");
        assert_int_equal(lines.number, 3);
        expect_outcome(rig, &lines, LINES_END);
        lines_close(&lines);

        /* Without a newline at its end, too. */
        open_bytes(rig, &lines, bytes, 6 + sizes[i]);
        expect_line(rig, &lines, "first");
        expect_outcome(rig, &lines, LINES_TOO_LONG);
        expect_outcome(rig, &lines, LINES_END);
        lines_close(&lines);
        free(bytes);
    }
}

static void test_a_file_that_shrinks_is_an_error(void **state)
{
    struct rig *rig = *state;
    struct lines lines;
    open_bytes(rig, &lines, "one\ntwo\n", 8);
    assert_int_equal(truncate(rig->path, 4), 0);
    struct mr_digest digest;
    uint64_t count;
    assert_int_equal(lines_survey(&lines, &digest, &count, &rig->error), MR_E_IO);
    expect_line(rig, &lines, "one");
    expect_outcome(rig, &lines, LINES_FAILED);
    assert_non_null(strstr(rig->error.text, "shorter"));
    lines_close(&lines);
}

static void test_what_a_file_gains_while_it_is_read_is_not_looked_at(void **state)
{
    struct rig *rig = *state;
    struct lines lines;
    open_bytes(rig, &lines, "one\n", 4);
    FILE *file = fopen(rig->path, "a");
    assert_non_null(file);
    assert_true(fputs("two\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    expect_line(rig, &lines, "one");
    expect_outcome(rig, &lines, LINES_END);
    lines_close(&lines);
}

static void test_only_regular_files_are_opened(void **state)
{
    struct rig *rig = *state;
    struct lines lines;
    assert_int_equal(lines_open(&lines, rig->directory, &rig->error), MR_E_INVALID);
    assert_non_null(strstr(rig->error.text, rig->directory));
    assert_int_equal(lines_open(&lines, rig->path, &rig->error), MR_E_NOT_FOUND);
    assert_non_null(strstr(rig->error.text, rig->path));
}

static void test_a_pipe_says_wait_and_never_gives_half_a_line(void **state)
{
    struct rig *rig = *state;
    struct lines lines;
    int ends[2], standard_input = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(lines_open(&lines, "-", &rig->error), MR_OK);
    expect_outcome(rig, &lines, LINES_WAIT);
    assert_int_equal(write(ends[1], "ha", 2), 2);
    expect_outcome(rig, &lines, LINES_WAIT);
    assert_int_equal(write(ends[1], "lf\nnext", 7), 7);
    expect_line(rig, &lines, "half");
    expect_outcome(rig, &lines, LINES_WAIT);
    close(ends[1]);
    expect_line(rig, &lines, "next");
    expect_outcome(rig, &lines, LINES_END);
    lines_close(&lines);
    assert_int_equal(dup2(standard_input, STDIN_FILENO), STDIN_FILENO);
    close(standard_input);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_come_in_order_with_their_numbers, rig_set_up,
                                        rig_tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_file_has_no_line, rig_set_up, rig_tear_down),
        cmocka_unit_test_setup_teardown(test_random_lines_come_whole_wherever_the_buffer_ends,
                                        rig_set_up, rig_tear_down),
        cmocka_unit_test_setup_teardown(test_a_line_that_is_too_long_is_passed_over, rig_set_up,
                                        rig_tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_shrinks_is_an_error, rig_set_up,
                                        rig_tear_down),
        cmocka_unit_test_setup_teardown(test_what_a_file_gains_while_it_is_read_is_not_looked_at,
                                        rig_set_up, rig_tear_down),
        cmocka_unit_test_setup_teardown(test_only_regular_files_are_opened, rig_set_up,
                                        rig_tear_down),
        cmocka_unit_test_setup_teardown(test_a_pipe_says_wait_and_never_gives_half_a_line,
                                        rig_set_up, rig_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
