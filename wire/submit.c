/*
 * Frames of a welcomed client, handed to the engine. A frame that cannot be taken now stays where
 * it is, and its client is not read meanwhile: so the socket fills, and the client notices.
 */
#include "wire/parts.h"

#include <millrace/catalog.h>
#include <millrace/common.h>

enum { QUERIES_OF_ONE = 4 }; /* on their way at once, so that nobody takes all places */

/* What the engine alone may send is not even journaled. Of a logic's commands the image decides. */
static bool is_engines_own(uint16_t type)
{
    const struct mr_message *message = mr_catalog_command(NULL, type);
    return message != NULL && message->roles == MR_ROLE_BIT(MR_ROLE_SYSTEM);
}

/* In the input buffer, where doing it twice does no harm. */
static void make_it_ones_own(const struct mr_server *server, const struct mr_connection *connection,
                             struct mr_command *command)
{
    command->session = connection->session;
    command->role = connection->role;
    command->sequence = 0;
    if (server->clock != MR_CLOCK_INPUT) {
        command->time_ns = 0;
    }
}

/* MR_OK, MR_AGAIN (not now, as connection->blocked says), or never. */
static int submit(struct mr_server *server, struct mr_connection *connection, uint32_t count)
{
    if (count > server->options.in_flight_max) {
        return MR_E_LIMIT;
    }
    if (connection->in_flight + count > server->options.in_flight_max) {
        connection->blocked |= MR_BLOCKED_FLIGHT;
        return MR_AGAIN;
    }
    if (server->busy_now) {
        connection->blocked |= MR_BLOCKED_ENGINE;
        return MR_AGAIN;
    }
    uint64_t ticket;
    int status = mr_engine_submit_batch(server->engine, server->batch, count, &ticket);
    if (status == MR_AGAIN) {
        server->busy_now = true;
        server->status.times_blocked++;
        connection->blocked |= MR_BLOCKED_ENGINE;
    } else if (status == MR_OK) {
        connection->in_flight += count;
        server->status.commands += count;
        server->last_ticket = ticket + count;
    }
    return status;
}

/* A command of its own or a whole batch, from `bytes` on. */
static bool take_commands(struct mr_server *server, struct mr_connection *connection,
                          unsigned char *bytes, uint32_t count)
{
    const struct mr_command *first = (const struct mr_command *)(const void *)bytes;
    uint64_t request = first->request;
    for (uint32_t i = 0; i < count; i++) {
        struct mr_command *command = (struct mr_command *)(void *)bytes;
        if (is_engines_own(command->type)) {
            mr_connection_decline(server, connection, MR_WIRE_REFUSE_COMMAND, request,
                                  "only the engine itself sends commands of that type");
            return true;
        }
        make_it_ones_own(server, connection, command);
        server->batch[i] = command;
        bytes += command->length;
    }
    int status = submit(server, connection, count);
    if (status == MR_E_FENCED) {
        mr_server_failed(server, status);
    } else if (status != MR_OK && status != MR_AGAIN) {
        mr_connection_decline(server, connection, MR_WIRE_REFUSE_COMMAND, request,
                              status == MR_E_LIMIT ? "the batch is larger than the server takes"
                                                   : "the command is longer than any of the logic");
    }
    return status != MR_AGAIN;
}

static bool take_query(struct mr_server *server, struct mr_connection *connection,
                       struct mr_query *query)
{
    query->session = connection->session;
    query->role = connection->role;
    const char *flaw = NULL;
    if (query->length > MR_QUERY_BYTES) {
        flaw = "the query is longer than the server takes";
    } else if (query->not_before > server->last_answered &&
               query->not_before > mr_engine_applied_sequence(server->engine)) {
        flaw = "not_before lies ahead of every answer: nobody would wait so long";
    }
    int status = MR_E_INVALID;
    if (flaw == NULL) {
        status = connection->queries >= QUERIES_OF_ONE
                     ? MR_AGAIN
                     : mr_queries_ask(server, connection, MR_QUERY_OF_CLIENT, query);
    }
    if (status == MR_AGAIN) {
        connection->blocked |= MR_BLOCKED_QUERY;
        return false;
    }
    if (status == MR_E_FENCED) {
        mr_server_failed(server, status);
    } else if (status != MR_OK) {
        mr_connection_decline(server, connection, MR_WIRE_REFUSE_QUERY, query->request,
                              flaw != NULL ? flaw : "the query's length is not possible");
    }
    return true;
}

bool mr_submit_frame(struct mr_server *server, struct mr_connection *connection,
                     struct mr_wire_frame *frame)
{
    void *bytes = frame;
    switch (frame->kind) {
    case MR_WIRE_COMMAND:
        return take_commands(server, connection, (unsigned char *)bytes + sizeof *frame, 1);
    case MR_WIRE_BATCH:
        return take_commands(server, connection,
                             (unsigned char *)bytes + sizeof(struct mr_wire_batch),
                             ((const struct mr_wire_batch *)bytes)->count);
    case MR_WIRE_QUERY:
        return take_query(server, connection, &((struct mr_wire_query *)bytes)->query);
    case MR_WIRE_PING:
        (void)mr_connection_put(server, connection, MR_WIRE_PONG, 0,
                                &((const struct mr_wire_ping *)bytes)->number, sizeof(uint64_t));
        return true;
    case MR_WIRE_GOODBYE:
        mr_connection_leave(server, connection);
        return true;
    default:
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_FRAME, true,
                             "a frame of kind %u is not a client's to send", frame->kind);
        return true;
    }
}
