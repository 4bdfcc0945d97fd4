/* The order in which a waiting thread spins, yields and sleeps. */
#include "disruptor/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void turns_pass(struct mr_backoff *backoff, int count)
{
    for (int i = 0; i < count; i++)
        mr_backoff_pause(backoff);
}

static void spinning_never_prepares_to_sleep(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = mr_backoff_of(MR_WAIT_SPIN, &park);
    turns_pass(&backoff, 1000);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), 0);
}

static void yielding_never_prepares_to_sleep(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = mr_backoff_of(MR_WAIT_YIELD, &park);
    turns_pass(&backoff, 1000);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), 0);
}

static void parking_announces_only_after_spins_and_yields(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = mr_backoff_of(MR_WAIT_PARK, &park);
    turns_pass(&backoff, MR_BACKOFF_SPINS + MR_BACKOFF_YIELDS);
    assert_false(backoff.prepared);
    mr_backoff_pause(&backoff);
    assert_true(backoff.prepared);
    assert_int_equal(mr_atomic_load(&park.word, relaxed), MR_PARK_OCCUPIED);
}

static void a_wake_up_after_the_announcement_prevents_the_sleep(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = mr_backoff_of(MR_WAIT_PARK, &park);
    turns_pass(&backoff, MR_BACKOFF_SPINS + MR_BACKOFF_YIELDS + 1);
    mr_park_wake(&park);
    mr_backoff_pause(&backoff); /* would hang here */
    assert_false(backoff.prepared);
}

static void a_sleep_in_vain_is_followed_by_another_without_spinning(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = mr_backoff_of(MR_WAIT_PARK, &park);
    backoff.park_ns = 1;
    turns_pass(&backoff, MR_BACKOFF_SPINS + MR_BACKOFF_YIELDS + 2);
    assert_false(backoff.prepared);
    mr_backoff_pause(&backoff);
    assert_true(backoff.prepared);
}

static void a_reset_begins_with_spinning_again(void **state)
{
    (void)state;
    struct mr_park park = {0};
    struct mr_backoff backoff = mr_backoff_of(MR_WAIT_PARK, &park);
    turns_pass(&backoff, MR_BACKOFF_SPINS + MR_BACKOFF_YIELDS + 1);
    mr_backoff_reset(&backoff);
    turns_pass(&backoff, MR_BACKOFF_SPINS + MR_BACKOFF_YIELDS);
    assert_false(backoff.prepared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spinning_never_prepares_to_sleep),
        cmocka_unit_test(yielding_never_prepares_to_sleep),
        cmocka_unit_test(parking_announces_only_after_spins_and_yields),
        cmocka_unit_test(a_wake_up_after_the_announcement_prevents_the_sleep),
        cmocka_unit_test(a_sleep_in_vain_is_followed_by_another_without_spinning),
        cmocka_unit_test(a_reset_begins_with_spinning_again),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
