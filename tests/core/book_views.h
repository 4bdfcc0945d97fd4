/*
 * What consumers of the book's reports keep, from the reports alone (<millrace/book.h>, THE
 * REPORTS): a book order by order (L3), one level by level (L2), and the trades. Reports can be
 * given one by one; between requests, the views are what rests.
 */
#ifndef MR_TESTS_CORE_BOOK_VIEWS_H
#define MR_TESTS_CORE_BOOK_VIEWS_H

#include <millrace/book.h>

/* An order as reports tell of it. An incoming one stands at its price, too, until it is traded or
 * cancelled: what is left of it rests there. */
struct view_order {
    uint64_t id;
    int64_t price;
    uint64_t open;
};

/* L3: best price first, and at a price in the order in which they would trade. */
struct view_queue {
    struct view_order *orders;
    uint32_t count, room;
};

/* L2: best price first. */
struct view_depth {
    struct mr_book_level *levels;
    uint32_t count, room;
};

struct view_instrument {
    uint32_t id;
    uint8_t phase;
    struct view_queue queues[2];
    struct view_depth depths[2];
    uint64_t trades; /* all of them, as they are numbered */
    int64_t last_price;
    struct mr_book_top_of_book top; /* as it was published last */
};

struct book_views {
    struct view_instrument *instruments;
    uint32_t count;
    uint64_t cancelled; /* orders of the request so far, for those that say how many they were */
    const char *flaw;   /* what does not fit together, NULL: nothing so far */
};

void book_views_open(struct book_views *views);
void book_views_close(struct book_views *views);

/* Before the reports of the next request. */
void book_views_next(struct book_views *views);

/* False: the report contradicts those before it; views->flaw says in what. */
bool book_views_report(struct book_views *views, const union mr_book_report *report);

/* NULL: no report has named it. */
const struct view_instrument *book_views_instrument(const struct book_views *views, uint32_t id);

#endif
