/*
 * Groups: their slots, their lists of orders, and the heap of those that expire.
 */
#include "core/book/check_parts.h"
#include "core/book/controls.h"

/* -- Settings. --------------------------------------------------------------------------------- */

/* Between commands, a blocked account has no orders left. */
static bool check_account(const struct book_group *group)
{
    CHECK(group->key != 0 && group->place == 0);
    CHECK(group->blocked <= 1);
    CHECK(!group->blocked || group->count == 0);
    return group->stp <= MR_BOOK_STP_DECREMENT;
}

static bool check_settings(const struct mr_book *book, const struct book_group *group)
{
    if (group->kind == BOOK_GROUP_ACCOUNT)
        return check_account(group);
    CHECK(group->key != 0 && !book_group_has_settings(group));
    if (group->kind == BOOK_GROUP_SESSION)
        return group->place == 0;
    return mr_heap_holds(book_expiries(book), book_expiry_key(book, group));
}

/* -- Lists. ------------------------------------------------------------------------------------ */

static bool is_live(const struct mr_book *book, uint32_t ref)
{
    return mr_book_check_order_ref(book, ref) &&
           book_order(book, ref)->instrument < book->instrument_count &&
           mr_book_check_id(book, book_order(book, ref))->ref == ref;
}

static bool check_list(const struct mr_book *book, const struct book_group *group)
{
    uint32_t before = 0, count = 0;
    for (uint32_t ref = group->first; ref != 0; count++) {
        CHECK(count < group->count);
        CHECK(is_live(book, ref));
        const struct book_order *order = book_order(book, ref);
        const struct book_membership *own = &book_memberships(book, order)->of[group->kind];
        CHECK((order->groups >> group->kind & 1) != 0);
        CHECK(group->kind != BOOK_GROUP_ACCOUNT || order->account == group->key);
        CHECK(own->group == book_group_number(book, group));
        CHECK(own->prev == before);
        before = ref;
        ref = own->next;
    }
    return group->last == before && count == group->count;
}

static bool check_group(const struct mr_book *book, const struct book_group *group)
{
    CHECK(group->hash == book_group_hash(book, group->kind, group->key));
    CHECK(group->count > 0 || book_group_has_settings(group));
    CHECK(check_settings(book, group));
    return check_list(book, group);
}

/* -- Slots and what is free. ------------------------------------------------------------------- */

/* No slot leads anywhere but to a group, and some to none, so that probes end. */
static bool check_slots(const struct mr_book *book)
{
    const uint32_t *slots = book_group_slots(book);
    uint64_t count = 0, size = UINT64_C(1) << book->layout.group_bits;
    for (uint64_t i = 0; i < size; i++) {
        CHECK(slots[i] <= book->group_pool.high);
        CHECK(slots[i] == 0 || book_group(book, slots[i])->kind < BOOK_GROUP_KINDS);
        count += slots[i] != 0;
    }
    return count == book->groups && count < size;
}

static bool check_free(const struct mr_book *book)
{
    uint32_t count = 0;
    for (uint32_t number = book->group_pool.free; number != 0; count++) {
        CHECK(number <= book->group_pool.high && count < book->group_pool.high);
        const struct book_group *group = book_group(book, number);
        CHECK(group->kind == BOOK_GROUP_KINDS && group->key == 0 && group->count == 0);
        CHECK(group->last == 0 && group->place == 0 && group->hash == 0);
        CHECK(!book_group_has_settings(group) && group->reserved == 0);
        number = group->first;
    }
    return count + book->groups == book->group_pool.high;
}

/* -- The heap. --------------------------------------------------------------------------------- */

static bool check_heap(const struct mr_book *book, uint32_t expiries)
{
    CHECK(book->expiry_count == expiries);
    CHECK(mr_heap_check(book_expiries(book), book->group_pool.high));
    CHECK(book->expiry_armed != 0 || book->expiry_token == 0);
    return book->expiry_armed == 0 || book->expiry_armed <= mr_book_expiry_next(book);
}

/* With as many memberships in lists as orders have, each of them is in its own. */
bool mr_book_check_groups(const struct mr_book *book, const struct book_tally *tally)
{
    const uint32_t *slots = book_group_slots(book);
    uint64_t memberships = 0;
    uint32_t expiries = 0;
    CHECK(book->groups <= book->config.groups_max);
    CHECK(book->group_pool.high <= book->config.groups_max);
    CHECK(check_slots(book));
    CHECK(check_free(book));
    CHECK(book->expiry_count <= book->groups);
    for (uint64_t i = 0; i < UINT64_C(1) << book->layout.group_bits; i++) {
        if (slots[i] == 0)
            continue;
        const struct book_group *group = book_group(book, slots[i]);
        CHECK(book_group_slot(book, group->kind, group->key) == &slots[i]);
        CHECK(check_group(book, group));
        memberships += group->count;
        expiries += group->kind == BOOK_GROUP_EXPIRY;
    }
    CHECK(memberships == tally->memberships);
    CHECK(book->memberships_high >= tally->memberships_high);
    CHECK(book->memberships_high <= book->order_pool.high);
    return check_heap(book, expiries);
}
