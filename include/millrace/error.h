/*
 * <millrace/error.h>: operating errors as values.
 *
 * Three outcomes are never mixed:
 *   - "full", "again", "nothing yet" is a result value (a bool or MR_AGAIN), never an error;
 *   - an operating error (disk, bad input, resources) is a negative code with a message;
 *   - a programmer's error is an assertion, which stays on in release builds.
 *
 * The library prints nothing. A function that can fail takes a `struct mr_error *` (NULL: the
 * caller does not want the message), fills it in on failure only, and returns its code.
 */
#ifndef MILLRACE_ERROR_H
#define MILLRACE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* name, value, what it says about the cause */
#define MR_STATUS_LIST(X)                                                          \
    X(OK, 0, "ok")                                                                 \
    X(AGAIN, 1, "not now: full, or nothing there yet")                             \
    X(E_INVALID, -1, "bad argument or bad input")                                  \
    X(E_NOT_FOUND, -2, "does not exist")                                           \
    X(E_EXISTS, -3, "exists already")                                              \
    X(E_MISMATCH, -4, "belongs to something else (other logic, journal or input)") \
    X(E_VERSION, -5, "written by a version that this one does not know")           \
    X(E_CORRUPT, -6, "stored bytes are damaged")                                   \
    X(E_DIVERGED, -7, "a replay produced other results than were recorded")        \
    X(E_IO, -8, "input or output failed")                                          \
    X(E_NO_SPACE, -9, "no space left on the device")                               \
    X(E_READ_ONLY, -10, "not writable")                                            \
    X(E_BUSY, -11, "in use by another process")                                    \
    X(E_LIMIT, -12, "a configured limit was reached")                              \
    X(E_NO_MEMORY, -13, "not enough memory")                                       \
    X(E_FENCED, -14, "stopped after an earlier failed write or sync")              \
    X(E_UNSUPPORTED, -15, "not supported by this system")                          \
    X(E_HALTED, -16, "halted: nobody waits any more")

#define MR_STATUS_ENUM(name, value, text) MR_##name = value,
enum mr_status { MR_STATUS_LIST(MR_STATUS_ENUM) };
#undef MR_STATUS_ENUM

enum { MR_ERROR_TEXT_SIZE = 480 };

/* An operating error: its code and one line that names the place (file, offset, sequence) and says
 * what to do next. Plain data; copy it freely. All zero means "no error". */
struct mr_error {
    int code; /* enum mr_status, negative */
    char text[MR_ERROR_TEXT_SIZE];
};

/* Fills in `error` (may be NULL) and returns `code`, so that a failure reads
 * `return mr_error_set(error, MR_E_IO, "...")`. Any thread; wait-free. */
int mr_error_set(struct mr_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As mr_error_set, with the code that fits `system_error` (an errno value) and its text appended.
 */
int mr_error_set_errno(struct mr_error *error, int system_error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a status code means; "unknown status" for any other number. Static storage. */
const char *mr_status_text(int status);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
