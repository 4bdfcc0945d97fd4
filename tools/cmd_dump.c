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

#define DUMP_OPTIONS(O, tag)                                               \
    OPTION_DATA(O, tag)                                                    \
    O(tag, number, from, "N", "1", "begin with the command of sequence N") \
    O(tag, number, to, "N", NULL, "end with the command of sequence N")    \
    O(tag, flag, json, NULL, NULL, "one JSON object a command")
OPTIONS_STRUCT(dump_settings, DUMP_OPTIONS);

struct dump {
    const struct dump_settings *settings;
    struct walk walk;
    uint64_t to;
    char *line; /* of MR_TEXT_LINE_MAX bytes */
    struct entry_end end;
};

static bool print_command(void *context, const struct mr_command *command)
{
    struct dump *dump = context;
    const struct mr_logic *logic = dump->walk.logic;
    size_t length = dump->settings->json
                        ? mr_json_command_write(logic, command, dump->line, MR_TEXT_LINE_MAX)
                        : mr_text_command_write(logic, command, dump->line, MR_TEXT_LINE_MAX);
    dump->line[length] = '\n';
    dump->end.sequence = command->sequence;
    return fwrite(dump->line, 1, length + 1, stdout) == length + 1 && !stop_requested();
}

static bool print_entry(struct dump *dump, const struct mr_entry *entry)
{
    if (!dump->settings->json)
        entry_write(entry, stdout);
    dump->end.index = entry->index;
    dump->end.chain = mr_entry_digest(entry);
    progress_of_sequences(NULL, entry->first_sequence, dump->to);
    return walk_commands(entry, dump->settings->from, dump->to, print_command, dump);
}

/* Nothing is missing only if the last line says so; a failure or a signal leaves it out. */
static int print_all(struct dump *dump)
{
    const struct mr_entry *entry;
    struct mr_error error;
    int status;
    while ((status = walk_next(&dump->walk, &entry, &error)) == MR_OK &&
           entry->first_sequence <= dump->to) {
        if (!print_entry(dump, entry)) {
            progress_clear();
            if (stop_requested()) {
                say("stopped by a signal behind sequence %llu",
                    (unsigned long long)dump->end.sequence);
                return EXIT_RESOURCES;
            }
            return EXIT_OK; /* what could not be written is for output_finish to tell */
        }
    }
    progress_clear();
    if (status != MR_OK && status != MR_AGAIN)
        return complain_of(&error);
    if (!dump->settings->json)
        entry_write_end(&dump->end, stdout);
    return EXIT_OK;
}

static int open_walk(struct dump *dump, struct mr_error *error)
{
    struct walk *walk = &dump->walk;
    int status = walk_open(walk, dump->settings->data, error);
    if (status == MR_OK && walk->plan.last_index == 0)
        status = mr_error_set(error, MR_E_NOT_FOUND, "%s: the journal holds no command yet",
                              dump->settings->data);
    if (status == MR_OK)
        status = walk_find_logic(walk, error);
    if (status == MR_OK)
        status = walk_begin(walk, dump->settings->from, error);
    dump->to = dump->settings->to == 0 ? walk->plan.last_sequence : dump->settings->to;
    return status;
}

static int execute(const void *settings)
{
    struct dump dump = {.settings = settings, .line = malloc(MR_TEXT_LINE_MAX + 1)};
    if (dump.line == NULL)
        return complain(EXIT_RESOURCES, "no memory for a line");
    struct mr_error error;
    int code = open_walk(&dump, &error) == MR_OK ? print_all(&dump) : complain_of(&error);
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
        "The directory may be in use, and is only read.",
    .examples = "  millrace dump --data d | less\n"
                "  millrace dump --data d --from 1000 --to 1010 --json\n"
                "  millrace dump --data d | millrace load --data copy\n",
    COMMAND_OPTIONS(dump_settings, DUMP_OPTIONS),
    .run = execute,
};
