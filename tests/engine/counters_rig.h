/*
 * A file of counters in a directory of its own, written and read in one process.
 */
#ifndef MR_TESTS_ENGINE_COUNTERS_RIG_H
#define MR_TESTS_ENGINE_COUNTERS_RIG_H

#include "engine/counters.h"

#include "base/random.h"
#include "tests/support/temp_directory.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char directory[PATH_MAX], path[PATH_MAX + 32];
static struct mr_counters_writer writer;
static struct mr_counters_snapshot snapshot;

static inline int set_up(void **state)
{
    (void)state;
    mr_temp_directory_make(directory);
    (void)snprintf(path, sizeof path, "%s/counters", directory);
    memset(&writer, 0, sizeof writer);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    mr_counters_end(&writer);
    mr_temp_directory_remove(directory);
    return 0;
}

static inline void make(void)
{
    struct mr_error error = {0};
    assert_int_equal(mr_counters_make(&writer, path, "till", &error), MR_OK);
}

static inline void look_at(const char *at)
{
    struct mr_counters *counters;
    struct mr_error error = {0};
    assert_int_equal(mr_counters_open(at, &counters, &error), MR_OK);
    mr_counters_snapshot_take(counters, &snapshot);
    mr_counters_close(counters);
}

static inline uint64_t seed_of(uint64_t fallback)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? fallback : strtoull(text, NULL, 10);
    printf("seed %" PRIu64 " (set MR_SEED for another)\n", seed);
    return seed;
}

#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
