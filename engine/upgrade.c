/*
 * Versions of a logic: which of them a program carries, and switching a running engine to a newer
 * one.
 */
#include "engine/parts.h"

#include <string.h>

int mr_upgrade_check(const struct mr_engine *engine, const struct mr_command *command)
{
    if (command->length < MR_COMMAND_HEADER + sizeof(struct mr_logic_upgrade)) {
        return MR_OK; /* the image will refuse it */
    }
    const struct mr_logic_upgrade *body = mr_command_body(command);
    const struct mr_logic *to = mr_logic_version(engine->logic, body->to_version);
    return to != NULL && to->layout_version == body->to_layout ? MR_OK : MR_E_VERSION;
}
