/*
 * Orders by their id, as many as there is memory for: what an importer remembers of those that live
 * in its feed, or in the book.
 */
#ifndef MR_TOOLS_ORDER_MAP_H
#define MR_TOOLS_ORDER_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct order_entry {
    uint64_t order;
    uint64_t open;  /* above 0 */
    uint64_t total; /* whatever its user keeps here */
};

/* All zero: empty. */
struct order_map {
    struct order_entry *slots; /* open 0: free */
    uint64_t mask;             /* slots less one */
    uint64_t count;
};

/* The order's entry, valid until the next change of the map; NULL: there is none. */
struct order_entry *order_map_find(const struct order_map *map, uint64_t order);

/* Adds an order, or overwrites it. False: there is no memory. */
bool order_map_put(struct order_map *map, struct order_entry entry);

/* Takes an entry out that was found. */
void order_map_remove(struct order_map *map, struct order_entry *entry);

void order_map_free(struct order_map *map);

#endif
