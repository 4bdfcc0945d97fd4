/*
 * Lines of a file or of standard input, one after the other, with their numbers. Reads in large
 * pieces, keeps one in memory, and never gives half a line as a whole one.
 */
#ifndef MR_TOOLS_LINES_H
#define MR_TOOLS_LINES_H

#include <millrace/digest.h>
#include <millrace/error.h>
#include <millrace/text.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one line, its newline included: the text form of any command fits. */
enum { LINES_LENGTH_MAX = MR_TEXT_LINE_MAX + 1 };

enum lines_outcome {
    LINES_LINE,
    LINES_END,
    LINES_WAIT,     /* of a pipe or terminal: nothing there yet */
    LINES_TOO_LONG, /* a line above LINES_LENGTH_MAX; asking again goes on behind it */
    LINES_FAILED,   /* cannot be read any further */
};

struct lines {
    const char *name; /* for messages */
    int file;
    bool stream;     /* a pipe or terminal, which can neither be sized nor read twice */
    bool ended;      /* all of it is in the buffer */
    bool skipping;   /* the rest of a line that is too long */
    bool too_long;   /* the last line was */
    bool repeat;     /* lines_again was called on it */
    uint64_t left;   /* bytes of a file that are still to be read into the buffer */
    uint64_t number; /* of the last line that was given, from 1 */
    char *buffer;
    size_t begin, end; /* what is in the buffer and not given yet */
    size_t given;      /* where the last line begins */
    size_t searched;   /* bytes behind `begin` that hold no newline */
};

/* Opens `path` (a regular file; the caller keeps the name) or, for "-", standard input. A file is
 * read up to the size that it has now. MR_E_NOT_FOUND, MR_E_READ_ONLY (no permission),
 * MR_E_INVALID (not a regular file), MR_E_NO_MEMORY, MR_E_IO. */
int lines_open(struct lines *lines, const char *path, struct mr_error *error);
void lines_close(struct lines *lines);

/* Before the first line, reads all of a file: the digest of its content, and how many lines it has,
 * those left out that are empty or begin with #. Not of a stream. */
int lines_survey(struct lines *lines, struct mr_digest *digest, uint64_t *count,
                 struct mr_error *error);

/* The next line, without its newline; it lies in the buffer until the next call. `*whole` is false
 * when the newline is missing, as can be at the end of the input. */
enum lines_outcome lines_next(struct lines *lines, const char **line, size_t *length, bool *whole,
                              struct mr_error *error);

/* What lines_next has just given, a line or LINES_TOO_LONG, comes again. */
void lines_again(struct lines *lines);

/* Sleeps until a stream has something to read, or a signal comes. */
void lines_wait(const struct lines *lines);

/* Up to `size` of the first bytes, without moving. Not of a stream. */
size_t lines_peek(const struct lines *lines, char *bytes, size_t size);

#endif
