#include "base/storage_uring.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* What measurements favour: one thread submits, and completions are taken when that thread
 * asks (DEFER_TASKRUN), which it learns from a flag in shared memory rather than by asking. */
static const unsigned setup_flags_best = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                         IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL;

/* The two completions of a write with a linked sync are told apart by the lowest bit. */
enum { PART_FIRST = 0, PART_LINKED = 1 };

/* How often in a row the kernel may turn a call away before that counts as a failure. It does so
 * when it is short of memory (EAGAIN) or behind with completions (EBUSY): the naps between the
 * attempts, of 1 us at first and of twice as much each time, 1 ms at most, add up to 24 ms. */
enum { TURNED_AWAY_MAX = 32, NAP_DOUBLINGS = 10 };

/* How many waits in a row may end by a signal (EINTR) with nothing finished. A program that is
 * profiled gets a thousand signals a second: then this is a disk that is silent for 100 seconds. */
enum { INTERRUPTED_MAX = 100000 };

static int fail(struct mr_error *error, int result, const char *what)
{
    return mr_error_set_errno(error, -result, "io_uring: cannot %s", what);
}

/* Which method is the better one depends on where the disk's interrupts go and what spins there:
 * the user of the queue may measure it and say (mr_uring_use). Until then: the one that costs
 * least. */
static void choose_method(struct mr_uring *uring, enum mr_durable_method wanted)
{
    uring->method_given = wanted != MR_DURABLE_CHOOSE;
    uring->durable = (struct mr_durable_choice){
        .method = uring->method_given ? wanted : MR_DURABLE_DSYNC,
    };
}

bool mr_uring_use(struct mr_uring *uring, const struct mr_durable_choice *choice)
{
    ASSERT(uring->running);
    ASSERT(uring->in_flight == 0);
    ASSERT(choice->method != MR_DURABLE_CHOOSE);
    if (!uring->method_given) {
        uring->durable = *choice;
    }
    return !uring->method_given;
}

/* The kernel did not let us in. True when it may at the next attempt, in front of which this naps
 * if it was short of something. */
static bool try_again(struct mr_uring *uring, int result)
{
    if (result == -EINTR) {
        uring->interrupted += 1;
        return uring->interrupted < INTERRUPTED_MAX;
    }
    bool for_now = result == -EAGAIN || result == -EBUSY;
    if (!for_now || uring->turned_away == TURNED_AWAY_MAX) {
        return false;
    }
    uint32_t doublings = uring->turned_away < NAP_DOUBLINGS ? uring->turned_away : NAP_DOUBLINGS;
    const struct timespec nap = {.tv_nsec = 1000L << doublings};
    nanosleep(&nap, NULL);
    uring->turned_away += 1;
    return true;
}

/* Takes note of what a call into the kernel returned: once it lets us in, the counts begin anew. */
static int entered(struct mr_uring *uring, int result)
{
    if (result >= 0 || result == -ETIME) {
        uring->turned_away = 0;
        uring->interrupted = 0;
    }
    return result;
}

static int set_up_ring(struct mr_uring *uring, struct mr_error *error)
{
    unsigned entries = 2 * uring->depth; /* a write with a linked sync takes two */
    int result = io_uring_queue_init(entries, &uring->ring, setup_flags_best);
    uring->deferred = result == 0;
    if (result == -EINVAL) { /* before Linux 6.1 */
        result = io_uring_queue_init(entries, &uring->ring, 0);
    }
    if (result == -ENOMEM) {
        return fail(error, result, "get memory for the ring");
    }
    if (result < 0) {
        return mr_error_set(error, MR_E_UNSUPPORTED,
                            "io_uring is not available: %s (it needs Linux 5.11, "
                            "kernel.io_uring_disabled=0 and no seccomp filter against it)",
                            strerror(-result));
    }
    if ((uring->ring.features & IORING_FEAT_EXT_ARG) == 0) {
        io_uring_queue_exit(&uring->ring);
        return mr_error_set(error, MR_E_UNSUPPORTED, "io_uring of Linux 5.11 or later is needed");
    }
    return MR_OK;
}

/* All slots empty but two: the lock, and one end of a pipe. The kernel drops its references to them
 * when it frees the ring, and it does that only after the last operation in flight: so the lock
 * outlives them, and the other end of the pipe, which nobody else holds open, tells when it was. */
static int register_files(struct mr_uring *uring, int lock_descriptor, struct mr_error *error)
{
    int descriptors[MR_URING_SLOTS];
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fail(error, -errno, "make a pipe");
    }
    memset(descriptors, -1, sizeof descriptors);
    descriptors[MR_URING_LOCK_SLOT] = lock_descriptor;
    descriptors[MR_URING_WATCH_SLOT] = ends[1];
    int result = io_uring_register_files(&uring->ring, descriptors, MR_URING_SLOTS);
    close(ends[1]);
    if (result < 0) {
        close(ends[0]);
        return fail(error, result, "register files");
    }
    uring->watch = ends[0];
    return MR_OK;
}

/* Registered buffers spare the kernel the pinning of pages for every write. They are an
 * optimisation that RLIMIT_MEMLOCK may forbid: then do without, and describe says so. */
static void register_buffers(struct mr_uring *uring, const struct mr_queue_options *options)
{
    uring->buffers_registered = false;
    uring->buffers_error = 0;
    if (options->buffers == NULL || options->buffers_size == 0) {
        return;
    }
    struct iovec whole = {.iov_base = options->buffers, .iov_len = options->buffers_size};
    int result = io_uring_register_buffers(&uring->ring, &whole, 1);
    uring->buffers_registered = result == 0;
    uring->buffers_error = -result;
    uring->buffers = options->buffers;
    uring->buffers_size = options->buffers_size;
}

int mr_uring_start(struct mr_uring *uring, const struct mr_queue_options *options,
                   int lock_descriptor, struct mr_error *error)
{
    ASSERT(!uring->running);
    ASSERT(options->depth >= 1);
    ASSERT(options->depth <= MR_QUEUE_DEPTH_MAX);
    uring->depth = options->depth;
    choose_method(uring, options->method);
    uring->in_flight = 0;
    uring->waiting = 0;
    uring->turned_away = 0;
    uring->interrupted = 0;
    for (uint32_t i = 0; i < uring->depth; i++) {
        uring->free_operations[i] = (uint8_t)i;
    }
    int status = set_up_ring(uring, error);
    if (status != MR_OK) {
        return status;
    }
    status = register_files(uring, lock_descriptor, error);
    if (status != MR_OK) {
        io_uring_queue_exit(&uring->ring);
        return status;
    }
    register_buffers(uring, options);
    uring->running = true;
    return MR_OK;
}

/* The ring cannot be asked any more, but the kernel still reads from the memory of what is in
 * flight, which is the caller's as soon as the queue has stopped: waits for the end of the pipe. */
static void exit_broken(struct mr_uring *uring)
{
    char byte;
    io_uring_queue_exit(&uring->ring);
    while (read(uring->watch, &byte, 1) < 0 && errno == EINTR) {
    }
}

void mr_uring_stop(struct mr_uring *uring)
{
    ASSERT(uring->running);
    int count = 0;
    while (uring->in_flight > 0 && count >= 0) {
        struct mr_io_result ignored[MR_QUEUE_DEPTH_MAX];
        count = mr_uring_reap(uring, ignored, MR_QUEUE_DEPTH_MAX, 1000000, NULL);
    }
    if (uring->in_flight > 0) {
        exit_broken(uring);
    } else {
        /* The kernel tears a ring down some time later; files that nobody uses must not wait. */
        io_uring_unregister_files(&uring->ring);
        io_uring_queue_exit(&uring->ring);
    }
    close(uring->watch);
    for (uint32_t i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        if (uring->slots[i].state != MR_SLOT_FREE) {
            uring->slots[i] = (struct mr_uring_slot){.state = MR_SLOT_FREE};
        }
    }
    uring->running = false;
}

void mr_uring_forget(struct mr_uring *uring, int file)
{
    struct mr_uring_slot *slot = &uring->slots[file];
    if (slot->state == MR_SLOT_FREE) {
        return;
    }
    ASSERT(slot->in_flight == 0);
    ASSERT(slot->state == MR_SLOT_REGISTERED); /* what waits belongs to something in flight */
    int nothing = -1;
    int result = io_uring_register_files_update(&uring->ring, (unsigned)file, &nothing, 1);
    ASSERT(result == 1);
    slot->state = MR_SLOT_FREE;
}

/* Makes sure that the file will be in the kernel's table when the operation gets there. Only noted
 * here: submit makes no system call. */
static void claim_slot(struct mr_uring *uring, int file, int descriptor)
{
    struct mr_uring_slot *slot = &uring->slots[file];
    if (slot->state == MR_SLOT_FREE) {
        *slot = (struct mr_uring_slot){.state = MR_SLOT_WAITING, .descriptor = descriptor};
        uring->waiting_slots[uring->waiting] = (uint8_t)file;
        uring->waiting += 1;
    }
    ASSERT(slot->descriptor == descriptor);
    slot->in_flight += 1;
}

static struct io_uring_sqe *next_entry(struct mr_uring *uring)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&uring->ring);
    ASSERT(entry != NULL); /* the ring holds two entries for each operation */
    return entry;
}

static void finish_entry(struct io_uring_sqe *entry, uint32_t index, uint32_t part, unsigned flags)
{
    io_uring_sqe_set_flags(entry, IOSQE_FIXED_FILE | flags);
    io_uring_sqe_set_data64(entry, ((uint64_t)index << 1) | part);
}

static void enter_write(struct mr_uring *uring, const struct mr_io *io, uint32_t index)
{
    struct io_uring_sqe *entry = next_entry(uring);
    uintptr_t start = (uintptr_t)io->data - (uintptr_t)uring->buffers;
    if (uring->buffers_registered && start < uring->buffers_size &&
        io->size <= uring->buffers_size - start) {
        io_uring_prep_write_fixed(entry, io->file, io->data, io->size, io->offset, 0);
    } else {
        io_uring_prep_write(entry, io->file, io->data, io->size, io->offset);
    }
    bool durable = io->kind == MR_IO_WRITE_DURABLE;
    bool linked = durable && uring->durable.method == MR_DURABLE_LINKED_SYNC;
    if (durable && !linked) {
        entry->rw_flags = RWF_DSYNC;
    }
    finish_entry(entry, index, PART_FIRST, linked ? IOSQE_IO_LINK : 0);
    if (linked) {
        entry = next_entry(uring);
        io_uring_prep_fsync(entry, io->file, IORING_FSYNC_DATASYNC);
        finish_entry(entry, index, PART_LINKED, 0);
        uring->operations[index].remaining = 2;
    }
}

static void enter_sync(struct mr_uring *uring, const struct mr_io *io, uint32_t index,
                       bool directory)
{
    struct io_uring_sqe *entry = next_entry(uring);
    io_uring_prep_fsync(entry, io->file, directory ? 0 : IORING_FSYNC_DATASYNC);
    finish_entry(entry, index, PART_FIRST, 0);
}

int mr_uring_submit(struct mr_uring *uring, const struct mr_io *io, int descriptor, bool directory)
{
    ASSERT(uring->running);
    if (uring->in_flight == uring->depth) {
        return MR_AGAIN;
    }
    uint32_t index = uring->free_operations[uring->depth - uring->in_flight - 1];
    uring->in_flight += 1;
    claim_slot(uring, io->file, descriptor);
    uring->operations[index] = (struct mr_uring_operation){
        .tag = io->tag,
        .size = io->kind == MR_IO_SYNC ? 0 : io->size,
        .file = io->file,
        .remaining = 1,
    };
    if (io->kind == MR_IO_SYNC) {
        enter_sync(uring, io, index, directory);
    } else {
        enter_write(uring, io, index);
    }
    return MR_OK;
}

static int register_waiting(struct mr_uring *uring, struct mr_error *error)
{
    while (uring->waiting > 0) {
        uint8_t file = uring->waiting_slots[uring->waiting - 1];
        struct mr_uring_slot *slot = &uring->slots[file];
        int result = io_uring_register_files_update(&uring->ring, file, &slot->descriptor, 1);
        if (result != 1) {
            return fail(error, result < 0 ? result : -EIO, "register a file");
        }
        slot->state = MR_SLOT_REGISTERED;
        uring->waiting -= 1;
    }
    return MR_OK;
}

/* The kernel may take a part of what was submitted, when it is short of memory; the rest follows
 * with the next call. But a link does not reach from one call to the next: parted from its write, a
 * sync would run beside it and prove nothing. */
static int check_links(const struct mr_uring *uring, struct mr_error *error)
{
    const struct io_uring_sq *queue = &uring->ring.sq;
    if (io_uring_sq_ready(&uring->ring) == 0) {
        return MR_OK;
    }
    const struct io_uring_sqe *next = &queue->sqes[*queue->khead & queue->ring_mask];
    bool parted = (next->user_data & 1) == PART_LINKED;
    return parted ? fail(error, -EAGAIN, "submit a write together with its sync") : MR_OK;
}

int mr_uring_flush(struct mr_uring *uring, struct mr_error *error)
{
    ASSERT(uring->running);
    if (io_uring_sq_ready(&uring->ring) == 0) {
        return MR_OK;
    }
    int status = register_waiting(uring, error);
    if (status != MR_OK) {
        return status;
    }
    int result;
    do {
        result = entered(uring, io_uring_submit(&uring->ring));
    } while (result < 0 && try_again(uring, result));
    return result < 0 ? fail(error, result, "submit") : check_links(uring, error);
}

/* Why a write has moved only `moved` bytes; nothing may be built on it either way. The kernel says
 * only of the next one that the disk is full, and that is never made. */
static int short_write_error(const struct mr_uring *uring,
                             const struct mr_uring_operation *operation, uint32_t moved)
{
    struct statvfs status;
    int descriptor = uring->slots[operation->file].descriptor;
    bool full = moved < operation->size && fstatvfs(descriptor, &status) == 0 &&
                status.f_bavail * status.f_frsize < operation->size - moved;
    return full ? ENOSPC : EIO;
}

/* Books one completion; true when its operation is finished. */
static bool book(struct mr_uring *uring, const struct io_uring_cqe *completion)
{
    uint32_t index = (uint32_t)(completion->user_data >> 1);
    uint32_t part = (uint32_t)(completion->user_data & 1);
    ASSERT(index < uring->depth);
    struct mr_uring_operation *operation = &uring->operations[index];
    ASSERT(operation->remaining > 0);
    operation->remaining -= 1;

    int system_error = completion->res < 0 ? -completion->res : 0;
    bool is_write = part == PART_FIRST && operation->size > 0;
    if (system_error == 0 && is_write && (uint32_t)completion->res != operation->size) {
        system_error = short_write_error(uring, operation, (uint32_t)completion->res);
    }
    /* A failed write cancels its linked sync: what counts is why the write failed. */
    if (operation->system_error == 0 || operation->system_error == ECANCELED) {
        operation->system_error = system_error != 0 ? system_error : operation->system_error;
    }
    return operation->remaining == 0;
}

static void release(struct mr_uring *uring, uint32_t index, struct mr_io_result *result)
{
    const struct mr_uring_operation *operation = &uring->operations[index];
    *result = (struct mr_io_result){
        .tag = operation->tag,
        .system_error = operation->system_error,
    };
    ASSERT(uring->slots[operation->file].in_flight > 0);
    uring->slots[operation->file].in_flight -= 1;
    uring->free_operations[uring->depth - uring->in_flight] = (uint8_t)index;
    uring->in_flight -= 1;
}

/* Takes completions that lie in shared memory already. */
static uint32_t take(struct mr_uring *uring, struct mr_io_result *results, uint32_t limit)
{
    struct io_uring_cqe *completion;
    uint32_t taken = 0;
    unsigned seen = 0;
    unsigned head;
    io_uring_for_each_cqe(&uring->ring, head, completion)
    {
        if (taken == limit) {
            break;
        }
        if (book(uring, completion)) {
            release(uring, (uint32_t)(completion->user_data >> 1), &results[taken]);
            taken += 1;
        }
        seen += 1;
    }
    io_uring_cq_advance(&uring->ring, seen);
    return taken;
}

static int sleep_for_one(struct mr_uring *uring, uint32_t wait_us)
{
    struct __kernel_timespec wait = {
        .tv_sec = wait_us / 1000000,
        .tv_nsec = (long long)(wait_us % 1000000) * 1000,
    };
    struct io_uring_cqe *completion;
    return io_uring_submit_and_wait_timeout(&uring->ring, &completion, 1, &wait, NULL);
}

static bool wants_sleep(const struct mr_uring *uring, uint32_t wait_us)
{
    return wait_us > 0 && uring->in_flight > 0 && io_uring_cq_ready(&uring->ring) == 0;
}

/* Enters the kernel if there is a reason to: something to submit, completions that wait there for
 * being asked, or nothing finished and leave to sleep. */
static int enter_kernel(struct mr_uring *uring, uint32_t wait_us)
{
    if (wants_sleep(uring, wait_us)) {
        return entered(uring, sleep_for_one(uring, wait_us));
    }
    if (io_uring_sq_ready(&uring->ring) > 0) {
        return entered(uring, io_uring_submit_and_get_events(&uring->ring));
    }
    unsigned flags = IO_URING_READ_ONCE(*uring->ring.sq.kflags);
    if ((flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0) {
        return entered(uring, io_uring_get_events(&uring->ring));
    }
    return -ETIME;
}

/* All that must come before a look at the completions. A sleep may submit in several goes without
 * telling us; so linked writes are submitted before it. */
static int prepare_entry(struct mr_uring *uring, uint32_t wait_us, struct mr_error *error)
{
    bool linked = uring->durable.method == MR_DURABLE_LINKED_SYNC;
    return linked && wants_sleep(uring, wait_us) ? mr_uring_flush(uring, error)
                                                 : register_waiting(uring, error);
}

int mr_uring_reap(struct mr_uring *uring, struct mr_io_result *results, uint32_t limit,
                  uint32_t wait_us, struct mr_error *error)
{
    ASSERT(uring->running);
    ASSERT(limit > 0);
    for (;;) {
        int status = prepare_entry(uring, wait_us, error);
        if (status != MR_OK) {
            return status;
        }
        int result = enter_kernel(uring, wait_us);
        if (result < 0 && result != -ETIME && !try_again(uring, result)) {
            return fail(error, result, "wait for completions");
        }
        status = check_links(uring, error);
        if (status != MR_OK) {
            return status;
        }
        uint32_t taken = take(uring, results, limit);
        /* Go on sleeping only after half of a write with a linked sync. */
        if (taken > 0 || result < 0 || wait_us == 0 || uring->in_flight == 0) {
            return (int)taken;
        }
    }
}
