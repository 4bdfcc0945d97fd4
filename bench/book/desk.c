#include "bench/book/desk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPANS_MAX = 64, LEVELS_MAX = 1 << 14, FAILED = 4 };

struct mr_book_config desk_config(void)
{
    struct mr_book_config config;
    mr_logic_book.config_default(&config);
    config.instruments_max = 16;
    config.orders_max = 1 << 17;
    config.levels_max = LEVELS_MAX;
    config.fills_max = 250; /* so that the reports of one call fit into DESK_SLOTS */
    return config;
}

union mr_book_report *desk_reports(void)
{
    union mr_book_report *reports = aligned_alloc(64, DESK_SLOTS * sizeof(*reports));
    if (reports == NULL) {
        fputs("bench_book: not enough memory\n", stderr);
        exit(FAILED);
    }
    memset(reports, 0, DESK_SLOTS * sizeof(*reports));
    return reports;
}

bool desk_open(struct desk *desk, const struct mr_book_config *config)
{
    *desk = (struct desk){.config = *config};
    struct mr_error error;
    uint64_t size = mr_logic_book.state_size(config);
    if (mr_book_reports_max(config) > DESK_SLOTS) {
        fputs("bench_book: fills_max is too large for the buffer of reports\n", stderr);
        exit(FAILED);
    }
    if (mr_mapping_init(&desk->mapping, size, MR_PAGES_HUGE, &error) != MR_OK) {
        fprintf(stderr, "bench_book: %s\n", error.text);
        return false;
    }
    desk->book = desk->mapping.memory;
    desk->reports = desk_reports();
    desk->turn = (struct mr_book_turn){.reports = desk->reports, .mask = DESK_SLOTS - 1};
    mr_logic_book.init(desk->book, &desk->config);
    return true;
}

void desk_close(struct desk *desk)
{
    free(desk->reports);
    mr_mapping_free(&desk->mapping);
    *desk = (struct desk){0};
}

void desk_renew(struct desk *desk)
{
    struct mr_span spans[SPANS_MAX];
    uint32_t count = mr_logic_book.used(desk->book, &desk->config, spans, SPANS_MAX);
    for (uint32_t i = 0; i < count; i++)
        memset((unsigned char *)desk->book + spans[i].offset, 0, spans[i].size);
    mr_logic_book.init(desk->book, &desk->config);
    desk->turn = (struct mr_book_turn){.reports = desk->reports, .mask = DESK_SLOTS - 1};
}

void desk_prepare(struct desk *desk, const union mr_book_request *requests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t reason = mr_book_apply(desk->book, &requests[i], &desk->turn);
        if (reason != 0) {
            fprintf(stderr, "bench_book: what was to be there before is rejected: %" PRIu32 "\n",
                    reason);
            exit(FAILED);
        }
    }
    desk->turn.next = 0;
}

struct outcome desk_outcome(const struct desk *desk, uint32_t instrument)
{
    static struct mr_book_level levels[LEVELS_MAX];
    struct outcome outcome = {.reports = desk->turn.next,
                              .tail = outcome_tail(&desk->turn),
                              .orders = mr_book_totals_get(desk->book).orders};
    for (uint8_t side = 0; side < 2; side++) {
        uint32_t count =
            mr_book_depth(desk->book, instrument, (enum mr_book_side)side, levels, LEVELS_MAX);
        outcome.levels = outcome_levels(outcome.levels, levels, count);
    }
    return outcome;
}
