/*
 * What a crash may leave, at any point of a trace: all that was durable then, and of the rest
 *
 *   - of written bytes any 512-byte sectors, each of them an *item* that is there or is not;
 *   - of a file that grew, any size that a sector or a write of it needs;
 *   - of the changes of names in one directory the first few, in their order.
 *
 * A walk applies to a disk, event by event, what has become durable. At any of its stops a window
 * opens on all that is pending: items are flipped one by one on that very disk, code under test
 * looks at it, and closing the window leaves only what was durable. Nothing is copied or cloned.
 */
#ifndef MR_TESTS_SUPPORT_RECORDER_CRASH_H
#define MR_TESTS_SUPPORT_RECORDER_CRASH_H

#include "base/storage.h"
#include "tests/support/recorder_trace.h"

enum { REC_PENDING_MAX = 64, REC_ITEMS_MAX = 1024 };

struct rec_pending_write {
    uint32_t op;
    uint32_t covered; /* the sync that makes it durable when it is done; 0: none yet */
    uint32_t size;
    int16_t file;
    bool durable; /* when it is done, that is */
    bool done;
    uint64_t offset;
    size_t data;
};

struct rec_pending_change {
    uint32_t change; /* in the trace */
    uint32_t covered;
};

struct rec_pending_changes {
    struct rec_pending_change list[REC_PENDING_MAX];
    uint32_t count;
};

struct rec_walk {
    const struct rec_trace *trace;
    struct rec_disk *disk; /* what is durable */
    uint32_t at;           /* the event to come */
    struct rec_pending_write writes[REC_PENDING_MAX];
    uint32_t write_count;
    struct rec_pending_changes changes[REC_DIRECTORIES];
};

/* `disk` must hold what the recorder's disk held when the trace began. */
void rec_walk_begin(struct rec_walk *walk, const struct rec_trace *trace, struct rec_disk *disk);
/* The event to come, NULL at the end. */
const struct rec_event *rec_walk_peek(const struct rec_walk *walk);
/* Will it alter what a crash may leave? */
bool rec_walk_alters(const struct rec_walk *walk);
void rec_walk_step(struct rec_walk *walk);

struct rec_item {
    int16_t file;
    uint16_t write;            /* in the walk */
    const unsigned char *data; /* NULL: only the size, which becomes `offset` at least */
    uint64_t offset;
    size_t floor; /* the file's durable size */
    bool grows;   /* it lies behind that */
    unsigned char was[MR_SECTOR_SIZE];
};

/* Sectors that hold already what is being written, and those of files without a name, are no items:
 * a state would only be counted twice. */
struct rec_window {
    struct rec_walk *walk;
    size_t mark;
    uint32_t count;
    uint64_t on[REC_ITEMS_MAX / 64];
    struct rec_item items[REC_ITEMS_MAX];
};

/* With the first names[d] of the pending changes of each directory d. All items are off. */
void rec_window_open(struct rec_window *window, struct rec_walk *walk,
                     const uint32_t names[REC_DIRECTORIES]);
void rec_window_flip(struct rec_window *window, uint32_t at);
/* Turns all items off, and takes the names back. */
void rec_window_close(struct rec_window *window);

static inline bool rec_window_is_on(const struct rec_window *window, uint32_t item)
{
    return (window->on[item / 64] >> (item % 64) & 1) != 0;
}

#endif
