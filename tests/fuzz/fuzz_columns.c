/*
 * The small text forms of the tool: columns of numbers, lines about entries, and files of
 * acknowledgements. The first byte of an input says which.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

#include "tools/acks.h"
#include "tools/csv.h"
#include "tools/entry_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool all_digits(struct csv_field field)
{
    for (size_t i = 0; i < field.length; i++) {
        if (field.text[i] < '0' || field.text[i] > '9') {
            return false;
        }
    }
    return field.length > 0;
}

static struct csv_field without_zeros(struct csv_field field)
{
    while (field.length > 1 && field.text[0] == '0') {
        field.text++;
        field.length--;
    }
    return field;
}

/* A number is accepted exactly if it is digits, and it means what they say. */
static void check_number(struct csv_field field)
{
    char text[32];
    char shown[CSV_SHOW_SIZE];
    uint64_t value;
    bool read = csv_u64(field, &value);
    struct csv_field plain = without_zeros(field);
    if (read) {
        (void)snprintf(text, sizeof text, "%" PRIu64, value);
        HOLDS(csv_is(plain, text));
    } else {
        HOLDS(!all_digits(field) || plain.length >= 20);
    }
    (void)csv_show(field, shown);
    HOLDS(strlen(shown) < sizeof shown);
}

/* A decimal number is the digits without the point, and zeros behind. */
static void check_decimal(struct csv_field field, uint32_t decimals)
{
    uint64_t value;
    uint64_t expected;
    char digits[64];
    if (!csv_decimal(field, decimals, &value) || field.length > 40) {
        return;
    }
    const char *point = memchr(field.text, '.', field.length);
    size_t whole = point == NULL ? field.length : (size_t)(point - field.text);
    size_t part = point == NULL ? 0 : field.length - whole - 1;
    HOLDS(part <= decimals && whole > 0);
    memset(digits, '0', sizeof digits);
    memcpy(digits, field.text, whole);
    memcpy(digits + whole, field.text + field.length - part, part);
    HOLDS(csv_u64((struct csv_field){digits, whole + decimals}, &expected) && expected == value);
}

static void check_columns(const char *line, size_t length)
{
    enum { LIMIT = 7 };
    struct csv_field fields[LIMIT];
    uint32_t count = csv_split(line, length, fields, LIMIT);
    uint32_t commas = 0;
    for (size_t i = 0; i < length; i++) {
        commas += line[i] == ',';
    }
    HOLDS(count == commas + 1);
    const char *at = line;
    for (uint32_t i = 0; i < count && i < LIMIT; i++) {
        HOLDS(fields[i].text == at && fields[i].length <= length - (size_t)(at - line));
        check_number(fields[i]);
        check_decimal(fields[i], i);
        at += fields[i].length + 1;
    }
}

/* What was read is written, and that reads as the same. */
static void check_entry(const char *line, size_t length)
{
    struct mr_entry entry = {0}, entry_again;
    struct entry_end end = {0}, end_again;
    enum entry_line kind = entry_read(line, length, &entry, &end);
    char *text = NULL;
    size_t size = 0;
    if (kind != ENTRY_LINE_ENTRY && kind != ENTRY_LINE_END) {
        return;
    }
    FILE *file = open_memstream(&text, &size);
    HOLDS(file != NULL);
    if (kind == ENTRY_LINE_ENTRY) {
        entry_write(&entry, file);
    } else {
        entry_write_end(&end, file);
    }
    (void)fclose(file);
    HOLDS(size > 1 && text[size - 1] == '\n');
    HOLDS(entry_read(text, size - 1, &entry_again, &end_again) == kind);
    HOLDS(kind == ENTRY_LINE_END ? memcmp(&end, &end_again, sizeof end) == 0
                                 : memcmp(&entry, &entry_again, sizeof entry) == 0);
    free(text);
}

/* Opening keeps whole lines and drops what is behind the last of them, or leaves the file alone;
 * what is appended then is where it ought to be. */
static void check_acks(const uint8_t *data, size_t size)
{
    struct acks *acks;
    struct acks_report report;
    struct mr_error error = {0};
    scratch_fill(data, size);
    int checked = acks_check(scratch_path(), "/proc/self/no such directory", &report, &error);
    HOLDS(checked == MR_E_INVALID || checked == MR_E_NOT_FOUND || checked == MR_E_IO);
    size_t kept = size;
    while (kept > 0 && data[kept - 1] != '\n') {
        kept--;
    }
    int status = acks_open(scratch_path(), UINT64_MAX, &acks, &error);
    if (status != MR_OK) {
        HOLDS(status == MR_E_MISMATCH && scratch_holds(data, size));
        return;
    }
    HOLDS(scratch_holds(data, kept));
    acks_add(acks, UINT64_MAX, 7);
    HOLDS(acks_flush(acks, &error) == MR_OK);
    acks_close(acks);
    HOLDS(scratch_size() == kept + strlen("18446744073709551615 7\n"));
    HOLDS(acks_open(scratch_path(), UINT64_MAX - 1, &acks, &error) == MR_E_MISMATCH);
    HOLDS(acks_open(scratch_path(), UINT64_MAX, &acks, &error) == MR_OK);
    acks_close(acks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *rest = malloc(size);
    HOLDS(rest != NULL);
    memcpy(rest + 1, data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        check_columns(rest + 1, size - 1);
        break;
    case 1:
        check_entry(rest + 1, size - 1);
        break;
    default:
        check_acks(data + 1, size - 1);
        break;
    }
    free(rest);
    return 0;
}
