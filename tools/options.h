/*
 * The options of a subcommand, listed once: the struct that holds their values, parsing, checks and
 * --help all follow from the list.
 *
 *     #define REPLAY_OPTIONS(O, tag)                                                       \
 *         O(tag, text, data, "DIR", OPTION_REQUIRED, "the data directory")                 \
 *         O(tag, number, to, "N", NULL, "stop after sequence N")                           \
 *         O(tag, choice, color, "never|auto", "auto", "whether to use colours")            \
 *         O(tag, flag, json, NULL, NULL, "JSON on standard output")
 *     OPTIONS_STRUCT(replay_settings, REPLAY_OPTIONS);
 *
 * declares struct replay_settings { const char *data; uint64_t to; uint32_t color; bool json; }
 * and, with COMMAND_OPTIONS (tools/command.h), the command line `--data DIR --to N --color never
 * --json`. An underscore in a member's name is a dash in its option's. Values come as `--name
 * value` or `--name=value`.
 *
 *     flag     bool          takes no value
 *     text     const char *  any value that is not empty; points into argv
 *     number   uint64_t      decimal digits; underscores may separate them: 1_000_000
 *     rate     uint64_t      a number that is not 0, "/s" may follow
 *     choice   uint32_t      which one of the names that the argument column lists, from 0
 *     words    struct option_words  what stands there without an option's name, in its order; at
 *                            most one row of a list is of this kind, and nobody sees its name
 *
 * The column after the argument is the value when the option is not given, as text; NULL: false,
 * NULL or 0, and OPTION_REQUIRED: it must be given.
 */
#ifndef MR_TOOLS_OPTIONS_H
#define MR_TOOLS_OPTIONS_H

#include <millrace/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
    OPTION_flag,
    OPTION_text,
    OPTION_number,
    OPTION_rate,
    OPTION_choice,
    OPTION_words
};

enum { OPTION_WORDS_MAX = 24 };
struct option_words {
    const char *words[OPTION_WORDS_MAX]; /* point into argv */
    uint32_t count;
};

struct option {
    const char *name; /* the member's: with underscores */
    enum option_kind kind;
    size_t offset;        /* of the value in the settings */
    const char *argument; /* what it is called in --help, or the choices, separated by '|' */
    const char *fallback; /* value when not given */
    const char *meaning;  /* without full stop */
};

extern const char option_required[];
#define OPTION_REQUIRED option_required

#define OPTIONS_STRUCT(tag, LIST) \
    struct tag {                  \
        LIST(OPTION_MEMBER_, tag) \
    }
#define OPTIONS_TABLE(tag, LIST) \
    {                            \
        LIST(OPTION_ROW_, tag)   \
    }
#define OPTIONS_COUNT(LIST) (0 LIST(OPTION_ONE_, 0))

/* Rows that many subcommands share. */
#define OPTION_DATA(O, tag) O(tag, text, data, "DIR", OPTION_REQUIRED, "the data directory")
#define OPTION_JSON(O, tag) \
    O(tag, flag, json, NULL, NULL, "newline-delimited JSON on standard output")

#define OPTION_MEMBER_(tag, kind, name, argument, fallback, meaning) OPTION_TYPE_##kind name;
#define OPTION_ROW_(tag, kind, name, argument, fallback, meaning) \
    {#name, OPTION_##kind, offsetof(struct tag, name), argument, fallback, meaning},
#define OPTION_ONE_(tag, kind, name, argument, fallback, meaning) +1
#define OPTION_TYPE_flag                                          bool
#define OPTION_TYPE_text                                          const char *
#define OPTION_TYPE_number                                        uint64_t
#define OPTION_TYPE_rate                                          uint64_t
#define OPTION_TYPE_choice                                        uint32_t
#define OPTION_TYPE_words                                         struct option_words

/* Fills `settings`, a struct that OPTIONS_STRUCT declared, from `arguments` (ended by NULL, without
 * the names of program and subcommand). MR_E_INVALID: unknown option, missing or bad value. */
int options_parse(const struct option *options, uint32_t count, const char *const *arguments,
                  void *settings, struct mr_error *error);

/* The row of the kind `words`; NULL: there is none. */
const struct option *options_words(const struct option *options, uint32_t count);

/* Prints the options, one to two lines each, as --help shows them. */
void options_describe(const struct option *options, uint32_t count, FILE *file);

/* True if one of `arguments` is --help or -h. */
bool options_ask_help(const char *const *arguments);

/* Reads a number as the kind `number` has it: all of `text`. */
bool number_parse(const char *text, uint64_t *value);

#endif
