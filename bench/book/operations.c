/*
 * operation-P-REGIME: percentiles of the time that a single message takes, each measured by itself,
 * with the processor's time-stamp counter where there is one. Before the counter is read everything
 * before is done (so no message overlaps its neighbours, as they do in book-REGIME), and what
 * reading it takes is subtracted: the row operation-clock says how much that is. What interrupts
 * the thread meanwhile counts, too: `limit:nothing` is the same with no message in between.
 */
#include "bench/book/rows.h"
#include "bench/book/subjects.h"

#include "base/histogram.h"
#include "bench/harness.h"

#include <stdio.h>
#include <stdlib.h>

enum { CLOCK_TRIES = 100001, RUNS_KEPT = 64 };

static const struct {
    const char *name;
    uint32_t thousandths;
} percentiles[] = {{"p50", 50000},
                   {"p99", 99000},
                   {"p99.9", 99900},
                   {"p99.99", 99990},
                   {"max", MR_PERCENTILE_WHOLE}};
enum { PERCENTILES = sizeof(percentiles) / sizeof(percentiles[0]) };

/* All percentiles of a run, or its failure. */
struct figures {
    double of[PERCENTILES];
};

/* A regime's rows share their runs. */
struct operations {
    enum flow_regime regime;
    bool nothing;
    struct figures runs[RUNS_KEPT];
    size_t run_count;
};

struct operations_row {
    struct operations *operations;
    size_t percentile;
    size_t next; /* of the runs */
};

/* -- The clock. -------------------------------------------------------------------------------- */

#if defined(__x86_64__)
static inline uint64_t ticks_before(void)
{
    uint32_t low, high;
    __asm__ __volatile__("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t ticks_after(void)
{
    uint32_t low, high;
    __asm__ __volatile__("rdtscp\n\tlfence" : "=a"(low), "=d"(high)::"ecx", "memory");
    return (uint64_t)high << 32 | low;
}
#else
static inline uint64_t ticks_before(void)
{
    return bench_now_ns();
}

static inline uint64_t ticks_after(void)
{
    return bench_now_ns();
}
#endif

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* What two looks at the clock, one after the other, are apart in the median. */
static uint64_t clock_ticks(void)
{
    static uint32_t taken[CLOCK_TRIES];
    for (size_t i = 0; i < CLOCK_TRIES; i++) {
        uint64_t begin = ticks_before();
        taken[i] = (uint32_t)(ticks_after() - begin);
    }
    qsort(taken, CLOCK_TRIES, sizeof(taken[0]), compare);
    return taken[CLOCK_TRIES / 2];
}

/* Nanoseconds a tick, over whatever is done between these two. */
struct calibration {
    uint64_t begin_ns, begin_ticks;
};

static struct calibration calibration_begin(void)
{
    return (struct calibration){bench_now_ns(), ticks_before()};
}

static double calibration_end(const struct calibration *calibration)
{
    uint64_t ticks = ticks_after() - calibration->begin_ticks;
    return (double)(bench_now_ns() - calibration->begin_ns) / (double)ticks;
}

static double measure_clock(void *context)
{
    (void)context;
    struct calibration calibration = calibration_begin();
    uint64_t ticks = clock_ticks();
    return (double)ticks * calibration_end(&calibration);
}

/* -- Operations. ------------------------------------------------------------------------------- */

static void run(const struct scene *scene, struct subjects *subjects, struct mr_book_turn *turn,
                uint32_t *taken)
{
    const union mr_book_request *requests = scene_requests(scene);
    size_t count = scene_count(scene);
    for (size_t i = 0; i < count; i++) {
        flow_look_ahead(&requests[i]);
        uint64_t begin = ticks_before();
        mr_book_apply(subjects->desk.book, &requests[i], turn);
        taken[i] = (uint32_t)(ticks_after() - begin);
    }
}

static void run_nothing(size_t count, uint32_t *taken)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t begin = ticks_before();
        taken[i] = (uint32_t)(ticks_after() - begin);
    }
}

/* In tenths of ns, so that the buckets are finer than the figures. */
static struct figures count_up(const uint32_t *taken, size_t count, uint64_t clock,
                               double ns_a_tick)
{
    static struct mr_histogram histogram;
    struct figures figures;
    mr_histogram_clear(&histogram);
    for (size_t i = 0; i < count; i++) {
        uint64_t ticks = taken[i] > clock ? taken[i] - clock : 0;
        mr_histogram_record(&histogram, (uint64_t)((double)ticks * ns_a_tick * 10));
    }
    for (size_t i = 0; i < PERCENTILES; i++)
        figures.of[i] =
            (double)mr_histogram_percentile(&histogram, percentiles[i].thousandths) / 10;
    return figures;
}

static bool run_all(const struct operations *operations, struct figures *figures)
{
    struct subjects *subjects = subjects_get();
    const struct scene *scene = scene_get(operations->regime);
    size_t count = scene_count(scene);
    uint32_t *taken = malloc(count * sizeof(*taken));
    if (taken == NULL)
        return false;
    memset(taken, 0, count * sizeof(*taken)); /* so that no page of it comes up meanwhile */
    uint64_t clock = clock_ticks();
    struct mr_book_turn turn = subject_begin(subjects, SUBJECT_MILLRACE, scene);
    struct calibration calibration = calibration_begin();
    if (operations->nothing)
        run_nothing(count, taken);
    else
        run(scene, subjects, &turn, taken);
    double ns_a_tick = calibration_end(&calibration);
    *figures = count_up(taken, count, clock, ns_a_tick);
    free(taken);
    if (operations->nothing)
        return true;
    struct outcome outcome = subject_end(subjects, SUBJECT_MILLRACE, &turn);
    return scene_confirms(scene, SUBJECT_MILLRACE, &outcome);
}

static double measure(void *context)
{
    struct operations_row *row = context;
    struct operations *operations = row->operations;
    struct figures figures;
    if (row->next < operations->run_count)
        return operations->runs[row->next++].of[row->percentile];
    if (!run_all(operations, &figures))
        return BENCH_FAILED;
    if (operations->run_count < RUNS_KEPT)
        operations->runs[operations->run_count++] = figures;
    row->next++;
    return figures.of[row->percentile];
}

static void add(struct operations *operations, size_t percentile, struct operations_row *row)
{
    char name[64];
    snprintf(name, sizeof(name), "operation-%s-%s", percentiles[percentile].name,
             flow_name(operations->regime));
    *row = (struct operations_row){.operations = operations, .percentile = percentile};
    bench_add((struct bench_case){.row = name,
                                  .subject = operations->nothing ? "limit:nothing" : "millrace",
                                  .unit = BENCH_NS,
                                  .measure = measure,
                                  .context = row});
}

void operations_add(enum flow_regime regime)
{
    static struct operations all[FLOW_REGIMES][2];
    static struct operations_row rows[FLOW_REGIMES][PERCENTILES][2];
    if (regime == 0)
        bench_add((struct bench_case){.row = "operation-clock",
                                      .subject = "limit:nothing",
                                      .unit = BENCH_NS,
                                      .measure = measure_clock});
    for (int nothing = 0; nothing < 2; nothing++) {
        all[regime][nothing].regime = regime;
        all[regime][nothing].nothing = nothing != 0;
    }
    for (size_t i = 0; i < PERCENTILES; i++)
        for (int nothing = 0; nothing < 2; nothing++)
            add(&all[regime][nothing], i, &rows[regime][i][nothing]);
}
