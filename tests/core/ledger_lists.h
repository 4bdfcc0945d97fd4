/*
 * Lists of accounts, transfers and balances, page by page, next to what looking at everything
 * finds.
 */
#ifndef MR_TESTS_CORE_LEDGER_LISTS_H
#define MR_TESTS_CORE_LEDGER_LISTS_H

#include "tests/core/ledger_rig.h"

#include <millrace/ledger_queries.h>

enum { LIST_MAX = 40000, PAGE_MAX = 512 };

/* -- What looking at everything finds. --------------------------------------------------------- */

static inline bool fits(struct mr_u128 asked_128, uint64_t asked_64, uint64_t asked_32,
                        uint64_t code, const struct mr_ledger_transfer *transfer)
{
    return (mr_u128_is_zero(asked_128) || mr_u128_equal(asked_128, transfer->user_data_128)) &&
           (asked_64 == 0 || asked_64 == transfer->user_data_64) &&
           (asked_32 == 0 || asked_32 == transfer->user_data_32) &&
           (code == 0 || code == transfer->code);
}

static inline bool is_within(uint64_t timestamp, uint64_t min, uint64_t max)
{
    return timestamp >= min && (max == 0 || timestamp <= max);
}

static inline bool fits_query(const struct mr_ledger_query_filter *filter,
                              const struct mr_ledger_transfer *transfer)
{
    return fits(filter->user_data_128, filter->user_data_64, filter->user_data_32, filter->code,
                transfer) &&
           (filter->ledger == 0 || filter->ledger == transfer->ledger) &&
           is_within(transfer->timestamp, filter->timestamp_min, filter->timestamp_max);
}

static inline bool fits_account(const struct mr_ledger_account_filter *filter,
                                const struct mr_ledger_transfer *transfer)
{
    bool both = (filter->flags & 3) == 0 || (filter->flags & 3) == 3;
    bool debit = mr_u128_equal(filter->account_id, transfer->debit_account_id);
    bool credit = mr_u128_equal(filter->account_id, transfer->credit_account_id);
    bool side = (debit && (both || (filter->flags & MR_LEDGER_FILTER_DEBITS) != 0)) ||
                (credit && (both || (filter->flags & MR_LEDGER_FILTER_CREDITS) != 0));
    return side &&
           fits(filter->user_data_128, filter->user_data_64, filter->user_data_32, filter->code,
                transfer) &&
           is_within(transfer->timestamp, filter->timestamp_min, filter->timestamp_max);
}

static uint64_t all_times[LIST_MAX]; /* timestamps of what has to be found, in its order */

static inline void turn_around(uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        uint64_t time = all_times[i];
        all_times[i] = all_times[count - 1 - i];
        all_times[count - 1 - i] = time;
    }
}

/* The transfer of the window of that age; false: it failed. */
static inline bool at_age(const struct mr_ledger *ledger, uint32_t age,
                          struct mr_ledger_transfer *out)
{
    const struct ledger_transfer *transfer =
        ledger_transfer(ledger, ledger_ordinal_before(ledger->newest, age));
    if ((transfer->marks & LEDGER_FAILED) != 0)
        return false;
    mr_ledger_transfer_tell(ledger, transfer, out);
    return true;
}

/* Of one account (`of`), or of all (`all`); the other one is NULL. */
static inline uint32_t expect(const struct ledger_rig *rig,
                              const struct mr_ledger_account_filter *of,
                              const struct mr_ledger_query_filter *all)
{
    struct mr_ledger_transfer transfer;
    uint32_t count = 0, flags = of != NULL ? of->flags : all != NULL ? all->flags : 0;
    for (uint32_t age = rig->ledger->count; age-- > 0;)
        if (at_age(rig->ledger, age, &transfer) &&
            (of != NULL ? fits_account(of, &transfer) : fits_query(all, &transfer)))
            all_times[count++] = transfer.timestamp;
    if ((flags & MR_LEDGER_FILTER_REVERSED) != 0)
        turn_around(count);
    return count;
}

/* -- What the pages say. ----------------------------------------------------------------------- */

/* A list that is asked for, page by page. */
struct list {
    const struct ledger_rig *rig;
    struct mr_ledger_query_filter all;
    struct mr_ledger_account_filter of;
    enum { ACCOUNTS_LIST, TRANSFERS_LIST, OF_ACCOUNT, BALANCES_LIST } kind;
    uint32_t pages;           /* so far */
    uint32_t found;           /* so far */
    uint32_t most;            /* pages that it may take */
    uint64_t times[PAGE_MAX]; /* of the last page */
};

static inline bool is_of_one(const struct list *list)
{
    return list->kind == OF_ACCOUNT || list->kind == BALANCES_LIST;
}

static inline struct mr_ledger_page ask_accounts(struct list *list, uint32_t limit)
{
    static struct mr_ledger_account rows[PAGE_MAX];
    struct mr_ledger_page page =
        mr_ledger_accounts_query(list->rig->ledger, &list->all, rows, limit);
    for (uint32_t i = 0; i < page.count; i++)
        list->times[i] = rows[i].timestamp;
    return page;
}

static inline struct mr_ledger_page ask_transfers(struct list *list, uint32_t limit)
{
    static struct mr_ledger_row_transfer rows[PAGE_MAX];
    const struct mr_ledger *ledger = list->rig->ledger;
    struct mr_ledger_page page =
        list->kind == OF_ACCOUNT ? mr_ledger_account_transfers_query(ledger, &list->of, rows, limit)
                                 : mr_ledger_transfers_query(ledger, &list->all, rows, limit);
    for (uint32_t i = 0; i < page.count; i++) {
        struct mr_ledger_transfer transfer;
        enum mr_ledger_state state;
        assert_true(mr_ledger_transfer_get(ledger, rows[i].id, &transfer, &state));
        assert_memory_equal(&rows[i], &transfer, sizeof transfer);
        assert_int_equal(rows[i].state, state);
        list->times[i] = rows[i].timestamp;
    }
    return page;
}

static inline struct mr_ledger_page ask_balances(struct list *list, uint32_t limit)
{
    static struct mr_ledger_row_balance rows[PAGE_MAX];
    struct mr_ledger_page page =
        mr_ledger_account_balances_query(list->rig->ledger, &list->of, rows, limit);
    for (uint32_t i = 0; i < page.count; i++)
        list->times[i] = rows[i].timestamp;
    return page;
}

/* Asks for the next page, and goes on: false, that was the last one. Whatever was asked for before
 * is behind. */
static inline bool turn_page(struct list *list, uint32_t limit, struct mr_ledger_page *page)
{
    bool reversed = ((list->all.flags | list->of.flags) & MR_LEDGER_FILTER_REVERSED) != 0;
    uint64_t *cursor = is_of_one(list)
                           ? (reversed ? &list->of.timestamp_max : &list->of.timestamp_min)
                           : (reversed ? &list->all.timestamp_max : &list->all.timestamp_min);
    *page = list->kind == ACCOUNTS_LIST   ? ask_accounts(list, limit)
            : list->kind == BALANCES_LIST ? ask_balances(list, limit)
                                          : ask_transfers(list, limit);
    assert_int_equal(page->reason, 0);
    assert_true(page->count <= limit);
    assert_true(list->pages++ < list->most);
    list->found += page->count;
    if (page->next == 0)
        return false;
    if (reversed)
        assert_true(*cursor == 0 || page->next < *cursor);
    else
        assert_true(page->next > *cursor);
    *cursor = page->next;
    return true;
}

/* All pages together are `count` of all_times, in their order. */
static inline void all_pages(struct list list, uint32_t limit, uint32_t count)
{
    struct mr_ledger_page page;
    bool more = true;
    uint32_t seen = 0;
    while (more) {
        more = turn_page(&list, limit, &page);
        assert_true(page.count <= count - seen);
        assert_memory_equal(list.times, all_times + seen, page.count * sizeof list.times[0]);
        seen += page.count;
    }
    assert_int_equal(seen, count);
}

static inline void compare_of(const struct ledger_rig *rig, struct mr_ledger_account_filter filter,
                              uint32_t limit)
{
    uint32_t count = expect(rig, &filter, NULL);
    all_pages((struct list){.rig = rig, .of = filter, .kind = OF_ACCOUNT, .most = count + 50},
              limit, count);
}

static inline void compare_all(const struct ledger_rig *rig, struct mr_ledger_query_filter filter,
                               uint32_t limit)
{
    uint32_t count = expect(rig, NULL, &filter);
    all_pages((struct list){.rig = rig, .all = filter, .kind = TRANSFERS_LIST, .most = count + 50},
              limit, count);
}

#endif
