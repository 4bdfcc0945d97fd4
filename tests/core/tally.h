/*
 * A tiny logic to test the image with: a counter that also sets, cancels and meets timers, and
 * emits as many events as it is told.
 */
#ifndef MR_TESTS_CORE_TALLY_H
#define MR_TESTS_CORE_TALLY_H

#include <millrace/image.h>

enum {
    TALLY_SLOTS = 4096, /* timers that commands can name */
    TALLY_BURST_MAX = 200,
};

#define TALLY_TIMER_KINDS(V)                                                                   \
    V(TALLY_ONCE, 0, once)                                                                     \
    V(TALLY_AGAIN, 1, again) /* sets itself again, `period` later, until it has fired twice */ \
    V(TALLY_MANY, 2, many)   /* emits `period` events, too */
enum tally_timer_kind { TALLY_TIMER_KINDS(MR_ENUM_VALUE) };

#define TALLY_MARK_PLACES(V)                                                       \
    V(TALLY_RED, 0, red)                                                           \
    V(TALLY_GREEN, 1, green)                                                       \
    V(TALLY_BLUE, 3, blue) /* the bit at place 2, and most others, have no name */ \
    V(TALLY_LAST, 15, last)
enum tally_mark { TALLY_MARK_PLACES(MR_FLAG_VALUE) };

#define TALLY_REASONS(R)                                             \
    R(TALLY_TOO_MUCH, 64, too_much, "the total would leave 64 bits") \
    R(TALLY_BAD_SLOT, 65, bad_slot, "no such timer, or it is set")   \
    R(TALLY_BAD_BURST, 66, bad_burst, "more events than a turn emits")
enum { TALLY_REASONS(MR_REASON_VALUE) };

enum { TALLY_ADD = 64, TALLY_TIMER_SET, TALLY_TIMER_CANCEL, TALLY_BURST, TALLY_OPERATE };
enum { TALLY_ADDED = 64, TALLY_REFUSED, TALLY_TIMER_WAS_SET, TALLY_TIMER_FIRED };
enum { TALLY_TOTAL = 64 };

#define TALLY_CONFIG_FIELDS(F)                                  \
    F(i64, start, "units", "what the total begins with")        \
    F(u32, burst_max, "events", "most events of one burst")     \
    F(enum8(tally_timer_kind), kind, "", "nothing but a value") \
    F(pad(3), reserved, "", "")
MR_MESSAGE_STRUCT(tally_config, TALLY_CONFIG_FIELDS);

#define TALLY_ADD_FIELDS(F) F(i64, amount, "units", "how much is added; may be negative")
MR_MESSAGE_STRUCT(tally_add, TALLY_ADD_FIELDS);

#define TALLY_TIMER_SET_FIELDS(F)                                    \
    F(u64, due, "ns", "when")                                        \
    F(optional(u64), period, "ns", "how long after that again")      \
    F(u32, slot, "", "which")                                        \
    F(optional(enum8(tally_timer_kind)), kind, "", "once, or again") \
    F(optional(u8), eight, "", "any number")                         \
    F(optional(u16), sixteen, "", "any number")                      \
    F(optional(text16), label, "", "any text")                       \
    F(optional(text32), comment, "", "any text")                     \
    F(optional(id128), key, "", "any bytes")                         \
    F(optional(u128), wide, "", "any number")                        \
    F(optional(reason), reason, "", "any reason")                    \
    F(optional(flags16(tally_mark)), marks, "", "any of them")       \
    F(pad(2), reserved, "", "")
MR_MESSAGE_STRUCT(tally_timer_set, TALLY_TIMER_SET_FIELDS);

#define TALLY_SLOT_FIELDS(F)  \
    F(u32, slot, "", "which") \
    F(pad(4), reserved, "", "")
MR_MESSAGE_STRUCT(tally_timer_cancel, TALLY_SLOT_FIELDS);

#define TALLY_BURST_FIELDS(F) F(u64, count, "events", "how many")
MR_MESSAGE_STRUCT(tally_burst, TALLY_BURST_FIELDS);

#define TALLY_ADDED_FIELDS(F) F(i64, total, "units", "what it comes to")
MR_MESSAGE_STRUCT(tally_added, TALLY_ADDED_FIELDS);

#define TALLY_REFUSED_FIELDS(F)  \
    F(reason, reason, "", "why") \
    F(pad(4), reserved, "", "")
MR_MESSAGE_STRUCT(tally_refused, TALLY_REFUSED_FIELDS);

#define TALLY_FIRED_FIELDS(F)                             \
    F(u64, due, "ns", "when it was due")                  \
    F(u32, slot, "", "which")                             \
    F(enum8(tally_timer_kind), kind, "", "once or again") \
    F(pad(3), reserved, "", "")
MR_MESSAGE_STRUCT(tally_timer_fired, TALLY_FIRED_FIELDS);

MR_ENUM_NAMES(tally_timer_kind, TALLY_TIMER_KINDS);
MR_ENUM_NAMES(tally_mark, TALLY_MARK_PLACES);

static const struct mr_message tally_commands[] = {
    MR_COMMAND(TALLY_ADD, tally_add, add, TALLY_ADD_FIELDS, MR_ROLE_BIT(MR_ROLE_USER), "adds"),
    MR_COMMAND(TALLY_TIMER_SET, tally_timer_set, timer_set, TALLY_TIMER_SET_FIELDS,
               MR_ROLE_BIT(MR_ROLE_USER), "sets a timer"),
    MR_COMMAND(TALLY_TIMER_CANCEL, tally_timer_cancel, timer_cancel, TALLY_SLOT_FIELDS,
               MR_ROLE_BIT(MR_ROLE_USER), "cancels a timer"),
    MR_COMMAND(TALLY_BURST, tally_burst, burst, TALLY_BURST_FIELDS, MR_ROLE_BIT(MR_ROLE_USER),
               "emits many events"),
    MR_COMMAND_EMPTY(TALLY_OPERATE, operate, MR_ROLE_BIT(MR_ROLE_OPERATOR), "does nothing"),
};
static const struct mr_message tally_events[] = {
    MR_EVENT(TALLY_ADDED, tally_added, added, TALLY_ADDED_FIELDS, TALLY_TOTAL, "something added"),
    MR_EVENT(TALLY_REFUSED, tally_refused, refused, TALLY_REFUSED_FIELDS, 0, "nothing done"),
    MR_EVENT(TALLY_TIMER_WAS_SET, tally_timer_cancel, timer_was_set, TALLY_SLOT_FIELDS, 0, "set"),
    MR_EVENT(TALLY_TIMER_FIRED, tally_timer_fired, timer_fired, TALLY_FIRED_FIELDS, TALLY_TOTAL,
             "a timer fell due"),
};
static const struct mr_reason tally_reasons[] = {TALLY_REASONS(MR_REASON_ROW)};
static const struct mr_aggregate_kind tally_aggregates[] = {{TALLY_TOTAL, "total"}};
static const struct mr_catalog tally_catalog = {
    .commands = tally_commands,
    .events = tally_events,
    .reasons = tally_reasons,
    .aggregates = tally_aggregates,
    .command_count = 5,
    .event_count = 4,
    .reason_count = 3,
    .aggregate_count = 1,
};
static const struct mr_message tally_config_message =
    MR_CONFIG(tally_config, tally, TALLY_CONFIG_FIELDS, "how the tally begins");

struct tally_slot {
    uint64_t period;
    uint32_t token;
    uint32_t fired;
};

struct tally {
    int64_t total;
    struct mr_stream stream;
    struct tally_slot slots[TALLY_SLOTS];
};

static void tally_config_default(void *config)
{
    *(struct tally_config *)config = (struct tally_config){.burst_max = TALLY_BURST_MAX};
}

static uint64_t tally_state_size(const void *config)
{
    return ((const struct tally_config *)config)->burst_max == 0 ? 0 : sizeof(struct tally);
}

static uint32_t tally_turn_events_max(const void *config)
{
    return ((const struct tally_config *)config)->burst_max;
}

static void tally_init(void *state, const void *config)
{
    ((struct tally *)state)->total = ((const struct tally_config *)config)->start;
}

static uint32_t tally_refuse(struct mr_context *context, uint32_t reason)
{
    struct tally_refused *body = mr_emit(context, TALLY_REFUSED, 0, sizeof *body, 0, 0, NULL);
    body->reason = reason;
    return reason;
}

static uint32_t tally_add(struct mr_context *context, int64_t amount)
{
    struct tally *tally = context->state;
    int64_t total;
    if (__builtin_add_overflow(tally->total, amount, &total)) {
        return tally_refuse(context, TALLY_TOO_MUCH);
    }
    tally->total = total;
    struct tally_added *body =
        mr_emit(context, TALLY_ADDED, 0, sizeof *body, TALLY_TOTAL, 1, &tally->stream);
    body->total = total;
    return 0;
}

static uint32_t tally_set(struct mr_context *context, const struct tally_timer_set *command)
{
    struct tally *tally = context->state;
    if (command->slot >= TALLY_SLOTS || tally->slots[command->slot].token != 0) {
        return tally_refuse(context, TALLY_BAD_SLOT);
    }
    struct tally_slot *slot = &tally->slots[command->slot];
    struct mr_timer timer = {.due_ns = command->due, .id = command->slot, .kind = command->kind};
    if (!mr_timer_set(context, &timer, &slot->token)) {
        return tally_refuse(context, MR_REASON_TIMERS_FULL);
    }
    slot->period = command->period;
    slot->fired = 0;
    struct tally_timer_cancel *body =
        mr_emit(context, TALLY_TIMER_WAS_SET, 0, sizeof *body, 0, 0, NULL);
    body->slot = command->slot;
    return 0;
}

static uint32_t tally_cancel(struct mr_context *context, uint32_t index)
{
    struct tally *tally = context->state;
    if (index >= TALLY_SLOTS || tally->slots[index].token == 0) {
        return tally_refuse(context, TALLY_BAD_SLOT);
    }
    mr_timer_cancel(context, tally->slots[index].token);
    tally->slots[index].token = 0;
    return 0;
}

static uint32_t tally_burst(struct mr_context *context, uint64_t count)
{
    const struct tally_config *config = context->config;
    if (count > config->burst_max) {
        return tally_refuse(context, TALLY_BAD_BURST);
    }
    for (uint64_t i = 0; i < count; i++) {
        (void)tally_add(context, 0);
    }
    return 0;
}

static uint32_t tally_apply(struct mr_context *context, const struct mr_command *command)
{
    const void *body = mr_command_body(command);
    switch (command->type) {
    case TALLY_ADD:
        return tally_add(context, ((const struct tally_add *)body)->amount);
    case TALLY_TIMER_SET:
        return tally_set(context, body);
    case TALLY_TIMER_CANCEL:
        return tally_cancel(context, ((const struct tally_timer_cancel *)body)->slot);
    case TALLY_BURST:
        return tally_burst(context, ((const struct tally_burst *)body)->count);
    default:
        return 0;
    }
}

static void tally_timer(struct mr_context *context, const struct mr_timer *timer)
{
    struct tally *tally = context->state;
    struct tally_slot *slot = &tally->slots[timer->id];
    struct tally_timer_fired *body =
        mr_emit(context, TALLY_TIMER_FIRED, 0, sizeof *body, TALLY_TOTAL, 1, &tally->stream);
    body->due = timer->due_ns;
    body->slot = (uint32_t)timer->id;
    body->kind = (uint8_t)timer->kind;
    slot->token = 0;
    for (uint64_t i = 1; timer->kind == TALLY_MANY && i < slot->period; i++) {
        (void)tally_add(context, 0);
    }
    if (timer->kind == TALLY_AGAIN && ++slot->fired < 2) {
        struct mr_timer next = *timer;
        next.due_ns += slot->period;
        (void)mr_timer_set(context, &next, &slot->token);
    }
}

static bool tally_check(const void *state, const void *config)
{
    (void)config;
    const struct tally *tally = state;
    return (tally->stream.count == 0) == (tally->stream.last == 0);
}

static const struct mr_logic tally_logic = {
    .name = "tally",
    .version = 3,
    .layout_version = 1,
    .catalog = &tally_catalog,
    .config = &tally_config_message,
    .command_size_max = 256,
    .event_size_max = 96,
    .config_default = tally_config_default,
    .state_size = tally_state_size,
    .turn_events_max = tally_turn_events_max,
    .init = tally_init,
    .apply = tally_apply,
    .timer = tally_timer,
    .check = tally_check,
};

#endif
