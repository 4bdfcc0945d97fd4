/*
 * A client that is killed, or loses its connection, or its server, at any step, sends again what is
 * without answer: each command takes effect once, and its first answer comes again.
 *
 * A proxy stands between client and server and cuts the connection behind the n-th byte of one
 * direction, for every n. What happens then:
 *
 *     reconnects   the client object lives on: mr_client_reconnect
 *     restarts     it is killed. All that is left is the number of its session and which of its
 *                  commands are known to be answered; another one sends the others again
 *     forgets      the same, but the last thing noted is lost, too: it sends one again that it had
 *                  the answer of
 *     server dies  the engine and the server are killed, too, and recover from what was durable
 */
#include "tests/wire/rig.h"

#include <errno.h>

enum { COMMANDS = 6, SESSION = 77, NEVER = 1 << 30 };
enum way { RECONNECTS, RESTARTS, FORGETS, SERVER_DIES, WAYS };
enum direction { TO_SERVER, TO_CLIENT, DIRECTIONS };

/* -- The proxy. -------------------------------------------------------------------------------- */

struct proxy {
    struct rig *rig;
    char path[PATH_MAX];
    char to[PATH_MAX + 8];
    int listener, client, server; /* -1: not there */
    uint32_t budget[DIRECTIONS];  /* bytes that still pass */
    uint32_t passed[DIRECTIONS];
    bool cut;
};

static void proxy_cut(struct proxy *proxy)
{
    if (proxy->client >= 0) {
        (void)close(proxy->client);
        (void)close(proxy->server);
    }
    proxy->client = proxy->server = -1;
}

static void proxy_pass(struct proxy *proxy, int from, int to, enum direction direction)
{
    unsigned char bytes[4096];
    size_t most = proxy->budget[direction] < sizeof bytes ? proxy->budget[direction] : sizeof bytes;
    ssize_t count = recv(from, bytes, most, MSG_DONTWAIT);
    if (count > 0) {
        assert_int_equal(send(to, bytes, (size_t)count, MSG_NOSIGNAL), count);
        proxy->budget[direction] -= (uint32_t)count;
        proxy->passed[direction] += (uint32_t)count;
    } else if (count == 0 && most > 0) {
        proxy_cut(proxy);
    }
}

static void proxy_turn(void *context)
{
    struct proxy *proxy = context;
    int fd = accept(proxy->listener, NULL, NULL);
    if (fd >= 0) {
        proxy_cut(proxy);
        proxy->client = fd;
        proxy->server = rig_raw(proxy->rig);
    }
    if (proxy->client >= 0) {
        proxy_pass(proxy, proxy->client, proxy->server, TO_SERVER);
    }
    if (proxy->client >= 0) {
        proxy_pass(proxy, proxy->server, proxy->client, TO_CLIENT);
    }
    if (proxy->budget[TO_SERVER] == 0 || proxy->budget[TO_CLIENT] == 0) {
        proxy_cut(proxy);
        proxy->cut = true;
        proxy->budget[TO_SERVER] = proxy->budget[TO_CLIENT] = NEVER;
    }
}

static void proxy_open(struct proxy *proxy, struct rig *rig, enum direction direction, uint32_t cut)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *proxy = (struct proxy){.rig = rig, .client = -1, .server = -1};
    proxy->budget[TO_SERVER] = proxy->budget[TO_CLIENT] = NEVER;
    proxy->budget[direction] = cut;
    (void)snprintf(proxy->path, sizeof proxy->path, "%.90s/p", rig->directory);
    (void)snprintf(proxy->to, sizeof proxy->to, "unix:%s", proxy->path);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", proxy->path);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(proxy->listener >= 0);
    (void)unlink(proxy->path);
    assert_int_equal(bind(proxy->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, 8), 0);
    rig->turn = proxy_turn;
    rig->turn_context = proxy;
}

static void proxy_close(struct proxy *proxy)
{
    proxy_cut(proxy);
    (void)close(proxy->listener);
    proxy->rig->turn = NULL;
}

/* -- The client and what it remembers. --------------------------------------------------------- */

struct memory {
    bool answered[COMMANDS]; /* known to be; survives the client */
    struct mr_answer answers[COMMANDS];
    uint32_t times[COMMANDS]; /* each was answered */
};

/* Puts in, takes out, is refused, takes out by a batch. */
static struct till_command command_of(uint32_t index)
{
    static const int64_t amounts[COMMANDS] = {100, -30, -1000, 7, -70, 5};
    struct till_command command =
        till_move(0, index * 2 + 1, index % 2 == 0 ? 0 : 1, amounts[index]);
    command.body.account = 0;
    command.body.burst = index == 3 ? 2 : 0;
    return command;
}

/* The first three one by one, the others as a batch, which goes again as a whole. */
static void send_unanswered(struct mr_client *client, const struct memory *memory)
{
    struct till_command commands[COMMANDS];
    const struct mr_command *batch[COMMANDS - 3];
    bool batch_open = false;
    for (uint32_t i = 0; i < COMMANDS; i++) {
        commands[i] = command_of(i);
        if (i >= 3) {
            batch[i - 3] = &commands[i].header;
            batch_open = batch_open || !memory->answered[i];
        } else if (!memory->answered[i]) {
            assert_int_equal(mr_client_send(client, &commands[i].header, NULL, NULL), MR_OK);
        }
    }
    if (batch_open) {
        assert_int_equal(mr_client_send_batch(client, batch, COMMANDS - 3, NULL, NULL), MR_OK);
    }
}

static void check_same(const struct mr_answer *a, const struct mr_answer *b)
{
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->session, b->session);
    assert_int_equal(a->request, b->request);
    assert_int_equal(a->first_event, b->first_event);
    assert_int_equal(a->event_count, b->event_count);
    assert_int_equal(a->result, b->result);
}

static void note(struct memory *memory, const struct mr_answer *answer)
{
    uint32_t index = (uint32_t)((answer->request - 1) / 2);
    assert_true(index < COMMANDS && answer->request % 2 == 1);
    if (memory->times[index]++ > 0) {
        check_same(answer, &memory->answers[index]);
    }
    memory->answers[index] = *answer;
    memory->answered[index] = true;
}

static struct mr_client *connect_again(struct rig *rig, struct proxy *proxy)
{
    struct mr_client_options options = rig_client(rig, SESSION);
    struct mr_client *client = NULL;
    options.to = proxy->to;
    for (uint32_t tries = 0; client == NULL; tries++) {
        assert_true(tries < 3);
        (void)mr_client_open(&options, &client, NULL);
    }
    return client;
}

static void forget_last(struct memory *memory)
{
    for (uint32_t i = COMMANDS; i-- > 0;) {
        if (memory->answered[i]) {
            memory->answered[i] = false;
            return;
        }
    }
}

static struct mr_client *after_the_cut(struct rig *rig, struct proxy *proxy, enum way way,
                                       struct mr_client *client, struct memory *memory)
{
    if (way == RECONNECTS) {
        for (uint32_t tries = 0; mr_client_reconnect(client, NULL) != MR_OK; tries++) {
            assert_true(tries < 3);
        }
        return client;
    }
    mr_client_close(client);
    if (way == FORGETS) {
        forget_last(memory);
    }
    client = connect_again(rig, proxy);
    send_unanswered(client, memory);
    return client;
}

static bool all_answered(const struct memory *memory)
{
    for (uint32_t i = 0; i < COMMANDS; i++) {
        if (!memory->answered[i]) {
            return false;
        }
    }
    return true;
}

/* Killed as it is: nothing is said to anybody, nothing is stopped. */
static void kill_server(struct rig *rig)
{
    rig_stop(rig);
    rig_start_engine(rig);
    rig_start_server(rig, NULL);
}

static void run(struct rig *rig, struct proxy *proxy, enum way way, struct memory *memory)
{
    struct mr_client *client = connect_again(rig, proxy);
    bool dies = way == SERVER_DIES;
    struct mr_client_item item;
    send_unanswered(client, memory);
    while (!all_answered(memory)) {
        int status = mr_client_next(client, 60000, &item, NULL);
        if (status == MR_OK && item.kind == MR_CLIENT_ANSWER) {
            note(memory, item.answer);
        } else {
            assert_int_equal(status, MR_E_IO);
            if (dies && proxy->cut) {
                dies = false;
                kill_server(rig);
            }
            client = after_the_cut(rig, proxy, way, client, memory);
        }
    }
    for (uint32_t i = 0; i < COMMANDS && way == RECONNECTS; i++) {
        assert_int_equal(memory->times[i], 1); /* one client object: one answer each */
    }
    mr_client_close(client);
}

/* -- What is left is what an undisturbed run leaves. ------------------------------------------- */

struct outcome {
    struct till till;
    uint64_t events;
    struct memory memory;
    uint32_t passed[DIRECTIONS];
};

static struct outcome live(struct rig *rig, enum way way, enum direction direction, uint32_t cut)
{
    struct outcome outcome = {0};
    struct proxy proxy;
    if (way == SERVER_DIES) {
        rig->disk = memory_storage_create();
    }
    rig_start_engine(rig);
    rig_start_server(rig, NULL);
    proxy_open(&proxy, rig, direction, cut);
    run(rig, &proxy, way, &outcome.memory);
    memcpy(outcome.passed, proxy.passed, sizeof outcome.passed);
    /* Whatever was answered is answered so for ever. */
    struct memory again = outcome.memory;
    memset(again.answered, 0, sizeof again.answered);
    struct mr_client *client = connect_again(rig, &proxy);
    send_unanswered(client, &again);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        struct mr_answer answer = rig_answer(client);
        note(&again, &answer);
        assert_int_equal(answer.duplicate, 1);
    }
    mr_client_close(client);
    proxy_close(&proxy);
    memcpy(&outcome.till, mr_image_state(mr_engine_image(rig->engine)), sizeof outcome.till);
    outcome.events = mr_image_status_get(mr_engine_image(rig->engine)).events;
    rig_stop(rig);
    rig_drop_disk(rig);
    return outcome;
}

static void check_outcome(const struct outcome *outcome, const struct outcome *undisturbed)
{
    assert_memory_equal(&outcome->till, &undisturbed->till, sizeof outcome->till);
    assert_int_equal(outcome->events, undisturbed->events);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        assert_int_equal(outcome->memory.answers[i].result, undisturbed->memory.answers[i].result);
        assert_int_equal(outcome->memory.answers[i].event_count,
                         undisturbed->memory.answers[i].event_count);
        assert_int_equal(outcome->memory.answers[i].first_event,
                         undisturbed->memory.answers[i].first_event);
    }
}

static void cut_everywhere(enum way way)
{
    struct rig rig;
    rig_open(&rig, NULL);
    rig_stop(&rig);
    struct outcome undisturbed = live(&rig, way, TO_SERVER, NEVER);
    assert_int_equal(undisturbed.till.balance[0], 100 - 30 + 7 - 70 + 5);
    uint32_t lives = 0;
    for (uint32_t direction = 0; direction < DIRECTIONS; direction++) {
        for (uint32_t cut = 1; cut < undisturbed.passed[direction]; cut++) {
            struct outcome outcome = live(&rig, way, direction, cut);
            check_outcome(&outcome, &undisturbed);
            lives++;
        }
    }
    print_message("%u places to cut the connection\n", lives);
    assert_true(lives > 900);
    mr_temp_directory_remove(rig.directory);
}

static void one_that_reconnects_has_each_effect_once(void **state)
{
    (void)state;
    cut_everywhere(RECONNECTS);
}

static void one_that_is_killed_has_each_effect_once(void **state)
{
    (void)state;
    cut_everywhere(RESTARTS);
}

static void one_that_is_killed_and_forgets_gets_its_first_answer_again(void **state)
{
    (void)state;
    cut_everywhere(FORGETS);
}

static void when_the_server_is_killed_too_it_is_the_same(void **state)
{
    (void)state;
    cut_everywhere(SERVER_DIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_reconnects_has_each_effect_once),
        cmocka_unit_test(one_that_is_killed_has_each_effect_once),
        cmocka_unit_test(one_that_is_killed_and_forgets_gets_its_first_answer_again),
        cmocka_unit_test(when_the_server_is_killed_too_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
