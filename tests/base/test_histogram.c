/* The latency histogram against sorted values. */
#include "base/histogram.h"

#include "base/random.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct mr_histogram histogram, other;

static void every_value_falls_into_a_bucket_and_order_is_kept(void **state)
{
    (void)state;
    uint32_t last = 0;
    assert_int_equal(mr_histogram_index(0), 0);
    for (uint64_t value = 1; value < 100000; value++) {
        uint32_t index = mr_histogram_index(value);
        assert_true(index == last || index == last + 1); /* no bucket is skipped */
        last = index;
    }
    for (unsigned bit = 17; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;
        assert_int_equal(mr_histogram_index(power), mr_histogram_index(power - 1) + 1);
    }
    assert_int_equal(mr_histogram_index(UINT64_MAX), MR_HISTOGRAM_BUCKETS - 1);
}

static void an_empty_histogram_answers_zero(void **state)
{
    (void)state;
    mr_histogram_clear(&histogram);
    assert_int_equal(mr_histogram_percentile(&histogram, 50000), 0);
    assert_int_equal(mr_histogram_percentile(&histogram, 0), 0);
    assert_int_equal(mr_histogram_percentile(&histogram, MR_PERCENTILE_WHOLE), 0);
    assert_int_equal(mr_histogram_mean(&histogram), 0);
    assert_int_equal(histogram.max, 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    mr_histogram_clear(&histogram);
    for (uint64_t value = 1; value <= 200; value++) {
        mr_histogram_record(&histogram, value);
    }
    assert_int_equal(histogram.count, 200);
    assert_int_equal(histogram.min, 1);
    assert_int_equal(histogram.max, 200);
    assert_int_equal(mr_histogram_mean(&histogram), 100);
    assert_int_equal(mr_histogram_percentile(&histogram, 50000), 100);
    assert_int_equal(mr_histogram_percentile(&histogram, 50001), 101);
    assert_int_equal(mr_histogram_percentile(&histogram, 99000), 198);
    assert_int_equal(mr_histogram_percentile(&histogram, 99500), 199);
    assert_int_equal(mr_histogram_percentile(&histogram, 1), 1);
}

static void the_ends_are_exact(void **state)
{
    (void)state;
    mr_histogram_clear(&histogram);
    mr_histogram_record(&histogram, 123456789);
    mr_histogram_record(&histogram, UINT64_MAX);
    mr_histogram_record(&histogram, 987654321);
    assert_int_equal(mr_histogram_percentile(&histogram, 0), 123456789);
    assert_true(mr_histogram_percentile(&histogram, MR_PERCENTILE_WHOLE) == UINT64_MAX);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Magnitudes are spread evenly: from nanoseconds to centuries. */
static uint64_t draw(struct mr_random *random)
{
    return mr_random_u64(random) >> mr_random_below(random, 64);
}

static void percentiles_are_never_below_and_at_most_one_in_128_above(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    static uint64_t values[COUNT];
    static const uint32_t asked[] = {1, 1000, 25000, 50000, 90000, 99000, 99900, 99990, 99999};
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? 20240607 : strtoull(text, NULL, 10);
    print_message("MR_SEED=%" PRIu64 "\n", seed);
    for (uint64_t round = 0; round < 10; round++) {
        struct mr_random random;
        mr_random_init(&random, seed + round);
        mr_histogram_clear(&histogram);
        for (int i = 0; i < COUNT; i++) {
            values[i] = draw(&random);
            mr_histogram_record(&histogram, values[i]);
        }
        qsort(values, COUNT, sizeof values[0], compare);
        for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
            uint64_t rank = ((uint64_t)COUNT * asked[i] + MR_PERCENTILE_WHOLE - 1) / 100000;
            uint64_t exact = values[rank - 1];
            uint64_t told = mr_histogram_percentile(&histogram, asked[i]);
            assert_true(told >= exact);
            assert_true(told - exact <= exact / 128);
        }
    }
}

static void merging_is_recording_both(void **state)
{
    (void)state;
    static struct mr_histogram both;
    struct mr_random random;
    mr_random_init(&random, 3);
    mr_histogram_clear(&histogram);
    mr_histogram_clear(&other);
    mr_histogram_clear(&both);
    for (int i = 0; i < 1000; i++) {
        uint64_t value = mr_random_below(&random, 1000000);
        mr_histogram_record(i % 3 == 0 ? &histogram : &other, value);
        mr_histogram_record(&both, value);
    }
    mr_histogram_merge(&histogram, &other);
    assert_memory_equal(&histogram, &both, sizeof both);
    mr_histogram_clear(&other);
    mr_histogram_merge(&histogram, &other); /* nothing changes nothing */
    assert_memory_equal(&histogram, &both, sizeof both);
}

static void many_at_once_are_as_many_one_by_one(void **state)
{
    (void)state;
    mr_histogram_clear(&histogram);
    mr_histogram_clear(&other);
    mr_histogram_record_many(&histogram, 777777, 5);
    for (int i = 0; i < 5; i++) {
        mr_histogram_record(&other, 777777);
    }
    assert_memory_equal(&histogram, &other, sizeof other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_falls_into_a_bucket_and_order_is_kept),
        cmocka_unit_test(an_empty_histogram_answers_zero),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(the_ends_are_exact),
        cmocka_unit_test(percentiles_are_never_below_and_at_most_one_in_128_above),
        cmocka_unit_test(merging_is_recording_both),
        cmocka_unit_test(many_at_once_are_as_many_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
