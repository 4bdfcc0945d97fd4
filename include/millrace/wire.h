/*
 * <millrace/wire.h>: what a client and a server say to each other over a stream socket.
 *
 * Either side sends frames, one behind the other: a header that tells the frame's length and kind,
 * then what the kind asks for. All is little-endian and a multiple of 8 bytes; commands, events,
 * answers, queries, replies and rows are the structs of <millrace/message.h>, as they are.
 *
 *     client                               server
 *     hello  (once, first)          ->
 *                                   <-     welcome, or refuse
 *     command, batch, query, ping   ->
 *                                   <-     event, answer, reply, pong, refuse
 *     goodbye                       ->
 *                                   <-     goodbye, when all is answered; then the end
 *
 * Commands are answered in the order in which they were sent. What becomes of a connection says
 * nothing of the commands that were sent on it: who has no answer sends the same commands, with the
 * same requests, in the same order, on another connection of the same session. Each takes effect
 * once, and its first answer comes again (`duplicate` is 1 then).
 *
 * A length or count is looked at before it is believed: nothing is allocated by it, and nothing is
 * read past what has come.
 */
#ifndef MILLRACE_WIRE_H
#define MILLRACE_WIRE_H

#include <millrace/message.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define MR_WIRE_MAGIC UINT64_C(0x656361726c6c696d) /* the bytes "millrace" */
enum {
    MR_WIRE_PROTOCOL = 0,
    MR_WIRE_FRAME_MAX = 4 << 20, /* no server takes, and none sends, a larger one */
    MR_WIRE_FRAME_MIN = 512,     /* no server takes less than this */
};

enum mr_wire_kind {
    /* From the client. */
    MR_WIRE_HELLO = 1,
    MR_WIRE_COMMAND = 2,
    MR_WIRE_BATCH = 3,
    MR_WIRE_QUERY = 4,
    MR_WIRE_PING = 5,
    MR_WIRE_GOODBYE = 6, /* from either side */
    /* From the server. */
    MR_WIRE_WELCOME = 16,
    MR_WIRE_ANSWER = 17,
    MR_WIRE_EVENT = 18,
    MR_WIRE_REPLY = 19,
    MR_WIRE_PONG = 20,
    MR_WIRE_REFUSE = 21,
};

/* Which events a client gets: those of its own commands come before the command's answer. */
enum mr_wire_events { MR_WIRE_EVENTS_NONE = 0, MR_WIRE_EVENTS_OWN = 1, MR_WIRE_EVENTS_ALL = 2 };

/* Begins every frame. */
struct mr_wire_frame {
    uint32_t length; /* 0 of the whole frame in bytes, this header included; a multiple of 8 */
    uint16_t kind;   /* 4 enum mr_wire_kind */
    uint16_t flags;  /* 6 zero; of an answer also: */
};
enum {
    /* The command had more events than the server holds back for those who want their own: none of
     * them was sent. */
    MR_WIRE_FLAG_EVENTS_LEFT_OUT = 1,
};

/* The session is opened if there is none of that number. */
struct mr_wire_hello {
    struct mr_wire_frame frame;
    uint64_t magic;      /*  8 MR_WIRE_MAGIC */
    uint32_t protocol;   /* 16 MR_WIRE_PROTOCOL */
    uint8_t role;        /* 20 enum mr_role: user or operator; that of the session */
    uint8_t events;      /* 21 enum mr_wire_events */
    uint8_t reserved[2]; /* 22 zero */
    uint64_t session;    /* 24 not 0 */
};

struct mr_wire_welcome {
    struct mr_wire_frame frame;
    uint32_t protocol;        /*  8 that the server goes on in */
    uint32_t logic_version;   /* 12 that applies now */
    char logic[32];           /* 16 its name, zero-padded */
    uint8_t journal[16];      /* 48 the journal's id: a client that comes back looks whether it is
                               *    the one that it knew */
    uint64_t session;         /* 64 */
    uint64_t last_request;    /* 72 the last request of the session that was applied; 0: none */
    uint32_t frame_bytes_max; /* 80 the largest frame that the server takes */
    uint32_t in_flight_max;   /* 84 commands that may be without answer. Those beyond it wait in the
                               *    socket, and a client that keeps more may resend one whose answer
                               *    is not kept any more */
    uint32_t idle_ms;         /* 88 who sends nothing for so long is cut off: ping; 0: never */
    uint8_t role;             /* 92 of the session */
    uint8_t clock;            /* 93 enum mr_clock_kind */
    uint8_t events;           /* 94 */
    uint8_t reserved;         /* 95 zero */
};

/* A command, or `count` of them one behind the other, which are journaled all or none. The server
 * fills in session, role and sequence, and the time unless the journal's clock is that of the
 * input. */
struct mr_wire_command {
    struct mr_wire_frame frame;
    struct mr_command command; /*  8 and its body */
};
struct mr_wire_batch {
    struct mr_wire_frame frame;
    uint32_t count;    /*  8 */
    uint32_t reserved; /* 12 zero */
    /*                    16 the commands */
};

/* The server fills in session and role. `request` is the client's number for it. */
struct mr_wire_query {
    struct mr_wire_frame frame;
    struct mr_query query; /*  8 and its body */
};
struct mr_wire_reply {
    struct mr_wire_frame frame;
    struct mr_reply reply; /*  8 and, at 48, its rows */
};

struct mr_wire_answer {
    struct mr_wire_frame frame;
    struct mr_answer answer; /*  8 */
};
struct mr_wire_event {
    struct mr_wire_frame frame;
    struct mr_event event; /*  8 and its body */
};

/* Ping and pong: the answer has the number of the question. */
struct mr_wire_ping {
    struct mr_wire_frame frame;
    uint64_t number; /*  8 */
};

/* code, value, what it means */
#define MR_WIRE_REFUSALS(R)                                                                      \
    R(PROTOCOL, 1, "the other side does not speak this protocol, or no version of it that fits") \
    R(SESSION, 2, "the session's number cannot be used")                                         \
    R(ROLE, 3, "the role is not to be had, or not the session's")                                \
    R(CLIENTS, 4, "as many clients are connected as there can be")                               \
    R(SESSIONS, 5, "as many sessions are open as there can be")                                  \
    R(TAKEN_OVER, 6, "another connection goes on with this session")                             \
    R(IDLE, 7, "nothing was heard for too long")                                                 \
    R(FRAME, 8, "a frame is malformed or too large")                                             \
    R(COMMAND, 9, "the command was not accepted, and never will be")                             \
    R(QUERY, 10, "the query cannot be answered")                                                 \
    R(STOPPING, 11, "the server is stopping")                                                    \
    R(FAILED, 12, "the server's engine has failed")
#define MR_WIRE_REFUSAL_ENUM(name, value, text) MR_WIRE_REFUSE_##name = value,
enum mr_wire_refusal { MR_WIRE_REFUSALS(MR_WIRE_REFUSAL_ENUM) };
#undef MR_WIRE_REFUSAL_ENUM

/* What was not taken. COMMAND and QUERY are about one request (for a batch: its first), and the
 * connection goes on; behind any other the server says nothing more. */
struct mr_wire_refuse {
    struct mr_wire_frame frame;
    uint32_t code;     /*  8 enum mr_wire_refusal */
    uint32_t reserved; /* 12 zero */
    uint64_t request;  /* 16 of COMMAND and QUERY, else 0 */
    char text[104];    /* 24 one line, zero-padded, with at least one zero */
};

MR_STATIC_ASSERT(sizeof(struct mr_wire_frame) == 8, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_hello) == 32, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_welcome) == 96, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_command) == 8 + MR_COMMAND_HEADER, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_batch) == 16, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_query) == 8 + MR_QUERY_HEADER, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_reply) == 8 + MR_REPLY_SIZE, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_answer) == 56, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_event) == 8 + MR_EVENT_HEADER, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_ping) == 16, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_wire_refuse) == 128, "no hidden padding");
MR_STATIC_ASSERT(__builtin_offsetof(struct mr_wire_hello, session) == 24, "see the byte table");
MR_STATIC_ASSERT(__builtin_offsetof(struct mr_wire_welcome, journal) == 48, "see the byte table");
MR_STATIC_ASSERT(__builtin_offsetof(struct mr_wire_welcome, frame_bytes_max) == 80,
                 "see the byte table");
MR_STATIC_ASSERT(__builtin_offsetof(struct mr_wire_welcome, role) == 92, "see the byte table");
MR_STATIC_ASSERT(__builtin_offsetof(struct mr_wire_refuse, text) == 24, "see the byte table");

/* What a refusal's code means; "unknown refusal" for any other number. Static storage. Any
 * thread. */
const char *mr_wire_refusal_text(uint32_t code);

/* Looks at the first frame of `size` bytes that have come (aligned to 8). MR_OK: it is whole, it is
 * well-formed, and *length bytes long. MR_AGAIN: more of it is to come. MR_E_INVALID: it never will
 * be well-formed, or is larger than `frame_bytes_max`; *flaw (may be NULL) says why, in static
 * storage. What a whole frame holds fits into it: the commands of a batch add up, a command's
 * length is the frame's, rows add up, texts end. The values of fields are not looked at. Any
 * thread; pure; as long as the frame at most. */
int mr_wire_look(const void *bytes, size_t size, uint32_t frame_bytes_max, uint32_t *length,
                 const char **flaw);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
