/*
 * Which source an input is.
 */
#include "tools/source.h"

#include "tools/lines.h"
#include "tools/lobster.h"
#include "tools/sources.h"

#include "base/assert.h"

#include <millrace/book.h>

#include <string.h>

enum format { FORMAT_TEXT, FORMAT_GEN, FORMAT_BITSTAMP, FORMAT_LOBSTER, FORMATS };
static const char *const format_names[] = {"text", "gen", "bitstamp", "lobster"};

int source_requires_book(const struct source_options *options, const char *kind,
                         struct mr_error *error)
{
    if (options->logic == &mr_logic_book)
        return MR_OK;
    return mr_error_set(error, MR_E_INVALID,
                        "%s: input of the kind %s is for the logic book, not %s", options->input,
                        kind, options->logic->name);
}

static void set_up(struct source_setup *command, uint64_t request, uint16_t type, const void *body,
                   size_t size)
{
    ASSERT(size <= sizeof command->body);
    *command = (struct source_setup){.header = {
                                         .length = MR_COMMAND_HEADER + (uint32_t)size,
                                         .type = type,
                                         .role = MR_ROLE_OPERATOR,
                                         .session = SESSION_OPERATOR,
                                         .request = request,
                                     }};
    memcpy(command->body, body, size);
}

void source_instrument_define(struct source_setup *command, uint64_t request,
                              const struct mr_book_instrument_define *definition)
{
    set_up(command, request, MR_BOOK_INSTRUMENT_DEFINE, definition, sizeof *definition);
}

void source_instrument_update(struct source_setup *command, uint64_t request,
                              const struct mr_book_instrument_update *update)
{
    set_up(command, request, MR_BOOK_INSTRUMENT_UPDATE, update, sizeof *update);
}

enum source_outcome source_of_lines(enum lines_outcome outcome)
{
    switch (outcome) {
    case LINES_END:
        return SOURCE_END;
    case LINES_WAIT:
        return SOURCE_WAIT;
    case LINES_TOO_LONG:
        return SOURCE_BAD;
    case LINES_LINE:
    case LINES_FAILED:
        break;
    }
    return SOURCE_FAILED;
}

static bool starts_with(const char *bytes, size_t size, const char *text, size_t length)
{
    return size >= length && memcmp(bytes, text, length) == 0;
}

/* What packs files, and how to tell. */
static const struct {
    const char *magic;
    size_t length;
    const char *unpack;
} packers[] = {
    {"\xfd"
     "7zXZ",
     5, "xz -dk"},
    {"\x1f\x8b", 2, "gunzip -k"},
    {"\x28\xb5\x2f\xfd", 4, "zstd -d"},
    {"BZh", 3, "bunzip2 -k"},
};

/* A LOBSTER file has no header, but no other text begins with such a line. */
static bool is_lobster(const char *bytes, size_t size)
{
    const char *end = memchr(bytes, '\n', size);
    struct lobster_row row;
    struct lobster_flaw flaw;
    return end != NULL && lobster_parse(bytes, (size_t)(end - bytes), &row, &flaw);
}

/* Looks into a file: which format it has. */
static int look_into(const char *path, enum format *format, struct mr_error *error)
{
    char bytes[128];
    struct lines lines;
    int status = lines_open(&lines, path, error);
    if (status != MR_OK)
        return status;
    size_t size = lines_peek(&lines, bytes, sizeof bytes);
    lines_close(&lines);
    for (size_t i = 0; i < sizeof packers / sizeof packers[0]; i++) {
        if (starts_with(bytes, size, packers[i].magic, packers[i].length))
            return mr_error_set(error, MR_E_INVALID, "%s is compressed; unpack it first: %s %s",
                                path, packers[i].unpack, path);
    }
    size_t header = strlen(source_bitstamp_header);
    if (starts_with(bytes, size, source_bitstamp_header, header))
        *format = FORMAT_BITSTAMP;
    else
        *format = is_lobster(bytes, size) ? FORMAT_LOBSTER : FORMAT_TEXT;
    return MR_OK;
}

/* What --format says, if it can be: the generator is a format of its own, and needs no other. */
static int obey(const struct source_options *options, bool generated, enum format *format,
                struct mr_error *error)
{
    uint32_t named = 0;
    while (named < FORMATS && strcmp(options->format, format_names[named]) != 0)
        named++;
    *format = (enum format)named;
    if (named == FORMATS)
        return mr_error_set(error, MR_E_INVALID,
                            "there is no format '%s'; there are text, gen, bitstamp and lobster",
                            options->format);
    if (generated != (named == FORMAT_GEN))
        return mr_error_set(error, MR_E_INVALID, "%s is not of the format %s", options->input,
                            options->format);
    if (named >= FORMAT_BITSTAMP && strcmp(options->input, "-") == 0)
        return mr_error_set(error, MR_E_INVALID,
                            "format %s needs a file, which can be read again to resume",
                            options->format);
    return MR_OK;
}

int source_open(const struct source_options *options, struct source **source,
                struct mr_error *error)
{
    bool generated = strncmp(options->input, "gen:", 4) == 0;
    enum format format = generated ? FORMAT_GEN : FORMAT_TEXT;
    int status = MR_OK;
    *source = NULL;
    if (!generated && strcmp(options->input, "-") != 0)
        status = look_into(options->input, &format, error);
    if (status == MR_OK && options->format != NULL)
        status = obey(options, generated, &format, error);
    if (status == MR_OK && options->date != NULL && format != FORMAT_LOBSTER)
        status = mr_error_set(error, MR_E_INVALID,
                              "--date is for input of the format lobster, whose times say no day");
    if (status != MR_OK)
        return status;
    switch (format) {
    case FORMAT_GEN:
        return source_gen_open(options, source, error);
    case FORMAT_BITSTAMP:
        return source_bitstamp_open(options, source, error);
    case FORMAT_LOBSTER:
        return source_lobster_open(options, source, error);
    case FORMAT_TEXT:
    case FORMATS:
        break;
    }
    return source_text_open(options, source, error);
}
