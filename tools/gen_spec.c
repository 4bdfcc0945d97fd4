#include "tools/gen_spec.h"

#include "base/assert.h"

#include <stdio.h>

/* Changes with whatever changes the commands that a specification stands for, so that a journal
 * never resumes with others than it began with. */
enum { GENERATOR_VERSION = 1 };

#define ROW(name, value, least, greatest) \
    {#name, offsetof(struct gen_spec, name), value, least, greatest},
static const struct key list[] = {GEN_KEYS(ROW)};
static const struct keys keys = {list, sizeof list / sizeof list[0]};

static int check(const struct gen_spec *spec, struct mr_error *error)
{
    if (spec->orders == 0) {
        char names[GEN_TEXT_SIZE];
        keys_names(&keys, names, sizeof names);
        return mr_error_set(error, MR_E_INVALID,
                            "gen: say how many orders, as in gen:orders=1000000; the keys are%s",
                            names);
    }
    if (spec->market + spec->ioc + spec->fok > 100)
        return mr_error_set(
            error, MR_E_INVALID,
            "gen: market, ioc and fok are shares of the same orders, so they make at "
            "most 100 together");
    if (spec->post + spec->reprice > 100 || spec->day + spec->gtd > 100)
        return mr_error_set(error, MR_E_INVALID,
                            "gen: post and reprice are shares of the same orders, so they make at "
                            "most 100 together, and so are day and gtd");
    if (spec->instruments * spec->depth > GEN_RESTING_MAX)
        return mr_error_set(error, MR_E_INVALID,
                            "gen: instruments times depth, the orders that can rest, is above %d",
                            GEN_RESTING_MAX);
    uint64_t span_ns; /* no gap is more than twice the mean */
    if (__builtin_mul_overflow(gen_spec_total(spec), 2 * GEN_NS_PER_S / spec->rate, &span_ns) ||
        __builtin_add_overflow(span_ns, 2 * spec->lifetime * GEN_NS_PER_MS + GEN_NS_PER_DAY,
                               &span_ns) ||
        span_ns > UINT64_MAX - spec->start * GEN_NS_PER_S)
        return mr_error_set(
            error, MR_E_INVALID,
            "gen: so many commands at rate=%llu would end, or expire, after the year 2554",
            (unsigned long long)spec->rate);
    return MR_OK;
}

int gen_spec_parse(const char *text, struct gen_spec *spec, struct mr_error *error)
{
    int status = keys_parse(&keys, "gen", text, spec, error);
    return status == MR_OK ? check(spec, error) : status;
}

size_t gen_spec_format(const struct gen_spec *spec, char text[GEN_TEXT_SIZE])
{
    int used = snprintf(text, GEN_TEXT_SIZE, "gen-%d:", GENERATOR_VERSION);
    ASSERT(used > 0);
    return (size_t)used + keys_format(&keys, spec, text + used, GEN_TEXT_SIZE - (size_t)used);
}

uint64_t gen_spec_total(const struct gen_spec *spec)
{
    uint64_t blocks = spec->orders / GEN_BLOCK_ORDERS;
    uint64_t rest = spec->orders % GEN_BLOCK_ORDERS;
    return spec->orders + blocks * (spec->cancels + spec->replaces) +
           rest * spec->cancels / GEN_BLOCK_ORDERS + rest * spec->replaces / GEN_BLOCK_ORDERS;
}
