/*
 * Versions of a logic: which of them a program carries, and switching a running engine to a newer
 * one.
 */
#include "core/image.h"
#include "engine/parts.h"

#include <stdlib.h>

/* What is found holds as long as the engine lives: configurations change only on the way from
 * version to version, so an image that has gone a part of it finds the rest as it was. */
int mr_upgrade_survey(struct mr_engine *engine, struct mr_error *error)
{
    const struct mr_applier *applier = &engine->applying.applier;
    uint32_t newer = 0;
    for (const struct mr_logic *to = engine->logic; to != applier->logic; to = to->previous) {
        newer++;
    }
    if (newer == 0) {
        return MR_OK;
    }
    engine->obstacles = calloc(newer, sizeof *engine->obstacles);
    if (engine->obstacles == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for an engine");
    }
    engine->obstacle_count = newer;
    const struct mr_logic *to = engine->logic;
    for (uint32_t behind = 0; behind < newer; behind++, to = to->previous) {
        engine->obstacles[behind] = mr_upgrade_flaw(applier->image, to);
    }
    return MR_OK;
}

const char *mr_upgrade_obstacle(const struct mr_engine *engine, const struct mr_logic *to)
{
    uint32_t behind = 0;
    for (const struct mr_logic *logic = engine->logic; logic != to; logic = logic->previous) {
        behind++;
    }
    /* One that is not newer is for the image to refuse. */
    return behind < engine->obstacle_count ? engine->obstacles[behind] : NULL;
}

/* What nobody could replay must not get into the journal. */

int mr_upgrade_check(const struct mr_engine *engine, const struct mr_command *command)
{
    if (command->length < MR_COMMAND_HEADER + sizeof(struct mr_logic_upgrade)) {
        return MR_OK; /* the image will refuse it */
    }
    const struct mr_logic_upgrade *body = mr_command_body(command);
    const struct mr_logic *to = mr_logic_version(engine->logic, body->to_version);
    if (to == NULL || to->layout_version != body->to_layout) {
        return MR_E_VERSION;
    }
    return mr_upgrade_obstacle(engine, to) == NULL ? MR_OK : MR_E_VERSION;
}
