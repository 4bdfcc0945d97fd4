/*
 * workers.pml: workers share one stream (disruptor/pool.c).
 *
 * README.md says what is claimed. What stands for what:
 *
 *   producer       claim() in producer.c, a single one
 *   look_at_pool   mr_ring_slowest_of: `taken` before the workers' cursors
 *   worker         mr_worker_take, mr_worker_release
 *   newcomer       a consumer that joins after the pool while it works: where membership.c puts it,
 *                  and whom the producer watches from then on. That nothing goes wrong while it
 *                  joins is the claim of membership.pml; here it is one step.
 *
 * Settings: LAST positions are produced, CAPACITY, CHUNK the most that a worker takes at once. With
 * NEWCOMER there is one (then ONE_WORKER keeps it small). With SLEEP, a producer without room sleeps
 * until somebody wakes it, instead of looking until there is room.
 *
 * Planted errors: CELLS_FIRST (cursors are read before `taken`), CELL_LATE (set after the exchange),
 * TAKE_RELAXED (the exchange is no release), ANNOUNCE_RELAXED, CLEAR_RELAXED (nor is the cursor's
 * store before it, or when all is handled), FORGET_WORKERS (producers watch the newcomer instead of
 * the pool, not besides its workers), NO_IDLE_WAKE (who announced and got nothing wakes nobody).
 */
#ifndef LAST
#define LAST 4
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef CHUNK
#define CHUNK 2
#endif

#define CURSOR    0
#define TAKEN     1
#define CELL(w)   (2 + (w)) /* of worker 0 or 1, and of the newcomer: 2 */
#define GATING    5
#define OBJECTS   6
#define WRITTEN   6         /* ghost: slots that the producer has written */
#define DONE_BY(w) (7 + (w)) /* ghosts: positions that a worker or the newcomer has handled */
#define GHOSTS    4
#define THREADS   4
#define PRODUCER  3
#define NEWCOMER_ID 2
#define MESSAGES  10
#include "memory.pml"

#define IDLE 100 /* far ahead of every position */

/* What is true, whatever anybody has seen of it. */
byte writing;           /* the producer has begun to write the slots of all positions below */
byte worker_of[LAST];   /* 1 + who has handled a position, or 0 */
byte count_at[LAST];    /* and the how many-th it was of that worker */
byte handled = LAST;    /* by the newcomer: the positions below */
bool awake = true;

/* A slot may be written again: whoever was to handle what is in it has done so, visibly. */
#define HANDLED(p)                                                                    \
    (worker_of[p] != 0 && VISIBLE(PRODUCER, p))
#define VISIBLE(t, p) (thread[t].view[DONE_BY(worker_of[p] - 1)] >= count_at[p])

/* -- The producer. ----------------------------------------------------------------------------- */

inline look_at(t, c, least)
{
    load(t, c, ACQUIRE, found);
    d_step { least = (found < least -> found : least); found = 0 }
}

inline look_at_pool(t, least)
{
#ifndef CELLS_FIRST
    look_at(t, TAKEN, least);
#endif
    look_at(t, CELL(0), least);
    look_at(t, CELL(1), least);
#ifdef CELLS_FIRST
    look_at(t, TAKEN, least);
#endif
}

#ifdef FORGET_WORKERS
#define look_at_workers(t, least) skip
#else
#define look_at_workers(t, least) look_at(t, CELL(0), least); look_at(t, CELL(1), least)
#endif

inline look_for_room()
{
    atomic {
        slowest = 255;
        load(PRODUCER, GATING, ACQUIRE, set);
        if
        :: set == 0 -> look_at_pool(PRODUCER, slowest)
        :: set == 1 -> look_at(PRODUCER, CELL(NEWCOMER_ID), slowest);
            look_at_workers(PRODUCER, slowest)
        fi;
        if
        :: set == NEWEST(GATING) && writing < slowest + CAPACITY -> gate = slowest
        :: else
        fi;
        d_step { set = 0; slowest = 0 }
    }
}

#define UNREAD(o) (thread[PRODUCER].view[o] < object[o].newest)
#define NEWS                                                      \
    (UNREAD(TAKEN) || UNREAD(GATING) || UNREAD(CELL(0)) || UNREAD(CELL(1)) || UNREAD(CELL(2)))
#define ROOM_BY(o) (writing < NEWEST(o) + CAPACITY)
#define ROOM_NOW                                                                  \
    (ROOM_BY(CELL(0)) && ROOM_BY(CELL(1)) &&                                      \
     (NEWEST(GATING) == 0 -> ROOM_BY(TAKEN) : ROOM_BY(CELL(NEWCOMER_ID))))
#define ROOM (writing < gate + CAPACITY)

inline wait_for_room()
{
#ifdef SLEEP
    look_for_room();
    if
    :: ROOM
    :: else ->
        d_step { FENCE(PRODUCER); awake = false };
        look_for_room();
        if
        :: ROOM
        :: !ROOM && awake
        fi
    fi
#else
    if
    :: ROOM_NOW || NEWS -> look_for_room()
    fi
#endif
}

proctype producer()
{
    byte gate, set, slowest, found;
    do
    :: writing == LAST -> break
    :: writing < LAST && !ROOM -> wait_for_room()
    :: writing < LAST && ROOM ->
        d_step {
            if
            :: writing >= CAPACITY ->
                assert(HANDLED(writing - CAPACITY));
                assert(writing - CAPACITY < handled)
            :: else
            fi;
            writing++;
            thread[PRODUCER].view[WRITTEN] = writing;
        }
        d_step { STORE(PRODUCER, CURSOR, writing, RELEASE) }
    od;
    skip;
    d_step { RETIRE(PRODUCER) }
}

/* -- A worker. --------------------------------------------------------------------------------- */

inline wake(t)
{
#ifdef SLEEP
    d_step { FENCE(t); awake = true }
#else
    skip
#endif
}

inline handle(p)
{
    assert(thread[me].view[WRITTEN] > p);  /* what is read there was written before */
    assert(writing <= p + CAPACITY);       /* and is not being written again */
    assert(worker_of[p] == 0);             /* nobody else has handled it */
    worker_of[p] = me + 1;
    thread[me].view[DONE_BY(me)] = thread[me].view[DONE_BY(me)] + 1;
    count_at[p] = thread[me].view[DONE_BY(me)]
}

/* What the worker has not taken yet, or believes so. */
#define MAY_TAKE                                                          \
    (NEWEST(CURSOR) > NEWEST(TAKEN) ||                                    \
     (thread[me].view[TAKEN] < object[TAKEN].newest && NEWEST(CURSOR) > 0))

#ifdef TAKE_RELAXED
#define TAKE_ORDER ACQUIRE
#else
#define TAKE_ORDER ACQ_REL
#endif
#ifdef ANNOUNCE_RELAXED
#define ANNOUNCE_ORDER RELAXED
#else
#define ANNOUNCE_ORDER RELEASE
#endif
#ifdef CLEAR_RELAXED
#define CLEAR_ORDER RELAXED
#else
#define CLEAR_ORDER RELEASE
#endif

inline choose_end()
{
    load(me, TAKEN, ACQUIRE, first);
    load(me, CURSOR, ACQUIRE, end);
    if
    :: end > first + 1 -> end = first + 1
    :: end > first + CHUNK -> end = first + CHUNK
    :: end <= first + CHUNK
    fi
}

#ifdef CELL_LATE
#define ANNOUNCE skip
#else
#define ANNOUNCE d_step { STORE(me, CELL(me), first, ANNOUNCE_ORDER) }
#endif

inline take()
{
    do
    :: atomic {
            choose_end();
            if
            :: end > first -> ANNOUNCE
            :: else -> break
            fi
        }
        if
        :: announced -> wake(me)
        :: else
        fi;
        announced = true;
        if
        :: d_step { NEWEST(TAKEN) == first ->
                EXCHANGE(me, TAKEN, end, TAKE_ORDER); taken = true };
            break
        :: d_step { NEWEST(TAKEN) != first -> LOAD_NEWEST(me, TAKEN, RELAXED) }
        fi
    od;
#ifdef CELL_LATE
    if
    :: taken -> d_step { STORE(me, CELL(me), first, RELEASE) }
    :: else
    fi;
#endif
    skip
}

proctype worker(byte me)
{
    byte first, end;
    bool announced, taken;
    do
    :: MAY_TAKE ->
        take();
        if
        :: taken ->
            if
            :: end == first + 2 ->
                d_step { handle(first); first++; STORE(me, CELL(me), first, RELEASE) }
                wake(me)
            :: else
            fi;
            d_step { handle(first) }
        :: else
        fi;
        if
        :: announced || taken ->
            d_step { STORE(me, CELL(me), IDLE, CLEAR_ORDER) };
#ifdef NO_IDLE_WAKE
            if
            :: taken -> wake(me)
            :: else
            fi
#else
            wake(me)
#endif
        :: else
        fi;
        d_step { first = 0; end = 0; announced = false; taken = false }
    :: NEWEST(TAKEN) == LAST -> break
    od;
    skip;
    d_step { RETIRE(me) }
}

/* -- A consumer that joins after the pool. ----------------------------------------------------- */

#define ALL_DONE \
    (worker_of[next] != 0 && VISIBLE(NEWCOMER_ID, next))

proctype newcomer()
{
    byte next, least, found;
    d_step {
        LOAD_NEWEST(NEWCOMER_ID, TAKEN, ACQUIRE);
        next = value;
        handled = next;
        STORE(NEWCOMER_ID, CELL(NEWCOMER_ID), next, RELEASE);
        STORE(NEWCOMER_ID, GATING, 1, RELEASE)
    }
    wake(NEWCOMER_ID);
    do
    :: next == LAST -> break
    :: next < LAST ->
        atomic {
            worker_of[next] != 0 || thread[NEWCOMER_ID].view[TAKEN] < object[TAKEN].newest;
            least = 255;
            look_at_pool(NEWCOMER_ID, least);
            if
            :: least > next ->
                d_step {
                    do
                    :: next < least -> assert(ALL_DONE); next++
                    :: else -> break
                    od;
                    handled = next;
                    thread[NEWCOMER_ID].view[DONE_BY(NEWCOMER_ID)] = next;
                    STORE(NEWCOMER_ID, CELL(NEWCOMER_ID), next, RELEASE)
                }
            :: else
            fi;
            least = 0
        }
        wake(NEWCOMER_ID)
    od;
    skip;
    d_step { RETIRE(NEWCOMER_ID) }
}

init
{
    d_step {
        object[CELL(0)].message[0].value = IDLE;
        object[CELL(1)].message[0].value = IDLE;
        object[CELL(2)].message[0].value = IDLE;
        thread[0].reads = BIT(CURSOR) | BIT(TAKEN);
#ifndef ONE_WORKER
        thread[1].reads = BIT(CURSOR) | BIT(TAKEN);
#endif
        thread[PRODUCER].reads = BIT(TAKEN) | BIT(CELL(0)) | BIT(CELL(1));
#ifdef NEWCOMER
        thread[PRODUCER].reads = thread[PRODUCER].reads | BIT(CELL(2)) | BIT(GATING);
        thread[NEWCOMER_ID].reads = BIT(TAKEN) | BIT(CELL(0)) | BIT(CELL(1));
#endif
    }
    atomic {
        run worker(0);
#ifndef ONE_WORKER
        run worker(1);
#endif
#ifdef NEWCOMER
        run newcomer();
#endif
        run producer()
    }
}
