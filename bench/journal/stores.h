/*
 * The peers of batch-*: each stores batches of commands of 128 bytes under their sequences, all or
 * none of a batch, and has it on stable storage before it says that it is done.
 */
#ifndef MR_BENCH_JOURNAL_STORES_H
#define MR_BENCH_JOURNAL_STORES_H

#include "bench/journal/common.h"

enum { STORE_BATCH_MAX = 256, STORE_OUTSTANDING = 64 };

struct store {
    const char *subject;
    bool in_many; /* it takes part in batch-N-x64 */
    /* Makes an empty one in an empty directory. NULL: said why. */
    void *(*open)(const char *directory);
    /* Stores commands first, first + 1, ... as one batch. True: all of it is durable. */
    bool (*put)(void *opened, uint64_t first, const struct common_command *commands,
                uint32_t count);
    /* Stores batch after batch of `count` commands, with `outstanding` of them begun and not yet
     * durable, until store_goes_on says no; all of them are durable when it returns. Returns how
     * many commands, or less than 0. NULL: it can only do one at a time. */
    int64_t (*put_many)(void *opened, uint32_t count, uint32_t outstanding);
    void (*close)(void *opened);
    /* Opens it again, checks every command (they begin with 1), and returns how many there are;
     * below 0: it is damaged, or they are not as written. */
    int64_t (*count)(const char *directory);
};

/* Is there time for one more batch in this run? Any thread. */
bool store_goes_on(void);

/* Each registers its stores in the rows. Peers that were not there when the bench was built are
 * left out: their files are not compiled (MR_BENCH_PEER_... tells). */
void batches_add_store(const struct store *store);

void lmdb_add(void);
void redis_add(void);
void rocksdb_add(void);
void sqlite_add(void);

#endif
