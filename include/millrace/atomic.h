/*
 * <millrace/atomic.h>: the few atomic operations that our public headers inline, spelled so that
 * the same line is C11 and C++17. The order is named in full at each use:
 *
 *     mr_atomic_store(&ring->cursor, next, release);
 *
 * A C program and a C++ program may share such an object: both compilers lay out an atomic integer
 * as the integer itself.
 */
#ifndef MILLRACE_ATOMIC_H
#define MILLRACE_ATOMIC_H

#ifdef __cplusplus
#include <atomic>
#define MR_ATOMIC(type)                       std::atomic<type>
#define mr_atomic_load(object, order)         ((object)->load(std::memory_order_##order))
#define mr_atomic_store(object, value, order) ((object)->store((value), std::memory_order_##order))
#define mr_atomic_fetch_or(object, bits, order) \
    ((object)->fetch_or((bits), std::memory_order_##order))
#define mr_atomic_fetch_add(object, value, order) \
    ((object)->fetch_add((value), std::memory_order_##order))
#define mr_atomic_exchange(object, value, order) \
    ((object)->exchange((value), std::memory_order_##order))
#define mr_atomic_compare_exchange(object, expected, desired, order)                      \
    ((object)->compare_exchange_strong(*(expected), (desired), std::memory_order_##order, \
                                       std::memory_order_relaxed))
#define mr_atomic_fence(order) std::atomic_thread_fence(std::memory_order_##order)
#else
#include <stdalign.h>
#include <stdatomic.h>
#define MR_ATOMIC(type)               _Atomic(type)
#define mr_atomic_load(object, order) atomic_load_explicit((object), memory_order_##order)
#define mr_atomic_store(object, value, order) \
    atomic_store_explicit((object), (value), memory_order_##order)
#define mr_atomic_fetch_or(object, bits, order) \
    atomic_fetch_or_explicit((object), (bits), memory_order_##order)
#define mr_atomic_fetch_add(object, value, order) \
    atomic_fetch_add_explicit((object), (value), memory_order_##order)
#define mr_atomic_exchange(object, value, order) \
    atomic_exchange_explicit((object), (value), memory_order_##order)
/* Strong: false only when another value was found, which is then in *expected (relaxed). */
#define mr_atomic_compare_exchange(object, expected, desired, order)                               \
    atomic_compare_exchange_strong_explicit((object), (expected), (desired), memory_order_##order, \
                                            memory_order_relaxed)
#define mr_atomic_fence(order) atomic_thread_fence(memory_order_##order)
#endif

/* ThreadSanitizer does not know fences; where one is needed, its builds take another way. */
#ifdef __SANITIZE_THREAD__
#define MR_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MR_THREAD_SANITIZER 1
#endif
#endif

#endif
