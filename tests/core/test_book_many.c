/* Cancelling many orders, and the kill switch: whom they take, in which order, in counted calls,
 * and who may ask for it. */
#include "tests/core/book_rig.h"

#include "core/book/state.h"

enum { STEP = 256, OWN = 7, OTHER = 8 }; /* STEP: what one call cancels */

static uint32_t enter(struct book_rig *rig, uint32_t instrument, uint64_t account, uint64_t session,
                      uint64_t order, enum mr_book_side side, int64_t price)
{
    book_as(rig, MR_ROLE_USER, session);
    return BOOK_NEW(rig, .order = order, .account = account, .price = price, .quantity = order,
                    .instrument = instrument, .side = (uint8_t)side);
}

#define CANCEL_MANY(rig, ...) BOOK_APPLY(rig, MR_BOOK_ORDERS_CANCEL, orders_cancel, __VA_ARGS__)

/* The last request has cancelled those orders, up to a 0, and said how many. */
static void assert_cancelled(struct book_rig *rig, const uint64_t *orders)
{
    uint64_t count = 0;
    for (; orders[count] != 0; count++)
        book_next_cancelled(rig, orders[count], MR_BOOK_CANCEL_MANY, orders[count]);
    assert_int_equal(book_next(rig, MR_BOOK_ORDERS_CANCELLED)->orders_cancelled.orders, count);
    book_no_more(rig);
    book_check(rig);
}
#define ASSERT_CANCELLED(rig, ...) assert_cancelled(rig, (const uint64_t[]){__VA_ARGS__, 0})

/* Two instruments, two accounts, two sessions, both sides: order numbers say nothing of it. */
static void fill_in(struct book_rig *rig)
{
    assert_int_equal(book_define(rig, 2, 0, 1000, 1000), 0);
    enter(rig, 1, OWN, 2, 1, BUY, 90);
    enter(rig, 1, OWN, 3, 2, SELL, 110);
    enter(rig, 1, OTHER, 3, 3, BUY, 95);
    enter(rig, 2, OWN, 2, 4, SELL, 50);
    enter(rig, 2, OTHER, 2, 5, BUY, 40);
    enter(rig, 1, OWN, 2, 6, SELL, 105);
    enter(rig, 1, 0, 2, 7, BUY, 90);
    enter(rig, 2, OWN, 3, 8, BUY, 45);
    assert_int_equal(mr_book_totals_get(rig->book).orders, 8);
}

static void everything_that_is_named_must_hold(void **state)
{
    (void)state;
    static const struct {
        struct mr_book_orders_cancel filter;
        uint64_t expected[9];
    } cases[] = {
        {{.account = OWN}, {1, 2, 4, 6, 8}},
        {{.account = OTHER}, {3, 5}},
        {{.account = 99}, {0}},
        {{.of_session = 2}, {1, 4, 5, 6, 7}},
        {{.of_session = 3}, {2, 3, 8}},
        {{.account = OWN, .of_session = 2}, {1, 4, 6}},
        {{.account = OWN, .side = MR_BOOK_SIDES_SELL_ONLY}, {2, 4, 6}},
        {{.account = OWN, .side = MR_BOOK_SIDES_BUY_ONLY, .instrument = 2}, {8}},
        {{.of_session = 3, .instrument = 1}, {2, 3}},
        {{.account = OTHER, .of_session = 3, .instrument = 2}, {0}},
        {{.instrument = 1}, {3, 1, 7, 6, 2}}, /* buy before sell, best first */
        {{.instrument = 2, .side = MR_BOOK_SIDES_SELL_ONLY}, {4}},
        {{.side = MR_BOOK_SIDES_BUY_ONLY}, {3, 1, 7, 8, 5}},
        {{.account = 0}, {3, 1, 7, 6, 2, 8, 5, 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct book_rig rig;
        struct mr_book_config config = book_config();
        book_open(&rig, &config);
        assert_int_equal(book_define(&rig, 1, 0, 1000, 1000), 0);
        fill_in(&rig);
        book_as(&rig, MR_ROLE_OPERATOR, 1);
        rig.request = (union mr_book_request){.orders_cancel = cases[i].filter};
        assert_int_equal(book_typed(&rig, MR_BOOK_ORDERS_CANCEL), 0);
        const struct mr_book_orders_cancelled *last =
            &rig.turn.reports[rig.turn.next - 1].orders_cancelled;
        assert_int_equal(last->account, cases[i].filter.account);
        assert_int_equal(last->of_session, cases[i].filter.of_session);
        assert_int_equal(last->instrument, cases[i].filter.instrument);
        assert_int_equal(last->side, cases[i].filter.side);
        assert_cancelled(&rig, cases[i].expected);
        book_close(&rig);
    }
}

static void a_user_names_an_account_or_the_own_session(void **state)
{
    struct book_rig *rig = *state;
    fill_in(rig);
    book_as(rig, MR_ROLE_USER, 2);
    BOOK_REJECTS(rig, CANCEL_MANY(rig, .side = 3, .instrument = 9), MR_BOOK_UNKNOWN_INSTRUMENT);
    BOOK_REJECTS(rig, CANCEL_MANY(rig, .side = 3), MR_BOOK_BAD_SIDE);
    BOOK_REJECTS(rig, CANCEL_MANY(rig, .side = MR_BOOK_SIDES_BOTH), MR_BOOK_NOT_OWNER);
    BOOK_REJECTS(rig, CANCEL_MANY(rig, .of_session = 3), MR_BOOK_NOT_OWNER);
    BOOK_REJECTS(rig, CANCEL_MANY(rig, .instrument = 1), MR_BOOK_NOT_OWNER);
    assert_int_equal(rig->turn.reports[0].setup_rejected.action, MR_BOOK_ACTION_ORDERS_CANCEL);
    assert_int_equal(CANCEL_MANY(rig, .of_session = 2), 0);
    ASSERT_CANCELLED(rig, 1, 4, 5, 6, 7);
    assert_int_equal(CANCEL_MANY(rig, .of_session = 3, .account = OWN), 0);
    ASSERT_CANCELLED(rig, 2, 8);
}

/* Session 0 is nobody's own. */
static void a_user_without_a_session_has_none_to_name(void **state)
{
    struct book_rig *rig = *state;
    fill_in(rig);
    book_as(rig, MR_ROLE_USER, 0);
    BOOK_REJECTS(rig, CANCEL_MANY(rig, .of_session = 0), MR_BOOK_NOT_OWNER);
}

/* -- In counted calls. ------------------------------------------------------------------------- */

static void fill_with(struct book_rig *rig, uint64_t count)
{
    for (uint64_t order = 1; order <= count; order++)
        assert_int_equal(
            enter(rig, 1, order % 2 == 0 ? OTHER : OWN, 2, order, BUY, (int64_t)(order % 50)), 0);
}

static void no_call_cancels_more_than_its_share(void **state)
{
    static const uint64_t counts[] = {0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP, 600};
    struct book_rig *rig = *state;
    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        fill_with(rig, counts[i]);
        book_as(rig, MR_ROLE_OPERATOR, 0);
        uint64_t before = mr_book_totals_get(rig->book).orders;
        assert_int_equal(CANCEL_MANY(rig, .instrument = 1), 0);
        assert_int_equal(rig->turn.next, before + 1);
        assert_true(rig->calls >= (counts[i] + STEP - 1) / STEP);
        assert_true(rig->calls <= counts[i] / STEP + 1);
        assert_int_equal(rig->turn.reports[rig->turn.next - 1].orders_cancelled.orders, counts[i]);
        assert_int_equal(mr_book_totals_get(rig->book).orders, 0);
        book_check(rig);
    }
}

/* Looking at orders that do not fit counts, too. */
static void orders_that_are_passed_over_count_for_a_call(void **state)
{
    struct book_rig *rig = *state;
    fill_with(rig, 600);
    assert_int_equal(
        CANCEL_MANY(rig, .of_session = 2, .account = OTHER, .side = MR_BOOK_SIDES_SELL_ONLY), 0);
    assert_int_equal(rig->turn.next, 1);
    assert_int_equal(rig->calls, 2); /* 300 are the account's */
    assert_int_equal(CANCEL_MANY(rig, .of_session = 2, .account = OTHER), 0);
    for (uint64_t order = 2; order <= 600; order += 2)
        book_next_cancelled(rig, order, MR_BOOK_CANCEL_MANY, order);
    assert_int_equal(book_next(rig, MR_BOOK_ORDERS_CANCELLED)->orders_cancelled.orders, 300);
    book_no_more(rig);
    assert_int_equal(mr_book_totals_get(rig->book).orders, 300);
}

static void nothing_of_the_calls_is_left_in_the_state(void **state)
{
    static const struct book_sweep none;
    struct book_rig *rig = *state;
    fill_with(rig, 600);
    rig->request = (union mr_book_request){.orders_cancel = {.account = OWN}};
    rig->request.any.type = MR_BOOK_ORDERS_CANCEL;
    rig->turn.next = 0;
    assert_int_equal(mr_book_apply(rig->book, &rig->request, &rig->turn), 0);
    assert_true(rig->turn.again);
    assert_memory_not_equal(&rig->book->sweep, &none, sizeof none);
    assert_int_equal(mr_book_apply(rig->book, &rig->request, &rig->turn), 0);
    assert_false(rig->turn.again);
    assert_memory_equal(&rig->book->sweep, &none, sizeof none);
}

/* -- The kill switch. -------------------------------------------------------------------------- */

#define BLOCK(rig, of)   BOOK_APPLY(rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = (of))
#define UNBLOCK(rig, of) BOOK_APPLY(rig, MR_BOOK_ACCOUNT_UNBLOCK, account_unblock, .account = (of))

static void the_kill_switch_takes_an_accounts_orders_everywhere(void **state)
{
    static const uint64_t expected[] = {1, 2, 4, 6, 8};
    struct book_rig *rig = *state;
    fill_in(rig);
    assert_int_equal(BLOCK(rig, OWN), 0);
    for (uint32_t i = 0; i < 5; i++)
        book_next_cancelled(rig, expected[i], MR_BOOK_CANCEL_BLOCKED, expected[i]);
    const struct mr_book_account_blocked *blocked =
        &book_next(rig, MR_BOOK_ACCOUNT_BLOCKED)->account_blocked;
    assert_int_equal(blocked->account, OWN);
    assert_int_equal(blocked->orders, 5);
    book_no_more(rig);
    BOOK_REJECTS(rig, enter(rig, 1, OWN, 2, 9, BUY, 90), MR_BOOK_ACCOUNT_IS_BLOCKED);
    BOOK_REJECTS(rig, enter(rig, 2, OWN, 3, 9, SELL, 90), MR_BOOK_ACCOUNT_IS_BLOCKED);
    assert_int_equal(enter(rig, 1, OTHER, 2, 9, BUY, 90), 0);
    struct mr_book_account account;
    assert_true(mr_book_account_get(rig->book, OWN, &account));
    assert_true(account.blocked);
    assert_int_equal(account.orders, 0);
}

static void a_blocked_account_can_be_blocked_again_and_unblocked(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(BLOCK(rig, OWN), 0);
    assert_int_equal(BLOCK(rig, OWN), 0);
    assert_int_equal(book_next(rig, MR_BOOK_ACCOUNT_BLOCKED)->account_blocked.orders, 0);
    assert_int_equal(UNBLOCK(rig, OWN), 0);
    assert_int_equal(book_next(rig, MR_BOOK_ACCOUNT_UNBLOCKED)->account_unblocked.account, OWN);
    assert_int_equal(enter(rig, 1, OWN, 2, 9, BUY, 90), 0);
    assert_int_equal(UNBLOCK(rig, OTHER), 0); /* was never blocked */
}

static void blocking_keeps_settings(void **state)
{
    struct book_rig *rig = *state;
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = OWN,
               .stp = MR_BOOK_STP_CANCEL_BOTH);
    BLOCK(rig, OWN);
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = OWN,
               .stp = MR_BOOK_STP_DECREMENT);
    BOOK_REJECTS(rig, enter(rig, 1, OWN, 2, 9, BUY, 90), MR_BOOK_ACCOUNT_IS_BLOCKED);
    UNBLOCK(rig, OWN);
    struct mr_book_account account;
    assert_true(mr_book_account_get(rig->book, OWN, &account));
    assert_int_equal(account.stp, MR_BOOK_STP_DECREMENT);
    assert_false(account.blocked);
}

static void the_kill_switch_works_in_counted_calls(void **state)
{
    struct book_rig *rig = *state;
    fill_with(rig, 600);
    assert_int_equal(BLOCK(rig, OWN), 0);
    assert_int_equal(rig->calls, 2);
    for (uint64_t order = 1; order <= 600; order += 2)
        book_next_cancelled(rig, order, MR_BOOK_CANCEL_BLOCKED, order);
    assert_int_equal(book_next(rig, MR_BOOK_ACCOUNT_BLOCKED)->account_blocked.orders, 300);
    book_no_more(rig);
}

/* -- Top of book. ------------------------------------------------------------------------------ */

static void tops_come_once_an_instrument_and_before_the_count(void **state)
{
    struct book_rig *rig = *state;
    fill_in(rig);
    for (uint32_t instrument = 1; instrument <= 2; instrument++)
        BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update, .instrument = instrument,
                   .top = MR_BOOK_SWITCH_YES);
    assert_int_equal(CANCEL_MANY(rig, .account = OWN), 0);
    assert_int_equal(rig->turn.next, 5 + 2 + 1);
    const union mr_book_report *tops = &rig->turn.reports[5];
    assert_int_equal(tops[0].any.type, MR_BOOK_TOP_OF_BOOK);
    assert_int_equal(tops[0].top.instrument, 1);
    assert_int_equal(tops[0].top.bid_price, 95);
    assert_int_equal(tops[0].top.ask_quantity, 0);
    assert_int_equal(tops[1].any.type, MR_BOOK_TOP_OF_BOOK);
    assert_int_equal(tops[1].top.instrument, 2);
    assert_int_equal(tops[1].top.bid_price, 40);
    assert_int_equal(tops[2].any.type, MR_BOOK_ORDERS_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_is_named_must_hold),
        SCENARIO(a_user_names_an_account_or_the_own_session),
        SCENARIO(a_user_without_a_session_has_none_to_name),
        SCENARIO(no_call_cancels_more_than_its_share),
        SCENARIO(orders_that_are_passed_over_count_for_a_call),
        SCENARIO(nothing_of_the_calls_is_left_in_the_state),
        SCENARIO(the_kill_switch_takes_an_accounts_orders_everywhere),
        SCENARIO(a_blocked_account_can_be_blocked_again_and_unblocked),
        SCENARIO(blocking_keeps_settings),
        SCENARIO(the_kill_switch_works_in_counted_calls),
        SCENARIO(tops_come_once_an_instrument_and_before_the_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
