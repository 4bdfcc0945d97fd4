/*
 * <millrace/text.h>: messages as text that people read and type, and as JSON.
 *
 * A command is one line: its name, then key=value pairs, separated by blanks.
 *
 *     order_new sequence=9 time=1430438404518000000 session=2 request=17 order=42 price=23555
 *     quantity=10 instrument=1 side=buy kind=limit tif=gtc                          (in one line)
 *
 * First come the keys of the header, then the fields of the body as the catalog names them.
 * `correlation`, `cause`, `role`, `version` and `more` are left out where they are what a reader
 * assumes: 0, 0, user (system for session 0), the catalog's version, and 0 (`more=1`: the next
 * command is of the same batch). Behind genesis, the logic's configuration follows as
 * config.NAME=value. What fields cannot express (unknown types or versions, wrong lengths, values
 * without a name, pads that are not zero) is written as the bytes of the body:
 *
 *     type_700 sequence=9 time=0 session=2 request=18 body=0100000000000000
 *
 * Writing and reading again gives the same bytes, whatever the command. When a person types, the
 * order of keys is free, whatever is optional may be left out, and so may the keys of the header.
 *
 * Pure: any thread; wait-free; no allocation. The writing functions work like snprintf: they return
 * how long the text is, write what fits into `size` bytes with a zero behind it, and have truncated
 * it if the result is not below `size`. None of them ends a line.
 */
#ifndef MILLRACE_TEXT_H
#define MILLRACE_TEXT_H

#include <millrace/logic.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Bytes that the line of any command fits in, and more than which are not read. */
enum { MR_TEXT_LINE_MAX = 256 << 10 };

/* -- Writing. `logic` gives the catalog, and describes its configuration. ---------------------- */

/* `command->length` bytes are looked at; a multiple of 8, from MR_COMMAND_HEADER (asserted). */
size_t mr_text_command_write(const struct mr_logic *logic, const struct mr_command *command,
                             char *buffer, size_t size);
size_t mr_text_event_write(const struct mr_logic *logic, const struct mr_event *event, char *buffer,
                           size_t size);

/* The same as a JSON object: {"sequence":9,...,"type":"order_new","order":42,...}. Numbers are
 * integers of up to 64 bits, and strings if they are of 128; flags are an array of strings; `more`
 * is true, where it is; the configuration is an object of its own, "config". */
size_t mr_json_command_write(const struct mr_logic *logic, const struct mr_command *command,
                             char *buffer, size_t size);
size_t mr_json_event_write(const struct mr_logic *logic, const struct mr_event *event, char *buffer,
                           size_t size);

/* A query, as it is typed: its name behind a question mark, then its fields (and `not_before`, if
 * it is not 0): "?account id=7". A row is written as an event is, without a header. */
size_t mr_text_query_write(const struct mr_logic *logic, const struct mr_query *query, char *buffer,
                           size_t size);
size_t mr_text_row_write(const struct mr_logic *logic, const struct mr_row *row, char *buffer,
                         size_t size);
size_t mr_json_row_write(const struct mr_logic *logic, const struct mr_row *row, char *buffer,
                         size_t size);

/* The whole catalog, the common messages included, for people, for programs (one JSON object a
 * line) and for documentation. Ends each line, the last one too. */
enum mr_catalog_form { MR_CATALOG_TEXT, MR_CATALOG_JSON, MR_CATALOG_MARKDOWN };
size_t mr_catalog_write(const struct mr_logic *logic, enum mr_catalog_form form, char *buffer,
                        size_t size);

/* -- Reading. ---------------------------------------------------------------------------------- */

enum mr_text_outcome {
    MR_TEXT_COMMAND, /* there is a command */
    MR_TEXT_NOTHING, /* an empty line, or a comment: it begins with # */
    MR_TEXT_BAD,     /* see the error */
};

/* The keys of the header, as bits. */
enum mr_text_key {
    MR_TEXT_SEQUENCE = 1 << 0,
    MR_TEXT_TIME = 1 << 1,
    MR_TEXT_SESSION = 1 << 2,
    MR_TEXT_REQUEST = 1 << 3,
    MR_TEXT_CORRELATION = 1 << 4,
    MR_TEXT_CAUSE = 1 << 5,
    MR_TEXT_ROLE = 1 << 6,
    MR_TEXT_VERSION = 1 << 7,
    MR_TEXT_MORE = 1 << 8,
};

struct mr_text_error {
    uint32_t column; /* from 1, in bytes */
    char text[240];  /* one line, printable: "side: 'by' is none of buy, sell" */
};

/* Reads one line (without its line end; a carriage return at its end is a blank) into `command`,
 * which is aligned to 8 and has room for `size` bytes, at least MR_COMMAND_HEADER. *stated (may be
 * NULL) tells which keys of the header the line has; what it has not, is as said above, and 0 for
 * sequence, time, session and request. On MR_TEXT_BAD, *error (may be NULL) is filled in and
 * *command holds anything. */
enum mr_text_outcome mr_text_command_read(const struct mr_logic *logic, const char *line,
                                          size_t length, struct mr_command *command, size_t size,
                                          uint32_t *stated, struct mr_text_error *error);

/* Reads a line that begins with a question mark as a query: as mr_text_command_read. `query` has
 * room for `size` bytes, at least MR_QUERY_HEADER. */
enum mr_text_outcome mr_text_query_read(const struct mr_logic *logic, const char *line,
                                        size_t length, struct mr_query *query, size_t size,
                                        struct mr_text_error *error);

/* Reads one key=value pair into the body of a message, such as a logic's configuration. The key's
 * index among message->fields, or -1 with *error (may be NULL) filled in and nothing changed. */
int mr_text_field_read(const struct mr_catalog *catalog, const struct mr_message *message,
                       void *body, const char *pair, size_t length, struct mr_text_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
