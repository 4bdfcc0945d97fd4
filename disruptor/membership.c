/*
 * Who is in a ring, and how somebody joins or leaves while others produce and consume.
 *
 * Producers watch the consumers of the set `gating`. Their look (mr_ring_slowest) is a pair with
 * whoever changes the set:
 *
 *     a producer                                  somebody joins
 *     reads version                               1. puts its cursor where it cannot be too far on
 *     reads gating                                2. adds itself to gating, raises version
 *     reads the cursors of the set: the slowest   3. fence
 *     fence                                       4. reads cursors: where it begins, moves there
 *     reads version: if it changed, once more
 *
 * A look that missed the newcomer read its second version before (2); so (4) reads cursors at least
 * as far on as that look did. The newcomer begins at one of them or beyond, never below what the
 * look took for the slowest, and the producer cannot reach what the newcomer still has to handle.
 * A look that did not miss it is held by (1). tests/models/joining.pml checks this.
 *
 * Leaving needs no more than a set without it: an old set holds producers back for one look. The
 * cursor of who left may be given to somebody else at once: a look that mixed the two has seen two
 * versions. LMAX's SequenceGroups solve the same problem by an array of sequences that is exchanged
 * whole, and by setting the newcomer's sequence twice.
 */
#include "disruptor/membership.h"
#include "base/assert.h"
#include "disruptor/backoff.h"

#include <sched.h>
#include <string.h>

/* In order of the bits: a worker pool has its shared cursor before those of its workers
 * (disruptor/pool.c says why). */
uint64_t mr_ring_slowest_of(const struct mr_ring *ring, uint64_t set)
{
    /* Acquire: pairs with the release in mr_consumer_release. */
    uint64_t slowest = mr_atomic_load(&ring->cursors[__builtin_ctzll(set)].position, acquire);
    for (set &= set - 1; set != 0; set &= set - 1) {
        uint64_t position = mr_atomic_load(&ring->cursors[__builtin_ctzll(set)].position, acquire);
        if (mr_position_ahead(slowest, position) > 0)
            slowest = position;
    }
    return slowest;
}

/* Pairs with the fence in mr_ring_slowest. ThreadSanitizer does not know fences; in its builds the
 * read-modify-writes of the version, there and in gating_set, order the same. */
static void fence(void)
{
#ifndef MR_THREAD_SANITIZER
    mr_atomic_fence(seq_cst);
#endif
}

/* Whether the version is still `version`, behind a fence: a thread that consumes and produces must
 * not let a release of its own come after this reading. */
static bool version_is_still(const struct mr_ring *ring, uint32_t version)
{
#ifdef MR_THREAD_SANITIZER
    MR_ATOMIC(uint32_t) *counter = (void *)(uintptr_t)&ring->version;
    return mr_atomic_fetch_add(counter, 0U, acq_rel) == version;
#else
    mr_atomic_fence(seq_cst); /* pairs with that in join */
    return mr_atomic_load(&ring->version, relaxed) == version;
#endif
}

uint64_t mr_ring_slowest(const struct mr_ring *ring)
{
    for (;;) {
        /* Acquire: pairs with the release in gating_set. */
        uint32_t version = mr_atomic_load(&ring->version, acquire);
        uint64_t set = mr_atomic_load(&ring->gating, acquire);
        uint64_t slowest =
            set == 0 ? mr_atomic_load(&ring->floor, acquire) : mr_ring_slowest_of(ring, set);
        if (version_is_still(ring, version))
            return slowest;
    }
}

/* -- Changing the set; one thread at a time. --------------------------------------------------- */

static void change_begin(struct mr_ring *ring)
{
    uint32_t free = 0;
    /* Acquire: pairs with the release in change_end. */
    while (!mr_atomic_compare_exchange(&ring->changing, &free, 1U, acquire)) {
        free = 0;
        sched_yield();
    }
}

static void change_end(struct mr_ring *ring, bool changed)
{
    mr_atomic_store(&ring->changing, 0U, release);
    /* A producer may sleep because of a cursor that has moved or gone without a release: that of
     * who left, or the one at which a newcomer stood for a moment. */
    if (changed && ring->wakes_others)
        mr_park_wake(&ring->release);
}

static void gating_set(struct mr_ring *ring, uint64_t set)
{
    /* Release, both: pair with the acquires in mr_ring_slowest. */
    mr_atomic_store(&ring->gating, set, release);
    mr_atomic_fetch_add(&ring->version, 1U, acq_rel);
}

/* Whom producers must watch: the members that nobody comes after, and in any case the workers of
 * pools, since a newcomer behind a pool may stand before what they have in hand. */
static uint64_t watched(const struct mr_ring *ring)
{
    uint64_t followed = 0;
    for (uint64_t set = ring->members; set != 0; set &= set - 1)
        followed |= ring->after[__builtin_ctzll(set)];
    return (ring->members & ~followed) | ring->workers;
}

/* Where a newcomer begins, by the cursors of now; `gating`: without it. The cursors of a pool's
 * workers do not count, that of the pool does: a worker may for a moment seem to stand where
 * producers have long been again. */
static uint64_t beginning(const struct mr_ring *ring, uint64_t after, uint64_t gating,
                          bool from_oldest)
{
    if (gating == 0)
        return mr_atomic_load(&ring->floor, relaxed);
    if (from_oldest)
        return mr_ring_slowest_of(ring, gating & ~ring->workers);
    if (after != 0)
        return mr_ring_slowest_of(ring, after & ~ring->workers);
    return mr_ring_cursor(ring);
}

static int after_set(const struct mr_ring *ring, const struct mr_consumer_options *options,
                     uint64_t *set, struct mr_error *error)
{
    *set = 0;
    for (uint32_t i = 0; i < options->after_count; i++) {
        const struct mr_consumer *other = options->after[i];
        if (other->ring != ring || (ring->members >> other->index & 1) == 0)
            return mr_error_set(error, MR_E_INVALID,
                                "ring: consumer %u of those to come after is not in this ring", i);
        *set |= UINT64_C(1) << other->index;
    }
    return MR_OK;
}

static void consumer_init(struct mr_consumer *consumer, struct mr_ring *ring, uint32_t index,
                          uint64_t after, const struct mr_consumer_options *options)
{
    memset(consumer, 0, sizeof *consumer);
    consumer->ring = ring;
    consumer->index = index;
    consumer->cursor = &ring->cursors[index];
    consumer->after = after;
    consumer->batch_max = options->batch_max == 0 ? UINT64_MAX : options->batch_max;
    consumer->wait = options->wait == NULL ? ring->consumer_wait : *options->wait;
    consumer->park = after == 0 ? &ring->publication : &ring->release;
    if (after == 0 ? !ring->wakes_consumers : !ring->wakes_others)
        consumer->park = NULL; /* nobody would wake it: it naps instead of parking */
}

enum { NO_RUN = MR_RING_CONSUMERS_MAX };

/* The lowest of `count` free cursors next to one another, or NO_RUN. */
static uint32_t free_run(const struct mr_ring *ring, uint32_t count)
{
    uint64_t run = count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    for (uint32_t i = 0; i + count <= MR_RING_CONSUMERS_MAX; i++)
        if ((ring->members & run << i) == 0)
            return i;
    return NO_RUN;
}

/* Puts the first of a body, and with it all, into the set, as told at the head of this file. */
static void join(struct mr_ring *ring, struct mr_consumer *const *consumers, uint32_t count,
                 bool from_oldest)
{
    struct mr_consumer *first = consumers[0];
    uint64_t gating = mr_atomic_load(&ring->gating, relaxed);
    uint64_t position = beginning(ring, first->after, gating, from_oldest);
    /* Release, here and below: who reads the cursor that somebody had before must also see the
     * version that it left behind. */
    mr_atomic_store(&first->cursor->position, position, release);
    for (uint32_t i = 0; i < count; i++) {
        ASSERT(consumers[i]->index < MR_RING_CONSUMERS_MAX);
        ring->members |= UINT64_C(1) << consumers[i]->index;
        ring->after[consumers[i]->index] = first->after;
        if (i == 0)
            continue;
        ring->workers |= UINT64_C(1) << consumers[i]->index;
        mr_atomic_store(&consumers[i]->cursor->position, position + MR_CURSOR_IDLE_AHEAD, release);
    }
    gating_set(ring, gating | UINT64_C(1) << first->index);
    fence();
    position = beginning(ring, first->after, gating, from_oldest);
    for (uint32_t i = 0; i < count; i++)
        consumers[i]->available = position;
    mr_atomic_store(&first->cursor->position, position, release);
    gating_set(ring, watched(ring));
}

int mr_ring_join(struct mr_ring *ring, struct mr_consumer *const *consumers, uint32_t count,
                 const struct mr_consumer_options *options, struct mr_error *error)
{
    uint64_t after;
    if (options->wait != NULL && !mr_wait_is_valid(options->wait))
        return mr_error_set(error, MR_E_INVALID, "ring: %d is no way to wait",
                            (int)options->wait->kind);
    change_begin(ring);
    int status = after_set(ring, options, &after, error);
    uint32_t index = free_run(ring, count);
    if (status == MR_OK && index == NO_RUN)
        status = mr_error_set(error, MR_E_LIMIT, "ring: it can have %d consumers, not %u more",
                              MR_RING_CONSUMERS_MAX, count);
    if (status == MR_OK) {
        for (uint32_t i = 0; i < count; i++)
            consumer_init(consumers[i], ring, index + i, after, options);
        join(ring, consumers, count, options->from_oldest);
    }
    change_end(ring, status == MR_OK);
    return status;
}

int mr_ring_consumer_add(struct mr_ring *ring, struct mr_consumer *consumer,
                         const struct mr_consumer_options *options, struct mr_error *error)
{
    static const struct mr_consumer_options plain;
    return mr_ring_join(ring, &consumer, 1, options == NULL ? &plain : options, error);
}

/* Whether a member outside of `set` comes after one of it. */
static bool is_followed(const struct mr_ring *ring, uint64_t set)
{
    for (uint64_t others = ring->members & ~set; others != 0; others &= others - 1)
        if ((ring->after[__builtin_ctzll(others)] & set) != 0)
            return true;
    return false;
}

static void leave(struct mr_ring *ring, struct mr_consumer *const *consumers, uint32_t count,
                  uint64_t set)
{
    ring->members &= ~set;
    ring->workers &= ~set;
    if (ring->members == 0)
        mr_atomic_store(&ring->floor, mr_ring_slowest_of(ring, set), release);
    for (uint32_t i = 0; i < count; i++) {
        struct mr_consumer *consumer = consumers[i];
        ring->after[consumer->index] = 0;
        consumer->left_at = mr_atomic_load(&consumer->cursor->position, relaxed);
        consumer->cursor = NULL;
        consumer->ring = NULL;
    }
    gating_set(ring, watched(ring));
}

int mr_ring_leave(struct mr_consumer *const *consumers, uint32_t count, struct mr_error *error)
{
    struct mr_ring *ring = consumers[0]->ring;
    uint64_t set = 0;
    if (ring == NULL)
        return mr_error_set(error, MR_E_INVALID, "ring: the consumer is in no ring");
    change_begin(ring);
    for (uint32_t i = 0; i < count; i++)
        set |= UINT64_C(1) << consumers[i]->index;
    ASSERT((ring->members & set) == set);
    int status = MR_OK;
    if (is_followed(ring, set))
        status = mr_error_set(error, MR_E_INVALID,
                              "ring: others come after this consumer; remove those first");
    else
        leave(ring, consumers, count, set);
    change_end(ring, status == MR_OK);
    return status;
}

int mr_ring_consumer_remove(struct mr_consumer *consumer, struct mr_error *error)
{
    return mr_ring_leave(&consumer, 1, error);
}
