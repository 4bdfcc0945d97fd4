/*
 * Counters as OpenMetrics text, version 1.0: families one after the other, each with TYPE, UNIT and
 * HELP; counters end in _total, times and spans are seconds, histograms are cumulative, and the
 * last line is # EOF. No type is used that the older Prometheus text format does not know, so that
 * what reads that takes this, too.
 */
#include "tools/stat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NS_PER_S = 1000000000, DIGITS = 48 };

struct digits {
    char text[DIGITS];
};

/* Nanoseconds as seconds, exactly. */
static struct digits seconds(uint64_t ns)
{
    struct digits digits;
    (void)snprintf(digits.text, sizeof digits.text, "%" PRIu64 ".%09" PRIu64, ns / NS_PER_S,
                   ns % NS_PER_S);
    return digits;
}

static struct digits value_of(const struct mr_counter_info *info, uint64_t value)
{
    struct digits digits;
    if (info->unit == MR_COUNTER_UNIT_NS) {
        return seconds(value);
    }
    (void)snprintf(digits.text, sizeof digits.text, "%" PRIu64, value);
    return digits;
}

/* The line that a family begins with. */
static void put_head(const char *family, const char *type, const char *unit, const char *help)
{
    printf("# TYPE millrace_%s %s\n", family, type);
    if (unit[0] != '\0') {
        printf("# UNIT millrace_%s %s\n", family, unit);
    }
    printf("# HELP millrace_%s %s\n", family, help);
}

/* A label's value: backslashes, quotes and line ends are escaped. */
static void put_label(const char *name, const char *value)
{
    printf("%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"') {
            printf("\\%c", *value);
        } else if (*value == '\n') {
            fputs("\\n", stdout);
        } else {
            putchar(*value);
        }
    }
    putchar('"');
}

static const char *unit_of(const struct mr_counter_info *info)
{
    return info->unit == MR_COUNTER_UNIT_NS      ? "seconds"
           : info->unit == MR_COUNTER_UNIT_BYTES ? "bytes"
                                                 : "";
}

/* -- Values. ----------------------------------------------------------------------------------- */

/* The lines of the list that are of one family, which may lie apart: the list goes by writers. */
static void put_family(const struct mr_counter_info *list, uint32_t from, uint32_t count,
                       const struct mr_counters_snapshot *now)
{
    const struct mr_counter_info *first = &list[from];
    bool counts = first->kind == MR_COUNTER_KIND_COUNTER;
    put_head(first->family, counts ? "counter" : "gauge", unit_of(first), first->help);
    for (uint32_t i = from; i < count; i++) {
        const struct mr_counter_info *info = &list[i];
        if (strcmp(info->family, first->family) == 0) {
            bool labelled = info->labels[0] != '\0';
            printf("millrace_%s%s%s%s%s %s\n", info->family, counts ? "_total" : "",
                   labelled ? "{" : "", info->labels, labelled ? "}" : "",
                   value_of(info, now->values[info->place]).text);
        }
    }
}

static bool is_new(const struct mr_counter_info *list, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(list[i].family, list[index].family) == 0) {
            return false;
        }
    }
    return true;
}

static void put_values(const struct mr_counters_snapshot *now)
{
    uint32_t count;
    const struct mr_counter_info *list = mr_counters_list(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (is_new(list, i)) {
            put_family(list, i, count, now);
        }
    }
}

/* -- Histograms. ------------------------------------------------------------------------------- */

/* A bound as a number with a point, as the format wants it of `le`. */
static struct digits bound_of(const struct mr_counter_info *info, uint64_t top)
{
    struct digits digits;
    if (info->unit == MR_COUNTER_UNIT_NS) {
        return seconds(top);
    }
    (void)snprintf(digits.text, sizeof digits.text, "%" PRIu64 ".0", top);
    return digits;
}

/* The bits of the first bound and the last: always the same ones, whatever was measured, so that
 * series do not come and go. */
static const struct {
    uint32_t first, last;
} bounds[] = {
    [MR_COUNTER_UNIT_NONE] = {0, 13},   /* no command to a largest batch */
    [MR_COUNTER_UNIT_BYTES] = {12, 22}, /* a page to two largest batches */
    [MR_COUNTER_UNIT_NS] = {8, 36},     /* 255 ns to 69 s */
};

/* Bounds at the powers of two: enough for a graph, and where finer buckets end, too. */
static void put_histogram(const struct mr_counter_info *info,
                          const struct mr_counters_histogram *histogram)
{
    uint64_t seen = 0;
    uint32_t index = 0;
    put_head(info->family, "histogram", unit_of(info), info->help);
    for (uint32_t bit = bounds[info->unit].first; bit <= bounds[info->unit].last; bit++) {
        uint64_t top = (UINT64_C(1) << bit) - 1;
        while (index < MR_COUNTERS_BUCKETS && mr_counters_bucket_top(index) <= top) {
            seen += histogram->buckets[index++];
        }
        printf("millrace_%s_bucket{le=\"%s\"} %" PRIu64 "\n", info->family,
               bound_of(info, top).text, seen);
    }
    printf("millrace_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", info->family, histogram->count);
    printf("millrace_%s_sum %s\n", info->family, value_of(info, histogram->sum).text);
    printf("millrace_%s_count %" PRIu64 "\n", info->family, histogram->count);
}

/* -- The rest. --------------------------------------------------------------------------------- */

static void put_health(const struct mr_counters_snapshot *now)
{
    put_head("engine_info", "gauge", "", "Whose counters these are; always 1.");
    printf("millrace_engine_info{");
    put_label("logic", now->logic);
    printf(",journal=\"");
    for (size_t i = 0; i < sizeof now->journal_id; i++) {
        printf("%02x", now->journal_id[i]);
    }
    printf("\"} 1\n");
    put_head("alive", "gauge", "", "1: the engine has not been closed, nor its process ended.");
    printf("millrace_alive %d\n", now->alive);
    put_head("health", "gauge", "", "1 at what the engine is, 0 at all else.");
    for (enum mr_engine_health health = MR_HEALTH_WELL; health <= MR_HEALTH_DEAD; health++) {
        printf("millrace_health{is=\"%s\"} %d\n", mr_engine_health_name(health),
               now->health == health);
    }
    put_head("started_timestamp_seconds", "gauge", "seconds", "When the engine was opened.");
    printf("millrace_started_timestamp_seconds %s\n", seconds(now->started_ns).text);
}

static void put_errors(const struct mr_counters_snapshot *now)
{
    put_head("errors_by_place", "counter", "", "Warnings and errors, by place and code.");
    for (uint32_t i = 0; i < now->error_count; i++) {
        const struct mr_counters_error *error = &now->errors[i];
        printf("millrace_errors_by_place_total{");
        put_label("place", error->place);
        printf(",code=\"%s\",level=\"%s\"} %" PRIu64 "\n", stat_code_name(error->code),
               mr_log_level_name(error->level), error->count);
    }
}

void stat_print_openmetrics(const struct stat_view *view)
{
    uint32_t count;
    const struct mr_counter_info *list = mr_counters_histogram_list(&count);
    put_health(view->now);
    put_values(view->now);
    for (uint32_t i = 0; i < count; i++) {
        put_histogram(&list[i], &view->now->histograms[list[i].place]);
    }
    put_errors(view->now);
    printf("# EOF\n");
}
