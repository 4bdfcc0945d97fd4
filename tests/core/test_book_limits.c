/* Everything that has a limit, and everything that can be wrong with a command: a reject with its
 * own reason, after which the book is as it was. */
#include "tests/core/book_driver.h"

#include <millrace/common.h>

static struct mr_book_config tight(void)
{
    struct mr_book_config config = book_config_small();
    config.instruments_max = 2;
    config.orders_max = 4;
    config.levels_max = 3;
    config.fills_max = 3;
    return config;
}

static void open_with(struct book_driver *driver, const struct mr_book_config *config)
{
    book_open(driver, config);
    assert_int_equal(book_define(driver, INSTRUMENT, -1000, 1000, 100), 0);
}

/* The answers to all queries about instrument 1. */
struct view {
    struct mr_book_totals totals;
    struct mr_book_level levels[2][16];
};

static struct view view_of(const struct book_driver *driver)
{
    struct view view;
    memset(&view, 0, sizeof(view));
    view.totals = mr_book_totals_get(driver->book);
    mr_book_depth(driver->book, INSTRUMENT, BUY, view.levels[0], 16);
    mr_book_depth(driver->book, INSTRUMENT, SELL, view.levels[1], 16);
    book_check(driver);
    return view;
}

static void assert_same_view(const struct view *before, const struct view *after)
{
    assert_int_equal(after->totals.trades, before->totals.trades);
    assert_int_equal(after->totals.orders, before->totals.orders);
    assert_int_equal(after->totals.levels, before->totals.levels);
    assert_int_equal(after->totals.instruments, before->totals.instruments);
    for (uint32_t i = 0; i < 32; i++) {
        const struct mr_book_level *one = &before->levels[i / 16][i % 16];
        const struct mr_book_level *other = &after->levels[i / 16][i % 16];
        assert_int_equal(other->price, one->price);
        assert_int_equal(other->quantity, one->quantity);
        assert_int_equal(other->orders, one->orders);
    }
}

#define ASSERT_REJECTS(driver, call, expected)                                                  \
    do {                                                                                        \
        struct view before = view_of(driver);                                                   \
        assert_int_equal(call, expected);                                                       \
        struct view after = view_of(driver);                                                    \
        assert_same_view(&before, &after);                                                      \
        const struct mr_book_order_rejected *event = book_next(driver, MR_BOOK_ORDER_REJECTED); \
        assert_int_equal(event->reason, expected);                                              \
        book_no_more(driver);                                                                   \
    } while (0)

/* -- Limits. ----------------------------------------------------------------------------------- */

static void an_order_beyond_orders_max_cannot_rest_but_can_trade(void **state)
{
    (void)state;
    struct mr_book_config config = tight();
    struct book_driver driver;
    open_with(&driver, &config);
    for (uint64_t order = 1; order <= 4; order++)
        assert_int_equal(book_gtc(&driver, order, SELL, 100, 1), 0);
    ASSERT_REJECTS(&driver, book_gtc(&driver, 5, SELL, 100, 1), MR_BOOK_ORDERS_FULL);
    assert_int_equal(book_ioc(&driver, 5, SELL, 100, 1), 0); /* never rests */
    assert_int_equal(book_gtc(&driver, 5, BUY, 100, 2), 0);  /* is filled */
    assert_int_equal(book_gtc(&driver, 6, BUY, 100, 3), 0);  /* rests in the room that it made */
    assert_int_equal(mr_book_totals_get(driver.book).orders, 1);
    book_check(&driver);
    book_close(&driver);
}

static void a_level_beyond_levels_max_is_refused_but_those_in_use_take_more(void **state)
{
    (void)state;
    struct mr_book_config config = tight();
    struct book_driver driver;
    open_with(&driver, &config);
    for (uint64_t order = 1; order <= 3; order++)
        assert_int_equal(book_gtc(&driver, order, SELL, 100 * (int64_t)order, 1), 0);
    ASSERT_REJECTS(&driver, book_gtc(&driver, 4, BUY, 50, 1), MR_BOOK_LEVELS_FULL);
    assert_int_equal(book_gtc(&driver, 4, SELL, 200, 1), 0);
    ASSERT_REJECTS(&driver, book_replace(&driver, 4, 201, MR_BOOK_BASIS_OPEN, 1),
                   MR_BOOK_LEVELS_FULL);
    assert_int_equal(book_replace(&driver, 4, 300, MR_BOOK_BASIS_OPEN, 1), 0);
    assert_int_equal(book_replace(&driver, 2, 201, MR_BOOK_BASIS_OPEN, 1), 0); /* was alone */
    assert_int_equal(book_replace(&driver, 4, 250, MR_BOOK_BASIS_OPEN, 1), MR_BOOK_LEVELS_FULL);
    assert_int_equal(book_cancel(&driver, 1), 0);
    assert_int_equal(book_gtc(&driver, 5, BUY, 100, 1), 0);
    book_check(&driver);
    book_close(&driver);
}

static void what_would_trade_beyond_fills_max_is_cancelled(void **state)
{
    (void)state;
    struct mr_book_config config = tight();
    struct book_driver driver;
    open_with(&driver, &config);
    for (uint64_t order = 1; order <= 4; order++)
        book_gtc(&driver, order, SELL, 100, 1);
    assert_int_equal(book_gtc(&driver, 9, BUY, 100, 10), 0);
    book_next_accepted(&driver, 9);
    for (uint64_t order = 1; order <= 3; order++)
        book_next_trade(&driver, order, 9, 100, 1);
    book_next_cancelled(&driver, 9, MR_BOOK_CANCEL_FILLS_LIMIT, 7);
    book_no_more(&driver);
    assert_int_equal(mr_book_totals_get(driver.book).orders, 1);
    book_check(&driver);
    book_close(&driver);
}

static void a_remainder_rests_when_fills_max_took_all_there_was(void **state)
{
    (void)state;
    struct mr_book_config config = tight();
    struct book_driver driver;
    open_with(&driver, &config);
    for (uint64_t order = 1; order <= 3; order++)
        book_gtc(&driver, order, SELL, 100, 1);
    book_gtc(&driver, 4, SELL, 101, 1);
    assert_int_equal(book_gtc(&driver, 9, BUY, 100, 10), 0);
    book_next_accepted(&driver, 9);
    for (uint64_t order = 1; order <= 3; order++)
        book_next_trade(&driver, order, 9, 100, 1);
    book_no_more(&driver);
    int64_t best = 0;
    assert_true(mr_book_best(driver.book, INSTRUMENT, BUY, &best));
    assert_int_equal(best, 100);
    book_check(&driver);
    book_close(&driver);
}

static void a_fok_order_that_needs_more_than_fills_max_is_rejected(void **state)
{
    (void)state;
    struct mr_book_config config = tight();
    struct book_driver driver;
    open_with(&driver, &config);
    for (uint64_t order = 1; order <= 4; order++)
        book_gtc(&driver, order, SELL, 100, 1);
    ASSERT_REJECTS(&driver, book_fok(&driver, 9, BUY, 100, 4), MR_BOOK_FILLS_LIMIT);
    assert_int_equal(book_fok(&driver, 9, BUY, 100, 3), 0);
    ASSERT_REJECTS(&driver, book_fok(&driver, 9, BUY, 100, 2), MR_BOOK_FOK_UNFILLED);
    book_close(&driver);
}

static void a_replacement_cut_by_fills_max_is_cancelled(void **state)
{
    (void)state;
    struct mr_book_config config = tight();
    config.fills_max = 1;
    struct book_driver driver;
    open_with(&driver, &config);
    book_gtc(&driver, 1, SELL, 100, 1);
    book_gtc(&driver, 2, SELL, 101, 1);
    book_gtc(&driver, 3, BUY, 90, 5);
    assert_int_equal(book_replace(&driver, 3, 101, MR_BOOK_BASIS_OPEN, 5), 0);
    book_next_replaced(&driver, 3, 101, 5, MR_BOOK_PLACE_LOST);
    book_next_trade(&driver, 1, 3, 100, 1);
    book_next_cancelled(&driver, 3, MR_BOOK_CANCEL_FILLS_LIMIT, 4);
    book_no_more(&driver);
    assert_int_equal(book_cancel(&driver, 3), MR_BOOK_UNKNOWN_ORDER);
    book_check(&driver);
    book_close(&driver);
}

/* -- Bad input. -------------------------------------------------------------------------------- */

/* A good order_new, to spoil. */
static struct book_command good_order(void)
{
    return (struct book_command){
        .header = {.type = MR_BOOK_ORDER_NEW},
        .body.new_order = {.order = 50, .price = 10, .quantity = 5, .instrument = INSTRUMENT},
    };
}

#define ASSERT_SPOILED(driver, spoil, expected)                        \
    do {                                                               \
        struct book_command spoilt = good_order();                     \
        struct mr_book_order_new *order = &spoilt.body.new_order;      \
        spoil;                                                         \
        ASSERT_REJECTS(driver, book_apply(driver, &spoilt), expected); \
    } while (0)

static void each_thing_that_can_be_wrong_with_an_order_has_its_own_reason(void **state)
{
    (void)state;
    struct mr_book_config config = book_config_small();
    struct book_driver driver;
    open_with(&driver, &config);
    ASSERT_SPOILED(&driver, order->instrument = 2, MR_BOOK_UNKNOWN_INSTRUMENT);
    ASSERT_SPOILED(&driver, order->side = 2, MR_BOOK_BAD_SIDE);
    ASSERT_SPOILED(&driver, order->side = 255, MR_BOOK_BAD_SIDE);
    ASSERT_SPOILED(&driver, order->kind = 2, MR_BOOK_BAD_KIND);
    ASSERT_SPOILED(&driver, order->tif = 3, MR_BOOK_BAD_TIF);
    ASSERT_SPOILED(&driver, order->price = 1001, MR_BOOK_PRICE_OUT_OF_RANGE);
    ASSERT_SPOILED(&driver, order->price = -1001, MR_BOOK_PRICE_OUT_OF_RANGE);
    ASSERT_SPOILED(&driver, order->price = INT64_MIN, MR_BOOK_PRICE_OUT_OF_RANGE);
    ASSERT_SPOILED(&driver, order->quantity = 0, MR_BOOK_ZERO_QUANTITY);
    ASSERT_SPOILED(&driver, order->quantity = 101, MR_BOOK_QUANTITY_TOO_LARGE);
    ASSERT_SPOILED(&driver, order->quantity = UINT64_MAX, MR_BOOK_QUANTITY_TOO_LARGE);
    struct book_command good = good_order();
    assert_int_equal(book_apply(&driver, &good), 0);
    ASSERT_SPOILED(&driver, order->price = 11, MR_BOOK_DUPLICATE_ORDER);
    ASSERT_SPOILED(&driver, order->kind = MR_BOOK_KIND_MARKET, MR_BOOK_BAD_TIF);
    book_close(&driver);
}

static void the_limits_of_price_and_quantity_are_within(void **state)
{
    (void)state;
    struct mr_book_config config = book_config_small();
    struct book_driver driver;
    open_with(&driver, &config);
    assert_int_equal(book_gtc(&driver, 1, BUY, -1000, 1), 0);
    assert_int_equal(book_gtc(&driver, 2, SELL, 1000, 100), 0);
    book_close(&driver);
}

static void each_thing_that_can_be_wrong_with_a_replacement_has_its_own_reason(void **state)
{
    (void)state;
    struct mr_book_config config = book_config_small();
    struct book_driver driver;
    open_with(&driver, &config);
    book_gtc(&driver, 1, SELL, 100, 50);
    book_ioc(&driver, 2, BUY, 100, 20);
    ASSERT_REJECTS(&driver, book_replace(&driver, 1, 100, 2, 5), MR_BOOK_BAD_BASIS);
    ASSERT_REJECTS(&driver, book_replace(&driver, 1, 1001, MR_BOOK_BASIS_OPEN, 5),
                   MR_BOOK_PRICE_OUT_OF_RANGE);
    ASSERT_REJECTS(&driver, book_replace(&driver, 1, 100, MR_BOOK_BASIS_OPEN, 0),
                   MR_BOOK_ZERO_QUANTITY);
    ASSERT_REJECTS(&driver, book_replace(&driver, 1, 100, MR_BOOK_BASIS_TOTAL, 101),
                   MR_BOOK_QUANTITY_TOO_LARGE);
    ASSERT_REJECTS(&driver, book_replace(&driver, 1, 100, MR_BOOK_BASIS_OPEN, 81),
                   MR_BOOK_QUANTITY_TOO_LARGE); /* with the 20 that are filled */
    ASSERT_REJECTS(&driver, book_replace(&driver, 2, 100, MR_BOOK_BASIS_OPEN, 1),
                   MR_BOOK_UNKNOWN_ORDER);
    assert_int_equal(book_replace(&driver, 1, 100, MR_BOOK_BASIS_OPEN, 80), 0);
    book_close(&driver);
}

static void a_reject_says_what_was_asked_and_of_whom(void **state)
{
    (void)state;
    struct mr_book_config config = book_config_small();
    struct book_driver driver;
    open_with(&driver, &config);
    static const enum mr_book_action actions[] = {MR_BOOK_ACTION_NEW, MR_BOOK_ACTION_CANCEL,
                                                  MR_BOOK_ACTION_REPLACE};
    for (uint32_t i = 0; i < 3; i++) {
        struct book_command command = {.header = {.type = (uint16_t)(MR_BOOK_ORDER_NEW + i)}};
        if (i == 0)
            command.body.new_order = (struct mr_book_order_new){.order = 9, .instrument = 5};
        else if (i == 1)
            command.body.cancel = (struct mr_book_order_cancel){.order = 9, .instrument = 5};
        else
            command.body.replace = (struct mr_book_order_replace){.order = 9, .instrument = 5};
        assert_int_equal(book_apply(&driver, &command), MR_BOOK_UNKNOWN_INSTRUMENT);
        const struct mr_event *event = (const void *)driver.outbox.bytes;
        assert_int_equal(event->aggregate_kind, 0);
        assert_int_equal(event->aggregate_id, 0);
        assert_int_equal(event->aggregate_sequence, 0);
        const struct mr_book_order_rejected *body = book_next(&driver, MR_BOOK_ORDER_REJECTED);
        assert_int_equal(body->action, actions[i]);
        assert_int_equal(body->instrument, 5);
        assert_int_equal(body->order, 9);
    }
    book_close(&driver);
}

static uint32_t define_spoilt(struct book_driver *driver, const char *symbol, int64_t price_min,
                              uint64_t quantity_max, uint8_t decimals)
{
    struct book_command command = {
        .header = {.type = MR_BOOK_INSTRUMENT_DEFINE},
        .body.define = {.instrument = 2,
                        .price_min = price_min,
                        .price_max = 10,
                        .quantity_max = quantity_max,
                        .price_decimals = decimals},
    };
    memcpy(command.body.define.symbol, symbol, 16);
    return book_apply(driver, &command);
}

static void each_thing_that_can_be_wrong_with_an_instrument_has_its_own_reason(void **state)
{
    (void)state;
    struct mr_book_config config = tight();
    struct book_driver driver;
    open_with(&driver, &config);
    static const char bad[][17] = {"\0ABCDEFGHIJKLMNO", "A B\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                   "AB\0C\0\0\0\0\0\0\0\0\0\0\0\0",
                                   "AB\x80\0\0\0\0\0\0\0\0\0\0\0\0\0"};
    static const char good[17] = "ABCDEFGHIJKLMNOP";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(define_spoilt(&driver, bad[i], 1, 1, 0), MR_BOOK_BAD_SYMBOL);
    assert_int_equal(define_spoilt(&driver, good, 11, 1, 0), MR_BOOK_BAD_RANGE);
    assert_int_equal(define_spoilt(&driver, good, 10, 0, 0), MR_BOOK_BAD_RANGE);
    assert_int_equal(define_spoilt(&driver, good, 10, 1, 19), MR_BOOK_BAD_DECIMALS);
    const struct mr_book_instrument_rejected *event =
        book_next(&driver, MR_BOOK_INSTRUMENT_REJECTED);
    assert_int_equal(event->instrument, 2);
    assert_int_equal(event->reason, MR_BOOK_BAD_DECIMALS);
    book_no_more(&driver);
    assert_int_equal(mr_book_totals_get(driver.book).instruments, 1);
    assert_int_equal(define_spoilt(&driver, good, 10, 1, 18), 0);
    assert_int_equal(define_spoilt(&driver, good, 10, 1, 18), MR_BOOK_INSTRUMENT_EXISTS);
    assert_int_equal(book_define(&driver, 3, 0, 1, 1), MR_BOOK_INSTRUMENTS_FULL);
    assert_int_equal(mr_book_totals_get(driver.book).instruments, 2);
    book_check(&driver);
    book_close(&driver);
}

static void a_command_of_another_type_is_refused(void **state)
{
    (void)state;
    struct mr_book_config config = tight();
    struct book_driver driver;
    open_with(&driver, &config);
    struct book_command command = {.header = {.type = MR_BOOK_ORDER_REPLACE + 1}};
    driver.outbox.used = 0;
    assert_int_equal(mr_logic_book.apply(&driver.context, &command.header), MR_REASON_UNKNOWN_TYPE);
    assert_int_equal(driver.outbox.used, 0);
    book_check(&driver);
    book_close(&driver);
}

static void the_catalog_is_well_formed(void **state)
{
    (void)state;
    const char *flaw = mr_catalog_flaw(mr_logic_book.catalog);
    assert_string_equal(flaw == NULL ? "" : flaw, "");
}

/* -- Configuration. ---------------------------------------------------------------------------- */

static void a_configuration_out_of_range_has_no_state(void **state)
{
    (void)state;
    struct mr_book_config good = book_config_small(), bad;
    assert_true(mr_logic_book.state_size(&good) > 0);
#define BAD(field, value) \
    bad = good;           \
    bad.field = value;    \
    assert_int_equal(mr_logic_book.state_size(&bad), 0)
    BAD(instruments_max, 0);
    BAD(instruments_max, (1 << 20) + 1);
    BAD(orders_max, 0);
    BAD(orders_max, (1 << 26) + 1);
    BAD(levels_max, 0);
    BAD(levels_max, (1 << 22) + 1);
    BAD(fills_max, 0);
    BAD(fills_max, 65001);
}

static void the_largest_configuration_is_within_reach_of_refs(void **state)
{
    (void)state;
    struct mr_book_config config = {.instruments_max = 1 << 20,
                                    .orders_max = 1 << 26,
                                    .levels_max = 1 << 22,
                                    .fills_max = 65000};
    uint64_t size = mr_logic_book.state_size(&config);
    uint64_t ids = ((UINT64_C(2) << 28) - 64) * 8; /* which refs need not reach */
    assert_true(size > ids && size - ids < UINT64_C(8) << 32);
}

static void the_default_image_is_modest(void **state)
{
    (void)state;
    struct mr_book_config config;
    mr_logic_book.config_default(&config);
    assert_true(mr_logic_book.state_size(&config) <= UINT64_C(128) << 20);
    assert_true(mr_logic_book.turn_events_max(&config) <= 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_beyond_orders_max_cannot_rest_but_can_trade),
        cmocka_unit_test(a_level_beyond_levels_max_is_refused_but_those_in_use_take_more),
        cmocka_unit_test(what_would_trade_beyond_fills_max_is_cancelled),
        cmocka_unit_test(a_remainder_rests_when_fills_max_took_all_there_was),
        cmocka_unit_test(a_fok_order_that_needs_more_than_fills_max_is_rejected),
        cmocka_unit_test(a_replacement_cut_by_fills_max_is_cancelled),
        cmocka_unit_test(each_thing_that_can_be_wrong_with_an_order_has_its_own_reason),
        cmocka_unit_test(the_limits_of_price_and_quantity_are_within),
        cmocka_unit_test(each_thing_that_can_be_wrong_with_a_replacement_has_its_own_reason),
        cmocka_unit_test(a_reject_says_what_was_asked_and_of_whom),
        cmocka_unit_test(each_thing_that_can_be_wrong_with_an_instrument_has_its_own_reason),
        cmocka_unit_test(a_command_of_another_type_is_refused),
        cmocka_unit_test(the_catalog_is_well_formed),
        cmocka_unit_test(a_configuration_out_of_range_has_no_state),
        cmocka_unit_test(the_largest_configuration_is_within_reach_of_refs),
        cmocka_unit_test(the_default_image_is_modest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
