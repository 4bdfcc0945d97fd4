/*
 * Groups of live orders: those of an account, those that came from a session, those that expire at
 * one time. An order is in at most one of each kind; an order that names none of them is in none,
 * and costs nothing here.
 *
 * A group is found by its kind and key (linear probing at a load of at most a quarter, keyed as
 * order ids are) and lists its orders from the oldest to the youngest. It comes with its first
 * order and goes with its last, but for accounts that have settings.
 */
#ifndef MR_CORE_BOOK_GROUPS_H
#define MR_CORE_BOOK_GROUPS_H

#include "core/book/state.h"

/* What an order that may rest belongs to. The keys are given; the groups may be found beforehand
 * (book_group_lookup), for whoever wants to know something of them, and are else found when they
 * are needed. */
struct book_joins {
    uint64_t keys[BOOK_GROUP_KINDS];   /* 0: nothing */
    uint32_t groups[BOOK_GROUP_KINDS]; /* numbers of those that were found, 0: not found, or not
                                          looked for */
};

/* -- Finding. ---------------------------------------------------------------------------------- */

/* As book_id_hash: nobody who does not know the seed can choose keys that share a home. The kind is
 * in the bits that matter least to the keys in use. */
static inline uint32_t book_group_hash(const struct mr_book *book, uint32_t kind, uint64_t key)
{
    uint64_t mixed = (key ^ (uint64_t)kind << 62) * book->hash_key;
    mixed ^= mixed >> 32;
    mixed *= book->hash_key;
    mixed ^= mixed >> 32;
    return (uint32_t)((mixed * book->hash_key) >> 32);
}

static inline uint32_t *book_group_slots(const struct mr_book *book)
{
    return book_at(book, book->layout.group_slots);
}

static inline uint32_t book_group_mask(const struct mr_book *book)
{
    return (UINT32_C(1) << book->layout.group_bits) - 1;
}

static inline uint32_t book_group_home(const struct mr_book *book, uint32_t hash)
{
    return hash >> (32 - book->layout.group_bits);
}

static inline bool book_group_is(const struct book_group *group, uint32_t kind, uint64_t key)
{
    return group->key == key && group->kind == kind;
}

/* The slot of the group of that kind and key, or the empty one where it would be. */
static inline uint32_t *book_group_slot(const struct mr_book *book, uint32_t kind, uint64_t key)
{
    uint32_t *slots = book_group_slots(book);
    uint32_t mask = book_group_mask(book);
    uint32_t i = book_group_home(book, book_group_hash(book, kind, key));
    while (slots[i] != 0 && !book_group_is(book_group(book, slots[i]), kind, key))
        i = (i + 1) & mask;
    return &slots[i];
}

/* The number of the group of that kind and key; 0: there is none. */
static inline uint32_t book_group_lookup(const struct mr_book *book, enum book_group_kind kind,
                                         uint64_t key)
{
    return *book_group_slot(book, kind, key);
}

/* The group itself; NULL: there is none. */
static inline struct book_group *book_group_find(const struct mr_book *book,
                                                 enum book_group_kind kind, uint64_t key)
{
    uint32_t number = book_group_lookup(book, kind, key);
    return number == 0 ? NULL : book_group(book, number);
}

/* -- Coming and going. ------------------------------------------------------------------------- */

/* The group of that kind and key, made if need be; NULL: groups_max are in use. */
struct book_group *mr_book_group_make(struct mr_book *book, enum book_group_kind kind,
                                      uint64_t key);

/* An account that is as any other is has no settings. */
static inline bool book_group_has_settings(const struct book_group *group)
{
    return (group->stp | group->blocked) != 0;
}

/* Gives a group back if it has neither orders nor settings. */
void mr_book_group_settle(struct mr_book *book, struct book_group *group);

/* Whether there is room for all groups that an order is to join. Keeps what it has to find. */
bool mr_book_groups_have_room(const struct mr_book *book, struct book_joins *joins);

/* The order, which rests now and is in no group, joins those; there was room when it came. What has
 * been found since then may have gone with its last order meanwhile. */
void mr_book_groups_join(struct mr_book *book, struct book_order *order,
                         const struct book_joins *joins);

/* The order leaves all its groups. */
void mr_book_groups_leave(struct mr_book *book, struct book_order *order);

#endif
