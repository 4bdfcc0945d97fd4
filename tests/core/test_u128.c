/*
 * <millrace/u128.h> next to the compiler's own numbers of that width.
 */
#include "tests/core/rig.h"

#include <millrace/u128.h>

__extension__ typedef unsigned __int128 native;

static struct mr_u128 of_native(native value)
{
    return mr_u128_of((uint64_t)(value >> 64), (uint64_t)value);
}

static void expect_equal(struct mr_u128 value, native expected)
{
    assert_int_equal(value.high, (uint64_t)(expected >> 64));
    assert_int_equal(value.low, (uint64_t)expected);
}

/* Every function on the two, whatever they are. */
static void check_pair(native a, native b)
{
    struct mr_u128 left = of_native(a), right = of_native(b), result;
    native expected;
    assert_int_equal(mr_u128_is_zero(left), a == 0);
    assert_int_equal(mr_u128_is_max(left), a == ~(native)0);
    assert_int_equal(mr_u128_equal(left, right), a == b);
    assert_int_equal(mr_u128_below(left, right), a < b);
    assert_int_equal(mr_u128_add(left, right, &result), __builtin_add_overflow(a, b, &expected));
    expect_equal(result, expected);
    assert_int_equal(mr_u128_subtract(left, right, &result),
                     __builtin_sub_overflow(a, b, &expected));
    expect_equal(result, expected);
    expect_equal(mr_u128_min(left, right), a < b ? a : b);
    expect_equal(mr_u128_above(left, right), a < b ? 0 : a - b);
}

/* The ends, and what lies where a half carries into the other. */
static uint32_t make_edges(native *edges)
{
    static const uint64_t halves[] = {
        0, 1, 2, INT64_MAX, INT64_MAX + UINT64_C(1), UINT64_MAX - 1, UINT64_MAX};
    enum { HALVES = sizeof halves / sizeof halves[0] };
    uint32_t count = 0;
    for (int i = 0; i < HALVES; i++) {
        for (int j = 0; j < HALVES; j++) {
            edges[count++] = (native)halves[i] << 64 | halves[j];
        }
    }
    return count;
}

static void all_pairs_of_edges_come_out_as_the_compiler_has_them(void **state)
{
    (void)state;
    native edges[64];
    uint32_t count = make_edges(edges);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            check_pair(edges[i], edges[j]);
        }
    }
}

/* Of any width, often all ones below a bit, so that carries run far. */
static native random_native(struct mr_random *random)
{
    native value = (native)mr_random_u64(random) << 64 | mr_random_u64(random);
    value >>= mr_random_below(random, 128);
    return mr_random_chance(random, 1, 4) ? ~value : value;
}

static void random_pairs_come_out_as_the_compiler_has_them(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int i = 0; i < 200000; i++) {
        native a = random_native(&random);
        uint64_t near = mr_random_below(&random, 4);
        native b = near == 0   ? random_native(&random)
                   : near == 1 ? a + mr_random_below(&random, 3) - 1
                   : near == 2 ? ~a + mr_random_below(&random, 3) - 1
                               : (a ^ (native)1 << mr_random_below(&random, 128));
        check_pair(a, b);
    }
}

static void a_result_may_be_one_of_the_operands(void **state)
{
    (void)state;
    struct mr_u128 value = mr_u128_of(0, UINT64_MAX);
    assert_false(mr_u128_add(value, mr_u128_of(0, 1), &value));
    expect_equal(value, (native)1 << 64);
    assert_false(mr_u128_subtract(value, mr_u128_of(0, 1), &value));
    expect_equal(value, UINT64_MAX);
    assert_true(mr_u128_subtract(mr_u128_of(0, 0), value, &value));
    expect_equal(value, -(native)UINT64_MAX);
}

static void the_largest_number_is_all_ones(void **state)
{
    (void)state;
    expect_equal(mr_u128_max(), ~(native)0);
    native bytes = (native)0x0102030405060708 << 64 | 0x090a0b0c0d0e0f10;
    struct mr_u128 value = of_native(bytes);
    assert_int_equal(sizeof value, 16);
    assert_memory_equal(&value, &bytes, sizeof value); /* low half first */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_of_edges_come_out_as_the_compiler_has_them),
        cmocka_unit_test(random_pairs_come_out_as_the_compiler_has_them),
        cmocka_unit_test(a_result_may_be_one_of_the_operands),
        cmocka_unit_test(the_largest_number_is_all_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
