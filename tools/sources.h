/*
 * The kinds of sources behind source_open, and what they share.
 */
#ifndef MR_TOOLS_SOURCES_H
#define MR_TOOLS_SOURCES_H

#include "tools/lines.h"
#include "tools/source.h"

/* Each opens a source of its kind; codes as source_open. */
int source_bitstamp_open(const struct source_options *options, struct source **source,
                         struct mr_error *error);
int source_gen_open(const struct source_options *options, struct source **source,
                    struct mr_error *error);
int source_ledger_open(const struct source_options *options, struct source **source,
                       struct mr_error *error); /* gen:transfers=... */
int source_lobster_open(const struct source_options *options, struct source **source,
                        struct mr_error *error);
int source_text_open(const struct source_options *options, struct source **source,
                     struct mr_error *error);

/* The first line of a file of the format bitstamp. */
extern const char source_bitstamp_header[];

/* MR_OK when the source's commands are for `options->logic`, which must be the order book;
 * MR_E_INVALID, naming `kind`, when not. */
int source_requires_book(const struct source_options *options, const char *kind,
                         struct mr_error *error);

/* What lines_next has said, other than LINES_LINE, as a source says it. */
enum source_outcome source_of_lines(enum lines_outcome outcome);

struct mr_book_instrument_define;
struct mr_book_instrument_update;

/* A command of the setup, with room for the longest. */
struct source_setup {
    struct mr_command header;
    unsigned char body[64];
};

/* The commands that define an instrument, or change it, as number `request` of the setup. */
void source_instrument_define(struct source_setup *command, uint64_t request,
                              const struct mr_book_instrument_define *definition);
void source_instrument_update(struct source_setup *command, uint64_t request,
                              const struct mr_book_instrument_update *update);

#endif
