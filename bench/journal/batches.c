/*
 * Batches of 1, 16 and 256 commands of 128 bytes. In batch-N one thread stores a batch, waits until
 * it is on stable storage, and goes on with the next. In batch-N-x64 there are 64 batches that were
 * begun and are not yet known to be durable: millrace gathers what there is in blocks, RocksDB has
 * 64 threads, Redis 64 connections; SQLite and LMDB know one writer at a time, so they do what they
 * do in batch-N. Every subject begins with an empty store in a new directory on the same file
 * system and runs for the same time; afterwards it is opened again, and every command must be
 * there.
 */
#include "bench/journal/fio.h"
#include "bench/journal/ours.h"
#include "bench/journal/rows.h"
#include "bench/journal/stores.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SIZES = 3,
    SUBJECTS_MAX = 60,
    RUN_MS = 500,
    RUN_MS_QUICK = 100,
    IN_FLIGHT = 4, /* frames, where ours does not wait for each batch */
    BLOCK_FRAME = 256 << 10,
    FIO_BYTES = 64 << 20,
};

static const struct {
    const char *row;
    const char *row_many;
    uint32_t count;
} sizes[SIZES] = {{"batch-1", "batch-1-x64", 1},
                  {"batch-16", "batch-16-x64", 16},
                  {"batch-256", "batch-256-x64", STORE_BATCH_MAX}};

/* One subject in one row. */
struct subject {
    const struct store *store; /* NULL: ours or fio */
    uint32_t count;            /* commands of a batch */
    uint32_t outstanding;      /* batches */
};

static struct {
    struct subject all[SUBJECTS_MAX];
    size_t count;
} subjects;

static uint64_t run_start_ns;

static uint64_t run_ms(void)
{
    return bench_quick() ? RUN_MS_QUICK : RUN_MS;
}

bool store_goes_on(void)
{
    return bench_now_ns() - run_start_ns < run_ms() * 1000000;
}

/* -- Ours. ------------------------------------------------------------------------------------- */

static uint32_t frame_bytes(uint32_t count)
{
    return mr_frame_length(MR_ENTRY_SIZE + count * COMMON_COMMAND_BYTES);
}

/* Adds a batch to the block in hand, which holds `held` commands. */
static void add_batch(struct ours *ours, uint32_t held, uint32_t count)
{
    unsigned char *block = ours_block(ours) + (size_t)held * COMMON_COMMAND_BYTES;
    for (size_t k = 0; k < count; k++) {
        common_command_make(block + k * COMMON_COMMAND_BYTES, ours->tip.sequence + held + 1 + k);
    }
}

static bool append_one_by_one(struct ours *ours, uint32_t count)
{
    bool good = true;
    while (good && store_goes_on()) {
        add_batch(ours, 0, count);
        good = ours_append_soon(ours, count, count * COMMON_COMMAND_BYTES) && ours_settle(ours) &&
               !mr_journal_busy(ours->journal);
    }
    return good;
}

/* Begins as many batches as may be outstanding and appends what has gathered as soon as a frame may
 * go out. The journal's index tells what is durable: `ends` has the last sequence of each entry
 * that may be in flight. */
static bool append_many(struct ours *ours, uint32_t count, uint32_t outstanding)
{
    enum { ENDS = 16 };
    uint64_t ends[ENDS] = {0};
    uint32_t held = 0;
    uint32_t room = ours_block_bytes(ours) / COMMON_COMMAND_BYTES;
    bool more = true;
    while (more || held > 0) {
        uint64_t durable = ends[mr_journal_durable_index(ours->journal) % ENDS];
        uint32_t limit = outstanding * count;
        while (more && held + count <= room &&
               ours->tip.sequence + held + count - durable <= limit) {
            add_batch(ours, held, count);
            held += count;
        }
        bool ready = mr_journal_ready(ours->journal);
        if (ready && held > 0) {
            int status = ours_append(ours, held, held * COMMON_COMMAND_BYTES);
            if (status < 0) {
                return false;
            }
            if (status == MR_OK) {
                ends[ours->tip.index % ENDS] = ours->tip.sequence;
                held = 0;
            }
        }
        if (!ours_poll(ours, !ready || held == 0)) {
            return false;
        }
        more = store_goes_on();
    }
    return true;
}

static double measure_ours(void *context)
{
    const struct subject *subject = context;
    bool many = subject->outstanding > 1;
    const struct ours_options options = {.frame_bytes =
                                             many ? BLOCK_FRAME : frame_bytes(subject->count),
                                         .frames_in_flight = many ? IN_FLIGHT : 1};
    struct ours ours;
    double result = BENCH_FAILED;
    if (ours_open(&ours, &options)) {
        run_start_ns = bench_now_ns();
        bool good = many ? append_many(&ours, subject->count, subject->outstanding)
                         : append_one_by_one(&ours, subject->count);
        good = good && ours_settle(&ours);
        uint64_t elapsed_ns = bench_now_ns() - run_start_ns;
        if (good && ours_stop(&ours) && ours_count(&ours) == (int64_t)ours.tip.sequence) {
            result = (double)ours.tip.sequence * 1e9 / (double)elapsed_ns;
        }
    }
    ours_close(&ours);
    return result;
}

/* -- fio: as many bytes as ours writes for a batch, one after another. ------------------------- */

static double measure_fio(void *context)
{
    const struct subject *subject = context;
    const struct fio_job job = {.block_bytes = frame_bytes(subject->count),
                                .depth = 1,
                                .bytes = FIO_BYTES,
                                .run_ms = run_ms()};
    struct fio_report report;
    double status = fio_run(&job, &report);
    return status < 0 ? status : report.operations_per_s * subject->count;
}

/* -- Peers. ------------------------------------------------------------------------------------ */

/* One batch after the other as long as the run lasts; how many commands, or -1. */
static int64_t put_one_by_one(const struct subject *subject, void *opened)
{
    static struct common_command commands[STORE_BATCH_MAX];
    uint64_t done = 0;
    while (store_goes_on()) {
        for (uint32_t k = 0; k < subject->count; k++) {
            common_command_make(&commands[k], done + 1 + k);
        }
        if (!subject->store->put(opened, done + 1, commands, subject->count)) {
            return -1;
        }
        done += subject->count;
    }
    return (int64_t)done;
}

static double measure_in(const struct subject *subject, const char *directory)
{
    void *opened = subject->store->open(directory);
    if (opened == NULL) {
        return BENCH_FAILED;
    }
    run_start_ns = bench_now_ns();
    bool many = subject->outstanding > 1 && subject->store->put_many != NULL;
    int64_t done = many ? subject->store->put_many(opened, subject->count, subject->outstanding)
                        : put_one_by_one(subject, opened);
    uint64_t elapsed_ns = bench_now_ns() - run_start_ns;
    subject->store->close(opened);
    if (done < 0) {
        return BENCH_FAILED;
    }
    if (subject->store->count(directory) != done) {
        return common_fail(subject->store->subject, "not all commands are there");
    }
    return (double)done * 1e9 / (double)elapsed_ns;
}

static double measure_store(void *context)
{
    const struct subject *subject = context;
    char directory[COMMON_PATH_SIZE];
    common_path(subject->store->subject, directory);
    if (mkdir(directory, 0755) != 0) {
        return common_fail("cannot make a directory", directory);
    }
    double result = measure_in(subject, directory);
    common_remove(directory);
    return result;
}

/* -- The rows. --------------------------------------------------------------------------------- */

static void add_case(const char *row, const char *name, double (*measure)(void *context),
                     struct subject subject)
{
    ASSERT(subjects.count < SUBJECTS_MAX);
    struct subject *kept = &subjects.all[subjects.count++];
    *kept = subject;
    bench_add((struct bench_case){.row = row,
                                  .subject = name,
                                  .unit = BENCH_COMMANDS_PER_S,
                                  .measure = measure,
                                  .context = kept});
}

static void add(const char *name, double (*measure)(void *context), const struct store *store,
                bool many)
{
    for (size_t i = 0; i < SIZES; i++) {
        add_case(many ? sizes[i].row_many : sizes[i].row, name, measure,
                 (struct subject){.store = store,
                                  .count = sizes[i].count,
                                  .outstanding = many ? STORE_OUTSTANDING : 1});
    }
}

void batches_add_store(const struct store *store)
{
    add(store->subject, measure_store, store, false);
    if (store->in_many) {
        add(store->subject, measure_store, store, true);
    }
}

/* NULL: it was not there when this was built. */
static const struct {
    const char *name;
    void (*add)(void);
} peers[] = {
#ifdef MR_BENCH_PEER_SQLITE
    {"sqlite", sqlite_add},
#else
    {"sqlite", NULL},
#endif
#ifdef MR_BENCH_PEER_LMDB
    {"lmdb", lmdb_add},
#else
    {"lmdb", NULL},
#endif
#ifdef MR_BENCH_PEER_ROCKSDB
    {"rocksdb", rocksdb_add},
#else
    {"rocksdb", NULL},
#endif
#ifdef MR_BENCH_PEER_REDIS
    {"redis", redis_add},
#else
    {"redis", NULL},
#endif
};

void batches_add(void)
{
    add("millrace", measure_ours, NULL, false);
    add("millrace", measure_ours, NULL, true);
    add("limit:fio", measure_fio, NULL, false);
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        if (peers[i].add != NULL) {
            peers[i].add();
        } else {
            fprintf(stderr, "bench_journal: left out, not installed when this was built: %s\n",
                    peers[i].name);
        }
    }
}
