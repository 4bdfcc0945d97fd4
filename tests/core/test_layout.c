/* Parts that lie one after the other, and the list of spans that are in use. */
#include "tests/core/rig.h"

#include "core/layout.h"

static void a_limit_is_at_least_one(void **state)
{
    (void)state;
    assert_false(mr_is_within(0, 5));
    assert_true(mr_is_within(1, 5));
    assert_true(mr_is_within(5, 5));
    assert_false(mr_is_within(6, 5));
    assert_true(mr_is_within(UINT32_MAX, UINT32_MAX));
}

static void each_part_begins_with_a_line_of_its_own(void **state)
{
    (void)state;
    uint64_t end = 0;
    assert_int_equal(mr_place(&end, 1, 65), 0);
    assert_int_equal(mr_place(&end, 2, 32), 128);
    assert_int_equal(mr_place(&end, 0, 8), 192);
    assert_int_equal(mr_place(&end, UINT64_C(1) << 32, 24), 192);
    assert_int_equal(end, 192 + (UINT64_C(24) << 32));
}

static void spans_that_touch_are_one_and_empty_ones_are_none(void **state)
{
    (void)state;
    struct mr_span at[3] = {0};
    struct mr_spans spans = {.at = at, .limit = 3};
    mr_spans_add(&spans, 0, 0);
    assert_int_equal(spans.count, 0);
    mr_spans_add(&spans, 8, 10);
    mr_spans_add(&spans, 18, 0);
    mr_spans_add(&spans, 18, 2);
    mr_spans_add(&spans, 20, 5);
    assert_int_equal(spans.count, 1);
    mr_spans_add(&spans, 26, 4);
    mr_spans_add(&spans, 40, 1);
    mr_spans_add(&spans, 41, 1); /* although the list is full */
    mr_spans_add(&spans, 60, 0);
    assert_int_equal(spans.count, 3);
    const struct mr_span expected[3] = {{8, 17}, {26, 4}, {40, 2}};
    assert_memory_equal(at, expected, sizeof expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_is_at_least_one),
        cmocka_unit_test(each_part_begins_with_a_line_of_its_own),
        cmocka_unit_test(spans_that_touch_are_one_and_empty_ones_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
