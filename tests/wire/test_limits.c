/*
 * What a server does against its clients: everything has a limit, nobody is waited for.
 */
#include "tests/wire/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* Turns, a millisecond apart, until the other side has ended it: for limits of time. */
static void turn_until_ended(struct rig *rig, int fd)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    unsigned char nowhere[4096];
    for (uint32_t i = 0; i < 20000; i++) {
        if (recv(fd, nowhere, sizeof nowhere, MSG_DONTWAIT) == 0) {
            return;
        }
        (void)nanosleep(&pause, NULL);
        rig_turn(rig);
    }
    fail_msg("it was not ended");
}

static bool said(const struct rig *rig, const char *words)
{
    return strstr(rig->log, words) != NULL;
}

/* -- Busy. ------------------------------------------------------------------------------------- */

static void a_busy_engine_stops_the_reading_and_loses_nothing(void **state)
{
    (void)state;
    enum { CLIENTS = 4, EACH = 60 };
    struct rig rig;
    struct mr_client *clients[CLIENTS];
    rig_open(&rig, NULL);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        clients[i] = rig_connect(&rig, 10 + i);
    }
    rig.engine_stands_still = true;
    for (uint32_t n = 0; n < CLIENTS * EACH; n++) {
        (void)rig_send(clients[n % CLIENTS], 0, 0, 1);
    }
    rig_turns(&rig, 100);
    struct mr_server_status status = mr_server_status_get(rig.server);
    assert_int_equal(status.commands, 64); /* as many as the input ring holds */
    assert_true(status.times_blocked > 0);
    rig.engine_stands_still = false;
    for (uint32_t n = 0; n < CLIENTS * EACH; n++) {
        struct mr_answer answer = rig_answer(clients[n % CLIENTS]);
        assert_int_equal(answer.request, n / CLIENTS + 1);
        assert_int_equal(answer.result, 0);
    }
    const struct till *till = mr_image_state(mr_engine_image(rig.engine));
    assert_int_equal(till->balance[0], CLIENTS * EACH);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        mr_client_close(clients[i]);
    }
    assert_int_equal(mr_server_status_get(rig.server).cut_off, 0);
    rig_close(&rig);
}

static void no_more_than_the_limit_is_in_flight(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct mr_server_options){.in_flight_max = 5});
    int fd = rig_raw(&rig);
    struct mr_wire_hello hello = rig_hello(7);
    struct mr_wire_welcome welcome;
    assert_int_equal(send(fd, &hello, sizeof hello, 0), sizeof hello);
    assert_int_equal(rig_receive(&rig, fd, &welcome, sizeof welcome), sizeof welcome);
    assert_int_equal(welcome.in_flight_max, 5);
    rig.engine_stands_still = true;
    for (uint32_t i = 0; i < 12; i++) { /* a client that does not care */
        struct {
            struct mr_wire_frame frame;
            struct till_command command;
        } frame = {.frame = {.length = sizeof frame, .kind = MR_WIRE_COMMAND},
                   .command = till_move(0, i + 1, 0, 1)};
        assert_int_equal(send(fd, &frame, sizeof frame, 0), sizeof frame);
    }
    rig_turns(&rig, 50);
    assert_int_equal(mr_server_status_get(rig.server).commands, 5);
    rig.engine_stands_still = false;
    struct mr_wire_answer answers[12];
    assert_int_equal(rig_receive(&rig, fd, answers, sizeof answers), sizeof answers);
    for (uint32_t i = 0; i < 12; i++) {
        assert_int_equal(answers[i].answer.request, i + 1);
    }
    (void)close(fd);
    rig_close(&rig);
}

/* -- Slow, silent, malformed. ------------------------------------------------------------------ */

static void a_client_that_does_not_read_is_cut_off_aloud_and_nobody_else_notices(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct mr_server_options){.frame_bytes_max = 512, .output_bytes = 16384});
    int slow = rig_raw(&rig);
    struct mr_wire_hello hello = rig_hello(99);
    hello.events = MR_WIRE_EVENTS_ALL;
    assert_int_equal(send(slow, &hello, sizeof hello, 0), sizeof hello);
    rig_turns(&rig, 50);
    assert_int_equal(mr_server_status_get(rig.server).clients, 1);
    struct mr_client *client = rig_connect(&rig, 7);
    uint32_t sent = 0;
    while (mr_server_status_get(rig.server).clients == 2) {
        struct till_command command = till_move(0, 0, 1, 5);
        command.body.burst = TILL_BURST_MAX;
        assert_int_equal(mr_client_send(client, &command.header, NULL, NULL), MR_OK);
        assert_int_equal(rig_answer(client).result, 0);
        assert_true(++sent < 10000);
    }
    assert_int_equal(mr_server_status_get(rig.server).cut_off, 1);
    assert_true(said(&rig, "warning: client 1 of user "));
    assert_true(said(&rig, "session 99, was cut off: it does not read"));
    assert_true(said(&rig, "of 16384 bytes are waiting"));
    (void)rig_send(client, 0, 1, 5);
    assert_int_equal(rig_answer(client).request, sent + 1);
    mr_client_close(client);
    (void)close(slow);
    rig_close(&rig);
}

static void who_does_not_say_hello_is_cut_off(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct mr_server_options){.hello_ms = 20});
    int fd = rig_raw(&rig);
    assert_int_equal(send(fd, "\x20\0\0", 3, 0), 3); /* nor ends it */
    turn_until_ended(&rig, fd);
    assert_true(said(&rig, "did not say hello"));
    (void)close(fd);
    rig_close(&rig);
}

static void who_is_silent_for_too_long_is_cut_off_and_who_pings_is_not(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client_item item;
    rig_open(&rig, &(struct mr_server_options){.idle_ms = 300});
    struct mr_client *client = rig_connect(&rig, 7);
    int fd = rig_raw(&rig);
    struct mr_wire_hello hello = rig_hello(8);
    const struct timespec pause = {.tv_nsec = 1000000};
    assert_int_equal(send(fd, &hello, sizeof hello, 0), sizeof hello);
    while (!said(&rig, "session 8, was cut off: nothing was heard")) {
        assert_int_equal(mr_client_next(client, 0, &item, NULL), MR_AGAIN);
        (void)nanosleep(&pause, NULL);
        rig_turn(&rig);
    }
    assert_false(said(&rig, "session 7"));
    (void)rig_send(client, 0, 0, 5);
    assert_int_equal(rig_answer(client).result, 0);
    (void)close(fd);
    mr_client_close(client);
    rig_close(&rig);
}

static void a_malformed_frame_ends_its_client_and_no_other(void **state)
{
    (void)state;
    static const struct mr_wire_frame frames[] = {
        {.length = 0, .kind = MR_WIRE_PING},
        {.length = 12, .kind = MR_WIRE_PING},
        {.length = UINT32_MAX - 7, .kind = MR_WIRE_COMMAND},
        {.length = (256 << 10) + 8, .kind = MR_WIRE_BATCH},
        {.length = 8, .kind = 77},
        {.length = 8, .kind = MR_WIRE_GOODBYE, .flags = 1},
        {.length = sizeof(struct mr_wire_answer), .kind = MR_WIRE_ANSWER},
        {.length = sizeof(struct mr_wire_hello), .kind = MR_WIRE_HELLO}, /* a second one */
    };
    struct rig rig;
    rig_open(&rig, NULL);
    struct mr_client *client = rig_connect(&rig, 7);
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        unsigned char bytes[128] = {0};
        int fd = rig_raw(&rig);
        struct mr_wire_hello hello = rig_hello(8);
        struct mr_wire_welcome welcome;
        struct mr_wire_refuse refuse;
        assert_int_equal(send(fd, &hello, sizeof hello, 0), sizeof hello);
        assert_int_equal(rig_receive(&rig, fd, &welcome, sizeof welcome), sizeof welcome);
        memcpy(bytes, &frames[i], sizeof frames[i]);
        assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
        assert_int_equal(rig_receive(&rig, fd, &refuse, sizeof refuse), sizeof refuse);
        assert_int_equal(refuse.frame.kind, MR_WIRE_REFUSE);
        assert_int_equal(refuse.code, MR_WIRE_REFUSE_FRAME);
        turn_until_ended(&rig, fd);
        (void)close(fd);
        rig_turns(&rig, 5);
        (void)rig_send(client, 0, 0, 5);
        assert_int_equal(rig_answer(client).request, i + 1);
    }
    assert_int_equal(mr_server_status_get(rig.server).clients, 1);
    mr_client_close(client);
    rig_close(&rig);
}

static void a_batch_or_command_that_is_too_large_is_refused_and_the_client_goes_on(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client_item item;
    rig_open(&rig, &(struct mr_server_options){.in_flight_max = 4});
    struct mr_client *client = rig_connect(&rig, 7);
    static struct {
        struct mr_command header;
        unsigned char body[4096]; /* longer than any of the logic */
    } large = {.header = {.length = sizeof large, .type = TILL_MOVE}};
    assert_int_equal(mr_client_send(client, &large.header, NULL, NULL), MR_OK);
    assert_int_equal(mr_client_next(client, 10000, &item, NULL), MR_OK);
    assert_int_equal(item.kind, MR_CLIENT_REFUSED);
    struct till_command commands[5];
    const struct mr_command *batch[5];
    for (uint32_t i = 0; i < 5; i++) {
        commands[i] = till_move(0, 0, 0, 1);
        batch[i] = &commands[i].header;
    }
    assert_int_equal(mr_client_send_batch(client, batch, 5, NULL, NULL), MR_E_INVALID);
    assert_int_equal(mr_client_send_batch(client, batch, 4, NULL, NULL), MR_OK);
    assert_int_equal(mr_client_send(client, batch[0], NULL, NULL), MR_AGAIN); /* a full window */
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(rig_answer(client).request, i + 2);
    }
    assert_int_equal(mr_client_send(client, batch[0], NULL, NULL), MR_OK);
    mr_client_close(client);
    rig_close(&rig);
}

/* -- Too many. --------------------------------------------------------------------------------- */

static void beyond_its_clients_and_sessions_it_refuses(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client *clients[3], *more = NULL;
    struct mr_error error;
    rig_open(&rig, &(struct mr_server_options){.clients_max = 3});
    for (uint32_t i = 0; i < 3; i++) {
        clients[i] = rig_connect(&rig, 10 + i);
    }
    struct mr_client_options options = rig_client(&rig, 20);
    assert_int_equal(mr_client_open(&options, &more, &error), MR_E_BUSY);
    assert_true(said(&rig, "turned away"));
    for (uint32_t i = 0; i < 3; i++) {
        mr_client_close(clients[i]);
    }
    rig_turns(&rig, 50);
    for (uint32_t i = 3; i < 8; i++) {
        mr_client_close(rig_connect(&rig, 10 + i));
        rig_turns(&rig, 50);
    }
    assert_int_equal(mr_client_open(&options, &more, &error), MR_E_LIMIT);
    rig_close(&rig);
}

static void a_number_below_one_that_was_closed_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client *client;
    struct mr_error error;
    rig_open(&rig, NULL);
    client = rig_connect(&rig, 50);
    struct {
        struct mr_command header;
        struct mr_session_close body;
    } end = {.header = {.length = sizeof end, .type = MR_COMMAND_SESSION_CLOSE},
             .body = {.closed_session = 50}};
    assert_int_equal(mr_client_send(client, &end.header, NULL, NULL), MR_OK);
    assert_int_equal(rig_answer(client).result, 0);
    mr_client_close(client);
    struct mr_client_options options = rig_client(&rig, 40);
    assert_int_equal(mr_client_open(&options, &client, &error), MR_E_INVALID);
    mr_client_close(rig_connect(&rig, 0)); /* a new one of its own choice */
    rig_close(&rig);
}

static void another_journal_gets_nothing_that_was_meant_for_the_first(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_error error;
    rig_open(&rig, NULL);
    struct mr_client *client = rig_connect(&rig, 7);
    rig.engine_stands_still = true;
    (void)rig_send(client, 0, 0, 5);
    rig_stop(&rig);
    rig.journal = 1;
    rig_start_engine(&rig);
    rig_start_server(&rig, NULL);
    rig.engine_stands_still = false;
    assert_int_equal(mr_client_reconnect(client, &error), MR_E_MISMATCH);
    assert_int_equal(mr_client_unanswered(client), 1);
    rig_turns(&rig, 50);
    assert_int_equal(mr_server_status_get(rig.server).commands, 0);
    mr_client_close(client);
    rig_close(&rig);
}

static void queries_too_go_again_after_a_reconnection(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_error error;
    struct mr_client_item item;
    const struct mr_query query = {.length = MR_QUERY_HEADER, .type = MR_QUERY_STATUS};
    uint64_t number;
    rig_open(&rig, NULL);
    struct mr_client *client = rig_connect(&rig, 7);
    rig.engine_stands_still = true;
    assert_int_equal(mr_client_query(client, &query, &number, NULL), MR_OK);
    (void)rig_send(client, 0, 0, 5);
    rig_turns(&rig, 20);
    rig_stop(&rig); /* while the query is on its way through the engine */
    assert_int_equal(mr_client_next(client, 0, &item, &error), MR_E_IO);
    (void)rig_send(client, 0, 0, 5); /* without a connection: kept */
    rig.engine_stands_still = false;
    rig_start_engine(&rig);
    rig_start_server(&rig, NULL);
    assert_int_equal(mr_client_reconnect(client, &error), MR_OK);
    uint32_t answers = 0, replies = 0;
    while (mr_client_unanswered(client) > 0) {
        assert_int_equal(mr_client_next(client, 10000, &item, &error), MR_OK);
        answers += item.kind == MR_CLIENT_ANSWER;
        replies += item.kind == MR_CLIENT_REPLY && item.request == number;
    }
    assert_int_equal(answers, 2);
    assert_int_equal(replies, 1);
    mr_client_close(client);
    rig_close(&rig);
}

/* -- The socket's file. ------------------------------------------------------------------------ */

static int open_at(struct rig *rig, const char *path, struct mr_server **server)
{
    const struct mr_server_options options = {.engine = rig->engine, .socket_path = path};
    return mr_server_open(&options, server, NULL);
}

static void a_dead_servers_socket_is_replaced_and_nothing_else_is(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_server *server = NULL;
    struct stat there;
    char path[PATH_MAX];
    rig_open(&rig, NULL);
    assert_int_equal(stat(rig.path, &there), 0);
    assert_int_equal(there.st_mode & 07777, 0600);
    assert_int_equal(open_at(&rig, rig.path, &server), MR_E_BUSY);
    (void)snprintf(path, sizeof path, "%.90s/file", rig.directory);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(open_at(&rig, path, &server), MR_E_INVALID);
    assert_int_equal(stat(path, &there), 0);
    (void)snprintf(path, sizeof path, "%.90s/dead", rig.directory);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd); /* without removing it: as a kill leaves it */
    assert_int_equal(open_at(&rig, path, &server), MR_OK);
    mr_server_close(server);
    assert_int_equal(stat(path, &there), -1);
    (void)memset(path, 'a', 200);
    path[200] = '\0';
    assert_int_equal(open_at(&rig, path, &server), MR_E_INVALID);
    rig_close(&rig);
}

/* -- Draining. --------------------------------------------------------------------------------- */

static void stopping_it_answers_what_was_accepted_and_says_goodbye(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client *client, *late = NULL;
    struct mr_client_item item;
    struct mr_error error;
    rig_open(&rig, NULL);
    client = rig_connect(&rig, 7);
    int silent = rig_raw(&rig); /* no hello yet */
    rig_turns(&rig, 10);
    rig.engine_stands_still = true;
    for (uint32_t i = 0; i < 20; i++) {
        (void)rig_send(client, 0, 0, 1);
    }
    rig_turns(&rig, 20);
    mr_server_stop(rig.server);
    rig_turns(&rig, 20);
    struct mr_client_options options = rig_client(&rig, 8);
    assert_int_equal(mr_client_open(&options, &late, &error), MR_E_IO);
    (void)rig_send(client, 0, 0, 1000); /* not accepted any more */
    rig.engine_stands_still = false;
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(rig_answer(client).request, i + 1);
    }
    assert_int_equal(mr_client_next(client, 10000, &item, &error), MR_E_FENCED);
    assert_int_equal(mr_client_unanswered(client), 1);
    turn_until_ended(&rig, silent);
    mr_client_close(client);
    (void)close(silent);
    rig_turns(&rig, 50);
    assert_int_equal(mr_server_step(rig.server, 0), MR_E_HALTED);
    const struct till *till = mr_image_state(mr_engine_image(rig.engine));
    assert_int_equal(till->balance[0], 20);
    rig_close(&rig);
}

static void when_the_engine_fails_the_clients_are_told(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client_item item;
    struct mr_error error;
    rig_open(&rig, NULL);
    struct mr_client *client = rig_connect(&rig, 7);
    assert_int_equal(mr_engine_stop(rig.engine, NULL), MR_OK);
    rig.engine_stands_still = true;
    (void)rig_send(client, 0, 0, 1);
    assert_int_equal(mr_client_next(client, 10000, &item, &error), MR_E_FENCED);
    assert_int_equal(mr_client_unanswered(client), 1);
    mr_client_close(client);
    rig_turns(&rig, 50);
    assert_int_equal(mr_server_step(rig.server, 0), MR_E_FENCED);
    assert_true(said(&rig, "error: "));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_engine_stops_the_reading_and_loses_nothing),
        cmocka_unit_test(no_more_than_the_limit_is_in_flight),
        cmocka_unit_test(a_client_that_does_not_read_is_cut_off_aloud_and_nobody_else_notices),
        cmocka_unit_test(who_does_not_say_hello_is_cut_off),
        cmocka_unit_test(who_is_silent_for_too_long_is_cut_off_and_who_pings_is_not),
        cmocka_unit_test(a_malformed_frame_ends_its_client_and_no_other),
        cmocka_unit_test(a_batch_or_command_that_is_too_large_is_refused_and_the_client_goes_on),
        cmocka_unit_test(beyond_its_clients_and_sessions_it_refuses),
        cmocka_unit_test(a_number_below_one_that_was_closed_is_refused),
        cmocka_unit_test(another_journal_gets_nothing_that_was_meant_for_the_first),
        cmocka_unit_test(queries_too_go_again_after_a_reconnection),
        cmocka_unit_test(a_dead_servers_socket_is_replaced_and_nothing_else_is),
        cmocka_unit_test(stopping_it_answers_what_was_accepted_and_says_goodbye),
        cmocka_unit_test(when_the_engine_fails_the_clients_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
