/*
 * The flow of messages that the order book is measured with: orders, replacements and cancels for
 * one instrument, as continuous trading brings them, in five regimes that differ in how far the
 * price travels. The same seed gives the same messages (floating point is used: the same on one
 * machine; nothing compares them across machines).
 *
 * How it is made. A mid-price walks at random, in ticks of half a cent from $167.52, along the
 * course of its regime. Every order is priced off it where the walk stands then: by a power law of
 * the distance (exponent 2.2, with its hump at 8 ticks), on its own side of the mid-price, or, of
 * the 15% that are IOC, through it. It arrives later, by a time of its own, so that orders priced
 * off different parts of the walk meet. Of those that are not IOC 20% are replaced once (larger,
 * mostly by one tick), and 95% are cancelled after a short exponential lifetime, filled or not. A
 * few percent of all messages come twice.
 *
 * What the flow really is: see docs/BENCHMARKS.md, and `bench_book --describe yes`, which counts.
 */
#ifndef MR_BENCH_BOOK_FLOW_H
#define MR_BENCH_BOOK_FLOW_H

#include <millrace/book.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum flow_regime {
    FLOW_STILL,    /* the mid-price stays; 40,000 orders stand in the book from the beginning */
    FLOW_DRIFT,    /* it rises by 2% */
    FLOW_SWING_25, /* it swings by 25%, up and down, twice */
    FLOW_SWING_40, /* by 40% */
    FLOW_CRASH,    /* it falls by 60% in the middle third */
    FLOW_REGIMES
};

enum {
    FLOW_INSTRUMENT = 1,
    FLOW_MESSAGES = 2000000,
    FLOW_STANDING = 40000, /* of FLOW_STILL */
    FLOW_QUANTITY_MAX = 1000,
};

/* `requests[0 .. standing)` are orders that lie in the book before anything is measured. */
struct flow {
    union mr_book_request *requests;
    size_t standing;
    size_t count; /* all, the standing ones included */
};

/* Messages come from memory, one line each, where those of a block would still be in cache. Either
 * those so far ahead are brought there: `requests` has room for as many more, so that nobody need
 * ask where the end is. */
enum { FLOW_AHEAD = 16 };

static inline void flow_look_ahead(const union mr_book_request *request)
{
    __builtin_prefetch(request + FLOW_AHEAD);
}

/* Or so many are touched before they are measured. */
enum { FLOW_CHUNK = 256 };

static inline void flow_touch(const union mr_book_request *requests, size_t count)
{
    for (size_t i = 0; i < count; i++)
        __asm__ __volatile__("" : : "r"(requests[i].any.type) : "memory");
}

/* Memory for so many requests, and FLOW_AHEAD more. Freed with free(). */
union mr_book_request *flow_requests(size_t count);

/* "still", "drift", ... */
const char *flow_name(enum flow_regime regime);

/* `messages` of a regime, behind its standing orders. Ends the process if there is no memory. */
struct flow flow_make(enum flow_regime regime, size_t messages, uint64_t seed);
void flow_free(struct flow *flow);

/* The request that opens the instrument, a plain one. */
union mr_book_request flow_define(void);

#ifdef __cplusplus
}
#endif
#endif
