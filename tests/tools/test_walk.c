/*
 * What makes an entry sound: its commands fill it, in order, and its batches end in it.
 */
#include "tools/walk.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 6 };

struct made {
    struct mr_entry entry;
    struct mr_command commands[MR_BATCH_COMMANDS_MAX + 2];
};

/* An entry whose commands are no batches. */
static void make(struct made *made, uint32_t count)
{
    memset(made, 0, sizeof *made);
    for (uint32_t i = 0; i < count; i++) {
        made->commands[i] = (struct mr_command){
            .length = sizeof(struct mr_command), .type = 2, .sequence = 10 + i, .time_ns = 100};
    }
    made->entry = (struct mr_entry){
        .length = MR_ENTRY_SIZE + count * (uint32_t)sizeof(struct mr_command),
        .index = 3,
        .first_sequence = 10,
        .time_ns = 100,
        .count = count,
    };
}

static void set_more(struct made *made, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        made->commands[i].more = 1;
    }
}

static void batches_end_within_their_entry(void **state)
{
    struct made *made = *state;
    make(made, COUNT);
    assert_true(walk_entry_is_sound(&made->entry));
    set_more(made, 1, COUNT - 1);
    assert_true(walk_entry_is_sound(&made->entry));
    set_more(made, 0, COUNT - 1);
    assert_true(walk_entry_is_sound(&made->entry));
    set_more(made, COUNT - 1, COUNT);
    assert_false(walk_entry_is_sound(&made->entry));
    make(made, 1);
    set_more(made, 0, 1);
    assert_false(walk_entry_is_sound(&made->entry));
}

static void a_batch_has_one_time(void **state)
{
    struct made *made = *state;
    make(made, COUNT);
    made->commands[COUNT - 1].time_ns++;
    made->entry.time_ns++;
    assert_true(walk_entry_is_sound(&made->entry));
    set_more(made, 0, COUNT - 2);
    assert_true(walk_entry_is_sound(&made->entry));
    set_more(made, 0, COUNT - 1);
    assert_false(walk_entry_is_sound(&made->entry));
}

static void a_batch_is_not_larger_than_it_may_be(void **state)
{
    struct made *made = *state;
    make(made, MR_BATCH_COMMANDS_MAX);
    set_more(made, 0, MR_BATCH_COMMANDS_MAX - 1);
    assert_true(walk_entry_is_sound(&made->entry));
    make(made, MR_BATCH_COMMANDS_MAX + 1);
    set_more(made, 0, MR_BATCH_COMMANDS_MAX);
    assert_false(walk_entry_is_sound(&made->entry));
    make(made, MR_BATCH_COMMANDS_MAX + 1);
    set_more(made, 1, MR_BATCH_COMMANDS_MAX);
    assert_true(walk_entry_is_sound(&made->entry));
}

static void its_commands_make_it_up(void **state)
{
    struct made *made = *state;
    make(made, COUNT);
    made->commands[3].sequence++;
    assert_false(walk_entry_is_sound(&made->entry));
    make(made, COUNT);
    made->commands[3].time_ns = 99;
    assert_false(walk_entry_is_sound(&made->entry));
    make(made, COUNT);
    made->commands[3].length += 8;
    assert_false(walk_entry_is_sound(&made->entry));
    make(made, COUNT);
    made->entry.count--;
    assert_false(walk_entry_is_sound(&made->entry));
}

static int setup(void **state)
{
    *state = malloc(sizeof(struct made));
    return *state == NULL;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batches_end_within_their_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_has_one_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_is_not_larger_than_it_may_be, setup, teardown),
        cmocka_unit_test_setup_teardown(its_commands_make_it_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
