/*
 * Cancelling one order.
 */
#include "core/book/controls.h"
#include "core/book/instruments.h"
#include "core/book/orders.h"
#include "core/book/report.h"

bool mr_book_is_own_session(const struct mr_book *book, const struct mr_book_turn *turn,
                            const struct book_order *order)
{
    if ((order->groups >> BOOK_GROUP_SESSION & 1) == 0)
        return true;
    uint32_t group = book_memberships(book, order)->of[BOOK_GROUP_SESSION].group;
    return book_group(book, group)->key == turn->session;
}

void mr_book_order_drop(struct mr_book *book, struct book_instrument *instrument,
                        struct book_order *order)
{
    uint32_t ref = book_order_ref(book, order);
    book_level_unlink(book, &instrument->sides[order->side], order);
    book_id_forget(book, order->hash, ref);
    book_order_free(book, order, ref);
}

static inline uint32_t cancel_order(struct mr_book *book, struct book_instrument *instrument,
                                    const struct mr_book_order_cancel *command,
                                    struct mr_book_turn *turn)
{
    uint32_t hash = book_id_hash(book, instrument, command->order);
    struct book_id_table table = book_id_table_of(book, hash);
    const struct book_id *slot = book_slot_of(book, &table, hash, command->order);
    uint32_t ref = slot->ref;
    if (ref == 0)
        return MR_BOOK_UNKNOWN_ORDER;
    struct book_order *order = book_order(book, ref);
    if (MR_UNLIKELY(!book_is_owner(book, turn, order, command->account)))
        return MR_BOOK_NOT_OWNER;
    book_report_cancelled(turn, instrument, order, MR_BOOK_CANCEL_REQUESTED);
    book_level_unlink(book, &instrument->sides[order->side], order);
    book_id_remove(book, &table, slot);
    book_order_free(book, order, ref);
    return 0;
}

uint32_t mr_book_cancel_apply(struct mr_book *book, const struct mr_book_order_cancel *command,
                              struct mr_book_turn *turn)
{
    struct book_instrument *instrument = book_instrument_near(book, command->instrument);
    uint32_t reason = MR_BOOK_UNKNOWN_INSTRUMENT;
    if (MR_LIKELY(instrument != NULL))
        reason = cancel_order(book, instrument, command, turn);
    if (MR_UNLIKELY(reason != 0))
        return book_report_rejected(turn, instrument, MR_BOOK_ACTION_CANCEL, command->instrument,
                                    command->order, reason);
    if (MR_UNLIKELY((instrument->special & BOOK_HAS_TOP) != 0))
        mr_book_top_publish(book, turn, instrument);
    return 0;
}
