/* The clock seam over the machine's clocks. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void the_wall_clock_tells_nanoseconds_of_this_epoch(void **state)
{
    (void)state;
    struct mr_clock clock = mr_clock_wall();
    uint64_t before = (uint64_t)time(NULL);
    uint64_t now = mr_clock_now(&clock);
    /* A clock may be set, but not by hours between two lines. */
    assert_in_range(now / UINT64_C(1000000000), before - 3600, before + 3600);
}

static void the_monotonic_clock_never_runs_backwards(void **state)
{
    (void)state;
    uint64_t last = mr_monotonic_ns();
    for (int i = 0; i < 10000; i++) {
        uint64_t now = mr_monotonic_ns();
        assert_true(now >= last);
        last = now;
    }
}

static uint64_t count_up(void *context)
{
    uint64_t *count = context;
    *count += 1;
    return *count;
}

static void a_test_can_stand_in_for_the_clock(void **state)
{
    (void)state;
    uint64_t count = 41;
    struct mr_clock clock = {.now = count_up, .context = &count};
    assert_int_equal(mr_clock_now(&clock), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wall_clock_tells_nanoseconds_of_this_epoch),
        cmocka_unit_test(the_monotonic_clock_never_runs_backwards),
        cmocka_unit_test(a_test_can_stand_in_for_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
