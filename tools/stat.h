/*
 * `millrace stat` in its parts: what was read (<millrace/counters.h>), printed for people, as JSON,
 * as OpenMetrics.
 */
#ifndef MR_TOOLS_STAT_H
#define MR_TOOLS_STAT_H

#include <millrace/counters.h>

struct stat_view {
    const char *path;
    const struct mr_counters_snapshot *now;
    const struct mr_counters_snapshot *before; /* some time earlier, for rates; NULL: none */
};

/* What happened between the two: `later` minus `earlier`, which the same engine wrote. The extremes
 * stay those of its whole life. */
void stat_histogram_between(const struct mr_counters_histogram *later,
                            const struct mr_counters_histogram *earlier,
                            struct mr_counters_histogram *between);

/* How much more of a value there is than before, a second; 0 without `before`. */
uint64_t stat_rate(const struct stat_view *view, enum mr_counter id);

/* Nothing to worry about: it works, or has ended in order. */
bool stat_is_well(const struct mr_counters_snapshot *snapshot);

/* "E_NO_SPACE" and so on. Static storage. */
const char *stat_code_name(int code);

/* Standard output gets it. */
void stat_print_text(const struct stat_view *view);
void stat_print_json(const struct stat_view *view);
void stat_print_openmetrics(const struct stat_view *view);

#endif
