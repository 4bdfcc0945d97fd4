/* Errors as values: codes, messages, and what the system's numbers become. */
#include <millrace/error.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void setting_returns_the_code_and_fills_the_message(void **state)
{
    (void)state;
    struct mr_error error = {0};
    assert_int_equal(mr_error_set(&error, MR_E_CORRUPT, "file %s at %d", "a", 7), MR_E_CORRUPT);
    assert_int_equal(error.code, MR_E_CORRUPT);
    assert_string_equal(error.text, "file a at 7");
}

static void nobody_needs_to_want_the_message(void **state)
{
    (void)state;
    assert_int_equal(mr_error_set(NULL, MR_E_IO, "%d", 1), MR_E_IO);
    assert_int_equal(mr_error_set_errno(NULL, ENOENT, "%d", 1), MR_E_NOT_FOUND);
}

static void the_systems_numbers_become_codes(void **state)
{
    (void)state;
    static const struct {
        int system_error;
        int code;
    } rows[] = {
        {ENOENT, MR_E_NOT_FOUND}, {EEXIST, MR_E_EXISTS},          {ENOSPC, MR_E_NO_SPACE},
        {EDQUOT, MR_E_NO_SPACE},  {EFBIG, MR_E_NO_SPACE},         {EROFS, MR_E_READ_ONLY},
        {EACCES, MR_E_READ_ONLY}, {EPERM, MR_E_READ_ONLY},        {EBUSY, MR_E_IO},
        {EAGAIN, MR_E_IO},        {ENOMEM, MR_E_NO_MEMORY},       {ENOSYS, MR_E_UNSUPPORTED},
        {EIO, MR_E_IO},           {EOPNOTSUPP, MR_E_UNSUPPORTED}, {ENOTDIR, MR_E_IO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mr_error error;
        assert_int_equal(mr_error_set_errno(&error, rows[i].system_error, "cannot do %s", "it"),
                         rows[i].code);
        assert_int_equal(error.code, rows[i].code);
        assert_memory_equal(error.text, "cannot do it: ", 14);
        assert_string_equal(error.text + 14, strerror(rows[i].system_error));
    }
}

static void a_long_message_is_cut_and_ends(void **state)
{
    (void)state;
    struct mr_error error;
    char name[2000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    mr_error_set(&error, MR_E_IO, "%s", name);
    assert_int_equal(strlen(error.text), MR_ERROR_TEXT_SIZE - 1);
    mr_error_set_errno(&error, EIO, "%s", name); /* the reason is kept */
    assert_non_null(strstr(error.text, strerror(EIO)));
}

static void every_status_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int i = MR_E_HALTED; i <= MR_AGAIN; i++) {
        assert_string_not_equal(mr_status_text(i), "unknown status");
        for (int j = MR_E_HALTED; j < i; j++) {
            assert_string_not_equal(mr_status_text(i), mr_status_text(j));
        }
    }
    assert_string_equal(mr_status_text(1234), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_returns_the_code_and_fills_the_message),
        cmocka_unit_test(nobody_needs_to_want_the_message),
        cmocka_unit_test(the_systems_numbers_become_codes),
        cmocka_unit_test(a_long_message_is_cut_and_ends),
        cmocka_unit_test(every_status_has_a_text_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
