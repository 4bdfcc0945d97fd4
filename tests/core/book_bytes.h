/*
 * Whether two copies of a book's state are the same, to the byte, but for where its last request
 * found its instrument: that is remembered also of a request that is rejected.
 */
#ifndef MR_TESTS_CORE_BOOK_BYTES_H
#define MR_TESTS_CORE_BOOK_BYTES_H

#include "core/book/state.h"

#include <string.h>

/* Changes `before`. */
static inline bool book_same_bytes(struct mr_book *before, const struct mr_book *after, size_t size)
{
    before->recent_id = after->recent_id;
    before->recent_instrument = after->recent_instrument;
    before->recent_ref = after->recent_ref;
    return memcmp(before, after, size) == 0;
}

#endif
