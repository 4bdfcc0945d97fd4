/*
 * The batches of a processor. It keeps no truth of its own: where its consumer (or worker) stands
 * says what is handled, and every batch is taken from there, also after a rewind, a halt or a
 * skipped position. What it remembers beyond that (how often a batch was begun, how long to pause)
 * only counts, and is forgotten when the consumer is found elsewhere.
 *
 * A batch in hand is [first, next); [first, at) of it is handled and not released. Three ways lead
 * out of it:
 *   - release: flush, then release up to `at`. At the end, at a halt, before a failed position;
 *   - rewind: nothing is released, and the next batch begins at `first` again;
 *   - stop: nothing more is released, ever.
 */
#include "disruptor/batch.h"
#include "base/assert.h"
#include "base/clock.h"
#include "disruptor/dead_letter.h"
#include "disruptor/look.h"

/* -- What has been done, and what it leads to. ------------------------------------------------- */

void mr_batch_forget(struct mr_processor *processor, uint64_t first)
{
    processor->first = processor->at = processor->next = first;
    processor->reached = first;
    processor->begun = 0;
    processor->rewinds = 0;
    processor->pause_ns = processor->options.rewind.pause_ns;
}

/* The handler was called for all below `next`. */
static void reach(struct mr_processor *processor, uint64_t next)
{
    if (mr_position_ahead(next, processor->reached) > 0)
        processor->reached = next;
}

static enum mr_turn stop(struct mr_processor *processor, int status)
{
    ASSERT(status < 0);
    processor->status = status;
    return MR_TURN_STOPPED;
}

static void release(struct mr_processor *processor, uint64_t next)
{
    uint64_t reached = processor->reached;
    mr_count_up(&processor->counters.handled, next - processor->first);
    if (processor->options.worker == NULL)
        mr_consumer_release(processor->consumer, next);
    else
        mr_worker_release(processor->options.worker, next);
    mr_batch_forget(processor, next);
    if (mr_position_ahead(reached, next) > 0) {
        /* Some behind it were called for before, in a batch that was rewound or not finished. */
        processor->reached = reached;
        processor->begun = 1;
    }
}

static bool may_rewind(const struct mr_processor *processor)
{
    uint32_t rewinds_max = processor->options.rewind.rewinds_max;
    return rewinds_max == 0 || processor->rewinds < rewinds_max;
}

static enum mr_turn rewind_batch(struct mr_processor *processor)
{
    uint64_t pause_ns = processor->pause_ns;
    uint64_t longest_ns = processor->options.rewind.pause_ns_max;
    processor->rewinds++;
    mr_count_up(&processor->counters.rewinds, 1);
    if (pause_ns == 0)
        return MR_TURN_DONE;
    processor->pause_ns = pause_ns <= longest_ns / 2 ? 2 * pause_ns : longest_ns;
    if (__builtin_add_overflow(mr_monotonic_ns(), pause_ns, &processor->resume_ns))
        processor->resume_ns = UINT64_MAX;
    return MR_TURN_PAUSED;
}

/* Flushes and releases what is handled of the batch in hand. After it first == at, or there was a
 * rewind or a stop. */
static enum mr_turn release_handled(struct mr_processor *processor)
{
    const struct mr_handler *handler = &processor->options.handler;
    if (processor->at == processor->first)
        return MR_TURN_DONE;
    if (handler->flush != NULL) {
        int status = handler->flush(handler->context, processor->first, processor->at);
        if (status != MR_OK) {
            ASSERT(status == MR_AGAIN || status < 0);
            reach(processor, processor->at);
            if (status < 0)
                return stop(processor, status);
            return may_rewind(processor) ? rewind_batch(processor) : stop(processor, MR_E_LIMIT);
        }
    }
    release(processor, processor->at);
    return MR_TURN_DONE;
}

/* -- A position that failed. ------------------------------------------------------------------- */

static enum mr_turn letter_write(struct mr_processor *processor)
{
    const struct mr_dead_letter head = {
        .position = processor->at, .calls = processor->letter_calls, .status = processor->letter};
    int status = mr_dead_letter_write(processor->options.failure.dead_letters,
                                      processor->consumer->ring, head);
    if (status == MR_AGAIN) {
        mr_count_up(&processor->counters.held, 1);
        return MR_TURN_HELD;
    }
    processor->letter = MR_OK;
    if (status != MR_OK)
        return stop(processor, status);
    mr_count_up(&processor->counters.dead_letters, 1);
    processor->work++;
    release(processor, processor->at + 1);
    return MR_TURN_DONE;
}

/* The position `at` has failed, and so have its retries. */
static enum mr_turn give_up(struct mr_processor *processor, int status)
{
    const struct mr_handler *handler = &processor->options.handler;
    const struct mr_failure_policy *policy = &processor->options.failure;
    const struct mr_delivery delivery = {.slot =
                                             mr_ring_slot(processor->consumer->ring, processor->at),
                                         .position = processor->at,
                                         .batch_left = processor->next - 1 - processor->at,
                                         .attempt = processor->attempt};
    enum mr_turn turn = release_handled(processor);
    if (processor->first != processor->at)
        return turn; /* the flush wants it otherwise */

    enum mr_failure_action action = policy->action;
    if (handler->failed != NULL)
        action = handler->failed(handler->context, &delivery, status);
    if (action != MR_FAILURE_SKIP)
        return stop(processor, status);
    ASSERT(policy->dead_letters != NULL);
    processor->letter = status;
    processor->letter_calls = delivery.attempt + 1;
    return letter_write(processor);
}

/* -- A batch. ---------------------------------------------------------------------------------- */

/* Relaxed: asked between any two positions. The answer that ends a turn comes from
 * mr_batch_has_ended. */
static inline bool must_end(const struct mr_consumer *consumer)
{
    return (mr_atomic_load(&consumer->ring->halted, relaxed) |
            mr_atomic_load(&consumer->alerted, relaxed)) != 0;
}

bool mr_batch_has_ended(const struct mr_processor *processor)
{
    const struct mr_consumer *consumer = processor->consumer;
    /* Acquire: pairs with the releases in mr_ring_halt and mr_consumer_alert. */
    return (mr_atomic_load(&consumer->ring->halted, acquire) |
            mr_atomic_load(&consumer->alerted, acquire)) != 0;
}

/* The hot path: calls the handler for [at, end), until it does not say MR_OK or must end. Returns
 * what it said last. */
static int call_handler(struct mr_processor *processor, uint64_t end)
{
    const struct mr_consumer *consumer = processor->consumer;
    const struct mr_ring *ring = consumer->ring;
    const struct mr_handler handler = processor->options.handler;
    const uint64_t first = processor->at;
    const uint64_t last = processor->next - 1;
    struct mr_delivery delivery = {.attempt = processor->attempt};
    int status = MR_OK;
    uint64_t at = first;
    for (; at != end && !must_end(consumer); at++) {
        delivery.slot = mr_ring_slot(ring, at);
        delivery.position = at;
        delivery.batch_left = last - at;
        status = handler.handle(handler.context, &delivery);
        if (MR_UNLIKELY(status != MR_OK))
            break;
    }
    processor->at = at;
    processor->work += at - first + (status != MR_OK);
    return status;
}

/* Goes on in the batch as far as one number of attempts is right for all positions: one that is
 * retried stands alone, and those that were reached before come before those that were not. */
static int handle_stretch(struct mr_processor *processor)
{
    uint64_t end = processor->next;
    uint64_t attempt = 0;
    if (MR_UNLIKELY(mr_position_ahead(processor->reached, processor->at) > 0)) {
        attempt = processor->begun - 1 + processor->retries;
        if (mr_position_ahead(end, processor->reached) > 0)
            end = processor->reached;
        if (processor->retries > 0)
            end = processor->at + 1;
    }
    processor->attempt = attempt;
    int status = call_handler(processor, end);
    if (processor->at == end)
        processor->retries = 0;
    return status;
}

static enum mr_turn handle_batch(struct mr_processor *processor)
{
    while (processor->at != processor->next && !must_end(processor->consumer)) {
        int status = handle_stretch(processor);
        if (MR_LIKELY(status == MR_OK))
            continue;
        ASSERT(status == MR_AGAIN || status < 0);
        reach(processor, processor->at + 1);
        if (status == MR_AGAIN && may_rewind(processor))
            return rewind_batch(processor);
        mr_count_up(&processor->counters.failures, 1);
        if (processor->retries == processor->options.failure.retries)
            return give_up(processor, status == MR_AGAIN ? MR_E_LIMIT : status);
        processor->retries++;
        mr_count_up(&processor->counters.retries, 1);
    }
    return release_handled(processor);
}

static void begin_batch(struct mr_processor *processor, uint64_t first, uint64_t next)
{
    const struct mr_handler *handler = &processor->options.handler;
    const struct mr_ring *ring = processor->consumer->ring;
    if (first != processor->first)
        mr_batch_forget(processor, first);
    processor->at = first;
    processor->next = next;
    processor->begun++;
    processor->retries = 0;
    mr_count_up(&processor->counters.batches, 1);
    if (handler->batch != NULL)
        /* Relaxed is enough: what is published was claimed before. */
        handler->batch(handler->context, next - first,
                       mr_atomic_load(&ring->claimed, relaxed) - next);
}

/* Finds a batch; false: there is none. A worker may have one in hand from before. */
static bool take_batch(struct mr_processor *processor, bool waits)
{
    struct mr_worker *worker = processor->options.worker;
    struct mr_consumer *consumer = processor->consumer;
    uint64_t first, next;
    if (worker == NULL) {
        /* Relaxed: the thread reads back what it wrote itself. */
        first = mr_atomic_load(&consumer->cursor->position, relaxed);
        next = waits ? mr_consumer_wait(consumer) : mr_consumer_available(consumer);
        if (next == first)
            return false;
    } else if (!mr_worker_in_hand(worker, &first, &next)) {
        bool got = waits ? mr_worker_wait(worker, &first, &next)
                         : mr_worker_take(worker, &first, &next) == MR_POLL_PROCESSING;
        if (!got)
            return false;
    }
    begin_batch(processor, first, next);
    return true;
}

enum mr_turn mr_batch_turn(struct mr_processor *processor, bool waits)
{
    processor->work = 0;
    if (processor->status != MR_OK)
        return MR_TURN_STOPPED;
    if (mr_batch_has_ended(processor)) {
        processor->letter = MR_OK; /* its position is not released, and will be met again */
        return MR_TURN_ENDED;
    }
    if (processor->letter != MR_OK)
        return letter_write(processor);
    if (processor->resume_ns != 0) {
        if (mr_monotonic_ns() < processor->resume_ns)
            return MR_TURN_PAUSED;
        processor->resume_ns = 0;
    }
    return take_batch(processor, waits) ? handle_batch(processor) : MR_TURN_IDLE;
}
