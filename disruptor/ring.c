#include "base/assert.h"
#include "base/bits.h"
#include "base/limits.h"
#include "disruptor/backoff.h"

#include <millrace/disruptor.h>

#include <string.h>

_Static_assert((int)MR_RING_PADDING == (int)MR_PADDING, "one distance between cursors");
_Static_assert(sizeof(MR_ATOMIC(uint64_t)) == sizeof(uint64_t), "C++ lays it out likewise");

/* -- Setting up. ------------------------------------------------------------------------------- */

static bool options_valid(const struct mr_ring_options *options)
{
    return mr_is_power_of_two(options->capacity) && options->capacity <= MR_RING_CAPACITY_MAX &&
           options->slot_size > 0 &&
           (options->producers == MR_PRODUCER_SINGLE || options->producers == MR_PRODUCER_MULTI) &&
           (options->layout == MR_RING_THROUGHPUT || options->layout == MR_RING_LATENCY) &&
           mr_wait_is_valid(&options->producer_wait) && mr_wait_is_valid(&options->consumer_wait);
}

/* In the latency layout the mark ends the slot's last line. */
static size_t slot_stride(const struct mr_ring_options *options)
{
    if (options->layout == MR_RING_THROUGHPUT)
        return options->slot_size;
    return mr_align_up((uint64_t)options->slot_size + sizeof(uint32_t), MR_CACHE_LINE);
}

static size_t slots_size(const struct mr_ring_options *options)
{
    return mr_align_up(options->capacity * slot_stride(options), MR_RING_PADDING);
}

/* In the throughput layout the marks, if any, lie behind the slots, on lines of their own. */
static size_t marks_size(const struct mr_ring_options *options)
{
    if (options->layout == MR_RING_LATENCY || options->producers == MR_PRODUCER_SINGLE)
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
        atomic_init(mr_ring_mark(ring, position), mr_ring_round(ring, position) - 1);
    }
}

static void marks_place(struct mr_ring *ring, const struct mr_ring_options *options)
{
    if (ring->layout == MR_RING_LATENCY) {
        ring->mark_stride = ring->stride;
        ring->marks = ring->slots + ring->stride - sizeof(uint32_t);
    } else if (ring->shared) {
        ring->mark_stride = sizeof(uint32_t);
        ring->marks = ring->slots + slots_size(options);
    }
    if (ring->marks != NULL)
        marks_init(ring);
}

int mr_ring_init(struct mr_ring *ring, const struct mr_ring_options *options,
                 struct mr_error *error)
{
    if (!options_valid(options))
        return mr_error_set(error, MR_E_INVALID,
                            "ring: capacity %llu must be a power of two up to 2^30, slot_size %u "
                            "positive, producers %d, layout %d, waits %d and %d enumerators",
                            (unsigned long long)options->capacity, options->slot_size,
                            (int)options->producers, (int)options->layout,
                            (int)options->producer_wait.kind, (int)options->consumer_wait.kind);
    if (options->memory == NULL || (uintptr_t)options->memory % MR_RING_PADDING != 0)
        return mr_error_set(error, MR_E_INVALID, "ring: memory %p must be aligned to %d bytes",
                            options->memory, MR_RING_PADDING);

    memset(ring, 0, sizeof *ring);
    ring->slots = options->memory;
    ring->mask = options->capacity - 1;
    ring->stride = slot_stride(options);
    ring->first_position = options->first_position;
    ring->round_shift = mr_log2(options->capacity);
    ring->shared = options->producers == MR_PRODUCER_MULTI;
    ring->layout = options->layout;
    ring->producer_wait = options->producer_wait;
    ring->consumer_wait = options->consumer_wait;
    ring->wakes_consumers = options->consumer_wait.kind == MR_WAIT_PARK;
    ring->wakes_others = ring->wakes_consumers || options->producer_wait.kind == MR_WAIT_PARK;
    atomic_init(&ring->published, options->first_position);
    atomic_init(&ring->claimed, options->first_position);
    atomic_init(&ring->gate, options->first_position);
    /* Behind the claims of several producers by so much that no stream is long enough to see it. */
    atomic_init(&ring->room_end,
                options->first_position + (ring->shared ? UINT64_MAX : options->capacity));
    atomic_init(&ring->floor, options->first_position);
    marks_place(ring, options);
    ring->publishes_plainly = ring->marks == NULL && !ring->wakes_consumers;
    return MR_OK;
}

/* -- All of the ring. -------------------------------------------------------------------------- */

uint64_t mr_ring_cursor(const struct mr_ring *ring)
{
    if (ring->marks == NULL)
        /* Acquire: pairs with the release in mr_ring_publish. */
        return mr_atomic_load(&ring->published, acquire);
    /* All below the slowest consumer is published, as is what lies a whole ring back: look from
     * there, and not forever if the producers are as fast as we. */
    uint64_t cursor = mr_ring_slowest(ring);
    uint64_t claimed = mr_atomic_load(&ring->claimed, relaxed);
    if (mr_position_ahead(claimed, cursor) > (int64_t)mr_ring_capacity(ring))
        cursor = claimed - mr_ring_capacity(ring);
    while (mr_position_ahead(claimed, cursor) > 0 && mr_ring_marked(ring, cursor))
        cursor++;
    return cursor;
}

void mr_ring_report_take(const struct mr_ring *ring, struct mr_ring_report *report)
{
    /* The slowest first: what is behind it can only grow, so that the level is never negative. */
    report->slowest = mr_ring_slowest(ring);
    report->published = mr_ring_cursor(ring);
    report->claimed = mr_atomic_load(&ring->claimed, relaxed);
    report->fill = report->claimed - report->slowest;
    report->refused = mr_atomic_load(&ring->refused, relaxed);
    report->stalls = mr_atomic_load(&ring->stalls, relaxed);
    report->stalled_ns = mr_atomic_load(&ring->stalled_ns, relaxed);
    report->consumers = (uint32_t)__builtin_popcountll(mr_atomic_load(&ring->gating, relaxed));
}

int mr_ring_drain(struct mr_ring *ring, uint64_t timeout_ns)
{
    const struct mr_wait wait = {.kind = MR_WAIT_SLEEP, .timeout_ns = timeout_ns};
    struct mr_backoff backoff = mr_backoff_begin(&wait, NULL);
    bool halted = false;
    for (bool in_time = true;; in_time = mr_backoff_pause(&backoff)) {
        /* The slowest first: see mr_ring_report_take. */
        uint64_t slowest = mr_ring_slowest(ring);
        if (mr_ring_cursor(ring) == slowest)
            return MR_OK;
        if (halted)
            return MR_E_HALTED;
        if (!in_time)
            return MR_AGAIN;
        halted = mr_ring_halted(ring); /* looks once more, since that came after the last look */
    }
}

void mr_ring_halt(struct mr_ring *ring)
{
    /* Release: pairs with the acquire in mr_ring_halted. */
    mr_atomic_store(&ring->halted, 1U, release);
    mr_park_wake(&ring->publication);
    mr_park_wake(&ring->release);
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
