#include "tools/market.h"

#include "base/assert.h"

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

void market_rest(struct market_instrument *instrument, const struct market_order *order)
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

/* From the other side's best level on, all levels are the other side's. */
bool market_can_fill(const struct market_instrument *instrument, uint32_t side, uint32_t limit,
                     uint32_t quantity)
{
    uint32_t other = !side;
    if (instrument->words[other] == 0)
        return false;
    uint32_t level = market_best(instrument, other);
    while (level < MARKET_LEVELS && reaches(side, limit, level)) {
        uint32_t slot = instrument->levels[level].first;
        for (; slot != MARKET_NONE; slot = instrument->orders[slot].next) {
            if (instrument->orders[slot].open >= quantity)
                return true;
            quantity -= instrument->orders[slot].open;
        }
        level += other == MARKET_BUY ? UINT32_MAX : 1; /* below level 0 it is out of range, too */
    }
    return false;
}

uint32_t market_trade(struct market_instrument *instrument, uint32_t side, uint32_t limit,
                      uint32_t quantity)
{
    uint32_t other = !side;
    while (quantity > 0 && instrument->words[other] != 0) {
        uint32_t level = market_best(instrument, other);
        if (!reaches(side, limit, level))
            break;
        uint32_t slot = instrument->levels[level].first;
        struct market_order *maker = &instrument->orders[slot];
        uint32_t traded = maker->open < quantity ? maker->open : quantity;
        quantity -= traded;
        maker->open -= traded;
        maker->filled += traded;
        if (maker->open == 0)
            market_remove(instrument, slot);
    }
    return quantity;
}
