/*
 * The catalog as a whole, for people, programs and documentation.
 */
#include "core/catalog/table.h"
#include "core/catalog/value.h"

enum { COLUMN_NAME = 20, COLUMN_KIND = 8, COLUMN_UNIT = 13 };

static const char *kind_name(enum mr_field_kind kind)
{
    static const char *const names[] = {"u8",    "u16",    "u32",    "u64",    "i64",
                                        "id128", "text16", "text32", "reason", "enum8",
                                        "pad",   "u128",   "flags16"};
    return names[kind];
}

/* What the forms call the four tables; a configuration comes last. */
static const char *const kinds[] = {"command", "event", "query", "row", "config"};
static const char *const headings[] = {"Commands", "Events", "Queries", "Rows of replies",
                                       "Configuration"};

/* A message as it is printed. */
struct shown {
    const struct mr_message *message;
    enum mr_table table;
    const char *aggregate; /* NULL: none */
};

/* -- Pieces. ----------------------------------------------------------------------------------- */

static void write_column(struct mr_writer *writer, const char *text, size_t width)
{
    mr_write_text(writer, text);
    for (size_t i = mr_length(text); i < width; i++) {
        mr_write_char(writer, ' ');
    }
    mr_write_char(writer, ' ');
}

static void write_number_column(struct mr_writer *writer, uint64_t number, size_t width)
{
    size_t before = writer->length;
    mr_write_u64(writer, number);
    while (writer->length < before + width) {
        mr_write_char(writer, ' ');
    }
    mr_write_char(writer, ' ');
}

/* The values of an enum8, flags or the names of roles, each in quotes, with commas between. */
struct list {
    struct mr_writer *writer;
    const char *quote;
    uint32_t count;
};

static void write_item(struct list *list, const char *item)
{
    mr_write_text(list->writer, list->count++ == 0 ? "" : ", ");
    mr_write_text(list->writer, list->quote);
    mr_write_text(list->writer, item);
    mr_write_text(list->writer, list->quote);
}

static void write_roles(struct mr_writer *writer, const char *quote, uint8_t roles)
{
    struct list list = {.writer = writer, .quote = quote};
    for (uint32_t i = 0; i < mr_role_names.count; i++) {
        if ((roles & MR_ROLE_BIT(i)) != 0) {
            write_item(&list, mr_role_names.names[i]);
        }
    }
}

static void write_values(struct mr_writer *writer, const char *quote,
                         const struct mr_enum_names *names)
{
    struct list list = {.writer = writer, .quote = quote};
    for (uint32_t i = 0; names != NULL && i < names->count; i++) {
        if (names->names[i] != NULL) {
            write_item(&list, names->names[i]);
        }
    }
}

/* The name of the field that a row of the catalog points to, plus 1; NULL: to none. */
static const char *field_at(const struct mr_message *message, uint16_t at)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        if (message->fields[i].offset + 1U == at) {
            return message->fields[i].name;
        }
    }
    return NULL;
}

/* -- For people. ------------------------------------------------------------------------------- */

static void text_field(struct mr_writer *writer, const struct mr_field *field)
{
    mr_write_text(writer, "      ");
    write_number_column(writer, field->offset, 4);
    write_column(writer, field->name, COLUMN_NAME);
    write_column(writer, kind_name(field->kind), COLUMN_KIND);
    write_column(writer, field->unit, COLUMN_UNIT);
    mr_write_text(writer, field->meaning);
    if (field->names != NULL) {
        mr_write_text(writer, " [");
        write_values(writer, "", field->names);
        mr_write_char(writer, ']');
    }
    mr_write_text(writer, field->optional ? " (optional)\n" : "\n");
}

/* To whom a message belongs: an event to its aggregate, a command to the one that a field names. */
static void text_aggregate(struct mr_writer *writer, const struct shown *shown)
{
    const char *id = field_at(shown->message, shown->message->aggregate_at);
    const char *expected = field_at(shown->message, shown->message->expected_at);
    if (shown->aggregate == NULL) {
        return;
    }
    mr_write_text(writer, id == NULL ? ", of the aggregate " : ", to the aggregate ");
    mr_write_text(writer, shown->aggregate);
    if (id != NULL) {
        mr_write_text(writer, " number ");
        mr_write_text(writer, id);
    }
    if (expected != NULL) {
        mr_write_text(writer, " if its version is ");
        mr_write_text(writer, expected);
    }
}

static void text_message(struct mr_writer *writer, const struct shown *shown)
{
    const struct mr_message *message = shown->message;
    mr_write_text(writer, "  ");
    if (message->type != 0) { /* a configuration has none */
        write_number_column(writer, message->type, 4);
    }
    mr_write_text(writer, message->name);
    mr_write_text(writer, ": ");
    mr_write_text(writer, message->meaning);
    mr_write_text(writer, "\n      ");
    mr_write_u64(writer, message->size);
    mr_write_text(writer, message->tail ? " bytes and more" : " bytes");
    if (message->roles != 0) {
        mr_write_text(writer, shown->table == MR_TABLE_QUERIES ? ", asked by " : ", sent by ");
        write_roles(writer, "", message->roles);
    }
    text_aggregate(writer, shown);
    mr_write_char(writer, '\n');
    for (uint32_t i = 0; i < message->field_count; i++) {
        if (message->fields[i].kind != MR_FIELD_pad) {
            text_field(writer, &message->fields[i]);
        }
    }
}

static void text_reason(struct mr_writer *writer, const struct mr_reason *reason)
{
    mr_write_text(writer, "  ");
    write_number_column(writer, reason->code, 4);
    write_column(writer, reason->name, COLUMN_NAME);
    mr_write_text(writer, reason->meaning);
    mr_write_char(writer, '\n');
}

static void text_heading(struct mr_writer *writer, const char *heading)
{
    mr_write_char(writer, '\n');
    mr_write_text(writer, heading);
    mr_write_char(writer, '\n');
}

/* -- For programs. ----------------------------------------------------------------------------- */

static void json_text(struct mr_writer *writer, const char *before, const char *text)
{
    mr_write_text(writer, before);
    mr_write_char(writer, '"');
    for (; *text != 0; text++) {
        if (*text == '"' || *text == '\\') {
            mr_write_char(writer, '\\');
        }
        mr_write_char(writer, *text);
    }
    mr_write_char(writer, '"');
}

static void json_number(struct mr_writer *writer, const char *before, uint64_t number)
{
    mr_write_text(writer, before);
    mr_write_u64(writer, number);
}

/* As an array that a value, or the place of a bit, is an index of; null: it has no name. */
static void json_values(struct mr_writer *writer, const struct mr_enum_names *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        const char *before = i == 0 ? "" : ",";
        if (names->names[i] != NULL) {
            json_text(writer, before, names->names[i]);
        } else {
            mr_write_text(writer, before);
            mr_write_text(writer, "null");
        }
    }
}

static void json_field(struct mr_writer *writer, const struct mr_field *field)
{
    json_text(writer, "{\"name\":", field->name);
    json_text(writer, ",\"kind\":", kind_name(field->kind));
    json_number(writer, ",\"offset\":", field->offset);
    json_number(writer, ",\"size\":", field->size);
    json_text(writer, ",\"unit\":", field->unit);
    json_text(writer, ",\"meaning\":", field->meaning);
    mr_write_text(writer, field->optional ? ",\"optional\":true" : ",\"optional\":false");
    if (field->names != NULL) {
        mr_write_text(writer, ",\"values\":[");
        json_values(writer, field->names);
        mr_write_char(writer, ']');
    }
    mr_write_char(writer, '}');
}

static void json_aggregate(struct mr_writer *writer, const struct shown *shown)
{
    const char *id = field_at(shown->message, shown->message->aggregate_at);
    const char *expected = field_at(shown->message, shown->message->expected_at);
    if (shown->aggregate != NULL) {
        json_text(writer, ",\"aggregate\":", shown->aggregate);
    }
    if (id != NULL) {
        json_text(writer, ",\"aggregate_id\":", id);
    }
    if (expected != NULL) {
        json_text(writer, ",\"expected_version\":", expected);
    }
}

static void json_message(struct mr_writer *writer, const struct shown *shown)
{
    const struct mr_message *message = shown->message;
    json_text(writer, "{\"kind\":", kinds[shown->table]);
    json_text(writer, ",\"name\":", message->name);
    json_number(writer, ",\"type\":", message->type);
    json_number(writer, ",\"version\":", message->version);
    json_number(writer, ",\"size\":", message->size);
    mr_write_text(writer, message->tail ? ",\"tail\":true" : ",\"tail\":false");
    if (message->roles != 0) {
        mr_write_text(writer, ",\"roles\":[");
        write_roles(writer, "\"", message->roles);
        mr_write_char(writer, ']');
    }
    json_aggregate(writer, shown);
    json_text(writer, ",\"meaning\":", message->meaning);
    mr_write_text(writer, ",\"fields\":[");
    for (uint32_t i = 0; i < message->field_count; i++) {
        mr_write_text(writer, i == 0 ? "" : ",");
        json_field(writer, &message->fields[i]);
    }
    mr_write_text(writer, "]}\n");
}

static void json_reason(struct mr_writer *writer, const struct mr_reason *reason)
{
    json_text(writer, "{\"kind\":", "reason");
    json_text(writer, ",\"name\":", reason->name);
    json_number(writer, ",\"code\":", reason->code);
    json_text(writer, ",\"meaning\":", reason->meaning);
    mr_write_text(writer, "}\n");
}

/* -- For documentation. ------------------------------------------------------------------------ */

static void markdown_field(struct mr_writer *writer, const struct mr_field *field)
{
    mr_write_text(writer, "| ");
    mr_write_u64(writer, field->offset);
    mr_write_text(writer, " | `");
    mr_write_text(writer, field->name);
    mr_write_text(writer, "` | ");
    mr_write_text(writer, kind_name(field->kind));
    mr_write_text(writer, " | ");
    mr_write_text(writer, field->unit);
    mr_write_text(writer, " | ");
    mr_write_text(writer, field->kind == MR_FIELD_pad ? "zero" : field->meaning);
    if (field->names != NULL) {
        mr_write_text(writer, ": ");
        write_values(writer, "`", field->names);
    }
    mr_write_text(writer, field->optional ? " (optional) |\n" : " |\n");
}

static void markdown_quoted(struct mr_writer *writer, const char *before, const char *name)
{
    mr_write_text(writer, before);
    mr_write_char(writer, '`');
    mr_write_text(writer, name);
    mr_write_char(writer, '`');
}

static void markdown_aggregate(struct mr_writer *writer, const struct shown *shown)
{
    const char *id = field_at(shown->message, shown->message->aggregate_at);
    const char *expected = field_at(shown->message, shown->message->expected_at);
    if (shown->aggregate == NULL) {
        return;
    }
    markdown_quoted(writer, " Belongs to the aggregate ", shown->aggregate);
    if (id != NULL) {
        markdown_quoted(writer, ", whose number is ", id);
    }
    if (expected != NULL) {
        markdown_quoted(writer, ", if its version is ", expected);
    }
    mr_write_char(writer, '.');
}

static void markdown_message(struct mr_writer *writer, const struct shown *shown)
{
    const struct mr_message *message = shown->message;
    mr_write_text(writer, "### `");
    mr_write_text(writer, message->name);
    mr_write_text(writer, "`\n\n");
    if (message->type != 0) { /* a configuration has none */
        mr_write_text(writer, "Type ");
        mr_write_u64(writer, message->type);
        mr_write_text(writer, ", version ");
        mr_write_u64(writer, message->version);
        mr_write_text(writer, ": ");
    }
    mr_write_text(writer, message->meaning);
    mr_write_char(writer, '.');
    if (message->roles != 0) {
        mr_write_text(writer, shown->table == MR_TABLE_QUERIES ? " Asked by " : " Sent by ");
        write_roles(writer, "", message->roles);
        mr_write_char(writer, '.');
    }
    markdown_aggregate(writer, shown);
    mr_write_text(writer, message->tail ? " More bytes may follow.\n\n" : "\n\n");
    if (message->field_count > 0) {
        mr_write_text(writer, "| offset | field | kind | unit | meaning |\n"
                              "|---|---|---|---|---|\n");
    }
    for (uint32_t i = 0; i < message->field_count; i++) {
        markdown_field(writer, &message->fields[i]);
    }
    mr_write_text(writer, message->field_count > 0 ? "\n" : "");
}

static void markdown_reason(struct mr_writer *writer, const struct mr_reason *reason)
{
    mr_write_text(writer, "| ");
    mr_write_u64(writer, reason->code);
    mr_write_text(writer, " | `");
    mr_write_text(writer, reason->name);
    mr_write_text(writer, "` | ");
    mr_write_text(writer, reason->meaning);
    mr_write_text(writer, " |\n");
}

static void markdown_heading(struct mr_writer *writer, const char *heading, bool of_reasons)
{
    mr_write_text(writer, "## ");
    mr_write_text(writer, heading);
    mr_write_text(writer, of_reasons ? "\n\n| code | reason | meaning |\n|---|---|---|\n" : "\n\n");
}

/* -- The whole. -------------------------------------------------------------------------------- */

struct printer {
    struct mr_writer writer;
    enum mr_catalog_form form;
    const struct mr_catalog *both[2]; /* the common one and the logic's */
};

static void print_heading(struct printer *printer, const char *heading, bool of_reasons)
{
    if (printer->form == MR_CATALOG_TEXT) {
        text_heading(&printer->writer, heading);
    } else if (printer->form == MR_CATALOG_MARKDOWN) {
        markdown_heading(&printer->writer, heading, of_reasons);
    }
}

static void print_message(struct printer *printer, enum mr_table table,
                          const struct mr_message *message)
{
    const struct mr_aggregate_kind *found =
        mr_catalog_aggregate(printer->both[1], message->aggregate_kind);
    struct shown shown = {
        .message = message, .table = table, .aggregate = found == NULL ? NULL : found->name};
    if (printer->form == MR_CATALOG_TEXT) {
        text_message(&printer->writer, &shown);
    } else if (printer->form == MR_CATALOG_JSON) {
        json_message(&printer->writer, &shown);
    } else {
        markdown_message(&printer->writer, &shown);
    }
}

static void print_table(struct printer *printer, enum mr_table table)
{
    print_heading(printer, headings[table], false);
    for (uint32_t i = 0; i < 2; i++) {
        struct mr_messages messages = mr_table_of(printer->both[i], table);
        for (uint32_t j = 0; j < messages.count; j++) {
            print_message(printer, table, &messages.list[j]);
        }
    }
}

static void print_reason(struct printer *printer, const struct mr_reason *reason)
{
    if (printer->form == MR_CATALOG_TEXT) {
        text_reason(&printer->writer, reason);
    } else if (printer->form == MR_CATALOG_JSON) {
        json_reason(&printer->writer, reason);
    } else {
        markdown_reason(&printer->writer, reason);
    }
}

static void print_title(struct printer *printer, const struct mr_logic *logic)
{
    if (printer->form != MR_CATALOG_JSON) {
        mr_write_text(&printer->writer, printer->form == MR_CATALOG_TEXT ? "" : "# ");
        mr_write_text(&printer->writer, "Catalog of the logic ");
        mr_write_text(&printer->writer, logic->name);
        mr_write_text(&printer->writer, ", version ");
        mr_write_u64(&printer->writer, logic->version);
        mr_write_text(&printer->writer, printer->form == MR_CATALOG_TEXT ? "\n" : "\n\n");
    }
}

size_t mr_catalog_write(const struct mr_logic *logic, enum mr_catalog_form form, char *buffer,
                        size_t size)
{
    struct printer printer = {.writer = mr_writer_to(buffer, size),
                              .form = form,
                              .both = {&mr_catalog_common, logic->catalog}};
    print_title(&printer, logic);
    if (logic->config != NULL) {
        print_heading(&printer, headings[MR_TABLE_NONE], false);
        print_message(&printer, MR_TABLE_NONE, logic->config);
    }
    for (enum mr_table table = MR_TABLE_COMMANDS; table < MR_TABLES; table++) {
        print_table(&printer, table);
    }
    print_heading(&printer, "Reasons", true);
    for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t j = 0; j < printer.both[i]->reason_count; j++) {
            print_reason(&printer, &printer.both[i]->reasons[j]);
        }
    }
    return mr_write_end(&printer.writer);
}
