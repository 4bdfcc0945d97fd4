/* What bench_book measures with: the flow is what its header says, and a digest of reports misses
 * nothing. */
#include "bench/book/flow.h"
#include "bench/book/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 50000, MID = 33504 };

static size_t measured_bytes(const struct flow *flow)
{
    return flow->count * sizeof(*flow->requests);
}

static void the_same_seed_makes_the_same_messages_and_another_others(void **state)
{
    (void)state;
    for (int regime = 0; regime < FLOW_REGIMES; regime++) {
        struct flow one = flow_make((enum flow_regime)regime, MESSAGES, 1);
        struct flow same = flow_make((enum flow_regime)regime, MESSAGES, 1);
        struct flow other = flow_make((enum flow_regime)regime, MESSAGES, 2);
        assert_int_equal(one.count, same.count);
        assert_memory_equal(one.requests, same.requests, measured_bytes(&one));
        assert_int_equal(one.count, other.count);
        assert_memory_not_equal(one.requests, other.requests, measured_bytes(&one));
        flow_free(&one);
        flow_free(&same);
        flow_free(&other);
    }
}

/* Of the measured messages. */
struct count {
    uint64_t new, ioc, cancel, replace;
    int64_t price_min, price_max;
};

static void count_new(struct count *count, const struct mr_book_order_new *order)
{
    assert_true(order->quantity >= 1 && order->quantity <= 100);
    assert_int_equal(order->instrument, FLOW_INSTRUMENT);
    assert_true(order->price >= 1);
    count->new ++;
    count->ioc += order->tif == MR_BOOK_TIF_IOC;
    count->price_min = order->price < count->price_min ? order->price : count->price_min;
    count->price_max = order->price > count->price_max ? order->price : count->price_max;
}

static struct count count_flow(const struct flow *flow)
{
    struct count count = {.price_min = INT64_MAX};
    for (size_t i = flow->standing; i < flow->count; i++) {
        const union mr_book_request *request = &flow->requests[i];
        if (request->any.type == MR_BOOK_ORDER_NEW)
            count_new(&count, &request->order_new);
        else if (request->any.type == MR_BOOK_ORDER_REPLACE)
            count.replace++;
        else if (request->any.type == MR_BOOK_ORDER_CANCEL)
            count.cancel++;
        else
            fail();
    }
    return count;
}

static bool near(uint64_t part, uint64_t whole, double share, double tolerance)
{
    double is = (double)part / (double)whole;
    return is > share - tolerance && is < share + tolerance;
}

/* In a run this short, the orders that live at its end have not been cancelled yet. */
static void the_shares_of_the_messages_are_as_promised(void **state)
{
    (void)state;
    for (int regime = 0; regime < FLOW_REGIMES; regime++) {
        struct flow flow = flow_make((enum flow_regime)regime, MESSAGES, 1);
        struct count count = count_flow(&flow);
        assert_int_equal(flow.standing, regime == FLOW_STILL ? FLOW_STANDING : 0);
        assert_int_equal(flow.count - flow.standing, MESSAGES);
        uint64_t resting = count.new - count.ioc;
        assert_true(near(count.ioc, count.new, 0.15, 0.01));
        assert_true(near(count.replace, resting, 0.20, 0.03));
        assert_true(near(count.cancel, resting, 0.80, 0.15));
        flow_free(&flow);
    }
}

static void the_price_travels_as_far_as_the_regime_says(void **state)
{
    (void)state;
    static const struct {
        double least, most; /* of the mid-price, as parts of where it begins */
    } travels[FLOW_REGIMES] = {{1, 1}, {1, 1.02}, {0.75, 1.25}, {0.6, 1.4}, {0.4, 1}};
    for (int regime = 0; regime < FLOW_REGIMES; regime++) {
        struct flow flow = flow_make((enum flow_regime)regime, MESSAGES, 1);
        struct count count = count_flow(&flow);
        /* Orders lie up to 4,096 ticks to either side of it, most of them within some dozen. */
        assert_true((double)count.price_min < MID * travels[regime].least + 100);
        assert_true((double)count.price_max > MID * travels[regime].most - 100);
        assert_true((double)count.price_min > MID * travels[regime].least - 4500);
        assert_true((double)count.price_max < MID * travels[regime].most + 4500);
        flow_free(&flow);
    }
}

static union mr_book_report make_report(uint64_t number)
{
    union mr_book_report report;
    memset(&report, 0, sizeof(report));
    report.trade.trade = number;
    report.any.type = MR_BOOK_TRADE;
    return report;
}

static void a_digest_knows_every_bit_of_a_report(void **state)
{
    (void)state;
    union mr_book_report report = make_report(1);
    uint64_t whole = outcome_add(1, &report);
    for (size_t bit = 0; bit < 8 * sizeof(report); bit++) {
        unsigned char bytes[sizeof(report)];
        memcpy(bytes, &report, sizeof(report));
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        union mr_book_report flipped;
        memcpy(&flipped, bytes, sizeof(flipped));
        assert_true(outcome_add(1, &flipped) != whole);
    }
}

static void a_digest_knows_the_order_of_reports(void **state)
{
    (void)state;
    union mr_book_report first = make_report(1);
    union mr_book_report second = make_report(2);
    assert_true(outcome_add(outcome_add(1, &first), &second) !=
                outcome_add(outcome_add(1, &second), &first));
}

static void a_tail_is_of_the_last_reports_that_the_buffer_holds(void **state)
{
    (void)state;
    union mr_book_report reports[4];
    struct mr_book_turn turn = {.reports = reports, .mask = 3};
    for (; turn.next < 10; turn.next++)
        reports[turn.next & turn.mask] = make_report(turn.next);
    uint64_t wanted = 1;
    for (uint64_t number = 6; number < 10; number++) {
        union mr_book_report report = make_report(number);
        wanted = outcome_add(wanted, &report);
    }
    assert_true(outcome_tail(&turn) == wanted);
}

static void outcomes_differ_if_anything_does(void **state)
{
    (void)state;
    const struct outcome wanted = {1, 2, 3, 4, 5};
    const struct outcome others[] = {
        {9, 2, 3, 4, 5}, {1, 9, 3, 4, 5}, {1, 2, 9, 4, 5}, {1, 2, 3, 9, 5}, {1, 2, 3, 4, 9}};
    const struct outcome undigested = {1, 0, 3, 4, 5};
    assert_true(outcome_equal("a test", &wanted, &wanted));
    assert_true(outcome_equal("a test", &wanted, &undigested));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(outcome_equal("a test (this is as it should be)", &wanted, &others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_messages_and_another_others),
        cmocka_unit_test(the_shares_of_the_messages_are_as_promised),
        cmocka_unit_test(the_price_travels_as_far_as_the_regime_says),
        cmocka_unit_test(a_digest_knows_every_bit_of_a_report),
        cmocka_unit_test(a_digest_knows_the_order_of_reports),
        cmocka_unit_test(a_tail_is_of_the_last_reports_that_the_buffer_holds),
        cmocka_unit_test(outcomes_differ_if_anything_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
