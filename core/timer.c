/*
 * Timers: a binary heap in the image, ordered by (due time, order of setting), places from 1. Each
 * timer's node knows its place, so that cancelling needs no search.
 */
#include "base/assert.h"
#include "core/image.h"

static struct mr_timer_node *nodes(const struct mr_image *image)
{
    return (struct mr_timer_node *)mr_image_at(image, image->parts.timers);
}

static bool is_before(const struct mr_timer_key *a, const struct mr_timer_key *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void put(struct mr_image *image, uint32_t place, const struct mr_timer_key *key)
{
    mr_timer_heap(image)[place] = *key;
    nodes(image)[key->node].place = place;
}

/* Finds the place for `key`, beginning at the free `place` and going towards the top. */
static void sift_up(struct mr_image *image, uint32_t place, const struct mr_timer_key *key)
{
    const struct mr_timer_key *heap = mr_timer_heap(image);
    while (place > 1 && is_before(key, &heap[place / 2])) {
        put(image, place, &heap[place / 2]);
        place /= 2;
    }
    put(image, place, key);
}

/* The same, going away from the top. */
static void sift_down(struct mr_image *image, uint32_t place, const struct mr_timer_key *key)
{
    const struct mr_timer_key *heap = mr_timer_heap(image);
    for (;;) {
        uint32_t child = place * 2;
        if (child > image->timer_count) {
            break;
        }
        if (child < image->timer_count && is_before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!is_before(&heap[child], key)) {
            break;
        }
        put(image, place, &heap[child]);
        place = child;
    }
    put(image, place, key);
}

/* Closes the gap at `place` with the heap's last key. */
static void take_out(struct mr_image *image, uint32_t place)
{
    struct mr_timer_key *heap = mr_timer_heap(image);
    struct mr_timer_node *node = &nodes(image)[heap[place].node];
    uint32_t index = heap[place].node;
    ASSERT(node->place == place);
    struct mr_timer_key last = heap[image->timer_count--];
    if (place <= image->timer_count) {
        if (place > 1 && is_before(&last, &heap[place / 2])) {
            sift_up(image, place, &last);
        } else {
            sift_down(image, place, &last);
        }
    }
    node->place = 0;
    mr_pool_give(&image->timers, nodes(image), sizeof *node, index);
}

bool mr_timer_set(struct mr_context *context, const struct mr_timer *timer, uint32_t *token)
{
    struct mr_image *image = context->image;
    ASSERT(timer->reserved == 0);
    uint32_t index = mr_pool_take(&image->timers, nodes(image), sizeof(struct mr_timer_node));
    if (index == 0) {
        return false;
    }
    struct mr_timer_node *node = &nodes(image)[index];
    node->link = 0;
    node->id = timer->id;
    node->kind = timer->kind;
    struct mr_timer_key key = {
        .due_ns = timer->due_ns, .order = image->timers_set++, .node = index};
    sift_up(image, ++image->timer_count, &key);
    if (token != NULL) {
        *token = index;
    }
    return true;
}

void mr_timer_cancel(struct mr_context *context, uint32_t token)
{
    struct mr_image *image = context->image;
    ASSERT(token != 0 && token <= image->timers.high);
    ASSERT(nodes(image)[token].place != 0);
    take_out(image, nodes(image)[token].place);
}

struct mr_timer mr_timer_take_first(struct mr_image *image)
{
    ASSERT(image->timer_count > 0);
    const struct mr_timer_key *first = &mr_timer_heap(image)[1];
    const struct mr_timer_node *node = &nodes(image)[first->node];
    struct mr_timer timer = {.due_ns = first->due_ns, .id = node->id, .kind = node->kind};
    take_out(image, 1);
    return timer;
}

/* The freed nodes: as many as there should be, none of them set, and no circle. */
static bool free_list_check(const struct mr_image *image)
{
    const struct mr_pool *pool = &image->timers;
    uint32_t freed = pool->high - pool->live;
    uint32_t at = pool->free;
    for (; freed > 0 && at != 0 && at <= pool->high; freed--) {
        if (nodes(image)[at].place != 0) {
            return false;
        }
        at = nodes(image)[at].link;
    }
    return freed == 0 && at == 0;
}

bool mr_timers_check(const struct mr_image *image)
{
    const struct mr_pool *pool = &image->timers;
    const struct mr_timer_key *heap = mr_timer_heap(image);
    if (pool->limit != image->timers_max || pool->high > pool->limit || pool->live > pool->high ||
        pool->live != image->timer_count || !free_list_check(image)) {
        return false;
    }
    for (uint32_t place = 1; place <= image->timer_count; place++) {
        const struct mr_timer_key *key = &heap[place];
        if (key->node == 0 || key->node > pool->high || nodes(image)[key->node].place != place ||
            key->order >= image->timers_set || key->reserved != 0 ||
            (place > 1 && is_before(key, &heap[place / 2]))) {
            return false;
        }
    }
    return true;
}
