#include "bench/pipeline/hgrm.h"

#include <inttypes.h>
#include <math.h>

enum {
    STEPS_PER_HALF = 5,
    SUB_BUCKETS = 2 << MR_HISTOGRAM_BITS, /* what is linear: values below have a bucket each */
    BUCKETS = 64 - MR_HISTOGRAM_BITS,     /* and each bucket doubles the range */
};

static const double ns_per_us = 1000;

/* The lowest and the highest value that fall into bucket `index`. */
static double bucket_low(uint32_t index)
{
    if (index < SUB_BUCKETS) {
        return index;
    }
    uint32_t shift = (index >> MR_HISTOGRAM_BITS) - 1;
    return ldexp((double)(index - (shift << MR_HISTOGRAM_BITS)), (int)shift);
}

static double bucket_high(uint32_t index)
{
    return bucket_low(index + 1) - 1;
}

/* The next percentile behind `percentile`: a fifth of the distance from the last halving to the
 * next. */
static double step_behind(double percentile)
{
    double halvings = floor(-log2(1 - percentile) + 1e-9);
    return percentile + exp2(-(halvings + 1)) / STEPS_PER_HALF;
}

uint32_t hgrm_lines(const struct mr_histogram *histogram, struct hgrm_line *lines, uint32_t limit)
{
    uint32_t made = 0;
    uint64_t seen = 0;
    double percentile = 0;
    for (uint32_t i = 0; i < MR_HISTOGRAM_BUCKETS && seen < histogram->count; i++) {
        if (histogram->buckets[i] == 0) {
            continue;
        }
        seen += histogram->buckets[i];
        double value = fmin(bucket_high(i), (double)histogram->max);
        /* A line for every step that this bucket reaches, as HdrHistogram has it. */
        while (seen < histogram->count && made + 1 < limit &&
               percentile * (double)histogram->count <= (double)seen) {
            lines[made++] =
                (struct hgrm_line){.value = value, .percentile = percentile, .count = seen};
            percentile = step_behind(percentile);
        }
    }
    if (histogram->count > 0 && made < limit) {
        lines[made++] = (struct hgrm_line){
            .value = (double)histogram->max, .percentile = 1, .count = histogram->count};
    }
    return made;
}

/* Around the mean of the buckets' middles, which is what is known of the values. */
static double deviation(const struct mr_histogram *histogram, double mean)
{
    double sum = 0;
    for (uint32_t i = 0; i < MR_HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] > 0) {
            double middle = (bucket_low(i) + bucket_high(i)) / 2;
            sum += (middle - mean) * (middle - mean) * (double)histogram->buckets[i];
        }
    }
    return sqrt(sum / (double)histogram->count);
}

bool hgrm_write(const struct mr_histogram *histogram, FILE *file)
{
    struct hgrm_line lines[HGRM_LINES_MAX];
    uint32_t count = hgrm_lines(histogram, lines, HGRM_LINES_MAX);
    double mean = histogram->count > 0 ? (double)histogram->sum / (double)histogram->count : 0;
    double spread = histogram->count > 0 ? deviation(histogram, mean) : 0;
    fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
            "1/(1-Percentile)");
    for (uint32_t i = 0; i < count; i++) {
        fprintf(file, "%12.3f %.12f %10" PRIu64, lines[i].value / ns_per_us, lines[i].percentile,
                lines[i].count);
        if (lines[i].percentile < 1) {
            fprintf(file, " %14.2f", 1 / (1 - lines[i].percentile));
        }
        fputc('\n', file);
    }
    fprintf(file, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean / ns_per_us,
            spread / ns_per_us);
    fprintf(file, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
            (double)histogram->max / ns_per_us, histogram->count);
    fprintf(file, "#[Buckets = %12d, SubBuckets     = %12d]\n", BUCKETS, SUB_BUCKETS);
    return ferror(file) == 0;
}
