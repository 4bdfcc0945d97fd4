#include "tests/support/recorder_trace.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_EVENTS = 1024, FIRST_CHANGES = 256, FIRST_BYTES = 1 << 20 };

void rec_trace_init(struct rec_trace *trace)
{
    *trace = (struct rec_trace){
        .events = malloc(FIRST_EVENTS * sizeof(struct rec_event)),
        .room = FIRST_EVENTS,
        .changes = malloc(FIRST_CHANGES * sizeof(struct rec_change)),
        .change_room = FIRST_CHANGES,
        .bytes = malloc(FIRST_BYTES),
        .capacity = FIRST_BYTES,
    };
    ASSERT(trace->events != NULL);
    ASSERT(trace->changes != NULL);
    ASSERT(trace->bytes != NULL);
}

void rec_trace_free(struct rec_trace *trace)
{
    free(trace->events);
    free(trace->changes);
    free(trace->bytes);
}

void rec_trace_clear(struct rec_trace *trace)
{
    trace->count = 0;
    trace->change_count = 0;
    trace->used = 0;
    trace->ops = 0;
}

static void add(struct rec_trace *trace, struct rec_event event)
{
    if (trace->count == trace->room) {
        trace->room *= 2;
        trace->events = realloc(trace->events, trace->room * sizeof event);
        ASSERT(trace->events != NULL);
    }
    trace->events[trace->count++] = event;
}

uint32_t rec_trace_write(struct rec_trace *trace, int file, uint64_t offset, const void *data,
                         size_t size, bool durable)
{
    if (trace->used + size > trace->capacity) {
        while (trace->used + size > trace->capacity) {
            trace->capacity *= 2;
        }
        trace->bytes = realloc(trace->bytes, trace->capacity);
        ASSERT(trace->bytes != NULL);
    }
    memcpy(trace->bytes + trace->used, data, size);
    struct rec_event event = {
        .kind = REC_WRITE,
        .op = ++trace->ops,
        .file = (int16_t)file,
        .durable = durable,
        .offset = offset,
        .size = (uint32_t)size,
        .data = trace->used,
    };
    trace->used += size;
    add(trace, event);
    return event.op;
}

uint32_t rec_trace_sync(struct rec_trace *trace, int file)
{
    add(trace, (struct rec_event){.kind = REC_SYNC, .op = ++trace->ops, .file = (int16_t)file});
    return trace->ops;
}

uint32_t rec_trace_sync_directory(struct rec_trace *trace, enum rec_directory directory)
{
    add(trace, (struct rec_event){.kind = REC_SYNC_DIRECTORY,
                                  .op = ++trace->ops,
                                  .directory = (uint8_t)directory});
    return trace->ops;
}

void rec_trace_done(struct rec_trace *trace, uint32_t op)
{
    add(trace, (struct rec_event){.kind = REC_DONE, .op = op});
}

void rec_trace_change(struct rec_trace *trace, const struct rec_change *change)
{
    if (trace->change_count == trace->change_room) {
        trace->change_room *= 2;
        trace->changes = realloc(trace->changes, trace->change_room * sizeof *change);
        ASSERT(trace->changes != NULL);
    }
    trace->changes[trace->change_count] = *change;
    add(trace, (struct rec_event){.kind = REC_CHANGE,
                                  .directory = change->directory,
                                  .change = trace->change_count++});
}

void rec_trace_new_file(struct rec_trace *trace, int file)
{
    add(trace, (struct rec_event){.kind = REC_NEW_FILE, .file = (int16_t)file});
}

void rec_trace_note(struct rec_trace *trace, int note, uint64_t value, uint64_t more,
                    uint64_t even_more)
{
    add(trace, (struct rec_event){
                   .kind = REC_NOTE, .note = note, .value = value, .more = {more, even_more}});
}
