/*
 * The calls of mr_logic_book that size, prepare and measure the state.
 */
#ifndef MR_CORE_BOOK_LAYOUT_H
#define MR_CORE_BOOK_LAYOUT_H

#include "core/book/state.h"

/* Of a configuration whose state_size is not 0. */
struct book_layout mr_book_layout(const struct mr_book_config *config);

void mr_book_config_default(void *config);
uint64_t mr_book_state_size(const void *config);
uint32_t mr_book_turn_events_max(const void *config);
void mr_book_init(void *state, const void *config);
uint32_t mr_book_used(const void *state, const void *config, struct mr_span *spans, uint32_t limit);

#endif
