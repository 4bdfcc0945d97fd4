/*
 * The sync guard: preloaded into a program, it proves that nothing is acknowledged before it is
 * durable. A test that kills the process cannot: the page cache survives a SIGKILL, so that a
 * program which never syncs anything would pass. The guard keeps a shadow of the data directory
 * with only those bytes whose sync the program has seen complete, and may stop the program right
 * after an acknowledgement. Whatever was acknowledged must be in the shadow.
 *
 *   MR_GUARD_DATA=DIR       the data directory; without it the guard does nothing
 *   MR_GUARD_SHADOW=DIR     where to make the shadow; neither it nor DIR.store may exist
 *   MR_GUARD_ACKS=FILE      the file to which the program writes its acknowledgements
 *   MR_GUARD_KILL_AFTER=N   SIGKILL right after the N-th write to it, before anything else can
 *                           become durable
 *   MR_GUARD_STRIP=1        a planted bug: no sync reaches the kernel, while the program is told
 *                           that it succeeded. The guard looks at what is left
 *   MR_GUARD_STRIP=queue    the same, for io_uring alone
 *
 * How it knows: entries of the submission queue are read when they are about to be submitted, and
 * completions as soon as a call that may bring them returns, before the program can see them. What
 * the guard does not know (another way to write or to sync) makes the shadow hold less, never more.
 */
#include "tests/syncguard/shadow.h"

#include <dlfcn.h>
#include <liburing.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RINGS_MAX = 8, SLOTS_MAX = 1024, OPERATIONS_MAX = 1024 };

struct operation {
    enum { FREE, WRITE, DURABLE_WRITE, SYNC } kind;
    uint64_t user_data;
    struct shadow_file *file;
    uint64_t offset;
    uint32_t size;
    const void *data;
    const struct operation *sync;   /* of a write: linked to it, comes after it */
    uint64_t began;                 /* of a sync */
    struct shadow_listing *listing; /* of a directory's sync */
};

struct ring {
    struct io_uring *ring; /* NULL: unused */
    unsigned seen;         /* completions looked at so far */
    struct shadow_file *slots[SLOTS_MAX];
    struct operation operations[OPERATIONS_MAX];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool inside; /* the guard's own calls are nobody's business */
static bool active;
static bool strips_queue, strips_calls;
static const char *acks_path;
static unsigned long kill_after, acks_written;
static struct ring rings[RINGS_MAX];

/* The next definition of a function behind ours. */
static void find_next(const char *name, void *function)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol == NULL) {
        shadow_die(name);
    }
    memcpy(function, &symbol, sizeof symbol);
}

#define NEXT(name)                   \
    static __typeof__(&name) next;   \
    do {                             \
        if (next == NULL) {          \
            find_next(#name, &next); \
        }                            \
    } while (0)

__attribute__((constructor)) static void start(void)
{
    const char *data = getenv("MR_GUARD_DATA");
    const char *shadow = getenv("MR_GUARD_SHADOW");
    const char *strip = getenv("MR_GUARD_STRIP");
    const char *kill_text = getenv("MR_GUARD_KILL_AFTER");
    if (data == NULL || shadow == NULL) {
        return;
    }
    inside = true;
    shadow_init(data, shadow);
    inside = false;
    acks_path = getenv("MR_GUARD_ACKS");
    strips_calls = strip != NULL && strcmp(strip, "1") == 0;
    strips_queue = strips_calls || (strip != NULL && strcmp(strip, "queue") == 0);
    kill_after = kill_text == NULL ? 0 : strtoul(kill_text, NULL, 10);
    active = true;
}

static bool enter(void)
{
    if (!active || inside) {
        return false;
    }
    inside = true;
    pthread_mutex_lock(&mutex);
    return true;
}

static void leave(void)
{
    pthread_mutex_unlock(&mutex);
    inside = false;
}

/* -- Rings. ------------------------------------------------------------------------------------ */

static struct ring *ring_of(struct io_uring *ring)
{
    struct ring *unused = NULL;
    for (int i = 0; i < RINGS_MAX; i++) {
        if (rings[i].ring == ring) {
            return &rings[i];
        }
        unused = rings[i].ring == NULL && unused == NULL ? &rings[i] : unused;
    }
    if (unused != NULL) {
        memset(unused, 0, sizeof *unused);
        unused->ring = ring;
        unused->seen = *ring->cq.khead;
        return unused;
    }
    shadow_die("too many rings");
}

/* The planted bug. */
static void strip(struct io_uring_sqe *entry)
{
    if (entry->opcode == IORING_OP_FSYNC) {
        entry->opcode = IORING_OP_NOP;
        entry->fsync_flags = 0;
    } else if (entry->opcode == IORING_OP_WRITE || entry->opcode == IORING_OP_WRITE_FIXED) {
        entry->rw_flags &= ~(RWF_DSYNC | RWF_SYNC);
    }
}

static struct operation *free_operation(struct ring *ring)
{
    for (int i = 0; i < OPERATIONS_MAX; i++) {
        if (ring->operations[i].kind == FREE) {
            return &ring->operations[i];
        }
    }
    shadow_die("too many operations in flight");
}

static struct shadow_file *target_of(const struct ring *ring, const struct io_uring_sqe *entry)
{
    if ((entry->flags & IOSQE_FIXED_FILE) == 0) {
        return shadow_file_of(entry->fd);
    }
    return entry->fd < SLOTS_MAX ? ring->slots[entry->fd] : NULL;
}

static void begin_sync(struct operation *operation)
{
    operation->kind = SYNC;
    operation->began = shadow_sync_begins();
    if (shadow_is_directory(operation->file)) {
        operation->listing = shadow_listing_take(operation->file);
    }
}

/* Notes an entry that is about to be submitted; NULL when it is none of ours. */
static struct operation *note(struct ring *ring, const struct io_uring_sqe *entry)
{
    bool is_write = entry->opcode == IORING_OP_WRITE || entry->opcode == IORING_OP_WRITE_FIXED;
    struct shadow_file *file = target_of(ring, entry);
    if (file == NULL || !(is_write || entry->opcode == IORING_OP_FSYNC)) {
        return NULL;
    }
    struct operation *operation = free_operation(ring);
    *operation = (struct operation){
        .kind = WRITE,
        .user_data = entry->user_data,
        .file = file,
        .offset = entry->off,
        .size = entry->len,
    };
    if (!is_write) {
        begin_sync(operation);
        return operation;
    }
    uintptr_t address = (uintptr_t)entry->addr;
    memcpy(&operation->data, &address, sizeof address);
    if (((uint32_t)entry->rw_flags & (uint32_t)(RWF_DSYNC | RWF_SYNC)) != 0) {
        operation->kind = DURABLE_WRITE;
    }
    return operation;
}

static void note_entries(struct ring *ring)
{
    const struct io_uring_sq *queue = &ring->ring->sq;
    struct operation *before = NULL; /* of the entry that this one is linked to */
    for (unsigned i = queue->sqe_head; i != queue->sqe_tail; i++) {
        struct io_uring_sqe *entry = &queue->sqes[i & queue->ring_mask];
        if (strips_queue) {
            strip(entry);
        }
        struct operation *operation = note(ring, entry);
        bool syncs_before = before != NULL && operation != NULL && operation->kind == SYNC &&
                            before->file == operation->file;
        if (syncs_before) {
            before->sync = operation;
        }
        before = (entry->flags & IOSQE_IO_LINK) != 0 ? operation : NULL;
    }
}

static void finish(struct operation *operation, int result)
{
    struct shadow_file *file = operation->file;
    switch (operation->kind) {
    case FREE:
        break;
    case WRITE:
        if (result > 0) {
            shadow_written(file, operation->offset, operation->data, (size_t)result,
                           operation->sync);
        }
        break;
    case DURABLE_WRITE:
        if (result > 0) {
            shadow_durable(file, operation->offset, operation->data, (size_t)result);
        }
        break;
    case SYNC:
        if (operation->listing != NULL) {
            shadow_listing_end(file, operation->listing, result == 0);
        } else {
            shadow_sync_ends(file, operation->began, operation, result == 0);
        }
        break;
    }
    operation->kind = FREE;
}

static void finish_completed(struct ring *ring, const struct io_uring_cqe *completion)
{
    for (int i = 0; i < OPERATIONS_MAX; i++) {
        struct operation *operation = &ring->operations[i];
        if (operation->kind != FREE && operation->user_data == completion->user_data) {
            finish(operation, completion->res);
            return;
        }
    }
}

static void look_at_completions(struct ring *ring)
{
    const struct io_uring_cq *queue = &ring->ring->cq;
    unsigned tail = io_uring_smp_load_acquire(queue->ktail);
    for (; ring->seen != tail; ring->seen++) {
        finish_completed(ring, &queue->cqes[ring->seen & queue->ring_mask]);
    }
}

static void look_at_all_completions(void)
{
    for (int i = 0; i < RINGS_MAX; i++) {
        if (rings[i].ring != NULL) {
            look_at_completions(&rings[i]);
        }
    }
}

/* Our definitions name their parameters as the rest of this file does, not as the headers do. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

/* Before and after each call that submits or waits. */
static void before_call(struct io_uring *ring)
{
    if (enter()) {
        struct ring *known = ring_of(ring);
        look_at_completions(known);
        note_entries(known);
        leave();
    }
}

static void after_call(struct io_uring *ring)
{
    if (enter()) {
        look_at_completions(ring_of(ring));
        leave();
    }
}

int io_uring_submit(struct io_uring *ring)
{
    NEXT(io_uring_submit);
    before_call(ring);
    int result = next(ring);
    after_call(ring);
    return result;
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr)
{
    NEXT(io_uring_submit_and_wait);
    before_call(ring);
    int result = next(ring, wait_nr);
    after_call(ring);
    return result;
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
                                     unsigned wait_nr, struct __kernel_timespec *ts,
                                     sigset_t *sigmask)
{
    NEXT(io_uring_submit_and_wait_timeout);
    before_call(ring);
    int result = next(ring, cqe_ptr, wait_nr, ts, sigmask);
    after_call(ring);
    return result;
}

int io_uring_submit_and_get_events(struct io_uring *ring)
{
    NEXT(io_uring_submit_and_get_events);
    before_call(ring);
    int result = next(ring);
    after_call(ring);
    return result;
}

int io_uring_get_events(struct io_uring *ring)
{
    NEXT(io_uring_get_events);
    before_call(ring);
    int result = next(ring);
    after_call(ring);
    return result;
}

static void set_slots(struct io_uring *ring, unsigned offset, const int *descriptors,
                      unsigned count)
{
    if (enter()) {
        struct ring *known = ring_of(ring);
        for (unsigned i = 0; i < count && offset + i < SLOTS_MAX; i++) {
            known->slots[offset + i] = shadow_file_of(descriptors[i]);
        }
        leave();
    }
}

int io_uring_register_files(struct io_uring *ring, const int *descriptors, unsigned count)
{
    NEXT(io_uring_register_files);
    int result = next(ring, descriptors, count);
    set_slots(ring, 0, descriptors, count);
    return result;
}

int io_uring_register_files_update(struct io_uring *ring, unsigned offset, const int *descriptors,
                                   unsigned count)
{
    NEXT(io_uring_register_files_update);
    int result = next(ring, offset, descriptors, count);
    set_slots(ring, offset, descriptors, count);
    return result;
}

void io_uring_queue_exit(struct io_uring *ring)
{
    NEXT(io_uring_queue_exit);
    if (enter()) {
        struct ring *known = ring_of(ring);
        look_at_completions(known);
        known->ring = NULL;
        leave();
    }
    next(ring);
}

/* -- Calls. ------------------------------------------------------------------------------------ */

typedef ssize_t pwrite_function(int descriptor, const void *data, size_t size, off_t offset);
typedef int sync_function(int descriptor);

static ssize_t guarded_pwrite(pwrite_function *next, int descriptor, const void *data, size_t size,
                              off_t offset)
{
    ssize_t result = next(descriptor, data, size, offset);
    if (result > 0 && enter()) {
        struct shadow_file *file = shadow_file_of(descriptor);
        if (file != NULL) {
            shadow_written(file, (uint64_t)offset, data, (size_t)result, NULL);
        }
        leave();
    }
    return result;
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
    NEXT(pwrite);
    return guarded_pwrite(next, descriptor, data, size, offset);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off_t offset)
{
    NEXT(pwrite64);
    return guarded_pwrite(next, descriptor, data, size, offset);
}

static int guarded_sync(sync_function *next, int descriptor)
{
    struct operation operation = {.kind = FREE};
    if (enter()) {
        operation.file = shadow_file_of(descriptor);
        if (operation.file != NULL && !strips_calls) {
            begin_sync(&operation);
        }
        leave();
    }
    int result = operation.file != NULL && strips_calls ? 0 : next(descriptor);
    if (operation.kind == SYNC && enter()) {
        finish(&operation, result);
        leave();
    }
    return result;
}

int fsync(int descriptor)
{
    NEXT(fsync);
    return guarded_sync(next, descriptor);
}

int fdatasync(int descriptor)
{
    NEXT(fdatasync);
    return guarded_sync(next, descriptor);
}

static bool is_acks_file(int descriptor)
{
    struct stat acks;
    struct stat status;
    return acks_path != NULL && fstat(descriptor, &status) == 0 && stat(acks_path, &acks) == 0 &&
           status.st_dev == acks.st_dev && status.st_ino == acks.st_ino;
}

/* An acknowledgement is let through while the shadow stands still: what was not durable before it
 * does not become so after it. */
ssize_t write(int descriptor, const void *data, size_t size)
{
    NEXT(write);
    if (!active || inside || !is_acks_file(descriptor) || !enter()) {
        return next(descriptor, data, size);
    }
    look_at_all_completions();
    ssize_t result = next(descriptor, data, size);
    acks_written += 1;
    if (acks_written == kill_after) {
        raise(SIGKILL);
    }
    leave();
    return result;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
