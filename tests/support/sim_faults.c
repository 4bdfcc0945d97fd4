/*
 * Faults and crashes of the simulated storage, and the tests' ways to look at it.
 */
#include "tests/support/sim_internal.h"

#include "base/assert.h"

#include <errno.h>
#include <string.h>

/* -- Faults. ----------------------------------------------------------------------------------- */

static bool is_change(enum mr_sim_call call)
{
    const uint32_t changes = 1U << MR_SIM_CREATE | 1U << MR_SIM_WRITE | 1U << MR_SIM_SYNC |
                             1U << MR_SIM_RENAME | 1U << MR_SIM_REMOVE |
                             1U << MR_SIM_MAKE_DIRECTORY | 1U << MR_SIM_QUEUE_WRITE |
                             1U << MR_SIM_QUEUE_SYNC;
    return (changes >> call & 1) != 0;
}

static bool matches(const struct mr_sim_fault *fault, enum mr_sim_call call, const char *name)
{
    bool kind = fault->call == call || fault->call == MR_SIM_ANY_CALL ||
                (fault->call == MR_SIM_ANY_CHANGE && is_change(call));
    return kind && (fault->name_part == NULL || strstr(name, fault->name_part) != NULL);
}

static bool strikes(const struct sim_armed_fault *armed)
{
    return armed->fault.span == MR_SIM_ONCE ? armed->seen == armed->fault.nth
                                            : armed->seen >= armed->fault.nth;
}

/* What strikes this call: *fault.system_error is 0 when nothing does. */
struct mr_sim_fault sim_count_call(struct mr_sim *sim, enum mr_sim_call call, const char *name)
{
    struct mr_sim_fault struck = {.system_error = 0};
    sim->calls[MR_SIM_ANY_CALL] += 1;
    sim->calls[MR_SIM_ANY_CHANGE] += is_change(call);
    sim->calls[call] += 1;
    for (uint32_t i = 0; i < sim->fault_count; i++) {
        struct sim_armed_fault *armed = &sim->faults[i];
        if (!matches(&armed->fault, call, name)) {
            continue;
        }
        armed->seen += 1;
        if (strikes(armed)) {
            struck = armed->fault;
            struck.system_error = struck.system_error == 0 ? EIO : struck.system_error;
            sim->power_cut |= struck.span == MR_SIM_POWER_CUT;
        }
    }
    if (sim->power_cut) {
        struck = (struct mr_sim_fault){.system_error = EIO, .span = MR_SIM_POWER_CUT};
    }
    return struck;
}

/* -- Choices. ---------------------------------------------------------------------------------- */

/* A coin for each item: the sectors of a failing write, or what survives a crash. */
static bool toss(void *context)
{
    return mr_random_chance(context, 1, 2);
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static bool always(void *context)
{
    (void)context;
    return true;
}

/* The first items, up to a random one: *context is NULL from there on. */
static bool toss_until(void *context)
{
    struct mr_random **random = context;
    if (*random != NULL && mr_random_chance(*random, 1, 4)) {
        *random = NULL;
    }
    return *random != NULL;
}

void sim_write_some(struct mr_sim *sim, struct sim_node *node, const struct mr_io *io,
                    const struct mr_sim_fault *fault)
{
    struct mr_random *until = &sim->random;
    struct sim_choice choice = {.keep = toss, .context = &sim->random};
    if (fault->short_write) {
        choice = (struct sim_choice){.keep = toss_until, .context = &until};
    }
    if (fault->span != MR_SIM_POWER_CUT) {
        sim_disk_write(&sim->disk, node, io, false, &choice);
    }
}

void sim_end_sync(struct mr_sim *sim, struct sim_capture *capture, bool failed)
{
    struct sim_choice choice = {.keep = toss, .context = &sim->random};
    if (failed) {
        sim_capture_fail(capture, &choice);
    } else {
        sim_capture_complete(&sim->disk, capture);
    }
}

void mr_sim_inject(struct mr_sim *sim, const struct mr_sim_fault *fault)
{
    sim_enter(&sim->storage);
    ASSERT(sim->fault_count < MR_SIM_FAULTS_MAX);
    ASSERT(fault->nth >= 1);
    sim->faults[sim->fault_count++] = (struct sim_armed_fault){.fault = *fault};
    sim_leave(sim, MR_OK);
}

void mr_sim_clear_faults(struct mr_sim *sim)
{
    sim_enter(&sim->storage);
    sim->fault_count = 0;
    sim->power_cut = false;
    sim_leave(sim, MR_OK);
}

void mr_sim_cut_power(struct mr_sim *sim)
{
    sim_enter(&sim->storage);
    sim->power_cut = true;
    sim_leave(sim, MR_OK);
}

void mr_sim_set_capacity(struct mr_sim *sim, uint64_t capacity)
{
    sim_enter(&sim->storage);
    sim->options.capacity = capacity;
    sim->disk.capacity = capacity;
    sim_leave(sim, MR_OK);
}

uint64_t mr_sim_calls(struct mr_sim *sim, enum mr_sim_call call)
{
    sim_enter(&sim->storage);
    uint64_t calls = sim->calls[call];
    sim_leave(sim, MR_OK);
    return calls;
}

bool mr_sim_power_is_cut(struct mr_sim *sim)
{
    sim_enter(&sim->storage);
    bool cut = sim->power_cut;
    sim_leave(sim, MR_OK);
    return cut;
}

/* -- Crashes. ---------------------------------------------------------------------------------- */

/* The process's end: whatever it held is free, and the next one finds a sound disk. */
static void end_process(struct mr_sim *sim)
{
    sim_queue_forget(sim);
    for (uint32_t i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        if (sim->handles[i].used) {
            sim_release_handle(sim, &sim->handles[i]);
        }
    }
    sim->locked = false;
    sim->fault_count = 0;
    sim->power_cut = false;
}

void mr_sim_crash_choosing(struct mr_sim *sim, const struct sim_choice *choice)
{
    sim_enter(&sim->storage);
    sim_queue_crash(sim, choice);
    end_process(sim);
    sim_disk_crash(&sim->disk, choice);
    sim_leave(sim, MR_OK);
}

void mr_sim_crash(struct mr_sim *sim, struct mr_random *random)
{
    struct sim_choice choice = {.keep = toss, .context = random};
    switch (mr_random_below(random, 4)) {
    case 0:
        choice.keep = never;
        break;
    case 1:
        choice.keep = always;
        break;
    default:
        break;
    }
    mr_sim_crash_choosing(sim, &choice);
}

void mr_sim_kill(struct mr_sim *sim)
{
    sim_enter(&sim->storage);
    sim_queue_complete_all(sim);
    end_process(sim);
    sim_leave(sim, MR_OK);
}

/* -- Looking. ---------------------------------------------------------------------------------- */

static struct sim_node *file_named(struct mr_sim *sim, enum mr_sim_view view, const char *name)
{
    struct sim_node *node = sim_disk_find(&sim->disk, view, name);
    return node == NULL || node->is_directory ? NULL : node;
}

void mr_sim_flip(struct mr_sim *sim, const char *name, uint64_t offset, unsigned bit)
{
    sim_enter(&sim->storage);
    struct sim_node *node = file_named(sim, MR_SIM_CURRENT, name);
    ASSERT(node != NULL);
    sim_node_flip(node, offset, bit);
    sim_leave(sim, MR_OK);
}

uint64_t mr_sim_size(struct mr_sim *sim, enum mr_sim_view view, const char *name)
{
    sim_enter(&sim->storage);
    const struct sim_node *node = file_named(sim, view, name);
    uint64_t size = UINT64_MAX;
    if (node != NULL) {
        size = sim_node_size(node, view);
    }
    sim_leave(sim, MR_OK);
    return size;
}

size_t mr_sim_read(struct mr_sim *sim, enum mr_sim_view view, const char *name, uint64_t offset,
                   void *data, size_t size)
{
    sim_enter(&sim->storage);
    const struct sim_node *node = file_named(sim, view, name);
    ASSERT(node != NULL);
    size_t got = sim_node_read(node, view, offset, data, size);
    sim_leave(sim, MR_OK);
    return got;
}

struct mr_sim *mr_sim_clone(struct mr_sim *sim, enum mr_sim_view view)
{
    struct mr_sim *clone = mr_sim_create(&sim->options);
    sim_enter(&sim->storage);
    sim_disk_free(&clone->disk);
    sim_disk_clone(&sim->disk, view, &clone->disk);
    sim_leave(sim, MR_OK);
    return clone;
}

bool mr_sim_equal(struct mr_sim *a, struct mr_sim *b, char *difference, size_t difference_size)
{
    return sim_disk_equal(&a->disk, &b->disk, difference, difference_size);
}
