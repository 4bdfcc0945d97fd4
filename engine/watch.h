/*
 * Watching the engine at work: what the stages leave in the counters as they go.
 *
 * Per command nothing is done at all, but for a comparison per batch. Per block there is a look at
 * the clock when it is handed to the disk, one when it is durable, and two around applying it;
 * after each turn that did something, the stage's numbers are stored, each with one plain store.
 */
#ifndef MR_ENGINE_WATCH_H
#define MR_ENGINE_WATCH_H

#include "base/clock.h"
#include "base/limits.h"
#include "engine/counters.h"

#include <millrace/journal.h>

#include <stdalign.h>

struct mr_engine;

enum {
    MR_WATCH_BLOCKS = 64,     /* that may be on their way to the disk */
    MR_WATCH_IDLE_TURNS = 64, /* idle turns between two looks, unless the thread has slept */
};

/* What a stage has done; its thread's own. */
struct mr_watch_stage {
    alignas(MR_PADDING) uint64_t turns;
    uint64_t busy;
    uint64_t sleeps; /* of its thread, at the last look */
    uint32_t idle;   /* turns since then */
};

struct mr_watch {
    struct mr_counters_writer counters;
    struct mr_error trouble; /* why there are none; told once the engine is open after all */
    struct mr_watch_stage stages[3];
    /* The sequencer's: batches of so many commands, not recorded yet. */
    alignas(MR_PADDING) uint64_t batch_times;
    uint32_t batch_commands;
    /* The journal's: when each block was handed to it; 0: it was not, or it is durable. */
    alignas(MR_PADDING) uint64_t handed_ns[MR_WATCH_BLOCKS];
    uint64_t slow_told_ns;
    bool space_was_low;
};

/* -- On the path; each by the thread of its stage. --------------------------------------------- */

/* The input ring was full. Any thread. */
static inline void mr_watch_busy(struct mr_watch *watch)
{
    mr_counters_add(&watch->counters, MR_COUNTER_busy, 1);
}

void mr_watch_batches(struct mr_watch *watch);

/* Sequence: a batch went into a block. */
static inline void mr_watch_batch(struct mr_watch *watch, uint32_t commands)
{
    if (commands != watch->batch_commands) {
        mr_watch_batches(watch);
        watch->batch_commands = commands;
    }
    watch->batch_times++;
}

/* Journal: the block at `position` was handed to the disk. */
void mr_watch_handed(struct mr_watch *watch, uint64_t position, const struct mr_entry *entry);
/* Journal: the blocks from `position` to `end` have become durable. */
void mr_watch_durable(struct mr_engine *engine, uint64_t position, uint64_t end);
/* Journal: room on the disk is low (`bytes` are left), or is not. */
void mr_watch_space(struct mr_engine *engine, bool low, uint64_t bytes);

/* Apply: around as much of a block as one turn applies, which was so many commands; a turn that
 * only finds the output ring full still is not counted. */
static inline uint64_t mr_watch_begin(const struct mr_watch *watch)
{
    return watch->counters.file == NULL ? 0 : mr_monotonic_ns();
}

static inline void mr_watch_applied(struct mr_watch *watch, uint64_t begin_ns, uint32_t commands)
{
    if (begin_ns != 0 && commands > 0) {
        mr_counters_record(&watch->counters, MR_HISTOGRAM_apply_ns, mr_monotonic_ns() - begin_ns,
                           1);
    }
}

/* The stages as agents: a turn, and what is to be said of it. */
int mr_watch_sequence_turn(void *engine);
int mr_watch_journal_turn(void *engine);
int mr_watch_apply_turn(void *engine);

/* -- Beside it. -------------------------------------------------------------------------------- */

/* Makes the file that options.counters asks for. Trouble is kept for mr_watch_ready to tell, and
 * there is no file then. Before recovery, by whoever opens, as all that follow. */
void mr_watch_open(struct mr_engine *engine);
void mr_watch_recovering(struct mr_engine *engine, uint64_t sequence, uint64_t last_sequence);
/* Recovered, and ready to start. */
void mr_watch_ready(struct mr_engine *engine);
/* Open has failed; `error` may be NULL. */
void mr_watch_refused(struct mr_engine *engine, int code, const struct mr_error *error);
/* About to start, with so many threads (0: by hand). */
void mr_watch_starting(struct mr_engine *engine, uint32_t threads);
void mr_watch_started(struct mr_engine *engine);
/* A stage has failed. Any thread. */
void mr_watch_failed(struct mr_engine *engine, const struct mr_error *error);
void mr_watch_stopping(struct mr_engine *engine);
void mr_watch_stopped(struct mr_engine *engine);
void mr_watch_close(struct mr_engine *engine);

#endif
