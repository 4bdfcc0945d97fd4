/*
 * fio as the limit: io_uring, O_DIRECT, registered files and buffers, and for writes O_DSYNC, on a
 * file that was filled with zeros and is written over.
 */
#ifndef MR_BENCH_JOURNAL_FIO_H
#define MR_BENCH_JOURNAL_FIO_H

#include "bench/journal/common.h"
#include "bench/journal/fio_report.h"

struct fio_job {
    bool reads;
    uint32_t block_bytes;
    uint32_t depth;
    uint64_t bytes;  /* of the file; all of it once... */
    uint64_t run_ms; /* ... or, if above 0, over and over for so long */
};

/* Says so if there is no fio. Before the first job. */
void fio_look(void);

/* Runs it. 0, or BENCH_SKIPPED or BENCH_FAILED. */
double fio_run(const struct fio_job *job, struct fio_report *report);

#endif
