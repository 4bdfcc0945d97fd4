/*
 * Between inject.c, which decides what fails, and inject_queue.c, which makes operations of the
 * queue fail.
 */
#ifndef MR_TESTS_FAULTS_INJECT_QUEUE_H
#define MR_TESTS_FAULTS_INJECT_QUEUE_H

#include "tests/faults/inject.h"

/* Counts a call; true when it is to fail as the plan says. */
bool inject_fails(enum inject_call call);
bool inject_watches(void);
const struct inject_plan *inject_plan_in_hand(void);
struct inject_report *inject_report_in_hand(void);

/* The completion of an operation that failed has come. */
void inject_completed(void);

/* A sync of the file is on its way; one has failed. */
void inject_sync_begins(int file);
void inject_sync_failed(int file);

void inject_queue_forget(void);

#endif
