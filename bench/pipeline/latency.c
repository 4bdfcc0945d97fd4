#include "bench/pipeline/latency.h"

#include "bench/harness.h"
#include "bench/pipeline/curve.h"
#include "bench/pipeline/hgrm.h"
#include "bench/pipeline/journal_target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RUNS_MAX = 100,
    CAPACITY_RUNS = 3,
    CAPACITY_COMMANDS = 1000000,
    CAPACITY_COMMANDS_QUICK = 300000,
    TEXT_SIZE = 160,
};

static const double run_seconds = 1.5;
static const double run_seconds_quick = 0.25;

enum subject { SUBJECT_ENGINE, SUBJECT_JOURNAL, SUBJECTS };
enum measured { MEASURED_ACCEPTED, MEASURED_DURABLE, MEASURED_ANSWERED, MEASURED };
enum { PERCENTILES = 4 };

static const char *const subject_names[] = {"millrace", "limit:journal"};
static const char *const measured_names[] = {"accepted", "durable", "answered"};
static const char *const percentile_names[] = {"p50", "p99", "p99.9", "max"};
static const uint32_t percentiles[] = {50000, 99000, 99900, MR_PERCENTILE_WHOLE};

/* One run, made when the first row asks for it; the others of its rows take their figures from it.
 */
struct run {
    bool made;
    bool good;
    uint64_t figures[MEASURED][PERCENTILES];
};

struct load {
    const char *name;
    const char *words;
    double share;
    struct run runs[SUBJECTS][RUNS_MAX];
    struct mr_histogram all[SUBJECTS][MEASURED]; /* of all runs together */
};

static struct load loads[] = {{.name = "tenth", .words = "a tenth of capacity", .share = 0.1},
                              {.name = "half", .words = "half of capacity", .share = 0.5},
                              {.name = "most", .words = "0.9 of capacity", .share = 0.9}};
enum { LOADS = sizeof loads / sizeof *loads };

/* One subject in one row. */
struct row {
    struct load *load;
    enum subject subject;
    enum measured measured;
    uint32_t percentile;
    uint32_t calls;
};

static struct {
    const struct engine_setup *setup;
    const char *hgrm;
    const char *svg;
    double seconds;
    uint64_t seed; /* of --poisson; 0: constant distances */
    double rates[CAPACITY_RUNS];
    uint32_t rate_count;
    double capacity; /* 0: not measured yet; below: failed */
    struct row rows[LOADS * SUBJECTS * MEASURED * PERCENTILES];
    uint32_t row_count;
} latency;

/* -- Capacity. --------------------------------------------------------------------------------- */

static double take_capacity(void)
{
    static struct open_loop_result result;
    struct open_loop_schedule schedule = {0};
    struct engine_target target;
    uint64_t count = bench_quick() ? CAPACITY_COMMANDS_QUICK : CAPACITY_COMMANDS;
    double rate = BENCH_FAILED;
    if (open_loop_at_once(&schedule, count) && engine_target_open(&target, latency.setup)) {
        const struct open_loop_target driven = engine_target_of(&target);
        if (open_loop_run(&schedule, &driven, &result) && engine_target_stop(&target)) {
            rate = (double)count * 1e9 / (double)result.elapsed_ns;
        }
        engine_target_close(&target);
    }
    open_loop_schedule_free(&schedule);
    return rate;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of some runs, whoever asks first. */
static double capacity(void)
{
    while (latency.rate_count < CAPACITY_RUNS) {
        double rate = take_capacity();
        if (rate < 0) {
            return rate;
        }
        latency.rates[latency.rate_count++] = rate;
    }
    if (latency.capacity == 0) {
        double sorted[CAPACITY_RUNS];
        memcpy(sorted, latency.rates, sizeof sorted);
        qsort(sorted, CAPACITY_RUNS, sizeof *sorted, compare);
        latency.capacity = sorted[CAPACITY_RUNS / 2];
    }
    return latency.capacity;
}

static double measure_capacity(void *context)
{
    uint32_t *calls = context;
    double known = capacity();
    uint32_t call = (*calls)++;
    return known < 0 ? known : call < CAPACITY_RUNS ? latency.rates[call] : take_capacity();
}

/* -- Loads. ------------------------------------------------------------------------------------ */

static bool run_engine(const struct open_loop_schedule *schedule, struct open_loop_result *result)
{
    struct engine_target target;
    bool good = engine_target_open(&target, latency.setup);
    if (good) {
        const struct open_loop_target driven = engine_target_of(&target);
        good = open_loop_run(schedule, &driven, result) && engine_target_stop(&target);
    }
    engine_target_close(&target);
    return good;
}

static bool run_journal(const struct open_loop_schedule *schedule, struct open_loop_result *result)
{
    struct journal_target target;
    bool good = journal_target_open(&target);
    if (good) {
        const struct open_loop_target driven = journal_target_of(&target);
        good = open_loop_run(schedule, &driven, result) && journal_target_stop(&target);
    }
    journal_target_close(&target);
    return good;
}

static void keep(struct load *load, enum subject subject, struct run *run,
                 const struct open_loop_result *result)
{
    const struct mr_histogram *histograms[] = {&result->accepted, &result->durable,
                                               &result->answered};
    for (uint32_t m = 0; m < MEASURED; m++) {
        for (uint32_t p = 0; p < PERCENTILES; p++) {
            run->figures[m][p] = mr_histogram_percentile(histograms[m], percentiles[p]);
        }
        mr_histogram_merge(&load->all[subject][m], histograms[m]);
    }
}

static void make_run(struct load *load, enum subject subject, uint32_t number)
{
    static struct open_loop_result result;
    struct run *run = &load->runs[subject][number];
    run->made = true;
    double rate = capacity() * load->share;
    if (rate <= 0) {
        return;
    }
    struct open_loop_schedule schedule;
    uint64_t count = (uint64_t)(rate * latency.seconds);
    bool good = latency.seed == 0
                    ? open_loop_constant(&schedule, count, rate)
                    : open_loop_poisson(&schedule, count, rate, latency.seed + number);
    good = good && (subject == SUBJECT_ENGINE ? run_engine(&schedule, &result)
                                              : run_journal(&schedule, &result));
    if (good) {
        keep(load, subject, run, &result);
        run->good = true;
    }
    open_loop_schedule_free(&schedule);
}

static double measure(void *context)
{
    struct row *row = context;
    uint32_t number = row->calls++;
    if (number >= RUNS_MAX) {
        return BENCH_SKIPPED;
    }
    struct run *run = &row->load->runs[row->subject][number];
    if (!run->made) {
        make_run(row->load, row->subject, number);
    }
    return run->good ? (double)run->figures[row->measured][row->percentile] : BENCH_FAILED;
}

/* -- Rows. ------------------------------------------------------------------------------------- */

static void add_row(struct load *load, enum measured measured, uint32_t percentile)
{
    char name[TEXT_SIZE];
    (void)snprintf(name, sizeof name, "%s-%s-%s", load->name, measured_names[measured],
                   percentile_names[percentile]);
    uint32_t subjects = measured == MEASURED_DURABLE ? SUBJECTS : 1;
    for (uint32_t s = 0; s < subjects; s++) {
        struct row *row = &latency.rows[latency.row_count++];
        *row = (struct row){.load = load,
                            .subject = (enum subject)s,
                            .measured = measured,
                            .percentile = percentile};
        bench_add((struct bench_case){.row = name,
                                      .subject = subject_names[s],
                                      .unit = BENCH_NS,
                                      .measure = measure,
                                      .context = row});
    }
}

static void add_load(struct load *load)
{
    for (uint32_t s = 0; s < SUBJECTS; s++) {
        for (uint32_t m = 0; m < MEASURED; m++) {
            mr_histogram_clear(&load->all[s][m]);
        }
    }
    /* Durable first: there the subjects take turns. */
    for (uint32_t p = 0; p < PERCENTILES; p++) {
        add_row(load, MEASURED_DURABLE, p);
    }
    for (uint32_t p = 0; p < PERCENTILES; p++) {
        add_row(load, MEASURED_ANSWERED, p);
    }
    for (uint32_t p = 0; p < 2; p++) {
        add_row(load, MEASURED_ACCEPTED, p);
    }
}

static bool number_option(const char *name, const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    if (end == text || *end != '\0' || !(*number >= 0) || *number > 1e9) {
        fprintf(stderr, "bench_pipeline: --%s takes a number\n", name);
        return false;
    }
    return true;
}

bool latency_add(const struct engine_setup *setup)
{
    static uint32_t capacity_calls;
    double seed;
    latency.setup = setup;
    latency.hgrm = bench_option("hgrm", NULL, "a directory for the histograms, as .hgrm files");
    latency.svg = bench_option("svg", NULL, "a file for the picture of the percentiles");
    const char *seconds = bench_option("seconds", "0", "of each open-loop run; 0: 1.5, quick 0.25");
    const char *poisson =
        bench_option("poisson", "0", "seed of random distances between commands; 0: constant");
    if (!number_option("seconds", seconds, &latency.seconds) ||
        !number_option("poisson", poisson, &seed)) {
        return false;
    }
    latency.seed = (uint64_t)seed;
    if (latency.seconds <= 0) {
        latency.seconds = bench_quick() ? run_seconds_quick : run_seconds;
    }
    bench_add((struct bench_case){.row = "capacity",
                                  .subject = "millrace",
                                  .unit = BENCH_COMMANDS_PER_S,
                                  .measure = measure_capacity,
                                  .context = &capacity_calls});
    for (uint32_t i = 0; i < LOADS; i++) {
        add_load(&loads[i]);
    }
    return true;
}

/* -- Files. ------------------------------------------------------------------------------------ */

static bool close_file(FILE *file, const char *path, bool good)
{
    if (fclose(file) != 0 || !good) {
        fprintf(stderr, "bench_pipeline: cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

static bool write_histogram(const struct load *load, enum subject subject, enum measured measured)
{
    const struct mr_histogram *histogram = &load->all[subject][measured];
    const char *who = subject == SUBJECT_ENGINE ? "" : "-journal";
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s-%s%s.hgrm", latency.hgrm, load->name,
                          measured_names[measured], who);
    if (histogram->count == 0) {
        return true;
    }
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "w") : NULL;
    if (file == NULL) {
        fprintf(stderr, "bench_pipeline: cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    return close_file(file, path, hgrm_write(histogram, file));
}

static bool write_histograms(void)
{
    bool good = true;
    for (uint32_t i = 0; i < LOADS; i++) {
        for (uint32_t m = 0; m < MEASURED; m++) {
            good = good && write_histogram(&loads[i], SUBJECT_ENGINE, (enum measured)m);
        }
        good = good && write_histogram(&loads[i], SUBJECT_JOURNAL, MEASURED_DURABLE);
    }
    return good;
}

/* How long it takes until a command is durable: a line a load, and the journal alone beside it. */
static bool write_picture(void)
{
    static char labels[2 * LOADS][TEXT_SIZE];
    char subtitle[2 * TEXT_SIZE];
    struct curve curves[2 * LOADS];
    for (size_t i = 0; i < LOADS; i++) {
        (void)snprintf(labels[2 * i], TEXT_SIZE, "%s: %.2f million commands/s", loads[i].words,
                       loads[i].share * latency.capacity / 1e6);
        (void)snprintf(labels[2 * i + 1], TEXT_SIZE, "the journal alone at that rate");
        curves[2 * i] = (struct curve){
            .label = labels[2 * i], .histogram = &loads[i].all[SUBJECT_ENGINE][MEASURED_DURABLE]};
        curves[2 * i + 1] =
            (struct curve){.label = labels[2 * i + 1],
                           .histogram = &loads[i].all[SUBJECT_JOURNAL][MEASURED_DURABLE],
                           .dashed = true};
    }
    (void)snprintf(subtitle, sizeof subtitle,
                   "open loop, %s; order book; topology %s, wait %s; capacity in the same run %.2f "
                   "million commands/s",
                   latency.seed == 0 ? "constant rate" : "random distances",
                   latency.setup->topology_word, latency.setup->wait_word, latency.capacity / 1e6);
    FILE *file = fopen(latency.svg, "w");
    if (file == NULL) {
        fprintf(stderr, "bench_pipeline: cannot write %s: %s\n", latency.svg, strerror(errno));
        return false;
    }
    return close_file(
        file, latency.svg,
        curve_write("How long until a command is durable", subtitle, curves, 2 * LOADS, file));
}

bool latency_end(void)
{
    bool good = latency.hgrm == NULL || latency.capacity <= 0 || write_histograms();
    good = good && (latency.svg == NULL || latency.capacity <= 0 || write_picture());
    return good;
}
