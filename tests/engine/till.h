/*
 * A small logic for the engine's tests: accounts that take money in and give it out, never below
 * zero; `burst` emits many events; `later` moves money when its time has come. `struct till_model`
 * is the same, written once more and naively.
 */
#ifndef MR_TESTS_ENGINE_TILL_H
#define MR_TESTS_ENGINE_TILL_H

#include <millrace/engine.h>

#include <string.h>

#define TILL_MOVE_FIELDS(F)                                              \
    F(i64, amount, "units", "put in, or taken out when negative")        \
    F(u64, delay_ns, "ns", "0: at once; else when this time has passed") \
    F(u32, account, "", "which")                                         \
    F(u32, burst, "events", "how many more events this causes")
MR_MESSAGE_STRUCT(till_move, TILL_MOVE_FIELDS);
#define TILL_MOVED_FIELDS(F)                            \
    F(i64, balance, "units", "of the account, with it") \
    F(u32, account, "", "which")                        \
    F(u32, step, "", "0, or the number of the burst's event")
MR_MESSAGE_STRUCT(till_moved, TILL_MOVED_FIELDS);

#define TILL_ACCOUNT_FIELDS(F)   \
    F(u32, account, "", "which") \
    F(pad(4), reserved, "", "")
MR_MESSAGE_STRUCT(till_account, TILL_ACCOUNT_FIELDS);
#define TILL_BALANCE_FIELDS(F)                 \
    F(i64, balance, "units", "of the account") \
    F(i64, total, "units", "of all accounts")
MR_MESSAGE_STRUCT(till_balance, TILL_BALANCE_FIELDS);

enum { TILL_BALANCE = MR_CATALOG_LOGIC_FIRST };
enum { TILL_MOVE = MR_CATALOG_LOGIC_FIRST, TILL_MOVED = MR_CATALOG_LOGIC_FIRST };
enum { TILL_ACCOUNTS = 8, TILL_BURST_MAX = 100 };
enum { TILL_EMPTY = MR_CATALOG_LOGIC_FIRST, TILL_NO_ACCOUNT, TILL_TIMERS_FULL };

static const struct mr_message till_commands[] = {MR_COMMAND(
    TILL_MOVE, till_move, move, TILL_MOVE_FIELDS, MR_ROLE_BIT(MR_ROLE_USER), "Moves money.")};
static const struct mr_message till_events[] = {
    MR_EVENT(TILL_MOVED, till_moved, moved, TILL_MOVED_FIELDS, 0, "Money was moved.")};
static const struct mr_reason till_reasons[] = {
    {TILL_EMPTY, "empty", "the account would fall below zero"},
    {TILL_NO_ACCOUNT, "no_account", "there is no such account"},
    {TILL_TIMERS_FULL, "no_timer", "no timer is free"}};
static const struct mr_message till_queries[] = {
    MR_QUERY(TILL_BALANCE, till_account, balance, TILL_ACCOUNT_FIELDS, MR_ROLE_BIT(MR_ROLE_USER),
             "What is in an account.")};
static const struct mr_message till_rows[] = {
    MR_ROW(TILL_BALANCE, till_balance, balance, TILL_BALANCE_FIELDS, "What is in an account.")};
static const struct mr_catalog till_catalog = {.commands = till_commands,
                                               .events = till_events,
                                               .reasons = till_reasons,
                                               .queries = till_queries,
                                               .rows = till_rows,
                                               .command_count = 1,
                                               .event_count = 1,
                                               .reason_count = 3,
                                               .query_count = 1,
                                               .row_count = 1};

struct till {
    int64_t balance[TILL_ACCOUNTS];
    int64_t due[TILL_ACCOUNTS]; /* what timers will move; timer id = account */
};

static uint64_t till_state_size(const void *config)
{
    (void)config;
    return sizeof(struct till);
}

static uint32_t till_turn_events_max(const void *config)
{
    (void)config;
    return TILL_BURST_MAX + 1;
}

static void till_emit(struct mr_context *context, uint32_t account, uint32_t step)
{
    const struct till *till = context->state;
    struct till_moved *moved = mr_emit(context, TILL_MOVED, 0, sizeof *moved, 0, 0, NULL);
    moved->balance = till->balance[account];
    moved->account = account;
    moved->step = step;
}

static uint32_t till_apply(struct mr_context *context, const struct mr_command *command)
{
    struct till *till = context->state;
    const struct till_move *move = mr_command_body(command);
    if (move->account >= TILL_ACCOUNTS || move->burst > TILL_BURST_MAX) {
        return TILL_NO_ACCOUNT;
    }
    if (move->delay_ns > 0) {
        struct mr_timer timer = {.due_ns = context->time_ns + move->delay_ns,
                                 .id = move->account,
                                 .kind = (uint32_t)move->amount};
        uint32_t token;
        return mr_timer_set(context, &timer, &token) ? 0 : TILL_TIMERS_FULL;
    }
    if (till->balance[move->account] + move->amount < 0) {
        return TILL_EMPTY;
    }
    till->balance[move->account] += move->amount;
    for (uint32_t step = 0; step <= move->burst; step++) {
        till_emit(context, move->account, step);
    }
    return 0;
}

static void till_timer(struct mr_context *context, const struct mr_timer *timer)
{
    struct till *till = context->state;
    till->balance[timer->id] += (int32_t)timer->kind < 0 ? 0 : (int64_t)timer->kind;
    till_emit(context, (uint32_t)timer->id, 0);
}

static uint32_t till_query(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const struct till *till = inquiry->state;
    const struct till_account *asked = mr_query_body(query);
    if (asked->account >= TILL_ACCOUNTS) {
        return TILL_NO_ACCOUNT;
    }
    struct till_balance *row = mr_row_add(inquiry, TILL_BALANCE, 0, sizeof *row);
    if (row != NULL) {
        row->balance = till->balance[asked->account];
        for (uint32_t i = 0; i < TILL_ACCOUNTS; i++) {
            row->total += till->balance[i];
        }
    }
    return 0;
}

static const struct mr_logic till_logic = {.name = "till",
                                           .version = 1,
                                           .catalog = &till_catalog,
                                           .command_size_max = 256,
                                           .event_size_max = 128,
                                           .state_size = till_state_size,
                                           .turn_events_max = till_turn_events_max,
                                           .apply = till_apply,
                                           .query = till_query,
                                           .timer = till_timer};

struct till_command {
    struct mr_command header;
    struct till_move body;
};

static inline struct till_command till_move(uint64_t session, uint64_t request, uint32_t account,
                                            int64_t amount)
{
    return (struct till_command){.header = {.length = sizeof(struct till_command),
                                            .type = TILL_MOVE,
                                            .role = MR_ROLE_USER,
                                            .session = session,
                                            .request = request},
                                 .body = {.account = account, .amount = amount}};
}

#endif
