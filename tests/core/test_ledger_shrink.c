/* The shrinker, with bugs that are put between the ledger and the comparison. */
#include "tests/core/fuzz_cases.h"
#include "tests/core/ledger_script.h"

enum { COMMANDS = 3000 };

/* Bug: what posts the whole of a pending transfer is refused. */
static void distort_post(const struct ledger_pair *pair, const struct ledger_step *step,
                         struct mr_ledger_result *result)
{
    (void)pair;
    if (step->type == MR_LEDGER_TRANSFER_CREATE && (step->transfer.flags & MR_LEDGER_POST) != 0 &&
        result->reason == 0)
        result->reason = MR_LEDGER_PENDING_TRANSFER_NOT_FOUND;
}

static void plant_distorted_post(void *setting)
{
    ((struct ledger_setting *)setting)->distortion = distort_post;
}

/* Bug: a chain of three that fails takes an assertion with it. */
static void crash_on_chain(const struct ledger_pair *pair, const struct ledger_step *step,
                           struct mr_ledger_result *result)
{
    static uint32_t failed;
    (void)pair;
    (void)step;
    failed = result->reason == MR_LEDGER_LINKED_EVENT_FAILED ? failed + 1 : 0;
    if (failed == 3)
        abort();
}

static void plant_crash_on_chain(void *setting)
{
    ((struct ledger_setting *)setting)->distortion = crash_on_chain;
}

static void a_difference_shrinks_to_the_steps_that_make_it(void **state)
{
    (void)state;
    struct fuzz_script script;
    fuzz_make_failing(&script, &fuzz_ledger, COMMANDS, plant_distorted_post);
    uint32_t plays = fuzz_script_shrink(&script);
    printf("%u steps, %u plays\n", script.count, plays);
    fuzz_script_write(&script, stdout);
    assert_false(script.logic->play(&script, stdout));
    assert_int_equal(fuzz_script_play(&script), FUZZ_DIFFERS);
    /* Two accounts, what is pending, and what posts it. */
    assert_int_equal(script.count, 4);
    fuzz_script_close(&script);
}

static void a_crash_shrinks_too(void **state)
{
    (void)state;
    struct fuzz_script script;
    fuzz_make_failing(&script, &fuzz_ledger, COMMANDS, plant_crash_on_chain);
    fuzz_script_shrink(&script);
    fuzz_script_write(&script, stdout);
    assert_int_equal(fuzz_script_play(&script), FUZZ_CRASHES);
    /* Three that fail, and the one that makes them. */
    assert_true(script.count <= 4);
    fuzz_script_close(&script);
}

static void a_line_that_is_no_command_is_named(void **state)
{
    (void)state;
    fuzz_expect_bad_line(
        &fuzz_ledger,
        "# by hand\naccount_create id=1 ledger=1 code=1\n!nothing account_create id=1\n", 3);
}

int main(void)
{
    struct fuzz_logic logic = fuzz_ledger; /* a test's state is not const */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_difference_shrinks_to_the_steps_that_make_it),
        cmocka_unit_test(a_crash_shrinks_too),
        cmocka_unit_test_prestate(what_does_not_fail_is_left_alone, &logic),
        cmocka_unit_test_prestate(what_is_written_is_read_again, &logic),
        cmocka_unit_test(a_line_that_is_no_command_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
