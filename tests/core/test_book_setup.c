/* Instruments, ticks, lots, phases and accounts: what can be set up, and each thing that can be
 * wrong with it, one before the other. */
#include "tests/core/book_rig.h"

/* -- Instruments. ------------------------------------------------------------------------------ */

struct define_fault {
    uint32_t reason;
    void (*spoil)(struct mr_book_instrument_define *define);
};

#define FAULT(name, ...)                                       \
    static void name(struct mr_book_instrument_define *define) \
    {                                                          \
        __VA_ARGS__;                                           \
    }

FAULT(of_no_phase, define->phase = 3)
FAULT(without_symbol, memset(define->symbol, 0, 16))
FAULT(upside_down, define->price_min = 11)
FAULT(with_many_decimals, define->quantity_decimals = 19)
FAULT(with_two_ticks, define->tick = 5; define->tick_table = 2)
FAULT(twice, define->instrument = 1)
FAULT(one_too_many, (void)define)
FAULT(of_no_table, define->tick = 0; define->tick_table = 2)

static const struct define_fault define_faults[] = {
    {MR_BOOK_BAD_PHASE, of_no_phase},         {MR_BOOK_BAD_SYMBOL, without_symbol},
    {MR_BOOK_BAD_RANGE, upside_down},         {MR_BOOK_BAD_DECIMALS, with_many_decimals},
    {MR_BOOK_BAD_TICK, with_two_ticks},       {MR_BOOK_INSTRUMENT_EXISTS, twice},
    {MR_BOOK_INSTRUMENTS_FULL, one_too_many}, {MR_BOOK_UNKNOWN_TICK_TABLE, of_no_table},
};
enum { DEFINE_FAULTS = sizeof define_faults / sizeof define_faults[0] };

static union mr_book_request good_define(void)
{
    union mr_book_request request = {
        .instrument_define = {
            .symbol = "SECOND", .price_max = 10, .quantity_max = 10, .instrument = 2}};
    request.any.type = MR_BOOK_INSTRUMENT_DEFINE;
    return request;
}

static void each_fault_of_a_definition_comes_before_all_that_are_checked_later(void **state)
{
    (void)state;
    for (uint32_t full = 0; full <= 1; full++) {
        struct book_rig rig;
        struct mr_book_config config = book_config();
        config.instruments_max = full != 0 ? 1 : 2;
        book_open(&rig, &config);
        book_define(&rig, 1, 0, 10, 10);
        for (uint32_t i = 0; i < DEFINE_FAULTS; i++) {
            for (uint32_t k = i; k < DEFINE_FAULTS; k++) {
                /* What is full is so for all; the room of the other book is not. */
                if ((full != 0) != (define_faults[i].reason == MR_BOOK_INSTRUMENTS_FULL ||
                                    define_faults[k].reason == MR_BOOK_INSTRUMENTS_FULL))
                    continue;
                rig.request = good_define();
                define_faults[k].spoil(&rig.request.instrument_define);
                define_faults[i].spoil(&rig.request.instrument_define);
                book_must_reject(&rig, define_faults[i].reason);
                assert_int_equal(rig.turn.reports[0].setup_rejected.action,
                                 MR_BOOK_ACTION_INSTRUMENT_DEFINE);
                assert_int_equal(rig.turn.reports[0].setup_rejected.subject,
                                 rig.request.instrument_define.instrument);
            }
        }
        rig.request = good_define();
        assert_int_equal(book_apply(&rig), full != 0 ? MR_BOOK_INSTRUMENTS_FULL : 0);
        book_close(&rig);
    }
}

static void a_symbol_is_printable_and_padded_with_zeros(void **state)
{
    static const char bad[][17] = {"\0ABCDEFGHIJKLMNO", "A B\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                   "AB\0C\0\0\0\0\0\0\0\0\0\0\0\0",
                                   "AB\x80\0\0\0\0\0\0\0\0\0\0\0\0\0"};
    struct book_rig *rig = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig->request = good_define();
        memcpy(rig->request.instrument_define.symbol, bad[i], 16);
        book_must_reject(rig, MR_BOOK_BAD_SYMBOL);
    }
    rig->request = good_define();
    memcpy(rig->request.instrument_define.symbol, "ABCDEFGHIJKLMNOP", 16);
    assert_int_equal(book_apply(rig), 0);
}

static void a_range_holds_at_least_one_price_and_one_lot(void **state)
{
    struct book_rig *rig = *state;
    rig->request = good_define();
    rig->request.instrument_define.lot = 11;
    book_must_reject(rig, MR_BOOK_BAD_RANGE);
    rig->request.instrument_define.quantity_max = 0;
    rig->request.instrument_define.lot = 0;
    book_must_reject(rig, MR_BOOK_BAD_RANGE);
    rig->request = good_define();
    rig->request.instrument_define.lot = 10;
    rig->request.instrument_define.price_min = 10;
    assert_int_equal(book_apply(rig), 0);
    assert_int_equal(BOOK_NEW(rig, .order = 1, .price = 10, .quantity = 10, .instrument = 2), 0);
}

static void updates_and_phases_are_checked(void **state)
{
    struct book_rig *rig = *state;
#define UPDATE(...) BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update, __VA_ARGS__)
    BOOK_REJECTS(rig, UPDATE(.instrument = 9, .top = 2), MR_BOOK_UNKNOWN_INSTRUMENT);
    BOOK_REJECTS(rig, UPDATE(.instrument = 1, .top = 2, .day_end = 86400), MR_BOOK_BAD_SWITCH);
    BOOK_REJECTS(rig, UPDATE(.instrument = 1, .day_end = 86400), MR_BOOK_BAD_TIME_OF_DAY);
    BOOK_REJECTS(rig, UPDATE(.instrument = 1, .day_end = UINT32_MAX), MR_BOOK_BAD_TIME_OF_DAY);
    assert_int_equal(UPDATE(.instrument = 1, .day_end = 86399), 0);
#define PHASE(...) BOOK_APPLY(rig, MR_BOOK_PHASE_SET, phase_set, __VA_ARGS__)
    BOOK_REJECTS(rig, PHASE(.instrument = 9, .phase = 3), MR_BOOK_UNKNOWN_INSTRUMENT);
    BOOK_REJECTS(rig, PHASE(.instrument = 1, .phase = 3), MR_BOOK_BAD_PHASE);
    assert_int_equal(PHASE(.instrument = 1, .phase = MR_BOOK_PHASE_CLOSED), 0);
    struct mr_book_instrument instrument;
    assert_true(mr_book_instrument_get(rig->book, 1, &instrument));
    assert_int_equal(instrument.definition.phase, MR_BOOK_PHASE_CLOSED);
    assert_int_equal(instrument.update.day_end, 86399);
}

static void accounts_are_checked(void **state)
{
    struct book_rig *rig = *state;
#define DEFINE(...) BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, __VA_ARGS__)
    BOOK_REJECTS(rig, DEFINE(.account = 0, .stp = 6), MR_BOOK_BAD_STP);
    BOOK_REJECTS(rig, DEFINE(.account = 0, .stp = 1), MR_BOOK_BAD_ACCOUNT);
    BOOK_REJECTS(rig, BOOK_APPLY(rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = 0),
                 MR_BOOK_BAD_ACCOUNT);
    BOOK_REJECTS(rig, BOOK_APPLY(rig, MR_BOOK_ACCOUNT_UNBLOCK, account_unblock, .account = 0),
                 MR_BOOK_BAD_ACCOUNT);
    struct mr_book_account account;
    assert_false(mr_book_account_get(rig->book, 7, &account));
    assert_int_equal(DEFINE(.account = 7, .stp = MR_BOOK_STP_DECREMENT), 0);
    assert_true(mr_book_account_get(rig->book, 7, &account));
    assert_int_equal(account.stp, MR_BOOK_STP_DECREMENT);
    assert_false(account.blocked);
}

/* -- Ticks and lots. --------------------------------------------------------------------------- */

static uint32_t add_band(struct book_rig *rig, uint16_t table, int64_t from, uint32_t tick)
{
    return BOOK_APPLY(rig, MR_BOOK_TICK_BAND_ADD, tick_band_add, .tick_table = table, .from = from,
                      .tick = tick);
}

static uint32_t define_with_table(struct book_rig *rig, uint32_t instrument, uint16_t table)
{
    return BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "TABLE",
                      .price_min = -1000, .price_max = 1000, .quantity_max = 10,
                      .instrument = instrument, .tick_table = table);
}

static uint32_t enter(struct book_rig *rig, uint32_t instrument, int64_t price, uint64_t quantity)
{
    uint32_t reason =
        BOOK_NEW(rig, .order = 1, .price = price, .quantity = quantity, .instrument = instrument);
    if (reason == 0)
        BOOK_APPLY(rig, MR_BOOK_ORDER_CANCEL, order_cancel, .order = 1, .instrument = instrument);
    return reason;
}

static void each_band_has_its_tick_and_the_first_reaches_down(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(add_band(rig, 2, -100, 10), 0);
    assert_int_equal(add_band(rig, 2, 0, 1), 0);
    assert_int_equal(add_band(rig, 2, 103, 25), 0);
    assert_int_equal(define_with_table(rig, 2, 2), 0);
    static const int64_t good[] = {-1000, -110, -100, -90, -10, 0, 1, 99, 102, 125, 150, 1000};
    static const int64_t bad[] = {-999, -101, -95, -1, 103, 104, 124, 126, 999};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(enter(rig, 2, good[i], 1), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(enter(rig, 2, bad[i], 1), MR_BOOK_OFF_TICK);
}

static void each_fault_of_a_band_comes_before_all_that_are_checked_later(void **state)
{
    struct book_rig *rig = *state;
    for (int64_t from = 0; from < MR_BOOK_TICK_BANDS_MAX; from++)
        assert_int_equal(add_band(rig, 1, from, 1), 0);
    BOOK_REJECTS(rig, add_band(rig, 5, 0, 0), MR_BOOK_BAD_TICK);
    BOOK_REJECTS(rig, add_band(rig, 5, 0, 1), MR_BOOK_UNKNOWN_TICK_TABLE);
    BOOK_REJECTS(rig, add_band(rig, 0, 0, 1), MR_BOOK_UNKNOWN_TICK_TABLE);
    BOOK_REJECTS(rig, add_band(rig, 1, 31, 1), MR_BOOK_BAD_TICK);
    BOOK_REJECTS(rig, add_band(rig, 1, 40, 1), MR_BOOK_TICK_TABLE_FULL);
    BOOK_REJECTS(rig, define_with_table(rig, 2, 3), MR_BOOK_UNKNOWN_TICK_TABLE);
    BOOK_REJECTS(rig, define_with_table(rig, 2, UINT16_MAX), MR_BOOK_UNKNOWN_TICK_TABLE);
    assert_int_equal(define_with_table(rig, 2, 1), 0);
    BOOK_REJECTS(rig, add_band(rig, 1, 40, 0), MR_BOOK_BAD_TICK);
    BOOK_REJECTS(rig, add_band(rig, 1, 40, 1), MR_BOOK_TICK_TABLE_IN_USE);
    assert_int_equal(rig->turn.reports[0].setup_rejected.subject, 1);
}

static void a_repriced_order_stays_on_the_ticks_of_where_it_lands(void **state)
{
    struct book_rig *rig = *state;
    add_band(rig, 1, 0, 7);
    add_band(rig, 1, 100, 10);
    assert_int_equal(define_with_table(rig, 2, 1), 0);
#define POST(of, on, at)                                                                      \
    BOOK_NEW(rig, .order = (of), .side = (on), .price = (at), .quantity = 1, .instrument = 2, \
             .post = MR_BOOK_POST_REPRICE)
    assert_int_equal(POST(1, SELL, 100), 0);
    assert_int_equal(POST(2, BUY, 200), 0); /* the last multiple of 7 below 100 */
    assert_int_equal(book_next(rig, MR_BOOK_ORDER_ACCEPTED)->accepted.price, 98);
    assert_int_equal(POST(3, SELL, 91), 0); /* and up again, into the other band */
    assert_int_equal(book_next(rig, MR_BOOK_ORDER_ACCEPTED)->accepted.price, 100);
}

/* Below zero, and below where the first band begins. */
static void a_repriced_order_stays_on_ticks_below_zero(void **state)
{
    struct book_rig *rig = *state;
    add_band(rig, 1, -50, 7);
    add_band(rig, 1, 0, 10);
    assert_int_equal(define_with_table(rig, 2, 1), 0);
    assert_int_equal(POST(1, SELL, -70), 0);
    assert_int_equal(POST(2, BUY, 200), 0);
    assert_int_equal(book_next(rig, MR_BOOK_ORDER_ACCEPTED)->accepted.price, -77);
    assert_int_equal(POST(3, SELL, -1000 + 6), 0);
    assert_int_equal(book_next(rig, MR_BOOK_ORDER_ACCEPTED)->accepted.price, -70);
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "TICK",
                                .price_min = -1000, .price_max = 1000, .quantity_max = 10,
                                .instrument = 3, .tick = 8),
                     0);
    for (int64_t price = -40; price <= 40; price++)
        assert_int_equal(enter(rig, 3, price, 1), price % 8 == 0 ? 0 : MR_BOOK_OFF_TICK);
}

static void a_lot_divides_quantities_of_orders_and_replacements(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "LOT",
                                .price_max = 100, .quantity_max = 1005, .lot = 10, .instrument = 2),
                     0);
    assert_int_equal(enter(rig, 2, 5, 10), 0);
    assert_int_equal(enter(rig, 2, 5, 1000), 0);
    assert_int_equal(enter(rig, 2, 5, 1005), MR_BOOK_OFF_LOT);
    assert_int_equal(enter(rig, 2, 5, 9), MR_BOOK_OFF_LOT);
    BOOK_NEW(rig, .order = 1, .price = 5, .quantity = 100, .instrument = 2);
    BOOK_NEW(rig, .order = 2, .price = 5, .quantity = 40, .instrument = 2, .side = SELL);
#define REPLACE(on, to)                                                           \
    BOOK_APPLY(rig, MR_BOOK_ORDER_REPLACE, order_replace, .order = 1, .price = 5, \
               .quantity = (to), .instrument = 2, .basis = (on))
    BOOK_REJECTS(rig, REPLACE(MR_BOOK_BASIS_OPEN, 15), MR_BOOK_OFF_LOT);
    BOOK_REJECTS(rig, REPLACE(MR_BOOK_BASIS_TOTAL, 55), MR_BOOK_OFF_LOT);
    assert_int_equal(REPLACE(MR_BOOK_BASIS_TOTAL, 50), 0);
    book_next_replaced(rig, 1, 5, 10, MR_BOOK_PLACE_KEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_of_a_definition_comes_before_all_that_are_checked_later),
        SCENARIO(a_symbol_is_printable_and_padded_with_zeros),
        SCENARIO(a_range_holds_at_least_one_price_and_one_lot),
        SCENARIO(updates_and_phases_are_checked),
        SCENARIO(accounts_are_checked),
        SCENARIO(each_band_has_its_tick_and_the_first_reaches_down),
        SCENARIO(each_fault_of_a_band_comes_before_all_that_are_checked_later),
        SCENARIO(a_repriced_order_stays_on_the_ticks_of_where_it_lands),
        SCENARIO(a_repriced_order_stays_on_ticks_below_zero),
        SCENARIO(a_lot_divides_quantities_of_orders_and_replacements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
