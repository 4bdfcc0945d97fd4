/*
 * An engine, a server and clients of it on one thread: whoever would sleep steps the others. The
 * logic is the till of the engine's tests.
 */
#ifndef MR_TESTS_WIRE_RIG_H
#define MR_TESTS_WIRE_RIG_H

#include "tests/engine/till.h"
#include "tests/support/memory_storage.h"
#include "tests/support/temp_directory.h"

#include <millrace/client.h>
#include <millrace/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    char directory[PATH_MAX];
    char path[PATH_MAX];         /* of the socket */
    char to[PATH_MAX + 8];       /* the same as a client is told it */
    struct memory_storage *disk; /* NULL: nothing is kept */
    struct mr_engine *engine;
    struct mr_server *server;
    uint8_t journal;             /* the first byte of its id, minus 1 */
    uint32_t first_stage;        /* that goes on: those before it stand still */
    bool engine_stands_still;    /* rig_turn steps the server alone */
    char log[4096];              /* all that was said */
    void (*turn)(void *context); /* what else goes on; NULL: nothing */
    void *turn_context;
};

static inline void rig_log(void *context, enum mr_log_level level, const char *message)
{
    struct rig *rig = context;
    size_t used = strlen(rig->log);
    (void)snprintf(rig->log + used, sizeof rig->log - used, "%s: %s\n", mr_log_level_name(level),
                   message);
}

static inline void rig_turn(void *context)
{
    struct rig *rig = context;
    uint32_t end = rig->engine_stands_still ? 0 : MR_ENGINE_STAGES;
    for (uint32_t stage = rig->first_stage; stage < end; stage++) {
        assert_true(mr_engine_step(rig->engine, stage) >= 0);
    }
    if (rig->turn != NULL) {
        rig->turn(rig->turn_context);
    }
    (void)mr_server_step(rig->server, 0);
}

static inline void rig_turns(struct rig *rig, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        rig_turn(rig);
    }
}

static inline void rig_start_engine(struct rig *rig)
{
    struct mr_error error = {0};
    const struct mr_engine_options options = {
        .storage = rig->disk == NULL ? NULL : memory_storage_seam(rig->disk),
        .durability = rig->disk == NULL ? MR_DURABILITY_NONE : MR_DURABILITY_DISK,
        .create = true,
        .logic = &till_logic,
        .clock_kind = MR_CLOCK_INPUT,
        .segment_bytes = 4 << 20,
        .journal_id = {(uint8_t)(rig->journal + 1)},
        .input_slots = 64,
        .output_slots = 512,
        .futures_max = 64,
        .answers_max = 64,
        .sessions_max = 8,
        .output = MR_OUTPUT_NONE,
        .affinity = MR_AFFINITY_NONE,
        .counters = "",
    };
    if (mr_engine_open(&options, &rig->engine, &error) != MR_OK ||
        mr_engine_begin(rig->engine, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    for (uint32_t i = 0; i < 100 || !mr_engine_drained(rig->engine); i++) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            assert_true(mr_engine_step(rig->engine, stage) >= 0);
        }
    }
}

static inline void rig_start_server(struct rig *rig, const struct mr_server_options *wanted)
{
    struct mr_error error = {0};
    struct mr_server_options options = {0};
    if (wanted != NULL) {
        options = *wanted;
    }
    /* Small, as it is opened thousands of times. */
    options.clients_max = options.clients_max == 0 ? 8 : options.clients_max;
    options.frame_bytes_max = options.frame_bytes_max == 0 ? 16 << 10 : options.frame_bytes_max;
    options.output_bytes = options.output_bytes == 0 ? 64 << 10 : options.output_bytes;
    options.events_bytes = options.events_bytes == 0 ? 16 << 10 : options.events_bytes;
    options.queries_max = options.queries_max == 0 ? 4 : options.queries_max;
    options.engine = rig->engine;
    options.socket_path = rig->path;
    options.log = (struct mr_log){.write = rig_log, .context = rig, .level = MR_LOG_INFO};
    if (mr_server_open(&options, &rig->server, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
}

static inline void rig_stop(struct rig *rig)
{
    mr_server_close(rig->server);
    mr_engine_close(rig->engine); /* a crash, as far as the disk knows */
    rig->server = NULL;
    rig->engine = NULL;
}

static inline void rig_drop_disk(struct rig *rig)
{
    if (rig->disk != NULL) {
        memory_storage_destroy(rig->disk);
        rig->disk = NULL;
    }
}

static inline void rig_open(struct rig *rig, const struct mr_server_options *options)
{
    memset(rig, 0, sizeof *rig);
    mr_temp_directory_make(rig->directory);
    (void)snprintf(rig->path, sizeof rig->path, "%.90s/s", rig->directory);
    (void)snprintf(rig->to, sizeof rig->to, "unix:%s", rig->path);
    rig_start_engine(rig);
    rig_start_server(rig, options);
}

static inline void rig_close(struct rig *rig)
{
    rig_stop(rig);
    rig_drop_disk(rig);
    mr_temp_directory_remove(rig->directory);
}

static inline struct mr_client_options rig_client(struct rig *rig, uint64_t session)
{
    return (struct mr_client_options){.to = rig->to,
                                      .session = session,
                                      .window_bytes = 64 << 10,
                                      .frame_bytes_max = 16 << 10,
                                      .idle = rig_turn,
                                      .idle_context = rig};
}

static inline struct mr_client *rig_connect(struct rig *rig, uint64_t session)
{
    struct mr_error error = {0};
    struct mr_client *client = NULL;
    struct mr_client_options options = rig_client(rig, session);
    if (mr_client_open(&options, &client, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    return client;
}

static inline uint64_t rig_send(struct mr_client *client, uint64_t request, uint32_t account,
                                int64_t amount)
{
    struct mr_error error = {0};
    struct till_command command = till_move(0, request, account, amount);
    uint64_t given = 0;
    if (mr_client_send(client, &command.header, &given, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    return given;
}

/* The next item, which must be an answer. */
static inline struct mr_answer rig_answer(struct mr_client *client)
{
    struct mr_error error = {0};
    struct mr_client_item item;
    if (mr_client_next(client, 10000, &item, &error) != MR_OK) {
        fail_msg("no answer: %s", error.text);
    }
    assert_int_equal(item.kind, MR_CLIENT_ANSWER);
    return *item.answer;
}

/* -- Without the client library: bytes. -------------------------------------------------------- */

static inline int rig_raw(struct rig *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", rig->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline struct mr_wire_hello rig_hello(uint64_t session)
{
    return (struct mr_wire_hello){
        .frame = {.length = sizeof(struct mr_wire_hello), .kind = MR_WIRE_HELLO},
        .magic = MR_WIRE_MAGIC,
        .protocol = MR_WIRE_PROTOCOL,
        .role = MR_ROLE_USER,
        .session = session};
}

/* Turns until `size` bytes have come, or the end; returns how many came. */
static inline size_t rig_receive(struct rig *rig, int fd, void *bytes, size_t size)
{
    size_t have = 0;
    for (uint32_t i = 0; i < 20000 && have < size; i++) {
        ssize_t count = recv(fd, (unsigned char *)bytes + have, size - have, MSG_DONTWAIT);
        if (count == 0) {
            break;
        }
        have += count > 0 ? (size_t)count : 0;
        rig_turn(rig);
    }
    return have;
}

#endif
