/* The stress test's guests: they join a running ring, stay for a while, and leave. */
#include "tests/disruptor/stress.h"

#include <sched.h>

static struct guest_pool *pool_of(const struct handler *handler)
{
    return &handler->trial->guest_pools[handler->column - FIRST_GUEST];
}

/* -- The lounge. ------------------------------------------------------------------------------- */

/* Chooses a guest to come after, which then stays. NULL: there is none. */
static struct handler *host_choose(struct handler *handler)
{
    struct trial *trial = handler->trial;
    struct lounge *lounge = &trial->lounge;
    struct handler *host = NULL;
    pthread_mutex_lock(&lounge->mutex);
    for (uint32_t c = FIRST_GUEST; c < COLUMNS && host == NULL; c++)
        if (c != handler->column && lounge->open[c]) {
            host = &trial->handlers[c];
            lounge->followers[c]++;
        }
    pthread_mutex_unlock(&lounge->mutex);
    return host;
}

/* Who may die is no host: the coordinator would have to know its followers. */
static void lounge_open(const struct handler *handler)
{
    struct lounge *lounge = &handler->trial->lounge;
    if (handler->plan->workers > 0 || handler->plan->temper == DIES_FOR_GOOD)
        return;
    pthread_mutex_lock(&lounge->mutex);
    lounge->open[handler->column] = true;
    pthread_mutex_unlock(&lounge->mutex);
}

/* False: others come after this guest, it must stay. */
static bool lounge_close(const struct handler *handler)
{
    struct lounge *lounge = &handler->trial->lounge;
    pthread_mutex_lock(&lounge->mutex);
    bool free = lounge->followers[handler->column] == 0;
    if (free)
        lounge->open[handler->column] = false;
    pthread_mutex_unlock(&lounge->mutex);
    return free;
}

static void hosts_leave(struct handler *handler)
{
    struct lounge *lounge = &handler->trial->lounge;
    pthread_mutex_lock(&lounge->mutex);
    for (uint32_t set = handler->hosts; set != 0; set &= set - 1)
        lounge->followers[__builtin_ctz(set)]--;
    pthread_mutex_unlock(&lounge->mutex);
    handler->hosts = 0;
}

/* -- Joining. ---------------------------------------------------------------------------------- */

/* What a guest knows of those whom its host comes after. The host began where the pool had taken up
 * to: what was in hand then, the pool may handle later than whoever comes after the host alone. */
static void host_follow(struct handler *handler, const struct handler *host)
{
    uint32_t pool = handler->trial->plan.pool_column;
    for (uint32_t c = FIRST_GUEST; c < COLUMNS; c++)
        handler->before_from[c] = host->before_from[c];
    handler->before_from[host->column] = host->begin;
    if (pool != NO_POOL) {
        uint64_t from = host->before_from[pool];
        handler->before_from[pool] = mr_position_ahead(host->begin, from) > 0 ? host->begin : from;
    }
}

/* Follows the producers, or some of those who never leave, or another guest. Returns the columns
 * that it comes after directly. */
static uint32_t after_choose(struct handler *handler, bool hosted)
{
    struct trial *trial = handler->trial;
    uint32_t after = 0;
    struct handler *host = NULL;
    handler->before = 0;
    switch (mr_random_below(&handler->random, 4)) {
    case 0:
        after = (uint32_t)mr_random_u64(&handler->random) & trial->plan.permanent;
        break;
    case 1:
        host = hosted ? host_choose(handler) : NULL;
        break;
    default:
        break;
    }
    for (uint32_t set = after; set != 0; set &= set - 1)
        handler->before |= trial->handlers[__builtin_ctz(set)].before;
    for (uint32_t c = 0; c < FOUNDERS_MAX; c++)
        handler->before_from[c] = trial->plan.options.first_position;
    if (host != NULL) {
        after = handler->hosts = 1U << host->column;
        handler->before = host->before;
        host_follow(handler, host);
    }
    handler->before |= after;
    return after;
}

/* The slowest of some consumers; all of them are ahead of `far` - 2^62. */
static uint64_t slowest_of(struct mr_consumer *const *consumers, uint32_t count, uint64_t far)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t position = mr_consumer_position(consumers[i]);
        if (mr_position_ahead(far, position) > 0)
            far = position;
    }
    return far;
}

/* Of a pool, how far it has taken: a worker's cursor may be behind for a moment. */
static uint64_t slowest_column(struct trial *trial, uint32_t columns, uint64_t far)
{
    for (uint32_t set = columns; set != 0; set &= set - 1) {
        uint32_t c = (uint32_t)__builtin_ctz(set);
        uint64_t position = c == trial->plan.pool_column
                                ? mr_pool_taken(&trial->pool)
                                : mr_consumer_position(&trial->handlers[c].consumer);
        if (mr_position_ahead(far, position) > 0)
            far = position;
    }
    return far;
}

static int add(struct handler *handler, const struct mr_consumer_options *options)
{
    struct mr_ring *ring = &handler->trial->ring;
    if (handler->plan->workers == 0)
        return mr_ring_consumer_add(ring, &handler->consumer, options, NULL);
    struct guest_pool *own = pool_of(handler);
    return mr_pool_init(&own->pool, ring, own->workers, handler->plan->workers, options, NULL);
}

static uint64_t position_of(const struct handler *handler)
{
    return handler->plan->workers == 0 ? mr_consumer_position(&handler->consumer)
                                       : mr_pool_taken(&pool_of(handler)->pool);
}

/* All that joining needs, and what it will be checked by. */
struct arrival {
    struct mr_consumer *after[CONSUMERS_OF_MAX];
    struct mr_consumer_options options;
    uint32_t columns; /* of those that it comes after */
    uint64_t low;     /* where it may begin, at least */
};

static void arrival_prepare(struct handler *handler, struct arrival *arrival, bool hosted)
{
    struct trial *trial = handler->trial;
    arrival->columns = after_choose(handler, hosted);
    uint32_t count = stress_consumers_of(trial, arrival->columns, arrival->after);
    arrival->options = stress_options(handler, arrival->after, count);
    arrival->options.from_oldest = mr_random_chance(&handler->random, 1, 3);

    /* Below what a look found slowest, a producer may have taken every slot. */
    uint64_t cursor = mr_ring_cursor(&trial->ring);
    if (arrival->options.from_oldest)
        arrival->low = mr_ring_slowest(&trial->ring);
    else
        arrival->low = arrival->columns == 0 ? cursor : slowest_of(arrival->after, count, cursor);
}

/* Joins, and checks that it begins between what was so before and what is so after. */
static void arrive(struct handler *handler, const struct arrival *arrival)
{
    struct trial *trial = handler->trial;
    CHECK(trial, add(handler, &arrival->options) == MR_OK);
    uint64_t begin = position_of(handler);
    uint64_t high = mr_ring_cursor(&trial->ring);
    CHECK(trial, mr_position_ahead(begin, arrival->low) >= 0);
    CHECK(trial, mr_position_ahead(slowest_column(trial, arrival->columns, high), begin) >= 0);

    stress_settle(handler, begin);
    handler->tally = (struct tally){0};
    lounge_open(handler);
}

static void join(struct handler *handler)
{
    struct arrival arrival;
    arrival_prepare(handler, &arrival, true);
    arrive(handler, &arrival);
}

/* -- Leaving. ---------------------------------------------------------------------------------- */

void stress_leave(struct handler *handler)
{
    const struct trial *trial = handler->trial;
    if (handler->plan->workers > 0) {
        CHECK(trial, mr_pool_leave(&pool_of(handler)->pool, NULL) == MR_OK);
    } else {
        CHECK(trial, mr_ring_consumer_remove(&handler->consumer, NULL) == MR_OK);
        CHECK(trial,
              mr_consumer_position(&handler->consumer) == handler->begin + handler->released);
        CHECK(trial, mr_ring_consumer_remove(&handler->consumer, NULL) == MR_E_INVALID);
    }
    hosts_leave(handler);
}

/* Leaves and joins again with as little in between as can be: a producer's look may begin before
 * and end after it. */
static void change(struct handler *handler)
{
    const struct trial *trial = handler->trial;
    struct arrival arrival;
    arrival_prepare(handler, &arrival, false);
    if (handler->plan->workers > 0)
        CHECK(trial, mr_pool_leave(&pool_of(handler)->pool, NULL) == MR_OK);
    else
        CHECK(trial, mr_ring_consumer_remove(&handler->consumer, NULL) == MR_OK);
    arrive(handler, &arrival);
    hosts_leave(handler);
}

/* Handles a part of what it could, and leaves with that in hand: whoever takes the slots next must
 * see it. */
static void handle_in_vain(struct handler *handler)
{
    struct tally tally = handler->tally;
    uint64_t position = mr_consumer_position(&handler->consumer);
    uint64_t next = mr_consumer_available(&handler->consumer);
    stress_handle(handler, position,
                  position + mr_random_below(&handler->random, next - position + 1), &tally);
}

/* -- Staying. ---------------------------------------------------------------------------------- */

/* One thread works for all workers of its pool in turn; each may have a part of a chunk in hand
 * while others take the next. */
static bool visit_once(struct handler *handler)
{
    if (handler->plan->workers == 0)
        return stress_consume_once(handler);
    struct mr_worker *workers = pool_of(handler)->workers;
    uint64_t which = mr_random_below(&handler->random, handler->plan->workers);
    handler->tally = (struct tally){0};
    handler->frontier = handler->begin;
    return stress_work_once(handler, &workers[which]);
}

enum outcome {
    STAY_OVER, /* it may leave */
    STAY_DIED,
    STAY_KEPT, /* the ring is halted, but others come after it still: perhaps dead ones */
};

/* Until it has handled so many positions, or the ring is halted. */
static enum outcome stay(struct handler *handler, uint64_t positions)
{
    const struct trial *trial = handler->trial;
    for (;;) {
        bool halted = mr_ring_halted(&trial->ring);
        bool got = visit_once(handler);
        if (handler->dying)
            return STAY_DIED;
        bool enough = handler->released >= positions || (halted && !got) ||
                      (halted && handler->plan->leaves_at_halt);
        if (enough && lounge_close(handler))
            return STAY_OVER;
        if (enough && halted)
            return STAY_KEPT;
        if (!got)
            sched_yield();
    }
}

void *stress_visit(void *argument)
{
    struct handler *handler = argument;
    const struct handler_plan *plan = handler->plan;
    const struct trial *trial = handler->trial;
    bool here = false;
    handler->repeats = true;
    for (uint32_t i = 0; i < plan->stays; i++) {
        if (!here && plan->lingers_ns > 0)
            stress_nap(mr_random_below(&handler->random, plan->lingers_ns));
        if (!here && mr_ring_halted(&trial->ring))
            return NULL;
        if (!here)
            join(handler);
        enum outcome outcome = stay(handler, mr_random_below(&handler->random, plan->stay_max));
        if (outcome == STAY_DIED)
            return stress_die(handler);
        if (outcome == STAY_KEPT)
            return NULL;
        if (plan->workers == 0 && mr_random_chance(&handler->random, 1, 3))
            handle_in_vain(handler);
        here = i + 1 < plan->stays && !mr_ring_halted(&trial->ring) &&
               mr_random_chance(&handler->random, 1, 2);
        if (here)
            change(handler);
        else
            stress_leave(handler);
    }
    return NULL;
}
