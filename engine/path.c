/*
 * The path of an event, top to bottom.
 *
 *     mr_engine_submit      producers -> input ring             any thread
 *     mr_engine_sequence    input ring -> block ring            gives sequence, time; cuts blocks
 *     mr_engine_journal     block ring -> disk                  moves the durable watermark
 *     mr_engine_apply       block ring, once durable -> image -> output ring
 *     mr_engine_poll        output ring -> events and answers   the embedder's thread
 *
 * Recovery enters at the block ring with what the disk holds (engine/recover.c); from there on
 * leading and recovering are one path. Each stage does a bounded batch of work and says how much;
 * which thread calls it is decided in engine/threads.c.
 */
#include "engine/parts.h"

#include <millrace/image.h>

#include <string.h>

enum {
    /* What fits into a frame of the ordinary size; a larger batch gets a frame of its own. */
    BLOCK_COMMAND_BYTES = MR_BLOCK_BYTES_MAX - MR_FRAME_ROOM - MR_ENTRY_SIZE,
    APPLY_LIMIT = 512,     /* commands applied in one turn of the stage */
    OUTPUT_BATCH = 32,     /* output slots published together: fewer bounces of the cursor's line */
    JOURNAL_WAIT_US = 100, /* longest sleep for a completion while nothing else is to be done */
    JOURNAL_IDLE_TURNS = 4, /* idle turns before that sleep, and before a watermark frame */
};
_Static_assert((int)BLOCK_COMMAND_BYTES >= (int)MR_COMMAND_SIZE_MAX,
               "a block holds the largest command");

/* A stage that gave another one something to do wakes it, unless they share a thread. */
static void wake(struct mr_engine *engine, uint32_t from, uint32_t to)
{
    if (engine->threads_started && engine->runner_of[from] != engine->runner_of[to]) {
        mr_runner_wake(&engine->runners[engine->runner_of[to]]);
    }
}

/* -- 1. Submit: a copy into the input ring. A full ring is an answer, never a wait. ------------ */

static bool submittable(const struct mr_engine *engine, const struct mr_command *command)
{
    return command->length >= MR_COMMAND_HEADER && command->length <= engine->input.stride &&
           command->length % 8 == 0;
}

/* Until the sequencer has it, the sequence field of a slot tells how many commands its batch has;
 * the followers of a batch carry 0. */
static void fill_slot(struct mr_engine *engine, uint64_t position, const struct mr_command *command,
                      uint32_t batch)
{
    struct mr_command *slot = mr_ring_slot(&engine->input, position);
    memcpy(slot, command, command->length);
    slot->sequence = batch;
}

int mr_engine_submit(struct mr_engine *engine, const struct mr_command *command, uint64_t *ticket)
{
    return mr_engine_submit_batch(engine, &command, 1, ticket);
}

int mr_engine_submit_batch(struct mr_engine *engine, const struct mr_command *const *commands,
                           uint32_t count, uint64_t *ticket)
{
    /* Acquire: pairs with the release in mr_engine_fail and mr_engine_stop. */
    if (mr_atomic_load(&engine->failure, acquire) != MR_OK ||
        mr_atomic_load(&engine->stopping, acquire)) {
        return MR_E_FENCED;
    }
    if (count == 0 || count > MR_BATCH_COMMANDS_MAX || count > mr_ring_capacity(&engine->input)) {
        return count == 0 ? MR_E_INVALID : MR_E_LIMIT;
    }
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!submittable(engine, commands[i])) {
            return MR_E_INVALID;
        }
        bytes += commands[i]->length;
    }
    if (bytes > MR_BATCH_BYTES_MAX) {
        return MR_E_LIMIT;
    }
    uint64_t first;
    if (mr_ring_try_claim(&engine->input, count, &first) != MR_OK) {
        return MR_AGAIN;
    }
    for (uint32_t i = 0; i < count; i++) {
        fill_slot(engine, first + i, commands[i], i == 0 ? count : 0);
    }
    mr_ring_publish(&engine->input, first, count);
    if (ticket != NULL) {
        *ticket = first;
    }
    if (engine->threads_started) {
        mr_runner_wake(&engine->runners[engine->runner_of[MR_STAGE_SEQUENCE]]);
    }
    return MR_OK;
}

/* -- 2. Sequence: gives each command its sequence and time, and cuts blocks. ------------------- */

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
    wake(engine, MR_STAGE_SEQUENCE, MR_STAGE_JOURNAL);
}

/* Appends a command to the entry under construction and gives it its place and time. */
static void add_command(struct mr_engine *engine, struct mr_entry *entry,
                        const struct mr_command *command, uint64_t now_ns)
{
    struct mr_command *copy = (struct mr_command *)(void *)((unsigned char *)entry + entry->length);
    memcpy(copy, command, command->length);
    uint64_t time_ns = engine->clock_kind == MR_CLOCK_INPUT ? command->time_ns : now_ns;
    entry->time_ns = time_ns > entry->time_ns ? time_ns : entry->time_ns;
    copy->time_ns = entry->time_ns;
    copy->sequence = entry->first_sequence + entry->count;
    entry->count++;
    entry->length += command->length;
}

/* Bytes and count of the batch that begins at `position`; false while it is not all published. */
static bool whole_batch(struct mr_engine *engine, uint64_t position, uint64_t available,
                        uint32_t *count, uint64_t *bytes)
{
    const struct mr_command *first = mr_ring_slot(&engine->input, position);
    *count = (uint32_t)first->sequence;
    ASSERT(*count > 0);
    if (available - position < *count) {
        return false;
    }
    *bytes = 0;
    for (uint32_t i = 0; i < *count; i++) {
        *bytes += ((const struct mr_command *)mr_ring_slot(&engine->input, position + i))->length;
    }
    return true;
}

static struct mr_entry *begin_entry(struct mr_engine *engine, uint64_t bytes, unsigned char **frame)
{
    const struct mr_sequencer *sequencer = &engine->sequencer;
    struct mr_entry *entry = mr_engine_block_begin(engine, bytes, frame);
    if (entry == NULL) {
        return NULL;
    }
    entry->term = 1;
    entry->index = sequencer->next_index;
    entry->first_sequence = sequencer->next_sequence;
    entry->time_ns = sequencer->last_time_ns;
    entry->previous = sequencer->chain;
    entry->digest_sequence = mr_board_read(&engine->board, &entry->digest);
    return entry;
}

/* When nothing comes in, time still passes: a TICK carries it to the timers. Not where the clock is
 * the input's: there it stands still. */
static int append_tick(struct mr_engine *engine, uint64_t now_ns)
{
    struct mr_sequencer *sequencer = &engine->sequencer;
    if (now_ns < sequencer->last_work_ns + engine->options.tick_ns) {
        return 0;
    }
    unsigned char *frame;
    struct mr_entry *entry = begin_entry(engine, MR_COMMAND_HEADER, &frame);
    if (entry == NULL) {
        return 0;
    }
    struct mr_command tick = {.length = MR_COMMAND_HEADER, .type = MR_COMMAND_TICK};
    add_command(engine, entry, &tick, now_ns);
    mr_engine_block_end(engine, frame, mr_consumer_position(&sequencer->input), false);
    sequencer->last_work_ns = now_ns;
    return 1;
}

int mr_engine_sequence(void *context)
{
    struct mr_engine *engine = context;
    struct mr_sequencer *sequencer = &engine->sequencer;
    /* Group commit: while the disk has its fill of blocks, commands gather in the input ring, and
     * the next block takes them all. */
    uint64_t in_flight =
        mr_ring_cursor(&engine->blocks) - mr_consumer_position(&engine->journaling.blocks);
    if (in_flight >= sequencer->window ||
        mr_ring_cursor(&engine->blocks) - mr_ring_slowest(&engine->blocks) >= MR_BLOCK_SLOTS) {
        return 0;
    }
    uint64_t now_ns = engine->clock_kind == MR_CLOCK_INPUT ? 0 : mr_clock_now(&engine->clock);
    uint64_t position = mr_consumer_position(&sequencer->input);
    /* A fresh look every time: what was known may end within a batch that is complete by now. */
    uint64_t available = mr_consumer_look(&sequencer->input);
    uint32_t count;
    uint64_t bytes;
    if (position == available || !whole_batch(engine, position, available, &count, &bytes)) {
        return engine->clock_kind != MR_CLOCK_INPUT && sequencer->next_sequence > 1
                   ? append_tick(engine, now_ns)
                   : 0;
    }
    uint64_t limit = bytes > BLOCK_COMMAND_BYTES ? bytes : BLOCK_COMMAND_BYTES;
    unsigned char *frame;
    struct mr_entry *entry = begin_entry(engine, limit, &frame);
    if (entry == NULL) {
        return 0;
    }
    do {
        for (uint32_t i = 0; i < count; i++) {
            add_command(engine, entry, mr_ring_slot(&engine->input, position + i), now_ns);
        }
        position += count;
    } while (position < available && whole_batch(engine, position, available, &count, &bytes) &&
             entry->length - MR_ENTRY_SIZE + bytes <= limit);
    int did = (int)entry->count;
    mr_engine_block_end(engine, frame, position, false);
    mr_consumer_release(&sequencer->input, position);
    sequencer->last_work_ns = now_ns;
    return did;
}

/* -- 3. Journal: blocks to the disk, and the durable watermark behind them. -------------------- */

/* Moves the watermark over every block that is now on stable storage, in order; from here on apply
 * may see them. */
static int release_durable(struct mr_engine *engine, uint64_t durable_next)
{
    struct mr_journaling *journaling = &engine->journaling;
    uint64_t position = mr_consumer_position(&journaling->blocks);
    if (durable_next <= position) {
        return 0;
    }
    const struct mr_block *last = mr_ring_slot(&engine->blocks, durable_next - 1);
    /* Release: pairs with the acquires of mr_engine_stage and mr_engine_durable_sequence. Before
     * apply may see the blocks, so that nobody finds a sequence applied and not durable. */
    mr_atomic_store(&engine->durable_sequence, mr_entry_last_sequence(last->entry), release);
    mr_atomic_store(&engine->durable_ticket, last->ticket_next, release);
    mr_consumer_release(&journaling->blocks, durable_next);
    wake(engine, MR_STAGE_JOURNAL, MR_STAGE_APPLY);
    wake(engine, MR_STAGE_JOURNAL, MR_STAGE_SEQUENCE);
    return (int)(durable_next - position);
}

/* What recovery feeds is on the disk already. */
static int pass_stored(struct mr_engine *engine)
{
    struct mr_journaling *journaling = &engine->journaling;
    uint64_t available = mr_consumer_look(&journaling->blocks);
    while (journaling->appended < available) {
        const struct mr_block *block = mr_ring_slot(&engine->blocks, journaling->appended);
        ASSERT(block->stored);
        journaling->appended++;
    }
    return release_durable(engine, journaling->appended);
}

/* For whoever asks from another thread; the line is written only when something changed. */
static void announce_space(struct mr_journaling *journaling)
{
    uint64_t bytes;
    uint64_t low = mr_journal_space_low(journaling->journal, &bytes) ? bytes + 1 : 0;
    if (mr_atomic_load(&journaling->space_low, relaxed) != low) {
        mr_atomic_store(&journaling->space_low, low, relaxed);
    }
}

int mr_engine_journal(void *context)
{
    struct mr_engine *engine = context;
    struct mr_journaling *journaling = &engine->journaling;
    if (engine->sequencer.replaying) {
        return pass_stored(engine);
    }
    struct mr_error error;
    int did = 0;
    /* A fresh look every time: the consumer's position is the durable one, and blocks are handed to
     * the disk well ahead of it. */
    uint64_t available = mr_consumer_look(&journaling->blocks);
    while (journaling->appended < available && mr_journal_ready(journaling->journal)) {
        const struct mr_block *block = mr_ring_slot(&engine->blocks, journaling->appended);
        int status = mr_journal_append(journaling->journal, block->frame, block->digest, &error);
        if (status == MR_AGAIN) {
            break;
        }
        if (status != MR_OK) {
            return mr_engine_fail(engine, &error);
        }
        journaling->appended++;
        did++;
    }
    /* Sleeping here, in the kernel, is what leaves the core to the disk; only when there has been
     * nothing else to do for a while. */
    bool idle = did == 0 && journaling->idle_turns >= JOURNAL_IDLE_TURNS;
    uint32_t wait_us = idle && engine->threads_started && mr_journal_busy(journaling->journal)
                           ? JOURNAL_WAIT_US
                           : 0;
    int polled = mr_journal_poll(journaling->journal, wait_us, &error);
    if (polled < 0) {
        return mr_engine_fail(engine, &error);
    }
    did += polled;
    announce_space(journaling);
    did += release_durable(engine, mr_journal_durable_index(journaling->journal) + 1 -
                                       journaling->index_base);
    if (idle && did == 0 && !mr_journal_busy(journaling->journal)) {
        int marked = mr_journal_mark(journaling->journal, &error);
        if (marked < 0) {
            return mr_engine_fail(engine, &error);
        }
        did += marked;
    }
    journaling->idle_turns = did == 0 ? journaling->idle_turns + 1 : 0;
    return did;
}

/* -- 4. Apply: durable blocks to the image; events and answers to the output ring. ------------- */

static void publish_output(struct mr_engine *engine)
{
    struct mr_applying *applying = &engine->applying;
    if (applying->output_count > 0) {
        mr_ring_publish(&engine->output, applying->output_first, applying->output_count);
        applying->output_count = 0;
    }
}

/* The next output slot, NULL: the ring is full. It is published with others of its batch. */
static void *output_slot(struct mr_engine *engine)
{
    struct mr_applying *applying = &engine->applying;
    uint64_t position;
    if (mr_ring_try_claim(&engine->output, 1, &position) != MR_OK) {
        publish_output(engine);
        return NULL;
    }
    if (applying->output_count == OUTPUT_BATCH) {
        publish_output(engine);
    }
    if (applying->output_count == 0) {
        applying->output_first = position;
    }
    applying->output_count++;
    return mr_ring_slot(&engine->output, position);
}

static uint32_t put_events(void *context, const unsigned char *events, uint32_t size)
{
    struct mr_engine *engine = context;
    if (engine->applying.silent) {
        return size;
    }
    uint32_t taken = 0;
    while (taken < size) {
        void *slot = output_slot(engine);
        if (slot == NULL) {
            break;
        }
        const struct mr_event *event = (const struct mr_event *)(const void *)(events + taken);
        memcpy(slot, event, event->length);
        taken += event->length;
    }
    return taken;
}

/* An answer travels between the events as a message of type 0, which no event has. */
static bool put_answer(void *context, const struct mr_answer *answer)
{
    struct mr_engine *engine = context;
    if (engine->applying.silent) {
        return true;
    }
    struct mr_event *slot = output_slot(engine);
    if (slot == NULL) {
        return false;
    }
    slot->type = 0;
    memcpy(MR_MESSAGE_BODY(slot, MR_EVENT_HEADER), answer, sizeof *answer);
    return true;
}

int mr_engine_apply(void *context)
{
    struct mr_engine *engine = context;
    struct mr_applying *applying = &engine->applying;
    const struct mr_sink sink = {.events = put_events, .answer = put_answer, .context = engine};
    uint64_t position = mr_consumer_position(&applying->blocks);
    if (mr_consumer_available(&applying->blocks) == position) {
        return 0;
    }
    const struct mr_block *block = mr_ring_slot(&engine->blocks, position);
    uint32_t left_before =
        applying->applier.entry == NULL ? block->entry->count : applying->applier.left;
    struct mr_error error;
    int status = mr_applier_entry(&applying->applier, block->entry, APPLY_LIMIT, &sink, &error);
    publish_output(engine);
    if (status == MR_AGAIN) {
        return (int)(left_before - applying->applier.left);
    }
    if (status != MR_OK) {
        return mr_engine_fail(engine, &error);
    }
    uint64_t sequence = mr_entry_last_sequence(block->entry);
    uint64_t ticket_next = block->ticket_next;
    mr_board_write(&engine->board, sequence, applying->applier.digest);
    mr_consumer_release(&applying->blocks, position + 1);
    /* Release: pairs with the acquires of mr_engine_stage and mr_engine_applied_sequence. */
    mr_atomic_store(&engine->applied_sequence, sequence, release);
    mr_atomic_store(&engine->applied_ticket, ticket_next, release);
    wake(engine, MR_STAGE_APPLY, MR_STAGE_SEQUENCE);
    return (int)left_before + 1;
}

/* -- 5. Poll: the embedder takes what came out. ------------------------------------------------ */

uint32_t mr_engine_poll(struct mr_engine *engine, const struct mr_engine_handlers *handlers,
                        uint32_t limit)
{
    uint64_t position = mr_consumer_position(&engine->reader);
    uint64_t available = mr_consumer_available(&engine->reader);
    uint64_t end = available - position > limit ? position + limit : available;
    uint64_t first = position;
    for (; position < end; position++) {
        const struct mr_event *event = mr_ring_slot(&engine->output, position);
        if (event->type != 0) {
            if (handlers->event != NULL) {
                handlers->event(handlers->context, event);
            }
        } else if (handlers->answer != NULL) {
            handlers->answer(handlers->context, mr_event_body(event));
        }
    }
    if (position != first) {
        mr_consumer_release(&engine->reader, position);
        if (engine->threads_started) {
            mr_runner_wake(&engine->runners[engine->runner_of[MR_STAGE_APPLY]]);
        }
    }
    return (uint32_t)(position - first);
}
