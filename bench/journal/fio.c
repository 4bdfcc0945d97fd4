#include "bench/journal/fio.h"

#include "journal/segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool missing;
static uint64_t file_bytes; /* that the file has so far */

void fio_look(void)
{
    missing = !common_installed("fio");
    if (missing) {
        fprintf(stderr, "bench_journal: fio is not installed: limit:fio is skipped\n");
    }
}

/* Makes the file at least so large, filled with zeros and synced. */
static bool make_file(const char *path, uint64_t bytes)
{
    if (file_bytes >= bytes) {
        return true;
    }
    FILE *file = fopen(path, "ab");
    bool good = file != NULL;
    for (uint64_t done = file_bytes; done < bytes && good; done += MR_ZERO_CHUNK) {
        good = fwrite(mr_segment_zeros(), 1, MR_ZERO_CHUNK, file) == MR_ZERO_CHUNK;
    }
    if (file != NULL) {
        good = fflush(file) == 0 && fsync(fileno(file)) == 0 && good;
        good = fclose(file) == 0 && good;
    }
    file_bytes = bytes;
    return good;
}

static bool read_report(const char *path, const struct fio_job *job, struct fio_report *report)
{
    static char text[1 << 18];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    return fio_report_parse(text, job->reads ? "read" : "write", report);
}

static bool start(const struct fio_job *job, const char *path, const char *output)
{
    char name[COMMON_PATH_SIZE + 16];
    char to[COMMON_PATH_SIZE + 16];
    char size[32];
    char block[32];
    char depth[32];
    char runtime[32];
    snprintf(name, sizeof name, "--filename=%s", path);
    snprintf(to, sizeof to, "--output=%s", output);
    snprintf(size, sizeof size, "--size=%" PRIu64, job->bytes);
    snprintf(block, sizeof block, "--bs=%" PRIu32, job->block_bytes);
    snprintf(depth, sizeof depth, "--iodepth=%" PRIu32, job->depth);
    snprintf(runtime, sizeof runtime, "--runtime=%" PRIu64 "ms", job->run_ms);
    const char *const arguments[] = {
        "fio",
        "--name=bench",
        job->reads ? "--rw=read" : "--rw=write",
        job->reads ? "--readonly" : "--sync=dsync",
        "--ioengine=io_uring",
        "--direct=1",
        "--overwrite=1",
        "--fixedbufs=1",
        "--registerfiles=1",
        "--nonvectored=1",
        "--output-format=json",
        name,
        to,
        size,
        block,
        depth,
        job->run_ms > 0 ? "--time_based=1" : NULL,
        runtime,
        NULL,
    };
    return common_wait(common_start(arguments, false));
}

double fio_run(const struct fio_job *job, struct fio_report *report)
{
    char path[COMMON_PATH_SIZE];
    char output[COMMON_PATH_SIZE];
    if (missing) {
        return BENCH_SKIPPED;
    }
    common_path("fio", path);
    common_path("fio.json", output);
    if (!make_file(path, job->bytes)) {
        return common_fail("cannot fill a file with zeros", path);
    }
    if (!start(job, path, output) || !read_report(output, job, report)) {
        return common_fail("fio", "it failed, or its report says nothing");
    }
    return 0;
}
