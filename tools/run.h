/*
 * `millrace run`: its options, and running an engine on an input from beginning to end.
 */
#ifndef MR_TOOLS_RUN_H
#define MR_TOOLS_RUN_H

#include "base/histogram.h"
#include "tools/config.h"
#include "tools/engine_options.h"
#include "tools/logics.h"
#include "tools/options.h"
#include "tools/summary.h"

#include <millrace/atomic.h>
#include <millrace/engine.h>

enum run_clock { RUN_CLOCK_AUTO, RUN_CLOCK_WALL, RUN_CLOCK_INPUT };
enum run_on_error { RUN_ON_ERROR_STOP, RUN_ON_ERROR_SKIP };

#define RUN_OPTIONS(O, tag)                                                                       \
    O(tag, text, data, "DIR", NULL, "the data directory; made if it is missing")                  \
    O(tag, text, input, "FILE|-|gen:SPEC", OPTION_REQUIRED,                                       \
      "where commands come from: a file, standard input, the generator")                          \
    O(tag, text, format, "bitstamp|gen|lobster|text", NULL,                                       \
      "the input's format; guessed when not given")                                               \
    O(tag, text, date, "YYYY-MM-DD", NULL,                                                        \
      "of the format lobster: the day that its times belong to; 1970-01-01 when not given")       \
    OPTION_LOGIC(O, tag)                                                                          \
    OPTION_CONFIG(O, tag)                                                                         \
    OPTION_JSON(O, tag)                                                                           \
    O(tag, flag, events, NULL, NULL, "print the events, too")                                     \
    O(tag, text, acks, "FILE", NULL, "append 'sequence request' as each command is acknowledged") \
    O(tag, choice, on_error, "stop|skip", "stop", "what a malformed line of the input leads to")  \
    O(tag, rate, rate, "N/s", NULL, "send so many commands a second, else as many as it can")     \
    O(tag, choice, clock, "auto|wall|input", "auto",                                              \
      "a new journal's time: the machine's, the input's, or auto: what suits the input")          \
    OPTIONS_ENGINE(O, tag)
OPTIONS_STRUCT(run_settings, RUN_OPTIONS);

/* How a run went. */
struct run_report {
    struct mr_engine_recovery recovery;
    struct summary summary;
    struct mr_histogram latency; /* from sending to answer, in ns */
    uint64_t bad_lines;          /* skipped */
    bool watched; /* set by the caller: somebody else tells people what was recovered */
    /* For whoever watches, as it goes. */
    MR_ATOMIC(uint64_t) acknowledged; /* of the input's commands */
    MR_ATOMIC(uint64_t) total;        /* of the input, 0: not known */
};

/* The settings that a command line (ended by NULL) asks for. MR_E_INVALID. */
int run_settings_parse(const char *const *arguments, struct run_settings *settings,
                       struct mr_error *error);

/* Runs, prints what the settings ask for, says what went wrong, leaves no thread behind. Returns an
 * enum exit_code. `report` must be zeroed. */
int run_execute(const struct run_settings *settings, struct run_report *report);

#endif
