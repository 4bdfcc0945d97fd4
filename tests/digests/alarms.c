#include "tests/digests/alarms.h"

enum { PER_TURN = 16 };

#define REASONS(R)                                           \
    R(ALARM_UNKNOWN, 64, unknown_alarm, "no such alarm")     \
    R(ALARM_RUNNING, 65, alarm_running, "it is set already") \
    R(ALARM_SILENT, 66, alarm_silent, "it is not set")
enum { REASONS(MR_REASON_VALUE) };

struct alarm {
    struct mr_stream stream;
    uint64_t rung;
    uint64_t in_ns;
    uint32_t token;
    uint32_t left; /* 0: not set */
};

struct alarms {
    struct alarm alarm[ALARMS];
    uint64_t events;
    uint64_t cursor; /* of a count that goes on */
};

enum { USER = MR_ROLE_BIT(MR_ROLE_USER) };

static const struct mr_message commands[] = {
    MR_COMMAND_IF(ALARM_SET, alarm_set, set, ALARM_SET_FIELDS, USER, ALARM_KIND, alarm, expected,
                  "sets an alarm"),
    MR_COMMAND_ON(ALARM_CANCEL, alarm_cancel, cancel, ALARM_CANCEL_FIELDS, USER, ALARM_KIND, alarm,
                  "cancels an alarm"),
    MR_COMMAND(ALARM_COUNT, alarm_count, count, ALARM_COUNT_FIELDS, USER, "causes many events"),
};
static const struct mr_message events[] = {
    MR_EVENT(ALARM_RANG, alarm_rang, rang, ALARM_RANG_FIELDS, ALARM_KIND, "an alarm rang"),
};
static const struct mr_reason reasons[] = {REASONS(MR_REASON_ROW)};
static const struct mr_aggregate_kind kinds[] = {{ALARM_KIND, "alarm"}};
static const struct mr_catalog catalog = {.commands = commands,
                                          .events = events,
                                          .reasons = reasons,
                                          .aggregates = kinds,
                                          .command_count = 3,
                                          .event_count = 1,
                                          .reason_count = 3,
                                          .aggregate_count = 1};

static uint64_t state_size(const void *config)
{
    (void)config;
    return sizeof(struct alarms);
}

static uint32_t turn_events_max(const void *config)
{
    (void)config;
    return PER_TURN;
}

static void emit(struct mr_context *context, uint64_t id)
{
    struct alarms *alarms = context->state;
    struct alarm *alarm = &alarms->alarm[id];
    struct alarm_rang *rang =
        mr_emit(context, ALARM_RANG, 0, sizeof *rang, ALARM_KIND, id, &alarm->stream);
    rang->rung = alarm->rung;
    rang->all = ++alarms->events;
    rang->left = alarm->left;
}

static bool wind_up(struct mr_context *context, uint64_t id)
{
    struct alarm *alarm = &((struct alarms *)context->state)->alarm[id];
    const struct mr_timer timer = {.due_ns = context->time_ns + alarm->in_ns, .id = id};
    return mr_timer_set(context, &timer, &alarm->token);
}

static uint32_t apply_set(struct mr_context *context, const struct alarm_set *set)
{
    if (set->alarm >= ALARMS || set->rings == 0) {
        return ALARM_UNKNOWN;
    }
    struct alarm *alarm = &((struct alarms *)context->state)->alarm[set->alarm];
    if (alarm->left > 0) {
        return ALARM_RUNNING;
    }
    alarm->in_ns = set->in_ns;
    if (!wind_up(context, set->alarm)) {
        return MR_REASON_TIMERS_FULL;
    }
    alarm->left = set->rings;
    emit(context, set->alarm);
    return 0;
}

static uint32_t apply_cancel(struct mr_context *context, const struct alarm_cancel *cancel)
{
    if (cancel->alarm >= ALARMS) {
        return ALARM_UNKNOWN;
    }
    struct alarm *alarm = &((struct alarms *)context->state)->alarm[cancel->alarm];
    if (alarm->left == 0) {
        return ALARM_SILENT;
    }
    mr_timer_cancel(context, alarm->token);
    alarm->left = 0;
    emit(context, cancel->alarm);
    return 0;
}

static uint32_t apply_count(struct mr_context *context, const struct alarm_count *count)
{
    struct alarms *alarms = context->state;
    for (uint32_t i = 0; i < PER_TURN && alarms->cursor < count->events; i++) {
        emit(context, alarms->cursor++ % ALARMS);
    }
    context->again = alarms->cursor < count->events;
    if (!context->again) {
        alarms->cursor = 0;
    }
    return 0;
}

static uint32_t apply(struct mr_context *context, const struct mr_command *command)
{
    const void *body = mr_command_body(command);
    switch (command->type) {
    case ALARM_SET:
        return apply_set(context, body);
    case ALARM_CANCEL:
        return apply_cancel(context, body);
    default:
        return apply_count(context, body);
    }
}

/* A timer that sets the next one; where there is no room for it, the alarm falls silent. */
static void ring(struct mr_context *context, const struct mr_timer *timer)
{
    struct alarm *alarm = &((struct alarms *)context->state)->alarm[timer->id];
    alarm->rung++;
    alarm->left--;
    if (alarm->left > 0 && !wind_up(context, timer->id)) {
        alarm->left = 0;
    }
    emit(context, timer->id);
}

static const struct mr_stream *stream(const void *state, const void *config,
                                      uint16_t aggregate_kind, uint64_t aggregate_id)
{
    (void)config;
    const struct alarms *alarms = state;
    bool known = aggregate_kind == ALARM_KIND && aggregate_id < ALARMS;
    return known ? &alarms->alarm[aggregate_id].stream : NULL;
}

const struct mr_logic alarms_logic = {.name = "alarms",
                                      .version = 1,
                                      .catalog = &catalog,
                                      .command_size_max = 128,
                                      .event_size_max = 128,
                                      .state_size = state_size,
                                      .turn_events_max = turn_events_max,
                                      .apply = apply,
                                      .timer = ring,
                                      .stream = stream};
