/*
 * Reads a page whose blocks of kind `book` are tests (docs/book.md says what their lines mean),
 * does what they say, and compares what comes of it.
 */
#ifndef MR_TESTS_CORE_BOOK_PAGE_H
#define MR_TESTS_CORE_BOOK_PAGE_H

#include "tests/core/book_twin.h"
#include "tests/core/page.h"

enum { PAGE_LEVELS_MAX = 32, PAGE_PATCHES_MAX = 4 };

struct book_reader {
    struct page page;
    bool open; /* there is a book */
    struct book_twin twin;
    size_t next;           /* where the next event to tell begins among the twin's */
    uint32_t picture;      /* lines of the picture that were seen, 0: there is none */
    uint32_t picture_size; /* lines that there must be */
    char pictures[2 * PAGE_LEVELS_MAX][PAGE_LINE_MAX];
    /* What the page shows, for whoever wants to know that it shows all. */
    bool reasons[256], causes[256], event_types[256], command_types[256];
};

/* -- Settings of a new book. ------------------------------------------------------------------- */

struct page_settings {
    struct mr_book_config config;
    struct mr_book_instrument_define instrument;
    uint32_t timers_max;
};

static inline struct page_settings page_defaults(void)
{
    struct page_settings settings = {
        .config = {.instruments_max = 4,
                   .orders_max = 100,
                   .levels_max = 100,
                   .fills_max = 100,
                   .groups_max = 100,
                   .tick_tables_max = 4},
        .instrument = {.symbol = "TEST", .price_max = 1000, .quantity_max = 1000, .instrument = 1},
        .timers_max = 4};
    return settings;
}

static inline bool page_setting(struct book_reader *page, struct page_settings *settings,
                                const char *word, size_t length)
{
    const struct mr_catalog *catalog = mr_logic_book.catalog;
    struct mr_text_error error = {.text = ""};
    int found;
    if (length > 7 && memcmp(word, "config.", 7) == 0)
        found = mr_text_field_read(catalog, mr_logic_book.config, &settings->config, word + 7,
                                   length - 7, &error);
    else if (length == 12 && memcmp(word, "timers_max=0", 12) == 0)
        found = 0, settings->timers_max = 0;
    else
        found = mr_text_field_read(catalog, mr_catalog_command(catalog, MR_BOOK_INSTRUMENT_DEFINE),
                                   &settings->instrument, word, length, &error);
    return found >= 0 || page_fail(&page->page, "%s", error.text);
}

struct page_command {
    struct mr_command header;
    unsigned char body[256];
};

static inline bool page_new_book(struct book_reader *page, const char *text)
{
    struct page_settings settings = page_defaults();
    const char *word;
    for (size_t length; (length = page_word(&text, &word)) > 0;) {
        if (!page_setting(page, &settings, word, length))
            return false;
    }
    if (mr_logic_book.state_size(&settings.config) == 0)
        return page_fail(&page->page, "no book can have this configuration");
    if (page->open)
        twin_close(&page->twin);
    page->open = true;
    twin_open(&page->twin, &settings.config, settings.timers_max);
    struct page_command define = {
        .header = {.length = MR_COMMAND_HEADER + sizeof settings.instrument,
                   .type = MR_BOOK_INSTRUMENT_DEFINE,
                   .role = MR_ROLE_OPERATOR,
                   .session = TWIN_OPERATOR}};
    memcpy(define.body, &settings.instrument, sizeof settings.instrument);
    uint32_t result = twin_apply(&page->twin, &define.header);
    page->next = page->twin.rig.events_used;
    return result == 0 || page_fail(&page->page, "the instrument is rejected: %s",
                                    mr_catalog_reason_name(mr_logic_book.catalog, result));
}

/* -- Commands. --------------------------------------------------------------------------------- */

/* `key=#7` in a command: the byte 7, which no name stands for. */
struct page_patches {
    struct {
        const struct mr_field *field;
        unsigned char value;
    } of[PAGE_PATCHES_MAX];
    uint32_t count;
};

/* Writes a word of a command to `out`, a raw value as one that has a name. */
static inline bool page_copy_word(struct book_reader *page, const struct mr_message *message,
                                  const char *word, size_t length, char *out,
                                  struct page_patches *patches)
{
    const char *equal = memchr(word, '=', length);
    if (equal == NULL || equal + 1 == word + length || equal[1] != '#') {
        (void)snprintf(out, PAGE_LINE_MAX, " %.*s", (int)length, word);
        return true;
    }
    const struct mr_field *field = page_field(message, word, (size_t)(equal - word));
    unsigned long value = strtoul(equal + 2, NULL, 10);
    if (field == NULL || field->kind != MR_FIELD_enum8 || value > 255 ||
        patches->count == PAGE_PATCHES_MAX)
        return page_fail(&page->page, "'%.*s' is no raw value of a named field", (int)length, word);
    patches->of[patches->count].field = field;
    patches->of[patches->count++].value = (unsigned char)value;
    (void)snprintf(out, PAGE_LINE_MAX, " %s=%s", field->name, field->names->names[0]);
    return true;
}

/* The line of a command with what the page leaves out: `instrument=1` where one must be named. */
static inline bool page_complete(struct book_reader *page, const char *text, char *line,
                                 struct page_patches *patches)
{
    const char *word;
    size_t length = page_word(&text, &word);
    const struct mr_message *message =
        mr_catalog_command_named(mr_logic_book.catalog, word, length);
    const struct mr_field *instrument = page_field(message, "instrument", 10);
    bool names_one = instrument == NULL || instrument->optional;
    size_t used = (size_t)snprintf(line, PAGE_LINE_MAX, "%.*s", (int)length, word);
    while ((length = page_word(&text, &word)) > 0) {
        char copy[PAGE_LINE_MAX];
        names_one = names_one || (length > 11 && memcmp(word, "instrument=", 11) == 0);
        if (!page_copy_word(page, message, word, length, copy, patches))
            return false;
        used += (size_t)snprintf(line + used, PAGE_LINE_MAX - used, "%s", copy);
        if (used >= PAGE_LINE_MAX)
            return page_fail(&page->page, "the line is too long");
    }
    if (!names_one)
        used += (size_t)snprintf(line + used, PAGE_LINE_MAX - used, " instrument=1");
    return used < PAGE_LINE_MAX || page_fail(&page->page, "the line is too long");
}

/* Session 1 is the operator's; who does not say comes from there if only operators may, else from
 * session 2. */
static inline void page_sender(struct mr_command *command, uint32_t stated)
{
    const struct mr_message *message = mr_catalog_command(mr_logic_book.catalog, command->type);
    bool user = (message->roles & MR_ROLE_BIT(MR_ROLE_USER)) != 0;
    if ((message->roles & ~MR_ROLE_BIT(MR_ROLE_SYSTEM)) == 0)
        return; /* the engine's own */
    if ((stated & MR_TEXT_SESSION) == 0)
        command->session = user ? TWIN_USER : TWIN_OPERATOR;
    if ((stated & MR_TEXT_ROLE) == 0)
        command->role = command->session == TWIN_OPERATOR ? MR_ROLE_OPERATOR : MR_ROLE_USER;
}

static inline bool page_finish(struct book_reader *page);

static inline bool page_command(struct book_reader *page, const char *text, bool quiet)
{
    struct page_command command;
    struct page_patches patches = {.count = 0};
    struct mr_text_error error;
    char line[PAGE_LINE_MAX];
    uint32_t stated = 0;
    memset(&command, 0, sizeof command);
    if (!page->open)
        return page_fail(&page->page, "there is no book yet: begin with `new book`");
    if (!page_complete(page, text, line, &patches))
        return false;
    if (mr_text_command_read(&mr_logic_book, line, strlen(line), &command.header, sizeof command,
                             &stated, &error) != MR_TEXT_COMMAND)
        return page_fail(&page->page, "%s", error.text);
    page_sender(&command.header, stated);
    for (uint32_t i = 0; i < patches.count; i++)
        command.body[patches.of[i].field->offset] = patches.of[i].value;
    if ((stated & MR_TEXT_TIME) != 0 && command.header.time_ns < page->twin.rig.time_ns)
        return page_fail(&page->page, "time does not go back");
    uint32_t result = twin_apply(&page->twin, &command.header);
    page->next = page->twin.first;
    page->page.commands++;
    page->command_types[command.header.type & 255] = true;
    if (page->twin.flaw[0] != 0)
        return page_fail(&page->page, "%s", page->twin.flaw);
    if (!quiet)
        return true;
    if (result != 0)
        return page_fail(&page->page, "is rejected: %s",
                         mr_catalog_reason_name(mr_logic_book.catalog, result));
    if (page->twin.rig.outbox.count != 1)
        return page_fail(&page->page, "a command that is not looked at causes one event, not %u",
                         page->twin.rig.outbox.count);
    page->next = page->twin.rig.events_used;
    return true;
}

/* -- Events. ----------------------------------------------------------------------------------- */

static inline const struct mr_event *page_next_event(struct book_reader *page)
{
    if (!page->open || page->next == page->twin.rig.events_used)
        return NULL;
    const struct mr_event *event = (const void *)(page->twin.rig.events + page->next);
    page->next += event->length;
    return event;
}

static inline const char *page_show(const struct mr_event *event, char *text)
{
    (void)mr_text_event_write(&mr_logic_book, event, text, PAGE_LINE_MAX);
    return text;
}

static inline void page_note(struct book_reader *page, const struct mr_event *event)
{
    page->event_types[event->type & 255] = true;
    const struct mr_field *field =
        page_field(mr_catalog_event(mr_logic_book.catalog, event->type), "reason", 6);
    if (field != NULL) {
        uint32_t reason;
        memcpy(&reason, (const unsigned char *)mr_event_body(event) + field->offset, sizeof reason);
        page->reasons[reason & 255] = true;
    }
    if (event->type == MR_BOOK_ORDER_CANCELLED)
        page->causes[((const struct mr_book_order_cancelled *)mr_event_body(event))->cause] = true;
}

static inline bool page_event(struct book_reader *page, const char *text)
{
    const struct mr_event *event = page_next_event(page);
    const struct mr_catalog *catalog = mr_logic_book.catalog;
    char shown[PAGE_LINE_MAX];
    const char *word;
    size_t length = page_word(&text, &word);
    const struct mr_message *message = mr_catalog_event_named(catalog, word, length);
    if (message == NULL)
        return page_fail(&page->page, "'%.*s' is no event of the catalog", (int)length, word);
    if (event == NULL)
        return page_fail(&page->page, "there is no such event: nothing more came out");
    if (event->type != message->type)
        return page_fail(&page->page, "came out instead: %s", page_show(event, shown));
    if (!page_pairs(&page->page, catalog, message, mr_event_body(event), text,
                    page_show(event, shown)))
        return false;
    page_note(page, event);
    return true;
}

/* -- Pictures. --------------------------------------------------------------------------------- */

static inline void page_draw_level(struct book_reader *page, enum mr_book_side side,
                                   const struct mr_book_level *level)
{
    struct mr_book_order orders[PAGE_LEVELS_MAX];
    const struct mr_book *book = twin_book(&page->twin);
    char *line = page->pictures[page->picture_size++];
    size_t used =
        (size_t)snprintf(line, PAGE_LINE_MAX, "%s %lld", side == MR_BOOK_SIDE_BUY ? "buy" : "sell",
                         (long long)level->price);
    uint32_t count = mr_book_level_orders(book, 1, side, level->price, orders, PAGE_LEVELS_MAX);
    for (uint32_t i = 0; i < count; i++)
        used += (size_t)snprintf(line + used, PAGE_LINE_MAX - used, " %llu:%llu",
                                 (unsigned long long)orders[i].order,
                                 (unsigned long long)orders[i].open);
}

/* Instrument 1 as lines of a picture, from the dearest seller to the cheapest buyer. */
static inline void page_draw(struct book_reader *page)
{
    struct mr_book_level levels[PAGE_LEVELS_MAX];
    const struct mr_book *book = twin_book(&page->twin);
    page->picture_size = 0;
    uint32_t count = mr_book_depth(book, 1, MR_BOOK_SIDE_SELL, levels, PAGE_LEVELS_MAX);
    for (uint32_t i = count; i-- > 0;)
        page_draw_level(page, MR_BOOK_SIDE_SELL, &levels[i]);
    count = mr_book_depth(book, 1, MR_BOOK_SIDE_BUY, levels, PAGE_LEVELS_MAX);
    for (uint32_t i = 0; i < count; i++)
        page_draw_level(page, MR_BOOK_SIDE_BUY, &levels[i]);
    if (page->picture_size == 0)
        (void)snprintf(page->pictures[page->picture_size++], PAGE_LINE_MAX, "empty");
}

static inline bool page_picture(struct book_reader *page, const char *text)
{
    char line[PAGE_LINE_MAX] = "";
    size_t used = 0;
    const char *word;
    if (!page->open)
        return page_fail(&page->page, "there is no book yet: begin with `new book`");
    if (page->picture == 0)
        page_draw(page);
    for (size_t length; (length = page_word(&text, &word)) > 0;)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%.*s", used == 0 ? "" : " ",
                                 (int)length, word);
    if (page->picture == page->picture_size)
        return page_fail(&page->page, "the book has no more levels");
    const char *drawn = page->pictures[page->picture++];
    return strcmp(drawn, line) == 0 || page_fail(&page->page, "the book is otherwise: = %s", drawn);
}

/* -- Lines. ------------------------------------------------------------------------------------ */

/* What the lines so far have told is over: nothing may be left of it. */
static inline bool page_finish(struct book_reader *page)
{
    char shown[PAGE_LINE_MAX];
    const struct mr_event *event = page_next_event(page);
    if (event != NULL)
        return page_fail(&page->page, "before it, this came out, too: %s", page_show(event, shown));
    if (page->picture != 0 && page->picture < page->picture_size)
        return page_fail(&page->page, "before it, the picture lacks: = %s",
                         page->pictures[page->picture]);
    page->picture = 0;
    return true;
}

static inline bool book_page_line(void *reader, const char *line)
{
    struct book_reader *page = reader;
    if (line[0] == '=') {
        if (page->picture == 0 && !page_finish(page))
            return false;
        return page_picture(page, line + 1);
    }
    if (line[0] == '>' || line[0] == '+')
        return page_finish(page) && page_command(page, line + 1, line[0] == '+');
    if (strncmp(line, "new book", 8) == 0 && (line[8] == 0 || line[8] == ' '))
        return page_finish(page) && page_new_book(page, line + 8);
    if (page->picture != 0)
        return page_fail(&page->page, "an event behind a picture");
    return page_event(page, line);
}

static inline bool book_page_finish(void *reader)
{
    return page_finish(reader);
}

static inline void book_page_close(void *reader)
{
    struct book_reader *page = reader;
    if (page->open)
        twin_close(&page->twin);
    page->open = false;
}

/* Whether everything that the page shows is so; else page->page.error says what is not. */
static inline bool book_page_holds(struct book_reader *page, const char *text)
{
    static const struct page_kind kind = {"```book", book_page_line, book_page_finish,
                                          book_page_close};
    memset(page, 0, sizeof *page);
    return page_holds(&page->page, &kind, page, text);
}

#endif
