/*
 * <millrace/log.h>: what the library has to say beside return values: recovery, room getting low, a
 * part that was disabled, a failure. It prints nothing itself.
 */
#ifndef MILLRACE_LOG_H
#define MILLRACE_LOG_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum mr_log_level {
    MR_LOG_ERROR,   /* something failed, and has stopped working */
    MR_LOG_WARNING, /* something will fail unless somebody acts, or works less well than it could */
    MR_LOG_INFO,    /* the course of things: recovered, started, stopped */
};

/* Where messages go. `message` is one line without a line end, valid during the call. It is called
 * by whichever thread has something to say, never on the path of a command that goes well, and may
 * be called by several at once; it should return soon and must not call the engine. */
struct mr_log {
    void (*write)(void *context, enum mr_log_level level, const char *message); /* NULL: nowhere */
    void *context;
    enum mr_log_level level; /* messages above it are not wanted; 0: errors alone */
};

/* "error", "warning", "info". Static storage. */
const char *mr_log_level_name(enum mr_log_level level);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
