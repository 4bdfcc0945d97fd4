/*
 * <millrace/u128.h>: unsigned numbers of 128 bits, as two of 64, low half first: the same sixteen
 * bytes everywhere, aligned to 8. Freestanding; every function: any thread, wait-free, no errors.
 */
#ifndef MILLRACE_U128_H
#define MILLRACE_U128_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mr_u128 {
    uint64_t low;
    uint64_t high;
};

/* high * 2^64 + low. */
static inline struct mr_u128 mr_u128_of(uint64_t high, uint64_t low)
{
    struct mr_u128 value;
    value.low = low;
    value.high = high;
    return value;
}

/* 2^128 - 1. */
static inline struct mr_u128 mr_u128_max(void)
{
    return mr_u128_of(UINT64_MAX, UINT64_MAX);
}

/* Neither 0 nor 2^128 - 1. */
static inline bool mr_u128_is_between(struct mr_u128 a)
{
    return a.low != a.high || a.low + 1 > 1;
}

/* Whether a is 0. */
static inline bool mr_u128_is_zero(struct mr_u128 a)
{
    return (a.low | a.high) == 0;
}

/* Whether a is 2^128 - 1. */
static inline bool mr_u128_is_max(struct mr_u128 a)
{
    return (a.low & a.high) == UINT64_MAX;
}

/* Whether a and b are the same. */
static inline bool mr_u128_equal(struct mr_u128 a, struct mr_u128 b)
{
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0;
}

/* Where the compiler has numbers of that size, it makes the best of them; the results are the same
 * without. */
#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 mr_u128_native;

/* The same number as the compiler has it. */
static inline mr_u128_native mr_u128_to_native(struct mr_u128 a)
{
    return (mr_u128_native)a.high << 64 | a.low;
}

/* Whether a is below b. */
static inline bool mr_u128_below(struct mr_u128 a, struct mr_u128 b)
{
    return mr_u128_to_native(a) < mr_u128_to_native(b);
}

/* a + b modulo 2^128; true: it did not fit. */
static inline bool mr_u128_add(struct mr_u128 a, struct mr_u128 b, struct mr_u128 *sum)
{
    mr_u128_native value;
    bool over = __builtin_add_overflow(mr_u128_to_native(a), mr_u128_to_native(b), &value);
    *sum = mr_u128_of((uint64_t)(value >> 64), (uint64_t)value);
    return over;
}

/* a - b modulo 2^128; true: b was above a. */
static inline bool mr_u128_subtract(struct mr_u128 a, struct mr_u128 b, struct mr_u128 *difference)
{
    mr_u128_native value;
    bool over = __builtin_sub_overflow(mr_u128_to_native(a), mr_u128_to_native(b), &value);
    *difference = mr_u128_of((uint64_t)(value >> 64), (uint64_t)value);
    return over;
}
#else
/* Whether a is below b. */
static inline bool mr_u128_below(struct mr_u128 a, struct mr_u128 b)
{
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

/* a + b modulo 2^128; true: it did not fit. */
static inline bool mr_u128_add(struct mr_u128 a, struct mr_u128 b, struct mr_u128 *sum)
{
    bool carry = __builtin_add_overflow(a.low, b.low, &sum->low);
    bool first = __builtin_add_overflow(a.high, b.high, &sum->high);
    bool second = __builtin_add_overflow(sum->high, (uint64_t)carry, &sum->high);
    return first | second;
}

/* a - b modulo 2^128; true: b was above a. */
static inline bool mr_u128_subtract(struct mr_u128 a, struct mr_u128 b, struct mr_u128 *difference)
{
    bool borrow = __builtin_sub_overflow(a.low, b.low, &difference->low);
    bool first = __builtin_sub_overflow(a.high, b.high, &difference->high);
    bool second = __builtin_sub_overflow(difference->high, (uint64_t)borrow, &difference->high);
    return first | second;
}
#endif

/* The smaller of the two. */
static inline struct mr_u128 mr_u128_min(struct mr_u128 a, struct mr_u128 b)
{
    return mr_u128_below(b, a) ? b : a;
}

/* a - b, or 0 where b is above a. */
static inline struct mr_u128 mr_u128_above(struct mr_u128 a, struct mr_u128 b)
{
    struct mr_u128 difference;
    return mr_u128_subtract(a, b, &difference) ? mr_u128_of(0, 0) : difference;
}

#ifdef __cplusplus
}
#endif
#endif
