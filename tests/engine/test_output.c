/*
 * Where events and answers go: to the poller, to callbacks, to subscribers, nowhere; and that a
 * reader that stops reading, of whatever kind, in whatever topology, holds up new commands and
 * nothing else.
 */
#include "engine/parts.h"
#include "tests/engine/till_rig.h"
#include "tests/support/sim_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>

struct heard {
    uint64_t events, answers, last_event, last_sequence;
    bool in_order;
};

static void on_event(void *context, const struct mr_event *event)
{
    struct heard *heard = context;
    heard->in_order =
        heard->in_order && (heard->last_event == 0 || event->number == heard->last_event + 1);
    heard->last_event = event->number;
    heard->events++;
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    struct heard *heard = context;
    heard->in_order = heard->in_order &&
                      (heard->last_sequence == 0 || answer->sequence == heard->last_sequence + 1);
    heard->last_sequence = answer->sequence;
    heard->answers++;
}

static struct mr_engine_handlers handlers_of(struct heard *heard)
{
    heard->in_order = true;
    return (struct mr_engine_handlers){.event = on_event, .answer = on_answer, .context = heard};
}

static void step_all(struct mr_engine *engine)
{
    for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
        assert_true(mr_engine_step(engine, stage) >= 0);
    }
}

static void submit(struct mr_engine *engine, uint64_t request, uint32_t burst)
{
    struct till_command command = till_move(TILL_SESSION, request, 0, 1);
    command.body.burst = burst;
    while (mr_engine_submit(engine, &command.header, NULL) == MR_AGAIN) {
        step_all(engine);
    }
}

static void until_applied(struct mr_engine *engine, uint64_t sequence)
{
    for (uint32_t i = 0; i < 10000 && mr_engine_applied_sequence(engine) < sequence; i++) {
        step_all(engine);
    }
    assert_int_equal(mr_engine_applied_sequence(engine), sequence);
}

static void nobody_reads_and_nothing_is_written(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine =
        till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_NONE, .output_slots = 2});
    till_begin(engine);
    for (uint64_t request = 1; request <= 100; request++) {
        submit(engine, request, 3);
    }
    until_applied(engine, 102);
    assert_int_equal(mr_ring_cursor(&engine->output), 0);
    assert_true(mr_engine_drained(engine));
    assert_int_equal(mr_engine_poll(engine, &(struct mr_engine_handlers){0}, 10), 0);
    assert_int_equal(mr_engine_await_output(engine, 1), MR_E_INVALID);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

static void drained_waits_for_the_poller(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct mr_engine_handlers handlers = handlers_of(&heard);
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine = till_open(sim, &(struct mr_engine_options){.output_slots = 64});
    till_begin(engine);
    assert_true(mr_engine_drained(engine));
    submit(engine, 1, 3);
    assert_false(mr_engine_drained(engine));
    until_applied(engine, 3);
    assert_false(mr_engine_drained(engine));
    assert_int_equal(mr_engine_await_output(engine, 0), MR_OK);
    assert_int_equal(mr_engine_poll(engine, &handlers, 4), 4);
    assert_false(mr_engine_drained(engine));
    assert_int_equal(mr_engine_poll(engine, NULL, 4), 1);
    assert_true(mr_engine_drained(engine));
    assert_int_equal(mr_engine_await_output(engine, 1), MR_AGAIN);
    assert_int_equal(heard.events, 4);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    assert_int_equal(mr_engine_await_output(engine, 0), MR_E_FENCED);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

/* One thread may wait while another polls: what the poller knows is the poller's. */
static void waiting_for_output_leaves_the_pollers_place_alone(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine = till_open(sim, &(struct mr_engine_options){.output_slots = 64});
    till_begin(engine);
    uint64_t known = engine->reader.available;
    submit(engine, 1, 3);
    until_applied(engine, 3);
    assert_int_equal(mr_engine_await_output(engine, 0), MR_OK);
    assert_int_equal(engine->reader.available, known);
    assert_int_equal(mr_engine_poll(engine, NULL, 10), 5);
    assert_int_equal(mr_engine_await_output(engine, 1), MR_AGAIN);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

static void handlers_are_called_with_everything_in_order(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine =
        till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_CALLBACK,
                                                   .handlers = handlers_of(&heard)});
    till_begin(engine);
    for (uint64_t request = 1; request <= 100; request++) {
        submit(engine, request, 3);
    }
    until_applied(engine, 102);
    assert_true(mr_engine_drained(engine));
    assert_true(heard.in_order);
    assert_int_equal(heard.answers, 102);
    assert_int_equal(heard.events, 2 + 400);
    assert_int_equal(mr_ring_cursor(&engine->output), 0);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

static void handlers_hear_each_message_once_though_a_subscriber_holds_up_the_ring(void **state)
{
    (void)state;
    struct heard called = {0}, read = {0};
    const struct mr_engine_handlers handlers = handlers_of(&read);
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine =
        till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_CALLBACK,
                                                   .output_slots = 4,
                                                   .handlers = handlers_of(&called)});
    till_begin(engine);
    struct mr_subscriber *subscriber;
    assert_int_equal(mr_engine_subscribe(engine, &subscriber, NULL), MR_OK);
    submit(engine, 1, 50);
    for (uint32_t i = 0; i < 100; i++) {
        step_all(engine);
    }
    assert_int_equal(mr_engine_applied_sequence(engine), 2); /* it waits for the subscriber */
    assert_int_equal(called.events, 2 + 4);
    for (uint32_t i = 0; i < 1000 && read.answers == 0; i++) {
        (void)mr_subscriber_poll(subscriber, &handlers, 3);
        step_all(engine);
    }
    assert_true(called.in_order && read.in_order);
    assert_int_equal(called.events, 2 + 51);
    assert_int_equal(called.answers, 3);
    assert_int_equal(read.events, 51);
    assert_int_equal(read.answers, 1);
    mr_engine_unsubscribe(subscriber);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

static void a_subscriber_sees_all_from_its_moment_on_at_its_own_pace(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine =
        till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_NONE});
    till_begin(engine);
    struct mr_subscriber *subscribers[MR_SUBSCRIBERS_MAX + 1];
    struct heard heard[MR_SUBSCRIBERS_MAX] = {{0}};
    uint64_t request = 0;
    for (uint32_t i = 0; i < MR_SUBSCRIBERS_MAX; i++) {
        assert_int_equal(mr_engine_subscribe(engine, &subscribers[i], NULL), MR_OK);
        submit(engine, ++request, 0);
        until_applied(engine, 2 + request);
    }
    struct mr_error error;
    assert_int_equal(mr_engine_subscribe(engine, &subscribers[MR_SUBSCRIBERS_MAX], &error),
                     MR_E_LIMIT);
    for (uint32_t i = 0; i < MR_SUBSCRIBERS_MAX; i++) {
        const struct mr_engine_handlers handlers = handlers_of(&heard[i]);
        while (mr_subscriber_poll(subscribers[i], &handlers, i + 1) > 0) {
        }
        assert_true(heard[i].in_order);
        assert_int_equal(heard[i].answers, MR_SUBSCRIBERS_MAX - i);
        assert_int_equal(heard[i].events, MR_SUBSCRIBERS_MAX - i);
        mr_engine_unsubscribe(subscribers[i]);
    }
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

static void a_newcomer_hears_nothing_of_what_another_left_unread(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine =
        till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_NONE, .output_slots = 4});
    till_begin(engine);
    struct mr_subscriber *subscriber;
    assert_int_equal(mr_engine_subscribe(engine, &subscriber, NULL), MR_OK);
    submit(engine, 1, 20); /* more than there is room for: apply stands still */
    for (uint32_t i = 0; i < 20; i++) {
        step_all(engine);
    }
    mr_engine_unsubscribe(subscriber);
    until_applied(engine, 3); /* and goes on, since nobody wants it any more */
    assert_int_equal(mr_engine_subscribe(engine, &subscriber, NULL), MR_OK);
    submit(engine, 2, 0);
    until_applied(engine, 4);
    struct heard heard = {0};
    const struct mr_engine_handlers handlers = handlers_of(&heard);
    assert_int_equal(mr_subscriber_poll(subscriber, &handlers, 10), 2);
    assert_int_equal(heard.last_sequence, 4);
    mr_engine_unsubscribe(subscriber);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

static bool readable(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    return poll(&wanted, 1, 0) == 1;
}

static void a_descriptor_becomes_readable_only_when_it_was_armed(void **state)
{
    (void)state;
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    struct mr_engine *engine =
        till_open(sim, &(struct mr_engine_options){.output = MR_OUTPUT_NONE});
    till_begin(engine);
    const struct mr_engine_handlers nobody = {0};
    struct mr_subscriber *subscriber;
    assert_int_equal(mr_engine_subscribe(engine, &subscriber, NULL), MR_OK);
    int fd = mr_subscriber_fd(subscriber);
    assert_true(fd >= 0);
    submit(engine, 1, 0);
    until_applied(engine, 3);
    assert_false(readable(fd)); /* nobody asked */
    assert_false(mr_subscriber_arm(subscriber));
    assert_int_equal(mr_subscriber_poll(subscriber, &nobody, 10), 2);
    for (uint64_t request = 2; request < 5; request++) {
        assert_true(mr_subscriber_arm(subscriber));
        assert_false(readable(fd));
        submit(engine, request, 0);
        until_applied(engine, 2 + request);
        assert_true(readable(fd));
        assert_int_equal(mr_subscriber_poll(subscriber, &nobody, 10), 2);
    }
    assert_true(mr_subscriber_arm(subscriber));
    assert_int_equal(mr_subscriber_await(subscriber, 1), MR_AGAIN);
    assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
    assert_true(readable(fd)); /* whoever waits is told of the end */
    assert_false(mr_subscriber_arm(subscriber));
    assert_int_equal(mr_subscriber_await(subscriber, 0), MR_E_FENCED);
    mr_engine_unsubscribe(subscriber);
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

/* -- With threads. ----------------------------------------------------------------------------- */

enum { COMMANDS = 2000 };

struct reading {
    struct mr_subscriber *subscriber;
    struct heard heard;
    bool by_descriptor;
    pthread_t thread;
};

static void *read_all(void *context)
{
    struct reading *reading = context;
    const struct mr_engine_handlers handlers = handlers_of(&reading->heard);
    while (reading->heard.answers < COMMANDS) {
        if (mr_subscriber_poll(reading->subscriber, &handlers, 10) > 0) {
            continue;
        }
        if (!reading->by_descriptor) {
            assert_int_equal(mr_subscriber_await(reading->subscriber, 0), MR_OK);
        } else if (mr_subscriber_arm(reading->subscriber)) {
            struct pollfd wanted = {.fd = mr_subscriber_fd(reading->subscriber), .events = POLLIN};
            assert_int_equal(poll(&wanted, 1, -1), 1);
        }
    }
    return NULL;
}

/* Waits now and then, so that everybody gets to sleep. */
static void submit_all(struct mr_engine *engine)
{
    uint64_t ticket;
    for (uint64_t request = 1; request <= COMMANDS; request++) {
        struct till_command command = till_move(TILL_SESSION, request, 0, 1);
        int status;
        while ((status = mr_engine_submit(engine, &command.header, &ticket)) == MR_AGAIN) {
            assert_int_equal(mr_engine_await_room(engine, 1, 0), MR_OK);
        }
        assert_int_equal(status, MR_OK);
        if (request % 16 == 0) {
            enum mr_stage stage = request % 32 == 0 ? MR_STAGE_DURABLE : MR_STAGE_APPLIED;
            assert_int_equal(mr_engine_await(engine, ticket, stage, 0), MR_OK);
            assert_true(mr_engine_stage(engine, ticket) >= stage);
        }
    }
}

static const enum mr_topology topologies[] = {MR_TOPOLOGY_ONE, MR_TOPOLOGY_TWO, MR_TOPOLOGY_EACH};

static void subscribers_that_sleep_miss_nothing_in_any_topology(void **state)
{
    (void)state;
    for (uint32_t t = 0; t < 3; t++) {
        struct mr_engine *engine;
        const struct mr_engine_options options = {.logic = &till_logic,
                                                  .durability = MR_DURABILITY_NONE,
                                                  .clock_kind = MR_CLOCK_INPUT,
                                                  .topology = topologies[t],
                                                  .output = MR_OUTPUT_CALLBACK,
                                                  .input_slots = 64,
                                                  .output_slots = 8};
        assert_int_equal(mr_engine_open(&options, &engine, NULL), MR_OK);
        assert_int_equal(mr_engine_start(engine, NULL), MR_OK);
        assert_int_equal(mr_engine_session(engine, TILL_SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
        struct reading readings[2] = {{.by_descriptor = false}, {.by_descriptor = true}};
        for (uint32_t i = 0; i < 2; i++) {
            assert_int_equal(mr_engine_subscribe(engine, &readings[i].subscriber, NULL), MR_OK);
            assert_int_equal(pthread_create(&readings[i].thread, NULL, read_all, &readings[i]), 0);
        }
        submit_all(engine);
        for (uint32_t i = 0; i < 2; i++) {
            pthread_join(readings[i].thread, NULL);
            assert_true(readings[i].heard.in_order);
            assert_int_equal(readings[i].heard.events, COMMANDS);
            mr_engine_unsubscribe(readings[i].subscriber);
        }
        assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
        mr_engine_close(engine);
    }
}

enum { VISITORS = 3, VISITS = 60, STAY = 25 };

struct visitor {
    struct mr_engine *engine;
    pthread_t thread;
    bool in_order;
    MR_ATOMIC(uint32_t) gone;
};

static void *come_and_go(void *context)
{
    struct visitor *visitor = context;
    visitor->in_order = true;
    for (uint32_t i = 0; i < VISITS; i++) {
        struct heard heard = {0};
        const struct mr_engine_handlers handlers = handlers_of(&heard);
        struct mr_subscriber *subscriber = NULL;
        visitor->in_order =
            mr_engine_subscribe(visitor->engine, &subscriber, NULL) == MR_OK && visitor->in_order;
        while (heard.events + heard.answers < STAY) {
            if (mr_subscriber_poll(subscriber, &handlers, STAY) == 0) {
                (void)mr_subscriber_await(subscriber, 0);
            }
        }
        visitor->in_order = visitor->in_order && heard.in_order;
        mr_engine_unsubscribe(subscriber);
    }
    mr_atomic_store(&visitor->gone, 1U, release);
    return NULL;
}

static void subscribers_that_come_and_go_under_load_see_no_gaps(void **state)
{
    (void)state;
    for (uint32_t t = 0; t < 3; t++) {
        struct mr_engine *engine;
        const struct mr_engine_options options = {.logic = &till_logic,
                                                  .durability = MR_DURABILITY_NONE,
                                                  .clock_kind = MR_CLOCK_INPUT,
                                                  .topology = topologies[t],
                                                  .output = MR_OUTPUT_NONE,
                                                  .output_slots = 16};
        assert_int_equal(mr_engine_open(&options, &engine, NULL), MR_OK);
        assert_int_equal(mr_engine_start(engine, NULL), MR_OK);
        assert_int_equal(mr_engine_session(engine, TILL_SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
        struct visitor visitors[VISITORS];
        for (uint32_t i = 0; i < VISITORS; i++) {
            visitors[i] = (struct visitor){.engine = engine};
            assert_int_equal(pthread_create(&visitors[i].thread, NULL, come_and_go, &visitors[i]),
                             0);
        }
        uint64_t request = 0;
        for (uint32_t i = 0; i < VISITORS;) {
            struct till_command command = till_move(TILL_SESSION, request + 1, 0, 1);
            command.body.burst = (uint32_t)(request % 4);
            if (mr_engine_submit(engine, &command.header, NULL) == MR_OK) {
                request++;
            } else {
                (void)mr_engine_await_room(engine, 1, 1000000);
            }
            i += mr_atomic_load(&visitors[i].gone, acquire);
        }
        for (uint32_t i = 0; i < VISITORS; i++) {
            pthread_join(visitors[i].thread, NULL);
            assert_true(visitors[i].in_order);
        }
        assert_int_equal(mr_engine_stop(engine, NULL), MR_OK);
        mr_engine_close(engine);
    }
}

/* Who does not read, besides the poller where there is one. */
enum who { NOBODY, A_SUBSCRIBER };
enum { PLENTY = 3000, BY_HAND = 99 };

/* Until the engine takes no more, or has taken plenty. */
static uint64_t fill_up(struct mr_engine *engine, bool by_hand, bool held_up)
{
    uint64_t accepted = 0;
    for (uint32_t refused = 0; refused < (by_hand ? 500 : 10) && accepted < PLENTY;) {
        struct till_command command = till_move(TILL_SESSION, accepted + 1, 0, 1);
        command.body.burst = 10;
        if (mr_engine_submit(engine, &command.header, NULL) == MR_OK) {
            accepted++;
            refused = 0;
        } else if (by_hand) {
            step_all(engine);
            refused++;
        } else if (mr_engine_await_room(engine, 1, held_up ? 5000000 : 0) == MR_AGAIN) {
            refused++;
        }
    }
    return accepted;
}

static void check_stalled_reader(uint32_t topology, enum mr_output output, enum who who)
{
    struct heard heard = {0};
    struct mr_sim *sim = mr_sim_create(&(struct mr_sim_options){.seed = 1});
    const struct mr_engine_options options = {.topology = topology == BY_HAND ? 0 : topology,
                                              .output = output,
                                              .handlers = handlers_of(&heard),
                                              .input_slots = 16,
                                              .output_slots = 16};
    struct mr_engine *engine = till_open(sim, &options);
    struct mr_subscriber *subscriber = NULL;
    if (topology == BY_HAND) {
        assert_int_equal(mr_engine_begin(engine, NULL), MR_OK);
    } else {
        assert_int_equal(mr_engine_start(engine, NULL), MR_OK);
    }
    assert_int_equal(mr_engine_session(engine, TILL_SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
    if (who == A_SUBSCRIBER) {
        assert_int_equal(mr_engine_subscribe(engine, &subscriber, NULL), MR_OK);
    }
    bool held_up = who == A_SUBSCRIBER || output == MR_OUTPUT_POLL;
    uint64_t accepted = fill_up(engine, topology == BY_HAND, held_up);
    assert_true(held_up ? accepted >= 16 && accepted < PLENTY : accepted == PLENTY);
    struct mr_error error = {0};
    assert_int_equal(mr_engine_stop(engine, &error), MR_OK); /* whoever does not read */
    assert_int_equal(mr_engine_applied_sequence(engine), accepted + 2);
    if (output == MR_OUTPUT_CALLBACK) {
        assert_true(heard.in_order);
        assert_int_equal(heard.answers, accepted + 2);
    }
    struct mr_digest digest = mr_engine_event_digest(engine);
    if (subscriber != NULL) {
        mr_engine_unsubscribe(subscriber);
    }
    mr_engine_close(engine);
    engine = till_open(sim, &options);
    assert_int_equal(mr_engine_applied_sequence(engine), accepted + 2);
    assert_true(mr_digest_equal(digest, mr_engine_event_digest(engine)));
    mr_engine_close(engine);
    mr_sim_destroy(sim);
}

static void a_reader_that_stops_reading_loses_nothing_in_any_topology_and_output_mode(void **state)
{
    (void)state;
    static const uint32_t all[] = {MR_TOPOLOGY_ONE, MR_TOPOLOGY_TWO, MR_TOPOLOGY_EACH, BY_HAND};
    static const enum mr_output outputs[] = {MR_OUTPUT_POLL, MR_OUTPUT_CALLBACK, MR_OUTPUT_NONE};
    for (uint32_t t = 0; t < 4; t++) {
        for (uint32_t o = 0; o < 3; o++) {
            check_stalled_reader(all[t], outputs[o], NOBODY);
            check_stalled_reader(all[t], outputs[o], A_SUBSCRIBER);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_reads_and_nothing_is_written),
        cmocka_unit_test(drained_waits_for_the_poller),
        cmocka_unit_test(waiting_for_output_leaves_the_pollers_place_alone),
        cmocka_unit_test(handlers_are_called_with_everything_in_order),
        cmocka_unit_test(handlers_hear_each_message_once_though_a_subscriber_holds_up_the_ring),
        cmocka_unit_test(a_subscriber_sees_all_from_its_moment_on_at_its_own_pace),
        cmocka_unit_test(a_newcomer_hears_nothing_of_what_another_left_unread),
        cmocka_unit_test(a_descriptor_becomes_readable_only_when_it_was_armed),
        cmocka_unit_test(subscribers_that_sleep_miss_nothing_in_any_topology),
        cmocka_unit_test(subscribers_that_come_and_go_under_load_see_no_gaps),
        cmocka_unit_test(a_reader_that_stops_reading_loses_nothing_in_any_topology_and_output_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
