/*
 * The top of book, and cancelling orders one by one with the tops that change by it.
 */
#include "core/book/controls.h"
#include "core/book/orders.h"
#include "core/book/report.h"

/* The best level of a side; zeros: it is empty. */
static struct mr_book_level best_of(const struct mr_book *book,
                                    const struct book_instrument *instrument, uint8_t side)
{
    struct mr_book_level best = {0};
    uint32_t level = book_best_level(&instrument->sides[side]);
    if (level != 0) {
        best.price = book_price(side, instrument->sides[side].best_key);
        best.quantity = book_level(book, level)->quantity;
    }
    return best;
}

void mr_book_top_publish(const struct mr_book *book, struct mr_book_turn *turn,
                         struct book_instrument *instrument)
{
    struct mr_book_level bid = best_of(book, instrument, MR_BOOK_SIDE_BUY);
    struct mr_book_level ask = best_of(book, instrument, MR_BOOK_SIDE_SELL);
    if (bid.price == instrument->bid_price && bid.quantity == instrument->bid_quantity &&
        ask.price == instrument->ask_price && ask.quantity == instrument->ask_quantity)
        return;
    instrument->bid_price = bid.price;
    instrument->bid_quantity = bid.quantity;
    instrument->ask_price = ask.price;
    instrument->ask_quantity = ask.quantity;
    BOOK_REPORT(turn, instrument, MR_BOOK_TOP_OF_BOOK, top, .bid_price = bid.price,
                .bid_quantity = bid.quantity, .ask_price = ask.price, .ask_quantity = ask.quantity,
                .instrument = instrument->id);
}

/* -- Cancelling several. ----------------------------------------------------------------------- */

void mr_book_cull_begin(struct book_cull *cull, struct mr_book *book, struct mr_book_turn *turn,
                        enum mr_book_cancel cause)
{
    cull->book = book;
    cull->turn = turn;
    cull->cause = cause;
    cull->left = BOOK_STEP_ORDERS;
    cull->touched = 0;
}

void mr_book_cull_order(struct book_cull *cull, struct book_order *order)
{
    struct mr_book *book = cull->book;
    uint32_t index = order->instrument;
    struct book_instrument *instrument = book_instrument(book, index);
    book_report_cancelled(cull->turn, instrument, order, cull->cause);
    mr_book_order_drop(book, instrument, order);
    if ((instrument->special & BOOK_HAS_TOP) == 0)
        return;
    if (cull->touched > 0 && cull->instruments[cull->touched - 1] == index)
        return;
    ASSERT(cull->touched < BOOK_STEP_ORDERS);
    cull->instruments[cull->touched++] = index;
}

/* An instrument that is listed twice has nothing new the second time. */
void mr_book_cull_end(const struct book_cull *cull)
{
    for (uint32_t i = 0; i < cull->touched; i++) {
        struct book_instrument *instrument = book_instrument(cull->book, cull->instruments[i]);
        mr_book_top_publish(cull->book, cull->turn, instrument);
    }
}
