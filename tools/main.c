/*
 * The `millrace` command: finds the subcommand, parses its options, runs it.
 */
#include "base/assert.h"
#include "tools/command.h"
#include "tools/output.h"
#include "tools/stop.h"

#include <stdalign.h>
#include <string.h>

static const struct command *const commands[] = {
    &command_run,     &command_replay, &command_dump,    &command_load, &command_verify,
    &command_recover, &command_repair, &command_catalog, &command_demo,
};
enum { COMMANDS = sizeof commands / sizeof commands[0], SETTINGS_SIZE_MAX = 256 };

static const char exit_codes[] =
    "Exit codes: 0 ok, 1 a finding (a digest, invariant or comparison differs),\n"
    "2 usage, 3 corruption, 4 input/output or resources.\n";

static void print_commands(FILE *file)
{
    fputs("usage: millrace COMMAND [--option value ...]\n\n"
          "Durable, deterministic business logic: what it acknowledged, it never loses.\n\n",
          file);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        fprintf(file, "  %-10s%s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(file,
            "\nmillrace COMMAND --help tells a command's options, millrace --version the\n"
            "version.\n%s",
            exit_codes);
}

static void print_help(const struct command *command)
{
    printf("usage: millrace %s [--option value ...]\n\n%s\n\nOptions:\n", command->name,
           command->description);
    options_describe(command->options, command->option_count, stdout);
    printf("\nExamples:\n%s\n%s", command->examples, exit_codes);
}

static const struct command *find(const char *name)
{
    for (uint32_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

/* Looked for before anything else, so that even bad usage is told as JSON. */
static bool asks_json(const struct command *command, const char *const *arguments)
{
    bool takes = false;
    for (uint32_t i = 0; i < command->option_count; i++) {
        takes = takes || strcmp(command->options[i].name, "json") == 0;
    }
    while (takes && *arguments != NULL && strcmp(*arguments, "--json") != 0) {
        arguments++;
    }
    return takes && *arguments != NULL;
}

static int run(const struct command *command, const char *const *arguments)
{
    if (options_ask_help(arguments)) {
        print_help(command);
        return output_finish(EXIT_OK);
    }
    alignas(max_align_t) unsigned char settings[SETTINGS_SIZE_MAX];
    ASSERT(command->settings_size <= sizeof settings);
    memset(settings, 0, sizeof settings);
    struct mr_error error;
    output_json(asks_json(command, arguments));
    if (options_parse(command->options, command->option_count, arguments, settings, &error) != 0) {
        return output_finish(
            complain(EXIT_USAGE, "%s: see 'millrace %s --help'", error.text, command->name));
    }
    stop_prepare();
    return output_finish(command->run(settings));
}

int main(int count, char **arguments)
{
    output_start(NULL);
    if (count < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    const char *name = arguments[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_commands(stdout);
        return output_finish(EXIT_OK);
    }
    if (strcmp(name, "--version") == 0) {
        puts("millrace " MR_VERSION);
        return output_finish(EXIT_OK);
    }
    const struct command *command = find(name);
    if (command == NULL) {
        return complain(EXIT_USAGE, "unknown command '%s': see 'millrace --help'", name);
    }
    output_start(command->name);
    return run(command, (const char *const *)arguments + 2);
}
