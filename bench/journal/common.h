/*
 * What all rows of bench_journal have in common: the directory they write in, the commands they
 * store, the clocks, and how another program is run.
 */
#ifndef MR_BENCH_JOURNAL_COMMON_H
#define MR_BENCH_JOURNAL_COMMON_H

#include "bench/harness.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    COMMON_COMMAND_WORDS = 16,
    COMMON_COMMAND_BYTES = COMMON_COMMAND_WORDS * 8,
    COMMON_PATH_SIZE = 512,
};

/* -- The directory. ---------------------------------------------------------------------------- */

/* Makes a directory of our own below `parent`; false: said why. */
bool common_begin(const char *parent);
/* Removes it and all that is in it. */
void common_end(void);
/* Where `name` lies in it. */
void common_path(const char *name, char path[COMMON_PATH_SIZE]);
/* Removes a file, or a directory with all that is in it. It may not be there. */
void common_remove(const char *path);

/* -- Commands. --------------------------------------------------------------------------------- */

/* What is stored, by everybody: 128 bytes, of which the first eight are the sequence, and the
 * others follow from it. */
struct common_command {
    uint64_t words[COMMON_COMMAND_WORDS];
};

/* Writes command `sequence` (from 1) to `place`, by copying: it stands for one that has arrived. */
void common_command_make(void *place, uint64_t sequence);
/* Is that what lies at `place`, in all its bytes? */
bool common_command_whole(const void *place, uint64_t sequence);

/* -- Measuring. -------------------------------------------------------------------------------- */

/* Nanoseconds that this process, the kernel's work for it included, has spent on a CPU. */
uint64_t common_cpu_ns(void);

/* The value below which `percent` of the values lie; sorts them. `count` is above 0. */
uint64_t common_percentile(uint64_t *values, size_t count, double percent);

/* Says what failed; returns BENCH_FAILED. */
double common_fail(const char *what, const char *why);

/* -- Other programs. --------------------------------------------------------------------------- */

/* Is there a program of this name on the path? */
bool common_installed(const char *program);

/* Starts a program, which ends when we do; its standard output is ours unless `quiet`. Below 0:
 * not started. */
pid_t common_start(const char *const arguments[], bool quiet);
/* Waits for its end; true when it ended well. */
bool common_wait(pid_t child);

#endif
