/*
 * The real storage: files below a directory. The synchronous calls are here, the queue is in
 * storage_uring.c.
 */
#include "base/assert.h"
#include "base/path.h"
#include "base/storage_uring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_RETRY_MS = 2 };

/* Handed to one thread at a time: `used` is taken with acquire in claim_file, given back with
 * release in close_file, and orders everything else in here. */
struct open_file {
    atomic_bool used;
    int descriptor;
    bool direct;
    bool directory;
    char name[MR_STORAGE_NAME_MAX];
};

struct files {
    struct mr_storage storage; /* first: the seam's handle */
    int directory;             /* of `path`; its flock is the lock */
    bool locked;
    atomic_bool direct_refused; /* the file system did not take O_DIRECT for some file */
    struct open_file open[MR_STORAGE_FILES_MAX];
    struct mr_uring uring;
    char description[192];
    char path[PATH_MAX];
};

static struct files *files_of(struct mr_storage *storage)
{
    return (struct files *)(void *)storage;
}

static struct open_file *file_of(struct mr_storage *storage, int file)
{
    ASSERT(file >= 0);
    ASSERT(file < MR_STORAGE_FILES_MAX);
    struct open_file *open_file = &files_of(storage)->open[file];
    ASSERT(atomic_load_explicit(&open_file->used, memory_order_relaxed));
    return open_file;
}

/* "cannot VERB PATH/NAME: what the system said" */
static int fail(struct mr_storage *storage, const char *verb, const char *name, int system_error,
                struct mr_error *error)
{
    const char *slash = name[0] == '\0' ? "" : "/";
    return mr_error_set_errno(error, system_error, "cannot %s %s%s%s", verb,
                              files_of(storage)->path, slash, name);
}

static int fail_at(struct mr_storage *storage, const char *verb, const char *name, uint64_t offset,
                   int system_error, struct mr_error *error)
{
    return mr_error_set_errno(error, system_error, "cannot %s %s/%s at offset %llu", verb,
                              files_of(storage)->path, name, (unsigned long long)offset);
}

/* The name as openat and its kin want it. */
static const char *relative(const char *name)
{
    ASSERT(strlen(name) < MR_STORAGE_NAME_MAX);
    ASSERT(name[0] != '/');
    return name[0] == '\0' ? "." : name;
}

/* Opening and closing. */

/* Finds a free place in the table. Any thread; lock-free. */
static int claim_file(struct files *files, const char *name, struct mr_error *error)
{
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        /* acquire pairs with the release in close_file */
        if (!atomic_exchange_explicit(&files->open[i].used, true, memory_order_acquire)) {
            return i;
        }
    }
    return mr_error_set(error, MR_E_LIMIT, "cannot open %s/%s: %d files are open already",
                        files->path, name, MR_STORAGE_FILES_MAX);
}

static void release_file(struct open_file *open_file)
{
    /* release pairs with the acquire in claim_file */
    atomic_store_explicit(&open_file->used, false, memory_order_release);
}

/* O_DIRECT is set after opening, because a file system that refuses it at open with O_CREAT may
 * have created the file nevertheless. */
static bool make_direct(struct files *files, int descriptor)
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
    struct files *files = files_of(storage);
    const char *at = relative(name);
    int place = claim_file(files, name, error);
    if (place < 0) {
        return place;
    }
    struct open_file *open_file = &files->open[place];
    open_file->descriptor = openat(files->directory, at, system_flags | O_CLOEXEC, 0644);
    if (open_file->descriptor < 0) {
        int system_error = errno;
        release_file(open_file);
        const char *verb = (system_flags & O_CREAT) != 0 ? "create" : "open";
        return fail(storage, verb, name, system_error, error);
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
        struct open_file *opened = file_of(storage, *file);
        opened->direct = make_direct(files_of(storage), opened->descriptor);
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
    struct open_file *open_file = file_of(storage, file);
    mr_uring_forget(&files_of(storage)->uring, file);
    close(open_file->descriptor);
    release_file(open_file);
}

/* Reading, writing, syncing. */

static int file_size(struct mr_storage *storage, int file, uint64_t *size, struct mr_error *error)
{
    const struct open_file *open_file = file_of(storage, file);
    struct stat status;
    if (fstat(open_file->descriptor, &status) != 0) {
        return fail(storage, "look at", open_file->name, errno, error);
    }
    *size = (uint64_t)status.st_size;
    return MR_OK;
}

static void assert_aligned(const struct open_file *open_file, uint64_t offset, const void *data,
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
    const struct open_file *open_file = file_of(storage, file);
    assert_aligned(open_file, offset, data, size);
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(open_file->descriptor, (unsigned char *)data + done, size - done,
                              (off_t)(offset + done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
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
    const struct open_file *open_file = file_of(storage, file);
    assert_aligned(open_file, offset, data, size);
    size_t done = 0;
    while (done < size) {
        ssize_t count = pwrite(open_file->descriptor, (const unsigned char *)data + done,
                               size - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
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
    const struct open_file *open_file = file_of(storage, file);
    int result =
        open_file->directory ? fsync(open_file->descriptor) : fdatasync(open_file->descriptor);
    return result != 0 ? fail(storage, "sync", open_file->name, errno, error) : MR_OK;
}

/* Names. */

static int rename_file(struct mr_storage *storage, const char *from, const char *to,
                       struct mr_error *error)
{
    int directory = files_of(storage)->directory;
    int result = renameat(directory, relative(from), directory, relative(to));
    return result != 0 ? fail(storage, "rename", from, errno, error) : MR_OK;
}

static int remove_file(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    int result = unlinkat(files_of(storage)->directory, relative(name), 0);
    return result != 0 ? fail(storage, "remove", name, errno, error) : MR_OK;
}

static int make_directory(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    int result = mkdirat(files_of(storage)->directory, relative(name), 0755);
    return result != 0 && errno != EEXIST ? fail(storage, "create", name, errno, error) : MR_OK;
}

/* The next name but . and ..; NULL at the end, or with *system_error set. */
static const char *next_name(DIR *stream, int *system_error)
{
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(stream); // cppcheck-suppress readdirCalled ; the stream is ours alone
    } while (entry != NULL &&
             (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    *system_error = entry == NULL ? errno : 0;
    return entry == NULL ? NULL : entry->d_name;
}

static DIR *open_stream(const struct files *files, const char *directory)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int descriptor = openat(files->directory, relative(directory), flags);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (stream == NULL && descriptor >= 0) {
        int system_error = errno;
        close(descriptor);
        errno = system_error;
    }
    return stream;
}

static int list_directory(struct mr_storage *storage, const char *directory,
                          bool (*each)(void *context, const char *name), void *context,
                          struct mr_error *error)
{
    int system_error = 0;
    DIR *stream = open_stream(files_of(storage), directory);
    if (stream == NULL) {
        return fail(storage, "list", directory, errno, error);
    }
    const char *name = next_name(stream, &system_error);
    while (name != NULL && each(context, name)) {
        name = next_name(stream, &system_error);
    }
    closedir(stream);
    return system_error != 0 ? fail(storage, "list", directory, system_error, error) : MR_OK;
}

static int space_left(struct mr_storage *storage, uint64_t *bytes, struct mr_error *error)
{
    struct statvfs status;
    if (fstatvfs(files_of(storage)->directory, &status) != 0) {
        return fail(storage, "look at", "", errno, error);
    }
    *bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return MR_OK;
}

/* The lock: a flock of the directory itself. It belongs to the open directory, which the queue
 * keeps in the kernel's table of registered files: so it ends with the last write in flight, not
 * with the process. And there is no lock file that someone could remove. */

static int lock_directory(struct mr_storage *storage, uint32_t wait_ms, struct mr_error *error)
{
    struct files *files = files_of(storage);
    ASSERT(!files->locked);
    ASSERT(!files->uring.running); /* it would not know of the lock */
    const struct timespec pause = {.tv_nsec = LOCK_RETRY_MS * 1000000L};
    for (uint32_t waited_ms = 0;; waited_ms += LOCK_RETRY_MS) {
        if (flock(files->directory, LOCK_EX | LOCK_NB) == 0) {
            files->locked = true;
            return MR_OK;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail(storage, "lock", "", errno, error);
        }
        if (waited_ms >= wait_ms) {
            return mr_error_set(error, MR_E_BUSY,
                                "%s is in use by another process (or by the last writes of one "
                                "that has just ended)",
                                files->path);
        }
        nanosleep(&pause, NULL);
    }
}

static void unlock_directory(struct mr_storage *storage)
{
    struct files *files = files_of(storage);
    ASSERT(files->locked);
    ASSERT(!files->uring.running);
    flock(files->directory, LOCK_UN);
    files->locked = false;
}

/* The queue. */

static int queue_start(struct mr_storage *storage, const struct mr_queue_options *options,
                       struct mr_error *error)
{
    struct files *files = files_of(storage);
    int lock_descriptor = files->locked ? files->directory : -1;
    return mr_uring_start(&files->uring, options, lock_descriptor, error);
}

static void queue_stop(struct mr_storage *storage)
{
    mr_uring_stop(&files_of(storage)->uring);
}

static int queue_submit(struct mr_storage *storage, const struct mr_io *io)
{
    const struct open_file *open_file = file_of(storage, io->file);
    if (io->kind != MR_IO_SYNC) {
        ASSERT(io->size > 0);
        assert_aligned(open_file, io->offset, io->data, io->size);
    }
    return mr_uring_submit(&files_of(storage)->uring, io, open_file->descriptor,
                           open_file->directory);
}

static int queue_flush(struct mr_storage *storage, struct mr_error *error)
{
    return mr_uring_flush(&files_of(storage)->uring, error);
}

static int queue_reap(struct mr_storage *storage, struct mr_io_result *results, uint32_t limit,
                      uint32_t wait_us, struct mr_error *error)
{
    return mr_uring_reap(&files_of(storage)->uring, results, limit, wait_us, error);
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

static const char *describe(struct mr_storage *storage)
{
    struct files *files = files_of(storage);
    const struct mr_uring *uring = &files->uring;
    bool refused = atomic_load_explicit(&files->direct_refused, memory_order_relaxed);
    const char *direct = refused ? "page cache (no O_DIRECT here)" : "direct";
    if (uring->running) {
        snprintf(files->description, sizeof files->description, "%s, io_uring%s, %s%s", direct,
                 uring->deferred ? "" : " (plain: Linux 6.1 has a better one)",
                 uring->method == MR_DURABLE_DSYNC ? "DSYNC writes" : "writes with linked syncs",
                 describe_buffers(uring));
    } else {
        snprintf(files->description, sizeof files->description, "%s, no queue", direct);
    }
    return files->description;
}

/* Opening and closing the storage itself. */

static void destroy(struct mr_storage *storage)
{
    struct files *files = files_of(storage);
    ASSERT(!files->uring.running);
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        if (atomic_load_explicit(&files->open[i].used, memory_order_acquire)) {
            close(files->open[i].descriptor);
        }
    }
    if (files->locked) {
        unlock_directory(storage);
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
    .rename = rename_file,
    .remove = remove_file,
    .make_directory = make_directory,
    .list = list_directory,
    .space = space_left,
    .lock = lock_directory,
    .unlock = unlock_directory,
    .queue_start = queue_start,
    .queue_stop = queue_stop,
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
    struct files *files = calloc(1, sizeof *files);
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
