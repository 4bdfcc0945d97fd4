#include "tests/faults/inject.h"

#include "base/storage.h"
#include "tests/faults/inject_queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What the linker exchanges: the storage's calls come to __wrap_NAME, and __real_NAME is what they
 * were meant for. */
#define WRAPPED(type, name, ...)     \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

WRAPPED(int, open, const char *path, int flags, ...);
WRAPPED(int, openat, int directory, const char *path, int flags, ...);
WRAPPED(int, fstat, int file, struct stat *status);
WRAPPED(ssize_t, pread, int file, void *data, size_t size, off_t offset);
WRAPPED(ssize_t, pwrite, int file, const void *data, size_t size, off_t offset);
WRAPPED(int, fsync, int file);
WRAPPED(int, fdatasync, int file);
WRAPPED(int, renameat, int from_directory, const char *from, int to_directory, const char *to);
WRAPPED(int, unlinkat, int directory, const char *path, int flags);
WRAPPED(int, mkdirat, int directory, const char *path, mode_t mode);
WRAPPED(struct dirent *, readdir, DIR *stream);
WRAPPED(int, fstatvfs, int file, struct statvfs *status);
WRAPPED(int, flock, int file, int operation);

enum { FAILED_FILES_MAX = 16 };

struct file_id {
    dev_t device;
    ino_t inode;
};

static struct {
    bool active;
    uint32_t stage;
    bool completed; /* some operation that failed */
    struct inject_plan plan;
    struct inject_report report;
    struct file_id failed[FAILED_FILES_MAX]; /* files whose sync has failed */
    uint32_t failed_count;
} inject;

void inject_begin(const struct inject_plan *plan)
{
    memset(&inject, 0, sizeof inject);
    inject.plan = *plan;
    inject.report.frame_bound = UINT64_MAX;
    inject.active = true;
    inject_queue_forget();
}

struct inject_report inject_end(void)
{
    inject.active = false;
    return inject.report;
}

void inject_stage(uint32_t stage)
{
    inject.stage = stage;
}

const char *inject_call_text(enum inject_call call)
{
#define CALL_TEXT(name, text) text,
    static const char *const texts[] = {INJECT_CALL_LIST(CALL_TEXT)};
#undef CALL_TEXT
    return texts[call];
}

const char *inject_fault_text(int fault)
{
    return fault == INJECT_SHORT ? "short" : strerror(fault);
}

/* Can this call end so? A short one moves less than was asked for; no space is said by calls that
 * take some. */
static bool can_fail_so(enum inject_call call)
{
    const uint32_t writes = 1U << INJECT_PWRITE | 1U << INJECT_QUEUED_WRITE;
    const uint32_t moves = writes | 1U << INJECT_PREAD | 1U << INJECT_ENTER;
    const uint32_t takes = writes | 1U << INJECT_CREATE | 1U << INJECT_RENAME | 1U << INJECT_MKDIR |
                           1U << INJECT_SYNC | 1U << INJECT_QUEUED_SYNC;
    uint32_t may = UINT32_MAX;
    if (inject.plan.fault == INJECT_SHORT) {
        may = moves;
    } else if (inject.plan.fault == ENOSPC) {
        may = takes;
    }
    may &= inject.plan.only != 0 ? inject.plan.only : UINT32_MAX;
    return (may >> call & 1U) != 0;
}

bool inject_watches(void)
{
    return inject.active;
}

const struct inject_plan *inject_plan_in_hand(void)
{
    return &inject.plan;
}

struct inject_report *inject_report_in_hand(void)
{
    return &inject.report;
}

bool inject_fails(enum inject_call call)
{
    if (!inject.active) {
        return false;
    }
    inject.report.all++;
    if (!can_fail_so(call)) {
        return false;
    }
    inject.report.calls++;
    bool fails = inject.plan.for_ever ? inject.plan.at != 0 && inject.report.calls >= inject.plan.at
                                      : inject.report.calls == inject.plan.at;
    if (fails && inject.report.failed == 0) {
        inject.report.first = call;
        inject.report.first_stage = inject.stage;
    }
    inject.report.failed += fails;
    return fails;
}

void inject_completed(void)
{
    bool queued =
        inject.report.first == INJECT_QUEUED_WRITE || inject.report.first == INJECT_QUEUED_SYNC;
    if (queued && !inject.completed) {
        inject.report.first_stage = inject.stage;
        inject.completed = true;
    }
}

/* As a system call fails. */
static bool fails(enum inject_call call)
{
    bool failed = inject_fails(call);
    if (failed) {
        errno = inject.plan.fault;
    }
    return failed;
}

/* -- Syncs that failed, by file. --------------------------------------------------------------- */

static bool identify(int file, struct file_id *id)
{
    struct stat status;
    if (__real_fstat(file, &status) != 0) {
        return false;
    }
    *id = (struct file_id){.device = status.st_dev, .inode = status.st_ino};
    return true;
}

void inject_sync_begins(int file)
{
    struct file_id id;
    if (!inject.active || !identify(file, &id)) {
        return;
    }
    for (uint32_t i = 0; i < inject.failed_count; i++) {
        bool same = inject.failed[i].device == id.device && inject.failed[i].inode == id.inode;
        inject.report.synced_again += same;
    }
}

void inject_sync_failed(int file)
{
    if (inject.active && inject.failed_count < FAILED_FILES_MAX &&
        identify(file, &inject.failed[inject.failed_count])) {
        inject.failed_count++;
    }
}

/* -- The calls. -------------------------------------------------------------------------------- */

static enum inject_call kind_of_open(int flags)
{
    return (flags & O_CREAT) != 0 ? INJECT_CREATE : INJECT_OPEN;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, one line above
    unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return fails(kind_of_open(flags)) ? -1 : __real_open(path, flags, mode);
}

int __wrap_openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, one line above
    unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return fails(kind_of_open(flags)) ? -1 : __real_openat(directory, path, flags, mode);
}

int __wrap_fstat(int file, struct stat *status)
{
    return fails(INJECT_FSTAT) ? -1 : __real_fstat(file, status);
}

/* Half of it, in whole sectors as a disk does it, or a byte less when that is nothing. */
static size_t part_of(size_t size)
{
    size_t half = size / 2 / MR_SECTOR_SIZE * MR_SECTOR_SIZE;
    return half > 0 ? half : size - 1;
}

ssize_t __wrap_pread(int file, void *data, size_t size, off_t offset)
{
    if (!fails(INJECT_PREAD)) {
        return __real_pread(file, data, size, offset);
    }
    return inject.plan.fault == INJECT_SHORT ? __real_pread(file, data, part_of(size), offset) : -1;
}

ssize_t __wrap_pwrite(int file, const void *data, size_t size, off_t offset)
{
    if (!fails(INJECT_PWRITE)) {
        return __real_pwrite(file, data, size, offset);
    }
    return inject.plan.fault == INJECT_SHORT ? __real_pwrite(file, data, part_of(size), offset)
                                             : -1;
}

int __wrap_fsync(int file)
{
    inject_sync_begins(file);
    if (fails(INJECT_SYNC)) {
        inject_sync_failed(file);
        return -1;
    }
    return __real_fsync(file);
}

int __wrap_fdatasync(int file)
{
    inject_sync_begins(file);
    if (fails(INJECT_SYNC)) {
        inject_sync_failed(file);
        return -1;
    }
    return __real_fdatasync(file);
}

int __wrap_renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return fails(INJECT_RENAME) ? -1 : __real_renameat(from_directory, from, to_directory, to);
}

int __wrap_unlinkat(int directory, const char *path, int flags)
{
    return fails(INJECT_UNLINK) ? -1 : __real_unlinkat(directory, path, flags);
}

int __wrap_mkdirat(int directory, const char *path, mode_t mode)
{
    return fails(INJECT_MKDIR) ? -1 : __real_mkdirat(directory, path, mode);
}

struct dirent *__wrap_readdir(DIR *stream)
{
    return fails(INJECT_READDIR) ? NULL : __real_readdir(stream);
}

int __wrap_fstatvfs(int file, struct statvfs *status)
{
    return fails(INJECT_STATVFS) ? -1 : __real_fstatvfs(file, status);
}

int __wrap_flock(int file, int operation)
{
    bool takes = (operation & LOCK_UN) == 0; /* giving it back cannot fail */
    return takes && fails(INJECT_FLOCK) ? -1 : __real_flock(file, operation);
}
