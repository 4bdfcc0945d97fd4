/*
 * membership.pml: consumers join and leave while producers run (disruptor/membership.c).
 *
 * README.md says what is claimed. What stands for what:
 *
 *   producer            claim() and has_room() in producer.c; with MARKS several, else a single one
 *   look_for_room       mr_ring_slowest
 *   join_ring           join(): lock, cursor, gating, version, fence, cursor, gating, version
 *   beginning           beginning(), and mr_ring_cursor
 *   leave_ring          leave()
 *   consumer            mr_consumer_look and mr_consumer_release
 *
 * Settings: CONSUMERS that come and go (2 or 3), LIVES how often each of them joins, LAST the
 * number of positions that are produced, CAPACITY. With FOUNDER, consumer 0 is there from the start
 * and stays to the end. With SLEEP, a producer without room sleeps until somebody wakes it, instead
 * of looking until there is room. To keep two producers small: with JOINS_ONLY, consumer 1 joins
 * behind them, and no more happens to it; with RIDER, the second one never looks itself, but lives
 * on the gate that the first one leaves.
 *
 * Planted errors: NO_SECOND_LOOK (the version is not read again), NO_PRODUCER_FENCE, NO_JOIN_FENCE,
 * BEGIN_EARLY (the newcomer begins where it first stood), NO_PUT_BACK (whom the leaver came after is
 * not watched again), NO_FLOOR (the last one does not say where it left), CELL_RELAXED (the
 * newcomer's first cursor is no release), NO_LEAVE_VERSION, NO_JOIN_WAKE, NO_LEAVE_WAKE.
 */
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef LIVES
#define LIVES 1
#endif
#ifndef LAST
#define LAST 4
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif

#define VERSION  0
#define GATING   1
#define FLOOR    2
#define CELL(c)  (3 + (c))
#define SOURCES  (3 + CONSUMERS)
#ifdef MARKS
#define PRODUCERS 2
#define CLAIMED  SOURCES
#define GATE     (SOURCES + 1)
#define MARK(p)  (SOURCES + 2 + (p) % CAPACITY)
#define PUBLISHED (BIT(OBJECTS) - BIT(MARK(0)))
#define OBJECTS  (SOURCES + 2 + CAPACITY)
#else
#define PRODUCERS 1
#define CURSOR   SOURCES
#define PUBLISHED BIT(CURSOR)
#define OBJECTS  (SOURCES + 1)
#endif
#define GHOSTS   0
#define THREADS  (CONSUMERS + PRODUCERS)
#define MESSAGES 10
#include "memory.pml"

#define NOBODY 255

/* What is true, whatever anybody has seen of it. */
byte writing;              /* producers have begun to write the slots of all positions below */
bool member[CONSUMERS];
byte handled[CONSUMERS];   /* of a member: the positions below */
byte follows[CONSUMERS];   /* of a member: whom it comes after, or NOBODY */
byte gone;                 /* consumers that will not come back */
bool awake = true;

#if CONSUMERS == 2
#define ALL(of) (of(0) && of(1))
#define SUM(of) (of(0) | of(1))
#else
#define ALL(of) (of(0) && of(1) && of(2))
#define SUM(of) (of(0) | of(1) | of(2))
#endif

/* The main claim: no slot is written again before every member has handled what was in it. */
#define KEPT(c) (!member[c] || writing <= handled[c] + CAPACITY)

/* -- The set of those whom the producers watch. ------------------------------------------------ */

#define FOLLOWED_BY(c) (member[c] && follows[c] != NOBODY -> BIT(follows[c]) : 0)
#define MEMBER_BIT(c)  (member[c] -> BIT(c) : 0)
#define UNFOLLOWED     (SUM(MEMBER_BIT) & ~(SUM(FOLLOWED_BY)))

/* gating_set is two steps; `version` may be raised by a store, since there is a lock. */
#define GATING_SET(t, set)                          \
    d_step { STORE(t, GATING, set, RELEASE) }       \
    d_step { STORE(t, VERSION, NEWEST(VERSION) + 1, RELEASE) }

/* -- A producer looks for room. ---------------------------------------------------------------- */

inline look_at(t, c)
{
    if
    :: set & BIT(c) ->
        load(t, CELL(c), ACQUIRE, found);
        d_step { slowest = (found < slowest -> found : slowest); found = 0 }
    :: else
    fi
}

inline look_at_set(t)
{
    if
    :: set == 0 -> load(t, FLOOR, ACQUIRE, slowest)
    :: else ->
        slowest = 255;
        look_at(t, 0);
        look_at(t, 1);
#if CONSUMERS > 2
        look_at(t, 2);
#endif
    fi
}

/* A gate that gives no room is as good as the one before, so it is not kept: fewer states. */
inline look_for_room(t)
{
    do
    :: atomic {
            d_step { TRY(t) } /* a look that finds no room is as if it had not been */
            load(t, VERSION, ACQUIRE, version);
            load(t, GATING, ACQUIRE, set);
            look_at_set(t);
            set = 0;
#ifndef SLEEP
            if
            :: position >= slowest + CAPACITY ->
                d_step { TAKE_BACK(t); slowest = 0; version = 0 };
                break
            :: else -> d_step { DONE(t) }
            fi;
#else
            d_step { DONE(t) }
#endif
#ifndef NO_PRODUCER_FENCE
            d_step { FENCE(t) }
#endif
        }
        atomic {
            load(t, VERSION, RELAXED, found);
            if
#ifdef NO_SECOND_LOOK
            :: true ->
#else
            :: found == version ->
#endif
                d_step { 
                    if
                    :: position < slowest + CAPACITY -> gate = slowest
                    :: else
                    fi;
                    slowest = 0; version = 0; found = 0 };
                break
#ifndef NO_SECOND_LOOK
            :: else -> d_step { slowest = 0; version = 0; found = 0 }
#endif
            fi
        }
    od
}

/* Whether a look at the newest of everything would find room for `position`. */
#define ROOM_BY(c) (!(NEWEST(GATING) & BIT(c)) || position < NEWEST(CELL(c)) + CAPACITY)
#define ROOM_NOW                                                                \
    ((NEWEST(GATING) != 0 && ALL(ROOM_BY)) ||                                   \
     (NEWEST(GATING) == 0 && position < NEWEST(FLOOR) + CAPACITY))
#define UNREAD(o) (thread[me].view[o] < object[o].newest)
#define NEWS_OF(c) UNREAD(CELL(c))
#if CONSUMERS == 2
#define NEWS (UNREAD(VERSION) || UNREAD(GATING) || UNREAD(FLOOR) || NEWS_OF(0) || NEWS_OF(1))
#else
#define NEWS                                                          \
    (UNREAD(VERSION) || UNREAD(GATING) || UNREAD(FLOOR) || NEWS_OF(0) || NEWS_OF(1) || \
     NEWS_OF(2))
#endif
#define ROOM (position < gate + CAPACITY)

/* Nobody will make room any more. */
#ifdef JOINS_ONLY
#define OVER (gone > 0)
#else
#define OVER (gone == CONSUMERS)
#endif

/* A turn of waiting, with a look or two. It may give up when nobody will ever make room. */
inline wait_for_room(t)
{
#ifdef SLEEP
    look_for_room(t);
    if
    :: ROOM
    :: else ->
        d_step { FENCE(t); awake = false }
        look_for_room(t);
        if
        :: ROOM
        :: !ROOM && awake
        :: !ROOM && gone == CONSUMERS -> goto done
        fi
    fi
#else
    if
    :: ROOM_NOW || NEWS -> look_for_room(t)
    :: !ROOM_NOW && NEWS -> d_step { CATCH_UP(t) }
    :: !ROOM_NOW && !NEWS && OVER -> goto done
    fi
#endif
}

#ifndef MARKS
proctype producer(byte me)
{
    byte position, gate, version, set, slowest, found;
    do
    :: position == LAST -> break
    :: position < LAST && !ROOM -> wait_for_room(me)
    :: position < LAST && ROOM ->
        d_step {
            position++;
            writing = position;
            assert(ALL(KEPT))
        }
        d_step { STORE(me, CURSOR, position, RELEASE) }
    od;
done: skip;
    d_step { RETIRE(me) }
}
#else
#define RIDER_ID (CONSUMERS + 1)
#define ROUND(p) ((p) / CAPACITY + 1)

proctype producer(byte me)
{
    byte position, gate, version, set, slowest, found;
    do
    :: atomic {
            position = NEWEST(CLAIMED);
            if
            :: position == LAST -> goto done
            :: else
            fi;
            d_step { TRY(me) }
            load(me, GATE, ACQUIRE, gate);
            if
            :: ROOM -> d_step { DONE(me) }
            :: else -> d_step { TAKE_BACK(me); gate = 0 }
            fi
        }
        if
#ifdef RIDER
        :: !ROOM && me == RIDER_ID && (NEWEST(CLAIMED) == LAST || UNREAD(GATE))
        :: !ROOM && me == RIDER_ID && OVER -> goto done
        :: !ROOM && me != RIDER_ID ->
#else
        :: !ROOM ->
#endif
            wait_for_room(me);
            if
            :: ROOM -> d_step { STORE(me, GATE, gate, RELEASE) }
            :: else
            fi
        :: else
        fi;
        if
        :: d_step { ROOM && position == NEWEST(CLAIMED) ->
                EXCHANGE(me, CLAIMED, position + 1, RELAXED) };
            d_step {
                writing = (position + 1 > writing -> position + 1 : writing);
                assert(ALL(KEPT))
            }
            d_step { STORE(me, MARK(position), ROUND(position), RELEASE) }
        :: else
        fi;
        d_step { position = 0; gate = 0 }
    od;
done: skip;
    d_step { RETIRE(me) }
}
#endif

/* -- A consumer joins, handles, and leaves. ---------------------------------------------------- */

inline wake(t)
{
#ifdef SLEEP
    d_step { FENCE(t); awake = true }
#else
    skip
#endif
}

/* One past what is published, as far as `me` can see, from `next` on. */
inline look_at_published()
{
#ifdef MARKS
    do
    :: next < LAST ->
        load(me, MARK(next), ACQUIRE, found);
        if
        :: found >= ROUND(next) -> next++
        :: else -> break
        fi
    :: next == LAST -> break
    od;
    found = 0
#else
    load(me, CURSOR, ACQUIRE, next)
#endif
}

/* mr_ring_cursor begins to look at the marks where the slowest consumer is. */
inline look_at_cursor()
{
#ifdef MARKS
    d_step { set = NEWEST(GATING); slowest = 255 };
    look_at_set(me);
    load(me, CLAIMED, RELAXED, next);
    d_step {
        next = (next > slowest + CAPACITY -> next - CAPACITY : slowest);
        set = 0; slowest = 0
    };
#endif
    look_at_published()
}

/* Where a newcomer begins, put into `next`; `others` gate without it. */
inline beginning()
{
    if
    :: others == 0 -> next = NEWEST(FLOOR)
    :: others != 0 && from_oldest ->
        d_step { set = others; slowest = 255 };
        look_at_set(me);
        d_step { next = slowest; set = 0; slowest = 0 }
    :: others != 0 && !from_oldest && after != NOBODY -> load(me, CELL(after), ACQUIRE, next)
    :: others != 0 && !from_oldest && after == NOBODY -> look_at_cursor()
    fi
}

inline choose()
{
#ifndef JOINS_ONLY
    if
    :: after = NOBODY
    :: me != 0 && member[0] -> after = 0
    :: me != 1 && member[1] -> after = 1
#if CONSUMERS > 2
    :: me != 2 && member[2] -> after = 2
#endif
    fi;
    if
    :: from_oldest = true
    :: from_oldest = false
    fi
#else
    skip
#endif
}

/* From here on the claim holds for `me`, too. */
inline begin_here()
{
    member[me] = true;
    handled[me] = next;
    follows[me] = after;
    assert(ALL(KEPT))
}

#ifdef BEGIN_EARLY
#define FIRST_BEGIN  begin_here();
#define SECOND_BEGIN
#else
#define FIRST_BEGIN
#define SECOND_BEGIN begin_here();
#endif
#ifdef CELL_RELAXED
#define CELL_ORDER RELAXED
#else
#define CELL_ORDER RELEASE
#endif

/* What a member loads from now on, if it will not join again. */
#define SOURCE (after == NOBODY -> PUBLISHED : BIT(CELL(after)))

inline join_ring()
{
    atomic {
        !locked;
        d_step { LOCK(me) }
        choose();
        others = NEWEST(GATING);
        beginning();
        d_step { FIRST_BEGIN STORE(me, CELL(me), next, CELL_ORDER) }
    }
    GATING_SET(me, others | BIT(me))
#ifndef NO_JOIN_FENCE
    d_step { FENCE(me) }
#endif
    atomic {
#ifndef BEGIN_EARLY
        beginning();
#endif
        d_step {
            SECOND_BEGIN
            STORE(me, CELL(me), next, RELEASE)
            position = next;
            next = 0; others = 0; from_oldest = false;
            thread[me].reads = (lives > 0 -> thread[me].reads : SOURCE)
        }
    }
    GATING_SET(me, UNFOLLOWED)
    d_step { UNLOCK(me) }
#ifndef NO_JOIN_WAKE
    wake(me)
#endif
}

#define NOT_AFTER_ME(c) (!member[c] || follows[c] != me)

inline leave_ring()
{
    d_step {
        member[me] = false;
#ifdef NO_PUT_BACK
        set = NEWEST(GATING) & ~BIT(me);
#else
        set = UNFOLLOWED;
#endif
        after = NOBODY;
        thread[me].reads = (lives > 0 -> thread[me].reads : 0)
    }
#ifndef NO_FLOOR
    if
    :: set == 0 -> d_step { STORE(me, FLOOR, position, RELEASE) }
    :: else
    fi;
#endif
    position = 0;
    d_step { STORE(me, GATING, set, RELEASE); set = 0 }
#ifndef NO_LEAVE_VERSION
    d_step { STORE(me, VERSION, NEWEST(VERSION) + 1, RELEASE) }
#endif
    d_step { UNLOCK(me) }
#ifndef NO_LEAVE_WAKE
    wake(me)
#endif
}

#ifdef MARKS
#define NEXT_IS_PUBLISHED (NEWEST(MARK(position)) >= ROUND(position))
#else
#define NEXT_IS_PUBLISHED (NEWEST(CURSOR) > position)
#endif
#define MORE_TO_HANDLE \
    (position < LAST && (after == NOBODY -> NEXT_IS_PUBLISHED : NEWEST(CELL(after)) > position))

inline handle_some()
{
    atomic {
        if
        :: after == NOBODY -> next = position; look_at_published()
        :: after != NOBODY -> load(me, CELL(after), ACQUIRE, next)
        fi;
        if
        :: next > position ->
            d_step {
                position = next;
                next = 0;
                handled[me] = position;
                STORE(me, CELL(me), position, RELEASE)
            }
        :: else -> next = 0; goto looked
        fi
    }
    wake(me);
looked:
    skip
}

proctype consumer(byte me; byte lives; bool founder)
{
    byte after = NOBODY, others, position, stay, next, set, slowest, found;
    bool from_oldest;
    do
    :: lives > 0 ->
        lives--;
        if
        :: founder -> stay = LAST
        :: else ->
            join_ring();
#ifdef JOINS_ONLY
            lives = 0; goto over;
#endif
            if
#ifndef JOINS_ONLY
            :: stay = position
            :: position + 1 < LAST -> stay = position + 1
#endif
            :: stay = LAST
            fi
        fi;
        do
        :: MORE_TO_HANDLE -> handle_some()
#ifdef JOINS_ONLY
        :: OVER && !MORE_TO_HANDLE -> goto over
#endif
        :: d_step { position >= stay && ALL(NOT_AFTER_ME) && !locked -> LOCK(me) } break
        od;
        stay = 0;
        leave_ring()
    :: lives == 0 -> break
    od;
over:
    skip;
    d_step { RETIRE(me); gone++ }
}

init
{
    d_step {
        follows[0] = NOBODY;
        for (value : 0 .. CONSUMERS - 1) {
            thread[value].reads = BIT(OBJECTS) - BIT(CELL(0)) - BIT(CELL(value))
        }
        for (value : CONSUMERS .. THREADS - 1) {
            thread[value].reads = BIT(OBJECTS) - 1 - PUBLISHED
        }
        value = 0;
#ifdef FOUNDER
        object[GATING].message[0].value = 1;
        member[0] = true;
        thread[0].reads = PUBLISHED
#endif
#ifdef RIDER
        thread[RIDER_ID].reads = BIT(GATE)
#endif
    }
    atomic {
#ifdef FOUNDER
        run consumer(0, 1, true);
#else
        run consumer(0, LIVES, false);
#endif
        run consumer(1, LIVES, false);
#if CONSUMERS > 2
        run consumer(2, LIVES, false);
#endif
        run producer(CONSUMERS);
#ifdef MARKS
        run producer(CONSUMERS + 1)
#endif
    }
}
