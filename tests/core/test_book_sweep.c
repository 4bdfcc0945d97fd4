/* Cancelling many: what one turn does, where the next one goes on, and what is said when. */
#include "tests/core/book_rig.h"

#include "core/book/controls.h"

enum { STEP = BOOK_STEP_ORDERS, ME = 7, OTHER = 8, MY_SESSION = 70, ITS_SESSION = 71 };

static void open_with(struct book_rig *rig, uint32_t instruments, uint32_t orders_max)
{
    struct mr_book_config config = book_config();
    config.instruments_max = instruments;
    config.orders_max = orders_max;
    config.levels_max = 4000;
    book_open_calls(rig, &config, 8);
    for (uint32_t i = 1; i <= instruments; i++)
        assert_int_equal(book_define(rig, i, 0, 1000000, 100), 0);
}

static void enter(struct book_rig *rig, uint32_t instrument, uint64_t account, uint64_t session,
                  uint64_t order, enum mr_book_side side, int64_t price)
{
    rig->turn.session = session;
    assert_int_equal(BOOK_NEW(rig, .order = order, .account = account, .price = price,
                              .quantity = 1, .instrument = instrument, .side = (uint8_t)side),
                     0);
    rig->turn.session = 0;
}

#define CANCEL_MANY(rig, ...) BOOK_APPLY(rig, MR_BOOK_ORDERS_CANCEL, orders_cancel, __VA_ARGS__)

/* The last report, after which there is none. */
static void expect_cancelled(struct book_rig *rig, uint64_t orders)
{
    assert_int_equal(book_next(rig, MR_BOOK_ORDERS_CANCELLED)->orders_cancelled.orders, orders);
    book_no_more(rig);
    assert_int_equal(rig->book->sweep.orders, 0);
    book_check(rig);
}

static void top_on(struct book_rig *rig, uint32_t instrument)
{
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update,
                                .instrument = instrument, .top = MR_BOOK_SWITCH_YES),
                     0);
}

/* -- Turns. ------------------------------------------------------------------------------------ */

/* As many orders as a turn may look at are one turn, one more are two; each way of choosing. */
static void turns_are_as_long_as_they_may_be(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 4; way++) {
        for (uint32_t orders = STEP - 1; orders <= STEP + 1; orders++) {
            struct book_rig rig;
            open_with(&rig, 1, STEP + 1);
            for (uint64_t order = 0; order < orders; order++)
                enter(&rig, 1, ME, MY_SESSION, order, BUY, 10);
            if (way == 0)
                CANCEL_MANY(&rig, .account = ME);
            else if (way == 1)
                CANCEL_MANY(&rig, .of_session = MY_SESSION);
            else if (way == 2)
                CANCEL_MANY(&rig, .instrument = 1);
            else
                CANCEL_MANY(&rig, .account = 0);
            assert_int_equal(rig.calls, orders > STEP ? 2 : 1);
            for (uint64_t order = 0; order < orders; order++)
                book_next_cancelled(&rig, order, MR_BOOK_CANCEL_MANY, 1);
            expect_cancelled(&rig, orders);
            assert_int_equal(mr_book_totals_get(rig.book).orders, 0);
            book_close(&rig);
        }
    }
}

static void blocking_takes_as_many_turns_as_cancelling(void **state)
{
    (void)state;
    for (uint32_t orders = STEP; orders <= STEP + 1; orders++) {
        struct book_rig rig;
        open_with(&rig, 1, STEP + 1);
        for (uint64_t order = 0; order < orders; order++)
            enter(&rig, 1, ME, 0, order, BUY, 10);
        BOOK_APPLY(&rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = ME);
        assert_int_equal(rig.calls, orders > STEP ? 2 : 1);
        assert_int_equal(rig.turn.next, orders + 1);
        book_close(&rig);
    }
}

/* An account's orders are looked at, not only those that are meant; from where it was left on. */
static void orders_that_are_passed_over_count_for_the_turn(void **state)
{
    struct book_rig rig;
    (void)state;
    open_with(&rig, 2, 3 * STEP);
    for (uint64_t order = 0; order < 3 * STEP; order++)
        enter(&rig, order % 100 == 99 ? 2 : 1, ME, 0, order, BUY, 10);
    CANCEL_MANY(&rig, .account = ME, .instrument = 2);
    assert_int_equal(rig.calls, 3);
    for (uint64_t order = 99; order < 3 * STEP; order += 100)
        book_next_cancelled(&rig, order, MR_BOOK_CANCEL_MANY, 1);
    expect_cancelled(&rig, 7);
    assert_int_equal(mr_book_totals_get(rig.book).orders, 3 * STEP - 7);
    CANCEL_MANY(&rig, .account = ME, .side = MR_BOOK_SIDES_SELL_ONLY);
    assert_int_equal(rig.calls, 3);
    expect_cancelled(&rig, 0);
    CANCEL_MANY(&rig, .account = ME, .of_session = 5); /* whose list is shorter: it has none */
    assert_int_equal(rig.calls, 1);
    expect_cancelled(&rig, 0);
    book_close(&rig);
}

/* The book has as many as it may; those that are empty make no report, and no long turn. */
static void thousands_of_empty_instruments_are_passed_in_several_turns(void **state)
{
    struct book_rig rig;
    (void)state;
    open_with(&rig, 10000, 10);
    enter(&rig, 9999, 0, 0, 1, SELL, 10);
    CANCEL_MANY(&rig, .side = MR_BOOK_SIDES_BUY_ONLY);
    assert_int_equal(rig.calls, 3);
    expect_cancelled(&rig, 0);
    CANCEL_MANY(&rig, .account = 0);
    assert_int_equal(rig.calls, 3);
    book_next_cancelled(&rig, 1, MR_BOOK_CANCEL_MANY, 1);
    expect_cancelled(&rig, 1);
    book_close(&rig);
}

/* -- Which ones. ------------------------------------------------------------------------------- */

static void open_mixed(struct book_rig *rig)
{
    open_with(rig, 2, 20);
    enter(rig, 1, ME, MY_SESSION, 1, BUY, 10);
    enter(rig, 1, OTHER, MY_SESSION, 2, BUY, 11);
    enter(rig, 1, ME, ITS_SESSION, 3, SELL, 20);
    enter(rig, 2, ME, MY_SESSION, 4, SELL, 20);
    enter(rig, 1, ME, MY_SESSION, 5, SELL, 19);
    enter(rig, 2, 0, 0, 6, BUY, 10);
}

static void expect_gone(struct book_rig *rig, const uint64_t *orders, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        book_next_cancelled(rig, orders[i], MR_BOOK_CANCEL_MANY, 1);
    expect_cancelled(rig, count);
    book_close(rig);
}

#define GONE(rig, ...)                                 \
    do {                                               \
        static const uint64_t gone_[] = {__VA_ARGS__}; \
        expect_gone(rig, gone_, sizeof gone_ / 8);     \
    } while (0)

static void everything_that_is_named_must_hold(void **state)
{
    struct book_rig rig;
    (void)state;
    open_mixed(&rig);
    CANCEL_MANY(&rig, .account = ME);
    GONE(&rig, 1, 3, 4, 5);
    open_mixed(&rig);
    CANCEL_MANY(&rig, .account = ME, .of_session = MY_SESSION);
    GONE(&rig, 1, 4, 5);
    open_mixed(&rig);
    CANCEL_MANY(&rig, .account = ME, .of_session = MY_SESSION, .instrument = 1);
    GONE(&rig, 1, 5);
    open_mixed(&rig);
    CANCEL_MANY(&rig, .of_session = MY_SESSION, .side = MR_BOOK_SIDES_SELL_ONLY);
    GONE(&rig, 4, 5);
    open_mixed(&rig);
    CANCEL_MANY(&rig, .account = ME, .side = MR_BOOK_SIDES_BUY_ONLY);
    GONE(&rig, 1);
}

static void of_anybodys_the_best_go_first(void **state)
{
    struct book_rig rig;
    (void)state;
    open_mixed(&rig);
    CANCEL_MANY(&rig, .account = 0);
    GONE(&rig, 2, 1, 5, 3, 6, 4);
    open_mixed(&rig);
    CANCEL_MANY(&rig, .instrument = 1, .side = MR_BOOK_SIDES_SELL_ONLY);
    GONE(&rig, 5, 3);
}

static void nothing_to_cancel_is_no_error(void **state)
{
    struct book_rig rig;
    (void)state;
    open_mixed(&rig);
    assert_int_equal(CANCEL_MANY(&rig, .account = 99), 0);
    expect_cancelled(&rig, 0);
    assert_int_equal(CANCEL_MANY(&rig, .account = OTHER, .instrument = 2), 0);
    expect_cancelled(&rig, 0);
    book_close(&rig);
}

static void a_user_cancels_what_is_known_to_be_the_users(void **state)
{
    struct book_rig rig;
    (void)state;
    open_mixed(&rig);
    book_as(&rig, MR_ROLE_USER, MY_SESSION);
    BOOK_REJECTS(&rig, CANCEL_MANY(&rig, .instrument = 1), MR_BOOK_NOT_OWNER);
    BOOK_REJECTS(&rig, CANCEL_MANY(&rig, .of_session = ITS_SESSION), MR_BOOK_NOT_OWNER);
    BOOK_REJECTS(&rig, CANCEL_MANY(&rig, .instrument = 3), MR_BOOK_UNKNOWN_INSTRUMENT);
    assert_int_equal(rig.turn.reports[0].setup_rejected.subject, 3);
    BOOK_REJECTS(&rig, CANCEL_MANY(&rig, .side = 3, .account = ME), MR_BOOK_BAD_SIDE);
    assert_int_equal(rig.turn.reports[0].setup_rejected.subject, ME);
    assert_int_equal(CANCEL_MANY(&rig, .of_session = MY_SESSION), 0);
    assert_int_equal(mr_book_totals_get(rig.book).orders, 2);
    assert_int_equal(CANCEL_MANY(&rig, .account = ME, .of_session = ITS_SESSION), 0);
    assert_int_equal(mr_book_totals_get(rig.book).orders, 1);
    book_as(&rig, MR_ROLE_USER, 0); /* without a session there is no own one */
    BOOK_REJECTS(&rig, CANCEL_MANY(&rig, .account = 0), MR_BOOK_NOT_OWNER);
    book_as(&rig, MR_ROLE_OPERATOR, 9);
    assert_int_equal(CANCEL_MANY(&rig, .account = 0), 0);
    assert_int_equal(mr_book_totals_get(rig.book).orders, 0);
    book_close(&rig);
}

/* -- The kill switch. -------------------------------------------------------------------------- */

static void a_blocked_account_has_no_orders_and_enters_none(void **state)
{
    struct book_rig rig;
    (void)state;
    open_with(&rig, 2, 2 * STEP + 3);
    for (uint64_t order = 0; order < 2 * STEP + 2; order++)
        enter(&rig, 1 + (uint32_t)order % 2, ME, 0, order, BUY, 10);
    enter(&rig, 1, OTHER, 0, 9999, BUY, 10);
    BOOK_APPLY(&rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = ME);
    assert_int_equal(rig.calls, 3);
    for (uint64_t order = 0; order < 2 * STEP + 2; order++)
        book_next_cancelled(&rig, order, MR_BOOK_CANCEL_BLOCKED, 1);
    const struct mr_book_account_blocked *blocked =
        &book_next(&rig, MR_BOOK_ACCOUNT_BLOCKED)->account_blocked;
    assert_int_equal(blocked->account, ME);
    assert_int_equal(blocked->orders, 2 * STEP + 2);
    book_no_more(&rig);
    assert_int_equal(mr_book_totals_get(rig.book).orders, 1);
    BOOK_REJECTS(&rig, book_own(&rig, ME, 1, BUY, 10, 1, MR_BOOK_STP_ALLOW),
                 MR_BOOK_ACCOUNT_IS_BLOCKED);
    BOOK_APPLY(&rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = ME); /* again: nothing */
    assert_int_equal(book_next(&rig, MR_BOOK_ACCOUNT_BLOCKED)->account_blocked.orders, 0);
    BOOK_APPLY(&rig, MR_BOOK_ACCOUNT_UNBLOCK, account_unblock, .account = ME);
    assert_int_equal(book_next(&rig, MR_BOOK_ACCOUNT_UNBLOCKED)->account_unblocked.account, ME);
    assert_int_equal(book_own(&rig, ME, 1, BUY, 10, 1, MR_BOOK_STP_ALLOW), 0);
    book_close(&rig);
}

static void an_account_needs_a_number_and_room(void **state)
{
    struct mr_book_config config = book_config();
    struct book_rig rig;
    (void)state;
    config.groups_max = 1;
    book_open(&rig, &config);
#define BLOCK(n)   BOOK_APPLY(&rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = n)
#define UNBLOCK(n) BOOK_APPLY(&rig, MR_BOOK_ACCOUNT_UNBLOCK, account_unblock, .account = n)
#define DEFINE(n, s) \
    BOOK_APPLY(&rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = n, .stp = s)
    BOOK_REJECTS(&rig, BLOCK(0), MR_BOOK_BAD_ACCOUNT);
    BOOK_REJECTS(&rig, UNBLOCK(0), MR_BOOK_BAD_ACCOUNT);
    BOOK_REJECTS(&rig, DEFINE(0, 0), MR_BOOK_BAD_ACCOUNT);
    BOOK_REJECTS(&rig, DEFINE(0, 6), MR_BOOK_BAD_STP);
    assert_int_equal(UNBLOCK(1), 0); /* nobody knows it: nothing is kept */
    assert_int_equal(mr_book_totals_get(rig.book).groups, 0);
    assert_int_equal(DEFINE(1, MR_BOOK_STP_DECREMENT), 0);
    assert_int_equal(DEFINE(1, MR_BOOK_STP_CANCEL_BOTH), 0); /* changes it */
    BOOK_REJECTS(&rig, DEFINE(2, 1), MR_BOOK_GROUPS_FULL);
    assert_int_equal(DEFINE(2, 0), 0); /* which is what every account has */
    BOOK_REJECTS(&rig, BLOCK(2), MR_BOOK_GROUPS_FULL);
    BOOK_REJECTS(&rig, BLOCK(0), MR_BOOK_BAD_ACCOUNT);
    struct mr_book_account account;
    assert_true(mr_book_account_get(rig.book, 1, &account));
    assert_int_equal(account.stp, MR_BOOK_STP_CANCEL_BOTH);
    assert_int_equal(account.orders, 0);
    assert_false(account.blocked);
    assert_int_equal(BLOCK(1), 0);
    assert_int_equal(DEFINE(1, 0), 0);
    assert_int_equal(mr_book_totals_get(rig.book).groups, 1);
    assert_int_equal(UNBLOCK(1), 0); /* and now there is nothing to remember */
    assert_int_equal(mr_book_totals_get(rig.book).groups, 0);
    book_close(&rig);
}

/* -- Tops. ------------------------------------------------------------------------------------- */

static void expect_top(struct book_rig *rig, uint32_t instrument, int64_t bid, uint64_t quantity)
{
    const struct mr_book_top_of_book *top = &book_next(rig, MR_BOOK_TOP_OF_BOOK)->top;
    assert_int_equal(top->instrument, instrument);
    assert_int_equal(top->bid_price, bid);
    assert_int_equal(top->bid_quantity, quantity);
    assert_int_equal(top->ask_quantity, 0);
}

/* Each instrument once, by its first order, and as it stands at the end; before the last report. */
static void tops_come_once_an_instrument_and_turn(void **state)
{
    struct book_rig rig;
    (void)state;
    open_with(&rig, 3, 20);
    top_on(&rig, 1);
    top_on(&rig, 2);
    static const uint32_t instruments[] = {2, 1, 2, 3, 1};
    for (uint64_t order = 0; order < 5; order++)
        enter(&rig, instruments[order], ME, 0, order, BUY, 20);
    enter(&rig, 2, OTHER, 0, 9, BUY, 15);
    CANCEL_MANY(&rig, .account = ME);
    for (uint64_t order = 0; order < 5; order++)
        book_next_cancelled(&rig, order, MR_BOOK_CANCEL_MANY, 1);
    expect_top(&rig, 2, 15, 1);
    expect_top(&rig, 1, 0, 0);
    expect_cancelled(&rig, 5);
    book_close(&rig);
}

static void every_turn_says_what_it_has_left(void **state)
{
    struct book_rig rig;
    (void)state;
    open_with(&rig, 1, STEP + 10);
    for (uint64_t order = 0; order < STEP + 10; order++)
        enter(&rig, 1, ME, 0, order, BUY, 20);
    top_on(&rig, 1);
    book_next(&rig, MR_BOOK_INSTRUMENT_UPDATED);
    expect_top(&rig, 1, 20, STEP + 10);
    CANCEL_MANY(&rig, .account = ME);
    for (uint64_t order = 0; order < STEP; order++)
        book_next_cancelled(&rig, order, MR_BOOK_CANCEL_MANY, 1);
    expect_top(&rig, 1, 20, 10);
    for (uint64_t order = STEP; order < STEP + 10; order++)
        book_next_cancelled(&rig, order, MR_BOOK_CANCEL_MANY, 1);
    expect_top(&rig, 1, 0, 0);
    expect_cancelled(&rig, STEP + 10);
    book_close(&rig);
}

/* As many instruments as orders: as many reports as one call may make, but for two. */
static void a_turn_has_room_for_all_that_it_says(void **state)
{
    struct book_rig rig;
    (void)state;
    open_with(&rig, STEP, STEP);
    for (uint32_t i = 1; i <= STEP; i++) {
        top_on(&rig, i);
        enter(&rig, i, ME, 0, 1, BUY, 20);
    }
    CANCEL_MANY(&rig, .account = ME);
    assert_int_equal(rig.calls, 1);
    assert_int_equal(rig.turn.next, 2 * STEP + 1);
    book_close(&rig);
}

static void a_top_that_is_switched_off_and_on_begins_anew(void **state)
{
    struct book_rig rig;
    (void)state;
    open_with(&rig, 1, 20);
    top_on(&rig, 1);
    book_next(&rig, MR_BOOK_INSTRUMENT_UPDATED);
    book_no_more(&rig); /* an empty book has nothing to say */
    enter(&rig, 1, ME, 0, 1, BUY, 20);
    top_on(&rig, 1);
    book_next(&rig, MR_BOOK_INSTRUMENT_UPDATED);
    book_no_more(&rig); /* it was on */
    BOOK_APPLY(&rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update, .instrument = 1);
    book_next(&rig, MR_BOOK_INSTRUMENT_UPDATED);
    book_no_more(&rig);
    book_check(&rig); /* which knows that nothing is published now */
    top_on(&rig, 1);
    book_next(&rig, MR_BOOK_INSTRUMENT_UPDATED);
    expect_top(&rig, 1, 20, 1);
    book_no_more(&rig);
    book_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_as_long_as_they_may_be),
        cmocka_unit_test(blocking_takes_as_many_turns_as_cancelling),
        cmocka_unit_test(orders_that_are_passed_over_count_for_the_turn),
        cmocka_unit_test(thousands_of_empty_instruments_are_passed_in_several_turns),
        cmocka_unit_test(everything_that_is_named_must_hold),
        cmocka_unit_test(of_anybodys_the_best_go_first),
        cmocka_unit_test(nothing_to_cancel_is_no_error),
        cmocka_unit_test(a_user_cancels_what_is_known_to_be_the_users),
        cmocka_unit_test(a_blocked_account_has_no_orders_and_enters_none),
        cmocka_unit_test(an_account_needs_a_number_and_room),
        cmocka_unit_test(tops_come_once_an_instrument_and_turn),
        cmocka_unit_test(every_turn_says_what_it_has_left),
        cmocka_unit_test(a_turn_has_room_for_all_that_it_says),
        cmocka_unit_test(a_top_that_is_switched_off_and_on_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
