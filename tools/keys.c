#include "tools/keys.h"

#include "tools/options.h"

#include "base/assert.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_SIZE = 32, NAMES_SIZE = 512 };

static uint64_t *value_of(void *values, const struct key *key)
{
    return (uint64_t *)(void *)((char *)values + key->offset);
}

static uint64_t value_in(const void *values, const struct key *key)
{
    return *(const uint64_t *)(const void *)((const char *)values + key->offset);
}

static const struct key *key_named(const struct keys *keys, const char *name, size_t length)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strlen(keys->list[i].name) == length && memcmp(keys->list[i].name, name, length) == 0)
            return &keys->list[i];
    }
    return NULL;
}

/* One `name=value`, `length` bytes of it. */
static int parse_pair(const struct keys *keys, const char *what, const char *pair, size_t length,
                      void *values, bool *given, struct mr_error *error)
{
    const char *equals = memchr(pair, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - pair);
    const struct key *key = key_named(keys, pair, name_length);
    char names[NAMES_SIZE];
    if (key == NULL) {
        keys_names(keys, names, sizeof names);
        return mr_error_set(error, MR_E_INVALID, "%s: there is no key '%.*s'; the keys are%s", what,
                            (int)(name_length < 40 ? name_length : 40), pair, names);
    }
    if (given[key - keys->list])
        return mr_error_set(error, MR_E_INVALID, "%s: %s is given twice", what, key->name);
    given[key - keys->list] = true;

    char value[VALUE_SIZE] = "";
    size_t value_length = equals == NULL ? 0 : length - name_length - 1;
    if (value_length < sizeof value && equals != NULL)
        memcpy(value, equals + 1, value_length);
    uint64_t *place = value_of(values, key);
    if (!number_parse(value, place) || *place < key->least || *place > key->greatest)
        return mr_error_set(error, MR_E_INVALID, "%s: %s is a whole number from %llu to %llu", what,
                            key->name, (unsigned long long)key->least,
                            (unsigned long long)key->greatest);
    return MR_OK;
}

int keys_parse(const struct keys *keys, const char *what, const char *text, void *values,
               struct mr_error *error)
{
    bool given[KEYS_MAX] = {false};
    ASSERT(keys->count <= KEYS_MAX);
    for (size_t i = 0; i < keys->count; i++)
        *value_of(values, &keys->list[i]) = keys->list[i].value;
    while (*text != 0) {
        size_t length = strcspn(text, ",");
        int status = parse_pair(keys, what, text, length, values, given, error);
        if (status != MR_OK)
            return status;
        text += length + (text[length] == ',');
    }
    return MR_OK;
}

size_t keys_format(const struct keys *keys, const void *values, char *text, size_t size)
{
    int used = 0;
    for (size_t i = 0; i < keys->count; i++) {
        used += snprintf(text + used, size - (size_t)used, "%s%s=%llu", i == 0 ? "" : ",",
                         keys->list[i].name, (unsigned long long)value_in(values, &keys->list[i]));
        ASSERT((size_t)used < size);
    }
    return (size_t)used;
}

size_t keys_names(const struct keys *keys, char *text, size_t size)
{
    int used = 0;
    text[0] = 0;
    for (size_t i = 0; i < keys->count; i++) {
        used += snprintf(text + used, size - (size_t)used, " %s", keys->list[i].name);
        ASSERT((size_t)used < size);
    }
    return (size_t)used;
}
