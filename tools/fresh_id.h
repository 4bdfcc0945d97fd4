/*
 * Fresh ids for typed lines: time-ordered ones (mr_ledger_id), which nobody has to make up.
 *
 *     transfer_create id=new debit_account_id=1 ...     a command with a field `id` of 128 bits
 *     transfer_create debit_account_id=1 ...            the ledger's transfers, without any
 */
#ifndef MR_TOOLS_FRESH_ID_H
#define MR_TOOLS_FRESH_ID_H

#include <millrace/logic.h>

/* All zero at first. */
struct fresh_ids {
    struct mr_u128 last; /* ids rise */
    char *line;          /* as it is with the id */
    size_t room;
};

/* Where the line, `*length` bytes of `*line`, is a command that wants a fresh id, *line becomes one
 * that has it, valid until the next call. `time_ns` is the ledger's time; `lines_tell`: unless the
 * line says another, which counts where the journal's clock is the input's. False: there is no
 * memory, or no random number. */
bool fresh_ids_fill(struct fresh_ids *ids, const struct mr_logic *logic, uint64_t time_ns,
                    bool lines_tell, const char **line, size_t *length);

/* The machine's time, of ledgers whose clock that is. */
uint64_t fresh_ids_now(void);

void fresh_ids_free(struct fresh_ids *ids);

#endif
