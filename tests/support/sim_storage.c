/*
 * The synchronous calls of the simulated storage.
 */
#include "tests/support/sim_internal.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Every call of the seam runs between enter and leave. */
struct mr_sim *sim_enter(struct mr_storage *storage)
{
    struct mr_sim *sim = (struct mr_sim *)(void *)storage;
    pthread_mutex_lock(&sim->mutex);
    return sim;
}

int sim_leave(struct mr_sim *sim, int result)
{
    pthread_mutex_unlock(&sim->mutex);
    return result;
}

static int fail(const char *verb, const char *name, int system_error, struct mr_error *error)
{
    return mr_error_set_errno(error, system_error, "cannot %s sim/%s", verb, name);
}

/* -- Files. ------------------------------------------------------------------------------------ */

struct sim_handle *sim_handle_of(struct mr_sim *sim, int file)
{
    ASSERT(file >= 0);
    ASSERT(file < MR_STORAGE_FILES_MAX);
    ASSERT(sim->handles[file].used); /* open, and not closed by a crash since */
    return &sim->handles[file];
}

static int claim_handle(struct mr_sim *sim, const char *name, struct sim_node *node, int *file,
                        struct mr_error *error)
{
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        struct sim_handle *handle = &sim->handles[i];
        if (!handle->used) {
            *handle = (struct sim_handle){.used = true, .node = node};
            memcpy(handle->name, name, strlen(name) + 1);
            node->handles += 1;
            *file = i;
            return MR_OK;
        }
    }
    return mr_error_set(error, MR_E_LIMIT, "cannot open sim/%s: %d files are open already", name,
                        MR_STORAGE_FILES_MAX);
}

void sim_release_handle(struct mr_sim *sim, struct sim_handle *handle)
{
    handle->node->handles -= 1;
    handle->used = false;
    sim_disk_collect(&sim->disk);
}

static int find_or_create(struct mr_sim *sim, const char *name, bool creates,
                          struct sim_node **node)
{
    if (creates) {
        return sim_disk_create(&sim->disk, name, false, node);
    }
    *node = sim_disk_find(&sim->disk, MR_SIM_CURRENT, name);
    return *node == NULL ? ENOENT : 0;
}

static int open_node(struct mr_sim *sim, const char *name, int flags, int *file,
                     struct mr_error *error)
{
    bool creates = (flags & MR_OPEN_CREATE) != 0;
    bool writes = (flags & MR_OPEN_WRITE) != 0;
    ASSERT(writes || !creates);
    ASSERT(strlen(name) < MR_STORAGE_NAME_MAX);
    struct mr_sim_fault fault = sim_count_call(sim, creates ? MR_SIM_CREATE : MR_SIM_OPEN, name);
    struct sim_node *node = NULL;
    int system_error = fault.system_error;
    if (system_error == 0) {
        system_error = find_or_create(sim, name, creates, &node);
    }
    if (system_error == 0 && node->is_directory) {
        system_error = EISDIR;
    }
    if (system_error != 0) {
        return fail(creates ? "create" : "open", name, system_error, error);
    }
    int status = claim_handle(sim, name, node, file, error);
    if (status == MR_OK) {
        sim->handles[*file].writable = writes;
        sim->handles[*file].direct = (flags & MR_OPEN_DIRECT) != 0;
    }
    return status;
}

static int sim_open(struct mr_storage *storage, const char *name, int flags, int *file,
                    struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    return sim_leave(sim, open_node(sim, name, flags, file, error));
}

static int sim_open_directory(struct mr_storage *storage, const char *name, int *file,
                              struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    struct sim_node *node = sim_disk_find(&sim->disk, MR_SIM_CURRENT, name);
    int system_error = sim_count_call(sim, MR_SIM_OPEN_DIRECTORY, name).system_error;
    if (system_error == 0) {
        system_error = node == NULL ? ENOENT : node->is_directory ? 0 : ENOTDIR;
    }
    if (system_error != 0) {
        return sim_leave(sim, fail("open", name, system_error, error));
    }
    return sim_leave(sim, claim_handle(sim, name, node, file, error));
}

static void sim_close(struct mr_storage *storage, int file)
{
    struct mr_sim *sim = sim_enter(storage);
    struct sim_handle *handle = sim_handle_of(sim, file);
    ASSERT(handle->in_flight == 0 || sim->power_cut);
    sim_release_handle(sim, handle);
    sim_leave(sim, MR_OK);
}

static int sim_size(struct mr_storage *storage, int file, uint64_t *size, struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    const struct sim_handle *handle = sim_handle_of(sim, file);
    int system_error = sim_count_call(sim, MR_SIM_SIZE, handle->name).system_error;
    if (system_error != 0) {
        return sim_leave(sim, fail("look at", handle->name, system_error, error));
    }
    *size = handle->node->size;
    return sim_leave(sim, MR_OK);
}

void sim_assert_access(const struct sim_handle *handle, uint64_t offset, const void *data,
                       size_t size)
{
    ASSERT(!handle->node->is_directory);
    if (handle->direct) {
        ASSERT(offset % MR_STORAGE_ALIGNMENT == 0);
        ASSERT(size % MR_STORAGE_ALIGNMENT == 0);
        ASSERT((uintptr_t)data % MR_STORAGE_ALIGNMENT == 0);
    }
}

static int sim_read(struct mr_storage *storage, int file, uint64_t offset, void *data, size_t size,
                    size_t *got, struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    const struct sim_handle *handle = sim_handle_of(sim, file);
    sim_assert_access(handle, offset, data, size);
    int system_error = sim_count_call(sim, MR_SIM_READ, handle->name).system_error;
    if (system_error != 0) {
        return sim_leave(sim, fail("read", handle->name, system_error, error));
    }
    *got = handle->direct ? sim_node_read_direct(handle->node, offset, data, size)
                          : sim_node_read(handle->node, MR_SIM_CURRENT, offset, data, size);
    return sim_leave(sim, MR_OK);
}

static int sim_write(struct mr_storage *storage, int file, uint64_t offset, const void *data,
                     size_t size, struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    const struct sim_handle *handle = sim_handle_of(sim, file);
    sim_assert_access(handle, offset, data, size);
    ASSERT(handle->writable);
    ASSERT(size <= UINT32_MAX);
    struct mr_sim_fault fault = sim_count_call(sim, MR_SIM_WRITE, handle->name);
    struct mr_io io = {.offset = offset, .data = data, .size = (uint32_t)size};
    int system_error = fault.system_error;
    if (system_error != 0) {
        sim_write_some(sim, handle->node, &io, &fault);
    } else {
        system_error = sim_disk_reserve(&sim->disk, handle->node, offset + size);
    }
    if (system_error != 0) {
        return sim_leave(sim, fail("write", handle->name, system_error, error));
    }
    sim_disk_write(&sim->disk, handle->node, &io, false, NULL);
    return sim_leave(sim, MR_OK);
}

static int sim_sync(struct mr_storage *storage, int file, struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    const struct sim_handle *handle = sim_handle_of(sim, file);
    struct mr_sim_fault fault = sim_count_call(sim, MR_SIM_SYNC, handle->name);
    if (fault.span != MR_SIM_POWER_CUT) {
        struct sim_capture capture;
        sim_capture_take(&sim->disk, handle->name, handle->node, &capture);
        sim_end_sync(sim, &capture, fault.system_error != 0);
    }
    if (fault.system_error != 0) {
        return sim_leave(sim, fail("sync", handle->name, fault.system_error, error));
    }
    return sim_leave(sim, MR_OK);
}

/* -- Names. ------------------------------------------------------------------------------------ */

static int sim_rename(struct mr_storage *storage, const char *from, const char *to,
                      struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    int system_error = sim_count_call(sim, MR_SIM_RENAME, from).system_error;
    if (system_error == 0) {
        system_error = sim_disk_rename(&sim->disk, from, to);
    }
    return sim_leave(sim, system_error == 0 ? MR_OK : fail("rename", from, system_error, error));
}

static int sim_remove(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    int system_error = sim_count_call(sim, MR_SIM_REMOVE, name).system_error;
    if (system_error == 0) {
        system_error = sim_disk_remove(&sim->disk, name);
    }
    return sim_leave(sim, system_error == 0 ? MR_OK : fail("remove", name, system_error, error));
}

static int sim_make_directory(struct mr_storage *storage, const char *name, struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    int system_error = sim_count_call(sim, MR_SIM_MAKE_DIRECTORY, name).system_error;
    if (system_error == 0) {
        struct sim_node *node;
        system_error = sim_disk_create(&sim->disk, name, true, &node);
    }
    bool fine = system_error == 0 || system_error == EEXIST;
    return sim_leave(sim, fine ? MR_OK : fail("create", name, system_error, error));
}

/* The names are copied first: `each` may use the storage. */
static int sim_list(struct mr_storage *storage, const char *directory,
                    bool (*each)(void *context, const char *name), void *context,
                    struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    int system_error = sim_count_call(sim, MR_SIM_LIST, directory).system_error;
    const struct sim_node *node = sim_disk_find(&sim->disk, MR_SIM_CURRENT, directory);
    if (system_error == 0) {
        system_error = node == NULL ? ENOENT : node->is_directory ? 0 : ENOTDIR;
    }
    if (system_error != 0) {
        return sim_leave(sim, fail("list", directory, system_error, error));
    }
    uint32_t count = sim->disk.current.count;
    struct sim_name *names = calloc(count, sizeof *names);
    ASSERT(names != NULL);
    memcpy(names, sim->disk.current.items, count * sizeof *names);
    sim_leave(sim, MR_OK);

    for (uint32_t i = 0; i < count; i++) {
        const char *within = sim_name_within(names[i].name, directory);
        if (within != NULL && !each(context, within)) {
            break;
        }
    }
    free(names);
    return MR_OK;
}

static int sim_space(struct mr_storage *storage, uint64_t *bytes, struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    int system_error = sim_count_call(sim, MR_SIM_SPACE, "").system_error;
    if (system_error != 0) {
        return sim_leave(sim, fail("look at", "", system_error, error));
    }
    uint64_t capacity = sim->options.capacity == 0 ? INT64_MAX : sim->options.capacity;
    uint64_t used = sim_disk_used(&sim->disk);
    *bytes = used < capacity ? capacity - used : 0;
    return sim_leave(sim, MR_OK);
}

static int sim_lock(struct mr_storage *storage, uint32_t wait_ms, struct mr_error *error)
{
    (void)wait_ms;
    struct mr_sim *sim = sim_enter(storage);
    ASSERT(!sim->queue_running);
    int system_error = sim_count_call(sim, MR_SIM_LOCK, "").system_error;
    if (system_error != 0) {
        return sim_leave(sim, fail("lock", "", system_error, error));
    }
    if (sim->locked) {
        return sim_leave(sim, mr_error_set(error, MR_E_BUSY, "sim is in use by another process"));
    }
    sim->locked = true;
    return sim_leave(sim, MR_OK);
}

static void sim_unlock(struct mr_storage *storage)
{
    struct mr_sim *sim = sim_enter(storage);
    ASSERT(sim->locked);
    ASSERT(!sim->queue_running);
    sim->locked = false;
    sim_leave(sim, MR_OK);
}

static const char *sim_describe(struct mr_storage *storage)
{
    (void)storage;
    return "simulated";
}

/* What is in flight without power waits for the crash. */
static void sim_destroy(struct mr_storage *storage)
{
    struct mr_sim *sim = sim_enter(storage);
    ASSERT(!sim->queue_running);
    for (uint32_t i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        if (sim->handles[i].used) {
            sim_release_handle(sim, &sim->handles[i]);
        }
    }
    sim->locked = false;
    sim_leave(sim, MR_OK);
}

static const struct mr_storage_calls sim_calls = {
    .open = sim_open,
    .open_directory = sim_open_directory,
    .close = sim_close,
    .size = sim_size,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .rename = sim_rename,
    .remove = sim_remove,
    .make_directory = sim_make_directory,
    .list = sim_list,
    .space = sim_space,
    .lock = sim_lock,
    .unlock = sim_unlock,
    .queue_start = sim_queue_start,
    .queue_stop = sim_queue_stop,
    .queue_submit = sim_queue_submit,
    .queue_flush = sim_queue_flush,
    .queue_reap = sim_queue_reap,
    .describe = sim_describe,
    .destroy = sim_destroy,
};

/* -- The simulation itself. -------------------------------------------------------------------- */

struct mr_sim *mr_sim_create(const struct mr_sim_options *options)
{
    struct mr_sim *sim = calloc(1, sizeof *sim);
    ASSERT(sim != NULL);
    sim->storage.calls = &sim_calls;
    sim->options = *options;
    pthread_mutex_init(&sim->mutex, NULL);
    mr_random_init(&sim->random, options->seed);
    sim_disk_init(&sim->disk, options->capacity);
    return sim;
}

void mr_sim_destroy(struct mr_sim *sim)
{
    sim_queue_forget(sim);
    sim_disk_free(&sim->disk);
    pthread_mutex_destroy(&sim->mutex);
    free(sim);
}

struct mr_storage *mr_sim_storage(struct mr_sim *sim)
{
    return &sim->storage;
}
