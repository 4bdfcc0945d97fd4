/*
 * The queue of the simulated storage.
 */
#include "tests/support/sim_internal.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sim_queue_start(struct mr_storage *storage, const struct mr_queue_options *options,
                    struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    ASSERT(!sim->queue_running);
    ASSERT(options->depth >= 1);
    ASSERT(options->depth <= MR_QUEUE_DEPTH_MAX);
    int system_error = sim_count_call(sim, MR_SIM_QUEUE_START, "").system_error;
    if (system_error != 0) {
        return sim_leave(sim,
                         mr_error_set_errno(error, system_error, "sim: cannot start the queue"));
    }
    sim->depth = options->depth;
    sim->queue_running = true;
    return sim_leave(sim, MR_OK);
}

/* Everything submitted is in flight from here on. */
static void flush(struct mr_sim *sim)
{
    for (uint32_t i = 0; i < sim->depth; i++) {
        struct sim_operation *operation = &sim->operations[i];
        if (operation->state != SIM_SUBMITTED) {
            continue;
        }
        operation->state = SIM_FLUSHED;
        operation->delay =
            (uint32_t)mr_random_below(&sim->random, (uint64_t)sim->options.delay_max + 1);
        if (operation->io.kind == MR_IO_SYNC) {
            const char *name = sim_handle_of(sim, operation->io.file)->name;
            sim_capture_take(&sim->disk, name, operation->node, &operation->capture);
        }
    }
}

/* One of the operations whose time has come; NULL when none has. */
static struct sim_operation *pick_ready(struct mr_sim *sim)
{
    struct sim_operation *ready[MR_QUEUE_DEPTH_MAX];
    uint32_t count = 0;
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < sim->depth; i++) {
        struct sim_operation *operation = &sim->operations[i];
        if (operation->state == SIM_FLUSHED && operation->delay == 0) {
            ready[count] = operation;
            oldest = operation->order < ready[oldest]->order ? count : oldest;
            count += 1;
        }
    }
    if (count == 0) {
        return NULL;
    }
    return ready[sim->options.completes_in_order ? oldest : mr_random_below(&sim->random, count)];
}

static void pass_time(struct mr_sim *sim)
{
    for (uint32_t i = 0; i < sim->depth; i++) {
        sim->operations[i].delay -= sim->operations[i].delay > 0;
    }
}

static void release_operation(struct mr_sim *sim, struct sim_operation *operation)
{
    free(operation->data);
    sim_snapshot_free(&operation->capture.file);
    operation->node->handles -= 1;
    sim->in_flight -= 1;
    *operation = (struct sim_operation){.state = SIM_FREE};
}

/* The operation ends now, and has its effect now. Returns its errno value. */
static int complete(struct mr_sim *sim, struct sim_operation *operation)
{
    struct mr_io io = operation->io;
    io.data = operation->data;
    if (io.kind == MR_IO_SYNC) {
        sim_end_sync(sim, &operation->capture, operation->fault.system_error != 0);
        return operation->fault.system_error;
    }
    if (operation->fault.system_error != 0) {
        sim_write_some(sim, operation->node, &io, &operation->fault);
        return operation->fault.system_error;
    }
    int system_error = sim_disk_reserve(&sim->disk, operation->node, io.offset + io.size);
    if (system_error == 0) {
        bool durably = io.kind == MR_IO_WRITE_DURABLE;
        sim_disk_write(&sim->disk, operation->node, &io, durably, NULL);
    }
    return system_error;
}

void sim_queue_complete_all(struct mr_sim *sim)
{
    struct sim_operation *operation;
    for (uint32_t i = 0; i < sim->depth; i++) {
        sim->operations[i].delay = 0;
    }
    while (!sim->power_cut && (operation = pick_ready(sim)) != NULL) {
        complete(sim, operation);
        release_operation(sim, operation);
    }
}

void sim_queue_crash(struct mr_sim *sim, const struct sim_choice *choice)
{
    for (uint32_t i = 0; i < sim->depth; i++) {
        struct sim_operation *operation = &sim->operations[i];
        struct mr_io io = operation->io;
        io.data = operation->data;
        if (operation->state == SIM_FLUSHED && io.kind != MR_IO_SYNC &&
            sim_disk_reserve(&sim->disk, operation->node, io.offset + io.size) == 0) {
            sim_disk_write(&sim->disk, operation->node, &io, true, choice);
        }
    }
}

void sim_queue_forget(struct mr_sim *sim)
{
    for (uint32_t i = 0; i < sim->depth; i++) {
        if (sim->operations[i].state != SIM_FREE) {
            release_operation(sim, &sim->operations[i]);
        }
    }
    sim->queue_running = false;
}

static uint32_t reap(struct mr_sim *sim, struct mr_io_result *results, uint32_t limit)
{
    uint32_t taken = 0;
    struct sim_operation *operation;
    while (taken < limit && (operation = pick_ready(sim)) != NULL) {
        if (operation->io.kind != MR_IO_SYNC) { /* the caller kept its promise */
            ASSERT(memcmp(operation->io.data, operation->data, operation->io.size) == 0);
        }
        int system_error = complete(sim, operation);
        results[taken++] = (struct mr_io_result){operation->io.tag, system_error};
        sim_handle_of(sim, operation->io.file)->in_flight -= 1;
        release_operation(sim, operation);
    }
    return taken;
}

void sim_queue_stop(struct mr_storage *storage)
{
    struct mr_sim *sim = sim_enter(storage);
    ASSERT(sim->queue_running);
    while (!sim->power_cut && sim->in_flight > 0) {
        struct mr_io_result ignored;
        flush(sim);
        pass_time(sim);
        reap(sim, &ignored, 1);
    }
    sim->queue_running = false;
    sim_leave(sim, MR_OK);
}

static struct sim_operation *free_operation(struct mr_sim *sim)
{
    for (uint32_t i = 0; i < sim->depth; i++) {
        if (sim->operations[i].state == SIM_FREE) {
            return &sim->operations[i];
        }
    }
    return NULL;
}

int sim_queue_submit(struct mr_storage *storage, const struct mr_io *io)
{
    struct mr_sim *sim = sim_enter(storage);
    ASSERT(sim->queue_running);
    struct sim_handle *handle = sim_handle_of(sim, io->file);
    bool is_sync = io->kind == MR_IO_SYNC;
    if (!is_sync) {
        ASSERT(io->size > 0);
        ASSERT(handle->writable);
        sim_assert_access(handle, io->offset, io->data, io->size);
    }
    struct sim_operation *operation = free_operation(sim);
    if (operation == NULL) {
        return sim_leave(sim, MR_AGAIN);
    }
    struct mr_sim_fault fault =
        sim_count_call(sim, is_sync ? MR_SIM_QUEUE_SYNC : MR_SIM_QUEUE_WRITE, handle->name);
    *operation = (struct sim_operation){
        .state = SIM_SUBMITTED,
        .io = *io,
        .node = handle->node,
        .order = sim->submitted++,
        .fault = fault,
    };
    if (!is_sync) {
        operation->data = malloc(io->size);
        ASSERT(operation->data != NULL);
        memcpy(operation->data, io->data, io->size);
    }
    handle->in_flight += 1;
    operation->node->handles += 1;
    sim->in_flight += 1;
    return sim_leave(sim, MR_OK);
}

int sim_queue_flush(struct mr_storage *storage, struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    ASSERT(sim->queue_running);
    int system_error = sim_count_call(sim, MR_SIM_QUEUE_FLUSH, "").system_error;
    if (system_error != 0) {
        return sim_leave(sim, mr_error_set_errno(error, system_error, "sim: cannot submit"));
    }
    flush(sim);
    return sim_leave(sim, MR_OK);
}

int sim_queue_reap(struct mr_storage *storage, struct mr_io_result *results, uint32_t limit,
                   uint32_t wait_us, struct mr_error *error)
{
    struct mr_sim *sim = sim_enter(storage);
    ASSERT(sim->queue_running);
    ASSERT(limit > 0);
    int system_error = sim_count_call(sim, MR_SIM_QUEUE_REAP, "").system_error;
    if (system_error != 0) {
        return sim_leave(sim, mr_error_set_errno(error, system_error, "sim: cannot reap"));
    }
    flush(sim);
    uint32_t taken = reap(sim, results, limit);
    pass_time(sim);
    while (taken == 0 && wait_us > 0 && sim->in_flight > 0) {
        taken = reap(sim, results, limit);
        pass_time(sim);
    }
    return sim_leave(sim, (int)taken);
}
