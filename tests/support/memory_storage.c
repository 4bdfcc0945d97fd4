#include "tests/support/memory_storage.h"

#include "base/assert.h"
#include "base/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64 };

/* Lives on without a name while it is open. */
struct file {
    bool is_directory;
    uint32_t users; /* its name, and what is open */
    size_t size, room;
    unsigned char *bytes;
};

struct memory_storage {
    struct mr_storage seam;
    struct {
        char name[MR_STORAGE_NAME_MAX];
        struct file *file;
    } names[NAMES_MAX]; /* sorted */
    uint32_t name_count;
    struct file *open[MR_STORAGE_FILES_MAX];
    uint64_t changes;
    bool locked;
    bool queue;
    struct mr_io_result results[MR_QUEUE_DEPTH_MAX];
    uint32_t result_count;
    uint32_t depth;
};

static struct memory_storage *of(struct mr_storage *storage)
{
    return (struct memory_storage *)storage;
}

/* -- Names and files. -------------------------------------------------------------------------- */

static void let_go(struct file *file)
{
    if (--file->users == 0) {
        free(file->bytes);
        free(file);
    }
}

/* Where the name is, or would be. */
static uint32_t place_of(const struct memory_storage *memory, const char *name, bool *found)
{
    uint32_t at = 0;
    int order = 1;
    while (at < memory->name_count && (order = strcmp(memory->names[at].name, name)) < 0) {
        at++;
    }
    *found = at < memory->name_count && order == 0;
    return at;
}

static struct file *find(const struct memory_storage *memory, const char *name)
{
    bool found;
    uint32_t at = place_of(memory, name, &found);
    return found ? memory->names[at].file : NULL;
}

static void drop_name(struct memory_storage *memory, const char *name)
{
    bool found;
    uint32_t at = place_of(memory, name, &found);
    ASSERT(found);
    let_go(memory->names[at].file);
    memory->name_count--;
    memmove(&memory->names[at], &memory->names[at + 1],
            (memory->name_count - at) * sizeof memory->names[0]);
}

static void put_name(struct memory_storage *memory, const char *name, struct file *file)
{
    bool found;
    uint32_t at = place_of(memory, name, &found);
    size_t length = strlen(name);
    ASSERT(!found);
    ASSERT(memory->name_count < NAMES_MAX && length < MR_STORAGE_NAME_MAX);
    memmove(&memory->names[at + 1], &memory->names[at],
            (memory->name_count - at) * sizeof memory->names[0]);
    memcpy(memory->names[at].name, name, length + 1);
    memory->names[at].file = file;
    memory->name_count++;
    file->users++;
}

static struct file *make(struct memory_storage *memory, const char *name, bool is_directory)
{
    struct file *file = calloc(1, sizeof *file);
    ASSERT(file != NULL);
    file->is_directory = is_directory;
    put_name(memory, name, file);
    return file;
}

static void resize(struct file *file, size_t size)
{
    if (size > file->room) {
        file->bytes = realloc(file->bytes, size);
        ASSERT(file->bytes != NULL);
        file->room = size;
    }
    if (size > file->size) {
        memset(file->bytes + file->size, 0, size - file->size);
    }
    file->size = size;
}

static void put_bytes(struct memory_storage *memory, struct file *file, uint64_t offset,
                      const void *data, size_t size)
{
    if (offset + size > file->size) {
        resize(file, (size_t)offset + size);
    }
    if (size > 0) {
        memcpy(file->bytes + offset, data, size);
    }
    memory->changes++;
}

static bool has_parent(const struct memory_storage *memory, const char *name)
{
    char parent[MR_STORAGE_NAME_MAX] = "";
    const char *slash = strrchr(name, '/');
    if (slash == NULL) {
        return true;
    }
    memcpy(parent, name, (size_t)(slash - name));
    return find(memory, parent) != NULL;
}

/* -- The synchronous calls. -------------------------------------------------------------------- */

static int fail(struct mr_error *error, int system_error, const char *name)
{
    return mr_error_set_errno(error, system_error, "memory: %s", name);
}

static int hand_out(struct memory_storage *memory, struct file *found, int *file,
                    struct mr_error *error)
{
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        if (memory->open[i] == NULL) {
            memory->open[i] = found;
            found->users++;
            *file = i;
            return MR_OK;
        }
    }
    return fail(error, EMFILE, "too many files");
}

static int memory_open(struct mr_storage *storage, const char *name, int flags, int *file,
                       struct mr_error *error)
{
    struct memory_storage *memory = of(storage);
    struct file *found = find(memory, name);
    if ((flags & MR_OPEN_CREATE) != 0) {
        if (found != NULL || !has_parent(memory, name)) {
            return fail(error, found != NULL ? EEXIST : ENOENT, name);
        }
        found = make(memory, name, false);
        memory->changes++;
    }
    if (found == NULL || found->is_directory) {
        return fail(error, found == NULL ? ENOENT : EISDIR, name);
    }
    return hand_out(memory, found, file, error);
}

static int memory_open_directory(struct mr_storage *storage, const char *name, int *file,
                                 struct mr_error *error)
{
    struct file *found = find(of(storage), name);
    if (found == NULL || !found->is_directory) {
        return fail(error, found == NULL ? ENOENT : ENOTDIR, name);
    }
    return hand_out(of(storage), found, file, error);
}

static void memory_close(struct mr_storage *storage, int file)
{
    struct memory_storage *memory = of(storage);
    ASSERT(memory->open[file] != NULL);
    let_go(memory->open[file]);
    memory->open[file] = NULL;
}

static int memory_size(struct mr_storage *storage, int file, uint64_t *size, struct mr_error *error)
{
    (void)error;
    *size = of(storage)->open[file]->size;
    return MR_OK;
}

static int memory_read(struct mr_storage *storage, int file, uint64_t offset, void *data,
                       size_t size, size_t *got, struct mr_error *error)
{
    const struct file *from = of(storage)->open[file];
    (void)error;
    size_t left = offset < from->size ? from->size - (size_t)offset : 0;
    *got = size < left ? size : left;
    if (*got > 0) {
        memcpy(data, from->bytes + offset, *got);
    }
    return MR_OK;
}

static int memory_write(struct mr_storage *storage, int file, uint64_t offset, const void *data,
                        size_t size, struct mr_error *error)
{
    (void)error;
    put_bytes(of(storage), of(storage)->open[file], offset, data, size);
    return MR_OK;
}

static int memory_sync(struct mr_storage *storage, int file, struct mr_error *error)
{
    (void)error;
    ASSERT(of(storage)->open[file] != NULL);
    return MR_OK;
}

static int memory_rename(struct mr_storage *storage, const char *from, const char *to,
                         struct mr_error *error)
{
    struct memory_storage *memory = of(storage);
    struct file *file = find(memory, from);
    if (file == NULL || !has_parent(memory, to)) {
        return fail(error, ENOENT, from);
    }
    file->users++;
    if (find(memory, to) != NULL) {
        drop_name(memory, to);
    }
    drop_name(memory, from);
    put_name(memory, to, file);
    file->users--;
    memory->changes++;
    return MR_OK;
}

static int memory_remove(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    struct memory_storage *memory = of(storage);
    if (find(memory, name) == NULL) {
        return fail(error, ENOENT, name);
    }
    drop_name(memory, name);
    memory->changes++;
    return MR_OK;
}

static int memory_make_directory(struct mr_storage *storage, const char *name,
                                 struct mr_error *error)
{
    struct memory_storage *memory = of(storage);
    if (!has_parent(memory, name)) {
        return fail(error, ENOENT, name);
    }
    if (find(memory, name) == NULL) {
        make(memory, name, true);
        memory->changes++;
    }
    return MR_OK;
}

static int memory_list(struct mr_storage *storage, const char *directory,
                       bool (*each)(void *context, const char *name), void *context,
                       struct mr_error *error)
{
    struct memory_storage *memory = of(storage);
    size_t length = strlen(directory);
    if (find(memory, directory) == NULL) {
        return fail(error, ENOENT, directory);
    }
    for (uint32_t i = 0; i < memory->name_count; i++) {
        const char *name = memory->names[i].name;
        bool inside = length == 0 || (strncmp(name, directory, length) == 0 && name[length] == '/');
        const char *rest = length == 0 ? name : name + length + 1;
        if (inside && *rest != 0 && strchr(rest, '/') == NULL && !each(context, rest)) {
            break;
        }
    }
    return MR_OK;
}

static int memory_space(struct mr_storage *storage, uint64_t *bytes, struct mr_error *error)
{
    (void)storage;
    (void)error;
    *bytes = INT64_MAX;
    return MR_OK;
}

static int memory_lock(struct mr_storage *storage, uint32_t wait_ms, struct mr_error *error)
{
    (void)wait_ms;
    if (of(storage)->locked) {
        return mr_error_set(error, MR_E_BUSY, "memory: locked");
    }
    of(storage)->locked = true;
    return MR_OK;
}

static void memory_unlock(struct mr_storage *storage)
{
    of(storage)->locked = false;
}

/* -- The queue. -------------------------------------------------------------------------------- */

static int memory_queue_start(struct mr_storage *storage, const struct mr_queue_options *options,
                              struct mr_error *error)
{
    (void)error;
    ASSERT(!of(storage)->queue && options->depth <= MR_QUEUE_DEPTH_MAX);
    of(storage)->queue = true;
    of(storage)->depth = options->depth;
    of(storage)->result_count = 0;
    return MR_OK;
}

static void memory_queue_stop(struct mr_storage *storage)
{
    of(storage)->queue = false;
}

static int memory_queue_submit(struct mr_storage *storage, const struct mr_io *io)
{
    struct memory_storage *memory = of(storage);
    ASSERT(memory->queue && memory->open[io->file] != NULL);
    if (memory->result_count == memory->depth) {
        return MR_AGAIN;
    }
    if (io->kind != MR_IO_SYNC) {
        put_bytes(memory, memory->open[io->file], io->offset, io->data, io->size);
    }
    memory->results[memory->result_count++] = (struct mr_io_result){.tag = io->tag};
    return MR_OK;
}

static int memory_queue_flush(struct mr_storage *storage, struct mr_error *error)
{
    (void)error;
    ASSERT(of(storage)->queue);
    return MR_OK;
}

static int memory_queue_reap(struct mr_storage *storage, struct mr_io_result *results,
                             uint32_t limit, uint32_t wait_us, struct mr_error *error)
{
    struct memory_storage *memory = of(storage);
    (void)wait_us;
    (void)error;
    uint32_t count = memory->result_count < limit ? memory->result_count : limit;
    memcpy(results, memory->results, count * sizeof *results);
    memory->result_count -= count;
    memmove(memory->results, memory->results + count, memory->result_count * sizeof *results);
    return (int)count;
}

static const char *memory_describe(struct mr_storage *storage)
{
    (void)storage;
    return "memory";
}

static void memory_end(struct mr_storage *storage)
{
    (void)storage; /* a process's end, not the directory's */
}

static const struct mr_storage_calls memory_calls = {
    .open = memory_open,
    .open_directory = memory_open_directory,
    .close = memory_close,
    .size = memory_size,
    .read = memory_read,
    .write = memory_write,
    .sync = memory_sync,
    .rename = memory_rename,
    .remove = memory_remove,
    .make_directory = memory_make_directory,
    .list = memory_list,
    .space = memory_space,
    .lock = memory_lock,
    .unlock = memory_unlock,
    .queue_start = memory_queue_start,
    .queue_stop = memory_queue_stop,
    .queue_submit = memory_queue_submit,
    .queue_flush = memory_queue_flush,
    .queue_reap = memory_queue_reap,
    .describe = memory_describe,
    .destroy = memory_end,
};

/* -- What tests do with it. -------------------------------------------------------------------- */

struct memory_storage *memory_storage_create(void)
{
    struct memory_storage *memory = calloc(1, sizeof *memory);
    ASSERT(memory != NULL);
    memory->seam.calls = &memory_calls;
    make(memory, "", true);
    return memory;
}

void memory_storage_destroy(struct memory_storage *memory)
{
    while (memory->name_count > 0) {
        drop_name(memory, memory->names[memory->name_count - 1].name);
    }
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        if (memory->open[i] != NULL) {
            let_go(memory->open[i]);
        }
    }
    free(memory);
}

struct memory_storage *memory_storage_clone(const struct memory_storage *memory)
{
    struct memory_storage *clone = memory_storage_create();
    for (uint32_t i = 0; i < memory->name_count; i++) {
        const struct file *from = memory->names[i].file;
        if (memory->names[i].name[0] != 0) {
            struct file *to = make(clone, memory->names[i].name, from->is_directory);
            put_bytes(clone, to, 0, from->bytes, from->size);
        }
    }
    clone->changes = 0;
    return clone;
}

struct mr_storage *memory_storage_seam(struct memory_storage *memory)
{
    return &memory->seam;
}

uint64_t memory_storage_changes(const struct memory_storage *memory)
{
    return memory->changes;
}

uint32_t memory_storage_open_count(const struct memory_storage *memory)
{
    uint32_t count = 0;
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        count += memory->open[i] != NULL;
    }
    return count;
}

struct mr_digest memory_storage_digest(const struct memory_storage *memory)
{
    struct mr_digest_stream *stream = mr_digest_begin();
    ASSERT(stream != NULL);
    for (uint32_t i = 0; i < memory->name_count; i++) {
        const struct file *file = memory->names[i].file;
        uint64_t size = file->size;
        mr_digest_add(stream, memory->names[i].name, strlen(memory->names[i].name) + 1);
        mr_digest_add(stream, &size, sizeof size);
        mr_digest_add(stream, file->size > 0 ? file->bytes : (const unsigned char *)"", file->size);
    }
    return mr_digest_end(stream);
}

unsigned char *memory_storage_bytes(struct memory_storage *memory, const char *name, size_t *size)
{
    struct file *file = find(memory, name);
    *size = file == NULL ? 0 : file->size;
    return file == NULL ? NULL : file->bytes;
}

void memory_storage_resize(struct memory_storage *memory, const char *name, size_t size)
{
    struct file *file = find(memory, name);
    resize(file != NULL ? file : make(memory, name, false), size);
}

void memory_storage_each(const struct memory_storage *memory,
                         void (*each)(void *context, const char *name, const unsigned char *bytes,
                                      size_t size),
                         void *context)
{
    for (uint32_t i = 0; i < memory->name_count; i++) {
        const struct file *file = memory->names[i].file;
        if (!file->is_directory) {
            each(context, memory->names[i].name, file->bytes, file->size);
        }
    }
}
