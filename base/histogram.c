#include "base/histogram.h"

#include "base/assert.h"

#include <string.h>

_Static_assert(MR_HISTOGRAM_BUCKETS == 7424, "57 shifts of 128 buckets and 128 below them");

void mr_histogram_clear(struct mr_histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
    histogram->min = UINT64_MAX;
}

void mr_histogram_merge(struct mr_histogram *histogram, const struct mr_histogram *other)
{
    histogram->count += other->count;
    histogram->sum += other->sum;
    histogram->min = other->min < histogram->min ? other->min : histogram->min;
    histogram->max = other->max > histogram->max ? other->max : histogram->max;
    for (uint32_t i = 0; i < MR_HISTOGRAM_BUCKETS; i++) {
        histogram->buckets[i] += other->buckets[i];
    }
}

/* The highest value that falls into bucket `index`. */
static uint64_t bucket_top(uint32_t index)
{
    const uint32_t linear = 2U << MR_HISTOGRAM_BITS;
    if (index < linear) {
        return index;
    }
    uint32_t shift = (index >> MR_HISTOGRAM_BITS) - 1;
    uint64_t scaled = index - ((uint64_t)shift << MR_HISTOGRAM_BITS);
    return ((scaled + 1) << shift) - 1; /* of the last bucket: 2^64 - 1, by wrapping */
}

/* How many values must not exceed the answer: ceil(count * thousandths / WHOLE), in two parts so
 * that nothing overflows. */
static uint64_t rank_of(uint64_t count, uint32_t thousandths)
{
    uint64_t whole = count / MR_PERCENTILE_WHOLE * thousandths;
    uint64_t rest = count % MR_PERCENTILE_WHOLE * thousandths;
    return whole + (rest + MR_PERCENTILE_WHOLE - 1) / MR_PERCENTILE_WHOLE;
}

uint64_t mr_histogram_percentile(const struct mr_histogram *histogram, uint32_t thousandths)
{
    ASSERT(thousandths <= MR_PERCENTILE_WHOLE);
    if (histogram->count == 0) {
        return 0;
    }
    if (thousandths == 0) {
        return histogram->min;
    }
    uint64_t rank = rank_of(histogram->count, thousandths);
    uint64_t seen = 0;
    for (uint32_t i = mr_histogram_index(histogram->min); i < MR_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank) {
            uint64_t top = bucket_top(i);
            return top < histogram->max ? top : histogram->max;
        }
    }
    return histogram->max;
}

uint64_t mr_histogram_mean(const struct mr_histogram *histogram)
{
    return histogram->count == 0 ? 0 : histogram->sum / histogram->count;
}
