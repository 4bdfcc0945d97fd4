#include "bench/journal/fio_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind `"name" : ` in the text; NULL: it is not there. */
static const char *behind(const char *text, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\" : ", name);
    const char *found = text == NULL ? NULL : strstr(text, key);
    return found == NULL ? NULL : found + strlen(key);
}

/* The number that is there, or 0. */
static double number(const char *text)
{
    return text == NULL ? 0 : strtod(text, NULL);
}

/* A direction's name occurs as an option of the job too, then without a brace. */
static const char *find_direction(const char *text, const char *direction)
{
    const char *found = behind(text, direction);
    while (found != NULL && *found != '{') {
        found = behind(found, direction);
    }
    return found;
}

bool fio_report_parse(const char *text, const char *direction, struct fio_report *report)
{
    const char *part = find_direction(text, direction);
    /* Of the latencies, only those of completion have percentiles. */
    const char *percentiles = behind(behind(part, "clat_ns"), "percentile");
    *report = (struct fio_report){
        .bytes_per_s = number(behind(part, "bw_bytes")),
        .operations_per_s = number(behind(part, "iops")),
        .p50_ns = number(behind(percentiles, "50.000000")),
        .p99_ns = number(behind(percentiles, "99.000000")),
    };
    return report->bytes_per_s > 0 && report->operations_per_s > 0 && report->p50_ns > 0 &&
           report->p99_ns > 0;
}
