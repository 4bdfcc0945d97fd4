/*
 * What comes over a socket. The first byte of an input says who gets the rest:
 *
 *     0   mr_wire_look: what it takes is whole, and less of it is not
 *     1   a server, behind a hello: it goes on, and another client is served as if nothing were
 *     2   a server, from the first byte
 *     3   a client, behind a welcome: it takes what fits, and comes to an end
 *
 * For a server the second byte is how many bytes come at a time.
 */
#include "tests/engine/till.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_directory.h"

#include <millrace/client.h>
#include <millrace/server.h>

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FRAME_BYTES_MAX = 4096, SESSION = 5, WITNESS = 6, TURNS = 64 };

static char directory[PATH_MAX];
static char path[128], to[160];

static struct {
    struct mr_engine *engine;
    struct mr_server *server;
} served;

static void remove_directory(void)
{
    mr_temp_directory_remove(directory);
}

static void prepare(void)
{
    if (path[0] == 0) {
        mr_temp_directory_make(directory);
        (void)snprintf(path, sizeof path, "%.90s/s", directory);
        (void)snprintf(to, sizeof to, "unix:%s", path);
        HOLDS(atexit(remove_directory) == 0);
    }
}

static void fill_address(struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(address->sun_path, sizeof address->sun_path, "%.100s", path);
}

/* -- The frame. -------------------------------------------------------------------------------- */

static int look(const uint8_t *data, size_t size, uint32_t *length)
{
    uint8_t *exact = malloc(size == 0 ? 1 : size); /* its end is guarded by the address sanitizer */
    const char *flaw = NULL;
    HOLDS(exact != NULL);
    if (size > 0) {
        memcpy(exact, data, size);
    }
    int status = mr_wire_look(exact, size, FRAME_BYTES_MAX, length, &flaw);
    HOLDS(status == MR_OK || status == MR_AGAIN || (status == MR_E_INVALID && flaw != NULL));
    free(exact);
    return status;
}

static void check_look(const uint8_t *data, size_t size)
{
    uint32_t length = 0, again = 0;
    if (look(data, size, &length) != MR_OK) {
        return;
    }
    HOLDS(length >= sizeof(struct mr_wire_frame) && length <= size && length % 8 == 0);
    HOLDS(look(data, length, &again) == MR_OK && again == length);
    HOLDS(look(data, length - 1, &again) == MR_AGAIN);
}

/* -- A server. --------------------------------------------------------------------------------- */

static void turn(void *context)
{
    (void)context;
    for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
        HOLDS(mr_engine_step(served.engine, stage) >= 0);
    }
    HOLDS(mr_server_step(served.server, 0) >= 0);
}

static void start(void)
{
    const struct mr_engine_options engine = {
        .durability = MR_DURABILITY_NONE,
        .create = true,
        .logic = &till_logic,
        .clock_kind = MR_CLOCK_INPUT,
        .journal_id = {1},
        .input_slots = 64,
        .output_slots = 256,
        .futures_max = 64,
        .answers_max = 16,
        .sessions_max = 8,
        .output = MR_OUTPUT_NONE,
        .affinity = MR_AFFINITY_NONE,
        .counters = "",
    };
    HOLDS(mr_engine_open(&engine, &served.engine, NULL) == MR_OK);
    HOLDS(mr_engine_begin(served.engine, NULL) == MR_OK);
    const struct mr_server_options server = {.engine = served.engine,
                                             .socket_path = path,
                                             .clients_max = 4,
                                             .frame_bytes_max = FRAME_BYTES_MAX,
                                             .output_bytes = 16384};
    HOLDS(mr_server_open(&server, &served.server, NULL) == MR_OK);
    for (uint32_t i = 0; i < TURNS; i++) {
        turn(NULL);
    }
}

static void stop(void)
{
    mr_server_close(served.server);
    mr_engine_close(served.engine);
}

static int connect_raw(void)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    fill_address(&address);
    HOLDS(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

/* Reads what comes back, too: all of it is well-formed, and a server's. */
static void read_back(int fd, uint8_t *bytes, size_t room, size_t *have)
{
    ssize_t count = recv(fd, bytes + *have, room - *have, MSG_DONTWAIT);
    *have += count > 0 ? (size_t)count : 0;
    uint32_t length;
    int status;
    while ((status = mr_wire_look(bytes, *have, MR_WIRE_FRAME_MAX, &length, NULL)) == MR_OK) {
        uint16_t kind = ((const struct mr_wire_frame *)(const void *)bytes)->kind;
        HOLDS(kind >= MR_WIRE_WELCOME || kind == MR_WIRE_GOODBYE);
        *have -= length;
        memmove(bytes, bytes + length, *have);
    }
    HOLDS(status == MR_AGAIN);
}

/* Whatever happened, the next one is served. */
static void check_witness(void)
{
    const struct mr_client_options options = {.to = to, .session = WITNESS, .idle = turn};
    struct mr_client *client = NULL;
    struct mr_client_item item;
    struct till_command command = till_move(0, 0, 7, 1);
    HOLDS(mr_client_open(&options, &client, NULL) == MR_OK ||
          mr_image_status_get(mr_engine_image(served.engine)).sequence > 2);
    if (client != NULL) {
        HOLDS(mr_client_send(client, &command.header, NULL, NULL) == MR_OK);
        HOLDS(mr_client_next(client, 10000, &item, NULL) == MR_OK);
        HOLDS(item.kind == MR_CLIENT_ANSWER && item.answer->session == WITNESS);
    }
    mr_client_close(client);
}

static void check_server(const uint8_t *data, size_t size, bool hello)
{
    size_t step = size == 0 || data[0] == 0 ? 65536 : data[0];
    static alignas(8) uint8_t back[1 << 20];
    size_t have = 0;
    start();
    int fd = connect_raw();
    if (hello) {
        const struct mr_wire_hello begin = {
            .frame = {.length = sizeof begin, .kind = MR_WIRE_HELLO},
            .magic = MR_WIRE_MAGIC,
            .role = MR_ROLE_USER,
            .events = MR_WIRE_EVENTS_ALL,
            .session = SESSION};
        HOLDS(send(fd, &begin, sizeof begin, MSG_NOSIGNAL) == (ssize_t)sizeof begin);
    }
    for (size_t at = 1; at < size; at += step) {
        size_t count = size - at < step ? size - at : step;
        (void)send(fd, data + at, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        turn(NULL);
        read_back(fd, back, sizeof back, &have);
    }
    for (uint32_t i = 0; i < TURNS; i++) {
        turn(NULL);
        read_back(fd, back, sizeof back, &have);
    }
    check_witness();
    (void)close(fd);
    stop();
}

/* -- A client. --------------------------------------------------------------------------------- */

struct impostor {
    int listener, fd;
    const uint8_t *data;
    size_t size;
};

/* Says welcome, the bytes, and no more. */
static void play(void *context)
{
    struct impostor *impostor = context;
    struct mr_wire_welcome welcome = {.frame = {.length = sizeof welcome, .kind = MR_WIRE_WELCOME},
                                      .logic = "till",
                                      .session = SESSION,
                                      .frame_bytes_max = FRAME_BYTES_MAX,
                                      .in_flight_max = 16};
    if (impostor->fd >= 0) {
        return;
    }
    impostor->fd = accept(impostor->listener, NULL, NULL);
    if (impostor->fd >= 0) {
        (void)send(impostor->fd, &welcome, sizeof welcome, MSG_NOSIGNAL);
        (void)send(impostor->fd, impostor->data, impostor->size, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)shutdown(impostor->fd, SHUT_WR);
    }
}

static void take_all(struct mr_client *client)
{
    struct mr_client_item item;
    int status;
    while ((status = mr_client_next(client, 1000, &item, NULL)) == MR_OK) {
        HOLDS(item.kind != MR_CLIENT_ANSWER || (item.request >= 1 && item.request <= 3));
        HOLDS(item.kind != MR_CLIENT_EVENT || item.event->length >= MR_EVENT_HEADER);
        HOLDS(item.kind != MR_CLIENT_REPLY || item.request == 1);
        HOLDS(item.kind != MR_CLIENT_REFUSED || strlen(item.refusal) < 104);
    }
    HOLDS(status < 0 && !mr_client_connected(client));
    HOLDS(mr_client_unanswered(client) <= 4);
}

static void check_client(const uint8_t *data, size_t size)
{
    struct impostor impostor = {.fd = -1, .data = data, .size = size};
    struct sockaddr_un address;
    fill_address(&address);
    (void)unlink(path);
    impostor.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    HOLDS(impostor.listener >= 0);
    HOLDS(bind(impostor.listener, (const struct sockaddr *)&address, sizeof address) == 0);
    HOLDS(listen(impostor.listener, 1) == 0);
    const struct mr_client_options options = {.to = to,
                                              .session = SESSION,
                                              .frame_bytes_max = FRAME_BYTES_MAX,
                                              .idle = play,
                                              .idle_context = &impostor};
    struct mr_client *client = NULL;
    HOLDS(mr_client_open(&options, &client, NULL) == MR_OK);
    struct till_command command = till_move(0, 0, 0, 1);
    const struct mr_command *batch[2] = {&command.header, &command.header};
    const struct mr_query query = {.length = MR_QUERY_HEADER, .type = MR_QUERY_STATUS};
    HOLDS(mr_client_send(client, &command.header, NULL, NULL) == MR_OK);
    HOLDS(mr_client_send_batch(client, batch, 2, NULL, NULL) == MR_OK);
    HOLDS(mr_client_query(client, &query, NULL, NULL) == MR_OK);
    take_all(client);
    mr_client_close(client);
    if (impostor.fd >= 0) {
        (void)close(impostor.fd);
    }
    (void)close(impostor.listener);
    (void)unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    prepare();
    switch (data[0] & 3) {
    case 0:
        check_look(data + 1, size - 1);
        break;
    case 1:
    case 2:
        check_server(data + 1, size - 1, (data[0] & 3) == 1);
        break;
    default:
        check_client(data + 1, size - 1);
        break;
    }
    return 0;
}
