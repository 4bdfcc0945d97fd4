/*
 * The `millrace` command: finds the subcommand, parses its options, runs it.
 */
#include "base/assert.h"
#include "tools/command.h"
#include "tools/logics.h"
#include "tools/output.h"
#include "tools/stop.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_SIZE_MAX = 512 };

static const char exit_codes[] =
    "Exit codes: 0 ok, 1 a finding (a digest, invariant or comparison differs),\n"
    "2 usage, 3 corruption, 4 input/output or resources.\n";

static void print_commands(FILE *file)
{
    fputs("usage: millrace [--logic FILE.so ...] COMMAND [--option value ...]\n\n"
          "Durable, deterministic business logic: what it acknowledged, it never loses.\n\n",
          file);
    for (const struct command *const *command = commands_known; *command != NULL; command++) {
        fprintf(file, "  %-12s%s\n", (*command)->name, (*command)->summary);
    }
    fprintf(file,
            "\nmillrace COMMAND --help tells a command's options, millrace --version the\n"
            "version. --logic FILE.so, or MILLRACE_LOGIC=FILE.so:..., makes a logic of your\n"
            "own known to all of them.\n%s",
            exit_codes);
}

static void print_help(const struct command *command)
{
    const struct option *words = options_words(command->options, command->option_count);
    printf("usage: millrace %s%s%s [--option value ...]\n\n%s\n\nOptions:\n", command->name,
           words == NULL ? "" : " ", words == NULL ? "" : words->argument, command->description);
    options_describe(command->options, command->option_count, stdout);
    printf("\nExamples:\n%s\n%s", command->examples, exit_codes);
}

static const struct command *find(const char *name)
{
    const struct command *const *command = commands_known;
    while (*command != NULL && strcmp((*command)->name, name) != 0) {
        command++;
    }
    return *command;
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

/* Makes known the logics of MILLRACE_LOGIC, and of each --logic in front of the command, which
 * *arguments is moved behind. */
static int load_logics(char ***arguments, struct mr_error *error)
{
    int status = logics_load_all(getenv("MILLRACE_LOGIC"), error);
    for (char **at = *arguments; status == MR_OK && *at != NULL; *arguments = at) {
        if (strcmp(*at, "--logic") == 0 && at[1] != NULL) {
            status = logics_load(at[1], NULL, error);
            at += 2;
        } else if (strncmp(*at, "--logic=", 8) == 0) {
            status = logics_load(*at + 8, NULL, error);
            at++;
        } else {
            break;
        }
    }
    return status;
}

int main(int count, char **arguments)
{
    output_start(NULL);
    struct mr_error error;
    arguments += count > 0;
    if (load_logics(&arguments, &error) != MR_OK) {
        return complain_of(&error);
    }
    const char *name = *arguments;
    if (name == NULL) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
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
    return run(command, (const char *const *)arguments + 1);
}
