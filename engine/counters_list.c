/*
 * The list of counters as a table, and how its parts are called.
 */
#include "base/assert.h"
#include "engine/counters.h"

#include <string.h>

#define VALUE(name, family, labels, kind, unit, help)                                 \
    {#name, family,           labels, MR_COUNTER_KIND_##kind, MR_COUNTER_UNIT_##unit, \
     help,  MR_COUNTER_##name},
#define VALUES(list, group) list(VALUE)
static const struct mr_counter_info values[] = {MR_COUNTERS_GROUPS(VALUES)};

#define HISTOGRAM(name, family, unit, help) \
    {#name, family, "", MR_COUNTER_KIND_COUNTER, MR_COUNTER_UNIT_##unit, help, MR_HISTOGRAM_##name},
static const struct mr_counter_info histograms[] = {MR_COUNTERS_HISTOGRAMS(HISTOGRAM)};

/* A group that is too long would run into the next one. */
#define ONE(name, family, labels, kind, unit, help) +1
#define FITS(list, group) \
    _Static_assert((0 list(ONE)) <= MR_COUNTERS_GROUP_SLOTS, "the group has a place for each");
MR_COUNTERS_GROUPS(FITS)

const struct mr_counter_info *mr_counters_list(uint32_t *count)
{
    *count = sizeof values / sizeof *values;
    return values;
}

const struct mr_counter_info *mr_counters_histogram_list(uint32_t *count)
{
    *count = sizeof histograms / sizeof *histograms;
    return histograms;
}

static uint64_t hash_info(uint64_t hash, const struct mr_counter_info *info)
{
    for (const char *letter = info->name; *letter != '\0'; letter++) {
        hash = mr_mix64(hash ^ (unsigned char)*letter);
    }
    return mr_mix64(hash ^ (UINT64_C(0x100) + info->place));
}

uint64_t mr_counters_list_hash(void)
{
    uint64_t hash = 1;
    for (uint32_t i = 0; i < sizeof values / sizeof *values; i++) {
        hash = hash_info(hash, &values[i]);
    }
    for (uint32_t i = 0; i < sizeof histograms / sizeof *histograms; i++) {
        hash = hash_info(hash, &histograms[i]);
    }
    return hash;
}

const char *mr_counter_kind_name(enum mr_counter_kind kind)
{
    static const char *const names[] = {[MR_COUNTER_KIND_COUNTER] = "counter",
                                        [MR_COUNTER_KIND_GAUGE] = "gauge",
                                        [MR_COUNTER_KIND_TIME] = "time"};
    ASSERT((unsigned)kind < sizeof names / sizeof *names);
    return names[kind];
}

const char *mr_counter_unit_name(enum mr_counter_unit unit)
{
    static const char *const names[] = {[MR_COUNTER_UNIT_NONE] = "",
                                        [MR_COUNTER_UNIT_BYTES] = "bytes",
                                        [MR_COUNTER_UNIT_NS] = "ns"};
    ASSERT((unsigned)unit < sizeof names / sizeof *names);
    return names[unit];
}

const char *mr_engine_state_name(uint64_t state)
{
    static const char *const names[] = {
        [MR_ENGINE_NONE] = "none",         [MR_ENGINE_RECOVERING] = "recovering",
        [MR_ENGINE_READY] = "ready",       [MR_ENGINE_RUNNING] = "running",
        [MR_ENGINE_STOPPING] = "stopping", [MR_ENGINE_STOPPED] = "stopped",
        [MR_ENGINE_FAILED] = "failed"};
    return state < sizeof names / sizeof *names ? names[state] : "unknown";
}

const char *mr_engine_health_name(enum mr_engine_health health)
{
#define NAME(name, text) [MR_HEALTH_##name] = text,
    static const char *const names[] = {MR_ENGINE_HEALTHS(NAME)};
#undef NAME
    ASSERT((unsigned)health < sizeof names / sizeof *names);
    return names[health];
}

/* -- Histograms. ------------------------------------------------------------------------------- */

uint64_t mr_counters_bucket_top(uint32_t index)
{
    const uint32_t linear = 2U << MR_COUNTERS_HISTOGRAM_BITS;
    if (index < linear) {
        return index;
    }
    uint32_t shift = (index >> MR_COUNTERS_HISTOGRAM_BITS) - 1;
    uint64_t scaled = index - ((uint64_t)shift << MR_COUNTERS_HISTOGRAM_BITS);
    return ((scaled + 1) << shift) - 1;
}

uint64_t mr_counters_percentile(const struct mr_counters_histogram *histogram, uint32_t thousandths)
{
    enum { WHOLE = 100000 };
    ASSERT(thousandths <= WHOLE);
    uint64_t rank = histogram->count / WHOLE * thousandths +
                    (histogram->count % WHOLE * thousandths + WHOLE - 1) / WHOLE;
    uint64_t seen = 0;
    for (uint32_t i = 0; histogram->count > 0 && i < MR_COUNTERS_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank && seen > 0) {
            uint64_t top = mr_counters_bucket_top(i);
            return top < histogram->max ? top : histogram->max;
        }
    }
    return 0;
}
