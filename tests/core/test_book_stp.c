/* Self-trade prevention: every mode against levels that are partly somebody else's, from both
 * sides, and what it means for orders that must trade something at once. */
#include "tests/core/book_rig.h"

enum { OWN = 7, OTHER = 8 };

/* At 100: another's 3, the own 5, another's 4; at 101: the own 6. */
static void fill_in(struct book_rig *rig, enum mr_book_side side)
{
    int64_t worse = side == SELL ? 101 : 99;
    book_own(rig, OTHER, 1, side, 100, 3, MR_BOOK_STP_ACCOUNT);
    book_own(rig, OWN, 2, side, 100, 5, MR_BOOK_STP_ACCOUNT);
    book_own(rig, OTHER, 3, side, 100, 4, MR_BOOK_STP_ACCOUNT);
    book_own(rig, OWN, 4, side, worse, 6, MR_BOOK_STP_ACCOUNT);
}

/* Fills in, then enters the own order 9 on the other side, at any price. */
static void meet(struct book_rig *rig, enum mr_book_side side, enum mr_book_stp stp,
                 uint64_t quantity)
{
    for (uint64_t order = 1; order <= 9; order++)
        (void)book_cancel(rig, order);
    fill_in(rig, side);
    enum mr_book_side taker = side == BUY ? SELL : BUY;
    assert_int_equal(book_own(rig, OWN, 9, taker, side == SELL ? 200 : 0, quantity, stp), 0);
    book_next_accepted(rig, 9);
}

static int64_t worse_price(enum mr_book_side side)
{
    return side == SELL ? 101 : 99;
}

/* A scenario for both sides. */
#define FOR_BOTH_SIDES(name)           \
    static void name(void **state)     \
    {                                  \
        struct book_rig *rig = *state; \
        name##_on(rig, SELL);          \
        name##_on(rig, BUY);           \
    }

static void allow_trades_with_everybody_on(struct book_rig *rig, enum mr_book_side side)
{
    meet(rig, side, MR_BOOK_STP_ALLOW, 15);
    book_next_trade(rig, 1, 9, 100, 3);
    book_next_trade(rig, 2, 9, 100, 5);
    book_next_trade(rig, 3, 9, 100, 4);
    book_next_trade(rig, 4, 9, worse_price(side), 3);
    book_no_more(rig);
    book_touch(rig, side, worse_price(side), 3, 1);
}
FOR_BOTH_SIDES(allow_trades_with_everybody)

static void cancel_newest_stops_at_the_first_own_order_on(struct book_rig *rig,
                                                          enum mr_book_side side)
{
    meet(rig, side, MR_BOOK_STP_CANCEL_NEWEST, 15);
    book_next_trade(rig, 1, 9, 100, 3);
    book_next_cancelled(rig, 9, MR_BOOK_CANCEL_SELF_TRADE, 12);
    book_no_more(rig);
    book_touch(rig, side, 100, 9, 2);
}
FOR_BOTH_SIDES(cancel_newest_stops_at_the_first_own_order)

static void cancel_newest_does_not_matter_to_who_is_filled_before_on(struct book_rig *rig,
                                                                     enum mr_book_side side)
{
    meet(rig, side, MR_BOOK_STP_CANCEL_NEWEST, 3);
    book_next_trade(rig, 1, 9, 100, 3);
    book_no_more(rig);
    book_touch(rig, side, 100, 9, 2);
}
FOR_BOTH_SIDES(cancel_newest_does_not_matter_to_who_is_filled_before)

static void cancel_oldest_clears_its_way_on(struct book_rig *rig, enum mr_book_side side)
{
    meet(rig, side, MR_BOOK_STP_CANCEL_OLDEST, 15);
    book_next_trade(rig, 1, 9, 100, 3);
    book_next_cancelled(rig, 2, MR_BOOK_CANCEL_SELF_TRADE, 5);
    book_next_trade(rig, 3, 9, 100, 4);
    book_next_cancelled(rig, 4, MR_BOOK_CANCEL_SELF_TRADE, 6);
    book_no_more(rig);
    book_touch(rig, side, 0, 0, 0);
    book_touch(rig, side == BUY ? SELL : BUY, side == SELL ? 200 : 0, 8, 1);
}
FOR_BOTH_SIDES(cancel_oldest_clears_its_way)

static void cancel_both_ends_with_the_first_own_order_on(struct book_rig *rig,
                                                         enum mr_book_side side)
{
    meet(rig, side, MR_BOOK_STP_CANCEL_BOTH, 15);
    book_next_trade(rig, 1, 9, 100, 3);
    book_next_cancelled(rig, 2, MR_BOOK_CANCEL_SELF_TRADE, 5);
    book_next_cancelled(rig, 9, MR_BOOK_CANCEL_SELF_TRADE, 12);
    book_no_more(rig);
    book_touch(rig, side, 100, 4, 1);
}
FOR_BOTH_SIDES(cancel_both_ends_with_the_first_own_order)

static void decrement_takes_smaller_own_orders_out_on(struct book_rig *rig, enum mr_book_side side)
{
    meet(rig, side, MR_BOOK_STP_DECREMENT, 15);
    book_next_trade(rig, 1, 9, 100, 3);
    book_next_cancelled(rig, 2, MR_BOOK_CANCEL_SELF_TRADE, 5);
    book_next_reduced(rig, 9, 2, 5, 7);
    book_next_trade(rig, 3, 9, 100, 4);
    book_next_reduced(rig, 4, 9, 3, 3);
    book_next_cancelled(rig, 9, MR_BOOK_CANCEL_SELF_TRADE, 3);
    book_no_more(rig);
    book_touch(rig, side, worse_price(side), 3, 1);
}
FOR_BOTH_SIDES(decrement_takes_smaller_own_orders_out)

static void decrement_reduces_a_larger_own_order_in_its_place_on(struct book_rig *rig,
                                                                 enum mr_book_side side)
{
    meet(rig, side, MR_BOOK_STP_DECREMENT, 5);
    book_next_trade(rig, 1, 9, 100, 3);
    book_next_reduced(rig, 2, 9, 2, 3);
    book_next_cancelled(rig, 9, MR_BOOK_CANCEL_SELF_TRADE, 2);
    book_no_more(rig);
    book_touch(rig, side, 100, 7, 2);
    struct mr_book_order order;
    assert_true(mr_book_order_get(rig->book, INSTRUMENT, 2, &order));
    assert_int_equal(order.open, 3);
    assert_int_equal(order.filled, 0); /* what it has lost was not traded */
}
FOR_BOTH_SIDES(decrement_reduces_a_larger_own_order_in_its_place)

static void decrement_of_equal_orders_ends_both_on(struct book_rig *rig, enum mr_book_side side)
{
    meet(rig, side, MR_BOOK_STP_DECREMENT, 8);
    book_next_trade(rig, 1, 9, 100, 3);
    book_next_cancelled(rig, 2, MR_BOOK_CANCEL_SELF_TRADE, 5);
    book_next_cancelled(rig, 9, MR_BOOK_CANCEL_SELF_TRADE, 5);
    book_no_more(rig);
    book_touch(rig, side, 100, 4, 1);
}
FOR_BOTH_SIDES(decrement_of_equal_orders_ends_both)

/* -- Whose word counts. ------------------------------------------------------------------------ */

static uint32_t define_account(struct book_rig *rig, enum mr_book_stp stp)
{
    return BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = OWN,
                      .stp = (uint8_t)stp);
}

static void an_account_decides_for_orders_that_say_nothing(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(define_account(rig, MR_BOOK_STP_CANCEL_NEWEST), 0);
    book_next(rig, MR_BOOK_ACCOUNT_DEFINED);
    book_own(rig, OWN, 1, SELL, 100, 5, MR_BOOK_STP_ALLOW);
    book_own(rig, OWN, 2, BUY, 100, 1, MR_BOOK_STP_ACCOUNT);
    book_next_accepted(rig, 2);
    book_next_cancelled(rig, 2, MR_BOOK_CANCEL_SELF_TRADE, 1);
    book_no_more(rig);
    book_own(rig, OWN, 2, BUY, 100, 1, MR_BOOK_STP_ALLOW);
    book_next_accepted(rig, 2);
    book_next_trade(rig, 1, 2, 100, 1);
    define_account(rig, MR_BOOK_STP_CANCEL_OLDEST);
    book_own(rig, OWN, 2, BUY, 100, 1, MR_BOOK_STP_ACCOUNT);
    book_next_accepted(rig, 2);
    book_next_cancelled(rig, 1, MR_BOOK_CANCEL_SELF_TRADE, 4);
    book_no_more(rig);
}

/* It rests with the way that counted when it came, and is the incoming one when it is replaced. */
static void a_resting_order_keeps_the_way_that_it_came_with(void **state)
{
    struct book_rig *rig = *state;
    define_account(rig, MR_BOOK_STP_CANCEL_OLDEST);
    book_own(rig, OWN, 1, BUY, 90, 5, MR_BOOK_STP_ACCOUNT);
    define_account(rig, MR_BOOK_STP_CANCEL_NEWEST);
    book_own(rig, OWN, 2, SELL, 100, 5, MR_BOOK_STP_ACCOUNT);
    struct mr_book_order order;
    assert_true(mr_book_order_get(rig->book, INSTRUMENT, 1, &order));
    assert_int_equal(order.stp, MR_BOOK_STP_CANCEL_OLDEST);
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_ORDER_REPLACE, order_replace, .order = 1,
                                .account = OWN, .price = 100, .quantity = 5,
                                .instrument = INSTRUMENT),
                     0);
    book_next_replaced(rig, 1, 100, 5, MR_BOOK_PLACE_LOST);
    book_next_cancelled(rig, 2, MR_BOOK_CANCEL_SELF_TRADE, 5);
    book_no_more(rig);
    book_touch(rig, BUY, 100, 5, 1);
}

static void nobodys_orders_trade_with_one_another(void **state)
{
    struct book_rig *rig = *state;
    for (uint32_t stp = MR_BOOK_STP_ACCOUNT; stp <= MR_BOOK_STP_DECREMENT; stp++) {
        book_own(rig, 0, 1, SELL, 100, 5, (enum mr_book_stp)stp);
        book_own(rig, 0, 2, BUY, 100, 5, (enum mr_book_stp)stp);
        book_next_accepted(rig, 2);
        book_next_trade(rig, 1, 2, 100, 5);
        book_no_more(rig);
    }
}

/* -- What must trade at once. ------------------------------------------------------------------ */

static uint32_t enter_fok(struct book_rig *rig, uint64_t quantity, enum mr_book_stp stp)
{
    return BOOK_NEW(rig, .order = 9, .account = OWN, .price = 200, .quantity = quantity,
                    .instrument = INSTRUMENT, .side = BUY, .tif = MR_BOOK_TIF_FOK,
                    .stp = (uint8_t)stp);
}

static uint32_t enter_min(struct book_rig *rig, uint64_t least, enum mr_book_stp stp)
{
    return BOOK_NEW(rig, .order = 9, .account = OWN, .price = 200, .quantity = 50,
                    .min_quantity = least, .instrument = INSTRUMENT, .side = BUY,
                    .stp = (uint8_t)stp);
}

static void what_counts_ends_at_the_first_own_order(void **state)
{
    static const enum mr_book_stp modes[] = {MR_BOOK_STP_CANCEL_NEWEST, MR_BOOK_STP_CANCEL_BOTH,
                                             MR_BOOK_STP_DECREMENT};
    struct book_rig *rig = *state;
    fill_in(rig, SELL);
    for (uint32_t i = 0; i < 3; i++) {
        BOOK_REJECTS(rig, enter_fok(rig, 4, modes[i]), MR_BOOK_FOK_UNFILLED);
        BOOK_REJECTS(rig, enter_min(rig, 4, modes[i]), MR_BOOK_MIN_QUANTITY_UNMET);
    }
    assert_int_equal(enter_fok(rig, 3, MR_BOOK_STP_CANCEL_BOTH), 0);
    book_next_accepted(rig, 9);
    book_next_trade(rig, 1, 9, 100, 3);
    book_no_more(rig);
}

static void cancel_oldest_passes_over_own_orders(void **state)
{
    struct book_rig *rig = *state;
    fill_in(rig, SELL);
    BOOK_REJECTS(rig, enter_fok(rig, 8, MR_BOOK_STP_CANCEL_OLDEST), MR_BOOK_FOK_UNFILLED);
    BOOK_REJECTS(rig, enter_min(rig, 8, MR_BOOK_STP_CANCEL_OLDEST), MR_BOOK_MIN_QUANTITY_UNMET);
    assert_int_equal(enter_fok(rig, 7, MR_BOOK_STP_CANCEL_OLDEST), 0);
    book_next_accepted(rig, 9);
    book_next_trade(rig, 1, 9, 100, 3);
    book_next_cancelled(rig, 2, MR_BOOK_CANCEL_SELF_TRADE, 5);
    book_next_trade(rig, 3, 9, 100, 4);
    book_no_more(rig);
    book_touch(rig, SELL, 101, 6, 1);
}

static void under_allow_own_orders_count(void **state)
{
    struct book_rig *rig = *state;
    fill_in(rig, SELL);
    BOOK_REJECTS(rig, enter_fok(rig, 19, MR_BOOK_STP_ALLOW), MR_BOOK_FOK_UNFILLED);
    assert_int_equal(enter_fok(rig, 18, MR_BOOK_STP_ALLOW), 0);
    assert_int_equal(rig->turn.next, 5);
}

/* -- Together with fills_max. ------------------------------------------------------------------ */

static void every_meeting_counts_as_one_of_fills_max(void **state)
{
    (void)state;
    struct book_rig rig;
    struct mr_book_config config = book_config();
    config.fills_max = 3;
    book_open(&rig, &config);
    book_define(&rig, INSTRUMENT, 0, 1000, 1000);
    fill_in(&rig, SELL);
    BOOK_REJECTS(&rig, enter_fok(&rig, 8, MR_BOOK_STP_CANCEL_OLDEST), MR_BOOK_FILLS_LIMIT);
    book_own(&rig, OWN, 9, BUY, 200, 15, MR_BOOK_STP_CANCEL_OLDEST);
    book_next_accepted(&rig, 9);
    book_next_trade(&rig, 1, 9, 100, 3);
    book_next_cancelled(&rig, 2, MR_BOOK_CANCEL_SELF_TRADE, 5);
    book_next_trade(&rig, 3, 9, 100, 4);
    book_next_cancelled(&rig, 9, MR_BOOK_CANCEL_FILLS_LIMIT, 8);
    book_no_more(&rig);
    book_touch(&rig, SELL, 101, 6, 1);
    book_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(allow_trades_with_everybody),
        SCENARIO(cancel_newest_stops_at_the_first_own_order),
        SCENARIO(cancel_newest_does_not_matter_to_who_is_filled_before),
        SCENARIO(cancel_oldest_clears_its_way),
        SCENARIO(cancel_both_ends_with_the_first_own_order),
        SCENARIO(decrement_takes_smaller_own_orders_out),
        SCENARIO(decrement_reduces_a_larger_own_order_in_its_place),
        SCENARIO(decrement_of_equal_orders_ends_both),
        SCENARIO(an_account_decides_for_orders_that_say_nothing),
        SCENARIO(a_resting_order_keeps_the_way_that_it_came_with),
        SCENARIO(nobodys_orders_trade_with_one_another),
        SCENARIO(what_counts_ends_at_the_first_own_order),
        SCENARIO(cancel_oldest_passes_over_own_orders),
        SCENARIO(under_allow_own_orders_count),
        cmocka_unit_test(every_meeting_counts_as_one_of_fills_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
