/* Everything that has a limit: what is full is told with its own reason, and changes nothing. */
#include "tests/core/book_rig.h"

static struct mr_book_config tight(void)
{
    struct mr_book_config config = book_config();
    config.instruments_max = 2;
    config.orders_max = 4;
    config.levels_max = 3;
    config.fills_max = 3;
    config.groups_max = 3;
    return config;
}

static int open_tight(void **state)
{
    static struct book_rig rig;
    struct mr_book_config config = tight();
    book_open(&rig, &config);
    *state = &rig;
    return book_define(&rig, INSTRUMENT, -1000, 1000, 100) == 0 ? 0 : -1;
}

/* -- Orders and levels. ------------------------------------------------------------------------ */

static void an_order_beyond_orders_max_cannot_rest_but_can_trade(void **state)
{
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 4; order++)
        assert_int_equal(book_gtc(rig, order, SELL, 100, 1), 0);
    BOOK_REJECTS(rig, book_gtc(rig, 5, SELL, 100, 1), MR_BOOK_ORDERS_FULL);
    assert_int_equal(book_ioc(rig, 5, SELL, 100, 1), 0); /* never rests */
    assert_int_equal(book_gtc(rig, 5, BUY, 100, 2), 0);  /* is filled */
    assert_int_equal(book_gtc(rig, 6, BUY, 100, 3), 0);  /* rests in the room that it made */
    assert_int_equal(mr_book_totals_get(rig->book).orders, 1);
}

/* It trades, fills nobody whole, and would need a place: there is one where it was taken from. */
static void an_order_that_is_filled_needs_no_place(void **state)
{
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 4; order++)
        assert_int_equal(book_gtc(rig, order, SELL, 100, 2), 0);
    assert_int_equal(book_gtc(rig, 5, BUY, 100, 1), 0);
    book_next_accepted(rig, 5);
    book_next_trade(rig, 1, 5, 100, 1);
    book_no_more(rig);
}

static void a_replacement_needs_no_second_place(void **state)
{
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 4; order++)
        assert_int_equal(book_gtc(rig, order, SELL, 100, 2), 0);
    assert_int_equal(book_replace(rig, 2, 101, MR_BOOK_BASIS_OPEN, 9), 0);
    assert_int_equal(mr_book_totals_get(rig->book).orders, 4);
}

static void a_level_beyond_levels_max_is_refused_but_those_in_use_take_more(void **state)
{
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 3; order++)
        assert_int_equal(book_gtc(rig, order, SELL, 100 * (int64_t)order, 1), 0);
    BOOK_REJECTS(rig, book_gtc(rig, 4, BUY, 50, 1), MR_BOOK_LEVELS_FULL);
    assert_int_equal(book_gtc(rig, 4, SELL, 200, 1), 0);
    BOOK_REJECTS(rig, book_replace(rig, 4, 201, MR_BOOK_BASIS_OPEN, 1), MR_BOOK_LEVELS_FULL);
    assert_int_equal(book_replace(rig, 4, 300, MR_BOOK_BASIS_OPEN, 1), 0);
    assert_int_equal(book_replace(rig, 2, 201, MR_BOOK_BASIS_OPEN, 1), 0); /* was alone */
    BOOK_REJECTS(rig, book_replace(rig, 4, 250, MR_BOOK_BASIS_OPEN, 1), MR_BOOK_LEVELS_FULL);
    assert_int_equal(book_cancel(rig, 1), 0);
    assert_int_equal(book_gtc(rig, 5, BUY, 100, 1), 0);
}

/* The levels of all instruments together are counted. */
static void levels_are_shared_by_all_instruments(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(book_define(rig, 2, 0, 1000, 100), 0);
    for (int64_t price = 1; price <= 3; price++)
        assert_int_equal(
            BOOK_NEW(rig, .order = (uint64_t)price, .price = price, .quantity = 1, .instrument = 2),
            0);
    BOOK_REJECTS(rig, book_gtc(rig, 1, BUY, 1, 1), MR_BOOK_LEVELS_FULL);
}

/* -- Fills. ------------------------------------------------------------------------------------ */

static void what_would_trade_beyond_fills_max_is_cancelled(void **state)
{
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 4; order++)
        book_gtc(rig, order, SELL, 100, 1);
    assert_int_equal(book_gtc(rig, 9, BUY, 100, 10), 0);
    book_next_accepted(rig, 9);
    for (uint64_t order = 1; order <= 3; order++)
        book_next_trade(rig, order, 9, 100, 1);
    book_next_cancelled(rig, 9, MR_BOOK_CANCEL_FILLS_LIMIT, 7);
    book_no_more(rig);
    assert_int_equal(mr_book_totals_get(rig->book).orders, 1);
}

static void a_remainder_rests_when_fills_max_took_all_there_was(void **state)
{
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 3; order++)
        book_gtc(rig, order, SELL, 100, 1);
    book_gtc(rig, 4, SELL, 101, 1);
    assert_int_equal(book_gtc(rig, 9, BUY, 100, 10), 0);
    book_next_accepted(rig, 9);
    for (uint64_t order = 1; order <= 3; order++)
        book_next_trade(rig, order, 9, 100, 1);
    book_no_more(rig);
    book_touch(rig, BUY, 100, 7, 1);
}

static void the_cause_of_a_market_order_cut_by_fills_max_is_that(void **state)
{
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 4; order++)
        book_gtc(rig, order, SELL, 100, 1);
    assert_int_equal(book_market(rig, MR_BOOK_TIF_IOC, 9, BUY, 10), 0);
    assert_int_equal(rig->turn.reports[4].cancelled.cause, MR_BOOK_CANCEL_FILLS_LIMIT);
    assert_int_equal(rig->turn.next, 5);
}

static void a_fok_order_that_needs_more_than_fills_max_is_rejected(void **state)
{
    struct book_rig *rig = *state;
    for (uint64_t order = 1; order <= 4; order++)
        book_gtc(rig, order, SELL, 100, 1);
    BOOK_REJECTS(rig, book_fok(rig, 9, BUY, 100, 4), MR_BOOK_FILLS_LIMIT);
    BOOK_REJECTS(rig, book_market(rig, MR_BOOK_TIF_FOK, 9, BUY, 4), MR_BOOK_FILLS_LIMIT);
    BOOK_REJECTS(rig,
                 BOOK_NEW(rig, .order = 9, .price = 100, .quantity = 9, .min_quantity = 4,
                          .instrument = INSTRUMENT),
                 MR_BOOK_FILLS_LIMIT);
    assert_int_equal(book_fok(rig, 9, BUY, 100, 3), 0);
    BOOK_REJECTS(rig, book_fok(rig, 9, BUY, 100, 2), MR_BOOK_FOK_UNFILLED);
}

static void a_replacement_cut_by_fills_max_is_cancelled(void **state)
{
    (void)state;
    struct mr_book_config config = tight();
    struct book_rig rig;
    config.fills_max = 1;
    book_open(&rig, &config);
    book_define(&rig, INSTRUMENT, -1000, 1000, 100);
    book_gtc(&rig, 1, SELL, 100, 1);
    book_gtc(&rig, 2, SELL, 101, 1);
    book_gtc(&rig, 3, BUY, 90, 5);
    assert_int_equal(book_replace(&rig, 3, 101, MR_BOOK_BASIS_OPEN, 5), 0);
    book_next_replaced(&rig, 3, 101, 5, MR_BOOK_PLACE_LOST);
    book_next_trade(&rig, 1, 3, 100, 1);
    book_next_cancelled(&rig, 3, MR_BOOK_CANCEL_FILLS_LIMIT, 4);
    book_no_more(&rig);
    BOOK_REJECTS(&rig, book_cancel(&rig, 3), MR_BOOK_UNKNOWN_ORDER);
    book_close(&rig);
}

/* -- Groups. ----------------------------------------------------------------------------------- */

static uint32_t enter_grouped(struct book_rig *rig, uint64_t order, uint64_t account,
                              uint64_t session, uint64_t expires_ns)
{
    book_as(rig, MR_ROLE_USER, session);
    return BOOK_NEW(rig, .order = order, .account = account, .price = 10, .quantity = 1,
                    .instrument = INSTRUMENT, .expires_ns = expires_ns,
                    .tif = expires_ns == 0 ? MR_BOOK_TIF_GTC : MR_BOOK_TIF_GTD);
}

static void accounts_sessions_and_expiry_times_are_counted_together(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(enter_grouped(rig, 1, 7, 2, 50), 0);
    assert_int_equal(mr_book_totals_get(rig->book).groups, 3);
    BOOK_REJECTS(rig, enter_grouped(rig, 2, 8, 2, 50), MR_BOOK_GROUPS_FULL);
    BOOK_REJECTS(rig, enter_grouped(rig, 2, 7, 3, 50), MR_BOOK_GROUPS_FULL);
    BOOK_REJECTS(rig, enter_grouped(rig, 2, 7, 2, 51), MR_BOOK_GROUPS_FULL);
    assert_int_equal(enter_grouped(rig, 2, 7, 2, 50), 0);
    assert_int_equal(enter_grouped(rig, 3, 0, 0, 0), 0);
    assert_int_equal(mr_book_totals_get(rig->book).groups, 3);
}

static void the_same_number_as_account_session_and_time_is_three_groups(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(enter_grouped(rig, 1, 9, 9, 9), 0);
    assert_int_equal(mr_book_totals_get(rig->book).groups, 3);
}

/* Looked at before it trades, also when it would be filled whole. */
static void an_order_that_may_rest_needs_its_groups_at_once(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(enter_grouped(rig, 1, 7, 2, 50), 0);
    BOOK_REJECTS(rig,
                 BOOK_NEW(rig, .order = 2, .account = 8, .price = 10, .quantity = 1,
                          .instrument = INSTRUMENT, .side = SELL),
                 MR_BOOK_GROUPS_FULL);
    assert_int_equal(BOOK_NEW(rig, .order = 2, .account = 8, .price = 10, .quantity = 1,
                              .instrument = INSTRUMENT, .side = SELL, .tif = MR_BOOK_TIF_IOC),
                     0);
    assert_int_equal(mr_book_totals_get(rig->book).groups, 0);
}

static void groups_go_with_their_last_order_but_accounts_with_settings_stay(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(
        BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = 7, .stp = 1), 0);
    assert_int_equal(enter_grouped(rig, 1, 7, 2, 50), 0);
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_ORDER_CANCEL, order_cancel, .order = 1, .account = 7,
                                .instrument = INSTRUMENT),
                     0);
    assert_int_equal(mr_book_totals_get(rig->book).groups, 1);
    assert_int_equal(enter_grouped(rig, 1, 8, 2, 0), 0);
    BOOK_REJECTS(rig,
                 BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = 9, .stp = 1),
                 MR_BOOK_GROUPS_FULL);
    BOOK_REJECTS(rig, BOOK_APPLY(rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = 9),
                 MR_BOOK_GROUPS_FULL);
    assert_int_equal(
        BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = 7, .stp = 2), 0);
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = 8), 0);
}

/* -- Configuration. ---------------------------------------------------------------------------- */

static void a_configuration_out_of_range_has_no_state(void **state)
{
    (void)state;
    struct mr_book_config good = book_config(), bad;
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
    BAD(groups_max, 0);
    BAD(groups_max, (1 << 26) + 1);
    BAD(tick_tables_max, 0);
    BAD(tick_tables_max, 4097);
}

static void the_default_image_is_modest(void **state)
{
    (void)state;
    struct mr_book_config config;
    mr_logic_book.config_default(&config);
    assert_true(mr_logic_book.state_size(&config) <= UINT64_C(256) << 20);
    assert_true(mr_book_reports_max(&config) <= 131072);
    assert_true(mr_logic_book.turn_events_max(&config) <= mr_book_reports_max(&config));
}

static void the_catalog_is_well_formed(void **state)
{
    (void)state;
    const char *flaw = mr_catalog_flaw(mr_logic_book.catalog);
    assert_string_equal(flaw == NULL ? "" : flaw, "");
}

int main(void)
{
#define TIGHT(name) cmocka_unit_test_setup_teardown(name, open_tight, book_close_plain)
    const struct CMUnitTest tests[] = {
        TIGHT(an_order_beyond_orders_max_cannot_rest_but_can_trade),
        TIGHT(an_order_that_is_filled_needs_no_place),
        TIGHT(a_replacement_needs_no_second_place),
        TIGHT(a_level_beyond_levels_max_is_refused_but_those_in_use_take_more),
        TIGHT(levels_are_shared_by_all_instruments),
        TIGHT(what_would_trade_beyond_fills_max_is_cancelled),
        TIGHT(a_remainder_rests_when_fills_max_took_all_there_was),
        TIGHT(the_cause_of_a_market_order_cut_by_fills_max_is_that),
        TIGHT(a_fok_order_that_needs_more_than_fills_max_is_rejected),
        cmocka_unit_test(a_replacement_cut_by_fills_max_is_cancelled),
        TIGHT(accounts_sessions_and_expiry_times_are_counted_together),
        TIGHT(the_same_number_as_account_session_and_time_is_three_groups),
        TIGHT(an_order_that_may_rest_needs_its_groups_at_once),
        TIGHT(groups_go_with_their_last_order_but_accounts_with_settings_stay),
        cmocka_unit_test(a_configuration_out_of_range_has_no_state),
        cmocka_unit_test(the_default_image_is_modest),
        cmocka_unit_test(the_catalog_is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
