#include "tools/stat.h"

#include "tools/output.h"

void stat_histogram_between(const struct mr_counters_histogram *later,
                            const struct mr_counters_histogram *earlier,
                            struct mr_counters_histogram *between)
{
    *between = *later;
    between->count = 0;
    for (uint32_t i = 0; i < MR_COUNTERS_BUCKETS; i++) {
        between->buckets[i] = later->buckets[i] - earlier->buckets[i];
        between->count += between->buckets[i];
    }
    between->sum = later->sum - earlier->sum;
}

uint64_t stat_rate(const struct stat_view *view, enum mr_counter id)
{
    if (view->before == NULL) {
        return 0;
    }
    uint64_t now = view->now->values[id];
    uint64_t before = view->before->values[id];
    return now <= before ? 0
                         : rate_per_second(now - before, view->now->taken_monotonic_ns -
                                                             view->before->taken_monotonic_ns);
}

bool stat_is_well(const struct mr_counters_snapshot *snapshot)
{
    return snapshot->health == MR_HEALTH_WELL || snapshot->health == MR_HEALTH_STOPPED;
}

const char *stat_code_name(int code)
{
#define CODE_CASE(name, value, text) \
    case value:                      \
        return #name;
    switch (code) {
        MR_STATUS_LIST(CODE_CASE)
    default:
        return "unknown";
    }
#undef CODE_CASE
}
