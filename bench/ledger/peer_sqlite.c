#include "bench/ledger/peer_sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum statement {
    BEGIN,
    COMMIT,
    NEW_ACCOUNT,
    READ_ACCOUNT,
    DEBIT,
    CREDIT,
    NEW_TRANSFER,
    STATEMENTS,
};

static const char set_up[] =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA cache_size=-1048576;"
    "CREATE TABLE accounts(id BLOB PRIMARY KEY, debits BLOB, credits BLOB, ledger INTEGER,"
    "                      code INTEGER, flags INTEGER) WITHOUT ROWID;"
    "CREATE TABLE transfers(id BLOB PRIMARY KEY, debit BLOB, credit BLOB, amount BLOB,"
    "                       user_data INTEGER, ledger INTEGER, code INTEGER, flags INTEGER,"
    "                       time INTEGER) WITHOUT ROWID;";

static const char *const texts[STATEMENTS] = {
    "BEGIN IMMEDIATE",
    "COMMIT",
    "INSERT INTO accounts VALUES(?, zeroblob(16), zeroblob(16), ?, ?, ?)",
    "SELECT debits, credits, ledger, flags FROM accounts WHERE id = ?",
    "UPDATE accounts SET debits = ? WHERE id = ?",
    "UPDATE accounts SET credits = ? WHERE id = ?",
    "INSERT INTO transfers VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
};

struct peer_sqlite {
    sqlite3 *connection;
    sqlite3_stmt *statements[STATEMENTS];
};

static bool failed(struct peer_sqlite *peer)
{
    fprintf(stderr, "bench_ledger: sqlite: %s\n",
            peer != NULL ? sqlite3_errmsg(peer->connection) : "not enough memory");
    return false;
}

struct peer_sqlite *peer_sqlite_open(const char *path)
{
    struct peer_sqlite *peer = calloc(1, sizeof(*peer));
    bool good = peer != NULL && sqlite3_open(path, &peer->connection) == SQLITE_OK &&
                sqlite3_exec(peer->connection, set_up, NULL, NULL, NULL) == SQLITE_OK;
    for (int i = 0; i < STATEMENTS && good; i++)
        good = sqlite3_prepare_v2(peer->connection, texts[i], -1, &peer->statements[i], NULL) ==
               SQLITE_OK;
    if (good)
        return peer;
    (void)failed(peer);
    if (peer != NULL)
        peer_sqlite_close(peer);
    return NULL;
}

void peer_sqlite_close(struct peer_sqlite *peer)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(peer->statements[i]);
    sqlite3_close(peer->connection);
    free(peer);
}

static void bind(struct peer_sqlite *peer, enum statement statement, int place,
                 const struct mr_u128 *value)
{
    sqlite3_bind_blob(peer->statements[statement], place, value, sizeof(*value), SQLITE_STATIC);
}

static bool step(struct peer_sqlite *peer, enum statement statement)
{
    bool done = sqlite3_step(peer->statements[statement]) == SQLITE_DONE;
    return sqlite3_reset(peer->statements[statement]) == SQLITE_OK && done;
}

static bool insert_account(struct peer_sqlite *peer, const struct mr_ledger_account *event)
{
    sqlite3_stmt *insert = peer->statements[NEW_ACCOUNT];
    bind(peer, NEW_ACCOUNT, 1, &event->id);
    sqlite3_bind_int64(insert, 2, event->ledger);
    sqlite3_bind_int(insert, 3, event->code);
    sqlite3_bind_int(insert, 4, event->flags);
    return step(peer, NEW_ACCOUNT);
}

bool peer_sqlite_accounts_create(struct peer_sqlite *peer, const struct mr_ledger_account *events,
                                 uint32_t count)
{
    bool good = step(peer, BEGIN);
    for (uint32_t i = 0; i < count && good; i++)
        good = insert_account(peer, &events[i]);
    return (good && step(peer, COMMIT)) || failed(peer);
}

/* Reads one of an account's balances (0: debits, 1: credits) and adds to it. */
static bool read_sum(struct peer_sqlite *peer, const struct mr_u128 *id, int side,
                     struct mr_u128 amount, struct mr_u128 *sum)
{
    sqlite3_stmt *select = peer->statements[READ_ACCOUNT];
    bind(peer, READ_ACCOUNT, 1, id);
    bool good = sqlite3_step(select) == SQLITE_ROW &&
                sqlite3_column_bytes(select, side) == (int)sizeof(struct mr_u128);
    if (good) {
        const struct mr_u128 *balance = sqlite3_column_blob(select, side);
        good = !mr_u128_add(*balance, amount, sum);
    }
    return sqlite3_reset(select) == SQLITE_OK && good;
}

static bool write_sum(struct peer_sqlite *peer, enum statement statement, const struct mr_u128 *id,
                      const struct mr_u128 *sum)
{
    bind(peer, statement, 1, sum);
    bind(peer, statement, 2, id);
    return step(peer, statement) && sqlite3_changes(peer->connection) == 1;
}

static bool insert_transfer(struct peer_sqlite *peer, const struct mr_ledger_transfer *event,
                            uint64_t time_ns)
{
    sqlite3_stmt *insert = peer->statements[NEW_TRANSFER];
    bind(peer, NEW_TRANSFER, 1, &event->id);
    bind(peer, NEW_TRANSFER, 2, &event->debit_account_id);
    bind(peer, NEW_TRANSFER, 3, &event->credit_account_id);
    bind(peer, NEW_TRANSFER, 4, &event->amount);
    sqlite3_bind_int64(insert, 5, (sqlite3_int64)event->user_data_64);
    sqlite3_bind_int64(insert, 6, event->ledger);
    sqlite3_bind_int(insert, 7, event->code);
    sqlite3_bind_int(insert, 8, event->flags);
    sqlite3_bind_int64(insert, 9, (sqlite3_int64)time_ns);
    return step(peer, NEW_TRANSFER);
}

bool peer_sqlite_transfers_create(struct peer_sqlite *peer, const struct mr_ledger_transfer *events,
                                  uint32_t count, uint64_t time_ns)
{
    bool good = step(peer, BEGIN);
    for (uint32_t i = 0; i < count && good; i++) {
        const struct mr_ledger_transfer *event = &events[i];
        struct mr_u128 debits;
        struct mr_u128 credits;
        good = read_sum(peer, &event->debit_account_id, 0, event->amount, &debits) &&
               read_sum(peer, &event->credit_account_id, 1, event->amount, &credits) &&
               write_sum(peer, DEBIT, &event->debit_account_id, &debits) &&
               write_sum(peer, CREDIT, &event->credit_account_id, &credits) &&
               insert_transfer(peer, event, time_ns + i);
    }
    return (good && step(peer, COMMIT)) || failed(peer);
}
