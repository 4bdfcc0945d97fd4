#include "tests/core/book_views.h"

#include <stdlib.h>
#include <string.h>

void book_views_open(struct book_views *views)
{
    *views = (struct book_views){.flaw = NULL};
}

void book_views_close(struct book_views *views)
{
    for (uint32_t i = 0; i < views->count; i++) {
        for (uint32_t side = 0; side < 2; side++) {
            free(views->instruments[i].queues[side].orders);
            free(views->instruments[i].depths[side].levels);
        }
    }
    free(views->instruments);
}

void book_views_next(struct book_views *views)
{
    views->cancelled = 0;
}

static struct view_instrument *find(const struct book_views *views, uint32_t id)
{
    for (uint32_t i = 0; i < views->count; i++) {
        if (views->instruments[i].id == id)
            return &views->instruments[i];
    }
    return NULL;
}

const struct view_instrument *book_views_instrument(const struct book_views *views, uint32_t id)
{
    return find(views, id);
}

/* -- L2. --------------------------------------------------------------------------------------- */

static bool is_better(uint32_t side, int64_t price, int64_t than)
{
    return side == MR_BOOK_SIDE_BUY ? price > than : price < than;
}

/* The level at a price, made if need be. */
static struct mr_book_level *level_at(struct view_depth *depth, uint32_t side, int64_t price)
{
    uint32_t at = 0;
    while (at < depth->count && is_better(side, depth->levels[at].price, price))
        at++;
    if (at < depth->count && depth->levels[at].price == price)
        return &depth->levels[at];
    if (depth->count == depth->room) {
        depth->room = 2 * depth->room + 8;
        depth->levels = realloc(depth->levels, depth->room * sizeof(depth->levels[0]));
    }
    memmove(&depth->levels[at + 1], &depth->levels[at],
            (depth->count - at) * sizeof(depth->levels[0]));
    depth->levels[at] = (struct mr_book_level){.price = price};
    depth->count++;
    return &depth->levels[at];
}

static void level_change(struct view_instrument *instrument, uint32_t side,
                         const struct view_order *order, uint64_t open, int orders)
{
    struct view_depth *depth = &instrument->depths[side];
    struct mr_book_level *level = level_at(depth, side, order->price);
    level->quantity += open - order->open;
    level->orders += (uint32_t)orders;
    if (level->orders == 0) {
        uint32_t at = (uint32_t)(level - depth->levels);
        depth->count--;
        memmove(level, level + 1, (depth->count - at) * sizeof(*level));
    }
}

/* -- L3, and L2 with it. ----------------------------------------------------------------------- */

static struct view_order *order_of(const struct view_instrument *instrument, uint64_t id,
                                   uint32_t *side)
{
    for (*side = 0; *side < 2; (*side)++) {
        const struct view_queue *queue = &instrument->queues[*side];
        for (uint32_t i = 0; i < queue->count; i++) {
            if (queue->orders[i].id == id)
                return &queue->orders[i];
        }
    }
    return NULL;
}

static void order_add(struct view_instrument *instrument, uint32_t side, struct view_order order)
{
    struct view_queue *queue = &instrument->queues[side];
    if (queue->count == queue->room) {
        queue->room = 2 * queue->room + 8;
        queue->orders = realloc(queue->orders, queue->room * sizeof(queue->orders[0]));
    }
    uint32_t at = queue->count++;
    for (; at > 0 && is_better(side, order.price, queue->orders[at - 1].price); at--)
        queue->orders[at] = queue->orders[at - 1];
    queue->orders[at] = order;
    const struct view_order nothing = {.price = order.price};
    level_change(instrument, side, &nothing, order.open, 1);
}

static void order_remove(struct view_instrument *instrument, uint32_t side,
                         struct view_order *order)
{
    struct view_queue *queue = &instrument->queues[side];
    uint32_t at = (uint32_t)(order - queue->orders);
    level_change(instrument, side, order, 0, -1);
    queue->count--;
    memmove(order, order + 1, (queue->count - at) * sizeof(*order));
}

static void order_set_open(struct view_instrument *instrument, uint32_t side,
                           struct view_order *order, uint64_t open)
{
    if (open == 0) {
        order_remove(instrument, side, order);
        return;
    }
    level_change(instrument, side, order, open, 0);
    order->open = open;
}

/* -- Reports. ---------------------------------------------------------------------------------- */

static const char *defined(struct book_views *views,
                           const struct mr_book_instrument_defined *report)
{
    if (find(views, report->instrument) != NULL)
        return "an instrument is defined twice";
    views->instruments =
        realloc(views->instruments, (views->count + 1) * sizeof(views->instruments[0]));
    views->instruments[views->count++] =
        (struct view_instrument){.id = report->instrument, .phase = report->phase};
    return NULL;
}

static const char *accepted(struct view_instrument *instrument,
                            const struct mr_book_order_accepted *report)
{
    uint32_t side;
    if (order_of(instrument, report->order, &side) != NULL)
        return "an order is accepted under the id of a live one";
    if (instrument->phase != MR_BOOK_PHASE_CONTINUOUS)
        return "an order is accepted while there is no trading";
    struct view_order order = {report->order, report->price, report->quantity};
    order_add(instrument, report->side, order);
    return NULL;
}

static const char *traded(struct view_instrument *instrument, const struct mr_book_trade *report)
{
    uint32_t maker_side, taker_side;
    struct view_order *maker = order_of(instrument, report->maker, &maker_side);
    if (report->trade != ++instrument->trades)
        return "the numbers of trades are not dense";
    if (maker == NULL || maker_side == report->side || maker->price != report->price)
        return "a trade with a maker that does not rest there";
    if (maker->open != report->quantity + report->maker_remaining)
        return "a trade leaves the maker with another quantity";
    const struct view_queue *queue = &instrument->queues[maker_side];
    if (maker != &queue->orders[0])
        return "a trade with a maker that is not the first in the queue";
    order_set_open(instrument, maker_side, maker, report->maker_remaining);
    struct view_order *taker = order_of(instrument, report->taker, &taker_side);
    if (taker == NULL || taker_side != report->side)
        return "a trade with a taker that nothing is known of";
    if (taker->open != report->quantity + report->taker_remaining)
        return "a trade leaves the taker with another quantity";
    order_set_open(instrument, taker_side, taker, report->taker_remaining);
    instrument->last_price = report->price;
    return NULL;
}

static const char *replaced(struct view_instrument *instrument,
                            const struct mr_book_order_replaced *report)
{
    uint32_t side, other;
    struct view_order *order = order_of(instrument, report->old_order, &side);
    if (order == NULL)
        return "an order is replaced that nothing is known of";
    if (report->order != report->old_order && order_of(instrument, report->order, &other) != NULL)
        return "an order takes the id of another live one";
    if (report->place == MR_BOOK_PLACE_LOST) {
        order_remove(instrument, side, order);
        struct view_order moved = {report->order, report->price, report->quantity};
        order_add(instrument, side, moved);
        return NULL;
    }
    if (order->price != report->price || order->open < report->quantity)
        return "an order keeps its place with another price or more open";
    order->id = report->order;
    order_set_open(instrument, side, order, report->quantity);
    return NULL;
}

static const char *cancelled(struct book_views *views, struct view_instrument *instrument,
                             const struct mr_book_order_cancelled *report)
{
    uint32_t side;
    struct view_order *order = order_of(instrument, report->order, &side);
    if (order == NULL)
        return "an order is cancelled that nothing is known of";
    if (order->open != report->remaining)
        return "a cancelled order had another quantity open";
    order_remove(instrument, side, order);
    views->cancelled++;
    return NULL;
}

static const char *reduced(struct view_instrument *instrument,
                           const struct mr_book_order_reduced *report)
{
    uint32_t side;
    struct view_order *order = order_of(instrument, report->order, &side);
    if (order == NULL || order->open != report->quantity + report->remaining)
        return "an order is reduced that nothing, or something else, is known of";
    if (report->remaining == 0)
        return "an order is reduced to nothing";
    order_set_open(instrument, side, order, report->remaining);
    return NULL;
}

static bool is_best(const struct view_depth *depth, int64_t price, uint64_t quantity)
{
    if (depth->count == 0)
        return price == 0 && quantity == 0;
    return depth->levels[0].price == price && depth->levels[0].quantity == quantity;
}

static const char *published(struct view_instrument *instrument,
                             const struct mr_book_top_of_book *report)
{
    instrument->top = *report;
    bool right =
        is_best(&instrument->depths[MR_BOOK_SIDE_BUY], report->bid_price, report->bid_quantity) &&
        is_best(&instrument->depths[MR_BOOK_SIDE_SELL], report->ask_price, report->ask_quantity);
    return right ? NULL : "a top of book is not that of the reports before it";
}

/* Reports that concern one instrument: NULL, or what is wrong. `id` is the one they name. */
static const char *of_instrument(struct book_views *views, uint32_t id,
                                 const union mr_book_report *report)
{
    struct view_instrument *instrument = find(views, id);
    if (instrument == NULL)
        return "a report names an instrument that was never defined";
    switch (report->any.type) {
    case MR_BOOK_ORDER_ACCEPTED:
        return accepted(instrument, &report->accepted);
    case MR_BOOK_TRADE:
        return traded(instrument, &report->trade);
    case MR_BOOK_ORDER_REPLACED:
        return replaced(instrument, &report->replaced);
    case MR_BOOK_ORDER_CANCELLED:
        return cancelled(views, instrument, &report->cancelled);
    case MR_BOOK_ORDER_REDUCED:
        return reduced(instrument, &report->reduced);
    case MR_BOOK_PHASE_CHANGED:
        instrument->phase = report->phase_changed.phase;
        return NULL;
    default:
        return published(instrument, &report->top);
    }
}

static const char *flaw_of(struct book_views *views, const union mr_book_report *report)
{
    switch (report->any.type) {
    case MR_BOOK_INSTRUMENT_DEFINED:
        return defined(views, &report->instrument_defined);
    case MR_BOOK_ORDER_ACCEPTED:
        return of_instrument(views, report->accepted.instrument, report);
    case MR_BOOK_TRADE:
        return of_instrument(views, report->trade.instrument, report);
    case MR_BOOK_ORDER_REPLACED:
        return of_instrument(views, report->replaced.instrument, report);
    case MR_BOOK_ORDER_CANCELLED:
        return of_instrument(views, report->cancelled.instrument, report);
    case MR_BOOK_ORDER_REDUCED:
        return of_instrument(views, report->reduced.instrument, report);
    case MR_BOOK_TOP_OF_BOOK:
        return of_instrument(views, report->top.instrument, report);
    case MR_BOOK_PHASE_CHANGED:
        return of_instrument(views, report->phase_changed.instrument, report);
    case MR_BOOK_ACCOUNT_BLOCKED:
        return report->account_blocked.orders == views->cancelled ? NULL : "a wrong count";
    case MR_BOOK_ORDERS_CANCELLED:
        return report->orders_cancelled.orders == views->cancelled ? NULL : "a wrong count";
    default:
        return NULL; /* nothing that rests has changed */
    }
}

bool book_views_report(struct book_views *views, const union mr_book_report *report)
{
    const char *flaw = flaw_of(views, report);
    if (flaw != NULL)
        views->flaw = flaw;
    return flaw == NULL;
}
