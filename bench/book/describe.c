/*
 * What the flow is like, counted on the std::map book: shares of the messages and of what comes of
 * them, and how large the book is.
 */
#include "bench/book/rows.h"

#include "bench/book/desk.h"
#include "bench/book/peer_map.h"
#include "bench/harness.h"

#include <stdio.h>
#include <stdlib.h>

enum { TYPES = 256, LOOK_EVERY = 64, SEED = 1 };

struct count {
    uint64_t messages;
    uint64_t by_type[TYPES];
    uint64_t ioc;
    uint64_t reports[TYPES];
    uint64_t looks, orders, levels; /* sums over the looks */
    uint64_t orders_max, levels_max;
    int64_t price_min, price_max; /* of trades */
};

static void count_report(struct count *count, const union mr_book_report *report)
{
    count->reports[report->any.type]++;
    if (report->any.type != MR_BOOK_TRADE)
        return;
    int64_t price = report->trade.price;
    count->price_min = price < count->price_min ? price : count->price_min;
    count->price_max = price > count->price_max ? price : count->price_max;
}

static void count_request(struct count *count, const union mr_book_request *request)
{
    count->messages++;
    count->by_type[request->any.type]++;
    count->ioc +=
        request->any.type == MR_BOOK_ORDER_NEW && request->order_new.tif == MR_BOOK_TIF_IOC;
}

static void look(struct count *count, const struct peer_map *map)
{
    uint64_t orders = peer_map_orders(map);
    uint64_t levels = peer_map_levels(map);
    count->looks++;
    count->orders += orders;
    count->levels += levels;
    count->orders_max = orders > count->orders_max ? orders : count->orders_max;
    count->levels_max = levels > count->levels_max ? levels : count->levels_max;
}

static void run(struct count *count, const struct flow *flow)
{
    union mr_book_report *reports = desk_reports();
    struct mr_book_turn turn = {.reports = reports, .mask = DESK_SLOTS - 1};
    struct peer_map *map = peer_map_open();
    for (size_t i = 0; i < flow->count; i++) {
        uint64_t report = turn.next;
        peer_map_apply(map, &flow->requests[i], &turn);
        if (i < flow->standing)
            continue;
        count_request(count, &flow->requests[i]);
        for (; report < turn.next; report++)
            count_report(count, &reports[report & turn.mask]);
        if (i % LOOK_EVERY == 0)
            look(count, map);
    }
    peer_map_close(map);
    free(reports);
}

static double percent(uint64_t part, uint64_t whole)
{
    return 100 * (double)part / (double)whole;
}

static void print(const char *name, const struct count *count)
{
    uint64_t all = count->messages;
    uint64_t looks = count->looks == 0 ? 1 : count->looks;
    printf("%-9s %5.1f %5.1f %6.1f %7.1f %8.1f %7.3f %8lu %8lu %7lu %7lu %7ld %7ld\n", name,
           percent(count->by_type[MR_BOOK_ORDER_NEW] - count->ioc, all), percent(count->ioc, all),
           percent(count->by_type[MR_BOOK_ORDER_CANCEL], all),
           percent(count->by_type[MR_BOOK_ORDER_REPLACE], all),
           percent(count->reports[MR_BOOK_ORDER_REJECTED], all),
           (double)count->reports[MR_BOOK_TRADE] / (double)all, count->orders / looks,
           count->orders_max, count->levels / looks, count->levels_max, count->price_min,
           count->price_max);
}

void describe(void)
{
    printf("          %% of messages                     trades    orders           levels         "
           " price of trades\n");
    printf("          new   ioc   cancel replace rejected  each     mean     most     mean    most "
           "   least    most\n");
    for (int regime = 0; regime < FLOW_REGIMES; regime++) {
        struct count count = {.price_min = INT64_MAX, .price_max = INT64_MIN};
        struct flow flow = flow_make((enum flow_regime)regime, FLOW_MESSAGES, SEED);
        run(&count, &flow);
        print(flow_name((enum flow_regime)regime), &count);
        flow_free(&flow);
    }
}
