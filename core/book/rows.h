/*
 * Queries that come as messages, and what they are answered with. For the catalog and the calls of
 * mr_logic_book.
 */
#ifndef MR_CORE_BOOK_ROWS_H
#define MR_CORE_BOOK_ROWS_H

#include "core/book/state.h"

#include <millrace/book_queries.h>

enum { BOOK_QUERIES = 10, BOOK_ROWS = 7 };

extern const struct mr_message mr_book_query_table[BOOK_QUERIES];
extern const struct mr_message mr_book_row_table[BOOK_ROWS];

/* Answers one of them: 0 or a reason. */
uint32_t mr_book_query_answer(struct mr_inquiry *inquiry, const struct mr_query *query);

#endif
