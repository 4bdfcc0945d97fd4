/* The seeded generator: the same everywhere, and even enough. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The first numbers of SplitMix64 from seed 0, as its authors publish them. */
static void the_numbers_are_those_of_splitmix64(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, 0);
    assert_true(mr_random_u64(&random) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(mr_random_u64(&random) == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(mr_random_u64(&random) == UINT64_C(0x06c45d188009454f));
}

static void bounded_numbers_are_below_the_bound_and_even(void **state)
{
    (void)state;
    enum { BOUND = 7, DRAWS = 70000 };
    struct mr_random random;
    int seen[BOUND] = {0};
    mr_random_init(&random, 1);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = mr_random_below(&random, BOUND);
        assert_in_range(value, 0, BOUND - 1);
        seen[value] += 1;
    }
    for (int i = 0; i < BOUND; i++) { /* ten thousand each, give or take five deviations */
        assert_in_range(seen[i], 9500, 10500);
    }
    assert_int_equal(mr_random_below(&random, 1), 0);
}

static void a_chance_comes_about_as_often_as_it_says(void **state)
{
    (void)state;
    struct mr_random random;
    int hits = 0;
    mr_random_init(&random, 2);
    for (int i = 0; i < 40000; i++) {
        hits += mr_random_chance(&random, 1, 4);
        assert_true(mr_random_chance(&random, 4, 4));
        assert_false(mr_random_chance(&random, 0, 4));
    }
    assert_in_range(hits, 9500, 10500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_are_those_of_splitmix64),
        cmocka_unit_test(bounded_numbers_are_below_the_bound_and_even),
        cmocka_unit_test(a_chance_comes_about_as_often_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
