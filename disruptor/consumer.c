#include "base/bits.h"
#include "disruptor/backoff.h"
#include "disruptor/look.h"
#include "disruptor/membership.h"

#include <millrace/disruptor.h>

enum {
    /* Where marks tell what is published, a look goes through them one by one: at most this many,
     * so that a consumer that is far behind begins to handle what it has found. */
    LOOK_MAX = 512,

    PACE_MAX = 127,    /* pauses before a look: 1 to 5 us */
    PACE_BATCH = 2048, /* a batch of this size needs no pacing */

    /* In the latency layout: looks a turn of spinning, and how many turns these are at most where
     * yielding or sleeping comes next. */
    EAGER_LOOKS = 32,
    EAGER_TURNS = 64,
};

/* -- Looking. ---------------------------------------------------------------------------------- */

/* In the latency layout, a consumer that found nothing at its last look waits right behind the
 * producer: it takes the one message that it finds now. The next mark lies in the line that the
 * producer is about to write, and looking at it would take that line away. */
static uint64_t look_at_marks(const struct mr_consumer *consumer, uint64_t limit)
{
    const struct mr_ring *ring = consumer->ring;
    uint64_t next = consumer->available;
    uint64_t most = ring->layout == MR_RING_LATENCY && consumer->at_tail ? 1 : LOOK_MAX;
    if (limit < most)
        most = limit;
    for (uint64_t i = 0; i < most && mr_ring_marked(ring, next); i++)
        next++;
    return next;
}

/* How far the consumer may go, at most `limit` from what it knows to be available. */
static uint64_t look(const struct mr_consumer *consumer, uint64_t limit)
{
    const struct mr_ring *ring = consumer->ring;
    uint64_t next;
    if (consumer->after != 0)
        /* What these saw published, and what they wrote themselves, is visible through their
         * release. */
        next = mr_ring_slowest_of(ring, consumer->after);
    else if (ring->marks != NULL)
        return look_at_marks(consumer, limit);
    else
        /* Acquire: pairs with the release in mr_ring_publish. */
        next = mr_atomic_load(&ring->published, acquire);
    /* A newcomer may stand before those it comes after, and a pool seem to go back for a moment. */
    if (mr_position_ahead(next, consumer->available) <= 0)
        return consumer->available;
    return next - consumer->available < limit ? next : consumer->available + limit;
}

static void count_batch(struct mr_consumer_counters *counters, uint64_t found)
{
    unsigned size = mr_log2(found);
    mr_count_up(&counters->batches, 1);
    mr_count_up(&counters->batch_sizes[size < MR_BATCH_SIZES ? size : MR_BATCH_SIZES - 1], 1);
    if (found > mr_atomic_load(&counters->batch_largest, relaxed))
        mr_atomic_store(&counters->batch_largest, found, relaxed);
}

uint64_t mr_consumer_look_within(struct mr_consumer *consumer, uint64_t limit)
{
    uint64_t next = look(consumer, limit);
    uint64_t found = next - consumer->available;
    consumer->at_tail = found == 0;
    consumer->available = next;
    if (found > 0)
        count_batch(&consumer->counters, found);
    else
        mr_count_up(&consumer->counters.empty, 1);
    return next;
}

uint64_t mr_consumer_look(struct mr_consumer *consumer)
{
    uint64_t position = mr_atomic_load(&consumer->cursor->position, relaxed);
    uint64_t known = consumer->available - position;
    uint64_t limit = consumer->batch_max - known;
    return limit == 0 ? consumer->available : mr_consumer_look_within(consumer, limit);
}

enum mr_poll mr_consumer_idle_poll(const struct mr_consumer *consumer, uint64_t position)
{
    const struct mr_ring *ring = consumer->ring;
    if (consumer->after == 0)
        return MR_POLL_IDLE;
    bool published =
        ring->marks != NULL
            ? mr_ring_marked(ring, position)
            : mr_position_ahead(mr_atomic_load(&ring->published, acquire), position) > 0;
    return published ? MR_POLL_GATED : MR_POLL_IDLE;
}

enum mr_poll mr_consumer_poll(struct mr_consumer *consumer, uint64_t *next)
{
    uint64_t position = mr_atomic_load(&consumer->cursor->position, relaxed);
    *next = mr_consumer_available(consumer);
    return *next != position ? MR_POLL_PROCESSING : mr_consumer_idle_poll(consumer, position);
}

/* -- Waiting. ---------------------------------------------------------------------------------- */

/* A consumer that has caught up with a fast producer would take the cursor's line, and the slot's
 * that is being filled, away from it at every message: three to ten times slower for both. So it
 * paces itself: it pauses before it looks again, longer as long as that makes the batches larger,
 * up to PACE_MAX; but only while messages come faster than one a pause. One look that finds nothing
 * ends it, so that a message that comes alone is met by a consumer that looks all the time. */
static void pace_adapt(struct mr_consumer *consumer, uint64_t found)
{
    uint64_t quarter = mr_ring_capacity(consumer->ring) / 4;
    uint64_t enough = quarter < PACE_BATCH ? quarter : PACE_BATCH;
    if (enough > consumer->batch_max)
        enough = consumer->batch_max;
    if (found == 0)
        consumer->pace = 0;
    else if (found < consumer->pace || found > 2 * enough)
        consumer->pace /= 2;
    else if (found < enough && consumer->pace < PACE_MAX)
        consumer->pace = 2 * consumer->pace + 1;
}

static uint64_t look_paced(struct mr_consumer *consumer, uint64_t position)
{
    if (consumer->ring->layout == MR_RING_LATENCY)
        return mr_consumer_look(consumer);
    for (uint32_t i = 0; i < consumer->pace; i++)
        mr_relax();
    uint64_t available = mr_consumer_look(consumer);
    pace_adapt(consumer, available - position);
    return available;
}

/* Whether there is something beyond what the consumer knows of: one line is looked at, or as many
 * as it comes after others. */
static bool is_there(const struct mr_consumer *consumer)
{
    const struct mr_ring *ring = consumer->ring;
    uint64_t next;
    if (consumer->after != 0)
        next = mr_ring_slowest_of(ring, consumer->after);
    else if (ring->marks != NULL)
        return mr_ring_marked(ring, consumer->available);
    else
        next = mr_atomic_load(&ring->published, acquire);
    return mr_position_ahead(next, consumer->available) > 0;
}

/* In the latency layout a turn of spinning looks many times, without a pause: nobody is disturbed
 * by it, since the producer writes the line it looks at once, and then hands it over. */
static bool turn_brings(const struct mr_consumer *consumer, uint32_t turn)
{
    bool spins = consumer->wait.kind == MR_WAIT_SPIN || turn < EAGER_TURNS;
    uint32_t looks = spins && consumer->ring->layout == MR_RING_LATENCY ? EAGER_LOOKS : 1;
    while (looks-- > 0)
        if (is_there(consumer))
            return true;
    return false;
}

/* Nothing was there: waits in the consumer's way. */
static uint64_t wait_longer(struct mr_consumer *consumer, uint64_t position)
{
    struct mr_backoff backoff = mr_backoff_begin(&consumer->wait, consumer->park);
    uint64_t available = position;
    bool ended = false;
    for (uint32_t turn = 0; available == position && !ended; turn++) {
        ended = mr_ring_halted(consumer->ring) || mr_consumer_alerted(consumer) ||
                !mr_backoff_pause(&backoff);
        /* Also after the end: what was published before it may have come after the last look. */
        if (turn_brings(consumer, turn))
            available = mr_consumer_look(consumer);
    }
    mr_count_up(&consumer->counters.stalls, 1);
    if (backoff.sleeps > 0)
        mr_count_up(&consumer->counters.sleeps, backoff.sleeps);
    return available;
}

uint64_t mr_consumer_wait(struct mr_consumer *consumer)
{
    uint64_t position = mr_atomic_load(&consumer->cursor->position, relaxed);
    if (consumer->available != position)
        return consumer->available;
    uint64_t available = look_paced(consumer, position);
    return available != position ? available : wait_longer(consumer, position);
}

/* -- Alerting. --------------------------------------------------------------------------------- */

void mr_consumer_alert(struct mr_consumer *consumer)
{
    /* Release: pairs with the acquire in mr_consumer_alerted. */
    mr_atomic_store(&consumer->alerted, 1U, release);
    if (consumer->park != NULL)
        mr_park_wake(consumer->park);
}

void mr_consumer_alert_clear(struct mr_consumer *consumer)
{
    mr_atomic_store(&consumer->alerted, 0U, release);
}

bool mr_consumer_alerted(const struct mr_consumer *consumer)
{
    /* Acquire: pairs with the release in mr_consumer_alert. */
    return mr_atomic_load(&consumer->alerted, acquire) != 0;
}
