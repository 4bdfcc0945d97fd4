/*
 * A histogram as text that HdrHistogram's tools read and plot (.hgrm): for rising percentiles the
 * value, how many values are at or below it, and 1/(1-percentile); then mean, deviation, maximum
 * and count. Values are in microseconds.
 */
#ifndef MR_BENCH_PIPELINE_HGRM_H
#define MR_BENCH_PIPELINE_HGRM_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stdio.h>

/* One line of it. */
struct hgrm_line {
    double value;      /* as the histogram's values */
    double percentile; /* 0 to 1 */
    uint64_t count;    /* values at or below `value` */
};

/* The lines of a histogram that is not empty, in order; the last one has percentile 1. Percentiles
 * come closer together towards 1: five steps for each halving of what is left. Returns how many, at
 * most `limit` (HGRM_LINES_MAX is always enough). */
enum { HGRM_LINES_MAX = 400 };
uint32_t hgrm_lines(const struct mr_histogram *histogram, struct hgrm_line *lines, uint32_t limit);

/* Writes all of it, values of nanoseconds as microseconds. False: writing failed. */
bool hgrm_write(const struct mr_histogram *histogram, FILE *file);

#endif
