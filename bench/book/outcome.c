#include "bench/book/outcome.h"

#include <inttypes.h>
#include <stdio.h>

static bool equal(const char *what, const char *part, uint64_t wanted, uint64_t got)
{
    if (wanted == got)
        return true;
    fprintf(stderr,
            "bench_book: %s: %s should come to %016" PRIx64 ", not %016" PRIx64
            ": this book is wrong, or the one that foretold it\n",
            what, part, wanted, got);
    return false;
}

bool outcome_equal(const char *what, const struct outcome *wanted, const struct outcome *got)
{
    bool both = wanted->digest != 0 && got->digest != 0;
    return equal(what, "the number of reports", wanted->reports, got->reports) &&
           (!both || equal(what, "the reports", wanted->digest, got->digest)) &&
           equal(what, "the last reports", wanted->tail, got->tail) &&
           equal(what, "the orders left", wanted->orders, got->orders) &&
           equal(what, "the levels left", wanted->levels, got->levels);
}

uint64_t outcome_tail(const struct mr_book_turn *turn)
{
    uint64_t digest = 1;
    uint64_t slots = turn->mask + 1;
    uint64_t first = turn->next > slots ? turn->next - slots : 0;
    for (uint64_t i = first; i < turn->next; i++)
        digest = outcome_add(digest, &turn->reports[i & turn->mask]);
    return digest;
}

uint64_t outcome_levels(uint64_t digest, const struct mr_book_level *levels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        union mr_book_report as_report;
        memset(&as_report, 0, sizeof(as_report));
        as_report.top.bid_price = levels[i].price;
        as_report.top.bid_quantity = levels[i].quantity;
        as_report.top.ask_quantity = levels[i].orders;
        digest = outcome_add(digest, &as_report);
    }
    return digest;
}
