#include "tools/walk.h"

#include "base/storage.h"
#include "engine/parts.h"
#include "tools/logics.h"

#include <stdlib.h>

int walk_open(struct walk *walk, const char *directory, struct mr_error *error)
{
    *walk = (struct walk){0};
    int status = mr_storage_open_files(directory, false, &walk->storage, error);
    if (status != MR_OK)
        return status;
    return mr_journal_plan(walk->storage, &walk->plan, &walk->damage, error);
}

int walk_begin(struct walk *walk, uint64_t from, struct mr_error *error)
{
    if (from > walk->plan.last_sequence)
        return mr_error_set(error, MR_E_INVALID, "the journal ends at sequence %llu, before %llu",
                            (unsigned long long)walk->plan.last_sequence, (unsigned long long)from);
    return mr_reader_open(
        walk->storage,
        &(struct mr_reader_options){.from_sequence = from, .last_index = walk->plan.last_index},
        &walk->reader, error);
}

int walk_find_logic(struct walk *walk, struct mr_error *error)
{
    int status =
        mr_genesis_read(walk->storage, walk->plan.last_index, &walk->genesis, &walk->damage, error);
    if (status != MR_OK)
        return status;
    return mr_genesis_logic(walk->genesis, logics_known, &walk->logic, error);
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

/* What a checksum does not see: an entry that was written wrong. */
static bool is_sound(const struct mr_entry *entry)
{
    const unsigned char *next = mr_entry_commands(entry);
    uint64_t left = entry->length - MR_ENTRY_SIZE;
    uint64_t time_ns = 0;
    for (uint32_t i = 0; i < entry->count; i++) {
        const struct mr_command *command = mr_command_at(next, left);
        if (command == NULL || command->sequence != entry->first_sequence + i ||
            command->time_ns < time_ns)
            return false;
        time_ns = command->time_ns;
        next += command->length;
        left -= command->length;
    }
    return left == 0 && time_ns == entry->time_ns;
}

int walk_next(struct walk *walk, const struct mr_entry **entry, struct mr_error *error)
{
    int status = mr_reader_next(walk->reader, entry, &walk->damage, error);
    if (status != MR_OK || is_sound(*entry))
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
