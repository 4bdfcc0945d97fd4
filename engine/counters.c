/*
 * Making the file of counters, and the error log in it.
 *
 * The engine stores into a mapping of the file, and a store that finds no room on the disk ends the
 * process (SIGBUS). So all blocks are allocated before anything is mapped; from then on a full disk
 * cannot hurt. The file is made under another name and renamed when it is whole, so that a reader
 * never sees half a header, and a crash leaves the old file or the new one.
 */
#include "engine/counters.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void fill_header(struct mr_counters_header *header, const char *logic, bool locked)
{
    const struct mr_clock wall = mr_clock_wall();
    char state;
    header->version = MR_COUNTERS_VERSION;
    header->header_size = MR_COUNTERS_HEADER_SIZE;
    header->file_size = sizeof(struct mr_counters_file);
    header->groups = MR_COUNTERS_GROUP_COUNT;
    header->group_slots = MR_COUNTERS_GROUP_SLOTS;
    header->error_slots = MR_COUNTERS_ERRORS_MAX;
    header->error_size = sizeof(struct mr_error_slot);
    header->histograms = MR_COUNTERS_HISTOGRAM_COUNT;
    header->histogram_size = sizeof(struct mr_histogram_slot);
    header->values_offset = offsetof(struct mr_counters_file, values);
    header->errors_offset = offsetof(struct mr_counters_file, errors);
    header->histograms_offset = offsetof(struct mr_counters_file, histograms);
    header->list_hash = mr_counters_list_hash();
    header->pid = (uint32_t)getpid();
    header->flags = locked ? MR_COUNTERS_LOCKED : 0;
    (void)mr_process_look(header->pid, &header->process_start, &state);
    header->made_ns = mr_clock_now(&wall);
    header->made_monotonic_ns = mr_monotonic_ns();
    mr_boot_id(header->boot_id);
    (void)snprintf(header->logic, sizeof header->logic, "%s", logic);
    header->magic = MR_COUNTERS_MAGIC;
}

/* The whole file is locked for as long as it is open. That is as long as it is mapped, for the
 * descriptor is closed at once: a mapping is not inherited by a child process, a descriptor is, and
 * with it the lock would outlive the engine. */
static bool lock_file(int file)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

/* Maps `file` and writes what is there from the beginning. */
static struct mr_counters_file *map_file(int file, const char *logic)
{
    struct mr_counters_file *mapped =
        mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
        return NULL;
    }
    /* The second is for speed alone: the first stores shall not wait for pages. */
    (void)madvise(mapped, sizeof *mapped, MADV_DONTFORK);
#ifdef MADV_POPULATE_WRITE
    (void)madvise(mapped, sizeof *mapped, MADV_POPULATE_WRITE);
#endif
    fill_header(&mapped->header, logic, lock_file(file));
    for (uint32_t i = 0; i < MR_COUNTERS_HISTOGRAM_COUNT; i++) {
        mr_atomic_store(&mapped->histograms[i].min, UINT64_MAX, relaxed);
    }
    return mapped;
}

/* The file of the life before stays beside the new one. That this fails takes nothing from what is
 * new. */
static void keep_previous(const char *path)
{
    char previous[PATH_MAX];
    int length = snprintf(previous, sizeof previous, "%s.previous", path);
    if (length > 0 && (size_t)length < sizeof previous && access(path, F_OK) == 0) {
        (void)unlink(previous);
        (void)link(path, previous);
    }
}

static int make_at(struct mr_counters_writer *writer, const char *path, const char *fresh,
                   const char *logic, struct mr_error *error)
{
    (void)unlink(fresh); /* of a life that was cut off right here */
    int file = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0) {
        return mr_error_set_errno(error, errno, "cannot make the counters' file %s", fresh);
    }
    int failed;
    do {
        failed = posix_fallocate(file, 0, sizeof(struct mr_counters_file));
    } while (failed == EINTR);
    struct mr_counters_file *mapped = NULL;
    if (failed == 0) {
        mapped = map_file(file, logic);
        failed = mapped == NULL ? errno : 0;
    }
    if (failed == 0) {
        keep_previous(path);
        failed = rename(fresh, path) == 0 ? 0 : errno;
    }
    if (failed != 0) {
        (void)unlink(fresh);
        if (mapped != NULL) {
            (void)munmap(mapped, sizeof *mapped);
        }
        (void)close(file);
        return mr_error_set_errno(error, failed, "cannot make the counters' file %s", path);
    }
    (void)close(file);
    writer->file = mapped;
    return MR_OK;
}

int mr_counters_make(struct mr_counters_writer *writer, const char *path, const char *logic,
                     struct mr_error *error)
{
    char fresh[PATH_MAX];
    int length = snprintf(fresh, sizeof fresh, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof fresh) {
        return mr_error_set(error, MR_E_INVALID, "the counters' path is too long: %s", path);
    }
    (void)pthread_mutex_init(&writer->errors, NULL);
    int status = make_at(writer, path, fresh, logic, error);
    if (status != MR_OK) {
        (void)pthread_mutex_destroy(&writer->errors);
    }
    return status;
}

void mr_counters_end(struct mr_counters_writer *writer)
{
    if (writer->file != NULL) {
        (void)munmap(writer->file, sizeof *writer->file);
        (void)pthread_mutex_destroy(&writer->errors);
        writer->file = NULL;
    }
}

/* -- The error log. ---------------------------------------------------------------------------- */

static bool is_of(const struct mr_error_slot *slot, const char *place, int code)
{
    return slot->code == code && strncmp(slot->place, place, sizeof slot->place - 1) == 0;
}

/* The entry that counts such errors, or the first free one; NULL: there is neither. */
static struct mr_error_slot *find_slot(struct mr_counters_file *file, const char *place, int code)
{
    for (uint32_t i = 0; i < MR_COUNTERS_ERRORS_MAX; i++) {
        struct mr_error_slot *slot = &file->errors[i];
        /* Relaxed: whoever wrote it held the same mutex. */
        if (mr_atomic_load(&slot->state, relaxed) != MR_ERROR_SLOT_THERE ||
            is_of(slot, place, code)) {
            return slot;
        }
    }
    return NULL;
}

static void write_slot(struct mr_error_slot *slot, enum mr_log_level level, const char *place,
                       int code, const char *text, uint64_t now_ns)
{
    mr_atomic_store(&slot->state, MR_ERROR_SLOT_WRITING, relaxed);
    slot->code = code;
    slot->level = (uint32_t)level;
    slot->first_ns = now_ns;
    (void)snprintf(slot->place, sizeof slot->place, "%s", place);
    (void)snprintf(slot->text, sizeof slot->text, "%s", text);
    mr_atomic_store(&slot->count, 1, relaxed);
    mr_atomic_store(&slot->last_ns, now_ns, relaxed);
    /* Release: pairs with the acquire of a reader, to whom the entry is whole from here on. */
    mr_atomic_store(&slot->state, MR_ERROR_SLOT_THERE, release);
}

void mr_counters_note(struct mr_counters_writer *writer, enum mr_log_level level, const char *place,
                      int code, const char *text)
{
    if (writer->file == NULL) {
        return;
    }
    const struct mr_clock wall = mr_clock_wall();
    uint64_t now_ns = mr_clock_now(&wall);
    (void)pthread_mutex_lock(&writer->errors);
    mr_counters_grow(writer, MR_COUNTER_errors, 1);
    struct mr_error_slot *slot = find_slot(writer->file, place, code);
    if (slot == NULL) {
        mr_counters_grow(writer, MR_COUNTER_errors_dropped, 1);
    } else if (mr_atomic_load(&slot->state, relaxed) == MR_ERROR_SLOT_THERE) {
        mr_counters_raise(&slot->count, 1);
        mr_atomic_store(&slot->last_ns, now_ns, relaxed);
    } else {
        write_slot(slot, level, place, code, text, now_ns);
    }
    (void)pthread_mutex_unlock(&writer->errors);
}
