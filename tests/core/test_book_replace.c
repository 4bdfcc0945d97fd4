/* Replacing orders, one scenario each; and orders that are post-only, which stay so. */
#include "tests/core/book_rig.h"

/* -- Replace. ---------------------------------------------------------------------------------- */

static void a_reduction_at_the_same_price_keeps_its_place(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 5);
    book_gtc(rig, 2, SELL, 100, 5);
    book_replace(rig, 1, 100, MR_BOOK_BASIS_OPEN, 2);
    book_next_replaced(rig, 1, 100, 2, MR_BOOK_PLACE_KEPT);
    book_no_more(rig);
    book_ioc(rig, 3, BUY, 100, 3);
    book_next_accepted(rig, 3);
    book_next_trade(rig, 1, 3, 100, 2);
    book_next_trade(rig, 2, 3, 100, 1);
    book_no_more(rig);
}

static void a_replacement_that_changes_nothing_is_answered_and_keeps_its_place(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 5);
    book_gtc(rig, 2, SELL, 100, 5);
    assert_int_equal(book_replace(rig, 1, 100, MR_BOOK_BASIS_OPEN, 5), 0);
    book_next_replaced(rig, 1, 100, 5, MR_BOOK_PLACE_KEPT);
    book_no_more(rig);
    book_ioc(rig, 3, BUY, 100, 1);
    book_next_accepted(rig, 3);
    book_next_trade(rig, 1, 3, 100, 1);
}

static void an_increase_at_the_same_price_loses_its_place(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 5);
    book_gtc(rig, 2, SELL, 100, 5);
    book_replace(rig, 1, 100, MR_BOOK_BASIS_OPEN, 6);
    book_next_replaced(rig, 1, 100, 6, MR_BOOK_PLACE_LOST);
    book_no_more(rig);
    book_ioc(rig, 3, BUY, 100, 6);
    book_next_accepted(rig, 3);
    book_next_trade(rig, 2, 3, 100, 5);
    book_next_trade(rig, 1, 3, 100, 1);
    book_no_more(rig);
}

static void a_replacement_into_a_cross_trades_at_the_makers_price(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 2);
    book_gtc(rig, 2, BUY, 90, 5);
    book_replace(rig, 2, 110, MR_BOOK_BASIS_OPEN, 5);
    book_next_replaced(rig, 2, 110, 5, MR_BOOK_PLACE_LOST);
    book_next_trade(rig, 1, 2, 100, 2);
    book_no_more(rig);
    book_touch(rig, BUY, 110, 3, 1);
    struct mr_book_order order;
    assert_true(mr_book_order_get(rig->book, INSTRUMENT, 2, &order));
    assert_int_equal(order.filled, 2);
}

static void a_replacement_that_is_filled_is_gone(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 5);
    book_gtc(rig, 2, BUY, 90, 5);
    book_replace(rig, 2, 100, MR_BOOK_BASIS_OPEN, 4);
    book_next_replaced(rig, 2, 100, 4, MR_BOOK_PLACE_LOST);
    book_next_trade(rig, 1, 2, 100, 4);
    book_no_more(rig);
    assert_int_equal(book_cancel(rig, 2), MR_BOOK_UNKNOWN_ORDER);
    book_touch(rig, BUY, 0, 0, 0);
}

static void a_replacement_leaves_its_sibling_untouched(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, BUY, 100, 5);
    book_gtc(rig, 2, BUY, 100, 7);
    book_replace(rig, 1, 99, MR_BOOK_BASIS_OPEN, 5);
    book_next_replaced(rig, 1, 99, 5, MR_BOOK_PLACE_LOST);
    book_no_more(rig);
    book_touch(rig, BUY, 100, 7, 1);
    struct mr_book_level levels[3];
    assert_int_equal(mr_book_depth(rig->book, INSTRUMENT, BUY, levels, 3), 2);
    assert_int_equal(levels[1].price, 99);
    assert_int_equal(levels[1].quantity, 5);
}

static void the_total_basis_counts_what_is_filled(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 10);
    book_ioc(rig, 2, BUY, 100, 4);
    book_replace(rig, 1, 100, MR_BOOK_BASIS_TOTAL, 9);
    book_next_replaced(rig, 1, 100, 5, MR_BOOK_PLACE_KEPT);
    book_no_more(rig);
    book_touch(rig, SELL, 100, 5, 1);
}

static void a_total_at_what_is_filled_cancels(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 10);
    book_ioc(rig, 2, BUY, 100, 4);
    assert_int_equal(book_replace(rig, 1, 105, MR_BOOK_BASIS_TOTAL, 4), 0);
    book_next_cancelled(rig, 1, MR_BOOK_CANCEL_REPLACED, 6);
    book_no_more(rig);
    book_touch(rig, SELL, 0, 0, 0);
}

static void a_replacement_to_a_new_id_keeps_its_place(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 5);
    book_gtc(rig, 2, SELL, 100, 5);
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_ORDER_REPLACE, order_replace, .order = 1, .price = 100,
                                .quantity = 5, .new_order = UINT64_MAX, .instrument = INSTRUMENT,
                                .renumber = MR_BOOK_SWITCH_YES),
                     0);
    const struct mr_book_order_replaced expected = {.order = UINT64_MAX,
                                                    .old_order = 1,
                                                    .price = 100,
                                                    .quantity = 5,
                                                    .instrument = INSTRUMENT,
                                                    .place = MR_BOOK_PLACE_KEPT};
    assert_memory_equal(book_next(rig, MR_BOOK_ORDER_REPLACED), &expected, sizeof expected);
    book_no_more(rig);
    struct mr_book_order order;
    assert_false(mr_book_order_get(rig->book, INSTRUMENT, 1, &order));
    assert_true(mr_book_order_get(rig->book, INSTRUMENT, UINT64_MAX, &order));
    assert_int_equal(book_gtc(rig, 1, SELL, 100, 1), 0); /* the old one is free */
    book_ioc(rig, 3, BUY, 100, 11);
    book_next_accepted(rig, 3);
    book_next_trade(rig, UINT64_MAX, 3, 100, 5);
    book_next_trade(rig, 2, 3, 100, 5);
    book_next_trade(rig, 1, 3, 100, 1);
    book_no_more(rig);
}

static void a_replacement_that_moves_to_a_new_id_trades_under_it(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 2);
    book_gtc(rig, 2, BUY, 90, 5);
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_ORDER_REPLACE, order_replace, .order = 2, .price = 105,
                                .quantity = 5, .new_order = 0, .instrument = INSTRUMENT,
                                .renumber = MR_BOOK_SWITCH_YES),
                     0);
    assert_int_equal(book_next(rig, MR_BOOK_ORDER_REPLACED)->replaced.old_order, 2);
    book_next_trade(rig, 1, 0, 100, 2);
    book_no_more(rig);
    assert_int_equal(book_cancel(rig, 2), MR_BOOK_UNKNOWN_ORDER);
    assert_int_equal(book_cancel(rig, 0), 0);
    book_next_cancelled(rig, 0, MR_BOOK_CANCEL_REQUESTED, 3);
}

/* Its total is too low: it is gone, and the id that it asked for does not matter, taken or not. */
static void a_total_below_what_is_filled_cancels_whatever_new_id_was_asked_for(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 10);
    book_gtc(rig, 2, SELL, 101, 10);
    book_ioc(rig, 3, BUY, 100, 4);
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_ORDER_REPLACE, order_replace, .order = 1, .price = 100,
                                .quantity = 3, .new_order = 2, .instrument = INSTRUMENT,
                                .basis = MR_BOOK_BASIS_TOTAL, .renumber = MR_BOOK_SWITCH_YES),
                     0);
    book_next_cancelled(rig, 1, MR_BOOK_CANCEL_REPLACED, 6);
    book_no_more(rig);
    book_touch(rig, SELL, 101, 10, 1);
}

static void what_was_filled_before_a_replacement_still_counts(void **state)
{
    struct book_rig *rig = *state;
    book_define(rig, 2, 0, 1000, 10);
    book_gtc(rig, 1, SELL, 100, 10);
    book_ioc(rig, 2, BUY, 100, 4);
    book_replace(rig, 1, 101, MR_BOOK_BASIS_OPEN, 8);
    book_ioc(rig, 2, BUY, 101, 2);
    book_replace(rig, 1, 102, MR_BOOK_BASIS_TOTAL, 9);
    book_next_replaced(rig, 1, 102, 3, MR_BOOK_PLACE_LOST);
    book_no_more(rig);
    struct mr_book_order order;
    assert_true(mr_book_order_get(rig->book, INSTRUMENT, 1, &order));
    assert_int_equal(order.filled, 6);
    assert_int_equal(order.open, 3);
}

static void what_an_order_has_taken_counts_as_filled_too(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 4);
    book_gtc(rig, 2, BUY, 100, 7); /* takes 4, and rests with 3 */
    struct mr_book_order order;
    assert_true(mr_book_order_get(rig->book, INSTRUMENT, 2, &order));
    assert_int_equal(order.filled, 4);
    book_gtc(rig, 3, SELL, 101, 1);
    book_replace(rig, 2, 101, MR_BOOK_BASIS_TOTAL, 9); /* takes 1 more */
    book_next_replaced(rig, 2, 101, 5, MR_BOOK_PLACE_LOST);
    book_next_trade(rig, 3, 2, 101, 1);
    book_no_more(rig);
    assert_true(mr_book_order_get(rig->book, INSTRUMENT, 2, &order));
    assert_int_equal(order.filled, 5);
    assert_int_equal(order.open, 4);
    assert_int_equal(book_replace(rig, 2, 101, MR_BOOK_BASIS_TOTAL, 5), 0);
    book_next_cancelled(rig, 2, MR_BOOK_CANCEL_REPLACED, 4);
}

static void a_rejected_replacement_leaves_the_order_where_it_was(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, BUY, 100, 5);
    book_gtc(rig, 2, BUY, 100, 5);
    BOOK_REJECTS(rig, book_replace(rig, 1, 105, MR_BOOK_BASIS_OPEN, 0), MR_BOOK_ZERO_QUANTITY);
    book_only_rejected(rig, 1, MR_BOOK_ZERO_QUANTITY);
    book_ioc(rig, 3, SELL, 100, 1);
    book_next_accepted(rig, 3);
    book_next_trade(rig, 1, 3, 100, 1);
}

/* -- Post-only. -------------------------------------------------------------------------------- */

static uint32_t enter_post(struct book_rig *rig, uint64_t order, enum mr_book_side side,
                           int64_t price, enum mr_book_post post)
{
    return BOOK_NEW(rig, .order = order, .price = price, .quantity = 5, .instrument = INSTRUMENT,
                    .side = (uint8_t)side, .post = (uint8_t)post);
}

static void a_post_only_order_is_priced_one_short_of_the_touch_on_both_sides(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, BUY, 100, 5);
    book_gtc(rig, 2, SELL, 110, 5);
    enter_post(rig, 3, BUY, 115, MR_BOOK_POST_REPRICE);
    assert_int_equal(book_next(rig, MR_BOOK_ORDER_ACCEPTED)->accepted.price, 109);
    enter_post(rig, 4, SELL, INT64_MIN, MR_BOOK_POST_REPRICE);
    book_next_accepted(rig, 4);
    book_no_more(rig);
    book_touch(rig, BUY, 109, 5, 1);
    book_touch(rig, SELL, 110, 10, 2);
}

static void a_post_only_order_without_any_price_left_is_rejected(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, BUY, INT64_MAX, 5);
    BOOK_REJECTS(rig, enter_post(rig, 3, SELL, 0, MR_BOOK_POST_REPRICE), MR_BOOK_WOULD_CROSS);
    book_cancel(rig, 1);
    book_gtc(rig, 1, SELL, INT64_MIN, 5);
    BOOK_REJECTS(rig, enter_post(rig, 3, BUY, 0, MR_BOOK_POST_REPRICE), MR_BOOK_WOULD_CROSS);
}

static void a_post_only_order_is_hit_as_any_other(void **state)
{
    struct book_rig *rig = *state;
    enter_post(rig, 1, BUY, 100, MR_BOOK_POST_REJECT);
    book_ioc(rig, 2, SELL, 100, 5);
    book_next_accepted(rig, 2);
    book_next_trade(rig, 1, 2, 100, 5);
    book_no_more(rig);
}

static void a_replaced_post_only_order_is_still_one(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 110, 5);
    enter_post(rig, 2, BUY, 100, MR_BOOK_POST_REPRICE);
    enter_post(rig, 3, BUY, 100, MR_BOOK_POST_REJECT);
    book_replace(rig, 2, 200, MR_BOOK_BASIS_OPEN, 5);
    book_next_replaced(rig, 2, 109, 5, MR_BOOK_PLACE_LOST);
    book_no_more(rig);
    book_replace(rig, 2, 150, MR_BOOK_BASIS_OPEN, 4);
    book_next_replaced(rig, 2, 109, 4, MR_BOOK_PLACE_KEPT);
    BOOK_REJECTS(rig, book_replace(rig, 3, 110, MR_BOOK_BASIS_OPEN, 5), MR_BOOK_WOULD_CROSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_reduction_at_the_same_price_keeps_its_place),
        SCENARIO(a_replacement_that_changes_nothing_is_answered_and_keeps_its_place),
        SCENARIO(an_increase_at_the_same_price_loses_its_place),
        SCENARIO(a_replacement_into_a_cross_trades_at_the_makers_price),
        SCENARIO(a_replacement_that_is_filled_is_gone),
        SCENARIO(a_replacement_leaves_its_sibling_untouched),
        SCENARIO(the_total_basis_counts_what_is_filled),
        SCENARIO(a_total_at_what_is_filled_cancels),
        SCENARIO(a_replacement_to_a_new_id_keeps_its_place),
        SCENARIO(a_replacement_that_moves_to_a_new_id_trades_under_it),
        SCENARIO(a_total_below_what_is_filled_cancels_whatever_new_id_was_asked_for),
        SCENARIO(what_was_filled_before_a_replacement_still_counts),
        SCENARIO(what_an_order_has_taken_counts_as_filled_too),
        SCENARIO(a_rejected_replacement_leaves_the_order_where_it_was),
        SCENARIO(a_post_only_order_is_priced_one_short_of_the_touch_on_both_sides),
        SCENARIO(a_post_only_order_without_any_price_left_is_rejected),
        SCENARIO(a_post_only_order_is_hit_as_any_other),
        SCENARIO(a_replaced_post_only_order_is_still_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
