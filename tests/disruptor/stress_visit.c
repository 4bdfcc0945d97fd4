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

/* Follows the producers, or some of those who never leave, or another guest. Returns the columns
 * that it comes after directly. */
static uint32_t after_choose(struct handler *handler)
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
        host = host_choose(handler);
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
        for (uint32_t c = FIRST_GUEST; c < COLUMNS; c++)
            handler->before_from[c] = host->before_from[c];
        handler->before_from[host->column] = host->begin;
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

/* Joins, and checks that it begins between what was so before and what is so after. */
static void join(struct handler *handler)
{
    struct trial *trial = handler->trial;
    struct mr_consumer *after[CONSUMERS_OF_MAX];
    uint32_t columns = after_choose(handler);
    uint32_t count = stress_consumers_of(trial, columns, after);
    struct mr_consumer_options options = stress_options(handler, after, count);
    options.from_oldest = mr_random_chance(&handler->random, 1, 3);

    /* Below what a look found slowest, a producer may have taken every slot. */
    uint64_t low = mr_ring_slowest(&trial->ring);
    uint64_t cursor = mr_ring_cursor(&trial->ring);
    if (!options.from_oldest)
        low = columns == 0 ? cursor : slowest_of(after, count, cursor);
    CHECK(trial, add(handler, &options) == MR_OK);
    uint64_t begin = position_of(handler);
    uint64_t high = mr_ring_cursor(&trial->ring);
    CHECK(trial, mr_position_ahead(begin, low) >= 0);
    CHECK(trial, mr_position_ahead(slowest_column(trial, columns, high), begin) >= 0);

    stress_settle(handler, begin);
    handler->tally = (struct tally){0};
    lounge_open(handler);
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
    handler->repeats = true;
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

/* Until it has handled so many positions, or the ring is halted. False: it has died. */
static bool stay(struct handler *handler, uint64_t positions)
{
    const struct trial *trial = handler->trial;
    for (;;) {
        bool halted = mr_ring_halted(&trial->ring);
        bool got = visit_once(handler);
        if (handler->dying)
            return false;
        bool enough = handler->released >= positions || (halted && !got) ||
                      (halted && handler->plan->leaves_at_halt);
        if (enough && lounge_close(handler))
            return true;
        if (!got)
            sched_yield();
    }
}

void *stress_visit(void *argument)
{
    struct handler *handler = argument;
    struct trial *trial = handler->trial;
    uint64_t capacity = mr_ring_capacity(&trial->ring);
    handler->repeats = true;
    for (uint32_t i = 0; i < handler->plan->stays; i++) {
        stress_nap(mr_random_below(&handler->random, 500000));
        if (mr_ring_halted(&trial->ring))
            return NULL;
        join(handler);
        if (!stay(handler, mr_random_below(&handler->random, 3 * capacity + 100)))
            return stress_die(handler);
        if (handler->plan->workers == 0 && mr_random_chance(&handler->random, 1, 3))
            handle_in_vain(handler);
        stress_leave(handler);
    }
    return NULL;
}
