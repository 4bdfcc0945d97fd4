/* The stress test's consumers, each with its own consumer object. */
#include "tests/disruptor/stress.h"

#include <sched.h>

static uint64_t poll(const struct handler *handler, struct mr_consumer *consumer, uint64_t position)
{
    const struct trial *trial = handler->trial;
    uint64_t next;
    enum mr_poll met = mr_consumer_poll(consumer, &next);
    CHECK(trial, (met == MR_POLL_PROCESSING) == (next != position));
    CHECK(trial, met != MR_POLL_GATED || handler->before != 0);
    CHECK(trial,
          met != MR_POLL_GATED || mr_position_ahead(mr_ring_cursor(&trial->ring), position) > 0);
    return next;
}

/* One look in the handler's way; the position itself if nothing is there. */
static uint64_t look(const struct handler *handler, struct mr_consumer *consumer, uint64_t position)
{
    switch (handler->plan->looking) {
    case LOOK_AVAILABLE:
        return mr_consumer_available(consumer);
    case LOOK_AGAIN:
        return mr_consumer_look(consumer);
    case LOOK_POLLING:
        return poll(handler, consumer, position);
    case LOOK_WAITING:
    default:
        return mr_consumer_wait(consumer);
    }
}

static void release(struct handler *handler, uint64_t position, uint64_t next)
{
    struct mr_consumer *consumer = &handler->consumer;
    if (mr_random_chance(&handler->random, 1, 8))
        mr_consumer_release(consumer,
                            position + mr_random_below(&handler->random, next - position + 1));
    mr_consumer_release(consumer, next);
    stress_count_released(handler, position, next);
}

bool stress_consume_once(struct handler *handler)
{
    const struct trial *trial = handler->trial;
    struct mr_consumer *consumer = &handler->consumer;
    uint32_t batch_max = handler->plan->batch_max;
    uint64_t position = mr_consumer_position(consumer);
    CHECK(trial, position == handler->begin + handler->released);

    uint64_t next = look(handler, consumer, position);
    CHECK(trial, next - position <= mr_ring_capacity(&trial->ring));
    CHECK(trial, batch_max == 0 || next - position <= batch_max);
    if (next == position) {
        if (mr_consumer_alerted(consumer))
            mr_consumer_alert_clear(consumer);
        return false;
    }
    next = stress_handle_batch(handler, position, next);
    if (!handler->dying)
        release(handler, position, next);
    return true;
}

/* The only consumer of its ring leaves, perhaps in the middle of a batch, and joins again: where it
 * left, for nothing is lost between two consumers. */
static void commute(struct handler *handler)
{
    const struct trial *trial = handler->trial;
    struct mr_consumer *consumer = &handler->consumer;
    uint64_t left = mr_consumer_position(consumer);
    uint64_t available = mr_consumer_available(consumer);
    struct tally tally = handler->tally;
    stress_handle(handler, left, left + mr_random_below(&handler->random, available - left + 1),
                  &tally);
    CHECK(trial, mr_ring_consumer_remove(consumer, NULL) == MR_OK);
    CHECK(trial, mr_consumer_position(consumer) == left);
    CHECK(trial, mr_ring_slowest(&trial->ring) == left);
    if (mr_random_chance(&handler->random, 1, 4))
        stress_nap(mr_random_below(&handler->random, 100000));

    struct mr_consumer_options options = stress_options(handler, NULL, 0);
    options.from_oldest = mr_random_chance(&handler->random, 1, 2);
    CHECK(trial, mr_ring_consumer_add(&handler->trial->ring, consumer, &options, NULL) == MR_OK);
    CHECK(trial, mr_consumer_position(consumer) == left);
    handler->repeats = true;
    stress_settle(handler, left);
}

void *stress_consume(void *argument)
{
    struct handler *handler = argument;
    for (;;) {
        bool halted = mr_ring_halted(&handler->trial->ring);
        if (halted && handler->plan->leaves_at_halt)
            return NULL;
        bool got = stress_consume_once(handler);
        if (handler->dying)
            return stress_die(handler);
        if (halted && !got)
            return NULL;
        if (!got && handler->plan->looking != LOOK_WAITING)
            sched_yield();
        if (got && handler->plan->temper == COMMUTES && mr_random_chance(&handler->random, 1, 16))
            commute(handler);
    }
}
