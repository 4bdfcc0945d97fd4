#include "tools/fresh_id.h"

#include <millrace/ledger.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { ID_SIZE = 48, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static const char wish[] = "id=new";

/* What a line says that matters here. */
struct typed {
    const struct mr_message *message; /* NULL: no command with such an id */
    const char *wish;                 /* where it has id=new, or NULL */
    bool has_id, has_bytes;
    uint64_t time_ns;
};

/* -- Looking at the line. ---------------------------------------------------------------------- */

static bool is_blank(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\r';
}

/* The next word; its length, 0: there is none. */
static size_t next_word(const char **at, const char *end)
{
    while (*at < end && is_blank(**at))
        (*at)++;
    const char *stop = *at;
    while (stop < end && !is_blank(*stop))
        stop++;
    return (size_t)(stop - *at);
}

static bool begins(const char *word, size_t length, const char *key)
{
    return length >= strlen(key) && memcmp(word, key, strlen(key)) == 0;
}

/* The command of that name, if it has an id of 128 bits. */
static const struct mr_message *with_id(const struct mr_logic *logic, const char *name,
                                        size_t length)
{
    const struct mr_message *message = mr_catalog_command_named(logic->catalog, name, length);
    for (uint32_t i = 0; message != NULL && i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        if (field->kind == MR_FIELD_u128 && strcmp(field->name, "id") == 0)
            return message;
    }
    return NULL;
}

static void look_at(struct typed *typed, const char *word, size_t length)
{
    if (length == sizeof wish - 1 && memcmp(word, wish, length) == 0)
        typed->wish = word;
    typed->has_id = typed->has_id || begins(word, length, "id=");
    typed->has_bytes = typed->has_bytes || begins(word, length, "body=");
    char digits[24] = "";
    if (begins(word, length, "time=") && length - 5 < sizeof digits) {
        memcpy(digits, word + 5, length - 5);
        typed->time_ns = strtoull(digits, NULL, 10);
    }
}

static struct typed look_at_line(const struct mr_logic *logic, uint64_t time_ns, const char *line,
                                 size_t length)
{
    struct typed typed = {.time_ns = time_ns};
    const char *at = line, *end = line + length;
    size_t size = next_word(&at, end);
    typed.message = with_id(logic, at, size);
    while (typed.message != NULL && size > 0) {
        at += size;
        size = next_word(&at, end);
        look_at(&typed, at, size);
    }
    return typed;
}

static bool wants_id(const struct mr_logic *logic, const struct typed *typed)
{
    if (typed->message == NULL || typed->wish != NULL || typed->has_id || typed->has_bytes)
        return typed->wish != NULL;
    return strcmp(logic->name, "ledger") == 0 && typed->message->type == MR_LEDGER_TRANSFER_CREATE;
}

/* -- The id. ----------------------------------------------------------------------------------- */

/* In each millisecond random at first, then counting. */
static bool make_id(struct fresh_ids *ids, uint64_t time_ns)
{
    uint64_t time_ms = time_ns / NS_PER_MS, bits[2];
    if (!mr_u128_is_zero(ids->last) && time_ms <= mr_ledger_id_time_ms(ids->last)) {
        (void)mr_u128_add(ids->last, mr_u128_of(0, 1), &ids->last);
        return true;
    }
    if (getrandom(bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        return false;
    ids->last = mr_ledger_id(time_ms, bits[0] & 0x7fff, bits[1]); /* room for counting */
    return true;
}

uint64_t fresh_ids_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

bool fresh_ids_fill(struct fresh_ids *ids, const struct mr_logic *logic, uint64_t time_ns,
                    bool lines_tell, const char **line, size_t *length)
{
    struct typed typed = look_at_line(logic, time_ns, *line, *length);
    if (!wants_id(logic, &typed))
        return true;
    if (ids->room < *length + ID_SIZE) {
        char *room = realloc(ids->line, *length + ID_SIZE);
        if (room == NULL)
            return false;
        ids->line = room;
        ids->room = *length + ID_SIZE;
    }
    if (!make_id(ids, lines_tell ? typed.time_ns : time_ns))
        return false;
    size_t before = typed.wish == NULL ? *length : (size_t)(typed.wish - *line);
    while (typed.wish == NULL && before > 0 && is_blank((*line)[before - 1]))
        before--;
    size_t behind = typed.wish == NULL ? *length : before + sizeof wish - 1;
    memcpy(ids->line, *line, before);
    int made = snprintf(ids->line + before, ID_SIZE, "%sid=0x%016" PRIx64 "%016" PRIx64,
                        typed.wish == NULL ? " " : "", ids->last.high, ids->last.low);
    memcpy(ids->line + before + made, *line + behind, *length - behind);
    *length = before + (size_t)made + *length - behind;
    *line = ids->line;
    return true;
}

void fresh_ids_free(struct fresh_ids *ids)
{
    free(ids->line);
    *ids = (struct fresh_ids){0};
}
