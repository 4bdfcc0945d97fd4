/*
 * The storage seam: all that the journal does to a data directory goes through this table of calls,
 * so that tests and the simulator can stand in for the disk, lose what was not synced, reorder what
 * was in flight, and fail any call.
 *
 * Two halves. The synchronous calls serve start, recovery and the tools. The queue serves the
 * writer while the engine runs: durable writes are submitted and reaped later, in any order, and
 * nothing on that path blocks or allocates.
 *
 * Names are paths relative to the data directory ("journal/00000001.seg"), at most 127 bytes; "" is
 * the directory itself. A file is known by a small number, which open gives and close takes back.
 * Every call returns MR_OK or a negative code with `error` filled in (NULL: not wanted); where a
 * name is known, the message holds its path.
 *
 * Threads: one at a time, except that other threads may open, read and close files of their own
 * meanwhile. The queue has its own rule, see below.
 *
 * What a crash leaves: bytes that were synced, all of them; of bytes that were not, any 512-byte
 * sectors. A file's size is synced with the file. That a name exists (open with CREATE, rename,
 * remove, make_directory) is durable only after a sync of the directory that holds the name.
 */
#ifndef MR_BASE_STORAGE_H
#define MR_BASE_STORAGE_H

#include <millrace/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MR_SECTOR_SIZE = 512,        /* what a disk writes whole or not at all */
    MR_STORAGE_ALIGNMENT = 4096, /* of every offset, length and buffer of a direct access */
    MR_STORAGE_FILES_MAX = 128,  /* open at a time, by all threads together */
    MR_STORAGE_NAME_MAX = 128,   /* bytes of a name, with its closing zero */
    MR_QUEUE_DEPTH_MAX = 64,
};

enum mr_open_flags {
    MR_OPEN_READ = 0,
    MR_OPEN_WRITE = 1,  /* for reading and writing */
    MR_OPEN_CREATE = 2, /* with WRITE: must not exist yet */
    MR_OPEN_DIRECT = 4, /* bypass the page cache where the file system can; aligned access only */
};

/* One asynchronous operation. A durable write is complete only when its bytes are on stable
 * storage; how (a DSYNC write, or a write with a linked sync) is the storage's business. */
enum mr_io_kind {
    MR_IO_WRITE_DURABLE,
    MR_IO_WRITE, /* no promise until a later MR_IO_SYNC of the file completes */
    MR_IO_SYNC,  /* of a file, or of a directory opened with open_directory */
};

struct mr_io {
    enum mr_io_kind kind;
    int file;
    const void *data; /* must stay unchanged until the operation is reaped */
    uint32_t size;
    uint64_t offset;
    uint64_t tag; /* comes back with the result */
};

struct mr_io_result {
    uint64_t tag;
    int system_error; /* 0, or a positive errno value; of a short write ENOSPC or EIO */
};

/* How a durable write is made durable. A DSYNC write is one operation and the cheaper one; a write
 * with a linked sync suffers less where a busy core takes the disk's interrupts. */
enum mr_durable_method {
    MR_DURABLE_CHOOSE, /* the storage knows best */
    MR_DURABLE_DSYNC,
    MR_DURABLE_LINKED_SYNC,
};

struct mr_queue_options {
    uint32_t depth; /* operations in flight at most, 1 to MR_QUEUE_DEPTH_MAX */
    enum mr_durable_method method;
    /* Memory that writes will come from, registered with the kernel where its limits allow it.
     * NULL: nothing to register. */
    void *buffers;
    size_t buffers_size;
};

/* Which method the queue is to use, and why: what one small durable write took with either. */
struct mr_durable_choice {
    enum mr_durable_method method; /* not CHOOSE */
    uint64_t dsync_ns;             /* 0: nobody measured */
    uint64_t linked_sync_ns;
};

struct mr_storage;

struct mr_storage_calls {
    int (*open)(struct mr_storage *storage, const char *name, int flags, int *file,
                struct mr_error *error);
    int (*open_directory)(struct mr_storage *storage, const char *name, int *file,
                          struct mr_error *error);
    /* Nothing of the file is in flight (asserted). A file that went through the queue is closed by
     * the queue's thread, or after queue_stop. Syncs nothing. */
    void (*close)(struct mr_storage *storage, int file);
    int (*size)(struct mr_storage *storage, int file, uint64_t *size, struct mr_error *error);
    /* Reads up to `size` bytes; `*got` is less only at the end of the file. */
    int (*read)(struct mr_storage *storage, int file, uint64_t offset, void *data, size_t size,
                size_t *got, struct mr_error *error);
    /* Writes all of it, or fails, with any part of it written. Durable only after sync. */
    int (*write)(struct mr_storage *storage, int file, uint64_t offset, const void *data,
                 size_t size, struct mr_error *error);
    /* Of a file or a directory. Never repeat one that failed: the second may succeed although the
     * data is gone. */
    int (*sync)(struct mr_storage *storage, int file, struct mr_error *error);
    /* Within one directory; replaces `to` if it exists. */
    int (*rename)(struct mr_storage *storage, const char *from, const char *to,
                  struct mr_error *error);
    int (*remove)(struct mr_storage *storage, const char *name, struct mr_error *error);
    /* No error if it exists. */
    int (*make_directory)(struct mr_storage *storage, const char *name, struct mr_error *error);
    /* Calls `each` for every entry but . and .., in no stated order; it stops when `each` returns
     * false. */
    int (*list)(struct mr_storage *storage, const char *directory,
                bool (*each)(void *context, const char *name), void *context,
                struct mr_error *error);
    /* Bytes that can still be written by us; INT64_MAX when nobody knows. */
    int (*space)(struct mr_storage *storage, uint64_t *bytes, struct mr_error *error);

    /* Takes the directory's exclusive lock, waiting up to `wait_ms` for another holder; MR_E_BUSY
     * when it stays taken. A process that dies holds the lock until its last write in flight has
     * ended, so that a successor never races with the writes of the dead; for that it is taken
     * before queue_start and given back after queue_stop (asserted). Leaves no trace in any file.
     */
    int (*lock)(struct mr_storage *storage, uint32_t wait_ms, struct mr_error *error);
    void (*unlock)(struct mr_storage *storage);

    /* The queue belongs to the thread that starts it, until that thread stops it. stop waits for
     * what was submitted and throws the results away. MR_E_UNSUPPORTED: no io_uring (Linux 5.11 or
     * later is needed, and permission to use it). */
    int (*queue_start)(struct mr_storage *storage, const struct mr_queue_options *options,
                       struct mr_error *error);
    void (*queue_stop)(struct mr_storage *storage);
    /* How durable writes that are submitted from now on are made durable. The queue runs, and
     * nothing is in flight (asserted). False, and nothing changes: whoever started the queue said
     * how. NULL where a storage has no such choice. */
    bool (*queue_use)(struct mr_storage *storage, const struct mr_durable_choice *choice);
    /* MR_OK: will be in flight after the next flush or reap; MR_AGAIN: `depth` operations are
     * submitted and not yet reaped. Allocates nothing and makes no system call. */
    int (*queue_submit)(struct mr_storage *storage, const struct mr_io *io);
    /* Hands what was submitted to the disk; one system call for all of it (and one more when a file
     * comes by for the first time). A negative code is the queue failing, not an operation. Only
     * the call into the kernel is repeated when that turns it away for the moment (EINTR, EAGAIN,
     * EBUSY), and not for ever; an operation never is. */
    int (*queue_flush)(struct mr_storage *storage, struct mr_error *error);
    /* Takes up to `limit` finished operations, in the order they finished; returns how many, or a
     * negative code, as flush does. With a `wait_us` above 0 and nothing finished it sleeps until
     * one finishes, the time is over or a signal comes; it does not sleep when nothing is in
     * flight.
     */
    int (*queue_reap)(struct mr_storage *storage, struct mr_io_result *results, uint32_t limit,
                      uint32_t wait_us, struct mr_error *error);
    /* One line about what was chosen, why, and what had to be given up ("DSYNC writes (132 us
     * against 171 us with linked syncs), buffers not registered: RLIMIT_MEMLOCK"); static or owned
     * by the storage. */
    const char *(*describe)(struct mr_storage *storage);

    void (*destroy)(struct mr_storage *storage);
};

/* An implementation starts with this and adds its own fields behind it. */
struct mr_storage {
    const struct mr_storage_calls *calls;
};

/* The real thing: files below `path`, io_uring for the queue. `create`: make the directory (and its
 * parents) when it is missing; otherwise a missing one is MR_E_NOT_FOUND. Ends with calls->destroy.
 */
int mr_storage_open_files(const char *path, bool create, struct mr_storage **storage,
                          struct mr_error *error);

#endif
