/*
 * Commands and queries as text. The first byte of an input says what the rest is: a line, or a
 * query, of one logic or another (one of them with versions), the bytes of a command, or a
 * key=value pair for a body.
 */
#include "tests/core/jars.h"
#include "tests/core/tally.h"
#include "tests/fuzz/fuzz.h"

#include <millrace/book.h>
#include <millrace/ledger.h>
#include <millrace/text.h>

#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096, LINE_MAX_BYTES = 64 << 10 };

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
    }
    return true;
}

static char *new_line(size_t size)
{
    char *line = malloc(size);
    HOLDS(line != NULL);
    return line;
}

static struct mr_command *new_command(size_t size)
{
    struct mr_command *command = malloc(size);
    HOLDS(command != NULL);
    memset(command, 0xa5, size);
    return command;
}

static void check_json(const struct mr_logic *logic, const struct mr_command *command)
{
    char *json = new_line(LINE_MAX_BYTES);
    size_t length = mr_json_command_write(logic, command, json, LINE_MAX_BYTES);
    HOLDS(length < LINE_MAX_BYTES && strlen(json) == length);
    HOLDS(json[0] == '{' && json[length - 1] == '}' && memchr(json, '\n', length) == NULL);
    char *cut = new_line(length); /* exactly: writing further is an error */
    HOLDS(mr_json_command_write(logic, command, cut, length) == length);
    HOLDS(strlen(cut) == length - 1);
    free(cut);
    free(json);
}

/* Whatever the command: written and read again, it has the same bytes. */
static void check_command(const struct mr_logic *logic, const struct mr_command *command)
{
    char *line = new_line(LINE_MAX_BYTES);
    size_t length = mr_text_command_write(logic, command, line, LINE_MAX_BYTES);
    HOLDS(length < LINE_MAX_BYTES && strlen(line) == length && is_printable(line, length));
    struct mr_command *again = new_command(ROOM); /* what is named needs room for all its fields */
    struct mr_text_error error;
    HOLDS(mr_text_command_read(logic, line, length, again, ROOM, NULL, &error) == MR_TEXT_COMMAND);
    HOLDS(memcmp(again, command, command->length) == 0);
    free(again);
    free(line);
    check_json(logic, command);
}

static void check_line(const struct mr_logic *logic, const char *line, size_t length)
{
    static const size_t rooms[] = {ROOM, MR_COMMAND_HEADER + 16, MR_COMMAND_HEADER};
    struct mr_text_error error = {0};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        struct mr_command *command = new_command(rooms[i]);
        uint32_t stated = UINT32_MAX;
        enum mr_text_outcome outcome =
            mr_text_command_read(logic, line, length, command, rooms[i], &stated, &error);
        if (outcome == MR_TEXT_COMMAND) {
            HOLDS(command->length <= rooms[i] && command->length % 8 == 0);
            HOLDS(command->length >= MR_COMMAND_HEADER && stated < MR_TEXT_MORE << 1);
            check_command(logic, command);
        } else if (outcome == MR_TEXT_BAD) {
            HOLDS(error.column >= 1 && error.column <= length + 1);
            HOLDS(error.text[0] != 0 && strnlen(error.text, sizeof error.text) < sizeof error.text);
            HOLDS(is_printable(error.text, strlen(error.text)));
        }
        free(command);
    }
}

/* A query that was read is written as text that is read as the same query. */
static void check_query(const struct mr_logic *logic, const char *line, size_t length)
{
    struct mr_text_error error = {0};
    struct mr_query *query = malloc(ROOM);
    struct mr_query *again = malloc(ROOM);
    char *text = new_line(LINE_MAX_BYTES);
    HOLDS(query != NULL && again != NULL);
    enum mr_text_outcome outcome = mr_text_query_read(logic, line, length, query, ROOM, &error);
    if (outcome == MR_TEXT_COMMAND) {
        HOLDS(query->length >= MR_QUERY_HEADER && query->length <= ROOM && query->length % 8 == 0);
        size_t written = mr_text_query_write(logic, query, text, LINE_MAX_BYTES);
        HOLDS(written < LINE_MAX_BYTES && is_printable(text, written));
        HOLDS(mr_text_query_read(logic, text, written, again, ROOM, &error) == MR_TEXT_COMMAND);
        HOLDS(memcmp(again, query, query->length) == 0);
    } else if (outcome == MR_TEXT_BAD) {
        HOLDS(error.column >= 1 && error.column <= length + 1);
        HOLDS(error.text[0] != 0 && is_printable(error.text, strlen(error.text)));
    }
    free(text);
    free(again);
    free(query);
}

static void check_bytes(const struct mr_logic *logic, const uint8_t *data, size_t size)
{
    size_t length = size / 8 * 8;
    if (length < MR_COMMAND_HEADER || length > ROOM) {
        return;
    }
    struct mr_command *command = new_command(length);
    memcpy(command, data, length);
    command->length = (uint32_t)length;
    check_command(logic, command);
    free(command);
}

/* A field is read whole, or the body stays as it was. */
static void check_field(const struct mr_catalog *catalog, const struct mr_message *message,
                        const char *pair, size_t length)
{
    struct mr_text_error error = {0};
    unsigned char *body = malloc(message->size);
    unsigned char *before = malloc(message->size);
    HOLDS(body != NULL && before != NULL);
    memset(body, 0xa5, message->size);
    memcpy(before, body, message->size);
    int field = mr_text_field_read(catalog, message, body, pair, length, &error);
    if (field >= 0) {
        const char *name = message->fields[field].name;
        HOLDS(strlen(name) < length && memcmp(pair, name, strlen(name)) == 0);
    } else {
        HOLDS(memcmp(body, before, message->size) == 0);
        HOLDS(error.text[0] != 0 && is_printable(error.text, strlen(error.text)));
    }
    free(body);
    free(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    static const struct mr_logic *const logics[] = {&tally_logic, &mr_logic_book, &jars_3, &jars_1};
    const struct mr_logic *logic = logics[(data[0] & 1) | (data[0] >> 4 & 2)];
    logic = (data[0] & 0x40) != 0 ? &mr_logic_ledger : logic;
    char *rest = malloc(size); /* without the first byte, one too large: it may be empty */
    HOLDS(rest != NULL);
    memcpy(rest + 1, data + 1, size - 1);
    switch (data[0] >> 1 & 3) {
    case 0:
        check_line(logic, rest + 1, size - 1);
        break;
    case 1:
        check_query(logic, rest + 1, size - 1);
        break;
    case 2:
        check_bytes(logic, data + 1, size - 1);
        break;
    default:
        check_field(logic->catalog,
                    &logic->catalog->commands[(data[0] >> 3) % logic->catalog->command_count],
                    rest + 1, size - 1);
        break;
    }
    free(rest);
    return 0;
}
