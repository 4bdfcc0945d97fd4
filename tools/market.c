#include "tools/market.h"

#include "base/assert.h"

#include <millrace/book.h>

#include <stddef.h>

void market_init(struct market_instrument *instrument, struct market_order *orders, uint32_t *slots,
                 uint32_t depth)
{
    *instrument = (struct market_instrument){.orders = orders, .slots = slots, .depth = depth};
    for (uint32_t i = 0; i < MARKET_LEVELS; i++)
        instrument->levels[i] = (struct market_level){MARKET_NONE, MARKET_NONE};
    for (uint32_t i = 0; i < depth; i++)
        slots[i] = i;
}

static bool reaches(uint32_t side, uint32_t limit, uint32_t level)
{
    return side == MARKET_BUY ? level <= limit : level >= limit;
}

static void level_mark(struct market_instrument *instrument, uint32_t side, uint32_t level)
{
    instrument->used[side][level / 64] |= UINT64_C(1) << level % 64;
    instrument->words[side] |= 1U << level / 64;
}

static void level_clear(struct market_instrument *instrument, uint32_t side, uint32_t level)
{
    uint64_t *word = &instrument->used[side][level / 64];
    *word &= ~(UINT64_C(1) << level % 64);
    if (*word == 0)
        instrument->words[side] &= ~(1U << level / 64);
}

uint32_t market_rest(struct market_instrument *instrument, const struct market_order *order)
{
    ASSERT(instrument->resting < instrument->depth);
    ASSERT(order->open > 0 && order->level < MARKET_LEVELS);
    uint32_t place = instrument->resting++;
    uint32_t slot = instrument->slots[place];
    struct market_level *level = &instrument->levels[order->level];
    struct market_order *own = &instrument->orders[slot];
    *own = *order;
    own->place = place;
    own->next = MARKET_NONE;
    own->previous = level->last;
    if (level->last == MARKET_NONE) {
        level->first = slot;
        level_mark(instrument, order->side, order->level);
    } else {
        instrument->orders[level->last].next = slot;
    }
    level->last = slot;
    instrument->resting_of[order->side]++;
    return slot;
}

void market_remove(struct market_instrument *instrument, uint32_t slot)
{
    struct market_order *orders = instrument->orders;
    const struct market_order *order = &orders[slot];
    struct market_level *level = &instrument->levels[order->level];
    if (order->previous == MARKET_NONE)
        level->first = order->next;
    else
        orders[order->previous].next = order->next;
    if (order->next == MARKET_NONE)
        level->last = order->previous;
    else
        orders[order->next].previous = order->previous;
    if (level->first == MARKET_NONE)
        level_clear(instrument, order->side, order->level);

    /* The last live one takes its place in the list of slots. */
    uint32_t last = instrument->slots[--instrument->resting];
    orders[last].place = order->place;
    instrument->slots[order->place] = last;
    instrument->slots[instrument->resting] = slot;
    instrument->resting_of[order->side]--;
    instrument->gone = order->id;
}

bool market_crosses(const struct market_instrument *instrument, uint32_t side, uint32_t level)
{
    return instrument->words[!side] != 0 && reaches(side, level, market_best(instrument, !side));
}

/* Whether self-trade prevention comes between the two. */
static bool is_own(const struct market_order *taker, const struct market_order *maker)
{
    return taker->stp > MR_BOOK_STP_ALLOW && taker->account == maker->account;
}

/* From the other side's best level on, all levels are the other side's. */
bool market_can_fill(const struct market_instrument *instrument, const struct market_order *taker,
                     uint32_t limit, uint32_t quantity, uint32_t fills_max)
{
    uint32_t other = !taker->side, looked_at = 0;
    if (instrument->words[other] == 0)
        return false;
    uint32_t level = market_best(instrument, other);
    while (level < MARKET_LEVELS && reaches(taker->side, limit, level)) {
        uint32_t slot = instrument->levels[level].first;
        for (; slot != MARKET_NONE; slot = instrument->orders[slot].next) {
            const struct market_order *maker = &instrument->orders[slot];
            if (looked_at++ == fills_max)
                return false;
            if (is_own(taker, maker)) {
                if (taker->stp != MR_BOOK_STP_CANCEL_OLDEST)
                    return false;
                continue;
            }
            if (maker->open >= quantity)
                return true;
            quantity -= maker->open;
        }
        level += other == MARKET_BUY ? UINT32_MAX : 1; /* below level 0 it is out of range, too */
    }
    return false;
}

/* Two orders of one account meet. False: the incoming one is cancelled. */
static bool prevent(struct market_instrument *instrument, struct market_order *taker, uint32_t slot)
{
    struct market_order *maker = &instrument->orders[slot];
    uint32_t least = maker->open < taker->open ? maker->open : taker->open;
    switch ((enum mr_book_stp)taker->stp) {
    case MR_BOOK_STP_CANCEL_OLDEST:
        market_remove(instrument, slot);
        return true;
    case MR_BOOK_STP_CANCEL_BOTH:
        market_remove(instrument, slot);
        return false;
    case MR_BOOK_STP_DECREMENT:
        taker->open -= least;
        maker->open -= least;
        if (maker->open == 0)
            market_remove(instrument, slot);
        return taker->open > 0;
    case MR_BOOK_STP_CANCEL_NEWEST:
    case MR_BOOK_STP_ACCOUNT:
    case MR_BOOK_STP_ALLOW:
        break;
    }
    return false;
}

static void fill(struct market_instrument *instrument, struct market_order *taker, uint32_t slot)
{
    struct market_order *maker = &instrument->orders[slot];
    uint32_t traded = maker->open < taker->open ? maker->open : taker->open;
    taker->open -= traded;
    taker->filled += traded;
    maker->open -= traded;
    maker->filled += traded;
    instrument->traded = maker->level;
    if (maker->open == 0)
        market_remove(instrument, slot);
}

bool market_trade(struct market_instrument *instrument, struct market_order *taker, uint32_t limit,
                  uint32_t fills_max)
{
    for (uint32_t met = 0; taker->open > 0 && market_crosses(instrument, taker->side, limit);
         met++) {
        uint32_t slot = instrument->levels[market_best(instrument, !taker->side)].first;
        if (met == fills_max)
            return false;
        if (!is_own(taker, &instrument->orders[slot]))
            fill(instrument, taker, slot);
        else if (!prevent(instrument, taker, slot))
            return false;
    }
    return true;
}
