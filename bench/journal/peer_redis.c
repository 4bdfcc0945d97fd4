/*
 * Redis: a server of our own on a Unix socket in the bench's directory, append-only file with
 * appendfsync=always, no snapshots. `redis`: a SET for each command, a batch is a pipeline of them;
 * the server reads it in pieces of 16 KiB and syncs after each. `redis-mset`: one MSET a batch,
 * which it syncs once. Several batches at a time go over as many connections. The server is killed
 * before what it stored is counted.
 */
#include "bench/journal/stores.h"

#include "base/assert.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { START_TRIES = 5000, TRY_NS = 1000000 };

struct client {
    pid_t server;
    redisContext *connection;
    char directory[COMMON_PATH_SIZE];
};

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = TRY_NS}, NULL);
}

static void close_client(void *opened)
{
    struct client *client = opened;
    redisFree(client->connection);
    if (client->server > 0) {
        kill(client->server, SIGKILL);
        (void)common_wait(client->server);
    }
    free(client);
}

/* The names are relative to `dir`, which the server makes its own; so none is too long for a
 * socket's. */
static pid_t start_server(const char *directory)
{
    const char *const arguments[] = {
        "redis-server",
        "--dir",
        directory,
        "--unixsocket",
        "redis.sock",
        "--port",
        "0",
        "--appendonly",
        "yes",
        "--save",
        "",
        "--logfile",
        "log",
        "--appendfsync",
        "always",
        "--auto-aof-rewrite-percentage",
        "0",
        "--daemonize",
        "no",
        NULL,
    };
    return common_start(arguments, true);
}

/* A server that is loading its file answers with an error until it is done. */
static bool answers(redisContext *connection)
{
    redisReply *reply = redisCommand(connection, "PING");
    bool good = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return good;
}

static redisContext *connect_to(const char *directory)
{
    char path[COMMON_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/redis.sock", directory);
    for (int i = 0; i < START_TRIES; i++) {
        redisContext *connection = redisConnectUnix(path);
        if (connection != NULL && connection->err == 0 && answers(connection)) {
            return connection;
        }
        redisFree(connection);
        nap();
    }
    return NULL;
}

static void *open_client(const char *directory)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    snprintf(client->directory, sizeof client->directory, "%s", directory);
    client->server = start_server(directory);
    client->connection = client->server > 0 ? connect_to(directory) : NULL;
    if (client->connection == NULL) {
        (void)common_fail("redis", "the server does not start");
        close_client(client);
        return NULL;
    }
    return client;
}

static bool take_status(redisContext *connection)
{
    void *reply = NULL;
    bool good = redisGetReply(connection, &reply) == REDIS_OK &&
                ((redisReply *)reply)->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    if (!good) {
        (void)common_fail("redis", connection->err != 0 ? connection->errstr : "refused");
    }
    return good;
}

/* -- A batch is a pipeline of SETs, or one MSET. ----------------------------------------------- */

static void send_pipeline(redisContext *connection, uint64_t first,
                          const struct common_command *commands, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = first + i;
        const char *words[] = {"SET", (const char *)&key, (const char *)&commands[i]};
        const size_t sizes[] = {3, sizeof key, COMMON_COMMAND_BYTES};
        redisAppendCommandArgv(connection, 3, words, sizes);
    }
}

static void send_mset(redisContext *connection, uint64_t first,
                      const struct common_command *commands, uint32_t count)
{
    enum { WORDS = 1 + 2 * STORE_BATCH_MAX };
    const char *words[WORDS] = {"MSET"};
    size_t sizes[WORDS] = {4};
    uint64_t keys[STORE_BATCH_MAX];
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = first + i;
        words[1 + 2 * i] = (const char *)&keys[i];
        sizes[1 + 2 * i] = sizeof keys[i];
        words[2 + 2 * i] = (const char *)&commands[i];
        sizes[2 + 2 * i] = COMMON_COMMAND_BYTES;
    }
    redisAppendCommandArgv(connection, 1 + 2 * (int)count, words, sizes);
}

static bool put_pipeline(void *opened, uint64_t first, const struct common_command *commands,
                         uint32_t count)
{
    redisContext *connection = ((struct client *)opened)->connection;
    send_pipeline(connection, first, commands, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!take_status(connection)) {
            return false;
        }
    }
    return true;
}

static bool put_mset(void *opened, uint64_t first, const struct common_command *commands,
                     uint32_t count)
{
    redisContext *connection = ((struct client *)opened)->connection;
    send_mset(connection, first, commands, count);
    return take_status(connection);
}

/* -- Several at a time: each connection has one batch under way. ------------------------------- */

static bool begin_batch(redisContext *connection, uint64_t first, uint32_t count)
{
    struct common_command commands[STORE_BATCH_MAX];
    for (uint32_t i = 0; i < count; i++) {
        common_command_make(&commands[i], first + i);
    }
    send_mset(connection, first, commands, count);
    int done = 0;
    while (done == 0) {
        if (redisBufferWrite(connection, &done) != REDIS_OK) {
            (void)common_fail("redis", connection->errstr);
            return false;
        }
    }
    return true;
}

/* The connection whose turn it is gives its answer and gets a new batch. */
static int64_t take_turns(redisContext **connections, uint32_t outstanding, uint32_t count)
{
    ASSERT(outstanding > 0);
    uint64_t begun = 0;
    uint64_t ended = 0;
    bool more = true;
    while (more || ended < begun) {
        if (more && begun - ended < outstanding) {
            if (!begin_batch(connections[begun % outstanding], begun * count + 1, count)) {
                return -1;
            }
            begun++;
        } else {
            if (!take_status(connections[ended % outstanding])) {
                return -1;
            }
            ended++;
            more = more && store_goes_on();
        }
    }
    return (int64_t)(ended * count);
}

static int64_t put_many(void *opened, uint32_t count, uint32_t outstanding)
{
    const struct client *client = opened;
    redisContext *connections[STORE_OUTSTANDING] = {NULL};
    int64_t result = 0;
    for (uint32_t i = 0; i < outstanding && result == 0; i++) {
        connections[i] = connect_to(client->directory);
        result = connections[i] != NULL ? 0 : -1;
    }
    if (result == 0) {
        result = take_turns(connections, outstanding, count);
    }
    for (uint32_t i = 0; i < outstanding; i++) {
        redisFree(connections[i]);
    }
    return result;
}

/* -- Counting. --------------------------------------------------------------------------------- */

/* How many keys there are; -1: it does not say. */
static int64_t count_keys(redisContext *connection)
{
    redisReply *reply = redisCommand(connection, "DBSIZE");
    int64_t count =
        reply != NULL && reply->type == REDIS_REPLY_INTEGER ? (int64_t)reply->integer : -1;
    freeReplyObject(reply);
    return count;
}

static bool take_command(redisContext *connection, uint64_t sequence)
{
    void *taken = NULL;
    bool good = redisGetReply(connection, &taken) == REDIS_OK;
    const redisReply *reply = taken;
    good = good && reply->type == REDIS_REPLY_STRING && reply->len == COMMON_COMMAND_BYTES &&
           common_command_whole(reply->str, sequence);
    freeReplyObject(taken);
    return good;
}

static bool check_commands(redisContext *connection, uint64_t first, uint64_t end)
{
    for (uint64_t key = first; key < end; key++) {
        redisAppendCommand(connection, "GET %b", &key, sizeof key);
    }
    for (uint64_t key = first; key < end; key++) {
        if (!take_command(connection, key)) {
            return false;
        }
    }
    return true;
}

static int64_t count(const char *directory)
{
    enum { AT_ONCE = 256 };
    struct client *client = open_client(directory);
    if (client == NULL) {
        return -1;
    }
    int64_t count = count_keys(client->connection);
    uint64_t end = count < 0 ? 0 : (uint64_t)count + 1;
    for (uint64_t first = 1; first < end && count >= 0; first += AT_ONCE) {
        uint64_t next = first + AT_ONCE < end ? first + AT_ONCE : end;
        count = check_commands(client->connection, first, next) ? count : -1;
    }
    close_client(client);
    return count;
}

void redis_add(void)
{
    static const struct store pipeline = {"redis", false,        open_client, put_pipeline,
                                          NULL,    close_client, count};
    static const struct store mset = {"redis-mset", true,         open_client, put_mset,
                                      put_many,     close_client, count};
    if (!common_installed("redis-server")) {
        fprintf(stderr, "bench_journal: redis-server is not installed: redis is skipped\n");
        return;
    }
    batches_add_store(&pipeline);
    batches_add_store(&mset);
}
