#include "tests/simulator/logics.h"

static const struct mr_message commands[] = {
    MR_COMMAND(COUNTER_ADD, counter_add, add, COUNTER_ADD_FIELDS, MR_ROLE_BIT(MR_ROLE_USER),
               "adds to the counter"),
};
static const struct mr_message events[] = {
    MR_EVENT(COUNTER_ADDED, counter_added, added, COUNTER_ADDED_FIELDS, 0, "it was added"),
};
static const struct mr_message queries[] = {
    MR_QUERY_EMPTY(COUNTER_QUERY, total, MR_ROLE_BIT(MR_ROLE_USER), "what it comes to"),
};
static const struct mr_message rows[] = {
    MR_ROW(COUNTER_ROW, counter_added, total, COUNTER_ADDED_FIELDS, "what it comes to"),
};
static const struct mr_catalog catalog = {.commands = commands,
                                          .events = events,
                                          .command_count = 1,
                                          .event_count = 1,
                                          .queries = queries,
                                          .rows = rows,
                                          .query_count = 1,
                                          .row_count = 1};

static uint64_t state_size(const void *config)
{
    (void)config;
    return sizeof(struct counter);
}

static uint32_t apply(struct mr_context *context, const struct mr_command *command)
{
    struct counter *counter = context->state;
    const struct counter_add *add = mr_command_body(command);
    counter->total += add->amount;
    struct counter_added *added = mr_emit(context, COUNTER_ADDED, 0, sizeof *added, 0, 0, NULL);
    added->total = counter->total;
    return 0;
}

static uint32_t query(struct mr_inquiry *inquiry, const struct mr_query *asked)
{
    (void)asked;
    const struct counter *counter = inquiry->state;
    struct counter_added *row = mr_row_add(inquiry, COUNTER_ROW, 0, sizeof *row);
    if (row != NULL) {
        row->total = counter->total;
    }
    return 0;
}

const struct mr_logic sim_counter = {
    .name = "sim-counter",
    .version = 1,
    .catalog = &catalog,
    .command_size_max = MR_COMMAND_HEADER + sizeof(struct counter_add),
    .event_size_max = MR_EVENT_HEADER + sizeof(struct mr_genesis_applied),
    .state_size = state_size,
    .apply = apply,
    .query = query};
