/*
 * The book as a logic: its catalog, and which command goes where.
 */
#include "core/book/check.h"
#include "core/book/instruments.h"
#include "core/book/layout.h"
#include "core/book/orders.h"

#include <millrace/common.h>

MR_ENUM_NAMES(mr_book_side, MR_BOOK_SIDES);
MR_ENUM_NAMES(mr_book_kind, MR_BOOK_KINDS);
MR_ENUM_NAMES(mr_book_tif, MR_BOOK_TIFS);
MR_ENUM_NAMES(mr_book_basis, MR_BOOK_BASES);
MR_ENUM_NAMES(mr_book_place, MR_BOOK_PLACES);
MR_ENUM_NAMES(mr_book_action, MR_BOOK_ACTIONS);
MR_ENUM_NAMES(mr_book_cancel, MR_BOOK_CANCELS);

#define OPERATOR MR_ROLE_BIT(MR_ROLE_OPERATOR)
#define USER     MR_ROLE_BIT(MR_ROLE_USER)

static const struct mr_message commands[] = {
    MR_COMMAND(MR_BOOK_INSTRUMENT_DEFINE, mr_book_instrument_define, instrument_define,
               MR_BOOK_INSTRUMENT_FIELDS, OPERATOR, "opens an instrument for trading"),
    MR_COMMAND(MR_BOOK_ORDER_NEW, mr_book_order_new, order_new, MR_BOOK_ORDER_NEW_FIELDS, USER,
               "enters an order"),
    MR_COMMAND(MR_BOOK_ORDER_CANCEL, mr_book_order_cancel, order_cancel,
               MR_BOOK_ORDER_CANCEL_FIELDS, USER, "cancels what an order has open"),
    MR_COMMAND(MR_BOOK_ORDER_REPLACE, mr_book_order_replace, order_replace,
               MR_BOOK_ORDER_REPLACE_FIELDS, USER, "changes price and quantity of an order"),
};

#define INSTRUMENT MR_BOOK_AGGREGATE_INSTRUMENT

static const struct mr_message events[] = {
    MR_EVENT(MR_BOOK_INSTRUMENT_DEFINED, mr_book_instrument_defined, instrument_defined,
             MR_BOOK_INSTRUMENT_FIELDS, INSTRUMENT, "an instrument is open for trading"),
    MR_EVENT(MR_BOOK_INSTRUMENT_REJECTED, mr_book_instrument_rejected, instrument_rejected,
             MR_BOOK_INSTRUMENT_REJECTED_FIELDS, INSTRUMENT, "an instrument was not defined"),
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
};

static uint32_t apply(struct mr_context *context, const struct mr_command *command)
{
    const void *body = mr_command_body(command);
    switch (command->type) {
    case MR_BOOK_ORDER_NEW:
        return mr_book_new_apply(context, body);
    case MR_BOOK_ORDER_CANCEL:
        return mr_book_cancel_apply(context, body);
    case MR_BOOK_ORDER_REPLACE:
        return mr_book_replace_apply(context, body);
    case MR_BOOK_INSTRUMENT_DEFINE:
        return mr_book_instrument_apply(context, body);
    default:
        return MR_REASON_UNKNOWN_TYPE;
    }
}

const struct mr_logic mr_logic_book = {
    .name = "book",
    .version = 0,
    .layout_version = 0,
    .catalog = &catalog,
    .config = &config,
    .command_size_max = MR_COMMAND_HEADER + sizeof(struct mr_book_instrument_define),
    .event_size_max = MR_EVENT_HEADER + sizeof(struct mr_book_trade),
    .config_default = mr_book_config_default,
    .state_size = mr_book_state_size,
    .turn_events_max = mr_book_turn_events_max,
    .init = mr_book_init,
    .apply = apply,
    .check = mr_book_check,
    .used = mr_book_used,
};

_Static_assert(MR_COMMAND_HEADER + sizeof(struct mr_book_order_new) <= 128,
               "orders fit in slots of 128 bytes");
