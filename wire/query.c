/*
 * Queries on their way through the engine. The apply thread completes them; it raises a flag and
 * wakes the server, which may have closed meanwhile: then the last one frees the pool.
 */
#include "wire/parts.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void let_go(struct mr_query_pool *pool)
{
    /* Acquire and release: pairs with itself, so that whoever frees sees that others are done. */
    if (mr_atomic_fetch_add(&pool->holders, UINT32_MAX, acq_rel) == 1) {
        (void)close(pool->event);
        free(pool->frames);
        free(pool->slots);
        free(pool);
    }
}

struct mr_query_pool *mr_queries_open(uint32_t count, uint32_t frame_bytes)
{
    struct mr_query_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pool->slots = calloc(count, sizeof *pool->slots);
    pool->frames = calloc(count, frame_bytes);
    pool->count = count;
    pool->frame_bytes = frame_bytes;
    mr_atomic_store(&pool->holders, 1, relaxed);
    if (pool->event < 0 || pool->slots == NULL || pool->frames == NULL) {
        let_go(pool);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        pool->slots[i].pool = pool;
        pool->slots[i].frame = pool->frames + (size_t)i * frame_bytes;
    }
    return pool;
}

void mr_queries_close(struct mr_query_pool *pool)
{
    if (pool != NULL) {
        let_go(pool);
    }
}

/* On the apply thread. */
static void on_done(void *context, struct mr_query_call *call)
{
    struct mr_query_slot *slot = context;
    struct mr_query_pool *pool = slot->pool;
    uint64_t one = 1;
    (void)call;
    /* Release: pairs with the acquire in mr_queries_collect, which reads the reply. */
    mr_atomic_store(&slot->answered, 1, release);
    (void)!write(pool->event, &one, sizeof one);
    let_go(pool);
}

int mr_queries_ask(struct mr_server *server, struct mr_connection *connection,
                   enum mr_query_purpose purpose, const struct mr_query *query)
{
    struct mr_query_pool *pool = server->queries;
    struct mr_query_slot *slot = pool->slots;
    ASSERT(query->length <= MR_QUERY_BYTES);
    while (slot < pool->slots + pool->count && slot->used) {
        slot++;
    }
    if (slot == pool->slots + pool->count) {
        return MR_AGAIN;
    }
    memcpy(slot->query, query, query->length);
    memset(&slot->call, 0, sizeof slot->call);
    slot->call.query = (const struct mr_query *)(const void *)slot->query;
    slot->call.rows = slot->frame + sizeof(struct mr_wire_reply);
    slot->call.rows_size = pool->frame_bytes - (uint32_t)sizeof(struct mr_wire_reply);
    slot->call.done = on_done;
    slot->call.context = slot;
    slot->purpose = purpose;
    slot->index = connection->index;
    slot->generation = connection->generation;
    mr_atomic_store(&slot->answered, 0, relaxed);
    (void)mr_atomic_fetch_add(&pool->holders, 1, relaxed);
    int status = mr_engine_query(server->engine, &slot->call);
    if (status != MR_OK) {
        let_go(pool);
        return status;
    }
    slot->used = true;
    pool->used++;
    connection->queries++;
    return MR_OK;
}

static void hand_out(struct mr_server *server, struct mr_query_slot *slot)
{
    struct mr_connection *connection = &server->connections[slot->index];
    if (connection->state == MR_CONNECTION_FREE || connection->generation != slot->generation) {
        return; /* who asked is gone */
    }
    connection->queries--;
    if (slot->purpose != MR_QUERY_OF_CLIENT) {
        mr_hello_looked_up(server, connection, slot->purpose, &slot->call);
        return;
    }
    struct mr_wire_reply *reply = (struct mr_wire_reply *)(void *)slot->frame;
    if (slot->call.status == MR_OK && connection->state <= MR_CONNECTION_LEAVING) {
        reply->reply = slot->call.reply;
        (void)mr_connection_put(server, connection, MR_WIRE_REPLY, 0, &reply->reply,
                                MR_REPLY_SIZE + reply->reply.bytes);
    }
}

uint32_t mr_queries_collect(struct mr_server *server)
{
    struct mr_query_pool *pool = server->queries;
    uint32_t collected = 0;
    for (uint32_t i = 0; i < pool->count && pool->used > 0; i++) {
        struct mr_query_slot *slot = &pool->slots[i];
        /* Acquire: pairs with the release in on_done. */
        if (slot->used && mr_atomic_load(&slot->answered, acquire) != 0) {
            slot->used = false;
            pool->used--;
            collected++;
            hand_out(server, slot);
        }
    }
    return collected;
}
