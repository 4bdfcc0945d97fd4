/*
 * Numbers by ids of 128 bits, as many as there is memory for.
 */
#ifndef MR_TOOLS_ID_MAP_H
#define MR_TOOLS_ID_MAP_H

#include <millrace/u128.h>

struct id_slot {
    struct mr_u128 id;
    uint32_t value; /* 0: the slot is free */
    uint32_t padding;
};

/* All zero: empty. */
struct id_map {
    struct id_slot *slots;
    uint64_t mask; /* slots less one */
    uint64_t count;
};

/* The id's number, 0: it has none. */
uint32_t id_map_find(const struct id_map *map, struct mr_u128 id);

/* Gives a number, not 0, to an id that has none. False: there is no memory. */
bool id_map_add(struct id_map *map, struct mr_u128 id, uint32_t value);

/* Takes an id out that is there. */
void id_map_remove(struct id_map *map, struct mr_u128 id);

void id_map_free(struct id_map *map);

#endif
