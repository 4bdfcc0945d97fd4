/*
 * What a recorder has seen, in order: every write, when it was done, every sync, every change of a
 * name, and notes of the test's own ("index 7 was acknowledged").
 */
#ifndef MR_TESTS_SUPPORT_RECORDER_TRACE_H
#define MR_TESTS_SUPPORT_RECORDER_TRACE_H

#include "tests/support/recorder_disk.h"

enum rec_event_kind {
    REC_WRITE,          /* of `size` bytes at `data`: from here on any part may be on the disk */
    REC_SYNC,           /* of a file: covers the writes that are done */
    REC_SYNC_DIRECTORY, /* covers the changes of its names so far */
    REC_DONE,           /* the operation `op` is done */
    REC_CHANGE,         /* of a name */
    REC_NEW_FILE,       /* has no name yet */
    REC_NOTE,           /* the test's own */
};

struct rec_event {
    enum rec_event_kind kind;
    uint32_t op; /* of WRITE and the SYNCs, and of their DONE */
    int16_t file;
    uint8_t directory;
    bool durable; /* of WRITE: it is on stable storage once it is done */
    uint64_t offset;
    uint32_t size;
    size_t data; /* place in the trace's bytes */
    uint32_t change;
    int note;
    uint64_t value;
    uint64_t more[2];
};

struct rec_trace {
    struct rec_event *events;
    uint32_t count, room;
    struct rec_change *changes;
    uint32_t change_count, change_room;
    unsigned char *bytes;
    size_t used, capacity;
    uint32_t ops;
};

void rec_trace_init(struct rec_trace *trace);
void rec_trace_free(struct rec_trace *trace);
void rec_trace_clear(struct rec_trace *trace);

/* Returns the operation's number, from 1. */
uint32_t rec_trace_write(struct rec_trace *trace, int file, uint64_t offset, const void *data,
                         size_t size, bool durable);
uint32_t rec_trace_sync(struct rec_trace *trace, int file);
uint32_t rec_trace_sync_directory(struct rec_trace *trace, enum rec_directory directory);
void rec_trace_done(struct rec_trace *trace, uint32_t op);
void rec_trace_change(struct rec_trace *trace, const struct rec_change *change);
void rec_trace_new_file(struct rec_trace *trace, int file);
void rec_trace_note(struct rec_trace *trace, int note, uint64_t value, uint64_t more,
                    uint64_t even_more);

#endif
