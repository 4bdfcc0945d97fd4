/* Which prices are allowed, against trying them all; and tables, as they grow and are used. */
#include "tests/core/book_rig.h"

#include "base/random.h"
#include "core/book/controls.h"
#include "core/book/instruments.h"

#include <stdio.h>

static uint64_t seed_of_tests(void)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? 1 : strtoull(text, NULL, 10);
    printf("MR_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static uint32_t add_band(struct book_rig *rig, uint16_t table, int64_t from, uint32_t tick)
{
    return BOOK_APPLY(rig, MR_BOOK_TICK_BAND_ADD, tick_band_add, .from = from, .tick = tick,
                      .tick_table = table);
}

static uint32_t define_with(struct book_rig *rig, uint32_t instrument, uint32_t tick,
                            uint16_t table, int64_t price_min, int64_t price_max)
{
    return BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "TICKS",
                      .price_min = price_min, .price_max = price_max, .quantity_max = 100,
                      .instrument = instrument, .tick = tick, .tick_table = table);
}

/* -- Against trying. --------------------------------------------------------------------------- */

struct bands {
    int64_t from[MR_BOOK_TICK_BANDS_MAX];
    uint32_t tick[MR_BOOK_TICK_BANDS_MAX];
    uint32_t count;
};

static bool allowed(const struct bands *bands, int64_t price)
{
    uint32_t tick = bands->tick[0];
    for (uint32_t i = 1; i < bands->count; i++) {
        if (price >= bands->from[i])
            tick = bands->tick[i];
    }
    return price % (int64_t)tick == 0;
}

/* By looking at one price after the other. */
static bool next_allowed(const struct bands *bands, int64_t low, int64_t high, uint8_t side,
                         int64_t price, int64_t *out)
{
    int64_t step = side == BUY ? -1 : 1;
    for (int64_t at = price + step; side == BUY ? at >= low : at <= high; at += step) {
        if (at >= low && at <= high && allowed(bands, at)) {
            *out = at;
            return true;
        }
    }
    return false;
}

static void expect_prices(struct book_rig *rig, const struct bands *bands, int64_t low,
                          int64_t high)
{
    const struct book_instrument *instrument = mr_book_instrument_find(rig->book, INSTRUMENT);
    for (int64_t price = low - 5; price <= high + 5; price++) {
        assert_int_equal(mr_book_price_on_tick(rig->book, instrument, price),
                         allowed(bands, price));
        for (uint8_t side = 0; side < 2; side++) {
            int64_t expected = 0, got = 0;
            bool is_there = next_allowed(bands, low, high, side, price, &expected);
            assert_int_equal(mr_book_price_short_of(rig->book, instrument, side, price, &got),
                             is_there);
            assert_true(!is_there || got == expected);
        }
    }
}

static void open_bands(struct book_rig *rig, const struct bands *bands, int64_t low, int64_t high)
{
    struct mr_book_config config = book_config();
    book_open(rig, &config);
    for (uint32_t i = 0; i < bands->count; i++)
        assert_int_equal(add_band(rig, 3, bands->from[i], bands->tick[i]), 0);
    assert_int_equal(define_with(rig, INSTRUMENT, 0, 3, low, high), 0);
}

/* Bands that no multiple of their tick lies in are among them. */
static void prices_of_a_table_are_those_that_trying_finds(void **state)
{
    struct mr_random random;
    (void)state;
    mr_random_init(&random, seed_of_tests());
    for (uint32_t round = 0; round < 300; round++) {
        struct bands bands = {.count = 1 + (uint32_t)mr_random_below(&random, 6)};
        int64_t from = -60 + (int64_t)mr_random_below(&random, 60);
        for (uint32_t i = 0; i < bands.count; i++) {
            bands.from[i] = from;
            bands.tick[i] = 1 + (uint32_t)mr_random_below(&random, 25);
            from += 1 + (int64_t)mr_random_below(&random, 30);
        }
        int64_t low = -100 + (int64_t)mr_random_below(&random, 100);
        int64_t high = low + (int64_t)mr_random_below(&random, 200);
        struct book_rig rig;
        open_bands(&rig, &bands, low, high);
        expect_prices(&rig, &bands, low, high);
        book_close(&rig);
    }
}

static void prices_of_one_tick_are_its_multiples_on_both_sides_of_zero(void **state)
{
    (void)state;
    for (uint32_t tick = 0; tick <= 7; tick++) {
        struct bands bands = {.count = 1, .tick = {tick == 0 ? 1 : tick}};
        struct mr_book_config config = book_config();
        struct book_rig rig;
        book_open(&rig, &config);
        assert_int_equal(define_with(&rig, INSTRUMENT, tick, 0, -30, 25), 0);
        expect_prices(&rig, &bands, -30, 25);
        book_close(&rig);
    }
}

/* -- Where 64 bits end. ------------------------------------------------------------------------ */

static void expect_short_of(struct book_rig *rig, enum mr_book_side side, int64_t price,
                            bool is_there, int64_t expected)
{
    const struct book_instrument *instrument = mr_book_instrument_find(rig->book, INSTRUMENT);
    int64_t got = 0;
    assert_int_equal(mr_book_price_short_of(rig->book, instrument, (uint8_t)side, price, &got),
                     is_there);
    assert_true(!is_there || got == expected);
}

static void at_the_ends_of_all_prices_nothing_wraps(void **state)
{
    struct mr_book_config config = book_config();
    struct book_rig rig;
    (void)state;
    book_open(&rig, &config);
    assert_int_equal(define_with(&rig, INSTRUMENT, 1000, 0, INT64_MIN, INT64_MAX), 0);
    const int64_t low = INT64_MIN / 1000 * 1000, high = INT64_MAX / 1000 * 1000;
    expect_short_of(&rig, BUY, INT64_MAX, true, high);
    expect_short_of(&rig, SELL, INT64_MIN, true, low);
    expect_short_of(&rig, BUY, INT64_MIN, false, 0);
    expect_short_of(&rig, SELL, INT64_MAX, false, 0);
    expect_short_of(&rig, BUY, low, false, 0);
    expect_short_of(&rig, BUY, low + 1, true, low);
    expect_short_of(&rig, SELL, high, false, 0);
    expect_short_of(&rig, SELL, high - 1, true, high);
    const struct book_instrument *instrument = mr_book_instrument_find(rig.book, INSTRUMENT);
    assert_false(mr_book_price_on_tick(rig.book, instrument, INT64_MIN));
    assert_true(mr_book_price_on_tick(rig.book, instrument, low));
    book_close(&rig);
}

static void bands_may_begin_and_end_where_prices_do(void **state)
{
    static const struct bands bands = {
        .from = {INT64_MIN, -7, INT64_MAX}, .tick = {UINT32_MAX, 1, UINT32_MAX}, .count = 3};
    struct book_rig rig;
    (void)state;
    open_bands(&rig, &bands, INT64_MIN, INT64_MAX);
    expect_short_of(&rig, SELL, INT64_MAX - 1, false, 0); /* the last band has no price */
    expect_short_of(&rig, BUY, INT64_MAX, true, INT64_MAX - 1);
    expect_short_of(&rig, BUY, -7, true, -(int64_t)UINT32_MAX);
    expect_short_of(&rig, SELL, -(int64_t)UINT32_MAX, true, -7);
    expect_short_of(&rig, BUY, INT64_MIN + 1, false, 0);
    book_close(&rig);
}

/* -- Tables. ----------------------------------------------------------------------------------- */

static void tables_grow_until_somebody_uses_them(void **state)
{
    struct mr_book_config config = book_config(); /* with four tables */
    struct book_rig rig;
    (void)state;
    book_open(&rig, &config);
    BOOK_REJECTS(&rig, add_band(&rig, 1, 0, 0), MR_BOOK_BAD_TICK);
    BOOK_REJECTS(&rig, add_band(&rig, 0, 0, 5), MR_BOOK_UNKNOWN_TICK_TABLE);
    BOOK_REJECTS(&rig, add_band(&rig, 5, 0, 5), MR_BOOK_UNKNOWN_TICK_TABLE);
    BOOK_REJECTS(&rig, add_band(&rig, 5, 0, 0), MR_BOOK_BAD_TICK); /* which comes first */
    BOOK_REJECTS(&rig, define_with(&rig, 1, 0, 4, 0, 100), MR_BOOK_UNKNOWN_TICK_TABLE);
    assert_int_equal(add_band(&rig, 4, 10, 5), 0);
    const struct mr_book_tick_band_added *added =
        &book_next(&rig, MR_BOOK_TICK_BAND_ADDED)->tick_band_added;
    assert_int_equal(added->from, 10);
    assert_int_equal(added->tick, 5);
    assert_int_equal(added->tick_table, 4);
    BOOK_REJECTS(&rig, add_band(&rig, 4, 10, 5), MR_BOOK_BAD_TICK); /* not above the last */
    assert_int_equal(add_band(&rig, 4, 11, 1), 0);
    BOOK_REJECTS(&rig, define_with(&rig, 1, 5, 4, 0, 100), MR_BOOK_BAD_TICK); /* both */
    assert_int_equal(define_with(&rig, 1, 0, 4, 0, 100), 0);
    BOOK_REJECTS(&rig, add_band(&rig, 4, 12, 1), MR_BOOK_TICK_TABLE_IN_USE);
    BOOK_REJECTS(&rig, add_band(&rig, 4, 11, 1), MR_BOOK_BAD_TICK); /* which comes first */
    book_close(&rig);
}

static void a_table_has_so_many_bands_and_no_more(void **state)
{
    struct mr_book_config config = book_config();
    struct book_rig rig;
    (void)state;
    book_open(&rig, &config);
    for (int64_t i = 0; i < MR_BOOK_TICK_BANDS_MAX; i++)
        assert_int_equal(add_band(&rig, 1, i * 10, 1), 0);
    BOOK_REJECTS(&rig, add_band(&rig, 1, 10000, 1), MR_BOOK_TICK_TABLE_FULL);
    assert_int_equal(add_band(&rig, 2, 0, 1), 0);
    book_close(&rig);
}

static void orders_off_their_tick_are_refused_by_band(void **state)
{
    struct mr_book_config config = book_config();
    struct book_rig rig;
    (void)state;
    book_open(&rig, &config);
    add_band(&rig, 1, 0, 5);
    add_band(&rig, 1, 100, 10);
    assert_int_equal(define_with(&rig, INSTRUMENT, 0, 1, -50, 1000), 0);
    assert_int_equal(book_gtc(&rig, 1, BUY, -45, 1), 0); /* the first band reaches down */
    assert_int_equal(book_gtc(&rig, 2, BUY, 95, 1), 0);
    assert_int_equal(book_gtc(&rig, 3, SELL, 110, 1), 0);
    BOOK_REJECTS(&rig, book_gtc(&rig, 4, SELL, 105, 1), MR_BOOK_OFF_TICK);
    BOOK_REJECTS(&rig, book_gtc(&rig, 4, BUY, 94, 1), MR_BOOK_OFF_TICK);
    BOOK_REJECTS(&rig, book_replace(&rig, 3, 115, MR_BOOK_BASIS_OPEN, 1), MR_BOOK_OFF_TICK);
    book_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_of_a_table_are_those_that_trying_finds),
        cmocka_unit_test(prices_of_one_tick_are_its_multiples_on_both_sides_of_zero),
        cmocka_unit_test(at_the_ends_of_all_prices_nothing_wraps),
        cmocka_unit_test(bands_may_begin_and_end_where_prices_do),
        cmocka_unit_test(tables_grow_until_somebody_uses_them),
        cmocka_unit_test(a_table_has_so_many_bands_and_no_more),
        cmocka_unit_test(orders_off_their_tick_are_refused_by_band),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
