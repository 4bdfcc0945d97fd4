/*
 * Reading a journal and checking all of it: every byte that a frame covers, and the chain. Warm:
 * the files are in the page cache; cold: they were dropped from it just before. All read the same
 * files, but fio, which reads its own of the same size.
 *
 *     millrace          mr_journal_plan, which is what a start does
 *     millrace-reader   a reader from the first entry to the last, which also looks at each command
 *     limit:read        pread, and nothing is done with the bytes
 */
#include "bench/journal/fio.h"
#include "bench/journal/ours.h"
#include "bench/journal/rows.h"

#include "journal/segment.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FRAME = 64 << 10,
    SEGMENT_BYTES = 64 << 20,
    SEGMENTS = 16,
    SEGMENTS_QUICK = 4,
    READ_SMALL = 256 << 10, /* stays in a core's cache */
    READ_LARGE = 1 << 20,
    FIO_DEPTH = 4,
};

/* What is read: made by the first who needs it, and kept for all. */
static struct {
    struct ours ours;
    uint64_t commands;
    bool made;
    bool whole;
} journal;

struct way {
    bool cold;
    int64_t (*read)(void); /* how many bytes it read, or less than 0 */
};

static uint32_t segments(void)
{
    return bench_quick() ? SEGMENTS_QUICK : SEGMENTS;
}

/* -- The journal. ------------------------------------------------------------------------------ */

static bool fill(struct ours *ours)
{
    uint32_t count = ours_block_bytes(ours) / COMMON_COMMAND_BYTES;
    uint64_t frames = (uint64_t)segments() * (SEGMENT_BYTES / FRAME - 1);
    for (uint64_t i = 0; i < frames; i++) {
        unsigned char *block = ours_block(ours);
        for (size_t k = 0; k < count; k++) {
            common_command_make(block + k * COMMON_COMMAND_BYTES, ++journal.commands);
        }
        if (!ours_append_soon(ours, count, count * COMMON_COMMAND_BYTES)) {
            return false;
        }
    }
    return ours_stop(ours);
}

static bool make_journal(void)
{
    if (!journal.made) {
        const struct ours_options options = {
            .path = "read", .frame_bytes = FRAME, .frames_in_flight = FIO_DEPTH};
        journal.made = true;
        journal.whole = ours_open(&journal.ours, &options) && fill(&journal.ours);
    }
    return journal.whole;
}

/* -- Ways to read it. -------------------------------------------------------------------------- */

static int64_t read_plan(void)
{
    struct mr_recovery report;
    int64_t last_index = ours_plan(&journal.ours, &report);
    return last_index == (int64_t)journal.ours.tip.index ? (int64_t)report.bytes_scanned : -1;
}

static int64_t read_entries(void)
{
    bool whole = ours_count(&journal.ours) == (int64_t)journal.commands;
    return whole ? (int64_t)(journal.ours.tip.index * FRAME) : -1;
}

static int64_t read_file(int file, size_t size)
{
    static _Alignas(4096) unsigned char buffer[READ_LARGE];
    int64_t offset = 0;
    ssize_t got;
    while ((got = pread(file, buffer, size, offset)) > 0) {
        offset += got;
    }
    return got < 0 ? -1 : offset;
}

static int64_t read_small(int file)
{
    return read_file(file, READ_SMALL);
}

static int64_t read_large(int file)
{
    return read_file(file, READ_LARGE);
}

static int64_t drop(int file)
{
    return posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0 ? 0 : -1;
}

/* Visits all that holds frames; the sum of what `visit` returns, or -1. */
static int64_t visit_files(int flags, int64_t (*visit)(int file))
{
    int64_t sum = 0;
    for (uint32_t i = 1; i <= segments(); i++) {
        char name[MR_SEGMENT_NAME_SIZE];
        char path[COMMON_PATH_SIZE + MR_SEGMENT_NAME_SIZE];
        mr_segment_name(i, name);
        snprintf(path, sizeof path, "%s/%s", journal.ours.path, name);
        int file = open(path, O_RDONLY | O_CLOEXEC | flags);
        int64_t result = file < 0 ? -1 : visit(file);
        if (file >= 0) {
            close(file);
        }
        if (result < 0) {
            (void)common_fail("cannot read", path);
            return -1;
        }
        sum += result;
    }
    return sum;
}

static int64_t read_buffered(void)
{
    return visit_files(0, read_small);
}

static int64_t read_direct(void)
{
    return visit_files(O_DIRECT, read_large);
}

/* -- Measuring. -------------------------------------------------------------------------------- */

static double measure(void *context)
{
    const struct way *way = context;
    if (!make_journal() || (way->cold ? visit_files(0, drop) : read_buffered()) < 0) {
        return BENCH_FAILED;
    }
    uint64_t start_ns = bench_now_ns();
    int64_t bytes = way->read();
    uint64_t elapsed_ns = bench_now_ns() - start_ns;
    return bytes < 0 ? BENCH_FAILED : (double)bytes * 1e3 / (double)elapsed_ns;
}

static double measure_fio(void *context)
{
    (void)context;
    const struct fio_job job = {.reads = true,
                                .block_bytes = READ_LARGE,
                                .depth = FIO_DEPTH,
                                .bytes = (uint64_t)segments() * SEGMENT_BYTES};
    struct fio_report report;
    double status = fio_run(&job, &report);
    return status < 0 ? status : report.bytes_per_s / 1e6;
}

static void add(const char *row, const char *subject, struct way *way)
{
    bench_add((struct bench_case){.row = row,
                                  .subject = subject,
                                  .unit = BENCH_MB_PER_S,
                                  .measure = way != NULL ? measure : measure_fio,
                                  .context = way});
}

void reads_add(void)
{
    static struct way warm[] = {{false, read_plan}, {false, read_entries}, {false, read_buffered}};
    static struct way cold[] = {
        {true, read_plan}, {true, read_entries}, {true, read_buffered}, {true, read_direct}};
    add("scan-warm", "millrace", &warm[0]);
    add("scan-warm", "millrace-reader", &warm[1]);
    add("scan-warm", "limit:read", &warm[2]);
    add("scan-cold", "millrace", &cold[0]);
    add("scan-cold", "millrace-reader", &cold[1]);
    add("scan-cold", "limit:read", &cold[2]);
    add("scan-cold", "limit:read-direct", &cold[3]);
    add("scan-cold", "limit:fio", NULL);
}

void reads_end(void)
{
    if (journal.made) {
        ours_close(&journal.ours);
    }
}
