#include "tools/options.h"

#include "base/assert.h"

#include <string.h>

/* A value that no command line can give: it is compared by its address. */
const char option_required[] = "";

/* -- Names. ----------------------------------------------------------------------------------- */

/* A member's underscores are an option's dashes. */
static char spelled_letter(const struct option *option, size_t place)
{
    if (option->name[place] == '_') {
        return '-';
    }
    return option->name[place];
}

static bool is_called(const struct option *option, const char *name, size_t length)
{
    if (strlen(option->name) != length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] != spelled_letter(option, i)) {
            return false;
        }
    }
    return true;
}

/* As people write it, without the leading dashes. */
static const char *spelled(const struct option *option, char text[64])
{
    size_t length = strlen(option->name);
    ASSERT(length < 64);
    for (size_t i = 0; i <= length; i++) {
        text[i] = spelled_letter(option, i);
    }
    return text;
}

static const struct option *find(const struct option *options, uint32_t count, const char *name,
                                 size_t length)
{
    for (uint32_t i = 0; i < count; i++) {
        if (options[i].kind != OPTION_words && is_called(&options[i], name, length)) {
            return &options[i];
        }
    }
    return NULL;
}

const struct option *options_words(const struct option *options, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (options[i].kind == OPTION_words) {
            return &options[i];
        }
    }
    return NULL;
}

/* -- Values. ----------------------------------------------------------------------------------- */

static bool digits_parse(const char *text, size_t length, uint64_t *value)
{
    uint64_t number = 0;
    bool digit = false; /* the character before was one */
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '_' && digit && i + 1 < length) {
            digit = false;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number)) {
            return false;
        }
        digit = true;
    }
    *value = number;
    return digit;
}

bool number_parse(const char *text, uint64_t *value)
{
    return digits_parse(text, strlen(text), value);
}

static bool rate_parse(const char *text, uint64_t *value)
{
    size_t length = strlen(text);
    if (length > 2 && strcmp(text + length - 2, "/s") == 0) {
        length -= 2;
    }
    return digits_parse(text, length, value) && *value > 0;
}

static bool choice_parse(const char *choices, const char *text, uint32_t *value)
{
    size_t length = strlen(text);
    for (uint32_t choice = 0;; choice++) {
        size_t size = strcspn(choices, "|");
        if (size == length && memcmp(choices, text, length) == 0) {
            *value = choice;
            return true;
        }
        if (choices[size] == '\0') {
            return false;
        }
        choices += size + 1;
    }
}

static bool set(const struct option *option, void *settings, const char *text)
{
    void *value = (unsigned char *)settings + option->offset;
    switch (option->kind) {
    case OPTION_flag:
        *(bool *)value = true;
        return true;
    case OPTION_text:
        *(const char **)value = text;
        return *text != '\0';
    case OPTION_number:
        return number_parse(text, value);
    case OPTION_rate:
        return rate_parse(text, value);
    case OPTION_choice:
        return choice_parse(option->argument, text, value);
    case OPTION_words:
        break;
    }
    return false;
}

static const char *wanted(const struct option *option)
{
    switch (option->kind) {
    case OPTION_number:
        return "a number";
    case OPTION_rate:
        return "a number above 0, such as 1000/s";
    case OPTION_choice:
        return "one of ";
    case OPTION_flag:
    case OPTION_text:
    case OPTION_words:
        break;
    }
    return "something";
}

/* -- The command line. ------------------------------------------------------------------------- */

static int give(const struct option *option, void *settings, const char *text,
                struct mr_error *error)
{
    if (set(option, settings, text)) {
        return MR_OK;
    }
    char name[64];
    return mr_error_set(error, MR_E_INVALID, "--%s wants %s%s, not '%s'", spelled(option, name),
                        wanted(option), option->kind == OPTION_choice ? option->argument : "",
                        text);
}

/* An argument that is no option. */
static int take_word(const struct option *option, const char *word, void *settings,
                     struct mr_error *error)
{
    if (option == NULL) {
        return mr_error_set(error, MR_E_INVALID, "unexpected argument '%s'", word);
    }
    struct option_words *words = (void *)((unsigned char *)settings + option->offset);
    if (words->count == OPTION_WORDS_MAX) {
        return mr_error_set(error, MR_E_INVALID, "more than %d arguments, from '%s' on",
                            OPTION_WORDS_MAX, word);
    }
    words->words[words->count++] = word;
    return MR_OK;
}

/* Takes the option at *arguments, and its value behind it if it has one. */
static int take(const struct option *options, uint32_t count, const char *const **arguments,
                uint64_t *given, void *settings, struct mr_error *error)
{
    const char *argument = *(*arguments)++;
    if (strncmp(argument, "--", 2) != 0) {
        return take_word(options_words(options, count), argument, settings, error);
    }
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const struct option *option = find(options, count, name, length);
    if (option == NULL) {
        return mr_error_set(error, MR_E_INVALID, "unknown option '--%.*s'", (int)length, name);
    }
    uint64_t bit = UINT64_C(1) << (option - options);
    if ((*given & bit) != 0) {
        return mr_error_set(error, MR_E_INVALID, "--%.*s is given twice", (int)length, name);
    }
    *given |= bit;
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (option->kind == OPTION_flag) {
        if (value != NULL) {
            return mr_error_set(error, MR_E_INVALID, "--%.*s takes no value", (int)length, name);
        }
    } else if (value == NULL && (value = *(*arguments)++) == NULL) {
        return mr_error_set(error, MR_E_INVALID, "--%.*s wants a value", (int)length, name);
    }
    return give(option, settings, value, error);
}

int options_parse(const struct option *options, uint32_t count, const char *const *arguments,
                  void *settings, struct mr_error *error)
{
    ASSERT(count < 64);
    uint64_t given = 0;
    while (*arguments != NULL) {
        int status = take(options, count, &arguments, &given, settings, error);
        if (status != MR_OK) {
            return status;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct option *option = &options[i];
        if ((given >> i & 1) != 0 || option->fallback == NULL) {
            continue;
        }
        char name[64];
        if (option->kind == OPTION_words) {
            const struct option_words *words =
                (const void *)((const unsigned char *)settings + option->offset);
            if (words->count == 0) {
                return mr_error_set(error, MR_E_INVALID, "%s is missing", option->argument);
            }
            continue;
        }
        if (option->fallback == OPTION_REQUIRED) {
            return mr_error_set(error, MR_E_INVALID, "--%s %s is missing", spelled(option, name),
                                option->argument);
        }
        bool valid = set(option, settings, option->fallback);
        ASSERT(valid);
    }
    return MR_OK;
}

bool options_ask_help(const char *const *arguments)
{
    for (; *arguments != NULL; arguments++) {
        if (strcmp(*arguments, "--help") == 0 || strcmp(*arguments, "-h") == 0) {
            return true;
        }
    }
    return false;
}

enum { HELP_COLUMN = 26, HELP_COLUMNS = 78 };

/* Prints the words of `text` from column `*column` on, going on in HELP_COLUMN of the next line
 * where they do not fit. */
static void print_words(FILE *file, const char *text, int *column)
{
    while (*text != '\0') {
        int size = (int)strcspn(text, " ");
        if (*column > HELP_COLUMN && *column + 1 + size > HELP_COLUMNS) {
            fprintf(file, "\n%*s", HELP_COLUMN, "");
            *column = HELP_COLUMN;
        } else if (*column > HELP_COLUMN) {
            fputc(' ', file);
            (*column)++;
        }
        *column += fprintf(file, "%.*s", size, text);
        text += size;
        text += strspn(text, " ");
    }
}

void options_describe(const struct option *options, uint32_t count, FILE *file)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct option *option = &options[i];
        char name[64];
        bool named = option->kind != OPTION_words;
        int column =
            fprintf(file, "  %s%s%s%s", named ? "--" : "", named ? spelled(option, name) : "",
                    named && option->argument != NULL ? " " : "",
                    option->argument == NULL ? "" : option->argument);
        if (column >= HELP_COLUMN) {
            fputc('\n', file);
            column = 0;
        }
        fprintf(file, "%*s", HELP_COLUMN - column, "");
        column = HELP_COLUMN;
        print_words(file, option->meaning, &column);
        if (option->fallback == OPTION_REQUIRED) {
            print_words(file, "(required)", &column);
        } else if (option->fallback != NULL) {
            print_words(file, "(default:", &column);
            column += fprintf(file, " %s)", option->fallback);
        }
        fputc('\n', file);
    }
}
