/*
 * Faults of the queue. Entries are looked at when they are about to be submitted: one that is to
 * fail is cut down to what shall reach the file, a sync that is linked to it is taken out as the
 * kernel would cancel it, and the completions are rewritten before the storage sees them.
 */
#include "tests/faults/inject_queue.h"

#include "base/assert.h"
#include "journal/frame.h"

#include <errno.h>
#include <liburing.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WRAPPED(type, name, ...)     \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

WRAPPED(int, io_uring_queue_init, unsigned entries, struct io_uring *ring, unsigned flags);
WRAPPED(int, io_uring_register_files, struct io_uring *ring, const int *files, unsigned count);
WRAPPED(int, io_uring_register_buffers, struct io_uring *ring, const struct iovec *buffers,
        unsigned count);
WRAPPED(int, io_uring_register_files_update, struct io_uring *ring, unsigned offset,
        const int *files, unsigned count);
WRAPPED(int, io_uring_submit, struct io_uring *ring);
WRAPPED(int, io_uring_submit_and_wait_timeout, struct io_uring *ring, struct io_uring_cqe **cqe,
        unsigned wait_count, struct __kernel_timespec *wait, sigset_t *mask);
WRAPPED(int, io_uring_submit_and_get_events, struct io_uring *ring);
WRAPPED(int, io_uring_get_events, struct io_uring *ring);

enum { SLOTS_MAX = 256, PENDING_MAX = 128 };

/* A completion that will say something else than what happened. */
struct pending {
    uint64_t user_data;
    int result;
    int file; /* whose sync failed; -1: no sync did */
};

static struct {
    int slots[SLOTS_MAX]; /* the descriptors in the kernel's table */
    struct pending pending[PENDING_MAX];
    uint32_t pending_count;
    unsigned seen; /* entries of the submission queue that were looked at, by their tail */
    unsigned seen_completions;
} queue;

void inject_queue_forget(void)
{
    memset(&queue, 0, sizeof queue);
}

bool inject_works(void)
{
    struct io_uring ring;
    unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (__real_io_uring_queue_init(4, &ring, flags) != 0) {
        return false;
    }
    io_uring_queue_exit(&ring);
    return true;
}

/* -- Entries that are submitted. --------------------------------------------------------------- */

static void expect(const struct io_uring_sqe *entry, int result, int synced_file)
{
    ASSERT(queue.pending_count < PENDING_MAX);
    queue.pending[queue.pending_count] = (struct pending){
        .user_data = entry->user_data,
        .result = result,
        .file = synced_file,
    };
    queue.pending_count++;
}

static void make_nothing(struct io_uring_sqe *entry)
{
    entry->opcode = IORING_OP_NOP;
    entry->len = 0;
    entry->rw_flags = 0;
    entry->off = 0;
    entry->addr = 0;
    entry->buf_index = 0;
    entry->flags = 0;
}

static bool is_write(const struct io_uring_sqe *entry)
{
    return entry->opcode == IORING_OP_WRITE || entry->opcode == IORING_OP_WRITE_FIXED;
}

static int file_of(const struct io_uring_sqe *entry)
{
    ASSERT((entry->flags & IOSQE_FIXED_FILE) != 0);
    ASSERT(entry->fd >= 0 && entry->fd < SLOTS_MAX);
    return queue.slots[entry->fd];
}

/* No index behind a frame that failed may be acknowledged. */
static void bound_by(const struct io_uring_sqe *entry)
{
    struct mr_frame_header header;
    uintptr_t address = (uintptr_t)entry->addr;
    const void *bytes;
    memcpy(&bytes, &address, sizeof bytes);
    memcpy(&header, bytes, sizeof header);
    struct inject_report *report = inject_report_in_hand();
    if (memcmp(&header.magic, "MRFRAME", 8) == 0 && header.before.index < report->frame_bound) {
        report->frame_bound = header.before.index;
    }
}

static void fail_write(struct io_uring_sqe *entry, struct io_uring_sqe *linked)
{
    const struct inject_plan *plan = inject_plan_in_hand();
    bool durable = (entry->rw_flags & RWF_DSYNC) != 0 || linked != NULL;
    int file = file_of(entry);
    bound_by(entry);
    uint32_t size = entry->len;
    uint32_t part = size / 2 / MR_SECTOR_SIZE * MR_SECTOR_SIZE;
    part = part > 0 ? part : size - 1;
    if (plan->fault == INJECT_SHORT) {
        entry->len = part;
        expect(entry, (int)part, durable ? file : -1);
    } else {
        expect(entry, -plan->fault, durable ? file : -1);
        if (plan->reaches == 0) {
            make_nothing(entry);
        } else if (plan->reaches == 1) {
            entry->len = part;
        }
    }
    if (linked != NULL) { /* the kernel cancels it */
        entry->flags &= (uint8_t)~IOSQE_IO_LINK;
        make_nothing(linked);
        expect(linked, -ECANCELED, -1);
    }
}

static void fail_sync(struct io_uring_sqe *entry)
{
    expect(entry, -inject_plan_in_hand()->fault, file_of(entry));
    make_nothing(entry);
}

static bool is_segment(int file)
{
    char link[64];
    char path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path);
    return length > 4 && memcmp(path + length - 4, ".seg", 4) == 0;
}

/* Looks at one entry. `linked`: the sync that hangs on it, or NULL. */
static void look_at_entry(struct io_uring_sqe *entry, struct io_uring_sqe *linked)
{
    bool first = inject_report_in_hand()->failed == 0;
    if (is_write(entry)) {
        bool durable = (entry->rw_flags & RWF_DSYNC) != 0 || linked != NULL;
        if (durable) {
            inject_sync_begins(file_of(entry));
        }
        if (inject_fails(INJECT_QUEUED_WRITE)) {
            fail_write(entry, linked);
        }
    } else if (entry->opcode == IORING_OP_FSYNC) {
        inject_sync_begins(file_of(entry));
        if (inject_fails(INJECT_QUEUED_SYNC)) {
            inject_report_in_hand()->first_of_segment |= first && is_segment(file_of(entry));
            fail_sync(entry);
        }
    }
}

static void look_at_entries(struct io_uring *ring)
{
    struct io_uring_sq *sq = &ring->sq;
    for (; queue.seen != sq->sqe_tail; queue.seen++) {
        struct io_uring_sqe *entry = &sq->sqes[queue.seen & sq->ring_mask];
        bool links = (entry->flags & IOSQE_IO_LINK) != 0;
        struct io_uring_sqe *next = &sq->sqes[(queue.seen + 1) & sq->ring_mask];
        look_at_entry(entry, links ? next : NULL);
    }
}

/* -- Completions. ------------------------------------------------------------------------------ */

static void rewrite(struct io_uring_cqe *completion)
{
    for (uint32_t i = 0; i < queue.pending_count; i++) {
        const struct pending found = queue.pending[i];
        if (found.user_data == completion->user_data) {
            completion->res = found.result;
            inject_completed();
            if (found.file >= 0) {
                inject_sync_failed(found.file);
            }
            queue.pending_count--;
            queue.pending[i] = queue.pending[queue.pending_count];
            return;
        }
    }
}

static void look_at_completions(const struct io_uring *ring)
{
    const struct io_uring_cq *cq = &ring->cq;
    unsigned tail = io_uring_smp_load_acquire(cq->ktail);
    for (; queue.seen_completions != tail; queue.seen_completions++) {
        rewrite(&cq->cqes[queue.seen_completions & cq->ring_mask]);
    }
}

/* -- The calls. -------------------------------------------------------------------------------- */

/* In front of a call into the kernel: true when it fails without getting there. */
static bool turned_away(struct io_uring *ring, int *result)
{
    if (!inject_watches()) {
        return false;
    }
    look_at_entries(ring);
    if (inject_plan_in_hand()->fault == INJECT_SHORT || !inject_fails(INJECT_ENTER)) {
        return false;
    }
    *result = -inject_plan_in_hand()->fault;
    return true;
}

/* Hides all entries but the first, if this call is to take no more. Returns the true tail. */
static unsigned hide_rest(struct io_uring *ring)
{
    unsigned tail = ring->sq.sqe_tail;
    unsigned waiting = io_uring_sq_ready(ring);
    if (inject_watches() && inject_plan_in_hand()->fault == INJECT_SHORT && waiting > 1 &&
        inject_fails(INJECT_ENTER)) {
        ring->sq.sqe_tail = tail - waiting + 1;
        const struct io_uring_sqe *first = &ring->sq.sqes[(tail - waiting) & ring->sq.ring_mask];
        bool parted = (first->flags & IOSQE_IO_LINK) != 0;
        inject_report_in_hand()->first_parted |= parted;
    }
    return tail;
}

#define ENTER(ring, call)                 \
    do {                                  \
        int result;                       \
        if (turned_away(ring, &result)) { \
            return result;                \
        }                                 \
        unsigned tail = hide_rest(ring);  \
        result = (call);                  \
        (ring)->sq.sqe_tail = tail;       \
        look_at_completions(ring);        \
        return result;                    \
    } while (0)

int __wrap_io_uring_submit(struct io_uring *ring)
{
    ENTER(ring, __real_io_uring_submit(ring));
}

int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                            unsigned wait_count, struct __kernel_timespec *wait,
                                            sigset_t *mask)
{
    ENTER(ring, __real_io_uring_submit_and_wait_timeout(ring, cqe, wait_count, wait, mask));
}

int __wrap_io_uring_submit_and_get_events(struct io_uring *ring)
{
    ENTER(ring, __real_io_uring_submit_and_get_events(ring));
}

int __wrap_io_uring_get_events(struct io_uring *ring)
{
    ENTER(ring, __real_io_uring_get_events(ring));
}

int __wrap_io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
    inject_queue_forget();
    return inject_fails(INJECT_RING) ? -inject_plan_in_hand()->fault
                                     : __real_io_uring_queue_init(entries, ring, flags);
}

int __wrap_io_uring_register_files(struct io_uring *ring, const int *files, unsigned count)
{
    return inject_fails(INJECT_RING) ? -inject_plan_in_hand()->fault
                                     : __real_io_uring_register_files(ring, files, count);
}

int __wrap_io_uring_register_buffers(struct io_uring *ring, const struct iovec *buffers,
                                     unsigned count)
{
    return inject_fails(INJECT_BUFFERS) ? -inject_plan_in_hand()->fault
                                        : __real_io_uring_register_buffers(ring, buffers, count);
}

int __wrap_io_uring_register_files_update(struct io_uring *ring, unsigned offset, const int *files,
                                          unsigned count)
{
    /* That a file is taken out cannot fail. */
    if (files[0] >= 0 && inject_fails(INJECT_SLOT)) {
        return -inject_plan_in_hand()->fault;
    }
    if (offset < SLOTS_MAX) {
        queue.slots[offset] = files[0];
    }
    return __real_io_uring_register_files_update(ring, offset, files, count);
}
