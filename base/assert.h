/*
 * Assertions for programmer's errors. They stay on in release builds: a process that has broken an
 * invariant must not go on acknowledging. Freestanding: core/ may include this.
 */
#ifndef MR_BASE_ASSERT_H
#define MR_BASE_ASSERT_H

/* Reports the broken invariant and ends the process (abort). */
_Noreturn void mr_assert_failed(const char *expression, const char *file, int line);

#define ASSERT(expression)                         \
    (__builtin_expect(!!(expression), 1) ? (void)0 \
                                         : mr_assert_failed(#expression, __FILE__, __LINE__))

/* VERIFY is for checks too costly for production: on where MR_VERIFY is defined (dev, sanitizer and
 * coverage builds), compiled but never run elsewhere. */
#ifdef MR_VERIFY
#define VERIFY(expression) ASSERT(expression)
#else
#define VERIFY(expression) ((void)sizeof(!!(expression)))
#endif

#define MR_LIKELY(expression)   __builtin_expect(!!(expression), 1)
#define MR_UNLIKELY(expression) __builtin_expect(!!(expression), 0)

#endif
