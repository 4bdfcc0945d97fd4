/*
 * Whether a catalog is well formed.
 */
#include "base/limits.h"
#include "core/catalog/table.h"
#include "core/memory.h"

/* -- Messages. --------------------------------------------------------------------------------- */

/* Names are words of a-z, 0-9 and _, beginning with a letter. */
static bool is_word(const char *name)
{
    if (name == NULL || name[0] < 'a' || name[0] > 'z') {
        return false;
    }
    for (; *name != 0; name++) {
        bool letter = *name >= 'a' && *name <= 'z';
        bool digit = *name >= '0' && *name <= '9';
        if (!letter && !digit && *name != '_') {
            return false;
        }
    }
    return true;
}

/* The keys that the text form and JSON give to what the headers hold; NULL ends the list. */
static bool is_header_key(const char *name, enum mr_table table)
{
    static const char *const commands[] = {"sequence",    "time", "session", "request", "cause",
                                           "correlation", "role", "version", "more",    "type",
                                           "body",        "tail", "config",  NULL};
    static const char *const events[] = {"event",        "sequence", "time",
                                         "type",         "version",  "aggregate",
                                         "aggregate_id", "previous", "aggregate_sequence",
                                         "correlation",  "body",     NULL};
    static const char *const queries[] = {"not_before", "type", "version", "body", NULL};
    static const char *const rows[] = {"type", "version", "body", NULL};
    static const char *const *const keys[] = {commands, events, queries, rows, commands};
    for (const char *const *key = keys[table]; *key != NULL; key++) {
        if (mr_same_text(name, mr_length(name), *key)) {
            return true;
        }
    }
    return false;
}

/* Of the values of an enum8, and of the bits of a flags16. The names of flags stand in lists with
 * commas between, where numbers stand, too. */
static const char *names_flaw(const struct mr_field *field)
{
    bool flags = field->kind == MR_FIELD_flags16;
    if ((field->kind == MR_FIELD_enum8 || flags) != (field->names != NULL)) {
        return "catalog: an enum8 or flags16 has no names, or another field has";
    }
    if (!flags) {
        return NULL;
    }
    if (field->size != 2 || field->names->count > 16) {
        return "catalog: flags16 are 2 bytes, whose bits have names at the places 0 to 15";
    }
    for (uint32_t i = 0; i < field->names->count; i++) {
        const char *name = field->names->names[i];
        if (name != NULL && !is_word(name)) {
            return "catalog: a flag's name is no word";
        }
        for (uint32_t j = 0; name != NULL && j < i; j++) {
            const char *other = field->names->names[j];
            if (other != NULL && mr_same_text(name, mr_length(name), other)) {
                return "catalog: two flags of a field have one name";
            }
        }
    }
    return NULL;
}

static const char *field_flaw(const struct mr_message *message, enum mr_table table, uint32_t at,
                              uint32_t offset)
{
    const struct mr_field *field = &message->fields[at];
    if (field->offset != offset || field->offset + field->size > message->size) {
        return "catalog: the fields of a message do not follow each other";
    }
    if (!is_word(field->name) || is_header_key(field->name, table)) {
        return "catalog: a field has no proper name, or one that headers use";
    }
    const char *flaw = names_flaw(field);
    if (flaw != NULL) {
        return flaw;
    }
    for (uint32_t i = 0; i < at; i++) {
        if (mr_same_text(field->name, mr_length(field->name), message->fields[i].name)) {
            return "catalog: two fields of a message have one name";
        }
    }
    return NULL;
}

/* The most bytes that the body of such a message may have. */
static uint32_t body_size_max(enum mr_table table)
{
    switch (table) {
    case MR_TABLE_EVENTS:
        return MR_EVENT_SIZE_MAX - MR_EVENT_HEADER;
    case MR_TABLE_ROWS: /* as small as events: the one and the other go over the wire */
        return MR_EVENT_SIZE_MAX - MR_ROW_HEADER;
    case MR_TABLE_QUERIES:
        return MR_COMMAND_SIZE_MAX - MR_QUERY_HEADER;
    case MR_TABLE_COMMANDS:
    case MR_TABLE_NONE:
    default:
        return MR_COMMAND_SIZE_MAX - MR_COMMAND_HEADER;
    }
}

static const char *message_flaw(const struct mr_message *message, enum mr_table table)
{
    if (!is_word(message->name) || mr_starts_with(message->name, "type_")) {
        return "catalog: a message has no proper name, or one like type_1, which unknown types get";
    }
    if (table == MR_TABLE_COMMANDS && message->version > MR_COMMAND_VERSION_MAX) {
        return "catalog: a command's version is above 127, the highest that its header holds";
    }
    if (message->field_count > MR_FIELDS_MAX) {
        return "catalog: a message has more than 64 fields";
    }
    if (message->size % 8 != 0 || message->size > body_size_max(table)) {
        return "catalog: the size of a body is no multiple of 8, or too large";
    }
    uint32_t offset = 0;
    for (uint32_t i = 0; i < message->field_count; i++) {
        const char *flaw = field_flaw(message, table, i, offset);
        if (flaw != NULL) {
            return flaw;
        }
        offset += message->fields[i].size;
    }
    return offset == message->size ? NULL : "catalog: the fields do not fill the body";
}

const char *mr_message_flaw(const struct mr_message *message, bool event)
{
    return message_flaw(message, event ? MR_TABLE_EVENTS : MR_TABLE_NONE);
}

static const char *table_flaw(const struct mr_catalog *catalog, enum mr_table table)
{
    struct mr_messages messages = mr_table_of(catalog, table);
    for (uint32_t i = 0; i < messages.count; i++) {
        const struct mr_message *message = &messages.list[i];
        const char *flaw = message_flaw(message, table);
        if (flaw != NULL) {
            return flaw;
        }
        if (message->type != MR_CATALOG_LOGIC_FIRST + i) {
            return "catalog: types do not rise from 64 without gaps";
        }
        if (mr_table_named(catalog, table, message->name, mr_length(message->name)) != message) {
            return "catalog: two messages have one name";
        }
    }
    return NULL;
}

/* -- Aggregates. ------------------------------------------------------------------------------- */

/* Whether `at` is the offset, plus 1, of a u64 field. */
static bool is_number_at(const struct mr_message *message, uint16_t at)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        if (field->offset + 1U == at && field->kind == MR_FIELD_u64) {
            return true;
        }
    }
    return false;
}

/* A command says all about the aggregate that it is for, or nothing. */
static const char *target_flaw(const struct mr_catalog *catalog, const struct mr_message *command)
{
    if ((command->aggregate_kind == 0) != (command->aggregate_at == 0) ||
        (command->expected_at != 0 && command->aggregate_at == 0)) {
        return "catalog: a command lacks the kind of its aggregate, or the field that says which";
    }
    if (command->aggregate_kind == 0) {
        return NULL;
    }
    if (mr_catalog_aggregate(catalog, command->aggregate_kind) == NULL) {
        return "catalog: a command is for an unknown kind of aggregate";
    }
    if (!is_number_at(command, command->aggregate_at) ||
        (command->expected_at != 0 && !is_number_at(command, command->expected_at)) ||
        command->aggregate_at == command->expected_at) {
        return "catalog: an aggregate's number and its expected version are u64 fields, each its "
               "own";
    }
    return NULL;
}

static const char *targets_flaw(const struct mr_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->command_count; i++) {
        const char *flaw = target_flaw(catalog, &catalog->commands[i]);
        if (flaw != NULL) {
            return flaw;
        }
    }
    for (enum mr_table table = MR_TABLE_EVENTS; table < MR_TABLES; table++) {
        struct mr_messages messages = mr_table_of(catalog, table);
        for (uint32_t i = 0; i < messages.count; i++) {
            const struct mr_message *message = &messages.list[i];
            if (message->aggregate_at != 0 || message->expected_at != 0 ||
                (message->aggregate_kind != 0 && table != MR_TABLE_EVENTS)) {
                return "catalog: an aggregate's number and its expected version are for commands";
            }
        }
    }
    return NULL;
}

static const char *aggregates_flaw(const struct mr_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->aggregate_count; i++) {
        const struct mr_aggregate_kind *aggregate = &catalog->aggregates[i];
        if (!is_word(aggregate->name) || aggregate->kind < MR_CATALOG_LOGIC_FIRST) {
            return "catalog: aggregates need words for names and kinds from 64";
        }
    }
    for (uint32_t i = 0; i < catalog->event_count; i++) {
        uint16_t kind = catalog->events[i].aggregate_kind;
        if (kind != 0 && mr_catalog_aggregate(catalog, kind) == NULL) {
            return "catalog: an event belongs to an unknown kind of aggregate";
        }
    }
    return NULL;
}

/* -- The whole. -------------------------------------------------------------------------------- */

static const char *reasons_flaw(const struct mr_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->reason_count; i++) {
        const struct mr_reason *reason = &catalog->reasons[i];
        if (!is_word(reason->name) || reason->code < MR_CATALOG_LOGIC_FIRST ||
            mr_catalog_reason(catalog, reason->code) != reason ||
            mr_catalog_reason_named(catalog, reason->name, mr_length(reason->name)) != reason ||
            mr_same_text("none", 4, reason->name)) {
            return "catalog: reasons need words for names and codes from 64, each its own";
        }
    }
    return NULL;
}

const char *mr_catalog_flaw(const struct mr_catalog *catalog)
{
    if (catalog == NULL) {
        return NULL;
    }
    const char *flaw = NULL;
    for (enum mr_table table = MR_TABLE_COMMANDS; flaw == NULL && table < MR_TABLES; table++) {
        flaw = table_flaw(catalog, table);
    }
    flaw = flaw != NULL ? flaw : reasons_flaw(catalog);
    flaw = flaw != NULL ? flaw : aggregates_flaw(catalog);
    return flaw != NULL ? flaw : targets_flaw(catalog);
}
