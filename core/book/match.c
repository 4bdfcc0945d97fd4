#include "core/book/match.h"

#include "core/book/events.h"
#include "core/book/ids.h"
#include "core/book/levels.h"
#include "core/book/pool.h"

static void fill(struct mr_context *context, struct book_instrument *instrument,
                 struct book_order *maker, struct book_order *taker)
{
    struct mr_book *book = context->state;
    uint64_t quantity = maker->open < taker->open ? maker->open : taker->open;
    maker->open -= quantity;
    maker->filled += quantity;
    taker->open -= quantity;
    taker->filled += quantity;
    instrument->trades++;
    book->trades++;
    book_emit_trade(context, instrument, maker, taker, quantity);
}

/* Trades at the best level of `side` and takes out of it who was filled. Returns the fills left. */
static uint32_t match_level(struct mr_context *context, struct book_instrument *instrument,
                            struct book_side *side, struct book_order *taker, uint32_t fills_left)
{
    struct mr_book *book = context->state;
    uint32_t level = side->best;
    struct book_link *sentinel = book_link(book, level);
    uint32_t ref = sentinel->next;
    while (ref != level && taker->open > 0 && fills_left > 0) {
        struct book_order *maker = book_order(book, ref);
        fill(context, instrument, maker, taker);
        fills_left--;
        if (maker->open > 0)
            break;
        ref = maker->link.next;
        side->orders--;
        book_id_remove(book, book_id_slot(book, maker));
        book_order_give(book, maker);
    }
    /* Whoever is first now follows the sentinel, also after a partial fill. */
    sentinel->next = ref;
    book_link(book, ref)->prev = level;
    if (ref == level)
        book_level_remove(book, side, level);
    return fills_left;
}

void mr_book_match(struct mr_context *context, struct book_instrument *instrument,
                   struct book_order *taker, uint64_t limit)
{
    const struct mr_book *book = context->state;
    struct book_side *other = &instrument->sides[taker->side ^ 1];
    uint32_t fills_left = book->config.fills_max;
    while (taker->open > 0 && fills_left > 0 && book_crosses(other, limit))
        fills_left = match_level(context, instrument, other, taker, fills_left);
}

uint32_t mr_book_match_whole(const struct mr_book *book, const struct book_side *other,
                             uint64_t quantity, uint64_t limit)
{
    uint32_t fills_left = book->config.fills_max;
    for (uint32_t level = other->best; level != 0; level = mr_book_level_next(book, level)) {
        if (book_level_key(book, level) < limit)
            break;
        for (uint32_t ref = book_link(book, level)->next; ref != level;) {
            const struct book_order *maker = book_order(book, ref);
            if (fills_left-- == 0)
                return MR_BOOK_FILLS_LIMIT;
            if (maker->open >= quantity)
                return 0;
            quantity -= maker->open;
            ref = maker->link.next;
        }
    }
    return MR_BOOK_FOK_UNFILLED;
}
