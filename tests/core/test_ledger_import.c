/* Events that bring their own timestamps. */
#include "tests/core/ledger_rig.h"

enum { A = 1, B = 2, C = 3, D = 4, IMPORTED = MR_LEDGER_ACCOUNT_IMPORTED };
#define REGRESS MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS

/* Accounts 1 to 3, of 100, 200 and 300 ns, in a ledger whose time is 1,000 s. */
static int open_past(void **state)
{
    static struct ledger_rig rig;
    struct mr_ledger_config config = ledger_config();
    config.transfers_max = 4;
    ledger_open(&rig, &config);
    *state = &rig;
    ACCOUNTS(&rig, ledger_past_account(A, 100), ledger_past_account(B, 200),
             ledger_past_account(C, 300));
    RESULTS(&rig, 0, 0, 0);
    return 0;
}

/* -- Timestamps of transfers. ------------------------------------------------------------------ */

static void an_imported_event_keeps_its_timestamp_and_takes_one_all_the_same(void **state)
{
    struct ledger_rig *rig = *state;
    assert_int_equal(ledger_seen(rig, B).timestamp, 200);
    MAKES(rig, ledger_past(ledger_plain(1, A, B, 5), 1000));
    assert_int_equal(rig->results[0].timestamp, 1000);
    assert_int_equal(ledger_found(rig, 1).timestamp, 1000);
    assert_true(mr_ledger_totals_get(rig->ledger).time_ns >= START);
}

static void it_lies_in_the_past(void **state)
{
    struct ledger_rig *rig = *state;
    uint64_t now = mr_ledger_totals_get(rig->ledger).time_ns + 1; /* the next event's */
    GETS(rig, ledger_past(ledger_plain(1, A, B, 5), now),
         MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE);
    now = mr_ledger_totals_get(rig->ledger).time_ns + 1;
    GETS(rig, ledger_past(ledger_plain(1, A, B, 5), now + 1),
         MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE);
    now = mr_ledger_totals_get(rig->ledger).time_ns + 1;
    MAKES(rig, ledger_past(ledger_plain(1, A, B, 5), now - 1));
    GETS(rig, ledger_past(ledger_plain(2, A, B, 5), (uint64_t)INT64_MAX),
         MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE);
    GETS(rig, ledger_past(ledger_plain(2, A, B, 5), (uint64_t)INT64_MAX + 1),
         MR_LEDGER_IMPORTED_TIMESTAMP_OUT_OF_RANGE);
    GETS(rig, ledger_past(ledger_plain(2, A, B, 5), UINT64_MAX),
         MR_LEDGER_IMPORTED_TIMESTAMP_OUT_OF_RANGE);
    GETS(rig, ledger_past(ledger_plain(2, A, B, 5), 0), MR_LEDGER_IMPORTED_TIMESTAMP_OUT_OF_RANGE);
}

static void timestamps_of_transfers_rise(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_past(ledger_plain(1, A, B, 5), 1000));
    GETS(rig, ledger_past(ledger_plain(2, A, B, 5), 1000), REGRESS);
    GETS(rig, ledger_past(ledger_plain(2, A, B, 5), 999), REGRESS);
    MAKES(rig, ledger_past(ledger_plain(2, A, B, 5), 1001));
    MAKES(rig, ledger_plain(3, A, B, 5)); /* now */
    GETS(rig, ledger_past(ledger_plain(4, A, B, 5), 1002), REGRESS);
    uint64_t last = ledger_found(rig, 3).timestamp;
    GETS(rig, ledger_past(ledger_plain(4, A, B, 5), last), REGRESS);
    MAKES(rig, ledger_past(ledger_plain(4, A, B, 5), last + 1)); /* that of the event before */
}

static void no_two_events_share_a_timestamp(void **state)
{
    struct ledger_rig *rig = *state;
    GETS(rig, ledger_past(ledger_plain(1, A, B, 5), 300), REGRESS); /* account C's */
    MAKES(rig, ledger_past(ledger_plain(1, A, B, 5), 301));
    MAKES(rig, ledger_past(ledger_plain(2, A, B, 5), 400));
    ACCOUNT_GETS(rig, ledger_past_account(D, 400), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(D, 301), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(D, 350), 0);
    GETS(rig, ledger_past(ledger_plain(3, A, B, 5), 400), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(5, 500), 0);
    GETS(rig, ledger_past(ledger_plain(3, A, B, 5), 500), REGRESS);
    MAKES(rig, ledger_past(ledger_plain(3, A, B, 5), 501));
}

static void a_transfer_is_later_than_both_of_its_accounts(void **state)
{
    struct ledger_rig *rig = *state;
    GETS(rig, ledger_past(ledger_plain(1, C, A, 5), 250),
         MR_LEDGER_IMPORTED_MUST_POSTDATE_DEBIT_ACCOUNT);
    GETS(rig, ledger_past(ledger_plain(1, A, C, 5), 250),
         MR_LEDGER_IMPORTED_MUST_POSTDATE_CREDIT_ACCOUNT);
    MAKES(rig, ledger_past(ledger_plain(1, A, B, 5), 250));
    MAKES(rig, ledger_past(ledger_plain(2, C, A, 5), 301));
}

static void what_is_created_now_is_later_than_all_that_was_imported(void **state)
{
    struct ledger_rig *rig = *state;
    rig->time_ns = mr_ledger_totals_get(rig->ledger).time_ns + 1;
    MAKES(rig, ledger_past(ledger_plain(1, A, B, 5), rig->time_ns - 1));
    rig->time_ns = 1; /* a clock that stands still */
    MAKES(rig, ledger_plain(2, A, B, 5));
    assert_true(ledger_found(rig, 2).timestamp > ledger_found(rig, 1).timestamp);
}

/* -- Timestamps of accounts. ------------------------------------------------------------------- */

static void timestamps_of_accounts_rise(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNT_GETS(rig, ledger_past_account(D, 300), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(D, 299), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(D, 301), 0);
    ACCOUNT_GETS(rig, ledger_new_account(5, 0), 0);
    ACCOUNT_GETS(rig, ledger_past_account(6, 302), REGRESS);
}

/* Of transfers that are forgotten nobody knows which timestamps they had. */
static void an_account_is_not_older_than_forgotten_transfers(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint64_t id = 1; id <= 6; id++)
        MAKES(rig, ledger_past(ledger_plain(id, A, B, 1), 1000 * id));
    ACCOUNT_GETS(rig, ledger_past_account(D, 1999), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(D, 2000), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(D, 3000), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(D, 2001), 0);
    ACCOUNT_GETS(rig, ledger_past_account(5, 6000), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(5, 5999), 0);
}

static void the_last_transfer_counts_though_it_may_be_forgotten(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    struct mr_ledger_config config = ledger_config();
    config.transfers_max = 1;
    ledger_open(&rig, &config);
    ACCOUNTS(&rig, ledger_past_account(A, 100), ledger_past_account(B, 200));
    MAKES(&rig, ledger_past(ledger_plain(1, A, B, 1), 1000));
    GETS(&rig, ledger_past(ledger_plain(2, A, 99, 1), 2000), MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
    assert_false(ledger_has(&rig, 1));
    GETS(&rig, ledger_past(ledger_plain(3, A, B, 1), 1000), REGRESS);
    MAKES(&rig, ledger_past(ledger_plain(3, A, B, 1), 1001)); /* a failed one has no timestamp */
    ledger_close(&rig);
}

/* -- Requests. --------------------------------------------------------------------------------- */

static void the_first_event_decides_for_all(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_past(ledger_plain(1, A, B, 1), 1000), ledger_plain(2, A, B, 1),
            ledger_past(ledger_plain(3, A, B, 1), 1001));
    RESULTS(rig, 0, MR_LEDGER_IMPORTED_EVENT_EXPECTED, 0);
    REQUEST(rig, ledger_plain(4, A, B, 1), ledger_past(ledger_plain(5, A, B, 1), 1002),
            ledger_plain(6, A, B, 1));
    RESULTS(rig, 0, MR_LEDGER_IMPORTED_EVENT_NOT_EXPECTED, 0);
    ACCOUNTS(rig, ledger_new_account(11, IMPORTED), ledger_new_account(12, 0));
    RESULTS(rig, MR_LEDGER_IMPORTED_TIMESTAMP_OUT_OF_RANGE, MR_LEDGER_IMPORTED_EVENT_EXPECTED);
    ACCOUNTS(rig, ledger_new_account(0, 0), ledger_past_account(12, 1));
    RESULTS(rig, MR_LEDGER_ID_MUST_NOT_BE_ZERO, MR_LEDGER_IMPORTED_EVENT_NOT_EXPECTED);
}

static void a_chain_that_mixes_them_fails(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_linked(ledger_past(ledger_plain(1, A, B, 1), 1000)),
            ledger_linked(ledger_plain(2, A, B, 1)), ledger_past(ledger_plain(3, A, B, 1), 1001));
    RESULTS(rig, MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_IMPORTED_EVENT_EXPECTED,
            MR_LEDGER_LINKED_EVENT_FAILED);
}

static void what_a_failed_chain_imported_was_never_there(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_past(ledger_plain(1, A, B, 1), 1000));
    REQUEST(rig, ledger_linked(ledger_past(ledger_plain(2, A, B, 1), 5000)),
            ledger_linked(ledger_past(ledger_plain(3, A, B, 1), 6000)),
            ledger_past(ledger_plain(4, A, B, 1), 5500));
    RESULTS(rig, MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_LINKED_EVENT_FAILED, REGRESS);
    struct mr_ledger_account linked = ledger_past_account(D, 3000);
    linked.flags |= MR_LEDGER_ACCOUNT_LINKED;
    ACCOUNTS(rig, linked, ledger_past_account(5, 2000));
    RESULTS(rig, MR_LEDGER_LINKED_EVENT_FAILED, REGRESS);
    MAKES(rig, ledger_past(ledger_plain(2, A, B, 1), 1001));
    ACCOUNT_GETS(rig, ledger_past_account(D, 301), 0);
    GETS(rig, ledger_past(ledger_plain(3, A, B, 1), 1001), REGRESS);
    ACCOUNT_GETS(rig, ledger_past_account(5, 301), REGRESS);
}

/* -- Asking again. ----------------------------------------------------------------------------- */

static void a_retry_exists_whatever_its_timestamp_if_it_may_have_it(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_past(ledger_plain(1, A, B, 1), 1000));
    MAKES(rig, ledger_past(ledger_plain(2, A, B, 1), 2000));
    GETS(rig, ledger_past(ledger_plain(1, A, B, 1), 1000), MR_LEDGER_EXISTS);
    assert_int_equal(rig->results[0].timestamp, 1000);
    GETS(rig, ledger_past(ledger_plain(1, A, B, 1), 5), MR_LEDGER_EXISTS);
    GETS(rig, ledger_past(ledger_plain(1, A, B, 1), 0), MR_LEDGER_IMPORTED_TIMESTAMP_OUT_OF_RANGE);
    GETS(rig, ledger_plain(1, A, B, 1), MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
    ACCOUNT_GETS(rig, ledger_past_account(A, 7), MR_LEDGER_EXISTS);
    assert_int_equal(rig->results[0].timestamp, 100);
    ACCOUNT_GETS(rig, ledger_new_account(A, 0), MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
}

/* -- Pending ones. ----------------------------------------------------------------------------- */

static void an_imported_pending_transfer_does_not_expire(void **state)
{
    struct ledger_rig *rig = *state;
    GETS(rig, ledger_past(ledger_pend(1, A, B, 5, 1), 1000),
         MR_LEDGER_IMPORTED_TIMEOUT_MUST_BE_ZERO);
    MAKES(rig, ledger_past(ledger_pend(1, A, B, 5, 0), 1000));
    assert_int_equal(mr_ledger_expiry_next(rig->ledger), UINT64_MAX);
}

static void imported_or_not_they_resolve_one_another(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_past(ledger_pend(1, A, B, 5, 0), 1000));
    MAKES(rig, ledger_past(ledger_pend(2, A, B, 5, 0), 1001));
    GETS(rig, ledger_past(ledger_post(3, 1, AMOUNT_MAX), 1000), REGRESS);
    MAKES(rig, ledger_past(ledger_post(3, 1, AMOUNT_MAX), 1002));
    assert_int_equal(ledger_found(rig, 3).timestamp, 1002);
    MAKES(rig, ledger_void(4, 2));
    MAKES(rig, ledger_pend(5, A, B, 5, 50));
    uint64_t pending = ledger_found(rig, 5).timestamp;
    rig->time_ns = pending + SECOND;
    GETS(rig, ledger_past(ledger_void(6, 5), pending), REGRESS);
    MAKES(rig, ledger_past(ledger_void(6, 5), pending + 1));
    assert_int_equal(mr_ledger_expiry_next(rig->ledger), UINT64_MAX);
    BALANCES(rig, A, 0, 5, 0, 0);
}

#define PAST(name) cmocka_unit_test_setup_teardown(name, open_past, ledger_close_plain)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAST(an_imported_event_keeps_its_timestamp_and_takes_one_all_the_same),
        PAST(it_lies_in_the_past),
        PAST(timestamps_of_transfers_rise),
        PAST(no_two_events_share_a_timestamp),
        PAST(a_transfer_is_later_than_both_of_its_accounts),
        PAST(what_is_created_now_is_later_than_all_that_was_imported),
        PAST(timestamps_of_accounts_rise),
        PAST(an_account_is_not_older_than_forgotten_transfers),
        cmocka_unit_test(the_last_transfer_counts_though_it_may_be_forgotten),
        PAST(the_first_event_decides_for_all),
        PAST(a_chain_that_mixes_them_fails),
        PAST(what_a_failed_chain_imported_was_never_there),
        PAST(a_retry_exists_whatever_its_timestamp_if_it_may_have_it),
        PAST(an_imported_pending_transfer_does_not_expire),
        PAST(imported_or_not_they_resolve_one_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
