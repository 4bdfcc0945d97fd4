/*
 * Stream sockets: where to listen and whom to connect to, all of them non-blocking.
 */
#ifndef MR_WIRE_SOCKET_H
#define MR_WIRE_SOCKET_H

#include <millrace/error.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The file that a Unix socket has been bound to, to be removed if it is still the same. */
struct mr_socket_file {
    char path[128]; /* "": none */
    dev_t device;
    ino_t inode;
};

/* Listens at `path` with permissions `mode`. What a dead process left there is replaced; MR_E_BUSY
 * when somebody answers, MR_E_INVALID when it is no socket or the path is too long. */
int mr_socket_listen_path(const char *path, uint32_t mode, struct mr_socket_file *file, int *fd,
                          struct mr_error *error);
void mr_socket_remove(struct mr_socket_file *file);

/* Listens at "PORT" (of the loopback address) or "HOST:PORT" with a numeric host; *port is the one
 * that it got. */
int mr_socket_listen_tcp(const char *address, uint16_t *port, int *fd, struct mr_error *error);

/* Connects to "unix:PATH" or "tcp:HOST:PORT" within `timeout_ms`. MR_E_INVALID, MR_E_IO.
 * Blocking. */
int mr_socket_connect(const char *to, uint32_t timeout_ms, int *fd, struct mr_error *error);

/* Options that every connection gets: non-blocking, small frames at once, dead peers noticed. */
void mr_socket_prepare(int fd);

/* The user at the other end of a Unix socket; false: it is none, or not known. */
bool mr_socket_user(int fd, uid_t *user);

#endif
