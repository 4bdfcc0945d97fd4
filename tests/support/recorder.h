/*
 * A recorder behind the storage seam: a storage whose files lie on a rec_disk, and which writes
 * down in a trace what happens (or not, with a trace of NULL). The disk shows what the system would
 * show: everything, synced or not. recorder_crash.h makes of the trace what a crash may leave.
 *
 * The queue completes what is in flight in a random order from the seed; a reap may find nothing
 * done yet, unless it is told to wait. One thread; no call ever fails but for names that are
 * missing or in the way.
 */
#ifndef MR_TESTS_SUPPORT_RECORDER_H
#define MR_TESTS_SUPPORT_RECORDER_H

#include "base/random.h"
#include "base/storage.h"
#include "tests/support/recorder_trace.h"

enum { REC_HANDLES_MAX = 32 };

struct rec_handle {
    bool used;
    int file; /* REC_NO_FILE: a directory */
    enum rec_directory directory;
};

struct rec_flight {
    uint32_t op;
    uint64_t tag;
    const void *data; /* must not change before the operation is reaped (asserted) */
    uint32_t size;
    size_t recorded; /* its place in the trace's bytes */
};

struct recorder {
    struct mr_storage seam;
    struct rec_disk *disk;
    struct rec_trace *trace;
    struct rec_handle handles[REC_HANDLES_MAX];
    struct rec_flight flights[MR_QUEUE_DEPTH_MAX];
    uint32_t in_flight;
    uint32_t depth; /* of the queue; 0: not started */
    bool locked;
    struct mr_random random;
    bool in_order; /* all that is in flight completes at each reap, in order */
};

void recorder_init(struct recorder *recorder, struct rec_disk *disk, struct rec_trace *trace,
                   uint64_t seed);
/* The process is gone: its files are closed, its queue and its lock are free. The disk stays. */
void recorder_reset(struct recorder *recorder);

#endif
