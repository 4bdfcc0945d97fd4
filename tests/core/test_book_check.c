/* Every invariant can be broken, and is found broken: orders, ids, levels and pages. */
#include "tests/core/book_rich.h"

/* Groups that have gone have left free ones behind, and so have orders and pages. */
static void the_book_of_these_tests_has_some_of_everything(void **state)
{
    struct book_rig *rig = *state;
    const struct mr_book *book = rig->book;
    assert_true(is_rich(book));
    assert_true(book->live > 100 && book->trades > 10);
    assert_true(book->branch_pool.high > 1 && book->expiry_count > 10);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(book_instrument(book, i)->sides[BUY].levels > 5);
    assert_true(book_instrument(book, TICKS - 1)->bid_quantity > 0);
    assert_int_equal(book_tick_table(book, TABLE)->users, 1);
}

/* -- Orders and levels. ------------------------------------------------------------------------ */

static void what_an_order_is_and_where_it_rests(void **state)
{
    struct book_rig *rig = *state;
    struct book_order *order = best_order(rig, PLAIN);
    FOUND(order->id, 123456789);
    FOUND(order->hash, order->hash ^ 1);
    FOUND(order->key, order->key + 1);
    FOUND(order->leaf, order->leaf + 1);
    FOUND(order->side, order->side ^ 1);
    FOUND(order->instrument, 1);
    FOUND(order->open, 0);
    FOUND(order->open, order->open + 1);
    FOUND(order->open, 1001);
    FOUND(order->filled, 1000);
    FOUND(order->account, order->account ^ ME);
    FOUND(order->tif, MR_BOOK_TIF_IOC);
    FOUND(order->tif, MR_BOOK_TIF_FOK);
    FOUND(order->tif, 5);
    FOUND(order->post_stp, 3 | MR_BOOK_STP_ALLOW << 4);
    FOUND(order->post_stp, MR_BOOK_STP_ACCOUNT << 4);
    FOUND(order->post_stp, 6 << 4);
    FOUND(order->groups, order->groups ^ 1);
    FOUND(order->groups, order->groups ^ 2);
    FOUND(order->groups, order->groups ^ 4);
    FOUND(order->groups, order->groups | 8);
    FOUND(order->link.next, order->link.next ^ 8);
    FOUND(order->link.prev, order->link.prev ^ 8);
}

/* The leaf that would be taken next from where none were ever taken. */
static uint32_t leaf_beyond(const struct book_rig *rig)
{
    return rig->book->leaves_first + rig->book->leaf_pool.high * BOOK_LEAF_UNITS;
}

/* Quantities that go together, so that nothing but the lot is wrong. */
static void quantities_off_their_lot(void **state)
{
    struct book_rig *rig = *state;
    struct book_order *order = best_order(rig, LOTS);
    struct book_level *level = book_level_of(rig->book, order);
    order->open -= 5;
    level->quantity -= 5;
    assert_false(mr_logic_book.check(rig->book, &rig->config));
    order->open += 5;
    level->quantity += 5;
    uint64_t open = order->open;
    order->open = 0;
    level->quantity -= open;
    assert_false(mr_logic_book.check(rig->book, &rig->config));
    order->open = open;
    level->quantity += open;
    FOUND(order->filled, order->filled + 5);
}

static void prices_out_of_range_or_off_their_tick(void **state)
{
    struct book_rig *rig = *state;
    struct book_instrument *plain = book_instrument(rig->book, PLAIN - 1);
    struct book_instrument *lots = book_instrument(rig->book, LOTS - 1);
    struct book_tick_table *table = book_tick_table(rig->book, TABLE);
    FOUND(plain->price_min, 5000);
    FOUND(plain->price_max, -5000);
    FOUND(lots->tick, 7);
    FOUND(table->bands[2].tick, 7919);
}

static void levels_and_what_is_open_there(void **state)
{
    struct book_rig *rig = *state;
    struct book_order *order = best_order(rig, PLAIN);
    struct book_level *level = book_level_of(rig->book, order);
    struct book_side *side = side_of(rig, PLAIN, BUY);
    FOUND(level->quantity, level->quantity + 1);
    FOUND(level->quantity, 0);
    FOUND(level->orders, level->orders + 1);
    FOUND(level->link.next, level->link.next + 8);
    FOUND(level->link.prev, level->link.prev + 8);
    FOUND(side->levels, side->levels + 1);
    FOUND(side->orders, side->orders - 1);
    FOUND(side->best_leaf, 0);
    FOUND(side->best_key, side->best_key + 1);
    FOUND(side->best_key, side->best_key - 64);
    FOUND(side->best_leaf, side_of(rig, TICKS, BUY)->best_leaf);
    FOUND(side->root, 0);
    FOUND(side->reserved[3], 1);
    struct book_side *lots = side_of(rig, LOTS, BUY); /* whose top is not published */
    FOUND(lots->best_leaf, 0);
    FOUND(lots->best_key, lots->best_key - 1);
    FOUND(rig->book->levels, rig->book->levels + 1);
    FOUND(rig->book->live, rig->book->live + 1);
}

static void pages_of_the_tree(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    struct book_side *side = side_of(rig, PLAIN, BUY);
    struct book_page *leaf = &book_leaf(book, side->best_leaf)->page;
    FOUND(leaf->occupied, leaf->occupied << 1);
    FOUND(leaf->occupied, leaf->occupied | leaf->occupied >> 1);
    FOUND(leaf->base, leaf->base + 64);
    FOUND(leaf->parent, 0);
    FOUND(leaf->shift, 6);
    assert_false(book_page_is_leaf(book, side->root));
    struct book_branch *root = book_branch(book, side->root);
    uint32_t *child = &root->children[book_highest(root->page.occupied)];
    FOUND(root->page.occupied, root->page.occupied & (root->page.occupied - 1));
    FOUND(root->present, root->present & (root->present - 1));
    FOUND(root->present, ~UINT64_C(0));
    FOUND(root->page.occupied, root->page.occupied | (~root->present & (root->present + 1)));
    FOUND(root->page.occupied, ~UINT64_C(0));
    FOUND(root->page.base, root->page.base + 1);
    FOUND(root->page.parent, side->root);
    FOUND(root->page.shift, 7);
    FOUND(root->page.shift, 0);
    FOUND(*child, side->root);
    FOUND(*child, leaf_beyond(rig));
    FOUND(*child, *child + 1);
}

static void leaves_that_are_near(void **state)
{
    struct book_rig *rig = *state;
    struct book_side *side = side_of(rig, PLAIN, BUY);
    uint32_t at = 0;
    while (side->near[at] == 0)
        at++;
    FOUND(side->near[at], leaf_beyond(rig));
    FOUND(side->near[at], side->near[at] + 8);
    FOUND(side->near[at], rig->book->leaf_pool.free);
    uint32_t leaf = side->near[at];
    FOUND(side->near[(at + 1) % BOOK_NEAR_LEAVES], leaf);
    struct book_side *other = side_of(rig, TICKS, BUY);
    for (at = 0; other->near[at] == 0;)
        at++;
    FOUND(side->near[at], other->near[at]);
}

/* A leaf of buyers is moved to where sellers are: all of it right, but for where it is. */
static void sides_that_cross(void **state)
{
    struct book_rig *rig = *state;
    struct book_side *side = side_of(rig, PLAIN, BUY);
    assert_int_equal(book_gtc(rig, 1, BUY, 10, 5), 0);
    assert_int_equal(book_gtc(rig, 2, SELL, 20, 5), 0);
    book_check(rig);
    best_order(rig, PLAIN)->key += 64;
    *book_leaf_near(side, side->best_key) = 0;
    side->best_key += 64;
    struct book_page *leaf = &book_leaf(rig->book, side->best_leaf)->page;
    leaf->base += 64;
    assert_false(mr_logic_book.check(rig->book, &rig->config));
    leaf->base -= 64;
    side->best_key -= 64;
    best_order(rig, PLAIN)->key -= 64;
    book_check(rig);
}

/* -- Ids and pools. ---------------------------------------------------------------------------- */

static void ids_and_their_tables(void **state)
{
    struct book_rig *rig = *state;
    struct book_ids *ids = &rig->book->ids;
    const struct book_order *order = best_order(rig, PLAIN);
    struct book_id *slot =
        book_id_look(rig->book, book_instrument(rig->book, PLAIN - 1), order->id);
    FOUND(slot->hash, slot->hash ^ 1);
    FOUND(slot->ref, 0);
    FOUND(slot->ref, slot->ref + 8);
    struct book_id *empty = book_id_table(rig->book, ids->bits).slots;
    while (empty->ref != 0)
        empty++;
    FOUND(empty->hash, 1);
    FOUND(ids->bits, ids->bits + 1);
    FOUND(ids->mask, ids->mask >> 1);
    FOUND(ids->shift, ids->shift + 1);
    FOUND(ids->at, ids->at + 8);
    FOUND(ids->old_bits, 0);
    FOUND(ids->old_bits, 31);
    FOUND(ids->old_start, UINT32_C(1) << ids->old_bits);
    FOUND(ids->old_moved, 0);
    FOUND(ids->live_min, 0);
    FOUND(ids->live_span, 1);
    FOUND(rig->book->hash_key, 1);
    FOUND(book_instrument(rig->book, 0)->hash_key, 1);
}

static void what_is_free(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    struct book_leaf *leaf = book_leaf(book, book->leaf_pool.free);
    FOUND(book->order_pool.free, 0);
    FOUND(book->order_pool.free, book_order_ref(book, best_order(rig, PLAIN)));
    FOUND(book->order_pool.high, book->order_pool.high + 1);
    FOUND(book_order(book, book->order_pool.free)->groups, 1);
    FOUND(book->leaf_pool.free, 0);
    FOUND(book->leaf_pool.free, side_of(rig, PLAIN, BUY)->best_leaf);
    FOUND(book->leaf_pool.high, book->leaf_pool.high + 1);
    FOUND(book->branch_pool.high, book->branch_pool.high + 1);
    FOUND(leaf->page.occupied, 1);
    FOUND(leaf->queued, 1);
    FOUND(leaf->levels[5].quantity, 1);
    FOUND(leaf->levels[5].link.next, 0);
    FOUND(leaf->levels[63].link.prev, 0);
}

/* Leaves without orders, which are kept for a while. */
static void leaves_that_are_idle(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    struct book_leaf *first = book_leaf(book, book->idle_first);
    struct book_leaf *busy = book_leaf(book, side_of(rig, PLAIN, BUY)->best_leaf);
    assert_true(book->idle_count > 2);
    FOUND(book->idle_first, 0);
    FOUND(book->idle_first, first->idle_next);
    FOUND(book->idle_first, leaf_beyond(rig));
    FOUND(book->idle_last, book->idle_first);
    FOUND(book->idle_count, book->idle_count + 1);
    FOUND(first->idle_next, 0);
    FOUND(first->idle_next, book->idle_first);
    FOUND(first->queued, 0);
    FOUND(busy->queued, busy->queued ^ 1);
    FOUND(busy->side, 1);
    FOUND(busy->instrument, 1);
}

/* Levels that nobody rests at, of a leaf that others use. */
static void levels_that_are_not_there(void **state)
{
    struct book_rig *rig = *state;
    struct book_leaf *leaf = book_leaf(rig->book, side_of(rig, PLAIN, BUY)->best_leaf);
    uint32_t place = (uint32_t)__builtin_ctzll(~leaf->page.occupied);
    FOUND(leaf->levels[place].quantity, 1);
    FOUND(leaf->levels[place].link.next, leaf->levels[place].link.next + 1);
    FOUND(leaf->levels[place].link.prev, 0);
}

/* -- A book with next to nothing, where little else gives a damage away. ---------------------- */

static void an_empty_book(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    FOUND(book->hash_key, book->hash_key + 2);
    FOUND(book->leaves_first, book->leaves_first + 8);
    FOUND(book->orders_first, book->orders_first + 8);
    FOUND(book->ids.live_min, 1);
    FOUND(book->ids.live_span, book->ids.live_span + 1);
    FOUND(book->ids.at, book->ids.at + 8);
    FOUND(book->ids.mask, book->ids.mask >> 1);
    FOUND(book->ids.shift, book->ids.shift - 1);
    FOUND(book->ids.bits, BOOK_ID_BITS_MIN - 1);
    FOUND(book->ids.bits, 32);
}

static void one_leaf_alone(void **state)
{
    struct book_rig *rig = *state;
    assert_int_equal(book_gtc(rig, 1, BUY, 10, 5), 0);
    struct book_leaf *leaf = book_leaf(rig->book, side_of(rig, PLAIN, BUY)->root);
    FOUND(leaf->page.shift, 6);
    FOUND(leaf->page.parent, 1);
    assert_int_equal(book_cancel(rig, 1), 0);
    FOUND(leaf->page.occupied, 1);
    FOUND(leaf->levels[10].quantity, 5);
}

/* -- Anything. --------------------------------------------------------------------------------- */

/* Whatever bit is turned anywhere in what is in use, checking comes to an end, right or wrong. */
static void a_damaged_state_is_no_danger_to_whoever_checks_it(void **state)
{
    struct book_rig *rig = *state;
    struct mr_random random;
    struct mr_span spans[32];
    uint32_t found = 0, count = mr_logic_book.used(rig->book, &rig->config, spans, 32);
    mr_random_init(&random, 7);
    for (uint32_t i = 0; i < 3000; i++) {
        const struct mr_span *span = &spans[mr_random_below(&random, count)];
        uint64_t at = span->offset + mr_random_below(&random, span->size);
        unsigned char *byte = (unsigned char *)rig->book + at;
        unsigned char bit = (unsigned char)(1U << mr_random_below(&random, 8));
        *byte ^= bit;
        found += !mr_logic_book.check(rig->book, &rig->config);
        *byte ^= bit;
    }
    assert_true(found > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKEN(the_book_of_these_tests_has_some_of_everything),
        BROKEN(what_an_order_is_and_where_it_rests),
        BROKEN(quantities_off_their_lot),
        BROKEN(prices_out_of_range_or_off_their_tick),
        BROKEN(levels_and_what_is_open_there),
        BROKEN(pages_of_the_tree),
        BROKEN(leaves_that_are_near),
        SCENARIO(sides_that_cross),
        BROKEN(ids_and_their_tables),
        BROKEN(what_is_free),
        BROKEN(leaves_that_are_idle),
        BROKEN(levels_that_are_not_there),
        SCENARIO(an_empty_book),
        SCENARIO(one_leaf_alone),
        BROKEN(a_damaged_state_is_no_danger_to_whoever_checks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
