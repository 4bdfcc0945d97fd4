/*
 * Reading a command from a line of text. Strict: whatever is not understood is an error with its
 * column, and nothing is guessed.
 */
#include "core/catalog/value.h"

struct pair {
    size_t at; /* in the line */
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
};

struct reader {
    const struct mr_logic *logic;
    const char *line;
    size_t length;
    size_t at;

    struct mr_command *command;
    size_t room;                      /* for the body */
    const struct mr_message *message; /* NULL: of a type that the catalog does not have */
    uint32_t stated;                  /* enum mr_text_key */
    uint64_t fields;                  /* seen, as bits */
    uint64_t config_fields;
    bool has_body; /* as bytes */
    bool has_tail;
    size_t body_size; /* of body= */
    size_t tail_size; /* of tail= */

    size_t bad_at; /* where in the line the error is */
    struct mr_writer why;
};

/* -- Errors. ----------------------------------------------------------------------------------- */

static bool fail(struct reader *reader, size_t at, const char *why)
{
    reader->bad_at = at;
    mr_write_text(&reader->why, why);
    return false;
}

/* "'word' why" */
static bool fail_word(struct reader *reader, size_t at, const char *word, size_t length,
                      const char *why)
{
    mr_write_quoted(&reader->why, word, length);
    return fail(reader, at, why);
}

/* "name why" */
static bool fail_named(struct reader *reader, size_t at, const char *name, const char *why)
{
    mr_write_text(&reader->why, name);
    return fail(reader, at, why);
}

/* The value was refused, and `why` tells of it already. */
static bool fail_value(struct reader *reader, const struct pair *pair)
{
    return fail(reader, pair->at + pair->key_length + 1, "");
}

static enum mr_text_outcome bad(struct reader *reader, struct mr_text_error *error)
{
    if (error != NULL) {
        error->column = (uint32_t)reader->bad_at + 1;
        (void)mr_write_end(&reader->why);
    }
    return MR_TEXT_BAD;
}

/* -- Words. ------------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next run of bytes that are not blank; false: there is none. */
static bool next_word(struct reader *reader, size_t *at, size_t *length)
{
    while (reader->at < reader->length && is_blank(reader->line[reader->at])) {
        reader->at++;
    }
    *at = reader->at;
    while (reader->at < reader->length && !is_blank(reader->line[reader->at])) {
        reader->at++;
    }
    *length = reader->at - *at;
    return *length > 0;
}

/* Splits a word at its first '='; false: it has none, or nothing before it. */
static bool split(const char *word, size_t length, struct pair *pair)
{
    size_t key_length = 0;
    while (key_length < length && word[key_length] != '=') {
        key_length++;
    }
    pair->key = word;
    pair->key_length = key_length;
    pair->value = word + key_length + 1;
    pair->value_length = key_length < length ? length - key_length - 1 : 0;
    return key_length > 0 && key_length < length;
}

/* -- The type. --------------------------------------------------------------------------------- */

static bool read_type_number(struct reader *reader, size_t at, const char *word, size_t length)
{
    uint64_t type;
    if (!mr_number_read(word + 5, length - 5, UINT16_MAX, &type, &reader->why)) {
        return fail(reader, at + 5, "");
    }
    const struct mr_message *known = mr_catalog_command(reader->logic->catalog, (uint16_t)type);
    if (known != NULL) {
        mr_write_quoted(&reader->why, word, length);
        mr_write_text(&reader->why, " is called ");
        return fail(reader, at, known->name);
    }
    reader->command->type = (uint16_t)type;
    return true;
}

static bool read_type(struct reader *reader, size_t at, size_t length)
{
    const char *word = reader->line + at;
    const struct mr_message *message =
        mr_catalog_command_named(reader->logic->catalog, word, length);
    if (message == NULL) {
        if (length > 5 && mr_equal(word, "type_", 5)) {
            return read_type_number(reader, at, word, length);
        }
        return fail_word(reader, at, word, length, " is no command of the catalog");
    }
    if (message->size > reader->room) {
        return fail_named(reader, at, message->name, " is larger than there is room for");
    }
    reader->message = message;
    reader->command->type = message->type;
    reader->command->version = message->version;
    mr_zero(mr_command_body_mutable(reader->command), message->size);
    return true;
}

/* -- Keys of the header. ----------------------------------------------------------------------- */

static uint32_t header_key(const struct pair *pair)
{
    static const char *const keys[] = {"sequence",    "time",  "session", "request",
                                       "correlation", "cause", "role",    "version"};
    for (uint32_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (mr_same_text(pair->key, pair->key_length, keys[i])) {
            return UINT32_C(1) << i;
        }
    }
    return 0;
}

/* A name, or the number of a role that has none. */
static bool read_role(struct reader *reader, const struct pair *pair)
{
    for (uint32_t i = 0; i < mr_role_names.count; i++) {
        if (mr_same_text(pair->value, pair->value_length, mr_role_names.names[i])) {
            reader->command->role = (uint8_t)i;
            return true;
        }
    }
    uint64_t role;
    struct mr_writer why = mr_writer_to(NULL, 0); /* a reason of our own follows */
    if (!mr_number_read(pair->value, pair->value_length, UINT8_MAX, &role, &why) ||
        role < MR_ROLE_COUNT) {
        mr_write_quoted(&reader->why, pair->value, pair->value_length);
        mr_write_text(&reader->why, " is none of system, operator, user");
        return false;
    }
    reader->command->role = (uint8_t)role;
    return true;
}

static bool read_header_value(struct reader *reader, const struct pair *pair, uint32_t key)
{
    struct mr_command *command = reader->command;
    if (key == MR_TEXT_ROLE) {
        return read_role(reader, pair);
    }
    uint64_t number;
    uint64_t max = key == MR_TEXT_VERSION ? UINT8_MAX : UINT64_MAX;
    if (!mr_number_read(pair->value, pair->value_length, max, &number, &reader->why)) {
        return false;
    }
    switch (key) {
    case MR_TEXT_SEQUENCE:
        command->sequence = number;
        break;
    case MR_TEXT_TIME:
        command->time_ns = number;
        break;
    case MR_TEXT_SESSION:
        command->session = number;
        break;
    case MR_TEXT_REQUEST:
        command->request = number;
        break;
    case MR_TEXT_CORRELATION:
        command->correlation = number;
        break;
    case MR_TEXT_CAUSE:
        command->cause = number;
        break;
    default:
        command->version = (uint8_t)number;
        break;
    }
    return true;
}

static bool read_header(struct reader *reader, const struct pair *pair, uint32_t key)
{
    if ((reader->stated & key) != 0) {
        return fail_word(reader, pair->at, pair->key, pair->key_length, " is given twice");
    }
    reader->stated |= key;
    mr_write_bytes(&reader->why, pair->key, pair->key_length);
    mr_write_text(&reader->why, ": ");
    if (!read_header_value(reader, pair, key)) {
        return fail_value(reader, pair);
    }
    reader->why.length = 0;
    return true;
}

/* -- The body. --------------------------------------------------------------------------------- */

/* body= or tail=: bytes, so many that the command's length stays a multiple of 8. */
static bool read_bytes(struct reader *reader, const struct pair *pair, size_t offset, size_t *size,
                       bool *seen)
{
    if (*seen) {
        return fail_word(reader, pair->at, pair->key, pair->key_length, " is given twice");
    }
    unsigned char *to = (unsigned char *)mr_command_body_mutable(reader->command) + offset;
    *seen = true;
    *size = pair->value_length / 2;
    if (*size > reader->room - offset) {
        return fail_word(reader, pair->at, pair->key, pair->key_length,
                         " is larger than there is room for");
    }
    if (*size % 8 != 0 || !mr_hex_read(pair->value, pair->value_length, to, *size)) {
        mr_write_bytes(&reader->why, pair->key, pair->key_length);
        mr_write_text(&reader->why, ": not hex digits in lower case, 16 for each 8 bytes");
        return fail_value(reader, pair);
    }
    return true;
}

/* A field of `message`, whose body is at `body`. 1: it is one and has been read; 0: it is none;
 * -1: it is wrong. */
static int read_field(struct reader *reader, const struct mr_message *message, void *body,
                      const struct pair *pair, uint64_t *seen)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        if (field->kind == MR_FIELD_pad ||
            !mr_same_text(pair->key, pair->key_length, field->name)) {
            continue;
        }
        if ((*seen & UINT64_C(1) << i) != 0) {
            (void)fail_word(reader, pair->at, pair->key, pair->key_length, " is given twice");
            return -1;
        }
        *seen |= UINT64_C(1) << i;
        mr_write_text(&reader->why, field->name);
        mr_write_text(&reader->why, ": ");
        if (!mr_value_read(reader->logic->catalog, field, body, pair->value, pair->value_length,
                           &reader->why)) {
            (void)fail_value(reader, pair);
            return -1;
        }
        reader->why.length = 0;
        return 1;
    }
    return 0;
}

static bool fail_unknown(struct reader *reader, const struct pair *pair)
{
    mr_write_quoted(&reader->why, pair->key, pair->key_length);
    return fail_named(reader, pair->at, " is no key of ",
                      reader->message == NULL ? "an unknown type" : reader->message->name);
}

/* config.NAME=value, behind the body of genesis. */
static bool read_config(struct reader *reader, const struct pair *pair)
{
    const struct mr_message *config = reader->logic->config;
    size_t offset = reader->message->size;
    unsigned char *body = (unsigned char *)mr_command_body_mutable(reader->command) + offset;
    if (config == NULL) {
        return fail_unknown(reader, pair);
    }
    if (config->size > reader->room - offset) {
        return fail_named(reader, pair->at, config->name, " is larger than there is room for");
    }
    if (reader->config_fields == 0) {
        mr_zero(body, config->size);
    }
    struct pair inner = *pair;
    inner.at += 7;
    inner.key += 7;
    inner.key_length -= 7;
    int found = read_field(reader, config, body, &inner, &reader->config_fields);
    return found == 0 ? fail_unknown(reader, pair) : found > 0;
}

static bool read_pair(struct reader *reader, const struct pair *pair)
{
    const struct mr_message *message = reader->message;
    uint32_t key = header_key(pair);
    if (key != 0) {
        return read_header(reader, pair, key);
    }
    if (mr_same_text(pair->key, pair->key_length, "body")) {
        return read_bytes(reader, pair, 0, &reader->body_size, &reader->has_body);
    }
    if (message != NULL && message->tail && mr_same_text(pair->key, pair->key_length, "tail")) {
        return read_bytes(reader, pair, message->size, &reader->tail_size, &reader->has_tail);
    }
    if (message != NULL && message->tail && pair->key_length > 7 &&
        mr_equal(pair->key, "config.", 7)) {
        return read_config(reader, pair);
    }
    int found = message == NULL
                    ? 0
                    : read_field(reader, message, mr_command_body_mutable(reader->command), pair,
                                 &reader->fields);
    return found == 0 ? fail_unknown(reader, pair) : found > 0;
}

/* -- The whole. -------------------------------------------------------------------------------- */

/* Whether all fields are there that must be. */
static bool check_fields(struct reader *reader, const struct mr_message *message, uint64_t seen,
                         const char *prefix)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        if (field->kind == MR_FIELD_pad || field->optional || (seen & UINT64_C(1) << i) != 0) {
            continue;
        }
        mr_write_text(&reader->why, reader->message->name);
        mr_write_text(&reader->why, " needs ");
        mr_write_text(&reader->why, prefix);
        return fail(reader, reader->length, field->name);
    }
    return true;
}

/* With everything read: whether it makes a body, and of what size. */
static bool finish_body(struct reader *reader, size_t *size)
{
    const struct mr_message *message = reader->message;
    if (reader->has_body) {
        if (reader->fields != 0 || reader->config_fields != 0 || reader->has_tail) {
            return fail(reader, reader->length,
                        "body stands for all fields: give one or the other");
        }
        *size = reader->body_size;
        return true;
    }
    if (message == NULL || message->version != reader->command->version) {
        return fail(reader, reader->length, "an unknown type or version needs body=, its bytes");
    }
    if (!check_fields(reader, message, reader->fields, "")) {
        return false;
    }
    *size = message->size + reader->tail_size;
    if (reader->config_fields == 0) {
        return true;
    }
    if (reader->has_tail) {
        return fail(reader, reader->length, "tail stands for all of config: give one or the other");
    }
    *size = (size_t)message->size + reader->logic->config->size;
    return check_fields(reader, reader->logic->config, reader->config_fields, "config.");
}

static bool read_line(struct reader *reader, size_t at, size_t length)
{
    if (!read_type(reader, at, length)) {
        return false;
    }
    while (next_word(reader, &at, &length)) {
        struct pair pair = {.at = at};
        if (!split(reader->line + at, length, &pair)) {
            return fail_word(reader, at, reader->line + at, length, " is not key=value");
        }
        if (!read_pair(reader, &pair)) {
            return false;
        }
    }
    size_t size;
    if (!finish_body(reader, &size)) {
        return false;
    }
    if ((reader->stated & MR_TEXT_ROLE) == 0) {
        reader->command->role = mr_role_default(reader->command->session);
    }
    reader->command->length = (uint32_t)(MR_COMMAND_HEADER + size);
    return true;
}

enum mr_text_outcome mr_text_command_read(const struct mr_logic *logic, const char *line,
                                          size_t length, struct mr_command *command, size_t size,
                                          uint32_t *stated, struct mr_text_error *error)
{
    struct reader reader = {.logic = logic,
                            .line = line,
                            .length = length,
                            .command = command,
                            .room = size - MR_COMMAND_HEADER};
    if (error != NULL) {
        reader.why = mr_writer_to(error->text, sizeof error->text);
    }
    if (length > MR_TEXT_LINE_MAX) {
        (void)fail(&reader, MR_TEXT_LINE_MAX, "the line is longer than 262144 bytes");
        return bad(&reader, error);
    }
    size_t at, word_length;
    if (!next_word(&reader, &at, &word_length) || line[at] == '#') {
        return MR_TEXT_NOTHING;
    }
    *command = (struct mr_command){0};
    if (!read_line(&reader, at, word_length)) {
        return bad(&reader, error);
    }
    if (stated != NULL) {
        *stated = reader.stated;
    }
    return MR_TEXT_COMMAND;
}

int mr_text_field_read(const struct mr_catalog *catalog, const struct mr_message *message,
                       void *body, const char *pair, size_t length, struct mr_text_error *error)
{
    const struct mr_logic logic = {.catalog = catalog};
    struct reader reader = {.logic = &logic, .message = message, .length = length};
    if (error != NULL) {
        reader.why = mr_writer_to(error->text, sizeof error->text);
    }
    struct pair parts = {0};
    uint64_t seen = 0;
    if (!split(pair, length, &parts)) {
        (void)fail_word(&reader, 0, pair, length, " is not key=value");
    } else {
        int found = read_field(&reader, message, body, &parts, &seen);
        if (found > 0) {
            return __builtin_ctzll(seen);
        }
        if (found == 0) {
            (void)fail_unknown(&reader, &parts);
        }
    }
    (void)bad(&reader, error);
    return -1;
}
