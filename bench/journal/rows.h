/* The rows of bench_journal; each of these registers some with the harness. */
#ifndef MR_BENCH_JOURNAL_ROWS_H
#define MR_BENCH_JOURNAL_ROWS_H

void appends_add(void); /* append-* */
void streams_add(void); /* durable-128, cpu-256 */
void reads_add(void);   /* scan-* */
void reads_end(void);   /* removes what was kept from run to run */
void batches_add(void); /* batch-* */

#endif
