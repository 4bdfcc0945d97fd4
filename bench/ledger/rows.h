/*
 * The rows of bench_ledger; each of these registers some.
 */
#ifndef MR_BENCH_LEDGER_ROWS_H
#define MR_BENCH_LEDGER_ROWS_H

#include <stdbool.h>

void apply_add(void);   /* apply-*, two-phase-1M, chains-1M, each also as -4k */
void apply_end(void);   /* gives back what the last row has left */
void durable_add(void); /* durable-1M */
void durable_end(void);

/* Prints what a transfer costs with more and more accounts, and what of it memory explains. False:
 * there is not enough memory. */
bool growth_print(void);

#endif
