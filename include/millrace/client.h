/*
 * <millrace/client.h>: a client of `millrace serve`, or of any server of <millrace/server.h>.
 *
 *     const struct mr_client_options options = {.to = "unix:orders.socket"};
 *     mr_client_open(&options, &client, &error);
 *     mr_client_send(client, command, &request, &error);
 *     mr_client_next(client, 1000, &item, &error);        an answer, an event, a reply
 *     mr_client_close(client);
 *
 * It keeps every command until its answer has come. When a connection is lost (any call says so,
 * with MR_E_IO), mr_client_reconnect makes another one of the same session and sends again what is
 * without answer: each command takes effect once, and is answered once.
 *
 * A program that may be killed itself writes down two things to go on with: the number of its
 * session, and each command with its request before it is sent, until its answer has come. After a
 * restart it opens the same session and sends those again, with the same requests and in the same
 * order, before anything else.
 *
 * A client belongs to one thread at a time. It has no thread of its own: nothing is sent or
 * received between calls. It allocates at open alone.
 */
#ifndef MILLRACE_CLIENT_H
#define MILLRACE_CLIENT_H

#include <millrace/error.h>
#include <millrace/wire.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct mr_client;

/* All zero is valid but for `to`. */
struct mr_client_options {
    const char *to;             /* "unix:PATH" or "tcp:HOST:PORT" */
    uint64_t session;           /* 0: a new one, mr_client_new_session() */
    enum mr_role role;          /* operator, or (0, too) user */
    enum mr_wire_events events; /* that are wanted; of commands that are sent again, they do not
                                 * come again */
    uint32_t window_bytes;      /* of commands and queries without answer; 0: 1 MiB */
    uint32_t window_commands;   /* 0: 1,024; the server's limit holds, too */
    uint32_t frame_bytes_max;   /* the largest event or reply that is taken; 0: 256 KiB */
    uint32_t timeout_ms;        /* to connect and be welcomed in; 0: 10,000 */
    /* Called instead of sleeping, again and again, while a call has to wait: for those who step the
     * server on the same thread. NULL: sleeps. */
    void (*idle)(void *context);
    void *idle_context;
};

/* A number that no session has had yet: nanoseconds since 1970, and never the same twice in one
 * process. Numbers of sessions that are closed do not come back, nor do lower ones; so they are
 * best ordered by time. Any thread. */
uint64_t mr_client_new_session(void);

/* Connects, says hello and waits for the welcome. MR_E_INVALID (`to`, or what the server refuses:
 * protocol, session, role), MR_E_BUSY (clients), MR_E_LIMIT (sessions), MR_E_IO (nobody there, or
 * lost again), MR_E_FENCED (stopping, or failed), MR_E_NO_MEMORY. Blocking. */
int mr_client_open(const struct mr_client_options *options, struct mr_client **client,
                   struct mr_error *error);

/* Connects anew, whether or not the connection is lost, and sends again what is without answer.
 * Codes as open, and MR_E_MISMATCH: the journal there is another one, nothing was sent. On failure
 * the client stays as it was; try again later. */
int mr_client_reconnect(struct mr_client *client, struct mr_error *error);
/* True when there is a connection, as far as is known. */
bool mr_client_connected(const struct mr_client *client);

/* What the server said when it welcomed. */
const struct mr_wire_welcome *mr_client_welcome(const struct mr_client *client);

/* Takes a copy of `command` and begins to send it. The caller fills in type, version, length,
 * correlation, cause, the body, and time_ns where the clock is the input's; `request`: above the
 * last one, or 0: the next (above what the session has used so far, as the welcome tells); the rest
 * is looked after. *request (may be NULL) is its number. MR_OK: it is kept until it is answered,
 * also when the connection is lost meanwhile. MR_AGAIN: the window is full, take answers first.
 * MR_E_INVALID: its length or request, or larger than the server takes. */
int mr_client_send(struct mr_client *client, const struct mr_command *command, uint64_t *request,
                   struct mr_error *error);
/* The same of 1 to 8,190 commands as one batch, of which a crash keeps all or none; *request is
 * that of the first. */
int mr_client_send_batch(struct mr_client *client, const struct mr_command *const *commands,
                         uint32_t count, uint64_t *request, struct mr_error *error);
/* The same of a query. *request is its number among queries, which comes back in its reply. */
int mr_client_query(struct mr_client *client, const struct mr_query *query, uint64_t *request,
                    struct mr_error *error);

enum mr_client_kind {
    MR_CLIENT_ANSWER, /* once for each command, in the order of their requests */
    MR_CLIENT_EVENT,  /* before the answer of its command */
    MR_CLIENT_REPLY,  /* once for each query */
    /* Instead of an answer or a reply: the server does not take it. Of a batch once, with the
     * number of its first. May come before the answers of earlier commands. */
    MR_CLIENT_REFUSED,
};

/* Something that came; valid until the next call with the client. */
struct mr_client_item {
    enum mr_client_kind kind;
    bool events_left_out; /* of an answer: see MR_WIRE_FLAG_EVENTS_LEFT_OUT */
    bool query;           /* of a refusal: it is about a query */
    uint64_t request;     /* of an answer, a reply, a refusal */
    const struct mr_answer *answer;
    const struct mr_event *event;
    const struct mr_reply *reply;
    const struct mr_row *rows; /* of a reply, one behind the other by their length */
    const char *refusal;
};

/* Sends what is to be sent and takes what has come: the next item, waiting for it for at most
 * `timeout_ms` (0: not). MR_OK; MR_AGAIN: nothing yet. MR_E_IO: the connection is lost, see
 * mr_client_reconnect; MR_E_BUSY: another client has taken the session over; MR_E_FENCED: the
 * server is stopping, or has failed; MR_E_INVALID: another refusal, or a malformed frame. */
int mr_client_next(struct mr_client *client, uint32_t timeout_ms, struct mr_client_item *item,
                   struct mr_error *error);

/* Commands and queries that are without answer. */
uint32_t mr_client_unanswered(const struct mr_client *client);

/* For those who wait in poll(2): the socket, to be read from, and written to when *wants_write is
 * set; -1: there is none. Valid until the next call with the client. */
int mr_client_fd(const struct mr_client *client, bool *wants_write);

/* Says goodbye if all is answered, and frees everything; what is without answer may or may not take
 * effect. NULL does nothing. */
void mr_client_close(struct mr_client *client);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
