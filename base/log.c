#include <millrace/log.h>

const char *mr_log_level_name(enum mr_log_level level)
{
    static const char *const names[] = {
        [MR_LOG_ERROR] = "error", [MR_LOG_WARNING] = "warning", [MR_LOG_INFO] = "info"};
    return (unsigned)level < sizeof names / sizeof *names ? names[level] : "unknown";
}
