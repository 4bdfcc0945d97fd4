/* What filters let through in the naive ledger: each looks at everything. */
#include "tests/core/naive_ledger.h"

#include <stdlib.h>

static bool is_within(uint64_t timestamp, uint64_t min, uint64_t max)
{
    return timestamp >= min && (max == 0 || timestamp <= max);
}

static bool is_any_or_same(struct mr_u128 wanted, struct mr_u128 value)
{
    return wide_of(wanted) == 0 || wide_of(wanted) == wide_of(value);
}

struct mr_ledger_account *naive_list_accounts(const struct naive_ledger *ledger,
                                              const struct mr_ledger_query_filter *filter,
                                              uint32_t *count)
{
    uint32_t all = ledger->now.account_count;
    struct mr_ledger_account *out = malloc((all + 1) * sizeof(out[0]));
    *count = 0;
    for (uint32_t i = 0; i < all; i++) {
        bool reversed = (filter->flags & MR_LEDGER_FILTER_REVERSED) != 0;
        const struct mr_ledger_account *account = &ledger->now.accounts[reversed ? all - 1 - i : i];
        if (is_within(account->timestamp, filter->timestamp_min, filter->timestamp_max) &&
            is_any_or_same(filter->user_data_128, account->user_data_128) &&
            (filter->user_data_64 == 0 || filter->user_data_64 == account->user_data_64) &&
            (filter->user_data_32 == 0 || filter->user_data_32 == account->user_data_32) &&
            (filter->ledger == 0 || filter->ledger == account->ledger) &&
            (filter->code == 0 || filter->code == account->code))
            out[(*count)++] = *account;
    }
    return out;
}

/* What the two kinds of filters ask of a transfer. */
struct wanted {
    struct mr_u128 account_id; /* 0: of any */
    struct mr_u128 user_data_128;
    uint64_t user_data_64, timestamp_min, timestamp_max;
    uint32_t user_data_32, ledger;
    uint16_t code, flags;
};

static bool is_side(const struct wanted *wanted, const struct mr_ledger_transfer *transfer)
{
    bool debits = (wanted->flags & MR_LEDGER_FILTER_DEBITS) != 0;
    bool both = debits == ((wanted->flags & MR_LEDGER_FILTER_CREDITS) != 0);
    wide id = wide_of(wanted->account_id);
    return id == 0 || ((both || debits) && wide_of(transfer->debit_account_id) == id) ||
           ((both || !debits) && wide_of(transfer->credit_account_id) == id);
}

static bool is_wanted(const struct wanted *wanted, const struct mr_ledger_transfer *transfer)
{
    return is_within(transfer->timestamp, wanted->timestamp_min, wanted->timestamp_max) &&
           is_any_or_same(wanted->user_data_128, transfer->user_data_128) &&
           (wanted->user_data_64 == 0 || wanted->user_data_64 == transfer->user_data_64) &&
           (wanted->user_data_32 == 0 || wanted->user_data_32 == transfer->user_data_32) &&
           (wanted->ledger == 0 || wanted->ledger == transfer->ledger) &&
           (wanted->code == 0 || wanted->code == transfer->code) && is_side(wanted, transfer);
}

/* The transfers of the window that are wanted, in their order: to be freed. */
static const struct naive_transfer **list_wanted(const struct naive_ledger *ledger,
                                                 const struct wanted *wanted, uint32_t *count)
{
    const struct naive_list *window = &ledger->now.window;
    uint32_t all = window->end - window->first;
    const struct naive_transfer **out = malloc((all + 1) * sizeof(void *));
    bool reversed = (wanted->flags & MR_LEDGER_FILTER_REVERSED) != 0;
    *count = 0;
    for (uint32_t i = 0; i < all; i++) {
        uint32_t at = reversed ? window->end - 1 - i : window->first + i;
        const struct naive_transfer *transfer = &window->at[at];
        if (!transfer->failed && is_wanted(wanted, &transfer->record))
            out[(*count)++] = transfer;
    }
    return out;
}

static struct mr_ledger_row_transfer row_of(const struct naive_transfer *transfer)
{
    const struct mr_ledger_transfer *record = &transfer->record;
    return (struct mr_ledger_row_transfer){
        .id = record->id,
        .debit_account_id = record->debit_account_id,
        .credit_account_id = record->credit_account_id,
        .amount = record->amount,
        .pending_id = record->pending_id,
        .user_data_128 = record->user_data_128,
        .user_data_64 = record->user_data_64,
        .user_data_32 = record->user_data_32,
        .timeout = record->timeout,
        .ledger = record->ledger,
        .code = record->code,
        .flags = record->flags,
        .timestamp = record->timestamp,
        .state = transfer->state,
    };
}

static struct mr_ledger_row_transfer *rows_wanted(const struct naive_ledger *ledger,
                                                  const struct wanted *wanted, uint32_t *count)
{
    const struct naive_transfer **found = list_wanted(ledger, wanted, count);
    struct mr_ledger_row_transfer *out = malloc((*count + 1) * sizeof(out[0]));
    for (uint32_t i = 0; i < *count; i++)
        out[i] = row_of(found[i]);
    free(found);
    return out;
}

static struct wanted wanted_by(const struct mr_ledger_account_filter *filter)
{
    return (struct wanted){.account_id = filter->account_id,
                           .user_data_128 = filter->user_data_128,
                           .user_data_64 = filter->user_data_64,
                           .user_data_32 = filter->user_data_32,
                           .timestamp_min = filter->timestamp_min,
                           .timestamp_max = filter->timestamp_max,
                           .code = filter->code,
                           .flags = filter->flags};
}

struct mr_ledger_row_transfer *naive_list_transfers(const struct naive_ledger *ledger,
                                                    const struct mr_ledger_query_filter *filter,
                                                    uint32_t *count)
{
    const struct wanted wanted = {.user_data_128 = filter->user_data_128,
                                  .user_data_64 = filter->user_data_64,
                                  .user_data_32 = filter->user_data_32,
                                  .timestamp_min = filter->timestamp_min,
                                  .timestamp_max = filter->timestamp_max,
                                  .ledger = filter->ledger,
                                  .code = filter->code,
                                  .flags = filter->flags};
    return rows_wanted(ledger, &wanted, count);
}

struct mr_ledger_row_transfer *naive_list_account_transfers(
    const struct naive_ledger *ledger, const struct mr_ledger_account_filter *filter,
    uint32_t *count)
{
    const struct wanted wanted = wanted_by(filter);
    return rows_wanted(ledger, &wanted, count);
}

struct mr_ledger_row_balance *naive_list_account_balances(
    const struct naive_ledger *ledger, const struct mr_ledger_account_filter *filter,
    uint32_t *count)
{
    const struct wanted wanted = wanted_by(filter);
    uint32_t all;
    const struct naive_transfer **found = list_wanted(ledger, &wanted, &all);
    struct mr_ledger_row_balance *out = malloc((all + 1) * sizeof(out[0]));
    uint64_t balances = ledger->now.balances, max = ledger->config.history_max;
    *count = 0;
    for (uint32_t i = 0; i < all; i++) {
        bool is_debit = wide_of(found[i]->record.debit_account_id) == wide_of(filter->account_id);
        const struct naive_balance *balance = is_debit ? &found[i]->debit : &found[i]->credit;
        if (balance->number != 0 && balances - balance->number < max)
            out[(*count)++] = balance->row;
    }
    free(found);
    return out;
}
