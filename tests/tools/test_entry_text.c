#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tools/entry_text.h"

static const struct mr_entry sample = {
    .term = 3,
    .index = UINT64_MAX,
    .first_sequence = 17,
    .time_ns = UINT64_C(1430438404518000000),
    .count = 4000000000,
    .previous = {1, UINT64_C(0xfedcba9876543210)},
    .digest_sequence = 9,
    .digest = {UINT64_MAX, 2},
};

/* What a writing function has written, without its newline. */
static size_t written(FILE *file, char *text, size_t size)
{
    rewind(file);
    size_t length = fread(text, 1, size - 1, file);
    assert_true(length > 0 && text[length - 1] == '\n');
    text[--length] = 0;
    return length;
}

static size_t write_sample(char *text, size_t size)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    entry_write(&sample, file);
    size_t length = written(file, text, size);
    assert_int_equal(fclose(file), 0);
    return length;
}

static void test_an_entry_is_read_as_it_was_written(void **state)
{
    (void)state;
    char text[512];
    struct mr_entry entry;
    struct entry_end end;
    size_t length = write_sample(text, sizeof text);
    assert_int_equal(entry_read(text, length, &entry, &end), ENTRY_LINE_ENTRY);
    assert_memory_equal(&entry, &sample, sizeof entry);
}

static void test_the_end_is_read_as_it_was_written(void **state)
{
    (void)state;
    char text[512];
    struct mr_entry entry;
    struct entry_end read_end;
    const struct entry_end end = {.index = 7, .sequence = 612, .chain = {5, 6}};
    FILE *file = tmpfile();
    assert_non_null(file);
    entry_write_end(&end, file);
    size_t length = written(file, text, sizeof text);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(entry_read(text, length, &entry, &read_end), ENTRY_LINE_END);
    assert_memory_equal(&end, &read_end, sizeof end);
}

static void test_any_cut_or_changed_line_is_refused_or_reads_differently(void **state)
{
    (void)state;
    char text[512], changed[512];
    struct mr_entry entry;
    struct entry_end end;
    size_t length = write_sample(text, sizeof text);
    for (size_t cut = strlen("# entry"); cut < length; cut++)
        assert_int_equal(entry_read(text, cut, &entry, &end), ENTRY_LINE_BAD);
    assert_int_equal(entry_read("# entr", 6, &entry, &end), ENTRY_LINE_OTHER);
    for (size_t at = strlen("# entry"); at < length; at++) {
        memcpy(changed, text, length);
        changed[at] ^= 1;
        if (entry_read(changed, length, &entry, &end) == ENTRY_LINE_ENTRY)
            assert_memory_not_equal(&entry, &sample, sizeof entry);
    }
    memcpy(changed, text, length);
    changed[length] = ' ';
    assert_int_equal(entry_read(changed, length + 1, &entry, &end), ENTRY_LINE_BAD);
}

static void test_other_lines_are_left_to_others(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "#", "# a comment", "order_new order=1",
                                        "#entry index=1"};
    struct mr_entry entry;
    struct entry_end end;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(entry_read(lines[i], strlen(lines[i]), &entry, &end), ENTRY_LINE_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_is_read_as_it_was_written),
        cmocka_unit_test(test_the_end_is_read_as_it_was_written),
        cmocka_unit_test(test_any_cut_or_changed_line_is_refused_or_reads_differently),
        cmocka_unit_test(test_other_lines_are_left_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
