/*
 * pool.pml: workers share a stream (disruptor/pool.c, mr_ring_slowest_of).
 *
 * One producer, a ring of CAPACITY slots, WORKERS that take chunks of at most 2 positions, LAST
 * positions in all. A worker with nothing in hand has its cursor at IDLE, far ahead.
 *
 *   producer   its look at the pool: `taken` first, then every worker's cursor, by itself
 *   worker     mr_worker_take, and mr_worker_release at the end of the chunk
 *
 * Claims: each position is handled once; nothing is overwritten that is in hand or not taken yet;
 * everything arrives. Planted: WORKERS_FIRST (cursors are read before `taken`), CURSOR_LATE (set
 * after the exchange), NO_EXCHANGE (`taken` is stored, not exchanged).
 */
#define CAPACITY 2
#define WORKERS  2
#define IDLE     200
#ifndef LAST
#define LAST 5
#endif

byte published;
byte taken;
byte cursor[WORKERS];
byte handled[LAST];

inline lower(value)
{
    if
    :: value < slowest -> slowest = value
    :: else
    fi
}

active proctype producer()
{
    byte next;
    byte slowest;
    byte other;
    do
    :: next == LAST -> break
    :: else ->
        slowest = IDLE;
#ifdef WORKERS_FIRST
        other = cursor[0];
        lower(other);
        other = cursor[1];
        lower(other);
        other = taken;
        lower(other);
#else
        slowest = taken;
        other = cursor[0];
        lower(other);
        other = cursor[1];
        lower(other);
#endif
        if
        :: next + 1 > slowest + CAPACITY -> goto again
        :: else
        fi;
        /* The slot of next - CAPACITY is written: somebody must have handled it. */
        assert(next < CAPACITY || handled[next - CAPACITY] == 1);
        published = next + 1;
        next++;
again:  skip
    od
}

proctype worker(byte me)
{
    byte first;
    byte end;
    do
    :: first = taken;
       if
       :: first == LAST -> break
       :: else
       fi;
       end = published;
       if
       :: end == first -> goto again
       :: end > first + 2 -> end = first + 2
       :: else
       fi;
#ifndef CURSOR_LATE
       cursor[me] = first;
#endif
#ifdef NO_EXCHANGE
       taken = end;
#else
       atomic {
           if
           :: taken == first -> taken = end
           :: else -> goto lost
           fi
       };
#endif
#ifdef CURSOR_LATE
       cursor[me] = first;
#endif
       do
       :: first == end -> break
       :: else ->
           assert(handled[first] == 0);
           handled[first]++;
           first++
       od;
lost:  cursor[me] = IDLE;
again: skip
    od
}

init
{
    atomic {
        cursor[0] = IDLE;
        cursor[1] = IDLE;
        run worker(0);
        run worker(1)
    }
}
