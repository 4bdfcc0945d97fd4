/*
 * Lists of accounts, transfers and balances: next to what looking at everything finds, in pages of
 * any size.
 */
#include "tests/core/ledger_lists.h"
#include "tests/core/ledger_rich.h"

#include <millrace/common.h>

/* Times at which something begins or ends: of nothing, and of some of the window's transfers, and
 * right beside them. */
enum { EDGES = 13 };

static uint64_t edge(const struct ledger_rig *rig, uint32_t which)
{
    const struct mr_ledger *ledger = rig->ledger;
    if (which == 0)
        return 0;
    uint32_t age = (which - 1) / 3 * (ledger->count - 1) / 3;
    uint32_t ordinal = ledger_ordinal_before(ledger->newest, age);
    return ledger_transfer(ledger, ordinal)->timestamp + (which - 1) % 3 - 1;
}

/* -- Transfers. -------------------------------------------------------------------------------- */

static void compare_everything(const struct ledger_rig *rig)
{
    static const uint32_t limits[] = {1, 2, 7, PAGE_MAX};
    for (uint32_t i = 0; i < EDGES * EDGES * 2; i++) {
        uint64_t min = edge(rig, i % EDGES), max = edge(rig, i / EDGES % EDGES);
        uint16_t reversed = i >= EDGES * EDGES ? MR_LEDGER_FILTER_REVERSED : 0;
        if (max != 0 && min > max)
            continue;
        compare_all(rig,
                    (struct mr_ledger_query_filter){
                        .timestamp_min = min, .timestamp_max = max, .flags = reversed},
                    limits[i % 4]);
        for (uint64_t id = PLAIN_A; id <= OTHERS; id++)
            if (mr_ledger_account_find(rig->ledger, ID(id)) != 0)
                compare_of(
                    rig,
                    (struct mr_ledger_account_filter){.account_id = ID(id),
                                                      .timestamp_min = min,
                                                      .timestamp_max = max,
                                                      .flags = (uint16_t)(reversed | (i + id) % 4)},
                    limits[(i + id) % 4]);
    }
}

static void lists_are_what_looking_at_everything_finds(void **state)
{
    compare_everything(*state);
}

/* Numbers of transfers and balances begin anew in the middle of all that. */
static void so_they_are_where_ordinals_begin_anew(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_config config = ledger_config();
    ledger_close(rig);
    config.transfers_max = RICH_WINDOW;
    config.history_max = RICH_HISTORY;
    config.pending_max = 200;
    ledger_open(rig, &config);
    rig->ledger->newest = LEDGER_ORDINALS - 350;
    rig->ledger->balance_newest = LEDGER_ORDINALS - 12;
    rig->ledger->balance_high = rig->ledger->layout.history_ring;
    struct rich rich = {.rig = rig};
    mr_random_init(&rich.random, 44);
    rich_accounts(rig);
    while (rig->ledger->epoch == 0 || rig->ledger->newest < RICH_WINDOW / 2)
        rich_step(&rich);
    assert_int_equal(rig->ledger->count, RICH_WINDOW);
    assert_true(rig->ledger->balance_newest < LEDGER_ORDINALS / 2);
    compare_everything(rig);
}

static void a_filter_by_each_field(void **state)
{
    struct ledger_rig *rig = *state;
    uint64_t next = 1;
    for (uint32_t i = 0; i < 64; i++) {
        struct mr_ledger_transfer transfer = ledger_plain(next++, 1 + i % 2, 3, 1);
        transfer.user_data_128 = i % 3 == 0 ? mr_u128_of(5, 5) : mr_u128_of(0, 5);
        transfer.user_data_64 = 1 + i % 5;
        transfer.user_data_32 = 1 + i % 2;
        transfer.code = (uint16_t)(1 + i % 7);
        MAKES(rig, transfer);
    }
    for (uint32_t i = 0; i < 16; i++) {
        struct mr_ledger_query_filter all = {
            .user_data_128 = (i & 1) != 0 ? mr_u128_of(5, 5) : ID(0),
            .user_data_64 = (i & 2) != 0 ? 2 : 0,
            .user_data_32 = (i & 4) != 0 ? 2 : 0,
            .code = (i & 8) != 0 ? 4 : 0,
        };
        struct mr_ledger_account_filter of = {
            .account_id = ID(2),
            .user_data_128 = all.user_data_128,
            .user_data_64 = all.user_data_64,
            .user_data_32 = all.user_data_32,
            .code = all.code,
        };
        compare_all(rig, all, 3);
        compare_of(rig, of, 3);
        all.ledger = UNIT;
        compare_all(rig, all, 3);
        all.ledger = 99;
        assert_int_equal(expect(rig, NULL, &all), 0);
        compare_all(rig, all, 3);
    }
    assert_int_equal(expect(rig, NULL, &(struct mr_ledger_query_filter){.user_data_64 = 2}), 13);
}

static void the_filters_own_limit_counts_where_it_is_less(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_row_transfer rows[9];
    for (uint64_t id = 1; id <= 10; id++)
        MAKES(rig, ledger_plain(id, 1, 2, 1));
    struct mr_ledger_query_filter all = {.limit = 4};
    struct mr_ledger_account_filter of = {.account_id = ID(1), .limit = 4};
    struct mr_ledger_page page = mr_ledger_transfers_query(rig->ledger, &all, rows, 9);
    assert_int_equal(page.count, 4);
    assert_int_equal(page.next, rows[3].timestamp + 1);
    page = mr_ledger_account_transfers_query(rig->ledger, &of, rows, 3);
    assert_int_equal(page.count, 3);
    assert_int_equal(page.next, rows[2].timestamp + 1);
    all.limit = 10; /* exactly what there is: that was all */
    of.limit = 10;
    struct mr_ledger_row_transfer ten[10];
    assert_int_equal(mr_ledger_transfers_query(rig->ledger, &all, ten, 10).next, 0);
    assert_int_equal(mr_ledger_account_transfers_query(rig->ledger, &of, ten, 10).next, 0);
}

/* -- Balances. --------------------------------------------------------------------------------- */

/* Timestamps of what is remembered of an account: after each of its last transfers. */
static void balances_are_those_after_each_transfer(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_row_balance rows[40];
    uint64_t id = 1000;
    for (uint64_t i = 0; i < RICH_HISTORY + 9; i++, id++)
        MAKES(rig, ledger_plain(id, i % 3 == 0 ? HISTORY_B : HISTORY_A,
                                i % 3 == 0   ? HISTORY_A
                                : i % 3 == 1 ? HISTORY_B
                                             : PLAIN_A,
                                i));
    struct mr_ledger_account_filter filter = {.account_id = ID(HISTORY_A)};
    struct mr_ledger_page page = mr_ledger_account_balances_query(rig->ledger, &filter, rows, 40);
    assert_true(page.count > 10 && page.count < 30 && page.next == 0);
    struct mr_ledger_account now = ledger_seen(rig, HISTORY_A);
    assert_true(mr_u128_equal(rows[page.count - 1].debits_posted, now.debits_posted));
    assert_true(mr_u128_equal(rows[page.count - 1].credits_posted, now.credits_posted));
    for (uint32_t i = 0; i < page.count; i++)
        all_times[i] = rows[i].timestamp;
    for (uint32_t i = 1; i < page.count; i++) { /* each differs by its transfer */
        struct mr_ledger_row_transfer transfer[2];
        struct mr_ledger_account_filter one = {.account_id = ID(HISTORY_A),
                                               .timestamp_min = rows[i].timestamp,
                                               .timestamp_max = rows[i].timestamp};
        assert_int_equal(mr_ledger_account_transfers_query(rig->ledger, &one, transfer, 2).count,
                         1);
        uint64_t before = rows[i - 1].debits_posted.low + rows[i - 1].credits_posted.low;
        uint64_t after = rows[i].debits_posted.low + rows[i].credits_posted.low;
        assert_int_equal(after - before, transfer[0].amount.low);
    }
    struct list list = {.rig = rig, .of = filter, .kind = BALANCES_LIST, .most = 100};
    for (uint32_t limit = 1; limit < 5; limit++)
        all_pages(list, limit, page.count);
    turn_around(page.count);
    list.of.flags = MR_LEDGER_FILTER_REVERSED;
    for (uint32_t limit = 1; limit < 5; limit++)
        all_pages(list, limit, page.count);
}

static void a_side_and_a_code_choose_balances_by_their_transfer(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_row_balance rows[4];
    ACCOUNT_GETS(rig, ledger_new_account(8, MR_LEDGER_ACCOUNT_HISTORY), MR_LEDGER_CREATED);
    MAKES(rig, ledger_plain(1, 8, 1, 5));
    MAKES(rig, ledger_plain(2, 1, 8, 3));
    struct mr_ledger_transfer coded = ledger_plain(3, 8, 1, 7);
    coded.code = 77;
    MAKES(rig, coded);
    struct mr_ledger_account_filter filter = {.account_id = ID(8),
                                              .flags = MR_LEDGER_FILTER_DEBITS};
    assert_int_equal(mr_ledger_account_balances_query(rig->ledger, &filter, rows, 4).count, 2);
    assert_int_equal(rows[0].debits_posted.low, 5);
    assert_int_equal(rows[1].debits_posted.low, 12);
    filter.code = 77;
    assert_int_equal(mr_ledger_account_balances_query(rig->ledger, &filter, rows, 4).count, 1);
    assert_int_equal(rows[0].credits_posted.low, 3);
    filter.flags = MR_LEDGER_FILTER_CREDITS;
    assert_int_equal(mr_ledger_account_balances_query(rig->ledger, &filter, rows, 4).count, 0);
}

/* -- What cannot be asked. --------------------------------------------------------------------- */

static void filters_that_cannot_be(void **state)
{
    struct ledger_rig *rig = *state;
    const struct mr_ledger_query_filter queries[] = {
        {.timestamp_min = 2, .timestamp_max = 1},
        {.timestamp_min = UINT64_MAX},
        {.timestamp_max = UINT64_MAX},
        {.flags = MR_LEDGER_FILTER_DEBITS},
        {.flags = MR_LEDGER_FILTER_CREDITS},
        {.flags = 8},
        {.flags = 0x8000},
    };
    const struct mr_ledger_account_filter accounts[] = {
        {.account_id = ID(0)},
        {.account_id = mr_u128_max()},
        {.account_id = ID(1), .timestamp_min = 2, .timestamp_max = 1},
        {.account_id = ID(1), .timestamp_min = UINT64_MAX},
        {.account_id = ID(1), .timestamp_max = UINT64_MAX},
        {.account_id = ID(1), .flags = 8},
        {.account_id = ID(1), .padding = {1}},
        {.account_id = ID(99), .flags = 8}, /* before it is looked for */
    };
    struct mr_ledger_account account;
    struct mr_ledger_row_transfer transfer;
    struct mr_ledger_row_balance balance;
    for (uint32_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_int_equal(mr_ledger_accounts_query(rig->ledger, &queries[i], &account, 1).reason,
                         MR_LEDGER_BAD_FILTER);
        assert_int_equal(mr_ledger_transfers_query(rig->ledger, &queries[i], &transfer, 1).reason,
                         MR_LEDGER_BAD_FILTER);
    }
    for (uint32_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        const struct mr_ledger_account_filter *filter = &accounts[i];
        assert_int_equal(
            mr_ledger_account_transfers_query(rig->ledger, filter, &transfer, 1).reason,
            MR_LEDGER_BAD_FILTER);
        assert_int_equal(mr_ledger_account_balances_query(rig->ledger, filter, &balance, 1).reason,
                         MR_LEDGER_BAD_FILTER);
    }
    struct mr_ledger_account_filter good = {.account_id = ID(1)};
    assert_int_equal(mr_ledger_account_transfers_query(rig->ledger, &good, &transfer, 0).reason,
                     MR_LEDGER_BAD_FILTER); /* no limit */
    assert_int_equal(mr_ledger_account_balances_query(rig->ledger, &good, &balance, 1).reason,
                     MR_REASON_NOT_FOUND); /* it has no history */
    good.account_id = ID(99);
    assert_int_equal(mr_ledger_account_transfers_query(rig->ledger, &good, &transfer, 1).reason,
                     MR_REASON_NOT_FOUND);
}

static void an_empty_ledger_has_nothing_to_list(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_row_transfer row;
    for (uint32_t i = 0; i < 6; i++) {
        uint16_t flags = i % 2 == 0 ? 0 : MR_LEDGER_FILTER_REVERSED;
        uint64_t time = i / 2;
        struct mr_ledger_query_filter all = {
            .timestamp_min = time, .timestamp_max = time * 2, .flags = flags};
        struct mr_ledger_account_filter of = {
            .account_id = ID(1), .timestamp_min = time, .timestamp_max = time * 2, .flags = flags};
        struct mr_ledger_page page = mr_ledger_transfers_query(rig->ledger, &all, &row, 1);
        assert_true(page.count == 0 && page.next == 0 && page.reason == 0);
        page = mr_ledger_account_transfers_query(rig->ledger, &of, &row, 1);
        assert_true(page.count == 0 && page.next == 0 && page.reason == 0);
    }
}

/* -- One of it. -------------------------------------------------------------------------------- */

static void accounts_and_transfers_are_found_by_their_ids(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_account account;
    struct mr_ledger_transfer transfer;
    enum mr_ledger_state told;
    MAKES(rig, ledger_pend(5, 1, 2, 9, 0));
    GETS(rig, ledger_plain(6, 1, 99, 9), MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND);
    assert_true(mr_ledger_account_get(rig->ledger, ID(2), &account));
    assert_int_equal(account.credits_pending.low, 9);
    assert_false(mr_ledger_account_get(rig->ledger, ID(99), &account));
    assert_true(mr_ledger_account_at(rig->ledger, 3, &account));
    assert_int_equal(account.id.low, 4);
    assert_false(mr_ledger_account_at(rig->ledger, 4, &account));
    assert_true(mr_ledger_transfer_get(rig->ledger, ID(5), &transfer, &told));
    assert_int_equal(told, MR_LEDGER_STATE_PENDING);
    assert_false(mr_ledger_transfer_get(rig->ledger, ID(6), &transfer, &told)); /* it failed */
    assert_false(mr_ledger_transfer_get(rig->ledger, ID(7), &transfer, NULL));
    struct mr_ledger_totals totals = mr_ledger_totals_get(rig->ledger);
    assert_int_equal(totals.accounts, 4);
    assert_int_equal(totals.ledgers, 1);
    assert_int_equal(totals.transfers, 1);
    assert_int_equal(totals.remembered, 2);
    assert_int_equal(totals.pending, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKEN(lists_are_what_looking_at_everything_finds),
        SCENARIO(so_they_are_where_ordinals_begin_anew),
        SCENARIO(a_filter_by_each_field),
        SCENARIO(the_filters_own_limit_counts_where_it_is_less),
        BROKEN(balances_are_those_after_each_transfer),
        SCENARIO(a_side_and_a_code_choose_balances_by_their_transfer),
        SCENARIO(filters_that_cannot_be),
        SCENARIO(an_empty_ledger_has_nothing_to_list),
        SCENARIO(accounts_and_transfers_are_found_by_their_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
