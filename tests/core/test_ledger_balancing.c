/* Transfers of at most so much: what the debit side has, what the credit side lacks. */
#include "tests/core/ledger_rig.h"

enum {
    A = 1,
    B = 2,
    C = 3,
    D = 4,
    DEBIT = MR_LEDGER_BALANCING_DEBIT,
    CREDIT = MR_LEDGER_BALANCING_CREDIT
};

static void moves(struct ledger_rig *rig, struct mr_ledger_transfer transfer, uint64_t amount)
{
    assert_int_equal(ledger_one(rig, transfer), 0);
    assert_true(mr_u128_equal(ledger_found(rig, transfer.id.low).amount, ID(amount)));
}

static struct mr_ledger_transfer at_most(uint64_t id, uint64_t debit, uint64_t credit,
                                         struct mr_u128 amount, uint32_t flags)
{
    return ledger_move(id, debit, credit, amount, (uint16_t)flags);
}

/* debits_pending + debits_posted <= credits_posted, of the debit account. */
static void a_balancing_debit_moves_what_the_debit_account_has(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_plain(1, B, A, 20));
    MAKES(rig, ledger_pend(2, A, B, 3, 0));
    MAKES(rig, ledger_plain(3, A, B, 4));
    MAKES(rig, ledger_pend(4, B, A, 100, 0)); /* is not there yet */
    moves(rig, at_most(5, A, C, ID(5), DEBIT), 5);
    moves(rig, at_most(6, A, C, AMOUNT_MAX, DEBIT), 8);
    moves(rig, at_most(7, A, C, AMOUNT_MAX, DEBIT), 0);
    BALANCES(rig, A, 3, 17, 100, 20);
}

static void a_balancing_credit_moves_what_the_credit_account_lacks(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_plain(1, A, B, 20));
    MAKES(rig, ledger_pend(2, B, A, 3, 0));
    MAKES(rig, ledger_plain(3, B, A, 4));
    MAKES(rig, ledger_pend(4, A, B, 100, 0));
    moves(rig, at_most(5, C, A, ID(5), CREDIT), 5);
    moves(rig, at_most(6, C, A, AMOUNT_MAX, CREDIT), 8);
    moves(rig, at_most(7, C, A, AMOUNT_MAX, CREDIT), 0);
    BALANCES(rig, A, 100, 20, 3, 17);
}

static void both_move_the_less_of_the_two(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_plain(1, C, A, 10)); /* A has 10 */
    MAKES(rig, ledger_plain(2, B, C, 7));  /* B lacks 7 */
    moves(rig, at_most(3, A, B, ID(5), DEBIT | CREDIT), 5);
    moves(rig, at_most(4, A, B, ID(5), DEBIT | CREDIT), 2);
    moves(rig, at_most(5, A, B, ID(5), DEBIT | CREDIT), 0);
    moves(rig, at_most(6, A, B, ID(9), DEBIT), 3);
    BALANCES(rig, A, 0, 10, 0, 10);
}

/* An account that owes already has nothing to give: not less than nothing. */
static void an_account_beyond_its_balance_moves_nothing(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_plain(1, A, B, 10));
    moves(rig, at_most(2, A, B, AMOUNT_MAX, DEBIT), 0);
    moves(rig, at_most(3, A, B, AMOUNT_MAX, CREDIT), 0);
    moves(rig, at_most(4, B, A, AMOUNT_MAX, DEBIT), 10);
}

static void zero_means_zero(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_plain(1, B, A, 10));
    moves(rig, at_most(2, A, B, ID(0), DEBIT), 0);
    GETS(rig, at_most(2, A, B, ID(0), DEBIT), MR_LEDGER_EXISTS);
    moves(rig, at_most(3, A, B, ID(0), DEBIT | MR_LEDGER_PENDING), 0);
}

static void pending_ones_reserve_what_can_be_moved(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_plain(1, B, A, 10));
    moves(rig, at_most(2, A, B, ID(6), DEBIT | MR_LEDGER_PENDING), 6);
    moves(rig, at_most(3, A, C, ID(6), DEBIT | MR_LEDGER_PENDING), 4);
    moves(rig, at_most(4, A, C, ID(6), DEBIT), 0);
    MAKES(rig, ledger_void(5, 2));
    MAKES(rig, ledger_post(6, 3, ID(1)));
    moves(rig, at_most(7, A, C, AMOUNT_MAX, DEBIT), 9);
    GETS(rig, ledger_post(8, 7, ID(1)), MR_LEDGER_PENDING_TRANSFER_NOT_PENDING);
}

/* What is moved is judged, not what was asked for. */
static void limits_and_overflows_are_of_what_is_moved(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNT_GETS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_DEBITS_LIMITED), 0);
    ACCOUNT_GETS(rig, ledger_new_account(8, MR_LEDGER_ACCOUNT_CREDITS_LIMITED), 0);
    MAKES(rig, ledger_plain(1, A, 7, 10));
    MAKES(rig, ledger_plain(2, 8, A, 6));
    moves(rig, at_most(3, 7, A, AMOUNT_MAX, DEBIT), 10);
    moves(rig, at_most(4, A, 8, AMOUNT_MAX, CREDIT), 6);
    MAKES(rig, ledger_plain(5, B, C, 5)); /* one side is balanced, the other not */
    GETS(rig, at_most(6, 7, B, ID(1), CREDIT), MR_LEDGER_EXCEEDS_CREDITS);
    GETS(rig, at_most(7, C, 8, ID(1), DEBIT), MR_LEDGER_EXCEEDS_DEBITS);
    GETS(rig, at_most(6, 7, B, ID(1), CREDIT), MR_LEDGER_ID_ALREADY_FAILED);
}

static void a_retry_is_the_same_when_its_maximum_covers_what_was_moved(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_plain(1, B, A, 10));
    moves(rig, at_most(2, A, B, ID(25), DEBIT), 10);
    GETS(rig, at_most(2, A, B, ID(25), DEBIT), MR_LEDGER_EXISTS);
    GETS(rig, at_most(2, A, B, ID(10), DEBIT), MR_LEDGER_EXISTS);
    GETS(rig, at_most(2, A, B, AMOUNT_MAX, DEBIT), MR_LEDGER_EXISTS);
    GETS(rig, at_most(2, A, B, ID(9), DEBIT), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    GETS(rig, at_most(2, A, B, ID(0), DEBIT), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    GETS(rig, at_most(2, A, B, ID(10), CREDIT), MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
    GETS(rig, at_most(2, A, B, ID(10), 0), MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS);
}

static void a_balancing_transfer_sees_its_chain(void **state)
{
    struct ledger_rig *rig = *state;
    REQUEST(rig, ledger_linked(ledger_plain(1, B, A, 10)),
            ledger_linked(at_most(2, A, C, AMOUNT_MAX, DEBIT)), at_most(3, A, D, ID(1), DEBIT));
    RESULTS(rig, 0, 0, 0);
    BALANCES(rig, C, 0, 0, 0, 10);
    BALANCES(rig, D, 0, 0, 0, 0);
}

static void posts_and_voids_are_not_balancing(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer post = ledger_post(2, 1, ID(1));
    static const uint16_t flags[] = {MR_LEDGER_POST | DEBIT,
                                     MR_LEDGER_POST | CREDIT,
                                     MR_LEDGER_VOID | DEBIT,
                                     MR_LEDGER_VOID | CREDIT,
                                     MR_LEDGER_POST | MR_LEDGER_VOID,
                                     MR_LEDGER_POST | MR_LEDGER_PENDING,
                                     MR_LEDGER_VOID | MR_LEDGER_PENDING,
                                     MR_LEDGER_POST | MR_LEDGER_CLOSING_DEBIT,
                                     MR_LEDGER_VOID | MR_LEDGER_CLOSING_CREDIT};
    MAKES(rig, ledger_pend(1, A, B, 10, 0));
    for (size_t i = 0; i < EVENTS(flags); i++) {
        post.flags = flags[i];
        GETS(rig, post, MR_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE);
    }
    MAKES(rig, ledger_post(2, 1, ID(1)));
}

/* All the others may be had together. */
static void all_other_flags_go_together(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer transfer = at_most(
        2, A, B, AMOUNT_MAX,
        DEBIT | CREDIT | MR_LEDGER_PENDING | MR_LEDGER_CLOSING_DEBIT | MR_LEDGER_CLOSING_CREDIT);
    transfer.timeout = 1;
    MAKES(rig, ledger_plain(1, B, A, 10));
    moves(rig, transfer, 10);
    assert_true(ledger_closed(rig, A) && ledger_closed(rig, B));
    assert_int_equal(ledger_expire(rig, rig->time_ns + 5 * SECOND, 1), 1);
    assert_false(ledger_closed(rig, A) || ledger_closed(rig, B));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_balancing_debit_moves_what_the_debit_account_has),
        SCENARIO(a_balancing_credit_moves_what_the_credit_account_lacks),
        SCENARIO(both_move_the_less_of_the_two),
        SCENARIO(an_account_beyond_its_balance_moves_nothing),
        SCENARIO(zero_means_zero),
        SCENARIO(pending_ones_reserve_what_can_be_moved),
        SCENARIO(limits_and_overflows_are_of_what_is_moved),
        SCENARIO(a_retry_is_the_same_when_its_maximum_covers_what_was_moved),
        SCENARIO(a_balancing_transfer_sees_its_chain),
        SCENARIO(posts_and_voids_are_not_balancing),
        SCENARIO(all_other_flags_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
