/* Ids of transfers: time-ordered ones, free ones, and finding them among many. */
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

/* -- Time-ordered ids. ------------------------------------------------------------------------- */

static void an_id_may_be_ahead_of_the_time_by_so_much(void **state)
{
    struct ledger_rig *rig = *state;
    uint64_t now_ms = rig->time_ns / 1000000;
    struct mr_ledger_transfer transfer = ledger_plain(1, A, B, 1);
    transfer.id = mr_ledger_id(now_ms + 1001, 0, 0);
    GETS(rig, transfer, MR_LEDGER_ID_AHEAD_OF_TIME);
    transfer.id = mr_ledger_id(now_ms + 1000, UINT16_MAX, UINT64_MAX);
    MAKES(rig, transfer);
    transfer.id = mr_ledger_id(now_ms + 1001, 0, 0); /* what was refused is not remembered */
    rig->time_ns += 1000000;
    MAKES(rig, transfer);
    transfer.id = mr_ledger_id((UINT64_C(1) << 48) - 1, 0, 0);
    GETS(rig, transfer, MR_LEDGER_ID_AHEAD_OF_TIME);
}

static void the_time_of_an_id_is_its_upper_48_bits(void **state)
{
    (void)state;
    struct mr_u128 id =
        mr_ledger_id(UINT64_C(0x123456789abc), 0xdef0, UINT64_C(0x1122334455667788));
    assert_int_equal(id.high, UINT64_C(0x123456789abcdef0));
    assert_int_equal(id.low, UINT64_C(0x1122334455667788));
    assert_int_equal(mr_ledger_id_time_ms(id), UINT64_C(0x123456789abc));
    assert_int_equal(mr_ledger_id_time_ms(mr_u128_max()), (UINT64_C(1) << 48) - 1);
}

/* Upper and lower halves: 2^64 is above 2^64 - 1. */
static void ids_are_compared_as_numbers_of_128_bits(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_transfer transfer = ledger_plain(1, A, B, 1);
    for (uint64_t i = 0; i <= WINDOW; i++) {
        transfer.id = mr_u128_of(1, i);
        MAKES(rig, transfer);
    }
    GETS(rig, ledger_plain(UINT64_MAX, A, B, 1), MR_LEDGER_ID_TOO_OLD);
    transfer.id = mr_u128_of(1, 0);
    GETS(rig, transfer, MR_LEDGER_ID_TOO_OLD);
    transfer.id = mr_u128_of(1, 100);
    MAKES(rig, transfer);
    transfer.id = mr_u128_of(2, 0);
    MAKES(rig, transfer);
}

/* -- Free ids. --------------------------------------------------------------------------------- */

static void with_free_ids_nothing_is_forgotten_and_a_full_window_refuses(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    open_window(&rig, WINDOW, MR_LEDGER_IDS_FREE);
    MAKES(&rig, ledger_pend(1000, A, B, 1, 0));
    GETS(&rig, ledger_plain(1001, A, 99, 1), MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
    for (uint64_t id = WINDOW - 2; id > 0; id--)
        MAKES(&rig, ledger_plain(id, A, B, 1));
    GETS(&rig, ledger_plain(2000, A, B, 1), MR_LEDGER_TRANSFERS_FULL);
    GETS(&rig, ledger_plain(2000, A, 99, 1), MR_LEDGER_TRANSFERS_FULL);
    GETS(&rig, ledger_post(2000, 1000, AMOUNT_MAX), MR_LEDGER_TRANSFERS_FULL);
    for (uint64_t id = WINDOW - 2; id > 0; id--)
        GETS(&rig, ledger_plain(id, A, B, 1), MR_LEDGER_EXISTS);
    GETS(&rig, ledger_pend(1000, A, B, 1, 0), MR_LEDGER_EXISTS);
    GETS(&rig, ledger_plain(1001, A, B, 1), MR_LEDGER_ID_ALREADY_FAILED);
    assert_true(floor_is(&rig, 0));
    ledger_close(&rig);
}

static void free_ids_are_any_numbers(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    struct mr_ledger_transfer transfer = ledger_plain(1, A, B, 1);
    open_window(&rig, WINDOW, MR_LEDGER_IDS_FREE);
    transfer.id = BELOW_MAX;
    MAKES(&rig, transfer);
    transfer.id = mr_u128_of(UINT64_C(1) << 63, 0);
    MAKES(&rig, transfer);
    MAKES(&rig, ledger_plain(1, A, B, 1));
    ledger_close(&rig);
}

/* The places that a chain needs beyond the window are not for that. */
static void a_chain_beyond_a_full_window_of_free_ids_fails(void **state)
{
    (void)state;
    static struct ledger_rig rig;
    open_window(&rig, WINDOW, MR_LEDGER_IDS_FREE);
    fill(&rig, 1, WINDOW - 2);
    REQUEST(&rig, ledger_linked(ledger_plain(101, A, B, 1)),
            ledger_linked(ledger_plain(102, A, B, 1)), ledger_plain(103, A, B, 1));
    RESULTS(&rig, MR_LEDGER_LINKED_EVENT_FAILED, MR_LEDGER_LINKED_EVENT_FAILED,
            MR_LEDGER_TRANSFERS_FULL);
    REQUEST(&rig, ledger_linked(ledger_plain(101, A, B, 1)), ledger_plain(102, A, B, 1));
    RESULTS(&rig, 0, 0);
    assert_int_equal(mr_ledger_totals_get(rig.ledger).remembered, WINDOW);
    ledger_close(&rig);
}

/* -- Among many. ------------------------------------------------------------------------------- */

/* Ids as the tools make them: they rise, and what is below the time looks random. */
static struct mr_u128 usual_id(uint64_t number)
{
    return mr_u128_of(number, mr_mix64(number));
}

static bool finds(const struct ledger_rig *rig, struct mr_u128 id)
{
    struct mr_ledger_transfer found;
    return mr_ledger_transfer_get(rig->ledger, id, &found, NULL) && mr_u128_equal(found.id, id);
}

/* Ids share slots, so that forgetting one moves others. */
static void of_many_exactly_those_of_the_window_are_found(void **state)
{
    (void)state;
    enum { MANY = 5000, REQUEST_SIZE = 1000, ALL = 12000 };
    static struct ledger_rig rig;
    static struct mr_ledger_transfer events[REQUEST_SIZE];
    open_window(&rig, MANY, MR_LEDGER_IDS_TIME_ORDERED);
    for (uint64_t number = 1; number <= ALL; number += REQUEST_SIZE) {
        for (uint64_t i = 0; i < REQUEST_SIZE; i++) {
            events[i] = ledger_plain(1, A, B, 1);
            events[i].id = usual_id(number + i);
        }
        ledger_request(&rig, events, REQUEST_SIZE);
    }
    for (uint64_t number = 1; number <= ALL; number++) {
        assert_int_equal(finds(&rig, usual_id(number)), number > ALL - MANY);
        assert_false(finds(&rig, mr_u128_of(number, mr_mix64(number) + 1)));
    }
    BALANCES(&rig, A, 0, ALL, 0, 0);
    ledger_close(&rig);
}

enum { LONG = LEDGER_BATCH_MAX };

/* A chain of the usual ids from `number` on, or, with a wrong end, one that fails there. */
static void long_chain(struct ledger_rig *rig, uint64_t number, bool fails)
{
    static struct mr_ledger_transfer events[LONG];
    for (uint64_t i = 0; i < LONG; i++) {
        events[i] = ledger_plain(1, A, B, 1);
        events[i].id = usual_id(number + i);
        if (i + 1 < LONG)
            events[i] = ledger_linked(events[i]);
    }
    if (fails)
        events[LONG - 1].code = 0;
    ledger_request(rig, events, LONG);
    assert_int_equal(rig->results[0].reason, fails ? MR_LEDGER_LINKED_EVENT_FAILED : 0);
}

/* While a long chain is tried, there is as much to be found as ever there can be. */
static void long_chains_that_fail_hide_nothing_and_leave_nothing(void **state)
{
    (void)state;
    enum { KNOWN = 60000, ROUNDS = 3 }; /* far more than the chain: buckets are full before it */
    static struct ledger_rig rig;
    struct mr_ledger_transfer event = ledger_plain(1, A, B, 1);
    open_window(&rig, KNOWN, MR_LEDGER_IDS_TIME_ORDERED);
    for (uint64_t number = 1; number <= KNOWN; number++) {
        event.id = usual_id(number);
        mr_ledger_transfers_create(rig.ledger, &event, 1, rig.time_ns, rig.results);
        assert_int_equal(rig.results[0].reason, 0);
    }
    uint64_t first = KNOWN + 1;
    for (uint64_t round = 0; round < ROUNDS; round++, first += LONG) {
        long_chain(&rig, first, true);
        for (uint64_t number = 1; number <= KNOWN; number++)
            assert_true(finds(&rig, usual_id(number)));
        for (uint64_t i = 0; i < LONG; i++)
            assert_false(finds(&rig, usual_id(first + i)));
    }
    long_chain(&rig, first, false);
    for (uint64_t i = 0; i < LONG; i++)
        assert_true(finds(&rig, usual_id(first + i)));
    for (uint64_t number = 1; number <= KNOWN; number++)
        assert_int_equal(finds(&rig, usual_id(number)), number > LONG);
    ledger_close(&rig);
}

#define OF_16(name) cmocka_unit_test_setup_teardown(name, open_16, ledger_close_plain)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_many_exactly_those_of_the_window_are_found),
        cmocka_unit_test(long_chains_that_fail_hide_nothing_and_leave_nothing),
        OF_16(an_id_may_be_ahead_of_the_time_by_so_much),
        cmocka_unit_test(the_time_of_an_id_is_its_upper_48_bits),
        OF_16(ids_are_compared_as_numbers_of_128_bits),
        cmocka_unit_test(with_free_ids_nothing_is_forgotten_and_a_full_window_refuses),
        cmocka_unit_test(free_ids_are_any_numbers),
        cmocka_unit_test(a_chain_beyond_a_full_window_of_free_ids_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
