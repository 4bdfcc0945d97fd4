/*
 * SQLite: write-ahead log, synchronous=FULL (the log is synced at every commit), one transaction a
 * batch, one prepared statement. The sequence is the row's id. An exclusive lock spares it the
 * shared memory for other processes.
 */
#include "bench/journal/stores.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

struct database {
    sqlite3 *connection;
    sqlite3_stmt *begin;
    sqlite3_stmt *insert;
    sqlite3_stmt *commit;
};

static const char set_up[] = "PRAGMA locking_mode=EXCLUSIVE;"
                             "PRAGMA journal_mode=WAL;"
                             "PRAGMA synchronous=FULL;"
                             "CREATE TABLE commands(sequence INTEGER PRIMARY KEY, command BLOB);";

static void close_database(void *opened)
{
    struct database *database = opened;
    sqlite3_finalize(database->begin);
    sqlite3_finalize(database->insert);
    sqlite3_finalize(database->commit);
    sqlite3_close(database->connection);
    free(database);
}

static bool prepare(struct database *database, const char *text, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v2(database->connection, text, -1, statement, NULL) == SQLITE_OK;
}

static void *open_database(const char *directory)
{
    char path[COMMON_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/commands.db", directory);
    struct database *database = calloc(1, sizeof *database);
    if (database == NULL || sqlite3_open(path, &database->connection) != SQLITE_OK ||
        sqlite3_exec(database->connection, set_up, NULL, NULL, NULL) != SQLITE_OK ||
        !prepare(database, "BEGIN IMMEDIATE", &database->begin) ||
        !prepare(database, "INSERT INTO commands VALUES(?, ?)", &database->insert) ||
        !prepare(database, "COMMIT", &database->commit)) {
        (void)common_fail("sqlite", database != NULL ? sqlite3_errmsg(database->connection) : "");
        if (database != NULL) {
            close_database(database);
        }
        return NULL;
    }
    return database;
}

static bool step(sqlite3_stmt *statement)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && done;
}

static bool put(void *opened, uint64_t first, const struct common_command *commands, uint32_t count)
{
    struct database *database = opened;
    bool good = step(database->begin);
    for (uint32_t i = 0; i < count && good; i++) {
        sqlite3_bind_int64(database->insert, 1, (sqlite3_int64)first + i);
        sqlite3_bind_blob(database->insert, 2, &commands[i], COMMON_COMMAND_BYTES, SQLITE_STATIC);
        good = step(database->insert);
    }
    good = good && step(database->commit);
    if (!good) {
        (void)common_fail("sqlite", sqlite3_errmsg(database->connection));
    }
    return good;
}

static int64_t count_rows(sqlite3_stmt *select)
{
    int64_t count = 0;
    int status;
    while ((status = sqlite3_step(select)) == SQLITE_ROW) {
        if (sqlite3_column_int64(select, 0) != count + 1 ||
            sqlite3_column_bytes(select, 1) != COMMON_COMMAND_BYTES ||
            !common_command_whole(sqlite3_column_blob(select, 1), (uint64_t)count + 1)) {
            return -1;
        }
        count++;
    }
    return status == SQLITE_DONE ? count : -1;
}

static int64_t count(const char *directory)
{
    static const char text[] = "SELECT sequence, command FROM commands ORDER BY sequence";
    char path[COMMON_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/commands.db", directory);
    sqlite3 *connection = NULL;
    sqlite3_stmt *select = NULL;
    int64_t result = -1;
    if (sqlite3_open(path, &connection) == SQLITE_OK &&
        sqlite3_prepare_v2(connection, text, -1, &select, NULL) == SQLITE_OK) {
        result = count_rows(select);
    }
    sqlite3_finalize(select);
    sqlite3_close(connection);
    return result;
}

void sqlite_add(void)
{
    static const struct store store = {"sqlite", true,           open_database, put,
                                       NULL,     close_database, count};
    batches_add_store(&store);
}
