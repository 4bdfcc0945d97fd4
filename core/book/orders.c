#include "core/book/orders.h"

#include "core/book/events.h"
#include "core/book/ids.h"
#include "core/book/instruments.h"
#include "core/book/levels.h"
#include "core/book/match.h"
#include "core/book/pool.h"

static inline uint32_t price_flaw(const struct book_instrument *instrument, int64_t price)
{
    bool within = price >= instrument->price_min && price <= instrument->price_max;
    return within ? 0 : MR_BOOK_PRICE_OUT_OF_RANGE;
}

static inline uint32_t quantity_flaw(const struct book_instrument *instrument, uint64_t quantity)
{
    if (quantity == 0)
        return MR_BOOK_ZERO_QUANTITY;
    return quantity > instrument->quantity_max ? MR_BOOK_QUANTITY_TOO_LARGE : 0;
}

static inline struct book_id *slot_of(const struct mr_book *book,
                                      const struct book_instrument *instrument, uint32_t hash,
                                      uint64_t id)
{
    return book_id_find(book, hash, book_instrument_index(book, instrument), id);
}

/* Takes a live order out of the book. Its memory is given back and stays readable until the next
 * order comes. */
static inline const struct book_order *take_out(struct mr_book *book,
                                                struct book_instrument *instrument,
                                                const struct book_id *slot)
{
    struct book_order *order = book_order(book, slot->ref);
    book_level_unlink(book, &instrument->sides[order->side], order);
    book_id_remove(book, slot);
    book_order_give(book, order);
    return order;
}

/* -- New. -------------------------------------------------------------------------------------- */

static inline uint32_t new_flaw(const struct book_instrument *instrument,
                                const struct mr_book_order_new *command)
{
    if (command->side > MR_BOOK_SIDE_SELL)
        return MR_BOOK_BAD_SIDE;
    if (command->kind > MR_BOOK_KIND_MARKET)
        return MR_BOOK_BAD_KIND;
    if (command->tif > MR_BOOK_TIF_FOK)
        return MR_BOOK_BAD_TIF;
    if (command->kind == MR_BOOK_KIND_LIMIT) {
        uint32_t reason = price_flaw(instrument, command->price);
        if (reason != 0)
            return reason;
    } else if (command->tif == MR_BOOK_TIF_GTC) {
        return MR_BOOK_BAD_TIF;
    }
    return quantity_flaw(instrument, command->quantity);
}

/* Why an order that meets nothing cannot rest. One that trades and rests afterwards has taken a
 * whole level away, so that there is room for it. */
static inline uint32_t room_flaw(const struct mr_book *book, const struct book_side *side,
                                 uint64_t key)
{
    if (MR_UNLIKELY(book->live == book->config.orders_max))
        return MR_BOOK_ORDERS_FULL;
    if (MR_UNLIKELY(book->levels == book->config.levels_max) &&
        book_level_find(book, side, key) == 0)
        return MR_BOOK_LEVELS_FULL;
    return 0;
}

static inline struct book_order *order_make(struct mr_book *book,
                                            const struct book_instrument *instrument,
                                            const struct mr_book_order_new *command, uint64_t key,
                                            uint32_t hash)
{
    struct book_order *order = book_order_take(book);
    *order = (struct book_order){
        .id = command->order,
        .account = command->account,
        .key = key,
        .open = command->quantity,
        .instrument = book_instrument_index(book, instrument),
        .hash = hash,
        .side = command->side,
    };
    return order;
}

static enum mr_book_cancel remainder_cause(const struct mr_book_order_new *command, bool limited)
{
    if (limited)
        return MR_BOOK_CANCEL_FILLS_LIMIT;
    return command->kind == MR_BOOK_KIND_MARKET ? MR_BOOK_CANCEL_MARKET_REMAINDER
                                                : MR_BOOK_CANCEL_IOC_REMAINDER;
}

/* A new order that meets the other side, or that never rests. */
static void new_trade(struct mr_context *context, struct book_instrument *instrument,
                      struct book_order *order, const struct mr_book_order_new *command)
{
    struct mr_book *book = context->state;
    uint64_t limit = ~order->key;
    mr_book_match(context, instrument, order, limit);
    bool limited = book_crosses(&instrument->sides[order->side ^ 1], limit);
    if (order->open > 0 && command->tif == MR_BOOK_TIF_GTC && !limited) {
        /* Where it was looked for before is no longer its slot: the fills have moved entries. */
        struct book_id *slot = slot_of(book, instrument, order->hash, order->id);
        book_id_insert(book, slot, order);
        book_level_append(book, &instrument->sides[order->side], order);
        return;
    }
    if (order->open > 0)
        book_emit_cancelled(context, instrument, order, remainder_cause(command, limited));
    book_order_give(book, order);
}

static inline uint32_t new_order(struct mr_context *context, struct book_instrument *instrument,
                                 const struct mr_book_order_new *command)
{
    struct mr_book *book = context->state;
    uint32_t reason = new_flaw(instrument, command);
    if (MR_UNLIKELY(reason != 0))
        return reason;
    uint32_t hash = book_id_hash(book, instrument, command->order);
    struct book_id *slot = slot_of(book, instrument, hash, command->order);
    if (MR_UNLIKELY(slot->ref != 0))
        return MR_BOOK_DUPLICATE_ORDER;

    struct book_side *side = &instrument->sides[command->side];
    const struct book_side *other = &instrument->sides[command->side ^ 1];
    bool market = command->kind == MR_BOOK_KIND_MARKET;
    uint64_t key = market ? UINT64_MAX : book_key(command->side, command->price);
    bool rests = command->tif == MR_BOOK_TIF_GTC && !book_crosses(other, ~key);
    if (rests)
        reason = room_flaw(book, side, key);
    else if (command->tif == MR_BOOK_TIF_FOK)
        reason = mr_book_match_whole(book, other, command->quantity, ~key);
    if (MR_UNLIKELY(reason != 0))
        return reason;

    book_emit_accepted(context, instrument, command);
    struct book_order *order = order_make(book, instrument, command, key, hash);
    if (rests) {
        book_id_insert(book, slot, order);
        book_level_append(book, side, order);
    } else {
        new_trade(context, instrument, order, command);
    }
    return 0;
}

uint32_t mr_book_new_apply(struct mr_context *context, const struct mr_book_order_new *command)
{
    struct book_instrument *instrument = book_instrument_near(context->state, command->instrument);
    uint32_t reason = MR_BOOK_UNKNOWN_INSTRUMENT;
    if (MR_LIKELY(instrument != NULL))
        reason = new_order(context, instrument, command);
    if (MR_UNLIKELY(reason != 0))
        book_emit_rejected(context, instrument, MR_BOOK_ACTION_NEW, command->instrument,
                           command->order, reason);
    return reason;
}

/* -- Cancel. ----------------------------------------------------------------------------------- */

static inline uint32_t cancel_order(struct mr_context *context, struct book_instrument *instrument,
                                    uint64_t id)
{
    struct mr_book *book = context->state;
    uint32_t hash = book_id_hash(book, instrument, id);
    const struct book_id *slot = slot_of(book, instrument, hash, id);
    if (slot->ref == 0)
        return MR_BOOK_UNKNOWN_ORDER;
    const struct book_order *order = take_out(book, instrument, slot);
    book_emit_cancelled(context, instrument, order, MR_BOOK_CANCEL_REQUESTED);
    return 0;
}

uint32_t mr_book_cancel_apply(struct mr_context *context,
                              const struct mr_book_order_cancel *command)
{
    struct book_instrument *instrument = book_instrument_near(context->state, command->instrument);
    uint32_t reason = MR_BOOK_UNKNOWN_INSTRUMENT;
    if (MR_LIKELY(instrument != NULL))
        reason = cancel_order(context, instrument, command->order);
    if (reason != 0)
        book_emit_rejected(context, instrument, MR_BOOK_ACTION_CANCEL, command->instrument,
                           command->order, reason);
    return reason;
}

/* -- Replace. ---------------------------------------------------------------------------------- */

static uint32_t replace_flaw(const struct book_instrument *instrument,
                             const struct mr_book_order_replace *command)
{
    if (command->basis > MR_BOOK_BASIS_TOTAL)
        return MR_BOOK_BAD_BASIS;
    uint32_t reason = price_flaw(instrument, command->price);
    return reason != 0 ? reason : quantity_flaw(instrument, command->quantity);
}

/* As room_flaw, for an order that leaves its level: it may be the last one there. */
static uint32_t move_flaw(const struct mr_book *book, const struct book_side *side,
                          const struct book_order *order, uint64_t key)
{
    bool alone = order->link.next == order->link.prev;
    if (book->levels < book->config.levels_max || alone || book_level_find(book, side, key) != 0)
        return 0;
    return MR_BOOK_LEVELS_FULL;
}

/* The order loses its place, as if it came anew. */
static uint32_t replace_move(struct mr_context *context, struct book_instrument *instrument,
                             struct book_order *order, uint64_t key, uint64_t open)
{
    struct mr_book *book = context->state;
    struct book_side *side = &instrument->sides[order->side];
    struct book_side *other = &instrument->sides[order->side ^ 1];
    uint64_t limit = ~key;
    bool crosses = book_crosses(other, limit);
    uint32_t reason = crosses ? 0 : move_flaw(book, side, order, key);
    if (reason != 0)
        return reason;

    book_level_unlink(book, side, order);
    order->key = key;
    order->open = open;
    book_emit_replaced(context, instrument, order, MR_BOOK_PLACE_LOST);
    if (crosses) {
        mr_book_match(context, instrument, order, limit);
        bool limited = book_crosses(other, limit);
        if (order->open > 0 && limited)
            book_emit_cancelled(context, instrument, order, MR_BOOK_CANCEL_FILLS_LIMIT);
        if (order->open == 0 || limited) {
            book_id_remove(book, book_id_slot(book, order));
            book_order_give(book, order);
            return 0;
        }
    }
    book_level_append(book, side, order);
    return 0;
}

static uint32_t replace_order(struct mr_context *context, struct book_instrument *instrument,
                              const struct mr_book_order_replace *command)
{
    struct mr_book *book = context->state;
    uint32_t hash = book_id_hash(book, instrument, command->order);
    const struct book_id *slot = slot_of(book, instrument, hash, command->order);
    if (slot->ref == 0)
        return MR_BOOK_UNKNOWN_ORDER;
    struct book_order *order = book_order(book, slot->ref);
    uint64_t key = book_key(order->side, command->price);
    uint64_t open = command->quantity;
    if (command->basis == MR_BOOK_BASIS_TOTAL) {
        if (open <= order->filled) {
            take_out(book, instrument, slot);
            book_emit_cancelled(context, instrument, order, MR_BOOK_CANCEL_REPLACED);
            return 0;
        }
        open -= order->filled;
    }
    if (open > instrument->quantity_max - order->filled)
        return MR_BOOK_QUANTITY_TOO_LARGE;
    if (key != order->key || open > order->open)
        return replace_move(context, instrument, order, key, open);
    order->open = open;
    book_emit_replaced(context, instrument, order, MR_BOOK_PLACE_KEPT);
    return 0;
}

uint32_t mr_book_replace_apply(struct mr_context *context,
                               const struct mr_book_order_replace *command)
{
    struct book_instrument *instrument = book_instrument_near(context->state, command->instrument);
    uint32_t reason = MR_BOOK_UNKNOWN_INSTRUMENT;
    if (MR_LIKELY(instrument != NULL)) {
        reason = replace_flaw(instrument, command);
        if (reason == 0)
            reason = replace_order(context, instrument, command);
    }
    if (reason != 0)
        book_emit_rejected(context, instrument, MR_BOOK_ACTION_REPLACE, command->instrument,
                           command->order, reason);
    return reason;
}
