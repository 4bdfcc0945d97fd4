/*
 * Reads a page whose blocks of kind `ledger` are tests (docs/ledger.md says what their lines mean),
 * does what they say, and compares what comes of it.
 */
#ifndef MR_TESTS_CORE_LEDGER_PAGE_H
#define MR_TESTS_CORE_LEDGER_PAGE_H

#include "tests/core/ledger_twin.h"
#include "tests/core/page.h"

#include <millrace/ledger_queries.h>

enum { PAGE_ROWS_SIZE = 64 << 10, PAGE_CONFIG_FIELDS = 16 };

struct ledger_reader {
    struct page page;
    bool open; /* there is a ledger */
    struct ledger_twin twin;
    size_t next;      /* where the next event to tell begins among the twin's */
    uint32_t batch;   /* line where a batch began that has not ended, 0: none has */
    bool quiet;       /* it is there to prepare the scene */
    uint64_t time_ns; /* of it */
    bool asked;       /* the lines below a query tell what it was answered */
    struct mr_reply reply;
    size_t next_row; /* where the next row to tell begins in `rows` */
    _Alignas(8) unsigned char rows[PAGE_ROWS_SIZE];
    uint32_t left_alone; /* batches that only the image could be told, or that came behind one */
    /* What the page shows, for whoever wants to know that it shows all. */
    bool reasons[256], event_types[256], command_types[256], query_types[256], row_types[256];
    bool states[256], config[PAGE_CONFIG_FIELDS];
    uint32_t account_flags, transfer_flags, filter_flags;
};

/* -- A new ledger. ----------------------------------------------------------------------------- */

static inline struct mr_ledger_config page_config(void)
{
    struct mr_ledger_config config = {.accounts_max = 100,
                                      .transfers_max = 100,
                                      .pending_max = 20,
                                      .history_max = 20,
                                      .ledgers_max = 8,
                                      .id_ahead_ms = 1000};
    return config;
}

static inline bool page_new_ledger(struct ledger_reader *reader, const char *text)
{
    struct mr_ledger_config config = page_config();
    struct mr_text_error error = {.text = ""};
    uint32_t timers_max = 4;
    const char *word;
    for (size_t length; (length = page_word(&text, &word)) > 0;) {
        if (length == 12 && memcmp(word, "timers_max=0", 12) == 0) {
            timers_max = 0;
            continue;
        }
        int found = mr_text_field_read(mr_logic_ledger.catalog, mr_logic_ledger.config, &config,
                                       word, length, &error);
        if (found < 0)
            return page_fail(&reader->page, "%s", error.text);
        reader->config[found & (PAGE_CONFIG_FIELDS - 1)] = true;
    }
    if (mr_logic_ledger.state_size(&config) == 0)
        return page_fail(&reader->page, "no ledger can have this configuration");
    if (reader->open)
        twin_close(&reader->twin);
    reader->open = true;
    reader->time_ns = 0;
    twin_open(&reader->twin, &config, timers_max);
    reader->next = reader->twin.rig.events_used;
    return true;
}

static inline bool page_is_open(struct ledger_reader *reader)
{
    return reader->open ||
           page_fail(&reader->page, "there is no ledger yet: begin with `new ledger`");
}

/* -- Commands. --------------------------------------------------------------------------------- */

union page_command {
    struct mr_command header;
    unsigned char bytes[TWIN_COMMAND_MAX];
};

/* The flags that a body has set. */
static inline uint32_t page_flags(const struct mr_message *message, const void *body)
{
    const struct mr_field *field = page_field(message, "flags", 5);
    uint16_t flags = 0;
    if (field != NULL)
        memcpy(&flags, (const unsigned char *)body + field->offset, sizeof flags);
    return flags;
}

static inline void page_note_command(struct ledger_reader *reader, const struct mr_command *command)
{
    const struct mr_message *message = mr_catalog_command(mr_logic_ledger.catalog, command->type);
    uint32_t flags = page_flags(message, mr_command_body(command));
    reader->page.commands++;
    reader->command_types[command->type & 255] = true;
    if (command->type == MR_LEDGER_ACCOUNT_CREATE)
        reader->account_flags |= flags;
    if (command->type == MR_LEDGER_TRANSFER_CREATE)
        reader->transfer_flags |= flags;
}

/* Session 1 is an operator's; who does not say comes from session 2, a user's. */
static inline void page_sender(struct mr_command *command, uint32_t stated)
{
    const struct mr_message *message = mr_catalog_command(mr_logic_ledger.catalog, command->type);
    if ((message->roles & ~MR_ROLE_BIT(MR_ROLE_SYSTEM)) == 0)
        return; /* the engine's own */
    if ((stated & MR_TEXT_SESSION) == 0)
        command->session = TWIN_USER;
    if ((stated & MR_TEXT_ROLE) == 0)
        command->role = command->session == TWIN_OPERATOR ? MR_ROLE_OPERATOR : MR_ROLE_USER;
}

/* The batch is whole: each of a quiet one must be created, and nothing else happen. */
static inline bool page_apply(struct ledger_reader *reader)
{
    struct ledger_twin *twin = &reader->twin;
    uint32_t count = twin->count;
    bool same = twin_apply(twin, reader->time_ns);
    reader->batch = 0;
    reader->next = twin->first;
    reader->left_alone += twin->apart;
    if (!same)
        return page_fail(&reader->page, "%s", twin->flaw);
    if (!reader->quiet)
        return true;
    for (uint32_t i = 0; i < count; i++) {
        if (twin->results[i] != 0)
            return page_fail(&reader->page, "command %u of what prepares the scene is rejected: %s",
                             i + 1,
                             mr_catalog_reason_name(mr_logic_ledger.catalog, twin->results[i]));
    }
    uint32_t events = 0;
    for (size_t at = twin->first; at < twin->rig.events_used; events++)
        at += ((const struct mr_event *)(const void *)(twin->rig.events + at))->length;
    if (events != count)
        return page_fail(&reader->page, "what prepares the scene causes %u events, not %u", events,
                         count);
    reader->next = twin->rig.events_used;
    return true;
}

/* What belongs to a batch that has begun already. */
static inline bool page_fits_batch(struct ledger_reader *reader, uint32_t stated, bool quiet)
{
    if (reader->batch == 0) {
        reader->batch = reader->page.line;
        reader->quiet = quiet;
        return true;
    }
    if ((stated & MR_TEXT_TIME) != 0)
        return page_fail(&reader->page, "a batch has one time: its first command says it");
    return reader->quiet == quiet ||
           page_fail(&reader->page, "a batch that begins with %c goes on with it",
                     reader->quiet ? '+' : '>');
}

static inline bool page_command(struct ledger_reader *reader, const char *text, bool quiet)
{
    union page_command command;
    struct mr_text_error error;
    uint32_t stated = 0;
    memset(&command, 0, sizeof command);
    if (!page_is_open(reader))
        return false;
    if (mr_text_command_read(&mr_logic_ledger, text, strlen(text), &command.header, sizeof command,
                             &stated, &error) != MR_TEXT_COMMAND)
        return page_fail(&reader->page, "%s", error.text);
    if (!page_fits_batch(reader, stated, quiet))
        return false;
    page_sender(&command.header, stated);
    if ((stated & MR_TEXT_TIME) != 0 && command.header.time_ns < reader->time_ns)
        return page_fail(&reader->page, "time does not go back");
    if ((stated & MR_TEXT_TIME) != 0)
        reader->time_ns = command.header.time_ns;
    page_note_command(reader, &command.header);
    if (!twin_add(&reader->twin, &command.header))
        return page_fail(&reader->page, "the batch is too long");
    return command.header.more || page_apply(reader);
}

/* -- Events. ----------------------------------------------------------------------------------- */

static inline const struct mr_event *page_next_event(struct ledger_reader *reader)
{
    if (!reader->open || reader->next == reader->twin.rig.events_used)
        return NULL;
    const struct mr_event *event = (const void *)(reader->twin.rig.events + reader->next);
    reader->next += event->length;
    return event;
}

static inline const char *page_show(const struct mr_event *event, char *text)
{
    (void)mr_text_event_write(&mr_logic_ledger, event, text, PAGE_LINE_MAX);
    return text;
}

/* Notes the reason that a line tells. */
static inline void page_note_event(struct ledger_reader *reader, const struct mr_event *event,
                                   const char *text)
{
    const struct mr_field *field =
        page_field(mr_catalog_event(mr_logic_ledger.catalog, event->type), "reason", 6);
    reader->event_types[event->type & 255] = true;
    if (field == NULL || strstr(text, " reason=") == NULL)
        return;
    uint32_t reason;
    memcpy(&reason, (const unsigned char *)mr_event_body(event) + field->offset, sizeof reason);
    reader->reasons[reason & 255] = true;
}

static inline bool page_event(struct ledger_reader *reader, const char *text)
{
    const struct mr_catalog *catalog = mr_logic_ledger.catalog;
    const char *rest = text, *word;
    size_t length = page_word(&rest, &word);
    const struct mr_message *message = mr_catalog_event_named(catalog, word, length);
    if (message == NULL)
        return page_fail(&reader->page, "'%.*s' is no event of the catalog", (int)length, word);
    const struct mr_event *event = page_next_event(reader);
    if (event == NULL)
        return page_fail(&reader->page, "there is no such event: nothing more came out");
    char shown[PAGE_LINE_MAX];
    page_show(event, shown);
    if (event->type != message->type)
        return page_fail(&reader->page, "came out instead: %s", shown);
    page_note_event(reader, event, text);
    return page_pairs(&reader->page, catalog, message, mr_event_body(event), rest, shown);
}

/* -- Queries. ---------------------------------------------------------------------------------- */

static inline bool page_query(struct ledger_reader *reader, const char *text)
{
    union {
        struct mr_query header;
        unsigned char bytes[TWIN_COMMAND_MAX];
    } query;
    struct mr_text_error error;
    memset(&query, 0, sizeof query);
    if (!page_is_open(reader))
        return false;
    if (mr_text_query_read(&mr_logic_ledger, text, strlen(text), &query.header, sizeof query,
                           &error) != MR_TEXT_COMMAND)
        return page_fail(&reader->page, "%s", error.text);
    query.header.session = TWIN_USER;
    query.header.role = MR_ROLE_USER;
    mr_image_query(reader->twin.rig.image, &mr_logic_ledger, &query.header, &reader->reply,
                   reader->rows, sizeof reader->rows);
    reader->asked = true;
    reader->next_row = 0;
    reader->query_types[query.header.type & 255] = true;
    reader->filter_flags |= page_flags(mr_catalog_query(mr_logic_ledger.catalog, query.header.type),
                                       (const unsigned char *)&query + MR_QUERY_HEADER);
    return true;
}

static inline const struct mr_row *page_next_row(struct ledger_reader *reader)
{
    if (!reader->asked || reader->next_row == reader->reply.bytes)
        return NULL;
    const struct mr_row *row = (const void *)(reader->rows + reader->next_row);
    reader->next_row += row->length;
    return row;
}

/* `reply result=NAME`: the query was refused. */
static inline bool page_refused(struct ledger_reader *reader, const char *text)
{
    char said[PAGE_LINE_MAX];
    const char *name = mr_catalog_reason_name(mr_logic_ledger.catalog, reader->reply.result);
    (void)snprintf(said, sizeof said, "reply result=%s", name);
    if (strcmp(text, said) != 0)
        return page_fail(&reader->page, "it is otherwise: %s", said);
    reader->reasons[reader->reply.result & 255] = true;
    reader->asked = false;
    return true;
}

static inline bool page_row(struct ledger_reader *reader, const char *text)
{
    const struct mr_catalog *catalog = mr_logic_ledger.catalog;
    const char *rest = text, *word;
    size_t length = page_word(&rest, &word);
    if (length == 5 && memcmp(word, "reply", 5) == 0)
        return page_refused(reader, text);
    const struct mr_row *row = page_next_row(reader);
    if (row == NULL)
        return page_fail(&reader->page, "there is no such row: the reply has no more (%s)",
                         mr_catalog_reason_name(catalog, reader->reply.result));
    const struct mr_message *message = mr_catalog_row(catalog, row->type);
    char shown[PAGE_LINE_MAX];
    (void)mr_text_row_write(&mr_logic_ledger, row, shown, sizeof shown);
    if (strlen(message->name) != length || memcmp(message->name, word, length) != 0)
        return page_fail(&reader->page, "the row is another: %s", shown);
    reader->row_types[row->type & 255] = true;
    if (row->type == MR_LEDGER_ROW_TRANSFER && strstr(text, " state=") != NULL)
        reader->states[((const struct mr_ledger_row_transfer *)mr_row_body(row))->state] = true;
    return page_pairs(&reader->page, catalog, message, mr_row_body(row), rest, shown);
}

/* -- Balances. --------------------------------------------------------------------------------- */

/* One side of an account: what is posted, and in brackets what is pending, if anything is. */
static inline size_t page_draw_side(const char *side, struct mr_u128 posted, struct mr_u128 pending,
                                    char *text, size_t size)
{
    /* Numbers of 128 bits have a text form: the catalog's. */
    const struct mr_ledger_row_balance balance = {.debits_posted = posted,
                                                  .debits_pending = pending};
    struct {
        struct mr_row header;
        struct mr_ledger_row_balance body;
    } row = {.header = {.type = MR_LEDGER_ROW_BALANCE, .length = sizeof row}, .body = balance};
    char line[PAGE_LINE_MAX];
    (void)mr_text_row_write(&mr_logic_ledger, &row.header, line, sizeof line);
    const char *number = strstr(line, "debits_posted=") + strlen("debits_posted=");
    size_t used = (size_t)snprintf(text, size, " %s %.*s", side, (int)strcspn(number, " "), number);
    number = strstr(line, "debits_pending=") + strlen("debits_pending=");
    if (!mr_u128_is_zero(pending))
        used += (size_t)snprintf(text + used, size - used, " (%.*s)", (int)strcspn(number, " "),
                                 number);
    return used;
}

/* `= ID debits POSTED (PENDING) credits POSTED (PENDING) closed`. */
static inline bool page_balance(struct ledger_reader *reader, const char *text)
{
    struct mr_ledger_query_id query = {.id = mr_u128_of(0, 0)};
    struct mr_ledger_account account;
    struct mr_text_error error;
    char said[PAGE_LINE_MAX] = "", pair[64], drawn[PAGE_LINE_MAX];
    const char *word;
    if (!page_is_open(reader))
        return false;
    size_t length = page_word(&text, &word);
    int size = snprintf(pair, sizeof pair, "id=%.*s", (int)length, word);
    if (mr_text_field_read(mr_logic_ledger.catalog,
                           mr_catalog_query(mr_logic_ledger.catalog, MR_LEDGER_QUERY_ACCOUNT),
                           &query, pair, (size_t)size, &error) < 0)
        return page_fail(&reader->page, "%s", error.text);
    if (!mr_ledger_account_get(twin_ledger(&reader->twin), query.id, &account))
        return page_fail(&reader->page, "there is no account %.*s", (int)length, word);
    for (size_t used = 0; (length = page_word(&text, &word)) > 0;)
        used += (size_t)snprintf(said + used, sizeof said - used, " %.*s", (int)length, word);
    size_t used = page_draw_side("debits", account.debits_posted, account.debits_pending, drawn,
                                 sizeof drawn);
    used += page_draw_side("credits", account.credits_posted, account.credits_pending, drawn + used,
                           sizeof drawn - used);
    if ((account.flags & MR_LEDGER_ACCOUNT_CLOSED) != 0)
        (void)snprintf(drawn + used, sizeof drawn - used, " closed");
    return strcmp(said, drawn) == 0 ||
           page_fail(&reader->page, "the account is otherwise:%s", drawn);
}

/* -- Lines. ------------------------------------------------------------------------------------ */

/* What the lines so far have told is over: nothing may be left of it. */
static inline bool page_finish(struct ledger_reader *reader)
{
    char shown[PAGE_LINE_MAX];
    if (reader->batch != 0)
        return page_fail(&reader->page, "the batch of line %u is open: its last command has more=1",
                         reader->batch);
    const struct mr_event *event = page_next_event(reader);
    if (event != NULL)
        return page_fail(&reader->page, "before it, this came out, too: %s",
                         page_show(event, shown));
    if (reader->asked && reader->reply.result != 0)
        return page_fail(&reader->page, "before it, the query was refused: %s",
                         mr_catalog_reason_name(mr_logic_ledger.catalog, reader->reply.result));
    const struct mr_row *row = page_next_row(reader);
    if (row != NULL) {
        (void)mr_text_row_write(&mr_logic_ledger, row, shown, sizeof shown);
        return page_fail(&reader->page, "before it, the reply has this, too: %s", shown);
    }
    reader->asked = false;
    return true;
}

static inline bool ledger_page_line(void *of, const char *line)
{
    struct ledger_reader *reader = of;
    if (line[0] == '>' || line[0] == '+')
        return (reader->batch != 0 || page_finish(reader)) &&
               page_command(reader, line + 1, line[0] == '+');
    if (line[0] == '?')
        return page_finish(reader) && page_query(reader, line);
    if (line[0] == '=')
        return page_finish(reader) && page_balance(reader, line + 1);
    if (strncmp(line, "new ledger", 10) == 0 && (line[10] == 0 || line[10] == ' '))
        return page_finish(reader) && page_new_ledger(reader, line + 10);
    if (reader->batch != 0)
        return page_finish(reader);
    return reader->asked ? page_row(reader, line) : page_event(reader, line);
}

static inline bool ledger_page_finish(void *of)
{
    return page_finish(of);
}

static inline void ledger_page_close(void *of)
{
    struct ledger_reader *reader = of;
    if (reader->open)
        twin_close(&reader->twin);
    reader->open = false;
}

/* Whether everything that the page shows is so; else reader->page.error says what is not. */
static inline bool ledger_page_holds(struct ledger_reader *reader, const char *text)
{
    static const struct page_kind kind = {"```ledger", ledger_page_line, ledger_page_finish,
                                          ledger_page_close};
    memset(reader, 0, sizeof *reader);
    return page_holds(&reader->page, &kind, reader, text);
}

#endif
