/*
 * The values of fields as text, in both directions.
 */
#ifndef MR_CORE_CATALOG_VALUE_H
#define MR_CORE_CATALOG_VALUE_H

#include "core/catalog/writer.h"

#include <millrace/common.h>
#include <millrace/text.h>

extern const struct mr_enum_names mr_role_names;

/* The role of a sender that does not say which. */
static inline uint8_t mr_role_default(uint64_t session)
{
    return session == 0 ? MR_ROLE_SYSTEM : MR_ROLE_USER;
}

/* The name of an enum8's value; NULL: it has none. */
const char *mr_enum_name(const struct mr_enum_names *names, uint32_t value);

/* Whether reading what mr_value_write writes gives the same bytes: texts are printable, values have
 * names, pads are zero. */
bool mr_value_is_plain(const struct mr_catalog *catalog, const struct mr_field *field,
                       const void *body);
/* The same of all fields of a body. */
bool mr_body_is_plain(const struct mr_catalog *catalog, const struct mr_message *message,
                      const void *body);
/* Numbers and the like need no quotes in JSON. */
bool mr_value_is_number(const struct mr_field *field);
/* Writes a plain value. */
void mr_value_write(struct mr_writer *writer, const struct mr_catalog *catalog,
                    const struct mr_field *field, const void *body);

/* Reads a value into the body. False: it cannot be; `why` is told, the body is unchanged. */
bool mr_value_read(const struct mr_catalog *catalog, const struct mr_field *field, void *body,
                   const char *text, size_t length, struct mr_writer *why);

/* A decimal number of up to `max`, without sign or needless zeros; `why` is told otherwise. */
bool mr_number_read(const char *text, size_t length, uint64_t max, uint64_t *value,
                    struct mr_writer *why);
/* Hex digits, two for each of `size` bytes. */
bool mr_hex_read(const char *text, size_t length, void *bytes, size_t size);
/* Writes what a person typed, quoted, cut short and without anything unprintable. */
void mr_write_quoted(struct mr_writer *writer, const char *text, size_t length);

#endif
