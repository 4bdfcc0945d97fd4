/* Groups alone, with orders that are in nothing else: against a list of who joined what, in slots
 * that are nearly all taken, and with keys that an enemy would choose. */
#include "tests/core/book_rig.h"

#include "base/random.h"
#include "core/book/controls.h"
#include "core/book/groups.h"
#include "core/book/pool.h"

#include <stdio.h>

enum { KEYS = 40, ORDERS = 200, ROUNDS = 40000 };

/* Who is in groups, from the oldest to the youngest. */
struct member {
    struct book_order *order;
    struct book_joins joins;
};

struct world {
    struct book_rig rig;
    struct member members[ORDERS];
    uint32_t count;
};

static uint64_t seed_of_tests(void)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? 1 : strtoull(text, NULL, 10);
    printf("MR_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void world_open(struct world *world, uint32_t groups_max)
{
    struct mr_book_config config = book_config();
    config.orders_max = ORDERS;
    config.groups_max = groups_max;
    memset(world, 0, sizeof *world);
    book_open(&world->rig, &config);
}

/* Without a check of the whole: the orders of these tests are in groups and in nothing else. */
static void world_close(struct world *world)
{
    free(world->rig.book);
    free(world->rig.before);
    free(world->rig.turn.reports);
}

static void join(struct world *world, const struct book_joins *joins)
{
    uint32_t ref = book_order_take(world->rig.book);
    struct book_order *order = book_order(world->rig.book, ref);
    assert_true(world->count < ORDERS);
    order->groups = 0;
    mr_book_groups_join(world->rig.book, order, joins);
    world->members[world->count++] = (struct member){.order = order, .joins = *joins};
}

static void leave(struct world *world, uint32_t index)
{
    struct book_order *order = world->members[index].order;
    mr_book_groups_leave(world->rig.book, order);
    assert_int_equal(order->groups, 0);
    book_order_give(world->rig.book, book_order_ref(world->rig.book, order));
    world->count--;
    memmove(&world->members[index], &world->members[index + 1],
            (world->count - index) * sizeof(world->members[0]));
}

/* -- What there must be. ----------------------------------------------------------------------- */

static uint32_t members_of(const struct world *world, uint32_t kind, uint64_t key)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->count; i++)
        count += world->members[i].joins.keys[kind] == key;
    return count;
}

/* The group lists exactly who joined it, in that order, both ways. */
static void expect_list(const struct world *world, uint32_t kind, uint64_t key)
{
    const struct mr_book *book = world->rig.book;
    const struct book_group *group = book_group_find(book, kind, key);
    uint32_t expected = members_of(world, kind, key);
    if (group == NULL) {
        assert_int_equal(expected, 0);
        return;
    }
    assert_int_equal(group->count, expected);
    assert_true(expected > 0 || book_group_has_settings(group));
    uint32_t before = 0, ref = group->first;
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->members[i].joins.keys[kind] != key)
            continue;
        const struct book_order *order = world->members[i].order;
        const struct book_membership *own = &book_memberships(book, order)->of[kind];
        assert_int_equal(ref, book_order_ref(book, order));
        assert_int_equal(order->groups >> kind & 1, 1);
        assert_int_equal(own->prev, before);
        assert_int_equal(own->group, book_group_number(book, group));
        before = ref;
        ref = own->next;
    }
    assert_int_equal(ref, 0);
    assert_int_equal(group->last, before);
}

static void expect_all(const struct world *world)
{
    const struct mr_book *book = world->rig.book;
    uint32_t groups = 0, slots = 0, free_ones = 0;
    for (uint32_t kind = 0; kind < BOOK_GROUP_KINDS; kind++) {
        for (uint64_t key = 1; key <= KEYS; key++) {
            expect_list(world, kind, key);
            groups += book_group_find(book, kind, key) != NULL;
        }
    }
    for (uint32_t i = 0; i <= book_group_mask(book); i++)
        slots += book_group_slots(book)[i] != 0;
    for (uint32_t number = book->group_pool.free; number != 0;
         number = book_group(book, number)->first)
        free_ones++;
    assert_int_equal(book->groups, groups);
    assert_int_equal(slots, groups);
    assert_int_equal(free_ones + groups, book->group_pool.high);
}

/* -- Churn. ------------------------------------------------------------------------------------ */

static struct book_joins random_joins(struct mr_random *random)
{
    struct book_joins joins = {0};
    for (uint32_t kind = 0; kind < BOOK_GROUP_KINDS; kind++) {
        if (mr_random_chance(random, 2, 3))
            joins.keys[kind] = 1 + mr_random_below(random, KEYS);
    }
    return joins;
}

static uint32_t groups_missing(const struct world *world, const struct book_joins *joins)
{
    uint32_t missing = 0;
    for (uint32_t kind = 0; kind < BOOK_GROUP_KINDS; kind++)
        missing += joins->keys[kind] != 0 && members_of(world, kind, joins->keys[kind]) == 0;
    return missing;
}

/* Random orders join and leave; what is claimed about room is compared with counting. */
static void churn(struct world *world, uint64_t seed)
{
    struct mr_book *book = world->rig.book;
    struct mr_random random;
    mr_random_init(&random, seed);
    uint32_t refused = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t few = round / 1000 % 2 == 0 ? ORDERS : 20; /* it fills and empties */
        struct book_joins joins = random_joins(&random);
        bool room = mr_book_groups_have_room(book, &joins);
        assert_int_equal(room,
                         groups_missing(world, &joins) <= book->config.groups_max - book->groups);
        refused += !room;
        if (world->count > 0 && (!room || mr_random_below(&random, few) < world->count))
            leave(world, (uint32_t)mr_random_below(&random, world->count));
        else if (room)
            join(world, &joins);
        if (round % 16 == 0)
            expect_all(world);
    }
    while (world->count > 0)
        leave(world, (uint32_t)mr_random_below(&random, world->count));
    expect_all(world);
    assert_int_equal(book->groups, 0);
    assert_int_equal(book->expiry_count, 0);
    if (book->config.groups_max < BOOK_GROUP_KINDS * KEYS)
        assert_true(refused > 0);
}

static void groups_are_what_joined_them(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, BOOK_GROUP_KINDS * KEYS);
    churn(&world, seed_of_tests());
    world_close(&world);
}

static void a_full_house_says_so_before_anybody_joins(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 50);
    churn(&world, seed_of_tests() + 1);
    world_close(&world);
}

/* As many slots as fit all groups with a few to spare: long runs, that go round the end. */
static void closing_gaps_loses_nobody_in_slots_that_are_nearly_all_taken(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, BOOK_GROUP_KINDS * KEYS);
    world.rig.book->layout.group_bits = 7; /* 128 for 120 */
    churn(&world, seed_of_tests() + 2);
    world_close(&world);
}

/* -- Single things. ---------------------------------------------------------------------------- */

static void a_group_that_goes_while_its_next_order_trades_is_made_again(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 1);
    struct mr_book *book = world.rig.book;
    struct book_joins joins = {.keys = {[BOOK_GROUP_ACCOUNT] = 7}};
    join(&world, &joins);
    joins.groups[BOOK_GROUP_ACCOUNT] = book_group_lookup(book, BOOK_GROUP_ACCOUNT, 7);
    assert_true(mr_book_groups_have_room(book, &joins));
    leave(&world, 0); /* what trading may do */
    assert_int_equal(book->groups, 0);
    join(&world, &joins);
    expect_all(&world);
    assert_int_equal(book_group_find(book, BOOK_GROUP_ACCOUNT, 7)->count, 1);
    world_close(&world);
}

/* The number that was found is another account's by now. */
static void a_number_that_was_given_again_is_not_mistaken(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 2);
    struct mr_book *book = world.rig.book;
    struct book_joins one = {.keys = {[BOOK_GROUP_ACCOUNT] = 7}};
    struct book_joins other = {.keys = {[BOOK_GROUP_ACCOUNT] = 8}};
    join(&world, &one);
    assert_true(mr_book_groups_have_room(book, &one));
    leave(&world, 0);
    join(&world, &other);
    assert_int_equal(book_group_lookup(book, BOOK_GROUP_ACCOUNT, 8),
                     one.groups[BOOK_GROUP_ACCOUNT]);
    join(&world, &one);
    expect_all(&world);
    assert_int_equal(book->groups, 2);
    world_close(&world);
}

static void an_account_with_settings_stays_without_orders(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 2);
    struct mr_book *book = world.rig.book;
    struct book_group *account = mr_book_group_make(book, BOOK_GROUP_ACCOUNT, 5);
    account->stp = MR_BOOK_STP_DECREMENT;
    join(&world, &(struct book_joins){.keys = {[BOOK_GROUP_ACCOUNT] = 5}});
    leave(&world, 0);
    assert_ptr_equal(book_group_find(book, BOOK_GROUP_ACCOUNT, 5), account);
    assert_int_equal(account->stp, MR_BOOK_STP_DECREMENT);
    mr_book_group_settle(book, account);
    assert_int_equal(book->groups, 1);
    account->stp = MR_BOOK_STP_ACCOUNT;
    mr_book_group_settle(book, account);
    assert_int_equal(book->groups, 0);
    assert_null(book_group_find(book, BOOK_GROUP_ACCOUNT, 5));
    world_close(&world);
}

static void one_key_is_another_group_in_each_kind(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 3);
    join(&world, &(struct book_joins){.keys = {9, 9, 9}});
    expect_all(&world);
    assert_int_equal(world.rig.book->groups, 3);
    leave(&world, 0);
    expect_all(&world);
    world_close(&world);
}

/* -- Enemies. ---------------------------------------------------------------------------------- */

enum { MANY = 4096 };

/* How far, over all groups, they stand behind where they would like to be. */
static uint64_t way_of_all(const struct mr_book *book)
{
    uint64_t way = 0;
    for (uint32_t i = 0; i <= book_group_mask(book); i++) {
        uint32_t number = book_group_slots(book)[i];
        if (number != 0)
            way +=
                (i - book_group_home(book, book_group(book, number)->hash)) & book_group_mask(book);
    }
    return way;
}

static void keys_in_a_row_do_not_pile_up(void **state)
{
    static const uint64_t strides[] = {1,
                                       64,
                                       UINT64_C(1) << 32,
                                       UINT64_C(1) << 52,
                                       1000000000,
                                       UINT64_C(0x9e3779b97f4a7c15),
                                       UINT64_MAX};
    (void)state;
    uint64_t seed = seed_of_tests();
    for (uint32_t s = 0; s < 8 * sizeof strides / sizeof strides[0]; s++) {
        struct world world;
        struct mr_book_config config = book_config();
        config.groups_max = MANY;
        config.hash_seed = seed * 100 + s;
        memset(&world, 0, sizeof world);
        book_open(&world.rig, &config);
        for (uint64_t i = 1; i <= MANY; i++)
            assert_non_null(
                mr_book_group_make(world.rig.book, BOOK_GROUP_SESSION, i * strides[s / 8]));
        assert_true(way_of_all(world.rig.book) < MANY); /* at random, about a sixth of that */
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_what_joined_them),
        cmocka_unit_test(a_full_house_says_so_before_anybody_joins),
        cmocka_unit_test(closing_gaps_loses_nobody_in_slots_that_are_nearly_all_taken),
        cmocka_unit_test(a_group_that_goes_while_its_next_order_trades_is_made_again),
        cmocka_unit_test(a_number_that_was_given_again_is_not_mistaken),
        cmocka_unit_test(an_account_with_settings_stays_without_orders),
        cmocka_unit_test(one_key_is_another_group_in_each_kind),
        cmocka_unit_test(keys_in_a_row_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
