/*
 * Genesis: the first command of a journal says which logic, in which version and with which limits,
 * everything after it belongs to.
 */
#include "engine/parts.h"

#include <stdlib.h>
#include <string.h>

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

uint32_t mr_genesis_length(const struct mr_engine_options *options)
{
    if (options->genesis != NULL) {
        return options->genesis->length;
    }
    const struct mr_logic *logic = options->logic;
    uint32_t config_size = logic->config == NULL ? 0 : logic->config->size;
    return MR_COMMAND_HEADER + (uint32_t)sizeof(struct mr_genesis) + config_size;
}

/* Of another journal, as it is. */
static int copy_genesis(const struct mr_command *from, struct mr_command **genesis,
                        struct mr_error *error)
{
    *genesis = malloc(from->length);
    if (*genesis == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for the genesis command");
    }
    memcpy(*genesis, from, from->length);
    return MR_OK;
}

int mr_genesis_build(const struct mr_engine_options *options, const uint8_t id[MR_JOURNAL_ID_SIZE],
                     struct mr_command **genesis, struct mr_error *error)
{
    const struct mr_logic *logic = options->logic;
    if (options->genesis != NULL) {
        return copy_genesis(options->genesis, genesis, error);
    }
    uint32_t config_size = logic->config == NULL ? 0 : logic->config->size;
    uint32_t length = mr_genesis_length(options);
    ASSERT(strlen(logic->name) < 32 && length % 8 == 0);
    struct mr_command *command = calloc(1, length);
    if (command == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for the genesis command");
    }
    command->length = length;
    command->type = MR_COMMAND_GENESIS;
    command->role = MR_ROLE_SYSTEM;
    struct mr_genesis *body = mr_command_body_mutable(command);
    memcpy(body->logic, logic->name, strlen(logic->name));
    memcpy(body->journal, id, MR_JOURNAL_ID_SIZE);
    body->logic_version = logic->version;
    body->layout_version = logic->layout_version;
    body->sessions_max = or_default(options->sessions_max, 64);
    body->answers_max = or_default(options->answers_max, 1024);
    body->timers_max = or_default(options->timers_max, 1024);
    body->session_idle_ns = options->session_idle_ns;
    body->clock = (uint8_t)options->clock_kind;
    body->config_size = config_size;
    if (config_size > 0) {
        if (options->config != NULL) {
            memcpy(body + 1, options->config, config_size);
        } else {
            logic->config_default(body + 1);
        }
    }
    *genesis = command;
    return MR_OK;
}

int mr_genesis_version(const struct mr_logic *newest, uint32_t version, struct mr_error *error)
{
    if (mr_logic_version(newest, version) != NULL) {
        return MR_OK;
    }
    const struct mr_logic *oldest = newest;
    while (oldest->previous != NULL) {
        oldest = oldest->previous;
    }
    return version > newest->version
               ? mr_error_set(error, MR_E_VERSION,
                              "the journal was begun by version %u of the logic '%s'; this "
                              "program knows up to version %u: use a newer one",
                              version, newest->name, newest->version)
               : mr_error_set(error, MR_E_VERSION,
                              "the journal was begun by version %u of the logic '%s', which this "
                              "program has dropped; its oldest is version %u: use one that still "
                              "carries version %u",
                              version, newest->name, oldest->version, version);
}

int mr_genesis_logic(const struct mr_command *command, const struct mr_logic *const *logics,
                     const struct mr_logic **newest, struct mr_error *error)
{
    if (command == NULL || command->type != MR_COMMAND_GENESIS || command->sequence != 1 ||
        command->length < MR_COMMAND_HEADER + sizeof(struct mr_genesis)) {
        return mr_error_set(error, MR_E_CORRUPT,
                            "the journal does not begin with a genesis command");
    }
    const struct mr_genesis *body = mr_command_body(command);
    for (; *logics != NULL; logics++) {
        if (strncmp(body->logic, (*logics)->name, sizeof body->logic) == 0) {
            break;
        }
    }
    if (*logics == NULL) {
        return mr_error_set(
            error, MR_E_MISMATCH,
            "the directory belongs to the logic '%.32s', which is not the one asked "
            "for: name another directory, or run that logic",
            body->logic);
    }
    *newest = *logics;
    return mr_genesis_version(*newest, body->logic_version, error);
}

int mr_genesis_read(struct mr_storage *storage, uint64_t last_index, struct mr_command **genesis,
                    struct mr_damage *damage, struct mr_error *error)
{
    struct mr_reader *reader;
    int status = mr_reader_open(storage, &(struct mr_reader_options){.last_index = last_index},
                                &reader, error);
    if (status != MR_OK) {
        return status;
    }
    const struct mr_entry *entry;
    status = mr_reader_next(reader, &entry, damage, error);
    if (status == MR_OK) {
        const struct mr_command *first =
            mr_command_at(mr_entry_commands(entry), entry->length - MR_ENTRY_SIZE);
        *genesis = first == NULL ? NULL : malloc(first->length);
        if (*genesis != NULL) {
            memcpy(*genesis, first, first->length);
        } else {
            status =
                first == NULL
                    ? mr_error_set(error, MR_E_CORRUPT, "the journal's first entry is no command")
                    : mr_error_set(error, MR_E_NO_MEMORY, "no memory for the genesis command");
        }
    }
    mr_reader_close(reader);
    return status;
}
