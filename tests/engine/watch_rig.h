/*
 * An engine in a directory of its own, stepped by hand, and what it says and counts.
 */
#ifndef MR_TESTS_ENGINE_WATCH_RIG_H
#define MR_TESTS_ENGINE_WATCH_RIG_H

#include "base/limits.h"
#include "tests/engine/till.h"
#include "tests/support/temp_directory.h"

#include <millrace/counters.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WATCH_LINES_MAX = 64, WATCH_LINE_SIZE = 600 };

struct watch_rig {
    char directory[PATH_MAX];
    char counters[PATH_MAX + 32];
    struct mr_engine_options options;
    struct mr_simulated_clock clock;
    struct mr_clock as_clock;
    struct mr_engine *engine;
    struct mr_counters_snapshot snapshot;
    /* What the log was told. */
    uint32_t line_count;
    enum mr_log_level levels[WATCH_LINES_MAX];
    char lines[WATCH_LINES_MAX][WATCH_LINE_SIZE];
};

static inline void watch_hear(void *context, enum mr_log_level level, const char *message)
{
    struct watch_rig *rig = context;
    assert_true(rig->line_count < WATCH_LINES_MAX);
    assert_true(strlen(message) < WATCH_LINE_SIZE);
    assert_null(strchr(message, '\n'));
    rig->levels[rig->line_count] = level;
    (void)snprintf(rig->lines[rig->line_count], WATCH_LINE_SIZE, "%s", message);
    rig->line_count++;
}

/* How many lines hold `part`, at this level. */
static inline uint32_t watch_heard(const struct watch_rig *rig, enum mr_log_level level,
                                   const char *part)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig->line_count; i++) {
        count += rig->levels[i] == level && strstr(rig->lines[i], part) != NULL;
    }
    return count;
}

static inline int watch_set_up(void **state)
{
    struct watch_rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    mr_temp_directory_make(rig->directory);
    (void)snprintf(rig->counters, sizeof rig->counters, "%s/counters", rig->directory);
    mr_simulated_clock_set(&rig->clock, UINT64_C(1700000000000000000));
    rig->as_clock = mr_clock_simulated(&rig->clock);
    rig->options = (struct mr_engine_options){
        .directory = rig->directory,
        .create = true,
        .clock = &rig->as_clock,
        .clock_kind = MR_CLOCK_SIMULATED,
        .logic = &till_logic,
        .segment_bytes = MR_SEGMENT_BYTES_MIN,
        .durability = MR_DURABILITY_OS,
        .input_slots = 64,
        .output_slots = 256,
        .log = {.write = watch_hear, .context = rig, .level = MR_LOG_INFO},
    };
    *state = rig;
    return 0;
}

static inline int watch_tear_down(void **state)
{
    struct watch_rig *rig = *state;
    mr_engine_close(rig->engine);
    mr_temp_directory_remove(rig->directory);
    free(rig);
    return 0;
}

static inline void watch_open(struct watch_rig *rig)
{
    struct mr_error error = {0};
    assert_int_equal(mr_engine_open(&rig->options, &rig->engine, &error), MR_OK);
}

static inline void watch_begin(struct watch_rig *rig)
{
    struct mr_error error = {0};
    watch_open(rig);
    assert_int_equal(mr_engine_begin(rig->engine, &error), MR_OK);
}

static inline void watch_end(struct watch_rig *rig)
{
    struct mr_error error = {0};
    assert_int_equal(mr_engine_stop(rig->engine, &error), MR_OK);
    mr_engine_close(rig->engine);
    rig->engine = NULL;
}

static inline void watch_step(struct watch_rig *rig, uint32_t rounds)
{
    const struct mr_engine_handlers nobody = {0};
    for (uint32_t i = 0; i < rounds; i++) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            (void)mr_engine_step(rig->engine, stage);
        }
        (void)mr_engine_poll(rig->engine, &nobody, UINT32_MAX);
    }
}

static inline void watch_settle(struct watch_rig *rig)
{
    for (uint32_t i = 0; i < 100000 && !mr_engine_drained(rig->engine); i++) {
        watch_step(rig, 1);
    }
    assert_true(mr_engine_drained(rig->engine));
    watch_step(rig, 100); /* idle long enough that every stage has looked again */
}

static inline void watch_look(struct watch_rig *rig)
{
    struct mr_counters *counters;
    struct mr_error error = {0};
    assert_int_equal(mr_counters_open(rig->counters, &counters, &error), MR_OK);
    mr_counters_snapshot_take(counters, &rig->snapshot);
    mr_counters_close(counters);
}

#define WATCH_VALUE(rig, name) ((rig)->snapshot.values[MR_COUNTER_##name])

#endif
