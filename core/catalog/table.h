/*
 * The four tables of messages that a catalog has, so that what is true of one is said once.
 */
#ifndef MR_CORE_CATALOG_TABLE_H
#define MR_CORE_CATALOG_TABLE_H

#include <millrace/common.h>
#include <millrace/logic.h>

enum mr_table {
    MR_TABLE_COMMANDS,
    MR_TABLE_EVENTS,
    MR_TABLE_QUERIES,
    MR_TABLE_ROWS,
    MR_TABLES,
    MR_TABLE_NONE = MR_TABLES /* of a configuration */
};

struct mr_messages {
    const struct mr_message *list;
    uint32_t count;
};

/* NULL for a catalog has no messages. */
struct mr_messages mr_table_of(const struct mr_catalog *catalog, enum mr_table table);
/* The message of that type, or name, in `catalog` or the common one; NULL: none. */
const struct mr_message *mr_table_find(const struct mr_catalog *catalog, enum mr_table table,
                                       uint16_t type);
const struct mr_message *mr_table_named(const struct mr_catalog *catalog, enum mr_table table,
                                        const char *name, size_t length);
/* The message in that version of its layout, which an older version of the logic may have; NULL: no
 * version of the logic has it. */
const struct mr_message *mr_table_layout(const struct mr_logic *logic, enum mr_table table,
                                         uint16_t type, uint8_t version);

#endif
