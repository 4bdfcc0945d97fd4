/*
 * Random commands, good and bad, to a logic and to a naive one, in rounds: each is a world of its
 * own seed and a process of its own, so that a crash can be made smaller like anything else. The
 * script that is left of a round in which the two differ is printed.
 *
 * MR_SEED=n replays a run, MR_FUZZ_COMMANDS=n makes it longer, MR_FUZZ_SCRIPT=file plays a script
 * as it is printed. The program's argument is the number of the shard: other ones have other seeds.
 */
#ifndef MR_TESTS_CORE_FUZZ_ROUNDS_H
#define MR_TESTS_CORE_FUZZ_ROUNDS_H

#include "tests/core/fuzz_script.h"

struct fuzz_rounds {
    const struct fuzz_logic *logic;
    const char *claim;            /* name of the test */
    uint64_t commands;            /* unless told otherwise */
    uint64_t commands_of_round;   /* at most */
    uint64_t commands_to_see_all; /* and more: then whatever there is must have been seen */
    size_t seen_size;             /* of what all rounds together have seen */

    /* Plays a round of the world of a seed; false: the two differ. *begun says how many commands
     * it has come to, and `seen` what they have done: memory shared with who began the round. */
    bool (*play)(uint64_t seed, uint64_t commands, uint64_t *begun, void *seen);
    /* Says how often things have been seen. Returns how many never were, although they should. */
    uint32_t (*tell)(const void *seen);
};

/* What `main` does, and returns. */
int fuzz_rounds_main(const struct fuzz_rounds *rounds, int argc, char **argv);

/* Says how often something has been seen; 1: never. */
uint32_t fuzz_tell(const char *what, uint64_t count);
/* The same for reasons, counted by their numbers; returns how many were never seen. */
uint32_t fuzz_tell_reasons(const struct fuzz_logic *logic, const uint64_t *counts, uint32_t first,
                           uint32_t last);

#endif
