/*
 * A line of a LOBSTER message file, and the day it belongs to. docs/import-lobster.md tells the
 * format.
 */
#ifndef MR_TOOLS_LOBSTER_H
#define MR_TOOLS_LOBSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lobster_type {
    LOBSTER_NEW = 1,
    LOBSTER_REDUCE,  /* a part of an order is cancelled */
    LOBSTER_DELETE,  /* all of it */
    LOBSTER_EXECUTE, /* a visible order is executed, whole or in part */
    LOBSTER_EXECUTE_HIDDEN,
    LOBSTER_CROSS, /* an auction's trade */
    LOBSTER_HALT,  /* or the end of one: the price says which */
};

enum lobster_halt { LOBSTER_HALTED, LOBSTER_QUOTES_RESUMED, LOBSTER_TRADING_RESUMED };

struct lobster_row {
    uint64_t time_ns; /* after midnight */
    enum lobster_type type;
    /* Of types 1 to 4. */
    uint64_t order;
    uint64_t size;
    int64_t price;
    bool sells; /* the order that rests */
    /* Of type 7. */
    enum lobster_halt halt;
};

/* What is wrong with a line, in words, and the column (from 1; 0: the whole line). */
struct lobster_flaw {
    const char *reason;
    uint32_t column;
    const char *field;
    size_t length;
};

/* Reads a line, without its newline. */
bool lobster_parse(const char *line, size_t length, struct lobster_row *row,
                   struct lobster_flaw *flaw);

/* Reads YYYY-MM-DD, from 1970 on, as the time at which that day begins, in UTC. */
bool lobster_date(const char *text, uint64_t *time_ns);

#endif
