#include "tools/ask.h"

#include <millrace/text.h>

#include <stdio.h>
#include <string.h>

enum { LIST_COLUMNS = 78, LIST_INDENT = 6 };

const struct mr_message *ask_named(const struct mr_logic *logic, const char *name)
{
    const struct mr_message *message = mr_catalog_query_named(logic->catalog, name, strlen(name));
    char whole[128];
    int length = snprintf(whole, sizeof whole, "%s_%s", logic->name, name);
    if (message == NULL && length > 0 && (size_t)length < sizeof whole)
        message = mr_catalog_query_named(logic->catalog, whole, (size_t)length);
    return message;
}

/* The field that the word without a key, number `place` among such words, is for. */
static const struct mr_field *field_at(const struct mr_message *message, uint32_t place)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        if (message->fields[i].kind != MR_FIELD_pad && place-- == 0)
            return &message->fields[i];
    }
    return NULL;
}

/* Behind what is there; false: it does not fit. */
static bool append(struct ask *ask, const char *key, const char *value)
{
    size_t used = strlen(ask->line), left = sizeof ask->line - used;
    int length = snprintf(ask->line + used, left, " %s%s%s", key, *key == 0 ? "" : "=", value);
    return length > 0 && (size_t)length < left;
}

static int put_together(const struct option_words *words, struct ask *ask, struct mr_error *error)
{
    uint32_t place = 0;
    (void)snprintf(ask->line, sizeof ask->line, "?%s", ask->message->name);
    for (uint32_t i = 1; i < words->count; i++) {
        const char *word = words->words[i], *key = "";
        if (strchr(word, '=') == NULL) {
            const struct mr_field *field = field_at(ask->message, place++);
            if (field == NULL)
                return mr_error_set(error, MR_E_INVALID, "'%s' is one value too many for %s", word,
                                    ask->message->name);
            key = field->name;
        }
        if (!append(ask, key, word))
            return mr_error_set(error, MR_E_INVALID, "that is too long to ask");
    }
    return MR_OK;
}

int ask_of(const struct mr_logic *logic, const struct option_words *words, struct ask *ask,
           struct mr_error *error)
{
    const char *name = words->words[0] + (words->words[0][0] == '?');
    ask->message = ask_named(logic, name);
    if (ask->message == NULL)
        return mr_error_set(error, MR_E_INVALID,
                            "the logic '%s' has no query '%s': without one, millrace state lists "
                            "them",
                            logic->name, name);
    int status = put_together(words, ask, error);
    if (status != MR_OK)
        return status;
    struct mr_text_error flaw;
    if (mr_text_query_read(logic, ask->line, strlen(ask->line),
                           (struct mr_query *)(void *)ask->query, sizeof ask->query,
                           &flaw) != MR_TEXT_COMMAND)
        return mr_error_set(error, MR_E_INVALID, "%s: %s", ask->line + 1, flaw.text);
    return MR_OK;
}

/* -- The list. --------------------------------------------------------------------------------- */

static void list_one(const struct mr_message *query)
{
    int column = printf("  %s", query->name);
    for (uint32_t i = 0; i < query->field_count; i++) {
        const struct mr_field *field = &query->fields[i];
        if (field->kind == MR_FIELD_pad)
            continue;
        int length = (int)strlen(field->name) + (field->optional ? 2 : 0);
        if (column + 1 + length > LIST_COLUMNS) {
            printf("\n%*s", LIST_INDENT, "");
            column = LIST_INDENT;
        }
        column += printf(field->optional ? " [%s]" : " %s", field->name);
    }
    printf("\n%*s%s\n", LIST_INDENT, "", query->meaning);
}

void ask_list(const struct mr_logic *logic)
{
    const struct mr_catalog *catalogs[] = {logic->catalog, &mr_catalog_common};
    for (uint32_t c = 0; c < 2; c++) {
        for (uint32_t i = 0; catalogs[c] != NULL && i < catalogs[c]->query_count; i++)
            list_one(&catalogs[c]->queries[i]);
    }
}
