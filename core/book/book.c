/*
 * The book as a logic, its catalog, and which request goes where.
 */
#include "core/book/check.h"
#include "core/book/controls.h"
#include "core/book/instruments.h"
#include "core/book/layout.h"
#include "core/book/orders.h"
#include "core/book/rows.h"

#include <millrace/common.h>

MR_ENUM_NAMES(mr_book_side, MR_BOOK_SIDES);
MR_ENUM_NAMES(mr_book_kind, MR_BOOK_KINDS);
MR_ENUM_NAMES(mr_book_tif, MR_BOOK_TIFS);
MR_ENUM_NAMES(mr_book_post, MR_BOOK_POSTS);
MR_ENUM_NAMES(mr_book_stp, MR_BOOK_STPS);
MR_ENUM_NAMES(mr_book_phase, MR_BOOK_PHASES);
MR_ENUM_NAMES(mr_book_basis, MR_BOOK_BASES);
MR_ENUM_NAMES(mr_book_place, MR_BOOK_PLACES);
MR_ENUM_NAMES(mr_book_switch, MR_BOOK_SWITCHES);
MR_ENUM_NAMES(mr_book_side_filter, MR_BOOK_SIDE_FILTERS);
MR_ENUM_NAMES(mr_book_action, MR_BOOK_ACTIONS);
MR_ENUM_NAMES(mr_book_cancel, MR_BOOK_CANCELS);

#define OPERATOR MR_ROLE_BIT(MR_ROLE_OPERATOR)
#define ANYBODY  (MR_ROLE_BIT(MR_ROLE_USER) | OPERATOR)

static const struct mr_message commands[] = {
    MR_COMMAND(MR_BOOK_INSTRUMENT_DEFINE, mr_book_instrument_define, instrument_define,
               MR_BOOK_INSTRUMENT_FIELDS, OPERATOR, "opens an instrument for trading"),
    MR_COMMAND(MR_BOOK_ORDER_NEW, mr_book_order_new, order_new, MR_BOOK_ORDER_NEW_FIELDS, ANYBODY,
               "enters an order"),
    MR_COMMAND(MR_BOOK_ORDER_CANCEL, mr_book_order_cancel, order_cancel,
               MR_BOOK_ORDER_CANCEL_FIELDS, ANYBODY, "cancels what an order has open"),
    MR_COMMAND(MR_BOOK_ORDER_REPLACE, mr_book_order_replace, order_replace,
               MR_BOOK_ORDER_REPLACE_FIELDS, ANYBODY, "changes price and quantity of an order"),
    MR_COMMAND(MR_BOOK_INSTRUMENT_UPDATE, mr_book_instrument_update, instrument_update,
               MR_BOOK_INSTRUMENT_UPDATE_FIELDS, OPERATOR,
               "sets an instrument's collar, trading day and publications"),
    MR_COMMAND(MR_BOOK_PHASE_SET, mr_book_phase_set, phase_set, MR_BOOK_PHASE_FIELDS, OPERATOR,
               "opens, halts or closes trading in an instrument"),
    MR_COMMAND(MR_BOOK_TICK_BAND_ADD, mr_book_tick_band_add, tick_band_add,
               MR_BOOK_TICK_BAND_FIELDS, OPERATOR, "adds a band to a tick table"),
    MR_COMMAND(MR_BOOK_ACCOUNT_DEFINE, mr_book_account_define, account_define,
               MR_BOOK_ACCOUNT_DEFINE_FIELDS, OPERATOR, "gives an account its settings"),
    MR_COMMAND(MR_BOOK_ACCOUNT_BLOCK, mr_book_account_block, account_block, MR_BOOK_ACCOUNT_FIELDS,
               OPERATOR, "blocks an account and cancels its orders"),
    MR_COMMAND(MR_BOOK_ACCOUNT_UNBLOCK, mr_book_account_unblock, account_unblock,
               MR_BOOK_ACCOUNT_FIELDS, OPERATOR, "lets an account enter orders again"),
    MR_COMMAND(MR_BOOK_ORDERS_CANCEL, mr_book_orders_cancel, orders_cancel,
               MR_BOOK_ORDERS_CANCEL_FIELDS, ANYBODY, "cancels many orders"),
};

#define INSTRUMENT MR_BOOK_AGGREGATE_INSTRUMENT

static const struct mr_message events[] = {
    MR_EVENT(MR_BOOK_INSTRUMENT_DEFINED, mr_book_instrument_defined, instrument_defined,
             MR_BOOK_INSTRUMENT_FIELDS, INSTRUMENT, "an instrument is open for trading"),
    MR_EVENT(MR_BOOK_SETUP_REJECTED, mr_book_setup_rejected, setup_rejected,
             MR_BOOK_SETUP_REJECTED_FIELDS, INSTRUMENT,
             "a command about anything but one order did nothing"),
    MR_EVENT(MR_BOOK_ORDER_ACCEPTED, mr_book_order_accepted, order_accepted,
             MR_BOOK_ORDER_ACCEPTED_FIELDS, INSTRUMENT, "an order has come"),
    MR_EVENT(MR_BOOK_ORDER_REJECTED, mr_book_order_rejected, order_rejected,
             MR_BOOK_ORDER_REJECTED_FIELDS, INSTRUMENT, "a command about an order did nothing"),
    MR_EVENT(MR_BOOK_TRADE, mr_book_trade, trade, MR_BOOK_TRADE_FIELDS, INSTRUMENT,
             "two orders have traded"),
    MR_EVENT(MR_BOOK_ORDER_REPLACED, mr_book_order_replaced, order_replaced,
             MR_BOOK_ORDER_REPLACED_FIELDS, INSTRUMENT,
             "an order has the price and quantity given"),
    MR_EVENT(MR_BOOK_ORDER_CANCELLED, mr_book_order_cancelled, order_cancelled,
             MR_BOOK_ORDER_CANCELLED_FIELDS, INSTRUMENT,
             "an order, or what was left of it, is gone"),
    MR_EVENT(MR_BOOK_ORDER_REDUCED, mr_book_order_reduced, order_reduced,
             MR_BOOK_ORDER_REDUCED_FIELDS, INSTRUMENT,
             "self-trade prevention has taken from what an order has open"),
    MR_EVENT(MR_BOOK_TOP_OF_BOOK, mr_book_top_of_book, top_of_book, MR_BOOK_TOP_OF_BOOK_FIELDS,
             INSTRUMENT, "the best prices, or what is open at them, have changed"),
    MR_EVENT(MR_BOOK_PHASE_CHANGED, mr_book_phase_changed, phase_changed, MR_BOOK_PHASE_FIELDS,
             INSTRUMENT, "an instrument is in a trading phase"),
    MR_EVENT(MR_BOOK_INSTRUMENT_UPDATED, mr_book_instrument_updated, instrument_updated,
             MR_BOOK_INSTRUMENT_UPDATE_FIELDS, INSTRUMENT, "an instrument has these settings"),
    MR_EVENT(MR_BOOK_TICK_BAND_ADDED, mr_book_tick_band_added, tick_band_added,
             MR_BOOK_TICK_BAND_FIELDS, 0, "a tick table has one band more"),
    MR_EVENT(MR_BOOK_ACCOUNT_DEFINED, mr_book_account_defined, account_defined,
             MR_BOOK_ACCOUNT_DEFINE_FIELDS, 0, "an account has these settings"),
    MR_EVENT(MR_BOOK_ACCOUNT_BLOCKED, mr_book_account_blocked, account_blocked,
             MR_BOOK_ACCOUNT_BLOCKED_FIELDS, 0, "an account is blocked and has no orders"),
    MR_EVENT(MR_BOOK_ACCOUNT_UNBLOCKED, mr_book_account_unblocked, account_unblocked,
             MR_BOOK_ACCOUNT_FIELDS, 0, "an account can enter orders again"),
    MR_EVENT(MR_BOOK_ORDERS_CANCELLED, mr_book_orders_cancelled, orders_cancelled,
             MR_BOOK_ORDERS_CANCELLED_FIELDS, 0, "many orders have been cancelled"),
};

static const struct mr_reason reasons[] = {MR_BOOK_REASONS(MR_REASON_ROW)};

static const struct mr_aggregate_kind aggregates[] = {{INSTRUMENT, "instrument"}};

static const struct mr_message config =
    MR_CONFIG(mr_book_config, book_config, MR_BOOK_CONFIG_FIELDS, "limits of the order book");

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
    .queries = mr_book_query_table,
    .query_count = BOOK_QUERIES,
    .rows = mr_book_row_table,
    .row_count = BOOK_ROWS,
};

static inline uint32_t dispatch(struct mr_book *book, uint32_t type, const void *body,
                                struct mr_book_turn *turn)
{
    /* Which of these comes next is unpredictable: two branches that are each right half the time
     * cost less than a jump through a table that knows nothing but the last target. */
    if (type == MR_BOOK_ORDER_NEW)
        return mr_book_new_apply(book, body, turn);
    if (type == MR_BOOK_ORDER_CANCEL)
        return mr_book_cancel_apply(book, body, turn);
    switch (type) {
    case MR_BOOK_ORDER_REPLACE:
        return mr_book_replace_apply(book, body, turn);
    case MR_BOOK_INSTRUMENT_DEFINE:
        return mr_book_instrument_define_apply(book, body, turn);
    case MR_BOOK_INSTRUMENT_UPDATE:
        return mr_book_instrument_update_apply(book, body, turn);
    case MR_BOOK_PHASE_SET:
        return mr_book_phase_set_apply(book, body, turn);
    case MR_BOOK_TICK_BAND_ADD:
        return mr_book_tick_band_apply(book, body, turn);
    case MR_BOOK_ACCOUNT_DEFINE:
        return mr_book_account_define_apply(book, body, turn);
    case MR_BOOK_ACCOUNT_BLOCK:
        return mr_book_account_block_apply(book, body, turn);
    case MR_BOOK_ACCOUNT_UNBLOCK:
        return mr_book_account_unblock_apply(book, body, turn);
    case MR_BOOK_ORDERS_CANCEL:
        return mr_book_orders_cancel_apply(book, body, turn);
    default:
        return MR_REASON_UNKNOWN_TYPE;
    }
}

uint32_t mr_book_apply(struct mr_book *book, const union mr_book_request *request,
                       struct mr_book_turn *turn)
{
    turn->again = false;
    return dispatch(book, request->any.type, request, turn);
}

/* -- As a logic. ------------------------------------------------------------------------------- */

static uint32_t apply(struct mr_context *context, const struct mr_command *command)
{
    struct mr_book_turn turn = {
        .time_ns = context->time_ns,
        .session = command->session,
        .role = command->role,
        .context = context,
    };
    uint32_t reason = dispatch(context->state, command->type, mr_command_body(command), &turn);
    context->again = turn.again;
    return reason;
}

static void timer(struct mr_context *context, const struct mr_timer *fired)
{
    struct mr_book_turn turn = {.time_ns = context->time_ns, .context = context};
    (void)fired; /* there is but one */
    mr_book_expiry_fire(context->state, &turn);
}

const struct mr_logic mr_logic_book = {
    .name = "book",
    .version = 0,
    .layout_version = 0,
    .catalog = &catalog,
    .config = &config,
    .command_size_max = MR_COMMAND_HEADER + sizeof(union mr_book_request),
    .event_size_max = MR_EVENT_HEADER + sizeof(union mr_book_report),
    .config_default = mr_book_config_default,
    .state_size = mr_book_state_size,
    .turn_events_max = mr_book_turn_events_max,
    .init = mr_book_init,
    .apply = apply,
    .timer = timer,
    .check = mr_book_check,
    .used = mr_book_used,
    .query = mr_book_query_answer,
};

_Static_assert(MR_COMMAND_HEADER + sizeof(union mr_book_request) <= 128,
               "orders fit in slots of 128 bytes");
