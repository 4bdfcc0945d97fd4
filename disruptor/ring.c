#include "base/assert.h"
#include "base/bits.h"
#include "base/limits.h"
#include "disruptor/backoff.h"

#include <millrace/disruptor.h>

#include <stdio.h>
#include <string.h>

_Static_assert((int)MR_RING_PADDING == (int)MR_PADDING, "one distance between cursors");
_Static_assert(sizeof(MR_ATOMIC(uint64_t)) == sizeof(uint64_t), "C++ lays it out likewise");

/* -- Setting up. ------------------------------------------------------------------------------- */

static bool options_valid(const struct mr_ring_options *options)
{
    return mr_is_power_of_two(options->capacity) && options->capacity <= MR_RING_CAPACITY_MAX &&
           options->slot_size > 0 &&
           (options->producers == MR_PRODUCER_SINGLE || options->producers == MR_PRODUCER_MULTI) &&
           (options->wait == MR_WAIT_SPIN || options->wait == MR_WAIT_YIELD ||
            options->wait == MR_WAIT_PARK);
}

/* The marks lie behind the slots, on lines of their own. */
static size_t slots_size(const struct mr_ring_options *options)
{
    return mr_align_up(options->capacity * options->slot_size, MR_RING_PADDING);
}

static size_t marks_size(const struct mr_ring_options *options)
{
    if (options->producers == MR_PRODUCER_SINGLE)
        return 0;
    return mr_align_up(options->capacity * sizeof(uint32_t), MR_RING_PADDING);
}

size_t mr_ring_memory_size(const struct mr_ring_options *options)
{
    return options_valid(options) ? slots_size(options) + marks_size(options) : 0;
}

/* A slot's mark is the round of its last publication; rounds count modulo 2^32. At first every slot
 * carries the round before the one in which it is used first. */
static void marks_init(struct mr_ring *ring)
{
    for (uint64_t i = 0; i <= ring->mask; i++) {
        uint64_t position = ring->first_position + i;
        atomic_init(&ring->marks[position & ring->mask], mr_ring_round(ring, position) - 1);
    }
}

int mr_ring_init(struct mr_ring *ring, const struct mr_ring_options *options,
                 struct mr_error *error)
{
    if (!options_valid(options))
        return mr_error_set(error, MR_E_INVALID,
                            "ring: capacity %llu must be a power of two up to 2^30, slot_size %u "
                            "positive, producers %d and wait %d enumerators",
                            (unsigned long long)options->capacity, options->slot_size,
                            (int)options->producers, (int)options->wait);
    if (options->memory == NULL || (uintptr_t)options->memory % MR_RING_PADDING != 0)
        return mr_error_set(error, MR_E_INVALID, "ring: memory %p must be aligned to %d bytes",
                            options->memory, MR_RING_PADDING);

    memset(ring, 0, sizeof *ring);
    ring->slots = options->memory;
    ring->mask = options->capacity - 1;
    ring->stride = options->slot_size;
    ring->first_position = options->first_position;
    ring->round_shift = mr_log2(options->capacity);
    ring->wait = options->wait;
    ring->parks = options->wait == MR_WAIT_PARK;
    atomic_init(&ring->cursor, options->first_position);
    atomic_init(&ring->claimed, options->first_position);
    atomic_init(&ring->gate, options->first_position);
    if (options->producers == MR_PRODUCER_MULTI) {
        ring->marks = (void *)(ring->slots + slots_size(options));
        marks_init(ring);
    }
    return MR_OK;
}

/* Takes `consumer` off the list of those whom the producers watch: somebody comes after it now. */
static void gating_remove(struct mr_ring *ring, const struct mr_consumer *consumer)
{
    for (struct mr_consumer **link = &ring->gating; *link != NULL; link = &(*link)->gating_next) {
        if (*link == consumer) {
            *link = consumer->gating_next;
            return;
        }
    }
}

int mr_ring_consumer_add(struct mr_ring *ring, struct mr_consumer *consumer,
                         struct mr_consumer *const *after, uint32_t after_count,
                         struct mr_error *error)
{
    if (mr_atomic_load(&ring->claimed, relaxed) != ring->first_position)
        return mr_error_set(error, MR_E_INVALID,
                            "ring: a consumer must be added before the first claim");
    if (after_count > MR_CONSUMER_AFTER_MAX)
        return mr_error_set(error, MR_E_LIMIT, "ring: a consumer can come after %d others, not %u",
                            MR_CONSUMER_AFTER_MAX, after_count);
    for (uint32_t i = 0; i < after_count; i++)
        if (after[i] == consumer || after[i]->ring != ring)
            return mr_error_set(error, MR_E_INVALID,
                                "ring: consumer %u of those to come after is not in this ring", i);

    memset(consumer, 0, sizeof *consumer);
    atomic_init(&consumer->position, ring->first_position);
    consumer->available = ring->first_position;
    consumer->ring = ring;
    consumer->park = after_count == 0 ? &ring->published : &ring->released;
    consumer->after_count = after_count;
    for (uint32_t i = 0; i < after_count; i++) {
        consumer->after[i] = after[i];
        gating_remove(ring, after[i]);
    }
    consumer->gating_next = ring->gating;
    ring->gating = consumer;
    return MR_OK;
}

/* -- Producers. -------------------------------------------------------------------------------- */

uint64_t mr_ring_slowest(const struct mr_ring *ring)
{
    if (ring->gating == NULL)
        return ring->first_position;
    uint64_t slowest = mr_consumer_position(ring->gating);
    for (const struct mr_consumer *c = ring->gating->gating_next; c != NULL; c = c->gating_next) {
        uint64_t position = mr_consumer_position(c);
        if (mr_position_ahead(slowest, position) > 0)
            slowest = position;
    }
    return slowest;
}

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
    return mr_position_ahead(claimed + count, gate) <= capacity;
}

bool mr_ring_try_claim_slow(struct mr_ring *ring, uint32_t count, uint64_t *first)
{
    ASSERT(count <= mr_ring_capacity(ring));

    uint64_t claimed = mr_atomic_load(&ring->claimed, relaxed);
    for (;;) {
        if (!has_room(ring, claimed, count))
            return false;
        if (ring->marks == NULL) {
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

bool mr_ring_claim_wait(struct mr_ring *ring, uint32_t count, uint64_t *first)
{
    struct mr_backoff backoff = mr_backoff_of(ring->wait, &ring->released);
    while (!mr_ring_try_claim_slow(ring, count, first)) {
        if (mr_ring_halted(ring))
            return false;
        mr_backoff_pause(&backoff);
    }
    return true;
}

/* -- All of the ring. -------------------------------------------------------------------------- */

uint64_t mr_ring_cursor(const struct mr_ring *ring)
{
    if (ring->marks == NULL)
        /* Acquire: pairs with the release in mr_ring_publish. */
        return mr_atomic_load(&ring->cursor, acquire);
    /* All below the slowest consumer is published: look from there, and not forever if the
     * producers are as fast as we. */
    uint64_t cursor = mr_ring_slowest(ring);
    uint64_t claimed = mr_atomic_load(&ring->claimed, relaxed);
    while (mr_position_ahead(claimed, cursor) > 0 && mr_ring_marked(ring, cursor))
        cursor++;
    return cursor;
}

void mr_ring_halt(struct mr_ring *ring)
{
    /* Release: pairs with the acquire in mr_ring_halted. */
    mr_atomic_store(&ring->halted, 1U, release);
    mr_park_wake(&ring->published);
    mr_park_wake(&ring->released);
}

bool mr_ring_halted(const struct mr_ring *ring)
{
    /* Acquire: pairs with the release in mr_ring_halt. */
    return mr_atomic_load(&ring->halted, acquire) != 0;
}

void mr_ring_rule_broken(const char *rule)
{
    mr_assert_failed(rule, __FILE__, __LINE__);
}
