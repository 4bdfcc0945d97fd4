/*
 * Preloaded into a program that talks over sockets: SIGKILL in front of the N-th of its calls for
 * that (tests/support/preload_kill.h).
 */
#include "tests/support/preload_kill.h"

#include <sys/socket.h>
#include <sys/types.h>

/* Our definitions name their parameters as the rest of this file does, not as the headers do. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

int socket(int domain, int type, int protocol)
{
    PRELOAD_NEXT(socket);
    preload_count();
    return next(domain, type, protocol);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    PRELOAD_NEXT(send);
    preload_count();
    return next(fd, bytes, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    PRELOAD_NEXT(sendmsg);
    preload_count();
    return next(fd, message, flags);
}

/* What is not there yet depends on who is quicker, and is not counted. */
ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    PRELOAD_NEXT(recv);
    ssize_t received = next(fd, bytes, size, flags);
    if (received >= 0) {
        preload_count();
    }
    return received;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
