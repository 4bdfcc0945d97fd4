/*
 * park.pml: nobody sleeps while what it waits for is there (disruptor/park.c, mr_park_wake).
 *
 * SLEEPERS threads wait for messages 1 to LAST, which one waker brings. The waker's store sits in a
 * store buffer (x86-TSO) until the `drain` process takes it to memory; its fence waits for that.
 * The sleeper's announcement sits in a buffer of its own until its fence: on x86 the exchange would
 * drain it anyway, on other machines only the fence does.
 *
 *   sleeper   mr_park_prepare, the second look, mr_park_sleep (the kernel compares and sleeps in one)
 *   waker     the publication, mr_park_wake, mr_park_wake_sleepers
 *
 * Claim: no end state in which a sleeper sleeps and its message is there (an invalid end state).
 * Planted: WAKER_WITHOUT_FENCE, SLEEPER_WITHOUT_FENCE, NO_SECOND_LOOK, NO_COUNT (the wake-up does
 * not change the word).
 */
#ifndef LAST
#define LAST 3
#endif
#define SLEEPERS 2

byte there;                 /* messages in memory */
byte buffered;              /* in the waker's store buffer, 0: none */
byte word;                  /* bit 0: somebody sleeps or is about to; the rest counts wake-ups */
bool announcing[SLEEPERS];  /* in the sleeper's store buffer */
bool asleep[SLEEPERS];

active proctype drain()
{
end:
    do
    :: buffered != 0 -> atomic { there = buffered; buffered = 0 }
    od
}

proctype drain_sleeper(byte me)
{
end:
    do
    :: announcing[me] -> atomic { word = word | 1; announcing[me] = false }
    od
}

proctype sleeper(byte me)
{
    byte next = 1;
    byte ticket;
    do
    :: next > LAST -> break
    :: next <= LAST ->
        if
        :: there >= next -> next++
        :: else ->
            atomic { announcing[me] = true; ticket = word | 1 }
#ifndef SLEEPER_WITHOUT_FENCE
            !announcing[me];
#endif
#ifndef NO_SECOND_LOOK
            if
            :: there >= next -> goto again
            :: else
            fi;
#endif
            atomic {
                if
                :: word == ticket || announcing[me] -> asleep[me] = true
                :: else
                fi
            };
            !asleep[me]
        fi;
again:  skip
    od
}

active proctype waker()
{
    byte message = 1;
    byte seen;
    do
    :: message > LAST -> break
    :: message <= LAST ->
        buffered == 0;
        buffered = message;
#ifndef WAKER_WITHOUT_FENCE
        buffered == 0;
#endif
        seen = word;
        if
        :: seen & 1 ->
            buffered == 0; /* an exchange drains the buffer */
            atomic {
                if
                :: word == seen ->
#ifdef NO_COUNT
                    word = seen - 1;
#else
                    word = seen + 1;
#endif
                    asleep[0] = false;
                    asleep[1] = false
                :: else
                fi
            }
        :: else
        fi;
        message++
    od
}

init
{
    atomic {
        run drain_sleeper(0);
        run drain_sleeper(1);
        run sleeper(0);
        run sleeper(1)
    }
}
