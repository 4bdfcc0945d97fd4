/*
 * Preloaded into a program that talks over sockets: SIGKILL in front of the N-th of its calls for
 * that, N being $MR_KILL_AT, or 0. $MR_KILL_CALLS, a file, gets a line for each call.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_ulong called;
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
    if (atomic_fetch_add(&called, 1) + 1 == kill_at) {
        kill(getpid(), SIGKILL);
    }
    if (calls >= 0 && write(calls, ".\n", 2) != 2) {
        abort();
    }
}

/* Finds the definition behind ours. */
#define NEXT(name)                                  \
    static __typeof__(&name) next;                  \
    do {                                            \
        if (next == NULL) {                         \
            void *symbol = dlsym(RTLD_NEXT, #name); \
            memcpy(&next, &symbol, sizeof next);    \
        }                                           \
    } while (0)

/* Our definitions name their parameters as the rest of this file does, not as the headers do. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

int socket(int domain, int type, int protocol)
{
    NEXT(socket);
    count();
    return next(domain, type, protocol);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    NEXT(send);
    count();
    return next(fd, bytes, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    count();
    return next(fd, message, flags);
}

/* What is not there yet depends on who is quicker, and is not counted. */
ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    NEXT(recv);
    ssize_t received = next(fd, bytes, size, flags);
    if (received >= 0) {
        count();
    }
    return received;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
