/* The shrinker, with bugs that are put between the ledger and the comparison. */
#include "tests/core/ledger_random.h"
#include "tests/core/ledger_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3000 };

/* Steps that a ledger and the naive one take alike. */
static void make_script(struct ledger_script *script, uint64_t seed, uint32_t count)
{
    static struct ledger_step steps[WORLD_BATCH_MAX];
    static struct ledger_world world;
    struct ledger_pair pair;
    printf("MR_SEED=%llu\n", (unsigned long long)seed);
    ledger_world_open(&world, seed);
    *script = (struct ledger_script){.setting = world.setting};
    ledger_pair_open(&pair, &world.setting, true);
    while (script->count < count) {
        uint32_t size = ledger_world_batch(&world, &pair.naive, steps);
        for (uint32_t i = 0; i < size; i++)
            ledger_script_add(script, &steps[i]);
        ledger_pair_batch(&pair, steps, size);
    }
    ledger_pair_close(&pair);
}

/* Bug: what posts the whole of a pending transfer is refused. */
static void distort_post(const struct ledger_pair *pair, const struct ledger_step *step,
                         struct mr_ledger_result *result)
{
    (void)pair;
    if (step->type == MR_LEDGER_TRANSFER_CREATE && (step->transfer.flags & MR_LEDGER_POST) != 0 &&
        result->reason == 0)
        result->reason = MR_LEDGER_PENDING_TRANSFER_NOT_FOUND;
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

static uint64_t seed_of_test(void)
{
    const char *text = getenv("MR_SEED");
    return text == NULL ? 3 : strtoull(text, NULL, 0);
}

/* A script of a world where the distortion shows, from the seed on. */
static void make_failing_script(struct ledger_script *script, ledger_distortion *distortion)
{
    for (uint64_t seed = seed_of_test();; seed++) {
        make_script(script, seed, STEPS);
        assert_int_equal(ledger_script_play(script), SCRIPT_SAME);
        script->distortion = distortion;
        if (ledger_script_play(script) != SCRIPT_SAME)
            return;
        ledger_script_close(script);
    }
}

static void a_difference_shrinks_to_the_steps_that_make_it(void **state)
{
    (void)state;
    struct ledger_script script;
    make_failing_script(&script, distort_post);
    uint32_t plays = ledger_script_shrink(&script);
    printf("%u steps, %u plays\n", script.count, plays);
    ledger_script_write(&script, stdout);
    assert_true(ledger_script_explain(&script, stdout));
    assert_int_equal(ledger_script_play(&script), SCRIPT_DIFFERS);
    /* Two accounts, what is pending, and what posts it. */
    assert_int_equal(script.count, 4);
    ledger_script_close(&script);
}

static void a_crash_shrinks_too(void **state)
{
    (void)state;
    struct ledger_script script;
    make_failing_script(&script, crash_on_chain);
    ledger_script_shrink(&script);
    ledger_script_write(&script, stdout);
    assert_int_equal(ledger_script_play(&script), SCRIPT_CRASHES);
    /* Three that fail, and the one that makes them. */
    assert_true(script.count <= 4);
    ledger_script_close(&script);
}

static void what_does_not_fail_is_left_alone(void **state)
{
    (void)state;
    struct ledger_script script;
    make_script(&script, seed_of_test(), 100);
    uint32_t count = script.count;
    assert_int_equal(ledger_script_shrink(&script), 1);
    assert_int_equal(script.count, count);
    ledger_script_close(&script);
}

/* In a world of an image, where there are odd commands. */
static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct ledger_script script, again;
    uint64_t seed = seed_of_test();
    uint32_t line;
    for (make_script(&script, seed, 1000); !script.setting.in_image;) {
        ledger_script_close(&script);
        make_script(&script, ++seed, 1000);
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    ledger_script_write(&script, file);
    rewind(file);
    assert_true(ledger_script_read(&again, file, &line));
    (void)fclose(file);
    assert_int_equal(again.count, script.count);
    assert_memory_equal(&again.setting.config, &script.setting.config,
                        sizeof(script.setting.config));
    assert_int_equal(again.setting.in_image, script.setting.in_image);
    assert_int_equal(again.setting.before_wrap, script.setting.before_wrap);
    uint32_t odd = 0;
    for (uint32_t i = 0; i < script.count; i++) {
        const struct ledger_step *step = &script.steps[i], *read = &again.steps[i];
        assert_memory_equal(&read->transfer, &step->transfer, sizeof(step->transfer));
        assert_true(read->time_ns == step->time_ns && read->type == step->type);
        assert_true(read->session == step->session && read->odd == step->odd);
        assert_true(read->more == step->more);
        odd += step->odd != ODD_NOTHING;
    }
    assert_true(odd > 0);
    ledger_script_close(&script);
    ledger_script_close(&again);
}

static void a_line_that_is_no_command_is_named(void **state)
{
    (void)state;
    struct ledger_script script;
    uint32_t line = 0;
    FILE *file = tmpfile();
    assert_non_null(file);
    fprintf(file, "# by hand\naccount_create id=1 ledger=1 code=1\n!nothing account_create id=1\n");
    rewind(file);
    assert_false(ledger_script_read(&script, file, &line));
    assert_int_equal(line, 3);
    (void)fclose(file);
    ledger_script_close(&script);
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
