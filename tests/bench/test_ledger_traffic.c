/* What bench_ledger measures with: the transfers are what their header says. */
#include "bench/ledger/traffic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { ACCOUNTS = 1000000, BATCHES = 40, EVENTS = BATCHES * TRAFFIC_BATCH };

static struct traffic traffic_between(enum traffic_kind kind, uint32_t accounts, uint64_t seed)
{
    struct traffic traffic;
    assert_true(traffic_init(&traffic, kind, accounts, seed));
    return traffic;
}

static struct traffic traffic_of(enum traffic_kind kind, uint64_t seed)
{
    return traffic_between(kind, ACCOUNTS, seed);
}

static size_t batch_bytes(const struct traffic *traffic)
{
    return traffic->count * sizeof(*traffic->events);
}

static void the_same_seed_makes_the_same_transfers_and_another_others(void **state)
{
    (void)state;
    for (int kind = 0; kind < TRAFFIC_KINDS; kind++) {
        struct traffic one = traffic_of((enum traffic_kind)kind, 1);
        struct traffic same = traffic_of((enum traffic_kind)kind, 1);
        struct traffic other = traffic_of((enum traffic_kind)kind, 2);
        for (int i = 0; i < 3; i++) {
            traffic_next(&one);
            traffic_next(&same);
            traffic_next(&other);
            assert_int_equal(one.count, TRAFFIC_BATCH);
            assert_memory_equal(one.events, same.events, batch_bytes(&one));
            assert_memory_not_equal(one.events, other.events, batch_bytes(&one));
        }
        traffic_free(&one);
        traffic_free(&same);
        traffic_free(&other);
    }
}

static void ids_rise_from_batch_to_batch(void **state)
{
    (void)state;
    struct traffic traffic = traffic_of(TRAFFIC_UNIFORM, 1);
    uint64_t before_ms = 0;
    for (int i = 0; i < BATCHES; i++) {
        traffic_next(&traffic);
        uint64_t time_ms = traffic.time_ns / 1000000;
        assert_true(time_ms > before_ms);
        before_ms = time_ms;
        for (uint32_t k = 0; k < traffic.count; k++)
            assert_int_equal(mr_ledger_id_time_ms(traffic.events[k].id), time_ms);
    }
    traffic_free(&traffic);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left < right) - (left > right);
}

/* How often each account is picked, most often first. */
static uint32_t *picks_of(enum traffic_kind kind, uint32_t accounts)
{
    uint32_t *picks = calloc(accounts, sizeof(*picks));
    assert_non_null(picks);
    struct traffic traffic = traffic_between(kind, accounts, 1);
    for (int i = 0; i < BATCHES; i++) {
        traffic_next(&traffic);
        for (uint32_t k = 0; k < traffic.count; k++) {
            picks[traffic.debits[k]]++;
            picks[traffic.credits[k]]++;
        }
    }
    traffic_free(&traffic);
    qsort(picks, accounts, sizeof(*picks), compare);
    return picks;
}

static uint64_t percent_of_first(const uint32_t *picks, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += picks[i];
    return sum * 100 / (2 * EVENTS);
}

static void uniform_traffic_prefers_nobody(void **state)
{
    (void)state;
    uint32_t *picks = picks_of(TRAFFIC_UNIFORM, ACCOUNTS);
    assert_true(picks[0] < 12);
    free(picks);
}

/* The share of the first k of n is (k^0.01 - 1) / (n^0.01 - 1), nearly. With a million accounts no
 * run is long enough to see how often each is picked. */
static void skewed_traffic_follows_its_law(void **state)
{
    (void)state;
    uint32_t *few = picks_of(TRAFFIC_SKEWED, 10000);
    assert_in_range(percent_of_first(few, 2000), 81, 83);
    assert_in_range(percent_of_first(few, 1), 6, 7);
    free(few);
    uint32_t *many = picks_of(TRAFFIC_SKEWED, ACCOUNTS);
    assert_in_range(percent_of_first(many, 1), 4, 5);
    free(many);
}

struct count {
    uint64_t pending, expiring, post, partial, void_, plain;
};

static void count_event(struct count *count, const struct mr_ledger_transfer *event)
{
    count->pending += event->flags == MR_LEDGER_PENDING;
    count->expiring += event->timeout == TRAFFIC_TIMEOUT_S;
    count->post += event->flags == MR_LEDGER_POST;
    count->partial += event->flags == MR_LEDGER_POST && !mr_u128_is_max(event->amount);
    count->void_ += event->flags == MR_LEDGER_VOID;
    count->plain += event->flags == 0;
}

static void two_phase_traffic_has_the_shares_that_it_says(void **state)
{
    (void)state;
    struct count count = {0};
    struct traffic traffic = traffic_of(TRAFFIC_TWO_PHASE, 1);
    for (int i = 0; i < 2 * BATCHES; i++) {
        traffic_next(&traffic);
        for (uint32_t k = 0; k < traffic.count && i >= BATCHES; k++)
            count_event(&count, &traffic.events[k]);
    }
    assert_in_range(count.pending * 1000 / EVENTS, 490, 510);
    assert_in_range(count.expiring * 1000 / EVENTS, 9, 11);
    assert_in_range(count.post * 1000 / EVENTS, 430, 450);
    assert_in_range(count.partial * 1000 / count.post, 120, 130);
    assert_in_range(count.void_ * 1000 / EVENTS, 45, 55);
    assert_in_range(count.plain * 1000 / EVENTS, 9, 11);
    traffic_free(&traffic);
}

static void no_chain_is_open_at_the_end_of_a_batch_or_longer_than_eight(void **state)
{
    (void)state;
    struct traffic traffic = traffic_of(TRAFFIC_CHAINS, 1);
    uint64_t failed = 0;
    for (int i = 0; i < BATCHES; i++) {
        traffic_next(&traffic);
        uint32_t length = 1;
        for (uint32_t k = 0; k < traffic.count; k++) {
            bool linked = traffic.events[k].flags == MR_LEDGER_LINKED;
            length = linked ? length + 1 : 1;
            assert_true(length <= 8);
        }
        assert_int_equal(traffic.events[traffic.count - 1].flags, 0);
        failed += traffic.count - traffic.created;
    }
    assert_in_range(failed * 1000 / EVENTS, 7, 13);
    traffic_free(&traffic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_transfers_and_another_others),
        cmocka_unit_test(ids_rise_from_batch_to_batch),
        cmocka_unit_test(uniform_traffic_prefers_nobody),
        cmocka_unit_test(skewed_traffic_follows_its_law),
        cmocka_unit_test(two_phase_traffic_has_the_shares_that_it_says),
        cmocka_unit_test(no_chain_is_open_at_the_end_of_a_batch_or_longer_than_eight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
