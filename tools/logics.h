/*
 * The logics that the tool knows by name.
 */
#ifndef MR_TOOLS_LOGICS_H
#define MR_TOOLS_LOGICS_H

#include <millrace/logic.h>

/* All of them, ended by NULL, as mr_replay_options wants it. */
extern const struct mr_logic *const logics_known[];

/* The names, as a choice's argument column. */
#define LOGIC_NAMES "book"

/* The logic that a choice out of LOGIC_NAMES means. */
const struct mr_logic *logic_chosen(uint32_t choice);

#endif
