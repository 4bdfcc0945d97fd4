/*
 * `millrace completion`: what a shell needs to complete the command line, out of the same tables of
 * commands and options that the tool itself works by.
 */
#include "tools/command.h"
#include "tools/output.h"

#include <ctype.h>
#include <string.h>

#define COMPLETION_OPTIONS(O, tag) O(tag, choice, shell, "bash", "bash", "for which shell")
OPTIONS_STRUCT(completion_settings, COMPLETION_OPTIONS);

/* What does not follow from the tables. A shell splits the command line at `=`, too, so the value
 * of --name=value is a word of its own, two behind its option. */
static const char script[] =
    "_millrace_offer() # ARGUMENTS-OF-COMPGEN: of these, what begins like the word at the cursor\n"
    "{\n"
    "    local offer\n"
    "    while IFS= read -r offer; do\n"
    "        COMPREPLY+=(\"$offer\")\n"
    "    done < <(compgen \"$@\" -- \"$word\")\n"
    "}\n"
    "\n"
    "_millrace_words() # WORDS; one that ends with a colon wants to be gone on with\n"
    "{\n"
    "    case $1 in\n"
    "    *:) compopt -o nospace 2>/dev/null ;;\n"
    "    esac\n"
    "    _millrace_offer -W \"$1\"\n"
    "}\n"
    "\n"
    "_millrace_paths() # -f|-d: files, or directories\n"
    "{\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    _millrace_offer \"$1\"\n"
    "}\n"
    "\n"
    "_millrace()\n"
    "{\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} at=1 i\n"
    "    COMPREPLY=()\n"
    "    # In front of the command, logics may be named.\n"
    "    while [ \"$at\" -lt \"$COMP_CWORD\" ] && [ \"${COMP_WORDS[at]}\" = --logic ]; do\n"
    "        [ \"${COMP_WORDS[at + 1]}\" != = ] || at=$((at + 1))\n"
    "        at=$((at + 2))\n"
    "    done\n"
    "    if [ \"$COMP_CWORD\" -eq \"$at\" ]; then\n"
    "        _millrace_words \"$_millrace_commands --logic --help --version\"\n"
    "        return\n"
    "    fi\n"
    "    if [ \"$word\" = = ]; then\n"
    "        word=\n"
    "    elif [ \"$option\" = = ]; then\n"
    "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    if [ \"$COMP_CWORD\" -lt \"$at\" ]; then\n"
    "        _millrace_paths -f\n"
    "        return\n"
    "    fi\n"
    "    if _millrace_value \"${COMP_WORDS[at]}\" \"$option\"; then\n"
    "        return\n"
    "    fi\n"
    "    # An option is given once at most.\n"
    "    for i in $(_millrace_options \"${COMP_WORDS[at]}\"); do\n"
    "        case \" ${COMP_WORDS[*]:at+1:COMP_CWORD-at-1} \" in\n"
    "        *\" $i \"*) ;;\n"
    "        *) _millrace_words \"$i\" ;;\n"
    "        esac\n"
    "    done\n"
    "}\n"
    "\n"
    "complete -F _millrace millrace\n";

/* As people write it. */
static void print_name(const struct option *option)
{
    fputs("--", stdout);
    for (const char *letter = option->name; *letter != '\0'; letter++) {
        putchar(*letter == '_' ? '-' : *letter);
    }
}

static void print_options(const struct command *command)
{
    printf("    %s) echo '", command->name);
    for (uint32_t i = 0; i < command->option_count; i++) {
        if (command->options[i].kind != OPTION_words) {
            print_name(&command->options[i]);
            putchar(' ');
        }
    }
    puts("--help' ;;");
}

/* Says what one of the alternatives in an option's argument column stands for. DIR and FILE are
 * paths; otherwise only what is not a placeholder can be completed, up to the first capital, or
 * the option's default. */
static void print_alternative(const struct option *option, const char *text, size_t length)
{
    if (option->kind == OPTION_text && length == 3 && memcmp(text, "DIR", 3) == 0) {
        fputs("_millrace_paths -d; ", stdout);
        return;
    }
    if (option->kind == OPTION_text && length >= 4 && memcmp(text, "FILE", 4) == 0) {
        fputs("_millrace_paths -f; ", stdout);
        return;
    }
    size_t known = 0;
    while (known < length && !isupper((unsigned char)text[known])) {
        known++;
    }
    if (known > 0 && option->kind != OPTION_rate) {
        printf("_millrace_words '%.*s'; ", (int)known, text);
    } else if (option->kind == OPTION_text && option->fallback != NULL &&
               option->fallback != OPTION_REQUIRED &&
               strstr(option->argument, option->fallback) == NULL) {
        printf("_millrace_words '%s'; ", option->fallback);
    }
}

static void print_value(const struct command *command, const struct option *option)
{
    if (option->kind == OPTION_flag || option->kind == OPTION_words) {
        return;
    }
    printf("    '%s ", command->name);
    print_name(option);
    fputs("') ", stdout);
    const char *text = option->argument;
    for (;;) {
        size_t length = strcspn(text, "|");
        print_alternative(option, text, length);
        if (text[length] == '\0') {
            break;
        }
        text += length + 1;
    }
    puts("return 0 ;;");
}

static int execute(const void *options)
{
    (void)options; /* bash is the only choice */
    fputs("# bash completion for millrace: the output of `millrace completion`.\n\n"
          "_millrace_commands='",
          stdout);
    for (const struct command *const *command = commands_known; *command != NULL; command++) {
        printf("%s ", (*command)->name);
    }
    puts("'\n\n_millrace_options() # COMMAND\n{\n    case $1 in");
    for (const struct command *const *command = commands_known; *command != NULL; command++) {
        print_options(*command);
    }
    puts("    esac\n}\n\n# Fails if the option takes no value.\n"
         "_millrace_value() # COMMAND OPTION\n{\n    case \"$1 $2\" in");
    for (const struct command *const *command = commands_known; *command != NULL; command++) {
        for (uint32_t i = 0; i < (*command)->option_count; i++) {
            print_value(*command, &(*command)->options[i]);
        }
    }
    puts("    esac\n    return 1\n}\n");
    fputs(script, stdout);
    return EXIT_OK;
}

const struct command command_completion = {
    .name = "completion",
    .summary = "print what a shell needs to complete this command line",
    .description = "Prints a script that teaches a shell to complete the names of commands and\n"
                   "options, and the values of those that are choices, files or directories. It\n"
                   "is installed together with the program; for one that is not, see below.",
    .examples = "  millrace completion > ~/.local/share/bash-completion/completions/millrace\n"
                "  source <(millrace completion --shell bash)\n",
    COMMAND_OPTIONS(completion_settings, COMPLETION_OPTIONS),
    .run = execute,
};
