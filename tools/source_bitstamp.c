/*
 * The full-depth order feed of the Bitstamp exchange, as a comma-separated file: see
 * docs/import-bitstamp.md, which says what each line becomes.
 */
#include "tools/csv.h"
#include "tools/lines.h"
#include "tools/sources.h"

#include "base/assert.h"

#include <millrace/book.h>

#include <stdlib.h>
#include <string.h>

const char source_bitstamp_header[] =
    "id,timestamp,exchange.timestamp,price,volume,action,direction";

enum { COLUMNS = 7, PRICE_DECIMALS = 2, VOLUME_DECIMALS = 8, INSTRUMENT = 1 };
enum { NS_PER_MS = 1000000 };

/* Nobody pays a million dollars for one, and there are no more than 21 million of them. */
static const struct mr_book_instrument_define btcusd = {
    .symbol = "BTCUSD",
    .price_min = 1,
    .price_max = 100000000,
    .quantity_max = UINT64_C(2100000000000000),
    .instrument = INSTRUMENT,
    .price_decimals = PRICE_DECIMALS,
    .quantity_decimals = VOLUME_DECIMALS,
};

enum action { CREATED, CHANGED, DELETED };

struct row {
    uint64_t id;
    uint64_t time_ms;
    uint64_t price;
    uint64_t volume;
    enum action action;
    enum mr_book_side side;
};

struct bitstamp {
    struct source source;
    struct lines lines;
    uint64_t session;
    uint8_t role;
    struct source_setup definition;
    const struct mr_command *setup[1];
};

/* A malformed line: names file, line, reason and, unless NULL, the field. */
static bool bad(const struct bitstamp *bitstamp, const struct csv_field *field, const char *reason,
                struct mr_error *error)
{
    char text[CSV_SHOW_SIZE];
    mr_error_set(error, MR_E_INVALID, "%s:%llu: %s%s%s", bitstamp->lines.name,
                 (unsigned long long)bitstamp->lines.number, reason, field == NULL ? "" : ": ",
                 field == NULL ? "" : csv_show(*field, text));
    return false;
}

static bool parse_names(const struct bitstamp *bitstamp, const struct csv_field *fields,
                        struct row *row, struct mr_error *error)
{
    if (csv_is(fields[5], "created"))
        row->action = CREATED;
    else if (csv_is(fields[5], "changed"))
        row->action = CHANGED;
    else if (csv_is(fields[5], "deleted"))
        row->action = DELETED;
    else
        return bad(bitstamp, &fields[5], "the action is not created, changed or deleted", error);
    if (csv_is(fields[6], "bid"))
        row->side = MR_BOOK_SIDE_BUY;
    else if (csv_is(fields[6], "ask"))
        row->side = MR_BOOK_SIDE_SELL;
    else
        return bad(bitstamp, &fields[6], "the direction is not bid or ask", error);
    return true;
}

static bool parse(const struct bitstamp *bitstamp, const char *line, size_t length, struct row *row,
                  struct mr_error *error)
{
    struct csv_field fields[COLUMNS];
    uint64_t ignored;
    if (length > 0 && line[length - 1] == '\r')
        return bad(bitstamp, NULL, "the line ends with CR LF, not with LF alone", error);
    if (csv_split(line, length, fields, COLUMNS) != COLUMNS)
        return bad(bitstamp, NULL, "the line does not have 7 columns", error);
    if (!csv_u64(fields[0], &row->id))
        return bad(bitstamp, &fields[0], "the id is not a whole number", error);
    if (!csv_u64(fields[1], &row->time_ms) || row->time_ms > UINT64_MAX / NS_PER_MS)
        return bad(bitstamp, &fields[1], "the timestamp is not a time in ms", error);
    if (!csv_u64(fields[2], &ignored))
        return bad(bitstamp, &fields[2], "the exchange.timestamp is not a time in ms", error);
    if (!csv_decimal(fields[3], PRICE_DECIMALS, &row->price) || row->price > INT64_MAX)
        return bad(bitstamp, &fields[3], "the price is not a number with at most 2 decimals",
                   error);
    if (!csv_u64(fields[4], &row->volume))
        return bad(bitstamp, &fields[4], "the volume is not a whole number", error);
    if (!parse_names(bitstamp, fields, row, error))
        return false;
    if (row->volume == 0 && row->action != DELETED)
        return bad(bitstamp, NULL, "the volume of an order that stays is 0", error);
    return true;
}

static void translate(const struct row *row, struct mr_command *command)
{
    void *body = mr_command_body_mutable(command);
    switch (row->action) {
    case CREATED:
        command->type = MR_BOOK_ORDER_NEW;
        command->length = MR_COMMAND_HEADER + sizeof(struct mr_book_order_new);
        *(struct mr_book_order_new *)body = (struct mr_book_order_new){
            .order = row->id,
            .price = (int64_t)row->price,
            .quantity = row->volume,
            .instrument = INSTRUMENT,
            .side = (uint8_t)row->side,
            .kind = MR_BOOK_KIND_LIMIT,
            .tif = MR_BOOK_TIF_GTC,
        };
        break;
    case CHANGED:
        command->type = MR_BOOK_ORDER_REPLACE;
        command->length = MR_COMMAND_HEADER + sizeof(struct mr_book_order_replace);
        *(struct mr_book_order_replace *)body = (struct mr_book_order_replace){
            .order = row->id,
            .price = (int64_t)row->price,
            .quantity = row->volume,
            .instrument = INSTRUMENT,
            .basis = MR_BOOK_BASIS_OPEN,
        };
        break;
    case DELETED:
        command->type = MR_BOOK_ORDER_CANCEL;
        command->length = MR_COMMAND_HEADER + sizeof(struct mr_book_order_cancel);
        *(struct mr_book_order_cancel *)body =
            (struct mr_book_order_cancel){.order = row->id, .instrument = INSTRUMENT};
        break;
    }
}

static enum source_outcome bitstamp_next(struct source *source, struct mr_command *command,
                                         struct mr_error *error)
{
    struct bitstamp *bitstamp = (struct bitstamp *)source;
    const char *line;
    size_t length;
    bool whole; /* a missing newline cuts nothing: no direction is the beginning of another */
    struct row row;
    enum lines_outcome outcome = lines_next(&bitstamp->lines, &line, &length, &whole, error);
    if (outcome != LINES_LINE)
        return source_of_lines(outcome);
    if (!parse(bitstamp, line, length, &row, error))
        return SOURCE_BAD;
    *command = (struct mr_command){
        .role = bitstamp->role,
        .time_ns = row.time_ms * NS_PER_MS,
        .session = bitstamp->session,
        .request = bitstamp->lines.number,
    };
    translate(&row, command);
    return SOURCE_COMMAND;
}

static int bitstamp_resume(struct source *source, uint64_t last, struct mr_error *error)
{
    struct bitstamp *bitstamp = (struct bitstamp *)source;
    const char *line;
    size_t length;
    bool whole;
    while (bitstamp->lines.number < last) {
        enum lines_outcome outcome = lines_next(&bitstamp->lines, &line, &length, &whole, error);
        if (outcome == LINES_FAILED)
            return MR_E_IO;
        if (outcome == LINES_END)
            return mr_error_set(error, MR_E_MISMATCH,
                                "%s has %llu lines, but line %llu was applied already",
                                bitstamp->lines.name, (unsigned long long)bitstamp->lines.number,
                                (unsigned long long)last);
    }
    return MR_OK;
}

static void bitstamp_close(struct source *source)
{
    struct bitstamp *bitstamp = (struct bitstamp *)source;
    lines_close(&bitstamp->lines);
    free(bitstamp);
}

static const struct source_calls calls = {
    .next = bitstamp_next, .resume = bitstamp_resume, .close = bitstamp_close};

static int read_header(struct bitstamp *bitstamp, struct mr_error *error)
{
    const char *line;
    size_t length;
    bool whole;
    enum lines_outcome outcome = lines_next(&bitstamp->lines, &line, &length, &whole, error);
    if (outcome == LINES_FAILED)
        return MR_E_IO;
    struct csv_field header = {line, length};
    if (outcome == LINES_LINE && csv_is(header, source_bitstamp_header))
        return MR_OK;
    if (outcome == LINES_LINE && length > 0 && line[length - 1] == '\r')
        return mr_error_set(error, MR_E_INVALID,
                            "%s:1: the line ends with CR LF, not with LF alone",
                            bitstamp->lines.name);
    return mr_error_set(error, MR_E_INVALID, "%s:1: the header is not %s", bitstamp->lines.name,
                        source_bitstamp_header);
}

int source_bitstamp_open(const struct source_options *options, struct source **source,
                         struct mr_error *error)
{
    int status = source_requires_book(options, "bitstamp", error);
    if (status != MR_OK)
        return status;
    struct bitstamp *bitstamp = calloc(1, sizeof *bitstamp);
    if (bitstamp == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "%s: no memory", options->input);
    *bitstamp = (struct bitstamp){
        .source = {.calls = &calls, .kind = "bitstamp", .clock = MR_CLOCK_INPUT},
        .session = options->session,
        .role = (uint8_t)options->role,
    };
    source_instrument_define(&bitstamp->definition, 1, &btcusd);
    bitstamp->setup[0] = &bitstamp->definition.header;
    bitstamp->source.setup = bitstamp->setup;
    bitstamp->source.setup_count = 1;

    uint64_t count = 0;
    status = lines_open(&bitstamp->lines, options->input, error);
    if (status == MR_OK)
        status = lines_survey(&bitstamp->lines, &bitstamp->source.fingerprint, &count, error);
    if (status == MR_OK)
        status = read_header(bitstamp, error);
    if (status != MR_OK) {
        bitstamp_close(&bitstamp->source);
        return status;
    }
    ASSERT(count >= 1);
    bitstamp->source.total = count - 1;
    *source = &bitstamp->source;
    return MR_OK;
}
