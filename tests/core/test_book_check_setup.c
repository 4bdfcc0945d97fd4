/* Every invariant can be broken, and is found broken: instruments, tick tables, header, groups. */
#include "tests/core/book_rich.h"

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
    FOUND(idle->blocked, 1);
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
    FOUND(kept->stp, 0);
    FOUND(book_group_find(book, BOOK_GROUP_ACCOUNT, DEFINED)->stp, 0);
    FOUND(kept->stp, 6);
    FOUND(kept->place, 1);
    FOUND(blocked->blocked, 0);
    FOUND(blocked->blocked, 2);
    FOUND(session->blocked, 1);
    FOUND(session->stp, 1);
    FOUND(session->place, 1);
    FOUND(account->blocked, 1); /* and it has orders */
}

static void the_heap_of_expiry_times(void **state)
{
    struct book_rig *rig = *state;
    struct mr_book *book = rig->book;
    struct mr_heap_key *heap = book_expiries(book).keys;
    struct book_group *first = book_group(book, heap[1].node);
    FOUND(heap[1].node, heap[2].node);
    FOUND(heap[1].node, 0);
    FOUND(heap[1].node, book->group_pool.high + 1);
    FOUND(heap[1].due_ns, heap[1].due_ns - 1);
    FOUND(heap[1].order, 1);
    FOUND(heap[1].reserved, 1);
    FOUND(heap[book->expiry_count + 1].node, 1);
    FOUND(first->place, 2);
    FOUND(first->place, 0);
    FOUND(first->stp, 1);
    FOUND(book->expiry_count, book->expiry_count - 1);
    FOUND(book->expiry_count, book->groups + 1);
    FOUND(book->expiry_token, 1);
    FOUND(book->expiry_armed, mr_book_expiry_next(book) + 1);
    struct mr_heap_key one = heap[1], two = heap[2];
    heap[1] = two; /* two have changed places, and know it */
    heap[2] = one;
    book_group(book, one.node)->place = 2;
    book_group(book, two.node)->place = 1;
    assert_false(mr_logic_book.check(book, &rig->config));
    heap[1] = one;
    heap[2] = two;
    book_group(book, one.node)->place = 1;
    book_group(book, two.node)->place = 2;
}

/* An order that came from no session says that it did; and one is said to be somebody else's. */
static void groups_that_orders_do_not_belong_to(void **state)
{
    struct book_rig *rig = *state;
    const struct book_instrument *instrument = book_instrument(rig->book, PLAIN - 1);
    uint32_t strangers = 0, owned = 0, mortal = 0;
    for (uint64_t id = 0; id < 300; id++) {
        const struct book_id *slot = book_id_look(rig->book, instrument, id);
        if (slot->ref == 0)
            continue;
        struct book_order *order = book_order(rig->book, slot->ref);
        if ((order->groups >> BOOK_GROUP_SESSION & 1) == 0 && strangers++ < 3)
            FOUND(order->groups, order->groups | 1 << BOOK_GROUP_SESSION);
        if (order->tif == MR_BOOK_TIF_GTD && mortal++ < 3)
            FOUND(order->tif, MR_BOOK_TIF_GTC);
        if (order->account == ME && owned++ < 3)
            FOUND(order->account, KEPT);
    }
    assert_true(strangers > 0 && owned > 0 && mortal > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
