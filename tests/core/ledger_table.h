/*
 * Replays test tables against the ledger, in the form that TigerBeetle's public tests have them:
 *
 *     table closed accounts                                    // begins one, with a new ledger
 *     account  A1 0 0 0 0 U1 U1 U1 _ L1 C1 _ D<C _ HIST IMP CLSD _ 0 created
 *     commit create_accounts                                   // what stands above, as one request
 *     setup    A1 0 0 0 20                                     // sets balances by force
 *     tick     1 seconds                                       // lets time pass
 *     transfer T1 A1 A2 5 T9 U1 U1 U1 60 L1 C1 LNK PEN POS VOI BDR BCR IMP CDR CCR _ 0 ok
 *     commit create_transfers
 *     lookup_account A1 0 5 0 20 CLSD | _                     // balances, and whether it is closed
 *     lookup_transfer T1 exists true | amount 5 | timestamp 7
 *     get_account_transfers A1 U1 U1 U1 C1 T1 T9 10 DR CR REV  // T1 to T9: by their timestamps
 *     get_account_balances  ...                                // the same
 *     query_accounts        U1 U1 U1 L1 C1 A1 A9 10 REV        // query_transfers: the same
 *     ..._result ...                                           // of the query above, row by row
 *
 * A letter before a number is for the reader; -N is the largest number of that width less N; _ is
 * the default. Event i of a request (from 1) gets the timestamp `time + 1 + i`, and time goes on by
 * 1 and the number of events with each; it begins at 0. A row with //! at its end is known to
 * differ: that it does is counted by itself, and that it does not is a difference.
 */
#ifndef MR_TESTS_CORE_LEDGER_TABLE_H
#define MR_TESTS_CORE_LEDGER_TABLE_H

#include <stdint.h>
#include <stdio.h>

struct ledger_tables {
    uint32_t tables;
    uint32_t rows;        /* that were compared: events, lookups, queries */
    uint32_t differences; /* each is told in `out` */
    uint32_t known;       /* differences of rows that say so */
    uint32_t skipped;     /* rows of get_change_events, which this ledger's events are for */
    uint32_t errors;      /* rows that are not understood */
};

/* All tables of a text, which is changed; `name` is that of its file. */
void ledger_tables_replay(const char *name, char *text, FILE *out, struct ledger_tables *report);

#endif
