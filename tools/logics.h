/*
 * The logics that the tool knows: those that come with it, and those of shared objects that the
 * user names (MR_LOGIC_PLUGIN in <millrace/logic.h>).
 */
#ifndef MR_TOOLS_LOGICS_H
#define MR_TOOLS_LOGICS_H

#include <millrace/error.h>
#include <millrace/logic.h>

enum { LOGICS_MAX = 16 };

/* All of them, ended by NULL, as mr_replay_options wants it. Whatever a command does with a data
 * directory, it finds the logic by the name in the journal's genesis. */
extern const struct mr_logic *logics_known[LOGICS_MAX + 1];

/* The row of an option that says which logic: its value is for logic_chosen. */
#define OPTION_LOGIC(O, tag)                                \
    O(tag, text, logic, "book|ledger|NAME|FILE.so", "book", \
      "the business logic: one that is known, or that of a shared object")

/* Loads the logic of a shared object, and makes it known; *logic (may be NULL) is it. MR_E_INVALID,
 * with a message that names the file. One that is known already is not loaded again. */
int logics_load(const char *path, const struct mr_logic **logic, struct mr_error *error);

/* The same for each path of a list with colons between them; NULL or "": none. */
int logics_load_all(const char *paths, struct mr_error *error);

/* The logic of that name, or of a shared object if it has a slash in it or ends in ".so".
 * MR_E_INVALID: there is none; the message lists those that are known. */
int logic_chosen(const char *name, const struct mr_logic **logic, struct mr_error *error);

#endif
