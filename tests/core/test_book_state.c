/* The bytes of the state: the same for the same history, nothing outside of what is said to be in
 * use, and found wrong when they are. */
#include "tests/core/book_driver.h"

#include "base/random.h"
#include "core/book/levels.h"

enum { COMMANDS = 20000, IDS = 600 };

/* Orders, cancels and replacements around a price that wanders off. */
static void play(struct book_driver *driver, uint64_t seed, uint32_t commands)
{
    struct mr_random random;
    mr_random_init(&random, seed);
    int64_t mid = 0;
    for (uint32_t i = 0; i < commands; i++) {
        uint64_t order = mr_random_below(&random, IDS);
        uint64_t dice = mr_random_below(&random, 100);
        int64_t distance = (int64_t)mr_random_below(&random, 400);
        enum mr_book_side side = order % 2 == 0 ? BUY : SELL;
        int64_t price = side == BUY ? mid - distance : mid + distance;
        mid += (int64_t)mr_random_below(&random, 21) - 10;
        if (dice < 60)
            book_gtc(driver, order, side, price, 1 + order);
        else if (dice < 80)
            book_cancel(driver, order);
        else
            book_replace(driver, order, price, MR_BOOK_BASIS_OPEN, 1 + dice);
    }
}

static void open_played(struct book_driver *driver, uint32_t commands)
{
    struct mr_book_config config = book_config_small();
    book_open(driver, &config);
    book_define(driver, INSTRUMENT, INT64_MIN, INT64_MAX, 1000000);
    play(driver, 42, commands);
    assert_true(mr_book_totals_get(driver->book).orders > IDS / 10);
}

static void the_same_history_gives_the_same_bytes(void **state)
{
    (void)state;
    struct book_driver one, other;
    open_played(&one, COMMANDS);
    open_played(&other, COMMANDS);
    assert_ptr_not_equal(one.book, other.book);
    assert_memory_equal(one.book, other.book, one.book_size);
    book_close(&one);
    book_close(&other);
}

static void what_is_not_in_use_is_zero(void **state)
{
    (void)state;
    struct book_driver driver;
    open_played(&driver, COMMANDS);
    struct mr_span spans[16];
    uint32_t count = mr_logic_book.used(driver.book, &driver.config, spans, 16);
    const unsigned char *bytes = (const unsigned char *)driver.book;
    uint64_t at = 0, used = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(i == 0 ? spans[i].offset == 0 : spans[i].offset > at); /* rising, apart */
        for (; at < spans[i].offset; at++)
            assert_int_equal(bytes[at], 0);
        at += spans[i].size;
        used += spans[i].size;
    }
    assert_true(at <= driver.book_size);
    for (; at < driver.book_size; at++)
        assert_int_equal(bytes[at], 0);
    assert_true(used < driver.book_size / 4); /* and it is little */
    book_close(&driver);
}

static void a_book_that_empties_gives_its_pages_back(void **state)
{
    (void)state;
    struct book_driver driver;
    open_played(&driver, COMMANDS);
    for (uint64_t order = 0; order < IDS; order++)
        book_cancel(&driver, order);
    struct mr_book_totals totals = mr_book_totals_get(driver.book);
    assert_int_equal(totals.orders, 0);
    assert_int_equal(totals.levels, 0);
    book_check(&driver); /* counts all that is free */
    struct book_pool leaves = driver.book->leaf_pool, branches = driver.book->branch_pool;
    uint32_t orders = driver.book->order_pool.high;
    play(&driver, 42, COMMANDS);
    assert_true(driver.book->order_pool.high <= orders + 1);
    assert_true(driver.book->leaf_pool.high <= leaves.high + 1);
    assert_true(driver.book->branch_pool.high <= branches.high + 1);
    book_close(&driver);
}

/* -- Damage. ----------------------------------------------------------------------------------- */

static struct book_order *first_order(struct book_driver *driver)
{
    const struct book_side *side = &book_instrument(driver->book, 0)->sides[BUY];
    return book_order(driver->book, book_link(driver->book, side->best)->next);
}

static struct book_page *best_leaf(struct book_driver *driver)
{
    uint32_t best = book_instrument(driver->book, 0)->sides[BUY].best;
    return book_page(driver->book, book_level_leaf(driver->book, best));
}

/* Breaks one thing with `statement`, sees it found, and mends it. */
#define ASSERT_FOUND(driver, lvalue, wrong)                                   \
    do {                                                                      \
        __typeof__(lvalue) right = lvalue;                                    \
        lvalue = wrong;                                                       \
        assert_false(mr_logic_book.check((driver)->book, &(driver)->config)); \
        lvalue = right;                                                       \
        book_check(driver);                                                   \
    } while (0)

static void every_invariant_is_checked(void **state)
{
    (void)state;
    struct book_driver driver;
    open_played(&driver, COMMANDS);
    struct mr_book *book = driver.book;
    struct book_instrument *instrument = book_instrument(book, 0);
    struct book_side *side = &instrument->sides[BUY];
    struct book_order *order = first_order(&driver);
    struct book_page *leaf = best_leaf(&driver);
    book_check(&driver);
    ASSERT_FOUND(&driver, book->live, book->live + 1);
    ASSERT_FOUND(&driver, book->levels, book->levels - 1);
    ASSERT_FOUND(&driver, book->trades, book->trades + 1);
    ASSERT_FOUND(&driver, book->recent_id, 77);
    ASSERT_FOUND(&driver, book->order_pool.free, 0);
    ASSERT_FOUND(&driver, book->leaf_pool.high, book->leaf_pool.high + 1);
    ASSERT_FOUND(&driver, book->branch_pool.high, book->branch_pool.high + 1);
    ASSERT_FOUND(&driver, instrument->trades, 0);
    ASSERT_FOUND(&driver, instrument->hash_key, 1);
    ASSERT_FOUND(&driver, side->best, side->best ^ 1);
    ASSERT_FOUND(&driver, side->best_key, side->best_key + 1);
    ASSERT_FOUND(&driver, side->levels, 0);
    ASSERT_FOUND(&driver, side->orders, side->orders + 1);
    ASSERT_FOUND(&driver, side->root, 0);
    ASSERT_FOUND(&driver, side->recent, book->leaf_pool.high + 1);
    ASSERT_FOUND(&driver, leaf->occupied, leaf->occupied << 1);
    ASSERT_FOUND(&driver, leaf->base, leaf->base + 64);
    ASSERT_FOUND(&driver, leaf->parent, 0);
    ASSERT_FOUND(&driver, leaf->shift, 6);
    ASSERT_FOUND(&driver, order->link.next, order->link.next ^ 8);
    ASSERT_FOUND(&driver, order->link.prev, order->link.prev ^ 8);
    ASSERT_FOUND(&driver, order->id, order->id + IDS);
    ASSERT_FOUND(&driver, order->key, order->key + 1);
    ASSERT_FOUND(&driver, order->open, 0);
    ASSERT_FOUND(&driver, order->filled, 1000001);
    ASSERT_FOUND(&driver, order->side, SELL);
    ASSERT_FOUND(&driver, order->instrument, 1);
    book_close(&driver);
}

static void a_crossed_book_is_found(void **state)
{
    (void)state;
    struct book_driver driver;
    struct mr_book_config config = book_config_small();
    book_open(&driver, &config);
    book_define(&driver, INSTRUMENT, 0, 1000, 10);
    book_gtc(&driver, 1, BUY, 100, 1);
    book_gtc(&driver, 2, SELL, 164, 1);
    book_check(&driver);
    struct book_instrument *instrument = book_instrument(driver.book, 0);
    struct book_side *side = &instrument->sides[SELL];
    struct book_page *leaf = book_page(driver.book, side->root);
    struct book_order *order = book_order(driver.book, book_link(driver.book, side->best)->next);
    leaf->base += 64; /* as if it had come at 100, in all places */
    order->key += 64;
    side->best_key += 64;
    assert_int_equal(book_price(SELL, order->key), 100);
    assert_false(mr_logic_book.check(driver.book, &driver.config));
    book_close(&driver);
}

/* Whatever bytes are damaged, checking ends, and looks only at the state. */
static void checking_survives_any_damage(void **state)
{
    (void)state;
    struct book_driver driver;
    open_played(&driver, 2000);
    struct mr_span spans[16];
    uint32_t count = mr_logic_book.used(driver.book, &driver.config, spans, 16);
    struct mr_random random;
    mr_random_init(&random, 7);
    uint32_t found = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        const struct mr_span *span = &spans[mr_random_below(&random, count)];
        uint64_t offset = span->offset + mr_random_below(&random, span->size);
        unsigned char *byte = (unsigned char *)driver.book + offset;
        unsigned char before = *byte;
        *byte = (unsigned char)mr_random_u64(&random);
        found += !mr_logic_book.check(driver.book, &driver.config);
        *byte = before;
    }
    assert_true(found > 500);
    book_check(&driver);
    book_close(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_history_gives_the_same_bytes),
        cmocka_unit_test(what_is_not_in_use_is_zero),
        cmocka_unit_test(a_book_that_empties_gives_its_pages_back),
        cmocka_unit_test(every_invariant_is_checked),
        cmocka_unit_test(a_crossed_book_is_found),
        cmocka_unit_test(checking_survives_any_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
