/* The bytes of the state: the same for the same history, nothing outside of what is said to be in
 * use, and found wrong when they are. */
#include "tests/core/book_rig.h"

#include "base/random.h"
#include "core/book/groups.h"
#include "core/book/levels.h"

enum { COMMANDS = 20000, IDS = 600, SPANS = 32 };

/* Orders, cancels and replacements around a price that wanders off; some of accounts and sessions,
 * some that expire. */
static void play(struct book_rig *rig, uint64_t seed, uint32_t commands)
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
        book_time(rig, rig->turn.time_ns + 1);
        book_as(rig, MR_ROLE_OPERATOR, order % 5);
        if (dice < 40)
            book_gtc(rig, order, side, price, 1 + order);
        else if (dice < 60)
            BOOK_NEW(rig, .order = order, .account = order % 7, .price = price,
                     .quantity = 1 + order, .instrument = INSTRUMENT, .side = (uint8_t)side,
                     .tif = dice < 50 ? MR_BOOK_TIF_GTD : MR_BOOK_TIF_GTC,
                     .expires_ns = dice < 50 ? (rig->turn.time_ns / 500 + 2) * 500 : 0);
        else if (dice < 80)
            book_cancel(rig, order);
        else
            book_replace(rig, order, price, MR_BOOK_BASIS_OPEN, 1 + dice);
    }
}

static void open_played(struct book_rig *rig, uint32_t commands)
{
    struct mr_book_config config = book_config();
    config.levels_max = 600;
    book_open(rig, &config);
    assert_int_equal(book_define(rig, INSTRUMENT, INT64_MIN, INT64_MAX, 1000000), 0);
    assert_int_equal(BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = 3,
                                .stp = MR_BOOK_STP_DECREMENT),
                     0);
    assert_int_equal(
        BOOK_APPLY(rig, MR_BOOK_TICK_BAND_ADD, tick_band_add, .tick_table = 2, .tick = 5), 0);
    play(rig, 42, commands);
    assert_true(mr_book_totals_get(rig->book).orders > IDS / 10);
}

static void the_same_history_gives_the_same_bytes(void **state)
{
    (void)state;
    struct book_rig one, other;
    open_played(&one, COMMANDS);
    open_played(&other, COMMANDS);
    assert_ptr_not_equal(one.book, other.book);
    assert_memory_equal(one.book, other.book, one.size);
    book_close(&one);
    book_close(&other);
}

static void what_is_not_in_use_is_zero(void **state)
{
    (void)state;
    struct book_rig rig;
    open_played(&rig, COMMANDS);
    struct mr_span spans[SPANS];
    uint32_t count = mr_logic_book.used(rig.book, &rig.config, spans, SPANS);
    const unsigned char *bytes = (const unsigned char *)rig.book;
    uint64_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(i == 0 ? spans[i].offset == 0 : spans[i].offset > at); /* rising, apart */
        for (; at < spans[i].offset; at++)
            assert_int_equal(bytes[at], 0);
        at += spans[i].size;
    }
    assert_true(at <= rig.size);
    for (; at < rig.size; at++)
        assert_int_equal(bytes[at], 0);
    book_close(&rig);
}

static uint64_t used_bytes(const struct mr_book_config *config)
{
    struct book_rig rig;
    struct mr_span spans[SPANS];
    book_open(&rig, config);
    assert_int_equal(book_define(&rig, INSTRUMENT, 0, 1000, 1000), 0);
    for (uint64_t order = 0; order < 50; order++)
        book_own(&rig, 1 + order % 3, order, BUY, (int64_t)order, 1, MR_BOOK_STP_ALLOW);
    uint32_t count = mr_logic_book.used(rig.book, &rig.config, spans, SPANS);
    uint64_t used = 0;
    for (uint32_t i = 0; i < count; i++)
        used += spans[i].size;
    assert_true(used < rig.size);
    book_close(&rig);
    return used;
}

static void what_is_in_use_does_not_follow_from_what_could_be(void **state)
{
    (void)state;
    struct mr_book_config config = book_config();
    uint64_t small = used_bytes(&config);
    config.orders_max = 20000;
    config.levels_max = 5000;
    assert_true(used_bytes(&config) <= small + small / 8);
}

static void a_book_that_empties_gives_everything_back(void **state)
{
    (void)state;
    struct book_rig rig;
    open_played(&rig, COMMANDS);
    for (uint64_t order = 0; order < IDS; order++)
        book_cancel(&rig, order);
    struct mr_book_totals totals = mr_book_totals_get(rig.book);
    assert_int_equal(totals.orders, 0);
    assert_int_equal(totals.levels, 0);
    assert_int_equal(totals.groups, 1); /* the account with settings */
    book_check(&rig);                   /* counts all that is free */
    struct book_pool leaves = rig.book->leaf_pool, branches = rig.book->branch_pool;
    struct book_pool orders = rig.book->order_pool, groups = rig.book->group_pool;
    play(&rig, 42, COMMANDS);
    assert_true(rig.book->order_pool.high <= orders.high + 1);
    assert_true(rig.book->group_pool.high <= groups.high + 1);
    assert_true(rig.book->leaf_pool.high <= leaves.high + 1);
    assert_true(rig.book->branch_pool.high <= branches.high + 1);
    book_close(&rig);
}

/* -- Damage. ----------------------------------------------------------------------------------- */

/* Breaks one thing, sees it found, and mends it. */
#define ASSERT_FOUND(rig, lvalue, wrong)                      \
    do {                                                      \
        __typeof__(lvalue) right = lvalue;                    \
        lvalue = wrong;                                       \
        if (mr_logic_book.check((rig)->book, &(rig)->config)) \
            fail_msg("not found: %s is %s", #lvalue, #wrong); \
        lvalue = right;                                       \
        book_check(rig);                                      \
    } while (0)

static void broken_totals_and_pools_are_found(void **state)
{
    (void)state;
    struct book_rig rig;
    open_played(&rig, COMMANDS);
    struct mr_book *book = rig.book;
    ASSERT_FOUND(&rig, book->live, book->live + 1);
    ASSERT_FOUND(&rig, book->levels, book->levels - 1);
    ASSERT_FOUND(&rig, book->trades, book->trades + 1);
    ASSERT_FOUND(&rig, book->recent_id, 77);
    ASSERT_FOUND(&rig, book->order_pool.free, 0);
    ASSERT_FOUND(&rig, book->leaf_pool.high, book->leaf_pool.high + 1);
    ASSERT_FOUND(&rig, book->branch_pool.high, book->branch_pool.high + 1);
    ASSERT_FOUND(&rig, book->group_pool.high, book->group_pool.high + 1);
    ASSERT_FOUND(&rig, book->groups, book->groups + 1);
    ASSERT_FOUND(&rig, book->expiry_count, book->expiry_count - 1);
    ASSERT_FOUND(&rig, book->memberships_high, 0);
    ASSERT_FOUND(&rig, book->sweep.orders, 1);
    ASSERT_FOUND(&rig, book->ids.live_min, book->live + 1);
    ASSERT_FOUND(&rig, book_tick_table(book, 2)->bands[0].tick, 0);
    ASSERT_FOUND(&rig, book_tick_table(book, 2)->users, 1);
    book_close(&rig);
}

static void a_broken_instrument_is_found(void **state)
{
    (void)state;
    struct book_rig rig;
    open_played(&rig, COMMANDS);
    struct book_instrument *instrument = book_instrument(rig.book, 0);
    struct book_side *side = &instrument->sides[BUY];
    struct book_leaf *leaf = book_leaf(rig.book, side->best_leaf);
    uint32_t place = book_highest(leaf->page.occupied);
    ASSERT_FOUND(&rig, instrument->trades, 0);
    ASSERT_FOUND(&rig, instrument->hash_key, 1);
    ASSERT_FOUND(&rig, instrument->special, instrument->special ^ BOOK_HAS_TICKS);
    ASSERT_FOUND(&rig, instrument->phase, MR_BOOK_PHASE_HALTED);
    ASSERT_FOUND(&rig, instrument->day_end, 86400);
    ASSERT_FOUND(&rig, instrument->tick_table, 2);
    ASSERT_FOUND(&rig, side->best_leaf, 0);
    ASSERT_FOUND(&rig, side->levels, 0);
    ASSERT_FOUND(&rig, side->orders, side->orders + 1);
    ASSERT_FOUND(&rig, side->root, 0);
    ASSERT_FOUND(&rig, side->near[0], rig.book->leaf_pool.high + 1);
    ASSERT_FOUND(&rig, leaf->page.occupied, leaf->page.occupied ^ (UINT64_C(1) << place));
    ASSERT_FOUND(&rig, leaf->page.base, leaf->page.base + 64);
    ASSERT_FOUND(&rig, leaf->page.parent, leaf->page.parent + 1);
    ASSERT_FOUND(&rig, leaf->page.shift, 6);
    ASSERT_FOUND(&rig, leaf->levels[place].quantity, leaf->levels[place].quantity + 1);
    book_close(&rig);
}

static struct book_order *grouped_order(struct book_rig *rig)
{
    uint32_t size = sizeof(struct book_order) / BOOK_UNIT;
    for (uint32_t i = 0; i < rig->book->order_pool.high; i++) {
        struct book_order *order = book_order(rig->book, rig->book->orders_first + i * size);
        if (order->groups == 7)
            return order;
    }
    fail_msg("no order has an account, a session and an expiry");
    return NULL;
}

static void a_broken_order_is_found(void **state)
{
    (void)state;
    struct book_rig rig;
    open_played(&rig, COMMANDS);
    struct book_order *order = grouped_order(&rig);
    struct book_membership *own = book_memberships(rig.book, order)->of;
    ASSERT_FOUND(&rig, order->link.next, order->link.next ^ 8);
    ASSERT_FOUND(&rig, order->link.prev, order->link.prev ^ 8);
    ASSERT_FOUND(&rig, order->id, order->id + IDS);
    ASSERT_FOUND(&rig, order->account, order->account + 1);
    ASSERT_FOUND(&rig, order->key, order->key + 1);
    ASSERT_FOUND(&rig, order->open, 0);
    ASSERT_FOUND(&rig, order->open, order->open + 1);
    ASSERT_FOUND(&rig, order->filled, 1000001);
    ASSERT_FOUND(&rig, order->side, order->side ^ 1);
    ASSERT_FOUND(&rig, order->instrument, 1);
    ASSERT_FOUND(&rig, order->tif, MR_BOOK_TIF_IOC);
    ASSERT_FOUND(&rig, order->post_stp, 255);
    ASSERT_FOUND(&rig, order->groups, 0);
    ASSERT_FOUND(&rig, order->groups, 6);
    ASSERT_FOUND(&rig, order->leaf, order->leaf + 8);
    for (uint32_t kind = 0; kind < BOOK_GROUP_KINDS; kind++) {
        struct book_group *group = book_group(rig.book, own[kind].group);
        ASSERT_FOUND(&rig, own[kind].group, own[kind].group + 1);
        ASSERT_FOUND(&rig, own[kind].prev, own[kind].prev ^ 8);
        ASSERT_FOUND(&rig, own[kind].next, own[kind].next ^ 8);
        ASSERT_FOUND(&rig, group->count, group->count + 1);
        ASSERT_FOUND(&rig, group->first, 0);
        ASSERT_FOUND(&rig, group->last, 0);
        ASSERT_FOUND(&rig, group->key, group->key + 1000000);
        ASSERT_FOUND(&rig, group->place, group->place + 1);
        ASSERT_FOUND(&rig, group->blocked, 1);
        ASSERT_FOUND(&rig, group->stp, MR_BOOK_STP_DECREMENT + 1);
    }
    book_close(&rig);
}

static void a_crossed_book_is_found(void **state)
{
    (void)state;
    struct book_rig rig;
    struct mr_book_config config = book_config();
    book_open(&rig, &config);
    book_define(&rig, INSTRUMENT, 0, 1000, 10);
    book_gtc(&rig, 1, BUY, 100, 1);
    book_gtc(&rig, 2, SELL, 164, 1);
    book_check(&rig);
    struct book_instrument *instrument = book_instrument(rig.book, 0);
    struct book_side *side = &instrument->sides[SELL];
    struct book_leaf *leaf = book_leaf(rig.book, side->best_leaf);
    struct book_order *order =
        book_order(rig.book, book_link(rig.book, book_best_level(side))->next);
    leaf->page.base += 64; /* as if it had come at 100, in all places */
    order->key += 64;
    memset(side->near, 0, sizeof side->near);
    assert_int_equal(book_price(SELL, order->key), 100);
    assert_false(mr_logic_book.check(rig.book, &rig.config));
    leaf->page.base -= 64;
    order->key -= 64;
    book_close(&rig);
}

/* Whatever bytes are damaged, checking ends, and looks only at the state. */
static void checking_survives_any_damage(void **state)
{
    (void)state;
    struct book_rig rig;
    open_played(&rig, 2000);
    struct mr_span spans[SPANS];
    uint32_t count = mr_logic_book.used(rig.book, &rig.config, spans, SPANS);
    struct mr_random random;
    mr_random_init(&random, 7);
    uint32_t found = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        const struct mr_span *span = &spans[mr_random_below(&random, count)];
        uint64_t offset = span->offset + mr_random_below(&random, span->size);
        unsigned char *byte = (unsigned char *)rig.book + offset;
        unsigned char before = *byte;
        *byte = (unsigned char)mr_random_u64(&random);
        found += !mr_logic_book.check(rig.book, &rig.config);
        *byte = before;
    }
    assert_true(found > 500);
    book_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_history_gives_the_same_bytes),
        cmocka_unit_test(what_is_not_in_use_is_zero),
        cmocka_unit_test(what_is_in_use_does_not_follow_from_what_could_be),
        cmocka_unit_test(a_book_that_empties_gives_everything_back),
        cmocka_unit_test(broken_totals_and_pools_are_found),
        cmocka_unit_test(a_broken_instrument_is_found),
        cmocka_unit_test(a_broken_order_is_found),
        cmocka_unit_test(a_crossed_book_is_found),
        cmocka_unit_test(checking_survives_any_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
