/*
 * Files of lines, and the sources that read commands from them: Bitstamp's columns, LOBSTER's,
 * and the text form. The first byte of an input says which of them; the rest is the file.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

#include "tools/lines.h"
#include "tools/sources.h"

#include <millrace/book.h>

#include <stdlib.h>
#include <string.h>

/* All lines, and their ends, are the file again; the survey counts those that hold something. */
static void check_lines(const uint8_t *data, size_t size)
{
    struct lines lines;
    struct mr_error error = {0};
    struct mr_digest digest;
    uint64_t surveyed;
    uint64_t filled = 0;
    uint64_t number = 0;
    size_t at = 0;
    HOLDS(lines_open(&lines, scratch_path(), &error) == MR_OK);
    HOLDS(lines_survey(&lines, &digest, &surveyed, &error) == MR_OK);
    const char *line;
    size_t length;
    bool whole;
    while (lines_next(&lines, &line, &length, &whole, &error) == LINES_LINE) {
        HOLDS(lines.number == ++number);
        if (number % 3 == 0) { /* the same again */
            lines_again(&lines);
            HOLDS(lines_next(&lines, &line, &length, &whole, &error) == LINES_LINE);
            HOLDS(lines.number == number);
        }
        HOLDS(length + whole <= size - at && memcmp(data + at, line, length) == 0);
        HOLDS(!whole || data[at + length] == '\n');
        at += length + whole;
        HOLDS(whole || at == size);
        filled += length > 0 && line[0] != '#';
    }
    HOLDS(at == size && filled == surveyed);
    lines_close(&lines);
}

/* Commands are whole and have room; what is wrong is said with the line's number; it ends. */
static void check_source(const char *format, size_t size)
{
    const struct source_options options = {
        .input = scratch_path(),
        .format = format,
        .logic = &mr_logic_book,
        .session = SESSION_IMPORTER,
        .role = MR_ROLE_USER,
    };
    struct source *source;
    struct mr_error error = {0};
    if (source_open(&options, &source, &error) != MR_OK) {
        HOLDS(error.code != MR_OK && error.text[0] != 0);
        return;
    }
    size_t room = mr_logic_book.command_size_max;
    struct mr_command *command = malloc(room);
    HOLDS(command != NULL);
    enum source_outcome outcome;
    size_t turns = 0;
    do {
        outcome = source->calls->next(source, command, &error);
        HOLDS(++turns <= size + 2);
        if (outcome == SOURCE_COMMAND) {
            HOLDS(command->length >= MR_COMMAND_HEADER && command->length <= room);
            HOLDS(command->length % 8 == 0);
        } else if (outcome == SOURCE_BAD) {
            HOLDS(error.code == MR_E_INVALID && strstr(error.text, scratch_path()) != NULL);
        }
    } while (outcome == SOURCE_COMMAND || outcome == SOURCE_BAD);
    HOLDS(outcome == SOURCE_END || outcome == SOURCE_FAILED);
    free(command);
    source->calls->close(source);
}

/* Kept inputs know their format by its number: new ones come in between. */
static const char *format_of(uint8_t byte)
{
    if (byte == 2)
        return "lobster";
    return byte % 2 == 0 ? "bitstamp" : "text";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    scratch_fill(data + 1, size - 1);
    check_lines(data + 1, size - 1);
    check_source(format_of(data[0]), size);
    return 0;
}
