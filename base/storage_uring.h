/*
 * The queue of the real storage: durable writes and syncs through io_uring. Private to base/; users
 * go through base/storage.h. It knows files only as descriptors and the slots they get in the
 * kernel's table of registered files.
 */
#ifndef MR_BASE_STORAGE_URING_H
#define MR_BASE_STORAGE_URING_H

#include "base/storage.h"

#include <liburing.h>

enum { MR_URING_LOCK_SLOT = MR_STORAGE_FILES_MAX, MR_URING_WATCH_SLOT, MR_URING_SLOTS };

/* A file's place in the kernel's table. Written by the queue's thread only, and only for files that
 * went through the queue. */
struct mr_uring_slot {
    enum { MR_SLOT_FREE, MR_SLOT_WAITING, MR_SLOT_REGISTERED } state;
    int descriptor;
    uint32_t in_flight;
};

struct mr_uring_operation {
    uint64_t tag;
    uint32_t size; /* that must have been written; 0 for a sync */
    int file;
    int system_error;
    uint32_t remaining; /* completions to come: two for a write with a linked sync */
};

struct mr_uring {
    struct io_uring ring;
    int watch; /* the readable end of a pipe whose other end only the ring holds */
    bool running;
    bool deferred; /* completions wait in the kernel until this thread asks for them */
    bool buffers_registered;
    struct mr_durable_choice durable; /* the method in use, and why */
    bool method_given;                /* whoever started the queue said how */
    uint32_t turned_away;             /* by the kernel, in a row; see `try_again` */
    uint32_t interrupted;
    int buffers_error; /* why buffers are not registered, an errno value; 0: nobody wanted it */
    const unsigned char *buffers;
    size_t buffers_size;
    uint32_t depth;
    uint32_t in_flight; /* submitted and not yet reaped */
    uint32_t waiting;   /* slots in MR_SLOT_WAITING */
    uint8_t free_operations[MR_QUEUE_DEPTH_MAX];
    uint8_t waiting_slots[MR_QUEUE_DEPTH_MAX];
    struct mr_uring_operation operations[MR_QUEUE_DEPTH_MAX];
    struct mr_uring_slot slots[MR_STORAGE_FILES_MAX];
};

/* `uring` is all zero, or was stopped. `lock_descriptor` (-1: none) is kept in the kernel's table
 * until the ring is gone, which is when the last operation in flight has ended, also after a
 * SIGKILL. MR_E_UNSUPPORTED, MR_E_NO_MEMORY. */
int mr_uring_start(struct mr_uring *uring, const struct mr_queue_options *options,
                   int lock_descriptor, struct mr_error *error);
void mr_uring_stop(struct mr_uring *uring);
bool mr_uring_use(struct mr_uring *uring, const struct mr_durable_choice *choice);

/* `io->file` is the slot, `descriptor` the file that belongs into it; `directory` asks for a full
 * fsync where a file needs its data only. MR_OK or MR_AGAIN. */
int mr_uring_submit(struct mr_uring *uring, const struct mr_io *io, int descriptor, bool directory);
int mr_uring_flush(struct mr_uring *uring, struct mr_error *error);
int mr_uring_reap(struct mr_uring *uring, struct mr_io_result *results, uint32_t limit,
                  uint32_t wait_us, struct mr_error *error);

/* The file is about to be closed: its slot becomes free. Nothing of it is in flight (asserted). */
void mr_uring_forget(struct mr_uring *uring, int file);

#endif
