/* The tables of docs/format-journal.md say where the fields of the structures really are. */
#include "journal/frame.h"
#include "journal/segment.h"
#include "journal/truncation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE_SIZE = 1024 };

struct field {
    const char *name; /* as the table has it */
    size_t offset, size;
};

#define NAMED(type, path, name)                                  \
    {                                                            \
        name, offsetof(type, path), sizeof(((type *)NULL)->path) \
    }
#define FIELD(type, path)   NAMED(type, path, #path)
#define FIELD_COUNT(fields) (sizeof(fields) / sizeof(fields)[0])

static const struct field superblock[] = {
    FIELD(struct mr_superblock, magic),         FIELD(struct mr_superblock, version),
    FIELD(struct mr_superblock, header_size),   FIELD(struct mr_superblock, segment),
    FIELD(struct mr_superblock, generation),    FIELD(struct mr_superblock, segment_bytes),
    FIELD(struct mr_superblock, journal_id),    FIELD(struct mr_superblock, durable.number),
    FIELD(struct mr_superblock, durable.index), FIELD(struct mr_superblock, durable.sequence),
    FIELD(struct mr_superblock, offset),        FIELD(struct mr_superblock, reserved),
    FIELD(struct mr_superblock, checksum),
};

static const struct field frame[] = {
    FIELD(struct mr_frame_header, magic),
    FIELD(struct mr_frame_header, version),
    FIELD(struct mr_frame_header, header_size),
    FIELD(struct mr_frame_header, kind),
    FIELD(struct mr_frame_header, flags),
    FIELD(struct mr_frame_header, length),
    FIELD(struct mr_frame_header, entry_length),
    FIELD(struct mr_frame_header, segment),
    NAMED(struct mr_frame_header, reserved_b, "reserved"),
    FIELD(struct mr_frame_header, generation),
    FIELD(struct mr_frame_header, offset),
    FIELD(struct mr_frame_header, number),
    FIELD(struct mr_frame_header, durable_number),
    FIELD(struct mr_frame_header, durable_index),
    FIELD(struct mr_frame_header, durable_sequence),
    FIELD(struct mr_frame_header, committed_index),
    FIELD(struct mr_frame_header, committed_sequence),
    FIELD(struct mr_frame_header, before.index),
    FIELD(struct mr_frame_header, before.sequence),
    FIELD(struct mr_frame_header, before.time_ns),
    FIELD(struct mr_frame_header, before.digest),
    FIELD(struct mr_frame_header, entry_digest),
    FIELD(struct mr_frame_header, mask),
    FIELD(struct mr_frame_header, end_offset),
    NAMED(struct mr_frame_header, reserved_c, "reserved"),
    FIELD(struct mr_frame_header, checksum),
};

static const struct field entry[] = {
    FIELD(struct mr_entry, term),
    FIELD(struct mr_entry, index),
    FIELD(struct mr_entry, first_sequence),
    FIELD(struct mr_entry, time_ns),
    FIELD(struct mr_entry, count),
    FIELD(struct mr_entry, length),
    FIELD(struct mr_entry, version),
    FIELD(struct mr_entry, flags),
    NAMED(struct mr_entry, reserved_a, "reserved"),
    FIELD(struct mr_entry, previous),
    FIELD(struct mr_entry, digest_sequence),
    FIELD(struct mr_entry, digest),
    NAMED(struct mr_entry, reserved_b, "reserved"),
};

static const struct field truncation[] = {
    FIELD(struct mr_truncation, magic),
    FIELD(struct mr_truncation, version),
    FIELD(struct mr_truncation, header_size),
    FIELD(struct mr_truncation, state),
    FIELD(struct mr_truncation, journal_id),
    FIELD(struct mr_truncation, generation),
    FIELD(struct mr_truncation, number),
    FIELD(struct mr_truncation, offset),
    FIELD(struct mr_truncation, segment),
    NAMED(struct mr_truncation, reserved_a, "reserved"),
    FIELD(struct mr_truncation, keep.index),
    FIELD(struct mr_truncation, keep.sequence),
    FIELD(struct mr_truncation, keep.time_ns),
    FIELD(struct mr_truncation, keep.digest),
    NAMED(struct mr_truncation, reserved_b, "reserved"),
    FIELD(struct mr_truncation, checksum),
};

/* The next cell of a row, without the blanks around it. */
static char *next_cell(char **row)
{
    char *cell = strsep(row, "|");
    if (cell == NULL) {
        return NULL;
    }
    cell += strspn(cell, " ");
    size_t length = strlen(cell);
    while (length > 0 && cell[length - 1] == ' ') {
        cell[--length] = 0;
    }
    return cell;
}

/* "4,096" is 4096; false: it is no number. */
static bool read_number(const char *text, size_t *value)
{
    *value = 0;
    for (const char *at = text; *at != 0; at++) {
        if (*at >= '0' && *at <= '9') {
            *value = *value * 10 + (size_t)(*at - '0');
        } else if (*at != ',') {
            return false;
        }
    }
    return *text != 0;
}

/* True for a row of the form `| offset | size | field |...` with two numbers and a name, which lies
 * in the line from then on. */
static bool read_row(char *line, struct field *row)
{
    char *rest = line;
    const char *before = next_cell(&rest);
    const char *offset = next_cell(&rest);
    const char *size = next_cell(&rest);
    row->name = next_cell(&rest);
    return before != NULL && *before == 0 && row->name != NULL && *row->name != 0 &&
           read_number(offset, &row->offset) && read_number(size, &row->size);
}

/* Leaves the document behind the line of the heading. */
static FILE *open_at(const char *heading)
{
    char line[LINE_SIZE];
    FILE *document = fopen(MR_ROOT "/docs/format-journal.md", "re");
    assert_non_null(document);
    while (fgets(line, sizeof line, document) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (strcmp(line, heading) == 0) {
            return document;
        }
    }
    fail_msg("the document has no heading '%s'", heading);
    return NULL;
}

/* The section's rows are these fields, in this order, and they fill the structure. */
static void check_table(const char *heading, const struct field *fields, size_t count, size_t size)
{
    char line[LINE_SIZE];
    size_t seen = 0;
    size_t end = 0;
    FILE *document = open_at(heading);
    while (fgets(line, sizeof line, document) != NULL && line[0] != '#') {
        struct field row;
        line[strcspn(line, "\n")] = 0;
        if (!read_row(line, &row)) {
            continue;
        }
        if (seen == count) {
            fail_msg("%s: row '%s' has no field", heading, row.name);
        }
        const struct field *field = &fields[seen++];
        if (strcmp(row.name, field->name) != 0 || row.offset != field->offset ||
            row.size != field->size) {
            fail_msg("%s: row '%s' at %zu, %zu bytes; the field is '%s' at %zu, %zu bytes", heading,
                     row.name, row.offset, row.size, field->name, field->offset, field->size);
        }
        assert_int_equal(field->offset, end); /* nothing between them that the table leaves out */
        end += field->size;
    }
    (void)fclose(document);
    assert_int_equal(seen, count);
    assert_int_equal(end, size);
}

static void the_superblock_is_as_documented(void **state)
{
    (void)state;
    check_table("### The superblock", superblock, FIELD_COUNT(superblock),
                sizeof(struct mr_superblock));
}

static void the_frame_header_is_as_documented(void **state)
{
    (void)state;
    check_table("## A frame", frame, FIELD_COUNT(frame), sizeof(struct mr_frame_header));
}

static void the_entry_is_as_documented(void **state)
{
    (void)state;
    check_table("## An entry", entry, FIELD_COUNT(entry), sizeof(struct mr_entry));
}

static void the_truncation_record_is_as_documented(void **state)
{
    (void)state;
    check_table("## A truncation", truncation, FIELD_COUNT(truncation),
                sizeof(struct mr_truncation));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_superblock_is_as_documented),
        cmocka_unit_test(the_frame_header_is_as_documented),
        cmocka_unit_test(the_entry_is_as_documented),
        cmocka_unit_test(the_truncation_record_is_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
