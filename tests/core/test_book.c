/* The rules of the book, one scenario each. Prices are around 100; B orders buy, S orders sell. */
#include "tests/core/book_driver.h"

static int open_book(void **state)
{
    static struct book_driver driver;
    struct mr_book_config config = book_config_small();
    book_open(&driver, &config);
    *state = &driver;
    return book_define(&driver, INSTRUMENT, INT64_MIN, INT64_MAX, UINT64_MAX) == 0 ? 0 : -1;
}

static int close_book(void **state)
{
    book_check(*state);
    book_close(*state);
    return 0;
}

/* What the touch and its first level look like; orders 0: the side is empty. */
static void assert_touch(const struct book_driver *driver, enum mr_book_side side, int64_t price,
                         uint64_t quantity, uint32_t orders)
{
    struct mr_book_level level = {0};
    int64_t best = 0;
    uint32_t count = mr_book_depth(driver->book, INSTRUMENT, side, &level, 1);
    assert_int_equal(count, orders > 0);
    assert_int_equal(mr_book_best(driver->book, INSTRUMENT, side, &best), orders > 0);
    if (orders > 0) {
        assert_int_equal(best, price);
        assert_int_equal(level.price, price);
        assert_int_equal(level.quantity, quantity);
        assert_int_equal(level.orders, orders);
    }
}

/* -- Events in full. --------------------------------------------------------------------------- */

static void an_instrument_is_announced_as_it_was_defined(void **state)
{
    struct book_driver *driver = *state;
    struct book_command command = {
        .header = {.type = MR_BOOK_INSTRUMENT_DEFINE},
        .body.define = {.symbol = "BTC-USD",
                        .instrument = 77,
                        .price_min = -5,
                        .price_max = 5,
                        .quantity_max = 9,
                        .price_decimals = 2,
                        .quantity_decimals = 8},
    };
    assert_int_equal(book_apply(driver, &command), 0);
    assert_memory_equal(book_next(driver, MR_BOOK_INSTRUMENT_DEFINED), &command.body.define,
                        sizeof(command.body.define));
    book_no_more(driver);
    struct mr_book_instrument info;
    assert_true(mr_book_instrument_get(driver->book, 77, &info));
    assert_memory_equal(&info.definition, &command.body.define, sizeof(info.definition));
    assert_false(mr_book_instrument_get(driver->book, 78, &info));
}

static void an_accepted_order_is_told_in_full_and_rests(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 7, BUY, -100, 3);
    const struct mr_book_order_accepted *event = book_next(driver, MR_BOOK_ORDER_ACCEPTED);
    assert_int_equal(event->order, 7);
    assert_int_equal(event->account, 1007);
    assert_int_equal(event->price, -100);
    assert_int_equal(event->quantity, 3);
    assert_int_equal(event->instrument, INSTRUMENT);
    assert_int_equal(event->side, BUY);
    assert_int_equal(event->kind, MR_BOOK_KIND_LIMIT);
    assert_int_equal(event->tif, MR_BOOK_TIF_GTC);
    book_no_more(driver);
    struct mr_book_order order;
    assert_true(mr_book_order_get(driver->book, INSTRUMENT, 7, &order));
    assert_int_equal(order.account, 1007);
    assert_int_equal(order.price, -100);
    assert_int_equal(order.open, 3);
    assert_int_equal(order.filled, 0);
    assert_int_equal(order.side, BUY);
    assert_false(mr_book_order_get(driver->book, INSTRUMENT, 8, &order));
    assert_false(mr_book_order_get(driver->book, INSTRUMENT + 1, 7, &order));
}

static void a_trade_is_told_in_full(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 5);
    book_gtc(driver, 2, BUY, 103, 3);
    book_next_accepted(driver, 2);
    const struct mr_book_trade *event = book_next(driver, MR_BOOK_TRADE);
    assert_int_equal(event->trade, 1);
    assert_int_equal(event->maker, 1);
    assert_int_equal(event->taker, 2);
    assert_int_equal(event->price, 100);
    assert_int_equal(event->quantity, 3);
    assert_int_equal(event->maker_remaining, 2);
    assert_int_equal(event->taker_remaining, 0);
    assert_int_equal(event->instrument, INSTRUMENT);
    assert_int_equal(event->side, BUY);
    book_no_more(driver);
    assert_touch(driver, SELL, 100, 2, 1);
    assert_touch(driver, BUY, 0, 0, 0);
}

static void events_are_chained_within_their_instrument(void **state)
{
    struct book_driver *driver = *state;
    book_define(driver, 2, 0, 10, 10); /* event 2, of another stream */
    book_gtc(driver, 1, SELL, 100, 5);
    book_gtc(driver, 2, BUY, 100, 5);
    const struct mr_event *accepted = (const void *)driver->outbox.bytes;
    const struct mr_event *trade = (const void *)(driver->outbox.bytes + accepted->length);
    assert_int_equal(accepted->number, 4);
    assert_int_equal(accepted->aggregate_kind, MR_BOOK_AGGREGATE_INSTRUMENT);
    assert_int_equal(accepted->aggregate_id, INSTRUMENT);
    assert_int_equal(accepted->aggregate_sequence, 3);
    assert_int_equal(accepted->previous, 3);
    assert_int_equal(accepted->correlation, 4 * 7);
    assert_int_equal(trade->number, 5);
    assert_int_equal(trade->aggregate_sequence, 4);
    assert_int_equal(trade->previous, 4);
    assert_int_equal(trade->sequence, 4);
    assert_int_equal(trade->time_ns, 4000);
}

/* -- Priority. --------------------------------------------------------------------------------- */

static void better_prices_trade_first_then_earlier_orders(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 101, 1);
    book_gtc(driver, 2, SELL, 100, 1);
    book_gtc(driver, 3, SELL, 100, 1);
    book_gtc(driver, 4, SELL, 99, 1);
    book_market(driver, MR_BOOK_TIF_IOC, 5, BUY, 4);
    book_next_accepted(driver, 5);
    book_next_trade(driver, 4, 5, 99, 1);
    book_next_trade(driver, 2, 5, 100, 1);
    book_next_trade(driver, 3, 5, 100, 1);
    book_next_trade(driver, 1, 5, 101, 1);
    book_no_more(driver);
}

static void a_sweep_passes_over_cancelled_orders_at_head_and_middle(void **state)
{
    struct book_driver *driver = *state;
    for (uint64_t order = 1; order <= 5; order++)
        book_gtc(driver, order, BUY, 100, order);
    book_cancel(driver, 1);
    book_next_cancelled(driver, 1, MR_BOOK_CANCEL_REQUESTED, 1);
    book_no_more(driver);
    book_cancel(driver, 3);
    assert_touch(driver, BUY, 100, 2 + 4 + 5, 3);
    book_ioc(driver, 9, SELL, 100, 100);
    book_next_accepted(driver, 9);
    book_next_trade(driver, 2, 9, 100, 2);
    book_next_trade(driver, 4, 9, 100, 4);
    book_next_trade(driver, 5, 9, 100, 5);
    book_next_cancelled(driver, 9, MR_BOOK_CANCEL_IOC_REMAINDER, 89);
    book_no_more(driver);
    assert_touch(driver, BUY, 0, 0, 0);
}

static void an_ioc_that_ends_on_a_level_boundary_leaves_the_next_level_whole(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 2);
    book_gtc(driver, 2, SELL, 100, 3);
    book_gtc(driver, 3, SELL, 101, 4);
    book_gtc(driver, 4, SELL, 102, 5);
    book_ioc(driver, 5, BUY, 102, 9);
    book_next_accepted(driver, 5);
    book_next_trade(driver, 1, 5, 100, 2);
    book_next_trade(driver, 2, 5, 100, 3);
    book_next_trade(driver, 3, 5, 101, 4);
    book_no_more(driver);
    assert_touch(driver, SELL, 102, 5, 1);
}

static void an_incoming_order_stops_at_its_own_limit(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 1);
    book_gtc(driver, 2, SELL, 101, 1);
    book_ioc(driver, 3, BUY, 100, 5);
    book_next_accepted(driver, 3);
    book_next_trade(driver, 1, 3, 100, 1);
    book_next_cancelled(driver, 3, MR_BOOK_CANCEL_IOC_REMAINDER, 4);
    book_no_more(driver);
    assert_touch(driver, SELL, 101, 1, 1);
}

static void a_gtc_remainder_becomes_the_touch_and_is_hit(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 2);
    book_gtc(driver, 2, BUY, 100, 5);
    book_next_accepted(driver, 2);
    book_next_trade(driver, 1, 2, 100, 2);
    book_no_more(driver);
    assert_touch(driver, BUY, 100, 3, 1);
    assert_touch(driver, SELL, 0, 0, 0);
    book_gtc(driver, 3, SELL, 99, 3);
    book_next_accepted(driver, 3);
    book_next_trade(driver, 2, 3, 100, 3);
    book_no_more(driver);
    assert_touch(driver, BUY, 0, 0, 0);
    assert_touch(driver, SELL, 0, 0, 0);
}

static void a_partly_filled_maker_stays_first(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 5);
    book_gtc(driver, 2, SELL, 100, 5);
    book_ioc(driver, 3, BUY, 100, 2);
    book_ioc(driver, 4, BUY, 100, 4);
    book_next_accepted(driver, 4);
    book_next_trade(driver, 1, 4, 100, 3);
    book_next_trade(driver, 2, 4, 100, 1);
    book_no_more(driver);
}

static void no_level_is_left_when_the_best_is_cancelled(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, BUY, 100, 1);
    book_gtc(driver, 2, BUY, 90, 1);
    book_cancel(driver, 1);
    assert_touch(driver, BUY, 90, 1, 1);
    book_ioc(driver, 3, SELL, 91, 1);
    book_next_accepted(driver, 3);
    book_next_cancelled(driver, 3, MR_BOOK_CANCEL_IOC_REMAINDER, 1);
    book_no_more(driver);
    assert_int_equal(mr_book_totals_get(driver->book).levels, 1);
}

static void one_order_sweeps_five_thousand(void **state)
{
    struct book_driver *driver = *state;
    for (uint64_t order = 1; order <= 5000; order++)
        assert_int_equal(book_gtc(driver, order, SELL, (int64_t)(order / 7), 1), 0);
    book_gtc(driver, 9999, BUY, 10000, 5001);
    book_next_accepted(driver, 9999);
    for (uint64_t order = 1; order <= 5000; order++)
        book_next_trade(driver, order, 9999, (int64_t)(order / 7), 1);
    book_no_more(driver);
    assert_touch(driver, BUY, 10000, 1, 1);
    assert_int_equal(mr_book_totals_get(driver->book).orders, 1);
    assert_int_equal(mr_book_totals_get(driver->book).trades, 5000);
}

/* -- Kinds and times in force. ----------------------------------------------------------------- */

static void a_market_order_into_an_empty_book_is_cancelled_whole(void **state)
{
    struct book_driver *driver = *state;
    assert_int_equal(book_market(driver, MR_BOOK_TIF_IOC, 1, BUY, 5), 0);
    book_next_accepted(driver, 1);
    book_next_cancelled(driver, 1, MR_BOOK_CANCEL_MARKET_REMAINDER, 5);
    book_no_more(driver);
    assert_int_equal(mr_book_totals_get(driver->book).orders, 0);
}

static void a_market_order_takes_any_price_and_its_own_is_not_looked_at(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, INT64_MAX, 1);
    book_enter(driver, MR_BOOK_KIND_MARKET, MR_BOOK_TIF_IOC, 2, BUY, -77, 1);
    const struct mr_book_order_accepted *event = book_next(driver, MR_BOOK_ORDER_ACCEPTED);
    assert_int_equal(event->price, 0);
    book_next_trade(driver, 1, 2, INT64_MAX, 1);
    book_no_more(driver);
}

static void a_market_order_cannot_rest(void **state)
{
    struct book_driver *driver = *state;
    assert_int_equal(book_market(driver, MR_BOOK_TIF_GTC, 1, BUY, 5), MR_BOOK_BAD_TIF);
    book_only_rejected(driver, 1, MR_BOOK_BAD_TIF);
}

static void a_fok_order_short_by_one_leaves_no_trace(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 2);
    book_gtc(driver, 2, SELL, 101, 3);
    book_gtc(driver, 3, SELL, 102, 3);
    assert_int_equal(book_fok(driver, 4, BUY, 101, 6), MR_BOOK_FOK_UNFILLED);
    book_only_rejected(driver, 4, MR_BOOK_FOK_UNFILLED);
    assert_touch(driver, SELL, 100, 2, 1);
    assert_int_equal(book_fok(driver, 4, BUY, 101, 5), 0);
    book_next_accepted(driver, 4);
    book_next_trade(driver, 1, 4, 100, 2);
    book_next_trade(driver, 2, 4, 101, 3);
    book_no_more(driver);
}

static void a_market_fok_order_needs_the_whole_side_at_most(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, BUY, 100, 2);
    book_gtc(driver, 2, BUY, -100, 3);
    assert_int_equal(book_market(driver, MR_BOOK_TIF_FOK, 3, SELL, 6), MR_BOOK_FOK_UNFILLED);
    assert_int_equal(book_market(driver, MR_BOOK_TIF_FOK, 3, SELL, 5), 0);
    book_next_accepted(driver, 3);
    book_next_trade(driver, 1, 3, 100, 2);
    book_next_trade(driver, 2, 3, -100, 3);
    book_no_more(driver);
}

/* -- Replace. ---------------------------------------------------------------------------------- */

static void a_reduction_at_the_same_price_keeps_its_place(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 5);
    book_gtc(driver, 2, SELL, 100, 5);
    book_replace(driver, 1, 100, MR_BOOK_BASIS_OPEN, 2);
    book_next_replaced(driver, 1, 100, 2, MR_BOOK_PLACE_KEPT);
    book_no_more(driver);
    book_ioc(driver, 3, BUY, 100, 3);
    book_next_accepted(driver, 3);
    book_next_trade(driver, 1, 3, 100, 2);
    book_next_trade(driver, 2, 3, 100, 1);
    book_no_more(driver);
}

static void a_replacement_that_changes_nothing_is_answered_and_keeps_its_place(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 5);
    book_gtc(driver, 2, SELL, 100, 5);
    assert_int_equal(book_replace(driver, 1, 100, MR_BOOK_BASIS_OPEN, 5), 0);
    book_next_replaced(driver, 1, 100, 5, MR_BOOK_PLACE_KEPT);
    book_no_more(driver);
    book_ioc(driver, 3, BUY, 100, 1);
    book_next_accepted(driver, 3);
    book_next_trade(driver, 1, 3, 100, 1);
}

static void an_increase_at_the_same_price_loses_its_place(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 5);
    book_gtc(driver, 2, SELL, 100, 5);
    book_replace(driver, 1, 100, MR_BOOK_BASIS_OPEN, 6);
    book_next_replaced(driver, 1, 100, 6, MR_BOOK_PLACE_LOST);
    book_no_more(driver);
    book_ioc(driver, 3, BUY, 100, 6);
    book_next_accepted(driver, 3);
    book_next_trade(driver, 2, 3, 100, 5);
    book_next_trade(driver, 1, 3, 100, 1);
    book_no_more(driver);
}

static void a_replacement_into_a_cross_trades_at_the_makers_price(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 2);
    book_gtc(driver, 2, BUY, 90, 5);
    book_replace(driver, 2, 110, MR_BOOK_BASIS_OPEN, 5);
    book_next_replaced(driver, 2, 110, 5, MR_BOOK_PLACE_LOST);
    book_next_trade(driver, 1, 2, 100, 2);
    book_no_more(driver);
    assert_touch(driver, BUY, 110, 3, 1);
    struct mr_book_order order;
    assert_true(mr_book_order_get(driver->book, INSTRUMENT, 2, &order));
    assert_int_equal(order.filled, 2);
}

static void a_replacement_that_is_filled_is_gone(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 5);
    book_gtc(driver, 2, BUY, 90, 5);
    book_replace(driver, 2, 100, MR_BOOK_BASIS_OPEN, 4);
    book_next_replaced(driver, 2, 100, 4, MR_BOOK_PLACE_LOST);
    book_next_trade(driver, 1, 2, 100, 4);
    book_no_more(driver);
    assert_int_equal(book_cancel(driver, 2), MR_BOOK_UNKNOWN_ORDER);
    assert_touch(driver, BUY, 0, 0, 0);
}

static void a_replacement_leaves_its_sibling_untouched(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, BUY, 100, 5);
    book_gtc(driver, 2, BUY, 100, 7);
    book_replace(driver, 1, 99, MR_BOOK_BASIS_OPEN, 5);
    book_next_replaced(driver, 1, 99, 5, MR_BOOK_PLACE_LOST);
    book_no_more(driver);
    assert_touch(driver, BUY, 100, 7, 1);
    struct mr_book_level levels[3];
    assert_int_equal(mr_book_depth(driver->book, INSTRUMENT, BUY, levels, 3), 2);
    assert_int_equal(levels[1].price, 99);
    assert_int_equal(levels[1].quantity, 5);
}

static void the_total_basis_counts_what_is_filled(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 10);
    book_ioc(driver, 2, BUY, 100, 4);
    book_replace(driver, 1, 100, MR_BOOK_BASIS_TOTAL, 9);
    book_next_replaced(driver, 1, 100, 5, MR_BOOK_PLACE_KEPT);
    book_no_more(driver);
    assert_touch(driver, SELL, 100, 5, 1);
}

static void a_total_at_what_is_filled_cancels(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 10);
    book_ioc(driver, 2, BUY, 100, 4);
    assert_int_equal(book_replace(driver, 1, 105, MR_BOOK_BASIS_TOTAL, 4), 0);
    book_next_cancelled(driver, 1, MR_BOOK_CANCEL_REPLACED, 6);
    book_no_more(driver);
    assert_touch(driver, SELL, 0, 0, 0);
}

/* -- Order ids. -------------------------------------------------------------------------------- */

static void a_cancel_after_a_partial_fill_tells_what_was_left(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 10);
    book_ioc(driver, 2, BUY, 100, 4);
    book_cancel(driver, 1);
    book_next_cancelled(driver, 1, MR_BOOK_CANCEL_REQUESTED, 6);
    book_no_more(driver);
}

static void what_is_gone_can_be_neither_cancelled_nor_replaced(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 1);
    book_gtc(driver, 2, BUY, 100, 1);
    for (uint64_t order = 1; order <= 2; order++) {
        assert_int_equal(book_cancel(driver, order), MR_BOOK_UNKNOWN_ORDER);
        book_only_rejected(driver, order, MR_BOOK_UNKNOWN_ORDER);
        assert_int_equal(book_replace(driver, order, 100, MR_BOOK_BASIS_OPEN, 1),
                         MR_BOOK_UNKNOWN_ORDER);
        book_only_rejected(driver, order, MR_BOOK_UNKNOWN_ORDER);
    }
}

static void an_id_is_taken_while_its_order_is_live_and_free_after(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, 2);
    assert_int_equal(book_ioc(driver, 1, BUY, 50, 1), MR_BOOK_DUPLICATE_ORDER);
    book_only_rejected(driver, 1, MR_BOOK_DUPLICATE_ORDER);
    book_cancel(driver, 1);
    assert_int_equal(book_gtc(driver, 1, BUY, 90, 3), 0); /* after a cancel */
    book_ioc(driver, 2, SELL, 90, 3);
    assert_int_equal(book_gtc(driver, 1, SELL, 95, 1), 0); /* after a fill */
    assert_touch(driver, SELL, 95, 1, 1);
    assert_touch(driver, BUY, 0, 0, 0);
}

static void instruments_have_their_own_orders_and_trades(void **state)
{
    struct book_driver *driver = *state;
    book_define(driver, 2, 0, 1000, 10);
    book_gtc(driver, 1, SELL, 100, 1);
    struct book_command command = {
        .header = {.type = MR_BOOK_ORDER_NEW},
        .body.new_order = {.order = 1, .price = 200, .quantity = 1, .instrument = 2, .side = BUY},
    };
    assert_int_equal(book_apply(driver, &command), 0);
    book_next_accepted(driver, 1);
    book_no_more(driver);
    book_ioc(driver, 2, BUY, 100, 1);
    command.body.new_order = (struct mr_book_order_new){
        .order = 2, .price = 200, .quantity = 1, .instrument = 2, .side = SELL};
    book_apply(driver, &command);
    book_next_accepted(driver, 2);
    const struct mr_book_trade *event = book_next(driver, MR_BOOK_TRADE);
    assert_int_equal(event->trade, 1);
    assert_int_equal(event->instrument, 2);
    assert_int_equal(mr_book_totals_get(driver->book).trades, 2);
}

/* -- Extremes. --------------------------------------------------------------------------------- */

static void the_greatest_and_least_prices_are_prices_like_others(void **state)
{
    struct book_driver *driver = *state;
    static const int64_t prices[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    enum { COUNT = sizeof(prices) / sizeof(prices[0]) };
    struct mr_book_level levels[COUNT + 1];
    for (uint64_t i = 0; i < COUNT; i++)
        book_gtc(driver, i, BUY, prices[i], i + 1);
    assert_int_equal(mr_book_depth(driver->book, INSTRUMENT, BUY, levels, COUNT + 1), COUNT);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_int_equal(levels[i].price, prices[COUNT - 1 - i]);
    book_ioc(driver, 100, SELL, INT64_MIN, 1000);
    book_next_accepted(driver, 100);
    for (uint64_t i = COUNT; i-- > 0;)
        book_next_trade(driver, i, 100, prices[i], i + 1);
    book_next_cancelled(driver, 100, MR_BOOK_CANCEL_IOC_REMAINDER, 1000 - 28);
    book_no_more(driver);
}

static void the_greatest_and_least_ids_are_ids_like_others(void **state)
{
    struct book_driver *driver = *state;
    static const uint64_t ids[] = {0, 1, UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX};
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(book_gtc(driver, ids[i], SELL, 100, 1), 0);
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(book_gtc(driver, ids[i], SELL, 100, 1), MR_BOOK_DUPLICATE_ORDER);
        assert_int_equal(book_cancel(driver, ids[i]), 0);
    }
}

static void the_greatest_quantities_are_summed_without_overflow(void **state)
{
    struct book_driver *driver = *state;
    book_gtc(driver, 1, SELL, 100, UINT64_MAX);
    book_gtc(driver, 2, SELL, 100, UINT64_MAX);
    assert_touch(driver, SELL, 100, UINT64_MAX, 2);
    book_fok(driver, 3, BUY, 100, UINT64_MAX);
    book_next_accepted(driver, 3);
    book_next_trade(driver, 1, 3, 100, UINT64_MAX);
    book_no_more(driver);
}

int main(void)
{
#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)
    const struct CMUnitTest tests[] = {
        SCENARIO(an_instrument_is_announced_as_it_was_defined),
        SCENARIO(an_accepted_order_is_told_in_full_and_rests),
        SCENARIO(a_trade_is_told_in_full),
        SCENARIO(events_are_chained_within_their_instrument),
        SCENARIO(better_prices_trade_first_then_earlier_orders),
        SCENARIO(a_sweep_passes_over_cancelled_orders_at_head_and_middle),
        SCENARIO(an_ioc_that_ends_on_a_level_boundary_leaves_the_next_level_whole),
        SCENARIO(an_incoming_order_stops_at_its_own_limit),
        SCENARIO(a_gtc_remainder_becomes_the_touch_and_is_hit),
        SCENARIO(a_partly_filled_maker_stays_first),
        SCENARIO(no_level_is_left_when_the_best_is_cancelled),
        SCENARIO(one_order_sweeps_five_thousand),
        SCENARIO(a_market_order_into_an_empty_book_is_cancelled_whole),
        SCENARIO(a_market_order_takes_any_price_and_its_own_is_not_looked_at),
        SCENARIO(a_market_order_cannot_rest),
        SCENARIO(a_fok_order_short_by_one_leaves_no_trace),
        SCENARIO(a_market_fok_order_needs_the_whole_side_at_most),
        SCENARIO(a_reduction_at_the_same_price_keeps_its_place),
        SCENARIO(a_replacement_that_changes_nothing_is_answered_and_keeps_its_place),
        SCENARIO(an_increase_at_the_same_price_loses_its_place),
        SCENARIO(a_replacement_into_a_cross_trades_at_the_makers_price),
        SCENARIO(a_replacement_that_is_filled_is_gone),
        SCENARIO(a_replacement_leaves_its_sibling_untouched),
        SCENARIO(the_total_basis_counts_what_is_filled),
        SCENARIO(a_total_at_what_is_filled_cancels),
        SCENARIO(a_cancel_after_a_partial_fill_tells_what_was_left),
        SCENARIO(what_is_gone_can_be_neither_cancelled_nor_replaced),
        SCENARIO(an_id_is_taken_while_its_order_is_live_and_free_after),
        SCENARIO(instruments_have_their_own_orders_and_trades),
        SCENARIO(the_greatest_and_least_prices_are_prices_like_others),
        SCENARIO(the_greatest_and_least_ids_are_ids_like_others),
        SCENARIO(the_greatest_quantities_are_summed_without_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
