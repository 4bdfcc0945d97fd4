/* Everything that can be wrong with a request about orders: each reason exactly, each before all
 * that are checked behind it, and none with any effect. */
#include "tests/core/book_rig.h"

enum { OWN = 7, OTHER = 8, BLOCKED = 9, HALTED = 2, CLOSED = 3, ORDERS = 8, LEVELS = 4 };

/* Instruments 1 to 3 alike, but that two of them are halted and closed. In instrument 1: sellers of
 * 20 at 100 and of four times 10 at 105, orders 1 and 11 to 14; buyers at 50, order 2 of which 10
 * are filled and another, order 4; at 45 the post-only order 3. */
static void open_scene(struct book_rig *rig, const struct mr_book_config *config)
{
    book_open(rig, config);
    for (uint32_t instrument = 1; instrument <= 3; instrument++)
        assert_int_equal(BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define,
                                    .symbol = "TEST", .price_min = -1000, .price_max = 1000,
                                    .quantity_max = 100, .lot = 10, .instrument = instrument,
                                    .tick = 5,
                                    .phase = instrument == HALTED   ? MR_BOOK_PHASE_HALTED
                                             : instrument == CLOSED ? MR_BOOK_PHASE_CLOSED
                                                                    : MR_BOOK_PHASE_CONTINUOUS),
                         0);
    book_own(rig, OWN, 2, BUY, 50, 30, MR_BOOK_STP_ACCOUNT);
    assert_int_equal(book_ioc(rig, 99, SELL, 50, 10), 0);
    book_own(rig, OWN, 4, BUY, 50, 10, MR_BOOK_STP_ACCOUNT);
    assert_int_equal(BOOK_NEW(rig, .order = 3, .account = OWN, .price = 45, .quantity = 20,
                              .instrument = INSTRUMENT, .post = MR_BOOK_POST_REJECT),
                     0);
    book_own(rig, OTHER, 1, SELL, 100, 20, MR_BOOK_STP_ACCOUNT);
    for (uint64_t order = 11; order <= 14; order++)
        book_own(rig, OTHER, order, SELL, 105, 10, MR_BOOK_STP_ACCOUNT);
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = BLOCKED);
    assert_int_equal(mr_book_totals_get(rig->book).orders, ORDERS);
    assert_int_equal(mr_book_totals_get(rig->book).levels, LEVELS);
    book_as(rig, MR_ROLE_USER, 0);
    rig->turn.time_ns = 1000;
}

static struct mr_book_config scene_config(void)
{
    struct mr_book_config config = book_config();
    config.orders_max = 20;
    config.levels_max = 10;
    config.fills_max = 3;
    config.groups_max = 10;
    return config;
}

/* -- order_new. -------------------------------------------------------------------------------- */

/* Makes a request wrong in one way, whatever else is wrong with it. */
struct new_fault {
    uint32_t reason;
    void (*spoil)(struct mr_book_order_new *order);
};

#define FAULT(name, ...)                              \
    static void name(struct mr_book_order_new *order) \
    {                                                 \
        __VA_ARGS__;                                  \
    }

FAULT(no_instrument, order->instrument = 9)
FAULT(no_side, order->side = 2)
FAULT(no_kind, order->kind = 2)
FAULT(no_tif, order->tif = 5)
FAULT(no_post, order->post = 3)
FAULT(no_stp, order->stp = 6)
FAULT(in_halted, order->instrument = HALTED)
FAULT(in_closed, order->instrument = CLOSED)
FAULT(beyond_prices, order->price = 1001)
FAULT(off_tick, order->price = 101)
FAULT(of_nothing, order->quantity = 0)
FAULT(off_lot, order->quantity = 115)
FAULT(too_much, order->quantity = 110)
FAULT(too_much_at_once, order->quantity = 20; order->min_quantity = 30)
FAULT(with_expiry, order->expires_ns = 5)
FAULT(of_blocked, order->account = BLOCKED)
FAULT(twice, order->order = 2)
FAULT(crossing, order->post = MR_BOOK_POST_REJECT; order->price = 100)
FAULT(unfilled, order->tif = MR_BOOK_TIF_FOK; order->price = 100; order->quantity = 40)
FAULT(unmet, order->tif = MR_BOOK_TIF_GTC; order->price = 100; order->quantity = 40;
      order->min_quantity = 30)
FAULT(too_many, order->tif = MR_BOOK_TIF_FOK; order->price = 105; order->quantity = 60)
FAULT(resting, (void)order)

static const struct new_fault new_faults[] = {
    {MR_BOOK_UNKNOWN_INSTRUMENT, no_instrument},
    {MR_BOOK_BAD_SIDE, no_side},
    {MR_BOOK_BAD_KIND, no_kind},
    {MR_BOOK_BAD_TIF, no_tif},
    {MR_BOOK_BAD_POST, no_post},
    {MR_BOOK_BAD_STP, no_stp},
    {MR_BOOK_MARKET_HALTED, in_halted},
    {MR_BOOK_MARKET_CLOSED, in_closed},
    {MR_BOOK_PRICE_OUT_OF_RANGE, beyond_prices},
    {MR_BOOK_OFF_TICK, off_tick},
    {MR_BOOK_ZERO_QUANTITY, of_nothing},
    {MR_BOOK_OFF_LOT, off_lot},
    {MR_BOOK_QUANTITY_TOO_LARGE, too_much},
    {MR_BOOK_BAD_MIN_QUANTITY, too_much_at_once},
    {MR_BOOK_BAD_EXPIRY, with_expiry},
    {MR_BOOK_ACCOUNT_IS_BLOCKED, of_blocked},
    {MR_BOOK_DUPLICATE_ORDER, twice},
    {MR_BOOK_WOULD_CROSS, crossing},
    {MR_BOOK_FOK_UNFILLED, unfilled},
    {MR_BOOK_MIN_QUANTITY_UNMET, unmet},
    {MR_BOOK_FILLS_LIMIT, too_many},
};
enum { NEW_FAULTS = sizeof new_faults / sizeof new_faults[0] };

/* A good order to spoil: it would rest at 40, where nothing is, for an account that has nothing. */
static void spoil_new(struct book_rig *rig, const struct new_fault *later,
                      const struct new_fault *earlier)
{
    rig->request = (union mr_book_request){
        .order_new = {.order = 50, .account = 70, .price = 40, .quantity = 20, .instrument = 1}};
    rig->request.any.type = MR_BOOK_ORDER_NEW;
    later->spoil(&rig->request.order_new);
    earlier->spoil(&rig->request.order_new);
    book_must_reject(rig, earlier->reason);
    assert_int_equal(rig->turn.reports[0].rejected.action, MR_BOOK_ACTION_NEW);
    assert_int_equal(rig->turn.reports[0].rejected.order, rig->request.order_new.order);
    assert_int_equal(rig->turn.reports[0].rejected.instrument, rig->request.order_new.instrument);
}

/* Post-only together with what such an order cannot have is wrong in a way of its own. */
static bool go_together(uint32_t earlier, uint32_t later)
{
    if (later == MR_BOOK_WOULD_CROSS)
        return earlier != MR_BOOK_BAD_MIN_QUANTITY;
    return earlier != MR_BOOK_WOULD_CROSS || later == earlier;
}

static void each_fault_of_a_new_order_comes_before_all_that_are_checked_later(void **state)
{
    (void)state;
    struct book_rig rig;
    struct mr_book_config config = scene_config();
    open_scene(&rig, &config);
    for (uint32_t i = 0; i < NEW_FAULTS; i++) {
        for (uint32_t k = i; k < NEW_FAULTS; k++) {
            if (go_together(new_faults[i].reason, new_faults[k].reason))
                spoil_new(&rig, &new_faults[k], &new_faults[i]);
        }
    }
    book_close(&rig);
}

/* Whatever is full: what is wrong with the order itself comes first. */
static void each_fault_of_a_new_order_comes_before_what_is_full(void **state)
{
    (void)state;
    static const uint32_t full[] = {MR_BOOK_ORDERS_FULL, MR_BOOK_LEVELS_FULL, MR_BOOK_GROUPS_FULL};
    for (uint32_t i = 0; i < 3; i++) {
        struct book_rig rig;
        struct mr_book_config config = scene_config();
        config.orders_max = full[i] == MR_BOOK_ORDERS_FULL ? ORDERS : 20;
        config.levels_max = full[i] == MR_BOOK_LEVELS_FULL ? LEVELS : 10;
        config.groups_max = full[i] == MR_BOOK_GROUPS_FULL ? 3 : 10;
        open_scene(&rig, &config);
        const struct new_fault none = {full[i], resting};
        spoil_new(&rig, &none, &none);
        for (uint32_t k = 0; k < NEW_FAULTS; k++)
            spoil_new(&rig, &none, &new_faults[k]);
        book_close(&rig);
    }
}

/* Of what is full: orders, levels, the level's quantity, groups. */
static void what_is_full_is_told_in_its_order(void **state)
{
    (void)state;
    for (uint32_t fullness = 1; fullness < 8; fullness++) {
        struct book_rig rig;
        struct mr_book_config config = scene_config();
        config.orders_max = (fullness & 1) != 0 ? ORDERS : 20;
        config.levels_max = (fullness & 2) != 0 ? LEVELS : 10;
        config.groups_max = (fullness & 4) != 0 ? 3 : 10;
        open_scene(&rig, &config);
        const struct new_fault none = {(fullness & 1) != 0   ? MR_BOOK_ORDERS_FULL
                                       : (fullness & 2) != 0 ? MR_BOOK_LEVELS_FULL
                                                             : MR_BOOK_GROUPS_FULL,
                                       resting};
        spoil_new(&rig, &none, &none);
        book_close(&rig);
    }
}

static void a_market_order_is_told_what_it_cannot_be(void **state)
{
    (void)state;
    struct book_rig rig;
    struct mr_book_config config = scene_config();
    open_scene(&rig, &config);
#define MARKET(...)                                                                    \
    BOOK_NEW(&rig, .order = 50, .quantity = 20, .instrument = INSTRUMENT, .side = BUY, \
             .kind = MR_BOOK_KIND_MARKET, __VA_ARGS__)
    BOOK_REJECTS(&rig, MARKET(.tif = MR_BOOK_TIF_GTC, .post = 3), MR_BOOK_BAD_TIF);
    BOOK_REJECTS(&rig, MARKET(.tif = MR_BOOK_TIF_DAY), MR_BOOK_BAD_TIF);
    BOOK_REJECTS(&rig, MARKET(.tif = MR_BOOK_TIF_GTD, .expires_ns = 2000), MR_BOOK_BAD_TIF);
    BOOK_REJECTS(&rig, MARKET(.tif = MR_BOOK_TIF_IOC, .post = MR_BOOK_POST_REPRICE, .stp = 6),
                 MR_BOOK_BAD_POST);
    BOOK_REJECTS(&rig, MARKET(.tif = MR_BOOK_TIF_IOC, .expires_ns = 2000), MR_BOOK_BAD_EXPIRY);
    /* Its price is not looked at, whatever it is. */
    assert_int_equal(MARKET(.tif = MR_BOOK_TIF_IOC, .price = 1001), 0);
    book_close(&rig);
}

static void post_only_does_not_go_with_what_must_trade_at_once(void **state)
{
    (void)state;
    struct book_rig rig;
    struct mr_book_config config = scene_config();
    open_scene(&rig, &config);
    for (uint32_t post = MR_BOOK_POST_REJECT; post <= MR_BOOK_POST_REPRICE; post++) {
#define POST(...)                                                                      \
    BOOK_NEW(&rig, .order = 50, .price = 40, .quantity = 20, .instrument = INSTRUMENT, \
             .post = (uint8_t)post, __VA_ARGS__)
        BOOK_REJECTS(&rig, POST(.tif = MR_BOOK_TIF_IOC), MR_BOOK_BAD_POST);
        BOOK_REJECTS(&rig, POST(.tif = MR_BOOK_TIF_FOK), MR_BOOK_BAD_POST);
        BOOK_REJECTS(&rig, POST(.min_quantity = 10), MR_BOOK_BAD_POST);
    }
    book_close(&rig);
}

/* An order that names nothing special, for an instrument that has nothing special, goes a way of
 * its own through the checks. */
static void a_plain_order_is_checked_as_any_other(void **state)
{
    (void)state;
    struct book_rig rig;
    struct mr_book_config config = book_config();
    book_open(&rig, &config);
    assert_int_equal(book_define(&rig, INSTRUMENT, -10, 10, 100), 0);
#define PLAIN(...) BOOK_NEW(&rig, .instrument = INSTRUMENT, __VA_ARGS__)
    for (uint32_t tif = MR_BOOK_TIF_GTC; tif <= MR_BOOK_TIF_IOC; tif++) {
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = (uint8_t)tif, .side = 2), MR_BOOK_BAD_SIDE);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = (uint8_t)tif, .side = 254),
                     MR_BOOK_BAD_SIDE);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = (uint8_t)tif, .kind = 2), MR_BOOK_BAD_KIND);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = 64), MR_BOOK_BAD_TIF);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = (uint8_t)tif, .post = 3), MR_BOOK_BAD_POST);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = (uint8_t)tif, .stp = 6), MR_BOOK_BAD_STP);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 0, .tif = (uint8_t)tif), MR_BOOK_ZERO_QUANTITY);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 101, .tif = (uint8_t)tif), MR_BOOK_QUANTITY_TOO_LARGE);
        BOOK_REJECTS(&rig, PLAIN(.quantity = UINT64_MAX, .tif = (uint8_t)tif),
                     MR_BOOK_QUANTITY_TOO_LARGE);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = (uint8_t)tif, .price = 11),
                     MR_BOOK_PRICE_OUT_OF_RANGE);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = (uint8_t)tif, .price = -11),
                     MR_BOOK_PRICE_OUT_OF_RANGE);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = (uint8_t)tif, .expires_ns = 1),
                     MR_BOOK_BAD_EXPIRY);
        BOOK_REJECTS(&rig, PLAIN(.quantity = 5, .tif = (uint8_t)tif, .min_quantity = 6),
                     MR_BOOK_BAD_MIN_QUANTITY);
    }
    assert_int_equal(PLAIN(.order = 1, .quantity = 100, .price = -10), 0);
    BOOK_REJECTS(&rig, PLAIN(.order = 1, .quantity = 1), MR_BOOK_DUPLICATE_ORDER);
    book_close(&rig);
}

/* -- order_replace and order_cancel. ----------------------------------------------------------- */

struct replace_fault {
    uint32_t reason;
    void (*spoil)(struct mr_book_order_replace *replace);
};

#define REPLACE_FAULT(name, ...)                            \
    static void name(struct mr_book_order_replace *replace) \
    {                                                       \
        __VA_ARGS__;                                        \
    }

REPLACE_FAULT(replace_nowhere, replace->instrument = 9)
REPLACE_FAULT(replace_basis, replace->basis = 2)
REPLACE_FAULT(replace_switch, replace->renumber = 2)
REPLACE_FAULT(replace_halted, replace->instrument = HALTED)
REPLACE_FAULT(replace_closed, replace->instrument = CLOSED)
REPLACE_FAULT(replace_range, replace->price = -1001)
REPLACE_FAULT(replace_tick, replace->price = -51)
REPLACE_FAULT(replace_zero, replace->quantity = 0)
REPLACE_FAULT(replace_lot, replace->quantity = 115)
REPLACE_FAULT(replace_large, replace->quantity = 110)
REPLACE_FAULT(replace_unknown, replace->order = 77)
REPLACE_FAULT(replace_other, replace->account = OTHER)
REPLACE_FAULT(replace_filled, replace->order = 2; replace->quantity = 100)
REPLACE_FAULT(replace_twice, replace->renumber = MR_BOOK_SWITCH_YES; replace->new_order = 1)
REPLACE_FAULT(replace_crossing, replace->order = 3; replace->price = 100)

static const struct replace_fault replace_faults[] = {
    {MR_BOOK_UNKNOWN_INSTRUMENT, replace_nowhere},
    {MR_BOOK_BAD_BASIS, replace_basis},
    {MR_BOOK_BAD_SWITCH, replace_switch},
    {MR_BOOK_MARKET_HALTED, replace_halted},
    {MR_BOOK_MARKET_CLOSED, replace_closed},
    {MR_BOOK_PRICE_OUT_OF_RANGE, replace_range},
    {MR_BOOK_OFF_TICK, replace_tick},
    {MR_BOOK_ZERO_QUANTITY, replace_zero},
    {MR_BOOK_OFF_LOT, replace_lot},
    {MR_BOOK_QUANTITY_TOO_LARGE, replace_large},
    {MR_BOOK_UNKNOWN_ORDER, replace_unknown},
    {MR_BOOK_NOT_OWNER, replace_other},
    {MR_BOOK_QUANTITY_TOO_LARGE, replace_filled},
    {MR_BOOK_DUPLICATE_ORDER, replace_twice},
    {MR_BOOK_WOULD_CROSS, replace_crossing},
};
enum { REPLACE_FAULTS = sizeof replace_faults / sizeof replace_faults[0] };

/* Order 2, which would move to 60, where nothing is. */
static void spoil_replace(struct book_rig *rig, uint32_t later, uint32_t earlier)
{
    rig->request = (union mr_book_request){
        .order_replace = {
            .order = 2, .account = OWN, .price = 60, .quantity = 20, .instrument = 1}};
    rig->request.any.type = MR_BOOK_ORDER_REPLACE;
    if (later < REPLACE_FAULTS)
        replace_faults[later].spoil(&rig->request.order_replace);
    if (earlier < REPLACE_FAULTS)
        replace_faults[earlier].spoil(&rig->request.order_replace);
    book_must_reject(rig, earlier < REPLACE_FAULTS ? replace_faults[earlier].reason
                                                   : MR_BOOK_LEVELS_FULL);
    assert_int_equal(rig->turn.reports[0].rejected.action, MR_BOOK_ACTION_REPLACE);
    assert_int_equal(rig->turn.reports[0].rejected.order, rig->request.order_replace.order);
}

static void each_fault_of_a_replacement_comes_before_all_that_are_checked_later(void **state)
{
    (void)state;
    struct book_rig rig;
    struct mr_book_config config = scene_config();
    open_scene(&rig, &config);
    for (uint32_t i = 0; i < REPLACE_FAULTS; i++) {
        for (uint32_t k = i; k < REPLACE_FAULTS; k++)
            spoil_replace(&rig, k, i);
    }
    book_close(&rig);
    config.levels_max = LEVELS;
    open_scene(&rig, &config);
    for (uint32_t i = 0; i <= REPLACE_FAULTS; i++)
        spoil_replace(&rig, REPLACE_FAULTS, i);
    book_close(&rig);
}

static void each_fault_of_a_cancel_has_its_own_reason(void **state)
{
    (void)state;
    struct book_rig rig;
    struct mr_book_config config = scene_config();
    open_scene(&rig, &config);
#define CANCEL(of, by, in)                                                               \
    BOOK_APPLY(&rig, MR_BOOK_ORDER_CANCEL, order_cancel, .order = (of), .account = (by), \
               .instrument = (in))
    BOOK_REJECTS(&rig, CANCEL(77, OTHER, 9), MR_BOOK_UNKNOWN_INSTRUMENT);
    BOOK_REJECTS(&rig, CANCEL(77, OTHER, 1), MR_BOOK_UNKNOWN_ORDER);
    BOOK_REJECTS(&rig, CANCEL(2, OTHER, 1), MR_BOOK_NOT_OWNER);
    BOOK_REJECTS(&rig, CANCEL(2, 0, 1), MR_BOOK_NOT_OWNER);
    assert_int_equal(rig.turn.reports[0].rejected.action, MR_BOOK_ACTION_CANCEL);
    book_as(&rig, MR_ROLE_OPERATOR, 0);
    BOOK_REJECTS(&rig, CANCEL(2, OTHER, 2), MR_BOOK_UNKNOWN_ORDER); /* also where it is halted */
    assert_int_equal(CANCEL(2, OTHER, 1), 0);
    book_close(&rig);
}

/* What is checked before a request is rejected leaves nothing behind, ever. */
static void the_good_ones_are_accepted(void **state)
{
    (void)state;
    struct book_rig rig;
    struct mr_book_config config = scene_config();
    open_scene(&rig, &config);
    assert_int_equal(BOOK_NEW(&rig, .order = 50, .account = 70, .price = 40, .quantity = 20,
                              .instrument = INSTRUMENT),
                     0);
    assert_int_equal(BOOK_APPLY(&rig, MR_BOOK_ORDER_REPLACE, order_replace, .order = 2,
                                .account = OWN, .price = 60, .quantity = 20,
                                .instrument = INSTRUMENT),
                     0);
    book_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_of_a_new_order_comes_before_all_that_are_checked_later),
        cmocka_unit_test(each_fault_of_a_new_order_comes_before_what_is_full),
        cmocka_unit_test(what_is_full_is_told_in_its_order),
        cmocka_unit_test(a_market_order_is_told_what_it_cannot_be),
        cmocka_unit_test(post_only_does_not_go_with_what_must_trade_at_once),
        cmocka_unit_test(a_plain_order_is_checked_as_any_other),
        cmocka_unit_test(each_fault_of_a_replacement_comes_before_all_that_are_checked_later),
        cmocka_unit_test(each_fault_of_a_cancel_has_its_own_reason),
        cmocka_unit_test(the_good_ones_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
