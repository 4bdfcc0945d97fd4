/*
 * ring.pml: claim, publish and gate (disruptor/producer.c, consumer.c, ring.c).
 *
 * LAST positions go through CAPACITY slots. One producer publishes by the cursor, to a diamond:
 * consumers 0 and 1 follow it, 2 comes after both, and alone gates. With MARKS two producers claim
 * by exchange and publish by marks that hold the round modulo 2, to a pipeline: 1 comes after 0.
 *
 *   producer    mr_ring_try_claim, has_room with its cached gate (shared by several), mr_ring_publish
 *   consumer    mr_consumer_look, then every slot of the batch by itself, mr_consumer_release
 *
 * Claims: nobody writes a slot before all consumers have released what was there (lapped); a
 * consumer reads what was written for that position, whole, once and in order (torn, order); nobody
 * passes those it comes after; everything arrives (an invalid end state is a deadlock).
 * Each step is one access to memory. What a missing release or acquire does to a ring is the slot
 * written after its publication, or read after its release: PUBLISHED_FIRST, RELEASED_FIRST.
 * Planted besides: NO_GATE, GATE_OF_ONE (of consumer 0), NO_DEPENDENCY, MARK_WITHOUT_ROUND,
 * CLAIM_WITHOUT_EXCHANGE.
 */
#ifndef LAST
#define LAST 5
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif
#define SLOT(p)   ((p) % CAPACITY)
#ifdef MARKS
#define LATE 1 /* the last consumer, which comes after the others and alone gates */
#else
#define LATE 2
#endif
#define CONSUMERS (LATE + 1)
#ifdef MARK_WITHOUT_ROUND
#define ROUND(p) 1
#else
#define ROUND(p) (((p) / CAPACITY + 1) % 2)
#endif

byte claimed;
byte gate;
byte cursor;
byte mark[CAPACITY];
byte position[CONSUMERS];

/* A slot: its position and who wrote it, which are two words. */
byte slot_position[CAPACITY];
byte slot_writer[CAPACITY];
byte writer_of[LAST]; /* what is true */

inline published_from(p, next)
{
    next = p;
#ifdef MARKS
    do
    :: next < p + CAPACITY && next < LAST ->
        seen = mark[SLOT(next)];
        if
        :: seen == ROUND(next) -> next++
        :: else -> break
        fi
    :: else -> break
    od
#else
    next = cursor
#endif
}

inline write_slot(p)
{
    assert(position[0] + CAPACITY > p && position[1] + CAPACITY > p &&
           position[LATE] + CAPACITY > p); /* lapped */
    slot_position[SLOT(p)] = p;
    slot_writer[SLOT(p)] = me
}

inline publish(p)
{
#ifdef MARKS
    mark[SLOT(p)] = ROUND(p)
#else
    cursor = p + 1
#endif
}

proctype producer(byte me)
{
    byte mine;
    byte known;
    do
    :: mine = claimed;
       if
       :: mine >= LAST -> break
       :: else
       fi;
#ifndef NO_GATE
       known = gate;
       if
       :: mine + 1 > known + CAPACITY ->
#ifdef GATE_OF_ONE
           known = position[0];
#else
           known = position[LATE];
#endif
           gate = known /* a slower producer may put an older one over a newer one */
       :: else
       fi;
       if
       :: mine + 1 > known + CAPACITY ->
           /* No room: looks again when somebody has released, or claimed. */
           (position[LATE] != known || claimed != mine || position[0] != known);
           goto again
       :: else
       fi;
#endif
#ifdef CLAIM_WITHOUT_EXCHANGE
       claimed = mine + 1;
       writer_of[mine] = me;
#else
       atomic {
           if
           :: claimed == mine -> claimed = mine + 1; writer_of[mine] = me
           :: else -> goto again
           fi
       };
#endif
#ifdef PUBLISHED_FIRST
       publish(mine);
       write_slot(mine);
#else
       write_slot(mine);
       publish(mine);
#endif
again: skip
    od
}

proctype consumer(byte me)
{
    byte next;
    byte other;
    byte seen;
    byte at;
    do
    :: position[me] == LAST -> break
    :: else ->
#ifndef NO_DEPENDENCY
        if
        :: me == LATE -> next = position[0];
#if LATE == 2
           other = position[1];
           if
           :: other < next -> next = other
           :: else
           fi
#endif
        :: else -> published_from(position[me], next)
        fi;
#else
        published_from(position[me], next);
#endif
        if
        :: next == position[me] -> goto again
        :: else
        fi;
        at = position[me];
#ifdef RELEASED_FIRST
        position[me] = next;
#endif
        do
        :: at == next -> break
        :: else ->
            assert(me != LATE || (position[0] > at && position[LATE - 1] > at)); /* passed */
            assert(slot_position[SLOT(at)] == at);                     /* order, torn */
            assert(slot_writer[SLOT(at)] == writer_of[at]);
            at++
        od;
        position[me] = next;
again:  skip
    od
}

init
{
    atomic {
        slot_position[0] = 255;
        slot_position[CAPACITY - 1] = 255;
        run consumer(0);
        run consumer(1);
#if LATE == 2
        run consumer(2);
#endif
        run producer(0);
#ifdef MARKS
        run producer(1)
#endif
    }
}
