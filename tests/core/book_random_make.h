/*
 * What random steps are made of. Numbers are drawn one a statement, so that every compiler draws
 * them in the same order.
 */
#ifndef MR_TESTS_CORE_BOOK_RANDOM_MAKE_H
#define MR_TESTS_CORE_BOOK_RANDOM_MAKE_H

#include "tests/core/book_random.h"

#define SECOND      UINT64_C(1000000000)
#define QUARTER_DAY (6 * 3600 * SECOND)

static inline uint64_t pick(struct book_world *world, uint64_t bound)
{
    return mr_random_below(&world->random, bound);
}

static inline bool chance(struct book_world *world, uint64_t percent)
{
    return pick(world, 100) < percent;
}

static inline bool is_deep(const struct book_world *world)
{
    return world->regime >= DEEP;
}

/* One of several numbers. */
#define PICK(world, list) ((list)[pick(world, sizeof(list) / sizeof((list)[0]))])

/* Each fills in the request of a zeroed step. Most of what they name is there. */
void random_make_new(struct book_world *world, const struct naive_book *naive,
                     struct book_step *step);
void random_make_cancel(struct book_world *world, const struct naive_book *naive,
                        struct book_step *step);
void random_make_replace(struct book_world *world, const struct naive_book *naive,
                         struct book_step *step);
void random_make_define(struct book_world *world, struct book_step *step, uint32_t instrument);
void random_make_bad_define(struct book_world *world, struct book_step *step);
void random_make_band(struct book_world *world, const struct naive_book *naive,
                      struct book_step *step);
void random_make_update(struct book_world *world, const struct naive_book *naive,
                        struct book_step *step);
void random_make_phase(struct book_world *world, struct book_step *step);
void random_make_account(struct book_world *world, struct book_step *step);
void random_make_orders_cancel(struct book_world *world, struct book_step *step);
/* Opens an instrument that is halted or closed; false: there is none, or it shall wait. */
bool random_make_open(struct book_world *world, const struct naive_book *naive,
                      struct book_step *step);

#endif
