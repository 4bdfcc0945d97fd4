#include "tools/gen_spec.h"

#include "tools/options.h"

#include "base/assert.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Changes with whatever changes the commands that a specification stands for, so that a journal
 * never resumes with others than it began with. */
enum { GENERATOR_VERSION = 1 };

struct key {
    const char *name;
    size_t offset;
    uint64_t value, least, greatest;
};

#define ROW(name, value, least, greatest) \
    {#name, offsetof(struct gen_spec, name), value, least, greatest},
static const struct key keys[] = {GEN_KEYS(ROW)};

#define NAME(name, value, least, greatest) " " #name
static const char key_names[] = GEN_KEYS(NAME);

enum { KEY_COUNT = sizeof keys / sizeof keys[0], VALUE_SIZE = 32 };

static uint64_t *value_of(struct gen_spec *spec, const struct key *key)
{
    return (uint64_t *)(void *)((char *)spec + key->offset);
}

static uint64_t value_in(const struct gen_spec *spec, const struct key *key)
{
    return *(const uint64_t *)(const void *)((const char *)spec + key->offset);
}

static const struct key *key_named(const char *name, size_t length)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strlen(keys[i].name) == length && memcmp(keys[i].name, name, length) == 0)
            return &keys[i];
    }
    return NULL;
}

/* One `name=value`, `length` bytes of it. */
static int parse_pair(const char *pair, size_t length, struct gen_spec *spec, bool *given,
                      struct mr_error *error)
{
    const char *equals = memchr(pair, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - pair);
    const struct key *key = key_named(pair, name_length);
    if (key == NULL)
        return mr_error_set(error, MR_E_INVALID, "gen: there is no key '%.*s'; the keys are%s",
                            (int)(name_length < 40 ? name_length : 40), pair, key_names);
    if (given[key - keys])
        return mr_error_set(error, MR_E_INVALID, "gen: %s is given twice", key->name);
    given[key - keys] = true;

    char value[VALUE_SIZE] = "";
    size_t value_length = equals == NULL ? 0 : length - name_length - 1;
    if (value_length < sizeof value && equals != NULL)
        memcpy(value, equals + 1, value_length);
    uint64_t *place = value_of(spec, key);
    if (!number_parse(value, place) || *place < key->least || *place > key->greatest)
        return mr_error_set(error, MR_E_INVALID, "gen: %s is a whole number from %llu to %llu",
                            key->name, (unsigned long long)key->least,
                            (unsigned long long)key->greatest);
    return MR_OK;
}

static int check(const struct gen_spec *spec, struct mr_error *error)
{
    if (spec->orders == 0)
        return mr_error_set(error, MR_E_INVALID,
                            "gen: say how many orders, as in gen:orders=1000000; the keys are%s",
                            key_names);
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
    bool given[KEY_COUNT] = {false};
    for (size_t i = 0; i < KEY_COUNT; i++)
        *value_of(spec, &keys[i]) = keys[i].value;
    while (*text != 0) {
        size_t length = strcspn(text, ",");
        int status = parse_pair(text, length, spec, given, error);
        if (status != MR_OK)
            return status;
        text += length + (text[length] == ',');
    }
    return check(spec, error);
}

size_t gen_spec_format(const struct gen_spec *spec, char text[GEN_TEXT_SIZE])
{
    int used = snprintf(text, GEN_TEXT_SIZE, "gen-%d:", GENERATOR_VERSION);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        used += snprintf(text + used, GEN_TEXT_SIZE - (size_t)used, "%s%s=%llu", i == 0 ? "" : ",",
                         keys[i].name, (unsigned long long)value_in(spec, &keys[i]));
        ASSERT(used < GEN_TEXT_SIZE);
    }
    return (size_t)used;
}

uint64_t gen_spec_total(const struct gen_spec *spec)
{
    uint64_t blocks = spec->orders / GEN_BLOCK_ORDERS;
    uint64_t rest = spec->orders % GEN_BLOCK_ORDERS;
    return spec->orders + blocks * (spec->cancels + spec->replaces) +
           rest * spec->cancels / GEN_BLOCK_ORDERS + rest * spec->replaces / GEN_BLOCK_ORDERS;
}
