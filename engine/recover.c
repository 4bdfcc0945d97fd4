/*
 * Recovery: the disk feeds the block ring, in place of the sequencer, and the stages that follow do
 * what they always do, except that nothing is written again and nobody is told again.
 */
#include "engine/parts.h"

#include <string.h>

enum { PROGRESS_ENTRIES = 64 };

/* One round of the stages behind the block ring. */
static int step(struct mr_engine *engine, struct mr_error *error)
{
    (void)mr_engine_journal(engine);
    (void)mr_engine_apply(engine);
    return mr_engine_failure(engine, error);
}

static bool ring_has_room(const struct mr_engine *engine)
{
    return mr_ring_cursor(&engine->blocks) - mr_ring_slowest(&engine->blocks) < MR_BLOCK_SLOTS;
}

static int feed(struct mr_engine *engine, const struct mr_entry *entry, struct mr_error *error)
{
    unsigned char *frame;
    struct mr_entry *copy = NULL;
    while (!ring_has_room(engine) ||
           (copy = mr_engine_block_begin(engine, entry->length - MR_ENTRY_SIZE, &frame)) == NULL) {
        int status = step(engine, error);
        if (status != MR_OK) {
            return status;
        }
    }
    memcpy(copy, entry, entry->length);
    mr_engine_block_end(engine, frame, 0, true);
    return step(engine, error);
}

static int feed_all(struct mr_engine *engine, struct mr_reader *reader, struct mr_error *error)
{
    const struct mr_entry *entry;
    uint64_t last = engine->recovery.journal.last_sequence;
    uint32_t countdown = PROGRESS_ENTRIES;
    int status;
    while ((status = mr_reader_next(reader, &entry, NULL, error)) == MR_OK) {
        mr_watch_recovering(engine, mr_entry_last_sequence(entry), last);
        status = feed(engine, entry, error);
        if (status != MR_OK) {
            return status;
        }
        if (engine->options.progress != NULL && --countdown == 0) {
            engine->options.progress(engine->options.progress_context,
                                     mr_entry_last_sequence(entry), last);
            countdown = PROGRESS_ENTRIES;
        }
    }
    if (status != MR_AGAIN) {
        return status;
    }
    while (mr_consumer_position(&engine->applying.blocks) != mr_ring_cursor(&engine->blocks)) {
        status = step(engine, error);
        if (status != MR_OK) {
            return status;
        }
    }
    return MR_OK;
}

int mr_engine_recover(struct mr_engine *engine, struct mr_error *error)
{
    const struct mr_recovery *found = &engine->recovery.journal;
    struct mr_reader *reader;
    int status = mr_reader_open(engine->storage,
                                &(struct mr_reader_options){.last_index = found->last_index},
                                &reader, error);
    if (status != MR_OK) {
        return status;
    }
    uint64_t begin_ns = mr_monotonic_ns();
    engine->sequencer.replaying = true;
    engine->applying.silent = true;
    status = feed_all(engine, reader, error);
    engine->sequencer.replaying = false;
    engine->applying.silent = false;
    mr_reader_close(reader);
    engine->recovery.replay_ns = mr_monotonic_ns() - begin_ns;
    return status;
}
