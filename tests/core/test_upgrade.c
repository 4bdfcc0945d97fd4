/*
 * From one version of a logic to the next, by a command.
 */
#include "tests/core/jars_rig.h"

static uint64_t amount(const struct rig *rig, uint64_t jar)
{
    return rig->logic->version == 1
               ? ((const struct jars_1 *)mr_image_state(rig->image))->jars[jar].amount
               : ((const struct jars_2 *)mr_image_state(rig->image))->jars[jar].amount;
}

/* -- Asking for it. ---------------------------------------------------------------------------- */

static void an_upgrade_is_asked_for_and_then_due(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    uint32_t version = 99;
    assert_false(mr_image_upgrade_due(rig.image, &version));
    struct mr_answer answer = rig_ask_upgrade(&rig, &jars_2);
    assert_int_equal(answer.result, 0);
    assert_int_equal(answer.event_count, 1);
    const struct mr_event *event = rig_last_event(&rig);
    assert_int_equal(event->type, MR_EVENT_LOGIC_UPGRADED);
    const struct mr_logic_upgraded *body = mr_event_body(event);
    assert_int_equal(body->from_version, 1);
    assert_int_equal(body->to_version, 2);
    assert_int_equal(body->from_layout, 1);
    assert_int_equal(body->to_layout, 2);
    assert_true(mr_image_upgrade_due(rig.image, &version));
    assert_int_equal(version, 2);
    assert_int_equal(mr_image_status_get(rig.image).logic_version, 1);
    assert_true(mr_image_check(rig.image, &jars_1));
    rig_migrate(&rig, &jars_2);
    assert_false(mr_image_upgrade_due(rig.image, &version));
    assert_int_equal(mr_image_status_get(rig.image).logic_version, 2);
    rig_stop(&rig);
}

static void only_a_newer_version_is_taken_and_only_from_the_engine(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_2);
    uint32_t version;
    assert_int_equal(rig_ask_upgrade(&rig, &jars_1).result, MR_REASON_NOT_NEWER);
    assert_int_equal(rig_ask_upgrade(&rig, &jars_2).result, MR_REASON_NOT_NEWER);
    assert_false(mr_image_upgrade_due(rig.image, &version));
    rig_open(&rig, 1, MR_ROLE_OPERATOR);
    struct mr_logic_upgrade upgrade = {.to_version = 3, .to_layout = 2};
    assert_int_equal(
        rig_send(&rig, 1, 1, MR_COMMAND_LOGIC_UPGRADE, &upgrade, sizeof upgrade).result,
        MR_REASON_ROLE_DENIED);
    assert_false(mr_image_upgrade_due(rig.image, &version));
    rig_stop(&rig);
}

static void expect_no_way(const struct rig *rig, const struct mr_logic *to, const char *expected)
{
    const char *reason = "";
    assert_int_equal(mr_image_migrated_size(rig->image, to, &reason), 0);
    if (strstr(reason, expected) == NULL) {
        fail_msg("says: %s", reason);
    }
    assert_int_equal(mr_image_migrated_outbox_size(rig->image, to), 0);
    assert_int_equal(mr_image_migrated_scratch(rig->image, to), 0);
}

static void what_cannot_be_migrated_is_said_beforehand(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    expect_no_way(&rig, &jars_2, "another version of the logic is due");
    rig_ask_upgrade(&rig, &jars_2);
    expect_no_way(&rig, &jars_3, "another version of the logic is due");
    struct mr_logic changed = jars_2;
    changed.layout_version = 7;
    expect_no_way(&rig, &changed, "another layout than was asked for");
    changed = jars_2;
    changed.previous = NULL;
    expect_no_way(&rig, &changed, "does not lead to it");
    changed = jars_2;
    changed.migrate_config = NULL;
    expect_no_way(&rig, &changed, "no migrate_config");
    changed = jars_2;
    changed.migrate = NULL;
    expect_no_way(&rig, &changed, "no migrate");
    changed = jars_2;
    changed.stream = NULL;
    expect_no_way(&rig, &changed, "no stream");
    changed = jars_2;
    changed.name = "tins";
    expect_no_way(&rig, &changed, "another name");
    struct mr_logic old = jars_1;
    old.layout_version = 9;
    changed = jars_2;
    changed.previous = &old;
    expect_no_way(&rig, &changed, "does not lead to it");
    rig_migrate(&rig, &jars_2);
    rig_stop(&rig);
}

static void whether_a_version_can_be_gone_to_is_known_before_it_is_asked_for(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    assert_null(mr_upgrade_flaw(rig.image, &jars_2));
    assert_null(mr_upgrade_flaw(rig.image, &jars_3));
    struct mr_logic changed = jars_2, behind = jars_3;
    changed.migrate = NULL;
    behind.previous = &changed;
    assert_non_null(strstr(mr_upgrade_flaw(rig.image, &changed), "no migrate"));
    assert_non_null(strstr(mr_upgrade_flaw(rig.image, &behind), "no migrate"));
    changed.previous = NULL;
    assert_non_null(strstr(mr_upgrade_flaw(rig.image, &changed), "does not lead to it"));
    rig_upgrade(&rig, &jars_2);
    assert_null(mr_upgrade_flaw(rig.image, &jars_3));
    rig_stop(&rig);
}

/* -- What becomes of everything. --------------------------------------------------------------- */

static void state_and_configuration_are_migrated(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    jars_put(&rig, 1, 1, 3, 500, 0);
    jars_put(&rig, 1, 2, 3, 1, 0);
    uint32_t outbox = rig.image->outbox_size;
    uint64_t sessions = rig.image->parts.sessions;
    rig_upgrade(&rig, &jars_2);
    assert_true(rig.image->parts.sessions > sessions); /* all parts have moved */
    const struct jars_2 *jars = mr_image_state(rig.image);
    const struct jars_config_2 *config = mr_image_config(rig.image);
    assert_int_equal(jars->jars[3].amount, 501);
    assert_int_equal(jars->jars[3].stream.count, 2);
    assert_int_equal(jars->jars[3].label, 42);
    assert_int_equal(config->label, 42);
    assert_int_equal(config->jars_max, 10);
    assert_int_equal(config->portion, 8); /* one more than in version 1, so the outbox grows */
    assert_true(rig.image->outbox_size > outbox);
    /* Streams go on where they were. */
    assert_int_equal(jars_put(&rig, 1, 3, 3, 1, 2).result, 0);
    assert_int_equal(rig_last_event(&rig)->aggregate_sequence, 3);
    rig_stop(&rig);
}

static void sessions_and_their_answers_stay(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig.time_ns = 17;
    for (uint64_t id = 1; id <= 5; id++) {
        rig_open(&rig, id * 3, id == 2 ? MR_ROLE_OPERATOR : MR_ROLE_USER);
    }
    rig_close(&rig, 0, 0, 12);
    struct mr_answer first[12];
    for (uint64_t request = 1; request <= 11; request++) {
        first[request] = jars_put(&rig, 9, request, 3, 1, 0);
    }
    struct mr_image_status before = mr_image_status_get(rig.image);
    rig_upgrade(&rig, &jars_2);
    struct mr_image_status after = mr_image_status_get(rig.image);
    assert_int_equal(after.sequence, before.sequence + 1);
    assert_int_equal(after.events, before.events + 1);
    assert_int_equal(after.rejects, before.rejects);
    assert_int_equal(after.time_ns, 17);
    for (uint64_t request = 4; request <= 11; request++) {
        struct mr_answer again = jars_put(&rig, 9, request, 3, 1, 0);
        assert_int_equal(again.duplicate, 1);
        assert_int_equal(again.sequence, first[request].sequence);
    }
    assert_int_equal(jars_put(&rig, 9, 3, 3, 1, 0).result, MR_REASON_TOO_OLD);
    struct mr_session_info info;
    assert_true(mr_image_session(rig.image, 6, &info));
    assert_int_equal(info.role, MR_ROLE_OPERATOR);
    assert_int_equal(info.last_time_ns, 17);
    assert_false(mr_image_session(rig.image, 12, &info));
    assert_int_equal(rig_open(&rig, 12, MR_ROLE_USER).result, MR_REASON_SESSION_FORGOTTEN);
    rig_stop(&rig);
}

static void timers_that_the_old_version_set_fire_in_the_new_one(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    jars_put(&rig, 1, 1, 4, 7, 0);
    for (uint64_t i = 0; i < 6; i++) {
        assert_int_equal(jars_alarm(&rig, 1, 2 + i, 4, 1000 - i).result, 0);
    }
    rig_upgrade(&rig, &jars_2);
    assert_int_equal(mr_image_next_timer(rig.image), 995);
    assert_int_equal(jars_alarm(&rig, 1, 20, 4, 2000).result, MR_REASON_TIMERS_FULL);
    uint64_t before = mr_image_status_get(rig.image).events;
    rig_tick(&rig, 999);
    assert_int_equal(mr_image_status_get(rig.image).events, before + 5);
    const struct mr_event *event = rig_last_event(&rig);
    const struct jars_rang *body = mr_event_body(event);
    assert_int_equal(event->type, JARS_RANG);
    assert_int_equal(body->amount, 7);
    assert_int_equal(jars_alarm(&rig, 1, 21, 4, 2000).result, 0);
    rig_tick(&rig, 100999); /* and its session expires in the new version, opened in the old */
    assert_int_equal(rig.image->sessions.live, 0);
    assert_int_equal(rig_last_event(&rig)->type, MR_EVENT_SESSION_CLOSED);
    rig_stop(&rig);
}

static void what_is_admitted_is_what_the_active_versions_catalog_has(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    struct jars_take take = {.jar = 3, .amount = 2};
    assert_int_equal(rig_send(&rig, 1, 1, JARS_TAKE, &take, sizeof take).result,
                     MR_REASON_UNKNOWN_TYPE);
    assert_int_equal(jars_put(&rig, 1, 2, 3, 5, 0).result, 0);
    rig_upgrade(&rig, &jars_2);
    assert_int_equal(rig_send(&rig, 1, 3, JARS_TAKE, &take, sizeof take).result, 0);
    assert_int_equal(amount(&rig, 3), 3);
    struct jars_put old = {.jar = 3, .amount = 5};
    assert_int_equal(rig_send(&rig, 1, 4, JARS_PUT, &old, sizeof old).result,
                     MR_REASON_UNKNOWN_VERSION);
    rig_stop(&rig);
}

static void a_version_that_changes_behaviour_alone_keeps_every_byte_of_the_state(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_2);
    jars_put(&rig, 0, 0, 3, 5, 0);
    unsigned char before[2000];
    size_t size = jars_size_2(mr_image_config(rig.image));
    assert_true(size <= sizeof before);
    memcpy(before, mr_image_state(rig.image), size);
    assert_int_equal(rig_ask_upgrade(&rig, &jars_3).result, 0);
    assert_int_equal(mr_image_migrated_scratch(rig.image, &jars_3), 0);
    rig_migrate(&rig, &jars_3);
    assert_memory_equal(before, mr_image_state(rig.image), size);
    jars_put(&rig, 0, 0, 3, 5, 0);
    assert_int_equal(amount(&rig, 3), 15);
    rig_stop(&rig);
}

static void two_versions_can_be_gone_at_once_or_one_after_the_other(void **state)
{
    (void)state;
    struct rig once, both;
    jars_start(&once, &jars_1);
    jars_start(&both, &jars_1);
    struct rig *rigs[] = {&once, &both};
    for (int i = 0; i < 2; i++) {
        rig_open(rigs[i], 1, MR_ROLE_USER);
        jars_put(rigs[i], 1, 1, 3, 5, 0);
        jars_alarm(rigs[i], 1, 2, 3, 700);
    }
    rig_upgrade(&once, &jars_3);
    rig_upgrade(&both, &jars_2);
    rig_upgrade(&both, &jars_3);
    assert_int_equal(once.image->parts.end, both.image->parts.end);
    assert_memory_equal(mr_image_state(once.image), mr_image_state(both.image),
                        jars_size_2(mr_image_config(once.image)));
    jars_put(&once, 1, 3, 3, 5, 0);
    jars_put(&both, 1, 3, 3, 5, 0);
    assert_int_equal(amount(&once, 3), 15);
    assert_int_equal(amount(&both, 3), 15);
    rig_stop(&once);
    rig_stop(&both);
}

/* -- Histories. -------------------------------------------------------------------------------- */

static void some_command(struct rig *rig, struct mr_random *random)
{
    uint64_t session = mr_random_below(random, 6) + rig->image->session_floor;
    struct mr_session_info info = {0};
    (void)mr_image_session(rig->image, session, &info);
    uint64_t request = info.last_request + 2 - mr_random_below(random, 3);
    uint64_t jar = mr_random_below(random, 11);
    rig->time_ns += mr_random_below(random, 5000);
    switch (mr_random_below(random, 8)) {
    case 0:
        rig_open(rig, session, MR_ROLE_USER);
        break;
    case 1:
        jars_alarm(rig, session, request, jar, rig->time_ns + mr_random_below(random, 20000));
        break;
    case 2:
        jars_spread(rig, session, request, mr_random_below(random, 40));
        break;
    case 3: {
        struct jars_take take = {.jar = jar, .amount = mr_random_below(random, 50)};
        rig_send(rig, session, request, JARS_TAKE, &take, sizeof take);
        break;
    }
    default:
        jars_put(rig, session, request, jar, mr_random_below(random, 100),
                 mr_random_below(random, 4));
        break;
    }
}

/* The same seed through the same versions. */
static void live(struct rig *rig, uint64_t seed)
{
    static const struct mr_logic *const versions[] = {&jars_2, &jars_3};
    struct mr_random random;
    mr_random_init(&random, seed);
    jars_start(rig, &jars_1);
    for (int i = 0; i < 900; i++) {
        some_command(rig, &random);
        if (i % 300 == 299 && i < 600) {
            rig_upgrade(rig, versions[i / 300]);
        }
        if (i % 50 == 0) {
            assert_true(mr_image_check(rig->image, rig->logic));
        }
    }
}

static void a_history_through_all_versions_gives_the_same_bytes_and_events_again(void **state)
{
    (void)state;
    uint64_t seed = rig_seed();
    for (uint64_t round = 0; round < 10; round++) {
        struct rig a, b;
        live(&a, seed + round);
        live(&b, seed + round);
        rig_assert_same(&a, &b);
        assert_true(mr_image_status_get(a.image).events > 400);
        rig_stop(&a);
        rig_stop(&b);
    }
}

/* -- Long ladders of versions. ----------------------------------------------------------------- */

/* A logic whose state tells how it came about: each version that migrates adds a line to it. */
enum { RUNGS_MAX = 8 };

struct ladder_state {
    uint64_t count;
    uint64_t lines[];
};

#define LADDER_CONFIG_FIELDS(F)  \
    F(u64, value, "", "a value") \
    F(u64, lines, "", "how many there is room for")
MR_MESSAGE_STRUCT(ladder_config, LADDER_CONFIG_FIELDS);
static const struct mr_message ladder_config_message =
    MR_CONFIG(ladder_config, ladder, LADDER_CONFIG_FIELDS, "rungs");
static const struct mr_catalog ladder_catalog = {0};

static void ladder_default(void *config)
{
    *(struct ladder_config *)config = (struct ladder_config){.value = 5, .lines = 3};
}

static uint64_t ladder_size(const void *config)
{
    return sizeof(struct ladder_state) + ((const struct ladder_config *)config)->lines * 8;
}

static uint32_t ladder_apply(struct mr_context *context, const struct mr_command *command)
{
    (void)context;
    (void)command;
    return 0;
}

static void ladder_migrate_config(void *config, const void *old_config)
{
    const struct ladder_config *old = old_config;
    struct ladder_config *made = config;
    assert_int_equal(made->value, 0); /* zeroed memory */
    *made = (struct ladder_config){.value = old->value * 3 + 1, .lines = old->lines};
}

/* With more room than before, or less: as long as what there is fits. */
static void ladder_resize_config(void *config, const void *old_config)
{
    ladder_migrate_config(config, old_config);
    struct ladder_config *made = config;
    made->lines = RUNGS_MAX + 500 * (made->value % 7);
}

static void ladder_migrate(void *state, const void *config, const void *old_state,
                           const void *old_config)
{
    const struct ladder_state *old = old_state;
    const struct ladder_config *given = config;
    const struct ladder_config *before = old_config;
    struct ladder_state *made = state;
    assert_int_equal(made->count, 0);
    for (uint64_t i = 0; i < given->lines; i++) {
        assert_int_equal(made->lines[i], 0);
    }
    memcpy(made->lines, old->lines, old->count * 8);
    made->lines[old->count] = given->value * 1000003 + before->value;
    made->count = old->count + 1;
    made->lines[given->lines - 1] ^= UINT64_C(1) << 63; /* and touches its last byte */
}

struct ladder {
    struct mr_logic versions[RUNGS_MAX];
    uint32_t count;
};

/* What the last version's state must be, worked out beside. */
static uint64_t expected_line(const struct ladder *ladder, uint64_t *lines)
{
    uint64_t value = 5, count = 0;
    for (uint32_t i = 1; i < ladder->count; i++) {
        uint64_t before = value;
        if (ladder->versions[i].migrate_config != NULL) {
            value = value * 3 + 1;
        }
        if (ladder->versions[i].migrate != NULL) {
            lines[count++] = value * 1000003 + before;
        }
    }
    return count;
}

static void make_ladder(struct ladder *ladder, struct mr_random *random)
{
    ladder->count = 2 + (uint32_t)mr_random_below(random, RUNGS_MAX - 1);
    for (uint32_t i = 0; i < ladder->count; i++) {
        bool migrates = i > 0 && mr_random_chance(random, 3, 4);
        bool config = i > 0 && mr_random_chance(random, 1, 2);
        ladder->versions[i] = (struct mr_logic){
            .name = "ladder",
            .version = i * 2 + 1, /* versions may be left out */
            .layout_version = i,
            .catalog = &ladder_catalog,
            .config = &ladder_config_message,
            .command_size_max = 64,
            .event_size_max = 64,
            .config_default = ladder_default,
            .state_size = ladder_size,
            .apply = ladder_apply,
            .previous = i == 0 ? NULL : &ladder->versions[i - 1],
            .migrate = migrates ? ladder_migrate : NULL,
            .migrate_config = !config    ? NULL
                              : migrates ? ladder_resize_config
                                         : ladder_migrate_config,
        };
    }
}

static void the_state_climbs_any_number_of_versions_at_once(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    uint32_t with_scratch = 0;
    for (int round = 0; round < 300; round++) {
        static struct ladder ladder;
        make_ladder(&ladder, &random);
        struct rig rig = {0};
        jars_genesis(&rig.genesis.header, &ladder.versions[0]);
        struct mr_genesis *body = mr_command_body_mutable(&rig.genesis.header);
        memset(body->logic, 0, sizeof body->logic);
        memcpy(body->logic, "ladder", 6);
        ((struct ladder_config *)(void *)(body + 1))->lines = RUNGS_MAX;
        rig_begin(&rig, &ladder.versions[0]);
        const struct mr_logic *newest = &ladder.versions[ladder.count - 1];
        assert_int_equal(rig_ask_upgrade(&rig, newest).result, 0);
        with_scratch += mr_image_migrated_scratch(rig.image, newest) > 0;
        rig_migrate(&rig, newest);
        uint64_t lines[RUNGS_MAX];
        uint64_t count = expected_line(&ladder, lines);
        const struct ladder_state *made = mr_image_state(rig.image);
        assert_int_equal(made->count, count);
        for (uint64_t i = 0; i < count; i++) {
            assert_int_equal(made->lines[i] << 1, lines[i] << 1);
        }
        rig_stop(&rig);
    }
    assert_true(with_scratch > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgrade_is_asked_for_and_then_due),
        cmocka_unit_test(only_a_newer_version_is_taken_and_only_from_the_engine),
        cmocka_unit_test(what_cannot_be_migrated_is_said_beforehand),
        cmocka_unit_test(whether_a_version_can_be_gone_to_is_known_before_it_is_asked_for),
        cmocka_unit_test(state_and_configuration_are_migrated),
        cmocka_unit_test(sessions_and_their_answers_stay),
        cmocka_unit_test(timers_that_the_old_version_set_fire_in_the_new_one),
        cmocka_unit_test(what_is_admitted_is_what_the_active_versions_catalog_has),
        cmocka_unit_test(a_version_that_changes_behaviour_alone_keeps_every_byte_of_the_state),
        cmocka_unit_test(two_versions_can_be_gone_at_once_or_one_after_the_other),
        cmocka_unit_test(a_history_through_all_versions_gives_the_same_bytes_and_events_again),
        cmocka_unit_test(the_state_climbs_any_number_of_versions_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
