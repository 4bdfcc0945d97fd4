#include "core/catalog/line.h"

/* -- Errors. ----------------------------------------------------------------------------------- */

bool mr_line_fail(struct mr_line *line, size_t at, const char *why)
{
    line->bad_at = at;
    mr_write_text(&line->why, why);
    return false;
}

bool mr_line_fail_word(struct mr_line *line, size_t at, const char *word, size_t length,
                       const char *why)
{
    mr_write_quoted(&line->why, word, length);
    return mr_line_fail(line, at, why);
}

bool mr_line_fail_named(struct mr_line *line, size_t at, const char *name, const char *why)
{
    mr_write_text(&line->why, name);
    return mr_line_fail(line, at, why);
}

bool mr_line_fail_value(struct mr_line *line, const struct mr_pair *pair)
{
    return mr_line_fail(line, pair->at + pair->key_length + 1, "");
}

bool mr_line_fail_unknown(struct mr_line *line, const struct mr_pair *pair)
{
    mr_write_quoted(&line->why, pair->key, pair->key_length);
    return mr_line_fail_named(line, pair->at, " is no key of ",
                              line->message == NULL ? "an unknown type" : line->message->name);
}

static bool fail_twice(struct mr_line *line, const struct mr_pair *pair)
{
    return mr_line_fail_word(line, pair->at, pair->key, pair->key_length, " is given twice");
}

enum mr_text_outcome mr_line_bad(struct mr_line *line, struct mr_text_error *error)
{
    if (error != NULL) {
        error->column = (uint32_t)line->bad_at + 1;
        (void)mr_write_end(&line->why);
    }
    return MR_TEXT_BAD;
}

/* -- Words. ------------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool mr_line_word(struct mr_line *line, size_t *at, size_t *length)
{
    while (line->at < line->length && is_blank(line->text[line->at])) {
        line->at++;
    }
    *at = line->at;
    while (line->at < line->length && !is_blank(line->text[line->at])) {
        line->at++;
    }
    *length = line->at - *at;
    return *length > 0;
}

bool mr_line_split(const char *word, size_t length, struct mr_pair *pair)
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

static const char *table_name(enum mr_table table)
{
    return table == MR_TABLE_QUERIES ? " is no query of the catalog"
                                     : " is no command of the catalog";
}

static bool read_type_number(struct mr_line *line, size_t at, const char *word, size_t length,
                             uint16_t *type)
{
    uint64_t number;
    if (!mr_number_read(word + 5, length - 5, UINT16_MAX, &number, &line->why)) {
        return mr_line_fail(line, at + 5, "");
    }
    const struct mr_message *known =
        mr_table_find(line->logic->catalog, line->table, (uint16_t)number);
    if (known != NULL) {
        mr_write_quoted(&line->why, word, length);
        mr_write_text(&line->why, " is called ");
        return mr_line_fail(line, at, known->name);
    }
    *type = (uint16_t)number;
    return true;
}

static bool is_genesis(const struct mr_line *line)
{
    return line->table == MR_TABLE_COMMANDS && line->message != NULL &&
           line->message->type == MR_COMMAND_GENESIS;
}

/* Keys stand in any order, but what versions a line is of decides how it is read: looks for them
 * first. Whatever is wrong is told when it is read. */
static void look_ahead(struct mr_line *line)
{
    size_t begin = line->at;
    size_t at, length;
    uint64_t number;
    struct mr_writer nowhere = mr_writer_to(NULL, 0);
    struct mr_pair pair = {0};
    while (mr_line_word(line, &at, &length)) {
        if (!mr_line_split(line->text + at, length, &pair)) {
            continue;
        }
        if (mr_pair_is(&pair, "version") &&
            mr_number_read(pair.value, pair.value_length, UINT8_MAX, &number, &nowhere)) {
            const struct mr_message *layout =
                mr_table_layout(line->logic, line->table, line->message->type, (uint8_t)number);
            line->message = layout != NULL ? layout : line->message;
        }
        if (is_genesis(line) && mr_pair_is(&pair, "logic_version") &&
            mr_number_read(pair.value, pair.value_length, UINT32_MAX, &number, &nowhere)) {
            const struct mr_logic *named = mr_logic_version(line->logic, (uint32_t)number);
            line->config = named != NULL ? named->config : line->config;
        }
    }
    line->at = begin;
}

bool mr_line_type(struct mr_line *line, size_t at, size_t length, uint16_t *type, uint8_t *version)
{
    const char *word = line->text + at;
    const struct mr_message *message =
        mr_table_named(line->logic->catalog, line->table, word, length);
    if (message == NULL) {
        if (length > 5 && mr_equal(word, "type_", 5)) {
            return read_type_number(line, at, word, length, type);
        }
        return mr_line_fail_word(line, at, word, length, table_name(line->table));
    }
    *type = message->type;
    *version = message->version;
    line->message = message;
    line->config = line->logic->config;
    if (line->logic->previous != NULL) {
        look_ahead(line);
    }
    if (line->message->size > line->room) {
        return mr_line_fail_named(line, at, message->name, " is larger than there is room for");
    }
    mr_zero(line->body, line->message->size);
    return true;
}

/* -- The body. --------------------------------------------------------------------------------- */

/* body= or tail=: bytes, so many that the message's length stays a multiple of 8. */
static bool read_bytes(struct mr_line *line, const struct mr_pair *pair, size_t offset,
                       size_t *size, bool *seen)
{
    if (*seen) {
        return fail_twice(line, pair);
    }
    *seen = true;
    *size = pair->value_length / 2;
    if (*size > line->room - offset) {
        return mr_line_fail_word(line, pair->at, pair->key, pair->key_length,
                                 " is larger than there is room for");
    }
    if (*size % 8 != 0 ||
        !mr_hex_read(pair->value, pair->value_length, line->body + offset, *size)) {
        mr_write_bytes(&line->why, pair->key, pair->key_length);
        mr_write_text(&line->why, ": not hex digits in lower case, 16 for each 8 bytes");
        return mr_line_fail_value(line, pair);
    }
    return true;
}

int mr_line_field(struct mr_line *line, const struct mr_message *message, void *body,
                  const struct mr_pair *pair, uint64_t *seen)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        if (field->kind == MR_FIELD_pad || !mr_pair_is(pair, field->name)) {
            continue;
        }
        if ((*seen & UINT64_C(1) << i) != 0) {
            (void)fail_twice(line, pair);
            return -1;
        }
        *seen |= UINT64_C(1) << i;
        mr_write_text(&line->why, field->name);
        mr_write_text(&line->why, ": ");
        if (!mr_value_read(line->logic->catalog, field, body, pair->value, pair->value_length,
                           &line->why)) {
            (void)mr_line_fail_value(line, pair);
            return -1;
        }
        line->why.length = 0;
        return 1;
    }
    return 0;
}

/* config.NAME=value, behind the body of genesis. */
static bool read_config(struct mr_line *line, const struct mr_pair *pair)
{
    const struct mr_message *config = line->config;
    size_t offset = line->message->size;
    if (config == NULL) {
        return mr_line_fail_unknown(line, pair);
    }
    if (config->size > line->room - offset) {
        return mr_line_fail_named(line, pair->at, config->name,
                                  " is larger than there is room for");
    }
    if (line->config_fields == 0) {
        mr_zero(line->body + offset, config->size);
    }
    struct mr_pair inner = *pair;
    inner.at += 7;
    inner.key += 7;
    inner.key_length -= 7;
    int found = mr_line_field(line, config, line->body + offset, &inner, &line->config_fields);
    return found == 0 ? mr_line_fail_unknown(line, pair) : found > 0;
}

bool mr_line_pair(struct mr_line *line, const struct mr_pair *pair)
{
    const struct mr_message *message = line->message;
    if (mr_pair_is(pair, "body")) {
        return read_bytes(line, pair, 0, &line->body_size, &line->has_body);
    }
    if (message == NULL) {
        return mr_line_fail_unknown(line, pair);
    }
    if (message->tail && mr_pair_is(pair, "tail")) {
        return read_bytes(line, pair, message->size, &line->tail_size, &line->has_tail);
    }
    if (is_genesis(line) && pair->key_length > 7 && mr_equal(pair->key, "config.", 7)) {
        return read_config(line, pair);
    }
    int found = mr_line_field(line, message, line->body, pair, &line->fields);
    return found == 0 ? mr_line_fail_unknown(line, pair) : found > 0;
}

/* Whether all fields are there that must be. */
static bool check_fields(struct mr_line *line, const struct mr_message *message, uint64_t seen,
                         const char *prefix)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        if (field->kind == MR_FIELD_pad || field->optional || (seen & UINT64_C(1) << i) != 0) {
            continue;
        }
        mr_write_text(&line->why, line->message->name);
        mr_write_text(&line->why, " needs ");
        mr_write_text(&line->why, prefix);
        return mr_line_fail(line, line->length, field->name);
    }
    return true;
}

bool mr_line_finish(struct mr_line *line, uint8_t version, size_t *size)
{
    const struct mr_message *message = line->message;
    if (line->has_body) {
        if (line->fields != 0 || line->config_fields != 0 || line->has_tail) {
            return mr_line_fail(line, line->length,
                                "body stands for all fields: give one or the other");
        }
        *size = line->body_size;
        return true;
    }
    if (message == NULL || message->version != version) {
        return mr_line_fail(line, line->length,
                            "an unknown type or version needs body=, its bytes");
    }
    if (!check_fields(line, message, line->fields, "")) {
        return false;
    }
    *size = message->size + line->tail_size;
    if (line->config_fields == 0) {
        return true;
    }
    if (line->has_tail) {
        return mr_line_fail(line, line->length,
                            "tail stands for all of config: give one or the other");
    }
    *size = (size_t)message->size + line->config->size;
    return check_fields(line, line->config, line->config_fields, "config.");
}
