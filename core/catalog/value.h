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

/* The name of an enum8's value, or of the bit of flags at that place; NULL: it has none. */
const char *mr_enum_name(const struct mr_enum_names *names, uint32_t value);
/* Those of the flags that have no name. */
uint16_t mr_flags_unnamed(const struct mr_enum_names *names, uint16_t flags);

/* Whether reading what mr_value_write writes gives the same bytes: texts are printable, values have
 * names, pads are zero. */
bool mr_value_is_plain(const struct mr_catalog *catalog, const struct mr_field *field,
                       const void *body);
/* The same of all fields of a body. */
bool mr_body_is_plain(const struct mr_catalog *catalog, const struct mr_message *message,
                      const void *body);
/* Numbers and the like need no quotes in JSON. */
bool mr_value_is_number(const struct mr_field *field);
/* The value of a flags16. */
uint16_t mr_value_flags(const struct mr_field *field, const void *body);
/* Writes a plain value. */
void mr_value_write(struct mr_writer *writer, const struct mr_catalog *catalog,
                    const struct mr_field *field, const void *body);
/* The same of a u128, and of flags with `comma` between. */
void mr_write_u128(struct mr_writer *writer, struct mr_u128 value);
void mr_flags_write(struct mr_writer *writer, const struct mr_enum_names *names, uint16_t flags,
                    const char *comma);

/* Reads a value into the body. False: it cannot be; `why` is told, the body is unchanged. */
bool mr_value_read(const struct mr_catalog *catalog, const struct mr_field *field, void *body,
                   const char *text, size_t length, struct mr_writer *why);

/* A decimal number of up to `max`, without sign or needless zeros; `why` is told otherwise. */
bool mr_number_read(const char *text, size_t length, uint64_t max, uint64_t *value,
                    struct mr_writer *why);
/* The same of up to 128 bits, or 0x and up to 32 hex digits. */
bool mr_u128_read(const char *text, size_t length, struct mr_u128 *value, struct mr_writer *why);
/* Names, and numbers for bits without one, with commas between; 0: none. */
bool mr_flags_read(const struct mr_enum_names *names, const char *text, size_t length,
                   uint16_t *flags, struct mr_writer *why);
/* The value that has the name; `why` is told the names that there are otherwise. */
bool mr_name_read(const struct mr_enum_names *names, const char *text, size_t length,
                  uint32_t *value, struct mr_writer *why);
/* Decimal digits, at least one, and no needless zeros. */
bool mr_is_digits(const char *text, size_t length);
/* The value of a hex digit in lower case; 16: it is none. */
unsigned mr_hex_digit(char c);
/* Hex digits, two for each of `size` bytes. */
bool mr_hex_read(const char *text, size_t length, void *bytes, size_t size);
/* Writes what a person typed, quoted, cut short and without anything unprintable. */
void mr_write_quoted(struct mr_writer *writer, const char *text, size_t length);

#endif
