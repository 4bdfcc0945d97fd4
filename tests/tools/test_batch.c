/*
 * Commands that come one by one, gathered into the batches that they belong to.
 */
#include "tools/batch.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct batch *batch = calloc(1, sizeof *batch);
    struct mr_error error;
    *state = batch;
    return batch == NULL || batch_make(batch, MR_COMMAND_SIZE_MAX, &error) != MR_OK;
}

static int teardown(void **state)
{
    batch_free(*state);
    free(*state);
    return 0;
}

static void write_command(struct batch *batch, uint32_t length, bool more)
{
    *batch_room(batch) = (struct mr_command){.length = length, .more = more};
}

static bool add(struct batch *batch, uint32_t length, bool more)
{
    write_command(batch, length, more);
    return batch_add(batch);
}

static void a_batch_is_whole_with_the_first_command_without_more(void **state)
{
    struct batch *batch = *state;
    for (uint32_t size = 1; size < 5; size++) {
        for (uint32_t i = 1; i < size; i++) {
            assert_false(add(batch, 56 + 8 * i, true));
        }
        assert_true(add(batch, 56, false));
        assert_int_equal(batch->count, size);
        const unsigned char *at = batch->bytes;
        for (uint32_t i = 0; i < size; i++) {
            assert_ptr_equal(batch->commands[i], at);
            at += batch->commands[i]->length;
        }
        batch_clear(batch);
    }
}

static void so_many_commands_fit_and_not_one_more(void **state)
{
    struct batch *batch = *state;
    for (uint32_t i = 0; i < MR_BATCH_COMMANDS_MAX; i++) {
        write_command(batch, 56, true);
        assert_true(batch_fits(batch));
        assert_false(batch_add(batch));
    }
    write_command(batch, 56, false);
    assert_false(batch_fits(batch));
}

static void so_many_bytes_fit_and_not_one_command_more(void **state)
{
    struct batch *batch = *state;
    for (uint32_t i = 0; i < MR_BATCH_BYTES_MAX / MR_COMMAND_SIZE_MAX; i++) {
        write_command(batch, MR_COMMAND_SIZE_MAX, true);
        assert_true(batch_fits(batch));
        assert_false(batch_add(batch));
    }
    assert_int_equal(batch->used, MR_BATCH_BYTES_MAX);
    write_command(batch, 56, false);
    assert_false(batch_fits(batch));
}

static void a_batch_that_is_given_up_is_left_out_up_to_its_end(void **state)
{
    struct batch *batch = *state;
    assert_false(add(batch, 56, true));
    batch_give_up(batch, true);
    assert_true(batch->spoiled);
    assert_false(add(batch, 56, true));
    assert_false(add(batch, 56, false)); /* its end */
    assert_true(add(batch, 64, false));
    assert_int_equal(batch->count, 1);
    batch_clear(batch);
    batch_give_up(batch, false); /* a bad command by itself takes nothing with it */
    assert_false(batch->spoiled);
    assert_true(add(batch, 64, false));
    batch_clear(batch);
    assert_false(add(batch, 56, true));
    batch_give_up(batch, false); /* the last one of its batch */
    assert_true(batch->spoiled);
    assert_true(add(batch, 72, false));
    assert_int_equal(batch->commands[0]->length, 72);
}

static bool says(const char *line)
{
    return batch_line_says_more(line, strlen(line));
}

static void a_bad_line_may_say_that_more_follows(void **state)
{
    (void)state;
    assert_true(says("a more=1"));
    assert_true(says("a more=1 b=2"));
    assert_true(says("a more=1\r"));
    assert_true(says("a\tb=1\tmore=1\t"));
    assert_true(says("a evermore=1 more=1"));
    assert_false(says("a more=10"));
    assert_false(says("a evermore=1"));
    assert_false(says("a more=0"));
    assert_false(says("more=1"));
    assert_false(says(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_is_whole_with_the_first_command_without_more, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(so_many_commands_fit_and_not_one_more, setup, teardown),
        cmocka_unit_test_setup_teardown(so_many_bytes_fit_and_not_one_command_more, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_batch_that_is_given_up_is_left_out_up_to_its_end, setup,
                                        teardown),
        cmocka_unit_test(a_bad_line_may_say_that_more_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
