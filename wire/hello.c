/*
 * From hello to welcome.
 *
 *     1. Whoever had the session is told and cut off: from here on nobody submits in its name.
 *     2. Barrier: all that was accepted so far is applied.
 *     3. Queries tell which version of the logic applies, and how far the session has come.
 *     4. A session that there is not is opened, by a command of the engine's own.
 *     5. Welcome.
 *
 * Without 1 and 2, last_request could be lower than that of a command which is still on its way: a
 * client that begins behind it would give the same number to another command, and get the answer of
 * the first.
 */
#include "wire/parts.h"

#include <string.h>
#include <unistd.h>

enum { OPENS_MAX = 8 }; /* a session that comes and goes meanwhile is not tried for ever */

/* -- 1. Hello. --------------------------------------------------------------------------------- */

static bool may_operate(const struct mr_server *server, const struct mr_connection *connection)
{
    return server->options.operators_anywhere ||
           (connection->local && connection->user == geteuid());
}

/* Refuses what cannot be; true: it has. */
static bool refuse_hello(struct mr_server *server, struct mr_connection *connection,
                         const struct mr_wire_hello *hello)
{
    if (hello->magic != MR_WIRE_MAGIC || hello->protocol != MR_WIRE_PROTOCOL) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_PROTOCOL, true,
                             "this server speaks version %u of the protocol", MR_WIRE_PROTOCOL);
    } else if (hello->session == 0) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_SESSION, true,
                             "session 0 is the engine's own: choose another number");
    } else if (hello->role != MR_ROLE_USER && hello->role != MR_ROLE_OPERATOR) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_ROLE, true,
                             "a client is a user or an operator");
    } else if (hello->role == MR_ROLE_OPERATOR && !may_operate(server, connection)) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_ROLE, true,
                             "operators connect to the Unix socket, as the server's user");
    } else if (hello->events > MR_WIRE_EVENTS_ALL) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_PROTOCOL, true,
                             "events are none, own or all");
    } else {
        return false;
    }
    return true;
}

/* Others of the same session, welcomed or on their way to it. False: one has been welcomed with
 * another role, which is the session's, and stays. */
static bool take_over(struct mr_server *server, const struct mr_connection *connection)
{
    for (uint32_t i = 0; i < server->high; i++) {
        struct mr_connection *other = &server->connections[i];
        if (other == connection || other->state <= MR_CONNECTION_HELLO ||
            other->state > MR_CONNECTION_LEAVING || other->session != connection->session) {
            continue;
        }
        if (other->role != connection->role && other->state < MR_CONNECTION_WELCOMED) {
            continue; /* one of the two is wrong, and will not be welcomed */
        }
        if (other->role != connection->role) {
            return false;
        }
        mr_connection_refuse(server, other, MR_WIRE_REFUSE_TAKEN_OVER, true,
                             "another connection goes on with session %llu",
                             (unsigned long long)connection->session);
    }
    return true;
}

void mr_hello_begin(struct mr_server *server, struct mr_connection *connection,
                    const struct mr_wire_hello *hello)
{
    if (refuse_hello(server, connection, hello)) {
        return;
    }
    connection->session = hello->session;
    connection->role = hello->role;
    connection->events = hello->events;
    if (!take_over(server, connection)) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_ROLE, true,
                             "session %llu has another role", (unsigned long long)hello->session);
        return;
    }
    connection->state = MR_CONNECTION_BARRIER;
    connection->barrier = server->last_ticket;
    connection->barrier_passed = connection->barrier == 0;
}

/* -- 3. Looking up. ---------------------------------------------------------------------------- */

static void ask(struct mr_server *server, struct mr_connection *connection)
{
    struct {
        struct mr_query header;
        struct mr_query_session body;
    } query = {.header = {.length = MR_QUERY_HEADER, .type = MR_QUERY_STATUS}};
    enum mr_query_purpose purpose = MR_QUERY_OF_STATUS;
    if (connection->status_known) {
        purpose = MR_QUERY_OF_SESSION;
        query.header.length = sizeof query;
        query.header.type = MR_QUERY_SESSION;
        query.body.id = connection->session;
    }
    int status = mr_queries_ask(server, connection, purpose, &query.header);
    if (status == MR_OK) {
        connection->queried = true;
    } else if (status != MR_AGAIN) {
        mr_server_failed(server, status);
    }
}

static void welcome(struct mr_server *server, struct mr_connection *connection)
{
    struct mr_wire_welcome welcome = {
        .protocol = MR_WIRE_PROTOCOL,
        .logic_version = connection->status_row.logic_version,
        .session = connection->session,
        .last_request = connection->last_request,
        .frame_bytes_max = server->options.frame_bytes_max,
        .in_flight_max = server->options.in_flight_max,
        .idle_ms = server->options.idle_ms,
        .role = connection->role,
        .clock = (uint8_t)server->clock,
        .events = connection->events,
    };
    memcpy(welcome.logic, server->logic_name, sizeof welcome.logic);
    memcpy(welcome.journal, server->journal_id, sizeof welcome.journal);
    mr_route_attach(server, connection);
    if (mr_connection_put(server, connection, MR_WIRE_WELCOME, 0, &welcome.protocol,
                          sizeof welcome - sizeof welcome.frame)) {
        mr_connection_process(server, connection); /* what came behind the hello */
    }
}

static void look_at_session(struct mr_server *server, struct mr_connection *connection,
                            const struct mr_query_call *call)
{
    struct {
        struct mr_row header;
        struct mr_row_session body;
    } row;
    if (call->reply.result == MR_REASON_NOT_FOUND ||
        call->reply.result == MR_REASON_UNKNOWN_SESSION || call->reply.rows == 0) {
        connection->state = MR_CONNECTION_SUBMIT;
        mr_hello_go_on(server, connection);
        return;
    }
    memcpy(&row, call->rows, sizeof row);
    if (row.body.session_role != connection->role) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_ROLE, true,
                             "session %llu has another role",
                             (unsigned long long)connection->session);
        return;
    }
    connection->last_request = row.body.last_request;
    welcome(server, connection);
}

void mr_hello_looked_up(struct mr_server *server, struct mr_connection *connection,
                        enum mr_query_purpose purpose, const struct mr_query_call *call)
{
    struct {
        struct mr_row header;
        struct mr_row_status body;
    } row;
    connection->queried = false;
    if (connection->state != MR_CONNECTION_LOOKUP) {
        return;
    }
    if (call->status != MR_OK) {
        mr_server_failed(server, call->status);
        return;
    }
    if (purpose == MR_QUERY_OF_SESSION) {
        look_at_session(server, connection, call);
        return;
    }
    if (call->reply.result != 0 || call->reply.bytes < sizeof row) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_FAILED, true,
                             "the engine does not tell its status");
        return;
    }
    memcpy(&row, call->rows, sizeof row);
    connection->status_row = row.body;
    connection->status_known = true;
    ask(server, connection);
}

/* -- 4. Opening. ------------------------------------------------------------------------------- */

static void submit_open(struct mr_server *server, struct mr_connection *connection)
{
    struct {
        struct mr_command header;
        struct mr_session_open body;
    } open = {
        .header = {.length = sizeof open,
                   .type = MR_COMMAND_SESSION_OPEN,
                   .role = MR_ROLE_SYSTEM,
                   .request = connection->session}, /* tells its answer from others of session 0 */
        .body = {.new_session = connection->session, .new_role = connection->role},
    };
    uint64_t ticket;
    int status = mr_engine_submit(server->engine, &open.header, &ticket);
    if (status == MR_OK) {
        server->last_ticket = ticket + 1;
        connection->state = MR_CONNECTION_OPENING;
    } else if (status != MR_AGAIN) {
        mr_server_failed(server, status);
    }
}

void mr_hello_opened(struct mr_server *server, uint64_t session, const struct mr_answer *answer)
{
    struct mr_connection *connection = NULL;
    for (uint32_t i = 0; i < server->high && session != 0; i++) {
        if (server->connections[i].state == MR_CONNECTION_OPENING &&
            server->connections[i].session == session) {
            connection = &server->connections[i];
        }
    }
    if (connection == NULL) {
        return;
    }
    if (answer->result == 0 ||
        (answer->result == MR_REASON_SESSION_EXISTS && ++connection->opens < OPENS_MAX)) {
        connection->state = MR_CONNECTION_LOOKUP; /* what it is now, whoever has opened it */
        mr_hello_go_on(server, connection);
    } else if (answer->result == MR_REASON_SESSIONS_FULL) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_SESSIONS, true,
                             "as many sessions are open as the journal allows");
    } else if (answer->result == MR_REASON_SESSION_FORGOTTEN) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_SESSION, true,
                             "session %llu, or a later one, was closed: take a higher number",
                             (unsigned long long)session);
    } else {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_SESSION, true,
                             "session %llu cannot be opened (reason %u)",
                             (unsigned long long)session, answer->result);
    }
}

void mr_hello_go_on(struct mr_server *server, struct mr_connection *connection)
{
    if (connection->state == MR_CONNECTION_BARRIER && connection->barrier_passed) {
        connection->state = MR_CONNECTION_LOOKUP;
    }
    if (connection->state == MR_CONNECTION_LOOKUP && !connection->queried) {
        ask(server, connection);
    }
    if (connection->state == MR_CONNECTION_SUBMIT) {
        submit_open(server, connection);
    }
}
