/*
 * What the state looks like, as a picture in the terminal: the top of order books, a level a line,
 * with a bar for its quantity; ledgers, with the accounts that moved most.
 */
#ifndef MR_TOOLS_PICTURE_H
#define MR_TOOLS_PICTURE_H

#include <millrace/image.h>
#include <millrace/logic.h>

#include <stdint.h>

/* Draws the `books_max` instruments that traded most, `levels_max` levels a side, on standard
 * output. Draws nothing for a logic that has no books. The image stands still. */
void picture_books(const struct mr_image *image, const struct mr_logic *logic, uint32_t books_max,
                   uint32_t levels_max);

/* The same of ledgers: draws nothing for another logic. */
void picture_ledgers(const struct mr_image *image, const struct mr_logic *logic);

struct json;
struct mr_ledger;
/* An array `ledgers`, of the first hundred of them: number, accounts, what is posted and pending
 * (on the debit side, which is that of the credit side, too). */
void picture_ledgers_put(const struct mr_ledger *ledger, struct json *json);

#endif
