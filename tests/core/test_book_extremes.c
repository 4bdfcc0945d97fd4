/* Order ids, and the ends of what prices, quantities and ids can be, one scenario each. */
#include "tests/core/book_rig.h"

/* -- Order ids. -------------------------------------------------------------------------------- */

static void a_cancel_after_a_partial_fill_tells_what_was_left(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 10);
    book_ioc(rig, 2, BUY, 100, 4);
    book_cancel(rig, 1);
    book_next_cancelled(rig, 1, MR_BOOK_CANCEL_REQUESTED, 6);
    book_no_more(rig);
}

static void what_is_gone_can_be_neither_cancelled_nor_replaced(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 1);
    book_gtc(rig, 2, BUY, 100, 1);
    for (uint64_t order = 1; order <= 2; order++) {
        assert_int_equal(book_cancel(rig, order), MR_BOOK_UNKNOWN_ORDER);
        book_only_rejected(rig, order, MR_BOOK_UNKNOWN_ORDER);
        assert_int_equal(book_replace(rig, order, 100, MR_BOOK_BASIS_OPEN, 1),
                         MR_BOOK_UNKNOWN_ORDER);
        book_only_rejected(rig, order, MR_BOOK_UNKNOWN_ORDER);
    }
}

static void an_id_is_taken_while_its_order_is_live_and_free_after(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 2);
    assert_int_equal(book_ioc(rig, 1, BUY, 50, 1), MR_BOOK_DUPLICATE_ORDER);
    book_only_rejected(rig, 1, MR_BOOK_DUPLICATE_ORDER);
    book_cancel(rig, 1);
    assert_int_equal(book_gtc(rig, 1, BUY, 90, 3), 0); /* after a cancel */
    book_ioc(rig, 2, SELL, 90, 3);
    assert_int_equal(book_gtc(rig, 1, SELL, 95, 1), 0); /* after a fill */
    book_touch(rig, SELL, 95, 1, 1);
    book_touch(rig, BUY, 0, 0, 0);
}

static void instruments_have_their_own_orders_and_trades(void **state)
{
    struct book_rig *rig = *state;
    book_define(rig, 2, 0, 1000, 10);
    book_gtc(rig, 1, SELL, 100, 1);
    assert_int_equal(
        BOOK_NEW(rig, .order = 1, .price = 200, .quantity = 1, .instrument = 2, .side = BUY), 0);
    book_next_accepted(rig, 1);
    book_no_more(rig);
    book_ioc(rig, 2, BUY, 100, 1);
    BOOK_NEW(rig, .order = 2, .price = 200, .quantity = 1, .instrument = 2, .side = SELL);
    book_next_accepted(rig, 2);
    const struct mr_book_trade *trade = &book_next(rig, MR_BOOK_TRADE)->trade;
    assert_int_equal(trade->trade, 1);
    assert_int_equal(trade->instrument, 2);
    assert_int_equal(mr_book_totals_get(rig->book).trades, 2);
}

/* -- Extremes. --------------------------------------------------------------------------------- */

static void the_greatest_and_least_prices_are_prices_like_others(void **state)
{
    struct book_rig *rig = *state;
    static const int64_t prices[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    enum { COUNT = sizeof(prices) / sizeof(prices[0]) };
    struct mr_book_level levels[COUNT + 1];
    for (uint64_t i = 0; i < COUNT; i++)
        book_gtc(rig, i, BUY, prices[i], i + 1);
    assert_int_equal(mr_book_depth(rig->book, INSTRUMENT, BUY, levels, COUNT + 1), COUNT);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_int_equal(levels[i].price, prices[COUNT - 1 - i]);
    book_ioc(rig, 100, SELL, INT64_MIN, 1000);
    book_next_accepted(rig, 100);
    for (uint64_t i = COUNT; i-- > 0;)
        book_next_trade(rig, i, 100, prices[i], i + 1);
    book_next_cancelled(rig, 100, MR_BOOK_CANCEL_IOC_REMAINDER, 1000 - 28);
    book_no_more(rig);
}

static void the_greatest_and_least_ids_are_ids_like_others(void **state)
{
    struct book_rig *rig = *state;
    static const uint64_t ids[] = {0, 1, UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX};
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(book_gtc(rig, ids[i], SELL, 100, 1), 0);
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(book_gtc(rig, ids[i], SELL, 100, 1), MR_BOOK_DUPLICATE_ORDER);
        assert_int_equal(book_cancel(rig, ids[i]), 0);
    }
}

static void quantities_at_a_price_add_up_to_64_bits_and_no_more(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, UINT64_MAX - 1);
    BOOK_REJECTS(rig, book_gtc(rig, 2, SELL, 100, 2), MR_BOOK_LEVEL_QUANTITY_FULL);
    assert_int_equal(book_gtc(rig, 2, SELL, 100, 1), 0);
    book_touch(rig, SELL, 100, UINT64_MAX, 2);
    BOOK_REJECTS(rig, book_gtc(rig, 3, SELL, 100, UINT64_MAX), MR_BOOK_LEVEL_QUANTITY_FULL);
    assert_int_equal(book_gtc(rig, 3, SELL, 101, UINT64_MAX), 0);
    /* Its own quantity does not stand in its way. */
    assert_int_equal(book_replace(rig, 3, 102, MR_BOOK_BASIS_OPEN, UINT64_MAX), 0);
    BOOK_REJECTS(rig, book_replace(rig, 3, 100, MR_BOOK_BASIS_OPEN, 1),
                 MR_BOOK_LEVEL_QUANTITY_FULL);
    book_fok(rig, 4, BUY, 100, UINT64_MAX);
    book_next_accepted(rig, 4);
    book_next_trade(rig, 1, 4, 100, UINT64_MAX - 1);
    book_next_trade(rig, 2, 4, 100, 1);
    book_no_more(rig);
}

/* More in all than 64 bits hold is still counted right. */
static void a_fok_order_counts_more_than_64_bits_hold(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, UINT64_MAX - 1);
    book_gtc(rig, 2, SELL, 101, UINT64_MAX - 1);
    book_fok(rig, 3, BUY, 101, UINT64_MAX);
    book_next_accepted(rig, 3);
    book_next_trade(rig, 1, 3, 100, UINT64_MAX - 1);
    book_next_trade(rig, 2, 3, 101, 1);
    book_no_more(rig);
    assert_int_equal(book_fok(rig, 3, BUY, 101, UINT64_MAX - 1), MR_BOOK_FOK_UNFILLED);
    assert_int_equal(book_fok(rig, 3, BUY, 101, UINT64_MAX - 2), 0);
}

static void a_replacement_to_the_greatest_quantity_counts_what_is_filled(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 10);
    book_ioc(rig, 2, BUY, 100, 4);
    BOOK_REJECTS(rig, book_replace(rig, 1, 100, MR_BOOK_BASIS_OPEN, UINT64_MAX),
                 MR_BOOK_QUANTITY_TOO_LARGE);
    BOOK_REJECTS(rig, book_replace(rig, 1, 100, MR_BOOK_BASIS_OPEN, UINT64_MAX - 3),
                 MR_BOOK_QUANTITY_TOO_LARGE);
    assert_int_equal(book_replace(rig, 1, 100, MR_BOOK_BASIS_OPEN, UINT64_MAX - 4), 0);
    assert_int_equal(book_replace(rig, 1, 100, MR_BOOK_BASIS_TOTAL, UINT64_MAX), 0);
    book_next_replaced(rig, 1, 100, UINT64_MAX - 4, MR_BOOK_PLACE_KEPT);
}

/* A collar around any price saturates instead of wrapping. */
static void a_collar_reaches_no_further_than_prices_go(void **state)
{
    static const int64_t references[] = {INT64_MIN, INT64_MIN + 1, 0, INT64_MAX - 1, INT64_MAX};
    struct book_rig *rig = *state;
    for (uint32_t i = 0; i < 5; i++) {
        for (uint32_t side = BUY; side <= SELL; side++) {
            assert_int_equal(BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update,
                                        .instrument = INSTRUMENT, .reference = references[i],
                                        .collar = UINT64_MAX),
                             0);
            int64_t price = side == BUY ? INT64_MAX : INT64_MIN;
            book_gtc(rig, 1, side == BUY ? SELL : BUY, price, 1);
            book_market(rig, MR_BOOK_TIF_IOC, 2, (enum mr_book_side)side, 1);
            book_next_accepted(rig, 2);
            book_next_trade(rig, 1, 2, price, 1);
            book_no_more(rig);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_cancel_after_a_partial_fill_tells_what_was_left),
        SCENARIO(what_is_gone_can_be_neither_cancelled_nor_replaced),
        SCENARIO(an_id_is_taken_while_its_order_is_live_and_free_after),
        SCENARIO(instruments_have_their_own_orders_and_trades),
        SCENARIO(the_greatest_and_least_prices_are_prices_like_others),
        SCENARIO(the_greatest_and_least_ids_are_ids_like_others),
        SCENARIO(quantities_at_a_price_add_up_to_64_bits_and_no_more),
        SCENARIO(a_fok_order_counts_more_than_64_bits_hold),
        SCENARIO(a_replacement_to_the_greatest_quantity_counts_what_is_filled),
        SCENARIO(a_collar_reaches_no_further_than_prices_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
