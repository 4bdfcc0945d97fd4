/*
 * What xxhash.h wants of the C library where there is none.
 */
#ifndef MR_TESTS_DIGESTS_WASM_STRING_H
#define MR_TESTS_DIGESTS_WASM_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#define memcpy(to, from, size) __builtin_memcpy(to, from, size)
#define memset(to, byte, size) __builtin_memset(to, byte, size)

#endif
