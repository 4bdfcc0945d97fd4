/*
 * LMDB: one transaction a batch, synced by default (no MDB_NOSYNC, no MDB_NOMETASYNC). The sequence
 * is the key, an integer that is appended (MDB_INTEGERKEY, MDB_APPEND). Writing through the mapping
 * (MDB_WRITEMAP) was slower.
 */
#include "bench/journal/stores.h"

#include <lmdb.h>
#include <stdlib.h>

struct environment {
    MDB_env *env;
    MDB_dbi table;
};

static const size_t map_bytes = (size_t)4 << 30;

static bool check(int status)
{
    if (status != MDB_SUCCESS) {
        (void)common_fail("lmdb", mdb_strerror(status));
    }
    return status == MDB_SUCCESS;
}

static void close_environment(void *opened)
{
    struct environment *environment = opened;
    mdb_env_close(environment->env);
    free(environment);
}

static int open_table(struct environment *environment)
{
    MDB_txn *transaction;
    int status = mdb_txn_begin(environment->env, NULL, 0, &transaction);
    if (status == MDB_SUCCESS) {
        status = mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY | MDB_CREATE, &environment->table);
        int committed = mdb_txn_commit(transaction);
        status = status == MDB_SUCCESS ? committed : status;
    }
    return status;
}

static void *open_environment(const char *directory)
{
    struct environment *environment = calloc(1, sizeof *environment);
    if (environment == NULL || !check(mdb_env_create(&environment->env))) {
        free(environment);
        return NULL;
    }
    int status = mdb_env_set_mapsize(environment->env, map_bytes);
    if (status == MDB_SUCCESS) {
        status = mdb_env_open(environment->env, directory, 0, 0644);
    }
    if (status == MDB_SUCCESS) {
        status = open_table(environment);
    }
    if (!check(status)) {
        close_environment(environment);
        return NULL;
    }
    return environment;
}

static bool put(void *opened, uint64_t first, const struct common_command *commands, uint32_t count)
{
    struct environment *environment = opened;
    MDB_txn *transaction;
    int status = mdb_txn_begin(environment->env, NULL, 0, &transaction);
    if (!check(status)) {
        return false;
    }
    for (uint32_t i = 0; i < count && status == MDB_SUCCESS; i++) {
        size_t sequence = first + i;
        struct common_command command = commands[i];
        MDB_val key = {sizeof sequence, &sequence};
        MDB_val value = {sizeof command, &command};
        status = mdb_put(transaction, environment->table, &key, &value, MDB_APPEND);
    }
    if (status != MDB_SUCCESS) {
        mdb_txn_abort(transaction);
        return check(status);
    }
    return check(mdb_txn_commit(transaction));
}

static int64_t count_pairs(MDB_cursor *cursor)
{
    int64_t count = 0;
    MDB_val key;
    MDB_val value;
    int status;
    while ((status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
        if (value.mv_size != COMMON_COMMAND_BYTES ||
            !common_command_whole(value.mv_data, (uint64_t)count + 1)) {
            return -1;
        }
        count++;
    }
    return status == MDB_NOTFOUND ? count : -1;
}

static int64_t count(const char *directory)
{
    struct environment *environment = open_environment(directory);
    if (environment == NULL) {
        return -1;
    }
    MDB_txn *transaction;
    MDB_cursor *cursor;
    int64_t result = -1;
    if (check(mdb_txn_begin(environment->env, NULL, MDB_RDONLY, &transaction))) {
        if (check(mdb_cursor_open(transaction, environment->table, &cursor))) {
            result = count_pairs(cursor);
            mdb_cursor_close(cursor);
        }
        mdb_txn_abort(transaction);
    }
    close_environment(environment);
    return result;
}

void lmdb_add(void)
{
    static const struct store store = {"lmdb", true, open_environment, put, NULL, close_environment,
                                       count};
    batches_add_store(&store);
}
