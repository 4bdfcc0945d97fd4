/*
 * The real storage: files below a directory. Opening, reading and writing them are here, their
 * names and the lock in storage_names.c, the queue in storage_uring.c.
 */
#include "base/storage_files.h"

#include "base/assert.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many calls in a row may be interrupted with nothing done: no disk does that at all, but a
 * file system over a network may, and for ever. */
enum { INTERRUPTIONS_MAX = 1000 };

static struct mr_open_file *file_of(struct mr_storage *storage, int file)
{
    ASSERT(file >= 0);
    ASSERT(file < MR_STORAGE_FILES_MAX);
    struct mr_open_file *open_file = &mr_files_of(storage)->open[file];
    ASSERT(atomic_load_explicit(&open_file->used, memory_order_relaxed));
    return open_file;
}

static int fail_at(struct mr_storage *storage, const char *verb, const char *name, uint64_t offset,
                   int system_error, struct mr_error *error)
{
    return mr_error_set_errno(error, system_error, "cannot %s %s/%s at offset %llu", verb,
                              mr_files_of(storage)->path, name, (unsigned long long)offset);
}

/* -- Opening and closing. ---------------------------------------------------------------------- */

/* Finds a free place in the table. Any thread; lock-free. */
static int claim_file(struct mr_files *files, const char *name, struct mr_error *error)
{
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        /* acquire pairs with the release in release_file */
        if (!atomic_exchange_explicit(&files->open[i].used, true, memory_order_acquire)) {
            return i;
        }
    }
    return mr_error_set(error, MR_E_LIMIT, "cannot open %s/%s: %d files are open already",
                        files->path, name, MR_STORAGE_FILES_MAX);
}

static void release_file(struct mr_open_file *open_file)
{
    /* release pairs with the acquire in claim_file */
    atomic_store_explicit(&open_file->used, false, memory_order_release);
}

/* O_DIRECT is set after opening, because a file system that refuses it at open with O_CREAT may
 * have created the file nevertheless. */
static bool make_direct(struct mr_files *files, int descriptor)
{
    int flags = fcntl(descriptor, F_GETFL);
    bool direct = flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_DIRECT) == 0;
    if (!direct) {
        atomic_store_explicit(&files->direct_refused, true, memory_order_relaxed);
    }
    return direct;
}

static int open_at(struct mr_storage *storage, const char *name, int system_flags, int *file,
                   struct mr_error *error)
{
    struct mr_files *files = mr_files_of(storage);
    const char *at = mr_files_relative(name);
    int place = claim_file(files, name, error);
    if (place < 0) {
        return place;
    }
    struct mr_open_file *open_file = &files->open[place];
    open_file->descriptor = openat(files->directory, at, system_flags | O_CLOEXEC, 0644);
    if (open_file->descriptor < 0) {
        int system_error = errno;
        release_file(open_file);
        const char *verb = (system_flags & O_CREAT) != 0 ? "create" : "open";
        return mr_files_fail(storage, verb, name, system_error, error);
    }
    open_file->direct = false;
    open_file->directory = (system_flags & O_DIRECTORY) != 0;
    memcpy(open_file->name, name, strlen(name) + 1);
    *file = place;
    return MR_OK;
}

static int open_file(struct mr_storage *storage, const char *name, int flags, int *file,
                     struct mr_error *error)
{
    bool writes = (flags & MR_OPEN_WRITE) != 0;
    bool creates = (flags & MR_OPEN_CREATE) != 0;
    ASSERT(writes || !creates);
    int system_flags = (writes ? O_RDWR : O_RDONLY) | (creates ? O_CREAT | O_EXCL : 0);
    int status = open_at(storage, name, system_flags, file, error);
    if (status == MR_OK && (flags & MR_OPEN_DIRECT) != 0) {
        struct mr_open_file *opened = file_of(storage, *file);
        opened->direct = make_direct(mr_files_of(storage), opened->descriptor);
    }
    return status;
}

static int open_directory(struct mr_storage *storage, const char *name, int *file,
                          struct mr_error *error)
{
    return open_at(storage, name, O_RDONLY | O_DIRECTORY, file, error);
}

static void close_file(struct mr_storage *storage, int file)
{
    struct mr_open_file *open_file = file_of(storage, file);
    mr_uring_forget(&mr_files_of(storage)->uring, file);
    close(open_file->descriptor);
    release_file(open_file);
}

/* -- Reading, writing, syncing. ---------------------------------------------------------------- */

static int file_size(struct mr_storage *storage, int file, uint64_t *size, struct mr_error *error)
{
    const struct mr_open_file *open_file = file_of(storage, file);
    struct stat status;
    if (fstat(open_file->descriptor, &status) != 0) {
        return mr_files_fail(storage, "look at", open_file->name, errno, error);
    }
    *size = (uint64_t)status.st_size;
    return MR_OK;
}

static void assert_aligned(const struct mr_open_file *open_file, uint64_t offset, const void *data,
                           size_t size)
{
    if (open_file->direct) {
        ASSERT(offset % MR_STORAGE_ALIGNMENT == 0);
        ASSERT(size % MR_STORAGE_ALIGNMENT == 0);
        ASSERT((uintptr_t)data % MR_STORAGE_ALIGNMENT == 0);
    }
}

static int read_file(struct mr_storage *storage, int file, uint64_t offset, void *data, size_t size,
                     size_t *got, struct mr_error *error)
{
    const struct mr_open_file *open_file = file_of(storage, file);
    assert_aligned(open_file, offset, data, size);
    size_t done = 0;
    uint32_t interruptions = 0;
    while (done < size) {
        ssize_t count = pread(open_file->descriptor, (unsigned char *)data + done, size - done,
                              (off_t)(offset + done));
        if (count < 0 && errno == EINTR && interruptions < INTERRUPTIONS_MAX) {
            interruptions += 1;
            continue;
        }
        interruptions = 0;
        if (count < 0) {
            return fail_at(storage, "read", open_file->name, offset + done, errno, error);
        }
        done += (size_t)count;
        /* A direct read that ends off the alignment has met the end and cannot go on. */
        if (count == 0 || (open_file->direct && done % MR_STORAGE_ALIGNMENT != 0)) {
            break;
        }
    }
    *got = done;
    return MR_OK;
}

static int write_file(struct mr_storage *storage, int file, uint64_t offset, const void *data,
                      size_t size, struct mr_error *error)
{
    const struct mr_open_file *open_file = file_of(storage, file);
    assert_aligned(open_file, offset, data, size);
    size_t done = 0;
    uint32_t interruptions = 0;
    while (done < size) {
        ssize_t count = pwrite(open_file->descriptor, (const unsigned char *)data + done,
                               size - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR && interruptions < INTERRUPTIONS_MAX) {
            interruptions += 1;
            continue;
        }
        interruptions = 0;
        if (count <= 0) {
            int system_error = count == 0 ? EIO : errno;
            return fail_at(storage, "write", open_file->name, offset + done, system_error, error);
        }
        done += (size_t)count;
    }
    return MR_OK;
}

/* Not retried, whatever the reason: after a failure the kernel may call the lost pages clean, and a
 * second sync would succeed. */
static int sync_file(struct mr_storage *storage, int file, struct mr_error *error)
{
    const struct mr_open_file *open_file = file_of(storage, file);
    int result =
        open_file->directory ? fsync(open_file->descriptor) : fdatasync(open_file->descriptor);
    return result != 0 ? mr_files_fail(storage, "sync", open_file->name, errno, error) : MR_OK;
}

/* -- The queue. -------------------------------------------------------------------------------- */

static int queue_start(struct mr_storage *storage, const struct mr_queue_options *options,
                       struct mr_error *error)
{
    struct mr_files *files = mr_files_of(storage);
    int lock_descriptor = files->locked ? files->directory : -1;
    return mr_uring_start(&files->uring, options, lock_descriptor, error);
}

static void queue_stop(struct mr_storage *storage)
{
    mr_uring_stop(&mr_files_of(storage)->uring);
}

static bool queue_use(struct mr_storage *storage, const struct mr_durable_choice *choice)
{
    return mr_uring_use(&mr_files_of(storage)->uring, choice);
}

static int queue_submit(struct mr_storage *storage, const struct mr_io *io)
{
    const struct mr_open_file *open_file = file_of(storage, io->file);
    if (io->kind != MR_IO_SYNC) {
        ASSERT(io->size > 0);
        assert_aligned(open_file, io->offset, io->data, io->size);
    }
    return mr_uring_submit(&mr_files_of(storage)->uring, io, open_file->descriptor,
                           open_file->directory);
}

static int queue_flush(struct mr_storage *storage, struct mr_error *error)
{
    return mr_uring_flush(&mr_files_of(storage)->uring, error);
}

static int queue_reap(struct mr_storage *storage, struct mr_io_result *results, uint32_t limit,
                      uint32_t wait_us, struct mr_error *error)
{
    return mr_uring_reap(&mr_files_of(storage)->uring, results, limit, wait_us, error);
}

static const char *describe_buffers(const struct mr_uring *uring)
{
    if (uring->buffers_registered) {
        return ", registered buffers";
    }
    if (uring->buffers_error == ENOMEM) {
        return ", buffers not registered: RLIMIT_MEMLOCK (ulimit -l) is too small";
    }
    return uring->buffers_error != 0 ? ", buffers not registered: the kernel refused" : "";
}

/* "DSYNC writes", and why: "(132 us against 171 us with linked syncs)". */
static void describe_method(const struct mr_durable_choice *choice, char *text, size_t size)
{
    bool linked = choice->method == MR_DURABLE_LINKED_SYNC;
    const char *name = linked ? "writes with linked syncs" : "DSYNC writes";
    unsigned long long own = linked ? choice->linked_sync_ns : choice->dsync_ns;
    unsigned long long other = linked ? choice->dsync_ns : choice->linked_sync_ns;
    if (own == 0) {
        snprintf(text, size, "%s", name);
    } else {
        snprintf(text, size, "%s (%llu us against %llu us with %s)", name, own / 1000, other / 1000,
                 linked ? "DSYNC" : "linked syncs");
    }
}

static const char *describe(struct mr_storage *storage)
{
    struct mr_files *files = mr_files_of(storage);
    const struct mr_uring *uring = &files->uring;
    bool refused = atomic_load_explicit(&files->direct_refused, memory_order_relaxed);
    const char *direct = refused ? "page cache (no O_DIRECT here)" : "direct";
    if (uring->running) {
        char method[96];
        describe_method(&uring->durable, method, sizeof method);
        snprintf(files->description, sizeof files->description, "%s, io_uring%s, %s%s", direct,
                 uring->deferred ? "" : " (plain: Linux 6.1 has a better one)", method,
                 describe_buffers(uring));
    } else {
        snprintf(files->description, sizeof files->description, "%s, no queue", direct);
    }
    return files->description;
}

/* -- Opening and closing the storage itself. --------------------------------------------------- */

static void destroy(struct mr_storage *storage)
{
    struct mr_files *files = mr_files_of(storage);
    ASSERT(!files->uring.running);
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        if (atomic_load_explicit(&files->open[i].used, memory_order_acquire)) {
            close(files->open[i].descriptor);
        }
    }
    if (files->locked) {
        mr_files_unlock(storage);
    }
    close(files->directory);
    free(files);
}

static const struct mr_storage_calls files_calls = {
    .open = open_file,
    .open_directory = open_directory,
    .close = close_file,
    .size = file_size,
    .read = read_file,
    .write = write_file,
    .sync = sync_file,
    .rename = mr_files_rename,
    .remove = mr_files_remove,
    .make_directory = mr_files_make_directory,
    .list = mr_files_list,
    .space = mr_files_space,
    .lock = mr_files_lock,
    .unlock = mr_files_unlock,
    .queue_start = queue_start,
    .queue_stop = queue_stop,
    .queue_use = queue_use,
    .queue_submit = queue_submit,
    .queue_flush = queue_flush,
    .queue_reap = queue_reap,
    .describe = describe,
    .destroy = destroy,
};

int mr_storage_open_files(const char *path, bool create, struct mr_storage **storage,
                          struct mr_error *error)
{
    if (path[0] == '\0' || strlen(path) >= PATH_MAX) {
        return mr_error_set(error, MR_E_INVALID, "not a directory's name: '%.64s'", path);
    }
    int system_error = create ? mr_path_make(path) : 0;
    if (system_error != 0) {
        return mr_error_set_errno(error, system_error, "cannot create %s", path);
    }
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return mr_error_set_errno(error, errno, "cannot open %s", path);
    }
    struct mr_files *files = calloc(1, sizeof *files);
    if (files == NULL) {
        close(directory);
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for the files of %s", path);
    }
    files->storage.calls = &files_calls;
    files->directory = directory;
    memcpy(files->path, path, strlen(path) + 1);
    *storage = &files->storage;
    return MR_OK;
}
