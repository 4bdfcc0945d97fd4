/*
 * A binary heap in an image: what is due first is on top. It holds keys, so that sifting compares
 * nothing else, and the element that a key stands for knows its place, so that it can leave from
 * anywhere without being looked for.
 *
 * Elements and places are numbered from 1; no key is before the one at half its place. No two keys
 * are alike: equal histories give equal heaps. The places that keys have left are zero, as is all
 * that is not in use.
 */
#ifndef MR_CORE_HEAP_H
#define MR_CORE_HEAP_H

#include "base/assert.h"
#include "core/memory.h"

struct mr_heap_key {
    uint64_t due_ns;
    uint64_t order; /* among those that are due together */
    uint32_t node;  /* number of the element */
    uint32_t reserved;
};

_Static_assert(sizeof(struct mr_heap_key) == 24, "no hidden padding");

/* Where the parts of a heap lie: said anew for each call, so that it folds into it. */
struct mr_heap {
    struct mr_heap_key *keys; /* of places from 1 */
    uint32_t *count;          /* of keys */
    void *node_place;         /* where the first element keeps its place; 0: not in the heap */
    uint64_t node_size;       /* from there to where the next one does */
};

static inline uint32_t *mr_heap_place(struct mr_heap heap, uint32_t node)
{
    return (uint32_t *)(void *)((unsigned char *)heap.node_place +
                                (uint64_t)(node - 1) * heap.node_size);
}

static inline bool mr_heap_is_before(const struct mr_heap_key *a, const struct mr_heap_key *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

/* -- Looking. ---------------------------------------------------------------------------------- */

/* The key on top; there is one. */
static inline const struct mr_heap_key *mr_heap_first(struct mr_heap heap)
{
    ASSERT(*heap.count > 0);
    return heap.keys + 1;
}

/* When the first is due; UINT64_MAX: the heap is empty. */
static inline uint64_t mr_heap_next(struct mr_heap heap)
{
    return *heap.count == 0 ? UINT64_MAX : heap.keys[1].due_ns;
}

/* Whether anything is due by then. */
static inline bool mr_heap_is_due(struct mr_heap heap, uint64_t time_ns)
{
    return *heap.count > 0 && heap.keys[1].due_ns <= time_ns;
}

/* -- Coming and going. ------------------------------------------------------------------------- */

static inline void mr_heap_put(struct mr_heap heap, uint32_t place, struct mr_heap_key key)
{
    heap.keys[place] = key;
    *mr_heap_place(heap, key.node) = place;
}

/* Finds the place for `key`, beginning at the free `place` and going towards the top. */
static inline void mr_heap_rise(struct mr_heap heap, uint32_t place, struct mr_heap_key key)
{
    while (place > 1 && mr_heap_is_before(&key, &heap.keys[place / 2])) {
        mr_heap_put(heap, place, heap.keys[place / 2]);
        place /= 2;
    }
    mr_heap_put(heap, place, key);
}

/* The same, going away from the top. */
static inline void mr_heap_sink(struct mr_heap heap, uint32_t place, struct mr_heap_key key)
{
    const struct mr_heap_key *keys = heap.keys;
    uint32_t count = *heap.count;
    for (;;) {
        uint32_t child = place * 2;
        if (child > count) {
            break;
        }
        if (child < count && mr_heap_is_before(&keys[child + 1], &keys[child])) {
            child++;
        }
        if (mr_heap_is_before(&key, &keys[child])) {
            break;
        }
        mr_heap_put(heap, place, keys[child]);
        place = child;
    }
    mr_heap_put(heap, place, key);
}

/* There is room for as many keys as there can be elements. */
static inline void mr_heap_push(struct mr_heap heap, struct mr_heap_key key)
{
    mr_heap_rise(heap, ++*heap.count, key);
}

/* Takes out the key of an element that is in the heap, and closes the gap with the last one. */
static inline void mr_heap_remove(struct mr_heap heap, uint32_t node)
{
    uint32_t *own = mr_heap_place(heap, node), place = *own;
    ASSERT(place >= 1 && place <= *heap.count);
    ASSERT(heap.keys[place].node == node);
    *own = 0;
    struct mr_heap_key *end = &heap.keys[(*heap.count)--];
    struct mr_heap_key last = *end;
    *end = (struct mr_heap_key){0};
    if (place > *heap.count) {
        return;
    }
    if (place > 1 && mr_heap_is_before(&last, &heap.keys[place / 2])) {
        mr_heap_rise(heap, place, last);
    } else {
        mr_heap_sink(heap, place, last);
    }
}

/* -- Checking. --------------------------------------------------------------------------------- */

/* Whether the element is where it says, with that key, of which it knows all. */
static inline bool mr_heap_holds(struct mr_heap heap, struct mr_heap_key key)
{
    uint32_t place = *mr_heap_place(heap, key.node);
    return place >= 1 && place <= *heap.count && mr_equal(&heap.keys[place], &key, sizeof key);
}

/* Whether the keys are in order, each element's place is right, and no key is left behind them.
 * There are elements up to `high`, and as many places. */
static inline bool mr_heap_check(struct mr_heap heap, uint32_t high)
{
    const struct mr_heap_key *keys = heap.keys;
    if (*heap.count > high) {
        return false;
    }
    for (uint32_t place = 1; place <= *heap.count; place++) {
        const struct mr_heap_key *key = &keys[place];
        if (key->node == 0 || key->node > high || *mr_heap_place(heap, key->node) != place ||
            key->reserved != 0 || (place > 1 && !mr_heap_is_before(&keys[place / 2], key))) {
            return false;
        }
    }
    return mr_is_zero(&keys[*heap.count + 1], (high - *heap.count) * sizeof *keys);
}

#endif
