#include "tests/support/recorder.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

static struct recorder *of(struct mr_storage *storage)
{
    return (struct recorder *)(void *)storage;
}

/* Recovery asks for names that are not there millions of times: formatting is too dear for that. */
static int fail(struct mr_error *error, int code, const char *text)
{
    if (error != NULL) {
        error->code = code;
        memcpy(error->text, text, strlen(text) + 1);
    }
    return code;
}

static int take_handle(struct recorder *recorder, int file, enum rec_directory directory,
                       int *handle)
{
    for (int i = 0; i < REC_HANDLES_MAX; i++) {
        if (!recorder->handles[i].used) {
            recorder->handles[i] =
                (struct rec_handle){.used = true, .file = file, .directory = directory};
            *handle = i;
            return MR_OK;
        }
    }
    ASSERT(false);
    return MR_E_LIMIT;
}

static struct rec_handle *handle_of(struct recorder *recorder, int handle)
{
    ASSERT(handle >= 0 && handle < REC_HANDLES_MAX);
    ASSERT(recorder->handles[handle].used);
    return &recorder->handles[handle];
}

static void change_name(struct recorder *recorder, const struct rec_change *change)
{
    rec_disk_change(recorder->disk, change);
    if (recorder->trace != NULL) {
        rec_trace_change(recorder->trace, change);
    }
}

static void set_name(char to[REC_NAME_SIZE], const char *name)
{
    ASSERT(strlen(name) < REC_NAME_SIZE);
    snprintf(to, REC_NAME_SIZE, "%s", name);
}

static int create(struct recorder *recorder, const char *name)
{
    int file = rec_disk_new_file(recorder->disk);
    if (recorder->trace != NULL) {
        rec_trace_new_file(recorder->trace, file);
    }
    struct rec_change change = {
        .kind = REC_ADD,
        .directory = (uint8_t)rec_disk_directory_of(name),
        .file = (int16_t)file,
    };
    set_name(change.from, name);
    change_name(recorder, &change);
    return file;
}

static int rec_open(struct mr_storage *storage, const char *name, int flags, int *handle,
                    struct mr_error *error)
{
    struct recorder *recorder = of(storage);
    enum rec_directory directory = rec_disk_directory_of(name);
    if (!recorder->disk->exists[directory]) {
        return fail(error, MR_E_NOT_FOUND, "no such directory");
    }
    int at = rec_disk_find(recorder->disk, name);
    if (at < 0 && (flags & MR_OPEN_CREATE) == 0) {
        return fail(error, MR_E_NOT_FOUND, "no such file");
    }
    if (at >= 0 && (flags & MR_OPEN_CREATE) != 0) {
        return fail(error, MR_E_EXISTS, "the file exists");
    }
    int file = at >= 0 ? recorder->disk->names[at].file : create(recorder, name);
    ASSERT(file != REC_NO_FILE);
    return take_handle(recorder, file, REC_DIRECTORIES, handle);
}

static int rec_open_directory(struct mr_storage *storage, const char *name, int *handle,
                              struct mr_error *error)
{
    struct recorder *recorder = of(storage);
    enum rec_directory directory = rec_disk_directory_named(name);
    if (directory == REC_DIRECTORIES || !recorder->disk->exists[directory]) {
        return fail(error, MR_E_NOT_FOUND, "no such directory");
    }
    return take_handle(recorder, REC_NO_FILE, directory, handle);
}

static void rec_close(struct mr_storage *storage, int handle)
{
    handle_of(of(storage), handle)->used = false;
}

static int rec_size(struct mr_storage *storage, int handle, uint64_t *size, struct mr_error *error)
{
    (void)error;
    struct recorder *recorder = of(storage);
    *size = recorder->disk->files[handle_of(recorder, handle)->file].size;
    return MR_OK;
}

static int rec_read(struct mr_storage *storage, int handle, uint64_t offset, void *data,
                    size_t size, size_t *got, struct mr_error *error)
{
    (void)error;
    struct recorder *recorder = of(storage);
    const struct rec_file *file = &recorder->disk->files[handle_of(recorder, handle)->file];
    size_t left = offset < file->size ? file->size - (size_t)offset : 0;
    *got = size < left ? size : left;
    if (*got > 0) {
        memcpy(data, file->bytes + offset, *got);
    }
    return MR_OK;
}

/* The operation's number, 0 without a trace. */
static uint32_t begin_write(struct recorder *recorder, int file, uint64_t offset, const void *data,
                            size_t size, bool durable)
{
    rec_disk_write(recorder->disk, file, offset, data, size);
    if (recorder->trace == NULL) {
        return 0;
    }
    return rec_trace_write(recorder->trace, file, offset, data, size, durable);
}

static uint32_t begin_sync(struct recorder *recorder, const struct rec_handle *handle)
{
    if (recorder->trace == NULL) {
        return 0;
    }
    return handle->file == REC_NO_FILE
               ? rec_trace_sync_directory(recorder->trace, handle->directory)
               : rec_trace_sync(recorder->trace, handle->file);
}

static void end(struct recorder *recorder, uint32_t op)
{
    if (recorder->trace != NULL) {
        rec_trace_done(recorder->trace, op);
    }
}

static int rec_write(struct mr_storage *storage, int handle, uint64_t offset, const void *data,
                     size_t size, struct mr_error *error)
{
    (void)error;
    struct recorder *recorder = of(storage);
    int file = handle_of(recorder, handle)->file;
    end(recorder, begin_write(recorder, file, offset, data, size, false));
    return MR_OK;
}

static int rec_sync(struct mr_storage *storage, int handle, struct mr_error *error)
{
    (void)error;
    struct recorder *recorder = of(storage);
    end(recorder, begin_sync(recorder, handle_of(recorder, handle)));
    return MR_OK;
}

static int rec_rename(struct mr_storage *storage, const char *from, const char *to,
                      struct mr_error *error)
{
    struct recorder *recorder = of(storage);
    enum rec_directory directory = rec_disk_directory_of(from);
    ASSERT(directory == rec_disk_directory_of(to));
    if (!recorder->disk->exists[directory] || rec_disk_find(recorder->disk, from) < 0) {
        return fail(error, MR_E_NOT_FOUND, "no such file");
    }
    struct rec_change change = {.kind = REC_MOVE, .directory = (uint8_t)directory};
    set_name(change.from, from);
    set_name(change.to, to);
    change_name(recorder, &change);
    return MR_OK;
}

static int rec_remove(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    struct recorder *recorder = of(storage);
    enum rec_directory directory = rec_disk_directory_of(name);
    if (!recorder->disk->exists[directory] || rec_disk_find(recorder->disk, name) < 0) {
        return fail(error, MR_E_NOT_FOUND, "no such file");
    }
    struct rec_change change = {.kind = REC_REMOVE, .directory = (uint8_t)directory};
    set_name(change.from, name);
    change_name(recorder, &change);
    return MR_OK;
}

static int rec_make_directory(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    (void)error;
    struct recorder *recorder = of(storage);
    enum rec_directory directory = rec_disk_directory_named(name);
    ASSERT(directory != REC_ROOT && directory != REC_DIRECTORIES);
    if (!recorder->disk->exists[directory]) {
        struct rec_change change = {.kind = REC_ADD, .directory = REC_ROOT, .file = REC_NO_FILE};
        set_name(change.from, name);
        change_name(recorder, &change);
    }
    return MR_OK;
}

static int rec_list(struct mr_storage *storage, const char *name,
                    bool (*each)(void *context, const char *name), void *context,
                    struct mr_error *error)
{
    struct recorder *recorder = of(storage);
    enum rec_directory directory = rec_disk_directory_named(name);
    if (directory == REC_DIRECTORIES || !recorder->disk->exists[directory]) {
        return fail(error, MR_E_NOT_FOUND, "no such directory");
    }
    size_t skipped = directory == REC_ROOT ? 0 : strlen(name) + 1;
    for (uint32_t i = 0; i < recorder->disk->name_count; i++) {
        const struct rec_name *found = &recorder->disk->names[i];
        if (found->directory == directory && !each(context, found->text + skipped)) {
            break;
        }
    }
    return MR_OK;
}

static int rec_space(struct mr_storage *storage, uint64_t *bytes, struct mr_error *error)
{
    (void)storage;
    (void)error;
    *bytes = INT64_MAX;
    return MR_OK;
}

static int rec_lock(struct mr_storage *storage, uint32_t wait_ms, struct mr_error *error)
{
    (void)wait_ms;
    if (of(storage)->locked) {
        return fail(error, MR_E_BUSY, "the lock is taken");
    }
    of(storage)->locked = true;
    return MR_OK;
}

static void rec_unlock(struct mr_storage *storage)
{
    ASSERT(of(storage)->locked);
    of(storage)->locked = false;
}

/* -- The queue. -------------------------------------------------------------------------------- */

static int rec_queue_start(struct mr_storage *storage, const struct mr_queue_options *options,
                           struct mr_error *error)
{
    (void)error;
    struct recorder *recorder = of(storage);
    ASSERT(recorder->depth == 0);
    ASSERT(options->depth > 0 && options->depth <= MR_QUEUE_DEPTH_MAX);
    recorder->depth = options->depth;
    return MR_OK;
}

static void complete(struct recorder *recorder, uint32_t at, struct mr_io_result *result)
{
    const struct rec_flight *flight = &recorder->flights[at];
    if (recorder->trace != NULL && flight->size > 0) {
        ASSERT(memcmp(recorder->trace->bytes + flight->recorded, flight->data, flight->size) == 0);
    }
    *result = (struct mr_io_result){.tag = flight->tag};
    end(recorder, flight->op);
    recorder->in_flight--;
    memmove(&recorder->flights[at], &recorder->flights[at + 1],
            (recorder->in_flight - at) * sizeof recorder->flights[0]);
}

static void rec_queue_stop(struct mr_storage *storage)
{
    struct recorder *recorder = of(storage);
    ASSERT(recorder->depth > 0);
    while (recorder->in_flight > 0) {
        struct mr_io_result result;
        complete(recorder, 0, &result);
    }
    recorder->depth = 0;
}

static int rec_queue_submit(struct mr_storage *storage, const struct mr_io *io)
{
    struct recorder *recorder = of(storage);
    ASSERT(recorder->depth > 0);
    if (recorder->in_flight == recorder->depth) {
        return MR_AGAIN;
    }
    const struct rec_handle *handle = handle_of(recorder, io->file);
    size_t recorded = recorder->trace != NULL ? recorder->trace->used : 0;
    uint32_t op = io->kind == MR_IO_SYNC ? begin_sync(recorder, handle)
                                         : begin_write(recorder, handle->file, io->offset, io->data,
                                                       io->size, io->kind == MR_IO_WRITE_DURABLE);
    recorder->flights[recorder->in_flight++] = (struct rec_flight){
        .op = op,
        .tag = io->tag,
        .data = io->data,
        .size = io->kind == MR_IO_SYNC ? 0 : io->size,
        .recorded = recorded,
    };
    return MR_OK;
}

static int rec_queue_flush(struct mr_storage *storage, struct mr_error *error)
{
    (void)storage;
    (void)error;
    return MR_OK;
}

static int rec_queue_reap(struct mr_storage *storage, struct mr_io_result *results, uint32_t limit,
                          uint32_t wait_us, struct mr_error *error)
{
    (void)error;
    struct recorder *recorder = of(storage);
    uint32_t done = 0;
    while (recorder->in_flight > 0 && done < limit) {
        if (recorder->in_order) {
            complete(recorder, 0, &results[done++]);
            continue;
        }
        if (!(done == 0 && wait_us > 0) && mr_random_chance(&recorder->random, 1, 2)) {
            break;
        }
        uint32_t at = (uint32_t)mr_random_below(&recorder->random, recorder->in_flight);
        complete(recorder, at, &results[done++]);
    }
    return (int)done;
}

static const char *rec_describe(struct mr_storage *storage)
{
    (void)storage;
    return "recorder";
}

static void rec_destroy(struct mr_storage *storage)
{
    recorder_reset(of(storage));
}

static const struct mr_storage_calls calls = {
    .open = rec_open,
    .open_directory = rec_open_directory,
    .close = rec_close,
    .size = rec_size,
    .read = rec_read,
    .write = rec_write,
    .sync = rec_sync,
    .rename = rec_rename,
    .remove = rec_remove,
    .make_directory = rec_make_directory,
    .list = rec_list,
    .space = rec_space,
    .lock = rec_lock,
    .unlock = rec_unlock,
    .queue_start = rec_queue_start,
    .queue_stop = rec_queue_stop,
    .queue_submit = rec_queue_submit,
    .queue_flush = rec_queue_flush,
    .queue_reap = rec_queue_reap,
    .describe = rec_describe,
    .destroy = rec_destroy,
};

void recorder_init(struct recorder *recorder, struct rec_disk *disk, struct rec_trace *trace,
                   uint64_t seed)
{
    *recorder = (struct recorder){.seam = {&calls}, .disk = disk, .trace = trace};
    mr_random_init(&recorder->random, seed);
}

void recorder_reset(struct recorder *recorder)
{
    memset(recorder->handles, 0, sizeof recorder->handles);
    recorder->in_flight = 0;
    recorder->depth = 0;
    recorder->locked = false;
}
