/*
 * One file in memory that has a path, for code that wants to open one.
 */
#ifndef MR_TESTS_FUZZ_SCRATCH_H
#define MR_TESTS_FUZZ_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

const char *scratch_path(void);
/* Holds these bytes from now on. */
void scratch_fill(const void *bytes, size_t size);
size_t scratch_size(void);
/* Does it hold exactly these bytes? */
bool scratch_holds(const void *bytes, size_t size);

#endif
