/*
 * The disruptor's stress test: several threads on one ring, told by a seed what to do.
 *
 * A *trial* is one ring and its cast. *Producers* fill it. *Founders* are consumers that are there
 * from the beginning, in any graph; one of them may be a worker pool. *Guests* join while it runs,
 * stay for a while and leave. Founders, guests and the pool's workers are *handlers*. A coordinator
 * (the main thread) takes the dead away and watches.
 *
 * The reference model lies in the slots. Every slot carries its position, who produced it, that
 * producer's count, and for each founder or guest a *column*, which it stamps when it handles the
 * position. All of it is plain memory, so that ThreadSanitizer sees every missing happens-before:
 *   - a handler: the slot is of this position (no loss, not lapped) and whole; each producer's
 *     count goes up by one (order); all it comes after have stamped it (never passed); it has not
 *     itself stamped it before, unless it forgot or took over (nothing twice); and after a while
 *     the slot is still the same (never lapped while it is held);
 *   - a producer that takes a slot: all who never leave have stamped what was there (never lapped),
 *     and it writes down who else had (`seen`);
 *   - in the end: who had stamped a position is exactly who says that it has handled it, and the
 *     consumers' positions are what each has counted for itself.
 */
#ifndef MR_TESTS_DISRUPTOR_STRESS_H
#define MR_TESTS_DISRUPTOR_STRESS_H

#include "base/random.h"

#include <millrace/pool.h>

#include <pthread.h>

enum {
    PRODUCERS_MAX = 4,
    FOUNDERS_MAX = 6,
    GUESTS_MAX = 3,
    WORKERS_MAX = 4,
    CROWD_MAX = 40, /* workers that never take anything */
    COLUMNS = FOUNDERS_MAX + GUESTS_MAX,
    FIRST_GUEST = FOUNDERS_MAX,
    FIRST_WORKER = COLUMNS,
    HANDLERS = COLUMNS + WORKERS_MAX,
    NO_POOL = COLUMNS,
};

struct message {
    uint64_t position;
    uint64_t producer;
    uint64_t count;           /* of this producer's messages, from 0 */
    uint64_t seal;            /* of all of the above */
    uint64_t stamps[COLUMNS]; /* stress_stamp(position) once handled; the padding of false sharing
                               * is left out on purpose */
};

/* -- What the seed decides (stress_plan.c). ---------------------------------------------------- */

enum temper {
    PROMPT,
    SLOW,          /* naps now and then */
    FREEZES,       /* stops in the middle of a batch, until the producers are stuck */
    FORGETS,       /* handles a part of a batch, and then the batch from its beginning */
    DIES,          /* ends in the middle of a batch; another thread takes over */
    DIES_FOR_GOOD, /* ends in the middle of a batch, and is removed */
    COMMUTES,      /* alone in its ring: leaves it, and joins again where it left */
};

enum claiming { CLAIM_AS_RING, CLAIM_WAITING, CLAIM_TRYING, CLAIM_BY_OWN };
enum looking { LOOK_WAITING, LOOK_AVAILABLE, LOOK_AGAIN, LOOK_POLLING };
enum ending { END_DRAINED, END_DRAINED_IN_TIME, END_HALTED };

struct handler_plan {
    enum temper temper;
    enum looking looking;
    uint32_t after; /* columns, directly */
    uint32_t batch_max;
    uint32_t dies_after; /* batches */
    uint32_t stays;      /* of a guest, at most */
    uint32_t lingers_ns; /* of a guest: between its stays, at most */
    uint32_t stay_max;   /* of a guest: positions */
    uint32_t workers;    /* of a guest: it comes as a pool of so many; 0: as a consumer */
    bool waits_itself;   /* not as the ring's options say */
    bool leaves_at_halt; /* at once, rather than when nothing is left */
    struct mr_wait wait;
};

struct producer_plan {
    enum claiming claiming;
    struct mr_wait wait;
    bool slow;
};

struct plan {
    uint64_t seed;
    bool large; /* many messages, few threads, nobody misbehaves */
    bool storm; /* one thread does most of the work; guests come and go (stress_mill.c) */
    bool works; /* in a storm: also that of the pool's workers */
    bool relay; /* few slots and threads, all of which sleep at almost every message */
    const char *shape;
    struct mr_ring_options options;
    uint32_t producer_count;
    uint32_t founder_count;
    uint32_t guest_count;
    uint32_t pool_column; /* the founder that is a pool, or NO_POOL */
    uint32_t worker_count;
    uint32_t crowd;    /* workers beyond these; they make a look at the pool long */
    uint64_t messages; /* of each producer */
    uint32_t batch_max;
    uint64_t halt_at; /* END_HALTED: when so many are claimed */
    enum ending ending;
    uint32_t permanent; /* columns of those who handle everything */
    struct producer_plan producers[PRODUCERS_MAX];
    struct handler_plan handlers[HANDLERS];
};

void stress_plan(struct plan *plan, uint64_t seed);

/* One line for the eye. */
void stress_plan_print(const struct plan *plan);

/* -- The cast. --------------------------------------------------------------------------------- */

/* What a handler has seen of each producer. */
struct tally {
    uint64_t next[PRODUCERS_MAX];
    uint32_t known; /* bit p: next[p] is known */
};

enum handler_state {
    ABSENT, /* has no thread, or one that will end of itself */
    ALIVE,
    DEAD, /* its thread has ended in the middle of a batch */
    GONE, /* and it is removed */
};

struct handler {
    struct mr_consumer consumer; /* unless it is a worker, or a guest that comes as a pool */
    struct trial *trial;
    const struct handler_plan *plan;
    struct mr_worker *worker; /* if it is one */
    uint32_t column;
    uint32_t before;               /* columns of all it comes after, directly or not */
    uint64_t before_from[COLUMNS]; /* from this position on, each has handled everything */
    bool sparse;                   /* it sees only a part of the stream (a worker) */
    bool repeats;                  /* it may have handled the same in an earlier stay */
    struct mr_random random;
    struct tally tally; /* as of its position */
    uint64_t begin;     /* where it joined */
    uint64_t released;  /* positions since then */
    uint64_t frontier;  /* one past the last that it has handled since then */
    uint64_t handoffs;  /* positions it has ever released */
    uint64_t batches;
    uint32_t deaths;
    bool dying;     /* in this batch */
    uint32_t hosts; /* columns of the guests that it, a guest, comes after */
    uint8_t *track; /* of its column, for each position: what was done with it */
    void *(*life)(void *);
    pthread_t thread;
    MR_ATOMIC(uint32_t) state;
};

/* In handler.track. */
enum { TRACK_HANDLED = 1, TRACK_RELEASED = 2 };

struct producer {
    struct trial *trial;
    const struct producer_plan *plan;
    uint32_t index;
    struct mr_random random;
    struct mr_producer own; /* CLAIM_BY_OWN */
    uint64_t sent;
    pthread_t thread;
};

/* What a guest needs that comes as a pool. */
enum { GUEST_WORKERS_MAX = 2 };
struct guest_pool {
    struct mr_pool pool;
    struct mr_worker workers[GUEST_WORKERS_MAX];
};

/* Where guests meet: one that others come after may not leave. */
struct lounge {
    pthread_mutex_t mutex;
    bool open[COLUMNS]; /* others may come after this guest now */
    uint32_t followers[COLUMNS];
};

struct trial {
    struct mr_ring ring;
    struct mr_pool pool;
    struct mr_worker workers[WORKERS_MAX + CROWD_MAX];
    struct guest_pool guest_pools[GUESTS_MAX];
    struct handler handlers[HANDLERS];
    struct producer producers[PRODUCERS_MAX];
    struct plan plan;
    struct lounge lounge;
    uint16_t *seen; /* for each position: the columns of those who had stamped it when its slot was
                     * taken again */
    uint8_t *tracks[COLUMNS];
    MR_ATOMIC(uint32_t) producing; /* producers that are not done */
};

/* -- What the cast does; each in a thread of its own. ------------------------------------------ */

/* Take a struct producer. */
void *stress_produce(void *argument); /* stress_produce.c */
void *stress_mill(void *argument);    /* stress_mill.c */

/* Take a struct handler. */
void *stress_consume(void *argument); /* stress_consume.c */
void *stress_work(void *argument);    /* stress_work.c */
void *stress_visit(void *argument);   /* stress_visit.c */

/* -- What they share (stress_handle.c). -------------------------------------------------------- */

/* What is stamped on a position: never 0, with which the slots begin. */
static inline uint64_t stress_stamp(uint64_t position)
{
    return 2 * position + 1;
}

uint64_t stress_seal(const struct message *message);

static inline uint64_t stress_index(const struct trial *trial, uint64_t position)
{
    return position - trial->plan.options.first_position;
}

/* Handles [from, next): checks and stamps. */
void stress_handle(struct handler *handler, uint64_t from, uint64_t next, struct tally *tally);

/* That nobody has touched [from, next), which the handler has stamped and still holds. */
void stress_still_held(const struct handler *handler, uint64_t from, uint64_t next);

/* Handles all or the first part of [from, next) as its temper tells, and returns one past the last
 * that it has handled and may release; `from` itself if it has died (handler->dying). */
uint64_t stress_handle_batch(struct handler *handler, uint64_t from, uint64_t next);

/* It has released [from, next). */
void stress_count_released(struct handler *handler, uint64_t from, uint64_t next);

/* It has joined at `begin`: nothing is released yet. */
void stress_settle(struct handler *handler, uint64_t begin);

/* The consumers that stand for a set of columns; returns how many. */
uint32_t stress_consumers_of(struct trial *trial, uint32_t columns, struct mr_consumer **consumers);
enum { CONSUMERS_OF_MAX = COLUMNS + WORKERS_MAX + CROWD_MAX + 1 };

/* As the handler's plan has it, and after `count` others. */
struct mr_consumer_options stress_options(const struct handler *handler,
                                          struct mr_consumer *const *after, uint32_t count);

/* One turn of a producer's life, without waiting: claims, fills, publishes. False: there is no
 * room. */
bool stress_produce_once(struct producer *producer);

/* One turn of a consumer's or a worker's life: looks, handles, releases. False: nothing was there.
 */
bool stress_consume_once(struct handler *handler);
bool stress_work_once(struct handler *handler, struct mr_worker *worker);

/* The thread of a handler ends in the middle of a batch. */
void *stress_die(struct handler *handler);

/* Takes a handler's consumer out of its ring. */
void stress_leave(struct handler *handler);

void stress_nap(uint64_t ns);

/* -- When something is wrong (stress_watch.c). ------------------------------------------------- */

/* Says which trial, and ends the process. */
void stress_failed(const struct trial *trial, const char *what, const char *file, int line)
    __attribute__((noreturn));

#define CHECK(trial, expression)         \
    (__builtin_expect(!!(expression), 1) \
         ? (void)0                       \
         : stress_failed((trial), #expression, __FILE__, __LINE__))

/* A thread of its own ends the process if a trial makes no progress for a minute. */
void stress_watch_start(void);
void stress_watch_begin(const struct trial *trial);
void stress_watch_end(void);

#endif
