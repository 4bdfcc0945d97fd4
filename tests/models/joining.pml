/*
 * joining.pml: a consumer joins and leaves while others run (disruptor/membership.c).
 *
 * One producer with a cached gate, CAPACITY slots, LAST positions. Consumer 0 is always there;
 * consumer 1 joins behind the producer or from the oldest position, handles some, leaves, and joins once more, LIVES times; its
 * cursor is used again at once, and the last time it stays. The joiner's stores wait in a store buffer (x86-TSO) until its
 * fence. A producer without room announces itself, looks once more, and sleeps until it is woken.
 *
 *   producer   mr_ring_slowest with its two readings of the version, has_room, claim_wait
 *   newcomer   join() step by step, mr_consumer_look and mr_consumer_release, leave()
 *
 * Claims: the producer never writes a slot that a member has still to handle (lapped); a member sees
 * every position from where it began; everything arrives (an invalid end state is a deadlock).
 * Planted: ONE_READING (the version is not read again), NO_FENCE (the newcomer reads where it begins
 * before the others can see it), BEGIN_EARLY (it begins where it first stood), NO_JOIN_WAKE,
 * NO_LEAVE_WAKE.
 */
#ifndef LAST
#define LAST 6
#endif
#ifndef LIVES
#define LIVES 2
#endif
#ifndef STAYS
#define STAYS 1 /* the last time; 0: it may leave then, too */
#endif
#define CAPACITY 2

byte cursor;                /* published */
byte position[2];
byte gating = 1;            /* bit i: the producer watches consumer i */
byte version;

/* The joiner's store buffer: its cursor, gating and version, which go to memory together. */
bool buffered;
byte buffered_position;

bool asleep;

/* What is true. */
bool member;                /* consumer 1 has begun */
byte slot[CAPACITY];

active proctype drain()
{
end:
    do
    :: buffered ->
        atomic {
            position[1] = buffered_position;
            gating = 3;
            version++;
            buffered = false
        }
    od
}

inline look()
{
    do
    :: seen = version;
       set = gating;
       slowest = position[0];
       if
       :: set & 2 ->
           other = position[1];
           if
           :: other < slowest -> slowest = other
           :: else
           fi
       :: else
       fi;
#ifdef ONE_READING
       break
#else
       if
       :: seen == version -> break
       :: else
       fi
#endif
    od
}

active proctype producer()
{
    byte next;
    byte gate;
    byte seen;
    byte set;
    byte slowest;
    byte other;
    do
    :: next == LAST -> break
    :: else ->
        if
        :: next + 1 > gate + CAPACITY ->
            look();
            gate = slowest;
            if
            :: next + 1 > gate + CAPACITY ->
                asleep = true;
                look();
                gate = slowest;
                if
                :: next + 1 > gate + CAPACITY -> !asleep; goto again
                :: else -> asleep = false
                fi
            :: else
            fi
        :: else
        fi;
        assert(position[0] + CAPACITY > next);            /* lapped */
        assert(!member || position[1] + CAPACITY > next); /* lapped: the newcomer */
        slot[next % CAPACITY] = next;
        cursor = next + 1;
        next++;
again:  skip
    od
}

inline release(me, next)
{
    position[me] = next;
    asleep = false
}

active proctype founder()
{
    byte at;
    do
    :: at == LAST -> break
    :: cursor > at ->
        assert(slot[at % CAPACITY] == at);
        at++;
        release(0, at)
    od
}

/* Behind the producer, or with what consumer 0 has still to handle. */
inline begins_at()
{
    if
    :: from_oldest -> at = position[0]
    :: else -> at = cursor
    fi
}

active proctype newcomer()
{
    byte life;
    byte at;
    bool from_oldest;
    do
    :: life == LIVES -> break
    :: else ->
        /* Joins: its cursor, gating, version; a fence; where it begins. */
        if
        :: from_oldest = false
        :: from_oldest = true
        fi;
        begins_at();
        buffered_position = at;
        buffered = true;
#ifndef NO_FENCE
        !buffered;
#endif
#ifndef BEGIN_EARLY
        begins_at();
#endif
        !buffered; /* at the latest here, since the next store goes behind */
        atomic { position[1] = at; member = true };
        version++; /* gating_set, with the set as it is */
#ifndef NO_JOIN_WAKE
        asleep = false;
#endif
        /* Handles what comes, as long as it likes. */
        do
        :: cursor > at ->
            assert(slot[at % CAPACITY] == at);
            at++;
            release(1, at)
        :: life + STAYS < LIVES -> break
        :: at == LAST -> break
        od;
        /* Leaves. */
        atomic { gating = 1; member = false };
        version++;
#ifndef NO_LEAVE_WAKE
        asleep = false;
#endif
        life++
    od
}
