/* What the ledger and the naive one answer when they are asked. */
#include "tests/core/ledger_pair.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS = 4, ROW_MAX = sizeof(struct mr_ledger_row_transfer), PAGE_ROWS_MAX = 12 };

/* A list that is asked for, by a filter of one of two kinds. */
struct asked {
    uint16_t type; /* enum mr_ledger_query */
    size_t row_size;
    union {
        struct mr_ledger_query_filter query;
        struct mr_ledger_account_filter account;
    } filter;
};

static bool is_of_account(const struct asked *asked)
{
    return asked->type == MR_LEDGER_QUERY_ACCOUNT_TRANSFERS ||
           asked->type == MR_LEDGER_QUERY_ACCOUNT_BALANCES;
}

/* -- Making one up. ---------------------------------------------------------------------------- */

static uint64_t pick(struct mr_random *random, uint64_t bound)
{
    return mr_random_below(random, bound);
}

/* A timestamp that something has, or is near to; often none. */
static uint64_t some_time(struct mr_random *random, const struct naive_ledger *naive)
{
    const struct naive_list *window = &naive->now.window;
    uint64_t near = pick(random, 3);
    uint64_t which = pick(random, 4);
    uint64_t place = mr_random_u64(random);
    if (which == 0 && window->end > window->first) {
        uint32_t at = window->first + (uint32_t)(place % (window->end - window->first));
        return window->at[at].record.timestamp + near - 1;
    }
    if (which == 1 && naive->now.account_count > 0)
        return naive->now.accounts[place % naive->now.account_count].timestamp + near - 1;
    return 0;
}

static struct mr_u128 some_account(struct mr_random *random, const struct naive_ledger *naive)
{
    uint32_t count = naive->now.account_count;
    uint64_t at = pick(random, count + 1U);
    return at < count ? naive->now.accounts[at].id : mr_u128_of(0, 12345);
}

/* Mostly none, else a small number, as tests use them. */
static uint64_t some_data(struct mr_random *random)
{
    uint64_t data = pick(random, 3);
    return pick(random, 4) == 0 ? data : 0;
}

static void fill_account_filter(struct mr_random *random, const struct naive_ledger *naive,
                                struct mr_ledger_account_filter *filter)
{
    filter->account_id = some_account(random, naive);
    filter->user_data_128.low = some_data(random);
    filter->user_data_64 = some_data(random);
    filter->user_data_32 = (uint32_t)some_data(random);
    filter->code = (uint16_t)some_data(random);
    filter->timestamp_min = some_time(random, naive);
    filter->timestamp_max = some_time(random, naive);
    filter->limit = (uint32_t)pick(random, 8);
    filter->flags = (uint16_t)pick(random, pick(random, 30) == 0 ? 16 : 8);
}

static void fill_query_filter(struct mr_random *random, const struct naive_ledger *naive,
                              struct mr_ledger_query_filter *filter)
{
    bool reversed = pick(random, 2) == 0;
    filter->user_data_128.low = some_data(random);
    filter->user_data_64 = some_data(random);
    filter->user_data_32 = (uint32_t)some_data(random);
    filter->ledger = (uint32_t)some_data(random);
    filter->code = (uint16_t)some_data(random);
    filter->timestamp_min = some_time(random, naive);
    filter->timestamp_max = some_time(random, naive);
    filter->limit = (uint32_t)pick(random, 8);
    filter->flags = reversed ? MR_LEDGER_FILTER_REVERSED : 0;
    if (pick(random, 30) == 0)
        filter->flags = (uint16_t)pick(random, 16);
}

static void make_up(struct mr_random *random, const struct naive_ledger *naive, struct asked *asked)
{
    static const size_t sizes[KINDS] = {
        sizeof(struct mr_ledger_account), sizeof(struct mr_ledger_row_transfer),
        sizeof(struct mr_ledger_row_transfer), sizeof(struct mr_ledger_row_balance)};
    uint64_t kind = pick(random, KINDS);
    memset(asked, 0, sizeof(*asked));
    asked->type = (uint16_t)(MR_LEDGER_QUERY_ACCOUNTS + kind);
    asked->row_size = sizes[kind];
    if (is_of_account(asked))
        fill_account_filter(random, naive, &asked->filter.account);
    else
        fill_query_filter(random, naive, &asked->filter.query);
}

/* -- What has to be answered. ------------------------------------------------------------------ */

static uint32_t reason_for(const struct naive_ledger *naive, const struct asked *asked)
{
    const struct mr_ledger_account_filter *filter = &asked->filter.account;
    const struct mr_ledger_query_filter *query = &asked->filter.query;
    bool of_account = is_of_account(asked);
    uint64_t min = of_account ? filter->timestamp_min : query->timestamp_min;
    uint64_t max = of_account ? filter->timestamp_max : query->timestamp_max;
    uint32_t known = of_account ? MR_LEDGER_FILTER_DEBITS | MR_LEDGER_FILTER_CREDITS : 0;
    uint32_t flags = of_account ? filter->flags : query->flags;
    if ((flags & ~(known | MR_LEDGER_FILTER_REVERSED)) != 0 || (max != 0 && min > max) ||
        min == UINT64_MAX || max == UINT64_MAX)
        return MR_LEDGER_BAD_FILTER;
    if (!of_account)
        return 0;
    const struct mr_ledger_account *account = naive_account(naive, filter->account_id);
    bool history = account != NULL && (account->flags & MR_LEDGER_ACCOUNT_HISTORY) != 0;
    if (account == NULL || (asked->type == MR_LEDGER_QUERY_ACCOUNT_BALANCES && !history))
        return MR_REASON_NOT_FOUND;
    return 0;
}

/* All rows: to be freed. */
static void *all_rows(const struct naive_ledger *naive, const struct asked *asked, uint32_t *count)
{
    switch (asked->type) {
    case MR_LEDGER_QUERY_ACCOUNTS:
        return naive_list_accounts(naive, &asked->filter.query, count);
    case MR_LEDGER_QUERY_TRANSFERS:
        return naive_list_transfers(naive, &asked->filter.query, count);
    case MR_LEDGER_QUERY_ACCOUNT_TRANSFERS:
        return naive_list_account_transfers(naive, &asked->filter.account, count);
    default:
        return naive_list_account_balances(naive, &asked->filter.account, count);
    }
}

/* -- Asking: a page, by calling a function or by a query to the image. ------------------------- */

static struct mr_ledger_page ask_function(const struct mr_ledger *ledger, const struct asked *asked,
                                          void *rows, uint32_t limit)
{
    switch (asked->type) {
    case MR_LEDGER_QUERY_ACCOUNTS:
        return mr_ledger_accounts_query(ledger, &asked->filter.query, rows, limit);
    case MR_LEDGER_QUERY_TRANSFERS:
        return mr_ledger_transfers_query(ledger, &asked->filter.query, rows, limit);
    case MR_LEDGER_QUERY_ACCOUNT_TRANSFERS:
        return mr_ledger_account_transfers_query(ledger, &asked->filter.account, rows, limit);
    default:
        return mr_ledger_account_balances_query(ledger, &asked->filter.account, rows, limit);
    }
}

static struct mr_ledger_page ask_image(const struct ledger_pair *pair, const struct asked *asked,
                                       unsigned char *rows, uint32_t limit)
{
    struct {
        struct mr_query header;
        unsigned char body[sizeof(asked->filter)];
    } query;
    _Alignas(8) unsigned char bytes[PAGE_ROWS_MAX * (MR_ROW_HEADER + ROW_MAX) + 64];
    uint32_t row = MR_ROW_HEADER + (uint32_t)asked->row_size;
    uint32_t room = limit * row + MR_ROW_HEADER + (uint32_t)sizeof(struct mr_ledger_row_next);
    uint32_t body =
        is_of_account(asked) ? sizeof(asked->filter.account) : sizeof(asked->filter.query);
    struct mr_reply reply;
    struct mr_ledger_page page = {.count = 0};
    memset(&query, 0, sizeof(query));
    query.header = (struct mr_query){.length = MR_QUERY_HEADER + body, .type = asked->type};
    memcpy(query.body, &asked->filter, body);
    mr_image_query(pair->image, &mr_logic_ledger, &query.header, &reply, bytes, room);
    page.reason = reply.result;
    const unsigned char *at = bytes, *end = bytes + reply.bytes;
    while (at < end && page.count <= limit) {
        struct mr_row header;
        memcpy(&header, at, sizeof(header));
        if (header.type == MR_LEDGER_ROW_NEXT)
            memcpy(&page.next, at + MR_ROW_HEADER, sizeof(page.next));
        else if (page.count < limit && header.length == row)
            memcpy(rows + page.count++ * asked->row_size, at + MR_ROW_HEADER, asked->row_size);
        else
            page.count = limit + 1;
        at += header.length;
    }
    return page;
}

/* Where to go on. */
static void go_on(struct asked *asked, uint64_t next)
{
    bool of_account = is_of_account(asked);
    uint16_t flags = of_account ? asked->filter.account.flags : asked->filter.query.flags;
    bool reversed = (flags & MR_LEDGER_FILTER_REVERSED) != 0;
    if (of_account && reversed)
        asked->filter.account.timestamp_max = next;
    else if (of_account)
        asked->filter.account.timestamp_min = next;
    else if (reversed)
        asked->filter.query.timestamp_max = next;
    else
        asked->filter.query.timestamp_min = next;
}

/* The pages together are all rows, each once. */
static const char *compare_pages(const struct ledger_pair *pair, struct asked *asked,
                                 uint32_t limit, const unsigned char *rows, uint32_t count)
{
    unsigned char got[PAGE_ROWS_MAX * ROW_MAX];
    uint32_t reason = reason_for(&pair->naive, asked);
    bool by_image = pair->setting.in_image && limit % 2 == 1;
    uint32_t own = is_of_account(asked) ? asked->filter.account.limit : asked->filter.query.limit;
    uint32_t done = 0;
    for (uint32_t pages = 0; pages <= count + 64; pages++) {
        struct mr_ledger_page page =
            by_image ? ask_image(pair, asked, got, limit)
                     : ask_function(ledger_pair_ledger(pair), asked, got, limit);
        if (page.reason != reason)
            return "a list is refused for another reason, or is not";
        if (reason != 0)
            return page.count == 0 && page.next == 0 ? NULL : "what is refused has rows";
        if (page.count > limit || (own != 0 && page.count > own) || page.count > count - done)
            return "a list has more rows";
        if (memcmp(got, rows + done * asked->row_size, page.count * asked->row_size) != 0)
            return "the rows of a list differ";
        done += page.count;
        if (page.next == 0)
            return done == count ? NULL : "a list has fewer rows";
        go_on(asked, page.next);
    }
    return "a list never ends";
}

const char *ledger_compare_query(const struct ledger_pair *pair, uint64_t seed)
{
    struct mr_random random;
    struct asked asked;
    uint32_t count;
    mr_random_init(&random, seed);
    make_up(&random, &pair->naive, &asked);
    uint32_t limit = 1 + (uint32_t)pick(&random, PAGE_ROWS_MAX);
    void *rows = all_rows(&pair->naive, &asked, &count);
    const char *flaw = compare_pages(pair, &asked, limit, rows, count);
    free(rows);
    return flaw;
}

/* -- Accounts, transfers, totals. -------------------------------------------------------------- */

static const char *compare_account(const struct ledger_pair *pair, struct mr_u128 id)
{
    const struct mr_ledger_account *naive = naive_account(&pair->naive, id);
    struct mr_ledger_account account;
    bool found = mr_ledger_account_get(ledger_pair_ledger(pair), id, &account);
    if (found != (naive != NULL))
        return found ? "there is an account that there is not" : "an account is not found";
    return !found || memcmp(&account, naive, sizeof(account)) == 0 ? NULL : "an account differs";
}

static const char *compare_transfer(const struct ledger_pair *pair, struct mr_u128 id)
{
    const struct naive_transfer *naive = naive_transfer(&pair->naive, id);
    struct mr_ledger_transfer transfer;
    enum mr_ledger_state state;
    bool found = mr_ledger_transfer_get(ledger_pair_ledger(pair), id, &transfer, &state);
    if (found != (naive != NULL && !naive->failed))
        return found ? "there is a transfer that there is not" : "a transfer is not found";
    if (found && memcmp(&transfer, &naive->record, sizeof(transfer)) != 0)
        return "a transfer differs";
    return !found || (uint8_t)state == naive->state ? NULL : "the state of a transfer differs";
}

const char *ledger_compare_totals(const struct ledger_pair *pair)
{
    const struct mr_ledger *ledger = ledger_pair_ledger(pair);
    struct mr_ledger_totals totals = mr_ledger_totals_get(ledger);
    struct mr_ledger_totals naive = naive_totals(&pair->naive);
    if (memcmp(&totals, &naive, sizeof(totals)) != 0)
        return "the totals differ";
    return mr_ledger_expiry_next(ledger) == naive_expiry_next(&pair->naive)
               ? NULL
               : "something else expires next";
}

const char *ledger_compare_steps(const struct ledger_pair *pair, const struct ledger_step *steps,
                                 uint32_t count)
{
    const char *flaw = ledger_compare_totals(pair);
    for (uint32_t i = 0; i < count && flaw == NULL; i++) {
        const struct mr_ledger_transfer *transfer = &steps[i].transfer;
        if (steps[i].type == MR_LEDGER_ACCOUNT_CREATE) {
            flaw = compare_account(pair, steps[i].account.id);
            continue;
        }
        const struct naive_transfer *touched = naive_transfer(&pair->naive, transfer->id);
        if (touched != NULL && !touched->failed)
            transfer = &touched->record;
        flaw = compare_transfer(pair, transfer->id);
        if (flaw == NULL)
            flaw = compare_transfer(pair, transfer->pending_id);
        if (flaw == NULL)
            flaw = compare_account(pair, transfer->debit_account_id);
        if (flaw == NULL)
            flaw = compare_account(pair, transfer->credit_account_id);
    }
    for (uint32_t i = 0; i < pair->expired_count && flaw == NULL; i++) {
        flaw = compare_account(pair, pair->expired[i].debit_account_id);
        if (flaw == NULL)
            flaw = compare_account(pair, pair->expired[i].credit_account_id);
    }
    return flaw;
}

/* In every ledger, what is debited is credited. */
static const char *check_money(const struct ledger_pair *pair)
{
    const struct naive_state *now = &pair->naive.now;
    const struct mr_ledger *ledger = ledger_pair_ledger(pair);
    for (uint32_t first = 0; first < now->account_count; first++) {
        wide pending = 0, posted = 0;
        for (uint32_t i = 0; i < now->account_count; i++) {
            struct mr_ledger_account account;
            if (!mr_ledger_account_at(ledger, i, &account))
                return "there are fewer accounts";
            if (account.ledger != now->accounts[first].ledger)
                continue;
            pending += wide_of(account.debits_pending) - wide_of(account.credits_pending);
            posted += wide_of(account.debits_posted) - wide_of(account.credits_posted);
        }
        if (pending != 0 || posted != 0)
            return "money was made, or lost";
    }
    return NULL;
}

const char *ledger_compare_all(const struct ledger_pair *pair)
{
    const struct naive_state *now = &pair->naive.now;
    const struct mr_ledger *ledger = ledger_pair_ledger(pair);
    struct mr_ledger_account account;
    const char *flaw = ledger_compare_totals(pair);
    for (uint32_t i = 0; i < now->account_count && flaw == NULL; i++) {
        flaw = compare_account(pair, now->accounts[i].id);
        if (flaw == NULL && (!mr_ledger_account_at(ledger, i, &account) ||
                             memcmp(&account, &now->accounts[i], sizeof(account)) != 0))
            flaw = "an account stands elsewhere";
    }
    if (flaw == NULL && mr_ledger_account_at(ledger, now->account_count, &account))
        flaw = "there are more accounts";
    for (uint32_t i = now->window.first; i < now->window.end && flaw == NULL; i++)
        flaw = compare_transfer(pair, now->window.at[i].record.id);
    for (uint32_t i = now->kept.first; i < now->kept.end && flaw == NULL; i++)
        flaw = compare_transfer(pair, now->kept.at[i].record.id);
    return flaw == NULL ? check_money(pair) : flaw;
}
