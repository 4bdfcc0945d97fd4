/*
 * Opening and closing an engine: the lock, the journal, all memory, recovery. And what may be asked
 * of it from outside.
 */
#include "core/image.h"
#include "engine/parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    LOCK_WAIT_MS = 5000,
    INPUT_SLOTS = 16384,
    OUTPUT_SLOTS = 8192,
    FUTURES_MAX = 4096,
    FRAMES_IN_FLIGHT = 4,
    QUERIES_MAX = 64,
};
_Static_assert(INPUT_SLOTS >= 2 * MR_BATCH_COMMANDS_MAX,
               "the input ring holds two largest batches");

static int take_options(struct mr_engine *engine, const struct mr_engine_options *options,
                        struct mr_error *error)
{
    struct mr_engine_options *own = &engine->options;
    *own = *options;
    own->lock_wait_ms = own->lock_wait_ms != 0 ? own->lock_wait_ms : LOCK_WAIT_MS;
    own->input_slots = own->input_slots != 0 ? own->input_slots : INPUT_SLOTS;
    own->output_slots = own->output_slots != 0 ? own->output_slots : OUTPUT_SLOTS;
    own->futures_max = own->futures_max != 0 ? own->futures_max : FUTURES_MAX;
    own->queries_max = own->queries_max != 0 ? own->queries_max : QUERIES_MAX;
    own->frames_in_flight = own->frames_in_flight != 0 ? own->frames_in_flight : FRAMES_IN_FLIGHT;
    int places = (own->directory != NULL) + (own->storage != NULL);
    if (own->logic == NULL || places != (own->durability == MR_DURABILITY_NONE ? 0 : 1)) {
        return mr_error_set(error, MR_E_INVALID,
                            "an engine needs a logic, and either a directory or a storage (with "
                            "durability none, which keeps nothing, neither)");
    }
    if (!mr_is_power_of_two(own->input_slots) || !mr_is_power_of_two(own->output_slots) ||
        !mr_is_power_of_two(own->futures_max) || !mr_is_power_of_two(own->queries_max) ||
        own->frames_in_flight > MR_FRAMES_IN_FLIGHT_MAX) {
        return mr_error_set(error, MR_E_INVALID,
                            "input_slots, output_slots, futures_max and queries_max must be powers "
                            "of two, frames_in_flight at most %d",
                            MR_FRAMES_IN_FLIGHT_MAX);
    }
    if (own->output != MR_OUTPUT_POLL && own->output != MR_OUTPUT_CALLBACK &&
        own->output != MR_OUTPUT_NONE) {
        return mr_error_set(error, MR_E_INVALID, "output: %d is none", (int)own->output);
    }
    if (own->output == MR_OUTPUT_CALLBACK) {
        engine->applying.handlers = own->handlers;
    }
    if (own->genesis == NULL && own->logic->config != NULL && own->config == NULL &&
        own->logic->config_default == NULL) {
        return mr_error_set(error, MR_E_INVALID, "logic '%s' wants a configuration",
                            own->logic->name);
    }
    engine->logic = own->logic;
    mr_atomic_store(&engine->next_timer_ns, UINT64_MAX, relaxed);
    engine->clock = own->clock != NULL ? *own->clock : mr_clock_wall();
    /* All versions, also those that nobody needs yet: what cannot be switched to must not get into
     * the journal. */
    const char *flaw = mr_logic_flaw(own->logic);
    if (flaw != NULL) {
        return mr_error_set(error, MR_E_INVALID, "logic '%s', version %u or one before it: %s",
                            own->logic->name, own->logic->version, flaw);
    }
    for (const struct mr_logic *logic = own->logic; logic != NULL; logic = logic->previous) {
        ASSERT(logic->command_size_max <= MR_COMMAND_SIZE_MAX &&
               logic->event_size_max <= MR_EVENT_SIZE_MAX);
    }
    if (own->genesis != NULL &&
        own->genesis->length >= MR_COMMAND_HEADER + sizeof(struct mr_genesis)) {
        const struct mr_genesis *body = mr_command_body(own->genesis);
        return mr_genesis_version(own->logic, body->logic_version, error);
    }
    return MR_OK;
}

/* -- The journal ------------------------------------------------------------------------------- */

static int open_storage(struct mr_engine *engine, struct mr_error *error)
{
    if (engine->options.storage != NULL) {
        engine->storage = engine->options.storage;
        return MR_OK;
    }
    engine->own_storage = true;
    return mr_storage_open_files(engine->options.directory, engine->options.create,
                                 &engine->storage, error);
}

static int choose_id(const struct mr_engine *engine, uint8_t id[MR_JOURNAL_ID_SIZE],
                     struct mr_error *error)
{
    static const uint8_t none[MR_JOURNAL_ID_SIZE];
    memcpy(id, engine->options.journal_id, MR_JOURNAL_ID_SIZE);
    if (engine->options.genesis != NULL) {
        const struct mr_genesis *body = mr_command_body(engine->options.genesis);
        memcpy(id, &body->journal, MR_JOURNAL_ID_SIZE);
    }
    if (memcmp(id, none, sizeof none) == 0 &&
        getrandom(id, MR_JOURNAL_ID_SIZE, 0) != MR_JOURNAL_ID_SIZE) {
        return mr_error_set(error, MR_E_IO, "the system gives no random bytes for a journal id");
    }
    return MR_OK;
}

static int create_journal(struct mr_engine *engine, const struct mr_journal_options *options,
                          struct mr_error *error)
{
    uint8_t id[MR_JOURNAL_ID_SIZE];
    int status = choose_id(engine, id, error);
    if (status != MR_OK) {
        return status;
    }
    engine->recovery.created = true;
    return mr_journal_create(engine->storage, id, options, error);
}

/* Durability none: there is nothing to recover, and nothing will be left. */
static int open_volatile(struct mr_engine *engine, const struct mr_journal_options *options,
                         struct mr_error *error)
{
    engine->recovery.created = true;
    int status = choose_id(engine, engine->recovery.journal.journal_id, error);
    return status == MR_OK ? mr_journal_open_volatile(options, &engine->journaling.journal, error)
                           : status;
}

/* Whose journal is it? Asked before recovery may change anything in it. A journal whose first entry
 * cannot be read is for recovery to judge. */
static int check_logic(struct mr_engine *engine, struct mr_error *error)
{
    struct mr_command *genesis = NULL;
    const struct mr_logic *const logics[] = {engine->logic, NULL};
    int status = MR_OK;
    if (mr_genesis_read(engine->storage, 1, &genesis, NULL, NULL) == MR_OK) {
        status = mr_genesis_logic(genesis, logics, &engine->logic, error);
    }
    free(genesis);
    return status;
}

static int open_journal(struct mr_engine *engine, struct mr_error *error)
{
    struct mr_journal_options options = {.segment_bytes = engine->options.segment_bytes,
                                         .frames_in_flight = engine->options.frames_in_flight,
                                         .durability = engine->options.durability,
                                         .space_low_bytes = engine->options.space_low_bytes,
                                         .buffers = engine->sequencer.memory.bytes,
                                         .buffers_size = engine->sequencer.memory.size};
    if (options.durability == MR_DURABILITY_NONE) {
        mr_watch_open(engine);
        return open_volatile(engine, &options, error);
    }
    int status = mr_journal_exists(engine->storage, error);
    if (status == MR_E_NOT_FOUND && engine->options.create) {
        status = create_journal(engine, &options, error);
    }
    if (status == MR_OK && !engine->recovery.created) {
        status = check_logic(engine, error);
    }
    if (status != MR_OK) {
        return status;
    }
    mr_watch_open(engine);
    return mr_journal_recover(engine->storage, &options, &engine->recovery.journal, NULL,
                              &engine->journaling.journal, error);
}

/* The journal's own genesis when it has one; else the one that the options ask for. */
static int find_genesis(struct mr_engine *engine, struct mr_error *error)
{
    const struct mr_recovery *found = &engine->recovery.journal;
    if (found->last_index == 0) {
        return mr_genesis_build(&engine->options, found->journal_id, &engine->genesis, error);
    }
    return mr_genesis_read(engine->storage, found->last_index, &engine->genesis, NULL, error);
}

/* -- Memory ------------------------------------------------------------------------------------ */

static int make_ring(struct mr_engine *engine, struct mr_ring *ring, uint64_t capacity,
                     uint32_t slot_size, enum mr_producers producers, struct mr_error *error)
{
    struct mr_ring_options options = {.capacity = capacity,
                                      .slot_size = (uint32_t)mr_align_up(slot_size, MR_CACHE_LINE),
                                      .producers = producers,
                                      /* nobody waits: agents poll */
                                      .producer_wait = {.kind = MR_WAIT_SPIN},
                                      .consumer_wait = {.kind = MR_WAIT_SPIN}};
    options.memory = mr_arena_take(&engine->arena, mr_ring_memory_size(&options), MR_PADDING);
    return mr_ring_init(ring, &options, error);
}

/* The largest command that has to fit into a slot: the logic's, or one of the engine's own. */
static uint32_t input_slot_size(const struct mr_engine *engine)
{
    uint32_t size = mr_genesis_length(&engine->options);
    uint32_t session = MR_COMMAND_HEADER + (uint32_t)sizeof(struct mr_session_open);
    size = size > session ? size : session;
    for (const struct mr_logic *logic = engine->logic; logic != NULL; logic = logic->previous) {
        size = size > logic->command_size_max ? size : logic->command_size_max;
    }
    return size;
}

static uint32_t output_slot_size(const struct mr_logic *newest)
{
    uint32_t size = MR_EVENT_HEADER + (uint32_t)sizeof(struct mr_answer);
    for (const struct mr_logic *logic = newest; logic != NULL; logic = logic->previous) {
        size = size > logic->event_size_max ? size : logic->event_size_max;
    }
    return size;
}

/* All memory but the image is taken here, once. */
static int take_memory(struct mr_engine *engine, struct mr_error *error)
{
    const struct mr_engine_options *options = &engine->options;
    const struct mr_logic *logic = engine->logic;
    uint64_t blocks_size = mr_blocks_size(MR_FRAME_BYTES_MAX);
    uint64_t marks = (uint64_t)options->input_slots * sizeof(uint32_t);
    uint64_t futures = options->input_slots * sizeof *engine->futures.accepted +
                       options->futures_max * sizeof *engine->futures.sequenced;
    uint64_t queries = options->queries_max * sizeof *engine->queries.seats;
    uint64_t total = blocks_size + marks + futures + queries +
                     (uint64_t)options->input_slots * mr_align_up(input_slot_size(engine), 64) +
                     (uint64_t)options->output_slots * mr_align_up(output_slot_size(logic), 64) +
                     MR_BLOCK_SLOTS * mr_align_up(sizeof(struct mr_block), 64) + (64U << 10);
    int status = mr_arena_init(&engine->arena, total, error);
    if (status != MR_OK) {
        return status;
    }
    engine->sequencer.memory = (struct mr_blocks){
        .bytes = mr_arena_take(&engine->arena, blocks_size, 4096), .size = blocks_size};
    status = make_ring(engine, &engine->input, options->input_slots, input_slot_size(engine),
                       MR_PRODUCER_MULTI, error);
    if (status == MR_OK) {
        status = make_ring(engine, &engine->blocks, MR_BLOCK_SLOTS, sizeof(struct mr_block),
                           MR_PRODUCER_SINGLE, error);
    }
    if (status == MR_OK) {
        status = make_ring(engine, &engine->output, options->output_slots, output_slot_size(logic),
                           MR_PRODUCER_SINGLE, error);
    }
    engine->futures.accepted = mr_arena_take(
        &engine->arena, options->input_slots * sizeof *engine->futures.accepted, MR_PADDING);
    engine->futures.sequenced = mr_arena_take(
        &engine->arena, options->futures_max * sizeof *engine->futures.sequenced, MR_PADDING);
    engine->futures.mask = options->futures_max - 1;
    engine->futures.next_sequence = MR_NO_FUTURE;
    engine->queries.seats = mr_arena_take(
        &engine->arena, options->queries_max * sizeof *engine->queries.seats, MR_PADDING);
    engine->queries.mask = options->queries_max - 1;
    mr_arena_seal(&engine->arena);
    return status;
}

/* Who follows whom: the shape of the pipeline. */
static int connect_stages(struct mr_engine *engine, struct mr_error *error)
{
    struct mr_consumer *journaled[] = {&engine->journaling.blocks};
    const struct mr_consumer_options after_journal = {.after = journaled, .after_count = 1};
    int status = mr_ring_consumer_add(&engine->input, &engine->sequencer.input, NULL, error);
    if (status == MR_OK) {
        status = mr_ring_consumer_add(&engine->blocks, &engine->journaling.blocks, NULL, error);
    }
    if (status == MR_OK) {
        status =
            mr_ring_consumer_add(&engine->blocks, &engine->applying.blocks, &after_journal, error);
    }
    if (status == MR_OK && engine->options.output == MR_OUTPUT_POLL) {
        status = mr_ring_consumer_add(&engine->output, &engine->reader, NULL, error);
        mr_atomic_store(&engine->readers, (uint32_t)MR_READER_POLLER, relaxed);
    }
    return status;
}

/* -- Opening ----------------------------------------------------------------------------------- */

/* From here the sequencer goes on where the journal ends. */
static void take_up(struct mr_engine *engine)
{
    const struct mr_recovery *found = &engine->recovery.journal;
    struct mr_sequencer *sequencer = &engine->sequencer;
    sequencer->next_sequence = found->last_sequence + 1;
    sequencer->next_index = found->last_index + 1;
    sequencer->chain = found->last_digest;
    sequencer->last_time_ns = found->last_time_ns;
    sequencer->window = engine->options.frames_in_flight;
    engine->journaling.appended = mr_ring_cursor(&engine->blocks);
    engine->journaling.index_base = sequencer->next_index - engine->journaling.appended;
}

static int lock_storage(struct mr_engine *engine, struct mr_error *error)
{
    int status = open_storage(engine, error);
    if (status == MR_OK) {
        status = engine->storage->calls->lock(engine->storage, engine->options.lock_wait_ms, error);
        engine->locked = status == MR_OK;
    }
    return status;
}

static int build(struct mr_engine *engine, struct mr_error *error)
{
    int status =
        engine->options.durability != MR_DURABILITY_NONE ? lock_storage(engine, error) : MR_OK;
    if (status == MR_OK) {
        status = take_memory(engine, error);
    }
    if (status == MR_OK) {
        status = connect_stages(engine, error);
    }
    if (status == MR_OK) {
        status = open_journal(engine, error);
    }
    if (status == MR_OK) {
        status = find_genesis(engine, error);
    }
    if (status == MR_OK) {
        status = mr_applier_init(&engine->applying.applier, engine->logic, engine->genesis, error);
    }
    return status;
}

static int recover_or_begin(struct mr_engine *engine, struct mr_error *error)
{
    const struct mr_genesis *genesis = mr_command_body(engine->genesis);
    engine->clock_kind = (enum mr_clock_kind)genesis->clock;
    if (engine->recovery.journal.last_index > 0) {
        int status = mr_engine_recover(engine, error);
        if (status == MR_OK) {
            take_up(engine);
        }
        return status;
    }
    /* The first command takes the path of all others. */
    take_up(engine);
    return mr_engine_submit(engine, engine->genesis, NULL);
}

int mr_engine_open(const struct mr_engine_options *options, struct mr_engine **engine_out,
                   struct mr_error *error)
{
    struct mr_engine *engine = aligned_alloc(MR_PADDING, sizeof *engine);
    if (engine == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for an engine");
    }
    memset(engine, 0, sizeof *engine);
    int status = take_options(engine, options, error);
    if (status == MR_OK) {
        status = build(engine, error);
    }
    if (status == MR_OK) {
        status = recover_or_begin(engine, error);
    }
    if (status == MR_OK) {
        status = mr_upgrade_survey(engine, error);
    }
    if (status != MR_OK) {
        mr_watch_refused(engine, status, error);
        mr_engine_close(engine);
        return status;
    }
    mr_watch_ready(engine);
    *engine_out = engine;
    return MR_OK;
}

void mr_engine_close(struct mr_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    ASSERT(!mr_atomic_load(&engine->threads_started, relaxed));
    if (engine->journaling.journal != NULL) {
        mr_journal_close(engine->journaling.journal);
    }
    /* As a crash or a failed start left them. */
    mr_atomic_store(&engine->stopping, true, release);
    if (engine->futures.accepted != NULL) {
        mr_futures_end(engine);
        mr_queries_end(engine);
    }
    mr_subscribers_free(&engine->subscribers);
    mr_applier_free(&engine->applying.applier);
    free(engine->genesis);
    free((void *)engine->obstacles);
    mr_watch_close(engine);
    if (engine->locked) {
        engine->storage->calls->unlock(engine->storage);
    }
    if (engine->own_storage && engine->storage != NULL) {
        engine->storage->calls->destroy(engine->storage);
    }
    mr_arena_free(&engine->arena);
    free(engine);
}

/* -- Asking ------------------------------------------------------------------------------------ */

const struct mr_engine_recovery *mr_engine_recovery_get(const struct mr_engine *engine)
{
    return &engine->recovery;
}

enum mr_stage mr_engine_stage(const struct mr_engine *engine, uint64_t ticket)
{
    /* Acquire: pairs with the releases in release_durable and mr_engine_apply. */
    if (ticket < mr_atomic_load(&engine->applied_ticket, acquire)) {
        return MR_STAGE_APPLIED;
    }
    return ticket < mr_atomic_load(&engine->durable_ticket, acquire) ? MR_STAGE_DURABLE
                                                                     : MR_STAGE_ACCEPTED;
}

uint64_t mr_engine_durable_sequence(const struct mr_engine *engine)
{
    return mr_atomic_load(&engine->durable_sequence, acquire);
}

uint64_t mr_engine_applied_sequence(const struct mr_engine *engine)
{
    return mr_atomic_load(&engine->applied_sequence, acquire);
}

const struct mr_image *mr_engine_image(const struct mr_engine *engine)
{
    return engine->applying.applier.image;
}

const struct mr_command *mr_engine_genesis(const struct mr_engine *engine)
{
    return engine->genesis;
}

const struct mr_logic *mr_engine_logic(const struct mr_engine *engine)
{
    return engine->applying.applier.logic;
}

struct mr_digest mr_engine_state_digest(const struct mr_engine *engine)
{
    return mr_image_digest(mr_engine_image(engine), mr_engine_logic(engine));
}

struct mr_digest mr_engine_event_digest(const struct mr_engine *engine)
{
    return engine->applying.applier.digest;
}

const char *mr_engine_storage(const struct mr_engine *engine)
{
    return engine->storage != NULL ? engine->storage->calls->describe(engine->storage)
                                   : "nothing is stored";
}

uint64_t mr_engine_next_timer(const struct mr_engine *engine)
{
    return mr_atomic_load(&engine->next_timer_ns, relaxed);
}

bool mr_engine_space_low(const struct mr_engine *engine, uint64_t *bytes)
{
    uint64_t low = mr_atomic_load(&engine->journaling.space_low, relaxed);
    if (bytes != NULL && low > 0) {
        *bytes = low - 1;
    }
    return low > 0;
}
