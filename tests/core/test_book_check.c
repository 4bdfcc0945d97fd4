/* Every invariant can be broken, and is found broken: one field at a time, in a book that has some
 * of everything. */
#include "tests/core/book_rig.h"

#include "base/random.h"
#include "core/book/controls.h"
#include "core/book/instruments.h"
#include "core/book/orders.h"

enum {
    PLAIN = 1,
    TICKS,
    LOTS,
    HALTED,
    TABLE = 3,
    ME = 7,
    BLOCKED = 8,
    KEPT = 9,
    DEFINED = 10,
    NOW = 1000
};

/* -- A book with some of everything. ----------------------------------------------------------- */

static void define_all(struct book_rig *rig)
{
    for (int64_t from = 0; from < 30; from += 10)
        BOOK_APPLY(rig, MR_BOOK_TICK_BAND_ADD, tick_band_add, .from = from,
                   .tick = (uint32_t)from / 10 + 1, .tick_table = TABLE);
    BOOK_APPLY(rig, MR_BOOK_TICK_BAND_ADD, tick_band_add, .from = 5, .tick = 5, .tick_table = 1);
    book_define(rig, PLAIN, INT64_MIN, INT64_MAX, 1000);
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "TICKS",
               .price_max = 6000, .quantity_max = 1000, .instrument = TICKS, .tick_table = TABLE);
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "LOTS",
               .price_max = 6000, .quantity_max = 1000, .lot = 10, .instrument = LOTS, .tick = 5);
    BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_DEFINE, instrument_define, .symbol = "HALTED",
               .price_max = 1000, .quantity_max = 1000, .instrument = HALTED,
               .phase = MR_BOOK_PHASE_HALTED);
    for (uint32_t instrument = PLAIN; instrument <= TICKS; instrument++)
        BOOK_APPLY(rig, MR_BOOK_INSTRUMENT_UPDATE, instrument_update, .reference = 50,
                   .collar = 100, .instrument = instrument, .day_end = 3600,
                   .top = MR_BOOK_SWITCH_YES);
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = KEPT,
               .stp = MR_BOOK_STP_DECREMENT);
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_DEFINE, account_define, .account = DEFINED);
    BOOK_APPLY(rig, MR_BOOK_ACCOUNT_BLOCK, account_block, .account = BLOCKED);
}

static void trade_some(struct book_rig *rig, struct mr_random *random)
{
    static const uint8_t tifs[] = {MR_BOOK_TIF_GTC, MR_BOOK_TIF_GTC, MR_BOOK_TIF_DAY,
                                   MR_BOOK_TIF_GTD};
    uint64_t order = mr_random_below(random, 300);
    uint32_t instrument = PLAIN + (uint32_t)mr_random_below(random, 3);
    uint8_t tif = tifs[mr_random_below(random, 4)];
    int64_t distance = (int64_t)mr_random_below(random, 60) * 30;
    uint8_t side = mr_random_chance(random, 1, 2) ? BUY : SELL;
    rig->turn.session = mr_random_below(random, 4);
    if (mr_random_chance(random, 1, 4))
        BOOK_APPLY(rig, MR_BOOK_ORDER_CANCEL, order_cancel, .order = order,
                   .instrument = instrument);
    else
        BOOK_NEW(rig, .order = order, .account = ME * mr_random_below(random, 2),
                 .price = side == BUY ? 3000 - distance : 2880 + distance,
                 .quantity = 10 + 10 * mr_random_below(random, 9),
                 .expires_ns = tif == MR_BOOK_TIF_GTD ? NOW + 1 + (uint64_t)distance : 0,
                 .instrument = instrument, .side = side, .tif = tif,
                 .post = order % 3 == 0 ? MR_BOOK_POST_REPRICE : MR_BOOK_POST_NO);
}

/* More pages than are kept for orders that come back, so that some are free. */
static void leave_pages(struct book_rig *rig)
{
    for (uint64_t order = 0; order < BOOK_IDLE_LEAVES + 20; order++)
        assert_int_equal(book_gtc(rig, order, BUY, -100000 - 64 * (int64_t)order, 1), 0);
    for (uint64_t order = 0; order < BOOK_IDLE_LEAVES + 20; order++)
        assert_int_equal(book_cancel(rig, order), 0);
}

/* Also in the middle of bringing ids over to a table of another size. */
static bool is_rich(const struct mr_book *book)
{
    return book->ids.old_bits != 0 && book->order_pool.free != 0 && book->leaf_pool.free != 0 &&
           book->group_pool.free != 0;
}

static void open_rich(struct book_rig *rig)
{
    struct mr_book_config config = book_config();
    struct mr_random random;
    config.levels_max = 600;
    book_open(rig, &config);
    rig->turn.time_ns = NOW;
    define_all(rig);
    leave_pages(rig);
    mr_random_init(&random, 42);
    for (uint32_t i = 0; i < 1000 || !is_rich(rig->book); i++)
        trade_some(rig, &random);
    rig->turn.session = 0;
    book_check(rig);
}

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

static int open_state(void **state)
{
    static struct book_rig rig;
    open_rich(&rig);
    *state = &rig;
    return 0;
}

/* Breaks one thing, sees it found, and mends it. */
#define FOUND(lvalue, wrong)                                                      \
    do {                                                                          \
        __typeof__(lvalue) right_ = lvalue;                                       \
        lvalue = wrong;                                                           \
        assert_true(lvalue != right_);                                            \
        if (mr_logic_book.check(rig->book, &rig->config))                         \
            fail_msg("line %d: " #lvalue " = " #wrong " is not found", __LINE__); \
        lvalue = right_;                                                          \
        book_check(rig);                                                          \
    } while (0)

/* -- Orders and levels. ------------------------------------------------------------------------ */

static struct book_side *side_of(const struct book_rig *rig, uint32_t instrument, uint32_t side)
{
    return &book_instrument(rig->book, instrument - 1)->sides[side];
}

static struct book_order *best_order(const struct book_rig *rig, uint32_t instrument)
{
    const struct mr_book *book = rig->book;
    uint32_t level = book_best_level(book, side_of(rig, instrument, BUY));
    return book_order(book, book_link(book, level)->next);
}

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
    FOUND(level->link.next, level->link.next + 8);
    FOUND(level->link.prev, level->link.prev + 8);
    FOUND(side->levels, side->levels + 1);
    FOUND(side->orders, side->orders - 1);
    FOUND(side->best_leaf, 0);
    FOUND(side->best_leaf, side_of(rig, TICKS, BUY)->best_leaf);
    FOUND(side->root, 0);
    FOUND(side->reserved[3], 1);
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
    *book_leaf_near(side, book_best_key(rig->book, side)) = 0;
    struct book_page *leaf = &book_leaf(rig->book, side->best_leaf)->page;
    leaf->base += 64;
    assert_false(mr_logic_book.check(rig->book, &rig->config));
    leaf->base -= 64;
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

/* -- Instruments. ------------------------------------------------------------------------------ */

static void settings_of_instruments(void **state)
{
    struct book_rig *rig = *state;
    struct book_instrument *plain = book_instrument(rig->book, PLAIN - 1);
    struct book_instrument *lots = book_instrument(rig->book, LOTS - 1);
    struct book_instrument *ticks = book_instrument(rig->book, TICKS - 1);
    struct book_instrument *halted = book_instrument(rig->book, HALTED - 1);
    FOUND(plain->id, 77);
    FOUND(halted->hash_key, 1); /* with no order that would not be found by it */
    FOUND(plain->special, plain->special ^ BOOK_NOT_CONTINUOUS);
    FOUND(plain->special, plain->special ^ BOOK_HAS_TICKS);
    FOUND(plain->special, plain->special ^ BOOK_HAS_LOT);
    FOUND(plain->special, plain->special ^ BOOK_HAS_TOP);
    FOUND(plain->special, plain->special ^ BOOK_IS_WIDE);
    FOUND(plain->special, plain->special | 32);
    FOUND(halted->phase, 0);
    FOUND(halted->phase, 3);
    FOUND(halted->quantity_max, 0);
    FOUND(halted->quantity_max, UINT64_MAX);
    FOUND(halted->price_min, 1001);
    FOUND(lots->lot, 1001);
    FOUND(plain->day_end, 86400);
    FOUND(plain->price_decimals, 19);
    FOUND(plain->quantity_decimals, 19);
    FOUND(plain->symbol[0], 0);
    FOUND(plain->reserved[0], 1);
    FOUND(plain->trades, plain->trades + 1);
    FOUND(halted->last_price, 1);
    FOUND(plain->collar_base, 123456);
    FOUND(ticks->tick, 1);
    FOUND(ticks->tick_table, 0);
    FOUND(ticks->tick_table, 1);
    FOUND(ticks->tick_table, 2);
    FOUND(ticks->tick_table, 5);
}

static void tops_that_were_published(void **state)
{
    struct book_rig *rig = *state;
    struct book_instrument *ticks = book_instrument(rig->book, TICKS - 1);
    FOUND(ticks->bid_price, ticks->bid_price + 1);
    FOUND(ticks->bid_quantity, ticks->bid_quantity + 1);
    FOUND(ticks->ask_price, 0);
    FOUND(ticks->ask_quantity, 0);
    FOUND(book_instrument(rig->book, LOTS - 1)->bid_price, 1); /* which publishes none */
}

static void tick_tables(void **state)
{
    struct book_rig *rig = *state;
    struct book_tick_table *used = book_tick_table(rig->book, TABLE);
    struct book_tick_table *idle = book_tick_table(rig->book, 1);
    struct book_tick_table *empty = book_tick_table(rig->book, 2);
    FOUND(used->users, 0);
    FOUND(used->users, 2);
    FOUND(idle->users, 1);
    FOUND(empty->users, 1);
    FOUND(used->count, 2);
    FOUND(used->count, 4);
    FOUND(idle->count, 33);
    FOUND(idle->bands[0].tick, 0);
    FOUND(idle->bands[0].tick, UINT64_C(1) << 32);
    FOUND(used->bands[1].from, 0);
    FOUND(empty->bands[31].from, 1);
    FOUND(empty->bands[31].tick, 1);
    FOUND(empty->reserved[13], 1);
    idle->users++;
    used->users--; /* as many users as before, but not whose they are */
    assert_false(mr_logic_book.check(rig->book, &rig->config));
    idle->users--;
    used->users++;
    book_check(rig);
}

static void the_header(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    uint32_t *slots = book_at(book, book->layout.instrument_slots);
    uint32_t at = 0;
    while (slots[at] == 0)
        at++;
    FOUND(slots[at], 0);
    FOUND(slots[at], 5);
    FOUND(book->instrument_count, 3);
    FOUND(book->recent_id, 77);
    FOUND(book->recent_instrument, 9);
    FOUND(book->recent_ref, book->recent_ref + 8);
    FOUND(book->trades, book->trades + 1);
    FOUND(book->leaves_first, book->leaves_first + 1);
    FOUND(book->orders_first, book->orders_first + 1);
    FOUND(book->sweep.orders, 1);
    FOUND(book->sweep.order, 1);
    FOUND(book->sweep.instrument, 1);
    FOUND(book->config.fills_max, 1);
    FOUND(book->layout.size, 1);
}

/* -- Groups. ----------------------------------------------------------------------------------- */

/* An order of the middle of the list of an account. */
static struct book_order *middle_order(const struct book_rig *rig)
{
    const struct book_group *account = book_group_find(rig->book, BOOK_GROUP_ACCOUNT, ME);
    const struct book_order *first = book_order(rig->book, account->first);
    const struct book_memberships *of = book_memberships(rig->book, first);
    return book_order(rig->book, of->of[BOOK_GROUP_ACCOUNT].next);
}

static void lists_of_groups(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    struct book_group *account = book_group_find(book, BOOK_GROUP_ACCOUNT, ME);
    struct book_membership *own =
        &book_memberships(book, middle_order(rig))->of[BOOK_GROUP_ACCOUNT];
    assert_true(own->next != 0 && own->prev != 0);
    FOUND(own->group, own->group + 1);
    FOUND(own->next, own->prev);
    FOUND(own->next, 0);
    FOUND(own->next, book->order_pool.free);
    FOUND(own->next, book->orders_first - 8);
    FOUND(own->prev, 0);
    FOUND(account->first, own->next);
    FOUND(account->first, 0);
    FOUND(account->last, account->first);
    FOUND(account->count, account->count + 1);
    FOUND(account->count, account->count - 1);
    FOUND(book->memberships_high, 1);
    FOUND(book->memberships_high, book->order_pool.high + 1);
}

static void groups_and_their_slots(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    struct book_group *account = book_group_find(book, BOOK_GROUP_ACCOUNT, ME);
    uint32_t *slot = book_group_slot(book, BOOK_GROUP_ACCOUNT, ME);
    FOUND(*slot, 0);
    FOUND(*slot, *slot + 1);
    FOUND(*slot, book->group_pool.high + 1);
    FOUND(*slot, book->group_pool.free);
    FOUND(account->hash, account->hash ^ 1);
    FOUND(account->key, 77);
    FOUND(account->kind, BOOK_GROUP_SESSION);
    FOUND(account->kind, BOOK_GROUP_KINDS);
    FOUND(account->place, 1);
    FOUND(book->groups, book->groups + 1);
    FOUND(book->group_pool.high, book->group_pool.high + 1);
    FOUND(book->group_pool.free, 0);
    struct book_group *idle = book_group(book, book->group_pool.free);
    FOUND(idle->kind, BOOK_GROUP_ACCOUNT);
    FOUND(idle->first, book->group_pool.free);
    FOUND(idle->key, 1);
    FOUND(idle->count, 1);
    FOUND(idle->hash, 1);
    FOUND(idle->last, 1);
    FOUND(idle->place, 1);
    FOUND(idle->kept, 1);
}

/* An account that stands in a slot where it is not found. */
static void groups_that_probes_pass_by(void **state)
{
    struct book_rig *rig = *state;
    uint32_t *slots = book_group_slots(rig->book);
    uint32_t *slot = book_group_slot(rig->book, BOOK_GROUP_ACCOUNT, ME);
    uint32_t number = *slot, at = 0;
    while (slots[at] != 0 || slots[(at + book_group_mask(rig->book)) & book_group_mask(rig->book)])
        at++;
    *slot = 0;
    slots[at] = number;
    assert_false(mr_logic_book.check(rig->book, &rig->config));
    *slot = number;
    slots[at] = 0;
    book_check(rig);
}

static void settings_of_accounts(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    struct book_group *account = book_group_find(book, BOOK_GROUP_ACCOUNT, ME);
    struct book_group *kept = book_group_find(book, BOOK_GROUP_ACCOUNT, KEPT);
    struct book_group *blocked = book_group_find(book, BOOK_GROUP_ACCOUNT, BLOCKED);
    struct book_group *session = book_group_find(book, BOOK_GROUP_SESSION, 2);
    FOUND(account->blocked, 1);
    FOUND(account->stp, 1);
    FOUND(kept->kept, 0);
    FOUND(book_group_find(book, BOOK_GROUP_ACCOUNT, DEFINED)->kept, 0);
    FOUND(kept->kept, 2);
    FOUND(kept->stp, 6);
    FOUND(kept->place, 1);
    FOUND(blocked->kept, 0);
    FOUND(blocked->blocked, 2);
    FOUND(session->kept, 1);
    FOUND(session->blocked, 1);
    FOUND(session->stp, 1);
    FOUND(session->place, 1);
    account->kept = 1;
    FOUND(account->blocked, 1); /* and it has orders */
    account->kept = 0;
}

static void the_heap_of_expiry_times(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    uint32_t *heap = book_expiries(book);
    struct book_group *first = book_group(book, heap[1]);
    FOUND(heap[1], heap[2]);
    FOUND(heap[0], 1);
    FOUND(heap[book->expiry_count + 1], 1);
    FOUND(first->place, 2);
    FOUND(first->place, 0);
    FOUND(first->kept, 1);
    FOUND(book->expiry_count, book->expiry_count - 1);
    FOUND(book->expiry_count, book->groups + 1);
    FOUND(book->expiry_token, 1);
    FOUND(book->expiry_armed, mr_book_expiry_next(book) + 1);
    FOUND(heap[2], heap[3]);
    uint32_t last = heap[2];
    book_group(book, heap[1])->place = 2;
    book_group(book, heap[2])->place = 1;
    heap[2] = heap[1];
    heap[1] = last; /* two have changed places, and know it */
    assert_false(mr_logic_book.check(book, &rig->config));
    heap[1] = heap[2];
    heap[2] = last;
    book_group(book, heap[1])->place = 1;
    book_group(book, heap[2])->place = 2;
}

/* An order that came from no session says that it did; and one is said to be somebody else's. */
static void groups_that_orders_do_not_belong_to(void **state)
{
    struct book_rig *rig = *state;
    const struct book_instrument *instrument = book_instrument(rig->book, PLAIN - 1);
    uint32_t strangers = 0, owned = 0;
    for (uint64_t id = 0; id < 300; id++) {
        const struct book_id *slot = book_id_look(rig->book, instrument, id);
        if (slot->ref == 0)
            continue;
        struct book_order *order = book_order(rig->book, slot->ref);
        if ((order->groups >> BOOK_GROUP_SESSION & 1) == 0 && strangers++ < 3)
            FOUND(order->groups, order->groups | 1 << BOOK_GROUP_SESSION);
        if (order->account == ME && owned++ < 3)
            FOUND(order->account, KEPT);
    }
    assert_true(strangers > 0 && owned > 0);
}

/* -- A book with next to nothing: what else would give a damage away is not there. -------------- */

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

#define BROKEN(name) cmocka_unit_test_setup_teardown(name, open_state, book_close_plain)

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
        BROKEN(settings_of_instruments),
        BROKEN(tops_that_were_published),
        BROKEN(tick_tables),
        BROKEN(the_header),
        BROKEN(lists_of_groups),
        BROKEN(groups_and_their_slots),
        BROKEN(groups_that_probes_pass_by),
        BROKEN(settings_of_accounts),
        BROKEN(the_heap_of_expiry_times),
        BROKEN(groups_that_orders_do_not_belong_to),
        SCENARIO(an_empty_book),
        SCENARIO(one_leaf_alone),
        BROKEN(a_damaged_state_is_no_danger_to_whoever_checks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
