/*
 * Replacing a live order: in its place, or atomically as a cancel and a new order.
 */
#include "core/book/controls.h"
#include "core/book/instruments.h"
#include "core/book/orders.h"
#include "core/book/report.h"

/* What a live order is to become. */
struct change {
    uint64_t id;
    uint64_t key; /* of the price, after re-pricing */
    uint64_t open;
};

static uint32_t command_flaw(const struct mr_book *book, const struct book_instrument *instrument,
                             const struct mr_book_order_replace *command)
{
    if (command->basis > MR_BOOK_BASIS_TOTAL)
        return MR_BOOK_BAD_BASIS;
    if (command->renumber > MR_BOOK_SWITCH_YES)
        return MR_BOOK_BAD_SWITCH;
    uint32_t reason = book_phase_flaw(instrument);
    if (reason == 0)
        reason = mr_book_price_flaw(book, instrument, command->price);
    return reason != 0 ? reason : mr_book_quantity_flaw(instrument, command->quantity);
}

/* Why an order that leaves its level and meets nobody cannot rest at the new price. The level may
 * go with it. */
static uint32_t room_flaw(const struct mr_book *book, const struct book_instrument *instrument,
                          const struct book_order *order, const struct change *change)
{
    const struct book_side *side = &instrument->sides[order->side];
    bool alone = order->link.next == order->link.prev;
    if (book->levels == book->config.levels_max && !alone &&
        mr_book_level_find(book, side, change->key) == 0)
        return MR_BOOK_LEVELS_FULL;
    uint64_t leaving = change->key == order->key ? order->open : 0;
    if ((instrument->special & BOOK_IS_WIDE) != 0 &&
        book_level_overflows(book, side, change->key, change->open, leaving))
        return MR_BOOK_LEVEL_QUANTITY_FULL;
    return 0;
}

/* Gives the order its new id, which no live order has. */
static void renumber(struct mr_book *book, const struct book_instrument *instrument,
                     struct book_order *order, uint64_t id)
{
    uint32_t ref = book_order_ref(book, order);
    book_id_forget(book, order->hash, ref);
    order->id = id;
    order->hash = book_id_hash(book, instrument, id);
    struct book_id_table table = book_id_table_of(book, order->hash);
    book_id_insert(book, book_slot_of(book, &table, order->hash, id), order->hash, ref);
}

static void report_replaced(struct mr_book_turn *turn, struct book_instrument *instrument,
                            const struct book_order *order, uint64_t previous,
                            enum mr_book_place place)
{
    BOOK_REPORT(turn, instrument, MR_BOOK_ORDER_REPLACED, replaced, .order = order->id,
                .old_order = previous, .price = book_price(order->side, order->key),
                .quantity = order->open, .instrument = instrument->id, .place = (uint8_t)place);
}

/* Trades with what an order crosses that is in no level; false: nothing of it is left to rest. */
static bool trade(struct mr_book *book, struct book_instrument *instrument,
                  struct book_order *order, struct mr_book_turn *turn)
{
    uint8_t stp = book_order_stp(order);
    struct book_taker taker = {.id = order->id,
                               .open = order->open,
                               .limit = ~order->key,
                               .account = book_stp_account(order->account, stp),
                               .side = order->side,
                               .stp = stp};
    mr_book_match(book, instrument, &taker, turn);
    order->open = taker.open;
    order->filled += taker.filled;
    if (taker.open == 0 || taker.cancelled)
        return false;
    if (!book_crosses(&instrument->sides[order->side ^ 1], taker.limit))
        return true;
    book_report_cancelled(turn, instrument, order, MR_BOOK_CANCEL_FILLS_LIMIT);
    return false;
}

/* The order loses its place, as if it came anew. */
static void move(struct mr_book *book, struct book_instrument *instrument, struct book_order *order,
                 const struct change *change, struct mr_book_turn *turn)
{
    uint64_t previous = order->id;
    uint32_t ref = book_order_ref(book, order);
    struct book_side *side = &instrument->sides[order->side];
    book_level_unlink(book, side, order);
    order->key = change->key;
    order->open = change->open;
    if (change->id != previous)
        renumber(book, instrument, order, change->id);
    report_replaced(turn, instrument, order, previous, MR_BOOK_PLACE_LOST);
    if (book_crosses(&instrument->sides[order->side ^ 1], ~order->key) &&
        !trade(book, instrument, order, turn)) {
        book_id_forget(book, order->hash, ref);
        book_order_free(book, order, ref);
        return;
    }
    book_level_append(book, side, order, ref);
}

static void shrink(struct mr_book *book, struct book_instrument *instrument,
                   struct book_order *order, const struct change *change, struct mr_book_turn *turn)
{
    uint64_t previous = order->id;
    book_level_of(book, order)->quantity -= order->open - change->open;
    order->open = change->open;
    if (change->id != previous)
        renumber(book, instrument, order, change->id);
    report_replaced(turn, instrument, order, previous, MR_BOOK_PLACE_KEPT);
}

/* Replaces an order that its sender may replace. */
static inline uint32_t replace_live(struct mr_book *book, struct book_instrument *instrument,
                                    struct book_order *order,
                                    const struct mr_book_order_replace *command,
                                    struct mr_book_turn *turn)
{
    struct change change = {
        .id = order->id, .key = book_key(order->side, command->price), .open = command->quantity};
    if (command->basis == MR_BOOK_BASIS_TOTAL) {
        if (command->quantity <= order->filled) {
            book_report_cancelled(turn, instrument, order, MR_BOOK_CANCEL_REPLACED);
            mr_book_order_drop(book, instrument, order);
            return 0;
        }
        change.open -= order->filled;
    }
    if (change.open > instrument->quantity_max - order->filled)
        return MR_BOOK_QUANTITY_TOO_LARGE;
    if (command->renumber != MR_BOOK_SWITCH_NO && command->new_order != order->id) {
        uint32_t hash = book_id_hash(book, instrument, command->new_order);
        struct book_id_table table = book_id_table_of(book, hash);
        if (book_slot_of(book, &table, hash, command->new_order)->ref != 0)
            return MR_BOOK_DUPLICATE_ORDER;
        change.id = command->new_order;
    }
    uint32_t reason = 0;
    if (MR_UNLIKELY(book_order_post(order) != MR_BOOK_POST_NO))
        reason =
            mr_book_post_only(book, instrument, order->side, book_order_post(order), &change.key);
    if (reason != 0)
        return reason;
    if (change.key == order->key && change.open <= order->open) {
        shrink(book, instrument, order, &change, turn);
        return 0;
    }
    if (!book_crosses(&instrument->sides[order->side ^ 1], ~change.key))
        reason = room_flaw(book, instrument, order, &change);
    if (reason == 0)
        move(book, instrument, order, &change, turn);
    return reason;
}

static uint32_t replace_order(struct mr_book *book, struct book_instrument *instrument,
                              const struct mr_book_order_replace *command,
                              struct mr_book_turn *turn)
{
    uint32_t reason = command_flaw(book, instrument, command);
    if (reason != 0)
        return reason;
    uint32_t hash = book_id_hash(book, instrument, command->order);
    struct book_id_table table = book_id_table_of(book, hash);
    const struct book_id *slot = book_slot_of(book, &table, hash, command->order);
    if (slot->ref == 0)
        return MR_BOOK_UNKNOWN_ORDER;
    struct book_order *order = book_order(book, slot->ref);
    if (!book_is_owner(book, turn, order, command->account))
        return MR_BOOK_NOT_OWNER;
    return replace_live(book, instrument, order, command, turn);
}

uint32_t mr_book_replace_apply(struct mr_book *book, const struct mr_book_order_replace *command,
                               struct mr_book_turn *turn)
{
    struct book_instrument *instrument = book_instrument_near(book, command->instrument);
    uint32_t reason = MR_BOOK_UNKNOWN_INSTRUMENT;
    if (MR_LIKELY(instrument != NULL))
        reason = replace_order(book, instrument, command, turn);
    if (MR_UNLIKELY(reason != 0))
        return book_report_rejected(turn, instrument, MR_BOOK_ACTION_REPLACE, command->instrument,
                                    command->order, reason);
    if (MR_UNLIKELY((instrument->special & BOOK_HAS_TOP) != 0))
        mr_book_top_publish(book, turn, instrument);
    return 0;
}
