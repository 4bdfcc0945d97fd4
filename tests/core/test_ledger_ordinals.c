/*
 * Transfers and balances are known by ordinals of 31 bits, which begin anew when they are used up:
 * after some minutes, at full speed. A ledger says the same wherever its ordinals are.
 */
#include "tests/core/ledger_rig.h"
#include "tests/core/rig.h"

#include <millrace/ledger_queries.h>

enum { ACCOUNTS = 12, TRANSFERS = 40, BATCH = 14, ROWS = 2 * TRANSFERS };

static struct mr_ledger_config small_config(void)
{
    struct mr_ledger_config config = ledger_config();
    config.transfers_max = TRANSFERS;
    config.history_max = 30;
    config.pending_max = 16;
    return config;
}

/* As if so many transfers and balances had been that those many ordinals are left. */
static void leave_ordinals(struct mr_ledger *ledger, uint32_t transfers, uint32_t balances)
{
    assert_int_equal(ledger->count, 0);
    ledger->newest = LEDGER_ORDINALS - transfers;
    ledger->balance_newest = LEDGER_ORDINALS - balances;
    ledger->balance_high = ledger->layout.history_ring;
}

static void create_accounts(struct ledger_rig *rig)
{
    struct mr_ledger_account accounts[ACCOUNTS];
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        accounts[i] = ledger_new_account(i + 1, i % 3 == 0 ? MR_LEDGER_ACCOUNT_HISTORY
                                                : i == 7   ? MR_LEDGER_ACCOUNT_DEBITS_LIMITED
                                                           : 0);
    }
    mr_ledger_accounts_create(rig->ledger, accounts, ACCOUNTS, START, rig->results);
}

/* -- Random requests. -------------------------------------------------------------------------- */

struct source {
    struct mr_random random;
    uint64_t time_ns;
    uint64_t id;
};

static uint64_t below(struct source *source, uint64_t bound)
{
    return mr_random_below(&source->random, bound);
}

static struct mr_ledger_transfer any_transfer(struct source *source)
{
    static const uint16_t flags[] = {0,
                                     0,
                                     MR_LEDGER_PENDING,
                                     MR_LEDGER_PENDING,
                                     MR_LEDGER_POST,
                                     MR_LEDGER_VOID,
                                     MR_LEDGER_BALANCING_DEBIT};
    uint16_t kind = flags[below(source, sizeof flags / sizeof flags[0])];
    uint64_t debit = 1 + below(source, ACCOUNTS), credit = 1 + below(source, ACCOUNTS + 1);
    struct mr_ledger_transfer transfer =
        ledger_move(++source->id, debit, credit, ID(below(source, 50)), kind);
    if ((kind & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0) {
        uint64_t back = 1 + below(source, 2 * TRANSFERS);
        transfer = ledger_post(source->id, source->id > back ? source->id - back : 1, AMOUNT_MAX);
        transfer.flags = kind;
        transfer.amount = kind == MR_LEDGER_POST ? AMOUNT_MAX : ID(0);
    }
    if (kind == MR_LEDGER_PENDING) {
        transfer.timeout = (uint32_t)below(source, 3);
    }
    transfer.flags |= below(source, 6) == 0 ? MR_LEDGER_LINKED : 0;
    return transfer;
}

static uint32_t any_request(struct source *source, struct mr_ledger_transfer *transfers)
{
    uint32_t count = 1 + (uint32_t)below(source, BATCH);
    for (uint32_t i = 0; i < count; i++) {
        transfers[i] = any_transfer(source);
    }
    source->time_ns += below(source, SECOND / 2);
    return count;
}

/* -- Two ledgers. ------------------------------------------------------------------------------ */

static void expect_same_lists(const struct mr_ledger *one, const struct mr_ledger *other)
{
    static struct mr_ledger_row_transfer rows[2][ROWS];
    static struct mr_ledger_row_balance balances[2][ROWS];
    for (uint64_t id = 1; id <= ACCOUNTS; id++) {
        for (uint32_t flags = 0; flags <= MR_LEDGER_FILTER_REVERSED; flags++) {
            struct mr_ledger_account_filter filter = {
                .account_id = ID(id), .limit = ROWS, .flags = (uint16_t)flags};
            struct mr_ledger_page page =
                mr_ledger_account_transfers_query(one, &filter, rows[0], ROWS);
            struct mr_ledger_page same =
                mr_ledger_account_transfers_query(other, &filter, rows[1], ROWS);
            assert_memory_equal(&page, &same, sizeof page);
            assert_memory_equal(rows[0], rows[1], page.count * sizeof rows[0][0]);
            page = mr_ledger_account_balances_query(one, &filter, balances[0], ROWS);
            same = mr_ledger_account_balances_query(other, &filter, balances[1], ROWS);
            assert_memory_equal(&page, &same, sizeof page);
            assert_memory_equal(balances[0], balances[1], page.count * sizeof balances[0][0]);
        }
    }
    struct mr_ledger_query_filter all = {.limit = ROWS};
    struct mr_ledger_page page = mr_ledger_transfers_query(one, &all, rows[0], ROWS);
    struct mr_ledger_page same = mr_ledger_transfers_query(other, &all, rows[1], ROWS);
    assert_memory_equal(&page, &same, sizeof page);
    assert_memory_equal(rows[0], rows[1], page.count * sizeof rows[0][0]);
}

/* The same request for both, with what has expired before. */
static void ask_both(struct ledger_rig *rigs, struct source *source)
{
    struct mr_ledger_transfer transfers[BATCH];
    uint32_t count = any_request(source, transfers);
    static struct mr_ledger_expired expired[2][16];
    uint32_t gone[2];
    for (int i = 0; i < 2; i++) {
        gone[i] = mr_ledger_expire(rigs[i].ledger, source->time_ns, expired[i], 16);
        mr_ledger_transfers_create(rigs[i].ledger, transfers, count, source->time_ns,
                                   rigs[i].results);
    }
    assert_int_equal(gone[0], gone[1]);
    assert_memory_equal(expired[0], expired[1], gone[0] * sizeof expired[0][0]);
    assert_memory_equal(rigs[0].results, rigs[1].results, count * sizeof rigs[0].results[0]);
}

static void run_with(uint32_t transfers_left, uint32_t balances_left)
{
    static struct ledger_rig rigs[2];
    const struct mr_ledger_config config = small_config();
    struct source source = {.time_ns = START};
    mr_random_init(&source.random, rig_seed() + transfers_left);
    for (int i = 0; i < 2; i++) {
        ledger_open(&rigs[i], &config);
    }
    leave_ordinals(rigs[1].ledger, transfers_left, balances_left);
    for (int i = 0; i < 2; i++) {
        create_accounts(&rigs[i]);
    }
    for (int round = 0; round < 150; round++) {
        ask_both(rigs, &source);
        expect_same_lists(rigs[0].ledger, rigs[1].ledger);
        ledger_check(&rigs[1]);
    }
    assert_int_equal(rigs[0].ledger->epoch, 0);
    assert_int_equal(rigs[1].ledger->epoch, 1);
    assert_true(rigs[1].ledger->balance_newest < LEDGER_ORDINALS / 2);
    for (int i = 0; i < 2; i++) {
        ledger_close(&rigs[i]);
    }
}

static void a_ledger_says_the_same_while_its_ordinals_begin_anew(void **state)
{
    (void)state;
    static const uint32_t left[] = {0, 1, 2, 5, TRANSFERS - 1, TRANSFERS, TRANSFERS + 1, 150};
    for (uint32_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        run_with(left[i], left[sizeof left / sizeof left[0] - 1 - i]);
    }
}

/* -- Accounts that rest. ----------------------------------------------------------------------- */

static uint32_t transfers_of(const struct ledger_rig *rig, uint64_t account,
                             struct mr_ledger_row_transfer *rows)
{
    const struct mr_ledger_account_filter filter = {.account_id = ID(account), .limit = ROWS};
    return mr_ledger_account_transfers_query(rig->ledger, &filter, rows, ROWS).count;
}

/* Since account 1 had its last transfer all ordinals were used, and that one's is of another
 * transfer now, between accounts 2 and 3. */
static void an_account_that_has_rested_while_all_ordinals_were_used_takes_nothing_for_its_own(
    void **state)
{
    (void)state;
    struct ledger_rig rig;
    struct mr_ledger_row_transfer rows[ROWS];
    struct mr_ledger_config config = small_config();
    for (uint32_t side = 0; side < 2; side++) {
        ledger_open(&rig, &config);
        create_accounts(&rig);
        leave_ordinals(rig.ledger, 2, 0);
        struct mr_ledger_transfer others[] = {ledger_plain(1, 2, 3, 5), ledger_plain(2, 3, 2, 6),
                                              ledger_plain(3, 2, 3, 7), ledger_plain(4, 2, 3, 8),
                                              ledger_plain(5, 3, 2, 9)};
        mr_ledger_transfers_create(rig.ledger, others, 5, START + 100, rig.results);
        assert_int_equal(rig.ledger->epoch, 1);
        struct ledger_account *resting = ledger_account(rig.ledger, 1);
        /* Ordinal 2 is of the last but one, and in epoch 0 it was of account 1's. */
        resting->last = 2 | (side == 0 ? 0 : (uint32_t)LEDGER_CREDIT);
        resting->last_epoch = 0;
        assert_int_equal(transfers_of(&rig, 1, rows), 0);
        struct mr_ledger_transfer own = ledger_plain(6, 1, 4, 10);
        mr_ledger_transfers_create(rig.ledger, &own, 1, START + 200, rig.results);
        assert_int_equal(rig.results[0].reason, 0);
        assert_int_equal(transfers_of(&rig, 1, rows), 1);
        assert_true(mr_u128_equal(rows[0].id, ID(6)));
        assert_int_equal(transfers_of(&rig, 2, rows), 5);
        assert_int_equal(transfers_of(&rig, 3, rows), 5);
        ledger_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ledger_says_the_same_while_its_ordinals_begin_anew),
        cmocka_unit_test(
            an_account_that_has_rested_while_all_ordinals_were_used_takes_nothing_for_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
