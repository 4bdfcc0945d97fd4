/*
 * Which boot this is, and which process: what /proc tells.
 */
#include "engine/counters.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Reads a small file of /proc; the number of bytes, with a zero behind them. */
static size_t read_small(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, size - 1);
    if (file >= 0) {
        (void)close(file);
    }
    text[got < 0 ? 0 : got] = '\0';
    return got < 0 ? 0 : (size_t)got;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

void mr_boot_id(uint8_t id[16])
{
    char text[64];
    memset(id, 0, 16);
    size_t size = read_small("/proc/sys/kernel/random/boot_id", text, sizeof text);
    uint32_t digits = 0;
    for (size_t i = 0; i < size && digits < 32; i++) {
        int value = hex_value(text[i]);
        if (value >= 0) {
            id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | value);
            digits++;
        }
    }
}

bool mr_process_look(uint32_t pid, uint64_t *start, char *state)
{
    enum { START_FIELD = 22, STATE_FIELD = 3 };
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%u/stat", pid);
    if (read_small(path, text, sizeof text) == 0) {
        return false;
    }
    /* The second field is the program's name in parentheses, which may hold anything. */
    const char *at = strrchr(text, ')');
    if (at == NULL || at[1] == '\0') {
        return false;
    }
    at += 2;
    *state = *at;
    for (uint32_t field = STATE_FIELD; field < START_FIELD && at != NULL; field++) {
        at = strchr(at, ' ');
        at = at == NULL ? NULL : at + 1;
    }
    *start = 0;
    for (; at != NULL && *at >= '0' && *at <= '9'; at++) {
        *start = *start * 10 + (uint64_t)(*at - '0');
    }
    return *start > 0;
}
