/*
 * Ctrl-C and SIGTERM: the first one asks the subcommand to finish what it has begun, report and
 * exit (with EXIT_OK: nothing went wrong); one that comes more than a second later kills.
 */
#ifndef MR_TOOLS_STOP_H
#define MR_TOOLS_STOP_H

#include <stdbool.h>

/* From here on the signals only raise a flag, and SIGPIPE is ignored, so that writing to a closed
 * pipe is an error like any other. */
void stop_prepare(void);

bool stop_requested(void);

#endif
