/*
 * The book and the naive one, side by side: every step goes to both, and all that can be seen of
 * them must be the same afterwards. The book stands alone (mr_book_apply), or is the logic of an
 * image, with sessions, timers and events in envelopes.
 */
#ifndef MR_TESTS_CORE_BOOK_PAIR_H
#define MR_TESTS_CORE_BOOK_PAIR_H

#include "tests/core/book_views.h"
#include "tests/core/naive_book.h"

#include <millrace/image.h>

#include <stddef.h>

enum {
    PAIR_SESSIONS = 6, /* numbered from 1; the first is the operator's, the others are users' */
    PAIR_OPERATOR = 1,
};

/* A request, and who sends it when. In an image, the role is that of the session. */
struct book_step {
    uint64_t time_ns, session;
    union mr_book_request request;
    uint8_t role;
};

/* Reports of a step, those of orders that expired before it first. */
struct book_log {
    struct naive_report *reports;
    uint32_t count, room;
};

struct book_pair;

/* For tests of the test: may change what the book is taken to have reported. */
typedef void book_distortion(const struct book_pair *pair, struct book_log *log);

/* What both begin with. */
struct book_setting {
    struct mr_book_config config;
    uint32_t timers_max; /* of the image */
    bool in_image;
    book_distortion *distortion; /* NULL: none */
};

struct pair_stream {
    uint64_t count, last;
};

struct book_pair {
    struct book_setting setting;
    bool alone_naive; /* there is no real one */
    struct naive_book naive;
    struct book_views views;
    struct book_log naive_log, log;
    uint32_t expired; /* reports of the logs that came before the step's own */
    uint32_t turns;   /* of the step, and of what expired before it */
    uint32_t naive_reason, reason;
    uint64_t steps;
    const char *flaw; /* what differs, NULL: nothing so far */

    /* Alone. */
    struct mr_book *book;
    size_t book_size;
    union mr_book_report *turn_reports;
    uint64_t ring_mask, turn_first; /* number of the turn's first report */

    /* In an image. */
    void *memory;
    struct mr_image *image;
    struct mr_outbox outbox;
    uint64_t sequence, events;
    uint64_t requests[PAIR_SESSIONS + 1];
    struct pair_stream *streams; /* by number of the instrument; 0: none */
};

/* With `alone_naive`, the naive book alone takes the steps. */
void book_pair_open(struct book_pair *pair, const struct book_setting *setting, bool alone_naive);
void book_pair_close(struct book_pair *pair);

/* False: something differs; pair->flaw says what. */
bool book_pair_step(struct book_pair *pair, const struct book_step *step);

/* What is looked at now and then only: every query, every invariant. */
bool book_pair_check(struct book_pair *pair);

/* -- For the parts of it. ---------------------------------------------------------------------- */

const struct mr_book *book_pair_book(const struct book_pair *pair);
void book_log_add(struct book_log *log, const union mr_book_report *report, uint32_t stream);

/* The image: makes it, and applies a step in all its turns to it. NULL, or what is wrong. */
void pair_image_open(struct book_pair *pair);
const char *pair_image_apply(struct book_pair *pair, const struct book_step *step);

/* What queries say, after every step, and now and then. NULL, or what differs. */
const char *pair_compare_step(const struct book_pair *pair);
const char *pair_compare_all(const struct book_pair *pair);

#endif
