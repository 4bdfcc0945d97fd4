/* Accounts that are closed, and opened again. */
#include "tests/core/ledger_rig.h"

enum { A = 1, B = 2, C = 3, D = 4 };

static struct mr_ledger_transfer closing(uint64_t id, uint64_t debit, uint64_t credit,
                                         uint32_t flags, uint32_t timeout)
{
    struct mr_ledger_transfer transfer = ledger_pend(id, debit, credit, 5, timeout);
    transfer.flags = (uint16_t)(transfer.flags | flags);
    return transfer;
}

/* -- Closed. ----------------------------------------------------------------------------------- */

static void a_closed_account_refuses_transfers_on_either_side(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, closing(1, A, B, MR_LEDGER_CLOSING_DEBIT, 0));
    assert_true(ledger_closed(rig, A));
    assert_false(ledger_closed(rig, B));
    GETS(rig, ledger_plain(2, A, C, 1), MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    GETS(rig, ledger_plain(3, C, A, 1), MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED);
    GETS(rig, ledger_pend(4, A, C, 1, 0), MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    GETS(rig, ledger_plain(5, A, C, 0), MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    GETS(rig, closing(6, A, C, MR_LEDGER_CLOSING_DEBIT, 0), MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    GETS(rig, closing(7, C, A, MR_LEDGER_CLOSING_CREDIT, 0),
         MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED);
    MAKES(rig, ledger_plain(8, B, C, 1));
    BALANCES(rig, A, 5, 0, 0, 0);
}

static void one_transfer_can_close_both(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, closing(1, A, B, MR_LEDGER_CLOSING_DEBIT | MR_LEDGER_CLOSING_CREDIT, 0));
    assert_true(ledger_closed(rig, A) && ledger_closed(rig, B));
    MAKES(rig, ledger_void(2, 1));
    assert_false(ledger_closed(rig, A) || ledger_closed(rig, B));
}

static void it_does_not_close_what_it_does_not_name(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, closing(1, A, B, MR_LEDGER_CLOSING_CREDIT, 0));
    assert_false(ledger_closed(rig, A));
    assert_true(ledger_closed(rig, B));
}

static void pending_transfers_of_a_closed_account_can_be_voided_but_not_posted(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint64_t id = 1; id <= 4; id++)
        MAKES(rig, ledger_pend(id, id % 2 == 0 ? A : B, id % 2 == 0 ? B : A, 7, 0));
    MAKES(rig, closing(5, A, C, MR_LEDGER_CLOSING_DEBIT, 0));
    GETS(rig, ledger_post(11, 1, ID(1)), MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED);
    GETS(rig, ledger_post(12, 2, ID(1)), MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    GETS(rig, ledger_post(13, 5, ID(1)), MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    MAKES(rig, ledger_void(14, 3));
    MAKES(rig, ledger_void(15, 4));
    assert_true(ledger_closed(rig, A)); /* those did not close it */
    MAKES(rig, ledger_void(16, 5));
    MAKES(rig, ledger_post(17, 1, ID(1)));
    GETS(rig, ledger_post(12, 2, ID(1)), MR_LEDGER_ID_ALREADY_FAILED);
    MAKES(rig, ledger_post(18, 2, ID(1)));
    BALANCES(rig, A, 0, 1, 0, 1);
}

/* -- Opened again. ----------------------------------------------------------------------------- */

static void voiding_opens_what_it_closed_and_frees_what_it_reserved(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, closing(1, A, B, MR_LEDGER_CLOSING_DEBIT, 0));
    MAKES(rig, ledger_void(2, 1));
    assert_false(ledger_closed(rig, A));
    BALANCES(rig, A, 0, 0, 0, 0);
    MAKES(rig, ledger_plain(3, A, B, 1));
    MAKES(rig, closing(4, A, B, MR_LEDGER_CLOSING_DEBIT, 0));
    GETS(rig, ledger_void(5, 1), MR_LEDGER_PENDING_TRANSFER_ALREADY_VOIDED);
    assert_true(ledger_closed(rig, A));
}

static void expiry_opens_it_as_voiding_does(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 7, 3));
    MAKES(rig, closing(2, A, B, MR_LEDGER_CLOSING_DEBIT | MR_LEDGER_CLOSING_CREDIT, 2));
    assert_int_equal(ledger_expire(rig, rig->time_ns + 2 * SECOND, 1), 0);
    assert_true(ledger_closed(rig, A));
    assert_int_equal(ledger_expire(rig, rig->time_ns + SECOND / 2, 1), 1);
    assert_false(ledger_closed(rig, A) || ledger_closed(rig, B));
    assert_int_equal(ledger_state(rig, 2), MR_LEDGER_STATE_EXPIRED);
    MAKES(rig, closing(3, A, C, MR_LEDGER_CLOSING_DEBIT, 0));
    assert_int_equal(ledger_expire(rig, rig->time_ns + SECOND, 1), 1); /* of a closed account */
    assert_true(ledger_closed(rig, A));
    BALANCES(rig, A, 5, 0, 0, 0);
}

/* What was closed when it was created was closed by no transfer. */
static void an_account_that_was_created_closed_stays_closed(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNT_GETS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_CLOSED), 0);
    assert_true(ledger_closed(rig, 7));
    GETS(rig, closing(1, 7, A, MR_LEDGER_CLOSING_DEBIT, 0), MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    GETS(rig, ledger_void(2, 1), MR_LEDGER_PENDING_TRANSFER_NOT_FOUND);
    assert_true(ledger_closed(rig, 7));
}

/* -- Asking again. ----------------------------------------------------------------------------- */

/* What is compared is the account as it is now. */
static void a_retry_of_an_account_is_compared_with_what_it_has_become(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, closing(1, A, B, MR_LEDGER_CLOSING_DEBIT, 0));
    ACCOUNT_GETS(rig, ledger_new_account(A, 0), MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
    ACCOUNT_GETS(rig, ledger_new_account(A, MR_LEDGER_ACCOUNT_CLOSED), MR_LEDGER_EXISTS);
    MAKES(rig, ledger_void(2, 1));
    ACCOUNT_GETS(rig, ledger_new_account(A, 0), MR_LEDGER_EXISTS);
    ACCOUNT_GETS(rig, ledger_new_account(A, MR_LEDGER_ACCOUNT_CLOSED),
                 MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
}

static void a_retry_of_a_closing_transfer_exists(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, closing(1, A, B, MR_LEDGER_CLOSING_DEBIT, 0));
    GETS(rig, closing(1, A, B, MR_LEDGER_CLOSING_DEBIT, 0), MR_LEDGER_EXISTS);
    GETS(rig, closing(1, A, B, MR_LEDGER_CLOSING_CREDIT, 0), MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
}

/* -- What closing goes with. ------------------------------------------------------------------- */

static void only_a_pending_transfer_closes(void **state)
{
    struct ledger_rig *rig = *state;
    GETS(rig, ledger_move(1, A, B, ID(1), MR_LEDGER_CLOSING_DEBIT),
         MR_LEDGER_CLOSING_TRANSFER_MUST_BE_PENDING);
    GETS(rig, ledger_move(1, A, B, ID(1), MR_LEDGER_CLOSING_CREDIT),
         MR_LEDGER_CLOSING_TRANSFER_MUST_BE_PENDING);
    MAKES(rig, ledger_pend(2, A, B, 1, 0));
    struct mr_ledger_transfer post = ledger_post(3, 2, ID(1));
    post.flags |= MR_LEDGER_CLOSING_DEBIT;
    GETS(rig, post, MR_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE);
    post.flags = MR_LEDGER_VOID | MR_LEDGER_CLOSING_CREDIT;
    GETS(rig, post, MR_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE);
}

/* All that an account has, and then it is closed: one transfer. */
static void closing_goes_with_balancing(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer transfer =
        ledger_move(2, B, A, AMOUNT_MAX,
                    MR_LEDGER_PENDING | MR_LEDGER_BALANCING_DEBIT | MR_LEDGER_CLOSING_DEBIT);
    MAKES(rig, ledger_plain(1, A, B, 9));
    MAKES(rig, transfer);
    assert_true(ledger_closed(rig, B));
    assert_true(mr_u128_equal(ledger_found(rig, 2).amount, ID(9)));
}

/* -- In chains. -------------------------------------------------------------------------------- */

static void a_failed_chain_leaves_open_what_was_open_and_closed_what_was_closed(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, closing(1, A, B, MR_LEDGER_CLOSING_DEBIT, 9));
    MAKES(rig, closing(2, C, B, MR_LEDGER_CLOSING_DEBIT, 0));
    uint64_t view = ledger_view(rig);
    REQUEST(rig, ledger_linked(ledger_void(11, 1)),
            ledger_linked(closing(12, A, D, MR_LEDGER_CLOSING_DEBIT | MR_LEDGER_CLOSING_CREDIT, 3)),
            ledger_linked(ledger_void(13, 2)), ledger_linked(ledger_void(14, 12)),
            ledger_linked(closing(15, D, A, MR_LEDGER_CLOSING_CREDIT, 0)),
            ledger_plain(16, A, A, 1));
    RESULTS(rig, MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_LINKED_EVENT_FAILED,
            MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_LINKED_EVENT_FAILED,
            MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT);
    assert_int_equal(ledger_view(rig), view);
    assert_true(ledger_closed(rig, A) && ledger_closed(rig, C));
    assert_false(ledger_closed(rig, B) || ledger_closed(rig, D));
    assert_int_equal(ledger_expire(rig, rig->time_ns + 10 * SECOND, 7), 1);
    assert_false(ledger_closed(rig, A));
    MAKES(rig, ledger_void(17, 2));
    assert_false(ledger_closed(rig, C));
}

static void what_is_closed_in_a_chain_is_closed_for_the_rest_of_it(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_linked(closing(1, A, B, MR_LEDGER_CLOSING_DEBIT, 0)),
            ledger_plain(2, A, B, 1));
    RESULTS(rig, MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED);
    assert_false(ledger_closed(rig, A));
    REQUEST(rig, ledger_linked(closing(1, A, B, MR_LEDGER_CLOSING_DEBIT, 0)),
            ledger_linked(ledger_void(3, 1)), ledger_plain(4, A, B, 1));
    RESULTS(rig, 0, 0, 0);
    assert_false(ledger_closed(rig, A));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_closed_account_refuses_transfers_on_either_side),
        SCENARIO(one_transfer_can_close_both),
        SCENARIO(it_does_not_close_what_it_does_not_name),
        SCENARIO(pending_transfers_of_a_closed_account_can_be_voided_but_not_posted),
        SCENARIO(voiding_opens_what_it_closed_and_frees_what_it_reserved),
        SCENARIO(expiry_opens_it_as_voiding_does),
        SCENARIO(an_account_that_was_created_closed_stays_closed),
        SCENARIO(a_retry_of_an_account_is_compared_with_what_it_has_become),
        SCENARIO(a_retry_of_a_closing_transfer_exists),
        SCENARIO(only_a_pending_transfer_closes),
        SCENARIO(closing_goes_with_balancing),
        SCENARIO(a_failed_chain_leaves_open_what_was_open_and_closed_what_was_closed),
        SCENARIO(what_is_closed_in_a_chain_is_closed_for_the_rest_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
