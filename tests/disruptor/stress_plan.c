/* What a trial of the stress test is made of: everything that its seed decides. */
#include "tests/disruptor/stress.h"

#include <inttypes.h>
#include <stdio.h>

enum { THREADS_MAX = 8, CORES = 2 };

static uint32_t from_to(struct mr_random *random, uint32_t low, uint32_t high)
{
    return low + (uint32_t)mr_random_below(random, high - low + 1);
}

static uint32_t thread_count(const struct plan *plan)
{
    uint32_t founders = plan->founder_count - (plan->pool_column == NO_POOL ? 0 : 1);
    if (plan->storm)
        return 1 + plan->guest_count + (plan->works ? 0 : plan->worker_count);
    return plan->producer_count + founders + plan->worker_count + plan->guest_count;
}

/* -- Who. -------------------------------------------------------------------------------------- */

/* Sets who comes after whom: each founder after a random set of earlier ones. The shapes that
 * matter most come up by name as often as all others together. */
static void graph_choose(struct plan *plan, struct mr_random *random)
{
    enum { ALONE, PIPELINE, MULTICAST, DIAMOND, ANY };
    static const char *const names[] = {"alone", "pipeline", "multicast", "diamond", "graph"};
    static const uint32_t diamond[] = {0, 1, 1, 6};
    uint32_t shape = from_to(random, 0, 7);
    if (shape > ANY)
        shape = ANY;
    plan->shape = names[shape];
    plan->founder_count = from_to(random, 2, plan->large || plan->storm ? 3 : FOUNDERS_MAX);
    if (shape == DIAMOND)
        plan->founder_count = 4;
    else if (shape == ALONE)
        plan->founder_count = 1;
    if (plan->relay)
        plan->founder_count = 1;
    for (uint32_t c = 0; c < plan->founder_count; c++) {
        uint32_t *after = &plan->handlers[c].after;
        if (shape == PIPELINE)
            *after = c == 0 ? 0 : 1U << (c - 1);
        else if (shape == DIAMOND)
            *after = diamond[c];
        else if (shape == ANY)
            *after = (uint32_t)mr_random_u64(random) & ((1U << c) - 1);
    }
}

/* How many of each, with no more threads than there may be. */
static void cast_choose(struct plan *plan, struct mr_random *random)
{
    graph_choose(plan, random);
    plan->producer_count = from_to(random, 1, plan->large ? 2 : PRODUCERS_MAX);
    if (plan->storm || plan->relay)
        plan->producer_count = 1;
    plan->pool_column = NO_POOL;
    if (!plan->relay && mr_random_chance(random, 1, plan->storm ? 2 : 4)) {
        plan->pool_column = from_to(random, 0, plan->founder_count - 1);
        plan->worker_count = from_to(random, 1, plan->large ? 2 : WORKERS_MAX);
        if (plan->storm && mr_random_chance(random, 1, 2))
            plan->crowd = from_to(random, 1, CROWD_MAX);
    }
    if (plan->storm || (!plan->large && !plan->relay && mr_random_chance(random, 1, 2)))
        plan->guest_count = from_to(random, 1, GUESTS_MAX);
    while (thread_count(plan) > THREADS_MAX) {
        bool others = plan->worker_count > 2 || plan->guest_count > 1;
        if (plan->producer_count > 1 && (!others || mr_random_chance(random, 1, 2)))
            plan->producer_count--;
        else if (plan->worker_count > 2)
            plan->worker_count--;
        else if (plan->guest_count > 0)
            plan->guest_count--;
    }
}

/* -- How they behave. -------------------------------------------------------------------------- */

static bool is_followed(const struct plan *plan, uint32_t column)
{
    for (uint32_t c = 0; c < plan->founder_count; c++)
        if ((plan->handlers[c].after >> column & 1) != 0)
            return true;
    return false;
}

static enum temper temper_choose(struct plan *plan, struct mr_random *random, uint32_t index)
{
    static const enum temper tempers[] = {PROMPT, SLOW, FREEZES, FORGETS, DIES, DIES_FOR_GOOD};
    bool founder = index < FOUNDERS_MAX;
    bool guest = index >= FIRST_GUEST && index < FIRST_WORKER;
    if (plan->large || plan->storm || plan->relay)
        return mr_random_chance(random, 1, 4) ? FORGETS : PROMPT;
    if (founder && plan->founder_count == 1 && plan->guest_count == 0 &&
        mr_random_chance(random, 1, 2))
        return COMMUTES;
    if (mr_random_chance(random, 1, 3))
        return PROMPT;
    enum temper temper = tempers[from_to(random, 0, DIES_FOR_GOOD)];
    if (temper == DIES && guest)
        return DIES_FOR_GOOD;
    /* Somebody must stay, and nobody may come after who goes. */
    bool may_go = guest || (founder && plan->founder_count > 1 && !is_followed(plan, index) &&
                            plan->permanent == (1U << plan->founder_count) - 1);
    return temper == DIES_FOR_GOOD && !may_go ? DIES : temper;
}

/* Who never gives up a core of which there are too few measures the scheduler's patience: rare, and
 * with few messages. */
static struct mr_wait wait_choose(struct plan *plan, struct mr_random *random)
{
    static const uint64_t naps[] = {0, 0, 100000, MR_WAIT_FOREVER};
    struct mr_wait wait = {.kind = (enum mr_wait_kind)from_to(random, 0, MR_WAIT_SLEEP)};
    /* Nobody else wakes a relay that has lost a wake-up. The announcement of the sleep comes sooner
     * or later, so that it meets the wake-up now and then. */
    if (plan->relay)
        return (struct mr_wait){.spins = from_to(random, 1, 100), .yields = 1};
    if (wait.kind == MR_WAIT_SPIN && thread_count(plan) > CORES) {
        if (plan->large || plan->storm || !mr_random_chance(random, 1, 16))
            wait.kind = MR_WAIT_YIELD;
        else if (plan->messages > 100)
            plan->messages = 100;
    }
    if (mr_random_chance(random, 1, 3)) {
        wait.spins = from_to(random, 1, 200);
        wait.yields = from_to(random, 1, 4);
    }
    if (wait.kind == MR_WAIT_PARK)
        wait.sleep_ns = naps[from_to(random, 0, 3)];
    else if (wait.kind == MR_WAIT_SLEEP && mr_random_chance(random, 1, 2))
        wait.sleep_ns = from_to(random, 1, 100000);
    if (mr_random_chance(random, 1, 4))
        wait.timeout_ns = from_to(random, 1, 300000);
    return wait;
}

static void guest_choose(const struct plan *plan, struct mr_random *random,
                         struct handler_plan *handler)
{
    handler->stays = plan->storm ? UINT32_MAX : from_to(random, 1, 5);
    handler->lingers_ns = plan->storm ? 0 : 500000;
    handler->stay_max = plan->storm ? 4 : 3 * (uint32_t)plan->options.capacity + 100;
    if (mr_random_chance(random, 1, 4))
        handler->workers = from_to(random, 1, GUEST_WORKERS_MAX);
    /* Its one thread must not wait for one worker while another has something in hand. */
    if (handler->workers > 1)
        handler->looking = LOOK_POLLING;
}

static void handler_choose(struct plan *plan, struct mr_random *random, uint32_t index)
{
    struct handler_plan *handler = &plan->handlers[index];
    handler->temper = temper_choose(plan, random, index);
    handler->looking = (enum looking)from_to(random, 0, LOOK_POLLING);
    if (plan->relay || mr_random_chance(random, 1, 2))
        handler->looking = LOOK_WAITING;
    if (plan->storm && handler->looking == LOOK_WAITING)
        handler->looking = LOOK_AVAILABLE;
    if (mr_random_chance(random, 1, plan->storm ? 2 : 3))
        handler->batch_max = from_to(random, 1, plan->large ? 512 : plan->storm ? 2 : 40);
    handler->dies_after = from_to(random, 2, 30);
    handler->leaves_at_halt = mr_random_chance(random, 1, 2);
    handler->waits_itself = mr_random_chance(random, 1, 2);
    handler->wait = wait_choose(plan, random);
    if (handler->temper == DIES_FOR_GOOD)
        plan->permanent &= ~(1U << index);
    /* A wait without end for what may die later would be a drain without end. */
    if ((handler->temper == DIES || handler->temper == DIES_FOR_GOOD) &&
        plan->ending == END_DRAINED)
        plan->ending = END_DRAINED_IN_TIME;
    if (index >= FIRST_GUEST && index < FIRST_WORKER)
        guest_choose(plan, random, handler);
}

static void producer_choose(struct plan *plan, struct mr_random *random, uint32_t index)
{
    struct producer_plan *producer = &plan->producers[index];
    producer->claiming = (enum claiming)from_to(random, 0, CLAIM_BY_OWN);
    producer->slow = !plan->large && mr_random_chance(random, 1, 4);
    producer->wait = wait_choose(plan, random);
    if (plan->relay && producer->claiming == CLAIM_TRYING)
        producer->claiming = CLAIM_WAITING;
    if (plan->relay)
        producer->slow = false;
}

/* -- How much. --------------------------------------------------------------------------------- */

/* The wrap, if any, comes somewhere in the middle: of 32 bits, of 63, of 64, of a mark's rounds. */
static uint64_t first_choose(const struct plan *plan, struct mr_random *random, uint64_t total)
{
    const uint64_t wraps[] = {total + 1000, UINT64_C(1) << 32, UINT64_C(1) << 63, 0,
                              plan->options.capacity << 32};
    return wraps[from_to(random, 0, 4)] - mr_random_below(random, total);
}

static void sizes_choose(struct plan *plan, struct mr_random *random)
{
    struct mr_ring_options *options = &plan->options;
    uint32_t small = plan->relay ? 1 : plan->storm ? 3 : 10;
    options->capacity = UINT64_C(1) << from_to(random, plan->large ? 6 : 0, small);
    options->slot_size = sizeof(struct message);
    options->layout = mr_random_chance(random, 1, 2) ? MR_RING_LATENCY : MR_RING_THROUGHPUT;
    options->producers = plan->producer_count > 1 || mr_random_chance(random, 1, 4)
                             ? MR_PRODUCER_MULTI
                             : MR_PRODUCER_SINGLE;
    uint32_t total = plan->large   ? from_to(random, 100000, 300000)
                     : plan->storm ? from_to(random, 20000, 60000)
                     : plan->relay ? 5000
                                   : from_to(random, 300, 5000);
    plan->messages = total / plan->producer_count;
    options->first_position = first_choose(plan, random, total);
    plan->ending = (enum ending)from_to(random, 0, END_HALTED);
    if (plan->large || plan->relay)
        plan->ending = END_DRAINED;
    plan->halt_at = mr_random_below(random, total);

    uint32_t most = (uint32_t)options->capacity;
    if (!mr_random_chance(random, 1, 8) && most > (plan->large ? 256 : 32))
        most = plan->large ? 256 : 32;
    plan->batch_max = from_to(random, plan->large ? most / 2 : 1, most);
}

void stress_plan(struct plan *plan, uint64_t seed)
{
    struct mr_random random;
    *plan = (struct plan){.seed = seed};
    mr_random_init(&random, mr_mix64(seed));
    plan->large = mr_random_chance(&random, 1, 20);
    plan->storm = !plan->large && mr_random_chance(&random, 1, 6);
    plan->works = mr_random_chance(&random, 1, 2);
    plan->relay = !plan->large && !plan->storm && mr_random_chance(&random, 1, 8);
    cast_choose(plan, &random);
    sizes_choose(plan, &random);
    plan->permanent = (1U << plan->founder_count) - 1;
    plan->options.producer_wait = wait_choose(plan, &random);
    plan->options.consumer_wait = wait_choose(plan, &random);
    for (uint32_t p = 0; p < plan->producer_count; p++)
        producer_choose(plan, &random, p);
    for (uint32_t c = 0; c < plan->founder_count; c++)
        if (c != plan->pool_column)
            handler_choose(plan, &random, c);
    for (uint32_t g = 0; g < plan->guest_count; g++)
        handler_choose(plan, &random, FIRST_GUEST + g);
    for (uint32_t w = 0; w < plan->worker_count; w++)
        handler_choose(plan, &random, FIRST_WORKER + w);
}

void stress_plan_print(const struct plan *plan)
{
    static const char *const endings[] = {"drained", "drained in time", "halted"};
    const struct mr_ring_options *options = &plan->options;
    printf("MR_SEED=%" PRIu64 ": %s, %s, capacity %" PRIu64 ", first %" PRIu64 ", %" PRIu32
           " x %" PRIu64 " messages, %s of %" PRIu32,
           plan->seed, options->layout == MR_RING_LATENCY ? "latency" : "throughput",
           options->producers == MR_PRODUCER_MULTI ? "multi" : "single", options->capacity,
           options->first_position, plan->producer_count, plan->messages, plan->shape,
           plan->founder_count);
    if (plan->pool_column != NO_POOL)
        printf(", %" PRIu32 " with %" PRIu32 " workers", plan->pool_column, plan->worker_count);
    const char *kind = plan->storm ? " in a storm" : plan->relay ? ", a relay" : "";
    printf(", %" PRIu32 " guests%s, %s\n", plan->guest_count, kind, endings[plan->ending]);
    fflush(stdout);
}
