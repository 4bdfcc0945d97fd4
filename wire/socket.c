#include "wire/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, HOST_SIZE = 256, PORT_SIZE = 8, KEEPALIVE_S = 60 };

static int close_and(int fd, int status)
{
    (void)close(fd);
    return status;
}

/* -- Addresses. -------------------------------------------------------------------------------- */

static int fill_path(const char *path, struct sockaddr_un *address, struct mr_error *error)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) {
        return mr_error_set(error, MR_E_INVALID,
                            "%s: the path of a Unix socket has 1 to %zu bytes: name a shorter one",
                            path, sizeof address->sun_path - 1);
    }
    memcpy(address->sun_path, path, length + 1);
    return MR_OK;
}

/* "HOST:PORT" or "[HOST]:PORT" in two; without a host: that of `fallback` (NULL: one is needed). */
static int split(const char *text, const char *fallback, char host[HOST_SIZE], char port[PORT_SIZE],
                 struct mr_error *error)
{
    const char *colon = strrchr(text, ':');
    const char *digits = colon == NULL ? text : colon + 1;
    size_t size = colon == NULL ? 0 : (size_t)(colon - text);
    if (colon == NULL && fallback != NULL) {
        text = fallback;
        size = strlen(fallback);
    }
    if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    }
    size_t count = strlen(digits);
    if (size == 0 || size >= HOST_SIZE || count == 0 || count >= PORT_SIZE ||
        strspn(digits, "0123456789") != count) {
        return mr_error_set(error, MR_E_INVALID, "'%s' is not HOST:PORT", text);
    }
    memcpy(host, text, size);
    host[size] = '\0';
    memcpy(port, digits, count + 1);
    return MR_OK;
}

static int resolve(const char *host, const char *port, int flags, struct addrinfo **found,
                   struct mr_error *error)
{
    struct addrinfo hints;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    int status = getaddrinfo(host, port, &hints, found);
    if (status != 0) {
        return mr_error_set(error, MR_E_INVALID, "%s:%s: %s", host, port, gai_strerror(status));
    }
    return MR_OK;
}

/* -- Listening. -------------------------------------------------------------------------------- */

/* Makes room for the socket: what is there must be a socket, and nobody may answer on it. */
static int look_at_path(const struct sockaddr_un *address, struct mr_error *error)
{
    const char *path = address->sun_path;
    struct stat there;
    if (lstat(path, &there) != 0) {
        return errno == ENOENT ? MR_OK
                               : mr_error_set_errno(error, errno, "cannot listen at %s", path);
    }
    if (!S_ISSOCK(there.st_mode)) {
        return mr_error_set(error, MR_E_INVALID,
                            "%s is there and is no socket: name another path, or remove it", path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return mr_error_set_errno(error, errno, "no socket to be had");
    }
    int result = connect(fd, (const struct sockaddr *)address, sizeof *address);
    int failure = errno;
    (void)close(fd);
    if (result != 0 && (failure == ECONNREFUSED || failure == ENOENT)) {
        return MR_OK; /* a dead server left it behind */
    }
    return mr_error_set(error, MR_E_BUSY,
                        "%s: another server listens there: stop it, or name another path", path);
}

/* Bound under a name of its own and renamed: whoever finds the path finds somebody who listens, and
 * never with wider permissions than asked for. */
static int bind_path(int fd, const struct sockaddr_un *address, uint32_t mode,
                     struct mr_socket_file *file, struct mr_error *error)
{
    struct sockaddr_un draft = *address;
    struct stat made;
    const char *path = address->sun_path;
    if ((size_t)snprintf(draft.sun_path, sizeof draft.sun_path, "%s.%ld", path, (long)getpid()) >=
        sizeof draft.sun_path) {
        return mr_error_set(error, MR_E_INVALID,
                            "%s: the path is too long for a Unix socket: name a shorter one", path);
    }
    (void)unlink(draft.sun_path);
    if (fchmod(fd, (mode_t)mode) != 0 ||
        bind(fd, (const struct sockaddr *)&draft, sizeof draft) != 0) {
        return mr_error_set_errno(error, errno, "cannot listen at %s", path);
    }
    if (chmod(draft.sun_path, (mode_t)mode) != 0 || listen(fd, BACKLOG) != 0 ||
        lstat(draft.sun_path, &made) != 0 || rename(draft.sun_path, path) != 0) {
        int failure = errno;
        (void)unlink(draft.sun_path);
        return mr_error_set_errno(error, failure, "cannot listen at %s", path);
    }
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    file->device = made.st_dev;
    file->inode = made.st_ino;
    return MR_OK;
}

int mr_socket_listen_path(const char *path, uint32_t mode, struct mr_socket_file *file, int *fd,
                          struct mr_error *error)
{
    struct sockaddr_un address;
    int status = fill_path(path, &address, error);
    if (status == MR_OK) {
        status = look_at_path(&address, error);
    }
    if (status != MR_OK) {
        return status;
    }
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) {
        return mr_error_set_errno(error, errno, "no socket to be had");
    }
    status = bind_path(made, &address, mode, file, error);
    if (status != MR_OK) {
        return close_and(made, status);
    }
    *fd = made;
    return MR_OK;
}

void mr_socket_remove(struct mr_socket_file *file)
{
    struct stat there;
    if (file->path[0] != '\0' && lstat(file->path, &there) == 0 && there.st_dev == file->device &&
        there.st_ino == file->inode) {
        (void)unlink(file->path);
    }
    file->path[0] = '\0';
}

static int bind_tcp(int fd, const struct addrinfo *address, uint16_t *port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } bound;
    socklen_t size = sizeof bound;
    int on = 1;
    memset(&bound, 0, sizeof bound);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, &bound.any, &size) != 0) {
        return errno;
    }
    *port = ntohs(bound.any.sa_family == AF_INET6 ? bound.six.sin6_port : bound.four.sin_port);
    return 0;
}

int mr_socket_listen_tcp(const char *address, uint16_t *port, int *fd, struct mr_error *error)
{
    char host[HOST_SIZE], service[PORT_SIZE];
    struct addrinfo *found;
    int status = split(address, "127.0.0.1", host, service, error);
    if (status == MR_OK) {
        status =
            resolve(host, service, AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, &found, error);
    }
    if (status != MR_OK) {
        return status;
    }
    int made = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failure = made < 0 ? errno : bind_tcp(made, found, port);
    freeaddrinfo(found);
    if (failure != 0) {
        if (made >= 0) {
            (void)close(made);
        }
        return mr_error_set_errno(error, failure, "cannot listen at %s:%s", host, service);
    }
    *fd = made;
    return MR_OK;
}

/* -- Connecting. ------------------------------------------------------------------------------- */

/* MR_OK, or MR_E_IO with errno set. */
static int connect_to(int fd, const struct sockaddr *address, socklen_t size, uint32_t timeout_ms)
{
    if (connect(fd, address, size) == 0) {
        return MR_OK;
    }
    if (errno != EINPROGRESS) {
        return MR_E_IO;
    }
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    int failure = ETIMEDOUT;
    socklen_t failure_size = sizeof failure;
    if (poll(&waiting, 1, (int)timeout_ms) == 1) {
        (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &failure_size);
    }
    errno = failure;
    return failure == 0 ? MR_OK : MR_E_IO;
}

static int connect_path(const char *path, uint32_t timeout_ms, int *fd, struct mr_error *error)
{
    struct sockaddr_un address;
    int status = fill_path(path, &address, error);
    if (status != MR_OK) {
        return status;
    }
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) {
        return mr_error_set_errno(error, errno, "no socket to be had");
    }
    if (connect_to(made, (const struct sockaddr *)&address, sizeof address, timeout_ms) != MR_OK) {
        int failure = errno;
        (void)close(made);
        return mr_error_set(error, MR_E_IO, "cannot connect to unix:%s (%s): is a server there?",
                            path, strerrorname_np(failure));
    }
    *fd = made;
    return MR_OK;
}

static int connect_tcp(const char *text, uint32_t timeout_ms, int *fd, struct mr_error *error)
{
    char host[HOST_SIZE], port[PORT_SIZE];
    struct addrinfo *found;
    int status = split(text, NULL, host, port, error);
    if (status == MR_OK) {
        status = resolve(host, port, AI_NUMERICSERV, &found, error);
    }
    if (status != MR_OK) {
        return status;
    }
    int failure = 0;
    status = MR_E_IO;
    for (const struct addrinfo *each = found; each != NULL && status != MR_OK;
         each = each->ai_next) {
        int made = socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (made >= 0) {
            status = connect_to(made, each->ai_addr, each->ai_addrlen, timeout_ms);
        }
        failure = errno;
        if (status == MR_OK) {
            *fd = made;
        } else if (made >= 0) {
            (void)close(made);
        }
    }
    freeaddrinfo(found);
    return status == MR_OK
               ? MR_OK
               : mr_error_set(error, MR_E_IO, "cannot connect to tcp:%s (%s): is a server there?",
                              text, strerrorname_np(failure));
}

int mr_socket_connect(const char *to, uint32_t timeout_ms, int *fd, struct mr_error *error)
{
    if (strncmp(to, "unix:", 5) == 0) {
        return connect_path(to + 5, timeout_ms, fd, error);
    }
    if (strncmp(to, "tcp:", 4) == 0) {
        return connect_tcp(to + 4, timeout_ms, fd, error);
    }
    return mr_error_set(error, MR_E_INVALID, "'%s' is neither unix:PATH nor tcp:HOST:PORT", to);
}

void mr_socket_prepare(int fd)
{
    int on = 1, idle_s = KEEPALIVE_S;
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    /* These mean nothing to a Unix socket, which refuses them. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
}

bool mr_socket_user(int fd, uid_t *user)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int domain = 0;
    socklen_t domain_size = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) != 0 || domain != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return false;
    }
    *user = peer.uid;
    return true;
}
