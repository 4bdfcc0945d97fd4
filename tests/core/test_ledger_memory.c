/* What accounts and transfers take in the ledger's state, to the byte: docs/BENCHMARKS.md and
 * docs/ledger.md say these numbers. */
#include <millrace/ledger.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    ACCOUNT = 128,
    SLOT = 8,
    TRANSFER = 112,
    LINKS = 8,
    BUCKET = 64,
    BALANCE = 64,
    PENDING = 16,
    EXPIRY = 24,
    BATCH = 8190, /* a chain's transfers are beyond the window until it has succeeded */
    MILLION = 1000 * 1000,
};

static const uint64_t two_to_20 = UINT64_C(1) << 20;

static struct mr_ledger_config defaults(void)
{
    struct mr_ledger_config config;
    mr_logic_ledger.config_default(&config);
    return config;
}

static uint64_t size_of(struct mr_ledger_config config)
{
    uint64_t size = mr_logic_ledger.state_size(&config);
    assert_int_not_equal(size, 0);
    return size;
}

static uint64_t size_with_accounts(uint32_t accounts)
{
    struct mr_ledger_config config = defaults();
    config.accounts_max = accounts;
    return size_of(config);
}

static uint64_t size_with_transfers(uint32_t transfers)
{
    struct mr_ledger_config config = defaults();
    config.transfers_max = transfers;
    return size_of(config);
}

static uint64_t size_with_pending(uint32_t pending)
{
    struct mr_ledger_config config = defaults();
    config.pending_max = pending;
    return size_of(config);
}

static uint64_t size_with_history(uint32_t balances)
{
    struct mr_ledger_config config = defaults();
    config.history_max = balances;
    return size_of(config);
}

/* -- Accounts. --------------------------------------------------------------------------------- */

static void a_million_accounts_take_144_8_bytes_each(void **state)
{
    (void)state;
    uint64_t slots = 2 * two_to_20; /* the power of two from twice as many on */
    uint64_t least = 16;            /* slots that there are at least */
    assert_int_equal(size_with_accounts(MILLION) - size_with_accounts(1),
                     UINT64_C(999999) * ACCOUNT + (slots - least) * SLOT);
}

static void as_many_accounts_as_a_power_of_two_take_144_bytes_each(void **state)
{
    (void)state;
    assert_int_equal(size_with_accounts(1 << 21) - size_with_accounts(1 << 20),
                     two_to_20 * (ACCOUNT + 2 * SLOT));
}

static void one_account_more_than_that_doubles_the_slots(void **state)
{
    (void)state;
    assert_int_equal(size_with_accounts((1 << 20) + 1) - size_with_accounts(1 << 20),
                     ACCOUNT + 2 * two_to_20 * SLOT);
}

/* -- Transfers. -------------------------------------------------------------------------------- */

/* Windows that just fit into a ring of 2^20 and of 2^21 places. */
static void a_transfer_of_a_full_ring_takes_152_bytes(void **state)
{
    (void)state;
    uint32_t window = (1 << 20) - BATCH - 1;
    uint64_t buckets = two_to_20 / 2;
    assert_int_equal(size_with_transfers((1 << 21) - BATCH - 1) - size_with_transfers(window),
                     two_to_20 * (TRANSFER + LINKS) + buckets * BUCKET);
}

static void one_transfer_more_than_that_doubles_the_ring(void **state)
{
    (void)state;
    uint32_t window = (1 << 20) - BATCH - 1;
    assert_int_equal(size_with_transfers(window + 1) - size_with_transfers(window),
                     two_to_20 * (TRANSFER + LINKS));
}

static void a_million_transfers_take_no_more_than_the_full_ring(void **state)
{
    (void)state;
    assert_int_equal(size_with_transfers(MILLION), size_with_transfers((1 << 20) - BATCH - 1));
}

/* -- The rest. --------------------------------------------------------------------------------- */

/* A place in the pool, one among those that outlive the window, one in the heap; slots come in
 * powers of two. */
static void a_pending_transfer_takes_152_bytes_besides(void **state)
{
    (void)state;
    assert_int_equal(size_with_pending(200000) - size_with_pending(190000),
                     UINT64_C(10000) * (PENDING + TRANSFER + EXPIRY));
}

static void a_balance_of_the_history_takes_64_bytes_in_a_power_of_two(void **state)
{
    (void)state;
    uint32_t balances = (1 << 18) - 2 * BATCH - 1;
    assert_int_equal(size_with_history(balances + 1) - size_with_history(balances),
                     (UINT64_C(1) << 18) * BALANCE);
    assert_int_equal(size_with_history(200000), size_with_history(balances));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_accounts_take_144_8_bytes_each),
        cmocka_unit_test(as_many_accounts_as_a_power_of_two_take_144_bytes_each),
        cmocka_unit_test(one_account_more_than_that_doubles_the_slots),
        cmocka_unit_test(a_transfer_of_a_full_ring_takes_152_bytes),
        cmocka_unit_test(one_transfer_more_than_that_doubles_the_ring),
        cmocka_unit_test(a_million_transfers_take_no_more_than_the_full_ring),
        cmocka_unit_test(a_pending_transfer_takes_152_bytes_besides),
        cmocka_unit_test(a_balance_of_the_history_takes_64_bytes_in_a_power_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
