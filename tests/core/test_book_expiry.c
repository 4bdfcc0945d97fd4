/* Orders that expire: to the nanosecond, in their order, in counted calls, and however far time
 * leaps. */
#include "tests/core/book_rig.h"

#include "base/random.h"

#define SECOND UINT64_C(1000000000)
#define DAY    (86400 * SECOND)

static uint32_t enter(struct book_rig *rig, enum mr_book_tif tif, uint64_t order,
                      enum mr_book_side side, uint64_t expires_ns)
{
    return BOOK_NEW(rig, .order = order, .price = side == SELL ? 110 : 100, .quantity = order,
                    .instrument = INSTRUMENT, .side = (uint8_t)side, .tif = (uint8_t)tif,
                    .expires_ns = expires_ns);
}

static void set_day_end(struct book_rig *rig, uint32_t seconds)
{
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update,
                                .instrument = INSTRUMENT, .day_end = seconds),
                     0);
}

static void a_gtd_order_lives_until_the_last_nanosecond_before(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(mr_book_expiry_next(rig->book), UINT64_MAX);
    assert_int_equal(enter(rig, MR_BOOK_TIF_GTD, 5, SELL, 1000), 0);
    assert_int_equal(mr_book_expiry_next(rig->book), 1000);
    book_time(rig, 999);
    book_no_more(rig);
    book_touch(rig, SELL, 110, 5, 1);
    book_time(rig, 1000);
    book_next_cancelled(rig, 5, MR_BOOK_CANCEL_EXPIRED, 5);
    book_no_more(rig);
    book_touch(rig, SELL, 0, 0, 0);
    assert_int_equal(mr_book_expiry_next(rig->book), UINT64_MAX);
    assert_int_equal(mr_book_totals_get(rig->book).groups, 0);
}

static void an_expiry_that_is_not_to_come_is_rejected(void **state)
{
    struct book_rig *rig = *state;
    rig->turn.time_ns = 1000;
    BOOK_REJECTS(rig, enter(rig, MR_BOOK_TIF_GTD, 5, SELL, 0), MR_BOOK_BAD_EXPIRY);
    BOOK_REJECTS(rig, enter(rig, MR_BOOK_TIF_GTD, 5, SELL, 999), MR_BOOK_BAD_EXPIRY);
    BOOK_REJECTS(rig, enter(rig, MR_BOOK_TIF_GTD, 5, SELL, 1000), MR_BOOK_BAD_EXPIRY);
    for (uint32_t tif = MR_BOOK_TIF_GTC; tif <= MR_BOOK_TIF_DAY; tif++)
        BOOK_REJECTS(rig, enter(rig, (enum mr_book_tif)tif, 5, SELL, 2000), MR_BOOK_BAD_EXPIRY);
    assert_int_equal(enter(rig, MR_BOOK_TIF_GTD, 5, SELL, 1001), 0);
}

static uint64_t day_order_expires(struct book_rig *rig, uint64_t time_ns)
{
    rig->turn.time_ns = time_ns;
    assert_int_equal(enter(rig, MR_BOOK_TIF_DAY, 5, BUY, 0), 0);
    uint64_t expires_ns = book_next(rig, MR_BOOK_ORDER_ACCEPTED)->accepted.expires_ns;
    assert_int_equal(mr_book_expiry_next(rig->book), expires_ns);
    assert_int_equal(book_cancel(rig, 5), 0);
    return expires_ns;
}

static void a_day_ends_strictly_after_the_order_has_come(void **state)
{
    static const uint32_t ends[] = {0, 1, 43200, 86399};
    struct book_rig *rig = *state;
    uint64_t days = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t end = ends[i] * SECOND;
        set_day_end(rig, ends[i]);
        days += 2 * DAY; /* time rises */
        if (end > 0)
            assert_int_equal(day_order_expires(rig, days), days + end);
        if (end > 0)
            assert_int_equal(day_order_expires(rig, days + end - 1), days + end);
        assert_int_equal(day_order_expires(rig, days + end), days + DAY + end);
        assert_int_equal(day_order_expires(rig, days + end + 1), days + DAY + end);
        assert_int_equal(day_order_expires(rig, days + DAY + end - 1), days + DAY + end);
    }
}

static void a_day_that_ends_beyond_time_ends_with_it(void **state)
{
    struct book_rig *rig = *state;
    set_day_end(rig, 86399);
    uint64_t last = UINT64_MAX / DAY * DAY + 86399 * SECOND; /* does not fit, or is the last one */
    uint64_t expected = last < UINT64_MAX / DAY * DAY ? UINT64_MAX : last;
    assert_int_equal(day_order_expires(rig, UINT64_MAX - 1), expected);
}

static void changing_the_day_does_not_change_orders_that_are_there(void **state)
{
    struct book_rig *rig = *state;
    set_day_end(rig, 100);
    assert_int_equal(enter(rig, MR_BOOK_TIF_DAY, 5, BUY, 0), 0);
    set_day_end(rig, 50);
    assert_int_equal(mr_book_expiry_next(rig->book), 100 * SECOND);
    assert_int_equal(enter(rig, MR_BOOK_TIF_DAY, 6, BUY, 0), 0);
    assert_int_equal(mr_book_expiry_next(rig->book), 50 * SECOND);
    book_time(rig, 100 * SECOND);
    book_next_cancelled(rig, 6, MR_BOOK_CANCEL_EXPIRED, 6);
    book_next_cancelled(rig, 5, MR_BOOK_CANCEL_EXPIRED, 5);
    book_no_more(rig);
}

static void closing_a_market_expires_nothing(void **state)
{
    struct book_rig *rig = *state;
    set_day_end(rig, 100);
    enter(rig, MR_BOOK_TIF_DAY, 5, BUY, 0);
    BOOK_APPLY(rig, MR_BOOK_PHASE_SET, phase_set, .instrument = INSTRUMENT,
               .phase = MR_BOOK_PHASE_CLOSED);
    assert_int_equal(rig->turn.next, 1);
    book_touch(rig, BUY, 100, 5, 1);
    book_time(rig, 100 * SECOND); /* while it is closed */
    book_next_cancelled(rig, 5, MR_BOOK_CANCEL_EXPIRED, 5);
}

static void what_expires_goes_by_time_and_then_by_entry(void **state)
{
    static const uint64_t times[] = {50, 20, 50, 90, 20, 10, 50};
    static const uint64_t expected[] = {6, 2, 5, 1, 3, 7, 4};
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 7; order++)
        enter(rig, MR_BOOK_TIF_GTD, order, order % 2 == 0 ? BUY : SELL, times[order - 1]);
    book_time(rig, 1000000 * DAY / 10);
    for (uint32_t i = 0; i < 7; i++)
        book_next_cancelled(rig, expected[i], MR_BOOK_CANCEL_EXPIRED, expected[i]);
    book_no_more(rig);
}

static void a_replacement_keeps_its_expiry_and_a_fill_ends_it(void **state)
{
    struct book_rig *rig = *state;
    enter(rig, MR_BOOK_TIF_GTD, 5, BUY, 1000);
    enter(rig, MR_BOOK_TIF_GTD, 6, BUY, 900);
    book_replace(rig, 5, 101, MR_BOOK_BASIS_OPEN, 9); /* moves */
    book_replace(rig, 6, 100, MR_BOOK_BASIS_OPEN, 3); /* stays */
    assert_int_equal(mr_book_expiry_next(rig->book), 900);
    assert_int_equal(book_ioc(rig, 7, SELL, 100, 12), 0);
    assert_int_equal(mr_book_expiry_next(rig->book), UINT64_MAX);
    book_time(rig, 5000);
    book_no_more(rig);
}

/* A taker that fills some of what would have expired, and rests itself until then. */
static void an_order_can_join_those_whose_last_one_it_fills(void **state)
{
    struct book_rig *rig = *state;
    enter(rig, MR_BOOK_TIF_GTD, 5, BUY, 1000);
    assert_int_equal(BOOK_NEW(rig, .order = 6, .price = 100, .quantity = 7,
                              .instrument = INSTRUMENT, .side = SELL, .tif = MR_BOOK_TIF_GTD,
                              .expires_ns = 1000),
                     0);
    book_touch(rig, SELL, 100, 2, 1);
    assert_int_equal(mr_book_expiry_next(rig->book), 1000);
    book_check(rig);
    book_time(rig, 1000);
    book_next_cancelled(rig, 6, MR_BOOK_CANCEL_EXPIRED, 2);
    book_no_more(rig);
}

/* Times come and go in any order, from anywhere among those that are set. */
static void the_next_expiry_is_the_least_whatever_was_cancelled(void **state)
{
    enum { ORDERS = 56 }; /* as many groups as there can be, nearly */
    struct book_rig *rig = *state;
    struct mr_random random;
    uint64_t times[ORDERS] = {0};
    mr_random_init(&random, 5);
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t order = mr_random_below(&random, ORDERS), least = UINT64_MAX;
        if (times[order] != 0) {
            assert_int_equal(book_cancel(rig, order), 0);
            times[order] = 0;
        } else {
            times[order] = 1 + mr_random_below(&random, 100000);
            assert_int_equal(BOOK_NEW(rig, .order = order, .price = 100, .quantity = 1,
                                      .instrument = INSTRUMENT, .tif = MR_BOOK_TIF_GTD,
                                      .expires_ns = times[order]),
                             0);
        }
        for (uint64_t n = 0; n < ORDERS; n++)
            least = times[n] != 0 && times[n] < least ? times[n] : least;
        assert_int_equal(mr_book_expiry_next(rig->book), least);
        if (i % 500 == 0)
            book_check(rig);
    }
}

static void many_expire_in_counted_calls(void **state)
{
    enum { MANY = 600 };
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= MANY; order++)
        assert_int_equal(enter(rig, MR_BOOK_TIF_GTD, order, BUY, order < 400 ? 77 : 78), 0);
    book_time(rig, 100);
    assert_true(rig->calls >= 3);
    for (uint64_t order = 1; order <= MANY; order++)
        book_next_cancelled(rig, order, MR_BOOK_CANCEL_EXPIRED, order);
    book_no_more(rig);
    assert_int_equal(mr_book_totals_get(rig->book).orders, 0);
}

static void the_top_of_book_follows_what_expires(void **state)
{
    struct book_rig *rig = *state;
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update, .instrument = INSTRUMENT,
               .top = MR_BOOK_SWITCH_YES);
    enter(rig, MR_BOOK_TIF_GTD, 5, BUY, 1000);
    enter(rig, MR_BOOK_TIF_GTD, 6, BUY, 1000);
    enter(rig, MR_BOOK_TIF_GTC, 7, SELL, 0);
    book_time(rig, 1000);
    book_next_cancelled(rig, 5, MR_BOOK_CANCEL_EXPIRED, 5);
    book_next_cancelled(rig, 6, MR_BOOK_CANCEL_EXPIRED, 6);
    const struct mr_book_top_of_book *top = &book_next(rig, MR_BOOK_TOP_OF_BOOK)->top;
    assert_int_equal(top->bid_quantity, 0);
    assert_int_equal(top->ask_quantity, 7);
    book_no_more(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_gtd_order_lives_until_the_last_nanosecond_before),
        SCENARIO(an_expiry_that_is_not_to_come_is_rejected),
        SCENARIO(a_day_ends_strictly_after_the_order_has_come),
        SCENARIO(a_day_that_ends_beyond_time_ends_with_it),
        SCENARIO(changing_the_day_does_not_change_orders_that_are_there),
        SCENARIO(closing_a_market_expires_nothing),
        SCENARIO(what_expires_goes_by_time_and_then_by_entry),
        SCENARIO(a_replacement_keeps_its_expiry_and_a_fill_ends_it),
        SCENARIO(an_order_can_join_those_whose_last_one_it_fills),
        SCENARIO(the_next_expiry_is_the_least_whatever_was_cancelled),
        SCENARIO(many_expire_in_counted_calls),
        SCENARIO(the_top_of_book_follows_what_expires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
