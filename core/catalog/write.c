/*
 * Commands and events as text and as JSON: one way through the message, two ways to write a pair.
 */
#include "base/assert.h"
#include "core/catalog/value.h"

#include <millrace/message.h>

struct output {
    struct mr_writer writer;
    const struct mr_catalog *catalog;
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

static void pair_field(struct output *out, const struct mr_field *field, const void *body)
{
    begin_pair(out, field->name);
    if (!out->json || mr_value_is_number(field)) {
        mr_value_write(&out->writer, out->catalog, field, body);
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

/* Behind genesis: the configuration, if the logic can tell what it means. */
static void pair_tail(struct output *out, const struct mr_logic *logic, const void *tail,
                      size_t size)
{
    const struct mr_message *config = logic->config;
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

/* `body_size` bytes of body: as fields if they say it all, else as bytes. */
static void pair_body(struct output *out, const struct mr_logic *logic,
                      const struct mr_message *message, uint8_t version, const void *body,
                      size_t body_size)
{
    bool fits = message != NULL && message->version == version &&
                (body_size == message->size || (message->tail && body_size > message->size));
    if (!fits || !mr_body_is_plain(out->catalog, message, body)) {
        pair_hex(out, "body", body, body_size);
        return;
    }
    pair_fields(out, message, body);
    if (body_size > message->size) {
        pair_tail(out, logic, (const unsigned char *)body + message->size,
                  body_size - message->size);
    }
}

static void pair_version(struct output *out, const struct mr_message *message, uint8_t version)
{
    if (version != (message == NULL ? 0 : message->version)) {
        pair_number(out, "version", version);
    }
}

static size_t write_command(struct output *out, const struct mr_logic *logic,
                            const struct mr_command *command)
{
    ASSERT(command->length >= MR_COMMAND_HEADER && command->length % 8 == 0);
    const struct mr_message *message = mr_catalog_command(logic->catalog, command->type);
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
    pair_body(out, logic, message, command->version, mr_command_body(command),
              command->length - MR_COMMAND_HEADER);
    return end_message(out);
}

static size_t write_event(struct output *out, const struct mr_logic *logic,
                          const struct mr_event *event)
{
    ASSERT(event->length >= MR_EVENT_HEADER);
    const struct mr_message *message = mr_catalog_event(logic->catalog, event->type);
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
            mr_catalog_aggregate(logic->catalog, event->aggregate_kind);
        pair_name_or_number(out, "aggregate", kind == NULL ? NULL : kind->name,
                            event->aggregate_kind);
        pair_number(out, "aggregate_id", event->aggregate_id);
        pair_number(out, "aggregate_sequence", event->aggregate_sequence);
        pair_number(out, "previous", event->previous);
    }
    pair_body(out, logic, message, event->version, mr_event_body(event),
              event->length - (size_t)MR_EVENT_HEADER);
    return end_message(out);
}

static struct output output_to(const struct mr_logic *logic, bool json, char *buffer, size_t size)
{
    return (struct output){.writer = mr_writer_to(buffer, size),
                           .catalog = logic->catalog,
                           .json = json,
                           .prefix = ""};
}

size_t mr_text_command_write(const struct mr_logic *logic, const struct mr_command *command,
                             char *buffer, size_t size)
{
    struct output out = output_to(logic, false, buffer, size);
    return write_command(&out, logic, command);
}

size_t mr_text_event_write(const struct mr_logic *logic, const struct mr_event *event, char *buffer,
                           size_t size)
{
    struct output out = output_to(logic, false, buffer, size);
    return write_event(&out, logic, event);
}

size_t mr_json_command_write(const struct mr_logic *logic, const struct mr_command *command,
                             char *buffer, size_t size)
{
    struct output out = output_to(logic, true, buffer, size);
    return write_command(&out, logic, command);
}

size_t mr_json_event_write(const struct mr_logic *logic, const struct mr_event *event, char *buffer,
                           size_t size)
{
    struct output out = output_to(logic, true, buffer, size);
    return write_event(&out, logic, event);
}
