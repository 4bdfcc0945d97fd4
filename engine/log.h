/*
 * What the engine says: to options.log, and, when something is wrong, to the error log of the
 * counters. Never on the path of a command that goes well. Any thread.
 */
#ifndef MR_ENGINE_LOG_H
#define MR_ENGINE_LOG_H

#include <millrace/error.h>
#include <millrace/log.h>

struct mr_engine;

/* The course of things: told if somebody listens at this level. A longer message is cut. */
void mr_engine_inform(struct mr_engine *engine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Something to act on. `place` names in a word where; `code` is MR_OK where nothing has failed. */
void mr_engine_warn(struct mr_engine *engine, const char *place, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Something has failed, and the engine with it. */
void mr_engine_cry(struct mr_engine *engine, const char *place, const struct mr_error *error);

#endif
