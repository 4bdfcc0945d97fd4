/*
 * What the fuzz targets share. Each fuzz_NAME.c is one target, with libFuzzer's entry point; it is
 * built with libFuzzer where MILLRACE_FUZZ is on (`make fuzz`), and everywhere with replay.c, which
 * runs the kept inputs and some mutations of them as an ordinary test.
 *
 * A target claims more than that nothing crashes: what is accepted can be encoded again to the same
 * bytes, what is refused stays as it was.
 */
#ifndef MR_TESTS_FUZZ_FUZZ_H
#define MR_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's names. A target has the first, may have the second, and may call the third. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* A claim about any input; where it is false, the program says so and aborts. */
#define HOLDS(expression) ((expression) ? (void)0 : fuzz_broken(#expression, __FILE__, __LINE__))
_Noreturn void fuzz_broken(const char *claim, const char *file, int line);

#endif
