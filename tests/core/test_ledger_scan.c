/*
 * How much of a large window a list looks at in one call, and that it comes to its end all the
 * same: where accounts are busy, or hardly used, and where transfers have failed.
 */
#include "tests/core/ledger_lists.h"

#include "core/ledger/scan.h"

enum { LARGE = 20000, SPARSE = 1, BUSY = 2, CROWD = 3, CROWD_END = 60 };

/* -- A large window. --------------------------------------------------------------------------- */

struct filler {
    struct ledger_rig *rig;
    uint64_t id; /* of the last transfer */
    uint32_t count;
    struct mr_ledger_transfer events[LEDGER_BATCH_MAX];
};

static struct filler filler;

static void send(void)
{
    if (filler.count > 0)
        ledger_request(filler.rig, filler.events, filler.count);
    filler.count = 0;
}

static void add(uint64_t debit, uint64_t credit)
{
    filler.events[filler.count++] = ledger_plain(++filler.id, debit, credit, 1);
    if (filler.count == LEDGER_BATCH_MAX)
        send();
}

/* Transfers of the crowd among itself. */
static void add_others(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        add(CROWD + i % 50, CROWD + 1 + i % 50);
}

static int open_large(void **state)
{
    static struct ledger_rig rig;
    struct mr_ledger_config config = ledger_config();
    config.transfers_max = LARGE;
    ledger_open(&rig, &config);
    filler = (struct filler){.rig = &rig};
    ledger_make_accounts(&rig, CROWD_END);
    *state = &rig;
    return 0;
}

/* Full, and some of it has left: every fifth transfer is the busy account's, on either side. */
static int open_full(void **state)
{
    (void)open_large(state);
    for (uint32_t i = 0; i < LARGE + 3000; i++) {
        if (i % 10 == 0)
            add(BUSY, CROWD + i / 10 % 50);
        else if (i % 10 == 5)
            add(CROWD + i / 10 % 50, BUSY);
        else if (i == 6001 || i == 12001 || i == 18001)
            add(SPARSE, CROWD);
        else
            add(CROWD + i % 20, CROWD + 20 + i % 20);
    }
    send();
    return 0;
}

#define LARGE_TEST(name) cmocka_unit_test_setup_teardown(name, open_large, ledger_close_plain)
#define FULL_TEST(name)  cmocka_unit_test_setup_teardown(name, open_full, ledger_close_plain)

static uint64_t time_at(const struct ledger_rig *rig, uint32_t place)
{
    const struct mr_ledger *ledger = rig->ledger;
    uint32_t oldest = ledger_oldest(ledger);
    return ledger_transfer(ledger, ledger_ordinal_after(oldest + place - 1))->timestamp;
}

/* -- All transfers. ---------------------------------------------------------------------------- */

static void a_call_looks_at_so_many_transfers_and_says_where_to_go_on(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_row_transfer row;
    struct mr_ledger_query_filter none = {.code = 999};
    for (uint32_t place = 0; place < LARGE; place += MR_LEDGER_SCAN_MAX) {
        struct mr_ledger_page page = mr_ledger_transfers_query(rig->ledger, &none, &row, 1);
        assert_int_equal(page.count, 0);
        bool is_end = place + MR_LEDGER_SCAN_MAX >= LARGE;
        assert_int_equal(page.next, is_end ? 0 : time_at(rig, place + MR_LEDGER_SCAN_MAX));
        none.timestamp_min = page.next;
    }
    none = (struct mr_ledger_query_filter){.code = 999, .flags = MR_LEDGER_FILTER_REVERSED};
    for (uint32_t place = LARGE; place > MR_LEDGER_SCAN_MAX; place -= MR_LEDGER_SCAN_MAX) {
        struct mr_ledger_page page = mr_ledger_transfers_query(rig->ledger, &none, &row, 1);
        assert_int_equal(page.next, time_at(rig, place - 1 - MR_LEDGER_SCAN_MAX));
        none.timestamp_max = page.next;
    }
    assert_int_equal(mr_ledger_transfers_query(rig->ledger, &none, &row, 1).next, 0);
}

/* What is the last that may be looked at is still found. */
static void what_is_beyond_the_end_is_not_gone_on_to(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_row_transfer row;
    struct mr_ledger_query_filter none = {.code = 999, .timestamp_min = time_at(rig, 100)};
    none.timestamp_max = time_at(rig, 100 + MR_LEDGER_SCAN_MAX - 1);
    assert_int_equal(mr_ledger_transfers_query(rig->ledger, &none, &row, 1).next, 0);
    none.timestamp_max++;
    assert_int_equal(mr_ledger_transfers_query(rig->ledger, &none, &row, 1).next,
                     time_at(rig, 100 + MR_LEDGER_SCAN_MAX));
    none.flags = MR_LEDGER_FILTER_REVERSED;
    assert_int_equal(mr_ledger_transfers_query(rig->ledger, &none, &row, 1).next,
                     time_at(rig, 100));
    none.timestamp_min++;
    assert_int_equal(mr_ledger_transfers_query(rig->ledger, &none, &row, 1).next, 0);
}

/* -- Of one account. --------------------------------------------------------------------------- */

static void pages_of(const struct ledger_rig *rig, struct mr_ledger_account_filter filter,
                     uint32_t limit, uint32_t most)
{
    uint32_t count = expect(rig, &filter, NULL);
    all_pages((struct list){.rig = rig, .of = filter, .kind = OF_ACCOUNT, .most = most}, limit,
              count);
}

/* From anywhere in the window, in either direction, with hardly more pages than its rows need. */
static void a_busy_accounts_transfers_come_from_anywhere(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint32_t place = 0; place < LARGE; place += 1501)
        for (uint16_t flags = 0; flags < 8; flags++) {
            struct mr_ledger_account_filter filter = {.account_id = ID(BUSY), .flags = flags};
            bool reversed = (flags & MR_LEDGER_FILTER_REVERSED) != 0;
            *(reversed ? &filter.timestamp_max : &filter.timestamp_min) = time_at(rig, place);
            pages_of(rig, filter, PAGE_MAX, 12);
        }
}

static void a_sparse_accounts_transfers_are_found_at_once(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint32_t place = 0; place < LARGE; place += 1501)
        for (uint16_t flags = 0; flags < 8; flags++) {
            struct mr_ledger_account_filter filter = {.account_id = ID(SPARSE), .flags = flags};
            filter.timestamp_min = time_at(rig, place);
            pages_of(rig, filter, PAGE_MAX, 1);
            filter.timestamp_max = time_at(rig, LARGE - 1 - place / 2);
            if (filter.timestamp_min <= filter.timestamp_max)
                pages_of(rig, filter, PAGE_MAX, 1);
        }
}

/* Where it goes on is the next one's own timestamp, so that it is found at once, however far away
 * it is. */
static void a_sparse_account_goes_on_with_its_next_transfer(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_row_transfer rows[3], row;
    struct mr_ledger_account_filter filter = {.account_id = ID(SPARSE)};
    assert_int_equal(mr_ledger_account_transfers_query(rig->ledger, &filter, rows, 3).count, 3);
    for (uint32_t i = 0; i < 2; i++) {
        struct mr_ledger_page page =
            mr_ledger_account_transfers_query(rig->ledger, &filter, &row, 1);
        assert_memory_equal(&row, &rows[i], sizeof row);
        assert_int_equal(page.next, rows[i + 1].timestamp);
        filter.timestamp_min = page.next;
    }
    filter = (struct mr_ledger_account_filter){.account_id = ID(SPARSE),
                                               .flags = MR_LEDGER_FILTER_REVERSED};
    assert_int_equal(mr_ledger_account_transfers_query(rig->ledger, &filter, &row, 1).next,
                     rows[1].timestamp);
}

static void a_call_looks_at_so_many_of_one_accounts(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_row_transfer row;
    add_others(5000);
    for (uint32_t i = 0; i < 9000; i++)
        add(BUSY, CROWD + i % 50);
    send();
    struct mr_ledger_account_filter none = {
        .account_id = ID(BUSY), .code = 999, .flags = MR_LEDGER_FILTER_REVERSED};
    struct mr_ledger_page page = mr_ledger_account_transfers_query(rig->ledger, &none, &row, 1);
    assert_int_equal(page.count, 0);
    assert_int_equal(page.next, time_at(rig, 14000 - 1 - MR_LEDGER_SCAN_MAX));
    none.flags = 0; /* where it begins is looked for first, in two ways and in vain */
    page = mr_ledger_account_transfers_query(rig->ledger, &none, &row, 1);
    const uint32_t left = MR_LEDGER_SCAN_MAX - LEDGER_SCAN_NEAR - LEDGER_SCAN_BACK;
    assert_int_equal(page.next, time_at(rig, left));
    none.timestamp_min = time_at(rig, 5000 - LEDGER_SCAN_NEAR);
    page = mr_ledger_account_transfers_query(rig->ledger, &none, &row, 1);
    assert_int_equal(page.next, time_at(rig, 5000 - LEDGER_SCAN_NEAR + left));
}

/* Too many to walk back to the first one, and that lies far behind where it is looked for. */
static void an_account_that_began_late_is_found_in_the_end(void **state)
{
    struct ledger_rig *rig = *state;
    add_others(11000);
    for (uint32_t i = 0; i < LEDGER_SCAN_BACK + 500; i++)
        add(BUSY, CROWD);
    add_others(LARGE - 11000 - LEDGER_SCAN_BACK - 500);
    send();
    pages_of(rig, (struct mr_ledger_account_filter){.account_id = ID(BUSY)}, PAGE_MAX, 13);
    pages_of(rig,
             (struct mr_ledger_account_filter){.account_id = ID(BUSY),
                                               .flags = MR_LEDGER_FILTER_REVERSED,
                                               .timestamp_max = time_at(rig, 12000)},
             PAGE_MAX, 4);
    pages_of(rig,
             (struct mr_ledger_account_filter){.account_id = ID(BUSY),
                                               .timestamp_max = time_at(rig, 9000)},
             PAGE_MAX, 6);
}

/* -- While the window moves. ------------------------------------------------------------------- */

/* What leaves it between two pages is left out, what comes is found, and nothing comes twice. */
static void the_window_moves_between_pages(void **state)
{
    struct ledger_rig *rig = *state;
    struct list lists[] = {
        {.rig = rig, .kind = TRANSFERS_LIST, .most = 400},
        {.rig = rig, .kind = OF_ACCOUNT, .of = {.account_id = ID(BUSY)}, .most = 400},
        {.rig = rig,
         .kind = TRANSFERS_LIST,
         .all = {.flags = MR_LEDGER_FILTER_REVERSED},
         .most = 400},
        {.rig = rig,
         .kind = OF_ACCOUNT,
         .of = {.account_id = ID(BUSY), .flags = MR_LEDGER_FILTER_REVERSED},
         .most = 400},
    };
    for (uint32_t i = 0; i < 4; i++) {
        struct mr_ledger_page page;
        uint64_t last = 0;
        uint64_t end = mr_ledger_totals_get(rig->ledger).time_ns;
        while (turn_page(&lists[i], 100, &page)) {
            bool reversed = i >= 2;
            for (uint32_t row = 0; row < page.count; row++) {
                uint64_t time = lists[i].times[row];
                assert_true(last == 0 || (reversed ? time < last : time > last));
                last = time;
            }
            if (mr_ledger_totals_get(rig->ledger).time_ns < end + 6000) {
                for (uint32_t k = 0; k < 75; k++) {
                    add_others(1);
                    add(k % 2 == 0 ? BUSY : CROWD, k % 2 == 0 ? CROWD : BUSY);
                }
                send();
            }
        }
        if (i < 2) /* rows of the end, too */
            assert_int_equal(lists[i].times[page.count - 1], rig->ledger->transfer_time);
    }
}

/* -- Transfers that failed. -------------------------------------------------------------------- */

/* More of them, one after another, than a call looks at: all with one timestamp. */
static void a_long_run_of_failed_ones_is_passed(void **state)
{
    struct ledger_rig *rig = *state;
    add_others(100);
    add(BUSY, CROWD);
    for (uint32_t i = 0; i < 3 * MR_LEDGER_SCAN_MAX; i++)
        add(BUSY, 999); /* there is no such account */
    add(BUSY, CROWD);
    add_others(100);
    send();
    assert_int_equal(rig->ledger->count, 202 + 3 * MR_LEDGER_SCAN_MAX);
    for (uint32_t limit = 1; limit < 120; limit += 17)
        for (uint16_t flags = 0; flags < 8; flags += MR_LEDGER_FILTER_REVERSED) {
            struct mr_ledger_query_filter all = {.flags = flags};
            uint32_t count = expect(rig, NULL, &all);
            assert_int_equal(count, 202);
            all_pages(
                (struct list){
                    .rig = rig, .all = all, .kind = TRANSFERS_LIST, .most = 206 / limit + 6},
                limit, count);
            pages_of(rig, (struct mr_ledger_account_filter){.account_id = ID(BUSY), .flags = flags},
                     limit, 2);
        }
    /* From within: it begins there, or with what comes next. */
    struct mr_ledger_row_transfer row;
    struct mr_ledger_query_filter all = {.timestamp_min = time_at(rig, 100)};
    all.timestamp_max = all.timestamp_min;
    struct mr_ledger_page page = mr_ledger_transfers_query(rig->ledger, &all, &row, 1);
    assert_true(page.count == 1 && page.next == 0);
    assert_int_equal(row.timestamp, all.timestamp_min);
    all.flags = MR_LEDGER_FILTER_REVERSED;
    page = mr_ledger_transfers_query(rig->ledger, &all, &row, 1);
    assert_true(page.count == 1 && page.next == 0);
}

static void nothing_but_failed_ones_is_nothing_and_is_gone_on_from(void **state)
{
    struct ledger_rig *rig = *state;
    for (uint32_t i = 0; i < MR_LEDGER_SCAN_MAX + 10; i++)
        add(BUSY, 999);
    send();
    for (uint16_t flags = 0; flags < 8; flags += MR_LEDGER_FILTER_REVERSED) {
        all_pages(
            (struct list){.rig = rig, .all = {.flags = flags}, .kind = TRANSFERS_LIST, .most = 2},
            5, 0);
        pages_of(rig, (struct mr_ledger_account_filter){.account_id = ID(BUSY), .flags = flags}, 5,
                 2);
    }
    add(BUSY, CROWD); /* behind them all, whose timestamps are 0 */
    send();
    struct mr_ledger_query_filter all = {.flags = 0};
    uint32_t count = expect(rig, NULL, &all);
    assert_int_equal(count, 1);
    all_pages((struct list){.rig = rig, .all = all, .kind = TRANSFERS_LIST, .most = 3}, 5, count);
}

/* -- Accounts. --------------------------------------------------------------------------------- */

enum { MANY = 9000 };

static void make_many(struct ledger_rig *rig)
{
    static struct mr_ledger_account events[LEDGER_BATCH_MAX];
    for (uint64_t id = 1; id <= MANY;) {
        uint32_t count = 0;
        for (; count < LEDGER_BATCH_MAX && id <= MANY; id++) {
            events[count] = ledger_new_account(id, 0);
            events[count].user_data_128 = ID(id % 2);
            events[count].user_data_64 = id % 3;
            events[count].user_data_32 = (uint32_t)(id % 5);
            events[count].code = (uint16_t)(1 + id % 7);
            events[count++].ledger = 1 + (uint32_t)id / 1000;
        }
        ledger_accounts_request(rig, events, count);
        rig->time_ns += SECOND;
    }
}

static bool account_fits(const struct mr_ledger_query_filter *filter,
                         const struct mr_ledger_account *account)
{
    const struct mr_ledger_transfer same = {.user_data_128 = account->user_data_128,
                                            .user_data_64 = account->user_data_64,
                                            .user_data_32 = account->user_data_32,
                                            .ledger = account->ledger,
                                            .code = account->code,
                                            .timestamp = account->timestamp};
    return fits_query(filter, &same);
}

static void compare_accounts(const struct ledger_rig *rig, struct mr_ledger_query_filter filter,
                             uint32_t limit, uint32_t most)
{
    struct mr_ledger_account account;
    uint32_t count = 0;
    for (uint32_t i = 0; mr_ledger_account_at(rig->ledger, i, &account); i++)
        if (account_fits(&filter, &account))
            all_times[count++] = account.timestamp;
    if ((filter.flags & MR_LEDGER_FILTER_REVERSED) != 0)
        turn_around(count);
    all_pages((struct list){.rig = rig, .all = filter, .kind = ACCOUNTS_LIST, .most = most}, limit,
              count);
}

static void accounts_by_each_field_from_anywhere(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_config config = ledger_config();
    struct mr_ledger_account account;
    ledger_close(rig);
    config.accounts_max = MANY;
    config.ledgers_max = 10;
    ledger_open(rig, &config);
    make_many(rig);
    for (uint32_t i = 0; i < 64; i++) {
        struct mr_ledger_query_filter filter = {
            .user_data_128 = ID((i & 1) != 0 ? 1 : 0),
            .user_data_64 = (i & 2) != 0 ? 2 : 0,
            .user_data_32 = (i & 4) != 0 ? 3 : 0,
            .ledger = (i & 8) != 0 ? 9 : 0,
            .code = (i & 16) != 0 ? 4 : 0,
            .flags = (i & 32) != 0 ? MR_LEDGER_FILTER_REVERSED : 0,
        };
        compare_accounts(rig, filter, PAGE_MAX, 21);
        assert_true(mr_ledger_account_at(rig->ledger, 141 * i, &account));
        filter.timestamp_min = account.timestamp + i % 3 - 1;
        compare_accounts(rig, filter, PAGE_MAX, 21);
        filter.timestamp_max = filter.timestamp_min + 2000;
        compare_accounts(rig, filter, 7, 300);
        filter.timestamp_min = 0;
        compare_accounts(rig, filter, PAGE_MAX, 21);
    }
}

static void no_account_is_newer_than_the_last_or_older_than_the_first(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_account account;
    assert_true(mr_ledger_account_at(rig->ledger, CROWD_END - 1, &account));
    for (uint16_t flags = 0; flags < 8; flags += MR_LEDGER_FILTER_REVERSED) {
        compare_accounts(
            rig,
            (struct mr_ledger_query_filter){.timestamp_min = account.timestamp + 1, .flags = flags},
            5, 1);
        compare_accounts(
            rig, (struct mr_ledger_query_filter){.timestamp_max = START - 1, .flags = flags}, 5, 1);
        compare_accounts(rig,
                         (struct mr_ledger_query_filter){.timestamp_min = account.timestamp,
                                                         .timestamp_max = account.timestamp,
                                                         .flags = flags},
                         5, 1);
    }
}

static void a_call_looks_at_so_many_accounts(void **state)
{
    struct ledger_rig *rig = *state;
    struct mr_ledger_config config = ledger_config();
    struct mr_ledger_account account, row;
    ledger_close(rig);
    config.accounts_max = MANY;
    config.ledgers_max = 10;
    ledger_open(rig, &config);
    make_many(rig);
    struct mr_ledger_query_filter none = {.code = 999};
    assert_true(mr_ledger_account_at(rig->ledger, MR_LEDGER_SCAN_MAX, &account));
    assert_int_equal(mr_ledger_accounts_query(rig->ledger, &none, &row, 1).next, account.timestamp);
    none.flags = MR_LEDGER_FILTER_REVERSED;
    assert_true(mr_ledger_account_at(rig->ledger, MANY - 1 - MR_LEDGER_SCAN_MAX, &account));
    assert_int_equal(mr_ledger_accounts_query(rig->ledger, &none, &row, 1).next, account.timestamp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FULL_TEST(a_call_looks_at_so_many_transfers_and_says_where_to_go_on),
        FULL_TEST(what_is_beyond_the_end_is_not_gone_on_to),
        FULL_TEST(a_busy_accounts_transfers_come_from_anywhere),
        FULL_TEST(a_sparse_accounts_transfers_are_found_at_once),
        FULL_TEST(a_sparse_account_goes_on_with_its_next_transfer),
        LARGE_TEST(a_call_looks_at_so_many_of_one_accounts),
        LARGE_TEST(an_account_that_began_late_is_found_in_the_end),
        FULL_TEST(the_window_moves_between_pages),
        LARGE_TEST(a_long_run_of_failed_ones_is_passed),
        LARGE_TEST(nothing_but_failed_ones_is_nothing_and_is_gone_on_from),
        LARGE_TEST(accounts_by_each_field_from_anywhere),
        LARGE_TEST(no_account_is_newer_than_the_last_or_older_than_the_first),
        LARGE_TEST(a_call_looks_at_so_many_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
