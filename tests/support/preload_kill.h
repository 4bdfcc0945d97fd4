/*
 * What libraries share that are preloaded into a program to kill it: SIGKILL in front of the N-th
 * of the calls that they count, N being $MR_KILL_AT, or 0. The file $MR_KILL_CALLS gets a line for
 * each.
 */
#ifndef MR_TESTS_SUPPORT_PRELOAD_KILL_H
#define MR_TESTS_SUPPORT_PRELOAD_KILL_H

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_ulong preload_called;
static unsigned long preload_kill_at;
static int preload_calls = -1;

__attribute__((constructor)) static void preload_start(void)
{
    const char *text = getenv("MR_KILL_AT");
    const char *path = getenv("MR_KILL_CALLS");
    preload_kill_at = text == NULL ? 0 : strtoul(text, NULL, 10);
    preload_calls = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static inline void preload_count(void)
{
    if (atomic_fetch_add(&preload_called, 1) + 1 == preload_kill_at) {
        kill(getpid(), SIGKILL);
    }
    if (preload_calls >= 0 && write(preload_calls, ".\n", 2) != 2) {
        abort();
    }
}

/* Finds the definition behind ours, as `next`. */
#define PRELOAD_NEXT(name)                          \
    static __typeof__(&name) next;                  \
    do {                                            \
        if (next == NULL) {                         \
            void *symbol = dlsym(RTLD_NEXT, #name); \
            memcpy(&next, &symbol, sizeof next);    \
        }                                           \
    } while (0)

#endif
