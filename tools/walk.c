#include "tools/walk.h"

#include "base/limits.h"
#include "base/storage.h"
#include "engine/parts.h"
#include "tools/condition.h"
#include "tools/logics.h"
#include "tools/stop.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int walk_open(struct walk *walk, const char *directory, struct mr_error *error)
{
    *walk = (struct walk){0};
    return mr_storage_open_files(directory, false, &walk->storage, error);
}

int walk_plan(struct walk *walk, struct mr_error *error)
{
    struct condition_progress progress = {0};
    const struct mr_journal_watch watch = {.progress = condition_progress, .context = &progress};
    return mr_journal_inspect(walk->storage, &watch, &walk->plan, &walk->damage, error);
}

static int open_reader(struct walk *walk, uint64_t from, uint64_t from_time_ns, bool follow,
                       struct mr_error *error)
{
    struct mr_reader_options options = {
        .from_sequence = from_time_ns == 0 ? from : 0,
        .from_time_ns = from_time_ns,
        .last_index = walk->plan.last_index,
        .follow = follow,
    };
    if (walk->reader != NULL)
        mr_reader_close(walk->reader);
    walk->reader = NULL;
    return mr_reader_open(walk->storage, &options, &walk->reader, error);
}

int walk_begin(struct walk *walk, uint64_t from, uint64_t from_time_ns, struct mr_error *error)
{
    if (walk->plan.last_index != 0 && from > walk->plan.last_sequence)
        return mr_error_set(error, MR_E_INVALID, "the journal ends at sequence %llu, before %llu",
                            (unsigned long long)walk->plan.last_sequence, (unsigned long long)from);
    return open_reader(walk, from, from_time_ns, false, error);
}

int walk_find_logic(struct walk *walk, struct mr_error *error)
{
    int status = mr_genesis_read(walk->storage, 1, &walk->genesis, &walk->damage, error);
    if (status != MR_OK)
        return status;
    return mr_genesis_logic(walk->genesis, logics_known, &walk->logic, error);
}

void walk_wait(uint32_t us)
{
    const struct timespec time = {.tv_nsec = (long)us * 1000};
    (void)nanosleep(&time, NULL); /* a signal may end it early */
}

/* Until the first entry is durable. */
static int wait_for_genesis(struct walk *walk, struct mr_error *error)
{
    enum { WAIT_US = 20000 };
    const struct mr_entry *entry;
    int status = open_reader(walk, 1, 0, true, error);
    while (status == MR_OK && (status = walk_next(walk, &entry, error)) == MR_AGAIN &&
           !stop_requested()) {
        walk_wait(WAIT_US);
        status = MR_OK;
    }
    return stop_requested() ? MR_AGAIN : status;
}

int walk_follow(struct walk *walk, uint64_t from, uint64_t from_time_ns, struct mr_error *error)
{
    int status = wait_for_genesis(walk, error);
    if (status == MR_OK)
        status = walk_find_logic(walk, error);
    return status == MR_OK ? open_reader(walk, from, from_time_ns, true, error) : status;
}

void walk_close(struct walk *walk)
{
    if (walk->reader != NULL)
        mr_reader_close(walk->reader);
    free(walk->genesis);
    if (walk->storage != NULL)
        walk->storage->calls->destroy(walk->storage);
    *walk = (struct walk){0};
}

/* Why a journal has no genesis to be read: nothing may have been written yet, which its watermarks
 * do not tell. Only then all of it is looked at. */
static int explain(struct walk *walk, const char *directory, int status, struct mr_error *error)
{
    struct mr_error ignored;
    if (walk_plan(walk, &ignored) != MR_OK || walk->plan.last_index != 0)
        return status;
    return mr_error_set(error, MR_E_NOT_FOUND, "%s: the journal holds no command yet", directory);
}

int walk_newest_logic(const char *directory, const struct mr_logic **logic, struct mr_error *error)
{
    struct walk walk;
    int status = walk_open(&walk, directory, error);
    if (status == MR_OK) {
        status = walk_find_logic(&walk, error);
        if (status == MR_E_CORRUPT)
            status = explain(&walk, directory, status, error);
    }
    const struct mr_logic *const *known = logics_known;
    while (status == MR_OK && *known != NULL && strcmp((*known)->name, walk.logic->name) != 0)
        known++;
    *logic = status == MR_OK && *known != NULL ? *known : walk.logic;
    walk_close(&walk);
    return status;
}

bool walk_entry_is_sound(const struct mr_entry *entry)
{
    const unsigned char *next = mr_entry_commands(entry);
    uint64_t left = entry->length - MR_ENTRY_SIZE;
    uint64_t time_ns = 0;
    uint32_t open = 0; /* commands of a batch that is to go on */
    for (uint32_t i = 0; i < entry->count; i++) {
        const struct mr_command *command = mr_command_at(next, left);
        if (command == NULL || command->sequence != entry->first_sequence + i ||
            command->time_ns < time_ns || (open > 0 && command->time_ns != time_ns) ||
            open == MR_BATCH_COMMANDS_MAX)
            return false;
        open = command->more ? open + 1 : 0;
        time_ns = command->time_ns;
        next += command->length;
        left -= command->length;
    }
    return left == 0 && open == 0 && time_ns == entry->time_ns;
}

int walk_next(struct walk *walk, const struct mr_entry **entry, struct mr_error *error)
{
    int status = mr_reader_next(walk->reader, entry, &walk->damage, error);
    if (status != MR_OK || walk_entry_is_sound(*entry))
        return status;
    walk->damage = (struct mr_damage){.sequence = (*entry)->first_sequence};
    return mr_error_set(
        error, MR_E_CORRUPT, "entry %llu, from sequence %llu on: its commands do not make it up",
        (unsigned long long)(*entry)->index, (unsigned long long)(*entry)->first_sequence);
}

bool walk_commands(const struct mr_entry *entry, uint64_t from, uint64_t to,
                   bool (*each)(void *context, const struct mr_command *command), void *context)
{
    const unsigned char *next = mr_entry_commands(entry);
    for (uint32_t i = 0; i < entry->count; i++) {
        const struct mr_command *command = (const struct mr_command *)(const void *)next;
        next += command->length;
        if (command->sequence >= from && command->sequence <= to && !each(context, command))
            return false;
    }
    return true;
}
