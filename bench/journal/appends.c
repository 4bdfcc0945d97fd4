/*
 * Frames of one size, a fixed number in flight, and one small entry at a time; fio does the same
 * with blocks of that size. What counts for millrace: hashing the entry, framing it, writing it,
 * and knowing it durable. Segments were prepared beforehand, as fio's file was.
 */
#include "bench/journal/fio.h"
#include "bench/journal/ours.h"
#include "bench/journal/rows.h"

#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_FRAME = 4096, SMALL_COUNT = 5000, SMALL_COUNT_QUICK = 1500 };

/* -- append-64KiB-qd4, append-256KiB-qd2. ------------------------------------------------------ */

struct append {
    uint32_t frame_bytes;
    uint32_t frames_in_flight;
};

static uint64_t run_bytes(void)
{
    return bench_quick() ? UINT64_C(120) << 20 : UINT64_C(1) << 30;
}

static void fill_frames(struct ours *ours)
{
    struct mr_random random;
    mr_random_init(&random, 1);
    size_t size = (size_t)ours->options.frame_bytes * (ours->options.frames_in_flight + 1);
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = mr_random_u64(&random);
        memcpy(ours->frames + i, &word, sizeof word);
    }
}

/* Each frame is one entry with one command that fills it. */
static double append_all(struct ours *ours, uint64_t count)
{
    fill_frames(ours);
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < count; i++) {
        if (!ours_append_soon(ours, 1, ours_block_bytes(ours)) || !ours_poll(ours, false)) {
            return BENCH_FAILED;
        }
    }
    if (!ours_settle(ours)) {
        return BENCH_FAILED;
    }
    uint64_t elapsed_ns = bench_now_ns() - start_ns;
    if (!ours_stop(ours) || ours_plan(ours, NULL) != (int64_t)count) {
        return BENCH_FAILED;
    }
    return (double)(count * ours->options.frame_bytes) * 1e3 / (double)elapsed_ns;
}

static double append_ours(void *context)
{
    const struct append *append = context;
    const struct ours_options options = {.frame_bytes = append->frame_bytes,
                                         .frames_in_flight = append->frames_in_flight,
                                         .prepared_bytes = run_bytes()};
    struct ours ours;
    double result = BENCH_FAILED;
    if (ours_open(&ours, &options)) {
        result = append_all(&ours, run_bytes() / append->frame_bytes);
    }
    ours_close(&ours);
    return result;
}

static double append_fio(void *context)
{
    const struct append *append = context;
    const struct fio_job job = {.block_bytes = append->frame_bytes,
                                .depth = append->frames_in_flight,
                                .bytes = run_bytes()};
    struct fio_report report;
    double status = fio_run(&job, &report);
    return status < 0 ? status : report.bytes_per_s / 1e6;
}

/* -- append-small. ----------------------------------------------------------------------------- */

static uint64_t small_count(void)
{
    return bench_quick() ? SMALL_COUNT_QUICK : SMALL_COUNT;
}

/* One command of 128 bytes in a frame of 4 KiB, from when it is there until it is durable. */
static bool append_small(struct ours *ours, uint64_t *latencies_ns, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        common_command_make(ours_block(ours), i + 1);
        uint64_t start_ns = bench_now_ns();
        if (!ours_append_soon(ours, 1, COMMON_COMMAND_BYTES) || !ours_settle(ours)) {
            return false;
        }
        latencies_ns[i] = bench_now_ns() - start_ns;
        if (mr_journal_busy(ours->journal)) {
            return false;
        }
    }
    return ours_stop(ours) && ours_count(ours) == (int64_t)count;
}

static double small_ours(void *context)
{
    const double *percent = context;
    uint64_t count = small_count();
    const struct ours_options options = {
        .frame_bytes = SMALL_FRAME, .frames_in_flight = 1, .prepared_bytes = count * SMALL_FRAME};
    uint64_t *latencies_ns = calloc(count, sizeof *latencies_ns);
    struct ours ours = {0};
    double result = BENCH_FAILED;
    if (latencies_ns != NULL && ours_open(&ours, &options) &&
        append_small(&ours, latencies_ns, count)) {
        result = (double)common_percentile(latencies_ns, count, *percent);
    }
    ours_close(&ours);
    free(latencies_ns);
    return result;
}

static double small_fio(void *context)
{
    const double *percent = context;
    const struct fio_job job = {
        .block_bytes = SMALL_FRAME, .depth = 1, .bytes = small_count() * SMALL_FRAME};
    struct fio_report report;
    double status = fio_run(&job, &report);
    return status < 0 ? status : *percent < 99 ? report.p50_ns : report.p99_ns;
}

static void add_row(const char *row, enum bench_unit unit, double (*ours)(void *context),
                    double (*fio)(void *context), void *context)
{
    bench_add((struct bench_case){
        .row = row, .subject = "millrace", .unit = unit, .measure = ours, .context = context});
    bench_add((struct bench_case){
        .row = row, .subject = "limit:fio", .unit = unit, .measure = fio, .context = context});
}

void appends_add(void)
{
    static struct append deep = {.frame_bytes = 64 << 10, .frames_in_flight = 4};
    static struct append wide = {.frame_bytes = 256 << 10, .frames_in_flight = 2};
    static double middle = 50;
    static double high = 99;
    add_row("append-64KiB-qd4", BENCH_MB_PER_S, append_ours, append_fio, &deep);
    add_row("append-256KiB-qd2", BENCH_MB_PER_S, append_ours, append_fio, &wide);
    add_row("append-small-p50", BENCH_NS, small_ours, small_fio, &middle);
    add_row("append-small-p99", BENCH_NS, small_ours, small_fio, &high);
}
