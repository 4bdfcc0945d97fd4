/*
 * Checking every invariant of the book's state.
 */
#ifndef MR_CORE_BOOK_CHECK_H
#define MR_CORE_BOOK_CHECK_H

#include <stdbool.h>

bool mr_book_check(const void *state, const void *config);

#endif
