/*
 * How sessions end: closed by a command, or expired because they sent nothing for too long.
 */
#include "tests/core/rig.h"

/* -- A model that is obviously right: a list of who is open, and since when silent. ------------ */

enum { MODEL_SESSIONS = 64, IDLE = 1000 };

struct model_session {
    uint64_t id, last_request, last_time;
    uint32_t role;
};

struct model {
    struct model_session open[MODEL_SESSIONS];
    uint32_t count;
    uint64_t floor;
    uint32_t expired, closed, forgotten; /* how often it came to that */
};

static struct model_session *model_find(struct model *model, uint64_t id)
{
    for (uint32_t i = 0; i < model->count; i++) {
        if (model->open[i].id == id) {
            return &model->open[i];
        }
    }
    return NULL;
}

static void model_remove(struct model *model, struct model_session *session)
{
    model->floor = session->id > model->floor ? session->id : model->floor;
    *session = model->open[--model->count];
}

/* Who has been silent for too long by `time` is gone, and each told in an event. */
static void compare_expired(const struct rig *rig, struct model *model, size_t from)
{
    const unsigned char *at = rig->events + from;
    uint64_t due_before = 0;
    while (at < rig->events + rig->events_used) {
        const struct mr_event *event = (const struct mr_event *)(const void *)at;
        at += event->length;
        const struct mr_session_closed *body = mr_event_body(event);
        if (event->type != MR_EVENT_SESSION_CLOSED || body->why != MR_SESSION_END_EXPIRED) {
            continue;
        }
        struct model_session *session = model_find(model, event->aggregate_id);
        assert_non_null(session);
        uint64_t due = session->last_time + IDLE;
        assert_true(due <= rig->time_ns && due >= due_before);
        assert_int_equal(body->last_request, session->last_request);
        assert_int_equal(event->correlation, 0);
        due_before = due;
        model_remove(model, session);
        model->expired++;
    }
    for (uint32_t i = 0; i < model->count; i++) {
        assert_true(model->open[i].last_time + IDLE > rig->time_ns);
    }
}

static uint64_t some_id(struct model *model, struct mr_random *random)
{
    if (model->count > 0 && mr_random_chance(random, 2, 3)) {
        return model->open[mr_random_below(random, model->count)].id;
    }
    /* Around the floor, and far above it, where searches begin at the same places. */
    uint64_t near = model->floor + mr_random_below(random, 12);
    return mr_random_chance(random, 1, 40) ? (near | 1) + (UINT64_C(1) << 40) : near;
}

static void step_open(struct rig *rig, struct model *model, struct mr_random *random,
                      uint32_t limit)
{
    uint64_t id = some_id(model, random);
    size_t from = rig->events_used;
    enum mr_role role = mr_random_chance(random, 1, 4) ? MR_ROLE_OPERATOR : MR_ROLE_USER;
    struct mr_answer answer = rig_open(rig, id, role);
    compare_expired(rig, model, from);
    uint32_t expected = 0;
    if (id == 0) {
        expected = MR_REASON_BAD_VALUE;
    } else if (model_find(model, id) != NULL) {
        expected = MR_REASON_SESSION_EXISTS;
    } else if (id <= model->floor) {
        expected = MR_REASON_SESSION_FORGOTTEN;
        model->forgotten++;
    } else if (model->count == limit) {
        expected = MR_REASON_SESSIONS_FULL;
    } else {
        model->open[model->count++] =
            (struct model_session){.id = id, .last_time = rig->time_ns, .role = role};
    }
    assert_int_equal(answer.result, expected);
}

static void step_close(struct rig *rig, struct model *model, struct mr_random *random)
{
    uint64_t id = some_id(model, random);
    uint64_t by = mr_random_chance(random, 1, 2) ? 0 : some_id(model, random);
    const struct model_session *sender = model_find(model, by);
    uint64_t request = sender == NULL ? 1 : sender->last_request + 1;
    size_t from = rig->events_used;
    struct mr_answer answer = rig_close(rig, by, request, id);
    compare_expired(rig, model, from);
    struct model_session *sending = model_find(model, by);
    struct model_session *session = model_find(model, id);
    uint32_t expected = 0;
    if (by != 0 && sending == NULL) {
        assert_int_equal(answer.result, MR_REASON_UNKNOWN_SESSION);
        return;
    }
    if (sending != NULL) {
        sending->last_time = rig->time_ns;
        sending->last_request = request;
    }
    if (by != 0 && sending->role == MR_ROLE_USER && by != id) {
        expected = MR_REASON_ROLE_DENIED;
    } else if (session == NULL) {
        expected = MR_REASON_UNKNOWN_SESSION;
    } else {
        const struct mr_event *event = rig_last_event(rig);
        const struct mr_session_closed *body = mr_event_body(event);
        assert_int_equal(event->type, MR_EVENT_SESSION_CLOSED);
        assert_int_equal(event->aggregate_id, id);
        assert_int_equal(body->why, MR_SESSION_END_CLOSED);
        model_remove(model, session);
        model->closed++;
    }
    assert_int_equal(answer.result, expected);
}

static void step_add(struct rig *rig, struct model *model, struct mr_random *random)
{
    uint64_t id = some_id(model, random);
    const struct model_session *before = model_find(model, id);
    uint64_t request = (before == NULL ? 0 : before->last_request) + mr_random_below(random, 3);
    size_t from = rig->events_used;
    struct mr_answer answer = rig_add(rig, id, request, 1);
    compare_expired(rig, model, from);
    struct model_session *session = model_find(model, id);
    if (session == NULL) {
        assert_int_equal(answer.result,
                         id == 0 ? MR_REASON_ROLE_DENIED : MR_REASON_UNKNOWN_SESSION);
        return;
    }
    session->last_time = rig->time_ns; /* whatever becomes of it */
    if (request > session->last_request) {
        session->last_request = request;
        assert_int_equal(answer.result, session->role == MR_ROLE_USER ? 0 : MR_REASON_ROLE_DENIED);
        assert_int_equal(answer.duplicate, 0);
    } else if (request == 0) {
        assert_int_equal(answer.result, MR_REASON_BAD_REQUEST);
    } else {
        assert_int_equal(answer.duplicate, 1);
    }
}

static void compare_sessions(const struct rig *rig, struct model *model)
{
    for (uint32_t i = 0; i < model->count; i++) {
        struct mr_session_info info;
        assert_true(mr_image_session(rig->image, model->open[i].id, &info));
        assert_int_equal(info.last_request, model->open[i].last_request);
        assert_int_equal(info.last_time_ns, model->open[i].last_time);
        assert_int_equal(info.role, model->open[i].role);
    }
    assert_int_equal(rig->image->sessions.live, model->count);
    assert_int_equal(rig->image->session_floor, model->floor);
    assert_true(mr_image_check(rig->image, rig->logic));
}

static void sessions_come_and_go_as_in_a_list(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    static struct model model;
    memset(&model, 0, sizeof model);
    for (int round = 0; round < 6; round++) {
        uint32_t limit = 1 + (uint32_t)mr_random_below(&random, 40);
        model.count = 0;
        model.floor = 0;
        struct rig rig;
        rig_start_idle(&rig, (struct rig_limits){limit, 4, 5}, IDLE);
        for (int i = 0; i < 6000; i++) {
            rig.time_ns += mr_random_chance(&random, 1, 60) ? mr_random_below(&random, 2 * IDLE)
                                                            : mr_random_below(&random, 20);
            uint64_t what = mr_random_below(&random, 10);
            if (what < 3) {
                step_open(&rig, &model, &random, limit);
            } else if (what < 4) {
                step_close(&rig, &model, &random);
            } else {
                step_add(&rig, &model, &random);
            }
            if (i % 250 == 0) {
                compare_sessions(&rig, &model);
            }
        }
        compare_sessions(&rig, &model);
        rig_stop(&rig);
    }
    printf("%u expired, %u closed, %u numbers refused\n", model.expired, model.closed,
           model.forgotten);
    assert_true(model.expired > 500 && model.closed > 500 && model.forgotten > 100);
}

/* -- Closing. ---------------------------------------------------------------------------------- */

static const struct rig_limits few = {.sessions = 3, .answers = 4, .timers = 2};

static void a_user_closes_its_own_session_only(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, 1, MR_ROLE_OPERATOR);
    rig_open(&rig, 2, MR_ROLE_USER);
    rig_open(&rig, 3, MR_ROLE_USER);
    assert_int_equal(rig_close(&rig, 2, 1, 3).result, MR_REASON_ROLE_DENIED);
    assert_int_equal(rig_close(&rig, 2, 2, 99).result, MR_REASON_ROLE_DENIED);
    assert_int_equal(rig_close(&rig, 1, 1, 99).result, MR_REASON_UNKNOWN_SESSION);
    assert_int_equal(rig_close(&rig, 1, 2, 3).result, 0);
    assert_int_equal(rig_close(&rig, 2, 3, 2).result, 0);
    assert_int_equal(rig_close(&rig, 0, 0, 1).result, 0);
    assert_int_equal(rig.image->sessions.live, 0);
    rig_stop(&rig);
}

static void closing_is_told_by_the_last_event_of_the_session(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, 7, MR_ROLE_USER);
    rig_add(&rig, 7, 5, 1);
    struct mr_answer answer = rig_close(&rig, 7, 9, 7);
    assert_int_equal(answer.event_count, 1);
    const struct mr_event *event = rig_last_event(&rig);
    assert_int_equal(event->type, MR_EVENT_SESSION_CLOSED);
    assert_int_equal(event->aggregate_kind, MR_AGGREGATE_SESSION);
    assert_int_equal(event->aggregate_id, 7);
    assert_int_equal(event->aggregate_sequence, 2);
    assert_int_equal(event->correlation, 63);
    const struct mr_session_closed *body = mr_event_body(event);
    assert_int_equal(body->last_request, 5);
    /* The answer has gone with the session. */
    assert_int_equal(rig_close(&rig, 7, 9, 7).result, MR_REASON_UNKNOWN_SESSION);
    assert_int_equal(rig_add(&rig, 7, 10, 1).result, MR_REASON_UNKNOWN_SESSION);
    rig_stop(&rig);
}

static void numbers_of_sessions_that_are_gone_do_not_come_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, 3, MR_ROLE_USER);
    rig_open(&rig, 8, MR_ROLE_USER);
    rig_close(&rig, 0, 0, 8);
    assert_int_equal(rig_open(&rig, 8, MR_ROLE_USER).result, MR_REASON_SESSION_FORGOTTEN);
    assert_int_equal(rig_open(&rig, 5, MR_ROLE_USER).result, MR_REASON_SESSION_FORGOTTEN);
    assert_int_equal(rig_open(&rig, 3, MR_ROLE_USER).result, MR_REASON_SESSION_EXISTS);
    assert_int_equal(rig_open(&rig, 9, MR_ROLE_USER).result, 0);
    rig_close(&rig, 0, 0, 3); /* which leaves the highest number where it was */
    assert_int_equal(rig_open(&rig, 8, MR_ROLE_USER).result, MR_REASON_SESSION_FORGOTTEN);
    assert_int_equal(rig_open(&rig, 10, MR_ROLE_USER).result, 0);
    rig_stop(&rig);
}

static void a_place_that_is_used_again_knows_no_answer_of_the_session_before(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, (struct rig_limits){1, 4, 0});
    rig_open(&rig, 1, MR_ROLE_USER);
    for (uint64_t request = 1; request <= 6; request++) {
        rig_add(&rig, 1, request, 1);
    }
    assert_int_equal(rig_open(&rig, 2, MR_ROLE_USER).result, MR_REASON_SESSIONS_FULL);
    rig_close(&rig, 0, 0, 1);
    assert_int_equal(rig_open(&rig, 2, MR_ROLE_USER).result, 0);
    struct mr_answer answer = rig_add(&rig, 2, 4, 10);
    assert_int_equal(answer.duplicate, 0);
    assert_int_equal(answer.result, 0);
    assert_int_equal(rig_add(&rig, 2, 3, 10).result, MR_REASON_TOO_OLD);
    assert_int_equal(rig_tally(&rig)->total, 16);
    const struct mr_event *event = rig_last_event(&rig);
    assert_int_equal(event->aggregate_sequence, 2); /* opened, refused: a stream of its own */
    rig_stop(&rig);
}

/* -- Expiring. --------------------------------------------------------------------------------- */

static void a_session_expires_before_the_first_command_of_that_time(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_idle(&rig, few, IDLE);
    rig.time_ns = 50;
    rig_open(&rig, 7, MR_ROLE_USER);
    assert_int_equal(mr_image_next_timer(rig.image), 50 + IDLE);
    rig_tick(&rig, 50 + IDLE - 1);
    assert_int_equal(rig.image->sessions.live, 1);
    rig.time_ns = 50 + IDLE;
    assert_int_equal(rig_add(&rig, 7, 1, 1).result, MR_REASON_UNKNOWN_SESSION);
    assert_int_equal(mr_image_next_timer(rig.image), UINT64_MAX);
    assert_int_equal(rig.image->timer_count, 0);
    rig_stop(&rig);
}

static void whatever_a_session_sends_keeps_it_open(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_idle(&rig, few, IDLE);
    rig_open(&rig, 7, MR_ROLE_USER);
    rig.time_ns = 900;
    assert_int_equal(rig_add(&rig, 7, 1, 1).result, 0);
    assert_int_equal(mr_image_next_timer(rig.image), IDLE); /* untouched, until it fires */
    rig.time_ns = 1800;
    assert_int_equal(rig_add(&rig, 7, 1, 1).duplicate, 1);
    rig.time_ns = 2700;
    assert_int_equal(rig_add(&rig, 7, 0, 1).result, MR_REASON_BAD_REQUEST);
    rig.time_ns = 3600;
    assert_int_equal(rig_send(&rig, 7, 2, 999, NULL, 0).result, MR_REASON_UNKNOWN_TYPE);
    uint64_t events = mr_image_status_get(rig.image).events;
    rig_tick(&rig, 4599);
    assert_int_equal(mr_image_status_get(rig.image).events, events);
    assert_int_equal(mr_image_next_timer(rig.image), 4600);
    rig_tick(&rig, 4600);
    assert_int_equal(rig.image->sessions.live, 0);
    const struct mr_session_closed *body = mr_event_body(rig_last_event(&rig));
    assert_int_equal(body->why, MR_SESSION_END_EXPIRED);
    assert_int_equal(body->last_request, 2);
    rig_stop(&rig);
}

static void without_an_idle_time_sessions_stay(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, 7, MR_ROLE_USER);
    assert_int_equal(mr_image_next_timer(rig.image), UINT64_MAX);
    rig_tick(&rig, UINT64_MAX);
    assert_int_equal(rig.image->sessions.live, 1);
    rig_stop(&rig);
}

static void an_idle_time_that_never_ends_is_no_trouble(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_idle(&rig, few, UINT64_MAX - 5);
    rig.time_ns = 10;
    rig_open(&rig, 7, MR_ROLE_USER);
    assert_int_equal(mr_image_next_timer(rig.image), UINT64_MAX);
    rig_tick(&rig, UINT64_MAX - 1);
    assert_int_equal(rig.image->sessions.live, 1);
    rig_tick(&rig, UINT64_MAX);
    assert_int_equal(rig.image->sessions.live, 0);
    rig_stop(&rig);
}

static void timers_of_sessions_come_on_top_of_those_of_the_logic(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_idle(&rig, few, IDLE); /* 3 sessions, 2 timers */
    for (uint64_t id = 1; id <= 3; id++) {
        assert_int_equal(rig_open(&rig, id, MR_ROLE_USER).result, 0);
    }
    static const uint32_t expected[] = {0, 0, MR_REASON_TIMERS_FULL};
    for (uint32_t i = 0; i < 3; i++) {
        struct tally_timer_set set = {.due = 5000, .slot = i};
        assert_int_equal(rig_send(&rig, 1, i + 1, TALLY_TIMER_SET, &set, sizeof set).result,
                         expected[i]);
    }
    assert_int_equal(rig.image->timer_count, 5);
    rig_tick(&rig, 2000); /* all sessions expire, and the logic hears nothing of it */
    assert_int_equal(rig.image->timer_count, 2);
    for (uint64_t id = 4; id <= 6; id++) {
        assert_int_equal(rig_open(&rig, id, MR_ROLE_USER).result, 0);
    }
    struct tally_timer_cancel cancel = {.slot = 0};
    rig_send(&rig, 4, 1, TALLY_TIMER_CANCEL, &cancel, sizeof cancel);
    struct tally_timer_set set = {.due = 9000, .slot = 3};
    assert_int_equal(rig_send(&rig, 4, 2, TALLY_TIMER_SET, &set, sizeof set).result, 0);
    set.slot = 4;
    assert_int_equal(rig_send(&rig, 4, 3, TALLY_TIMER_SET, &set, sizeof set).result,
                     MR_REASON_TIMERS_FULL);
    rig_stop(&rig);
}

static void a_logic_without_timers_has_sessions_that_expire(void **state)
{
    (void)state;
    struct mr_logic quiet = tally_logic;
    quiet.timer = NULL;
    struct rig rig = {0};
    rig_genesis(&rig.genesis.header, (struct rig_limits){2, 1, 0});
    struct mr_genesis *body = mr_command_body_mutable(&rig.genesis.header);
    body->session_idle_ns = 10;
    rig_begin(&rig, &quiet);
    rig_open(&rig, 1, MR_ROLE_USER);
    rig_tick(&rig, 10);
    assert_int_equal(rig.image->sessions.live, 0);
    rig_stop(&rig);
}

static void thousands_expire_at_once_over_bounded_turns(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    struct rig rig;
    rig_start_idle(&rig, (struct rig_limits){MANY, 1, 0}, IDLE);
    for (uint64_t id = 1; id <= MANY; id++) {
        rig.time_ns = 7;
        assert_int_equal(rig_open(&rig, id, MR_ROLE_USER).result, 0);
    }
    for (uint64_t id = 1; id <= MANY; id += 3) { /* a third of them says something */
        rig.time_ns = 8;
        rig_add(&rig, id, 1, 1);
    }
    rig_tick(&rig, 7 + IDLE);
    assert_int_equal(rig.image->sessions.live, MANY / 3);
    assert_true(rig.turns >= MANY / MR_TURN_TIMERS_MAX);
    rig_tick(&rig, 8 + IDLE);
    assert_int_equal(rig.image->sessions.live, 0);
    assert_true(rig.turns >= MANY / 3 / MR_TURN_TIMERS_MAX);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_come_and_go_as_in_a_list),
        cmocka_unit_test(a_user_closes_its_own_session_only),
        cmocka_unit_test(closing_is_told_by_the_last_event_of_the_session),
        cmocka_unit_test(numbers_of_sessions_that_are_gone_do_not_come_back),
        cmocka_unit_test(a_place_that_is_used_again_knows_no_answer_of_the_session_before),
        cmocka_unit_test(a_session_expires_before_the_first_command_of_that_time),
        cmocka_unit_test(whatever_a_session_sends_keeps_it_open),
        cmocka_unit_test(without_an_idle_time_sessions_stay),
        cmocka_unit_test(an_idle_time_that_never_ends_is_no_trouble),
        cmocka_unit_test(timers_of_sessions_come_on_top_of_those_of_the_logic),
        cmocka_unit_test(a_logic_without_timers_has_sessions_that_expire),
        cmocka_unit_test(thousands_expire_at_once_over_bounded_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
