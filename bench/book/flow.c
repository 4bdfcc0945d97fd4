#include "bench/book/flow.h"

#include "bench/book/law.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

enum {
    MID = 33504,      /* $167.52 in half cents */
    QUANTITIES = 100, /* 1 .. 100 */
    MORE_MAX = 50,    /* what a replacement adds */

    /* Percent. */
    IOC = 15,
    REPLACED = 20,
    ONE_TICK = 80, /* of the replaced */
    CANCELLED = 95,
    TWICE = 3,

    /* Means, in messages. */
    DELAY = 1000,      /* from the moment that priced an order to its arrival */
    LIFETIME = 8000,   /* from its arrival to its cancel */
    DELAY_TWICE = 500, /* from a message to its double */

    HUGE_PAGE = 2 << 20,
    FAILED = 4,
};

#define MESSAGES_A_PLAN 2.04 /* what an order makes of messages in the mean, about */
#define WALK_CHANCE     0.05 /* that the random part of the walk takes a step, per order */
#define TURN            6.2831853071795865

enum what { WHAT_NEW, WHAT_REPLACE, WHAT_CANCEL };

/* An order's whole life. */
struct plan {
    int32_t price;
    int32_t new_price; /* after its replacement */
    uint8_t quantity;
    uint8_t more; /* quantity that its replacement adds */
    uint8_t side;
    uint8_t ioc;
};

struct arrival {
    double at; /* in messages */
    uint32_t plan;
    uint32_t what;
};

struct making {
    struct mr_random random;
    enum flow_regime regime;
    struct law law;
    double walked; /* ticks, of the random part of the walk */
    struct plan *plans;
    size_t plan_count;
    struct arrival *arrivals;
    size_t arrival_count;
};

const char *flow_name(enum flow_regime regime)
{
    static const char *const names[] = {"still", "drift", "swing-25", "swing-40", "crash"};
    return names[regime];
}

/* On huge pages, where the system has some to give. */
static void *allocate(size_t size)
{
    size_t rounded = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = aligned_alloc(HUGE_PAGE, rounded);
    if (memory == NULL) {
        fputs("bench_book: not enough memory for the messages\n", stderr);
        exit(FAILED);
    }
    (void)madvise(memory, rounded, MADV_HUGEPAGE);
    return memory;
}

union mr_book_request *flow_requests(size_t count)
{
    return allocate((count + FLOW_AHEAD) * sizeof(union mr_book_request));
}

/* -- Chance. ----------------------------------------------------------------------------------- */

static bool percent(struct making *making, uint64_t percentage)
{
    return mr_random_chance(&making->random, percentage, 100);
}

/* -- The walk. --------------------------------------------------------------------------------- */

/* Where the course of the regime has brought the price at `x` of its way, 0 to 1. */
static double course(enum flow_regime regime, double x)
{
    double fall = x < 1.0 / 3 ? 0 : x > 2.0 / 3 ? 1 : 3 * x - 1;
    switch (regime) {
    case FLOW_DRIFT:
        return 0.02 * x;
    case FLOW_SWING_25:
        return 0.25 * sin(2 * TURN * x);
    case FLOW_SWING_40:
        return 0.40 * sin(2 * TURN * x);
    case FLOW_CRASH:
        return -0.60 * fall;
    case FLOW_STILL:
    case FLOW_REGIMES:
        break;
    }
    return 0;
}

/* The price below the mid-price; the one above it is one tick more. */
static int32_t walk(struct making *making, double x)
{
    if (making->regime != FLOW_STILL && law_chance(&making->random) < WALK_CHANCE)
        making->walked += percent(making, 50) ? 1 : -1;
    return (int32_t)(MID * (1 + course(making->regime, x)) + making->walked);
}

/* -- Orders and when they come. ---------------------------------------------------------------- */

static void arrive(struct making *making, double at, enum what what)
{
    uint32_t plan = (uint32_t)(making->plan_count - 1);
    making->arrivals[making->arrival_count++] = (struct arrival){at, plan, what};
    if (percent(making, TWICE)) {
        double again = at + law_exponential(&making->random, DELAY_TWICE);
        making->arrivals[making->arrival_count++] = (struct arrival){again, plan, what};
    }
}

static void plan_order(struct making *making, int32_t mid, bool ioc, bool crosses)
{
    struct plan *plan = &making->plans[making->plan_count++];
    uint8_t side = (uint8_t)percent(making, 50);
    int32_t away = law_distance(&making->law, &making->random);
    if (crosses)
        away = -1 - away;
    int32_t step = percent(making, ONE_TICK) ? 1 : law_distance(&making->law, &making->random);
    if (percent(making, 50))
        step = -step;
    *plan = (struct plan){
        .price = side == MR_BOOK_SIDE_BUY ? mid - away : mid + 1 + away,
        .quantity = (uint8_t)(1 + mr_random_below(&making->random, QUANTITIES)),
        .more = (uint8_t)(1 + mr_random_below(&making->random, MORE_MAX)),
        .side = side,
        .ioc = ioc,
    };
    plan->new_price = plan->price + step;
}

/* One order, priced at the moment `at` (in messages) with the mid-price as it is then. */
static void make_order(struct making *making, double at, int32_t mid)
{
    bool ioc = percent(making, IOC);
    bool stays = !ioc && !percent(making, CANCELLED);
    plan_order(making, mid, ioc, ioc || stays);
    double arrival = at + law_exponential(&making->random, DELAY);
    double lifetime = law_exponential(&making->random, LIFETIME);
    arrive(making, arrival, WHAT_NEW);
    if (ioc)
        return;
    if (percent(making, REPLACED))
        arrive(making, arrival + law_chance(&making->random) * lifetime, WHAT_REPLACE);
    if (!stays)
        arrive(making, arrival + lifetime, WHAT_CANCEL);
}

static void make_standing(struct making *making)
{
    for (uint32_t i = 0; i < FLOW_STANDING; i++) {
        plan_order(making, MID, false, false);
        making->arrivals[making->arrival_count++] =
            (struct arrival){-1.0 - (FLOW_STANDING - i), i, WHAT_NEW};
    }
}

static int compare_arrivals(const void *left, const void *right)
{
    const struct arrival *a = left;
    const struct arrival *b = right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->plan != b->plan)
        return a->plan < b->plan ? -1 : 1;
    return (a->what > b->what) - (a->what < b->what);
}

/* -- Messages. --------------------------------------------------------------------------------- */

static union mr_book_request make_request(const struct making *making,
                                          const struct arrival *arrival)
{
    const struct plan *plan = &making->plans[arrival->plan];
    /* Ids as senders choose them: any 64 bits. */
    uint64_t order = mr_mix64(arrival->plan + UINT64_C(1));
    union mr_book_request request;
    memset(&request, 0, sizeof(request));
    switch ((enum what)arrival->what) {
    case WHAT_NEW:
        request.order_new.order = order;
        request.order_new.price = plan->price;
        request.order_new.quantity = plan->quantity;
        request.order_new.instrument = FLOW_INSTRUMENT;
        request.order_new.side = plan->side;
        request.order_new.tif = plan->ioc ? MR_BOOK_TIF_IOC : MR_BOOK_TIF_GTC;
        request.any.type = MR_BOOK_ORDER_NEW;
        break;
    case WHAT_REPLACE:
        request.order_replace.order = order;
        request.order_replace.price = plan->new_price;
        request.order_replace.quantity = (uint64_t)plan->quantity + plan->more;
        request.order_replace.instrument = FLOW_INSTRUMENT;
        request.any.type = MR_BOOK_ORDER_REPLACE;
        break;
    case WHAT_CANCEL:
        request.order_cancel.order = order;
        request.order_cancel.instrument = FLOW_INSTRUMENT;
        request.any.type = MR_BOOK_ORDER_CANCEL;
        break;
    }
    return request;
}

struct flow flow_make(enum flow_regime regime, size_t messages, uint64_t seed)
{
    struct making *making = allocate(sizeof(*making));
    memset(making, 0, sizeof(*making));
    making->regime = regime;
    mr_random_init(&making->random, seed * FLOW_REGIMES + regime);
    law_init(&making->law);

    /* Some more than needed: what comes after the last message falls off the end. */
    size_t standing = regime == FLOW_STILL ? FLOW_STANDING : 0;
    size_t orders = (size_t)((double)messages / MESSAGES_A_PLAN * 1.05) + (size_t)4 * LIFETIME;
    making->plans = allocate((orders + standing) * sizeof(*making->plans));
    making->arrivals = allocate((6 * orders + standing) * sizeof(*making->arrivals));
    if (standing > 0)
        make_standing(making);
    for (size_t i = 0; i < orders; i++) {
        double at = (double)i * MESSAGES_A_PLAN;
        make_order(making, at, walk(making, at / (double)messages));
    }
    qsort(making->arrivals, making->arrival_count, sizeof(*making->arrivals), compare_arrivals);

    struct flow flow = {.standing = standing, .count = standing + messages};
    flow.requests = flow_requests(flow.count);
    for (size_t i = 0; i < flow.count; i++)
        flow.requests[i] = make_request(making, &making->arrivals[i]);
    free(making->plans);
    free(making->arrivals);
    free(making);
    return flow;
}

void flow_free(struct flow *flow)
{
    free(flow->requests);
    *flow = (struct flow){0};
}

union mr_book_request flow_define(void)
{
    union mr_book_request request;
    memset(&request, 0, sizeof(request));
    memcpy(request.instrument_define.symbol, "BENCH", 5);
    request.instrument_define.price_min = 1;
    request.instrument_define.price_max = 1 << 20;
    request.instrument_define.quantity_max = FLOW_QUANTITY_MAX;
    request.instrument_define.instrument = FLOW_INSTRUMENT;
    request.any.type = MR_BOOK_INSTRUMENT_DEFINE;
    return request;
}
