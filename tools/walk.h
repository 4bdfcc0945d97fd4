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

/* Opens a directory; nothing is read yet, `plan` is all zero. MR_E_NOT_FOUND, MR_E_IO. walk_close
 * also after a failure. */
int walk_open(struct walk *walk, const char *directory, struct mr_error *error);

/* Reads all, to find out what the directory holds, and shows the progress; `plan.last_index` is 0
 * when there is a journal without any entry. Codes of mr_journal_inspect. */
int walk_plan(struct walk *walk, struct mr_error *error);

/* Goes to the entry that holds sequence `from`, or, if `from_time_ns` is not 0, to the first one
 * that is not older. With a plan it ends where the plan does, else where the watermarks do.
 * MR_E_INVALID (the plan ends before it), MR_E_NOT_FOUND (the journal begins behind it, or ends
 * before it), MR_E_CORRUPT, MR_E_IO. */
int walk_begin(struct walk *walk, uint64_t from, uint64_t from_time_ns, struct mr_error *error);

/* The same for tailing, without a plan: waits for the first entry, finds the logic, and goes there.
 * MR_AGAIN: a signal came first. */
int walk_follow(struct walk *walk, uint64_t from, uint64_t from_time_ns, struct mr_error *error);

/* Sleeps, or less if a signal comes. */
void walk_wait(uint32_t us);

/* Reads genesis, to find walk->logic; there is at least one entry. MR_E_MISMATCH (none that is
 * known), MR_E_VERSION, MR_E_CORRUPT, MR_E_IO, MR_E_NO_MEMORY. */
int walk_find_logic(struct walk *walk, struct mr_error *error);

void walk_close(struct walk *walk);

/* The logic that a directory's genesis names, in the newest version that is known here. Codes as
 * walk_open and walk_find_logic. */
int walk_newest_logic(const char *directory, const struct mr_logic **logic, struct mr_error *error);

/* MR_OK: the next entry, in memory until the next call; MR_AGAIN: there is none; MR_E_CORRUPT (also
 * when its commands do not make it up: they have no length, another sequence, or a batch that does
 * not end), MR_E_IO. */
int walk_next(struct walk *walk, const struct mr_entry **entry, struct mr_error *error);

/* What a checksum does not see: false for an entry that was written wrong, whose commands do not
 * make it up. */
bool walk_entry_is_sound(const struct mr_entry *entry);

/* The commands of an entry that walk_next gave: calls `each` for those from sequence `from` to
 * `to`. It stops, and returns false, when `each` does. */
bool walk_commands(const struct mr_entry *entry, uint64_t from, uint64_t to,
                   bool (*each)(void *context, const struct mr_command *command), void *context);

#endif
