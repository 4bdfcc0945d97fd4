/*
 * The condition of a directory's journal, in words: the lettered cases of docs/format-journal.md as
 * somebody understands them who has never read it, and what to do next.
 */
#ifndef MR_TOOLS_CONDITION_H
#define MR_TOOLS_CONDITION_H

#include "tools/json.h"

#include <millrace/journal.h>

struct condition {
    char letter;
    bool starts;      /* recovery goes on by itself */
    const char *what; /* whole sentences, each in a line of its own */
    const char *next;
};

/* Of a case's letter; one that says so for letters that are not known. */
const struct condition *condition_of(char letter);

/* The name of a durability policy, as `run --durability` takes it. */
const char *condition_durability(enum mr_durability durability);

/* Prints the text under a title, in lines of at most 79 columns. */
void condition_print(const char *title, const char *text);

/* The fields of a report, and those of damage if there is any. */
void condition_put_report(struct json *json, const struct mr_recovery *report);
void condition_put_damage(struct json *json, const struct mr_damage *damage);

/* The command that says what can be done about damage in directory `data`. */
void condition_put_hint(struct json *json, const char *data);

/* Progress of mr_journal_inspect, for its watch: bytes, and the rate since the first call.
 * `context` is a struct condition_progress. False once a signal has come. */
struct condition_progress {
    uint64_t started_ns;
};
bool condition_progress(void *context, uint64_t bytes, uint64_t total);

#endif
