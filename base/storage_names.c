/*
 * The real storage's names, its file system and its lock.
 */
#include "base/assert.h"
#include "base/storage_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_RETRY_MS = 2 };

int mr_files_fail(struct mr_storage *storage, const char *verb, const char *name, int system_error,
                  struct mr_error *error)
{
    const char *slash = name[0] == '\0' ? "" : "/";
    return mr_error_set_errno(error, system_error, "cannot %s %s%s%s", verb,
                              mr_files_of(storage)->path, slash, name);
}

const char *mr_files_relative(const char *name)
{
    ASSERT(strlen(name) < MR_STORAGE_NAME_MAX);
    ASSERT(name[0] != '/');
    return name[0] == '\0' ? "." : name;
}

int mr_files_rename(struct mr_storage *storage, const char *from, const char *to,
                    struct mr_error *error)
{
    int directory = mr_files_of(storage)->directory;
    int result = renameat(directory, mr_files_relative(from), directory, mr_files_relative(to));
    return result != 0 ? mr_files_fail(storage, "rename", from, errno, error) : MR_OK;
}

int mr_files_remove(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    int result = unlinkat(mr_files_of(storage)->directory, mr_files_relative(name), 0);
    return result != 0 ? mr_files_fail(storage, "remove", name, errno, error) : MR_OK;
}

int mr_files_make_directory(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    int result = mkdirat(mr_files_of(storage)->directory, mr_files_relative(name), 0755);
    return result != 0 && errno != EEXIST ? mr_files_fail(storage, "create", name, errno, error)
                                          : MR_OK;
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

static DIR *open_stream(const struct mr_files *files, const char *directory)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int descriptor = openat(files->directory, mr_files_relative(directory), flags);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (stream == NULL && descriptor >= 0) {
        int system_error = errno;
        close(descriptor);
        errno = system_error;
    }
    return stream;
}

int mr_files_list(struct mr_storage *storage, const char *directory,
                  bool (*each)(void *context, const char *name), void *context,
                  struct mr_error *error)
{
    int system_error = 0;
    DIR *stream = open_stream(mr_files_of(storage), directory);
    if (stream == NULL) {
        return mr_files_fail(storage, "list", directory, errno, error);
    }
    const char *name = next_name(stream, &system_error);
    while (name != NULL && each(context, name)) {
        name = next_name(stream, &system_error);
    }
    closedir(stream);
    return system_error != 0 ? mr_files_fail(storage, "list", directory, system_error, error)
                             : MR_OK;
}

int mr_files_space(struct mr_storage *storage, uint64_t *bytes, struct mr_error *error)
{
    struct statvfs status;
    if (fstatvfs(mr_files_of(storage)->directory, &status) != 0) {
        return mr_files_fail(storage, "look at", "", errno, error);
    }
    /* A file system that counts no blocks at all (in memory, or far away) has no limit to tell. */
    *bytes = status.f_blocks == 0 ? INT64_MAX : (uint64_t)status.f_bavail * status.f_frsize;
    return MR_OK;
}

/* The lock: a flock of the directory itself. It belongs to the open directory, which the queue
 * keeps in the kernel's table of registered files: so it ends with the last write in flight, not
 * with the process. And there is no lock file that someone could remove. */

int mr_files_lock(struct mr_storage *storage, uint32_t wait_ms, struct mr_error *error)
{
    struct mr_files *files = mr_files_of(storage);
    ASSERT(!files->locked);
    ASSERT(!files->uring.running); /* it would not know of the lock */
    const struct timespec pause = {.tv_nsec = LOCK_RETRY_MS * 1000000L};
    for (uint32_t waited_ms = 0;; waited_ms += LOCK_RETRY_MS) {
        if (flock(files->directory, LOCK_EX | LOCK_NB) == 0) {
            files->locked = true;
            return MR_OK;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return mr_files_fail(storage, "lock", "", errno, error);
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

void mr_files_unlock(struct mr_storage *storage)
{
    struct mr_files *files = mr_files_of(storage);
    ASSERT(files->locked);
    ASSERT(!files->uring.running);
    flock(files->directory, LOCK_UN);
    files->locked = false;
}
