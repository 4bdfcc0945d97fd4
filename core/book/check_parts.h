/*
 * What checking the state is divided into. All of it is slow, and none of it trusts what it looks
 * at: loops are bounded by what the pools say was ever taken, and a ref is checked before it is
 * followed, so that a damaged state is found wrong rather than walked for ever.
 */
#ifndef MR_CORE_BOOK_CHECK_PARTS_H
#define MR_CORE_BOOK_CHECK_PARTS_H

#include "core/book/orders.h"

#define CHECK(condition)  \
    do {                  \
        if (!(condition)) \
            return false; \
    } while (0)

/* What walking all sides of all instruments has met. */
struct book_tally {
    uint64_t trades;
    uint64_t memberships; /* of all orders, in groups of any kind */
    uint64_t tables;      /* how the instruments that use tick tables differ from their users */
    uint32_t memberships_high;
    uint32_t orders, levels, leaves, branches;
};

/* -- check.c ----------------------------------------------------------------------------------- */

bool mr_book_check_order_ref(const struct mr_book *book, uint32_t ref);
/* The slot that the order's id leads to. After the ids have been checked. */
const struct book_id *mr_book_check_id(const struct mr_book *book, const struct book_order *order);

/* -- check_levels.c ---------------------------------------------------------------------------- */

bool mr_book_check_sides(const struct mr_book *book, const struct book_instrument *instrument,
                         struct book_tally *tally);
/* Pages that are free, and levels that are not there. */
bool mr_book_check_pages(const struct mr_book *book, const struct book_tally *tally);

/* -- check_setup.c ----------------------------------------------------------------------------- */

bool mr_book_check_instrument(const struct mr_book *book, const struct book_instrument *instrument,
                              struct book_tally *tally);
/* Before instruments, whose prices' ticks they tell. */
bool mr_book_check_tables(const struct mr_book *book, struct book_tally *tally);

/* -- check_groups.c ---------------------------------------------------------------------------- */

/* After all orders have been checked, and found to be as many as are live. */
bool mr_book_check_groups(const struct mr_book *book, const struct book_tally *tally);

#endif
