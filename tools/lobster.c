#include "tools/lobster.h"

#include "tools/csv.h"
#include "tools/executions.h"

#include <string.h>

enum { COLUMNS = 6, TIME_DECIMALS = 9 };
enum { TIME, TYPE, ORDER, SIZE, PRICE, DIRECTION };

static bool bad(const struct csv_field *fields, uint32_t column, const char *reason,
                struct lobster_flaw *flaw)
{
    const struct csv_field *field = &fields[column];
    *flaw = (struct lobster_flaw){reason, column + 1, field->text, field->length};
    return false;
}

/* The line as a whole. */
static bool bad_line(const char *reason, struct lobster_flaw *flaw)
{
    *flaw = (struct lobster_flaw){.reason = reason};
    return false;
}

/* Digits, which a minus may precede. */
static bool is_integer(struct csv_field field)
{
    uint64_t value;
    if (field.length > 0 && field.text[0] == '-') {
        field.text++;
        field.length--;
    }
    return csv_u64(field, &value);
}

/* What tells of an order: types 1 to 4. */
static bool parse_order(const struct csv_field *fields, struct lobster_row *row,
                        struct lobster_flaw *flaw)
{
    uint64_t price;
    if (!csv_u64(fields[ORDER], &row->order) || row->order >= EXECUTION_FIRST)
        return bad(fields, ORDER, "the order id is not a whole number below 2^63", flaw);
    if (!csv_u64(fields[SIZE], &row->size) || row->size == 0)
        return bad(fields, SIZE, "the size is not a whole number above 0", flaw);
    if (!csv_u64(fields[PRICE], &price) || price == 0 || price > INT64_MAX)
        return bad(fields, PRICE, "the price is not a whole number above 0", flaw);
    row->price = (int64_t)price;
    row->sells = csv_is(fields[DIRECTION], "-1");
    if (!row->sells && !csv_is(fields[DIRECTION], "1"))
        return bad(fields, DIRECTION, "the direction is not 1 or -1", flaw);
    return true;
}

/* What is only counted, and halts, say nothing in most columns, in one way or another: an order id
 * of 0, or below. */
static bool parse_other(const struct csv_field *fields, struct lobster_row *row,
                        struct lobster_flaw *flaw)
{
    if (!is_integer(fields[ORDER]))
        return bad(fields, ORDER, "the order id is not a whole number", flaw);
    if (!is_integer(fields[SIZE]))
        return bad(fields, SIZE, "the size is not a whole number", flaw);
    if (!is_integer(fields[PRICE]))
        return bad(fields, PRICE, "the price is not a whole number", flaw);
    if (!is_integer(fields[DIRECTION]))
        return bad(fields, DIRECTION, "the direction is not a whole number", flaw);
    if (row->type != LOBSTER_HALT)
        return true;
    if (csv_is(fields[PRICE], "-1"))
        row->halt = LOBSTER_HALTED;
    else if (csv_is(fields[PRICE], "0"))
        row->halt = LOBSTER_QUOTES_RESUMED;
    else if (csv_is(fields[PRICE], "1"))
        row->halt = LOBSTER_TRADING_RESUMED;
    else
        return bad(fields, PRICE, "the price of a halt is not -1, 0 or 1", flaw);
    return true;
}

bool lobster_parse(const char *line, size_t length, struct lobster_row *row,
                   struct lobster_flaw *flaw)
{
    struct csv_field fields[COLUMNS];
    *row = (struct lobster_row){0};
    if (length > 0 && line[length - 1] == '\r')
        return bad_line("the line ends with CR LF, not with LF alone", flaw);
    if (csv_split(line, length, fields, COLUMNS) != COLUMNS)
        return bad_line("the line does not have 6 columns", flaw);
    if (!csv_decimal(fields[TIME], TIME_DECIMALS, &row->time_ns))
        return bad(fields, TIME, "the time is not seconds with at most 9 decimals", flaw);
    uint64_t type;
    if (fields[TYPE].length != 1 || !csv_u64(fields[TYPE], &type) || type < LOBSTER_NEW ||
        type > LOBSTER_HALT)
        return bad(fields, TYPE, "the type is not 1 to 7", flaw);
    row->type = (enum lobster_type)type;
    return row->type <= LOBSTER_EXECUTE ? parse_order(fields, row, flaw)
                                        : parse_other(fields, row, flaw);
}

/* -- Dates. ------------------------------------------------------------------------------------ */

static bool is_leap(uint64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint64_t days_of(uint64_t year, uint64_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (uint64_t)(month == 2 && is_leap(year));
}

bool lobster_date(const char *text, uint64_t *time_ns)
{
    enum { YEAR_MIN = 1970, YEAR_MAX = 2553 }; /* times fit into 64 bits of ns until 2554 */
    const uint64_t day_ns = UINT64_C(86400000000000);
    uint64_t year, month, day, days = 0;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' ||
        !csv_u64((struct csv_field){text, 4}, &year) ||
        !csv_u64((struct csv_field){text + 5, 2}, &month) ||
        !csv_u64((struct csv_field){text + 8, 2}, &day))
        return false;
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > days_of(year, month))
        return false;
    for (uint64_t past = YEAR_MIN; past < year; past++)
        days += is_leap(past) ? 366 : 365;
    for (uint64_t past = 1; past < month; past++)
        days += days_of(year, past);
    *time_ns = (days + day - 1) * day_ns;
    return true;
}
