/*
 * Every state that a crash may leave of a writer's run, and recovery on each of them: its decision
 * must be exactly what the model says. Some states are recovered for good, appended to, and crashed
 * again at each step of that.
 */
#ifndef MR_TESTS_JOURNAL_ENUMERATE_H
#define MR_TESTS_JOURNAL_ENUMERATE_H

#include "tests/journal/enumerate_life.h"
#include "tests/journal/enumerate_model.h"

enum { ENUMERATE_LEVELS = 4 }; /* a run, the recovery of its crash, and of that one's, and so on */

/* How much is looked at, on one level. */
struct effort {
    uint32_t all_bits; /* of windows of up to so many items, all subsets are */
    uint32_t randoms;  /* of larger ones, so many random subsets beside all prefixes and drops */
    bool doubles;      /* and all pairs of drops */
    /* One state in so many is recovered for good and appended to; and one torn state in so many is
     * crashed again in all of that. 0: none. */
    uint32_t recover_one_in;
    uint32_t crash_one_in;
    uint32_t crash_small_one_in; /* the same, in windows of one sector to eight */
};

struct enumerate_level {
    struct effort effort;
    struct rec_trace trace;
    struct model model; /* as far as the walk has come */
    struct rec_walk walk;
    struct rec_window window;
    struct model_view view;
};

struct enumeration {
    uint64_t seed;
    const char *label;
    struct mr_random random;
    struct rec_disk disk;
    struct recorder recorder; /* on that disk */
    struct life life;         /* on that recorder */
    struct enumerate_level levels[ENUMERATE_LEVELS];
    /* What was done, on all levels together. */
    uint64_t states, torn, recovered, crashed_again, windows, all_subsets, all_of_frames;
    uint64_t of_level[ENUMERATE_LEVELS]; /* states */
};

/* From MR_SEED, with the efforts that all enumerations share; of the first crashes, one torn state
 * in `crash_one_in` is crashed again, in small windows one in `crash_small_one_in`. `share`: only
 * so small a part of it all. */
void enumeration_begin(struct enumeration *e, const char *label, uint32_t share,
                       uint32_t crash_one_in, uint32_t crash_small_one_in);
/* Prints what was counted; asserts that there were at least `states`, with torn ones and whole
 * ones, and crashes of recoveries and of theirs among them; frees. */
void enumeration_end(struct enumeration *e, uint64_t states);
/* Records lives one after the other, from creation on, and enumerates. */
void enumerate_run(struct enumeration *e, const struct life_plan *plans, uint32_t count);
#endif
