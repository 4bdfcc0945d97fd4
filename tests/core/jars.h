/*
 * A logic in three versions, to test with: jars that something is put into, each of them an
 * aggregate with a stream of its own. It has commands on a condition, commands of many turns,
 * timers and queries.
 *
 *     1  as it began
 *     2  jars have labels: another layout of configuration and state, `put`, `put_in` and the row
 *        `jar` have a second version, and there is a new command, `take`
 *     3  whatever is put in counts twice; nothing else has changed
 */
#ifndef MR_TESTS_CORE_JARS_H
#define MR_TESTS_CORE_JARS_H

#include <millrace/image.h>

enum { JARS_PUT = 64, JARS_SPREAD, JARS_ALARM, JARS_TAKE };
enum { JARS_PUT_IN = 64, JARS_SPREAD_OUT, JARS_RANG, JARS_TAKEN };
enum { JARS_ONE = 64, JARS_ALL };
enum { JARS_JAR = 64 };

#define JARS_REASONS(R)                                                \
    R(JARS_NO_SUCH, 64, no_such_jar, "there is no jar of that number") \
    R(JARS_TOO_LITTLE, 65, too_little, "there is less in the jar")
enum { JARS_REASONS(MR_REASON_VALUE) };

/* -- Messages of version 1. -------------------------------------------------------------------- */

#define JARS_CONFIG_FIELDS(F)                   \
    F(u32, jars_max, "jars", "numbered from 0") \
    F(u32, portion, "events", "of `spread`, a turn")
MR_MESSAGE_STRUCT(jars_config, JARS_CONFIG_FIELDS);

#define JARS_PUT_FIELDS(F)              \
    F(u64, jar, "", "which")            \
    F(u64, amount, "units", "how much") \
    F(optional(u64), expected, "", "the version that it should have")
MR_MESSAGE_STRUCT(jars_put, JARS_PUT_FIELDS);

#define JARS_SPREAD_FIELDS(F) F(u64, count, "units", "one after the other into all jars in turn")
MR_MESSAGE_STRUCT(jars_spread, JARS_SPREAD_FIELDS);

#define JARS_ALARM_FIELDS(F) \
    F(u64, jar, "", "which") \
    F(u64, due, "ns", "when")
MR_MESSAGE_STRUCT(jars_alarm, JARS_ALARM_FIELDS);

#define JARS_PUT_IN_FIELDS(F) F(u64, amount, "units", "what is in it")
MR_MESSAGE_STRUCT(jars_put_in, JARS_PUT_IN_FIELDS);

#define JARS_SPREAD_OUT_FIELDS(F)      \
    F(u64, unit, "", "counted from 0") \
    F(u32, turn, "", "of the command") \
    F(pad(4), reserved, "", "")
MR_MESSAGE_STRUCT(jars_spread_out, JARS_SPREAD_OUT_FIELDS);

#define JARS_RANG_FIELDS(F) F(u64, amount, "units", "what is in it")
MR_MESSAGE_STRUCT(jars_rang, JARS_RANG_FIELDS);

#define JARS_ONE_FIELDS(F) F(u64, jar, "", "which")
MR_MESSAGE_STRUCT(jars_one, JARS_ONE_FIELDS);
#define JARS_ALL_FIELDS(F) F(optional(u64), from, "", "the first")
MR_MESSAGE_STRUCT(jars_all, JARS_ALL_FIELDS);

#define JARS_ROW_FIELDS(F)                   \
    F(u64, jar, "", "which")                 \
    F(u64, amount, "units", "what is in it") \
    F(u64, changes, "", "its version")
MR_MESSAGE_STRUCT(jars_row, JARS_ROW_FIELDS);

enum { JARS_ANYBODY = MR_ROLE_BIT(MR_ROLE_SYSTEM) | MR_ROLE_BIT(MR_ROLE_USER) };

static const struct mr_message jars_commands_1[] = {
    MR_COMMAND_IF(JARS_PUT, jars_put, put, JARS_PUT_FIELDS, JARS_ANYBODY, JARS_JAR, jar, expected,
                  "puts something into a jar"),
    MR_COMMAND(JARS_SPREAD, jars_spread, spread, JARS_SPREAD_FIELDS, JARS_ANYBODY,
               "spreads something over all jars, some a turn"),
    MR_COMMAND_ON(JARS_ALARM, jars_alarm, alarm, JARS_ALARM_FIELDS, JARS_ANYBODY, JARS_JAR, jar,
                  "lets it ring"),
};
static const struct mr_message jars_events_1[] = {
    MR_EVENT(JARS_PUT_IN, jars_put_in, put_in, JARS_PUT_IN_FIELDS, JARS_JAR, "put in"),
    MR_EVENT(JARS_SPREAD_OUT, jars_spread_out, spread_out, JARS_SPREAD_OUT_FIELDS, JARS_JAR,
             "spread"),
    MR_EVENT(JARS_RANG, jars_rang, rang, JARS_RANG_FIELDS, JARS_JAR, "it rang"),
};
static const struct mr_message jars_queries[] = {
    MR_QUERY(JARS_ONE, jars_one, jar, JARS_ONE_FIELDS, JARS_ANYBODY, "one jar"),
    MR_QUERY(JARS_ALL, jars_all, jars, JARS_ALL_FIELDS, MR_ROLE_BIT(MR_ROLE_OPERATOR), "all jars"),
};
static const struct mr_message jars_rows_1[] = {
    MR_ROW(JARS_ONE, jars_row, jar, JARS_ROW_FIELDS, "a jar"),
};
static const struct mr_reason jars_reasons[] = {JARS_REASONS(MR_REASON_ROW)};
static const struct mr_aggregate_kind jars_aggregates[] = {{JARS_JAR, "jar"}};
static const struct mr_message jars_config_1 =
    MR_CONFIG(jars_config, jars, JARS_CONFIG_FIELDS, "how many jars");

static const struct mr_catalog jars_catalog_1 = {.commands = jars_commands_1,
                                                 .events = jars_events_1,
                                                 .queries = jars_queries,
                                                 .rows = jars_rows_1,
                                                 .reasons = jars_reasons,
                                                 .aggregates = jars_aggregates,
                                                 .command_count = 3,
                                                 .event_count = 3,
                                                 .query_count = 2,
                                                 .row_count = 1,
                                                 .reason_count = 2,
                                                 .aggregate_count = 1};

/* -- Messages of version 2. -------------------------------------------------------------------- */

/* Larger by more than a line of memory, so that everything behind it moves. */
#define JARS_CONFIG_2_FIELDS(F)                 \
    F(text32, title, "", "of them all")         \
    F(text32, place, "", "where they stand")    \
    F(u64, label, "", "of jars that have none") \
    F(u32, jars_max, "jars", "numbered from 0") \
    F(u32, portion, "events", "of `spread`, a turn")
MR_MESSAGE_STRUCT(jars_config_2, JARS_CONFIG_2_FIELDS);

#define JARS_PUT_2_FIELDS(F)                                          \
    F(u64, jar, "", "which")                                          \
    F(optional(u64), expected, "", "the version that it should have") \
    F(u64, amount, "units", "how much")                               \
    F(optional(u64), label, "", "what it is called from now on")
MR_MESSAGE_STRUCT(jars_put_2, JARS_PUT_2_FIELDS);

#define JARS_TAKE_FIELDS(F)  \
    F(u64, jar, "", "which") \
    F(u64, amount, "units", "how much")
MR_MESSAGE_STRUCT(jars_take, JARS_TAKE_FIELDS);

#define JARS_PUT_IN_2_FIELDS(F)              \
    F(u64, amount, "units", "what is in it") \
    F(u64, label, "", "what it is called")
MR_MESSAGE_STRUCT(jars_put_in_2, JARS_PUT_IN_2_FIELDS);

#define JARS_TAKEN_FIELDS(F) F(u64, amount, "units", "what is left in it")
MR_MESSAGE_STRUCT(jars_taken, JARS_TAKEN_FIELDS);

#define JARS_ROW_2_FIELDS(F)                 \
    F(u64, jar, "", "which")                 \
    F(u64, amount, "units", "what is in it") \
    F(u64, changes, "", "its version")       \
    F(u64, label, "", "what it is called")
MR_MESSAGE_STRUCT(jars_row_2, JARS_ROW_2_FIELDS);

static const struct mr_message jars_commands_2[] = {
    MR_COMMAND_IF_V(1, JARS_PUT, jars_put_2, put, JARS_PUT_2_FIELDS, JARS_ANYBODY, JARS_JAR, jar,
                    expected, "puts something into a jar"),
    MR_COMMAND(JARS_SPREAD, jars_spread, spread, JARS_SPREAD_FIELDS, JARS_ANYBODY,
               "spreads something over all jars, some a turn"),
    MR_COMMAND_ON(JARS_ALARM, jars_alarm, alarm, JARS_ALARM_FIELDS, JARS_ANYBODY, JARS_JAR, jar,
                  "lets it ring"),
    MR_COMMAND_ON(JARS_TAKE, jars_take, take, JARS_TAKE_FIELDS, JARS_ANYBODY, JARS_JAR, jar,
                  "takes something out of a jar"),
};
static const struct mr_message jars_events_2[] = {
    MR_EVENT_V(1, JARS_PUT_IN, jars_put_in_2, put_in, JARS_PUT_IN_2_FIELDS, JARS_JAR, "put in"),
    MR_EVENT(JARS_SPREAD_OUT, jars_spread_out, spread_out, JARS_SPREAD_OUT_FIELDS, JARS_JAR,
             "spread"),
    MR_EVENT(JARS_RANG, jars_rang, rang, JARS_RANG_FIELDS, JARS_JAR, "it rang"),
    MR_EVENT(JARS_TAKEN, jars_taken, taken, JARS_TAKEN_FIELDS, JARS_JAR, "taken out"),
};
static const struct mr_message jars_rows_2[] = {
    MR_ROW_V(1, JARS_ONE, jars_row_2, jar, JARS_ROW_2_FIELDS, "a jar"),
};
static const struct mr_message jars_config_message_2 =
    MR_CONFIG(jars_config_2, jars, JARS_CONFIG_2_FIELDS, "how many jars");

static const struct mr_catalog jars_catalog_2 = {.commands = jars_commands_2,
                                                 .events = jars_events_2,
                                                 .queries = jars_queries,
                                                 .rows = jars_rows_2,
                                                 .reasons = jars_reasons,
                                                 .aggregates = jars_aggregates,
                                                 .command_count = 4,
                                                 .event_count = 4,
                                                 .query_count = 2,
                                                 .row_count = 1,
                                                 .reason_count = 2,
                                                 .aggregate_count = 1};

/* -- State. ------------------------------------------------------------------------------------ */

struct jars_jar_1 {
    uint64_t amount;
    struct mr_stream stream;
};

struct jars_1 {
    uint64_t cursor; /* of `spread`, between its turns */
    struct jars_jar_1 jars[];
};

struct jars_jar_2 {
    struct mr_stream stream;
    uint64_t amount;
    uint64_t label;
};

struct jars_2 {
    uint64_t cursor;
    uint64_t taken; /* out of all */
    struct jars_jar_2 jars[];
};

/* -- Version 1. -------------------------------------------------------------------------------- */

static void jars_default_1(void *config)
{
    *(struct jars_config *)config = (struct jars_config){.jars_max = 10, .portion = 7};
}

static uint64_t jars_size_1(const void *config)
{
    const struct jars_config *given = config;
    return given->jars_max == 0 || given->portion == 0
               ? 0
               : sizeof(struct jars_1) + given->jars_max * sizeof(struct jars_jar_1);
}

static uint32_t jars_events_max_1(const void *config)
{
    return ((const struct jars_config *)config)->portion;
}

static void jars_spread_one(struct mr_context *context, uint64_t unit, uint64_t jar,
                            uint64_t *amount, struct mr_stream *stream)
{
    ++*amount;
    struct jars_spread_out *body =
        mr_emit(context, JARS_SPREAD_OUT, 0, sizeof *body, JARS_JAR, jar, stream);
    body->unit = unit;
    body->turn = context->turn;
}

static uint32_t jars_apply_put_1(struct mr_context *context, const struct jars_put *put)
{
    const struct jars_config *config = context->config;
    struct jars_1 *state = context->state;
    if (put->jar >= config->jars_max) {
        return JARS_NO_SUCH;
    }
    struct jars_jar_1 *jar = &state->jars[put->jar];
    jar->amount += put->amount;
    struct jars_put_in *body =
        mr_emit(context, JARS_PUT_IN, 0, sizeof *body, JARS_JAR, put->jar, &jar->stream);
    body->amount = jar->amount;
    return 0;
}

static uint32_t jars_apply_spread_1(struct mr_context *context, uint64_t count)
{
    const struct jars_config *config = context->config;
    struct jars_1 *state = context->state;
    for (uint32_t i = 0; i < config->portion && state->cursor < count; i++) {
        uint64_t jar = state->cursor % config->jars_max;
        jars_spread_one(context, state->cursor++, jar, &state->jars[jar].amount,
                        &state->jars[jar].stream);
    }
    context->again = state->cursor < count;
    state->cursor = context->again ? state->cursor : 0;
    return 0;
}

static uint32_t jars_apply_alarm(struct mr_context *context, const struct jars_alarm *alarm,
                                 uint32_t jars_max)
{
    struct mr_timer timer = {.due_ns = alarm->due, .id = alarm->jar};
    if (alarm->jar >= jars_max) {
        return JARS_NO_SUCH;
    }
    return mr_timer_set(context, &timer, NULL) ? 0 : MR_REASON_TIMERS_FULL;
}

static uint32_t jars_apply_1(struct mr_context *context, const struct mr_command *command)
{
    const void *body = mr_command_body(command);
    const struct jars_config *config = context->config;
    switch (command->type) {
    case JARS_PUT:
        return jars_apply_put_1(context, body);
    case JARS_SPREAD:
        return jars_apply_spread_1(context, ((const struct jars_spread *)body)->count);
    default:
        return jars_apply_alarm(context, body, config->jars_max);
    }
}

static void jars_ring(struct mr_context *context, const struct mr_timer *timer, uint64_t amount,
                      struct mr_stream *stream)
{
    struct jars_rang *body =
        mr_emit(context, JARS_RANG, 0, sizeof *body, JARS_JAR, timer->id, stream);
    body->amount = amount;
}

static void jars_timer_1(struct mr_context *context, const struct mr_timer *timer)
{
    struct jars_jar_1 *jar = &((struct jars_1 *)context->state)->jars[timer->id];
    jars_ring(context, timer, jar->amount, &jar->stream);
}

static const struct mr_stream *jars_stream_1(const void *state, const void *config, uint16_t kind,
                                             uint64_t id)
{
    const struct jars_config *given = config;
    const struct jars_1 *jars = state;
    return kind == JARS_JAR && id < given->jars_max ? &jars->jars[id].stream : NULL;
}

static bool jars_row_1(struct mr_inquiry *inquiry, uint64_t jar)
{
    const struct jars_jar_1 *from = &((const struct jars_1 *)inquiry->state)->jars[jar];
    struct jars_row *row = mr_row_add(inquiry, JARS_ONE, 0, sizeof *row);
    if (row == NULL) {
        return false;
    }
    *row = (struct jars_row){.jar = jar, .amount = from->amount, .changes = from->stream.count};
    return true;
}

static uint32_t jars_query_1(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const struct jars_config *config = inquiry->config;
    uint64_t jar = ((const struct jars_one *)mr_query_body(query))->jar;
    if (query->type == JARS_ONE) {
        return jar < config->jars_max && jars_row_1(inquiry, jar) ? 0 : MR_REASON_NOT_FOUND;
    }
    while (jar < config->jars_max && jars_row_1(inquiry, jar)) {
        jar++;
    }
    return 0;
}

static const struct mr_logic jars_1 = {.name = "jars",
                                       .version = 1,
                                       .layout_version = 1,
                                       .catalog = &jars_catalog_1,
                                       .config = &jars_config_1,
                                       .command_size_max = 128,
                                       .event_size_max = 128,
                                       .config_default = jars_default_1,
                                       .state_size = jars_size_1,
                                       .turn_events_max = jars_events_max_1,
                                       .apply = jars_apply_1,
                                       .timer = jars_timer_1,
                                       .query = jars_query_1,
                                       .stream = jars_stream_1};

/* -- Version 2. -------------------------------------------------------------------------------- */

static void jars_default_2(void *config)
{
    *(struct jars_config_2 *)config =
        (struct jars_config_2){.label = 42, .jars_max = 10, .portion = 7};
}

static uint64_t jars_size_2(const void *config)
{
    const struct jars_config_2 *given = config;
    return given->jars_max == 0 || given->portion == 0
               ? 0
               : sizeof(struct jars_2) + given->jars_max * sizeof(struct jars_jar_2);
}

static uint32_t jars_events_max_2(const void *config)
{
    return ((const struct jars_config_2 *)config)->portion;
}

static void jars_init_2(void *state, const void *config)
{
    const struct jars_config_2 *given = config;
    for (uint32_t i = 0; i < given->jars_max; i++) {
        ((struct jars_2 *)state)->jars[i].label = given->label;
    }
}

static uint32_t jars_put_times(struct mr_context *context, const struct jars_put_2 *put,
                               uint64_t times)
{
    const struct jars_config_2 *config = context->config;
    struct jars_2 *state = context->state;
    if (put->jar >= config->jars_max) {
        return JARS_NO_SUCH;
    }
    struct jars_jar_2 *jar = &state->jars[put->jar];
    jar->amount += put->amount * times;
    jar->label = put->label != 0 ? put->label : jar->label;
    struct jars_put_in_2 *body =
        mr_emit(context, JARS_PUT_IN, 1, sizeof *body, JARS_JAR, put->jar, &jar->stream);
    body->amount = jar->amount;
    body->label = jar->label;
    return 0;
}

static uint32_t jars_apply_spread_2(struct mr_context *context, uint64_t count)
{
    const struct jars_config_2 *config = context->config;
    struct jars_2 *state = context->state;
    for (uint32_t i = 0; i < config->portion && state->cursor < count; i++) {
        uint64_t jar = state->cursor % config->jars_max;
        jars_spread_one(context, state->cursor++, jar, &state->jars[jar].amount,
                        &state->jars[jar].stream);
    }
    context->again = state->cursor < count;
    state->cursor = context->again ? state->cursor : 0;
    return 0;
}

static uint32_t jars_apply_take(struct mr_context *context, const struct jars_take *take)
{
    const struct jars_config_2 *config = context->config;
    struct jars_2 *state = context->state;
    if (take->jar >= config->jars_max) {
        return JARS_NO_SUCH;
    }
    struct jars_jar_2 *jar = &state->jars[take->jar];
    if (jar->amount < take->amount) {
        return JARS_TOO_LITTLE;
    }
    jar->amount -= take->amount;
    state->taken += take->amount;
    struct jars_taken *body =
        mr_emit(context, JARS_TAKEN, 0, sizeof *body, JARS_JAR, take->jar, &jar->stream);
    body->amount = jar->amount;
    return 0;
}

static uint32_t jars_apply_times(struct mr_context *context, const struct mr_command *command,
                                 uint64_t times)
{
    const void *body = mr_command_body(command);
    const struct jars_config_2 *config = context->config;
    switch (command->type) {
    case JARS_PUT:
        return jars_put_times(context, body, times);
    case JARS_SPREAD:
        return jars_apply_spread_2(context, ((const struct jars_spread *)body)->count);
    case JARS_TAKE:
        return jars_apply_take(context, body);
    default:
        return jars_apply_alarm(context, body, config->jars_max);
    }
}

static uint32_t jars_apply_2(struct mr_context *context, const struct mr_command *command)
{
    return jars_apply_times(context, command, 1);
}

static void jars_timer_2(struct mr_context *context, const struct mr_timer *timer)
{
    struct jars_jar_2 *jar = &((struct jars_2 *)context->state)->jars[timer->id];
    jars_ring(context, timer, jar->amount, &jar->stream);
}

static const struct mr_stream *jars_stream_2(const void *state, const void *config, uint16_t kind,
                                             uint64_t id)
{
    const struct jars_config_2 *given = config;
    const struct jars_2 *jars = state;
    return kind == JARS_JAR && id < given->jars_max ? &jars->jars[id].stream : NULL;
}

static uint32_t jars_query_2(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const struct jars_config_2 *config = inquiry->config;
    const struct jars_2 *state = inquiry->state;
    uint64_t jar = ((const struct jars_one *)mr_query_body(query))->jar;
    uint64_t end = query->type == JARS_ONE ? jar + 1 : config->jars_max;
    if (jar >= config->jars_max) {
        return MR_REASON_NOT_FOUND;
    }
    for (; jar < end; jar++) {
        struct jars_row_2 *row = mr_row_add(inquiry, JARS_ONE, 1, sizeof *row);
        if (row == NULL) {
            break;
        }
        const struct jars_jar_2 *from = &state->jars[jar];
        *row = (struct jars_row_2){jar, from->amount, from->stream.count, from->label};
    }
    return 0;
}

static void jars_migrate_config_2(void *config, const void *old_config)
{
    const struct jars_config *old = old_config;
    *(struct jars_config_2 *)config =
        (struct jars_config_2){.label = 42, .jars_max = old->jars_max, .portion = old->portion + 1};
}

static void jars_migrate_2(void *state, const void *config, const void *old_state,
                           const void *old_config)
{
    const struct jars_1 *old = old_state;
    const struct jars_config_2 *given = config;
    struct jars_2 *made = state;
    made->cursor = old->cursor;
    for (uint32_t i = 0; i < ((const struct jars_config *)old_config)->jars_max; i++) {
        made->jars[i] = (struct jars_jar_2){
            .stream = old->jars[i].stream, .amount = old->jars[i].amount, .label = given->label};
    }
}

static const struct mr_logic jars_2 = {.name = "jars",
                                       .version = 2,
                                       .layout_version = 2,
                                       .catalog = &jars_catalog_2,
                                       .config = &jars_config_message_2,
                                       .command_size_max = 128,
                                       .event_size_max = 128,
                                       .config_default = jars_default_2,
                                       .state_size = jars_size_2,
                                       .turn_events_max = jars_events_max_2,
                                       .init = jars_init_2,
                                       .apply = jars_apply_2,
                                       .timer = jars_timer_2,
                                       .query = jars_query_2,
                                       .stream = jars_stream_2,
                                       .previous = &jars_1,
                                       .migrate_config = jars_migrate_config_2,
                                       .migrate = jars_migrate_2};

/* -- Version 3. -------------------------------------------------------------------------------- */

static uint32_t jars_apply_3(struct mr_context *context, const struct mr_command *command)
{
    return jars_apply_times(context, command, 2);
}

static const struct mr_logic jars_3 = {.name = "jars",
                                       .version = 3,
                                       .layout_version = 2,
                                       .catalog = &jars_catalog_2,
                                       .config = &jars_config_message_2,
                                       .command_size_max = 128,
                                       .event_size_max = 128,
                                       .config_default = jars_default_2,
                                       .state_size = jars_size_2,
                                       .turn_events_max = jars_events_max_2,
                                       .init = jars_init_2,
                                       .apply = jars_apply_3,
                                       .timer = jars_timer_2,
                                       .query = jars_query_2,
                                       .stream = jars_stream_2,
                                       .previous = &jars_2};

#endif
