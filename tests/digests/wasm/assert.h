/*
 * What xxhash.h wants of the C library where there is none.
 */
#ifndef MR_TESTS_DIGESTS_WASM_ASSERT_H
#define MR_TESTS_DIGESTS_WASM_ASSERT_H

#include <stddef.h>

#define assert(condition) ((void)0)
#define static_assert _Static_assert

#endif
