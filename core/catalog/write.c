/*
 * Commands, events, queries and rows as text and as JSON: one way through the message, two ways to
 * write a pair.
 */
#include "base/assert.h"
#include "core/catalog/table.h"
#include "core/catalog/value.h"

#include <millrace/message.h>

struct output {
    struct mr_writer writer;
    const struct mr_logic *logic;
    const struct mr_catalog *catalog; /* its */
    bool json;
    const char *prefix; /* text: of the keys of a group; JSON: of the next key, "" or "," */
};

/* -- Pairs. ------------------------------------------------------------------------------------ */

static void begin_pair(struct output *out, const char *key)
{
    struct mr_writer *writer = &out->writer;
    if (out->json) {
        mr_write_text(writer, out->prefix);
        mr_write_char(writer, '"');
        mr_write_text(writer, key);
        mr_write_text(writer, "\":");
        out->prefix = ",";
    } else {
        mr_write_char(writer, ' ');
        mr_write_text(writer, out->prefix);
        mr_write_text(writer, key);
        mr_write_char(writer, '=');
    }
}

static void write_quote(struct output *out)
{
    if (out->json) {
        mr_write_char(&out->writer, '"');
    }
}

static void pair_number(struct output *out, const char *key, uint64_t value)
{
    begin_pair(out, key);
    mr_write_u64(&out->writer, value);
}

static void pair_name(struct output *out, const char *key, const char *name)
{
    begin_pair(out, key);
    write_quote(out);
    mr_write_text(&out->writer, name);
    write_quote(out);
}

/* The name, or the number if it has none. */
static void pair_name_or_number(struct output *out, const char *key, const char *name,
                                uint64_t value)
{
    if (name != NULL) {
        pair_name(out, key, name);
    } else {
        pair_number(out, key, value);
    }
}

static void pair_hex(struct output *out, const char *key, const void *bytes, size_t size)
{
    begin_pair(out, key);
    write_quote(out);
    mr_write_hex(&out->writer, bytes, size);
    write_quote(out);
}

/* A text may hold what JSON wants escaped; nothing else does. */
static void write_json_text(struct mr_writer *writer, const struct output *out,
                            const struct mr_field *field, const void *body)
{
    char text[64];
    struct mr_writer plain = mr_writer_to(text, sizeof text);
    mr_value_write(&plain, out->catalog, field, body);
    ASSERT(plain.length <= sizeof text);
    for (size_t i = 0; i < plain.length; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            mr_write_char(writer, '\\');
        }
        mr_write_char(writer, text[i]);
    }
}

/* An array of names; what has none is a number, at the end, and a string all the same. */
static void write_json_flags(struct mr_writer *writer, const struct mr_enum_names *names,
                             uint16_t flags)
{
    if (flags == 0) {
        mr_write_text(writer, "[]");
        return;
    }
    mr_write_text(writer, "[\"");
    mr_flags_write(writer, names, flags, "\",\"");
    mr_write_text(writer, "\"]");
}

static void pair_field(struct output *out, const struct mr_field *field, const void *body)
{
    begin_pair(out, field->name);
    if (!out->json || mr_value_is_number(field)) {
        mr_value_write(&out->writer, out->catalog, field, body);
        return;
    }
    if (field->kind == MR_FIELD_flags16) {
        write_json_flags(&out->writer, field->names, mr_value_flags(field, body));
        return;
    }
    write_quote(out);
    write_json_text(&out->writer, out, field, body);
    write_quote(out);
}

static void pair_fields(struct output *out, const struct mr_message *message, const void *body)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        if (message->fields[i].kind != MR_FIELD_pad) {
            pair_field(out, &message->fields[i], body);
        }
    }
}

/* -- Messages. --------------------------------------------------------------------------------- */

static void write_type(struct output *out, const struct mr_message *message, uint16_t type)
{
    if (message != NULL) {
        mr_write_text(&out->writer, message->name);
    } else {
        mr_write_text(&out->writer, "type_");
        mr_write_u64(&out->writer, type);
    }
}

/* Text begins with the type; JSON has it as a pair, further on. */
static void begin_message(struct output *out, const struct mr_message *message, uint16_t type)
{
    if (out->json) {
        mr_write_char(&out->writer, '{');
    } else {
        write_type(out, message, type);
    }
}

static void pair_type(struct output *out, const struct mr_message *message, uint16_t type)
{
    if (out->json) {
        begin_pair(out, "type");
        write_quote(out);
        write_type(out, message, type);
        write_quote(out);
    }
}

static size_t end_message(struct output *out)
{
    if (out->json) {
        mr_write_char(&out->writer, '}');
    }
    return mr_write_end(&out->writer);
}

/* What describes the bytes behind the body: behind genesis, the configuration of the version that
 * it names, or of the newest. NULL: nothing does. */
static const struct mr_message *tail_of(const struct mr_logic *logic,
                                        const struct mr_message *message, const void *body)
{
    if (message->type != MR_COMMAND_GENESIS) {
        return NULL;
    }
    const struct mr_logic *named =
        mr_logic_version(logic, ((const struct mr_genesis *)body)->logic_version);
    return named != NULL ? named->config : logic->config;
}

/* The bytes behind the body, as a configuration if that says it all. */
static void pair_tail(struct output *out, const struct mr_message *config, const void *tail,
                      size_t size)
{
    if (config == NULL || config->size != size || !mr_body_is_plain(out->catalog, config, tail)) {
        pair_hex(out, "tail", tail, size);
        return;
    }
    if (!out->json) {
        out->prefix = "config.";
        pair_fields(out, config, tail);
        out->prefix = "";
        return;
    }
    begin_pair(out, "config");
    mr_write_char(&out->writer, '{');
    out->prefix = "";
    pair_fields(out, config, tail);
    mr_write_char(&out->writer, '}');
    out->prefix = ",";
}

/* `size` bytes of body: as fields if they say it all, else as bytes. `message` describes that
 * version of its layout; NULL: it is not known. */
static void pair_body(struct output *out, const struct mr_message *message, const void *body,
                      size_t size)
{
    bool fits =
        message != NULL && (size == message->size || (message->tail && size > message->size));
    if (!fits || !mr_body_is_plain(out->catalog, message, body)) {
        pair_hex(out, "body", body, size);
        return;
    }
    pair_fields(out, message, body);
    if (size > message->size) {
        pair_tail(out, tail_of(out->logic, message, body),
                  (const unsigned char *)body + message->size, size - message->size);
    }
}

/* The version is told where it is not the newest one's. */
static void pair_version(struct output *out, const struct mr_message *message, uint8_t version)
{
    if (version != (message == NULL ? 0 : message->version)) {
        pair_number(out, "version", version);
    }
}

static void pair_more(struct output *out, const struct mr_command *command)
{
    if (command->more) {
        begin_pair(out, "more");
        mr_write_text(&out->writer, out->json ? "true" : "1");
    }
}

static size_t write_command(struct output *out, const struct mr_command *command)
{
    ASSERT(command->length >= MR_COMMAND_HEADER && command->length % 8 == 0);
    const struct mr_message *message = mr_catalog_command(out->catalog, command->type);
    begin_message(out, message, command->type);
    pair_number(out, "sequence", command->sequence);
    pair_number(out, "time", command->time_ns);
    pair_number(out, "session", command->session);
    pair_number(out, "request", command->request);
    pair_type(out, message, command->type);
    if (command->correlation != 0) {
        pair_number(out, "correlation", command->correlation);
    }
    if (command->cause != 0) {
        pair_number(out, "cause", command->cause);
    }
    if (command->role != mr_role_default(command->session)) {
        pair_name_or_number(out, "role", mr_enum_name(&mr_role_names, command->role),
                            command->role);
    }
    pair_version(out, message, command->version);
    pair_more(out, command);
    pair_body(out, mr_table_layout(out->logic, MR_TABLE_COMMANDS, command->type, command->version),
              mr_command_body(command), command->length - MR_COMMAND_HEADER);
    return end_message(out);
}

static size_t write_event(struct output *out, const struct mr_event *event)
{
    ASSERT(event->length >= MR_EVENT_HEADER);
    const struct mr_message *message = mr_catalog_event(out->catalog, event->type);
    begin_message(out, message, event->type);
    pair_number(out, "event", event->number);
    pair_number(out, "sequence", event->sequence);
    pair_number(out, "time", event->time_ns);
    pair_type(out, message, event->type);
    if (event->correlation != 0) {
        pair_number(out, "correlation", event->correlation);
    }
    pair_version(out, message, event->version);
    if (event->aggregate_kind != 0) {
        const struct mr_aggregate_kind *kind =
            mr_catalog_aggregate(out->catalog, event->aggregate_kind);
        pair_name_or_number(out, "aggregate", kind == NULL ? NULL : kind->name,
                            event->aggregate_kind);
        pair_number(out, "aggregate_id", event->aggregate_id);
        pair_number(out, "aggregate_sequence", event->aggregate_sequence);
        pair_number(out, "previous", event->previous);
    }
    pair_body(out, mr_table_layout(out->logic, MR_TABLE_EVENTS, event->type, event->version),
              mr_event_body(event), event->length - (size_t)MR_EVENT_HEADER);
    return end_message(out);
}

static size_t write_query(struct output *out, const struct mr_query *query)
{
    ASSERT(query->length >= MR_QUERY_HEADER);
    const struct mr_message *message = mr_catalog_query(out->catalog, query->type);
    mr_write_char(&out->writer, '?');
    begin_message(out, message, query->type);
    if (query->not_before != 0) {
        pair_number(out, "not_before", query->not_before);
    }
    pair_version(out, message, query->version);
    pair_body(out, mr_table_layout(out->logic, MR_TABLE_QUERIES, query->type, query->version),
              mr_query_body(query), query->length - MR_QUERY_HEADER);
    return end_message(out);
}

static size_t write_row(struct output *out, const struct mr_row *row)
{
    ASSERT(row->length >= MR_ROW_HEADER);
    const struct mr_message *message = mr_catalog_row(out->catalog, row->type);
    begin_message(out, message, row->type);
    pair_type(out, message, row->type);
    pair_version(out, message, row->version);
    pair_body(out, mr_table_layout(out->logic, MR_TABLE_ROWS, row->type, row->version),
              mr_row_body(row), row->length - (size_t)MR_ROW_HEADER);
    return end_message(out);
}

static struct output output_to(const struct mr_logic *logic, bool json, char *buffer, size_t size)
{
    return (struct output){.writer = mr_writer_to(buffer, size),
                           .logic = logic,
                           .catalog = logic->catalog,
                           .json = json,
                           .prefix = ""};
}

size_t mr_text_command_write(const struct mr_logic *logic, const struct mr_command *command,
                             char *buffer, size_t size)
{
    struct output out = output_to(logic, false, buffer, size);
    return write_command(&out, command);
}

size_t mr_text_event_write(const struct mr_logic *logic, const struct mr_event *event, char *buffer,
                           size_t size)
{
    struct output out = output_to(logic, false, buffer, size);
    return write_event(&out, event);
}

size_t mr_json_command_write(const struct mr_logic *logic, const struct mr_command *command,
                             char *buffer, size_t size)
{
    struct output out = output_to(logic, true, buffer, size);
    return write_command(&out, command);
}

size_t mr_json_event_write(const struct mr_logic *logic, const struct mr_event *event, char *buffer,
                           size_t size)
{
    struct output out = output_to(logic, true, buffer, size);
    return write_event(&out, event);
}

size_t mr_text_query_write(const struct mr_logic *logic, const struct mr_query *query, char *buffer,
                           size_t size)
{
    struct output out = output_to(logic, false, buffer, size);
    return write_query(&out, query);
}

size_t mr_text_row_write(const struct mr_logic *logic, const struct mr_row *row, char *buffer,
                         size_t size)
{
    struct output out = output_to(logic, false, buffer, size);
    return write_row(&out, row);
}

size_t mr_json_row_write(const struct mr_logic *logic, const struct mr_row *row, char *buffer,
                         size_t size)
{
    struct output out = output_to(logic, true, buffer, size);
    return write_row(&out, row);
}
