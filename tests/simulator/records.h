/*
 * What came out of an engine, or ought to: events and answers, one behind the other, as bytes that
 * can be compared.
 */
#ifndef MR_TESTS_SIMULATOR_RECORDS_H
#define MR_TESTS_SIMULATOR_RECORDS_H

#include "base/assert.h"

#include <millrace/message.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct records {
    unsigned char *bytes;
    size_t used, room;
};

enum record_kind { RECORD_EVENT = 1, RECORD_ANSWER = 2 };

struct record {
    uint32_t kind;
    uint32_t length; /* of what follows */
};

static inline void records_clear(struct records *records)
{
    records->used = 0;
}

static inline void records_free(struct records *records)
{
    free(records->bytes);
    *records = (struct records){0};
}

/* Room for a record of `length` bytes, a multiple of 8. */
static inline void *records_add(struct records *records, enum record_kind kind, uint32_t length)
{
    size_t size = sizeof(struct record) + length;
    if (__builtin_expect(records->room - records->used < size, 0)) {
        records->room = (records->room + size) * 2;
        records->bytes = realloc(records->bytes, records->room);
        ASSERT(records->bytes != NULL);
    }
    struct record *record = (struct record *)(void *)(records->bytes + records->used);
    *record = (struct record){.kind = (uint32_t)kind, .length = length};
    records->used += size;
    return record + 1;
}

static inline void records_append(struct records *records, const struct records *more)
{
    if (records->room - records->used < more->used) {
        records->room = (records->room + more->used) * 2;
        records->bytes = realloc(records->bytes, records->room);
        ASSERT(records->bytes != NULL);
    }
    if (more->used > 0) {
        memcpy(records->bytes + records->used, more->bytes, more->used);
        records->used += more->used;
    }
}

static inline void records_event(struct records *records, const struct mr_event *event)
{
    memcpy(records_add(records, RECORD_EVENT, event->length), event, event->length);
}

static inline void records_answer(struct records *records, const struct mr_answer *answer)
{
    memcpy(records_add(records, RECORD_ANSWER, sizeof *answer), answer, sizeof *answer);
}

/* Whether `part` is what `records` hold from byte `from` on, as far as `part` goes. */
static inline bool records_begin(const struct records *records, size_t from,
                                 const struct records *part)
{
    return part->used == 0 || (part->used <= records->used - from &&
                               memcmp(part->bytes, records->bytes + from, part->used) == 0);
}

#endif
