/*
 * Counters as one JSON object: numbers as they are in the file, times in nanoseconds.
 */
#include "tools/json.h"
#include "tools/stat.h"

#include <stdio.h>

static void put_identity(struct json *json, const struct stat_view *view)
{
    const struct mr_counters_snapshot *now = view->now;
    char journal[2 * sizeof now->journal_id + 1];
    for (size_t i = 0; i < sizeof now->journal_id; i++) {
        (void)snprintf(journal + 2 * i, 3, "%02x", now->journal_id[i]);
    }
    json_bool(json, "ok", stat_is_well(now));
    json_text(json, "file", view->path);
    json_text(json, "health", mr_engine_health_name(now->health));
    json_bool(json, "alive", now->alive);
    json_text(json, "doing", mr_engine_state_name(now->values[MR_COUNTER_state]));
    json_u64(json, "pid", now->pid);
    json_text(json, "logic", now->logic);
    json_text(json, "journal", journal);
    json_u64(json, "taken", now->taken_ns);
    json_u64(json, "started", now->started_ns);
    json_u64(json, "seen", now->seen_ns);
    if (now->silent_stage != NULL) {
        json_text(json, "silent_stage", now->silent_stage);
        json_u64(json, "silent_ns", now->silent_ns);
    }
}

static void put_values(struct json *json, const struct stat_view *view)
{
    uint32_t count;
    const struct mr_counter_info *list = mr_counters_list(&count);
    json_open(json, "values");
    for (uint32_t i = 0; i < count; i++) {
        json_u64(json, list[i].name, view->now->values[list[i].place]);
    }
    json_close(json);
}

static void put_rates(struct json *json, const struct stat_view *view)
{
    uint32_t count;
    const struct mr_counter_info *list = mr_counters_list(&count);
    if (view->before == NULL) {
        return;
    }
    json_open(json, "per_second");
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].kind == MR_COUNTER_KIND_COUNTER) {
            json_u64(json, list[i].name, stat_rate(view, (enum mr_counter)list[i].place));
        }
    }
    json_u64(json, "applied", stat_rate(view, MR_COUNTER_applied));
    json_u64(json, "durable", stat_rate(view, MR_COUNTER_durable));
    json_close(json);
}

static void put_histograms(struct json *json, const struct stat_view *view)
{
    uint32_t count;
    const struct mr_counter_info *list = mr_counters_histogram_list(&count);
    json_open(json, "histograms");
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_counters_histogram *of = &view->now->histograms[list[i].place];
        json_open(json, list[i].name);
        json_u64(json, "count", of->count);
        json_u64(json, "sum", of->sum);
        json_u64(json, "min", of->count == 0 ? 0 : of->min);
        json_u64(json, "p50", mr_counters_percentile(of, 50000));
        json_u64(json, "p90", mr_counters_percentile(of, 90000));
        json_u64(json, "p99", mr_counters_percentile(of, 99000));
        json_u64(json, "p999", mr_counters_percentile(of, 99900));
        json_u64(json, "max", of->max);
        json_close(json);
    }
    json_close(json);
}

static void put_errors(struct json *json, const struct mr_counters_snapshot *now)
{
    json_array(json, "errors");
    for (uint32_t i = 0; i < now->error_count; i++) {
        const struct mr_counters_error *error = &now->errors[i];
        json_item(json);
        json_text(json, "level", mr_log_level_name(error->level));
        json_text(json, "place", error->place);
        json_text(json, "code", stat_code_name(error->code));
        json_u64(json, "count", error->count);
        json_u64(json, "first", error->first_ns);
        json_u64(json, "last", error->last_ns);
        json_text(json, "text", error->text);
        json_close(json);
    }
    json_array_end(json);
}

void stat_print_json(const struct stat_view *view)
{
    struct json json;
    json_begin(&json, stdout);
    put_identity(&json, view);
    put_values(&json, view);
    put_rates(&json, view);
    put_histograms(&json, view);
    put_errors(&json, view->now);
    json_end(&json);
}
