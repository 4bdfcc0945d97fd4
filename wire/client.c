/*
 * A client: connects, and does so again after a connection was lost.
 */
#include "wire/client_parts.h"
#include "wire/socket.h"

#include "base/bits.h"
#include "base/clock.h"

#include <millrace/atomic.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t mr_client_new_session(void)
{
    static MR_ATOMIC(uint64_t) last;
    struct mr_clock wall = mr_clock_wall();
    /* The last microsecond tells processes apart that ask at the same time. */
    uint64_t session =
        (mr_clock_now(&wall) & ~UINT64_C(1023)) | (mr_mix64((uint64_t)getpid()) & 1023);
    uint64_t before = mr_atomic_load(&last, relaxed);
    uint64_t chosen;
    do {
        chosen = session > before ? session : before + 1;
        /* Nothing is published with it: that it rises is all that counts. */
    } while (!mr_atomic_compare_exchange(&last, &before, chosen, relaxed));
    return chosen;
}

/* -- Connecting. ------------------------------------------------------------------------------- */

static int say_hello(struct mr_client *client)
{
    const struct mr_wire_hello hello = {
        .frame = {.length = sizeof hello, .kind = MR_WIRE_HELLO},
        .magic = MR_WIRE_MAGIC,
        .protocol = MR_WIRE_PROTOCOL,
        .role = (uint8_t)client->options.role,
        .events = (uint8_t)client->options.events,
        .session = client->options.session,
    };
    ssize_t sent = send(client->fd, &hello, sizeof hello, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == (ssize_t)sizeof hello || sent < 0
               ? MR_OK /* what is wrong is read from the socket */
               : mr_client_lose(client, MR_E_IO, "the connection takes no hello: connect again");
}

static int take_welcome(struct mr_client *client, const struct mr_wire_frame *frame)
{
    const void *bytes = frame;
    if (frame->kind == MR_WIRE_REFUSE) {
        const struct mr_wire_refuse *refuse = bytes;
        return mr_client_lose(client, mr_client_code_of(refuse->code), refuse->text);
    }
    const struct mr_wire_welcome *welcome = bytes;
    if (frame->kind != MR_WIRE_WELCOME || welcome->protocol != MR_WIRE_PROTOCOL) {
        return mr_client_lose(client, MR_E_INVALID,
                              "what answers there is no server of this protocol");
    }
    if (client->welcomed_once &&
        memcmp(client->welcome.journal, welcome->journal, sizeof welcome->journal) != 0) {
        return mr_client_lose(client, MR_E_MISMATCH,
                              "the server has another journal than before: nothing was sent to it");
    }
    client->welcome = *welcome;
    client->welcomed_once = true;
    return MR_OK;
}

static int connect_now(struct mr_client *client)
{
    uint64_t deadline_ns = mr_client_deadline(client->options.timeout_ms);
    const struct mr_wire_frame *frame = NULL;
    client->begin = client->end = 0;
    int status =
        mr_socket_connect(client->to, client->options.timeout_ms, &client->fd, &client->lost);
    if (status != MR_OK) {
        client->fd = -1;
        return status;
    }
    mr_socket_prepare(client->fd);
    status = say_hello(client);
    while (status == MR_OK && (status = mr_client_take_frame(client, &frame)) == MR_AGAIN) {
        status = mr_client_fill(client);
        if (status == MR_AGAIN) {
            status = mr_client_wait(client, POLLIN, deadline_ns)
                         ? MR_OK
                         : mr_client_lose(client, MR_E_IO, "the server does not answer: try again");
        }
    }
    if (status == MR_OK) {
        status = take_welcome(client, frame);
    }
    client->sent_ns = mr_monotonic_ns();
    return status;
}

static void fill_in(struct mr_client_options *options)
{
    options->session = options->session == 0 ? mr_client_new_session() : options->session;
    options->role = options->role == MR_ROLE_SYSTEM ? MR_ROLE_USER : options->role;
    options->window_bytes = options->window_bytes == 0 ? 1 << 20 : options->window_bytes;
    options->window_commands = options->window_commands == 0 ? 1024 : options->window_commands;
    options->timeout_ms = options->timeout_ms == 0 ? 10000 : options->timeout_ms;
    options->frame_bytes_max = options->frame_bytes_max == 0 ? 256 << 10 : options->frame_bytes_max;
    if (options->frame_bytes_max < MR_WIRE_FRAME_MIN) {
        options->frame_bytes_max = MR_WIRE_FRAME_MIN;
    }
    if (options->frame_bytes_max > MR_WIRE_FRAME_MAX) {
        options->frame_bytes_max = MR_WIRE_FRAME_MAX;
    }
}

int mr_client_open(const struct mr_client_options *options, struct mr_client **client_out,
                   struct mr_error *error)
{
    struct mr_client *client = calloc(1, sizeof *client);
    if (client == NULL || options->to == NULL) {
        free(client);
        return options->to == NULL ? mr_error_set(error, MR_E_INVALID, "a client needs `to`")
                                   : mr_error_set(error, MR_E_NO_MEMORY, "no memory for a client");
    }
    client->options = *options;
    client->fd = -1;
    fill_in(&client->options);
    client->frame_max = (uint32_t)mr_align_up(client->options.frame_bytes_max, 8);
    client->to = strdup(options->to);
    client->input = malloc(client->frame_max);
    bool room = mr_outstanding_open(&client->window, client->options.window_bytes,
                                    client->options.window_commands);
    int status = MR_OK;
    if (client->to == NULL || client->input == NULL || !room) {
        status = mr_error_set(error, MR_E_NO_MEMORY, "no memory for a client");
    } else if (connect_now(client) != MR_OK) {
        status = mr_client_tell_lost(client, error);
    }
    if (status != MR_OK) {
        mr_client_close(client);
        return status;
    }
    *client_out = client;
    return MR_OK;
}

int mr_client_reconnect(struct mr_client *client, struct mr_error *error)
{
    if (client->fd >= 0) {
        (void)close(client->fd);
        client->fd = -1;
    }
    if (connect_now(client) != MR_OK) {
        return mr_client_tell_lost(client, error);
    }
    mr_outstanding_again(&client->window);
    mr_client_flush(client);
    return MR_OK;
}

void mr_client_close(struct mr_client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->fd >= 0) {
        struct mr_wire_frame goodbye = {.length = sizeof goodbye, .kind = MR_WIRE_GOODBYE};
        struct iovec pieces[2];
        if (mr_client_unanswered(client) == 0 &&
            mr_outstanding_pieces(&client->window, pieces) == 0) {
            (void)send(client->fd, &goodbye, sizeof goodbye, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        (void)close(client->fd);
    }
    mr_outstanding_close(&client->window);
    free(client->input);
    free(client->to);
    free(client);
}

bool mr_client_connected(const struct mr_client *client)
{
    return client->fd >= 0;
}

const struct mr_wire_welcome *mr_client_welcome(const struct mr_client *client)
{
    return &client->welcome;
}

uint32_t mr_client_unanswered(const struct mr_client *client)
{
    return client->window.commands + client->window.queries;
}

int mr_client_fd(const struct mr_client *client, bool *wants_write)
{
    *wants_write = client->window.end > client->window.sent;
    return client->fd;
}
