/*
 * Timers: a binary heap in the image, ordered by (due time, order of setting), places from 1. Each
 * timer's node knows its place, so that cancelling needs no search. Most are the logic's; where
 * sessions expire, each has one, which comes on top of those that the logic may set.
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

/* Takes a node for a timer and puts it into the heap. 0: none is left. */
static uint32_t put_in(struct mr_image *image, const struct mr_timer *timer, uint32_t session)
{
    uint32_t index = mr_pool_take(&image->timers, nodes(image), sizeof(struct mr_timer_node));
    if (index == 0) {
        return 0;
    }
    struct mr_timer_node *node = &nodes(image)[index];
    node->link = 0;
    node->id = timer->id;
    node->kind = timer->kind;
    node->session = session;
    struct mr_timer_key key = {
        .due_ns = timer->due_ns, .order = image->timers_set++, .node = index};
    sift_up(image, ++image->timer_count, &key);
    return index;
}

bool mr_timer_set(struct mr_context *context, const struct mr_timer *timer, uint32_t *token)
{
    struct mr_image *image = context->image;
    ASSERT(timer->reserved == 0);
    uint32_t of_sessions = mr_session_timers(image, image->sessions.live);
    if (image->timers.live - of_sessions == image->limits.timers_max) {
        return false;
    }
    uint32_t index = put_in(image, timer, 0);
    ASSERT(index != 0);
    if (token != NULL) {
        *token = index;
    }
    return true;
}

void mr_timer_cancel(struct mr_context *context, uint32_t token)
{
    struct mr_image *image = context->image;
    ASSERT(token != 0 && token <= image->timers.high);
    ASSERT(nodes(image)[token].session == 0);
    mr_timer_drop(image, token);
}

uint32_t mr_timer_set_session(struct mr_image *image, uint64_t due_ns, uint32_t place)
{
    uint32_t index = put_in(image, &(struct mr_timer){.due_ns = due_ns}, place);
    ASSERT(index != 0);
    return index;
}

void mr_timer_drop(struct mr_image *image, uint32_t index)
{
    ASSERT(nodes(image)[index].place != 0);
    take_out(image, nodes(image)[index].place);
}

struct mr_timer mr_timer_take_first(struct mr_image *image, uint32_t *session)
{
    ASSERT(image->timer_count > 0);
    const struct mr_timer_key *first = &mr_timer_heap(image)[1];
    const struct mr_timer_node *node = &nodes(image)[first->node];
    struct mr_timer timer = {.due_ns = first->due_ns, .id = node->id, .kind = node->kind};
    *session = node->session;
    take_out(image, 1);
    return timer;
}

/* Whether the timer belongs to the logic, or to a session that says so too, and will not expire
 * before. */
static bool owner_check(const struct mr_image *image, const struct mr_timer_key *key)
{
    uint32_t place = nodes(image)[key->node].session;
    if (place == 0) {
        return true;
    }
    const struct mr_session *session = &mr_sessions(image)[place];
    return place <= image->sessions.high && session->timer == key->node &&
           key->due_ns <= mr_session_expiry(image, session);
}

bool mr_timers_check(const struct mr_image *image)
{
    const struct mr_pool *pool = &image->timers;
    const struct mr_timer_key *heap = mr_timer_heap(image);
    uint64_t limit =
        (uint64_t)image->limits.timers_max + mr_session_timers(image, image->limits.sessions_max);
    if (!mr_pool_check(pool, nodes(image), sizeof(struct mr_timer_node), limit) ||
        pool->live != image->timer_count) {
        return false;
    }
    uint32_t of_sessions = 0;
    for (uint32_t place = 1; place <= image->timer_count; place++) {
        const struct mr_timer_key *key = &heap[place];
        if (key->node == 0 || key->node > pool->high || nodes(image)[key->node].place != place ||
            key->order >= image->timers_set || key->reserved != 0 ||
            (place > 1 && is_before(key, &heap[place / 2])) || !owner_check(image, key)) {
            return false;
        }
        of_sessions += nodes(image)[key->node].session != 0;
    }
    for (uint32_t at = pool->free; at != 0; at = nodes(image)[at].link) {
        if (nodes(image)[at].place != 0) {
            return false;
        }
    }
    return of_sessions == mr_session_timers(image, image->sessions.live) &&
           pool->live - of_sessions <= image->limits.timers_max;
}
