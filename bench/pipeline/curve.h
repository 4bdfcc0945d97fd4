/*
 * Latency by percentile as a picture (SVG): how many of all commands, by nines, from left to right;
 * latency, by powers of ten, upwards; a line for each curve.
 */
#ifndef MR_BENCH_PIPELINE_CURVE_H
#define MR_BENCH_PIPELINE_CURVE_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stdio.h>

struct curve {
    const char *label;
    const struct mr_histogram *histogram; /* of nanoseconds; empty ones are left out */
    bool dashed;                          /* for comparison; has the colour of the one before it */
};

enum { CURVES_MAX = 8 };

/* Titles and labels are plain ASCII without <, > and &. False: writing failed. */
bool curve_write(const char *title, const char *subtitle, const struct curve *curves,
                 uint32_t count, FILE *file);

#endif
