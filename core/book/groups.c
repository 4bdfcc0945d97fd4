#include "core/book/groups.h"

#include "core/book/controls.h"

/* A free group is of no kind, so that nobody who still has its number takes it for the one it was;
 * `first` is the number of the next free one. */
static struct book_group *group_take(struct mr_book *book)
{
    struct book_pool *pool = &book->group_pool;
    if (pool->free != 0) {
        struct book_group *group = book_group(book, pool->free);
        pool->free = group->first;
        return group;
    }
    ASSERT(pool->high < book->config.groups_max);
    return book_group(book, ++pool->high);
}

static void group_give(struct mr_book *book, struct book_group *group)
{
    *group = (struct book_group){.kind = BOOK_GROUP_KINDS, .first = book->group_pool.free};
    book->group_pool.free = book_group_number(book, group);
}

/* Puts a new group into `slot`, which is where it was not found. */
static struct book_group *group_add(struct mr_book *book, uint32_t *slot, uint32_t kind,
                                    uint64_t key)
{
    struct book_group *group = group_take(book);
    *group = (struct book_group){
        .key = key, .hash = book_group_hash(book, kind, key), .kind = (uint8_t)kind};
    *slot = book_group_number(book, group);
    book->groups++;
    if (kind == BOOK_GROUP_EXPIRY)
        mr_book_expiry_push(book, group);
    return group;
}

/* Empties the group's slot and moves later entries back to where a probe expects them. */
static void slot_close(struct mr_book *book, const struct book_group *group)
{
    uint32_t *slots = book_group_slots(book);
    uint32_t mask = book_group_mask(book);
    uint32_t number = book_group_number(book, group);
    uint32_t i = book_group_home(book, group->hash);
    while (slots[i] != number) {
        VERIFY(slots[i] != 0);
        i = (i + 1) & mask;
    }
    for (uint32_t j = (i + 1) & mask; slots[j] != 0; j = (j + 1) & mask) {
        uint32_t home = book_group_home(book, book_group(book, slots[j])->hash);
        if (((j - home) & mask) >= ((j - i) & mask)) { /* a probe from its home passes the gap */
            slots[i] = slots[j];
            i = j;
        }
    }
    slots[i] = 0;
}

struct book_group *mr_book_group_make(struct mr_book *book, enum book_group_kind kind, uint64_t key)
{
    uint32_t *slot = book_group_slot(book, kind, key);
    if (*slot != 0)
        return book_group(book, *slot);
    if (book->groups == book->config.groups_max)
        return NULL;
    return group_add(book, slot, kind, key);
}

void mr_book_group_settle(struct mr_book *book, struct book_group *group)
{
    if (group->count > 0 || book_group_has_settings(group))
        return;
    if (group->kind == BOOK_GROUP_EXPIRY)
        mr_book_expiry_remove(book, group);
    slot_close(book, group);
    group_give(book, group);
    book->groups--;
}

/* -- Orders. ----------------------------------------------------------------------------------- */

bool mr_book_groups_have_room(const struct mr_book *book, struct book_joins *joins)
{
    uint32_t missing = 0, room = book->config.groups_max - book->groups;
    if (MR_LIKELY(room >= BOOK_GROUP_KINDS))
        return true;
    for (uint32_t kind = 0; kind < BOOK_GROUP_KINDS; kind++) {
        if (joins->keys[kind] == 0)
            continue;
        if (joins->groups[kind] == 0)
            joins->groups[kind] = book_group_lookup(book, kind, joins->keys[kind]);
        missing += joins->groups[kind] == 0;
    }
    return missing <= room;
}

/* Its group was there before the order traded. If it is not any more, it has made room. */
static struct book_group *group_joined(struct mr_book *book, const struct book_joins *joins,
                                       uint32_t kind)
{
    uint64_t key = joins->keys[kind];
    if (MR_LIKELY(joins->groups[kind] != 0)) {
        struct book_group *group = book_group(book, joins->groups[kind]);
        if (MR_LIKELY(book_group_is(group, kind, key)))
            return group;
    }
    struct book_group *group = mr_book_group_make(book, kind, key);
    ASSERT(group != NULL);
    return group;
}

static void append(const struct mr_book *book, struct book_group *group, uint32_t kind,
                   struct book_membership *own, uint32_t ref)
{
    *own = (struct book_membership){.group = book_group_number(book, group), .prev = group->last};
    if (group->last != 0)
        book_memberships(book, book_order(book, group->last))->of[kind].next = ref;
    else
        group->first = ref;
    group->last = ref;
    group->count++;
}

void mr_book_groups_join(struct mr_book *book, struct book_order *order,
                         const struct book_joins *joins)
{
    struct book_memberships *memberships = book_memberships(book, order);
    uint32_t ref = book_order_ref(book, order);
    uint32_t groups = 0;
    for (uint32_t kind = 0; kind < BOOK_GROUP_KINDS; kind++) {
        if (joins->keys[kind] == 0)
            continue;
        append(book, group_joined(book, joins, kind), kind, &memberships->of[kind], ref);
        groups |= 1U << kind;
    }
    order->groups = (uint8_t)groups;
    uint32_t places =
        (ref - book->orders_first) / (uint32_t)(sizeof(struct book_order) / BOOK_UNIT) + 1;
    if (groups != 0 && places > book->memberships_high)
        book->memberships_high = places;
}

static void leave(struct mr_book *book, const struct book_membership *own, uint32_t kind)
{
    struct book_group *group = book_group(book, own->group);
    if (own->prev != 0)
        book_memberships(book, book_order(book, own->prev))->of[kind].next = own->next;
    else
        group->first = own->next;
    if (own->next != 0)
        book_memberships(book, book_order(book, own->next))->of[kind].prev = own->prev;
    else
        group->last = own->prev;
    if (--group->count == 0)
        mr_book_group_settle(book, group);
}

void mr_book_groups_leave(struct mr_book *book, struct book_order *order)
{
    const struct book_memberships *memberships = book_memberships(book, order);
    for (uint32_t groups = order->groups; groups != 0; groups &= groups - 1) {
        uint32_t kind = (uint32_t)__builtin_ctz(groups);
        leave(book, &memberships->of[kind], kind);
    }
    order->groups = 0;
}
