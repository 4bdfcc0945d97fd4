/*
 * Walking over a directory's journal, entry by entry, as `dump` and `verify` do: no lock, no
 * writing, beside a running engine or on what a dead one left.
 */
#ifndef MR_TOOLS_WALK_H
#define MR_TOOLS_WALK_H

#include <millrace/journal.h>
#include <millrace/logic.h>

struct walk {
    struct mr_storage *storage;
    struct mr_recovery plan; /* what is there */
    struct mr_damage damage; /* filled in with MR_E_CORRUPT */
    struct mr_reader *reader;
    struct mr_command *genesis;
    const struct mr_logic *logic; /* that genesis names */
};

/* Opens a directory and finds out what it holds; `plan.last_index` is 0 when there is a journal
 * without any entry. Codes of
 * mr_journal_plan. walk_close also after a failure. */
int walk_open(struct walk *walk, const char *directory, struct mr_error *error);

/* Goes to the entry that holds sequence `from` (0: the first). There is at least one entry.
 * MR_E_INVALID (the journal ends before it), MR_E_NOT_FOUND (it begins behind it), MR_E_IO. */
int walk_begin(struct walk *walk, uint64_t from, struct mr_error *error);

/* Reads genesis, to find walk->logic; there is at least one entry. MR_E_MISMATCH (none that is
 * known), MR_E_VERSION, MR_E_CORRUPT, MR_E_IO, MR_E_NO_MEMORY. */
int walk_find_logic(struct walk *walk, struct mr_error *error);

void walk_close(struct walk *walk);

/* MR_OK: the next entry, in memory until the next call; MR_AGAIN: there is none; MR_E_CORRUPT (also
 * when its commands do not make it up: they have no length, or another sequence), MR_E_IO. */
int walk_next(struct walk *walk, const struct mr_entry **entry, struct mr_error *error);

/* The commands of an entry that walk_next gave: calls `each` for those from sequence `from` to
 * `to`. It stops, and returns false, when `each` does. */
bool walk_commands(const struct mr_entry *entry, uint64_t from, uint64_t to,
                   bool (*each)(void *context, const struct mr_command *command), void *context);

#endif
