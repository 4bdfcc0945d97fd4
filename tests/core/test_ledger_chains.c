/* Chains: all of their events are created, or none, and then nothing is left of them. */
#include "tests/core/ledger_rig.h"

enum { A = 1, B = 2, C = 3, D = 4, LONG = LEDGER_BATCH_MAX };
#define FAILED MR_LEDGER_LINKED_EVENT_FAILED
#define OPEN   MR_LEDGER_LINKED_EVENT_CHAIN_OPEN

/* -- Which events are a chain. ----------------------------------------------------------------- */

static void linked_events_and_the_next_one_are_created_together(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_linked(ledger_plain(1, A, B, 1)), ledger_linked(ledger_plain(2, B, C, 2)),
            ledger_plain(3, C, D, 3));
    RESULTS(rig, 0, 0, 0);
    for (uint64_t id = 1; id <= 3; id++)
        assert_int_equal(ledger_found(rig, id).timestamp, rig->first_time + id - 1);
    BALANCES(rig, B, 0, 2, 0, 1);
    BALANCES(rig, C, 0, 3, 0, 2);
}

static void a_chain_of_one_is_an_event_that_is_not_linked(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_plain(1, A, B, 1));
    GETS(rig, ledger_linked(ledger_plain(2, A, B, 1)), OPEN);
    assert_false(ledger_has(rig, 2));
    MAKES(rig, ledger_plain(2, A, B, 1)); /* the id was not used up */
}

static void a_chain_that_is_open_at_the_end_of_the_request_fails(void **state)
{
    struct ledger_rig *rig = *state;
    uint64_t view = ledger_view(rig);
    REQUEST(rig, ledger_linked(ledger_plain(1, A, B, 1)), ledger_linked(ledger_plain(2, A, B, 1)),
            ledger_linked(ledger_plain(3, A, B, 1)));
    RESULTS(rig, FAILED, FAILED, OPEN);
    assert_int_equal(ledger_view(rig), view);
}

static void the_last_of_an_open_chain_is_told_so_whatever_else_is_wrong(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_linked(ledger_plain(1, A, B, 1)), ledger_linked(ledger_plain(0, A, A, 1)));
    RESULTS(rig, FAILED, OPEN);
    REQUEST(rig, ledger_linked(ledger_plain(0, A, B, 1)), ledger_linked(ledger_plain(2, A, B, 1)),
            ledger_linked(ledger_plain(0, A, A, 1)));
    RESULTS(rig, MR_LEDGER_ID_MUST_NOT_BE_ZERO, FAILED, OPEN);
}

static void chains_of_a_request_succeed_or_fail_by_themselves(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer wrong = ledger_plain(4, A, A, 1);
    REQUEST(rig, ledger_plain(1, A, B, 1), ledger_linked(ledger_plain(2, A, B, 2)),
            ledger_plain(3, A, B, 4), ledger_linked(ledger_plain(5, A, B, 8)), wrong,
            ledger_linked(ledger_plain(6, A, B, 16)), ledger_plain(7, A, B, 32));
    RESULTS(rig, 0, 0, 0, FAILED, MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT, 0, 0);
    BALANCES(rig, A, 0, 1 + 2 + 4 + 16 + 32, 0, 0);
}

/* -- What fails, and where. -------------------------------------------------------------------- */

enum { LINKS = 5 };

/* A chain of LINKS transfers from id `first` on; number `wrong` fails, in passing or not. */
static void request_with(struct ledger_rig *rig, uint64_t first, uint32_t wrong, bool passing)
{
    struct mr_ledger_transfer events[LINKS];
    for (uint32_t i = 0; i < LINKS; i++) {
        events[i] = ledger_plain(first + i, A, B, 1);
        if (i == wrong && passing)
            events[i].credit_account_id = ID(99);
        else if (i == wrong)
            events[i].code = 0;
        if (i + 1 < LINKS)
            events[i] = ledger_linked(events[i]);
    }
    ledger_request(rig, events, LINKS);
}

static void one_failure_anywhere_fails_all_and_only_it_is_told_why(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint32_t wrong = 0; wrong < LINKS; wrong++) {
        uint64_t view = ledger_view(rig);
        request_with(rig, 1, wrong, false);
        for (uint32_t i = 0; i < LINKS; i++) {
            assert_int_equal(rig->results[i].reason,
                             i == wrong ? MR_LEDGER_CODE_MUST_NOT_BE_ZERO : FAILED);
            assert_int_equal(rig->results[i].timestamp, rig->first_time + i);
        }
        assert_int_equal(ledger_view(rig), view);
    }
    request_with(rig, 1, LINKS, false); /* and the ids can be used */
    RESULTS(rig, 0, 0, 0, 0, 0);
}

static void of_a_chain_that_fails_in_passing_one_id_is_remembered(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint32_t wrong = 0; wrong < LINKS; wrong++) {
        uint64_t first = 1 + wrong * UINT64_C(10);
        request_with(rig, first, wrong, true);
        assert_int_equal(rig->results[wrong].reason, MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
        for (uint32_t i = 0; i < LINKS; i++)
            GETS(rig, ledger_plain(first + i, A, B, 0),
                 i == wrong ? MR_LEDGER_ID_ALREADY_FAILED : 0);
    }
    BALANCES(rig, A, 0, 0, 0, 0);
}

/* What comes behind a failure is not looked at: it would have failed in passing, too. */
static void a_chain_fails_at_its_first_failure(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_linked(ledger_plain(1, A, 99, 1)), ledger_linked(ledger_plain(2, 99, B, 1)),
            ledger_plain(3, A, B, 1));
    RESULTS(rig, MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND, FAILED, FAILED);
    MAKES(rig, ledger_plain(2, A, B, 1));
    MAKES(rig, ledger_plain(3, A, B, 1));
}

static void an_id_twice_in_a_chain_exists_and_then_does_not(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_linked(ledger_plain(1, A, B, 1)), ledger_linked(ledger_plain(1, A, B, 1)),
            ledger_plain(2, A, B, 1));
    RESULTS(rig, FAILED, MR_LEDGER_EXISTS, FAILED);
    assert_int_equal(rig->results[1].timestamp, rig->first_time); /* when it did */
    assert_false(ledger_has(rig, 1));
    MAKES(rig, ledger_plain(1, A, B, 1));
    REQUEST(rig, ledger_linked(ledger_plain(3, A, B, 1)), ledger_plain(1, A, B, 1));
    RESULTS(rig, FAILED, MR_LEDGER_EXISTS);
    assert_int_equal(rig->results[1].timestamp, ledger_found(rig, 1).timestamp);
}

/* -- What is seen within, and undone. ---------------------------------------------------------- */

static void an_event_sees_what_those_before_it_in_its_chain_did(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNT_GETS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_DEBITS_LIMITED), 0);
    REQUEST(rig, ledger_linked(ledger_plain(1, A, 7, 5)), ledger_linked(ledger_plain(2, 7, B, 5)),
            ledger_plain(3, 7, B, 1));
    RESULTS(rig, FAILED, FAILED, MR_LEDGER_EXCEEDS_CREDITS);
    BALANCES(rig, 7, 0, 0, 0, 0);
    REQUEST(rig, ledger_linked(ledger_plain(1, A, 7, 5)), ledger_plain(2, 7, B, 5));
    RESULTS(rig, 0, 0);
    BALANCES(rig, 7, 0, 5, 0, 5);
}

/* Pending transfers of a chain, and resolved ones, are as before when it fails. */
static void what_a_failed_chain_has_resolved_is_pending_again(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 5, 10));
    MAKES(rig, ledger_pend(2, A, B, 6, 20));
    MAKES(rig, ledger_pend(3, A, B, 7, 0));
    uint64_t view = ledger_view(rig);
    REQUEST(rig, ledger_linked(ledger_post(11, 1, ID(2))), ledger_linked(ledger_void(12, 2)),
            ledger_linked(ledger_post(13, 3, AMOUNT_MAX)),
            ledger_linked(ledger_pend(14, A, B, 1, 1)), ledger_linked(ledger_void(15, 14)),
            ledger_linked(ledger_pend(16, A, B, 1, 1)), ledger_post(17, 1, ID(2)));
    RESULTS(rig, FAILED, FAILED, FAILED, FAILED, FAILED, FAILED,
            MR_LEDGER_PENDING_TRANSFER_ALREADY_POSTED);
    assert_int_equal(ledger_view(rig), view);
    BALANCES(rig, A, 18, 0, 0, 0);
    assert_int_equal(ledger_expire(rig, rig->time_ns + 15 * SECOND, 1), 1);
    assert_int_equal(ledger_state(rig, 1), MR_LEDGER_STATE_EXPIRED);
    MAKES(rig, ledger_void(12, 2));
    MAKES(rig, ledger_post(13, 3, AMOUNT_MAX));
    BALANCES(rig, A, 0, 7, 0, 0);
}

static void a_chain_that_succeeds_resolves_what_it_has_made_itself(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_linked(ledger_pend(1, A, B, 5, 1)), ledger_linked(ledger_post(2, 1, ID(3))),
            ledger_linked(ledger_pend(3, A, B, 5, 1)), ledger_void(4, 3));
    RESULTS(rig, 0, 0, 0, 0);
    assert_int_equal(mr_ledger_totals_get(rig->ledger).pending, 0);
    assert_int_equal(mr_ledger_expiry_next(rig->ledger), UINT64_MAX);
    assert_int_equal(ledger_state(rig, 1), MR_LEDGER_STATE_POSTED);
    assert_int_equal(ledger_state(rig, 3), MR_LEDGER_STATE_VOIDED);
    GETS(rig, ledger_linked(ledger_post(2, 1, ID(3))), OPEN); /* alone, it would be a chain */
    GETS(rig, ledger_post(2, 1, ID(3)), MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
}

static void the_history_of_a_failed_chain_is_undone(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNTS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_HISTORY),
             ledger_new_account(8, MR_LEDGER_ACCOUNT_HISTORY));
    MAKES(rig, ledger_plain(1, 7, 8, 1));
    assert_int_equal(mr_ledger_totals_get(rig->ledger).balances, 2);
    REQUEST(rig, ledger_linked(ledger_plain(2, 7, 8, 1)), ledger_linked(ledger_plain(3, 7, A, 1)),
            ledger_plain(4, 7, 7, 1));
    RESULTS(rig, FAILED, FAILED, MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT);
    assert_int_equal(mr_ledger_totals_get(rig->ledger).balances, 2);
    MAKES(rig, ledger_plain(2, 7, A, 1));
    assert_int_equal(mr_ledger_totals_get(rig->ledger).balances, 3);
}

/* -- Chains of accounts. ----------------------------------------------------------------------- */

static void accounts_of_a_failed_chain_are_not_there(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_account foreign = ledger_new_account(11, MR_LEDGER_ACCOUNT_LINKED);
    foreign.ledger = 77;
    uint64_t view = ledger_view(rig);
    ACCOUNTS(rig, foreign, ledger_new_account(12, MR_LEDGER_ACCOUNT_LINKED),
             ledger_new_account(11, 0));
    RESULTS(rig, FAILED, FAILED, MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
    assert_int_equal(ledger_view(rig), view);
    assert_int_equal(mr_ledger_totals_get(rig->ledger).ledgers, 1);
    GETS(rig, ledger_plain(1, A, 12, 1), MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
    ACCOUNTS(rig, foreign, ledger_new_account(12, MR_LEDGER_ACCOUNT_LINKED),
             ledger_new_account(13, 0));
    RESULTS(rig, 0, 0, 0);
    MAKES(rig, ledger_plain(2, A, 12, 1));
}

static void an_account_twice_in_a_chain_exists_and_then_does_not(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNTS(rig, ledger_new_account(11, MR_LEDGER_ACCOUNT_LINKED),
             ledger_new_account(11, MR_LEDGER_ACCOUNT_LINKED), ledger_new_account(12, 0));
    RESULTS(rig, FAILED, MR_LEDGER_EXISTS, FAILED);
    assert_int_equal(rig->results[1].timestamp, rig->first_time);
    ACCOUNT_GETS(rig, ledger_new_account(11, 0), 0);
}

/* -- Long ones. -------------------------------------------------------------------------------- */

static struct mr_ledger_transfer long_chain[LONG];

/* Ids from `first` on: pending ones, posts of those, and plain ones, in turn. */
static void make_long(uint64_t first)
{
    for (uint64_t i = 0; i < LONG; i++) {
        long_chain[i] = i % 3 == 0   ? ledger_pend(first + i, A, B, 2, 100)
                        : i % 3 == 1 ? ledger_post(first + i, first + i - 1, ID(1))
                                     : ledger_plain(first + i, B, C, 1);
        if (i + 1 < LONG)
            long_chain[i] = ledger_linked(long_chain[i]);
    }
}

static void open_window(struct ledger_rig *rig, uint32_t transfers, uint32_t pending)
{
    struct mr_ledger_config config = ledger_config();
    config.transfers_max = transfers;
    config.pending_max = pending;
    config.history_max = 1;
    ledger_open(rig, &config);
    ACCOUNT_GETS(rig, ledger_new_account(A, MR_LEDGER_ACCOUNT_HISTORY), 0);
    ACCOUNT_GETS(rig, ledger_new_account(B, MR_LEDGER_ACCOUNT_HISTORY), 0);
    ACCOUNT_GETS(rig, ledger_new_account(C, 0), 0);
}

static void a_chain_of_8190_succeeds_whole(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    open_window(&rig, 10000, 4);
    make_long(1000);
    ledger_request(&rig, long_chain, LONG);
    for (uint32_t i = 0; i < LONG; i++) {
        assert_int_equal(rig.results[i].reason, 0);
        assert_int_equal(rig.results[i].timestamp, rig.first_time + i);
    }
    BALANCES(&rig, A, 0, LONG / 3, 0, 0);
    BALANCES(&rig, B, 0, LONG / 3, 0, LONG / 3);
    assert_int_equal(mr_ledger_totals_get(rig.ledger).remembered, LONG);
    assert_int_equal(mr_ledger_totals_get(rig.ledger).balances, 1);
    ledger_close(&rig);
}

/* Whatever the last, the first or one in the middle does. */
static void a_chain_of_8190_fails_whole(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    static const uint32_t wrong[] = {0, 1, 4000, LONG - 1};
    open_window(&rig, 10000, 4);
    MAKES(&rig, ledger_plain(1, A, B, 1));
    uint64_t view = ledger_view(&rig);
    for (size_t i = 0; i < EVENTS(wrong); i++) {
        make_long(1000);
        long_chain[wrong[i]].flags |= 0x8000;
        ledger_request(&rig, long_chain, LONG);
        for (uint32_t j = 0; j < LONG; j++)
            assert_int_equal(rig.results[j].reason,
                             j == wrong[i] ? MR_LEDGER_RESERVED_FLAG : FAILED);
        assert_int_equal(ledger_view(&rig), view);
    }
    make_long(1000);
    long_chain[LONG - 1] = ledger_linked(long_chain[LONG - 1]);
    ledger_request(&rig, long_chain, LONG);
    assert_int_equal(rig.results[0].reason, FAILED);
    assert_int_equal(rig.results[LONG - 1].reason, OPEN);
    assert_int_equal(ledger_view(&rig), view);
    ledger_close(&rig);
}

/* Pending transfers that are resolved within a chain keep their places until it is decided, which
 * are there beside those of pending_max: what counts is how many are pending. */
static void a_chain_longer_than_the_window_succeeds_and_its_end_is_remembered(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    open_window(&rig, 16, 1);
    MAKES(&rig, ledger_plain(1, A, B, 1));
    make_long(1000);
    ledger_request(&rig, long_chain, LONG);
    for (uint32_t i = 0; i < LONG; i++)
        assert_int_equal(rig.results[i].reason, 0);
    assert_int_equal(mr_ledger_totals_get(rig.ledger).remembered, 16);
    for (uint64_t id = 1000 + LONG - 16; id < 1000 + LONG; id++)
        assert_true(ledger_has(&rig, id));
    assert_false(ledger_has(&rig, 1000 + LONG - 17));
    assert_true(mr_u128_equal(mr_ledger_totals_get(rig.ledger).floor, ID(1000 + LONG - 17)));
    ledger_close(&rig);
}

static void a_failed_chain_longer_than_the_window_forgets_nothing(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    open_window(&rig, 16, 1);
    for (uint64_t id = 1; id <= 16; id++)
        MAKES(&rig, ledger_plain(id, A, B, 1));
    uint64_t view = ledger_view(&rig);
    make_long(1000);
    long_chain[LONG - 1].flags |= 0x8000;
    ledger_request(&rig, long_chain, LONG);
    assert_int_equal(rig.results[LONG - 1].reason, MR_LEDGER_RESERVED_FLAG);
    assert_int_equal(ledger_view(&rig), view);
    for (uint64_t id = 1; id <= 16; id++)
        GETS(&rig, ledger_plain(id, A, B, 1), MR_LEDGER_EXISTS);
    ledger_close(&rig);
}

static void a_chain_of_8190_accounts_succeeds_or_fails_whole(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    static struct mr_ledger_account accounts[LONG];
    struct mr_ledger_config config = ledger_config();
    config.accounts_max = LONG;
    ledger_open(&rig, &config);
    for (uint64_t i = 0; i < LONG; i++)
        accounts[i] =
            ledger_new_account(i + 1, (uint16_t)(i + 1 < LONG ? MR_LEDGER_ACCOUNT_LINKED : 0));
    accounts[LONG - 1].code = 0;
    ledger_accounts_request(&rig, accounts, LONG);
    assert_int_equal(rig.results[0].reason, FAILED);
    assert_int_equal(rig.results[LONG - 1].reason, MR_LEDGER_CODE_MUST_NOT_BE_ZERO);
    assert_int_equal(mr_ledger_totals_get(rig.ledger).accounts, 0);
    accounts[LONG - 1].code = CODE;
    ledger_accounts_request(&rig, accounts, LONG);
    for (uint32_t i = 0; i < LONG; i++)
        assert_int_equal(rig.results[i].reason, 0);
    assert_int_equal(mr_ledger_totals_get(rig.ledger).accounts, LONG);
    ledger_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(linked_events_and_the_next_one_are_created_together),
        SCENARIO(a_chain_of_one_is_an_event_that_is_not_linked),
        SCENARIO(a_chain_that_is_open_at_the_end_of_the_request_fails),
        SCENARIO(the_last_of_an_open_chain_is_told_so_whatever_else_is_wrong),
        SCENARIO(chains_of_a_request_succeed_or_fail_by_themselves),
        SCENARIO(one_failure_anywhere_fails_all_and_only_it_is_told_why),
        SCENARIO(of_a_chain_that_fails_in_passing_one_id_is_remembered),
        SCENARIO(a_chain_fails_at_its_first_failure),
        SCENARIO(an_id_twice_in_a_chain_exists_and_then_does_not),
        SCENARIO(an_event_sees_what_those_before_it_in_its_chain_did),
        SCENARIO(what_a_failed_chain_has_resolved_is_pending_again),
        SCENARIO(a_chain_that_succeeds_resolves_what_it_has_made_itself),
        SCENARIO(the_history_of_a_failed_chain_is_undone),
        SCENARIO(accounts_of_a_failed_chain_are_not_there),
        SCENARIO(an_account_twice_in_a_chain_exists_and_then_does_not),
        cmocka_unit_test(a_chain_of_8190_succeeds_whole),
        cmocka_unit_test(a_chain_of_8190_fails_whole),
        cmocka_unit_test(a_chain_longer_than_the_window_succeeds_and_its_end_is_remembered),
        cmocka_unit_test(a_failed_chain_longer_than_the_window_forgets_nothing),
        cmocka_unit_test(a_chain_of_8190_accounts_succeeds_or_fails_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
