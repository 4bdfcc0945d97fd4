/*
 * memory.pml: C11's weak memory, for models that include it.
 *
 * Each atomic object keeps the messages that were stored to it, oldest first. A thread has a view:
 * for each object the oldest message that it may still read. A load takes any message from there
 * on, so it may find an old value though a newer one is there; that is all that store buffers,
 * caches and reordering can do to it, on x86 and on weaker machines.
 *
 *   load, acquire     the thread's view takes in the view that came with the message
 *   load, relaxed     it does not
 *   store, release    the message carries the thread's view
 *   store, relaxed    it carries nothing
 *   read-modify-write reads the newest message; its own carries also what that one carried
 *   fence, seq_cst    all fences share one view: the thread's takes it in, and it takes in the
 *                     thread's
 *
 * This is C11 as C++20 repaired it (RC11), written as a machine, with two simplifications: a store
 * comes after all earlier ones of its object, and no load sees the future. A fence orders what lies
 * around it, but does not turn relaxed accesses into acquires and releases, which makes this memory
 * a little weaker than the language's.
 *
 * A load can always be put off until the thread's next store, exchange or fence: until then nobody
 * notices it, and the later it comes the more messages it can choose from. So models make one
 * atomic step of the loads and what follows them, and lose nothing.
 *
 * A *ghost* is an object that no program has. It counts something that threads do to plain memory,
 * and rides in views only: whoever relies on a count asserts that its own view has it. Then what
 * was counted happens before, and is no data race.
 *
 * A model defines, before it includes this: THREADS, OBJECTS (they count from 0), GHOSTS (they
 * count on from there) and MESSAGES (how many of one object may be of interest at a time, at most
 * 10). It sets thread[t].reads, the objects that t ever loads, a bit each.
 *
 * TRY marks where a thread begins to look for something; DONE says that it found it, TAKE_BACK that
 * it did not, and makes it as if it had not looked: who has seen less can do more, so nothing is
 * lost but states. CATCH_UP makes it see the newest of all.
 */
#define PLACES (OBJECTS + GHOSTS)

#define RELAXED 0
#define ACQUIRE 1
#define RELEASE 2
#define ACQ_REL 3

typedef Message {
    byte value;
    byte view[PLACES]
};

typedef Object {
    byte newest;
    Message message[MESSAGES]
};

typedef Thread {
    unsigned reads : 16;
    bool tries;
    byte view[PLACES];
    byte before[PLACES]
};

Object object[OBJECTS];
Thread thread[THREADS];
Thread fences; /* the view of all fences */
Thread mutex;  /* the view that a lock hands on */
bool locked;

/* Between Promela and the C below; no part of the state. */
hidden byte who, what, skipped, order, value;

c_code {
    enum { places = PLACES, objects = OBJECTS, threads = THREADS };

    static void join(unsigned char *view, const unsigned char *other)
    {
        for (int p = 0; p < places; p++)
            if (view[p] < other[p])
                view[p] = other[p];
    }

    static void shift(unsigned char *view, const unsigned char *by)
    {
        for (int p = 0; p < places; p++)
            view[p] = view[p] < by[p] ? 0 : view[p] - by[p];
    }

    static int oldest(int t, int p)
    {
        return now.thread[t].tries ? now.thread[t].before[p] : now.thread[t].view[p];
    }

    /* Forgets the messages that nobody can read any more and counts the others from 0 again, so
     * that states that differ in nothing but the past are one. */
    static void forget(void)
    {
        unsigned char low[PLACES];
        for (int p = 0; p < places; p++) {
            low[p] = p < objects ? now.object[p].newest : 0;
            for (int t = 0; t < threads; t++)
                if ((now.thread[t].reads >> p & 1) != 0 && oldest(t, p) < low[p])
                    low[p] = oldest(t, p);
        }
        for (int t = 0; t < threads; t++) {
            shift(now.thread[t].view, low);
            shift(now.thread[t].before, low);
        }
        shift(now.fences.view, low);
        shift(now.mutex.view, low);
        for (int o = 0; o < objects; o++) {
            int count = now.object[o].newest + 1 - low[o];
            memmove(now.object[o].message, now.object[o].message + low[o],
                    count * sizeof now.object[o].message[0]);
            memset(now.object[o].message + count, 0,
                   (MESSAGES - count) * sizeof now.object[o].message[0]);
            now.object[o].newest -= low[o];
            for (int m = 0; m < count; m++)
                shift(now.object[o].message[m].view, low);
        }
    }

    /* `value` becomes what `who` finds in `what`, so many messages after the oldest it may read. */
    static void load_message(void)
    {
        int m = now.thread[who].view[what] + skipped;
        value = now.object[what].message[m].value;
        now.thread[who].view[what] = m;
        if ((order & ACQUIRE) != 0)
            join(now.thread[who].view, now.object[what].message[m].view);
        forget();
    }

    static void store_message(void)
    {
        int m = ++now.object[what].newest;
        now.object[what].message[m].value = value;
        now.thread[who].view[what] = m;
        if ((order & RELEASE) != 0)
            join(now.object[what].message[m].view, now.thread[who].view);
        now.object[what].message[m].view[what] = m;
        forget();
    }

    static void exchange_message(void)
    {
        int m = ++now.object[what].newest;
        unsigned char *seen = now.object[what].message[m - 1].view;
        unsigned char *mine = now.object[what].message[m].view;
        if ((order & ACQUIRE) != 0)
            join(now.thread[who].view, seen);
        now.thread[who].view[what] = m;
        memcpy(mine, seen, PLACES);
        if ((order & RELEASE) != 0)
            join(mine, now.thread[who].view);
        mine[what] = m;
        now.object[what].message[m].value = value;
        forget();
    }

    static void pass_fence(void)
    {
        join(now.thread[who].view, now.fences.view);
        join(now.fences.view, now.thread[who].view);
        forget();
    }

    static void take_mutex(void)
    {
        join(now.thread[who].view, now.mutex.view);
        forget();
    }

    static void give_mutex(void)
    {
        join(now.mutex.view, now.thread[who].view);
        forget();
    }

    static void begin_try(void)
    {
        now.thread[who].tries = 1;
        memcpy(now.thread[who].before, now.thread[who].view, PLACES);
    }

    static void end_try(void)
    {
        now.thread[who].tries = 0;
        memset(now.thread[who].before, 0, PLACES);
        forget();
    }

    static void take_back(void)
    {
        memcpy(now.thread[who].view, now.thread[who].before, PLACES);
        end_try();
    }

    static void load_newest(void)
    {
        skipped = now.object[what].newest - now.thread[who].view[what];
        load_message();
        skipped = 0;
    }

    static void catch_up(void)
    {
        for (int o = 0; o < objects; o++)
            if ((now.thread[who].reads >> o & 1) != 0) {
                now.thread[who].view[o] = now.object[o].newest;
                join(now.thread[who].view, now.object[o].message[now.object[o].newest].view);
            }
        forget();
    }

    /* What a thread that does nothing any more has seen is of no interest. */
    static void forget_thread(void)
    {
        now.thread[who].reads = 0;
        memset(now.thread[who].view, 0, PLACES);
        forget();
    }
}

#define NEWEST(o) object[o].message[object[o].newest].value

/* One choice of a load. */
#define CHOICE(t, o, later, ordered, into)                   \
    d_step {                                                 \
        thread[t].view[o] + later <= object[o].newest ->     \
        who = t; what = o; skipped = later; order = ordered; \
        c_code { load_message(); };                          \
        printf("   %d reads  %d: %d\n", t, o, value);         \
        into = value;                                        \
        value = 0                                            \
    }

inline load(t, o, ordered, into)
{
    if
    :: CHOICE(t, o, 0, ordered, into)
    :: CHOICE(t, o, 1, ordered, into)
    :: CHOICE(t, o, 2, ordered, into)
    :: CHOICE(t, o, 3, ordered, into)
    :: CHOICE(t, o, 4, ordered, into)
    :: CHOICE(t, o, 5, ordered, into)
    :: CHOICE(t, o, 6, ordered, into)
    :: CHOICE(t, o, 7, ordered, into)
    :: CHOICE(t, o, 8, ordered, into)
    :: CHOICE(t, o, 9, ordered, into)
    fi
}

/* These are for use in a d_step. */
#define STORE(t, o, new, ordered)                  \
    value = new;                                   \
    who = t; what = o; order = ordered;            \
    printf("   %d writes %d: %d\n", t, o, value);   \
    assert(object[what].newest < MESSAGES - 1);    \
    c_code { store_message(); }

#define EXCHANGE(t, o, new, ordered)               \
    value = new;                                   \
    who = t; what = o; order = ordered;            \
    printf("   %d makes  %d: %d\n", t, o, value);   \
    assert(object[what].newest < MESSAGES - 1);    \
    c_code { exchange_message(); }

#define FENCE(t)  who = t; c_code { pass_fence(); };  printf("   %d fence\n", t)
#define LOCK(t)   who = t; c_code { take_mutex(); };  locked = true; printf("   %d locks\n", t)
#define UNLOCK(t) who = t; c_code { give_mutex(); };  locked = false
#define LOAD_NEWEST(t, o, ordered) who = t; what = o; order = ordered; c_code { load_newest(); }

#define TRY(t)       who = t; c_code { begin_try(); }
#define DONE(t)      who = t; c_code { end_try(); }
#define TAKE_BACK(t) who = t; c_code { take_back(); }
#define CATCH_UP(t)  who = t; c_code { catch_up(); }
#define RETIRE(t) who = t; c_code { forget_thread(); }

#define BIT(n) (1 << (n))
