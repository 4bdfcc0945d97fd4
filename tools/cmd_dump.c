/*
 * `millrace dump`: a journal as text or JSON, losing nothing.
 */
#include "tools/command.h"
#include "tools/entry_text.h"
#include "tools/output.h"
#include "tools/stop.h"
#include "tools/walk.h"

#include <millrace/text.h>

#include <stdlib.h>

#define DUMP_OPTIONS(O, tag)                                                                \
    OPTION_DATA(O, tag)                                                                     \
    O(tag, text, from, "N", NULL, "begin with the command of sequence N")                   \
    O(tag, text, to, "N", NULL, "end with the command of sequence N")                       \
    O(tag, text, from_time, "TIME", NULL, "begin with the first command that is not older") \
    O(tag, text, to_time, "TIME", NULL, "end with the last command that is not younger")    \
    O(tag, flag, follow, NULL, NULL,                                                        \
      "go on as the journal grows, until Ctrl-C; durable commands only")                    \
    O(tag, flag, json, NULL, NULL, "one JSON object a command")
OPTIONS_STRUCT(dump_settings, DUMP_OPTIONS);

enum { FOLLOW_WAIT_US = 20000 };

struct dump {
    const struct dump_settings *settings;
    struct walk walk;
    uint64_t from, to; /* sequences, both included */
    uint64_t from_time, to_time;
    bool planned; /* the end of the journal is known */
    bool done;    /* past to or to_time */
    char *line;   /* of MR_TEXT_LINE_MAX bytes */
    struct entry_end end;
};

/* -- Options. ---------------------------------------------------------------------------------- */

/* `*value` stays when the option is not given. */
static int take_number(const char *option, const char *text, uint64_t least, uint64_t *value)
{
    uint64_t number;
    if (text == NULL)
        return EXIT_OK;
    if (!number_parse(text, &number))
        return complain(EXIT_USAGE, "%s wants a number, not '%s'", option, text);
    if (number < least)
        return complain(EXIT_USAGE, "%s 0: the first command has sequence 1", option);
    *value = number;
    return EXIT_OK;
}

static int take_range(struct dump *dump)
{
    const struct dump_settings *settings = dump->settings;
    int code = take_number("--from", settings->from, 1, &dump->from);
    if (code == EXIT_OK)
        code = take_number("--to", settings->to, 1, &dump->to);
    if (code == EXIT_OK)
        code = take_number("--from-time", settings->from_time, 0, &dump->from_time);
    if (code == EXIT_OK)
        code = take_number("--to-time", settings->to_time, 0, &dump->to_time);
    if (code != EXIT_OK)
        return code;
    if (settings->from != NULL && settings->from_time != NULL)
        return complain(EXIT_USAGE, "--from and --from-time: which one?");
    if (dump->from > dump->to)
        return complain(EXIT_USAGE, "--from %s comes after --to %s", settings->from, settings->to);
    if (dump->from_time > dump->to_time)
        return complain(EXIT_USAGE, "--from-time %s comes after --to-time %s", settings->from_time,
                        settings->to_time);
    return EXIT_OK;
}

/* -- Printing. --------------------------------------------------------------------------------- */

static bool print_command(void *context, const struct mr_command *command)
{
    struct dump *dump = context;
    const struct mr_logic *logic = dump->walk.logic;
    if (command->time_ns < dump->from_time)
        return true;
    if (command->time_ns > dump->to_time) {
        dump->done = true;
        return false;
    }
    size_t length = dump->settings->json
                        ? mr_json_command_write(logic, command, dump->line, MR_TEXT_LINE_MAX)
                        : mr_text_command_write(logic, command, dump->line, MR_TEXT_LINE_MAX);
    dump->line[length] = '\n';
    dump->end.sequence = command->sequence;
    return fwrite(dump->line, 1, length + 1, stdout) == length + 1 && !stop_requested();
}

static bool begins_too_late(const struct dump *dump, const struct mr_entry *entry)
{
    const struct mr_command *first = mr_entry_commands(entry);
    return entry->first_sequence > dump->to || first->time_ns > dump->to_time;
}

/* False when that was all, or nothing more can be written. */
static bool print_entry(struct dump *dump, const struct mr_entry *entry)
{
    if (begins_too_late(dump, entry)) {
        dump->done = true;
        return false;
    }
    if (!dump->settings->json)
        entry_write(entry, stdout);
    dump->end.index = entry->index;
    dump->end.chain = mr_entry_digest(entry);
    if (!dump->settings->follow)
        progress_of_sequences(NULL, entry->first_sequence,
                              dump->to < UINT64_MAX ? dump->to : dump->walk.plan.last_sequence);
    bool goes_on = walk_commands(entry, dump->from, dump->to, print_command, dump);
    dump->done = dump->done || mr_entry_last_sequence(entry) >= dump->to;
    return goes_on && !dump->done;
}

/* -- Reading. ---------------------------------------------------------------------------------- */

/* How far the journal goes, and a reader from sequence `from` to there. */
static int plan_and_begin(struct dump *dump, uint64_t from, struct mr_error *error)
{
    struct walk *walk = &dump->walk;
    dump->planned = true;
    int status = walk_plan(walk, error);
    if (status == MR_OK && walk->plan.last_index == 0)
        status = mr_error_set(error, MR_E_NOT_FOUND, "%s: the journal holds no command yet",
                              dump->settings->data);
    if (status != MR_OK || (from > walk->plan.last_sequence && dump->end.sequence > 0))
        return status == MR_OK ? MR_AGAIN : status;
    return walk_begin(walk, from, dump->from_time, error);
}

/* What the watermarks do not tell, the plan does; then there is no logic yet. */
static int begin_at_once(struct dump *dump, struct mr_error *error)
{
    struct walk *walk = &dump->walk;
    int status = walk_begin(walk, dump->from, dump->from_time, error);
    if (status == MR_OK)
        status = walk_find_logic(walk, error);
    return status == MR_E_NOT_FOUND || (status != MR_OK && walk->reader != NULL) ? MR_OK : status;
}

/* Where the end is known, it is found in O(log n), without reading all that lies before. */
static int begin(struct dump *dump, struct mr_error *error)
{
    struct walk *walk = &dump->walk;
    int status = walk_open(walk, dump->settings->data, error);
    if (status == MR_OK && dump->settings->follow)
        return walk_follow(walk, dump->from, dump->from_time, error);
    if (status == MR_OK && dump->to < UINT64_MAX)
        status = begin_at_once(dump, error);
    if (status == MR_OK && walk->logic == NULL)
        status = plan_and_begin(dump, dump->from, error);
    return status == MR_OK && walk->logic == NULL ? walk_find_logic(walk, error) : status;
}

static int next(struct dump *dump, const struct mr_entry **entry, struct mr_error *error)
{
    int status = walk_next(&dump->walk, entry, error);
    if (status == MR_AGAIN && !dump->planned && !dump->settings->follow) {
        uint64_t from = dump->end.sequence == 0 ? dump->from : dump->end.sequence + 1;
        status = plan_and_begin(dump, from, error);
        if (status == MR_OK)
            status = walk_next(&dump->walk, entry, error);
    }
    while (status == MR_AGAIN && dump->settings->follow && !stop_requested()) {
        (void)fflush(stdout);
        walk_wait(FOLLOW_WAIT_US);
        status = walk_next(&dump->walk, entry, error);
    }
    return status;
}

/* Nothing is missing only if the last line says so; a failure or a signal leaves it out. Who
 * follows ends it with a signal, so that is no failure. */
static int print_all(struct dump *dump)
{
    const struct mr_entry *entry;
    struct mr_error error;
    int status;
    while ((status = next(dump, &entry, &error)) == MR_OK && print_entry(dump, entry))
        continue;
    progress_clear();
    bool stopped = stop_requested() && !dump->done;
    if (status != MR_OK && status != MR_AGAIN)
        return complain_of(&error);
    if (stopped && !(dump->settings->follow && status == MR_AGAIN)) {
        say("stopped by a signal behind sequence %llu", (unsigned long long)dump->end.sequence);
        return dump->settings->follow ? EXIT_OK : EXIT_RESOURCES;
    }
    if (status == MR_OK && !dump->done)
        return EXIT_OK; /* what could not be written is for output_finish to tell */
    if (!dump->settings->json && dump->end.index > 0)
        entry_write_end(&dump->end, stdout);
    return EXIT_OK;
}

static int execute(const void *settings)
{
    struct dump dump = {.settings = settings, .from = 1, .to = UINT64_MAX, .to_time = UINT64_MAX};
    int code = take_range(&dump);
    if (code != EXIT_OK)
        return code;
    dump.line = malloc(MR_TEXT_LINE_MAX + 1);
    if (dump.line == NULL)
        return complain(EXIT_RESOURCES, "no memory for a line");
    struct mr_error error;
    int status = begin(&dump, &error);
    progress_clear();
    if (status == MR_OK)
        code = print_all(&dump);
    else if (status == MR_AGAIN || stop_requested())
        code = dump.settings->follow ? EXIT_OK : complain(EXIT_RESOURCES, "stopped by a signal");
    else
        code = complain_of(&error);
    walk_close(&dump.walk);
    free(dump.line);
    return code;
}

const struct command command_dump = {
    .name = "dump",
    .summary = "print a journal, a command a line",
    .description =
        "Prints the commands of a journal as text, which loses nothing: 'millrace load'\n"
        "makes the same journal of it, byte by byte, and 'millrace run --input' takes it\n"
        "as input. Comment lines tell of the entries that the commands were written in.\n"
        "\n"
        "Times are as in the text: nanoseconds, since 1970 where the journal's clock is\n"
        "the machine's. The directory may be in use, and is only read; with --follow the\n"
        "dump goes on as commands become durable. With --to, only what is needed is read,\n"
        "so that what lies in front of damage can be had.",
    .examples = "  millrace dump --data d | less\n"
                "  millrace dump --data d --from 1000 --to 1010 --json\n"
                "  millrace dump --data d --follow --json\n"
                "  millrace dump --data d | millrace load --data copy\n",
    COMMAND_OPTIONS(dump_settings, DUMP_OPTIONS),
    .run = execute,
};
