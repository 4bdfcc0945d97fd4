/*
 * A simulated disk for the tests of it, with one file.
 */
#ifndef MR_TESTS_BASE_SIM_RIG_H
#define MR_TESTS_BASE_SIM_RIG_H

#include "tests/support/sim_storage.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED_DEFAULT UINT64_C(20240607)

enum { SECTOR = MR_SECTOR_SIZE, PAGE = MR_STORAGE_ALIGNMENT, SEEDS = 64 };

static inline uint64_t first_seed(void)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? SEED_DEFAULT : strtoull(text, NULL, 10);
    print_message("MR_SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* One simulated disk with a file "a" of one synced page of 'o' (old), whose name is synced, too. */
struct rig {
    struct mr_sim *sim;
    struct mr_storage *storage;
    const struct mr_storage_calls *calls;
    int file;
    int root;
    struct mr_random random; /* for the crash */
    struct mr_error error;
    unsigned char bytes[2 * PAGE];
};

static inline void rig_open(struct rig *rig, const char *name, int flags)
{
    assert_int_equal(rig->calls->open(rig->storage, name, flags, &rig->file, NULL), MR_OK);
    assert_int_equal(rig->calls->open_directory(rig->storage, "", &rig->root, NULL), MR_OK);
}

static inline void rig_write(struct rig *rig, uint64_t offset, size_t size, char filler)
{
    memset(rig->bytes, filler, size);
    assert_int_equal(rig->calls->write(rig->storage, rig->file, offset, rig->bytes, size, NULL),
                     MR_OK);
}

static inline void rig_sync(struct rig *rig, int file)
{
    assert_int_equal(rig->calls->sync(rig->storage, file, NULL), MR_OK);
}

/* Without a file. */
static inline void rig_make_bare(struct rig *rig, const struct mr_sim_options *options)
{
    *rig = (struct rig){.sim = mr_sim_create(options), .file = -1, .root = -1};
    rig->storage = mr_sim_storage(rig->sim);
    rig->calls = rig->storage->calls;
    mr_random_init(&rig->random, options->seed);
}

static inline void rig_make(struct rig *rig, uint64_t seed)
{
    rig_make_bare(rig, &(struct mr_sim_options){.seed = seed, .delay_max = 4});
    rig_open(rig, "a", MR_OPEN_WRITE | MR_OPEN_CREATE);
    rig_write(rig, 0, PAGE, 'o');
    rig_sync(rig, rig->file);
    rig_sync(rig, rig->root);
}

static inline void rig_free(struct rig *rig)
{
    mr_sim_destroy(rig->sim);
}

static inline char byte_at(struct rig *rig, const char *name, uint64_t offset)
{
    char byte = '?';
    mr_sim_read(rig->sim, MR_SIM_CURRENT, name, offset, &byte, 1);
    return byte;
}

static inline bool exists(struct rig *rig, const char *name)
{
    return mr_sim_size(rig->sim, MR_SIM_CURRENT, name) != UINT64_MAX;
}

static inline bool keep_all(void *context)
{
    (void)context;
    return true;
}

static inline bool keep_none(void *context)
{
    (void)context;
    return false;
}

static inline void crash_keeping(struct rig *rig, bool (*keep)(void *context))
{
    mr_sim_crash_choosing(rig->sim, &(struct sim_choice){.keep = keep});
}

static inline void start_queue(struct rig *rig, uint32_t depth)
{
    struct mr_queue_options options = {.depth = depth};
    assert_int_equal(rig->calls->queue_start(rig->storage, &options, NULL), MR_OK);
}

static inline void submit(struct rig *rig, enum mr_io_kind kind, uint64_t offset, uint64_t tag)
{
    struct mr_io io = {kind, rig->file, rig->bytes, PAGE, offset, tag};
    assert_int_equal(rig->calls->queue_submit(rig->storage, &io), MR_OK);
    assert_int_equal(rig->calls->queue_flush(rig->storage, NULL), MR_OK);
}

static inline int reap(struct rig *rig, uint64_t *tag)
{
    struct mr_io_result result;
    assert_int_equal(rig->calls->queue_reap(rig->storage, &result, 1, 1, NULL), 1);
    *tag = result.tag;
    return result.system_error;
}

#endif
