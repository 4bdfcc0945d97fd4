/* The producers' side of the ring, in one thread: what fits, what is refused, what becomes visible.
 */
#include <millrace/disruptor.h>

#include "base/random.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED_DEFAULT UINT64_C(20240607)

static uint64_t seed(void)
{
    const char *text = getenv("MR_SEED");
    return text == NULL ? SEED_DEFAULT : strtoull(text, NULL, 10);
}

static struct mr_ring_options options_of(uint64_t capacity, enum mr_producers producers)
{
    return (struct mr_ring_options){
        .capacity = capacity, .slot_size = sizeof(uint64_t), .producers = producers};
}

/* A ring with memory of its own. */
struct fixture {
    struct mr_ring ring;
    struct mr_consumer consumer;
    void *memory;
};

static void fixture_open(struct fixture *fixture, struct mr_ring_options options)
{
    options.memory = aligned_alloc(MR_RING_PADDING, mr_ring_memory_size(&options));
    fixture->memory = options.memory;
    assert_int_equal(mr_ring_init(&fixture->ring, &options, NULL), MR_OK);
    assert_int_equal(mr_ring_consumer_add(&fixture->ring, &fixture->consumer, NULL, 0, NULL),
                     MR_OK);
}

static void fixture_close(struct fixture *fixture)
{
    free(fixture->memory);
}

static void produce(struct mr_ring *ring, uint32_t count)
{
    uint64_t first;
    assert_true(mr_ring_try_claim(ring, count, &first));
    mr_ring_publish(ring, first, count);
}

/* -- Options. ---------------------------------------------------------------------------------- */

static void bad_options_are_refused_and_leave_the_ring_untouched(void **state)
{
    (void)state;
    static alignas(MR_RING_PADDING) unsigned char memory[1024];
    static struct mr_ring ring;
    const struct mr_ring_options good = {.capacity = 8, .slot_size = 8, .memory = memory};
    struct mr_ring_options bad[8];
    for (size_t i = 0; i < 8; i++)
        bad[i] = good;
    bad[0].capacity = 0;
    bad[1].capacity = 12;
    bad[2].capacity = UINT64_C(1) << 31;
    bad[3].slot_size = 0;
    bad[4].producers = (enum mr_producers)2;
    bad[5].wait = (enum mr_wait_kind)3;
    bad[6].memory = NULL;
    bad[7].memory = memory + 64;

    memset(&ring, 0x5a, sizeof ring);
    for (size_t i = 0; i < 8; i++) {
        struct mr_error error = {0};
        assert_int_equal(mr_ring_init(&ring, &bad[i], &error), MR_E_INVALID);
        assert_int_equal(error.code, MR_E_INVALID);
        assert_true(strlen(error.text) > 0);
        assert_int_equal(((unsigned char *)&ring)[0], 0x5a);
    }
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(mr_ring_memory_size(&bad[i]), 0);
    assert_int_equal(mr_ring_init(&ring, &good, NULL), MR_OK);
}

static void slots_are_packed_and_inside_the_memory(void **state)
{
    (void)state;
    struct mr_ring_options options = {
        .capacity = 16, .slot_size = 24, .producers = MR_PRODUCER_MULTI};
    struct fixture fixture;
    fixture_open(&fixture, options);
    unsigned char *memory = fixture.memory;
    for (uint64_t p = 0; p < 16; p++)
        assert_ptr_equal(mr_ring_slot(&fixture.ring, p), memory + 24 * p);
    assert_ptr_equal(mr_ring_slot(&fixture.ring, 16 * 5 + 3), memory + 24 * 3);
    uintptr_t marks = (uintptr_t)fixture.ring.marks;
    assert_true(marks >= (uintptr_t)memory + 24 * 16);
    assert_true(marks + 16 * sizeof(uint32_t) <= (uintptr_t)memory + mr_ring_memory_size(&options));
    fixture_close(&fixture);
}

static void the_largest_capacity_is_accepted(void **state)
{
    (void)state;
    struct mr_ring_options options = options_of(MR_RING_CAPACITY_MAX, MR_PRODUCER_SINGLE);
    assert_int_equal(mr_ring_memory_size(&options), UINT64_C(8) << 30);
    options.producers = MR_PRODUCER_MULTI;
    assert_int_equal(mr_ring_memory_size(&options), UINT64_C(12) << 30);
}

/* -- Claims. ----------------------------------------------------------------------------------- */

static void a_full_ring_refuses_and_abandons_nothing(void **state)
{
    (void)state;
    for (int p = MR_PRODUCER_SINGLE; p <= (int)MR_PRODUCER_MULTI; p++) {
        struct fixture fixture;
        fixture_open(&fixture, options_of(8, (enum mr_producers)p));
        uint64_t first = 99;
        produce(&fixture.ring, 5);
        assert_false(mr_ring_try_claim(&fixture.ring, 4, &first));
        assert_int_equal(first, 99);
        assert_true(mr_ring_try_claim(&fixture.ring, 3, &first));
        assert_int_equal(first, 5);
        mr_ring_publish(&fixture.ring, first, 3);
        assert_false(mr_ring_try_claim(&fixture.ring, 1, &first));

        assert_int_equal(mr_consumer_available(&fixture.consumer), 8);
        mr_consumer_release(&fixture.consumer, 1);
        assert_true(mr_ring_try_claim(&fixture.ring, 1, &first));
        assert_int_equal(first, 8);
        assert_false(mr_ring_try_claim(&fixture.ring, 1, &first));
        fixture_close(&fixture);
    }
}

static void a_ring_without_consumers_fills_once(void **state)
{
    (void)state;
    static struct mr_ring ring;
    static alignas(MR_RING_PADDING) unsigned char memory[256];
    struct mr_ring_options options = options_of(4, MR_PRODUCER_SINGLE);
    options.memory = memory;
    uint64_t first;
    assert_int_equal(mr_ring_init(&ring, &options, NULL), MR_OK);
    produce(&ring, 4);
    assert_false(mr_ring_try_claim(&ring, 1, &first));
}

static void a_halted_ring_refuses_to_wait_but_still_takes_what_fits(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, options_of(2, MR_PRODUCER_MULTI));
    uint64_t first;
    mr_ring_halt(&fixture.ring);
    assert_true(mr_ring_halted(&fixture.ring));
    assert_true(mr_ring_claim(&fixture.ring, 2, &first));
    mr_ring_publish(&fixture.ring, first, 2);
    assert_false(mr_ring_claim(&fixture.ring, 1, &first));
    fixture_close(&fixture);
}

/* -- Publication. ------------------------------------------------------------------------------ */

static void a_gap_hides_what_is_published_behind_it(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, options_of(8, MR_PRODUCER_MULTI));
    uint64_t a;
    uint64_t b;
    assert_true(mr_ring_try_claim(&fixture.ring, 2, &a));
    assert_true(mr_ring_try_claim(&fixture.ring, 3, &b));
    mr_ring_publish(&fixture.ring, b, 3);
    assert_int_equal(mr_ring_cursor(&fixture.ring), 0);
    assert_int_equal(mr_consumer_available(&fixture.consumer), 0);
    mr_ring_publish(&fixture.ring, a + 1, 1);
    assert_int_equal(mr_ring_cursor(&fixture.ring), 0);
    mr_ring_publish(&fixture.ring, a, 1);
    assert_int_equal(mr_ring_cursor(&fixture.ring), 5);
    assert_int_equal(mr_consumer_available(&fixture.consumer), 5);
    fixture_close(&fixture);
}

static void a_single_producer_may_publish_a_claim_in_parts(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, options_of(8, MR_PRODUCER_SINGLE));
    uint64_t first;
    assert_true(mr_ring_try_claim(&fixture.ring, 5, &first));
    mr_ring_publish(&fixture.ring, first, 2);
    assert_int_equal(mr_ring_cursor(&fixture.ring), 2);
    mr_ring_publish(&fixture.ring, first + 2, 3);
    assert_int_equal(mr_ring_cursor(&fixture.ring), 5);
    fixture_close(&fixture);
}

static void slowest_follows_the_consumer_that_lags(void **state)
{
    (void)state;
    struct fixture fixture;
    struct mr_consumer second;
    fixture_open(&fixture, options_of(8, MR_PRODUCER_SINGLE));
    assert_int_equal(mr_ring_consumer_add(&fixture.ring, &second, NULL, 0, NULL), MR_OK);
    produce(&fixture.ring, 6);
    mr_consumer_available(&fixture.consumer);
    mr_consumer_available(&second);
    mr_consumer_release(&fixture.consumer, 6);
    assert_int_equal(mr_ring_slowest(&fixture.ring), 0);
    mr_consumer_release(&second, 4);
    assert_int_equal(mr_ring_slowest(&fixture.ring), 4);
    fixture_close(&fixture);
}

/* -- Against a naive model. -------------------------------------------------------------------- */

/* What a ring is, without any cleverness: which positions are claimed and published, and how far a
 * consumer and another one after it are. */
struct model {
    uint64_t capacity;
    uint64_t first;
    uint64_t claimed;
    bool published[1 << 16];
    uint64_t front;
    uint64_t back;
};

#define BEFORE_ROUND_WRAP UINT64_MAX /* stands for a first position that depends on capacity */

struct claim {
    uint64_t first;
    uint32_t count;
};

struct trial {
    struct mr_random random;
    struct fixture fixture;
    struct mr_consumer last;
    struct model model;
    struct claim open[64]; /* claimed, not published */
    uint32_t open_count;
};

static uint64_t model_cursor(const struct model *model)
{
    uint64_t cursor = model->first;
    while (cursor != model->claimed && model->published[cursor - model->first])
        cursor++;
    return cursor;
}

static void trial_claim(struct trial *trial)
{
    struct model *model = &trial->model;
    uint32_t count = 1 + (uint32_t)mr_random_below(&trial->random, model->capacity);
    uint64_t first;
    if (trial->open_count == 64)
        return;
    bool fits = model->claimed + count - model->back <= model->capacity;
    assert_int_equal(mr_ring_try_claim(&trial->fixture.ring, count, &first), fits);
    if (!fits)
        return;
    assert_int_equal(first, model->claimed);
    for (uint32_t i = 0; i < count; i++)
        *(uint64_t *)mr_ring_slot(&trial->fixture.ring, first + i) = first + i;
    model->claimed += count;
    trial->open[trial->open_count++] = (struct claim){first, count};
}

/* Publishes all of an open claim or its first part. A single producer must keep the order. */
static void trial_publish(struct trial *trial)
{
    struct model *model = &trial->model;
    if (trial->open_count == 0)
        return;
    bool multi = trial->fixture.ring.marks != NULL;
    uint32_t index = multi ? (uint32_t)mr_random_below(&trial->random, trial->open_count) : 0;
    struct claim *claim = &trial->open[index];
    uint32_t part = 1 + (uint32_t)mr_random_below(&trial->random, claim->count);
    mr_ring_publish(&trial->fixture.ring, claim->first, part);
    for (uint32_t i = 0; i < part; i++)
        model->published[claim->first + i - model->first] = true;
    claim->first += part;
    claim->count -= part;
    if (claim->count == 0) {
        trial->open_count--;
        memmove(claim, claim + 1, (trial->open_count - index) * sizeof *claim);
    }
}

/* A consumer that can go up to `limit` moves on by some; returns where it is then. */
static uint64_t trial_consume(struct trial *trial, struct mr_consumer *consumer, uint64_t position,
                              uint64_t limit)
{
    assert_int_equal(mr_consumer_position(consumer), position);
    uint64_t available = mr_consumer_available(consumer);
    assert_int_equal(available == position, limit == position);
    assert_true(available - position <= limit - position);
    uint64_t count = mr_random_below(&trial->random, available - position + 1);
    for (uint64_t p = position; p != position + count; p++)
        assert_int_equal(*(uint64_t *)mr_ring_slot(&trial->fixture.ring, p), p);
    mr_consumer_release(consumer, position + count);
    return position + count;
}

static void trial_run(uint64_t trial_seed, enum mr_producers producers, uint64_t first)
{
    static struct trial trial;
    memset(&trial, 0, sizeof trial);
    mr_random_init(&trial.random, trial_seed);
    struct model *model = &trial.model;
    struct mr_ring_options options =
        options_of(UINT64_C(1) << mr_random_below(&trial.random, 7), producers);
    if (first == BEFORE_ROUND_WRAP)
        first = (options.capacity << 32) - 100;
    options.first_position = first;
    options.wait = MR_WAIT_PARK;
    fixture_open(&trial.fixture, options);
    struct mr_consumer *const after[] = {&trial.fixture.consumer};
    assert_int_equal(mr_ring_consumer_add(&trial.fixture.ring, &trial.last, after, 1, NULL), MR_OK);
    model->capacity = options.capacity;
    model->first = model->claimed = model->front = model->back = first;

    for (int step = 0; step < 2000; step++) {
        switch (mr_random_below(&trial.random, 4)) {
        case 0:
            trial_claim(&trial);
            break;
        case 1:
            trial_publish(&trial);
            break;
        case 2:
            model->front =
                trial_consume(&trial, &trial.fixture.consumer, model->front, model_cursor(model));
            break;
        default:
            model->back = trial_consume(&trial, &trial.last, model->back, model->front);
            break;
        }
        assert_int_equal(mr_ring_cursor(&trial.fixture.ring), model_cursor(model));
        assert_int_equal(mr_ring_slowest(&trial.fixture.ring), model->back);
    }
    fixture_close(&trial.fixture);
}

static void random_operations_agree_with_a_naive_model_also_across_wraps(void **state)
{
    (void)state;
    /* Before the places where 32 bits, the sign, the position and the marks' rounds wrap. */
    const uint64_t firsts[] = {0,
                               12345,
                               (UINT64_C(1) << 32) - 100,
                               (UINT64_C(1) << 63) - 100,
                               UINT64_C(0) - 100,
                               BEFORE_ROUND_WRAP};
    uint64_t base = seed();
    printf("MR_SEED=%" PRIu64 "\n", base);
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        for (uint64_t n = 0; n < 8; n++)
            for (int p = MR_PRODUCER_SINGLE; p <= (int)MR_PRODUCER_MULTI; p++)
                trial_run(base + n, (enum mr_producers)p, firsts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_options_are_refused_and_leave_the_ring_untouched),
        cmocka_unit_test(slots_are_packed_and_inside_the_memory),
        cmocka_unit_test(the_largest_capacity_is_accepted),
        cmocka_unit_test(a_full_ring_refuses_and_abandons_nothing),
        cmocka_unit_test(a_ring_without_consumers_fills_once),
        cmocka_unit_test(a_halted_ring_refuses_to_wait_but_still_takes_what_fits),
        cmocka_unit_test(a_gap_hides_what_is_published_behind_it),
        cmocka_unit_test(a_single_producer_may_publish_a_claim_in_parts),
        cmocka_unit_test(slowest_follows_the_consumer_that_lags),
        cmocka_unit_test(random_operations_agree_with_a_naive_model_also_across_wraps),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
