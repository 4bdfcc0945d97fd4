/*
 * The memory image from inside: one block of memory without pointers.
 *
 *     header         struct mr_image
 *     config         the logic's configuration, as in genesis
 *     sessions       struct mr_session each, in the order in which they were opened
 *     session index  where a session stands: open addressing by its id
 *     answers        a ring for each session
 *     timers         a pool of struct mr_timer_node
 *     timer heap     struct mr_timer_key each, the first one due on top
 *     state          the logic's own
 */
#ifndef MR_CORE_IMAGE_H
#define MR_CORE_IMAGE_H

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

/* A session and how far it has come. */
struct mr_session {
    uint64_t id;
    uint64_t last_request; /* 0: none yet */
    uint64_t answers;      /* stored so far; the next one goes to this place of the ring */
    struct mr_stream stream;
    uint64_t fingerprint[2];
    uint8_t role;
    uint8_t reserved[7];
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
    uint32_t reserved;
};

/* In the heap, so that sifting touches nothing else. */
struct mr_timer_key {
    uint64_t due_ns;
    uint64_t order; /* of setting */
    uint32_t node;
    uint32_t reserved;
};

/* Where the parts lie, as offsets from the image's beginning; follows from genesis and logic. */
struct mr_image_parts {
    uint64_t config;
    uint64_t sessions;
    uint64_t session_index;
    uint64_t answers;
    uint64_t timers;
    uint64_t timer_heap; /* of places from 1 */
    uint64_t state;
    uint64_t end;
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

    /* Genesis. */
    char logic[32];
    uint32_t logic_version;
    uint32_t logic_layout_version;
    uint32_t clock;
    uint32_t config_size;
    uint32_t sessions_max;
    uint32_t answers_max;
    uint32_t timers_max;

    uint32_t session_count;
    uint8_t session_index_bits; /* log2 of the places in the session index */
    uint8_t answer_bits;        /* log2 of the places in a ring of answers */
    uint8_t reserved[2];
    uint32_t timer_count; /* in the heap */
    struct mr_pool timers;
    uint64_t timers_set; /* since the beginning: the order of the next one */
    struct mr_image_parts parts;
};

_Static_assert(sizeof(struct mr_session) == 64, "no hidden padding");
_Static_assert(sizeof(struct mr_stored_answer) == 32, "no hidden padding");
_Static_assert(sizeof(struct mr_timer_node) == 24, "no hidden padding");
_Static_assert(sizeof(struct mr_timer_key) == 24, "no hidden padding");
_Static_assert(sizeof(struct mr_image) == 208, "no hidden padding");
_Static_assert(sizeof(struct mr_image_parts) == 64, "no hidden padding");

static inline void *mr_image_at(const struct mr_image *image, uint64_t offset)
{
    return (void *)((uintptr_t)image + (uintptr_t)offset);
}

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

/* The session of that id; NULL: none. There are always empty places, which end the search. */
static inline struct mr_session *mr_session_find(const struct mr_image *image, uint64_t id)
{
    const uint32_t *index = (const uint32_t *)mr_image_at(image, image->parts.session_index);
    uint32_t mask = (UINT32_C(1) << image->session_index_bits) - 1;
    for (uint32_t place = mr_session_home(image, id); index[place] != 0;
         place = (place + 1) & mask) {
        struct mr_session *session = mr_sessions(image) + (index[place] - 1);
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
    uint64_t ring = (uint64_t)(session - mr_sessions(image)) << image->answer_bits;
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
/* Opens a session. 0, or a reason and no effect. */
uint32_t mr_session_open(struct mr_image *image, const struct mr_session_open *open,
                         struct mr_session **session);
bool mr_sessions_check(const struct mr_image *image);

/* -- core/timer.c. ----------------------------------------------------------------------------- */

static inline struct mr_timer_key *mr_timer_heap(const struct mr_image *image)
{
    return (struct mr_timer_key *)mr_image_at(image, image->parts.timer_heap);
}

static inline bool mr_timer_is_due(const struct mr_image *image, uint64_t time_ns)
{
    return image->timer_count > 0 && mr_timer_heap(image)[1].due_ns <= time_ns;
}

/* Takes away the timer that is due first; there is one. */
struct mr_timer mr_timer_take_first(struct mr_image *image);
bool mr_timers_check(const struct mr_image *image);

/* -- core/genesis.c. --------------------------------------------------------------------------- */

/* What a genesis command asks for, worked out. */
struct mr_genesis_plan {
    const struct mr_genesis *genesis;
    const void *config; /* NULL: the logic has none */
    uint32_t outbox_size;
    uint8_t session_index_bits;
    uint8_t answer_bits;
    struct mr_image_parts parts;
};

/* NULL, with *plan filled in, or why the logic cannot begin like that. */
const char *mr_genesis_plan(const struct mr_logic *logic, const struct mr_command *command,
                            struct mr_genesis_plan *plan);
/* Whether the command says what the image was prepared with. */
bool mr_genesis_fits(const struct mr_image *image, const struct mr_command *command);
/* Whether the image's parts lie where its limits and `state_size` put them. */
bool mr_genesis_parts_check(const struct mr_image *image, uint64_t state_size);

#endif
