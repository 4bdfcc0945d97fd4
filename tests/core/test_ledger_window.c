/* What is remembered, what is forgotten, and what becomes of ids that were. */
#include "tests/core/ledger_rig.h"

enum { A = 1, B = 2, WINDOW = 16 };

static void open_window(struct ledger_rig *rig, uint32_t transfers, enum mr_ledger_id_scheme scheme)
{
    struct mr_ledger_config config = ledger_config();
    config.transfers_max = transfers;
    config.pending_max = 8;
    config.history_max = 8;
    config.id_scheme = (uint8_t)scheme;
    ledger_open(rig, &config);
    ledger_make_accounts(rig, 2);
}

static int open_16(void **state)
{
    static struct ledger_rig rig;
    open_window(&rig, WINDOW, MR_LEDGER_IDS_TIME_ORDERED);
    *state = &rig;
    return 0;
}

/* Plain transfers with the ids from `first` to `last`. */
static void fill(struct ledger_rig *rig, uint64_t first, uint64_t last)
{
    for (uint64_t id = first; id <= last; id++)
        MAKES(rig, ledger_plain(id, A, B, 1));
}

static bool floor_is(const struct ledger_rig *rig, uint64_t id)
{
    return mr_u128_equal(mr_ledger_totals_get(rig->ledger).floor, ID(id));
}

/* -- The window. ------------------------------------------------------------------------------- */

static void the_last_transfers_are_remembered_and_no_more(void **state)
{
    struct ledger_rig *rig = *state;
    fill(rig, 1, WINDOW);
    assert_true(floor_is(rig, 0));
    for (uint64_t id = 1; id <= WINDOW; id++)
        GETS(rig, ledger_plain(id, A, B, 1), MR_LEDGER_EXISTS);
    fill(rig, WINDOW + 1, 3 * WINDOW);
    assert_true(floor_is(rig, 2 * WINDOW));
    for (uint64_t id = 1; id <= 3 * WINDOW; id++) {
        assert_int_equal(ledger_has(rig, id), id > 2 * WINDOW);
        GETS(rig, ledger_plain(id, A, B, 1),
             id > 2 * WINDOW ? MR_LEDGER_EXISTS : MR_LEDGER_ID_TOO_OLD);
    }
    assert_int_equal(mr_ledger_totals_get(rig->ledger).remembered, WINDOW);
    assert_int_equal(mr_ledger_totals_get(rig->ledger).transfers, 3 * WINDOW);
    BALANCES(rig, A, 0, 3 * WINDOW, 0, 0);
}

/* An id that was never used is as old as one that was. */
static void an_id_is_too_old_whether_or_not_it_was_used(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint64_t i = 1; i <= 2 * WINDOW; i++)
        MAKES(rig, ledger_plain(10 * i, A, B, 1));
    assert_true(floor_is(rig, 10 * WINDOW));
    GETS(rig, ledger_plain(10 * WINDOW - 1, A, B, 1), MR_LEDGER_ID_TOO_OLD);
    GETS(rig, ledger_plain(10 * WINDOW, A, B, 1), MR_LEDGER_ID_TOO_OLD);
    MAKES(rig, ledger_plain(10 * WINDOW + 1, A, B, 1));
    GETS(rig, ledger_plain(1, A, B, 1), MR_LEDGER_ID_TOO_OLD);
    MAKES(rig, ledger_plain(10 * WINDOW + 12, A, B, 1));
}

/* Ids need not come in order: what is in the window is known, however low it is. */
static void an_id_that_is_known_is_never_too_old(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_plain(500, A, B, 1));
    MAKES(rig, ledger_plain(5, A, B, 1));
    fill(rig, 600, 600 + WINDOW - 2);
    assert_true(floor_is(rig, 500));
    GETS(rig, ledger_plain(5, A, B, 1), MR_LEDGER_EXISTS);
    GETS(rig, ledger_plain(6, A, B, 1), MR_LEDGER_ID_TOO_OLD);
    GETS(rig, ledger_plain(501, A, 99, 1), MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
    assert_true(floor_is(rig, 500)); /* forgetting 5 does not lower it */
    assert_false(ledger_has(rig, 5));
    GETS(rig, ledger_plain(5, A, B, 1), MR_LEDGER_ID_TOO_OLD);
}

static void a_failed_transfer_takes_a_place_and_leaves_as_others_do(void **state)
{
    struct ledger_rig *rig = *state;
    GETS(rig, ledger_plain(1, A, 99, 1), MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
    assert_int_equal(mr_ledger_totals_get(rig->ledger).remembered, 1);
    assert_int_equal(mr_ledger_totals_get(rig->ledger).transfers, 0);
    assert_false(ledger_has(rig, 1));
    fill(rig, 2, WINDOW);
    GETS(rig, ledger_plain(1, A, B, 1), MR_LEDGER_ID_ALREADY_FAILED);
    MAKES(rig, ledger_plain(WINDOW + 1, A, B, 1));
    GETS(rig, ledger_plain(1, A, B, 1), MR_LEDGER_ID_TOO_OLD);
}

static void a_failure_that_does_not_pass_takes_no_place(void **state)
{
    struct ledger_rig *rig = *state;
    fill(rig, 1, WINDOW);
    GETS(rig, ledger_plain(100, A, A, 1), MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT);
    GETS(rig, ledger_plain(1, A, B, 1), MR_LEDGER_EXISTS);
    MAKES(rig, ledger_plain(100, A, B, 1));
    GETS(rig, ledger_plain(1, A, B, 1), MR_LEDGER_ID_TOO_OLD);
}

/* -- Pending ones. ----------------------------------------------------------------------------- */

static void a_pending_transfer_is_kept_beyond_the_window(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint64_t id = 1; id <= 4; id++)
        MAKES(rig, ledger_pend(id, A, B, 10, id == 4 ? 5 : 0));
    struct mr_ledger_transfer before = ledger_found(rig, 3);
    fill(rig, 10, 10 + 2 * WINDOW);
    for (uint64_t id = 1; id <= 4; id++) {
        assert_int_equal(ledger_state(rig, id), MR_LEDGER_STATE_PENDING);
        GETS(rig, ledger_pend(id, A, B, 10, id == 4 ? 5 : 0), MR_LEDGER_EXISTS);
    }
    struct mr_ledger_transfer kept = ledger_found(rig, 3);
    assert_memory_equal(&kept, &before, sizeof kept);
    MAKES(rig, ledger_post(101, 1, ID(4)));
    MAKES(rig, ledger_void(102, 2));
    assert_int_equal(ledger_expire(rig, rig->time_ns + 6 * SECOND, 1), 1);
    BALANCES(rig, A, 10, 2 * WINDOW + 1 + 4, 0, 0);
}

static void one_that_was_resolved_beyond_the_window_is_forgotten_for_good(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint64_t id = 1; id <= 3; id++)
        MAKES(rig, ledger_pend(id, A, B, 10, 5));
    fill(rig, 10, 10 + WINDOW);
    MAKES(rig, ledger_post(101, 1, ID(4)));
    MAKES(rig, ledger_void(102, 2));
    assert_int_equal(ledger_expire(rig, rig->time_ns + 6 * SECOND, 1), 1);
    for (uint64_t id = 1; id <= 3; id++) {
        assert_false(ledger_has(rig, id));
        GETS(rig, ledger_pend(id, A, B, 10, 5), MR_LEDGER_ID_TOO_OLD);
        GETS(rig, ledger_post(110 + id, id, ID(1)), MR_LEDGER_PENDING_TRANSFER_NOT_FOUND);
    }
    assert_int_equal(mr_ledger_totals_get(rig->ledger).pending, 0);
}

static void one_that_was_resolved_within_the_window_is_told_of_until_it_leaves(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 10, 0));
    MAKES(rig, ledger_post(2, 1, ID(4)));
    fill(rig, 3, WINDOW);
    GETS(rig, ledger_void(100, 1), MR_LEDGER_PENDING_TRANSFER_ALREADY_POSTED);
    MAKES(rig, ledger_plain(101, A, B, 1));
    assert_false(ledger_has(rig, 1));
    GETS(rig, ledger_void(102, 1), MR_LEDGER_PENDING_TRANSFER_NOT_FOUND);
}

/* What the post left out was the pending one's: that is remembered with the post. */
static void a_retry_of_a_post_exists_though_its_pending_transfer_is_gone(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer pending = ledger_pend(1, A, B, 10, 0);
    struct mr_ledger_transfer whole = ledger_post(101, 1, AMOUNT_MAX);
    struct mr_ledger_transfer part = ledger_post(102, 2, ID(4));
    pending.user_data_64 = 8;
    part.user_data_64 = 9;
    MAKES(rig, pending);
    pending.id = ID(2);
    MAKES(rig, pending);
    fill(rig, 10, 10 + WINDOW);
    MAKES(rig, whole);
    MAKES(rig, part);
    assert_false(ledger_has(rig, 1) || ledger_has(rig, 2));
    GETS(rig, whole, MR_LEDGER_EXISTS);
    GETS(rig, ledger_post(101, 1, ID(10)), MR_LEDGER_EXISTS);
    GETS(rig, ledger_post(101, 1, ID(9)), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    whole.user_data_64 = 8;
    GETS(rig, whole, MR_LEDGER_EXISTS);
    whole.user_data_64 = 7;
    GETS(rig, whole, MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_64);
    GETS(rig, part, MR_LEDGER_EXISTS);
    GETS(rig, ledger_post(102, 2, AMOUNT_MAX), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    part.user_data_64 = 0;
    GETS(rig, part, MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_64);
}

static void a_failed_chain_gives_back_what_it_resolved_beyond_the_window(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer closing = ledger_pend(2, A, B, 10, 0);
    closing.flags |= MR_LEDGER_CLOSING_DEBIT;
    MAKES(rig, ledger_pend(1, A, B, 10, 50));
    struct mr_ledger_account third = ledger_new_account(3, 0);
    ACCOUNT_GETS(rig, third, 0);
    closing.debit_account_id = ID(3);
    MAKES(rig, closing);
    fill(rig, 10, 10 + WINDOW);
    uint64_t view = ledger_view(rig);
    for (uint32_t round = 0; round < 3; round++) {
        REQUEST(rig, ledger_linked(ledger_post(101, 1, ID(4))), ledger_linked(ledger_void(102, 2)),
                ledger_linked(ledger_plain(103, 3, B, 1)), ledger_plain(104, A, A, 1));
        RESULTS(rig, MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_LINKED_EVENT_FAILED,
                MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT);
        assert_int_equal(ledger_view(rig), view);
        assert_int_equal(ledger_state(rig, 1), MR_LEDGER_STATE_PENDING);
        assert_int_equal(ledger_state(rig, 2), MR_LEDGER_STATE_PENDING);
        assert_true(ledger_closed(rig, 3));
    }
    REQUEST(rig, ledger_linked(ledger_post(101, 1, ID(4))), ledger_void(102, 2));
    RESULTS(rig, 0, 0);
    assert_false(ledger_has(rig, 1) || ledger_has(rig, 2) || ledger_closed(rig, 3));
}

/* The place that its post takes is its own. */
static void one_that_is_posted_as_it_leaves_is_posted_whole(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 10, 0));
    MAKES(rig, ledger_pend(2, A, B, 10, 5));
    fill(rig, 3, WINDOW);
    MAKES(rig, ledger_post(101, 1, ID(4)));
    MAKES(rig, ledger_void(102, 2));
    assert_false(ledger_has(rig, 1) || ledger_has(rig, 2));
    assert_int_equal(mr_ledger_totals_get(rig->ledger).pending, 0);
    assert_int_equal(mr_ledger_expiry_next(rig->ledger), UINT64_MAX);
    BALANCES(rig, A, 0, WINDOW - 2 + 4, 0, 0);
    GETS(rig, ledger_post(101, 1, ID(4)), MR_LEDGER_EXISTS);
    GETS(rig, ledger_void(102, 2), MR_LEDGER_EXISTS);
}

static void what_a_kept_transfer_closed_is_opened_by_voiding_it(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer closing = ledger_pend(1, 3, B, 10, 0);
    ACCOUNT_GETS(rig, ledger_new_account(3, 0), 0);
    closing.flags |= MR_LEDGER_CLOSING_DEBIT;
    MAKES(rig, closing);
    closing.id = ID(2);
    GETS(rig, closing, MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    fill(rig, 10, 10 + WINDOW);
    MAKES(rig, ledger_void(100, 1));
    assert_false(ledger_closed(rig, 3));
}

/* -- A window of one. -------------------------------------------------------------------------- */

static void of_a_window_of_one_the_last_is_known(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    open_window(&rig, 1, MR_LEDGER_IDS_TIME_ORDERED);
    MAKES(&rig, ledger_pend(1, A, B, 5, 0));
    GETS(&rig, ledger_pend(1, A, B, 5, 0), MR_LEDGER_EXISTS);
    MAKES(&rig, ledger_pend(2, A, B, 6, 0));
    MAKES(&rig, ledger_post(3, 1, AMOUNT_MAX));
    GETS(&rig, ledger_post(3, 1, AMOUNT_MAX), MR_LEDGER_EXISTS);
    GETS(&rig, ledger_post(4, 1, AMOUNT_MAX), MR_LEDGER_PENDING_TRANSFER_NOT_FOUND);
    GETS(&rig, ledger_post(4, 1, AMOUNT_MAX), MR_LEDGER_ID_ALREADY_FAILED);
    GETS(&rig, ledger_post(3, 1, AMOUNT_MAX), MR_LEDGER_ID_TOO_OLD);
    REQUEST(&rig, ledger_linked(ledger_plain(10, A, B, 1)), ledger_linked(ledger_void(11, 2)),
            ledger_plain(12, B, A, 1));
    RESULTS(&rig, 0, 0, 0);
    GETS(&rig, ledger_plain(10, A, B, 1), MR_LEDGER_ID_TOO_OLD);
    GETS(&rig, ledger_plain(12, B, A, 1), MR_LEDGER_EXISTS);
    BALANCES(&rig, A, 0, 6, 0, 1);
    ledger_close(&rig);
}

/* -- The history. ------------------------------------------------------------------------------ */

static void balances_are_forgotten_one_after_another(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNTS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_HISTORY),
             ledger_new_account(8, MR_LEDGER_ACCOUNT_HISTORY));
    for (uint64_t id = 1; id <= 40; id++) {
        MAKES(rig, ledger_plain(id, id % 3 == 0 ? A : 7, id % 3 == 1 ? 8 : B, 1));
        assert_in_range(mr_ledger_totals_get(rig->ledger).balances, 0, 8);
    }
    assert_int_equal(mr_ledger_totals_get(rig->ledger).balances, 8);
    REQUEST(rig, ledger_linked(ledger_plain(50, 7, 8, 1)), ledger_linked(ledger_plain(51, 7, 8, 1)),
            ledger_linked(ledger_plain(52, 7, 8, 1)), ledger_linked(ledger_plain(53, 7, 8, 1)),
            ledger_plain(54, 7, 8, 1));
    RESULTS(rig, 0, 0, 0, 0, 0);
    assert_int_equal(mr_ledger_totals_get(rig->ledger).balances, 8);
}

/* -- Ordinals. --------------------------------------------------------------------------------- */

/* Transfers and balances are numbered by 31 bits, then from 1 again. */
static void numbers_wrap_around_without_anybody_noticing(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNT_GETS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_HISTORY), 0);
    rig->ledger->newest = LEDGER_ORDINALS - 5;
    rig->ledger->balance_newest = LEDGER_ORDINALS - 7;
    MAKES(rig, ledger_pend(1, 7, B, 10, 5));
    MAKES(rig, ledger_pend(2, A, B, 10, 0));
    for (uint64_t id = 3; id <= 12; id++)
        MAKES(rig, ledger_plain(id, 7, B, 1));
    for (uint64_t id = 3; id <= 12; id++)
        GETS(rig, ledger_plain(id, 7, B, 1), MR_LEDGER_EXISTS);
    assert_true(rig->ledger->newest < WINDOW);
    fill(rig, 13, 40);
    GETS(rig, ledger_plain(12, 7, B, 1), MR_LEDGER_ID_TOO_OLD);
    MAKES(rig, ledger_post(41, 2, AMOUNT_MAX));
    assert_int_equal(ledger_expire(rig, rig->time_ns + 9 * SECOND, 1), 1);
    BALANCES(rig, 7, 0, 10, 0, 0);
}

static void a_chain_that_fails_beyond_the_last_number_goes_back(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNT_GETS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_HISTORY), 0);
    rig->ledger->newest = LEDGER_ORDINALS - 5;
    rig->ledger->balance_newest = LEDGER_ORDINALS - 5;
    MAKES(rig, ledger_plain(1, 7, B, 1));
    MAKES(rig, ledger_plain(2, A, B, 1));
    uint64_t view = ledger_view(rig);
    struct mr_ledger_transfer events[10];
    for (uint32_t round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 10; i++)
            events[i] = ledger_linked(ledger_plain(11 + i, 7, B, 1));
        events[9] = ledger_plain(20, 7, 7, 1);
        ledger_request(rig, events, 10);
        assert_int_equal(rig->results[9].reason, MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT);
        assert_int_equal(ledger_view(rig), view);
        GETS(rig, ledger_plain(1, 7, B, 1), MR_LEDGER_EXISTS);
        GETS(rig, ledger_plain(2, A, B, 1), MR_LEDGER_EXISTS);
    }
    events[9] = ledger_plain(20, 7, B, 1);
    ledger_request(rig, events, 10);
    for (uint64_t id = 11; id <= 20; id++)
        assert_true(ledger_has(rig, id));
    BALANCES(rig, 7, 0, 11, 0, 0);
}

#define OF_16(name) cmocka_unit_test_setup_teardown(name, open_16, ledger_close_plain)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_16(the_last_transfers_are_remembered_and_no_more),
        OF_16(an_id_is_too_old_whether_or_not_it_was_used),
        OF_16(an_id_that_is_known_is_never_too_old),
        OF_16(a_failed_transfer_takes_a_place_and_leaves_as_others_do),
        OF_16(a_failure_that_does_not_pass_takes_no_place),
        OF_16(a_pending_transfer_is_kept_beyond_the_window),
        OF_16(one_that_was_resolved_beyond_the_window_is_forgotten_for_good),
        OF_16(one_that_was_resolved_within_the_window_is_told_of_until_it_leaves),
        OF_16(a_retry_of_a_post_exists_though_its_pending_transfer_is_gone),
        OF_16(a_failed_chain_gives_back_what_it_resolved_beyond_the_window),
        OF_16(one_that_is_posted_as_it_leaves_is_posted_whole),
        OF_16(what_a_kept_transfer_closed_is_opened_by_voiding_it),
        cmocka_unit_test(of_a_window_of_one_the_last_is_known),
        OF_16(balances_are_forgotten_one_after_another),
        OF_16(numbers_wrap_around_without_anybody_noticing),
        OF_16(a_chain_that_fails_beyond_the_last_number_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
