/*
 * RocksDB: one WriteBatch a batch, WriteOptions.sync (its log is synced before the write returns),
 * no compression. The sequence is the key, big-endian, so that keys ascend. Several batches at a
 * time are put by as many threads, whose writes it joins for one sync. One thread then adds all of
 * them to the table in memory, which is twice as fast here as that each adds its own.
 */
#include "bench/journal/stores.h"

#include "base/bits.h"

#include <millrace/atomic.h>

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdlib.h>

struct database {
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *synced;
    rocksdb_writebatch_t *batch; /* of the thread that opened it */
    rocksdb_t *rocksdb;
};

static bool check(char *failure)
{
    bool good = failure == NULL;
    if (!good) {
        (void)common_fail("rocksdb", failure);
        rocksdb_free(failure);
    }
    return good;
}

static void close_database(void *opened)
{
    struct database *database = opened;
    if (database->rocksdb != NULL) {
        rocksdb_close(database->rocksdb);
    }
    rocksdb_writebatch_destroy(database->batch);
    rocksdb_writeoptions_destroy(database->synced);
    rocksdb_options_destroy(database->options);
    free(database);
}

static void *open_database(const char *directory)
{
    struct database *database = calloc(1, sizeof *database);
    if (database == NULL) {
        return NULL;
    }
    char *failure = NULL;
    database->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(database->options, 1);
    rocksdb_options_set_compression(database->options, rocksdb_no_compression);
    rocksdb_options_set_allow_concurrent_memtable_write(database->options, 0);
    database->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(database->synced, 1);
    database->batch = rocksdb_writebatch_create();
    database->rocksdb = rocksdb_open(database->options, directory, &failure);
    if (!check(failure)) {
        close_database(database);
        return NULL;
    }
    return database;
}

static bool put_with(struct database *database, rocksdb_writebatch_t *batch, uint64_t first,
                     const struct common_command *commands, uint32_t count)
{
    rocksdb_writebatch_clear(batch);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = __builtin_bswap64(first + i);
        rocksdb_writebatch_put(batch, (const char *)&key, sizeof key, (const char *)&commands[i],
                               COMMON_COMMAND_BYTES);
    }
    char *failure = NULL;
    rocksdb_write(database->rocksdb, database->synced, batch, &failure);
    return check(failure);
}

static bool put(void *opened, uint64_t first, const struct common_command *commands, uint32_t count)
{
    struct database *database = opened;
    return put_with(database, database->batch, first, commands, count);
}

/* What the threads that put share. */
struct crew {
    struct database *database;
    uint32_t count;
    MR_ATOMIC(uint64_t) done; /* commands that somebody has put or is putting */
    MR_ATOMIC(bool) failed;
};

static void *put_in_turn(void *context)
{
    struct crew *crew = context;
    struct common_command commands[STORE_BATCH_MAX];
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    bool good = true;
    while (good && store_goes_on()) {
        uint64_t before = mr_atomic_fetch_add(&crew->done, (uint64_t)crew->count, relaxed);
        for (uint32_t i = 0; i < crew->count; i++) {
            common_command_make(&commands[i], before + 1 + i);
        }
        good = put_with(crew->database, batch, before + 1, commands, crew->count);
    }
    if (!good) {
        mr_atomic_store(&crew->failed, true, relaxed);
    }
    rocksdb_writebatch_destroy(batch);
    return NULL;
}

static int64_t put_many(void *opened, uint32_t count, uint32_t outstanding)
{
    pthread_t threads[STORE_OUTSTANDING];
    struct crew crew = {.database = opened, .count = count};
    uint32_t started = 0;
    while (started < outstanding &&
           pthread_create(&threads[started], NULL, put_in_turn, &crew) == 0) {
        started++;
    }
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    bool good = started == outstanding && !mr_atomic_load(&crew.failed, relaxed);
    return good ? (int64_t)mr_atomic_load(&crew.done, relaxed) : -1;
}

static int64_t count_pairs(rocksdb_iterator_t *iterator)
{
    int64_t count = 0;
    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator) != 0;
         rocksdb_iter_next(iterator)) {
        size_t size;
        const char *value = rocksdb_iter_value(iterator, &size);
        if (size != COMMON_COMMAND_BYTES || !common_command_whole(value, (uint64_t)count + 1)) {
            return -1;
        }
        count++;
    }
    return count;
}

static int64_t count(const char *directory)
{
    struct database *database = open_database(directory);
    if (database == NULL) {
        return -1;
    }
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(database->rocksdb, options);
    int64_t result = count_pairs(iterator);
    char *failure = NULL;
    rocksdb_iter_get_error(iterator, &failure);
    rocksdb_iter_destroy(iterator);
    rocksdb_readoptions_destroy(options);
    close_database(database);
    return check(failure) ? result : -1;
}

void rocksdb_add(void)
{
    static const struct store store = {"rocksdb", true,           open_database, put,
                                       put_many,  close_database, count};
    batches_add_store(&store);
}
