/*
 * Emitting the book's events.
 */
#ifndef MR_CORE_BOOK_EVENTS_H
#define MR_CORE_BOOK_EVENTS_H

#include "core/book/state.h"

/* The zeroed body of an event of `instrument` (NULL: of none). */
#define BOOK_EMIT(context, type, tag, instrument) \
    ((struct tag *)book_emit(context, type, sizeof(struct tag), instrument))

static inline void *book_emit(struct mr_context *context, uint16_t type, uint16_t size,
                              struct book_instrument *instrument)
{
    if (instrument == NULL)
        return mr_emit(context, type, 0, size, 0, 0, NULL);
    return mr_emit(context, type, 0, size, MR_BOOK_AGGREGATE_INSTRUMENT, instrument->id,
                   &instrument->stream);
}

static inline void book_emit_instrument_defined(struct mr_context *context,
                                                struct book_instrument *instrument)
{
    struct mr_book_instrument_defined *event =
        BOOK_EMIT(context, MR_BOOK_INSTRUMENT_DEFINED, mr_book_instrument_defined, instrument);
    __builtin_memcpy(event->symbol, instrument->symbol, sizeof(event->symbol));
    event->price_min = instrument->price_min;
    event->price_max = instrument->price_max;
    event->quantity_max = instrument->quantity_max;
    event->instrument = instrument->id;
    event->price_decimals = instrument->price_decimals;
    event->quantity_decimals = instrument->quantity_decimals;
}

static inline void book_emit_instrument_rejected(struct mr_context *context,
                                                 struct book_instrument *existing, uint32_t id,
                                                 uint32_t reason)
{
    struct mr_book_instrument_rejected *event =
        BOOK_EMIT(context, MR_BOOK_INSTRUMENT_REJECTED, mr_book_instrument_rejected, existing);
    event->instrument = id;
    event->reason = reason;
}

static inline void book_emit_accepted(struct mr_context *context,
                                      struct book_instrument *instrument,
                                      const struct mr_book_order_new *command)
{
    struct mr_book_order_accepted *event =
        BOOK_EMIT(context, MR_BOOK_ORDER_ACCEPTED, mr_book_order_accepted, instrument);
    event->order = command->order;
    event->account = command->account;
    event->price = command->kind == MR_BOOK_KIND_LIMIT ? command->price : 0;
    event->quantity = command->quantity;
    event->instrument = command->instrument;
    event->side = command->side;
    event->kind = command->kind;
    event->tif = command->tif;
}

/* Emits that a command was rejected and returns the reason. */
static inline uint32_t book_emit_rejected(struct mr_context *context,
                                          struct book_instrument *instrument,
                                          enum mr_book_action action, uint32_t instrument_id,
                                          uint64_t order, uint32_t reason)
{
    struct mr_book_order_rejected *event =
        BOOK_EMIT(context, MR_BOOK_ORDER_REJECTED, mr_book_order_rejected, instrument);
    event->order = order;
    event->instrument = instrument_id;
    event->reason = reason;
    event->action = (uint8_t)action;
    return reason;
}

/* After the fill: both orders have what remains of them. */
static inline void book_emit_trade(struct mr_context *context, struct book_instrument *instrument,
                                   const struct book_order *maker, const struct book_order *taker,
                                   uint64_t quantity)
{
    struct mr_book_trade *event = BOOK_EMIT(context, MR_BOOK_TRADE, mr_book_trade, instrument);
    event->trade = instrument->trades;
    event->maker = maker->id;
    event->taker = taker->id;
    event->price = book_price(maker->side, maker->key);
    event->quantity = quantity;
    event->maker_remaining = maker->open;
    event->taker_remaining = taker->open;
    event->instrument = instrument->id;
    event->side = taker->side;
}

static inline void book_emit_replaced(struct mr_context *context,
                                      struct book_instrument *instrument,
                                      const struct book_order *order, enum mr_book_place place)
{
    struct mr_book_order_replaced *event =
        BOOK_EMIT(context, MR_BOOK_ORDER_REPLACED, mr_book_order_replaced, instrument);
    event->order = order->id;
    event->price = book_price(order->side, order->key);
    event->quantity = order->open;
    event->instrument = instrument->id;
    event->place = (uint8_t)place;
}

static inline void book_emit_cancelled(struct mr_context *context,
                                       struct book_instrument *instrument,
                                       const struct book_order *order, enum mr_book_cancel cause)
{
    struct mr_book_order_cancelled *event =
        BOOK_EMIT(context, MR_BOOK_ORDER_CANCELLED, mr_book_order_cancelled, instrument);
    event->order = order->id;
    event->remaining = order->open;
    event->instrument = instrument->id;
    event->cause = (uint8_t)cause;
}

#endif
