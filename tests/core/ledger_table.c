/* See ledger_table.h. Rows are read into the request under way, until they are committed. */
#include "tests/core/ledger_table_parts.h"

static const char *const operation_names[OPERATIONS] = {
    "nothing",          "create_accounts",       "create_transfers",     "lookup_accounts",
    "lookup_transfers", "get_account_transfers", "get_account_balances", "query_accounts",
    "query_transfers",  "get_change_events"};

/* -- Words. ------------------------------------------------------------------------------------ */

void ledger_table_complain(struct replay *replay, const char *what)
{
    if (!replay->bad)
        fprintf(replay->out, "%s:%u: %s\n", replay->name, replay->line, what);
    replay->bad = true;
}

static void split(struct replay *replay, char *line)
{
    char *comment = strstr(line, "//");
    replay->row_known = comment != NULL && comment[2] == '!';
    if (comment != NULL)
        *comment = 0;
    replay->word_count = replay->word = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t\r", &rest); word != NULL;
         word = strtok_r(NULL, " \t\r", &rest)) {
        if (replay->word_count == WORDS_MAX) {
            ledger_table_complain(replay, "too many columns");
            return;
        }
        replay->words[replay->word_count++] = word;
    }
}

static const char *next_word(struct replay *replay)
{
    if (replay->word == replay->word_count) {
        ledger_table_complain(replay, "a column is missing");
        return "_";
    }
    return replay->words[replay->word++];
}

/* Whether the column has that word, or else the default. */
static bool flag(struct replay *replay, const char *name)
{
    const char *word = next_word(replay);
    if (strcmp(word, "_") != 0 && strcmp(word, name) != 0)
        ledger_table_complain(replay, "a flag in the wrong column");
    return strcmp(word, name) == 0;
}

/* Of `bits` bits; what does not fit is an error. */
static struct mr_u128 wide(struct replay *replay, uint32_t bits)
{
    const char *at = next_word(replay);
    struct mr_u128 value = {0, 0};
    struct mr_u128 max = bits == 128 ? mr_u128_max() : ID(UINT64_MAX >> (64 - bits));
    if (strcmp(at, "_") == 0)
        return value;
    at += (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z');
    bool from_max = *at == '-';
    at += from_max;
    if (*at == 0)
        ledger_table_complain(replay, "a number was expected");
    for (; *at != 0; at++) {
        bool over = *at < '0' || *at > '9';
        struct mr_u128 ten = {0, 0}, digit = ID((uint64_t)(*at - '0'));
        for (uint32_t i = 0; i < 10; i++)
            over |= mr_u128_add(ten, value, &ten);
        over |= mr_u128_add(ten, digit, &value) || mr_u128_below(max, value);
        if (over) {
            ledger_table_complain(replay, "not a number, or one that is too large");
            return max;
        }
    }
    return from_max ? mr_u128_above(max, value) : value;
}

static uint64_t narrow(struct replay *replay, uint32_t bits)
{
    return wide(replay, bits).low;
}

static uint32_t status(struct replay *replay)
{
    const char *word = next_word(replay);
    if (strcmp(word, "created") == 0 || strcmp(word, "ok") == 0)
        return 0;
    for (uint32_t reason = MR_LEDGER_LINKED_EVENT_FAILED; reason <= MR_LEDGER_BAD_FILTER; reason++)
        if (strcmp(ledger_reason(reason), word) == 0)
            return reason;
    ledger_table_complain(replay, "no such result");
    return 0;
}

static void balances(struct replay *replay, struct mr_ledger_account *account)
{
    account->debits_pending = wide(replay, 128);
    account->debits_posted = wide(replay, 128);
    account->credits_pending = wide(replay, 128);
    account->credits_posted = wide(replay, 128);
}

/* -- Rows. ------------------------------------------------------------------------------------- */

static struct row *add_row(struct replay *replay, enum operation operation)
{
    if (replay->operation != NOTHING && replay->operation != operation)
        ledger_table_complain(replay, "rows of two requests without a commit between them");
    if (replay->row_count == REQUEST_MAX) {
        ledger_table_complain(replay, "too many rows");
        replay->row_count = 0;
    }
    replay->operation = operation;
    struct row *row = &replay->rows[replay->row_count++];
    memset(row, 0, sizeof *row);
    row->line = replay->line;
    row->known = replay->row_known;
    return row;
}

static uint16_t set_if(bool set, int bit)
{
    return (uint16_t)(set ? bit : 0);
}

static void read_account(struct replay *replay)
{
    struct row *row = add_row(replay, CREATE_ACCOUNTS);
    struct mr_ledger_account *account = &row->account;
    row->id = account->id = wide(replay, 128);
    balances(replay, account);
    account->user_data_128 = wide(replay, 128);
    account->user_data_64 = narrow(replay, 64);
    account->user_data_32 = (uint32_t)narrow(replay, 32);
    account->reserved = (uint32_t)narrow(replay, 32);
    account->ledger = (uint32_t)narrow(replay, 32);
    account->code = (uint16_t)narrow(replay, 16);
    uint32_t flags = set_if(flag(replay, "LNK"), MR_LEDGER_ACCOUNT_LINKED);
    flags |= set_if(flag(replay, "D<C"), MR_LEDGER_ACCOUNT_DEBITS_LIMITED);
    flags |= set_if(flag(replay, "C<D"), MR_LEDGER_ACCOUNT_CREDITS_LIMITED);
    flags |= set_if(flag(replay, "HIST"), MR_LEDGER_ACCOUNT_HISTORY);
    flags |= set_if(flag(replay, "IMP"), MR_LEDGER_ACCOUNT_IMPORTED);
    flags |= set_if(flag(replay, "CLSD"), MR_LEDGER_ACCOUNT_CLOSED);
    account->flags = (uint16_t)(flags | narrow(replay, 10) << 6);
    account->timestamp = narrow(replay, 64);
    row->reason = status(replay);
}

static uint16_t transfer_flags(struct replay *replay)
{
    uint32_t flags = set_if(flag(replay, "LNK"), MR_LEDGER_LINKED);
    flags |= set_if(flag(replay, "PEN"), MR_LEDGER_PENDING);
    flags |= set_if(flag(replay, "POS"), MR_LEDGER_POST);
    flags |= set_if(flag(replay, "VOI"), MR_LEDGER_VOID);
    flags |= set_if(flag(replay, "BDR"), MR_LEDGER_BALANCING_DEBIT);
    flags |= set_if(flag(replay, "BCR"), MR_LEDGER_BALANCING_CREDIT);
    flags |= set_if(flag(replay, "IMP"), MR_LEDGER_IMPORTED);
    flags |= set_if(flag(replay, "CDR"), MR_LEDGER_CLOSING_DEBIT);
    flags |= set_if(flag(replay, "CCR"), MR_LEDGER_CLOSING_CREDIT);
    return (uint16_t)(flags | narrow(replay, 7) << 9);
}

static void read_transfer(struct replay *replay)
{
    struct row *row = add_row(replay, CREATE_TRANSFERS);
    struct mr_ledger_transfer *transfer = &row->transfer;
    row->id = transfer->id = wide(replay, 128);
    transfer->debit_account_id = wide(replay, 128);
    transfer->credit_account_id = wide(replay, 128);
    transfer->amount = wide(replay, 128);
    transfer->pending_id = wide(replay, 128);
    transfer->user_data_128 = wide(replay, 128);
    transfer->user_data_64 = narrow(replay, 64);
    transfer->user_data_32 = (uint32_t)narrow(replay, 32);
    transfer->timeout = (uint32_t)narrow(replay, 32);
    transfer->ledger = (uint32_t)narrow(replay, 32);
    transfer->code = (uint16_t)narrow(replay, 16);
    transfer->flags = transfer_flags(replay);
    transfer->timestamp = narrow(replay, 64);
    row->reason = status(replay);
}

static void read_lookup_account(struct replay *replay)
{
    struct row *row = add_row(replay, LOOKUP_ACCOUNTS);
    row->id = wide(replay, 128);
    row->there = replay->word < replay->word_count && strcmp(replay->words[replay->word], "_") != 0;
    if (row->there) {
        balances(replay, &row->account);
        row->account.flags = set_if(flag(replay, "CLSD"), MR_LEDGER_ACCOUNT_CLOSED);
    } else
        next_word(replay);
}

static void read_lookup_transfer(struct replay *replay)
{
    struct row *row = add_row(replay, LOOKUP_TRANSFERS);
    row->id = wide(replay, 128);
    const struct mr_ledger_transfer *known = ledger_table_transfer(replay, row->id);
    if (known != NULL)
        row->transfer = *known;
    const char *what = next_word(replay);
    row->there = true;
    if (strcmp(what, "exists") == 0)
        row->there = strcmp(next_word(replay), "true") == 0;
    else if (strcmp(what, "amount") == 0)
        row->transfer.amount = wide(replay, 128);
    else if (strcmp(what, "timestamp") == 0)
        row->transfer.timestamp = narrow(replay, 64);
    else
        ledger_table_complain(replay, "not exists, amount or timestamp");
    if (row->there && known == NULL)
        ledger_table_complain(replay, "no such transfer was created in the table");
}

/* Queries stand before what they find; nothing, when that is all. */
static void begin_query(struct replay *replay, enum operation operation)
{
    add_row(replay, operation);
    replay->row_count = 0;
    replay->query_line = replay->line;
    replay->query_known = replay->row_known;
}

/* The timestamp of the transfer, or of the account, with the id that stands there. */
static uint64_t timestamp_column(struct replay *replay, bool accounts)
{
    struct mr_u128 id = wide(replay, 128);
    if (mr_u128_is_zero(id))
        return 0;
    const struct mr_ledger_account *account = ledger_table_account(replay, id);
    const struct mr_ledger_transfer *transfer = ledger_table_transfer(replay, id);
    if (accounts ? account == NULL : transfer == NULL) {
        ledger_table_complain(replay, "nothing was created with that id");
        return 0;
    }
    return accounts ? account->timestamp : transfer->timestamp;
}

static void read_account_query(struct replay *replay, enum operation operation)
{
    struct mr_ledger_account_filter *filter = &replay->account_filter;
    begin_query(replay, operation);
    memset(filter, 0, sizeof *filter);
    filter->account_id = wide(replay, 128);
    filter->user_data_128 = wide(replay, 128);
    filter->user_data_64 = narrow(replay, 64);
    filter->user_data_32 = (uint32_t)narrow(replay, 32);
    filter->code = (uint16_t)narrow(replay, 16);
    filter->timestamp_min = timestamp_column(replay, false);
    filter->timestamp_max = timestamp_column(replay, false);
    filter->limit = (uint32_t)narrow(replay, 32);
    uint32_t flags = set_if(flag(replay, "DR"), MR_LEDGER_FILTER_DEBITS);
    flags |= set_if(flag(replay, "CR"), MR_LEDGER_FILTER_CREDITS);
    flags |= set_if(flag(replay, "REV"), MR_LEDGER_FILTER_REVERSED);
    filter->flags = (uint16_t)flags;
}

static void read_account_transfers(struct replay *replay)
{
    read_account_query(replay, GET_ACCOUNT_TRANSFERS);
}

static void read_account_balances(struct replay *replay)
{
    read_account_query(replay, GET_ACCOUNT_BALANCES);
}

static void read_query(struct replay *replay, enum operation operation)
{
    struct mr_ledger_query_filter *filter = &replay->query_filter;
    begin_query(replay, operation);
    memset(filter, 0, sizeof *filter);
    filter->user_data_128 = wide(replay, 128);
    filter->user_data_64 = narrow(replay, 64);
    filter->user_data_32 = (uint32_t)narrow(replay, 32);
    filter->ledger = (uint32_t)narrow(replay, 32);
    filter->code = (uint16_t)narrow(replay, 16);
    filter->timestamp_min = timestamp_column(replay, operation == QUERY_ACCOUNTS);
    filter->timestamp_max = timestamp_column(replay, operation == QUERY_ACCOUNTS);
    filter->limit = (uint32_t)narrow(replay, 32);
    filter->flags = set_if(flag(replay, "REV"), MR_LEDGER_FILTER_REVERSED);
}

static void read_query_accounts(struct replay *replay)
{
    read_query(replay, QUERY_ACCOUNTS);
}

static void read_query_transfers(struct replay *replay)
{
    read_query(replay, QUERY_TRANSFERS);
}

static void read_found_transfer(struct replay *replay)
{
    struct row *row = add_row(replay, replay->operation);
    row->id = wide(replay, 128);
}

static void read_found_balance(struct replay *replay)
{
    struct row *row = add_row(replay, GET_ACCOUNT_BALANCES);
    row->id = wide(replay, 128);
    balances(replay, &row->account);
}

static void read_found_account(struct replay *replay)
{
    struct row *row = add_row(replay, QUERY_ACCOUNTS);
    row->id = wide(replay, 128);
    if (replay->word < replay->word_count && strcmp(replay->words[replay->word], "_") == 0) {
        next_word(replay);
        return;
    }
    balances(replay, &row->account);
    row->account.flags = set_if(flag(replay, "CLSD"), MR_LEDGER_ACCOUNT_CLOSED);
}

static void read_skipped(struct replay *replay)
{
    add_row(replay, GET_CHANGE_EVENTS);
    replay->row_count = 0;
    replay->word = replay->word_count;
    replay->report->skipped++;
}

/* -- What takes effect at once. ---------------------------------------------------------------- */

static void read_setup(struct replay *replay)
{
    struct mr_ledger *ledger = replay->rig.ledger;
    uint32_t number = mr_ledger_account_find(ledger, wide(replay, 128));
    struct mr_ledger_account account;
    balances(replay, &account);
    replay->rig.unbalanced = true;
    if (number == 0) {
        ledger_table_complain(replay, "there is no such account");
        return;
    }
    struct ledger_balances *set = &ledger_account(ledger, number)->balances;
    set->debits_pending = account.debits_pending;
    set->debits_posted = account.debits_posted;
    set->credits_pending = account.credits_pending;
    set->credits_posted = account.credits_posted;
}

/* -N: as much before the end of time, counted from now. */
static void read_tick(struct replay *replay)
{
    const char *value = next_word(replay);
    bool from_end = *value == '-';
    uint64_t count = strtoull(value + from_end, NULL, 10);
    const char *unit = next_word(replay);
    bool seconds = strcmp(unit, "seconds") == 0;
    if (count == 0 || (!seconds && strcmp(unit, "nanoseconds") != 0)) {
        ledger_table_complain(replay, "not a number of seconds or nanoseconds");
        return;
    }
    count *= seconds ? SECOND : 1;
    replay->time += from_end ? (uint64_t)INT64_MAX - count : count;
    ledger_expire(&replay->rig, replay->time, LEDGER_EXPIRE_MAX);
}

static void read_commit(struct replay *replay)
{
    const char *name = next_word(replay);
    enum operation asked = NOTHING;
    for (uint32_t i = NOTHING + 1; i < OPERATIONS; i++)
        if (strcmp(name, operation_names[i]) == 0)
            asked = (enum operation)i;
    if (asked == NOTHING || (replay->operation != NOTHING && replay->operation != asked))
        ledger_table_complain(replay, "what is committed is not what stands above");
    else if (!replay->bad)
        ledger_table_ask(replay, asked);
    replay->operation = NOTHING;
    replay->row_count = 0;
}

/* -- Tables. ----------------------------------------------------------------------------------- */

struct reader {
    const char *word;
    void (*read)(struct replay *replay);
};

static const struct reader readers[] = {
    {"account", read_account},
    {"transfer", read_transfer},
    {"commit", read_commit},
    {"setup", read_setup},
    {"tick", read_tick},
    {"lookup_account", read_lookup_account},
    {"lookup_transfer", read_lookup_transfer},
    {"get_account_transfers", read_account_transfers},
    {"get_account_transfers_result", read_found_transfer},
    {"get_account_balances", read_account_balances},
    {"get_account_balances_result", read_found_balance},
    {"query_accounts", read_query_accounts},
    {"query_accounts_result", read_found_account},
    {"query_transfers", read_query_transfers},
    {"query_transfers_result", read_found_transfer},
    {"get_change_events", read_skipped},
    {"get_change_events_result", read_skipped},
};

static void open_table(struct replay *replay)
{
    struct mr_ledger_config config = ledger_config();
    ledger_open(&replay->rig, &config);
    replay->time = 0;
    replay->account_count = replay->transfer_count = 0;
    replay->report->tables++;
}

static void close_table(struct replay *replay)
{
    if (replay->operation != NOTHING)
        ledger_table_complain(replay, "the table ends without a commit");
    if (replay->rig.ledger != NULL)
        ledger_close(&replay->rig);
    replay->rig.ledger = NULL;
    replay->operation = NOTHING;
    replay->row_count = 0;
}

static void read_row(struct replay *replay)
{
    const char *word = next_word(replay);
    if (strcmp(word, "table") == 0) {
        close_table(replay);
        open_table(replay);
        return;
    }
    if (replay->rig.ledger == NULL)
        open_table(replay);
    for (size_t i = 0; i < EVENTS(readers); i++)
        if (strcmp(word, readers[i].word) == 0) {
            readers[i].read(replay);
            if (replay->word != replay->word_count)
                ledger_table_complain(replay, "a column too many");
            return;
        }
    ledger_table_complain(replay, "no such row");
}

void ledger_tables_replay(const char *name, char *text, FILE *out, struct ledger_tables *report)
{
    static struct replay replay;
    char *rest = text;
    memset(&replay, 0, sizeof replay);
    replay.name = name;
    replay.out = out;
    replay.report = report;
    while (rest != NULL) {
        char *line = strsep(&rest, "\n");
        replay.line++;
        replay.bad = false;
        split(&replay, line);
        if (replay.word_count > 0)
            read_row(&replay);
        report->errors += replay.bad;
    }
    replay.bad = false;
    close_table(&replay);
    report->errors += replay.bad;
}
