/*
 * Commands as text, one a line: what `millrace dump` writes and people type. docs/text-format.md
 * says what a line may leave out, and what becomes of it.
 *
 * An input that begins with genesis is a whole dump and is yielded as it stands. Any other is the
 * work of an importer: session, request and sequence are given anew, so that lines cut out of a
 * dump can be fed in, too.
 */
#include "tools/batch.h"
#include "tools/fresh_id.h"
#include "tools/lines.h"
#include "tools/sources.h"
#include "tools/stop.h"

#include "base/limits.h"

#include <millrace/book.h>
#include <millrace/text.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEST_INSTRUMENT = 1, TEST_PRICE_DECIMALS = 2 };

/* So that an order can be typed at once. */
static const struct mr_book_instrument_define test_instrument = {
    .symbol = "TEST",
    .price_min = 1,
    .price_max = INT64_C(1000000000000),
    .quantity_max = UINT64_C(1000000000000),
    .instrument = TEST_INSTRUMENT,
    .price_decimals = TEST_PRICE_DECIMALS,
};

struct text {
    struct source source;
    struct lines lines;
    const struct mr_logic *logic;
    uint64_t session;
    uint8_t role;
    bool positioned;            /* behind what an earlier run has done */
    uint64_t last;              /* request of its session that an earlier run ended with */
    uint64_t requests;          /* of its session, of standard input: the last one given */
    uint64_t operator_requests; /* the same of the operator's session */
    uint64_t time_ns;           /* of the last line that says one */
    uint64_t sequence;          /* of a whole dump: of the last command */
    uint64_t batch_line;        /* where the batch at hand begins; 0: none is */
    uint64_t batch_bytes;
    uint32_t batch_commands;
    struct fresh_ids fresh;
    struct mr_command *genesis; /* with room for the largest */
    struct source_setup definition;
    const struct mr_command *setup[1];
};

static enum source_outcome bad(const struct text *text, uint32_t column, const char *reason,
                               struct mr_error *error)
{
    mr_error_set(error, MR_E_INVALID, "%s:%llu:%u: %s", text->lines.name,
                 (unsigned long long)text->lines.number, column, reason);
    return SOURCE_BAD;
}

/* The time that an id gets which nobody has made up. */
static uint64_t time_of_ids(const struct text *text)
{
    const struct source *source = &text->source;
    if (source->journal_clock == MR_CLOCK_WALL)
        return fresh_ids_now();
    return text->time_ns > source->journal_time_ns ? text->time_ns : source->journal_time_ns;
}

/* The next line that holds a command, in `command`, which has room for `size` bytes. Of a bad one
 * it says only whether there is `more`. */
static enum source_outcome read_command(struct text *text, struct mr_command *command, size_t size,
                                        uint32_t *stated, struct mr_error *error)
{
    const char *line;
    size_t length;
    bool whole; /* a missing newline at the end cuts nothing that a person would miss */
    for (;;) {
        enum lines_outcome outcome = lines_next(&text->lines, &line, &length, &whole, error);
        if (outcome != LINES_LINE) {
            command->more = 0;
            return source_of_lines(outcome);
        }
        /* Before, the journal's time is not known. */
        if (text->positioned &&
            !fresh_ids_fill(&text->fresh, text->logic, time_of_ids(text),
                            text->source.journal_clock == MR_CLOCK_INPUT, &line, &length)) {
            (void)mr_error_set(error, MR_E_NO_MEMORY, "%s: no memory for an id", text->lines.name);
            return SOURCE_FAILED;
        }
        struct mr_text_error flaw;
        switch (mr_text_command_read(text->logic, line, length, command, size, stated, &flaw)) {
        case MR_TEXT_COMMAND:
            return SOURCE_COMMAND;
        case MR_TEXT_NOTHING:
            break;
        case MR_TEXT_BAD:
            text->sequence++; /* there would have been a command */
            command->more = batch_line_says_more(line, length);
            return bad(text, flaw.column, flaw.text, error);
        }
    }
}

/* -- A whole dump. ----------------------------------------------------------------------------- */

static enum source_outcome next_of_dump(struct text *text, struct mr_command *command,
                                        uint32_t stated, struct mr_error *error)
{
    uint64_t expected = ++text->sequence;
    if ((stated & MR_TEXT_SEQUENCE) != 0 && command->sequence != expected) {
        text->sequence = command->sequence;
        return bad(text, 1, "the sequence does not follow that of the command before", error);
    }
    if (command->type == MR_COMMAND_GENESIS)
        return bad(text, 1, "genesis is the first command of a journal and no other", error);
    return SOURCE_COMMAND;
}

/* -- Lines of an importer. --------------------------------------------------------------------- */

/* Line numbers are request numbers, so the last line that was done is known from the sessions. */
static enum source_outcome skip_lines(struct text *text, struct mr_error *error)
{
    uint64_t setup = text->source.setup_count;
    uint64_t operated = text->source.operator_last;
    uint64_t last =
        operated > setup && operated - setup > text->last ? operated - setup : text->last;
    const char *line;
    size_t length;
    bool whole;
    while (text->lines.number < last) {
        enum lines_outcome outcome = lines_next(&text->lines, &line, &length, &whole, error);
        if (outcome == LINES_END)
            mr_error_set(error, MR_E_MISMATCH, "%s has %llu lines, but line %llu is done already",
                         text->lines.name, (unsigned long long)text->lines.number,
                         (unsigned long long)last);
        if (outcome == LINES_END || outcome == LINES_FAILED)
            return SOURCE_FAILED;
    }
    return SOURCE_COMMAND;
}

/* Before the first command: goes where an earlier run has ended. */
static enum source_outcome position(struct text *text, struct mr_error *error)
{
    uint64_t setup = text->source.setup_count;
    text->positioned = true;
    text->requests = text->last;
    text->operator_requests =
        text->source.operator_last > setup ? text->source.operator_last : setup;
    return text->lines.stream ? SOURCE_COMMAND : skip_lines(text, error);
}

/* Whose command it is: the input's session's, or the operator's. False: nobody's who is here. */
static bool choose_session(const struct text *text, struct mr_command *command)
{
    const struct mr_message *message = mr_catalog_command(text->logic->catalog, command->type);
    uint32_t roles = message == NULL ? MR_ROLE_BIT(text->role) : message->roles;
    if ((roles & MR_ROLE_BIT(text->role)) != 0) {
        command->session = text->session;
        command->role = text->role;
        return true;
    }
    command->session = SESSION_OPERATOR;
    command->role = MR_ROLE_OPERATOR;
    return (roles & MR_ROLE_BIT(MR_ROLE_OPERATOR)) != 0;
}

static enum source_outcome next_of_importer(struct text *text, struct mr_command *command,
                                            uint32_t stated, struct mr_error *error)
{
    if (!choose_session(text, command))
        return bad(text, 1, "only a whole dump, which begins with genesis, can hold this command",
                   error);
    bool own = command->session == text->session;
    if (text->lines.stream)
        command->request = own ? ++text->requests : ++text->operator_requests;
    else
        command->request = text->lines.number + (own ? 0 : text->source.setup_count);
    command->sequence = 0;
    if ((stated & MR_TEXT_TIME) != 0)
        text->time_ns = command->time_ns;
    command->time_ns = text->time_ns;
    return SOURCE_COMMAND;
}

/* -- Batches. ---------------------------------------------------------------------------------- */

/* The input has ended; also what it ends with. */
static enum source_outcome end_batches(struct text *text, struct mr_error *error)
{
    if (text->batch_line == 0)
        return SOURCE_END;
    mr_error_set(error, MR_E_INVALID, "%s:%llu:1: " BATCH_HAS_NO_END, text->lines.name,
                 (unsigned long long)text->batch_line);
    text->batch_line = 0;
    return SOURCE_BAD;
}

/* A command, good or bad, has been read: how large its batch is by now. The first one that is too
 * much is told; `run` leaves out the whole batch then. */
static enum source_outcome count_in(struct text *text, enum source_outcome outcome,
                                    const struct mr_command *command, struct mr_error *error)
{
    if (text->batch_line == 0) {
        text->batch_line = text->lines.number;
        text->batch_commands = 0;
        text->batch_bytes = 0;
    }
    uint64_t bytes = text->batch_bytes;
    text->batch_commands++;
    text->batch_bytes += outcome == SOURCE_COMMAND ? command->length : 0;
    uint64_t first = text->batch_line;
    if (!command->more)
        text->batch_line = 0;
    if (outcome != SOURCE_COMMAND ||
        (text->batch_commands != MR_BATCH_COMMANDS_MAX + 1 &&
         (bytes > MR_BATCH_BYTES_MAX || text->batch_bytes <= MR_BATCH_BYTES_MAX)))
        return outcome;
    char reason[128];
    (void)snprintf(reason, sizeof reason,
                   "the batch that begins at line %llu is too large: " BATCH_LIMITS,
                   (unsigned long long)first);
    return bad(text, 1, reason, error);
}

/* -- The source. ------------------------------------------------------------------------------- */

static enum source_outcome next_command(struct text *text, struct mr_command *command,
                                        struct mr_error *error)
{
    uint32_t stated;
    enum source_outcome outcome =
        read_command(text, command, text->logic->command_size_max, &stated, error);
    if (outcome != SOURCE_COMMAND)
        return outcome;
    return text->source.genesis == NULL ? next_of_importer(text, command, stated, error)
                                        : next_of_dump(text, command, stated, error);
}

static enum source_outcome text_next(struct source *source, struct mr_command *command,
                                     struct mr_error *error)
{
    struct text *text = (struct text *)source;
    enum source_outcome outcome = SOURCE_COMMAND;
    if (!text->positioned && source->genesis == NULL)
        outcome = position(text, error);
    if (outcome == SOURCE_COMMAND)
        outcome = next_command(text, command, error);
    if (outcome == SOURCE_END)
        return end_batches(text, error);
    bool in_batch = text->batch_line != 0 || command->more;
    return in_batch && (outcome == SOURCE_COMMAND || outcome == SOURCE_BAD)
               ? count_in(text, outcome, command, error)
               : outcome;
}

static int text_resume(struct source *source, uint64_t last, struct mr_error *error)
{
    struct text *text = (struct text *)source;
    text->last = last;
    return position(text, error) == SOURCE_COMMAND ? MR_OK : error->code;
}

static void text_close(struct source *source)
{
    struct text *text = (struct text *)source;
    lines_close(&text->lines);
    fresh_ids_free(&text->fresh);
    free(text->genesis);
    free(text);
}

static const struct source_calls calls = {
    .next = text_next, .resume = text_resume, .close = text_close};

/* Reads up to the first command: whether this is a whole dump. Of a pipe it waits for that. */
static int look_for_genesis(struct text *text, struct mr_error *error)
{
    enum source_outcome outcome;
    uint32_t stated;
    struct mr_error flaw = {0};
    while ((outcome = read_command(text, text->genesis, MR_COMMAND_SIZE_MAX, &stated, &flaw)) ==
           SOURCE_WAIT) {
        lines_wait(&text->lines);
        if (stop_requested())
            return MR_OK;
    }
    if (outcome == SOURCE_FAILED)
        return mr_error_set(error, flaw.code, "%s", flaw.text);
    if (outcome == SOURCE_COMMAND && text->genesis->type == MR_COMMAND_GENESIS) {
        if (text->genesis->more)
            return mr_error_set(error, MR_E_INVALID, "%s:%llu: genesis is a batch by itself",
                                text->lines.name, (unsigned long long)text->lines.number);
        text->sequence = 1;
        text->source.genesis = text->genesis;
        text->source.clock = ((const struct mr_genesis *)mr_command_body(text->genesis))->clock;
        text->source.interactive = false;
    } else if (outcome != SOURCE_END) {
        text->sequence = 0;
        lines_again(&text->lines); /* a bad line, too, is for `next` to tell */
    }
    return MR_OK;
}

/* What an input needs that is not a whole dump. */
static void set_up(struct text *text)
{
    if (text->source.genesis != NULL || text->logic != &mr_logic_book)
        return;
    source_instrument_define(&text->definition, 1, &test_instrument);
    text->setup[0] = &text->definition.header;
    text->source.setup = text->setup;
    text->source.setup_count = 1;
}

static int open_input(struct text *text, const char *input, struct mr_error *error)
{
    int status = lines_open(&text->lines, input, error);
    if (status != MR_OK)
        return status;
    if (text->lines.stream) {
        text->source.interactive = true;
        if (isatty(text->lines.file)) {
            text->source.clock = MR_CLOCK_WALL;
            return MR_OK; /* nobody types a genesis */
        }
    } else {
        status = lines_survey(&text->lines, &text->source.fingerprint, &text->source.total, error);
    }
    return status == MR_OK ? look_for_genesis(text, error) : status;
}

int source_text_open(const struct source_options *options, struct source **source,
                     struct mr_error *error)
{
    struct text *text = calloc(1, sizeof *text);
    struct mr_command *genesis = malloc(MR_COMMAND_SIZE_MAX);
    if (text == NULL || genesis == NULL) {
        free(text);
        free(genesis);
        return mr_error_set(error, MR_E_NO_MEMORY, "%s: no memory", options->input);
    }
    *text = (struct text){
        .source = {.calls = &calls, .kind = "text", .clock = MR_CLOCK_INPUT},
        .lines = {.file = -1},
        .logic = options->logic,
        .session = options->session,
        .role = (uint8_t)options->role,
        .genesis = genesis,
    };
    int status = open_input(text, options->input, error);
    if (status != MR_OK) {
        text_close(&text->source);
        return status;
    }
    set_up(text);
    *source = &text->source;
    return MR_OK;
}
