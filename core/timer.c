/*
 * Timers: a heap in the image, ordered by due time, then by the order of setting. Each timer's node
 * knows its place there, so that cancelling needs no search. Most are the logic's; where sessions
 * expire, each has one, which comes on top of those that the logic may set.
 */
#include "base/assert.h"
#include "core/image.h"

/* Takes a node for a timer and puts it into the heap. 0: none is left. */
static uint32_t put_in(struct mr_image *image, const struct mr_timer *timer, uint32_t session)
{
    struct mr_timer_node *nodes = mr_timer_nodes(image), *node;
    uint32_t index = mr_pool_take(&image->timers, nodes, sizeof *nodes);
    if (index == 0) {
        return 0;
    }
    node = &nodes[index];
    node->link = 0;
    node->id = timer->id;
    node->kind = timer->kind;
    node->session = session;
    mr_heap_push(
        mr_timer_heap(image),
        (struct mr_heap_key){.due_ns = timer->due_ns, .order = image->timers_set++, .node = index});
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
    ASSERT(mr_timer_nodes(image)[token].session == 0);
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
    mr_heap_remove(mr_timer_heap(image), index);
    mr_pool_give(&image->timers, mr_timer_nodes(image), sizeof(struct mr_timer_node), index);
}

struct mr_timer mr_timer_take_first(struct mr_image *image, uint32_t *session)
{
    const struct mr_heap_key *first = mr_heap_first(mr_timer_heap(image));
    uint32_t index = first->node;
    const struct mr_timer_node *node = &mr_timer_nodes(image)[index];
    struct mr_timer timer = {.due_ns = first->due_ns, .id = node->id, .kind = node->kind};
    *session = node->session;
    mr_timer_drop(image, index);
    return timer;
}

/* Whether the timer belongs to the logic, or to a session that says so too, and will not expire
 * before. */
static bool owner_check(const struct mr_image *image, const struct mr_heap_key *key)
{
    uint32_t place = mr_timer_nodes(image)[key->node].session;
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
    struct mr_timer_node *nodes = mr_timer_nodes(image);
    struct mr_heap heap = mr_timer_heap(image);
    uint64_t limit =
        (uint64_t)image->limits.timers_max + mr_session_timers(image, image->limits.sessions_max);
    if (!mr_pool_check(pool, nodes, sizeof *nodes, limit) || pool->live != image->timer_count ||
        !mr_heap_check(heap, pool->high)) {
        return false;
    }
    uint32_t of_sessions = 0;
    for (uint32_t place = 1; place <= image->timer_count; place++) {
        const struct mr_heap_key *key = &heap.keys[place];
        if (key->order >= image->timers_set || !owner_check(image, key)) {
            return false;
        }
        of_sessions += nodes[key->node].session != 0;
    }
    for (uint32_t at = pool->free; at != 0; at = nodes[at].link) {
        if (nodes[at].place != 0) {
            return false;
        }
    }
    return of_sessions == mr_session_timers(image, image->sessions.live) &&
           pool->live - of_sessions <= image->limits.timers_max;
}
