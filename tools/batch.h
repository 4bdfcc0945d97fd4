/*
 * Gathering commands that come one by one into the batches that they belong to: a command with
 * `more` is followed by another one of its batch.
 */
#ifndef MR_TOOLS_BATCH_H
#define MR_TOOLS_BATCH_H

#include <millrace/error.h>
#include <millrace/message.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero before batch_make. */
struct batch {
    unsigned char *bytes; /* its commands, one behind the other, and room for one more */
    const struct mr_command **commands; /* where they lie */
    uint32_t count, used;
    bool given_up; /* what still comes of it is left out */
    bool spoiled;  /* the last malformed command took a batch with it */
};

/* For commands of up to that many bytes. MR_E_NO_MEMORY. batch_free also after a failure. */
int batch_make(struct batch *batch, uint32_t command_size_max, struct mr_error *error);
void batch_free(struct batch *batch);

/* Where the next command is to be written. */
struct mr_command *batch_room(const struct batch *batch);

/* Whether the command there, which is written, still fits: 8,190 commands and 2 MiB. */
bool batch_fits(const struct batch *batch);

/* Takes it, which fits (asserted). True: it is the last one, the batch is whole. */
bool batch_add(struct batch *batch);

/* What was there is malformed, or not wanted: it takes all of its batch with it. `more`: that goes
 * on behind it. */
void batch_give_up(struct batch *batch, bool more);

/* The batch was sent, or compared: the next one may come. */
void batch_clear(struct batch *batch);

/* Said of what does not fit. */
#define BATCH_LIMITS "a batch has up to 8,190 commands and 2 MiB"

/* Said of the line where a batch begins whose last command never comes. */
#define BATCH_HAS_NO_END                                                                      \
    "the batch that begins here has no end: behind a command with more=1 comes another one, " \
    "and the last one says no more=1"

/* Whether a line that is malformed says that it is not its batch's last. */
bool batch_line_says_more(const char *line, size_t length);

#endif
