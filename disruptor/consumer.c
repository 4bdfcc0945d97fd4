#include "disruptor/backoff.h"

#include <millrace/disruptor.h>

enum {
    /* With several producers a look goes through the marks one by one: at most this many, so that a
     * consumer that is far behind begins to handle what it has found. */
    LOOK_MAX = 512,

    PACE_MAX = 127,   /* pauses before a look: 1 to 5 us */
    PACE_BATCH = 512, /* a batch of this size needs no pacing */
};

static uint64_t look_at_cursor(const struct mr_consumer *consumer)
{
    /* Acquire: pairs with the release in mr_ring_publish. */
    return mr_atomic_load(&consumer->ring->cursor, acquire);
}

static uint64_t look_at_marks(const struct mr_consumer *consumer)
{
    uint64_t next = consumer->available;
    for (int i = 0; i < LOOK_MAX && mr_ring_marked(consumer->ring, next); i++)
        next++;
    return next;
}

/* The slowest of those that the consumer comes after. What they saw published, and what they wrote
 * themselves, is visible to it through their release. */
static uint64_t look_at_consumers(const struct mr_consumer *consumer)
{
    uint64_t slowest = mr_consumer_position(consumer->after[0]);
    for (uint32_t i = 1; i < consumer->after_count; i++) {
        uint64_t position = mr_consumer_position(consumer->after[i]);
        if (mr_position_ahead(slowest, position) > 0)
            slowest = position;
    }
    return slowest;
}

uint64_t mr_consumer_look(struct mr_consumer *consumer)
{
    if (consumer->after_count > 0)
        consumer->available = look_at_consumers(consumer);
    else if (consumer->ring->marks == NULL)
        consumer->available = look_at_cursor(consumer);
    else
        consumer->available = look_at_marks(consumer);
    return consumer->available;
}

/* A consumer that has caught up with a fast producer would take the cursor's line, and the slot's
 * that is being filled, away from it at every message: three to ten times slower for both. So it
 * paces itself: it pauses before it looks again, longer as long as that makes the batches larger,
 * up to PACE_MAX; but only while messages come faster than one a pause. One look that finds nothing
 * ends it, so that a message that comes alone is met by a consumer that looks all the time. */
static void pace_adapt(struct mr_consumer *consumer, uint64_t found)
{
    uint64_t quarter = mr_ring_capacity(consumer->ring) / 4;
    uint64_t enough = quarter < PACE_BATCH ? quarter : PACE_BATCH;
    if (found == 0)
        consumer->pace = 0;
    else if (found < consumer->pace || found > 2 * enough)
        consumer->pace /= 2;
    else if (found < enough && consumer->pace < PACE_MAX)
        consumer->pace = 2 * consumer->pace + 1;
}

static uint64_t look_paced(struct mr_consumer *consumer, uint64_t position)
{
    for (uint32_t i = 0; i < consumer->pace; i++)
        mr_relax();
    uint64_t available = mr_consumer_look(consumer);
    pace_adapt(consumer, available - position);
    return available;
}

uint64_t mr_consumer_wait(struct mr_consumer *consumer)
{
    uint64_t position = mr_atomic_load(&consumer->position, relaxed);
    if (consumer->available != position)
        return consumer->available;

    uint64_t available = look_paced(consumer, position);
    struct mr_backoff backoff = mr_backoff_of(consumer->ring->wait, consumer->park);
    while (available == position) {
        bool ended = mr_ring_halted(consumer->ring) || mr_consumer_alerted(consumer);
        if (!ended)
            mr_backoff_pause(&backoff);
        /* Also after the end: what was published before it may have come after the last look. */
        available = mr_consumer_look(consumer);
        if (ended)
            break;
    }
    return available;
}

void mr_consumer_alert(struct mr_consumer *consumer)
{
    /* Release: pairs with the acquire in mr_consumer_alerted. */
    mr_atomic_store(&consumer->alerted, 1U, release);
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
