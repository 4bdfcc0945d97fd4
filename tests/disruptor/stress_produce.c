/* The stress test's producers. */
#include "tests/disruptor/stress.h"

#include <sched.h>

/* The slot is the producer's now: whoever never leaves has stamped what was there. Who else has is
 * written down for the end. */
static void take_slot(const struct trial *trial, const struct message *old, uint64_t position)
{
    uint64_t capacity = mr_ring_capacity(&trial->ring);
    if (stress_index(trial, position) < capacity)
        return;
    uint64_t before = position - capacity;
    uint32_t stamped = 0;
    CHECK(trial, old->position == before);
    for (uint32_t c = 0; c < COLUMNS; c++)
        if (old->stamps[c] == stress_stamp(before))
            stamped |= 1U << c;
    CHECK(trial, (stamped & trial->plan.permanent) == trial->plan.permanent);
    trial->seen[stress_index(trial, before)] = (uint16_t)stamped;
}

static void fill(struct producer *producer, uint64_t first, uint64_t next)
{
    struct trial *trial = producer->trial;
    for (uint64_t p = first; p != next; p++) {
        struct message *message = producer->plan->claiming == CLAIM_BY_OWN
                                      ? mr_producer_slot(&producer->own, p)
                                      : mr_ring_slot(&trial->ring, p);
        take_slot(trial, message, p);
        message->position = p;
        message->producer = producer->index;
        message->count = producer->sent++;
        message->seal = stress_seal(message);
    }
}

/* One of the ways to claim; a producer object may claim either way. */
static int claim_once(struct producer *producer, uint32_t count, uint64_t *first)
{
    struct mr_ring *ring = &producer->trial->ring;
    switch (producer->plan->claiming) {
    case CLAIM_AS_RING:
        return mr_ring_claim(ring, count, first);
    case CLAIM_WAITING:
        return mr_ring_claim_wait(ring, count, &producer->plan->wait, first);
    case CLAIM_BY_OWN:
        /* Now and then it is dropped, and a new one goes on. */
        if (mr_random_chance(&producer->random, 1, 64))
            producer->own = mr_producer_of(ring, &producer->plan->wait);
        return mr_random_chance(&producer->random, 1, 2)
                   ? mr_producer_claim(&producer->own, count, first)
                   : mr_producer_try_claim(&producer->own, count, first);
    case CLAIM_TRYING:
    default:
        return mr_ring_try_claim(ring, count, first);
    }
}

/* Claims in the producer's way. False: the ring is halted. */
static bool claim(struct producer *producer, uint32_t count, uint64_t *first)
{
    const struct trial *trial = producer->trial;
    while (!mr_ring_halted(&trial->ring)) {
        int status = claim_once(producer, count, first);
        if (status == MR_OK)
            return true;
        CHECK(trial, status == MR_AGAIN || (status == MR_E_HALTED && mr_ring_halted(&trial->ring)));
        if (producer->plan->claiming >= CLAIM_TRYING)
            sched_yield();
    }
    return false;
}

static void publish_part(struct producer *producer, uint64_t first, uint32_t count)
{
    if (producer->plan->claiming == CLAIM_BY_OWN)
        mr_producer_publish(&producer->own, first, count);
    else
        mr_ring_publish(&producer->trial->ring, first, count);
}

/* Publishes a claim in one go or in two; with several producers, these in any order. */
static void publish(struct producer *producer, uint64_t first, uint32_t count)
{
    uint32_t part = (uint32_t)mr_random_below(&producer->random, 2 * (uint64_t)count);
    if (part == 0 || part >= count) {
        publish_part(producer, first, count);
    } else if (producer->trial->ring.shared && mr_random_chance(&producer->random, 1, 2)) {
        publish_part(producer, first + part, count - part);
        publish_part(producer, first, part);
    } else {
        publish_part(producer, first, part);
        publish_part(producer, first + part, count - part);
    }
}

/* One of several producers may hold two claims, and publish the later one first. It must not wait
 * for the second: the room may be what the first one keeps from the consumers. */
static void publish_two(struct producer *producer, uint64_t first, uint32_t count)
{
    struct trial *trial = producer->trial;
    uint64_t second;
    bool got = producer->sent < trial->plan.messages &&
               mr_ring_try_claim(&trial->ring, 1, &second) == MR_OK;
    if (got) {
        fill(producer, second, second + 1);
        publish(producer, second, 1);
    }
    publish(producer, first, count);
}

static void pause_between(struct producer *producer)
{
    if (producer->plan->slow && mr_random_chance(&producer->random, 1, 32))
        stress_nap(1000 + mr_random_below(&producer->random, 200000));
    else if (mr_random_chance(&producer->random, 1, 200))
        sched_yield();
}

/* Fills and publishes what is claimed. */
static void produce_claim(struct producer *producer, uint64_t first, uint32_t count)
{
    fill(producer, first, first + count);
    if (producer->trial->ring.shared && mr_random_chance(&producer->random, 1, 8))
        publish_two(producer, first, count);
    else
        publish(producer, first, count);
}

/* How much to claim next. */
static uint32_t next_count(struct producer *producer)
{
    const struct plan *plan = &producer->trial->plan;
    uint64_t count = 1 + mr_random_below(&producer->random, plan->batch_max);
    uint64_t left = plan->messages - producer->sent;
    return (uint32_t)(count < left ? count : left);
}

bool stress_produce_once(struct producer *producer)
{
    uint32_t count = next_count(producer);
    uint64_t first;
    int status = producer->plan->claiming == CLAIM_BY_OWN
                     ? mr_producer_try_claim(&producer->own, count, &first)
                     : mr_ring_try_claim(&producer->trial->ring, count, &first);
    if (status != MR_OK)
        return false;
    produce_claim(producer, first, count);
    return true;
}

void *stress_produce(void *argument)
{
    struct producer *producer = argument;
    struct trial *trial = producer->trial;
    producer->own = mr_producer_of(&trial->ring, &producer->plan->wait);
    while (producer->sent < trial->plan.messages) {
        uint32_t count = next_count(producer);
        uint64_t first;
        if (!claim(producer, count, &first))
            break;
        produce_claim(producer, first, count);
        pause_between(producer);
    }
    /* Release: pairs with the coordinator's acquire. */
    mr_atomic_fetch_add(&trial->producing, UINT32_MAX, release);
    return NULL;
}
