/*
 * A sequence of steps that can be played again from its beginning, written down for people, read,
 * and made smaller as long as the two books still differ.
 */
#ifndef MR_TESTS_CORE_BOOK_SCRIPT_H
#define MR_TESTS_CORE_BOOK_SCRIPT_H

#include "tests/core/book_pair.h"

#include <stdio.h>

struct book_script {
    struct book_setting setting;
    book_distortion *distortion; /* for tests of the test */
    struct book_step *steps;
    uint32_t count, room;
};

void book_script_close(struct book_script *script);
void book_script_add(struct book_script *script, const struct book_step *step);

/* How playing a script ends. */
enum script_outcome {
    SCRIPT_SAME,
    SCRIPT_DIFFERS,
    SCRIPT_CRASHES, /* an assertion, a signal, or no end */
};

/* Plays it in a process of its own. */
enum script_outcome book_script_play(const struct book_script *script);

/* Takes away steps, then whatever of their fields is not needed, as long as the outcome is other
 * than SCRIPT_SAME. Returns how often it was played. */
uint32_t book_script_shrink(struct book_script *script);

/* Writes it: its setting as comments, then one command a line, in the text form of commands. */
void book_script_write(const struct book_script *script, FILE *file);
/* Reads what was written, or typed. False: *line is one that cannot be read, or is no step. */
bool book_script_read(struct book_script *script, FILE *file, uint32_t *line);

/* Plays it here and says where the two books differ, with what each of them did. True: they do. */
bool book_script_explain(const struct book_script *script, FILE *file);

#endif
