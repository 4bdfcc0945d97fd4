/*
 * The number that keys a logic's mixing of ids, so that who chooses the ids cannot make them
 * collide: a field `hash_seed` of its configuration. It is part of genesis, and what follows from
 * it is the same in every replay.
 */
#ifndef MR_TOOLS_HASH_SEED_H
#define MR_TOOLS_HASH_SEED_H

#include <millrace/error.h>
#include <millrace/logic.h>

/* The logic's default configuration with a seed of its own: `text` is a number; NULL: a random one.
 * *config is the caller's to free; NULL when the logic has no such field. MR_E_INVALID (no number,
 * or no such field), MR_E_NO_MEMORY, MR_E_IO (the system has no random bytes). */
int hash_seed_choose(const struct mr_logic *logic, const char *text, void **config,
                     struct mr_error *error);

#endif
