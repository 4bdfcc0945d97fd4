/* The table of order ids: it follows the number of live orders, a little at a time, and finds what
 * is there, whatever the ids. */
#include "tests/core/book_rig.h"

#include "base/random.h"
#include "core/book/ids.h"

static void open_seeded(struct book_rig *rig, uint32_t orders_max, uint64_t hash_seed)
{
    struct mr_book_config config = book_config();
    config.orders_max = orders_max;
    config.levels_max = 1001;
    config.hash_seed = hash_seed;
    book_open(rig, &config);
    assert_int_equal(book_define(rig, INSTRUMENT, 0, 1000, 10), 0);
}

static uint64_t slots_of(const struct book_rig *rig)
{
    return UINT64_C(1) << rig->book->ids.bits;
}

static void the_table_follows_the_number_of_live_orders(void **state)
{
    (void)state;
    enum { ORDERS = 20000 };
    struct book_rig rig;
    open_seeded(&rig, ORDERS, 1);
    uint64_t small = slots_of(&rig);
    for (uint64_t order = 1; order <= ORDERS; order++) {
        book_gtc(&rig, order, BUY, 1 + (int64_t)(order % 1000), 1);
        assert_true(slots_of(&rig) >= order * BOOK_ID_LOAD_FAR || rig.book->ids.old_bits != 0);
    }
    assert_true(slots_of(&rig) < (uint64_t)ORDERS * BOOK_ID_LOAD_FAR * 2);
    for (uint64_t order = 1; order <= ORDERS; order++) {
        assert_int_equal(book_cancel(&rig, order), 0);
        if (order % 1000 == 0)
            book_check(&rig);
    }
    for (uint64_t order = 1; order <= 2 * ORDERS; order++) { /* it lags behind a rush to the exit */
        book_gtc(&rig, order, BUY, 1, 1);
        book_cancel(&rig, order);
    }
    assert_int_equal(slots_of(&rig), small);
    book_close(&rig);
}

static void no_command_moves_more_than_a_few_slots(void **state)
{
    (void)state;
    enum { ORDERS = 50000 };
    struct book_rig rig;
    open_seeded(&rig, ORDERS, 2);
    uint32_t most = 0;
    for (uint64_t order = 1; order <= ORDERS; order++) {
        struct book_ids before = rig.book->ids;
        book_gtc(&rig, order, BUY, 1, 1);
        struct book_ids after = rig.book->ids;
        if (before.old_bits != 0 && after.old_bits == before.old_bits &&
            after.old_moved - before.old_moved > most)
            most = after.old_moved - before.old_moved;
    }
    assert_true(most >= BOOK_ID_STEP);
    assert_true(most < BOOK_ID_STEP + 64); /* up to the end of a run */
    book_close(&rig);
}

/* Orders come and go at random while the table grows and shrinks; after each command every id is
 * asked for. */
static void play_at_random(uint64_t seed)
{
    enum { IDS = 160, COMMANDS = 1200 };
    struct book_rig rig;
    struct mr_random random;
    bool live[IDS] = {false};
    open_seeded(&rig, IDS, seed);
    mr_random_init(&random, seed);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        uint64_t order = mr_random_below(&random, IDS);
        bool enter = mr_random_chance(&random, i % 400 < 200 ? 4 : 1, 5);
        if (enter)
            assert_int_equal(book_gtc(&rig, order, BUY, 1, 1) == 0, !live[order]);
        else
            assert_int_equal(book_cancel(&rig, order) == 0, live[order]);
        live[order] = enter;
        for (uint64_t id = 0; id < IDS; id++) {
            struct mr_book_order found;
            assert_int_equal(mr_book_order_get(rig.book, INSTRUMENT, id, &found), live[id]);
        }
    }
    book_check(&rig);
    book_close(&rig);
}

static void every_live_id_is_found_while_the_table_moves(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++)
        play_at_random(seed);
}

/* The longest run of slots in use in the table. */
static uint32_t longest_run(const struct book_rig *rig)
{
    const struct book_id *table = book_id_table(rig->book, rig->book->ids.bits).slots;
    uint32_t longest = 0, run = 0;
    for (uint64_t i = 0; i < slots_of(rig); i++) {
        run = table[i].ref == 0 ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* Ids that count up by `stride`, folded into 64 bits. */
static uint32_t longest_run_of(uint64_t stride, uint64_t hash_seed)
{
    /* As full as a table gets: the smallest of those that are filled more. */
    enum { BITS = BOOK_ID_BITS_NEAR + 1, ORDERS = (1 << BITS) / BOOK_ID_LOAD_FAR };
    struct book_rig rig;
    open_seeded(&rig, ORDERS, hash_seed);
    for (uint64_t i = 0; i < ORDERS; i++) {
        uint64_t id = (i * stride) ^ (stride == 0 ? i << 46 | i >> 18 : 0);
        assert_int_equal(book_gtc(&rig, id, BUY, 1 + (int64_t)(i % 1000), 1), 0);
    }
    assert_int_equal(slots_of(&rig), 1 << BITS);
    uint32_t longest = longest_run(&rig);
    book_close(&rig);
    return longest;
}

static void regular_ids_do_not_pile_up(void **state)
{
    (void)state;
    static const uint64_t strides[] = {0,    1,        2,          3,
                                       10,   64,       1000,       65536,
                                       8192, 1u << 31, 0xffffffff, UINT64_C(1) << 32,
                                       97,   1u << 20, 0x10001,    UINT64_C(1) << 46};
    for (uint64_t seed = 0; seed < 2; seed++) {
        for (size_t i = 0; i < sizeof(strides) / sizeof(strides[0]); i++) {
            uint32_t longest = longest_run_of(strides[i], seed);
            if (longest > 48)
                print_error("stride %llu, seed %llu: a run of %u\n", (unsigned long long)strides[i],
                            (unsigned long long)seed, longest);
            assert_true(longest <= 48);
        }
    }
}

static void one_id_in_two_instruments_is_two_orders_even_when_they_hash_alike(void **state)
{
    (void)state;
    struct book_rig rig;
    open_seeded(&rig, 100, 3);
    book_define(&rig, 2, 0, 1000, 10);
    uint64_t own_key = book_instrument(rig.book, 1)->hash_key;
    book_instrument(rig.book, 1)->hash_key = book_instrument(rig.book, 0)->hash_key;
    assert_int_equal(book_gtc(&rig, 9, BUY, 1, 1), 0);
    assert_int_equal(BOOK_NEW(&rig, .order = 9, .price = 5, .quantity = 2, .instrument = 2), 0);
    assert_int_equal(book_cancel(&rig, 9), 0);
    struct mr_book_order order;
    assert_false(mr_book_order_get(rig.book, 1, 9, &order));
    assert_true(mr_book_order_get(rig.book, 2, 9, &order));
    assert_int_equal(order.price, 5);
    assert_int_equal(
        BOOK_APPLY(&rig, MR_BOOK_ORDER_CANCEL, order_cancel, .order = 9, .instrument = 2), 0);
    book_instrument(rig.book, 1)->hash_key = own_key;
    book_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_follows_the_number_of_live_orders),
        cmocka_unit_test(no_command_moves_more_than_a_few_slots),
        cmocka_unit_test(every_live_id_is_found_while_the_table_moves),
        cmocka_unit_test(one_id_in_two_instruments_is_two_orders_even_when_they_hash_alike),
        cmocka_unit_test(regular_ids_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
