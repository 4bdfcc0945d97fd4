#include "tools/expiries.h"

#include "base/assert.h"

#include <stdlib.h>

/* Besides those that live, as many that do not, before they are cleared away. */
enum { ROOM_BESIDES = 1024 };

bool expiries_init(struct expiries *expiries, uint64_t orders)
{
    *expiries = (struct expiries){0};
    if (orders == 0)
        return true;
    expiries->limit = (uint32_t)(2 * orders + ROOM_BESIDES);
    expiries->heap = calloc(expiries->limit, sizeof *expiries->heap);
    return expiries->heap != NULL;
}

void expiries_free(struct expiries *expiries)
{
    free(expiries->heap);
    *expiries = (struct expiries){0};
}

/* False: the order is gone, or has come to another slot. (A free slot keeps what was in it.) */
static bool is_live(const struct market_instrument *instruments, const struct expiry *expiry)
{
    const struct market_instrument *instrument = &instruments[expiry->instrument];
    const struct market_order *order = &instrument->orders[expiry->slot];
    return order->expiry == expiry->number && order->place < instrument->resting &&
           instrument->slots[order->place] == expiry->slot;
}

static void sink(struct expiries *expiries, uint32_t at, struct expiry expiry)
{
    struct expiry *heap = expiries->heap;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= expiries->count)
            break;
        if (child + 1 < expiries->count && heap[child + 1].time_ns < heap[child].time_ns)
            child++;
        if (heap[child].time_ns >= expiry.time_ns)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = expiry;
}

/* Keeps only those that live. */
static void clear_away(struct expiries *expiries, const struct market_instrument *instruments)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < expiries->count; i++) {
        if (is_live(instruments, &expiries->heap[i]))
            expiries->heap[kept++] = expiries->heap[i];
    }
    expiries->count = kept;
    for (uint32_t at = kept / 2; at > 0; at--)
        sink(expiries, at - 1, expiries->heap[at - 1]);
}

void expiries_add(struct expiries *expiries, struct market_instrument *instruments,
                  uint32_t instrument, uint32_t slot)
{
    struct market_order *order = &instruments[instrument].orders[slot];
    const struct expiry expiry = {order->expires_ns, ++expiries->last, instrument, slot};
    order->expiry = expiry.number;
    if (expiries->count == expiries->limit)
        clear_away(expiries, instruments);
    ASSERT(expiries->count < expiries->limit);
    uint32_t at = expiries->count++;
    while (at > 0 && expiries->heap[(at - 1) / 2].time_ns > expiry.time_ns) {
        expiries->heap[at] = expiries->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    expiries->heap[at] = expiry;
}

void expiries_apply(struct expiries *expiries, struct market_instrument *instruments,
                    uint64_t time_ns)
{
    while (expiries->count > 0 && expiries->heap[0].time_ns <= time_ns) {
        struct expiry due = expiries->heap[0];
        expiries->count--;
        sink(expiries, 0, expiries->heap[expiries->count]);
        if (is_live(instruments, &due))
            market_remove(&instruments[due.instrument], due.slot);
    }
}
