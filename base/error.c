#include <millrace/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A disk that is busy (EBUSY, EAGAIN) has failed; that another process is in the way is known only
 * to whoever asked for a lock. */
static int status_of_errno(int system_error)
{
    switch (system_error) {
    case ENOENT:
        return MR_E_NOT_FOUND;
    case EEXIST:
        return MR_E_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return MR_E_NO_SPACE;
    case EROFS:
    case EACCES:
    case EPERM:
        return MR_E_READ_ONLY;
    case ENOMEM:
        return MR_E_NO_MEMORY;
    case ENOSYS:
    case EOPNOTSUPP:
        return MR_E_UNSUPPORTED;
    default:
        return MR_E_IO;
    }
}

int mr_error_set(struct mr_error *error, int code, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return code;
}

int mr_error_set_errno(struct mr_error *error, int system_error, const char *format, ...)
{
    int code = status_of_errno(system_error);
    if (error != NULL) {
        char place[MR_ERROR_TEXT_SIZE / 2];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(place, sizeof place, format, arguments);
        va_end(arguments);
        error->code = code;
        snprintf(error->text, sizeof error->text, "%s: %s", place, strerror(system_error));
    }
    return code;
}

const char *mr_status_text(int status)
{
#define TEXT_CASE(name, value, text) \
    case value:                      \
        return text;
    switch (status) {
        MR_STATUS_LIST(TEXT_CASE)
    default:
        return "unknown status";
    }
#undef TEXT_CASE
}
