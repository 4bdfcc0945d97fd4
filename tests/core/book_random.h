/*
 * Random steps for the book, good and bad: worlds differ in how prices behave, in what instruments
 * are like, and in how soon limits are reached. Everything follows from the seed and from what the
 * naive book has come to.
 */
#ifndef MR_TESTS_CORE_BOOK_RANDOM_H
#define MR_TESTS_CORE_BOOK_RANDOM_H

#include "tests/core/book_pair.h"

#include "base/random.h"

enum { WORLD_INSTRUMENTS = 4 };

/* How prices behave. */
enum world_regime {
    TINY,
    STILL,
    DRIFT,
    JUMPS,
    EDGES,
    ANYWHERE,
    DEEP, /* books that hold more than one turn can cancel */
    WIDE, /* the same, on many levels far apart */
    REGIME_COUNT
};

struct book_world {
    struct mr_random random;
    struct book_setting setting;
    enum world_regime regime;
    uint64_t ids;         /* how many order ids are in use, so that many are stale or taken */
    uint64_t accounts;    /* likewise */
    uint64_t plain;       /* percent of orders that name nothing but the least */
    uint64_t bad;         /* of a thousand steps, those in which a field is spoilt */
    uint64_t instruments; /* that are defined at first */
    uint64_t quantity_max, time_unit;
    int64_t mid, price_min, price_max;
    bool filling; /* the book fills and empties */
    uint64_t time_ns;
    uint64_t made; /* steps */
};

void book_world_open(struct book_world *world, uint64_t seed);

/* The next step, for books that have come to where the naive one is. */
void book_world_step(struct book_world *world, const struct naive_book *naive,
                     struct book_step *step);

#endif
