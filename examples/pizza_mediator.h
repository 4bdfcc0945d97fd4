/*
 * The mediator of pizza_orchestrated.c: the state of every order, and who is to do what next.
 */
#ifndef MR_EXAMPLES_PIZZA_MEDIATOR_H
#define MR_EXAMPLES_PIZZA_MEDIATOR_H

#include "examples/pizza.h"

/* -- Messages. --------------------------------------------------------------------------------- */

#define ANSWERS(V) V(ANSWER_DONE, 0, done) V(ANSWER_REFUSED, 1, refused)
enum answer { ANSWERS(MR_ENUM_VALUE) };
MR_ENUM_NAMES(answer, ANSWERS);

/* The steps, and behind them, in the same order, what undoes each. */
#define TASKS(V)                                     \
    V(CHARGE, 0, charge)                             \
    V(BAKE, 1, bake)                                 \
    V(DELIVER, 2, deliver)                           \
    V(REFUND, 3, refund)         /* undoes charge */ \
    V(THROW_AWAY, 4, throw_away) /* undoes bake */   \
    V(CALL_BACK, 5, call_back)   /* undoes deliver */
MR_ENUM_NAMES(task, TASKS);
enum { TASK_COUNT = 2 * STEPS };

#define PLACE_FIELDS(F)                                                  \
    F(u32, customer, "minutes", "who pays, and how long the bank takes") \
    F(u32, pizza, "minutes", "which one, and how long it bakes")         \
    F(u32, street, "minutes", "where to, and how long the ride takes")   \
    F(pad(4), reserved, "", "")
#define REPORT_FIELDS(F)                                             \
    F(u64, order, "", "whose task; the command's cause tells which") \
    F(enum8(answer), answer, "", "what came of it")                  \
    F(pad(7), reserved, "", "")
#define ASKED_FIELDS(F)                                                \
    F(u32, detail, "minutes", "the customer, the pizza or the street") \
    F(enum8(task), task, "", "what shall be done")                     \
    F(pad(3), reserved, "", "")
#define ENDED_FIELDS(F)                                             \
    F(enum8(outcome), outcome, "", "what has come of the order")    \
    F(enum8(task), blamed, "", "the task that was refused or late") \
    F(pad(6), reserved, "", "")
MR_MESSAGE_STRUCT(place, PLACE_FIELDS);
MR_MESSAGE_STRUCT(report, REPORT_FIELDS);
MR_MESSAGE_STRUCT(asked, ASKED_FIELDS);
MR_MESSAGE_STRUCT(ended, ENDED_FIELDS);

enum { PLACE = MR_CATALOG_LOGIC_FIRST, REPORT };
enum { PLACED = MR_CATALOG_LOGIC_FIRST, ASKED, ENDED };
enum { AGGREGATE_ORDER = MR_CATALOG_LOGIC_FIRST };
enum { BOTH = MR_ROLE_BIT(MR_ROLE_USER) | MR_ROLE_BIT(MR_ROLE_OPERATOR) };
#define REASONS(R)                                                      \
    R(REASON_ORDERS_FULL, 64, orders_full, "no room for another order") \
    R(REASON_NOT_WAITED_FOR, 65, not_waited_for, "nobody waits for this report, or any more")
enum { REASONS(MR_REASON_VALUE) };

static const struct mr_message commands[] = {
    MR_COMMAND(PLACE, place, place, PLACE_FIELDS, MR_ROLE_BIT(MR_ROLE_USER), "Orders a pizza"),
    MR_COMMAND(REPORT, report, report, REPORT_FIELDS, MR_ROLE_BIT(MR_ROLE_OPERATOR),
               "Tells what came of a task")};
static const struct mr_message events[] = {
    MR_EVENT(PLACED, place, placed, PLACE_FIELDS, AGGREGATE_ORDER, "A pizza was ordered"),
    MR_EVENT(ASKED, asked, asked, ASKED_FIELDS, AGGREGATE_ORDER, "Somebody shall do something"),
    MR_EVENT(ENDED, ended, ended, ENDED_FIELDS, AGGREGATE_ORDER, "The order is settled")};
static const struct mr_reason reasons[] = {REASONS(MR_REASON_ROW)};
static const struct mr_aggregate_kind aggregates[] = {{AGGREGATE_ORDER, "order"}};
static const struct mr_catalog catalog = {.commands = commands,
                                          .events = events,
                                          .reasons = reasons,
                                          .aggregates = aggregates,
                                          .command_count = 2,
                                          .event_count = 3,
                                          .reason_count = 2,
                                          .aggregate_count = 1};

/* -- The mediator. ----------------------------------------------------------------------------- */

struct order {
    struct mr_stream stream;
    uint64_t asked;          /* number of the event whose report it waits for; 0: it is settled */
    uint32_t details[STEPS]; /* customer, pizza, street */
    uint32_t timer;
    uint8_t task; /* that was asked for last */
    uint8_t outcome, blamed;
    uint8_t reserved[5];
};

struct state {
    uint64_t count; /* orders; they are numbered from 1 */
    struct order orders[ORDERS_MAX];
};

static void *emit(struct mr_context *context, uint16_t type, uint16_t size, uint64_t id)
{
    struct state *state = context->state;
    return mr_emit(context, type, 0, size, AGGREGATE_ORDER, id, &state->orders[id - 1].stream);
}

/* Asks for a task, and sets the alarm for when it is late. False: no more timers. */
static bool set_alarm(struct mr_context *context, uint64_t id, uint8_t task)
{
    struct order *order = &((struct state *)context->state)->orders[id - 1];
    const struct mr_timer alarm = {.due_ns = context->time_ns + patience[task % STEPS] * MINUTE_NS,
                                   .id = id};
    return mr_timer_set(context, &alarm, &order->timer);
}

static void ask(struct mr_context *context, uint64_t id, uint8_t task)
{
    struct order *order = &((struct state *)context->state)->orders[id - 1];
    struct asked *asked = emit(context, ASKED, sizeof *asked, id);
    asked->task = task;
    asked->detail = order->details[task % STEPS];
    order->task = task;
    order->asked = context->event_number;
}

static void end(struct mr_context *context, uint64_t id)
{
    struct order *order = &((struct state *)context->state)->orders[id - 1];
    struct ended *ended = emit(context, ENDED, sizeof *ended, id);
    ended->outcome = order->outcome;
    ended->blamed = order->blamed;
    order->asked = 0;
    order->timer = 0;
}

/* The next task. Whoever calls has just given a timer back, so there is one to be had. */
static void go_on(struct mr_context *context, uint64_t id, uint8_t task)
{
    if (!set_alarm(context, id, task))
        __builtin_trap();
    ask(context, id, task);
}

/* What was done up to `step` is undone, the last thing first. */
static void undo(struct mr_context *context, uint64_t id, int step)
{
    if (step < 0)
        end(context, id);
    else
        go_on(context, id, (uint8_t)(STEPS + step));
}

static void fail(struct mr_context *context, uint64_t id, enum outcome outcome, int undo_from)
{
    struct order *order = &((struct state *)context->state)->orders[id - 1];
    order->outcome = (uint8_t)outcome;
    order->blamed = order->task;
    undo(context, id, undo_from);
}

static uint32_t apply_place(struct mr_context *context, const struct place *place)
{
    struct state *state = context->state;
    if (state->count == ORDERS_MAX)
        return REASON_ORDERS_FULL;
    uint64_t id = state->count + 1;
    if (!set_alarm(context, id, CHARGE))
        return MR_REASON_TIMERS_FULL;
    state->count = id;
    struct order *order = &state->orders[id - 1];
    order->details[CHARGE] = place->customer;
    order->details[BAKE] = place->pizza;
    order->details[DELIVER] = place->street;
    struct place *placed = emit(context, PLACED, sizeof *placed, id);
    *placed = *place;
    ask(context, id, CHARGE);
    return 0;
}

static uint32_t apply_report(struct mr_context *context, const struct report *report,
                             uint64_t cause)
{
    struct state *state = context->state;
    if (report->order == 0 || report->order > state->count)
        return REASON_NOT_WAITED_FOR;
    uint64_t id = report->order;
    struct order *order = &state->orders[id - 1];
    if (order->asked == 0 || order->asked != cause)
        return REASON_NOT_WAITED_FOR;
    mr_timer_cancel(context, order->timer);
    if (order->task >= STEPS) { /* an undoing is not refused: who has done nothing, is done */
        undo(context, id, order->task - STEPS - 1);
    } else if (report->answer != ANSWER_DONE) {
        fail(context, id, OUTCOME_REFUSED, order->task - 1); /* this one has done nothing */
    } else if (order->task + 1 < STEPS) {
        go_on(context, id, order->task + 1);
    } else {
        order->outcome = OUTCOME_DONE;
        end(context, id);
    }
    return 0;
}

static uint32_t apply(struct mr_context *context, const struct mr_command *command)
{
    return command->type == PLACE ? apply_place(context, mr_command_body(command))
                                  : apply_report(context, mr_command_body(command), command->cause);
}

/* A task is late. Whether it was done nobody knows, so it is undone, too. An undoing that is late
 * is asked for again, for as long as it takes. */
static void timer(struct mr_context *context, const struct mr_timer *alarm)
{
    struct order *order = &((struct state *)context->state)->orders[alarm->id - 1];
    if (order->task < STEPS)
        fail(context, alarm->id, OUTCOME_LATE, order->task);
    else
        go_on(context, alarm->id, order->task);
}

static uint64_t state_size(const void *config)
{
    (void)config;
    return sizeof(struct state);
}

static uint32_t turn_events_max(const void *config)
{
    (void)config;
    return 2;
}

/* An order is settled, with an outcome, or it waits for a report until its alarm. */
static bool check(const void *memory, const void *config)
{
    const struct state *state = memory;
    (void)config;
    for (uint64_t i = 0; i < state->count; i++) {
        const struct order *order = &state->orders[i];
        bool settled = order->asked == 0;
        bool undoing = order->task >= STEPS;
        if (settled != (order->timer == 0) || order->task >= TASK_COUNT ||
            (settled && order->outcome == OUTCOME_OPEN) ||
            (!settled && undoing == (order->outcome == OUTCOME_OPEN)) ||
            order->asked > order->stream.last)
            return false;
    }
    return true;
}

static const struct mr_logic mediator = {.name = "pizza",
                                         .version = 1,
                                         .catalog = &catalog,
                                         .command_size_max = 128,
                                         .event_size_max = 128,
                                         .state_size = state_size,
                                         .turn_events_max = turn_events_max,
                                         .apply = apply,
                                         .timer = timer,
                                         .check = check};

#endif
