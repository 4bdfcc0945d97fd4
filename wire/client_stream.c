#include "wire/client_parts.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IDLE_LOOK_MS = 100 }; /* how often is looked whether it is time to ping */

/* -- Waiting. ---------------------------------------------------------------------------------- */

uint64_t mr_client_deadline(uint32_t timeout_ms)
{
    return mr_monotonic_ns() + (uint64_t)timeout_ms * MR_CLIENT_MS;
}

bool mr_client_wait(struct mr_client *client, short events, uint64_t deadline_ns)
{
    uint64_t now_ns = mr_monotonic_ns();
    if (now_ns >= deadline_ns) {
        return false;
    }
    if (client->options.idle != NULL) {
        client->options.idle(client->options.idle_context);
        return true;
    }
    uint64_t left_ms = (deadline_ns - now_ns) / MR_CLIENT_MS + 1;
    uint32_t most = client->welcome.idle_ms > 0 ? IDLE_LOOK_MS : INT32_MAX;
    struct pollfd waiting = {.fd = client->fd, .events = events};
    (void)poll(&waiting, 1, (int)(left_ms < most ? left_ms : most));
    return true;
}

/* -- Losing the connection. -------------------------------------------------------------------- */

int mr_client_lose(struct mr_client *client, int code, const char *why)
{
    if (client->fd >= 0) {
        (void)close(client->fd);
        client->fd = -1;
    }
    return mr_error_set(&client->lost, code, "%s: %s", client->to, why);
}

int mr_client_tell_lost(const struct mr_client *client, struct mr_error *error)
{
    if (error != NULL) {
        *error = client->lost;
    }
    return client->lost.code;
}

int mr_client_code_of(uint32_t refusal)
{
    switch (refusal) {
    case MR_WIRE_REFUSE_CLIENTS:
    case MR_WIRE_REFUSE_TAKEN_OVER:
        return MR_E_BUSY;
    case MR_WIRE_REFUSE_SESSIONS:
        return MR_E_LIMIT;
    case MR_WIRE_REFUSE_STOPPING:
    case MR_WIRE_REFUSE_FAILED:
        return MR_E_FENCED;
    case MR_WIRE_REFUSE_IDLE:
        return MR_E_IO;
    default:
        return MR_E_INVALID;
    }
}

/* -- Bytes. ------------------------------------------------------------------------------------ */

void mr_client_flush(struct mr_client *client)
{
    struct iovec pieces[2];
    int count;
    while (client->fd >= 0 && (count = mr_outstanding_pieces(&client->window, pieces)) > 0) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
        ssize_t sent = sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            return; /* if it is lost, reading tells, behind what the server has said last */
        }
        mr_outstanding_sent(&client->window, (uint64_t)sent);
        client->sent_ns = mr_monotonic_ns();
    }
}

int mr_client_fill(struct mr_client *client)
{
    if (client->begin > 0) {
        memmove(client->input, client->input + client->begin, client->end - client->begin);
        client->end -= client->begin;
        client->begin = 0;
    }
    ssize_t count = recv(client->fd, client->input + client->end, client->frame_max - client->end,
                         MSG_DONTWAIT);
    if (count > 0) {
        client->end += (uint32_t)count;
        return MR_OK;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return MR_AGAIN;
    }
    return mr_client_lose(client, MR_E_IO,
                          count == 0 ? "the connection was closed: connect again"
                                     : "the connection was lost: connect again");
}

int mr_client_take_frame(struct mr_client *client, const struct mr_wire_frame **frame)
{
    const unsigned char *bytes = client->input + client->begin;
    uint32_t length;
    const char *flaw;
    int status =
        mr_wire_look(bytes, client->end - client->begin, client->frame_max, &length, &flaw);
    if (status == MR_OK) {
        *frame = (const struct mr_wire_frame *)(const void *)bytes;
        client->begin += length;
    } else if (status == MR_E_INVALID) {
        client->begin = client->end;
        return mr_client_lose(client, MR_E_INVALID, flaw);
    }
    return status;
}
