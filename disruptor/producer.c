#include "base/clock.h"
#include "disruptor/backoff.h"

#include <millrace/disruptor.h>

/* Whether `count` positions from `claimed` fit, looking at the consumers only when the cached gate
 * does not tell. Signed: `claimed` may be out of date when there are several producers, and then
 * even behind the gate; such a claim fails later, when `claimed` is exchanged. */
static bool has_room(struct mr_ring *ring, uint64_t claimed, uint32_t count)
{
    int64_t capacity = (int64_t)mr_ring_capacity(ring);
    /* Acquire: pairs with the release below. What another producer saw consumers release, we see.
     */
    uint64_t gate = mr_atomic_load(&ring->gate, acquire);
    if (mr_position_ahead(claimed + count, gate) <= capacity)
        return true;
    /* Acquires what the consumers released: they have read the slots before we write them. */
    gate = mr_ring_slowest(ring);
    /* Release: pairs with the acquire above. A slower producer may put an older gate over a newer
     * one, which costs another look and nothing else. */
    mr_atomic_store(&ring->gate, gate, release);
    if (!ring->shared)
        mr_atomic_store(&ring->room_end, gate + mr_ring_capacity(ring), relaxed);
    return mr_position_ahead(claimed + count, gate) <= capacity;
}

/* Claims, or changes nothing. */
static bool claim(struct mr_ring *ring, uint32_t count, uint64_t *first)
{
    uint64_t claimed = mr_atomic_load(&ring->claimed, relaxed);
    for (;;) {
        if (!has_room(ring, claimed, count))
            return false;
        if (!ring->shared) {
            mr_atomic_store(&ring->claimed, claimed + count, relaxed);
            break;
        }
        /* Relaxed is enough: a claim hands over no data. Room comes from the gate, contents go
         * through the marks. */
        if (mr_atomic_compare_exchange(&ring->claimed, &claimed, claimed + count, relaxed))
            break;
    }
    *first = claimed;
    return true;
}

int mr_ring_try_claim_slow(struct mr_ring *ring, uint32_t count, uint64_t *first)
{
    if (count == 0 || count > mr_ring_capacity(ring))
        return MR_E_LIMIT;
    if (claim(ring, count, first))
        return MR_OK;
    mr_atomic_fetch_add(&ring->refused, 1U, relaxed);
    return MR_AGAIN;
}

int mr_ring_claim_wait(struct mr_ring *ring, uint32_t count, const struct mr_wait *wait,
                       uint64_t *first)
{
    if (!mr_wait_is_valid(wait))
        return MR_E_INVALID;
    if (count == 0 || count > mr_ring_capacity(ring))
        return MR_E_LIMIT;
    if (claim(ring, count, first))
        return MR_OK;

    uint64_t began_ns = mr_monotonic_ns();
    struct mr_backoff backoff = mr_backoff_begin(wait, ring->wakes_others ? &ring->release : NULL);
    int status = MR_AGAIN;
    mr_atomic_fetch_add(&ring->stalls, 1U, relaxed);
    for (bool in_time = true; in_time && status == MR_AGAIN;) {
        bool halted = mr_ring_halted(ring);
        if (!halted)
            in_time = mr_backoff_pause(&backoff);
        if (claim(ring, count, first))
            status = MR_OK;
        else if (halted)
            status = MR_E_HALTED;
    }
    mr_atomic_fetch_add(&ring->stalled_ns, mr_monotonic_ns() - began_ns, relaxed);
    return status;
}

/* -- A producer of its own. -------------------------------------------------------------------- */

struct mr_claim mr_producer_claim_slow(struct mr_ring *ring, uint32_t count, struct mr_wait wait,
                                       bool waits)
{
    struct mr_claim claim = {.first = 0};
    claim.status = mr_ring_try_claim_slow(ring, count, &claim.first);
    if (claim.status == MR_AGAIN && waits)
        claim.status = mr_ring_claim_wait(ring, count, &wait, &claim.first);
    claim.room_end = mr_atomic_load(&ring->room_end, relaxed);
    return claim;
}
