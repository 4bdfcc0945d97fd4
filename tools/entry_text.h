/*
 * What `dump` writes beside commands, as comments, so that `load` can make every entry anew to the
 * byte: the header of each entry in front of its commands, and at the end what proves that nothing
 * is missing.
 *
 *     # entry index=2 term=1 first=4 count=100 time=17 previous=HEX digest_sequence=3 digest=HEX
 *     # end index=7 sequence=612 chain=HEX
 *
 * `chain` is the digest by which an entry that followed would name the last one.
 */
#ifndef MR_TOOLS_ENTRY_TEXT_H
#define MR_TOOLS_ENTRY_TEXT_H

#include <millrace/journal.h>

#include <stdbool.h>
#include <stdio.h>

/* What the last line says. */
struct entry_end {
    uint64_t index;
    uint64_t sequence;
    struct mr_digest chain;
};

void entry_write(const struct mr_entry *entry, FILE *file);
void entry_write_end(const struct entry_end *end, FILE *file);

enum entry_line {
    ENTRY_LINE_OTHER, /* a command, another comment, nothing */
    ENTRY_LINE_ENTRY, /* *entry has what the line says, 0 elsewhere; its length is not said */
    ENTRY_LINE_END,
    ENTRY_LINE_BAD, /* it begins like one of the two, but goes on differently */
};
enum entry_line entry_read(const char *line, size_t length, struct mr_entry *entry,
                           struct entry_end *end);

#endif
