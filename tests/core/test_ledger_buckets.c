/*
 * Ids whose homes are the same, chosen with the seed known: the table that leads to transfers stays
 * right when its buckets are full, whatever chains have put into it and taken back.
 */
#include "core/ledger/ids.h"
#include "tests/core/ledger_rig.h"

enum { WINDOW = 64 };

static struct ledger_rig rig;

static void open_ledger(void)
{
    struct mr_ledger_config config = ledger_config();
    config.transfers_max = WINDOW;
    ledger_open(&rig, &config);
    ACCOUNTS(&rig, ledger_new_account(1, 0), ledger_new_account(2, 0));
}

static uint32_t bucket_count(void)
{
    return UINT32_C(1) << rig.ledger->layout.bucket_bits;
}

/* The next id that is at home in that bucket; *last is the one before. */
static uint64_t id_at_home(uint32_t bucket, uint64_t *last)
{
    do {
        ++*last;
    } while (ledger_home(rig.ledger, ID(*last)).bucket != ledger_bucket(rig.ledger, bucket));
    return *last;
}

static bool is_there(uint64_t id)
{
    struct mr_ledger_transfer transfer;
    return mr_ledger_transfer_get(rig.ledger, ID(id), &transfer, NULL);
}

/* An event that fails: from one account to itself. */
static struct mr_ledger_transfer failing(uint64_t id)
{
    return ledger_plain(id, 1, 1, 1);
}

static void ids_of_one_home_are_all_found(void **state)
{
    (void)state;
    open_ledger();
    uint64_t ids[WINDOW], last = 1000, home = bucket_count() - 2; /* and on from the beginning */
    for (uint32_t i = 0; i < WINDOW; i++) {
        ids[i] = id_at_home((uint32_t)home, &last);
        assert_int_equal(ledger_one(&rig, ledger_plain(ids[i], 1, 2, 1)), 0);
    }
    for (uint32_t i = 0; i < WINDOW; i++) {
        assert_true(is_there(ids[i]));
    }
    for (uint32_t i = 0; i < WINDOW; i++) { /* one leaves the window for each that comes */
        uint64_t id = id_at_home((uint32_t)home, &last);
        assert_false(is_there(id));
        assert_int_equal(ledger_one(&rig, ledger_plain(id, 1, 2, 1)), 0);
        assert_true(is_there(id));
        assert_false(is_there(ids[i]));
        assert_true(i + 1 == WINDOW || is_there(ids[i + 1]));
    }
    ledger_close(&rig);
}

static void a_chain_that_went_past_full_buckets_is_taken_back(void **state)
{
    (void)state;
    open_ledger();
    uint64_t last = 1000, other = 1000000;
    for (uint32_t i = 0; i < LEDGER_BUCKET; i++) {
        ledger_one(&rig, ledger_plain(id_at_home(5, &last), 1, 2, 1));
    }
    uint64_t past[4];
    for (uint32_t i = 0; i < 4; i++) {
        past[i] = id_at_home(5, &last);
    }
    for (int round = 0; round < 3; round++) {
        REQUEST(&rig, ledger_linked(ledger_plain(past[0], 1, 2, 1)),
                ledger_linked(ledger_plain(id_at_home(50, &other), 1, 2, 1)),
                ledger_linked(ledger_plain(past[1], 1, 2, 1)),
                ledger_linked(ledger_plain(past[2], 1, 2, 1)), failing(past[3]));
        for (uint32_t i = 0; i < 4; i++) {
            assert_false(is_there(past[i]));
        }
    }
    assert_int_equal(ledger_one(&rig, ledger_plain(past[1], 1, 2, 1)), 0);
    assert_true(is_there(past[1]));
    ledger_close(&rig);
}

/* Each chain goes past many full buckets, one behind the other; together they go past all. */
static void looking_for_an_id_ends_even_where_all_buckets_were_passed(void **state)
{
    (void)state;
    open_ledger();
    static struct mr_ledger_transfer chain[LEDGER_BATCH_MAX];
    enum { LENGTH = 4000, STEP = LENGTH / LEDGER_BUCKET - 1 };
    uint64_t unknown = 7;
    ledger_one(&rig, ledger_plain(8, 1, 2, 1));
    for (uint32_t home = 0; home < bucket_count(); home += STEP) {
        uint64_t last = UINT64_C(1) << 32;
        for (uint32_t i = 0; i < LENGTH; i++) {
            uint64_t id = i + 1 < LENGTH ? id_at_home(home, &last) : unknown;
            chain[i] = i + 1 < LENGTH ? ledger_linked(ledger_plain(id, 1, 2, 1)) : failing(id);
        }
        ledger_request(&rig, chain, LENGTH);
        assert_int_equal(rig.results[0].reason, MR_LEDGER_LINKED_EVENT_FAILED);
    }
    assert_false(is_there(unknown));
    assert_int_equal(ledger_one(&rig, ledger_plain(unknown, 1, 2, 1)), 0);
    assert_true(is_there(unknown));
    ledger_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_one_home_are_all_found),
        cmocka_unit_test(a_chain_that_went_past_full_buckets_is_taken_back),
        cmocka_unit_test(looking_for_an_id_ends_even_where_all_buckets_were_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
