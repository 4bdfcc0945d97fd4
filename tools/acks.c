#include "tools/acks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BUFFER_SIZE = 64 << 10,
    LINE_SIZE_MAX = 2 * 20 + 2, /* two numbers, a blank and the end of the line */
    TAIL_SIZE = 4096,
};

struct acks {
    int file;
    size_t used;
    struct mr_error failure; /* code MR_OK: none */
    char path[MR_ERROR_TEXT_SIZE / 4];
    char buffer[BUFFER_SIZE];
};

/* -- Opening: what a kill cut off goes away. --------------------------------------------------- */

/* Where the last whole line of the first `size` bytes ends. */
static int whole_lines(int file, off_t size, off_t *end)
{
    char tail[TAIL_SIZE];
    while (size > 0) {
        off_t from = size > TAIL_SIZE ? size - TAIL_SIZE : 0;
        ssize_t got = pread(file, tail, (size_t)(size - from), from);
        if (got != size - from) {
            return got < 0 ? errno : EIO;
        }
        const char *newline = memrchr(tail, '\n', (size_t)got);
        if (newline != NULL) {
            size = from + (newline - tail) + 1;
            break;
        }
        size = from;
    }
    *end = size;
    return 0;
}

/* Whether the line that ends at `end` is one of ours and promises nothing above `last_sequence`. */
static bool last_line_fits(int file, off_t end, uint64_t last_sequence)
{
    char line[LINE_SIZE_MAX + 2] = "";
    off_t from = end > LINE_SIZE_MAX + 1 ? end - (LINE_SIZE_MAX + 1) : 0;
    ssize_t got = pread(file, line, (size_t)(end - from), from);
    if (got <= 0) {
        return end == 0;
    }
    line[got - 1] = '\0';                  /* in place of the end of the line */
    if (strlen(line) != (size_t)got - 1) { /* what a power loss left: zeros */
        return false;
    }
    const char *before = strrchr(line, '\n');
    const char *begin = before == NULL ? line : before + 1;
    char *blank;
    char *rest;
    errno = 0;
    uint64_t sequence = strtoull(begin, &blank, 10);
    (void)strtoull(blank, &rest, 10);
    return errno == 0 && blank != begin && *blank == ' ' && rest != blank && *rest == '\0' &&
           sequence <= last_sequence;
}

/* Checks the file, then removes what a kill cut off. */
static int take_up(int file, const char *path, uint64_t last_sequence, struct mr_error *error)
{
    off_t size = lseek(file, 0, SEEK_END);
    off_t end = 0;
    int failure = size < 0 ? errno : whole_lines(file, size, &end);
    if (failure == 0 && !last_line_fits(file, end, last_sequence)) {
        return mr_error_set(error, MR_E_MISMATCH,
                            "'%s' ends with a line that does not belong to this journal, whose "
                            "last sequence is %llu: name the file of this journal, or a new one",
                            path, (unsigned long long)last_sequence);
    }
    if (failure == 0 && end != size && ftruncate(file, end) != 0) {
        failure = errno;
    }
    return failure == 0 ? MR_OK
                        : mr_error_set_errno(error, failure,
                                             "cannot open '%s' to append acknowledgements", path);
}

int acks_open(const char *path, uint64_t last_sequence, struct acks **acks_out,
              struct mr_error *error)
{
    struct acks *acks = calloc(1, sizeof *acks);
    if (acks == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for the acknowledgements");
    }
    size_t length = strnlen(path, sizeof acks->path - 1);
    memcpy(acks->path, path, length);
    acks->file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int status =
        acks->file < 0
            ? mr_error_set_errno(error, errno, "cannot open '%s' to append acknowledgements", path)
            : take_up(acks->file, path, last_sequence, error);
    if (status != MR_OK) {
        acks_close(acks);
        return status;
    }
    *acks_out = acks;
    return MR_OK;
}

void acks_close(struct acks *acks)
{
    if (acks != NULL && acks->file >= 0) {
        (void)close(acks->file);
    }
    free(acks);
}

/* -- Appending. -------------------------------------------------------------------------------- */

int acks_flush(struct acks *acks, struct mr_error *error)
{
    size_t written = 0;
    while (acks->failure.code == MR_OK && written < acks->used) {
        ssize_t got = write(acks->file, acks->buffer + written, acks->used - written);
        if (got > 0) {
            written += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            (void)mr_error_set_errno(&acks->failure, got == 0 ? ENOSPC : errno,
                                     "cannot append acknowledgements to '%s'", acks->path);
        }
    }
    acks->used = 0;
    if (acks->failure.code != MR_OK) {
        return mr_error_set(error, acks->failure.code, "%s", acks->failure.text);
    }
    return MR_OK;
}

static void put_number(struct acks *acks, uint64_t value, char end)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        acks->buffer[acks->used++] = digits[--count];
    }
    acks->buffer[acks->used++] = end;
}

void acks_add(struct acks *acks, uint64_t sequence, uint64_t request)
{
    if (acks->used + LINE_SIZE_MAX > BUFFER_SIZE) {
        (void)acks_flush(acks, NULL); /* the caller's next flush tells of a failure */
    }
    put_number(acks, sequence, ' ');
    put_number(acks, request, '\n');
}
