/*
 * Where two results apply to an event, it gets the one that has precedence. Tested for all pairs of
 * neighbours in the two lists of <millrace/ledger_messages.h>: an event is spoiled so that it gets
 * the second result, then, besides, so that it gets the first. Where two neighbours cannot both
 * apply, the table says why, and the first is tested before the nearest one behind with which it
 * can.
 */
#include "tests/core/ledger_account_faults.h"
#include "tests/core/ledger_faults.h"

struct pair {
    uint32_t first, second;
    spoiler *base, *as_second, *as_first;
    const char *excuse; /* why they cannot both apply; no spoilers then */
};

#define BOTH(one, two, base, as_second, as_first)                         \
    {                                                                     \
        MR_LEDGER_##one, MR_LEDGER_##two, base, as_second, as_first, NULL \
    }
#define NEVER(one, two, why)                            \
    {                                                   \
        MR_LEDGER_##one, MR_LEDGER_##two, .excuse = why \
    }

static const char one_value[] = "a field has one value";
static const char one_path[] = "one is of transfers, the other of posts and voids";
static const char one_fate[] = "a pending transfer is resolved once";

/* -- Transfers. -------------------------------------------------------------------------------- */

static const struct pair transfer_pairs[] = {
    NEVER(LINKED_EVENT_FAILED, LINKED_EVENT_CHAIN_OPEN,
          "the last event of a request has the second whatever else failed: as in the reference, "
          "though its list has it behind the first"),
    BOTH(LINKED_EVENT_FAILED, IMPORTED_EVENT_EXPECTED, good, not_imported, behind_failed),
    BOTH(LINKED_EVENT_CHAIN_OPEN, IMPORTED_EVENT_EXPECTED, good, not_imported, linked_at_end),
    NEVER(IMPORTED_EVENT_EXPECTED, IMPORTED_EVENT_NOT_EXPECTED, "an event is imported or not"),
    BOTH(IMPORTED_EVENT_EXPECTED, TIMESTAMP_MUST_BE_ZERO, good, with_timestamp, not_imported),
    NEVER(IMPORTED_EVENT_NOT_EXPECTED, TIMESTAMP_MUST_BE_ZERO, "an event is imported or not"),
    BOTH(IMPORTED_EVENT_NOT_EXPECTED, IMPORTED_TIMESTAMP_OUT_OF_RANGE, good, imported_at_zero,
         imported_late),
    NEVER(TIMESTAMP_MUST_BE_ZERO, IMPORTED_TIMESTAMP_OUT_OF_RANGE, "an event is imported or not"),
    BOTH(TIMESTAMP_MUST_BE_ZERO, RESERVED_FLAG, good, with_flag, with_timestamp),
    BOTH(IMPORTED_TIMESTAMP_OUT_OF_RANGE, IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE, good, imported_now,
         imported_at_2_63),
    BOTH(IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE, RESERVED_FLAG, good, with_flag, imported_now),
    BOTH(RESERVED_FLAG, ID_MUST_NOT_BE_ZERO, good, with_id_zero, with_flag),
    NEVER(ID_MUST_NOT_BE_ZERO, ID_MUST_NOT_BE_INT_MAX, one_value),
    BOTH(ID_MUST_NOT_BE_ZERO, ID_TOO_OLD, good, too_old, with_id_zero),
    NEVER(ID_MUST_NOT_BE_INT_MAX, EXISTS_WITH_DIFFERENT_FLAGS, "no transfer has that id"),
    BOTH(ID_MUST_NOT_BE_INT_MAX, ID_AHEAD_OF_TIME, good, too_new, with_id_max),
    BOTH(EXISTS_WITH_DIFFERENT_FLAGS, EXISTS_WITH_DIFFERENT_PENDING_ID, retrying, other_pending_id,
         other_flags),
    BOTH(EXISTS_WITH_DIFFERENT_PENDING_ID, EXISTS_WITH_DIFFERENT_TIMEOUT, retrying, other_timeout,
         other_pending_id),
    BOTH(EXISTS_WITH_DIFFERENT_TIMEOUT, EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID, retrying,
         other_debit, other_timeout),
    BOTH(EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID, EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID, retrying,
         other_credit, other_debit),
    BOTH(EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID, EXISTS_WITH_DIFFERENT_AMOUNT, retrying,
         other_amount, other_credit),
    BOTH(EXISTS_WITH_DIFFERENT_AMOUNT, EXISTS_WITH_DIFFERENT_USER_DATA_128, retrying,
         other_data_128, other_amount),
    BOTH(EXISTS_WITH_DIFFERENT_USER_DATA_128, EXISTS_WITH_DIFFERENT_USER_DATA_64, retrying,
         other_data_64, other_data_128),
    BOTH(EXISTS_WITH_DIFFERENT_USER_DATA_64, EXISTS_WITH_DIFFERENT_USER_DATA_32, retrying,
         other_data_32, other_data_64),
    BOTH(EXISTS_WITH_DIFFERENT_USER_DATA_32, EXISTS_WITH_DIFFERENT_LEDGER, retrying, other_ledger,
         other_data_32),
    BOTH(EXISTS_WITH_DIFFERENT_LEDGER, EXISTS_WITH_DIFFERENT_CODE, retrying, other_code,
         other_ledger),
    NEVER(EXISTS_WITH_DIFFERENT_CODE, EXISTS, "it is different or not"),
    BOTH(EXISTS_WITH_DIFFERENT_CODE, CODE_MUST_NOT_BE_ZERO, good, no_code, retrying_without_code),
    NEVER(EXISTS, ID_ALREADY_FAILED, "what has failed does not exist"),
    BOTH(EXISTS, PENDING_TRANSFER_ALREADY_POSTED, posting, of_posted, retrying_post),
    NEVER(ID_ALREADY_FAILED, ID_TOO_OLD, "an id that is known is not too old"),
    BOTH(ID_ALREADY_FAILED, FLAGS_ARE_MUTUALLY_EXCLUSIVE, posting, post_and_void, of_failed),
    NEVER(ID_TOO_OLD, ID_AHEAD_OF_TIME, "no id that was ahead of the time was ever accepted"),
    BOTH(ID_TOO_OLD, FLAGS_ARE_MUTUALLY_EXCLUSIVE, posting, post_and_void, too_old),
    NEVER(ID_AHEAD_OF_TIME, TRANSFERS_FULL, "each is of another scheme of ids"),
    BOTH(ID_AHEAD_OF_TIME, FLAGS_ARE_MUTUALLY_EXCLUSIVE, posting, post_and_void, too_new),
    BOTH(TRANSFERS_FULL, FLAGS_ARE_MUTUALLY_EXCLUSIVE, posting, post_and_void, too_many),
    NEVER(FLAGS_ARE_MUTUALLY_EXCLUSIVE, DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, one_path),
    BOTH(FLAGS_ARE_MUTUALLY_EXCLUSIVE, PENDING_ID_MUST_NOT_BE_ZERO, posting, of_pending_zero,
         post_and_void),
    NEVER(DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, one_value),
    BOTH(DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, good, to_zero,
         from_zero),
    BOTH(DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, good, to_zero,
         from_max),
    NEVER(CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, one_value),
    BOTH(CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, PENDING_ID_MUST_BE_ZERO, good, with_pending_id,
         to_zero),
    NEVER(CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, ACCOUNTS_MUST_BE_DIFFERENT,
          "the debit account's id would be 2^128 - 1, too, which comes before"),
    BOTH(CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, PENDING_ID_MUST_BE_ZERO, good, with_pending_id,
         to_max),
    BOTH(ACCOUNTS_MUST_BE_DIFFERENT, PENDING_ID_MUST_BE_ZERO, good, with_pending_id, to_itself),
    NEVER(PENDING_ID_MUST_BE_ZERO, PENDING_ID_MUST_NOT_BE_ZERO, one_path),
    BOTH(PENDING_ID_MUST_BE_ZERO, TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, good, with_timeout,
         with_pending_id),
    NEVER(PENDING_ID_MUST_NOT_BE_ZERO, PENDING_ID_MUST_NOT_BE_INT_MAX, one_value),
    BOTH(PENDING_ID_MUST_NOT_BE_ZERO, TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, posting, with_timeout,
         of_pending_zero),
    NEVER(PENDING_ID_MUST_NOT_BE_INT_MAX, PENDING_ID_MUST_BE_DIFFERENT,
          "the transfer's own id would be 2^128 - 1, too, which comes before"),
    BOTH(PENDING_ID_MUST_NOT_BE_INT_MAX, TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, posting,
         with_timeout, of_pending_max),
    BOTH(PENDING_ID_MUST_BE_DIFFERENT, TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, posting, with_timeout,
         of_itself),
    BOTH(TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, CLOSING_TRANSFER_MUST_BE_PENDING, good, closing,
         with_timeout),
    BOTH(TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, PENDING_TRANSFER_NOT_FOUND, posting, of_nothing,
         with_timeout),
    BOTH(CLOSING_TRANSFER_MUST_BE_PENDING, LEDGER_MUST_NOT_BE_ZERO, good, no_ledger, closing),
    BOTH(LEDGER_MUST_NOT_BE_ZERO, CODE_MUST_NOT_BE_ZERO, good, no_code, no_ledger),
    BOTH(CODE_MUST_NOT_BE_ZERO, DEBIT_ACCOUNT_NOT_FOUND, good, from_nobody, no_code),
    BOTH(DEBIT_ACCOUNT_NOT_FOUND, CREDIT_ACCOUNT_NOT_FOUND, good, to_nobody, from_nobody),
    NEVER(CREDIT_ACCOUNT_NOT_FOUND, ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER, "there are not two"),
    BOTH(CREDIT_ACCOUNT_NOT_FOUND, TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS, good,
         other_ledger, to_nobody),
    BOTH(ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER, TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS, good,
         other_ledger, to_foreign),
    NEVER(TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS, PENDING_TRANSFER_NOT_FOUND, one_path),
    BOTH(TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS, IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, good,
         imported_at_one, other_ledger),
    NEVER(PENDING_TRANSFER_NOT_FOUND, PENDING_TRANSFER_NOT_PENDING, one_value),
    BOTH(PENDING_TRANSFER_NOT_FOUND, IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, posting, imported_at_one,
         of_nothing),
    BOTH(PENDING_TRANSFER_NOT_PENDING, PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID, posting,
         other_debit, of_simple),
    BOTH(PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID,
         PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID, posting, other_credit, other_debit),
    BOTH(PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID, PENDING_TRANSFER_HAS_DIFFERENT_LEDGER,
         posting, other_ledger, other_credit),
    BOTH(PENDING_TRANSFER_HAS_DIFFERENT_LEDGER, PENDING_TRANSFER_HAS_DIFFERENT_CODE, posting,
         other_code, other_ledger),
    BOTH(PENDING_TRANSFER_HAS_DIFFERENT_CODE, EXCEEDS_PENDING_TRANSFER_AMOUNT, posting,
         more_than_pending, other_code),
    NEVER(EXCEEDS_PENDING_TRANSFER_AMOUNT, PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT,
          "more is one, less is the other"),
    BOTH(EXCEEDS_PENDING_TRANSFER_AMOUNT, PENDING_TRANSFER_ALREADY_POSTED, voiding, of_posted,
         more_than_pending),
    BOTH(PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT, PENDING_TRANSFER_ALREADY_POSTED, voiding, of_posted,
         less_than_pending),
    NEVER(PENDING_TRANSFER_ALREADY_POSTED, PENDING_TRANSFER_ALREADY_VOIDED, one_fate),
    BOTH(PENDING_TRANSFER_ALREADY_POSTED, IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, posting,
         imported_at_one, of_posted),
    NEVER(PENDING_TRANSFER_ALREADY_VOIDED, PENDING_TRANSFER_EXPIRED, one_fate),
    BOTH(PENDING_TRANSFER_ALREADY_VOIDED, IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, posting,
         imported_at_one, of_voided),
    BOTH(PENDING_TRANSFER_EXPIRED, IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, posting, imported_at_one,
         of_expired),
    BOTH(IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, IMPORTED_MUST_POSTDATE_DEBIT_ACCOUNT, good, from_late,
         imported_at_one),
    BOTH(IMPORTED_MUST_POSTDATE_DEBIT_ACCOUNT, IMPORTED_MUST_POSTDATE_CREDIT_ACCOUNT, good, to_late,
         from_late_too),
    BOTH(IMPORTED_MUST_POSTDATE_CREDIT_ACCOUNT, IMPORTED_TIMEOUT_MUST_BE_ZERO, good,
         imported_with_timeout, to_late_too),
    BOTH(IMPORTED_TIMEOUT_MUST_BE_ZERO, DEBIT_ACCOUNT_ALREADY_CLOSED, good, from_closed,
         imported_with_timeout),
    BOTH(DEBIT_ACCOUNT_ALREADY_CLOSED, CREDIT_ACCOUNT_ALREADY_CLOSED, good, to_closed, from_closed),
    BOTH(CREDIT_ACCOUNT_ALREADY_CLOSED, OVERFLOWS_DEBITS_PENDING, good, from_pending_debits,
         to_closed),
    BOTH(OVERFLOWS_DEBITS_PENDING, OVERFLOWS_CREDITS_PENDING, good, to_pending_credits,
         from_pending_debits),
    BOTH(OVERFLOWS_CREDITS_PENDING, OVERFLOWS_DEBITS_POSTED, good, from_posted_debits,
         to_pending_credits),
    BOTH(OVERFLOWS_DEBITS_POSTED, OVERFLOWS_CREDITS_POSTED, good, to_posted_credits,
         from_posted_debits),
    BOTH(OVERFLOWS_CREDITS_POSTED, OVERFLOWS_DEBITS, good, from_all_debits, to_posted_credits),
    BOTH(OVERFLOWS_DEBITS, OVERFLOWS_CREDITS, good, to_all_credits, from_all_debits),
    BOTH(OVERFLOWS_CREDITS, OVERFLOWS_TIMEOUT, good, beyond_time, to_all_credits),
    BOTH(OVERFLOWS_TIMEOUT, EXCEEDS_CREDITS, good, from_limited, beyond_time),
    BOTH(EXCEEDS_CREDITS, EXCEEDS_DEBITS, good, to_limited, from_limited),
    BOTH(EXCEEDS_DEBITS, PENDING_FULL, good, with_pending_full, to_limited),
};

/* -- Accounts. --------------------------------------------------------------------------------- */

#define ACCOUNT_BOTH(one, two, base, as_second, as_first)                                          \
    {                                                                                              \
        MR_LEDGER_##one, MR_LEDGER_##two, account_##base, account_##as_second, account_##as_first, \
            NULL                                                                                   \
    }

static const struct pair account_pairs[] = {
    NEVER(LINKED_EVENT_FAILED, LINKED_EVENT_CHAIN_OPEN, "as of transfers"),
    ACCOUNT_BOTH(LINKED_EVENT_FAILED, IMPORTED_EVENT_EXPECTED, good, not_imported, behind_failed),
    ACCOUNT_BOTH(LINKED_EVENT_CHAIN_OPEN, IMPORTED_EVENT_EXPECTED, good, not_imported,
                 linked_at_end),
    NEVER(IMPORTED_EVENT_EXPECTED, IMPORTED_EVENT_NOT_EXPECTED, "an event is imported or not"),
    ACCOUNT_BOTH(IMPORTED_EVENT_EXPECTED, TIMESTAMP_MUST_BE_ZERO, good, with_timestamp,
                 not_imported),
    NEVER(IMPORTED_EVENT_NOT_EXPECTED, TIMESTAMP_MUST_BE_ZERO, "an event is imported or not"),
    ACCOUNT_BOTH(IMPORTED_EVENT_NOT_EXPECTED, IMPORTED_TIMESTAMP_OUT_OF_RANGE, good,
                 imported_at_zero, imported_late),
    NEVER(TIMESTAMP_MUST_BE_ZERO, IMPORTED_TIMESTAMP_OUT_OF_RANGE, "an event is imported or not"),
    ACCOUNT_BOTH(TIMESTAMP_MUST_BE_ZERO, RESERVED_FIELD, good, with_reserved, with_timestamp),
    ACCOUNT_BOTH(IMPORTED_TIMESTAMP_OUT_OF_RANGE, IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE, good,
                 imported_now, imported_at_2_63),
    ACCOUNT_BOTH(IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE, RESERVED_FIELD, good, with_reserved,
                 imported_now),
    ACCOUNT_BOTH(RESERVED_FIELD, RESERVED_FLAG, good, with_flag, with_reserved),
    ACCOUNT_BOTH(RESERVED_FLAG, ID_MUST_NOT_BE_ZERO, good, with_id_zero, with_flag),
    NEVER(ID_MUST_NOT_BE_ZERO, ID_MUST_NOT_BE_INT_MAX, one_value),
    ACCOUNT_BOTH(ID_MUST_NOT_BE_ZERO, FLAGS_ARE_MUTUALLY_EXCLUSIVE, good, with_both_limits,
                 with_id_zero),
    NEVER(ID_MUST_NOT_BE_INT_MAX, EXISTS_WITH_DIFFERENT_FLAGS, "no account has that id"),
    ACCOUNT_BOTH(ID_MUST_NOT_BE_INT_MAX, FLAGS_ARE_MUTUALLY_EXCLUSIVE, good, with_both_limits,
                 with_id_max),
    ACCOUNT_BOTH(EXISTS_WITH_DIFFERENT_FLAGS, EXISTS_WITH_DIFFERENT_USER_DATA_128, retrying,
                 other_data_128, other_flags),
    ACCOUNT_BOTH(EXISTS_WITH_DIFFERENT_USER_DATA_128, EXISTS_WITH_DIFFERENT_USER_DATA_64, retrying,
                 other_data_64, other_data_128),
    ACCOUNT_BOTH(EXISTS_WITH_DIFFERENT_USER_DATA_64, EXISTS_WITH_DIFFERENT_USER_DATA_32, retrying,
                 other_data_32, other_data_64),
    ACCOUNT_BOTH(EXISTS_WITH_DIFFERENT_USER_DATA_32, EXISTS_WITH_DIFFERENT_LEDGER, retrying,
                 other_ledger, other_data_32),
    ACCOUNT_BOTH(EXISTS_WITH_DIFFERENT_LEDGER, EXISTS_WITH_DIFFERENT_CODE, retrying, other_code,
                 other_ledger),
    NEVER(EXISTS_WITH_DIFFERENT_CODE, EXISTS, "it is different or not"),
    ACCOUNT_BOTH(EXISTS_WITH_DIFFERENT_CODE, DEBITS_PENDING_MUST_BE_ZERO, good, with_debits_pending,
                 retrying_with_other_code),
    NEVER(EXISTS, FLAGS_ARE_MUTUALLY_EXCLUSIVE, "no account has both"),
    ACCOUNT_BOTH(EXISTS, DEBITS_PENDING_MUST_BE_ZERO, good, with_debits_pending,
                 retrying_with_balance),
    ACCOUNT_BOTH(FLAGS_ARE_MUTUALLY_EXCLUSIVE, DEBITS_PENDING_MUST_BE_ZERO, good,
                 with_debits_pending, with_both_limits),
    ACCOUNT_BOTH(DEBITS_PENDING_MUST_BE_ZERO, DEBITS_POSTED_MUST_BE_ZERO, good, with_debits_posted,
                 with_debits_pending),
    ACCOUNT_BOTH(DEBITS_POSTED_MUST_BE_ZERO, CREDITS_PENDING_MUST_BE_ZERO, good,
                 with_credits_pending, with_debits_posted),
    ACCOUNT_BOTH(CREDITS_PENDING_MUST_BE_ZERO, CREDITS_POSTED_MUST_BE_ZERO, good,
                 with_credits_posted, with_credits_pending),
    ACCOUNT_BOTH(CREDITS_POSTED_MUST_BE_ZERO, LEDGER_MUST_NOT_BE_ZERO, good, no_ledger,
                 with_credits_posted),
    ACCOUNT_BOTH(LEDGER_MUST_NOT_BE_ZERO, CODE_MUST_NOT_BE_ZERO, good, no_code, no_ledger),
    ACCOUNT_BOTH(CODE_MUST_NOT_BE_ZERO, IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, good, imported_at_one,
                 no_code),
    ACCOUNT_BOTH(IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, ACCOUNTS_FULL, good, one_too_many,
                 imported_at_one),
    ACCOUNT_BOTH(ACCOUNTS_FULL, LEDGERS_FULL, good, of_unknown_ledger, one_too_many),
};

/* -- Each pair. -------------------------------------------------------------------------------- */

typedef uint32_t asking(struct ledger_scene *scene);

static void check_pair(const struct pair *pair, asking *ask)
{
    static struct ledger_scene scene;
    enum mr_ledger_id_scheme scheme =
        pair->first == MR_LEDGER_TRANSFERS_FULL ? MR_LEDGER_IDS_FREE : MR_LEDGER_IDS_TIME_ORDERED;
    scene_open(&scene, scheme);
    pair->base(&scene);
    pair->as_second(&scene);
    ledger_reason_at(ask(&scene), pair->second, 0, __FILE__, __LINE__);
    ledger_close(&scene.rig);

    scene_open(&scene, scheme);
    pair->base(&scene);
    pair->as_second(&scene);
    pair->as_first(&scene);
    uint32_t got = ask(&scene);
    if (got != pair->first)
        print_error("%s besides:\n", ledger_reason(pair->second));
    ledger_reason_at(got, pair->first, 0, __FILE__, __LINE__);
    ledger_close(&scene.rig);
}

static void of_two_results_a_transfer_gets_the_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < EVENTS(transfer_pairs); i++)
        if (transfer_pairs[i].excuse == NULL)
            check_pair(&transfer_pairs[i], scene_transfer);
}

static void of_two_results_an_account_gets_the_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < EVENTS(account_pairs); i++)
        if (account_pairs[i].excuse == NULL)
            check_pair(&account_pairs[i], scene_account);
}

/* -- All neighbours are there. ----------------------------------------------------------------- */

#define TRANSFER_ORDER(name, number, text, meaning) name,
static const uint32_t results[] = {MR_LEDGER_RESULTS(TRANSFER_ORDER)};

#define ACCOUNT_ORDER(name) MR_LEDGER_##name,
static const uint32_t account_order[] = {MR_LEDGER_LINKED_EVENT_FAILED,
                                         MR_LEDGER_ACCOUNT_PRECEDENCE(ACCOUNT_ORDER)};

/* Both, or an excuse and the first before another one behind. */
static bool covered(const struct pair *pairs, size_t count, uint32_t first, uint32_t second)
{
    bool excused = false, tested = false;
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].first != first)
            continue;
        if (pairs[i].excuse == NULL && pairs[i].second == second)
            return true;
        excused |= pairs[i].excuse != NULL && pairs[i].second == second;
        tested |= pairs[i].excuse == NULL;
    }
    return excused && tested;
}

static void all_neighbours_among_transfers_results_are_tested_or_excused(void **state)
{
    (void)state;
    uint32_t before = 0, count = 0;
    for (size_t i = 0; i < EVENTS(results) && results[i] <= MR_LEDGER_PENDING_FULL; i++) {
        if (results[i] == MR_LEDGER_RESERVED_FIELD)
            continue; /* transfers have none */
        if (before != 0 && !covered(transfer_pairs, EVENTS(transfer_pairs), before, results[i]))
            fail_msg("nothing of %s before %s", ledger_reason(before), ledger_reason(results[i]));
        before = results[i];
        count++;
    }
    assert_int_equal(count, 71);
}

static void all_neighbours_among_accounts_results_are_tested_or_excused(void **state)
{
    (void)state;
    for (size_t i = 1; i < EVENTS(account_order); i++)
        if (!covered(account_pairs, EVENTS(account_pairs), account_order[i - 1], account_order[i]))
            fail_msg("nothing of %s before %s", ledger_reason(account_order[i - 1]),
                     ledger_reason(account_order[i]));
}

/* The numbers are the order, so that whoever compares two results needs no list. */
static void the_numbers_of_results_rise_with_their_order(void **state)
{
    (void)state;
    for (size_t i = 1; i < EVENTS(results); i++)
        assert_int_equal(results[i], results[i - 1] + 1);
}

/* The one place where the list is not what happens: see the excuse. */
static void the_last_event_of_a_broken_open_chain_is_told_that_it_is_open(void **state)
{
    (void)state;
    static struct ledger_scene scene;
    scene_open(&scene, MR_LEDGER_IDS_TIME_ORDERED);
    behind_failed(&scene);
    linked_at_end(&scene);
    scene_transfer(&scene);
    RESULTS(&scene.rig, MR_LEDGER_CODE_MUST_NOT_BE_ZERO, MR_LEDGER_LINKED_EVENT_CHAIN_OPEN);
    account_behind_failed(&scene);
    account_linked_at_end(&scene);
    scene_account(&scene);
    RESULTS(&scene.rig, MR_LEDGER_CODE_MUST_NOT_BE_ZERO, MR_LEDGER_LINKED_EVENT_CHAIN_OPEN);
    ledger_close(&scene.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_results_a_transfer_gets_the_first),
        cmocka_unit_test(of_two_results_an_account_gets_the_first),
        cmocka_unit_test(all_neighbours_among_transfers_results_are_tested_or_excused),
        cmocka_unit_test(all_neighbours_among_accounts_results_are_tested_or_excused),
        cmocka_unit_test(the_numbers_of_results_rise_with_their_order),
        cmocka_unit_test(the_last_event_of_a_broken_open_chain_is_told_that_it_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
