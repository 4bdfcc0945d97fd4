/*
 * Subscribers: consumers of the output ring that come and go while the engine runs.
 *
 * A descriptor becomes readable only for a subscriber that armed it, so that one who reads along
 * costs no system call:
 *
 *     the subscriber                           apply
 *     1. empties the descriptor                1. publishes
 *     2. sets its bit in `armed`               2. fence
 *     3. announces itself at the park, fence   3. looks at the park: somebody waits?
 *     4. looks for output: is there none?      4. wakes sleepers, which clears the announcement
 *                                              5. takes all of `armed`, writes to these
 *
 * If 4 on the left misses what was published, then 3 on the right finds the announcement. If 4 on
 * the right clears it although it meant something that is still to be published, then 5 finds the
 * bit, and the subscriber looks once in vain.
 */
#include "engine/parts.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ALL_SEATS = (1 << MR_SUBSCRIBERS_MAX) - 1 };

/* -- Being told. ------------------------------------------------------------------------------- */

static void write_to_armed(struct mr_subscribers *subscribers)
{
    /* Acquire: pairs with the release in mr_subscriber_arm, and the descriptor is there. */
    uint32_t armed = mr_atomic_exchange(&subscribers->armed, 0U, acq_rel);
    for (; armed != 0; armed &= armed - 1) {
        int fd = mr_atomic_load(&subscribers->descriptor_next[__builtin_ctz(armed)], relaxed) - 1;
        /* It fails only when it is full of earlier ones, and then it is readable. */
        ssize_t ignored = write(fd, &(uint64_t){1}, sizeof(uint64_t));
        (void)ignored;
    }
}

void mr_engine_tell_readers(struct mr_engine *engine)
{
    uint32_t word = mr_park_look(&engine->parks.output);
    if (__builtin_expect(word != 0, 0)) {
        mr_park_wake_sleepers(&engine->parks.output, word);
        write_to_armed(&engine->subscribers);
    }
}

int mr_subscriber_fd(struct mr_subscriber *subscriber)
{
    MR_ATOMIC(int) *next = &subscriber->engine->subscribers.descriptor_next[subscriber->seat];
    int known = mr_atomic_load(next, relaxed);
    if (known == 0) {
        known = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) + 1;
        mr_atomic_store(next, known, relaxed);
    }
    return known - 1;
}

/* Leaves behind what was written before apply knew of this subscriber. */
static void settle(struct mr_subscriber *subscriber)
{
    const struct mr_subscriber_seat *seat =
        &subscriber->engine->subscribers.seats[subscriber->seat];
    /* What there is first: when apply has not been seen to know by then, it did not when it wrote
     * this. */
    uint64_t available = mr_consumer_look(&subscriber->reader);
    uint64_t position = mr_consumer_position(&subscriber->reader);
    uint64_t start = available;
    /* Acquire: pairs with the release in mr_subscribers_look. */
    if (mr_atomic_load(&seat->seen, acquire) == subscriber->joined) {
        start = mr_atomic_load(&seat->start, relaxed);
        subscriber->settled = mr_position_ahead(available, start) >= 0;
    }
    start = mr_position_ahead(available, start) >= 0 ? start : available;
    if (mr_position_ahead(start, position) > 0) {
        mr_consumer_release(&subscriber->reader, start);
    }
}

static bool has_output(void *context)
{
    struct mr_subscriber *subscriber = context;
    if (!subscriber->settled) {
        settle(subscriber);
    }
    return mr_consumer_available(&subscriber->reader) != mr_consumer_position(&subscriber->reader);
}

int mr_subscriber_await(struct mr_subscriber *subscriber, uint64_t timeout_ns)
{
    struct mr_engine *engine = subscriber->engine;
    return mr_engine_wait(engine, &engine->parks.output, has_output, subscriber, timeout_ns);
}

bool mr_subscriber_arm(struct mr_subscriber *subscriber)
{
    struct mr_engine *engine = subscriber->engine;
    int fd = mr_subscriber_fd(subscriber);
    if (fd < 0 || has_output(subscriber)) {
        return false;
    }
    uint64_t told;
    ssize_t ignored = read(fd, &told, sizeof told);
    (void)ignored;
    /* Release: pairs with the acquire in write_to_armed. */
    (void)mr_atomic_fetch_or(&engine->subscribers.armed, 1U << subscriber->seat, release);
    (void)mr_park_prepare(&engine->parks.output);
    return !has_output(subscriber) && mr_engine_end(engine) == MR_OK;
}

/* -- Coming and going. ------------------------------------------------------------------------- */

static int take_seat(struct mr_subscribers *subscribers, uint32_t *seat, struct mr_error *error)
{
    uint32_t taken = mr_atomic_load(&subscribers->taken, relaxed);
    do {
        if (taken == ALL_SEATS) {
            return mr_error_set(error, MR_E_LIMIT, "an engine has at most %d subscribers",
                                MR_SUBSCRIBERS_MAX);
        }
        *seat = (uint32_t)__builtin_ctz(~taken);
        /* Acquire: pairs with the release in leave_seat. */
    } while (
        !mr_atomic_compare_exchange(&subscribers->taken, &taken, taken | 1U << *seat, acquire));
    return MR_OK;
}

static void leave_seat(struct mr_subscribers *subscribers, uint32_t seat)
{
    uint32_t taken = mr_atomic_load(&subscribers->taken, relaxed);
    /* Release: pairs with the acquire in take_seat. */
    while (
        !mr_atomic_compare_exchange(&subscribers->taken, &taken, taken & ~(1U << seat), release)) {
    }
}

/* Acquire and release: pairs with the acquire in apply's look at the readers. */
static void change_readers(struct mr_engine *engine, uint32_t add, uint32_t remove)
{
    uint32_t before = mr_atomic_load(&engine->readers, relaxed);
    uint32_t after;
    do {
        after = ((before | add) & ~remove) + MR_READERS + 1;
    } while (!mr_atomic_compare_exchange(&engine->readers, &before, after, acq_rel));
}

void mr_subscribers_look(struct mr_engine *engine, uint32_t readers)
{
    engine->applying.readers_seen = readers;
    uint64_t next = mr_atomic_load(&engine->output.claimed, relaxed);
    for (uint32_t i = 0; i < MR_SUBSCRIBERS_MAX; i++) {
        struct mr_subscriber_seat *seat = &engine->subscribers.seats[i];
        /* Relaxed: it came with the change of the readers. */
        uint32_t joined = mr_atomic_load(&seat->joined, relaxed);
        if ((readers >> i & 1) != 0 && joined != mr_atomic_load(&seat->seen, relaxed)) {
            mr_atomic_store(&seat->start, next, relaxed);
            /* Release: pairs with the acquire in settle; and before any more is published. */
            mr_atomic_store(&seat->seen, joined, release);
        }
    }
}

int mr_engine_subscribe(struct mr_engine *engine, struct mr_subscriber **subscriber_out,
                        struct mr_error *error)
{
    struct mr_subscriber *subscriber = aligned_alloc(MR_PADDING, sizeof *subscriber);
    if (subscriber == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for a subscriber");
    }
    subscriber->engine = engine;
    int status = take_seat(&engine->subscribers, &subscriber->seat, error);
    if (status != MR_OK) {
        free(subscriber);
        return status;
    }
    /* There is a cursor for everybody who has a seat. */
    status = mr_ring_consumer_add(&engine->output, &subscriber->reader, NULL, error);
    ASSERT(status == MR_OK);
    struct mr_subscriber_seat *seat = &engine->subscribers.seats[subscriber->seat];
    subscriber->settled = false;
    subscriber->joined = mr_atomic_load(&seat->joined, relaxed) + 1;
    mr_atomic_store(&seat->joined, subscriber->joined, relaxed);
    /* Once it is in the ring: apply writes for it from here on. */
    change_readers(engine, 1U << subscriber->seat, 0);
    /* The first one in an empty ring stands where the last one left. */
    settle(subscriber);
    *subscriber_out = subscriber;
    return MR_OK;
}

void mr_engine_unsubscribe(struct mr_subscriber *subscriber)
{
    struct mr_engine *engine = subscriber->engine;
    /* Before it leaves the ring: apply does not fill a ring that nobody reads. */
    change_readers(engine, 0, 1U << subscriber->seat);
    int status = mr_ring_consumer_remove(&subscriber->reader, NULL);
    ASSERT(status == MR_OK);
    leave_seat(&engine->subscribers, subscriber->seat);
    free(subscriber);
    mr_engine_wake_stage(engine, MR_STAGE_APPLY);
}

uint32_t mr_subscriber_poll(struct mr_subscriber *subscriber,
                            const struct mr_engine_handlers *handlers, uint32_t limit)
{
    return has_output(subscriber)
               ? mr_engine_take(subscriber->engine, &subscriber->reader, handlers, limit)
               : 0;
}

void mr_subscribers_free(struct mr_subscribers *subscribers)
{
    ASSERT(mr_atomic_load(&subscribers->taken, relaxed) == 0); /* the engine outlives them */
    for (uint32_t i = 0; i < MR_SUBSCRIBERS_MAX; i++) {
        int next = mr_atomic_load(&subscribers->descriptor_next[i], relaxed);
        if (next > 0) {
            (void)close(next - 1);
        }
    }
}
