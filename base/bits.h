/*
 * Small arithmetic on integers: alignment, powers of two, checked sums, mixing. Freestanding: core/
 * may include this.
 */
#ifndef MR_BASE_BITS_H
#define MR_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline bool mr_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* `value` rounded up to a multiple of `alignment` (a power of two). The caller has checked that the
 * result fits. */
static inline uint64_t mr_align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

/* The least power of two that is not below `value` (which is 1 to 2^63). */
static inline uint64_t mr_power_of_two_at_least(uint64_t value)
{
    return value <= 1 ? 1 : UINT64_C(1) << (64 - __builtin_clzll(value - 1));
}

static inline unsigned mr_log2(uint64_t value)
{
    return 63U - (unsigned)__builtin_clzll(value);
}

/* A bijective mix of 64 bits (two multiply-xorshift rounds, the finalizer family that Steele, Lea
 * and Flood describe for SplitMix64). Neighbouring inputs give unrelated outputs. */
static inline uint64_t mr_mix64(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    value ^= value >> 27;
    value *= UINT64_C(0x94d049bb133111eb);
    value ^= value >> 31;
    return value;
}

#endif
