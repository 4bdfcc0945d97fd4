/*
 * An input that is a whole dump, genesis included, makes the journal that it was taken from anew.
 * When the directory has some of it already, that must be what the input begins with; the rest
 * follows.
 */
#include "tools/run_parts.h"

#include "base/storage.h"
#include "engine/applier.h"
#include "tools/output.h"

#include <string.h>

static bool same_body(const struct mr_command *a, const struct mr_command *b)
{
    return a->length == b->length && a->type == b->type && a->version == b->version &&
           memcmp(mr_command_body(a), mr_command_body(b), a->length - MR_COMMAND_HEADER) == 0;
}

/* All but sequence and time; batches included. */
static bool same_command(const struct mr_command *a, const struct mr_command *b)
{
    return same_body(a, b) && a->more == b->more && a->role == b->role &&
           a->session == b->session && a->request == b->request &&
           a->correlation == b->correlation && a->cause == b->cause;
}

static int differ(const struct run *run, uint64_t sequence, struct mr_error *error)
{
    return mr_error_set(
        error, MR_E_MISMATCH,
        "%s holds another journal than '%s' (they differ at sequence %llu): nothing "
        "was changed; name that input, or another directory",
        run->settings->data, run->settings->input, (unsigned long long)sequence);
}

/* Ticks are the engine's where the clock is the machine's, and each a batch by itself: they are not
 * compared. */
static bool is_tick(const struct run *run, const struct mr_command *command, bool amid)
{
    return command->type == MR_COMMAND_TICK && run->clock == MR_CLOCK_WALL && !command->more &&
           !amid;
}

/* The input's next batch, in run->batch; MR_E_MISMATCH when there is none. */
static int next_of_input(struct run *run, uint64_t sequence, struct mr_error *error)
{
    for (;;) {
        switch (run_batch_next(run, error)) {
        case SOURCE_COMMAND:
            return MR_OK;
        case SOURCE_BAD:
            if (run->settings->on_error == RUN_ON_ERROR_STOP) {
                return error->code;
            }
            break;
        case SOURCE_END:
        case SOURCE_WAIT:
            return differ(run, sequence, error);
        case SOURCE_FAILED:
            return error->code;
        }
    }
}

/* A command of the journal, which is not a tick; *at of the input's batch are compared already. */
static int compare_command(struct run *run, const struct mr_command *stored, uint32_t *at,
                           struct mr_error *error)
{
    if (stored->sequence == 1) {
        return same_body(stored, run->source->genesis) ? MR_OK : differ(run, 1, error);
    }
    if (*at == run->batch.count) {
        batch_clear(&run->batch);
        *at = 0;
        int status = next_of_input(run, stored->sequence, error);
        if (status != MR_OK) {
            return status;
        }
    }
    run->done_before++;
    return same_command(stored, run->batch.commands[(*at)++])
               ? MR_OK
               : differ(run, stored->sequence, error);
}

/* An entry holds whole batches, and so does what is compared with it. */
static int compare_entry(struct run *run, const struct mr_entry *entry, struct mr_error *error)
{
    const unsigned char *next = mr_entry_commands(entry);
    uint64_t left = entry->length - MR_ENTRY_SIZE;
    bool amid = false;
    uint32_t at = 0;
    for (uint32_t i = 0; i < entry->count; i++) {
        const struct mr_command *stored = mr_command_at(next, left);
        if (stored == NULL) {
            return mr_error_set(error, MR_E_CORRUPT,
                                "entry %llu holds something that is no command",
                                (unsigned long long)entry->index);
        }
        int status = is_tick(run, stored, amid) ? MR_OK : compare_command(run, stored, &at, error);
        if (status != MR_OK) {
            return status;
        }
        amid = stored->more;
        next += stored->length;
        left -= stored->length;
    }
    batch_clear(&run->batch);
    return MR_OK;
}

static int compare_all(struct run *run, struct mr_reader *reader, struct mr_error *error)
{
    const struct mr_entry *entry;
    int status;
    while ((status = mr_reader_next(reader, &entry, NULL, error)) == MR_OK) {
        status = compare_entry(run, entry, error);
        if (status != MR_OK) {
            return status;
        }
        progress_of_sequences(NULL, mr_entry_last_sequence(entry), run->sequence_before);
    }
    return status == MR_AGAIN ? MR_OK : status;
}

int run_dump_prepare(struct run *run, struct mr_error *error)
{
    const struct mr_recovery *found = &run->report->recovery.journal;
    if (found->last_index == 0) {
        return MR_OK;
    }
    struct mr_storage *storage;
    struct mr_reader *reader;
    int status = mr_storage_open_files(run->settings->data, false, &storage, error);
    if (status != MR_OK) {
        return status;
    }
    status = mr_reader_open(storage, &(struct mr_reader_options){.last_index = found->last_index},
                            &reader, error);
    if (status == MR_OK) {
        status = compare_all(run, reader, error);
        mr_reader_close(reader);
    }
    storage->calls->destroy(storage);
    return status;
}
