/*
 * `millrace run` in a process of its own, so that it can be killed. It never outlives this process.
 */
#ifndef MR_TOOLS_CHILD_H
#define MR_TOOLS_CHILD_H

#include "tools/run.h"

#include <sys/types.h>

struct child {
    pid_t pid;                 /* 0: has ended */
    int code;                  /* what it ended with: an enum exit_code, or -1: it was killed */
    struct run_report *report; /* in memory that is shared with it, so that it outlives it */
};

/* Starts it with the arguments of `millrace run` (ended by NULL); its standard output goes nowhere.
 * MR_E_INVALID (arguments), MR_E_NO_MEMORY. Not while this process has other threads. */
int child_start(struct child *child, const char *const *arguments, struct mr_error *error);
/* Looks whether it still runs, without waiting. */
bool child_runs(struct child *child);
/* SIGKILL, and waits for its end. */
void child_kill(struct child *child);
/* Waits for its end; when this process is asked to stop, so is the child. Returns its code. */
int child_wait(struct child *child);
/* Kills it if it still runs, and gives the report back. */
void child_free(struct child *child);

#endif
