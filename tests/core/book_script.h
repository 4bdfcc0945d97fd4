/* Scripts of the book: what fuzz_script.h has to know of it. */
#ifndef MR_TESTS_CORE_BOOK_SCRIPT_H
#define MR_TESTS_CORE_BOOK_SCRIPT_H

#include "tests/core/book_pair.h"
#include "tests/core/fuzz_script.h"

/* Its settings are struct book_setting. */
extern const struct fuzz_logic fuzz_book;

#endif
