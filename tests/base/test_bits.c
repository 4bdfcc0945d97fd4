/* Small arithmetic: alignment, powers of two, mixing. */
#include "base/bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void only_powers_of_two_are_powers_of_two(void **state)
{
    (void)state;
    assert_false(mr_is_power_of_two(0));
    for (unsigned i = 0; i < 64; i++) {
        uint64_t power = UINT64_C(1) << i;
        assert_true(mr_is_power_of_two(power));
        assert_int_equal(mr_is_power_of_two(power + 1), power == 1);
        assert_int_equal(mr_is_power_of_two(power - 1), power == 2);
    }
}

static void aligning_rounds_up_and_leaves_what_is_aligned(void **state)
{
    (void)state;
    assert_int_equal(mr_align_up(0, 4096), 0);
    assert_int_equal(mr_align_up(1, 4096), 4096);
    assert_int_equal(mr_align_up(4095, 4096), 4096);
    assert_int_equal(mr_align_up(4096, 4096), 4096);
    assert_int_equal(mr_align_up(4097, 4096), 8192);
    assert_int_equal(mr_align_up(7, 1), 7);
    assert_true(mr_align_up(UINT64_MAX - 4095, 4096) == UINT64_MAX - 4095);
}

static void the_power_at_least_is_the_least(void **state)
{
    (void)state;
    assert_int_equal(mr_power_of_two_at_least(1), 1);
    for (uint64_t value = 2; value < 5000; value++) {
        uint64_t power = mr_power_of_two_at_least(value);
        assert_true(mr_is_power_of_two(power));
        assert_true(power >= value);
        assert_true(power / 2 < value);
    }
    assert_true(mr_power_of_two_at_least((UINT64_C(1) << 63) - 1) == UINT64_C(1) << 63);
    assert_true(mr_power_of_two_at_least(UINT64_C(1) << 63) == UINT64_C(1) << 63);
}

static void the_logarithm_is_the_highest_bit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(mr_log2(UINT64_C(1) << i), i);
        assert_int_equal(mr_log2((UINT64_C(1) << i) | 1), i);
    }
}

/* mr_mix64 is a part of formats and generators: its values may not change. */
static void mixing_gives_the_known_values(void **state)
{
    (void)state;
    assert_true(mr_mix64(0) == 0);
    assert_true(mr_mix64(UINT64_C(0x9e3779b97f4a7c15)) == UINT64_C(0xe220a8397b1dcdaf));
}

static void mixing_spreads_a_single_bit_over_all(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t difference = mr_mix64(12345) ^ mr_mix64(12345 ^ (UINT64_C(1) << i));
        assert_in_range(__builtin_popcountll(difference), 12, 52);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_powers_of_two_are_powers_of_two),
        cmocka_unit_test(aligning_rounds_up_and_leaves_what_is_aligned),
        cmocka_unit_test(the_power_at_least_is_the_least),
        cmocka_unit_test(the_logarithm_is_the_highest_bit),
        cmocka_unit_test(mixing_gives_the_known_values),
        cmocka_unit_test(mixing_spreads_a_single_bit_over_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
