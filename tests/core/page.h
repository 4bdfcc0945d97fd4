/*
 * Reads a page of the documentation in which the blocks of one kind are tests. Where a block begins
 * and ends, on which line the reader is and what is wrong there is the page's; what its lines mean,
 * the kind's (tests/core/book_page.h, tests/core/ledger_page.h).
 */
#ifndef MR_TESTS_CORE_PAGE_H
#define MR_TESTS_CORE_PAGE_H

#include <millrace/text.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LINE_MAX = 1024, PAGE_SIZE_MAX = 1 << 20 };

/* What reads the blocks: `reader` is what page_holds was given. */
struct page_kind {
    const char *fence; /* the line that begins one of its blocks */
    bool (*line)(void *reader, const char *line);
    bool (*finish)(void *reader); /* what the lines so far have told is over: nothing may be left */
    void (*close)(void *reader);
};

struct page {
    const struct page_kind *kind;
    void *reader;
    uint32_t line;        /* of the page, from 1 */
    uint32_t block;       /* line where the block began, 0: outside of any */
    uint32_t other_block; /* likewise, of another kind */
    uint32_t blocks, commands;
    char error[2048];
};

__attribute__((format(printf, 2, 3))) static inline bool page_fail(struct page *page,
                                                                   const char *format, ...)
{
    va_list list;
    int used = snprintf(page->error, sizeof page->error, "line %u: ", page->line);
    va_start(list, format);
    (void)vsnprintf(page->error + used, sizeof page->error - (size_t)used, format, list);
    va_end(list);
    return false;
}

/* -- Words and fields. ------------------------------------------------------------------------- */

/* The next word of *text, which goes behind it; its length, 0: no more. */
static inline size_t page_word(const char **text, const char **word)
{
    *text += strspn(*text, " ");
    *word = *text;
    size_t length = strcspn(*text, " ");
    *text += length;
    return length;
}

static inline const struct mr_field *page_field(const struct mr_message *message, const char *name,
                                                size_t length)
{
    for (uint32_t i = 0; message != NULL && i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        if (strlen(field->name) == length && memcmp(field->name, name, length) == 0)
            return field;
    }
    return NULL;
}

/* Whether each key=value pair of the text is so in that body; `shown` is how it is told if not. */
static inline bool page_pairs(struct page *page, const struct mr_catalog *catalog,
                              const struct mr_message *message, const void *body, const char *text,
                              const char *shown)
{
    struct mr_text_error error;
    const char *word;
    for (size_t length; (length = page_word(&text, &word)) > 0;) {
        _Alignas(8) unsigned char said[256] = {0};
        int found = mr_text_field_read(catalog, message, said, word, length, &error);
        if (found < 0)
            return page_fail(page, "%s", error.text);
        const struct mr_field *field = &message->fields[found];
        if (memcmp(said + field->offset, (const unsigned char *)body + field->offset,
                   field->size) != 0)
            return page_fail(page, "'%.*s' is not so: %s", (int)length, word, shown);
    }
    return true;
}

/* -- Lines. ------------------------------------------------------------------------------------ */

static inline bool page_block_line(struct page *page, const char *line)
{
    size_t indent = strspn(line, " ");
    if (line[indent] == 0 || line[indent] == '#')
        return true;
    return page->kind->line(page->reader, line);
}

static inline bool page_line(struct page *page, const char *line)
{
    bool fence = strncmp(line, "```", 3) == 0;
    if (page->block != 0 && fence) {
        page->block = 0;
        return page->kind->finish(page->reader);
    }
    if (page->block != 0)
        return page_block_line(page, line);
    if (fence && page->other_block == 0 && strcmp(line, page->kind->fence) == 0) {
        page->block = page->line;
        page->blocks++;
    } else if (fence) {
        page->other_block = page->other_block == 0 ? page->line : 0;
    }
    return true;
}

/* Whether everything that the page shows is so; else page->error says what is not. */
static inline bool page_holds(struct page *page, const struct page_kind *kind, void *reader,
                              const char *text)
{
    char line[PAGE_LINE_MAX];
    bool holds = true;
    *page = (struct page){.kind = kind, .reader = reader};
    while (holds && *text != 0) {
        size_t length = strcspn(text, "\n");
        page->line++;
        (void)snprintf(line, sizeof line, "%.*s", (int)length, text);
        if (length >= sizeof line)
            holds = page_fail(page, "the line is too long");
        holds = holds && page_line(page, line);
        text += length + (text[length] == '\n');
    }
    if (holds && page->block + page->other_block != 0)
        holds =
            page_fail(page, "the block of line %u does not end", page->block + page->other_block);
    if (holds && page->commands == 0)
        holds = page_fail(page, "there are no examples");
    kind->close(reader);
    return holds;
}

/* The text of a page, to be freed. */
static inline char *page_load(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    char *text = calloc(1, PAGE_SIZE_MAX);
    assert_non_null(text);
    size_t size = fread(text, 1, PAGE_SIZE_MAX - 1, file);
    assert_true(feof(file) && size > 0);
    (void)fclose(file);
    return text;
}

/* Whether a table of the page, from `heading` on, has a row for each of the names, in that order,
 * and each row leads to a heading of the page. */
static inline void page_assert_table(const char *text, const char *heading,
                                     const char *const *names, uint32_t count)
{
    const char *at = strstr(text, heading);
    if (at == NULL) {
        fail_msg("there is no heading%s", heading);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        char row[96];
        (void)snprintf(row, sizeof row, "\n| `%s` | ", names[i]);
        const char *found = strstr(at, row);
        if (found == NULL) {
            fail_msg("the table lacks %s, or has it in another order", names[i]);
            return;
        }
        at = found;
        const char *end = strchr(at + 1, '\n');
        const char *link = strstr(at, "](#");
        if (link == NULL || end == NULL || link > end)
            fail_msg("the row of %s leads nowhere", names[i]);
    }
}

#endif
