/*
 * The memory image from inside: one block of memory without pointers.
 *
 *     header         struct mr_image
 *     config         the logic's configuration, as in genesis
 *     sessions       a pool of struct mr_session
 *     origins        what each session was opened with that is seldom looked at
 *     open           a bit for each session's place: whether one is open there
 *     session index  where a session stands: open addressing by its id
 *     answers        a ring for each session
 *     timers         a pool of struct mr_timer_node: the logic's, and one for each session that may
 *                    expire
 *     timer heap     struct mr_heap_key each, the first one due on top
 *     state          the logic's own
 */
#ifndef MR_CORE_IMAGE_H
#define MR_CORE_IMAGE_H

#include "core/heap.h"
#include "core/layout.h"
#include "core/pool.h"

#include <millrace/image.h>

#define MR_IMAGE_MAGIC UINT64_C(0x0045474d4952524d) /* "MRRIMGE" */

enum {
    MR_IMAGE_LAYOUT = 0, /* version of what this file describes */
    MR_IMAGE_ALIGNMENT = 4096,

    MR_SESSIONS_MAX = 1 << 20,
    MR_ANSWERS_MAX = 1 << 20,
    MR_TIMERS_MAX = 1 << 28,

    /* A turn fires no more timers, and none once it has emitted that many events. Part of what a
     * history means: the digest of events is chained turn by turn. */
    MR_TURN_TIMERS_MAX = 64,
    MR_TURN_EVENTS_FULL = 64,
};

/* A session and how far it has come: one line, which a command looks at and writes anyway. */
struct mr_session {
    uint32_t link;         /* of the free list */
    uint32_t timer;        /* that makes it expire, 0: none */
    uint64_t id;           /* 0: nobody's place */
    uint64_t last_request; /* 0: none yet */
    uint64_t last_time_ns; /* of the last command that it sent, whatever became of it */
    uint64_t answers;      /* stored so far; the next one goes to this place of the ring */
    struct mr_stream stream;
    uint8_t role;
    uint8_t reserved[7];
};

struct mr_session_origin {
    uint64_t fingerprint[2];
};

/* What a command was answered with, for whoever sends it again. */
struct mr_stored_answer {
    uint64_t request;
    uint64_t sequence;
    uint64_t first_event;
    uint32_t event_count;
    uint32_t result;
};

struct mr_timer_node {
    uint32_t link;  /* of the free list */
    uint32_t place; /* in the heap, from 1; 0: not set */
    uint64_t id;
    uint32_t kind;
    uint32_t session; /* that expires then; 0: it is the logic's */
};

/* Where the parts lie, as offsets from the image's beginning; follows from genesis and logic. */
struct mr_image_parts {
    uint64_t config;
    uint64_t sessions; /* of places from 1 */
    uint64_t origins;  /* likewise */
    uint64_t open;
    uint64_t session_index;
    uint64_t answers;
    uint64_t timers;
    uint64_t timer_heap; /* of places from 1 */
    uint64_t state;
    uint64_t end;
};

/* What genesis fixes for good. */
struct mr_image_limits {
    uint64_t session_idle_ns; /* 0: sessions do not expire */
    uint32_t sessions_max;
    uint32_t answers_max;
    uint32_t timers_max; /* of the logic */
    uint32_t clock;
};

struct mr_image {
    uint64_t magic;
    uint32_t layout;      /* MR_IMAGE_LAYOUT */
    uint32_t outbox_size; /* bytes that a turn can need */

    /* What has happened so far. */
    uint64_t sequence;
    uint64_t time_ns;
    uint64_t events;
    uint64_t rejects;

    /* Of the command under way, which the logic wants to be called with again. */
    uint64_t turn_events; /* before its first turn */
    uint32_t turn;        /* of the next call; 0: no command is under way */

    /* What a logic_upgrade has asked for; version 0 is never newer than another. */
    uint32_t upgrade_version; /* 0: nothing */
    uint32_t upgrade_layout;

    /* The logic that applies, and the size of its configuration. */
    uint32_t config_size;
    uint32_t logic_version;
    uint32_t logic_layout_version;
    char logic[32];

    struct mr_image_limits limits;
    uint8_t session_index_bits; /* log2 of the places in the session index */
    uint8_t answer_bits;        /* log2 of the places in a ring of answers */
    /* Commands of a batch that have been applied while more of it is to come; 0: the next command
     * begins a batch. Was reserved, and zero: where every batch is of one command, all bytes are as
     * they were. */
    uint16_t batch_done;
    uint32_t timer_count;   /* in the heap */
    uint64_t session_floor; /* highest number of a session that is gone */
    struct mr_pool sessions;
    struct mr_pool timers;
    uint64_t timers_set; /* since the beginning: the order of the next one */
    struct mr_image_parts parts;
};

_Static_assert(sizeof(struct mr_session) == 64, "no hidden padding");
_Static_assert(sizeof(struct mr_session_origin) == 16, "no hidden padding");
_Static_assert(sizeof(struct mr_stored_answer) == 32, "no hidden padding");
_Static_assert(sizeof(struct mr_timer_node) == 24, "no hidden padding");
_Static_assert(sizeof(struct mr_image_limits) == 24, "no hidden padding");
_Static_assert(sizeof(struct mr_image) == 272, "no hidden padding");
_Static_assert(sizeof(struct mr_image_parts) == 80, "no hidden padding");

static inline void *mr_image_at(const struct mr_image *image, uint64_t offset)
{
    return (void *)((uintptr_t)image + (uintptr_t)offset);
}

/* -- core/image.c. ----------------------------------------------------------------------------- */

/* NULL: the logic has none. */
static inline const void *mr_config(const struct mr_image *image)
{
    return image->config_size == 0 ? NULL : mr_image_at(image, image->parts.config);
}

/* Of mr_image_used: the spans between the configuration and the logic's state. */
void mr_image_common_used(const struct mr_image *image, struct mr_spans *spans);

/* -- core/session.c. --------------------------------------------------------------------------- */

static inline struct mr_session *mr_sessions(const struct mr_image *image)
{
    return (struct mr_session *)mr_image_at(image, image->parts.sessions);
}

/* Where the search for a session begins. Multiplying by 2^64 over the golden ratio spreads ids that
 * are numbered through, as they mostly are; the top bits of the product are the mixed ones. */
static inline uint32_t mr_session_home(const struct mr_image *image, uint64_t id)
{
    return (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - image->session_index_bits));
}

static inline uint32_t mr_session_place(const struct mr_image *image,
                                        const struct mr_session *session)
{
    return (uint32_t)(session - mr_sessions(image));
}

static inline struct mr_session_origin *mr_session_origin(const struct mr_image *image,
                                                          uint32_t place)
{
    return (struct mr_session_origin *)mr_image_at(image, image->parts.origins) + place;
}

/* Timers that open sessions have beside the logic's: one each, where sessions expire. */
static inline uint32_t mr_session_timers(const struct mr_image *image, uint32_t sessions)
{
    return image->limits.session_idle_ns == 0 ? 0 : sessions;
}

/* The session of that id; NULL: none. There are always empty places, which end the search. */
static inline struct mr_session *mr_session_find(const struct mr_image *image, uint64_t id)
{
    const uint32_t *index = (const uint32_t *)mr_image_at(image, image->parts.session_index);
    uint32_t mask = (UINT32_C(1) << image->session_index_bits) - 1;
    for (uint32_t place = mr_session_home(image, id); index[place] != 0;
         place = (place + 1) & mask) {
        struct mr_session *session = mr_sessions(image) + index[place];
        if (MR_LIKELY(session->id == id)) {
            return session;
        }
    }
    return NULL;
}

/* Where the session's answer number `answer` (from 0) is or would be kept. */
static inline struct mr_stored_answer *mr_session_answer(const struct mr_image *image,
                                                         const struct mr_session *session,
                                                         uint64_t answer)
{
    uint64_t ring = (uint64_t)(mr_session_place(image, session) - 1) << image->answer_bits;
    uint64_t place = answer & ((UINT64_C(1) << image->answer_bits) - 1);
    return (struct mr_stored_answer *)mr_image_at(image, image->parts.answers) + ring + place;
}

static inline void mr_session_store(struct mr_image *image, struct mr_session *session,
                                    const struct mr_answer *answer)
{
    struct mr_stored_answer *stored = mr_session_answer(image, session, session->answers++);
    stored->request = answer->request;
    stored->sequence = answer->sequence;
    stored->first_event = answer->first_event;
    stored->event_count = answer->event_count;
    stored->result = answer->result;
    session->last_request = answer->request;
}

/* The answer to a request at or below the last one; NULL when it is no longer kept or never was. */
const struct mr_stored_answer *mr_session_recall(const struct mr_image *image,
                                                 const struct mr_session *session,
                                                 uint64_t request);
/* Opens a session at that time. 0, or a reason and no effect. */
uint32_t mr_session_open(struct mr_image *image, const struct mr_session_open *open,
                         uint64_t time_ns, struct mr_session **session);
/* Closes a session. What it kept is forgotten, but for its number. */
void mr_session_close(struct mr_image *image, struct mr_session *session);
/* When a session that sends nothing from now on is closed; for an image in which sessions
 * expire. */
uint64_t mr_session_expiry(const struct mr_image *image, const struct mr_session *session);
/* The session's timer, which was due then, has fired. True: the session has expired; false: it sent
 * something meanwhile, and the timer is set again. */
bool mr_session_fired(struct mr_image *image, struct mr_session *session, uint64_t due_ns);
/* The first place above `place` at which a session is open; 0: none. */
uint32_t mr_session_next(const struct mr_image *image, uint32_t place);
bool mr_sessions_check(const struct mr_image *image);

/* -- core/timer.c. ----------------------------------------------------------------------------- */

static inline struct mr_timer_node *mr_timer_nodes(const struct mr_image *image)
{
    return (struct mr_timer_node *)mr_image_at(image, image->parts.timers);
}

/* Those that are set; `order` is that of setting. */
static inline struct mr_heap mr_timer_heap(const struct mr_image *image)
{
    return (struct mr_heap){
        .keys = (struct mr_heap_key *)mr_image_at(image, image->parts.timer_heap),
        .count = (uint32_t *)mr_image_at(image, offsetof(struct mr_image, timer_count)),
        .node_place = &mr_timer_nodes(image)[1].place,
        .node_size = sizeof(struct mr_timer_node),
    };
}

static inline bool mr_timer_is_due(const struct mr_image *image, uint64_t time_ns)
{
    return mr_heap_is_due(mr_timer_heap(image), time_ns);
}

/* Sets the timer that makes the session at `place` expire; there is always one left for it. */
uint32_t mr_timer_set_session(struct mr_image *image, uint64_t due_ns, uint32_t place);
/* Takes away a timer that is set. */
void mr_timer_drop(struct mr_image *image, uint32_t index);
/* Takes away the timer that is due first; there is one. *session: see struct mr_timer_node. */
struct mr_timer mr_timer_take_first(struct mr_image *image, uint32_t *session);
bool mr_timers_check(const struct mr_image *image);

/* -- core/common.c. ---------------------------------------------------------------------------- */

/* Applies a command of the common catalog that admit() has let through. 0, or a reason. */
uint32_t mr_common_apply(struct mr_context *context, const struct mr_command *command);
/* The timer of the session at `place`, which was due then, has fired. */
void mr_common_expire(struct mr_context *context, uint32_t place, uint64_t due_ns);
/* Tells that the image has refused the command; `session` may be NULL. */
void mr_common_rejected(struct mr_context *context, const struct mr_command *command,
                        struct mr_session *session, uint32_t reason);

/* -- core/logic.c. ----------------------------------------------------------------------------- */

/* NULL, or what is wrong with the logic, or with a version before it. */
const char *mr_logic_flaw(const struct mr_logic *logic);

/* -- core/upgrade.c. --------------------------------------------------------------------------- */

/* NULL, or why the image could not go to that newer version, were it due. What it says holds for
 * good: an image that goes to a version between the two finds the same behind it. */
const char *mr_upgrade_flaw(const struct mr_image *image, const struct mr_logic *to);

/* -- core/genesis.c. --------------------------------------------------------------------------- */

/* What follows from the limits, the logic and its configuration. */
struct mr_image_sizes {
    uint32_t outbox_size;
    uint8_t session_index_bits;
    uint8_t answer_bits;
    struct mr_image_parts parts;
};

/* What a genesis command asks for, worked out. */
struct mr_genesis_plan {
    const struct mr_genesis *genesis;
    struct mr_image_limits limits;
    const void *config; /* NULL: the logic has none */
    struct mr_image_sizes sizes;
};

/* Works out what follows from the logic and its configuration (NULL: it has none), with limits that
 * are valid. NULL, or why that cannot be. */
const char *mr_genesis_measure(const struct mr_logic *logic, const void *config,
                               const struct mr_image_limits *limits, struct mr_image_sizes *sizes);
/* NULL, with *plan filled in, or why the logic, of the version that genesis names, cannot begin
 * like that. */
const char *mr_genesis_plan(const struct mr_logic *logic, const struct mr_command *command,
                            struct mr_genesis_plan *plan);
/* Whether the command says what the image was prepared with. */
bool mr_genesis_fits(const struct mr_image *image, const struct mr_command *command);
/* Whether the image's parts lie where its limits, the logic and its configuration put them. */
bool mr_genesis_parts_check(const struct mr_image *image, const struct mr_logic *logic);

#endif
