/*
 * The file of `run --acks`: what was promised. A line `sequence request` for each acknowledged
 * command, written when its answer has come, which is after the command became durable. Whoever has
 * the file can check that the journal keeps the promise (acks_check, `millrace verify --acks`).
 *
 * The file is written with plain writes and never synced: what it must survive is the death of the
 * process, not that of the machine.
 */
#ifndef MR_TOOLS_ACKS_H
#define MR_TOOLS_ACKS_H

#include <millrace/error.h>
#include <millrace/journal.h>

#include <stdint.h>

struct acks;

/* Opens or makes the file to append to it; an incomplete last line, cut by a kill, is removed. Its
 * last whole line must promise nothing above `last_sequence`, where the journal ends: else the file
 * is another journal's, or the journal has lost something (MR_E_MISMATCH, the file is left alone).
 * MR_E_NOT_FOUND, MR_E_READ_ONLY, MR_E_IO, MR_E_NO_MEMORY. */
int acks_open(const char *path, uint64_t last_sequence, struct acks **acks, struct mr_error *error);
/* Notes one line; written by the next flush at the latest. */
void acks_add(struct acks *acks, uint64_t sequence, uint64_t request);
/* Writes what was noted, in one write if the system takes it. MR_E_IO, MR_E_NO_SPACE: once failed,
 * it fails for good. */
int acks_flush(struct acks *acks, struct mr_error *error);
/* Does not flush. NULL does nothing. */
void acks_close(struct acks *acks);

/* What acks_check found. */
struct acks_report {
    uint64_t lines;
    uint64_t last_sequence;                 /* the highest one promised, 0: none */
    uint64_t missing;                       /* lines whose command the journal does not have */
    uint64_t first_sequence, first_request; /* of the first missing one */
};

/* Looks up every line of the file in the journal of a directory, without lock and without writing.
 * A cut last line counts as not written. MR_OK also when commands are missing: `report` tells.
 * MR_E_INVALID (a line that is none), MR_E_NOT_FOUND, MR_E_CORRUPT, MR_E_IO, MR_E_NO_MEMORY. */
int acks_check(const char *path, const char *directory, struct acks_report *report,
               struct mr_error *error);

/* The same for somebody who reads the journal anyway: reads the file, is shown the entries in order
 * (again from the first: it begins anew), and tells. Codes of acks_check; close takes NULL. */
struct acks_check;
int acks_check_open(const char *path, struct acks_check **check, struct mr_error *error);
void acks_check_entry(struct acks_check *check, const struct mr_entry *entry);
void acks_check_end(struct acks_check *check, struct acks_report *report);
void acks_check_close(struct acks_check *check);

#endif
