/*
 * A sequence of steps, in batches, that can be played again from its beginning, written down for
 * people, read, and made smaller as long as the two ledgers still differ.
 */
#ifndef MR_TESTS_CORE_LEDGER_SCRIPT_H
#define MR_TESTS_CORE_LEDGER_SCRIPT_H

#include "tests/core/ledger_pair.h"

#include <stdio.h>

struct ledger_script {
    struct ledger_setting setting;
    ledger_distortion *distortion; /* for tests of the test */
    struct ledger_step *steps;     /* a batch ends where `more` is not set */
    uint32_t count, room;
};

void ledger_script_close(struct ledger_script *script);
void ledger_script_add(struct ledger_script *script, const struct ledger_step *step);

/* How playing a script ends. */
enum script_outcome {
    SCRIPT_SAME,
    SCRIPT_DIFFERS,
    SCRIPT_CRASHES, /* an assertion, a signal, or no end */
};

/* Plays it in a process of its own. */
enum script_outcome ledger_script_play(const struct ledger_script *script);

/* Takes away steps, then whatever of their fields is not needed, as long as the outcome is other
 * than SCRIPT_SAME. Returns how often it was played. */
uint32_t ledger_script_shrink(struct ledger_script *script);

/* Writes it: its setting as comments, then one command a line, in the text form of commands; what
 * is odd about one stands before it, as in "!duplicate transfer_create ...". */
void ledger_script_write(const struct ledger_script *script, FILE *file);
/* Reads what was written, or typed. False: *line is one that cannot be read, or is no step. */
bool ledger_script_read(struct ledger_script *script, FILE *file, uint32_t *line);

/* Plays it here and says where the two ledgers differ, with what each of them answered. True: they
 * do. */
bool ledger_script_explain(const struct ledger_script *script, FILE *file);

#endif
