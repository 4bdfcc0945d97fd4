/* See ledger_table.h. What is committed is asked of the ledger, and compared row by row. */
#include "tests/core/ledger_table_parts.h"

/* -- What is known. ---------------------------------------------------------------------------- */

struct mr_ledger_account *ledger_table_account(struct replay *replay, struct mr_u128 id)
{
    for (uint32_t i = 0; i < replay->account_count; i++)
        if (mr_u128_equal(replay->accounts[i].id, id))
            return &replay->accounts[i];
    return NULL;
}

struct mr_ledger_transfer *ledger_table_transfer(struct replay *replay, struct mr_u128 id)
{
    for (uint32_t i = 0; i < replay->transfer_count; i++)
        if (mr_u128_equal(replay->transfers[i].id, id))
            return &replay->transfers[i];
    return NULL;
}

/* What a post or a void leaves out is the pending one's. */
static void fill_in(struct replay *replay, struct mr_ledger_transfer *transfer)
{
    const struct mr_ledger_transfer *pending = ledger_table_transfer(replay, transfer->pending_id);
    if (pending == NULL)
        return;
    transfer->debit_account_id = pending->debit_account_id;
    transfer->credit_account_id = pending->credit_account_id;
    transfer->ledger = pending->ledger;
    transfer->code = pending->code;
    if (mr_u128_is_zero(transfer->user_data_128))
        transfer->user_data_128 = pending->user_data_128;
    if (transfer->user_data_64 == 0)
        transfer->user_data_64 = pending->user_data_64;
    if (transfer->user_data_32 == 0)
        transfer->user_data_32 = pending->user_data_32;
    if ((transfer->flags & MR_LEDGER_VOID) != 0)
        transfer->amount = pending->amount;
}

static void know_transfer(struct replay *replay, const struct row *row, uint64_t timestamp)
{
    struct mr_ledger_transfer transfer = row->transfer;
    if (transfer.timestamp == 0)
        transfer.timestamp = timestamp;
    fill_in(replay, &transfer);
    assert_in_range(replay->transfer_count, 0, KNOWN_MAX - 1);
    replay->transfers[replay->transfer_count++] = transfer;
}

static void know_account(struct replay *replay, const struct row *row, uint64_t timestamp)
{
    struct mr_ledger_account account = row->account;
    if (account.timestamp == 0)
        account.timestamp = timestamp;
    assert_in_range(replay->account_count, 0, KNOWN_MAX - 1);
    replay->accounts[replay->account_count++] = account;
}

/* -- Differences. ------------------------------------------------------------------------------ */

static void compared(struct replay *replay, bool same, bool known, uint32_t line, const char *what,
                     const char *got, const char *expected)
{
    replay->report->rows++;
    if (same == !known) {
        replay->report->known += known;
        return;
    }
    replay->report->differences++;
    fprintf(replay->out, "%s:%u: %s: %s, not %s%s\n", replay->name, line, what, got, expected,
            known ? " (marked with //!, but does not differ)" : "");
}

static void compared_number(struct replay *replay, const struct row *row, const char *what,
                            uint64_t got, uint64_t expected)
{
    char a[32], b[32];
    snprintf(a, sizeof a, "%llu", (unsigned long long)got);
    snprintf(b, sizeof b, "%llu", (unsigned long long)expected);
    if (got != expected && !row->known)
        compared(replay, false, false, row->line, what, a, b);
}

static void compared_amount(struct replay *replay, const struct row *row, const char *what,
                            struct mr_u128 got, struct mr_u128 expected)
{
    char a[64], b[64];
    snprintf(a, sizeof a, "0x%llx%016llx", (unsigned long long)got.high,
             (unsigned long long)got.low);
    snprintf(b, sizeof b, "0x%llx%016llx", (unsigned long long)expected.high,
             (unsigned long long)expected.low);
    if (!mr_u128_equal(got, expected) && !row->known)
        compared(replay, false, false, row->line, what, a, b);
}

static void compared_account(struct replay *replay, const struct row *row,
                             const struct mr_ledger_account *got)
{
    const struct mr_ledger_account *known = ledger_table_account(replay, row->id);
    const struct mr_ledger_account *wanted = &row->account;
    compared_amount(replay, row, "debits_pending", got->debits_pending, wanted->debits_pending);
    compared_amount(replay, row, "debits_posted", got->debits_posted, wanted->debits_posted);
    compared_amount(replay, row, "credits_pending", got->credits_pending, wanted->credits_pending);
    compared_amount(replay, row, "credits_posted", got->credits_posted, wanted->credits_posted);
    if (known == NULL)
        return;
    uint32_t flags = (known->flags & ~(uint32_t)MR_LEDGER_ACCOUNT_CLOSED) |
                     (wanted->flags & MR_LEDGER_ACCOUNT_CLOSED);
    compared_number(replay, row, "flags", got->flags, flags);
    compared_number(replay, row, "timestamp", got->timestamp, known->timestamp);
    compared_number(replay, row, "ledger", got->ledger, known->ledger);
    compared_number(replay, row, "code", got->code, known->code);
    compared_amount(replay, row, "user_data_128", got->user_data_128, known->user_data_128);
    compared_number(replay, row, "user_data_64", got->user_data_64, known->user_data_64);
    compared_number(replay, row, "user_data_32", got->user_data_32, known->user_data_32);
}

static void compared_transfer(struct replay *replay, const struct row *row,
                              const struct mr_ledger_transfer *got,
                              const struct mr_ledger_transfer *wanted)
{
    compared_amount(replay, row, "debit_account_id", got->debit_account_id,
                    wanted->debit_account_id);
    compared_amount(replay, row, "credit_account_id", got->credit_account_id,
                    wanted->credit_account_id);
    compared_amount(replay, row, "amount", got->amount, wanted->amount);
    compared_amount(replay, row, "pending_id", got->pending_id, wanted->pending_id);
    compared_amount(replay, row, "user_data_128", got->user_data_128, wanted->user_data_128);
    compared_number(replay, row, "user_data_64", got->user_data_64, wanted->user_data_64);
    compared_number(replay, row, "user_data_32", got->user_data_32, wanted->user_data_32);
    compared_number(replay, row, "timeout", got->timeout, wanted->timeout);
    compared_number(replay, row, "ledger", got->ledger, wanted->ledger);
    compared_number(replay, row, "code", got->code, wanted->code);
    compared_number(replay, row, "flags", got->flags, wanted->flags);
    compared_number(replay, row, "timestamp", got->timestamp, wanted->timestamp);
}

/* -- Requests. --------------------------------------------------------------------------------- */

static void expire(struct replay *replay, uint64_t time_ns)
{
    ledger_expire(&replay->rig, time_ns, LEDGER_EXPIRE_MAX);
}

/* The timestamp that goes with the result of event i: of what exists, or existed until its chain
 * failed; of what was created; or the event's own. */
static uint64_t timestamp_of(struct replay *replay, uint32_t i, bool accounts)
{
    const struct row *row = &replay->rows[i];
    uint64_t own = accounts ? row->account.timestamp : row->transfer.timestamp;
    uint64_t given = replay->time + 2 + i;
    if (row->reason == MR_LEDGER_EXISTS) {
        const struct mr_ledger_account *account = ledger_table_account(replay, row->id);
        const struct mr_ledger_transfer *transfer = ledger_table_transfer(replay, row->id);
        if (accounts ? account != NULL : transfer != NULL)
            return accounts ? account->timestamp : transfer->timestamp;
        for (uint32_t j = i; j-- > 0;)
            if (mr_u128_equal(replay->rows[j].id, row->id))
                return replay->time + 2 + j;
    }
    bool imported = row->reason == 0 || row->reason == MR_LEDGER_LINKED_EVENT_FAILED;
    return imported && own != 0 ? own : given;
}

static void compare_events(struct replay *replay, bool accounts)
{
    for (uint32_t i = 0; i < replay->row_count; i++) {
        const struct row *row = &replay->rows[i];
        const struct mr_ledger_result *result = &replay->rig.results[i];
        compared(replay, result->reason == row->reason, row->known, row->line,
                 accounts ? "account" : "transfer", ledger_reason(result->reason),
                 ledger_reason(row->reason));
        if (result->reason == row->reason)
            compared_number(replay, row, "timestamp of the result", result->timestamp,
                            timestamp_of(replay, i, accounts));
        if (row->reason == 0 && accounts)
            know_account(replay, row, replay->time + 2 + i);
        else if (row->reason == 0)
            know_transfer(replay, row, replay->time + 2 + i);
    }
    replay->time += 1 + replay->row_count;
}

static void create(struct replay *replay, bool accounts)
{
    static struct mr_ledger_account asked_accounts[REQUEST_MAX];
    static struct mr_ledger_transfer asked_transfers[REQUEST_MAX];
    for (uint32_t i = 0; i < replay->row_count; i++) {
        asked_accounts[i] = replay->rows[i].account;
        asked_transfers[i] = replay->rows[i].transfer;
    }
    expire(replay, replay->time + 2);
    if (replay->row_count > 0 && accounts)
        ledger_accounts_request(&replay->rig, asked_accounts, replay->row_count);
    else if (replay->row_count > 0)
        ledger_request(&replay->rig, asked_transfers, replay->row_count);
    compare_events(replay, accounts);
}

static void look_up_accounts(struct replay *replay)
{
    for (uint32_t i = 0; i < replay->row_count; i++) {
        const struct row *row = &replay->rows[i];
        struct mr_ledger_account got;
        bool found = mr_ledger_account_get(replay->rig.ledger, row->id, &got);
        compared(replay, found == row->there, row->known, row->line, "account",
                 found ? "there" : "not there", row->there ? "there" : "not there");
        if (found && row->there)
            compared_account(replay, row, &got);
    }
}

static void look_up_transfers(struct replay *replay)
{
    for (uint32_t i = 0; i < replay->row_count; i++) {
        const struct row *row = &replay->rows[i];
        struct mr_ledger_transfer got;
        bool found = mr_ledger_transfer_get(replay->rig.ledger, row->id, &got, NULL);
        compared(replay, found == row->there, row->known, row->line, "transfer",
                 found ? "there" : "not there", row->there ? "there" : "not there");
        if (found && row->there)
            compared_transfer(replay, row, &got, &row->transfer);
    }
}

/* -- Queries. ---------------------------------------------------------------------------------- */

static bool compared_count(struct replay *replay, uint32_t got)
{
    char a[32], b[32];
    snprintf(a, sizeof a, "%u rows", got);
    snprintf(b, sizeof b, "%u", replay->row_count);
    compared(replay, got == replay->row_count, replay->query_known, replay->query_line, "query", a,
             b);
    return got == replay->row_count;
}

static void query_transfers(struct replay *replay, bool of_account)
{
    static struct mr_ledger_row_transfer got[FOUND_MAX];
    struct mr_ledger_page page =
        of_account
            ? mr_ledger_account_transfers_query(replay->rig.ledger, &replay->account_filter, got,
                                                FOUND_MAX)
            : mr_ledger_transfers_query(replay->rig.ledger, &replay->query_filter, got, FOUND_MAX);
    if (!compared_count(replay, page.count))
        return;
    for (uint32_t i = 0; i < page.count; i++) {
        const struct row *row = &replay->rows[i];
        const struct mr_ledger_transfer *known = ledger_table_transfer(replay, row->id);
        struct mr_ledger_transfer transfer;
        memcpy(&transfer, &got[i], sizeof transfer);
        compared_amount(replay, row, "id", transfer.id, row->id);
        if (known != NULL)
            compared_transfer(replay, row, &transfer, known);
    }
}

static void query_accounts(struct replay *replay)
{
    static struct mr_ledger_account got[FOUND_MAX];
    struct mr_ledger_page page =
        mr_ledger_accounts_query(replay->rig.ledger, &replay->query_filter, got, FOUND_MAX);
    if (!compared_count(replay, page.count))
        return;
    for (uint32_t i = 0; i < page.count; i++) {
        compared_amount(replay, &replay->rows[i], "id", got[i].id, replay->rows[i].id);
        compared_account(replay, &replay->rows[i], &got[i]);
    }
}

static void query_balances(struct replay *replay)
{
    static struct mr_ledger_row_balance got[FOUND_MAX];
    struct mr_ledger_page page = mr_ledger_account_balances_query(
        replay->rig.ledger, &replay->account_filter, got, FOUND_MAX);
    if (!compared_count(replay, page.count))
        return;
    for (uint32_t i = 0; i < page.count; i++) {
        const struct row *row = &replay->rows[i];
        const struct mr_ledger_transfer *known = ledger_table_transfer(replay, row->id);
        compared_number(replay, row, "timestamp", got[i].timestamp,
                        known == NULL ? 0 : known->timestamp);
        compared_amount(replay, row, "debits_pending", got[i].debits_pending,
                        row->account.debits_pending);
        compared_amount(replay, row, "debits_posted", got[i].debits_posted,
                        row->account.debits_posted);
        compared_amount(replay, row, "credits_pending", got[i].credits_pending,
                        row->account.credits_pending);
        compared_amount(replay, row, "credits_posted", got[i].credits_posted,
                        row->account.credits_posted);
    }
}

void ledger_table_ask(struct replay *replay, enum operation operation)
{
    switch (operation) {
    case CREATE_ACCOUNTS:
    case CREATE_TRANSFERS:
        create(replay, operation == CREATE_ACCOUNTS);
        return;
    case LOOKUP_ACCOUNTS:
        look_up_accounts(replay);
        break;
    case LOOKUP_TRANSFERS:
        look_up_transfers(replay);
        break;
    case GET_ACCOUNT_TRANSFERS:
    case QUERY_TRANSFERS:
        query_transfers(replay, operation == GET_ACCOUNT_TRANSFERS);
        break;
    case GET_ACCOUNT_BALANCES:
        query_balances(replay);
        break;
    case QUERY_ACCOUNTS:
        query_accounts(replay);
        break;
    case NOTHING:
    case GET_CHANGE_EVENTS:
    case OPERATIONS:
        break;
    }
    replay->time++; /* as each request does, whatever it asks */
}
