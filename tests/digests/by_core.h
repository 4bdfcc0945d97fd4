/*
 * The digests by core/ alone: an image, commands applied to it one after the other, and the chain
 * of its events. It needs no operating system and no C library: only somebody who prints.
 */
#ifndef MR_TESTS_DIGESTS_BY_CORE_H
#define MR_TESTS_DIGESTS_BY_CORE_H

#include <stddef.h>

/* The caller's: one line, with its end. */
void print_line(const char *line, size_t length);

/* 0, or 1 with a line that says why not. */
int by_core(void);

#endif
