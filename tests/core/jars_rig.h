/*
 * The rig with jars in it, and the way from one version of them to the next.
 */
#ifndef MR_TESTS_CORE_JARS_RIG_H
#define MR_TESTS_CORE_JARS_RIG_H

#include "tests/core/jars.h"
#include "tests/core/rig.h"

/* A genesis of that version, with its default configuration. */
static inline void jars_genesis(struct mr_command *command, const struct mr_logic *logic)
{
    struct mr_genesis body = {.logic = "jars",
                              .logic_version = logic->version,
                              .layout_version = logic->layout_version,
                              .session_idle_ns = 100000,
                              .sessions_max = 5,
                              .answers_max = 8,
                              .timers_max = 6,
                              .config_size = logic->config->size,
                              .clock = MR_CLOCK_INPUT};
    *command = (struct mr_command){
        .length = (uint32_t)(MR_COMMAND_HEADER + sizeof body + logic->config->size),
        .type = MR_COMMAND_GENESIS,
        .role = MR_ROLE_SYSTEM,
        .sequence = 1};
    unsigned char *to = mr_command_body_mutable(command);
    memcpy(to, &body, sizeof body);
    logic->config_default(to + sizeof body);
}

static inline void jars_start(struct rig *rig, const struct mr_logic *logic)
{
    memset(rig, 0, sizeof *rig);
    jars_genesis(&rig->genesis.header, logic);
    rig_begin(rig, logic);
}

/* Puts something in, as version 1 or as those after it. */
static inline struct mr_answer jars_put(struct rig *rig, uint64_t session, uint64_t request,
                                        uint64_t jar, uint64_t amount, uint64_t expected)
{
    struct jars_put_2 put = {.jar = jar, .amount = amount, .expected = expected};
    struct jars_put old = {.jar = jar, .amount = amount, .expected = expected};
    struct mr_answer answer;
    if (rig->logic->version == 1) {
        return rig_send(rig, session, request, JARS_PUT, &old, sizeof old);
    }
    rig->version = 1;
    answer = rig_send(rig, session, request, JARS_PUT, &put, sizeof put);
    rig->version = 0;
    return answer;
}

static inline struct mr_answer jars_spread(struct rig *rig, uint64_t session, uint64_t request,
                                           uint64_t count)
{
    return rig_send(rig, session, request, JARS_SPREAD, &count, sizeof count);
}

static inline struct mr_answer jars_alarm(struct rig *rig, uint64_t session, uint64_t request,
                                          uint64_t jar, uint64_t due)
{
    struct jars_alarm alarm = {.jar = jar, .due = due};
    return rig_send(rig, session, request, JARS_ALARM, &alarm, sizeof alarm);
}

/* Asks for the switch to `to`. */
static inline struct mr_answer rig_ask_upgrade(struct rig *rig, const struct mr_logic *to)
{
    struct mr_logic_upgrade upgrade = {.to_version = to->version, .to_layout = to->layout_version};
    return rig_send(rig, 0, 0, MR_COMMAND_LOGIC_UPGRADE, &upgrade, sizeof upgrade);
}

/* Makes the image that is due, in memory of exactly the size that is asked for. */
static inline void rig_migrate(struct rig *rig, const struct mr_logic *to)
{
    const char *reason = "";
    uint64_t size = mr_image_migrated_size(rig->image, to, &reason);
    assert_string_equal(reason, "");
    void *memory = rig_zeroed(size);
    uint64_t scratch_size = mr_image_migrated_scratch(rig->image, to);
    void *scratch = scratch_size == 0 ? NULL : rig_zeroed(scratch_size);
    uint32_t outbox_size = mr_image_migrated_outbox_size(rig->image, to);
    rig->image = mr_image_migrate(rig->image, to, memory, scratch);
    free(rig->memory);
    free(scratch);
    rig->memory = memory;
    rig->logic = to;
    rig_make_outbox(rig, outbox_size);
    assert_true(mr_image_check(rig->image, to));
}

static inline void rig_upgrade(struct rig *rig, const struct mr_logic *to)
{
    assert_int_equal(rig_ask_upgrade(rig, to).result, 0);
    rig_migrate(rig, to);
}

#endif
