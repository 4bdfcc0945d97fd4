/*
 * Columns of comma-separated lines without quotes, and strict numbers: nothing is trimmed, rounded
 * or guessed.
 */
#ifndef MR_TOOLS_CSV_H
#define MR_TOOLS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a line; no zero at their end. */
struct csv_field {
    const char *text;
    size_t length;
};

/* Splits at every comma. Returns how many columns there are, which may be more than `limit`: only
 * that many are stored. An empty line has one, empty, column. */
uint32_t csv_split(const char *line, size_t length, struct csv_field *fields, uint32_t limit);

/* True when the field is exactly `text`. */
bool csv_is(struct csv_field field, const char *text);

/* One or more decimal digits, no sign; false for anything else and for what is above UINT64_MAX. */
bool csv_u64(struct csv_field field, uint64_t *value);

/* Digits, and up to `decimals` more behind a point, as a whole number of 10^-decimals: "236.5" with
 * 2 decimals is 23650. False for anything else and for what is above UINT64_MAX. */
bool csv_decimal(struct csv_field field, uint32_t decimals, uint64_t *value);

enum { CSV_SHOW_SIZE = 32 };
/* The beginning of a field, fit to stand in a message. Returns `text`. */
const char *csv_show(struct csv_field field, char text[CSV_SHOW_SIZE]);

#endif
