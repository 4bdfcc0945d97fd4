/* What the two halves of the replay of tables share: reading rows (ledger_table.c), and asking the
 * ledger and comparing (ledger_table_ask.c). */
#ifndef MR_TESTS_CORE_LEDGER_TABLE_PARTS_H
#define MR_TESTS_CORE_LEDGER_TABLE_PARTS_H

#include "tests/core/ledger_rig.h"
#include "tests/core/ledger_table.h"

#include <millrace/ledger_queries.h>

enum { REQUEST_MAX = 128, KNOWN_MAX = 512, WORDS_MAX = 40, FOUND_MAX = 128 };

enum operation {
    NOTHING,
    CREATE_ACCOUNTS,
    CREATE_TRANSFERS,
    LOOKUP_ACCOUNTS,
    LOOKUP_TRANSFERS,
    GET_ACCOUNT_TRANSFERS,
    GET_ACCOUNT_BALANCES,
    QUERY_ACCOUNTS,
    QUERY_TRANSFERS,
    GET_CHANGE_EVENTS,
    OPERATIONS
};

/* A row of a request: what is asked, or what is expected, and where it stands. */
struct row {
    uint32_t line;
    bool known;      /* that it differs */
    uint32_t reason; /* expected of an event */
    bool there;      /* a lookup finds it */
    struct mr_u128 id;
    struct mr_ledger_account account;
    struct mr_ledger_transfer transfer;
    struct mr_ledger_row_balance balance;
};

struct replay {
    struct ledger_rig rig;
    const char *name;
    FILE *out;
    struct ledger_tables *report;
    uint32_t line;
    bool row_known, query_known;
    uint64_t time; /* the tables', see above */
    char *words[WORDS_MAX];
    uint32_t word_count, word;
    bool bad;

    enum operation operation;
    struct row rows[REQUEST_MAX];
    uint32_t row_count;
    uint32_t query_line;
    struct mr_ledger_account_filter account_filter;
    struct mr_ledger_query_filter query_filter;

    /* What the table says there is, and what was undone in the chain under way. */
    struct mr_ledger_account accounts[KNOWN_MAX];
    struct mr_ledger_transfer transfers[KNOWN_MAX];
    uint32_t account_count, transfer_count;
};

/* Tells what is wrong with the line, once. */
void ledger_table_complain(struct replay *replay, const char *what);

/* What the table says was created, or NULL. */
struct mr_ledger_account *ledger_table_account(struct replay *replay, struct mr_u128 id);
struct mr_ledger_transfer *ledger_table_transfer(struct replay *replay, struct mr_u128 id);

/* Asks the ledger what stands in `rows` or in the filters, and compares what it says. */
void ledger_table_ask(struct replay *replay, enum operation operation);

#endif
