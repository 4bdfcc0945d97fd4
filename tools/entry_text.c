#include "tools/entry_text.h"

#include "tools/csv.h"

#include <string.h>

void entry_write(const struct mr_entry *entry, FILE *file)
{
    char previous[MR_DIGEST_TEXT_SIZE], digest[MR_DIGEST_TEXT_SIZE];
    mr_digest_format(entry->previous, previous);
    mr_digest_format(entry->digest, digest);
    fprintf(file,
            "# entry index=%llu term=%llu first=%llu count=%u time=%llu previous=%s "
            "digest_sequence=%llu digest=%s\n",
            (unsigned long long)entry->index, (unsigned long long)entry->term,
            (unsigned long long)entry->first_sequence, entry->count,
            (unsigned long long)entry->time_ns, previous,
            (unsigned long long)entry->digest_sequence, digest);
}

void entry_write_end(const struct entry_end *end, FILE *file)
{
    char chain[MR_DIGEST_TEXT_SIZE];
    mr_digest_format(end->chain, chain);
    fprintf(file, "# end index=%llu sequence=%llu chain=%s\n", (unsigned long long)end->index,
            (unsigned long long)end->sequence, chain);
}

/* A place in a line; once something was missing, nothing more is found. */
struct cursor {
    const char *at, *end;
    bool failed;
};

static void skip(struct cursor *cursor, const char *text)
{
    size_t length = strlen(text);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
        cursor->failed = true;
    else
        cursor->at += length;
}

/* What stands up to the next blank, behind ` key=`. */
static struct csv_field field(struct cursor *cursor, const char *key)
{
    skip(cursor, " ");
    skip(cursor, key);
    skip(cursor, "=");
    const char *start = cursor->at;
    while (!cursor->failed && cursor->at < cursor->end && *cursor->at != ' ')
        cursor->at++;
    return (struct csv_field){start, (size_t)(cursor->at - start)};
}

static uint64_t number(struct cursor *cursor, const char *key)
{
    uint64_t value = 0;
    struct csv_field text = field(cursor, key);
    if (!csv_u64(text, &value))
        cursor->failed = true;
    return value;
}

static struct mr_digest digest(struct cursor *cursor, const char *key)
{
    struct mr_digest value = {0, 0};
    struct csv_field text = field(cursor, key);
    if (!mr_digest_parse(text.text, text.length, &value))
        cursor->failed = true;
    return value;
}

static bool begins(const struct cursor *cursor, const char *text)
{
    struct cursor probe = *cursor;
    skip(&probe, text);
    return !probe.failed;
}

static void read_entry(struct cursor *cursor, struct mr_entry *entry)
{
    skip(cursor, "# entry");
    *entry = (struct mr_entry){.index = number(cursor, "index")};
    entry->term = number(cursor, "term");
    entry->first_sequence = number(cursor, "first");
    uint64_t count = number(cursor, "count");
    entry->count = (uint32_t)count;
    entry->time_ns = number(cursor, "time");
    entry->previous = digest(cursor, "previous");
    entry->digest_sequence = number(cursor, "digest_sequence");
    entry->digest = digest(cursor, "digest");
    if (count == 0 || count > UINT32_MAX)
        cursor->failed = true;
}

static void read_end(struct cursor *cursor, struct entry_end *end)
{
    skip(cursor, "# end");
    *end = (struct entry_end){.index = number(cursor, "index")};
    end->sequence = number(cursor, "sequence");
    end->chain = digest(cursor, "chain");
}

enum entry_line entry_read(const char *line, size_t length, struct mr_entry *entry,
                           struct entry_end *end)
{
    struct cursor cursor = {.at = line, .end = line + length};
    enum entry_line kind = ENTRY_LINE_OTHER;
    if (begins(&cursor, "# entry")) {
        kind = ENTRY_LINE_ENTRY;
        read_entry(&cursor, entry);
    } else if (begins(&cursor, "# end")) {
        kind = ENTRY_LINE_END;
        read_end(&cursor, end);
    } else {
        return ENTRY_LINE_OTHER;
    }
    return cursor.failed || cursor.at != cursor.end ? ENTRY_LINE_BAD : kind;
}
