/* What fio says in its report (--output-format=json). Works on text alone. */
#ifndef MR_BENCH_JOURNAL_FIO_REPORT_H
#define MR_BENCH_JOURNAL_FIO_REPORT_H

#include <stdbool.h>

struct fio_report {
    double bytes_per_s;
    double operations_per_s;
    double p50_ns; /* from when an operation was submitted to when it was complete */
    double p99_ns;
};

/* Finds the figures of one direction ("read" or "write") of the first job in a report. False: they
 * are not all there, or not above 0. */
bool fio_report_parse(const char *text, const char *direction, struct fio_report *report);

#endif
