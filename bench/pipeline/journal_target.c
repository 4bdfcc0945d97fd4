#include "bench/pipeline/journal_target.h"

#include <stdlib.h>
#include <string.h>

enum {
    FRAMES_IN_FLIGHT = 4, /* as the engine has */
    BLOCK_FRAME = 256 << 10,
    ENDS = 64, /* entries whose ends are remembered: more than can be in flight */
    SLEEP_LEAST_NS = 20000,
    SLEEP_MOST_US = 10000,
};

bool journal_target_open(struct journal_target *target)
{
    *target = (struct journal_target){0};
    const struct ours_options options = {
        .path = "latency", .frame_bytes = BLOCK_FRAME, .frames_in_flight = FRAMES_IN_FLIGHT};
    target->ends = calloc(ENDS, sizeof *target->ends);
    return target->ends != NULL && ours_open(&target->ours, &options);
}

/* -- The target. ------------------------------------------------------------------------------- */

static void prepare(void *context, uint64_t index)
{
    struct journal_target *target = context;
    orders_make(index, &target->order);
}

/* Into the block in hand. Busy: it is full and has to go out first. */
static bool hand_over(void *context, uint64_t index)
{
    struct journal_target *target = context;
    uint32_t length = target->order.header.length;
    if (target->held_bytes + length > ours_block_bytes(&target->ours)) {
        return false;
    }
    memcpy(ours_block(&target->ours) + target->held_bytes, &target->order, length);
    target->held++;
    target->held_bytes += length;
    target->held_first = target->held == 1 ? index : target->held_first;
    return true;
}

static bool append(struct journal_target *target)
{
    int status = ours_append(&target->ours, target->held, target->held_bytes);
    if (status == MR_OK) {
        target->ends[target->ours.tip.index % ENDS] = target->held_first + target->held;
        target->held = 0;
        target->held_bytes = 0;
    }
    return status == MR_OK || status == MR_AGAIN;
}

static bool look(void *context, struct open_loop_progress *progress)
{
    struct journal_target *target = context;
    if (target->held > 0 && mr_journal_ready(target->ours.journal) && !append(target)) {
        return false;
    }
    if (!ours_poll(&target->ours, false)) {
        return false;
    }
    uint64_t index = mr_journal_durable_index(target->ours.journal);
    progress->durable = index == 0 ? 0 : target->ends[index % ENDS];
    progress->answered = progress->durable; /* nobody answers */
    return true;
}

/* While no frame may go out, only a completion can change that: sleep until it comes, which leaves
 * the core to the disk's work. Otherwise until the next command is due, if that is worth it. */
static void idle(void *context, uint64_t wait_ns)
{
    struct journal_target *target = context;
    uint32_t wait_us = 0;
    if (!mr_journal_ready(target->ours.journal) || wait_ns > SLEEP_MOST_US * UINT64_C(1000)) {
        wait_us = SLEEP_MOST_US;
    } else if (wait_ns >= SLEEP_LEAST_NS) {
        wait_us = (uint32_t)(wait_ns / 1000);
    }
    if (wait_us > 0) {
        /* A failure comes again when it is looked at next. */
        (void)mr_journal_poll(target->ours.journal, wait_us, &target->ours.error);
    }
}

struct open_loop_target journal_target_of(struct journal_target *target)
{
    return (struct open_loop_target){
        .prepare = prepare, .send = hand_over, .look = look, .idle = idle, .context = target};
}

/* -- Afterwards. ------------------------------------------------------------------------------- */

bool journal_target_stop(struct journal_target *target)
{
    return ours_settle(&target->ours) && ours_stop(&target->ours) &&
           ours_plan(&target->ours, NULL) == (int64_t)target->ours.tip.index;
}

void journal_target_close(struct journal_target *target)
{
    ours_close(&target->ours);
    free(target->ends);
}
