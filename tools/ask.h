/*
 * A question to an image, put together out of the words of a command line: the name of a query of
 * the catalog, then values, in the order of its fields, or key=value.
 *
 *     account 7            ?account id=7
 *     depth 1 side=buy     ?book_depth instrument=1 side=buy
 */
#ifndef MR_TOOLS_ASK_H
#define MR_TOOLS_ASK_H

#include "tools/options.h"

#include <millrace/logic.h>

#include <stdalign.h>

enum { ASK_SIZE = 1024, ASK_LINE_SIZE = 4096 };

struct ask {
    const struct mr_message *message;
    char line[ASK_LINE_SIZE]; /* as it is typed to `millrace send` */
    alignas(8) unsigned char query[ASK_SIZE];
};

/* What the words ask of `logic`. MR_E_INVALID: there is no such query, or field, or value. */
int ask_of(const struct mr_logic *logic, const struct option_words *words, struct ask *ask,
           struct mr_error *error);

/* The query of that name, also without the logic's name in front; NULL: there is none. */
const struct mr_message *ask_named(const struct mr_logic *logic, const char *name);

/* Prints what can be asked of `logic`, for people. */
void ask_list(const struct mr_logic *logic);

#endif
