#include "tools/output.h"

#include "base/clock.h"
#include "tools/json.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_INTERVAL_NS = 100000000, LINE_COLUMNS = 78 };

static struct {
    const char *command;
    bool out_is_terminal; /* and may be painted */
    bool out_is_unicode;
    bool err_is_terminal;
    uint64_t progress_next_ns;
    bool json, told;
    char last[2 * MR_ERROR_TEXT_SIZE]; /* message */
} output;

/* -- What it is that we write to. -------------------------------------------------------------- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0';
}

static bool terminal_is_capable(void)
{
    const char *terminal = getenv("TERM");
    return terminal != NULL && *terminal != '\0' && strcmp(terminal, "dumb") != 0;
}

/* The first of these that is set decides, as for the C library. */
static bool locale_is_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && *value != '\0') {
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
        }
    }
    return false;
}

void output_start(const char *command)
{
    bool capable = terminal_is_capable();
    output.command = command;
    output.err_is_terminal = capable && isatty(STDERR_FILENO) == 1;
    output.out_is_terminal = capable && isatty(STDOUT_FILENO) == 1 && !is_set("NO_COLOR");
    output.out_is_unicode = output.out_is_terminal && locale_is_utf8();
}

/* -- Messages. --------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 0))) static void message(const char *format, va_list arguments)
{
    progress_clear();
    vsnprintf(output.last, sizeof output.last, format, arguments);
    fprintf(stderr, "millrace%s%s: %s\n", output.command == NULL ? "" : " ",
            output.command == NULL ? "" : output.command, output.last);
}

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message(format, arguments);
    va_end(arguments);
}

int complain(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message(format, arguments);
    va_end(arguments);
    return code;
}

int complain_of(const struct mr_error *error)
{
    return complain((int)exit_code_of(error->code), "%s", error->text);
}

/* Who was to read standard output has closed it, having seen enough. */
static bool reader_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* Other threads may be writing, too: one call, and nothing of what message() keeps. */
void tell_log(void *context, enum mr_log_level level, const char *message)
{
    (void)context;
    if (level == MR_LOG_WARNING) {
        fprintf(stderr, "%smillrace%s%s: warning: %s\n", output.err_is_terminal ? "\r\033[K" : "",
                output.command == NULL ? "" : " ", output.command == NULL ? "" : output.command,
                message);
    }
}

void output_json(bool asked)
{
    output.json = asked;
}

void output_told(void)
{
    output.told = true;
}

static void tell_failure(int code)
{
    struct json json;
    json_begin(&json, stdout);
    json_bool(&json, "ok", false);
    json_u64(&json, "exit", (uint64_t)code);
    json_text(&json, "error", output.last);
    json_end(&json);
}

int output_finish(int code)
{
    progress_clear();
    if (code != EXIT_OK && output.json && !output.told) {
        tell_failure(code);
    }
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return code;
    }
    if (reader_is_gone()) {
        return EXIT_RESOURCES; /* that is nothing to complain about */
    }
    return complain(EXIT_RESOURCES, "cannot write to standard output: %s",
                    errno == 0 ? "an earlier write failed" : strerror(errno));
}

/* -- Progress. --------------------------------------------------------------------------------- */

bool progress_due(void)
{
    if (!output.err_is_terminal) {
        return false;
    }
    uint64_t now_ns = mr_monotonic_ns();
    if (now_ns < output.progress_next_ns) {
        return false;
    }
    output.progress_next_ns = now_ns + PROGRESS_INTERVAL_NS;
    return true;
}

void progress_show(const char *format, ...)
{
    char line[LINE_COLUMNS + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void progress_clear(void)
{
    if (output.err_is_terminal) {
        fputs("\r\033[K", stderr); /* perhaps of a process that is gone */
    }
}

void progress_of_sequences(void *context, uint64_t sequence, uint64_t last_sequence)
{
    (void)context;
    if (!progress_due()) {
        return;
    }
    if (last_sequence == 0) {
        progress_show("sequence %s", number_grouped(sequence).text);
    } else {
        progress_show("sequence %s of %s (%" PRIu64 "%%)", number_grouped(sequence).text,
                      number_grouped(last_sequence).text, sequence * 100 / last_sequence);
    }
}

/* -- Standard output. -------------------------------------------------------------------------- */

const char *paint(enum paint paint)
{
    static const char *const codes[] = {
        [PAINT_NONE] = "\033[0m", [PAINT_BOLD] = "\033[1m",   [PAINT_DIM] = "\033[2m",
        [PAINT_RED] = "\033[31m", [PAINT_GREEN] = "\033[32m", [PAINT_YELLOW] = "\033[33m",
    };
    return output.out_is_terminal ? codes[paint] : "";
}

bool output_is_unicode(void)
{
    return output.out_is_unicode;
}

/* -- Numbers. ---------------------------------------------------------------------------------- */

/* Digits with a comma in front of every three. */
static struct number_text group(const char *digits)
{
    struct number_text number;
    int count = (int)strlen(digits), used = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            number.text[used++] = ',';
        }
        number.text[used++] = digits[i];
    }
    number.text[used] = '\0';
    return number;
}

struct number_text number_grouped(uint64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, value);
    return group(digits);
}

struct number_text number_u128_grouped(struct mr_u128 value)
{
    return group(number_u128(value).text);
}

struct number_text number_u128(struct mr_u128 value)
{
    __extension__ typedef unsigned __int128 wide;
    struct number_text number;
    wide left = (wide)value.high << 64 | value.low;
    size_t at = sizeof number.text - 1;
    number.text[at] = '\0';
    do {
        number.text[--at] = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left > 0);
    memmove(number.text, number.text + at, sizeof number.text - at);
    return number;
}

/* value / unit with three significant digits. */
static struct number_text scaled_to(uint64_t value, uint64_t unit, const char *name)
{
    struct number_text number;
    uint64_t hundredths = value / unit * 100 + value % unit * 100 / unit;
    if (hundredths >= 10000) {
        snprintf(number.text, sizeof number.text, "%" PRIu64 " %s", value / unit, name);
    } else if (hundredths >= 1000) {
        snprintf(number.text, sizeof number.text, "%" PRIu64 ".%" PRIu64 " %s", hundredths / 100,
                 hundredths % 100 / 10, name);
    } else {
        snprintf(number.text, sizeof number.text, "%" PRIu64 ".%02" PRIu64 " %s", hundredths / 100,
                 hundredths % 100, name);
    }
    return number;
}

struct number_text number_duration(uint64_t ns)
{
    struct number_text number;
    if (ns < 1000) {
        snprintf(number.text, sizeof number.text, "%" PRIu64 " ns", ns);
        return number;
    }
    if (ns < 1000000) {
        return scaled_to(ns, 1000, "us");
    }
    return ns < 1000000000 ? scaled_to(ns, 1000000, "ms") : scaled_to(ns, 1000000000, "s");
}

struct number_text number_bytes(uint64_t bytes)
{
    struct number_text number;
    if (bytes < 1024) {
        snprintf(number.text, sizeof number.text, "%" PRIu64 " bytes", bytes);
        return number;
    }
    if (bytes < 1 << 20) {
        return scaled_to(bytes, 1 << 10, "KiB");
    }
    return bytes < 1 << 30 ? scaled_to(bytes, 1 << 20, "MiB") : scaled_to(bytes, 1 << 30, "GiB");
}

struct number_text number_scaled(int64_t value, uint32_t decimals)
{
    struct number_text number;
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    uint64_t unit = 1;
    for (uint32_t i = 0; i < decimals && i < 18; i++) {
        unit *= 10;
    }
    if (unit == 1) {
        snprintf(number.text, sizeof number.text, "%" PRId64, value);
    } else {
        snprintf(number.text, sizeof number.text, "%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "",
                 size / unit, (int)(decimals < 18 ? decimals : 18), size % unit);
    }
    return number;
}

struct number_text number_time(uint64_t ns)
{
    enum { NS_PER_S = 1000000000, YEAR_2000_S = 946684800 };
    struct number_text number;
    struct tm parts;
    char day[32];
    time_t s = (time_t)(ns / NS_PER_S);
    if (s < YEAR_2000_S || gmtime_r(&s, &parts) == NULL) {
        snprintf(number.text, sizeof number.text, "time %" PRIu64, ns);
        return number;
    }
    strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &parts);
    snprintf(number.text, sizeof number.text, "%s.%06" PRIu64 " UTC", day, ns % NS_PER_S / 1000);
    return number;
}

uint64_t rate_per_second(uint64_t count, uint64_t elapsed_ns)
{
    __extension__ typedef unsigned __int128 wide;
    return elapsed_ns == 0 ? 0 : (uint64_t)((wide)count * 1000000000 / elapsed_ns);
}
