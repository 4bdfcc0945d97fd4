/*
 * A seeded random number generator (SplitMix64; Steele, Lea, Flood 2014): the same seed gives the
 * same numbers on every machine. For the market generator, tests and simulation; never for core/,
 * which uses no randomness. Freestanding.
 */
#ifndef MR_BASE_RANDOM_H
#define MR_BASE_RANDOM_H

#include "base/bits.h"

__extension__ typedef unsigned __int128 mr_u128;

struct mr_random {
    uint64_t state;
};

static inline void mr_random_init(struct mr_random *random, uint64_t seed)
{
    random->state = seed;
}

static inline uint64_t mr_random_u64(struct mr_random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return mr_mix64(random->state);
}

/* Uniform over 0 .. bound - 1 (bound > 0). The bias of the multiply method is below 2^-32 for
 * bounds below 2^32, which all users of this keep. */
static inline uint64_t mr_random_below(struct mr_random *random, uint64_t bound)
{
    return (uint64_t)(((mr_u128)mr_random_u64(random) * bound) >> 64);
}

/* True with probability numerator / denominator. */
static inline bool mr_random_chance(struct mr_random *random, uint64_t numerator,
                                    uint64_t denominator)
{
    return mr_random_below(random, denominator) < numerator;
}

#endif
