/*
 * What a server does for its clients: sessions, answers, events, queries, batches.
 */
#include "tests/wire/rig.h"

#include <pthread.h>

static void answers_come_in_order_with_the_requests_of_their_commands(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct mr_client *client = rig_connect(&rig, 7);
    assert_string_equal(mr_client_welcome(client)->logic, "till");
    assert_int_equal(mr_client_welcome(client)->logic_version, 1);
    assert_int_equal(mr_client_welcome(client)->journal[0], 1);
    assert_int_equal(mr_client_welcome(client)->last_request, 0);
    assert_int_equal(mr_client_welcome(client)->in_flight_max, 64);
    assert_int_equal(mr_client_welcome(client)->clock, MR_CLOCK_INPUT);
    assert_int_equal(rig_send(client, 0, 1, 5), 1);
    assert_int_equal(rig_send(client, 10, 1, -6), 10);
    assert_int_equal(rig_send(client, 0, 1, -5), 11);
    assert_int_equal(mr_client_unanswered(client), 3);
    struct mr_answer answers[3] = {rig_answer(client), rig_answer(client), rig_answer(client)};
    assert_int_equal(answers[0].request, 1);
    assert_int_equal(answers[0].session, 7);
    assert_int_equal(answers[0].result, 0);
    assert_int_equal(answers[1].request, 10);
    assert_int_equal(answers[1].result, TILL_EMPTY);
    assert_int_equal(answers[2].request, 11);
    assert_int_equal(answers[2].sequence, answers[0].sequence + 2);
    assert_int_equal(mr_client_unanswered(client), 0);
    mr_client_close(client);
    client = rig_connect(&rig, 7);
    assert_int_equal(mr_client_welcome(client)->last_request, 11);
    assert_int_equal(rig_send(client, 0, 1, 1), 12);
    assert_int_equal(rig_answer(client).request, 12);
    mr_client_close(client);
    rig_close(&rig);
}

static void a_command_is_its_connections_whatever_it_claims(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct mr_client *other = rig_connect(&rig, 3);
    int fd = rig_raw(&rig);
    struct mr_wire_hello hello = rig_hello(4);
    struct {
        struct mr_wire_frame frame;
        struct till_command command;
    } claim = {.frame = {.length = sizeof claim, .kind = MR_WIRE_COMMAND},
               .command = till_move(3, 1, 0, 5)};
    claim.command.header.role = MR_ROLE_SYSTEM;
    claim.command.header.sequence = 99;
    assert_int_equal(send(fd, &hello, sizeof hello, 0), sizeof hello);
    assert_int_equal(send(fd, &claim, sizeof claim, 0), sizeof claim);
    struct mr_wire_welcome welcome;
    struct mr_wire_answer answer;
    assert_int_equal(rig_receive(&rig, fd, &welcome, sizeof welcome), sizeof welcome);
    assert_int_equal(welcome.frame.kind, MR_WIRE_WELCOME);
    assert_int_equal(rig_receive(&rig, fd, &answer, sizeof answer), sizeof answer);
    assert_int_equal(answer.frame.kind, MR_WIRE_ANSWER);
    assert_int_equal(answer.answer.session, 4);
    assert_int_equal(answer.answer.result, 0);
    struct mr_client_item item;
    assert_int_equal(mr_client_next(other, 0, &item, NULL), MR_AGAIN);
    (void)close(fd);
    mr_client_close(other);
    rig_close(&rig);
}

static void frames_may_come_in_any_pieces(void **state)
{
    (void)state;
    enum { COUNT = 6 };
    struct {
        struct mr_wire_hello hello;
        struct {
            struct mr_wire_frame frame;
            struct till_command command;
        } commands[COUNT];
    } bytes = {.hello = rig_hello(4)};
    for (uint32_t i = 0; i < COUNT; i++) {
        bytes.commands[i].frame =
            (struct mr_wire_frame){.length = sizeof bytes.commands[i], .kind = MR_WIRE_COMMAND};
        bytes.commands[i].command = till_move(0, i + 1, 0, 1 << i);
    }
    for (size_t size = 1; size < 200; size += size < 30 ? 1 : 13) {
        struct rig rig;
        rig_open(&rig, NULL);
        int fd = rig_raw(&rig);
        for (size_t at = 0; at < sizeof bytes; at += size) {
            size_t count = sizeof bytes - at < size ? sizeof bytes - at : size;
            assert_int_equal(send(fd, (const unsigned char *)&bytes + at, count, 0), count);
            rig_turn(&rig);
        }
        struct {
            struct mr_wire_welcome welcome;
            struct mr_wire_answer answers[COUNT];
        } back;
        assert_int_equal(rig_receive(&rig, fd, &back, sizeof back), sizeof back);
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_int_equal(back.answers[i].answer.request, i + 1);
            assert_int_equal(back.answers[i].answer.result, 0);
        }
        const struct till *till = mr_image_state(mr_engine_image(rig.engine));
        assert_int_equal(till->balance[0], (1 << COUNT) - 1);
        (void)close(fd);
        rig_close(&rig);
    }
}

static void what_only_the_engine_sends_is_refused_and_the_client_goes_on(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct mr_client *client = rig_connect(&rig, 7);
    uint64_t before = mr_engine_applied_sequence(rig.engine);
    static const uint16_t types[] = {MR_COMMAND_GENESIS, MR_COMMAND_TICK, MR_COMMAND_LOGIC_UPGRADE};
    for (uint32_t i = 0; i < 3; i++) {
        struct mr_command command = {.length = MR_COMMAND_HEADER, .type = types[i]};
        struct mr_client_item item;
        assert_int_equal(mr_client_send(client, &command, NULL, NULL), MR_OK);
        assert_int_equal(mr_client_next(client, 10000, &item, NULL), MR_OK);
        assert_int_equal(item.kind, MR_CLIENT_REFUSED);
        assert_int_equal(item.request, i + 1);
        assert_int_equal(mr_client_unanswered(client), 0);
    }
    assert_int_equal(mr_engine_applied_sequence(rig.engine), before);
    (void)rig_send(client, 0, 0, 5);
    assert_int_equal(rig_answer(client).result, 0);
    mr_client_close(client);
    rig_close(&rig);
}

static uint32_t refused_with(struct rig *rig, const struct mr_wire_hello *hello)
{
    struct mr_wire_refuse refuse = {.code = 0};
    int fd = rig_raw(rig);
    assert_int_equal(send(fd, hello, sizeof *hello, 0), sizeof *hello);
    (void)rig_receive(rig, fd, &refuse, sizeof refuse);
    if (refuse.frame.kind == MR_WIRE_REFUSE) {
        unsigned char more;
        assert_int_equal(rig_receive(rig, fd, &more, 1), 0); /* nothing follows */
    }
    (void)close(fd);
    rig_turns(rig, 20);
    return refuse.frame.kind == MR_WIRE_REFUSE ? refuse.code : 0;
}

static void a_hello_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct mr_wire_hello hello = rig_hello(0);
    assert_int_equal(refused_with(&rig, &hello), MR_WIRE_REFUSE_SESSION);
    hello = rig_hello(1);
    hello.magic ^= 1;
    assert_int_equal(refused_with(&rig, &hello), MR_WIRE_REFUSE_PROTOCOL);
    hello = rig_hello(1);
    hello.protocol++;
    assert_int_equal(refused_with(&rig, &hello), MR_WIRE_REFUSE_PROTOCOL);
    hello = rig_hello(1);
    hello.events = 3;
    assert_int_equal(refused_with(&rig, &hello), MR_WIRE_REFUSE_PROTOCOL);
    hello = rig_hello(1);
    hello.role = MR_ROLE_SYSTEM;
    assert_int_equal(refused_with(&rig, &hello), MR_WIRE_REFUSE_ROLE);
    hello.role = MR_ROLE_COUNT;
    assert_int_equal(refused_with(&rig, &hello), MR_WIRE_REFUSE_ROLE);
    hello = rig_hello(1);
    hello.frame.kind = MR_WIRE_WELCOME; /* whose length is another */
    assert_int_equal(refused_with(&rig, &hello), MR_WIRE_REFUSE_FRAME);
    assert_int_equal(mr_server_status_get(rig.server).clients, 0);
    assert_int_equal(mr_image_status_get(mr_engine_image(rig.engine)).sequence, 1);
    rig_close(&rig);
}

static void a_session_keeps_its_role(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_error error;
    struct mr_client *client, *other;
    rig_open(&rig, NULL);
    struct mr_client_options options = rig_client(&rig, 7);
    options.role = MR_ROLE_OPERATOR; /* on the Unix socket, as the same user */
    assert_int_equal(mr_client_open(&options, &client, NULL), MR_OK);
    options.role = MR_ROLE_USER;
    assert_int_equal(mr_client_open(&options, &other, &error), MR_E_INVALID);
    assert_true(mr_client_connected(client)); /* nobody was driven away by that */
    (void)rig_send(client, 0, 0, 5);
    assert_int_equal(rig_answer(client).result, MR_REASON_ROLE_DENIED); /* operators do not move */
    mr_client_close(client);
    rig_turns(&rig, 20);
    assert_int_equal(mr_client_open(&options, &other, &error), MR_E_INVALID);
    rig_close(&rig);
}

static void the_last_connection_of_a_session_has_it(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_error error;
    struct mr_client_item item;
    rig_open(&rig, NULL);
    struct mr_client *first = rig_connect(&rig, 7);
    (void)rig_send(first, 0, 0, 5);
    struct mr_client *second = rig_connect(&rig, 7);
    assert_int_equal(mr_client_welcome(second)->last_request, 1);
    int status;
    while ((status = mr_client_next(first, 1000, &item, &error)) == MR_OK) {
        assert_int_equal(item.kind, MR_CLIENT_ANSWER);
    }
    assert_int_equal(status, MR_E_BUSY);
    assert_non_null(strstr(error.text, "another connection"));
    assert_non_null(strstr(rig.log, "another connection"));
    assert_int_equal(rig_send(second, 0, 0, 5), 2);
    assert_int_equal(rig_answer(second).result, 0);
    assert_int_equal(mr_server_status_get(rig.server).clients, 1);
    mr_client_close(first);
    mr_client_close(second);
    rig_close(&rig);
}

/* Otherwise a client that begins behind `last_request` would get another command's answer. */
static void a_welcome_waits_for_what_the_session_has_on_its_way(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct mr_client *first = rig_connect(&rig, 7);
    rig.first_stage = 2; /* queries are answered, commands are not applied */
    (void)rig_send(first, 41, 0, 5);
    rig_turns(&rig, 20);
    assert_int_equal(mr_server_status_get(rig.server).commands, 1);
    mr_client_close(first);
    int fd = rig_raw(&rig);
    struct mr_wire_hello hello = rig_hello(7);
    struct mr_wire_welcome welcome;
    assert_int_equal(send(fd, &hello, sizeof hello, 0), sizeof hello);
    rig_turns(&rig, 100);
    assert_int_equal(recv(fd, &welcome, sizeof welcome, MSG_DONTWAIT), -1);
    rig.first_stage = 0;
    assert_int_equal(rig_receive(&rig, fd, &welcome, sizeof welcome), sizeof welcome);
    assert_int_equal(welcome.last_request, 41);
    (void)close(fd);
    rig_close(&rig);
}

static void a_batch_takes_consecutive_sequences(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, NULL);
    struct mr_client *client = rig_connect(&rig, 7);
    struct till_command commands[5];
    const struct mr_command *batch[5];
    uint64_t request, sequence = 0;
    for (uint32_t i = 0; i < 5; i++) {
        commands[i] = till_move(0, 0, 0, 1);
        batch[i] = &commands[i].header;
    }
    assert_int_equal(mr_client_send_batch(client, batch, 5, &request, NULL), MR_OK);
    assert_int_equal(request, 1);
    for (uint32_t i = 0; i < 5; i++) {
        struct mr_answer answer = rig_answer(client);
        assert_int_equal(answer.request, i + 1);
        assert_true(i == 0 || answer.sequence == sequence + 1);
        sequence = answer.sequence;
    }
    mr_client_close(client);
    rig_close(&rig);
}

/* -- Events. ----------------------------------------------------------------------------------- */

static void own_events_come_before_their_answer_and_nobody_elses_do(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client *own, *all;
    struct mr_client_item item;
    rig_open(&rig, NULL);
    struct mr_client_options options = rig_client(&rig, 7);
    options.events = MR_WIRE_EVENTS_OWN;
    assert_int_equal(mr_client_open(&options, &own, NULL), MR_OK);
    options = rig_client(&rig, 8);
    options.events = MR_WIRE_EVENTS_ALL;
    assert_int_equal(mr_client_open(&options, &all, NULL), MR_OK);
    struct mr_client *other = rig_connect(&rig, 9);
    (void)rig_send(other, 0, 2, 5);
    (void)rig_answer(other);
    struct till_command command = till_move(0, 0, 1, 5);
    command.body.burst = 2;
    assert_int_equal(mr_client_send(own, &command.header, NULL, NULL), MR_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(mr_client_next(own, 10000, &item, NULL), MR_OK);
        assert_int_equal(item.kind, MR_CLIENT_EVENT);
        assert_int_equal(((const struct till_moved *)mr_event_body(item.event))->account, 1);
    }
    uint64_t number = item.event->number;
    assert_int_equal(rig_answer(own).first_event, number - 2);
    /* All: that session 9 was opened, its event, the three. Nothing else. */
    uint64_t last = 0;
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(mr_client_next(all, 10000, &item, NULL), MR_OK);
        assert_int_equal(item.kind, MR_CLIENT_EVENT);
        assert_true(i == 0 || item.event->number == last + 1);
        last = item.event->number;
    }
    assert_int_equal(mr_client_next(all, 0, &item, NULL), MR_AGAIN);
    mr_client_close(own);
    mr_client_close(all);
    mr_client_close(other);
    rig_close(&rig);
}

static void events_of_timers_are_nobodys_own(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client *client;
    struct mr_client_item item;
    rig_open(&rig, NULL);
    struct mr_client_options options = rig_client(&rig, 7);
    options.events = MR_WIRE_EVENTS_OWN;
    assert_int_equal(mr_client_open(&options, &client, NULL), MR_OK);
    struct till_command later = till_move(0, 0, 2, 5);
    later.header.time_ns = 1000;
    later.body.delay_ns = 10;
    assert_int_equal(mr_client_send(client, &later.header, NULL, NULL), MR_OK);
    assert_int_equal(rig_answer(client).event_count, 0);
    struct till_command now = till_move(0, 0, 1, 5); /* before it, the timer fires */
    now.header.time_ns = 2000;
    assert_int_equal(mr_client_send(client, &now.header, NULL, NULL), MR_OK);
    assert_int_equal(mr_client_next(client, 10000, &item, NULL), MR_OK);
    assert_int_equal(item.kind, MR_CLIENT_EVENT);
    assert_int_equal(((const struct till_moved *)mr_event_body(item.event))->account, 1);
    assert_int_equal(rig_answer(client).event_count, 1);
    const struct till *till = mr_image_state(mr_engine_image(rig.engine));
    assert_int_equal(till->balance[2], 5);
    mr_client_close(client);
    rig_close(&rig);
}

static void own_events_beyond_what_is_held_are_left_out_and_it_is_told(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client *client;
    struct mr_client_item item;
    rig_open(&rig, &(struct mr_server_options){.events_bytes = 4096});
    struct mr_client_options options = rig_client(&rig, 7);
    options.events = MR_WIRE_EVENTS_OWN;
    assert_int_equal(mr_client_open(&options, &client, NULL), MR_OK);
    struct till_command command = till_move(0, 0, 1, 5);
    command.body.burst = TILL_BURST_MAX;
    assert_int_equal(mr_client_send(client, &command.header, NULL, NULL), MR_OK);
    assert_int_equal(mr_client_next(client, 10000, &item, NULL), MR_OK);
    assert_int_equal(item.kind, MR_CLIENT_ANSWER);
    assert_true(item.events_left_out);
    assert_int_equal(item.answer->event_count, TILL_BURST_MAX + 1);
    (void)rig_send(client, 0, 1, 5);
    assert_int_equal(mr_client_next(client, 10000, &item, NULL), MR_OK);
    assert_int_equal(item.kind, MR_CLIENT_EVENT);
    assert_int_equal(mr_client_next(client, 10000, &item, NULL), MR_OK);
    assert_false(item.events_left_out);
    mr_client_close(client);
    rig_close(&rig);
}

/* -- Queries. ---------------------------------------------------------------------------------- */

static void a_query_is_answered_with_rows_and_the_sequence_it_saw(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client_item item;
    rig_open(&rig, NULL);
    struct mr_client *client = rig_connect(&rig, 7);
    (void)rig_send(client, 0, 0, 5);
    uint64_t sequence = rig_answer(client).sequence;
    struct mr_query status = {
        .length = MR_QUERY_HEADER, .type = MR_QUERY_STATUS, .not_before = sequence};
    uint64_t number;
    assert_int_equal(mr_client_query(client, &status, &number, NULL), MR_OK);
    assert_int_equal(mr_client_next(client, 10000, &item, NULL), MR_OK);
    assert_int_equal(item.kind, MR_CLIENT_REPLY);
    assert_int_equal(item.request, number);
    assert_true(item.reply->sequence >= sequence);
    assert_int_equal(item.reply->rows, 1);
    const struct mr_row_status *row = mr_row_body(item.rows);
    assert_int_equal(row->sessions, 1);
    assert_string_equal(row->logic, "till");
    mr_client_close(client);
    rig_close(&rig);
}

static void a_query_that_nobody_would_answer_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct mr_client_item item;
    rig_open(&rig, NULL);
    struct mr_client *client = rig_connect(&rig, 7);
    struct mr_query ahead = {
        .length = MR_QUERY_HEADER, .type = MR_QUERY_STATUS, .not_before = 1000};
    static struct {
        struct mr_query header;
        unsigned char body[2048];
    } large = {.header = {.length = sizeof large, .type = MR_QUERY_STATUS}};
    assert_int_equal(mr_client_query(client, &ahead, NULL, NULL), MR_OK);
    assert_int_equal(mr_client_query(client, &large.header, NULL, NULL), MR_OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(mr_client_next(client, 10000, &item, NULL), MR_OK);
        assert_int_equal(item.kind, MR_CLIENT_REFUSED);
        assert_true(item.query);
        assert_int_equal(item.request, i + 1);
    }
    (void)rig_send(client, 0, 0, 5);
    assert_int_equal(rig_answer(client).result, 0);
    mr_client_close(client);
    rig_close(&rig);
}

/* -- On a thread of its own. ------------------------------------------------------------------- */

static void *run_server(void *context)
{
    struct mr_error error;
    return mr_server_run(context, &error) == MR_OK ? context : NULL;
}

static void on_a_thread_over_tcp_it_serves_and_drains(void **state)
{
    (void)state;
    struct mr_engine *engine;
    struct mr_server *server;
    struct mr_client *client;
    struct mr_error error = {0};
    pthread_t thread;
    void *result;
    char to[64];
    const struct mr_engine_options options = {.durability = MR_DURABILITY_NONE,
                                              .create = true,
                                              .logic = &till_logic,
                                              .output = MR_OUTPUT_NONE,
                                              .affinity = MR_AFFINITY_NONE};
    assert_int_equal(mr_engine_open(&options, &engine, &error), MR_OK);
    assert_int_equal(mr_engine_start(engine, &error), MR_OK);
    const struct mr_server_options serves = {.engine = engine, .tcp = "0"};
    assert_int_equal(mr_server_open(&serves, &server, &error), MR_OK);
    assert_int_equal(pthread_create(&thread, NULL, run_server, server), 0);
    (void)snprintf(to, sizeof to, "tcp:127.0.0.1:%u", mr_server_port(server));
    struct mr_client_options connects = {.to = to, .role = MR_ROLE_OPERATOR};
    assert_int_equal(mr_client_open(&connects, &client, &error), MR_E_INVALID); /* not over TCP */
    connects.role = MR_ROLE_USER;
    if (mr_client_open(&connects, &client, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    for (uint32_t i = 0; i < 500; i++) {
        (void)rig_send(client, 0, i % TILL_ACCOUNTS, 5);
    }
    for (uint32_t i = 0; i < 500; i++) {
        assert_int_equal(rig_answer(client).request, i + 1);
    }
    mr_server_stop(server);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, server);
    struct mr_client_item item;
    assert_int_equal(mr_client_next(client, 10000, &item, &error), MR_E_FENCED);
    mr_client_close(client);
    mr_server_close(server);
    assert_int_equal(mr_engine_stop(engine, &error), MR_OK);
    mr_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_order_with_the_requests_of_their_commands),
        cmocka_unit_test(a_command_is_its_connections_whatever_it_claims),
        cmocka_unit_test(frames_may_come_in_any_pieces),
        cmocka_unit_test(what_only_the_engine_sends_is_refused_and_the_client_goes_on),
        cmocka_unit_test(a_hello_that_cannot_be_is_refused),
        cmocka_unit_test(a_session_keeps_its_role),
        cmocka_unit_test(the_last_connection_of_a_session_has_it),
        cmocka_unit_test(a_welcome_waits_for_what_the_session_has_on_its_way),
        cmocka_unit_test(a_batch_takes_consecutive_sequences),
        cmocka_unit_test(own_events_come_before_their_answer_and_nobody_elses_do),
        cmocka_unit_test(events_of_timers_are_nobodys_own),
        cmocka_unit_test(own_events_beyond_what_is_held_are_left_out_and_it_is_told),
        cmocka_unit_test(a_query_is_answered_with_rows_and_the_sequence_it_saw),
        cmocka_unit_test(a_query_that_nobody_would_answer_is_refused),
        cmocka_unit_test(on_a_thread_over_tcp_it_serves_and_drains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
