/*
 * An image with a logic (the tally, unless told otherwise), an outbox, and everything that came out
 * of it, for tests.
 */
#ifndef MR_TESTS_CORE_RIG_H
#define MR_TESTS_CORE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/random.h"
#include "core/image.h"
#include "tests/core/tally.h"

enum { RIG_COMMAND_MAX = 512, RIG_SPANS_MAX = 32, RIG_EVENTS_SIZE = 16 << 20 };

struct rig_limits {
    uint32_t sessions, answers, timers;
};

struct rig {
    const struct mr_logic *logic; /* of the version that applies */
    void *memory;
    struct mr_image *image; /* in it */
    struct mr_outbox outbox;
    union {
        struct mr_command header;
        unsigned char bytes[RIG_COMMAND_MAX];
    } command, genesis;
    struct mr_answer answer;
    unsigned char *events; /* all that were ever emitted */
    size_t events_used;
    uint64_t time_ns; /* of the next command */
    uint8_t version;  /* of its layout */
    uint64_t turns;   /* of the last command */
};

static inline uint64_t rig_seed(void)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? 1 : strtoull(text, NULL, 10);
    printf("MR_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static inline void rig_genesis(struct mr_command *command, struct rig_limits limits)
{
    struct {
        struct mr_genesis genesis;
        struct tally_config config;
    } body = {.genesis = {.logic = "tally",
                          .logic_version = 3,
                          .layout_version = 1,
                          .sessions_max = limits.sessions,
                          .answers_max = limits.answers,
                          .timers_max = limits.timers,
                          .config_size = sizeof(struct tally_config),
                          .clock = MR_CLOCK_INPUT}};
    tally_config_default(&body.config);
    *command = (struct mr_command){.length = MR_COMMAND_HEADER + sizeof body,
                                   .type = MR_COMMAND_GENESIS,
                                   .role = MR_ROLE_SYSTEM,
                                   .sequence = 1};
    memcpy(mr_command_body_mutable(command), &body, sizeof body);
}

static inline void rig_keep_events(struct rig *rig)
{
    assert_true(rig->outbox.used <= RIG_EVENTS_SIZE - rig->events_used);
    memcpy(rig->events + rig->events_used, rig->outbox.bytes, rig->outbox.used);
    rig->events_used += rig->outbox.used;
}

/* Applies rig->command, all its turns. */
static inline struct mr_answer rig_apply(struct rig *rig)
{
    rig->turns = 0;
    bool done;
    do {
        done = mr_image_apply(rig->image, rig->logic, &rig->command.header, &rig->outbox,
                              &rig->answer);
        rig_keep_events(rig);
        rig->turns++;
    } while (!done);
    return rig->answer;
}

/* The next command, of a session (0: the engine), with a body of `size` bytes. */
static inline struct mr_answer rig_send(struct rig *rig, uint64_t session, uint64_t request,
                                        uint16_t type, const void *body, size_t size)
{
    struct mr_session_info info = {.role = MR_ROLE_SYSTEM};
    (void)mr_image_session(rig->image, session, &info);
    rig->command.header = (struct mr_command){
        .length = (uint32_t)(MR_COMMAND_HEADER + size),
        .type = type,
        .version = (uint8_t)(rig->version & MR_COMMAND_VERSION_MAX),
        .role = (uint8_t)info.role,
        .sequence = mr_image_status_get(rig->image).sequence + 1,
        .time_ns = rig->time_ns,
        .session = session,
        .request = request,
        .correlation = request * 7,
    };
    if (size > 0) {
        memcpy(mr_command_body_mutable(&rig->command.header), body, size);
    }
    return rig_apply(rig);
}

static inline void rig_make_outbox(struct rig *rig, uint32_t size)
{
    free(rig->outbox.bytes);
    rig->outbox.size = size;
    rig->outbox.bytes = aligned_alloc(64, mr_align_up(size, 64));
    assert_non_null(rig->outbox.bytes);
}

static inline void *rig_zeroed(uint64_t size)
{
    void *memory = aligned_alloc(4096, mr_align_up(size, 4096));
    assert_non_null(memory);
    memset(memory, 0, size);
    return memory;
}

/* Begins with rig->genesis; all else is zero. */
static inline void rig_begin(struct rig *rig, const struct mr_logic *logic)
{
    const char *reason = "";
    uint64_t size = mr_image_size(logic, &rig->genesis.header, &reason);
    assert_string_equal(reason, "");
    rig->logic = logic;
    rig->memory = rig_zeroed(size);
    rig->image = mr_image_init(rig->memory, logic, &rig->genesis.header);
    rig_make_outbox(rig, mr_image_outbox_size(logic, &rig->genesis.header));
    rig->events = malloc(RIG_EVENTS_SIZE);
    assert_non_null(rig->events);
    rig->command = rig->genesis;
    assert_int_equal(rig_apply(rig).result, 0);
}

static inline void rig_start(struct rig *rig, struct rig_limits limits)
{
    memset(rig, 0, sizeof *rig);
    rig_genesis(&rig->genesis.header, limits);
    rig_begin(rig, &tally_logic);
}

/* The same, with sessions that expire. */
static inline void rig_start_idle(struct rig *rig, struct rig_limits limits, uint64_t idle_ns)
{
    memset(rig, 0, sizeof *rig);
    rig_genesis(&rig->genesis.header, limits);
    struct mr_genesis *body = mr_command_body_mutable(&rig->genesis.header);
    body->session_idle_ns = idle_ns;
    rig_begin(rig, &tally_logic);
}

static inline void rig_stop(struct rig *rig)
{
    assert_true(mr_image_check(rig->image, rig->logic));
    free(rig->memory);
    free(rig->outbox.bytes);
    free(rig->events);
}

static inline struct mr_answer rig_open(struct rig *rig, uint64_t session, enum mr_role role)
{
    struct mr_session_open open = {.new_session = session, .new_role = (uint8_t)role};
    return rig_send(rig, 0, 0, MR_COMMAND_SESSION_OPEN, &open, sizeof open);
}

static inline struct mr_answer rig_close(struct rig *rig, uint64_t by, uint64_t request,
                                         uint64_t session)
{
    struct mr_session_close close = {.closed_session = session};
    return rig_send(rig, by, request, MR_COMMAND_SESSION_CLOSE, &close, sizeof close);
}

static inline struct mr_answer rig_tick(struct rig *rig, uint64_t time_ns)
{
    rig->time_ns = time_ns;
    return rig_send(rig, 0, 0, MR_COMMAND_TICK, NULL, 0);
}

static inline struct mr_answer rig_add(struct rig *rig, uint64_t session, uint64_t request,
                                       int64_t amount)
{
    struct tally_add add = {.amount = amount};
    return rig_send(rig, session, request, TALLY_ADD, &add, sizeof add);
}

static inline const struct tally *rig_tally(const struct rig *rig)
{
    return mr_image_state(rig->image);
}

/* The event behind `event` in everything that was emitted (NULL: the first); NULL: no more. */
static inline const struct mr_event *rig_next_event(const struct rig *rig,
                                                    const struct mr_event *event)
{
    const unsigned char *at =
        event == NULL ? rig->events : (const unsigned char *)event + event->length;
    return at == rig->events + rig->events_used ? NULL : (const struct mr_event *)(const void *)at;
}

static inline const struct mr_event *rig_last_event(const struct rig *rig)
{
    const struct mr_event *last = NULL;
    for (const struct mr_event *event = rig_next_event(rig, NULL); event != NULL;
         event = rig_next_event(rig, event)) {
        last = event;
    }
    return last;
}

/* A copy of the used parts of the image, spans included; to be freed. */
static inline unsigned char *rig_used(const struct rig *rig, size_t *size)
{
    struct mr_span spans[RIG_SPANS_MAX];
    uint32_t count = mr_image_used(rig->image, rig->logic, spans, RIG_SPANS_MAX);
    *size = count * sizeof spans[0];
    for (uint32_t i = 0; i < count; i++) {
        *size += spans[i].size;
    }
    unsigned char *copy = malloc(*size);
    assert_non_null(copy);
    unsigned char *to = copy;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(to, &spans[i], sizeof spans[i]);
        to += sizeof spans[i];
        memcpy(to, (const unsigned char *)rig->image + spans[i].offset, spans[i].size);
        to += spans[i].size;
    }
    return copy;
}

static inline void rig_assert_same(const struct rig *a, const struct rig *b)
{
    size_t size_a, size_b;
    unsigned char *used_a = rig_used(a, &size_a);
    unsigned char *used_b = rig_used(b, &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(used_a, used_b, size_a);
    assert_int_equal(a->events_used, b->events_used);
    assert_memory_equal(a->events, b->events, a->events_used);
    free(used_a);
    free(used_b);
}

#endif
