/*
 * A book with the memory that it needs, and what came of the requests that it got.
 */
#ifndef MR_BENCH_BOOK_DESK_H
#define MR_BENCH_BOOK_DESK_H

#include "bench/book/outcome.h"

#include <millrace/book.h>
#include <millrace/mapping.h>

#include <stddef.h>

/* Reports of all subjects go round in so many slots: 64 KiB, which stay in a core's own cache. */
enum { DESK_SLOTS = 1024 };

struct desk {
    struct mr_book_config config;
    struct mr_mapping mapping;
    struct mr_book *book;
    struct mr_book_turn turn;
    union mr_book_report *reports; /* DESK_SLOTS */
};

/* What a bench with one instrument needs. */
struct mr_book_config desk_config(void);

/* Memory for reports, aligned to lines. Ends the process if there is none, as all of these do. */
union mr_book_report *desk_reports(void);

/* An empty book; on huge pages where the system has them to give. False: the system has not that
 * much memory. */
bool desk_open(struct desk *desk, const struct mr_book_config *config);
void desk_close(struct desk *desk);

/* Empties it: as if just opened. */
void desk_renew(struct desk *desk);

/* Applies requests that must succeed, and forgets their reports. */
void desk_prepare(struct desk *desk, const union mr_book_request *requests, size_t count);

/* What the turn's reports, and the levels of an instrument, have come to. The digest over all
 * reports is left out: it takes looking at each of them before the next comes. */
struct outcome desk_outcome(const struct desk *desk, uint32_t instrument);

#endif
