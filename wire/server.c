/*
 * A server, from open to close. One step:
 *
 *     1. which barriers are passed           (before 2: what they waited for is in the output then)
 *     2. output of the engine to clients     until it is empty
 *     3. connections that wait for something
 *     4. all output to the sockets
 *     5. sleep in epoll until a socket, the engine or a query has something
 *     6. sockets
 *
 * The engine is never held up by a client: 2 does not depend on whether anybody reads.
 */
#include "wire/parts.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    ROUTE_LIMIT = 4096, /* events and answers between two looks at the sockets */
    EVENTS_MAX = 64,    /* of epoll at once */
    CLIENTS_MAX = 4096,
    ROWS_BYTES_MAX = 64 << 10, /* of a reply; more than that is asked for in pieces */
    WAITING_MS = 2,            /* how often is looked at what nothing else wakes for */
    WATCHFUL_MS = 100,         /* how often is looked for who is too late */
    LINGER_MS = 1000,          /* for a client to close, once it has been told everything */
    RUN_WAIT_MS = 1000,
    MS = 1000000, /* in ns */
};

/* What epoll tells besides connections, whose index is below CLIENTS_MAX. */
enum { TOLD_PATH = CLIENTS_MAX, TOLD_TCP, TOLD_EVENT };

void mr_server_log(const struct mr_server *server, enum mr_log_level level, const char *format, ...)
{
    const struct mr_log *log = &server->options.log;
    if (log->write == NULL || level > log->level) {
        return;
    }
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    /* clang-tidy 14 does not see the va_start. */
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized)
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->write(log->context, level, line);
}

/* -- Opening. ---------------------------------------------------------------------------------- */

static uint32_t or_else(uint32_t value, uint32_t fallback)
{
    return value == 0 ? fallback : value;
}

static int fill_in(struct mr_server_options *options, struct mr_error *error)
{
    options->socket_mode = or_else(options->socket_mode, 0600);
    options->clients_max = or_else(options->clients_max, 64);
    options->in_flight_max = or_else(options->in_flight_max, 1024);
    options->frame_bytes_max = or_else(options->frame_bytes_max, 256 << 10);
    options->output_bytes = or_else(options->output_bytes, 1 << 20);
    options->events_bytes = or_else(options->events_bytes, 1 << 20);
    options->queries_max = or_else(options->queries_max, 16);
    options->hello_ms = or_else(options->hello_ms, 5000);
    options->drain_ms = or_else(options->drain_ms, 5000);
    if (options->engine == NULL || (options->socket_path == NULL && options->tcp == NULL)) {
        return mr_error_set(error, MR_E_INVALID,
                            "a server needs an engine, and a socket or a port");
    }
    if (options->clients_max > CLIENTS_MAX) {
        return mr_error_set(error, MR_E_INVALID, "clients_max is at most %d", CLIENTS_MAX);
    }
    if (options->frame_bytes_max < MR_WIRE_FRAME_MIN ||
        options->frame_bytes_max > MR_WIRE_FRAME_MAX || options->frame_bytes_max % 8 != 0) {
        return mr_error_set(error, MR_E_INVALID, "frame_bytes_max is %d to %d, a multiple of 8",
                            MR_WIRE_FRAME_MIN, MR_WIRE_FRAME_MAX);
    }
    uint32_t least = MR_EVENT_SIZE_MAX + (int)sizeof(struct mr_wire_frame);
    least = options->frame_bytes_max > least ? options->frame_bytes_max : least;
    if (options->output_bytes / 2 < least || options->events_bytes < MR_EVENT_SIZE_MAX) {
        return mr_error_set(error, MR_E_INVALID,
                            "output_bytes is at least %u and events_bytes at least %d", 2 * least,
                            MR_EVENT_SIZE_MAX);
    }
    return MR_OK;
}

/* What the journal says of itself once and for all. */
static void look_at_genesis(struct mr_server *server)
{
    const struct mr_genesis *genesis = mr_command_body(mr_engine_genesis(server->engine));
    memcpy(server->journal_id, genesis->journal, sizeof server->journal_id);
    memcpy(server->logic_name, genesis->logic, sizeof server->logic_name);
    server->clock = (enum mr_clock_kind)genesis->clock;
    /* So that whatever is without answer is answered again, whenever it comes again. */
    if (server->options.in_flight_max > genesis->answers_max) {
        server->options.in_flight_max = genesis->answers_max;
    }
}

static int take_memory(struct mr_server *server, struct mr_error *error)
{
    const struct mr_server_options *options = &server->options;
    uint32_t rows = options->frame_bytes_max < ROWS_BYTES_MAX ? options->frame_bytes_max
                                                              : (uint32_t)ROWS_BYTES_MAX;
    size_t each = (size_t)options->frame_bytes_max + mr_align_up(options->output_bytes, 8);
    server->connections = calloc(options->clients_max, sizeof *server->connections);
    server->buffers = calloc(options->clients_max, each);
    server->batch = calloc(MR_BATCH_COMMANDS_MAX, sizeof(const struct mr_command *));
    server->held = calloc(1, options->events_bytes);
    server->queries = mr_queries_open(options->queries_max, rows);
    if (server->connections == NULL || server->buffers == NULL || server->batch == NULL ||
        server->held == NULL || server->queries == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for %u clients",
                            options->clients_max);
    }
    for (uint32_t i = 0; i < options->clients_max; i++) {
        server->connections[i].input = server->buffers + i * each;
        server->connections[i].output = server->connections[i].input + options->frame_bytes_max;
    }
    return MR_OK;
}

static int watch(struct mr_server *server, int fd, uint32_t told, struct mr_error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = told};
    if (fd >= 0 && epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        return mr_error_set_errno(error, errno, "no epoll for the server's sockets");
    }
    return MR_OK;
}

static int watch_all(struct mr_server *server, struct mr_error *error)
{
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0) {
        return mr_error_set_errno(error, errno, "no epoll to be had");
    }
    int status = watch(server, server->listen_path, TOLD_PATH, error);
    if (status == MR_OK) {
        status = watch(server, server->listen_tcp, TOLD_TCP, error);
    }
    if (status == MR_OK) {
        status = watch(server, server->queries->event, TOLD_EVENT, error);
    }
    if (status == MR_OK) {
        status = watch(server, mr_subscriber_fd(server->subscriber), TOLD_EVENT, error);
    }
    return status;
}

static int listen_to_all(struct mr_server *server, struct mr_error *error)
{
    const struct mr_server_options *options = &server->options;
    int status = MR_OK;
    if (options->socket_path != NULL) {
        status = mr_socket_listen_path(options->socket_path, options->socket_mode, &server->file,
                                       &server->listen_path, error);
    }
    if (status == MR_OK && options->tcp != NULL) {
        status = mr_socket_listen_tcp(options->tcp, &server->port, &server->listen_tcp, error);
    }
    return status;
}

int mr_server_open(const struct mr_server_options *options, struct mr_server **server_out,
                   struct mr_error *error)
{
    struct mr_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for a server");
    }
    server->options = *options;
    server->engine = options->engine;
    server->epoll = server->listen_path = server->listen_tcp = -1;
    server->now_ns = mr_monotonic_ns();
    int status = fill_in(&server->options, error);
    if (status == MR_OK) {
        look_at_genesis(server);
        status = take_memory(server, error);
    }
    if (status == MR_OK) {
        status = mr_engine_subscribe(server->engine, &server->subscriber, error);
    }
    if (status == MR_OK) {
        status = listen_to_all(server, error);
    }
    if (status == MR_OK) {
        status = watch_all(server, error);
    }
    if (status != MR_OK) {
        mr_server_close(server);
        return status;
    }
    *server_out = server;
    return MR_OK;
}

uint16_t mr_server_port(const struct mr_server *server)
{
    return server->port;
}

struct mr_server_status mr_server_status_get(const struct mr_server *server)
{
    return server->status;
}

/* -- Stopping. --------------------------------------------------------------------------------- */

void mr_server_stop(struct mr_server *server)
{
    uint64_t one = 1;
    int before = errno; /* a signal's handler leaves it as it was */
    /* Release: pairs with the acquire in mr_server_step. */
    mr_atomic_store(&server->stopping, UINT64_C(1), release);
    (void)!write(server->queries->event, &one, sizeof one);
    errno = before;
}

static void stop_listening(struct mr_server *server)
{
    mr_socket_remove(&server->file);
    if (server->listen_path >= 0) {
        (void)close(server->listen_path);
    }
    if (server->listen_tcp >= 0) {
        (void)close(server->listen_tcp);
    }
    server->listen_path = server->listen_tcp = -1;
}

static void begin_to_drain(struct mr_server *server)
{
    server->draining = true;
    server->draining_ns = server->now_ns;
    stop_listening(server);
    for (uint32_t i = 0; i < server->high; i++) {
        struct mr_connection *connection = &server->connections[i];
        if (connection->state == MR_CONNECTION_WELCOMED) {
            mr_connection_leave(server, connection);
        } else if (connection->state < MR_CONNECTION_WELCOMED) {
            mr_connection_refuse(server, connection, MR_WIRE_REFUSE_STOPPING, false,
                                 "the server is stopping");
        }
    }
}

void mr_server_failed(struct mr_server *server, int status)
{
    struct mr_error story = {0};
    if (server->failure != MR_OK) {
        return;
    }
    server->failure = status;
    stop_listening(server);
    bool failed = mr_engine_failure(server->engine, &story) != MR_OK;
    mr_server_log(server, MR_LOG_ERROR, "%s%s", failed ? "the engine has failed: " : "",
                  failed ? story.text : "the engine has been stopped");
    for (uint32_t i = 0; i < server->high; i++) {
        mr_connection_refuse(server, &server->connections[i],
                             failed ? MR_WIRE_REFUSE_FAILED : MR_WIRE_REFUSE_STOPPING, false, "%s",
                             failed ? "the engine has failed; what is without answer may or may "
                                      "not be done"
                                    : "the engine has been stopped");
    }
}

void mr_server_close(struct mr_server *server)
{
    if (server == NULL) {
        return;
    }
    for (uint32_t i = 0; i < server->high; i++) {
        mr_connection_cut(server, &server->connections[i], NULL);
    }
    stop_listening(server);
    if (server->epoll >= 0) {
        (void)close(server->epoll);
    }
    if (server->subscriber != NULL) {
        mr_engine_unsubscribe(server->subscriber);
    }
    mr_queries_close(server->queries);
    free(server->held);
    free((void *)server->batch);
    free(server->buffers);
    free(server->connections);
    free(server);
}

/* -- A step. ----------------------------------------------------------------------------------- */

static void pass_barriers(struct mr_server *server)
{
    for (uint32_t i = 0; i < server->high; i++) {
        struct mr_connection *connection = &server->connections[i];
        if (connection->state != MR_CONNECTION_FREE && !connection->barrier_passed &&
            connection->barrier > 0) {
            connection->barrier_passed =
                mr_engine_stage(server->engine, connection->barrier - 1) == MR_STAGE_APPLIED;
        }
    }
}

static void go_on(struct mr_server *server, struct mr_connection *connection)
{
    if (connection->state >= MR_CONNECTION_BARRIER && connection->state < MR_CONNECTION_WELCOMED) {
        mr_hello_go_on(server, connection);
    } else if (connection->state == MR_CONNECTION_WELCOMED && connection->blocked != 0) {
        mr_connection_process(server, connection);
    } else if (connection->state == MR_CONNECTION_LEAVING && connection->barrier_passed &&
               connection->queries == 0) {
        if (mr_connection_put(server, connection, MR_WIRE_GOODBYE, 0, "", 0)) {
            mr_connection_finish(server, connection);
        }
    }
}

/* True when something waits that no descriptor wakes for. */
static bool go_on_all(struct mr_server *server)
{
    bool waiting = false;
    uint32_t first = server->turn++; /* when there is room for some only, each comes first once */
    server->busy_now = false;
    for (uint32_t i = 0; i < server->high; i++) {
        struct mr_connection *connection = &server->connections[(first + i) % server->high];
        go_on(server, connection);
        waiting = waiting || connection->blocked != 0 ||
                  (connection->state >= MR_CONNECTION_BARRIER &&
                   connection->state < MR_CONNECTION_WELCOMED) ||
                  connection->state == MR_CONNECTION_LEAVING;
    }
    return waiting;
}

static void flush_all(struct mr_server *server)
{
    for (uint32_t i = 0; i < server->high; i++) {
        struct mr_connection *connection = &server->connections[i];
        if (connection->state != MR_CONNECTION_FREE) {
            mr_connection_flush(server, connection);
        }
    }
}

/* Who has been in a state for too long; looked for now and then. */
static void look_for_late_ones(struct mr_server *server, struct mr_connection *connection)
{
    const struct mr_server_options *options = &server->options;
    uint64_t since_ms = (server->now_ns - connection->since_ns) / MS;
    uint64_t heard_ms = (server->now_ns - connection->heard_ns) / MS;
    if (connection->state == MR_CONNECTION_HELLO && since_ms >= options->hello_ms) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_IDLE, true,
                             "it did not say hello within %u ms", options->hello_ms);
    } else if (connection->state == MR_CONNECTION_WELCOMED && options->idle_ms > 0 &&
               connection->in_flight == 0 && heard_ms >= options->idle_ms) {
        mr_connection_refuse(server, connection, MR_WIRE_REFUSE_IDLE, true,
                             "nothing was heard of it for %u ms", options->idle_ms);
    } else if (connection->state == MR_CONNECTION_FLUSHING && since_ms >= options->drain_ms) {
        mr_connection_cut(server, connection, "it does not read its last answers");
    } else if (connection->state == MR_CONNECTION_LINGERING && since_ms >= LINGER_MS) {
        mr_connection_cut(server, connection, NULL);
    } else if (connection->state == MR_CONNECTION_LEAVING && server->draining &&
               (server->now_ns - server->draining_ns) / MS >= options->drain_ms) {
        mr_connection_cut(server, connection, "its answers do not come out of the engine");
    }
}

static void look_at_time(struct mr_server *server)
{
    if ((server->now_ns - server->looked_ns) / MS < WATCHFUL_MS / 2) {
        return;
    }
    server->looked_ns = server->now_ns;
    for (uint32_t i = 0; i < server->high; i++) {
        look_for_late_ones(server, &server->connections[i]);
    }
}

static void on_told(struct mr_server *server, const struct epoll_event *event)
{
    uint32_t index = (uint32_t)event->data.u64;
    uint64_t ignored;
    if (index == TOLD_PATH || index == TOLD_TCP) {
        int listener = index == TOLD_PATH ? server->listen_path : server->listen_tcp;
        while (listener >= 0 && mr_connection_accept(server, listener)) {
        }
        return;
    }
    if (index == TOLD_EVENT) {
        (void)!read(server->queries->event, &ignored, sizeof ignored);
        return;
    }
    struct mr_connection *connection = &server->connections[index];
    if (connection->state == MR_CONNECTION_FREE ||
        connection->generation != (uint32_t)(event->data.u64 >> 32)) {
        return; /* it ended while others were looked at */
    }
    if ((event->events & EPOLLIN) != 0 && (connection->interest & EPOLLIN) != 0) {
        mr_connection_read(server, connection);
    } else if ((event->events & (EPOLLHUP | EPOLLERR)) != 0) {
        mr_connection_cut(server, connection, NULL); /* gone, and not to be read now */
    }
}

static uint32_t look_at_sockets(struct mr_server *server, uint32_t timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(server->epoll, events, EVENTS_MAX, (int)timeout_ms);
    server->now_ns = mr_monotonic_ns();
    for (int i = 0; i < count; i++) {
        on_told(server, &events[i]);
    }
    return count < 0 ? 0 : (uint32_t)count;
}

static uint32_t sleep_ms(struct mr_server *server, uint32_t timeout_ms, bool waiting)
{
    uint32_t most = waiting ? WAITING_MS : server->open > 0 ? WATCHFUL_MS : timeout_ms;
    if (timeout_ms == 0 || mr_subscriber_fd(server->subscriber) < 0) {
        return timeout_ms < WAITING_MS ? timeout_ms : WAITING_MS;
    }
    most = timeout_ms < most ? timeout_ms : most;
    return mr_subscriber_arm(server->subscriber) ? most : 0;
}

/* Nothing is left to do for it: negative. */
static int64_t ended(const struct mr_server *server, int64_t did)
{
    bool over = server->draining || server->failure != MR_OK;
    if (!over || server->open > 0) {
        return did;
    }
    return server->failure != MR_OK ? server->failure : MR_E_HALTED;
}

int64_t mr_server_step(struct mr_server *server, uint32_t timeout_ms)
{
    server->now_ns = mr_monotonic_ns();
    /* Acquire: pairs with the release in mr_server_stop. */
    if (mr_atomic_load(&server->stopping, acquire) != 0 && !server->draining) {
        begin_to_drain(server);
    }
    pass_barriers(server);
    uint32_t routed = mr_route_output(server, ROUTE_LIMIT);
    uint32_t did = routed + mr_queries_collect(server);
    /* While there is more output, a barrier that was passed proves nothing. */
    bool waiting = routed < ROUTE_LIMIT && go_on_all(server);
    int failure = mr_engine_failure(server->engine, NULL);
    if (failure != MR_OK) {
        mr_server_failed(server, failure);
    }
    flush_all(server);
    look_at_time(server);
    if (ended(server, 0) < 0) {
        return ended(server, 0);
    }
    did += look_at_sockets(server, did > 0 ? 0 : sleep_ms(server, timeout_ms, waiting));
    flush_all(server);
    return ended(server, did);
}

int mr_server_run(struct mr_server *server, struct mr_error *error)
{
    int64_t status;
    while ((status = mr_server_step(server, RUN_WAIT_MS)) >= 0) {
    }
    if (status == MR_E_HALTED) {
        return MR_OK;
    }
    int failure = mr_engine_failure(server->engine, error);
    return failure != MR_OK ? failure
                            : mr_error_set(error, (int)status, "the engine has been stopped");
}
