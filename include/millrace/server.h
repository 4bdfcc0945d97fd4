/*
 * <millrace/server.h>: an engine's commands, answers, events and queries over a socket, in the
 * protocol of <millrace/wire.h>. It is what `millrace serve` is made of, for any engine of the
 * embedder's.
 *
 *     const struct mr_server_options options = {.engine = engine, .socket_path = "orders.socket"};
 *     mr_server_open(&options, &server, &error);      the engine is open; it may run already
 *     mr_server_run(server, &error);                  until mr_server_stop, then drains
 *     mr_server_close(server);                        before the engine stops
 *
 * One thread serves all clients: one of the embedder's, in mr_server_run, or whoever calls
 * mr_server_step. All memory is allocated at open; nothing is sized by what a client says. Nobody
 * waits for a client: one that sends faster than the engine takes is not read meanwhile, and one
 * that does not read its answers is cut off when its buffer is full. What is cut off and why goes
 * to options.log.
 */
#ifndef MILLRACE_SERVER_H
#define MILLRACE_SERVER_H

#include <millrace/engine.h>
#include <millrace/wire.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct mr_server;

/* All zero is valid but for `engine` and one of `socket_path` and `tcp`. */
struct mr_server_options {
    struct mr_engine *engine; /* open; stays the caller's and outlives the server */

    /* Where. Of both, one alone will do. */
    /* A Unix socket of this path. One that a dead server left behind is replaced; anything else of
     * that name is not. */
    const char *socket_path;
    uint32_t socket_mode; /* its permissions; 0: 0600, for processes of the same user */
    /* "PORT" on the loopback address, or "HOST:PORT" with HOST a number ("0.0.0.0", "[::1]"). PORT
     * 0: a free one, see mr_server_port. Nothing on TCP is encrypted, and nobody is asked who he
     * is. */
    const char *tcp;

    /* Who. The operator's role is for clients on the Unix socket whose user is the server's; true:
     * for everybody who can connect. */
    bool operators_anywhere;

    /* How much. */
    uint32_t clients_max;     /* 0: 64; up to 4,096 */
    uint32_t in_flight_max;   /* commands of a client without answer; 0: 1,024; never more than the
                               * answers that the journal keeps for a session */
    uint32_t frame_bytes_max; /* 0: 256 KiB; a client's input buffer is so large, and so are rows */
    uint32_t output_bytes; /* of a client's output buffer; 0: 1 MiB; at least two largest frames */
    uint32_t events_bytes; /* events of one command held back until it is known whose they are;
                               * 0: 1 MiB */
    uint32_t queries_max;  /* of all clients, in the engine at once; 0: 16 */
    uint32_t hello_ms;     /* to say hello in; 0: 5,000 */
    uint32_t idle_ms;      /* who sends nothing for so long is cut off; 0: never */
    uint32_t drain_ms;     /* for clients to take their last answers in, after stop; 0: 5,000 */
    struct mr_log log;     /* called on the serving thread */
};

/* Listens, and subscribes to the engine's answers. Clients are served from the first step on.
 * MR_E_INVALID (options, or a path that is too long or no socket), MR_E_BUSY (somebody listens
 * there already), MR_E_LIMIT (subscribers), MR_E_NO_MEMORY, MR_E_READ_ONLY, MR_E_IO. */
int mr_server_open(const struct mr_server_options *options, struct mr_server **server,
                   struct mr_error *error);

/* The TCP port that it listens on; 0: none. */
uint16_t mr_server_port(const struct mr_server *server);

/* Serves until mr_server_stop, and drains: no new client is accepted and no more is read; what the
 * engine has accepted is answered; every client is told goodbye. MR_OK, or the code of what ended
 * the engine. Blocking; one thread, once. The engine's threads run (mr_engine_start). */
int mr_server_run(struct mr_server *server, struct mr_error *error);

/* Instead of run, by hand: does what there is to do once, and waits for it for at most `timeout_ms`
 * (0: not). Returns how much it did, 0: nothing; negative: it has drained after mr_server_stop
 * (MR_E_HALTED), or the code of what ended the engine, after which clients have been told. One
 * thread at a time. An engine that is stepped by hand goes on between two steps. */
int64_t mr_server_step(struct mr_server *server, uint32_t timeout_ms);

/* Asks run to drain and return. Any thread, and any signal's handler; wait-free but for one system
 * call. */
void mr_server_stop(struct mr_server *server);

/* What it has done and does. The serving thread. */
struct mr_server_status {
    uint32_t clients;       /* welcomed, and still there */
    uint64_t accepted;      /* connections ever */
    uint64_t commands;      /* handed to the engine */
    uint64_t answers;       /* sent to clients */
    uint64_t cut_off;       /* connections that the server ended: slow, idle, malformed */
    uint64_t times_blocked; /* how often a client was not read because the engine was busy */
};
struct mr_server_status mr_server_status_get(const struct mr_server *server);

/* Cuts whoever is still there, removes the socket, frees everything. Before the engine closes. NULL
 * does nothing. */
void mr_server_close(struct mr_server *server);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
