/*
 * `millrace catalog`: every message of a logic.
 */
#include "tools/command.h"
#include "tools/logics.h"
#include "tools/output.h"

#include <millrace/text.h>

#include <stdlib.h>

#define CATALOG_OPTIONS(O, tag)                                 \
    OPTION_LOGIC(O, tag)                                        \
    O(tag, flag, json, NULL, NULL, "one JSON object a message") \
    O(tag, flag, markdown, NULL, NULL, "as a page of documentation")
OPTIONS_STRUCT(catalog_settings, CATALOG_OPTIONS);

static int execute(const void *options)
{
    const struct catalog_settings *settings = options;
    if (settings->json && settings->markdown)
        return complain(EXIT_USAGE, "--json and --markdown: which one?");
    const struct mr_logic *logic;
    struct mr_error error;
    if (logic_chosen(settings->logic, &logic, &error) != MR_OK)
        return complain_of(&error);
    enum mr_catalog_form form = settings->json       ? MR_CATALOG_JSON
                                : settings->markdown ? MR_CATALOG_MARKDOWN
                                                     : MR_CATALOG_TEXT;
    size_t size = mr_catalog_write(logic, form, NULL, 0) + 1;
    char *text = malloc(size);
    if (text == NULL)
        return complain(EXIT_RESOURCES, "no memory for the catalog");
    mr_catalog_write(logic, form, text, size);
    fputs(text, stdout);
    free(text);
    return EXIT_OK;
}

const struct command command_catalog = {
    .name = "catalog",
    .summary = "print the commands, events, queries and reasons of a logic",
    .description = "Prints every message that a logic knows, with its fields, who may send it and\n"
                   "what it means: commands, events, what can be asked and the rows of replies;\n"
                   "the reasons for which commands are rejected; and the messages that all logics\n"
                   "share. It is the table that the program itself works by.",
    .examples = "  millrace catalog\n"
                "  millrace catalog --logic book --markdown > book.md\n",
    COMMAND_OPTIONS(catalog_settings, CATALOG_OPTIONS),
    .run = execute,
};
