#include "tools/command.h"

const struct command *const commands_known[] = {
    &command_run,     &command_serve,   &command_send,       &command_replay,
    &command_state,   &command_log,     &command_dump,       &command_load,
    &command_verify,  &command_recover, &command_repair,     &command_stat,
    &command_catalog, &command_demo,    &command_completion, NULL,
};
