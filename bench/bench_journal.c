/*
 * Durable appends against what the disk gives: the same writer that the engine runs, on segments
 * that were prepared beforehand, and fio (io_uring, O_DIRECT, O_DSYNC) over a file filled with
 * zeros, with the same block size and depth, in turn. Both write in a directory of their own below
 * the current one (--dir PATH: below that), which is removed afterwards.
 *
 *     append-64KiB-qd4     MB/s of frames of exactly 64 KiB, four in flight
 *     append-256KiB-qd2    MB/s of frames of exactly 256 KiB, two in flight
 *
 * What counts for millrace: hashing the entry, framing it, writing it, and knowing it durable.
 */
#include "base/random.h"
#include "base/storage.h"
#include "bench/harness.h"
#include "journal/frame.h"
#include "journal/segment.h"

#include <millrace/journal.h>

#include <errno.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 64 << 20, PATH_SIZE = 256, WAIT_US = 10000 };

static struct {
    char directory[PATH_SIZE];
    uint64_t bytes; /* a run */
    bool fio_file;  /* exists, filled with zeros */
    bool fio_missing;
} bench;

struct append {
    uint32_t frame_bytes;
    uint32_t frames_in_flight;
};

struct run {
    const struct append *append;
    struct mr_storage *storage;
    struct mr_journal *journal;
    struct mr_tip tip;
    unsigned char *frames; /* one more than fit in flight */
    uint64_t count;        /* of entries to append */
    struct mr_error error;
};

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static double fail(const char *what, const struct mr_error *error)
{
    fprintf(stderr, "bench_journal: %s: %s\n", what, error->text);
    return BENCH_FAILED;
}

/* A journal with segments for the whole run, so that none is prepared while the clock runs. */
static int make_journal(struct run *run)
{
    static const uint8_t id[MR_JOURNAL_ID_SIZE] = {1};
    const struct mr_journal_options options = {
        .segment_bytes = SEGMENT_BYTES,
        .frames_in_flight = run->append->frames_in_flight,
        .buffers = run->frames,
        .buffers_size = (size_t)run->append->frame_bytes * (run->append->frames_in_flight + 1),
    };
    int status = mr_journal_create(run->storage, id, &options, &run->error);
    uint32_t segments = (uint32_t)(bench.bytes / (SEGMENT_BYTES - (1 << 20))) + 2;
    for (uint32_t i = 2; i <= segments && status == MR_OK; i++) {
        struct mr_superblock superblock = {
            .segment = i, .generation = 1, .segment_bytes = SEGMENT_BYTES};
        memcpy(superblock.journal_id, id, sizeof id);
        status = mr_segment_make(run->storage, &superblock, &run->error);
    }
    struct mr_recovery report;
    if (status == MR_OK) {
        status =
            mr_journal_recover(run->storage, &options, &report, NULL, &run->journal, &run->error);
    }
    return status == MR_OK ? mr_journal_start(run->journal, &run->error) : status;
}

static void fill_frames(struct run *run)
{
    struct mr_random random;
    mr_random_init(&random, 1);
    size_t size = (size_t)run->append->frame_bytes * (run->append->frames_in_flight + 1);
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = mr_random_u64(&random);
        memcpy(run->frames + i, &word, sizeof word);
    }
}

static int append_next(struct run *run)
{
    const struct append *append = run->append;
    uint64_t slot = run->tip.index % (append->frames_in_flight + 1);
    unsigned char *frame = run->frames + slot * append->frame_bytes;
    struct mr_entry *entry = mr_frame_entry(frame);
    *entry = (struct mr_entry){
        .term = 1,
        .index = run->tip.index + 1,
        .first_sequence = run->tip.sequence + 1,
        .count = 1,
        .length = append->frame_bytes - MR_FRAME_ROOM,
        .previous = run->tip.digest,
    };
    struct mr_digest digest = mr_entry_digest(entry);
    int status;
    while ((status = mr_journal_append(run->journal, frame, digest, &run->error)) == MR_AGAIN) {
        int polled = mr_journal_poll(run->journal, WAIT_US, &run->error);
        if (polled < 0) {
            return polled;
        }
    }
    run->tip = mr_tip_after(entry, digest);
    return status;
}

static double append_all(struct run *run)
{
    uint64_t start = bench_now_ns();
    for (uint64_t i = 0; i < run->count; i++) {
        if (append_next(run) != MR_OK) {
            return fail("append", &run->error);
        }
        if (mr_journal_poll(run->journal, 0, &run->error) < 0) {
            return fail("poll", &run->error);
        }
    }
    while (mr_journal_durable_index(run->journal) < run->count) {
        if (mr_journal_poll(run->journal, WAIT_US, &run->error) < 0) {
            return fail("poll", &run->error);
        }
    }
    uint64_t elapsed_ns = bench_now_ns() - start;
    return (double)(run->count * run->append->frame_bytes) * 1e3 / (double)elapsed_ns;
}

static double measure_millrace(void *context)
{
    struct run run = {.append = context};
    char path[PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/millrace", bench.directory);
    run.count = bench.bytes / run.append->frame_bytes;
    run.frames =
        mr_pages_allocate((size_t)run.append->frame_bytes * (run.append->frames_in_flight + 1));
    if (run.frames == NULL ||
        mr_storage_open_files(path, true, &run.storage, &run.error) != MR_OK) {
        free(run.frames);
        return fail("open", &run.error);
    }
    fill_frames(&run);
    double result;
    if (make_journal(&run) != MR_OK) {
        result = fail("prepare", &run.error);
    } else {
        result = append_all(&run);
        if (mr_journal_stop(run.journal, &run.error) != MR_OK) {
            result = fail("stop", &run.error);
        }
    }
    if (run.journal != NULL) {
        mr_journal_close(run.journal);
    }
    run.storage->calls->destroy(run.storage);
    remove_tree(path);
    free(run.frames);
    return result;
}

/* The file that fio writes over, once for all runs. */
static bool make_fio_file(const char *path)
{
    FILE *file = fopen(path, "wb");
    bool good = file != NULL;
    for (uint64_t done = 0; done < bench.bytes && good; done += MR_ZERO_CHUNK) {
        good = fwrite(mr_segment_zeros(), 1, MR_ZERO_CHUNK, file) == MR_ZERO_CHUNK;
    }
    if (file != NULL) {
        good = fflush(file) == 0 && fsync(fileno(file)) == 0 && good;
        good = fclose(file) == 0 && good;
    }
    return good;
}

/* The number behind "bw_bytes" in the "write" part of fio's report; below 0: not there. */
static double parse_bandwidth(const char *report)
{
    const char *part = strstr(report, "\"write\" : {");
    const char *field = part == NULL ? NULL : strstr(part, "\"bw_bytes\" : ");
    return field == NULL ? -1 : strtod(field + strlen("\"bw_bytes\" : "), NULL);
}

/* Runs a command whose arguments stand a line each; true when it ended well. */
static bool run_command(char *lines)
{
    char *arguments[32];
    size_t count = 0;
    for (char *line = strsep(&lines, "\n"); line != NULL && count < 31;
         line = strsep(&lines, "\n")) {
        arguments[count++] = line;
    }
    arguments[count] = NULL;
    pid_t child;
    int status = -1;
    if (posix_spawnp(&child, arguments[0], NULL, NULL, arguments, environ) != 0) {
        return false;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The bandwidth that fio reports in the file `path`, in bytes a second; below 0: none. */
static double read_report(const char *path)
{
    static char report[1 << 18];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return -1;
    }
    size_t size = fread(report, 1, sizeof report - 1, file);
    report[size] = '\0';
    fclose(file);
    return parse_bandwidth(report);
}

static double measure_fio(void *context)
{
    const struct append *append = context;
    char path[PATH_SIZE + 16];
    char report[PATH_SIZE + 16];
    char command[2 * PATH_SIZE + 512];
    if (bench.fio_missing) {
        return BENCH_SKIPPED;
    }
    snprintf(path, sizeof path, "%s/fio", bench.directory);
    snprintf(report, sizeof report, "%s/fio.json", bench.directory);
    if (!bench.fio_file && !make_fio_file(path)) {
        fprintf(stderr, "bench_journal: cannot fill %s with zeros\n", path);
        return BENCH_FAILED;
    }
    bench.fio_file = true;
    snprintf(command, sizeof command,
             "fio\n--name=append\n--rw=write\n--ioengine=io_uring\n--direct=1\n--sync=dsync\n"
             "--overwrite=1\n--fixedbufs=1\n--registerfiles=1\n--nonvectored=1\n"
             "--output-format=json\n--filename=%s\n--output=%s\n--bs=%u\n--iodepth=%u\n"
             "--size=%llu",
             path, report, append->frame_bytes, append->frames_in_flight,
             (unsigned long long)bench.bytes);
    double bytes_per_s = run_command(command) ? read_report(report) : -1;
    if (bytes_per_s <= 0) {
        fprintf(stderr, "bench_journal: fio failed\n");
        return BENCH_FAILED;
    }
    return bytes_per_s / 1e6;
}

/* Is there an fio on the path? */
static void look_for_fio(void)
{
    char copy[4096];
    const char *path = getenv("PATH");
    snprintf(copy, sizeof copy, "%s", path != NULL ? path : "");
    bench.fio_missing = true;
    char *rest = copy;
    for (char *part = strsep(&rest, ":"); part != NULL; part = strsep(&rest, ":")) {
        char name[4096 + 8];
        snprintf(name, sizeof name, "%s/fio", part);
        bench.fio_missing = bench.fio_missing && access(name, X_OK) != 0;
    }
    if (bench.fio_missing) {
        fprintf(stderr, "bench_journal: fio is not installed: limit:fio is skipped\n");
    }
}

static void add_row(const char *row, struct append *append)
{
    bench_add((struct bench_case){.row = row,
                                  .subject = "millrace",
                                  .unit = BENCH_MB_PER_S,
                                  .measure = measure_millrace,
                                  .context = append});
    bench_add((struct bench_case){.row = row,
                                  .subject = "limit:fio",
                                  .unit = BENCH_MB_PER_S,
                                  .measure = measure_fio,
                                  .context = append});
}

int main(int argc, char **argv)
{
    static struct append deep = {.frame_bytes = 64 << 10, .frames_in_flight = 4};
    static struct append wide = {.frame_bytes = 256 << 10, .frames_in_flight = 2};
    bench_begin("journal", argc, argv);
    const char *parent = bench_option("dir", ".", "write below this directory");
    bench.bytes = bench_quick() ? UINT64_C(256) << 20 : UINT64_C(1) << 30;
    snprintf(bench.directory, sizeof bench.directory, "%s/bench-journal-XXXXXX", parent);
    if (mkdtemp(bench.directory) == NULL) {
        perror("bench_journal: cannot make a directory");
        return 4;
    }
    look_for_fio();
    add_row("append-64KiB-qd4", &deep);
    add_row("append-256KiB-qd2", &wide);
    int code = bench_end();
    remove_tree(bench.directory);
    return code;
}
