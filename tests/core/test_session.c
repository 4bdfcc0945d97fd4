#include "tests/core/rig.h"

/* -- A model that is obviously right: everything that was ever answered, in a list. ------------ */

struct given {
    uint64_t session, request;
    struct mr_answer answer;
};

struct model {
    struct given *given;
    uint32_t count;
    struct {
        uint64_t id, last_request;
        uint32_t role;
    } sessions[64];
    uint32_t session_count;
};

enum { GIVEN_MAX = 200000 };

static int model_session(const struct model *model, uint64_t id)
{
    for (uint32_t i = 0; i < model->session_count; i++) {
        if (model->sessions[i].id == id) {
            return (int)i;
        }
    }
    return -1;
}

/* The answer among the last `kept` of the session, or NULL. */
static const struct given *model_recall(const struct model *model, uint64_t session,
                                        uint64_t request, uint32_t kept)
{
    for (uint32_t i = model->count; i > 0 && kept > 0; i--) {
        const struct given *given = &model->given[i - 1];
        if (given->session != session) {
            continue;
        }
        if (given->request == request) {
            return given;
        }
        kept--;
    }
    return NULL;
}

static uint64_t some_id(struct mr_random *random)
{
    /* Some numbered through, some that begin the search at the same places. */
    uint64_t n = 1 + mr_random_below(random, 40);
    return mr_random_chance(random, 1, 2) ? n : n << 40;
}

/* Sends one random addition and compares all that comes of it with the model. */
static void step_add(struct rig *rig, struct model *model, struct mr_random *random, uint32_t kept)
{
    uint64_t id = some_id(random);
    int at = model_session(model, id);
    uint64_t last = at < 0 ? 0 : model->sessions[at].last_request;
    uint64_t request = last + 4 - mr_random_below(random, 16);
    request = request > last + 4 ? mr_random_below(random, 3) : request;
    const struct given *before = model_recall(model, id, request, kept);
    uint64_t rejects = mr_image_status_get(rig->image).rejects;
    uint64_t events = mr_image_status_get(rig->image).events;
    int64_t total = rig_tally(rig)->total;
    int64_t amount = (int64_t)mr_random_below(random, 1000);
    struct mr_answer answer = rig_add(rig, id, request, amount);
    assert_int_equal(answer.session, id);
    assert_int_equal(answer.request, request);
    bool executed = false;
    if (at < 0) {
        assert_int_equal(answer.result, MR_REASON_UNKNOWN_SESSION);
    } else if (request > last) {
        executed = true;
        if (model->sessions[at].role == MR_ROLE_USER) {
            assert_int_equal(answer.result, 0);
            total += amount;
        } else {
            assert_int_equal(answer.result, MR_REASON_ROLE_DENIED);
        }
        model->sessions[at].last_request = request;
        model->given[model->count++] = (struct given){id, request, answer};
    } else if (before != NULL) {
        assert_int_equal(answer.duplicate, 1);
        assert_int_equal(answer.sequence, before->answer.sequence);
        assert_int_equal(answer.result, before->answer.result);
        assert_int_equal(answer.first_event, before->answer.first_event);
        assert_int_equal(answer.event_count, before->answer.event_count);
        assert_int_equal(mr_image_status_get(rig->image).events, events);
        assert_int_equal(mr_image_status_get(rig->image).rejects, rejects);
        assert_int_equal(rig_tally(rig)->total, total);
        return;
    } else {
        assert_int_equal(answer.result, request == 0 ? MR_REASON_BAD_REQUEST : MR_REASON_TOO_OLD);
    }
    assert_int_equal(answer.duplicate, 0);
    assert_int_equal(answer.sequence, rig->command.header.sequence);
    assert_int_equal(answer.event_count, 1);
    assert_int_equal(answer.first_event, events + 1);
    assert_int_equal(mr_image_status_get(rig->image).rejects, rejects + (answer.result != 0));
    assert_true(executed || answer.result != 0);
    assert_int_equal(rig_tally(rig)->total, total);
}

static void step_open(struct rig *rig, struct model *model, struct mr_random *random,
                      uint32_t limit)
{
    uint64_t id = some_id(random);
    uint32_t role = MR_ROLE_OPERATOR + (uint32_t)mr_random_below(random, 2);
    struct mr_answer answer = rig_open(rig, id, (enum mr_role)role);
    if (model_session(model, id) >= 0) {
        assert_int_equal(answer.result, MR_REASON_SESSION_EXISTS);
    } else if (model->session_count == limit) {
        assert_int_equal(answer.result, MR_REASON_SESSIONS_FULL);
    } else {
        assert_int_equal(answer.result, 0);
        uint32_t at = model->session_count++;
        model->sessions[at].id = id;
        model->sessions[at].last_request = 0;
        model->sessions[at].role = role;
    }
}

static void compare_sessions(const struct rig *rig, const struct model *model)
{
    for (uint64_t n = 1; n <= 40; n++) {
        uint64_t ids[2] = {n, n << 40};
        for (int i = 0; i < 2; i++) {
            struct mr_session_info info;
            int at = model_session(model, ids[i]);
            assert_int_equal(mr_image_session(rig->image, ids[i], &info), at >= 0);
            if (at >= 0) {
                assert_int_equal(info.id, ids[i]);
                assert_int_equal(info.last_request, model->sessions[at].last_request);
                assert_int_equal(info.role, model->sessions[at].role);
            }
        }
    }
}

static void the_session_table_behaves_as_a_list_of_everything(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    for (int round = 0; round < 8; round++) {
        uint32_t sessions = 1 + (uint32_t)mr_random_below(&random, 24);
        uint32_t answers = 1 + (uint32_t)mr_random_below(&random, 9);
        uint32_t kept = (uint32_t)mr_power_of_two_at_least(answers);
        struct rig rig;
        struct model model = {.given = malloc(GIVEN_MAX * sizeof(struct given))};
        assert_non_null(model.given);
        rig_start(&rig, (struct rig_limits){sessions, answers, 0});
        for (int i = 0; i < 4000; i++) {
            if (mr_random_chance(&random, 1, 40)) {
                step_open(&rig, &model, &random, sessions);
            } else {
                step_add(&rig, &model, &random, kept);
            }
            if (i % 500 == 0) {
                compare_sessions(&rig, &model);
                assert_true(mr_image_check(rig.image, &tally_logic));
            }
        }
        compare_sessions(&rig, &model);
        assert_int_equal(model.session_count, sessions);
        rig_stop(&rig);
        free(model.given);
    }
}

/* -- Single claims. ---------------------------------------------------------------------------- */

static const struct rig_limits few = {.sessions = 2, .answers = 4, .timers = 0};

static void a_resend_gets_the_first_answer_and_no_effect(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, 7, MR_ROLE_USER);
    struct mr_answer first = rig_add(&rig, 7, 5, 100);
    struct mr_answer again = rig_add(&rig, 7, 5, 900); /* whatever it says now */
    assert_int_equal(again.duplicate, 1);
    assert_int_equal(again.sequence, first.sequence);
    assert_int_equal(again.first_event, first.first_event);
    assert_int_equal(rig_tally(&rig)->total, 100);
    assert_int_equal(mr_image_status_get(rig.image).sequence, first.sequence + 1);
    assert_int_equal(mr_image_status_get(rig.image).rejects, 0);
    rig_stop(&rig);
}

static void a_resend_of_a_rejected_request_is_rejected_alike(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, 7, MR_ROLE_USER);
    struct mr_answer first = rig_send(&rig, 7, 1, 999, NULL, 0);
    struct mr_answer again = rig_add(&rig, 7, 1, 1);
    assert_int_equal(first.result, MR_REASON_UNKNOWN_TYPE);
    assert_int_equal(again.result, MR_REASON_UNKNOWN_TYPE);
    assert_int_equal(again.duplicate, 1);
    assert_int_equal(rig_tally(&rig)->total, 0);
    assert_int_equal(mr_image_status_get(rig.image).rejects, 1);
    rig_stop(&rig);
}

static void a_request_that_was_passed_over_is_too_old(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, 7, MR_ROLE_USER);
    rig_add(&rig, 7, 2, 1);
    rig_add(&rig, 7, 4, 1);
    assert_int_equal(rig_add(&rig, 7, 3, 1).result, MR_REASON_TOO_OLD);
    assert_int_equal(rig_add(&rig, 7, 1, 1).result, MR_REASON_TOO_OLD);
    assert_int_equal(rig_add(&rig, 7, 0, 1).result, MR_REASON_BAD_REQUEST);
    assert_int_equal(rig_add(&rig, 7, 4, 1).duplicate, 1);
    assert_int_equal(rig_tally(&rig)->total, 2);
    rig_stop(&rig);
}

static void as_many_answers_are_kept_as_genesis_says(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, 7, MR_ROLE_USER);
    for (uint64_t request = 10; request <= 100; request += 10) {
        rig_add(&rig, 7, request, 1);
    }
    for (uint64_t request = 10; request <= 100; request += 10) {
        struct mr_answer answer = rig_add(&rig, 7, request, 1);
        assert_int_equal(answer.duplicate, request > 60);
        assert_int_equal(answer.result, request > 60 ? 0 : MR_REASON_TOO_OLD);
    }
    assert_int_equal(rig_tally(&rig)->total, 10);
    rig_stop(&rig);
}

static void the_greatest_request_number_is_the_last(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, UINT64_MAX, MR_ROLE_USER);
    assert_int_equal(rig_add(&rig, UINT64_MAX, UINT64_MAX, 1).result, 0);
    assert_int_equal(rig_add(&rig, UINT64_MAX, UINT64_MAX, 1).duplicate, 1);
    assert_int_equal(rig_add(&rig, UINT64_MAX, 1, 1).result, MR_REASON_TOO_OLD);
    rig_stop(&rig);
}

static void the_engines_own_session_is_not_checked(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    for (int i = 0; i < 3; i++) {
        struct mr_answer answer = rig_send(&rig, 0, 1, MR_COMMAND_TICK, NULL, 0);
        assert_int_equal(answer.result, 0);
        assert_int_equal(answer.duplicate, 0);
    }
    rig_stop(&rig);
}

static void sessions_are_opened_once_for_operators_and_users_only(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    assert_int_equal(rig_open(&rig, 0, MR_ROLE_USER).result, MR_REASON_BAD_VALUE);
    assert_int_equal(rig_open(&rig, 1, MR_ROLE_SYSTEM).result, MR_REASON_BAD_VALUE);
    assert_int_equal(rig_open(&rig, 1, MR_ROLE_COUNT).result, MR_REASON_BAD_VALUE);
    struct mr_session_open open = {
        .new_session = 1, .new_role = MR_ROLE_USER, .reserved = {0, 0, 1}};
    assert_int_equal(rig_send(&rig, 0, 0, MR_COMMAND_SESSION_OPEN, &open, sizeof open).result,
                     MR_REASON_BAD_VALUE);
    assert_int_equal(mr_image_status_get(rig.image).rejects, 4);
    assert_int_equal(rig_open(&rig, 1, MR_ROLE_OPERATOR).result, 0);
    assert_int_equal(rig_open(&rig, 1, MR_ROLE_USER).result, MR_REASON_SESSION_EXISTS);
    /* An operator opens sessions, a user does not. */
    open = (struct mr_session_open){.new_session = 2, .new_role = MR_ROLE_USER};
    assert_int_equal(rig_send(&rig, 1, 1, MR_COMMAND_SESSION_OPEN, &open, sizeof open).result, 0);
    open.new_session = 3;
    assert_int_equal(rig_send(&rig, 2, 1, MR_COMMAND_SESSION_OPEN, &open, sizeof open).result,
                     MR_REASON_ROLE_DENIED);
    rig_stop(&rig);
}

static void a_full_table_refuses_and_changes_nothing_else(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    rig_open(&rig, 1, MR_ROLE_USER);
    rig_open(&rig, 2, MR_ROLE_USER);
    assert_int_equal(rig_open(&rig, 3, MR_ROLE_USER).result, MR_REASON_SESSIONS_FULL);
    struct mr_session_info info;
    assert_false(mr_image_session(rig.image, 3, &info));
    assert_int_equal(rig_add(&rig, 3, 1, 1).result, MR_REASON_UNKNOWN_SESSION);
    assert_int_equal(rig_add(&rig, 2, 1, 1).result, 0);
    rig_stop(&rig);
}

static void a_session_keeps_the_fingerprint_of_its_input(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, few);
    struct mr_session_open open = {.new_session = 9, .new_role = MR_ROLE_USER};
    static const uint64_t fingerprint[2] = {0x1122334455667788, 0x99aabbccddeeff00};
    memcpy(open.fingerprint, fingerprint, sizeof fingerprint);
    assert_int_equal(rig_send(&rig, 0, 0, MR_COMMAND_SESSION_OPEN, &open, sizeof open).result, 0);
    struct mr_session_info info;
    assert_true(mr_image_session(rig.image, 9, &info));
    assert_memory_equal(info.fingerprint, fingerprint, sizeof fingerprint);
    const struct mr_event *event = rig_last_event(&rig);
    assert_int_equal(event->type, MR_EVENT_SESSION_OPENED);
    assert_int_equal(event->aggregate_kind, MR_AGGREGATE_SESSION);
    assert_int_equal(event->aggregate_id, 9);
    assert_int_equal(event->aggregate_sequence, 1);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_session_table_behaves_as_a_list_of_everything),
        cmocka_unit_test(a_resend_gets_the_first_answer_and_no_effect),
        cmocka_unit_test(a_resend_of_a_rejected_request_is_rejected_alike),
        cmocka_unit_test(a_request_that_was_passed_over_is_too_old),
        cmocka_unit_test(as_many_answers_are_kept_as_genesis_says),
        cmocka_unit_test(the_greatest_request_number_is_the_last),
        cmocka_unit_test(the_engines_own_session_is_not_checked),
        cmocka_unit_test(sessions_are_opened_once_for_operators_and_users_only),
        cmocka_unit_test(a_full_table_refuses_and_changes_nothing_else),
        cmocka_unit_test(a_session_keeps_the_fingerprint_of_its_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
