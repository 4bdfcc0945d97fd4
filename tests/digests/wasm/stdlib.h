/*
 * What xxhash.h wants of the C library where there is none, and does not use.
 */
#ifndef MR_TESTS_DIGESTS_WASM_STDLIB_H
#define MR_TESTS_DIGESTS_WASM_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void free(void *memory);

#endif
