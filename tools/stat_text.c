/*
 * Counters for people: one screen.
 */
#include "tools/stat.h"

#include "tools/output.h"

#include <stdio.h>

enum { BAR_COLUMNS = 30 };

static uint64_t value(const struct stat_view *view, enum mr_counter id)
{
    return view->now->values[id];
}

static const char *grouped(struct number_text *number, uint64_t value_)
{
    *number = number_grouped(value_);
    return number->text;
}

/* -- How it is. -------------------------------------------------------------------------------- */

static const char *const meanings[] = {
#define MEANING(name, number, text) text,
    MR_ENGINE_STATES(MEANING)
#undef MEANING
};

static const char *meaning_of(uint64_t state)
{
    return state < sizeof meanings / sizeof *meanings ? meanings[state] : "in an unknown state";
}

static void print_health(const struct stat_view *view)
{
    const struct mr_counters_snapshot *now = view->now;
    uint64_t state = value(view, MR_COUNTER_state);
    const char *red = paint(PAINT_RED);
    const char *none = paint(PAINT_NONE);
    printf("  %-14s", "engine");
    switch (now->health) {
    case MR_HEALTH_WELL:
        printf("%s%s%s for %s", paint(PAINT_GREEN), meaning_of(state), none,
               number_duration(now->taken_ns - value(view, MR_COUNTER_state_since)).text);
        break;
    case MR_HEALTH_HUNG:
        printf("%sHANGS%s: stage '%s' has not been seen for %s", red, none, now->silent_stage,
               number_duration(now->silent_ns).text);
        break;
    case MR_HEALTH_HALTED:
        printf("%sHALTED%s by a signal or a debugger, for %s at least; kill -CONT %u lets it go on",
               red, none, number_duration(now->taken_ns - now->seen_ns).text, now->pid);
        break;
    case MR_HEALTH_FAILED:
        printf("%sFAILED%s %s", red, none, number_time(value(view, MR_COUNTER_state_since)).text);
        break;
    case MR_HEALTH_STOPPED:
        printf("stopped in order, %s", number_time(value(view, MR_COUNTER_state_since)).text);
        break;
    case MR_HEALTH_DEAD:
        printf("%sDEAD%s: not running since %s (it was last seen then); last state: %s", red, none,
               number_time(now->seen_ns).text, meaning_of(state));
        break;
    }
    printf("\n  %-14s%u%s, logic '%s', since %s\n", "process", now->pid,
           now->alive ? "" : " (gone)", now->logic, number_time(now->started_ns).text);
}

static void print_recovery(const struct stat_view *view)
{
    uint64_t last = value(view, MR_COUNTER_recovery_last);
    if (value(view, MR_COUNTER_state) == MR_ENGINE_RECOVERING) {
        struct number_text done, all;
        if (last == 0) {
            printf("  %-14sreading the journal\n", "recovery");
        } else {
            printf("  %-14sreplayed to sequence %s of %s (%llu%%)\n", "recovery",
                   grouped(&done, value(view, MR_COUNTER_recovery_sequence)), grouped(&all, last),
                   (unsigned long long)(value(view, MR_COUNTER_recovery_sequence) * 100 / last));
        }
    }
}

/* -- How far and how fast. --------------------------------------------------------------------- */

static void print_line(const struct stat_view *view, const char *name, enum mr_counter id,
                       const char *what)
{
    struct number_text number, rate;
    printf("  %-14s%16s", name, grouped(&number, value(view, id)));
    if (view->before != NULL) {
        printf("  %12s/s", grouped(&rate, stat_rate(view, id)));
    }
    printf("  %s%s%s\n", paint(PAINT_DIM), what, paint(PAINT_NONE));
}

static void print_progress(const struct stat_view *view)
{
    print_line(view, "accepted", MR_COUNTER_accepted, "commands, in this life");
    print_line(view, "sequenced", MR_COUNTER_sequenced, "sequence");
    print_line(view, "durable", MR_COUNTER_durable, "sequence");
    print_line(view, "applied", MR_COUNTER_applied, "sequence");
    print_line(view, "events", MR_COUNTER_events, "since the journal began");
    print_line(view, "rejects", MR_COUNTER_rejects, "since the journal began");
    print_line(view, "busy", MR_COUNTER_busy, "answers to producers");
    print_line(view, "journaled", MR_COUNTER_journaled_bytes, "bytes, in this life");
}

/* -- How full. --------------------------------------------------------------------------------- */

static void print_bar(const char *name, uint64_t used, uint64_t all)
{
    bool unicode = output_is_unicode();
    uint64_t columns = all == 0 ? 0 : used * BAR_COLUMNS / all;
    columns = columns == 0 && used > 0 ? 1 : columns;
    columns = columns > BAR_COLUMNS ? BAR_COLUMNS : columns;
    struct number_text a, b;
    printf("  %-14s%s", name, used * 4 >= all * 3 && all > 0 ? paint(PAINT_YELLOW) : "");
    for (uint64_t i = 0; i < BAR_COLUMNS; i++) {
        fputs(i < columns ? (unicode ? "█" : "#") : (unicode ? "░" : "."), stdout);
    }
    printf("%s  %s of %s\n", paint(PAINT_NONE), grouped(&a, used), grouped(&b, all));
}

static void print_fills(const struct stat_view *view)
{
    print_bar("input ring", value(view, MR_COUNTER_input_used),
              value(view, MR_COUNTER_input_slots));
    print_bar("block ring", value(view, MR_COUNTER_block_used),
              value(view, MR_COUNTER_block_slots));
    print_bar("output ring", value(view, MR_COUNTER_output_used),
              value(view, MR_COUNTER_output_slots));
    struct number_text number[4];
    printf("  %-14s%s sessions, %s timers, %s futures, %s subscribers\n", "open",
           grouped(&number[0], value(view, MR_COUNTER_sessions)),
           grouped(&number[1], value(view, MR_COUNTER_timers)),
           grouped(&number[2], value(view, MR_COUNTER_futures)),
           grouped(&number[3], value(view, MR_COUNTER_subscribers)));
    if (value(view, MR_COUNTER_space_low) != 0) {
        printf("  %-14s%sLOW%s: %s are left for the journal\n", "disk", paint(PAINT_RED),
               paint(PAINT_NONE), number_bytes(value(view, MR_COUNTER_space_left_bytes)).text);
    }
}

/* -- How long. --------------------------------------------------------------------------------- */

static struct number_text number_of(const struct mr_counter_info *info, uint64_t number)
{
    return info->unit == MR_COUNTER_UNIT_NS      ? number_duration(number)
           : info->unit == MR_COUNTER_UNIT_BYTES ? number_bytes(number)
                                                 : number_grouped(number);
}

static void print_percentiles(const struct mr_counter_info *info,
                              const struct mr_counters_histogram *of)
{
    printf("  %10s %10s", number_of(info, mr_counters_percentile(of, 50000)).text,
           number_of(info, mr_counters_percentile(of, 99000)).text);
}

static const char *title_of(const struct mr_counter_info *info)
{
    static const char *const titles[MR_COUNTERS_HISTOGRAM_COUNT] = {
        [MR_HISTOGRAM_batch_commands] = "batch, cmds",
        [MR_HISTOGRAM_block_commands] = "block, cmds",
        [MR_HISTOGRAM_block_bytes] = "block, bytes",
        [MR_HISTOGRAM_disk_ns] = "disk",
        [MR_HISTOGRAM_apply_ns] = "apply a block",
    };
    return titles[info->place] == NULL ? info->name : titles[info->place];
}

static void print_histograms(const struct stat_view *view)
{
    uint32_t count;
    const struct mr_counter_info *list = mr_counters_histogram_list(&count);
    printf("  %s%-14s  %10s %10s %10s", paint(PAINT_DIM), "", "p50", "p99", "max");
    printf("%s%s\n", view->before == NULL ? "" : "   just now:  p50        p99", paint(PAINT_NONE));
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_counters_histogram *now = &view->now->histograms[list[i].place];
        printf("  %-14s", title_of(&list[i]));
        print_percentiles(&list[i], now);
        printf(" %10s", number_of(&list[i], now->max).text);
        if (view->before != NULL) {
            struct mr_counters_histogram between;
            stat_histogram_between(now, &view->before->histograms[list[i].place], &between);
            printf("     ");
            print_percentiles(&list[i], &between);
        }
        putchar('\n');
    }
}

static void print_errors(const struct mr_counters_snapshot *now)
{
    for (uint32_t i = 0; i < now->error_count; i++) {
        const struct mr_counters_error *error = &now->errors[i];
        bool fatal = error->level == MR_LOG_ERROR;
        printf("  %s%-14s%s%s%s%s: %s\n", paint(fatal ? PAINT_RED : PAINT_YELLOW),
               mr_log_level_name(error->level), paint(PAINT_NONE), error->place,
               error->code == MR_OK ? "" : ", ",
               error->code == MR_OK ? "" : stat_code_name(error->code), error->text);
        printf("  %-14s%s%s times, first %s, last %s%s\n", "", paint(PAINT_DIM),
               number_grouped(error->count).text, number_time(error->first_ns).text,
               number_time(error->last_ns).text, paint(PAINT_NONE));
    }
    if (now->values[MR_COUNTER_errors_dropped] > 0) {
        printf("  %-14s%s more found no room here\n", "",
               number_grouped(now->values[MR_COUNTER_errors_dropped]).text);
    }
}

void stat_print_text(const struct stat_view *view)
{
    print_health(view);
    print_recovery(view);
    print_progress(view);
    print_fills(view);
    print_histograms(view);
    print_errors(view->now);
}
