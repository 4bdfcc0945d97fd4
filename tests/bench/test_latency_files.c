/* The files that bench_pipeline writes: percentiles as HdrHistogram's tools read them, read back
 * here; and the picture. */
#include "bench/pipeline/curve.h"
#include "bench/pipeline/hgrm.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALUES = 100000 };

static struct mr_histogram histogram;
static uint64_t sorted[VALUES];

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Latencies as they come: most near 50 us, some of milliseconds. */
static void fill(void)
{
    struct mr_random random;
    mr_random_init(&random, 5);
    mr_histogram_clear(&histogram);
    for (uint32_t i = 0; i < VALUES; i++) {
        uint64_t value = 30000 + mr_random_below(&random, 40000);
        value += mr_random_chance(&random, 1, 500) ? mr_random_below(&random, 9000000) : 0;
        sorted[i] = value;
        mr_histogram_record(&histogram, value);
    }
    qsort(sorted, VALUES, sizeof *sorted, compare);
}

/* What a writer gave last. */
static char *written;
static size_t written_size;

static FILE *open_written(void)
{
    free(written);
    FILE *file = open_memstream(&written, &written_size);
    assert_non_null(file);
    return file;
}

static const char *text_of(const struct mr_histogram *of)
{
    FILE *file = open_written();
    assert_true(hgrm_write(of, file));
    fclose(file);
    return written;
}

/* Reads `count` numbers of a line; how many there were. Numbers stand behind blanks, as the readers
 * of such files want them. */
static uint32_t read_numbers(const char *line, double numbers[4])
{
    uint32_t count = 0;
    while (count < 4 && *line == ' ') {
        char *end;
        numbers[count] = strtod(line, &end);
        if (end == line) {
            break;
        }
        count++;
        line = end;
    }
    return count;
}

static const char *line_behind(const char *line)
{
    const char *end = strchr(line, '\n');
    assert_non_null(end);
    return end + 1;
}

static uint64_t values_up_to(double us)
{
    uint64_t count = 0;
    while (count < VALUES && (double)sorted[count] <= us * 1000 + 0.5) {
        count++;
    }
    return count;
}

/* One line against the values themselves. */
static void check_line(const double numbers[4], const double before[4])
{
    assert_true(numbers[0] >= before[0]);
    assert_true(numbers[1] > before[1]);
    assert_int_equal(values_up_to(numbers[0]), (uint64_t)numbers[2]);
    assert_true(numbers[2] >= numbers[1] * VALUES - 0.001);
    /* The least value that does, to the histogram's precision. */
    uint64_t rank = (uint64_t)ceil(numbers[1] * VALUES - 0.001);
    double exact = (double)sorted[rank > 0 ? rank - 1 : 0] / 1000;
    assert_true(numbers[0] >= exact - 0.001 && numbers[0] <= exact * 129 / 128 + 0.001);
}

static void what_is_read_back_are_the_values_percentiles(void **state)
{
    (void)state;
    const char *text = text_of(&histogram);
    const char *line = text;
    static const char head[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
    assert_memory_equal(line, head, strlen(head));
    double before[4] = {0, -1, 0, 0};
    double numbers[4];
    uint32_t lines = 0;
    uint32_t count;
    for (line += strlen(head); (count = read_numbers(line, numbers)) >= 3;
         line = line_behind(line)) {
        check_line(numbers, before);
        assert_int_equal(count, numbers[1] < 1 ? 4 : 3);
        assert_true(count == 3 || fabs(numbers[3] * (1 - numbers[1]) - 1) < 0.006);
        memcpy(before, numbers, sizeof before);
        lines++;
    }
    assert_true(before[1] == 1);
    assert_int_equal(before[2], VALUES);
    assert_true(lines > 60);
}

/* The number behind `label` in the footer. */
static double footer(const char *text, const char *label)
{
    const char *at = strstr(text, label);
    assert_non_null(at);
    at = strchr(at, '=');
    assert_non_null(at);
    return strtod(at + 1, NULL);
}

static void the_footer_tells_mean_deviation_maximum_and_count(void **state)
{
    (void)state;
    const char *text = text_of(&histogram);
    double sum = 0;
    double squares = 0;
    for (uint32_t i = 0; i < VALUES; i++) {
        sum += (double)sorted[i] / 1000;
        squares += (double)sorted[i] / 1000 * ((double)sorted[i] / 1000);
    }
    double mean = sum / VALUES;
    double deviation = sqrt(squares / VALUES - mean * mean);
    assert_true(fabs(footer(text, "#[Mean    =") - mean) < 0.001);
    assert_true(fabs(footer(text, "StdDeviation   =") - deviation) < deviation / 100);
    assert_true(fabs(footer(text, "#[Max     =") - (double)sorted[VALUES - 1] / 1000) < 0.001);
    assert_true(footer(text, "Total count    =") == VALUES);
    assert_true(footer(text, "#[Buckets =") == 57);
    assert_true(footer(text, "SubBuckets     =") == 256);
}

static void few_values_and_none_give_a_file_that_ends(void **state)
{
    (void)state;
    struct mr_histogram *few = malloc(sizeof *few);
    assert_non_null(few);
    mr_histogram_clear(few);
    const char *text = text_of(few);
    assert_non_null(strstr(text, "Total count    =            0]"));
    mr_histogram_record(few, 1500);
    text = text_of(few);
    assert_non_null(strstr(text, "\n       1.500 1.000000000000          1\n"));
    mr_histogram_record(few, UINT64_MAX);
    struct hgrm_line lines[HGRM_LINES_MAX];
    uint32_t count = hgrm_lines(few, lines, HGRM_LINES_MAX);
    assert_true(count > 1 && lines[count - 1].percentile == 1);
    free(few);
}

static uint32_t occurrences(const char *text, const char *of)
{
    uint32_t count = 0;
    for (const char *at = strstr(text, of); at != NULL; at = strstr(at + 1, of)) {
        count++;
    }
    return count;
}

/* All points of a polyline lie in the picture, and neither fall nor go back. */
static void check_points(const char *at)
{
    double x = 0;
    double y = 1e9;
    uint32_t points = 0;
    at = strstr(at, "points=\"") + strlen("points=\"");
    while (*at != '"') {
        char *end;
        double next_x = strtod(at, &end);
        assert_int_equal(*end, ',');
        double next_y = strtod(end + 1, &end);
        assert_true(next_x >= x && next_x <= 860 && next_y <= y && next_y >= 0);
        x = next_x;
        y = next_y;
        points++;
        at = *end == ' ' ? end + 1 : end;
    }
    assert_true(points > 60);
}

static void the_picture_has_a_line_and_a_label_for_each_curve(void **state)
{
    (void)state;
    static struct mr_histogram none;
    mr_histogram_clear(&none);
    const struct curve curves[] = {
        {.label = "label of one", .histogram = &histogram},
        {.label = "label of none", .histogram = &none},
        {.label = "label of two", .histogram = &histogram, .dashed = true}};
    FILE *file = open_written();
    assert_true(curve_write("A title", "a subtitle", curves, 3, file));
    fclose(file);
    const char *text = written;
    assert_int_equal(occurrences(text, "<polyline"), 2);
    assert_int_equal(occurrences(text, ">label of one<"), 1);
    assert_int_equal(occurrences(text, ">label of two<"), 1);
    assert_int_equal(occurrences(text, ">label of none<"), 0);
    assert_int_equal(occurrences(text, ">99.99 %<"), 1);
    assert_int_equal(occurrences(text, ">100 us<"), 1);
    assert_int_equal(occurrences(text, ">10 ms<"), 1);
    check_points(strstr(text, "<polyline"));
    assert_string_equal(text + written_size - strlen("</svg>\n"), "</svg>\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_back_are_the_values_percentiles),
        cmocka_unit_test(the_footer_tells_mean_deviation_maximum_and_count),
        cmocka_unit_test(few_values_and_none_give_a_file_that_ends),
        cmocka_unit_test(the_picture_has_a_line_and_a_label_for_each_curve),
    };
    fill();
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    free(written);
    return status;
}
