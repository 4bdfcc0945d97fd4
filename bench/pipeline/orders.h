/*
 * What all rows of bench_pipeline send: half new orders near a fixed price over ten instruments, of
 * which some cross, and half cancels of what rests. Command `index` (from 0) is always the same.
 */
#ifndef MR_BENCH_PIPELINE_ORDERS_H
#define MR_BENCH_PIPELINE_ORDERS_H

#include <millrace/millrace.h>

enum {
    ORDERS_INSTRUMENTS = 10,
    ORDERS_OPERATOR = 1, /* the session that defines the instruments */
    ORDERS_SESSION = 2,  /* the one that sends the orders, with requests from 1 */
};

union order {
    struct mr_command header;
    unsigned char bytes[128];
};

/* Once, before any order is made. */
void orders_begin(void);

/* Makes command `index` of the session. Cheap: it is done while the clock runs. */
void orders_make(uint64_t index, union order *order);

/* The command that defines instrument `number` (from 1). */
void orders_instrument(uint32_t number, union order *order);

#endif
