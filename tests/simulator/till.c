#include "tests/simulator/logics.h"

#include <string.h>

/* -- The catalogs, of which each begins as the one before. ------------------------------------- */

static const struct mr_message commands[] = {
    MR_COMMAND_IF(TILL_MOVE, till_move, move, TILL_MOVE_FIELDS, MR_ROLE_BIT(MR_ROLE_USER),
                  TILL_ACCOUNT, account, expected, "moves money, at once or later"),
    MR_COMMAND(TILL_CANCEL, till_cancel, cancel, TILL_CANCEL_FIELDS, MR_ROLE_BIT(MR_ROLE_USER),
               "cancels the account's last timer"),
    MR_COMMAND_WITH_TAIL(TILL_NOTE, till_note, note, TILL_NOTE_FIELDS,
                         MR_ROLE_BIT(MR_ROLE_USER) | MR_ROLE_BIT(MR_ROLE_OPERATOR),
                         "says something"),
    MR_COMMAND(TILL_FEE, till_fee, fee, TILL_FEE_FIELDS, MR_ROLE_BIT(MR_ROLE_OPERATOR),
               "sets the fee of withdrawals"),
};
static const struct mr_message events[] = {
    MR_EVENT(TILL_MOVED, till_moved, moved, TILL_MOVED_FIELDS, TILL_ACCOUNT, "money was moved"),
    MR_EVENT(TILL_FEE_SET, till_fee_set, fee_set, TILL_FEE_SET_FIELDS, 0, "the fee was set"),
};
static const struct mr_reason reasons[] = {
    {TILL_EMPTY, "empty", "the account would fall below zero"},
    {TILL_NO_ACCOUNT, "no_account", "there is no such account"},
    {TILL_NO_TIMER, "no_timer", "no timer is free, or none is set"},
    {TILL_BAD_MOVE, "bad_move", "it takes too many turns or events"},
    {TILL_TOO_MUCH, "too_much", "so much is not moved at once"},
};
static const struct mr_aggregate_kind aggregates[] = {{TILL_ACCOUNT, "account"}};
static const struct mr_message queries[] = {
    MR_QUERY(TILL_QUERY, till_query, accounts, TILL_QUERY_FIELDS,
             MR_ROLE_BIT(MR_ROLE_USER) | MR_ROLE_BIT(MR_ROLE_OPERATOR), "what accounts hold"),
};
static const struct mr_message rows[] = {
    MR_ROW(TILL_ROW, till_row, account, TILL_ROW_FIELDS, "what an account holds"),
};

#define CATALOG(command_number, event_number, reason_number)                                   \
    {                                                                                          \
        .commands = commands, .events = events, .reasons = reasons, .aggregates = aggregates,  \
        .command_count = command_number, .event_count = event_number,                          \
        .reason_count = reason_number, .aggregate_count = 1, .queries = queries, .rows = rows, \
        .query_count = 1, .row_count = 1                                                       \
    }
static const struct mr_catalog catalog1 = CATALOG(3, 1, 4);
static const struct mr_catalog catalog2 = CATALOG(4, 2, 4);
static const struct mr_catalog catalog3 = CATALOG(4, 2, 5);

static const struct mr_message config1 =
    MR_CONFIG(till_config, till_config, TILL_CONFIG_FIELDS, "of a till");
static const struct mr_message config2 =
    MR_CONFIG(till_config2, till_config2, TILL_CONFIG2_FIELDS, "of a till with fees");

/* -- What all versions do. --------------------------------------------------------------------- */

/* What differs between the versions. */
struct rules {
    struct till *till;
    bool takes_fees; /* from version 2 on: else there are none of these two */
    const uint64_t *fee;
    uint64_t *fees;
    uint32_t accounts, burst_max;
    int64_t move_max;
    const struct mr_command *command; /* NULL: a timer */
};

/* Commands of the batch that come behind this one. */
static uint32_t ahead(const struct mr_command *command)
{
    uint32_t count = 0;
    while (command != NULL && (command = mr_command_next(command)) != NULL) {
        count++;
    }
    return count;
}

static void emit_moved(struct mr_context *context, const struct rules *rules, uint64_t account,
                       uint32_t step)
{
    struct till_account *of = &rules->till->accounts[account];
    struct till_moved *moved =
        mr_emit(context, TILL_MOVED, 0, sizeof *moved, TILL_ACCOUNT, account, &of->stream);
    moved->balance = of->balance;
    moved->turn = context->turn;
    moved->step = step;
    moved->place = (uint32_t)(context->sequence - context->batch);
    moved->ahead = ahead(rules->command);
}

static bool set_timer(struct mr_context *context, const struct rules *rules, uint64_t account,
                      uint64_t due_ns, uint32_t kind)
{
    struct till_account *of = &rules->till->accounts[account];
    const struct mr_timer timer = {
        .due_ns = due_ns, .id = account | (uint64_t)(of->timers + 1) << 32, .kind = kind};
    uint32_t token;
    if (!mr_timer_set(context, &timer, &token)) {
        return false;
    }
    of->timers++;
    of->token = token;
    return true;
}

static uint32_t move_money(struct mr_context *context, const struct rules *rules,
                           const struct till_move *move)
{
    if (move->account >= rules->accounts) {
        return TILL_NO_ACCOUNT;
    }
    if (move->burst >= rules->burst_max || move->turns > TILL_TURNS_MAX ||
        move->repeat > TILL_REPEATS_MAX) {
        return TILL_BAD_MOVE;
    }
    if (rules->move_max > 0 && move->amount > rules->move_max) {
        return TILL_TOO_MUCH;
    }
    if (move->delay_ns > 0) {
        uint32_t kind = till_timer_kind(move->amount, move->repeat);
        uint64_t due_ns = context->time_ns + move->delay_ns;
        return set_timer(context, rules, move->account, due_ns, kind) ? 0 : TILL_NO_TIMER;
    }
    struct till_account *account = &rules->till->accounts[move->account];
    uint64_t fee = rules->takes_fees && move->amount < 0 ? *rules->fee : 0;
    if (account->balance + move->amount - (int64_t)fee < 0) {
        return TILL_EMPTY;
    }
    if (rules->till->turn == move->turns) {
        account->balance += move->amount - (int64_t)fee;
        if (fee > 0) {
            *rules->fees += fee;
        }
    }
    for (uint32_t step = 0; step <= move->burst; step++) {
        emit_moved(context, rules, move->account, step);
    }
    context->again = rules->till->turn < move->turns;
    rules->till->turn = context->again ? rules->till->turn + 1 : 0;
    return 0;
}

static uint32_t cancel(struct mr_context *context, const struct rules *rules, uint64_t account)
{
    if (account >= rules->accounts) {
        return TILL_NO_ACCOUNT;
    }
    struct till_account *of = &rules->till->accounts[account];
    if (of->token == 0) {
        return TILL_NO_TIMER;
    }
    mr_timer_cancel(context, of->token);
    of->token = 0;
    emit_moved(context, rules, account, 0);
    return 0;
}

static uint32_t apply(struct mr_context *context, const struct rules *rules,
                      const struct mr_command *command)
{
    if (command->type == TILL_MOVE) {
        return move_money(context, rules, mr_command_body(command));
    }
    if (command->type == TILL_CANCEL) {
        return cancel(context, rules,
                      ((const struct till_cancel *)mr_command_body(command))->account);
    }
    return 0; /* a note */
}

static void fire(struct mr_context *context, const struct rules *rules,
                 const struct mr_timer *timer)
{
    uint64_t account = timer->id & UINT32_MAX;
    struct till_account *of = &rules->till->accounts[account];
    if (timer->id >> 32 == of->timers) {
        of->token = 0;
    }
    int64_t amount = (int16_t)(timer->kind & 0xffff);
    of->balance += amount > 0 ? amount : 0;
    emit_moved(context, rules, account, 0);
    uint32_t repeat = timer->kind >> 16;
    if (repeat > 0) {
        (void)set_timer(context, rules, account, timer->due_ns + TILL_REPEAT_NS,
                        till_timer_kind(amount, repeat - 1));
    }
}

static uint32_t query(struct mr_inquiry *inquiry, const struct till *till, uint32_t accounts,
                      const struct mr_query *asked)
{
    const struct till_query *body = mr_query_body(asked);
    if (body->from >= accounts) {
        return MR_REASON_NOT_FOUND;
    }
    for (uint64_t i = body->from; i < accounts; i++) {
        struct till_row *row = mr_row_add(inquiry, TILL_ROW, 0, sizeof *row);
        if (row == NULL) {
            break;
        }
        row->account = i;
        row->balance = till->accounts[i].balance;
        row->events = till->accounts[i].stream.count;
    }
    return 0;
}

static bool accounts_hold(const struct till *till, uint32_t accounts)
{
    bool fine = till->turn == 0;
    for (uint32_t i = 0; i < TILL_ACCOUNTS_MAX; i++) {
        fine = fine && till->accounts[i].balance >= 0 &&
               (i < accounts || till->accounts[i].stream.count == 0);
    }
    return fine;
}

/* -- Version 1. -------------------------------------------------------------------------------- */

static void default1(void *config)
{
    *(struct till_config *)config =
        (struct till_config){.accounts = TILL_ACCOUNTS, .burst_max = TILL_BURST_MAX};
}

static uint64_t size1(const void *config)
{
    const struct till_config *own = config;
    return own->accounts >= 1 && own->accounts <= TILL_ACCOUNTS_MAX ? sizeof(struct till) : 0;
}

static uint32_t turn_events1(const void *config)
{
    return ((const struct till_config *)config)->burst_max;
}

static struct rules rules1(const struct mr_context *context, const struct mr_command *command)
{
    const struct till_config *config = context->config;
    return (struct rules){.till = context->state,
                          .accounts = config->accounts,
                          .burst_max = config->burst_max,
                          .command = command};
}

static uint32_t apply1(struct mr_context *context, const struct mr_command *command)
{
    const struct rules rules = rules1(context, command);
    return apply(context, &rules, command);
}

static void timer1(struct mr_context *context, const struct mr_timer *timer)
{
    const struct rules rules = rules1(context, NULL);
    fire(context, &rules, timer);
}

static uint32_t query1(struct mr_inquiry *inquiry, const struct mr_query *asked)
{
    return query(inquiry, inquiry->state, ((const struct till_config *)inquiry->config)->accounts,
                 asked);
}

static const struct mr_stream *stream1(const void *state, const void *config, uint16_t kind,
                                       uint64_t id)
{
    const struct till *till = state;
    const struct till_config *own = config;
    return kind == TILL_ACCOUNT && id < own->accounts ? &till->accounts[id].stream : NULL;
}

static bool check1(const void *state, const void *config)
{
    return accounts_hold(state, ((const struct till_config *)config)->accounts);
}

const struct mr_logic sim_till1 = {.name = "sim-till",
                                   .version = 1,
                                   .layout_version = 1,
                                   .catalog = &catalog1,
                                   .config = &config1,
                                   .command_size_max = TILL_COMMAND_MAX,
                                   .event_size_max = 256,
                                   .config_default = default1,
                                   .state_size = size1,
                                   .turn_events_max = turn_events1,
                                   .apply = apply1,
                                   .timer = timer1,
                                   .check = check1,
                                   .query = query1,
                                   .stream = stream1};

/* -- Version 2: withdrawals cost a fee, which the layout has room for. ------------------------- */

static void default2(void *config)
{
    *(struct till_config2 *)config = (struct till_config2){
        .fee = TILL_FEE_AT_FIRST, .accounts = TILL_ACCOUNTS, .burst_max = TILL_BURST_MAX};
}

static uint64_t size2(const void *config)
{
    const struct till_config2 *own = config;
    return own->accounts >= 1 && own->accounts <= TILL_ACCOUNTS_MAX ? sizeof(struct till2) : 0;
}

static uint32_t turn_events2(const void *config)
{
    return ((const struct till_config2 *)config)->burst_max;
}

static void init2(void *state, const void *config)
{
    ((struct till2 *)state)->fee = ((const struct till_config2 *)config)->fee;
}

static struct rules rules2(const struct mr_context *context, struct till2 *state,
                           const struct mr_command *command)
{
    const struct till_config2 *config = context->config;
    return (struct rules){.till = &state->till,
                          .takes_fees = true,
                          .fee = &state->fee,
                          .fees = &state->fees,
                          .accounts = config->accounts,
                          .burst_max = config->burst_max,
                          .command = command};
}

static uint32_t apply_with_fee(struct mr_context *context, struct till2 *state, int64_t move_max,
                               const struct mr_command *command)
{
    struct rules rules = rules2(context, state, command);
    rules.move_max = move_max;
    if (command->type != TILL_FEE) {
        return apply(context, &rules, command);
    }
    state->fee = ((const struct till_fee *)mr_command_body(command))->fee;
    struct till_fee_set *set = mr_emit(context, TILL_FEE_SET, 0, sizeof *set, 0, 0, NULL);
    set->fee = state->fee;
    return 0;
}

static uint32_t apply2(struct mr_context *context, const struct mr_command *command)
{
    return apply_with_fee(context, context->state, 0, command);
}

static void timer2(struct mr_context *context, const struct mr_timer *timer)
{
    const struct rules rules = rules2(context, context->state, NULL);
    fire(context, &rules, timer);
}

static uint32_t query2(struct mr_inquiry *inquiry, const struct mr_query *asked)
{
    const struct till2 *state = inquiry->state;
    return query(inquiry, &state->till, ((const struct till_config2 *)inquiry->config)->accounts,
                 asked);
}

static const struct mr_stream *stream2(const void *state, const void *config, uint16_t kind,
                                       uint64_t id)
{
    const struct till2 *own = state;
    return kind == TILL_ACCOUNT && id < ((const struct till_config2 *)config)->accounts
               ? &own->till.accounts[id].stream
               : NULL;
}

static bool check2(const void *state, const void *config)
{
    return accounts_hold(&((const struct till2 *)state)->till,
                         ((const struct till_config2 *)config)->accounts);
}

static void migrate_config2(void *config, const void *old_config)
{
    const struct till_config *old = old_config;
    *(struct till_config2 *)config = (struct till_config2){
        .fee = TILL_FEE_AT_FIRST, .accounts = old->accounts, .burst_max = old->burst_max};
}

static void migrate2(void *state, const void *config, const void *old_state, const void *old_config)
{
    (void)old_config;
    struct till2 *own = state;
    own->fee = ((const struct till_config2 *)config)->fee;
    memcpy(&own->till, old_state, sizeof own->till);
}

const struct mr_logic sim_till2 = {.name = "sim-till",
                                   .version = 2,
                                   .layout_version = 2,
                                   .catalog = &catalog2,
                                   .config = &config2,
                                   .command_size_max = TILL_COMMAND_MAX,
                                   .event_size_max = 256,
                                   .config_default = default2,
                                   .state_size = size2,
                                   .turn_events_max = turn_events2,
                                   .init = init2,
                                   .apply = apply2,
                                   .timer = timer2,
                                   .check = check2,
                                   .query = query2,
                                   .stream = stream2,
                                   .previous = &sim_till1,
                                   .migrate_config = migrate_config2,
                                   .migrate = migrate2};

/* -- Version 3: as 2, but moves no large amounts. ---------------------------------------------- */

static uint32_t apply3(struct mr_context *context, const struct mr_command *command)
{
    return apply_with_fee(context, context->state, TILL_MOVE_MAX, command);
}

const struct mr_logic sim_till3 = {.name = "sim-till",
                                   .version = 3,
                                   .layout_version = 2,
                                   .catalog = &catalog3,
                                   .config = &config2,
                                   .command_size_max = TILL_COMMAND_MAX,
                                   .event_size_max = 256,
                                   .config_default = default2,
                                   .state_size = size2,
                                   .turn_events_max = turn_events2,
                                   .init = init2,
                                   .apply = apply3,
                                   .timer = timer2,
                                   .check = check2,
                                   .query = query2,
                                   .stream = stream2,
                                   .previous = &sim_till2};

/* -- Version 4: as 3, in yet another layout: what comes from version 1 is migrated twice. ------ */

static uint64_t size4(const void *config)
{
    return size2(config) == 0 ? 0 : sizeof(struct till4);
}

static struct till2 *within(void *state)
{
    return &((struct till4 *)state)->till2;
}

static void init4(void *state, const void *config)
{
    init2(within(state), config);
}

static uint32_t apply4(struct mr_context *context, const struct mr_command *command)
{
    return apply_with_fee(context, within(context->state), TILL_MOVE_MAX, command);
}

static void timer4(struct mr_context *context, const struct mr_timer *timer)
{
    const struct rules rules = rules2(context, within(context->state), NULL);
    fire(context, &rules, timer);
}

static uint32_t query4(struct mr_inquiry *inquiry, const struct mr_query *asked)
{
    const struct till4 *state = inquiry->state;
    return query(inquiry, &state->till2.till,
                 ((const struct till_config2 *)inquiry->config)->accounts, asked);
}

static const struct mr_stream *stream4(const void *state, const void *config, uint16_t kind,
                                       uint64_t id)
{
    return stream2(&((const struct till4 *)state)->till2, config, kind, id);
}

static bool check4(const void *state, const void *config)
{
    return check2(&((const struct till4 *)state)->till2, config);
}

static void migrate4(void *state, const void *config, const void *old_state, const void *old_config)
{
    (void)config;
    (void)old_config;
    const struct till2 *old = old_state;
    struct till4 *own = state;
    own->fees_before = old->fees;
    own->till2 = *old;
}

const struct mr_logic sim_till4 = {.name = "sim-till",
                                   .version = 4,
                                   .layout_version = 3,
                                   .catalog = &catalog3,
                                   .config = &config2,
                                   .command_size_max = TILL_COMMAND_MAX,
                                   .event_size_max = 256,
                                   .config_default = default2,
                                   .state_size = size4,
                                   .turn_events_max = turn_events2,
                                   .init = init4,
                                   .apply = apply4,
                                   .timer = timer4,
                                   .check = check4,
                                   .query = query4,
                                   .stream = stream4,
                                   .previous = &sim_till3,
                                   .migrate = migrate4};
