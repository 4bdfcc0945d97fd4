/* Orders that expire: the heap of their times against sorting, when a day ends, and the one timer
 * that ends it under the engine. */
#include "tests/core/book_rig.h"
#include "tests/core/rig.h"

#include "core/book/controls.h"
#include "core/book/groups.h"

#define SECOND UINT64_C(1000000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* -- The heap. --------------------------------------------------------------------------------- */

enum { TIMES = 300, ROUNDS = 20000 };

static int compare_times(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void expect_heap(const struct mr_book *book, const uint64_t *times, uint32_t count)
{
    struct mr_heap heap = book_expiries(book);
    uint64_t sorted[TIMES], stored[TIMES] = {0};
    assert_int_equal(book->expiry_count, count);
    for (uint32_t place = 1; place <= count; place++) {
        const struct mr_heap_key *key = &heap.keys[place];
        const struct book_group *group = book_group(book, key->node);
        assert_int_equal(group->place, place);
        assert_int_equal(group->key, key->due_ns);
        stored[place - 1] = group->key;
    }
    assert_true(mr_heap_check(heap, book->group_pool.high));
    memcpy(sorted, times, count * sizeof sorted[0]);
    qsort(sorted, count, sizeof sorted[0], compare_times);
    assert_int_equal(mr_book_expiry_next(book), count == 0 ? UINT64_MAX : sorted[0]);
    qsort(stored, count, sizeof stored[0], compare_times);
    assert_memory_equal(stored, sorted, count * sizeof sorted[0]);
}

static void times_come_and_go_anywhere_and_the_least_is_known(void **state)
{
    struct book_rig rig;
    struct mr_book_config config = book_config();
    struct mr_random random;
    uint64_t times[TIMES];
    uint32_t count = 0;
    (void)state;
    config.groups_max = TIMES;
    book_open(&rig, &config);
    mr_random_init(&random, rig_seed());
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t full = round / 2000 % 2 == 0 ? TIMES : 4;
        if (mr_random_below(&random, full) >= count) {
            uint64_t time = 1 + mr_random_below(&random, round % 3 == 0 ? 500 : UINT32_MAX);
            if (book_group_find(rig.book, BOOK_GROUP_EXPIRY, time) == NULL) {
                assert_non_null(mr_book_group_make(rig.book, BOOK_GROUP_EXPIRY, time));
                times[count++] = time;
            }
        } else {
            uint32_t gone = (uint32_t)mr_random_below(&random, count);
            mr_book_group_settle(rig.book,
                                 book_group_find(rig.book, BOOK_GROUP_EXPIRY, times[gone]));
            times[gone] = times[--count];
        }
        expect_heap(rig.book, times, count);
    }
    qsort(times, count, sizeof times[0], compare_times);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(mr_book_expiry_next(rig.book), times[i]);
        mr_book_group_settle(rig.book, book_group_find(rig.book, BOOK_GROUP_EXPIRY, times[i]));
    }
    book_close(&rig);
}

/* -- When. ------------------------------------------------------------------------------------- */

static void expect_day(uint32_t day_end, uint64_t time_ns, uint64_t expires_ns)
{
    struct book_instrument instrument = {.day_end = day_end};
    assert_int_equal(mr_book_expiry_of(&instrument, MR_BOOK_TIF_DAY, 0, time_ns), expires_ns);
}

static void a_day_ends_strictly_after_its_orders_come(void **state)
{
    (void)state;
    const uint64_t midnight = 20000 * DAY;
    expect_day(0, midnight - 1, midnight);
    expect_day(0, midnight, midnight + DAY);
    expect_day(0, midnight + 1, midnight + DAY);
    expect_day(17 * 3600, midnight, midnight + 17 * HOUR);
    expect_day(17 * 3600, midnight + 17 * HOUR - 1, midnight + 17 * HOUR);
    expect_day(17 * 3600, midnight + 17 * HOUR, midnight + 41 * HOUR);
    expect_day(86399, midnight + DAY - 1, midnight + DAY + 86399 * SECOND);
    expect_day(0, 0, DAY);
    expect_day(1, 0, SECOND);
}

/* 64 bits of nanoseconds end in 2554, in the middle of a day. */
static void the_last_day_that_can_be_counted_does_not_end_before_it_began(void **state)
{
    (void)state;
    const uint64_t midnight = UINT64_MAX / DAY * DAY, rest = UINT64_MAX - midnight;
    expect_day(0, UINT64_MAX, UINT64_MAX);
    expect_day(0, midnight, UINT64_MAX);
    expect_day(86399, midnight, UINT64_MAX);
    expect_day((uint32_t)(rest / SECOND), midnight, midnight + rest / SECOND * SECOND);
    expect_day((uint32_t)(rest / SECOND) + 1, midnight, UINT64_MAX);
    expect_day((uint32_t)(rest / SECOND), UINT64_MAX, UINT64_MAX);
}

static void only_day_and_gtd_orders_expire(void **state)
{
    (void)state;
    struct book_instrument instrument = {0};
    assert_int_equal(mr_book_expiry_of(&instrument, MR_BOOK_TIF_GTD, 77, 5), 77);
    assert_int_equal(mr_book_expiry_of(&instrument, MR_BOOK_TIF_GTC, 0, 5), 0);
    assert_int_equal(mr_book_expiry_of(&instrument, MR_BOOK_TIF_IOC, 0, 5), 0);
    assert_int_equal(mr_book_expiry_of(&instrument, MR_BOOK_TIF_FOK, 0, 5), 0);
}

/* -- Under the engine. ------------------------------------------------------------------------- */

enum { USER = 5, RESTING = 600 };

struct engine {
    struct rig rig;
    uint64_t request;
};

static void engine_genesis(struct engine *engine, uint32_t timers_max)
{
    struct {
        struct mr_genesis genesis;
        struct mr_book_config config;
    } body = {.genesis = {.logic = "book",
                          .sessions_max = 4,
                          .answers_max = 4,
                          .timers_max = timers_max,
                          .config_size = sizeof(struct mr_book_config),
                          .clock = MR_CLOCK_INPUT},
              .config = book_config()};
    struct mr_command *genesis = &engine->rig.genesis.header;
    body.config.orders_max = RESTING;
    *genesis = (struct mr_command){.length = MR_COMMAND_HEADER + sizeof body,
                                   .type = MR_COMMAND_GENESIS,
                                   .role = MR_ROLE_SYSTEM,
                                   .sequence = 1};
    memcpy(mr_command_body_mutable(genesis), &body, sizeof body);
}

static void engine_open(struct engine *engine, uint32_t timers_max)
{
    static const enum mr_role roles[] = {MR_ROLE_OPERATOR, MR_ROLE_USER};
    memset(engine, 0, sizeof *engine);
    engine_genesis(engine, timers_max);
    rig_begin(&engine->rig, &mr_logic_book);
    for (uint64_t i = 0; i < 2; i++) {
        struct mr_session_open open = {.new_session = USER - 1 + i, .new_role = (uint8_t)roles[i]};
        assert_int_equal(
            rig_send(&engine->rig, 0, 0, MR_COMMAND_SESSION_OPEN, &open, sizeof open).result, 0);
    }
    struct mr_book_instrument_define define = {
        .symbol = "TEST", .instrument = INSTRUMENT, .price_max = 1000, .quantity_max = 1000};
    assert_int_equal(
        rig_send(&engine->rig, USER - 1, 1, MR_BOOK_INSTRUMENT_DEFINE, &define, sizeof define)
            .result,
        0);
}

static void engine_close(struct engine *engine)
{
    assert_true(mr_image_check(engine->rig.image, &mr_logic_book));
    free(engine->rig.memory);
    free(engine->rig.events);
    free(engine->rig.outbox.bytes);
}

/* The reason. */
static uint32_t engine_enter(struct engine *engine, uint64_t order, uint64_t expires_ns)
{
    struct mr_book_order_new body = {.order = order,
                                     .price = 10,
                                     .quantity = 5,
                                     .expires_ns = expires_ns,
                                     .instrument = INSTRUMENT,
                                     .tif = MR_BOOK_TIF_GTD};
    return rig_send(&engine->rig, USER, ++engine->request, MR_BOOK_ORDER_NEW, &body, sizeof body)
        .result;
}

static void engine_cancel(struct engine *engine, uint64_t order)
{
    struct mr_book_order_cancel body = {.order = order, .instrument = INSTRUMENT};
    assert_int_equal(
        rig_send(&engine->rig, USER, ++engine->request, MR_BOOK_ORDER_CANCEL, &body, sizeof body)
            .result,
        0);
}

/* Lets time come, and says how many orders rest then. */
static uint32_t engine_tick(struct engine *engine, uint64_t time_ns)
{
    engine->rig.time_ns = time_ns;
    assert_int_equal(rig_send(&engine->rig, 0, 0, MR_COMMAND_TICK, NULL, 0).result, 0);
    assert_true(mr_image_check(engine->rig.image, &mr_logic_book));
    return mr_book_totals_get(mr_image_state(engine->rig.image)).orders;
}

static uint32_t timers_of(const struct engine *engine)
{
    return engine->rig.image->timers.live; /* those of the logic: sessions have none here */
}

static void one_timer_is_enough_for_all_of_them(void **state)
{
    struct engine engine;
    (void)state;
    engine_open(&engine, 1);
    assert_int_equal(timers_of(&engine), 0);
    assert_int_equal(engine_enter(&engine, 1, 300), 0);
    assert_int_equal(engine_enter(&engine, 2, 100), 0); /* earlier: the timer moves */
    assert_int_equal(engine_enter(&engine, 3, 200), 0);
    assert_int_equal(timers_of(&engine), 1);
    assert_int_equal(mr_image_next_timer(engine.rig.image), 100);
    assert_int_equal(engine_tick(&engine, 99), 3);
    assert_int_equal(engine_tick(&engine, 100), 2);
    assert_int_equal(mr_image_next_timer(engine.rig.image), 200);
    assert_int_equal(engine_tick(&engine, 300), 0);
    assert_int_equal(timers_of(&engine), 0);
    engine_close(&engine);
}

static void an_order_expires_before_a_command_of_that_very_time(void **state)
{
    struct engine engine;
    (void)state;
    engine_open(&engine, 1);
    assert_int_equal(engine_enter(&engine, 1, 100), 0);
    engine.rig.time_ns = 100;
    assert_int_equal(engine_enter(&engine, 1, 200), 0); /* the id is free again */
    assert_int_equal(mr_image_next_timer(engine.rig.image), 200);
    engine_close(&engine);
}

static void a_timer_whose_orders_have_gone_finds_nothing_and_is_set_again(void **state)
{
    struct engine engine;
    (void)state;
    engine_open(&engine, 1);
    assert_int_equal(engine_enter(&engine, 1, 100), 0);
    assert_int_equal(engine_enter(&engine, 2, 200), 0);
    engine_cancel(&engine, 1);
    assert_int_equal(engine_tick(&engine, 150), 1);
    assert_int_equal(mr_image_next_timer(engine.rig.image), 200);
    engine_cancel(&engine, 2);
    assert_int_equal(engine_tick(&engine, 250), 0);
    assert_int_equal(timers_of(&engine), 0);
    engine_close(&engine);
}

static void more_than_a_turn_may_cancel_follows_in_further_turns_before_the_command(void **state)
{
    struct engine engine;
    (void)state;
    engine_open(&engine, 1);
    for (uint64_t order = 1; order <= RESTING; order++)
        assert_int_equal(engine_enter(&engine, order, 100), 0);
    assert_int_equal(engine_tick(&engine, 100), 0);
    assert_true(engine.rig.turns > RESTING / BOOK_STEP_ORDERS);
    assert_int_equal(timers_of(&engine), 0);
    engine_close(&engine);
}

static void without_a_timer_there_are_no_orders_that_expire(void **state)
{
    struct engine engine;
    (void)state;
    engine_open(&engine, 0);
    assert_int_equal(engine_enter(&engine, 1, 100), MR_REASON_TIMERS_FULL);
    assert_int_equal(mr_book_totals_get(mr_image_state(engine.rig.image)).groups, 0);
    assert_int_equal(mr_book_expiry_next(mr_image_state(engine.rig.image)), UINT64_MAX);
    engine_close(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_come_and_go_anywhere_and_the_least_is_known),
        cmocka_unit_test(a_day_ends_strictly_after_its_orders_come),
        cmocka_unit_test(the_last_day_that_can_be_counted_does_not_end_before_it_began),
        cmocka_unit_test(only_day_and_gtd_orders_expire),
        cmocka_unit_test(one_timer_is_enough_for_all_of_them),
        cmocka_unit_test(an_order_expires_before_a_command_of_that_very_time),
        cmocka_unit_test(a_timer_whose_orders_have_gone_finds_nothing_and_is_set_again),
        cmocka_unit_test(more_than_a_turn_may_cancel_follows_in_further_turns_before_the_command),
        cmocka_unit_test(without_a_timer_there_are_no_orders_that_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
