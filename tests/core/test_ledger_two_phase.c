/* Pending transfers: posting, voiding, expiring, and asking again. */
#include "tests/core/ledger_rig.h"

enum { A = 1, B = 2, C = 3, D = 4 };

/* -- Reserving. -------------------------------------------------------------------------------- */

static void a_pending_transfer_reserves_and_moves_nothing(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 10, 0));
    BALANCES(rig, A, 10, 0, 0, 0);
    BALANCES(rig, B, 0, 0, 10, 0);
    assert_int_equal(ledger_state(rig, 1), MR_LEDGER_STATE_PENDING);
    MAKES(rig, ledger_plain(2, A, B, 1));
    assert_int_equal(ledger_state(rig, 2), MR_LEDGER_STATE_NONE);
}

static void what_is_pending_counts_against_a_limit(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNT_GETS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_DEBITS_LIMITED), 0);
    MAKES(rig, ledger_plain(1, A, 7, 10));
    MAKES(rig, ledger_pend(2, 7, B, 6, 0));
    GETS(rig, ledger_pend(3, 7, B, 5, 0), MR_LEDGER_EXCEEDS_CREDITS);
    MAKES(rig, ledger_pend(4, 7, B, 4, 0));
    GETS(rig, ledger_plain(5, 7, B, 1), MR_LEDGER_EXCEEDS_CREDITS);
    MAKES(rig, ledger_post(6, 2, ID(1))); /* which makes room for five */
    MAKES(rig, ledger_plain(8, 7, B, 5));
    GETS(rig, ledger_plain(9, 7, B, 1), MR_LEDGER_EXCEEDS_CREDITS);
}

/* What was reserved can be posted whatever the limits are by then. */
static void a_post_is_not_asked_about_limits(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNT_GETS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_DEBITS_LIMITED), 0);
    MAKES(rig, ledger_plain(1, A, 7, 10));
    MAKES(rig, ledger_pend(2, 7, B, 10, 0));
    MAKES(rig, ledger_post(3, 2, AMOUNT_MAX));
    BALANCES(rig, 7, 0, 10, 0, 10);
}

/* -- What a post and a void take from the pending one. ----------------------------------------- */

static struct mr_ledger_transfer rich_pending(uint64_t id)
{
    struct mr_ledger_transfer transfer = ledger_pend(id, A, B, 10, 100);
    transfer.user_data_128 = ID(7);
    transfer.user_data_64 = 8;
    transfer.user_data_32 = 9;
    return transfer;
}

static void what_a_post_leaves_out_is_the_pending_ones(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, rich_pending(1));
    MAKES(rig, ledger_post(2, 1, AMOUNT_MAX));
    struct mr_ledger_transfer expected = rich_pending(2);
    expected.pending_id = ID(1);
    expected.flags = MR_LEDGER_POST;
    expected.timeout = 0;
    expected.timestamp = rig->results[0].timestamp;
    struct mr_ledger_transfer found = ledger_found(rig, 2);
    assert_memory_equal(&found, &expected, sizeof found);
}

static void a_post_may_have_user_data_of_its_own(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer post = ledger_post(2, 1, ID(3));
    post.user_data_64 = 80;
    post.debit_account_id = ID(A);
    post.credit_account_id = ID(B);
    post.ledger = UNIT;
    post.code = CODE;
    MAKES(rig, rich_pending(1));
    MAKES(rig, post);
    struct mr_ledger_transfer found = ledger_found(rig, 2);
    assert_int_equal(found.user_data_64, 80);
    assert_int_equal(found.user_data_32, 9);
    assert_true(mr_u128_equal(found.user_data_128, ID(7)));
    assert_true(mr_u128_equal(found.amount, ID(3)));
}

static void a_pending_transfer_keeps_its_amount_when_less_is_posted(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, rich_pending(1));
    MAKES(rig, ledger_post(2, 1, ID(3)));
    assert_true(mr_u128_equal(ledger_found(rig, 1).amount, ID(10)));
    assert_int_equal(ledger_state(rig, 1), MR_LEDGER_STATE_POSTED);
    BALANCES(rig, A, 0, 3, 0, 0);
}

static void a_pending_transfer_is_resolved_once(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 10, 0));
    MAKES(rig, ledger_pend(2, A, B, 10, 0));
    MAKES(rig, ledger_post(3, 1, ID(4)));
    MAKES(rig, ledger_void(4, 2));
    GETS(rig, ledger_post(5, 1, ID(1)), MR_LEDGER_PENDING_TRANSFER_ALREADY_POSTED);
    GETS(rig, ledger_void(5, 1), MR_LEDGER_PENDING_TRANSFER_ALREADY_POSTED);
    GETS(rig, ledger_post(5, 2, ID(1)), MR_LEDGER_PENDING_TRANSFER_ALREADY_VOIDED);
    GETS(rig, ledger_void(5, 2), MR_LEDGER_PENDING_TRANSFER_ALREADY_VOIDED);
    GETS(rig, ledger_void(5, 3), MR_LEDGER_PENDING_TRANSFER_NOT_PENDING);
    MAKES(rig, ledger_plain(5, A, B, 1)); /* none of that is remembered */
}

static void a_transfer_that_failed_cannot_be_posted(void **state)
{
    struct ledger_rig *rig = *state;
    GETS(rig, ledger_pend(1, A, 99, 1, 0), MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
    GETS(rig, ledger_post(2, 1, AMOUNT_MAX), MR_LEDGER_PENDING_TRANSFER_NOT_FOUND);
    GETS(rig, ledger_post(2, 1, AMOUNT_MAX), MR_LEDGER_ID_ALREADY_FAILED);
}

/* -- Asking again. ----------------------------------------------------------------------------- */

static void a_retry_of_a_post_in_part_names_that_part(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 10, 0));
    MAKES(rig, ledger_post(2, 1, ID(4)));
    GETS(rig, ledger_post(2, 1, ID(4)), MR_LEDGER_EXISTS);
    GETS(rig, ledger_post(2, 1, ID(3)), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    GETS(rig, ledger_post(2, 1, ID(10)), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    GETS(rig, ledger_post(2, 1, AMOUNT_MAX), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
}

static void a_retry_of_a_whole_post_names_all_or_more(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 10, 0));
    MAKES(rig, ledger_post(2, 1, ID(10)));
    GETS(rig, ledger_post(2, 1, ID(10)), MR_LEDGER_EXISTS);
    GETS(rig, ledger_post(2, 1, ID(11)), MR_LEDGER_EXISTS);
    GETS(rig, ledger_post(2, 1, AMOUNT_MAX), MR_LEDGER_EXISTS);
    GETS(rig, ledger_post(2, 1, ID(9)), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    GETS(rig, ledger_post(2, 1, ID(0)), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
}

static void a_retry_of_a_void_names_all_or_nothing(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer some = ledger_void(2, 1);
    MAKES(rig, ledger_pend(1, A, B, 10, 0));
    MAKES(rig, ledger_void(2, 1));
    GETS(rig, ledger_void(2, 1), MR_LEDGER_EXISTS);
    some.amount = ID(10);
    GETS(rig, some, MR_LEDGER_EXISTS);
    some.amount = ID(9);
    GETS(rig, some, MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    some.amount = AMOUNT_MAX;
    GETS(rig, some, MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
}

/* What is left out was the same as the pending one's, or else it has to be named again. */
static void a_retry_may_leave_out_what_was_not_changed(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer own = ledger_post(12, 2, AMOUNT_MAX);
    own.user_data_128 = ID(70);
    own.user_data_64 = 80;
    own.user_data_32 = 90;
    MAKES(rig, rich_pending(1));
    MAKES(rig, rich_pending(2));
    MAKES(rig, ledger_post(11, 1, AMOUNT_MAX));
    MAKES(rig, own);
    struct mr_ledger_transfer named = ledger_post(11, 1, AMOUNT_MAX);
    named.user_data_128 = ID(7);
    named.user_data_64 = 8;
    named.user_data_32 = 9;
    GETS(rig, named, MR_LEDGER_EXISTS);
    named.user_data_32 = 10;
    GETS(rig, named, MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_32);
    GETS(rig, own, MR_LEDGER_EXISTS);
    struct mr_ledger_transfer left_out = own;
    left_out.user_data_128 = ID(0);
    GETS(rig, left_out, MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_128);
    left_out = own;
    left_out.user_data_64 = 0;
    GETS(rig, left_out, MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_64);
    left_out = own;
    left_out.user_data_32 = 0;
    GETS(rig, left_out, MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_32);
}

static void a_retry_of_a_pending_transfer_exists_whatever_became_of_it(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint64_t id = 1; id <= 3; id++)
        MAKES(rig, ledger_pend(id, A, B, 10, 1));
    uint64_t created = ledger_found(rig, 1).timestamp;
    GETS(rig, ledger_pend(1, A, B, 10, 1), MR_LEDGER_EXISTS);
    MAKES(rig, ledger_post(11, 1, ID(1)));
    MAKES(rig, ledger_void(12, 2));
    ledger_expire(rig, rig->time_ns + 5 * SECOND, 7);
    assert_int_equal(ledger_state(rig, 3), MR_LEDGER_STATE_EXPIRED);
    for (uint64_t id = 1; id <= 3; id++)
        GETS(rig, ledger_pend(id, A, B, 10, 1), MR_LEDGER_EXISTS);
    GETS(rig, ledger_pend(1, A, B, 10, 1), MR_LEDGER_EXISTS);
    assert_int_equal(rig->results[0].timestamp, created);
    BALANCES(rig, A, 0, 1, 0, 0);
}

/* -- Expiring. --------------------------------------------------------------------------------- */

static void it_expires_exactly_at_timestamp_and_timeout(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 10, 2));
    uint64_t expires = rig->results[0].timestamp + 2 * SECOND;
    assert_int_equal(mr_ledger_expiry_next(rig->ledger), expires);
    assert_int_equal(ledger_expire(rig, expires - 1, 1), 0);
    MAKES(rig, ledger_pend(2, A, B, 1, 0));
    assert_int_equal(ledger_expire(rig, expires, 1), 1);
    assert_int_equal(ledger_state(rig, 1), MR_LEDGER_STATE_EXPIRED);
    BALANCES(rig, A, 1, 0, 0, 0);
    BALANCES(rig, B, 0, 0, 1, 0);
    assert_int_equal(mr_ledger_expiry_next(rig->ledger), UINT64_MAX);
    GETS(rig, ledger_post(3, 1, AMOUNT_MAX), MR_LEDGER_PENDING_TRANSFER_EXPIRED);
    GETS(rig, ledger_void(3, 1), MR_LEDGER_PENDING_TRANSFER_EXPIRED);
}

static void the_last_nanosecond_before_it_can_be_posted(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 10, 2));
    rig->time_ns = rig->results[0].timestamp + 2 * SECOND - 1;
    MAKES(rig, ledger_post(2, 1, AMOUNT_MAX));
    assert_int_equal(mr_ledger_expiry_next(rig->ledger), UINT64_MAX);
}

/* Who uses the ledger alone may not have expired it yet: it is not free, but cannot be had. */
static void what_is_due_but_not_released_cannot_be_resolved(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 10, 2));
    rig->time_ns = rig->results[0].timestamp + 2 * SECOND;
    GETS(rig, ledger_post(2, 1, AMOUNT_MAX), MR_LEDGER_PENDING_TRANSFER_EXPIRED);
    GETS(rig, ledger_void(2, 1), MR_LEDGER_PENDING_TRANSFER_EXPIRED);
    BALANCES(rig, A, 10, 0, 0, 0);
    assert_int_equal(ledger_expire(rig, rig->time_ns, 7), 1);
    BALANCES(rig, A, 0, 0, 0, 0);
}

/* The timestamps of a request go on from its time: one of its later events may be too late. */
static void within_a_request_time_goes_on(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_pend(1, A, B, 10, 1), ledger_pend(2, A, B, 10, 1));
    rig->time_ns = rig->results[0].timestamp + SECOND - 1;
    REQUEST(rig, ledger_plain(3, A, B, 1), ledger_post(4, 1, AMOUNT_MAX),
            ledger_post(5, 2, AMOUNT_MAX));
    RESULTS(rig, 0, MR_LEDGER_PENDING_TRANSFER_EXPIRED, MR_LEDGER_PENDING_TRANSFER_EXPIRED);
    REQUEST(rig, ledger_pend(6, A, B, 10, 1), ledger_pend(7, A, B, 10, 1));
    rig->time_ns = rig->results[0].timestamp + SECOND - 1;
    REQUEST(rig, ledger_post(8, 6, AMOUNT_MAX), ledger_post(9, 7, AMOUNT_MAX));
    RESULTS(rig, 0, 0);
}

/* Timestamps rise with creation, so that what expires together was created one before another. */
static void they_expire_by_time_and_then_by_creation(void **state)
{
    struct ledger_rig *rig = *state;
    static const uint32_t timeouts[] = {5, 1, 3, 2, 4};
    struct mr_ledger_expired expired[5];
    struct mr_ledger_transfer past[2];
    for (uint32_t i = 0; i < 5; i++)
        MAKES(rig, ledger_pend(1 + i, A, B, 1 + i, timeouts[i]));
    past[0] = ledger_pend(11, C, D, 1, 1);
    past[1] = ledger_pend(12, C, D, 2, 1);
    ledger_request(rig, past, 2);
    rig->time_ns += 20 * SECOND;
    assert_int_equal(mr_ledger_expire(rig->ledger, rig->time_ns, expired, 5), 5);
    static const uint64_t order[] = {2, 11, 12, 4, 3};
    for (uint32_t i = 0; i < 5; i++)
        assert_true(mr_u128_equal(expired[i].id, ID(order[i])));
    assert_int_equal(mr_ledger_expire(rig->ledger, rig->time_ns, expired, 5), 2);
    assert_true(mr_u128_equal(expired[0].id, ID(5)));
    assert_true(mr_u128_equal(expired[1].id, ID(1)));
    ledger_check(rig);
}

static void of_those_that_expire_together_the_older_goes_first(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_expired expired[3];
    for (uint32_t i = 0; i < 3; i++) {
        MAKES(rig, ledger_pend(9 - i, A, B, 1, 5 - i));
        rig->time_ns = rig->results[0].timestamp + SECOND;
    }
    rig->time_ns += 9 * SECOND;
    assert_int_equal(mr_ledger_expire(rig->ledger, rig->time_ns, expired, 3), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(mr_u128_equal(expired[i].id, ID(9 - i)));
}

/* Of a heap, one is removed whose place goes to one that belongs further up. */
static void voiding_one_leaves_the_others_in_their_order(void **state)
{
    struct ledger_rig *rig = *state;
    static const uint32_t timeouts[] = {1, 10, 2, 11, 12, 3, 4};
    static const uint64_t order[] = {1, 3, 6, 7, 2, 5};
    struct mr_ledger_expired expired[6];
    for (uint32_t i = 0; i < 7; i++)
        MAKES(rig, ledger_pend(1 + i, A, B, 1, timeouts[i]));
    MAKES(rig, ledger_void(20, 4));
    rig->time_ns += 20 * SECOND;
    assert_int_equal(mr_ledger_expire(rig->ledger, rig->time_ns, expired, 6), 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_true(mr_u128_equal(expired[i].id, ID(order[i])));
}

static void what_has_expired_is_told_in_full_and_takes_no_timestamp(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_expired expired;
    struct mr_ledger_transfer transfer = ledger_pend(1, A, B, 10, 1);
    transfer.flags |= MR_LEDGER_CLOSING_CREDIT;
    MAKES(rig, transfer);
    uint64_t last = mr_ledger_totals_get(rig->ledger).time_ns;
    uint64_t due = last + SECOND;
    assert_int_equal(mr_ledger_expire(rig->ledger, due + 7, &expired, 1), 1);
    struct mr_ledger_expired expected = {.id = ID(1),
                                         .debit_account_id = ID(A),
                                         .credit_account_id = ID(B),
                                         .amount = ID(10),
                                         .timestamp = due + 7,
                                         .ledger = UNIT,
                                         .code = CODE,
                                         .flags = transfer.flags};
    assert_memory_equal(&expired, &expected, sizeof expired);
    assert_int_equal(mr_ledger_totals_get(rig->ledger).time_ns, last);
}

static void many_expire_in_their_order_a_few_at_a_time(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_expired expired[4];
    uint64_t last = 0;
    uint32_t all = 0, count = 4;
    for (uint64_t id = 1; id <= 60; id++)
        MAKES(rig, ledger_pend(id, A, B, 1, (uint32_t)(1 + id * 37 % 60)));
    for (uint64_t id = 5; id <= 60; id += 5)
        MAKES(rig, ledger_void(100 + id, id));
    rig->time_ns += 100 * SECOND;
    while (count == 4) {
        count = mr_ledger_expire(rig->ledger, rig->time_ns, expired, 4);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t due = ledger_found(rig, expired[i].id.low).timestamp +
                           SECOND * (1 + expired[i].id.low * 37 % 60);
            assert_true(due > last);
            last = due;
        }
        all += count;
        ledger_check(rig);
    }
    assert_int_equal(all, 48);
    BALANCES(rig, A, 0, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_pending_transfer_reserves_and_moves_nothing),
        SCENARIO(what_is_pending_counts_against_a_limit),
        SCENARIO(a_post_is_not_asked_about_limits),
        SCENARIO(what_a_post_leaves_out_is_the_pending_ones),
        SCENARIO(a_post_may_have_user_data_of_its_own),
        SCENARIO(a_pending_transfer_keeps_its_amount_when_less_is_posted),
        SCENARIO(a_pending_transfer_is_resolved_once),
        SCENARIO(a_transfer_that_failed_cannot_be_posted),
        SCENARIO(a_retry_of_a_post_in_part_names_that_part),
        SCENARIO(a_retry_of_a_whole_post_names_all_or_more),
        SCENARIO(a_retry_of_a_void_names_all_or_nothing),
        SCENARIO(a_retry_may_leave_out_what_was_not_changed),
        SCENARIO(a_retry_of_a_pending_transfer_exists_whatever_became_of_it),
        SCENARIO(it_expires_exactly_at_timestamp_and_timeout),
        SCENARIO(the_last_nanosecond_before_it_can_be_posted),
        SCENARIO(what_is_due_but_not_released_cannot_be_resolved),
        SCENARIO(within_a_request_time_goes_on),
        SCENARIO(they_expire_by_time_and_then_by_creation),
        SCENARIO(of_those_that_expire_together_the_older_goes_first),
        SCENARIO(voiding_one_leaves_the_others_in_their_order),
        SCENARIO(what_has_expired_is_told_in_full_and_takes_no_timestamp),
        SCENARIO(many_expire_in_their_order_a_few_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
