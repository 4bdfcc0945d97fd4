/*
 * Open addressing with linear probing; what is removed leaves no trace, because those behind it
 * move up.
 */
#include "tools/order_map.h"

#include "base/assert.h"
#include "base/bits.h"

#include <stdlib.h>

enum { SLOTS_MIN = 1024 };

/* Where the search for an order begins. Nobody but its own user can choose the ids of a file, so
 * there is nothing to hide. */
static uint64_t home_of(const struct order_map *map, uint64_t order)
{
    return mr_mix64(order + UINT64_C(0x9e3779b97f4a7c15)) & map->mask;
}

struct order_entry *order_map_find(const struct order_map *map, uint64_t order)
{
    if (map->count == 0)
        return NULL;
    uint64_t at = home_of(map, order);
    while (map->slots[at].open != 0) {
        if (map->slots[at].order == order)
            return &map->slots[at];
        at = (at + 1) & map->mask;
    }
    return NULL;
}

static void insert(struct order_map *map, struct order_entry entry)
{
    uint64_t at = home_of(map, entry.order);
    while (map->slots[at].open != 0)
        at = (at + 1) & map->mask;
    map->slots[at] = entry;
    map->count++;
}

static bool grow(struct order_map *map)
{
    uint64_t slots = map->slots == NULL ? SLOTS_MIN : 2 * (map->mask + 1);
    struct order_map larger = {.slots = calloc(slots, sizeof *larger.slots), .mask = slots - 1};
    if (larger.slots == NULL)
        return false;
    for (uint64_t i = 0; map->slots != NULL && i <= map->mask; i++) {
        if (map->slots[i].open != 0)
            insert(&larger, map->slots[i]);
    }
    free(map->slots);
    *map = larger;
    return true;
}

bool order_map_put(struct order_map *map, struct order_entry entry)
{
    ASSERT(entry.open != 0);
    struct order_entry *there = order_map_find(map, entry.order);
    if (there != NULL) {
        *there = entry;
        return true;
    }
    /* At most half full, so that searches stay short. */
    if ((map->slots == NULL || 2 * (map->count + 1) > map->mask) && !grow(map))
        return false;
    insert(map, entry);
    return true;
}

void order_map_remove(struct order_map *map, struct order_entry *entry)
{
    uint64_t hole = (uint64_t)(entry - map->slots);
    ASSERT(hole <= map->mask);
    ASSERT(map->count > 0);
    map->count--;
    for (uint64_t at = (hole + 1) & map->mask; map->slots[at].open != 0;
         at = (at + 1) & map->mask) {
        /* It moves into the hole unless its search begins behind that. */
        uint64_t home = home_of(map, map->slots[at].order);
        if (((at - home) & map->mask) >= ((at - hole) & map->mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct order_entry){0};
}

void order_map_free(struct order_map *map)
{
    free(map->slots);
    *map = (struct order_map){0};
}
