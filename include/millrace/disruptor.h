/*
 * <millrace/disruptor.h>: a ring buffer between threads, with one or several producers and any
 * number of consumers that may depend on one another.
 *
 * A *position* is a place in the stream of everything that ever goes through a ring: a uint64_t
 * that only grows (from options.first_position, normally 0). Position p lives in slot p modulo
 * capacity. A range is always written [first, next): "next" is one past the last.
 *
 *     producer                            consumer
 *     mr_ring_try_claim(ring, n, &first)  next = mr_consumer_wait(c), or mr_consumer_available(c)
 *     fill mr_ring_slot(ring, first + i)  read mr_ring_slot(ring, p) for p in [position, next)
 *     mr_ring_publish(ring, first, n)     mr_consumer_release(c, next)
 *
 * What holds, always:
 *   - a consumer sees a slot only after it was published, with all that its producer wrote before;
 *   - a consumer that comes `after` others never passes the slowest of them, and sees what they
 *     wrote to the slots;
 *   - no producer reuses a slot before every consumer has released it;
 *   - every consumer gets every position once, in order; a producer's own positions keep its order.
 *
 * Threads. "A producer" is a thread that claims; with MR_PRODUCER_SINGLE there is one at a time. A
 * consumer belongs to one thread at a time. Handing either role to another thread needs a
 * synchronisation of the caller's (starting or joining a thread is one).
 *
 * Cost. Cursors that different threads write lie 128 bytes apart, remote cursors are read only when
 * the cached value is used up, slots are packed. Publishing is a plain store (one mark a slot with
 * several producers, one cursor with a single one); a fence is paid only in rings that may park.
 *
 * Memory. The caller provides all of it: struct mr_ring and struct mr_consumer (both aligned to 128
 * bytes: use aligned_alloc, or static or automatic objects), and the slots. Nothing is allocated or
 * freed; an unused ring is simply dropped. The structs are plain and visible so that the hot paths
 * can be inlined; read them if you like, write them never.
 */
#ifndef MILLRACE_DISRUPTOR_H
#define MILLRACE_DISRUPTOR_H

#include <millrace/atomic.h>
#include <millrace/error.h>
#include <millrace/park.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a thread waits in mr_ring_claim and mr_consumer_wait. */
enum mr_wait_kind {
    MR_WAIT_PARK,  /* spins a little, yields a little, then sleeps until it is woken */
    MR_WAIT_YIELD, /* spins a little, then offers the core to others at every turn */
    MR_WAIT_SPIN,  /* never gives up its core: for threads with cores of their own */
};

enum mr_producers {
    MR_PRODUCER_SINGLE, /* one thread at a time claims and publishes, in order */
    MR_PRODUCER_MULTI,  /* any number of threads; each publishes its claims when it likes */
};

enum {
    MR_RING_PADDING = 128,
    MR_RING_CAPACITY_MAX = 1 << 30,
    MR_CONSUMER_AFTER_MAX = 16,
};

/* All zero but capacity, slot_size and memory is a good choice: one producer, parking, from 0. */
struct mr_ring_options {
    uint64_t capacity;           /* slots: a power of two, 1 to 2^30 */
    uint32_t slot_size;          /* bytes, from 1; a multiple of the alignment your slots need */
    enum mr_producers producers; /* single or multi */
    enum mr_wait_kind wait;      /* of producers and consumers alike */
    void *memory;                /* the caller's: mr_ring_memory_size() bytes, aligned to 128 */
    uint64_t first_position;     /* where the stream begins; for tests and for resuming a count */
};

/* The state of one consumer. Its cursor is alone on its lines: those who come after it, or the
 * producers, read it. */
struct mr_consumer {
    /* Written by the consumer: everything below is handled. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) position;

    /* Of the consumer's thread alone, or fixed when it was added. */
    alignas(MR_RING_PADDING) uint64_t available; /* known to be handleable, maybe more by now */
    uint32_t pace;                               /* pauses before the next look of a wait */
    struct mr_ring *ring;
    struct mr_park *park; /* where whoever feeds it wakes it */
    uint32_t after_count; /* 0: it follows the producers */
    const struct mr_consumer *after[MR_CONSUMER_AFTER_MAX];
    struct mr_consumer *gating_next; /* in the list of those that the producers watch */

    /* Written by whoever alerts it. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint32_t) alerted;
};

struct mr_ring {
    /* Fixed at init (gating: before the start). */
    alignas(MR_RING_PADDING) unsigned char *slots;
    MR_ATOMIC(uint32_t) * marks; /* a slot's last published round, or NULL with a single producer */
    uint64_t mask;               /* capacity - 1 */
    size_t stride;               /* bytes from slot to slot */
    uint64_t first_position;
    uint32_t round_shift; /* position >> round_shift is its round */
    enum mr_wait_kind wait;
    bool parks;                 /* somebody may sleep: publishing and releasing must look */
    struct mr_consumer *gating; /* the consumers that nobody comes after */

    /* Single producer: everything below is published. Several: unused, the marks tell. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) cursor;

    /* The producers' own. A single one needs no atomics here; relaxed, they cost it nothing. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) claimed; /* the next position to claim */
    MR_ATOMIC(uint64_t) gate; /* no consumer is below this: cached, maybe further by now */

    /* Where those sleep who wait for a publication, and those who wait for a release. */
    alignas(MR_RING_PADDING) struct mr_park published;
    alignas(MR_RING_PADDING) struct mr_park released;
    MR_ATOMIC(uint32_t) halted;
};

/* -- Setting up. One thread, before any other uses the ring. ----------------------------------- */

/* Bytes of options->memory that a ring of these options needs (memory itself is not looked at); 0
 * when the options are invalid. */
size_t mr_ring_memory_size(const struct mr_ring_options *options);

/* Makes a ring. MR_OK, or MR_E_INVALID: capacity not a power of two in 1 to 2^30, slot_size 0, an
 * unknown enumerator, memory NULL or not aligned. On failure `ring` is not touched. */
int mr_ring_init(struct mr_ring *ring, const struct mr_ring_options *options,
                 struct mr_error *error);

/* Adds a consumer that begins at the ring's first position. It stays behind each of the
 * `after_count` consumers in `after` (the pointers are copied; the consumers must live as long as
 * the ring); with 0 (after may be NULL) it follows the producers. Before anything is claimed. A
 * ring without consumers fills up once and stays full. MR_OK; MR_E_INVALID: something was claimed
 * already, or an `after` is not of this ring; MR_E_LIMIT: after_count above MR_CONSUMER_AFTER_MAX
 * (put a consumer between). */
int mr_ring_consumer_add(struct mr_ring *ring, struct mr_consumer *consumer,
                         struct mr_consumer *const *after, uint32_t after_count,
                         struct mr_error *error);

/* -- Producers. -------------------------------------------------------------------------------- */

/* Claims `count` consecutive positions (1 to capacity; more is an assertion) and gives the first.
 * False: there is no room now, and nothing has happened. What was claimed must be published.
 * Producer threads; single: wait-free; multi: lock-free. */
static inline bool mr_ring_try_claim(struct mr_ring *ring, uint32_t count, uint64_t *first);

/* As mr_ring_try_claim, but waits for room by the ring's strategy. False: the ring was halted while
 * it was full; nothing is claimed. Producer threads; blocking. */
static inline bool mr_ring_claim(struct mr_ring *ring, uint32_t count, uint64_t *first);

/* The slot of a position: slot_size bytes, which the claimer may write until it publishes, and a
 * consumer may read (or write, if those after it expect that) until it releases. Consecutive
 * positions are consecutive in memory but where the ring wraps. Any thread; wait-free. */
static inline void *mr_ring_slot(const struct mr_ring *ring, uint64_t position);

/* Makes the positions [first, first + count) visible to the consumers. A claim may be published in
 * parts. A single producer publishes in order of position; with several, each publishes its own
 * claims in any order, and consumers see what is published without a gap. The claiming thread;
 * wait-free (in a ring that parks: lock-free, plus a system call if somebody sleeps). */
static inline void mr_ring_publish(struct mr_ring *ring, uint64_t first, uint32_t count);

/* -- Consumers. -------------------------------------------------------------------------------- */

/* One past the highest position that the consumer may handle now; its own position if there is
 * none. Reads what others write only when all that was known to be available has been released, so
 * it may lag behind what is there, but never says "none" when there is some. The consumer's thread;
 * wait-free. */
static inline uint64_t mr_consumer_available(struct mr_consumer *consumer);

/* The next position to handle: everything below is released. Any thread; wait-free. */
static inline uint64_t mr_consumer_position(const struct mr_consumer *consumer);

/* Everything below `next` is handled: hands it on to those after this consumer, or back to the
 * producers. `next` is at most what mr_consumer_available or mr_consumer_wait returned, and never
 * goes back. Once a batch is enough, and cheaper than once a position. The consumer's thread;
 * wait-free (in a ring that parks: lock-free, plus a system call if somebody sleeps). */
static inline void mr_consumer_release(struct mr_consumer *consumer, uint64_t next);

/* Waits by the ring's strategy until there is something to handle, and returns as
 * mr_consumer_available does. Returns the consumer's own position (nothing) only if the ring is
 * halted or the consumer alerted. While messages come faster than it can profitably look for them,
 * it lets some gather first (for at most a few microseconds; see consumer.c): a consumer at its
 * producer's heels would slow both down. The consumer's thread; blocking. */
uint64_t mr_consumer_wait(struct mr_consumer *consumer);

/* Makes this consumer's waits return, now and from now on, even when there is nothing; until
 * mr_consumer_alert_clear. Any thread; wait-free but for the wake-up. */
void mr_consumer_alert(struct mr_consumer *consumer);
void mr_consumer_alert_clear(struct mr_consumer *consumer);
bool mr_consumer_alerted(const struct mr_consumer *consumer);

/* -- All of the ring, for any thread. ---------------------------------------------------------- */

/* One past the highest position below which everything is published. Single: wait-free, one load.
 * Multi: looks through what is in flight, at most capacity marks. */
uint64_t mr_ring_cursor(const struct mr_ring *ring);

/* The lowest position that some consumer has still to handle. mr_ring_slowest == mr_ring_cursor,
 * once the producers are silent, means that the ring is drained. The cursor minus this is the fill
 * level (read this one first, or it may seem negative). Wait-free. */
uint64_t mr_ring_slowest(const struct mr_ring *ring);

/* Ends all waiting, for good: mr_ring_claim returns false instead of waiting, and mr_consumer_wait
 * returns what is available, even nothing. What is published stays; the try and poll functions
 * work on. To drain: silence the producers, wait until the ring is drained, then halt. */
void mr_ring_halt(struct mr_ring *ring);
bool mr_ring_halted(const struct mr_ring *ring);

static inline uint64_t mr_ring_capacity(const struct mr_ring *ring)
{
    return ring->mask + 1;
}

/* ---------------------------------------------------------------------------------------------- */
/* The hot paths. Nothing below is interface.                                                     */

bool mr_ring_try_claim_slow(struct mr_ring *ring, uint32_t count, uint64_t *first);
bool mr_ring_claim_wait(struct mr_ring *ring, uint32_t count, uint64_t *first);
uint64_t mr_consumer_look(struct mr_consumer *consumer);

/* Development builds (MR_VERIFY) end the process where the rules above are broken. */
void mr_ring_rule_broken(const char *rule) __attribute__((noreturn));
#ifdef MR_VERIFY
#define MR_RING_RULE(rule) ((rule) ? (void)0 : mr_ring_rule_broken(#rule))
#else
#define MR_RING_RULE(rule) ((void)sizeof(!!(rule)))
#endif

/* How far `position` is ahead of `other`; right across the wrap of uint64_t too. */
static inline int64_t mr_position_ahead(uint64_t position, uint64_t other)
{
    return (int64_t)(position - other);
}

/* The round of a position, modulo 2^32, marks its slot once it is published. */
static inline uint32_t mr_ring_round(const struct mr_ring *ring, uint64_t position)
{
    return (uint32_t)(position >> ring->round_shift);
}

/* Several producers: whether `position`, which nobody slower than the caller has left behind, is
 * published. A later round in the mark means yes too: a mere observer may be overtaken. */
static inline bool mr_ring_marked(const struct mr_ring *ring, uint64_t position)
{
    /* Acquire: pairs with the release of the mark in mr_ring_publish. */
    uint32_t mark = mr_atomic_load(&ring->marks[position & ring->mask], acquire);
    return (int32_t)(mark - mr_ring_round(ring, position)) >= 0;
}

static inline bool mr_ring_try_claim(struct mr_ring *ring, uint32_t count, uint64_t *first)
{
    if (ring->marks == NULL) {
        /* Relaxed: the producer reads back what it wrote itself. */
        uint64_t claimed = mr_atomic_load(&ring->claimed, relaxed);
        uint64_t gate = mr_atomic_load(&ring->gate, relaxed);
        if (__builtin_expect(claimed + count - gate <= ring->mask + 1, 1)) {
            mr_atomic_store(&ring->claimed, claimed + count, relaxed);
            *first = claimed;
            return true;
        }
    }
    return mr_ring_try_claim_slow(ring, count, first);
}

static inline bool mr_ring_claim(struct mr_ring *ring, uint32_t count, uint64_t *first)
{
    return mr_ring_try_claim(ring, count, first) || mr_ring_claim_wait(ring, count, first);
}

static inline void *mr_ring_slot(const struct mr_ring *ring, uint64_t position)
{
    return ring->slots + (position & ring->mask) * ring->stride;
}

static inline void mr_ring_publish(struct mr_ring *ring, uint64_t first, uint32_t count)
{
    MR_RING_RULE(mr_position_ahead(mr_atomic_load(&ring->claimed, relaxed), first + count) >= 0);
    if (ring->marks == NULL) {
        MR_RING_RULE(first == mr_atomic_load(&ring->cursor, relaxed));
        /* Release: pairs with the acquire of the cursor in mr_consumer_look. */
        mr_atomic_store(&ring->cursor, first + count, release);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t position = first + i;
            /* Release: pairs with the acquire of the mark in mr_ring_marked. */
            mr_atomic_store(&ring->marks[position & ring->mask], mr_ring_round(ring, position),
                            release);
        }
    }
    if (ring->parks)
        mr_park_wake(&ring->published);
}

static inline uint64_t mr_consumer_position(const struct mr_consumer *consumer)
{
    /* Acquire: pairs with the release in mr_consumer_release. */
    return mr_atomic_load(&consumer->position, acquire);
}

static inline uint64_t mr_consumer_available(struct mr_consumer *consumer)
{
    /* Relaxed: the consumer reads back what it wrote itself. */
    if (consumer->available != mr_atomic_load(&consumer->position, relaxed))
        return consumer->available;
    return mr_consumer_look(consumer);
}

static inline void mr_consumer_release(struct mr_consumer *consumer, uint64_t next)
{
    MR_RING_RULE(mr_position_ahead(next, mr_atomic_load(&consumer->position, relaxed)) >= 0);
    MR_RING_RULE(mr_position_ahead(consumer->available, next) >= 0);
    /* Release: pairs with the acquire in mr_consumer_look of those after it, and with that in the
     * producers' look at the gate. */
    mr_atomic_store(&consumer->position, next, release);
    if (consumer->ring->parks)
        mr_park_wake(&consumer->ring->released);
}

#ifdef __cplusplus
}
#endif
#endif
