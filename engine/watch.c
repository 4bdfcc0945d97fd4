/*
 * The stages' numbers, turn by turn.
 *
 * A stage that spins turns millions of times a second with nothing to do; then its numbers are
 * stored every 64th turn, or when its thread has slept. The time of a heartbeat is that of the
 * coarse clock, which is good to a few milliseconds and costs as much as a few loads.
 */
#include "engine/watch.h"

#include "core/image.h"
#include "engine/log.h"
#include "engine/parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

_Static_assert((int)MR_WATCH_BLOCKS == (int)MR_BLOCK_SLOTS, "a moment for each block in the ring");
_Static_assert(sizeof((struct mr_watch){0}.stages) / sizeof(struct mr_watch_stage) ==
                   MR_ENGINE_STAGES,
               "one for each stage");

#define SLOW_NS        UINT64_C(1000000000)  /* for a block to become durable: worth a word */
#define SLOW_SILENT_NS UINT64_C(10000000000) /* between two such words */

/* -- Turns. ------------------------------------------------------------------------------------ */

static uint64_t coarse_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void store_sequence(struct mr_engine *engine)
{
    struct mr_counters_writer *to = &engine->watch.counters;
    const struct mr_sequencer *sequencer = &engine->sequencer;
    mr_watch_batches(&engine->watch);
    /* Relaxed: a number to look at. Claimed but not yet published ones count, too. */
    uint64_t accepted = mr_atomic_load(&engine->input.claimed, relaxed);
    mr_counters_set(to, MR_COUNTER_accepted, accepted);
    mr_counters_set(to, MR_COUNTER_sequenced, sequencer->next_sequence - 1);
    mr_counters_set(to, MR_COUNTER_input_used, accepted - mr_consumer_position(&sequencer->input));
    mr_counters_set(to, MR_COUNTER_block_used,
                    mr_ring_cursor(&engine->blocks) - mr_ring_slowest(&engine->blocks));
}

static void store_journal(struct mr_engine *engine)
{
    struct mr_counters_writer *to = &engine->watch.counters;
    mr_counters_set(to, MR_COUNTER_durable, mr_atomic_load(&engine->durable_sequence, relaxed));
    mr_counters_set(to, MR_COUNTER_blocks_in_flight,
                    engine->journaling.appended - mr_consumer_position(&engine->journaling.blocks));
}

static void store_apply(struct mr_engine *engine)
{
    struct mr_counters_writer *to = &engine->watch.counters;
    const struct mr_image *image = engine->applying.applier.image;
    mr_counters_set(to, MR_COUNTER_applied, mr_atomic_load(&engine->applied_sequence, relaxed));
    mr_counters_set(to, MR_COUNTER_output_used,
                    mr_ring_cursor(&engine->output) - mr_ring_slowest(&engine->output));
    mr_counters_set(to, MR_COUNTER_events, image->events);
    mr_counters_set(to, MR_COUNTER_rejects, image->rejects);
    mr_counters_set(to, MR_COUNTER_logic_version, image->logic_version);
    mr_counters_set(to, MR_COUNTER_sessions, image->sessions.live);
    mr_counters_set(to, MR_COUNTER_timers, image->timers.live);
    uint64_t pushed = mr_atomic_load(&engine->futures.pushed, relaxed);
    uint64_t taken = mr_atomic_load(&engine->futures.taken, relaxed);
    mr_counters_set(to, MR_COUNTER_futures, pushed > taken ? pushed - taken : 0);
    uint32_t asked = mr_atomic_load(&engine->queries.asked, relaxed);
    uint64_t answered = mr_counters_get(to, MR_COUNTER_queries);
    mr_counters_set(to, MR_COUNTER_queries_waiting, asked - (uint32_t)answered);
    uint32_t seats = mr_atomic_load(&engine->subscribers.taken, relaxed);
    mr_counters_set(to, MR_COUNTER_subscribers, (uint64_t)__builtin_popcount(seats));
}

static void (*const store[MR_ENGINE_STAGES])(struct mr_engine *engine) = {
    store_sequence, store_journal, store_apply};
static const enum mr_counter first_of[MR_ENGINE_STAGES] = {
    MR_COUNTER_sequence_heartbeat, MR_COUNTER_journal_heartbeat, MR_COUNTER_apply_heartbeat};

_Static_assert((int)MR_COUNTER_journal_sleeps == (int)MR_COUNTER_journal_heartbeat + 3 &&
                   (int)MR_COUNTER_apply_sleeps == (int)MR_COUNTER_apply_heartbeat + 3 &&
                   (int)MR_COUNTER_sequence_sleeps == (int)MR_COUNTER_sequence_heartbeat + 3,
               "each stage begins with heartbeat, turns, busy, sleeps");

static void look(struct mr_engine *engine, uint32_t stage, uint64_t sleeps)
{
    struct mr_counters_writer *to = &engine->watch.counters;
    struct mr_watch_stage *own = &engine->watch.stages[stage];
    own->idle = 0;
    own->sleeps = sleeps;
    mr_counters_set(to, first_of[stage], coarse_ns());
    mr_counters_set(to, first_of[stage] + 1, own->turns);
    mr_counters_set(to, first_of[stage] + 2, own->busy);
    mr_counters_set(to, first_of[stage] + 3, sleeps);
    store[stage](engine);
}

static int turn(struct mr_engine *engine, uint32_t stage, int (*work)(void *context))
{
    int did = work(engine);
    if (engine->watch.counters.file == NULL) {
        return did;
    }
    struct mr_watch_stage *own = &engine->watch.stages[stage];
    own->turns++;
    own->busy += did > 0;
    uint64_t sleeps = mr_runner_sleeps(&engine->runners[engine->runner_of[stage]]);
    if (did != 0 || sleeps != own->sleeps || ++own->idle >= MR_WATCH_IDLE_TURNS) {
        look(engine, stage, sleeps);
    }
    return did;
}

int mr_watch_sequence_turn(void *engine)
{
    return turn(engine, MR_STAGE_SEQUENCE, mr_engine_sequence);
}

int mr_watch_journal_turn(void *engine)
{
    return turn(engine, MR_STAGE_JOURNAL, mr_engine_journal);
}

int mr_watch_apply_turn(void *engine)
{
    return turn(engine, MR_STAGE_APPLY, mr_engine_apply);
}

/* -- On the path. ------------------------------------------------------------------------------ */

void mr_watch_batches(struct mr_watch *watch)
{
    if (watch->batch_times > 0) {
        mr_counters_grow(&watch->counters, MR_COUNTER_batches, watch->batch_times);
        mr_counters_record(&watch->counters, MR_HISTOGRAM_batch_commands, watch->batch_commands,
                           watch->batch_times);
        watch->batch_times = 0;
    }
}

void mr_watch_handed(struct mr_watch *watch, uint64_t position, const struct mr_entry *entry)
{
    struct mr_counters_writer *to = &watch->counters;
    if (to->file == NULL) {
        return;
    }
    uint64_t bytes = mr_align_up(MR_FRAME_ROOM + entry->length, MR_STORAGE_ALIGNMENT);
    watch->handed_ns[position % MR_WATCH_BLOCKS] = mr_monotonic_ns();
    mr_counters_grow(to, MR_COUNTER_blocks, 1);
    mr_counters_grow(to, MR_COUNTER_journaled_bytes, bytes);
    mr_counters_record(to, MR_HISTOGRAM_block_commands, entry->count, 1);
    mr_counters_record(to, MR_HISTOGRAM_block_bytes, bytes, 1);
}

static void tell_slow(struct mr_engine *engine, uint64_t took_ns, uint64_t now_ns)
{
    struct mr_watch *watch = &engine->watch;
    if (watch->slow_told_ns == 0 || now_ns - watch->slow_told_ns >= SLOW_SILENT_NS) {
        watch->slow_told_ns = now_ns;
        mr_engine_warn(engine, "slow disk", MR_OK,
                       "a block took %llu ms to become durable: look at what else writes to that "
                       "disk",
                       (unsigned long long)(took_ns / 1000000));
    }
}

void mr_watch_durable(struct mr_engine *engine, uint64_t position, uint64_t end)
{
    struct mr_watch *watch = &engine->watch;
    if (watch->counters.file == NULL) {
        return;
    }
    uint64_t now_ns = mr_monotonic_ns();
    uint64_t slowest_ns = 0;
    for (; position < end; position++) {
        uint64_t *handed_ns = &watch->handed_ns[position % MR_WATCH_BLOCKS];
        if (*handed_ns != 0) { /* else recovery has passed it */
            uint64_t took_ns = now_ns - *handed_ns;
            mr_counters_record(&watch->counters, MR_HISTOGRAM_disk_ns, took_ns, 1);
            slowest_ns = took_ns > slowest_ns ? took_ns : slowest_ns;
            *handed_ns = 0;
        }
    }
    if (slowest_ns >= SLOW_NS) {
        tell_slow(engine, slowest_ns, now_ns);
    }
}

void mr_watch_space(struct mr_engine *engine, bool low, uint64_t bytes)
{
    struct mr_watch *watch = &engine->watch;
    mr_counters_set(&watch->counters, MR_COUNTER_space_low, low);
    mr_counters_set(&watch->counters, MR_COUNTER_space_left_bytes, low ? bytes : 0);
    if (low && !watch->space_was_low) {
        mr_engine_warn(engine, "space", MR_OK,
                       "the disk is getting full: %llu MiB are left for the journal; the engine "
                       "stops when there is no room for another segment",
                       (unsigned long long)(bytes >> 20));
    } else if (!low && watch->space_was_low) {
        mr_engine_inform(engine, "the disk has enough room for the journal again");
    }
    watch->space_was_low = low;
}

/* -- From life to death. ----------------------------------------------------------------------- */

/* A failure is what remains, whatever comes after it. */
static void enter(struct mr_engine *engine, enum mr_engine_state state)
{
    struct mr_counters_file *file = engine->watch.counters.file;
    if (file == NULL) {
        return;
    }
    /* Whoever stops the engine and the stage that fails may come here at once. */
    uint64_t was = mr_atomic_load(&file->values[MR_COUNTER_state], relaxed);
    do {
        if (was == MR_ENGINE_FAILED) {
            return;
        }
    } while (!mr_atomic_compare_exchange(&file->values[MR_COUNTER_state], &was, (uint64_t)state,
                                         relaxed));
    mr_counters_set(&engine->watch.counters, MR_COUNTER_state_since, mr_monotonic_ns());
}

/* Where the file goes; false: there is to be none. */
static bool choose_path(const struct mr_engine *engine, char *path, size_t size)
{
    const struct mr_engine_options *options = &engine->options;
    const char *named = options->counters;
    if (named != NULL) {
        return named[0] != '\0' && (size_t)snprintf(path, size, "%s", named) < size;
    }
    return options->directory != NULL &&
           (size_t)snprintf(path, size, "%s/counters", options->directory) < size;
}

void mr_watch_open(struct mr_engine *engine)
{
    struct mr_counters_writer *to = &engine->watch.counters;
    const struct mr_engine_options *options = &engine->options;
    char path[PATH_MAX];
    if (!choose_path(engine, path, sizeof path)) {
        return;
    }
    if (mr_counters_make(to, path, engine->logic->name, &engine->watch.trouble) != MR_OK) {
        return;
    }
    mr_counters_set(to, MR_COUNTER_durability, options->durability);
    mr_counters_set(to, MR_COUNTER_input_slots, mr_ring_capacity(&engine->input));
    mr_counters_set(to, MR_COUNTER_block_slots, mr_ring_capacity(&engine->blocks));
    mr_counters_set(to, MR_COUNTER_output_slots, mr_ring_capacity(&engine->output));
    enter(engine, MR_ENGINE_RECOVERING);
}

void mr_watch_recovering(struct mr_engine *engine, uint64_t sequence, uint64_t last_sequence)
{
    mr_counters_set(&engine->watch.counters, MR_COUNTER_recovery_sequence, sequence);
    mr_counters_set(&engine->watch.counters, MR_COUNTER_recovery_last, last_sequence);
}

/* What the stages would store if they were called: while none of them is. */
static void store_all(struct mr_engine *engine)
{
    for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
        if (engine->watch.counters.file != NULL) {
            store[stage](engine);
        }
    }
}

static void tell_recovery(struct mr_engine *engine)
{
    const struct mr_recovery *journal = &engine->recovery.journal;
    if (engine->recovery.created) {
        mr_engine_inform(engine, "began a new journal for logic '%s'", engine->logic->name);
        return;
    }
    mr_engine_inform(
        engine,
        "recovered: case %c, sequence %llu, in %llu ms (reading %llu ms, replaying "
        "%llu ms)",
        journal->decided, (unsigned long long)journal->last_sequence,
        (unsigned long long)((journal->elapsed_ns + engine->recovery.replay_ns) / 1000000),
        (unsigned long long)(journal->elapsed_ns / 1000000),
        (unsigned long long)(engine->recovery.replay_ns / 1000000));
    if (journal->decided == 'J') {
        mr_engine_warn(engine, "recovery", MR_OK,
                       "writes that were not synced yet were lost (%llu bytes at offset %llu of "
                       "%s): under os durability commands that were acknowledged last may be among "
                       "them; the remains are kept as %s",
                       (unsigned long long)journal->torn_bytes,
                       (unsigned long long)journal->torn_offset, journal->torn_segment,
                       journal->archive);
    } else if (journal->torn) {
        mr_engine_inform(engine,
                         "a write that the crash tore (%llu bytes at offset %llu of %s) was never "
                         "acknowledged; its remains are kept as %s",
                         (unsigned long long)journal->torn_bytes,
                         (unsigned long long)journal->torn_offset, journal->torn_segment,
                         journal->archive);
    }
    if (journal->head_segment[0] != '\0') {
        mr_engine_warn(engine, "superblock", MR_OK,
                       "%s: offset %llu: one copy of the superblock is damaged, the other is whole "
                       "and is used; 'millrace repair%s%s' writes it anew",
                       journal->head_segment, (unsigned long long)journal->head_offset,
                       engine->options.directory == NULL ? "" : " --data ",
                       engine->options.directory == NULL ? "" : engine->options.directory);
    }
}

void mr_watch_ready(struct mr_engine *engine)
{
    struct mr_counters_file *file = engine->watch.counters.file;
    const struct mr_recovery *journal = &engine->recovery.journal;
    for (uint32_t i = 0; file != NULL && i < 2; i++) {
        uint64_t word;
        memcpy(&word, journal->journal_id + 8 * (size_t)i, sizeof word);
        mr_atomic_store(&file->header.journal_id[i], word, relaxed);
    }
    mr_counters_set(&engine->watch.counters, MR_COUNTER_recovery_ns,
                    journal->elapsed_ns + engine->recovery.replay_ns);
    mr_watch_recovering(engine, journal->last_sequence, journal->last_sequence);
    store_all(engine);
    enter(engine, MR_ENGINE_READY);
    tell_recovery(engine);
    if (engine->watch.trouble.code != MR_OK) {
        mr_engine_warn(engine, "counters", engine->watch.trouble.code,
                       "%s; the engine works on, and nobody can look into it",
                       engine->watch.trouble.text);
    }
}

void mr_watch_refused(struct mr_engine *engine, int code, const struct mr_error *error)
{
    mr_counters_note(&engine->watch.counters, MR_LOG_ERROR, "open", code,
                     error == NULL ? mr_status_text(code) : error->text);
    enter(engine, MR_ENGINE_FAILED);
}

void mr_watch_starting(struct mr_engine *engine, uint32_t threads)
{
    struct mr_counters_writer *to = &engine->watch.counters;
    mr_counters_set(to, MR_COUNTER_threads, threads);
    /* A stage may hang in its very first turn, and must be missed then, too. */
    for (uint32_t stage = 0; to->file != NULL && stage < MR_ENGINE_STAGES; stage++) {
        mr_counters_set(to, first_of[stage], coarse_ns());
    }
    enter(engine, MR_ENGINE_RUNNING);
}

void mr_watch_started(struct mr_engine *engine)
{
    mr_engine_inform(engine, "started on %u %s; journal: %s", engine->runner_count,
                     engine->runner_count == 1 ? "thread" : "threads", mr_engine_storage(engine));
}

void mr_watch_failed(struct mr_engine *engine, const struct mr_error *error)
{
    enter(engine, MR_ENGINE_FAILED);
    mr_engine_cry(engine, "engine", error);
}

void mr_watch_stopping(struct mr_engine *engine)
{
    enter(engine, MR_ENGINE_STOPPING);
}

void mr_watch_stopped(struct mr_engine *engine)
{
    store_all(engine);
    /* A stage may have failed just when stopping began, and its word been overwritten. */
    bool failed = mr_engine_failure(engine, NULL) != MR_OK;
    enter(engine, failed ? MR_ENGINE_FAILED : MR_ENGINE_STOPPED);
    mr_engine_inform(engine, "stopped at sequence %llu",
                     (unsigned long long)mr_engine_durable_sequence(engine));
}

void mr_watch_close(struct mr_engine *engine)
{
    struct mr_counters_writer *to = &engine->watch.counters;
    if (mr_counters_get(to, MR_COUNTER_state) == MR_ENGINE_READY) {
        enter(engine, MR_ENGINE_STOPPED); /* it was never started, and nothing is left to do */
    }
    mr_counters_end(to);
}
