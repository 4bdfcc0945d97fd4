#include "tools/lines.h"

#include "base/assert.h"
#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A whole line always fits behind what is left of the one before. */
enum { BUFFER_SIZE = 2 * LINES_LENGTH_MAX };

static int open_file(struct lines *lines, const char *path, struct mr_error *error)
{
    struct stat status;
    lines->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (lines->file < 0)
        return mr_error_set_errno(error, errno, "%s", path);
    if (fstat(lines->file, &status) != 0)
        return mr_error_set_errno(error, errno, "%s", path);
    if (!S_ISREG(status.st_mode))
        return mr_error_set(error, MR_E_INVALID,
                            "%s is not a regular file; what a pipe brings is read with '-'", path);
    lines->left = (uint64_t)status.st_size;
    return MR_OK;
}

int lines_open(struct lines *lines, const char *path, struct mr_error *error)
{
    *lines = (struct lines){.name = path, .file = -1};
    int status = MR_OK;
    if (strcmp(path, "-") == 0) {
        lines->name = "standard input";
        lines->file = STDIN_FILENO;
        lines->stream = true;
        lines->left = UINT64_MAX;
    } else {
        status = open_file(lines, path, error);
    }
    if (status == MR_OK && (lines->buffer = malloc(BUFFER_SIZE)) == NULL)
        status = mr_error_set(error, MR_E_NO_MEMORY, "%s: no memory for a buffer", lines->name);
    if (status != MR_OK)
        lines_close(lines);
    return status;
}

void lines_close(struct lines *lines)
{
    if (lines->file >= 0 && !lines->stream)
        close(lines->file);
    free(lines->buffer);
    *lines = (struct lines){.file = -1};
}

/* Lines that begin in these bytes and hold something; `*starts` says whether the first byte begins
 * one, and then the same of what follows the last byte. */
static uint64_t lines_in(const char *bytes, size_t size, bool *starts)
{
    uint64_t count = 0;
    const char *end = bytes + size;
    while (bytes < end) {
        count += *starts && *bytes != '\n' && *bytes != '#';
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        *starts = newline != NULL;
        bytes = newline == NULL ? end : newline + 1;
    }
    return count;
}

static ssize_t read_at(const struct lines *lines, void *bytes, size_t size, uint64_t offset)
{
    ssize_t got;
    do
        got = pread(lines->file, bytes, size, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

static int shrunk(const struct lines *lines, struct mr_error *error)
{
    return mr_error_set(error, MR_E_IO, "%s has become shorter while it was read", lines->name);
}

int lines_survey(struct lines *lines, struct mr_digest *digest, uint64_t *count,
                 struct mr_error *error)
{
    ASSERT(!lines->stream && lines->end == 0);
    struct mr_digest_stream *stream = mr_digest_begin();
    if (stream == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "%s: no memory for a digest", lines->name);
    int status = MR_OK;
    bool starts = true;
    *count = 0;
    for (uint64_t offset = 0; status == MR_OK && offset < lines->left;) {
        uint64_t rest = lines->left - offset;
        ssize_t got =
            read_at(lines, lines->buffer, rest < BUFFER_SIZE ? rest : BUFFER_SIZE, offset);
        if (got < 0) {
            status = mr_error_set_errno(error, errno, "%s", lines->name);
        } else if (got == 0) {
            status = shrunk(lines, error);
        } else {
            mr_digest_add(stream, lines->buffer, (size_t)got);
            *count += lines_in(lines->buffer, (size_t)got, &starts);
            offset += (uint64_t)got;
        }
    }
    *digest = mr_digest_end(stream);
    return status;
}

size_t lines_peek(const struct lines *lines, char *bytes, size_t size)
{
    ASSERT(!lines->stream);
    ssize_t got = read_at(lines, bytes, size, 0);
    return got < 0 ? 0 : (size_t)got;
}

static bool readable_now(int file)
{
    struct pollfd wanted = {.fd = file, .events = POLLIN};
    return poll(&wanted, 1, 0) != 0; /* an error, too, is for read to tell */
}

/* Reads more behind what is there. LINES_LINE: there may be a line now; else what to tell. */
static enum lines_outcome fill(struct lines *lines, struct mr_error *error)
{
    if (lines->left == 0) {
        lines->ended = true;
        return LINES_LINE;
    }
    if (lines->begin > 0) {
        memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
        lines->end -= lines->begin;
        lines->begin = 0;
    }
    if (lines->stream && !readable_now(lines->file))
        return LINES_WAIT;
    size_t room = BUFFER_SIZE - lines->end;
    ASSERT(room > 0);
    ssize_t got =
        read(lines->file, lines->buffer + lines->end, room < lines->left ? room : lines->left);
    if (got < 0) {
        if (errno == EINTR || errno == EAGAIN)
            return LINES_WAIT;
        mr_error_set_errno(error, errno, "%s", lines->name);
        return LINES_FAILED;
    }
    if (got == 0) {
        if (!lines->stream) {
            shrunk(lines, error);
            return LINES_FAILED;
        }
        lines->left = 0;
        lines->ended = true;
        return LINES_LINE;
    }
    lines->end += (size_t)got;
    if (!lines->stream)
        lines->left -= (uint64_t)got;
    return LINES_LINE;
}

/* Takes `size` bytes of a line, its newline (if `whole`) behind them. */
static void take(struct lines *lines, size_t size, bool whole)
{
    lines->given = lines->begin;
    lines->begin += size + (whole ? 1 : 0);
    lines->searched = 0;
}

void lines_again(struct lines *lines)
{
    ASSERT(lines->number > 0 && !lines->repeat);
    lines->repeat = lines->too_long;
    if (lines->too_long)
        return;
    ASSERT(lines->given < lines->begin);
    lines->begin = lines->given;
    lines->number--;
}

void lines_wait(const struct lines *lines)
{
    struct pollfd wanted = {.fd = lines->file, .events = POLLIN};
    (void)poll(&wanted, 1, -1);
}

static enum lines_outcome too_long(struct lines *lines, struct mr_error *error)
{
    lines->repeat = false;
    mr_error_set(error, MR_E_INVALID, "%s:%llu: the line is longer than %d bytes", lines->name,
                 (unsigned long long)lines->number, LINES_LENGTH_MAX - 1);
    return LINES_TOO_LONG;
}

static enum lines_outcome give(struct lines *lines, size_t size, bool ends, struct mr_error *error)
{
    lines->too_long = lines->skipping || size >= LINES_LENGTH_MAX;
    lines->number += !lines->skipping;
    lines->skipping = false;
    take(lines, size, ends);
    return lines->too_long ? too_long(lines, error) : LINES_LINE;
}

enum lines_outcome lines_next(struct lines *lines, const char **line, size_t *length, bool *whole,
                              struct mr_error *error)
{
    if (lines->repeat)
        return too_long(lines, error);
    for (;;) {
        const char *start = lines->buffer + lines->begin;
        size_t size = lines->end - lines->begin;
        const char *newline = memchr(start + lines->searched, '\n', size - lines->searched);
        if (newline != NULL) {
            *line = start;
            *length = (size_t)(newline - start);
            *whole = true;
            return give(lines, *length, true, error);
        }
        lines->searched = size;
        if (lines->ended) {
            if (size == 0 && !lines->skipping)
                return LINES_END;
            *line = start;
            *length = size;
            *whole = false;
            return give(lines, size, false, error);
        }
        if (size >= LINES_LENGTH_MAX) { /* forget what cannot become a line, up to its end */
            lines->number += !lines->skipping;
            lines->skipping = true;
            take(lines, size, false);
        }
        enum lines_outcome outcome = fill(lines, error);
        if (outcome != LINES_LINE)
            return outcome;
    }
}
