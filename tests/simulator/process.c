/*
 * An engine's process: it opens, perhaps on a disk that fails or after a few attempts that were cut
 * off, and it ends in one way or another.
 */
#include "tests/simulator/world.h"

#include <errno.h>

enum { OPENS_MAX = 4 };

static void inject(struct world *world, const struct mr_sim_fault *fault)
{
    /* Under os durability what a failed sync loses had been acknowledged, as with a loss of power:
     * that is what the policy means, and nothing could be settled. */
    if (world->options.durability == MR_DURABILITY_OS) {
        return;
    }
    TRACE(world, "inject call %d nth %llu error %d span %d short %d", fault->call,
          (unsigned long long)fault->nth, fault->system_error, fault->span, fault->short_write);
    mr_sim_inject(world->sim, fault);
    world->disk_trouble = true;
    world->tally.faults++;
}

static const int errors[] = {EIO, EIO, ENOSPC, EROFS};

static const enum mr_sim_span spans[] = {MR_SIM_ONCE, MR_SIM_FOREVER, MR_SIM_POWER_CUT};

/* Any call of any kind, soon or a good deal later. */
static void inject_while_opening(struct world *world)
{
    inject(world, &(struct mr_sim_fault){.call = (enum mr_sim_call)draw(world, MR_SIM_CALLS),
                                         .nth = 1 + draw(world, 1U << draw(world, 7)),
                                         .system_error = errors[draw(world, 4)],
                                         .span = spans[draw(world, 3)],
                                         .short_write = chance(world, 1, 2)});
}

void process_inject(struct world *world)
{
    static const enum mr_sim_call calls[] = {
        MR_SIM_QUEUE_WRITE, MR_SIM_QUEUE_WRITE, MR_SIM_QUEUE_SYNC,
        MR_SIM_ANY_CHANGE,  MR_SIM_ANY_CALL,    MR_SIM_QUEUE_FLUSH,
        MR_SIM_QUEUE_REAP,  MR_SIM_CREATE,      MR_SIM_RENAME};
    inject(world, &(struct mr_sim_fault){.call = calls[draw(world, 9)],
                                         .nth = 1 + draw(world, 4),
                                         .system_error = errors[draw(world, 4)],
                                         .span = spans[draw(world, 3)],
                                         .short_write = chance(world, 1, 2)});
}

void process_lose(struct world *world)
{
    bool os = world->options.durability == MR_DURABILITY_OS;
    if (!mr_sim_power_is_cut(world->sim) && (os || chance(world, 1, 3))) {
        TRACE(world, "killed");
        mr_sim_kill(world->sim);
        world->tally.kills++;
    } else {
        TRACE(world, "power lost");
        mr_sim_crash(world->sim, &world->random);
        world->tally.crashes++;
    }
}

void process_close(struct world *world)
{
    watch_leave(world);
    mr_engine_close(world->engine);
    world->engine = NULL;
    watch_forget(world);
}

void process_trace(const struct world *world)
{
    if (world->wish.trace != NULL) {
        struct mr_digest state = mr_engine_state_digest(world->engine);
        struct mr_digest events = mr_engine_event_digest(world->engine);
        world_trace(world, "state %016llx%016llx, events %016llx%016llx",
                    (unsigned long long)state.high, (unsigned long long)state.low,
                    (unsigned long long)events.high, (unsigned long long)events.low);
    }
}

static int try_open(struct world *world, bool trouble, struct mr_error *error)
{
    int status = mr_engine_open(&world->options, &world->engine, error);
    TRACE(world, "open %d", status);
    if (status != MR_OK) {
        world->engine = NULL;
        return status;
    }
    if (mr_sim_power_is_cut(world->sim)) { /* it noticed nothing yet */
        process_close(world);
        return mr_error_set(error, MR_E_IO, "power is cut");
    }
    mr_sim_clear_faults(world->sim);
    const struct mr_recovery *found = &mr_engine_recovery_get(world->engine)->journal;
    TRACE(world, "found entry %llu, sequence %llu, case %c", (unsigned long long)found->last_index,
          (unsigned long long)found->last_sequence, found->decided == 0 ? '-' : found->decided);
    world->tally.replayed += found->last_sequence;
    settle(world, found->last_index, found->last_sequence);
    process_trace(world);
    if (found->last_index > 0) {
        settle_image(world, mr_engine_image(world->engine), mr_engine_logic(world->engine));
    }
    if (trouble) {
        inject_while_opening(world);
    }
    status = mr_engine_begin(world->engine, error);
    TRACE(world, "begin %d", status);
    if (status != MR_OK) {
        process_close(world);
    }
    return status;
}

void process_open(struct world *world, bool trouble)
{
    struct mr_error error = {0};
    bool lasting = world->disk_trouble; /* a small disk */
    for (uint32_t attempt = 0;; attempt++) {
        bool here = trouble && attempt < OPENS_MAX && chance(world, 1, 4);
        if (here) {
            inject_while_opening(world);
        }
        int status = try_open(world, here, &error);
        if (status == MR_OK) {
            break;
        }
        bool excused = status == MR_E_IO || status == MR_E_NO_SPACE || status == MR_E_READ_ONLY;
        CHECK(world, excused && (here || (lasting && status == MR_E_NO_SPACE)),
              "cannot open the engine: %s: %s", mr_status_text(status), error.text);
        world->tally.failed_opens++;
        if (status == MR_E_NO_SPACE && !here) {
            mr_sim_set_capacity(world->sim, 0); /* somebody made room */
            lasting = false;
        }
        process_lose(world);
    }
    world->failed = false;
}

void process_stop(struct world *world)
{
    struct mr_error error = {0};
    world->ending = true;
    int status = mr_engine_stop(world->engine, &error);
    TRACE(world, "stop %d", status);
    CHECK(world, status == MR_OK || world->disk_trouble, "cannot stop: %s", error.text);
    CHECK(world, status != MR_OK || !world->failed, "a failed engine stopped as if all were well");
    if (status == MR_OK) {
        world->durable_ticket = world->sent.first_ticket + world->sent.count;
    }
    world->failed |= status != MR_OK;
    watch_stopped(world);
    world->tally.stops++;
}

void process_look(struct world *world)
{
    struct mr_error error = {0};
    int status = mr_engine_failure(world->engine, &error);
    if (status != MR_OK && !world->failed) {
        TRACE(world, "failed %d: %s", status, error.text);
        CHECK(world, world->disk_trouble, "the engine failed: %d: %s", status, error.text);
        world->failed = true;
    }
}
