/*
 * The input's batches: a source says with `more` that the next command is of the same batch, and
 * what it so gives one by one goes to the engine together, or not at all.
 */
#include "base/assert.h"
#include "tools/run_parts.h"

#include <millrace/common.h>

/* Where the clock is the machine's, the engine makes its own ticks, each a batch by itself; those
 * of a dump are left out. */
static bool is_left_out(const struct run *run, const struct mr_command *command)
{
    return command->type == MR_COMMAND_TICK && run->clock == MR_CLOCK_WALL && !command->more &&
           run->batch.count == 0;
}

enum source_outcome run_batch_next(struct run *run, struct mr_error *error)
{
    for (;;) {
        struct mr_command *command = batch_room(&run->batch);
        command->more = 0;
        enum source_outcome outcome = run->source->calls->next(run->source, command, error);
        switch (outcome) {
        case SOURCE_COMMAND:
            if (!is_left_out(run, command) && batch_add(&run->batch)) {
                return SOURCE_COMMAND;
            }
            break;
        case SOURCE_BAD:
            batch_give_up(&run->batch, command->more);
            return SOURCE_BAD;
        case SOURCE_END:
            ASSERT(run->batch.count == 0); /* sources see to that */
            return SOURCE_END;
        case SOURCE_WAIT:
        case SOURCE_FAILED:
            return outcome;
        }
    }
}
