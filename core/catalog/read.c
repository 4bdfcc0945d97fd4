/*
 * Reading commands and queries from lines of text. Strict: whatever is not understood is an error
 * with its column, and nothing is guessed.
 */
#include "core/catalog/line.h"

/* The number of `key` in the list that NULL ends; -1: it is not there. */
static int key_index(const struct mr_pair *pair, const char *const *keys)
{
    for (int i = 0; keys[i] != NULL; i++) {
        if (mr_pair_is(pair, keys[i])) {
            return i;
        }
    }
    return -1;
}

/* Notes that a key of the header is there, and begins to tell what may be wrong with its value. */
static bool begin_header(struct mr_line *line, const struct mr_pair *pair, uint32_t key,
                         uint32_t *stated)
{
    if ((*stated & key) != 0) {
        return mr_line_fail_word(line, pair->at, pair->key, pair->key_length, " is given twice");
    }
    *stated |= key;
    mr_write_bytes(&line->why, pair->key, pair->key_length);
    mr_write_text(&line->why, ": ");
    return true;
}

static bool end_header(struct mr_line *line, const struct mr_pair *pair, bool read)
{
    if (!read) {
        return mr_line_fail_value(line, pair);
    }
    line->why.length = 0;
    return true;
}

/* Finds the first word; MR_TEXT_COMMAND: there is something to read. */
static enum mr_text_outcome begin_line(struct mr_line *line, size_t *at, size_t *length,
                                       struct mr_text_error *error)
{
    *at = *length = 0;
    if (error != NULL) {
        line->why = mr_writer_to(error->text, sizeof error->text);
    }
    if (line->length > MR_TEXT_LINE_MAX) {
        (void)mr_line_fail(line, MR_TEXT_LINE_MAX, "the line is longer than 262144 bytes");
        return mr_line_bad(line, error);
    }
    bool any = mr_line_word(line, at, length) && line->text[*at] != '#';
    return any ? MR_TEXT_COMMAND : MR_TEXT_NOTHING;
}

/* The next word as key=value. 1: there is one; 0: no more words; -1: it is none. */
static int next_pair(struct mr_line *line, struct mr_pair *pair)
{
    size_t at, length;
    if (!mr_line_word(line, &at, &length)) {
        return 0;
    }
    *pair = (struct mr_pair){.at = at};
    if (!mr_line_split(line->text + at, length, pair)) {
        (void)mr_line_fail_word(line, at, line->text + at, length, " is not key=value");
        return -1;
    }
    return 1;
}

/* -- Commands. --------------------------------------------------------------------------------- */

/* In the order of enum mr_text_key. */
static const char *const command_keys[] = {"sequence", "time", "session", "request", "correlation",
                                           "cause",    "role", "version", "more",    NULL};

/* A name, or the number of a role that has none. */
static bool read_role(struct mr_line *line, const struct mr_pair *pair, uint8_t *to)
{
    for (uint32_t i = 0; i < mr_role_names.count; i++) {
        if (mr_same_text(pair->value, pair->value_length, mr_role_names.names[i])) {
            *to = (uint8_t)i;
            return true;
        }
    }
    uint64_t role;
    struct mr_writer why = mr_writer_to(NULL, 0); /* a reason of our own follows */
    if (!mr_number_read(pair->value, pair->value_length, UINT8_MAX, &role, &why) ||
        role < MR_ROLE_COUNT) {
        mr_write_quoted(&line->why, pair->value, pair->value_length);
        mr_write_text(&line->why, " is none of system, operator, user");
        return false;
    }
    *to = (uint8_t)role;
    return true;
}

static bool read_command_value(struct mr_line *line, const struct mr_pair *pair, uint32_t key,
                               struct mr_command *command)
{
    if (key == MR_TEXT_ROLE) {
        return read_role(line, pair, &command->role);
    }
    uint64_t number;
    uint64_t max = key == MR_TEXT_VERSION ? (uint64_t)MR_COMMAND_VERSION_MAX
                   : key == MR_TEXT_MORE  ? 1
                                          : UINT64_MAX;
    if (!mr_number_read(pair->value, pair->value_length, max, &number, &line->why)) {
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
    case MR_TEXT_MORE:
        command->more = number & 1;
        break;
    default:
        command->version = (uint8_t)(number & MR_COMMAND_VERSION_MAX);
        break;
    }
    return true;
}

static bool read_command_pair(struct mr_line *line, const struct mr_pair *pair,
                              struct mr_command *command, uint32_t *stated)
{
    int index = key_index(pair, command_keys);
    if (index < 0) {
        return mr_line_pair(line, pair);
    }
    uint32_t key = UINT32_C(1) << index;
    return begin_header(line, pair, key, stated) &&
           end_header(line, pair, read_command_value(line, pair, key, command));
}

static bool read_command(struct mr_line *line, size_t at, size_t length, struct mr_command *command,
                         uint32_t *stated)
{
    uint8_t version = 0;
    if (!mr_line_type(line, at, length, &command->type, &version)) {
        return false;
    }
    command->version = (uint8_t)(version & MR_COMMAND_VERSION_MAX);
    struct mr_pair pair;
    int more;
    while ((more = next_pair(line, &pair)) > 0) {
        if (!read_command_pair(line, &pair, command, stated)) {
            return false;
        }
    }
    size_t size;
    if (more < 0 || !mr_line_finish(line, command->version, &size)) {
        return false;
    }
    if ((*stated & MR_TEXT_ROLE) == 0) {
        command->role = mr_role_default(command->session);
    }
    command->length = (uint32_t)(MR_COMMAND_HEADER + size);
    return true;
}

enum mr_text_outcome mr_text_command_read(const struct mr_logic *logic, const char *line,
                                          size_t length, struct mr_command *command, size_t size,
                                          uint32_t *stated, struct mr_text_error *error)
{
    struct mr_line reader = {.logic = logic,
                             .table = MR_TABLE_COMMANDS,
                             .text = line,
                             .length = length,
                             .body = (unsigned char *)mr_command_body_mutable(command),
                             .room = size - MR_COMMAND_HEADER};
    size_t at, word_length;
    enum mr_text_outcome outcome = begin_line(&reader, &at, &word_length, error);
    if (outcome != MR_TEXT_COMMAND) {
        return outcome;
    }
    *command = (struct mr_command){0};
    uint32_t seen = 0;
    if (!read_command(&reader, at, word_length, command, &seen)) {
        return mr_line_bad(&reader, error);
    }
    if (stated != NULL) {
        *stated = seen;
    }
    return MR_TEXT_COMMAND;
}

/* -- Queries. ---------------------------------------------------------------------------------- */

enum { QUERY_NOT_BEFORE = 1 << 0, QUERY_VERSION = 1 << 1 };
static const char *const query_keys[] = {"not_before", "version", NULL};

static bool read_query_pair(struct mr_line *line, const struct mr_pair *pair,
                            struct mr_query *query, uint32_t *stated)
{
    int index = key_index(pair, query_keys);
    if (index < 0) {
        return mr_line_pair(line, pair);
    }
    uint32_t key = UINT32_C(1) << index;
    if (!begin_header(line, pair, key, stated)) {
        return false;
    }
    uint64_t number = 0;
    bool read = mr_number_read(pair->value, pair->value_length,
                               key == QUERY_VERSION ? UINT8_MAX : UINT64_MAX, &number, &line->why);
    if (key == QUERY_VERSION) {
        query->version = (uint8_t)number;
    } else {
        query->not_before = number;
    }
    return end_header(line, pair, read);
}

static bool read_query(struct mr_line *line, size_t at, size_t length, struct mr_query *query)
{
    if (line->text[at] != '?') {
        return mr_line_fail_word(line, at, line->text + at, length,
                                 " is no query: those begin with ?");
    }
    if (!mr_line_type(line, at + 1, length - 1, &query->type, &query->version)) {
        return false;
    }
    struct mr_pair pair;
    uint32_t stated = 0;
    int more;
    while ((more = next_pair(line, &pair)) > 0) {
        if (!read_query_pair(line, &pair, query, &stated)) {
            return false;
        }
    }
    size_t size;
    if (more < 0 || !mr_line_finish(line, query->version, &size)) {
        return false;
    }
    query->length = (uint32_t)(MR_QUERY_HEADER + size);
    return true;
}

enum mr_text_outcome mr_text_query_read(const struct mr_logic *logic, const char *line,
                                        size_t length, struct mr_query *query, size_t size,
                                        struct mr_text_error *error)
{
    struct mr_line reader = {.logic = logic,
                             .table = MR_TABLE_QUERIES,
                             .text = line,
                             .length = length,
                             .body = (unsigned char *)query + MR_QUERY_HEADER,
                             .room = size - MR_QUERY_HEADER};
    size_t at, word_length;
    enum mr_text_outcome outcome = begin_line(&reader, &at, &word_length, error);
    if (outcome != MR_TEXT_COMMAND) {
        return outcome;
    }
    *query = (struct mr_query){.role = MR_ROLE_USER};
    return read_query(&reader, at, word_length, query) ? MR_TEXT_COMMAND
                                                       : mr_line_bad(&reader, error);
}

/* -- Single fields. ---------------------------------------------------------------------------- */

int mr_text_field_read(const struct mr_catalog *catalog, const struct mr_message *message,
                       void *body, const char *pair, size_t length, struct mr_text_error *error)
{
    const struct mr_logic logic = {.catalog = catalog};
    struct mr_line reader = {.logic = &logic, .message = message, .length = length};
    if (error != NULL) {
        reader.why = mr_writer_to(error->text, sizeof error->text);
    }
    struct mr_pair parts = {0};
    uint64_t seen = 0;
    if (!mr_line_split(pair, length, &parts)) {
        (void)mr_line_fail_word(&reader, 0, pair, length, " is not key=value");
    } else {
        int found = mr_line_field(&reader, message, body, &parts, &seen);
        if (found > 0) {
            return __builtin_ctzll(seen);
        }
        if (found == 0) {
            (void)mr_line_fail_unknown(&reader, &parts);
        }
    }
    (void)mr_line_bad(&reader, error);
    return -1;
}
