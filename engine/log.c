#include "engine/log.h"

#include "engine/parts.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_wanted(const struct mr_log *log, enum mr_log_level level)
{
    return log->write != NULL && level <= log->level;
}

void mr_engine_inform(struct mr_engine *engine, const char *format, ...)
{
    const struct mr_log *log = &engine->options.log;
    if (!is_wanted(log, MR_LOG_INFO)) {
        return;
    }
    char line[MR_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->write(log->context, MR_LOG_INFO, line);
}

static void tell(struct mr_engine *engine, enum mr_log_level level, const char *place, int code,
                 const char *line)
{
    const struct mr_log *log = &engine->options.log;
    mr_counters_note(&engine->watch.counters, level, place, code, line);
    if (is_wanted(log, level)) {
        log->write(log->context, level, line);
    }
}

void mr_engine_warn(struct mr_engine *engine, const char *place, int code, const char *format, ...)
{
    char line[MR_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    tell(engine, MR_LOG_WARNING, place, code, line);
}

void mr_engine_cry(struct mr_engine *engine, const char *place, const struct mr_error *error)
{
    tell(engine, MR_LOG_ERROR, place, error->code, error->text);
}
