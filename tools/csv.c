#include "tools/csv.h"

#include <string.h>

uint32_t csv_split(const char *line, size_t length, struct csv_field *fields, uint32_t limit)
{
    uint32_t count = 0;
    const char *end = line + length;
    for (;;) {
        const char *comma = memchr(line, ',', (size_t)(end - line));
        const char *stop = comma == NULL ? end : comma;
        if (count < limit)
            fields[count] = (struct csv_field){line, (size_t)(stop - line)};
        count++;
        if (comma == NULL)
            return count;
        line = comma + 1;
    }
}

bool csv_is(struct csv_field field, const char *text)
{
    return strlen(text) == field.length && memcmp(field.text, text, field.length) == 0;
}

static bool append_digit(uint64_t *value, char character)
{
    unsigned digit = (unsigned)character - '0';
    return digit <= 9 && !__builtin_mul_overflow(*value, UINT64_C(10), value) &&
           !__builtin_add_overflow(*value, digit, value);
}

bool csv_u64(struct csv_field field, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < field.length; i++) {
        if (!append_digit(value, field.text[i]))
            return false;
    }
    return field.length > 0;
}

bool csv_decimal(struct csv_field field, uint32_t decimals, uint64_t *value)
{
    const char *point = memchr(field.text, '.', field.length);
    size_t whole = point == NULL ? field.length : (size_t)(point - field.text);
    size_t part = point == NULL ? 0 : field.length - whole - 1;
    if (point != NULL && (part == 0 || part > decimals))
        return false;
    if (!csv_u64((struct csv_field){field.text, whole}, value))
        return false;
    for (size_t i = 0; i < part; i++) {
        if (!append_digit(value, point[1 + i]))
            return false;
    }
    for (size_t i = part; i < decimals; i++) {
        if (!append_digit(value, '0'))
            return false;
    }
    return true;
}

const char *csv_show(struct csv_field field, char text[CSV_SHOW_SIZE])
{
    size_t length = field.length < CSV_SHOW_SIZE ? field.length : CSV_SHOW_SIZE - 1;
    for (size_t i = 0; i < length; i++) {
        bool printable = field.text[i] >= ' ' && field.text[i] <= '~';
        text[i] = (char)(printable ? field.text[i] : '?');
    }
    if (field.length >= CSV_SHOW_SIZE)
        memcpy(text + length - 3, "...", 3);
    text[length] = 0;
    return text;
}
