/*
 * Making blocks: memory for one, and its way into the block ring. The sequencer's, or recovery's.
 */
#include "engine/parts.h"

#include <string.h>

/* Memory of blocks that every stage is done with goes back to the pool. */
static void give_back_blocks(struct mr_engine *engine)
{
    struct mr_sequencer *sequencer = &engine->sequencer;
    uint64_t done = mr_ring_slowest(&engine->blocks);
    while (sequencer->given_back < done) {
        const struct mr_block *block = mr_ring_slot(&engine->blocks, sequencer->given_back++);
        mr_blocks_give_back(&sequencer->memory, block->bytes_end);
    }
}

struct mr_entry *mr_engine_block_begin(struct mr_engine *engine, uint64_t bytes,
                                       unsigned char **frame)
{
    give_back_blocks(engine);
    *frame = mr_blocks_take(&engine->sequencer.memory, MR_FRAME_ROOM + MR_ENTRY_SIZE + bytes);
    if (*frame == NULL) {
        return NULL;
    }
    struct mr_entry *entry = (struct mr_entry *)(void *)(*frame + MR_FRAME_ROOM);
    memset(entry, 0, sizeof *entry);
    entry->length = MR_ENTRY_SIZE;
    return entry;
}

void mr_engine_block_end(struct mr_engine *engine, unsigned char *frame, uint64_t ticket_next,
                         bool stored)
{
    struct mr_sequencer *sequencer = &engine->sequencer;
    struct mr_entry *entry = (struct mr_entry *)(void *)(frame + MR_FRAME_ROOM);
    uint64_t position;
    int status = mr_ring_try_claim(&engine->blocks, 1, &position);
    ASSERT(status == MR_OK);
    struct mr_block *block = mr_ring_slot(&engine->blocks, position);
    block->frame = frame;
    block->entry = entry;
    block->digest = mr_entry_digest(entry);
    block->ticket_next = ticket_next;
    block->bytes_end = mr_blocks_trim(&sequencer->memory, frame, MR_FRAME_ROOM + entry->length);
    block->stored = stored;
    sequencer->chain = block->digest;
    sequencer->next_sequence = mr_entry_last_sequence(entry) + 1;
    sequencer->next_index = entry->index + 1;
    sequencer->last_time_ns = entry->time_ns;
    mr_ring_publish(&engine->blocks, position, 1);
    mr_engine_hand_on(engine, MR_STAGE_SEQUENCE, MR_STAGE_JOURNAL);
}
