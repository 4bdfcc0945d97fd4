#include "tests/core/rig.h"

static const struct rig_limits small = {.sessions = 4, .answers = 4, .timers = 8};

/* -- What the image refuses. ------------------------------------------------------------------- */

static void expect_rejected(struct rig *rig, uint32_t reason)
{
    uint64_t rejects = mr_image_status_get(rig->image).rejects;
    int64_t total = rig_tally(rig)->total;
    struct mr_answer answer = rig_apply(rig);
    assert_int_equal(answer.result, reason);
    assert_int_equal(answer.event_count, 1);
    assert_int_equal(mr_image_status_get(rig->image).rejects, rejects + 1);
    assert_int_equal(rig_tally(rig)->total, total);
    const struct mr_event *event = rig_last_event(rig);
    assert_int_equal(event->type, MR_EVENT_COMMAND_REJECTED);
    assert_int_equal(event->number, answer.first_event);
    assert_int_equal(event->sequence, rig->command.header.sequence);
    const struct mr_command_rejected *body = mr_event_body(event);
    assert_int_equal(body->reason, reason);
    assert_int_equal(body->command_type, rig->command.header.type);
    assert_int_equal(body->request, rig->command.header.request);
}

/* A valid addition of session 7, to be spoilt; session 7 is a user's, 8 an operator's. */
static struct mr_command *valid_add(struct rig *rig, uint64_t request)
{
    rig->command.header = (struct mr_command){
        .length = MR_COMMAND_HEADER + sizeof(struct tally_add),
        .type = TALLY_ADD,
        .role = MR_ROLE_USER,
        .sequence = mr_image_status_get(rig->image).sequence + 1,
        .session = 7,
        .request = request,
    };
    struct tally_add *body = mr_command_body_mutable(&rig->command.header);
    body->amount = 1;
    return &rig->command.header;
}

static void a_command_that_the_catalog_does_not_know_is_rejected(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    rig_open(&rig, 7, MR_ROLE_USER);
    static const uint16_t unknown[] = {0, 6, 63, 69, 1000, 65535};
    for (uint32_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        valid_add(&rig, i + 1)->type = unknown[i];
        expect_rejected(&rig, MR_REASON_UNKNOWN_TYPE);
    }
    valid_add(&rig, 10)->version = 1;
    expect_rejected(&rig, MR_REASON_UNKNOWN_VERSION);
    valid_add(&rig, 11)->length += 8;
    expect_rejected(&rig, MR_REASON_BAD_LENGTH);
    valid_add(&rig, 12)->length -= 8;
    expect_rejected(&rig, MR_REASON_BAD_LENGTH);
    valid_add(&rig, 13);
    assert_int_equal(rig_apply(&rig).result, 0);
    assert_int_equal(rig_tally(&rig)->total, 1);
    rig_stop(&rig);
}

static void a_role_sends_only_what_the_catalog_grants_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    rig_open(&rig, 7, MR_ROLE_USER);
    rig_open(&rig, 8, MR_ROLE_OPERATOR);
    for (uint16_t type = 1; type < 70; type++) {
        const struct mr_message *row = mr_catalog_command(&tally_catalog, type);
        if (row == NULL || type == MR_COMMAND_GENESIS || type == MR_COMMAND_SESSION_CLOSE) {
            continue; /* whom one may close: test_session */
        }
        for (uint64_t session = 0; session < 3; session++) {
            static const uint64_t ids[] = {0, 8, 7}; /* by role */
            unsigned char body[512] = {0};
            struct mr_answer answer = rig_send(&rig, ids[session], type, type, body, row->size);
            bool denied = (row->roles & MR_ROLE_BIT(session)) == 0;
            assert_int_equal(answer.result == MR_REASON_ROLE_DENIED, denied);
        }
    }
    rig_stop(&rig);
}

static void a_role_that_is_not_the_sessions_is_denied(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    rig_open(&rig, 7, MR_ROLE_USER);
    static const uint8_t claimed[] = {MR_ROLE_SYSTEM, MR_ROLE_OPERATOR, MR_ROLE_COUNT, 255};
    for (uint32_t i = 0; i < 4; i++) {
        valid_add(&rig, i + 1)->role = claimed[i];
        expect_rejected(&rig, MR_REASON_ROLE_DENIED);
        valid_add(&rig, i + 1)->role = claimed[i];
        rig.command.header.session = 0;
        if (claimed[i] == MR_ROLE_USER) {
            expect_rejected(&rig, MR_REASON_ROLE_DENIED);
        }
    }
    /* To claim the right role for a type that the role may not send is no better. */
    valid_add(&rig, 9)->type = TALLY_OPERATE;
    rig.command.header.length = MR_COMMAND_HEADER;
    expect_rejected(&rig, MR_REASON_ROLE_DENIED);
    rig_stop(&rig);
}

static void a_session_that_is_not_open_is_rejected_and_leaves_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    valid_add(&rig, 1);
    expect_rejected(&rig, MR_REASON_UNKNOWN_SESSION);
    assert_int_equal(rig_last_event(&rig)->aggregate_kind, 0);
    struct mr_session_info info;
    assert_false(mr_image_session(rig.image, 7, &info));
    assert_false(mr_image_session(rig.image, 0, &info));
    rig_stop(&rig);
}

static void what_the_logic_refuses_is_told_by_the_logic_and_counted(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    rig_open(&rig, 7, MR_ROLE_USER);
    assert_int_equal(rig_add(&rig, 7, 1, INT64_MAX).result, 0);
    struct mr_answer answer = rig_add(&rig, 7, 2, 1);
    assert_int_equal(answer.result, TALLY_TOO_MUCH);
    assert_int_equal(answer.event_count, 1);
    assert_int_equal(rig_last_event(&rig)->type, TALLY_REFUSED);
    assert_int_equal(mr_image_status_get(rig.image).rejects, 1);
    assert_int_equal(rig_tally(&rig)->total, INT64_MAX);
    rig_stop(&rig);
}

/* -- Events. ----------------------------------------------------------------------------------- */

static void events_are_dense_and_linked_by_aggregate(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    rig_open(&rig, 7, MR_ROLE_USER);
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (uint64_t request = 1; request < 500; request++) {
        struct tally_burst burst = {.count = mr_random_below(&random, 9)};
        rig_send(&rig, 7, request, TALLY_BURST, &burst, sizeof burst);
        if (mr_random_chance(&random, 1, 3)) {
            rig_add(&rig, 7, request, 1); /* a duplicate: no event */
        }
        if (mr_random_chance(&random, 1, 3)) {
            rig_send(&rig, 7, ++request, 999, NULL, 0); /* an event of the session */
        }
    }
    uint64_t number = 0, last[2] = {0, 0}, count[2] = {0, 0};
    for (const struct mr_event *event = rig_next_event(&rig, NULL); event != NULL;
         event = rig_next_event(&rig, event)) {
        assert_int_equal(event->number, ++number);
        assert_int_equal(event->reserved, 0);
        if (event->aggregate_kind == 0) {
            assert_int_equal(event->aggregate_sequence, 0);
            continue;
        }
        uint32_t which = event->aggregate_kind == TALLY_TOTAL;
        assert_int_equal(event->aggregate_id, which ? 1 : 7);
        assert_int_equal(event->aggregate_sequence, ++count[which]);
        assert_int_equal(event->previous, last[which]);
        last[which] = number;
    }
    assert_int_equal(number, mr_image_status_get(rig.image).events);
    assert_true(count[0] > 50 && count[1] > 500);
    rig_stop(&rig);
}

static void correlation_comes_back_in_the_events_of_the_command(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    rig_open(&rig, 7, MR_ROLE_USER);
    rig_add(&rig, 7, 13, 1); /* the rig correlates with 7 times the request */
    assert_int_equal(rig_last_event(&rig)->correlation, 91);
    rig_stop(&rig);
}

static void a_tick_moves_the_time_and_emits_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    struct mr_answer answer = rig_tick(&rig, 55);
    assert_int_equal(answer.result, 0);
    assert_int_equal(answer.first_event, 0);
    assert_int_equal(answer.event_count, 0);
    struct mr_image_status status = mr_image_status_get(rig.image);
    assert_int_equal(status.time_ns, 55);
    assert_int_equal(status.sequence, 2);
    assert_int_equal(status.events, 1);
    rig_stop(&rig);
}

/* -- The image as bytes. ----------------------------------------------------------------------- */

/* Anything at all: valid, resent, refused. */
static void random_command(struct rig *rig, struct mr_random *random)
{
    static const uint16_t types[] = {2, 2, 3, 4, 64, 64, 65, 65, 65, 66, 67, 68, 99};
    union {
        unsigned char bytes[256];
        struct mr_session_open open;
        struct mr_session_close close;
        struct tally_add add;
        struct tally_timer_set set;
        struct tally_timer_cancel cancel;
        struct tally_burst burst;
    } body = {{0}};
    uint16_t type = types[mr_random_below(random, sizeof types / sizeof types[0])];
    /* Most are open: numbers go up as sessions go. */
    uint64_t floor = rig->image->session_floor;
    uint64_t session = floor + mr_random_below(random, 6) - mr_random_below(random, 3);
    session = session > floor + 6 ? 0 : session;
    struct mr_session_info info = {0};
    (void)mr_image_session(rig->image, session, &info);
    rig->time_ns += mr_random_below(random, 100);
    const struct mr_message *row = mr_catalog_command(&tally_catalog, type);
    switch (type) {
    case MR_COMMAND_SESSION_OPEN:
        body.open.new_session = session;
        body.open.new_role = (uint8_t)mr_random_below(random, 4);
        session = 0;
        break;
    case MR_COMMAND_SESSION_CLOSE:
        body.close.closed_session = session;
        session = mr_random_chance(random, 1, 4) ? 0 : session;
        break;
    case TALLY_ADD:
        body.add.amount = (int64_t)mr_random_u64(random);
        break;
    case TALLY_TIMER_SET:
        body.set.due = rig->time_ns + mr_random_below(random, 300);
        body.set.period = mr_random_below(random, 50);
        body.set.slot = (uint32_t)mr_random_below(random, 12);
        body.set.kind = (uint8_t)mr_random_below(random, 2);
        break;
    case TALLY_TIMER_CANCEL:
        body.cancel.slot = (uint32_t)mr_random_below(random, 12);
        break;
    case TALLY_BURST:
        body.burst.count = mr_random_below(random, 70);
        break;
    default:
        break;
    }
    uint64_t request = info.last_request + 3 - mr_random_below(random, 6);
    rig_send(rig, session, request, type, body.bytes, row == NULL ? 8 : row->size);
}

static void equal_histories_give_equal_bytes_events_and_turns(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    struct rig a, b;
    rig_start_idle(&a, small, 2000);
    rig_start_idle(&b, small, 2000);
    rig_make_outbox(&b, b.outbox.size * 2); /* how much room there is must not matter */
    struct mr_random random;
    mr_random_init(&random, seed);
    for (int i = 0; i < 5000; i++) {
        random_command(&a, &random);
        b.command = a.command;
        rig_apply(&b);
        assert_memory_equal(&a.answer, &b.answer, sizeof a.answer);
        assert_int_equal(a.turns, b.turns);
        if (i % 100 == 0) {
            rig_assert_same(&a, &b);
            assert_true(mr_image_check(a.image, &tally_logic));
        }
    }
    struct mr_image_status status = mr_image_status_get(a.image);
    printf("%llu events, %llu rejects\n", (unsigned long long)status.events,
           (unsigned long long)status.rejects);
    assert_true(status.rejects > 100 && status.events > 5000);
    rig_assert_same(&a, &b);
    rig_stop(&a);
    rig_stop(&b);
}

static void a_moved_copy_of_the_used_parts_goes_on_alike(void **state)
{
    (void)state;
    struct rig a, b;
    rig_start_idle(&a, small, 2000);
    rig_start_idle(&b, small, 2000);
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int i = 0; i < 1000; i++) {
        random_command(&a, &random);
    }
    memset(b.image, 0, mr_image_size(&tally_logic, &a.genesis.header, NULL));
    struct mr_span spans[RIG_SPANS_MAX];
    uint32_t count = mr_image_used(a.image, &tally_logic, spans, RIG_SPANS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        memcpy((unsigned char *)b.image + spans[i].offset,
               (unsigned char *)a.image + spans[i].offset, spans[i].size);
    }
    assert_true(mr_image_check(b.image, &tally_logic));
    a.events_used = b.events_used = 0;
    for (int i = 0; i < 1000; i++) {
        random_command(&a, &random);
        b.command = a.command;
        rig_apply(&b);
    }
    rig_assert_same(&a, &b);
    rig_stop(&a);
    rig_stop(&b);
}

static void used_spans_rise_lie_inside_and_miss_nothing_that_was_written(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_idle(&rig, (struct rig_limits){.sessions = 100, .answers = 16, .timers = 100}, 2000);
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    uint64_t size = mr_image_size(&tally_logic, &rig.genesis.header, NULL);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 50; i++) {
            random_command(&rig, &random);
        }
        struct mr_span spans[RIG_SPANS_MAX];
        uint32_t count = mr_image_used(rig.image, &tally_logic, spans, RIG_SPANS_MAX);
        const unsigned char *bytes = (const unsigned char *)rig.image;
        uint64_t at = 0;
        for (uint32_t i = 0; i <= count; i++) {
            uint64_t next = i < count ? spans[i].offset : size;
            assert_true(at <= next && next <= size);
            for (; at < next; at++) {
                assert_int_equal(bytes[at], 0);
            }
            at += i < count ? spans[i].size : 0;
        }
    }
    rig_stop(&rig);
}

/* An image with a bit of everything: sessions 7, 8 and one that is gone, timers and freed ones. */
static void start_with_everything(struct rig *rig)
{
    rig_start_idle(rig, small, 5000);
    rig_open(rig, 7, MR_ROLE_USER);
    rig_open(rig, 8, MR_ROLE_USER);
    rig_open(rig, 9, MR_ROLE_USER);
    rig_close(rig, 0, 0, 9);
    for (uint64_t i = 1; i <= 6; i++) {
        struct tally_timer_set set = {.due = 100 + i, .slot = (uint32_t)i};
        rig_send(rig, 7, i, TALLY_TIMER_SET, &set, sizeof set);
    }
    struct tally_timer_cancel cancel = {.slot = 3};
    rig_send(rig, 8, 1, TALLY_TIMER_CANCEL, &cancel, sizeof cancel);
}

static void check_finds_planted_corruption(void **state)
{
    (void)state;
    struct rig rig;
    start_with_everything(&rig);
    struct mr_image *image = rig.image;
    struct mr_timer_node *node = mr_image_at(image, image->parts.timers);
    uint32_t *index = mr_image_at(image, image->parts.session_index);
    void *planted[] = {&image->magic,
                       &image->logic,
                       &image->logic_version,
                       &image->config_size,
                       &image->limits.sessions_max,
                       &image->limits.answers_max,
                       &image->limits.timers_max,
                       &image->limits.session_idle_ns,
                       &image->limits.clock,
                       &image->outbox_size,
                       &image->turn,
                       &image->turn_events,
                       &image->sessions.live,
                       &image->sessions.high,
                       &image->sessions.free,
                       &image->sessions.limit,
                       &image->answer_bits,
                       &image->timer_count,
                       &image->timers.free,
                       &image->timers.live,
                       &image->timers.high,
                       &image->parts.answers,
                       &image->parts.end,
                       &mr_sessions(image)[1].id,
                       &mr_sessions(image)[1].last_request,
                       &mr_sessions(image)[1].last_time_ns,
                       &mr_sessions(image)[1].timer,
                       &mr_sessions(image)[1].link,
                       &mr_sessions(image)[2].role,
                       &mr_sessions(image)[3].id,
                       &mr_sessions(image)[3].last_request,
                       &mr_sessions(image)[3].link,
                       mr_image_at(image, image->parts.open),
                       &mr_session_answer(image, mr_sessions(image) + 1, 4)->request,
                       &mr_session_answer(image, mr_sessions(image) + 1, 4)->first_event,
                       &mr_timer_heap(image).keys[1].due_ns,
                       &mr_timer_heap(image).keys[3].order,
                       &mr_timer_heap(image).keys[5].node,
                       &mr_timer_heap(image).keys[5].reserved,
                       &mr_timer_heap(image).keys[image->timer_count + 1].node,
                       &node[1].place,
                       &node[5].link,
                       &node[1].session,
                       &node[4].session,
                       &index[mr_session_home(image, 7)]};
    for (uint32_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
        unsigned char *byte = planted[i];
        assert_true(mr_image_check(image, &tally_logic));
        *byte ^= 0xf0;
        if (mr_image_check(image, &tally_logic)) {
            fail_msg("corruption %u was not found", i);
        }
        *byte ^= 0xf0;
    }
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_that_the_catalog_does_not_know_is_rejected),
        cmocka_unit_test(a_role_sends_only_what_the_catalog_grants_it),
        cmocka_unit_test(a_role_that_is_not_the_sessions_is_denied),
        cmocka_unit_test(a_session_that_is_not_open_is_rejected_and_leaves_nothing),
        cmocka_unit_test(what_the_logic_refuses_is_told_by_the_logic_and_counted),
        cmocka_unit_test(events_are_dense_and_linked_by_aggregate),
        cmocka_unit_test(correlation_comes_back_in_the_events_of_the_command),
        cmocka_unit_test(a_tick_moves_the_time_and_emits_nothing),
        cmocka_unit_test(equal_histories_give_equal_bytes_events_and_turns),
        cmocka_unit_test(a_moved_copy_of_the_used_parts_goes_on_alike),
        cmocka_unit_test(used_spans_rise_lie_inside_and_miss_nothing_that_was_written),
        cmocka_unit_test(check_finds_planted_corruption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
