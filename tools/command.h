/*
 * A subcommand of `millrace`: how it is declared, and what its exit code means.
 *
 * tools/cmd_NAME.c defines `const struct command command_NAME`; tools/commands.c lists them all;
 * tools/main.c finds the one that is asked for, parses its options (tools/options.h) and calls it.
 */
#ifndef MR_TOOLS_COMMAND_H
#define MR_TOOLS_COMMAND_H

#include "tools/options.h"

/* What every subcommand exits with. exit_code_of() says which error is which. */
enum exit_code {
    EXIT_OK = 0,         /* also: a run that was asked to stop, and stopped cleanly */
    EXIT_FINDING = 1,    /* a digest, an invariant or a comparison differs */
    EXIT_USAGE = 2,      /* bad options or input, or a directory that belongs to something else */
    EXIT_CORRUPTION = 3, /* stored bytes are damaged, or of an unknown version */
    EXIT_RESOURCES = 4,  /* input, output, space, memory, locks; stopped before the end */
};

struct command {
    const char *name;
    const char *summary;     /* one line without full stop, for `millrace --help` */
    const char *description; /* of --help: whole sentences, lines of at most 79 columns */
    const char *examples;    /* of --help: whole lines, each indented by two blanks */
    const struct option *options;
    uint32_t option_count;
    size_t settings_size; /* of the struct that the options fill in */
    /* Does the job; `settings` is that struct. Returns an enum exit_code. It has said what went
     * wrong (see complain in tools/output.h) and flushed standard output. */
    int (*run)(const void *settings);
};

extern const struct command command_run, command_serve, command_send, command_replay, command_state,
    command_log, command_dump, command_load, command_verify, command_recover, command_repair,
    command_stat, command_catalog, command_demo, command_completion;
/* All that there are, in the order of --help, ended by NULL; tools/commands.c lists them. */
extern const struct command *const commands_known[];

/* The members that follow from one list of options. */
#define COMMAND_OPTIONS(tag, LIST)                              \
    .options = (const struct option[])OPTIONS_TABLE(tag, LIST), \
    .option_count = OPTIONS_COUNT(LIST), .settings_size = sizeof(struct tag)

/* The exit code for a failure that the library reported: the one place that maps enum mr_status.
 *
 *     E_INVALID E_NOT_FOUND E_EXISTS E_MISMATCH                             2 usage
 *     E_DIVERGED                                                            1 a finding
 *     E_CORRUPT E_VERSION                                                   3 corruption
 *     E_IO E_NO_SPACE E_READ_ONLY E_BUSY E_LIMIT E_NO_MEMORY E_FENCED
 *     E_UNSUPPORTED                                                         4 I/O or resources
 */
enum exit_code exit_code_of(int status);

#endif
