/* The rules of matching, one scenario each. Prices are around 100. */
#include "tests/core/book_rig.h"

/* -- Reports in full. -------------------------------------------------------------------------- */

static void an_instrument_is_announced_as_it_was_defined(void **state)
{
    struct book_rig *rig = *state;
    const struct mr_book_instrument_define define = {.symbol = "BTC-USD",
                                                     .instrument = 77,
                                                     .price_min = -5,
                                                     .price_max = 5,
                                                     .quantity_max = 9,
                                                     .lot = 3,
                                                     .tick = 5,
                                                     .price_decimals = 2,
                                                     .quantity_decimals = 8,
                                                     .phase = MR_BOOK_PHASE_CLOSED};
    rig->request = (union mr_book_request){.instrument_define = define};
    assert_int_equal(book_typed(rig, MR_BOOK_INSTRUMENT_DEFINE), 0);
    /* What is padding of a command holds the type in a report. */
    assert_memory_equal(book_next(rig, MR_BOOK_INSTRUMENT_DEFINED), &define,
                        offsetof(struct mr_book_instrument_define, padding));
    book_no_more(rig);
    struct mr_book_instrument info;
    assert_true(mr_book_instrument_get(rig->book, 77, &info));
    assert_memory_equal(&info.definition, &define, sizeof define);
    assert_false(mr_book_instrument_get(rig->book, 78, &info));
}

static void an_accepted_order_is_told_in_full_and_rests(void **state)
{
    struct book_rig *rig = *state;
    rig->turn.session = 5;
    rig->turn.time_ns = 10;
    assert_int_equal(BOOK_NEW(rig, .order = 7, .account = 1007, .price = -100, .quantity = 3,
                              .instrument = INSTRUMENT, .side = BUY, .tif = MR_BOOK_TIF_GTD,
                              .expires_ns = 11, .post = MR_BOOK_POST_REJECT,
                              .stp = MR_BOOK_STP_CANCEL_BOTH),
                     0);
    const struct mr_book_order_accepted expected = {.order = 7,
                                                    .account = 1007,
                                                    .price = -100,
                                                    .quantity = 3,
                                                    .expires_ns = 11,
                                                    .instrument = INSTRUMENT,
                                                    .side = BUY,
                                                    .kind = MR_BOOK_KIND_LIMIT,
                                                    .tif = MR_BOOK_TIF_GTD,
                                                    .post = MR_BOOK_POST_REJECT,
                                                    .stp = MR_BOOK_STP_CANCEL_BOTH};
    assert_memory_equal(book_next(rig, MR_BOOK_ORDER_ACCEPTED), &expected,
                        offsetof(struct mr_book_order_accepted, padding));
    book_no_more(rig);
    struct mr_book_order order;
    assert_true(mr_book_order_get(rig->book, INSTRUMENT, 7, &order));
    assert_int_equal(order.account, 1007);
    assert_int_equal(order.price, -100);
    assert_int_equal(order.open, 3);
    assert_int_equal(order.filled, 0);
    assert_int_equal(order.side, BUY);
    assert_int_equal(order.expires_ns, 11);
    assert_int_equal(order.session, 5);
    assert_int_equal(order.tif, MR_BOOK_TIF_GTD);
    assert_int_equal(order.post, MR_BOOK_POST_REJECT);
    assert_int_equal(order.stp, MR_BOOK_STP_CANCEL_BOTH);
    assert_false(mr_book_order_get(rig->book, INSTRUMENT, 8, &order));
    assert_false(mr_book_order_get(rig->book, INSTRUMENT + 1, 7, &order));
}

static void a_trade_is_told_in_full(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 5);
    book_gtc(rig, 2, BUY, 103, 3);
    book_next_accepted(rig, 2);
    const struct mr_book_trade expected = {.trade = 1,
                                           .maker = 1,
                                           .taker = 2,
                                           .price = 100,
                                           .quantity = 3,
                                           .maker_remaining = 2,
                                           .taker_remaining = 0,
                                           .instrument = INSTRUMENT,
                                           .side = BUY};
    assert_memory_equal(book_next(rig, MR_BOOK_TRADE), &expected,
                        offsetof(struct mr_book_trade, padding));
    book_no_more(rig);
    book_touch(rig, SELL, 100, 2, 1);
    book_touch(rig, BUY, 0, 0, 0);
}

/* Whatever lay there before: a report is a line of 64 bytes, zeros behind its body. */
static void reports_have_zeros_behind_their_bodies(void **state)
{
    static const unsigned char zeros[64];
    struct book_rig *rig = *state;
    for (uint32_t i = 0; i < 5; i++) {
        memset(rig->turn.reports, 0xaa, 16 * sizeof(union mr_book_report));
        book_gtc(rig, i, i == 3 ? SELL : BUY, 100, 5);
        if (i == 2)
            book_replace(rig, 1, 100, MR_BOOK_BASIS_OPEN, 3);
        if (i == 4)
            book_cancel(rig, 1);
        for (uint64_t n = 0; n < rig->turn.next; n++) {
            const union mr_book_report *report = &rig->turn.reports[n];
            size_t size = mr_catalog_event(mr_logic_book.catalog, report->any.type)->size;
            size = size > 63 ? 63 : size;
            assert_memory_equal(report->any.body + size, zeros, 63 - size);
        }
    }
}

/* -- Priority. --------------------------------------------------------------------------------- */

static void better_prices_trade_first_then_earlier_orders(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 101, 1);
    book_gtc(rig, 2, SELL, 100, 1);
    book_gtc(rig, 3, SELL, 100, 1);
    book_gtc(rig, 4, SELL, 99, 1);
    book_market(rig, MR_BOOK_TIF_IOC, 5, BUY, 4);
    book_next_accepted(rig, 5);
    book_next_trade(rig, 4, 5, 99, 1);
    book_next_trade(rig, 2, 5, 100, 1);
    book_next_trade(rig, 3, 5, 100, 1);
    book_next_trade(rig, 1, 5, 101, 1);
    book_no_more(rig);
}

static void a_sweep_passes_over_cancelled_orders_at_head_and_middle(void **state)
{
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 5; order++)
        book_gtc(rig, order, BUY, 100, order);
    book_cancel(rig, 1);
    book_next_cancelled(rig, 1, MR_BOOK_CANCEL_REQUESTED, 1);
    book_no_more(rig);
    book_cancel(rig, 3);
    book_touch(rig, BUY, 100, 2 + 4 + 5, 3);
    book_ioc(rig, 9, SELL, 100, 100);
    book_next_accepted(rig, 9);
    book_next_trade(rig, 2, 9, 100, 2);
    book_next_trade(rig, 4, 9, 100, 4);
    book_next_trade(rig, 5, 9, 100, 5);
    book_next_cancelled(rig, 9, MR_BOOK_CANCEL_IOC_REMAINDER, 89);
    book_no_more(rig);
    book_touch(rig, BUY, 0, 0, 0);
}

static void an_ioc_that_ends_on_a_level_boundary_leaves_the_next_level_whole(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 2);
    book_gtc(rig, 2, SELL, 100, 3);
    book_gtc(rig, 3, SELL, 101, 4);
    book_gtc(rig, 4, SELL, 102, 5);
    book_ioc(rig, 5, BUY, 102, 9);
    book_next_accepted(rig, 5);
    book_next_trade(rig, 1, 5, 100, 2);
    book_next_trade(rig, 2, 5, 100, 3);
    book_next_trade(rig, 3, 5, 101, 4);
    book_no_more(rig);
    book_touch(rig, SELL, 102, 5, 1);
}

static void an_incoming_order_stops_at_its_own_limit(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 1);
    book_gtc(rig, 2, SELL, 101, 1);
    book_ioc(rig, 3, BUY, 100, 5);
    book_next_accepted(rig, 3);
    book_next_trade(rig, 1, 3, 100, 1);
    book_next_cancelled(rig, 3, MR_BOOK_CANCEL_IOC_REMAINDER, 4);
    book_no_more(rig);
    book_touch(rig, SELL, 101, 1, 1);
}

static void a_gtc_remainder_becomes_the_touch_and_is_hit(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 2);
    book_gtc(rig, 2, BUY, 100, 5);
    book_next_accepted(rig, 2);
    book_next_trade(rig, 1, 2, 100, 2);
    book_no_more(rig);
    book_touch(rig, BUY, 100, 3, 1);
    book_touch(rig, SELL, 0, 0, 0);
    book_gtc(rig, 3, SELL, 99, 3);
    book_next_accepted(rig, 3);
    book_next_trade(rig, 2, 3, 100, 3);
    book_no_more(rig);
    book_touch(rig, BUY, 0, 0, 0);
    book_touch(rig, SELL, 0, 0, 0);
}

static void a_partly_filled_maker_stays_first(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 5);
    book_gtc(rig, 2, SELL, 100, 5);
    book_ioc(rig, 3, BUY, 100, 2);
    book_ioc(rig, 4, BUY, 100, 4);
    book_next_accepted(rig, 4);
    book_next_trade(rig, 1, 4, 100, 3);
    book_next_trade(rig, 2, 4, 100, 1);
    book_no_more(rig);
}

static void no_level_is_left_when_the_best_is_cancelled(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, BUY, 100, 1);
    book_gtc(rig, 2, BUY, 90, 1);
    book_cancel(rig, 1);
    book_touch(rig, BUY, 90, 1, 1);
    book_ioc(rig, 3, SELL, 91, 1);
    book_next_accepted(rig, 3);
    book_next_cancelled(rig, 3, MR_BOOK_CANCEL_IOC_REMAINDER, 1);
    book_no_more(rig);
    assert_int_equal(mr_book_totals_get(rig->book).levels, 1);
}

static void one_order_sweeps_five_thousand(void **state)
{
    (void)state;
    struct book_rig big, *rig = &big;
    struct mr_book_config config = book_config();
    config.orders_max = 5001;
    config.levels_max = 1000;
    config.fills_max = 5000;
    book_open(rig, &config);
    book_define(rig, INSTRUMENT, 0, 10000, 10000);
    for (uint64_t order = 1; order <= 5000; order++)
        assert_int_equal(book_gtc(rig, order, SELL, (int64_t)(order / 7), 1), 0);
    book_gtc(rig, 9999, BUY, 10000, 5001);
    book_next_accepted(rig, 9999);
    for (uint64_t order = 1; order <= 5000; order++)
        book_next_trade(rig, order, 9999, (int64_t)(order / 7), 1);
    book_no_more(rig);
    book_touch(rig, BUY, 10000, 1, 1);
    assert_int_equal(mr_book_totals_get(rig->book).orders, 1);
    assert_int_equal(mr_book_totals_get(rig->book).trades, 5000);
    book_close(rig);
}

/* -- Kinds and times in force. ----------------------------------------------------------------- */

static void a_market_order_into_an_empty_book_is_cancelled_whole(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(book_market(rig, MR_BOOK_TIF_IOC, 1, BUY, 5), 0);
    book_next_accepted(rig, 1);
    book_next_cancelled(rig, 1, MR_BOOK_CANCEL_MARKET_REMAINDER, 5);
    book_no_more(rig);
    assert_int_equal(mr_book_totals_get(rig->book).orders, 0);
}

static void a_market_order_takes_any_price_and_its_own_is_not_looked_at(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, INT64_MAX, 1);
    book_enter(rig, MR_BOOK_KIND_MARKET, MR_BOOK_TIF_IOC, 2, BUY, -77, 1);
    assert_int_equal(book_next(rig, MR_BOOK_ORDER_ACCEPTED)->accepted.price, 0);
    book_next_trade(rig, 1, 2, INT64_MAX, 1);
    book_no_more(rig);
}

static void a_market_order_cannot_rest(void **state)
{
    struct book_rig *rig = *state;
    static const enum mr_book_tif rest[] = {MR_BOOK_TIF_GTC, MR_BOOK_TIF_DAY, MR_BOOK_TIF_GTD};
    for (uint32_t i = 0; i < 3; i++) {
        BOOK_REJECTS(rig, book_market(rig, rest[i], 1, BUY, 5), MR_BOOK_BAD_TIF);
        book_only_rejected(rig, 1, MR_BOOK_BAD_TIF);
    }
}

static void a_fok_order_short_by_one_leaves_no_trace(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, SELL, 100, 2);
    book_gtc(rig, 2, SELL, 101, 3);
    book_gtc(rig, 3, SELL, 102, 3);
    assert_int_equal(book_fok(rig, 4, BUY, 101, 6), MR_BOOK_FOK_UNFILLED);
    book_only_rejected(rig, 4, MR_BOOK_FOK_UNFILLED);
    book_touch(rig, SELL, 100, 2, 1);
    assert_int_equal(book_fok(rig, 4, BUY, 101, 5), 0);
    book_next_accepted(rig, 4);
    book_next_trade(rig, 1, 4, 100, 2);
    book_next_trade(rig, 2, 4, 101, 3);
    book_no_more(rig);
}

static void a_market_fok_order_needs_the_whole_side_at_most(void **state)
{
    struct book_rig *rig = *state;
    book_gtc(rig, 1, BUY, 100, 2);
    book_gtc(rig, 2, BUY, -100, 3);
    assert_int_equal(book_market(rig, MR_BOOK_TIF_FOK, 3, SELL, 6), MR_BOOK_FOK_UNFILLED);
    assert_int_equal(book_market(rig, MR_BOOK_TIF_FOK, 3, SELL, 5), 0);
    book_next_accepted(rig, 3);
    book_next_trade(rig, 1, 3, 100, 2);
    book_next_trade(rig, 2, 3, -100, 3);
    book_no_more(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(an_instrument_is_announced_as_it_was_defined),
        SCENARIO(an_accepted_order_is_told_in_full_and_rests),
        SCENARIO(a_trade_is_told_in_full),
        SCENARIO(reports_have_zeros_behind_their_bodies),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
