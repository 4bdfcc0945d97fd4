/*
 * <millrace/logic.h>: how business logic plugs in.
 *
 * A logic is a deterministic state machine: (state, command) -> (state, events). It makes no system
 * call, reads no clock, allocates nothing, uses no floating point, and keeps no pointer in its
 * state: links are indices. All of its state lies in one block of memory, zeroed at first, whose
 * size follows from its configuration. The same history gives the same bytes.
 */
#ifndef MILLRACE_LOGIC_H
#define MILLRACE_LOGIC_H

#include <millrace/catalog.h>
#include <millrace/message.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Where a turn writes its events: contiguous, each a multiple of 8 bytes. Overrunning it is a
 * programmer's error. */
struct mr_outbox {
    unsigned char *bytes; /* aligned to 8 */
    uint32_t size;        /* bytes, at least mr_image_outbox_size */
    uint32_t used;        /* bytes */
    uint32_t count;       /* events */
};

/* The stream that an event belongs to: lives in the image, one for each aggregate. */
struct mr_stream {
    uint64_t count; /* events so far */
    uint64_t last;  /* number of the last one, 0: none */
};

struct mr_image;

/* A range of bytes. */
struct mr_span {
    uint64_t offset, size;
};

/* What the logic sees during one turn. Valid during the call only. */
struct mr_context {
    void *state;           /* the logic's part of the image */
    const void *config;    /* its configuration, from genesis */
    uint64_t time_ns;      /* of the command */
    uint64_t sequence;     /* of the command */
    uint64_t batch;        /* sequence of the first command of the batch that it is in */
    uint64_t correlation;  /* of the command; 0 while timers fire */
    uint64_t event_number; /* of the last event emitted */
    struct mr_outbox *outbox;
    struct mr_image *image; /* for timers */
    uint32_t turn;          /* of this command: 0, or how often `apply` asked to be called again */
    /* Set by `apply` (which returns 0): the command is not finished, and nothing else happens
     * before `apply` is called with it again, in a turn of its own, with an empty outbox. For
     * commands that would emit more than an outbox holds: the cursor is in the state. The answer
     * comes after the last turn and counts the events of all. Up to MR_TURNS_MAX (asserted). */
    bool again;
};

enum { MR_TURNS_MAX = 1 << 20 };

/* What a logic sees while it answers a query. Valid during the call only. */
struct mr_inquiry {
    const void *state;            /* the logic's part of the image */
    const void *config;           /* its configuration, from genesis */
    uint64_t time_ns;             /* of the last command applied */
    uint64_t sequence;            /* of it */
    unsigned char *rows;          /* aligned to 8 */
    uint32_t size;                /* bytes */
    uint32_t used;                /* bytes */
    uint32_t count;               /* rows */
    bool truncated;               /* a row found no room */
    const struct mr_image *image; /* the engine's own use */
};

/* A timer that fell due: what the logic gave when it set it. */
struct mr_timer {
    uint64_t due_ns;
    uint64_t id;   /* the logic's */
    uint32_t kind; /* the logic's */
    uint32_t reserved;
};

struct mr_logic {
    const char *name; /* up to 31 characters, as in genesis */
    uint32_t version;
    uint32_t layout_version;
    const struct mr_catalog *catalog;
    /* The configuration's fields (MR_CONFIG), for text and genesis; NULL: it has none, and `config`
     * is NULL wherever it is passed. */
    const struct mr_message *config;
    uint32_t command_size_max; /* header included */
    uint32_t event_size_max;   /* header included */

    /* Fills in the defaults. NULL when there is no configuration. */
    void (*config_default)(void *config);
    /* Bytes of state that this configuration needs; 0: the configuration is invalid. */
    uint64_t (*state_size)(const void *config);
    /* The most events that one call of `apply` or `timer` can emit. NULL: one. */
    uint32_t (*turn_events_max)(const void *config);
    /* Prepares zeroed state. NULL: it stays zeroed. */
    void (*init)(void *state, const void *config);
    /* Applies one command whose header, session, role, type, version and length have been checked.
     * The values of its fields have not: an enum8 may hold any number, and pads are best ignored.
     * Returns 0 or a reason of the catalog; a rejected command leaves no effect but its events. */
    uint32_t (*apply)(struct mr_context *context, const struct mr_command *command);
    /* A timer fell due, and is no longer set. NULL when the logic sets none. */
    void (*timer)(struct mr_context *context, const struct mr_timer *timer);
    /* Checks all invariants, slowly; true when they hold. NULL: none. */
    bool (*check)(const void *state, const void *config);
    /* The part of the state that is in use, as up to `limit` spans (offsets from the state's
     * beginning, rising, not touching), for digest and snapshots; returns how many. NULL: all. */
    uint32_t (*used)(const void *state, const void *config, struct mr_span *spans, uint32_t limit);

    /* Answers a query whose type, version, length and role have been checked, with mr_row_add,
     * until that finds no room. Changes nothing, and does a bounded amount of work: commands wait
     * meanwhile. Returns 0 or a reason. NULL: it has none of its own. */
    uint32_t (*query)(struct mr_inquiry *inquiry, const struct mr_query *query);
    /* The stream of an aggregate, for commands on a condition (MR_COMMAND_IF); NULL: there is no
     * such aggregate (yet): no event so far. NULL where the catalog has no such command. */
    const struct mr_stream *(*stream)(const void *state, const void *config,
                                      uint16_t aggregate_kind, uint64_t aggregate_id);

    /* The version before this one, as long as there may be journals that begin with it, or that
     * switch from it; NULL: none. Versions rise. A program is given the newest and finds the others
     * through it. Command types, rows of the catalog and kinds of timers keep their meaning: a new
     * version adds behind the old ones. */
    const struct mr_logic *previous;
    /* Makes the configuration and the state of this version out of those of `previous`. `config` is
     * zeroed memory (NULL: this version has none); migrate_config NULL: the same bytes (checked: as
     * many). `state` is zeroed memory of state_size(config) bytes, without init; migrate NULL: the
     * same bytes (checked: as many), which is right where the layout version is the same. Timers
     * stay set, under the same tokens. */
    void (*migrate_config)(void *config, const void *old_config);
    void (*migrate)(void *state, const void *config, const void *old_state, const void *old_config);
};

/* The version `version` of a logic, looked for from the newest on; NULL: this program does not
 * carry it. Any thread; wait-free. */
static inline const struct mr_logic *mr_logic_version(const struct mr_logic *newest,
                                                      uint32_t version)
{
    const struct mr_logic *logic = newest;
    while (logic != NULL && logic->version != version) {
        logic = logic->previous;
    }
    return logic;
}

/* Adds a row with a body of `body_size` bytes (a multiple of 8) to the reply and returns its zeroed
 * body for filling in; NULL: there is no room, and the reply will say that it was truncated. */
static inline void *mr_row_add(struct mr_inquiry *inquiry, uint16_t type, uint8_t version,
                               uint16_t body_size)
{
    uint32_t length = MR_ROW_HEADER + (uint32_t)body_size;
    if (inquiry->size - inquiry->used < length) {
        inquiry->truncated = true;
        return NULL;
    }
    struct mr_row *row = (struct mr_row *)(void *)(inquiry->rows + inquiry->used);
    __builtin_memset(row, 0, length);
    row->type = type;
    row->length = (uint16_t)length;
    row->version = version;
    inquiry->used += length;
    inquiry->count++;
    return (unsigned char *)row + MR_ROW_HEADER;
}

/* Begins an event around a body that has been written already, where the next event's body belongs:
 * MR_EVENT_HEADER bytes behind `used`. As mr_emit else. */
static inline void mr_emit_around(struct mr_context *context, uint16_t type, uint8_t version,
                                  uint16_t body_size, uint16_t aggregate_kind,
                                  uint64_t aggregate_id, struct mr_stream *stream)
{
    struct mr_outbox *outbox = context->outbox;
    uint32_t length = MR_EVENT_HEADER + (uint32_t)body_size;
    if (__builtin_expect((long)(outbox->size - outbox->used < length), 0) != 0) {
        __builtin_trap(); /* turn_events_max promised less than the logic emits */
    }
    struct mr_event *event = (struct mr_event *)(void *)(outbox->bytes + outbox->used);
    outbox->used += length;
    outbox->count++;
    event->number = ++context->event_number;
    event->sequence = context->sequence;
    event->time_ns = context->time_ns;
    event->type = type;
    event->length = (uint16_t)length;
    event->version = version;
    event->reserved = 0;
    event->aggregate_kind = aggregate_kind;
    event->aggregate_id = aggregate_id;
    event->aggregate_sequence = stream == NULL ? 0 : ++stream->count;
    event->previous = stream == NULL ? 0 : stream->last;
    event->correlation = context->correlation;
    if (stream != NULL) {
        stream->last = event->number;
    }
}

/* Begins an event with a body of `body_size` bytes (a multiple of 8) that belongs to `stream` (of
 * the aggregate kind and id given; NULL: to none) and returns its zeroed body for filling in. */
static inline void *mr_emit(struct mr_context *context, uint16_t type, uint8_t version,
                            uint16_t body_size, uint16_t aggregate_kind, uint64_t aggregate_id,
                            struct mr_stream *stream)
{
    unsigned char *body = context->outbox->bytes + context->outbox->used + MR_EVENT_HEADER;
    mr_emit_around(context, type, version, body_size, aggregate_kind, aggregate_id, stream);
    __builtin_memset(body, 0, body_size);
    return body;
}

/* Timers fire in the order of `due_ns`, those of equal times in the order in which they were set,
 * before the first command whose time is not below `due_ns`. One whose time has passed when it is
 * set fires before the next command; one that is set by a timer, in the same round.
 *
 * Sets a timer; false when as many are set as genesis allows (MR_REASON_TIMERS_FULL is there to say
 * so). *token (may be NULL) cancels it. During `apply` and `timer` only. */
bool mr_timer_set(struct mr_context *context, const struct mr_timer *timer, uint32_t *token);
/* Cancels a timer that is still set, neither fired nor cancelled (asserted as far as it can be:
 * tokens are given out again). */
void mr_timer_cancel(struct mr_context *context, uint32_t token);

/* For the millrace command: a shared object with one line MR_LOGIC_PLUGIN(my_logic) can be run,
 * served, replayed, dumped as what comes with it:
 *
 *     cc -shared -fPIC -o mine.so mine.c
 *     millrace --logic ./mine.so run --logic mine --data DIR --input -
 *
 * It is asked with the number of what it was compiled against; another one than the asker's says
 * that struct mr_logic or what it leads to has changed. */
#define MR_LOGIC_ABI         2u
#define MR_LOGIC_PLUGIN_NAME "mr_logic_plugin"
typedef const struct mr_logic *mr_logic_plugin_function(uint32_t abi);
#ifdef __cplusplus
#define MR_LOGIC_PLUGIN_LINKAGE_ extern "C"
#else
#define MR_LOGIC_PLUGIN_LINKAGE_ extern
#endif
#define MR_LOGIC_PLUGIN(logic)                                              \
    MR_LOGIC_PLUGIN_LINKAGE_ __attribute__((visibility("default")))         \
    mr_logic_plugin_function mr_logic_plugin;                               \
    const struct mr_logic *mr_logic_plugin(uint32_t abi)                    \
    {                                                                       \
        return abi == MR_LOGIC_ABI ? &(logic) : (const struct mr_logic *)0; \
    }

/* The logics that come with the library. */
extern const struct mr_logic mr_logic_book;

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
