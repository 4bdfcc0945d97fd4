/*
 * <millrace/disruptor.h>: a ring buffer between threads, with one or several producers and any
 * graph of consumers that depend on one another.
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
 *   - every consumer gets every position once, in order, from where it joined; a producer's own
 *     positions keep its order.
 *
 * More is built on this: <millrace/processor.h> calls handlers and deals with their failures,
 * <millrace/pool.h> shares one stream among workers, <millrace/lanes.h> drains several rings by
 * priority, <millrace/agent.h> gives all of them threads. docs/disruptor.md explains how it works
 * and where a user of LMAX's library finds what.
 *
 * Threads. "A producer" is a thread that claims; with MR_PRODUCER_SINGLE there is one at a time. A
 * consumer belongs to one thread at a time. Handing either role to another thread needs a
 * synchronisation of the caller's (starting or joining a thread is one).
 *
 * Two layouts. MR_RING_THROUGHPUT packs the slots; a single producer publishes by one cursor,
 * several by a small mark for each slot, in an array of their own. MR_RING_LATENCY gives each slot
 * a cache line (or several) with the mark inside: a message then crosses between cores as one line,
 * instead of one for the slot and one for the cursor.
 *
 * Cost. Cursors that different threads write lie 128 bytes apart, remote cursors are read only when
 * the cached value is used up. Publishing is a plain store; a fence is paid only if the options say
 * that somebody may park.
 *
 * Memory. The caller provides all of it: struct mr_ring and struct mr_consumer (both aligned to 128
 * bytes: use aligned_alloc, or static or automatic objects), and the slots (<millrace/mapping.h>
 * gets them on huge pages). Nothing is allocated; an unused ring is simply dropped. The structs are
 * plain and visible so that the hot paths can be inlined; read them if you like, write them never.
 */
#ifndef MILLRACE_DISRUPTOR_H
#define MILLRACE_DISRUPTOR_H

#include <millrace/atomic.h>
#include <millrace/error.h>
#include <millrace/park.h>
#include <millrace/wait.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum mr_producers {
    MR_PRODUCER_SINGLE, /* one thread at a time claims and publishes, in order */
    MR_PRODUCER_MULTI,  /* any number of threads; each publishes its claims when it likes */
};

enum mr_ring_layout {
    MR_RING_THROUGHPUT, /* slots packed: the most messages a second */
    MR_RING_LATENCY,    /* a line and a mark for each slot: the fastest single message */
};

enum {
    MR_RING_PADDING = 128,
    MR_RING_CAPACITY_MAX = 1 << 30,
    MR_RING_CONSUMERS_MAX = 64, /* at the same time */
    MR_BATCH_SIZES = 32,        /* classes in which batches are counted */
};

/* All zero but capacity, slot_size and memory is a good choice: one producer, the throughput
 * layout, everybody parks, from 0. */
struct mr_ring_options {
    uint64_t capacity;            /* slots: a power of two, 1 to 2^30 */
    uint32_t slot_size;           /* bytes, from 1; a multiple of the alignment your slots need */
    enum mr_producers producers;  /* single or multi */
    enum mr_ring_layout layout;   /* throughput or latency */
    struct mr_wait producer_wait; /* how mr_ring_claim waits for room */
    struct mr_wait consumer_wait; /* how consumers wait that name nothing of their own */
    void *memory;                 /* the caller's: mr_ring_memory_size() bytes, aligned to 128 */
    uint64_t first_position;      /* where the stream begins; for tests and for resuming a count */
};

/* All zero (or no options at all) is a consumer that follows the producers and waits as the ring's
 * options say. */
struct mr_consumer_options {
    struct mr_consumer *const *after; /* those it stays behind; looked at only while it is added */
    uint32_t after_count;             /* 0: it follows the producers (after may be NULL) */
    uint32_t batch_max;               /* positions that it is given at once at most; 0: no limit */
    bool from_oldest;                 /* joining a running ring: see mr_ring_consumer_add */
    const struct mr_wait *wait;       /* copied; NULL: the ring's consumer_wait */
};

/* A place in the stream that one thread writes and others read, alone on its lines. */
struct mr_cursor {
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) position;
};

/* What a consumer has met so far. Written by its thread alone; any thread may read it at any time
 * (with mr_atomic_load(..., relaxed)), each value by itself. */
struct mr_consumer_counters {
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) batches; /* looks that found something */
    MR_ATOMIC(uint64_t) empty;                            /* looks that found nothing */
    MR_ATOMIC(uint64_t) stalls;                           /* waits that found nothing at first */
    MR_ATOMIC(uint64_t) sleeps;        /* times it gave up its core for longer than a yield */
    MR_ATOMIC(uint64_t) batch_largest; /* positions */
    MR_ATOMIC(uint64_t)
    batch_sizes[MR_BATCH_SIZES]; /* [i]: batches of 2^i to 2^(i+1)-1 positions */
};

/* The state of one consumer. */
struct mr_consumer {
    /* Of the consumer's thread alone, or fixed when it was added. */
    alignas(MR_RING_PADDING) uint64_t available; /* known to be handleable, maybe more by now */
    struct mr_cursor *cursor;                    /* in the ring: everything below it is handled */
    struct mr_ring *ring;
    struct mr_park *park; /* where whoever feeds it wakes it */
    uint64_t after;       /* bit i: stays behind the ring's cursor i; 0: follows the producers */
    uint64_t batch_max;   /* UINT64_MAX: no limit */
    uint32_t index;       /* of its cursor in the ring */
    uint32_t pace;        /* pauses before the next look of a wait */
    bool at_tail;         /* its last look found nothing */
    struct mr_wait wait;
    uint64_t left_at; /* after it was removed: its last position */

    struct mr_consumer_counters counters;

    /* Written by whoever alerts it. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint32_t) alerted;
};

struct mr_ring {
    /* Fixed at init. */
    alignas(MR_RING_PADDING) unsigned char *slots;
    unsigned char *marks; /* a slot's last published round; NULL: the cursor tells instead */
    uint64_t mask;        /* capacity - 1 */
    size_t stride;        /* bytes from slot to slot */
    size_t mark_stride;   /* bytes from mark to mark */
    uint64_t first_position;
    uint32_t round_shift;   /* position >> round_shift is its round */
    bool shared;            /* several producers */
    bool publishes_plainly; /* by the cursor alone: no marks, and nobody to wake */
    bool wakes_consumers;   /* who follows the producers may park: publishing must look */
    bool wakes_others;      /* a producer or dependent consumer may park: releasing must look */
    enum mr_ring_layout layout;
    struct mr_wait producer_wait;
    struct mr_wait consumer_wait;

    /* How far the producers have come. A single one stores `published` and then, with its next
     * claim, `claimed`: on one line these two stores are as quick as one. It needs no atomics for
     * what it alone writes; relaxed, they cost nothing. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) published; /* all below is; with marks: unused */
    MR_ATOMIC(uint64_t) claimed;                            /* the next position to claim */

    /* What the producers know of the consumers. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) room_end; /* single: may claim up to here. Several:
                                                            * always behind `claimed` */
    MR_ATOMIC(uint64_t) gate; /* no consumer is below this: cached, maybe further by now */

    /* What the producers met when the ring was full. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) refused; /* tries that found no room */
    MR_ATOMIC(uint64_t) stalls;                           /* claims that had to wait for room */
    MR_ATOMIC(uint64_t) stalled_ns;                       /* how long these waited together */

    /* Who is in the ring. Read by producers that look for room, written when somebody joins or
     * leaves. Bit i of a set is the consumer whose cursor is cursors[i]. */
    alignas(MR_RING_PADDING) MR_ATOMIC(uint64_t) gating; /* those whom the producers watch */
    MR_ATOMIC(uint64_t) floor;                           /* where the last one left an empty ring */
    MR_ATOMIC(uint32_t) version;                         /* counts the changes of `gating` */
    MR_ATOMIC(uint32_t) changing;                        /* 1: somebody is joining or leaving */
    uint64_t members; /* all consumers; guarded by `changing`, as what follows */
    uint64_t workers; /* of these: the workers of pools */
    uint64_t after[MR_RING_CONSUMERS_MAX]; /* whom each member stays behind */

    /* Where those sleep who wait for a publication, and those who wait for a release. */
    alignas(MR_RING_PADDING) struct mr_park publication;
    alignas(MR_RING_PADDING) struct mr_park release;
    MR_ATOMIC(uint32_t) halted;

    struct mr_cursor cursors[MR_RING_CONSUMERS_MAX];
};

/* How far `position` is ahead of `other`; right across the wrap of uint64_t too. Any
 * thread; wait-free. */
static inline int64_t mr_position_ahead(uint64_t position, uint64_t other)
{
    return (int64_t)(position - other);
}

/* -- Setting up. ------------------------------------------------------------------------------- */

/* Bytes of options->memory that a ring of these options needs (memory itself is not looked at); 0
 * when the options are invalid. */
size_t mr_ring_memory_size(const struct mr_ring_options *options);

/* Makes a ring. MR_OK, or MR_E_INVALID: capacity not a power of two in 1 to 2^30, slot_size 0, an
 * unknown enumerator, memory NULL or not aligned. On failure `ring` is not touched. One thread,
 * before any other uses the ring. */
int mr_ring_init(struct mr_ring *ring, const struct mr_ring_options *options,
                 struct mr_error *error);

/* -- Joining and leaving. ---------------------------------------------------------------------- */

/* Adds a consumer: before the first claim it begins at the ring's first position. In a running ring
 * it begins with what comes next: where the slowest of those it comes after stands, or else where
 * the producers have published to; with from_oldest, at the oldest position that the ring still
 * holds for anybody, though never ahead of those it comes after. (Whom these come after binds it
 * only from where they themselves began.) A ring without consumers holds everything from where the
 * last one left, and whoever then joins begins there: nothing is lost between two consumers. (A
 * ring that nobody joins fills up once and stays full.)
 *
 * MR_OK; MR_E_INVALID: an `after` is not in this ring, or the wait is of no kind; MR_E_LIMIT:
 * MR_RING_CONSUMERS_MAX are in it. `consumer` is not looked at before; it must stay where it is
 * until it is removed, and be in one ring at a time. It parks only in a ring whose own
 * consumer_wait parks (or producer_wait, for one that comes after others): nobody wakes it
 * elsewhere, and it naps instead (MR_WAIT_SLEEP). Any thread, also while others produce and
 * consume; blocking, but only while another thread joins or leaves. */
int mr_ring_consumer_add(struct mr_ring *ring, struct mr_consumer *consumer,
                         const struct mr_consumer_options *options, struct mr_error *error);

/* Takes a consumer out of its ring, be it frozen or dead: producers wait for it no longer, and it
 * may be dropped or added anew. Of its functions only mr_consumer_position goes on working. MR_OK;
 * MR_E_INVALID: others come after it (remove those first), or it is in no ring. Any thread, but its
 * own must not be using it. */
int mr_ring_consumer_remove(struct mr_consumer *consumer, struct mr_error *error);

/* -- Producers. -------------------------------------------------------------------------------- */

/* Claims `count` consecutive positions and gives the first. MR_OK: these slots are the caller's,
 * and must be published. MR_AGAIN: there is no room now. MR_E_LIMIT: there never is, `count` is 0
 * or above the capacity. Only MR_OK claims anything; *first means nothing otherwise. Producer
 * threads; single: wait-free; multi: lock-free. */
static inline int mr_ring_try_claim(struct mr_ring *ring, uint32_t count, uint64_t *first);

/* As mr_ring_try_claim, but waits for room by the ring's producer_wait. MR_AGAIN: its time limit
 * has passed; MR_E_HALTED: the ring was halted while it was full. Producer threads; blocking. */
static inline int mr_ring_claim(struct mr_ring *ring, uint32_t count, uint64_t *first);

/* The same for a producer that waits in its own way; also MR_E_INVALID: of no kind. One that parks
 * in a ring whose options name no parking naps instead (MR_WAIT_SLEEP), since nobody would wake it.
 */
int mr_ring_claim_wait(struct mr_ring *ring, uint32_t count, const struct mr_wait *wait,
                       uint64_t *first);

/* The slot of a position: slot_size bytes, which the claimer may write until it publishes, and a
 * consumer may read (or write, if those after it expect that) until it releases. Consecutive
 * positions are mr_ring_stride bytes apart but where the ring wraps. Any thread; wait-free. */
static inline void *mr_ring_slot(const struct mr_ring *ring, uint64_t position);

/* How many of the slots of [first, next) lie side by side, from `first` on: all of them, or those
 * before the wrap. Any thread; wait-free. */
static inline uint64_t mr_ring_run(const struct mr_ring *ring, uint64_t first, uint64_t next)
{
    uint64_t wrap = (first | ring->mask) + 1;
    return mr_position_ahead(next, wrap) < 0 ? next - first : wrap - first;
}

/* Makes the positions [first, first + count) visible to the consumers. A claim may be published in
 * parts. A single producer publishes in order of position; with several, each publishes its own
 * claims in any order, and consumers see what is published without a gap. The claiming thread;
 * wait-free (in a ring that parks: lock-free, plus a system call if somebody sleeps). */
static inline void mr_ring_publish(struct mr_ring *ring, uint64_t first, uint32_t count);

/* A producer with a way of its own to wait, and with its own copy of all that a claim needs: kept
 * in a local variable it stays in registers, and a message costs a third less than by the functions
 * above. For a thread that claims and publishes in a loop. In a ring with a single producer all
 * claims go by one such object, from when it is made until it is dropped (a new one goes on); with
 * several, they may be mixed with the functions above. Plain; it may be copied. */
struct mr_producer {
    struct mr_ring *ring;
    unsigned char *slots;
    uint64_t mask;
    size_t stride;
    uint64_t next;     /* single: the next position to claim */
    uint64_t room_end; /* single: how far that may go; several: nowhere */
    bool publishes_plainly;
    struct mr_wait wait;
};

/* `wait` is copied; NULL: the ring's producer_wait. The producer's thread; wait-free. */
static inline struct mr_producer mr_producer_of(struct mr_ring *ring, const struct mr_wait *wait);

/* As mr_ring_try_claim, mr_ring_claim_wait with the producer's wait, mr_ring_slot and
 * mr_ring_publish. The producer's thread. */
static inline int mr_producer_try_claim(struct mr_producer *producer, uint32_t count,
                                        uint64_t *first);
static inline int mr_producer_claim(struct mr_producer *producer, uint32_t count, uint64_t *first);
static inline void *mr_producer_slot(const struct mr_producer *producer, uint64_t position);
static inline void mr_producer_publish(struct mr_producer *producer, uint64_t first,
                                       uint32_t count);

/* -- Consumers. -------------------------------------------------------------------------------- */

/* One past the highest position that the consumer may handle now; its own position if there is
 * none. Reads what others write only when all that was known to be available has been released, so
 * it may lag behind what is there, but never says "none" when there is some. The consumer's thread;
 * wait-free. */
static inline uint64_t mr_consumer_available(struct mr_consumer *consumer);

/* As mr_consumer_available, but looks again in any case: for whoever handles positions long before
 * it releases them. The consumer's thread; wait-free. */
uint64_t mr_consumer_look(struct mr_consumer *consumer);

/* What a poll met. */
enum mr_poll {
    MR_POLL_IDLE,       /* nothing is published beyond the consumer's position */
    MR_POLL_GATED,      /* something is, but those it comes after have not released it */
    MR_POLL_PROCESSING, /* the positions up to `next` are the consumer's to handle */
};

/* As mr_consumer_available, and says why if there is none. The consumer's thread; wait-free. */
enum mr_poll mr_consumer_poll(struct mr_consumer *consumer, uint64_t *next);

/* The next position to handle: everything below is released. After removal: where it left. Any
 * thread, but not while it joins or leaves; wait-free. */
static inline uint64_t mr_consumer_position(const struct mr_consumer *consumer);

/* Everything below `next` is handled: hands it on to those after this consumer, or back to the
 * producers. `next` is at most what mr_consumer_available or mr_consumer_wait returned, and never
 * goes back. Once a batch is enough, and cheaper than once a position. The consumer's thread;
 * wait-free (in a ring that parks: lock-free, plus a system call if somebody sleeps). */
static inline void mr_consumer_release(struct mr_consumer *consumer, uint64_t next);

/* Waits in the consumer's way until there is something to handle, and returns as
 * mr_consumer_available does. Returns the consumer's own position (nothing) only if the ring is
 * halted, the consumer alerted, or the wait's time limit over. In the throughput layout, while
 * messages come faster than it can profitably look for them, it lets some gather first (for at most
 * a few microseconds; docs/disruptor.md, "At the producer's heels"). The consumer's thread;
 * blocking. */
uint64_t mr_consumer_wait(struct mr_consumer *consumer);

/* Makes this consumer's waits return, now and from now on, even when there is nothing; until
 * mr_consumer_alert_clear. Any thread; wait-free but for the wake-up. */
void mr_consumer_alert(struct mr_consumer *consumer);
void mr_consumer_alert_clear(struct mr_consumer *consumer);
bool mr_consumer_alerted(const struct mr_consumer *consumer);

/* -- All of the ring, for any thread. ---------------------------------------------------------- */

/* One past the highest position below which everything is published. Throughput layout with a
 * single producer: wait-free, one load. Else looks through what is in flight, at most capacity
 * marks. */
uint64_t mr_ring_cursor(const struct mr_ring *ring);

/* The lowest position that some consumer has still to handle. mr_ring_slowest == mr_ring_cursor,
 * once the producers are silent, means that the ring is drained. Lock-free: looks again if somebody
 * joins or leaves meanwhile. */
uint64_t mr_ring_slowest(const struct mr_ring *ring);

/* A ring at one moment, as far as there is one while others work. */
struct mr_ring_report {
    uint64_t claimed;    /* the next position to be claimed */
    uint64_t published;  /* mr_ring_cursor */
    uint64_t slowest;    /* mr_ring_slowest */
    uint64_t fill;       /* slots in use: claimed - slowest */
    uint64_t refused;    /* tries that found no room so far, the first of a waiting claim too */
    uint64_t stalls;     /* claims that had to wait, so far */
    uint64_t stalled_ns; /* how long those that are over waited */
    uint32_t consumers;  /* that the producers watch */
};
void mr_ring_report_take(const struct mr_ring *ring, struct mr_ring_report *report);

/* Waits until all that is published has been handled by all consumers: silence the producers
 * first. MR_OK; MR_AGAIN: not within `timeout_ns` (0: no limit); MR_E_HALTED: the ring was halted
 * with something left. Whatever it returns, the positions of the consumers say what was handled. A
 * ring without consumers is drained only if it is empty. Any thread but those of consumers;
 * blocking. */
int mr_ring_drain(struct mr_ring *ring, uint64_t timeout_ns);

/* Ends all waiting at once and for good: mr_ring_claim returns MR_E_HALTED instead of waiting, and
 * mr_consumer_wait returns what is available, even nothing. What is published stays; the try and
 * poll functions work on. */
void mr_ring_halt(struct mr_ring *ring);
bool mr_ring_halted(const struct mr_ring *ring);

/* Slots, as the options had it. Any thread; wait-free. */
static inline uint64_t mr_ring_capacity(const struct mr_ring *ring)
{
    return ring->mask + 1;
}

/* Bytes from one slot to the next: slot_size, or in the latency layout whole lines. */
static inline size_t mr_ring_stride(const struct mr_ring *ring)
{
    return ring->stride;
}

/* ---------------------------------------------------------------------------------------------- */
/* The hot paths. Nothing below is interface.                                                     */

int mr_ring_try_claim_slow(struct mr_ring *ring, uint32_t count, uint64_t *first);

/* Development builds (MR_VERIFY) end the process where the rules above are broken. */
void mr_ring_rule_broken(const char *rule) __attribute__((noreturn));
#ifdef MR_VERIFY
#define MR_RING_RULE(rule) ((rule) ? (void)0 : mr_ring_rule_broken(#rule))
#else
#define MR_RING_RULE(rule) ((void)sizeof(!!(rule)))
#endif

/* The round of a position, modulo 2^32, marks its slot once it is published. */
static inline uint32_t mr_ring_round(const struct mr_ring *ring, uint64_t position)
{
    return (uint32_t)(position >> ring->round_shift);
}

static inline MR_ATOMIC(uint32_t) * mr_ring_mark(const struct mr_ring *ring, uint64_t position)
{
    return (MR_ATOMIC(uint32_t) *)(void *)(ring->marks +
                                           (position & ring->mask) * ring->mark_stride);
}

/* Whether `position`, which nobody slower than the caller has left behind, is published, in a ring
 * with marks. A later round in the mark means yes too: a mere observer may be overtaken. */
static inline bool mr_ring_marked(const struct mr_ring *ring, uint64_t position)
{
    /* Acquire: pairs with the release of the mark in mr_ring_publish. */
    uint32_t mark = mr_atomic_load(mr_ring_mark(ring, position), acquire);
    return (int32_t)(mark - mr_ring_round(ring, position)) >= 0;
}

static inline int mr_ring_try_claim(struct mr_ring *ring, uint32_t count, uint64_t *first)
{
    /* Relaxed: a single producer reads back what it wrote itself; several never get in here. */
    uint64_t claimed = mr_atomic_load(&ring->claimed, relaxed);
    uint64_t room_end = mr_atomic_load(&ring->room_end, relaxed);
    if (__builtin_expect(count > 0 && mr_position_ahead(room_end, claimed + count) >= 0, 1)) {
        mr_atomic_store(&ring->claimed, claimed + count, relaxed);
        *first = claimed;
        return MR_OK;
    }
    /* By way of a local: the caller's `first` may then stay in a register. */
    uint64_t slow = claimed;
    int status = mr_ring_try_claim_slow(ring, count, &slow);
    *first = slow;
    return status;
}

static inline int mr_ring_claim(struct mr_ring *ring, uint32_t count, uint64_t *first)
{
    int status = mr_ring_try_claim(ring, count, first);
    if (__builtin_expect(status != MR_AGAIN, 1))
        return status;
    uint64_t waited = *first;
    status = mr_ring_claim_wait(ring, count, &ring->producer_wait, &waited);
    *first = waited;
    return status;
}

static inline void *mr_ring_slot(const struct mr_ring *ring, uint64_t position)
{
    return ring->slots + (position & ring->mask) * ring->stride;
}

static inline void mr_ring_publish(struct mr_ring *ring, uint64_t first, uint32_t count)
{
    MR_RING_RULE(mr_position_ahead(mr_atomic_load(&ring->claimed, relaxed), first + count) >= 0);
    MR_RING_RULE(ring->marks != NULL || first == mr_atomic_load(&ring->published, relaxed));
    bool plainly = __builtin_expect(ring->publishes_plainly, 1);
    if (plainly || ring->marks == NULL) {
        /* Release: pairs with the acquire of the cursor in mr_consumer_look. */
        mr_atomic_store(&ring->published, first + count, release);
        if (plainly)
            return;
    } else {
        for (uint32_t i = 0; i < count; i++)
            /* Release: pairs with the acquire of the mark in mr_ring_marked. */
            mr_atomic_store(mr_ring_mark(ring, first + i), mr_ring_round(ring, first + i), release);
    }
    if (ring->wakes_consumers)
        mr_park_wake(&ring->publication);
}

static inline struct mr_producer mr_producer_of(struct mr_ring *ring, const struct mr_wait *wait)
{
    struct mr_producer producer;
    producer.ring = ring;
    producer.slots = ring->slots;
    producer.mask = ring->mask;
    producer.stride = ring->stride;
    producer.next = mr_atomic_load(&ring->claimed, relaxed);
    producer.room_end = mr_atomic_load(&ring->room_end, relaxed);
    producer.publishes_plainly = ring->publishes_plainly;
    producer.wait = wait == NULL ? ring->producer_wait : *wait;
    return producer;
}

/* By value, both ways: a producer whose address goes nowhere can live in registers. */
struct mr_claim {
    uint64_t first;
    uint64_t room_end;
    int status;
};
struct mr_claim mr_producer_claim_slow(struct mr_ring *ring, uint32_t count, struct mr_wait wait,
                                       bool waits);

static inline int mr_producer_claim_more(struct mr_producer *producer, uint32_t count,
                                         uint64_t *first, bool waits)
{
    if (__builtin_expect(
            count > 0 && mr_position_ahead(producer->room_end, producer->next + count) >= 0, 1)) {
        *first = producer->next;
        producer->next += count;
        mr_atomic_store(&producer->ring->claimed, producer->next, relaxed);
        return MR_OK;
    }
    struct mr_claim claim = mr_producer_claim_slow(producer->ring, count, producer->wait, waits);
    producer->room_end = claim.room_end;
    *first = claim.first;
    if (claim.status == MR_OK)
        producer->next = claim.first + count;
    return claim.status;
}

static inline int mr_producer_try_claim(struct mr_producer *producer, uint32_t count,
                                        uint64_t *first)
{
    return mr_producer_claim_more(producer, count, first, false);
}

static inline int mr_producer_claim(struct mr_producer *producer, uint32_t count, uint64_t *first)
{
    return mr_producer_claim_more(producer, count, first, true);
}

static inline void *mr_producer_slot(const struct mr_producer *producer, uint64_t position)
{
    return producer->slots + (position & producer->mask) * producer->stride;
}

static inline void mr_producer_publish(struct mr_producer *producer, uint64_t first, uint32_t count)
{
#ifndef MR_VERIFY
    if (__builtin_expect(producer->publishes_plainly, 1)) {
        /* Release: as in mr_ring_publish. */
        mr_atomic_store(&producer->ring->published, first + count, release);
        return;
    }
#endif
    mr_ring_publish(producer->ring, first, count);
}

static inline uint64_t mr_consumer_position(const struct mr_consumer *consumer)
{
    if (consumer->cursor == NULL)
        return consumer->left_at;
    /* Acquire: pairs with the release in mr_consumer_release. */
    return mr_atomic_load(&consumer->cursor->position, acquire);
}

static inline uint64_t mr_consumer_available(struct mr_consumer *consumer)
{
    /* Relaxed: the consumer reads back what it wrote itself. */
    if (consumer->available != mr_atomic_load(&consumer->cursor->position, relaxed))
        return consumer->available;
    return mr_consumer_look(consumer);
}

static inline void mr_consumer_release(struct mr_consumer *consumer, uint64_t next)
{
    MR_RING_RULE(mr_position_ahead(next, mr_atomic_load(&consumer->cursor->position, relaxed)) >=
                 0);
    MR_RING_RULE(mr_position_ahead(consumer->available, next) >= 0);
    /* Release: pairs with the acquire of those after it, and with that of the producers who look
     * for room. */
    mr_atomic_store(&consumer->cursor->position, next, release);
    if (consumer->ring->wakes_others)
        mr_park_wake(&consumer->ring->release);
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
