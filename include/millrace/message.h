/*
 * <millrace/message.h>: the headers that every command and every event carries, and those of
 * queries, which change nothing, and what they are answered with.
 *
 * Messages are fixed-width little-endian structs without hidden padding: a header and, right behind
 * it, the body that the catalog describes (<millrace/catalog.h>). Lengths are multiples of 8.
 */
#ifndef MILLRACE_MESSAGE_H
#define MILLRACE_MESSAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Who may send a command. A session has one role; the catalog says which roles a command type
 * accepts, as a mask of MR_ROLE_BIT. */
enum mr_role {
    MR_ROLE_SYSTEM = 0, /* the engine itself: genesis, ticks, sessions, new versions of the logic */
    MR_ROLE_OPERATOR = 1, /* defines instruments, opens and closes sessions */
    MR_ROLE_USER = 2,     /* everybody else: orders, transfers */
    MR_ROLE_COUNT
};
#define MR_ROLE_BIT(role) (1U << (role))

/* A command: a request to change the state. `sequence` is its place in the journal, given by the
 * sequencer, as is `time_ns`, which never runs backwards. (session, request) makes its effect
 * happen once; session 0 is the engine's own and is not checked. `more` is the sequencer's, too: it
 * is set in all commands of a batch but the last one, which so is what a crash keeps whole. */
struct mr_command {
    uint32_t length;      /*  0 bytes, header included, multiple of 8 */
    uint16_t type;        /*  4 */
    uint8_t version : 7;  /*  6 of the body's layout */
    uint8_t more : 1;     /*  6, the highest bit: the next command is of the same batch */
    uint8_t role;         /*  7 enum mr_role, claimed by the sender; must equal its session's */
    uint64_t sequence;    /*  8 dense, from 1 */
    uint64_t time_ns;     /* 16 since 1970, UTC */
    uint64_t session;     /* 24 */
    uint64_t request;     /* 32 rises within the session; gaps are allowed */
    uint64_t correlation; /* 40 the sender's; comes back in every event */
    uint64_t cause;       /* 48 number of the event that caused it, 0: none */
};

/* An event: what a command caused. */
struct mr_event {
    uint64_t number;             /*  0 dense, from 1 */
    uint64_t sequence;           /*  8 of the causing command */
    uint64_t time_ns;            /* 16 the command's */
    uint16_t type;               /* 24 */
    uint16_t length;             /* 26 bytes, header included, multiple of 8 */
    uint8_t version;             /* 28 of the body's layout */
    uint8_t reserved;            /* 29 zero */
    uint16_t aggregate_kind;     /* 30 what it happened to; 0: nothing in particular */
    uint64_t aggregate_id;       /* 32 */
    uint64_t aggregate_sequence; /* 40 the aggregate's own count of events, from 1 */
    uint64_t previous;           /* 48 number of the aggregate's previous event, 0: none */
    uint64_t correlation;        /* 56 the command's */
};

enum { MR_COMMAND_HEADER = 56, MR_EVENT_HEADER = 64, MR_COMMAND_VERSION_MAX = 127 };

/* What becomes of a command: one for each, in sequence order, after its events. */
struct mr_answer {
    uint64_t sequence;    /*  0 of the command that is answered; of the first one for a duplicate */
    uint64_t session;     /*  8 */
    uint64_t request;     /* 16 */
    uint64_t first_event; /* 24 number of its first event, 0: none */
    uint32_t event_count; /* 32 */
    uint32_t result;      /* 36 0: done; else a reason of the catalog */
    uint64_t duplicate;   /* 40 1: a stored answer, given again */
};

/* A query: a question about the state, answered between two commands. It is not journaled. */
struct mr_query {
    uint32_t length;     /*  0 bytes, header included, multiple of 8 */
    uint16_t type;       /*  4 among the catalog's queries */
    uint8_t version;     /*  6 of the body's layout */
    uint8_t role;        /*  7 enum mr_role, of who asks */
    uint64_t session;    /*  8 who asks; 0: the embedder itself, which may ask anything */
    uint64_t request;    /* 16 the asker's number for it; comes back in the reply */
    uint64_t not_before; /* 24 answered once this sequence was applied; 0: at once */
};

/* What a query is answered with: this, then `rows` rows, one behind the other by their length. */
struct mr_reply {
    uint64_t sequence;  /*  0 that it saw: the state is as after this command */
    uint64_t time_ns;   /*  8 of that command */
    uint64_t request;   /* 16 the query's */
    uint32_t rows;      /* 24 */
    uint32_t bytes;     /* 28 of all rows together */
    uint32_t result;    /* 32 0, or a reason of the catalog: there are no rows */
    uint32_t truncated; /* 36 1: there was no room for more rows; ask for what follows them */
};

/* A row of a reply: this header, then the body that the catalog describes. */
struct mr_row {
    uint16_t type;       /* 0 among the catalog's rows */
    uint16_t length;     /* 2 bytes, header included, multiple of 8 */
    uint8_t version;     /* 4 of the body's layout */
    uint8_t reserved[3]; /* 5 zero */
};

enum { MR_QUERY_HEADER = 32, MR_REPLY_SIZE = 40, MR_ROW_HEADER = 8 };

#ifdef __cplusplus
#define MR_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define MR_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

MR_STATIC_ASSERT(sizeof(struct mr_command) == MR_COMMAND_HEADER, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_event) == MR_EVENT_HEADER, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_answer) == 48, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_query) == MR_QUERY_HEADER, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_reply) == MR_REPLY_SIZE, "no hidden padding");
MR_STATIC_ASSERT(sizeof(struct mr_row) == MR_ROW_HEADER, "no hidden padding");
MR_STATIC_ASSERT(__builtin_offsetof(struct mr_command, cause) == 48, "see the byte table");
MR_STATIC_ASSERT(__builtin_offsetof(struct mr_event, aggregate_kind) == 30, "see the byte table");
MR_STATIC_ASSERT(__builtin_offsetof(struct mr_event, correlation) == 56, "see the byte table");
MR_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "formats are little-endian");

#define MR_MESSAGE_BODY(message, header_size) ((void *)((unsigned char *)(message) + (header_size)))

/* What follows the header of a message: the struct that its logic has for its type. Nothing checks
 * that it is there, or which it is: see `length`, `type` and `version`. */
static inline const void *mr_command_body(const struct mr_command *command)
{
    return (const unsigned char *)command + MR_COMMAND_HEADER;
}

/* The next command of the same batch, which lies right behind this one; NULL: it is the last one.
 * Where commands are applied, the whole batch is there. */
static inline const struct mr_command *mr_command_next(const struct mr_command *command)
{
    const unsigned char *at = (const unsigned char *)command;
    return command->more ? (const struct mr_command *)(const void *)(at + command->length) : 0;
}

/* The same, to be filled in. */
static inline void *mr_command_body_mutable(struct mr_command *command)
{
    return (unsigned char *)command + MR_COMMAND_HEADER;
}

/* As of a command. */
static inline const void *mr_event_body(const struct mr_event *event)
{
    return (const unsigned char *)event + MR_EVENT_HEADER;
}

/* As of a command. */
static inline const void *mr_query_body(const struct mr_query *query)
{
    return (const unsigned char *)query + MR_QUERY_HEADER;
}

/* As of a command. */
static inline const void *mr_row_body(const struct mr_row *row)
{
    return (const unsigned char *)row + MR_ROW_HEADER;
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
