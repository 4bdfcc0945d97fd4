/*
 * A source: where `millrace run` takes commands from. A file in some format, the generator,
 * standard input. It yields the commands of one importer's session in order, each with its request
 * number and (where the clock is the input's) its time, and can resume behind a request it yielded
 * in an earlier life.
 */
#ifndef MR_TOOLS_SOURCE_H
#define MR_TOOLS_SOURCE_H

#include <millrace/digest.h>
#include <millrace/error.h>
#include <millrace/image.h>
#include <millrace/logic.h>

#include <stdbool.h>
#include <stdint.h>

enum source_outcome {
    SOURCE_COMMAND, /* *command is the next one, but for its sequence; with `more`, the next one is
                       of the same batch */
    SOURCE_END,     /* there are no more; never amid a batch */
    SOURCE_WAIT,    /* none yet, more may come (a person types) */
    SOURCE_BAD,     /* a malformed line: `error` names file, line and reason; asking again goes on
                       behind it. command->more: it stands in a batch that goes on */
    SOURCE_FAILED,  /* cannot be read any further */
};

/* The sessions that `run` opens in a new journal. Session 0 is the engine's own. */
enum {
    SESSION_OPERATOR = 1, /* sends the set-up */
    SESSION_IMPORTER = 2, /* sends the commands of an input with a fingerprint */
    SESSION_KEYBOARD = 3, /* sends those of standard input */
};

/* A source gives batches by setting `more` in the commands that it returns, but for the last one of
 * each; `run` gathers them and sends each whole. A batch has up to 8,190 commands and 2 MiB, which
 * the source sees to. One that knows no batches leaves `more` alone: it is 0 before each call. */

/* What a source is told when it is opened. */
struct source_options {
    const char *input;  /* --input */
    const char *format; /* --format, NULL: by the input's kind and beginning */
    const char *date;   /* --date, of the format lobster; NULL: none */
    const struct mr_logic *logic;
    uint64_t session;  /* of its commands, unless a command names another (text) */
    enum mr_role role; /* of that session */
};

struct source;
struct executions; /* tools/executions.h */

struct source_calls {
    /* `command` has room for the logic's largest command, aligned to 8; `more` is 0, all else
     * undefined. */
    enum source_outcome (*next)(struct source *source, struct mr_command *command,
                                struct mr_error *error);
    /* Before the first `next`: goes on behind request `last` (of its session), as though everything
     * up to it had been yielded. Of standard input nothing is skipped: what comes next is new, and
     * only its request numbers begin at last + 1. */
    int (*resume)(struct source *source, uint64_t last, struct mr_error *error);
    void (*close)(struct source *source);
};

/* An implementation starts with this and adds its own fields behind it. */
struct source {
    const struct source_calls *calls;
    const char *kind;             /* "bitstamp", "gen", "lobster", "text" */
    struct mr_digest fingerprint; /* of all of the input; zeros when it has none (standard input) */
    uint64_t total;               /* commands in all, or lines where not each becomes one, where
                                     known; 0: unknown; for progress */
    enum mr_clock_kind clock;     /* of a new journal that begins with this input */
    bool interactive;             /* a person types: print events as they come */
    /* Commands that must stand before the first of the source's own in a new journal (instruments),
     * as `setup_count` whole commands of the operator's session, requests 1, 2, ... */
    const struct mr_command *const *setup;
    uint32_t setup_count;
    const void *config; /* of the logic in a new journal, NULL: its defaults */
    /* The last request that the operator's session had done when this run began, 0: none; `run`
     * sets it before resume and next. What only operators may send gets the numbers behind it. */
    uint64_t operator_last;
    /* The clock of the journal, and how far its time had come when this run began; `run` sets them,
     * too. Ids that are made carry that time. */
    enum mr_clock_kind journal_clock;
    uint64_t journal_time_ns;
    /* Of an input that is a whole dump, from genesis on: its genesis command, which becomes that of
     * a new journal; `next` begins behind it. Its commands carry sessions, requests and times of
     * their own and are taken as they are, session_open included; there is no setup, and resume is
     * not called: `run` compares what the journal has with what the source yields. NULL: an
     * ordinary input. */
    const struct mr_command *genesis;
    /* Of an input that has an exchange's executions in it: gets every event of the directory, those
     * of earlier runs included, to say at the end what became of them. NULL: of no other. */
    struct executions *executions;
};

/* Opens the source that options->input names: "-", "gen:SPEC", or a file. MR_E_NOT_FOUND,
 * MR_E_INVALID, MR_E_IO, MR_E_NO_MEMORY. */
int source_open(const struct source_options *options, struct source **source,
                struct mr_error *error);

#endif
