/*
 * Replay: a directory's journal applied to a fresh image, with no engine around it. Writes nothing.
 */
#include "engine/parts.h"

#include <stdlib.h>
#include <string.h>

struct mr_replay {
    struct mr_replay_options options;
    struct mr_storage *storage;
    bool own_storage;
    struct mr_recovery plan;
    struct mr_command *genesis;
    struct mr_applier applier;
    struct mr_entry *cut; /* the last entry, cut short at options.to; NULL: not needed */
};

static uint32_t give_events(void *context, const unsigned char *events, uint32_t size)
{
    const struct mr_engine_handlers *handlers = context;
    for (uint32_t at = 0; handlers->event != NULL && at < size;) {
        const struct mr_event *event = (const struct mr_event *)(const void *)(events + at);
        handlers->event(handlers->context, event);
        at += event->length;
    }
    return size;
}

static bool give_answer(void *context, const struct mr_answer *answer)
{
    const struct mr_engine_handlers *handlers = context;
    if (handlers->answer != NULL) {
        handlers->answer(handlers->context, answer);
    }
    return true;
}

/* A copy of `entry` that ends with sequence `to`. */
static const struct mr_entry *cut_entry(struct mr_replay *replay, const struct mr_entry *entry,
                                        uint64_t to)
{
    replay->cut = malloc(entry->length);
    if (replay->cut != NULL) {
        memcpy(replay->cut, entry, entry->length);
        replay->cut->count = (uint32_t)(to - entry->first_sequence + 1);
    }
    return replay->cut;
}

/* Applies an entry; where somebody wants to see the commands, one at a time. */
static int apply_entry(struct mr_replay *replay, const struct mr_entry *entry,
                       const struct mr_sink *sink, struct mr_error *error)
{
    const struct mr_replay_options *options = &replay->options;
    struct mr_applier *applier = &replay->applier;
    const unsigned char *next = (const unsigned char *)mr_entry_commands(entry);
    const unsigned char *end = (const unsigned char *)entry + entry->length;
    if (options->command == NULL) {
        return mr_applier_entry(applier, entry, UINT32_MAX, sink, error);
    }
    int status = MR_AGAIN;
    for (uint32_t i = 0; i < entry->count && status == MR_AGAIN; i++) {
        const struct mr_command *command = mr_command_at(next, (uint64_t)(end - next));
        if (command != NULL) { /* else the applier says what is wrong */
            options->command(options->handlers.context, command);
            next += command->length;
        }
        do {
            status = mr_applier_entry(applier, entry, 1, sink, error);
        } while (status == MR_AGAIN && applier->left > entry->count - 1 - i);
    }
    return status == MR_AGAIN ? mr_applier_entry(applier, entry, 1, sink, error) : status;
}

static int apply_all(struct mr_replay *replay, struct mr_reader *reader, struct mr_damage *damage,
                     struct mr_error *error)
{
    const struct mr_replay_options *options = &replay->options;
    struct mr_engine_handlers handlers = options->handlers;
    const struct mr_sink sink = {
        .events = give_events, .answer = give_answer, .context = &handlers};
    uint64_t to = options->to != 0 && options->to < replay->plan.last_sequence
                      ? options->to
                      : replay->plan.last_sequence;
    const struct mr_entry *entry;
    uint64_t done = 0;
    int status = MR_OK;
    while (done < to && (status = mr_reader_next(reader, &entry, damage, error)) == MR_OK) {
        if (mr_entry_last_sequence(entry) > to && (entry = cut_entry(replay, entry, to)) == NULL) {
            return mr_error_set(error, MR_E_NO_MEMORY, "no memory for an entry");
        }
        status = apply_entry(replay, entry, &sink, error);
        if (status == MR_OK && options->entry != NULL) {
            status = options->entry(options->handlers.context, replay, error);
        }
        if (status != MR_OK) {
            return status;
        }
        done = mr_entry_last_sequence(entry);
        if (options->progress != NULL && entry->index % 64 == 0) {
            options->progress(options->progress_context, done, to);
        }
    }
    return status == MR_AGAIN ? MR_OK : status;
}

static int run(struct mr_replay *replay, struct mr_damage *damage, struct mr_error *error)
{
    int status = mr_journal_plan(replay->storage, &replay->plan, damage, error);
    if (status != MR_OK) {
        return status;
    }
    if (replay->plan.last_index == 0) {
        return mr_error_set(error, MR_E_NOT_FOUND, "the journal holds no command yet");
    }
    if (replay->options.to > replay->plan.last_sequence) {
        return mr_error_set(error, MR_E_INVALID, "the journal ends at sequence %llu, before %llu",
                            (unsigned long long)replay->plan.last_sequence,
                            (unsigned long long)replay->options.to);
    }
    status =
        mr_genesis_read(replay->storage, replay->plan.last_index, &replay->genesis, damage, error);
    const struct mr_logic *logic = NULL;
    if (status == MR_OK) {
        status = mr_genesis_logic(replay->genesis, replay->options.logics, &logic, error);
    }
    if (status == MR_OK) {
        status = mr_applier_init(&replay->applier, logic, replay->genesis, error);
    }
    struct mr_reader *reader = NULL;
    if (status == MR_OK) {
        status = mr_reader_open(replay->storage,
                                &(struct mr_reader_options){.last_index = replay->plan.last_index},
                                &reader, error);
    }
    if (status == MR_OK) {
        status = apply_all(replay, reader, damage, error);
        mr_reader_close(reader);
    }
    return status;
}

int mr_replay_open(const struct mr_replay_options *options, struct mr_replay **replay_out,
                   struct mr_damage *damage, struct mr_error *error)
{
    struct mr_replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for a replay");
    }
    replay->options = *options;
    replay->storage = options->storage;
    int status = MR_OK;
    if (replay->storage == NULL) {
        replay->own_storage = true;
        status = mr_storage_open_files(options->directory, false, &replay->storage, error);
    }
    if (status == MR_OK) {
        status = run(replay, damage, error);
    }
    if (status != MR_OK) {
        mr_replay_close(replay);
        return status;
    }
    *replay_out = replay;
    return MR_OK;
}

const struct mr_image *mr_replay_image(const struct mr_replay *replay)
{
    return replay->applier.image;
}

const struct mr_logic *mr_replay_logic(const struct mr_replay *replay)
{
    return replay->applier.logic;
}

const struct mr_recovery *mr_replay_plan(const struct mr_replay *replay)
{
    return &replay->plan;
}

struct mr_digest mr_replay_state_digest(const struct mr_replay *replay)
{
    return mr_image_digest(replay->applier.image, replay->applier.logic);
}

struct mr_digest mr_replay_event_digest(const struct mr_replay *replay)
{
    return replay->applier.digest;
}

uint64_t mr_replay_digests_checked(const struct mr_replay *replay)
{
    return replay->applier.digests_checked;
}

void mr_replay_close(struct mr_replay *replay)
{
    if (replay == NULL) {
        return;
    }
    mr_applier_free(&replay->applier);
    free(replay->genesis);
    free(replay->cut);
    if (replay->own_storage && replay->storage != NULL) {
        replay->storage->calls->destroy(replay->storage);
    }
    free(replay);
}
