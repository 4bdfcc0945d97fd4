/* Where everything lies in the state (core/ledger/layout.c). */
#ifndef MR_CORE_LEDGER_LAYOUT_H
#define MR_CORE_LEDGER_LAYOUT_H

#include "core/ledger/state.h"

struct ledger_layout mr_ledger_layout(const struct mr_ledger_config *config);

/* Of struct mr_logic. */
void mr_ledger_config_default(void *config);
uint64_t mr_ledger_state_size(const void *config);
void mr_ledger_init(void *state, const void *config);
uint32_t mr_ledger_used(const void *state, const void *config, struct mr_span *spans,
                        uint32_t limit);

#endif
