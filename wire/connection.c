/*
 * One client's connection: what comes in, what goes out, and how it ends.
 */
#include "wire/parts.h"

#include "base/assert.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* -- Coming. ----------------------------------------------------------------------------------- */

static struct mr_connection *free_place(struct mr_server *server)
{
    for (uint32_t i = 0; i < server->options.clients_max; i++) {
        if (server->connections[i].state == MR_CONNECTION_FREE) {
            server->high = i >= server->high ? i + 1 : server->high;
            return &server->connections[i];
        }
    }
    return NULL;
}

/* Told so if that can be done at once; it has no buffers. */
static void turn_away(struct mr_server *server, int fd)
{
    struct mr_wire_refuse refuse = {.frame = {.length = sizeof refuse, .kind = MR_WIRE_REFUSE},
                                    .code = MR_WIRE_REFUSE_CLIENTS};
    (void)snprintf(refuse.text, sizeof refuse.text, "%u clients are connected: try again later",
                   server->options.clients_max);
    (void)send(fd, &refuse, sizeof refuse, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
    (void)close(fd);
    mr_server_log(server, MR_LOG_WARNING, "a client was turned away: %u are connected",
                  server->options.clients_max);
}

static void welcome_stranger(struct mr_server *server, struct mr_connection *connection, int fd)
{
    uint32_t generation = connection->generation + 1;
    unsigned char *input = connection->input, *output = connection->output;
    *connection = (struct mr_connection){
        .state = MR_CONNECTION_HELLO,
        .fd = fd,
        .index = (uint32_t)(connection - server->connections),
        .generation = generation,
        .number = ++server->status.accepted,
        .since_ns = server->now_ns,
        .heard_ns = server->now_ns,
        .input = input,
        .output = output,
    };
    connection->local = mr_socket_user(fd, &connection->user);
    server->open++;
    mr_socket_prepare(fd);
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u64 = connection->index | (uint64_t)generation << 32};
    connection->interest = EPOLLIN;
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        mr_connection_cut(server, connection, "the system cannot watch it");
    }
}

bool mr_connection_accept(struct mr_server *server, int listener)
{
    socklen_t nothing = 0;
    int fd = accept4(listener, NULL, &nothing, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    struct mr_connection *place = free_place(server);
    if (place == NULL) {
        turn_away(server, fd);
    } else {
        welcome_stranger(server, place, fd);
    }
    return true;
}

/* -- Going. ------------------------------------------------------------------------------------ */

static bool counted(const struct mr_connection *connection)
{
    return connection->state == MR_CONNECTION_WELCOMED ||
           connection->state == MR_CONNECTION_LEAVING;
}

/* It gets no answers and no events any more. */
static void detach(struct mr_server *server, const struct mr_connection *connection)
{
    if (counted(connection)) {
        server->status.clients--;
        server->wants_all -= connection->events == MR_WIRE_EVENTS_ALL;
        server->wants_own -= connection->events == MR_WIRE_EVENTS_OWN;
    }
}

static void log_end(struct mr_server *server, const struct mr_connection *connection,
                    const char *why)
{
    char who[96] = "over TCP";
    if (connection->local) {
        (void)snprintf(who, sizeof who, "of user %ld", (long)connection->user);
    }
    server->status.cut_off++;
    mr_server_log(server, MR_LOG_WARNING, "client %llu %s, session %llu, was cut off: %s",
                  (unsigned long long)connection->number, who,
                  (unsigned long long)connection->session, why);
}

void mr_connection_cut(struct mr_server *server, struct mr_connection *connection, const char *why)
{
    if (connection->state == MR_CONNECTION_FREE) {
        return;
    }
    if (why != NULL) {
        log_end(server, connection, why);
    }
    detach(server, connection);
    (void)close(connection->fd); /* which takes it out of epoll, too */
    connection->state = MR_CONNECTION_FREE;
    server->open--;
}

void mr_connection_finish(struct mr_server *server, struct mr_connection *connection)
{
    if (connection->state == MR_CONNECTION_FREE || connection->state >= MR_CONNECTION_FLUSHING) {
        return;
    }
    detach(server, connection);
    connection->state = MR_CONNECTION_FLUSHING;
    connection->since_ns = server->now_ns;
    connection->input_begin = connection->input_end = 0;
    mr_connection_flush(server, connection);
}

void mr_connection_refuse(struct mr_server *server, struct mr_connection *connection, uint32_t code,
                          bool log, const char *format, ...)
{
    struct mr_wire_refuse refuse = {.code = code};
    va_list arguments;
    va_start(arguments, format);
    /* clang-tidy 14 does not see the va_start. */
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized)
    (void)vsnprintf(refuse.text, sizeof refuse.text, format, arguments);
    va_end(arguments);
    if (log) {
        log_end(server, connection, refuse.text);
    }
    if (mr_connection_put(server, connection, MR_WIRE_REFUSE, 0, &refuse.code,
                          sizeof refuse - sizeof refuse.frame)) {
        mr_connection_finish(server, connection);
    }
}

void mr_connection_decline(struct mr_server *server, struct mr_connection *connection,
                           uint32_t code, uint64_t request, const char *text)
{
    struct mr_wire_refuse refuse = {.code = code, .request = request};
    (void)snprintf(refuse.text, sizeof refuse.text, "%s", text);
    (void)mr_connection_put(server, connection, MR_WIRE_REFUSE, 0, &refuse.code,
                            sizeof refuse - sizeof refuse.frame);
}

void mr_connection_leave(struct mr_server *server, struct mr_connection *connection)
{
    if (connection->state == MR_CONNECTION_WELCOMED) {
        connection->state = MR_CONNECTION_LEAVING;
        connection->since_ns = server->now_ns;
        connection->barrier = server->last_ticket;
        connection->barrier_passed = connection->barrier == 0;
    } else {
        mr_connection_cut(server, connection, NULL);
    }
}

/* -- Output. ----------------------------------------------------------------------------------- */

static void append(struct mr_connection *connection, uint32_t size, const void *bytes,
                   uint32_t count)
{
    uint32_t at = (uint32_t)(connection->output_end % size);
    uint32_t before_end = size - at < count ? size - at : count;
    memcpy(connection->output + at, bytes, before_end);
    memcpy(connection->output, (const unsigned char *)bytes + before_end, count - before_end);
    connection->output_end += count;
}

bool mr_connection_put(struct mr_server *server, struct mr_connection *connection, uint16_t kind,
                       uint16_t flags, const void *payload, uint32_t size)
{
    struct mr_wire_frame frame = {
        .length = (uint32_t)sizeof frame + size, .kind = kind, .flags = flags};
    uint32_t room = server->options.output_bytes;
    if (connection->state == MR_CONNECTION_FREE || connection->state >= MR_CONNECTION_FLUSHING) {
        return false;
    }
    if (room - mr_connection_pending(connection) < frame.length) {
        mr_connection_flush(server, connection);
        if (connection->state == MR_CONNECTION_FREE) {
            return false;
        }
    }
    if (room - mr_connection_pending(connection) < frame.length) {
        char why[128];
        (void)snprintf(why, sizeof why,
                       "it does not read what it is sent, and %llu of %u bytes are waiting",
                       (unsigned long long)mr_connection_pending(connection), room);
        mr_connection_cut(server, connection, why);
        return false;
    }
    append(connection, room, &frame, sizeof frame);
    append(connection, room, payload, size);
    return true;
}

/* Sends what fits into the socket; false: the other side is gone. */
static bool send_pending(struct mr_server *server, struct mr_connection *connection)
{
    uint32_t size = server->options.output_bytes;
    while (mr_connection_pending(connection) > 0) {
        uint32_t pending = (uint32_t)mr_connection_pending(connection);
        uint32_t at = (uint32_t)(connection->output_begin % size);
        uint32_t before_end = size - at < pending ? size - at : pending;
        struct iovec pieces[2] = {
            {.iov_base = connection->output + at, .iov_len = before_end},
            {.iov_base = connection->output, .iov_len = pending - before_end},
        };
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = pending > before_end ? 2 : 1};
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) {
            return sent < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS);
        }
        connection->output_begin += (uint64_t)sent;
    }
    return true;
}

void mr_connection_flush(struct mr_server *server, struct mr_connection *connection)
{
    if (!send_pending(server, connection)) {
        mr_connection_cut(server, connection, NULL);
        return;
    }
    if (connection->state == MR_CONNECTION_FLUSHING && mr_connection_pending(connection) == 0) {
        /* The last words are on their way; closing now could take them away from the other side if
         * something of its own has not been read. */
        connection->state = MR_CONNECTION_LINGERING;
        connection->since_ns = server->now_ns;
        (void)shutdown(connection->fd, SHUT_WR);
        if (connection->ended) {
            mr_connection_cut(server, connection, NULL);
            return;
        }
    }
    mr_connection_watch(server, connection);
}

void mr_connection_watch(struct mr_server *server, struct mr_connection *connection)
{
    bool reads = connection->state == MR_CONNECTION_HELLO ||
                 connection->state == MR_CONNECTION_WELCOMED ||
                 connection->state >= MR_CONNECTION_FLUSHING;
    uint32_t interest = 0;
    if (reads && connection->blocked == 0 && !connection->ended) {
        interest |= EPOLLIN;
    }
    if (mr_connection_pending(connection) > 0) {
        interest |= EPOLLOUT;
    }
    if (connection->state == MR_CONNECTION_FREE || interest == connection->interest) {
        return;
    }
    struct epoll_event event = {
        .events = interest, .data.u64 = connection->index | (uint64_t)connection->generation << 32};
    connection->interest = interest;
    if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->fd, &event) != 0) {
        mr_connection_cut(server, connection, "the system cannot watch it");
    }
}

/* -- Input. ------------------------------------------------------------------------------------ */

/* One whole frame. False: not now. */
static bool take_frame(struct mr_server *server, struct mr_connection *connection,
                       struct mr_wire_frame *frame)
{
    if (connection->state == MR_CONNECTION_WELCOMED) {
        return mr_submit_frame(server, connection, frame);
    }
    if (frame->kind == MR_WIRE_HELLO) {
        mr_hello_begin(server, connection, (const struct mr_wire_hello *)(const void *)frame);
    } else {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_PROTOCOL, true,
                             "a client begins with hello");
    }
    return true;
}

static bool takes_frames(const struct mr_connection *connection)
{
    return connection->state == MR_CONNECTION_HELLO || connection->state == MR_CONNECTION_WELCOMED;
}

void mr_connection_process(struct mr_server *server, struct mr_connection *connection)
{
    connection->blocked = 0;
    while (takes_frames(connection)) {
        unsigned char *bytes = connection->input + connection->input_begin;
        uint32_t length;
        const char *flaw = NULL;
        int status = mr_wire_look(bytes, connection->input_end - connection->input_begin,
                                  server->options.frame_bytes_max, &length, &flaw);
        if (status == MR_AGAIN) {
            break;
        }
        if (status != MR_OK) {
            mr_connection_refuse(server, connection, MR_WIRE_REFUSE_FRAME, true, "%s", flaw);
            break;
        }
        if (!take_frame(server, connection, (struct mr_wire_frame *)(void *)bytes)) {
            break;
        }
        /* Whoever ends it forgets its input. */
        if (connection->state != MR_CONNECTION_FREE && connection->input_end > 0) {
            connection->input_begin += length;
        }
    }
    if (connection->ended && takes_frames(connection) && connection->blocked == 0) {
        mr_connection_leave(server, connection); /* it listens still, perhaps */
    }
}

/* Room behind what is not taken yet. Frames are multiples of 8 bytes, so they stay aligned. */
static uint32_t make_room(struct mr_server *server, struct mr_connection *connection)
{
    uint32_t kept = connection->input_end - connection->input_begin;
    if (connection->input_begin > 0) {
        memmove(connection->input, connection->input + connection->input_begin, kept);
        connection->input_begin = 0;
        connection->input_end = kept;
    }
    return server->options.frame_bytes_max - kept;
}

static void discard(struct mr_server *server, struct mr_connection *connection)
{
    char nowhere[4096];
    ssize_t count = recv(connection->fd, nowhere, sizeof nowhere, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        connection->ended = true;
        if (connection->state == MR_CONNECTION_LINGERING || count < 0) {
            mr_connection_cut(server, connection, NULL);
        }
    }
}

void mr_connection_read(struct mr_server *server, struct mr_connection *connection)
{
    if (connection->state >= MR_CONNECTION_FLUSHING) {
        discard(server, connection);
        return;
    }
    uint32_t room = make_room(server, connection);
    ASSERT(room > 0); /* else there was a whole frame in it, and it is not read while blocked */
    ssize_t count =
        recv(connection->fd, connection->input + connection->input_end, room, MSG_DONTWAIT);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            mr_connection_cut(server, connection, NULL);
        }
        return;
    }
    connection->ended = count == 0;
    connection->input_end += (uint32_t)count;
    connection->heard_ns = server->now_ns;
    mr_connection_process(server, connection);
}
