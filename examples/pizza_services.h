/*
 * The four services of pizza_choreographed.c: the order service, and three that each do one part.
 */
#ifndef MR_EXAMPLES_PIZZA_SERVICES_H
#define MR_EXAMPLES_PIZZA_SERVICES_H

#include "examples/pizza.h"

/* -- Messages. --------------------------------------------------------------------------------- */

/* What an order is about travels with every event about it. */
#define ORDER_FIELDS(F)                                                  \
    F(u64, order, "", "number of the order")                             \
    F(u32, customer, "minutes", "who pays, and how long the bank takes") \
    F(u32, pizza, "minutes", "which one, and how long it bakes")         \
    F(u32, street, "minutes", "where to, and how long the ride takes")   \
    F(pad(4), reserved, "", "")
#define HEAR_FIELDS(F)                                  \
    F(u64, order, "", "number of the order")            \
    F(u32, step, "", "0 payment, 1 kitchen, 2 courier") \
    F(u32, done, "", "1: it is done; 0: it is refused")
MR_MESSAGE_STRUCT(order_body, ORDER_FIELDS);
MR_MESSAGE_STRUCT(hear, HEAR_FIELDS);

/* Of the order service ... */
enum { PLACE = MR_CATALOG_LOGIC_FIRST, HEAR };
enum { PLACED = MR_CATALOG_LOGIC_FIRST, CANCELLED, COMPLETED };
/* ... and of the three others. */
enum { START = MR_CATALOG_LOGIC_FIRST, CANCEL };
enum { DONE = MR_CATALOG_LOGIC_FIRST, REFUSED, UNDONE };

enum { AGGREGATE_ORDER = MR_CATALOG_LOGIC_FIRST };
enum { USER = MR_ROLE_BIT(MR_ROLE_USER) };
#define REASONS(R)                                                      \
    R(REASON_ORDERS_FULL, 64, orders_full, "no room for another order") \
    R(REASON_UNKNOWN_ORDER, 65, unknown_order, "there is no such order")
enum { REASONS(MR_REASON_VALUE) };

static const struct mr_message order_commands[] = {
    MR_COMMAND(PLACE, order_body, place, ORDER_FIELDS, USER, "Orders a pizza"),
    MR_COMMAND(HEAR, hear, hear, HEAR_FIELDS, USER, "A service is done with its part, or refuses")};
static const struct mr_message order_events[] = {
    MR_EVENT(PLACED, order_body, placed, ORDER_FIELDS, AGGREGATE_ORDER, "A pizza was ordered"),
    MR_EVENT(CANCELLED, order_body, cancelled, ORDER_FIELDS, AGGREGATE_ORDER, "It is off"),
    MR_EVENT(COMPLETED, order_body, completed, ORDER_FIELDS, AGGREGATE_ORDER, "It has arrived")};
static const struct mr_message job_commands[] = {
    MR_COMMAND(START, order_body, start, ORDER_FIELDS, USER, "It is this service's turn"),
    MR_COMMAND(CANCEL, order_body, cancel, ORDER_FIELDS, USER, "The order is off: undo your part")};
static const struct mr_message job_events[] = {
    MR_EVENT(DONE, order_body, done, ORDER_FIELDS, AGGREGATE_ORDER, "The service did its part"),
    MR_EVENT(REFUSED, order_body, refused, ORDER_FIELDS, AGGREGATE_ORDER, "It cannot"),
    MR_EVENT(UNDONE, order_body, undone, ORDER_FIELDS, AGGREGATE_ORDER, "It undid its part")};
static const struct mr_reason reasons[] = {REASONS(MR_REASON_ROW)};
static const struct mr_aggregate_kind aggregates[] = {{AGGREGATE_ORDER, "order"}};
#define CATALOG(of)                                                                        \
    {                                                                                      \
        .commands = of##_commands, .events = of##_events, .reasons = reasons,              \
        .aggregates = aggregates, .command_count = 2, .event_count = 3, .reason_count = 2, \
        .aggregate_count = 1                                                               \
    }
static const struct mr_catalog order_catalog = CATALOG(order);
static const struct mr_catalog job_catalog = CATALOG(job);

static void emit(struct mr_context *context, uint16_t type, const struct order_body *order,
                 struct mr_stream *stream)
{
    struct order_body *body =
        mr_emit(context, type, 0, sizeof *body, AGGREGATE_ORDER, order->order, stream);
    *body = *order;
}

/* -- The order service: knows how far each order is, and loses patience. ----------------------- */

struct order {
    struct mr_stream stream;
    struct order_body body;
    uint32_t timer;
    uint8_t step; /* that is awaited */
    uint8_t outcome;
    uint8_t reserved[2];
};

struct orders {
    uint64_t count;
    struct order orders[ORDERS_MAX];
};

static bool await_step(struct mr_context *context, struct order *order, uint32_t step)
{
    order->step = (uint8_t)step;
    const struct mr_timer alarm = {.due_ns = context->time_ns + patience[step] * MINUTE_NS,
                                   .id = order->body.order};
    return mr_timer_set(context, &alarm, &order->timer);
}

static void settle_order(struct mr_context *context, struct order *order, enum outcome outcome)
{
    order->outcome = (uint8_t)outcome;
    order->timer = 0;
    emit(context, outcome == OUTCOME_DONE ? COMPLETED : CANCELLED, &order->body, &order->stream);
}

static uint32_t order_place(struct mr_context *context, const struct order_body *place)
{
    struct orders *state = context->state;
    if (state->count == ORDERS_MAX)
        return REASON_ORDERS_FULL;
    struct order *order = &state->orders[state->count];
    order->body = *place;
    order->body.order = state->count + 1;
    if (!await_step(context, order, CHARGE)) {
        memset(order, 0, sizeof *order);
        return MR_REASON_TIMERS_FULL;
    }
    state->count++;
    emit(context, PLACED, &order->body, &order->stream);
    return 0;
}

/* News of what is not awaited (any more) are no error: it was cancelled meanwhile, and who sends
 * them will hear of that. */
static uint32_t order_hear(struct mr_context *context, const struct hear *hear)
{
    struct orders *state = context->state;
    if (hear->order == 0 || hear->order > state->count)
        return REASON_UNKNOWN_ORDER;
    struct order *order = &state->orders[hear->order - 1];
    if (order->outcome != OUTCOME_OPEN || order->step != hear->step)
        return 0;
    mr_timer_cancel(context, order->timer);
    if (!hear->done)
        settle_order(context, order, OUTCOME_REFUSED);
    else if (hear->step + 1 == STEPS)
        settle_order(context, order, OUTCOME_DONE);
    else if (!await_step(context, order, hear->step + 1))
        __builtin_trap(); /* one was given back just now */
    return 0;
}

static uint32_t order_apply(struct mr_context *context, const struct mr_command *command)
{
    return command->type == PLACE ? order_place(context, mr_command_body(command))
                                  : order_hear(context, mr_command_body(command));
}

static void order_timer(struct mr_context *context, const struct mr_timer *alarm)
{
    struct orders *state = context->state;
    settle_order(context, &state->orders[alarm->id - 1], OUTCOME_LATE);
}

static uint64_t orders_size(const void *config)
{
    (void)config;
    return sizeof(struct orders);
}

static bool orders_check(const void *memory, const void *config)
{
    const struct orders *state = memory;
    (void)config;
    for (uint64_t i = 0; i < state->count; i++) {
        const struct order *order = &state->orders[i];
        if ((order->outcome == OUTCOME_OPEN) != (order->timer != 0) || order->step >= STEPS ||
            order->body.order != i + 1)
            return false;
    }
    return true;
}

/* -- Payment, kitchen and courier: each does its part when it is its turn. --------------------- */

enum job_state { JOB_UNKNOWN, JOB_BUSY, JOB_DONE, JOB_REFUSED, JOB_UNDONE };

struct job {
    struct mr_stream stream;
    struct order_body body;
    uint32_t timer;
    uint8_t state;
    uint8_t did, undid; /* how often: counted where it is done, to be told at the end */
    uint8_t reserved;
};

struct jobs {
    struct job jobs[ORDERS_MAX];
};

static void job_start(struct mr_context *context, struct job *job, uint32_t minutes)
{
    const struct mr_timer alarm = {.due_ns = context->time_ns + minutes * MINUTE_NS,
                                   .id = job->body.order};
    if (minutes == 0 || !mr_timer_set(context, &alarm, &job->timer)) {
        job->state = JOB_REFUSED;
        emit(context, REFUSED, &job->body, &job->stream);
        return;
    }
    job->state = JOB_BUSY;
    job->did++;
}

/* May come before the start does, from another sender: then the start will find it undone. */
static void job_cancel(struct mr_context *context, struct job *job)
{
    if (job->state == JOB_BUSY)
        mr_timer_cancel(context, job->timer);
    job->timer = 0;
    if (job->state == JOB_BUSY || job->state == JOB_DONE) {
        job->undid++;
        emit(context, UNDONE, &job->body, &job->stream);
    }
    if (job->state != JOB_REFUSED)
        job->state = JOB_UNDONE;
}

static uint32_t job_apply(struct mr_context *context, const struct mr_command *command, int step)
{
    struct jobs *state = context->state;
    const struct order_body *body = mr_command_body(command);
    const uint32_t minutes[STEPS] = {body->customer, body->pizza, body->street};
    if (body->order == 0 || body->order > ORDERS_MAX)
        return REASON_ORDERS_FULL;
    struct job *job = &state->jobs[body->order - 1];
    job->body = *body;
    if (command->type == CANCEL)
        job_cancel(context, job);
    else if (job->state == JOB_UNKNOWN)
        job_start(context, job, minutes[step]);
    return 0;
}

static uint32_t payment_apply(struct mr_context *context, const struct mr_command *command)
{
    return job_apply(context, command, CHARGE);
}

static uint32_t kitchen_apply(struct mr_context *context, const struct mr_command *command)
{
    return job_apply(context, command, BAKE);
}

static uint32_t courier_apply(struct mr_context *context, const struct mr_command *command)
{
    return job_apply(context, command, DELIVER);
}

static void job_timer(struct mr_context *context, const struct mr_timer *alarm)
{
    struct job *job = &((struct jobs *)context->state)->jobs[alarm->id - 1];
    job->state = JOB_DONE;
    job->timer = 0;
    emit(context, DONE, &job->body, &job->stream);
}

static uint64_t jobs_size(const void *config)
{
    (void)config;
    return sizeof(struct jobs);
}

static bool jobs_check(const void *memory, const void *config)
{
    const struct jobs *state = memory;
    (void)config;
    for (int i = 0; i < ORDERS_MAX; i++) {
        const struct job *job = &state->jobs[i];
        if ((job->state == JOB_BUSY) != (job->timer != 0) || job->did > 1 || job->undid > job->did)
            return false;
    }
    return true;
}

/* -- The services as logics. ------------------------------------------------------------------- */

#define SERVICE(title, catalog_of, size, apply_of, timer_of, check_of)                   \
    {                                                                                    \
        .name = title, .version = 1, .catalog = catalog_of, .command_size_max = 128,     \
        .event_size_max = 128, .state_size = size, .apply = apply_of, .timer = timer_of, \
        .check = check_of                                                                \
    }
static const struct mr_logic order_service =
    SERVICE("order", &order_catalog, orders_size, order_apply, order_timer, orders_check);
static const struct mr_logic payment_service =
    SERVICE("payment", &job_catalog, jobs_size, payment_apply, job_timer, jobs_check);
static const struct mr_logic kitchen_service =
    SERVICE("kitchen", &job_catalog, jobs_size, kitchen_apply, job_timer, jobs_check);
static const struct mr_logic courier_service =
    SERVICE("courier", &job_catalog, jobs_size, courier_apply, job_timer, jobs_check);

#endif
