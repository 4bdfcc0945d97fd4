/*
 * What comes out of the engine, to whom it is for. Answers name their session; events do not, so
 * those of a command are held back until its answer follows them, and go before it.
 */
#include "wire/parts.h"

#include "base/assert.h"
#include "base/bits.h"

#include <string.h>

/* Those who get answers: welcomed, and leaving in peace. */
static bool listens(const struct mr_connection *connection)
{
    return connection->state == MR_CONNECTION_WELCOMED ||
           connection->state == MR_CONNECTION_LEAVING;
}

struct mr_connection *mr_route_find(struct mr_server *server, uint64_t session)
{
    uint16_t *route = &server->routes[mr_mix64(session) % MR_ROUTES];
    struct mr_connection *connection = &server->connections[*route];
    if (listens(connection) && connection->session == session) {
        return connection;
    }
    for (uint32_t i = 0; i < server->high; i++) {
        connection = &server->connections[i];
        if (listens(connection) && connection->session == session) {
            *route = (uint16_t)i;
            return connection;
        }
    }
    return NULL;
}

void mr_route_attach(struct mr_server *server, struct mr_connection *connection)
{
    connection->state = MR_CONNECTION_WELCOMED;
    server->status.clients++;
    server->wants_all += connection->events == MR_WIRE_EVENTS_ALL;
    server->wants_own += connection->events == MR_WIRE_EVENTS_OWN;
}

/* -- Events. ----------------------------------------------------------------------------------- */

static void hold(struct mr_server *server, const struct mr_event *event)
{
    if (event->sequence != server->held_sequence) {
        server->held_sequence = event->sequence;
        server->held_bytes = 0;
        server->held_overflow = false;
    }
    if (server->options.events_bytes - server->held_bytes < event->length) {
        server->held_overflow = true;
        return;
    }
    memcpy(server->held + server->held_bytes, event, event->length);
    server->held_bytes += event->length;
}

static void on_event(void *context, const struct mr_event *event)
{
    struct mr_server *server = context;
    if (server->wants_own > 0) {
        hold(server, event);
    }
    for (uint32_t i = 0; server->wants_all > 0 && i < server->high; i++) {
        struct mr_connection *connection = &server->connections[i];
        if (listens(connection) && connection->events == MR_WIRE_EVENTS_ALL) {
            (void)mr_connection_put(server, connection, MR_WIRE_EVENT, 0, event, event->length);
        }
    }
}

/* The command's own: not those of timers that fired before it. */
static bool send_held(struct mr_server *server, struct mr_connection *connection,
                      const struct mr_answer *answer)
{
    for (uint32_t at = 0; at < server->held_bytes;) {
        const struct mr_event *event = (const struct mr_event *)(const void *)(server->held + at);
        if (event->number - answer->first_event < answer->event_count &&
            !mr_connection_put(server, connection, MR_WIRE_EVENT, 0, event, event->length)) {
            return false;
        }
        at += event->length;
    }
    return true;
}

/* -- Answers. ---------------------------------------------------------------------------------- */

static void on_answer(void *context, const struct mr_answer *answer)
{
    struct mr_server *server = context;
    uint16_t flags = 0;
    if (answer->sequence > server->last_answered) {
        server->last_answered = answer->sequence;
    }
    if (answer->session == 0) {
        mr_hello_opened(server, answer->request, answer);
        return;
    }
    struct mr_connection *connection = mr_route_find(server, answer->session);
    if (connection == NULL) {
        return; /* who sent it is gone; it is asked for again, or never */
    }
    connection->in_flight -= connection->in_flight > 0;
    if (connection->events == MR_WIRE_EVENTS_OWN && answer->duplicate == 0 &&
        answer->sequence == server->held_sequence && answer->event_count > 0) {
        flags = server->held_overflow ? MR_WIRE_FLAG_EVENTS_LEFT_OUT : 0;
        if (!server->held_overflow && !send_held(server, connection, answer)) {
            return;
        }
    }
    if (mr_connection_put(server, connection, MR_WIRE_ANSWER, flags, answer, sizeof *answer)) {
        server->status.answers++;
    }
}

uint32_t mr_route_output(struct mr_server *server, uint32_t limit)
{
    bool events = server->wants_own + server->wants_all > 0;
    const struct mr_engine_handlers handlers = {
        .event = events ? on_event : NULL, .answer = on_answer, .context = server};
    return mr_subscriber_poll(server->subscriber, &handlers, limit);
}
