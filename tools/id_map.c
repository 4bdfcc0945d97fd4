#include "tools/id_map.h"

#include "base/assert.h"
#include "base/bits.h"

#include <stdlib.h>

enum { SLOTS_MIN = 1024 };

static uint64_t home(const struct id_map *map, struct mr_u128 id)
{
    return mr_mix64(id.low ^ mr_mix64(id.high)) & map->mask;
}

/* The slot that has the id, or the free one where the search for it ends. */
static uint64_t slot_of(const struct id_map *map, struct mr_u128 id)
{
    uint64_t at = home(map, id);
    while (map->slots[at].value != 0 && !mr_u128_equal(map->slots[at].id, id))
        at = (at + 1) & map->mask;
    return at;
}

uint32_t id_map_find(const struct id_map *map, struct mr_u128 id)
{
    return map->count == 0 ? 0 : map->slots[slot_of(map, id)].value;
}

static bool grow(struct id_map *map)
{
    uint64_t slots = map->slots == NULL ? SLOTS_MIN : 2 * (map->mask + 1);
    struct id_map larger = {.slots = calloc(slots, sizeof *larger.slots), .mask = slots - 1};
    if (larger.slots == NULL)
        return false;
    for (uint64_t i = 0; map->slots != NULL && i <= map->mask; i++) {
        if (map->slots[i].value != 0)
            larger.slots[slot_of(&larger, map->slots[i].id)] = map->slots[i];
    }
    larger.count = map->count;
    free(map->slots);
    *map = larger;
    return true;
}

bool id_map_add(struct id_map *map, struct mr_u128 id, uint32_t value)
{
    ASSERT(value != 0);
    if ((map->slots == NULL || map->count > map->mask / 2) && !grow(map))
        return false;
    uint64_t at = slot_of(map, id);
    ASSERT(map->slots[at].value == 0);
    map->slots[at] = (struct id_slot){.id = id, .value = value};
    map->count++;
    return true;
}

/* What follows moves up, as far as it may, so that every search still ends at a free slot. */
void id_map_remove(struct id_map *map, struct mr_u128 id)
{
    uint64_t hole = slot_of(map, id);
    ASSERT(map->slots[hole].value != 0);
    for (uint64_t at = (hole + 1) & map->mask; map->slots[at].value != 0;
         at = (at + 1) & map->mask) {
        uint64_t from = home(map, map->slots[at].id);
        if (((at - from) & map->mask) >= ((at - hole) & map->mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct id_slot){0};
    map->count--;
}

void id_map_free(struct id_map *map)
{
    free(map->slots);
    *map = (struct id_map){0};
}
