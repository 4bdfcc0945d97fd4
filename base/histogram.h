/*
 * A histogram of latencies (or any other 64-bit values) in fixed memory, after the idea of Gil
 * Tene's HdrHistogram: buckets are linear within a power of two and logarithmic across them, so
 * that every value is kept with the same relative precision (better than 1 in 128) from 1 ns to
 * centuries.
 *
 * A value below 256 has a bucket of its own. Above, each power of two is cut into 128 buckets. The
 * index follows from the position of the highest set bit, without a branch:
 *
 *     shift = max(position of the highest bit, 7) - 7
 *     index = shift * 128 + (value >> shift)
 *
 * Plain data, 58 KiB: all zero is not empty, use mr_histogram_clear. One thread writes; reading
 * while it writes is the caller's problem.
 */
#ifndef MR_BASE_HISTOGRAM_H
#define MR_BASE_HISTOGRAM_H

#include <stdint.h>

enum {
    MR_HISTOGRAM_BITS = 7, /* a power of two has 2^7 buckets */
    MR_HISTOGRAM_BUCKETS = (64 - MR_HISTOGRAM_BITS + 1) << MR_HISTOGRAM_BITS,
    MR_PERCENTILE_WHOLE = 100000, /* percentiles are told in 1/1000 of a percent: p99.9 is 99900 */
};

struct mr_histogram {
    uint64_t count;
    uint64_t sum; /* of all values; nanoseconds overflow it after 584 years in total */
    uint64_t min; /* UINT64_MAX when empty */
    uint64_t max;
    uint64_t buckets[MR_HISTOGRAM_BUCKETS];
};

void mr_histogram_clear(struct mr_histogram *histogram);

/* The bucket that counts `value`: below MR_HISTOGRAM_BUCKETS. */
static inline uint32_t mr_histogram_index(uint64_t value)
{
    uint32_t top = 63U - (uint32_t)__builtin_clzll(value | ((1U << (MR_HISTOGRAM_BITS + 1)) - 1));
    uint32_t shift = top - MR_HISTOGRAM_BITS;
    return (shift << MR_HISTOGRAM_BITS) + (uint32_t)(value >> shift);
}

/* Counts `value` `times` times (above 0). Constant time. */
static inline void mr_histogram_record_many(struct mr_histogram *histogram, uint64_t value,
                                            uint64_t times)
{
    histogram->count += times;
    histogram->sum += value * times;
    histogram->min = value < histogram->min ? value : histogram->min;
    histogram->max = value > histogram->max ? value : histogram->max;
    histogram->buckets[mr_histogram_index(value)] += times;
}

static inline void mr_histogram_record(struct mr_histogram *histogram, uint64_t value)
{
    mr_histogram_record_many(histogram, value, 1);
}

/* Adds all that `other` counted, as if it had been recorded here. */
void mr_histogram_merge(struct mr_histogram *histogram, const struct mr_histogram *other);

/* The least value that at least `thousandths` / 1000 percent of all values do not exceed (0 to
 * MR_PERCENTILE_WHOLE: 50000 is the median, 99900 is p99.9). Never below the exact answer, above it
 * by less than 1 in 128; 0 gives the minimum, MR_PERCENTILE_WHOLE the maximum, both exactly. 0 when
 * empty. */
uint64_t mr_histogram_percentile(const struct mr_histogram *histogram, uint32_t thousandths);

/* The arithmetic mean, rounded down; 0 when empty. */
uint64_t mr_histogram_mean(const struct mr_histogram *histogram);

#endif
