/*
 * What a transfer costs in the ledger alone, in one thread: batches of 8,190 through
 * mr_ledger_transfers_create, with a window of 2^20 transfers that is full, so that each transfer
 * also makes the ledger forget one. A batch is made while the clock stands still, right before it
 * is measured: as in the engine, where it has just arrived.
 *
 * Everybody goes through the same transfers, and no run counts whose outcome is not right: as many
 * created as must be, and afterwards the same balances in accounts picked at random.
 */
#include "bench/ledger/bank.h"
#include "bench/ledger/peer_map.h"
#include "bench/ledger/rows.h"

#include "base/random.h"
#include "bench/harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BATCHES = 128, /* of a run */
    BATCHES_QUICK = 16,
    BATCHES_BEFORE = BANK_WINDOW / TRAFFIC_BATCH + 4, /* fill the window */
    SAMPLE = 5000,
    SEED = 1,
};

struct scene {
    const char *row;
    enum traffic_kind kind;
    uint32_t accounts;
    bool huge;
    bool lines; /* whether its limit is measured, too */
    bool peer;
};

enum subject { SUBJECT_MILLRACE, SUBJECT_LINES, SUBJECT_MAP, SUBJECTS };

static const char *const names[SUBJECTS] = {"millrace", "limit:lines", "unordered_map"};

/* A subject in a row. */
struct stand {
    bool tried, opened;
    uint64_t batches; /* so far */
    struct traffic traffic;
    struct bank bank;
    struct lines lines;
    struct peer_map *map;
};

/* The scene that was measured last is kept, with all its subjects. */
static struct {
    const struct scene *scene;
    struct stand stands[SUBJECTS];
    struct mr_ledger_result results[TRAFFIC_BATCH]; /* the peer's */
    /* The balances after so many batches, as whoever was there first has them. */
    uint64_t batches, digest;
} now;

/* -- Opening. ---------------------------------------------------------------------------------- */

static bool open_bank(const struct scene *scene, struct stand *stand)
{
    struct mr_ledger_config config = bank_config(scene->accounts, BANK_WINDOW);
    return bank_open(&stand->bank, &config, scene->huge);
}

/* In as much memory as ours takes, which is there already: it is the first subject. */
static bool open_lines(const struct scene *scene, struct stand *stand)
{
    const struct stand *ours = &now.stands[SUBJECT_MILLRACE];
    if (!ours->opened)
        return false;
    struct lines_sizes sizes = bank_sizes(&ours->bank);
    return lines_open(&stand->lines, &sizes, scene->huge);
}

static bool open_map(const struct scene *scene, struct stand *stand)
{
    stand->map = peer_map_open(scene->accounts, BANK_WINDOW);
    for (uint32_t i = 0; stand->map != NULL && i < scene->accounts; i++) {
        struct mr_ledger_account account = traffic_account(i);
        peer_map_account_create(stand->map, &account);
    }
    return stand->map != NULL;
}

static void stand_close(struct stand *stand)
{
    bank_close(&stand->bank);
    lines_close(&stand->lines);
    if (stand->map != NULL)
        peer_map_close(stand->map);
    traffic_free(&stand->traffic);
    *stand = (struct stand){0};
}

static void say_memory(const struct scene *scene)
{
    struct mr_ledger_config config = bank_config(scene->accounts, BANK_WINDOW);
    struct bank_bytes bytes = bank_bytes(&config);
    fprintf(stderr,
            "bench_ledger: %s: %" PRIu32 " accounts (%.1f bytes each), a window of %d transfers "
            "(%.1f bytes each), %.1f MB in all\n",
            scene->row, scene->accounts, bytes.account, BANK_WINDOW, bytes.transfer,
            (double)bytes.whole / 1e6);
}

void apply_end(void)
{
    for (int subject = 0; subject < SUBJECTS; subject++)
        stand_close(&now.stands[subject]);
    now.scene = NULL;
    now.batches = 0;
}

/* -- Measuring. -------------------------------------------------------------------------------- */

/* The next batch; ns that it took, or BENCH_FAILED. */
static double measure_batch(enum subject subject, struct stand *stand)
{
    const struct traffic *traffic = &stand->traffic;
    uint32_t created = 0;
    traffic_next(&stand->traffic);
    if (subject == SUBJECT_LINES)
        lines_prepare(&stand->lines, traffic);
    uint64_t begin = bench_now_ns();
    if (subject == SUBJECT_MILLRACE)
        bank_apply(&stand->bank, traffic);
    else if (subject == SUBJECT_LINES)
        lines_touch(&stand->lines, LINES_AHEAD);
    else
        created = peer_map_transfers_create(stand->map, traffic->events, traffic->count,
                                            traffic->time_ns, now.results);
    uint64_t end = bench_now_ns();
    if (subject == SUBJECT_MILLRACE)
        created = bank_created(&stand->bank, traffic->count);
    if (subject != SUBJECT_LINES && created != traffic->created) {
        fprintf(stderr, "bench_ledger: %s created %" PRIu32 " transfers of %" PRIu32 "\n",
                names[subject], created, traffic->created);
        return BENCH_FAILED;
    }
    stand->batches++;
    return (double)(end - begin);
}

static bool stand_open(const struct scene *scene, enum subject subject, struct stand *stand)
{
    static bool (*const openers[])(const struct scene *, struct stand *) = {open_bank, open_lines,
                                                                            open_map};
    if (!traffic_init(&stand->traffic, scene->kind, scene->accounts, SEED) ||
        !openers[subject](scene, stand)) {
        fprintf(stderr, "bench_ledger: %s of %s is left out: not enough memory\n", scene->row,
                names[subject]);
        return false;
    }
    if (subject == SUBJECT_MILLRACE)
        say_memory(scene);
    for (uint32_t i = 0; i < BATCHES_BEFORE; i++)
        if (measure_batch(subject, stand) < 0)
            return false;
    return true;
}

static struct stand *stand_get(const struct scene *scene, enum subject subject)
{
    if (now.scene != scene)
        apply_end();
    now.scene = scene;
    struct stand *stand = &now.stands[subject];
    if (!stand->tried) {
        stand->tried = true;
        stand->opened = stand_open(scene, subject, stand);
    }
    return stand->opened ? stand : NULL;
}

/* -- The outcome. ------------------------------------------------------------------------------ */

static uint64_t digest_of(enum subject subject, const struct stand *stand)
{
    struct mr_random random;
    mr_random_init(&random, SEED);
    uint64_t digest = 1;
    for (int i = 0; i < SAMPLE; i++) {
        uint32_t index = (uint32_t)mr_random_below(&random, stand->traffic.accounts);
        struct mr_u128 id = traffic_account_id(index);
        struct mr_ledger_account account;
        if (subject == SUBJECT_MILLRACE ? !mr_ledger_account_get(stand->bank.ledger, id, &account)
                                        : !peer_map_account_get(stand->map, id, &account))
            return 0;
        const struct mr_u128 balances[] = {account.debits_pending, account.debits_posted,
                                           account.credits_pending, account.credits_posted};
        for (size_t k = 0; k < 4; k++)
            digest = mr_mix64(digest + balances[k].low) + balances[k].high;
    }
    return digest;
}

static bool confirmed(enum subject subject, const struct stand *stand)
{
    if (subject == SUBJECT_LINES)
        return true;
    uint64_t digest = digest_of(subject, stand);
    if (now.batches != stand->batches) {
        now.batches = stand->batches;
        now.digest = digest;
    }
    if (digest != now.digest || digest == 0)
        fprintf(stderr, "bench_ledger: %s has other balances than others\n", names[subject]);
    return digest == now.digest && digest != 0;
}

/* -- Rows. ------------------------------------------------------------------------------------- */

struct run {
    const struct scene *scene;
    enum subject subject;
};

static double measure(void *context)
{
    const struct run *run = context;
    struct stand *stand = stand_get(run->scene, run->subject);
    if (stand == NULL)
        return BENCH_SKIPPED;
    double ns = 0;
    uint32_t batches = bench_quick() ? BATCHES_QUICK : BATCHES;
    for (uint32_t i = 0; i < batches; i++) {
        double batch_ns = measure_batch(run->subject, stand);
        if (batch_ns < 0)
            return BENCH_FAILED;
        ns += batch_ns;
    }
    if (!confirmed(run->subject, stand))
        return BENCH_FAILED;
    return (double)batches * TRAFFIC_BATCH * 1e9 / ns;
}

static struct scene scenes[] = {
    {"apply-uniform-10k", TRAFFIC_UNIFORM, 10000, true, true, true},
    {"apply-uniform-10k-4k", TRAFFIC_UNIFORM, 10000, false, true, false},
    {"apply-uniform-1M", TRAFFIC_UNIFORM, 1000000, true, true, true},
    {"apply-uniform-1M-4k", TRAFFIC_UNIFORM, 1000000, false, true, false},
    {"apply-uniform-10M", TRAFFIC_UNIFORM, 10000000, true, true, true},
    {"apply-uniform-10M-4k", TRAFFIC_UNIFORM, 10000000, false, true, false},
    {"apply-skewed-1M", TRAFFIC_SKEWED, 1000000, true, true, true},
    {"apply-skewed-1M-4k", TRAFFIC_SKEWED, 1000000, false, true, false},
    {"two-phase-1M", TRAFFIC_TWO_PHASE, 1000000, true, false, true},
    {"two-phase-1M-4k", TRAFFIC_TWO_PHASE, 1000000, false, false, false},
    {"chains-1M", TRAFFIC_CHAINS, 1000000, true, true, true},
    {"chains-1M-4k", TRAFFIC_CHAINS, 1000000, false, true, false},
};

enum { SCENES = sizeof(scenes) / sizeof(scenes[0]), ACCOUNTS_QUICK = 1000000 };

void apply_add(void)
{
    static struct run runs[SCENES][SUBJECTS];
    for (size_t i = 0; i < SCENES; i++) {
        const bool measured[SUBJECTS] = {true, scenes[i].lines, scenes[i].peer};
        if (bench_quick() && scenes[i].accounts > ACCOUNTS_QUICK) /* say_memory tells */
            scenes[i].accounts = ACCOUNTS_QUICK;
        for (int subject = 0; subject < SUBJECTS; subject++) {
            runs[i][subject] = (struct run){&scenes[i], (enum subject)subject};
            if (measured[subject])
                bench_add((struct bench_case){.row = scenes[i].row,
                                              .subject = names[subject],
                                              .unit = BENCH_TRANSFERS_PER_S,
                                              .measure = measure,
                                              .context = &runs[i][subject]});
        }
    }
}
