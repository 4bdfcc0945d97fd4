/* What the stress test's consumers and workers do with a batch, and check of it. */
#include "tests/disruptor/stress.h"

#include <sched.h>
#include <time.h>

enum { NS_PER_S = 1000000000, FREEZE_NAPS = 20, FREEZE_NAP_NS = 100000, DEATHS_MAX = 4 };

uint64_t stress_seal(const struct message *message)
{
    return mr_mix64(message->position ^ mr_mix64(message->producer << 32 ^ message->count));
}

void stress_nap(uint64_t ns)
{
    struct timespec nap = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
}

/* -- One message. ------------------------------------------------------------------------------ */

/* Each producer's messages come in its order: whoever sees all misses none. */
static void check_count(const struct handler *handler, const struct message *message,
                        struct tally *tally)
{
    const struct trial *trial = handler->trial;
    uint64_t producer = message->producer;
    CHECK(trial, producer < trial->plan.producer_count);
    if (handler->sparse)
        CHECK(trial, message->count >= tally->next[producer]);
    else if ((tally->known >> producer & 1) != 0)
        CHECK(trial, message->count == tally->next[producer]);
    tally->next[producer] = message->count + 1;
    tally->known |= 1U << producer;
}

static void check_before(const struct handler *handler, const struct message *message,
                         uint64_t position)
{
    for (uint32_t set = handler->before; set != 0; set &= set - 1) {
        unsigned c = (unsigned)__builtin_ctz(set);
        if (mr_position_ahead(position, handler->before_from[c]) >= 0)
            CHECK(handler->trial, message->stamps[c] == stress_stamp(position));
    }
}

void stress_handle(struct handler *handler, uint64_t from, uint64_t next, struct tally *tally)
{
    const struct trial *trial = handler->trial;
    for (uint64_t p = from; p != next; p++) {
        struct message *message = mr_ring_slot(&trial->ring, p);
        CHECK(trial, message->position == p);
        CHECK(trial, message->seal == stress_seal(message));
        check_count(handler, message, tally);
        check_before(handler, message, p);

        CHECK(trial, stress_index(trial, p) < trial->plan.messages * trial->plan.producer_count);
        uint8_t *track = &handler->track[stress_index(trial, p)];
        bool again = (*track & TRACK_HANDLED) != 0;
        CHECK(trial, again == (message->stamps[handler->column] == stress_stamp(p)));
        CHECK(trial, !again || handler->repeats || mr_position_ahead(handler->frontier, p) > 0);
        *track |= TRACK_HANDLED;
        message->stamps[handler->column] = stress_stamp(p);
    }
    if (mr_position_ahead(next, handler->frontier) > 0)
        handler->frontier = next;
}

void stress_still_held(const struct handler *handler, uint64_t from, uint64_t next)
{
    for (uint64_t p = from; p != next; p++) {
        const struct message *message = mr_ring_slot(&handler->trial->ring, p);
        CHECK(handler->trial, message->position == p);
        CHECK(handler->trial, message->stamps[handler->column] == stress_stamp(p));
    }
}

/* -- A batch. ---------------------------------------------------------------------------------- */

/* Holds what it has until the producers can do nothing but wait for it, or for a while. */
static void freeze(const struct handler *handler, uint64_t from)
{
    const struct trial *trial = handler->trial;
    for (int i = 0; i < FREEZE_NAPS && !mr_ring_halted(&trial->ring); i++) {
        struct mr_ring_report report;
        mr_ring_report_take(&trial->ring, &report);
        if (report.claimed - from + trial->plan.batch_max > mr_ring_capacity(&trial->ring))
            break;
        stress_nap(FREEZE_NAP_NS);
    }
    stress_nap(FREEZE_NAP_NS);
}

static bool dies_now(const struct handler *handler)
{
    const struct handler_plan *plan = handler->plan;
    return (plan->temper == DIES || plan->temper == DIES_FOR_GOOD) &&
           handler->deaths < DEATHS_MAX &&
           handler->batches % plan->dies_after == plan->dies_after - 1;
}

/* What a temper does in the middle of a batch; [from, mid) is handled. */
static void dawdle(struct handler *handler, uint64_t from)
{
    enum temper temper = handler->plan->temper;
    if (temper == SLOW && mr_random_chance(&handler->random, 1, 32))
        stress_nap(1000 + mr_random_below(&handler->random, 200000));
    else if (temper == FREEZES && mr_random_chance(&handler->random, 1, 64))
        freeze(handler, from);
    else if (mr_random_chance(&handler->random, 1, 200))
        sched_yield();
}

uint64_t stress_handle_batch(struct handler *handler, uint64_t from, uint64_t next)
{
    struct tally tally = handler->tally;
    struct mr_random *random = &handler->random;
    if (mr_random_chance(random, 1, 3))
        next = from + 1 + mr_random_below(random, next - from);
    uint64_t mid = from + mr_random_below(random, next - from + 1);
    if (dies_now(handler)) {
        stress_handle(handler, from, mid, &tally);
        handler->dying = true;
        return from;
    }
    if (handler->plan->temper == FORGETS && mr_random_chance(random, 1, 8)) {
        stress_handle(handler, from, mid, &tally);
        tally = handler->tally;
    }
    stress_handle(handler, from, mid, &tally);
    dawdle(handler, from);
    stress_still_held(handler, from, mid);
    stress_handle(handler, mid, next, &tally);
    handler->tally = tally;
    handler->batches++;
    return next;
}

void stress_count_released(struct handler *handler, uint64_t from, uint64_t next)
{
    const struct trial *trial = handler->trial;
    handler->released += next - from;
    handler->handoffs += next - from;
    /* Of a consumer, its position alone tells that it releases everything once. */
    for (uint64_t p = from; handler->sparse && p != next; p++) {
        uint8_t *track = &handler->track[stress_index(trial, p)];
        CHECK(trial, handler->repeats || (*track & TRACK_RELEASED) == 0);
        *track |= TRACK_RELEASED;
    }
}

void stress_settle(struct handler *handler, uint64_t begin)
{
    handler->begin = begin;
    handler->frontier = begin;
    handler->released = 0;
}

void *stress_die(struct handler *handler)
{
    handler->dying = false;
    handler->deaths++;
    handler->batches++;
    /* Release: pairs with the coordinator's acquire. */
    mr_atomic_store(&handler->state, DEAD, release);
    return NULL;
}

/* -- Joining. ---------------------------------------------------------------------------------- */

uint32_t stress_consumers_of(struct trial *trial, uint32_t columns, struct mr_consumer **consumers)
{
    uint32_t count = 0;
    for (uint32_t set = columns; set != 0; set &= set - 1) {
        uint32_t c = (uint32_t)__builtin_ctz(set);
        if (c == trial->plan.pool_column)
            count += mr_pool_consumers(&trial->pool, consumers + count);
        else
            consumers[count++] = &trial->handlers[c].consumer;
    }
    return count;
}

struct mr_consumer_options stress_options(const struct handler *handler,
                                          struct mr_consumer *const *after, uint32_t count)
{
    const struct handler_plan *plan = handler->plan;
    return (struct mr_consumer_options){
        .after = after,
        .after_count = count,
        .batch_max = plan->batch_max,
        .wait = plan->waits_itself ? &plan->wait : NULL,
    };
}
