/*
 * The rows of bench_book; each of these registers some.
 */
#ifndef MR_BENCH_BOOK_ROWS_H
#define MR_BENCH_BOOK_ROWS_H

#include "bench/book/flow.h"

void commands_add(void);                      /* add-cancel, add-cancel-image, mixed */
void alone_add(enum flow_regime regime);      /* book-REGIME */
void hand_over_add(enum flow_regime regime);  /* hand-over-REGIME */
void operations_add(enum flow_regime regime); /* operation-P-REGIME */
void features_add(void);                      /* feature-NAME */
void many_add(void);                          /* book-many, book-many-skewed */

/* Prints what the flow is like, counted. */
void describe(void);

#endif
