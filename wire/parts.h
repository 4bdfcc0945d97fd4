/*
 * The parts of a server, and who does what with them. All of it belongs to the serving thread, but
 * for `stopping` and what says otherwise.
 *
 *     server.c      opens, steps, drains, closes
 *     connection.c  accepts, reads, sends, cuts off
 *     hello.c       from hello to welcome: the session is looked up, and opened
 *     submit.c      frames of a welcomed client to the engine
 *     route.c       what comes out of the engine to whom it is for
 *     query.c       queries on their way through the engine
 */
#ifndef MR_WIRE_PARTS_H
#define MR_WIRE_PARTS_H

#include "base/limits.h"
#include "wire/socket.h"

#include <millrace/server.h>

#include <stdalign.h>

enum mr_connection_state {
    MR_CONNECTION_FREE,
    MR_CONNECTION_HELLO,    /* connected: nothing but a hello is taken */
    MR_CONNECTION_BARRIER,  /* until all that was accepted before is applied */
    MR_CONNECTION_LOOKUP,   /* until queries tell of the logic and the session */
    MR_CONNECTION_SUBMIT,   /* until the command that opens the session is accepted */
    MR_CONNECTION_OPENING,  /* until it is answered */
    MR_CONNECTION_WELCOMED, /* at work */
    MR_CONNECTION_LEAVING,  /* not read any more: until all that was accepted is answered */
    MR_CONNECTION_FLUSHING, /* until its output is sent */
    MR_CONNECTION_LINGERING /* until the other side closes, so that it can read the last words */
};

/* Which of its duties a connection cannot go on with now; looked at again in each step. */
enum {
    MR_BLOCKED_ENGINE = 1, /* the input ring is full */
    MR_BLOCKED_FLIGHT = 2, /* as many commands are without answer as there may be */
    MR_BLOCKED_QUERY = 4,  /* all places for queries are taken */
};

struct mr_connection {
    enum mr_connection_state state;
    int fd;
    uint32_t index;
    uint32_t generation; /* counts the clients that this place has had */
    uint64_t number;     /* counts all clients: names it in messages */
    bool local;          /* on the Unix socket, and `user` is known */
    uid_t user;
    uint64_t session; /* as it said in its hello; 0: not yet */
    uint8_t role, events;

    uint64_t barrier;    /* the ticket that it waits for, plus 1; 0: for none */
    bool barrier_passed; /* it is applied: once the output ring is empty, all is answered */
    bool queried;        /* the status or the session is being asked for */
    struct mr_row_status status_row;
    bool status_known;
    uint32_t opens; /* how often it tried to open its session */
    uint64_t last_request;

    uint32_t in_flight; /* commands without answer, as far as known */
    uint32_t queries;   /* on their way */
    uint32_t blocked;   /* MR_BLOCKED_... */
    uint32_t interest;  /* what epoll is told */
    bool readable;      /* there may be more in the socket, or in the input buffer */
    bool ended;         /* the other side sends no more */
    uint64_t since_ns;  /* when its state's time limit began */
    uint64_t heard_ns;

    unsigned char *input; /* frame_bytes_max; the frame in progress begins at input_begin */
    uint32_t input_begin, input_end;
    unsigned char *output; /* a ring of output_bytes */
    uint64_t output_begin, output_end;
};

/* Queries are answered on the engine's apply thread, perhaps when the server is gone already: so
 * what that thread touches is freed by whoever is last. */
enum mr_query_purpose { MR_QUERY_OF_CLIENT, MR_QUERY_OF_STATUS, MR_QUERY_OF_SESSION };
enum { MR_QUERY_BYTES = 1024 }; /* of a client's query */

struct mr_query_pool;
struct mr_query_slot {
    struct mr_query_call call;
    struct mr_query_pool *pool;
    MR_ATOMIC(uint32_t) answered;
    bool used;
    enum mr_query_purpose purpose;
    uint32_t index, generation; /* of the connection that asks */
    alignas(8) unsigned char query[MR_QUERY_BYTES];
    unsigned char *frame; /* the reply's, with room for the rows at its end */
};
struct mr_query_pool {
    MR_ATOMIC(uint32_t) holders; /* the server, and each query on its way */
    int event;                   /* wakes the server; also for mr_server_stop */
    uint32_t count, used;
    uint32_t frame_bytes;
    struct mr_query_slot *slots;
    unsigned char *frames;
};

enum { MR_ROUTES = 1024 }; /* sessions whose connection is found at once */

struct mr_server {
    struct mr_server_options options; /* with the defaults filled in */
    struct mr_engine *engine;
    struct mr_subscriber *subscriber;
    uint8_t journal_id[16];
    char logic_name[32];
    enum mr_clock_kind clock;

    int epoll;
    int listen_path, listen_tcp; /* -1: none */
    struct mr_socket_file file;
    uint16_t port;

    struct mr_connection *connections; /* clients_max */
    uint32_t high;                     /* places above have never been used */
    unsigned char *buffers;
    uint32_t open;      /* connections that are not free */
    uint32_t wants_all; /* welcomed ones that want all events */
    uint32_t wants_own; /* the same of their own */
    uint16_t routes[MR_ROUTES];

    struct mr_query_pool *queries;
    uint64_t last_ticket;            /* of what the server has submitted, plus 1; 0: nothing yet */
    uint64_t last_answered;          /* the highest sequence that was answered */
    const struct mr_command **batch; /* room for pointers to a batch's commands */

    /* Events of the command whose answer is to come, for those who want their own. */
    unsigned char *held;
    uint32_t held_bytes;
    uint64_t held_sequence;
    bool held_overflow;

    /* Set by anybody. A word of its own: compilers read neighbours together. */
    MR_ATOMIC(uint64_t) stopping;
    bool draining; /* begun by the serving thread */
    int failure;   /* of the engine; clients have been told */
    bool busy_now; /* the engine took no more in this step */
    uint32_t turn; /* who comes first in the next step */
    uint64_t draining_ns, now_ns, looked_ns;
    struct mr_server_status status;
};

/* connection.c */
bool mr_connection_accept(struct mr_server *server, int listener);
/* Reads what has come and hands over what is whole, as far as it can be. */
void mr_connection_read(struct mr_server *server, struct mr_connection *connection);
void mr_connection_flush(struct mr_server *server, struct mr_connection *connection);
/* Goes on with what is in the input buffer; after something has changed. */
void mr_connection_process(struct mr_server *server, struct mr_connection *connection);
/* A frame's worth of room at the end of its output, as one or two pieces put together; false: it
 * does not fit, and the client is cut off. */
bool mr_connection_put(struct mr_server *server, struct mr_connection *connection, uint16_t kind,
                       uint16_t flags, const void *payload, uint32_t size);
/* Says why and ends it, once the words are sent. `log`: aloud. */
void mr_connection_refuse(struct mr_server *server, struct mr_connection *connection, uint32_t code,
                          bool log, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Says that a request is not taken, and goes on. */
void mr_connection_decline(struct mr_server *server, struct mr_connection *connection,
                           uint32_t code, uint64_t request, const char *text);
/* Not read any more: ends with goodbye when all that was accepted is answered. */
void mr_connection_leave(struct mr_server *server, struct mr_connection *connection);
/* Nothing more to say: ends it once its output is sent. */
void mr_connection_finish(struct mr_server *server, struct mr_connection *connection);
/* Ends it now. `why` (NULL: it is nobody's fault) goes to the log. */
void mr_connection_cut(struct mr_server *server, struct mr_connection *connection, const char *why);
/* Tells epoll what to look for. */
void mr_connection_watch(struct mr_server *server, struct mr_connection *connection);

static inline uint64_t mr_connection_pending(const struct mr_connection *connection)
{
    return connection->output_end - connection->output_begin;
}

/* hello.c */
void mr_hello_begin(struct mr_server *server, struct mr_connection *connection,
                    const struct mr_wire_hello *hello);
/* Goes on if what it waits for has come. */
void mr_hello_go_on(struct mr_server *server, struct mr_connection *connection);
/* The answer to a lookup, and to the command that opens a session. */
void mr_hello_looked_up(struct mr_server *server, struct mr_connection *connection,
                        enum mr_query_purpose purpose, const struct mr_query_call *call);
void mr_hello_opened(struct mr_server *server, uint64_t session, const struct mr_answer *answer);

/* submit.c: one frame of a welcomed client. False: not now, the same again later. */
bool mr_submit_frame(struct mr_server *server, struct mr_connection *connection,
                     struct mr_wire_frame *frame);

/* route.c: takes up to `limit` of what came out of the engine; returns how much. */
uint32_t mr_route_output(struct mr_server *server, uint32_t limit);
/* The connection that has the session's answers; NULL: none. */
struct mr_connection *mr_route_find(struct mr_server *server, uint64_t session);
/* From here on it is this one. */
void mr_route_attach(struct mr_server *server, struct mr_connection *connection);

/* query.c */
struct mr_query_pool *mr_queries_open(uint32_t count, uint32_t frame_bytes);
void mr_queries_close(struct mr_query_pool *pool);
/* MR_OK; MR_AGAIN: no place is free, or the engine has none; or the engine's code. */
int mr_queries_ask(struct mr_server *server, struct mr_connection *connection,
                   enum mr_query_purpose purpose, const struct mr_query *query);
/* Hands out what was answered; returns how many. */
uint32_t mr_queries_collect(struct mr_server *server);

/* server.c */
void mr_server_log(const struct mr_server *server, enum mr_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The engine took none of it because it has failed or stops: everybody is told. */
void mr_server_failed(struct mr_server *server, int status);

#endif
