/*
 * The ledger as a logic: its catalog, and how its commands get to the files that do the work.
 */
#include "base/limits.h"
#include "core/ledger/ahead.h"
#include "core/ledger/check.h"
#include "core/ledger/layout.h"
#include "core/ledger/rows.h"

MR_ENUM_NAMES(mr_ledger_account_flag, MR_LEDGER_ACCOUNT_FLAGS);
MR_ENUM_NAMES(mr_ledger_transfer_flag, MR_LEDGER_TRANSFER_FLAGS);
MR_ENUM_NAMES(mr_ledger_id_scheme, MR_LEDGER_ID_SCHEMES);

enum { LEDGER = MR_LEDGER_AGGREGATE_LEDGER };

#define ANYBODY (MR_ROLE_BIT(MR_ROLE_USER) | MR_ROLE_BIT(MR_ROLE_OPERATOR))

static const struct mr_message commands[] = {
    MR_COMMAND(MR_LEDGER_ACCOUNT_CREATE, mr_ledger_account, account_create,
               MR_LEDGER_ACCOUNT_FIELDS, ANYBODY, "creates an account"),
    MR_COMMAND(MR_LEDGER_TRANSFER_CREATE, mr_ledger_transfer, transfer_create,
               MR_LEDGER_TRANSFER_FIELDS, ANYBODY,
               "creates a transfer: at once, pending, or what becomes of a pending one"),
};

static const struct mr_message events[] = {
    MR_EVENT(MR_LEDGER_ACCOUNT_CREATED, mr_ledger_account, account_created,
             MR_LEDGER_ACCOUNT_FIELDS, LEDGER, "an account was created"),
    MR_EVENT(MR_LEDGER_ACCOUNT_REJECTED, mr_ledger_rejected, account_rejected,
             MR_LEDGER_REJECTED_FIELDS, 0, "an account was not created"),
    MR_EVENT(MR_LEDGER_TRANSFER_CREATED, mr_ledger_transfer, transfer_created,
             MR_LEDGER_TRANSFER_FIELDS, LEDGER, "a transfer was created, as it is recorded"),
    MR_EVENT(MR_LEDGER_TRANSFER_REJECTED, mr_ledger_rejected, transfer_rejected,
             MR_LEDGER_REJECTED_FIELDS, 0, "a transfer was not created"),
    MR_EVENT(MR_LEDGER_TRANSFER_EXPIRED, mr_ledger_expired, transfer_expired,
             MR_LEDGER_EXPIRED_FIELDS, LEDGER,
             "a pending transfer has expired, and what it reserved is free again"),
};

static const struct mr_reason reasons[] = {MR_LEDGER_RESULTS(MR_REASON_ROW)};

static const struct mr_aggregate_kind aggregates[] = {{LEDGER, "ledger"}};

static const struct mr_message config =
    MR_CONFIG(mr_ledger_config, ledger_config, MR_LEDGER_CONFIG_FIELDS, "limits of the ledger");

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct mr_catalog catalog = {
    .commands = commands,
    .command_count = COUNT(commands),
    .events = events,
    .event_count = COUNT(events),
    .reasons = reasons,
    .reason_count = COUNT(reasons),
    .aggregates = aggregates,
    .aggregate_count = COUNT(aggregates),
    .queries = mr_ledger_query_table,
    .query_count = LEDGER_QUERIES,
    .rows = mr_ledger_row_table,
    .row_count = LEDGER_ROWS,
};

/* -- Events. ----------------------------------------------------------------------------------- */

/* The body of the next event, which mr_emit_around goes around. */
static void *next_body(struct mr_context *context)
{
    return context->outbox->bytes + context->outbox->used + MR_EVENT_HEADER;
}

static void emit_account(struct mr_ledger *ledger, struct mr_context *context,
                         const struct ledger_account *account)
{
    struct ledger_unit *unit = ledger_unit(ledger, account->unit);
    mr_ledger_account_tell(ledger, account, next_body(context));
    mr_emit_around(context, MR_LEDGER_ACCOUNT_CREATED, 0, sizeof(struct mr_ledger_account), LEDGER,
                   unit->ledger, &unit->stream);
}

static void emit_transfer(struct mr_ledger *ledger, struct mr_context *context,
                          const struct ledger_transfer *transfer)
{
    const struct ledger_account *debit = ledger_account(ledger, transfer->debit);
    struct ledger_unit *unit = ledger_unit(ledger, debit->unit);
    mr_ledger_transfer_tell(ledger, transfer, next_body(context));
    mr_emit_around(context, MR_LEDGER_TRANSFER_CREATED, 0, sizeof(struct mr_ledger_transfer),
                   LEDGER, unit->ledger, &unit->stream);
}

static uint32_t emit_rejected(struct mr_context *context, uint32_t command_type, struct mr_u128 id,
                              uint64_t told, uint32_t reason)
{
    *(struct mr_ledger_rejected *)next_body(context) =
        (struct mr_ledger_rejected){.id = id, .timestamp = told, .reason = reason};
    mr_emit_around(context,
                   command_type == MR_LEDGER_ACCOUNT_CREATE ? MR_LEDGER_ACCOUNT_REJECTED
                                                            : MR_LEDGER_TRANSFER_REJECTED,
                   0, sizeof(struct mr_ledger_rejected), 0, 0, NULL);
    return reason;
}

/* -- Commands. --------------------------------------------------------------------------------- */

static struct mr_u128 id_of(const struct mr_command *command)
{
    struct mr_u128 id; /* the first field of both kinds */
    mr_copy(&id, mr_command_body(command), sizeof id);
    return id;
}

static uint16_t flags_of(const struct mr_command *command)
{
    const void *body = mr_command_body(command);
    return command->type == MR_LEDGER_ACCOUNT_CREATE
               ? ((const struct mr_ledger_account *)body)->flags
               : ((const struct mr_ledger_transfer *)body)->flags;
}

_Static_assert((int)MR_LEDGER_ACCOUNT_LINKED == (int)MR_LEDGER_LINKED, "one flag for both kinds");

static bool is_imported(const struct mr_command *command)
{
    uint16_t flags = flags_of(command);
    return command->type == MR_LEDGER_ACCOUNT_CREATE ? (flags & MR_LEDGER_ACCOUNT_IMPORTED) != 0
                                                     : (flags & MR_LEDGER_IMPORTED) != 0;
}

/* The first event of a request says what all of it is. */
static void look_at_request(struct mr_ledger *ledger, const struct mr_context *context,
                            const struct mr_command *command)
{
    struct ledger_request *request = &ledger->request;
    if (request->batch != context->batch || request->type != command->type)
        *request = (struct ledger_request){
            .batch = context->batch, .type = command->type, .imported = is_imported(command)};
}

static uint32_t apply_account(struct mr_ledger *ledger, struct mr_context *context,
                              const struct mr_command *command)
{
    struct ledger_turn turn = {
        .time_ns = context->time_ns, .context = context, .imported = ledger->request.imported != 0};
    turn.now = turn.told = ledger_time_next(ledger, context->time_ns);
    uint32_t reason = mr_ledger_account_apply(ledger, mr_command_body(command), &turn);
    if (reason != 0)
        return emit_rejected(context, command->type, id_of(command), turn.told, reason);
    emit_account(ledger, context, ledger_account(ledger, ledger->account_count));
    return 0;
}

/* A batch lies in memory as a whole, so what its transfers will need can be looked for ahead of
 * time: at each sixteenth command, for those that come 16 to 47 later. Nothing of it is kept: ids
 * are hashed again when it is their turn. */
enum { GROUP = 16, GROUPS = 3 };

/* The transfers among the next commands, of which nobody has looked at more than the lengths. */
LEDGER_FOLDED uint32_t gather(const struct mr_command *command,
                              const struct mr_ledger_transfer *transfers[GROUPS * GROUP])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < GROUPS * GROUP && command != NULL; i++) {
        if (command->type == MR_LEDGER_TRANSFER_CREATE &&
            command->length == MR_COMMAND_HEADER + sizeof(struct mr_ledger_transfer))
            transfers[count++] = mr_command_body(command);
        command = mr_command_next(command);
    }
    return count;
}

LEDGER_FOLDED void look_ahead(const struct mr_ledger *ledger, const struct mr_context *context,
                              const struct mr_command *command)
{
    uint64_t behind = command->sequence - context->batch;
    if (behind % GROUP != 0 || !command->more)
        return;
    const struct mr_ledger_transfer *transfers[GROUPS * GROUP];
    uint32_t count = gather(command, transfers);
    uint32_t slots = behind == 0 ? 0 : 2 * GROUP, accounts = behind == 0 ? 0 : GROUP;
    struct ledger_ahead known = {0};
    for (uint32_t i = slots; i < count; i++) {
        ledger_ahead_hash(ledger, transfers[i], &known);
        ledger_ahead_slots(ledger, transfers[i], &known);
    }
    for (uint32_t i = accounts; i < count && i < 2 * GROUP; i++) {
        ledger_ahead_hash(ledger, transfers[i], &known);
        ledger_ahead_accounts(ledger, transfers[i], &known);
    }
    for (uint32_t i = 0; i < count && i < GROUP; i++) {
        if (!ledger_resolves(transfers[i]))
            continue; /* all it needs is on its way */
        ledger_ahead_hash(ledger, transfers[i], &known);
        ledger_ahead_accounts(ledger, transfers[i], &known);
        ledger_ahead_pending_accounts(ledger, transfers[i], &known);
    }
}

static uint32_t apply_transfer(struct mr_ledger *ledger, struct mr_context *context,
                               const struct mr_command *command)
{
    struct ledger_turn turn = {
        .time_ns = context->time_ns, .context = context, .imported = ledger->request.imported != 0};
    const struct mr_ledger_transfer *asked = mr_command_body(command);
    struct ledger_ahead ahead = {0};
    ledger_ahead_hash(ledger, asked, &ahead);
    turn.now = turn.told = ledger_time_next(ledger, context->time_ns);
    uint32_t reason = mr_ledger_transfer_apply(ledger, asked, &ahead, &turn);
    if (MR_LIKELY(reason == 0)) {
        emit_transfer(ledger, context, ledger_transfer(ledger, ledger->newest));
        return 0;
    }
    if (ledger_is_transient(reason))
        mr_ledger_transfer_fail(ledger, asked->id);
    return emit_rejected(context, command->type, asked->id, turn.told, reason);
}

/* -- Chains. ----------------------------------------------------------------------------------- */

/* Whether the image will hand the next command of the batch to the ledger for sure, right after
 * this one, so that both can be of one chain. */
static bool follows(const struct mr_command *command, const struct mr_command *next)
{
    return next->type == command->type && next->length == command->length &&
           next->version == command->version && next->role == command->role &&
           next->session == command->session && next->time_ns == command->time_ns &&
           (next->session == 0 || next->request > command->request);
}

/* How many commands, from this one on, are a chain; *open: the request ends within it. */
static uint32_t chain_length(const struct mr_command *command, bool *open)
{
    uint32_t count = 1;
    *open = false;
    while ((flags_of(command) & MR_LEDGER_LINKED) != 0) {
        const struct mr_command *next = mr_command_next(command);
        if (next == NULL || count == LEDGER_BATCH_MAX || !follows(command, next)) {
            *open = true;
            break;
        }
        command = next;
        count++;
    }
    return count;
}

/* Creates the whole chain that begins with this command. */
static void begin_chain(struct mr_ledger *ledger, struct mr_context *context,
                        const struct mr_command *command)
{
    struct ledger_request *request = &ledger->request;
    struct ledger_turn turn = {
        .time_ns = context->time_ns, .context = context, .imported = request->imported != 0};
    struct ledger_events chained = {
        .at = mr_command_body(command), .stride = command->length, .type = command->type};
    chained.count = chain_length(command, &chained.open);
    request->chain_now = ledger_time_of(ledger, context->time_ns);
    struct ledger_chain chain = mr_ledger_chain_apply(ledger, &chained, context->time_ns, &turn);
    request->chain_told = chain.told;
    request->chain_count = chained.count;
    request->chain_at = 0;
    request->chain_failed = chain.failed;
    request->chain_reason = chain.reason;
    request->chain_open = chained.open;
    request->chain_next = command->sequence;
}

/* Tells what has become of this command, which is one of a chain's. */
static uint32_t go_on(struct mr_ledger *ledger, struct mr_context *context,
                      const struct mr_command *command)
{
    struct ledger_request *request = &ledger->request;
    const struct ledger_chain chain = {.failed = request->chain_failed,
                                       .reason = request->chain_reason};
    uint32_t at = request->chain_at++, count = request->chain_count;
    request->chain_next = request->chain_at == count ? 0 : command->sequence + 1;
    uint32_t reason = mr_ledger_chain_reason(&chain, count, request->chain_open != 0, at);
    if (reason != 0)
        return emit_rejected(context, command->type, id_of(command),
                             at == chain.failed ? request->chain_told : request->chain_now + at,
                             reason);
    if (command->type == MR_LEDGER_ACCOUNT_CREATE)
        emit_account(ledger, context, mr_ledger_chain_account(ledger, count, at));
    else
        emit_transfer(ledger, context, mr_ledger_chain_transfer(ledger, count, at));
    return 0;
}

/* -- As a logic. ------------------------------------------------------------------------------- */

static uint32_t apply(struct mr_context *context, const struct mr_command *command)
{
    struct mr_ledger *ledger = context->state;
    look_at_request(ledger, context, command);
    look_ahead(ledger, context, command);
    if (MR_UNLIKELY(ledger->request.chain_next == command->sequence))
        return go_on(ledger, context, command);
    if (MR_UNLIKELY((flags_of(command) & MR_LEDGER_LINKED) != 0)) {
        begin_chain(ledger, context, command);
        return go_on(ledger, context, command);
    }
    if (command->type == MR_LEDGER_ACCOUNT_CREATE)
        return apply_account(ledger, context, command);
    uint32_t reason = apply_transfer(ledger, context, command);
    VERIFY(mr_ledger_check_now_and_then(ledger));
    return reason;
}

static void timer(struct mr_context *context, const struct mr_timer *fired)
{
    (void)fired; /* there is but one */
    mr_ledger_expiry_fire(context->state, context);
}

static uint32_t turn_events_max(const void *config_bytes)
{
    (void)config_bytes;
    return LEDGER_EXPIRE_MAX;
}

const struct mr_logic mr_logic_ledger = {
    .name = "ledger",
    .version = 0,
    .layout_version = 0,
    .catalog = &catalog,
    .config = &config,
    .command_size_max = MR_COMMAND_HEADER + sizeof(struct mr_ledger_transfer),
    .event_size_max = MR_EVENT_HEADER + sizeof(struct mr_ledger_transfer),
    .config_default = mr_ledger_config_default,
    .state_size = mr_ledger_state_size,
    .turn_events_max = turn_events_max,
    .init = mr_ledger_init,
    .apply = apply,
    .timer = timer,
    .check = mr_ledger_check,
    .used = mr_ledger_used,
    .query = mr_ledger_query_answer,
};

_Static_assert((int)LEDGER_BATCH_MAX == (int)MR_BATCH_COMMANDS_MAX, "a chain is within a batch");
_Static_assert(MR_COMMAND_HEADER + sizeof(struct mr_ledger_transfer) <= 192,
               "transfers fit in slots of 192 bytes");
