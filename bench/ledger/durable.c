/*
 * durable-1M: the whole pipeline on two cores. Batches of 8,190 transfers between a million
 * accounts go from this thread through the input ring, the sequencer, the disk and the ledger, and
 * come back to it as answers; a transfer counts when its answer is here, and by then it is on
 * stable storage. Commands are made before the clock starts. Each run has an engine, a journal and
 * accounts of its own; the window fills while it is measured.
 *
 * All is written in a directory below the current one, and removed afterwards.
 */
#include "bench/ledger/bank.h"
#include "bench/ledger/peer_sqlite.h"
#include "bench/ledger/rows.h"

#include "bench/harness.h"
#include "bench/journal/common.h"

#include <millrace/millrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum {
    ACCOUNTS = 1000000,
    BATCHES = 128,
    BATCHES_QUICK = 32,
    SQLITE_BATCHES = 8, /* of a run: a second or so */
    SQLITE_BATCHES_QUICK = 2,
    SESSION = 1,
    POLL_LIMIT = 1024,
    TIMER_SLACK_NS = 1000,
    SEED = 1,
};

/* A command of either type: accounts and transfers take 128 bytes each. */
struct command {
    struct mr_command header;
    union {
        struct mr_ledger_account account;
        struct mr_ledger_transfer transfer;
    } body;
};

static struct {
    struct command *transfers;
    uint32_t batches;
    bool begun; /* the directory is there */
} made;

/* -- Commands. --------------------------------------------------------------------------------- */

static struct command *commands_allocate(size_t count)
{
    struct command *commands = calloc(count, sizeof(*commands));
    if (commands == NULL)
        fputs("bench_ledger: not enough memory\n", stderr);
    return commands;
}

static struct mr_command header_of(uint16_t type, uint64_t request, uint64_t time_ns)
{
    return (struct mr_command){.length = sizeof(struct command),
                               .type = type,
                               .role = MR_ROLE_USER,
                               .time_ns = time_ns,
                               .session = SESSION,
                               .request = request};
}

static bool make_transfers(void)
{
    struct traffic traffic = {0};
    uint64_t request = ACCOUNTS;
    made.batches = bench_quick() ? BATCHES_QUICK : BATCHES;
    made.transfers = commands_allocate((size_t)made.batches * TRAFFIC_BATCH);
    bool good = made.transfers != NULL && traffic_init(&traffic, TRAFFIC_UNIFORM, ACCOUNTS, SEED);
    for (uint32_t i = 0; i < made.batches && good; i++) {
        traffic_next(&traffic);
        for (uint32_t k = 0; k < TRAFFIC_BATCH; k++) {
            struct command *command = &made.transfers[(size_t)i * TRAFFIC_BATCH + k];
            command->header = header_of(MR_LEDGER_TRANSFER_CREATE, ++request, traffic.time_ns);
            command->body.transfer = traffic.events[k];
        }
    }
    traffic_free(&traffic);
    return good;
}

/* -- Driving. ---------------------------------------------------------------------------------- */

struct progress {
    uint64_t answers, rejected;
};

static void count_answer(void *context, const struct mr_answer *answer)
{
    struct progress *progress = context;
    progress->answers++;
    progress->rejected += answer->result != 0;
}

/* False: it has failed, or something was rejected; said why. */
static bool poll_once(struct mr_engine *engine, struct progress *progress, bool *idle)
{
    const struct mr_engine_handlers handlers = {.answer = count_answer, .context = progress};
    struct mr_error error;
    *idle = mr_engine_poll(engine, &handlers, POLL_LIMIT) == 0 && *idle;
    if (progress->rejected > 0)
        fputs("bench_ledger: durable-1M: a command that must succeed is rejected\n", stderr);
    else if (*idle && mr_engine_failure(engine, &error) != MR_OK)
        fprintf(stderr, "bench_ledger: durable-1M: %s\n", error.text);
    else
        return true;
    return false;
}

/* Submits so many commands, in batches, and polls until the last answer. */
static bool drive(struct mr_engine *engine, const struct command *commands, size_t count)
{
    const struct mr_command *batch[TRAFFIC_BATCH];
    struct progress progress = {0};
    size_t submitted = 0;
    while (progress.answers < count) {
        bool idle = true;
        size_t size = count - submitted < TRAFFIC_BATCH ? count - submitted : TRAFFIC_BATCH;
        for (size_t i = 0; i < size; i++)
            batch[i] = &commands[submitted + i].header;
        if (size > 0 && mr_engine_submit_batch(engine, batch, (uint32_t)size, NULL) == MR_OK) {
            submitted += size;
            idle = false;
        }
        if (!poll_once(engine, &progress, &idle))
            return false;
        if (idle)
            mr_engine_pause();
    }
    return true;
}

static bool create_accounts(struct mr_engine *engine)
{
    struct command *commands = commands_allocate(ACCOUNTS);
    for (uint32_t i = 0; commands != NULL && i < ACCOUNTS; i++) {
        commands[i].header = header_of(MR_LEDGER_ACCOUNT_CREATE, i + 1, i + 1);
        commands[i].body.account = traffic_account(i);
    }
    bool good = commands != NULL && drive(engine, commands, ACCOUNTS);
    free(commands);
    return good;
}

static int open_engine(const char *directory, struct mr_engine **engine, struct mr_error *error)
{
    struct mr_ledger_config config = bank_config(ACCOUNTS, BANK_WINDOW);
    const struct mr_engine_options options = {.directory = directory,
                                              .create = true,
                                              .logic = &mr_logic_ledger,
                                              .config = &config,
                                              .clock_kind = MR_CLOCK_INPUT};
    int status = mr_engine_open(&options, engine, error);
    if (status == MR_OK)
        status = mr_engine_start(*engine, error);
    if (status == MR_OK)
        status = mr_engine_session(*engine, SESSION, MR_ROLE_USER, NULL, error);
    return status;
}

static double measure_engine(void *context)
{
    (void)context;
    char directory[COMMON_PATH_SIZE];
    struct mr_engine *engine = NULL;
    struct mr_error error = {0};
    double rate = BENCH_FAILED;
    common_path("engine", directory);
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
    int status = open_engine(directory, &engine, &error);
    if (status == MR_OK && create_accounts(engine)) {
        size_t count = (size_t)made.batches * TRAFFIC_BATCH;
        uint64_t begin = bench_now_ns();
        if (drive(engine, made.transfers, count))
            rate = (double)count * 1e9 / (double)(bench_now_ns() - begin);
        status = mr_engine_stop(engine, &error);
    }
    if (status != MR_OK)
        rate = common_fail("durable-1M", error.text);
    mr_engine_close(engine);
    common_remove(directory);
    return rate;
}

/* -- SQLite. ----------------------------------------------------------------------------------- */

#ifdef MR_BENCH_PEER_SQLITE

/* It is filled once, and goes on from run to run. */
static struct {
    bool tried;
    struct peer_sqlite *peer;
    struct traffic traffic;
} sqlite;

static bool open_sqlite(void)
{
    char path[COMMON_PATH_SIZE];
    common_path("ledger.db", path);
    struct mr_ledger_account *accounts = calloc(ACCOUNTS, sizeof(*accounts));
    for (uint32_t i = 0; accounts != NULL && i < ACCOUNTS; i++)
        accounts[i] = traffic_account(i);
    sqlite.peer = peer_sqlite_open(path);
    bool good = accounts != NULL && sqlite.peer != NULL &&
                traffic_init(&sqlite.traffic, TRAFFIC_UNIFORM, ACCOUNTS, SEED) &&
                peer_sqlite_accounts_create(sqlite.peer, accounts, ACCOUNTS);
    free(accounts);
    return good;
}

static double measure_sqlite(void *context)
{
    (void)context;
    static bool good;
    if (!made.begun) /* there is no directory to be in: said so */
        return BENCH_SKIPPED;
    if (!sqlite.tried)
        good = open_sqlite();
    sqlite.tried = true;
    uint32_t batches = bench_quick() ? SQLITE_BATCHES_QUICK : SQLITE_BATCHES;
    uint64_t ns = 0;
    for (uint32_t i = 0; i < batches && good; i++) {
        traffic_next(&sqlite.traffic);
        uint64_t begin = bench_now_ns();
        good = peer_sqlite_transfers_create(sqlite.peer, sqlite.traffic.events,
                                            sqlite.traffic.count, sqlite.traffic.time_ns);
        ns += bench_now_ns() - begin;
    }
    return good ? (double)batches * TRAFFIC_BATCH * 1e9 / (double)ns : BENCH_FAILED;
}

static void sqlite_add(void)
{
    bench_add((struct bench_case){.row = "durable-1M",
                                  .subject = "sqlite",
                                  .unit = BENCH_TRANSFERS_PER_S,
                                  .measure = measure_sqlite});
}

static void sqlite_end(void)
{
    if (sqlite.peer != NULL)
        peer_sqlite_close(sqlite.peer);
    traffic_free(&sqlite.traffic);
}

#else

static void sqlite_add(void)
{
    fputs("bench_ledger: sqlite is left out: it was not there when this was built\n", stderr);
}

static void sqlite_end(void)
{
}

#endif

/* -- The row. ---------------------------------------------------------------------------------- */

static double measure_first(void *context)
{
    if (!made.begun)
        made.begun = common_begin(".") && make_transfers();
    return made.begun ? measure_engine(context) : BENCH_FAILED;
}

void durable_add(void)
{
    bench_add((struct bench_case){.row = "durable-1M",
                                  .subject = "millrace",
                                  .unit = BENCH_TRANSFERS_PER_S,
                                  .measure = measure_first});
    sqlite_add();
}

void durable_end(void)
{
    sqlite_end();
    free(made.transfers);
    if (made.begun)
        common_end();
}
