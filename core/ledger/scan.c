/*
 * The lists are in order, so that where a walk begins is found by halving; all else is bounded by
 * MR_LEDGER_SCAN_MAX.
 */
#include "core/ledger/scan.h"

#include <millrace/common.h>

/* -- Filters. ---------------------------------------------------------------------------------- */

/* False: no time is asked for that there could be. */
static bool begin_times(struct ledger_scan *scan, uint64_t min, uint64_t max)
{
    scan->min = min;
    scan->max = max == 0 ? UINT64_MAX : max;
    return min != UINT64_MAX && max != UINT64_MAX && min <= scan->max;
}

static uint32_t begin_query(struct ledger_scan *scan, const struct mr_ledger *ledger,
                            const struct mr_ledger_query_filter *filter)
{
    *scan = (struct ledger_scan){
        .ledger = ledger,
        .user_data_128 = filter->user_data_128,
        .user_data_64 = filter->user_data_64,
        .user_data_32 = filter->user_data_32,
        .of_ledger = filter->ledger,
        .code = filter->code,
        .reversed = (filter->flags & MR_LEDGER_FILTER_REVERSED) != 0,
    };
    if ((filter->flags & ~MR_LEDGER_FILTER_REVERSED) != 0 ||
        !begin_times(scan, filter->timestamp_min, filter->timestamp_max))
        return MR_LEDGER_BAD_FILTER;
    return 0;
}

static uint32_t begin_account(struct ledger_scan *scan, const struct mr_ledger *ledger,
                              const struct mr_ledger_account_filter *filter)
{
    const uint32_t sides = MR_LEDGER_FILTER_DEBITS | MR_LEDGER_FILTER_CREDITS;
    const uint32_t flags = filter->flags;
    *scan = (struct ledger_scan){
        .ledger = ledger,
        .user_data_128 = filter->user_data_128,
        .user_data_64 = filter->user_data_64,
        .user_data_32 = filter->user_data_32,
        .code = filter->code,
        .debits = (flags & sides) != MR_LEDGER_FILTER_CREDITS,
        .credits = (flags & sides) != MR_LEDGER_FILTER_DEBITS,
        .reversed = (flags & MR_LEDGER_FILTER_REVERSED) != 0,
    };
    if ((flags & ~(sides | MR_LEDGER_FILTER_REVERSED)) != 0 ||
        !mr_is_zero(filter->padding, sizeof(filter->padding)) ||
        mr_u128_is_zero(filter->account_id) || mr_u128_is_max(filter->account_id) ||
        !begin_times(scan, filter->timestamp_min, filter->timestamp_max))
        return MR_LEDGER_BAD_FILTER;
    scan->account = mr_ledger_account_find(ledger, filter->account_id);
    return scan->account == 0 ? MR_REASON_NOT_FOUND : 0;
}

/* Whether an account or a transfer has the user data and the code that are asked for. */
static bool data_fits(const struct ledger_scan *scan, const struct mr_u128 *user_data_128,
                      uint64_t user_data_64, uint32_t user_data_32, uint16_t code)
{
    return (mr_u128_is_zero(scan->user_data_128) ||
            mr_u128_equal(scan->user_data_128, *user_data_128)) &&
           (scan->user_data_64 == 0 || scan->user_data_64 == user_data_64) &&
           (scan->user_data_32 == 0 || scan->user_data_32 == user_data_32) &&
           (scan->code == 0 || scan->code == code);
}

static bool ledger_fits(const struct ledger_scan *scan, const struct ledger_account *account)
{
    return scan->of_ledger == 0 ||
           scan->of_ledger == ledger_unit(scan->ledger, account->unit)->ledger;
}

static bool transfer_fits(const struct ledger_scan *scan, const struct ledger_transfer *transfer)
{
    if ((transfer->marks & LEDGER_FAILED) != 0)
        return false;
    if (scan->account != 0 && !(scan->debits && transfer->debit == scan->account) &&
        !(scan->credits && transfer->credit == scan->account))
        return false;
    return data_fits(scan, &transfer->user_data_128, transfer->user_data_64, transfer->user_data_32,
                     transfer->code) &&
           ledger_fits(scan, ledger_account(scan->ledger, transfer->debit));
}

static bool may_look(const struct ledger_scan *scan)
{
    return scan->at != 0 && scan->looked < MR_LEDGER_SCAN_MAX;
}

static bool is_beyond(const struct ledger_scan *scan, uint64_t timestamp)
{
    return scan->reversed ? timestamp < scan->min : timestamp > scan->max;
}

static void look(struct ledger_scan *scan, uint64_t timestamp)
{
    scan->looked++;
    scan->looked_to = timestamp;
    scan->has_looked = true;
}

/* -- Accounts: they lie in the order of their timestamps, numbered from 1. --------------------- */

/* The first account that is not older than that; one more than there are: none. */
static uint32_t account_from(const struct mr_ledger *ledger, uint64_t timestamp)
{
    uint32_t low = 1, high = ledger->account_count + 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ledger_account(ledger, middle)->timestamp < timestamp)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t mr_ledger_scan_accounts(struct ledger_scan *scan, const struct mr_ledger *ledger,
                                 const struct mr_ledger_query_filter *filter)
{
    uint32_t reason = begin_query(scan, ledger, filter);
    if (reason != 0)
        return reason;
    scan->of_accounts = true;
    if (scan->reversed)
        scan->at = scan->max == UINT64_MAX ? ledger->account_count
                                           : account_from(ledger, scan->max + 1) - 1;
    else
        scan->at = account_from(ledger, scan->min);
    if (scan->at > ledger->account_count)
        scan->at = 0;
    return 0;
}

const struct ledger_account *mr_ledger_scan_account_next(struct ledger_scan *scan)
{
    const struct mr_ledger *ledger = scan->ledger;
    while (may_look(scan)) {
        const struct ledger_account *account = ledger_account(ledger, scan->at);
        if (is_beyond(scan, account->timestamp)) {
            scan->at = 0;
            break;
        }
        look(scan, account->timestamp);
        if (scan->reversed)
            scan->at--;
        else
            scan->at = scan->at == ledger->account_count ? 0 : scan->at + 1;
        if (data_fits(scan, &account->user_data_128, account->user_data_64, account->user_data_32,
                      account->code) &&
            ledger_fits(scan, account))
            return account;
    }
    return NULL;
}

/* -- Transfers: they lie in the order of their timestamps, too. A failed one has that of the
 * transfer before it. ------------------------------------------------------------------------- */

static uint32_t ordinal_next(const struct mr_ledger *ledger, uint32_t ordinal)
{
    return ordinal == ledger->newest ? 0 : ledger_ordinal_after(ordinal);
}

static uint32_t ordinal_previous(const struct mr_ledger *ledger, uint32_t ordinal)
{
    return ordinal == ledger_oldest(ledger) ? 0 : ledger_ordinal_before(ordinal, 1);
}

/* The first one that is not older than that; 0: none. */
static uint32_t transfer_from(const struct mr_ledger *ledger, uint64_t timestamp)
{
    uint32_t low = 0, high = ledger->count; /* ages: all from `high` on are older */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t ordinal = ledger_ordinal_before(ledger->newest, middle);
        if (ledger_transfer(ledger, ordinal)->timestamp < timestamp)
            high = middle;
        else
            low = middle + 1;
    }
    return high == 0 ? 0 : ledger_ordinal_before(ledger->newest, high - 1);
}

/* The last one that is not newer than that (of those that failed right behind it, none); 0: none.
 */
static uint32_t transfer_up_to(const struct mr_ledger *ledger, uint64_t timestamp)
{
    if (ledger->count == 0)
        return 0;
    uint32_t from = transfer_from(ledger, timestamp);
    if (from == 0)
        return ledger->newest;
    if (ledger_transfer(ledger, from)->timestamp == timestamp)
        return from;
    return ordinal_previous(ledger, from);
}

/* Where the window is entered. */
static uint32_t window_begin(const struct ledger_scan *scan)
{
    return scan->reversed ? transfer_up_to(scan->ledger, scan->max)
                          : transfer_from(scan->ledger, scan->min);
}

/* What is looked at now, and on to the next one of the window; NULL: that was beyond the end. */
static const struct ledger_transfer *window_step(struct ledger_scan *scan)
{
    const struct ledger_transfer *transfer = ledger_transfer(scan->ledger, scan->at);
    if (is_beyond(scan, transfer->timestamp)) {
        scan->at = 0;
        return NULL;
    }
    look(scan, transfer->timestamp);
    scan->at = scan->reversed ? ordinal_previous(scan->ledger, scan->at)
                              : ordinal_next(scan->ledger, scan->at);
    return transfer;
}

uint32_t mr_ledger_scan_transfers(struct ledger_scan *scan, const struct mr_ledger *ledger,
                                  const struct mr_ledger_query_filter *filter)
{
    uint32_t reason = begin_query(scan, ledger, filter);
    if (reason == 0)
        scan->at = window_begin(scan);
    return reason;
}

/* -- Of one account: each of its transfers knows the one before it. ---------------------------- */

static bool is_of(const struct ledger_transfer *transfer, uint32_t account)
{
    return transfer->debit == account || transfer->credit == account;
}

/* The ordinal that a link leads to; 0: to none, or out of the window. */
static uint32_t linked(const struct mr_ledger *ledger, uint32_t link)
{
    uint32_t ordinal = ledger_link_ordinal(link);
    return ledger_in_window(ledger, ordinal) ? ordinal : 0;
}

static uint32_t account_last(const struct ledger_scan *scan)
{
    const struct ledger_account *account = ledger_account(scan->ledger, scan->account);
    return linked(scan->ledger, ledger_account_last(scan->ledger, account));
}

/* The transfer of the account before that one. */
static uint32_t account_before(const struct ledger_scan *scan, uint32_t ordinal)
{
    bool is_debit = ledger_transfer(scan->ledger, ordinal)->debit == scan->account;
    const struct ledger_links *links = ledger_links(scan->ledger, ordinal);
    return linked(scan->ledger, is_debit ? links->debit_before : links->credit_before);
}

/* Looks at up to `limit` of the window, back in time, for the first one of the account, from where
 * its links lead on: true, it is `at`; or there is none, which `at` = 0 says. */
static bool window_search(struct ledger_scan *scan, uint32_t limit)
{
    while (scan->at != 0 && limit-- > 0) {
        const struct ledger_transfer *transfer = ledger_transfer(scan->ledger, scan->at);
        if (is_of(transfer, scan->account)) {
            scan->follows = true;
            return true;
        }
        (void)window_step(scan);
    }
    return scan->at == 0;
}

/* From the account's last one back to where it begins: true, it is `at`. */
static bool account_search(struct ledger_scan *scan)
{
    uint32_t at = account_last(scan);
    for (uint32_t i = 0; i < LEDGER_SCAN_BACK; i++) {
        uint64_t timestamp = at == 0 ? 0 : ledger_transfer(scan->ledger, at)->timestamp;
        bool is_before =
            at == 0 || (scan->reversed ? timestamp <= scan->max : timestamp < scan->min);
        if (is_before) {
            scan->follows = scan->reversed;
            scan->lists = !scan->reversed;
            scan->list_count = scan->list_left = i;
            if (scan->lists)
                at = i == 0 ? 0 : scan->list[(i - 1) % LEDGER_SCAN_LIST];
            scan->at = at;
            return true;
        }
        scan->looked++;
        scan->list[i % LEDGER_SCAN_LIST] = at;
        at = account_before(scan, at);
    }
    return false;
}

/* Whether the account has several of those that follow one another from `at` on: then it is fastest
 * to go through all of them. */
static bool is_busy(struct ledger_scan *scan)
{
    uint32_t hits = 0, at = scan->at;
    for (uint32_t i = 0; i < LEDGER_SCAN_NEAR && at != 0 && hits < LEDGER_SCAN_HITS; i++) {
        hits += is_of(ledger_transfer(scan->ledger, at), scan->account);
        at = ordinal_next(scan->ledger, at);
        scan->looked++;
    }
    return hits == LEDGER_SCAN_HITS;
}

static uint32_t begin_links(struct ledger_scan *scan)
{
    scan->at = window_begin(scan);
    bool is_found = scan->reversed ? window_search(scan, LEDGER_SCAN_NEAR) : is_busy(scan);
    if (!is_found)
        (void)account_search(scan);
    return 0;
}

uint32_t mr_ledger_scan_account_transfers(struct ledger_scan *scan, const struct mr_ledger *ledger,
                                          const struct mr_ledger_account_filter *filter)
{
    uint32_t reason = begin_account(scan, ledger, filter);
    return reason != 0 ? reason : begin_links(scan);
}

/* The next one of the list; what it has no room for is for the next call, and begins there. */
static uint32_t list_next(struct ledger_scan *scan)
{
    if (--scan->list_left == 0)
        return 0;
    uint32_t number = scan->list_left - 1;
    uint32_t first = scan->list_count > LEDGER_SCAN_LIST ? scan->list_count - LEDGER_SCAN_LIST : 0;
    if (number == first && first > 0)
        scan->looked = MR_LEDGER_SCAN_MAX;
    return scan->list[number % LEDGER_SCAN_LIST];
}

/* What is looked at now, and on to the account's next one; NULL: that was beyond the end. */
static const struct ledger_transfer *account_step(struct ledger_scan *scan)
{
    const struct ledger_transfer *transfer = ledger_transfer(scan->ledger, scan->at);
    if (is_beyond(scan, transfer->timestamp)) {
        scan->at = 0;
        return NULL;
    }
    look(scan, transfer->timestamp);
    scan->at = scan->lists ? list_next(scan) : account_before(scan, scan->at);
    return transfer;
}

const struct ledger_transfer *mr_ledger_scan_transfer_next(struct ledger_scan *scan)
{
    bool steps = scan->follows || scan->lists;
    if (scan->account != 0 && scan->reversed && !steps && may_look(scan)) {
        if (!window_search(scan, MR_LEDGER_SCAN_MAX - scan->looked))
            return NULL;
        steps = scan->follows;
    }
    while (may_look(scan)) {
        const struct ledger_transfer *transfer = steps ? account_step(scan) : window_step(scan);
        if (transfer != NULL && transfer_fits(scan, transfer))
            return transfer;
    }
    return NULL;
}

/* -- Balances. --------------------------------------------------------------------------------- */

uint32_t mr_ledger_scan_account_balances(struct ledger_scan *scan, const struct mr_ledger *ledger,
                                         const struct mr_ledger_account_filter *filter)
{
    uint32_t reason = begin_account(scan, ledger, filter);
    if (reason != 0)
        return reason;
    if ((ledger_account(ledger, scan->account)->flags & MR_LEDGER_ACCOUNT_HISTORY) == 0)
        return MR_REASON_NOT_FOUND;
    return begin_links(scan);
}

/* What the transfer left of the one account, which has history. */
static const struct ledger_balance *balance_of(const struct ledger_scan *scan,
                                               const struct ledger_transfer *transfer)
{
    uint32_t number = transfer->balance;
    const struct ledger_account *debit = ledger_account(scan->ledger, transfer->debit);
    if (number != 0 && transfer->credit == scan->account &&
        (debit->flags & MR_LEDGER_ACCOUNT_HISTORY) != 0)
        number = ledger_ordinal_after(number);
    return ledger_balance(scan->ledger, number);
}

const struct ledger_balances *mr_ledger_scan_balance_next(struct ledger_scan *scan,
                                                          const struct ledger_transfer **transfer)
{
    while ((*transfer = mr_ledger_scan_transfer_next(scan)) != NULL) {
        const struct ledger_balance *balance = balance_of(scan, *transfer);
        if (balance != NULL)
            return &balance->balances;
    }
    return NULL;
}

/* -- Going on. --------------------------------------------------------------------------------- */

/* The timestamp of the account's next one, if it is near; 0: there is none. */
static uint64_t account_resume(const struct ledger_scan *scan)
{
    uint32_t at = scan->at;
    for (uint32_t i = 0; i < LEDGER_SCAN_NEAR && at != 0; i++) {
        const struct ledger_transfer *transfer = ledger_transfer(scan->ledger, at);
        if (is_beyond(scan, transfer->timestamp))
            return 0;
        if (is_of(transfer, scan->account))
            return transfer->timestamp;
        at = ordinal_next(scan->ledger, at);
    }
    return at == 0 ? 0 : scan->looked_to + 1;
}

/* Forwards in the window it goes on behind what was looked at, so that failed ones, which have the
 * timestamp of the one before them, do not bring that back. Else with what comes next. */
uint64_t mr_ledger_scan_resume(const struct ledger_scan *scan)
{
    if (scan->at == 0)
        return 0;
    uint64_t timestamp = scan->of_accounts ? ledger_account(scan->ledger, scan->at)->timestamp
                                           : ledger_transfer(scan->ledger, scan->at)->timestamp;
    if (is_beyond(scan, timestamp))
        return 0;
    if (scan->of_accounts || scan->follows || scan->lists || scan->reversed || !scan->has_looked)
        return timestamp;
    if (scan->looked_to >= scan->max)
        return 0;
    return scan->account != 0 ? account_resume(scan) : scan->looked_to + 1;
}
