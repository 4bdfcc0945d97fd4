/*
 * A LOBSTER message file, which tells what happened to the visible orders of one stock at NASDAQ
 * on one day: see docs/import-lobster.md, which says what each line becomes.
 */
#include "tools/csv.h"
#include "tools/executions.h"
#include "tools/lines.h"
#include "tools/lobster.h"
#include "tools/sources.h"

#include "base/digest.h"

#include <millrace/book.h>

#include <stdlib.h>

enum { INSTRUMENT = EXECUTIONS_INSTRUMENT, PRICE_DECIMALS = 4 };

/* Nobody pays a hundred million dollars for a share, or asks for so many of them. */
static const struct mr_book_instrument_define stock = {
    .symbol = "LOBSTER",
    .price_min = 1,
    .price_max = INT64_C(1000000000000),
    .quantity_max = UINT64_C(1000000000000),
    .instrument = INSTRUMENT,
    .price_decimals = PRICE_DECIMALS,
};

struct lobster {
    struct source source;
    struct lines lines;
    uint64_t session;
    uint8_t role;
    uint64_t midnight_ns;
    bool positioned;         /* behind what an earlier run has done */
    uint64_t last;           /* request of its session that an earlier run ended with */
    struct order_map orders; /* that live by what the file says, and what it says of them */
    struct executions executions;
    struct source_setup definition;
    const struct mr_command *setup[1];
};

static enum source_outcome bad(const struct lobster *lobster, const struct lobster_flaw *flaw,
                               struct mr_error *error)
{
    char text[CSV_SHOW_SIZE];
    const struct csv_field field = {flaw->field, flaw->length};
    if (flaw->column == 0)
        mr_error_set(error, MR_E_INVALID, "%s:%llu: %s", lobster->lines.name,
                     (unsigned long long)lobster->lines.number, flaw->reason);
    else
        mr_error_set(error, MR_E_INVALID, "%s:%llu: column %u: %s: %s", lobster->lines.name,
                     (unsigned long long)lobster->lines.number, flaw->column, flaw->reason,
                     csv_show(field, text));
    return SOURCE_BAD;
}

/* -- What a line changes, by what the file says. ----------------------------------------------- */

/* The part of the file's own book that a command needs to be told right. */
struct change {
    bool ends;      /* nothing of the order is left */
    bool earlier;   /* it was not entered in this file */
    uint64_t total; /* of an order that is reduced: all that it has ever been for */
};

static bool enter(struct lobster *lobster, const struct lobster_row *row)
{
    /* One that is there already keeps what is known of it: the book, too, refuses the second. */
    return order_map_find(&lobster->orders, row->order) != NULL ||
           order_map_put(&lobster->orders, (struct order_entry){row->order, row->size, row->size});
}

/* What is left of an order of which `size` is cancelled or executed. */
static void shrink(struct lobster *lobster, const struct lobster_row *row, struct change *change)
{
    struct order_entry *entry = order_map_find(&lobster->orders, row->order);
    *change = (struct change){.ends = true, .earlier = entry == NULL, .total = row->size};
    if (entry == NULL)
        return;
    change->ends = row->type == LOBSTER_DELETE || row->size >= entry->open;
    if (change->ends) {
        order_map_remove(&lobster->orders, entry);
        return;
    }
    entry->open -= row->size;
    if (row->type == LOBSTER_REDUCE)
        entry->total -= row->size;
    change->total = entry->total;
}

static void count(struct execution_counts *counts, const struct lobster_row *row)
{
    counts->hidden += row->type == LOBSTER_EXECUTE_HIDDEN;
    counts->crosses += row->type == LOBSTER_CROSS;
    if (row->type != LOBSTER_HALT)
        return;
    counts->halts += row->halt == LOBSTER_HALTED;
    counts->quotes_resumed += row->halt == LOBSTER_QUOTES_RESUMED;
    counts->resumes += row->halt == LOBSTER_TRADING_RESUMED;
}

/* Keeps up with a line. False: there is no memory. */
static bool follow(struct lobster *lobster, const struct lobster_row *row, struct change *change)
{
    *change = (struct change){0};
    if (row->type == LOBSTER_NEW)
        return enter(lobster, row);
    if (row->type <= LOBSTER_EXECUTE)
        shrink(lobster, row, change);
    else
        count(&lobster->executions.counts, row);
    return true;
}

/* -- What it becomes. -------------------------------------------------------------------------- */

static void *begin(struct mr_command *command, uint16_t type, size_t size)
{
    command->type = type;
    command->length = MR_COMMAND_HEADER + (uint32_t)size;
    return mr_command_body_mutable(command);
}

static void make_new(const struct lobster_row *row, struct mr_command *command)
{
    struct mr_book_order_new *body = begin(command, MR_BOOK_ORDER_NEW, sizeof *body);
    *body = (struct mr_book_order_new){
        .order = row->order,
        .price = row->price,
        .quantity = row->size,
        .instrument = INSTRUMENT,
        .side = row->sells ? MR_BOOK_SIDE_SELL : MR_BOOK_SIDE_BUY,
    };
}

/* The total, less what was cancelled: whatever of the order is filled in the book, it never gets
 * more, so that it keeps its place. */
static void make_reduction(const struct lobster_row *row, const struct change *change,
                           struct mr_command *command)
{
    struct mr_book_order_replace *body = begin(command, MR_BOOK_ORDER_REPLACE, sizeof *body);
    *body = (struct mr_book_order_replace){
        .order = row->order,
        .price = row->price,
        .quantity = change->total,
        .instrument = INSTRUMENT,
        .basis = MR_BOOK_BASIS_TOTAL,
    };
}

static void make_cancel(const struct lobster_row *row, struct mr_command *command)
{
    struct mr_book_order_cancel *body = begin(command, MR_BOOK_ORDER_CANCEL, sizeof *body);
    *body = (struct mr_book_order_cancel){.order = row->order, .instrument = INSTRUMENT};
}

static void make_execution(const struct lobster *lobster, const struct lobster_row *row,
                           const struct change *change, struct mr_command *command)
{
    struct mr_book_order_new *body = begin(command, MR_BOOK_ORDER_NEW, sizeof *body);
    command->correlation = row->order;
    *body = (struct mr_book_order_new){
        .order = (change->earlier ? EXECUTION_OF_EARLIER : EXECUTION_FIRST) + lobster->lines.number,
        .price = row->price,
        .quantity = row->size,
        .instrument = INSTRUMENT,
        .side = row->sells ? MR_BOOK_SIDE_BUY : MR_BOOK_SIDE_SELL,
        .tif = MR_BOOK_TIF_IOC,
    };
}

/* Only operators halt and resume. */
static void make_phase(const struct lobster *lobster, const struct lobster_row *row,
                       struct mr_command *command)
{
    struct mr_book_phase_set *body = begin(command, MR_BOOK_PHASE_SET, sizeof *body);
    command->role = MR_ROLE_OPERATOR;
    command->session = SESSION_OPERATOR;
    command->request += lobster->source.setup_count;
    *body = (struct mr_book_phase_set){
        .instrument = INSTRUMENT,
        .phase = row->halt == LOBSTER_HALTED ? MR_BOOK_PHASE_HALTED : MR_BOOK_PHASE_CONTINUOUS,
    };
}

/* False: the line becomes no command. */
static bool translate(const struct lobster *lobster, const struct lobster_row *row,
                      const struct change *change, struct mr_command *command)
{
    switch (row->type) {
    case LOBSTER_NEW:
        make_new(row, command);
        return true;
    case LOBSTER_REDUCE:
        if (change->ends && !change->earlier)
            make_cancel(row, command);
        else
            make_reduction(row, change, command);
        return true;
    case LOBSTER_DELETE:
        make_cancel(row, command);
        return true;
    case LOBSTER_EXECUTE:
        make_execution(lobster, row, change, command);
        return true;
    case LOBSTER_HALT:
        make_phase(lobster, row, command);
        return row->halt != LOBSTER_QUOTES_RESUMED;
    case LOBSTER_EXECUTE_HIDDEN:
    case LOBSTER_CROSS:
        break;
    }
    return false;
}

/* -- The source. ------------------------------------------------------------------------------- */

/* The next line, as a row; SOURCE_COMMAND only says that there is one. */
static enum source_outcome read_row(struct lobster *lobster, struct lobster_row *row,
                                    struct change *change, struct mr_error *error)
{
    const char *line;
    size_t length;
    bool whole; /* a missing newline cuts nothing: no direction is the beginning of another */
    struct lobster_flaw flaw;
    enum lines_outcome outcome = lines_next(&lobster->lines, &line, &length, &whole, error);
    if (outcome != LINES_LINE)
        return source_of_lines(outcome);
    if (!lobster_parse(line, length, row, &flaw))
        return bad(lobster, &flaw, error);
    if (row->time_ns > UINT64_MAX - lobster->midnight_ns) {
        flaw = (struct lobster_flaw){.reason = "the time would be after the year 2554"};
        return bad(lobster, &flaw, error);
    }
    if (!follow(lobster, row, change)) {
        mr_error_set(error, MR_E_NO_MEMORY, "%s:%llu: no memory to remember %llu orders",
                     lobster->lines.name, (unsigned long long)lobster->lines.number,
                     (unsigned long long)lobster->orders.count);
        return SOURCE_FAILED;
    }
    return SOURCE_COMMAND;
}

/* Before the first command: reads what an earlier run has done again, to know which orders live.
 * Line numbers are request numbers, so the last one that was done is known from the sessions. */
static int position(struct lobster *lobster, struct mr_error *error)
{
    uint64_t setup = lobster->source.setup_count;
    uint64_t operated = lobster->source.operator_last;
    uint64_t last =
        operated > setup && operated - setup > lobster->last ? operated - setup : lobster->last;
    struct lobster_row row = {0};
    struct change change = {0};
    lobster->positioned = true;
    while (lobster->lines.number < last) {
        /* A malformed line was told when it was passed over. */
        enum source_outcome outcome = read_row(lobster, &row, &change, error);
        if (outcome == SOURCE_END)
            return mr_error_set(error, MR_E_MISMATCH, "%s has %llu lines, but line %llu is done",
                                lobster->lines.name, (unsigned long long)lobster->lines.number,
                                (unsigned long long)last);
        if (outcome == SOURCE_FAILED)
            return error->code;
    }
    return MR_OK;
}

static enum source_outcome lobster_next(struct source *source, struct mr_command *command,
                                        struct mr_error *error)
{
    struct lobster *lobster = (struct lobster *)source;
    struct lobster_row row = {0};
    struct change change = {0};
    if (!lobster->positioned && position(lobster, error) != MR_OK)
        return SOURCE_FAILED;
    for (;;) {
        enum source_outcome outcome = read_row(lobster, &row, &change, error);
        if (outcome != SOURCE_COMMAND)
            return outcome;
        *command = (struct mr_command){
            .role = lobster->role,
            .time_ns = lobster->midnight_ns + row.time_ns,
            .session = lobster->session,
            .request = lobster->lines.number,
        };
        if (translate(lobster, &row, &change, command))
            return SOURCE_COMMAND;
    }
}

static int lobster_resume(struct source *source, uint64_t last, struct mr_error *error)
{
    struct lobster *lobster = (struct lobster *)source;
    lobster->last = last;
    return position(lobster, error);
}

static void lobster_close(struct source *source)
{
    struct lobster *lobster = (struct lobster *)source;
    lines_close(&lobster->lines);
    order_map_free(&lobster->orders);
    executions_free(&lobster->executions);
    free(lobster);
}

static const struct source_calls calls = {
    .next = lobster_next, .resume = lobster_resume, .close = lobster_close};

/* The same file on another day is another input. */
static void mix_date(struct lobster *lobster)
{
    struct {
        struct mr_digest file;
        uint64_t midnight_ns;
    } both = {lobster->source.fingerprint, lobster->midnight_ns};
    lobster->source.fingerprint = mr_digest_of(&both, sizeof both);
}

static int open_file(struct lobster *lobster, const struct source_options *options,
                     struct mr_error *error)
{
    if (options->date != NULL && !lobster_date(options->date, &lobster->midnight_ns))
        return mr_error_set(error, MR_E_INVALID,
                            "--date wants a day as YYYY-MM-DD, from 1970-01-01 to 2553-12-31, "
                            "not '%s'",
                            options->date);
    int status = lines_open(&lobster->lines, options->input, error);
    if (status != MR_OK)
        return status;
    status =
        lines_survey(&lobster->lines, &lobster->source.fingerprint, &lobster->source.total, error);
    mix_date(lobster);
    return status;
}

int source_lobster_open(const struct source_options *options, struct source **source,
                        struct mr_error *error)
{
    int status = source_requires_book(options, "lobster", error);
    if (status != MR_OK)
        return status;
    struct lobster *lobster = calloc(1, sizeof *lobster);
    if (lobster == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "%s: no memory", options->input);
    *lobster = (struct lobster){
        .source = {.calls = &calls, .kind = "lobster", .clock = MR_CLOCK_INPUT},
        .lines = {.file = -1},
        .session = options->session,
        .role = (uint8_t)options->role,
    };
    status = open_file(lobster, options, error);
    if (status != MR_OK) {
        lobster_close(&lobster->source);
        return status;
    }
    source_instrument_define(&lobster->definition, 1, &stock);
    lobster->setup[0] = &lobster->definition.header;
    lobster->source.setup = lobster->setup;
    lobster->source.setup_count = 1;
    lobster->source.executions = &lobster->executions;
    *source = &lobster->source;
    return MR_OK;
}
