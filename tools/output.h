/*
 * What the tool says to people: messages and progress on standard error, results on standard
 * output, colours and pictures only where they can be shown. JSON is in tools/json.h.
 */
#ifndef MR_TOOLS_OUTPUT_H
#define MR_TOOLS_OUTPUT_H

#include "tools/command.h"

#include <millrace/error.h>
#include <millrace/log.h>

#include <millrace/u128.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Looks at terminals and environment. `command` (a subcommand's name, or NULL) begins every
 * message. Once, before anything else here. */
void output_start(const char *command);

/* -- Messages: one line each, on standard error. ----------------------------------------------- */

/* Tells what is going on: "millrace run: recovered ...". */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tells what went wrong and, if at all possible, what to do next; returns `code`, so that a failure
 * reads `return complain(EXIT_USAGE, "...")`. */
int complain(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of an error that the library gave; the exit code follows from it (exit_code_of). */
int complain_of(const struct mr_error *error);

/* A `write` for struct mr_log: passes warnings on, from whichever thread has one. Not errors: those
 * come back as values, and are complained of then. */
void tell_log(void *context, enum mr_log_level level, const char *message);

/* With --json, a failure that no other object tells of ends standard output with one of its own:
 * {"ok":false,"exit":CODE,"error":"..."}, the last message. output_told: one has told. */
void output_json(bool asked);
void output_told(void);

/* Flushes standard output; returns `code`, or EXIT_RESOURCES with a message when something could
 * not be written; without one when its reader has closed it. The last thing that a subcommand
 * does. */
int output_finish(int code);

/* -- Progress: one line that is written over, on standard error if that is a terminal. --------- */

/* True at most ten times a second, and never if nobody would see it. */
bool progress_due(void);
void progress_show(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Takes the line away; messages do so by themselves. */
void progress_clear(void);

/* Progress of recovery and replay, as mr_engine_options and mr_replay_options want it: `sequence`
 * out of `last_sequence` (0: not known). The context is not used. */
void progress_of_sequences(void *context, uint64_t sequence, uint64_t last_sequence);

/* -- Standard output. -------------------------------------------------------------------------- */

enum paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_RED, PAINT_GREEN, PAINT_YELLOW };

/* The terminal's code for a colour; "" when standard output shows none (no terminal, NO_COLOR). */
const char *paint(enum paint paint);
/* True if standard output can show more than ASCII (a terminal in a UTF-8 locale). */
bool output_is_unicode(void);

/* -- Numbers for people. The text lies in the caller's buffer, which is returned. -------------- */

enum { NUMBER_TEXT_SIZE = 56 };
struct number_text {
    char text[NUMBER_TEXT_SIZE];
};

struct number_text number_grouped(uint64_t value);    /* 1,234,567 */
struct number_text number_u128(struct mr_u128 value); /* without commas: ids, exact amounts */
struct number_text number_u128_grouped(struct mr_u128 value);
struct number_text number_duration(uint64_t ns); /* 950 ns, 12.3 us, 4.56 ms, 7.89 s */
struct number_text number_bytes(uint64_t bytes); /* 512 bytes, 1.5 KiB, 64.0 MiB */
/* `value` / 10^decimals, all decimals shown: 12345 with 2 is 123.45. */
struct number_text number_scaled(int64_t value, uint32_t decimals);
/* Nanoseconds since 1970 as a time of day in UTC, to the microsecond; as a number if it is too
 * small to be that. */
struct number_text number_time(uint64_t ns);
/* So many a second; 0 when no time has passed. */
uint64_t rate_per_second(uint64_t count, uint64_t elapsed_ns);

#endif
