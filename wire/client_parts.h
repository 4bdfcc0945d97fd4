/*
 * A client's parts.
 *
 *     client.c         connects, and connects again
 *     client_stream.c  bytes and frames of the connection, and its end
 *     client_send.c    commands and queries into the window
 *     client_next.c    what comes, for the caller
 */
#ifndef MR_WIRE_CLIENT_PARTS_H
#define MR_WIRE_CLIENT_PARTS_H

#include "wire/outstanding.h"

#include <millrace/client.h>

enum { MR_CLIENT_MS = 1000000 }; /* in ns */

struct mr_client {
    struct mr_client_options options; /* with the defaults filled in */
    char *to;                         /* our copy */
    int fd;                           /* -1: not connected */
    bool welcomed_once;
    struct mr_wire_welcome welcome;
    struct mr_error lost; /* why there is no connection */
    struct mr_outstanding window;
    uint64_t last_request; /* that was given to a command here */
    uint64_t last_query;
    uint64_t sent_ns;   /* when something was sent the last time */
    uint32_t frame_max; /* room for a frame that comes */
    unsigned char *input;
    uint32_t begin, end; /* what has come and is not taken */
};

/* client_stream.c */
/* Ends the connection; returns `code`. */
int mr_client_lose(struct mr_client *client, int code, const char *why);
int mr_client_tell_lost(const struct mr_client *client, struct mr_error *error);
/* The status that a refusal of the whole connection means. */
int mr_client_code_of(uint32_t refusal);
/* Sends what can be sent now. */
void mr_client_flush(struct mr_client *client);
/* Takes what has come. MR_OK; MR_AGAIN: nothing; else the connection is lost. */
int mr_client_fill(struct mr_client *client);
/* The next whole frame that has come. MR_OK, MR_AGAIN, or the connection is lost. */
int mr_client_take_frame(struct mr_client *client, const struct mr_wire_frame **frame);
uint64_t mr_client_deadline(uint32_t timeout_ms);
/* Sleeps until there is something to do on the socket, or for a while. False: the time is over. */
bool mr_client_wait(struct mr_client *client, short events, uint64_t deadline_ns);

/* client_send.c: begins a frame of `items` in the window, at *at. MR_OK or MR_AGAIN. */
int mr_client_begin_frame(struct mr_client *client, uint64_t length, uint16_t kind, uint32_t items,
                          uint64_t *at);

#endif
