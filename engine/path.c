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

/* -- 1. Submit: a copy into the input ring. A full ring is an answer, never a wait. ------------ */

/* Until the sequencer has it, the sequence field of a slot tells how many commands its batch has
 * and, in its upper bits, their size in units of 8 bytes (the followers of a batch carry neither),
 * and whether a future lies beside it. So the sequencer learns the size of a batch from one slot:
 * all lie in the cache of whoever has submitted them. */
#define SLOT_HAS_FUTURE (UINT64_C(1) << 32)
enum { SLOT_SIZE_SHIFT = 33, SLOT_SIZE_UNIT = 8 };
_Static_assert(MR_BATCH_BYTES_MAX / SLOT_SIZE_UNIT < 1 << (64 - SLOT_SIZE_SHIFT - 1),
               "the size fits above the count");

static int submittable(const struct mr_engine *engine, const struct mr_command *command)
{
    if (command->length < MR_COMMAND_HEADER || command->length > engine->input.stride ||
        command->length % 8 != 0) {
        return MR_E_INVALID;
    }
    return command->type == MR_COMMAND_LOGIC_UPGRADE ? mr_upgrade_check(engine, command) : MR_OK;
}

static void fill_slot(struct mr_engine *engine, uint64_t position, const struct mr_command *command,
                      uint64_t marks)
{
    struct mr_command *slot = mr_ring_slot(&engine->input, position);
    memcpy(slot, command, command->length);
    slot->sequence = marks;
}

/* Into the input ring; `futures` NULL: nobody waits for these answers in particular. */
static inline int accept(struct mr_engine *engine, const struct mr_command *const *commands,
                         uint32_t count, struct mr_future *futures, uint64_t *ticket)
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
        int status = submittable(engine, commands[i]);
        if (status != MR_OK) {
            return status;
        }
        bytes += commands[i]->length;
    }
    if (bytes > MR_BATCH_BYTES_MAX) {
        return MR_E_LIMIT;
    }
    uint64_t first;
    if (mr_ring_try_claim(&engine->input, count, &first) != MR_OK) {
        mr_watch_busy(&engine->watch);
        return MR_AGAIN;
    }
    uint64_t future_mark = futures != NULL ? SLOT_HAS_FUTURE : 0;
    uint64_t size_mark = count | bytes / SLOT_SIZE_UNIT << SLOT_SIZE_SHIFT;
    for (uint32_t i = 0; i < count; i++) {
        fill_slot(engine, first + i, commands[i], (i == 0 ? size_mark : 0) | future_mark);
    }
    /* Only now: whoever finds that apply has ended completes what can be seen, and its owner may
     * free it together with the command. */
    for (uint32_t i = 0; futures != NULL && i < count; i++) {
        mr_futures_accept(engine, first + i, &futures[i]);
    }
    mr_ring_publish(&engine->input, first, count);
    if (ticket != NULL) {
        *ticket = first;
    }
    mr_engine_wake_stage(engine, MR_STAGE_SEQUENCE);
    return MR_OK;
}

int mr_engine_submit(struct mr_engine *engine, const struct mr_command *command, uint64_t *ticket)
{
    return accept(engine, &command, 1, NULL, ticket);
}

int mr_engine_submit_batch(struct mr_engine *engine, const struct mr_command *const *commands,
                           uint32_t count, uint64_t *ticket)
{
    return accept(engine, commands, count, NULL, ticket);
}

int mr_engine_call(struct mr_engine *engine, const struct mr_command *command,
                   struct mr_future *future)
{
    return mr_engine_call_batch(engine, &command, 1, future);
}

int mr_engine_call_batch(struct mr_engine *engine, const struct mr_command *const *commands,
                         uint32_t count, struct mr_future *futures)
{
    if (count > engine->options.futures_max) {
        return MR_E_LIMIT;
    }
    int status = accept(engine, commands, count, futures, NULL);
    if (status == MR_OK) {
        mr_futures_settle(engine);
    }
    return status;
}

/* -- 2. Sequence: gives each command its sequence and time, and cuts blocks. ------------------- */

/* The time of a batch, or of a command alone: a batch is one moment, so that nothing falls due
 * within it. */
static void stamp(struct mr_engine *engine, struct mr_entry *entry, const struct mr_command *first,
                  uint64_t now_ns)
{
    uint64_t time_ns = engine->clock_kind == MR_CLOCK_INPUT ? first->time_ns : now_ns;
    entry->time_ns = time_ns > entry->time_ns ? time_ns : entry->time_ns;
}

/* Appends a command to the entry under construction and gives it its place and time. `more`: the
 * next one is of the same batch, whatever the submitter had there: so every replay sees the same
 * batches. */
static void add_command(struct mr_entry *entry, const struct mr_command *command, bool more)
{
    struct mr_command *copy = (struct mr_command *)(void *)((unsigned char *)entry + entry->length);
    memcpy(copy, command, command->length);
    copy->more = more;
    copy->time_ns = entry->time_ns;
    copy->sequence = entry->first_sequence + entry->count;
    entry->count++;
    entry->length += command->length;
}

/* Bytes and count of the batch that begins at `position`; false while it is not all published, or
 * there is no room for its futures. */
static bool whole_batch(struct mr_engine *engine, uint64_t position, uint64_t available,
                        uint32_t *count, uint64_t *bytes)
{
    const struct mr_command *first = mr_ring_slot(&engine->input, position);
    *count = (uint32_t)first->sequence;
    ASSERT(*count > 0);
    if (available - position < *count ||
        ((first->sequence & SLOT_HAS_FUTURE) != 0 && !mr_futures_room(&engine->futures, *count))) {
        return false;
    }
    *bytes = (first->sequence >> SLOT_SIZE_SHIFT) * SLOT_SIZE_UNIT;
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

/* When nothing comes in, time still passes: a TICK carries it to the timers that are due. Not where
 * the clock is the input's: there it stands still. */
static bool tick_is_due(const struct mr_engine *engine, uint64_t now_ns)
{
    const struct mr_sequencer *sequencer = &engine->sequencer;
    /* Relaxed: an engine that is stopping soon sees it. Else there would always be one more TICK
     * to wait for. */
    if (engine->clock_kind == MR_CLOCK_INPUT || sequencer->next_sequence == 1 ||
        mr_atomic_load(&engine->stopping, relaxed)) {
        return false;
    }
    /* Acquire: pairs with the release in mr_engine_apply. What is still under way may set timers,
     * cancel them, or make them fire: after the last of it, it is known what is due. And it may be
     * a TICK, of which one at a time is enough. */
    if (mr_atomic_load(&engine->applied_sequence, acquire) != sequencer->next_sequence - 1) {
        return false;
    }
    uint64_t idle_ns = engine->options.tick_ns;
    return mr_atomic_load(&engine->next_timer_ns, relaxed) <= now_ns ||
           (idle_ns != 0 && now_ns > sequencer->last_work_ns &&
            now_ns - sequencer->last_work_ns >= idle_ns);
}

static int append_tick(struct mr_engine *engine, uint64_t now_ns)
{
    struct mr_sequencer *sequencer = &engine->sequencer;
    unsigned char *frame;
    struct mr_entry *entry = begin_entry(engine, MR_COMMAND_HEADER, &frame);
    if (entry == NULL) {
        return 0;
    }
    struct mr_command tick = {.length = MR_COMMAND_HEADER, .type = MR_COMMAND_TICK};
    stamp(engine, entry, &tick, now_ns);
    add_command(entry, &tick, false);
    mr_engine_block_end(engine, frame, mr_consumer_position(&sequencer->input), false);
    sequencer->last_work_ns = now_ns;
    mr_counters_grow(&engine->watch.counters, MR_COUNTER_ticks, 1);
    return 1;
}

int mr_engine_sequence(void *context)
{
    struct mr_engine *engine = context;
    struct mr_sequencer *sequencer = &engine->sequencer;
    /* Acquire: pairs with the release in mr_engine_fail. */
    if (mr_atomic_load(&engine->failure, acquire) != MR_OK) {
        return 0; /* it would never be durable, or never be applied */
    }
    /* Group commit: while the disk has its fill of blocks, commands gather in the input ring, and
     * the next block takes them all. */
    uint64_t in_flight =
        mr_ring_cursor(&engine->blocks) - mr_consumer_position(&engine->journaling.blocks);
    if (in_flight >= sequencer->window ||
        mr_ring_cursor(&engine->blocks) - mr_ring_slowest(&engine->blocks) >= MR_BLOCK_SLOTS) {
        return 0;
    }
    uint64_t position = mr_consumer_position(&sequencer->input);
    /* A fresh look every time: what was known may end within a batch that is complete by now. */
    uint64_t available = mr_consumer_look(&sequencer->input);
    /* After the look: who moves a simulated clock and then submits gets the new time. */
    uint64_t now_ns = engine->clock_kind == MR_CLOCK_INPUT ? 0 : mr_clock_now(&engine->clock);
    uint32_t count;
    uint64_t bytes;
    if (position == available || !whole_batch(engine, position, available, &count, &bytes)) {
        return tick_is_due(engine, now_ns) ? append_tick(engine, now_ns) : 0;
    }
    uint64_t limit = bytes > BLOCK_COMMAND_BYTES ? bytes : BLOCK_COMMAND_BYTES;
    unsigned char *frame;
    struct mr_entry *entry = begin_entry(engine, limit, &frame);
    if (entry == NULL) {
        return 0;
    }
    uint64_t marks = 0;
    do {
        stamp(engine, entry, mr_ring_slot(&engine->input, position), now_ns);
        for (uint32_t i = 0; i < count; i++) {
            const struct mr_command *command = mr_ring_slot(&engine->input, position + i);
            if ((command->sequence & SLOT_HAS_FUTURE) != 0) {
                mr_futures_push(engine, position + i, entry->first_sequence + entry->count);
            }
            marks |= command->sequence;
            add_command(entry, command, i + 1 < count);
        }
        position += count;
        mr_watch_batch(&engine->watch, count);
    } while (position < available && whole_batch(engine, position, available, &count, &bytes) &&
             entry->length - MR_ENTRY_SIZE + bytes <= limit);
    int did = (int)entry->count;
    mr_engine_block_end(engine, frame, position, false);
    mr_consumer_release(&sequencer->input, position);
    mr_park_wake(&engine->parks.room);
    if ((marks & SLOT_HAS_FUTURE) != 0) {
        mr_futures_settle(engine);
    }
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
    mr_watch_durable(engine, position, durable_next);
    const struct mr_block *last = mr_ring_slot(&engine->blocks, durable_next - 1);
    /* Release: pairs with the acquires of mr_engine_stage and mr_engine_durable_sequence. Before
     * apply may see the blocks, so that nobody finds a sequence applied and not durable. */
    mr_atomic_store(&engine->durable_sequence, mr_entry_last_sequence(last->entry), release);
    mr_atomic_store(&engine->durable_ticket, last->ticket_next, release);
    mr_consumer_release(&journaling->blocks, durable_next);
    mr_park_wake(&engine->parks.durable);
    mr_engine_hand_on(engine, MR_STAGE_JOURNAL, MR_STAGE_APPLY);
    mr_engine_hand_on(engine, MR_STAGE_JOURNAL, MR_STAGE_SEQUENCE);
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
static void announce_space(struct mr_engine *engine)
{
    struct mr_journaling *journaling = &engine->journaling;
    uint64_t bytes;
    uint64_t low = mr_journal_space_low(journaling->journal, &bytes) ? bytes + 1 : 0;
    if (mr_atomic_load(&journaling->space_low, relaxed) != low) {
        mr_atomic_store(&journaling->space_low, low, relaxed);
        mr_watch_space(engine, low > 0, bytes);
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
        mr_watch_handed(&engine->watch, journaling->appended, block->entry);
        journaling->appended++;
        did++;
    }
    /* Sleeping here, in the kernel, is what leaves the core to the disk; only when there has been
     * nothing else to do for a while. */
    bool idle = did == 0 && journaling->idle_turns >= JOURNAL_IDLE_TURNS;
    uint32_t wait_us = idle && mr_atomic_load(&engine->threads_started, relaxed) &&
                               mr_journal_busy(journaling->journal)
                           ? JOURNAL_WAIT_US
                           : 0;
    int polled = mr_journal_poll(journaling->journal, wait_us, &error);
    if (polled < 0) {
        return mr_engine_fail(engine, &error);
    }
    did += polled;
    announce_space(engine);
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
        applying->published = true;
    }
}

/* Once a turn. */
static void tell_readers(struct mr_engine *engine)
{
    if (engine->applying.published) {
        engine->applying.published = false;
        mr_engine_tell_readers(engine);
    }
}

/* Nobody reads the output ring: mr_engine_poll has no part in it, and there is no subscriber. Then
 * nothing is written to it. */
static bool unread(struct mr_engine *engine)
{
    /* Acquire: pairs with the read-modify-writes of those who subscribe. */
    uint32_t readers = mr_atomic_load(&engine->readers, acquire);
    if (MR_UNLIKELY(readers != engine->applying.readers_seen)) {
        mr_subscribers_look(engine, readers);
    }
    return (readers & MR_READERS) == 0 || engine->applying.discards;
}

/* The next output slot, NULL: the ring is full. It is published with others of its batch. */
static void *output_slot(struct mr_engine *engine)
{
    struct mr_applying *applying = &engine->applying;
    uint64_t position;
    if (mr_ring_try_claim(&engine->output, 1, &position) != MR_OK) {
        publish_output(engine);
        /* Whoever stops the engine does not wait for readers. */
        applying->discards = mr_atomic_load(&engine->stopping, relaxed);
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
    const struct mr_engine_handlers *handlers = &engine->applying.handlers;
    if (engine->applying.silent || (handlers->event == NULL && unread(engine))) {
        return size;
    }
    uint32_t taken = 0;
    while (taken < size) {
        const struct mr_event *event = (const struct mr_event *)(const void *)(events + taken);
        if (!unread(engine)) {
            void *slot = output_slot(engine);
            if (slot == NULL) {
                break;
            }
            VERIFY(event->length <= engine->output.stride);
            memcpy(slot, event, event->length);
        }
        if (handlers->event != NULL) {
            handlers->event(handlers->context, event);
        }
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
    if (!unread(engine)) {
        struct mr_event *slot = output_slot(engine);
        if (slot == NULL) {
            return false;
        }
        slot->type = 0;
        memcpy(MR_MESSAGE_BODY(slot, MR_EVENT_HEADER), answer, sizeof *answer);
    }
    const struct mr_engine_handlers *handlers = &engine->applying.handlers;
    if (handlers->answer != NULL) {
        handlers->answer(handlers->context, answer);
    }
    if (MR_UNLIKELY(mr_applier_sequence(&engine->applying.applier) ==
                    engine->futures.next_sequence)) {
        mr_futures_answer(&engine->futures, answer);
    }
    return true;
}

/* Nothing is to be done now. After a failure, nothing will be: the last durable block is applied,
 * and those who wait for answers are told. */
static int apply_idle(struct mr_engine *engine)
{
    /* Acquire: pairs with the release in mr_engine_fail. What was released before that is seen. */
    int failure = mr_atomic_load(&engine->failure, acquire);
    struct mr_consumer *blocks = &engine->applying.blocks;
    return mr_consumer_available(blocks) == mr_consumer_position(blocks) ? failure : 0;
}

/* For the sequencer's TICKs; the line is written only when something changed. */
static void announce_timer(struct mr_engine *engine)
{
    uint64_t next_ns = mr_image_next_timer(engine->applying.applier.image);
    if (next_ns != mr_atomic_load(&engine->next_timer_ns, relaxed)) {
        mr_atomic_store(&engine->next_timer_ns, next_ns, relaxed);
    }
}

int mr_engine_apply(void *context)
{
    struct mr_engine *engine = context;
    struct mr_applying *applying = &engine->applying;
    const struct mr_sink sink = {.events = put_events, .answer = put_answer, .context = engine};
    int answered = mr_queries_answer(engine);
    uint64_t position = mr_consumer_position(&applying->blocks);
    if (mr_consumer_available(&applying->blocks) == position) {
        return answered > 0 ? answered : apply_idle(engine);
    }
    if (engine->futures.next_sequence == MR_NO_FUTURE) {
        mr_futures_look(&engine->futures);
    }
    const struct mr_block *block = mr_ring_slot(&engine->blocks, position);
    uint32_t left_before =
        applying->applier.entry == NULL ? block->entry->count : applying->applier.left;
    struct mr_error error;
    uint64_t begin_ns = mr_watch_begin(&engine->watch);
    int status = mr_applier_entry(&applying->applier, block->entry, APPLY_LIMIT, &sink, &error);
    mr_watch_applied(&engine->watch, begin_ns, left_before - applying->applier.left);
    publish_output(engine);
    tell_readers(engine);
    if (status == MR_AGAIN) {
        return answered + (int)(left_before - applying->applier.left);
    }
    if (status != MR_OK) {
        return mr_engine_fail(engine, &error);
    }
    uint64_t sequence = mr_entry_last_sequence(block->entry);
    uint64_t ticket_next = block->ticket_next;
    mr_board_write(&engine->board, sequence, applying->applier.digest);
    announce_timer(engine);
    mr_consumer_release(&applying->blocks, position + 1);
    /* Release: pairs with the acquires of mr_engine_stage and mr_engine_applied_sequence. */
    mr_atomic_store(&engine->applied_sequence, sequence, release);
    mr_atomic_store(&engine->applied_ticket, ticket_next, release);
    mr_park_wake(&engine->parks.applied);
    mr_engine_hand_on(engine, MR_STAGE_APPLY, MR_STAGE_SEQUENCE);
    return (int)left_before + 1;
}

/* -- 5. Poll: the embedder, or a subscriber, takes what came out. ------------------------------ */

uint32_t mr_engine_poll(struct mr_engine *engine, const struct mr_engine_handlers *handlers,
                        uint32_t limit)
{
    return engine->options.output == MR_OUTPUT_POLL
               ? mr_engine_take(engine, &engine->reader, handlers, limit)
               : 0;
}

uint32_t mr_engine_take(struct mr_engine *engine, struct mr_consumer *reader,
                        const struct mr_engine_handlers *handlers, uint32_t limit)
{
    static const struct mr_engine_handlers nobody;
    handlers = handlers != NULL ? handlers : &nobody;
    uint64_t position = mr_consumer_position(reader);
    uint64_t available = mr_consumer_available(reader);
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
        mr_consumer_release(reader, position);
        mr_engine_wake_stage(engine, MR_STAGE_APPLY);
    }
    return (uint32_t)(position - first);
}
