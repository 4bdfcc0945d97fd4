/*
 * What becomes of an exchange's executions when a book of ours has them again: whether the fills of
 * each hit the very order that the exchange's book hit.
 *
 * It is learnt from the events alone, of this run and of earlier ones, so that it is the same
 * however often a run was killed. An importer sends an execution as an order with an id from
 * EXECUTION_FIRST on, and with the id of the order that the exchange filled as its correlation,
 * which comes back in every event.
 */
#ifndef MR_TOOLS_EXECUTIONS_H
#define MR_TOOLS_EXECUTIONS_H

#include "tools/json.h"
#include "tools/order_map.h"

#include <millrace/error.h>
#include <millrace/logic.h>
#include <millrace/message.h>

/* Ids of executions: these and the number of the line. Feeds have smaller ones. */
#define EXECUTION_FIRST UINT64_C(0x8000000000000000)
/* Of those of an order that the file has not entered, so that it stood before the file began. */
#define EXECUTION_OF_EARLIER UINT64_C(0xc000000000000000)

enum { EXECUTIONS_INSTRUMENT = 1 };

/* What was rejected: by what was sent. */
enum execution_reject {
    EXECUTION_REJECT_NEW,
    EXECUTION_REJECT_CANCEL,
    EXECUTION_REJECT_REPLACE,
    EXECUTION_REJECT_EXECUTION,
    EXECUTION_REJECTS
};
enum { EXECUTION_REASONS = 128 };

/* Every execution is counted once among the same, other and unknown ones. */
struct execution_counts {
    uint64_t same_order; /* every fill hit the order that the exchange filled */
    /* That order is in the book, but */
    uint64_t passed_over;    /* some fill hit another one */
    uint64_t nothing_filled; /* there was no fill */
    /* That order is not in the book: */
    uint64_t earlier_nothing, earlier_other; /* it stood before the file began */
    uint64_t gone_nothing, gone_other;       /* it was entered, but is there no more */
    /* Besides. */
    uint64_t unfilled, unfilled_quantity; /* executions that were not filled whole, and by what */
    uint64_t traded_at_once;              /* new orders that did, and on the exchange rested */
    uint64_t rejects[EXECUTION_REJECTS][EXECUTION_REASONS];
    /* What an importer has read and not sent. */
    uint64_t hidden, crosses, quotes_resumed;
    uint64_t halts, resumes; /* sent, too */
};

/* The execution whose events are coming. */
struct execution {
    uint64_t order; /* its id, 0: none */
    uint64_t filled_order;
    uint64_t same, other; /* fills */
    bool known;           /* the order that the exchange filled was in the book */
};

struct executions {
    struct execution_counts counts;
    struct execution now;
    struct order_map live; /* orders that rest in the book */
    uint64_t trader;       /* the last new order that traded at once */
    bool no_memory;
};

void executions_free(struct executions *executions);

/* Takes the next event of the directory; they must all come, from the first one on. */
void executions_event(struct executions *executions, const struct mr_event *event);

/* The events of a directory up to sequence `to`, from its journal: for a run that goes on. The
 * codes of mr_replay_open. */
int executions_replay(struct executions *executions, const char *directory, uint64_t to,
                      struct mr_error *error);

/* Behind the last event. MR_E_NO_MEMORY: there was too little for all orders. */
int executions_finish(struct executions *executions, struct mr_error *error);

/* Fields of a summary; and the same for people, on standard output. */
void executions_write_json(const struct execution_counts *counts, const struct mr_catalog *catalog,
                           struct json *json);
void executions_print(const struct execution_counts *counts, const struct mr_catalog *catalog);

#endif
