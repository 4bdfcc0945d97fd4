/* The consumers' side of the ring: dependencies, cached gating, waiting, halting, alerting. */
#include <millrace/disruptor.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CAPACITY = 8 };

struct fixture {
    struct mr_ring ring;
    struct mr_consumer consumers[MR_CONSUMER_AFTER_MAX + 2];
    alignas(MR_RING_PADDING) unsigned char memory[1024];
};

static struct fixture fixture;

static void fixture_init(enum mr_producers producers, enum mr_wait_kind wait)
{
    struct mr_ring_options options = {.capacity = CAPACITY,
                                      .slot_size = 8,
                                      .producers = producers,
                                      .wait = wait,
                                      .memory = fixture.memory};
    assert_true(mr_ring_memory_size(&options) <= sizeof fixture.memory);
    assert_int_equal(mr_ring_init(&fixture.ring, &options, NULL), MR_OK);
}

/* Adds consumer `index` after those whose bits are set in `after`. */
static void add(uint32_t index, uint32_t after)
{
    struct mr_consumer *others[32] = {NULL};
    uint32_t count = 0;
    for (uint32_t i = 0; i < index; i++)
        if ((after >> i & 1) != 0)
            others[count++] = &fixture.consumers[i];
    assert_int_equal(
        mr_ring_consumer_add(&fixture.ring, &fixture.consumers[index], others, count, NULL), MR_OK);
}

static void produce(uint32_t count)
{
    uint64_t first;
    assert_true(mr_ring_try_claim(&fixture.ring, count, &first));
    mr_ring_publish(&fixture.ring, first, count);
}

static void handle(uint32_t index, uint64_t next)
{
    assert_true(mr_consumer_available(&fixture.consumers[index]) >= next);
    mr_consumer_release(&fixture.consumers[index], next);
}

static uint64_t available(uint32_t index)
{
    return mr_consumer_available(&fixture.consumers[index]);
}

/* -- Adding. ----------------------------------------------------------------------------------- */

static void a_consumer_is_refused_once_something_is_claimed(void **state)
{
    (void)state;
    struct mr_error error = {0};
    fixture_init(MR_PRODUCER_SINGLE, MR_WAIT_SPIN);
    add(0, 0);
    produce(1);
    assert_int_equal(mr_ring_consumer_add(&fixture.ring, &fixture.consumers[1], NULL, 0, &error),
                     MR_E_INVALID);
    assert_int_equal(error.code, MR_E_INVALID);
}

static void a_consumer_cannot_come_after_itself_or_a_stranger(void **state)
{
    (void)state;
    static struct mr_ring other_ring;
    static struct mr_consumer stranger;
    static alignas(MR_RING_PADDING) unsigned char memory[MR_RING_PADDING];
    struct mr_ring_options options = {.capacity = 1, .slot_size = 1, .memory = memory};
    assert_int_equal(mr_ring_init(&other_ring, &options, NULL), MR_OK);
    assert_int_equal(mr_ring_consumer_add(&other_ring, &stranger, NULL, 0, NULL), MR_OK);

    fixture_init(MR_PRODUCER_SINGLE, MR_WAIT_SPIN);
    struct mr_consumer *self[] = {&fixture.consumers[0]};
    struct mr_consumer *strange[] = {&stranger};
    assert_int_equal(mr_ring_consumer_add(&fixture.ring, &fixture.consumers[0], self, 1, NULL),
                     MR_E_INVALID);
    assert_int_equal(mr_ring_consumer_add(&fixture.ring, &fixture.consumers[0], strange, 1, NULL),
                     MR_E_INVALID);
    assert_null(fixture.ring.gating);
}

static void more_dependencies_than_the_limit_are_refused(void **state)
{
    (void)state;
    struct mr_consumer *others[MR_CONSUMER_AFTER_MAX + 1];
    fixture_init(MR_PRODUCER_SINGLE, MR_WAIT_SPIN);
    for (uint32_t i = 0; i <= MR_CONSUMER_AFTER_MAX; i++) {
        add(i, 0);
        others[i] = &fixture.consumers[i];
    }
    struct mr_consumer *last = &fixture.consumers[MR_CONSUMER_AFTER_MAX + 1];
    assert_int_equal(
        mr_ring_consumer_add(&fixture.ring, last, others, MR_CONSUMER_AFTER_MAX + 1, NULL),
        MR_E_LIMIT);
    assert_int_equal(mr_ring_consumer_add(&fixture.ring, last, others, MR_CONSUMER_AFTER_MAX, NULL),
                     MR_OK);
}

static void producers_watch_only_consumers_that_nobody_follows(void **state)
{
    (void)state;
    fixture_init(MR_PRODUCER_SINGLE, MR_WAIT_SPIN);
    add(0, 0);
    add(1, 1U << 0);
    add(2, 1U << 0);
    add(3, 1U << 1 | 1U << 2);
    assert_ptr_equal(fixture.ring.gating, &fixture.consumers[3]);
    assert_null(fixture.consumers[3].gating_next);
}

/* -- Dependencies. ----------------------------------------------------------------------------- */

static void a_consumer_sees_nothing_before_its_dependencies_release(void **state)
{
    (void)state;
    /* A diamond: 0, then 1 and 2, then 3. */
    for (int p = MR_PRODUCER_SINGLE; p <= (int)MR_PRODUCER_MULTI; p++) {
        fixture_init((enum mr_producers)p, MR_WAIT_SPIN);
        add(0, 0);
        add(1, 1U << 0);
        add(2, 1U << 0);
        add(3, 1U << 1 | 1U << 2);
        produce(6);
        assert_int_equal(available(1), 0);
        handle(0, 5);
        assert_int_equal(available(1), 5);
        assert_int_equal(available(2), 5);
        assert_int_equal(available(3), 0);
        handle(1, 4);
        assert_int_equal(available(3), 0);
        handle(2, 2);
        assert_int_equal(available(3), 2);
        handle(2, 5);
        handle(3, 2);
        assert_int_equal(available(3), 4);
    }
}

static void what_is_available_is_looked_up_again_only_when_used_up(void **state)
{
    (void)state;
    fixture_init(MR_PRODUCER_SINGLE, MR_WAIT_SPIN);
    add(0, 0);
    produce(2);
    assert_int_equal(available(0), 2);
    produce(2);
    handle(0, 1);
    assert_int_equal(available(0), 2);
    handle(0, 2);
    assert_int_equal(available(0), 4);
}

static void one_look_through_the_marks_is_bounded_but_never_empty(void **state)
{
    (void)state;
    enum { LARGE = 4096 };
    static struct mr_ring ring;
    static struct mr_consumer consumer;
    struct mr_ring_options options = {
        .capacity = LARGE, .slot_size = 1, .producers = MR_PRODUCER_MULTI};
    options.memory = aligned_alloc(MR_RING_PADDING, mr_ring_memory_size(&options));
    assert_int_equal(mr_ring_init(&ring, &options, NULL), MR_OK);
    assert_int_equal(mr_ring_consumer_add(&ring, &consumer, NULL, 0, NULL), MR_OK);
    uint64_t first;
    assert_true(mr_ring_try_claim(&ring, LARGE, &first));
    mr_ring_publish(&ring, first, LARGE);

    uint64_t looks = 0;
    for (uint64_t next = 0; next != LARGE; looks++) {
        uint64_t more = mr_consumer_available(&consumer);
        assert_true(more > next);
        mr_consumer_release(&consumer, more);
        next = more;
    }
    assert_true(looks > 1);
    free(options.memory);
}

/* -- Waiting. ---------------------------------------------------------------------------------- */

static void an_alerted_wait_returns_and_a_cleared_alert_is_forgotten(void **state)
{
    (void)state;
    fixture_init(MR_PRODUCER_SINGLE, MR_WAIT_PARK);
    add(0, 0);
    struct mr_consumer *consumer = &fixture.consumers[0];
    mr_consumer_alert(consumer);
    assert_true(mr_consumer_alerted(consumer));
    assert_int_equal(mr_consumer_wait(consumer), 0);
    mr_consumer_alert_clear(consumer);
    assert_false(mr_consumer_alerted(consumer));
    produce(3);
    assert_int_equal(mr_consumer_wait(consumer), 3);
}

static void after_a_halt_a_wait_still_gives_what_was_published(void **state)
{
    (void)state;
    fixture_init(MR_PRODUCER_SINGLE, MR_WAIT_SPIN);
    add(0, 0);
    produce(3);
    mr_ring_halt(&fixture.ring);
    assert_int_equal(mr_consumer_wait(&fixture.consumers[0]), 3);
    handle(0, 3);
    assert_int_equal(mr_consumer_wait(&fixture.consumers[0]), 3);
}

static void *publish_and_halt(void *argument)
{
    (void)argument;
    produce(1);
    mr_ring_halt(&fixture.ring);
    return NULL;
}

static void what_is_published_right_before_a_halt_is_not_missed(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        pthread_t thread;
        fixture_init(MR_PRODUCER_SINGLE, MR_WAIT_YIELD);
        add(0, 0);
        assert_int_equal(pthread_create(&thread, NULL, publish_and_halt, NULL), 0);
        assert_int_equal(mr_consumer_wait(&fixture.consumers[0]), 1);
        pthread_join(thread, NULL);
    }
}

static void *wait_for_nothing(void *argument)
{
    struct mr_consumer *consumer = argument;
    if (mr_consumer_wait(consumer) != mr_consumer_position(consumer))
        abort();
    return NULL;
}

static void *claim_in_vain(void *argument)
{
    uint64_t first;
    (void)argument;
    if (mr_ring_claim(&fixture.ring, 1, &first))
        abort();
    return NULL;
}

static void a_halt_ends_the_wait_of_consumers_and_producers(void **state)
{
    (void)state;
    for (int w = MR_WAIT_SPIN; w <= (int)MR_WAIT_PARK; w++) {
        pthread_t threads[2];
        fixture_init(MR_PRODUCER_SINGLE, (enum mr_wait_kind)w);
        add(0, 0);
        add(1, 1U << 0);
        produce(CAPACITY);
        assert_int_equal(pthread_create(&threads[0], NULL, wait_for_nothing, &fixture.consumers[1]),
                         0);
        assert_int_equal(pthread_create(&threads[1], NULL, claim_in_vain, NULL), 0);
        mr_ring_halt(&fixture.ring);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
    }
}

static void an_alert_ends_the_wait_of_its_consumer(void **state)
{
    (void)state;
    for (int w = MR_WAIT_SPIN; w <= (int)MR_WAIT_PARK; w++) {
        pthread_t thread;
        fixture_init(MR_PRODUCER_MULTI, (enum mr_wait_kind)w);
        add(0, 0);
        assert_int_equal(pthread_create(&thread, NULL, wait_for_nothing, &fixture.consumers[0]), 0);
        mr_consumer_alert(&fixture.consumers[0]);
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consumer_is_refused_once_something_is_claimed),
        cmocka_unit_test(a_consumer_cannot_come_after_itself_or_a_stranger),
        cmocka_unit_test(more_dependencies_than_the_limit_are_refused),
        cmocka_unit_test(producers_watch_only_consumers_that_nobody_follows),
        cmocka_unit_test(a_consumer_sees_nothing_before_its_dependencies_release),
        cmocka_unit_test(what_is_available_is_looked_up_again_only_when_used_up),
        cmocka_unit_test(one_look_through_the_marks_is_bounded_but_never_empty),
        cmocka_unit_test(an_alerted_wait_returns_and_a_cleared_alert_is_forgotten),
        cmocka_unit_test(after_a_halt_a_wait_still_gives_what_was_published),
        cmocka_unit_test(what_is_published_right_before_a_halt_is_not_missed),
        cmocka_unit_test(a_halt_ends_the_wait_of_consumers_and_producers),
        cmocka_unit_test(an_alert_ends_the_wait_of_its_consumer),
    };
    return cmocka_run_group_tests_name("consumer", tests, NULL, NULL);
}
