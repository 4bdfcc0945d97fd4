/* Every result that an event can have, had exactly, by an event that is wrong in one way only. */
#include "tests/core/ledger_account_faults.h"
#include "tests/core/ledger_faults.h"

/* -- Transfers: one function for each result, so that one that lacks does not compile. --------- */

#define BY(result, ...)                                 \
    static void by_##result(struct ledger_scene *scene) \
    {                                                   \
        __VA_ARGS__;                                    \
    }

BY(linked_event_failed, behind_failed(scene))
BY(linked_event_chain_open, linked_at_end(scene))
BY(imported_event_expected, not_imported(scene))
BY(imported_event_not_expected, imported_late(scene))
BY(timestamp_must_be_zero, with_timestamp(scene))
BY(imported_event_timestamp_out_of_range, imported_at_2_63(scene))
BY(imported_event_timestamp_must_not_advance, imported_now(scene))
BY(reserved_flag, with_flag(scene))
BY(id_must_not_be_zero, with_id_zero(scene))
BY(id_must_not_be_int_max, with_id_max(scene))
BY(exists_with_different_flags, retrying(scene); other_flags(scene))
BY(exists_with_different_pending_id, retrying(scene); other_pending_id(scene))
BY(exists_with_different_timeout, retrying(scene); other_timeout(scene))
BY(exists_with_different_debit_account_id, retrying(scene); other_debit(scene))
BY(exists_with_different_credit_account_id, retrying(scene); other_credit(scene))
BY(exists_with_different_amount, retrying(scene); other_amount(scene))
BY(exists_with_different_user_data_128, retrying(scene); other_data_128(scene))
BY(exists_with_different_user_data_64, retrying(scene); other_data_64(scene))
BY(exists_with_different_user_data_32, retrying(scene); other_data_32(scene))
BY(exists_with_different_ledger, retrying(scene); other_ledger(scene))
BY(exists_with_different_code, retrying(scene); other_code(scene))
BY(exists, retrying(scene))
BY(id_already_failed, of_failed(scene))
BY(id_too_old, too_old(scene))
BY(id_ahead_of_time, too_new(scene))
BY(transfers_full, too_many(scene))
BY(flags_are_mutually_exclusive, posting(scene); post_and_void(scene))
BY(debit_account_id_must_not_be_zero, from_zero(scene))
BY(debit_account_id_must_not_be_int_max, from_max(scene))
BY(credit_account_id_must_not_be_zero, to_zero(scene))
BY(credit_account_id_must_not_be_int_max, to_max(scene))
BY(accounts_must_be_different, to_itself(scene))
BY(pending_id_must_be_zero, with_pending_id(scene))
BY(pending_id_must_not_be_zero, posting(scene); of_pending_zero(scene))
BY(pending_id_must_not_be_int_max, posting(scene); of_pending_max(scene))
BY(pending_id_must_be_different, posting(scene); of_itself(scene))
BY(timeout_reserved_for_pending_transfer, with_timeout(scene))
BY(closing_transfer_must_be_pending, closing(scene))
BY(ledger_must_not_be_zero, no_ledger(scene))
BY(code_must_not_be_zero, no_code(scene))
BY(debit_account_not_found, from_nobody(scene))
BY(credit_account_not_found, to_nobody(scene))
BY(accounts_must_have_the_same_ledger, to_foreign(scene))
BY(transfer_must_have_the_same_ledger_as_accounts, other_ledger(scene))
BY(pending_transfer_not_found, posting(scene); of_nothing(scene))
BY(pending_transfer_not_pending, posting(scene); of_simple(scene))
BY(pending_transfer_has_different_debit_account_id, posting(scene); other_debit(scene))
BY(pending_transfer_has_different_credit_account_id, posting(scene); other_credit(scene))
BY(pending_transfer_has_different_ledger, posting(scene); other_ledger(scene))
BY(pending_transfer_has_different_code, posting(scene); other_code(scene))
BY(exceeds_pending_transfer_amount, posting(scene); more_than_pending(scene))
BY(pending_transfer_has_different_amount, voiding(scene); less_than_pending(scene))
BY(pending_transfer_already_posted, posting(scene); of_posted(scene))
BY(pending_transfer_already_voided, posting(scene); of_voided(scene))
BY(pending_transfer_expired, posting(scene); of_expired(scene))
BY(imported_event_timestamp_must_not_regress, imported_at_one(scene))
BY(imported_event_timestamp_must_postdate_debit_account, from_late(scene))
BY(imported_event_timestamp_must_postdate_credit_account, to_late(scene))
BY(imported_event_timeout_must_be_zero, imported_with_timeout(scene))
BY(debit_account_already_closed, from_closed(scene))
BY(credit_account_already_closed, to_closed(scene))
BY(overflows_debits_pending, from_pending_debits(scene))
BY(overflows_credits_pending, to_pending_credits(scene))
BY(overflows_debits_posted, from_posted_debits(scene))
BY(overflows_credits_posted, to_posted_credits(scene))
BY(overflows_debits, from_all_debits(scene))
BY(overflows_credits, to_all_credits(scene))
BY(overflows_timeout, beyond_time(scene))
BY(exceeds_credits, from_limited(scene))
BY(exceeds_debits, to_limited(scene))
BY(pending_full, with_pending_full(scene))

/* Results that no transfer has; bad_filter is one of queries (test_ledger_queries.c). */
#define by_reserved_field               NULL
#define by_debits_pending_must_be_zero  NULL
#define by_debits_posted_must_be_zero   NULL
#define by_credits_pending_must_be_zero NULL
#define by_credits_posted_must_be_zero  NULL
#define by_accounts_full                NULL
#define by_ledgers_full                 NULL
#define by_bad_filter                   NULL

#define CASE(name, number, result, meaning) {name, by_##result},
static const struct ledger_case transfer_cases[] = {MR_LEDGER_RESULTS(CASE)};

/* -- Accounts. --------------------------------------------------------------------------------- */

#define ACCOUNT_BY(name, ...)                                 \
    static void account_by_##name(struct ledger_scene *scene) \
    {                                                         \
        __VA_ARGS__;                                          \
    }

ACCOUNT_BY(LINKED_EVENT_FAILED, account_behind_failed(scene))
ACCOUNT_BY(LINKED_EVENT_CHAIN_OPEN, account_linked_at_end(scene))
ACCOUNT_BY(IMPORTED_EVENT_EXPECTED, account_not_imported(scene))
ACCOUNT_BY(IMPORTED_EVENT_NOT_EXPECTED, account_imported_late(scene))
ACCOUNT_BY(TIMESTAMP_MUST_BE_ZERO, account_with_timestamp(scene))
ACCOUNT_BY(IMPORTED_TIMESTAMP_OUT_OF_RANGE, account_imported_at_zero(scene))
ACCOUNT_BY(IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE, account_imported_now(scene))
ACCOUNT_BY(RESERVED_FIELD, account_with_reserved(scene))
ACCOUNT_BY(RESERVED_FLAG, account_with_flag(scene))
ACCOUNT_BY(ID_MUST_NOT_BE_ZERO, account_with_id_zero(scene))
ACCOUNT_BY(ID_MUST_NOT_BE_INT_MAX, account_with_id_max(scene))
ACCOUNT_BY(EXISTS_WITH_DIFFERENT_FLAGS, account_retrying(scene); account_other_flags(scene))
ACCOUNT_BY(EXISTS_WITH_DIFFERENT_USER_DATA_128, account_retrying(scene);
           account_other_data_128(scene))
ACCOUNT_BY(EXISTS_WITH_DIFFERENT_USER_DATA_64, account_retrying(scene);
           account_other_data_64(scene))
ACCOUNT_BY(EXISTS_WITH_DIFFERENT_USER_DATA_32, account_retrying(scene);
           account_other_data_32(scene))
ACCOUNT_BY(EXISTS_WITH_DIFFERENT_LEDGER, account_retrying(scene); account_other_ledger(scene))
ACCOUNT_BY(EXISTS_WITH_DIFFERENT_CODE, account_retrying(scene); account_other_code(scene))
ACCOUNT_BY(EXISTS, account_retrying(scene))
ACCOUNT_BY(FLAGS_ARE_MUTUALLY_EXCLUSIVE, account_with_both_limits(scene))
ACCOUNT_BY(DEBITS_PENDING_MUST_BE_ZERO, account_with_debits_pending(scene))
ACCOUNT_BY(DEBITS_POSTED_MUST_BE_ZERO, account_with_debits_posted(scene))
ACCOUNT_BY(CREDITS_PENDING_MUST_BE_ZERO, account_with_credits_pending(scene))
ACCOUNT_BY(CREDITS_POSTED_MUST_BE_ZERO, account_with_credits_posted(scene))
ACCOUNT_BY(LEDGER_MUST_NOT_BE_ZERO, account_no_ledger(scene))
ACCOUNT_BY(CODE_MUST_NOT_BE_ZERO, account_no_code(scene))
ACCOUNT_BY(IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, account_imported_at_one(scene))
ACCOUNT_BY(ACCOUNTS_FULL, account_one_too_many(scene))
ACCOUNT_BY(LEDGERS_FULL, account_of_unknown_ledger(scene))

#define ACCOUNT_CASE(name) {MR_LEDGER_##name, account_by_##name},
static const struct ledger_case account_cases[] = {ACCOUNT_CASE(LINKED_EVENT_FAILED)
                                                       MR_LEDGER_ACCOUNT_PRECEDENCE(ACCOUNT_CASE)};

/* -- Getting them. ----------------------------------------------------------------------------- */

static void open_for(struct ledger_scene *scene, uint32_t reason)
{
    scene_open(scene, reason == MR_LEDGER_TRANSFERS_FULL ? MR_LEDGER_IDS_FREE
                                                         : MR_LEDGER_IDS_TIME_ORDERED);
}

static bool is_exists(uint32_t reason)
{
    return reason == MR_LEDGER_EXISTS;
}

/* What is told beside the result: the event's own time, or that of what exists. */
static void right_time(const struct ledger_scene *scene, uint32_t reason, uint64_t existing)
{
    const struct ledger_rig *rig = &scene->rig;
    assert_int_equal(rig->results[rig->count - 1].timestamp,
                     is_exists(reason) ? existing : rig->first_time + rig->count - 1);
}

static void a_good_event_is_created(void **state)
{
    (void)state;
    static struct ledger_scene scene;
    scene_open(&scene, MR_LEDGER_IDS_TIME_ORDERED);
    assert_int_equal(scene_account(&scene), 0);
    right_time(&scene, 0, 0);
    assert_int_equal(ledger_seen(&scene.rig, NEW).timestamp, scene.rig.first_time);
    assert_int_equal(scene_transfer(&scene), 0);
    right_time(&scene, 0, 0);
    assert_int_equal(ledger_found(&scene.rig, NEW).timestamp, scene.rig.first_time);
    ledger_close(&scene.rig);
}

static void every_result_of_transfers_is_had_by_a_transfer(void **state)
{
    (void)state;
    static struct ledger_scene scene;
    for (size_t i = 0; i < EVENTS(transfer_cases); i++) {
        const struct ledger_case *one = &transfer_cases[i];
        if (one->spoil == NULL)
            continue;
        open_for(&scene, one->reason);
        one->spoil(&scene);
        ledger_reason_at(scene_transfer(&scene), one->reason, 0, __FILE__, __LINE__);
        uint64_t existing =
            is_exists(one->reason) ? ledger_found(&scene.rig, RETRIED).timestamp : 0;
        right_time(&scene, one->reason, existing);
        ledger_close(&scene.rig);
    }
}

static void every_result_of_accounts_is_had_by_an_account(void **state)
{
    (void)state;
    static struct ledger_scene scene;
    for (size_t i = 0; i < EVENTS(account_cases); i++) {
        const struct ledger_case *one = &account_cases[i];
        open_for(&scene, one->reason);
        one->spoil(&scene);
        ledger_reason_at(scene_account(&scene), one->reason, 0, __FILE__, __LINE__);
        right_time(&scene, one->reason, ledger_seen(&scene.rig, GIVER).timestamp);
        ledger_close(&scene.rig);
    }
}

static bool of_accounts(uint32_t reason)
{
    for (size_t i = 0; i < EVENTS(account_cases); i++)
        if (account_cases[i].reason == reason)
            return true;
    return false;
}

/* Together with the above: each code is had by something. */
static void a_result_that_no_transfer_has_is_had_by_accounts_or_queries(void **state)
{
    (void)state;
    for (size_t i = 0; i < EVENTS(transfer_cases); i++)
        if (transfer_cases[i].spoil == NULL && transfer_cases[i].reason != MR_LEDGER_BAD_FILTER)
            assert_true(of_accounts(transfer_cases[i].reason));
}

/* -- What a failure leaves behind: nothing, but the id of one that fails in passing. ----------- */

static bool in_passing(uint32_t reason)
{
    return reason == MR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND ||
           reason == MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND ||
           reason == MR_LEDGER_PENDING_TRANSFER_NOT_FOUND || reason == MR_LEDGER_EXCEEDS_CREDITS ||
           reason == MR_LEDGER_EXCEEDS_DEBITS || reason == MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED ||
           reason == MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED;
}

static void a_failed_transfer_changes_nothing_but_what_is_remembered_of_it(void **state)
{
    (void)state;
    static struct ledger_scene scene;
    for (size_t i = 0; i < EVENTS(transfer_cases); i++) {
        const struct ledger_case *one = &transfer_cases[i];
        if (one->spoil == NULL || one->reason == MR_LEDGER_IMPORTED_EVENT_NOT_EXPECTED)
            continue; /* where the event before it is created */
        open_for(&scene, one->reason);
        one->spoil(&scene);
        uint64_t view = ledger_view(&scene.rig);
        uint32_t remembered = mr_ledger_totals_get(scene.rig.ledger).remembered;
        scene_transfer(&scene);
        assert_int_equal(mr_ledger_totals_get(scene.rig.ledger).remembered - remembered,
                         in_passing(one->reason) ? 1 : 0);
        if (!in_passing(one->reason))
            assert_int_equal(ledger_view(&scene.rig), view);
        ledger_close(&scene.rig);
    }
}

static void only_seven_failures_are_remembered(void **state)
{
    (void)state;
    static struct ledger_scene scene;
    uint32_t count = 0;
    for (size_t i = 0; i < EVENTS(transfer_cases); i++) {
        const struct ledger_case *one = &transfer_cases[i];
        if (one->spoil == NULL || !in_passing(one->reason))
            continue;
        count++;
        open_for(&scene, one->reason);
        one->spoil(&scene);
        scene_transfer(&scene);
        assert_false(ledger_has(&scene.rig, NEW));
        GETS(&scene.rig, ledger_plain(NEW, GIVER, TAKER, 1), MR_LEDGER_ID_ALREADY_FAILED);
        MAKES(&scene.rig, ledger_plain(NEW + 1, GIVER, TAKER, 1));
        ledger_close(&scene.rig);
    }
    assert_int_equal(count, 7);
}

static void a_failed_account_changes_nothing(void **state)
{
    (void)state;
    static struct ledger_scene scene;
    for (size_t i = 0; i < EVENTS(account_cases); i++) {
        const struct ledger_case *one = &account_cases[i];
        if (one->reason == MR_LEDGER_IMPORTED_EVENT_NOT_EXPECTED)
            continue;
        open_for(&scene, one->reason);
        one->spoil(&scene);
        uint64_t view = ledger_view(&scene.rig);
        scene_account(&scene);
        assert_int_equal(ledger_view(&scene.rig), view);
        ledger_close(&scene.rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_event_is_created),
        cmocka_unit_test(every_result_of_transfers_is_had_by_a_transfer),
        cmocka_unit_test(every_result_of_accounts_is_had_by_an_account),
        cmocka_unit_test(a_result_that_no_transfer_has_is_had_by_accounts_or_queries),
        cmocka_unit_test(a_failed_transfer_changes_nothing_but_what_is_remembered_of_it),
        cmocka_unit_test(only_seven_failures_are_remembered),
        cmocka_unit_test(a_failed_account_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
