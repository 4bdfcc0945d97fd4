/*
 * Which messages name a thing: transfer 7, account 7, order 42. By the catalog alone: of the kind
 * KIND, a message names ID in
 *
 *     a field KIND, new_KIND, KIND_id or ANYTHING_KIND_id
 *     the field `id` of a message KIND_ANYTHING or ANYTHING_KIND
 *     pending_id (a transfer), maker, taker (orders)
 */
#ifndef MR_TOOLS_MENTION_H
#define MR_TOOLS_MENTION_H

#include <millrace/error.h>
#include <millrace/logic.h>

#include <stdbool.h>

struct mention; /* a field of a message, and the bytes that it has to have */

struct mentions {
    struct mention *list;
    uint32_t count, room;
};

/* Where messages of `logic` name the thing. MR_E_INVALID: nowhere, there is no such kind of thing
 * (the message says which there are), or the id is none. MR_E_NO_MEMORY. */
int mentions_find(const struct mr_logic *logic, const char *kind, const char *id,
                  struct mentions *mentions, struct mr_error *error);
void mentions_free(struct mentions *mentions);

bool mentions_command(const struct mentions *mentions, const struct mr_command *command);
bool mentions_event(const struct mentions *mentions, const struct mr_event *event);

#endif
