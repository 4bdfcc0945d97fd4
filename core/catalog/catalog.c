/*
 * Finding things in a catalog. None of it is for the hot path.
 */
#include "core/catalog/table.h"
#include "core/memory.h"

/* -- Messages. --------------------------------------------------------------------------------- */

struct mr_messages mr_table_of(const struct mr_catalog *catalog, enum mr_table table)
{
    if (catalog == NULL) {
        return (struct mr_messages){0};
    }
    switch (table) {
    case MR_TABLE_COMMANDS:
        return (struct mr_messages){catalog->commands, catalog->command_count};
    case MR_TABLE_EVENTS:
        return (struct mr_messages){catalog->events, catalog->event_count};
    case MR_TABLE_QUERIES:
        return (struct mr_messages){catalog->queries, catalog->query_count};
    case MR_TABLE_ROWS:
        return (struct mr_messages){catalog->rows, catalog->row_count};
    case MR_TABLE_NONE:
    default:
        return (struct mr_messages){0};
    }
}

const struct mr_message *mr_table_find(const struct mr_catalog *catalog, enum mr_table table,
                                       uint16_t type)
{
    struct mr_messages messages =
        mr_table_of(type < MR_CATALOG_LOGIC_FIRST ? &mr_catalog_common : catalog, table);
    for (uint32_t i = 0; i < messages.count; i++) {
        if (messages.list[i].type == type) {
            return messages.list + i;
        }
    }
    return NULL;
}

const struct mr_message *mr_table_named(const struct mr_catalog *catalog, enum mr_table table,
                                        const char *name, size_t length)
{
    const struct mr_catalog *both[] = {&mr_catalog_common, catalog};
    for (uint32_t i = 0; i < 2; i++) {
        struct mr_messages messages = mr_table_of(both[i], table);
        for (uint32_t j = 0; j < messages.count; j++) {
            if (mr_same_text(name, length, messages.list[j].name)) {
                return messages.list + j;
            }
        }
    }
    return NULL;
}

const struct mr_message *mr_table_layout(const struct mr_logic *logic, enum mr_table table,
                                         uint16_t type, uint8_t version)
{
    for (; logic != NULL; logic = logic->previous) {
        const struct mr_message *message = mr_table_find(logic->catalog, table, type);
        if (message != NULL && message->version == version) {
            return message;
        }
    }
    return NULL;
}

const struct mr_message *mr_catalog_command(const struct mr_catalog *catalog, uint16_t type)
{
    return mr_table_find(catalog, MR_TABLE_COMMANDS, type);
}

const struct mr_message *mr_catalog_event(const struct mr_catalog *catalog, uint16_t type)
{
    return mr_table_find(catalog, MR_TABLE_EVENTS, type);
}

const struct mr_message *mr_catalog_query(const struct mr_catalog *catalog, uint16_t type)
{
    return mr_table_find(catalog, MR_TABLE_QUERIES, type);
}

const struct mr_message *mr_catalog_row(const struct mr_catalog *catalog, uint16_t type)
{
    return mr_table_find(catalog, MR_TABLE_ROWS, type);
}

const struct mr_message *mr_catalog_command_named(const struct mr_catalog *catalog,
                                                  const char *name, size_t length)
{
    return mr_table_named(catalog, MR_TABLE_COMMANDS, name, length);
}

const struct mr_message *mr_catalog_event_named(const struct mr_catalog *catalog, const char *name,
                                                size_t length)
{
    return mr_table_named(catalog, MR_TABLE_EVENTS, name, length);
}

const struct mr_message *mr_catalog_query_named(const struct mr_catalog *catalog, const char *name,
                                                size_t length)
{
    return mr_table_named(catalog, MR_TABLE_QUERIES, name, length);
}

/* -- Reasons and aggregates. ------------------------------------------------------------------- */

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
