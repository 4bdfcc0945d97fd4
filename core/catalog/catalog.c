/*
 * Finding things in a catalog, and telling whether it is well formed. None of it is for the hot
 * path.
 */
#include "base/limits.h"
#include "core/memory.h"

#include <millrace/common.h>

static const struct mr_message *of_type(const struct mr_message *messages, uint32_t count,
                                        uint16_t type)
{
    for (uint32_t i = 0; i < count; i++) {
        if (messages[i].type == type) {
            return &messages[i];
        }
    }
    return NULL;
}

static const struct mr_message *of_name(const struct mr_message *messages, uint32_t count,
                                        const char *name, size_t length)
{
    for (uint32_t i = 0; i < count; i++) {
        if (mr_same_text(name, length, messages[i].name)) {
            return &messages[i];
        }
    }
    return NULL;
}

const struct mr_message *mr_catalog_command(const struct mr_catalog *catalog, uint16_t type)
{
    if (type < MR_CATALOG_LOGIC_FIRST) {
        catalog = &mr_catalog_common;
    }
    return catalog == NULL ? NULL : of_type(catalog->commands, catalog->command_count, type);
}

const struct mr_message *mr_catalog_event(const struct mr_catalog *catalog, uint16_t type)
{
    if (type < MR_CATALOG_LOGIC_FIRST) {
        catalog = &mr_catalog_common;
    }
    return catalog == NULL ? NULL : of_type(catalog->events, catalog->event_count, type);
}

const struct mr_message *mr_catalog_command_named(const struct mr_catalog *catalog,
                                                  const char *name, size_t length)
{
    const struct mr_catalog *common = &mr_catalog_common;
    const struct mr_message *found = of_name(common->commands, common->command_count, name, length);
    return found != NULL || catalog == NULL
               ? found
               : of_name(catalog->commands, catalog->command_count, name, length);
}

const struct mr_message *mr_catalog_event_named(const struct mr_catalog *catalog, const char *name,
                                                size_t length)
{
    const struct mr_catalog *common = &mr_catalog_common;
    const struct mr_message *found = of_name(common->events, common->event_count, name, length);
    return found != NULL || catalog == NULL
               ? found
               : of_name(catalog->events, catalog->event_count, name, length);
}

const struct mr_reason *mr_catalog_reason(const struct mr_catalog *catalog, uint32_t code)
{
    if (code < MR_CATALOG_LOGIC_FIRST) {
        catalog = &mr_catalog_common;
    }
    for (uint32_t i = 0; catalog != NULL && i < catalog->reason_count; i++) {
        if (catalog->reasons[i].code == code) {
            return &catalog->reasons[i];
        }
    }
    return NULL;
}

const struct mr_reason *mr_catalog_reason_named(const struct mr_catalog *catalog, const char *name,
                                                size_t length)
{
    const struct mr_catalog *both[] = {&mr_catalog_common, catalog};
    for (uint32_t i = 0; i < 2 && both[i] != NULL; i++) {
        for (uint32_t j = 0; j < both[i]->reason_count; j++) {
            if (mr_same_text(name, length, both[i]->reasons[j].name)) {
                return &both[i]->reasons[j];
            }
        }
    }
    return NULL;
}

const char *mr_catalog_reason_name(const struct mr_catalog *catalog, uint32_t code)
{
    const struct mr_reason *reason = mr_catalog_reason(catalog, code);
    if (reason != NULL) {
        return reason->name;
    }
    return code == 0 ? "none" : "unknown";
}

const struct mr_aggregate_kind *mr_catalog_aggregate(const struct mr_catalog *catalog,
                                                     uint16_t kind)
{
    if (kind < MR_CATALOG_LOGIC_FIRST) {
        catalog = &mr_catalog_common;
    }
    for (uint32_t i = 0; catalog != NULL && i < catalog->aggregate_count; i++) {
        if (catalog->aggregates[i].kind == kind) {
            return &catalog->aggregates[i];
        }
    }
    return NULL;
}

/* -- Flaws. ------------------------------------------------------------------------------------ */

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

/* The keys that the text form and JSON give to what the headers of commands and events hold. */
static bool is_header_key(const char *name, bool event)
{
    static const char *const of_commands[] = {"sequence",    "time",  "session", "request",
                                              "correlation", "cause", "role",    "version",
                                              "type",        "body",  "tail",    "config"};
    static const char *const of_events[] = {
        "event",        "sequence",           "time",     "type",        "version", "aggregate",
        "aggregate_id", "aggregate_sequence", "previous", "correlation", "body"};
    const char *const *keys = event ? of_events : of_commands;
    uint32_t count =
        event ? sizeof of_events / sizeof of_events[0] : sizeof of_commands / sizeof of_commands[0];
    for (uint32_t i = 0; i < count; i++) {
        if (mr_same_text(name, mr_length(name), keys[i])) {
            return true;
        }
    }
    return false;
}

static const char *field_flaw(const struct mr_message *message, bool event, uint32_t at,
                              uint32_t offset)
{
    const struct mr_field *field = &message->fields[at];
    if (field->offset != offset || field->offset + field->size > message->size) {
        return "catalog: the fields of a message do not follow each other";
    }
    if (!is_word(field->name) || is_header_key(field->name, event)) {
        return "catalog: a field has no proper name, or one that headers use";
    }
    if ((field->kind == MR_FIELD_enum8) != (field->names != NULL)) {
        return "catalog: an enum8 has no names, or another field has";
    }
    for (uint32_t i = 0; i < at; i++) {
        if (mr_same_text(field->name, mr_length(field->name), message->fields[i].name)) {
            return "catalog: two fields of a message have one name";
        }
    }
    return NULL;
}

const char *mr_message_flaw(const struct mr_message *message, bool event)
{
    if (!is_word(message->name) || mr_starts_with(message->name, "type_")) {
        return "catalog: a message has no proper name, or one like type_1, which unknown types get";
    }
    if (message->field_count > MR_FIELDS_MAX) {
        return "catalog: a message has more than 64 fields";
    }
    if (message->size % 8 != 0 || message->size > MR_COMMAND_SIZE_MAX - MR_COMMAND_HEADER) {
        return "catalog: the size of a body is no multiple of 8, or too large";
    }
    uint32_t offset = 0;
    for (uint32_t i = 0; i < message->field_count; i++) {
        const char *flaw = field_flaw(message, event, i, offset);
        if (flaw != NULL) {
            return flaw;
        }
        offset += message->fields[i].size;
    }
    return offset == message->size ? NULL : "catalog: the fields do not fill the body";
}

static const char *messages_flaw(const struct mr_message *messages, uint32_t count, bool event,
                                 const struct mr_message *common, uint32_t common_count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_message *message = &messages[i];
        const char *flaw = mr_message_flaw(message, event);
        if (flaw != NULL) {
            return flaw;
        }
        if (message->type != MR_CATALOG_LOGIC_FIRST + i) {
            return "catalog: types do not rise from 64 without gaps";
        }
        size_t length = mr_length(message->name);
        if (of_name(messages, i, message->name, length) != NULL ||
            of_name(common, common_count, message->name, length) != NULL) {
            return "catalog: two messages have one name";
        }
    }
    return NULL;
}

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

const char *mr_catalog_flaw(const struct mr_catalog *catalog)
{
    const struct mr_catalog *common = &mr_catalog_common;
    if (catalog == NULL) {
        return NULL;
    }
    const char *flaw = messages_flaw(catalog->commands, catalog->command_count, false,
                                     common->commands, common->command_count);
    if (flaw == NULL) {
        flaw = messages_flaw(catalog->events, catalog->event_count, true, common->events,
                             common->event_count);
    }
    if (flaw == NULL) {
        flaw = reasons_flaw(catalog);
    }
    return flaw != NULL ? flaw : aggregates_flaw(catalog);
}
