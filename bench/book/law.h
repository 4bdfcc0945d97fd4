/*
 * How far from the mid-price orders are placed: a power law with the exponent 2.2 and its hump at 8
 * ticks, as it has been found on real markets.
 */
#ifndef MR_BENCH_BOOK_LAW_H
#define MR_BENCH_BOOK_LAW_H

#include "base/random.h"

enum { LAW_DISTANCES = 4096 };

struct law {
    double cumulated[LAW_DISTANCES]; /* chance of a distance up to this one */
};

void law_init(struct law *law);

/* In ticks: 0 to LAW_DISTANCES - 1. */
int32_t law_distance(const struct law *law, struct mr_random *random);

/* Uniform in (0, 1). */
double law_chance(struct mr_random *random);

/* Exponential with that mean. */
double law_exponential(struct mr_random *random, double mean);

#endif
