/* The largest numbers there are, each at its limit and one beyond; and the smallest ledgers. */
#include "tests/core/ledger_rig.h"

enum { A = 1, B = 2, C = 3, D = 4, PENDING = MR_LEDGER_PENDING };

/* -- Counters. --------------------------------------------------------------------------------- */

static void debits_posted_hold_2_128_less_1(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_move(1, A, B, BELOW_MAX, 0));
    MAKES(rig, ledger_plain(2, A, C, 1));
    BALANCES_128(rig, A, ID(0), AMOUNT_MAX, ID(0), ID(0));
    GETS(rig, ledger_plain(3, A, C, 1), MR_LEDGER_OVERFLOWS_DEBITS_POSTED);
    GETS(rig, ledger_move(3, A, C, AMOUNT_MAX, 0), MR_LEDGER_OVERFLOWS_DEBITS_POSTED);
    MAKES(rig, ledger_plain(3, A, C, 0));
    BALANCES(rig, C, 0, 0, 0, 1);
}

static void credits_posted_hold_2_128_less_1(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_move(1, A, B, BELOW_MAX, 0));
    MAKES(rig, ledger_plain(2, C, B, 1));
    BALANCES_128(rig, B, ID(0), ID(0), ID(0), AMOUNT_MAX);
    GETS(rig, ledger_plain(3, C, B, 1), MR_LEDGER_OVERFLOWS_CREDITS_POSTED);
    GETS(rig, ledger_move(3, D, B, AMOUNT_MAX, 0), MR_LEDGER_OVERFLOWS_CREDITS_POSTED);
    MAKES(rig, ledger_plain(3, C, B, 0));
    BALANCES(rig, C, 0, 1, 0, 0);
}

static void debits_pending_hold_2_128_less_1(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_move(1, A, B, BELOW_MAX, PENDING));
    MAKES(rig, ledger_pend(2, A, C, 1, 0));
    BALANCES_128(rig, A, AMOUNT_MAX, ID(0), ID(0), ID(0));
    GETS(rig, ledger_pend(3, A, C, 1, 0), MR_LEDGER_OVERFLOWS_DEBITS_PENDING);
    GETS(rig, ledger_plain(3, A, C, 1), MR_LEDGER_OVERFLOWS_DEBITS);
    MAKES(rig, ledger_pend(3, A, C, 0, 0));
}

static void credits_pending_hold_2_128_less_1(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_move(1, A, B, BELOW_MAX, PENDING));
    MAKES(rig, ledger_pend(2, C, B, 1, 0));
    BALANCES_128(rig, B, ID(0), ID(0), AMOUNT_MAX, ID(0));
    GETS(rig, ledger_pend(3, C, B, 1, 0), MR_LEDGER_OVERFLOWS_CREDITS_PENDING);
    GETS(rig, ledger_plain(3, C, B, 1), MR_LEDGER_OVERFLOWS_CREDITS);
    MAKES(rig, ledger_pend(3, C, B, 0, 0));
}

/* A pending transfer must fit among what is posted, too: else it could not be posted. */
static void what_is_pending_must_fit_among_what_is_posted(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_move(1, A, B, AMOUNT_MAX, 0));
    GETS(rig, ledger_pend(2, A, C, 1, 0), MR_LEDGER_OVERFLOWS_DEBITS_POSTED);
    GETS(rig, ledger_pend(2, C, B, 1, 0), MR_LEDGER_OVERFLOWS_CREDITS_POSTED);
    MAKES(rig, ledger_pend(2, A, B, 0, 0));
}

static void pending_and_posted_together_hold_2_128_less_1(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_u128 half = mr_u128_of(UINT64_C(1) << 63, 0);
    MAKES(rig, ledger_move(1, A, B, half, PENDING));
    MAKES(rig, ledger_move(2, A, B, mr_u128_above(half, ID(2)), 0));
    MAKES(rig, ledger_plain(3, A, B, 1));
    GETS(rig, ledger_plain(4, A, C, 1), MR_LEDGER_OVERFLOWS_DEBITS);
    GETS(rig, ledger_pend(4, A, C, 1, 0), MR_LEDGER_OVERFLOWS_DEBITS);
    GETS(rig, ledger_plain(4, C, B, 1), MR_LEDGER_OVERFLOWS_CREDITS);
    GETS(rig, ledger_pend(4, C, B, 1, 0), MR_LEDGER_OVERFLOWS_CREDITS);
    MAKES(rig, ledger_post(4, 1, AMOUNT_MAX)); /* adds nothing to the sum */
    BALANCES_128(rig, A, ID(0), AMOUNT_MAX, ID(0), ID(0));
    BALANCES_128(rig, B, ID(0), ID(0), ID(0), AMOUNT_MAX);
}

/* Two halves of 64 bits make one number. */
static void amounts_carry_from_the_lower_half_to_the_upper(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_move(1, A, B, mr_u128_of(0, UINT64_MAX), PENDING));
    MAKES(rig, ledger_pend(2, A, B, 1, 0));
    BALANCES_128(rig, A, mr_u128_of(1, 0), ID(0), ID(0), ID(0));
    MAKES(rig, ledger_post(3, 1, AMOUNT_MAX));
    MAKES(rig, ledger_post(4, 2, AMOUNT_MAX));
    BALANCES_128(rig, A, ID(0), mr_u128_of(1, 0), ID(0), ID(0));
    MAKES(rig, ledger_move(5, B, A, mr_u128_of(0, UINT64_MAX), MR_LEDGER_BALANCING_DEBIT));
    MAKES(rig, ledger_move(6, B, A, AMOUNT_MAX, MR_LEDGER_BALANCING_DEBIT));
    assert_true(mr_u128_equal(ledger_found(rig, 6).amount, ID(1)));
}

static void a_limit_is_reached_and_not_passed(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNTS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_DEBITS_LIMITED),
             ledger_new_account(8, MR_LEDGER_ACCOUNT_CREDITS_LIMITED));
    MAKES(rig, ledger_move(1, A, 7, AMOUNT_MAX, 0));
    MAKES(rig, ledger_move(2, 8, B, AMOUNT_MAX, 0));
    MAKES(rig, ledger_move(3, 7, 8, BELOW_MAX, PENDING));
    GETS(rig, ledger_plain(4, 7, C, 2), MR_LEDGER_OVERFLOWS_DEBITS);
    MAKES(rig, ledger_plain(5, 7, 8, 1));
    MAKES(rig, ledger_void(6, 3));
    BALANCES_128(rig, 7, ID(0), ID(1), ID(0), AMOUNT_MAX);
    MAKES(rig, ledger_plain(10, D, 7, 0));
    MAKES(rig, ledger_move(11, 7, 8, BELOW_MAX, 0));
    GETS(rig, ledger_plain(12, 7, C, 1), MR_LEDGER_OVERFLOWS_DEBITS_POSTED);
}

static void a_limit_of_little_is_exact(void **state)
{
    struct ledger_rig *rig = *state;
    ACCOUNTS(rig, ledger_new_account(7, MR_LEDGER_ACCOUNT_DEBITS_LIMITED),
             ledger_new_account(8, MR_LEDGER_ACCOUNT_CREDITS_LIMITED));
    MAKES(rig, ledger_plain(1, A, 7, 5));
    MAKES(rig, ledger_plain(2, 8, A, 5));
    GETS(rig, ledger_plain(3, 7, A, 6), MR_LEDGER_EXCEEDS_CREDITS);
    GETS(rig, ledger_plain(4, A, 8, 6), MR_LEDGER_EXCEEDS_DEBITS);
    MAKES(rig, ledger_plain(5, 7, 8, 5));
    GETS(rig, ledger_plain(6, 7, A, 1), MR_LEDGER_EXCEEDS_CREDITS);
    GETS(rig, ledger_plain(7, A, 8, 1), MR_LEDGER_EXCEEDS_DEBITS);
    MAKES(rig, ledger_plain(8, 7, 8, 0));
}

/* -- Timeouts. --------------------------------------------------------------------------------- */

static void a_timeout_may_reach_2_63_less_1_and_no_further(void **state)
{
    struct ledger_rig *rig = *state;
    const uint32_t left = 72057595; /* seconds, to be before MR_LEDGER_TIME_MAX */
    rig->time_ns = (uint64_t)INT64_MAX - left * SECOND;
    assert_true(rig->time_ns < MR_LEDGER_TIME_MAX);
    MAKES(rig, ledger_pend(1, A, B, 5, left)); /* expires at 2^63 - 1 */
    assert_int_equal(mr_ledger_expiry_next(rig->ledger), INT64_MAX);
    GETS(rig, ledger_pend(2, A, B, 5, left), MR_LEDGER_OVERFLOWS_TIMEOUT); /* one later */
    GETS(rig, ledger_pend(2, A, B, 5, UINT32_MAX), MR_LEDGER_OVERFLOWS_TIMEOUT);
    MAKES(rig, ledger_pend(2, A, B, 5, left - 1));
    MAKES(rig, ledger_pend(3, A, B, 5, 0));
    assert_int_equal(ledger_expire(rig, (uint64_t)INT64_MAX, LEDGER_EXPIRE_MAX), 2);
    BALANCES(rig, A, 5, 0, 0, 0);
}

static void times_that_are_too_late_count_as_the_latest(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_expired expired;
    assert_int_equal(mr_ledger_expire(rig->ledger, UINT64_MAX, &expired, 1), 0); /* none is */
    MAKES(rig, ledger_pend(1, A, B, 5, 1));
    rig->time_ns = UINT64_MAX;
    GETS(rig, ledger_pend(2, A, B, 5, 1), MR_LEDGER_OVERFLOWS_TIMEOUT); /* it would be due */
    assert_int_equal(mr_ledger_totals_get(rig->ledger).time_ns, MR_LEDGER_TIME_MAX);
    MAKES(rig, ledger_plain(3, A, B, 5));
    assert_int_equal(ledger_found(rig, 3).timestamp, MR_LEDGER_TIME_MAX + 1);
    assert_int_equal(mr_ledger_expire(rig->ledger, UINT64_MAX, &expired, 1), 1);
    assert_int_equal(expired.timestamp, MR_LEDGER_TIME_MAX + 1);
    assert_int_equal(mr_ledger_expire(rig->ledger, UINT64_MAX, &expired, 1), 0);
}

static void the_longest_timeout_is_136_years(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 5, UINT32_MAX));
    uint64_t expires = ledger_found(rig, 1).timestamp + UINT32_MAX * SECOND;
    assert_int_equal(mr_ledger_expiry_next(rig->ledger), expires);
    assert_int_equal(ledger_expire(rig, expires - 1, LEDGER_EXPIRE_MAX), 0);
    assert_int_equal(ledger_expire(rig, expires, LEDGER_EXPIRE_MAX), 1);
}

/* -- What is posted and voided. ---------------------------------------------------------------- */

static void a_post_is_of_nothing_up_to_all(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint64_t id = 1; id <= 5; id++)
        MAKES(rig, ledger_pend(id, A, B, 10, 0));
    GETS(rig, ledger_post(11, 1, ID(11)), MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT);
    GETS(rig, ledger_post(11, 1, BELOW_MAX), MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT);
    GETS(rig, ledger_post(11, 1, mr_u128_of(1, 10)), MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT);
    MAKES(rig, ledger_post(11, 1, ID(0)));
    MAKES(rig, ledger_post(12, 2, ID(1)));
    MAKES(rig, ledger_post(13, 3, ID(9)));
    MAKES(rig, ledger_post(14, 4, ID(10)));
    MAKES(rig, ledger_post(15, 5, AMOUNT_MAX));
    BALANCES(rig, A, 0, 30, 0, 0);
    BALANCES(rig, B, 0, 0, 0, 30);
}

static void a_void_is_of_all_or_says_nothing(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer some = ledger_void(11, 1);
    MAKES(rig, ledger_pend(1, A, B, 10, 0));
    MAKES(rig, ledger_pend(2, A, B, 10, 0));
    some.amount = ID(11);
    GETS(rig, some, MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT);
    some.amount = AMOUNT_MAX;
    GETS(rig, some, MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT);
    some.amount = ID(9);
    GETS(rig, some, MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT);
    some.amount = ID(10);
    MAKES(rig, some);
    MAKES(rig, ledger_void(12, 2));
    BALANCES(rig, A, 0, 0, 0, 0);
    assert_true(mr_u128_equal(ledger_found(rig, 12).amount, ID(10)));
}

static void nothing_can_be_pending_posted_and_voided(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_pend(1, A, B, 0, 0));
    MAKES(rig, ledger_pend(2, A, B, 0, 0));
    GETS(rig, ledger_post(3, 1, ID(1)), MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT);
    MAKES(rig, ledger_post(3, 1, AMOUNT_MAX));
    MAKES(rig, ledger_void(4, 2));
    BALANCES(rig, A, 0, 0, 0, 0);
}

static void all_there_can_be_is_pending_and_posted(void **state)
{
    struct ledger_rig *rig = *state;
    MAKES(rig, ledger_move(1, A, B, AMOUNT_MAX, PENDING));
    MAKES(rig, ledger_post(2, 1, AMOUNT_MAX));
    GETS(rig, ledger_post(2, 1, AMOUNT_MAX), MR_LEDGER_EXISTS);
    GETS(rig, ledger_post(2, 1, BELOW_MAX), MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT);
    BALANCES_128(rig, A, ID(0), AMOUNT_MAX, ID(0), ID(0));
}

/* -- Ids and the user's own numbers. ----------------------------------------------------------- */

static void the_largest_ids_and_user_data_are_kept_whole(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_account account = {.id = BELOW_MAX, .user_data_128 = AMOUNT_MAX};
    account.user_data_64 = UINT64_MAX;
    account.user_data_32 = UINT32_MAX;
    account.ledger = UINT32_MAX;
    account.code = UINT16_MAX;
    struct mr_ledger_account other = account;
    other.id = mr_u128_of(UINT64_MAX, 0);
    ACCOUNTS(rig, account, other);
    RESULTS(rig, 0, 0);
    struct mr_ledger_transfer transfer = {.id = mr_u128_of(0, UINT64_MAX)};
    transfer.debit_account_id = account.id;
    transfer.credit_account_id = other.id;
    transfer.user_data_128 = AMOUNT_MAX;
    transfer.user_data_64 = UINT64_MAX;
    transfer.user_data_32 = UINT32_MAX;
    transfer.ledger = UINT32_MAX;
    transfer.code = UINT16_MAX;
    MAKES(rig, transfer);
    transfer.timestamp = rig->results[0].timestamp;
    struct mr_ledger_transfer found = ledger_found(rig, UINT64_MAX);
    assert_memory_equal(&found, &transfer, sizeof found);
    struct mr_ledger_account seen;
    assert_true(mr_ledger_account_get(rig->ledger, BELOW_MAX, &seen));
    account.timestamp = seen.timestamp;
    assert_memory_equal(&seen, &account, sizeof seen);
    assert_false(mr_ledger_account_get(rig->ledger, mr_u128_of(UINT64_MAX - 1, 0), &seen));
}

/* -- The smallest ledgers. --------------------------------------------------------------------- */

static void open_small(struct ledger_rig *rig, uint32_t accounts, uint32_t transfers)
{
    struct mr_ledger_config config = ledger_config();
    config.accounts_max = accounts;
    config.transfers_max = transfers;
    config.pending_max = 1;
    config.history_max = 1;
    config.ledgers_max = 1;
    ledger_open(rig, &config);
}

static void of_one_account_there_is_one(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    open_small(&rig, 1, 1);
    ACCOUNT_GETS(&rig, ledger_new_account(A, 0), 0);
    ACCOUNT_GETS(&rig, ledger_new_account(B, 0), MR_LEDGER_ACCOUNTS_FULL);
    ACCOUNT_GETS(&rig, ledger_new_account(A, 0), MR_LEDGER_EXISTS);
    GETS(&rig, ledger_plain(1, A, B, 1), MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
    assert_int_equal(mr_ledger_totals_get(rig.ledger).accounts, 1);
    ledger_close(&rig);
}

static void of_one_ledger_there_is_one(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    struct mr_ledger_account other = ledger_new_account(B, 0);
    open_small(&rig, 2, 1);
    ACCOUNT_GETS(&rig, ledger_new_account(A, 0), 0);
    other.ledger = UNIT + 1;
    ACCOUNT_GETS(&rig, other, MR_LEDGER_LEDGERS_FULL);
    other.ledger = UNIT;
    ACCOUNT_GETS(&rig, other, 0);
    assert_int_equal(mr_ledger_totals_get(rig.ledger).ledgers, 1);
    ledger_close(&rig);
}

/* A ledger whose only account was undone makes room for another. */
static void a_failed_chain_of_accounts_takes_no_room(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    struct mr_ledger_account other = ledger_new_account(B, MR_LEDGER_ACCOUNT_LINKED);
    open_small(&rig, 1, 1);
    ACCOUNTS(&rig, other, ledger_new_account(C, 0));
    RESULTS(&rig, MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_ACCOUNTS_FULL);
    other.ledger = UNIT + 1;
    ACCOUNTS(&rig, other, ledger_new_account(0, 0));
    RESULTS(&rig, MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_ID_MUST_NOT_BE_ZERO);
    ACCOUNT_GETS(&rig, ledger_new_account(A, 0), 0);
    ledger_close(&rig);
}

static void of_one_pending_transfer_there_is_one_at_a_time(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    open_small(&rig, 2, 1);
    ledger_make_accounts(&rig, 2);
    MAKES(&rig, ledger_pend(1, A, B, 5, 1));
    GETS(&rig, ledger_pend(2, A, B, 5, 0), MR_LEDGER_PENDING_FULL);
    MAKES(&rig, ledger_plain(3, A, B, 5)); /* others are not pending; the first leaves the window */
    MAKES(&rig, ledger_void(4, 1));
    MAKES(&rig, ledger_pend(5, A, B, 5, 1));
    assert_int_equal(ledger_expire(&rig, rig.time_ns + 5 * SECOND, 1), 1);
    MAKES(&rig, ledger_pend(6, A, B, 5, 0));
    MAKES(&rig, ledger_post(7, 6, AMOUNT_MAX));
    REQUEST(&rig, ledger_linked(ledger_pend(8, A, B, 5, 0)), ledger_pend(9, A, B, 5, 0));
    RESULTS(&rig, MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_PENDING_FULL);
    MAKES(&rig, ledger_pend(10, A, B, 5, 0));
    BALANCES(&rig, A, 5, 10, 0, 0);
    ledger_close(&rig);
}

static void of_one_balance_the_last_is_remembered(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    open_small(&rig, 2, 8);
    ACCOUNTS(&rig, ledger_new_account(A, MR_LEDGER_ACCOUNT_HISTORY),
             ledger_new_account(B, MR_LEDGER_ACCOUNT_HISTORY));
    for (uint64_t id = 1; id <= 20; id++) {
        MAKES(&rig, ledger_plain(id, A, B, 1));
        assert_int_equal(mr_ledger_totals_get(rig.ledger).balances, 1);
    }
    ledger_close(&rig);
}

/* -- Configurations. --------------------------------------------------------------------------- */

static uint64_t size_with(uint32_t *field, struct mr_ledger_config *config, uint32_t value)
{
    uint32_t before = *field;
    *field = value;
    uint64_t size = mr_logic_ledger.state_size(config);
    *field = before;
    return size;
}

static void limits_are_from_one_to_their_maximum(void **state)
{
    (void)state;
    struct mr_ledger_config config = ledger_config();
    const struct {
        uint32_t *field, max;
    } limits[] = {
        {&config.accounts_max, UINT32_C(1) << 28}, {&config.transfers_max, UINT32_C(1) << 28},
        {&config.pending_max, UINT32_C(1) << 27},  {&config.history_max, UINT32_C(1) << 28},
        {&config.ledgers_max, UINT32_C(1) << 16},
    };
    for (size_t i = 0; i < EVENTS(limits); i++) {
        assert_int_equal(size_with(limits[i].field, &config, 0), 0);
        assert_true(size_with(limits[i].field, &config, 1) > 0);
        assert_true(size_with(limits[i].field, &config, limits[i].max) > 0);
        assert_int_equal(size_with(limits[i].field, &config, limits[i].max + 1), 0);
        assert_int_equal(size_with(limits[i].field, &config, UINT32_MAX), 0);
    }
}

static void a_scheme_of_ids_that_there_is_not_is_refused(void **state)
{
    (void)state;
    struct mr_ledger_config config = ledger_config();
    config.id_scheme = MR_LEDGER_IDS_FREE;
    assert_true(mr_logic_ledger.state_size(&config) > 0);
    config.id_scheme = MR_LEDGER_IDS_FREE + 1;
    assert_int_equal(mr_logic_ledger.state_size(&config), 0);
    config.id_scheme = UINT8_MAX;
    assert_int_equal(mr_logic_ledger.state_size(&config), 0);
}

static void the_default_can_be_had_and_orders_ids_by_time(void **state)
{
    (void)state;
    struct mr_ledger_config config;
    mr_logic_ledger.config_default(&config);
    assert_true(mr_logic_ledger.state_size(&config) > 0);
    assert_int_equal(config.id_scheme, MR_LEDGER_IDS_TIME_ORDERED);
    assert_int_equal(config.id_ahead_ms, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(debits_posted_hold_2_128_less_1),
        SCENARIO(credits_posted_hold_2_128_less_1),
        SCENARIO(debits_pending_hold_2_128_less_1),
        SCENARIO(credits_pending_hold_2_128_less_1),
        SCENARIO(what_is_pending_must_fit_among_what_is_posted),
        SCENARIO(pending_and_posted_together_hold_2_128_less_1),
        SCENARIO(amounts_carry_from_the_lower_half_to_the_upper),
        SCENARIO(a_limit_is_reached_and_not_passed),
        SCENARIO(a_limit_of_little_is_exact),
        SCENARIO(a_timeout_may_reach_2_63_less_1_and_no_further),
        SCENARIO(times_that_are_too_late_count_as_the_latest),
        SCENARIO(the_longest_timeout_is_136_years),
        SCENARIO(a_post_is_of_nothing_up_to_all),
        SCENARIO(a_void_is_of_all_or_says_nothing),
        SCENARIO(nothing_can_be_pending_posted_and_voided),
        SCENARIO(all_there_can_be_is_pending_and_posted),
        SCENARIO(the_largest_ids_and_user_data_are_kept_whole),
        cmocka_unit_test(of_one_account_there_is_one),
        cmocka_unit_test(of_one_ledger_there_is_one),
        cmocka_unit_test(a_failed_chain_of_accounts_takes_no_room),
        cmocka_unit_test(of_one_pending_transfer_there_is_one_at_a_time),
        cmocka_unit_test(of_one_balance_the_last_is_remembered),
        cmocka_unit_test(limits_are_from_one_to_their_maximum),
        cmocka_unit_test(a_scheme_of_ids_that_there_is_not_is_refused),
        cmocka_unit_test(the_default_can_be_had_and_orders_ids_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
