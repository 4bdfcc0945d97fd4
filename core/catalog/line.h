/*
 * A line of text that is read as a message: its words, what is wrong with it, and the body. What
 * stands in headers is for those who read a certain kind of message (core/catalog/read.c).
 */
#ifndef MR_CORE_CATALOG_LINE_H
#define MR_CORE_CATALOG_LINE_H

#include "core/catalog/table.h"
#include "core/catalog/value.h"

/* A word of the form key=value. */
struct mr_pair {
    size_t at; /* in the line */
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
};

struct mr_line {
    const struct mr_logic *logic;
    enum mr_table table;
    const char *text;
    size_t length;
    size_t at;

    unsigned char *body;
    size_t room;                      /* for it */
    const struct mr_message *message; /* in the version that the line states; NULL: of a type that
                                       * the catalog does not have */
    const struct mr_message *config;  /* behind genesis, in the version that it names */
    uint64_t fields;                  /* seen, as bits */
    uint64_t config_fields;
    bool has_body; /* as bytes */
    bool has_tail;
    size_t body_size; /* of body= */
    size_t tail_size; /* of tail= */

    size_t bad_at; /* where in the line the error is */
    struct mr_writer why;
};

/* -- Errors: false each. ----------------------------------------------------------------------- */

/* "why", "'word' why", "name why"; the last one for a value that was refused with `why` told. */
bool mr_line_fail(struct mr_line *line, size_t at, const char *why);
bool mr_line_fail_word(struct mr_line *line, size_t at, const char *word, size_t length,
                       const char *why);
bool mr_line_fail_named(struct mr_line *line, size_t at, const char *name, const char *why);
bool mr_line_fail_value(struct mr_line *line, const struct mr_pair *pair);
/* Tells the caller (`error` may be NULL). */
enum mr_text_outcome mr_line_bad(struct mr_line *line, struct mr_text_error *error);

/* -- Words. ------------------------------------------------------------------------------------ */

/* The next run of bytes that are not blank; false: there is none. */
bool mr_line_word(struct mr_line *line, size_t *at, size_t *length);
/* Splits a word at its first '='; false: it has none, or nothing before it. */
bool mr_line_split(const char *word, size_t length, struct mr_pair *pair);
static inline bool mr_pair_is(const struct mr_pair *pair, const char *key)
{
    return mr_same_text(pair->key, pair->key_length, key);
}

/* -- The message. ------------------------------------------------------------------------------ */

/* Reads the name of the message's type, and looks ahead for the version that the line states.
 * *version is the newest one's; the body is zeroed. */
bool mr_line_type(struct mr_line *line, size_t at, size_t length, uint16_t *type, uint8_t *version);
/* Reads a pair that is none of the header's. */
bool mr_line_pair(struct mr_line *line, const struct mr_pair *pair);
/* With everything read: whether it makes a body, and of what size. `version` is the header's. */
bool mr_line_finish(struct mr_line *line, uint8_t version, size_t *size);
/* Reads a field of `message`, whose body is at `body`. 1: it is one and has been read; 0: it is
 * none; -1: it is wrong. */
int mr_line_field(struct mr_line *line, const struct mr_message *message, void *body,
                  const struct mr_pair *pair, uint64_t *seen);
/* There is no such key. */
bool mr_line_fail_unknown(struct mr_line *line, const struct mr_pair *pair);

#endif
