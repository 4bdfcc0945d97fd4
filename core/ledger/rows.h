/*
 * Queries that come as messages, and what they are answered with. For the catalog and the calls of
 * mr_logic_ledger.
 */
#ifndef MR_CORE_LEDGER_ROWS_H
#define MR_CORE_LEDGER_ROWS_H

#include "core/ledger/state.h"

#include <millrace/ledger_queries.h>

enum { LEDGER_QUERIES = 7, LEDGER_ROWS = 5 };

extern const struct mr_message mr_ledger_query_table[LEDGER_QUERIES];
extern const struct mr_message mr_ledger_row_table[LEDGER_ROWS];

/* Answers one of them: 0 or a reason. */
uint32_t mr_ledger_query_answer(struct mr_inquiry *inquiry, const struct mr_query *query);

#endif
