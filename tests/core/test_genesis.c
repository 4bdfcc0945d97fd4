#include "tests/core/rig.h"

static const struct rig_limits small = {.sessions = 4, .answers = 4, .timers = 8};

static struct tally_config *config_of(struct mr_genesis *body)
{
    return (struct tally_config *)(void *)(body + 1);
}

static void expect_refused(const struct rig *rig, const struct mr_command *genesis,
                           const char *expected)
{
    (void)rig;
    const char *reason = "";
    assert_int_equal(mr_image_size(&tally_logic, genesis, &reason), 0);
    assert_non_null(strstr(reason, expected));
    assert_int_equal(mr_image_outbox_size(&tally_logic, genesis), 0);
    assert_int_equal(mr_image_size(&tally_logic, genesis, NULL), 0);
}

static void genesis_of_another_logic_or_version_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_genesis(&rig.genesis.header, small);
    struct mr_command *genesis = &rig.genesis.header;
    struct mr_genesis *body = mr_command_body_mutable(genesis);
    body->logic[5] = 'x';
    expect_refused(&rig, genesis, "another logic");
    body->logic[5] = 0;
    body->logic_version++;
    expect_refused(&rig, genesis, "unknown version of the logic");
    body->logic_version--;
    body->layout_version = 0;
    expect_refused(&rig, genesis, "layout");
    body->layout_version = 1;
    assert_true(mr_image_size(&tally_logic, genesis, NULL) > 0);
}

static void genesis_with_impossible_limits_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_genesis(&rig.genesis.header, small);
    struct mr_command *genesis = &rig.genesis.header;
    struct mr_genesis *body = mr_command_body_mutable(genesis);
    struct tally_config *config = config_of(body);
    body->sessions_max = 0;
    expect_refused(&rig, genesis, "sessions_max");
    body->sessions_max = (1 << 20) + 1;
    expect_refused(&rig, genesis, "sessions_max");
    body->sessions_max = 1;
    body->answers_max = 0;
    expect_refused(&rig, genesis, "answers_max");
    body->answers_max = UINT32_MAX;
    expect_refused(&rig, genesis, "answers_max");
    body->answers_max = 1;
    body->timers_max = UINT32_MAX;
    expect_refused(&rig, genesis, "timers_max");
    body->timers_max = 0;
    body->clock = 9;
    expect_refused(&rig, genesis, "clock");
    body->clock = 0;
    body->reserved[6] = 1;
    expect_refused(&rig, genesis, "reserved");
    body->reserved[6] = 0;
    config->burst_max = 0;
    expect_refused(&rig, genesis, "configuration");
    config->burst_max = 70000;
    expect_refused(&rig, genesis, "events");
    config->burst_max = 7;
    body->config_size = 0;
    expect_refused(&rig, genesis, "size");
    body->config_size = sizeof *config;
    genesis->length -= 8;
    expect_refused(&rig, genesis, "size");
    genesis->length = MR_COMMAND_HEADER + 8;
    expect_refused(&rig, genesis, "short");
    genesis->type = MR_COMMAND_TICK;
    expect_refused(&rig, genesis, "not genesis");
}

static void genesis_is_told_by_the_first_event(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    const struct mr_event *event = rig_next_event(&rig, NULL);
    assert_int_equal(event->number, 1);
    assert_int_equal(event->sequence, 1);
    assert_int_equal(event->type, MR_EVENT_GENESIS_APPLIED);
    const struct mr_genesis_applied *body = mr_event_body(event);
    assert_string_equal(body->logic, "tally");
    assert_int_equal(body->sessions_max, 4);
    assert_int_equal(body->clock, MR_CLOCK_INPUT);
    assert_int_equal(rig.answer.first_event, 1);
    assert_int_equal(rig.answer.event_count, 1);
    rig_stop(&rig);
}

static void the_journals_id_enters_neither_image_nor_events(void **state)
{
    (void)state;
    struct rig a, b;
    rig_start(&a, small);
    memset(&b, 0, sizeof b);
    rig_start(&b, small);
    struct mr_genesis *body = mr_command_body_mutable(&b.genesis.header);
    memset(body->journal, 0xa5, sizeof body->journal);
    uint64_t size = mr_image_size(&tally_logic, &b.genesis.header, NULL);
    memset(b.image, 0, size);
    b.image = mr_image_init(b.image, &tally_logic, &b.genesis.header);
    b.events_used = 0;
    b.command = b.genesis;
    assert_int_equal(rig_apply(&b).result, 0);
    rig_assert_same(&a, &b);
    rig_stop(&a);
    rig_stop(&b);
}

static void genesis_is_accepted_once_and_only_first(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    rig.command = rig.genesis;
    rig.command.header.sequence = 2;
    assert_int_equal(rig_apply(&rig).result, MR_REASON_GENESIS_MISPLACED);
    assert_int_equal(mr_image_status_get(rig.image).rejects, 1);
    rig_stop(&rig);

    uint64_t size = mr_image_size(&tally_logic, &rig.genesis.header, NULL);
    rig_start(&rig, small);
    memset(rig.image, 0, size);
    rig.image = mr_image_init(rig.image, &tally_logic, &rig.genesis.header);
    assert_int_equal(rig_tick(&rig, 0).result, MR_REASON_GENESIS_MISPLACED);
    rig_stop(&rig);
}

static void a_first_command_that_contradicts_the_image_is_rejected(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    uint64_t size = mr_image_size(&tally_logic, &rig.genesis.header, NULL);
    memset(rig.image, 0, size);
    rig.image = mr_image_init(rig.image, &tally_logic, &rig.genesis.header);
    rig.command = rig.genesis;
    struct mr_genesis *body = mr_command_body_mutable(&rig.command.header);
    config_of(body)->start++;
    assert_int_equal(rig_apply(&rig).result, MR_REASON_BAD_VALUE);
    rig_stop(&rig);
}

static void a_first_command_with_another_limit_is_rejected(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct rig rig;
        rig_start(&rig, small);
        uint64_t size = mr_image_size(&tally_logic, &rig.genesis.header, NULL);
        memset(rig.image, 0, size);
        rig.image = mr_image_init(rig.image, &tally_logic, &rig.genesis.header);
        rig.command = rig.genesis;
        struct mr_genesis *body = mr_command_body_mutable(&rig.command.header);
        body->session_idle_ns += i == 0;
        body->sessions_max += i == 1;
        body->answers_max += i == 2;
        body->timers_max += i == 3;
        body->clock = (uint8_t)(body->clock + (i == 4));
        assert_int_equal(rig_apply(&rig).result, MR_REASON_BAD_VALUE);
        rig_stop(&rig);
    }
}

static void genesis_tells_how_long_a_session_may_be_silent(void **state)
{
    (void)state;
    struct rig rig;
    rig_start_idle(&rig, small, 12345);
    const struct mr_genesis_applied *body = mr_event_body(rig_next_event(&rig, NULL));
    assert_int_equal(body->session_idle_ns, 12345);
    rig_stop(&rig);
}

static void configuration_reaches_the_logic(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, small);
    struct mr_genesis *body = mr_command_body_mutable(&rig.genesis.header);
    config_of(body)->start = -5;
    uint64_t size = mr_image_size(&tally_logic, &rig.genesis.header, NULL);
    memset(rig.image, 0, size);
    rig.image = mr_image_init(rig.image, &tally_logic, &rig.genesis.header);
    assert_int_equal(rig_tally(&rig)->total, -5);
    const struct tally_config *config = mr_image_config(rig.image);
    assert_int_equal(config->start, -5);
    rig_stop(&rig);
}

static uint64_t one_word(const void *config)
{
    assert_null(config);
    return 8;
}

static uint32_t count_up(struct mr_context *context, const struct mr_command *command)
{
    (void)command;
    struct tally_added *body = mr_emit(context, TALLY_ADDED, 0, sizeof *body, 0, 0, NULL);
    body->total = ++*(int64_t *)context->state;
    return 0;
}

static void a_logic_may_leave_out_all_that_is_optional(void **state)
{
    (void)state;
    static const struct mr_logic logic = {.name = "tally",
                                          .version = 3,
                                          .layout_version = 1,
                                          .catalog = &tally_catalog,
                                          .command_size_max = 256,
                                          .event_size_max = 72,
                                          .state_size = one_word,
                                          .apply = count_up};
    struct rig rig;
    rig_genesis(&rig.genesis.header, (struct rig_limits){1, 1, 0});
    rig.genesis.header.length -= (uint32_t)sizeof(struct tally_config);
    ((struct mr_genesis *)mr_command_body_mutable(&rig.genesis.header))->config_size = 0;
    uint64_t size = mr_image_size(&logic, &rig.genesis.header, NULL);
    void *memory = aligned_alloc(4096, size);
    memset(memory, 0, size);
    unsigned char bytes[16384];
    struct mr_outbox outbox = {.bytes = bytes, .size = sizeof bytes};
    assert_true(mr_image_outbox_size(&logic, &rig.genesis.header) <= sizeof bytes);
    struct mr_image *image = mr_image_init(memory, &logic, &rig.genesis.header);
    assert_true(mr_image_apply(image, &logic, &rig.genesis.header, &outbox, &rig.answer));
    assert_int_equal(rig.answer.result, 0);
    assert_null(mr_image_config(image));
    assert_true(mr_image_check(image, &logic));
    struct mr_span spans[8];
    uint32_t count = mr_image_used(image, &logic, spans, 8);
    assert_int_equal(spans[count - 1].size, 8);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genesis_of_another_logic_or_version_is_refused),
        cmocka_unit_test(genesis_with_impossible_limits_is_refused),
        cmocka_unit_test(genesis_is_told_by_the_first_event),
        cmocka_unit_test(the_journals_id_enters_neither_image_nor_events),
        cmocka_unit_test(genesis_is_accepted_once_and_only_first),
        cmocka_unit_test(a_first_command_that_contradicts_the_image_is_rejected),
        cmocka_unit_test(a_first_command_with_another_limit_is_rejected),
        cmocka_unit_test(genesis_tells_how_long_a_session_may_be_silent),
        cmocka_unit_test(configuration_reaches_the_logic),
        cmocka_unit_test(a_logic_may_leave_out_all_that_is_optional),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
