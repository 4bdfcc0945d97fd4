/* Consumers that keep what the book holds from its reports alone: whether they would notice a
 * report that is lost, or wrong. (That they keep the right thing, the comparison with a naive book
 * shows: test_book_fuzz.c.) */
#include "tests/core/book_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 1500, WORLDS = 20, TRIALS = 30 };

/* The reports of a random history, and where those of each request begin. */
struct history {
    struct book_log log;
    uint32_t firsts[2 * STEPS + 1]; /* what expired before a step counts as one, too */
    uint32_t requests;
};

static uint64_t seed_of_test(void)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? 1 : strtoull(text, NULL, 0);
    printf("MR_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void make_history(struct history *history, uint64_t seed)
{
    struct book_world world;
    struct book_pair pair;
    struct book_step step;
    memset(history, 0, sizeof(*history));
    book_world_open(&world, seed);
    book_pair_open(&pair, &world.setting, true);
    for (uint32_t n = 0; n < STEPS; n++) {
        history->firsts[history->requests++] = history->log.count;
        book_world_step(&world, &pair.naive, &step);
        book_pair_step(&pair, &step);
        for (uint32_t i = 0; i < pair.naive_log.count; i++) {
            if (i == pair.expired && i > 0)
                history->firsts[history->requests++] = history->log.count;
            book_log_add(&history->log, &pair.naive_log.reports[i].report, 0);
        }
    }
    history->firsts[history->requests] = history->log.count;
    book_pair_close(&pair);
}

/* Views of a history, without report number `lost`. */
static void make_views(struct book_views *views, const struct history *history, uint32_t lost)
{
    book_views_open(views);
    for (uint32_t n = 0; n < history->requests; n++) {
        book_views_next(views);
        for (uint32_t i = history->firsts[n]; i < history->firsts[n + 1]; i++) {
            if (i != lost)
                book_views_report(views, &history->log.reports[i].report);
        }
    }
}

static bool is_same_queue(const struct view_queue *a, const struct view_queue *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = a->orders[i].id == b->orders[i].id && a->orders[i].price == b->orders[i].price &&
               a->orders[i].open == b->orders[i].open;
    return same;
}

static bool is_same_view(const struct book_views *a, const struct book_views *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        const struct view_instrument *one = &a->instruments[i], *other = &b->instruments[i];
        same = one->trades == other->trades && one->phase == other->phase &&
               is_same_queue(&one->queues[0], &other->queues[0]) &&
               is_same_queue(&one->queues[1], &other->queues[1]);
    }
    return same;
}

static bool changes_the_book(uint8_t type)
{
    return type == MR_BOOK_ORDER_ACCEPTED || type == MR_BOOK_TRADE ||
           type == MR_BOOK_ORDER_REPLACED || type == MR_BOOK_ORDER_CANCELLED ||
           type == MR_BOOK_ORDER_REDUCED;
}

/* A replacement that changes nothing is no loss. */
static bool says_something(const union mr_book_report *report)
{
    if (report->any.type == MR_BOOK_ORDER_REPLACED)
        return report->replaced.place == MR_BOOK_PLACE_LOST;
    return changes_the_book(report->any.type);
}

static void a_lost_report_is_noticed(void **state)
{
    (void)state;
    static struct history history;
    struct mr_random random;
    uint64_t seed = seed_of_test();
    uint32_t noticed = 0, trials = 0;
    mr_random_init(&random, seed);
    for (uint32_t world = 0; world < WORLDS; world++) {
        struct book_views whole, views;
        make_history(&history, seed + world);
        make_views(&whole, &history, UINT32_MAX);
        assert_null(whole.flaw);
        for (uint32_t i = 0; i < TRIALS; i++) {
            uint32_t lost = (uint32_t)mr_random_below(&random, history.log.count);
            if (!says_something(&history.log.reports[lost].report))
                continue;
            make_views(&views, &history, lost);
            trials++;
            noticed += views.flaw != NULL || !is_same_view(&whole, &views);
            book_views_close(&views);
        }
        book_views_close(&whole);
        free(history.log.reports);
    }
    printf("%u of %u lost reports noticed\n", noticed, trials);
    assert_true(trials > WORLDS);
    /* A move within a queue that nobody met any more may leave no trace. */
    assert_true(noticed * 100 >= trials * 90);
}

/* -- By hand. ---------------------------------------------------------------------------------- */

static bool tell(struct book_views *views, uint8_t type, union mr_book_report report)
{
    report.any.type = type;
    return book_views_report(views, &report);
}

static void open_views(struct book_views *views)
{
    book_views_open(views);
    assert_true(tell(views, MR_BOOK_INSTRUMENT_DEFINED,
                     (union mr_book_report){.instrument_defined = {.instrument = 1}}));
    assert_true(tell(views, MR_BOOK_ORDER_ACCEPTED,
                     (union mr_book_report){.accepted = {.order = 7,
                                                         .price = 10,
                                                         .quantity = 5,
                                                         .instrument = 1,
                                                         .side = MR_BOOK_SIDE_SELL}}));
    book_views_next(views);
}

static void what_is_left_of_an_incoming_order_rests(void **state)
{
    (void)state;
    struct book_views views;
    open_views(&views);
    assert_true(tell(&views, MR_BOOK_ORDER_ACCEPTED,
                     (union mr_book_report){.accepted = {.order = 8,
                                                         .price = 11,
                                                         .quantity = 9,
                                                         .instrument = 1,
                                                         .side = MR_BOOK_SIDE_BUY}}));
    assert_true(tell(&views, MR_BOOK_TRADE,
                     (union mr_book_report){.trade = {.trade = 1,
                                                      .maker = 7,
                                                      .taker = 8,
                                                      .price = 10,
                                                      .quantity = 5,
                                                      .maker_remaining = 0,
                                                      .taker_remaining = 4,
                                                      .instrument = 1,
                                                      .side = MR_BOOK_SIDE_BUY}}));
    const struct view_instrument *instrument = book_views_instrument(&views, 1);
    assert_int_equal(instrument->queues[MR_BOOK_SIDE_SELL].count, 0);
    assert_int_equal(instrument->depths[MR_BOOK_SIDE_SELL].count, 0);
    assert_int_equal(instrument->queues[MR_BOOK_SIDE_BUY].orders[0].open, 4);
    assert_int_equal(instrument->depths[MR_BOOK_SIDE_BUY].levels[0].price, 11);
    assert_int_equal(instrument->depths[MR_BOOK_SIDE_BUY].levels[0].quantity, 4);
    book_views_close(&views);
}

static void a_trade_with_an_unknown_maker_is_noticed(void **state)
{
    (void)state;
    struct book_views views;
    open_views(&views);
    assert_false(
        tell(&views, MR_BOOK_TRADE,
             (union mr_book_report){
                 .trade = {.trade = 1, .maker = 6, .price = 10, .quantity = 5, .instrument = 1}}));
    assert_non_null(views.flaw);
    book_views_close(&views);
}

static void a_wrong_top_of_book_is_noticed(void **state)
{
    (void)state;
    struct book_views views;
    open_views(&views);
    union mr_book_report top = {.top = {.ask_price = 10, .ask_quantity = 5, .instrument = 1}};
    assert_true(tell(&views, MR_BOOK_TOP_OF_BOOK, top));
    top.top.ask_quantity = 4;
    assert_false(tell(&views, MR_BOOK_TOP_OF_BOOK, top));
    book_views_close(&views);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_report_is_noticed),
        cmocka_unit_test(what_is_left_of_an_incoming_order_rests),
        cmocka_unit_test(a_trade_with_an_unknown_maker_is_noticed),
        cmocka_unit_test(a_wrong_top_of_book_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
