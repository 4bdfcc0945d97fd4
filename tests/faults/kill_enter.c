/*
 * Preloaded into a program where strace may not be used: SIGKILL in front of the N-th call that
 * enters the kernel for io_uring, N being $MR_KILL_AT, or 0. The file $MR_KILL_CALLS gets a line
 * for each. A call that the library repeats by itself counts once.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_ulong entered;
static unsigned long kill_at;
static int calls = -1;

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("MR_KILL_AT");
    const char *path = getenv("MR_KILL_CALLS");
    kill_at = text == NULL ? 0 : strtoul(text, NULL, 10);
    calls = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void count(void)
{
    if (atomic_fetch_add(&entered, 1) + 1 == kill_at) {
        kill(getpid(), SIGKILL);
    }
    if (calls >= 0 && write(calls, ".\n", 2) != 2) {
        abort();
    }
}

/* Counts, and finds the definition behind ours. */
#define NEXT(name)                                  \
    static __typeof__(&name) next;                  \
    do {                                            \
        if (next == NULL) {                         \
            void *symbol = dlsym(RTLD_NEXT, #name); \
            memcpy(&next, &symbol, sizeof next);    \
        }                                           \
        count();                                    \
    } while (0)

/* Our definitions name their parameters as the rest of this file does, not as the headers do. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

int io_uring_submit(struct io_uring *ring)
{
    NEXT(io_uring_submit);
    return next(ring);
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
                                     unsigned wait_nr, struct __kernel_timespec *ts,
                                     sigset_t *sigmask)
{
    NEXT(io_uring_submit_and_wait_timeout);
    return next(ring, cqe_ptr, wait_nr, ts, sigmask);
}

int io_uring_submit_and_get_events(struct io_uring *ring)
{
    NEXT(io_uring_submit_and_get_events);
    return next(ring);
}

int io_uring_get_events(struct io_uring *ring)
{
    NEXT(io_uring_get_events);
    return next(ring);
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
